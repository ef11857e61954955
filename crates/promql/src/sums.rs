//! Sums and means that do not lose small values next to large ones (Kahan, improved by Neumaier), and quantiles.

/// Adds to a sum with its compensation.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum {
    pub value: f64,
    pub compensation: f64,
}

impl Sum {
    pub fn add(&mut self, term: f64) {
        let total = self.value + term;
        if total.is_infinite() {
            self.compensation = 0.0;
        } else if self.value.abs() >= term.abs() {
            self.compensation += (self.value - total) + term;
        } else {
            self.compensation += (term - total) + self.value;
        }
        self.value = total;
    }

    pub fn total(self) -> f64 {
        if self.value.is_infinite() { self.value } else { self.value + self.compensation }
    }
}

/// A mean: the sum divided at the end, or from where the sum would overflow a running mean.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mean {
    sum: Sum,
    count: f64,
    running: bool,
}

impl Mean {
    pub fn add(&mut self, term: f64) {
        self.count += 1.0;
        if self.count == 1.0 {
            self.sum.value = term;
            return;
        }
        if !self.running {
            let mut sum = self.sum;
            sum.add(term);
            if !sum.value.is_infinite() {
                self.sum = sum;
                return;
            }
            self.running = true;
            self.sum.value /= self.count - 1.0;
            self.sum.compensation /= self.count - 1.0;
        }
        let share = (self.count - 1.0) / self.count;
        let mut mean = Sum { value: share * self.sum.value, compensation: share * self.sum.compensation };
        mean.add(term / self.count);
        self.sum = mean;
    }

    pub fn value(self) -> f64 {
        if self.running { self.sum.value + self.sum.compensation } else { self.sum.value / self.count + self.sum.compensation / self.count }
    }
}

/// Variance of a population in one pass (Welford).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Variance {
    count: f64,
    mean: Sum,
    squares: Sum,
}

impl Variance {
    pub fn add(&mut self, value: f64) {
        self.count += 1.0;
        let delta = value - (self.mean.value + self.mean.compensation);
        self.mean.add(delta / self.count);
        self.squares.add(delta * (value - (self.mean.value + self.mean.compensation)));
    }

    pub fn value(self) -> f64 {
        (self.squares.value + self.squares.compensation) / self.count
    }
}

/// The quantile of unsorted values with linear interpolation; sorts them. NaN counts as the smallest value.
pub(crate) fn quantile(q: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    values.sort_unstable_by(nan_first);
    let rank = q * (values.len() - 1) as f64;
    let lower = rank.floor() as usize;
    let upper = (lower + 1).min(values.len() - 1);
    let weight = rank - rank.floor();
    values[lower] * (1.0 - weight) + values[upper] * weight
}

pub(crate) fn nan_first(a: &f64, b: &f64) -> std::cmp::Ordering {
    a.partial_cmp(b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
}
