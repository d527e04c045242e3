//! Sessions: a login with the tokens that come of it, and the single tokens that were given back.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::content::time::to_stored;
use crate::db::Conn;
use crate::db::schema::{refresh_tokens, revoked_tokens, sessions, users};
use crate::error::Result;
use crate::store::users::UserRow;

/// Living sessions of a user.
const MAX_SESSIONS: i64 = 200;

#[derive(Queryable, Clone, Debug, PartialEq)]
pub struct SessionRow {
    pub id: String,
    pub user_num: i64,
    pub created_at: NaiveDateTime,
    pub expires_at: NaiveDateTime,
    pub revoked_at: Option<NaiveDateTime>,
}

impl SessionRow {
    pub fn is_good(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && to_stored(now) < self.expires_at
    }
}

/// What a refresh token opens.
pub enum Refreshed {
    /// The session goes on; the token is used up.
    Good(UserRow, SessionRow),
    /// The token was used before: of the two who had it, one is a thief. The session has ended.
    Reused(UserRow, SessionRow),
    Nothing,
}

pub fn start(
    conn: &mut Conn,
    user_num: i64,
    expires_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<SessionRow> {
    forget_old(conn, now)?;
    end_surplus(conn, user_num, now)?;
    Ok(diesel::insert_into(sessions::table)
        .values((
            sessions::id.eq(Uuid::now_v7().to_string()),
            sessions::user_num.eq(user_num),
            sessions::created_at.eq(to_stored(now)),
            sessions::expires_at.eq(to_stored(expires_at)),
        ))
        .returning(sessions::all_columns)
        .get_result(conn)?)
}

/// Makes room for one more session, by ending the oldest.
fn end_surplus(conn: &mut Conn, user_num: i64, now: DateTime<Utc>) -> Result<()> {
    let surplus: Vec<String> = sessions::table
        .filter(sessions::user_num.eq(user_num))
        .filter(sessions::revoked_at.is_null())
        .filter(sessions::expires_at.gt(to_stored(now)))
        .order((sessions::created_at.desc(), sessions::id.desc()))
        .offset(MAX_SESSIONS - 1)
        // SQLite takes no offset without a limit; what is left over for the next login is little.
        .limit(1_000)
        .select(sessions::id)
        .load(conn)?;
    for id in &surplus {
        revoke(conn, id, now)?;
    }
    Ok(())
}

/// Lets a refresh token with this hash continue the session.
pub fn keep_refresh_token(
    conn: &mut Conn,
    session: &str,
    hash: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    diesel::insert_into(refresh_tokens::table)
        .values((
            refresh_tokens::hash.eq(hash),
            refresh_tokens::session_id.eq(session),
            refresh_tokens::issued_at.eq(to_stored(now)),
        ))
        .execute(conn)?;
    Ok(())
}

/// The session and its user, by the hash of a refresh token, be it used or not.
pub fn of_refresh_token(conn: &mut Conn, hash: &str) -> Result<Option<(SessionRow, UserRow)>> {
    Ok(refresh_tokens::table
        .inner_join(sessions::table.inner_join(users::table))
        .filter(refresh_tokens::hash.eq(hash))
        .select((sessions::all_columns, users::all_columns))
        .first(conn)
        .optional()?)
}

pub fn with_user(conn: &mut Conn, id: &str) -> Result<Option<(SessionRow, UserRow)>> {
    Ok(sessions::table
        .inner_join(users::table)
        .filter(sessions::id.eq(id))
        .select((sessions::all_columns, users::all_columns))
        .first(conn)
        .optional()?)
}

/// Uses up the refresh token of this session that has this hash. One that is not there was used so long ago that it is
/// forgotten.
pub fn refresh(
    conn: &mut Conn,
    session: &str,
    hash: &str,
    now: DateTime<Utc>,
) -> Result<Refreshed> {
    let found = with_user(conn, session)?;
    let good = found.filter(|(session, user)| session.is_good(now) && user.is_active());
    let Some((session, user)) = good else {
        return Ok(Refreshed::Nothing);
    };
    let unused = refresh_tokens::table
        .find(hash)
        .filter(refresh_tokens::session_id.eq(&session.id))
        .filter(refresh_tokens::used_at.is_null());
    let used = diesel::update(unused)
        .set(refresh_tokens::used_at.eq(to_stored(now)))
        .execute(conn)?;
    if used == 0 {
        revoke(conn, &session.id, now)?;
        return Ok(Refreshed::Reused(user, session));
    }
    Ok(Refreshed::Good(user, session))
}

/// The session and its user, by the user's name.
pub fn of_user(conn: &mut Conn, id: &str, name: &str) -> Result<Option<(SessionRow, UserRow)>> {
    Ok(sessions::table
        .inner_join(users::table)
        .filter(sessions::id.eq(id))
        .filter(users::name.eq(name))
        .select((sessions::all_columns, users::all_columns))
        .first(conn)
        .optional()?)
}

pub fn revoke(conn: &mut Conn, id: &str, now: DateTime<Utc>) -> Result<()> {
    let running = sessions::table
        .find(id)
        .filter(sessions::revoked_at.is_null());
    diesel::update(running)
        .set(sessions::revoked_at.eq(to_stored(now)))
        .execute(conn)?;
    Ok(())
}

/// Ends the sessions of a user, all or all but one.
pub fn revoke_all(
    conn: &mut Conn,
    user_num: i64,
    but: Option<&str>,
    now: DateTime<Utc>,
) -> Result<()> {
    let running = sessions::table
        .filter(sessions::user_num.eq(user_num))
        .filter(sessions::revoked_at.is_null())
        .filter(sessions::id.ne(but.unwrap_or_default()));
    diesel::update(running)
        .set(sessions::revoked_at.eq(to_stored(now)))
        .execute(conn)?;
    Ok(())
}

/// Notes that a single token counts no more, as long as it otherwise would.
pub fn revoke_token(
    conn: &mut Conn,
    mark: &str,
    expires_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<()> {
    forget_old(conn, now)?;
    if !is_revoked(conn, mark)? {
        diesel::insert_into(revoked_tokens::table)
            .values((
                revoked_tokens::jti.eq(mark),
                revoked_tokens::expires_at.eq(to_stored(expires_at)),
            ))
            .execute(conn)?;
    }
    Ok(())
}

pub fn is_revoked(conn: &mut Conn, mark: &str) -> Result<bool> {
    let found: Option<String> = revoked_tokens::table
        .find(mark)
        .select(revoked_tokens::jti)
        .first(conn)
        .optional()?;
    Ok(found.is_some())
}

/// What has expired long enough ago that no clock takes it for good.
fn forget_old(conn: &mut Conn, now: DateTime<Utc>) -> Result<()> {
    let long_ago = to_stored(now - chrono::TimeDelta::hours(1));
    diesel::delete(sessions::table.filter(sessions::expires_at.lt(long_ago))).execute(conn)?;
    let tokens = revoked_tokens::table.filter(revoked_tokens::expires_at.lt(long_ago));
    diesel::delete(tokens).execute(conn)?;
    Ok(())
}
