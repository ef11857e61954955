//! The real clock: the only file of the program that asks what time it is.
//!
//! In:    nothing. Out: `Timestamp` for the stages, `Stopwatch` for durations of our own metrics.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bellbuoy_vocabulary::{Millis, Timestamp};

/// The time now, in milliseconds since 1970.
pub fn now() -> Timestamp {
    of(SystemTime::now())
}

/// A time that the operating system says, of a file for example.
pub fn of(time: SystemTime) -> Timestamp {
    Timestamp(time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_millis() as i64)
}

/// How long to wait until `at`; nothing when it has passed.
pub fn until(at: Timestamp) -> Duration {
    (at - now()).to_std()
}

/// Measures how long something took, unaffected by steps of the wall clock.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    pub fn start() -> Stopwatch {
        Stopwatch(Instant::now())
    }

    pub fn seconds(self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }

    pub fn elapsed(self) -> Millis {
        Millis(self.0.elapsed().as_millis() as i64)
    }
}

/// A random UUID (version 4) in its usual text.
pub fn uuid() -> String {
    use std::io::Read as _;
    let mut bytes = [0u8; 16];
    let read = std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    if read.is_err() {
        // Without a source of randomness the clock has to do: two ids differ as long as they are not made in the same nanosecond.
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_nanos();
        bytes = nanos.to_be_bytes();
    }
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// A number in 0..1 for jitter. It needs no secrecy, only that two processes differ.
pub fn jitter() -> f64 {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_nanos() as u64;
    // One round of splitmix64 spreads the low bits of the clock over the word.
    let mut word = nanos.wrapping_add(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (word >> 11) as f64 / (1u64 << 53) as f64
}
