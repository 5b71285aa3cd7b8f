//! Amounts of a scalar resource in thousandths of Mesos's unit.
//!
//! Mesos rounds every scalar to three decimals before it compares or adds, so
//! this is the arithmetic that decides whether it accepts a launch.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, Sub, SubAssign};

use serde::{Deserialize, Serialize};

/// Whole thousandths (milli-CPUs, thousandths of a MiB).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Milli(pub i64);

/// Largest amount taken from outside: 2^51 thousandths, which are exact in an
/// `f64` as thousandths and, rounded to three decimals, in Mesos's unit.
const MAX: f64 = 2_251_799_813_685_248.0;

impl Milli {
    pub const ZERO: Self = Self(0);

    /// From Mesos's unit, rounded to the nearest thousandth as Mesos does.
    /// `None` if negative, not a number, or beyond 2^51 thousandths.
    pub fn from_units(units: f64) -> Option<Self> {
        Self::from_thousandths((units * 1000.0).round())
    }

    /// From a number of thousandths as the policy contract carries them.
    /// `None` if negative, not whole, not a number, or too large.
    pub fn from_thousandths(value: f64) -> Option<Self> {
        // The cast is exact: whole and not too large.
        ((0.0..=MAX).contains(&value) && value.fract() == 0.0).then_some(Self(value as i64))
    }

    /// In Mesos's unit.
    pub fn units(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// In thousandths, for the policy contract.
    pub fn thousandths(self) -> f64 {
        self.0 as f64
    }

    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// `self - other`, not below zero.
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0).max(0))
    }
}

impl fmt::Display for Milli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.units())
    }
}

impl Add for Milli {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Milli {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl AddAssign for Milli {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Milli {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Mul<u32> for Milli {
    type Output = Self;
    fn mul(self, times: u32) -> Self {
        Self(self.0.saturating_mul(i64::from(times)))
    }
}

impl Sum for Milli {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_as_mesos_does() {
        assert_eq!(Milli::from_units(0.1), Some(Milli(100)));
        assert_eq!(Milli::from_units(0.1 + 0.2), Some(Milli(300)));
        assert_eq!(Milli::from_units(0.0004), Some(Milli(0)));
        assert_eq!(Milli::from_units(0.0005), Some(Milli(1)));
        assert_eq!(Milli::from_units(-0.1), None);
        assert_eq!(Milli::from_units(f64::NAN), None);
        assert_eq!(Milli::from_units(f64::INFINITY), None);
        assert_eq!(Milli::from_thousandths(0.5), None);
    }
}
