//! Articles that move into partners' scopes and out of them because tags are merged or lost: each gets a line of its own,
//! which its partners are told.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::content::rights::Rights;
use crate::content::sight::Sight;
use crate::content::tag_filter::TagFilter;
use crate::db::Conn;
use crate::db::schema::{article_tags, articles as article_table};
use crate::error::Result;
use crate::store::articles;
use crate::store::changes::{self, Action, Change, ChangeKind, Moves};
use crate::store::partner_lines::{Line, is_known, key_of, known_as, replace};
use crate::store::tags::{self as tag_store, TagRow};
use crate::store::{rights, sights};

/// Articles that are looked at together.
const BATCH: i64 = 500;

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
        let retag = |tags: &[i64]| tags.iter().map(merged).collect();
        let mut after = 0;
        while let Some(nums) = bearers(conn, tag, &mut after)? {
            tell(conn, &moves, &nums, &pair, retag, now)?;
        }
    }
    Ok(())
}

/// The next articles that bear this tag, after the one that they leave in `after`.
fn bearers(conn: &mut Conn, tag: i64, after: &mut i64) -> Result<Option<Vec<i64>>> {
    let nums: Vec<i64> = article_tags::table
        .filter(article_tags::tag_num.eq(tag))
        .filter(article_tags::article_num.gt(*after))
        .order(article_tags::article_num)
        .limit(BATCH)
        .select(article_tags::article_num)
        .load(conn)?;
    *after = nums.last().copied().unwrap_or(*after);
    Ok((!nums.is_empty()).then_some(nums))
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
    let retag = |tags: &[i64]| tags.iter().copied().filter(|it| *it != tag.num).collect();
    let mut after = 0;
    let Some(needed) = needed(conn, &moves)? else {
        // A scope such as `-a` takes in what bears no tag that it names.
        while let Some(nums) = next_articles(conn, &mut after)? {
            tell(conn, &moves, &nums, &gone, retag, now)?;
        }
        return Ok(());
    };
    let mut seen = HashSet::new();
    for tag in needed {
        after = 0;
        while let Some(mut nums) = bearers(conn, tag, &mut after)? {
            nums.retain(|num| seen.insert(*num));
            tell(conn, &moves, &nums, &gone, retag, now)?;
        }
    }
    Ok(())
}

/// The tags of which whatever is in one of these scopes bears at least one; `None` where there are none such.
fn needed(conn: &mut Conn, moves: &[Move]) -> Result<Option<BTreeSet<i64>>> {
    let filters: Vec<&TagFilter<i64>> = moves.iter().filter_map(Move::tags).collect();
    let named: Vec<i64> = filters.iter().flat_map(|it| it.tags()).copied().collect();
    let counts = tag_store::bearer_counts(conn, &named)?;
    let bearers = |tag: &i64| {
        let count = counts.get(tag).copied().unwrap_or(0);
        u32::try_from(count).unwrap_or(u32::MAX)
    };
    let needed: Option<Vec<Vec<&i64>>> = filters.iter().map(|it| it.needed(&bearers)).collect();
    Ok(needed.map(|tags| tags.concat().into_iter().copied().collect()))
}

/// The next articles, after the one that they leave in `after`.
fn next_articles(conn: &mut Conn, after: &mut i64) -> Result<Option<Vec<i64>>> {
    let nums: Vec<i64> = article_table::table
        .filter(article_table::num.gt(*after))
        .order(article_table::num)
        .limit(BATCH)
        .select(article_table::num)
        .load(conn)?;
    *after = nums.last().copied().unwrap_or(*after);
    Ok((!nums.is_empty()).then_some(nums))
}

/// A scope that becomes another.
struct Move {
    before: Sight,
    after: Sight,
}

impl Move {
    fn tags(&self) -> Option<&TagFilter<i64>> {
        self.before.rights().and_then(|rights| rights.tags.as_ref())
    }

    fn names(&self, tag: i64) -> bool {
        let tags = self.tags();
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
    let borne = tag_store::nums_of(conn, nums)?;
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
