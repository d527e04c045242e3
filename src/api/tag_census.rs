//! Every tag with its public articles counted, kept while nothing moves.
//!
//! A census is of one state of the store, which the last line of the log names, and of a span of time in which no
//! article appears or disappears. Within both it is exact; outside it is made anew.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, Utc};

use crate::api::inputs::{TagListInput, TagOrder};
use crate::api::tag_views::For;
use crate::api::tags::Found;
use crate::db::Conn;
use crate::error::Result;
use crate::store::tags::TagOutline;
use crate::store::{changes, tags};

/// Where a tag stands in a list: how often it is used, negated, its folded name, its slug.
pub type Key = (i64, String, String);

/// The last census, shared by all requests.
#[derive(Clone, Default)]
pub struct Kept(Arc<RwLock<Option<Arc<Census>>>>);

/// All tags as they were counted at one moment.
pub struct Census {
    seq: i64,
    from: DateTime<Utc>,
    until: Option<DateTime<Utc>>,
    /// By name.
    tags: Vec<Counted>,
    /// Places in `tags`, the most used first.
    by_count: Vec<usize>,
    /// By number; zeros are missing.
    counts: HashMap<i64, i64>,
}

struct Counted {
    outline: TagOutline,
    count: i64,
}

impl Kept {
    /// The census of what this connection's transaction sees, at `now`.
    ///
    /// # Errors
    /// When the database fails.
    pub fn at(&self, conn: &mut Conn, now: DateTime<Utc>) -> Result<Arc<Census>> {
        let seq = changes::last(conn)?;
        if let Some(census) = self.good_for(seq, now) {
            return Ok(census);
        }
        let census = Arc::new(Census::take(conn, seq, now)?);
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // A slow reader must not put an old state in the place of a newer one.
        if kept.as_ref().is_none_or(|kept| kept.seq <= seq) {
            *kept = Some(Arc::clone(&census));
        }
        Ok(census)
    }

    /// How many public articles bear each of these tags: from the census where it holds, else counted for these alone.
    ///
    /// # Errors
    /// When the database fails.
    pub fn counts(
        &self,
        conn: &mut Conn,
        nums: &[i64],
        now: DateTime<Utc>,
    ) -> Result<HashMap<i64, i64>> {
        if nums.is_empty() {
            return Ok(HashMap::new());
        }
        let seq = changes::last(conn)?;
        let Some(census) = self.good_for(seq, now) else {
            return tags::counts(conn, nums, now);
        };
        let counted = |num: &i64| Some((*num, *census.counts.get(num)?));
        Ok(nums.iter().filter_map(counted).collect())
    }

    fn good_for(&self, seq: i64, now: DateTime<Utc>) -> Option<Arc<Census>> {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref()
            .filter(|census| census.holds(seq, now))
            .cloned()
    }
}

impl Census {
    fn take(conn: &mut Conn, seq: i64, now: DateTime<Utc>) -> Result<Self> {
        let counts = tags::all_counts(conn, now)?;
        let tags: Vec<Counted> = tags::all_outlines(conn)?
            .into_iter()
            .map(|outline| Counted {
                count: counts.get(&outline.num).copied().unwrap_or(0),
                outline,
            })
            .collect();
        let mut by_count: Vec<usize> = (0..tags.len()).collect();
        // Stable, so that those used alike stay in order of name.
        by_count.sort_by_key(|&place| -tags[place].count);
        Ok(Self {
            seq,
            from: now,
            until: tags::next_moment(conn, now)?,
            tags,
            by_count,
            counts,
        })
    }

    fn holds(&self, seq: i64, now: DateTime<Utc>) -> bool {
        self.seq == seq && self.from <= now && self.until.is_none_or(|until| now < until)
    }

    /// The page of a list that comes after a key.
    pub fn page(&self, input: &TagListInput, whom: For, after: Option<&Key>) -> Found {
        let mut found = Found::default();
        let mut total = 0;
        let mut last = None;
        for place in 0..self.tags.len() {
            let tag = match input.order {
                TagOrder::Name => &self.tags[place],
                TagOrder::Count => &self.tags[self.by_count[place]],
            };
            if !tag.is_in(input, whom) {
                continue;
            }
            total += 1;
            let passed = after.is_some_and(|after| tag.key(input.order) <= key_of(after));
            if passed || found.next.is_some() {
                continue;
            }
            if found.nums.len() < input.limit {
                found.nums.push(tag.outline.num);
                last = Some(tag);
            } else if let Some((count, name, slug)) = last.map(|tag| tag.key(input.order)) {
                found.next = Some((count, name.to_owned(), slug.to_owned()));
                if !input.count {
                    return found;
                }
            }
        }
        found.count = input.count.then_some(total);
        found
    }
}

impl Counted {
    fn is_in(&self, input: &TagListInput, whom: For) -> bool {
        (whom.is_newsroom() || self.outline.listed || self.count > 0)
            && input.kind.is_none_or(|kind| self.outline.kind == kind)
            && input
                .prefix
                .as_ref()
                .is_none_or(|prefix| self.outline.folded_name.starts_with(prefix))
    }

    fn key(&self, order: TagOrder) -> (i64, &str, &str) {
        let count = match order {
            TagOrder::Name => 0,
            // Negated, so that one ascending order does for both.
            TagOrder::Count => -self.count,
        };
        (count, &self.outline.folded_name, &self.outline.slug)
    }
}

fn key_of(key: &Key) -> (i64, &str, &str) {
    (key.0, &key.1, &key.2)
}
