//! Users: who may log in, and as what.

use chrono::{DateTime, NaiveDateTime, SubsecRound, Utc};
use diesel::prelude::*;

use crate::content::role::Role;
use crate::content::time::to_stored;
use crate::db::Conn;
use crate::db::schema::users;
use crate::error::{Error, Result};
use crate::store::keys::{self, KeyRow};
use crate::store::{previews, sessions};

#[derive(Queryable, Clone, Debug, PartialEq)]
pub struct UserRow {
    pub num: i64,
    pub name: String,
    pub role: String,
    pub password: String,
    pub created_at: NaiveDateTime,
    pub updated_at: NaiveDateTime,
    pub disabled_at: Option<NaiveDateTime>,
    pub deleted_at: Option<NaiveDateTime>,
    pub tokens_from: NaiveDateTime,
    pub version: i64,
}

impl UserRow {
    /// The table's check allows no other text.
    pub fn role(&self) -> Role {
        Role::parse(&self.role).unwrap_or(Role::Reader)
    }

    pub fn is_active(&self) -> bool {
        self.disabled_at.is_none() && self.deleted_at.is_none()
    }

    /// By what the audit trail knows it.
    pub fn id(&self) -> String {
        format!("user-{}", self.num)
    }
}

/// # Errors
/// [`Error::Conflict`] where the name is taken, be it by a user that was deleted.
pub fn insert(
    conn: &mut Conn,
    name: &str,
    role: Role,
    password: &str,
    now: DateTime<Utc>,
) -> Result<UserRow> {
    if by_name(conn, name)?.is_some() {
        return Err(Error::conflict(
            "/name",
            format!("{name:?} is or was the name of a user; it is not given again"),
        ));
    }
    let at = to_stored(now);
    Ok(diesel::insert_into(users::table)
        .values((
            users::name.eq(name),
            users::role.eq(role.as_str()),
            users::password.eq(password),
            users::created_at.eq(at),
            users::updated_at.eq(at),
            users::tokens_from.eq(from_this_second(now)),
            users::version.eq(1),
        ))
        .returning(users::all_columns)
        .get_result(conn)?)
}

/// Also one that was deleted.
pub fn by_name(conn: &mut Conn, name: &str) -> Result<Option<UserRow>> {
    let found = users::table.filter(users::name.eq(name)).first(conn);
    Ok(found.optional()?)
}

/// By name, from after `after` on.
pub fn page(conn: &mut Conn, after: Option<&str>, limit: i64) -> Result<Vec<UserRow>> {
    let mut query = users::table
        .filter(users::deleted_at.is_null())
        .order(users::name)
        .limit(limit)
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(users::name.gt(after.to_owned()));
    }
    Ok(query.load(conn)?)
}

pub fn count(conn: &mut Conn) -> Result<i64> {
    let present = users::table.filter(users::deleted_at.is_null());
    Ok(present.count().get_result(conn)?)
}

/// What a user is to be.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub role: Role,
    pub disabled: bool,
    /// The hash of a new password.
    pub password: Option<String>,
}

/// Makes a user what is wanted. Who is disabled or gets a new password is logged out everywhere; a new role needs no
/// new login, since each request looks at the present one.
///
/// # Errors
/// [`Error::Conflict`] where no one would be left to say who may do what.
pub fn update(
    conn: &mut Conn,
    user: &UserRow,
    wanted: &Wanted,
    now: DateTime<Utc>,
) -> Result<UserRow> {
    if wanted.role != Role::Admin || wanted.disabled {
        let pointer = if wanted.disabled {
            "/disabled"
        } else {
            "/role"
        };
        is_not_last_admin(conn, user, pointer)?;
    }
    let disabled_at = match wanted.disabled {
        true => user.disabled_at.or(Some(to_stored(now))),
        false => None,
    };
    if wanted.disabled {
        shut_out(conn, user, now)?;
    }
    diesel::update(users::table.find(user.num))
        .set((
            users::role.eq(wanted.role.as_str()),
            users::disabled_at.eq(disabled_at),
            users::updated_at.eq(to_stored(now)),
            users::version.eq(user.version + 1),
        ))
        .execute(conn)?;
    if let Some(password) = &wanted.password {
        set_password(conn, user.num, password, None, now)?;
    }
    Ok(users::table.find(user.num).first(conn)?)
}

/// Takes a user away for good, with the keys that the user has made, which are given back; the row stays, so that its
/// name is never another person's.
///
/// # Errors
/// [`Error::Conflict`] for the last admin.
pub fn delete(conn: &mut Conn, user: &UserRow, now: DateTime<Utc>) -> Result<Vec<KeyRow>> {
    is_not_last_admin(conn, user, "")?;
    let made = keys::made_by(conn, &user.name, now)?;
    for key in &made {
        keys::revoke(conn, &key.id, now)?;
    }
    shut_out(conn, user, now)?;
    let at = Some(to_stored(now));
    diesel::update(users::table.find(user.num))
        .set((
            users::disabled_at.eq(user.disabled_at.or(at)),
            users::deleted_at.eq(at),
            users::updated_at.eq(to_stored(now)),
            users::version.eq(user.version + 1),
        ))
        .execute(conn)?;
    Ok(made)
}

/// Sets the hash of a new password and ends every session but one.
pub fn set_password(
    conn: &mut Conn,
    num: i64,
    password: &str,
    but: Option<&str>,
    now: DateTime<Utc>,
) -> Result<()> {
    diesel::update(users::table.find(num))
        .set((
            users::password.eq(password),
            users::updated_at.eq(to_stored(now)),
            users::version.eq(users::version + 1),
        ))
        .execute(conn)?;
    log_out(conn, num, but, now)
}

/// Ends every session, and what they have shown to others.
fn shut_out(conn: &mut Conn, user: &UserRow, now: DateTime<Utc>) -> Result<()> {
    previews::revoke_made_by(conn, &user.name, now)?;
    log_out(conn, user.num, None, now)
}

/// Ends every session but one, and what tokens there are without one.
fn log_out(conn: &mut Conn, num: i64, but: Option<&str>, now: DateTime<Utc>) -> Result<()> {
    sessions::revoke_all(conn, num, but, now)?;
    diesel::update(users::table.find(num))
        .set(users::tokens_from.eq(from_this_second(now)))
        .execute(conn)?;
    Ok(())
}

/// Tokens count in seconds, and one of this second must count.
fn from_this_second(now: DateTime<Utc>) -> NaiveDateTime {
    to_stored(now.trunc_subsecs(0))
}

fn is_not_last_admin(conn: &mut Conn, user: &UserRow, pointer: &str) -> Result<()> {
    if user.role() != Role::Admin || !user.is_active() {
        return Ok(());
    }
    let others: i64 = users::table
        .filter(users::role.eq(Role::Admin.as_str()))
        .filter(users::disabled_at.is_null())
        .filter(users::deleted_at.is_null())
        .filter(users::num.ne(user.num))
        .count()
        .get_result(conn)?;
    match others {
        0 => Err(Error::conflict(pointer, "this is the last active admin")),
        _ => Ok(()),
    }
}
