//! Columns that say when or which, not what: they move by themselves, and a report that calls it drift is right and useless.

use crate::Values;

/// A column of exactly this name is time or a row's name. `hour` and `weekday` are not here: they come round within a window.
const NAMES: [&str; 22] = [
    "date",
    "datetime",
    "timestamp",
    "ts",
    "day",
    "dteday",
    "week",
    "month",
    "mnth",
    "quarter",
    "year",
    "yr",
    "created_at",
    "updated_at",
    "event_time",
    "event_timestamp",
    "id",
    "uuid",
    "row",
    "row_id",
    "index",
    // The row numbers that pandas writes without being asked.
    "unnamed: 0",
];
/// So many cells are looked at.
const CELLS_MAX: usize = 1000;
/// The years 2000 and 2100, in seconds.
const SECONDS: std::ops::Range<f64> = 946_684_800.0..4_102_444_800.0;
/// From so many rows on a rising column of such numbers is no accident.
const ROWS_MIN: usize = 10;

/// Why the column is left out of a report on its own: by its name, as dates, or as seconds (or milli-, micro-, nanoseconds)
/// since 1970 that rise from row to row. `None` for all others.
pub fn time_column(name: &str, values: &Values) -> Option<&'static str> {
    if NAMES.contains(&name.to_lowercase().as_str()) {
        return Some("its name says that it is a time or an identifier");
    }
    match values {
        Values::Categories(cells) => {
            let mut cells = cells.present().take(CELLS_MAX).peekable();
            (cells.peek().is_some() && cells.all(is_date)).then_some("its cells are dates")
        }
        Values::Times(_) => Some("its cells are times"),
        Values::Numbers(cells) => rising_epoch(cells.iter().copied().filter(|v| v.is_finite())),
        Values::Integers(cells) => rising_epoch(cells.iter().map(|v| *v as f64)),
    }
}

fn rising_epoch(cells: impl Iterator<Item = f64>) -> Option<&'static str> {
    let cells: Vec<f64> = cells.take(CELLS_MAX).collect();
    let first = cells.first()?;
    let unit = [1.0, 1e3, 1e6, 1e9].into_iter().find(|unit| SECONDS.contains(&(first / unit)))?;
    let rising = cells.len() >= ROWS_MIN && cells.windows(2).all(|pair| pair[0] <= pair[1]) && first < cells.last()?;
    (rising && cells.iter().all(|v| SECONDS.contains(&(v / unit)))).then_some("its cells are times since 1970")
}

/// `2024-05-01...`, `2024/05/01...`, `01.05.2024...`, `01/05/2024...`.
fn is_date(cell: &str) -> bool {
    let bytes = cell.trim().as_bytes();
    let shape = |digits: [std::ops::Range<usize>; 3], marks: [usize; 2]| {
        bytes.len() >= 10
            && digits.into_iter().flatten().all(|i| bytes[i].is_ascii_digit())
            && matches!(bytes[marks[0]], b'-' | b'/' | b'.')
            && bytes[marks[0]] == bytes[marks[1]]
            && !bytes.get(10).is_some_and(u8::is_ascii_digit)
    };
    shape([0..4, 5..7, 8..10], [4, 7]) || shape([0..2, 3..5, 6..10], [2, 5])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_known_and_features_are_kept() {
        let found = |name: &str, values: Values| time_column(name, &values).is_some();
        assert!(found("Date", Values::Integers(vec![1])));
        assert!(found("at", Values::from_cells(["2024-05-01T10:00:00Z", "", "2024-05-02"])));
        assert!(found("at", Values::from_cells(["01.05.2024", "02.05.2024 12:00"])));
        assert!(found("at", Values::Integers((0..50).map(|i| 1_700_000_000_000 + i * 1000).collect())));
        assert!(!found("hour", Values::Integers((0..24).collect())));
        assert!(!found("price", Values::Integers((0..50).map(|i| 1_700_000_000 + i * 7919 % 13).collect())));
        assert!(!found("code", Values::from_cells(["2024-05-011", "x"])));
        assert!(!found("empty", Values::from_cells(["", ""])));
        assert!(!found("weekday", Values::from_cells(["Mon", "Tue"])));
        assert!(found("at", Values::Times(vec![7])));
    }
}
