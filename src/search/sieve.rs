//! Which matches a list lets through: visibility, dates and tags, read from columns, not searched.

use std::sync::Arc;

use tantivy::DocId;

use super::columns::Columns;
use crate::content::listing::UseDate;
use crate::content::rights::Rights;
use crate::content::tag_filter::TagFilter;

/// Times are Unix microseconds.
#[derive(Clone, Debug)]
pub struct Sieve {
    pub use_date: UseDate,
    /// Inclusive, as is `to`; an article without the date is outside of both.
    pub from: Option<i64>,
    pub to: Option<i64>,
    /// `Some`: only what the public sees at this time.
    pub visible_at: Option<i64>,
    pub tags: Option<TagFilter<i64>>,
    /// Of a partner; its languages and sources are looked up, not sieved.
    pub rights: Option<Arc<Rights>>,
}

impl Sieve {
    /// Over the segment that has these columns.
    pub fn over(&self, columns: Arc<Columns>) -> SegmentSieve {
        SegmentSieve {
            sieve: self.clone(),
            columns,
            borne: Vec::new(),
        }
    }
}

/// The sieve over one segment.
pub struct SegmentSieve {
    sieve: Sieve,
    columns: Arc<Columns>,
    /// Room for one article's tags.
    borne: Vec<i64>,
}

impl SegmentSieve {
    pub fn lets_through(&mut self, doc: DocId) -> bool {
        self.is_visible(doc)
            && !self.is_withheld(doc)
            && self.is_dated_so(doc)
            && self.is_tagged_so(doc)
    }

    /// The date the list goes by.
    pub fn date(&self, doc: DocId) -> Option<i64> {
        self.columns.date(self.sieve.use_date, doc)
    }

    fn is_visible(&self, doc: DocId) -> bool {
        let Some(now) = self.sieve.visible_at else {
            return true;
        };
        let Some((from, until)) = &self.columns.visible else {
            return false;
        };
        let shift = self.sieve.rights.as_ref().map(|rights| rights.shift);
        let micros = shift.and_then(|shift| shift.num_microseconds());
        let opened = now.saturating_sub(micros.unwrap_or(0));
        from.first(doc).is_some_and(|from| from <= opened)
            && until.first(doc).is_some_and(|until| now < until)
    }

    fn is_withheld(&self, doc: DocId) -> bool {
        let mark = self
            .columns
            .withheld
            .as_ref()
            .and_then(|mark| mark.first(doc));
        self.sieve.rights.is_some() && mark.is_some()
    }

    fn is_dated_so(&self, doc: DocId) -> bool {
        let (from, to) = (self.sieve.from, self.sieve.to);
        if from.is_none() && to.is_none() {
            return true;
        }
        self.date(doc).is_some_and(|date| {
            from.is_none_or(|from| from <= date) && to.is_none_or(|to| date <= to)
        })
    }

    fn is_tagged_so(&mut self, doc: DocId) -> bool {
        let scope = self.sieve.rights.as_ref();
        let scope = scope.and_then(|rights| rights.tags.as_ref());
        if scope.is_none() && self.sieve.tags.is_none() {
            return true;
        }
        self.borne.clear();
        if let Some(tags) = &self.columns.tags {
            self.borne.extend(tags.values_for_doc(doc));
        }
        let mut filters = scope.into_iter().chain(&self.sieve.tags);
        filters.all(|filter| filter.accepts(&self.borne))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{article, found, index_of, query};
    use super::*;
    use crate::content::listing::Order;

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
    fn a_partner_finds_what_its_rights_let_through() {
        let mut timed = article(1, "fr", "Roses").tagged(5, "Fleurs");
        timed.visible = Some((1_000, 2_000));
        let mut withheld = article(2, "fr", "Roses").tagged(5, "Fleurs");
        withheld.syndicatable = false;
        let mut sourced = article(3, "ar", "Roses").tagged(5, "Fleurs");
        sourced.source = Some("MAP");
        let (index, _writer) = index_of(&[timed, withheld, sourced, article(4, "fr", "Roses")]);
        let at = |now, rights: Rights| {
            let mut query = query("roses");
            query.visible_at = Some(now);
            query.rights = Some(Arc::new(rights));
            query.count = true;
            let hits = index.search(&query).unwrap();
            assert_eq!(hits.count, Some(hits.hits.len()));
            hits.hits.iter().map(|hit| hit.num).collect::<Vec<_>>()
        };
        let shifted = |micros| Rights {
            shift: chrono::TimeDelta::microseconds(micros),
            ..Rights::default()
        };
        assert_eq!(at(1_000, Rights::default()), [1, 3, 4]);
        assert_eq!(at(1_099, shifted(100)), [3, 4]);
        assert_eq!(at(1_100, shifted(100)), [1, 3, 4]);
        assert_eq!(at(900, shifted(-100)), [1, 3, 4]);
        assert_eq!(at(899, shifted(-100)), [3, 4]);
        assert_eq!(at(2_000, shifted(100)), [3, 4]);
        let tagged = Rights {
            tags: Some(TagFilter::Is(5)),
            ..Rights::default()
        };
        assert_eq!(at(1_500, tagged.clone()), [1, 3]);
        let arabic = Rights {
            languages: Some(vec!["ar".to_owned(), "en".to_owned()]),
            ..tagged.clone()
        };
        assert_eq!(at(1_500, arabic), [3]);
        let of_source = Rights {
            sources: Some(vec!["MAP".to_owned()]),
            ..tagged
        };
        assert_eq!(at(1_500, of_source), [3]);
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
}
