//! Windows over a model's rows: by rows or by time, one after the other (tumbling) or overlapping (sliding).
//!
//! Windows of time begin at whole multiples of their step, counted from 1970 plus `offset`, so that every machine cuts at the same places
//! and a late row finds the window that it belongs to. Windows of rows are counted from the first row that the model ever had.

use std::ops::Range;

use bellbuoy_vocabulary::{Millis, Timestamp};

/// Windows that one row may be in; beyond, sliding is no longer judging but smearing.
const OVERLAP_MAX: i64 = 1000;
/// Windows of one cut; of more the newest are taken. A gap of years between two rows must not make millions of empty ones.
pub const CUTS_MAX: usize = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Windows {
    /// `step` equal to `size`: tumbling. Smaller: sliding.
    Rows { size: usize, step: usize },
    /// `offset`: days that begin at midnight of a place 2 hours east of Greenwich have -2 hours.
    Time { size: Millis, step: Millis, offset: Millis },
}

/// One window of a cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The same window has the same number in every cut.
    pub number: i64,
    /// Of time: its edges. Of rows: the times of its first and last row.
    pub from: Timestamp,
    /// Of time: excluded. Of rows: included.
    pub to: Timestamp,
    /// Which of the rows that were cut.
    pub rows: Range<usize>,
    /// No more rows are to be expected: it is full, or its time is over.
    pub complete: bool,
}

/// Rows that were there before those that are cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    pub rows: usize,
    /// The time of the newest of them.
    pub until: Option<Timestamp>,
}

impl Windows {
    pub fn tumbling_rows(size: usize) -> Windows {
        Windows::Rows { size, step: size }
    }

    pub fn tumbling(size: Millis) -> Windows {
        Windows::Time { size, step: size, offset: Millis::ZERO }
    }

    /// What is wrong with them.
    pub fn problem(&self) -> Option<String> {
        let (size, step, unit) = match *self {
            Windows::Rows { size, step } => (size as i64, step as i64, "rows"),
            Windows::Time { size, step, .. } => (size.0, step.0, "milliseconds"),
        };
        match () {
            () if size <= 0 => Some(format!("a window of {size} {unit} holds nothing")),
            () if step <= 0 => Some(format!("a step of {step} {unit} goes nowhere")),
            () if step > size => Some(format!("with a step of {step} {unit}, windows of {size} leave rows out between them")),
            () if size / step > OVERLAP_MAX => {
                Some(format!("each row would be in {} windows, at most {OVERLAP_MAX} are allowed", size / step))
            }
            () => None,
        }
    }

    /// `times`: of the rows, rising. Windows without rows between others are there too: silence is worth seeing. Windows that have lost a
    /// row are left out: their figures would be about other rows than they were.
    pub fn cut(&self, times: &[Timestamp], forgotten: &Forgotten, now: Timestamp) -> Vec<Cut> {
        if times.is_empty() || self.problem().is_some() {
            return Vec::new();
        }
        let mut cuts = match *self {
            Windows::Rows { size, step } => cut_rows(times, forgotten.rows, size, step),
            Windows::Time { size, step, offset } => cut_time(times, size, step, offset, now),
        };
        cuts.retain(|cut| match self {
            Windows::Rows { step, .. } => cut.number >= forgotten.rows.div_ceil(*step) as i64,
            Windows::Time { .. } => forgotten.until.is_none_or(|until| cut.from > until),
        });
        cuts
    }
}

fn cut_rows(times: &[Timestamp], before: usize, size: usize, step: usize) -> Vec<Cut> {
    let end = before + times.len();
    let first = before.saturating_sub(size - 1).div_ceil(step);
    // The last window begins at or before the last row.
    let last = (end - 1) / step;
    let first = first.max((last + 1).saturating_sub(CUTS_MAX));
    let mut cuts = Vec::new();
    for number in first..=last {
        let rows = (number * step).max(before) - before..(number * step + size).min(end) - before;
        cuts.push(Cut {
            number: number as i64,
            from: times[rows.start],
            to: times[rows.end - 1],
            complete: number * step + size <= end,
            rows,
        });
    }
    cuts
}

fn cut_time(times: &[Timestamp], size: Millis, step: Millis, offset: Millis, now: Timestamp) -> Vec<Cut> {
    let number = |at: Timestamp| at.0.saturating_sub(offset.0).div_euclid(step.0);
    let last = number(times[times.len() - 1]);
    // The first window that still reaches the first row.
    let first = number(times[0].saturating_sub(Millis(size.0 - 1)).saturating_add(Millis(step.0 - 1)));
    let first = first.max(last.saturating_sub(CUTS_MAX as i64 - 1));
    let mut cuts = Vec::new();
    for number in first..=last {
        let from = Timestamp(number.saturating_mul(step.0).saturating_add(offset.0));
        let to = from.saturating_add(size);
        let rows = times.partition_point(|at| *at < from)..times.partition_point(|at| *at < to);
        cuts.push(Cut { number, from, to, rows, complete: to <= now });
    }
    cuts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(windows: Windows, times: &[i64], before: usize, now: i64, expected: &str) {
        let times: Vec<Timestamp> = times.iter().copied().map(Timestamp).collect();
        let shown = |cut: Cut| {
            let end = if cut.complete { "" } else { "..." };
            format!("{}:{}-{}={:?}{end}", cut.number, cut.from.0, cut.to.0, cut.rows)
        };
        let forgotten = Forgotten { rows: before, until: times.first().copied().filter(|_| before > 0) };
        let said: Vec<String> = windows.cut(&times, &forgotten, Timestamp(now)).into_iter().map(shown).collect();
        assert_eq!(said.join(" "), expected, "{windows:?}");
    }

    #[test]
    fn cuts() {
        let day = |size, step, offset| Windows::Time { size: Millis(size), step: Millis(step), offset: Millis(offset) };
        check(Windows::tumbling_rows(2), &[1, 2, 3, 4, 5], 0, 9, "0:1-2=0..2 1:3-4=2..4 2:5-5=4..5...");
        // One row is forgotten: its window is no longer whole.
        check(Windows::tumbling_rows(2), &[2, 3, 4, 5], 1, 9, "1:3-4=1..3 2:5-5=3..4...");
        check(Windows::Rows { size: 3, step: 2 }, &[1, 2, 3, 4, 5], 0, 9, "0:1-3=0..3 1:3-5=2..5 2:5-5=4..5...");
        check(Windows::tumbling(Millis(10)), &[1, 9, 10, 31], 0, 35, "0:0-10=0..2 1:10-20=2..3 2:20-30=3..3 3:30-40=3..4...");
        check(day(10, 5, 0), &[12, 21], 0, 99, "1:5-15=0..1 2:10-20=0..1 3:15-25=1..2 4:20-30=1..2");
        check(day(10, 10, -2), &[7, 8, -3], 0, 99, "");
        check(day(10, 10, -2), &[-3, 7, 8], 0, 99, "-1:-12--2=0..1 0:-2-8=1..2 1:8-18=2..3");
        check(Windows::tumbling(Millis(10)), &[11, 21], 4, 99, "2:20-30=1..2");
        check(Windows::tumbling(Millis(10)), &[], 0, 9, "");
    }

    #[test]
    fn bad_windows_are_told_and_cut_nothing() {
        for windows in [
            Windows::tumbling_rows(0),
            Windows::Rows { size: 5, step: 0 },
            Windows::Rows { size: 5, step: 6 },
            Windows::Rows { size: 5000, step: 1 },
            Windows::tumbling(Millis(-1)),
        ] {
            assert!(windows.problem().is_some(), "{windows:?}");
            check(windows, &[1, 2], 0, 9, "");
        }
        assert_eq!(Windows::tumbling_rows(1).problem(), None);
    }

    #[test]
    fn a_gap_of_a_thousand_years_is_bounded() {
        let cuts = Windows::tumbling(Millis(1)).cut(&[Timestamp(0), Timestamp(i64::MAX / 2)], &Forgotten::default(), Timestamp(0));
        assert_eq!((cuts.len(), cuts.last().map(|cut| cut.rows.clone())), (CUTS_MAX, Some(1..2)));
        assert!(Windows::tumbling(Millis(1)).cut(&[Timestamp::MIN, Timestamp::MAX], &Forgotten::default(), Timestamp(0)).len() <= CUTS_MAX);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn tumbling_windows_hold_each_row_once(mut times in prop::collection::vec(-500..500i64, 1..60), size in 1..100i64, offset in -50..50i64, rows in any::<bool>()) {
            times.sort_unstable();
            let times: Vec<Timestamp> = times.into_iter().map(Timestamp).collect();
            let windows = if rows {
                Windows::tumbling_rows(size as usize)
            } else {
                Windows::Time { size: Millis(size), step: Millis(size), offset: Millis(offset) }
            };
            let cuts = windows.cut(&times, &Forgotten::default(), Timestamp(0));
            let held: Vec<usize> = cuts.iter().flat_map(|cut| cut.rows.clone()).collect();
            prop_assert_eq!(held, (0..times.len()).collect::<Vec<_>>());
        }

        #[test]
        fn sliding_windows_hold_each_row_as_often_as_they_overlap(mut times in prop::collection::vec(-500..500i64, 1..60), step in 1..20i64, overlap in 1..5i64) {
            times.sort_unstable();
            let times: Vec<Timestamp> = times.into_iter().map(Timestamp).collect();
            let windows = Windows::Time { size: Millis(step * overlap), step: Millis(step), offset: Millis::ZERO };
            let cuts = windows.cut(&times, &Forgotten::default(), Timestamp(0));
            let last = times.len() - 1;
            // The newest rows are not yet in all of theirs: those begin later.
            for row in (0..=last).filter(|row| times[*row].0 <= times[last].0 - step * overlap) {
                prop_assert_eq!(cuts.iter().filter(|cut| cut.rows.contains(&row)).count() as i64, overlap);
            }
        }
    }
}
