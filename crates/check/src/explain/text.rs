//! An explanation on the terminal: the verdict, then a line a step, values against their thresholds, a small chart.
//!
//! In:    an `Explanation`. Out: text; with colours where wanted. Names that others chose lose their control characters.

use bellbuoy_vocabulary::Millis;

use super::words::{cut, number};
use super::{Chart, Explanation, LabelMap, Row, Step, StepKind, StepState};

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const ROWS_MAX: usize = 6;
const CHART_CELLS: usize = 60;

/// How the screen is.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    pub width: usize,
    pub colours: bool,
}

impl Explanation {
    pub fn text(&self, terminal: Terminal) -> String {
        let paint = Paint(terminal.colours);
        let mut out = String::new();
        let mut line = |text: String| {
            out.push_str(text.trim_end());
            out.push('\n');
        };
        line(paint.bold(&clean(&self.verdict)));
        if let Some(rule) = &self.rule {
            // Of a rule that a server told of, the line is not known.
            let place = if rule.line == 0 { rule.file.clone() } else { format!("{}:{}", rule.file, rule.line) };
            line(paint.dim(&clean(&format!("{place} group {}  {}", rule.group, self.at))));
        } else {
            line(paint.dim(&self.at));
        }
        line(String::new());
        for (index, step) in self.steps.iter().enumerate() {
            for text in self.step_lines(index, step, terminal, paint) {
                line(text);
            }
        }
        for other in &self.alternatives {
            line(
                paint.dim(&clean(&format!(
                    "another rule of this name: {}:{} group {}, {}",
                    other.file, other.line, other.group, other.state
                ))),
            );
        }
        out
    }

    fn step_lines(&self, index: usize, step: &Step, terminal: Terminal, paint: Paint) -> Vec<String> {
        let mark = match step.state {
            StepState::Passed => paint.green("✓"),
            StepState::Stopped => paint.red("✗"),
            StepState::Unknown => paint.yellow("?"),
            StepState::Skipped => paint.dim("·"),
        };
        let width = terminal.width.max(60);
        // The selector's line shows the text already.
        let repeated = step.kind == StepKind::Samples && index > 0 && self.steps[index - 1].title == step.title;
        let title = if repeated { String::new() } else { clean(&step.title) };
        let title_width = (width / 2).saturating_sub(16).max(24);
        let text = clean(&step.text);
        let long = title.chars().count() > title_width;
        let mut out = Vec::new();
        let kind = format!("{:<11}", step.kind.word());
        if long {
            out.push(format!("{mark} {} {}", paint.dim(&kind), cut(&title, width.saturating_sub(15))));
            out.push(format!("              {}", if step.state == StepState::Stopped { paint.red(&text) } else { text }));
        } else {
            let text = if step.state == StepState::Stopped { paint.red(&text) } else { text };
            out.push(format!("{mark} {} {title:<title_width$}  {text}", paint.dim(&kind)));
        }
        if step.state == StepState::Skipped {
            return out;
        }
        let wanted = matches!(step.kind, StepKind::Comparison | StepKind::For) || step.state == StepState::Stopped;
        if wanted && step.kind != StepKind::Delivery {
            for row in step.rows.iter().take(ROWS_MAX) {
                out.push(format!("                {}", row_text(row, paint)));
            }
            let more = step.rows.len().saturating_sub(ROWS_MAX) + step.rows_omitted;
            if more > 0 {
                out.push(paint.dim(&format!("                … and {more} more")));
            }
        }
        if let Some(chart) = &step.chart {
            out.extend(chart_lines(chart, paint));
        }
        for near in &step.nearest {
            let write = near.suggestion.as_ref().map(|text| format!("; write {text}")).unwrap_or_default();
            out.push(format!("              → {}{}", clean(&near.text), clean(&write)));
        }
        out
    }
}

fn row_text(row: &Row, paint: Paint) -> String {
    let value = row.value.as_deref().map(short).unwrap_or_default();
    let against = match (&row.threshold, row.passes) {
        (Some(threshold), Some(true)) => paint.green(&format!("{value} {} {}", row.op, short(threshold))),
        (Some(threshold), _) => format!("{value} {}", paint.dim(&format!("needs {} {}", row.op, short(threshold)))),
        _ => value,
    };
    let note = if row.note.is_empty() { String::new() } else { format!("  {}", row.note) };
    format!("{against}  {}{}", clean(&labels_text(&row.labels)), clean(&note))
}

fn short(text: &str) -> String {
    text.parse::<f64>().map_or_else(|_| text.to_string(), number)
}

fn labels_text(labels: &LabelMap) -> String {
    let name = labels.get("__name__").cloned().unwrap_or_default();
    let rest: Vec<String> =
        labels.iter().filter(|(name, _)| *name != "__name__").map(|(name, value)| format!("{name}={value:?}")).collect();
    if rest.is_empty() { name } else { format!("{name}{{{}}}", rest.join(", ")) }
}

/// A line of bars for the first series, scaled with its threshold.
fn chart_lines(chart: &Chart, paint: Paint) -> Vec<String> {
    let Some(first) = chart.series.iter().find(|series| series.role == "value") else { return Vec::new() };
    let threshold = chart
        .series
        .iter()
        .find(|series| series.role == "threshold")
        .and_then(|series| series.points.iter().rev().find_map(|point| point.1));
    let values: Vec<f64> = first.points.iter().filter_map(|point| point.1).collect();
    if values.len() < 2 {
        return Vec::new();
    }
    let (mut low, mut high) = values
        .iter()
        .copied()
        .chain(threshold)
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if low > 0.0 && low < high / 2.0 {
        low = 0.0;
    }
    if high <= low {
        (low, high) = (low - 1.0, high + 1.0);
    }
    let per_cell = first.points.len().div_ceil(CHART_CELLS).max(1);
    let bars: String = first
        .points
        .chunks(per_cell)
        .map(|chunk| match chunk.iter().filter_map(|point| point.1).reduce(f64::max) {
            None => ' ',
            Some(value) => BARS[(((value - low) / (high - low) * 7.0).round() as usize).min(7)],
        })
        .collect();
    let line = threshold.map(|threshold| format!(", threshold {}", number(threshold))).unwrap_or_default();
    let scale = format!("{} to {}{line}, last {}", number(low), number(high), Millis(chart.to - chart.from));
    vec![format!("                {bars}  {}", paint.dim(&scale))]
}

/// No escape sequences from labels and names.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn with(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }
    fn bold(self, text: &str) -> String {
        self.with("1", text)
    }
    fn dim(self, text: &str) -> String {
        self.with("2", text)
    }
    fn red(self, text: &str) -> String {
        self.with("31", text)
    }
    fn green(self, text: &str) -> String {
        self.with("32", text)
    }
    fn yellow(self, text: &str) -> String {
        self.with("33", text)
    }
}
