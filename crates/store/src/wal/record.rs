//! What is inside of a record: series, samples, tombstones, metadata. Prometheus' `tsdb/record`, types 1, 2, 3, 4 and 6.

use bellbuoy_vocabulary::{Exemplar, Labels, LabelsBuilder, Metadata, MetricType, Timestamp};

use crate::bits::{push_text, push_uvarint, push_varint, take_text, take_u64, take_uvarint, take_varint};

pub const SERIES: u8 = 1;
pub const SAMPLES: u8 = 2;
pub const TOMBSTONES: u8 = 3;
pub const EXEMPLARS: u8 = 4;
pub const METADATA: u8 = 6;

/// One sample of an appender. 24 bytes; a scrape of 500 series has 500.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry {
    pub at: i64,
    pub value: f64,
    pub id: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Tombstone {
    pub id: u64,
    pub from: i64,
    pub to: i64,
}

/// The bytes have a valid checksum and still make no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Senseless;

pub fn push_series(out: &mut Vec<u8>, id: u32, labels: &Labels) {
    if out.is_empty() {
        out.push(SERIES);
    }
    out.extend_from_slice(&u64::from(id).to_be_bytes());
    push_labels(out, labels);
}

fn push_labels(out: &mut Vec<u8>, labels: &Labels) {
    push_uvarint(out, labels.len() as u64);
    for (name, value) in labels {
        push_text(out, name);
        push_text(out, value);
    }
}

pub fn read_series(record: &[u8], mut series: impl FnMut(u64, Labels)) -> Result<(), Senseless> {
    let mut rest = record.get(1..).ok_or(Senseless)?;
    while !rest.is_empty() {
        let id = take_u64(&mut rest).ok_or(Senseless)?;
        series(id, take_labels(&mut rest)?);
    }
    Ok(())
}

fn take_labels(rest: &mut &[u8]) -> Result<Labels, Senseless> {
    let count = take_uvarint(rest).ok_or(Senseless)?;
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    for _ in 0..count {
        pairs.push((take_text(rest).ok_or(Senseless)?, take_text(rest).ok_or(Senseless)?));
    }
    let tidy = pairs.windows(2).all(|two| two[0].0 < two[1].0) && pairs.iter().all(|(_, value)| !value.is_empty());
    Ok(if tidy { Labels::from_sorted(pairs) } else { sorted(&pairs) })
}

fn sorted(pairs: &[(&str, &str)]) -> Labels {
    let mut builder = LabelsBuilder::new();
    for (name, value) in pairs {
        builder.set(name, value);
    }
    builder.labels()
}

pub fn push_samples(out: &mut Vec<u8>, entries: &[Entry]) {
    let Some(first) = entries.first() else { return };
    out.reserve(17 + entries.len() * 12);
    out.push(SAMPLES);
    out.extend_from_slice(&u64::from(first.id).to_be_bytes());
    out.extend_from_slice(&first.at.to_be_bytes());
    for entry in entries {
        push_varint(out, i64::from(entry.id) - i64::from(first.id));
        push_varint(out, entry.at.wrapping_sub(first.at));
        out.extend_from_slice(&entry.value.to_bits().to_be_bytes());
    }
}

pub fn read_samples(record: &[u8], mut sample: impl FnMut(u64, i64, f64)) -> Result<(), Senseless> {
    let (first_id, first_at, mut rest) = counted_from(record)?;
    while !rest.is_empty() {
        let id = take_varint(&mut rest).ok_or(Senseless)?;
        let at = take_varint(&mut rest).ok_or(Senseless)?;
        let bits = take_u64(&mut rest).ok_or(Senseless)?;
        sample(first_id.wrapping_add_signed(id), first_at.wrapping_add(at), f64::from_bits(bits));
    }
    Ok(())
}

/// The id and the time that those of the record are counted from, and what follows. Nothing follows the kind of an empty record.
fn counted_from(record: &[u8]) -> Result<(u64, i64, &[u8]), Senseless> {
    let mut rest = record.get(1..).ok_or(Senseless)?;
    if rest.is_empty() {
        return Ok((0, 0, rest));
    }
    let first_id = take_u64(&mut rest).ok_or(Senseless)?;
    let first_at = take_u64(&mut rest).ok_or(Senseless)? as i64;
    Ok((first_id, first_at, rest))
}

/// As samples, with labels behind each. Whether a time was the exemplar's own is not in the record, as it is not in Prometheus'.
pub fn push_exemplars(out: &mut Vec<u8>, exemplars: &[(u32, Exemplar)]) {
    let Some((first_id, first)) = exemplars.first() else { return };
    out.push(EXEMPLARS);
    out.extend_from_slice(&u64::from(*first_id).to_be_bytes());
    out.extend_from_slice(&first.at.0.to_be_bytes());
    for (id, exemplar) in exemplars {
        push_varint(out, i64::from(*id) - i64::from(*first_id));
        push_varint(out, exemplar.at.0.wrapping_sub(first.at.0));
        out.extend_from_slice(&exemplar.value.to_bits().to_be_bytes());
        push_labels(out, &exemplar.labels);
    }
}

pub fn read_exemplars(record: &[u8], mut on: impl FnMut(u64, Exemplar)) -> Result<(), Senseless> {
    let (first_id, first_at, mut rest) = counted_from(record)?;
    while !rest.is_empty() {
        let id = take_varint(&mut rest).ok_or(Senseless)?;
        let at = Timestamp(first_at.wrapping_add(take_varint(&mut rest).ok_or(Senseless)?));
        let value = f64::from_bits(take_u64(&mut rest).ok_or(Senseless)?);
        let labels = take_labels(&mut rest)?;
        on(first_id.wrapping_add_signed(id), Exemplar { labels, value, at, has_own_time: false });
    }
    Ok(())
}

pub fn push_tombstone(out: &mut Vec<u8>, stone: &Tombstone) {
    if out.is_empty() {
        out.push(TOMBSTONES);
    }
    out.extend_from_slice(&stone.id.to_be_bytes());
    push_varint(out, stone.from);
    push_varint(out, stone.to);
}

pub fn read_tombstones(record: &[u8], mut stone: impl FnMut(Tombstone)) -> Result<(), Senseless> {
    let mut rest = record.get(1..).ok_or(Senseless)?;
    while !rest.is_empty() {
        let id = take_u64(&mut rest).ok_or(Senseless)?;
        let from = take_varint(&mut rest).ok_or(Senseless)?;
        let to = take_varint(&mut rest).ok_or(Senseless)?;
        stone(Tombstone { id, from, to });
    }
    Ok(())
}

/// Prometheus keeps metadata per series, we per family (`http_requests` of `http_requests_total`).
/// `FAMILY` is a field of ours; readers skip fields that they do not know.
pub fn push_metadata(out: &mut Vec<u8>, id: u32, family: &str, metadata: &Metadata) {
    if out.is_empty() {
        out.push(METADATA);
    }
    push_uvarint(out, u64::from(id));
    out.push(kind_number(metadata.kind));
    push_uvarint(out, 3);
    for (name, value) in [("UNIT", metadata.unit.as_str()), ("HELP", &metadata.help), ("FAMILY", family)] {
        push_text(out, name);
        push_text(out, value);
    }
}

/// The family is `None` in a record that Prometheus wrote.
pub fn read_metadata(record: &[u8], mut metadata: impl FnMut(u64, Option<&str>, Metadata)) -> Result<(), Senseless> {
    let mut rest = record.get(1..).ok_or(Senseless)?;
    while !rest.is_empty() {
        let id = take_uvarint(&mut rest).ok_or(Senseless)?;
        let (kind, after) = rest.split_first().ok_or(Senseless)?;
        rest = after;
        let mut found = Metadata { kind: kind_of(*kind), ..Metadata::default() };
        let mut family = None;
        for _ in 0..take_uvarint(&mut rest).ok_or(Senseless)? {
            let name = take_text(&mut rest).ok_or(Senseless)?;
            let value = take_text(&mut rest).ok_or(Senseless)?;
            match name {
                "UNIT" => found.unit = value.to_string(),
                "HELP" => found.help = value.to_string(),
                "FAMILY" => family = Some(value),
                _ => {}
            }
        }
        metadata(id, family, found);
    }
    Ok(())
}

/// Prometheus, `record.MetricType`.
const KINDS: [MetricType; 8] = [
    MetricType::Unknown,
    MetricType::Counter,
    MetricType::Gauge,
    MetricType::Histogram,
    MetricType::GaugeHistogram,
    MetricType::Summary,
    MetricType::Info,
    MetricType::StateSet,
];

fn kind_number(kind: MetricType) -> u8 {
    KINDS.iter().position(|known| *known == kind).unwrap_or(0) as u8
}

fn kind_of(number: u8) -> MetricType {
    KINDS.get(usize::from(number)).copied().unwrap_or_default()
}
