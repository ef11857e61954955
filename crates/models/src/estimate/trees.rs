//! Gradient-boosted regression trees over binned features, grown leaf by leaf, with LightGBM's default settings.
//!
//! Ours, because the crate that the demo trains with (decision 0003) sorts each node again, which a reference of 100,000 rows does not bear,
//! and knows no missing values. Deterministic: no sampling of rows or features.

const TREES: usize = 100;
const LEAVES: usize = 31;
const LEARNING_RATE: f64 = 0.1;
const LEAF_ROWS_MIN: usize = 20;
/// Bins of numbers; one more is for what is missing.
const BINS_MAX: usize = 255;

#[derive(Clone, Debug)]
pub(crate) struct Trees {
    start: f64,
    /// Upper ends of the bins, for each feature.
    edges: Vec<Vec<f64>>,
    trees: Vec<Vec<Node>>,
}

#[derive(Clone, Copy, Debug)]
enum Node {
    Leaf(f64),
    Split { feature: u32, bin: u16, missing_left: bool, left: u32, right: u32 },
}

#[derive(Clone, Copy, Debug)]
struct Best {
    gain: f64,
    feature: usize,
    bin: usize,
    missing_left: bool,
}

#[derive(Clone, Copy, Default)]
struct Sum {
    residual: f64,
    rows: usize,
}

impl Sum {
    fn add(&mut self, other: Sum) {
        self.residual += other.residual;
        self.rows += other.rows;
    }

    fn less(self, other: Sum) -> Sum {
        Sum { residual: self.residual - other.residual, rows: self.rows - other.rows }
    }

    fn score(self) -> f64 {
        self.residual * self.residual / self.rows as f64
    }
}

impl Trees {
    /// `columns`: one vector per feature, NaN for what is missing; all as long as `target`, which is not empty.
    pub(crate) fn fit(columns: &[Vec<f64>], target: &[f64]) -> Trees {
        let edges: Vec<Vec<f64>> = columns.iter().map(|column| edges(column)).collect();
        let bins: Vec<Vec<u16>> =
            columns.iter().zip(&edges).map(|(column, edges)| column.iter().map(|value| bin(*value, edges)).collect()).collect();
        let start = target.iter().sum::<f64>() / target.len() as f64;
        let mut residuals: Vec<f64> = target.iter().map(|value| value - start).collect();
        let mut trees = Vec::new();
        for _ in 0..TREES {
            let tree = grow(&bins, &edges, &mut residuals);
            let only_leaf = tree.len() == 1;
            trees.push(tree);
            if only_leaf {
                break;
            }
        }
        Trees { start, edges, trees }
    }

    /// `row`: one value per feature.
    pub(crate) fn at(&self, row: &[f64]) -> f64 {
        let bins: Vec<u16> = row.iter().zip(&self.edges).map(|(value, edges)| bin(*value, edges)).collect();
        let missing = |feature: u32| self.edges[feature as usize].len() as u16;
        let mut sum = self.start;
        for tree in &self.trees {
            let mut at = 0;
            sum += loop {
                match tree[at] {
                    Node::Leaf(value) => break value,
                    Node::Split { feature, bin, missing_left, left, right } => {
                        let own = bins[feature as usize];
                        let is_left = if own == missing(feature) { missing_left } else { own <= bin };
                        at = if is_left { left } else { right } as usize;
                    }
                }
            };
        }
        sum
    }
}

/// The upper ends of the bins: half way between neighbouring values, or between equal shares of the rows.
fn edges(column: &[f64]) -> Vec<f64> {
    let mut values: Vec<f64> = column.iter().copied().filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    let rows = values.len();
    let mut unique = values.clone();
    unique.dedup();
    let mut edges: Vec<f64> = if unique.len() <= BINS_MAX {
        unique.windows(2).map(|pair| pair[0] / 2.0 + pair[1] / 2.0).collect()
    } else {
        (1..BINS_MAX).map(|share| values[share * rows / BINS_MAX]).collect()
    };
    edges.dedup();
    edges.push(f64::INFINITY);
    edges
}

/// The bin after the last one is for what is missing.
fn bin(value: f64, edges: &[f64]) -> u16 {
    if value.is_nan() { edges.len() as u16 } else { edges.partition_point(|edge| *edge < value) as u16 }
}

/// One tree; what it explains is taken from the residuals.
fn grow(bins: &[Vec<u16>], edges: &[Vec<f64>], residuals: &mut [f64]) -> Vec<Node> {
    let all: Vec<u32> = (0..residuals.len() as u32).collect();
    let mut nodes = vec![Node::Leaf(0.0)];
    let best = best_split(bins, edges, residuals, &all);
    // (node, its rows, how it would be split best)
    let mut leaves = vec![(0, all, best)];
    while leaves.len() < LEAVES {
        let gain = |leaf: &(usize, Vec<u32>, Option<Best>)| leaf.2.map_or(0.0, |best| best.gain);
        let Some(at) = (0..leaves.len()).max_by(|a, b| gain(&leaves[*a]).total_cmp(&gain(&leaves[*b]))) else { break };
        let (node, rows, Some(best)) = leaves.swap_remove(at) else { break };
        let missing = edges[best.feature].len();
        let is_left = |row: &u32| {
            let own = bins[best.feature][*row as usize] as usize;
            if own == missing { best.missing_left } else { own <= best.bin }
        };
        let (left, right): (Vec<u32>, Vec<u32>) = rows.into_iter().partition(is_left);
        let children = nodes.len();
        nodes[node] = Node::Split {
            feature: best.feature as u32,
            bin: best.bin as u16,
            missing_left: best.missing_left,
            left: children as u32,
            right: children as u32 + 1,
        };
        for (side, rows) in [left, right].into_iter().enumerate() {
            nodes.push(Node::Leaf(0.0));
            let best = best_split(bins, edges, residuals, &rows);
            leaves.push((children + side, rows, best));
        }
        if leaves.iter().all(|leaf| leaf.2.is_none()) {
            break;
        }
    }
    for (node, rows, _) in leaves {
        let value = LEARNING_RATE * rows.iter().map(|row| residuals[*row as usize]).sum::<f64>() / rows.len() as f64;
        rows.iter().for_each(|row| residuals[*row as usize] -= value);
        nodes[node] = Node::Leaf(value);
    }
    nodes
}

fn best_split(bins: &[Vec<u16>], edges: &[Vec<f64>], residuals: &[f64], rows: &[u32]) -> Option<Best> {
    if rows.len() < 2 * LEAF_ROWS_MIN {
        return None;
    }
    let mut best: Option<Best> = None;
    for (feature, column) in bins.iter().enumerate() {
        let count = edges[feature].len();
        let mut sums = vec![Sum::default(); count + 1];
        for row in rows {
            sums[column[*row as usize] as usize].add(Sum { residual: residuals[*row as usize], rows: 1 });
        }
        let missing = sums[count];
        let mut total = missing;
        sums[..count].iter().for_each(|sum| total.add(*sum));
        let mut below = Sum::default();
        for (bin, sum) in sums[..count].iter().enumerate() {
            below.add(*sum);
            // Without missing values both sides are the same split.
            let sides: &[bool] = if missing.rows == 0 { &[false] } else { &[false, true] };
            for missing_left in sides.iter().copied() {
                let mut left = below;
                if missing_left {
                    left.add(missing);
                }
                let right = total.less(left);
                if left.rows < LEAF_ROWS_MIN || right.rows < LEAF_ROWS_MIN {
                    continue;
                }
                let gain = left.score() + right.score() - total.score();
                if gain > 1e-12 && best.is_none_or(|best| gain > best.gain) {
                    best = Some(Best { gain, feature, bin, missing_left });
                }
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_and_a_hole_are_learned() {
        let noise = |i: usize| ((i * 7919) % 1000) as f64 / 1000.0;
        let columns = vec![
            (0..2000).map(|i| if i % 10 == 0 { f64::NAN } else { noise(i) }).collect::<Vec<f64>>(),
            (0..2000).map(|i| (i % 3) as f64).collect(),
        ];
        let truth = |x: f64, y: f64| if x.is_nan() { 9.0 } else { f64::from(u8::from(x > 0.5)) * 4.0 + y };
        let target: Vec<f64> = (0..2000).map(|i| truth(columns[0][i], columns[1][i])).collect();
        let trees = Trees::fit(&columns, &target);
        for (x, y) in [(0.1, 0.0), (0.9, 2.0), (f64::NAN, 1.0), (0.45, 1.0), (1e9, 2.0)] {
            assert!((trees.at(&[x, y]) - truth(x, y)).abs() < 0.2, "{x} {y}: {}", trees.at(&[x, y]));
        }
    }

    #[test]
    fn nothing_to_learn_is_the_mean() {
        let trees = Trees::fit(&[vec![f64::NAN; 50], vec![1.0; 50]], &(0..50).map(f64::from).collect::<Vec<_>>());
        assert_eq!(trees.at(&[1.0, 2.0]), 24.5);
        assert_eq!(Trees::fit(&[], &[3.0]).at(&[]), 3.0);
    }
}
