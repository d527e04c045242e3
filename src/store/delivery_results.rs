//! What attempts make of deliveries. The webhook must be locked, and with it its deliveries.

use chrono::{DateTime, Utc};
use diesel::dsl::min;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamp};

use crate::content::time::to_stored;
use crate::db::Conn;
use crate::db::schema::deliveries;
use crate::error::Result;
use crate::store::deliveries::NewDelivery;

/// What was made of a row.
pub struct Made<'a> {
    pub num: i64,
    /// How often it had been tried when it was read.
    pub tries: i64,
    pub new: &'a NewDelivery,
}

/// All rows at once.
const UPDATE: &str = "UPDATE deliveries SET state = made.state, begun_at = made.begun_at, tries = made.tries,
    attempts = made.attempts, attempt_log = made.attempt_log, next_attempt_at = made.next_attempt_at,
    settled_at = made.settled_at
    FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9)
    AS made (num, tries_before, state, begun_at, tries, attempts, attempt_log, next_attempt_at, settled_at)
    WHERE deliveries.num = made.num AND deliveries.tries = made.tries_before AND deliveries.settled_at IS NULL";

/// Keeps what attempts made of rows; what was asked for anew since it was read stays.
///
/// # Errors
/// When the database fails.
pub fn update(conn: &mut Conn, made: &[Made<'_>]) -> Result<()> {
    match conn {
        // A statement that stays prepared.
        Conn::Sqlite(conn) => {
            for Made { num, tries, new } in made {
                let read = deliveries::table
                    .find(num)
                    .filter(deliveries::tries.eq(tries))
                    .filter(deliveries::settled_at.is_null());
                diesel::update(read)
                    .set((
                        deliveries::state.eq(&new.state),
                        deliveries::begun_at.eq(new.begun_at),
                        deliveries::tries.eq(new.tries),
                        deliveries::attempts.eq(new.attempts),
                        deliveries::attempt_log.eq(&new.attempt_log),
                        deliveries::next_attempt_at.eq(new.next_attempt_at),
                        deliveries::settled_at.eq(new.settled_at),
                    ))
                    .execute(conn)?;
            }
        }
        // One journey to the server.
        Conn::Postgres(conn) if !made.is_empty() => {
            diesel::sql_query(UPDATE)
                .bind::<Array<BigInt>, _>(column(made, |made| made.num))
                .bind::<Array<BigInt>, _>(column(made, |made| made.tries))
                .bind::<Array<Text>, _>(column(made, |made| made.new.state.as_str()))
                .bind::<Array<Nullable<Timestamp>>, _>(column(made, |made| made.new.begun_at))
                .bind::<Array<BigInt>, _>(column(made, |made| made.new.tries))
                .bind::<Array<BigInt>, _>(column(made, |made| made.new.attempts))
                .bind::<Array<Text>, _>(column(made, |made| made.new.attempt_log.as_str()))
                .bind::<Array<Nullable<Timestamp>>, _>(column(made, |made| {
                    made.new.next_attempt_at
                }))
                .bind::<Array<Nullable<Timestamp>>, _>(column(made, |made| made.new.settled_at))
                .execute(conn)?;
        }
        Conn::Postgres(_) => {}
    }
    Ok(())
}

/// A column of them.
fn column<'a, T>(made: &'a [Made<'a>], value: impl Fn(&'a Made<'a>) -> T) -> Vec<T> {
    made.iter().map(value).collect()
}

/// Lets the first pending event of each of these things be sent, where it only waited for an earlier one.
pub fn release_next(
    conn: &mut Conn,
    webhook: &str,
    things: &[&str],
    now: DateTime<Utc>,
) -> Result<()> {
    if things.is_empty() {
        return Ok(());
    }
    let firsts: Vec<Option<i64>> = deliveries::table
        .filter(deliveries::webhook_id.eq(webhook))
        .filter(deliveries::thing.eq_any(things))
        .filter(deliveries::settled_at.is_null())
        .group_by(deliveries::thing)
        .select(min(deliveries::num))
        .load(conn)?;
    let firsts: Vec<i64> = firsts.into_iter().flatten().collect();
    let waiting = deliveries::table
        .filter(deliveries::num.eq_any(&firsts))
        .filter(deliveries::next_attempt_at.is_null());
    diesel::update(waiting)
        .set(deliveries::next_attempt_at.eq(to_stored(now)))
        .execute(conn)?;
    Ok(())
}

/// Lets everything that waits for its next attempt be tried now: its receiver answers again.
pub fn hurry(conn: &mut Conn, webhook: &str, now: DateTime<Utc>) -> Result<()> {
    let waits = deliveries::table
        .filter(deliveries::webhook_id.eq(webhook))
        .filter(deliveries::next_attempt_at.gt(to_stored(now)));
    diesel::update(waits)
        .set(deliveries::next_attempt_at.eq(to_stored(now)))
        .execute(conn)?;
    Ok(())
}
