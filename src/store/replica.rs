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
use crate::db::schema::{articles, bodies};
use crate::error::{Error, Result};
use crate::store::articles::{self as article_store, ArticleRow, BodyRow};
use crate::store::changes::Action;
use crate::store::curations::{self, Curation};
use crate::store::naming::{self, Owner};
use crate::store::replica_groups::{Grouping, ReplicaGroup};
use crate::store::save::{self, Outcome, Saved};
use crate::store::state::{self, Whole};
use crate::store::{aliases, groups, previews, rows, tagging, transitions};

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
}

/// An article as it is to be stored, all of its names looked up.
struct Wanted {
    row: ArticleRow,
    body: BodyRow,
    tags: Vec<i64>,
    curation: Curation,
    /// In order.
    aliases: Vec<String>,
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
        }
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
        row.num = diesel::insert_into(articles::table)
            .values(&*row)
            .returning(articles::num)
            .get_result(conn)?;
        let num = row.num;
        wanted.body.article_num = num;
        diesel::insert_into(bodies::table)
            .values(&wanted.body)
            .execute(conn)?;
        tagging::insert(conn, num, &wanted.tags)?;
        if wanted.curation != Curation::default() {
            curations::replace(conn, num, &wanted.curation)?;
        }
        for alias in &wanted.aliases {
            aliases::add(conn, alias, num)?;
        }
        let action = Action::of_article(Standing::Hidden, wanted.row.standing(self.now));
        transitions::log(conn, &wanted.row, action, self.now)?;
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
            aliases::remove(conn, alias)?;
        }
        save::update_row(conn, row)?;
        for alias in wanted
            .aliases
            .iter()
            .filter(|alias| !aliases_before.contains(alias))
        {
            aliases::add(conn, alias, row.num)?;
        }
        diesel::update(bodies::table.filter(bodies::article_num.eq(row.num)))
            .set(&wanted.body)
            .execute(conn)?;
        if wanted.tags != tags_before {
            tagging::replace(conn, row.num, &wanted.tags)?;
        }
        if !same_links {
            curations::replace(conn, row.num, &wanted.curation)?;
        }
        let moved = save::moved(&tags_before, &wanted.tags);
        self.tell(conn, &before, &wanted.row, &moved)?;
        wanted.grouping.carry_out(conn, &wanted.row, self.now)?;
        let other_pins = whole.curation.pins != wanted.curation.pins;
        self.tell_group(conn, &before, &wanted.row, other_pins)?;
        Ok(wanted.saved(Outcome::Updated))
    }

    /// Lets the public find 410 under the article's name; one that was never here leaves a tombstone without a text.
    ///
    /// # Errors
    /// [`Error::Conflict`] where its slug is another article's.
    pub fn gone(&mut self, conn: &mut Conn, gone: &ReplicaGone) -> Result<Outcome> {
        let Some(before) = article_store::find(conn, &gone.id.to_string())? else {
            let row = stub(gone);
            let names = (row.slug.as_str(), None, &[][..]);
            check_names(conn, names, None)?;
            let num: i64 = diesel::insert_into(articles::table)
                .values(&row)
                .returning(articles::num)
                .get_result(conn)?;
            diesel::insert_into(bodies::table)
                .values(empty_body(num))
                .execute(conn)?;
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
        save::update_row(conn, &row)?;
        if row.slug != before.slug {
            aliases::add(conn, &before.slug, row.num)?;
        }
        self.tell(conn, &before, &row, &[])?;
        self.tell_group(conn, &before, &row, false)?;
        Ok(Outcome::Updated)
    }

    /// The line in the log, by what the public saw before and sees now; previews end with what they showed.
    fn tell(
        &self,
        conn: &mut Conn,
        before: &ArticleRow,
        row: &ArticleRow,
        moved: &[i64],
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
        match self.precedence {
            Precedence::Stored => transitions::log_moved(conn, row, action, moved, self.now),
            // It told the slug itself.
            Precedence::Other => {
                transitions::log_under(conn, row, &row.slug, action, moved, self.now)
            }
        }
    }

    /// Lets its translations look again, where what they show of it has changed.
    fn tell_group(
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
            Some(slugs) => slugs.iter().map(ToString::to_string).collect(),
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

/// What it was called here, for who does not know what it was called.
fn kept_aliases(conn: &mut Conn, row: &ArticleRow, before: Option<&Whole>) -> Result<Vec<String>> {
    let Some(before) = before else {
        return Ok(Vec::new());
    };
    let mut kept = aliases::of(conn, &[row.num])?.remove(&row.num);
    kept.get_or_insert_default().push(before.row.slug.clone());
    Ok(kept.unwrap_or_default())
}

/// Each once, and none the article's own slug.
fn in_order(mut aliases: Vec<String>, slug: &str) -> Vec<String> {
    aliases.retain(|alias| alias != slug);
    aliases.sort_unstable();
    aliases.dedup();
    aliases
}

/// Whether all names are free, or the article's own. A slug is never passed on, so it is no question of order.
fn check_names(
    conn: &mut Conn,
    (slug, external_id, aliases): (&str, Option<&str>, &[String]),
    before: Option<&ArticleRow>,
) -> Result<()> {
    let num = before.map(|before| before.num);
    let mut faults = Vec::new();
    let slugs = aliases
        .iter()
        .map(|alias| ("/former_slugs", alias.as_str()));
    for (pointer, slug) in std::iter::once(("/slug", slug)).chain(slugs) {
        if let Some(Owner { num: owner, .. }) = naming::owner(conn, slug)?
            && Some(owner) != num
        {
            let detail = format!("{slug:?} is, or was, the slug of another article");
            faults.push(Fault::new(pointer, detail));
        }
    }
    if let Some(external_id) = external_id
        && let Some(other) = naming::by_external_id(conn, external_id)?
        && Some(other.num) != num
    {
        let detail = format!("is that of another article, {}", other.id);
        faults.push(Fault::new("/external_id", detail));
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(Error::Conflict(faults)),
    }
}

/// Whether what is stored is the very state that comes, or one of its past.
fn check_descent(whole: &Whole, replica: &ReplicaArticle) -> Result<()> {
    let (here, there) = (whole.row.version, replica.version);
    if here > there {
        let detail = format!("is in version {here} here, and comes in version {there}");
        return Err(Error::conflict("/version", detail));
    }
    let Some(inside) = &replica.inside else {
        return Ok(());
    };
    let saved_at = match here == there {
        true => Some(inside.saved_at.unwrap_or(replica.updated_at)),
        false => {
            let past = inside.past.iter().find(|(version, _)| *version == here);
            past.map(|(_, saved_at)| *saved_at)
        }
    };
    match saved_at.map(to_stored) == Some(whole.saved_at()) {
        true => Ok(()),
        false => {
            let detail = format!(
                "version {here}, which is stored here, is not the version {here} that this article had"
            );
            Err(Error::conflict("/version", detail))
        }
    }
}

fn stub(gone: &ReplicaGone) -> ArticleRow {
    let blank = rows::blank(gone.id, &gone.slug, None, gone.at);
    let row = ArticleRow {
        language: "und".to_owned(),
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
