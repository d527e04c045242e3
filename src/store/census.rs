//! What a census of tags is counted from: who bears what, and whom the public sees.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::dsl::max;
use diesel::prelude::*;

use crate::content::time::to_stored;
use crate::db::Conn;
use crate::db::schema::{article_tags, articles, tags};
use crate::error::Result;
use crate::store::sights;
use crate::store::tags::TagOutline;

/// Numbers that one query names.
const NAMED: usize = 500;

/// The greatest number that an article has.
pub fn last_article(conn: &mut Conn) -> Result<i64> {
    let last: Option<i64> = articles::table.select(max(articles::num)).first(conn)?;
    Ok(last.unwrap_or(0))
}

/// The articles that the public does not see at `now`, which are few.
pub fn hidden(conn: &mut Conn, now: DateTime<Utc>) -> Result<HashSet<i64>> {
    let now = to_stored(now);
    let hidden = articles::table
        .filter(
            articles::status
                .ne_all(["published", "scheduled"])
                .or(articles::deleted_at.is_not_null())
                .or(articles::published_at.is_null())
                .or(articles::published_at.gt(now).assume_not_null())
                .or(articles::embargoed_until.gt(now).assume_not_null())
                .or(articles::expires_at.le(now).assume_not_null()),
        )
        .select(articles::num);
    Ok(hidden.load::<i64>(conn)?.into_iter().collect())
}

/// Who bears what, of the articles after one number up to another, in order of the articles.
pub fn taggings(conn: &mut Conn, after: i64, until: i64) -> Result<Vec<(i64, i64)>> {
    Ok(article_tags::table
        .filter(article_tags::article_num.gt(after))
        .filter(article_tags::article_num.le(until))
        .order(article_tags::article_num)
        .select((article_tags::article_num, article_tags::tag_num))
        .load(conn)?)
}

/// Who bears what, of those of these articles that the public sees at `now`.
pub fn public_taggings(
    conn: &mut Conn,
    nums: &[i64],
    now: DateTime<Utc>,
) -> Result<Vec<(i64, i64)>> {
    let mut all = Vec::new();
    for nums in nums.chunks(NAMED) {
        let public: Vec<i64> = articles::table
            .filter(sights::public(now))
            .filter(articles::num.eq_any(nums))
            .select(articles::num)
            .load(conn)?;
        let borne = article_tags::table
            .filter(article_tags::article_num.eq_any(public))
            .select((article_tags::article_num, article_tags::tag_num));
        all.extend(borne.load::<(i64, i64)>(conn)?);
    }
    Ok(all)
}

/// The articles that appear or disappear by time alone after one moment, up to and with another; those that would, if
/// nothing else hid them, too.
pub fn turned(conn: &mut Conn, after: DateTime<Utc>, until: DateTime<Utc>) -> Result<Vec<i64>> {
    let (after, until) = (to_stored(after), to_stored(until));
    let mut nums: Vec<i64> = articles::table
        .filter(articles::published_at.gt(after))
        .filter(articles::published_at.le(until))
        .select(articles::num)
        .load(conn)?;
    nums.extend(
        articles::table
            .filter(articles::embargoed_until.gt(after))
            .filter(articles::embargoed_until.le(until))
            .select(articles::num)
            .load::<i64>(conn)?,
    );
    nums.extend(
        articles::table
            .filter(articles::expires_at.gt(after))
            .filter(articles::expires_at.le(until))
            .select(articles::num)
            .load::<i64>(conn)?,
    );
    Ok(nums)
}

/// These tags, with the id of each.
pub fn outlines(conn: &mut Conn, nums: &[i64]) -> Result<Vec<(String, TagOutline)>> {
    let mut all = Vec::new();
    for nums in nums.chunks(NAMED) {
        let some = tags::table.filter(tags::num.eq_any(nums)).select((
            tags::id,
            (
                tags::num,
                tags::slug,
                tags::folded_name,
                tags::kind,
                tags::listed,
            ),
        ));
        all.extend(some.load::<(String, TagOutline)>(conn)?);
    }
    Ok(all)
}
