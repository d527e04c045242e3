//! The end of a tag: merged into another, or deleted.

use chrono::{DateTime, Utc};
use diesel::dsl::count_star;
use diesel::prelude::*;

use crate::content::article::Fault;
use crate::content::time::to_stored;
use crate::db::Conn;
use crate::db::schema::{article_tags, tag_aliases, tags};
use crate::error::{Error, Result};
use crate::store::changes::{self, Action, Change, ChangeKind, Moves};
use crate::store::nesting::{self, Nesting};
use crate::store::partner_moves;
use crate::store::rights;
use crate::store::tag_saving;
use crate::store::tagging;
use crate::store::tags::{self as tag_store, TagRow};
use crate::store::webhook_filters;

/// Makes `from` a part of `into`: its articles, its names and what is below it. Its own row is gone afterwards.
///
/// # Errors
/// [`Error::InvalidBody`] where that would put a tag below itself, or too deep.
pub fn merge(
    conn: &mut Conn,
    from: &TagRow,
    mut into: TagRow,
    now: DateTime<Utc>,
) -> Result<TagRow> {
    check_place(conn, from, &into)?;
    let was_public = tag_store::is_public(conn, from, now)?;
    let into_was_public = tag_store::is_public(conn, &into, now)?;
    partner_moves::of_merger(conn, from, &into, now)?;
    pass_articles(conn, from.num, into.num)?;
    diesel::update(tags::table.filter(tags::parent_num.eq(from.num)))
        .set((
            tags::parent_num.eq(into.num),
            tags::version.eq(tags::version + 1),
            tags::updated_at.eq(to_stored(now)),
        ))
        .execute(conn)?;
    pass_names(conn, from, into.num, was_public)?;
    rights::follow_merger(conn, &from.id, &into.id)?;
    webhook_filters::follow_merger(conn, from.num, into.num)?;
    // What was promised to be public stays so, under its new name.
    into.listed |= from.listed;
    into.version += 1;
    into.updated_at = to_stored(now);
    tag_saving::update(conn, &into)?;
    let action = match was_public {
        true => Action::Merged,
        // Whoever follows the log never knew of it.
        false => Action::Saved,
    };
    // The line leads to the articles, which bear the other tag now, and tells of the one that is gone.
    let change = Change {
        kind: ChangeKind::Tag,
        num: into.num,
        id: &from.id,
        slug: &from.slug,
        action,
        version: from.version + 1,
        moves: Moves::default(),
    };
    changes::append(conn, &change, now)?;
    if !was_public && into_was_public {
        tagging::log_change(conn, &into, Action::Updated, now)?;
    }
    Ok(into)
}

/// The tag goes, and its names lead to the other: also the public, if that knew of it.
pub(super) fn pass_names(
    conn: &mut Conn,
    from: &TagRow,
    into: i64,
    was_public: bool,
) -> Result<()> {
    let names = || tag_aliases::table.filter(tag_aliases::tag_num.eq(from.num));
    if !was_public {
        diesel::update(names())
            .set(tag_aliases::public.eq(false))
            .execute(conn)?;
    }
    diesel::update(names())
        .set(tag_aliases::tag_num.eq(into))
        .execute(conn)?;
    diesel::delete(tags::table.filter(tags::num.eq(from.num))).execute(conn)?;
    diesel::insert_into(tag_aliases::table)
        .values((
            tag_aliases::slug.eq(&from.slug),
            tag_aliases::tag_num.eq(into),
            tag_aliases::public.eq(was_public),
        ))
        .execute(conn)?;
    Ok(())
}

/// Deletes a tag that no article bears, that none is below and that no key's scope names.
///
/// # Errors
/// [`Error::Conflict`] otherwise.
pub fn delete(conn: &mut Conn, tag: &TagRow, now: DateTime<Utc>) -> Result<()> {
    let mut faults = Vec::new();
    let bearers = tag_store::bearer_counts(conn, &[tag.num])?.remove(&tag.num);
    if let Some(count) = bearers {
        let detail = format!("articles bear it: {count}, drafts included");
        faults.push(Fault::new("", detail));
    }
    let children: i64 = tags::table
        .filter(tags::parent_num.eq(tag.num))
        .select(count_star())
        .first(conn)?;
    if children > 0 {
        faults.push(Fault::new("", format!("tags are below it: {children}")));
    }
    let keys = rights::naming(conn, &tag.id)?;
    if !keys.is_empty() {
        let detail = format!("API keys name it in their scope: {}", keys.join(", "));
        faults.push(Fault::new("", detail));
    }
    if !faults.is_empty() {
        return Err(Error::Conflict(faults));
    }
    // What is left are articles that were deleted themselves.
    diesel::delete(article_tags::table.filter(article_tags::tag_num.eq(tag.num))).execute(conn)?;
    diesel::delete(tags::table.filter(tags::num.eq(tag.num))).execute(conn)?;
    let change = Change {
        kind: ChangeKind::Tag,
        num: tag.num,
        id: &tag.id,
        slug: &tag.slug,
        // One that is not listed was not public without articles.
        action: match tag.listed {
            true => Action::Deleted,
            false => Action::Saved,
        },
        version: tag.version + 1,
        moves: Moves::default(),
    };
    changes::append(conn, &change, now)
}

fn check_place(conn: &mut Conn, from: &TagRow, into: &TagRow) -> Result<()> {
    if from.num == into.num {
        return Err(Error::member("/into", "is the tag itself"));
    }
    match nesting::children_under(conn, from.num, into.num)? {
        Nesting::Fits => Ok(()),
        Nesting::Circle => Err(Error::member("/into", "is below the tag")),
        Nesting::TooDeep => Err(Error::member(
            "/into",
            format!("would nest tags deeper than {}", nesting::MAX_NESTING),
        )),
    }
}

/// Every article of the first tag bears the second in its place; where it bears both, in the place of the one that
/// stands further forward. Three statements, however many articles there are.
pub(super) fn pass_articles(conn: &mut Conn, from: i64, into: i64) -> Result<()> {
    // The numbers are ours, and the databases write parameters differently.
    let behind = format!(
        "DELETE FROM article_tags WHERE tag_num = {into} AND EXISTS (SELECT 1 FROM article_tags AS other
         WHERE other.tag_num = {from} AND other.article_num = article_tags.article_num
         AND other.position < article_tags.position)"
    );
    let doubled = format!(
        "DELETE FROM article_tags WHERE tag_num = {from} AND EXISTS (SELECT 1 FROM article_tags AS other
         WHERE other.tag_num = {into} AND other.article_num = article_tags.article_num)"
    );
    diesel::sql_query(behind).execute(conn)?;
    diesel::sql_query(doubled).execute(conn)?;
    diesel::update(article_tags::table.filter(article_tags::tag_num.eq(from)))
        .set(article_tags::tag_num.eq(into))
        .execute(conn)?;
    Ok(())
}
