//! Saving an article: the row, its body, its tags, what it was before, and one line in the log, all in the
//! caller's transaction.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::content::article::{Draft, Fault, Reference};
use crate::content::sight::Sight;
use crate::content::slug::Slug;
use crate::content::time::to_stored;
use crate::content::visibility::{Standing, Status};
use crate::db::Conn;
use crate::db::schema::articles;
use crate::error::{Error, Result};
use crate::store::articles::{self as article_store, ArticleRow};
use crate::store::changes::{Action, Moves};
use crate::store::curations::{self, Curation};
use crate::store::links::Links;
use crate::store::naming::{self, Owner};
use crate::store::partner_lines::{self, Partners};
use crate::store::state::{self, Whole};
use crate::store::tagging::{self, Tagger};
use crate::store::{aliases, groups, previews, revisions, rows, transitions};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Created,
    Updated,
    /// It was there already, in this very state.
    Unchanged,
}

#[derive(Clone, Debug)]
pub struct Saved {
    pub outcome: Outcome,
    pub row: ArticleRow,
    /// References to articles that do not exist, or not yet.
    pub missing: Vec<Reference>,
    /// The same, with their places in the draft.
    pub dangling: Vec<Fault>,
}

/// Who saves, when, and how strictly.
#[derive(Clone)]
pub struct Save<'a> {
    pub now: DateTime<Utc>,
    pub by: Option<&'a str>,
    pub manner: Manner,
    /// What the caller may know of: other articles do not exist. Who sees everything is an editor.
    pub sight: Sight,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Many articles of another system: a taken slug gives way, and a reference may come true later.
    Import,
    /// One article by its author, who is told what cannot be, and each of whose acts is a version.
    Edit,
}

impl Save<'_> {
    /// Creates the article or updates the one that `draft` names.
    ///
    /// # Errors
    /// [`Error::InvalidBody`] where the draft contradicts what is stored; the transaction may go on.
    pub fn article(&self, conn: &mut Conn, draft: &Draft, tagger: &mut Tagger) -> Result<Saved> {
        let found = naming::named(conn, draft)?;
        self.over(conn, found, draft, tagger)
    }

    /// Puts `draft` in the place of what was found, its names included, or creates it.
    ///
    /// # Errors
    /// As [`Save::article`].
    pub fn over(
        &self,
        conn: &mut Conn,
        found: Option<ArticleRow>,
        draft: &Draft,
        tagger: &mut Tagger,
    ) -> Result<Saved> {
        let Some(row) = found else {
            return self.create(conn, draft, tagger);
        };
        let was_known = row.standing(self.now) != Standing::Hidden;
        if row.deleted_at.is_some() && was_known {
            return Err(Error::InvalidBody(vec![Fault::new(
                "",
                "the article was deleted here",
            )]));
        }
        let owner = match !was_known && row.created_by.is_some() {
            // Whoever made a draft of that name first must not own what comes under it.
            true => self.by.map(str::to_owned),
            false => row.created_by.clone(),
        };
        let whole = state::whole(conn, &row)?;
        self.update(conn, whole, owner, draft, tagger)
    }

    /// Creates an article.
    ///
    /// # Errors
    /// [`Error::Conflict`] where another article has one of its names, or is its translation in the same language,
    /// [`Error::InvalidBody`] where it refers to an article that does not exist.
    pub fn new_article(&self, conn: &mut Conn, draft: &Draft) -> Result<Saved> {
        if draft.is_named()
            && let Some(row) = naming::named(conn, draft)?
        {
            return Err(self.taken(draft, &row));
        }
        self.create(conn, draft, &mut Tagger::default())
    }

    /// Puts `draft` in the place of what the article is.
    ///
    /// # Errors
    /// As [`Save::new_article`].
    pub fn edit(&self, conn: &mut Conn, whole: Whole, draft: &Draft) -> Result<Saved> {
        let owner = whole.row.created_by.clone();
        let mut tagger = Tagger::knowing(&whole.tags);
        self.update(conn, whole, owner, draft, &mut tagger)
    }

    /// Leaves a tombstone, which keeps the article's names from others.
    ///
    /// # Errors
    /// When the database fails.
    pub fn delete(&self, conn: &mut Conn, mut before: ArticleRow) -> Result<ArticleRow> {
        transitions::settle(conn, &mut before, self.now)?;
        let action = match before.standing(self.now) {
            // Whoever follows the log never knew of it.
            Standing::Hidden => Action::Saved,
            Standing::Visible | Standing::Gone => Action::Deleted,
        };
        let row = self.with_row(conn, &before, |row| ArticleRow {
            deleted_at: Some(to_stored(self.now)),
            next_change_at: None,
            ..row
        })?;
        previews::revoke_of(conn, row.num, self.now)?;
        transitions::log(conn, &row, action, self.now)?;
        partner_lines::note(conn, &Partners::default(), &before, &row, &[], self.now)?;
        Ok(row)
    }

    /// A version in which nothing but the row differs.
    pub(super) fn with_row(
        &self,
        conn: &mut Conn,
        before: &ArticleRow,
        change: impl FnOnce(ArticleRow) -> ArticleRow,
    ) -> Result<ArticleRow> {
        let whole = state::whole(conn, before)?;
        revisions::keep(conn, &whole)?;
        let row = change(self.next_version(before.clone()));
        article_store::update(conn, before, &row)?;
        article_store::saved_at(conn, row.num, Some(to_stored(self.now)))?;
        Ok(row)
    }

    fn create(&self, conn: &mut Conn, draft: &Draft, tagger: &mut Tagger) -> Result<Saved> {
        self.may_tag(draft)?;
        let links = self.links(conn, draft, None)?;
        let id = match draft.id {
            Some(id) => id,
            None if draft.is_named() || self.manner == Manner::Edit => Uuid::now_v7(),
            None => draft.digest_id(),
        };
        let wanted = draft.slug.clone();
        let wanted = wanted.unwrap_or_else(|| Slug::from_text(&draft.headline, "article"));
        let slug = naming::free_slug(conn, &wanted, id)?;
        if self.manner == Manner::Edit && draft.slug.as_ref().is_some_and(|wanted| *wanted != slug)
        {
            return Err(slug_taken(wanted.as_str()));
        }
        let blank = rows::blank(id, &slug, self.by, self.now);
        let mut row = rows::filled(
            &blank,
            draft,
            links.group.clone(),
            Standing::Hidden,
            self.now,
        );
        row.updated_at = match (draft.updated_at, row.published_at, self.manner) {
            (Some(updated), _, _) => to_stored(updated),
            // What comes from an archive was not changed by coming in.
            (None, Some(published), Manner::Import) => published.min(row.updated_at),
            (None, _, _) => row.updated_at,
        };
        row.next_change_at = row.visibility().next_change(self.now).map(to_stored);
        row.num = article_store::insert(conn, &row, |num| {
            rows::body(num, draft, Some(to_stored(self.now)))
        })?;
        let tags = tagger.resolve(conn, &draft.tags, self.now)?;
        tagging::insert(conn, &row, &tags)?;
        if links.curation != Curation::default() {
            curations::replace(conn, row.num, &links.curation)?;
        }
        let action = Action::of_article(Standing::Hidden, row.standing(self.now));
        transitions::log(conn, &row, action, self.now)?;
        self.join_group(conn, &links, &row)?;
        Ok(saved(Outcome::Created, row, links))
    }

    fn update(
        &self,
        conn: &mut Conn,
        whole: Whole,
        owner: Option<String>,
        draft: &Draft,
        tagger: &mut Tagger,
    ) -> Result<Saved> {
        self.may_tag(draft)?;
        let mut before = whole.row.clone();
        let links = self.links(conn, draft, Some(&whole))?;
        let standing = before.standing(self.now);
        let group = links
            .group
            .clone()
            .or_else(|| before.translation_group.clone());
        let mut row = rows::filled(&before, draft, group, standing, self.now);
        if row.external_id != before.external_id {
            self.may_call_it(conn, &row)?;
        }
        row.slug = self.slug_for(conn, &before, draft)?;
        if let Some(updated) = draft.updated_at {
            row.updated_at = to_stored(updated);
        }
        let tags = tagger.resolve(conn, &draft.tags, self.now)?;

        let mut body = rows::body(before.num, draft, whole.body.saved_at);
        let tags_before: Vec<i64> = whole.tags.iter().map(|tag| tag.num).collect();
        let same_links = whole.curation == links.curation;
        let same_group = row.translation_group == before.translation_group;
        let same_text =
            body == whole.body && tags == tags_before && same_but_for_group(&row, &before);
        if same_text && same_links && same_group && before.deleted_at.is_none() {
            return Ok(saved(Outcome::Unchanged, before, links));
        }
        transitions::settle(conn, &mut before, self.now)?;
        // The original that an import names is no edit of the article: it has no version of its own. Pins and bans are,
        // for they take the place of what an editor may have set.
        if !same_text || !same_links || self.manner == Manner::Edit {
            revisions::keep(conn, &whole)?;
            let updated_at = row.updated_at;
            row = self.next_version(row);
            body.saved_at = Some(to_stored(self.now));
            if draft.updated_at.is_some() {
                row.updated_at = updated_at;
            }
        }
        row.created_by = owner;
        row.deleted_at = None;
        row.next_change_at = row.visibility().next_change(self.now).map(to_stored);
        article_store::update(conn, &before, &row)?;
        article_store::update_body(conn, &whole.body, &body)?;
        if tags != tags_before {
            tagging::replace(conn, &row, &tags)?;
        }
        if !same_links {
            curations::replace(conn, row.num, &links.curation)?;
        }
        if row.slug != before.slug {
            aliases::remove(conn, &row.slug)?;
            let known = aliases::is_known_by_slug(conn, &before, standing)?;
            aliases::add_for(conn, &before.slug, row.num, known)?;
        }
        if is_withdrawn(&before, &row, self.now) {
            previews::revoke_of(conn, row.num, self.now)?;
        }
        let action = Action::of_article(standing, row.standing(self.now));
        let moved = moved(&tags_before, &tags);
        let moves = Moves::of(&moved, &before.language, &row.language);
        transitions::log_moved(conn, &row, action, moves, self.now)?;
        partner_lines::note(conn, &tagger.partners, &before, &row, &moved, self.now)?;
        let same_place = row.language == before.language && before.deleted_at.is_none();
        if !same_group && let Some(left) = &before.translation_group {
            groups::tell_all(conn, left, row.num, self.now)?;
        }
        if !same_group || links.is_new {
            self.join_group(conn, &links, &row)?;
        } else if whole.curation.pins != links.curation.pins || !same_place {
            self.stay_in_group(conn, &row, same_place)?;
        }
        Ok(saved(Outcome::Updated, row, links))
    }

    /// The row as this save's own version of it.
    fn next_version(&self, row: ArticleRow) -> ArticleRow {
        ArticleRow {
            version: row.version + 1,
            saved_by: self.by.map(str::to_owned),
            updated_at: to_stored(self.now),
            ..row
        }
    }

    /// Whether no other article has this one's new external id; an import has looked already.
    fn may_call_it(&self, conn: &mut Conn, row: &ArticleRow) -> Result<()> {
        let Some(external_id) = &row.external_id else {
            return Ok(());
        };
        match naming::by_external_id(conn, external_id)? {
            Some(other) if other.num != row.num => Err(self.external_id_taken(&other)),
            _ => Ok(()),
        }
    }

    fn external_id_taken(&self, other: &ArticleRow) -> Error {
        let detail = match self.sees(other) {
            true => format!("is that of another article, {}", other.id),
            false => "is that of another article".to_owned(),
        };
        Error::Conflict(vec![Fault::new("/external_id", detail)])
    }

    /// The name of a new article by which another is known already.
    fn taken(&self, draft: &Draft, row: &ArticleRow) -> Error {
        if draft.id.is_some_and(|id| id.to_string() == row.id) {
            let detail = "is the id of another article";
            return Error::Conflict(vec![Fault::new("/id", detail)]);
        }
        if draft.external_id.is_some() && draft.external_id == row.external_id {
            return self.external_id_taken(row);
        }
        slug_taken(draft.slug.as_ref().map_or("", Slug::as_str))
    }

    /// The slug that the article gets. In an import, one that another article has, or had, leaves it the one it has.
    fn slug_for(&self, conn: &mut Conn, before: &ArticleRow, draft: &Draft) -> Result<String> {
        let Some(wanted) = &draft.slug else {
            return Ok(before.slug.clone());
        };
        if wanted.as_str() == before.slug {
            return Ok(before.slug.clone());
        }
        let free = match naming::owner(conn, wanted.as_str())? {
            None => true,
            Some(Owner { num, proper }) => num == before.num && !proper,
        };
        match (free, self.manner) {
            (true, _) => Ok(wanted.to_string()),
            (false, Manner::Import) => Ok(before.slug.clone()),
            (false, Manner::Edit) => Err(slug_taken(wanted.as_str())),
        }
    }

    /// Lets the original, and the translations there are, know of a new one.
    pub(super) fn join_group(
        &self,
        conn: &mut Conn,
        links: &Links,
        row: &ArticleRow,
    ) -> Result<()> {
        let (Some(group), Some(original)) = (&links.group, links.original) else {
            return Ok(());
        };
        diesel::update(articles::table.filter(articles::num.eq(original)))
            .set(articles::translation_group.eq(group))
            .execute(conn)?;
        if self.manner == Manner::Edit {
            self.alone_in_language(conn, row)?;
        }
        groups::tell_all(conn, group, row.num, self.now)
    }
}

/// Those that are in one only.
pub(super) fn moved(before: &[i64], after: &[i64]) -> Vec<i64> {
    let lost = before.iter().filter(|tag| !after.contains(tag));
    let gained = after.iter().filter(|tag| !before.contains(tag));
    lost.chain(gained).copied().collect()
}

fn same_but_for_group(row: &ArticleRow, before: &ArticleRow) -> bool {
    let translation_group = before.translation_group.clone();
    *before
        == ArticleRow {
            translation_group,
            ..row.clone()
        }
}

fn slug_taken(slug: &str) -> Error {
    let detail = format!("{slug:?} is, or was, the slug of another article");
    Error::Conflict(vec![Fault::new("/slug", detail)])
}

/// Whether what the public saw is taken from it, or would never be shown again.
pub(super) fn is_withdrawn(before: &ArticleRow, row: &ArticleRow, now: DateTime<Utc>) -> bool {
    let withdrawn = |row: &ArticleRow| row.visibility().status == Status::Withdrawn;
    let hidden = before.is_public(now) && !row.is_public(now);
    hidden || (withdrawn(row) && !withdrawn(before))
}

pub(super) fn saved(outcome: Outcome, row: ArticleRow, links: Links) -> Saved {
    Saved {
        outcome,
        row,
        missing: links.missing,
        dangling: links.faults,
    }
}
