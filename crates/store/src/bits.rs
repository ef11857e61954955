//! Bits, most significant first, written to and read from bytes; and the two variable-length numbers of Go.

/// Appends the low `count` bits of `value`. `free` is the number of unused bits in the last byte.
#[inline]
pub fn push_bits(bytes: &mut Vec<u8>, free: &mut u8, value: u64, count: u8) {
    let mut left = count;
    while left > 0 {
        if *free == 0 {
            push_byte(bytes, 0);
            *free = 8;
        }
        let take = left.min(*free);
        let part = (value >> (left - take)) as u8 & (0xffu16 >> (8 - take)) as u8;
        if let Some(last) = bytes.last_mut() {
            *last |= part << (*free - take);
        }
        *free -= take;
        left -= take;
    }
}

/// Grows by an eighth and 16 bytes: a hundred thousand open chunks must not each keep half of their room unused.
#[inline]
fn push_byte(bytes: &mut Vec<u8>, byte: u8) {
    if bytes.len() == bytes.capacity() {
        bytes.reserve_exact(16 + bytes.len() / 8);
    }
    bytes.push(byte);
}

/// Reads what `push_bits` wrote; `None` at the end of the bytes.
pub struct BitReader<'a> {
    bytes: &'a [u8],
    /// The low `valid` bits are read from `bytes` and not yet given out.
    buffer: u64,
    valid: u8,
}

impl<'a> BitReader<'a> {
    pub fn new(bytes: &'a [u8]) -> BitReader<'a> {
        BitReader { bytes, buffer: 0, valid: 0 }
    }

    #[inline]
    pub fn bits(&mut self, count: u8) -> Option<u64> {
        if count > 32 {
            let high = self.bits(count - 32)?;
            return Some(high << 32 | self.bits(32)?);
        }
        if count > self.valid {
            self.refill();
            if count > self.valid {
                return None;
            }
        }
        self.valid -= count;
        Some(self.buffer >> self.valid & ((1u64 << count) - 1))
    }

    #[inline]
    pub fn bit(&mut self) -> Option<bool> {
        Some(self.bits(1)? == 1)
    }

    pub fn uvarint(&mut self) -> Option<u64> {
        let (mut value, mut shift) = (0u64, 0);
        loop {
            let byte = self.bits(8)?;
            if shift > 63 {
                return None;
            }
            value |= (byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
            shift += 7;
        }
    }

    pub fn varint(&mut self) -> Option<i64> {
        self.uvarint().map(unzigzag)
    }

    fn refill(&mut self) {
        while self.valid <= 56 {
            let Some((first, rest)) = self.bytes.split_first() else { break };
            self.buffer = self.buffer << 8 | u64::from(*first);
            self.valid += 8;
            self.bytes = rest;
        }
    }
}

pub fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

pub fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// Go's `binary.PutUvarint`.
#[inline]
pub fn push_uvarint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Go's `binary.PutVarint`.
#[inline]
pub fn push_varint(out: &mut Vec<u8>, value: i64) {
    push_uvarint(out, zigzag(value));
}

/// Takes a uvarint from the front of a slice.
#[inline]
pub fn take_uvarint(rest: &mut &[u8]) -> Option<u64> {
    let (mut value, mut shift) = (0u64, 0);
    loop {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        if shift > 63 {
            return None;
        }
        value |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return Some(value);
        }
        shift += 7;
    }
}

#[inline]
pub fn take_varint(rest: &mut &[u8]) -> Option<i64> {
    take_uvarint(rest).map(unzigzag)
}

#[inline]
pub fn take_u64(rest: &mut &[u8]) -> Option<u64> {
    let (first, after) = rest.split_first_chunk::<8>()?;
    *rest = after;
    Some(u64::from_be_bytes(*first))
}

/// A string with its length as uvarint in front.
pub fn take_text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let length = usize::try_from(take_uvarint(rest)?).ok()?;
    let text = rest.get(..length)?;
    *rest = &rest[length..];
    std::str::from_utf8(text).ok()
}

pub fn push_text(out: &mut Vec<u8>, text: &str) {
    push_uvarint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bits_come_back(parts in prop::collection::vec((any::<u64>(), 1u8..=64), 0..100)) {
            let (mut bytes, mut free) = (Vec::new(), 0);
            for (value, count) in &parts {
                push_bits(&mut bytes, &mut free, *value, *count);
            }
            let mut reader = BitReader::new(&bytes);
            for (value, count) in &parts {
                let kept = if *count == 64 { *value } else { value & ((1 << count) - 1) };
                prop_assert_eq!(reader.bits(*count), Some(kept));
            }
            prop_assert_eq!(reader.bits(8), None);
        }

        #[test]
        fn numbers_come_back(value in any::<i64>()) {
            let mut bytes = Vec::new();
            push_varint(&mut bytes, value);
            push_uvarint(&mut bytes, value as u64);
            let mut rest = &bytes[..];
            prop_assert_eq!(take_varint(&mut rest), Some(value));
            prop_assert_eq!(take_uvarint(&mut rest), Some(value as u64));
            prop_assert!(rest.is_empty());
        }
    }

    #[test]
    fn a_number_without_end_is_refused() {
        assert_eq!(take_uvarint(&mut &[0xff; 20][..]), None);
        assert_eq!(take_text(&mut &[200, 1, b'a'][..]), None);
    }
}
