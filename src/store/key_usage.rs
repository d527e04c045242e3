//! How often keys were used, by day: what quotas and reports are counted from.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp};

use crate::db::Conn;
use crate::db::schema::{api_keys, key_usage};
use crate::error::Result;

/// Days that are kept.
pub const KEPT: i64 = 400;

/// What is counted of a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub requests: i64,
    pub refused_by_quota: i64,
    pub refused_by_rate: i64,
    pub last_used_at: Option<NaiveDateTime>,
}

impl Count {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub fn add(&mut self, more: &Self) {
        self.requests += more.requests;
        self.refused_by_quota += more.refused_by_quota;
        self.refused_by_rate += more.refused_by_rate;
        self.last_used_at = self.last_used_at.max(more.last_used_at);
    }
}

#[derive(Queryable, Clone, Debug)]
pub struct DayRow {
    pub key_id: String,
    pub day: String,
    pub requests: i64,
    pub refused_by_quota: i64,
    pub refused_by_rate: i64,
    pub last_used_at: Option<NaiveDateTime>,
}

/// As the table names a day.
pub fn day(date: NaiveDate) -> String {
    date.format("%Y-%m-%d").to_string()
}

/// Adds to what is counted of a key on a day; the requests of that day on all servers so far.
pub fn add(conn: &mut Conn, key: &str, date: NaiveDate, count: &Count) -> Result<i64> {
    let day = day(date);
    diesel::sql_query(
        "INSERT INTO key_usage (key_id, day, requests, refused_by_quota, refused_by_rate, last_used_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (key_id, day) DO UPDATE SET
         requests = key_usage.requests + excluded.requests,
         refused_by_quota = key_usage.refused_by_quota + excluded.refused_by_quota,
         refused_by_rate = key_usage.refused_by_rate + excluded.refused_by_rate,
         last_used_at = CASE WHEN key_usage.last_used_at IS NULL OR key_usage.last_used_at < excluded.last_used_at
         THEN excluded.last_used_at ELSE key_usage.last_used_at END",
    )
    .bind::<Text, _>(key)
    .bind::<Text, _>(&day)
    .bind::<BigInt, _>(count.requests)
    .bind::<BigInt, _>(count.refused_by_quota)
    .bind::<BigInt, _>(count.refused_by_rate)
    .bind::<Nullable<Timestamp>, _>(count.last_used_at)
    .execute(conn)?;
    requests(conn, key, date)
}

/// The requests of a key on a day, on all servers.
pub fn requests(conn: &mut Conn, key: &str, date: NaiveDate) -> Result<i64> {
    let found = key_usage::table
        .find((key, day(date)))
        .select(key_usage::requests)
        .first(conn);
    Ok(found.optional()?.unwrap_or(0))
}

/// The days from the first to the last on which a key was used, the latest first.
pub fn of_key(
    conn: &mut Conn,
    key: &str,
    (from, to): (NaiveDate, NaiveDate),
) -> Result<Vec<DayRow>> {
    Ok(key_usage::table
        .filter(key_usage::key_id.eq(key))
        .filter(key_usage::day.between(day(from), day(to)))
        .order(key_usage::day.desc())
        .load(conn)?)
}

/// A key with what was counted of it.
#[derive(Clone, Debug)]
pub struct KeyCount {
    pub id: String,
    pub name: String,
    pub role: String,
    pub count: Count,
}

/// The keys that were used on these days, the newest first, from before the id `before` on.
pub fn of_all(
    conn: &mut Conn,
    (from, to): (NaiveDate, NaiveDate),
    before: Option<&str>,
    limit: i64,
) -> Result<Vec<KeyCount>> {
    let mut query = api_keys::table
        .filter(
            api_keys::id.eq_any(
                key_usage::table
                    .filter(key_usage::day.between(day(from), day(to)))
                    .select(key_usage::key_id),
            ),
        )
        .order(api_keys::id.desc())
        .limit(limit)
        .select((api_keys::id, api_keys::name, api_keys::role))
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(api_keys::id.lt(before.to_owned()));
    }
    let keys: Vec<(String, String, String)> = query.load(conn)?;
    let ids: Vec<&String> = keys.iter().map(|(id, ..)| id).collect();
    let rows: Vec<DayRow> = key_usage::table
        .filter(key_usage::key_id.eq_any(ids))
        .filter(key_usage::day.between(day(from), day(to)))
        .load(conn)?;
    let mut counts: HashMap<&str, Count> = HashMap::new();
    for row in &rows {
        counts.entry(&row.key_id).or_default().add(&row.count());
    }
    let counted = |(id, name, role): (String, String, String)| KeyCount {
        count: counts.get(id.as_str()).copied().unwrap_or_default(),
        id,
        name,
        role,
    };
    Ok(keys.into_iter().map(counted).collect())
}

impl DayRow {
    pub fn count(&self) -> Count {
        Count {
            requests: self.requests,
            refused_by_quota: self.refused_by_quota,
            refused_by_rate: self.refused_by_rate,
            last_used_at: self.last_used_at,
        }
    }
}

/// Forgets the days that are not kept any more; how many that were.
pub fn forget_old(conn: &mut Conn, now: DateTime<Utc>) -> Result<usize> {
    let first = day((now - TimeDelta::days(KEPT)).date_naive());
    let old = key_usage::table.filter(key_usage::day.lt(first));
    Ok(diesel::delete(old).execute(conn)?)
}
