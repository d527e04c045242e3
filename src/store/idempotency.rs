//! Requests that may be sent twice and are carried out once.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;

use crate::content::time::to_stored;
use crate::db::Conn;
use crate::db::schema::idempotency;
use crate::error::{Error, Result};

/// How long an attempt is taken for still running. Longer than any request may take.
const LEASE: TimeDelta = TimeDelta::minutes(10);
/// How long an answer is kept.
pub const KEPT: TimeDelta = TimeDelta::hours(24);

/// A request that may come again.
#[derive(Clone, Debug)]
pub struct Repeatable {
    pub caller: String,
    /// What the caller calls it.
    pub key: String,
    /// Digest of all that makes it this request.
    pub fingerprint: String,
    /// Names this attempt.
    pub claim: String,
}

/// What an attempt finds.
#[derive(Debug, PartialEq, Eq)]
pub enum Claimed {
    /// Nothing: it is to be carried out.
    Fresh,
    /// The answer that an earlier attempt was given.
    Answered(String),
}

type Row = (String, chrono::NaiveDateTime, Option<String>);

/// Takes the request on, unless it was or is being carried out.
///
/// # Errors
/// [`Error::InProgress`] while another attempt is at it, [`Error::IdempotencyKeyReused`] where the key stands for
/// another request.
pub fn claim(conn: &mut Conn, request: &Repeatable, now: DateTime<Utc>) -> Result<Claimed> {
    let known: Option<Row> = idempotency::table
        .find((&request.caller, &request.key))
        .select((
            idempotency::fingerprint,
            idempotency::claimed_at,
            idempotency::answer,
        ))
        .first(conn)
        .optional()?;
    if let Some((fingerprint, claimed_at, answer)) = known {
        let age = now - claimed_at.and_utc();
        match answer {
            _ if age > KEPT => {}
            _ if fingerprint != request.fingerprint => return Err(Error::IdempotencyKeyReused),
            Some(answer) => return Ok(Claimed::Answered(answer)),
            None if age <= LEASE => return Err(Error::InProgress),
            // Its server ended before it did.
            None => {}
        }
        forget(conn, request)?;
    }
    diesel::insert_into(idempotency::table)
        .values((
            idempotency::caller.eq(&request.caller),
            idempotency::key.eq(&request.key),
            idempotency::fingerprint.eq(&request.fingerprint),
            idempotency::claim.eq(&request.claim),
            idempotency::claimed_at.eq(to_stored(now)),
        ))
        .execute(conn)?;
    Ok(Claimed::Fresh)
}

/// Keeps the answer, in the transaction of the work itself: either both are there or neither is.
///
/// # Errors
/// [`Error::InProgress`] where another attempt has taken the request over meanwhile; the work must then be undone.
pub fn answer(conn: &mut Conn, request: &Repeatable, answer: &str) -> Result<()> {
    let own = idempotency::table
        .find((&request.caller, &request.key))
        .filter(idempotency::claim.eq(&request.claim));
    let kept = diesel::update(own)
        .set(idempotency::answer.eq(answer))
        .execute(conn)?;
    match kept {
        0 => Err(Error::InProgress),
        _ => Ok(()),
    }
}

/// Gives a request up that failed and changed nothing, so that it may be tried again.
pub fn release(conn: &mut Conn, request: &Repeatable) -> Result<()> {
    let own = idempotency::table
        .find((&request.caller, &request.key))
        .filter(idempotency::claim.eq(&request.claim))
        .filter(idempotency::answer.is_null());
    diesel::delete(own).execute(conn)?;
    Ok(())
}

fn forget(conn: &mut Conn, request: &Repeatable) -> Result<()> {
    diesel::delete(idempotency::table.find((&request.caller, &request.key))).execute(conn)?;
    Ok(())
}

/// Forgets the requests that are older than [`KEPT`].
pub fn forget_old(conn: &mut Conn, now: DateTime<Utc>) -> Result<usize> {
    let old = idempotency::table.filter(idempotency::claimed_at.lt(to_stored(now - KEPT)));
    Ok(diesel::delete(old).execute(conn)?)
}
