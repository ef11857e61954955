//! One entry of a rule's `data`: a query or an expression. Of a query's `model` the fields are read that alerting knows; the others
//! say how Grafana's pages draw it.
//!
//! In:    the fields of `data[n]`. Out: a `Node` of the rule's graph.

use std::collections::HashMap;

use bellbuoy_rules::grafana::{
    Classic, ClassicCondition, ClassicReducer, Evaluator, Expression, Intervals, Math, MinStep, Node, NodeKind, Query, QueryKind, Reduce,
    ReduceMode, Reducer, Resample, Threshold, Upsampler,
};
use bellbuoy_vocabulary::{Millis, Span, parse_duration};

use super::super::read::{Fields, Text, did_you_mean};
use super::rules::{Context, place_in};

/// From and to before the evaluation.
pub type Range = (Millis, Millis);

pub struct Read {
    pub node: Node,
    pub span: Span,
    pub range: Range,
}

/// `ranges`: the time ranges of the entries before, by refId.
pub fn read(fields: Fields, context: &Context, ranges: &HashMap<String, Range>) -> Option<Read> {
    let ref_id = fields.required("refId");
    let uid = fields.required("datasourceUid");
    fields.text("queryType");
    let range = fields.map("relativeTimeRange", "relativeTimeRange").map_or((Millis::ZERO, Millis::ZERO), read_range);
    let model = fields.map("model", "model");
    if model.is_none() && !fields.unset("model") {
        fields.error(fields.key_span("model"), "\"model\" is missing in this query", "");
    }
    let kind = match (uid, &model) {
        (Some(uid), Some(model)) if matches!(uid.as_str(), "__expr__" | "-100") => {
            expression(model, context, range, ranges).map(NodeKind::Expression)
        }
        (Some(uid), Some(model)) => query(&fields, model, uid, context, range).map(NodeKind::Query),
        _ => None,
    };
    let span = ref_id.map_or(fields.span, |ref_id| ref_id.span());
    fields.finish();
    Some(Read { node: Node { ref_id: ref_id?.as_str().to_string(), kind: kind? }, span, range })
}

fn read_range(fields: Fields) -> Range {
    let side = |key: &'static str| -> Millis {
        let Some(text) = fields.text(key) else { return Millis::ZERO };
        match text.as_str().parse::<i64>() {
            Ok(seconds) if (0..=100 * 366 * 86_400).contains(&seconds) => Millis::from_seconds(seconds),
            _ => parse_duration(text.as_str()).unwrap_or_else(|_| {
                fields.error(text.span(), format!("{key:?} must be a number of seconds, not {:?}", text.shown()), "");
                Millis::ZERO
            }),
        }
    };
    let range = (side("from"), side("to"));
    fields.finish();
    range
}

fn query(fields: &Fields, model: &Fields, uid: Text, context: &Context, range: Range) -> Option<Query> {
    let datasource = context.datasources.find(uid.as_str());
    match datasource {
        Some(found) if found.kind != "prometheus" => {
            let message = format!("data source {:?} is of type {:?}; only prometheus can be asked", found.name, found.kind);
            fields.error(uid.span(), message, "all Prometheus data sources are answered from our own store");
            return None;
        }
        None if context.datasources.all.is_empty() => {
            let message = format!("no data source file says what {:?} is; it is answered from our own store", uid.shown());
            fields.report.warning(uid.span(), message, "put Grafana's provisioning/datasources beside the rules");
        }
        None => {
            fields.error(uid.span(), format!("unknown data source {:?}", uid.shown()), context.datasources.help(uid.as_str()));
            return None;
        }
        Some(_) => {}
    }
    let instant = model.boolean("instant").unwrap_or(false);
    let is_range = model.boolean("range").unwrap_or(false) || !instant;
    if instant && is_range {
        model.report.warning(
            model.key_span("range"),
            "the query is both instant and range; it is asked as an instant one",
            "set one of them",
        );
    }
    if range.0 <= range.1 {
        let message = "relativeTimeRange: \"from\" must be more seconds ago than \"to\"";
        fields.error(fields.key_span("relativeTimeRange"), message, "write for example `from: 600` and `to: 0`");
        return None;
    }
    let intervals = Intervals {
        range: range.0 - range.1,
        interval: model.integer("intervalMs").map_or(Intervals::default().interval, |ms| Millis(ms.min(i64::MAX as u64) as i64)),
        points_max: model.integer("maxDataPoints").filter(|count| *count > 0).map_or(43_200, |count| count.min(1 << 40) as i64),
        min_step: min_step(model),
        factor: model.integer("intervalFactor").map_or(1, |factor| factor.clamp(1, 1000) as i64),
        scrape_interval: datasource.and_then(|found| found.time_interval),
    };
    let expr = promql(model, context, &intervals)?;
    let text = model.string("expr").unwrap_or_default();
    let kind = if instant { QueryKind::Instant } else { QueryKind::Range { step: intervals.step() } };
    Some(Query { text, expr, kind, from: range.0, to: range.1, datasource_uid: uid.as_str().to_string() })
}

/// `interval`: the "Min step" of Grafana's pages.
fn min_step(model: &Fields) -> MinStep {
    let Some(text) = model.text("interval").filter(|text| !matches!(text.as_str(), "" | "0s")) else { return MinStep::Absent };
    match text.as_str() {
        "$__interval" | "${__interval}" => MinStep::Interval,
        "$__rate_interval" | "${__rate_interval}" => MinStep::RateInterval,
        other => match parse_duration(other).ok().filter(|length| *length > Millis::ZERO) {
            Some(length) => MinStep::Length(length),
            None => {
                model.error(text.span(), format!("\"interval\" is not a valid duration: {:?}", text.shown()), "write for example 15s");
                MinStep::Absent
            }
        },
    }
}

fn promql(model: &Fields, context: &Context, intervals: &Intervals) -> Option<bellbuoy_promql::Expr> {
    let text = model.required("expr")?;
    let filled = intervals.fill(text.as_str());
    match bellbuoy_promql::parse(&filled) {
        Ok(expr) => Some(expr),
        Err(error) => {
            // Where macros were filled in, places of the error are no places of the file.
            let same = filled == text.as_str();
            let span = if same { place_in(context, text.node, error.span.start) } else { text.span() };
            let help = match text.as_str().find("$") {
                Some(_) if same => {
                    "of Grafana's variables rules know $__interval, $__rate_interval, $__range and their _ms and _s".to_string()
                }
                _ => String::new(),
            };
            model.error(span, format!("not valid PromQL: {}", error.message), help);
            None
        }
    }
}

fn expression(model: &Fields, context: &Context, range: Range, ranges: &HashMap<String, Range>) -> Option<Expression> {
    const KINDS: [&str; 5] = ["math", "reduce", "resample", "threshold", "classic_conditions"];
    let kind = model.required("type")?;
    match kind.as_str() {
        "math" => math(model, context).map(Expression::Math),
        "reduce" => reduce(model).map(Expression::Reduce),
        "resample" => resample(model, range, ranges).map(Expression::Resample),
        "threshold" => threshold(model).map(Expression::Threshold),
        "classic_conditions" => classic(model).map(Expression::Classic),
        "sql" => {
            model.error(kind.span(), "expressions of type sql are not supported yet", "use reduce, math and threshold");
            None
        }
        other => {
            let near = did_you_mean(other, KINDS);
            let help = if near.is_empty() { format!("known ones: {}", KINDS.join(", ")) } else { near };
            model.error(kind.span(), format!("unknown type of expression {:?}", kind.shown()), help);
            None
        }
    }
}

/// The refId that an expression reads, with or without `$`.
fn input(model: &Fields) -> Option<String> {
    let text = model.required("expression")?;
    let name = text.as_str().trim();
    let name = name.strip_prefix("${").and_then(|inner| inner.strip_suffix('}')).or(name.strip_prefix('$')).unwrap_or(name);
    Some(name.to_string())
}

fn math(model: &Fields, context: &Context) -> Option<Math> {
    let text = model.required("expression")?;
    match Math::parse(text.as_str()) {
        Ok(math) => Some(math),
        Err(error) => {
            model.error(place_in(context, text.node, error.at), format!("not a valid formula: {}", error.message), "");
            None
        }
    }
}

/// The value of a key that must be one of some words.
fn word<T>(fields: &Fields, key: &'static str, words: &[&'static str], parse: impl Fn(&str) -> Option<T>) -> Option<T> {
    let text = fields.required(key)?;
    let found = parse(text.as_str());
    if found.is_none() {
        let near = did_you_mean(text.as_str(), words.iter().copied());
        let help = if near.is_empty() { format!("known ones: {}", words.join(", ")) } else { near };
        fields.error(text.span(), format!("unknown {key} {:?}", text.shown()), help);
    }
    found
}

fn reduce(model: &Fields) -> Option<Reduce> {
    let input = input(model);
    let reducer = word(model, "reducer", &Reducer::WORDS, Reducer::parse);
    let mut mode = Some(ReduceMode::Strict);
    if let Some(settings) = model.map("settings", "settings")
        && let Some(text) = settings.text("mode")
    {
        mode = match text.as_str() {
            "" | "strict" => mode,
            "dropNN" => Some(ReduceMode::Drop),
            "replaceNN" => match settings.float("replaceWithValue") {
                Some(value) => Some(ReduceMode::Replace(value)),
                None => {
                    settings.error(text.span(), "mode replaceNN needs a number in \"replaceWithValue\"", "add `replaceWithValue: 0`");
                    None
                }
            },
            _ => {
                settings.error(text.span(), format!("unknown mode {:?}", text.shown()), "known ones: strict, dropNN, replaceNN");
                None
            }
        };
    }
    Some(Reduce { input: input?, reducer: reducer?, mode: mode? })
}

/// Without a range of its own a resample has that of its input.
fn resample(model: &Fields, range: Range, ranges: &HashMap<String, Range>) -> Option<Resample> {
    let input = input(model);
    let window = model.required("window").and_then(|_| model.duration("window"));
    if window == Some(Millis::ZERO) {
        model.error(model.key_span("window"), "\"window\" must be longer than 0", "");
    }
    let downsampler = word(model, "downsampler", &["sum", "mean", "min", "max", "last"], |word| {
        Reducer::parse(word).filter(|reducer| !matches!(reducer, Reducer::Count | Reducer::Median))
    });
    let upsampler = word(model, "upsampler", &Upsampler::WORDS, Upsampler::parse);
    let input = input?;
    let (from, to) = if range.0 > range.1 { range } else { ranges.get(&input).copied().unwrap_or(range) };
    let window = window.filter(|window| *window > Millis::ZERO)?;
    Some(Resample { input, window, downsampler: downsampler?, upsampler: upsampler?, from, to })
}

fn evaluator(fields: Fields, words: &[&'static str]) -> Option<Evaluator> {
    let kind = word(&fields, "type", words, |word| words.iter().copied().find(|known| *known == word))?;
    let mut params = Vec::new();
    for text in fields.texts("params") {
        match text.as_str().parse::<f64>() {
            Ok(number) if number.is_finite() => params.push(number),
            _ => {
                fields.error(text.span(), format!("a parameter must be a number, not {:?}", text.shown()), "");
                return None;
            }
        }
    }
    let found = Evaluator::new(kind, &params);
    if found.is_none() {
        let needed = Evaluator::params_of(kind).unwrap_or(1);
        let message = format!("{kind} needs {needed} number{} in \"params\", not {}", if needed == 1 { "" } else { "s" }, params.len());
        fields.error(fields.key_span("params"), message, "");
    }
    found
}

/// The map under `key`, which must be there.
fn part<'a>(fields: &Fields<'a>, key: &'static str) -> Option<Fields<'a>> {
    let part = fields.map(key, key);
    if part.is_none() && fields.node(key).is_none() {
        fields.error(fields.key_span(key), format!("{key:?} is missing in this {}", fields.what), "");
    }
    part
}

fn threshold(model: &Fields) -> Option<Threshold> {
    let input = input(model);
    let conditions = model.maps("conditions", "condition");
    let [condition] = conditions.as_slice() else {
        let message = format!("a threshold has exactly one condition, not {}", conditions.len());
        model.error(model.key_span("conditions"), message, "");
        return None;
    };
    let limit = part(condition, "evaluator").and_then(|fields| evaluator(fields, &Evaluator::THRESHOLD_WORDS));
    let unload = match condition.map("unloadEvaluator", "unloadEvaluator") {
        Some(fields) => Some(evaluator(fields, &Evaluator::THRESHOLD_WORDS)?),
        None => None,
    };
    Some(Threshold { input: input?, evaluator: limit?, unload })
}

fn classic(model: &Fields) -> Option<Classic> {
    let entries = model.maps("conditions", "condition");
    if entries.is_empty() {
        model.error(model.key_span("conditions"), "classic conditions need at least one condition", "");
        return None;
    }
    let count = entries.len();
    let read: Vec<ClassicCondition> =
        entries.iter().enumerate().filter_map(|(index, fields)| classic_condition(fields, index == 0)).collect();
    (read.len() == count).then_some(Classic { conditions: read })
}

fn classic_condition(fields: &Fields, first: bool) -> Option<ClassicCondition> {
    let limit = part(fields, "evaluator").and_then(|fields| evaluator(fields, &Evaluator::CLASSIC_WORDS));
    let reducer = part(fields, "reducer").and_then(|fields| word(&fields, "type", &ClassicReducer::WORDS, ClassicReducer::parse));
    let query = part(fields, "query")?;
    let input = query.texts("params").first().map(|text| text.as_str().to_string()).filter(|name| !name.is_empty());
    if input.is_none() {
        query.error(query.key_span("params"), "\"params\" must name the refId that is looked at", "write `params: [A]`");
    }
    let operator = fields.map("operator", "operator").and_then(|fields| fields.text("type"));
    let or = match operator.map(|text| text.as_str()) {
        Some("or") => Some(true),
        Some("and") => Some(false),
        _ if first => Some(false),
        other => {
            let span = operator.map_or(fields.span, |text| text.span());
            fields.error(span, format!("the operator must be \"and\" or \"or\", not {:?}", other.unwrap_or("")), "");
            None
        }
    };
    Some(ClassicCondition { input: input?, reducer: reducer?, evaluator: limit?, or: or? })
}

/// Whether a refId is known to give time series, which nobody can alert on. Depth is bounded by the order of the nodes.
pub fn gives_series(nodes: &[Node], ref_id: &str) -> bool {
    let mut series: Vec<&str> = Vec::new();
    for node in nodes {
        let gives = match &node.kind {
            NodeKind::Query(query) => query.kind != QueryKind::Instant,
            NodeKind::Expression(Expression::Reduce(_) | Expression::Classic(_)) => false,
            NodeKind::Expression(Expression::Resample(_)) => true,
            NodeKind::Expression(other) => other.needs().iter().any(|name| series.contains(name)),
        };
        if gives {
            series.push(&node.ref_id);
        }
    }
    series.contains(&ref_id)
}
