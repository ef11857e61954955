//! What a column looks like on both sides, small enough to draw: shares per bin or per value, and a few facts.
//!
//! In:    profiles of one column. Out: shares from 0 to 1 by bin or value, and `Facts` in the column's own unit.
//! Never: needs rows; draws (chart/ and text.rs do).

use std::collections::BTreeMap;

use bellbuoy_drift::{ColumnProfile, QuantileSketch, Shape};

use crate::number::{brief, number, percent};

/// Shares of the clean rows of each side; a side that is not there is `None`.
#[derive(Clone, Debug, PartialEq)]
pub enum Distribution {
    Numbers(Bins),
    Categories(Bars),
}

/// Bins of equal width. Few rows that lie far off are not drawn but told: they would press all others into one bin.
#[derive(Clone, Debug, PartialEq)]
pub struct Bins {
    /// One more than there are bins, rising.
    pub edges: Vec<f64>,
    pub reference: Option<Vec<f64>>,
    pub current: Option<Vec<f64>>,
    /// Shares of rows outside the edges.
    pub reference_beyond: f64,
    pub current_beyond: f64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Bars {
    /// The largest first, on either side; numbers in their order.
    pub bars: Vec<Bar>,
    /// Values that are not in `bars`: how many, and their shares together.
    pub others: usize,
    pub others_reference: f64,
    pub others_current: f64,
    pub reference: bool,
    pub current: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    pub name: String,
    pub reference: f64,
    pub current: f64,
}

/// One side of a column in a few numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    pub rows: u64,
    pub missing: u64,
    pub infinite: u64,
    /// Of numbers: 5 %, 50 % and 95 % of the rows are at or below.
    pub quantiles: Option<[f64; 3]>,
    /// Of categories.
    pub values: Option<usize>,
}

/// Bins of a picture.
const BINS: usize = 28;
/// Categories of a picture; the others are counted together.
const BARS_MAX: usize = 8;
/// Numbers with up to so many values that are taken for categories are drawn as bars with their names.
const NUMBER_BARS_MAX: usize = 3;
/// Rows that stand for a side while the range is chosen.
const PROBES: usize = 2048;
/// So large a share on each end may be left out of the picture when it saves a lot of room.
const TAIL: f64 = 0.005;
/// What counts as a lot: the whole range is so many times the one that is kept.
const TAIL_ROOM: f64 = 1.6;
/// Numbers that come in steps are drawn in whole steps, as long as there are no more different ones than this.
const STEPS_MAX: usize = 500;

impl Distribution {
    /// `None` when there is nothing to draw: no clean row, free text, or a number here and a text there.
    pub fn of(reference: Option<&ColumnProfile>, current: Option<&ColumnProfile>) -> Option<Distribution> {
        let shape = |side: Option<&'_ ColumnProfile>| side.filter(|side| side.clean_rows() > 0).map(|side| side.shape.clone());
        match (shape(reference), shape(current)) {
            (None | Some(Shape::Text { .. }), None | Some(Shape::Text { .. })) => None,
            (Some(Shape::Numbers { sketch, integers }), None) => Bins::of(Some(&sketch), None, integers).map(Distribution::Numbers),
            (None, Some(Shape::Numbers { sketch, integers })) => Bins::of(None, Some(&sketch), integers).map(Distribution::Numbers),
            (Some(Shape::Numbers { sketch, integers }), Some(Shape::Numbers { sketch: other, integers: also })) => {
                Bins::of(Some(&sketch), Some(&other), integers && also).map(Distribution::Numbers)
            }
            (a, b) => {
                let counted = |shape: &Option<Shape>| match shape {
                    Some(Shape::Categories { counts, other_rows, .. }) => Some((counts.clone(), *other_rows)),
                    _ => None,
                };
                let numbers = |shape: &Option<Shape>| matches!(shape, Some(Shape::Categories { numbers: true, .. }) | None);
                let (r, c) = (counted(&a), counted(&b));
                // A side that is there in another shape cannot stand beside this one.
                if (a.is_some() && r.is_none()) || (b.is_some() && c.is_none()) {
                    return None;
                }
                Some(of_categories(r.as_ref(), c.as_ref(), numbers(&a) && numbers(&b)))
            }
        }
    }

    /// Shares of both sides, reference and current, in `parts` columns: for a line of a terminal.
    pub fn parts(&self, parts: usize) -> (Option<Vec<f64>>, Option<Vec<f64>>) {
        match self {
            Distribution::Numbers(bins) => {
                let gather = |shares: &Vec<f64>| {
                    // A bin that lies in two parts is shared out; else 27 bins in 8 parts draw waves.
                    let mut out = vec![0.0; parts];
                    let width = shares.len() as f64 / parts as f64;
                    for (part, sum) in out.iter_mut().enumerate() {
                        let (from, to) = (part as f64 * width, (part + 1) as f64 * width);
                        for (at, share) in shares.iter().enumerate().take(to.ceil() as usize).skip(from as usize) {
                            *sum += share * (to.min((at + 1) as f64) - from.max(at as f64)).max(0.0);
                        }
                    }
                    out
                };
                (bins.reference.as_ref().map(gather), bins.current.as_ref().map(gather))
            }
            Distribution::Categories(bars) => {
                let shown = &bars.bars[..bars.bars.len().min(parts)];
                let reference = bars.reference.then(|| shown.iter().map(|bar| bar.reference).collect());
                (reference, bars.current.then(|| shown.iter().map(|bar| bar.current).collect()))
            }
        }
    }
}

impl Bins {
    /// `None` without rows on both sides.
    pub fn of(reference: Option<&QuantileSketch>, current: Option<&QuantileSketch>, integers: bool) -> Option<Bins> {
        let sides: Vec<Vec<f64>> = [reference, current].into_iter().flatten().map(|sketch| sketch.expanded(PROBES)).collect();
        let edges = edges(&sides, integers)?;
        let shares = |sketch: &QuantileSketch| {
            let (last, below) = (edges.len() - 1, edges.iter().map(|edge| sketch.share_below(*edge)).collect::<Vec<f64>>());
            let mut shares: Vec<f64> = below.windows(2).map(|pair| pair[1] - pair[0]).collect();
            // The last bin has its end.
            shares[last - 1] += sketch.share_at_or_below(edges[last]) - below[last];
            shares
        };
        let (reference, current) = (reference.map(shares), current.map(shares));
        let beyond = |side: &Option<Vec<f64>>| side.as_ref().map_or(0.0, |shares| (1.0 - shares.iter().sum::<f64>()).max(0.0));
        Some(Bins { reference_beyond: beyond(&reference), current_beyond: beyond(&current), edges, reference, current })
    }
}

/// `sides`: sorted.
fn edges(sides: &[Vec<f64>], integers: bool) -> Option<Vec<f64>> {
    let sides: Vec<&Vec<f64>> = sides.iter().filter(|side| !side.is_empty()).collect();
    let at = |side: &[f64], share: f64| side[((side.len() - 1) as f64 * share).round() as usize];
    let of_all = |share: f64, pick: fn(f64, f64) -> f64| sides.iter().map(|side| at(side, share)).reduce(pick);
    let (mut low, mut high) = (of_all(0.0, f64::min)?, of_all(1.0, f64::max)?);
    let (inner_low, inner_high) = (of_all(TAIL, f64::min)?, of_all(1.0 - TAIL, f64::max)?);
    if inner_high > inner_low && high - low > TAIL_ROOM * (inner_high - inner_low) {
        (low, high) = (inner_low, inner_high);
    }
    if low == high {
        let margin = if low == 0.0 { 0.5 } else { low.abs() * 0.5 };
        return Some(vec![low - margin, low + margin]);
    }
    if !(high - low).is_finite() {
        return None;
    }
    match step(&sides, low, high, integers) {
        Some(step) => {
            let width = step * (((high - low) / step + 1.0) / BINS as f64).ceil();
            let bins = ((high - low + step) / width).ceil() as usize;
            Some((0..=bins).map(|bin| low - step / 2.0 + bin as f64 * width).collect())
        }
        None => {
            let mut edges: Vec<f64> = (0..BINS).map(|bin| low + (high - low) * bin as f64 / BINS as f64).collect();
            edges.push(high);
            edges.dedup();
            (edges.len() > 1).then_some(edges)
        }
    }
}

/// The distance of numbers that come in steps (whole numbers, halves, 0.02): bins that cut through a step draw a comb that is not there.
fn step(sides: &[&Vec<f64>], low: f64, high: f64, integers: bool) -> Option<f64> {
    let mut values: Vec<f64> = sides.iter().flat_map(|side| side.iter().copied()).filter(|value| (low..=high).contains(value)).collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    let whole = || integers.then_some(1.0);
    if values.len() > STEPS_MAX || values.len() < 2 {
        return whole();
    }
    let smallest = values.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
    // The smallest distance carries the rounding of two values; over the whole range it does not matter.
    let steps = ((high - low) / smallest).round();
    let step = (high - low) / steps;
    let on_a_step = |value: &f64| {
        let place = (value - low) / step;
        (place - place.round()).abs() < 0.05
    };
    if steps <= 20.0 * STEPS_MAX as f64 && values.iter().all(on_a_step) { Some(step) } else { whole() }
}

type Counted = (BTreeMap<String, u64>, u64);

fn of_categories(reference: Option<&Counted>, current: Option<&Counted>, numbers: bool) -> Distribution {
    let rows = |side: Option<&Counted>| side.map_or(0, |(counts, other)| counts.values().sum::<u64>() + other).max(1) as f64;
    let (of_reference, of_current) = (rows(reference), rows(current));
    let share =
        |side: Option<&Counted>, name: &str, rows: f64| side.and_then(|(counts, _)| counts.get(name)).copied().unwrap_or(0) as f64 / rows;
    let mut names: Vec<&String> = [reference, current].into_iter().flatten().flat_map(|(counts, _)| counts.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let mut bars: Vec<Bar> = names
        .into_iter()
        .map(|name| Bar { name: name.clone(), reference: share(reference, name, of_reference), current: share(current, name, of_current) })
        .collect();
    let unknown = reference.map_or(0, |side| side.1) + current.map_or(0, |side| side.1) > 0;
    if numbers
        && !unknown
        && bars.len() > NUMBER_BARS_MAX
        && let Some(bins) = bins_of_values(&bars, reference.is_some(), current.is_some())
    {
        return Distribution::Numbers(bins);
    }
    bars.sort_by(|a, b| b.reference.max(b.current).total_cmp(&a.reference.max(a.current)));
    let others = bars.split_off(bars.len().min(if bars.len() == BARS_MAX + 1 { BARS_MAX + 1 } else { BARS_MAX }));
    if numbers {
        bars.sort_by(|a, b| parsed(&a.name).total_cmp(&parsed(&b.name)));
    }
    let shown = |of: fn(&Bar) -> f64| bars.iter().map(of).sum::<f64>();
    let rest = |there: bool, shown: f64| if there && (!others.is_empty() || unknown) { (1.0 - shown).max(0.0) } else { 0.0 };
    Distribution::Categories(Bars {
        others: others.len(),
        others_reference: rest(reference.is_some(), shown(|bar| bar.reference)),
        others_current: rest(current.is_some(), shown(|bar| bar.current)),
        reference: reference.is_some(),
        current: current.is_some(),
        bars,
    })
}

fn parsed(text: &str) -> f64 {
    text.parse().unwrap_or(f64::NAN)
}

/// Numbers that are taken for categories and lie close to each other: a bin each.
fn bins_of_values(bars: &[Bar], reference: bool, current: bool) -> Option<Bins> {
    let mut values: Vec<(f64, &Bar)> = bars.iter().map(|bar| (parsed(&bar.name), bar)).collect();
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (low, high) = (values.first()?.0, values.last()?.0);
    if !(low.is_finite() && high.is_finite() && low < high) {
        return None;
    }
    let places: Vec<f64> = values.iter().map(|(value, _)| *value).collect();
    let step = step(&[&places], low, high, false)?;
    let bins = ((high - low) / step).round() as usize + 1;
    if bins > BINS + 4 {
        return None;
    }
    let (mut of_reference, mut of_current) = (vec![0.0; bins], vec![0.0; bins]);
    for (value, bar) in values {
        let bin = (((value - low) / step).round() as usize).min(bins - 1);
        of_reference[bin] += bar.reference;
        of_current[bin] += bar.current;
    }
    Some(Bins {
        edges: (0..=bins).map(|bin| low + (bin as f64 - 0.5) * step).collect(),
        reference: reference.then_some(of_reference),
        current: current.then_some(of_current),
        reference_beyond: 0.0,
        current_beyond: 0.0,
    })
}

impl Facts {
    pub fn of(profile: &ColumnProfile) -> Facts {
        let (quantiles, values) = match &profile.shape {
            Shape::Numbers { sketch, .. } => {
                let of = |share| sketch.quantile(share);
                (of(0.05).zip(of(0.5)).zip(of(0.95)).map(|((low, middle), high)| [low, middle, high]), None)
            }
            Shape::Categories { counts, other_rows, .. } => (None, Some(counts.len() + usize::from(*other_rows > 0))),
            Shape::Text { .. } => (None, None),
        };
        Facts { rows: profile.rows, missing: profile.missing, infinite: profile.infinite, quantiles, values }
    }

    pub fn missing_share(&self) -> f64 {
        if self.rows == 0 { 0.0 } else { self.missing as f64 / self.rows as f64 }
    }
}

/// The share of rows that lie elsewhere, 0 to 1: the largest distance of the cumulated shares of numbers, the sum of what categories lost.
/// `None` when the two cannot be compared.
pub fn moved(reference: &ColumnProfile, current: &ColumnProfile) -> Option<f64> {
    if reference.clean_rows() == 0 || current.clean_rows() == 0 {
        return None;
    }
    match (&reference.shape, &current.shape) {
        (Shape::Numbers { sketch: r, .. }, Shape::Numbers { sketch: c, .. }) => {
            let (r, c) = (r.expanded(PROBES), c.expanded(PROBES));
            let below = |side: &[f64], value: f64| side.partition_point(|v| *v <= value) as f64 / side.len() as f64;
            Some(r.iter().chain(&c).map(|value| (below(&r, *value) - below(&c, *value)).abs()).fold(0.0, f64::max))
        }
        (Shape::Categories { counts: r, .. }, Shape::Categories { counts: c, .. }) => {
            let (n, m) = (reference.clean_rows() as f64, current.clean_rows() as f64);
            let lost = |(name, rows): (&String, &u64)| (*rows as f64 / n - c.get(name).copied().unwrap_or(0) as f64 / m).max(0.0);
            Some(r.iter().map(lost).sum())
        }
        _ => None,
    }
}

/// In words what is different, the largest first: `median 0.42 → 0.61`, `"clear" 66 % → 41 %`. Empty when nothing can be said.
pub fn in_words(distribution: Option<&Distribution>, reference: Option<&Facts>, current: Option<&Facts>) -> String {
    let mut said = Vec::new();
    if let (Some([low, middle, high]), Some([l, m, h])) = (reference.and_then(|f| f.quantiles), current.and_then(|f| f.quantiles)) {
        said.push(format!("median {} → {}", brief(middle), brief(m)));
        said.push(format!("middle 90 %: {} to {} → {} to {}", brief(low), brief(high), brief(l), brief(h)));
    } else if let Some(Distribution::Categories(bars)) = distribution
        && bars.reference
        && bars.current
    {
        let mut changed: Vec<&Bar> = bars.bars.iter().collect();
        changed.sort_by(|a, b| (b.current - b.reference).abs().total_cmp(&(a.current - a.reference).abs()));
        for bar in changed.into_iter().take(2) {
            said.push(format!("{} {} → {}", quoted(&bar.name), percent(bar.reference), percent(bar.current)));
        }
    } else if let Some(Distribution::Numbers(bins)) = distribution
        && let (Some(r), Some(c)) = (&bins.reference, &bins.current)
    {
        // Whole numbers that are taken for categories.
        let mut changed: Vec<usize> = (0..r.len()).collect();
        changed.sort_by(|a, b| (c[*b] - r[*b]).abs().total_cmp(&(c[*a] - r[*a]).abs()));
        for bin in changed.into_iter().take(2) {
            let value = number((bins.edges[bin] + bins.edges[bin + 1]) / 2.0);
            said.push(format!("{} {} → {}", quoted(&value), percent(r[bin]), percent(c[bin])));
        }
    }
    if let (Some(r), Some(c)) = (reference, current)
        && (r.missing_share() - c.missing_share()).abs() >= 0.001
    {
        said.push(format!("missing {} → {}", percent(r.missing_share()), percent(c.missing_share())));
    }
    said.join(", ")
}

fn quoted(name: &str) -> String {
    format!("“{}”", crate::escape::shown(name, 40))
}

#[cfg(test)]
mod tests;
