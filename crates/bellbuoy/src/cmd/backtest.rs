//! `bellbuoy backtest [DIR]`: the folder's alerts over stored history: how often, how long, how noisy; with `--sweep` also what another
//! threshold or another `for` would have changed.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{anyhow, bail};
use bellbuoy_check::backtest::text::{details, suggestion_text, sweep_table, table};
use bellbuoy_check::backtest::{Backtest, Sweep, Variant, backtest, sweep};
use bellbuoy_promql::{Engine, ExprKind, Options};
use bellbuoy_rules::replay::Span;
use bellbuoy_rules::{AlertingSettings, Evaluation, GroupSettings, MemoryStore, RESEND_DELAY, RuleSettings};
use bellbuoy_vocabulary::{Append, Millis, SeriesSource, Timestamp, nearest, parse_float};
use clap::Args;
use serde_json::{Value, json};

use super::explain::time;
use super::remote::ask;
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
    /// The data folder to look into; nothing of it changes.
    #[arg(long, value_name = "DIR", conflicts_with = "url", required_unless_present = "url")]
    pub data: Option<PathBuf>,
    /// A running bellbuoy or Prometheus to ask.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// From when: RFC 3339, seconds since 1970, or a length before now; a day before the end when absent.
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Until when; the newest sample, or now, when absent.
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// Evaluate so often; as the rule's group when absent.
    #[arg(long, value_parser = super::up::duration, value_name = "TIME")]
    pub step: Option<Millis>,
    /// Try values: `threshold=0.2..0.5/0.05`, `for=0s..30m/5m`, `keep_firing_for=0s..30m/5m`; needs --alert.
    #[arg(long, value_name = "SWEEP", requires = "alert")]
    pub sweep: Option<String>,
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    pub format: String,
}

type Rule<'a> = (&'a GroupSettings, &'a AlertingSettings);

pub async fn run(command: BacktestCommand) -> anyhow::Result<ExitCode> {
    let wanted = command.sweep.as_deref().map(Sweep::parse).transpose().map_err(|why| anyhow!("--sweep {why}"))?;
    let settings = settings_of(&command.dir)?;
    let rules = rules_of(&settings, command.alert.as_deref())?;
    let now = clock::now();
    let copy = command.data.as_deref().map(|data| DataCopy::of(data, now)).transpose()?;
    let newest = copy.as_ref().and_then(|copy| copy.store.stats().max_time);
    let to = command.to.as_deref().map(|text| time(text, now)).transpose()?.or(newest).unwrap_or(now);
    let from = command.from.as_deref().map(|text| time(text, now)).transpose()?.unwrap_or(to - Millis::from_minutes(24 * 60));
    if to <= from {
        bail!("--from {} is not before --to {}", from.rfc3339(), to.rfc3339());
    }
    let remote;
    let source: &dyn SeriesSource = match (&copy, &command.url) {
        (Some(copy), _) => &*copy.store,
        (None, Some(url)) => {
            remote = fetched(url, &rules, from, to).await?;
            &remote
        }
        (None, None) => bail!("give --data or --url"),
    };
    let engine = Engine::new(Options::default());
    let with = Evaluation {
        engine: &engine,
        source,
        external_labels: &settings.global.external_labels,
        external_url: "",
        resend_delay: RESEND_DELAY,
    };
    let work = Work { settings: &settings, with: &with, from, to, step: command.step, json: command.format == "json" };
    tokio::task::block_in_place(|| match &wanted {
        Some(wanted) => work.swept(rules[0], wanted),
        None => work.all(&rules),
    })
}

fn rules_of<'a>(settings: &'a Settings, wanted: Option<&str>) -> anyhow::Result<Vec<Rule<'a>>> {
    let mut all: Vec<Rule> = Vec::new();
    for group in &settings.groups {
        for rule in &group.rules {
            if let RuleSettings::Alerting(rule) = rule {
                all.push((group, rule));
            }
        }
    }
    let Some(wanted) = wanted else {
        if all.is_empty() {
            bail!("no alerting rule was read");
        }
        return Ok(all);
    };
    let found: Vec<Rule> = all.iter().copied().filter(|(_, rule)| rule.alert == wanted).collect();
    if found.is_empty() {
        let near = nearest(wanted, all.iter().map(|(_, rule)| rule.alert.as_str()));
        bail!("there is no alerting rule {wanted:?}{}", near.map(|near| format!("; did you mean {near:?}?")).unwrap_or_default());
    }
    Ok(found)
}

struct Work<'a> {
    settings: &'a Settings,
    with: &'a Evaluation<'a>,
    from: Timestamp,
    to: Timestamp,
    step: Option<Millis>,
    json: bool,
}

impl Work<'_> {
    fn span(&self, group: &GroupSettings) -> Span {
        Span { from: self.from, to: self.to, step: self.step.unwrap_or(group.interval) }
    }

    fn all(&self, rules: &[Rule]) -> anyhow::Result<ExitCode> {
        let (mut tested, mut failed) = (Vec::new(), Vec::new());
        for (group, rule) in rules {
            match backtest(rule, self.span(group), self.with, self.settings.router.as_ref(), &|| false) {
                Ok(one) => tested.push(one),
                Err(why) => failed.push(format!("{}: {why}", rule.alert)),
            }
        }
        if self.json {
            let overlaps: Vec<Value> =
                overlaps(&tested).into_iter().map(|(a, b, part)| json!({"alert": a, "with": b, "share": part})).collect();
            say!(
                "{}",
                json!({"from": self.from.rfc3339(), "to": self.to.rfc3339(), "alerts": tested.iter().map(json_of).collect::<Vec<_>>(), "overlaps": overlaps, "failed": failed})
            );
            return Ok(ExitCode::from(if tested.is_empty() { 2 } else { 0 }));
        }
        say!("{} to {}", self.from.rfc3339(), self.to.rfc3339());
        table(&tested).iter().for_each(|line| say!("{line}"));
        let mut loud: Vec<&Backtest> = tested.iter().filter(|one| !one.episodes.is_empty()).collect();
        loud.sort_by_key(|one| std::cmp::Reverse(one.messages));
        for one in loud.iter().take(DETAILS_MAX) {
            say!("\n{}", one.alert);
            details(one, self.from, self.to).iter().for_each(|line| say!("{line}"));
        }
        let together = overlaps(&tested);
        if !together.is_empty() {
            say!("\nfiring together");
        }
        for (a, b, part) in together.into_iter().take(OVERLAPS_MAX) {
            say!("  {:.0}% of the time that {a} fires {b} fires too", part * 100.0);
        }
        if self.settings.router.is_none() {
            say!("\nthere is no alertmanager.yml, so messages were not counted");
        }
        failed.iter().for_each(|why| say!("not tested: {why}"));
        Ok(ExitCode::from(if tested.is_empty() { 2 } else { 0 }))
    }

    fn swept(&self, (group, rule): Rule, wanted: &Sweep) -> anyhow::Result<ExitCode> {
        let found = sweep(rule, wanted, self.span(group), self.with, self.settings.router.as_ref(), &|| false);
        let (variants, suggestion) = found.map_err(|why| anyhow!(why))?;
        if self.json {
            let values: Vec<Value> = variants.iter().map(variant_json).collect();
            let suggested = match &suggestion {
                Ok(one) => json!({"value": one.value, "reason": one.reason}),
                Err(why) => json!({"value": null, "reason": why}),
            };
            say!(
                "{}",
                json!({"alert": rule.alert, "from": self.from.rfc3339(), "to": self.to.rfc3339(), "values": values, "suggestion": suggested})
            );
            return Ok(ExitCode::SUCCESS);
        }
        say!("{} from {} to {}; * is the rule as it is", rule.alert, self.from.rfc3339(), self.to.rfc3339());
        let name = match wanted.parameter {
            bellbuoy_check::backtest::Parameter::Threshold => "threshold",
            bellbuoy_check::backtest::Parameter::For => "for",
            bellbuoy_check::backtest::Parameter::KeepFiringFor => "keep_firing_for",
        };
        sweep_table(name, &variants, self.from, self.to).iter().for_each(|line| say!("{line}"));
        say!("\n{}", suggestion_text(&suggestion));
        Ok(ExitCode::SUCCESS)
    }
}

/// Which alerts fire while others do; the strongest first.
fn overlaps(tested: &[Backtest]) -> Vec<(String, String, f64)> {
    let mut found = Vec::new();
    for one in tested {
        for other in tested.iter().filter(|other| other.alert != one.alert) {
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
    json!({"alert": one.alert, "figures": one.figures(), "byReceiver": one.by_receiver, "evaluations": one.evaluations, "episodes": episodes.collect::<Vec<_>>()})
}

fn variant_json(variant: &Variant) -> Value {
    json!({"value": variant.value, "text": variant.text, "current": variant.current, "caught": variant.caught, "laterSeconds": variant.later.seconds(), "figures": variant.backtest.figures()})
}

/// All samples that the rules read in a span, asked of a server.
async fn fetched(url: &str, rules: &[Rule<'_>], from: Timestamp, to: Timestamp) -> anyhow::Result<MemoryStore> {
    let store = MemoryStore::new();
    let mut asked: Vec<String> = Vec::new();
    for (_, rule) in rules {
        let mut wanted: Vec<(String, Millis)> = Vec::new();
        rule.expr.walk(&mut |node| {
            let (selector, range) = match &node.kind {
                ExprKind::Vector(selector) => (selector, Millis::from_minutes(5)),
                ExprKind::Range(range) => (&range.selector, range.range),
                _ => return,
            };
            let matchers: Vec<String> = selector.matchers.iter().map(|matcher| matcher.to_string()).collect();
            wanted.push((format!("{{{}}}", matchers.join(",")), range + selector.offset));
        });
        let mut longest = Millis::ZERO;
        rule.expr.walk(&mut |node| {
            if let ExprKind::Subquery(subquery) = &node.kind {
                longest = longest.max(subquery.range + subquery.offset);
            }
        });
        for (selector, before) in wanted {
            let seconds = (to - from + before + longest).0 / 1000 + 1;
            let query = format!("{selector}[{seconds}s]");
            if asked.contains(&query) {
                continue;
            }
            take(url, &query, to, &store).await?;
            asked.push(query);
        }
    }
    Ok(store)
}

async fn take(url: &str, query: &str, at: Timestamp, mut store: &MemoryStore) -> anyhow::Result<()> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("query", query).append_pair("time", &at.seconds().to_string());
    let answer = ask(url, "/api/v1/query", Some(form.finish())).await?;
    for series in answer["data"]["result"].as_array().into_iter().flatten() {
        let Some(labels) = crate::wire::labels_of(&series["metric"]) else { continue };
        let Ok((number, _)) = store.series(&labels) else { continue };
        for pair in series["values"].as_array().into_iter().flatten() {
            if let (Some(seconds), Some(value)) = (pair[0].as_f64(), pair[1].as_str().and_then(parse_float)) {
                // A series that two selectors find is there already.
                let _ = store.append(number, Timestamp::from_seconds(seconds), value);
            }
        }
    }
    Ok(())
}
