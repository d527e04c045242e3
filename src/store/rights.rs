//! What was granted to API keys. Tags are kept by id, so that a grant follows a tag through its names.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::content::rights::{Grant, Limits, Rights, TextRight};
use crate::content::role::Role;
use crate::content::sight::Sight;
use crate::content::tag_filter::TagFilter;
use crate::content::time::to_stored;
use crate::db::Conn;
use crate::db::dialect::{among, each};
use crate::db::schema::{api_keys, key_rights, tags};
use crate::error::{Error, Result};
use crate::store::keys::KeyRow;
use crate::store::partner_lines;
use crate::store::tags as tag_store;

/// What was granted to a key, as it is stored.
#[derive(Queryable, Insertable, AsChangeset, Clone, Debug, PartialEq)]
#[diesel(table_name = key_rights, treat_none_as_null = true)]
pub struct GrantRow {
    pub key_id: String,
    pub tags: Option<String>,
    pub languages: Option<String>,
    pub sources: Option<String>,
    pub text: String,
    pub delay_minutes: Option<i32>,
    pub lead_minutes: Option<i32>,
    pub daily_quota: Option<i64>,
    pub rate_per_minute: Option<i32>,
    pub version: i64,
    pub updated_at: NaiveDateTime,
}

/// No tag's number.
pub const NO_TAG: i64 = -1;

impl GrantRow {
    /// The grant, tags by id.
    fn grant(&self) -> Result<Grant> {
        let broken = |what: &str| {
            Error::Internal(format!(
                "the rights of key {} hold broken {what}",
                self.key_id
            ))
        };
        let names = |json: &Option<String>| -> Result<Option<Vec<String>>> {
            let names = json.as_deref().map(serde_json::from_str).transpose();
            names.map_err(|_| broken("JSON"))
        };
        let tags = self.tags.as_deref().map(TagFilter::parse).transpose();
        Ok(Grant {
            tags: tags.map_err(|_| broken("tags"))?,
            languages: names(&self.languages)?,
            sources: names(&self.sources)?,
            text: TextRight::parse(&self.text).ok_or_else(|| broken("text"))?,
            delay_minutes: self.delay_minutes,
            lead_minutes: self.lead_minutes,
            limits: self.limits(),
        })
    }

    pub fn limits(&self) -> Limits {
        Limits {
            daily_quota: self.daily_quota,
            rate_per_minute: self.rate_per_minute,
        }
    }

    /// What a request with the key goes by.
    ///
    /// # Errors
    /// When the database fails, or holds what is no grant.
    pub fn rights(&self, conn: &mut Conn) -> Result<Rights> {
        let grant = self.grant()?;
        let nums = match &grant.tags {
            Some(filter) => numbers(conn, &filter.tags())?,
            None => HashMap::new(),
        };
        Ok(self.resolved(grant, &nums))
    }

    /// The same where the numbers of the tags are known.
    fn resolved(&self, grant: Grant, nums: &HashMap<String, i64>) -> Rights {
        let shift = grant.shift();
        let mut rights = Rights {
            tags: grant.tags.map(|tags| by_number(&tags, nums)),
            languages: grant.languages,
            sources: grant.sources,
            text: grant.text,
            shift,
            key: None,
        };
        if !rights.are_plain() {
            rights.key = Some(self.key_id.clone());
        }
        rights
    }

    /// Whether, by both, the same articles are read at the same time.
    fn reads_as(&self, other: &Self) -> bool {
        let scope = |row: &Self| (row.tags.clone(), row.languages.clone(), row.sources.clone());
        let times = |row: &Self| (row.delay_minutes, row.lead_minutes);
        scope(self) == scope(other) && times(self) == times(other)
    }
}

/// The numbers of the tags of these ids.
fn numbers(conn: &mut Conn, ids: &[&String]) -> Result<HashMap<String, i64>> {
    // Each request with the key asks, so these are statements that stay prepared.
    let found: Vec<(String, i64)> = match conn {
        Conn::Sqlite(conn) => {
            let mut found = Vec::with_capacity(ids.len());
            for id in ids {
                let query = tags::table.filter(tags::id.eq(id));
                found.extend(query.select((tags::id, tags::num)).first(conn).optional()?);
            }
            found
        }
        Conn::Postgres(conn) => tags::table
            .filter(tags::id.eq_any(ids))
            .select((tags::id, tags::num))
            .load(conn)?,
    };
    Ok(found.into_iter().collect())
}

/// The filter with tags by number. Where one of them is no more, no article passes: without it,
/// `-a` would let everything through.
fn by_number(filter: &TagFilter<String>, nums: &HashMap<String, i64>) -> TagFilter<i64> {
    let known = filter.try_map(&mut |id: &String| nums.get(id).copied().ok_or(()));
    known.unwrap_or(TagFilter::Is(NO_TAG))
}

/// Whether a tag that the scope names is no more, so that nothing is in it.
pub fn lack_a_tag(rights: &Rights) -> bool {
    rights.tags == Some(TagFilter::Is(NO_TAG))
}

pub fn of_key(conn: &mut Conn, key: &str) -> Result<Option<GrantRow>> {
    Ok(key_rights::table.find(key).first(conn).optional()?)
}

/// What the holder of a key sees: for what is sent to it, where no request asks.
pub fn sight(conn: &mut Conn, key: &KeyRow) -> Result<Sight> {
    let rights = match of_key(conn, &key.id)? {
        Some(row) => row.rights(conn)?,
        None => Rights::default(),
    };
    let name = format!("key:{}", key.name);
    Ok(Sight::of(&name, key.role(), &Arc::new(rights)))
}

/// What a caller of this sight may read by now: which tag stands for another in a scope may have changed since it came.
///
/// # Errors
/// When the database fails.
pub fn by_now(conn: &mut Conn, sight: &Sight) -> Result<Sight> {
    let key = sight.rights().and_then(|rights| rights.key.as_ref());
    let row = match key {
        Some(key) => of_key(conn, key)?,
        None => None,
    };
    match row {
        Some(row) => Ok(Sight::Partner(Arc::new(row.rights(conn)?))),
        None => Ok(sight.clone()),
    }
}

/// What a caller may read by now whose scope names a tag that is no more; `None`: what it came with is right still. To be
/// asked in the snapshot of a read, where tags may have been merged since its key was looked at: `-a` would let through
/// what bears another tag in the place of `a` since then.
///
/// # Errors
/// When the database fails.
pub fn overtaken(conn: &mut Conn, sight: &Sight) -> Result<Option<Sight>> {
    let Some(filter) = sight.rights().and_then(|rights| rights.tags.as_ref()) else {
        return Ok(None);
    };
    let mut named: Vec<i64> = filter.tags().into_iter().copied().collect();
    named.sort_unstable();
    named.dedup();
    // A number is never given again.
    let there: i64 = each!(conn, conn =>
        tags::table.filter(among(tags::num, &named)).count().get_result(conn))?;
    match usize::try_from(there) == Ok(named.len()) {
        true => Ok(None),
        false => by_now(conn, sight).map(Some),
    }
}

/// The same, as a caller's sight in this snapshot.
///
/// # Errors
/// When the database fails.
pub fn in_snapshot<'a>(conn: &mut Conn, sight: &'a Sight) -> Result<Cow<'a, Sight>> {
    let overtaken = overtaken(conn, sight)?;
    Ok(overtaken.map_or(Cow::Borrowed(sight), Cow::Owned))
}

/// The rights of all partners whose keys count at `now` and who may not read whatever may be syndicated, each its own.
///
/// # Errors
/// When the database fails.
pub fn of_partners(conn: &mut Conn, now: DateTime<Utc>) -> Result<Vec<Rights>> {
    let rows: Vec<GrantRow> = key_rights::table
        .inner_join(api_keys::table)
        .filter(api_keys::role.eq(Role::Partner.as_str()))
        .filter(api_keys::revoked_at.is_null())
        .filter(
            api_keys::expires_at
                .is_null()
                .or(api_keys::expires_at.gt(to_stored(now))),
        )
        .select(key_rights::all_columns)
        .load(conn)?;
    let grants: Vec<Grant> = rows.iter().map(GrantRow::grant).collect::<Result<_>>()?;
    let named = grants.iter().filter_map(|grant| grant.tags.as_ref());
    let mut ids: Vec<&String> = named.flat_map(TagFilter::tags).collect();
    ids.sort_unstable();
    ids.dedup();
    let nums = numbers(conn, &ids)?;
    let rights = rows.iter().zip(grants);
    let rights = rights.map(|(row, grant)| row.resolved(grant, &nums));
    Ok(rights.filter(|rights| rights.key.is_some()).collect())
}

/// The grants of these keys, by key.
pub fn of_keys(conn: &mut Conn, keys: &[String]) -> Result<HashMap<String, GrantRow>> {
    let rows: Vec<GrantRow> = key_rights::table
        .filter(key_rights::key_id.eq_any(keys))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|row| (row.key_id.clone(), row))
        .collect())
}

/// The grants as they are shown, tags by slug, in their order.
pub fn shown(conn: &mut Conn, rows: &[&GrantRow]) -> Result<Vec<Grant>> {
    let grants: Vec<Grant> = rows.iter().map(|row| row.grant()).collect::<Result<_>>()?;
    let named = grants.iter().filter_map(|grant| grant.tags.as_ref());
    let ids: Vec<&String> = named.flat_map(TagFilter::tags).collect();
    let slugs: HashMap<String, String> = match ids.is_empty() {
        true => HashMap::new(),
        false => {
            let found: Vec<(String, String)> = tags::table
                .filter(tags::id.eq_any(ids))
                .select((tags::id, tags::slug))
                .load(conn)?;
            found.into_iter().collect()
        }
    };
    let by_slug = |grant: Grant| {
        let named = |id: &String| {
            // Of a key that was revoked before its tag was deleted.
            Ok::<_, Error>(slugs.get(id).unwrap_or(id).clone())
        };
        let tags = grant.tags.map(|tags| tags.try_map(&mut { named }));
        Ok(Grant {
            tags: tags.transpose()?,
            ..grant
        })
    };
    grants.into_iter().map(by_slug).collect()
}

/// Grants this to a key, tags by slug, in the place of what it had. Where that is nothing and it had nothing, there is
/// still no row. Where it reads other articles than before, or at other times, what was noted for it is forgotten.
///
/// # Errors
/// [`Error::InvalidBody`] for a slug that is no tag's.
pub fn save(
    conn: &mut Conn,
    key: &str,
    before: Option<&GrantRow>,
    grant: &Grant,
    now: DateTime<Utc>,
) -> Result<Option<GrantRow>> {
    if before.is_none() && *grant == Grant::default() {
        return Ok(None);
    }
    let by_id = |conn: &mut Conn, slug: &String| {
        let found = match slug.contains('\0') {
            true => None,
            false => tag_store::find(conn, slug)?,
        };
        let detail = || format!("names {slug:?}, which is no tag");
        let tag = found.ok_or_else(|| Error::member("/scope/tags", detail()))?;
        Ok::<_, Error>(tag.into_row().id)
    };
    let filter = grant.tags.as_ref();
    let tags = filter.map(|tags| tags.try_map(&mut |slug: &String| by_id(conn, slug)));
    let json = |names: &Option<Vec<String>>| {
        let names = names.as_ref().map(serde_json::to_string).transpose();
        names.map_err(|error| Error::Internal(format!("names are no JSON: {error}")))
    };
    let row = GrantRow {
        key_id: key.to_owned(),
        tags: tags.transpose()?.map(|tags| tags.to_string()),
        languages: json(&grant.languages)?,
        sources: json(&grant.sources)?,
        text: grant.text.as_str().to_owned(),
        delay_minutes: grant.delay_minutes,
        lead_minutes: grant.lead_minutes,
        daily_quota: grant.limits.daily_quota,
        rate_per_minute: grant.limits.rate_per_minute,
        version: version(before) + i64::from(before.is_some()),
        updated_at: to_stored(now),
    };
    match before {
        None => diesel::insert_into(key_rights::table)
            .values(&row)
            .execute(conn)?,
        Some(_) => diesel::update(key_rights::table.find(key))
            .set(&row)
            .execute(conn)?,
    };
    if before.is_some_and(|before| !before.reads_as(&row)) {
        // Its partner begins anew.
        partner_lines::forget(conn, key)?;
    }
    Ok(Some(row))
}

/// Which version of its rights a key has: 1 is what it was made with, and nothing is version 0.
pub fn version(row: Option<&GrantRow>) -> i64 {
    row.map_or(0, |row| row.version)
}

/// Scopes that named a tag name the one that it was merged into.
pub fn follow_merger(conn: &mut Conn, from: &str, into: &str) -> Result<()> {
    diesel::sql_query("UPDATE key_rights SET tags = replace(tags, $1, $2) WHERE tags LIKE $3")
        .bind::<Text, _>(from)
        .bind::<Text, _>(into)
        .bind::<Text, _>(format!("%{from}%"))
        .execute(conn)?;
    Ok(())
}

/// The names of the keys whose scope names this tag; not of those that were revoked, which read nothing any more.
pub fn naming(conn: &mut Conn, tag: &str) -> Result<Vec<String>> {
    Ok(key_rights::table
        .inner_join(api_keys::table)
        .filter(key_rights::tags.like(format!("%{tag}%")))
        .filter(api_keys::revoked_at.is_null())
        .order(api_keys::name)
        .select(api_keys::name)
        .load(conn)?)
}
