//! The data set: one row an hour, as a bike-rental service would know it.

use std::sync::LazyLock;

use anyhow::Context;
use serde::{Deserialize, Serialize};

/// `data/README.md` says where it comes from.
const BIKESHARE_CSV: &str = include_str!("../data/bikeshare.csv");
const HEADER: &str = "season,mnth,day,hr,holiday,weekday,workingday,weathersit,temp,atemp,hum,windspeed,casual,registered,bikers";

/// The columns that the model sees, in the order of `Features::values`.
pub const FEATURES: [&str; 11] =
    ["season", "mnth", "hr", "holiday", "weekday", "workingday", "weathersit", "temp", "atemp", "hum", "windspeed"];
/// What the model predicts: rentals in the hour.
pub const TARGET: &str = "bikers";
/// The first model is trained on January to April: day 120 is 30 April.
pub const TRAINED_THROUGH_DAY: u32 = 120;
/// 31 December.
pub const LAST_DAY: u32 = 365;

/// What is known of an hour before it is over. The names are the data set's columns.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Features {
    /// 1 winter to 4 fall.
    pub season: u8,
    pub mnth: Month,
    /// 0 to 23.
    pub hr: u8,
    /// 0 or 1.
    pub holiday: u8,
    /// 0 Sunday to 6 Saturday.
    pub weekday: u8,
    /// 0 or 1.
    pub workingday: u8,
    pub weathersit: Weather,
    /// (C + 8) / 47
    pub temp: f64,
    /// Feeling temperature, (C + 16) / 66.
    pub atemp: f64,
    /// Humidity / 100.
    pub hum: f64,
    /// Wind speed / 67.
    pub windspeed: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Month {
    Jan,
    Feb,
    March,
    April,
    May,
    June,
    July,
    Aug,
    Sept,
    Oct,
    Nov,
    Dec,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Weather {
    #[serde(rename = "clear")]
    Clear,
    #[serde(rename = "cloudy/misty")]
    Cloudy,
    #[serde(rename = "light rain/snow")]
    LightRain,
    #[serde(rename = "heavy rain/snow")]
    HeavyRain,
}

/// One hour of the year.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// Day of the year 2011, 1 to 365.
    pub day: u32,
    pub features: Features,
    /// Rentals in this hour.
    pub bikers: f64,
}

/// The rows in the order of time.
#[derive(Debug, Clone)]
pub struct Dataset {
    rows: Vec<Row>,
}

/// The rows of January to April as a file: what the model sees and its target.
pub(crate) fn reference_csv() -> String {
    let columns: Vec<usize> =
        FEATURES.iter().chain([&TARGET]).filter_map(|name| HEADER.split(',').position(|have| have == *name)).collect();
    let mut csv = String::new();
    for (index, line) in BIKESHARE_CSV.lines().enumerate() {
        let cells: Vec<&str> = line.split(',').collect();
        if index > 0 && cells[2].parse::<u32>().is_ok_and(|day| day > TRAINED_THROUGH_DAY) {
            break;
        }
        let kept: Vec<&str> = columns.iter().map(|column| cells[*column]).collect();
        csv.push_str(&kept.join(","));
        csv.push('\n');
    }
    csv
}

impl Dataset {
    /// The year 2011: 8,645 hours.
    pub fn bikeshare() -> &'static Dataset {
        static DATASET: LazyLock<Dataset> =
            LazyLock::new(|| Dataset::parse(BIKESHARE_CSV).expect("the data set in the program is well formed: a test reads it"));
        &DATASET
    }

    /// Reads the data set's CSV: the columns as published, no quotes.
    pub fn parse(csv: &str) -> anyhow::Result<Dataset> {
        let mut lines = csv.lines();
        anyhow::ensure!(lines.next() == Some(HEADER), "the first line is not `{HEADER}`");
        let mut rows = Vec::new();
        for (index, line) in lines.enumerate() {
            rows.push(parse_row(line).with_context(|| format!("line {}", index + 2))?);
        }
        let in_order = rows.windows(2).all(|pair| (pair[0].day, pair[0].features.hr) < (pair[1].day, pair[1].features.hr));
        anyhow::ensure!(in_order, "the rows are not in the order of time");
        Ok(Dataset { rows })
    }

    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The rows of the days `from..=to`.
    pub fn days(&self, from: u32, to: u32) -> &[Row] {
        let start = self.rows.partition_point(|row| row.day < from);
        let end = self.rows.partition_point(|row| row.day <= to);
        self.rows.get(start..end).unwrap_or(&[])
    }
}

impl Features {
    /// As numbers for the model, in the order of `FEATURES`. Categories in their natural order: trees split by threshold.
    pub fn values(&self) -> [f64; 11] {
        [
            f64::from(self.season),
            f64::from(self.mnth as u8 + 1),
            f64::from(self.hr),
            f64::from(self.holiday),
            f64::from(self.weekday),
            f64::from(self.workingday),
            f64::from(self.weathersit as u8 + 1),
            self.temp,
            self.atemp,
            self.hum,
            self.windspeed,
        ]
    }

    /// What a type cannot say: the ranges. The error names the field.
    pub fn check(&self) -> Result<(), String> {
        let ranges = [
            ("season", self.season, 1, 4),
            ("hr", self.hr, 0, 23),
            ("holiday", self.holiday, 0, 1),
            ("weekday", self.weekday, 0, 6),
            ("workingday", self.workingday, 0, 1),
        ];
        for (name, value, low, high) in ranges {
            if !(low..=high).contains(&value) {
                return Err(format!("{name} is {value}; it must be {low} to {high}"));
            }
        }
        // Wide enough for any weather; a value in degrees or percent instead of the scaled one is refused.
        for (name, value) in [("temp", self.temp), ("atemp", self.atemp), ("hum", self.hum), ("windspeed", self.windspeed)] {
            if !(-1.0..=2.0).contains(&value) {
                return Err(format!("{name} is {value}; it must be scaled to about 0 to 1"));
            }
        }
        Ok(())
    }
}

fn parse_row(line: &str) -> anyhow::Result<Row> {
    let cells: Vec<&str> = line.split(',').collect();
    anyhow::ensure!(cells.len() == 15, "{} columns instead of 15", cells.len());
    let features = Features {
        season: cells[0].parse().context("season")?,
        mnth: word(cells[1]).context("mnth")?,
        hr: cells[3].parse().context("hr")?,
        holiday: cells[4].parse().context("holiday")?,
        weekday: cells[5].parse().context("weekday")?,
        workingday: cells[6].parse().context("workingday")?,
        weathersit: word(cells[7]).context("weathersit")?,
        temp: cells[8].parse().context("temp")?,
        atemp: cells[9].parse().context("atemp")?,
        hum: cells[10].parse().context("hum")?,
        windspeed: cells[11].parse().context("windspeed")?,
    };
    features.check().map_err(anyhow::Error::msg)?;
    let bikers: f64 = cells[14].parse().context("bikers")?;
    anyhow::ensure!(bikers.is_finite(), "bikers is {bikers}");
    Ok(Row { day: cells[2].parse().context("day")?, features, bikers })
}

/// A category by its name, through the same words as JSON.
fn word<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, serde::de::value::Error> {
    T::deserialize(serde::de::value::StrDeserializer::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_year_is_whole() {
        let data = Dataset::bikeshare();
        assert_eq!(data.rows().len(), 8645);
        assert_eq!(data.rows().iter().map(|row| row.bikers).sum::<f64>(), 1_243_103.0);
        assert_eq!(data.days(1, TRAINED_THROUGH_DAY).last().map(|row| row.features.mnth), Some(Month::April));
        assert_eq!(data.days(121, 121).first().map(|row| row.features.mnth), Some(Month::May));
        assert_eq!(data.days(360, 9999).len(), data.days(360, LAST_DAY).len());
        assert!(data.days(10, 9).is_empty());
    }

    #[test]
    fn broken_files_are_errors_with_a_line() {
        let check = |row: &str| format!("{:#}", Dataset::parse(&format!("{HEADER}\n{row}\n")).unwrap_err());
        assert_eq!(check("1,Jan"), "line 2: 2 columns instead of 15");
        assert!(check("1,Janvier,1,0,0,6,0,clear,0.24,0.2879,0.81,0.0,3,13,16").starts_with("line 2: mnth: unknown variant"));
        assert!(check("9,Jan,1,0,0,6,0,clear,0.24,0.2879,0.81,0.0,3,13,16").ends_with("season is 9; it must be 1 to 4"));
        assert!(check("1,Jan,1,0,0,6,0,clear,0.24,0.2879,0.81,0.0,3,13,NaN").ends_with("bikers is NaN"));
        assert!(Dataset::parse("a,b\n").is_err());
    }

    #[test]
    fn json_has_the_columns_of_the_file() {
        let json = serde_json::to_value(Dataset::bikeshare().rows()[0].features).expect("features are JSON");
        let names: Vec<&String> = json.as_object().expect("an object").keys().collect();
        assert_eq!(names, FEATURES);
        assert_eq!(json["weathersit"], "clear");
    }

    /// The ready-made stack carries the same months as its reference.
    #[test]
    fn the_stack_s_reference_is_january_to_april() {
        let mut csv = format!("{},{TARGET}\n", FEATURES.join(","));
        for line in BIKESHARE_CSV.lines().skip(1) {
            let cells: Vec<&str> = line.split(',').collect();
            if cells[2].parse::<u32>().is_ok_and(|day| day <= TRAINED_THROUGH_DAY) {
                csv.push_str(&format!("{},{},{}\n", cells[..2].join(","), cells[3..12].join(","), cells[14]));
            }
        }
        assert!(csv == include_str!("../../stacks/bike-traffic/reference.csv"), "write stacks/bike-traffic/reference.csv again");
    }
}
