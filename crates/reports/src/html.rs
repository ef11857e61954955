//! One page that stands alone: no script, no request, style in one element, so that it can be mailed, archived, and served under a strict
//! content security policy (`style-src 'unsafe-inline'` is all it asks for).

mod drift;
mod performance;

use std::fmt::Write as _;

use bellbuoy_drift::Finding;

use crate::escape::{html, name};
use crate::number::{count, plural};
use crate::{Mark, ModelReport, Side, Verdict};

const STYLE: &str = include_str!("html/style.css");
/// Rows of the tables of findings and of marks; the newest, or the first.
const LIST_MAX: usize = 200;

pub(crate) fn page(report: &ModelReport) -> String {
    let mut out = String::with_capacity(64 << 10);
    let title = name(&report.title);
    let _ = writeln!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<link rel=\"icon\" href=\"data:,\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n\
         </head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the report</a>"
    );
    header(&mut out, report, &title);
    out.push_str("<main id=\"main\">\n");
    changes(&mut out, report);
    performance::sections(&mut out, report);
    marks(&mut out, &report.marks);
    if let Some(part) = &report.drift {
        drift::section(&mut out, part);
    }
    if let Some(findings) = &report.quality {
        quality(&mut out, findings);
    }
    if let Some(part) = &report.drift {
        drift::cards(&mut out, part);
    }
    out.push_str("</main>\n<footer><p>Made by bellbuoy. This page needs no script and asks no other host for anything.</p></footer>\n</body>\n</html>\n");
    out
}

fn header(out: &mut String, report: &ModelReport, title: &str) {
    let _ = writeln!(out, "<header>\n<h1><bdi>{title}</bdi></h1>");
    if let Some(at) = report.at {
        let text = at.rfc3339();
        let shown = text.get(..16).unwrap_or(&text).replace('T', " ");
        let _ = writeln!(out, "<p class=\"at\"><time datetime=\"{0}\">{shown} UTC</time></p>", html(&text));
    }
    if let Some(drift) = &report.drift {
        let (verdict, word) = ModelReport::drift_words(drift);
        let (tone, sign) = (verdict.tone(), verdict.sign());
        let sentence = html(&ModelReport::drift_sentence(drift));
        let _ =
            writeln!(out, "<p class=\"verdict {tone}\"><strong><span aria-hidden=\"true\">{sign}</span> {word}</strong> {sentence}.</p>");
        out.push_str("<dl class=\"sides\">");
        for (class, word, side) in [("ref", "Reference", &drift.reference), ("cur", "Current", &drift.current)] {
            side_facts(out, class, word, side);
        }
        let broken = drift.features.iter().filter(|feature| feature.verdict() == Verdict::Broken).count();
        let _ = write!(out, "<div><dt>Judged by</dt><dd>{}</dd></div>", html(&drift.judged_by));
        if broken > 0 {
            let _ = write!(out, "<div><dt>Cannot be judged</dt><dd>{}</dd></div>", plural(broken, "column", "columns"));
        }
        out.push_str("</dl>\n");
    }
    out.push_str("</header>\n");
}

fn side_facts(out: &mut String, class: &str, word: &str, side: &Side) {
    let _ = write!(
        out,
        "<div><dt><svg class=\"key\" viewBox=\"0 0 14 10\" aria-hidden=\"true\"><rect class=\"{class}\" x=\"1\" y=\"1\" width=\"12\" height=\"8\"/></svg> {word}</dt>\
         <dd><bdi>{}</bdi> <span class=\"dim\">{} rows</span></dd></div>",
        name(&side.name),
        count(side.rows)
    );
}

fn changes(out: &mut String, report: &ModelReport) {
    let (changes, more) = report.changes();
    let findings = report.quality.as_ref().map_or(0, Vec::len);
    if changes.is_empty() && report.notes.is_empty() && findings == 0 {
        return;
    }
    let heading = if changes.is_empty() && findings == 0 { "Good to know" } else { "What changed" };
    let _ = writeln!(out, "<section aria-labelledby=\"changed\">\n<h2 id=\"changed\">{heading}</h2>\n<ul class=\"changes\">");
    for (who, what) in changes {
        let _ = writeln!(out, "<li><b><bdi>{}</bdi></b> <span>{}</span></li>", name(&who), html(&what));
    }
    if more > 0 {
        let _ = writeln!(out, "<li class=\"dim\">and {more} more, below</li>");
    }
    if findings > 0 {
        let _ = writeln!(out, "<li><a href=\"#quality\">{}</a> about the data itself</li>", plural(findings, "finding", "findings"));
    }
    for note in &report.notes {
        let _ = writeln!(out, "<li>{}</li>", html(note));
    }
    out.push_str("</ul>\n</section>\n");
}

fn quality(out: &mut String, findings: &[Finding]) {
    out.push_str("<section aria-labelledby=\"quality\">\n<h2 id=\"quality\">Data quality</h2>\n");
    if findings.is_empty() {
        out.push_str("<p>Nothing to complain about: no missing, infinite, constant, new, lost or retyped columns and values beyond what the reference has.</p>\n");
    } else {
        table_begins(out, "Findings about the current data", &["Column", "Finding", "What was found"]);
        for finding in findings.iter().take(LIST_MAX) {
            let column = finding
                .column
                .as_deref()
                .map_or("<span class=\"dim\">the table</span>".to_owned(), |column| format!("<bdi>{}</bdi>", name(column)));
            let defect = finding.defect.name().replace('_', " ");
            let _ = writeln!(
                out,
                "<tr><th scope=\"row\">{column}</th><td class=\"name\">{defect}</td><td class=\"long\">{}</td></tr>",
                html(&crate::escape::shown(&finding.text, 400))
            );
        }
        table_ends(out);
        more(out, findings.len());
    }
    out.push_str("</section>\n");
}

fn marks(out: &mut String, marks: &[Mark]) {
    if marks.is_empty() {
        return;
    }
    out.push_str("<section aria-labelledby=\"marks\">\n<h2 id=\"marks\">What happened</h2>\n");
    table_begins(out, "Deployments, decisions and trainings; the numbers are those in the pictures", &["#", "When", "What", "Why"]);
    for (number, mark) in marks.iter().enumerate().rev().take(LIST_MAX) {
        let at = mark.at.rfc3339();
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td><time datetime=\"{}\">{}</time></td><td>{}</td><td class=\"long\">{}</td></tr>",
            number + 1,
            html(&at),
            html(&at.get(..16).unwrap_or(&at).replace('T', " ")),
            name(&mark.what),
            html(&crate::escape::shown(&mark.text, 400))
        );
    }
    table_ends(out);
    more(out, marks.len());
    out.push_str("</section>\n");
}

fn more(out: &mut String, all: usize) {
    if all > LIST_MAX {
        let _ = writeln!(out, "<p class=\"dim\">and {} more; the JSON has them all</p>", count((all - LIST_MAX) as u64));
    }
}

/// A table that scrolls by itself where the screen is narrow, by keyboard too.
fn table_begins(out: &mut String, caption: &str, columns: &[&str]) {
    let caption = html(caption);
    let _ = write!(
        out,
        "<div class=\"scroll\" role=\"region\" aria-label=\"{caption}\" tabindex=\"0\"><table>\n<caption>{caption}</caption>\n<thead><tr>"
    );
    for column in columns {
        // A class after a bar: `Score|num`.
        let (text, class) = column.split_once('|').unwrap_or((column, ""));
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
        let _ = write!(out, "<th scope=\"col\"{class}>{text}</th>");
    }
    out.push_str("</tr></thead>\n<tbody>\n");
}

fn table_ends(out: &mut String) {
    out.push_str("</tbody>\n</table></div>\n");
}

#[cfg(test)]
mod tests;
