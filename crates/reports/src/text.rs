//! The same for a terminal: one screen, the worst columns as lines with two small pictures each.

use std::fmt::Write as _;

use bellbuoy_models::Figure;

use crate::escape::{cut, padded, width};
use crate::number::{count, number, percent, plural};
use crate::performance_part::name_of;
use crate::{DriftPart, Feature, ModelReport, PerformancePart, Verdict};

/// Where the text goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screen {
    /// Cells of a line.
    pub width: usize,
    /// Columns that are listed; `None`: all (a file, a pipe).
    pub features_max: Option<usize>,
    /// With escape sequences; a caller asks for them on a terminal without NO_COLOR only.
    pub colours: bool,
    /// Small pictures and arrows; else ASCII alone.
    pub unicode: bool,
}

impl Default for Screen {
    fn default() -> Screen {
        Screen { width: 100, features_max: None, colours: false, unicode: true }
    }
}

/// Cells of a small picture.
const SPARK: usize = 8;
const SPARKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Findings and changes that are listed.
const LINES_MAX: usize = 3;
const SEGMENTS_MAX: usize = 12;

#[derive(Clone, Copy)]
enum Ink {
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
}

pub(crate) fn of(report: &ModelReport, screen: &Screen) -> String {
    let mut out = String::new();
    let at = report.at.map_or(String::new(), |at| at.rfc3339().get(..16).unwrap_or_default().replace('T', " ") + " UTC");
    let room = screen.width.saturating_sub(width(&at) + 2);
    let title = cut(&report.title, room);
    let gap = room.saturating_sub(width(&title)) + 2;
    let gap = if at.is_empty() { 0 } else { gap };
    let _ = writeln!(out, "{}{}{}", screen.ink(Ink::Bold, &title), " ".repeat(gap), screen.ink(Ink::Dim, &at));
    for part in &report.performance {
        performance(&mut out, part, screen);
    }
    if let Some(part) = &report.drift {
        drift(&mut out, part, screen);
    }
    quality(&mut out, report, screen);
    for note in &report.notes {
        let _ = writeln!(out, "{}", screen.fit(note));
    }
    out
}

impl Screen {
    fn ink(&self, ink: Ink, text: &str) -> String {
        if !self.colours || text.is_empty() {
            return text.to_owned();
        }
        let code = match ink {
            Ink::Bold => "1",
            Ink::Dim => "2",
            Ink::Red => "31",
            Ink::Green => "32",
            Ink::Yellow => "33",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    fn of_verdict(&self, verdict: Verdict, text: &str) -> String {
        match verdict {
            Verdict::Drifted => self.ink(Ink::Red, text),
            Verdict::Broken => self.ink(Ink::Yellow, text),
            Verdict::Same => self.ink(Ink::Green, text),
            Verdict::Unknown | Verdict::LeftOut => self.ink(Ink::Dim, text),
        }
    }

    /// In one line.
    fn fit(&self, text: &str) -> String {
        cut(&self.plain(text), self.width)
    }

    fn plain(&self, text: &str) -> String {
        if self.unicode {
            return text.to_owned();
        }
        let ascii = |character: char| match character {
            '→' => "->".to_owned(),
            '≥' => ">=".into(),
            '≤' => "<=".into(),
            '“' | '”' => "\"".into(),
            '²' => "2".into(),
            '…' => "~".into(),
            character if character.is_ascii() => character.into(),
            _ => "?".into(),
        };
        text.chars().map(ascii).collect()
    }
}

fn drift(out: &mut String, part: &DriftPart, screen: &Screen) {
    let (verdict, word) = ModelReport::drift_words(part);
    let _ = writeln!(out, "{}  {}", screen.of_verdict(verdict, &word.to_uppercase()), ModelReport::drift_sentence(part));
    let side = |side: &crate::Side| format!("{} ({} rows)", crate::escape::shown(&side.name, 200), count(side.rows));
    let sides = format!("reference {}, current {}; {}", side(&part.reference), side(&part.current), part.judged_by);
    let _ = writeln!(out, "{}\n", screen.ink(Ink::Dim, &screen.fit(&sides)));
    let names = part.features.iter().map(|feature| width(&crate::escape::shown(&feature.row.name, 60))).max().unwrap_or(6);
    // Everything beside the name takes 63 cells.
    let names = names.clamp(6, screen.width.saturating_sub(63).max(6));
    let head = format!(
        "  {} {:<4} {:<16} {:>9} {:>8} {:>6}  reference  current",
        padded("column", names),
        "type",
        "test",
        "score",
        "drift if",
        "moved"
    );
    let _ = writeln!(out, "{}", screen.ink(Ink::Dim, &cut(&head, screen.width.max(40))));
    let shown = screen.features_max.unwrap_or(usize::MAX);
    for feature in part.features.iter().take(shown) {
        let _ = writeln!(out, "{}", line(feature, names, screen));
    }
    if let Some(rest) = part.features.get(shown..).filter(|rest| !rest.is_empty()) {
        let drifted = rest.iter().filter(|feature| feature.verdict() == Verdict::Drifted).count();
        let of_them = if drifted == 0 { "none of them drifted".to_owned() } else { format!("{drifted} of them drifted") };
        let _ = writeln!(
            out,
            "{}",
            screen.ink(Ink::Dim, &format!("  {} more, {of_them} (--all, or --format json or html)", count(rest.len() as u64)))
        );
    }
}

fn line(feature: &Feature, names: usize, screen: &Screen) -> String {
    let row = &feature.row;
    let verdict = feature.verdict();
    let sign = match (verdict, screen.unicode) {
        (Verdict::Same, false) => " ",
        (Verdict::Drifted, false) => "*",
        (Verdict::Broken, _) => "!",
        (Verdict::Unknown | Verdict::LeftOut, _) => "-",
        (_, true) => verdict.sign(),
    };
    let mut text = format!(
        "{} {} {:<4} {:<16} ",
        screen.of_verdict(verdict, sign),
        screen.plain(&padded(&row.name, names)),
        row.kind.name(),
        row.test.map_or("-", |test| test.name())
    );
    if row.error.is_some() {
        // The reason takes the place of the numbers.
        let room = screen.width.saturating_sub(names + 25).max(20);
        text.push_str(&screen.of_verdict(verdict, &cut(&feature.sentence(), if screen.features_max.is_some() { room } else { 400 })));
        return text;
    }
    let limit = screen.plain(&feature.limit());
    let _ = write!(text, "{:>9} {limit:>8} {:>6}", feature.score(), feature.moved_text());
    if let Some(distribution) = &feature.distribution {
        let (reference, current) = distribution.parts(SPARK);
        let tallest = [&reference, &current].into_iter().flatten().flatten().copied().fold(0.0, f64::max);
        let _ =
            write!(text, "  {}   {}", spark(reference.as_deref(), tallest, screen), spark(current.as_deref(), tallest, screen).trim_end());
    }
    text
}

fn spark(shares: Option<&[f64]>, tallest: f64, screen: &Screen) -> String {
    let mut out = String::new();
    for share in shares.unwrap_or_default() {
        let height = if tallest > 0.0 { share / tallest } else { 0.0 };
        out.push(match screen.unicode {
            _ if *share <= 0.0 => ' ',
            true => SPARKS[((height * 8.0).ceil() as usize).clamp(1, 8) - 1],
            false => b".:-=+*#@"[((height * 8.0).ceil() as usize).clamp(1, 8) - 1].into(),
        });
    }
    padded(&out, SPARK)
}

fn quality(out: &mut String, report: &ModelReport, screen: &Screen) {
    let Some(findings) = report.quality.as_ref().filter(|findings| !findings.is_empty()) else { return };
    let _ = writeln!(out, "\n{} about the data", screen.ink(Ink::Yellow, &plural(findings.len(), "finding", "findings")));
    let most = if screen.features_max.is_some() { LINES_MAX } else { usize::MAX };
    for finding in findings.iter().take(most) {
        let who = finding.column.as_deref().map_or(String::new(), |column| format!("{}: ", crate::escape::shown(column, 40)));
        let text = format!("  {who}{}", finding.text);
        let _ = writeln!(
            out,
            "{}",
            if screen.features_max.is_some() { screen.fit(&text) } else { screen.plain(&crate::escape::shown(&text, 400)) }
        );
    }
    if findings.len() > most {
        let _ = writeln!(out, "{}", screen.ink(Ink::Dim, &format!("  {} more", findings.len() - most)));
    }
}

fn performance(out: &mut String, part: &PerformancePart, screen: &Screen) {
    let left_out = if part.left_out > 0 { format!(", {} could not be used", count(part.left_out as u64)) } else { String::new() };
    let level = part.figures.iter().find_map(|figure| figure.interval.as_ref().ok());
    let level = level.map_or(String::new(), |interval| format!(", with {} intervals", percent(interval.level)));
    let _ = writeln!(out, "{}\n", screen.fit(&format!("{}: {} rows{left_out}{level}", part.name, count(part.rows as u64))));
    for figure in &part.figures {
        let _ = writeln!(out, "{}", figure_line(figure, screen));
    }
    for line in part.lines.iter().filter(|line| line.known() > 1) {
        let values: Vec<f64> = line.points.iter().filter_map(|point| point.figure.value.as_ref().ok().copied()).collect();
        let (Some(first), Some(last)) = (values.first(), values.last()) else { continue };
        let newest = &values[values.len().saturating_sub(40)..];
        let (low, high) = newest.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(*v), high.max(*v)));
        let heights: Vec<f64> =
            newest.iter().map(|value| if high > low { 0.1 + 0.9 * (value - low) / (high - low) } else { 0.5 }).collect();
        let picture: String = heights.chunks(1).map(|height| spark(Some(height), 1.0, screen).trim_end().to_owned()).collect();
        let text = format!("  {} over time {picture} {} → {}", name_of(line.metric), number(*first), number(*last));
        let _ = writeln!(out, "{}", screen.fit(&text));
    }
    for division in &part.divisions {
        let _ = writeln!(out, "\n{}", screen.fit(&format!("by {}", division.by)));
        let most = if screen.features_max.is_some() { SEGMENTS_MAX } else { usize::MAX };
        for (segment, evaluation) in division.segments.iter().take(most) {
            let figures: Vec<String> = evaluation
                .figures
                .iter()
                .filter_map(|figure| figure.value.as_ref().ok().map(|value| format!("{} {}", name_of(figure.metric), number(*value))))
                .take(3)
                .collect();
            let said = match (figures.is_empty(), evaluation.figures.first()) {
                (true, Some(Figure { value: Err(reason), .. })) => format!("unknown: {reason}"),
                _ => figures.join(", "),
            };
            let segment = if segment.is_empty() { "(missing)" } else { segment.as_str() };
            let _ =
                writeln!(out, "{}", screen.fit(&format!("  {} {:>9} rows  {said}", padded(segment, 20), count(evaluation.rows as u64))));
        }
        if division.segments.len() > most {
            let _ = writeln!(out, "  {} more", division.segments.len() - most);
        }
    }
}

fn figure_line(figure: &Figure, screen: &Screen) -> String {
    let name = padded(&screen.plain(&name_of(figure.metric)), 24);
    match &figure.value {
        Ok(value) => {
            let interval = figure
                .interval
                .as_ref()
                .map_or(String::new(), |interval| format!("  {} to {}", number(interval.low), number(interval.high)));
            format!("  {name}{:>10}{}", number(*value), screen.ink(Ink::Dim, &interval))
        }
        Err(reason) => format!("  {name}{:>10}  {}", "unknown", screen.ink(Ink::Yellow, &crate::escape::shown(&reason.to_string(), 200))),
    }
}

#[cfg(test)]
mod tests;
