//! `panel-unit`: the panel's unit or title says another unit than the metric has: seconds as milliseconds, a ratio as percent.

use bellbuoy_promql::{AggregateOp, BinaryOp, Expr, ExprKind};
use bellbuoy_vocabulary::Severity;

use super::panels::of_panel;
use crate::Input;
use crate::bounds::{Bounds, bounds_of};
use crate::finding::Finding;
use crate::graph::RuleGraph;
use crate::infer::exact_name;

pub const CODE: &str = "panel-unit";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Seconds,
    Milliseconds,
    Bytes,
    /// 0 to 1.
    Ratio,
    /// 0 to 100.
    Percent,
}

impl Unit {
    fn words(self) -> &'static str {
        match self {
            Unit::Seconds => "seconds",
            Unit::Milliseconds => "milliseconds",
            Unit::Bytes => "bytes",
            Unit::Ratio => "a ratio (0 to 1)",
            Unit::Percent => "percent (0 to 100)",
        }
    }

    fn grafanas(self) -> &'static str {
        match self {
            Unit::Seconds => "s",
            Unit::Milliseconds => "ms",
            Unit::Bytes => "bytes",
            Unit::Ratio => "percentunit",
            Unit::Percent => "percent",
        }
    }
}

pub fn run(input: &Input, _: &RuleGraph, findings: &mut Vec<Finding>) {
    for dashboard in input.dashboards {
        for panel in &dashboard.panels {
            let units: Vec<Unit> = panel.queries.iter().filter_map(|query| unit_of(query.expr.as_ref()?)).collect();
            let [unit, rest @ ..] = units.as_slice() else { continue };
            if units.len() != panel.queries.len() || rest.iter().any(|other| other != unit) {
                continue;
            }
            let shown = shown_unit(&panel.unit);
            if let Some(shown) = shown.filter(|shown| contradicts(*shown, *unit)) {
                let message = format!("shows {} as {}", unit.words(), shown.words());
                let why = effect(*unit, shown);
                let fix = Some(format!("unit: {}", unit.grafanas()));
                findings.push(of_panel(CODE, Severity::Warning, dashboard, panel, "fieldConfig", message, why).fix(fix));
            } else if let Some(said) = title_unit(&panel.title).filter(|said| shown.is_none() && contradicts(*said, *unit)) {
                let message = format!("the title says {}, the values are {}", said.words(), unit.words());
                let finding = of_panel(CODE, Severity::Warning, dashboard, panel, "title", message, effect(*unit, said));
                findings.push(finding.fix(Some(format!("unit: {}", unit.grafanas()))));
            }
        }
    }
}

fn contradicts(shown: Unit, unit: Unit) -> bool {
    shown != unit
}

fn effect(unit: Unit, shown: Unit) -> String {
    match (unit, shown) {
        (Unit::Seconds, Unit::Milliseconds) => "Half a second is shown as 0.5 ms, a thousandth of what it is.".into(),
        (Unit::Milliseconds, Unit::Seconds) => "500 ms are shown as 8 minutes, a thousand times what they are.".into(),
        (Unit::Ratio, Unit::Percent) => "0.07 is shown as 0.07%, where 7% is meant.".into(),
        (Unit::Percent, Unit::Ratio) => "7 percent are shown as 700%.".into(),
        _ => "Whoever reads the panel reads another quantity.".into(),
    }
}

fn shown_unit(unit: &str) -> Option<Unit> {
    Some(match unit {
        "s" | "dtdurations" => Unit::Seconds,
        "ms" | "dtdurationms" => Unit::Milliseconds,
        "bytes" | "decbytes" => Unit::Bytes,
        "percentunit" => Unit::Ratio,
        "percent" => Unit::Percent,
        _ => return None,
    })
}

/// `Latency (ms)`, `Latency [s]`, `Errors in percent`.
fn title_unit(title: &str) -> Option<Unit> {
    let title = title.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| title.contains(word));
    match () {
        _ if has(&["(ms)", "[ms]", "milliseconds"]) => Some(Unit::Milliseconds),
        _ if has(&["(s)", "[s]", "in seconds", "(seconds)"]) => Some(Unit::Seconds),
        _ if has(&["(%)", "[%]", "percent"]) => Some(Unit::Percent),
        _ => None,
    }
}

/// The unit of what an expression gives, where names and operators say it beyond doubt.
fn unit_of(expr: &Expr) -> Option<Unit> {
    match &expr.kind {
        ExprKind::Paren(inner) => unit_of(inner),
        ExprKind::Vector(selector) => exact_name(selector).and_then(unit_of_name),
        ExprKind::Aggregate(aggregate) => match aggregate.op {
            AggregateOp::Avg | AggregateOp::Max | AggregateOp::Min | AggregateOp::Topk | AggregateOp::Bottomk | AggregateOp::Quantile => {
                unit_of(&aggregate.expr)
            }
            AggregateOp::Sum => unit_of(&aggregate.expr).filter(|unit| *unit != Unit::Ratio),
            _ => None,
        },
        ExprKind::Call(call) => match call.function.name {
            "histogram_quantile" => {
                let selectors = call.args.get(1)?.selectors();
                let name = exact_name(selectors.first()?)?;
                unit_of_name(name.strip_suffix("_bucket")?)
            }
            "avg_over_time" | "max_over_time" | "min_over_time" | "last_over_time" | "quantile_over_time" => {
                match &call.args.last()?.kind {
                    ExprKind::Range(range) => exact_name(&range.selector).and_then(unit_of_name),
                    _ => None,
                }
            }
            _ => None,
        },
        ExprKind::Binary(binary) => {
            let number = |expr: &Expr| {
                let bounds = bounds_of(expr);
                (bounds.lo == bounds.hi && bounds != Bounds::ANY && expr.selectors().is_empty()).then_some(bounds.lo)
            };
            match binary.rest.as_slice() {
                [term] => match (term.op, number(&term.expr)) {
                    (BinaryOp::Mul, Some(by)) => scaled(unit_of(&binary.first)?, by),
                    (BinaryOp::Div, Some(by)) => scaled(unit_of(&binary.first)?, 1.0 / by),
                    (BinaryOp::Div, None) => divided(&binary.first, &term.expr),
                    (BinaryOp::Mul, None) if number(&binary.first).is_some() => scaled(unit_of(&term.expr)?, number(&binary.first)?),
                    (BinaryOp::Sub, None) if number(&binary.first) == Some(1.0) => unit_of(&term.expr).filter(|unit| *unit == Unit::Ratio),
                    _ => None,
                },
                [divide, times] if divide.op == BinaryOp::Div && times.op == BinaryOp::Mul => {
                    scaled(divided(&binary.first, &divide.expr)?, number(&times.expr)?)
                }
                [times, divide] if times.op == BinaryOp::Mul && divide.op == BinaryOp::Div => {
                    scaled(divided(&times.expr, &divide.expr)?, number(&binary.first)?)
                }
                _ => None,
            }
        }
        _ => None,
    }
}

fn scaled(unit: Unit, by: f64) -> Option<Unit> {
    match unit {
        Unit::Seconds if by == 1000.0 => Some(Unit::Milliseconds),
        Unit::Milliseconds if (by - 0.001).abs() < 1e-9 => Some(Unit::Seconds),
        Unit::Ratio if by == 100.0 => Some(Unit::Percent),
        Unit::Percent if (by - 0.01).abs() < 1e-9 => Some(Unit::Ratio),
        _ => None,
    }
}

/// Rates of two counts are a ratio; that of a sum and its count has the unit of the sum.
fn divided(above: &Expr, below: &Expr) -> Option<Unit> {
    let name = |expr: &Expr| {
        let selectors = expr.selectors();
        match selectors.as_slice() {
            [selector] => exact_name(selector).map(String::from),
            _ => None,
        }
    };
    let rated = |expr: &Expr| {
        let text = expr.to_string();
        text.contains("rate(") || text.contains("increase(")
    };
    let (above_name, below_name) = (name(above)?, name(below)?);
    if let (Some(base), Some(same)) = (above_name.strip_suffix("_sum"), below_name.strip_suffix("_count")) {
        return if base == same { unit_of_name(base) } else { None };
    }
    let of_events = |name: &str| name.strip_suffix("_total").is_some_and(|stem| unit_of_name(stem).is_none());
    let counts = |name: &str| of_events(name) || name.ends_with("_count");
    (rated(above) && rated(below) && counts(&above_name) && counts(&below_name)).then_some(Unit::Ratio)
}

fn unit_of_name(name: &str) -> Option<Unit> {
    match name {
        _ if name.contains("timestamp") || name.contains(':') => None,
        _ if name.ends_with("_seconds") => Some(Unit::Seconds),
        _ if name.ends_with("_milliseconds") || name.ends_with("_ms") => Some(Unit::Milliseconds),
        _ if name.ends_with("_bytes") => Some(Unit::Bytes),
        _ if name.ends_with("_ratio") => Some(Unit::Ratio),
        _ if name.ends_with("_percent") => Some(Unit::Percent),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::panels::tests::codes_of;
    use serde_json::json;

    fn found(title: &str, unit: &str, expr: &str) -> usize {
        let panel = json!({"type": "timeseries", "title": title, "fieldConfig": {"defaults": {"unit": unit}}, "targets": [{"expr": expr}]});
        codes_of(panel, json!([])).iter().filter(|code| **code == super::CODE).count()
    }

    #[test]
    fn another_unit() {
        assert_eq!(found("", "ms", "histogram_quantile(0.95, sum by (le) (rate(x_seconds_bucket[5m])))"), 1);
        assert_eq!(found("Latency (ms)", "", "rate(x_seconds_sum[5m]) / rate(x_seconds_count[5m])"), 1);
        assert_eq!(found("", "percent", "sum(rate(errors_total[5m])) / sum(rate(requests_total[5m]))"), 1);
        assert_eq!(found("", "percentunit", "sum(rate(errors_total[5m])) / sum(rate(requests_total[5m])) * 100"), 1);
        assert_eq!(found("", "percentunit", "100 * sum(rate(errors_total[5m])) / sum(rate(requests_total[5m]))"), 1);
        assert_eq!(found("", "s", "process_resident_memory_bytes"), 1);
    }

    #[test]
    fn the_same_unit() {
        assert_eq!(found("Latency (ms)", "ms", "1000 * rate(x_seconds_sum[5m]) / rate(x_seconds_count[5m])"), 0);
        assert_eq!(found("Latency (ms)", "s", "histogram_quantile(0.95, sum by (le) (rate(x_seconds_bucket[5m])))"), 0);
        assert_eq!(found("", "percentunit", "sum(rate(errors_total[5m])) / sum(rate(requests_total[5m]))"), 0);
        assert_eq!(found("", "percent", "100 * sum(rate(errors_total[5m])) / sum(rate(requests_total[5m]))"), 0);
        assert_eq!(found("", "reqps", "sum(rate(x_seconds_count[5m]))"), 0);
        assert_eq!(found("", "percentunit", "rate(process_cpu_seconds_total[5m])"), 0);
        assert_eq!(found("", "ms", "increase(busy_ms_total[5m]) / increase(requests_total[5m])"), 0);
    }
}
