//! How much of the processor's time goes into making anew what could still be given.

use std::sync::{Mutex, PoisonError};

use crate::cache::drift::Drift;

/// A part in so many of one processor's time.
const SHARE: i64 = 20;
/// Microseconds that are saved up at the most, and owed at the most.
const MOST: i64 = 100_000;

/// Time that is earned as time goes by, and spent on what is made anew.
#[derive(Default)]
pub struct Budget(Mutex<Account>);

struct Account {
    /// Microseconds; below zero they are owed.
    left: i64,
    /// Unix microseconds.
    earned_until: i64,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            left: MOST,
            earned_until: i64::MIN,
        }
    }
}

impl Budget {
    /// Whether there is time at `now` (unix microseconds) for something that has drifted. What came near may be owed;
    /// the rest leaves half for it.
    pub fn allows(&self, drift: Drift, now: i64) -> bool {
        let mut account = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now.saturating_sub(account.earned_until);
        if passed > 0 {
            account.left = account.left.saturating_add(passed / SHARE).min(MOST);
            // What is less than a microsecond's worth is earned the next time.
            account.earned_until = now - passed % SHARE;
        }
        match drift {
            Drift::None => false,
            Drift::Far => account.left >= MOST / 2,
            Drift::Near => account.left > -MOST,
        }
    }

    /// Takes so many microseconds away: one that took long for another's sake must not be owed for ever.
    pub fn spend(&self, micros: i64) {
        let mut account = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        account.left = account.left.saturating_sub(micros).max(-MOST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_far_leaves_time_for_what_is_near() {
        let budget = Budget::default();
        assert!(budget.allows(Drift::Far, 0));
        budget.spend(MOST / 2 + 1);
        assert!(!budget.allows(Drift::Far, 0));
        assert!(budget.allows(Drift::Near, 0));
        budget.spend(2 * MOST);
        assert!(!budget.allows(Drift::Near, 0));
    }

    #[test]
    fn time_is_earned_as_it_goes_by_and_saved_up_to_a_bound() {
        let budget = Budget::default();
        assert!(budget.allows(Drift::Near, 0));
        budget.spend(2 * MOST);
        // In small steps no part of it gets lost.
        let allowed: Vec<bool> = (1..=2 * SHARE)
            .map(|now| budget.allows(Drift::Near, now))
            .collect();
        assert_eq!(
            (allowed.first(), allowed.last()),
            (Some(&false), Some(&true))
        );
        assert!(!budget.allows(Drift::Far, 2 * SHARE));
        assert!(budget.allows(Drift::Far, i64::MAX));
        budget.spend(MOST);
        assert!(!budget.allows(Drift::Far, i64::MAX));
    }
}
