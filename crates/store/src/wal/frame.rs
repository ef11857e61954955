//! Records into pages of 32 KiB: a record is cut into fragments, none of which crosses a page.

use crate::crc::crc32c;

pub const PAGE_BYTES: usize = 32 * 1024;
/// Type, length (big-endian), CRC-32C of the data.
pub const HEADER_BYTES: usize = 7;

pub const PAGE_END: u8 = 0;
pub const FULL: u8 = 1;
pub const FIRST: u8 = 2;
pub const MIDDLE: u8 = 3;
pub const LAST: u8 = 4;
pub const TYPE_MASK: u8 = 0b111;
pub const SNAPPY: u8 = 1 << 3;
pub const ZSTD: u8 = 1 << 4;

/// Below this a record does not get smaller enough to be worth the time.
const COMPRESS_BYTES_MIN: usize = 256;
/// A buffer that one huge commit has grown is given back.
const BUFFER_KEPT_BYTES: usize = 256 * 1024;

/// The most bytes that a record of this length takes in a segment, padding included.
pub fn size_max(record_bytes: usize) -> u64 {
    let fragments = record_bytes / (PAGE_BYTES - HEADER_BYTES) + 2;
    (record_bytes + fragments * HEADER_BYTES + HEADER_BYTES) as u64
}

/// Collects the bytes of one write.
pub struct Framer {
    out: Vec<u8>,
    compressed: Vec<u8>,
    snappy: snap::raw::Encoder,
    start: u64,
}

impl Default for Framer {
    fn default() -> Framer {
        Framer { out: Vec::new(), compressed: Vec::new(), snappy: snap::raw::Encoder::new(), start: 0 }
    }
}

impl Framer {
    /// `at`: where in the segment the bytes will go.
    pub fn begin(&mut self, at: u64) {
        self.out.clear();
        self.start = at;
    }

    pub fn bytes(&self) -> &[u8] {
        &self.out
    }

    /// The length of the segment after the write.
    pub fn end(&self) -> u64 {
        self.start + self.out.len() as u64
    }

    pub fn shrink(&mut self) {
        self.out.clear();
        self.out.shrink_to(BUFFER_KEPT_BYTES);
        self.compressed.clear();
        self.compressed.shrink_to(BUFFER_KEPT_BYTES);
    }

    pub fn push(&mut self, record: &[u8]) {
        if record.len() < COMPRESS_BYTES_MIN {
            return self.fragment(record, 0);
        }
        let mut compressed = std::mem::take(&mut self.compressed);
        compressed.resize(snap::raw::max_compress_len(record.len()), 0);
        match self.snappy.compress(record, &mut compressed) {
            Ok(length) if length > 0 && length < record.len() => self.fragment(&compressed[..length], SNAPPY),
            // Not smaller, or above the 4 GiB that snappy can count: as it is.
            _ => self.fragment(record, 0),
        }
        self.compressed = compressed;
    }

    fn fragment(&mut self, mut rest: &[u8], flag: u8) {
        let mut first = true;
        loop {
            let mut room = PAGE_BYTES - (self.end() % PAGE_BYTES as u64) as usize;
            if room < HEADER_BYTES {
                self.out.resize(self.out.len() + room, 0);
                room = PAGE_BYTES;
            }
            let (part, after) = rest.split_at(rest.len().min(room - HEADER_BYTES));
            let kind = match (first, after.is_empty()) {
                (true, true) => FULL,
                (true, false) => FIRST,
                (false, false) => MIDDLE,
                (false, true) => LAST,
            };
            self.out.push(kind | flag);
            self.out.extend_from_slice(&(part.len() as u16).to_be_bytes());
            self.out.extend_from_slice(&crc32c(part).to_be_bytes());
            self.out.extend_from_slice(part);
            if after.is_empty() {
                return;
            }
            rest = after;
            first = false;
        }
    }
}
