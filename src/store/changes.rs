//! The change log: one line for each write, in commit order.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::dsl::max;
use diesel::prelude::*;

use crate::content::time::to_stored;
use crate::db::Conn;
use crate::db::schema::changes;
use crate::error::Result;

/// What became of a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Written while the public could not see it, before and after.
    Saved,
    Published,
    Updated,
    Withdrawn,
    Deleted,
    Merged,
}

impl Action {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Saved => "saved",
            Self::Published => "published",
            Self::Updated => "updated",
            Self::Withdrawn => "withdrawn",
            Self::Deleted => "deleted",
            Self::Merged => "merged",
        }
    }

    /// What a save amounts to for the public.
    pub fn between(was_public: bool, is_public: bool) -> Self {
        match (was_public, is_public) {
            (false, false) => Self::Saved,
            (false, true) => Self::Published,
            (true, true) => Self::Updated,
            (true, false) => Self::Withdrawn,
        }
    }
}

/// What kind of thing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    Article,
    Tag,
}

impl ChangeKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Article => "article",
            Self::Tag => "tag",
        }
    }
}

#[derive(Queryable, Clone, Debug, PartialEq)]
pub struct ChangeRow {
    pub seq: i64,
    pub kind: String,
    pub num: i64,
    pub id: String,
    pub slug: String,
    pub action: String,
    pub at: NaiveDateTime,
    pub version: i64,
    /// See [`Change::moved_tags`]; `None` in lines from before that was told.
    pub moved_tags: Option<String>,
}

impl ChangeRow {
    /// The tags that the article gained or lost; `None` where the line does not tell.
    pub fn moved_tags(&self) -> Option<Vec<i64>> {
        let text = self.moved_tags.as_ref()?;
        Some(text.split(',').filter_map(|num| num.parse().ok()).collect())
    }
}

/// A line to be written.
pub struct Change<'a> {
    pub kind: ChangeKind,
    pub num: i64,
    pub id: &'a str,
    pub slug: &'a str,
    pub action: Action,
    pub version: i64,
    /// Numbers of the tags that an article gained or lost.
    pub moved_tags: &'a [i64],
}

/// Appends a line. The transaction must have begun as the only writer, so that the numbers commit in
/// their order.
pub fn append(conn: &mut Conn, change: &Change, now: DateTime<Utc>) -> Result<()> {
    diesel::insert_into(changes::table)
        .values((
            changes::kind.eq(change.kind.as_str()),
            changes::num.eq(change.num),
            changes::id.eq(change.id),
            changes::slug.eq(change.slug),
            changes::action.eq(change.action.as_str()),
            changes::at.eq(to_stored(now)),
            changes::version.eq(change.version),
            changes::moved_tags.eq(Some(joined(change.moved_tags))),
        ))
        .execute(conn)?;
    Ok(())
}

fn joined(nums: &[i64]) -> String {
    let texts: Vec<String> = nums.iter().map(i64::to_string).collect();
    texts.join(",")
}

/// The lines after `seq`, oldest first.
pub fn after(conn: &mut Conn, seq: i64, limit: i64) -> Result<Vec<ChangeRow>> {
    Ok(changes::table
        .filter(changes::seq.gt(seq))
        .order(changes::seq)
        .limit(limit)
        .load(conn)?)
}

/// The number of the last line; 0 where there is none.
pub fn last(conn: &mut Conn) -> Result<i64> {
    let last: Option<i64> = changes::table.select(max(changes::seq)).first(conn)?;
    Ok(last.unwrap_or(0))
}

/// Whether a line after `seq` tells of a tag that existed before.
pub fn tags_changed_after(conn: &mut Conn, seq: i64) -> Result<bool> {
    let first: Option<i64> = changes::table
        .filter(changes::seq.gt(seq))
        .filter(changes::kind.eq(ChangeKind::Tag.as_str()))
        .filter(changes::version.gt(1))
        .select(changes::seq)
        .first(conn)
        .optional()?;
    Ok(first.is_some())
}
