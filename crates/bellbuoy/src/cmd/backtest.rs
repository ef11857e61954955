//! `bellbuoy backtest [DIR]`: the folder's alerts and decisions over stored history: how often, how long, how noisy; with `--sweep` also what
//! another threshold, `for` or cool-down would have changed.

mod decisions;
mod deployments;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{anyhow, bail};
use bellbuoy_check::backtest::text::{details, suggestion_text, sweep_table, table};
use bellbuoy_check::backtest::{Backtest, Cost, Parameter, Past, Suggestion, Sweep, Variant, backtest, backtest_grafana, sweep};
use bellbuoy_promql::{Engine, Expr, Options, SeriesPoints};
use bellbuoy_rules::grafana::GrafanaSettings;
use bellbuoy_rules::replay::Span;
use bellbuoy_rules::{AlertingSettings, Evaluation, GroupSettings, MemoryStore, RESEND_DELAY, RuleSettings};
use bellbuoy_vocabulary::{Millis, SeriesSource, Timestamp, nearest};
use clap::Args;
use serde_json::{Value, json};

use self::decisions::Decided;
use self::deployments::Deployments;
use super::elsewhere::Elsewhere;
use super::explain::time;
use super::test::settings_of;
use crate::clock;
use crate::config::Settings;
use crate::explain::DataCopy;

/// Alerts shown one by one below the table, and pairs that fire together.
const DETAILS_MAX: usize = 8;
const OVERLAPS_MAX: usize = 8;

/// Exit status 0; 2 when nothing could be said.
#[derive(Debug, Args)]
pub struct BacktestCommand {
    /// The folder with the rules and alertmanager.yml, or one file of it.
    #[arg(default_value = ".", value_name = "DIR")]
    pub dir: PathBuf,
    /// Only this alert.
    #[arg(long, value_name = "NAME")]
    pub alert: Option<String>,
    /// Only the decisions on this model, on retraining and on deployments, and the alerts that fire with them.
    #[arg(long, value_name = "NAME", conflicts_with = "alert")]
    pub model: Option<String>,
    /// Take each decision to retrain as followed by a run that is done after this time; without it the cool-down counts from the runs that
    /// were done.
    #[arg(long, value_parser = super::up::duration, value_name = "TIME")]
    pub run_takes: Option<Millis>,
    /// The data folder to look into; nothing of it changes.
    #[arg(long, value_name = "DIR", conflicts_with = "url", required_unless_present = "url")]
    pub data: Option<PathBuf>,
    /// A running bellbuoy or Prometheus to ask.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// From when: RFC 3339, seconds since 1970, or a length before the end; a day before it when absent.
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Until when: RFC 3339, seconds since 1970, or a length before now; the newest sample, or now, when absent.
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// Evaluate so often; as the rule's group when absent.
    #[arg(long, value_parser = super::up::duration, value_name = "TIME")]
    pub step: Option<Millis>,
    /// Try values. With --alert: `threshold=0.2..0.5/0.05`, `for=0s..30m/5m`, `keep_firing_for=0s..30m/5m`. With --model: a line of its rules
    /// (`r2_critical=0.5..0.7/0.05`, `drift_share=0.3..0.7/0.1`), `cool_down=0s..24h/4h`, `times_min=1..5/1`, `improvement_min=0..0.1/0.02`.
    #[arg(long, value_name = "SWEEP")]
    pub sweep: Option<String>,
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    pub format: String,
}

type Rule<'a> = (&'a GroupSettings, Tested<'a>);

/// An alerting rule of either kind.
#[derive(Clone, Copy)]
enum Tested<'a> {
    Prometheus(&'a AlertingSettings),
    Grafana(&'a GrafanaSettings),
}

impl<'a> Tested<'a> {
    fn of(rule: &'a RuleSettings) -> Option<Tested<'a>> {
        match rule {
            RuleSettings::Alerting(rule) => Some(Tested::Prometheus(rule)),
            RuleSettings::Grafana(rule) => Some(Tested::Grafana(rule)).filter(|_| rule.record.is_none() && !rule.is_paused),
            RuleSettings::Recording(_) => None,
        }
    }

    fn name(self) -> &'a str {
        match self {
            Tested::Prometheus(rule) => &rule.alert,
            Tested::Grafana(rule) => &rule.title,
        }
    }
}

pub async fn run(command: BacktestCommand) -> anyhow::Result<ExitCode> {
    if command.sweep.is_some() && command.alert.is_none() && command.model.is_none() {
        bail!("--sweep needs --alert or --model: of what are the values?");
    }
    if command.step.is_some_and(|step| step <= Millis::ZERO) {
        bail!("--step must be longer than nothing");
    }
    let settings = settings_of(&command.dir)?;
    let rules = rules_of(&settings, command.alert.as_deref())?;
    let models = decisions::models_of(&settings, &command)?;
    if rules.is_empty() && models.is_empty() {
        bail!("no alerting rule and no model was read");
    }
    let now = clock::now();
    let copy = command.data.as_deref().map(|data| DataCopy::of(data, now)).transpose()?;
    let newest = copy.as_ref().and_then(|copy| copy.store.stats().max_time);
    let to = command.to.as_deref().map(|text| time(text, now)).transpose()?.or(newest).unwrap_or(now);
    let from = command.from.as_deref().map(|text| time(text, to)).transpose()?.unwrap_or(to - Millis::from_minutes(24 * 60));
    if to <= from {
        bail!("--from {} is not before --to {}", from.rfc3339(), to.rfc3339());
    }
    let server = command.url.as_deref().map(Elsewhere::of);
    let nothing = MemoryStore::new();
    let source: &dyn SeriesSource = match (&copy, &server) {
        (Some(copy), _) => &*copy.store,
        (None, Some(_)) => &nothing,
        (None, None) => bail!("give --data or --url"),
    };
    let with = Evaluation {
        engine: &Engine::new(Options::default()),
        source,
        external_labels: &settings.global.external_labels,
        external_url: "",
        resend_delay: RESEND_DELAY,
    };
    type Range<'a> = dyn Fn(&Expr, Timestamp, Timestamp, Millis) -> Result<Vec<SeriesPoints>, String> + 'a;
    let range = |expr: &Expr, from, to, step| server.as_ref().map_or_else(|| Ok(Vec::new()), |server| server.range(expr, from, to, step));
    let ask: Option<&Range> = if server.is_some() { Some(&range) } else { None };
    let past = Past { with: &with, ask, router: settings.router.as_ref(), stop: &|| false };
    let work = Work { past: &past, from, to, step: command.step, json: command.format == "json", one_model: command.model.is_some() };
    tokio::task::block_in_place(|| {
        let history = decisions::History { command: &command, copy: copy.as_ref(), server: server.as_ref(), from, to };
        match (&command.sweep, models.first()) {
            (Some(wanted), Some(model)) if command.model.is_some() => {
                let name = wanted.split('=').next().unwrap_or_default();
                if model.settings.retraining.knob(name).is_err() && model.settings.deployment.value(name).is_ok() {
                    let lines = deployments::swept(&history, model, wanted, work.json).map_err(|why| anyhow!(why))?;
                    lines.iter().for_each(|line| say!("{line}"));
                    return Ok(ExitCode::SUCCESS);
                }
                work.swept_decisions(model, wanted, &history)
            }
            (Some(wanted), _) => {
                let wanted = Sweep::parse(wanted).map_err(|why| anyhow!("--sweep {why}"))?;
                work.swept(rules[0], &wanted)
            }
            (None, _) => {
                let decided: Vec<Result<Decided, String>> = models.iter().map(|model| history.decided(model)).collect();
                let deployed: Vec<Deployments> = models.iter().map(|model| Deployments::of(&history, model)).collect();
                work.all(&rules, decided, &deployed)
            }
        }
    })
}

fn rules_of<'a>(settings: &'a Settings, wanted: Option<&str>) -> anyhow::Result<Vec<Rule<'a>>> {
    let mut all: Vec<Rule> = Vec::new();
    for group in &settings.groups {
        for rule in &group.rules {
            all.extend(Tested::of(rule).map(|rule| (group, rule)));
        }
    }
    let Some(wanted) = wanted else { return Ok(all) };
    let found: Vec<Rule> = all.iter().copied().filter(|(_, rule)| rule.name() == wanted).collect();
    if found.is_empty() {
        let near = nearest(wanted, all.iter().map(|(_, rule)| rule.name()));
        bail!("there is no alerting rule {wanted:?}{}", near.map(|near| format!("; did you mean {near:?}?")).unwrap_or_default());
    }
    Ok(found)
}

struct Work<'a> {
    past: &'a Past<'a>,
    from: Timestamp,
    to: Timestamp,
    step: Option<Millis>,
    json: bool,
    /// Of alerts only what they have in common with the decisions is shown.
    one_model: bool,
}

impl Work<'_> {
    fn span(&self, group: &GroupSettings) -> Span {
        Span { from: self.from, to: self.to, step: self.step.unwrap_or(group.interval) }
    }

    fn all(&self, rules: &[Rule], decided: Vec<Result<Decided, String>>, deployed: &[Deployments]) -> anyhow::Result<ExitCode> {
        let (mut tested, mut failed) = (Vec::new(), Vec::new());
        for (group, rule) in rules {
            let span = self.span(group);
            let replayed = match rule {
                Tested::Prometheus(rule) => backtest(rule, span, self.past),
                Tested::Grafana(rule) => backtest_grafana(rule, span, self.past),
            };
            match replayed {
                Ok(one) => tested.push(one),
                // Of these only what they have in common with the decisions is asked for.
                Err(_) if self.one_model => {}
                Err(why) => failed.push(format!("{}: {why}", rule.name())),
            }
        }
        let mut decisions = Vec::new();
        for one in decided {
            one.map_or_else(|why| failed.push(why), |one| decisions.push(one));
        }
        let both: Vec<&Backtest> = tested.iter().chain(decisions.iter().map(|one| &one.retrain)).collect();
        let mut together = overlaps(&both);
        together.retain(|(a, b, _)| !self.one_model || decisions.iter().any(|one| [a, b].contains(&&one.retrain.alert)));
        let status = ExitCode::from(if both.is_empty() { 2 } else { 0 });
        if self.json {
            let overlaps: Vec<Value> = together.into_iter().map(|(a, b, part)| json!({"alert": a, "with": b, "share": part})).collect();
            let decisions: Vec<Value> = decisions.iter().map(Decided::json).collect();
            let alerts: Vec<Value> = tested.iter().map(json_of).collect();
            let deployments: Vec<Value> = deployed.iter().map(Deployments::json).collect();
            say!(
                "{}",
                json!({"from": self.from.rfc3339(), "to": self.to.rfc3339(), "alerts": alerts, "decisions": decisions, "deployments": deployments, "overlaps": overlaps, "failed": failed})
            );
            return Ok(status);
        }
        say!("{} to {}", self.from.rfc3339(), self.to.rfc3339());
        if !self.one_model {
            self.say_alerts(&tested);
        }
        decisions.iter().for_each(|one| one.text(self.from, self.to).iter().for_each(|line| say!("{line}")));
        deployed.iter().for_each(|one| one.text(self.to).iter().for_each(|line| say!("{line}")));
        if !together.is_empty() {
            say!("\ntogether (of the time of the first one)");
        }
        for (a, b, part) in together.into_iter().take(OVERLAPS_MAX) {
            say!("  {:>4.0}%  {a}  with  {b}", part * 100.0);
        }
        if self.past.router.is_none() && !tested.is_empty() && !self.one_model {
            say!("\nthere is no alertmanager.yml, so messages were not counted");
        }
        failed.iter().for_each(|why| say!("not tested: {why}"));
        Ok(status)
    }

    fn say_alerts(&self, tested: &[Backtest]) {
        if tested.is_empty() {
            return;
        }
        table(tested).iter().for_each(|line| say!("{line}"));
        for one in tested.iter().filter(|one| !one.silent.is_empty()) {
            say!("\n{} never fired, and nothing of {} was told in this time", one.alert, one.silent.join(", "));
        }
        let mut loud: Vec<&Backtest> = tested.iter().filter(|one| !one.episodes.is_empty()).collect();
        loud.sort_by_key(|one| std::cmp::Reverse(one.messages));
        for one in loud.iter().take(DETAILS_MAX) {
            say!("\n{}", one.alert);
            details(one, self.from, self.to).iter().for_each(|line| say!("{line}"));
        }
    }

    fn swept(&self, (group, rule): Rule, wanted: &Sweep) -> anyhow::Result<ExitCode> {
        let Tested::Prometheus(rule) = rule else {
            bail!(
                "--sweep: {} is a rule of Grafana's, whose lines are not tried; change them in its file and run backtest again",
                rule.name()
            );
        };
        let (variants, suggestion) = sweep(rule, wanted, self.span(group), self.past).map_err(|why| anyhow!(why))?;
        let name = match wanted.parameter {
            Parameter::Threshold => "threshold",
            Parameter::For => "for",
            Parameter::KeepFiringFor => "keep_firing_for",
        };
        self.say_sweep(("alert", &rule.alert), name, &variants, Cost::Messages, &suggestion, &[]);
        Ok(ExitCode::SUCCESS)
    }

    fn swept_decisions(&self, model: &decisions::Subject, wanted: &str, history: &decisions::History) -> anyhow::Result<ExitCode> {
        let swept = history.swept(model, wanted).map_err(|why| anyhow!("{why}"))?;
        self.say_sweep(("model", &model.settings.name), &swept.name, &swept.variants, swept.cost, &swept.suggestion, &swept.notes);
        Ok(ExitCode::SUCCESS)
    }

    fn say_sweep(
        &self,
        (kind, subject): (&str, &str),
        name: &str,
        variants: &[Variant],
        cost: Cost,
        suggestion: &Result<Suggestion, String>,
        notes: &[String],
    ) {
        if self.json {
            let values: Vec<Value> = variants.iter().map(|variant| variant_json(variant, cost)).collect();
            let suggested = match suggestion {
                Ok(one) => json!({"value": one.value, "reason": one.reason}),
                Err(why) => json!({"value": null, "reason": why}),
            };
            let (from, to) = (self.from.rfc3339(), self.to.rfc3339());
            say!("{}", json!({kind: subject, "from": from, "to": to, "values": values, "suggestion": suggested, "notes": notes}));
            return;
        }
        say!("{subject} from {} to {}; * is as it is", self.from.rfc3339(), self.to.rfc3339());
        sweep_table(name, variants, cost, self.from, self.to).iter().for_each(|line| say!("{line}"));
        notes.iter().for_each(|note| say!("\n{note}"));
        say!("\n{}", suggestion_text(suggestion));
    }
}

/// What stands nearly always says nothing of what it stands with.
const ALWAYS: f64 = 0.99;

/// Which alerts fire, and which decisions stand, while others do; the strongest first.
fn overlaps(tested: &[&Backtest]) -> Vec<(String, String, f64)> {
    let mut found = Vec::new();
    let telling: Vec<&&Backtest> = tested.iter().filter(|one| one.figures().firing_share < ALWAYS).collect();
    for one in &telling {
        for other in telling.iter().filter(|other| other.alert != one.alert) {
            let part = one.overlap(other);
            if part >= 0.5 {
                found.push((one.alert.clone(), other.alert.clone(), part));
            }
        }
    }
    found.sort_by(|a, b| b.2.total_cmp(&a.2).then_with(|| (&a.0, &a.1).cmp(&(&b.0, &b.1))));
    found
}

fn json_of(one: &Backtest) -> Value {
    let episodes = one.episodes.iter().map(|episode| {
        json!({"labels": crate::wire::labels_json(&episode.labels), "from": episode.from.rfc3339(), "firedAt": episode.fired_at.rfc3339(), "until": episode.until.map(Timestamp::rfc3339), "value": bellbuoy_vocabulary::format_float(episode.value)})
    });
    json!({"alert": one.alert, "figures": one.figures(), "byReceiver": one.by_receiver, "evaluations": one.evaluations, "silent": one.silent, "episodes": episodes.collect::<Vec<_>>()})
}

fn variant_json(variant: &Variant, cost: Cost) -> Value {
    let mut figures = json!(variant.backtest.figures());
    if cost != Cost::Messages
        && let Some(figures) = figures.as_object_mut()
        && let Some(count) = figures.remove("messages")
    {
        figures.insert(cost.word().into(), count);
    }
    json!({"value": variant.value, "text": variant.text, "current": variant.current, "caught": variant.caught, "laterSeconds": variant.later.seconds(), "figures": figures})
}
