//! A column of Parquet while it grows, and the Parquet types that are understood.

use bellbuoy_drift::{TIME_MISSING, TextsBuilder, Values};
use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type};
use parquet::schema::types::ColumnDescriptor;

/// What a Parquet column becomes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Taken {
    Integer,
    /// Beyond the largest i64 it becomes numbers.
    Unsigned,
    Number,
    Half,
    /// Whole numbers over this power of ten.
    Decimal(i32),
    Days,
    /// So many of these are a millisecond.
    Moments(i64),
    Moments96,
    Bool,
    Text,
    /// Nothing says that they are texts; mostly they are. Others are written `0x00ff`.
    Bytes,
    Uuid,
}

/// The type of a column, or why it is left out.
pub(crate) fn taken(column: &ColumnDescriptor) -> Result<Taken, String> {
    if column.max_rep_level() > 0 {
        return Err("it holds lists".into());
    }
    let physical = column.physical_type();
    let per_ms = |unit: &TimeUnit| match unit {
        TimeUnit::MILLIS => 1,
        TimeUnit::MICROS => 1_000,
        TimeUnit::NANOS => 1_000_000,
    };
    let logical = column.logical_type_ref();
    Ok(match (physical, logical, column.converted_type()) {
        (Type::BOOLEAN, _, _) => Taken::Bool,
        (Type::FLOAT | Type::DOUBLE, _, _) => Taken::Number,
        (_, Some(LogicalType::Decimal(_)), _) | (_, None, ConvertedType::DECIMAL) => Taken::Decimal(column.type_scale()),
        (Type::INT32, Some(LogicalType::Date), _) | (Type::INT32, None, ConvertedType::DATE) => Taken::Days,
        (Type::INT64, Some(LogicalType::Timestamp(at)), _) => Taken::Moments(per_ms(&at.unit)),
        (Type::INT64, None, ConvertedType::TIMESTAMP_MILLIS) => Taken::Moments(1),
        (Type::INT64, None, ConvertedType::TIMESTAMP_MICROS) => Taken::Moments(1_000),
        (Type::INT32 | Type::INT64, Some(LogicalType::Integer(int)), _) if !int.is_signed => Taken::Unsigned,
        (Type::INT32 | Type::INT64, None, ConvertedType::UINT_32 | ConvertedType::UINT_64) => Taken::Unsigned,
        (Type::INT32 | Type::INT64, _, _) => Taken::Integer,
        (Type::INT96, _, _) => Taken::Moments96,
        (Type::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::Float16), _) => Taken::Half,
        (Type::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::Uuid), _) => Taken::Uuid,
        (Type::BYTE_ARRAY, None, ConvertedType::NONE) => Taken::Bytes,
        (Type::BYTE_ARRAY, Some(LogicalType::String | LogicalType::Enum | LogicalType::Json) | None, _) => Taken::Text,
        (_, Some(other), _) => return Err(format!("its type {other:?} is not a number, a text or a time")),
        (_, None, _) => return Err("it holds bytes".into()),
    })
}

/// A growing column. Whole numbers become numbers with the first missing cell or the first that is too large.
pub(crate) enum Growing {
    Integers(Vec<i64>),
    Numbers(Vec<f64>),
    Times(Vec<i64>),
    Texts(TextsBuilder),
}

impl Growing {
    pub fn new(taken: Taken, rows: usize) -> Growing {
        match taken {
            Taken::Integer | Taken::Unsigned => Growing::Integers(Vec::with_capacity(rows)),
            Taken::Number | Taken::Half | Taken::Decimal(_) => Growing::Numbers(Vec::with_capacity(rows)),
            Taken::Days | Taken::Moments(_) | Taken::Moments96 => Growing::Times(Vec::with_capacity(rows)),
            Taken::Bool | Taken::Text | Taken::Bytes | Taken::Uuid => Growing::Texts(TextsBuilder::default()),
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Growing::Integers(cells) | Growing::Times(cells) => cells.len(),
            Growing::Numbers(cells) => cells.len(),
            Growing::Texts(cells) => cells.len(),
        }
    }

    /// Whole numbers and times.
    pub fn push_integer(&mut self, cell: Option<i64>) {
        match (&mut *self, cell) {
            (Growing::Integers(cells) | Growing::Times(cells), Some(cell)) => cells.push(cell),
            (Growing::Times(cells), None) => cells.push(TIME_MISSING),
            (_, cell) => self.numbers().push(cell.map_or(f64::NAN, |cell| cell as f64)),
        }
    }

    pub fn push_unsigned(&mut self, cell: Option<u64>) {
        match cell.map(i64::try_from) {
            Some(Err(_)) => self.numbers().push(cell.map_or(f64::NAN, |cell| cell as f64)),
            Some(Ok(cell)) => self.push_integer(Some(cell)),
            None => self.push_integer(None),
        }
    }

    /// As numbers from here on.
    pub fn numbers(&mut self) -> &mut Vec<f64> {
        if let Growing::Integers(cells) = self {
            let capacity = cells.capacity();
            let mut numbers: Vec<f64> = std::mem::take(cells).into_iter().map(|cell| cell as f64).collect();
            numbers.reserve(capacity - numbers.len());
            *self = Growing::Numbers(numbers);
        }
        match self {
            Growing::Numbers(cells) => cells,
            _ => unreachable!("texts and times take no numbers"),
        }
    }

    pub fn finish(self) -> Values {
        match self {
            Growing::Integers(cells) if cells.is_empty() => Values::Numbers(Vec::new()),
            Growing::Integers(cells) => Values::Integers(cells),
            Growing::Numbers(cells) => Values::Numbers(cells),
            Growing::Times(cells) => Values::Times(cells),
            Growing::Texts(cells) => Values::Categories(cells.finish()),
        }
    }
}

/// A big-endian whole number of any width, as decimals have it.
pub(crate) fn big_endian(bytes: &[u8]) -> f64 {
    if bytes.len() <= 16 {
        let negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
        let start = if negative { -1i128 } else { 0 };
        return bytes.iter().fold(start, |value, byte| (value << 8) | i128::from(*byte)) as f64;
    }
    let first = f64::from(bytes[0] as i8);
    bytes[1..].iter().fold(first, |value, byte| value * 256.0 + f64::from(*byte))
}

/// IEEE 754 binary16, little-endian.
pub(crate) fn half(bytes: [u8; 2]) -> f64 {
    let bits = u16::from_le_bytes(bytes);
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from((bits >> 10) & 0x1f), f64::from(bits & 0x3ff) / 1024.0);
    match exponent {
        0 => sign * fraction * 2f64.powi(-14),
        31 if fraction == 0.0 => sign * f64::INFINITY,
        31 => f64::NAN,
        _ => sign * (1.0 + fraction) * 2f64.powi(exponent - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_odd_widths() {
        assert_eq!((big_endian(&[0xff, 0x38]), big_endian(&[0x01, 0x00]), big_endian(&[])), (-200.0, 256.0, 0.0));
        assert_eq!(big_endian(&[0xff; 20]), -1.0);
        for (bits, number) in [(0x3c00u16, 1.0), (0xc000, -2.0), (0x0001, 2f64.powi(-24)), (0x7bff, 65504.0), (0xfc00, f64::NEG_INFINITY)] {
            assert_eq!(half(bits.to_le_bytes()), number, "{bits:x}");
        }
        assert!(half([1, 0x7c]).is_nan());
    }
}
