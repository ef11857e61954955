//! `retraining:` and `deployment:` of a model: lines of the default rules, or rules of one's own. docs/guides/decisions.md explains them.
//!
//! ```yaml
//! retraining:
//!   r2_critical: 0.65            # METRIC_critical and METRIC_warning of any metric of the kind of model; `~` turns a default line off
//!   r2_warning: 0.7
//!   drift_share: 0.5
//!   rows_min: 168                # under a figure, else it is unknown
//!   times_min: 2                 # judgements in a row
//!   cool_down: 6h                # after a run, `watch` instead of `retrain`
//! # or, instead of lines:
//!   rules:
//!     - name: surely_low
//!       when: [{figure: r2, side: high, below: 0.65, clear: 0.7, rows_min: 300}, {figure: drift_share, at_least: 0.3}]
//!       outcome: retrain
//!       severity: critical
//!       times_min: 3
//! deployment: {metric: r2, improvement_min: 0.01, baseline_regression_max: 0.05, rows_min: 50}       # or rules
//! ```

use std::sync::LazyLock;

use bellbuoy_models::{
    Condition, CoolDown, DecisionSeverity, DeploymentOutcome, DeploymentSettings, DeploymentThresholds, Metric, MetricKind, ModelKind,
    ModelSettings, Policy, RULES_MAX, RetrainingOutcome, RetrainingThresholds, Rule, Side, Span as WindowSpan, Test,
    deployment_figure_names, drift_score_name, figure_names,
};
use bellbuoy_vocabulary::Millis;

use super::super::model_config::{Place, Places};
use super::super::read::{Fields, Text, did_you_mean};
use super::super::yaml::Value;
use super::{WINDOW_ROWS_MAX, rows, share, word};

const TIMES_MAX: u64 = 10_000;
/// In the help of an unknown figure.
const NAMED_MAX: usize = 12;

/// `METRIC_critical` and `METRIC_warning`.
static LINES: LazyLock<Vec<(Metric, [String; 2])>> =
    LazyLock::new(|| Metric::ALL.iter().map(|metric| (*metric, [format!("{metric}_critical"), format!("{metric}_warning")])).collect());

const OUTCOMES: [(&str, RetrainingOutcome); 4] = [
    ("retrain", RetrainingOutcome::RetrainNow),
    ("watch", RetrainingOutcome::Watch),
    ("nothing", RetrainingOutcome::Nothing),
    ("unknown", RetrainingOutcome::Unknown),
];

const DECISIONS: [(&str, DeploymentOutcome); 3] =
    [("deploy", DeploymentOutcome::Deploy), ("skip", DeploymentOutcome::Skip), ("reject", DeploymentOutcome::Reject)];

/// What conditions are checked against.
struct Known<'a> {
    figures: Vec<String>,
    /// The features are not known yet: those that rules name are noted for the reader of the reference.
    features_open: bool,
    /// Rows that the first window can have.
    rows_max: Option<usize>,
    /// Of conditions that do not say.
    rows_min: usize,
    times_min: u32,
    places: &'a mut Places,
}

/// The settings of a model with kind, features and windows filled in. `fields`: absent, the default rules hold.
pub fn retraining(fields: Option<Fields>, settings: &ModelSettings, places: &mut Places) -> Policy<RetrainingOutcome> {
    let mut policy = match fields {
        None => Policy::retraining(&RetrainingThresholds::of_kind(&settings.kind)),
        Some(fields) => {
            let policy = retraining_of(&fields, settings, places);
            fields.finish();
            policy
        }
    };
    policy.interval = settings.schedule;
    policy
}

fn retraining_of(fields: &Fields, settings: &ModelSettings, places: &mut Places) -> Policy<RetrainingOutcome> {
    let rows_max = match settings.windows.first().map(|window| window.span) {
        Some(WindowSpan::NewestRows(rows)) => Some(rows),
        _ => None,
    };
    let mut known = Known {
        figures: figure_names(settings),
        features_open: settings.features.is_empty(),
        rows_max,
        rows_min: rows(fields, "rows_min", WINDOW_ROWS_MAX).unwrap_or(0),
        times_min: times(fields).unwrap_or(1),
        places,
    };
    if let Some(rows_max) = rows_max.filter(|rows_max| known.rows_min > *rows_max) {
        let message = format!("rows_min {} is more than the window's {rows_max} rows: every figure would be unknown", known.rows_min);
        fields.error(fields.key_span("rows_min"), message, "");
    }
    let lines = lines(fields, settings);
    let mut policy = if fields.has("rules") {
        no_lines_beside_rules(fields, settings);
        Policy::retraining_of(rules(fields, &mut known, &OUTCOMES, "retrain"))
    } else {
        let mut policy = Policy::retraining(&lines);
        for rule in &mut policy.rules {
            rule.times_min = known.times_min;
            for condition in &mut rule.when {
                condition.rows_min = known.rows_min;
            }
        }
        policy
    };
    policy.otherwise = word(fields, "otherwise", &OUTCOMES).unwrap_or(policy.otherwise);
    policy.unknown = word(fields, "unknown", &OUTCOMES).unwrap_or(policy.unknown);
    policy.pending = word(fields, "pending", &OUTCOMES).unwrap_or(policy.pending);
    policy.cool_down = fields.duration("cool_down").filter(|length| *length > Millis::ZERO).map(|length| CoolDown {
        keeps_off: RetrainingOutcome::RetrainNow,
        instead: RetrainingOutcome::Watch,
        length,
    });
    policy
}

pub fn deployment(fields: Option<Fields>, settings: &ModelSettings, places: &mut Places) -> DeploymentSettings {
    let Some(fields) = fields else { return DeploymentSettings::of_kind(&settings.kind) };
    let default = DeploymentThresholds::default();
    let lines = DeploymentThresholds {
        improvement_min: fields.float("improvement_min").unwrap_or(default.improvement_min),
        baseline_regression_max: super::not_negative(&fields, "baseline_regression_max").unwrap_or(default.baseline_regression_max),
    };
    let metric = metric(&fields, &settings.kind).unwrap_or(DeploymentSettings::of_kind(&settings.kind).metric);
    let mut out = DeploymentSettings::of(metric, &lines);
    let rows_min = rows(&fields, "rows_min", WINDOW_ROWS_MAX);
    out.rows_min = rows_min.unwrap_or(out.rows_min);
    let unknown = word(&fields, "unknown", &DECISIONS);
    if fields.has("rules") {
        for key in ["improvement_min", "baseline_regression_max"] {
            if fields.has(key) {
                fields.error(
                    fields.key_span(key),
                    format!("{key:?} is a line of the default rules, and there are rules"),
                    "write it as a rule",
                );
            }
        }
        let mut known = Known {
            figures: deployment_figure_names(&settings.kind),
            features_open: false,
            rows_max: None,
            rows_min: 0,
            times_min: 1,
            places,
        };
        let rules = rules(&fields, &mut known, &DECISIONS, "skip");
        for rule in &rules {
            if rule.times_min > 1 || rule.when.iter().any(|condition| condition.clear.is_some()) {
                let message = format!("rule {:?}: `clear` and `times_min` are of rules for retraining", rule.name);
                fields.error(fields.key_span("rules"), message, "each challenger is judged once: remove them");
            }
        }
        out.told = Policy::deployment_of(rules.clone(), DeploymentOutcome::Skip);
        out.paired = Policy::deployment_of(rules, DeploymentOutcome::Skip);
    }
    for policy in [&mut out.told, &mut out.paired] {
        policy.unknown = unknown.unwrap_or(policy.unknown);
    }
    fields.finish();
    out
}

fn metric(fields: &Fields, kind: &ModelKind) -> Option<Metric> {
    let text = fields.text("metric")?;
    let words: Vec<&str> = of_kind(kind).map(Metric::word).collect();
    let found = of_kind(kind).find(|metric| metric.word() == text.as_str());
    if found.is_none() {
        let help = match did_you_mean(text.as_str(), words.iter().copied()) {
            near if near.is_empty() => format!("write one of {}", words.join(", ")),
            near => near,
        };
        fields.error(text.span(), format!("unknown metric {:?} of a model of this kind", text.shown()), help);
    }
    found
}

fn of_kind(kind: &ModelKind) -> impl Iterator<Item = Metric> + use<> {
    Metric::of_kind(if *kind == ModelKind::Regression { MetricKind::Regression } else { MetricKind::Classification })
}

/// `key: ~` turns a line off; a key that is not written keeps its default.
fn lines(fields: &Fields, settings: &ModelSettings) -> RetrainingThresholds {
    let mut lines = RetrainingThresholds::of_kind(&settings.kind);
    let mine: Vec<Metric> = of_kind(&settings.kind).collect();
    for (metric, keys) in LINES.iter() {
        for (key, critical) in keys.iter().zip([true, false]) {
            let key: &'static str = key.as_str();
            if !fields.has(key) {
                continue;
            }
            if mine.contains(metric) {
                lines.set(*metric, critical, fields.float(key));
            } else {
                fields.error(fields.key_span(key), format!("{key:?} is of another kind of model"), "see `kind`");
            }
        }
    }
    if fields.has("drift_share") {
        lines.drift_share = share(fields, "drift_share");
    }
    for of in &lines.metrics {
        let (Some(critical), Some(warning)) = (of.critical, of.warning) else { continue };
        if of.metric.gain(critical, warning) < 0.0 {
            let keys = LINES.iter().find(|(metric, _)| *metric == of.metric).map(|(_, keys)| keys);
            let key = keys.and_then(|keys| keys.iter().find(|key| fields.has(key.as_str())));
            let metric = of.metric;
            fields.error(
                key.map_or(fields.span, |key| fields.key_span(key.as_str())),
                format!("{metric}_critical {critical} is better than {metric}_warning {warning}"),
                "the warning line has to be crossed before the critical one",
            );
        }
    }
    lines
}

fn no_lines_beside_rules(fields: &Fields, settings: &ModelSettings) {
    let keys = LINES.iter().filter(|(metric, _)| of_kind(&settings.kind).any(|mine| mine == *metric)).flat_map(|(_, keys)| keys);
    for key in keys.map(String::as_str).chain(["drift_share"]) {
        if fields.has(key) {
            let message = format!("{key:?} is a line of the default rules, and there are rules");
            fields.error(fields.key_span(key), message, "write it as a rule, or remove `rules`");
        }
    }
}

fn times(fields: &Fields) -> Option<u32> {
    let times = fields.integer("times_min")?;
    if times == 0 || times > TIMES_MAX {
        fields.error(fields.key_span("times_min"), format!("\"times_min\" must be from 1 to {TIMES_MAX}"), "");
        return None;
    }
    u32::try_from(times).ok()
}

/// Rules in their order. `usual`: the outcome of the example in an error.
fn rules<O: Copy>(fields: &Fields, known: &mut Known, outcomes: &[(&'static str, O)], usual: &str) -> Vec<Rule<O>> {
    let mut found: Vec<Rule<O>> = Vec::new();
    for map in fields.maps("rules", "rule") {
        let name = map.required("name");
        if let Some(name) = name
            && found.iter().any(|earlier| earlier.name == name.as_str())
        {
            map.error(name.span(), format!("rule {:?} is given twice", name.shown()), "names of rules are unique");
        }
        let outcome = match map.node("outcome") {
            Some(_) => word(&map, "outcome", outcomes),
            None => {
                map.error(map.span, "a rule without \"outcome\"", format!("add for example `outcome: {usual}`"));
                None
            }
        };
        let severities = DecisionSeverity::ALL.map(|severity| (severity.word(), severity));
        let severity = word(&map, "severity", &severities).unwrap_or(DecisionSeverity::Warning);
        let times_min = times(&map).unwrap_or(known.times_min);
        let when = conditions(&map, known);
        map.finish();
        if let (Some(name), Some(outcome)) = (name, outcome) {
            found.push(Rule { name: name.as_str().to_owned(), when, outcome, severity, times_min });
        }
    }
    if found.len() > RULES_MAX {
        fields.error(fields.key_span("rules"), format!("{} rules, at most {RULES_MAX} are taken", found.len()), "");
    }
    found
}

/// One condition or a list of them; all must hold.
fn conditions(rule: &Fields, known: &mut Known) -> Vec<Condition> {
    let Some(node) = rule.node("when") else {
        rule.error(
            rule.span,
            "a rule without \"when\" would always hold and hide those after it",
            "add for example `when: {figure: r2, below: 0.65}`",
        );
        return Vec::new();
    };
    let nodes = match &node.value {
        Value::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    if nodes.is_empty() {
        rule.error(node.span, "a rule with no condition would always hold and hide those after it", "");
    }
    let mut found = Vec::new();
    for map in nodes.iter().filter_map(|node| Fields::of(node, "condition", rule.report)) {
        found.extend(condition(&map, known));
        map.finish();
    }
    found
}

fn condition(map: &Fields, known: &mut Known) -> Option<Condition> {
    let figure = map.required("figure");
    let tests = [("below", Test::Below), ("at_most", Test::AtMost), ("above", Test::Above), ("at_least", Test::AtLeast)];
    let written: Vec<(Test, f64)> = tests.iter().filter_map(|(key, test)| Some((*test, map.float(key)?))).collect();
    let sides = [("value", Side::Value), ("low", Side::Low), ("high", Side::High)];
    let side = word(map, "side", &sides).unwrap_or_default();
    let clear = map.float("clear");
    let rows_min = rows(map, "rows_min", WINDOW_ROWS_MAX).unwrap_or(known.rows_min);
    let first = figure.is_some_and(|figure| !figure.as_str().contains('@'));
    if let Some(rows_max) = known.rows_max.filter(|rows_max| first && rows_min > *rows_max)
        && map.has("rows_min")
    {
        let message = format!("rows_min {rows_min} is more than the window's {rows_max} rows: the figure would always be unknown");
        map.error(map.key_span("rows_min"), message, "");
    }
    let figure = figure?;
    check_figure(map, figure, side, known);
    let [(test, line)] = written[..] else {
        let count = written.len();
        let message = if count == 0 { "a condition without a line".to_owned() } else { format!("a condition with {count} lines") };
        map.error(map.span, message, "write one of below, at_most, above and at_least with a number");
        return None;
    };
    let condition = Condition { figure: figure.as_str().to_owned(), side, test, line, clear, rows_min };
    if let Some(problem) = condition.problem(&[]) {
        map.error(map.key_span("clear"), problem, "the figure has to come back beyond its line to clear");
    }
    Some(condition)
}

fn check_figure(map: &Fields, figure: Text, side: Side, known: &mut Known) {
    let name = figure.as_str();
    let feature = name.strip_prefix(drift_score_name("").as_str());
    if let Some(feature) = feature.filter(|feature| known.features_open && !feature.is_empty()) {
        let feature = feature.split_once('@').map_or(feature, |(feature, _)| feature);
        known.places.add(Place::Rule, feature, figure.span());
    } else if !known.figures.iter().any(|known| known == name) {
        let help = match did_you_mean(name, known.figures.iter().map(String::as_str)) {
            near if near.is_empty() => format!("there are {} and more", known.figures[..NAMED_MAX.min(known.figures.len())].join(", ")),
            near => near,
        };
        map.error(figure.span(), format!("the model has no figure {:?}", figure.shown()), help);
        return;
    }
    let of_first = name.split('@').next().unwrap_or(name);
    let metric_or_gain = Metric::parse(of_first).is_some() || matches!(of_first, "improvement" | "baseline_change");
    if side != Side::Value && !metric_or_gain {
        let message = format!(
            "{:?} has no interval, so its {} end is always unknown",
            figure.shown(),
            if side == Side::Low { "lower" } else { "upper" }
        );
        map.error(map.key_span("side"), message, "remove `side`");
    }
}
