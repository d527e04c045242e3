//! The servers that run on this database, and how far each has followed the log.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;

use crate::content::time::to_stored;
use crate::db::Conn;
use crate::db::schema::servers;
use crate::error::Result;

/// How long one is remembered that says nothing more.
const REMEMBERED: TimeDelta = TimeDelta::days(1);

/// Says that the server runs until `until`, and gives what is as new as this line of the log.
pub fn beat(conn: &mut Conn, name: &str, readable: i64, until: DateTime<Utc>) -> Result<()> {
    let values = (
        servers::readable.eq(readable),
        servers::alive_until.eq(to_stored(until)),
    );
    let known = diesel::update(servers::table.find(name))
        .set(values)
        .execute(conn)?;
    if known == 0 {
        diesel::insert_into(servers::table)
            .values((servers::name.eq(name), values))
            .execute(conn)?;
    }
    Ok(())
}

/// Forgets those that have long said nothing more; how many.
pub fn forget_old(conn: &mut Conn, now: DateTime<Utc>) -> Result<usize> {
    let old = servers::table.filter(servers::alive_until.lt(to_stored(now - REMEMBERED)));
    Ok(diesel::delete(old).execute(conn)?)
}

/// Up to which line each of the other servers that run gives what is new.
pub fn others(conn: &mut Conn, name: &str, now: DateTime<Utc>) -> Result<Vec<i64>> {
    Ok(servers::table
        .filter(servers::name.ne(name))
        .filter(servers::alive_until.gt(to_stored(now)))
        .select(servers::readable)
        .load(conn)?)
}

/// The server runs no more.
pub fn leave(conn: &mut Conn, name: &str) -> Result<()> {
    diesel::delete(servers::table.find(name)).execute(conn)?;
    Ok(())
}
