//! Named sets of times, in which routes are muted or only in which they are active.

use bellbuoy_vocabulary::Timestamp;
use jiff::tz::TimeZone;

use crate::settings::{TimeInterval, TimeSpan};

/// Whether `now` lies in one of the interval's spans.
pub(crate) fn contains(interval: &TimeInterval, now: Timestamp) -> bool {
    interval.spans.iter().any(|span| span_contains(span, now))
}

fn span_contains(span: &TimeSpan, now: Timestamp) -> bool {
    let Ok(at) = jiff::Timestamp::from_millisecond(now.0) else { return false };
    // The configuration reader refuses unknown names; UTC is what an empty one means.
    let zone = if span.location.is_empty() { TimeZone::UTC } else { TimeZone::get(&span.location).unwrap_or(TimeZone::UTC) };
    let at = at.to_zoned(zone);
    let minute = at.hour() as u16 * 60 + at.minute() as u16;
    let any = |ranges: &[(i16, i16)], value: i16| ranges.is_empty() || ranges.iter().any(|(from, to)| (*from..=*to).contains(&value));
    let day = i16::from(at.day());
    let days_in_month = i16::from(at.days_in_month());
    (span.times.is_empty() || span.times.iter().any(|(from, to)| (*from..*to).contains(&minute)))
        && (span.days_of_month.is_empty() || span.days_of_month.iter().any(|range| has_day(*range, day, days_in_month)))
        && any(&span.months, i16::from(at.month()))
        && any(&span.weekdays, i16::from(at.weekday().to_sunday_zero_offset()))
        && any(&span.years, at.year())
}

/// Negative days count from the month's end; days behind the end are cut to it, unless the range begins behind it.
fn has_day((from, to): (i16, i16), day: i16, days_in_month: i16) -> bool {
    let plain = |day: i16| if day < 0 { days_in_month + day + 1 } else { day };
    let (from, to) = (plain(from), plain(to));
    from <= days_in_month && (from.max(1)..=to.min(days_in_month)).contains(&day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(span: TimeSpan, at: &str) -> bool {
        let at = Timestamp::parse_rfc3339(at).expect("a time of this test");
        contains(&TimeInterval { name: "t".into(), spans: vec![span] }, at)
    }

    #[test]
    fn all_fields_must_hold() {
        let night = TimeSpan { times: vec![(0, 360), (1320, 1440)], ..TimeSpan::default() };
        let weekend = TimeSpan { weekdays: vec![(6, 6), (0, 0)], ..TimeSpan::default() };
        let last_days = TimeSpan { days_of_month: vec![(-3, -1)], ..TimeSpan::default() };
        let thirty_first = TimeSpan { days_of_month: vec![(31, 31)], ..TimeSpan::default() };
        let summer = TimeSpan { months: vec![(6, 8)], years: vec![(2026, 2027)], ..TimeSpan::default() };
        let paris = TimeSpan { times: vec![(540, 1020)], location: "Europe/Paris".into(), ..TimeSpan::default() };
        for (span, at, expected) in [
            (&night, "2026-01-13T05:59:59Z", true),
            (&night, "2026-01-13T06:00:00Z", false),
            (&night, "2026-01-13T23:59:00Z", true),
            (&weekend, "2026-01-17T12:00:00Z", true),
            (&weekend, "2026-01-18T12:00:00Z", true),
            (&weekend, "2026-01-19T12:00:00Z", false),
            (&last_days, "2026-02-26T12:00:00Z", true),
            (&last_days, "2026-02-25T12:00:00Z", false),
            (&thirty_first, "2026-02-28T12:00:00Z", false),
            (&summer, "2026-07-01T12:00:00Z", true),
            (&summer, "2028-07-01T12:00:00Z", false),
            (&paris, "2026-01-13T08:30:00Z", true),
            (&paris, "2026-07-13T07:30:00Z", true),
            (&paris, "2026-01-13T07:30:00Z", false),
        ] {
            assert_eq!(holds(span.clone(), at), expected, "{span:?} {at}");
        }
    }
}
