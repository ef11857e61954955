//! Go's time layouts: a picture of the moment `Mon Jan 2 15:04:05 MST 2006` says how to print another one.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::data::Time;

const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// The parts that a layout can hold, longer spellings before their beginnings.
const PARTS: [&str; 33] = [
    "2006",
    "January",
    "Monday",
    "-07:00:00",
    "Z07:00:00",
    "-07:00",
    "Z07:00",
    "-070000",
    "Z070000",
    "-0700",
    "Z0700",
    "__2",
    "002",
    "Jan",
    "Mon",
    "MST",
    "-07",
    "Z07",
    "_2",
    "15",
    "01",
    "02",
    "03",
    "04",
    "05",
    "06",
    "PM",
    "pm",
    "1",
    "2",
    "3",
    "4",
    "5",
];

/// The name of a month, 1 to 12.
pub(crate) fn month(number: i8) -> &'static str {
    MONTHS[(number - 1).clamp(0, 11) as usize]
}

/// The name of a weekday, 0 Sunday to 6.
pub(crate) fn weekday(number: i8) -> &'static str {
    DAYS[number.clamp(0, 6) as usize]
}

/// The zone of that IANA name; `None` when it is not known. Empty, `UTC` and `Local` are UTC.
pub(crate) fn zone(name: &str) -> Option<TimeZone> {
    if matches!(name, "" | "UTC" | "Local") { Some(TimeZone::UTC) } else { TimeZone::get(name).ok() }
}

pub(crate) fn zoned(time: &Time) -> jiff::Zoned {
    let at = Timestamp::from_millisecond(time.at_ms).unwrap_or(if time.at_ms < 0 { Timestamp::MIN } else { Timestamp::MAX });
    at.to_zoned(zone(&time.zone).unwrap_or(TimeZone::UTC))
}

pub(crate) fn format(time: &Time, layout: &str) -> String {
    let at = zoned(time);
    let mut out = String::new();
    let mut rest = layout;
    while let Some(first) = rest.chars().next() {
        if let Some((digits, length)) = fraction(rest, out.ends_with(|c: char| c.is_ascii_digit())) {
            out.push_str(&print_fraction(&at, rest.as_bytes()[0], rest.as_bytes()[1], digits));
            rest = &rest[length..];
            continue;
        }
        match PARTS.iter().find(|part| rest.starts_with(**part) && !is_longer_word(rest, part)) {
            Some(part) => {
                out.push_str(&print_part(&at, part));
                rest = &rest[part.len()..];
            }
            None => {
                out.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    out
}

/// `Jan` is a part, the beginning of `Janet` is none.
fn is_longer_word(rest: &str, part: &str) -> bool {
    matches!(part, "Jan" | "Mon") && rest.as_bytes().get(3).is_some_and(u8::is_ascii_lowercase)
}

/// `.000` or `,999` after the seconds: number of digits and length of the part.
fn fraction(rest: &str, after_digit: bool) -> Option<(usize, usize)> {
    let bytes = rest.as_bytes();
    if !after_digit || bytes.len() < 2 || !matches!(bytes[0], b'.' | b',') || !matches!(bytes[1], b'0' | b'9') {
        return None;
    }
    let digits = bytes[1..].iter().take_while(|b| **b == bytes[1]).count();
    let ends = bytes.get(1 + digits).is_none_or(|b| !b.is_ascii_digit());
    ends.then_some((digits, 1 + digits))
}

fn print_fraction(at: &jiff::Zoned, point: u8, style: u8, digits: usize) -> String {
    let nanos = format!("{:09}", at.subsec_nanosecond());
    let mut text = nanos[..digits.min(9)].to_string();
    if style == b'9' {
        text = text.trim_end_matches('0').to_string();
        if text.is_empty() {
            return text;
        }
    }
    format!("{}{text}", char::from(point))
}

fn print_part(at: &jiff::Zoned, part: &str) -> String {
    let hour12 = if at.hour() % 12 == 0 { 12 } else { at.hour() % 12 };
    let weekday = weekday(at.weekday().to_sunday_zero_offset());
    match part {
        "2006" => format!("{:04}", at.year()),
        "06" => format!("{:02}", at.year().rem_euclid(100)),
        "January" => month(at.month()).into(),
        "Jan" => month(at.month())[..3].into(),
        "01" => format!("{:02}", at.month()),
        "1" => at.month().to_string(),
        "Monday" => weekday.into(),
        "Mon" => weekday[..3].into(),
        "02" => format!("{:02}", at.day()),
        "_2" => format!("{:2}", at.day()),
        "2" => at.day().to_string(),
        "002" => format!("{:03}", at.day_of_year()),
        "__2" => format!("{:3}", at.day_of_year()),
        "15" => format!("{:02}", at.hour()),
        "03" => format!("{hour12:02}"),
        "3" => hour12.to_string(),
        "04" => format!("{:02}", at.minute()),
        "4" => at.minute().to_string(),
        "05" => format!("{:02}", at.second()),
        "5" => at.second().to_string(),
        "PM" => if at.hour() < 12 { "AM" } else { "PM" }.into(),
        "pm" => if at.hour() < 12 { "am" } else { "pm" }.into(),
        "MST" => abbreviation(at),
        offset => print_offset(at.offset().seconds(), offset),
    }
}

fn abbreviation(at: &jiff::Zoned) -> String {
    let text = at.strftime("%Z").to_string();
    if text.is_empty() { print_offset(at.offset().seconds(), "-0700") } else { text }
}

fn print_offset(seconds: i32, style: &str) -> String {
    if style.starts_with('Z') && seconds == 0 {
        return "Z".into();
    }
    let sign = if seconds < 0 { '-' } else { '+' };
    let (h, m, s) = (seconds.abs() / 3600, seconds.abs() / 60 % 60, seconds.abs() % 60);
    match &style[1..] {
        "07" => format!("{sign}{h:02}"),
        "0700" => format!("{sign}{h:02}{m:02}"),
        "07:00" => format!("{sign}{h:02}:{m:02}"),
        "070000" => format!("{sign}{h:02}{m:02}{s:02}"),
        _ => format!("{sign}{h:02}:{m:02}:{s:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_by_gos_picture() {
        let utc = Time { at_ms: 1_768_298_405_120, zone: String::new() };
        let paris = Time { zone: "Europe/Paris".into(), ..utc.clone() };
        for (time, layout, text) in [
            (&utc, "2006-01-02T15:04:05Z07:00", "2026-01-13T10:00:05Z"),
            (&paris, "2006-01-02T15:04:05Z07:00", "2026-01-13T11:00:05+01:00"),
            (&utc, "Mon, 02 Jan 2006 15:04:05 MST", "Tue, 13 Jan 2026 10:00:05 UTC"),
            (&paris, "Monday January _2 3:04PM MST -0700", "Tuesday January 13 11:00AM CET +0100"),
            (&utc, "15:04:05.000", "10:00:05.120"),
            (&utc, "15:04:05.999999", "10:00:05.12"),
            (&utc, "02/01/06 at 3pm, day 002", "13/01/26 at 10am, day 013"),
        ] {
            assert_eq!(format(time, layout), text, "{layout}");
        }
    }
}
