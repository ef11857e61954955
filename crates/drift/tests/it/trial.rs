//! Both presets on the bike data: how often they alarm when nothing has changed, and what they find when something has.
//! Seeded; `cargo run --release -p bellbuoy-drift --example presets` prints the tables of decision 0012, the tests run fewer rounds.

use bellbuoy_drift::{Column, Options, Preset, Report, Values, drift_report};

/// Repeatable chance (SplitMix64).
pub struct Chance(pub u64);

impl Chance {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// `count` different numbers below `end`.
    pub fn choose(&mut self, end: usize, count: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..end).collect();
        for i in 0..count {
            let other = i + (self.next() % (end - i) as u64) as usize;
            all.swap(i, other);
        }
        all.truncate(count);
        all
    }
}

/// Alarms among rounds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Alarms {
    pub rounds: usize,
    /// Reports with at least one drifted column.
    pub any_column: usize,
    /// Reports that call the whole table drifted.
    pub table: usize,
    pub columns: usize,
}

impl Alarms {
    fn add(&mut self, report: &Report) {
        self.rounds += 1;
        self.any_column += usize::from(report.drifted_columns > 0);
        self.table += usize::from(report.dataset_drift);
        self.columns += report.drifted_columns;
    }

    pub fn share(self) -> f64 {
        self.any_column as f64 / self.rounds as f64
    }
}

pub const PRESETS: [Preset; 2] = [Preset::Evidently, Preset::Default];

/// Two random parts of the table of `rows` each, without a common row, and no change between them: evidently, default.
pub fn false_alarms(table: &[Column], rows: usize, rounds: usize, seed: u64) -> [Alarms; 2] {
    let mut chance = Chance(seed);
    let mut found = [Alarms::default(); 2];
    for _ in 0..rounds {
        let (reference, current) = split(table, rows, &mut chance);
        for (alarms, preset) in found.iter_mut().zip(PRESETS) {
            alarms.add(&drift_report(&reference, &current, &Options { preset, ..Options::default() }));
        }
    }
    found
}

fn split(table: &[Column], rows: usize, chance: &mut Chance) -> (Vec<Column>, Vec<Column>) {
    let wanted = chance.choose(table[0].values.len(), 2 * rows);
    (pick(table, &wanted[..rows]), pick(table, &wanted[rows..]))
}

fn pick(table: &[Column], rows: &[usize]) -> Vec<Column> {
    table.iter().map(|column| Column::new(column.name.clone(), column.values.select(rows))).collect()
}

/// A change put into the current data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shift {
    /// `temp` plus so many standard deviations.
    Warmer(f64),
    /// `hum`'s distance from its mean times this.
    Wider(f64),
    /// This share of `windspeed` cells times 10: a unit mistaken.
    WrongUnit(f64),
    /// This share of `weathersit` cells goes from clear to cloudy.
    Cloudier(f64),
    /// So many rows with a value of `weathersit` that was never seen.
    NewValue(usize),
}

pub const SHIFTS: [Shift; 12] = [
    Shift::Warmer(0.1),
    Shift::Warmer(0.25),
    Shift::Warmer(-0.25),
    Shift::Warmer(0.5),
    Shift::Wider(1.25),
    Shift::Wider(1.5),
    Shift::WrongUnit(0.05),
    Shift::WrongUnit(0.1),
    Shift::Cloudier(0.05),
    Shift::Cloudier(0.15),
    Shift::NewValue(1),
    Shift::NewValue(60),
];

impl Shift {
    pub fn text(self) -> String {
        match self {
            Shift::Warmer(by) => format!("`temp` {by:+} standard deviations"),
            Shift::Wider(by) => format!("`hum` spread x {by}"),
            Shift::WrongUnit(share) => format!("{:.0} % of `windspeed` x 10", share * 100.0),
            Shift::Cloudier(share) => format!("{:.0} % of rows from clear to cloudy", share * 100.0),
            Shift::NewValue(1) => "1 row of a new `weathersit` (not to be found)".into(),
            Shift::NewValue(rows) => format!("{rows} rows of a new `weathersit`"),
        }
    }

    fn column(self) -> &'static str {
        match self {
            Shift::Warmer(_) => "temp",
            Shift::Wider(_) => "hum",
            Shift::WrongUnit(_) => "windspeed",
            Shift::Cloudier(_) | Shift::NewValue(_) => "weathersit",
        }
    }

    fn apply(self, values: &mut Values) {
        match values {
            Values::Numbers(cells) => {
                let rows = cells.len() as f64;
                let mean = cells.iter().sum::<f64>() / rows;
                let deviation = (cells.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / rows).sqrt();
                for (row, cell) in cells.iter_mut().enumerate() {
                    match self {
                        Shift::Warmer(by) => *cell += by * deviation,
                        Shift::Wider(by) => *cell = mean + (*cell - mean) * by,
                        Shift::WrongUnit(share) if (row as f64) < share * rows => *cell *= 10.0,
                        _ => {}
                    }
                }
            }
            Values::Categories(cells) => {
                let mut left = match self {
                    Shift::Cloudier(share) => (share * cells.len() as f64) as usize,
                    Shift::NewValue(rows) => rows,
                    _ => 0,
                };
                let other = if matches!(self, Shift::NewValue(_)) { "fog" } else { "cloudy/misty" };
                let changed = cells.iter().map(|cell| {
                    if cell == Some("clear") && left > 0 {
                        left -= 1;
                        return other;
                    }
                    cell.unwrap_or_default()
                });
                *cells = changed.collect();
            }
            Values::Integers(_) | Values::Times(_) => {}
        }
    }
}

/// The share of rounds in which the changed column is found, evidently and default.
pub fn found(table: &[Column], shift: Shift, rows: usize, rounds: usize, seed: u64) -> [f64; 2] {
    let mut chance = Chance(seed);
    let mut found = [0; 2];
    for _ in 0..rounds {
        let (reference, mut current) = split(table, rows, &mut chance);
        if let Some(column) = current.iter_mut().find(|column| column.name == shift.column()) {
            shift.apply(&mut column.values);
        }
        for (count, preset) in found.iter_mut().zip(PRESETS) {
            let report = drift_report(&reference, &current, &Options { preset, ..Options::default() });
            *count += u32::from(report.columns.iter().any(|row| row.name == shift.column() && row.drifted));
        }
    }
    found.map(|count| f64::from(count) / rounds as f64)
}
