//! What a database holds, in numbers, by which a copy is held against it.

use diesel::dsl::{count_star, max};
use diesel::prelude::*;

use crate::db::Conn;
use crate::db::schema::{articles, bodies, changes, revisions};
use crate::error::Result;
use crate::store::identity;

/// The rows of the tables that only grow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stock {
    /// The store's id; `None` where it was never served.
    pub store: Option<String>,
    pub articles: i64,
    pub bodies: i64,
    pub revisions: i64,
    /// The last line of the log.
    pub last: i64,
}

impl Stock {
    /// # Errors
    /// When the database fails, or is none of ours.
    pub fn take(conn: &mut Conn) -> Result<Self> {
        let last: Option<i64> = changes::table.select(max(changes::seq)).first(conn)?;
        Ok(Self {
            store: identity::known(conn)?,
            articles: articles::table.select(count_star()).first(conn)?,
            bodies: bodies::table.select(count_star()).first(conn)?,
            revisions: revisions::table.select(count_star()).first(conn)?,
            last: last.unwrap_or_default(),
        })
    }

    /// Whether this is what the database held at some moment between two others.
    pub fn is_between(&self, before: &Self, after: &Self) -> bool {
        let numbers = |stock: &Self| [stock.articles, stock.bodies, stock.revisions, stock.last];
        let all = numbers(before)
            .into_iter()
            .zip(numbers(self))
            .zip(numbers(after));
        let same_store = self.store == before.store || self.store == after.store;
        same_store
            && self.articles == self.bodies
            && all
                .into_iter()
                .all(|((least, here), most)| least <= here && here <= most)
    }
}
