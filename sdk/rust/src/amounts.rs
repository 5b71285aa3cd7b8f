//! Amounts of resources: what a task needs, what an offer has.
//!
//! Amounts are whole thousandths of Mesos's unit in an `f64`, as in the
//! contract, so sums and comparisons are exact and need no tolerance. Nothing
//! here knows offers or tasks.

use std::ops::{Add, AddAssign};

/// Whole thousandths of a number in Mesos's unit: `milli(1.5)` is 1500.
///
/// Rounds to the nearest thousandth like Mesos does.
pub fn milli(unit: f64) -> f64 {
    (unit * 1000.0).round()
}

/// Five resources in whole thousandths; `ports` is a number of single ports.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Amounts {
    /// Thousandths of a CPU.
    pub cpus: f64,
    /// Thousandths of a MiB.
    pub mem: f64,
    /// Thousandths of a MiB.
    pub disk: f64,
    /// Thousandths of a GPU.
    pub gpus: f64,
    /// Single ports.
    pub ports: u32,
}

impl Amounts {
    /// Nothing of anything.
    pub const ZERO: Self = Self {
        cpus: 0.0,
        mem: 0.0,
        disk: 0.0,
        gpus: 0.0,
        ports: 0,
    };

    /// CPUs and MiB in Mesos's units, the rest zero: `of(1.5, 32.0)` is 1.5
    /// CPUs and 32 MiB.
    pub fn of(cpus: f64, mem: f64) -> Self {
        Self {
            cpus: milli(cpus),
            mem: milli(mem),
            ..Self::ZERO
        }
    }

    /// Whether a task that needs `need` fits.
    pub fn fits(&self, need: &Self) -> bool {
        need.cpus <= self.cpus
            && need.mem <= self.mem
            && need.disk <= self.disk
            && need.gpus <= self.gpus
            && need.ports <= self.ports
    }

    /// How many tasks that need `need` each fit. `u32::MAX` if they need
    /// nothing.
    pub fn capacity(&self, need: &Self) -> u32 {
        let mut most = f64::from(u32::MAX);
        for (have, need) in [
            (self.cpus, need.cpus),
            (self.mem, need.mem),
            (self.disk, need.disk),
            (self.gpus, need.gpus),
        ] {
            if need > 0.0 {
                most = most.min(have / need);
            }
        }
        if let Some(times) = self.ports.checked_div(need.ports) {
            most = most.min(f64::from(times));
        }
        // Rounds down, and takes what is below zero or no number for zero. The
        // quotient of whole numbers below 2^53 never rounds up to a whole
        // number that it has not reached.
        most as u32
    }

    /// What is left after `other` was taken; zero where it is more than there
    /// is.
    pub fn minus(&self, other: &Self) -> Self {
        Self {
            cpus: (self.cpus - other.cpus).max(0.0),
            mem: (self.mem - other.mem).max(0.0),
            disk: (self.disk - other.disk).max(0.0),
            gpus: (self.gpus - other.gpus).max(0.0),
            ports: self.ports.saturating_sub(other.ports),
        }
    }

    /// `count` times as much.
    pub fn times(&self, count: u32) -> Self {
        let factor = f64::from(count);
        Self {
            cpus: self.cpus * factor,
            mem: self.mem * factor,
            disk: self.disk * factor,
            gpus: self.gpus * factor,
            ports: self.ports.saturating_mul(count),
        }
    }

    /// The larger of the two, resource by resource.
    pub fn max(&self, other: &Self) -> Self {
        Self {
            cpus: self.cpus.max(other.cpus),
            mem: self.mem.max(other.mem),
            disk: self.disk.max(other.disk),
            gpus: self.gpus.max(other.gpus),
            ports: self.ports.max(other.ports),
        }
    }

    /// The smaller of the two, resource by resource.
    pub fn min(&self, other: &Self) -> Self {
        Self {
            cpus: self.cpus.min(other.cpus),
            mem: self.mem.min(other.mem),
            disk: self.disk.min(other.disk),
            gpus: self.gpus.min(other.gpus),
            ports: self.ports.min(other.ports),
        }
    }
}

impl Add for Amounts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            cpus: self.cpus + other.cpus,
            mem: self.mem + other.mem,
            disk: self.disk + other.disk,
            gpus: self.gpus + other.gpus,
            ports: self.ports.saturating_add(other.ports),
        }
    }
}

impl AddAssign for Amounts {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tenths_of_a_cpu_add_up() {
        let need = Amounts::of(0.1, 32.0);
        assert_eq!(Amounts::of(1.0, 3200.0).capacity(&need), 10);
        assert_eq!(need.times(10), Amounts::of(1.0, 320.0));
        assert_eq!(Amounts::of(0.3, 96.0).minus(&need.times(3)), Amounts::ZERO);
    }

    #[test]
    fn nothing_fits_any_number_of_times() {
        assert_eq!(Amounts::ZERO.capacity(&Amounts::ZERO), u32::MAX);
        assert!(Amounts::ZERO.fits(&Amounts::ZERO));
    }

    fn amounts() -> impl Strategy<Value = Amounts> {
        let large = 1_u64 << 50;
        let one = move || prop_oneof![0..20_u64, 0..100_000_u64, 0..large];
        (one(), one(), one(), one(), 0..1000_u32).prop_map(|(c, m, d, g, ports)| Amounts {
            cpus: c as f64,
            mem: m as f64,
            disk: d as f64,
            gpus: g as f64,
            ports,
        })
    }

    proptest! {
        #[test]
        fn capacity_is_the_largest_number_that_fits(room in amounts(), need in amounts()) {
            let count = room.capacity(&need);
            if count < 1000 {
                prop_assert!(room.fits(&need.times(count)));
                prop_assert!(!room.fits(&need.times(count + 1)));
            }
            prop_assert_eq!(count >= 1, room.fits(&need));
        }

        #[test]
        fn what_is_taken_and_given_back_is_what_was_there(room in amounts(), need in amounts()) {
            if room.fits(&need) {
                prop_assert_eq!(room.minus(&need) + need, room);
            }
        }
    }
}
