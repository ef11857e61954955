//! Full chunks on disk: `chunks_head/000001`, ... in Prometheus' head-chunk format, read back by position.
//!
//! A file becomes trusted when it has been synced and a checkpoint has left its samples out of the log. Files that are not
//! trusted yet hold nothing that the log does not hold; they are removed at the next open. `chunks_head/trusted` names the first number
//! that is not trusted (Prometheus ignores the file).

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, RwLock};

use crate::bits::{push_uvarint, take_u64, take_uvarint};
use crate::chunk::ENCODING_XOR;
use crate::crc::crc32c;
use crate::disk::{Disk, LogFile, ReadFile};
use crate::store::{lock, read, write};
use crate::wal::parse_number;

pub const DIR: &str = "chunks_head";
const TRUSTED: &str = "chunks_head/trusted";
/// Magic number, version 1, padding.
const HEADER: [u8; 8] = [0x01, 0x30, 0xbc, 0x91, 1, 0, 0, 0];
/// Series, first and last time, encoding.
const META_BYTES: usize = 25;
/// Read at once: most chunks are smaller.
const READ_BYTES: usize = 1024;
/// Prometheus' size of a head-chunk file.
const FILE_BYTES_MAX: u64 = 128 << 20;
/// 120 samples of at most 19 bytes; a larger length is damage.
const CHUNK_BYTES_MAX: u64 = 64 * 1024;

pub fn file_path(file: u32) -> String {
    format!("{DIR}/{file:06}")
}

/// A chunk as a file names it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    pub id: u64,
    pub first_at: i64,
    pub last_at: i64,
    pub offset: u32,
    pub bytes: u32,
}

/// Offsets and what is wrong there.
pub type Unreadable = Vec<(u64, String)>;

pub struct ChunkFiles {
    disk: Arc<dyn Disk>,
    writer: Mutex<Writer>,
    readers: RwLock<BTreeMap<u32, Arc<dyn ReadFile>>>,
}

#[derive(Default)]
struct Writer {
    current: Option<(u32, Arc<dyn LogFile>, u64)>,
    next: u32,
    /// The last time in each file.
    last_at: BTreeMap<u32, i64>,
    unsynced: Vec<(u32, Arc<dyn LogFile>)>,
    /// Their fsync failed: what they hold must be written again.
    doubtful: BTreeSet<u32>,
    /// `trusted` exists; without it a file that we write would be taken for one of Prometheus.
    marked: bool,
}

impl ChunkFiles {
    pub fn new(disk: Arc<dyn Disk>) -> ChunkFiles {
        ChunkFiles { disk, writer: Mutex::new(Writer { next: 1, ..Writer::default() }), readers: RwLock::default() }
    }

    /// At open: removes what is not trusted and gives the numbers of the rest, in order.
    pub fn begin(&self) -> io::Result<Vec<u32>> {
        let mut files: Vec<u32> = self.disk.list(DIR)?.iter().filter_map(|name| parse_number(name)).collect();
        files.sort_unstable();
        let trusted = self.read_trusted()?;
        let mut kept = Vec::new();
        for file in files {
            // Without the mark, Prometheus wrote them: all are good.
            if trusted.is_some_and(|first_new| file >= first_new) {
                self.disk.remove(&file_path(file))?;
            } else {
                kept.push(file);
            }
        }
        let next = kept.last().map_or(1, |last| last + 1).max(trusted.unwrap_or(1));
        let mut writer = lock(&self.writer);
        writer.next = next;
        writer.marked = trusted.is_some();
        Ok(kept)
    }

    fn read_trusted(&self) -> io::Result<Option<u32>> {
        let file = match self.disk.open(TRUSTED) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut text = [0; 16];
        let length = file.read_at(0, &mut text)?;
        // A mark that can not be read: trust nothing less than Prometheus would.
        Ok(std::str::from_utf8(&text[..length]).ok().and_then(|text| text.trim().parse().ok()))
    }

    /// Files below this number are on disk for good and the log does not hold their samples any more.
    pub fn trust_before(&self, file: u32) -> io::Result<()> {
        let temporary = format!("{TRUSTED}.tmp");
        let mark = self.disk.create(&temporary)?;
        mark.append(format!("{file}\n").as_bytes())?;
        mark.sync()?;
        self.disk.rename(&temporary, TRUSTED)?;
        self.disk.sync_dir(DIR)
    }

    /// All chunks of a file that are whole, and the places of the others. Called at open.
    pub fn scan(&self, file: u32) -> io::Result<(Vec<Found>, Unreadable)> {
        let reader = self.disk.open(&file_path(file))?;
        let size = reader.size_bytes()?;
        let (mut found, mut damaged) = (Vec::new(), Vec::new());
        let mut offset = HEADER.len() as u64;
        let mut newest = i64::MIN;
        while offset < size {
            match read_chunk(&*reader, offset) {
                Ok((chunk, total)) => {
                    if chunk.id == 0 {
                        // Prometheus fills its files with zeros.
                        break;
                    }
                    newest = newest.max(chunk.last_at);
                    found.push(chunk);
                    offset += total;
                }
                Err(BadChunk { what, skip }) => {
                    damaged.push((offset, what));
                    match skip {
                        Some(total) => offset += total,
                        None => break,
                    }
                }
            }
        }
        lock(&self.writer).last_at.insert(file, newest);
        write(&self.readers).insert(file, reader);
        Ok((found, damaged))
    }

    /// Appends chunks with one write; gives their places. After an error none counts and the next write begins a new file.
    pub fn write(&self, chunks: &[(u32, i64, i64, Vec<u8>)]) -> io::Result<Vec<(u32, u32)>> {
        let mut writer = lock(&self.writer);
        if writer.current.as_ref().is_some_and(|(_, _, at)| *at >= FILE_BYTES_MAX) {
            writer.put_away();
        }
        if writer.current.is_none() {
            let number = writer.next;
            if !writer.marked {
                self.trust_before(number)?;
                writer.marked = true;
            }
            let file = self.disk.create(&file_path(number))?;
            file.append(&HEADER)?;
            // Only now: Prometheus refuses numbers with holes.
            writer.next += 1;
            write(&self.readers).insert(number, self.disk.open(&file_path(number))?);
            writer.current = Some((number, file, HEADER.len() as u64));
        }
        let Some((number, file, at)) = writer.current.clone() else { return Err(io::ErrorKind::NotFound.into()) };
        let mut out = Vec::new();
        let mut places = Vec::with_capacity(chunks.len());
        let mut newest = i64::MIN;
        for (id, first_at, last_at, bytes) in chunks {
            let start = out.len();
            places.push((number, (at + start as u64) as u32));
            out.extend_from_slice(&u64::from(*id).to_be_bytes());
            out.extend_from_slice(&first_at.to_be_bytes());
            out.extend_from_slice(&last_at.to_be_bytes());
            out.push(ENCODING_XOR);
            push_uvarint(&mut out, bytes.len() as u64);
            out.extend_from_slice(bytes);
            let crc = crc32c(&out[start..]);
            out.extend_from_slice(&crc.to_be_bytes());
            newest = newest.max(*last_at);
        }
        if let Err(error) = file.append(&out) {
            let _ = file.truncate(at);
            writer.put_away();
            return Err(error);
        }
        writer.current = Some((number, file, at + out.len() as u64));
        let known = writer.last_at.entry(number).or_insert(newest);
        *known = newest.max(*known);
        Ok(places)
    }

    /// Makes all files durable and begins a new one; gives its number. All files before it may be trusted.
    pub fn cut(&self) -> io::Result<u32> {
        let mut writer = lock(&self.writer);
        writer.put_away();
        while let Some((number, file)) = writer.unsynced.pop() {
            if let Err(error) = file.sync() {
                writer.doubtful.insert(number);
                return Err(error);
            }
        }
        if !writer.doubtful.is_empty() {
            return Err(io::Error::other("chunk files were not made durable and are to be written again"));
        }
        if !writer.last_at.is_empty() {
            self.disk.sync_dir(DIR)?;
        }
        Ok(writer.next)
    }

    /// Files whose chunks must be written again.
    pub fn take_doubtful(&self) -> BTreeSet<u32> {
        std::mem::take(&mut lock(&self.writer).doubtful)
    }

    /// Removes files whose last sample is before the time. Files of the current run stay until they are cut.
    pub fn drop_before(&self, floor: i64) -> io::Result<u64> {
        let mut writer = lock(&self.writer);
        let current = writer.current.as_ref().map(|(number, _, _)| *number);
        // From the front only: Prometheus refuses numbers with holes.
        let old: Vec<u32> = writer
            .last_at
            .iter()
            .take_while(|(number, last)| **last < floor && Some(**number) != current)
            .map(|(number, _)| *number)
            .collect();
        for number in &old {
            self.disk.remove(&file_path(*number))?;
            writer.last_at.remove(number);
            write(&self.readers).remove(number);
        }
        Ok(old.len() as u64)
    }

    /// The bytes of a chunk; `None` when its file is gone.
    pub fn read(&self, file: u32, offset: u32) -> Result<Option<Vec<u8>>, String> {
        let Some(reader) = read(&self.readers).get(&file).cloned() else { return Ok(None) };
        let mut bytes = vec![0; READ_BYTES];
        let got = reader.read_at(u64::from(offset), &mut bytes).map_err(|error| error.to_string())?;
        bytes.truncate(got);
        let frame = Frame::of(&bytes).ok_or("cut short")?;
        if frame.total > bytes.len() {
            bytes.resize(frame.total, 0);
            let got = reader.read_at(u64::from(offset), &mut bytes).map_err(|error| error.to_string())?;
            bytes.truncate(got);
        }
        frame.check(&bytes)?;
        bytes.truncate(frame.data + frame.length);
        bytes.drain(..frame.data);
        Ok(Some(bytes))
    }
}

impl ChunkFiles {
    /// Bytes of a chunk's data; 0 when it can not be read.
    pub fn length(&self, file: u32, offset: u32) -> u64 {
        let Some(reader) = read(&self.readers).get(&file).cloned() else { return 0 };
        let mut start = [0; META_BYTES + 10];
        let got = reader.read_at(u64::from(offset), &mut start).unwrap_or(0);
        Frame::of(&start[..got]).map_or(0, |frame| frame.length as u64)
    }
}

impl Writer {
    fn put_away(&mut self) {
        if let Some((number, file, _)) = self.current.take() {
            self.unsynced.push((number, file));
        }
    }
}

/// Where things are in the bytes of one chunk.
struct Frame {
    data: usize,
    length: usize,
    total: usize,
}

impl Frame {
    fn of(bytes: &[u8]) -> Option<Frame> {
        let mut rest = bytes.get(META_BYTES..)?;
        let before = rest.len();
        let length = take_uvarint(&mut rest).filter(|length| *length <= CHUNK_BYTES_MAX)? as usize;
        let data = META_BYTES + before - rest.len();
        Some(Frame { data, length, total: data + length + 4 })
    }

    fn check(&self, bytes: &[u8]) -> Result<(), String> {
        let end = self.data + self.length;
        let (Some(body), Some(crc)) = (bytes.get(..end), bytes.get(end..self.total)) else { return Err("cut short".into()) };
        if crc != crc32c(body).to_be_bytes() {
            return Err("checksum does not match".into());
        }
        if bytes[META_BYTES - 1] != ENCODING_XOR {
            return Err(format!("encoding {} is not supported", bytes[META_BYTES - 1]));
        }
        Ok(())
    }
}

struct BadChunk {
    what: String,
    /// Length of the chunk, when it can be known.
    skip: Option<u64>,
}

fn read_chunk(reader: &dyn ReadFile, offset: u64) -> Result<(Found, u64), BadChunk> {
    let bad = |what: String| BadChunk { what, skip: None };
    let mut bytes = vec![0; READ_BYTES];
    let got = reader.read_at(offset, &mut bytes).map_err(|error| bad(error.to_string()))?;
    bytes.truncate(got);
    let zeros = bytes.iter().all(|byte| *byte == 0);
    if zeros {
        return Ok((Found { id: 0, first_at: 0, last_at: 0, offset: 0, bytes: 0 }, 0));
    }
    let frame = Frame::of(&bytes).ok_or_else(|| bad("cut short or damaged".into()))?;
    if frame.total > bytes.len() {
        bytes.resize(frame.total, 0);
        let got = reader.read_at(offset, &mut bytes).map_err(|error| bad(error.to_string()))?;
        bytes.truncate(got);
    }
    let total = frame.total as u64;
    frame.check(&bytes).map_err(|what| BadChunk { what, skip: (bytes.len() >= frame.total).then_some(total) })?;
    let mut rest = &bytes[..];
    let number = |rest: &mut &[u8]| take_u64(rest).unwrap_or(0);
    let (id, first_at, last_at) = (number(&mut rest), number(&mut rest) as i64, number(&mut rest) as i64);
    let offset = u32::try_from(offset).map_err(|_| bad("file is larger than 4 GiB".into()))?;
    Ok((Found { id, first_at, last_at, offset, bytes: frame.length as u32 }, total))
}
