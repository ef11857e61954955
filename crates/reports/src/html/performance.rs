//! How good the model was: figures with their intervals, lines over time, segments, and the inside of a classification.

use std::fmt::Write as _;

use bellbuoy_drift::QuantileSketch;
use bellbuoy_models::{ClassDetails, Figure, Metric, Unknown};

use super::{table_begins, table_ends};
use crate::chart::{self, LineChart};
use crate::escape::{html, name};
use crate::number::{brief, count, number, percent};
use crate::performance_part::{better, name_of, source_of};
use crate::{Bins, Division, ModelReport, PerformancePart};

/// Classes of a confusion matrix; larger ones nobody reads.
const CLASSES_MAX: usize = 12;
const CLASS_ROWS_MAX: usize = 50;
/// Windows in the table beside a picture.
const WINDOWS_MAX: usize = 60;
const LEGEND: &str = "<p class=\"dim\">Band: interval. Hollow and dashed: estimated before the true values came. Cross: a window without a figure. \
                      Numbers: what happened, listed below.</p>";

pub(super) fn sections(out: &mut String, report: &ModelReport) {
    for (at, part) in report.performance.iter().enumerate() {
        let _ = writeln!(
            out,
            "<section aria-labelledby=\"performance{at}\">\n<h2 id=\"performance{at}\">Performance: <bdi>{}</bdi></h2>",
            name(&part.name)
        );
        let left_out = if part.left_out > 0 { format!(", {} could not be used", count(part.left_out as u64)) } else { String::new() };
        let _ = writeln!(out, "<p class=\"dim\">{} rows with a true value{left_out}</p>", count(part.rows as u64));
        tiles(out, &part.figures);
        // One window is no course: its figures are in the table below.
        for (line_at, line) in part.lines.iter().filter(|line| line.known() != 1).enumerate() {
            let _ = writeln!(
                out,
                "<figure>\n<figcaption>{} <span class=\"dim\">{}</span></figcaption>",
                name_of(line.metric),
                better(line.metric)
            );
            let before = out.len();
            chart::lines(out, &LineChart { id: &format!("l{at}x{line_at}"), name: &part.name, line, marks: &report.marks });
            if out.len() == before {
                out.push_str("<p class=\"empty\">No window has a value yet.</p>");
            }
            if line_at == 0 && out.len() > before {
                out.push_str(LEGEND);
            }
            windows(out, line);
            out.push_str("</figure>\n");
        }
        figures(out, &part.figures);
        errors(out, at, part);
        if let Some(classes) = &part.classes {
            inside(out, at, classes);
        }
        for division in &part.divisions {
            segments(out, division);
        }
        out.push_str("</section>\n");
    }
}

fn value(value: &Result<f64, Unknown>) -> String {
    match value {
        Ok(value) => number(*value),
        Err(reason) => format!("<span class=\"dim\">unknown: {}</span>", html(&reason.to_string())),
    }
}

/// The few figures that most people ask for first.
const HEADLINES: [Metric; 8] =
    [Metric::R2, Metric::Rmse, Metric::Mae, Metric::Accuracy, Metric::F1, Metric::F1Macro, Metric::RocAuc, Metric::LogLoss];
const TILES_MAX: usize = 4;

fn tiles(out: &mut String, figures: &[Figure]) {
    let known = |metric: &Metric| figures.iter().find(|figure| figure.metric == *metric && figure.value.is_ok());
    let shown: Vec<&Figure> = HEADLINES.iter().filter_map(known).collect();
    // The mean over the classes says nothing new beside the figure of the positive class.
    let binary = shown.iter().any(|figure| figure.metric == Metric::F1);
    let shown: Vec<&Figure> = shown.into_iter().filter(|figure| !(binary && figure.metric == Metric::F1Macro)).take(TILES_MAX).collect();
    if shown.is_empty() {
        return;
    }
    out.push_str("<dl class=\"tiles\">");
    for figure in shown {
        let interval = figure
            .interval
            .as_ref()
            .map_or(String::new(), |interval| format!(" <span class=\"dim\">{} to {}</span>", brief(interval.low), brief(interval.high)));
        let estimated = if figure.source.is_estimate() { " <span class=\"dim\">estimated</span>" } else { "" };
        let _ = write!(out, "<div><dt>{}{estimated}</dt><dd>{}{interval}</dd></div>", name_of(figure.metric), value(&figure.value));
    }
    out.push_str("</dl>\n");
}

fn figures(out: &mut String, figures: &[Figure]) {
    if figures.is_empty() {
        return;
    }
    let level = figures.iter().find_map(|figure| figure.interval.as_ref().ok()).map_or(String::new(), |interval| percent(interval.level));
    let interval = format!("{level} interval|num");
    table_begins(out, "All figures", &["Figure", "Value|num", interval.trim(), "Rows|num", "Source|wide", "Best|wide"]);
    for figure in figures {
        let interval =
            figure.interval.as_ref().map_or("-".into(), |interval| format!("{} to {}", number(interval.low), number(interval.high)));
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td class=\"num\">{}</td><td class=\"num\">{interval}</td><td class=\"num\">{}</td><td class=\"wide\">{}</td><td class=\"wide\">{}</td></tr>",
            name_of(figure.metric),
            value(&figure.value),
            count(figure.rows as u64),
            source_of(figure.source),
            better(figure.metric)
        );
    }
    table_ends(out);
}

/// The numbers of a picture, newest first.
fn windows(out: &mut String, line: &crate::Line) {
    if line.points.is_empty() {
        return;
    }
    out.push_str("<details><summary>The numbers</summary>\n");
    table_begins(
        out,
        &format!("{} by window, newest first", name_of(line.metric)),
        &["Until", "Value|num", "Interval|num", "Rows|num", "Source"],
    );
    for point in line.points.iter().rev().take(WINDOWS_MAX) {
        let at = point.to.rfc3339();
        let interval =
            point.figure.interval.as_ref().map_or("-".into(), |interval| format!("{} to {}", number(interval.low), number(interval.high)));
        let amended = if point.amended { ", amended" } else { "" };
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\"><time datetime=\"{}\">{}</time></th><td class=\"num\">{}</td><td class=\"num\">{interval}</td><td class=\"num\">{}</td><td>{}{amended}</td></tr>",
            html(&at),
            html(&at.get(..16).unwrap_or(&at).replace('T', " ")),
            value(&point.figure.value),
            count(point.figure.rows as u64),
            source_of(point.figure.source)
        );
    }
    table_ends(out);
    if line.points.len() > WINDOWS_MAX {
        let _ = writeln!(out, "<p class=\"dim\">and {} older ones</p>", count((line.points.len() - WINDOWS_MAX) as u64));
    }
    out.push_str("</details>\n");
}

fn errors(out: &mut String, at: usize, part: &PerformancePart) {
    let Some(bins) = Bins::of(None, Some(&QuantileSketch::of_sorted(&part.errors)), false).filter(|_| !part.errors.is_empty()) else {
        return;
    };
    out.push_str("<figure class=\"small\">\n<figcaption>Errors <span class=\"dim\">prediction - true value</span></figcaption>\n");
    chart::bins(out, &format!("e{at}"), "Errors: prediction minus true value", &bins, [None, None]);
    out.push_str("</figure>\n");
}

fn segments(out: &mut String, division: &Division) {
    let all: [Metric; 8] =
        [Metric::R2, Metric::Rmse, Metric::Mae, Metric::MeanError, Metric::Accuracy, Metric::F1, Metric::F1Macro, Metric::RocAuc];
    let has = |metric: &Metric| division.segments.iter().any(|(_, evaluation)| evaluation.value(*metric).is_ok());
    let metrics: Vec<Metric> = all.into_iter().filter(has).collect();
    let names: Vec<String> = metrics.iter().map(|metric| format!("{}|num", name_of(*metric))).collect();
    let mut columns = vec!["Segment", "Rows|num"];
    columns.extend(names.iter().map(String::as_str));
    let _ = writeln!(out, "<h3>By <bdi>{}</bdi></h3>", name(&division.by));
    table_begins(out, "The largest first", &columns);
    for (segment, evaluation) in &division.segments {
        let segment =
            if segment.is_empty() { "<span class=\"dim\">missing</span>".to_owned() } else { format!("<bdi>{}</bdi>", name(segment)) };
        let _ = write!(out, "<tr><th scope=\"row\">{segment}</th><td class=\"num\">{}</td>", count(evaluation.rows as u64));
        for metric in &metrics {
            let text =
                evaluation.value(*metric).map_or_else(|reason| format!("<span class=\"dim\">{}</span>", html(&reason.to_string())), number);
            let _ = write!(out, "<td class=\"num\">{text}</td>");
        }
        out.push_str("</tr>\n");
    }
    table_ends(out);
    if division.rows_beyond > 0 {
        let _ = writeln!(out, "<p class=\"dim\">{} rows are in smaller segments.</p>", count(division.rows_beyond as u64));
    }
}

fn inside(out: &mut String, at: usize, details: &ClassDetails) {
    out.push_str("<h3>By class</h3>\n");
    let columns = ["Class", "Rows|num", "Predicted|num", "Precision|num", "Recall|num", "F1|num", "ROC AUC|num wide", "PR AUC|num wide"];
    table_begins(out, "Each class against all others", &columns);
    for class in details.classes.iter().take(CLASS_ROWS_MAX) {
        let _ = write!(
            out,
            "<tr><th scope=\"row\"><bdi>{}</bdi></th><td class=\"num\">{}</td><td class=\"num\">{}</td>",
            name(&class.class),
            count(class.rows as u64),
            count(class.predicted as u64)
        );
        for (figure, wide) in
            [(&class.precision, ""), (&class.recall, ""), (&class.f1, ""), (&class.roc_auc, " wide"), (&class.pr_auc, " wide")]
        {
            let _ = write!(out, "<td class=\"num{wide}\">{}</td>", value(figure));
        }
        out.push_str("</tr>\n");
    }
    table_ends(out);
    if details.classes.len() > CLASS_ROWS_MAX {
        let _ = writeln!(out, "<p class=\"dim\">and {} more classes</p>", count((details.classes.len() - CLASS_ROWS_MAX) as u64));
    }
    confusion(out, details);
    if let Ok(bins) = &details.reliability {
        out.push_str("<figure class=\"small\">\n<figcaption>Reliability <span class=\"dim\">on the grey line, probabilities mean what they say</span></figcaption>\n");
        chart::reliability(out, &format!("r{at}"), bins);
        out.push_str("</figure>\n");
    }
}

fn confusion(out: &mut String, details: &ClassDetails) {
    let classes = details.classes.len();
    if classes > CLASSES_MAX {
        let _ = writeln!(out, "<p class=\"dim\">The confusion matrix of {classes} classes is in the JSON.</p>");
        return;
    }
    let names: Vec<String> = details.classes.iter().map(|class| format!("<bdi>{}</bdi>|num", name(&class.class))).collect();
    let mut columns = vec!["True class"];
    columns.extend(names.iter().map(String::as_str));
    table_begins(out, "Confusion: true classes down, predicted ones across; the share is that of the true class", &columns);
    for (class, row) in details.classes.iter().zip(&details.confusion) {
        let _ = write!(out, "<tr><th scope=\"row\"><bdi>{}</bdi></th>", name(&class.class));
        for (at, rows) in row.iter().enumerate() {
            let share = if class.rows == 0 { 0.0 } else { *rows as f64 / class.rows as f64 };
            let kind = if details.classes.get(at).is_some_and(|other| other.class == class.class) { "right" } else { "wrong" };
            let level = (share * 5.0).round() as usize;
            let _ = write!(
                out,
                "<td class=\"num {kind} level{level}\">{} <span class=\"dim\">{}</span></td>",
                count(*rows as u64),
                percent(share)
            );
        }
        out.push_str("</tr>\n");
    }
    table_ends(out);
}
