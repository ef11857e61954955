//! The bytes of one column of one row group, as pages. What a page says of itself is checked before memory is taken for it.

use std::sync::atomic::{AtomicI64, Ordering};

use bytes::{Buf, Bytes};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

/// A part of a file that knows where it lay.
pub(super) struct Part {
    pub start: u64,
    pub bytes: Bytes,
    /// Of its row group.
    pub rows: usize,
    /// Bytes that its pages may still unpack to. Writers differ in what they count as a page.
    left: AtomicI64,
}

/// Of one page, decompressed. Writers take 1 MiB, some a whole row group.
const PAGE_BYTES_MAX: i64 = 512 << 20;
/// A dictionary may have texts that no row uses; up to so many are believed.
const DICTIONARY_MIN: usize = 1 << 22;
/// Beyond what the footer says of the column.
const SLACK_BYTES: i64 = 1 << 20;

impl Part {
    /// `unpacked` is the size of all its pages as the footer says it.
    pub fn new(start: u64, bytes: Bytes, rows: usize, unpacked: i64) -> Part {
        Part { start, bytes, rows, left: AtomicI64::new(unpacked.saturating_mul(2).saturating_add(SLACK_BYTES)) }
    }

    fn from(&self, start: u64) -> Result<Bytes, ParquetError> {
        let inside = start.checked_sub(self.start).filter(|at| *at <= self.bytes.len() as u64);
        let at = inside.ok_or_else(|| ParquetError::EOF("a page lies outside of its column".into()))?;
        Ok(self.bytes.slice(at as usize..))
    }
}

impl Length for Part {
    fn len(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

impl ChunkReader for Part {
    type T = bytes::buf::Reader<Bytes>;

    /// Called for the header of each page.
    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        let bytes = self.from(start)?;
        let unpacked = check_page(&bytes, self.rows).map_err(ParquetError::General)?;
        if self.left.fetch_sub(unpacked, Ordering::Relaxed) < unpacked {
            return Err(ParquetError::General("its pages are said to be larger than the footer says".into()));
        }
        Ok(bytes.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let bytes = self.from(start)?;
        if length > bytes.len() {
            return Err(ParquetError::EOF("a page is cut off".into()));
        }
        Ok(bytes.slice(..length))
    }
}

/// A page header is a struct of Thrift's compact protocol that begins with: 1 type, 2 bytes decompressed, 3 bytes compressed, 4 checksum
/// (optional), then the struct of its kind (7 is a dictionary), whose first field is the number of cells.
/// Out: bytes decompressed.
fn check_page(header: &[u8], rows: usize) -> Result<i64, String> {
    let mut fields = Fields { bytes: header };
    let odd = || "a page begins with something else than its sizes".to_owned();
    let sizes = [fields.integer(), fields.integer(), fields.integer()];
    let [Some(_), Some(bytes), Some(_)] = sizes else { return Err(odd()) };
    if !(0..=PAGE_BYTES_MAX).contains(&bytes) {
        return Err(format!("a page says that it has {bytes} bytes; the limit is {PAGE_BYTES_MAX}"));
    }
    let mut field = 3;
    if fields.integer().is_some() {
        field = 4;
    }
    let kind = fields.kind().ok_or_else(odd)?;
    let dictionary = field + i64::from(kind >> 4) == 7;
    let cells = fields.integer().ok_or_else(odd)?;
    let most = if dictionary { rows.max(DICTIONARY_MIN) } else { rows };
    // A value of a dictionary takes a byte at least.
    if cells < 0 || cells > most as i64 || dictionary && cells > bytes {
        return Err(format!("a page says that it has {cells} cells; its row group has {rows} rows"));
    }
    Ok(bytes)
}

struct Fields<'a> {
    bytes: &'a [u8],
}

impl Fields<'_> {
    /// The next field, when it is an i32.
    fn integer(&mut self) -> Option<i64> {
        let [0x15, rest @ ..] = self.bytes else { return None };
        let mut value = 0u64;
        for (index, byte) in rest.iter().enumerate().take(5) {
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                self.bytes = &rest[index + 1..];
                // Zigzag: the sign is the lowest bit.
                return Some((value >> 1) as i64 ^ -((value & 1) as i64));
            }
        }
        None
    }

    /// The header of the next field, when it is a struct.
    fn kind(&mut self) -> Option<u8> {
        let [kind, rest @ ..] = self.bytes else { return None };
        self.bytes = rest;
        Some(*kind).filter(|kind| kind & 0x0f == 0x0c)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fields of i32 as Thrift writes them, then the kind and its number of cells.
    fn header(bytes: i64, checksum: bool, field: u8, cells: i64) -> Vec<u8> {
        let mut out = Vec::new();
        let integer = |value: i64, out: &mut Vec<u8>| {
            out.push(0x15);
            let mut rest = ((value << 1) ^ (value >> 63)) as u64 & 0xffff_ffff;
            while rest > 0x7f {
                out.push(rest as u8 | 0x80);
                rest >>= 7;
            }
            out.push(rest as u8);
        };
        for value in [0, bytes, 10] {
            integer(value, &mut out);
        }
        if checksum {
            integer(-77, &mut out);
        }
        out.push(((field - if checksum { 4 } else { 3 }) << 4) | 0x0c);
        integer(cells, &mut out);
        out
    }

    #[test]
    fn sizes_are_believed_within_bounds() {
        let check = |header: &[u8], expected: &str| assert_eq!(check_page(header, 100).err().unwrap_or_default(), expected);
        for checksum in [false, true] {
            check(&header(1000, checksum, 5, 100), "");
            check(&header(1000, checksum, 8, 101), "a page says that it has 101 cells; its row group has 100 rows");
            check(&header(1000, checksum, 7, 900), "");
            check(&header(1000, checksum, 7, 1001), "a page says that it has 1001 cells; its row group has 100 rows");
            check(&header(i64::from(i32::MAX), checksum, 5, 1), "a page says that it has 2147483647 bytes; the limit is 536870912");
        }
        check(&header(-1, false, 5, 1), "a page says that it has -1 bytes; the limit is 536870912");
        check(&header(10, false, 5, -1), "a page says that it has -1 cells; its row group has 100 rows");
        // A page that is asked for again and again, or many that say they are large.
        let page = header(1 << 20, false, 5, 100);
        let part = Part::new(0, page.into(), 100, 1 << 20);
        let asked = [0; 5].map(|start| part.get_read(start).err().map(|error| error.to_string()));
        assert!(matches!(&asked, [None, None, None, Some(error), Some(_)] if error.contains("larger than the footer says")), "{asked:?}");
        for bytes in [&b""[..], &[0x15], &[0x15, 0xff, 0xff, 0xff, 0xff, 0xff], &[0x05, 0x02, 0x00], &[0x15, 0, 0x15, 0, 0x15, 0]] {
            check(bytes, "a page begins with something else than its sizes");
        }
    }
}
