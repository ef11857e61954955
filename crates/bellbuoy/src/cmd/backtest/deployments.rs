//! Deployments on record, decided anew: what the rules of bellbuoy.yml, or other lines, would have said of each challenger.
//!
//! In:    the audit record of a data folder or of a running bellbuoy. Out: each evaluation as it was and as it would be; sweeps.
//! Never: says what a deployment would have brought: nobody knows.

use bellbuoy_check::backtest::{values_of, with_own};
use bellbuoy_check::explain::words::clock;
use bellbuoy_models::{DeploymentOutcome, Evaluated, TriedLine, fates, suggested_line};
use bellbuoy_vocabulary::{Timestamp, format_float};
use serde_json::{Value, json};

use super::decisions::{History, Subject};

const SHOWN: usize = 12;

/// The evaluations of a model in a span.
pub struct Deployments {
    pub model: String,
    found: Vec<(Evaluated, DeploymentOutcome, String)>,
}

/// How many of the evaluations come to each outcome, in the order of `DeploymentOutcome::ALL`; and how many to another than then.
struct Counts {
    by_outcome: [usize; 3],
    changed: usize,
}

impl Deployments {
    pub fn of(history: &History, model: &Subject) -> Deployments {
        let settings = &model.settings.deployment;
        let found = evaluated(history, model).into_iter().map(|evaluated| {
            let ruling = evaluated.judge(settings);
            let because = match ruling.reason.rule() {
                Some(rule) => format!("{}  [{rule}]", ruling.reason),
                None => ruling.reason.to_string(),
            };
            (evaluated, ruling.outcome, because)
        });
        Deployments { model: model.settings.name.clone(), found: found.collect() }
    }

    pub fn json(&self) -> Value {
        let one = |(evaluated, outcome, because): &(Evaluated, DeploymentOutcome, String)| {
            json!({
                "at": evaluated.at.rfc3339(), "version": evaluated.version, "was": evaluated.was.word(), "forced": evaluated.forced,
                "outcome": outcome.word(), "because": because,
            })
        };
        json!({"model": self.model, "evaluations": self.found.iter().map(one).collect::<Vec<_>>()})
    }

    pub fn text(&self, to: Timestamp) -> Vec<String> {
        if self.found.is_empty() {
            return Vec::new();
        }
        let counts = counted(self.found.iter().map(|(evaluated, outcome, _)| (evaluated.was, *outcome)));
        let mut out = vec![
            String::new(),
            format!("deploy {}", self.model),
            format!("  {} evaluations: {}; {} decided otherwise than then", self.found.len(), counts.words(), counts.changed),
        ];
        for (evaluated, outcome, because) in self.found.iter().take(SHOWN) {
            let was = if evaluated.was == *outcome { String::new() } else { format!(" (was {})", evaluated.was.word()) };
            let version = evaluated.version.as_deref().map(|version| format!("  {version}")).unwrap_or_default();
            out.push(format!("  {}{version}  {}{was}  {because}", clock(evaluated.at, to), outcome.word()));
        }
        if self.found.len() > SHOWN {
            out.push(format!("  … {} more", self.found.len() - SHOWN));
        }
        out
    }
}

/// `improvement_min=0..0.1/0.02`: a line a value.
pub fn swept(history: &History, model: &Subject, wanted: &str, as_json: bool) -> Result<Vec<String>, String> {
    let settings = &model.settings.deployment;
    let (name, range) = wanted.split_once('=').ok_or_else(|| format!("--sweep {wanted:?}: write NAME=FROM..TO/STEP"))?;
    let own = settings.value(name).map_err(|why| format!("--sweep {wanted:?}: {why}"))?;
    let values = with_own(values_of(wanted, range, false).map_err(|why| format!("--sweep {why}"))?, Some(own));
    let evaluated = evaluated(history, model);
    if evaluated.is_empty() {
        return Err(format!("{}: no evaluation of a challenger is on record in this time", model.settings.name));
    }
    let (mut tried, mut lines) = (Vec::new(), Vec::new());
    for value in values {
        let changed = settings.changed(name, value)?;
        let outcomes: Vec<DeploymentOutcome> = evaluated.iter().map(|one| one.judge(&changed).outcome).collect();
        tried.push((value, counted(evaluated.iter().map(|one| one.was).zip(outcomes.iter().copied()))));
        lines.push(TriedLine { value, outcomes });
    }
    let fates = fates(&evaluated, &history.champions(&model.settings.name)?);
    let suggestion = suggested_line(&evaluated, &fates, &lines, own);
    if as_json {
        let one = |(value, counts): &(f64, Counts)| {
            let [deploy, skip, reject] = counts.by_outcome;
            json!({"value": value, "current": *value == own, "deploy": deploy, "skip": skip, "reject": reject, "changed": counts.changed})
        };
        let values: Vec<Value> = tried.iter().map(one).collect();
        let (from, to) = (history.from.rfc3339(), history.to.rfc3339());
        let suggestion = match suggestion {
            Ok((value, reason)) => json!({"value": value, "reason": reason}),
            Err(why) => json!({"value": null, "reason": why}),
        };
        return Ok(vec![
            json!({"model": model.settings.name, "from": from, "to": to, "deployment": name, "values": values, "suggestion": suggestion})
                .to_string(),
        ]);
    }
    let most = tried.iter().map(|(_, counts)| counts.by_outcome[0]).max().unwrap_or(0).max(1);
    let mut out = vec![
        format!("{} from {} to {}; * is as it is", model.settings.name, history.from.rfc3339(), history.to.rfc3339()),
        format!("{name:>24}  {:>5} {:>7} {:>10}  deploy", "skip", "reject", "otherwise"),
    ];
    for (value, Counts { by_outcome: [deploy, skip, reject], changed }) in &tried {
        let star = if *value == own { "*" } else { " " };
        let bar = "█".repeat((deploy * 24).div_ceil(most));
        out.push(format!("{star}{value:>23}  {skip:>5} {reject:>7} {changed:>10}  {bar} {deploy}"));
    }
    let said = match suggestion {
        Ok((value, reason)) => format!("suggestion: {}; {reason}", format_float(value)),
        Err(why) => format!("no suggestion: {why}"),
    };
    out.extend([String::new(), said]);
    Ok(out)
}

fn evaluated(history: &History, model: &Subject) -> Vec<Evaluated> {
    let settings = &model.settings.deployment;
    let entries = history.record(&model.settings.name);
    let mut found: Vec<Evaluated> = entries.iter().filter_map(|entry| Evaluated::of_record(entry, settings)).collect();
    found.retain(|one| history.from <= one.at && one.at <= history.to);
    found.sort_by_key(|one| one.at);
    found
}

fn counted(pairs: impl Iterator<Item = (DeploymentOutcome, DeploymentOutcome)>) -> Counts {
    let mut counts = Counts { by_outcome: [0; 3], changed: 0 };
    for (was, outcome) in pairs {
        counts.changed += usize::from(was != outcome);
        for (count, of) in counts.by_outcome.iter_mut().zip(DeploymentOutcome::ALL) {
            *count += usize::from(of == outcome);
        }
    }
    counts
}

impl Counts {
    fn words(&self) -> String {
        let words = DeploymentOutcome::ALL.iter().zip(self.by_outcome).map(|(outcome, count)| format!("{} {count}", outcome.word()));
        words.collect::<Vec<_>>().join(", ")
    }
}
