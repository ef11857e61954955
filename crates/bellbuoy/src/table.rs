//! Opens files and folders of rows for `tables`: the reference of a model, the inputs of `bellbuoy drift`, `evaluate` and `profile`.
//!
//! In:    a path. Out: columns in the file's order, typed; an error names file, line and column.
//! Never: looks into the bytes itself. A folder is all its files of one kind, one after the other by name.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Cursor;
use std::path::{Path, PathBuf};

use bellbuoy_drift::Column;
use bellbuoy_tables::{Format, Opened, Progress, ReadOptions, Table, TableError, silent};

/// Endings of the files of one kind; each may be followed by `.gz` or `.zst`.
const KINDS: [&[&str]; 3] = [&[".parquet", ".pq"], &[".csv", ".tsv"], &[".jsonl", ".ndjson", ".json"]];

const NO_FILES: &str = "the folder has no Parquet, CSV or JSON files";

/// Some columns of a table.
pub struct Chosen {
    pub table: Table,
    /// Of all columns, wanted or not, in the file's order.
    pub names: Vec<String>,
}

/// A file that is open, or the files of a folder as one table.
pub fn open_table(path: &Path, options: &ReadOptions, progress: Progress) -> Result<Opened<File>, TableError> {
    let name = path.display().to_string();
    let failed = |error: std::io::Error| TableError::new(&name, error.to_string());
    if fs::metadata(path).map_err(failed)?.is_dir() {
        return read_folder(path, options, progress).map(Opened::Whole);
    }
    bellbuoy_tables::open(&name, File::open(path).map_err(failed)?, options, progress)
}

/// The same, read whole.
pub fn read_table(path: &Path, options: &ReadOptions, progress: Progress) -> Result<Table, TableError> {
    match open_table(path, options, progress)? {
        Opened::Whole(table) => Ok(table),
        Opened::ByColumn(parquet) => parquet.read(progress),
        Opened::Unpacked(parquet) => parquet.read(progress),
    }
}

/// The columns of a file or folder that are wanted. Of a Parquet file the others are not even read.
pub fn read_chosen(path: &Path, wanted: &dyn Fn(&str) -> bool) -> Result<Chosen, TableError> {
    let mut all: Option<Chosen> = None;
    let mut files = vec![path.to_owned()];
    if path.is_dir() {
        files = files_of(path).map_err(|reason| TableError::new(&path.display().to_string(), reason))?;
    }
    for file in &files {
        let chosen = choose(open_table(file, &ReadOptions::default(), &silent)?, wanted)?;
        match &mut all {
            None => all = Some(chosen),
            Some(all) => {
                all.table.append(chosen.table);
                if chosen.names != all.names {
                    let known: HashSet<String> = all.names.iter().cloned().collect();
                    all.names.extend(chosen.names.into_iter().filter(|name| !known.contains(name)));
                }
            }
        }
    }
    all.ok_or_else(|| TableError::new(&path.display().to_string(), NO_FILES))
}

fn choose(opened: Opened<File>, wanted: &dyn Fn(&str) -> bool) -> Result<Chosen, TableError> {
    let (rows, notes) = (opened.rows(), opened.notes().to_vec());
    let names = opened.names();
    let columns = match opened {
        Opened::Whole(table) => table.columns.into_iter().filter(|column| wanted(&column.name)).collect(),
        // One after the other: of a file only what one column takes is in memory beside them.
        ref opened => {
            let mut columns = Vec::new();
            for name in names.iter().filter(|name| wanted(name)) {
                columns.extend(opened.column(name)?);
            }
            columns
        }
    };
    Ok(Chosen { table: Table { columns, rows, notes }, names })
}

/// A table that is in memory already; `name` is what errors call it.
pub fn read_csv_bytes(name: &str, bytes: Vec<u8>) -> Result<Vec<Column>, String> {
    let options =
        ReadOptions { format: Some(Format::Csv), separator: Some(b','), encoding: Some("utf-8".into()), ..ReadOptions::default() };
    let table = bellbuoy_tables::read(name, Cursor::new(bytes), &options, &silent).map_err(|error| error.to_string())?;
    Ok(table.columns)
}

fn read_folder(folder: &Path, options: &ReadOptions, progress: Progress) -> Result<Table, TableError> {
    let name = folder.display().to_string();
    let mut all: Option<Table> = None;
    for file in files_of(folder).map_err(|reason| TableError::new(&name, reason))? {
        let table = read_table(&file, options, progress)?;
        match &mut all {
            None => all = Some(table),
            Some(all) => all.append(table),
        }
    }
    all.ok_or_else(|| TableError::new(&name, NO_FILES))
}

/// The files of rows by name. What begins with `.` or `_` belongs to the tools that wrote them.
fn files_of(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found: [Vec<PathBuf>; KINDS.len()] = Default::default();
    for entry in fs::read_dir(folder).map_err(|error| error.to_string())? {
        let path = entry.map_err(|error| error.to_string())?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let plain = name.strip_suffix(".gz").or(name.strip_suffix(".zst")).unwrap_or(&name);
        let kind = KINDS.iter().position(|endings| endings.iter().any(|ending| plain.ends_with(ending)));
        if let Some(kind) = kind.filter(|_| !name.starts_with(['.', '_']) && path.is_file()) {
            found[kind].push(path);
        }
    }
    found.iter_mut().for_each(|files| files.sort());
    let mut kinds = found.into_iter().filter(|files| !files.is_empty());
    let files = kinds.next().unwrap_or_default();
    if let Some(others) = kinds.next() {
        return Err(format!("the folder has files of two kinds, for example {} and {}", files[0].display(), others[0].display()));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use bellbuoy_drift::Values;

    use super::*;

    fn read_columns(path: &Path) -> Result<Vec<Column>, String> {
        read_chosen(path, &|_| true).map(|chosen| chosen.table.columns).map_err(|error| error.to_string())
    }

    #[test]
    fn a_folder_is_its_files_of_one_kind() {
        let folder = std::env::temp_dir().join(format!("bellbuoy-table-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("temporary folder");
        let write = |name: &str, text: &str| fs::write(folder.join(name), text).expect("temporary file");
        let said = |result: Result<Vec<Column>, String>| result.expect_err("an error").replace(&folder.display().to_string(), "DIR");
        assert_eq!(said(read_columns(&folder)), "DIR: the folder has no Parquet, CSV or JSON files");
        write("b.csv", "a,b\n3,y\n");
        write("a.csv", "b,a\nx,1\n\"y,z\",2\n");
        write("_SUCCESS", "");
        write(".c.csv", "broken");
        let columns = read_columns(&folder).expect("good");
        let expected = [Column::new("b", Values::texts(["x", "y,z", "y"])), Column::new("a", Values::Integers(vec![1, 2, 3]))];
        assert_eq!(columns, expected.clone());
        let some = read_chosen(&folder, &|name| name == "a").expect("good");
        assert_eq!((some.table.columns, some.table.rows), (vec![expected[1].clone()], 3));
        assert_eq!(some.names, ["b", "a"]);
        write("c.csv", "a,b\n1,2\n3\n");
        assert_eq!(said(read_columns(&folder)), "DIR/c.csv:3: 1 cell where the header has 2");
        write("d.jsonl.gz", "");
        assert_eq!(said(read_columns(&folder)), "DIR: the folder has files of two kinds, for example DIR/a.csv and DIR/d.jsonl.gz");
        let _ = fs::remove_dir_all(&folder);
        assert!(read_columns(Path::new("/nowhere/x.csv")).is_err());
    }
}
