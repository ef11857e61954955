//! A disk in memory that can lose power, for tests: it keeps what was synced apart from what was only written,
//! and can let the n-th call fail.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::disk::{Disk, LogFile, ReadFile};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call does nothing and fails.
    Error,
    /// A write writes half of its bytes and fails; another call fails.
    Short,
    /// This call and all later ones fail: the process is dead. A write may have written half of its bytes.
    Crash,
}

#[derive(Clone)]
pub struct CrashDisk(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    /// As the running process sees them.
    names: BTreeMap<String, Arc<Mutex<Node>>>,
    /// Names that a loss of power leaves.
    durable: BTreeMap<String, Arc<Mutex<Node>>>,
    calls: u64,
    fault: Option<(u64, Fault)>,
    dead: bool,
    syncs: u64,
}

#[derive(Clone, Default)]
struct Node {
    bytes: Vec<u8>,
    synced: Vec<u8>,
    /// A sync of this file failed: what was written before counts as lost.
    sync_failed: bool,
}

impl Default for CrashDisk {
    fn default() -> CrashDisk {
        CrashDisk::new()
    }
}

impl CrashDisk {
    pub fn new() -> CrashDisk {
        CrashDisk(Arc::default())
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Calls that change something, so far.
    pub fn calls(&self) -> u64 {
        self.inner().calls
    }

    pub fn syncs(&self) -> u64 {
        self.inner().syncs
    }

    /// Lets the n-th changing call from the beginning fail.
    pub fn fail_call(&self, number: u64, fault: Fault) {
        self.inner().fault = Some((number, fault));
    }

    /// The disk after the process was killed: all that was written is there.
    pub fn after_kill(&self) -> CrashDisk {
        let names = self.inner().names.iter().map(|(name, node)| (name.clone(), copy(node, |node| node.bytes.clone()))).collect();
        CrashDisk::with(names)
    }

    /// The disk after the power went: of what was not synced `kept` of 256 parts are there, the last byte of them damaged.
    pub fn after_power_cut(&self, kept: u8) -> CrashDisk {
        let left = |node: &Node| {
            if !node.bytes.starts_with(&node.synced) || node.sync_failed {
                return node.synced.clone();
            }
            let more = (node.bytes.len() - node.synced.len()) * usize::from(kept) / 256;
            let mut bytes = node.bytes[..node.synced.len() + more].to_vec();
            if more > 0
                && let Some(last) = bytes.last_mut()
            {
                *last ^= 0x55;
            }
            bytes
        };
        let names = self.inner().durable.iter().map(|(name, node)| (name.clone(), copy(node, left))).collect();
        CrashDisk::with(names)
    }

    fn with(names: BTreeMap<String, Arc<Mutex<Node>>>) -> CrashDisk {
        CrashDisk(Arc::new(Mutex::new(Inner { durable: names.clone(), names, ..Inner::default() })))
    }

    /// Paths and contents, for tests that damage them.
    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
        self.inner().names.iter().map(|(name, node)| (name.clone(), hold(node).bytes.clone())).collect()
    }

    pub fn put(&self, path: &str, bytes: Vec<u8>) {
        let node = Arc::new(Mutex::new(Node { synced: bytes.clone(), bytes, sync_failed: false }));
        let mut inner = self.inner();
        inner.durable.insert(path.into(), node.clone());
        inner.names.insert(path.into(), node);
    }

    /// Counts a call and says what is to happen to it.
    fn call(&self) -> Option<Fault> {
        let mut inner = self.inner();
        if inner.dead {
            return Some(Fault::Error);
        }
        inner.calls += 1;
        let fault = inner.fault.filter(|(number, _)| *number == inner.calls).map(|(_, fault)| fault);
        inner.dead |= fault == Some(Fault::Crash);
        fault
    }

    fn change(&self) -> io::Result<MutexGuard<'_, Inner>> {
        match self.call() {
            Some(_) => Err(injected()),
            None => Ok(self.inner()),
        }
    }
}

fn injected() -> io::Error {
    io::Error::other("injected fault")
}

fn hold(node: &Arc<Mutex<Node>>) -> MutexGuard<'_, Node> {
    node.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn copy(node: &Arc<Mutex<Node>>, left: impl Fn(&Node) -> Vec<u8>) -> Arc<Mutex<Node>> {
    let bytes = left(&hold(node));
    Arc::new(Mutex::new(Node { synced: bytes.clone(), bytes, sync_failed: false }))
}

fn below(dir: &str, name: &str) -> bool {
    name.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'))
}

struct Handle {
    disk: CrashDisk,
    node: Arc<Mutex<Node>>,
}

impl Disk for CrashDisk {
    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let inner = self.inner();
        let mut names: Vec<String> = inner
            .names
            .keys()
            .filter_map(|name| name.strip_prefix(dir)?.strip_prefix('/')?.split('/').next().map(str::to_string))
            .collect();
        names.dedup();
        Ok(names)
    }

    fn open(&self, path: &str) -> io::Result<Arc<dyn ReadFile>> {
        let node = self.inner().names.get(path).cloned().ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(Handle { disk: self.clone(), node }))
    }

    fn create(&self, path: &str) -> io::Result<Arc<dyn LogFile>> {
        let node: Arc<Mutex<Node>> = Arc::default();
        self.change()?.names.insert(path.into(), node.clone());
        Ok(Arc::new(Handle { disk: self.clone(), node }))
    }

    fn reopen(&self, path: &str) -> io::Result<Arc<dyn LogFile>> {
        let node = self.inner().names.get(path).cloned().ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(Handle { disk: self.clone(), node }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut inner = self.change()?;
        let moved: Vec<String> = inner.names.keys().filter(|name| *name == from || below(from, name)).cloned().collect();
        if moved.is_empty() {
            return Err(io::ErrorKind::NotFound.into());
        }
        if moved.iter().any(|name| below(from, name)) && inner.names.keys().any(|name| below(to, name)) {
            // Like the operating system: a directory that is not empty is not replaced.
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        for name in moved {
            if let Some(node) = inner.names.remove(&name) {
                inner.names.insert(format!("{to}{}", &name[from.len()..]), node);
            }
        }
        Ok(())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.change()?.names.retain(|name, _| name != path && !below(path, name));
        Ok(())
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        let mut inner = self.change()?;
        inner.durable.retain(|name, _| !below(dir, name));
        let now: Vec<_> =
            inner.names.iter().filter(|(name, _)| below(dir, name)).map(|(name, node)| (name.clone(), node.clone())).collect();
        inner.durable.extend(now);
        Ok(())
    }

    fn lock(&self) -> io::Result<Box<dyn Send + Sync>> {
        Ok(Box::new(()))
    }
}

impl LogFile for Handle {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let fault = self.disk.call();
        let written = match fault {
            None => bytes,
            Some(Fault::Error) => return Err(injected()),
            Some(Fault::Short | Fault::Crash) => &bytes[..bytes.len() / 2],
        };
        hold(&self.node).bytes.extend_from_slice(written);
        if fault.is_some() { Err(injected()) } else { Ok(()) }
    }

    fn sync(&self) -> io::Result<()> {
        if self.disk.call().is_some() {
            hold(&self.node).sync_failed = true;
            return Err(injected());
        }
        self.disk.inner().syncs += 1;
        let mut node = hold(&self.node);
        if !node.sync_failed {
            node.synced = node.bytes.clone();
        }
        Ok(())
    }

    fn truncate(&self, length_bytes: u64) -> io::Result<()> {
        if self.disk.call().is_some() {
            return Err(injected());
        }
        hold(&self.node).bytes.truncate(length_bytes as usize);
        Ok(())
    }
}

impl ReadFile for Handle {
    fn size_bytes(&self) -> io::Result<u64> {
        Ok(hold(&self.node).bytes.len() as u64)
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<usize> {
        let node = hold(&self.node);
        let rest = node.bytes.get(offset as usize..).unwrap_or(&[]);
        let length = rest.len().min(out.len());
        out[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }
}
