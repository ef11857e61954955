//! How long a model takes for rows and judgements: `cargo run --release -p bellbuoy-models --example ledger_speed`.
//!
//! 500,000 predictions with 8 numbers and 2 texts and their true values, in batches of 1,000, of which 100,000 are kept; then judgements over
//! 100,000 rows with 20 features.

use std::time::Instant;

use bellbuoy_drift::{Column, Values};
use bellbuoy_models::{
    Answer, Feature, FeatureValue, Label, Model, ModelSettings, Prediction, Reference, ReferenceRows, Truth, WindowSettings,
};
use bellbuoy_vocabulary::Timestamp;

const ROWS: usize = 500_000;
const KEPT: usize = 100_000;
const WORDS: [&str; 6] = ["clear", "cloudy", "light rain", "heavy rain", "snow", "fog"];

fn main() {
    let mut model = model(8, 2);
    let batches: Vec<Vec<Prediction>> =
        (0..ROWS / 1000).map(|batch| (batch * 1000..(batch + 1) * 1000).map(|row| prediction(row, 8, 2)).collect()).collect();
    let labels: Vec<Vec<Label>> = (0..ROWS / 1000).map(|batch| (batch * 1000..(batch + 1) * 1000).map(label).collect()).collect();
    let start = Clock::start();
    for (rows, labels) in batches.into_iter().zip(labels) {
        model.predictions(rows);
        model.labels(labels);
    }
    println!("{:.2} microseconds a row with its true value (10 features)", start.seconds() * 1e6 / ROWS as f64);

    let mut model = self::model(16, 4);
    model.predictions((0..KEPT).map(|row| prediction(row, 16, 4)).collect());
    model.labels((0..KEPT).map(label).collect());
    for what in ["first", "unchanged", "one more row"] {
        if what == "one more row" {
            model.predictions(vec![prediction(KEPT, 16, 4)]);
        }
        let start = Clock::start();
        let judgement = model.judge(Timestamp(KEPT as i64 * 1000), false);
        let samples = judgement.samples(model.settings()).len();
        println!("{:.0} ms: a judgement of {KEPT} rows x 20 features, {what} ({samples} series)", start.seconds() * 1e3);
    }
}

/// Time on the processor where the system says it (Linux), so that a busy machine does not count; else time that passed.
struct Clock {
    started: Instant,
    on_processor: Option<f64>,
}

impl Clock {
    fn start() -> Clock {
        Clock { started: Instant::now(), on_processor: on_processor() }
    }

    fn seconds(&self) -> f64 {
        let passed = self.on_processor.zip(on_processor()).map(|(before, now)| now - before);
        passed.unwrap_or_else(|| self.started.elapsed().as_secs_f64())
    }
}

fn on_processor() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(text.split(' ').next()?.parse::<f64>().ok()? / 1e9)
}

fn model(numbers: usize, texts: usize) -> Model {
    let features: Vec<Feature> = (0..numbers + texts).map(|at| Feature::new(format!("f{at}"))).collect();
    let column = |at: usize| {
        let rows = 0..KEPT;
        let values = if at < numbers {
            Values::Numbers(rows.map(|row| number(row, at)).collect())
        } else {
            Values::texts(rows.map(|row| WORDS[(row * 7 + at) % WORDS.len()]))
        };
        Column::new(format!("f{at}"), values)
    };
    let reference = ReferenceRows { columns: (0..numbers + texts).map(column).collect(), ..ReferenceRows::default() };
    let windows = vec![WindowSettings::newest_rows(KEPT)];
    let settings = ModelSettings { features, windows, retention_rows: KEPT, ..ModelSettings::new("speed") };
    Model::new(settings, Reference::Rows(reference))
}

fn prediction(row: usize, numbers: usize, texts: usize) -> Prediction {
    let mut features: Vec<FeatureValue> = (0..numbers).map(|at| FeatureValue::Number(number(row, at))).collect();
    features.extend((numbers..numbers + texts).map(|at| FeatureValue::Text(WORDS[(row * 7 + at) % WORDS.len()].to_owned())));
    Prediction {
        id: format!("request-{row:012}"),
        at: Timestamp(row as i64),
        role: "champion".into(),
        answer: Answer::Number(number(row, 99)),
        features,
    }
}

fn label(row: usize) -> Label {
    Label { id: format!("request-{row:012}"), truth: Truth::Number(number(row, 99) + number(row, 7)) }
}

/// Anything between 0 and 1.
fn number(row: usize, at: usize) -> f64 {
    let mut z = (row as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (at as u64 + 1).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 30)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z >> 11) as f64 / (1u64 << 53) as f64
}
