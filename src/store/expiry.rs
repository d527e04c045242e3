//! Clearing away what has had its day: repeated requests, sessions, tokens that were given back, previews.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;

use crate::content::time::to_stored;
use crate::db::Conn;
use crate::db::schema::{previews, revoked_tokens, sessions};
use crate::error::Result;
use crate::store::idempotency;

/// How long what has expired is kept, so that whoever comes late is told so, and clocks may differ.
const GRACE: TimeDelta = TimeDelta::days(7);

/// Clears everything away whose time is over; how many rows that were.
pub fn clear(conn: &mut Conn, now: DateTime<Utc>) -> Result<usize> {
    let old = to_stored(now - GRACE);
    let mut gone = idempotency::forget_old(conn, now)?;
    // A session's refresh tokens go with it.
    gone += diesel::delete(sessions::table.filter(sessions::expires_at.lt(old))).execute(conn)?;
    gone += diesel::delete(revoked_tokens::table.filter(revoked_tokens::expires_at.lt(old)))
        .execute(conn)?;
    gone += diesel::delete(previews::table.filter(previews::expires_at.lt(old))).execute(conn)?;
    Ok(gone)
}
