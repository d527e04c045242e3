//! Secrets that this store made for itself. They guard nothing but what lies in the same database, and every server on
//! it has the same ones without being told.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::content::time::to_stored;
use crate::db::Conn;
use crate::db::schema::secrets;
use crate::error::Result;

/// Signs the addresses of previews.
pub const PREVIEWS: &str = "previews";

pub fn find(conn: &mut Conn, name: &str) -> Result<Option<String>> {
    Ok(secrets::table
        .find(name)
        .select(secrets::secret)
        .first(conn)
        .optional()?)
}

/// The secret of this name; `fresh` becomes it where there is none. The transaction must be a write.
pub fn find_or_keep(
    conn: &mut Conn,
    name: &str,
    fresh: String,
    now: DateTime<Utc>,
) -> Result<String> {
    if let Some(known) = find(conn, name)? {
        return Ok(known);
    }
    diesel::insert_into(secrets::table)
        .values((
            secrets::name.eq(name),
            secrets::secret.eq(&fresh),
            secrets::created_at.eq(to_stored(now)),
        ))
        .execute(conn)?;
    Ok(fresh)
}
