//! Finished answers, kept until something in them changes.
//!
//! What is kept says what it was made of ([`Depends`]): groups, which have the names of the answer's cache tags; the
//! stretch of a list that it shows; and the time up to which nothing in it changes by itself. The [`Ledger`] says what
//! has moved, line of the change log by line. An answer is looked at anew, when it is asked for, after the ledger has
//! moved; in between a hit compares two numbers.
//!
//! No answer is taken out when something moves. Each carries the line of the log that it is sure to have seen, and is
//! worth nothing once one of its groups has moved at a later line. So it does not matter whether it was kept before or
//! after the move, and a slow reader cannot put an old state back.

mod depends;
mod flights;
mod ledger;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use quick_cache::Weighter;

pub use depends::{Depends, Groups, Place, Stretch};
pub use flights::{Flight, Turn};
pub use ledger::{Ledger, Moved, Moves, RANKINGS, Seen};

use flights::Flights;

/// What a kept answer costs besides its bytes.
const OVERHEAD: u64 = 1_000;
/// A longer address is answered, and not remembered.
const MAX_KEY: usize = 2_000;

/// Answers by the address they were asked for under, within a number of bytes.
pub struct Cache<T> {
    by_address: quick_cache::sync::Cache<Box<str>, Arc<Kept<T>>, ByWeight>,
    /// The same by what was asked for, in whatever words. Weak, so that memory is counted in one place.
    by_question: quick_cache::sync::Cache<Box<str>, Weak<Kept<T>>>,
    flights: Flights,
    ledger: Arc<Ledger>,
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
}

#[derive(Clone)]
struct ByWeight;

impl<T> Weighter<Box<str>, Arc<Kept<T>>> for ByWeight {
    fn weight(&self, key: &Box<str>, kept: &Arc<Kept<T>>) -> u64 {
        kept.weight + key.len() as u64
    }
}

impl<T> Kept<T> {
    /// `seen` is a line of the log that the reader's snapshot surely had; `made_at` is in unix microseconds.
    pub fn new(answer: T, bytes: usize, depends: Depends, made_at: i64, seen: i64) -> Self {
        Self {
            answer,
            weight: bytes as u64 + OVERHEAD + depends.bytes() as u64,
            until: AtomicI64::new(depends.until),
            depends,
            made_at,
            seen: AtomicI64::new(seen),
            looked: AtomicU64::new(ledger::NEVER),
        }
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
        }
    }

    /// What was answered under this address, if it is still good at `now` (unix microseconds).
    pub fn at_address(&self, address: &str, now: i64) -> Option<Arc<Kept<T>>> {
        let kept = self.by_address.get(address)?;
        self.is_good(&kept, now).then_some(kept)
    }

    /// What was answered to this question, under whatever address; from now on under this one, too.
    pub fn to_question(&self, question: &str, address: &str, now: i64) -> Option<Arc<Kept<T>>> {
        let kept = self.by_question.get(question)?.upgrade()?;
        if !self.is_good(&kept, now) {
            return None;
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

    fn is_good(&self, kept: &Kept<T>, now: i64) -> bool {
        let in_time =
            |kept: &Kept<T>| kept.made_at <= now && now < kept.until.load(Ordering::Relaxed);
        if !in_time(kept) || !self.ledger.is_trusted() {
            return false;
        }
        kept.looked.load(Ordering::Acquire) == self.ledger.state()
            || (self.look(kept) && in_time(kept))
    }

    /// Whether nothing has moved in it since it was looked at last.
    fn look(&self, kept: &Kept<T>) -> bool {
        let seen = kept.seen.load(Ordering::Acquire);
        let Some(look) = self.ledger.look(&kept.depends, seen, kept.made_at) else {
            return false;
        };
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
        let depends = Depends::on(groups.iter().copied());
        Kept::new(answer, answer.len(), depends, 100, seen)
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
        cache.keep("q", "/a", Kept::new("one", 3, depends, 100, 10));
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
    fn no_more_is_kept_than_was_asked_for() {
        let cache = cache();
        for number in 0..2_000 {
            let address = format!("/{number}");
            cache.keep(
                &address,
                &address,
                Kept::new("x", 10_000, Depends::on(["a"]), 100, 10),
            );
        }
        let (count, bytes) = cache.size();
        assert!(count > 10 && bytes <= 1_000_000, "{count} of {bytes} bytes");
        let long = "x".repeat(MAX_KEY + 1);
        cache.keep("q", &long, kept("one", &["a"], 10));
        assert_eq!(found(&cache, &long), None);
    }
}
