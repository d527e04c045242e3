//! API keys: what programs show in the place of a login.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;

use crate::content::role::Role;
use crate::content::time::to_stored;
use crate::db::Conn;
use crate::db::schema::api_keys;
use crate::error::Result;

#[derive(Queryable, Insertable, Clone, Debug, PartialEq)]
#[diesel(table_name = api_keys)]
pub struct KeyRow {
    pub id: String,
    pub name: String,
    pub role: String,
    pub prefix: String,
    pub hash: String,
    pub created_at: NaiveDateTime,
    pub created_by: Option<String>,
    pub expires_at: Option<NaiveDateTime>,
    pub last_used_at: Option<NaiveDateTime>,
    pub revoked_at: Option<NaiveDateTime>,
}

impl KeyRow {
    /// The table's check allows no other text.
    pub fn role(&self) -> Role {
        Role::parse(&self.role).unwrap_or(Role::Reader)
    }

    pub fn is_good(&self, now: DateTime<Utc>) -> bool {
        let now = to_stored(now);
        self.revoked_at.is_none() && self.expires_at.is_none_or(|expires| now < expires)
    }
}

pub fn insert(conn: &mut Conn, row: &KeyRow) -> Result<()> {
    diesel::insert_into(api_keys::table)
        .values(row)
        .execute(conn)?;
    Ok(())
}

pub fn by_hash(conn: &mut Conn, hash: &str) -> Result<Option<KeyRow>> {
    Ok(api_keys::table
        .filter(api_keys::hash.eq(hash))
        .first(conn)
        .optional()?)
}
