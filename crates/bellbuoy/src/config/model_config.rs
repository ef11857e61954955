//! An entry of `models:` in bellbuoy.yml, checked: what the model itself needs (`ModelSettings`) and where its rows come from and stay.
//!
//! In:    what `config/models` has read. Out: plain settings for `models/` of the boat.
//! Never: holds a row or a password: addresses of databases are `Secret`.

use std::fmt;
use std::path::PathBuf;

use bellbuoy_models::ModelSettings;
use bellbuoy_vocabulary::{Millis, Problem, Secret, Span};

#[derive(Clone, Debug, PartialEq)]
pub struct ModelConfig {
    pub settings: ModelSettings,
    pub reference: ReferenceConfig,
    /// Predictions and true values that are fetched, beside those that are posted.
    pub sources: Vec<SourceConfig>,
    pub retention: RetentionSettings,
    pub places: Places,
}

/// What the model is compared with.
#[derive(Clone, Debug, PartialEq)]
pub struct ReferenceConfig {
    pub from: ReferenceFrom,
    pub columns: ColumnRoles,
    /// Another number when its files are others; 0 before they were looked at.
    pub stamp: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ReferenceFrom {
    /// A table or a profile, found out by its content; or a folder of tables. Resolved against the folder of bellbuoy.yml.
    Path(PathBuf),
    Sql {
        connection: PostgresConnection,
        select: Select,
        timeout: Millis,
    },
    /// The first predictions of the champion: those of this time, or so many, or whichever comes first.
    First {
        span: Option<Millis>,
        rows: Option<usize>,
    },
}

/// Which column is what. What is `None` is found by its usual name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ColumnRoles {
    pub id: Option<String>,
    pub time: Option<String>,
    pub prediction: Option<String>,
    /// Class and column.
    pub probabilities: Vec<(String, String)>,
    /// Of the positive class, where one column says both.
    pub probability: Option<String>,
    /// The true value.
    pub value: Option<String>,
    pub role: Option<String>,
    /// Feature and column, where they differ.
    pub features: Vec<(String, String)>,
}

/// Rows that are fetched.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceConfig {
    pub gives: Gives,
    pub from: SourceFrom,
    pub columns: ColumnRoles,
    /// The role of rows that name none.
    pub role: Option<String>,
    pub poll: Millis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    Predictions,
    Labels,
}

#[derive(Clone, Debug, PartialEq)]
pub enum SourceFrom {
    Folder {
        path: PathBuf,
        /// `None`: every file whose name ends as one of the known formats.
        format: Option<FileFormat>,
        /// A file is read when it has not changed for so long.
        quiet: Millis,
    },
    Postgres {
        connection: PostgresConnection,
        select: Select,
        /// The column that rises with new and changed rows.
        updated: String,
        /// So much before the newest row seen is read again: transactions end in another order than they begin.
        overlap: Millis,
        batch_rows: usize,
        timeout: Millis,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    Parquet,
    Csv,
    JsonLines,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Select {
    /// `name` or `schema.name`.
    Table(String),
    Query(String),
}

#[derive(Clone, Debug, PartialEq)]
pub struct PostgresConnection {
    pub address: PostgresAddress,
    pub tls: PostgresTls,
}

#[derive(Clone, Debug, PartialEq)]
pub enum PostgresAddress {
    /// `postgres://user:password@host/database`.
    Url(Secret),
    Parts {
        host: String,
        port: u16,
        database: String,
        user: String,
        password: Option<Secret>,
    },
}

/// The words are those of `sslmode`.
#[derive(Clone, Debug, PartialEq)]
pub struct PostgresTls {
    pub mode: TlsMode,
    /// PEM; `None`: the authorities that the system trusts.
    pub ca: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    Disable,
    /// Encrypted when the server can; its certificate is not checked.
    Prefer,
    /// Encrypted; its certificate is not checked.
    Require,
    /// Encrypted, and the certificate is of this host and signed by a known authority.
    VerifyFull,
}

/// How long rows stay on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionSettings {
    pub age: Millis,
    /// The oldest days go above this; 0 is no limit.
    pub size_bytes: u64,
}

impl ModelConfig {
    /// Whether a running model can go on with these settings. Where rows are fetched, and by which password, is no part of it.
    pub fn is_same_model(&self, other: &ModelConfig) -> bool {
        // Secrets print alike.
        let reference = |config: &ModelConfig| format!("{:?}", config.reference);
        self.settings == other.settings && self.retention == other.retention && reference(self) == reference(other)
    }
}

impl Default for RetentionSettings {
    fn default() -> RetentionSettings {
        RetentionSettings { age: Millis(90 * 86_400_000), size_bytes: 10 << 30 }
    }
}

impl ReferenceConfig {
    pub fn path(path: PathBuf) -> ReferenceConfig {
        ReferenceConfig { from: ReferenceFrom::Path(path), columns: ColumnRoles::default(), stamp: 0 }
    }
}

impl FileFormat {
    pub const ALL: [FileFormat; 3] = [FileFormat::Parquet, FileFormat::Csv, FileFormat::JsonLines];

    pub fn word(self) -> &'static str {
        match self {
            FileFormat::Parquet => "parquet",
            FileFormat::Csv => "csv",
            FileFormat::JsonLines => "jsonl",
        }
    }
}

impl TlsMode {
    pub const ALL: [TlsMode; 4] = [TlsMode::Disable, TlsMode::Prefer, TlsMode::Require, TlsMode::VerifyFull];

    pub fn word(self) -> &'static str {
        match self {
            TlsMode::Disable => "disable",
            TlsMode::Prefer => "prefer",
            TlsMode::Require => "require",
            TlsMode::VerifyFull => "verify-full",
        }
    }
}

/// Where names stand in bellbuoy.yml, for what is found out only beside the reference. Two models that differ in nothing else are equal.
#[derive(Clone, Default)]
pub struct Places {
    /// As problems name it.
    pub file: String,
    named: Vec<(Place, String, Span)>,
}

/// What a name in bellbuoy.yml names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Model,
    Reference,
    /// A column of the reference by its role: the name is the role's.
    Column,
    Target,
    Class,
    Feature,
    Segment,
    Test,
    TimeColumn,
    Detector,
    /// A feature whose drift a rule looks at.
    Rule,
    /// A series alias.
    Metric,
}

impl Places {
    /// Of the model that begins at `span`.
    pub fn new(file: &str, span: Span) -> Places {
        Places { file: file.to_owned(), named: vec![(Place::Model, String::new(), span)] }
    }

    pub fn add(&mut self, place: Place, name: impl Into<String>, span: Span) {
        self.named.push((place, name.into(), span));
    }

    /// Where the name stands; else where the model begins.
    pub fn span(&self, place: Place, name: &str) -> Span {
        let found =
            |place, name: &str| self.named.iter().find(|(known, other, _)| *known == place && other == name).map(|(.., span)| *span);
        found(place, name).or_else(|| found(Place::Model, "")).unwrap_or_default()
    }

    pub fn says(&self, place: Place, name: &str) -> bool {
        self.named.iter().any(|(known, other, _)| *known == place && other == name)
    }

    pub fn error(&self, place: Place, name: &str, message: impl Into<String>) -> Problem {
        Problem::error(&self.file, self.span(place, name), message)
    }

    pub fn warning(&self, place: Place, name: &str, message: impl Into<String>) -> Problem {
        Problem::warning(&self.file, self.span(place, name), message)
    }
}

impl PartialEq for Places {
    fn eq(&self, _: &Places) -> bool {
        true
    }
}

impl fmt::Debug for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Places")
    }
}
