//! What partners' scopes lose and win: noted as it happens, so that each partner's change feed can tell it later. Here
//! is what a save takes from them; `partner_moves` has what tags do that are merged or lost.
//!
//! What an article was to a partner cannot be read from what it is now, nor from its past versions, for a merger of tags
//! changes which articles a scope takes in without a version of any. So whoever writes says here what a save or a merger
//! has moved, in the same transaction, by the rights of that moment.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;

use crate::content::rights::Rights;
use crate::content::sight::Sight;
use crate::content::time::to_stored;
use crate::content::visibility::{Standing, Status};
use crate::db::Conn;
use crate::db::dialect::{among, each};
use crate::db::schema::{api_keys, partner_lines};
use crate::error::Result;
use crate::store::articles::ArticleRow;
use crate::store::changes;
use crate::store::tags;
use crate::store::{rights, sights};

/// Rows cleared away at a time.
const CLEARED: i64 = 2_000;

/// The name by which a partner's lines are found.
pub fn key_of(rights: &Rights) -> &str {
    rights.key.as_deref().unwrap_or_default()
}

/// Which of these articles a partner's scope has lost, by number: by which line, and the slug it had then.
///
/// # Errors
/// When the database fails.
pub fn lost(conn: &mut Conn, rights: &Rights, nums: &[i64]) -> Result<HashMap<i64, (i64, String)>> {
    let rows: Vec<(i64, i64, Option<String>)> = each!(conn, conn =>
        partner_lines::table
            .filter(partner_lines::key_id.eq(key_of(rights)))
            .filter(among(partner_lines::article_num, nums))
            .filter(partner_lines::lost_slug.is_not_null())
            .select((
                partner_lines::article_num,
                partner_lines::seq,
                partner_lines::lost_slug,
            ))
            .load(conn))?;
    let lost = rows.into_iter();
    Ok(lost
        .filter_map(|(num, seq, slug)| Some((num, (seq, slug?))))
        .collect())
}

/// What the partners may read, each its own: asked for at the first save that may take an article from one of them, and
/// then remembered. Good for one transaction, as long as no tag is merged or lost in it.
#[derive(Default)]
pub struct Partners(OnceCell<Vec<Sight>>);

impl Partners {
    fn all(&self, conn: &mut Conn, now: DateTime<Utc>) -> Result<&[Sight]> {
        if let Some(all) = self.0.get() {
            return Ok(all);
        }
        let mut all = rights::of_partners(conn, now)?;
        all.push(Rights::default());
        let all = all
            .into_iter()
            .map(|rights| Sight::Partner(Arc::new(rights)));
        let all = all.collect();
        Ok(self.0.get_or_init(|| all))
    }
}

/// Notes who has lost an article by a save, whose line is the last of the log. `moved` are the tags that the article
/// gained or lost. What a scope wins by a save needs no note: everyone is told of the save.
///
/// # Errors
/// When the database fails.
pub fn note(
    conn: &mut Conn,
    partners: &Partners,
    before: &ArticleRow,
    row: &ArticleRow,
    moved: &[i64],
    now: DateTime<Utc>,
) -> Result<()> {
    if !may_be_lost(before, row, moved) {
        return Ok(());
    }
    let all = partners.all(conn, now)?;
    let tags = tags_for(conn, all, row.num)?;
    let kept = tags.iter().filter(|tag| !moved.contains(tag));
    let lost = moved.iter().filter(|tag| !tags.contains(tag));
    let tags_before: Vec<i64> = kept.chain(lost).copied().collect();
    // Told without the database: mostly no one has lost it.
    let may_have_lost = |sight: &&Sight| {
        sights::admits(sight, before, &tags_before) && !sights::sees(sight, row, &tags, now)
    };
    let concerned: Vec<&Sight> = all.iter().filter(may_have_lost).collect();
    if concerned.is_empty() {
        return Ok(());
    }
    let seq = changes::last(conn)?;
    for sight in concerned {
        let sought = (before, &tags_before[..], seq);
        if let Some(slug) = known_as(conn, sight, sought, now)?
            && !is_known(conn, sight, row, &tags, now)?
        {
            let key = sight.rights().map(key_of).unwrap_or_default();
            replace(conn, key, vec![(row.num, seq, Some(slug))])?;
        }
    }
    Ok(())
}

/// The tags of an article, where one of these scopes goes by tags.
fn tags_for(conn: &mut Conn, all: &[Sight], num: i64) -> Result<Vec<i64>> {
    let mut rights = all.iter().filter_map(Sight::rights);
    if !rights.any(|rights| rights.tags.is_some()) {
        return Ok(Vec::new());
    }
    Ok(tags::nums_of(conn, &[num])?
        .remove(&num)
        .unwrap_or_default())
}

/// Whether a save can have taken the article from anyone: it was to come out at least, and something is different by
/// which rights go.
fn may_be_lost(before: &ArticleRow, row: &ArticleRow, moved: &[i64]) -> bool {
    let visibility = before.visibility();
    visibility.status != Status::Draft
        && (visibility.published_at.is_some() || before.first_published_at.is_some())
        && (!moved.is_empty()
            || visibility != row.visibility()
            || before.language != row.language
            || before.source_name != row.source_name
            || before.syndicatable != row.syndicatable
            || before.first_published_at != row.first_published_at
            || before.deleted_at != row.deleted_at)
}

/// Whether a partner reads the article, or is told that it is gone.
pub(super) fn is_known(
    conn: &mut Conn,
    sight: &Sight,
    row: &ArticleRow,
    tags: &[i64],
    now: DateTime<Utc>,
) -> Result<bool> {
    Ok(sights::sees(sight, row, tags, now)
        || sights::standing(conn, sight, row, tags, now)? != Standing::Hidden)
}

/// The slug by which a partner knew the article as it was before this line.
pub(super) fn known_as(
    conn: &mut Conn,
    sight: &Sight,
    (row, tags, seq): (&ArticleRow, &[i64], i64),
    now: DateTime<Utc>,
) -> Result<Option<String>> {
    if sights::sees(sight, row, tags, now) {
        return Ok(Some(row.slug.clone()));
    }
    match sights::standing_before(conn, sight, row, tags, seq, now)? {
        Standing::Hidden => Ok(None),
        // It may have got a slug since that nobody was told.
        Standing::Visible | Standing::Gone => {
            let told = changes::last_told_slug_before(conn, row.num, seq)?;
            Ok(Some(told.unwrap_or_else(|| row.slug.clone())))
        }
    }
}

/// An article, the line by which it was lost or won, and the slug of one that was lost.
pub(super) type Line = (i64, i64, Option<String>);

/// Puts these lines in the place of those that the articles had for this key.
pub(super) fn replace(conn: &mut Conn, key: &str, lines: Vec<Line>) -> Result<()> {
    let nums: Vec<i64> = lines.iter().map(|(num, ..)| *num).collect();
    each!(conn, conn =>
        diesel::delete(
            partner_lines::table
                .filter(partner_lines::key_id.eq(key))
                .filter(among(partner_lines::article_num, &nums)),
        )
        .execute(conn))?;
    let rows = lines.into_iter().map(|(num, seq, slug)| {
        (
            partner_lines::key_id.eq(key),
            partner_lines::article_num.eq(num),
            partner_lines::seq.eq(seq),
            partner_lines::lost_slug.eq(slug),
        )
    });
    match conn {
        Conn::Sqlite(conn) => {
            for row in rows {
                diesel::insert_into(partner_lines::table)
                    .values(row)
                    .execute(conn)?;
            }
        }
        Conn::Postgres(conn) => {
            diesel::insert_into(partner_lines::table)
                .values(&rows.collect::<Vec<_>>())
                .execute(conn)?;
        }
    }
    Ok(())
}

/// Forgets what was noted for a key: its partner begins anew, with an empty copy.
///
/// # Errors
/// When the database fails.
pub fn forget(conn: &mut Conn, key: &str) -> Result<()> {
    let own = partner_lines::table.filter(partner_lines::key_id.eq(key));
    diesel::delete(own).execute(conn)?;
    Ok(())
}

/// Clears away, a part at a time, what was noted for keys that were revoked, or expired before `before`: they are never
/// used again; how many rows that were.
///
/// # Errors
/// When the database fails.
pub fn clear(conn: &mut Conn, before: DateTime<Utc>) -> Result<usize> {
    let own = partner_lines::table.filter(partner_lines::key_id.eq(api_keys::id));
    let key: Option<String> = api_keys::table
        .filter(
            api_keys::revoked_at
                .is_not_null()
                .or(api_keys::expires_at.lt(to_stored(before))),
        )
        .filter(exists(own))
        .select(api_keys::id)
        .first(conn)
        .optional()?;
    let Some(key) = key else { return Ok(0) };
    let own = || partner_lines::table.filter(partner_lines::key_id.eq(&key));
    let nums: Vec<i64> = own()
        .select(partner_lines::article_num)
        .limit(CLEARED)
        .load(conn)?;
    Ok(each!(conn, conn =>
        diesel::delete(own().filter(among(partner_lines::article_num, &nums))).execute(conn))?)
}
