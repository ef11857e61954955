//! The recipe: which rows a model is trained on, and which it is judged on.
//!
//! All days so far. Measured against the last 60 and 90 days (`examples/months.rs`): recent windows are about as good on the
//! weeks that follow, but forget the winter: R2 on January to April falls from 0.86 below 0. With all days it stays.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::data::{Dataset, Row, TRAINED_THROUGH_DAY};
use crate::model::{Model, Score};

/// The current test set: the hold-out days among the last 30.
pub const CURRENT_DAYS: u32 = 30;
/// Two weeks of hours: what the story judges production on. Shorter ones flutter with the weekdays, longer ones see it late.
pub const WINDOW_ROWS: usize = 336;
/// Days between two trainings, at least: with fewer new days a challenger is the champion once more.
pub const RETRAIN_DAYS_MIN: u32 = 14;

/// Champion: serves. Challenger: answers in its shadow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Champion,
    Challenger,
}

/// A model and what it was trained on.
#[derive(Debug)]
pub struct Trained {
    pub model: Model,
    pub days: RangeInclusive<u32>,
    pub rows: usize,
    /// On the training rows themselves.
    pub fit: Option<Score>,
    pub duration: Duration,
}

/// Champion against challenger on one test set. The same rows for both; neither was trained on them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    pub champion: Score,
    pub challenger: Score,
}

/// Every fifth day is kept for testing: five and seven share no factor, so each weekday is among them.
pub fn is_hold_out(day: u32) -> bool {
    day.is_multiple_of(5)
}

/// Trains on the days without the hold-out days. Takes about a second for the whole year: call it off the event loop.
pub fn train(data: &Dataset, days: RangeInclusive<u32>) -> Result<Trained, String> {
    let start = Instant::now();
    let rows: Vec<Row> = data.days(*days.start(), *days.end()).iter().filter(|row| !is_hold_out(row.day)).copied().collect();
    let model = Model::train(&rows).map_err(|error| format!("days {} to {}: {error}", days.start(), days.end()))?;
    let fit = model.evaluate(&rows)?;
    Ok(Trained { model, days, rows: rows.len(), fit, duration: start.elapsed() })
}

/// Both test sets: (baseline, current). Baseline: the hold-out days of January to April. Current: those of the last
/// `CURRENT_DAYS` days up to `up_to`. Without such days there is nothing to compare, which is an error and no score.
pub fn compare(data: &Dataset, champion: &Model, challenger: &Model, up_to: u32) -> Result<(Comparison, Comparison), String> {
    let on = |from: u32, to: u32| -> Result<Comparison, String> {
        let rows = hold_out(data, from, to);
        match (champion.evaluate(&rows)?, challenger.evaluate(&rows)?) {
            (Some(champion), Some(challenger)) => Ok(Comparison { champion, challenger }),
            _ => Err(format!("no hold-out day from day {from} to day {to} to compare the models on")),
        }
    };
    Ok((on(1, TRAINED_THROUGH_DAY)?, on((up_to + 1).saturating_sub(CURRENT_DAYS), up_to)?))
}

pub(crate) fn hold_out(data: &Dataset, from: u32, to: u32) -> Vec<Row> {
    data.days(from, to).iter().filter(|row| is_hold_out(row.day)).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The evidence for the story, with room for a newer trainer: good in training, worse on days it has not seen,
    /// and over the alert line (RMSE 60) when summer comes.
    #[test]
    fn the_champion_is_good_until_summer() {
        let data = Dataset::bikeshare();
        let champion = train(data, 1..=TRAINED_THROUGH_DAY).expect("trained");
        let fit = champion.fit.expect("rows");
        assert!(fit.r2 > Some(0.93) && fit.rmse < 25.0, "fit {fit:?}");
        let months = [(121, 181), (182, 243)].map(|(from, to)| champion.model.evaluate(data.days(from, to)).unwrap().unwrap());
        assert!(months[0].rmse > 60.0 && months[0].r2 < Some(0.87), "May and June {:?}", months[0]);
        assert!(months[1].rmse > months[0].rmse && months[1].r2 < months[0].r2, "July and August {:?}", months[1]);
    }

    #[test]
    fn a_challenger_with_all_days_wins_on_both_test_sets() {
        let data = Dataset::bikeshare();
        let champion = train(data, 1..=TRAINED_THROUGH_DAY).expect("trained");
        let challenger = train(data, 1..=150).expect("trained");
        let (baseline, current) = compare(data, &champion.model, &challenger.model, 150).expect("compared");
        let r2 = |score: Score| score.r2.expect("the rows differ");
        assert!(r2(baseline.challenger) > r2(baseline.champion) - 0.02, "{baseline:?}");
        assert!(r2(current.challenger) > r2(current.champion) + 0.02, "{current:?}");
        assert_eq!(current.champion.rows, 144);
    }

    #[test]
    fn hold_out_days_are_never_trained_on() {
        let data = Dataset::bikeshare();
        let trained = train(data, 1..=30).expect("trained");
        assert_eq!(trained.rows, data.days(1, 30).len() - hold_out(data, 1, 30).len());
        assert_eq!(train(data, 400..=500).err(), Some("days 400 to 500: no rows to train on".to_owned()));
        assert!(compare(data, &trained.model, &trained.model, 4).is_err());
        let weekdays: std::collections::HashSet<u8> = hold_out(data, 1, 60).iter().map(|row| row.features.weekday).collect();
        assert_eq!(weekdays.len(), 7);
    }
}
