//! Isotonic regression: the rising line through steps that is nearest to the points; linear between them, flat beyond the ends.

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Isotonic {
    xs: Vec<f64>,
    ys: Vec<f64>,
}

impl Isotonic {
    /// Pool adjacent violators. Points with the same x count as one at their mean.
    pub(crate) fn fit(points: &[(f64, f64)]) -> Isotonic {
        let mut sorted = points.to_vec();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut unique: Vec<(f64, f64, f64)> = Vec::new();
        for (x, y) in sorted {
            match unique.last_mut() {
                Some(last) if last.0 == x => {
                    last.1 += y;
                    last.2 += 1.0;
                }
                _ => unique.push((x, y, 1.0)),
            }
        }
        // Blocks of (sum of y, rows, number of different x).
        let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
        for (_, sum, rows) in &unique {
            let mut block = (*sum, *rows, 1);
            while let Some(before) = blocks.pop_if(|before| before.0 / before.1 >= block.0 / block.1) {
                block = (before.0 + block.0, before.1 + block.1, before.2 + block.2);
            }
            blocks.push(block);
        }
        let ys = blocks.iter().flat_map(|(sum, rows, count)| std::iter::repeat_n(sum / rows, *count)).collect();
        Isotonic { xs: unique.iter().map(|point| point.0).collect(), ys }
    }

    pub(crate) fn at(&self, x: f64) -> f64 {
        let above = self.xs.partition_point(|known| *known < x);
        match (above.checked_sub(1), self.xs.get(above)) {
            (_, Some(known)) if *known == x => self.ys[above],
            (Some(below), Some(next)) => {
                let part = (x - self.xs[below]) / (next - self.xs[below]);
                self.ys[below] + part * (self.ys[above] - self.ys[below])
            }
            (None, Some(_)) => self.ys[0],
            (Some(last), None) => self.ys[last],
            (None, None) => x,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn violators_are_pooled() {
        let line = Isotonic::fit(&[(1.0, 1.0), (2.0, 3.0), (3.0, 2.0), (4.0, 4.0), (4.0, 6.0)]);
        let check = |x: f64, expected: f64| assert!((line.at(x) - expected).abs() < 1e-12, "{x}: {}", line.at(x));
        check(0.0, 1.0);
        check(1.0, 1.0);
        check(1.5, 1.75);
        check(2.5, 2.5);
        check(3.5, 3.75);
        check(9.0, 5.0);
        assert_eq!(Isotonic::fit(&[]).at(0.3), 0.3);
        let falling = Isotonic::fit(&[(0.0, 1.0), (1.0, 0.0)]);
        assert_eq!((falling.at(0.0), falling.at(1.0)), (0.5, 0.5));
    }
}
