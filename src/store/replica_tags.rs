//! Tags as another store has them, and what becomes of them there.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::content::analysis::fold;
use crate::content::slug::Slug;
use crate::content::tag::{TagKind, TagMention};
use crate::content::time::to_stored;
use crate::db::Conn;
use crate::db::schema::{tag_aliases, tags};
use crate::error::{Error, Result};
use crate::store::changes::Action;

use crate::store::replica::{Precedence, Replicas};
use crate::store::save::Outcome;
use crate::store::tags::{self as tag_store, TagRow};
use crate::store::{rights, tag_saving, tagging};

pub use crate::store::replica_mergers::ReplicaMerger;

/// The version of a tag that an article names before the tag itself has come: it gives way to that, id and all.
const PLACEHOLDER: i64 = 0;

/// A tag with everything that the caller knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaTag {
    pub id: Uuid,
    pub slug: Slug,
    pub name: String,
    pub kind: TagKind,
    pub description: Option<String>,
    /// The slug of the tag above it.
    pub parent: Option<Slug>,
    /// Whether it is public even while no public article bears it.
    pub listed: bool,
    /// All other slugs that lead to it. `None`: not known; those it has here stay, and one that it loses becomes one.
    pub aliases: Option<Vec<ReplicaAlias>>,
    pub version: i64,
    /// When it was made and when it was last changed. `None`: not known; what is here stays.
    pub dates: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

/// Another slug of a tag.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReplicaAlias {
    pub slug: String,
    /// Whether the public may be led on from it.
    pub public: bool,
}

/// What became of a tag.
#[derive(Clone, Debug)]
pub struct SavedTag {
    pub outcome: Outcome,
    pub row: TagRow,
    /// The tag above it does not exist, or not yet: say it again when it does.
    pub missing_parent: bool,
}

impl Replicas {
    /// Creates the tag or puts this state in the place of what is stored under its id. The same state again writes
    /// nothing.
    ///
    /// # Errors
    /// [`Error::Conflict`] where one of its names is another tag's or it cannot stand where it should, and what is stored
    /// has precedence; the transaction may go on.
    pub fn tag(&mut self, conn: &mut Conn, replica: &ReplicaTag) -> Result<SavedTag> {
        self.forget();
        let before = self.stored_tag(conn, &replica.id.to_string(), replica.slug.as_str())?;
        if let Some(before) = &before
            && self.precedence == Precedence::Stored
        {
            check_descent(before, replica)?;
        }
        let num = before.as_ref().map(|row| row.num);
        let aliases_before = match num {
            Some(num) => aliases_of(conn, num)?,
            None => Vec::new(),
        };
        let aliases = wanted_aliases(replica, before.as_ref(), &aliases_before);
        let (parent_num, missing_parent) = self.parent(conn, replica, num)?;
        let row = row_of(replica, before.as_ref(), parent_num, self.now);
        if before.as_ref() == Some(&row) && aliases == aliases_before {
            return Ok(SavedTag {
                outcome: Outcome::Unchanged,
                row,
                missing_parent,
            });
        }
        let slugs: Vec<&str> = std::iter::once(row.slug.as_str())
            .chain(aliases.iter().map(|alias| alias.slug.as_str()))
            .collect();
        self.clear_names(conn, &slugs, num)?;
        for gone in aliases_before
            .iter()
            .filter(|alias| !aliases.contains(alias))
        {
            diesel::delete(tag_aliases::table.filter(tag_aliases::slug.eq(&gone.slug)))
                .execute(conn)?;
        }
        let row = match &before {
            Some(before) => self.replace_tag(conn, before, row, |conn, num| {
                add_aliases(conn, num, &aliases, &aliases_before)
            })?,
            None => {
                let row = insert(conn, &row)?;
                add_aliases(conn, row.num, &aliases, &[])?;
                let action = Action::between(false, row.listed);
                tagging::log_change(conn, &row, action, self.now)?;
                row
            }
        };
        Ok(SavedTag {
            outcome: match before {
                Some(_) => Outcome::Updated,
                None => Outcome::Created,
            },
            row,
            missing_parent,
        })
    }

    /// The numbers of the named tags, in order, each once. One that is not here yet is a placeholder.
    pub(super) fn tag_nums(
        &mut self,
        conn: &mut Conn,
        mentions: &[TagMention],
    ) -> Result<Vec<i64>> {
        let mut nums = Vec::with_capacity(mentions.len());
        for mention in mentions {
            let slug = match &mention.slug {
                Some(slug) => slug.clone(),
                None => Slug::from_text(&mention.name, "tag"),
            };
            let num = match self.tags.get(slug.as_str()) {
                Some(num) => *num,
                None => {
                    let row = match tag_store::find(conn, slug.as_str())? {
                        Some(found) => found.into_row(),
                        None => self.placeholder(conn, &slug, &mention.name, mention.kind)?,
                    };
                    self.tags.insert(slug.to_string(), row.num);
                    row.num
                }
            };
            if !nums.contains(&num) {
                nums.push(num);
            }
        }
        Ok(nums)
    }

    pub(super) fn placeholder(
        &self,
        conn: &mut Conn,
        slug: &Slug,
        name: &str,
        kind: TagKind,
    ) -> Result<TagRow> {
        let at = to_stored(self.now);
        let row = TagRow {
            num: 0,
            id: Uuid::now_v7().to_string(),
            slug: slug.to_string(),
            name: name.to_owned(),
            folded_name: fold(name),
            kind: kind.as_str().to_owned(),
            description: None,
            parent_num: None,
            listed: false,
            created_at: at,
            updated_at: at,
            version: PLACEHOLDER,
        };
        let row = insert(conn, &row)?;
        tagging::log_change(conn, &row, Action::Saved, self.now)?;
        Ok(row)
    }

    /// By its id, or the placeholder that waits for it.
    pub(super) fn stored_tag(
        &self,
        conn: &mut Conn,
        id: &str,
        slug: &str,
    ) -> Result<Option<TagRow>> {
        let by_id = tags::table.filter(tags::id.eq(id)).first(conn).optional()?;
        if by_id.is_some() {
            return Ok(by_id);
        }
        Ok(tags::table
            .filter(tags::slug.eq(slug))
            .filter(tags::version.eq(PLACEHOLDER))
            .first(conn)
            .optional()?)
    }

    fn replace_tag(
        &self,
        conn: &mut Conn,
        before: &TagRow,
        row: TagRow,
        names: impl FnOnce(&mut Conn, i64) -> Result<()>,
    ) -> Result<TagRow> {
        let was_public = tag_store::is_public(conn, before, self.now)?;
        tag_saving::update(conn, &row)?;
        diesel::update(tags::table.filter(tags::num.eq(row.num)))
            .set((tags::id.eq(&row.id), tags::created_at.eq(row.created_at)))
            .execute(conn)?;
        if row.id != before.id {
            rights::follow_merger(conn, &before.id, &row.id)?;
        }
        names(conn, row.num)?;
        let is_public = tag_store::is_public(conn, &row, self.now)?;
        let action = Action::between(was_public, is_public);
        tagging::log_change(conn, &row, action, self.now)?;
        if row.version <= 1 || row.id != before.id {
            self.tell_followers(conn, before)?;
        }
        Ok(row)
    }

    /// Lets what follows the log look again at a tag and at all that bear it, though the public is told nothing: by a
    /// line of a later version, for no one looks for what bears the first.
    pub(super) fn tell_followers(&self, conn: &mut Conn, row: &TagRow) -> Result<()> {
        let later = TagRow {
            version: row.version.max(2),
            ..row.clone()
        };
        tagging::log_change(conn, &later, Action::Saved, self.now)
    }
}

/// The other slugs of a tag, in order.
pub fn aliases_of(conn: &mut Conn, num: i64) -> Result<Vec<ReplicaAlias>> {
    let rows: Vec<(String, bool)> = tag_aliases::table
        .filter(tag_aliases::tag_num.eq(num))
        .order(tag_aliases::slug)
        .select((tag_aliases::slug, tag_aliases::public))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(slug, public)| ReplicaAlias { slug, public })
        .collect())
}

fn row_of(
    replica: &ReplicaTag,
    before: Option<&TagRow>,
    parent_num: Option<i64>,
    now: DateTime<Utc>,
) -> TagRow {
    let known = before.map(|row| (row.created_at, row.updated_at));
    let given = replica
        .dates
        .map(|(created, updated)| (to_stored(created), to_stored(updated)));
    let (created_at, updated_at) = given.or(known).unwrap_or((to_stored(now), to_stored(now)));
    TagRow {
        num: before.map_or(0, |row| row.num),
        id: replica.id.to_string(),
        slug: replica.slug.to_string(),
        name: replica.name.clone(),
        folded_name: fold(&replica.name),
        kind: replica.kind.as_str().to_owned(),
        description: replica.description.clone(),
        parent_num,
        listed: replica.listed,
        created_at,
        updated_at,
        version: replica.version,
    }
}

fn wanted_aliases(
    replica: &ReplicaTag,
    before: Option<&TagRow>,
    known: &[ReplicaAlias],
) -> Vec<ReplicaAlias> {
    let mut aliases = match &replica.aliases {
        Some(aliases) => aliases.clone(),
        None => {
            let lost = before.map(|row| ReplicaAlias {
                slug: row.slug.clone(),
                public: true,
            });
            known.iter().cloned().chain(lost).collect()
        }
    };
    aliases.retain(|alias| alias.slug != replica.slug.as_str());
    aliases.sort_unstable();
    aliases.dedup_by(|one, other| one.slug == other.slug);
    aliases
}

/// What is stored may be this version or an earlier one, of the same tag.
fn check_descent(before: &TagRow, replica: &ReplicaTag) -> Result<()> {
    if before.version == PLACEHOLDER {
        return Ok(());
    }
    let (here, there) = (before.version, replica.version);
    if here > there {
        let detail = format!("is in version {here} here, and comes in version {there}");
        return Err(Error::conflict("/version", detail));
    }
    let Some((created, updated)) = replica.dates else {
        return Ok(());
    };
    let is_other = before.created_at != to_stored(created)
        || here == there && before.updated_at != to_stored(updated);
    match is_other {
        false => Ok(()),
        true => {
            let detail = format!(
                "version {here}, which is stored here, is not the version {here} that this tag had"
            );
            Err(Error::conflict("/version", detail))
        }
    }
}

fn insert(conn: &mut Conn, row: &TagRow) -> Result<TagRow> {
    Ok(diesel::insert_into(tags::table)
        .values((
            tags::id.eq(&row.id),
            tags::slug.eq(&row.slug),
            tags::name.eq(&row.name),
            tags::folded_name.eq(&row.folded_name),
            tags::kind.eq(&row.kind),
            tags::description.eq(&row.description),
            tags::parent_num.eq(row.parent_num),
            tags::listed.eq(row.listed),
            tags::created_at.eq(row.created_at),
            tags::updated_at.eq(row.updated_at),
            tags::version.eq(row.version),
        ))
        .returning(tags::all_columns)
        .get_result(conn)?)
}

fn add_aliases(
    conn: &mut Conn,
    num: i64,
    aliases: &[ReplicaAlias],
    known: &[ReplicaAlias],
) -> Result<()> {
    for alias in aliases.iter().filter(|alias| !known.contains(alias)) {
        diesel::insert_into(tag_aliases::table)
            .values((
                tag_aliases::slug.eq(&alias.slug),
                tag_aliases::tag_num.eq(num),
                tag_aliases::public.eq(alias.public),
            ))
            .execute(conn)?;
    }
    Ok(())
}
