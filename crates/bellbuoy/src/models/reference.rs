//! What a model is compared with: read once when the settings are loaded, and held against what bellbuoy.yml says.
//!
//! In:    models as the settings have them; files, folders, profiles and query results. Out: problems at their places in bellbuoy.yml,
//!        what the settings leave to the reference (features, classes), and the reference itself for whoever makes the model.
//! Never: reads a reference again that has not changed; keeps one in memory that was taken.
//! Read:  here when it is read; columns.rs which column is what; check.rs what is said of it; answer.rs for when a database is away.

mod answer;
mod check;
mod columns;
mod outline;

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use bellbuoy_drift::{Column, TableProfile};
use bellbuoy_models::{Reference, ReferenceRows};
use bellbuoy_vocabulary::{Millis, Problem};

use crate::config::{ModelConfig, Place, PostgresConnection, ReferenceFrom, Select};
use crate::table::Chosen;
use crate::{postgres, table};

use self::answer::Answers;
use self::outline::Outline;

/// Numbers and texts of a reference: 8 bytes each at most.
const CELLS_MAX: usize = 100_000_000;
const PROFILE_BYTES_MAX: u64 = 256 << 20;
/// Of a query.
const SQL_ROWS_MAX: usize = 5_000_000;
const SQL_BYTES_MAX: usize = 1 << 30;
/// Files of a folder whose changes are looked for.
const FILES_MAX: usize = 10_000;

/// What was read, by where it came from.
#[derive(Default)]
pub struct References {
    read: Mutex<HashMap<String, Arc<Held>>>,
    /// Where answers of databases are kept for a start without them. `None`: nowhere.
    data: Option<PathBuf>,
}

/// Where something came from, as it was then.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Stamp(Vec<(PathBuf, u64, Option<std::time::SystemTime>)>);

struct Held {
    stamp: Stamp,
    outline: Outline,
    /// An answer of another day, as the database was away: it is asked again at the next reload.
    is_old: bool,
    /// Until somebody takes it.
    content: Mutex<Option<Content>>,
}

#[derive(Clone)]
enum Content {
    Table(Vec<Column>),
    Profile(TableProfile),
}

impl References {
    pub fn kept_in(data: &Path) -> References {
        References { data: Some(data.to_owned()), ..References::default() }
    }

    /// Holds the names of the models against their references, and fills in what the settings leave open.
    pub fn settle(&self, models: &mut [ModelConfig]) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut used = Vec::new();
        for model in models.iter_mut() {
            if let ReferenceFrom::First { .. } = model.reference.from {
                problems.extend(check::without_reference(model));
                continue;
            }
            match self.held(model) {
                Ok(held) => {
                    used.push(key(model));
                    model.reference.stamp = held.stamp.number();
                    problems.extend(held.outline.notes.iter().map(|note| model.places.warning(Place::Reference, "", note)));
                    problems.extend(check::against(model, &held.outline));
                }
                Err(reason) => problems.push(model.places.error(Place::Reference, "", reason)),
            }
        }
        self.lock().retain(|key, _| used.contains(key));
        problems
    }

    /// The reference of a model that was settled. Read again when somebody else had it before.
    pub fn take(&self, model: &ModelConfig) -> Result<Reference, String> {
        if let ReferenceFrom::First { span, rows } = &model.reference.from {
            return Ok(Reference::First { span: *span, rows: *rows });
        }
        let held = self.held(model)?;
        // Of a query a copy stays: another model, or another setting, must not need the database again.
        let before = match &model.reference.from {
            ReferenceFrom::Sql { .. } => lock(&held.content).clone(),
            _ => lock(&held.content).take(),
        };
        let content = match before {
            Some(content) => content,
            None => self.read_anew(model)?.content,
        };
        match content {
            Content::Profile(profile) => Ok(Reference::Profile(profile)),
            Content::Table(columns) => rows(model, columns).map(Reference::Rows),
        }
    }

    /// Lets go of what nobody took and what can be read again.
    pub fn release(&self) {
        for held in self.lock().values().filter(|held| !held.stamp.0.is_empty()) {
            lock(&held.content).take();
        }
    }

    fn held(&self, model: &ModelConfig) -> Result<Arc<Held>, String> {
        let (key, stamp) = (key(model), stamp(&model.reference.from));
        let known = self.lock().get(&key).cloned();
        if let Some(held) = known.filter(|held| held.stamp == stamp && !held.is_old) {
            return Ok(held);
        }
        let Read { content, rows, names, notes, is_old } = self.read_anew(model)?;
        let outline = match &content {
            Content::Table(columns) => Outline { rows, names, ..Outline::of_table(columns, notes) },
            Content::Profile(profile) => Outline::of_profile(profile),
        };
        let held = Arc::new(Held { stamp, outline, is_old, content: Mutex::new(Some(content)) });
        self.lock().insert(key, held.clone());
        Ok(held)
    }

    fn read_anew(&self, model: &ModelConfig) -> Result<Read, String> {
        let Some(answers) = self.data.as_deref().map(Answers) else { return read(model) };
        match (read(model), answers.kept(model)) {
            (Err(reason), Some((columns, note))) => Ok(Read { is_old: true, ..table_read(columns, vec![format!("{reason}; {note}")])? }),
            (read, _) => {
                if let Ok(Read { content: Content::Table(columns), .. }) = &read {
                    answers.keep(model, columns);
                }
                read
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Held>>> {
        lock(&self.read)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Stamp {
    /// Differs when a file differs; never 0.
    fn number(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish().max(1)
    }
}

/// A changed query or password is another reference.
fn key(model: &ModelConfig) -> String {
    match &model.reference.from {
        // Two models may need different columns of the same file.
        ReferenceFrom::Path(path) => format!("{}: {:?}", path.display(), columns::needed(model)),
        from => format!("{}: {from:?}", model.settings.name),
    }
}

/// Of a query: nothing. It is asked once while the program runs, so that a reload needs no database; a start has the last answer.
fn stamp(from: &ReferenceFrom) -> Stamp {
    let ReferenceFrom::Path(path) = from else { return Stamp(Vec::new()) };
    let of = |path: PathBuf| {
        let found = std::fs::metadata(&path).ok();
        (path, found.as_ref().map_or(0, |found| found.len()), found.and_then(|found| found.modified().ok()))
    };
    if !path.is_dir() {
        return Stamp(vec![of(path.clone())]);
    }
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path()).take(FILES_MAX).collect();
    files.sort();
    Stamp(files.into_iter().map(of).collect())
}

struct Read {
    content: Content,
    rows: u64,
    /// Of all columns, read or not.
    names: Vec<String>,
    notes: Vec<String>,
    is_old: bool,
}

fn read(model: &ModelConfig) -> Result<Read, String> {
    let (columns, rows, names, notes) = match &model.reference.from {
        ReferenceFrom::Path(path) => match profile(path)? {
            Some(profile) => {
                return Ok(Read { content: Content::Profile(profile), rows: 0, names: Vec::new(), notes: Vec::new(), is_old: false });
            }
            None => {
                let needed = columns::needed(model);
                let wanted = |name: &str| needed.as_ref().is_none_or(|needed| needed.has(name));
                let Chosen { table, names } = table::read_chosen(path, &wanted).map_err(|error| error.to_string())?;
                (table.columns, table.rows, names, table.notes)
            }
        },
        ReferenceFrom::Sql { connection, select, timeout } => {
            return table_read(query(connection, select, *timeout)?, Vec::new());
        }
        ReferenceFrom::First { .. } => return Err("there is nothing to read yet".into()),
    };
    bounded(&columns, rows)?;
    Ok(Read { content: Content::Table(columns), rows: rows as u64, names, notes, is_old: false })
}

/// A table of which every column is wanted.
fn table_read(columns: Vec<Column>, notes: Vec<String>) -> Result<Read, String> {
    let rows = columns.first().map_or(0, |column| column.values.len());
    bounded(&columns, rows)?;
    let names = columns.iter().map(|column| column.name.clone()).collect();
    Ok(Read { content: Content::Table(columns), rows: rows as u64, names, notes, is_old: false })
}

fn bounded(columns: &[Column], rows: usize) -> Result<(), String> {
    let cells: usize = columns.iter().map(|column| column.values.len()).sum();
    if cells > CELLS_MAX {
        return Err(format!(
            "{rows} rows of {} columns are more than the {CELLS_MAX} cells that a reference may have; take fewer rows or columns, or the output of `bellbuoy profile`",
            columns.len()
        ));
    }
    Ok(())
}

/// What `bellbuoy profile` wrote begins with its format; `None` for everything else.
fn profile(path: &Path) -> Result<Option<TableProfile>, String> {
    let name = path.display();
    let say = |error: std::io::Error| format!("{name}: {error}");
    if path.is_dir() {
        return Ok(None);
    }
    let mut file = File::open(path).map_err(say)?;
    let mut head = [0; 64];
    let length = file.read(&mut head).map_err(say)?;
    let head: String = String::from_utf8_lossy(&head[..length]).chars().filter(|c| !c.is_whitespace()).collect();
    if !head.starts_with("{\"format\":") {
        return Ok(None);
    }
    if file.metadata().map_err(say)?.len() > PROFILE_BYTES_MAX {
        return Err(format!("{name}: the profile has more than {PROFILE_BYTES_MAX} bytes"));
    }
    let bytes = std::fs::read(path).map_err(say)?;
    let profile: TableProfile = serde_json::from_slice(&bytes).map_err(|error| format!("{name}: no profile that can be read: {error}"))?;
    profile.check().map_err(|problem| format!("{name}: {problem}"))?;
    Ok(Some(profile))
}

/// As CSV, which is what PostgreSQL writes fastest and what types itself as any other file does.
fn query(connection: &PostgresConnection, select: &Select, timeout: Millis) -> Result<Vec<Column>, String> {
    let (connection, select) = (connection.clone(), select.clone());
    let bytes = postgres::blocking(async move {
        let session = postgres::connect(&connection, timeout).await?;
        session.copy_csv(&select, SQL_ROWS_MAX, SQL_BYTES_MAX).await
    })
    .map_err(|error| format!("the database: {error}"))?;
    table::read_csv_bytes("the answer of the database", bytes)
}

/// The columns by their roles.
fn rows(model: &ModelConfig, table: Vec<Column>) -> Result<ReferenceRows, String> {
    let outline = Outline::of_table(&table, Vec::new());
    let roles = columns::find(model, &outline);
    let column = |name: &Option<String>| name.as_ref().and_then(|name| table.iter().find(|column| column.name == *name));
    let at = column(&roles.time).map(|column| columns::times(&column.values)).transpose()?;
    let answers = columns::answers(model, &roles, &table)?;
    let truths = column(&roles.value).map(|column| columns::truths(&model.settings.kind, column)).transpose()?;
    let used = |name: &str| {
        let settings = &model.settings;
        settings.features.iter().any(|feature| feature.name == name) || settings.segments.iter().any(|segment| segment == name)
    };
    let mut kept = Vec::new();
    for mut column in table {
        if let Some((feature, _)) = model.reference.columns.features.iter().find(|(_, name)| *name == column.name) {
            column.name.clone_from(feature);
        }
        if used(&column.name) {
            kept.push(column);
        }
    }
    Ok(ReferenceRows { columns: kept, at, answers, truths })
}

#[cfg(test)]
mod tests;
