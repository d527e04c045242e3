//! API keys: what programs show in the place of a login.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::content::rights::Grant;
use crate::content::role::Role;
use crate::content::time::{to_stored, utc_text};
use crate::db::Conn;
use crate::db::dialect::each;
use crate::db::schema::{api_keys, key_rights};
use crate::error::{Error, Result};
use crate::store::rights::GrantRow;

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

/// The key of this digest, and what was granted to it.
pub fn with_grant(conn: &mut Conn, hash: &str) -> Result<Option<(KeyRow, Option<GrantRow>)>> {
    Ok(each!(conn, conn =>
        api_keys::table
            .left_join(key_rights::table)
            .filter(api_keys::hash.eq(hash))
            .select((api_keys::all_columns, key_rights::all_columns.nullable()))
            .first(conn)
            .optional())?)
}

pub fn by_id(conn: &mut Conn, id: &str) -> Result<Option<KeyRow>> {
    Ok(each!(conn, conn => api_keys::table.find(id).first(conn).optional())?)
}

pub fn by_name(conn: &mut Conn, name: &str) -> Result<Option<KeyRow>> {
    let found = api_keys::table.filter(api_keys::name.eq(name)).first(conn);
    Ok(found.optional()?)
}

/// A key that is to be made.
pub struct NewKey<'a> {
    pub name: &'a str,
    pub role: Role,
    pub expires_at: Option<DateTime<Utc>>,
    pub by: &'a str,
    /// The beginning of the key, and its digest: the rest is its owner's.
    pub prefix: &'a str,
    pub hash: &'a str,
}

/// # Errors
/// [`Error::Conflict`] where the name is taken, be it by a key that was revoked: what it made bears its name.
pub fn create(conn: &mut Conn, new: &NewKey, now: DateTime<Utc>) -> Result<KeyRow> {
    if by_name(conn, new.name)?.is_some() {
        return Err(Error::conflict(
            "/name",
            format!(
                "{:?} is or was the name of a key; it is not given again",
                new.name
            ),
        ));
    }
    let row = KeyRow {
        id: Uuid::now_v7().to_string(),
        name: new.name.to_owned(),
        role: new.role.as_str().to_owned(),
        prefix: new.prefix.to_owned(),
        hash: new.hash.to_owned(),
        created_at: to_stored(now),
        created_by: Some(new.by.to_owned()),
        expires_at: new.expires_at.map(to_stored),
        last_used_at: None,
        revoked_at: None,
    };
    insert(conn, &row)?;
    Ok(row)
}

/// A grant as it stands in the audit trail, which is also how a request says it.
pub fn grant_detail(grant: &Grant) -> Value {
    json!({
        "scope": {
            "tags": grant.tags.as_ref().map(ToString::to_string),
            "languages": grant.languages,
            "sources": grant.sources,
        },
        "text": grant.text.as_str(),
        "delay_minutes": grant.delay_minutes,
        "lead_minutes": grant.lead_minutes,
        "daily_quota": grant.limits.daily_quota,
        "rate_per_minute": grant.limits.rate_per_minute,
    })
}

/// What the audit trail says of a new key.
pub fn audit_detail(row: &KeyRow, grant: &Grant) -> Value {
    let mut detail = json!({"role": row.role, "expires_at": row.expires_at.map(utc_text)});
    if *grant != Grant::default() {
        detail["rights"] = grant_detail(grant);
    }
    detail
}

/// The newest first, from before `before` on.
pub fn page(conn: &mut Conn, before: Option<&str>, limit: i64) -> Result<Vec<KeyRow>> {
    let mut query = api_keys::table
        .order(api_keys::id.desc())
        .limit(limit)
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(api_keys::id.lt(before.to_owned()));
    }
    Ok(query.load(conn)?)
}

pub fn count(conn: &mut Conn) -> Result<i64> {
    Ok(api_keys::table.count().get_result(conn)?)
}

/// From now on it does not count; once is enough.
pub fn revoke(conn: &mut Conn, id: &str, now: DateTime<Utc>) -> Result<()> {
    let good = api_keys::table
        .find(id)
        .filter(api_keys::revoked_at.is_null());
    diesel::update(good)
        .set(api_keys::revoked_at.eq(to_stored(now)))
        .execute(conn)?;
    Ok(())
}

/// The keys that count and that this user has made, or a key that this user has made, and so on.
pub fn made_by(conn: &mut Conn, user: &str, now: DateTime<Utc>) -> Result<Vec<KeyRow>> {
    let mut made: Vec<KeyRow> = Vec::new();
    let mut makers = vec![user.to_owned()];
    while let Some(maker) = makers.pop() {
        // Also through those that count no more: what they have made may.
        let rows: Vec<KeyRow> = api_keys::table
            .filter(api_keys::created_by.eq(&maker))
            .order(api_keys::id)
            .load(conn)?;
        makers.extend(rows.iter().map(|row| format!("key:{}", row.name)));
        made.extend(rows);
    }
    made.retain(|key| key.is_good(now));
    Ok(made)
}

pub fn note_use(conn: &mut Conn, id: &str, now: DateTime<Utc>) -> Result<()> {
    diesel::update(api_keys::table.find(id))
        .set(api_keys::last_used_at.eq(to_stored(now)))
        .execute(conn)?;
    Ok(())
}
