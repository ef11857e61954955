//! `time_intervals` of alertmanager.yml: `monday:friday`, `-1:-1`, `january`, `09:00` to `17:00`.

use bellbuoy_router::{TimeInterval, TimeSpan};

use super::read::{Fields, Text, did_you_mean};
use super::yaml::Value;

const WEEKDAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const MONTHS: [&str; 12] =
    ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];

/// Reads `time_intervals` or the older `mute_time_intervals`; names are unique over both.
pub fn read_list(fields: &Fields, key: &'static str, found: &mut Vec<TimeInterval>) {
    for interval in fields.maps(key, "time interval") {
        let name = interval.required("name");
        let spans = spans(&interval);
        if let Some(name) = name {
            if found.iter().any(|earlier| earlier.name == name.as_str()) {
                interval.error(name.span(), format!("time interval {:?} is given twice", name.shown()), "");
            }
            found.push(TimeInterval { name: name.as_str().to_string(), spans });
        }
        interval.finish();
    }
}

/// The list `time_intervals` of one named interval.
pub fn spans(interval: &Fields) -> Vec<TimeSpan> {
    interval.maps("time_intervals", "time span").into_iter().map(span).collect()
}

fn span(fields: Fields) -> TimeSpan {
    for key in ["times", "weekdays", "days_of_month", "months", "years"] {
        // Alertmanager takes it for a list that holds never, while one that is missing holds always.
        if fields.node(key).is_some_and(|node| matches!(&node.value, Value::List(items) if items.is_empty())) {
            fields.error(fields.key_span(key), format!("an empty {key:?} holds never"), "remove it, or say when");
        }
    }
    let span = TimeSpan {
        times: fields.maps("times", "time range").into_iter().filter_map(times).collect(),
        weekdays: ranges(&fields, "weekdays", weekday),
        days_of_month: ranges(&fields, "days_of_month", day_of_month),
        months: ranges(&fields, "months", month),
        years: ranges(&fields, "years", year),
        location: location(&fields),
    };
    fields.finish();
    span
}

fn times(fields: Fields) -> Option<(u16, u16)> {
    let (start, end) = (fields.text("start_time"), fields.text("end_time"));
    let (Some(start), Some(end)) = (start, end) else {
        fields.error(fields.span, "a time range needs start_time and end_time", "write for example start_time: 09:00");
        return None;
    };
    let (from, to) = (minute(&fields, start), minute(&fields, end));
    if let (Some(from), Some(to)) = (from, to)
        && from >= to
    {
        let help = "a range over midnight is two: one until 24:00, one from 00:00";
        fields.error(end.span(), format!("end_time {} is not after start_time {}", end.shown(), start.shown()), help);
    }
    fields.finish();
    Some((from?, to?))
}

/// `HH:MM`, up to 24:00.
fn minute(fields: &Fields, text: Text) -> Option<u16> {
    let two = |part: &str| (part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse::<u16>().ok()).flatten();
    let parsed = text.as_str().split_once(':').and_then(|(hours, minutes)| {
        let (hours, minutes) = (two(hours)?, two(minutes)?);
        ((hours < 24 && minutes < 60) || (hours, minutes) == (24, 0)).then_some(hours * 60 + minutes)
    });
    if parsed.is_none() {
        fields.error(text.span(), format!("not a time of day: {:?}", text.shown()), "write HH:MM, 00:00 to 24:00");
    }
    parsed
}

type Member = fn(&str) -> Result<i16, String>;

/// `a` or `a:b`; both inclusive. `check` reads one end, and `order_ok` says whether the range can hold anything.
fn ranges(fields: &Fields, key: &'static str, member: Member) -> Vec<(i16, i16)> {
    let mut found = Vec::new();
    for text in fields.texts(key) {
        let word = text.as_str().to_lowercase();
        let (from, to) = word.split_once(':').unwrap_or((&word, &word));
        let range = member(from).and_then(|from| Ok((from, member(to)?)));
        match range.and_then(|(from, to)| order(key, from, to).map(|()| (from, to))) {
            Ok(range) => found.push(range),
            Err(reason) => fields.error(text.span(), format!("{:?} in {key:?}: {}", text.shown(), text.details(&reason)), ""),
        }
    }
    found
}

fn order(key: &str, from: i16, to: i16) -> Result<(), String> {
    if key == "days_of_month" {
        if from < 0 && to > 0 {
            return Err("the last day must be negative as well when the first is".into());
        }
        // The shortest month decides whether a range can ever hold.
        let from_start = |day: i16| if day < 0 { 28 + day } else { day };
        if from_start(from) > from_start(to) {
            return Err("the last day is always before the first".into());
        }
        return Ok(());
    }
    if from > to { Err("the end is before the start".into()) } else { Ok(()) }
}

fn weekday(word: &str) -> Result<i16, String> {
    let at = WEEKDAYS.iter().position(|day| *day == word);
    at.map(|day| day as i16).ok_or_else(|| unknown("weekday", word, &WEEKDAYS))
}

fn month(word: &str) -> Result<i16, String> {
    if let Some(at) = MONTHS.iter().position(|month| *month == word) {
        return Ok(at as i16 + 1);
    }
    let number = word.parse::<i16>().map_err(|_| unknown("month", word, &MONTHS))?;
    if (1..=12).contains(&number) { Ok(number) } else { Err(format!("{number} is no month")) }
}

fn day_of_month(word: &str) -> Result<i16, String> {
    let number = word.parse::<i16>().map_err(|_| format!("{word:?} is no day of the month"))?;
    let known = number != 0 && (-31..=31).contains(&number);
    if known { Ok(number) } else { Err(format!("{number} is no day of the month")) }
}

fn year(word: &str) -> Result<i16, String> {
    word.parse::<i16>().map_err(|_| format!("{word:?} is no year"))
}

fn unknown(what: &str, word: &str, known: &[&'static str]) -> String {
    let hint = did_you_mean(word, known.iter().copied());
    let separator = if hint.is_empty() { "" } else { "; " };
    format!("{word:?} is no {what}{separator}{hint}")
}

/// An IANA name. The system's time zone data decides what exists, so that a typo does not silently mean UTC.
fn location(fields: &Fields) -> String {
    let Some(text) = fields.text("location") else { return String::new() };
    let name = text.as_str();
    if name != "UTC" && name != "Local" && !name.is_empty() && jiff::tz::TimeZone::get(name).is_err() {
        fields.error(text.span(), format!("unknown time zone {:?}", text.shown()), "write an IANA name such as Europe/Paris");
    }
    if name == "Local" {
        // The router knows names only.
        return jiff::tz::TimeZone::system().iana_name().unwrap_or("UTC").to_string();
    }
    name.to_string()
}
