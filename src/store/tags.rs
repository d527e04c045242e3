//! Tags: finding, listing and counting them.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::dsl::{count_star, exists, min};
use diesel::prelude::*;

use crate::content::rights::Rights;
use crate::content::time::to_stored;
use crate::db::Conn;
use crate::db::dialect::{among, each, for_these};
use crate::db::schema::{article_tags, articles, tag_aliases, tags};
use crate::error::Result;
use crate::store::sights;

#[derive(Queryable, Clone, Debug, PartialEq)]
pub struct TagRow {
    pub num: i64,
    pub id: String,
    pub slug: String,
    pub name: String,
    pub folded_name: String,
    pub kind: String,
    pub description: Option<String>,
    pub parent_num: Option<i64>,
    pub listed: bool,
    pub created_at: NaiveDateTime,
    pub updated_at: NaiveDateTime,
    pub version: i64,
}

/// A slug leads to a tag, as its own or as a former one.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    Proper(TagRow),
    Alias(TagRow),
}

impl Found {
    pub fn into_row(self) -> TagRow {
        match self {
            Self::Proper(row) | Self::Alias(row) => row,
        }
    }
}

pub fn find(conn: &mut Conn, slug: &str) -> Result<Option<Found>> {
    let proper = each!(conn, conn =>
        tags::table.filter(tags::slug.eq(slug)).first(conn).optional())?;
    if let Some(row) = proper {
        return Ok(Some(Found::Proper(row)));
    }
    let aliased = tag_aliases::table
        .inner_join(tags::table)
        .filter(tag_aliases::slug.eq(slug))
        .select(tags::all_columns)
        .first(conn)
        .optional()?;
    Ok(aliased.map(Found::Alias))
}

/// The same for the public: what it may know of at `now`. A tag that became part of another unknown leaves no trace.
pub fn find_public(conn: &mut Conn, slug: &str, now: DateTime<Utc>) -> Result<Option<Found>> {
    let Some(found) = find(conn, slug)? else {
        return Ok(None);
    };
    let (Found::Proper(row) | Found::Alias(row)) = &found;
    let is_hidden = matches!(found, Found::Alias(_)) && !alias_is_public(conn, slug)?;
    match !is_hidden && is_public(conn, row, now)? {
        true => Ok(Some(found)),
        false => Ok(None),
    }
}

/// The same for a partner: what is listed, or borne by an article that it sees at `now`.
pub fn find_for(
    conn: &mut Conn,
    slug: &str,
    rights: &Rights,
    now: DateTime<Utc>,
) -> Result<Option<Found>> {
    let Some(found) = find(conn, slug)? else {
        return Ok(None);
    };
    let (Found::Proper(row) | Found::Alias(row)) = &found;
    let is_hidden = matches!(found, Found::Alias(_)) && !alias_is_public(conn, slug)?;
    match !is_hidden && is_known_to(conn, row, rights, now)? {
        true => Ok(Some(found)),
        false => Ok(None),
    }
}

fn alias_is_public(conn: &mut Conn, slug: &str) -> Result<bool> {
    let public: Option<bool> = tag_aliases::table
        .filter(tag_aliases::slug.eq(slug))
        .select(tag_aliases::public)
        .first(conn)
        .optional()?;
    Ok(public.unwrap_or(false))
}

/// The tags of these numbers, by number.
pub fn by_nums(conn: &mut Conn, nums: &[i64]) -> Result<HashMap<i64, TagRow>> {
    if nums.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<TagRow> = each!(conn, conn =>
        tags::table.filter(among(tags::num, nums)).load(conn))?;
    Ok(rows.into_iter().map(|row| (row.num, row)).collect())
}

const OUTLINE: (
    tags::num,
    tags::slug,
    tags::folded_name,
    tags::kind,
    tags::listed,
) = (
    tags::num,
    tags::slug,
    tags::folded_name,
    tags::kind,
    tags::listed,
);

/// The least that ordering and filtering a list of tags needs.
#[derive(Queryable, Clone, Debug)]
pub struct TagOutline {
    pub num: i64,
    pub slug: String,
    pub folded_name: String,
    pub kind: String,
    pub listed: bool,
}

/// Every tag, by name.
pub fn all_outlines(conn: &mut Conn) -> Result<Vec<TagOutline>> {
    Ok(tags::table
        .order((tags::folded_name, tags::slug))
        .select(OUTLINE)
        .load(conn)?)
}

/// The next tags of a kind whose folded name begins so, by name, after this folded name and slug.
pub fn outlines(
    conn: &mut Conn,
    kind: Option<&str>,
    folded_prefix: Option<&str>,
    after: Option<(&str, &str)>,
    limit: usize,
) -> Result<Vec<TagOutline>> {
    let mut query = tags::table.into_boxed();
    if let Some(kind) = kind {
        query = query.filter(tags::kind.eq(kind.to_owned()));
    }
    if let Some(prefix) = folded_prefix {
        // A range uses the index on either database; LIKE depends on settings.
        query = query
            .filter(tags::folded_name.ge(prefix.to_owned()))
            .filter(tags::folded_name.lt(format!("{prefix}{}", char::MAX)));
    }
    if let Some((name, slug)) = after {
        // The first condition bounds the index scan, the second breaks ties.
        query = query.filter(tags::folded_name.ge(name.to_owned())).filter(
            tags::folded_name
                .gt(name.to_owned())
                .or(tags::slug.gt(slug.to_owned())),
        );
    }
    Ok(query
        .order((tags::folded_name, tags::slug))
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(OUTLINE)
        .load(conn)?)
}

/// Taggings of articles that the public sees.
macro_rules! public_taggings {
    ($now:expr) => {
        article_tags::table
            .inner_join(articles::table)
            .filter(
                articles::status
                    .eq("published")
                    .or(articles::status.eq("scheduled")),
            )
            .filter(articles::deleted_at.is_null())
            .filter(articles::published_at.le($now))
            .filter(
                articles::embargoed_until
                    .is_null()
                    .or(articles::embargoed_until.le($now)),
            )
            .filter(
                articles::expires_at
                    .is_null()
                    .or(articles::expires_at.gt($now)),
            )
    };
}

/// How many articles that the public sees at `now` bear each of these tags; zeros are missing.
pub fn counts(conn: &mut Conn, nums: &[i64], now: DateTime<Utc>) -> Result<HashMap<i64, i64>> {
    let now = to_stored(now);
    let rows: Vec<(i64, i64)> = public_taggings!(now)
        .filter(article_tags::tag_num.eq_any(nums))
        .group_by(article_tags::tag_num)
        .select((article_tags::tag_num, count_star()))
        .load(conn)?;
    Ok(rows.into_iter().collect())
}

/// Those of these tags that an article bears which the public sees at `now`.
pub fn borne_publicly(conn: &mut Conn, nums: &[i64], now: DateTime<Utc>) -> Result<HashSet<i64>> {
    let now = to_stored(now);
    let borne = tags::table
        .filter(tags::num.eq_any(nums))
        .filter(exists(
            public_taggings!(now).filter(article_tags::tag_num.eq(tags::num)),
        ))
        .select(tags::num);
    Ok(borne.load::<i64>(conn)?.into_iter().collect())
}

/// Whether a partner with these rights may know of a tag: it is listed, or borne by an article that it sees at `now`.
pub fn is_known_to(
    conn: &mut Conn,
    tag: &TagRow,
    rights: &Rights,
    now: DateTime<Utc>,
) -> Result<bool> {
    if tag.listed {
        return Ok(true);
    }
    let any: Option<i64> = article_tags::table
        .inner_join(articles::table)
        .filter(sights::partner_tagging(rights, now))
        .filter(article_tags::tag_num.eq(tag.num))
        .select(article_tags::article_num)
        .first(conn)
        .optional()?;
    Ok(any.is_some())
}

/// How many articles that a partner with these rights sees at `now` bear each of these tags, or each of all; zeros are
/// missing.
pub fn counts_for(
    conn: &mut Conn,
    nums: Option<&[i64]>,
    rights: &Rights,
    now: DateTime<Utc>,
) -> Result<HashMap<i64, i64>> {
    let mut condition = sights::partner_tagging(rights, now);
    if let Some(nums) = nums {
        condition = Box::new(condition.and(article_tags::tag_num.eq_any(nums)));
    }
    let rows: Vec<(i64, i64)> = article_tags::table
        .inner_join(articles::table)
        .filter(condition)
        .group_by(article_tags::tag_num)
        .select((article_tags::tag_num, count_star()))
        .load(conn)?;
    Ok(rows.into_iter().collect())
}

/// How many articles that the public sees at `now` and no partner gets bear each of these tags; zeros are missing.
pub fn withheld_counts(
    conn: &mut Conn,
    nums: &[i64],
    now: DateTime<Utc>,
) -> Result<HashMap<i64, i64>> {
    let rows: Vec<(i64, i64)> = article_tags::table
        .inner_join(articles::table)
        .filter(sights::withheld_tagging())
        .filter(sights::public_tagging(now))
        .filter(article_tags::tag_num.eq_any(nums))
        .group_by(article_tags::tag_num)
        .select((article_tags::tag_num, count_star()))
        .load(conn)?;
    Ok(rows.into_iter().collect())
}

/// Whether the public may know of a tag: an editor made it, or an article that it sees at `now` bears it. A tag
/// that came with a draft would tell of the draft.
pub fn is_public(conn: &mut Conn, tag: &TagRow, now: DateTime<Utc>) -> Result<bool> {
    if tag.listed {
        return Ok(true);
    }
    let now = to_stored(now);
    let any: Option<i64> = public_taggings!(now)
        .filter(article_tags::tag_num.eq(tag.num))
        .select(article_tags::article_num)
        .first(conn)
        .optional()?;
    Ok(any.is_some())
}

/// The first moment after `now` at which time alone may change what is public. Rather too early than too late: what
/// would not show in the end counts, too.
pub fn next_moment(conn: &mut Conn, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>> {
    let now = to_stored(now);
    let moments: [Option<NaiveDateTime>; 3] = [
        articles::table
            .filter(articles::published_at.gt(now))
            .select(min(articles::published_at))
            .first(conn)?,
        articles::table
            .filter(articles::embargoed_until.gt(now))
            .select(min(articles::embargoed_until))
            .first(conn)?,
        articles::table
            .filter(articles::expires_at.gt(now))
            .select(min(articles::expires_at))
            .first(conn)?,
    ];
    Ok(moments
        .into_iter()
        .flatten()
        .min()
        .map(|moment| moment.and_utc()))
}

/// How many articles of any standing bear each of these tags; zeros are missing. All taggings, which an index counts,
/// less those of tombstones, which are few.
pub fn bearer_counts(conn: &mut Conn, nums: &[i64]) -> Result<HashMap<i64, i64>> {
    let all: Vec<(i64, i64)> = article_tags::table
        .filter(article_tags::tag_num.eq_any(nums))
        .group_by(article_tags::tag_num)
        .select((article_tags::tag_num, count_star()))
        .load(conn)?;
    let tombstones = articles::table
        .filter(articles::deleted_at.is_not_null())
        .select(articles::num);
    let deleted: Vec<(i64, i64)> = article_tags::table
        .filter(article_tags::tag_num.eq_any(nums))
        .filter(article_tags::article_num.eq_any(tombstones))
        .group_by(article_tags::tag_num)
        .select((article_tags::tag_num, count_star()))
        .load(conn)?;
    Ok(less(all.into_iter().collect(), deleted))
}

/// These counts less others, where something is left.
pub fn less(
    mut counts: HashMap<i64, i64>,
    hidden: impl IntoIterator<Item = (i64, i64)>,
) -> HashMap<i64, i64> {
    for (num, hidden) in hidden {
        if let Some(count) = counts.get_mut(&num) {
            *count -= hidden;
        }
    }
    counts.retain(|_, count| *count > 0);
    counts
}

/// The other slugs of these tags, by number, in order.
pub fn all_aliases(conn: &mut Conn, nums: &[i64]) -> Result<HashMap<i64, Vec<String>>> {
    let rows: Vec<(i64, String)> = tag_aliases::table
        .filter(tag_aliases::tag_num.eq_any(nums))
        .order(tag_aliases::slug)
        .select((tag_aliases::tag_num, tag_aliases::slug))
        .load(conn)?;
    let mut by_tag: HashMap<i64, Vec<String>> = HashMap::new();
    for (num, slug) in rows {
        by_tag.entry(num).or_default().push(slug);
    }
    Ok(by_tag)
}

/// The former slugs of a tag, and of those merged into it.
pub fn aliases(conn: &mut Conn, num: i64) -> Result<Vec<String>> {
    Ok(tag_aliases::table
        .filter(tag_aliases::tag_num.eq(num))
        .order(tag_aliases::slug)
        .select(tag_aliases::slug)
        .load(conn)?)
}

/// Which tag each of these articles bears, with the tag's row, in editorial order.
pub fn of_articles(conn: &mut Conn, nums: &[i64]) -> Result<HashMap<i64, Vec<TagRow>>> {
    let rows: Vec<(i64, TagRow)> = for_these!(article_tags::article_num, nums, these =>
        each!(conn, conn =>
            article_tags::table
                .inner_join(tags::table)
                .filter(these)
                .order((article_tags::article_num, article_tags::position))
                .select((article_tags::article_num, tags::all_columns))
                .load(conn)))?;
    let mut by_article: HashMap<i64, Vec<TagRow>> = HashMap::new();
    for (article, tag) in rows {
        by_article.entry(article).or_default().push(tag);
    }
    Ok(by_article)
}

/// The numbers of the tags of these articles, by that of the article; one without tags is missing.
pub fn nums_of(conn: &mut Conn, nums: &[i64]) -> Result<HashMap<i64, Vec<i64>>> {
    let borne: Vec<(i64, i64)> = each!(conn, conn =>
        article_tags::table
            .filter(among(article_tags::article_num, nums))
            .select((article_tags::article_num, article_tags::tag_num))
            .load(conn))?;
    let mut tags: HashMap<i64, Vec<i64>> = HashMap::with_capacity(nums.len());
    for (article, tag) in borne {
        tags.entry(article).or_default().push(tag);
    }
    Ok(tags)
}

/// The articles that bear a tag.
pub fn bearers(conn: &mut Conn, num: i64) -> Result<Vec<i64>> {
    Ok(article_tags::table
        .filter(article_tags::tag_num.eq(num))
        .select(article_tags::article_num)
        .load(conn)?)
}
