//! Clearing away what has had its day: repeated requests, sessions, tokens that were given back, previews, old counts,
//! what was sent to webhooks, what was noted for partners.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;

use crate::content::time::to_stored;
use crate::db::Conn;
use crate::db::schema::{previews, refresh_tokens, revoked_tokens, sessions};
use crate::error::Result;
use crate::store::{deliveries, idempotency, key_usage, partner_lines};

/// How long what has expired is kept, so that whoever comes late is told so, and clocks may differ.
const GRACE: TimeDelta = TimeDelta::days(7);
/// How long a refresh token is kept that was used. One that comes after that is still known by its session to be old.
const USED: TimeDelta = TimeDelta::hours(1);
/// How long what was delivered to webhooks or given up is told of.
const DELIVERED: TimeDelta = TimeDelta::days(30);

/// Clears everything away whose time is over; how many rows that were.
pub fn clear(conn: &mut Conn, now: DateTime<Utc>) -> Result<usize> {
    let old = to_stored(now - GRACE);
    let mut gone = idempotency::forget_old(conn, now)?;
    // A session's refresh tokens go with it.
    gone += diesel::delete(sessions::table.filter(sessions::expires_at.lt(old))).execute(conn)?;
    let used = refresh_tokens::table.filter(refresh_tokens::used_at.lt(to_stored(now - USED)));
    gone += diesel::delete(used).execute(conn)?;
    gone += diesel::delete(revoked_tokens::table.filter(revoked_tokens::expires_at.lt(old)))
        .execute(conn)?;
    gone += diesel::delete(previews::table.filter(previews::expires_at.lt(old))).execute(conn)?;
    gone += key_usage::forget_old(conn, now)?;
    gone += partner_lines::clear(conn, now - GRACE)?;
    gone += deliveries::clear(conn, now - DELIVERED)?;
    Ok(gone)
}
