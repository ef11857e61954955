//! Pictures as SVG that stands in the page: no style of its own but classes, a title and a description for those who do not see it.

mod bars;
mod bins;
mod lines;
mod reliability;
mod time_ticks;

pub(crate) use bars::bars;
pub(crate) use bins::bins;
pub(crate) use lines::{LineChart, lines};
pub(crate) use reliability::reliability;
pub(crate) use time_ticks::TimeTicks;

use std::fmt::Write as _;

use crate::escape::html;

/// Begins a picture; `id` is unique in the page.
fn open(out: &mut String, id: &str, class: &str, width: usize, height: usize, title: &str, description: &str) {
    let _ = write!(
        out,
        "<svg class=\"{class}\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"{id}t {id}d\">\
         <title id=\"{id}t\">{}</title><desc id=\"{id}d\">{}</desc>",
        html(title),
        html(description)
    );
}

/// One decimal is a tenth of a pixel.
pub(crate) fn px(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

/// Text centred at `x`; near an edge it is moved so far in that it stays inside.
fn label(out: &mut String, x: f64, y: f64, anchor: &str, class: &str, text: &str) {
    let _ = write!(out, "<text x=\"{}\" y=\"{}\" text-anchor=\"{anchor}\" class=\"{class}\">{}</text>", px(x), px(y), html(text));
}
