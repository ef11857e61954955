//! A histogram of both sides: the reference as a grey area, the current data as a line above it.

use std::fmt::Write as _;

use super::{label, open, px};
use crate::number::{number, percent, ticks};
use crate::{Bins, Facts};

const WIDTH: usize = 320;
const HEIGHT: usize = 132;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 112.0;
const LEFT: f64 = 4.0;
const RIGHT: f64 = 316.0;
/// Characters of about 6 pixels fit beside each other.
const TICKS: usize = 5;

pub(crate) fn bins(out: &mut String, id: &str, title: &str, bins: &Bins, facts: [Option<&Facts>; 2]) {
    let (Some(low), Some(high)) = (bins.edges.first().copied(), bins.edges.last().copied()) else { return };
    let tallest = [&bins.reference, &bins.current].into_iter().flatten().flatten().copied().fold(0.0, f64::max);
    if tallest <= 0.0 {
        return;
    }
    open(out, id, "hist", WIDTH, HEIGHT, title, &description(bins, facts));
    let x = |value: f64| LEFT + (value - low) / (high - low) * (RIGHT - LEFT);
    let y = |share: f64| BOTTOM - share / tallest * (BOTTOM - TOP);
    let _ = write!(out, "<path class=\"grid\" d=\"M{LEFT} {TOP}H{RIGHT}\"/>");
    label(out, RIGHT, TOP - 4.0, "end", "tick", &format!("{} of rows", percent(tallest)));
    for (class, side) in [("ref", &bins.reference), ("cur", &bins.current)] {
        if let Some(shares) = side {
            let mut path = format!("M{} {}", px(x(low)), px(BOTTOM));
            let mut before = f64::NAN;
            for (edge, share) in bins.edges.windows(2).zip(shares) {
                // Neighbours of the same height need no line of their own.
                if *share != before {
                    let _ = write!(path, "H{}V{}", px(x(edge[0])), px(y(*share)));
                }
                before = *share;
            }
            let _ = write!(path, "H{}V{}", px(x(high)), px(BOTTOM));
            let _ = write!(out, "<path class=\"{class}\" d=\"{path}\"/>");
        }
    }
    let _ = write!(out, "<path class=\"axis\" d=\"M{LEFT} {BOTTOM}H{RIGHT}\"/>");
    axis(out, low, high, x);
    medians(out, facts, low, high, x);
    out.push_str("</svg>");
}

fn axis(out: &mut String, low: f64, high: f64, x: impl Fn(f64) -> f64) {
    let mut end = f64::NEG_INFINITY;
    for tick in ticks(low, high, TICKS) {
        let (text, at) = (number(tick), x(tick));
        let half = text.chars().count() as f64 * 3.2;
        let centre = at.clamp(LEFT + half, RIGHT - half);
        if centre - half < end + 6.0 {
            continue;
        }
        end = centre + half;
        let _ = write!(out, "<path class=\"axis\" d=\"M{} {BOTTOM}v3\"/>", px(at));
        label(out, centre, BOTTOM + 14.0, "middle", "tick", &text);
    }
}

/// A small triangle under the axis at the median of each side.
fn medians(out: &mut String, facts: [Option<&Facts>; 2], low: f64, high: f64, x: impl Fn(f64) -> f64) {
    for (class, facts) in [("refmark", facts[0]), ("curmark", facts[1])] {
        if let Some([_, median, _]) = facts.and_then(|facts| facts.quantiles)
            && (low..=high).contains(&median)
        {
            let _ = write!(out, "<path class=\"{class}\" d=\"M{} {BOTTOM}V{TOP}\"/>", px(x(median)));
        }
    }
}

fn description(bins: &Bins, facts: [Option<&Facts>; 2]) -> String {
    let mut said = Vec::new();
    for (name, facts, shares) in [("Reference", facts[0], &bins.reference), ("Current", facts[1], &bins.current)] {
        if let Some([low, median, high]) = facts.and_then(|facts| facts.quantiles) {
            let text = format!("{name}: median {}, 5 to 95 % of the rows from {} to {}.", number(median), number(low), number(high));
            said.push(text);
        } else if let Some(shares) = shares {
            let top = shares.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(bin, _)| bin);
            let middle = (bins.edges[top] + bins.edges[top + 1]) / 2.0;
            said.push(format!("{name}: most often about {} ({} of the rows).", number(middle), percent(shares[top])));
        } else {
            said.push(format!("{name}: no rows."));
        }
    }
    said.join(" ")
}
