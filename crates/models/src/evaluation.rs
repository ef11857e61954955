//! All figures of a set of rows, by segment too, with their intervals; and two models on the same rows.
//!
//! In:    rows with their true values (`Sample`: pairs or classes). Out: figures by `Metric`, in its own unit, with bootstrap intervals where asked for.
//! Never: a number from too few rows: `rows_min` decides, and the figure is `Unknown`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::bootstrap::intervals;
use crate::{Figure, Interval, Metric, Resampling, Sample, Source, Unknown};

#[derive(Clone, Debug, PartialEq)]
pub struct EvaluationOptions {
    /// With fewer rows each figure is unknown.
    pub rows_min: usize,
    /// `None`: figures without intervals.
    pub resampling: Option<Resampling>,
    /// The largest segments; the rows of others are counted, not judged.
    pub segments_max: usize,
}

impl Default for EvaluationOptions {
    fn default() -> EvaluationOptions {
        EvaluationOptions { rows_min: 50, resampling: Some(Resampling::default()), segments_max: 50 }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    pub figures: Vec<Figure>,
    pub rows: usize,
    /// Rows with a number that is not finite, or whose probabilities are none.
    pub left_out: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Segments {
    /// The largest first.
    pub segments: Vec<(String, Evaluation)>,
    /// Rows of segments beyond `segments_max`.
    pub rows_beyond: usize,
}

/// Two models on the same rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    pub metric: Metric,
    pub champion: Result<f64, Unknown>,
    pub challenger: Result<f64, Unknown>,
    /// How much better the challenger is: above 0 is better, whichever way the metric goes.
    pub gain: Result<f64, Unknown>,
    /// Of the gain. Both models are scored on the same draw, so what is hard for both does not blur it.
    pub interval: Result<Interval, Unknown>,
    pub rows: usize,
}

impl Evaluation {
    pub fn of(sample: &impl Sample, options: &EvaluationOptions) -> Evaluation {
        Evaluation::of_metrics(sample, &sample.metrics(), options)
    }

    pub fn of_metrics(sample: &impl Sample, metrics: &[Metric], options: &EvaluationOptions) -> Evaluation {
        let (rows, left_out) = (sample.rows(), sample.left_out());
        if let Err(reason) = enough(rows, options.rows_min) {
            let figures = metrics.iter().map(|metric| Figure::unknown(*metric, reason.clone(), rows, Source::Realised));
            return Evaluation { figures: figures.collect(), rows, left_out };
        }
        let score = |weights: &[f64]| metrics.iter().map(|metric| sample.score(*metric, weights)).collect::<Vec<_>>();
        let values = score(&vec![1.0; rows]);
        let spread = match &options.resampling {
            Some(resampling) => intervals(rows, &values, score, resampling),
            None => vec![Err(Unknown::NotComputed); metrics.len()],
        };
        let mut figures = Vec::with_capacity(metrics.len());
        for ((metric, value), interval) in metrics.iter().zip(values).zip(spread) {
            figures.push(Figure { metric: *metric, value, interval, rows, source: Source::Realised });
        }
        Evaluation { figures, rows, left_out }
    }

    /// One evaluation per name in `names`, which has one name per row.
    pub fn by_segment(sample: &impl Sample, names: &[&str], options: &EvaluationOptions) -> Segments {
        let mut rows_of: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (row, name) in names.iter().enumerate().take(sample.rows()) {
            rows_of.entry(name).or_default().push(row);
        }
        let mut found: Vec<(&str, Vec<usize>)> = rows_of.into_iter().collect();
        found.sort_by_key(|(_, rows)| std::cmp::Reverse(rows.len()));
        let beyond = found.split_off(options.segments_max.min(found.len()));
        let segments = found.into_iter().map(|(name, rows)| (name.to_owned(), Evaluation::of(&sample.subset(&rows), options)));
        Segments { segments: segments.collect(), rows_beyond: beyond.iter().map(|(_, rows)| rows.len()).sum() }
    }

    /// Figures that somebody else computed.
    pub fn told(figures: &[(Metric, f64)], rows: usize) -> Evaluation {
        let figure = |(metric, value): &(Metric, f64)| match value.is_finite() {
            true => Figure::of(*metric, *value, rows, Source::Told),
            false => Figure::unknown(*metric, Unknown::Told(format!("it is {value}, not a finite number")), rows, Source::Told),
        };
        Evaluation { figures: figures.iter().map(figure).collect(), rows, left_out: 0 }
    }

    pub fn figure(&self, metric: Metric) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.metric == metric)
    }

    pub fn value(&self, metric: Metric) -> Result<f64, Unknown> {
        self.figure(metric).map_or(Err(Unknown::NotComputed), |figure| figure.value.clone())
    }

    pub fn json(&self) -> Value {
        let figures: Vec<Value> = self.figures.iter().map(Figure::json).collect();
        json!({"rows": self.rows, "left_out": self.left_out, "figures": figures})
    }
}

impl Comparison {
    pub fn unknown(metric: Metric, reason: Unknown) -> Comparison {
        let no = || Err(reason.clone());
        Comparison { metric, champion: no(), challenger: no(), gain: no(), interval: Err(reason.clone()), rows: 0 }
    }

    /// Of figures that somebody else computed: how sure they are is not known.
    pub fn told(metric: Metric, champion: &Evaluation, challenger: &Evaluation) -> Comparison {
        let (old, new) = (champion.value(metric), challenger.value(metric));
        let gain = match (&old, &new) {
            (Ok(old), Ok(new)) => crate::figure::finite(metric.gain(*old, *new)),
            (Err(reason), _) | (_, Err(reason)) => Err(reason.clone()),
        };
        let interval = Err(Unknown::Told("only figures are known, no rows".to_owned()));
        Comparison { metric, champion: old, challenger: new, gain, interval, rows: champion.rows.min(challenger.rows) }
    }

    /// `champion` and `challenger` hold the same rows in the same order.
    pub fn of<S: Sample>(champion: &S, challenger: &S, metric: Metric, rows_min: usize, resampling: &Resampling) -> Comparison {
        let rows = champion.rows().min(challenger.rows());
        let checked = if champion.rows() == challenger.rows() {
            enough(rows, rows_min)
        } else {
            Err(Unknown::Told(format!("champion has {} rows and challenger {}", champion.rows(), challenger.rows())))
        };
        if let Err(reason) = checked {
            return Comparison { rows, ..Comparison::unknown(metric, reason) };
        }
        let gain = |weights: &[f64]| {
            let (old, new) = (champion.score(metric, weights)?, challenger.score(metric, weights)?);
            crate::figure::finite(metric.gain(old, new))
        };
        let all = vec![1.0; rows];
        let observed = gain(&all);
        let interval = intervals(rows, std::slice::from_ref(&observed), |weights| vec![gain(weights)], resampling).remove(0);
        Comparison {
            metric,
            champion: champion.score(metric, &all),
            challenger: challenger.score(metric, &all),
            gain: observed,
            interval,
            rows,
        }
    }

    pub fn json(&self) -> Value {
        let number = |value: &Result<f64, Unknown>| match value {
            Ok(value) => json!(value),
            Err(reason) => json!({"unknown": reason.word(), "because": reason.to_string()}),
        };
        let mut out = json!({
            "metric": self.metric.word(), "champion": number(&self.champion), "challenger": number(&self.challenger),
            "gain": number(&self.gain), "rows": self.rows,
        });
        match &self.interval {
            Ok(interval) => {
                out["gain_low"] = json!(interval.low);
                out["gain_high"] = json!(interval.high);
                out["level"] = json!(interval.level);
            }
            Err(reason) => out["gain_interval_unknown"] = json!(reason.to_string()),
        }
        out
    }
}

fn enough(rows: usize, rows_min: usize) -> Result<(), Unknown> {
    match rows {
        0 => Err(Unknown::NoRows),
        rows if rows < rows_min => Err(Unknown::TooFewRows { rows, rows_min }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Labelled, Pairs};

    /// True values 0 to 99 again and again; predictions are off by up to `noise`.
    fn pairs(rows: usize, noise: f64, seed: usize) -> Pairs {
        let off = |i: usize| ((i * 7919 + seed * 104_729) % 1000) as f64 / 1000.0 - 0.5;
        Pairs::new((0..rows).map(|i| ((i % 100) as f64 + 2.0 * noise * off(i), (i % 100) as f64)))
    }

    #[test]
    fn too_few_rows_are_unknown_in_every_figure() {
        let options = EvaluationOptions::default();
        for (rows, word) in [(0, "no_rows"), (49, "too_few_rows")] {
            let evaluation = Evaluation::of(&pairs(rows, 1.0, 1), &options);
            assert!(evaluation.figures.len() > 10);
            for figure in &evaluation.figures {
                assert_eq!(figure.value.clone().map_err(|reason| reason.word()), Err(word), "{figure:?}");
                assert!(figure.interval.is_err());
            }
        }
        assert!(Evaluation::of(&pairs(50, 1.0, 1), &options).figures.iter().all(|figure| figure.value.is_ok()));
    }

    #[test]
    fn intervals_hold_the_figure_and_shrink_with_rows() {
        let width = |rows: usize| {
            let evaluation = Evaluation::of(&pairs(rows, 5.0, 1), &EvaluationOptions::default());
            let figure = evaluation.figure(Metric::Rmse).expect("asked for");
            let (value, interval) = (figure.value.clone().expect("known"), figure.interval.clone().expect("known"));
            assert!(interval.low < value && value < interval.high);
            interval.high - interval.low
        };
        let (few, many) = (width(100), width(10_000));
        assert!(few > 5.0 * many, "{few} {many}");
    }

    #[test]
    fn perfect_predictions_leave_no_room() {
        let evaluation = Evaluation::of(&pairs(200, 0.0, 1), &EvaluationOptions::default());
        let figure = evaluation.figure(Metric::R2).expect("asked for");
        let interval = figure.interval.clone().expect("known");
        assert_eq!((figure.value.clone(), interval.low, interval.high), (Ok(1.0), 1.0, 1.0));
    }

    #[test]
    fn segments_are_judged_by_themselves() {
        let rows: Vec<(f64, f64)> = (0..300).map(|i| (if i % 3 == 0 { i as f64 + 10.0 } else { i as f64 }, i as f64)).collect();
        let names: Vec<&str> = (0..300).map(|i| if i % 3 == 0 { "bad" } else { "good" }).collect();
        let options = EvaluationOptions { resampling: None, ..EvaluationOptions::default() };
        let found = Evaluation::by_segment(&Pairs::new(rows.clone()), &names, &options);
        let maes: Vec<(&str, usize, Result<f64, Unknown>)> =
            found.segments.iter().map(|(name, evaluation)| (name.as_str(), evaluation.rows, evaluation.value(Metric::Mae))).collect();
        assert_eq!(maes, [("good", 200, Ok(0.0)), ("bad", 100, Ok(10.0))]);
        let one = Evaluation::by_segment(&Pairs::new(rows), &names, &EvaluationOptions { segments_max: 1, ..options });
        assert_eq!((one.segments.len(), one.rows_beyond), (1, 100));
    }

    #[test]
    fn a_paired_comparison_sees_what_two_intervals_do_not() {
        // Both models share the hard rows; the challenger is off by a little less on each.
        let hard = |i: usize| ((i * 7919) % 997) as f64 / 10.0;
        let champion = Pairs::new((0..500).map(|i| (i as f64 + hard(i), i as f64)));
        let challenger = Pairs::new((0..500).map(|i| (i as f64 + 0.99 * hard(i), i as f64)));
        let found = Comparison::of(&champion, &challenger, Metric::Mae, 50, &Resampling::default());
        let interval = found.interval.expect("known");
        assert!(interval.low > 0.0, "{interval:?}");
        let alone = |pairs: &Pairs| {
            let evaluation = Evaluation::of_metrics(pairs, &[Metric::Mae], &EvaluationOptions::default());
            evaluation.figures[0].interval.clone().expect("known")
        };
        assert!(alone(&champion).low < alone(&challenger).high, "the two intervals overlap");
        let same = Comparison::of(&champion, &champion, Metric::Mae, 50, &Resampling::default());
        assert_eq!((same.gain, same.interval.map(|interval| (interval.low, interval.high))), (Ok(0.0), Ok((0.0, 0.0))));
    }

    #[test]
    fn comparisons_say_why_they_are_unknown() {
        let check = |old: usize, new: usize, expected: &str| {
            let found = Comparison::of(&pairs(old, 1.0, 1), &pairs(new, 1.0, 1), Metric::R2, 50, &Resampling::default());
            assert_eq!(found.gain.expect_err("unknown").to_string(), expected);
        };
        check(100, 99, "champion has 100 rows and challenger 99");
        check(0, 0, "there are no rows");
        check(9, 9, "9 rows, 50 are needed");
    }

    #[test]
    fn a_class_that_is_rare_makes_the_interval_unknown_and_not_wrong() {
        let mut rows = Labelled::new(&["no", "yes"], Some("yes"));
        for i in 0..400 {
            rows.push(if i == 7 { "yes" } else { "no" }, None, &[i as f64 / 400.0]).expect("a row");
        }
        let evaluation = Evaluation::of(&rows, &EvaluationOptions::default());
        let auc = evaluation.figure(Metric::RocAuc).expect("asked for");
        assert!(auc.value.is_ok());
        assert!(matches!(auc.interval, Err(Unknown::UnstableResamples { .. })), "{:?}", auc.interval);
    }
}
