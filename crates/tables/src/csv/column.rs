//! A CSV column while it grows: whole numbers, then numbers, then texts, as `Values::from_cells` has them.

use bellbuoy_drift::{Column, Texts, TextsBuilder, Values, is_missing_text};

use super::bool_spelling;

/// A column below the header.
pub(crate) struct Growing {
    name: String,
    cells: Cells,
    /// Cells that are not missing, whatever the type, while they are numbers.
    present: usize,
    /// What made numbers a text, and on which line.
    broken: Option<(String, u64)>,
}

/// Of a cell in a note.
const SHOWN_CHARS: usize = 40;

enum Cells {
    /// Nobody asked for it.
    Skipped,
    Integers(Vec<i64>),
    Numbers(Vec<f64>),
    Texts(TextsBuilder),
    /// It was numbers so far; to be read again.
    TextAfterAll,
}

impl Growing {
    pub fn new(name: String, wanted: bool) -> Growing {
        Growing { name, cells: if wanted { Cells::Integers(Vec::new()) } else { Cells::Skipped }, present: 0, broken: None }
    }

    /// The same column for a second pass as texts.
    pub fn again(&self) -> Growing {
        Growing { name: self.name.clone(), cells: Cells::Texts(TextsBuilder::default()), present: 0, broken: self.broken.clone() }
    }

    pub fn skipped(&self) -> Growing {
        Growing::new(self.name.clone(), false)
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn is_text_after_all(&self) -> bool {
        matches!(self.cells, Cells::TextAfterAll)
    }

    pub fn push(&mut self, cell: &str, line: u64) {
        match &mut self.cells {
            Cells::Skipped | Cells::TextAfterAll => {}
            Cells::Texts(cells) if is_missing_text(cell) => cells.push_missing(),
            Cells::Texts(cells) => cells.push(cell),
            Cells::Integers(cells) => match integer(cell) {
                Some(number) => cells.push(number),
                None => {
                    self.present = cells.len();
                    self.cells = Cells::Numbers(std::mem::take(cells).into_iter().map(|cell| cell as f64).collect());
                    self.push(cell, line);
                }
            },
            Cells::Numbers(cells) => match number(cell) {
                Some(number) => {
                    // A blank cell is missing among numbers and a text among texts.
                    self.present += usize::from(!number.is_nan() || !is_missing_text(cell));
                    cells.push(number);
                }
                None if self.present == 0 => {
                    let mut texts = TextsBuilder::default();
                    cells.iter().for_each(|_| texts.push_missing());
                    texts.push(cell);
                    self.cells = Cells::Texts(texts);
                }
                None => {
                    self.broken = Some((cell.chars().take(SHOWN_CHARS).collect(), line));
                    self.cells = Cells::TextAfterAll;
                }
            },
        }
    }

    /// The column, and what is to be said of how it was taken.
    pub fn finish(self, separator: u8) -> Option<(Column, Option<String>)> {
        let name = self.name;
        let mut note = self.broken.map(|(cell, line)| format!("column {name:?} is taken for texts: {cell:?} on line {line} is no number"));
        let values = match self.cells {
            Cells::Skipped | Cells::TextAfterAll => return None,
            Cells::Integers(cells) if cells.is_empty() => Values::Numbers(Vec::new()),
            Cells::Integers(mut cells) => {
                cells.shrink_to_fit();
                Values::Integers(cells)
            }
            Cells::Numbers(mut cells) => {
                cells.shrink_to_fit();
                Values::Numbers(cells)
            }
            Cells::Texts(cells) => {
                let texts = cells.finish();
                let numbers = if separator == b',' { None } else { with_decimal_comma(&texts) };
                if let Some(numbers) = numbers {
                    note = Some(format!("column {name:?} is taken for numbers with a decimal comma"));
                    Values::Numbers(numbers)
                } else if let Some(spelling) = bool_spelling(texts.dictionary().iter()) {
                    Values::texts(texts.iter().map(|text| text.and_then(|text| spelling.get(text)).copied().unwrap_or_default()))
                } else {
                    Values::Categories(texts)
                }
            }
        };
        Some((Column::new(name, values), note))
    }
}

/// Numbers, when each text is `1,5`, `-0,25` or `2`, and one of them has a comma.
fn with_decimal_comma(texts: &Texts) -> Option<Vec<f64>> {
    let mut commas = false;
    let mut known = Vec::with_capacity(texts.dictionary().len());
    for text in texts.dictionary().iter() {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let text = text.trim();
        let plain = text.strip_prefix('-').unwrap_or(text);
        match plain.split_once(',') {
            Some((whole, part)) if digits(whole) && digits(part) => commas = true,
            None if digits(plain) => {}
            _ => return None,
        }
        known.push(text.replacen(',', ".", 1).parse().ok()?);
    }
    // A missing cell has a code of its own.
    let number = |code: &u32| known.get(*code as usize).copied().unwrap_or(f64::NAN);
    commas.then(|| texts.codes().iter().map(number).collect())
}

/// A whole number as `str::parse` reads it, with a short way for those of up to 18 digits.
fn integer(cell: &str) -> Option<i64> {
    let bytes = cell.as_bytes();
    let (negative, digits) = match bytes {
        [b'-', digits @ ..] => (true, digits),
        _ => (false, bytes),
    };
    if digits.is_empty() || digits.len() > 18 {
        return cell.trim().parse().ok();
    }
    let mut value = 0i64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            // A point is the usual end; a sign or a blank is for the long way.
            return if *byte == b'.' { None } else { cell.trim().parse().ok() };
        }
        value = value * 10 + i64::from(digit);
    }
    Some(if negative { -value } else { value })
}

/// A number, NaN for the spellings of a missing cell; negative zero is zero, as it is among whole numbers. `None`: it is a text.
fn number(cell: &str) -> Option<f64> {
    // Most cells are numbers: whether one is missing is asked of the others only. But NaN itself is a spelling of missing.
    let trimmed = cell.trim();
    match trimmed.parse::<f64>() {
        Ok(number) => Some(number + 0.0),
        Err(_) if is_missing_text(trimmed) => Some(f64::NAN),
        Err(_) => None,
    }
}
