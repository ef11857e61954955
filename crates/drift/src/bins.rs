//! Shares per bin or per value on both sides: what the distances between distributions compare.

use crate::Counts;

/// Counts of two samples over common bins.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// One more than there are bins; bins are `[a, b)`, the last one includes its end.
    pub edges: Vec<f64>,
    pub counts: Counts,
}

/// Above this many different values in the reference a numeric column is cut into bins; up to it, each value is its own bin.
const VALUES_UNBINNED_MAX: usize = 20;

/// Counts of two sorted, clean, non-empty numeric samples as Evidently bins them. `integers`: both columns hold whole numbers.
pub fn binned(reference: &[f64], current: &[f64], integers: bool) -> Counts {
    if crate::clean::distinct(reference) <= VALUES_UNBINNED_MAX {
        return Counts::of_sorted(reference, current, f64::total_cmp);
    }
    let low = reference[0].min(current[0]);
    let high = reference[reference.len() - 1].max(current[current.len() - 1]);
    let edges = sturges_edges(low, high, reference.len() + current.len(), integers);
    counted(edges, reference, current).counts
}

/// The bins of two sorted, non-empty samples over the given edges.
pub(crate) fn counted(edges: Vec<f64>, reference: &[f64], current: &[f64]) -> Histogram {
    let counts = Counts { reference: per_bin(&edges, reference), current: per_bin(&edges, current) };
    Histogram { edges, counts }
}

/// Edges of equal width by Sturges' rule for `size` values between `low` and `high`, as NumPy draws them: width
/// `range / (log2(size) + 1)`, at least 1 for whole numbers; a range of zero becomes one bin of width 1.
pub fn sturges_edges(low: f64, high: f64, size: usize, integers: bool) -> Vec<f64> {
    if low == high {
        return vec![low - 0.5, high + 0.5];
    }
    let range = high - low;
    let mut width = range / ((size as f64).log2() + 1.0);
    if integers && width < 1.0 {
        width = 1.0;
    }
    let bins = if range.is_finite() && range > 0.0 { (range / width).ceil().max(1.0) as usize } else { 1 };
    let step = range / bins as f64;
    let mut edges: Vec<f64> = (0..bins).map(|i| i as f64 * step + low).collect();
    edges.push(high);
    edges
}

fn per_bin(edges: &[f64], sorted: &[f64]) -> Vec<u64> {
    let bins = edges.len() - 1;
    let mut ends: Vec<usize> = edges[..bins].iter().map(|edge| sorted.partition_point(|v| v < edge)).collect();
    ends.push(sorted.partition_point(|v| *v <= edges[bins]));
    ends.windows(2).map(|pair| pair[1].saturating_sub(pair[0]) as u64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_as_numpy_draws_them() {
        // 540 constants at 3.5: one bin of width 1.
        assert_eq!(sturges_edges(3.5, 3.5, 540, false), [3.0, 4.0]);
        // Ten whole numbers: width 1 although Sturges asks for less.
        assert_eq!(sturges_edges(0.0, 9.0, 540, true).len(), 10);
        let edges = sturges_edges(0.0, 23.0, 1150, true);
        assert_eq!((edges.len(), edges[1], edges[12]), (13, 1.9166666666666667, 23.0));
    }

    #[test]
    fn the_last_bin_includes_its_end() {
        let histogram = counted(vec![0.0, 1.0, 2.0], &[0.0, 0.5, 1.0, 2.0], &[2.0]);
        assert_eq!(histogram.counts, Counts { reference: vec![2, 2], current: vec![0, 1] });
    }

    #[test]
    fn few_values_are_their_own_bins() {
        assert_eq!(binned(&[1.0, 1.0, 2.0], &[5.0], false), Counts { reference: vec![2, 1, 0], current: vec![0, 0, 1] });
    }
}
