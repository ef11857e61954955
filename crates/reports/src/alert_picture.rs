//! The picture in a message: what an alert looked at, its threshold, and since when it holds. SVG for a rasteriser without styles.
//!
//! In:    curves, threshold and times, all from the caller. Out: SVG text, or `None` when there is nothing to draw.
//! Never: markup from a name: every text is escaped.

use std::fmt::Write as _;

use bellbuoy_vocabulary::Timestamp;

use crate::chart::{TimeTicks, px};
use crate::escape::{html, shown};
use crate::number::{number, ticks};

pub const WIDTH: usize = 800;
pub const HEIGHT: usize = 300;
const TOP: f64 = 62.0;
const BOTTOM: f64 = 262.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 780.0;
/// Curves beside the alert's own; more are a carpet.
pub const OTHERS_MAX: usize = 12;
const TITLE_CHARS_MAX: usize = 60;
const TEXT_CHARS_MAX: usize = 105;

const PAPER: &str = "#1b1f27";
const GRID: &str = "#2e3440";
const INK: &str = "#e6e9ee";
const QUIET: &str = "#9aa4b2";
const OTHER: &str = "#5d6b80";
const RED: &str = "#ff6b61";
const GREEN: &str = "#4cc38a";
const LINE: &str = "#5aa9e6";

#[derive(Clone, Debug, PartialEq)]
pub struct AlertPicture {
    pub title: String,
    /// The expression that is drawn.
    pub expression: String,
    pub firing: bool,
    pub from: Timestamp,
    pub to: Timestamp,
    pub curves: Vec<Curve>,
    pub threshold: Option<Threshold>,
    /// Since when the alert holds.
    pub since: Timestamp,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Oldest first; what is not finite is a gap.
    pub points: Vec<(Timestamp, f64)>,
    /// Of the alert itself.
    pub own: bool,
}

/// `value` is what the curve is compared with; the alert holds above it or below it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    pub value: f64,
    pub holds: Holds,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    Above,
    Below,
    /// Equal, or not equal: no side of the line.
    Neither,
}

struct Scale {
    from: f64,
    to: f64,
    low: f64,
    high: f64,
}

impl AlertPicture {
    /// `None` when there is nothing to see: no curve of the alert has a point.
    pub fn svg(&self) -> Option<String> {
        let scale = self.scale()?;
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             font-family=\"Ubuntu\" font-size=\"13\"><rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"{PAPER}\"/>"
        );
        self.head(&mut out);
        self.axes(&mut out, &scale);
        self.threshold(&mut out, &scale);
        let mut curves: Vec<&Curve> = self.curves.iter().filter(|curve| !curve.own).take(OTHERS_MAX).collect();
        // The alert's own lie on top.
        curves.extend(self.curves.iter().filter(|curve| curve.own));
        for curve in curves {
            draw(&mut out, curve, &scale);
        }
        self.since(&mut out, &scale);
        out.push_str("</svg>");
        Some(out)
    }

    fn scale(&self) -> Option<Scale> {
        let own = self.curves.iter().filter(|curve| curve.own).flat_map(|curve| &curve.points);
        let values = own.map(|(_, value)| *value).filter(|value| value.is_finite());
        let (mut low, mut high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        if !low.is_finite() || self.to <= self.from {
            return None;
        }
        if let Some(threshold) = self.threshold.filter(|threshold| threshold.value.is_finite()) {
            (low, high) = (low.min(threshold.value), high.max(threshold.value));
        }
        // From zero where that costs little of the picture.
        if low > 0.0 && low < high * 0.4 {
            low = 0.0;
        }
        let margin = (high - low).max(high.abs().max(low.abs()) * 0.02).max(1e-9) * 0.1;
        let low = if low == 0.0 { 0.0 } else { low - margin };
        Some(Scale { from: self.from.0 as f64, to: self.to.0 as f64, low, high: high + margin })
    }

    fn head(&self, out: &mut String) {
        let (word, colour) = if self.firing { ("FIRING", RED) } else { ("RESOLVED", GREEN) };
        let width = if self.firing { 62 } else { 82 };
        let _ = write!(
            out,
            "<rect x=\"16\" y=\"12\" width=\"{width}\" height=\"20\" rx=\"4\" fill=\"{colour}\"/>\
             <text x=\"{}\" y=\"26.5\" text-anchor=\"middle\" fill=\"{PAPER}\" font-size=\"12.5\" font-weight=\"bold\">{word}</text>\
             <text x=\"{}\" y=\"28\" fill=\"{INK}\" font-size=\"17\">{}</text>\
             <text x=\"16\" y=\"49\" fill=\"{QUIET}\" font-family=\"Hack\" font-size=\"11.5\">{}</text>",
            16 + width / 2,
            26 + width,
            html(&shown(&self.title, TITLE_CHARS_MAX)),
            html(&shown(&self.expression, TEXT_CHARS_MAX)),
        );
    }

    fn axes(&self, out: &mut String, scale: &Scale) {
        for tick in ticks(scale.low, scale.high, 5) {
            let y = scale.y(tick);
            let _ = write!(
                out,
                "<path d=\"M{LEFT} {}H{RIGHT}\" stroke=\"{GRID}\"/><text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"{QUIET}\">{}</text>",
                px(y),
                LEFT - 8.0,
                px(y + 4.5),
                html(&number(tick))
            );
        }
        for (at, text) in TimeTicks::of(self.from, self.to) {
            let x = scale.x(at);
            let middle = px(x.clamp(LEFT + 20.0, RIGHT - 40.0));
            let _ = write!(
                out,
                "<path d=\"M{} {BOTTOM}v5\" stroke=\"{QUIET}\"/><text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\" fill=\"{QUIET}\">{text}</text>",
                px(x),
                BOTTOM + 22.0
            );
        }
        let _ = write!(
            out,
            "<path d=\"M{LEFT} {BOTTOM}H{RIGHT}\" stroke=\"{QUIET}\"/><text x=\"{RIGHT}\" y=\"{}\" text-anchor=\"end\" fill=\"{QUIET}\">UTC</text>",
            BOTTOM + 22.0
        );
    }

    /// The side on which the alert holds is shaded.
    fn threshold(&self, out: &mut String, scale: &Scale) {
        let Some(threshold) = self.threshold.filter(|threshold| threshold.value.is_finite()) else { return };
        let y = scale.y(threshold.value);
        let shade = match threshold.holds {
            Holds::Above => Some((TOP, y - TOP)),
            Holds::Below => Some((y, BOTTOM - y)),
            Holds::Neither => None,
        };
        if let Some((top, height)) = shade {
            let (top, height, width) = (px(top), px(height.max(0.0)), RIGHT - LEFT);
            let _ =
                write!(out, "<rect x=\"{LEFT}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" fill=\"{RED}\" fill-opacity=\"0.12\"/>");
        }
        // Inside of the picture, on the side where there is room.
        let text_y = if y < TOP + 18.0 { y + 16.0 } else { y - 6.0 };
        let _ = write!(
            out,
            "<path d=\"M{LEFT} {}H{RIGHT}\" stroke=\"{RED}\" stroke-dasharray=\"6 4\"/>\
             <text x=\"{}\" y=\"{}\" fill=\"{RED}\">{}</text>",
            px(y),
            LEFT + 6.0,
            px(text_y),
            html(&number(threshold.value))
        );
    }

    fn since(&self, out: &mut String, scale: &Scale) {
        if !(self.from..=self.to).contains(&self.since) {
            return;
        }
        let x = scale.x(self.since);
        let anchor = if x > (LEFT + RIGHT) / 2.0 { "end" } else { "start" };
        let beside = if anchor == "end" { x - 5.0 } else { x + 5.0 };
        let clock = self.since.rfc3339();
        let _ = write!(
            out,
            "<path d=\"M{} {TOP}V{BOTTOM}\" stroke=\"{INK}\" stroke-opacity=\"0.55\" stroke-dasharray=\"2 3\"/>\
             <text x=\"{}\" y=\"{}\" text-anchor=\"{anchor}\" fill=\"{INK}\">since {}</text>",
            px(x),
            px(beside),
            BOTTOM - 8.0,
            clock.get(11..19).unwrap_or(&clock)
        );
    }
}

impl Scale {
    fn x(&self, at: Timestamp) -> f64 {
        LEFT + (at.0 as f64 - self.from) / (self.to - self.from) * (RIGHT - LEFT)
    }

    fn y(&self, value: f64) -> f64 {
        (BOTTOM - (value - self.low) / (self.high - self.low) * (BOTTOM - TOP)).clamp(TOP, BOTTOM)
    }
}

fn draw(out: &mut String, curve: &Curve, scale: &Scale) {
    let mut path = String::new();
    let mut pen_down = false;
    let mut last = None;
    for (at, value) in &curve.points {
        if !value.is_finite() {
            pen_down = false;
            continue;
        }
        let (x, y) = (scale.x(*at), scale.y(*value));
        let _ = write!(path, "{}{} {}", if pen_down { 'L' } else { 'M' }, px(x), px(y));
        pen_down = true;
        last = Some((x, y));
    }
    let Some((x, y)) = last else { return };
    let (colour, width) = if curve.own { (LINE, 2.5) } else { (OTHER, 1.0) };
    let _ = write!(
        out,
        "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\" stroke-linejoin=\"round\" stroke-linecap=\"round\"/>"
    );
    if curve.own {
        let _ = write!(out, "<circle cx=\"{}\" cy=\"{}\" r=\"4\" fill=\"{colour}\"/>", px(x), px(y));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(values: &[f64]) -> AlertPicture {
        let points = values.iter().enumerate().map(|(at, value)| (Timestamp(at as i64 * 60_000), *value)).collect();
        AlertPicture {
            title: "Drift <b>".into(),
            expression: "drift_share{a=\"<&>\"}".into(),
            firing: true,
            from: Timestamp(0),
            to: Timestamp(600_000),
            curves: vec![Curve { points, own: true }],
            threshold: Some(Threshold { value: 0.5, holds: Holds::Above }),
            since: Timestamp(120_000),
        }
    }

    #[test]
    fn what_others_wrote_is_text() {
        let svg = picture(&[0.1, 0.7]).svg().unwrap();
        assert!(svg.contains("Drift &lt;b&gt;") && svg.contains("a=&quot;&lt;&amp;&gt;&quot;") && !svg.contains("<b>"), "{svg}");
        assert!(svg.contains("since 00:02:00") && svg.contains("fill-opacity=\"0.12\""), "{svg}");
    }

    #[test]
    fn a_gap_is_no_line_and_no_data_is_no_picture() {
        let svg = picture(&[0.1, f64::NAN, 0.7, 0.8]).svg().unwrap();
        let line = svg.split("<path d=\"").find(|part| part.contains(LINE)).unwrap();
        assert_eq!(line.split('"').next().unwrap().matches('M').count(), 2, "{line}");
        assert_eq!(picture(&[]).svg(), None);
        assert_eq!(picture(&[f64::INFINITY]).svg(), None);
    }

    #[test]
    fn no_number_of_the_picture_is_not_finite() {
        for values in [vec![0.0], vec![1e300, -1e300], vec![5.0, 5.0], vec![f64::MIN_POSITIVE]] {
            let svg = picture(&values).svg().unwrap();
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{values:?}: {svg}");
        }
    }
}
