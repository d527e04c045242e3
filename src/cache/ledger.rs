//! What has moved, and at which line of the change log.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{LazyLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::cache::aged::Aged;
use crate::cache::depends::{Depends, Groups, Ranks};
use crate::cache::drift::Drift;

/// The group of all that ranks articles by nearness: it moves with any article.
pub const RANKINGS: &str = "related";

/// No state of a ledger.
pub const NEVER: u64 = 0;

/// Groups of which the last line is remembered, twice over; with more, what was not told of since is forgotten.
const GROUPS: usize = 100_000;
/// Moves of groups that are remembered one by one.
const LATELY: usize = 256;
/// Articles that moved of which it is remembered what they became.
const RECENT: usize = 2_000;
/// What moved with some lines of the log.
#[derive(Debug, Default)]
pub struct Moves {
    /// Names of groups, as in cache tags.
    pub groups: Vec<String>,
    pub articles: Vec<Moved>,
}

/// An article that moved, as it is now.
#[derive(Clone, Debug)]
pub struct Moved {
    pub id: String,
    /// Whether the public saw it, before or after.
    pub is_public: bool,
    /// Unix microseconds: when time alone next changes whether the public sees it.
    pub turns_at: Option<i64>,
    /// `None`: the public does not see it.
    pub seen: Option<Seen>,
}

/// What decides in which lists an article stands, and where. Times in unix microseconds.
#[derive(Clone, Debug)]
pub struct Seen {
    pub language: String,
    pub source: Option<String>,
    /// By number.
    pub tags: Vec<i64>,
    pub published_at: Option<i64>,
    pub updated_at: i64,
    pub first_published_at: Option<i64>,
}

/// What has moved since the start. Filled by the follower, asked by the cache.
pub struct Ledger {
    /// Rises with every change of the rest.
    state: AtomicU64,
    /// The line up to which the log has been followed.
    position: AtomicI64,
    /// Nothing kept is worth anything until that line has been followed.
    trusted_from: AtomicI64,
    /// Microseconds for which a ranking is given whatever changed elsewhere. What it shows is always as it is now.
    lag: i64,
    moves: RwLock<Kept>,
    /// Rises with every neighbourhood that moves.
    neighbourhoods: AtomicU64,
}

struct Kept {
    /// What was sure only up to an earlier line is worth nothing.
    floor: i64,
    /// At which line each group last moved.
    groups: Aged<u64, i64>,
    /// The same in the order of the lines, for the last moves.
    lately: VecDeque<(i64, u64)>,
    /// What moved at or before this line is no longer in `lately`.
    lately_from: i64,
    /// By article, the count of neighbourhoods at which something came near to it.
    near: Aged<i64, u64>,
    /// The count at which something last came near to any.
    near_to_all: u64,
    recent: VecDeque<(i64, Moved)>,
    /// What moved at or before this line is no longer in `recent`.
    recent_from: i64,
    horizon: Option<Horizon>,
}

/// When the next article turns, if any does, as it was found at a line of the log and at a time.
#[derive(Clone, Copy)]
struct Horizon {
    line: i64,
    found_at: i64,
    moment: i64,
}

/// What a look at the ledger found: nothing has moved.
pub struct Look {
    pub state: u64,
    pub position: i64,
    /// Unix microseconds, perhaps lower than before: an article that moved will turn then.
    pub until: i64,
    pub drift: Drift,
}

impl Ledger {
    /// One that has followed the log to this line, for rankings that lag behind by at most so many microseconds.
    pub fn at(position: i64, lag: i64) -> Self {
        Self {
            lag,
            state: AtomicU64::new(NEVER + 1),
            position: AtomicI64::new(position),
            trusted_from: AtomicI64::new(position),
            moves: RwLock::new(Kept {
                floor: position,
                groups: Aged::new(GROUPS),
                lately: VecDeque::new(),
                lately_from: position,
                near: Aged::new(GROUPS),
                near_to_all: 0,
                recent: VecDeque::new(),
                recent_from: position,
                horizon: None,
            }),
            neighbourhoods: AtomicU64::new(0),
        }
    }

    /// Microseconds for which a ranking is given whatever changed elsewhere.
    pub fn lag(&self) -> i64 {
        self.lag
    }

    /// Rises with every neighbourhood that moves. Who asks before a ranking is made knows which moved since.
    pub fn neighbourhoods(&self) -> u64 {
        self.neighbourhoods.load(Ordering::Acquire)
    }

    /// Something that moved has come near to these articles, by number, for whoever ranks from now on; `None`: to more
    /// than can be told.
    pub fn record_near(&self, articles: Option<&[i64]>) {
        let mut kept = self.write();
        // Once the new count is known the ranking can be told from older ones.
        let count = self.neighbourhoods.fetch_add(1, Ordering::AcqRel) + 1;
        match articles {
            Some(articles) => {
                for num in articles {
                    kept.near.insert(*num, count);
                }
            }
            None => kept.near_to_all = count,
        }
        // What is forgotten is taken for far.
        kept.near.age();
        self.state.fetch_add(1, Ordering::AcqRel);
    }

    /// The line up to which the log has been followed.
    pub fn position(&self) -> i64 {
        self.position.load(Ordering::Acquire)
    }

    /// Takes over what moved with the lines up to `position`.
    pub fn record(&self, position: i64, moves: &Moves) {
        let mut kept = self.write();
        for group in &moves.groups {
            kept.move_group(group_hash(group), position);
        }
        let forgotten = kept.groups.age().into_values().max();
        kept.floor = kept.floor.max(forgotten.unwrap_or(0));
        for article in &moves.articles {
            if kept.recent.len() == RECENT
                && let Some((forgotten, _)) = kept.recent.pop_front()
            {
                kept.recent_from = forgotten;
            }
            kept.recent.push_back((position, article.clone()));
        }
        self.advance(position);
    }

    /// The lines up to `position` moved too much to be told: nothing that is kept is worth anything.
    pub fn record_all(&self, position: i64) {
        let mut kept = self.write();
        kept.floor = position;
        kept.groups.clear();
        kept.lately.clear();
        kept.lately_from = position;
        kept.recent.clear();
        kept.recent_from = position;
        self.advance(position);
    }

    /// A write at this line was answered before it was followed.
    pub fn distrust_until(&self, position: i64) {
        self.trusted_from.fetch_max(position, Ordering::AcqRel);
    }

    pub fn is_trusted(&self) -> bool {
        self.trusted_from.load(Ordering::Acquire) <= self.position.load(Ordering::Acquire)
    }

    /// Rises with every change of what the ledger says.
    pub fn state(&self) -> u64 {
        self.state.load(Ordering::Acquire)
    }

    /// Whether nothing of this has moved after the line `seen`; `None`: something has, or it is no longer known. It was
    /// made at a time in unix microseconds, when so many neighbourhoods had moved.
    pub fn look(&self, depends: &Depends, seen: i64, made: (i64, u64)) -> Option<Look> {
        let kept = self.read();
        if seen < kept.floor {
            return None;
        }
        if kept.has_any_moved(&depends.groups, seen) {
            return None;
        }
        let (made_at, neighbourhoods) = made;
        let came_near = |num: &i64| {
            let at = kept.near.get(num).copied().unwrap_or(0);
            at.max(kept.near_to_all) > neighbourhoods
        };
        let elsewhere = || kept.has_moved(*RANKINGS_HASH, seen);
        let drift = match &depends.ranks {
            Ranks::Nothing => Drift::None,
            Ranks::Neighbours(nums) | Ranks::Ranking(nums) if nums.iter().any(came_near) => {
                Drift::Near
            }
            Ranks::Neighbours(_) | Ranks::Ranking(_) if elsewhere() => Drift::Far,
            Ranks::Anything if elsewhere() => Drift::Near,
            Ranks::Neighbours(_) | Ranks::Ranking(_) | Ranks::Anything => Drift::None,
        };
        let mut until = drift.lags().map_or(i64::MAX, |lags| {
            made_at.saturating_add(self.lag.saturating_mul(lags))
        });
        // To make it anew before would give the same.
        let drift = match &depends.ranks {
            Ranks::Ranking(_) if drift == Drift::Far => Drift::None,
            _ => drift,
        };
        if depends.stretch.is_some() || depends.with_time {
            if seen < kept.recent_from {
                return None;
            }
            let later = kept.recent.iter().rev();
            for (_, moved) in later.take_while(|(line, _)| *line > seen) {
                if depends.is_touched_by(moved) {
                    return None;
                }
                if depends.with_time {
                    until = until.min(moved.turns_at.unwrap_or(i64::MAX));
                }
            }
        }
        Some(Look {
            // Both change under the lock only.
            state: self.state(),
            position: self.position(),
            until,
            drift,
        })
    }

    /// When the next article turns (unix microseconds), as it was found at this line of the log; `None`: it is not
    /// known for `now`.
    pub fn horizon(&self, position: i64, now: i64) -> Option<i64> {
        let horizon = self.read().horizon;
        let holds = |it: &Horizon| it.line == position && (it.found_at..it.moment).contains(&now);
        horizon.filter(holds).map(|horizon| horizon.moment)
    }

    /// Remembers when the next article turns, as it is known by a reader who has surely seen this line.
    pub fn set_horizon(&self, position: i64, now: i64, moment: i64) {
        let mut kept = self.write();
        if kept.horizon.is_none_or(|known| known.line <= position) {
            kept.horizon = Some(Horizon {
                line: position,
                found_at: now,
                moment,
            });
        }
    }

    fn advance(&self, position: i64) {
        // In this order: who finds that it has come far enough to be trusted also finds that it has moved.
        self.state.fetch_add(1, Ordering::AcqRel);
        self.position.store(position, Ordering::Release);
    }

    fn read(&self) -> RwLockReadGuard<'_, Kept> {
        self.moves.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Kept> {
        self.moves.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn move_group(&mut self, group: u64, line: i64) {
        self.groups.insert(group, line);
        if self.lately.len() == LATELY
            && let Some((forgotten, _)) = self.lately.pop_front()
        {
            self.lately_from = forgotten;
        }
        self.lately.push_back((line, group));
    }

    /// Whether a group has moved after a line that is not below the floor.
    fn has_moved(&self, group: u64, seen: i64) -> bool {
        self.groups.get(&group).is_some_and(|line| *line > seen)
    }

    /// Whether any has. While much is written and read, each hit asks this: mostly little has moved since the last, and
    /// an answer has many groups.
    fn has_any_moved(&self, groups: &Groups, seen: i64) -> bool {
        let first = self.lately.partition_point(|(line, _)| *line <= seen);
        if seen >= self.lately_from && self.lately.len() - first <= groups.iter().len() {
            return self
                .lately
                .range(first..)
                .any(|(_, group)| groups.contains(*group));
        }
        groups.iter().any(|group| self.has_moved(*group, seen))
    }
}

static RANKINGS_HASH: LazyLock<u64> = LazyLock::new(|| group_hash(RANKINGS));

/// Two groups of one hash only move together. It is keyed anew in each process, so that no one can make them up.
pub fn group_hash(name: &str) -> u64 {
    static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    HASHER.hash_one(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scheduled(turns_at: i64) -> Moved {
        Moved {
            id: "a".to_owned(),
            is_public: false,
            turns_at: Some(turns_at),
            seen: None,
        }
    }

    #[test]
    fn what_is_forgotten_is_not_taken_for_unmoved() {
        let ledger = Ledger::at(0, 0);
        let depends = Depends::on(["mine"]);
        for line in 1..=7 {
            let groups = (0..GROUPS / 2).map(|number| format!("{line}-{number}"));
            let moves = Moves {
                groups: groups.collect(),
                articles: Vec::new(),
            };
            ledger.record(line, &moves);
        }
        // Seen at the start and never looked at since: its group may have been among the forgotten.
        assert!(ledger.look(&depends, 0, (0, 0)).is_none());
        assert!(ledger.look(&depends, 6, (0, 0)).is_some());
    }

    #[test]
    fn moves_are_told_however_many_there_were_since() {
        let names: Vec<String> = (0..40).map(|number| format!("group-{number}")).collect();
        let many = Depends::on(names.iter().map(String::as_str));
        let ledger = Ledger::at(0, 0);
        for line in 1..=2 * LATELY as i64 {
            let moves = Moves {
                groups: vec![format!("other-{line}"), "another".to_owned()],
                articles: Vec::new(),
            };
            ledger.record(line, &moves);
        }
        let moves = Moves {
            groups: vec!["group-17".to_owned()],
            articles: Vec::new(),
        };
        let last = ledger.position();
        // Among few, among more than there are groups, and beyond what is remembered one by one.
        let seen = [
            last,
            last - 1,
            last - 15,
            last - 25,
            last - LATELY as i64,
            0,
        ];
        for seen in seen {
            assert!(ledger.look(&many, seen, (0, 0)).is_some(), "{seen}");
        }
        ledger.record(last + 1, &moves);
        for seen in seen {
            assert!(ledger.look(&many, seen, (0, 0)).is_none(), "{seen}");
        }
        assert!(ledger.look(&many, last + 1, (0, 0)).is_some());
        // One that moved long ago and again lately has moved.
        let other = Depends::on(["another"]);
        assert!(ledger.look(&other, last - 1, (0, 0)).is_none());
        assert!(ledger.look(&other, last, (0, 0)).is_some());
    }

    #[test]
    fn an_article_that_is_scheduled_ends_what_time_may_change() {
        let ledger = Ledger::at(0, 0);
        let moves = Moves {
            groups: Vec::new(),
            articles: vec![scheduled(500)],
        };
        ledger.record(1, &moves);
        let with_time = Depends {
            with_time: true,
            ..Depends::on(["list"])
        };
        assert_eq!(ledger.look(&with_time, 0, (0, 0)).unwrap().until, 500);
        assert_eq!(ledger.look(&with_time, 1, (0, 0)).unwrap().until, i64::MAX);
        let other = Depends::on(["list"]);
        assert_eq!(ledger.look(&other, 0, (0, 0)).unwrap().until, i64::MAX);
    }

    #[test]
    fn a_list_that_was_not_looked_at_for_long_is_made_anew() {
        let ledger = Ledger::at(0, 0);
        let with_time = Depends {
            with_time: true,
            ..Depends::on(["list"])
        };
        for line in 1..=(RECENT as i64 + 1) {
            let moves = Moves {
                groups: Vec::new(),
                articles: vec![scheduled(500)],
            };
            ledger.record(line, &moves);
        }
        assert!(ledger.look(&with_time, 0, (0, 0)).is_none());
        assert!(ledger.look(&with_time, 1, (0, 0)).is_some());
        assert!(ledger.look(&Depends::on(["article"]), 0, (0, 0)).is_some());
    }

    #[test]
    fn a_ranking_may_be_older_than_what_changed_elsewhere() {
        let ledger = Ledger::at(0, 1_000);
        let ranking = |ranks| Depends {
            ranks,
            ..Depends::on(["article-1"])
        };
        let of_one = ranking(Ranks::Neighbours([1].into()));
        let of_any = ranking(Ranks::Anything);
        let moves = |group: &str| Moves {
            groups: vec![group.to_owned()],
            articles: Vec::new(),
        };
        let look = |depends: &Depends, seen, neighbourhoods| {
            let look = ledger.look(depends, seen, (500, neighbourhoods));
            look.map(|look| (look.drift, look.until))
        };
        assert_eq!(look(&of_one, 0, 0), Some((Drift::None, i64::MAX)));
        ledger.record(1, &moves(RANKINGS));
        let [far, near] =
            [Drift::Far, Drift::Near].map(|drift| 500 + 1_000 * drift.lags().unwrap());
        assert_eq!(look(&of_one, 0, 0), Some((Drift::Far, far)));
        assert_eq!(look(&of_any, 0, 0), Some((Drift::Near, near)));
        assert_eq!(look(&of_one, 1, 0), Some((Drift::None, i64::MAX)));
        ledger.record_near(Some(&[2]));
        assert_eq!(look(&of_one, 1, 0), Some((Drift::None, i64::MAX)));
        ledger.record_near(Some(&[1]));
        assert_eq!(look(&of_one, 1, 0), Some((Drift::Near, near)));
        assert_eq!(look(&of_one, 1, 2), Some((Drift::None, i64::MAX)));
        ledger.record_near(None);
        assert_eq!(look(&of_one, 1, 2), Some((Drift::Near, near)));
        assert_eq!(look(&of_one, 1, 3), Some((Drift::None, i64::MAX)));
        ledger.record(2, &moves("article-1"));
        assert_eq!(look(&of_one, 1, 3), None);
    }

    #[test]
    fn without_a_lag_each_change_ends_all_rankings() {
        let ledger = Ledger::at(0, 0);
        let ranks = Depends {
            ranks: Ranks::Neighbours([1].into()),
            ..Depends::on([])
        };
        ledger.record(
            1,
            &Moves {
                groups: vec![RANKINGS.to_owned()],
                articles: Vec::new(),
            },
        );
        assert_eq!(ledger.look(&ranks, 0, (500, 0)).unwrap().until, 500);
    }

    #[test]
    fn the_horizon_is_of_one_line_and_lies_ahead() {
        let ledger = Ledger::at(7, 0);
        assert_eq!(ledger.horizon(7, 100), None);
        ledger.set_horizon(7, 50, 200);
        assert_eq!(ledger.horizon(7, 100), Some(200));
        assert_eq!(ledger.horizon(7, 200), None);
        assert_eq!(ledger.horizon(7, 49), None);
        assert_eq!(ledger.horizon(8, 100), None);
        ledger.set_horizon(6, 50, 300);
        assert_eq!(ledger.horizon(7, 100), Some(200));
    }
}
