//! Timers that policies set for themselves.

use std::time::Duration;

use crate::Instant;
use crate::ids::PolicyHandle;
use crate::policy::{Millis, PolicyEvent};

use super::{Machine, Timer};

/// Most timers that one policy has set and that have not come yet. Each is kept
/// in the host's memory, which a policy must not fill.
const TIMERS: usize = 256;

/// Shortest time until a timer comes: one that sets itself again makes at most a
/// hundred rounds a second.
const SHORTEST: Duration = Duration::from_millis(10);

/// Longest time until a timer comes, about 30 years. (Longer ones have no form as
/// an instant.)
const LONGEST: f64 = 1e9;

impl Machine {
    /// Sets a timer in place of that of the same number, or takes it back.
    pub(super) fn set_timer(
        &mut self,
        handle: PolicyHandle,
        number: u32,
        after: Millis,
    ) -> Result<(), String> {
        let now = self.now;
        let Some(policy) = self.policy_mut(handle) else {
            return Ok(());
        };
        let Some(seconds) = after.seconds() else {
            self.cancel_timer(handle, number);
            return Ok(());
        };
        if policy.timers.len() >= TIMERS && !policy.timers.contains_key(&number) {
            return Err(format!(
                "timer {number}: {TIMERS} timers are set already, and more are not kept; cancel \
                 one or use its number again"
            ));
        }
        self.cancel_timer(handle, number);
        let at = now + Duration::from_secs_f64(seconds.min(LONGEST)).max(SHORTEST);
        if let Some(policy) = self.policy_mut(handle) {
            policy.timers.insert(number, at);
        }
        self.arm(at, Timer::PolicyAsked(handle, number));
        Ok(())
    }

    fn cancel_timer(&mut self, handle: PolicyHandle, number: u32) {
        let set = self
            .policy_mut(handle)
            .and_then(|policy| policy.timers.remove(&number));
        if let Some(at) = set {
            self.timers
                .remove(&(at, Timer::PolicyAsked(handle, number)));
        }
    }

    /// A timer has come.
    pub(super) fn policy_timer(&mut self, handle: PolicyHandle, number: u32, at: Instant) {
        if let Some(policy) = self.policy_mut(handle)
            && policy.timers.get(&number) == Some(&at)
        {
            policy.timers.remove(&number);
            policy.tell(PolicyEvent::Timer(number));
        }
    }
}
