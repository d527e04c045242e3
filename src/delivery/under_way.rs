//! Which answers are on their way to caches outside: one that was made of an old state must have arrived before it is
//! purged, or it would be kept afterwards.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// From when an answer has been sent until a cache has it.
const TRANSPORT: Duration = Duration::from_millis(5);

/// Counts the answers that are being made and sent, by epochs: those of the epoch before have begun before it ended. An
/// epoch is waited for once, so that who takes an answer very slowly holds up one purge.
#[derive(Default)]
pub(super) struct UnderWay {
    counts: Mutex<Counts>,
    left: Condvar,
}

#[derive(Default)]
struct Counts {
    epoch: u64,
    /// There is no entry for none.
    by_epoch: BTreeMap<u64, usize>,
}

/// An answer that has not been sent yet.
pub struct OnItsWay {
    under_way: Arc<UnderWay>,
    epoch: u64,
}

impl UnderWay {
    pub(super) fn enter(self: &Arc<Self>) -> OnItsWay {
        let mut counts = self.counts();
        let epoch = counts.epoch;
        *counts.by_epoch.entry(epoch).or_default() += 1;
        OnItsWay {
            under_way: Arc::clone(self),
            epoch,
        }
    }

    /// Blocks until what is on its way now has arrived; not longer than `patience`.
    pub(super) fn settle(&self, patience: Duration) {
        let mut counts = self.counts();
        let before = counts.epoch;
        counts.epoch += 1;
        let is_on_its_way = |counts: &mut Counts| counts.by_epoch.contains_key(&before);
        let waited = self
            .left
            .wait_timeout_while(counts, patience, is_on_its_way);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        thread::sleep(TRANSPORT);
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OnItsWay {
    fn drop(&mut self) {
        let mut counts = self.under_way.counts();
        let Some(count) = counts.by_epoch.get_mut(&self.epoch) else {
            return;
        };
        *count -= 1;
        if *count == 0 {
            counts.by_epoch.remove(&self.epoch);
            drop(counts);
            self.under_way.left.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn what_began_before_is_waited_for_once_and_what_began_after_is_not() {
        let under_way = Arc::new(UnderWay::default());
        let patience = Duration::from_millis(40);
        let settled_within = |patience| {
            let began = Instant::now();
            under_way.settle(patience);
            began.elapsed()
        };
        let stuck = under_way.enter();
        assert!(settled_within(patience) >= patience, "it gives up");
        let long = Duration::from_secs(600);
        assert!(settled_within(long) < long, "and does not wait again");
        drop(stuck);

        let old = under_way.enter();
        let epoch = under_way.counts().epoch;
        thread::scope(|scope| {
            let settled = scope.spawn(|| under_way.settle(long));
            while under_way.counts().epoch == epoch {
                thread::yield_now();
            }
            let new = under_way.enter();
            assert!(!settled.is_finished());
            drop(old);
            settled.join().unwrap();
            drop(new);
        });
        assert!(under_way.counts().by_epoch.is_empty());
    }
}
