//! The audit trail: who did what, in the transaction in which it was done.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::helper_types::IntoBoxed;
use diesel::prelude::*;
use serde_json::Value;

use crate::content::time::to_stored;
use crate::db::dialect::each;
use crate::db::schema::audit;
use crate::db::{Backend, Conn};
use crate::error::Result;

#[derive(Queryable, Clone, Debug, PartialEq)]
pub struct AuditRow {
    pub seq: i64,
    pub at: NaiveDateTime,
    pub actor: String,
    pub action: String,
    pub target_kind: String,
    pub target_id: String,
    pub target_name: String,
    pub request_id: Option<String>,
    /// A JSON object.
    pub detail: Option<String>,
}

/// An act to be noted.
pub struct Entry<'a> {
    pub actor: &'a str,
    /// A verb and its object: `article.create`, `user.disable`.
    pub action: &'static str,
    pub target: Target<'a>,
    pub request_id: Option<&'a str>,
    pub detail: Option<Value>,
}

/// What was acted upon.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    pub kind: &'static str,
    pub id: &'a str,
    pub name: &'a str,
}

pub fn append(conn: &mut Conn, entry: &Entry, now: DateTime<Utc>) -> Result<()> {
    let row = (
        audit::at.eq(to_stored(now)),
        audit::actor.eq(entry.actor),
        audit::action.eq(entry.action),
        audit::target_kind.eq(entry.target.kind),
        audit::target_id.eq(entry.target.id),
        audit::target_name.eq(entry.target.name),
        audit::request_id.eq(entry.request_id),
        audit::detail.eq(entry.detail.as_ref().map(Value::to_string)),
    );
    each!(conn, conn => diesel::insert_into(audit::table).values(row).execute(conn))?;
    Ok(())
}

/// Which entries are asked for; what is `None` does not matter.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub actor: Option<String>,
    pub action: Option<String>,
    /// The id of what was acted upon.
    pub target: Option<String>,
    /// Only entries older than this one.
    pub before: Option<i64>,
}

/// The newest of these entries, newest first.
pub fn newest(conn: &mut Conn, filter: &Filter, limit: usize) -> Result<Vec<AuditRow>> {
    let mut query: IntoBoxed<audit::table, Backend> = audit::table.into_boxed();
    if let Some(actor) = &filter.actor {
        query = query.filter(audit::actor.eq(actor));
    }
    if let Some(action) = &filter.action {
        query = query.filter(audit::action.eq(action));
    }
    if let Some(target) = &filter.target {
        query = query.filter(audit::target_id.eq(target));
    }
    if let Some(before) = filter.before {
        query = query.filter(audit::seq.lt(before));
    }
    Ok(query
        .order(audit::seq.desc())
        .limit(limit as i64)
        .load(conn)?)
}
