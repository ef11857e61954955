//! What a picture of a notice shows: the compared side of its first alert's rule over the last while, beside its threshold.

use bellbuoy_check::compared::compared;
use bellbuoy_notify::Notice;
use bellbuoy_promql::{BinaryOp, Engine, Expr, Value};
use bellbuoy_reports::alert_picture::{AlertPicture, Curve, Holds, OTHERS_MAX, Threshold};
use bellbuoy_rules::{AlertingSettings, RuleSettings};
use bellbuoy_vocabulary::{Alert, Labels, METRIC_NAME, Millis, Sample, SeriesSource, Timestamp};

use crate::path::Path;

const WINDOW_MIN: Millis = Millis::from_minutes(60);
const WINDOW_MAX: Millis = Millis::from_minutes(24 * 60);
/// Of a system that just began: not less than this is shown.
const WINDOW_LEAST: Millis = Millis::from_minutes(1);
const STEPS: i64 = 240;
/// Of one alert; more than one only where a label was dropped.
const OWN_MAX: usize = 4;

/// `None`: none of the alerts is of a rule of ours, or its expression can not be asked for.
pub fn picture(path: &Path, notice: &Notice, now: Timestamp, late: &dyn Fn() -> bool) -> Option<AlertPicture> {
    let settings = path.settings();
    let rules: Vec<&AlertingSettings> = settings
        .groups
        .iter()
        .flat_map(|group| &group.rules)
        .filter_map(|rule| match rule {
            RuleSettings::Alerting(rule) => Some(rule),
            _ => None,
        })
        .collect();
    let (alert, rule) = notice.alerts.iter().find_map(|alert| Some((alert, rules.iter().find(|rule| gives(rule, alert))?)))?;
    let resolved = alert.resolved_at(notice.at);
    // A message may wait long for its receiver: what it tells of is what was then.
    let to = notice.at.min(now);
    let compared = compared(&rule.expr);
    let drawn = Drawn { engine: &path.engine, source: &*path.store, to, late };
    let mut window = window(alert, to);
    let mut curves = drawn.curves(compared.side, window, &alert.labels)?;
    let mut earliest = first_of(&curves)?;
    // Of a system that just began, the little that there is: with steps that fit it.
    if (to - earliest).0 < window.0 / 2 {
        window = Millis((to - earliest).0 + step(window).0).max(WINDOW_LEAST);
        curves = drawn.curves(compared.side, window, &alert.labels)?;
        earliest = first_of(&curves)?;
    }
    let from = earliest.min(to - WINDOW_LEAST);
    let threshold = compared.with.and_then(|(op, side)| drawn.threshold(op, side));
    let expression = compared.side.to_string();
    Some(AlertPicture { title: title(alert), expression, firing: !resolved, from, to, curves, threshold, since: alert.starts_at })
}

fn first_of(curves: &[Curve]) -> Option<Timestamp> {
    curves.iter().filter_map(|curve| curve.points.first()).map(|(at, _)| *at).min()
}

fn step(window: Millis) -> Millis {
    Millis((window.0 / STEPS).max(1000))
}

/// Labels of a rule that are no templates are on each of its alerts.
fn gives(rule: &AlertingSettings, alert: &Alert) -> bool {
    rule.alert == alert.name() && rule.labels.iter().all(|(name, value)| value.contains("{{") || alert.labels.get(name) == value)
}

fn title(alert: &Alert) -> String {
    match alert.annotations.get("summary") {
        "" => alert.name().to_string(),
        summary => format!("{}: {summary}", alert.name()),
    }
}

/// From well before it began.
fn window(alert: &Alert, to: Timestamp) -> Millis {
    let since = to - alert.starts_at;
    Millis((since.0.saturating_mul(3) / 2).clamp(WINDOW_MIN.0, WINDOW_MAX.0))
}

struct Drawn<'a> {
    engine: &'a Engine,
    source: &'a dyn SeriesSource,
    to: Timestamp,
    late: &'a dyn Fn() -> bool,
}

impl Drawn<'_> {
    fn curves(&self, side: &Expr, window: Millis, labels: &Labels) -> Option<Vec<Curve>> {
        let step = step(window);
        let answer = self.engine.range_until(side, self.source, self.to - window, self.to, step, self.late).ok()?;
        let Value::Matrix(series) = answer.value else { return None };
        let (mut curves, mut own, mut others) = (Vec::new(), 0, 0);
        for one in series {
            let is_own = one.labels.iter().all(|(name, value)| name == METRIC_NAME || labels.get(name) == value);
            let (count, most) = if is_own { (&mut own, OWN_MAX) } else { (&mut others, OTHERS_MAX) };
            if *count == most {
                continue;
            }
            *count += 1;
            curves.push(Curve { points: with_gaps(&one.points.floats, step), own: is_own });
        }
        (own > 0).then_some(curves)
    }

    fn threshold(&self, op: BinaryOp, side: &Expr) -> Option<Threshold> {
        let Value::Scalar(sample) = self.engine.instant(side, self.source, self.to).ok()?.value else { return None };
        let holds = match op {
            BinaryOp::Greater | BinaryOp::GreaterOrEqual => Holds::Above,
            BinaryOp::Less | BinaryOp::LessOrEqual => Holds::Below,
            _ => Holds::Neither,
        };
        Some(Threshold { value: sample.value, holds })
    }
}

/// A step without a value is no line across it.
fn with_gaps(points: &[Sample], step: Millis) -> Vec<(Timestamp, f64)> {
    let mut out: Vec<(Timestamp, f64)> = Vec::with_capacity(points.len());
    for Sample { at, value } in points {
        if let Some((before, _)) = out.last()
            && *at - *before > step
        {
            out.push((*before + step, f64::NAN));
        }
        out.push((*at, *value));
    }
    out
}
