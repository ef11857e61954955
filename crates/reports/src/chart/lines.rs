//! A metric over time: a line with its interval, estimates beside what was seen, and a mark for what happened.

use std::fmt::Write as _;

use bellbuoy_vocabulary::Timestamp;

use super::{TimeTicks, label, open, px};
use crate::number::{number, ticks};
use crate::performance_part::{better, name_of, source_of};
use crate::{Line, Mark, Point};

const WIDTH: usize = 720;
const HEIGHT: usize = 220;
const TOP: f64 = 22.0;
const BOTTOM: f64 = 190.0;
/// Room for the numbers, which are larger on a small screen.
const LEFT: f64 = 62.0;
const RIGHT: f64 = 712.0;
/// Newer points than these are drawn.
const POINTS_MAX: usize = 400;
/// Up to so many points each has a dot that tells its numbers.
const DOTS_MAX: usize = 120;
/// Between the numbers of two marks.
const LABEL_ROOM: f64 = 36.0;

pub(crate) struct LineChart<'a> {
    pub id: &'a str,
    pub name: &'a str,
    pub line: &'a Line,
    pub marks: &'a [Mark],
}

/// The places of values on the picture.
struct Scale {
    from: f64,
    to: f64,
    low: f64,
    high: f64,
}

impl Scale {
    /// `None` when no point has a value.
    fn of(points: &[Point]) -> Option<Scale> {
        let mut scale = Scale { from: f64::INFINITY, to: f64::NEG_INFINITY, low: f64::INFINITY, high: f64::NEG_INFINITY };
        for point in points {
            let at = point.to.0 as f64;
            (scale.from, scale.to) = (scale.from.min(at), scale.to.max(at));
            if let Ok(value) = &point.figure.value {
                (scale.low, scale.high) = (scale.low.min(*value), scale.high.max(*value));
            }
        }
        if !(scale.low.is_finite() && scale.high.is_finite()) {
            return None;
        }
        // Intervals may widen the picture, but not so far that the line becomes flat.
        let range = (scale.high - scale.low).max(scale.high.abs() * 0.02).max(1e-12);
        // A difference that nobody would mind must not fill the picture.
        let lack = (range - (scale.high - scale.low)).max(0.0) / 2.0;
        (scale.low, scale.high) = (scale.low - lack, scale.high + lack);
        let (least, most) = (scale.low - range, scale.high + range);
        for interval in points.iter().filter_map(|point| point.figure.interval.as_ref().ok()) {
            scale.low = scale.low.min(interval.low.max(least));
            scale.high = scale.high.max(interval.high.min(most));
        }
        let margin = (scale.high - scale.low).max(range * 0.2) * 0.08;
        (scale.low, scale.high) = (scale.low - margin, scale.high + margin);
        if scale.to <= scale.from {
            (scale.from, scale.to) = (scale.from - 1.0, scale.to + 1.0);
        }
        Some(scale)
    }

    fn x(&self, at: Timestamp) -> f64 {
        LEFT + (at.0 as f64 - self.from) / (self.to - self.from) * (RIGHT - LEFT)
    }

    fn y(&self, value: f64) -> f64 {
        (BOTTOM - (value - self.low) / (self.high - self.low) * (BOTTOM - TOP)).clamp(TOP - 4.0, BOTTOM)
    }
}

/// Draws nothing when no point has a value.
pub(crate) fn lines(out: &mut String, chart: &LineChart) {
    let points = &chart.line.points[chart.line.points.len().saturating_sub(POINTS_MAX)..];
    let Some(scale) = Scale::of(points) else { return };
    let metric = chart.line.metric;
    let title = format!("{}: {} over time, {}", chart.name, name_of(metric), better(metric));
    open(out, chart.id, "line", WIDTH, HEIGHT, &title, &description(points, chart.marks));
    for tick in ticks(scale.low, scale.high, 5) {
        let y = scale.y(tick);
        let _ = write!(out, "<path class=\"grid\" d=\"M{LEFT} {}H{RIGHT}\"/>", px(y));
        label(out, LEFT - 6.0, y + 4.0, "end", "tick", &number(tick));
    }
    time_axis(out, &scale);
    marks(out, chart.marks, &scale);
    for run in points.chunk_by(|a, b| connected(a) && connected(b)).filter(|run| connected(&run[0])) {
        band(out, run, &scale);
        stroke(out, run, &scale);
    }
    dots(out, points, &scale);
    out.push_str("</svg>");
}

fn connected(point: &Point) -> bool {
    point.figure.value.is_ok()
}

fn band(out: &mut String, run: &[Point], scale: &Scale) {
    let known = |point: &'_ &Point| point.figure.interval.is_ok();
    for part in run.chunk_by(|a, b| known(&a) && known(&b)).filter(|part| part.len() > 1 && known(&&part[0])) {
        let mut path = String::new();
        for (at, point) in part.iter().enumerate() {
            if let Ok(interval) = &point.figure.interval {
                let _ = write!(path, "{}{} {}", if at == 0 { 'M' } else { 'L' }, px(scale.x(point.to)), px(scale.y(interval.high)));
            }
        }
        for point in part.iter().rev() {
            if let Ok(interval) = &point.figure.interval {
                let _ = write!(path, "L{} {}", px(scale.x(point.to)), px(scale.y(interval.low)));
            }
        }
        let _ = write!(out, "<path class=\"band\" d=\"{path}Z\"/>");
    }
}

/// The line changes its dress where seen figures turn into estimates.
fn stroke(out: &mut String, run: &[Point], scale: &Scale) {
    for pair in run.chunk_by(|a, b| a.figure.source == b.figure.source) {
        let mut path = String::new();
        for (at, point) in pair.iter().enumerate() {
            let value = point.figure.value.as_ref().copied().unwrap_or(f64::NAN);
            let _ = write!(path, "{}{} {}", if at == 0 { 'M' } else { 'L' }, px(scale.x(point.to)), px(scale.y(value)));
        }
        let class = if pair[0].figure.source.is_estimate() { "curline guess" } else { "curline" };
        let _ = write!(out, "<path class=\"{class}\" d=\"{path}\"/>");
    }
}

fn dots(out: &mut String, points: &[Point], scale: &Scale) {
    for point in points {
        let x = px(scale.x(point.to));
        match &point.figure.value {
            Ok(value) if points.len() <= DOTS_MAX => {
                let class = if point.figure.source.is_estimate() { "dot hollow" } else { "dot" };
                let said = crate::escape::html(&point_text(point));
                let _ = write!(
                    out,
                    "<circle class=\"{class}\" cx=\"{x}\" cy=\"{}\" r=\"3\"><title>{said}</title></circle>",
                    px(scale.y(*value))
                );
            }
            Ok(_) => {}
            // A window without a figure is seen as well: a small cross on the axis.
            Err(reason) => {
                let said = crate::escape::html(&format!("{}: unknown, {reason}", point.to.rfc3339()));
                let _ = write!(out, "<path class=\"gap\" d=\"M{x} {BOTTOM}m-3 -8l6 6m0 -6l-6 6\"><title>{said}</title></path>");
            }
        }
    }
}

fn marks(out: &mut String, marks: &[Mark], scale: &Scale) {
    let inside = |mark: &&Mark| (scale.from..=scale.to).contains(&(mark.at.0 as f64));
    // Numbers that would lie over each other share a label.
    let mut labels: Vec<(f64, f64, usize, usize)> = Vec::new();
    for (at, mark) in marks.iter().enumerate().filter(|(_, mark)| inside(mark)) {
        let x = scale.x(mark.at);
        let said = crate::escape::html(&format!("{}: {}", mark.at.rfc3339(), mark.what));
        let _ = write!(out, "<path class=\"mark\" d=\"M{} {TOP}V{BOTTOM}\"><title>{said}</title></path>", px(x));
        match labels.last_mut() {
            Some((_, end, _, last)) if x - *end < LABEL_ROOM => (*end, *last) = (x, at + 1),
            _ => labels.push((x, x, at + 1, at + 1)),
        }
    }
    for (from, to, first, last) in labels {
        let text = if first == last { first.to_string() } else { format!("{first}–{last}") };
        label(out, ((from + to) / 2.0).clamp(LEFT + 4.0, RIGHT - 8.0), TOP - 8.0, "middle", "marknumber", &text);
    }
}

fn time_axis(out: &mut String, scale: &Scale) {
    let _ = write!(out, "<path class=\"axis\" d=\"M{LEFT} {BOTTOM}H{RIGHT}\"/>");
    for (at, text) in TimeTicks::of(Timestamp(scale.from as i64), Timestamp(scale.to as i64)) {
        let x = scale.x(at);
        let _ = write!(out, "<path class=\"axis\" d=\"M{} {BOTTOM}v4\"/>", px(x));
        label(out, x.clamp(LEFT, RIGHT - 54.0), BOTTOM + 20.0, "middle", "tick", &text);
    }
}

pub(crate) fn point_text(point: &Point) -> String {
    let value = match &point.figure.value {
        Ok(value) => number(*value),
        Err(reason) => format!("unknown, {reason}"),
    };
    let interval = point
        .figure
        .interval
        .as_ref()
        .map_or(String::new(), |interval| format!(" ({} to {})", number(interval.low), number(interval.high)));
    let amended = if point.amended { ", amended by late true values" } else { "" };
    format!("{}: {value}{interval}, {} rows, {}{amended}", point.to.rfc3339(), point.figure.rows, source_of(point.figure.source))
}

fn description(points: &[Point], marks: &[Mark]) -> String {
    let known: Vec<&Point> = points.iter().filter(|point| point.figure.value.is_ok()).collect();
    let (Some(first), Some(last)) = (known.first(), known.last()) else { return "No window has a value.".into() };
    let by = |a: &&&Point, b: &&&Point| {
        let value = |point: &Point| point.figure.value.as_ref().copied().unwrap_or(f64::NAN);
        value(a).total_cmp(&value(b))
    };
    let mut said = format!("{} windows. First {}. Last {}.", points.len(), point_text(first), point_text(last));
    if let (Some(low), Some(high)) = (known.iter().min_by(by), known.iter().max_by(by)) {
        let _ = write!(said, " Lowest {}. Highest {}.", point_text(low), point_text(high));
    }
    if !marks.is_empty() {
        let _ = write!(said, " Marks: {}.", marks.len());
    }
    said
}
