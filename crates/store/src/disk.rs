//! The only seam to the file system. Paths are relative, with `/`: `wal/00000000`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub trait Disk: Send + Sync {
    /// Names in a directory, in no order. A directory that does not exist has none.
    fn list(&self, dir: &str) -> io::Result<Vec<String>>;
    fn open(&self, path: &str) -> io::Result<Arc<dyn ReadFile>>;
    /// A new, empty file to append to; makes the directories above it.
    fn create(&self, path: &str) -> io::Result<Arc<dyn LogFile>>;
    /// An existing file, to append to or to cut.
    fn reopen(&self, path: &str) -> io::Result<Arc<dyn LogFile>>;
    /// Of a file or a directory; replaces a file that has the new name.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// A file, or a directory with all that is in it. Not an error when there is none.
    fn remove(&self, path: &str) -> io::Result<()>;
    /// Makes names that were created, renamed or removed in the directory durable.
    fn sync_dir(&self, dir: &str) -> io::Result<()>;
    /// Held as long as the store is open; an error of kind `WouldBlock` when another process has it.
    fn lock(&self) -> io::Result<Box<dyn Send + Sync>>;
}

pub trait LogFile: Send + Sync {
    /// All bytes, at the end. After an error any prefix of them may have been written.
    fn append(&self, bytes: &[u8]) -> io::Result<()>;
    /// `fdatasync`. After an error nothing is known of what was appended since the last success; do not try again on this file.
    fn sync(&self) -> io::Result<()>;
    fn truncate(&self, length_bytes: u64) -> io::Result<()>;
}

pub trait ReadFile: Send + Sync {
    fn size_bytes(&self) -> io::Result<u64>;
    /// As many bytes as there are, up to the length of `out`.
    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<usize>;
}

/// A directory of the operating system.
pub struct OsDisk {
    root: PathBuf,
}

impl OsDisk {
    pub fn new(root: impl AsRef<Path>) -> OsDisk {
        OsDisk { root: root.as_ref().to_path_buf() }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }
}

impl Disk for OsDisk {
    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(self.path(dir)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut names = Vec::new();
        for entry in entries {
            // A name that is not UTF-8 is none of ours.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn open(&self, path: &str) -> io::Result<Arc<dyn ReadFile>> {
        Ok(Arc::new(File::open(self.path(path))?))
    }

    fn create(&self, path: &str) -> io::Result<Arc<dyn LogFile>> {
        let path = self.path(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        // Truncated by `set_len`: append mode and `truncate` exclude each other.
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        file.set_len(0)?;
        Ok(Arc::new(file))
    }

    fn reopen(&self, path: &str) -> io::Result<Arc<dyn LogFile>> {
        Ok(Arc::new(OpenOptions::new().append(true).open(self.path(path))?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let path = self.path(path);
        let removed = match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => fs::remove_dir_all(&path),
            Ok(_) => fs::remove_file(&path),
            Err(error) => Err(error),
        };
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        File::open(self.path(dir))?.sync_all()
    }

    fn lock(&self) -> io::Result<Box<dyn Send + Sync>> {
        fs::create_dir_all(&self.root)?;
        let file = OpenOptions::new().create(true).append(true).open(self.path("lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Box::new(file)),
            Err(fs::TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }
}

impl LogFile for File {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        (&*self).write_all(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn truncate(&self, length_bytes: u64) -> io::Result<()> {
        self.set_len(length_bytes)
    }
}

impl ReadFile for File {
    fn size_bytes(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while done < out.len() {
            match FileExt::read_at(self, &mut out[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(read) => done += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }
}
