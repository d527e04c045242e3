//! How far the hub of the feeds has been told of changes, and which server tells it.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;

use crate::content::time::to_stored;
use crate::db::Conn;
use crate::db::schema::websub;
use crate::error::Result;
use crate::store::changes;

/// Takes over or goes on telling this hub until `until`: up to which line it has been told, or `None` while another
/// server does it. One that was never told is told of what comes.
pub fn hold(
    conn: &mut Conn,
    hub: &str,
    owner: &str,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Option<i64>> {
    let known: Option<(i64, Option<String>, Option<NaiveDateTime>)> = websub::table
        .find(hub)
        .select((websub::position, websub::lease_owner, websub::lease_until))
        .first(conn)
        .optional()?;
    let lease = (
        websub::lease_owner.eq(owner),
        websub::lease_until.eq(to_stored(until)),
    );
    let Some((position, holder, held_until)) = known else {
        let position = changes::last(conn)?;
        diesel::insert_into(websub::table)
            .values((websub::hub.eq(hub), websub::position.eq(position), lease))
            .execute(conn)?;
        return Ok(Some(position));
    };
    let is_held = held_until.is_some_and(|held| to_stored(now) <= held);
    if is_held && holder.as_deref() != Some(owner) {
        return Ok(None);
    }
    diesel::update(websub::table.find(hub))
        .set(lease)
        .execute(conn)?;
    Ok(Some(position))
}

/// Whether there is a hub that has been told.
pub fn is_any(conn: &mut Conn) -> Result<bool> {
    let first: Option<i64> = websub::table
        .select(websub::position)
        .first(conn)
        .optional()?;
    Ok(first.is_some())
}

/// The hub has been told up to this line.
pub fn told(conn: &mut Conn, hub: &str, owner: &str, position: i64) -> Result<()> {
    let own = websub::table
        .find(hub)
        .filter(websub::lease_owner.eq(owner));
    diesel::update(own)
        .set(websub::position.eq(position))
        .execute(conn)?;
    Ok(())
}

/// Lets another server tell it at once.
pub fn release(conn: &mut Conn, hub: &str, owner: &str) -> Result<()> {
    let never: Option<NaiveDateTime> = None;
    let own = websub::table
        .find(hub)
        .filter(websub::lease_owner.eq(owner));
    diesel::update(own)
        .set(websub::lease_until.eq(never))
        .execute(conn)?;
    Ok(())
}
