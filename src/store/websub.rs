//! How far the hub of the feeds has been told of changes, and which server tells it.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;

use crate::content::time::to_stored;
use crate::db::Conn;
use crate::db::dialect::each;
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
    let (own, free) = (
        websub::lease_owner.eq(owner),
        websub::lease_until
            .is_null()
            .or(websub::lease_until.lt(to_stored(now))),
    );
    let lease = (
        websub::lease_owner.eq(owner),
        websub::lease_until.eq(to_stored(until)),
    );
    let held = diesel::update(websub::table.find(hub).filter(own.or(free)))
        .set(lease)
        .execute(conn)?;
    let known: Option<i64> = websub::table
        .find(hub)
        .select(websub::position)
        .first(conn)
        .optional()?;
    if let Some(position) = known {
        return Ok((held == 1).then_some(position));
    }
    let position = changes::last(conn)?;
    let new = (websub::hub.eq(hub), websub::position.eq(position), lease);
    // Another server may be first.
    let made = each!(conn, conn => diesel::insert_into(websub::table)
        .values(new)
        .on_conflict_do_nothing()
        .execute(conn))?;
    Ok((made == 1).then_some(position))
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
