//! Reading the ledger: rows by count, time and window, their answers, true values and features; pairs for figures and comparisons.
//!
//! Changes nothing. Whoever asks gets `Slot`s, which hold until the next row is taken.

use bellbuoy_drift::{MISSING, TIME_MISSING, TextsBuilder, Values};
use bellbuoy_vocabulary::{Millis, Timestamp};

use super::{Joined, Ledger, Said, Slot, Was};
use crate::cell::{Cell, CellValue};
use crate::{Answer, Cut, Evaluation, EvaluationOptions, ModelKind, Pairs, Segments, TestRow, Truth, Windows};

impl Ledger {
    /// Roles that have rows, by name.
    pub(crate) fn role_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.roles.iter().filter(|role| !role.rows.is_empty()).map(|role| &*role.name).collect();
        names.sort_unstable();
        names
    }

    /// Changes when a row of the role does.
    pub(crate) fn revision(&self, role: &str) -> u64 {
        self.role(role).map_or(0, |role| role.revision)
    }

    /// What the model said, as a number of a stream.
    pub(crate) fn as_number(&self, answer: &Answer) -> f64 {
        match answer {
            Answer::Number(number) => *number,
            Answer::Class { class, probabilities } => self.empty.as_number(class.as_deref(), probabilities),
        }
    }

    /// Rows before this time are not taken any more.
    pub(crate) fn forgotten_until(&self, role: &str) -> Option<Timestamp> {
        self.role(role).and_then(|role| role.forgotten_until).map(|until| until.0)
    }

    pub(crate) fn knows(&self, id: &str) -> bool {
        self.ids.contains_key(id)
    }

    /// The times of the oldest and the newest row.
    pub(crate) fn ends(&self, role: &str) -> Option<(Timestamp, Timestamp)> {
        let rows = &self.role(role)?.rows;
        Some((rows.first_key_value()?.0.0, rows.last_key_value()?.0.0))
    }

    pub(crate) fn len(&self, role: &str) -> usize {
        self.role(role).map_or(0, |role| role.rows.len())
    }

    /// All rows of a role, oldest first.
    pub(crate) fn all(&self, role: &str) -> Vec<Slot> {
        self.role(role).map_or_else(Vec::new, |role| role.rows.values().copied().collect())
    }

    /// The newest rows, oldest first.
    pub(crate) fn newest(&self, role: &str, count: usize) -> Vec<Slot> {
        let mut slots: Vec<Slot> = self.role(role).map_or_else(Vec::new, |role| role.rows.values().rev().take(count).copied().collect());
        slots.reverse();
        slots
    }

    /// The rows of this time up to the newest row.
    pub(crate) fn newest_time(&self, role: &str, span: Millis) -> Vec<Slot> {
        let Some(role) = self.role(role) else { return Vec::new() };
        let Some((newest, _)) = role.rows.last_key_value() else { return Vec::new() };
        let after = newest.0.saturating_sub(span);
        role.rows.range((after, 0)..).filter(|(key, _)| key.0 > after).map(|(_, slot)| *slot).collect()
    }

    /// The windows of a role, oldest first; `Cut::rows` are places in `all`.
    pub(crate) fn cuts(&self, role: &str, windows: &Windows, now: Timestamp) -> Vec<Cut> {
        let Some(role) = self.role(role) else { return Vec::new() };
        let times: Vec<Timestamp> = role.rows.keys().map(|(at, _)| *at).collect();
        windows.cut(&times, &role.forgotten, now)
    }

    pub(crate) fn time(&self, slot: Slot) -> Timestamp {
        self.rows[slot as usize].key.0
    }

    pub(crate) fn times(&self, slots: &[Slot]) -> Vec<Timestamp> {
        slots.iter().map(|slot| self.time(*slot)).collect()
    }

    pub(crate) fn id(&self, slot: Slot) -> &str {
        &self.rows[slot as usize].id
    }

    pub(crate) fn with_truth(&self, slots: &[Slot]) -> Vec<Slot> {
        slots.iter().copied().filter(|slot| self.rows[*slot as usize].was != Was::NotYet).collect()
    }

    pub(crate) fn answer(&self, slot: Slot) -> Answer {
        match &self.rows[slot as usize].said {
            Said::Number(number) => Answer::Number(*number),
            Said::Class { class, probabilities } => {
                Answer::Class { class: class.map(|code| self.texts.get(code).to_owned()), probabilities: probabilities.to_vec() }
            }
        }
    }

    pub(crate) fn truth_of(&self, slot: Slot) -> Option<Truth> {
        match self.rows[slot as usize].was {
            Was::NotYet => None,
            Was::Number(number) => Some(Truth::Number(number)),
            Was::Class(code) => Some(Truth::Class(self.texts.get(code).to_owned())),
        }
    }

    /// Class (where the row says it) and probabilities.
    pub(crate) fn class_of(&self, slot: Slot) -> (Option<&str>, &[f64]) {
        match &self.rows[slot as usize].said {
            Said::Number(_) => (None, &[]),
            Said::Class { class, probabilities } => (class.map(|code| self.texts.get(code)), probabilities),
        }
    }

    pub(crate) fn feature(&self, slot: Slot, position: usize) -> Cell {
        self.rows[slot as usize].cells.get(position).copied().unwrap_or(Cell::MISSING)
    }

    pub(crate) fn text_of(&self, cell: Cell) -> String {
        match cell.value() {
            CellValue::Number(number) if number.is_finite() => (number + 0.0).to_string(),
            CellValue::Text(code) => self.texts.get(code).to_owned(),
            _ => String::new(),
        }
    }

    pub(crate) fn some_features(&self, slot: Slot, positions: &[usize]) -> Vec<crate::FeatureValue> {
        positions.iter().map(|position| self.texts.value(self.feature(slot, *position))).collect()
    }

    /// NaN of a class.
    pub(crate) fn number_of(&self, slot: Slot) -> f64 {
        if let Said::Number(number) = self.rows[slot as usize].said { number } else { f64::NAN }
    }

    /// A feature of some rows, in the type that the reference has. A stray text among numbers is a missing cell; texts alone are a change
    /// of type, which the drift report then names.
    pub(crate) fn column(&self, slots: &[Slot], position: usize, like: Option<&Values>) -> Values {
        let cells: Vec<Cell> = slots.iter().map(|slot| self.feature(*slot, position)).collect();
        let has_number = cells.iter().any(|cell| matches!(cell.value(), CellValue::Number(number) if number.is_finite()));
        let has_text = cells.iter().any(|cell| matches!(cell.value(), CellValue::Text(_)));
        let as_texts = match like {
            Some(like) => !like.are_numbers() || has_text && !has_number,
            None => has_text,
        };
        if as_texts {
            return self.categories(&cells);
        }
        let numbers: Vec<f64> = cells.into_iter().map(Cell::as_number).collect();
        let may_be_whole = like.is_none_or(|like| matches!(like, Values::Integers(_)));
        // 2^53: above it an f64 is not the whole number that was written.
        let whole = |number: &f64| number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
        match like {
            Some(Values::Times(_)) => {
                let time = |number: &f64| if number.is_finite() { *number as i64 } else { TIME_MISSING };
                Values::Times(numbers.iter().map(time).collect())
            }
            _ if may_be_whole && !numbers.is_empty() && numbers.iter().all(whole) => {
                Values::Integers(numbers.iter().map(|number| *number as i64).collect())
            }
            _ => Values::Numbers(numbers),
        }
    }

    fn categories(&self, cells: &[Cell]) -> Values {
        let mut builder = TextsBuilder::default();
        let mut codes = vec![MISSING; self.texts.bound()];
        for cell in cells {
            match cell.value() {
                CellValue::Text(code) => {
                    let own = &mut codes[code as usize];
                    if *own == MISSING {
                        *own = builder.code(self.texts.get(code));
                    }
                    builder.push_code(*own);
                }
                CellValue::Number(number) if number.is_finite() => builder.push(&(number + 0.0).to_string()),
                _ => builder.push_missing(),
            }
        }
        Values::Categories(builder.finish())
    }

    /// What the model said, as a column: numbers, or the class it decided for.
    pub(crate) fn answers(&self, slots: &[Slot]) -> Values {
        match self.target {
            ModelKind::Regression => Values::Numbers(slots.iter().map(|slot| self.number_of(*slot)).collect()),
            ModelKind::Classification { .. } => {
                let mut texts = TextsBuilder::default();
                for slot in slots {
                    let (class, probabilities) = self.class_of(*slot);
                    texts.push(class.or_else(|| self.empty.decide(probabilities)).unwrap_or(""));
                }
                Values::Categories(texts.finish())
            }
        }
    }

    /// The rows that have their true values.
    pub(crate) fn joined(&self, slots: &[Slot]) -> Joined {
        let rows = slots.iter().map(|slot| &self.rows[*slot as usize]);
        match &self.target {
            ModelKind::Regression => Joined::Numbers(Pairs::new(rows.filter_map(|row| match (&row.said, row.was) {
                (Said::Number(predicted), Was::Number(actual)) => Some((*predicted, actual)),
                _ => None,
            }))),
            ModelKind::Classification { classes, positive } => {
                let answers = rows.filter_map(|row| match (&row.said, row.was) {
                    (Said::Class { class, probabilities }, Was::Class(actual)) => {
                        Some((self.texts.get(actual), class.map(|code| self.texts.get(code)), &probabilities[..]))
                    }
                    _ => None,
                });
                Joined::classes(classes, positive.as_deref(), answers)
            }
        }
    }

    /// By the values of a feature. Rows without it are the segment of no name.
    pub(crate) fn by_segment(&self, slots: &[Slot], position: usize, options: &EvaluationOptions) -> Segments {
        let slots = self.with_truth(slots);
        let names: Vec<String> = slots.iter().map(|slot| self.text_of(self.feature(*slot, position))).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        match &self.joined(&slots) {
            Joined::Numbers(pairs) => Evaluation::by_segment(pairs, &names, options),
            Joined::Classes(labelled) => Evaluation::by_segment(labelled, &names, options),
        }
    }

    /// Rows of a role between two times whose true value is there and which the other side answered too.
    pub(crate) fn test_rows(&self, role: &str, from: Timestamp, to: Timestamp, other: impl Fn(&str) -> Option<Answer>) -> Vec<TestRow> {
        let Some(role) = self.role(role).filter(|_| from <= to) else { return Vec::new() };
        let rows = role.rows.range((from, 0)..=(to, u64::MAX)).map(|(_, slot)| *slot);
        let row = |slot| Some(TestRow { truth: self.truth_of(slot)?, champion: self.answer(slot), challenger: other(self.id(slot))? });
        rows.filter_map(row).collect()
    }

    /// What a role said of an id.
    pub(crate) fn answer_of(&self, role: &str, id: &str) -> Option<Answer> {
        let role = self.role_at(role)?;
        let slot = self.ids.get(id)?.all().find(|slot| self.rows[*slot as usize].role as usize == role)?;
        Some(self.answer(slot))
    }
}
