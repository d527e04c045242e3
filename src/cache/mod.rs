//! Finished answers, kept until something in them changes.
//!
//! What is kept says what it was made of ([`Depends`]): groups, which have the names of the answer's cache tags; the
//! stretch of a list that it shows; and the time up to which nothing in it changes by itself. The [`Ledger`] says what
//! has moved, line of the change log by line. An answer is looked at anew, when it is asked for, after the ledger has
//! moved; in between a hit compares two numbers.
//!
//! A ranking is older than the newest articles without being wrong: the articles that it shows are as they are now, or it
//! has ended.
//! So one that may have moved is still given while it is made anew, for one who asks, within a [`Budget`] of the
//! processor's time: at many writes a second rankings lag behind, and reads do not.
//!
//! No answer is taken out when something moves. Each carries the line of the log that it is sure to have seen, and is
//! worth nothing once one of its groups has moved at a later line. So it does not matter whether it was kept before or
//! after the move, and a slow reader cannot put an old state back.

mod aged;
mod budget;
mod depends;
mod drift;
mod flights;
mod ledger;

use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use quick_cache::Weighter;

pub use depends::{Depends, Groups, Place, Ranks, Stretch};
pub use drift::LAGS_FAR;
pub use flights::{Flight, Turn};
pub use ledger::{Ledger, Moved, Moves, RANKINGS, Seen};

use budget::Budget;
use drift::Drift;
use flights::Flights;

/// What a kept answer costs besides its bytes.
const OVERHEAD: u64 = 1_000;
/// A longer address is answered, and not remembered.
const MAX_KEY: usize = 2_000;
/// Microseconds after which someone else makes anew what one was to make.
const CLAIM: i64 = 1_000_000;

/// Answers by the address they were asked for under, within a number of bytes.
pub struct Cache<T> {
    by_address: quick_cache::sync::Cache<Box<str>, Arc<Kept<T>>, ByWeight>,
    /// The same by what was asked for, in whatever words. Weak, so that memory is counted in one place.
    by_question: quick_cache::sync::Cache<Box<str>, Weak<Kept<T>>>,
    flights: Flights,
    ledger: Arc<Ledger>,
    /// For making rankings anew that may still be given.
    budget: Budget,
}

/// An answer, and until when it is good.
pub struct Kept<T> {
    pub answer: T,
    weight: u64,
    depends: Depends,
    /// Unix microseconds: the moment as of which it was made.
    made_at: i64,
    /// Unix microseconds: from then on it is not good.
    until: AtomicI64,
    /// The line of the log up to which nothing in it has moved.
    seen: AtomicI64,
    /// The ledger's state in which that was found.
    looked: AtomicU64,
    /// How much what it ranks has moved since, as a [`Drift`].
    drift: AtomicU8,
    /// The ledger's count of neighbourhoods when it was made.
    neighbourhoods: u64,
    /// Microseconds that it took to make.
    took: i64,
    /// Unix microseconds: until then someone is making it anew.
    claimed: AtomicI64,
}

/// What was known before an answer was made, and what it took.
pub struct Making {
    /// Unix microseconds: the moment as of which it was made.
    pub made_at: i64,
    /// A line of the log that the reader's snapshot surely had.
    pub seen: i64,
    /// As [`Ledger::neighbourhoods`] told before.
    pub neighbourhoods: u64,
    /// Microseconds.
    pub took: i64,
}

/// Whether an answer may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Good,
    /// Also while it is made anew.
    Due(Drift),
    Ended,
}

#[derive(Clone)]
struct ByWeight;

impl<T> Weighter<Box<str>, Arc<Kept<T>>> for ByWeight {
    fn weight(&self, key: &Box<str>, kept: &Arc<Kept<T>>) -> u64 {
        kept.weight + key.len() as u64
    }
}

impl<T> Kept<T> {
    pub fn new(answer: T, bytes: usize, depends: Depends, making: &Making) -> Self {
        Self {
            answer,
            weight: bytes as u64 + OVERHEAD + depends.bytes() as u64,
            until: AtomicI64::new(depends.until),
            depends,
            made_at: making.made_at,
            seen: AtomicI64::new(making.seen),
            looked: AtomicU64::new(ledger::NEVER),
            drift: AtomicU8::new(Drift::None as u8),
            neighbourhoods: making.neighbourhoods,
            took: making.took,
            claimed: AtomicI64::new(i64::MIN),
        }
    }

    fn drift(&self) -> Drift {
        Drift::of(self.drift.load(Ordering::Acquire))
    }
}

impl<T> Cache<T> {
    /// One that keeps about this many bytes.
    pub fn new(bytes: u64, ledger: Arc<Ledger>) -> Self {
        // A guess at how many there will be; it sizes tables, and does not bound anything.
        let items = usize::try_from(bytes / 10_000).unwrap_or(usize::MAX);
        let items = items.clamp(16, 1_000_000);
        Self {
            by_address: quick_cache::sync::Cache::with_weighter(items, bytes, ByWeight),
            by_question: quick_cache::sync::Cache::new(items),
            flights: Flights::default(),
            ledger,
            budget: Budget::default(),
        }
    }

    /// What was answered under this address, if it may be given at `now` (unix microseconds). `None` also for what is
    /// better made anew: [`Cache::to_question`] decides.
    pub fn at_address(&self, address: &str, now: i64) -> Option<Arc<Kept<T>>> {
        let kept = self.by_address.get(address)?;
        let may_be_given = match self.standing(&kept, now) {
            Standing::Good => true,
            Standing::Due(drift) => {
                now < kept.claimed.load(Ordering::Acquire) || !self.budget.allows(drift, now)
            }
            Standing::Ended => false,
        };
        may_be_given.then_some(kept)
    }

    /// What was answered to this question, under whatever address; from now on under this one, too. `None`: whoever
    /// asks is to make it, be it for that others go on with what there is.
    pub fn to_question(&self, question: &str, address: &str, now: i64) -> Option<Arc<Kept<T>>> {
        let kept = self.by_question.get(question)?.upgrade()?;
        match self.standing(&kept, now) {
            Standing::Good => {}
            Standing::Due(drift) if self.claim(&kept, drift, now) => return None,
            Standing::Due(_) => {}
            Standing::Ended => return None,
        }
        if address.len() <= MAX_KEY {
            self.by_address.insert(address.into(), Arc::clone(&kept));
        }
        Some(kept)
    }

    /// Keeps an answer, in the place of what was there.
    pub fn keep(&self, question: &str, address: &str, kept: Kept<T>) {
        if question.len() > MAX_KEY || address.len() > MAX_KEY {
            return;
        }
        let kept = Arc::new(kept);
        self.by_question
            .insert(question.into(), Arc::downgrade(&kept));
        self.by_address.insert(address.into(), kept);
    }

    /// A place among those who want this answered, of whom one does the work.
    pub fn join(&self, question: &str) -> Turn<'_> {
        self.flights.join(question)
    }

    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Answers kept, under whatever addresses, and their bytes.
    pub fn size(&self) -> (usize, u64) {
        (self.by_address.len(), self.by_address.weight())
    }

    fn standing(&self, kept: &Kept<T>, now: i64) -> Standing {
        let in_time =
            |kept: &Kept<T>| kept.made_at <= now && now < kept.until.load(Ordering::Relaxed);
        if !in_time(kept) || !self.ledger.is_trusted() {
            return Standing::Ended;
        }
        let is_current = kept.looked.load(Ordering::Acquire) == self.ledger.state()
            || (self.look(kept) && in_time(kept));
        if !is_current {
            return Standing::Ended;
        }
        match kept.drift() {
            Drift::None => Standing::Good,
            _ if now < kept.made_at.saturating_add(self.ledger.lag()) => Standing::Good,
            drift => Standing::Due(drift),
        }
    }

    /// Whether it falls to the caller to make anew what may still be given.
    fn claim(&self, kept: &Kept<T>, drift: Drift, now: i64) -> bool {
        let claimed = kept.claimed.load(Ordering::Acquire);
        if now < claimed || !self.budget.allows(drift, now) {
            return false;
        }
        let until = now.saturating_add(CLAIM);
        let is_mine = kept
            .claimed
            .compare_exchange(claimed, until, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok();
        if is_mine {
            self.budget.spend(kept.took);
        }
        is_mine
    }

    /// Whether nothing has moved in it since it was looked at last.
    fn look(&self, kept: &Kept<T>) -> bool {
        let seen = kept.seen.load(Ordering::Acquire);
        let made = (kept.made_at, kept.neighbourhoods);
        let Some(look) = self.ledger.look(&kept.depends, seen, made) else {
            return false;
        };
        kept.drift.fetch_max(look.drift as u8, Ordering::AcqRel);
        // Lowered only: two that look at once must not undo each other.
        kept.until.fetch_min(look.until, Ordering::AcqRel);
        kept.seen.fetch_max(look.position, Ordering::AcqRel);
        kept.looked.store(look.state, Ordering::Release);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache() -> Cache<&'static str> {
        Cache::new(1_000_000, Arc::new(Ledger::at(10, 0)))
    }

    fn kept(answer: &'static str, groups: &[&str], seen: i64) -> Kept<&'static str> {
        made(answer, Depends::on(groups.iter().copied()), seen)
    }

    fn made(answer: &'static str, depends: Depends, seen: i64) -> Kept<&'static str> {
        let making = Making {
            made_at: 100,
            seen,
            neighbourhoods: 0,
            took: 1_000,
        };
        Kept::new(answer, answer.len(), depends, &making)
    }

    fn moved(groups: &[&str]) -> Moves {
        Moves {
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            articles: Vec::new(),
        }
    }

    fn found(cache: &Cache<&'static str>, address: &str) -> Option<&'static str> {
        cache.at_address(address, 100).map(|kept| kept.answer)
    }

    #[test]
    fn an_answer_is_good_until_one_of_its_groups_moves() {
        let cache = cache();
        cache.keep("q", "/a", kept("old", &["article-1", "tag-2"], 10));
        assert_eq!(found(&cache, "/a"), Some("old"));
        cache.ledger().record(11, &moved(&["article-2"]));
        assert_eq!(found(&cache, "/a"), Some("old"));
        cache.ledger().record(12, &moved(&["tag-2"]));
        assert_eq!(found(&cache, "/a"), None);
        cache.keep("q", "/a", kept("new", &["article-1", "tag-2"], 12));
        assert_eq!(found(&cache, "/a"), Some("new"));
    }

    #[test]
    fn a_slow_reader_cannot_put_an_old_state_back() {
        let cache = cache();
        cache.ledger().record(11, &moved(&["article-1"]));
        cache.keep("q", "/a", kept("old", &["article-1"], 10));
        assert_eq!(found(&cache, "/a"), None);
        cache.keep("q", "/b", kept("other", &["article-2"], 10));
        assert_eq!(found(&cache, "/b"), Some("other"));
    }

    #[test]
    fn one_answer_serves_every_spelling() {
        let cache = cache();
        cache.keep("q", "/a?x=1&y=2", kept("one", &["a"], 10));
        assert_eq!(found(&cache, "/a?y=2&x=1"), None);
        assert!(cache.to_question("q", "/a?y=2&x=1", 100).is_some());
        assert_eq!(found(&cache, "/a?y=2&x=1"), Some("one"));
    }

    #[test]
    fn time_ends_an_answer_and_does_not_run_backwards_for_it() {
        let cache = cache();
        let depends = Depends {
            until: 200,
            ..Depends::on(["a"])
        };
        cache.keep("q", "/a", made("one", depends, 10));
        assert!(cache.at_address("/a", 199).is_some());
        assert!(cache.at_address("/a", 200).is_none());
        assert!(cache.at_address("/a", 99).is_none());
    }

    #[test]
    fn nothing_is_served_while_a_write_is_not_followed() {
        let cache = cache();
        cache.keep("q", "/a", kept("one", &["a"], 10));
        cache.ledger().distrust_until(11);
        assert_eq!(found(&cache, "/a"), None);
        cache.ledger().record(11, &moved(&["b"]));
        assert_eq!(found(&cache, "/a"), Some("one"));
    }

    #[test]
    fn a_ranking_is_given_while_one_makes_it_anew() {
        const LAG: i64 = 1_000_000;
        const DUE: i64 = 100 + LAG;
        let cache = Cache::new(1_000_000, Arc::new(Ledger::at(10, LAG)));
        let ranking = |answer| {
            let depends = Depends {
                ranks: Ranks::Neighbours([1].into()),
                ..Depends::on(["article-1"])
            };
            made(answer, depends, 10)
        };
        cache.keep("q", "/a", ranking("old"));
        cache.ledger().record(11, &moved(&[RANKINGS]));
        let at = |now| cache.at_address("/a", now).map(|kept| kept.answer);
        let to = |now| cache.to_question("q", "/a", now).map(|kept| kept.answer);
        // Not yet.
        assert_eq!((at(DUE - 1), to(DUE - 1)), (Some("old"), Some("old")));
        // One is sent to make it, and is the only one.
        assert_eq!((at(DUE), to(DUE)), (None, None));
        assert_eq!((at(DUE), to(DUE)), (Some("old"), Some("old")));
        // It came to nothing.
        assert_eq!(to(DUE + CLAIM), None);
        // There is no time for it.
        cache.budget.spend(i64::MAX / 2);
        let later = DUE + 2 * CLAIM;
        assert_eq!((at(later), to(later)), (Some("old"), Some("old")));
        // What it shows has moved.
        cache.ledger().record(12, &moved(&["article-1"]));
        assert_eq!((at(later), to(later)), (None, None));
    }

    #[test]
    fn a_ranking_that_the_engine_keeps_is_made_anew_once_something_came_near_or_in_time() {
        const LAG: i64 = 1_000_000;
        let cache = Cache::new(1_000_000, Arc::new(Ledger::at(10, LAG)));
        let depends = Depends {
            ranks: Ranks::Ranking([1].into()),
            ..Depends::on(["article-1"])
        };
        cache.keep("q", "/a", made("old", depends, 10));
        let at = |now| cache.at_address("/a", now).map(|kept| kept.answer);
        cache.ledger().record(11, &moved(&[RANKINGS]));
        cache.ledger().record_near(Some(&[2]));
        let last = 100 + LAG * LAGS_FAR - 1;
        assert_eq!((at(100 + 2 * LAG), at(last)), (Some("old"), Some("old")));
        assert_eq!(at(last + 1), None);
        cache.ledger().record_near(Some(&[1]));
        assert_eq!((at(100), at(100 + LAG)), (Some("old"), None));
    }

    #[test]
    fn no_more_is_kept_than_was_asked_for() {
        let cache = cache();
        for number in 0..2_000 {
            let address = format!("/{number}");
            let mut large = kept("x", &["a"], 10);
            large.weight += 10_000;
            cache.keep(&address, &address, large);
        }
        let (count, bytes) = cache.size();
        assert!(count > 10 && bytes <= 1_000_000, "{count} of {bytes} bytes");
        let long = "x".repeat(MAX_KEY + 1);
        cache.keep("q", &long, kept("one", &["a"], 10));
        assert_eq!(found(&cache, &long), None);
    }
}
