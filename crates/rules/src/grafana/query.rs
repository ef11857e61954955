//! A PromQL query of a rule: Grafana's `$__interval` and its like, and how the answer becomes items.

use bellbuoy_promql::{Expr, Value};
use bellbuoy_vocabulary::{Millis, Timestamp, format_duration};

use super::data::{Failure, Item};
use crate::Evaluation;

/// Grafana's when the data source does not say its scrape interval.
const SCRAPE_INTERVAL: Millis = Millis::from_seconds(15);
/// A query never has more steps.
pub(super) const RESOLUTION_MAX: i64 = 11_000;

#[derive(Clone, Debug)]
pub struct Query {
    /// As written, for people.
    pub text: String,
    /// With the macros filled in.
    pub expr: Expr,
    pub kind: QueryKind,
    /// `relativeTimeRange`: both before the time of the evaluation.
    pub from: Millis,
    pub to: Millis,
    pub datasource_uid: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryKind {
    /// At the end of the time range: numbers.
    Instant,
    /// Every `step` of the time range: series.
    Range { step: Millis },
}

impl Query {
    pub fn run(&self, ref_id: &str, with: &Evaluation, now: Timestamp, warnings: &mut Vec<String>) -> Result<Vec<Item>, Failure> {
        let end = now.saturating_sub(self.to);
        let answer = match self.kind {
            QueryKind::Instant => with.engine.instant(&self.expr, with.source, end),
            QueryKind::Range { step } => {
                let begin = aligned(now.saturating_sub(self.from), step);
                with.engine.range(&self.expr, with.source, begin, aligned(end, step), step)
            }
        };
        let fail = |message: String| Failure {
            ref_id: ref_id.to_string(),
            datasource_uid: Some(self.datasource_uid.clone()),
            message: format!("failed to execute query {ref_id}: {message}"),
        };
        let answer = answer.map_err(|error| fail(error.to_string()))?;
        warnings.extend(answer.warnings);
        let items = items(answer.value).ok_or_else(|| fail("the query gives a text or a range vector".into()))?;
        Ok(if items.is_empty() { vec![Item::NoData] } else { items })
    }
}

/// Native histograms are left out: an alert needs a float.
fn items(value: Value) -> Option<Vec<Item>> {
    Some(match value {
        Value::Scalar(sample) => vec![Item::Number { labels: Default::default(), value: Some(sample.value) }],
        Value::Vector(elements) => elements
            .into_iter()
            .filter_map(|element| Some(Item::Number { value: Some(element.value.float()?), labels: element.labels }))
            .collect(),
        Value::Matrix(series) => series
            .into_iter()
            .filter(|series| !series.points.floats.is_empty())
            .map(|series| Item::Series {
                labels: series.labels,
                points: series.points.floats.iter().map(|sample| (sample.at, Some(sample.value))).collect(),
            })
            .collect(),
        Value::Text(..) => return None,
    })
}

/// Down to a multiple of the step, as Grafana asks Prometheus.
pub(super) fn aligned(at: Timestamp, step: Millis) -> Timestamp {
    Timestamp(at.0 - at.0.rem_euclid(step.0.max(1)))
}

/// What the macros are made of: fields of the query's model and of its data source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Intervals {
    /// The length of the query's time range.
    pub range: Millis,
    /// `intervalMs`; Grafana's alerting puts 1000 when it is absent.
    pub interval: Millis,
    /// `maxDataPoints`; 43200 when it is absent.
    pub points_max: i64,
    /// `interval` ("Min step").
    pub min_step: MinStep,
    /// `intervalFactor`.
    pub factor: i64,
    /// `timeInterval` of the data source.
    pub scrape_interval: Option<Millis>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum MinStep {
    #[default]
    Absent,
    Length(Millis),
    /// `$__interval`.
    Interval,
    /// `$__rate_interval`.
    RateInterval,
}

impl Default for Intervals {
    fn default() -> Intervals {
        let (interval, points_max) = (Millis::from_seconds(1), 43_200);
        Intervals { range: Millis::from_minutes(10), interval, points_max, min_step: MinStep::Absent, factor: 1, scrape_interval: None }
    }
}

impl Intervals {
    /// The step of a range query, `$__interval`.
    pub fn step(&self) -> Millis {
        let least = match self.min_step {
            MinStep::Length(length) => length,
            _ if self.interval > Millis::ZERO => self.interval,
            _ => self.scrape_interval.unwrap_or(SCRAPE_INTERVAL),
        };
        let wanted = Millis(self.range.0 / self.points_max.max(1));
        let calculated = if wanted < least { least } else { rounded(wanted) };
        let safe = rounded(Millis(self.range.0 / RESOLUTION_MAX));
        let adjusted = calculated.max(safe);
        match self.min_step {
            MinStep::RateInterval => rate_interval(adjusted, self.scrape_interval),
            _ => adjusted * self.factor.max(1),
        }
    }

    /// `$__rate_interval`: room for at least four scrapes.
    pub fn rate_interval(&self) -> Millis {
        match self.min_step {
            MinStep::RateInterval => self.step(),
            MinStep::Interval => rate_interval(self.interval, Some(self.step())),
            MinStep::Length(length) => rate_interval(self.interval, Some(length)),
            MinStep::Absent => rate_interval(self.interval, self.scrape_interval),
        }
    }

    /// The expression with its macros filled in, `$__interval` and `${__interval}` alike.
    pub fn fill(&self, text: &str) -> String {
        let (step, rate) = (self.step(), self.rate_interval());
        let range_s = (self.range.0 as f64 / 1000.0).round() as i64;
        // Longer names first: `$__interval` is the beginning of `$__interval_ms`.
        let values = [
            ("interval_ms", step.0.to_string()),
            ("interval", interval_text(step)),
            ("range_ms", self.range.0.to_string()),
            ("range_s", range_s.to_string()),
            ("range", format!("{range_s}s")),
            ("rate_interval_ms", rate.0.to_string()),
            ("rate_interval", format_duration(rate)),
        ];
        let mut out = text.to_string();
        for (name, value) in values {
            out = out.replace(&format!("${{__{name}}}"), &value).replace(&format!("$__{name}"), &value);
        }
        out
    }
}

fn rate_interval(query_interval: Millis, scrape: Option<Millis>) -> Millis {
    let scrape = scrape.unwrap_or(SCRAPE_INTERVAL);
    (query_interval + scrape).max(scrape * 4)
}

/// Grafana's round lengths: up to `limit` it takes `length`, in milliseconds.
const ROUND: [(i64, i64); 28] = [
    (10, 1),
    (15, 10),
    (35, 20),
    (75, 50),
    (150, 100),
    (350, 200),
    (750, 500),
    (1_500, 1_000),
    (3_500, 2_000),
    (7_500, 5_000),
    (12_500, 10_000),
    (17_500, 15_000),
    (25_000, 20_000),
    (45_000, 30_000),
    (90_000, 60_000),
    (210_000, 120_000),
    (450_000, 300_000),
    (750_000, 600_000),
    (1_050_000, 900_000),
    (1_500_000, 1_200_000),
    (2_700_000, 1_800_000),
    (5_400_000, 3_600_000),
    (9_000_000, 7_200_000),
    (16_200_000, 10_800_000),
    (32_400_000, 21_600_000),
    (86_400_000, 43_200_000),
    (604_800_000, 86_400_000),
    (1_814_400_000, 604_800_000),
];

fn rounded(length: Millis) -> Millis {
    let found = ROUND.iter().find(|(limit, _)| length.0 <= *limit);
    Millis(found.map_or(if length.0 < 3_628_800_000 { 2_592_000_000 } else { 31_536_000_000 }, |(_, round)| *round))
}

/// In the largest unit that fits, cut off: Grafana's `FormatInterval`.
fn interval_text(length: Millis) -> String {
    let units = [("y", 31_536_000_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];
    let found = units.iter().find(|(_, size)| length.0 >= *size);
    found.map_or("1ms".to_string(), |(unit, size)| format!("{}{unit}", length.0 / size))
}
