//! Which answers are on their way to caches outside: one that was made of an old state must have arrived before it is
//! purged, or it would be kept afterwards.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// From when an answer has been sent until a cache has it: as long as the cache took for its last purge, within these.
const TRANSPORT: RangeInclusive<Duration> = Duration::from_millis(5)..=Duration::from_millis(100);

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
    /// What began in this epoch or before is not waited for any more.
    given_up: Option<u64>,
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

    /// Blocks until what is on its way now has arrived; not longer than `patience` until it has been sent. `took` is how long
    /// the cache took for its last purge: one that is slow to answer is slow to store, too.
    pub(super) fn settle(&self, patience: Duration, took: Duration) {
        let mut counts = self.counts();
        let before = counts.epoch;
        counts.epoch += 1;
        let is_on_its_way = |counts: &mut Counts| counts.by_epoch.contains_key(&before);
        let waited = self
            .left
            .wait_timeout_while(counts, patience, is_on_its_way);
        let mut counts = waited.unwrap_or_else(PoisonError::into_inner).0;
        if is_on_its_way(&mut counts) {
            counts.given_up = Some(before);
        }
        drop(counts);
        thread::sleep(took.clamp(*TRANSPORT.start(), *TRANSPORT.end()));
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OnItsWay {
    /// Whether a purge did not wait for it to the end: what it shows may have been purged, so no cache outside must keep it.
    pub fn is_late(&self) -> bool {
        let given_up = self.under_way.counts().given_up;
        given_up.is_some_and(|epoch| self.epoch <= epoch)
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
            under_way.settle(patience, Duration::ZERO);
            began.elapsed()
        };
        let stuck = under_way.enter();
        assert!(!stuck.is_late());
        assert!(settled_within(patience) >= patience, "it gives up");
        let long = Duration::from_secs(600);
        assert!(settled_within(long) < long, "and does not wait again");
        assert!(stuck.is_late());
        drop(stuck);

        let old = under_way.enter();
        assert!(!old.is_late());
        let epoch = under_way.counts().epoch;
        thread::scope(|scope| {
            let settled = scope.spawn(|| under_way.settle(long, Duration::ZERO));
            while under_way.counts().epoch == epoch {
                thread::yield_now();
            }
            let new = under_way.enter();
            assert!(!settled.is_finished());
            drop(old);
            settled.join().unwrap();
            assert!(!new.is_late());
            drop(new);
        });
        assert!(under_way.counts().by_epoch.is_empty());
    }
}
