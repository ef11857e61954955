//! One record of a model's log: rows to bytes and back. The bytes are drawn in docs/formats/model-log.md.
//!
//! In:    names of features, predictions, true values. Out: framed records with a checksum; from a segment's bytes what of them is whole.
//! Never: opens a file; trusts a length.

use std::ops::Range;

use bellbuoy_models::{Answer, FeatureValue, Label, Prediction, Truth};
use bellbuoy_vocabulary::Timestamp;

/// The first bytes of a segment; the last of them is the version.
pub const SEGMENT_HEAD: &[u8; 8] = b"BBMODEL\x01";
/// The first bytes of a record, by which the next whole one is found after damage.
const MARK: [u8; 4] = [0xb5, 0x0b, b'm', b'r'];
/// Mark, length of the payload, checksum, kind.
const HEAD_BYTES: usize = 13;
/// A new record begins above this many bytes, so that damage costs little and a length can be judged.
const RECORD_BYTES: usize = 1 << 20;
/// One row can be as large as a request.
const RECORD_BYTES_MAX: usize = 256 << 20;

const SCHEMA: u8 = 1;
const PREDICTIONS: u8 = 2;
const LABELS: u8 = 3;

/// What a record holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// The names of the features of all predictions after it in the segment.
    Schema(Vec<String>),
    Predictions(Vec<Prediction>),
    /// True values with the time at which they came.
    Labels(Timestamp, Vec<Label>),
}

/// What of a segment could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    pub bytes: Range<usize>,
    /// Nothing whole follows: what a crash leaves of a record that nobody was told of.
    pub torn: bool,
}

pub fn put_schema(out: &mut Vec<u8>, names: &[String]) {
    let start = begin(out, SCHEMA);
    put_uint(out, names.len() as u64);
    for name in names {
        put_text(out, name);
    }
    finish(out, start);
}

pub fn put_predictions(out: &mut Vec<u8>, rows: &[Prediction]) {
    let mut rest = rows;
    while !rest.is_empty() {
        let start = begin(out, PREDICTIONS);
        let first = rest[0].at;
        put_int(out, first.0);
        let mut role = "";
        let mut taken = 0;
        for row in rest {
            put_prediction(out, row, first, &mut role);
            taken += 1;
            if out.len() - start > RECORD_BYTES {
                break;
            }
        }
        finish(out, start);
        rest = &rest[taken..];
    }
}

pub fn put_labels(out: &mut Vec<u8>, received: Timestamp, rows: &[Label]) {
    let mut rest = rows;
    while !rest.is_empty() {
        let start = begin(out, LABELS);
        put_int(out, received.0);
        let mut taken = 0;
        for row in rest {
            put_text(out, &row.id);
            match &row.truth {
                Truth::Number(number) => {
                    out.push(0);
                    out.extend_from_slice(&number.to_le_bytes());
                }
                Truth::Class(class) => {
                    out.push(1);
                    put_text(out, class);
                }
            }
            taken += 1;
            if out.len() - start > RECORD_BYTES {
                break;
            }
        }
        finish(out, start);
        rest = &rest[taken..];
    }
}

/// Gives the whole records of a segment in their order, and says what of it is not whole.
pub fn read(bytes: &[u8], give: &mut dyn FnMut(Record)) -> Vec<Damage> {
    read_placed(bytes, &mut |record, _| give(record))
}

/// The same, with where each record ends.
pub fn read_placed(bytes: &[u8], give: &mut dyn FnMut(Record, usize)) -> Vec<Damage> {
    let mut damaged: Vec<Damage> = Vec::new();
    let mut at = 0;
    if bytes.starts_with(SEGMENT_HEAD) {
        at = SEGMENT_HEAD.len();
    }
    let mut bad_from = (at == 0 && !bytes.is_empty()).then_some(0);
    while at < bytes.len() {
        match whole(bytes, at) {
            Some((record, next)) => {
                if let Some(from) = bad_from.take() {
                    damaged.push(Damage { bytes: from..at, torn: false });
                }
                give(record, next);
                at = next;
            }
            None => {
                bad_from.get_or_insert(at);
                at = bytes[at + 1..].windows(MARK.len()).position(|window| window == MARK).map_or(bytes.len(), |found| at + 1 + found);
            }
        }
    }
    if let Some(from) = bad_from {
        damaged.push(Damage { bytes: from..bytes.len(), torn: true });
    }
    damaged
}

/// The record at this place, and where the next one begins.
fn whole(bytes: &[u8], at: usize) -> Option<(Record, usize)> {
    let head = bytes.get(at..at + HEAD_BYTES)?;
    if head[..4] != MARK {
        return None;
    }
    let length = u32::from_le_bytes(head[4..8].try_into().ok()?) as usize;
    let checksum = u32::from_le_bytes(head[8..12].try_into().ok()?);
    let end = at + HEAD_BYTES + length;
    let checked = bytes.get(at + 12..end)?;
    if length > RECORD_BYTES_MAX || crc32fast::hash(checked) != checksum {
        return None;
    }
    Some((payload(head[12], &checked[1..])?, end))
}

fn payload(kind: u8, bytes: &[u8]) -> Option<Record> {
    let mut reader = Reader(bytes);
    match kind {
        SCHEMA => {
            let count = reader.uint()?;
            let mut names = Vec::new();
            for _ in 0..count {
                names.push(reader.text()?);
            }
            Some(Record::Schema(names))
        }
        PREDICTIONS => {
            let first = Timestamp(reader.int()?);
            let mut role = String::new();
            let mut rows = Vec::new();
            while !reader.0.is_empty() {
                rows.push(reader.prediction(first, &mut role)?);
            }
            Some(Record::Predictions(rows))
        }
        LABELS => {
            let received = Timestamp(reader.int()?);
            let mut rows = Vec::new();
            while !reader.0.is_empty() {
                let id = reader.text()?;
                let truth = match reader.byte()? {
                    0 => Truth::Number(reader.number()?),
                    1 => Truth::Class(reader.text()?),
                    _ => return None,
                };
                rows.push(Label { id, truth });
            }
            Some(Record::Labels(received, rows))
        }
        _ => None,
    }
}

fn begin(out: &mut Vec<u8>, kind: u8) -> usize {
    let start = out.len();
    out.extend_from_slice(&MARK);
    out.extend_from_slice(&[0; 8]);
    out.push(kind);
    start
}

fn finish(out: &mut [u8], start: usize) {
    let length = (out.len() - start - HEAD_BYTES) as u32;
    let checksum = crc32fast::hash(&out[start + 12..]);
    out[start + 4..start + 8].copy_from_slice(&length.to_le_bytes());
    out[start + 8..start + 12].copy_from_slice(&checksum.to_le_bytes());
}

fn put_prediction<'a>(out: &mut Vec<u8>, row: &'a Prediction, first: Timestamp, role: &mut &'a str) {
    put_text(out, &row.id);
    put_int(out, row.at.0.wrapping_sub(first.0));
    // An empty text: the role of the row before.
    if row.role == *role {
        out.push(0);
    } else {
        put_text(out, &row.role);
        *role = &row.role;
    }
    match &row.answer {
        Answer::Number(number) => {
            out.push(0);
            out.extend_from_slice(&number.to_le_bytes());
        }
        Answer::Class { class, probabilities } => {
            out.push(if class.is_some() { 1 } else { 2 });
            if let Some(class) = class {
                put_text(out, class);
            }
            put_uint(out, probabilities.len() as u64);
            for probability in probabilities {
                out.extend_from_slice(&probability.to_le_bytes());
            }
        }
    }
    put_uint(out, row.features.len() as u64);
    for feature in &row.features {
        put_feature(out, feature);
    }
}

fn put_feature(out: &mut Vec<u8>, feature: &FeatureValue) {
    match feature {
        FeatureValue::Missing => out.push(0),
        FeatureValue::Number(number) => {
            let whole = *number as i32;
            // A whole number is short, but only when it comes back bit for bit (-0.0 would not).
            if f64::from(whole).to_bits() == number.to_bits() {
                out.push(3);
                put_int(out, i64::from(whole));
            } else {
                out.push(1);
                out.extend_from_slice(&number.to_le_bytes());
            }
        }
        FeatureValue::Text(text) => {
            out.push(2);
            put_text(out, text);
        }
    }
}

fn put_uint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Zig-zag, so that small negative numbers are short too.
fn put_int(out: &mut Vec<u8>, value: i64) {
    put_uint(out, (value << 1 ^ value >> 63) as u64);
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_uint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn uint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn int(&mut self) -> Option<i64> {
        let value = self.uint()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    fn number(&mut self) -> Option<f64> {
        let (number, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        Some(f64::from_le_bytes(*number))
    }

    fn text(&mut self) -> Option<String> {
        let length = usize::try_from(self.uint()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(std::str::from_utf8(text).ok()?.to_owned())
    }

    fn prediction(&mut self, first: Timestamp, role: &mut String) -> Option<Prediction> {
        let id = self.text()?;
        let at = Timestamp(first.0.wrapping_add(self.int()?));
        let named = self.text()?;
        if !named.is_empty() {
            *role = named;
        }
        let answer = match self.byte()? {
            0 => Answer::Number(self.number()?),
            tag @ (1 | 2) => {
                let class = if tag == 1 { Some(self.text()?) } else { None };
                let count = self.uint()?;
                let mut probabilities = Vec::new();
                for _ in 0..count {
                    probabilities.push(self.number()?);
                }
                Answer::Class { class, probabilities }
            }
            _ => return None,
        };
        let count = self.uint()?;
        // A feature has at least one byte: the count of a damaged record can not ask for more memory than it has bytes.
        let mut features = Vec::with_capacity((count as usize).min(self.0.len()));
        for _ in 0..count {
            features.push(match self.byte()? {
                0 => FeatureValue::Missing,
                1 => FeatureValue::Number(self.number()?),
                2 => FeatureValue::Text(self.text()?),
                3 => FeatureValue::Number(self.int()? as f64),
                _ => return None,
            });
        }
        Some(Prediction { id, at, role: role.clone(), answer, features })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn prediction(id: &str, at: i64, role: &str, answer: Answer, features: Vec<FeatureValue>) -> Prediction {
        Prediction { id: id.into(), at: Timestamp(at), role: role.into(), answer, features }
    }

    fn rows() -> Vec<Prediction> {
        use FeatureValue::{Missing, Number, Text};
        let class = |class: Option<&str>, probabilities: &[f64]| Answer::Class {
            class: class.map(str::to_owned),
            probabilities: probabilities.to_vec(),
        };
        vec![
            prediction("1", 1_700_000_000_000, "champion", Answer::Number(0.1), vec![Number(3.0), Number(-0.0), Missing, Text("ü".into())]),
            prediction("2", 1_600_000_000_000, "champion", Answer::Number(f64::MAX), vec![Number(1e300), Number(-2_147_483_648.0)]),
            prediction("3", i64::MIN, "other", class(Some("yes"), &[0.25, 0.75]), vec![]),
            prediction("4", i64::MAX, "champion", class(None, &[1.0]), vec![Number(f64::NAN)]),
        ]
    }

    fn labels() -> Vec<Label> {
        vec![Label { id: "1".into(), truth: Truth::Number(-1.5) }, Label { id: "2".into(), truth: Truth::Class("yes".into()) }]
    }

    fn segment() -> Vec<u8> {
        let mut bytes = SEGMENT_HEAD.to_vec();
        put_schema(&mut bytes, &["a".to_owned(), "b c".to_owned()]);
        put_predictions(&mut bytes, &rows());
        put_labels(&mut bytes, Timestamp(5), &labels());
        bytes
    }

    fn read_all(bytes: &[u8]) -> (Vec<Record>, Vec<Damage>) {
        let mut records = Vec::new();
        let damaged = read(bytes, &mut |record| records.push(record));
        (records, damaged)
    }

    #[test]
    fn rows_read_back_bit_for_bit() {
        let (records, damaged) = read_all(&segment());
        assert_eq!(damaged, []);
        // NaN is not equal to itself: the debug text tells them all.
        let expected =
            [Record::Schema(vec!["a".into(), "b c".into()]), Record::Predictions(rows()), Record::Labels(Timestamp(5), labels())];
        assert_eq!(format!("{records:?}"), format!("{expected:?}"));
        assert_eq!(read_all(&[]), (vec![], vec![]));
    }

    #[test]
    fn many_rows_are_several_records() {
        let row = prediction("id", 0, "champion", Answer::Number(0.1), vec![FeatureValue::Text("x".repeat(1000))]);
        let mut bytes = Vec::new();
        put_predictions(&mut bytes, &vec![row; 3000]);
        let counts: Vec<usize> =
            read_all(&bytes).0.iter().map(|record| if let Record::Predictions(rows) = record { rows.len() } else { 0 }).collect();
        assert!(counts.len() >= 3 && counts.iter().sum::<usize>() == 3000, "{counts:?}");
    }

    #[test]
    fn a_cut_segment_gives_what_is_whole_and_names_its_torn_end() {
        let bytes = segment();
        for length in 0..bytes.len() {
            let (records, damaged) = read_all(&bytes[..length]);
            assert!(records.len() < 3, "{length}");
            assert!(damaged.iter().all(|damage| damage.torn && damage.bytes.end == length), "{length}: {damaged:?}");
        }
    }

    #[test]
    fn damage_in_the_middle_costs_one_record() {
        let bytes = segment();
        for place in SEGMENT_HEAD.len()..bytes.len() {
            let mut bad = bytes.clone();
            bad[place] ^= 0x41;
            let (records, damaged) = read_all(&bad);
            assert_eq!((records.len(), damaged.len()), (2, 1), "byte {place}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), kind in 0u8..5) {
            let _ = payload(kind, &bytes);
            let mut framed = Vec::new();
            let start = begin(&mut framed, kind);
            framed.extend_from_slice(&bytes);
            finish(&mut framed, start);
            let _ = read_all(&framed);
        }
    }
}
