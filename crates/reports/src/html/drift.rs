//! The columns: a table of all, worst first, and a card with a picture for each.

use std::fmt::Write as _;

use super::{table_begins, table_ends};
use crate::chart;
use crate::escape::{html, name, shown};
use crate::number::{count, number, p_value, percent, plural};
use crate::{Distribution, DriftPart, Facts, Feature, Verdict};

/// Beyond, columns are in the table only: nobody looks at a thousand pictures, and no mail takes them.
pub(super) const CARDS_MAX: usize = 250;
const TABLE_MAX: usize = 2_000;

pub(super) fn section(out: &mut String, part: &DriftPart) {
    out.push_str("<section aria-labelledby=\"columns\">\n<h2 id=\"columns\">Columns, worst first</h2>\n");
    if part.features.is_empty() {
        out.push_str("<p>There are no columns that could be compared.</p>\n</section>\n");
        return;
    }
    let columns = ["Column", "Verdict", "Rows that moved|num", "Test|wide", "Score|num wide", "Drift if|num wide", "Missing|num wide"];
    table_begins(out, &format!("{} of the reference", plural(part.features.len(), "column", "columns")), &columns);
    for (at, feature) in part.features.iter().enumerate().take(TABLE_MAX) {
        row(out, at, feature);
    }
    table_ends(out);
    if part.features.len() > TABLE_MAX {
        let _ = writeln!(out, "<p class=\"dim\">and {} more; the JSON has them all</p>", count((part.features.len() - TABLE_MAX) as u64));
    }
    explain(out, part);
    out.push_str("</section>\n");
}

pub(super) fn cards(out: &mut String, part: &DriftPart) {
    if part.features.is_empty() {
        return;
    }
    out.push_str("<section aria-labelledby=\"cards\">\n<h2 id=\"cards\">What they look like</h2>\n");
    out.push_str(
        "<p class=\"legend\"><svg class=\"key\" viewBox=\"0 0 14 10\" aria-hidden=\"true\"><rect class=\"ref\" x=\"1\" y=\"1\" width=\"12\" height=\"8\"/></svg> reference \
         <svg class=\"key\" viewBox=\"0 0 14 10\" aria-hidden=\"true\"><rect class=\"cur\" x=\"1\" y=\"1\" width=\"12\" height=\"8\"/></svg> current, \
         dashed lines: medians; height and length: the share of the rows of each side</p>\n<div class=\"cards\">\n",
    );
    for (at, feature) in part.features.iter().enumerate().take(CARDS_MAX) {
        card(out, at, feature);
    }
    out.push_str("</div>\n");
    if part.features.len() > CARDS_MAX {
        let _ = writeln!(out, "<p class=\"dim\">The first {CARDS_MAX} have a picture.</p>");
    }
    out.push_str("</section>\n");
}

fn row(out: &mut String, at: usize, feature: &Feature) {
    let verdict = feature.verdict();
    let column = name(&feature.row.name);
    let column = if at < CARDS_MAX { format!("<a href=\"#f{at}\"><bdi>{column}</bdi></a>") } else { format!("<bdi>{column}</bdi>") };
    let missing = feature.current.as_ref().map_or("-".into(), |facts| percent(facts.missing_share()));
    let _ = writeln!(
        out,
        "<tr><th scope=\"row\">{column}</th><td>{}</td><td class=\"num\">{}</td><td class=\"wide\">{}</td><td class=\"num wide\">{}</td><td class=\"num wide\">{}</td><td class=\"num wide\">{missing}</td></tr>",
        chip(verdict),
        moved(feature),
        feature.row.test.map_or("-", |test| test.name()),
        html(&feature.score()),
        html(&feature.limit()),
    );
}

fn chip(verdict: Verdict) -> String {
    format!("<span class=\"chip {}\"><span aria-hidden=\"true\">{}</span> {}</span>", verdict.tone(), verdict.sign(), verdict.word())
}

/// The number and a bar as long as it.
fn moved(feature: &Feature) -> String {
    let Some(moved) = feature.moved else { return "-".into() };
    let class = feature.verdict().tone();
    format!(
        "{} <svg class=\"meter\" viewBox=\"0 0 60 8\" aria-hidden=\"true\"><rect class=\"rail\" width=\"60\" height=\"8\" rx=\"2\"/><rect class=\"fill {class}\" width=\"{:.0}\" height=\"8\" rx=\"2\"/></svg>",
        percent(moved),
        (moved.clamp(0.0, 1.0) * 60.0).max(1.0)
    )
}

fn explain(out: &mut String, part: &DriftPart) {
    let text = if part.corrected {
        "A column has drifted when it is both sure and large: the p-value, corrected for the number of columns, is at most the line, and at least \
         the asked share of its rows lies elsewhere (or few rows went far)."
    } else {
        "A p-value means drift when it is small, a distance when it is large."
    };
    let approximate = if part.features.iter().any(|feature| feature.row.rank_error.is_some()) {
        " Numbers come from profiles and are approximate within the bound that each card tells."
    } else {
        ""
    };
    let _ =
        writeln!(out, "<p class=\"dim\">Rows that moved: the share of rows that lie elsewhere, whatever the test. {text}{approximate}</p>");
}

fn card(out: &mut String, at: usize, feature: &Feature) {
    let row = &feature.row;
    let _ = writeln!(
        out,
        "<article class=\"card {}\" id=\"f{at}\" aria-labelledby=\"h{at}\">\n<div class=\"cardhead\"><h3 id=\"h{at}\"><bdi>{}</bdi></h3>{}</div>",
        feature.verdict().tone(),
        name(&row.name),
        chip(feature.verdict())
    );
    let title = format!("{}: reference and current", shown(&row.name, 60));
    match &feature.distribution {
        Some(Distribution::Numbers(bins)) => {
            chart::bins(out, &format!("p{at}"), &title, bins, [feature.reference.as_ref(), feature.current.as_ref()]);
        }
        Some(Distribution::Categories(bars)) => chart::bars(out, &format!("p{at}"), &title, bars),
        None => out.push_str("<p class=\"empty\">no picture</p>"),
    }
    let _ = writeln!(out, "\n<p>{}</p>\n<p class=\"dim\">{}</p>\n</article>", html(&feature.sentence()), html(&small_print(feature)));
}

fn small_print(feature: &Feature) -> String {
    let row = &feature.row;
    let mut said = Vec::new();
    if let (Some(test), Some(_)) = (row.test, row.score) {
        let what = if feature.is_distance() { "distance" } else { "p" };
        said.push(format!("{}: {what} {} (drift if {})", test.name(), feature.score(), feature.limit()));
    }
    match (row.effect, row.effect_threshold, row.distance) {
        (Some(_), Some(threshold), distance) => {
            let far = distance.map_or(String::new(), |distance| format!(", distance {} standard deviations", number(distance)));
            said.push(format!("{} of the rows moved (drift from {}){far}", feature.moved_text(), percent(threshold)));
        }
        _ => said.extend(feature.moved.map(|moved| format!("{} of the rows moved", percent(moved)))),
    }
    if let (Some(p), Some(score)) = (row.p_value, row.score)
        && p_value(p) != p_value(score)
    {
        said.push(format!("p of this column alone {}", p_value(p)));
    }
    if let Some(Distribution::Numbers(bins)) = &feature.distribution
        && bins.reference_beyond.max(bins.current_beyond) > 1e-9
    {
        said.push(format!(
            "not drawn: {} of the reference and {} of the current rows lie farther out",
            percent(bins.reference_beyond),
            percent(bins.current_beyond)
        ));
    }
    for (word, facts) in [("reference", &feature.reference), ("current", &feature.current)] {
        said.extend(facts.as_ref().and_then(|facts| unusable(word, facts)));
    }
    if let Some(error) = row.rank_error {
        said.push(format!("from profiles: shares are off by at most {}", percent(error)));
    }
    let mut text = said.join("; ");
    if !text.is_empty() {
        text.push('.');
    }
    text
}

fn unusable(word: &str, facts: &Facts) -> Option<String> {
    let mut said = Vec::new();
    if facts.missing > 0 {
        said.push(format!("{} missing", count(facts.missing)));
    }
    if facts.infinite > 0 {
        said.push(format!("{} infinite", count(facts.infinite)));
    }
    (!said.is_empty()).then(|| format!("{word}: {} of {} cells", said.join(" and "), count(facts.rows)))
}
