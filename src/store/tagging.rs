//! From the tags an author names to the tags there are, making those that are missing.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::content::analysis::fold;
use crate::content::slug::Slug;
use crate::content::tag::TagMention;
use crate::content::time::to_stored;
use crate::db::Conn;
use crate::db::schema::{article_tags, tags};
use crate::error::Result;
use crate::store::articles::ArticleRow;
use crate::store::changes::{self, Action, Change, ChangeKind, Moves};
use crate::store::nesting::{self, Nesting};
use crate::store::partner_lines::Partners;
use crate::store::tag_saving;
use crate::store::tags::{self as tag_store, TagRow};

/// Tags that are remembered from one transaction to the next.
const MAX_REMEMBERED: usize = 50_000;

/// Looks tags up and remembers them; good for one transaction, or several that all commit.
#[derive(Default)]
pub struct Tagger {
    /// Whether a mention adds to a tag that exists already.
    enriches: bool,
    /// The end of the log when it last looked whether others have changed tags.
    seen: i64,
    by_slug: HashMap<String, TagRow>,
    by_name: HashMap<String, TagRow>,
    /// Parents that were named before they existed.
    orphans: Vec<(i64, Slug)>,
    /// Who may lose what a change of tags takes away.
    pub(super) partners: Partners,
}

impl Tagger {
    /// One whose mentions also add what they know to tags that exist. An author's must not: those are the editors'.
    pub fn enriching() -> Self {
        Self {
            enriches: true,
            ..Self::default()
        }
    }

    /// One that knows the tags that an article has, and their rows in this transaction: most edits name them again. A
    /// tag is known by its slug alone, for an older one may have its name.
    pub fn knowing(tags: &[TagRow]) -> Self {
        let by_slug = tags.iter().map(|tag| (tag.slug.clone(), tag.clone()));
        Self {
            by_slug: by_slug.collect(),
            ..Self::default()
        }
    }

    /// Begins another transaction: forgets what it knows where tags have been changed, merged or deleted meanwhile.
    pub fn begin(&mut self, conn: &mut Conn) -> Result<()> {
        let known = self.by_slug.len() + self.by_name.len();
        if known > MAX_REMEMBERED || known > 0 && changes::tags_changed_after(conn, self.seen)? {
            self.forget();
        }
        self.seen = changes::last(conn)?;
        self.partners = Partners::default();
        Ok(())
    }

    /// Lets go of what it remembers of the tags, but not of the parents that are still to come.
    pub fn forget(&mut self) {
        self.by_slug.clear();
        self.by_name.clear();
    }

    /// How many parents are still to come.
    pub fn orphans(&self) -> usize {
        self.orphans.len()
    }

    /// Forgets what came of a transaction that was rolled back, and the parents that it named after there were so many:
    /// the number of a tag that it made may become another's.
    pub fn take_back(&mut self, orphans: usize) {
        self.forget();
        self.orphans.truncate(orphans);
    }

    /// The numbers of the named tags, in order, each once.
    pub fn resolve(
        &mut self,
        conn: &mut Conn,
        mentions: &[TagMention],
        now: DateTime<Utc>,
    ) -> Result<Vec<i64>> {
        let mut nums = Vec::with_capacity(mentions.len());
        for mention in mentions {
            let num = self.resolve_one(conn, mention, now)?;
            if !nums.contains(&num) {
                nums.push(num);
            }
        }
        Ok(nums)
    }

    /// Nests the tags whose parents came later. A parent that never came is left out.
    pub fn settle(&mut self, conn: &mut Conn, now: DateTime<Utc>) -> Result<()> {
        for (child, parent) in std::mem::take(&mut self.orphans) {
            let row = tag_store::by_nums(conn, &[child])?.remove(&child);
            let parent = tag_store::find(conn, parent.as_str())?;
            if let (Some(mut row), Some(parent)) = (row, parent)
                && may_nest(conn, child, parent.into_row(), &mut row)?
            {
                update(conn, &mut row, now)?;
                self.remember(&row);
            }
        }
        Ok(())
    }

    fn resolve_one(
        &mut self,
        conn: &mut Conn,
        mention: &TagMention,
        now: DateTime<Utc>,
    ) -> Result<i64> {
        if let Some(num) = self.remembered(mention) {
            return Ok(num);
        }
        let (mut row, is_new) = match self.look_up(conn, mention)? {
            Some(row) => (row, false),
            None => (make(conn, mention, now)?, true),
        };
        if is_new || self.enriches {
            self.enrich(conn, &mut row, mention, now)?;
        }
        self.remember(&row);
        if let Some(slug) = &mention.slug {
            // Also under the alias by which it was named.
            self.by_slug.insert(slug.to_string(), row.clone());
        }
        Ok(row.num)
    }

    /// The number of a tag that is known already, where the mention has nothing to add to it: nearly always, in an
    /// import.
    fn remembered(&self, mention: &TagMention) -> Option<i64> {
        let adds = mention.description.is_some()
            || mention.parent.is_some()
            || !mention.aliases.is_empty();
        if self.enriches && adds {
            return None;
        }
        let row = match &mention.slug {
            Some(slug) => self.by_slug.get(slug.as_str()),
            None => self.by_name.get(&fold(&mention.name)),
        };
        row.map(|row| row.num)
    }

    /// A slug decides where there is one; else the name, whatever its case and accents.
    fn look_up(&self, conn: &mut Conn, mention: &TagMention) -> Result<Option<TagRow>> {
        if let Some(slug) = &mention.slug {
            return match self.by_slug.get(slug.as_str()) {
                Some(row) => Ok(Some(row.clone())),
                None => Ok(tag_store::find(conn, slug.as_str())?.map(tag_store::Found::into_row)),
            };
        }
        let folded = fold(&mention.name);
        if let Some(row) = self.by_name.get(&folded) {
            return Ok(Some(row.clone()));
        }
        Ok(tags::table
            .filter(tags::folded_name.eq(&folded))
            .order(tags::num)
            .first(conn)
            .optional()?)
    }

    /// Adds what the mention knows and the tag lacks; what the tag has already stays.
    fn enrich(
        &mut self,
        conn: &mut Conn,
        row: &mut TagRow,
        mention: &TagMention,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let mut changed = false;
        if row.description.is_none() && mention.description.is_some() {
            row.description.clone_from(&mention.description);
            changed = true;
        }
        if let (None, Some(parent)) = (row.parent_num, &mention.parent) {
            match tag_store::find(conn, parent.as_str())? {
                Some(parent) => changed |= may_nest(conn, row.num, parent.into_row(), row)?,
                None => self.orphans.push((row.num, parent.clone())),
            }
        }
        for alias in &mention.aliases {
            changed |= add_alias(conn, row.num, alias)?;
        }
        if changed {
            update(conn, row, now)?;
        }
        Ok(())
    }

    fn remember(&mut self, row: &TagRow) {
        self.by_slug.insert(row.slug.clone(), row.clone());
        // The oldest tag of a name is the one the name means.
        let of_name = self.by_name.entry(row.folded_name.clone());
        of_name
            .and_modify(|known| {
                if row.num <= known.num {
                    *known = row.clone();
                }
            })
            .or_insert_with(|| row.clone());
    }
}

/// Puts these tags in the place of those the article had.
pub fn replace(conn: &mut Conn, article: &ArticleRow, nums: &[i64]) -> Result<()> {
    diesel::delete(article_tags::table.filter(article_tags::article_num.eq(article.num)))
        .execute(conn)?;
    insert(conn, article, nums)
}

/// Tags an article that has none.
pub fn insert(conn: &mut Conn, article: &ArticleRow, nums: &[i64]) -> Result<()> {
    let rows = (0_i32..).zip(nums).map(|(position, &num)| {
        (
            article_tags::article_num.eq(article.num),
            article_tags::tag_num.eq(num),
            article_tags::position.eq(position),
            article_tags::published_at.eq(article.published_at),
        )
    });
    match conn {
        // One statement that stays prepared; a batch of any length would be parsed anew.
        Conn::Sqlite(conn) => {
            for row in rows {
                diesel::insert_into(article_tags::table)
                    .values(row)
                    .execute(conn)?;
            }
        }
        // One journey to the server.
        Conn::Postgres(conn) if !nums.is_empty() => {
            diesel::insert_into(article_tags::table)
                .values(&rows.collect::<Vec<_>>())
                .execute(conn)?;
        }
        Conn::Postgres(_) => {}
    }
    Ok(())
}

fn make(conn: &mut Conn, mention: &TagMention, now: DateTime<Utc>) -> Result<TagRow> {
    let id = Uuid::now_v7();
    let slug = match &mention.slug {
        Some(slug) => slug.clone(),
        None => free_slug(conn, &Slug::from_text(&mention.name, "tag"), id)?,
    };
    let row: TagRow = diesel::insert_into(tags::table)
        .values((
            tags::id.eq(id.to_string()),
            tags::slug.eq(slug.as_str()),
            tags::name.eq(&mention.name),
            tags::folded_name.eq(fold(&mention.name)),
            tags::kind.eq(mention.kind.as_str()),
            tags::listed.eq(false),
            tags::created_at.eq(to_stored(now)),
            tags::updated_at.eq(to_stored(now)),
            tags::version.eq(1_i64),
        ))
        .returning(tags::all_columns)
        .get_result(conn)?;
    log_change(conn, &row, Action::Saved, now)?;
    Ok(row)
}

/// The slug itself or a variant that no tag has or had. After a few numbers the id of the new tag decides, so that many
/// tags of one name do not take ever more look-ups.
pub fn free_slug(conn: &mut Conn, wanted: &Slug, id: Uuid) -> Result<Slug> {
    let numbered = (2..10).map(|number| wanted.with_suffix(&number.to_string()));
    let by_id = wanted.with_suffix(&id.simple().to_string()[20..]);
    for slug in std::iter::once(wanted.clone())
        .chain(numbered)
        .chain([by_id])
    {
        if tag_store::find(conn, slug.as_str())?.is_none() {
            return Ok(slug);
        }
    }
    Ok(wanted.with_suffix(&id.simple().to_string()))
}

fn update(conn: &mut Conn, row: &mut TagRow, now: DateTime<Utc>) -> Result<()> {
    row.version += 1;
    row.updated_at = to_stored(now);
    tag_saving::update(conn, row)?;
    let public = tag_store::is_public(conn, row, now)?;
    log_change(conn, row, Action::between(public, public), now)
}

/// Appends a tag's line to the log.
pub fn log_change(conn: &mut Conn, row: &TagRow, action: Action, now: DateTime<Utc>) -> Result<()> {
    let change = Change {
        kind: ChangeKind::Tag,
        num: row.num,
        id: &row.id,
        slug: &row.slug,
        action,
        version: row.version,
        moves: Moves::default(),
    };
    changes::append(conn, &change, now)
}

/// Nests the tag unless that would make a circle; tells whether it did.
fn may_nest(conn: &mut Conn, child: i64, parent: TagRow, row: &mut TagRow) -> Result<bool> {
    let fits = nesting::under(conn, Some(child), parent.num)? == Nesting::Fits;
    if fits {
        row.parent_num = Some(parent.num);
    }
    Ok(fits)
}

/// Adds an alias unless the slug is in use; tells whether it did.
fn add_alias(conn: &mut Conn, tag_num: i64, alias: &Slug) -> Result<bool> {
    if tag_store::find(conn, alias.as_str())?.is_some() {
        return Ok(false);
    }
    tag_saving::add_alias(conn, tag_num, alias.as_str())?;
    Ok(true)
}
