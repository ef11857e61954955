//! Prometheus' template functions (`template/template.go`).

use gotmpl::{FuncMap, Value};

use super::{Answer, add, arguments, number, text};
use crate::data::{duration, map, string};
use crate::escape::query_escape;
use crate::format;
use crate::methods::fail;

pub(super) fn functions() -> FuncMap {
    let mut all = FuncMap::new();
    samples(&mut all);
    numbers(&mut all);
    texts(&mut all);
    all
}

/// What `query` gives: a list of samples with `Labels` and `Value`.
fn samples(all: &mut FuncMap) {
    add(all, "first", |args| {
        let [list] = arguments("first", args)?;
        match list {
            Value::List(items) if !items.is_empty() => Ok(items[0].clone()),
            Value::List(_) => fail("first() called on vector with no elements"),
            other => fail(format!("first: expected a query's result, got {}", other.type_name())),
        }
    });
    add(all, "label", |args| {
        let [name, sample] = arguments("label", args)?;
        label(text("label", name)?, sample)
    });
    add(all, "strvalue", |args| {
        let [sample] = arguments("strvalue", args)?;
        label("__value__", sample)
    });
    add(all, "value", |args| {
        let [sample] = arguments("value", args)?;
        match sample.field("Value") {
            Some(value) => Ok(value.clone()),
            None => fail("value: expected a sample of a query's result"),
        }
    });
    add(all, "sortByLabel", |args| {
        let [name, list] = arguments("sortByLabel", args)?;
        let Value::List(items) = list else { return fail("sortByLabel: expected a query's result") };
        let name = text("sortByLabel", name)?;
        let mut keyed = Vec::new();
        for item in items.iter() {
            keyed.push((label(name, item)?.to_string(), item.clone()));
        }
        keyed.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(Value::List(keyed.into_iter().map(|(_, item)| item).collect()))
    });
    add(all, "args", |args| {
        let names: Vec<String> = (0..args.len()).map(|at| format!("arg{at}")).collect();
        Ok(map(names.iter().map(String::as_str).zip(args.iter().cloned())))
    });
}

fn label(name: &str, sample: &Value) -> Answer {
    match sample.field("Labels") {
        Some(labels) => Ok(labels.field(name).cloned().unwrap_or_else(|| string(""))),
        None => fail("label: expected a sample of a query's result"),
    }
}

fn numbers(all: &mut FuncMap) {
    for (name, print) in [
        ("humanize", format::humanize as fn(f64) -> String),
        ("humanize1024", format::humanize1024),
        ("humanizePercentage", format::humanize_percentage),
        ("humanizeTimestamp", format::humanize_timestamp),
    ] {
        add(all, name, move |args| {
            let [value] = arguments(name, args)?;
            Ok(string(&print(number(name, value)?)))
        });
    }
    add(all, "toTime", |args| {
        let [value] = arguments("toTime", args)?;
        let seconds = number("toTime", value)?;
        if seconds.is_finite() { Ok(format::seconds_to_time(seconds).to_value()) } else { fail("toTime: value is NaN or Inf") }
    });
    add(all, "toDuration", |args| {
        let [value] = arguments("toDuration", args)?;
        let seconds = number("toDuration", value)?;
        if seconds.is_finite() { Ok(duration((seconds * 1e9) as i128)) } else { fail("toDuration: value is NaN or Inf") }
    });
    add(all, "parseDuration", |args| {
        let [value] = arguments("parseDuration", args)?;
        Ok(Value::Float(parse_duration("parseDuration", value)? as f64 / 1e9))
    });
    add(all, "parseDurationTime", |args| {
        let [value] = arguments("parseDurationTime", args)?;
        Ok(duration(parse_duration("parseDurationTime", value)?.into()))
    });
}

fn parse_duration(function: &str, value: &Value) -> Result<i64, gotmpl::TemplateError> {
    match bellbuoy_vocabulary::parse_duration(text(function, value)?) {
        Ok(parsed) => Ok(parsed.0.saturating_mul(1_000_000)),
        Err(reason) => fail(format!("{function}: {reason}")),
    }
}

fn texts(all: &mut FuncMap) {
    for (name, change) in [
        ("title", (|text: &str| super::common::title(text, false)) as fn(&str) -> String),
        ("urlQueryEscape", query_escape),
        ("graphLink", |expression| format!("/graph?g0.expr={}&g0.tab=0", query_escape(expression))),
        ("tableLink", |expression| format!("/graph?g0.expr={}&g0.tab=1", query_escape(expression))),
        ("stripPort", |address| host_and_port(address).map_or(address, |(host, _)| host).to_string()),
        ("stripDomain", strip_domain),
    ] {
        add(all, name, move |args| {
            let [value] = arguments(name, args)?;
            Ok(string(&change(text(name, value)?)))
        });
    }
}

/// Go's `net.SplitHostPort`; `None` when it refuses.
fn host_and_port(address: &str) -> Option<(&str, &str)> {
    if let Some(rest) = address.strip_prefix('[') {
        let (host, port) = rest.split_once("]:")?;
        return (!port.contains([':', '[', ']']) && !host.contains(['[', ']'])).then_some((host, port));
    }
    let (host, port) = address.rsplit_once(':')?;
    (!host.contains([':', '[', ']']) && !port.contains(['[', ']'])).then_some((host, port))
}

fn strip_domain(address: &str) -> String {
    let (host, port) = host_and_port(address).map_or((address, None), |(host, port)| (host, Some(port)));
    if host.parse::<std::net::IpAddr>().is_ok() {
        return address.to_string();
    }
    let name = host.split('.').next().unwrap_or(host);
    port.map_or(name.to_string(), |port| format!("{name}:{port}"))
}
