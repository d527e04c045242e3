//! Where a tag of another store stands and what it is called, where another tag here is in its way.

use std::collections::HashSet;

use diesel::prelude::*;
use uuid::Uuid;

use crate::content::article::Fault;
use crate::content::slug::Slug;
use crate::db::Conn;
use crate::db::schema::{tag_aliases, tags};
use crate::error::{Error, Result};
use crate::store::nesting::{self, MAX_NESTING, Nesting};
use crate::store::replica::{Precedence, Replicas};
use crate::store::replica_tags::ReplicaTag;
use crate::store::tags::{self as tag_store, Found, TagRow};

impl Replicas {
    /// The number of the tag above, and whether there is to be one that does not exist.
    pub(super) fn parent(
        &self,
        conn: &mut Conn,
        replica: &ReplicaTag,
        num: Option<i64>,
    ) -> Result<(Option<i64>, bool)> {
        let Some(slug) = &replica.parent else {
            return Ok((None, false));
        };
        let Some(parent) = tag_store::find(conn, slug.as_str())?.map(Found::into_row) else {
            return Ok((None, true));
        };
        if Some(parent.num) == num && self.precedence == Precedence::Other {
            return Ok((None, false));
        }
        match (nesting::under(conn, num, parent.num)?, self.precedence) {
            (Nesting::Fits, _) => {}
            // Too deep: there may be a circle further up.
            (Nesting::Circle | Nesting::TooDeep, Precedence::Other) => {
                self.lift_out(conn, num.unwrap_or_default(), parent.num)?;
            }
            (Nesting::Circle, Precedence::Stored) => {
                return Err(Error::conflict("/parent", "is the tag itself, or below it"));
            }
            (Nesting::TooDeep, Precedence::Stored) => {
                let detail = format!("would nest tags deeper than {MAX_NESTING}");
                return Err(Error::conflict("/parent", detail));
            }
        }
        Ok((Some(parent.num), false))
    }

    /// Where a tag stands below another that is about to stand below it, the way between them is cut.
    pub(super) fn lift_out(&self, conn: &mut Conn, above: i64, below: i64) -> Result<()> {
        let mut at = below;
        // A nesting may have grown deeper meanwhile than any at the other store.
        let mut passed = HashSet::new();
        while passed.insert(at) {
            let parent: Option<i64> = tags::table
                .filter(tags::num.eq(at))
                .select(tags::parent_num)
                .first::<Option<i64>>(conn)
                .optional()?
                .flatten();
            match parent {
                Some(parent) if parent == above => {
                    let row: TagRow = diesel::update(tags::table.filter(tags::num.eq(at)))
                        .set(tags::parent_num.eq(None::<i64>))
                        .returning(tags::all_columns)
                        .get_result(conn)?;
                    return self.tell_followers(conn, &row);
                }
                Some(parent) => at = parent,
                None => return Ok(()),
            }
        }
        Ok(())
    }

    /// Puts the tags of these ids right below another, those that are there and are not there yet.
    ///
    /// # Errors
    /// When the database fails.
    pub fn nest(&self, conn: &mut Conn, parent: Uuid, children: &[Uuid]) -> Result<()> {
        let Some(parent) = by_id(conn, parent)? else {
            return Ok(());
        };
        for child in children {
            let Some(row) = by_id(conn, *child)? else {
                continue;
            };
            if row.parent_num == Some(parent.num) || row.num == parent.num {
                continue;
            }
            if nesting::under(conn, Some(row.num), parent.num)? != Nesting::Fits {
                self.lift_out(conn, row.num, parent.num)?;
            }
            diesel::update(tags::table.filter(tags::num.eq(row.num)))
                .set(tags::parent_num.eq(Some(parent.num)))
                .execute(conn)?;
            self.tell_followers(conn, &row)?;
        }
        Ok(())
    }

    /// Sees to it that these slugs lead to this tag or nowhere.
    pub(super) fn clear_names(
        &self,
        conn: &mut Conn,
        slugs: &[&str],
        num: Option<i64>,
    ) -> Result<()> {
        for slug in slugs {
            let (other, detail) = match tag_store::find(conn, slug)? {
                Some(Found::Proper(other)) => {
                    let detail = format!("{slug:?} is the slug of the tag {:?}", other.name);
                    (other, detail)
                }
                Some(Found::Alias(other)) => {
                    let detail = format!("{slug:?} is an alias of the tag {:?}", other.slug);
                    (other, detail)
                }
                None => continue,
            };
            if Some(other.num) == num {
                continue;
            }
            if self.precedence == Precedence::Stored {
                return Err(Error::Conflict(vec![Fault::new("/slug", detail)]));
            }
            if other.slug != **slug {
                diesel::delete(tag_aliases::table.filter(tag_aliases::slug.eq(slug)))
                    .execute(conn)?;
                continue;
            }
            // What it is called now will be told; until then it keeps its articles under a name that no one else has.
            let parked = Slug::from_text(&other.name, "tag").with_suffix(&other.id);
            diesel::update(tags::table.filter(tags::num.eq(other.num)))
                .set(tags::slug.eq(parked.as_str()))
                .execute(conn)?;
            self.tell_followers(conn, &other)?;
        }
        Ok(())
    }
}

fn by_id(conn: &mut Conn, id: Uuid) -> Result<Option<TagRow>> {
    let row = tags::table.filter(tags::id.eq(id.to_string())).first(conn);
    Ok(row.optional()?)
}
