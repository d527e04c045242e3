//! What becomes of tags at another store: merged into others, or deleted.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::content::slug::Slug;
use crate::content::tag::TagKind;
use crate::content::time::to_stored;
use crate::db::Conn;
use crate::db::schema::{article_tags, tags};
use crate::error::Result;
use crate::store::articles as article_store;
use crate::store::changes::{self, Action, Change, ChangeKind, Moves};
use crate::store::replica::Replicas;
use crate::store::save::Outcome;
use crate::store::tags::{self as tag_store, TagRow};
use crate::store::{
    partner_moves, rights, tag_merging, tag_saving, tagging, transitions, webhook_filters,
};

/// A tag that became part of another.
#[derive(Clone, Debug)]
pub struct ReplicaMerger {
    /// The tag that is gone.
    pub id: Uuid,
    pub slug: Slug,
    /// The last version of it, as the log tells.
    pub version: i64,
    /// The slug of the tag that remains. Its own new version comes as a [`ReplicaTag`].
    pub into: Slug,
    pub at: DateTime<Utc>,
}

impl Replicas {
    /// Lets one tag become part of another: its articles, its names and what is below it.
    ///
    /// # Errors
    /// When the database fails.
    pub fn merger(&mut self, conn: &mut Conn, merger: &ReplicaMerger) -> Result<Outcome> {
        self.forget();
        let into = match tag_store::find(conn, merger.into.as_str())? {
            Some(found) => found.into_row(),
            None => self.placeholder(conn, &merger.into, merger.into.as_str(), TagKind::Keyword)?,
        };
        let id = merger.id.to_string();
        let from = self.stored_tag(conn, &id, merger.slug.as_str())?;
        match from.filter(|from| from.num != into.num) {
            Some(from) => {
                self.merge(conn, &from, &into, merger.at)?;
                if from.id != id {
                    self.tell_followers(
                        conn,
                        &TagRow {
                            num: into.num,
                            ..from
                        },
                    )?;
                }
            }
            None => {
                // Where the name leads somewhere, what it leads to has told so: it may have been freed there and taken anew.
                let slug = merger.slug.as_str();
                if tag_store::find(conn, slug)?.is_some() {
                    return Ok(Outcome::Unchanged);
                }
                tag_saving::add_alias(conn, into.num, slug)?;
            }
        }
        // As at the other store: the line leads to the articles, which bear the other tag now.
        let change = Change {
            kind: ChangeKind::Tag,
            num: into.num,
            id: &id,
            slug: merger.slug.as_str(),
            action: Action::Merged,
            version: merger.version,
            moves: Moves::default(),
        };
        changes::append(conn, &change, self.now)?;
        Ok(Outcome::Updated)
    }

    /// Takes a tag away. What bears it here must have changed there, too, and will be told of.
    ///
    /// # Errors
    /// When the database fails.
    pub fn tag_gone(
        &mut self,
        conn: &mut Conn,
        id: Uuid,
        slug: &Slug,
        version: i64,
    ) -> Result<Outcome> {
        self.forget();
        let Some(row) = self.stored_tag(conn, &id.to_string(), slug.as_str())? else {
            return Ok(Outcome::Unchanged);
        };
        let was_public = tag_store::is_public(conn, &row, self.now)?;
        let bearers = tag_store::bearers(conn, row.num)?;
        partner_moves::of_lost_tag(conn, &row, self.now)?;
        diesel::update(tags::table.filter(tags::parent_num.eq(row.num)))
            .set(tags::parent_num.eq(None::<i64>))
            .execute(conn)?;
        diesel::delete(article_tags::table.filter(article_tags::tag_num.eq(row.num)))
            .execute(conn)?;
        diesel::delete(tags::table.filter(tags::num.eq(row.num))).execute(conn)?;
        let action = match was_public {
            true => Action::Deleted,
            false => Action::Saved,
        };
        let keys = rights::naming(conn, &row.id)?;
        if !keys.is_empty() {
            log::warn!(
                "the tag {:?} is gone, and the rights of these keys name it: {}",
                row.slug,
                keys.join(", ")
            );
        }
        let gone = TagRow { version, ..row };
        tagging::log_change(conn, &gone, action, self.now)?;
        self.tell_bearers(conn, &bearers, gone.num)?;
        Ok(Outcome::Updated)
    }

    fn merge(
        &self,
        conn: &mut Conn,
        from: &TagRow,
        into: &TagRow,
        at: DateTime<Utc>,
    ) -> Result<()> {
        self.lift_out(conn, from.num, into.num)?;
        partner_moves::of_merger(conn, from, into, self.now)?;
        tag_merging::pass_articles(conn, from.num, into.num)?;
        diesel::update(tags::table.filter(tags::parent_num.eq(from.num)))
            .set((
                tags::parent_num.eq(into.num),
                tags::version.eq(tags::version + 1),
                tags::updated_at.eq(to_stored(at)),
            ))
            .execute(conn)?;
        rights::follow_merger(conn, &from.id, &into.id)?;
        webhook_filters::follow_merger(conn, from.num, into.num)?;
        tag_merging::pass_names(conn, from, into.num, true)
    }

    /// Tells that they have lost the tag.
    fn tell_bearers(&self, conn: &mut Conn, bearers: &[i64], tag: i64) -> Result<()> {
        let moves = Moves {
            tags: &[tag],
            former_language: None,
        };
        for nums in bearers.chunks(500) {
            for mut row in article_store::by_nums(conn, nums)? {
                transitions::settle(conn, &mut row, self.now)?;
                let public = row.is_public(self.now);
                let action = Action::between(public, public);
                transitions::log_moved(conn, &row, action, moves, self.now)?;
            }
        }
        Ok(())
    }
}
