//! The lines of the change log as a partner is told them: only of what it may read, or could once.
//!
//! What a partner reads no more is told as gone, whatever the public was told, for its copy has to let go of it. What it
//! never could read is left out, like what the public never saw.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Deserialize;

use crate::content::rights::{Facts, Rights};
use crate::content::sight::Sight;
use crate::content::visibility::{Standing, Status, Visibility};
use crate::db::Conn;
use crate::db::schema::{bodies, changes, revisions};
use crate::error::Result;
use crate::store::articles::{self, ArticleRow};
use crate::store::changes::{Action, ChangeKind, ChangeRow};
use crate::store::sights;
use crate::store::tags::{self as tag_store, TagRow};

/// Values in one query: SQLite takes 32,766.
const CHUNK: usize = 10_000;
/// States that are read together: each has a whole body in it.
const STATES: i64 = 8;

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
    /// It has left what the partner may read, where this was its slug.
    Left(String),
}

impl Stands {
    fn told(&self, mut row: ChangeRow) -> Option<ChangeRow> {
        match self {
            Self::Readable => return Some(row),
            Self::Gone => {}
            Self::Left(slug) => row.slug.clone_from(slug),
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
    let nums: Vec<i64> = nums.into_iter().collect();
    let rows = articles::by_nums(conn, &nums)?;
    let borne = sights::tags_for(conn, sight, &nums)?;
    let mut stands = HashMap::with_capacity(rows.len());
    let mut others = Vec::new();
    for row in rows {
        let tags = borne.get(&row.num).map(Vec::as_slice).unwrap_or_default();
        if sights::sees(sight, &row, tags, now) {
            stands.insert(row.num, Stands::Readable);
        } else if sights::standing(sight, &row, tags, now) == Standing::Gone {
            stands.insert(row.num, Stands::Gone);
        } else {
            others.push(row);
        }
    }
    let left = last_slugs(conn, rights, &others, now)?;
    stands.extend(
        left.into_iter()
            .map(|(num, slug)| (num, Stands::Left(slug))),
    );
    Ok(stands)
}

/// A kept state, as far as it says who could read it.
#[derive(Deserialize)]
struct State {
    slug: String,
    language: String,
    source: Option<Source>,
    #[serde(default)]
    rights: Syndication,
    #[serde(default)]
    tags: Vec<Tagging>,
    status: String,
    published_at: Option<DateTime<Utc>>,
    embargoed_until: Option<DateTime<Utc>>,
    expires_at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
struct Source {
    name: String,
}

#[derive(Deserialize)]
struct Syndication {
    syndicatable: bool,
}

impl Default for Syndication {
    fn default() -> Self {
        Self { syndicatable: true }
    }
}

#[derive(Deserialize)]
struct Tagging {
    slug: String,
}

impl State {
    /// Whether the partner could read it while it was the article's state.
    fn was_readable(
        &self,
        rights: &Rights,
        named: &HashMap<String, i64>,
        (saved, replaced): (DateTime<Utc>, DateTime<Utc>),
    ) -> bool {
        let facts = Facts {
            language: &self.language,
            source: self.source.as_ref().map(|source| source.name.as_str()),
            syndicatable: self.rights.syndicatable,
        };
        let tags = self.tags.iter().filter_map(|tag| named.get(&tag.slug));
        let tags: Vec<i64> = tags.copied().collect();
        let visibility = Visibility {
            status: Status::parse(&self.status).unwrap_or(Status::Draft),
            published_at: self.published_at,
            embargoed_until: self.embargoed_until,
            expires_at: self.expires_at,
        };
        let was_open = visibility.window().is_some_and(|(from, until)| {
            from <= rights.opened_by(replaced) && until.is_none_or(|until| saved < until)
        });
        was_open && rights.admit(facts, &tags)
    }
}

/// The slug of each of these articles when the partner could last read it, by number.
fn last_slugs(
    conn: &mut Conn,
    rights: &Rights,
    rows: &[ArticleRow],
    now: DateTime<Utc>,
) -> Result<HashMap<i64, String>> {
    let mut slugs = HashMap::new();
    let nums: Vec<i64> = rows.iter().map(|row| row.num).collect();
    let mut edited: Vec<i64> = Vec::new();
    for nums in nums.chunks(CHUNK) {
        let found = revisions::table
            .filter(revisions::article_num.eq_any(nums))
            .select(revisions::article_num)
            .distinct();
        edited.extend(found.load::<i64>(conn)?);
    }
    if edited.is_empty() {
        return Ok(slugs);
    }
    let named = names(conn, rights)?;
    for num in edited {
        let slug = last_slug(conn, rights, num, &named, now)?;
        slugs.extend(slug.map(|slug| (num, slug)));
    }
    Ok(slugs)
}

fn last_slug(
    conn: &mut Conn,
    rights: &Rights,
    num: i64,
    named: &HashMap<String, i64>,
    now: DateTime<Utc>,
) -> Result<Option<String>> {
    let present = bodies::table
        .filter(bodies::article_num.eq(num))
        .select(bodies::saved_at);
    let present: Option<Option<chrono::NaiveDateTime>> = present.first(conn).optional()?;
    let mut replaced = present.flatten().map_or(now, |at| at.and_utc());
    let mut before = i64::MAX;
    loop {
        let states: Vec<(i64, chrono::NaiveDateTime, String)> = revisions::table
            .filter(revisions::article_num.eq(num))
            .filter(revisions::version.lt(before))
            .order(revisions::version.desc())
            .limit(STATES)
            .select((revisions::version, revisions::saved_at, revisions::state))
            .load(conn)?;
        let Some((oldest, ..)) = states.last() else {
            return Ok(None);
        };
        before = *oldest;
        for (version, saved, state) in states {
            let saved = saved.and_utc();
            match serde_json::from_str::<State>(&state) {
                Ok(state) if state.was_readable(rights, named, (saved, replaced)) => {
                    return Ok(Some(state.slug));
                }
                Ok(_) => {}
                Err(error) => log::warn!("version {version} of article {num}: {error}"),
            }
            replaced = saved;
        }
    }
}

/// What the tags of the scope are and were called.
fn names(conn: &mut Conn, rights: &Rights) -> Result<HashMap<String, i64>> {
    let Some(filter) = &rights.tags else {
        return Ok(HashMap::new());
    };
    let nums: Vec<i64> = filter.tags().into_iter().copied().collect();
    let proper = tag_store::by_nums(conn, &nums)?.into_values();
    let mut names: HashMap<String, i64> = proper.map(|tag| (tag.slug, tag.num)).collect();
    for (num, aliases) in tag_store::all_aliases(conn, &nums)? {
        names.extend(aliases.into_iter().map(|slug| (slug, num)));
    }
    Ok(names)
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
