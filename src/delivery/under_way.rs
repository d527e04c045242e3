//! Which answers are on their way to caches outside: one that was made of an old state must have arrived before it is
//! purged, or it would be kept afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// From when an answer has been sent until a cache has it.
const TRANSPORT: Duration = Duration::from_millis(5);
const BETWEEN_LOOKS: Duration = Duration::from_micros(500);

/// Counts the answers that are being made and sent, by epochs: those of the epoch before have begun before it ended.
#[derive(Default)]
pub(super) struct UnderWay {
    epoch: AtomicUsize,
    counts: [AtomicUsize; 2],
}

/// An answer that has not been sent yet.
pub struct OnItsWay {
    under_way: Arc<UnderWay>,
    epoch: usize,
}

impl UnderWay {
    pub(super) fn enter(self: &Arc<Self>) -> OnItsWay {
        loop {
            let epoch = self.epoch.load(Ordering::SeqCst);
            self.count(epoch).fetch_add(1, Ordering::SeqCst);
            let entered = OnItsWay {
                under_way: Arc::clone(self),
                epoch,
            };
            // Otherwise it may have been counted after the count was looked at.
            if self.epoch.load(Ordering::SeqCst) == epoch {
                return entered;
            }
        }
    }

    /// Blocks until what is on its way now has arrived; not longer than `patience`.
    pub(super) fn settle(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        let before = self.epoch.fetch_add(1, Ordering::SeqCst);
        while self.count(before).load(Ordering::SeqCst) > 0 && Instant::now() < deadline {
            thread::sleep(BETWEEN_LOOKS);
        }
        thread::sleep(TRANSPORT);
    }

    fn count(&self, epoch: usize) -> &AtomicUsize {
        &self.counts[epoch % 2]
    }
}

impl Drop for OnItsWay {
    fn drop(&mut self) {
        let count = self.under_way.count(self.epoch);
        count.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_began_before_is_waited_for_and_what_began_after_is_not() {
        let under_way = Arc::new(UnderWay::default());
        let old = under_way.enter();
        let began = Instant::now();
        under_way.settle(Duration::from_millis(40));
        assert!(began.elapsed() >= Duration::from_millis(40), "it gives up");
        drop(old);

        let old = under_way.enter();
        thread::scope(|scope| {
            let settled = scope.spawn(|| under_way.settle(Duration::from_secs(600)));
            while under_way.epoch.load(Ordering::SeqCst) < 2 {
                thread::yield_now();
            }
            let new = under_way.enter();
            drop(old);
            settled.join().unwrap();
            drop(new);
        });
    }
}
