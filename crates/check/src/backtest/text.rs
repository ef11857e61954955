//! Backtests on the terminal: a table, and when things fired as a line of marks.

use bellbuoy_vocabulary::{Millis, Timestamp};

use super::{Backtest, Cost, Suggestion, Variant};
use crate::explain::words::{clock, length};

const CELLS: usize = 60;
const EPISODES_MAX: usize = 12;

/// One line a rule.
pub fn table(tested: &[Backtest]) -> Vec<String> {
    let width = tested.iter().map(|one| one.alert.chars().count()).max().unwrap_or(5).clamp(5, 44);
    let mut out = vec![format!(
        "{:<width$}  {:>6} {:>9} {:>9} {:>6} {:>9} {:>8} {:>8}",
        "alert", "fired", "incidents", "messages", "flaps", "too short", "firing", "longest"
    )];
    for one in tested {
        let figures = one.figures();
        out.push(format!(
            "{:<width$}  {:>6} {:>9} {:>9} {:>6} {:>9} {:>7.1}% {:>8}",
            crate::explain::words::cut(&one.alert, width),
            figures.fired,
            figures.incidents,
            figures.messages,
            figures.flaps,
            figures.too_short,
            figures.firing_share * 100.0,
            if figures.fired == 0 { "-".into() } else { length(one.longest) },
        ));
    }
    out
}

/// The firing periods of one rule, and a line that shows when.
pub fn details(one: &Backtest, from: Timestamp, to: Timestamp) -> Vec<String> {
    let mut out = vec![timeline(one, from, to)];
    for episode in one.episodes.iter().take(EPISODES_MAX) {
        let until = match episode.until {
            Some(until) => format!("{} (for {})", clock(until, to), length(until - episode.fired_at)),
            None => "still".into(),
        };
        out.push(format!(
            "  {} → {until}  {}  at {}",
            clock(episode.fired_at, to),
            episode.labels,
            crate::explain::words::number(episode.value)
        ));
    }
    if one.episodes.len() > EPISODES_MAX {
        out.push(format!("  … {} more", one.episodes.len() - EPISODES_MAX));
    }
    out
}

/// `····██··▌·`: full where it fired, a half mark where it fired for less than half of the cell.
pub fn timeline(one: &Backtest, from: Timestamp, to: Timestamp) -> String {
    let cell = ((to - from).0 / CELLS as i64).max(1);
    let mark = |index: usize| {
        let (start, end) = (from + Millis(cell * index as i64), from + Millis(cell * (index as i64 + 1)));
        let fired: i64 = one.incidents.iter().map(|incident| (incident.until.min(end) - incident.from.max(start)).0.max(0)).sum();
        let any = one.episodes.iter().any(|episode| episode.fired_at < end && episode.until.unwrap_or(to) >= start);
        match (any, fired * 2 > cell) {
            (false, _) => '·',
            (true, true) => '█',
            (true, false) => '▌',
        }
    };
    let line: String = (0..CELLS).map(mark).collect();
    format!("  {line}  {} … {}", clock(from, to), clock(to, to))
}

/// A line a value, with bars of what it costs; the rule as it is has a star.
pub fn sweep_table(name: &str, variants: &[Variant], cost: Cost, from: Timestamp, to: Timestamp) -> Vec<String> {
    let most = variants.iter().map(|variant| variant.backtest.messages).max().unwrap_or(0).max(1);
    let fired = if cost == Cost::Messages { ["fired", "firing"] } else { ["times", "retrain"] };
    let heads = format!("{:>6} {:>9} {:>6} {:>8} {:>8}", fired[0], "incidents", "caught", "flaps", fired[1]);
    let mut out = vec![format!("{name:>16}  {heads}  {}", cost.word())];
    for variant in variants {
        let figures = variant.backtest.figures();
        let bar = "█".repeat((figures.messages * 24).div_ceil(most));
        let star = if variant.current { "*" } else { " " };
        out.push(format!(
            "{star}{:>15}  {:>6} {:>9} {:>6} {:>8} {:>7.1}%  {bar} {}",
            variant.text,
            figures.fired,
            figures.incidents,
            variant.caught,
            figures.flaps,
            figures.firing_share * 100.0,
            figures.messages
        ));
    }
    out.push(String::new());
    for variant in variants {
        out.push(format!("{:>16}{}", variant.text, timeline(&variant.backtest, from, to)));
    }
    out
}

pub fn suggestion_text(suggestion: &Result<Suggestion, String>) -> String {
    match suggestion {
        Ok(suggestion) => format!("suggestion: {}; {}", suggestion.value, suggestion.reason),
        Err(why) => format!("no suggestion: {why}"),
    }
}
