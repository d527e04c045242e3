//! Previews: which version of an article someone without an account may read, and until when.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;

use crate::content::time::to_stored;
use crate::db::Conn;
use crate::db::schema::previews;
use crate::error::Result;

#[derive(Queryable, Insertable, Clone, Debug, PartialEq)]
#[diesel(table_name = previews)]
pub struct PreviewRow {
    pub id: String,
    pub article_num: i64,
    pub version: i64,
    pub created_at: NaiveDateTime,
    pub created_by: Option<String>,
    pub expires_at: NaiveDateTime,
    pub revoked_at: Option<NaiveDateTime>,
}

impl PreviewRow {
    pub fn is_good(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && to_stored(now) < self.expires_at
    }
}

/// Adds one, and forgets those of all articles whose time is over.
pub fn insert(conn: &mut Conn, row: &PreviewRow, now: DateTime<Utc>) -> Result<()> {
    diesel::delete(previews::table.filter(previews::expires_at.le(to_stored(now))))
        .execute(conn)?;
    diesel::insert_into(previews::table)
        .values(row)
        .execute(conn)?;
    Ok(())
}

pub fn find(conn: &mut Conn, id: &str) -> Result<Option<PreviewRow>> {
    Ok(previews::table.find(id).first(conn).optional()?)
}

/// Those of an article that still open it, newest first.
pub fn living(conn: &mut Conn, article_num: i64, now: DateTime<Utc>) -> Result<Vec<PreviewRow>> {
    Ok(previews::table
        .filter(previews::article_num.eq(article_num))
        .filter(previews::revoked_at.is_null())
        .filter(previews::expires_at.gt(to_stored(now)))
        .order(previews::id.desc())
        .load(conn)?)
}

pub fn revoke(conn: &mut Conn, id: &str, now: DateTime<Utc>) -> Result<()> {
    diesel::update(previews::table.find(id))
        .set(previews::revoked_at.eq(Some(to_stored(now))))
        .execute(conn)?;
    Ok(())
}

/// Those of an article that is not to be shown any more.
pub fn revoke_of(conn: &mut Conn, article_num: i64, now: DateTime<Utc>) -> Result<()> {
    let living = previews::table
        .filter(previews::article_num.eq(article_num))
        .filter(previews::revoked_at.is_null());
    diesel::update(living)
        .set(previews::revoked_at.eq(Some(to_stored(now))))
        .execute(conn)?;
    Ok(())
}

/// Those that someone made who may not show anything any more.
pub fn revoke_made_by(conn: &mut Conn, name: &str, now: DateTime<Utc>) -> Result<()> {
    let living = previews::table
        .filter(previews::created_by.eq(name))
        .filter(previews::revoked_at.is_null());
    diesel::update(living)
        .set(previews::revoked_at.eq(Some(to_stored(now))))
        .execute(conn)?;
    Ok(())
}
