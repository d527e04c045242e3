//! Articles as another store has them: its word is written as it is, with versions and dates, and nothing is made up.
//!
//! Whoever brings everything along (an export) and whoever knows only what is public (a mirror) ends here.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::content::article::{Draft, Fault, Reference};
use crate::content::slug::Slug;
use crate::content::time::to_stored;
use crate::content::visibility::Standing;
use crate::db::Conn;
use crate::db::schema::bodies;
use crate::error::Result;
use crate::store::articles::{self as article_store, ArticleRow, BodyRow};
use crate::store::changes::{Action, Moves};
use crate::store::curations::{self, Curation};
use crate::store::partner_lines::{self, Partners};
use crate::store::replica_checks::{check_descent, check_names, in_order, kept_aliases};
use crate::store::replica_groups::{Grouping, ReplicaGroup};
use crate::store::save::{self, Outcome, Saved};
use crate::store::state::{self, Whole};
use crate::store::{aliases, groups, previews, rows, tagging, transitions};

pub use crate::store::replica_gone::ReplicaGone;

/// An article with everything that the caller knows of it.
#[derive(Clone, Debug)]
pub struct ReplicaArticle {
    pub id: Uuid,
    pub slug: Slug,
    pub version: i64,
    pub updated_at: DateTime<Utc>,
    /// All that an import line says: content, tags by slug in their order, status, dates as they are, pins by id or slug.
    /// Its own `id`, `slug`, `updated_at` and `translation_of` are not looked at, and `external_id` and `bans` only where
    /// there is an `inside`.
    pub content: Draft,
    pub group: ReplicaGroup,
    /// All slugs that it had before. `None`: not known; those it has here stay, and one that it loses becomes one.
    pub former_slugs: Option<Vec<Slug>>,
    /// Those of them that the public never knew.
    pub hidden_slugs: Vec<Slug>,
    /// Where the public does not know its slug: the one by which it was last told of it.
    pub told_slug: Option<Slug>,
    /// `None`: not known; what is here stays, and a new article has no more than its dates.
    pub inside: Option<Inside>,
    /// A tombstone stands as the article did at this moment.
    pub deleted_at: Option<DateTime<Utc>>,
}

/// What only the newsroom knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inside {
    pub created_at: DateTime<Utc>,
    pub created_by: Option<String>,
    /// When this version was saved, where that was kept.
    pub saved_at: Option<DateTime<Utc>>,
    pub saved_by: Option<String>,
    /// The past versions, and when each was saved: by them it is told whether what is here is one of them.
    pub past: Vec<(i64, DateTime<Utc>)>,
}

/// Who is right where the store and the other contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precedence {
    /// What is stored stays, unless it is a past state of what comes; the rest is an [`Error::Conflict`].
    Stored,
    /// The other has moved on and will tell of whatever else this touches: what stands in the way gives way.
    Other,
}

/// Writes what another store has; good for one transaction.
pub struct Replicas {
    pub(super) now: DateTime<Utc>,
    pub(super) precedence: Precedence,
    /// Numbers of tags by slug, as they were looked up.
    pub(super) tags: HashMap<String, i64>,
    pub(super) partners: Partners,
}

/// An article as it is to be stored, all of its names looked up.
struct Wanted {
    row: ArticleRow,
    body: BodyRow,
    tags: Vec<i64>,
    curation: Curation,
    /// In order, each with whether the public knew it.
    aliases: Vec<(String, bool)>,
    grouping: Grouping,
    missing: Vec<Reference>,
    dangling: Vec<Fault>,
}

impl Replicas {
    pub fn new(precedence: Precedence, now: DateTime<Utc>) -> Self {
        Self {
            now,
            precedence,
            tags: HashMap::new(),
            partners: Partners::default(),
        }
    }

    /// Lets go of what it knows of tags, and of the scopes that name them: some are about to change.
    pub(super) fn forget(&mut self) {
        self.tags.clear();
        self.partners = Partners::default();
    }

    /// Creates the article or puts this state in the place of what is stored under its id. The same state again writes
    /// nothing. Pins and bans that lead nowhere are left out and told as missing.
    ///
    /// # Errors
    /// [`Error::Conflict`] where one of its names is another article's, or what is stored is no past state of it and has
    /// precedence; the transaction may go on.
    pub fn article(&mut self, conn: &mut Conn, replica: &ReplicaArticle) -> Result<Saved> {
        let before = article_store::find(conn, &replica.id.to_string())?;
        match before {
            None => self.create(conn, replica),
            Some(row) => {
                let whole = state::whole(conn, &row)?;
                if self.precedence == Precedence::Stored {
                    check_descent(&whole, replica)?;
                }
                self.replace(conn, whole, replica)
            }
        }
    }

    fn create(&mut self, conn: &mut Conn, replica: &ReplicaArticle) -> Result<Saved> {
        let content = &replica.content;
        let at = content.first_published_at.or(content.published_at);
        let at = at.map_or(replica.updated_at, |at| at.min(replica.updated_at));
        let blank = rows::blank(replica.id, &replica.slug, None, at);
        let mut wanted = self.wanted(conn, replica, &blank, None)?;
        let row = &mut wanted.row;
        let body = &mut wanted.body;
        let num = article_store::insert(conn, row, |num| {
            body.article_num = num;
            body.clone()
        })?;
        row.num = num;
        tagging::insert(conn, row, &wanted.tags)?;
        if wanted.curation != Curation::default() {
            curations::replace(conn, num, &wanted.curation)?;
        }
        for (alias, public) in &wanted.aliases {
            aliases::add_for(conn, alias, num, *public)?;
        }
        let action = Action::of_article(Standing::Hidden, wanted.row.standing(self.now));
        let told = replica
            .told_slug
            .as_ref()
            .filter(|_| action == Action::Withdrawn);
        let slug = told.map_or(wanted.row.slug.as_str(), Slug::as_str);
        let moves = Moves::default();
        transitions::log_under(conn, &wanted.row, slug, action, moves, self.now)?;
        wanted.grouping.carry_out(conn, &wanted.row, self.now)?;
        if let Some(group) = &wanted.row.translation_group {
            groups::tell_all(conn, group, num, self.now)?;
        }
        Ok(wanted.saved(Outcome::Created))
    }

    fn replace(
        &mut self,
        conn: &mut Conn,
        whole: Whole,
        replica: &ReplicaArticle,
    ) -> Result<Saved> {
        let mut wanted = self.wanted(conn, replica, &whole.row, Some(&whole))?;
        let aliases_before = aliases::of(conn, &[whole.row.num])?.remove(&whole.row.num);
        let aliases_before = aliases_before.unwrap_or_default();
        let tags_before: Vec<i64> = whole.tags.iter().map(|tag| tag.num).collect();
        let same_links = whole.curation == wanted.curation;
        if wanted.row == whole.row
            && wanted.body == whole.body
            && wanted.tags == tags_before
            && wanted.aliases == aliases_before
            && same_links
            && wanted.grouping.is_settled()
        {
            return Ok(wanted.saved(Outcome::Unchanged));
        }
        let mut before = whole.row;
        transitions::settle(conn, &mut before, self.now)?;
        let row = &mut wanted.row;
        row.next_change_at = next_change(row, self.now);
        // First, for a former slug may be its slug again.
        for alias in aliases_before
            .iter()
            .filter(|alias| !wanted.aliases.contains(alias))
        {
            aliases::remove(conn, &alias.0)?;
        }
        article_store::update(conn, &before, row)?;
        for (alias, public) in wanted
            .aliases
            .iter()
            .filter(|alias| !aliases_before.contains(alias))
        {
            aliases::add_for(conn, alias, row.num, *public)?;
        }
        diesel::update(bodies::table.filter(bodies::article_num.eq(row.num)))
            .set(&wanted.body)
            .execute(conn)?;
        if wanted.tags != tags_before {
            tagging::replace(conn, row, &wanted.tags)?;
        }
        if !same_links {
            curations::replace(conn, row.num, &wanted.curation)?;
        }
        let moved = save::moved(&tags_before, &wanted.tags);
        let told = replica.told_slug.as_ref().map(Slug::as_str);
        self.tell(conn, &before, &wanted.row, &moved, told)?;
        wanted.grouping.carry_out(conn, &wanted.row, self.now)?;
        let other_pins = whole.curation.pins != wanted.curation.pins;
        self.tell_group(conn, &before, &wanted.row, other_pins)?;
        Ok(wanted.saved(Outcome::Updated))
    }

    /// The line in the log, by what the public saw before and sees now; previews end with what they showed.
    pub(super) fn tell(
        &self,
        conn: &mut Conn,
        before: &ArticleRow,
        row: &ArticleRow,
        moved: &[i64],
        told: Option<&str>,
    ) -> Result<()> {
        let is_deleted = row.deleted_at.is_some() && before.deleted_at.is_none();
        if is_deleted || save::is_withdrawn(before, row, self.now) {
            previews::revoke_of(conn, row.num, self.now)?;
        }
        let action = match is_deleted && before.standing(self.now) != Standing::Hidden {
            true => Action::Deleted,
            false => match Action::of_article(before.standing(self.now), row.standing(self.now)) {
                // Gone as before, under a slug that the public knows by now: it was out in between.
                Action::Saved
                    if self.precedence == Precedence::Other
                        && row.slug != before.slug
                        && row.standing(self.now) == Standing::Gone =>
                {
                    Action::Withdrawn
                }
                action => action,
            },
        };
        let is_gone = matches!(action, Action::Withdrawn | Action::Deleted);
        let moves = Moves::of(moved, &before.language, &row.language);
        match (self.precedence, told.filter(|_| is_gone)) {
            // As there; here the public may have been told of nothing.
            (Precedence::Stored, Some(told)) => {
                transitions::log_under(conn, row, told, action, moves, self.now)?;
            }
            (Precedence::Stored, None) => {
                transitions::log_moved(conn, row, action, moves, self.now)?;
            }
            // It told the slug itself.
            (Precedence::Other, _) => {
                transitions::log_under(conn, row, &row.slug, action, moves, self.now)?;
            }
        }
        partner_lines::note(conn, &self.partners, before, row, moved, self.now)
    }

    /// Lets its translations look again, where what they show of it has changed.
    pub(super) fn tell_group(
        &self,
        conn: &mut Conn,
        before: &ArticleRow,
        row: &ArticleRow,
        other_pins: bool,
    ) -> Result<()> {
        let same_group = row.translation_group == before.translation_group;
        let same_place = row.language == before.language && row.deleted_at == before.deleted_at;
        for group in [&before.translation_group, &row.translation_group]
            .into_iter()
            .flatten()
        {
            if !same_group || !same_place {
                groups::tell_all(conn, group, row.num, self.now)?;
            }
        }
        if same_group && same_place && other_pins {
            groups::tell_those_with_its_pins(conn, row, self.now)?;
        }
        Ok(())
    }

    fn wanted(
        &mut self,
        conn: &mut Conn,
        replica: &ReplicaArticle,
        base: &ArticleRow,
        before: Option<&Whole>,
    ) -> Result<Wanted> {
        let grouping = Grouping::of(
            conn,
            &replica.group,
            before.map(|whole| &whole.row),
            self.now,
        )?;
        let mut row = row_of(replica, base, grouping.name.clone(), self.now);
        if before.is_none() {
            row.next_change_at = next_change(&row, self.now);
        }
        let aliases = match &replica.former_slugs {
            Some(slugs) => slugs
                .iter()
                .map(|slug| (slug.to_string(), !replica.hidden_slugs.contains(slug)))
                .collect(),
            None => kept_aliases(conn, &row, before)?,
        };
        let aliases = in_order(aliases, &row.slug);
        let names = (row.slug.as_str(), row.external_id.as_deref(), &aliases[..]);
        check_names(conn, names, before.map(|whole| &whole.row))?;
        let mut wanted = Wanted {
            body: body_of(replica, &row, before),
            tags: self.tag_nums(conn, &replica.content.tags)?,
            row,
            curation: Curation::default(),
            aliases,
            grouping,
            missing: Vec::new(),
            dangling: Vec::new(),
        };
        wanted.look_up(conn, &replica.content.pins, "/pins", Kind::Pin)?;
        match (&replica.inside, before) {
            (Some(_), _) => wanted.look_up(conn, &replica.content.bans, "/bans", Kind::Ban)?,
            (None, Some(whole)) => wanted.curation.bans.clone_from(&whole.curation.bans),
            (None, None) => {}
        }
        Ok(wanted)
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Pin,
    Ban,
}

impl Wanted {
    fn look_up(
        &mut self,
        conn: &mut Conn,
        references: &[Reference],
        pointer: &str,
        kind: Kind,
    ) -> Result<()> {
        for (at, reference) in references.iter().enumerate() {
            let nums = match kind {
                Kind::Pin => &mut self.curation.pins,
                Kind::Ban => &mut self.curation.bans,
            };
            match find(conn, &reference.0)? {
                Some(row) if !nums.contains(&row.num) => nums.push(row.num),
                Some(_) => {}
                None => {
                    let detail = format!("there is no article {:?}", reference.0);
                    self.missing.push(reference.clone());
                    self.dangling
                        .push(Fault::new(format!("{pointer}/{at}"), detail));
                }
            }
        }
        Ok(())
    }

    fn saved(self, outcome: Outcome) -> Saved {
        Saved {
            outcome,
            row: self.row,
            missing: self.missing,
            dangling: self.dangling,
        }
    }
}

/// An article by id, slug or former slug. Its external id is no name to others: two stores may give it two.
pub(super) fn find(conn: &mut Conn, name: &str) -> Result<Option<ArticleRow>> {
    match article_store::find(conn, name)? {
        Some(row) => Ok(Some(row)),
        None => aliases::find(conn, name),
    }
}

fn row_of(
    replica: &ReplicaArticle,
    base: &ArticleRow,
    group: Option<String>,
    now: DateTime<Utc>,
) -> ArticleRow {
    let content = &replica.content;
    let mut row = ArticleRow {
        slug: replica.slug.to_string(),
        version: replica.version,
        external_id: base.external_id.clone(),
        published_at: content.published_at.map(to_stored),
        first_published_at: content.first_published_at.map(to_stored),
        updated_at: to_stored(replica.updated_at),
        deleted_at: replica.deleted_at.map(to_stored),
        ..rows::filled(base, content, group, Standing::Hidden, now)
    };
    match &replica.inside {
        Some(inside) => {
            row.external_id.clone_from(&content.external_id);
            row.created_at = to_stored(inside.created_at);
            row.created_by.clone_from(&inside.created_by);
            row.saved_by.clone_from(&inside.saved_by);
        }
        // Who saved this version is not known.
        None if row.version != base.version => row.saved_by = None,
        None => {}
    }
    row
}

fn body_of(replica: &ReplicaArticle, row: &ArticleRow, before: Option<&Whole>) -> BodyRow {
    let saved_at = match (&replica.inside, before) {
        (Some(inside), _) => inside.saved_at.map(to_stored),
        (None, Some(whole)) if whole.row.version == row.version => whole.body.saved_at,
        (None, _) => None,
    };
    rows::body(row.num, &replica.content, saved_at)
}

/// The moment that the scheduler waits for.
fn next_change(row: &ArticleRow, now: DateTime<Utc>) -> Option<NaiveDateTime> {
    let is_there = row.deleted_at.is_none();
    let next = is_there
        .then(|| row.visibility().next_change(now))
        .flatten();
    next.map(to_stored)
}
