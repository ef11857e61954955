//! Which rows of the files of days a model keeps: the newest of each role by their own time, however they came.
//!
//! In:    the files, how many rows are kept. Out: places in the newest files; for each role what was left, and from when on it was not.
//! Never: reads more of a file than the times and roles of its rows to decide.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::ops::Range;

use bellbuoy_drift::{TIME_MISSING, Values};
use bellbuoy_store::Disk;
use bellbuoy_tables::ParquetTable;
use bellbuoy_vocabulary::{Millis, Timestamp};

use super::days::{DAY, DayFile, DaysError, day_ends, open_day_file};

/// A file of a day of which little was read yet.
pub struct Head {
    pub file: DayFile,
    pub table: ParquetTable<Cursor<Vec<u8>>>,
    times: Vec<Timestamp>,
    /// For each row its place in `Newest::roles`.
    roles: Vec<u32>,
}

pub struct Newest {
    /// Oldest first.
    pub files: Vec<Head>,
    roles: Vec<Role>,
    /// The begin of the oldest day that was looked at, when there are older ones.
    day: Option<Timestamp>,
}

struct Role {
    name: String,
    rows: usize,
    /// Rows from here on are kept.
    from: Timestamp,
}

/// Rows of a role that are on disk and are not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// Those newer than what was known to be forgotten.
    pub rows: usize,
    pub newest: Timestamp,
    pub from: Timestamp,
}

impl Head {
    fn open(disk: &dyn Disk, file: &DayFile, roles: &mut Vec<Role>) -> Result<Head, DaysError> {
        let table = open_day_file(disk, file)?;
        let (at, role) = (table.column("at")?, table.column("role")?);
        let times = match at.map(|column| column.values) {
            Some(Values::Times(cells)) => cells.into_iter().map(|at| Timestamp(if at == TIME_MISSING { i64::MIN } else { at })).collect(),
            _ => vec![Timestamp(i64::MIN); table.rows()],
        };
        let mut places = vec![0; table.rows()];
        if let Some(column) = &role
            && let Values::Categories(texts) = &column.values
        {
            let known: Vec<u32> = texts.dictionary().iter().map(|name| place_of(roles, name)).collect();
            for (place, code) in places.iter_mut().zip(texts.codes()) {
                *place = known.get(*code as usize).copied().unwrap_or_default();
            }
        }
        for place in &places {
            if let Some(role) = roles.get_mut(*place as usize) {
                role.rows += 1;
            }
        }
        Ok(Head { file: file.clone(), table, times, roles: places })
    }

    /// True values: which of them are needed does not depend on their times.
    pub fn of_labels(disk: &dyn Disk, file: &DayFile) -> Result<Head, DaysError> {
        Ok(Head { file: file.clone(), table: open_day_file(disk, file)?, times: Vec::new(), roles: Vec::new() })
    }
}

impl Newest {
    /// Days from the newest back, until one role has `rows_max` rows. `bad`: told of files that can not be read.
    pub fn of(disk: &dyn Disk, files: &[DayFile], rows_max: usize, mut bad: impl FnMut(&DayFile, &DaysError)) -> Newest {
        let (mut roles, mut heads, mut day) = (Vec::new(), Vec::<Head>::new(), None);
        for file in files.iter().rev() {
            let is_new = heads.last().is_none_or(|last| last.file.day != file.day);
            if is_new && roles.iter().any(|role: &Role| role.rows >= rows_max) {
                day = heads.last().map(|last| day_ends(&last.file.day).saturating_sub(DAY));
                break;
            }
            match Head::open(disk, file, &mut roles) {
                Ok(head) => heads.push(head),
                Err(error) => bad(file, &error),
            }
        }
        heads.reverse();
        for (place, role) in roles.iter_mut().enumerate().filter(|(_, role)| role.rows > rows_max) {
            let mut times: Vec<Timestamp> = heads.iter().flat_map(|head| head.of_role(place)).collect();
            let oldest = times.len().saturating_sub(rows_max);
            // Of rows of one time the model itself keeps some.
            role.from = *times.select_nth_unstable(oldest).1;
        }
        Newest { files: heads, roles, day }
    }

    /// The rows of a file that are kept, as few ranges.
    pub fn runs(&self, head: &Head) -> Vec<Range<usize>> {
        let kept = |row: &usize| self.roles.get(head.roles[*row] as usize).is_none_or(|role| head.times[*row] >= role.from);
        runs((0..head.times.len()).filter(kept))
    }

    /// What is not read, by role. `known`: before this time the model knows of all rows that they are forgotten.
    pub fn left(&self, known: impl Fn(&str) -> Option<Timestamp>) -> BTreeMap<String, Left> {
        let mut out = BTreeMap::new();
        for (place, role) in self.roles.iter().enumerate() {
            let known = known(&role.name);
            let older = self.files.iter().flat_map(|head| head.of_role(place)).filter(|at| *at < role.from);
            let mut left = Left { rows: 0, newest: Timestamp(i64::MIN), from: role.from };
            for at in older {
                left.newest = left.newest.max(at);
                left.rows += usize::from(known.is_none_or(|known| at > known));
            }
            if let Some(day) = self.day.filter(|day| role.from < *day) {
                left = Left { rows: 0, newest: day.saturating_sub(Millis(1)), from: day };
            }
            if left.newest > Timestamp(i64::MIN) {
                out.insert(role.name.clone(), left);
            }
        }
        out
    }
}

impl Head {
    fn of_role(&self, place: usize) -> impl Iterator<Item = Timestamp> {
        self.times.iter().zip(&self.roles).filter(move |(_, role)| **role as usize == place).map(|(at, _)| *at)
    }
}

fn place_of(roles: &mut Vec<Role>, name: &str) -> u32 {
    let known = roles.iter().position(|role| role.name == name);
    known.unwrap_or_else(|| {
        roles.push(Role { name: name.to_owned(), rows: 0, from: Timestamp(i64::MIN) });
        roles.len() - 1
    }) as u32
}

/// Rows in their order as ranges.
pub fn runs(rows: impl Iterator<Item = usize>) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for row in rows {
        match runs.last_mut() {
            Some(run) if run.end == row => run.end += 1,
            _ => runs.push(row..row + 1),
        }
    }
    runs
}
