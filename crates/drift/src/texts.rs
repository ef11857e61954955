//! A column of texts: each different text once, and a small code per row. A million rows of four words are four megabytes.

use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;

/// The code of a missing cell.
pub const MISSING: u32 = u32::MAX;

/// Different texts by their code, 0 and up. None is empty.
#[derive(Clone, Debug, Default)]
pub struct Dictionary {
    text: String,
    ends: Vec<usize>,
}

/// A cell per row: a text, or missing. Two are equal when their cells are, whatever the codes.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    dictionary: Arc<Dictionary>,
    codes: Vec<u32>,
}

/// Builds `Texts` row by row.
#[derive(Clone, Debug, Default)]
pub struct TextsBuilder {
    dictionary: Dictionary,
    known: HashTable<u32>,
    hasher: DefaultHashBuilder,
    codes: Vec<u32>,
}

impl Dictionary {
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// `None` for `MISSING` and for codes that it does not have.
    pub fn get(&self, code: u32) -> Option<&str> {
        let end = *self.ends.get(code as usize)?;
        let start = if code == 0 { 0 } else { self.ends[code as usize - 1] };
        Some(&self.text[start..end])
    }

    /// In the order of the codes.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.ends.iter().scan(0, |start, end| Some(&self.text[std::mem::replace(start, *end)..*end]))
    }

    /// Bytes of all texts.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }
}

impl Texts {
    /// From codes of a dictionary that was made before; a code that it does not have is a missing cell.
    pub fn of_codes(dictionary: Arc<Dictionary>, mut codes: Vec<u32>) -> Texts {
        let known = dictionary.len();
        for code in codes.iter_mut().filter(|code| **code as usize >= known) {
            *code = MISSING;
        }
        Texts { dictionary, codes }
    }

    pub fn len(&self) -> usize {
        self.codes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// The text of a row. `None`: missing, or there is no such row.
    pub fn get(&self, row: usize) -> Option<&str> {
        self.dictionary.get(*self.codes.get(row)?)
    }

    /// Row by row, `None` for a missing cell.
    pub fn iter(&self) -> impl Iterator<Item = Option<&str>> {
        self.codes.iter().map(|code| self.dictionary.get(*code))
    }

    /// The cells that are there, row by row.
    pub fn present(&self) -> impl Iterator<Item = &str> {
        self.iter().flatten()
    }

    pub fn missing(&self) -> usize {
        self.codes.iter().filter(|code| **code == MISSING).count()
    }

    /// One per row; `MISSING` or a code of `dictionary`.
    pub fn codes(&self) -> &[u32] {
        &self.codes
    }

    /// Can have texts that no row has.
    pub fn dictionary(&self) -> &Arc<Dictionary> {
        &self.dictionary
    }

    /// Rows per code.
    pub fn counts(&self) -> Vec<u64> {
        let mut rows = vec![0; self.dictionary.len()];
        for code in &self.codes {
            if let Some(rows) = rows.get_mut(*code as usize) {
                *rows += 1;
            }
        }
        rows
    }

    /// Different texts that some row has, with their rows, in the order of the codes.
    pub fn counted(&self) -> Vec<(&str, u64)> {
        self.dictionary.iter().zip(self.counts()).filter(|(_, rows)| *rows > 0).collect()
    }

    /// The chosen rows in that order; rows that do not exist are left out. The dictionary is shared.
    pub fn select(&self, rows: &[usize]) -> Texts {
        let codes = rows.iter().filter_map(|row| self.codes.get(*row).copied()).collect();
        Texts { dictionary: self.dictionary.clone(), codes }
    }
}

/// An empty text is a missing cell.
impl<'a> FromIterator<&'a str> for Texts {
    fn from_iter<I: IntoIterator<Item = &'a str>>(cells: I) -> Texts {
        let mut builder = TextsBuilder::default();
        for cell in cells {
            builder.push(cell);
        }
        builder.finish()
    }
}

impl PartialEq for Texts {
    fn eq(&self, other: &Texts) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl TextsBuilder {
    /// The next row; an empty text is a missing cell.
    pub fn push(&mut self, text: &str) {
        let code = self.code(text);
        self.codes.push(code);
    }

    pub fn push_missing(&mut self) {
        self.codes.push(MISSING);
    }

    /// The next row by a code that `code` gave; one that it never gave is a missing cell.
    pub fn push_code(&mut self, code: u32) {
        self.codes.push(if (code as usize) < self.dictionary.len() { code } else { MISSING });
    }

    /// The code of a text, new or old; `MISSING` for an empty one.
    pub fn code(&mut self, text: &str) -> u32 {
        if text.is_empty() {
            return MISSING;
        }
        let hash = self.hasher.hash_one(text);
        let dictionary = &self.dictionary;
        if let Some(code) = self.known.find(hash, |code| dictionary.get(*code) == Some(text)) {
            return *code;
        }
        let code = self.dictionary.ends.len() as u32;
        assert!(code != MISSING, "more than four thousand million different texts in one column");
        self.dictionary.text.push_str(text);
        self.dictionary.ends.push(self.dictionary.text.len());
        let (dictionary, hasher) = (&self.dictionary, &self.hasher);
        self.known.insert_unique(hash, code, |code| hasher.hash_one(dictionary.get(*code).unwrap_or_default()));
        code
    }

    /// The rows of another column after these.
    pub fn append(&mut self, other: &Texts) {
        let codes: Vec<u32> = other.dictionary.iter().map(|text| self.code(text)).collect();
        self.codes.extend(other.codes.iter().map(|code| codes.get(*code as usize).copied().unwrap_or(MISSING)));
    }

    pub fn len(&self) -> usize {
        self.codes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    pub fn dictionary(&self) -> &Dictionary {
        &self.dictionary
    }

    pub fn finish(mut self) -> Texts {
        self.codes.shrink_to_fit();
        Texts { dictionary: Arc::new(self.dictionary), codes: self.codes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_is_kept_once() {
        let texts: Texts = ["été", "b", "", "été", "b", "c"].into_iter().collect();
        assert_eq!(texts.codes(), [0, 1, MISSING, 0, 1, 2]);
        assert_eq!((texts.get(0), texts.get(2), texts.get(9), texts.missing()), (Some("été"), None, None, 1));
        assert_eq!(texts.counted(), [("été", 2), ("b", 2), ("c", 1)]);
        assert_eq!(texts.dictionary().iter().collect::<Vec<_>>(), ["été", "b", "c"]);
        let few = texts.select(&[5, 2, 77, 1]);
        assert_eq!(few.iter().collect::<Vec<_>>(), [Some("c"), None, Some("b")]);
        assert_eq!(few, ["c", "", "b"].into_iter().collect());
        assert_ne!(few, ["c", "b", "b"].into_iter().collect());
        assert_eq!(few.counted(), [("b", 1), ("c", 1)]);
    }

    #[test]
    fn codes_of_one_dictionary_move_to_another() {
        let mut builder = TextsBuilder::default();
        builder.push("x");
        builder.push_missing();
        builder.append(&["y", "", "x"].into_iter().collect());
        let code = builder.code("z");
        builder.push_code(code);
        builder.push_code(99);
        let texts = builder.finish();
        assert_eq!(texts, ["x", "", "y", "", "x", "z", ""].into_iter().collect());
        assert_eq!(Texts::of_codes(texts.dictionary().clone(), vec![2, 3, MISSING]), ["z", "", ""].into_iter().collect());
    }

    #[test]
    fn many_different_texts() {
        let cells: Vec<String> = (0..50_000).map(|i| format!("c{}", i % 30_000)).collect();
        let texts: Texts = cells.iter().map(String::as_str).collect();
        assert_eq!(texts.dictionary().len(), 30_000);
        assert!(cells.iter().zip(texts.iter()).all(|(cell, text)| Some(cell.as_str()) == text));
    }
}
