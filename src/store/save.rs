//! Saving an article: the row, its body, its tags, what it was before, and one line in the log, all in the
//! caller's transaction.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::content::article::{Draft, Fault, Reference};
use crate::content::slug::Slug;
use crate::content::time::to_stored;
use crate::content::visibility::{Standing, Status};
use crate::db::Conn;
use crate::db::schema::{article_aliases, articles, bodies, revisions};
use crate::error::{Error, Result};
use crate::store::articles::{ArticleRow, BodyRow};
use crate::store::changes::{self, Action, Change, ChangeKind};
use crate::store::curations::{self, Curation};
use crate::store::state::{self, Whole};
use crate::store::tagging::{self, Tagger};
use crate::store::{aliases, articles as article_store};

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
    pub num: i64,
    pub id: String,
    pub slug: String,
    pub version: i64,
    /// References to articles that do not exist, or not yet.
    pub missing: Vec<Reference>,
}

/// Who saves, and when.
#[derive(Clone, Copy)]
pub struct Save<'a> {
    pub now: DateTime<Utc>,
    pub by: Option<&'a str>,
}

impl Save<'_> {
    /// Creates the article or updates the one that `draft` names.
    ///
    /// # Errors
    /// [`Error::InvalidBody`] where the draft contradicts what is stored; the transaction may go on.
    pub fn article(&self, conn: &mut Conn, draft: &Draft, tagger: &mut Tagger) -> Result<Saved> {
        let links = Links::look_up(conn, draft)?;
        match named(conn, draft)? {
            Some(row) if row.deleted_at.is_some() => Err(Error::InvalidBody(vec![Fault::new(
                "",
                "the article was deleted here",
            )])),
            Some(row) => self.update(conn, row, draft, tagger, links),
            None => self.create(conn, draft, tagger, links),
        }
    }

    fn create(
        &self,
        conn: &mut Conn,
        draft: &Draft,
        tagger: &mut Tagger,
        links: Links,
    ) -> Result<Saved> {
        let id = match draft.id {
            Some(id) => id,
            None if draft.is_named() => Uuid::now_v7(),
            None => draft.digest_id(),
        };
        let wanted = draft.slug.clone();
        let wanted = wanted.unwrap_or_else(|| Slug::from_text(&draft.headline, "article"));
        let slug = free_slug(conn, &wanted, id)?;
        let blank = self.blank(id, &slug);
        let mut row = self.filled(&blank, draft, links.group.clone(), Standing::Hidden);
        row.updated_at = match (draft.updated_at, row.published_at) {
            (Some(updated), _) => to_stored(updated),
            // What comes from an archive was not changed by coming in.
            (None, Some(published)) => published.min(row.updated_at),
            (None, None) => row.updated_at,
        };
        let num: i64 = diesel::insert_into(articles::table)
            .values(&row)
            .returning(articles::num)
            .get_result(conn)?;
        row.num = num;
        diesel::insert_into(bodies::table)
            .values(body_row(num, draft))
            .execute(conn)?;
        let tags = tagger.resolve(conn, &draft.tags, self.now)?;
        tagging::insert(conn, num, &tags)?;
        if links.curation != Curation::default() {
            curations::replace(conn, num, &links.curation)?;
        }
        self.log(conn, &row, Action::between(false, row.is_public(self.now)))?;
        self.join_group(conn, &links, num)?;
        Ok(saved(Outcome::Created, &row, links))
    }

    fn update(
        &self,
        conn: &mut Conn,
        before: ArticleRow,
        draft: &Draft,
        tagger: &mut Tagger,
        links: Links,
    ) -> Result<Saved> {
        let standing = before.visibility().standing(self.now);
        let group = links
            .group
            .clone()
            .or_else(|| before.translation_group.clone());
        let mut row = self.filled(&before, draft, group, standing);
        row.slug = self.slug_for(conn, &before, draft)?;
        if let Some(updated) = draft.updated_at {
            row.updated_at = to_stored(updated);
        }
        let tags = tagger.resolve(conn, &draft.tags, self.now)?;
        let body = body_row(before.num, draft);

        let Some(whole) = state::of(conn, &[before.num])?.pop() else {
            return Err(Error::Internal(format!(
                "article {} has no body",
                before.id
            )));
        };
        let tags_before: Vec<i64> = whole.tags.iter().map(|tag| tag.num).collect();
        let same_links = whole.curation == links.curation;
        let same_group = row.translation_group == before.translation_group;
        let same_text =
            body == whole.body && tags == tags_before && same_but_for_group(&row, &before);
        if same_text && same_links && same_group {
            return Ok(saved(Outcome::Unchanged, &before, links));
        }
        // A link to another article is no edit of this one: it has no version of its own.
        if !same_text {
            self.keep_revision(conn, &whole)?;
            row.version += 1;
            row.saved_by = self.by.map(str::to_owned);
            if draft.updated_at.is_none() {
                row.updated_at = to_stored(self.now);
            }
        }
        diesel::update(articles::table.filter(articles::num.eq(row.num)))
            .set(&row)
            .execute(conn)?;
        diesel::update(bodies::table.filter(bodies::article_num.eq(row.num)))
            .set(&body)
            .execute(conn)?;
        if tags != tags_before {
            tagging::replace(conn, row.num, &tags)?;
        }
        if !same_links {
            curations::replace(conn, row.num, &links.curation)?;
        }
        if row.slug != before.slug {
            aliases::remove(conn, &row.slug)?;
            aliases::add(conn, &before.slug, row.num)?;
        }
        let action = Action::between(before.is_public(self.now), row.is_public(self.now));
        self.log(conn, &row, action)?;
        self.join_group(conn, &links, row.num)?;
        Ok(saved(Outcome::Updated, &row, links))
    }

    /// The row as `draft` wants it, on the ground of what it was.
    fn filled(
        &self,
        before: &ArticleRow,
        draft: &Draft,
        translation_group: Option<String>,
        standing: Standing,
    ) -> ArticleRow {
        let published_at = draft.published_at.map(to_stored).or(before.published_at);
        let published_at = match draft.status {
            Status::Published => published_at.or(Some(to_stored(self.now))),
            _ => published_at,
        };
        let first_before = match standing {
            Standing::Hidden => None,
            Standing::Visible | Standing::Gone => before.first_published_at,
        };
        let to_be_public = draft.status != Status::Draft;
        let first = draft.first_published_at.map(to_stored).or(first_before);
        ArticleRow {
            external_id: draft
                .external_id
                .clone()
                .or_else(|| before.external_id.clone()),
            language: draft.language.as_str().to_owned(),
            headline: draft.headline.clone(),
            standfirst: draft.standfirst.clone(),
            trail_text: draft.trail_text.clone(),
            excerpt: draft.excerpt(),
            byline: draft.byline.clone(),
            image: draft.image.as_ref().map(json_text),
            source_name: draft.source.as_ref().map(|source| source.name.clone()),
            source_url: draft.source.as_ref().and_then(|source| source.url.clone()),
            canonical_url: draft.canonical_url.clone(),
            license: draft.rights.license.clone(),
            attribution: draft.rights.attribution.clone(),
            syndicatable: draft.rights.syndicatable,
            sponsors: json_text(&draft.sponsors),
            translation_group,
            status: draft.status.as_str().to_owned(),
            published_at,
            first_published_at: first.or(published_at.filter(|_| to_be_public)),
            embargoed_until: draft.embargoed_until.map(to_stored),
            expires_at: draft.expires_at.map(to_stored),
            related: draft.related.as_str().to_owned(),
            ..before.clone()
        }
    }

    fn blank(&self, id: Uuid, slug: &Slug) -> ArticleRow {
        let now = to_stored(self.now);
        ArticleRow {
            num: 0,
            id: id.to_string(),
            slug: slug.to_string(),
            external_id: None,
            language: String::new(),
            headline: String::new(),
            standfirst: None,
            trail_text: None,
            excerpt: String::new(),
            byline: None,
            image: None,
            source_name: None,
            source_url: None,
            canonical_url: None,
            license: None,
            attribution: None,
            syndicatable: true,
            sponsors: String::new(),
            translation_group: None,
            status: String::new(),
            published_at: None,
            first_published_at: None,
            updated_at: now,
            embargoed_until: None,
            expires_at: None,
            related: String::new(),
            created_at: now,
            deleted_at: None,
            saved_by: self.by.map(str::to_owned),
            version: 1,
        }
    }

    /// A given slug that another article has, or had, leaves the article the one it got.
    fn slug_for(&self, conn: &mut Conn, before: &ArticleRow, draft: &Draft) -> Result<String> {
        let Some(wanted) = &draft.slug else {
            return Ok(before.slug.clone());
        };
        if wanted.as_str() == before.slug {
            return Ok(before.slug.clone());
        }
        let free = match owner(conn, wanted.as_str())? {
            None => true,
            Some(Owner { num, proper }) => num == before.num && !proper,
        };
        Ok(if free {
            wanted.to_string()
        } else {
            before.slug.clone()
        })
    }

    fn keep_revision(&self, conn: &mut Conn, whole: &Whole) -> Result<()> {
        let line = whole.to_line(conn)?;
        diesel::insert_into(revisions::table)
            .values((
                revisions::article_num.eq(whole.row.num),
                revisions::version.eq(whole.row.version),
                revisions::saved_at.eq(whole.row.updated_at),
                revisions::saved_by.eq(&whole.row.saved_by),
                revisions::state.eq(line.to_string()),
            ))
            .execute(conn)?;
        Ok(())
    }

    /// Lets the original, and the translations there are, know of a new one.
    fn join_group(&self, conn: &mut Conn, links: &Links, num: i64) -> Result<()> {
        let (Some(group), Some(original)) = (&links.group, links.original) else {
            return Ok(());
        };
        diesel::update(articles::table.filter(articles::num.eq(original)))
            .set(articles::translation_group.eq(group))
            .execute(conn)?;
        let members: Vec<ArticleRow> = articles::table
            .filter(articles::translation_group.eq(group))
            .filter(articles::num.ne(num))
            .load(conn)?;
        for member in members {
            let public = member.is_public(self.now);
            self.log(conn, &member, Action::between(public, public))?;
        }
        Ok(())
    }

    fn log(&self, conn: &mut Conn, row: &ArticleRow, action: Action) -> Result<()> {
        let change = Change {
            kind: ChangeKind::Article,
            num: row.num,
            id: &row.id,
            slug: &row.slug,
            action,
            version: row.version,
        };
        changes::append(conn, &change, self.now)
    }
}

/// Other articles that a draft names, looked up.
struct Links {
    group: Option<String>,
    /// The article that this one translates.
    original: Option<i64>,
    curation: Curation,
    missing: Vec<Reference>,
}

impl Links {
    fn look_up(conn: &mut Conn, draft: &Draft) -> Result<Self> {
        let mut links = Self {
            group: None,
            original: None,
            curation: Curation::default(),
            missing: Vec::new(),
        };
        if let Some(original) = &draft.translation_of
            && let Some(row) = links.found(conn, original)?
        {
            links.group = row.translation_group.or(Some(row.id));
            links.original = Some(row.num);
        }
        for pin in &draft.pins {
            let row = links.found(conn, pin)?;
            links.curation.pins.extend(row.map(|row| row.num));
        }
        for ban in &draft.bans {
            let row = links.found(conn, ban)?;
            links.curation.bans.extend(row.map(|row| row.num));
        }
        Ok(links)
    }

    fn found(&mut self, conn: &mut Conn, reference: &Reference) -> Result<Option<ArticleRow>> {
        let row = find_reference(conn, reference)?;
        if row.is_none() {
            self.missing.push(reference.clone());
        }
        Ok(row)
    }
}

/// An article by its external id, its slug or its id.
fn find_reference(conn: &mut Conn, reference: &Reference) -> Result<Option<ArticleRow>> {
    let by_external_id = articles::table
        .filter(articles::external_id.eq(&reference.0))
        .first(conn)
        .optional()?;
    match by_external_id {
        Some(row) => Ok(Some(row)),
        None => match article_store::find(conn, &reference.0)? {
            Some(row) => Ok(Some(row)),
            None => aliases::find(conn, &reference.0),
        },
    }
}

/// The stored article that a draft is a state of: by id, else by external id, else by slug.
fn named(conn: &mut Conn, draft: &Draft) -> Result<Option<ArticleRow>> {
    let id = draft
        .id
        .or_else(|| (!draft.is_named()).then(|| draft.digest_id()));
    let id = id.map(|id| id.to_string()).unwrap_or_default();
    let external_id = draft.external_id.as_deref().unwrap_or_default();
    let slug = draft.slug.as_ref().map(Slug::as_str).unwrap_or_default();
    // No stored name is empty.
    let candidates: Vec<ArticleRow> = articles::table
        .filter(
            articles::id
                .eq(&id)
                .or(articles::slug.eq(slug))
                .or(articles::external_id.eq(external_id).assume_not_null()),
        )
        .load(conn)?;
    let has_external_id = |row: &ArticleRow| {
        !external_id.is_empty() && row.external_id.as_deref() == Some(external_id)
    };
    // Two articles of other systems may share a slug; they are two all the same.
    let same_name = |row: &ArticleRow| {
        row.slug == slug && (external_id.is_empty() || row.external_id.is_none())
    };
    let found = candidates
        .iter()
        .find(|row| row.id == id)
        .or_else(|| candidates.iter().find(|row| has_external_id(row)))
        .or_else(|| candidates.iter().find(|row| same_name(row)));
    if let Some(found) = found
        && let Some(other) = candidates.iter().find(|row| has_external_id(row))
        && other.num != found.num
    {
        let detail = format!("is that of another article, {}", other.id);
        return Err(Error::InvalidBody(vec![Fault::new("/external_id", detail)]));
    }
    match (found, &draft.slug) {
        (Some(found), _) => Ok(Some(found.clone())),
        (None, None) => Ok(None),
        // Known by a name it had before.
        (None, Some(slug)) => {
            let renamed = aliases::find(conn, slug.as_str())?;
            Ok(renamed.filter(|row| external_id.is_empty() || row.external_id.is_none()))
        }
    }
}

fn same_but_for_group(row: &ArticleRow, before: &ArticleRow) -> bool {
    let translation_group = before.translation_group.clone();
    *before
        == ArticleRow {
            translation_group,
            ..row.clone()
        }
}

/// The article that a slug leads to.
struct Owner {
    num: i64,
    /// Not merely as an alias.
    proper: bool,
}

fn owner(conn: &mut Conn, slug: &str) -> Result<Option<Owner>> {
    let proper: Option<i64> = articles::table
        .filter(articles::slug.eq(slug))
        .select(articles::num)
        .first(conn)
        .optional()?;
    if let Some(num) = proper {
        return Ok(Some(Owner { num, proper: true }));
    }
    let alias: Option<i64> = article_aliases::table
        .filter(article_aliases::slug.eq(slug))
        .select(article_aliases::article_num)
        .first(conn)
        .optional()?;
    Ok(alias.map(|num| Owner { num, proper: false }))
}

/// The slug itself or a variant that no article has or had. After a few numbers the id decides, so that a
/// thousand articles of one headline do not take a million look-ups.
fn free_slug(conn: &mut Conn, wanted: &Slug, id: Uuid) -> Result<Slug> {
    let numbered = (2..10).map(|number| wanted.with_suffix(&number.to_string()));
    let by_id = wanted.with_suffix(&id.simple().to_string()[20..]);
    for slug in std::iter::once(wanted.clone())
        .chain(numbered)
        .chain([by_id])
    {
        if owner(conn, slug.as_str())?.is_none() {
            return Ok(slug);
        }
    }
    Ok(wanted.with_suffix(&id.simple().to_string()))
}

fn body_row(article_num: i64, draft: &Draft) -> BodyRow {
    let body = &draft.body;
    BodyRow {
        article_num,
        format: body.format.as_str().to_owned(),
        source: body.source.clone(),
        html: body.html.clone(),
        text: body.text.clone(),
        word_count: body.word_count,
    }
}

fn saved(outcome: Outcome, row: &ArticleRow, links: Links) -> Saved {
    Saved {
        outcome,
        num: row.num,
        id: row.id.clone(),
        slug: row.slug.clone(),
        version: row.version,
        missing: links.missing,
    }
}

/// Serialising plain data to a string does not fail.
fn json_text(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
