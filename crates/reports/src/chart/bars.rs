//! Categories: two bars each, reference above current.

use std::fmt::Write as _;

use super::{label, open, px};
use crate::escape::{cut, shown};
use crate::number::percent;
use crate::{Bar, Bars};

const WIDTH: usize = 320;
/// Per category.
const ROW: f64 = 22.0;
const NAMES: f64 = 104.0;
const SHARES: f64 = 232.0;
/// About 6 pixels each.
const NAME_CELLS: usize = 16;

pub(crate) fn bars(out: &mut String, id: &str, title: &str, bars: &Bars) {
    let mut rows: Vec<Bar> = bars.bars.clone();
    if bars.others > 0 || bars.others_reference + bars.others_current > 0.0 {
        let name = if bars.others > 0 { format!("{} others", crate::number::count(bars.others as u64)) } else { "others".into() };
        rows.push(Bar { name, reference: bars.others_reference, current: bars.others_current });
    }
    let widest = rows.iter().map(|bar| bar.reference.max(bar.current)).fold(0.0, f64::max);
    if widest <= 0.0 {
        return;
    }
    let height = rows.len() as f64 * ROW + 4.0;
    open(out, id, "bars", WIDTH, height as usize, title, &description(&rows, bars));
    for (at, bar) in rows.iter().enumerate() {
        let y = at as f64 * ROW + 4.0;
        label(out, NAMES - 6.0, y + 13.0, "end", "name", &cut(&bar.name, NAME_CELLS));
        for (class, share, there, top) in [("ref", bar.reference, bars.reference, 1.0), ("cur", bar.current, bars.current, 9.5)] {
            if there && share > 0.0 {
                let long = (share / widest * (SHARES - NAMES)).max(1.0);
                let _ = write!(
                    out,
                    "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"7.5\"/>",
                    px(NAMES),
                    px(y + top),
                    px(long)
                );
            }
        }
        let said = |share: f64, there: bool| if there { percent(share) } else { "-".into() };
        let text = format!("{} → {}", said(bar.reference, bars.reference), said(bar.current, bars.current));
        label(out, WIDTH as f64 - 2.0, y + 13.0, "end", "tick", &text);
    }
    let _ = write!(out, "<path class=\"axis\" d=\"M{} 2V{}\"/>", px(NAMES), px(height - 2.0));
    out.push_str("</svg>");
}

fn description(rows: &[Bar], bars: &Bars) -> String {
    let mut said = Vec::new();
    for bar in rows {
        let side = |there: bool, share: f64| if there { percent(share) } else { "no rows".into() };
        said.push(format!(
            "{}: {} in the reference, {} now",
            shown(&bar.name, 40),
            side(bars.reference, bar.reference),
            side(bars.current, bar.current)
        ));
    }
    said.join("; ")
}
