//! Deliveries: what was sent to a webhook, what is to be sent again, and each attempt at it.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::content::time::to_stored;
use crate::db::Conn;
use crate::db::dialect::each;
use crate::db::schema::{changes, deliveries, webhooks};
use crate::error::{Error, Result};
use crate::store::changes::ChangeRow;

pub const PENDING: &str = "pending";
pub const DELIVERED: &str = "delivered";
pub const FAILED: &str = "failed";
pub const STATES: [&str; 3] = [PENDING, DELIVERED, FAILED];

/// Attempts of which a delivery tells.
const TOLD: usize = 20;
/// Rows cleared away at a time.
const BATCH: i64 = 2_000;

#[derive(Queryable, Clone, Debug, PartialEq)]
pub struct DeliveryRow {
    pub num: i64,
    #[allow(clippy::struct_field_names)]
    pub id: String,
    pub webhook_id: String,
    /// The line of the log; `None`: a test.
    pub seq: Option<i64>,
    pub thing: String,
    pub event: String,
    pub state: String,
    pub created_at: NaiveDateTime,
    pub begun_at: Option<NaiveDateTime>,
    pub tries: i64,
    pub attempts: i64,
    pub attempt_log: String,
    /// `None` unless it is pending and no earlier event of the thing is.
    pub next_attempt_at: Option<NaiveDateTime>,
    /// `None` while it is pending.
    pub settled_at: Option<NaiveDateTime>,
}

/// One that has no row yet.
#[derive(Insertable, Clone, Debug)]
#[diesel(table_name = deliveries)]
pub struct NewDelivery {
    pub id: String,
    pub webhook_id: String,
    pub seq: Option<i64>,
    pub thing: String,
    pub event: String,
    pub state: String,
    pub created_at: NaiveDateTime,
    pub begun_at: Option<NaiveDateTime>,
    pub tries: i64,
    pub attempts: i64,
    pub attempt_log: String,
    pub next_attempt_at: Option<NaiveDateTime>,
    pub settled_at: Option<NaiveDateTime>,
}

/// What came of one attempt.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct AttemptLine {
    pub at: DateTime<Utc>,
    pub status: Option<u16>,
    /// Why there is no success.
    pub error: Option<String>,
    pub duration_ms: u64,
    /// The beginning of the answer's body.
    pub answer: Option<String>,
}

/// The attempts that a row tells of, oldest first.
pub fn attempts(log: &str) -> Result<Vec<AttemptLine>> {
    serde_json::from_str(log)
        .map_err(|error| Error::Internal(format!("a delivery's attempts are broken: {error}")))
}

impl NewDelivery {
    /// One that is to be sent now.
    pub fn new(
        id: String,
        webhook_id: &str,
        seq: Option<i64>,
        thing: String,
        event: &str,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            webhook_id: webhook_id.to_owned(),
            seq,
            thing,
            event: event.to_owned(),
            state: PENDING.to_owned(),
            created_at: to_stored(now),
            begun_at: None,
            tries: 0,
            attempts: 0,
            attempt_log: "[]".to_owned(),
            next_attempt_at: Some(to_stored(now)),
            settled_at: None,
        }
    }

    pub fn from_row(row: DeliveryRow) -> Self {
        Self {
            id: row.id,
            webhook_id: row.webhook_id,
            seq: row.seq,
            thing: row.thing,
            event: row.event,
            state: row.state,
            created_at: row.created_at,
            begun_at: row.begun_at,
            tries: row.tries,
            attempts: row.attempts,
            attempt_log: row.attempt_log,
            next_attempt_at: row.next_attempt_at,
            settled_at: row.settled_at,
        }
    }

    /// Adds an attempt.
    pub fn note(&mut self, attempt: AttemptLine) -> Result<()> {
        let mut told = attempts(&self.attempt_log)?;
        let at = to_stored(attempt.at);
        told.push(attempt);
        let dropped = told.len().saturating_sub(TOLD);
        told.drain(..dropped);
        self.attempt_log = serde_json::to_string(&told)
            .map_err(|error| Error::Internal(format!("an attempt cannot be kept: {error}")))?;
        self.begun_at.get_or_insert(at);
        self.tries += 1;
        self.attempts += 1;
        Ok(())
    }

    pub fn settle(&mut self, state: &str, now: DateTime<Utc>) {
        self.state = state.to_owned();
        self.next_attempt_at = None;
        self.settled_at = Some(to_stored(now));
    }
}

/// Those that are there stay as they are.
pub fn insert(conn: &mut Conn, new: &[NewDelivery]) -> Result<()> {
    let ids: Vec<&str> = new.iter().map(|new| new.id.as_str()).collect();
    let known: HashSet<String> = deliveries::table
        .filter(deliveries::id.eq_any(&ids))
        .select(deliveries::id)
        .load(conn)?
        .into_iter()
        .collect();
    let fresh = new.iter().filter(|new| !known.contains(&new.id));
    let fresh: Vec<&NewDelivery> = fresh.collect();
    each!(conn, conn => diesel::insert_into(deliveries::table).values(fresh).execute(conn))?;
    Ok(())
}

/// What is to be tried again by now, what has waited longest first; not what is about these things, of which something
/// is on its way.
pub fn due(
    conn: &mut Conn,
    webhook: &str,
    on_their_way: &[&str],
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<DeliveryRow>> {
    Ok(deliveries::table
        .filter(deliveries::webhook_id.eq(webhook))
        .filter(deliveries::next_attempt_at.le(to_stored(now)))
        .filter(deliveries::thing.ne_all(on_their_way))
        .order(deliveries::next_attempt_at)
        .limit(limit)
        .load(conn)?)
}

/// Tests that are to be sent, also where nothing else is.
pub fn due_tests(conn: &mut Conn, webhook: &str, now: DateTime<Utc>) -> Result<Vec<DeliveryRow>> {
    Ok(deliveries::table
        .filter(deliveries::webhook_id.eq(webhook))
        .filter(deliveries::thing.eq(test_thing(webhook)))
        .filter(deliveries::settled_at.is_null())
        .filter(deliveries::next_attempt_at.le(to_stored(now)))
        .order(deliveries::num)
        .limit(10)
        .load(conn)?)
}

/// What a test is about.
pub fn test_thing(webhook: &str) -> String {
    format!("webhook:{webhook}")
}

/// Which of these things have an event that is pending.
pub fn waiting(conn: &mut Conn, webhook: &str, things: &[&str]) -> Result<HashSet<String>> {
    let found: Vec<String> = deliveries::table
        .filter(deliveries::webhook_id.eq(webhook))
        .filter(deliveries::settled_at.is_null())
        .filter(deliveries::thing.eq_any(things))
        .select(deliveries::thing)
        .distinct()
        .load(conn)?;
    Ok(found.into_iter().collect())
}

/// Whether at least so many are pending.
pub fn are_pending(conn: &mut Conn, webhook: &str, count: i64) -> Result<bool> {
    let last: Option<i64> = deliveries::table
        .filter(deliveries::webhook_id.eq(webhook))
        .filter(deliveries::settled_at.is_null())
        .select(deliveries::num)
        .order((deliveries::thing, deliveries::num))
        .offset(count - 1)
        .limit(1)
        .first(conn)
        .optional()?;
    Ok(last.is_some())
}

/// Whether an event is pending; tests are none.
pub fn is_any_pending(conn: &mut Conn, webhook: &str) -> Result<bool> {
    let first: Option<i64> = deliveries::table
        .filter(deliveries::webhook_id.eq(webhook))
        .filter(deliveries::settled_at.is_null())
        .filter(deliveries::seq.is_not_null())
        .select(deliveries::num)
        .order((deliveries::thing, deliveries::num))
        .limit(1)
        .first(conn)
        .optional()?;
    Ok(first.is_some())
}

/// How many are pending, for all webhooks.
pub fn count_pending(conn: &mut Conn) -> Result<i64> {
    Ok(deliveries::table
        .filter(deliveries::settled_at.is_null())
        .count()
        .get_result(conn)?)
}

/// The numbers of these deliveries, by id.
///
/// # Errors
/// When the database fails.
pub fn numbers(conn: &mut Conn, ids: &[&str]) -> Result<HashMap<String, i64>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let found: Vec<(String, i64)> = deliveries::table
        .filter(deliveries::id.eq_any(ids))
        .select((deliveries::id, deliveries::num))
        .load(conn)?;
    Ok(found.into_iter().collect())
}

pub fn find(conn: &mut Conn, webhook: &str, id: &str) -> Result<Option<DeliveryRow>> {
    Ok(deliveries::table
        .filter(deliveries::id.eq(id))
        .filter(deliveries::webhook_id.eq(webhook))
        .first(conn)
        .optional()?)
}

/// The newest first, from before `before` on.
pub fn page(
    conn: &mut Conn,
    webhook: &str,
    state: Option<&str>,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<DeliveryRow>> {
    let mut query = deliveries::table
        .filter(deliveries::webhook_id.eq(webhook.to_owned()))
        .order(deliveries::num.desc())
        .limit(limit)
        .into_boxed();
    if let Some(state) = state {
        query = query.filter(deliveries::state.eq(state.to_owned()));
    }
    if let Some(before) = before {
        query = query.filter(deliveries::num.lt(before));
    }
    Ok(query.load(conn)?)
}

/// Is to be sent anew, with all its attempts before it; not before an earlier event of the same thing that is pending.
/// Its webhook must be locked since before the row was read.
pub fn ask_again(conn: &mut Conn, row: &DeliveryRow, now: DateTime<Utc>) -> Result<()> {
    let earlier: bool = diesel::select(exists(
        deliveries::table
            .filter(deliveries::webhook_id.eq(&row.webhook_id))
            .filter(deliveries::thing.eq(&row.thing))
            .filter(deliveries::settled_at.is_null())
            .filter(deliveries::num.lt(row.num)),
    ))
    .get_result(conn)?;
    let never: Option<NaiveDateTime> = None;
    let next = (!earlier).then(|| to_stored(now));
    diesel::update(deliveries::table.find(row.num))
        .set((
            deliveries::state.eq(PENDING),
            deliveries::begun_at.eq(never),
            deliveries::tries.eq(0),
            deliveries::next_attempt_at.eq(next),
            deliveries::settled_at.eq(never),
        ))
        .execute(conn)?;
    Ok(())
}

/// The lines of the log that these deliveries tell of.
pub fn lines(conn: &mut Conn, rows: &[DeliveryRow]) -> Result<Vec<ChangeRow>> {
    let seqs: Vec<i64> = rows.iter().filter_map(|row| row.seq).collect();
    Ok(changes::table
        .filter(changes::seq.eq_any(&seqs))
        .load(conn)?)
}

/// Clears away what was settled before `before`, and what belongs to a webhook that was deleted, a part at a time; how
/// many rows that were.
pub fn clear(conn: &mut Conn, before: DateTime<Utc>) -> Result<usize> {
    let old: Vec<i64> = deliveries::table
        .filter(deliveries::settled_at.lt(to_stored(before)))
        .select(deliveries::num)
        .limit(BATCH)
        .load(conn)?;
    let mut gone =
        diesel::delete(deliveries::table.filter(deliveries::num.eq_any(&old))).execute(conn)?;
    let deleted: Vec<String> = webhooks::table
        .filter(webhooks::deleted_at.is_not_null())
        // Each is locked when it goes, and servers lock several in this order.
        .order(webhooks::id)
        .select(webhooks::id)
        .load(conn)?;
    for webhook in deleted {
        let left: Vec<i64> = deliveries::table
            .filter(deliveries::webhook_id.eq(&webhook))
            .select(deliveries::num)
            .limit(BATCH)
            .load(conn)?;
        gone += diesel::delete(deliveries::table.filter(deliveries::num.eq_any(&left)))
            .execute(conn)?;
        if (left.len() as i64) < BATCH {
            gone += diesel::delete(webhooks::table.find(&webhook)).execute(conn)?;
        }
    }
    Ok(gone)
}
