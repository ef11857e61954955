//! Records out of a stream of UTF-8: where each cell begins and ends. RFC 4180, any line end, one error for each way to break it.
//!
//! In:    bytes from a reader, a piece at a time. Out: one record after the other, as places in its buffer.
//! Never: holds more than one record; a cell above the limit is an error with its line.

use std::borrow::Cow;
use std::io::{self, Read};

/// Why no record came.
pub(crate) enum Trouble {
    Source(io::Error),
    NotUtf8 { line: u64 },
    QuoteOpen { line: u64, cell: usize },
    AfterQuote { line: u64, cell: usize },
    LongCell { line: u64, cell: usize, max: usize },
    Zero { line: u64, cell: usize },
}

/// Reads a record at a time; its buffer grows to the longest one.
pub(crate) struct Scanner<R> {
    source: R,
    buffer: Vec<u8>,
    /// The record is `buffer[start..next]`, bytes are there up to `end`.
    start: usize,
    next: usize,
    end: usize,
    cells: Vec<Cell>,
    /// Of the record's first line.
    line: u64,
    /// Lines that the record takes.
    lines: u64,
    source_ended: bool,
    separator: u8,
    ends_cell: [bool; 256],
    cell_bytes_max: usize,
}

/// From the record's start.
#[derive(Clone, Copy)]
struct Cell {
    start: u32,
    end: u32,
    /// Quotes in it are written twice.
    doubled: bool,
}

/// The cells of a record.
pub(crate) struct Record<'a> {
    text: &'a str,
    cells: &'a [Cell],
    line: u64,
}

const BUFFER_BYTES: usize = 1 << 18;

enum Step {
    /// Bytes to the next record.
    Record(usize),
    /// The cell that begins there does not end in the buffer.
    More { cell_start: usize, quoted: bool },
}

impl<R: Read> Scanner<R> {
    pub fn new(source: R, separator: u8, cell_bytes_max: usize) -> Scanner<R> {
        let mut ends_cell = [false; 256];
        for byte in [separator, b'\n', b'\r'] {
            ends_cell[usize::from(byte)] = true;
        }
        Scanner {
            source,
            buffer: vec![0; BUFFER_BYTES],
            start: 0,
            next: 0,
            end: 0,
            cells: Vec::new(),
            line: 1,
            lines: 0,
            source_ended: false,
            separator,
            ends_cell,
            cell_bytes_max,
        }
    }

    /// Goes to the next record that is no blank line. False: there is none.
    pub fn next(&mut self) -> Result<bool, Trouble> {
        loop {
            self.line += self.lines;
            self.lines = 0;
            self.start = self.next;
            if self.line == 1 && self.start == 0 {
                self.skip_first()?;
            }
            if self.start == self.end && !self.fill()? {
                return Ok(false);
            }
            // `complete` moves the record to the buffer's start when it needs more.
            let length = self.complete()?;
            self.next = self.start + length;
            let blank = self.cells.len() == 1 && self.cells[0].end == 0;
            if !blank {
                return Ok(true);
            }
        }
    }

    /// The line on which the record begins.
    pub fn line(&self) -> u64 {
        self.line
    }

    pub fn cells(&self) -> usize {
        self.cells.len()
    }

    /// The record that `next` found.
    pub fn record(&self) -> Result<Record<'_>, Trouble> {
        let bytes = &self.buffer[self.start..self.next];
        if bytes.contains(&0) {
            let place = bytes.iter().position(|byte| *byte == 0).unwrap_or(0);
            let cell = self.cells.iter().position(|cell| place <= cell.end as usize).unwrap_or(0);
            return Err(Trouble::Zero { line: self.line_at(place), cell });
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Record { text, cells: &self.cells, line: self.line }),
            Err(error) => Err(Trouble::NotUtf8 { line: self.line_at(error.valid_up_to()) }),
        }
    }

    /// A byte order mark, and Excel's line that says the separator.
    fn skip_first(&mut self) -> Result<(), Trouble> {
        self.fill()?;
        if self.buffer[..self.end].starts_with(b"\xef\xbb\xbf") {
            self.start = 3;
        }
        let rest = &self.buffer[self.start..self.end];
        if rest.len() > 5 && rest.starts_with(b"sep=") && rest[4] == self.separator {
            let line_end = rest[5..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count().min(2);
            if line_end > 0 {
                self.start += 5 + line_end;
                self.line = 2;
            }
        }
        Ok(())
    }

    /// Scans with more and more of the source, until the record ends.
    fn complete(&mut self) -> Result<usize, Trouble> {
        loop {
            match self.scan()? {
                Step::Record(length) => {
                    let max = self.cell_bytes_max;
                    let is_long = |cell: &Cell| (cell.end - cell.start) as usize > max;
                    let long = if length > max { self.cells.iter().position(is_long) } else { None };
                    let Some(cell) = long else { return Ok(length) };
                    return Err(Trouble::LongCell { line: self.line_at(self.cells[cell].start as usize), cell, max });
                }
                Step::More { cell_start, quoted } => {
                    let cell = self.cells.len();
                    // Quotes around it are no part of it.
                    if self.end - self.start - cell_start > self.cell_bytes_max + 2 {
                        return Err(Trouble::LongCell { line: self.line_at(cell_start), cell, max: self.cell_bytes_max });
                    }
                    if !self.fill()? && quoted {
                        return Err(Trouble::QuoteOpen { line: self.line_at(cell_start), cell });
                    }
                }
            }
        }
    }

    fn line_at(&self, offset: usize) -> u64 {
        self.line + line_ends(&self.buffer[self.start..self.end.min(self.start + offset)])
    }

    /// More of the source behind what is there. False: it has ended.
    fn fill(&mut self) -> Result<bool, Trouble> {
        if self.source_ended {
            return Ok(false);
        }
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.next = self.next.saturating_sub(self.start);
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            self.buffer.resize(self.end * 2, 0);
        }
        loop {
            match self.source.read(&mut self.buffer[self.end..]) {
                Ok(0) => {
                    self.source_ended = true;
                    return Ok(false);
                }
                Ok(read) => {
                    self.end += read;
                    return Ok(true);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Trouble::Source(error)),
            }
        }
    }

    fn scan(&mut self) -> Result<Step, Trouble> {
        let bytes = &self.buffer[self.start..self.end];
        let (mut at, mut lines) = (0, 1);
        self.cells.clear();
        loop {
            let (start, end, after, doubled) = if bytes.get(at) == Some(&b'"') {
                match quoted(&bytes[at..], self.source_ended) {
                    None => return Ok(Step::More { cell_start: at, quoted: true }),
                    Some((length, doubled)) => {
                        let end = at + 1 + length;
                        lines += line_ends(&bytes[at..end]);
                        let blanks = bytes[end + 1..].iter().take_while(|byte| matches!(byte, b' ' | b'\t') && **byte != self.separator);
                        (at + 1, end, end + 1 + blanks.count(), doubled)
                    }
                }
            } else {
                let length = bytes[at..].iter().position(|byte| self.ends_cell[usize::from(*byte)]).unwrap_or(bytes.len() - at);
                (at, at + length, at + length, false)
            };
            let cell = Cell { start: start as u32, end: end as u32, doubled };
            let more = Step::More { cell_start: at, quoted: false };
            match bytes.get(after) {
                Some(byte) if *byte == self.separator => {
                    self.cells.push(cell);
                    at = after + 1;
                    continue;
                }
                Some(b'\r') if after + 1 == bytes.len() && !self.source_ended => return Ok(more),
                None if !self.source_ended => return Ok(more),
                None => at = after,
                Some(b'\r') if bytes.get(after + 1) == Some(&b'\n') => at = after + 2,
                Some(b'\n' | b'\r') => at = after + 1,
                Some(_) => return Err(Trouble::AfterQuote { line: self.line_at(after), cell: self.cells.len() }),
            }
            self.cells.push(cell);
            self.lines = lines;
            return Ok(Step::Record(at));
        }
    }
}

/// `\n`, `\r\n` or `\r` alone.
fn line_ends(bytes: &[u8]) -> u64 {
    let ends = bytes.iter().enumerate().filter(|(i, byte)| **byte == b'\n' || **byte == b'\r' && bytes.get(i + 1) != Some(&b'\n'));
    ends.count() as u64
}

/// Of bytes that begin with a quote: the length up to the closing one, and whether there are doubled ones. `None`: it is not there yet.
fn quoted(bytes: &[u8], all: bool) -> Option<(usize, bool)> {
    let mut at = 1;
    let mut doubled = false;
    loop {
        at += bytes[at..].iter().position(|byte| *byte == b'"')?;
        match bytes.get(at + 1) {
            Some(b'"') => {
                doubled = true;
                at += 2;
            }
            None if !all => return None,
            _ => return Some((at - 1, doubled)),
        }
    }
}

impl<'a> Record<'a> {
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    pub fn line(&self) -> u64 {
        self.line
    }

    pub fn iter(&self) -> impl Iterator<Item = Cow<'a, str>> {
        let text = self.text;
        self.cells.iter().map(move |cell| {
            let cell_text = text.get(cell.start as usize..cell.end as usize).unwrap_or_default();
            if cell.doubled { Cow::Owned(cell_text.replace("\"\"", "\"")) } else { Cow::Borrowed(cell_text) }
        })
    }
}
