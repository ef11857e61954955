//! Do probabilities mean what they say: reliability bins and the expected calibration error.

/// Bins of equal width between 0 and 1, as most publications have them.
pub(crate) const BINS: usize = 10;

/// One bar of a reliability diagram. A bin is open below and closed above, as scikit-learn's; 0 is in the first one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    pub from: f64,
    pub to: f64,
    /// Sum of the weights, which is the number of rows where all weigh 1. Bins without rows are not there.
    pub rows: f64,
    pub mean_probability: f64,
    /// How often it came true.
    pub frequency: f64,
}

pub(crate) struct Table {
    /// (rows, sum of probabilities, came true)
    sums: Vec<(f64, f64, f64)>,
}

impl Table {
    pub(crate) fn new(bins: usize) -> Table {
        Table { sums: vec![(0.0, 0.0, 0.0); bins.clamp(1, 1000)] }
    }

    pub(crate) fn add(&mut self, probability: f64, true_now: bool, weight: f64) {
        let bins = self.sums.len();
        let mut at = ((probability * bins as f64).ceil() as usize).clamp(1, bins) - 1;
        // The product is rounded; the edges decide.
        if at > 0 && probability <= edge(at, bins) {
            at -= 1;
        } else if at + 1 < bins && probability > edge(at + 1, bins) {
            at += 1;
        }
        let sums = &mut self.sums[at];
        sums.0 += weight;
        sums.1 += weight * probability;
        sums.2 += weight * f64::from(u8::from(true_now));
    }

    pub(crate) fn bins(&self) -> Vec<Bin> {
        let bins = self.sums.len();
        let of = |(at, (rows, probability, came)): (usize, &(f64, f64, f64))| Bin {
            from: edge(at, bins),
            to: edge(at + 1, bins),
            rows: *rows,
            mean_probability: probability / rows,
            frequency: came / rows,
        };
        self.sums.iter().enumerate().filter(|(_, sums)| sums.0 > 0.0).map(of).collect()
    }
}

fn edge(at: usize, bins: usize) -> f64 {
    at as f64 / bins as f64
}

/// The mean distance of probability and frequency, weighted by rows.
pub(crate) fn expected_error(bins: &[Bin]) -> f64 {
    let rows: f64 = bins.iter().map(|bin| bin.rows).sum();
    bins.iter().map(|bin| bin.rows * (bin.mean_probability - bin.frequency).abs()).sum::<f64>() / rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_belong_to_the_bin_below() {
        let check = |probability: f64, from: f64| {
            let mut table = Table::new(10);
            table.add(probability, true, 1.0);
            assert_eq!(table.bins()[0].from, from, "{probability}");
        };
        check(0.0, 0.0);
        check(0.1, 0.0);
        check(0.1 + f64::EPSILON, 0.1);
        check(0.3, 0.2);
        check(0.7, 0.6);
        check(1.0, 0.9);
    }
}
