//! Articles that another system wrote, in the state that it has them in now.

use url::Url;

use crate::content::article::Draft;
use crate::content::visibility::{Standing, Status};
use crate::db::Conn;
use crate::error::Result;
use crate::store::articles::ArticleRow;
use crate::store::changes::Action;
use crate::store::links::Links;
use crate::store::naming::Elsewhere;
use crate::store::partner_lines::{self, Partners};
use crate::store::save::{self, Outcome, Save, Saved};
use crate::store::tagging::Tagger;
use crate::store::{naming, previews, transitions};

/// An article that its site keeps from the public now.
#[derive(Clone, Debug)]
pub struct Withdrawal {
    pub external_id: String,
    /// Where the site is, for names that other sites may give, too. Empty where the name is no one else's.
    pub hosts: Vec<String>,
}

impl Withdrawal {
    /// Whether an article of this name is the site's, as far as its addresses tell.
    fn is_of_site(&self, row: &ArticleRow) -> bool {
        let addresses = [&row.canonical_url, &row.source_url];
        let known = addresses.into_iter().flatten();
        let known: Vec<String> = known.filter_map(|url| host(url)).collect();
        self.hosts.is_empty()
            || known.is_empty()
            || known.iter().any(|host| self.hosts.contains(host))
    }
}

/// The host of an address as hosts are compared: sites have theirs with `www.` and without.
pub fn host(url: &str) -> Option<String> {
    let url = Url::parse(url.trim()).ok()?;
    let host = url.host_str()?;
    Some(host.strip_prefix("www.").unwrap_or(host).to_owned())
}

impl Save<'_> {
    /// Puts `draft` in the place of `found`, or of the article that it names there, or creates it. Its slug leads to no
    /// article of ours, and gives way. What the public knew and is a draft there now is gone, not unknown.
    ///
    /// # Errors
    /// As [`Save::article`].
    pub fn foreign_article(
        &self,
        conn: &mut Conn,
        found: Option<ArticleRow>,
        draft: &Draft,
        tagger: &mut Tagger,
    ) -> Result<Saved> {
        let found = match found {
            Some(row) => Some(row),
            None => naming::named_elsewhere(conn, draft)?,
        };
        let known = |row: &ArticleRow| row.standing(self.now) != Standing::Hidden;
        if draft.status == Status::Draft && found.as_ref().is_some_and(known) {
            let withdrawn = Draft {
                status: Status::Withdrawn,
                ..draft.clone()
            };
            return self.over(conn, found, &withdrawn, tagger);
        }
        self.over(conn, found, draft, tagger)
    }

    /// Takes an article from the public, and keeps its text for editors; one that the public was yet to see becomes a
    /// draft. `elsewhere` tells what a feed may have brought of it. `None` where there is none, it was deleted here, or
    /// it is another site's, which the log tells.
    ///
    /// # Errors
    /// When the database fails.
    pub fn withdraw(
        &self,
        conn: &mut Conn,
        withdrawal: &Withdrawal,
        elsewhere: Option<&Elsewhere>,
    ) -> Result<Option<Saved>> {
        let external_id = withdrawal.external_id.as_str();
        let found = match (naming::by_external_id(conn, external_id)?, elsewhere) {
            (None, Some(elsewhere)) => naming::came_otherwise(conn, Some(external_id), elsewhere)?,
            (found, _) => found,
        };
        let Some(mut before) = found.filter(|row| row.deleted_at.is_none()) else {
            return Ok(None);
        };
        if matches!(
            before.visibility().status,
            Status::Draft | Status::Withdrawn
        ) {
            return Ok(Some(save::saved(
                Outcome::Unchanged,
                before,
                Links::default(),
            )));
        }
        if !withdrawal.is_of_site(&before) {
            log::warn!(
                "{external_id:?} is not withdrawn: the article of this name is another site's"
            );
            return Ok(None);
        }
        transitions::settle(conn, &mut before, self.now)?;
        let standing = before.standing(self.now);
        let row = self.with_row(conn, &before, |row| match standing {
            Standing::Hidden => ArticleRow {
                status: Status::Draft.as_str().to_owned(),
                // The hour that was planned for it.
                first_published_at: None,
                next_change_at: None,
                ..row
            },
            Standing::Visible | Standing::Gone => ArticleRow {
                status: Status::Withdrawn.as_str().to_owned(),
                next_change_at: None,
                ..row
            },
        })?;
        previews::revoke_of(conn, row.num, self.now)?;
        let action = Action::of_article(standing, row.standing(self.now));
        transitions::log(conn, &row, action, self.now)?;
        partner_lines::note(conn, &Partners::default(), &before, &row, &[], self.now)?;
        Ok(Some(save::saved(Outcome::Updated, row, Links::default())))
    }
}
