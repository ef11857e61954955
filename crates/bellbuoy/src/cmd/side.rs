//! One of the tables that a command compares: a file of rows, or a profile that `bellbuoy profile` saved. Told apart by content.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};
use bellbuoy_drift::{Column, Options, TableProfile};
use bellbuoy_tables::ReadOptions;

use crate::cmd::input;

/// A profile of a thousand columns has about 20 MB.
const PROFILE_BYTES_MAX: u64 = 512 << 20;
const HEAD_BYTES: u64 = 256;

pub enum Side {
    Rows(Vec<Column>),
    Profile(TableProfile),
}

impl Side {
    /// The error names the file and, where there is one, line or column. Beside it, what the reader left out.
    pub fn read(path: &Path, options: &ReadOptions) -> anyhow::Result<(Side, Vec<String>)> {
        if !is_profile(path) {
            let table = input::read(path, options)?;
            return Ok((Side::Rows(table.columns), table.notes));
        }
        let name = path.display();
        let file = File::open(path).with_context(|| format!("{name}"))?;
        let bytes = file.metadata().with_context(|| format!("{name}"))?.len();
        if bytes > PROFILE_BYTES_MAX {
            bail!("{name}: a profile of {bytes} bytes is larger than the limit of {PROFILE_BYTES_MAX}");
        }
        let profile: TableProfile = match serde_json::from_reader(std::io::BufReader::new(file)) {
            Ok(profile) => profile,
            Err(error) => bail!("{name}: the profile cannot be read: {error}; make it again with `bellbuoy profile`"),
        };
        match profile.check() {
            Ok(()) => Ok((Side::Profile(profile), Vec::new())),
            Err(error) => bail!("{name}: {error}"),
        }
    }

    /// Its profile; with the kinds of `like` when there is one.
    pub fn profile(&self, options: &Options, like: Option<&TableProfile>) -> TableProfile {
        match (self, like) {
            (Side::Profile(profile), _) => profile.clone(),
            (Side::Rows(columns), Some(like)) => like.alike(columns),
            (Side::Rows(columns), None) => TableProfile::new(columns, options),
        }
    }
}

/// A profile begins with its format and its rows; no table does.
pub fn is_profile(path: &Path) -> bool {
    let mut head = Vec::new();
    if !path.is_file() || File::open(path).and_then(|file| file.take(HEAD_BYTES).read_to_end(&mut head)).is_err() {
        return false;
    }
    let text: String = String::from_utf8_lossy(&head).chars().filter(|character| !character.is_whitespace()).collect();
    let rest = text.strip_prefix("{\"format\":").map(|rest| rest.trim_start_matches(|character: char| character.is_ascii_digit()));
    rest.is_some_and(|rest| rest.starts_with(",\"rows\":"))
}
