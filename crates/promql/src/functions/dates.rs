//! Parts of a date, of values that are seconds since 1970 or of the time of evaluation. UTC.

use bellbuoy_vocabulary::Labels;

use crate::ast::Expr;
use crate::engine::{Evaluation, Result};
use crate::signature::FunctionId as F;
use crate::table::{Grid, Row, Table};

pub(super) type Part = fn(&Date) -> i64;

pub(super) struct Date {
    year: i64,
    /// From 1.
    month: i64,
    /// From 1.
    day: i64,
    days_since_1970: i64,
    second_of_day: i64,
}

pub(super) fn part(id: F) -> Option<Part> {
    Some(match id {
        F::Year => |date| date.year,
        F::Month => |date| date.month,
        F::DayOfMonth => |date| date.day,
        F::DayOfWeek => |date| (date.days_since_1970 + 4).rem_euclid(7),
        F::DayOfYear => |date| date.days_since_1970 - days_since_1970(date.year, 1, 1) + 1,
        F::DaysInMonth => |date| {
            let (year, month) = if date.month == 12 { (date.year + 1, 1) } else { (date.year, date.month + 1) };
            days_since_1970(year, month, 1) - days_since_1970(date.year, date.month, 1)
        },
        F::Hour => |date| date.second_of_day / 3600,
        F::Minute => |date| date.second_of_day / 60 % 60,
        _ => return None,
    })
}

impl Evaluation<'_> {
    pub(super) fn date_part(&mut self, part: Part, args: &[Expr], grid: Grid) -> Result<Table> {
        let Some(arg) = args.first() else {
            let floats = grid.times().map(|at| part(&Date::at(at as f64 / 1000.0)) as f64).collect();
            return Ok(Table { width: grid.count, rows: vec![Row::new(Labels::empty(), floats)] });
        };
        let table = self.table(arg, grid)?;
        self.map_floats(table, |_, value| part(&Date::at(value)) as f64)
    }
}

impl Date {
    /// Seconds of any size; beyond some billion years the ends of that.
    fn at(seconds: f64) -> Date {
        let seconds = (seconds as i64).clamp(-(1 << 56), 1 << 56);
        let days = seconds.div_euclid(86_400);
        // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days: years start in March, in eras of 400.
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Date { year, month, day, days_since_1970: days, second_of_day: seconds.rem_euclid(86_400) }
    }
}

/// The inverse: `days_from_civil` of the same paper.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_the_calendar() {
        for (seconds, year, month, day) in [
            (0.0, 1970, 1, 1),
            (951_782_399.0, 2000, 2, 28),
            (951_782_400.0, 2000, 2, 29),
            (951_868_800.0, 2000, 3, 1),
            (-1.0, 1969, 12, 31),
            (4_107_542_400.0, 2100, 3, 1),
        ] {
            let date = Date::at(seconds);
            assert_eq!((date.year, date.month, date.day), (year, month, day), "{seconds}");
            assert_eq!(days_since_1970(year, month, day), date.days_since_1970);
        }
    }
}
