//! A like-for-like reference: the same hours, weekdays and months on both sides, so that a season is not reported as drift.

use std::collections::HashSet;

/// When a row happened, in the calendar that its people live by; the caller knows the time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// 0 to 23.
    pub hour: u8,
    /// 0 (Monday) to 6.
    pub weekday: u8,
    /// 1 to 12.
    pub month: u8,
}

/// What must be alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Season {
    pub hours: bool,
    pub weekdays: bool,
    pub months: bool,
}

/// The rows to compare.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct LikeForLike {
    /// Reference rows whose season the current data has.
    pub reference_rows: Vec<usize>,
    /// Current rows whose season the reference has.
    pub current_rows: Vec<usize>,
    /// Current rows from a season that the reference never saw: they cannot be judged and are not.
    pub current_rows_alone: usize,
}

/// Selects by the parts of `season`. With none of them, all rows are alike.
pub fn like_for_like(reference: &[Moment], current: &[Moment], season: Season) -> LikeForLike {
    let key = |at: &Moment| {
        let part = |used: bool, value: u8| if used { value } else { 0 };
        (part(season.hours, at.hour), part(season.weekdays, at.weekday), part(season.months, at.month))
    };
    let of_reference: HashSet<_> = reference.iter().map(key).collect();
    let of_current: HashSet<_> = current.iter().map(key).collect();
    let rows = |side: &[Moment], other: &HashSet<_>| (0..side.len()).filter(|row| other.contains(&key(&side[*row]))).collect();
    let current_rows: Vec<usize> = rows(current, &of_reference);
    LikeForLike { reference_rows: rows(reference, &of_current), current_rows_alone: current.len() - current_rows.len(), current_rows }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alike_in_what_is_asked() {
        let at = |hour, weekday, month| Moment { hour, weekday, month };
        let reference = [at(8, 0, 1), at(8, 0, 7), at(9, 0, 7), at(8, 5, 7)];
        let current = [at(8, 1, 7), at(8, 0, 7), at(22, 0, 7)];
        let rows = |season| {
            let found = like_for_like(&reference, &current, season);
            (found.reference_rows, found.current_rows, found.current_rows_alone)
        };
        let hours = Season { hours: true, ..Season::default() };
        assert_eq!(rows(hours), (vec![0, 1, 3], vec![0, 1], 1));
        assert_eq!(rows(Season { weekdays: true, months: true, ..hours }), (vec![1], vec![1], 2));
        assert_eq!(rows(Season::default()), (vec![0, 1, 2, 3], vec![0, 1, 2], 0));
    }
}
