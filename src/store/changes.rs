//! The change log: one line for each write, in commit order.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::dsl::{exists, max};
use diesel::prelude::*;

use crate::content::time::to_stored;
use crate::content::visibility::Standing;
use crate::db::Conn;
use crate::db::dialect::each;
use crate::db::schema::{changes, partner_lines};
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

    /// What a save of an article amounts to for the public. That what is gone never was there, or the other way round, is
    /// told, too: its address answers otherwise.
    pub fn of_article(before: Standing, after: Standing) -> Self {
        let (was_public, is_public) = (before == Standing::Visible, after == Standing::Visible);
        match Self::between(was_public, is_public) {
            Self::Saved if before != after => Self::Withdrawn,
            action => action,
        }
    }

    /// The same for what is either public or not.
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
    /// See [`Moves::tags`]; `None` in lines from before that was told.
    pub moved_tags: Option<String>,
    /// See [`Moves::former_language`].
    pub former_language: Option<String>,
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
    pub moves: Moves<'a>,
}

/// In what an article has moved, so that who knew it by that can be told.
#[derive(Clone, Copy, Default)]
pub struct Moves<'a> {
    /// Numbers of the tags that it gained or lost.
    pub tags: &'a [i64],
    /// Where it is in another language now.
    pub former_language: Option<&'a str>,
}

impl<'a> Moves<'a> {
    pub fn of(tags: &'a [i64], former_language: &'a str, language: &str) -> Self {
        Self {
            tags,
            former_language: (former_language != language).then_some(former_language),
        }
    }
}

macro_rules! values {
    ($change:expr, $now:expr) => {
        (
            changes::kind.eq($change.kind.as_str()),
            changes::num.eq($change.num),
            changes::id.eq($change.id),
            changes::slug.eq($change.slug),
            changes::action.eq($change.action.as_str()),
            changes::at.eq(to_stored($now)),
            changes::version.eq($change.version),
            changes::moved_tags.eq(Some(joined($change.moves.tags))),
            changes::former_language.eq($change.moves.former_language),
        )
    };
}

/// Appends a line. The transaction must have begun as the only writer, so that the numbers commit in
/// their order.
pub fn append(conn: &mut Conn, change: &Change, now: DateTime<Utc>) -> Result<()> {
    each!(conn, conn =>
        diesel::insert_into(changes::table)
            .values(values!(change, now))
            .execute(conn))?;
    Ok(())
}

/// Appends a line for each of several things, and tells the numbers of the lines, by those of the things.
///
/// # Errors
/// When the database fails.
pub fn append_all(
    conn: &mut Conn,
    lines: &[Change],
    now: DateTime<Utc>,
) -> Result<HashMap<i64, i64>> {
    if lines.is_empty() {
        return Ok(HashMap::new());
    }
    let before = last(conn)?;
    match conn {
        Conn::Sqlite(conn) => {
            for change in lines {
                diesel::insert_into(changes::table)
                    .values(values!(change, now))
                    .execute(conn)?;
            }
        }
        // One journey to the server.
        Conn::Postgres(conn) => {
            let rows: Vec<_> = lines.iter().map(|change| values!(change, now)).collect();
            diesel::insert_into(changes::table)
                .values(&rows)
                .execute(conn)?;
        }
    }
    let written: Vec<(i64, i64)> = changes::table
        .filter(changes::seq.gt(before))
        .select((changes::num, changes::seq))
        .load(conn)?;
    Ok(written.into_iter().collect())
}

fn joined(nums: &[i64]) -> String {
    let texts: Vec<String> = nums.iter().map(i64::to_string).collect();
    texts.join(",")
}

/// The lines after `seq`, oldest first.
pub fn after(conn: &mut Conn, seq: i64, limit: i64) -> Result<Vec<ChangeRow>> {
    Ok(each!(conn, conn =>
        changes::table
            .filter(changes::seq.gt(seq))
            .order(changes::seq)
            .limit(limit)
            .load(conn))?)
}

/// Those of the lines after one and up to another that tell the public something, oldest first; with those that are
/// told to the partner of this key alone.
pub fn told(
    conn: &mut Conn,
    after: i64,
    until: i64,
    kind: Option<ChangeKind>,
    partner: Option<&str>,
    limit: i64,
) -> Result<Vec<ChangeRow>> {
    let mut query = changes::table
        .filter(changes::seq.gt(after))
        .filter(changes::seq.le(until))
        .into_boxed();
    let is_public = changes::action.ne(Action::Saved.as_str());
    query = match partner {
        None => query.filter(is_public),
        Some(key) => {
            let own = partner_lines::table
                .filter(partner_lines::key_id.eq(key.to_owned()))
                .filter(partner_lines::article_num.eq(changes::num))
                .filter(partner_lines::seq.eq(changes::seq));
            query.filter(is_public.or(exists(own)))
        }
    };
    if let Some(kind) = kind {
        query = query.filter(changes::kind.eq(kind.as_str()));
    }
    Ok(query.order(changes::seq).limit(limit).load(conn)?)
}

/// Up to which of the lines until `last` nothing was written later than `moment`. Lines have the times of their writers'
/// clocks, which rise with their numbers but for what clocks differ by; so it is found by halving.
///
/// # Errors
/// When the database fails.
pub fn last_by(conn: &mut Conn, last: i64, moment: DateTime<Utc>) -> Result<i64> {
    let moment = to_stored(moment);
    let (mut by, mut later) = (0, last.saturating_add(1));
    // The end first: mostly nothing is new.
    let mut probe = last;
    while by + 1 < later {
        let line: Option<(i64, NaiveDateTime)> = changes::table
            .filter(changes::seq.le(probe))
            .filter(changes::seq.gt(by))
            .order(changes::seq.desc())
            .select((changes::seq, changes::at))
            .first(conn)
            .optional()?;
        match line {
            Some((seq, at)) if at > moment => later = seq,
            Some(_) | None => by = probe,
        }
        probe = by + (later - by) / 2;
    }
    Ok(by)
}

/// When the first line after `seq` was written, where there is one up to `last`.
pub fn written_after(conn: &mut Conn, seq: i64, last: i64) -> Result<Option<DateTime<Utc>>> {
    let at: Option<NaiveDateTime> = changes::table
        .filter(changes::seq.gt(seq))
        .filter(changes::seq.le(last))
        .order(changes::seq)
        .select(changes::at)
        .first(conn)
        .optional()?;
    Ok(at.map(|at| at.and_utc()))
}

/// Whether the public was told of an article under this slug.
pub fn told_slug(conn: &mut Conn, num: i64, slug: &str) -> Result<bool> {
    let line: Option<i64> = changes::table
        .filter(changes::num.eq(num))
        .filter(changes::kind.eq(ChangeKind::Article.as_str()))
        .filter(changes::action.ne(Action::Saved.as_str()))
        .filter(changes::slug.eq(slug))
        .select(changes::seq)
        .first(conn)
        .optional()?;
    Ok(line.is_some())
}

/// When an article that had been public was taken back, as the lines before this one tell: the first since the public
/// last read it. `None` where none tells that it was public.
///
/// # Errors
/// When the database fails.
pub fn taken_back(conn: &mut Conn, num: i64, before: i64) -> Result<Option<DateTime<Utc>>> {
    let of_article = || {
        changes::table
            .filter(changes::num.eq(num))
            .filter(changes::kind.eq(ChangeKind::Article.as_str()))
            .filter(changes::seq.lt(before))
    };
    let public = [Action::Published.as_str(), Action::Updated.as_str()];
    let last: Option<i64> = of_article()
        .filter(changes::action.eq_any(public))
        .select(max(changes::seq))
        .first(conn)?;
    let Some(last) = last else {
        return Ok(None);
    };
    let at: Option<NaiveDateTime> = of_article()
        .filter(changes::seq.gt(last))
        .filter(changes::action.eq(Action::Withdrawn.as_str()))
        .order(changes::seq)
        .select(changes::at)
        .first(conn)
        .optional()?;
    Ok(at.map(|at| at.and_utc()))
}

/// The slug under which the public was last told of an article.
pub fn last_told_slug(conn: &mut Conn, num: i64) -> Result<Option<String>> {
    last_told_slug_before(conn, num, i64::MAX)
}

/// The same as the lines before this one told.
pub fn last_told_slug_before(conn: &mut Conn, num: i64, seq: i64) -> Result<Option<String>> {
    Ok(changes::table
        .filter(changes::num.eq(num))
        .filter(changes::seq.lt(seq))
        .filter(changes::kind.eq(ChangeKind::Article.as_str()))
        .filter(changes::action.ne(Action::Saved.as_str()))
        .order(changes::seq.desc())
        .select(changes::slug)
        .first(conn)
        .optional()?)
}

/// The number of the last line; 0 where there is none.
pub fn last(conn: &mut Conn) -> Result<i64> {
    let last: Option<i64> = each!(conn, conn =>
        changes::table.select(max(changes::seq)).first(conn))?;
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
