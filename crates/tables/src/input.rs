//! The bytes of a file as UTF-8 text: compression and encoding undone while they are read, from the start as often as needed.
//!
//! In:    a source that can be read and sought, limits. Out: text, and which encoding it was taken for.
//! Never: unpacks more than the limit: a bomb is an error.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::{Limits, Progress, ReadOptions, TableError};

/// Something that can be read from its start again.
pub(crate) struct Input<'a, R> {
    pub name: &'a str,
    source: R,
    bytes: u64,
    compression: Compression,
    limits: Limits,
    progress: Progress<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compression {
    None,
    Gzip,
    Zstd,
}

/// Bytes that are looked at to find out what a file is.
const HEAD_BYTES: usize = 64 << 10;
/// Bytes from which an encoding is guessed at most.
const GUESS_BYTES_MAX: u64 = 64 << 20;

impl<'a, R: Read + Seek> Input<'a, R> {
    pub fn new(name: &'a str, mut source: R, limits: Limits, progress: Progress<'a>) -> Result<Input<'a, R>, TableError> {
        let failed = |error: io::Error| TableError::new(name, error.to_string());
        let bytes = source.seek(SeekFrom::End(0)).map_err(failed)?;
        source.seek(SeekFrom::Start(0)).map_err(failed)?;
        let mut magic = [0; 4];
        let read = read_up_to(&mut source, &mut magic).map_err(failed)?;
        let compression = match &magic[..read] {
            [0x1f, 0x8b, ..] => Compression::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd] => Compression::Zstd,
            _ => Compression::None,
        };
        Ok(Input { name, source, bytes, compression, limits, progress })
    }

    pub fn is_compressed(&self) -> bool {
        self.compression != Compression::None
    }

    pub fn into_source(self) -> R {
        self.source
    }

    /// The first bytes, decompressed.
    pub fn head(&mut self) -> Result<Vec<u8>, TableError> {
        let name = self.name;
        let mut head = vec![0; HEAD_BYTES];
        let read = read_up_to(&mut self.raw()?, &mut head).map_err(|error| TableError::new(name, reason(&error)))?;
        head.truncate(read);
        Ok(head)
    }

    /// From the start, decompressed.
    pub fn raw(&mut self) -> Result<Box<dyn Read + '_>, TableError> {
        let name = self.name;
        let failed = |error: io::Error| TableError::new(name, error.to_string());
        self.source.seek(SeekFrom::Start(0)).map_err(failed)?;
        let told = Told { source: &mut self.source, done: 0, all: self.bytes, progress: self.progress };
        let bounded: Box<dyn Read + '_> = match self.compression {
            Compression::None => Box::new(told),
            Compression::Gzip => Box::new(flate2::read::MultiGzDecoder::new(BufReader::with_capacity(1 << 16, told))),
            Compression::Zstd => Box::new(zstd::stream::read::Decoder::new(told).map_err(failed)?),
        };
        Ok(Box::new(Bounded { source: bounded, left: self.limits.bytes_max, max: self.limits.bytes_max }))
    }

    /// From the start, as UTF-8. A byte order mark is left out. UTF-8 itself is passed on unchecked: the reader of cells checks it.
    pub fn text(&mut self, encoding: &'static Encoding) -> Result<Box<dyn Read + '_>, TableError> {
        let raw = self.raw()?;
        if encoding == UTF_8 {
            return Ok(raw);
        }
        Ok(Box::new(Transcoded {
            source: raw,
            decoder: encoding.new_decoder(),
            input: Vec::new(),
            output: Vec::new(),
            given: 0,
            end: false,
        }))
    }

    /// What the options say, or a byte order mark, or the zeros of UTF-16; else UTF-8, until a byte says otherwise (`guess`).
    pub fn encoding(&mut self, options: &ReadOptions, head: &[u8]) -> Result<&'static Encoding, TableError> {
        if let Some(label) = &options.encoding {
            return Encoding::for_label(label.as_bytes()).ok_or_else(|| {
                TableError::new(self.name, format!("there is no encoding {label:?}; known are utf-8, windows-1252, utf-16le, ..."))
            });
        }
        if let Some((encoding, _)) = Encoding::for_bom(head) {
            return Ok(encoding);
        }
        let zeros = |from: usize| head.iter().skip(from).step_by(2).take(512).filter(|byte| **byte == 0).count();
        let pairs = (head.len() / 2).min(512);
        Ok(match (zeros(0) * 2 > pairs, zeros(1) * 2 > pairs) {
            (false, true) => UTF_16LE,
            (true, false) => UTF_16BE,
            _ => UTF_8,
        })
    }

    /// For bytes that are not UTF-8: the encoding that they look like most.
    pub fn guess(&mut self) -> Result<&'static Encoding, TableError> {
        let name = self.name;
        let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
        let mut reader = self.raw()?.take(GUESS_BYTES_MAX);
        let mut buffer = vec![0; HEAD_BYTES];
        loop {
            let read = reader.read(&mut buffer).map_err(|error| TableError::new(name, reason(&error)))?;
            detector.feed(&buffer[..read], read == 0);
            if read == 0 {
                return Ok(detector.guess(None, Utf8Detection::Deny));
            }
        }
    }
}

/// Counts what was read of the source.
struct Told<'a, R> {
    source: R,
    done: u64,
    all: u64,
    progress: Progress<'a>,
}

impl<R: Read> Read for Told<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.done += read as u64;
        (self.progress)(self.done, self.all);
        Ok(read)
    }
}

/// Ends with an error beyond the limit: a small compressed file can be a very large one.
struct Bounded<R> {
    source: R,
    left: u64,
    max: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or_else(|| io::Error::new(io::ErrorKind::FileTooLarge, format!("more than the limit of {} bytes of text", self.max)))?;
        Ok(read)
    }
}

struct Transcoded<R> {
    source: R,
    decoder: Decoder,
    input: Vec<u8>,
    output: Vec<u8>,
    given: usize,
    end: bool,
}

impl<R: Read> Read for Transcoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.output.len() && !self.end {
            self.input.resize(HEAD_BYTES, 0);
            let read = self.source.read(&mut self.input)?;
            self.end = read == 0;
            // Any byte becomes at most three.
            self.output.resize(3 * read + 16, 0);
            let (result, _, written, _) = self.decoder.decode_to_utf8(&self.input[..read], &mut self.output, self.end);
            debug_assert_eq!(result, CoderResult::InputEmpty);
            self.output.truncate(written);
            self.given = 0;
        }
        let count = buffer.len().min(self.output.len() - self.given);
        buffer[..count].copy_from_slice(&self.output[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}

/// Reads until the buffer is full or the source ends.
pub(crate) fn read_up_to(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// An error of reading in words: the ends of compressed files have poor ones of their own.
pub(crate) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "the file ends in the middle: it is truncated".into(),
        io::ErrorKind::FileTooLarge => error.to_string(),
        _ => format!("cannot be read: {error}"),
    }
}
