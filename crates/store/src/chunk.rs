//! The XOR chunk of Prometheus (encoding 1, Facebook's Gorilla): some 120 samples in 1 to 8 bytes each.
//! The bytes are drawn in docs/formats/xor-chunk.md.
//!
//! In:    samples in order of time. Out: their bytes, and an iterator over them. Drawn in docs/formats/xor-chunk.md.
//! Never: panics on damaged bytes: the iterator ends with an error.

use bellbuoy_vocabulary::{Sample, Timestamp};

use crate::bits::{BitReader, push_bits, push_uvarint, zigzag};

/// Samples after which a chunk is full (Prometheus, `DefaultSamplesPerChunk`).
pub const CHUNK_SAMPLES: u16 = 120;
/// A chunk never crosses a multiple of this, so that blocks can later be cut without touching chunks (Prometheus' block range).
pub const CHUNK_RANGE_MS: i64 = 2 * 3_600_000;
/// Prometheus' number of this encoding.
pub const ENCODING_XOR: u8 = 1;
/// No window of significant bits yet.
const NO_WINDOW: u8 = 0xff;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("chunk is cut short or damaged after {0} samples")]
pub struct DecodeError(pub usize);

/// A chunk that still grows. Empty when `count` is 0; then the other fields mean nothing.
#[derive(Clone, Debug, Default)]
pub struct Chunk {
    bytes: Vec<u8>,
    first_at: i64,
    last_at: i64,
    delta: u64,
    value_bits: u64,
    count: u16,
    free: u8,
    leading: u8,
    trailing: u8,
    /// Samples that make it full; 0 means `CHUNK_SAMPLES`.
    target: u8,
}

impl Chunk {
    /// An empty chunk that is full earlier.
    pub fn set_target(&mut self, samples: u8) {
        self.target = samples;
    }

    fn target(&self) -> u16 {
        if self.target == 0 { CHUNK_SAMPLES } else { u16::from(self.target) }
    }

    pub fn count(&self) -> u16 {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub fn first_at(&self) -> Timestamp {
        Timestamp(self.first_at)
    }

    pub fn last_at(&self) -> Timestamp {
        Timestamp(self.last_at)
    }

    pub fn last_value_bits(&self) -> u64 {
        self.value_bits
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Bytes that are allocated, used or not.
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Whether a sample at this time belongs into the next chunk.
    #[inline]
    pub fn full_for(&self, at: Timestamp) -> bool {
        self.count > 0 && (self.count >= self.target() || at.0.div_euclid(CHUNK_RANGE_MS) != self.first_at.div_euclid(CHUNK_RANGE_MS))
    }

    /// The caller has checked that `at` is after the last sample and that the chunk is not full.
    #[inline]
    pub fn push(&mut self, at: Timestamp, value: f64) {
        debug_assert!(self.count == 0 || at.0 > self.last_at);
        let bits = value.to_bits();
        match self.count {
            0 => self.push_first(at.0, bits),
            1 => {
                self.delta = at.0.wrapping_sub(self.last_at) as u64;
                push_uvarint(&mut self.bytes, self.delta);
                self.push_value(bits);
            }
            _ => {
                let delta = at.0.wrapping_sub(self.last_at) as u64;
                self.push_delta_of_delta(delta.wrapping_sub(self.delta) as i64);
                self.delta = delta;
                self.push_value(bits);
            }
        }
        self.last_at = at.0;
        self.value_bits = bits;
        self.count += 1;
        self.bytes[..2].copy_from_slice(&self.count.to_be_bytes());
    }

    fn push_first(&mut self, at: i64, bits: u64) {
        self.bytes.clear();
        self.bytes.reserve_exact(32);
        self.bytes.extend_from_slice(&[0, 0]);
        push_uvarint(&mut self.bytes, zigzag(at));
        self.bytes.extend_from_slice(&bits.to_be_bytes());
        self.first_at = at;
        self.free = 0;
        self.leading = NO_WINDOW;
        self.trailing = 0;
        self.delta = 0;
    }

    fn push_delta_of_delta(&mut self, change: i64) {
        // Prometheus' ranges are lopsided: n bits hold -(2^(n-1) - 1) to 2^(n-1).
        let fits = |bits: u8| -((1i64 << (bits - 1)) - 1) <= change && change <= 1i64 << (bits - 1);
        let (prefix, prefix_bits, bits) = match change {
            0 => (0b0, 1, 0),
            _ if fits(14) => (0b10, 2, 14),
            _ if fits(17) => (0b110, 3, 17),
            _ if fits(20) => (0b1110, 4, 20),
            _ => (0b1111, 4, 64),
        };
        push_bits(&mut self.bytes, &mut self.free, prefix, prefix_bits);
        push_bits(&mut self.bytes, &mut self.free, change as u64, bits);
    }

    fn push_value(&mut self, bits: u64) {
        let xor = bits ^ self.value_bits;
        let (bytes, free) = (&mut self.bytes, &mut self.free);
        if xor == 0 {
            push_bits(bytes, free, 0, 1);
            return;
        }
        // Five bits hold the number of leading zeros.
        let leading = (xor.leading_zeros() as u8).min(31);
        let trailing = xor.trailing_zeros() as u8;
        if self.leading != NO_WINDOW && leading >= self.leading && trailing >= self.trailing {
            push_bits(bytes, free, 0b10, 2);
            push_bits(bytes, free, xor >> self.trailing, 64 - self.leading - self.trailing);
            return;
        }
        (self.leading, self.trailing) = (leading, trailing);
        let significant = 64 - leading - trailing;
        push_bits(bytes, free, 0b11, 2);
        push_bits(bytes, free, u64::from(leading), 5);
        // 64 does not fit in six bits and is written as 0; a length of 0 can not occur.
        push_bits(bytes, free, u64::from(significant) & 0x3f, 6);
        push_bits(bytes, free, xor >> trailing, significant);
    }

    /// Takes the bytes out and leaves an empty chunk.
    pub fn finish(&mut self) -> Box<[u8]> {
        self.count = 0;
        self.target = 0;
        std::mem::take(&mut self.bytes).into_boxed_slice()
    }
}

/// The time of the first sample of a chunk that has one.
pub fn first_time(bytes: &[u8]) -> Option<i64> {
    BitReader::new(bytes.get(2..)?).varint()
}

/// Gives the samples of a chunk one by one. A damaged chunk ends with an error, never a panic.
pub struct Decoder<'a> {
    reader: BitReader<'a>,
    total: usize,
    done: usize,
    at: i64,
    delta: u64,
    bits: u64,
    leading: u8,
    trailing: u8,
}

impl<'a> Decoder<'a> {
    pub fn new(bytes: &'a [u8]) -> Decoder<'a> {
        let (total, rest) = match bytes.split_first_chunk::<2>() {
            Some((count, rest)) => (usize::from(u16::from_be_bytes(*count)), rest),
            None => (0, &[][..]),
        };
        Decoder { reader: BitReader::new(rest), total, done: 0, at: 0, delta: 0, bits: 0, leading: 0, trailing: 0 }
    }

    #[inline]
    fn step(&mut self) -> Option<()> {
        match self.done {
            0 => {
                self.at = self.reader.varint()?;
                self.bits = self.reader.bits(64)?;
                return Some(());
            }
            1 => self.delta = self.reader.uvarint()?,
            _ => self.delta = self.delta.wrapping_add(self.delta_of_delta()? as u64),
        }
        self.at = self.at.wrapping_add(self.delta as i64);
        self.value()
    }

    #[inline]
    fn delta_of_delta(&mut self) -> Option<i64> {
        let mut ones = 0;
        while ones < 4 && self.reader.bit()? {
            ones += 1;
        }
        let bits = match ones {
            0 => return Some(0),
            1 => 14,
            2 => 17,
            3 => 20,
            _ => return Some(self.reader.bits(64)? as i64),
        };
        let raw = self.reader.bits(bits)? as i64;
        Some(if raw > 1 << (bits - 1) { raw - (1 << bits) } else { raw })
    }

    #[inline]
    fn value(&mut self) -> Option<()> {
        if !self.reader.bit()? {
            return Some(());
        }
        if self.reader.bit()? {
            self.leading = self.reader.bits(5)? as u8;
            let significant = match self.reader.bits(6)? as u8 {
                0 => 64,
                bits => bits,
            };
            self.trailing = 64u8.checked_sub(self.leading + significant)?;
        }
        let significant = 64 - self.leading - self.trailing;
        self.bits ^= self.reader.bits(significant)? << self.trailing;
        Some(())
    }
}

impl Iterator for Decoder<'_> {
    type Item = Result<Sample, DecodeError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.done >= self.total {
            return None;
        }
        if self.step().is_none() {
            let done = self.done;
            self.done = self.total;
            return Some(Err(DecodeError(done)));
        }
        self.done += 1;
        Some(Ok(Sample { at: Timestamp(self.at), value: f64::from_bits(self.bits) }))
    }
}

#[cfg(test)]
mod tests {
    use bellbuoy_vocabulary::STALE_NAN;
    use expect_test::expect;
    use proptest::prelude::*;

    use super::*;

    fn encode(samples: &[(i64, f64)]) -> Chunk {
        let mut chunk = Chunk::default();
        for (at, value) in samples {
            chunk.push(Timestamp(*at), *value);
        }
        chunk
    }

    fn decode(bytes: &[u8]) -> Vec<(i64, u64)> {
        Decoder::new(bytes).map(|s| s.map(|s| (s.at.0, s.value.to_bits())).expect("whole chunk")).collect()
    }

    #[test]
    fn bytes_of_a_small_chunk() {
        let chunk = encode(&[(1000, 1.0), (6000, 1.0), (11_000, 2.0), (16_001, STALE_NAN)]);
        let hex: String = chunk.bytes().iter().map(|b| format!("{b:02x}")).collect();
        expect!["0004d00f3ff000000000000088273097ffe000717bff80000000000010"].assert_eq(&hex);
    }

    #[test]
    fn all_widths_of_time_steps() {
        for change in
            [0, 1, -1, 8191, 8192, 8193, -8191, -8192, 65_536, 65_537, -65_535, -65_536, 524_288, 524_289, -524_287, -524_288, 1 << 40]
        {
            let first = 1i64 << 20;
            let samples = [(0, 1.0), (first, 1.0), (2 * first + change, 1.0), (5 * first + 2 * i64::abs(change), -0.0)];
            let expected: Vec<_> = samples.iter().map(|(t, v): &(i64, f64)| (*t, v.to_bits())).collect();
            assert_eq!(decode(encode(&samples).bytes()), expected, "{change}");
        }
    }

    proptest! {
        #[test]
        fn samples_come_back(start in any::<i32>(), samples in prop::collection::vec((1u32.., prop_oneof![any::<f64>(), Just(1.5), Just(STALE_NAN), (0i32..100).prop_map(f64::from)]), 1..130)) {
            let mut at = i64::from(start) * 1000;
            let samples: Vec<(i64, f64)> = samples.into_iter().map(|(step, value)| { at += i64::from(step); (at, value) }).collect();
            let chunk = encode(&samples);
            prop_assert_eq!(decode(chunk.bytes()), samples.iter().map(|(t, v)| (*t, v.to_bits())).collect::<Vec<_>>());
            prop_assert_eq!(first_time(chunk.bytes()), Some(samples[0].0));
        }

        #[test]
        fn rubbish_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Decoder::new(&bytes).count();
        }
    }
}
