//! One of the tables that a command compares: a file of rows, or a profile that `bellbuoy profile` saved. Told apart by content.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use bellbuoy_drift::{Column, Options, TableProfile};

use crate::table::read_columns;

/// A profile of a thousand columns has about 20 MB.
const PROFILE_BYTES_MAX: u64 = 512 << 20;
const HEAD_BYTES: u64 = 256;

pub enum Side {
    Rows(Vec<Column>),
    Profile(TableProfile),
}

impl Side {
    /// The error names the file and, where there is one, line or column.
    pub fn read(path: &Path) -> Result<Side, String> {
        if !is_profile(path) {
            return read_columns(path).map(Side::Rows);
        }
        let name = path.display();
        let file = File::open(path).map_err(|error| format!("{name}: {error}"))?;
        let bytes = file.metadata().map_err(|error| format!("{name}: {error}"))?.len();
        if bytes > PROFILE_BYTES_MAX {
            return Err(format!("{name}: a profile of {bytes} bytes is larger than the limit of {PROFILE_BYTES_MAX}"));
        }
        let profile: TableProfile = serde_json::from_reader(std::io::BufReader::new(file))
            .map_err(|error| format!("{name}: the profile cannot be read: {error}; make it again with `bellbuoy profile`"))?;
        profile.check().map_err(|error| format!("{name}: {error}"))?;
        Ok(Side::Profile(profile))
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
fn is_profile(path: &Path) -> bool {
    let mut head = Vec::new();
    if !path.is_file() || File::open(path).and_then(|file| file.take(HEAD_BYTES).read_to_end(&mut head)).is_err() {
        return false;
    }
    let text: String = String::from_utf8_lossy(&head).chars().filter(|character| !character.is_whitespace()).collect();
    let rest = text.strip_prefix("{\"format\":").map(|rest| rest.trim_start_matches(|character: char| character.is_ascii_digit()));
    rest.is_some_and(|rest| rest.starts_with(",\"rows\":"))
}
