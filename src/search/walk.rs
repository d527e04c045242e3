//! The order of a list and its pages: of all that match, the few that come next after a key.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::Column;
use tantivy::{DocId, Score, SegmentOrdinal, SegmentReader};
use uuid::Uuid;

use super::fields::{
    FIRST_PUBLISHED, ID_HIGH, ID_LOW, NUM, PUBLISHED, TAG, UPDATED, VISIBLE_FROM, VISIBLE_UNTIL,
};
use super::index::{Hit, Hits, Key};
use crate::content::listing::{Order, UseDate};
use crate::content::tag_filter::TagFilter;

/// Gathers the next `limit` matches after `after`, and counts all of them where asked. Times are
/// Unix microseconds.
#[derive(Clone, Debug)]
pub struct Walk {
    pub order: Order,
    pub use_date: UseDate,
    /// Inclusive, as is `to`.
    pub from: Option<i64>,
    pub to: Option<i64>,
    pub visible_at: Option<i64>,
    pub tags: Option<TagFilter<i64>>,
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
        let columns = segment.fast_fields();
        let date = match self.use_date {
            UseDate::Published => PUBLISHED,
            UseDate::Updated => UPDATED,
            UseDate::FirstPublished => FIRST_PUBLISHED,
        };
        Ok(SegmentWalk {
            walk: self.clone(),
            after: self.after.map(|key| self.place(key.rank, key.id.as_u128())),
            num: columns.i64(NUM)?,
            id: (columns.u64(ID_HIGH)?, columns.u64(ID_LOW)?),
            // Absent where no article of the segment has a value.
            date: columns.column_opt(date)?,
            visible: columns
                .column_opt(VISIBLE_FROM)?
                .zip(columns.column_opt(VISIBLE_UNTIL)?),
            tags: columns.column_opt(TAG)?,
            borne: Vec::new(),
            best: BinaryHeap::new(),
            count: 0,
        })
    }

    fn requires_scoring(&self) -> bool {
        self.order == Order::Relevance
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
    after: Option<(i64, u128)>,
    num: Column<i64>,
    id: (Column<u64>, Column<u64>),
    date: Option<Column<i64>>,
    visible: Option<(Column<i64>, Column<i64>)>,
    tags: Option<Column<i64>>,
    /// Room for one article's tags.
    borne: Vec<i64>,
    /// The best so far, the least of them on top.
    best: BinaryHeap<Reverse<Match>>,
    count: usize,
}

impl SegmentWalk {
    fn is_visible(&self, doc: DocId) -> bool {
        let Some(now) = self.walk.visible_at else {
            return true;
        };
        let Some((from, until)) = &self.visible else {
            return false;
        };
        from.first(doc).is_some_and(|from| from <= now)
            && until.first(doc).is_some_and(|until| now < until)
    }

    fn is_tagged_so(&mut self, doc: DocId) -> bool {
        let Some(filter) = &self.walk.tags else {
            return true;
        };
        self.borne.clear();
        if let Some(tags) = &self.tags {
            self.borne.extend(tags.values_for_doc(doc));
        }
        filter.accepts(&self.borne)
    }

    /// The rank before it is turned over, where the article belongs to the list at all.
    fn rank(&self, doc: DocId, score: Score) -> Option<i64> {
        let bounded = self.walk.from.is_some() || self.walk.to.is_some();
        let ranked_by_date = self.walk.order != Order::Relevance;
        if !bounded && !ranked_by_date {
            return Some(score_rank(score));
        }
        let date = self.date.as_ref()?.first(doc)?;
        let within = self.walk.from.is_none_or(|from| from <= date)
            && self.walk.to.is_none_or(|to| date <= to);
        within.then(|| {
            if ranked_by_date {
                date
            } else {
                score_rank(score)
            }
        })
    }

    fn id(&self, doc: DocId) -> Option<u128> {
        let (high, low) = (self.id.0.first(doc)?, self.id.1.first(doc)?);
        Some(u128::from(high) << 64 | u128::from(low))
    }

    fn offer(&mut self, doc: DocId, rank: i64) -> Option<()> {
        let full = self.best.len() >= self.walk.limit;
        // Most matches of a common word end here, on their rank alone.
        let least = self.best.peek().filter(|_| full);
        if least.is_some_and(|least| self.walk.place(rank, 0).0 < least.0.rank) {
            return None;
        }
        let place = self.walk.place(rank, self.id(doc)?);
        if self.after.is_some_and(|after| place >= after) {
            return None;
        }
        let found = Match {
            rank: place.0,
            id: place.1,
            num: self.num.first(doc)?,
        };
        if !full {
            self.best.push(Reverse(found));
        } else if let Some(mut least) = self.best.peek_mut()
            && found > least.0
        {
            *least = Reverse(found);
        }
        Some(())
    }
}

/// A score as a whole number. Rounded, because the same sum in another order, as after a merge of
/// segments, may differ in its last bit.
fn score_rank(score: Score) -> i64 {
    (f64::from(score) * 100_000.0).round() as i64
}

impl SegmentCollector for SegmentWalk {
    type Fruit = Gathered;

    fn collect(&mut self, doc: DocId, score: Score) {
        if !self.is_visible(doc) || !self.is_tagged_so(doc) {
            return;
        }
        if let Some(rank) = self.rank(doc, score) {
            self.count += 1;
            self.offer(doc, rank);
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
    fn tag_expressions_find_what_they_accept() {
        use TagFilter::{All, Any, Is, Not};
        let sets: [&[i64]; 6] = [&[], &[1], &[2], &[1, 2], &[2, 3], &[1, 2, 3]];
        let articles: Vec<_> = sets
            .iter()
            .zip(0..)
            .map(|(set, num)| {
                let bare = article(num, "fr", "Roses");
                set.iter()
                    .fold(bare, |made, &tag| made.tagged(tag, "Étiquette"))
            })
            .collect();
        let (index, _writer) = index_of(&articles);
        let not = |filter| Not(Box::new(filter));
        for filter in [
            Is(1),
            Is(99),
            not(Is(1)),
            not(Is(99)),
            not(not(Is(2))),
            All(vec![]),
            Any(vec![]),
            not(Any(vec![])),
            All(vec![Is(1), Is(2)]),
            Any(vec![Is(1), Is(3)]),
            All(vec![not(Is(1)), not(Is(3))]),
            Any(vec![not(Is(2)), Is(3)]),
            All(vec![Any(vec![Is(1), Is(2)]), not(Is(3))]),
            not(All(vec![Is(1), Any(vec![Is(3), not(Is(2))])])),
        ] {
            let expected: Vec<i64> = (0..)
                .zip(sets)
                .filter(|(_, set)| filter.accepts(set))
                .map(|(num, _)| num)
                .collect();
            let mut query = query("roses");
            query.tags = Some(filter.clone());
            assert_eq!(found(&index, &query), expected, "{filter:?}");
        }
    }

    #[test]
    fn visibility_is_half_open_to_the_microsecond() {
        let mut timed = article(1, "fr", "Roses");
        timed.visible = Some((1_000, 2_000));
        let mut never = article(2, "fr", "Roses");
        never.visible = None;
        let mut ever = article(3, "fr", "Roses");
        ever.visible = Some((i64::MIN, i64::MAX));
        let mut empty = article(4, "fr", "Roses");
        empty.visible = Some((1_500, 1_500));
        let (index, _writer) = index_of(&[timed, never, ever, empty]);
        let at = |visible_at| {
            let mut query = query("roses");
            query.visible_at = visible_at;
            query.count = true;
            let hits = index.search(&query).unwrap();
            assert_eq!(hits.count, Some(hits.hits.len()));
            hits.hits.iter().map(|hit| hit.num).collect::<Vec<_>>()
        };
        assert_eq!(at(Some(999)), [3]);
        assert_eq!(at(Some(1_000)), [1, 3]);
        assert_eq!(at(Some(1_500)), [1, 3]);
        assert_eq!(at(Some(1_999)), [1, 3]);
        assert_eq!(at(Some(2_000)), [3]);
        assert_eq!(at(None), [1, 2, 3, 4]);
    }

    #[test]
    fn a_segment_nobody_may_see_shows_nothing() {
        let mut never = article(1, "fr", "Roses");
        never.visible = None;
        let (index, _writer) = index_of(&[never]);
        let mut query = query("roses");
        query.visible_at = Some(0);
        assert_eq!(found(&index, &query), [0; 0]);
    }

    #[test]
    fn each_date_is_its_own_and_bounds_include_their_ends() {
        let mut dated = article(1, "fr", "Roses");
        (dated.published, dated.updated, dated.first_published) = (Some(200), 300, Some(100));
        let mut draft = article(2, "fr", "Roses");
        (draft.published, draft.updated, draft.first_published) = (None, 300, None);
        let (index, _writer) = index_of(&[dated, draft]);
        let within = |use_date, from, to, order| {
            let mut query = query("roses");
            (query.use_date, query.from, query.to, query.order) = (use_date, from, to, order);
            found(&index, &query)
        };
        use UseDate::{FirstPublished, Published, Updated};
        let oldest = Order::Oldest;
        assert_eq!(within(Published, None, None, oldest), [1]);
        assert_eq!(within(FirstPublished, None, None, oldest), [1]);
        assert_eq!(within(Updated, None, None, oldest), [1, 2]);
        assert_eq!(within(Published, None, None, Order::Relevance), [2, 1]);
        assert_eq!(
            within(Published, Some(200), Some(200), Order::Relevance),
            [1]
        );
        assert_eq!(within(Published, Some(201), None, oldest), [0; 0]);
        assert_eq!(within(Published, None, Some(199), oldest), [0; 0]);
        assert_eq!(within(FirstPublished, Some(100), Some(100), oldest), [1]);
        assert_eq!(within(Updated, Some(300), Some(300), oldest), [1, 2]);
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
