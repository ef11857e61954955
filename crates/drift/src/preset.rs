//! Which kind a column has and which test it gets when nobody says.

use crate::clean::{distinct, numbers, texts};
use crate::{Kind, Test, Values};

/// A choice of tests by kind and size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Preset {
    /// Evidently's defaults: p-values up to 1,000 reference rows, distances above.
    #[default]
    Evidently,
}

impl Preset {
    pub fn name(self) -> &'static str {
        match self {
            Preset::Evidently => "evidently",
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
        Values::Numbers(_) => Kind::Numeric,
        Values::Integers(_) if distinct(&numbers(values)) <= INTEGER_CATEGORIES_MAX => Kind::Categorical,
        Values::Integers(_) => Kind::Numeric,
        Values::Categories(_) => {
            let texts = texts(values);
            if distinct(&texts) as f64 > TEXT_DISTINCT_SHARE * texts.len() as f64 { Kind::Text } else { Kind::Categorical }
        }
    }
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
