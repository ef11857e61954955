//! `interval-never`: a time interval that never comes, or that no route names.

use std::collections::BTreeSet;

use bellbuoy_router::{Route, TimeInterval, TimeSpan};
use bellbuoy_vocabulary::{Severity, Timestamp};

use super::routes::{finding, visit};
use crate::Input;
use crate::finding::{Finding, Step};
use crate::graph::RuleGraph;

pub const CODE: &str = "interval-never";

const DAYS: [i16; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

pub fn run(input: &Input, _: &RuleGraph, findings: &mut Vec<Finding>) {
    let Some(router) = input.router else { return };
    let mut used: BTreeSet<&str> = BTreeSet::new();
    let mut active: BTreeSet<&str> = BTreeSet::new();
    let note = |route: &Route| (route.mute_time_intervals.clone(), route.active_time_intervals.clone());
    let mut names: Vec<(Vec<String>, Vec<String>)> = vec![note(&router.route)];
    visit(router, &mut |view| names.push(note(view.route)));
    for (mute, on) in &names {
        used.extend(mute.iter().chain(on).map(String::as_str));
        active.extend(on.iter().map(String::as_str));
    }
    visit(router, &mut |view| {
        if always_muted(view.route, &router.time_intervals) {
            let message = format!("{} is muted all the time", view.name());
            let why = "Its mute intervals cover every minute at which it is active: its alerts are told to nobody.".to_string();
            findings.push(view.finding(input, CODE, Severity::Warning, message, why).under(["mute_time_intervals".into()]));
        }
    });
    for interval in &router.time_intervals {
        let place = || -> Vec<Step> { vec!["time_intervals".into(), Step::Item("name", interval.name.clone())] };
        let name = interval.name.as_str();
        let reasons: Vec<&str> = interval.spans.iter().filter_map(|span| never(span, input.now)).collect();
        if !interval.spans.is_empty() && reasons.len() == interval.spans.len() {
            let message = format!("time interval {name:?} never comes: {}", reasons[0]);
            let effect = match (active.contains(name), used.contains(name)) {
                (true, _) => "A route that is active only then tells nobody anything.",
                (false, true) => "A route that is muted then is never muted.",
                (false, false) => "No route names it either.",
            };
            findings.push(finding(input, CODE, Severity::Warning, message, effect.to_string(), None).under(place()));
        } else if !used.contains(name) {
            let message = format!("time interval {name:?} is named by no route");
            findings.push(finding(input, CODE, Severity::Info, message, "It has no effect.".to_string(), None).under(place()));
        }
    }
}

/// A route whose mute intervals cover all that its active ones leave.
fn always_muted(route: &Route, intervals: &[TimeInterval]) -> bool {
    let spans = |names: &[String]| -> Vec<&TimeSpan> {
        intervals.iter().filter(|interval| names.contains(&interval.name)).flat_map(|interval| &interval.spans).collect()
    };
    let (mute, active) = (spans(&route.mute_time_intervals), spans(&route.active_time_intervals));
    let every_day = |span: &&TimeSpan| span.days_of_month.is_empty() && span.months.is_empty() && span.years.is_empty();
    // Only those of one place and of every week are laid over each other.
    let mute: Vec<&TimeSpan> = mute.into_iter().filter(every_day).collect();
    let Some(first) = mute.first() else { return false };
    if mute.iter().any(|span| span.times.is_empty() && span.weekdays.is_empty()) {
        return true;
    }
    if mute.iter().chain(&active).any(|span| span.location != first.location) {
        return false;
    }
    let on = |span: &TimeSpan, day: i16, minute: u16| {
        (span.weekdays.is_empty() || span.weekdays.iter().any(|(a, b)| *a <= day && day <= *b))
            && (span.times.is_empty() || span.times.iter().any(|(a, b)| *a <= minute && minute < *b))
    };
    let open = |day: i16, minute: u16| {
        (route.active_time_intervals.is_empty() || active.iter().any(|span| on(span, day, minute)))
            && !mute.iter().any(|span| on(span, day, minute))
    };
    !(0..7).any(|day| (0..24 * 60).any(|minute| open(day, minute)))
}

/// Why no moment passes all fields.
fn never(span: &TimeSpan, now: Option<Timestamp>) -> Option<&'static str> {
    let year_now = now.map(|now| 1970 + (now.0 / 31_556_952_000) as i16);
    if let Some(year) = year_now
        && !span.years.is_empty()
        && span.years.iter().all(|(_, last)| *last < year)
    {
        return Some("its years are over");
    }
    let months: Vec<i16> =
        (1..=12).filter(|month| span.months.is_empty() || span.months.iter().any(|(a, b)| a <= month && month <= b)).collect();
    let fits = |month: &i16| {
        let length = DAYS[(*month - 1) as usize];
        let day = |day: i16| if day < 0 { length + day + 1 } else { day };
        span.days_of_month.is_empty() || span.days_of_month.iter().any(|(a, b)| day(*a).max(1) <= day(*b).min(length))
    };
    if !months.iter().any(fits) {
        return Some("its months do not have these days");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_that_never_come() {
        let span = |days: (i16, i16), month: (i16, i16)| TimeSpan { days_of_month: vec![days], months: vec![month], ..TimeSpan::default() };
        assert!(never(&span((30, 31), (2, 2)), None).is_some());
        assert!(never(&span((31, 31), (4, 4)), None).is_some());
        assert!(never(&span((29, 29), (2, 2)), None).is_none());
        assert!(never(&span((-1, -1), (2, 2)), None).is_none());
        assert!(never(&span((31, 31), (4, 5)), None).is_none());
        let past = TimeSpan { years: vec![(2020, 2021)], ..TimeSpan::default() };
        assert!(never(&past, Some(Timestamp(1_800_000_000_000))).is_some());
        assert!(never(&past, Some(Timestamp(1_600_000_000_000))).is_none());
        assert!(never(&past, None).is_none());
    }

    #[test]
    fn no_minute_is_left() {
        let interval = |name: &str, times: (u16, u16), weekdays: Vec<(i16, i16)>| TimeInterval {
            name: name.into(),
            spans: vec![TimeSpan { times: vec![times], weekdays, ..TimeSpan::default() }],
        };
        let intervals = [
            interval("office", (540, 1020), vec![(1, 5)]),
            interval("daytime", (480, 1200), Vec::new()),
            interval("lunch", (720, 780), Vec::new()),
            interval("night", (0, 480), Vec::new()),
            interval("evening", (1200, 1440), Vec::new()),
        ];
        let muted = |active: &[&str], mute: &[&str]| {
            let names = |list: &[&str]| list.iter().map(|name| name.to_string()).collect();
            let route = Route { active_time_intervals: names(active), mute_time_intervals: names(mute), ..Route::default() };
            always_muted(&route, &intervals)
        };
        assert!(muted(&["office"], &["daytime"]));
        assert!(muted(&[], &["night", "daytime", "evening"]));
        assert!(!muted(&["office"], &["lunch"]));
        assert!(!muted(&[], &["night", "daytime"]));
        assert!(!muted(&["office"], &[]));
    }
}
