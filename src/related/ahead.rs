//! Rankings made ahead: of each article the nearest ones, found before anyone asks, kept, and given as long as they
//! hold.
//!
//! A ranking holds until its article or one in it is edited or hidden, something comes near, or, some time after it was
//! made, so much has been written elsewhere that the weights may have moved.

use super::engine::{Article, Engine};
use super::postings::Slot;
use super::ranking::{Made, RANKED, Ranking};
use super::{Ask, Related};

/// However old it is, a ranking holds while the log has grown by less than this part of the articles.
const DRIFT: usize = 256;

/// When what was written is so much more than what is needed, all rankings are made anew: past ones are left out of the
/// file at a start only.
const WASTE: (usize, usize) = (256 << 20, 16 << 10);

/// How far a round over all articles has come that makes what rankings are missing.
#[derive(Default)]
pub struct Round {
    /// The next article is the one before this slot; `None`: the round is done.
    next: Option<usize>,
    /// What the engine had followed, and taken out, when it began; `None`: there was none yet.
    began: Option<(i64, u64)>,
    /// No ranking was older than this when it was last looked at.
    checked: Option<Made>,
    /// Whether each ranking is looked at for how old it is.
    looks: bool,
}

impl Engine {
    /// The nearest articles of a stored one, as the public sees them at `now` (unix microseconds).
    pub(super) fn nearest(&self, num: i64, now: i64) -> Option<Related> {
        let slot = self.slot(num);
        if let Some(kept) = slot.and_then(|slot| self.kept(self.article(slot)?)) {
            return Some(kept);
        }
        let related = self.look_up(num, &Ask::nearest(RANKED, now))?;
        // Who comes late does not see what has opened meanwhile.
        if let Some(slot) = slot.filter(|_| now >= self.now()) {
            self.keep(num, slot, &related);
        }
        Some(related)
    }

    /// Whether a ranking of an article is kept that holds.
    pub fn has_ranking(&self, num: i64) -> bool {
        let article = self.slot(num).and_then(|slot| self.article(slot));
        article.is_some_and(|article| self.kept(article).is_some())
    }

    /// What is kept, if it holds.
    fn kept(&self, article: &Article) -> Option<Related> {
        let rankings = self.rankings.as_ref()?;
        if !self.came.is_empty() {
            return None;
        }
        let ranking = rankings.get(article.ranking()?)?;
        let holds = ranking.num == article.num
            && ranking.stamp == article.stamp
            && !self.has_drifted(ranking.made)
            && ranking.related.named().count() == ranking.stamps.len()
            && (ranking.related.named().zip(&ranking.stamps))
                .all(|(num, stamp)| self.stamp(num) == Some(*stamp));
        holds.then_some(ranking.related)
    }

    fn keep(&self, num: i64, slot: Slot, related: &Related) {
        let (Some(rankings), Some(article)) = (&self.rankings, self.article(slot)) else {
            return;
        };
        // A pin stands first once it opens, near or not.
        let has_pins = self
            .record(num)
            .is_none_or(|record| record.pins().next().is_some());
        let stamps: Option<Vec<u32>> = related.named().map(|num| self.stamp(num)).collect();
        if let Some(stamps) = stamps.filter(|_| !has_pins) {
            let place = rankings.put(&Ranking {
                num,
                made: self.made(),
                stamp: article.stamp,
                stamps,
                related: related.clone(),
            });
            article.set_ranking(place);
        }
    }

    /// The stamp of an article that is counted.
    fn stamp(&self, num: i64) -> Option<u32> {
        Some(self.article(self.slot(num)?)?.stamp)
    }

    /// When a ranking is made that is made now.
    fn made(&self) -> Made {
        Made {
            position: self.position(),
            at: self.now(),
        }
    }

    fn has_drifted(&self, made: Made) -> bool {
        let lines = self.position().saturating_sub(made.position);
        if self.lasts == 0 {
            return lines > 0;
        }
        lines > (self.len() / DRIFT) as i64 && self.now().saturating_sub(made.at) >= self.lasts
    }

    /// Whether rankings are kept.
    pub fn keeps_rankings(&self) -> bool {
        self.rankings.is_some()
    }

    /// Articles whose ranking is kept, whether or not it still holds.
    pub fn ranked(&self) -> usize {
        self.articles()
            .filter(|article| article.ranking().is_some())
            .count()
    }

    /// Takes out the rankings of these articles, for something has come near to them.
    pub fn forget_rankings(&self, nums: &[i64]) {
        let Some(rankings) = &self.rankings else {
            return;
        };
        for num in nums {
            let article = self.slot(*num).and_then(|slot| self.article(slot));
            if article.is_some_and(|article| article.take_ranking().is_some()) {
                rankings.remove(*num);
            }
        }
    }

    /// Articles that came, or moved among the others, since this was last told: no ranking is given until it is known
    /// whose neighbours they may be.
    pub fn came(&self) -> &[i64] {
        &self.came
    }

    /// The first so many of those that came have been told.
    pub fn told(&mut self, count: usize) {
        self.came.drain(..count.min(self.came.len()));
        self.commit_rankings();
    }

    /// So many came that it is not asked whose neighbours each may be.
    pub fn told_all(&mut self) {
        self.came.clear();
        self.clear_rankings();
    }

    pub(super) fn clear_rankings(&self) {
        if let Some(rankings) = &self.rankings {
            self.articles()
                .for_each(|article| article.set_ranking(None));
            rankings.clear();
        }
    }

    /// Notes how far the rankings in the file may be trusted after a restart.
    pub fn commit_rankings(&self) {
        let Some(rankings) = &self.rankings else {
            return;
        };
        let (least, each) = WASTE;
        if rankings.written() > least + each * self.len() {
            self.clear_rankings();
        }
        if self.came.is_empty() {
            rankings.commit(self.position(), self.now());
        }
    }

    /// Makes the ranking of the next article that has none, or one that no longer holds, and tells its number. `None`:
    /// there is none, or none can be made now.
    pub fn rank_next(&self, round: &mut Round) -> Option<i64> {
        let rankings = self.rankings.as_ref()?;
        if !self.came.is_empty() {
            return None;
        }
        if round.next.is_none() {
            let state = (self.position(), rankings.forgotten());
            if round.began == Some(state) {
                return None;
            }
            round.began = Some(state);
            round.next = Some(self.slot_count());
            // What was read from a file may be of any age.
            round.looks = round.checked.is_none_or(|made| self.has_drifted(made));
            if round.looks {
                round.checked = Some(self.made());
            }
        }
        // The newest first.
        while let Some(slot) = round.next.and_then(|next| next.checked_sub(1)) {
            round.next = Some(slot);
            let slot = slot as Slot;
            let Some(article) = self.article(slot) else {
                continue;
            };
            let is_missing = match article.ranking() {
                None => true,
                Some(place) if round.looks => {
                    let made = rankings.made(place);
                    made.is_none_or(|made| self.has_drifted(made))
                }
                Some(_) => false,
            };
            if is_missing {
                self.nearest(article.num, self.now());
                return Some(article.num);
            }
        }
        round.next = None;
        None
    }
}
