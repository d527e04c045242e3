//! The links of an imported article, set once all that the import brings is in.

use diesel::prelude::*;

use crate::content::article::Draft;
use crate::content::time::to_stored;
use crate::db::Conn;
use crate::db::schema::articles;
use crate::error::{Error, Result};
use crate::store::articles::{self as article_store, ArticleRow};
use crate::store::changes::Action;
use crate::store::save::{self, Outcome, Save, Saved};
use crate::store::{aliases, curations, naming, state, transitions};

/// An article as the import has left it.
pub struct Left<'a> {
    pub id: &'a str,
    pub version: i64,
    /// Whether the import made this version, rather than meet it.
    pub made: bool,
    /// Slugs that it had elsewhere, and is to be found by where no other article has them.
    pub former: &'a [String],
}

impl Save<'_> {
    /// Sets the pins, the bans and the original that `draft` names, and former slugs, and nothing else.
    ///
    /// # Errors
    /// [`Error::Conflict`] where the article is not as it was left; the transaction may go on.
    pub fn link(&self, conn: &mut Conn, draft: &Draft, left: &Left) -> Result<Saved> {
        let mut before = as_left(conn, left)?;
        let whole = state::whole(conn, &before)?;
        let links = self.links(conn, draft, Some(&whole))?;
        let pins_before = whole.curation;
        let group = links
            .group
            .clone()
            .or_else(|| before.translation_group.clone());
        let same_links = pins_before == links.curation;
        let same_group = group == before.translation_group;
        let former = unclaimed(conn, left.former)?;
        if same_links && same_group && former.is_empty() {
            return Ok(save::saved(Outcome::Unchanged, before, links));
        }
        transitions::settle(conn, &mut before, self.now)?;
        let linked = |row: ArticleRow| ArticleRow {
            translation_group: group,
            updated_at: draft.updated_at.map_or(row.updated_at, to_stored),
            ..row
        };
        let row = if left.made || same_links {
            // Still the version that the import made: no editor has seen it without its links and said so.
            let row = linked(before.clone());
            article_store::update(conn, &before, &row)?;
            row
        } else {
            self.with_row(conn, &before, linked)?
        };
        if !same_links {
            curations::replace(conn, row.num, &links.curation)?;
        }
        for slug in former {
            aliases::add(conn, slug, row.num)?;
        }
        let public = row.is_public(self.now);
        transitions::log(conn, &row, Action::between(public, public), self.now)?;
        if !same_group || links.is_new {
            self.join_group(conn, &links, &row)?;
        } else if pins_before.pins != links.curation.pins {
            self.stay_in_group(conn, &row, true)?;
        }
        Ok(save::saved(Outcome::Updated, row, links))
    }
}

/// Those that no article has or had.
fn unclaimed<'a>(conn: &mut Conn, former: &'a [String]) -> Result<Vec<&'a str>> {
    let mut unclaimed = Vec::new();
    for slug in former {
        if !unclaimed.contains(&slug.as_str()) && naming::owner(conn, slug)?.is_none() {
            unclaimed.push(slug);
        }
    }
    Ok(unclaimed)
}

fn as_left(conn: &mut Conn, left: &Left) -> Result<ArticleRow> {
    let row: Option<ArticleRow> = articles::table
        .filter(articles::id.eq(left.id))
        .filter(articles::version.eq(left.version))
        .filter(articles::deleted_at.is_null())
        .first(conn)
        .optional()?;
    row.ok_or_else(|| Error::conflict("", "was changed meanwhile; its links were not set"))
}
