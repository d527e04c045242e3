//! The lines of the change log as a partner is told them: only of what it may read, or could once.
//!
//! What a partner reads no more is told as gone, whatever the public was told, for its copy has to let go of it. What it
//! never could read is left out, like what the public never saw.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::content::rights::Rights;
use crate::content::sight::Sight;
use crate::content::visibility::Standing;
use crate::db::Conn;
use crate::db::schema::changes;
use crate::error::Result;
use crate::store::CHUNK;
use crate::store::articles;
use crate::store::changes::{Action, ChangeKind, ChangeRow};
use crate::store::tags::{self as tag_store, TagRow};
use crate::store::{partner_lines, sights};

/// Of these lines those that a partner is told, as it is told them. `merged` leads from the id of a merged tag to the
/// number of the one that it is a part of by now.
///
/// # Errors
/// When the database fails.
pub fn told(
    conn: &mut Conn,
    sight: &Sight,
    rows: Vec<ChangeRow>,
    merged: &HashMap<String, i64>,
    now: DateTime<Utc>,
) -> Result<Vec<ChangeRow>> {
    let Some(rights) = sight.rights() else {
        return Ok(rows);
    };
    let about = |kind: ChangeKind| move |row: &&ChangeRow| row.kind == kind.as_str();
    let articles: HashSet<i64> = rows
        .iter()
        .filter(about(ChangeKind::Article))
        .map(|row| row.num)
        .collect();
    let stands = articles_for(conn, sight, rights, articles, now)?;
    let tag_of = |row: &ChangeRow| merged.get(&row.id).copied().unwrap_or(row.num);
    let tags: HashSet<i64> = rows
        .iter()
        .filter(about(ChangeKind::Tag))
        .flat_map(|row| [row.num, tag_of(row)])
        .collect();
    let tags = Tags::load(conn, rights, tags, now)?;
    Ok(rows
        .into_iter()
        .filter_map(|row| match row.kind == ChangeKind::Tag.as_str() {
            true => tags.told(tag_of(&row), row),
            false => stands.get(&row.num)?.told(row),
        })
        .collect())
}

/// What an article is to a partner.
#[derive(Clone, Debug)]
enum Stands {
    Readable,
    /// Its address answers that it is gone.
    Gone,
    /// It has left what the partner may read by this line, where this was its slug.
    Left(i64, String),
}

impl Stands {
    fn told(&self, mut row: ChangeRow) -> Option<ChangeRow> {
        match self {
            Self::Readable => {
                // A line of the partner's own: its scope has won the article.
                if row.action == Action::Saved.as_str() {
                    row.action = Action::Updated.as_str().to_owned();
                }
                return Some(row);
            }
            Self::Gone => {}
            // Of what it became afterwards the partner hears nothing but its end.
            Self::Left(seq, _) if row.seq > *seq && row.action != Action::Deleted.as_str() => {
                return None;
            }
            Self::Left(_, slug) => row.slug.clone_from(slug),
        }
        make_tombstone(&mut row);
        Some(row)
    }
}

fn make_tombstone(row: &mut ChangeRow) {
    if row.action != Action::Deleted.as_str() {
        row.action = Action::Withdrawn.as_str().to_owned();
    }
}

/// Articles by number; those that the partner never could read are missing.
fn articles_for(
    conn: &mut Conn,
    sight: &Sight,
    rights: &Rights,
    nums: HashSet<i64>,
    now: DateTime<Utc>,
) -> Result<HashMap<i64, Stands>> {
    let all: Vec<i64> = nums.into_iter().collect();
    // Of what is out of scope, which may be most, no row is read.
    let nums = sights::in_scope(conn, rights, &all)?;
    let rows = articles::by_nums(conn, &nums)?;
    let borne = sights::tags_for(conn, sight, &nums)?;
    let mut stands = HashMap::with_capacity(rows.len());
    for row in rows {
        let tags = borne.get(&row.num).map(Vec::as_slice).unwrap_or_default();
        if sights::sees(sight, &row, tags, now) {
            stands.insert(row.num, Stands::Readable);
        } else if sights::standing(conn, sight, &row, tags, now)? != Standing::Hidden {
            stands.insert(row.num, Stands::Gone);
        }
    }
    let others = all.into_iter().filter(|num| !stands.contains_key(num));
    let others: Vec<i64> = others.collect();
    let left = partner_lines::lost(conn, rights, &others)?;
    stands.extend(
        left.into_iter()
            .map(|(num, (seq, slug))| (num, Stands::Left(seq, slug))),
    );
    Ok(stands)
}

/// What a partner knows of the tags that lines are about.
struct Tags {
    known: HashSet<i64>,
    /// Those that everyone knew while they were listed.
    once: HashSet<i64>,
}

impl Tags {
    fn load(
        conn: &mut Conn,
        rights: &Rights,
        nums: HashSet<i64>,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        let nums: Vec<i64> = nums.into_iter().collect();
        let rows: Vec<TagRow> = match nums.is_empty() {
            true => Vec::new(),
            false => tag_store::by_nums(conn, &nums)?.into_values().collect(),
        };
        let mut known = HashSet::new();
        for row in rows {
            if tag_store::is_known_to(conn, &row, rights, now)? {
                known.insert(row.num);
            }
        }
        let mut once = HashSet::new();
        let others: Vec<i64> = nums
            .into_iter()
            .filter(|num| !known.contains(num))
            .collect();
        for nums in others.chunks(CHUNK) {
            // A tag comes out by a line of its own, and goes by one, only where it is listed.
            let listed = changes::table
                .filter(changes::num.eq_any(nums))
                .filter(changes::kind.eq(ChangeKind::Tag.as_str()))
                .filter(
                    changes::action
                        .eq(Action::Published.as_str())
                        .or(changes::action.eq(Action::Deleted.as_str())),
                )
                .select(changes::num)
                .distinct();
            once.extend(listed.load::<i64>(conn)?);
        }
        Ok(Self { known, once })
    }

    /// The line about the tag of this number: of one that was merged, the one that it is a part of.
    fn told(&self, num: i64, mut row: ChangeRow) -> Option<ChangeRow> {
        if self.known.contains(&num) {
            return Some(row);
        }
        if !self.once.contains(&num) && !self.once.contains(&row.num) {
            return None;
        }
        if row.action != Action::Merged.as_str() {
            make_tombstone(&mut row);
        }
        Some(row)
    }
}
