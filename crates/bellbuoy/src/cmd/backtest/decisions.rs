//! Decisions on retraining over stored history: when the rules of bellbuoy.yml would have decided to retrain, and with other lines or another
//! cool-down.
//!
//! In:    models of the settings; the series of their judgements, from a data folder or a server. Out: a `Backtest` whose episodes are the
//!        times in which "retrain" stood, so that it can be laid beside those of alerts; sweeps.
//! Never: judges rows anew: the figures are those that were told then (`models::recorded`).

use bellbuoy_check::backtest::text::timeline;
use bellbuoy_check::backtest::{Backtest, Cost, Episode, Scale, Suggestion, Variant, suggest, values_of, variant, with_own};
use bellbuoy_models::{
    Champion, Knob, ModelSettings, Recorded, ReplayedRules, RetrainingOutcome, Runs, Seen, Stretch, recorded, recorded_selector,
};
use bellbuoy_rules::replay::Span;
use bellbuoy_vocabulary::{Labels, METRIC_NAME, Matcher, Millis, Points, SeriesSource, Timestamp, format_duration, is_stale, nearest};
use serde_json::{Value, json};

use super::BacktestCommand;
use crate::api::bellbuoy::registry::same_name;
use crate::cmd::elsewhere::Elsewhere;
use crate::config::{ModelConfig, Settings};
use crate::explain::DataCopy;
use crate::state::AuditQuery;

/// A run's length in a sweep of the cool-down, when nobody says.
const RUN_TAKES: Millis = Millis::from_minutes(10);
/// So many missed judgements end a time in which a decision stood.
const GAP_JUDGEMENTS: i64 = 5;
/// Judgements before the span that make the rules' state, beside the cool-down.
const WARM_UP_JUDGEMENTS: i64 = 20;
/// Who was champion before the first evaluation of the span.
const CHAMPION_BEFORE: Millis = Millis::from_minutes(60);
const STRETCHES_SHOWN: usize = 12;
const AUDIT_ROWS_MAX: usize = 10_000;

pub type Subject = ModelConfig;

/// Where the past is, and which part of it is asked for.
pub struct History<'a> {
    pub command: &'a BacktestCommand,
    pub copy: Option<&'a DataCopy>,
    pub server: Option<&'a Elsewhere>,
    pub from: Timestamp,
    pub to: Timestamp,
}

/// What would have been decided.
pub struct Decided {
    /// As an alert: each episode is a time in which "retrain" stood; a message is a run, or where nothing is known of runs a decision.
    pub retrain: Backtest,
    replayed: ReplayedRules,
    followed: bool,
}

/// Values that were tried.
pub struct Swept {
    pub name: String,
    pub cost: Cost,
    pub variants: Vec<Variant>,
    pub suggestion: Result<Suggestion, String>,
    pub notes: Vec<String>,
}

/// The models that are asked for. With --alert none.
pub fn models_of<'a>(settings: &'a Settings, command: &BacktestCommand) -> anyhow::Result<Vec<&'a Subject>> {
    let Some(wanted) = &command.model else {
        return Ok(if command.alert.is_some() { Vec::new() } else { settings.models.iter().collect() });
    };
    let found: Vec<&Subject> = settings.models.iter().filter(|model| model.settings.name == *wanted).collect();
    if found.is_empty() {
        let near = nearest(wanted, settings.models.iter().map(|model| model.settings.name.as_str()));
        anyhow::bail!("there is no model {wanted:?}{}", near.map(|near| format!("; did you mean {near:?}?")).unwrap_or_default());
    }
    Ok(found)
}

impl History<'_> {
    pub fn decided(&self, model: &Subject) -> Result<Decided, String> {
        let settings = &model.settings;
        let past = self.recorded(settings)?;
        Ok(self.replayed(settings, &past, &past.judgements, self.command.run_takes))
    }

    fn replayed(&self, settings: &ModelSettings, past: &Recorded, seen: &[Seen], run_takes: Option<Millis>) -> Decided {
        let runs = run_takes.map_or(Runs::Done(&past.runs), Runs::Follow);
        let replayed = settings.retraining.replay(seen, runs, self.from, settings.schedule * GAP_JUDGEMENTS);
        let retrain = self.as_alert(settings, &replayed);
        let cost = if run_takes.is_some() { replayed.runs.len() } else { retrain.episodes.len() };
        let retrain = Backtest { messages: cost, ..retrain };
        Decided { retrain, replayed, followed: run_takes.is_some() }
    }

    fn as_alert(&self, settings: &ModelSettings, replayed: &ReplayedRules) -> Backtest {
        let labels = Labels::from_pairs([("model", settings.name.as_str()), ("outcome", RetrainingOutcome::RetrainNow.word())]);
        let standing = replayed.stretches.iter().filter(|stretch| stretch.outcome == RetrainingOutcome::RetrainNow);
        let episode = |stretch: &Stretch| Episode {
            labels: labels.clone(),
            from: stretch.from,
            fired_at: stretch.from,
            until: stretch.until,
            value: 1.0,
        };
        let span = Span { from: self.from, to: self.to, step: settings.schedule };
        // By how often is judged: a decision that was gone at the next judgement is a flap.
        let scale = Scale { gap: settings.schedule * GAP_JUDGEMENTS, flap: settings.schedule * 2 };
        Backtest::of_episodes(&format!("retrain {}", settings.name), standing.map(episode).collect(), span, scale)
    }

    /// What was told of the model, from a little before the span.
    fn recorded(&self, settings: &ModelSettings) -> Result<Recorded, String> {
        let say = |why: String| format!("{}: {why}", settings.name);
        let cool_down = settings.retraining.cool_down.map_or(Millis::ZERO, |cool_down| cool_down.length);
        let from = self.from - (settings.schedule * WARM_UP_JUDGEMENTS + cool_down);
        let mut past = match (self.copy, self.server) {
            (Some(copy), _) => recorded(settings, &*copy.store, from, self.to).map_err(|error| say(error.to_string()))?,
            (None, Some(server)) => {
                let store = server.store(&recorded_selector(settings), from, self.to).map_err(say)?;
                recorded(settings, &store, from, self.to).map_err(|error| say(error.to_string()))?
            }
            (None, None) => Recorded::default(),
        };
        if !past.judgements.iter().any(|seen| seen.at >= self.from) {
            let (from, to) = (self.from.rfc3339(), self.to.rfc3339());
            return Err(say(format!("no judgement of it is among the series between {from} and {to}")));
        }
        past.runs.extend(self.told_runs(settings));
        past.runs.sort_unstable();
        past.runs.dedup();
        Ok(past)
    }

    /// Runs that were told without a count (`POST .../retrained`), which are on record only.
    fn told_runs(&self, settings: &ModelSettings) -> Vec<Timestamp> {
        let entries = self.record(&settings.name);
        let told = entries.iter().filter(|entry| entry["event"] == "retrained");
        told.filter_map(|entry| Timestamp::parse_rfc3339(entry["at"].as_str()?)).collect()
    }

    /// The champions that MLflow's registry named, from a little before the span to now.
    pub fn champions(&self, model: &str) -> Result<Vec<Champion>, String> {
        let wanted = [Matcher::equal(METRIC_NAME, "mlflow_model_alias_version")];
        let (from, to) = (self.from - CHAMPION_BEFORE, self.to);
        let kept = self.server.map(|server| server.store(&wanted, from, to)).transpose()?;
        let source: &dyn SeriesSource = match (self.copy, &kept) {
            (Some(copy), _) => &*copy.store,
            (None, Some(store)) => store,
            (None, None) => return Ok(Vec::new()),
        };
        let mut samples = Vec::new();
        for series in source.select(from, to, &wanted).map_err(|error| error.to_string())? {
            let labels = series.labels();
            if labels.get("alias").eq_ignore_ascii_case("champion") && same_name(labels.get("model"), model) {
                let mut points = Points::default();
                series.read(from, to, &mut points).map_err(|error| error.to_string())?;
                samples.extend(points.floats.into_iter().filter(|sample| !is_stale(sample.value)));
            }
        }
        samples.sort_by_key(|sample| sample.at);
        let mut found: Vec<Champion> = samples.iter().map(|sample| Champion { at: sample.at, version: sample.value as u64 }).collect();
        found.dedup_by_key(|champion| champion.version);
        Ok(found)
    }

    /// The audit record of a model; of a server that is no bellbuoy there is none.
    pub fn record(&self, model: &str) -> Vec<Value> {
        match (self.copy.and_then(|copy| copy.state.as_ref()), self.server) {
            (Some(state), _) => {
                let query = AuditQuery { model: Some(model.to_string()), event: None, rows_max: AUDIT_ROWS_MAX };
                state.audit(&query).unwrap_or_default()
            }
            (None, Some(server)) => server.record(model, AUDIT_ROWS_MAX),
            (None, None) => Vec::new(),
        }
    }

    /// `r2_critical=0.5..0.7/0.05`
    pub fn swept(&self, model: &Subject, wanted: &str) -> Result<Swept, String> {
        let settings = &model.settings;
        let (name, range) = wanted.split_once('=').ok_or_else(|| format!("--sweep {wanted:?}: write NAME=FROM..TO/STEP"))?;
        let knob = settings.retraining.knob(name).map_err(|why| format!("--sweep {wanted:?}: {why}"))?;
        let durations = knob == Knob::CoolDown;
        let values = values_of(wanted, range, durations).map_err(|why| format!("--sweep {why}"))?;
        if knob == Knob::TimesMin && values.iter().any(|value| *value < 1.0 || value.fract() != 0.0) {
            return Err(format!("--sweep {wanted:?}: whole numbers from 1 on"));
        }
        let past = self.recorded(settings)?;
        let run_takes = self.command.run_takes.or(durations.then_some(RUN_TAKES));
        let own = settings.retraining.value(&knob);
        let now = self.replayed(settings, &past, &past.judgements, run_takes).retrain;
        let mut variants = Vec::new();
        for value in with_own(values, Some(own)) {
            let retraining = settings.retraining.changed(&knob, value);
            let changed = ModelSettings { retraining, ..settings.clone() };
            // Below the line from which drift is detected at all, that line goes down with it.
            let below = matches!(&knob, Knob::Line(line) if line.figure.starts_with("drift_share") && value < settings.drift.share);
            let seen: Vec<Seen> =
                if below { past.judgements.iter().map(|seen| seen.with_drift_line(value)).collect() } else { past.judgements.clone() };
            let tested = self.replayed(&changed, &past, &seen, run_takes).retrain;
            let text = if durations { format_duration(Millis((value * 1000.0) as i64)) } else { value.to_string() };
            variants.push(variant(value, text, value == own, tested, &now));
        }
        let cost = if run_takes.is_some() { Cost::Runs } else { Cost::Decisions };
        let suggestion = suggest(&variants, &now, cost);
        Ok(Swept { name: name.to_string(), cost, suggestion, variants, notes: vec![basis(run_takes), UNKNOWN.to_string()] })
    }
}

/// What no replay can know.
const UNKNOWN: &str = "What a run would have made better is not known: after each decision the figures stay those that were told, \
    so a later decision may be one that a run would have spared.";

fn basis(run_takes: Option<Millis>) -> String {
    match run_takes {
        Some(length) => format!("Each decision to retrain is taken as a run that is done {} later (--run-takes).", format_duration(length)),
        None => "The cool-down counts from the runs that were done; with --run-takes each decision is taken as one.".into(),
    }
}

impl Decided {
    pub fn json(&self) -> Value {
        let of = |stretch: &Stretch| {
            json!({
                "outcome": stretch.outcome.word(), "rule": stretch.rule, "because": stretch.because, "from": stretch.from.rfc3339(),
                "until": stretch.until.map(Timestamp::rfc3339), "judgements": stretch.judgements,
            })
        };
        let outcomes: serde_json::Map<String, Value> =
            self.replayed.outcomes.iter().map(|(outcome, count)| (outcome.word().to_string(), json!(count))).collect();
        let figures = self.retrain.figures();
        json!({
            "model": self.retrain.alert.strip_prefix("retrain ").unwrap_or_default(), "judgements": self.replayed.judgements(), "outcomes": outcomes,
            "changes": self.replayed.changes, "times": figures.fired, "retrainSeconds": figures.firing_seconds, "longestSeconds": figures.longest_seconds,
            "runs": self.replayed.runs.iter().map(|at| at.rfc3339()).collect::<Vec<_>>(), "runsFollow": self.followed, "notes": [UNKNOWN],
            "stretches": self.replayed.stretches.iter().map(of).collect::<Vec<_>>(),
        })
    }

    /// The figures, when it stood, and each time with its reason.
    pub fn text(&self, from: Timestamp, to: Timestamp) -> Vec<String> {
        use bellbuoy_check::explain::words::{clock, length};
        let (replayed, figures) = (&self.replayed, self.retrain.figures());
        let share = |outcome: RetrainingOutcome| {
            let count = replayed.outcomes.get(&outcome).copied().unwrap_or(0);
            format!("{} {:.1}%", outcome.word(), 100.0 * count as f64 / replayed.judgements().max(1) as f64)
        };
        let outcomes: Vec<String> = RetrainingOutcome::ALL.into_iter().map(share).collect();
        let runs = if self.followed { "would have begun" } else { "were done" };
        let mut out = vec![
            String::new(),
            self.retrain.alert.clone(),
            timeline(&self.retrain, from, to),
            format!("  {} judgements: {}; the outcome changed {} times", replayed.judgements(), outcomes.join(", "), replayed.changes),
            format!("  {} times, {} runs {runs}", figures.fired, replayed.runs.len()),
        ];
        let standing = replayed.stretches.iter().filter(|stretch| stretch.outcome == RetrainingOutcome::RetrainNow);
        for stretch in standing.clone().take(STRETCHES_SHOWN) {
            let until = match stretch.until {
                Some(until) => format!("{} (for {})", clock(until, to), length(until - stretch.from)),
                None => "still".into(),
            };
            let rule = stretch.rule.as_deref().map(|rule| format!("  [{rule}]")).unwrap_or_default();
            out.push(format!("  {} → {until}  {}{rule}", clock(stretch.from, to), stretch.because));
        }
        let more = standing.count().saturating_sub(STRETCHES_SHOWN);
        if more > 0 {
            out.push(format!("  … {more} more"));
        }
        if figures.fired > 0 {
            out.push(format!("  {UNKNOWN}"));
        }
        out
    }
}
