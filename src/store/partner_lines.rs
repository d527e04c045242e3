//! What partners' scopes lose and win: noted as it happens, so that each partner's change feed can tell it later.
//!
//! What an article was to a partner cannot be read from what it is now, nor from its past versions, for a merger of tags
//! changes which articles a scope takes in without a version of any. So whoever writes says here what a save or a merger
//! has moved, in the same transaction, by the rights of that moment.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::content::rights::Rights;
use crate::content::sight::Sight;
use crate::content::tag_filter::TagFilter;
use crate::content::visibility::{Standing, Status};
use crate::db::Conn;
use crate::db::dialect::{among, each};
use crate::db::schema::{article_tags, articles as article_table, partner_lines};
use crate::error::Result;
use crate::store::articles::{self, ArticleRow};
use crate::store::changes::{self, Action, Change, ChangeKind, Moves};
use crate::store::tags::TagRow;
use crate::store::{rights, sights};

/// Articles that are looked at together.
const BATCH: i64 = 500;

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

/// Notes who has lost an article by a save, whose line is the last of the log. `moved` are the tags that the article
/// gained or lost. What a scope wins by a save needs no note: everyone is told of the save.
///
/// # Errors
/// When the database fails.
pub fn note(
    conn: &mut Conn,
    before: &ArticleRow,
    row: &ArticleRow,
    moved: &[i64],
    now: DateTime<Utc>,
) -> Result<()> {
    if !may_be_lost(before, row, moved) {
        return Ok(());
    }
    let seq = changes::last(conn)?;
    let tags = all_tags(conn, &[row.num])?.remove(&row.num);
    let tags = tags.unwrap_or_default();
    let kept = tags.iter().filter(|tag| !moved.contains(tag));
    let lost = moved.iter().filter(|tag| !tags.contains(tag));
    let tags_before: Vec<i64> = kept.chain(lost).copied().collect();
    let mut all = rights::of_partners(conn, now)?;
    all.push(Rights::default());
    for rights in all {
        let sight = Sight::Partner(Arc::new(rights));
        let sought = (before, &tags_before[..], seq);
        if let Some(slug) = known_as(conn, &sight, sought, now)?
            && !is_known(conn, &sight, row, &tags, now)?
        {
            let key = sight.rights().map(key_of).unwrap_or_default();
            replace(conn, key, vec![(row.num, seq, Some(slug))])?;
        }
    }
    Ok(())
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
fn is_known(
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
fn known_as(
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

/// Tells the partners whose scope names one of the tags which articles a merger moves into it and out of it, by a line
/// for each. To be called before anything is moved.
///
/// # Errors
/// When the database fails.
pub fn of_merger(conn: &mut Conn, from: &TagRow, into: &TagRow, now: DateTime<Utc>) -> Result<()> {
    let pair = [from.num, into.num];
    let merged = |tag: &i64| if *tag == from.num { into.num } else { *tag };
    let moves = moves(conn, &pair, now, |filter| {
        let followed = filter.try_map(&mut |tag| Ok::<_, ()>(merged(tag)));
        followed.unwrap_or(TagFilter::Is(rights::NO_TAG))
    })?;
    let name = |tag: i64| moves.iter().any(|it| it.names(tag));
    // One that bears both bears the other still, and to a scope that names one tag only its bearers are what they were.
    let walked = [(from.num, name(into.num)), (into.num, name(from.num))];
    for (tag, _) in walked.into_iter().filter(|(_, is_moved)| *is_moved) {
        let mut after = 0;
        loop {
            let nums: Vec<i64> = article_tags::table
                .filter(article_tags::tag_num.eq(tag))
                .filter(article_tags::article_num.gt(after))
                .order(article_tags::article_num)
                .limit(BATCH)
                .select(article_tags::article_num)
                .load(conn)?;
            let Some(last) = nums.last() else { break };
            after = *last;
            let retag = |tags: &[i64]| tags.iter().map(merged).collect();
            tell(conn, &moves, &nums, &pair, retag, now)?;
        }
    }
    Ok(())
}

/// The same for a tag that goes although scopes name it, which then take in nothing.
///
/// # Errors
/// When the database fails.
pub fn of_lost_tag(conn: &mut Conn, tag: &TagRow, now: DateTime<Utc>) -> Result<()> {
    let gone = [tag.num];
    let moves = moves(conn, &gone, now, |_| TagFilter::Is(rights::NO_TAG))?;
    if moves.is_empty() {
        return Ok(());
    }
    let mut after = 0;
    loop {
        let nums: Vec<i64> = article_table::table
            .filter(article_table::num.gt(after))
            .order(article_table::num)
            .limit(BATCH)
            .select(article_table::num)
            .load(conn)?;
        let Some(last) = nums.last() else {
            return Ok(());
        };
        after = *last;
        let retag = |tags: &[i64]| tags.iter().copied().filter(|it| *it != tag.num).collect();
        tell(conn, &moves, &nums, &gone, retag, now)?;
    }
}

/// A scope that becomes another.
struct Move {
    before: Sight,
    after: Sight,
}

impl Move {
    fn names(&self, tag: i64) -> bool {
        let tags = self.before.rights().and_then(|rights| rights.tags.as_ref());
        tags.is_some_and(|filter| filter.tags().contains(&&tag))
    }
}

/// The scopes that name one of these tags.
fn moves(
    conn: &mut Conn,
    tags: &[i64],
    now: DateTime<Utc>,
    changed: impl Fn(&TagFilter<i64>) -> TagFilter<i64>,
) -> Result<Vec<Move>> {
    let all = rights::of_partners(conn, now)?.into_iter().map(|rights| {
        let after = Rights {
            tags: rights.tags.as_ref().map(&changed),
            ..rights.clone()
        };
        Move {
            before: Sight::Partner(Arc::new(rights)),
            after: Sight::Partner(Arc::new(after)),
        }
    });
    Ok(all
        .filter(|it| tags.iter().any(|tag| it.names(*tag)))
        .collect())
}

/// Appends a line for each of these articles that a scope wins or loses, which only its partner is told.
fn tell(
    conn: &mut Conn,
    moves: &[Move],
    nums: &[i64],
    moved: &[i64],
    retag: impl Fn(&[i64]) -> Vec<i64>,
    now: DateTime<Utc>,
) -> Result<()> {
    let mut rows = articles::by_nums(conn, nums)?;
    rows.sort_unstable_by_key(|row| row.num);
    let borne = all_tags(conn, nums)?;
    let mut told: Vec<(usize, &str, Option<String>)> = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let before = borne.get(&row.num).map(Vec::as_slice).unwrap_or_default();
        let after = retag(before);
        for it in moves {
            let key = it.before.rights().map(key_of).unwrap_or_default();
            let known = known_as(conn, &it.before, (row, before, i64::MAX), now)?;
            let sees = sights::sees(&it.after, row, &after, now);
            match known {
                None if sees => told.push((at, key, None)),
                Some(slug) if !is_known(conn, &it.after, row, &after, now)? => {
                    told.push((at, key, Some(slug)));
                }
                _ => {}
            }
        }
    }
    let mut concerned: Vec<usize> = told.iter().map(|(at, ..)| *at).collect();
    concerned.dedup();
    let lines: Vec<Change> = concerned
        .iter()
        .map(|at| Change {
            kind: ChangeKind::Article,
            num: rows[*at].num,
            id: &rows[*at].id,
            slug: &rows[*at].slug,
            // Of which the public is told by the tag's line.
            action: Action::Saved,
            version: rows[*at].version,
            moves: Moves {
                tags: moved,
                former_language: None,
            },
        })
        .collect();
    let seqs = changes::append_all(conn, &lines, now)?;
    let mut by_key: HashMap<&str, Vec<Line>> = HashMap::new();
    for (at, key, slug) in told {
        let num = rows[at].num;
        if let Some(seq) = seqs.get(&num) {
            by_key.entry(key).or_default().push((num, *seq, slug));
        }
    }
    for (key, lines) in by_key {
        replace(conn, key, lines)?;
    }
    Ok(())
}

/// An article, the line by which it was lost or won, and the slug of one that was lost.
type Line = (i64, i64, Option<String>);

/// Puts these lines in the place of those that the articles had for this key.
fn replace(conn: &mut Conn, key: &str, lines: Vec<Line>) -> Result<()> {
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

/// All tags of these articles, by number.
fn all_tags(conn: &mut Conn, nums: &[i64]) -> Result<HashMap<i64, Vec<i64>>> {
    let borne: Vec<(i64, i64)> = each!(conn, conn =>
        article_tags::table
            .filter(among(article_tags::article_num, nums))
            .select((article_tags::article_num, article_tags::tag_num))
            .load(conn))?;
    let mut tags: HashMap<i64, Vec<i64>> = HashMap::with_capacity(nums.len());
    for (article, tag) in borne {
        tags.entry(article).or_default().push(tag);
    }
    Ok(tags)
}
