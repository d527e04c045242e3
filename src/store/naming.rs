//! What articles are called: which one a name means, and whether a slug is free.

use diesel::prelude::*;
use uuid::Uuid;

use crate::content::article::{Draft, Fault, Reference};
use crate::content::slug::Slug;
use crate::db::Conn;
use crate::db::dialect::each;
use crate::db::schema::{article_aliases, articles};
use crate::error::{Error, Result};
use crate::store::articles::ArticleRow;
use crate::store::{aliases, articles as article_store};

/// An article by its external id, its slug, its id or a former slug.
pub fn find_reference(conn: &mut Conn, reference: &Reference) -> Result<Option<ArticleRow>> {
    find_among(conn, reference, |_| true)
}

/// The same, as if there were no articles but those that `exists` tells: one that is not there stands before none that
/// is.
pub fn find_among(
    conn: &mut Conn,
    reference: &Reference,
    exists: impl Fn(&ArticleRow) -> bool,
) -> Result<Option<ArticleRow>> {
    let name = &reference.0;
    // An id is no one else's to be called by.
    if Uuid::try_parse(name).is_ok()
        && let Some(row) = article_store::find(conn, name)?.filter(&exists)
    {
        return Ok(Some(row));
    }
    if let Some(row) = by_external_id(conn, name)?.filter(&exists) {
        return Ok(Some(row));
    }
    match article_store::find(conn, name)?.filter(&exists) {
        Some(row) => Ok(Some(row)),
        None => Ok(aliases::find(conn, name)?.filter(&exists)),
    }
}

pub fn by_external_id(conn: &mut Conn, external_id: &str) -> Result<Option<ArticleRow>> {
    Ok(each!(conn, conn =>
        articles::table
            .filter(articles::external_id.eq(external_id))
            .first(conn)
            .optional())?)
}

/// The stored article that a draft is a state of: by id, else by external id, else by slug.
///
/// # Errors
/// [`Error::InvalidBody`] where its names are those of two articles.
pub fn named(conn: &mut Conn, draft: &Draft) -> Result<Option<ArticleRow>> {
    let id = draft
        .id
        .or_else(|| (!draft.is_named()).then(|| draft.digest_id()));
    let id = id.map(|id| id.to_string()).unwrap_or_default();
    let external_id = draft.external_id.as_deref().unwrap_or_default();
    let slug = draft.slug.as_ref().map(Slug::as_str).unwrap_or_default();
    // No stored name is empty.
    let candidates: Vec<ArticleRow> = each!(conn, conn =>
        articles::table
            .filter(
                articles::id
                    .eq(&id)
                    .or(articles::slug.eq(slug))
                    .or(articles::external_id.eq(external_id).assume_not_null()),
            )
            .load(conn))?;
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
        // Without its id, which the caller may not know.
        let detail = "is that of another article";
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

/// The same for a draft of another system: by its external id, else, where it has no name at all, by its digest.
/// What there has its slug may be anyone's, also a draft that no one has seen.
pub fn named_elsewhere(conn: &mut Conn, draft: &Draft) -> Result<Option<ArticleRow>> {
    match (&draft.external_id, draft.is_named()) {
        (Some(external_id), _) => by_external_id(conn, external_id),
        (None, true) => Ok(None),
        (None, false) => named(conn, draft),
    }
}

/// By what an article that came another way is known to be the one of a draft: by a feed, or by an export of its site.
#[derive(Clone, Debug)]
pub struct Elsewhere {
    /// What it is called that way.
    pub external_id: Option<String>,
    /// Its page, and the end of that address.
    pub page: Option<(String, Slug)>,
    /// How external ids begin that feeds give.
    pub of_feeds: &'static str,
    /// Whether it is the draft that came by a feed. An export has more of an article.
    pub is_by_feed: bool,
}

/// The article that a draft is about and that came the other way. `None` also where the article `own`, by its external
/// id, is stored.
pub fn came_otherwise(
    conn: &mut Conn,
    own: Option<&str>,
    elsewhere: &Elsewhere,
) -> Result<Option<ArticleRow>> {
    if let Some(own) = own
        && by_external_id(conn, own)?.is_some()
    {
        return Ok(None);
    }
    if let Some(external_id) = &elsewhere.external_id
        && let Some(row) = by_external_id(conn, external_id)?
    {
        return Ok(Some(row));
    }
    let Some((page, slug)) = &elsewhere.page else {
        return Ok(None);
    };
    let row = match article_store::find(conn, slug.as_str())? {
        Some(row) => Some(row),
        None => aliases::find(conn, slug.as_str())?,
    };
    Ok(row.filter(|row| {
        let external_id = row.external_id.as_deref().unwrap_or_default();
        let own = row.canonical_url.as_deref();
        external_id.starts_with(elsewhere.of_feeds) != elsewhere.is_by_feed
            && own.is_some_and(|own| address(own) == address(page))
    }))
}

/// An address without what may differ where the page is the same.
fn address(url: &str) -> &str {
    let url = url.split('#').next().unwrap_or_default();
    let url = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
        .unwrap_or(url);
    url.trim_end_matches('/')
}

/// The article that a slug leads to.
pub struct Owner {
    pub num: i64,
    /// Not merely as an alias.
    pub proper: bool,
}

pub fn owner(conn: &mut Conn, slug: &str) -> Result<Option<Owner>> {
    let proper: Option<i64> = each!(conn, conn =>
        articles::table
            .filter(articles::slug.eq(slug))
            .select(articles::num)
            .first(conn)
            .optional())?;
    if let Some(num) = proper {
        return Ok(Some(Owner { num, proper: true }));
    }
    let alias: Option<i64> = each!(conn, conn =>
        article_aliases::table
            .filter(article_aliases::slug.eq(slug))
            .select(article_aliases::article_num)
            .first(conn)
            .optional())?;
    Ok(alias.map(|num| Owner { num, proper: false }))
}

/// The slug itself or a variant that no article has or had. After a few numbers the id decides, so that a
/// thousand articles of one headline do not take a million look-ups.
pub fn free_slug(conn: &mut Conn, wanted: &Slug, id: Uuid) -> Result<Slug> {
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
