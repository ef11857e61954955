//! Protobuf, a field at a time: tags and slices of the body, nothing copied, so that a small body can not become a large one in memory.
//!
//! In:    the bytes of a message. Out: its fields in their order. Never: looks into a field; groups, which nobody sends, are refused.

use prost::encoding::{WireType, decode_key, decode_varint};

/// Why a body can not be read. Nothing of it was kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BodyError(pub String);

impl BodyError {
    pub(crate) fn new(message: impl Into<String>) -> BodyError {
        BodyError(message.into())
    }
}

impl From<prost::DecodeError> for BodyError {
    fn from(error: prost::DecodeError) -> BodyError {
        BodyError(format!("not the protobuf message that was expected: {error}"))
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Field<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32,
    Bytes(&'a [u8]),
}

pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

pub(crate) fn fields(body: &[u8]) -> Fields<'_> {
    Fields { rest: body }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Result<(u32, Field<'a>), BodyError> {
        let (tag, wire) = decode_key(&mut self.rest)?;
        let field = match wire {
            WireType::Varint => Field::Varint(decode_varint(&mut self.rest)?),
            WireType::SixtyFourBit => Field::Fixed64(u64::from_le_bytes(self.fixed()?)),
            WireType::ThirtyTwoBit => {
                self.fixed::<4>()?;
                Field::Fixed32
            }
            WireType::LengthDelimited => Field::Bytes(delimited(&mut self.rest)?),
            WireType::StartGroup | WireType::EndGroup => return Err(BodyError::new("a protobuf group, which no message here has")),
        };
        Ok((tag, field))
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], BodyError> {
        let (bytes, rest) = self.rest.split_first_chunk::<N>().ok_or_else(cut)?;
        self.rest = rest;
        Ok(*bytes)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Field<'a>), BodyError>;

    fn next(&mut self) -> Option<Result<(u32, Field<'a>), BodyError>> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// A length and so many bytes.
pub(crate) fn delimited<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], BodyError> {
    let length = decode_varint(rest)?;
    let length = usize::try_from(length).ok().filter(|length| *length <= rest.len()).ok_or_else(cut)?;
    let (bytes, after) = rest.split_at(length);
    *rest = after;
    Ok(bytes)
}

pub(crate) fn text(bytes: &[u8]) -> Result<&str, BodyError> {
    std::str::from_utf8(bytes).map_err(|_| BodyError::new("a text is not valid UTF-8"))
}

fn cut() -> BodyError {
    BodyError::new("the protobuf message is cut off")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(body: &[u8]) -> String {
        let words: Vec<String> = fields(body)
            .map(|field| match field {
                Ok((tag, field)) => format!("{tag}={field:?}"),
                Err(error) => format!("error {error}"),
            })
            .collect();
        words.join(" ")
    }

    #[test]
    fn fields_come_one_by_one() {
        assert_eq!(shown(&[0x08, 0x96, 0x01, 0x12, 2, b'h', b'i']), "1=Varint(150) 2=Bytes([104, 105])");
        assert_eq!(shown(&[0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]), "1=Fixed64(4607182418800017408)");
        assert_eq!(shown(&[0x15, 1, 2, 3, 4]), "2=Fixed32");
    }

    #[test]
    fn what_is_cut_or_odd_is_an_error_and_the_end() {
        assert_eq!(shown(&[0x12, 5, b'h']), "error the protobuf message is cut off");
        assert_eq!(shown(&[0x09, 1]), "error the protobuf message is cut off");
        assert!(shown(&[0x0b]).contains("group"));
        assert!(shown(&[0x08]).starts_with("error"));
        assert!(shown(&[0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]).contains("cut off"));
    }
}
