//! Folders of the first versions: `rows.jsonl` and `rows.old.jsonl`, a JSON object a line. Read once, written to the log, removed.

use std::io;
use std::sync::Arc;

use bellbuoy_models::{Answer, FeatureValue, Label, Prediction, Row, Schema, Truth};
use bellbuoy_store::Disk;
use bellbuoy_vocabulary::Timestamp;
use serde_json::Value;
use tracing::{info, warn};

use super::log::{LOG_DIR, Log, Rows, read_file, segment_path, segments};

const FILES: [&str; 2] = ["rows.old.jsonl", "rows.jsonl"];
/// Nothing else is written before the old rows are: a segment of this number beside old files is half of a conversion.
const SEGMENT: u32 = 1;

/// True values of those files have no time: they count as come at `now`.
pub fn convert(disk: &Arc<dyn Disk>, model: &str, now: Timestamp) -> io::Result<()> {
    let there = disk.list("")?;
    let files: Vec<&str> = FILES.into_iter().filter(|file| there.iter().any(|name| name == file)).collect();
    let Some(newest) = files.last() else { return Ok(()) };
    // `rows.jsonl` is removed first: without it what is left was converted, unless there is no log at all.
    if *newest != FILES[1] && !segments(&**disk)?.is_empty() {
        disk.remove(newest)?;
        return Ok(());
    }
    let (mut schema, mut predictions, mut labels, mut damaged) = (Schema::default(), Vec::new(), Vec::new(), 0);
    for file in &files {
        for line in read_file(&**disk, file)?.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
            match read_line(line, &mut schema) {
                Some(Line::Prediction(row)) => predictions.push(row),
                Some(Line::Label(label)) => labels.push(label),
                None => damaged += 1,
            }
        }
    }
    if damaged > 0 {
        warn!("model {model}: {damaged} damaged lines among the stored rows were left out");
    }
    disk.remove(&segment_path(SEGMENT))?;
    Log::new(disk.clone(), SEGMENT).append(schema.names(), &[Rows::Predictions(&predictions), Rows::Labels(&labels)], now)?;
    disk.sync_dir(LOG_DIR)?;
    for file in files.iter().rev() {
        disk.remove(file)?;
        disk.sync_dir("")?;
    }
    info!("model {model}: {} predictions and {} true values are now in the log", predictions.len(), labels.len());
    Ok(())
}

enum Line {
    Prediction(Prediction),
    Label(Label),
}

fn read_line(line: &[u8], schema: &mut Schema) -> Option<Line> {
    let mut value: Value = serde_json::from_slice(line).ok()?;
    if let Ok(row) = serde_json::from_value::<Row>(value["prediction"].take()) {
        let mut features = Vec::new();
        for (name, feature) in row.features {
            let Some(position) = schema.add(&name) else { continue };
            if features.len() <= position {
                features.resize(position + 1, FeatureValue::Missing);
            }
            features[position] = feature;
        }
        return Some(Line::Prediction(Prediction {
            id: row.id,
            at: row.at,
            role: row.role,
            answer: Answer::Number(row.prediction),
            features,
        }));
    }
    let (id, number) = (value["label"]["id"].as_str()?, value["label"]["value"].as_f64()?);
    Some(Line::Label(Label { id: id.to_owned(), truth: Truth::Number(number) }))
}
