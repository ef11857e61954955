//! JSON straight into rows: no tree of values in between, each feature's name is looked up where it stood in the row before.
//!
//! In:    a list of objects, one object, or one object a line. Out: a `Batch`. What is not JSON has no rows; a bad line is one bad row.

use std::borrow::Cow;
use std::fmt;

use bellbuoy_models::{Label, Prediction};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::draft::{Cell, Draft, Field, Refusal};
use super::{Batch, BodyError, Intake, trim};

const PREDICTION_FIELDS: [&str; 8] = ["id", "prediction", "class", "probability", "probabilities", "timestamp", "role", "features"];
const LABEL_FIELDS: [&str; 3] = ["id", "value", "class"];

pub fn predictions(body: &[u8], intake: &Intake) -> Result<Batch<Prediction>, BodyError> {
    document(body, &mut Reader::new(intake, prediction_field, Draft::finish_prediction))
}

pub fn labels(body: &[u8], intake: &Intake) -> Result<Batch<Label>, BodyError> {
    document(body, &mut Reader::new(intake, label_field, Draft::finish_label))
}

pub fn prediction_lines(body: &[u8], intake: &Intake) -> Result<Batch<Prediction>, BodyError> {
    lines(body, &mut Reader::new(intake, prediction_field, Draft::finish_prediction))
}

pub fn label_lines(body: &[u8], intake: &Intake) -> Result<Batch<Label>, BodyError> {
    lines(body, &mut Reader::new(intake, label_field, Draft::finish_label))
}

/// Whether what begins with an object is one object a line: the first line is whole by itself, and there is another one.
pub fn is_lines(body: &[u8]) -> bool {
    let Some(end) = body.iter().position(|byte| *byte == b'\n') else { return false };
    serde_json::from_slice::<IgnoredAny>(&body[..end]).is_ok()
}

fn document<T>(body: &[u8], reader: &mut Reader<T>) -> Result<Batch<T>, BodyError> {
    let body = trim(body);
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let read = if body.first() == Some(&b'[') {
        deserializer.deserialize_seq(List(reader))
    } else {
        RowSeed(reader).deserialize(&mut deserializer)
    };
    let read = read.and_then(|()| deserializer.end());
    if let Some(error) = reader.error.take() {
        return Err(error);
    }
    read.map_err(|error| BodyError::Bad(error.to_string()))?;
    Ok(reader.take())
}

fn lines<T>(body: &[u8], reader: &mut Reader<T>) -> Result<Batch<T>, BodyError> {
    for line in trim(body).split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()) {
        let mut deserializer = serde_json::Deserializer::from_slice(line);
        let read = RowSeed(reader).deserialize(&mut deserializer).and_then(|()| deserializer.end());
        if let Some(error) = reader.error.take() {
            return Err(error);
        }
        if let Err(error) = read {
            // What was read of the line before its error is no row.
            let _ = (reader.finish)(&mut reader.draft);
            reader.batch.push(Err(Refusal { reason: format!("not JSON: {error}"), ..Refusal::default() }))?;
        }
    }
    Ok(reader.take())
}

/// Rows of one kind, while they are read.
struct Reader<'i, T> {
    draft: Draft<'i>,
    field: fn(&str) -> Field,
    finish: fn(&mut Draft<'i>) -> Result<T, Refusal>,
    fields: &'static [&'static str],
    batch: Batch<T>,
    /// A bound that ended the reading; serde's errors are texts only.
    error: Option<BodyError>,
    /// The names of the features of the last row in their order, and where they go.
    order: Vec<(String, Option<usize>)>,
}

fn prediction_field(name: &str) -> Field {
    Field::of_prediction(name)
}

fn label_field(name: &str) -> Field {
    Field::of_label(name)
}

impl<'i, T> Reader<'i, T> {
    fn new(intake: &'i Intake, field: fn(&str) -> Field, finish: fn(&mut Draft<'i>) -> Result<T, Refusal>) -> Reader<'i, T> {
        let fields: &[&str] = if matches!(field("value"), Field::Value) { &LABEL_FIELDS } else { &PREDICTION_FIELDS };
        Reader { draft: Draft::new(intake), field, finish, fields, batch: Batch::new(&intake.schema), error: None, order: Vec::new() }
    }

    fn end_row(&mut self) -> Result<(), BodyError> {
        let row = (self.finish)(&mut self.draft);
        self.batch.push(row)
    }

    fn take(&mut self) -> Batch<T> {
        self.batch.schema = self.draft.schema().clone();
        std::mem::replace(&mut self.batch, Batch::new(self.draft.schema()))
    }

    /// Where the feature goes that stands at this place of the row.
    fn position(&mut self, place: usize, name: &str) -> Option<usize> {
        if let Some((known, position)) = self.order.get(place)
            && known == name
        {
            return *position;
        }
        let position = self.draft.position(name);
        if place < self.order.len() {
            self.order[place] = (name.to_owned(), position);
        } else if place == self.order.len() && place < bellbuoy_models::FEATURES_MAX {
            self.order.push((name.to_owned(), position));
        }
        position
    }
}

struct List<'r, 'i, T>(&'r mut Reader<'i, T>);

impl<'de, T> Visitor<'de> for List<'_, '_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(RowSeed(self.0))?.is_some() {}
        Ok(())
    }
}

struct RowSeed<'r, 'i, T>(&'r mut Reader<'i, T>);

impl<'de, T> DeserializeSeed<'de> for RowSeed<'_, '_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(RowVisitor(self.0))
    }
}

struct RowVisitor<'r, 'i, T>(&'r mut Reader<'i, T>);

impl<T> RowVisitor<'_, '_, T> {
    fn end<E: serde::de::Error>(self) -> Result<(), E> {
        self.0.end_row().map_err(|error| {
            let text = E::custom(&error);
            self.0.error = Some(error);
            text
        })
    }

    fn no_row<E: serde::de::Error>(self) -> Result<(), E> {
        self.0.draft.wrong("", "a row is an object: {\"id\": ..., ...}");
        self.end()
    }
}

impl<'de, T> Visitor<'de> for RowVisitor<'_, '_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a row")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let reader = &mut *self.0;
        while let Some(field) = map.next_key_seed(FieldSeed(reader.field))? {
            let draft = &mut reader.draft;
            match field {
                Field::Id => draft.id(map.next_value_seed(CellSeed)?),
                Field::Prediction => draft.prediction(map.next_value_seed(CellSeed)?),
                Field::Class => draft.class(map.next_value_seed(CellSeed)?, "class"),
                Field::Probability => draft.probability(map.next_value_seed(CellSeed)?),
                Field::Value => draft.value(map.next_value_seed(CellSeed)?),
                Field::At => draft.at(map.next_value_seed(CellSeed)?),
                Field::Role => draft.role(map.next_value_seed(CellSeed)?),
                Field::Probabilities => map.next_value_seed(Probabilities(draft))?,
                Field::Features => map.next_value_seed(Features(reader))?,
                Field::Other(name) => {
                    map.next_value::<IgnoredAny>()?;
                    draft.unknown(&name, reader.fields);
                }
            }
        }
        self.end()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        self.no_row()
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<(), E> {
        self.no_row()
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<(), E> {
        self.no_row()
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<(), E> {
        self.no_row()
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<(), E> {
        self.no_row()
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<(), E> {
        self.no_row()
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.no_row()
    }
}

struct FieldSeed(fn(&str) -> Field);

impl<'de> DeserializeSeed<'de> for FieldSeed {
    type Value = Field;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Field, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for FieldSeed {
    type Value = Field;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E>(self, name: &str) -> Result<Field, E> {
        Ok((self.0)(name))
    }
}

struct Features<'r, 'i, T>(&'r mut Reader<'i, T>);

impl<'de, T> DeserializeSeed<'de> for Features<'_, '_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T> Visitor<'de> for Features<'_, '_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("features: an object of names and values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut place = 0;
        while let Some(position) = map.next_key_seed(Name(self.0, place))? {
            match position {
                Some(position) => {
                    let cell = map.next_value_seed(CellSeed)?;
                    self.0.draft.feature(position, cell);
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            place += 1;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        self.0.draft.wrong("features", "a list: write an object of names and values");
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

struct Name<'r, 'i, T>(&'r mut Reader<'i, T>, usize);

impl<'de, T> DeserializeSeed<'de> for Name<'_, '_, T> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<usize>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<T> Visitor<'_> for Name<'_, '_, T> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("the name of a feature")
    }

    fn visit_str<E>(self, name: &str) -> Result<Option<usize>, E> {
        Ok(self.0.position(self.1, name))
    }
}

struct Probabilities<'r, 'i>(&'r mut Draft<'i>);

impl<'de> DeserializeSeed<'de> for Probabilities<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Probabilities<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("probabilities: an object by class, or a list in the order of the classes")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(class) = map.next_key::<Cow<str>>()? {
            let cell = map.next_value_seed(CellSeed)?;
            self.0.probability_of(&class, cell);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut position = 0;
        while let Some(cell) = list.next_element_seed(CellSeed)? {
            self.0.probability_at(position, cell);
            position += 1;
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

struct CellSeed;

impl<'de> DeserializeSeed<'de> for CellSeed {
    type Value = Cell<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cell<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for CellSeed {
    type Value = Cell<'de>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_f64<E>(self, number: f64) -> Result<Cell<'de>, E> {
        Ok(Cell::Number(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Cell<'de>, E> {
        Ok(Cell::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Cell<'de>, E> {
        Ok(i64::try_from(number).map_or(Cell::Number(number as f64), Cell::Integer))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Cell<'de>, E> {
        Ok(Cell::Flag(flag))
    }

    fn visit_unit<E>(self) -> Result<Cell<'de>, E> {
        Ok(Cell::Missing)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cell<'de>, E> {
        Ok(Cell::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cell<'de>, E> {
        Ok(Cell::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Cell<'de>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Cell::Nested)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Cell<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Cell::Nested)
    }
}
