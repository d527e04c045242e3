//! A store that is kept equal to another: how far it has come, and what only a copy of the public part needs.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::content::slug::Slug;
use crate::content::visibility::Status;
use crate::db::Conn;
use crate::db::schema::{articles, mirror, tags};
use crate::error::{Error, Result};
use crate::store::articles::{self as article_store, ArticleRow};
use crate::store::changes::Action;
use crate::store::partner_lines::{self, Partners};
use crate::store::tags::TagRow;
use crate::store::{aliases, curations, groups, naming, previews, tagging, transitions};

/// Which store this one mirrors, and how far it has come.
#[derive(Queryable, Insertable, Clone, Debug, PartialEq, Eq)]
#[diesel(table_name = mirror)]
pub struct MirrorRow {
    /// The identity of the source's store.
    pub store: String,
    /// Its address, as it was last named.
    pub source: String,
    /// Everything up to this line of its log is in.
    pub seq: i64,
    /// The last line that it told, and what that said: by it the log is known again.
    pub seen_seq: Option<i64>,
    pub seen: Option<String>,
}

/// How far this store has come, where it mirrors one.
pub fn position(conn: &mut Conn) -> Result<Option<MirrorRow>> {
    Ok(mirror::table.first(conn).optional()?)
}

/// Whether there is something in it already.
pub fn holds_anything(conn: &mut Conn) -> Result<bool> {
    let article: Option<i64> = articles::table
        .select(articles::num)
        .first(conn)
        .optional()?;
    let tag: Option<i64> = tags::table.select(tags::num).first(conn).optional()?;
    Ok(article.is_some() || tag.is_some())
}

/// Moves the position on, in the transaction in which what lies between was written.
///
/// # Errors
/// [`Error::Conflict`] where it is not where the caller came from: someone else mirrors into this store.
pub fn advance(conn: &mut Conn, before: Option<&MirrorRow>, row: &MirrorRow) -> Result<()> {
    if position(conn)?.as_ref() != before {
        return Err(Error::conflict(
            "",
            "another process mirrors into this store",
        ));
    }
    diesel::delete(mirror::table).execute(conn)?;
    diesel::insert_into(mirror::table)
        .values(row)
        .execute(conn)?;
    Ok(())
}

/// Lets the public find nothing at all under the article's names.
pub fn hide(conn: &mut Conn, id: Uuid, now: DateTime<Utc>) -> Result<()> {
    let Some(mut before) = article_store::find(conn, &id.to_string())? else {
        return Ok(());
    };
    transitions::settle(conn, &mut before, now)?;
    let row = ArticleRow {
        status: Status::Draft.as_str().to_owned(),
        deleted_at: None,
        next_change_at: None,
        ..before.clone()
    };
    if row == before {
        return Ok(());
    }
    article_store::update(conn, &before, &row)?;
    previews::revoke_of(conn, row.num, now)?;
    let action = Action::of_article(before.standing(now), row.standing(now));
    transitions::log(conn, &row, action, now)?;
    partner_lines::note(conn, &Partners::default(), &before, &row, &[], now)
}

/// Lets an article that is here pin these, those that are here. That is no version of it.
pub fn pin(conn: &mut Conn, id: Uuid, pins: &[Uuid], now: DateTime<Utc>) -> Result<()> {
    let Some(mut row) = article_store::find(conn, &id.to_string())? else {
        return Ok(());
    };
    let mut curation = curations::of(conn, &[row.num])?
        .remove(&row.num)
        .unwrap_or_default();
    let pins: Vec<String> = pins.iter().map(Uuid::to_string).collect();
    let there = article_store::by_names(conn, &pins)?;
    let num = |pin: &String| there.iter().find(|row| row.id == *pin).map(|row| row.num);
    let mut nums: Vec<i64> = Vec::with_capacity(pins.len());
    for num in pins.iter().filter_map(num) {
        if !nums.contains(&num) {
            nums.push(num);
        }
    }
    if nums == curation.pins {
        return Ok(());
    }
    curation.pins = nums;
    curations::replace(conn, row.num, &curation)?;
    transitions::settle(conn, &mut row, now)?;
    let public = row.is_public(now);
    transitions::log(conn, &row, Action::between(public, public), now)?;
    groups::tell_those_with_its_pins(conn, &row, now)
}

/// Lets an article that is gone be known by these names, too.
pub fn know_by(conn: &mut Conn, id: Uuid, slugs: &[Slug]) -> Result<()> {
    let Some(row) = article_store::find(conn, &id.to_string())? else {
        return Ok(());
    };
    for slug in slugs.iter().map(Slug::as_str) {
        if naming::owner(conn, slug)?.is_none() {
            aliases::add(conn, slug, row.num)?;
        }
    }
    Ok(())
}

/// Lets the public know of a tag only while a public article bears it.
pub fn unlist(conn: &mut Conn, id: Uuid, now: DateTime<Utc>) -> Result<()> {
    let row: Option<TagRow> = tags::table
        .filter(tags::id.eq(id.to_string()))
        .filter(tags::listed.eq(true))
        .first(conn)
        .optional()?;
    let Some(row) = row else {
        return Ok(());
    };
    diesel::update(tags::table.filter(tags::num.eq(row.num)))
        .set(tags::listed.eq(false))
        .execute(conn)?;
    let later = TagRow {
        version: row.version.max(2),
        ..row
    };
    tagging::log_change(conn, &later, Action::Withdrawn, now)
}
