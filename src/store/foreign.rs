//! Articles that another system wrote, in the state that it has them in now.

use crate::content::article::Draft;
use crate::content::visibility::{Standing, Status};
use crate::db::Conn;
use crate::error::Result;
use crate::store::articles::ArticleRow;
use crate::store::changes::Action;
use crate::store::links::Links;
use crate::store::partner_lines::{self, Partners};
use crate::store::save::{self, Outcome, Save, Saved};
use crate::store::tagging::Tagger;
use crate::store::{naming, previews, transitions};

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

    /// Takes the article of this external id from the public, and keeps its text for editors; one that the public was
    /// yet to see becomes a draft. `None` where there is none, or it was deleted here.
    ///
    /// # Errors
    /// When the database fails.
    pub fn withdraw(&self, conn: &mut Conn, external_id: &str) -> Result<Option<Saved>> {
        let Some(mut before) = naming::by_external_id(conn, external_id)? else {
            return Ok(None);
        };
        if before.deleted_at.is_some() {
            return Ok(None);
        }
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
