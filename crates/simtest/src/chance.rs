//! Chance that can be repeated: SplitMix64 (Steele, Lea, Flood 2014).

pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Chance {
        Chance(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to `below` - 1.
    pub fn number(&mut self, below: u64) -> u64 {
        self.next() % below.max(1)
    }

    /// One of the list.
    pub fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list.get(self.number(list.len() as u64) as usize).copied().unwrap_or_default()
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.number(n) == 0
    }
}
