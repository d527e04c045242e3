//! The order of a list and its pages: of all that match, the few that come next after a key.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::{DocId, Score, SegmentOrdinal, SegmentReader};
use uuid::Uuid;

use super::columns::{Columns, Opened};
use super::index::{Hit, Hits, Key};
use super::sieve::{SegmentSieve, Sieve};
use crate::content::listing::Order;

/// Gathers the next `limit` matches after `after`, and counts all of them where asked. Times are
/// Unix microseconds.
#[derive(Clone)]
pub struct Walk {
    pub opened: Arc<Opened>,
    pub order: Order,
    pub sieve: Sieve,
    pub after: Option<Key>,
    pub limit: usize,
    pub count: bool,
}

/// A match; the greatest comes first. `rank` and `id` are turned over where the order rises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Match {
    rank: i64,
    id: u128,
    num: i64,
}

#[derive(Default)]
pub struct Gathered {
    best: Vec<Match>,
    count: usize,
}

impl Walk {
    /// The place of a key in the falling order every walk goes by. `!` turns both types' order
    /// over without a value left out, which a minus sign would not.
    fn place(&self, rank: i64, id: u128) -> (i64, u128) {
        match self.order {
            Order::Oldest => (!rank, !id),
            Order::Newest | Order::Relevance => (rank, id),
        }
    }

    fn hit(&self, found: Match) -> Hit {
        let (rank, id) = self.place(found.rank, found.id);
        Hit {
            num: found.num,
            key: Key {
                rank,
                id: Uuid::from_u128(id),
            },
        }
    }

    /// One that only counts.
    pub fn counting(&self) -> Self {
        Self {
            limit: 0,
            count: true,
            ..self.clone()
        }
    }

    /// What several gatherings of this walk come to.
    pub fn hits(&self, gathered: Vec<Gathered>) -> Hits {
        let Gathered { mut best, count } = together(gathered);
        best.sort_unstable_by(|a, b| b.cmp(a));
        best.truncate(self.limit);
        Hits {
            hits: best.into_iter().map(|found| self.hit(found)).collect(),
            count: self.count.then_some(count),
        }
    }
}

impl Collector for Walk {
    type Fruit = Gathered;
    type Child = SegmentWalk;

    fn for_segment(
        &self,
        _: SegmentOrdinal,
        segment: &SegmentReader,
    ) -> tantivy::Result<SegmentWalk> {
        let columns = self.opened.of(segment)?;
        Ok(SegmentWalk {
            walk: self.clone(),
            sieve: self.sieve.over(Arc::clone(&columns)),
            after: self.after.map(|key| self.place(key.rank, key.id.as_u128())),
            columns,
            floor: Score::MIN,
            best: BinaryHeap::new(),
            count: 0,
        })
    }

    fn requires_scoring(&self) -> bool {
        self.order == Order::Relevance && self.limit > 0
    }

    fn merge_fruits(&self, gathered: Vec<Gathered>) -> tantivy::Result<Gathered> {
        Ok(together(gathered))
    }
}

fn together(gathered: Vec<Gathered>) -> Gathered {
    let mut all = Gathered::default();
    for part in gathered {
        all.best.extend(part.best);
        all.count += part.count;
    }
    all
}

pub struct SegmentWalk {
    walk: Walk,
    sieve: SegmentSieve,
    after: Option<(i64, u128)>,
    columns: Arc<Columns>,
    /// A lesser score has no place among the best; by relevance only.
    floor: Score,
    /// The best so far, the least of them on top.
    best: BinaryHeap<Reverse<Match>>,
    count: usize,
}

impl SegmentWalk {
    /// A lesser score has no place among the best.
    pub fn floor(&self) -> Score {
        self.floor
    }

    /// Elsewhere are enough that score no less.
    pub fn raise_floor(&mut self, floor: Score) {
        self.floor = self.floor.max(floor);
    }

    /// Whether an article of this score may come among the best, or is to be counted.
    pub fn is_wanted(&self, score: Score) -> bool {
        self.walk.count || score >= self.floor
    }

    /// The rank before it is turned over, where the article has one.
    fn rank(&self, doc: DocId, score: Score) -> Option<i64> {
        match self.walk.order {
            Order::Relevance => Some(score_rank(score)),
            Order::Newest | Order::Oldest => self.sieve.date(doc),
        }
    }

    /// The least of the best, once there are enough.
    fn least(&self) -> Option<Match> {
        let is_full = self.best.len() >= self.walk.limit;
        let least = self.best.peek().filter(|_| is_full);
        least.map(|Reverse(least)| *least)
    }

    /// Whether an article of this rank may come among the best.
    fn may_enter(&self, rank: i64) -> bool {
        let least = self.least();
        least.is_none_or(|least| self.walk.place(rank, 0).0 >= least.rank)
    }

    fn offer(&mut self, doc: DocId, rank: i64) -> Option<()> {
        let full = self.best.len() >= self.walk.limit;
        let place = self.walk.place(rank, self.columns.id(doc)?);
        if self.after.is_some_and(|after| place >= after) {
            return None;
        }
        let found = Match {
            rank: place.0,
            id: place.1,
            num: self.columns.num(doc)?,
        };
        if !full {
            self.best.push(Reverse(found));
        } else if let Some(mut least) = self.best.peek_mut()
            && found > least.0
        {
            *least = Reverse(found);
        }
        if self.walk.order == Order::Relevance
            && let Some(least) = self.least()
        {
            self.raise_floor(lowest_score(least.rank));
        }
        Some(())
    }
}

/// A score as a whole number. Rounded, because the same sum in another order, as after a merge of
/// segments, may differ in its last bit.
fn score_rank(score: Score) -> i64 {
    (f64::from(score) * 100_000.0).round() as i64
}

/// No score below it has this rank.
fn lowest_score(rank: i64) -> Score {
    ((rank as f64 - 1.0) / 100_000.0) as Score
}

impl SegmentCollector for SegmentWalk {
    type Fruit = Gathered;

    fn collect(&mut self, doc: DocId, score: Score) {
        // By relevance, most matches of a common word end here, without even a rank.
        if !self.is_wanted(score) {
            return;
        }
        let Some(rank) = self.rank(doc, score) else {
            return;
        };
        let may_enter = self.may_enter(rank);
        if (may_enter || self.walk.count) && self.sieve.lets_through(doc) {
            self.count += usize::from(self.walk.count);
            if may_enter {
                self.offer(doc, rank);
            }
        }
    }

    fn harvest(self) -> Gathered {
        Gathered {
            best: self.best.into_iter().map(|Reverse(found)| found).collect(),
            count: self.count,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Article, article, found, index_of, query, walk};
    use super::super::{Index, Query, Writer};
    use super::*;

    const ORDERS: [Order; 3] = [Order::Newest, Order::Oldest, Order::Relevance];

    /// Sixty articles in several segments, with ties in date and in relevance, ids against the
    /// order of numbers, and half of the ids differing in their upper half only.
    fn many() -> (Vec<Article>, Index, Writer) {
        let articles: Vec<Article> = (0..60)
            .map(|num| {
                let body = "roses ".repeat(1 + num as usize % 3);
                let mut made =
                    article(num, ["fr", "en", "de"][num as usize % 3], "Titre").body(&body);
                let number = (1000 - num) as u128;
                made.id = Uuid::from_u128(if num % 2 == 0 { number } else { number << 64 });
                made.updated = num / 7 - 4;
                made
            })
            .collect();
        let (index, mut writer) = index_of(&[]);
        for chunk in articles.chunks(13) {
            for made in chunk {
                made.put(&mut writer);
            }
            writer.commit(2).unwrap();
        }
        (articles, index, writer)
    }

    fn ordered(order: Order, limit: usize) -> Query {
        let mut query = query("roses");
        query.order = order;
        query.limit = limit;
        query
    }

    fn assert_falling(order: Order, hits: &[Hit]) {
        for pair in hits.windows(2) {
            let place = |hit: &Hit| (hit.key.rank, hit.key.id.as_u128());
            let (one, next) = (place(&pair[0]), place(&pair[1]));
            assert!(
                if order == Order::Oldest {
                    one < next
                } else {
                    one > next
                },
                "{order:?}: {one:?} before {next:?}"
            );
        }
    }

    #[test]
    fn a_walk_gives_each_exactly_once_in_every_order_and_page_size() {
        let (articles, index, _writer) = many();
        for order in ORDERS {
            let whole = index.search(&ordered(order, 1000)).unwrap().hits;
            assert_eq!(whole.len(), articles.len());
            assert_falling(order, &whole);
            for limit in [1, 2, 7, 59, 60, 61] {
                assert_eq!(
                    walk(&index, ordered(order, limit), |_| {}),
                    whole,
                    "{order:?} {limit}"
                );
            }
            let mut nums: Vec<i64> = whole.iter().map(|hit| hit.num).collect();
            nums.sort_unstable();
            assert_eq!(nums, (0..60).collect::<Vec<i64>>());
        }
    }

    #[test]
    fn dates_rank_by_themselves_then_by_id() {
        let (articles, index, _writer) = many();
        let mut expected: Vec<&Article> = articles.iter().collect();
        expected.sort_by_key(|made| (made.updated, made.id.as_u128()));
        let hits = index.search(&ordered(Order::Oldest, 1000)).unwrap().hits;
        for (hit, made) in hits.iter().zip(&expected) {
            assert_eq!((hit.key.rank, hit.key.id), (made.updated, made.id));
        }
        let oldest: Vec<i64> = expected.iter().map(|made| made.num).collect();
        assert_eq!(found(&index, &ordered(Order::Oldest, 1000)), oldest);
        let newest: Vec<i64> = oldest.into_iter().rev().collect();
        assert_eq!(found(&index, &ordered(Order::Newest, 1000)), newest);
    }

    #[test]
    fn articles_added_meanwhile_neither_repeat_nor_hide_others() {
        for order in ORDERS {
            let (_, index, mut writer) = many();
            let mut next = 1000;
            let hits = walk(&index, ordered(order, 7), |_| {
                for _ in 0..3 {
                    let mut added = article(next, "fr", "Les roses").body("roses roses");
                    added.updated = next % 9 - 4;
                    added.put(&mut writer);
                    next += 1;
                }
                writer.commit(next).unwrap();
            });
            assert_falling(order, &hits);
            let mut old: Vec<i64> = hits
                .iter()
                .map(|hit| hit.num)
                .filter(|&num| num < 1000)
                .collect();
            old.sort_unstable();
            assert_eq!(old, (0..60).collect::<Vec<i64>>(), "{order:?}");
        }
    }

    #[test]
    fn the_count_is_of_all_pages() {
        let (_, index, _writer) = many();
        for order in ORDERS {
            let mut query = ordered(order, 5);
            query.count = true;
            let first = index.search(&query).unwrap();
            query.after = first.hits.last().map(|hit| hit.key);
            let second = index.search(&query).unwrap();
            assert_eq!((first.count, second.count), (Some(60), Some(60)));
            query.limit = 0;
            let none = index.search(&query).unwrap();
            assert_eq!((none.hits.len(), none.count), (0, Some(60)));
            query.count = false;
            assert_eq!(index.search(&query).unwrap().count, None);
        }
    }

    #[test]
    fn the_ends_of_time_and_id_are_places_like_others() {
        let mut articles = Vec::new();
        for (num, at) in [
            (1, i64::MIN),
            (2, i64::MAX),
            (3, 0),
            (4, i64::MIN),
            (5, i64::MAX),
        ] {
            let mut made = article(num, "fr", "Roses");
            made.updated = at;
            articles.push(made);
        }
        articles[0].id = Uuid::nil();
        articles[1].id = Uuid::max();
        let (index, _writer) = index_of(&articles);
        let walked = |order| -> Vec<i64> {
            let hits = walk(&index, ordered(order, 1), |_| {});
            hits.iter().map(|hit| hit.num).collect()
        };
        assert_eq!(walked(Order::Oldest), [1, 4, 3, 5, 2]);
        assert_eq!(walked(Order::Newest), [2, 5, 3, 4, 1]);
    }
}
