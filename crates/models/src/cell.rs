//! Values of features in eight bytes each: numbers as they are, texts as codes, so that a hundred thousand rows fit into memory.

use std::collections::HashMap;
use std::sync::Arc;

use crate::FeatureValue;

/// A number, a text's code, or missing. Texts live in the NaNs that no sender can make: every NaN that comes in is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell(u64);

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum CellValue {
    Number(f64),
    Text(u32),
    Missing,
}

const MISSING: u64 = 0x7ff8_0000_0000_0000;
const TEXT: u64 = 0x7ff9_0000_0000_0000;
const CODE: u64 = 0xffff_ffff;

impl Cell {
    pub(crate) const MISSING: Cell = Cell(MISSING);

    pub(crate) fn number(number: f64) -> Cell {
        if number.is_nan() { Cell::MISSING } else { Cell(number.to_bits()) }
    }

    pub(crate) fn text(code: u32) -> Cell {
        Cell(TEXT | u64::from(code))
    }

    pub(crate) fn value(self) -> CellValue {
        match self.0 {
            MISSING => CellValue::Missing,
            text if text & !CODE == TEXT => CellValue::Text((text & CODE) as u32),
            number => CellValue::Number(f64::from_bits(number)),
        }
    }

    /// NaN when it is no number.
    pub(crate) fn as_number(self) -> f64 {
        if let CellValue::Number(number) = self.value() { number } else { f64::NAN }
    }
}

/// Texts by code, each kept as long as a row has it.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    texts: Vec<Arc<str>>,
    uses: Vec<u32>,
    codes: HashMap<Arc<str>, u32>,
    free: Vec<u32>,
}

impl Texts {
    /// One more use of a text.
    pub(crate) fn take(&mut self, text: &str) -> u32 {
        if let Some(code) = self.codes.get(text).copied() {
            self.uses[code as usize] += 1;
            return code;
        }
        let text: Arc<str> = text.into();
        let code = match self.free.pop() {
            Some(code) => {
                self.texts[code as usize] = text.clone();
                self.uses[code as usize] = 1;
                code
            }
            None => {
                self.texts.push(text.clone());
                self.uses.push(1);
                (self.texts.len() - 1) as u32
            }
        };
        self.codes.insert(text, code);
        code
    }

    /// One use less.
    pub(crate) fn give_back(&mut self, code: u32) {
        let uses = &mut self.uses[code as usize];
        *uses -= 1;
        if *uses == 0 {
            self.codes.remove(&self.texts[code as usize]);
            self.texts[code as usize] = Arc::from("");
            self.free.push(code);
        }
    }

    pub(crate) fn get(&self, code: u32) -> &str {
        &self.texts[code as usize]
    }

    /// Codes are below this.
    pub(crate) fn bound(&self) -> usize {
        self.texts.len()
    }

    pub(crate) fn cell(&mut self, value: &FeatureValue) -> Cell {
        match value {
            FeatureValue::Number(number) => Cell::number(*number),
            FeatureValue::Text(text) if !text.is_empty() => Cell::text(self.take(text)),
            FeatureValue::Text(_) | FeatureValue::Missing => Cell::MISSING,
        }
    }

    pub(crate) fn value(&self, cell: Cell) -> FeatureValue {
        match cell.value() {
            CellValue::Number(number) => FeatureValue::Number(number),
            CellValue::Text(code) => FeatureValue::Text(self.get(code).to_owned()),
            CellValue::Missing => FeatureValue::Missing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out() {
        let mut texts = Texts::default();
        let numbers = [0.0, -0.0, 1.5, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE, f64::MAX];
        let values = numbers.map(FeatureValue::Number).into_iter().chain(["a", "b", "a"].map(|text| FeatureValue::Text(text.to_owned())));
        for value in values.chain([FeatureValue::Missing]) {
            let cell = texts.cell(&value);
            assert_eq!(texts.value(cell), value);
        }
        // Whatever its bits, a NaN is missing and never somebody's text.
        for bits in [TEXT, TEXT | 1, MISSING | 1, u64::MAX, 0xfff9_0000_0000_0000] {
            assert_eq!(texts.cell(&FeatureValue::Number(f64::from_bits(bits))), Cell::MISSING);
        }
        assert_eq!(texts.cell(&FeatureValue::Text(String::new())), Cell::MISSING);
    }

    #[test]
    fn a_text_without_rows_makes_room() {
        let mut texts = Texts::default();
        let (a, b) = (texts.take("a"), texts.take("b"));
        assert_eq!(texts.take("a"), a);
        texts.give_back(a);
        assert_eq!(texts.get(a), "a");
        texts.give_back(a);
        let c = texts.take("c");
        assert_eq!((c, texts.bound(), texts.get(b), texts.get(c)), (a, 2, "b", "c"));
        assert_eq!(texts.take("a"), 2);
    }
}
