//! Rankings made ahead: of each article the nearest ones, found before anyone asks, kept, and given as long as they
//! hold.
//!
//! A ranking holds until its article or one in it is hidden, or edited more than slightly, or something comes near. A slight
//! edit of one of them, or so much written elsewhere that the weights may have moved, ends it as well, but not before it has
//! lasted for some time.

use super::article::Article;
use super::engine::Engine;
use super::postings::Slot;
use super::ranking::{Made, RANKED, Ranking};
use super::rankings::Rankings;
use super::{Ask, Related};

/// However old it is, a ranking holds while the log has grown by less than this part of the articles.
const DRIFT: usize = 256;

/// When what was written is so much, and so much more for each article, all rankings are made anew: past ones are left
/// out of the file at a start only.
const WASTE: (usize, usize) = (256 << 20, 4 << 10);

/// Articles that are passed by before others get their turn with the engine: where only those without a ranking are
/// looked for, and where each ranking is read.
const TURN: (usize, usize) = (1_000, 50);

/// How far a round over all articles has come that makes what rankings are missing.
#[derive(Default)]
pub struct Round {
    /// The next article is the one before this slot; `None`: the round is done.
    next: Option<usize>,
    /// What the engine had followed, and taken out, when it began; `None`: there was none yet.
    began: Option<(i64, u64)>,
    /// When a round last began that looked at each ranking, whether it still holds.
    looked: Option<Made>,
    looks: bool,
}

/// A ranking as it is given.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    pub related: Related,
    /// Unix microseconds: until then the engine gives no other, unless something comes near, or an article in it is hidden
    /// or edited more than slightly.
    pub until: i64,
}

/// What a step of a round did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A ranking was made.
    Made,
    /// None was missing so far.
    Passed,
    /// Nothing is missing, or nothing can be kept now.
    Nothing,
}

impl Engine {
    /// The nearest articles of a stored one, as the public sees them at `now` (unix microseconds).
    pub(super) fn nearest(&self, num: i64, now: i64) -> Option<Related> {
        let article = self.counted(num);
        if let Some(kept) = article.and_then(|article| self.holding(article, now)) {
            return Some(kept.related);
        }
        let related = self.look_up(num, &Ask::nearest(RANKED, now))?;
        // Who comes late does not see what has opened meanwhile.
        if let Some(article) = article.filter(|_| now >= self.now()) {
            self.keep(article, &related, now);
        }
        Some(related)
    }

    /// Up to so many nearest articles of a stored one as they are kept, if that still holds at `now` (unix
    /// microseconds).
    pub fn kept(&self, num: i64, limit: usize, now: i64) -> Option<Kept> {
        let Ranking {
            mut related, made, ..
        } = self.holding(self.counted(num)?, now)?;
        related.neighbours.truncate(limit);
        let until = made.at.saturating_add(self.lasts);
        Some(Kept {
            related,
            // Where it holds beyond that, it does until something more is written.
            until: if now < until { until } else { i64::MAX },
        })
    }

    /// The ranking of an article, if it holds.
    fn holding(&self, article: &Article, now: i64) -> Option<Ranking> {
        let ranking = self.settled_rankings()?.get(article.ranking()?)?;
        let holds = ranking.num == article.num
            && ranking.stamp == article.stamp
            && !self.has_drifted(ranking.made, now)
            && !(self.is_old(ranking.made, now) && self.is_touched_up(&ranking))
            && ranking.related.named().count() == ranking.stamps.len()
            && (ranking.related.named().zip(&ranking.stamps))
                .all(|(num, stamp)| self.stamp(num) == Some(*stamp));
        holds.then_some(ranking)
    }

    /// Whether the ranking of an article is missing, or, where one looks at that, not quite what it would be now.
    fn is_to_be_made(&self, article: &Article, looks: bool, now: i64) -> bool {
        if !looks || article.ranking().is_none() {
            return article.lacks_ranking();
        }
        let holding = self.holding(article, now);
        holding.is_none_or(|ranking| self.is_touched_up(&ranking))
    }

    /// Whether an article of a ranking has been edited, if slightly, since that was made.
    fn is_touched_up(&self, ranking: &Ranking) -> bool {
        if self.touched_up.is_empty() {
            return false;
        }
        let edited = |num| self.touched_up.get(&num);
        let mut named = ranking.related.named().chain([ranking.num]);
        named.any(|num| edited(num).is_some_and(|it| it.line >= ranking.made.position))
    }

    /// Keeps what was found for an article, unless there is no room, or it may change by what is not looked at.
    fn keep(&self, article: &Article, related: &Related, now: i64) {
        let Some(rankings) = self.settled_rankings() else {
            return;
        };
        let record = self.record(article.num);
        let stamps: Option<Vec<u32>> = related.named().map(|num| self.stamp(num)).collect();
        let Some(stamps) = stamps.filter(|_| record.is_some_and(|it| it.pins().next().is_none()))
        else {
            // A pin stands first once it opens, near or not.
            return article.refuse_ranking();
        };
        let place = rankings.put(&Ranking {
            num: article.num,
            made: self.made(now),
            stamp: article.stamp,
            stamps,
            related: related.clone(),
        });
        if place.is_some() {
            article.set_ranking(place);
        }
    }

    /// The stamp of an article that is counted.
    fn stamp(&self, num: i64) -> Option<u32> {
        Some(self.counted(num)?.stamp)
    }

    /// When a ranking is made that is made now.
    fn made(&self, now: i64) -> Made {
        Made {
            position: self.position(),
            at: now,
        }
    }

    fn has_drifted(&self, made: Made, now: i64) -> bool {
        let lines = self.position().saturating_sub(made.position);
        if self.lasts == 0 {
            return lines > 0;
        }
        lines > (self.len() / DRIFT) as i64 && self.is_old(made, now)
    }

    fn is_old(&self, made: Made, now: i64) -> bool {
        now.saturating_sub(made.at) >= self.lasts
    }

    /// Whether rankings are kept.
    pub fn keeps_rankings(&self) -> bool {
        self.rankings.is_some()
    }

    /// Whether a ranking that is kept may be given now.
    pub fn gives_rankings(&self) -> bool {
        self.settled_rankings().is_some()
    }

    /// The rankings, unless it is unknown whose neighbours those may be that came.
    fn settled_rankings(&self) -> Option<&Rankings> {
        self.rankings.as_ref().filter(|_| self.came.is_empty())
    }

    /// Articles whose ranking is kept, whether or not it still holds.
    pub fn ranked(&self) -> usize {
        let articles = self.articles();
        articles
            .filter(|article| article.ranking().is_some())
            .count()
    }

    /// Takes out the rankings of these articles, for something has come near to them.
    pub fn forget_rankings(&self, nums: &[i64]) {
        let Some(rankings) = &self.rankings else {
            return;
        };
        for num in nums {
            let article = self.counted(*num);
            if article.is_some_and(|article| article.take_ranking().is_some()) {
                rankings.remove(*num);
            }
        }
    }

    /// Takes out all rankings.
    pub fn clear_rankings(&self) {
        if let Some(rankings) = &self.rankings {
            self.articles()
                .for_each(|article| article.set_ranking(None));
            rankings.clear();
        }
    }

    /// Articles that came, or moved among the others, since this was last told: no ranking is given or kept until it is
    /// known whose neighbours they may be.
    pub fn came(&self) -> &[i64] {
        &self.came
    }

    /// The first so many of those that came have been told.
    pub fn told(&mut self, count: usize) {
        self.came.drain(..count.min(self.came.len()));
    }

    /// Notes how far the rankings in the file may be trusted after a restart.
    pub fn commit_rankings(&self) {
        let Some(rankings) = self.settled_rankings() else {
            return;
        };
        let (least, each) = WASTE;
        if rankings.written() > least + each * self.len() {
            self.clear_rankings();
        }
        rankings.commit(self.position(), self.now());
    }

    /// Makes the ranking of the next article that has none, or, each time that rankings may last, one that no longer
    /// holds at `now` (unix microseconds). The newest articles come first.
    pub fn rank_next(&self, round: &mut Round, now: i64) -> Step {
        let Some(rankings) = self.settled_rankings() else {
            return Step::Nothing;
        };
        if now < self.now() {
            // It would not see what has opened meanwhile.
            return Step::Nothing;
        }
        let state = (self.position(), rankings.forgotten());
        let Some(first) = round.next.or_else(|| self.begin(round, state, now)) else {
            return Step::Nothing;
        };
        let first = first.min(self.slot_count());
        let turn = if round.looks { TURN.1 } else { TURN.0 };
        let last = first.saturating_sub(turn);
        for slot in (last..first).rev() {
            round.next = Some(slot);
            let Some(article) = self.article(slot as Slot) else {
                continue;
            };
            if !self.is_to_be_made(article, round.looks, now) {
                continue;
            }
            if let Some(related) = self.look_up(article.num, &Ask::nearest(RANKED, now)) {
                self.keep(article, &related, now);
            }
            return match article.lacks_ranking() {
                true => Step::Nothing,
                false => Step::Made,
            };
        }
        round.next = (last > 0).then_some(last);
        match round.next {
            Some(_) => Step::Passed,
            None => Step::Nothing,
        }
    }

    /// Begins another round, if something has changed since the last; where it does.
    fn begin(&self, round: &mut Round, state: (i64, u64), now: i64) -> Option<usize> {
        let looks = round.looked.is_none_or(|looked| {
            looked.position != state.0 && now.saturating_sub(looked.at) >= self.lasts
        });
        if round.began == Some(state) && !looks {
            return None;
        }
        if looks {
            round.looked = Some(self.made(now));
        }
        (round.began, round.looks) = (Some(state), looks);
        Some(self.slot_count())
    }
}
