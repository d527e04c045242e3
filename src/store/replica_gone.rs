//! Articles of another store that can no longer be read there.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::content::slug::Slug;
use crate::content::time::to_stored;
use crate::content::visibility::Standing;
use crate::db::Conn;
use crate::error::Result;
use crate::store::articles::{self as article_store, ArticleRow, BodyRow};
use crate::store::changes::Action;
use crate::store::replica::Replicas;
use crate::store::replica_checks::check_names;
use crate::store::save::Outcome;
use crate::store::{aliases, rows, transitions};

/// An article that can no longer be read, of which nothing else is known: the public finds 410 under its name.
#[derive(Clone, Debug)]
pub struct ReplicaGone {
    pub id: Uuid,
    pub slug: Slug,
    pub version: i64,
    pub at: DateTime<Utc>,
    /// For ever; otherwise it is withdrawn.
    pub deleted: bool,
}

impl Replicas {
    /// Lets the public find 410 under the article's name; one that was never here leaves a tombstone without a text.
    ///
    /// # Errors
    /// [`Error::Conflict`] where its slug is another article's.
    pub fn gone(&mut self, conn: &mut Conn, gone: &ReplicaGone) -> Result<Outcome> {
        let Some(before) = article_store::find(conn, &gone.id.to_string())? else {
            let row = stub(gone);
            let names = (row.slug.as_str(), None, &[][..]);
            check_names(conn, names, None)?;
            let num = article_store::insert(conn, &row, empty_body)?;
            let row = ArticleRow { num, ..row };
            let action = Action::of_article(Standing::Hidden, row.standing(self.now));
            transitions::log(conn, &row, action, self.now)?;
            return Ok(Outcome::Created);
        };
        let mut row = gone_row(&before, gone, self.now);
        if row == before {
            return Ok(Outcome::Unchanged);
        }
        let mut before = before;
        transitions::settle(conn, &mut before, self.now)?;
        row.next_change_at = None;
        if row.slug != before.slug {
            check_names(conn, (row.slug.as_str(), None, &[]), Some(&before))?;
            aliases::remove(conn, &row.slug)?;
        }
        article_store::update(conn, &before, &row)?;
        if row.slug != before.slug {
            aliases::add(conn, &before.slug, row.num)?;
        }
        self.tell(conn, &before, &row, &[], None)?;
        self.tell_group(conn, &before, &row, false)?;
        Ok(Outcome::Updated)
    }
}

fn stub(gone: &ReplicaGone) -> ArticleRow {
    let blank = rows::blank(gone.id, &gone.slug, None, gone.at);
    let row = ArticleRow {
        language: "und".to_owned(),
        headline: gone.slug.to_string(),
        sponsors: "[]".to_owned(),
        related: "auto".to_owned(),
        ..blank
    };
    gone_row(&row, gone, gone.at)
}

/// The row as little changed as it takes to be gone.
fn gone_row(before: &ArticleRow, gone: &ReplicaGone, now: DateTime<Utc>) -> ArticleRow {
    let at = to_stored(gone.at);
    let mut row = ArticleRow {
        slug: gone.slug.to_string(),
        version: gone.version,
        deleted_at: gone.deleted.then(|| before.deleted_at.unwrap_or(at)),
        ..before.clone()
    };
    let shows_410 = match gone.deleted {
        true => row.standing(now) != Standing::Hidden,
        false => row.standing(now) == Standing::Gone,
    };
    if !shows_410 {
        row.status = "withdrawn".to_owned();
        row.embargoed_until = None;
        row.published_at = Some(row.published_at.map_or(at, |time| time.min(at)));
        row.first_published_at = row.first_published_at.or(row.published_at);
    }
    row
}

fn empty_body(article_num: i64) -> BodyRow {
    BodyRow {
        article_num,
        format: "text".to_owned(),
        source: String::new(),
        html: String::new(),
        text: String::new(),
        word_count: 0,
        saved_at: None,
    }
}
