//! Saving a tag as an editor wants it: its names stay unique, its place free of circles.
//!
//! All of it runs in a transaction that began as the only writer, so that a name that was found free still is.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::content::analysis::fold;
use crate::content::article::Fault;
use crate::content::slug::Slug;
use crate::content::tag_input::TagDraft;
use crate::content::time::to_stored;
use crate::db::Conn;
use crate::db::schema::{tag_aliases, tags};
use crate::error::{Error, Result};
use crate::store::changes::Action;
use crate::store::nesting::{self, Nesting};
use crate::store::tagging;
use crate::store::tags::{self as tag_store, Found, TagRow};

/// Makes a tag.
///
/// # Errors
/// [`Error::Conflict`] where one of its names is taken, [`Error::InvalidBody`] where it cannot stand where it should.
pub fn create(conn: &mut Conn, draft: &TagDraft, now: DateTime<Utc>) -> Result<TagRow> {
    let parent_num = parent(conn, draft, None)?;
    let mut faults = Vec::new();
    check_name(conn, draft, None, &mut faults)?;
    let id = Uuid::now_v7();
    let slug = match &draft.slug {
        Some(slug) => slug.clone(),
        None => tagging::free_slug(conn, &Slug::from_text(&draft.name, "tag"), id)?,
    };
    check_free(conn, "/slug", slug.as_str(), None, &mut faults)?;
    let aliases = wanted_aliases(draft, slug.as_str());
    check_aliases(conn, &aliases, None, &mut faults)?;
    refuse(faults)?;
    let row: TagRow = diesel::insert_into(tags::table)
        .values((
            tags::id.eq(id.to_string()),
            tags::slug.eq(slug.as_str()),
            tags::name.eq(&draft.name),
            tags::folded_name.eq(fold(&draft.name)),
            tags::kind.eq(draft.kind.as_str()),
            tags::description.eq(&draft.description),
            tags::parent_num.eq(parent_num),
            tags::listed.eq(draft.listed),
            tags::created_at.eq(to_stored(now)),
            tags::updated_at.eq(to_stored(now)),
            tags::version.eq(1_i64),
        ))
        .returning(tags::all_columns)
        .get_result(conn)?;
    for (_, alias) in &aliases {
        add_alias(conn, row.num, alias)?;
    }
    tagging::log_change(conn, &row, Action::between(false, draft.listed), now)?;
    Ok(row)
}

/// Makes the tag what `draft` says. A draft that says nothing new changes nothing.
///
/// # Errors
/// As [`create`].
pub fn edit(
    conn: &mut Conn,
    before: TagRow,
    draft: &TagDraft,
    now: DateTime<Utc>,
) -> Result<TagRow> {
    let parent_num = parent(conn, draft, Some(&before))?;
    let mut faults = Vec::new();
    check_name(conn, draft, Some(&before), &mut faults)?;
    let slug = draft
        .slug
        .as_ref()
        .map_or(before.slug.as_str(), Slug::as_str);
    check_free(conn, "/slug", slug, Some(before.num), &mut faults)?;
    let mut aliases = wanted_aliases(draft, slug);
    check_aliases(conn, &aliases, Some(before.num), &mut faults)?;
    refuse(faults)?;
    if slug != before.slug && !aliases.iter().any(|(_, alias)| *alias == before.slug) {
        aliases.push((0, before.slug.clone()));
    }

    let mut row = TagRow {
        slug: slug.to_owned(),
        name: draft.name.clone(),
        folded_name: fold(&draft.name),
        kind: draft.kind.as_str().to_owned(),
        description: draft.description.clone(),
        parent_num,
        listed: draft.listed,
        ..before.clone()
    };
    let aliases_before = tag_store::aliases(conn, before.num)?;
    let mut wanted: Vec<&str> = aliases.iter().map(|(_, alias)| alias.as_str()).collect();
    wanted.sort_unstable();
    if row == before && wanted == aliases_before {
        return Ok(before);
    }
    let was_public = tag_store::is_public(conn, &before, now)?;
    row.version += 1;
    row.updated_at = to_stored(now);
    for alias in aliases_before
        .iter()
        .filter(|alias| !wanted.contains(&alias.as_str()))
    {
        diesel::delete(tag_aliases::table.filter(tag_aliases::slug.eq(alias))).execute(conn)?;
    }
    update(conn, &row)?;
    for alias in wanted
        .iter()
        .filter(|alias| !aliases_before.iter().any(|known| known == *alias))
    {
        add_alias(conn, row.num, alias)?;
    }
    let is_public = tag_store::is_public(conn, &row, now)?;
    let action = Action::between(was_public, is_public);
    let told = TagRow {
        slug: match action {
            // The public must not see the one that it never knew.
            Action::Withdrawn => before.slug,
            _ => row.slug.clone(),
        },
        ..row.clone()
    };
    tagging::log_change(conn, &told, action, now)?;
    Ok(row)
}

/// Writes the row of a tag that exists.
pub fn update(conn: &mut Conn, row: &TagRow) -> Result<()> {
    diesel::update(tags::table.filter(tags::num.eq(row.num)))
        .set((
            tags::slug.eq(&row.slug),
            tags::name.eq(&row.name),
            tags::folded_name.eq(&row.folded_name),
            tags::kind.eq(&row.kind),
            tags::description.eq(&row.description),
            tags::parent_num.eq(row.parent_num),
            tags::listed.eq(row.listed),
            tags::updated_at.eq(row.updated_at),
            tags::version.eq(row.version),
        ))
        .execute(conn)?;
    Ok(())
}

pub fn add_alias(conn: &mut Conn, num: i64, alias: &str) -> Result<()> {
    diesel::insert_into(tag_aliases::table)
        .values((tag_aliases::slug.eq(alias), tag_aliases::tag_num.eq(num)))
        .execute(conn)?;
    Ok(())
}

/// The number of the tag above, where the tag may stand there.
fn parent(conn: &mut Conn, draft: &TagDraft, before: Option<&TagRow>) -> Result<Option<i64>> {
    let Some(slug) = &draft.parent else {
        return Ok(None);
    };
    let Some(parent) = tag_store::find(conn, slug.as_str())?.map(Found::into_row) else {
        return Err(Error::member(
            "/parent",
            format!("there is no tag {slug:?}", slug = slug.as_str()),
        ));
    };
    if before.is_some_and(|before| before.parent_num == Some(parent.num)) {
        return Ok(Some(parent.num));
    }
    match nesting::under(conn, before.map(|before| before.num), parent.num)? {
        Nesting::Fits => Ok(Some(parent.num)),
        Nesting::Circle => Err(Error::member("/parent", "is the tag itself, or below it")),
        Nesting::TooDeep => Err(Error::member(
            "/parent",
            format!("would nest tags deeper than {}", nesting::MAX_NESTING),
        )),
    }
}

/// Two tags of one kind that differ only in case and accents would be taken for each other.
fn check_name(
    conn: &mut Conn,
    draft: &TagDraft,
    before: Option<&TagRow>,
    faults: &mut Vec<Fault>,
) -> Result<()> {
    let folded = fold(&draft.name);
    let kind = draft.kind.as_str();
    if before.is_some_and(|before| before.folded_name == folded && before.kind == kind) {
        return Ok(());
    }
    let other: Option<String> = tags::table
        .filter(tags::folded_name.eq(&folded))
        .filter(tags::kind.eq(kind))
        .filter(tags::num.ne(before.map_or(0, |before| before.num)))
        .order(tags::num)
        .select(tags::slug)
        .first(conn)
        .optional()?;
    if let Some(other) = other {
        let detail = format!("the tag {other:?} is a {kind} of this name");
        faults.push(Fault::new("/name", detail));
    }
    Ok(())
}

/// The aliases that were asked for, each once and none the tag's own slug.
fn wanted_aliases(draft: &TagDraft, slug: &str) -> Vec<(usize, String)> {
    let mut wanted: Vec<(usize, String)> = Vec::with_capacity(draft.aliases.len());
    for (at, alias) in &draft.aliases {
        let alias = alias.as_str();
        if alias != slug && !wanted.iter().any(|(_, known)| known == alias) {
            wanted.push((*at, alias.to_owned()));
        }
    }
    wanted
}

fn check_aliases(
    conn: &mut Conn,
    aliases: &[(usize, String)],
    num: Option<i64>,
    faults: &mut Vec<Fault>,
) -> Result<()> {
    for (at, alias) in aliases {
        check_free(conn, &format!("/aliases/{at}"), alias, num, faults)?;
    }
    Ok(())
}

/// A slug is free where it leads nowhere, or to the tag itself.
fn check_free(
    conn: &mut Conn,
    pointer: &str,
    slug: &str,
    num: Option<i64>,
    faults: &mut Vec<Fault>,
) -> Result<()> {
    let detail = match tag_store::find(conn, slug)? {
        Some(Found::Proper(other)) if Some(other.num) != num => {
            format!("{slug:?} is the slug of the tag {:?}", other.name)
        }
        Some(Found::Alias(other)) if Some(other.num) != num => {
            format!("{slug:?} is an alias of the tag {:?}", other.slug)
        }
        _ => return Ok(()),
    };
    faults.push(Fault::new(pointer, detail));
    Ok(())
}

fn refuse(faults: Vec<Fault>) -> Result<()> {
    match faults.is_empty() {
        true => Ok(()),
        false => Err(Error::Conflict(faults)),
    }
}
