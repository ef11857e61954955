//! Do probabilities mean what they say: how often it came true beside the probability that was given.

use std::fmt::Write as _;

use bellbuoy_models::Bin;

use super::{label, open, px};
use crate::number::{count, number, percent};

const SIDE: usize = 240;
const LEFT: f64 = 34.0;
const RIGHT: f64 = 232.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 206.0;

pub(crate) fn reliability(out: &mut String, id: &str, bins: &[Bin]) {
    let said: Vec<String> = bins.iter().map(text).collect();
    open(out, id, "square", SIDE, SIDE, "Reliability: predicted probability and how often it came true", &said.join("; "));
    let (x, y) = (|p: f64| LEFT + p * (RIGHT - LEFT), |p: f64| BOTTOM - p * (BOTTOM - TOP));
    for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let _ = write!(out, "<path class=\"grid\" d=\"M{LEFT} {}H{RIGHT}M{} {TOP}V{BOTTOM}\"/>", px(y(tick)), px(x(tick)));
        label(out, LEFT - 5.0, y(tick) + 4.0, "end", "tick", &number(tick));
        label(out, x(tick), BOTTOM + 14.0, "middle", "tick", &number(tick));
    }
    let _ = write!(out, "<path class=\"refline\" d=\"M{LEFT} {BOTTOM}L{RIGHT} {TOP}\"/>");
    let mut path = String::new();
    for (at, bin) in bins.iter().enumerate() {
        let _ = write!(path, "{}{} {}", if at == 0 { 'M' } else { 'L' }, px(x(bin.mean_probability)), px(y(bin.frequency)));
    }
    let _ = write!(out, "<path class=\"curline\" d=\"{path}\"/>");
    let most = bins.iter().map(|bin| bin.rows).fold(1.0, f64::max);
    for bin in bins {
        let radius = 2.0 + 5.0 * (bin.rows / most).sqrt();
        let (cx, cy) = (px(x(bin.mean_probability)), px(y(bin.frequency)));
        let said = crate::escape::html(&text(bin));
        let _ = write!(out, "<circle class=\"dot\" cx=\"{cx}\" cy=\"{cy}\" r=\"{}\"><title>{said}</title></circle>", px(radius));
    }
    label(out, (LEFT + RIGHT) / 2.0, BOTTOM + 30.0, "middle", "tick", "predicted probability");
    out.push_str("</svg>");
}

fn text(bin: &Bin) -> String {
    format!("said {}, came true {} of {} rows", percent(bin.mean_probability), percent(bin.frequency), count(bin.rows as u64))
}
