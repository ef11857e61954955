//! Which kind a column has and which test it gets when nobody says.

use crate::clean::more_different_than;
use crate::{Kind, Test, Texts, Values};

/// A choice of tests by kind and size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Preset {
    /// Evidently's defaults: p-values up to 1,000 reference rows, distances above.
    #[default]
    Evidently,
    /// Ours: the same test at every size, significance and effect both needed, corrected for the number of columns
    /// (docs/decisions/0012-default-drift-preset.md).
    Default,
}

impl Preset {
    pub fn name(self) -> &'static str {
        match self {
            Preset::Evidently => "evidently",
            Preset::Default => "default",
        }
    }

    /// The preset of that name, `None` when there is none.
    pub fn parse(name: &str) -> Option<Preset> {
        [Preset::Evidently, Preset::Default].into_iter().find(|preset| preset.name() == name)
    }

    /// The kind of a column nobody declared.
    pub fn kind(self, values: &Values) -> Kind {
        match (self, values) {
            // A missing cell turns whole numbers into numbers with a point; it must not turn a category into a quantity.
            (Preset::Default, Values::Numbers(cells)) if whole(cells) && few(cells.iter().filter(|v| v.is_finite())) => Kind::Categorical,
            _ => infer_kind(values),
        }
    }
}

/// Whole numbers with at most this many different values are categories.
const INTEGER_CATEGORIES_MAX: usize = 10;
/// Texts of which more than this share are different are free text.
const TEXT_DISTINCT_SHARE: f64 = 0.5;
/// Up to this many clean reference rows the preset takes p-values.
const P_VALUE_ROWS_MAX: usize = 1000;

/// The kind of a column by Evidently's rules: whole numbers with at most 10 different values are categories, other numbers
/// are numeric, texts are categories unless more than half of them are different.
pub fn infer_kind(values: &Values) -> Kind {
    match values {
        Values::Numbers(_) | Values::Times(_) => Kind::Numeric,
        Values::Integers(cells) if few(cells.iter()) => Kind::Categorical,
        Values::Integers(_) => Kind::Numeric,
        Values::Categories(cells) if is_free_text(cells) => Kind::Text,
        Values::Categories(_) => Kind::Categorical,
    }
}

/// More than half of the cells differ.
fn is_free_text(cells: &Texts) -> bool {
    let rows = cells.counts();
    let different = rows.iter().filter(|rows| **rows > 0).count();
    different as f64 > TEXT_DISTINCT_SHARE * rows.iter().sum::<u64>() as f64
}

fn few<T: PartialEq>(cells: impl Iterator<Item = T>) -> bool {
    !more_different_than(INTEGER_CATEGORIES_MAX, cells)
}

/// Has numbers, and all are whole.
fn whole(cells: &[f64]) -> bool {
    cells.iter().any(|v| v.is_finite()) && cells.iter().all(|v| !v.is_finite() || v.fract() == 0.0)
}

/// Evidently's default test for a column: by kind, clean reference rows and different values on both sides together.
pub fn evidently_test(kind: Kind, reference_rows: usize, distinct_values: usize) -> Option<Test> {
    let small = reference_rows <= P_VALUE_ROWS_MAX;
    match (kind, distinct_values) {
        (Kind::Text, _) => None,
        (Kind::Numeric, 6..) if small => Some(Test::Ks),
        (Kind::Numeric, 6..) => Some(Test::Wasserstein),
        (_, 3..) if small => Some(Test::ChiSquared),
        (_, _) if small => Some(Test::Z),
        _ => Some(Test::JensenShannon),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        let few: Vec<i64> = (0..100).map(|i| i % 10).collect();
        let many: Vec<i64> = (0..100).map(|i| i % 11).collect();
        assert_eq!(infer_kind(&Values::Numbers(few.iter().map(|v| *v as f64).collect())), Kind::Numeric);
        assert_eq!(infer_kind(&Values::Integers(few)), Kind::Categorical);
        assert_eq!(infer_kind(&Values::Integers(many)), Kind::Numeric);
        assert_eq!(infer_kind(&Values::from_cells(["a", "a", "b", "b"])), Kind::Categorical);
        assert_eq!(infer_kind(&Values::from_cells(["a", "b", "c", "a"])), Kind::Text);
        let with_a_gap = Values::from_cells(["1", "0", "", "1"]);
        assert_eq!((Preset::Evidently.kind(&with_a_gap), Preset::Default.kind(&with_a_gap)), (Kind::Numeric, Kind::Categorical));
        assert_eq!(Preset::Default.kind(&Values::Numbers(vec![0.5, 1.0])), Kind::Numeric);
        assert_eq!(Preset::parse("default"), Some(Preset::Default));
    }

    #[test]
    fn tests_by_kind_and_size() {
        for (kind, rows, values, test) in [
            (Kind::Numeric, 1000, 6, Some(Test::Ks)),
            (Kind::Numeric, 1001, 6, Some(Test::Wasserstein)),
            (Kind::Numeric, 1000, 5, Some(Test::ChiSquared)),
            (Kind::Numeric, 1000, 2, Some(Test::Z)),
            (Kind::Numeric, 1001, 5, Some(Test::JensenShannon)),
            (Kind::Categorical, 1000, 30, Some(Test::ChiSquared)),
            (Kind::Categorical, 1000, 2, Some(Test::Z)),
            (Kind::Categorical, 1001, 2, Some(Test::JensenShannon)),
            (Kind::Text, 10, 10, None),
        ] {
            assert_eq!(evidently_test(kind, rows, values), test, "{kind:?} {rows} {values}");
        }
    }
}
