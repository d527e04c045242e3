//! What an export reads: everything by id, which is the same order in every store, a part at a time.

use std::collections::HashMap;

use chrono::NaiveDateTime;
use diesel::dsl::{count_star, min};
use diesel::prelude::*;

use crate::db::Conn;
use crate::db::dialect::{among, each};
use crate::db::schema::{articles, revisions, tag_aliases, tags};
use crate::error::Result;
use crate::store::articles::ArticleRow;
use crate::store::replica_tags::ReplicaAlias;
use crate::store::revisions::RevisionRow;
use crate::store::state::{self, Whole};
use crate::store::tags::TagRow;

/// How many articles there are, tombstones included.
pub fn articles_count(conn: &mut Conn) -> Result<i64> {
    Ok(articles::table.select(count_star()).first(conn)?)
}

pub fn tags_after(conn: &mut Conn, id: &str, limit: i64) -> Result<Vec<TagRow>> {
    Ok(tags::table
        .filter(tags::id.gt(id))
        .order(tags::id)
        .limit(limit)
        .load(conn)?)
}

/// The other slugs of these tags, by number, in order.
pub fn aliases(conn: &mut Conn, nums: &[i64]) -> Result<HashMap<i64, Vec<ReplicaAlias>>> {
    let rows: Vec<(i64, String, bool)> = each!(conn, conn =>
        tag_aliases::table
            .filter(among(tag_aliases::tag_num, nums))
            .order((tag_aliases::tag_num, tag_aliases::slug))
            .select((tag_aliases::tag_num, tag_aliases::slug, tag_aliases::public))
            .load(conn))?;
    let mut by_tag: HashMap<i64, Vec<ReplicaAlias>> = HashMap::new();
    for (num, slug, public) in rows {
        let aliases = by_tag.entry(num).or_default();
        aliases.push(ReplicaAlias { slug, public });
    }
    Ok(by_tag)
}

pub fn articles_after(conn: &mut Conn, id: &str, limit: i64) -> Result<Vec<Whole>> {
    let rows: Vec<ArticleRow> = articles::table
        .filter(articles::id.gt(id))
        .order(articles::id)
        .limit(limit)
        .load(conn)?;
    state::complete(conn, rows)
}

/// The first article of each of these groups that is not deleted, by id.
pub fn first_of_groups(conn: &mut Conn, groups: &[&str]) -> Result<HashMap<String, String>> {
    if groups.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(Option<String>, Option<String>)> = articles::table
        .filter(articles::translation_group.eq_any(groups))
        .filter(articles::deleted_at.is_null())
        .group_by(articles::translation_group)
        .select((articles::translation_group, min(articles::id)))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .filter_map(|(group, id)| group.zip(id))
        .collect())
}

/// The past versions of these articles and when each was saved, by number, oldest first.
pub fn past(conn: &mut Conn, nums: &[i64]) -> Result<HashMap<i64, Vec<(i64, NaiveDateTime)>>> {
    let rows: Vec<(i64, i64, NaiveDateTime)> = each!(conn, conn =>
        revisions::table
            .filter(among(revisions::article_num, nums))
            .order((revisions::article_num, revisions::version))
            .select((revisions::article_num, revisions::version, revisions::saved_at))
            .load(conn))?;
    let mut by_article: HashMap<i64, Vec<(i64, NaiveDateTime)>> = HashMap::new();
    for (num, version, saved_at) in rows {
        by_article.entry(num).or_default().push((version, saved_at));
    }
    Ok(by_article)
}

/// The next past states of an article, oldest first.
pub fn states_after(
    conn: &mut Conn,
    num: i64,
    version: i64,
    limit: i64,
) -> Result<Vec<RevisionRow>> {
    Ok(revisions::table
        .filter(revisions::article_num.eq(num))
        .filter(revisions::version.gt(version))
        .order(revisions::version)
        .limit(limit)
        .load(conn)?)
}
