//! Reads a segment and goes on behind whatever is damaged: only the damaged record is lost.

use std::io;

use super::frame::{FIRST, FULL, HEADER_BYTES, LAST, MIDDLE, PAGE_BYTES, PAGE_END, SNAPPY, TYPE_MASK, ZSTD};
use crate::crc::crc32c;
use crate::disk::ReadFile;

/// A record above this is refused: a bound on what a damaged length of a compressed record can make us allocate.
const RECORD_BYTES_MAX: usize = 256 << 20;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scan {
    /// Offset and what was wrong there.
    pub damaged: Vec<(u64, String)>,
    /// The segment ends in the middle of a record that begins here: a write that was cut short.
    pub torn: Option<u64>,
    pub size_bytes: u64,
    /// Records of a compression that we do not read.
    pub unsupported: u64,
}

/// Calls `record` for each whole record, uncompressed, in order.
pub fn scan(file: &dyn ReadFile, mut record: impl FnMut(&[u8])) -> io::Result<Scan> {
    let mut scanner = Scanner {
        out: Scan { size_bytes: file.size_bytes()?, ..Scan::default() },
        parts: Vec::new(),
        began: None,
        plain: Vec::new(),
        snappy: snap::raw::Decoder::new(),
    };
    let mut page = vec![0; PAGE_BYTES];
    let mut offset = 0;
    while offset < scanner.out.size_bytes {
        match file.read_at(offset, &mut page) {
            Ok(0) => break,
            Ok(read) => scanner.page(offset, &page[..read], &mut record),
            Err(error) => scanner.damage(offset, format!("can not be read: {error}")),
        }
        offset += PAGE_BYTES as u64;
    }
    if let Some(began) = scanner.began.take()
        && scanner.out.torn.is_none()
    {
        scanner.out.torn = Some(began);
    }
    Ok(scanner.out)
}

struct Scanner {
    out: Scan,
    /// Data of the record whose last fragment has not come yet.
    parts: Vec<u8>,
    began: Option<u64>,
    plain: Vec<u8>,
    snappy: snap::raw::Decoder,
}

struct Fragment<'a> {
    kind: u8,
    data: &'a [u8],
}

enum Bad {
    /// Reaches over the end of a page that is not whole: the end of the file.
    CutShort,
    Damaged(&'static str),
}

impl Scanner {
    fn page(&mut self, start: u64, page: &[u8], record: &mut impl FnMut(&[u8])) {
        let mut at = 0;
        while at < page.len() {
            let rest = &page[at..];
            if rest[0] == PAGE_END || (page.len() == PAGE_BYTES && rest.len() < HEADER_BYTES) {
                if rest.iter().all(|byte| *byte == 0) {
                    return;
                }
                self.damage(start + at as u64, "rubbish where a page should end".into());
                at = resync(page, at);
                continue;
            }
            match fragment(rest, page.len() == PAGE_BYTES) {
                Ok(found) => {
                    let end = at + HEADER_BYTES + found.data.len();
                    self.take(start + at as u64, &found, record);
                    at = end;
                }
                Err(bad) => {
                    let next = resync(page, at);
                    match bad {
                        Bad::CutShort if next == page.len() => {
                            self.out.torn = Some(self.began.take().unwrap_or(start + at as u64));
                            self.parts.clear();
                        }
                        Bad::CutShort => self.damage(start + at as u64, "length reaches over the end of the segment".into()),
                        Bad::Damaged(what) => self.damage(start + at as u64, what.into()),
                    }
                    at = next;
                }
            }
        }
    }

    fn take(&mut self, offset: u64, found: &Fragment<'_>, record: &mut impl FnMut(&[u8])) {
        let kind = found.kind & TYPE_MASK;
        match (kind, self.began) {
            (FULL | FIRST, Some(began)) => {
                self.damage(began, "record without an end".into());
            }
            (MIDDLE | LAST, None) => {
                // Its beginning is the damage, and that has been told; alone at the start of a segment it has not.
                if self.out.damaged.is_empty() {
                    self.damage(offset, "record without a beginning".into());
                }
                return;
            }
            _ => {}
        }
        match kind {
            FULL => self.finish(offset, found.kind, found.data, record),
            FIRST => {
                self.parts.clear();
                self.parts.extend_from_slice(found.data);
                self.began = Some(offset);
            }
            _ if self.parts.len() + found.data.len() > RECORD_BYTES_MAX => self.damage(offset, "record is too large".into()),
            MIDDLE => self.parts.extend_from_slice(found.data),
            _ => {
                let mut parts = std::mem::take(&mut self.parts);
                parts.extend_from_slice(found.data);
                let began = self.began.take().unwrap_or(offset);
                self.finish(began, found.kind, &parts, record);
                parts.clear();
                self.parts = parts;
            }
        }
    }

    fn finish(&mut self, offset: u64, kind: u8, data: &[u8], record: &mut impl FnMut(&[u8])) {
        if kind & ZSTD != 0 {
            self.out.unsupported += 1;
        } else if kind & SNAPPY == 0 {
            record(data);
        } else {
            let length = snap::raw::decompress_len(data).ok().filter(|length| *length <= RECORD_BYTES_MAX);
            let Some(length) = length else { return self.damage(offset, "compressed length makes no sense".into()) };
            if self.plain.len() < length {
                self.plain.resize(length, 0);
            }
            match self.snappy.decompress(data, &mut self.plain) {
                Ok(length) => record(&self.plain[..length]),
                Err(error) => self.damage(offset, format!("can not be uncompressed: {error}")),
            }
        }
    }

    fn damage(&mut self, offset: u64, what: String) {
        self.parts.clear();
        self.began = None;
        self.out.damaged.push((offset, what));
    }
}

fn fragment(rest: &[u8], whole_page: bool) -> Result<Fragment<'_>, Bad> {
    let kind = rest[0];
    if !(FULL..=LAST).contains(&(kind & TYPE_MASK)) || kind & !(TYPE_MASK | SNAPPY | ZSTD) != 0 {
        return Err(Bad::Damaged("unknown type of fragment"));
    }
    if rest.len() < HEADER_BYTES {
        return Err(Bad::CutShort);
    }
    let length = usize::from(u16::from_be_bytes([rest[1], rest[2]]));
    let Some(data) = rest.get(HEADER_BYTES..HEADER_BYTES + length) else {
        return Err(if whole_page { Bad::Damaged("length reaches over the end of the page") } else { Bad::CutShort });
    };
    if crc32c(data) != u32::from_be_bytes([rest[3], rest[4], rest[5], rest[6]]) {
        return Err(Bad::Damaged("checksum does not match"));
    }
    Ok(Fragment { kind, data })
}

/// The next place in the page that looks like a fragment and has a right checksum; the end of the page when there is none.
fn resync(page: &[u8], damaged_at: usize) -> usize {
    (damaged_at + 1..page.len())
        .find(|at| {
            let rest = &page[*at..];
            // Empty fragments are too easy to find by chance.
            rest.len() > HEADER_BYTES && (rest[1] != 0 || rest[2] != 0) && fragment(rest, true).is_ok()
        })
        .unwrap_or(page.len())
}
