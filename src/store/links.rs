//! What a draft says of other articles and of tags: which articles it names, and whether its author may say so.

use uuid::Uuid;

use crate::content::article::{Draft, Fault, Reference, RelatedMode};
use crate::content::sight::Sight;
use crate::content::visibility::Status;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::store::articles::ArticleRow;
use crate::store::curations::Curation;
use crate::store::save::{Manner, Save};
use crate::store::state::Whole;
use crate::store::{groups, naming};

/// Aliases that all tags of one article may bring together.
const MAX_ALIASES: usize = 200;

/// Other articles that a draft names, looked up.
#[derive(Default)]
pub(super) struct Links {
    pub group: Option<String>,
    /// The article that this one translates.
    pub original: Option<i64>,
    /// The original had no translation before.
    pub is_new: bool,
    pub curation: Curation,
    pub missing: Vec<Reference>,
    /// The same, with their places.
    pub faults: Vec<Fault>,
}

impl Save<'_> {
    /// Whether the caller may know of an article.
    pub(super) fn sees(&self, row: &ArticleRow) -> bool {
        let public = row.deleted_at.is_none() && row.is_public(self.now);
        public || self.sight.reaches(row.created_by.as_deref())
    }

    /// What the draft names, given what the article was.
    ///
    /// # Errors
    /// [`Error::InvalidBody`] where an editor names what is not there, [`Error::Forbidden`] where it is not the
    /// caller's to say.
    pub(super) fn links(
        &self,
        conn: &mut Conn,
        draft: &Draft,
        before: Option<&Whole>,
    ) -> Result<Links> {
        let mut links = Links::default();
        if let Some(original) = &draft.translation_of
            && let Some(row) = self.found(conn, &mut links, original, "/translation_of", before)?
        {
            links.is_new = row.translation_group.is_none();
            // Never an article's id: that article may leave the group, and come to name another.
            let group = || Uuid::now_v7().to_string();
            links.group = Some(row.translation_group.clone().unwrap_or_else(group));
            links.original = Some(row.num);
            self.may_join(conn, &links, &row, before)?;
        }
        for (at, pin) in draft.pins.iter().enumerate() {
            let row = self.found(conn, &mut links, pin, &format!("/pins/{at}"), before)?;
            once(&mut links.curation.pins, row);
        }
        for (at, ban) in draft.bans.iter().enumerate() {
            let pointer = format!("/bans/{at}");
            let row = self.found(conn, &mut links, ban, &pointer, before)?;
            if row
                .as_ref()
                .is_some_and(|row| links.curation.pins.contains(&row.num))
            {
                links
                    .faults
                    .push(Fault::new(pointer, "is pinned and banned at once"));
            }
            once(&mut links.curation.bans, row);
        }
        if self.manner == Manner::Edit && !links.faults.is_empty() {
            return Err(Error::InvalidBody(links.faults));
        }
        self.may_curate(&links.curation, draft.related, before)?;
        Ok(links)
    }

    /// A deleted article, and one that the caller may not know of, is not there, unless it is linked already.
    fn found(
        &self,
        conn: &mut Conn,
        links: &mut Links,
        reference: &Reference,
        pointer: &str,
        before: Option<&Whole>,
    ) -> Result<Option<ArticleRow>> {
        let row = naming::find_among(conn, reference, |row| {
            let exists = row.deleted_at.is_none() && self.sees(row);
            exists || before.is_some_and(|before| is_linked(before, row))
        })?;
        if row.is_none() {
            links.missing.push(reference.clone());
            let detail = format!("there is no article {:?}", reference.0);
            links.faults.push(Fault::new(pointer, detail));
        }
        let itself = |row: &ArticleRow| before.is_some_and(|before| before.row.num == row.num);
        if row.as_ref().is_some_and(itself) {
            links
                .faults
                .push(Fault::new(pointer, "is the article itself"));
        }
        Ok(row)
    }

    fn is_editor(&self) -> bool {
        self.sight == Sight::All
    }

    /// What stands beside an article is for editors to say; others send it as it is.
    fn may_curate(
        &self,
        wanted: &Curation,
        related: RelatedMode,
        before: Option<&Whole>,
    ) -> Result<()> {
        let none = Curation::default();
        let (curation, mode) = match before {
            Some(before) => (&before.curation, before.row.related.as_str()),
            None => (&none, RelatedMode::default().as_str()),
        };
        let changed = [
            ("pins", wanted.pins != curation.pins),
            ("bans", wanted.bans != curation.bans),
            ("related", related.as_str() != mode),
        ];
        match changed.into_iter().find(|(_, changed)| *changed) {
            Some((member, _)) if !self.is_editor() => Err(Error::Forbidden(format!(
                "/{member} is for editors to set; this needs the role editor"
            ))),
            _ => Ok(()),
        }
    }

    /// Authors make translations of drafts of their own: what joins a group is told to the readers of all of it, and
    /// takes a language in it.
    fn may_join(
        &self,
        conn: &mut Conn,
        links: &Links,
        original: &ArticleRow,
        before: Option<&Whole>,
    ) -> Result<()> {
        let group = before.and_then(|before| before.row.translation_group.as_ref());
        if self.is_editor() || (!links.is_new && links.group.as_ref() == group) {
            return Ok(());
        }
        let mut touched = groups::around(conn, original)?;
        if let Some(before) = before {
            touched.extend(groups::around(conn, &before.row)?);
        }
        match touched.iter().all(|row| self.is_own_draft(row)) {
            true => Ok(()),
            false => Err(Error::Forbidden(
                "/translation_of may name a draft of one's own with such translations; others are for editors to \
                 join: this needs the role editor"
                    .to_owned(),
            )),
        }
    }

    fn is_own_draft(&self, row: &ArticleRow) -> bool {
        // A draft is always hidden.
        self.sight.reaches(row.created_by.as_deref()) && row.visibility().status == Status::Draft
    }

    /// Names of tags, their place and their meaning are the editors': an author's mention makes a plain new tag.
    pub(super) fn may_tag(&self, draft: &Draft) -> Result<()> {
        let mut faults = Vec::new();
        if !self.is_editor() {
            for (at, tag) in draft.tags.iter().enumerate() {
                let said = [
                    ("aliases", !tag.aliases.is_empty()),
                    ("parent", tag.parent.is_some()),
                    ("description", tag.description.is_some()),
                ];
                for (member, _) in said.into_iter().filter(|(_, said)| *said) {
                    let detail = "is for editors to say of a tag";
                    faults.push(Fault::new(format!("/tags/{at}/{member}"), detail));
                }
            }
        }
        let aliases: usize = draft.tags.iter().map(|tag| tag.aliases.len()).sum();
        if aliases > MAX_ALIASES {
            let detail = format!("have {aliases} aliases together; the most is {MAX_ALIASES}");
            faults.push(Fault::new("/tags", detail));
        }
        match faults.is_empty() {
            true => Ok(()),
            false => Err(Error::InvalidBody(faults)),
        }
    }
}

fn is_linked(before: &Whole, row: &ArticleRow) -> bool {
    let group = &before.row.translation_group;
    before.curation.pins.contains(&row.num)
        || before.curation.bans.contains(&row.num)
        || (group.is_some() && *group == row.translation_group)
}

/// Two names may be those of one article.
fn once(nums: &mut Vec<i64>, row: Option<ArticleRow>) {
    nums.extend(row.map(|row| row.num).filter(|num| !nums.contains(num)));
}
