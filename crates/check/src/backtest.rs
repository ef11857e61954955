//! Rules over stored history: how often an alert would have fired, for how long, with how many messages, and what another threshold or
//! another `for` would have changed.
//!
//! In:    alerting rules, series, a span of time, the routes. Out: `Backtest`s; of a sweep a `Variant` a value, and a `Suggestion` with its reason.
//! Never: reads a clock or writes a series. Holds: states are those of `rules::replay`, messages those of the router, both as live.

mod sweep;
#[cfg(test)]
mod tests;
pub mod text;

use std::collections::{BTreeMap, BTreeSet};

use bellbuoy_promql::{Expr, VectorSelector};
use bellbuoy_router::{Decision, Reason, Router, RouterSettings};
use bellbuoy_rules::grafana::GrafanaSettings;
use bellbuoy_rules::replay::{Ask, Replayed, Span, replay_asking, replay_grafana};
use bellbuoy_rules::{AlertingSettings, Evaluation, State, Transition};
use bellbuoy_vocabulary::{ALERT_NAME, Alert, Labels, METRIC_NAME, Matcher, Millis, Timestamp};
use serde::Serialize;

pub use sweep::{Cost, Parameter, Suggestion, Sweep, Variant, suggest, sweep, values_of, variant, with_own};

/// What counts as one incident, and what as a flap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// Firing periods that are not further apart belong to one incident.
    pub gap: Millis,
    /// A firing period that is shorter is a flap.
    pub flap: Millis,
}

impl Default for Scale {
    /// Of alerts.
    fn default() -> Scale {
        Scale { gap: Millis::from_minutes(15), flap: Millis::from_minutes(5) }
    }
}

/// How far before the span a sample may matter: most ranges are not longer.
const REACH: Millis = Millis::from_minutes(24 * 60);

/// One firing period of one alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Episode {
    pub labels: Labels,
    /// Since when the condition held.
    pub from: Timestamp,
    pub fired_at: Timestamp,
    /// `None`: it still fires at the end of the span.
    pub until: Option<Timestamp>,
    pub value: f64,
}

/// A stretch of time in which anything of a rule fired.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Incident {
    pub from: Timestamp,
    pub until: Timestamp,
    pub episodes: usize,
}

/// What a rule would have done.
#[derive(Clone, Debug, Default)]
pub struct Backtest {
    pub alert: String,
    pub episodes: Vec<Episode>,
    pub incidents: Vec<Incident>,
    /// Pending, but never long enough.
    pub too_short: usize,
    /// Messages to all integrations, resolved ones among them; of a decision the runs that it began.
    pub messages: usize,
    /// The same per receiver.
    pub by_receiver: BTreeMap<String, usize>,
    /// Of all its alerts together.
    pub firing: Millis,
    pub longest: Millis,
    pub scale: Scale,
    /// Firing periods shorter than `scale.flap`.
    pub flaps: usize,
    /// What it asks for and nobody told of in the span, when its condition never held.
    pub silent: Vec<String>,
    /// Of the evaluations of the span.
    pub evaluations: u64,
    pub span: Millis,
}

/// The figures of a backtest, for JSON and tables.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    pub fired: usize,
    pub incidents: usize,
    pub messages: usize,
    pub flaps: usize,
    pub too_short: usize,
    pub firing_seconds: f64,
    pub longest_seconds: f64,
    /// Part of the span in which anything fired.
    pub firing_share: f64,
}

/// What the past is asked for.
pub struct Past<'a> {
    pub with: &'a Evaluation<'a>,
    /// Evaluates in place of `with`: a server that has the series.
    pub ask: Option<&'a Ask<'a>>,
    /// `None`: messages are not counted.
    pub router: Option<&'a RouterSettings>,
    /// Asked now and then; true ends the work with an error.
    pub stop: &'a dyn Fn() -> bool,
}

/// Replays one rule over a span and counts.
pub fn backtest(rule: &AlertingSettings, span: Span, past: &Past) -> Result<Backtest, String> {
    let replayed = replay_asking(rule, span, past.with, past.ask, past.stop).map_err(|error| error.to_string())?;
    let silent = if replayed.held == 0 { silent(&[&rule.expr], span, past)? } else { Vec::new() };
    Ok(Backtest { silent, ..counted(&rule.alert, &replayed, span, past) })
}

/// The same of a Grafana rule, evaluation by evaluation. A server is asked for its queries; what is made of their answers is computed here.
pub fn backtest_grafana(rule: &GrafanaSettings, span: Span, past: &Past) -> Result<Backtest, String> {
    let (mut replayed, _) = replay_grafana(rule, span, past.with, past.ask, past.stop).map_err(|error| error.to_string())?;
    replayed.transitions = with_ends(replayed.transitions);
    let exprs: Vec<&Expr> = rule.queries().map(|query| &query.expr).collect();
    let silent = if replayed.held == 0 { silent(&exprs, span, past)? } else { Vec::new() };
    Ok(Backtest { silent, ..counted(&rule.title, &replayed, span, past) })
}

/// The selectors of which nothing was told in the span. An error when that is all of them: that nothing fired says nothing then.
fn silent(exprs: &[&Expr], span: Span, past: &Past) -> Result<Vec<String>, String> {
    let mut selectors: Vec<&VectorSelector> = exprs.iter().flat_map(|expr| expr.selectors()).collect();
    let count = selectors.len();
    selectors.retain(|selector| !has_data(selector, span, past));
    let all_silent = count > 0 && selectors.len() == count;
    // A selector that stands twice is named once, where it stands first.
    let mut seen = BTreeSet::new();
    let shown: Vec<String> = selectors.iter().map(|selector| shown(selector)).filter(|text| seen.insert(text.clone())).collect();
    if all_silent {
        return Err(format!("no data: nothing of {} was told between {} and {}", shown.join(", "), span.from.rfc3339(), span.to.rfc3339()));
    }
    Ok(shown)
}

fn shown(selector: &VectorSelector) -> String {
    let name = selector.name.as_deref().unwrap_or_default();
    let others = selector.matchers.iter().filter(|matcher| name.is_empty() || matcher.name != METRIC_NAME);
    let others: Vec<String> = others.map(Matcher::to_string).collect();
    if others.is_empty() { name.to_string() } else { format!("{name}{{{}}}", others.join(", ")) }
}

/// Whether any sample can have reached the span; what can not be asked counts as there.
fn has_data(selector: &VectorSelector, span: Span, past: &Past) -> bool {
    let from = span.from - selector.offset - REACH;
    let to = span.to - selector.offset.min(Millis::ZERO);
    let Some(ask) = past.ask else {
        return past.with.source.select(from, to, &selector.matchers).map_or(true, |series| !series.is_empty());
    };
    let matchers: Vec<String> = selector.matchers.iter().map(Matcher::to_string).collect();
    let text = format!("count(last_over_time({{{}}}[{}ms]))", matchers.join(", "), (to - from).0);
    let Ok(expr) = bellbuoy_promql::parse(&text) else { return true };
    ask(&expr, to, to, span.step).map_or(true, |found| !found.is_empty())
}

/// A Grafana alert that becomes one on missing data, or on an error, ends under its old name: nobody is told of the two at once.
fn with_ends(transitions: Vec<Transition>) -> Vec<Transition> {
    let of_kind = |name: &str| matches!(name, ALERT_NAME | "rulename" | "datasource_uid" | "ref_id");
    let instance = |labels: &Labels| labels.builder().keep(|name| !of_kind(name)).labels();
    let mut out: Vec<Transition> = Vec::new();
    for transition in transitions {
        let fired = out.iter().rev().find(|earlier| instance(&earlier.labels) == instance(&transition.labels)).cloned();
        if let Some(fired) = fired.filter(|fired| fired.to == State::Firing && fired.labels != transition.labels) {
            out.push(Transition { from: State::Firing, to: State::Resolved, at: transition.at, after: transition.at - fired.at, ..fired });
        }
        out.push(transition);
    }
    out
}

fn counted(name: &str, replayed: &Replayed, span: Span, past: &Past) -> Backtest {
    let episodes = episodes(&replayed.transitions);
    let too_short = replayed.transitions.iter().filter(|t| t.from == State::Pending && t.to == State::Inactive).count();
    let by_receiver = past.router.map(|router| messages(router, &episodes, past.with.external_labels, span.to)).unwrap_or_default();
    Backtest {
        too_short,
        messages: by_receiver.values().sum(),
        by_receiver,
        evaluations: replayed.evaluations,
        ..Backtest::of_episodes(name, episodes, span, Scale::default())
    }
}

impl Backtest {
    /// Of periods that are known already, in their order: of a decision for example. Messages are not among what follows from them.
    pub fn of_episodes(name: &str, episodes: Vec<Episode>, span: Span, scale: Scale) -> Backtest {
        let lengths: Vec<Millis> = episodes.iter().map(|episode| episode.until.unwrap_or(span.to) - episode.fired_at).collect();
        Backtest {
            alert: name.to_string(),
            firing: lengths.iter().copied().fold(Millis::ZERO, |sum, length| sum + length),
            longest: lengths.iter().copied().max().unwrap_or_default(),
            flaps: episodes.iter().zip(&lengths).filter(|(episode, length)| episode.until.is_some() && **length < scale.flap).count(),
            span: span.to - span.from,
            incidents: incidents(&episodes, span.to, scale.gap),
            scale,
            episodes,
            ..Backtest::default()
        }
    }

    pub fn figures(&self) -> Figures {
        let covered: i64 = self.incidents.iter().map(|incident| (incident.until - incident.from).0).sum();
        Figures {
            fired: self.episodes.len(),
            incidents: self.incidents.len(),
            messages: self.messages,
            flaps: self.flaps,
            too_short: self.too_short,
            firing_seconds: self.firing.seconds(),
            longest_seconds: self.longest.seconds(),
            firing_share: if self.span.0 > 0 { covered as f64 / self.span.0 as f64 } else { 0.0 },
        }
    }

    /// The part of this rule's incidents during which the other one fired too.
    pub fn overlap(&self, other: &Backtest) -> f64 {
        let total: i64 = self.incidents.iter().map(|one| (one.until - one.from).0.max(1)).sum();
        let mut shared = 0;
        for one in &self.incidents {
            for two in &other.incidents {
                shared += (one.until.min(two.until) - one.from.max(two.from)).0.max(0);
            }
        }
        if total == 0 { 0.0 } else { shared as f64 / total as f64 }
    }

    /// Whether anything of it fired during an incident of another rule.
    pub fn caught(&self, incident: &Incident) -> bool {
        self.incidents.iter().any(|own| own.from <= incident.until && incident.from <= own.until)
    }
}

fn episodes(transitions: &[Transition]) -> Vec<Episode> {
    let mut open: BTreeMap<&Labels, Episode> = BTreeMap::new();
    let mut out = Vec::new();
    for t in transitions {
        match t.to {
            State::Firing => {
                let from = t.at - t.after;
                open.insert(&t.labels, Episode { labels: t.labels.clone(), from, fired_at: t.at, until: None, value: t.value });
            }
            State::Resolved => {
                if let Some(episode) = open.remove(&t.labels) {
                    out.push(Episode { until: Some(t.at), ..episode });
                }
            }
            _ => {}
        }
    }
    out.extend(open.into_values());
    out.sort_by(|a, b| a.fired_at.cmp(&b.fired_at).then_with(|| a.labels.cmp(&b.labels)));
    out
}

fn incidents(episodes: &[Episode], end: Timestamp, gap: Millis) -> Vec<Incident> {
    let mut out: Vec<Incident> = Vec::new();
    for episode in episodes {
        let until = episode.until.unwrap_or(end);
        match out.last_mut() {
            Some(last) if episode.fired_at <= last.until + gap => {
                last.until = last.until.max(until);
                last.episodes += 1;
            }
            _ => out.push(Incident { from: episode.fired_at, until, episodes: 1 }),
        }
    }
    out
}

/// What the router would have told of these episodes, by receiver.
fn messages(settings: &RouterSettings, episodes: &[Episode], external: &Labels, end: Timestamp) -> BTreeMap<String, usize> {
    let mut router = Router::new(settings.clone());
    let mut events: Vec<(Timestamp, Alert)> = Vec::new();
    for episode in episodes {
        let mut labels = episode.labels.builder();
        for (name, value) in external.iter().filter(|(name, _)| !episode.labels.has(name)) {
            labels.set(name, value);
        }
        let alert = Alert {
            labels: labels.labels(),
            annotations: Labels::empty(),
            starts_at: episode.fired_at,
            ends_at: Timestamp::MAX,
            updated_at: episode.fired_at,
            generator_url: String::new(),
            timeout: false,
        };
        events.push((episode.fired_at, alert.clone()));
        if let Some(until) = episode.until {
            events.push((until, Alert { ends_at: until, updated_at: until, ..alert }));
        }
    }
    events.sort_by_key(|(at, _)| *at);
    let mut counts = BTreeMap::new();
    let mut tell = |router: &mut Router, at: Timestamp| {
        for decision in router.tick(at) {
            if let Decision::Notify(notification) = decision
                && (at <= end || notification.reason != Reason::RepeatIntervalElapsed)
            {
                *counts.entry(notification.receiver).or_insert(0) += 1;
            }
        }
        router.changes();
    };
    let mut events = events.into_iter().peekable();
    // What is told for the first time after the end of the span belongs to it, for the groups wait; repeats do not.
    let late = end + Millis::from_minutes(10);
    loop {
        let due = router.next_due().filter(|due| *due <= late);
        match (events.peek().map(|(at, _)| *at), due) {
            (Some(at), due) if due.is_none_or(|due| at <= due) => {
                if let Some((at, alert)) = events.next() {
                    router.receive(vec![alert], at);
                }
            }
            (_, Some(due)) => tell(&mut router, due),
            (_, None) => return counts,
        }
    }
}
