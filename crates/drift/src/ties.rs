//! The pooled sample, value by value: what every test on ranks walks over. Nothing is copied or sorted again.

/// A value of the pooled sample and how many rows have it on each side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tie {
    pub value: f64,
    pub reference: usize,
    pub current: usize,
}

impl Tie {
    pub fn rows(self) -> usize {
        self.reference + self.current
    }
}

/// Ties of two sorted samples without NaN, smallest value first.
pub(crate) fn ties<'a>(reference: &'a [f64], current: &'a [f64]) -> impl Iterator<Item = Tie> + 'a {
    let (mut i, mut j) = (0, 0);
    std::iter::from_fn(move || {
        let value = match (reference.get(i), current.get(j)) {
            (Some(r), Some(c)) => r.min(*c),
            (Some(r), None) => *r,
            (None, Some(c)) => *c,
            (None, None) => return None,
        };
        let (from_i, from_j) = (i, j);
        while reference.get(i) == Some(&value) {
            i += 1;
        }
        while current.get(j) == Some(&value) {
            j += 1;
        }
        Some(Tie { value, reference: i - from_i, current: j - from_j })
    })
}

/// Whether the pooled sample has more than `limit` different values; stops as soon as that is known.
pub(crate) fn more_values_than(limit: usize, reference: &[f64], current: &[f64]) -> bool {
    ties(reference, current).nth(limit).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walks_both_sides_at_once() {
        let found: Vec<(f64, usize, usize)> = ties(&[1.0, 2.0, 2.0], &[2.0, 5.0]).map(|t| (t.value, t.reference, t.current)).collect();
        assert_eq!(found, [(1.0, 1, 0), (2.0, 2, 1), (5.0, 0, 1)]);
        assert!(more_values_than(2, &[1.0, 2.0, 2.0], &[2.0, 5.0]) && !more_values_than(3, &[1.0, 2.0, 2.0], &[2.0, 5.0]));
        assert_eq!(ties(&[], &[]).count(), 0);
    }
}
