//! Numbers that look random and follow from a seed alone.

use std::time::Duration;

/// A generator of numbers that look random and follow from a seed alone: SplitMix64, which is the same everywhere and
/// in every version.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The numbers that follow from this seed.
    pub fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to, but not including, 1.
    fn share(&mut self) -> f64 {
        // The upper 53 bits are as many as a double holds.
        (self.number() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A time from zero up to `longest`.
    pub fn time_up_to(&mut self, longest: Duration) -> Duration {
        longest.mul_f64(self.share())
    }
}
