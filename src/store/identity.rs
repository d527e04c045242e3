//! The identity of the store, by which a derived index knows what it was derived from.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::content::time::to_stored;
use crate::db::schema::{articles, store};
use crate::db::{Conn, Database};
use crate::error::Result;
use crate::store::webhooks;

/// The store's id, made the first time it is asked for.
pub fn of(database: &Database, now: DateTime<Utc>) -> Result<String> {
    let known = database.read(known)?;
    known.map_or_else(|| database.write(|conn| find_or_make(conn, now)), Ok)
}

fn find_or_make(conn: &mut Conn, now: DateTime<Utc>) -> Result<String> {
    if let Some(id) = known(conn)? {
        return Ok(id);
    }
    let id = Uuid::now_v7().to_string();
    diesel::insert_into(store::table)
        .values((store::id.eq(&id), store::created_at.eq(to_stored(now))))
        .execute(conn)?;
    Ok(id)
}

/// Why no one is told of changes in a copy before an admin says so.
const RESTORED: &str =
    "restored from a copy: enable it again where it is to be told of changes in this store";

/// Gives the store another id, where it has one: it is not what it was when others noted how far they had followed it.
/// Webhooks are disabled, for the store that it is a copy of may still tell them.
pub fn renew(conn: &mut Conn, now: DateTime<Utc>) -> Result<Option<String>> {
    if known(conn)?.is_none() {
        return Ok(None);
    }
    let id = Uuid::now_v7().to_string();
    diesel::update(store::table)
        .set((store::id.eq(&id), store::created_at.eq(to_stored(now))))
        .execute(conn)?;
    webhooks::disable_all(conn, RESTORED, now)?;
    Ok(Some(id))
}

/// The store's id, where it has been asked for before.
pub fn known(conn: &mut Conn) -> Result<Option<String>> {
    Ok(store::table.select(store::id).first(conn).optional()?)
}

/// Whether no article was ever saved.
pub fn is_empty(conn: &mut Conn) -> Result<bool> {
    let any: Option<i64> = articles::table
        .select(articles::num)
        .first(conn)
        .optional()?;
    Ok(any.is_none())
}
