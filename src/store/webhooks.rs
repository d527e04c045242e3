//! Webhooks: whom we tell of changes, how far each has been told, and which server does it.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;

use crate::content::time::to_stored;
use crate::db::Conn;
use crate::db::schema::webhooks;
use crate::error::{Error, Result};
use crate::store::webhook_filters::{self, Filter};

/// How many there may be: each may take threads of its own.
pub const MOST: i64 = 100;
/// Secrets of before that sign as well.
const MOST_FORMER: usize = 4;

#[derive(Queryable, Insertable, Clone, Debug, PartialEq)]
#[diesel(table_name = webhooks)]
pub struct WebhookRow {
    pub id: String,
    pub url: String,
    pub description: Option<String>,
    pub filter: String,
    pub secret: String,
    /// Those before it, parted by spaces, the latest first.
    pub former_secret: Option<String>,
    pub former_until: Option<NaiveDateTime>,
    pub position: i64,
    pub failing_since: Option<NaiveDateTime>,
    pub disabled_at: Option<NaiveDateTime>,
    pub disabled_reason: Option<String>,
    pub lease_owner: Option<String>,
    pub lease_until: Option<NaiveDateTime>,
    pub created_at: NaiveDateTime,
    pub created_by: Option<String>,
    pub updated_at: NaiveDateTime,
    pub deleted_at: Option<NaiveDateTime>,
    pub version: i64,
}

impl WebhookRow {
    pub fn filter(&self) -> Result<Filter> {
        serde_json::from_str(&self.filter)
            .map_err(|error| Error::Internal(format!("a webhook's filter is broken: {error}")))
    }

    /// The secrets that sign now, the present one first, then those that it followed.
    pub fn secrets(&self, now: DateTime<Utc>) -> Vec<&str> {
        let still = self
            .former_until
            .is_some_and(|until| to_stored(now) < until);
        let former = self.former_secret.as_deref().filter(|_| still);
        std::iter::once(self.secret.as_str())
            .chain(former.unwrap_or_default().split_ascii_whitespace())
            .collect()
    }

    /// Gives it another secret. All that sign now go on until then: which of them the receiver has is not known.
    pub fn rotate(&mut self, secret: String, until: DateTime<Utc>, now: DateTime<Utc>) {
        let mut former = self.secrets(now);
        former.truncate(MOST_FORMER);
        self.former_secret = Some(former.join(" "));
        self.former_until = Some(to_stored(until));
        self.secret = secret;
    }
}

/// # Errors
/// [`Error::Conflict`] where there are as many as there may be.
pub fn insert(conn: &mut Conn, row: &WebhookRow) -> Result<()> {
    let count = count(conn)?;
    if count >= MOST {
        let detail = format!("there are {count} webhooks, and no more than {MOST} may be");
        return Err(Error::conflict("", detail));
    }
    diesel::insert_into(webhooks::table)
        .values(row)
        .execute(conn)?;
    webhook_filters::keep_tags(conn, &row.id, &row.filter()?)
}

/// One that has not been deleted.
pub fn by_id(conn: &mut Conn, id: &str) -> Result<Option<WebhookRow>> {
    Ok(webhooks::table
        .find(id)
        .filter(webhooks::deleted_at.is_null())
        .first(conn)
        .optional()?)
}

/// The same, locked until the transaction ends. What is sent to it is kept beside the queue of the writers, so that who
/// changes it, or decides by how it is, has to hold it.
///
/// # Errors
/// When the database fails, or whoever holds it does not let go in time.
pub fn lock(conn: &mut Conn, id: &str) -> Result<Option<WebhookRow>> {
    match conn {
        // Its one writer has locked everything.
        Conn::Sqlite(_) => {}
        Conn::Postgres(conn) => {
            let row = webhooks::table.find(id).select(webhooks::id);
            let _locked: Option<String> = row.for_update().first(conn).optional()?;
        }
    }
    by_id(conn, id)
}

/// The newest first, from before `before` on.
pub fn page(conn: &mut Conn, before: Option<&str>, limit: i64) -> Result<Vec<WebhookRow>> {
    let mut query = webhooks::table
        .filter(webhooks::deleted_at.is_null())
        .order(webhooks::id.desc())
        .limit(limit)
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(webhooks::id.lt(before.to_owned()));
    }
    Ok(query.load(conn)?)
}

pub fn count(conn: &mut Conn) -> Result<i64> {
    Ok(webhooks::table
        .filter(webhooks::deleted_at.is_null())
        .count()
        .get_result(conn)?)
}

/// Keeps what an admin has changed of it: not what its deliveries change.
pub fn update(conn: &mut Conn, row: &WebhookRow) -> Result<()> {
    let filter = row.filter()?;
    let before = by_id(conn, &row.id)?.map(|before| before.filter());
    if before.transpose()?.map(|before| before.tags) != Some(filter.tags.clone()) {
        webhook_filters::keep_tags(conn, &row.id, &filter)?;
    }
    diesel::update(webhooks::table.find(&row.id))
        .set((
            webhooks::url.eq(&row.url),
            webhooks::description.eq(&row.description),
            webhooks::filter.eq(&row.filter),
            webhooks::secret.eq(&row.secret),
            webhooks::former_secret.eq(&row.former_secret),
            webhooks::former_until.eq(row.former_until),
            webhooks::failing_since.eq(row.failing_since),
            webhooks::disabled_at.eq(row.disabled_at),
            webhooks::disabled_reason.eq(&row.disabled_reason),
            webhooks::updated_at.eq(row.updated_at),
            webhooks::version.eq(row.version),
        ))
        .execute(conn)?;
    Ok(())
}

/// Nothing is sent from now on; the scheduler clears away what was.
pub fn delete(conn: &mut Conn, id: &str, now: DateTime<Utc>) -> Result<()> {
    let no_text: Option<String> = None;
    diesel::update(webhooks::table.find(id))
        .set((
            webhooks::deleted_at.eq(to_stored(now)),
            webhooks::secret.eq(""),
            webhooks::former_secret.eq(no_text),
        ))
        .execute(conn)?;
    Ok(())
}

/// Tells no one of anything until an admin says so: those that were told go on, in this order, from where they are.
pub fn disable_all(conn: &mut Conn, reason: &str, now: DateTime<Utc>) -> Result<()> {
    let ids: Vec<String> = webhooks::table
        .select(webhooks::id)
        .order(webhooks::id)
        .load(conn)?;
    // Each is locked from then on, and servers lock several in this order.
    for id in ids {
        disable(conn, &id, reason, now)?;
    }
    Ok(())
}

/// Sends nothing more, unless that is so already.
fn disable(conn: &mut Conn, id: &str, reason: &str, now: DateTime<Utc>) -> Result<()> {
    let enabled = webhooks::table
        .find(id)
        .filter(webhooks::disabled_at.is_null());
    diesel::update(enabled)
        .set((
            webhooks::disabled_at.eq(to_stored(now)),
            webhooks::disabled_reason.eq(reason),
            webhooks::version.eq(webhooks::version + 1),
            webhooks::updated_at.eq(to_stored(now)),
        ))
        .execute(conn)?;
    Ok(())
}

/// What a server looks at again and again.
#[derive(Queryable, Clone, Debug)]
pub struct Outline {
    pub id: String,
    pub is_disabled: bool,
    pub position: i64,
    pub lease_owner: Option<String>,
    pub lease_until: Option<NaiveDateTime>,
    /// The next attempt at what is pending; where it is disabled, at tests alone.
    pub due_at: Option<NaiveDateTime>,
}

/// Every webhook that has not been deleted.
pub fn outlines(conn: &mut Conn) -> Result<Vec<Outline>> {
    let due = diesel::dsl::sql::<diesel::sql_types::Nullable<diesel::sql_types::Timestamp>>(
        "(SELECT min(next_attempt_at) FROM deliveries WHERE webhook_id = webhooks.id \
         AND next_attempt_at IS NOT NULL \
         AND (webhooks.disabled_at IS NULL OR thing = 'webhook:' || webhooks.id))",
    );
    Ok(webhooks::table
        .filter(webhooks::deleted_at.is_null())
        .order(webhooks::id)
        .limit(MOST)
        .select((
            webhooks::id,
            webhooks::disabled_at.is_not_null(),
            webhooks::position,
            webhooks::lease_owner,
            webhooks::lease_until,
            due,
        ))
        .load(conn)?)
}

/// Takes over the sending, unless another does it; `owner` names this claim and no other. `earlier` is a claim of an
/// earlier run of this server, which holds no more. Locks the webhook, as do the others below: of several, the one with
/// the smaller id first.
pub fn claim(
    conn: &mut Conn,
    id: &str,
    owner: &str,
    earlier: Option<&str>,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<bool> {
    let free = webhooks::lease_until
        .is_null()
        .or(webhooks::lease_until.lt(to_stored(now)))
        .or(webhooks::lease_owner.eq(earlier.unwrap_or(owner)));
    let claimed = diesel::update(webhooks::table.find(id).filter(free))
        .set((
            webhooks::lease_owner.eq(owner),
            webhooks::lease_until.eq(to_stored(until)),
        ))
        .execute(conn)?;
    Ok(claimed == 1)
}

/// Goes on sending; false where the claim is lost.
pub fn renew(conn: &mut Conn, id: &str, owner: &str, until: DateTime<Utc>) -> Result<bool> {
    let own = webhooks::table
        .find(id)
        .filter(webhooks::lease_owner.eq(owner));
    let renewed = diesel::update(own)
        .set(webhooks::lease_until.eq(to_stored(until)))
        .execute(conn)?;
    Ok(renewed == 1)
}

/// Keeps how far the log was read for who holds the claim, where nothing of it was to be sent.
pub fn advance(conn: &mut Conn, id: &str, owner: &str, read: i64) -> Result<()> {
    let behind = webhooks::table
        .find(id)
        .filter(webhooks::lease_owner.eq(owner))
        .filter(webhooks::position.lt(read));
    diesel::update(behind)
        .set(webhooks::position.eq(read))
        .execute(conn)?;
    Ok(())
}

/// Lets another take over at once.
pub fn release(conn: &mut Conn, id: &str, owner: &str) -> Result<()> {
    let (no_one, never): (Option<String>, Option<NaiveDateTime>) = (None, None);
    let own = webhooks::table
        .find(id)
        .filter(webhooks::lease_owner.eq(owner));
    diesel::update(own)
        .set((
            webhooks::lease_owner.eq(no_one),
            webhooks::lease_until.eq(never),
        ))
        .execute(conn)?;
    Ok(())
}

/// How a round of sending leaves a webhook.
pub struct Standing {
    pub position: i64,
    pub failing_since: Option<NaiveDateTime>,
    /// Why it is not told any more.
    pub disabled: Option<String>,
}

/// What was kept of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    Whole,
    /// How far it is, and not how it fares: an admin has changed it since it was read.
    Position,
    /// Nothing: another holds the claim, or the webhook is deleted.
    Lost,
}

/// Keeps it, for who holds the claim and has read the webhook in this version. From then on the webhook is locked, and
/// with it its deliveries: who changes them otherwise locks it first.
pub fn settle(
    conn: &mut Conn,
    id: &str,
    owner: &str,
    version: i64,
    standing: &Standing,
    now: DateTime<Utc>,
) -> Result<Settled> {
    let own = webhooks::table
        .find(id)
        .filter(webhooks::lease_owner.eq(owner))
        .filter(webhooks::deleted_at.is_null());
    let settled = diesel::update(own)
        .set(webhooks::position.eq(standing.position))
        .execute(conn)?;
    if settled == 0 {
        return Ok(Settled::Lost);
    }
    let as_read = webhooks::table
        .find(id)
        .filter(webhooks::version.eq(version));
    let whole = diesel::update(as_read)
        .set(webhooks::failing_since.eq(standing.failing_since))
        .execute(conn)?;
    if whole == 0 {
        return Ok(Settled::Position);
    }
    if let Some(reason) = &standing.disabled {
        disable(conn, id, reason, now)?;
    }
    Ok(Settled::Whole)
}

/// Nothing has failed that is still to be sent.
pub fn begin_anew(conn: &mut Conn, id: &str) -> Result<()> {
    let never: Option<NaiveDateTime> = None;
    let failing = webhooks::table
        .find(id)
        .filter(webhooks::failing_since.is_not_null());
    diesel::update(failing)
        .set(webhooks::failing_since.eq(never))
        .execute(conn)?;
    Ok(())
}
