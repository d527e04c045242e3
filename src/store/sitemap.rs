//! All articles of a list in parts that stay the same: an article stays in the part that its number is in.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::dsl::max;
use diesel::prelude::*;

use crate::db::Conn;
use crate::db::schema::articles;
use crate::error::Result;
use crate::store::listing::{self, Listing};

/// Articles of a part at the most. Fewer than a sitemap may have, so that with long addresses, pictures and translations
/// the bytes suffice, too.
const SIZE: i64 = 10_000;
/// Numbers among which the articles are looked at for the times of their parts, which bounds the memory.
const AT_ONCE: i64 = 20 * SIZE;

/// Numbers of articles: those after the first bound, up to the second.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    after: i64,
    to: i64,
}

impl Part {
    pub const ALL: Self = Self {
        after: 0,
        to: i64::MAX,
    };

    /// The part of this page, from 1.
    pub fn of_page(page: i64) -> Self {
        Self {
            after: (page - 1) * SIZE,
            to: page * SIZE,
        }
    }
}

/// The numbers of the list's articles in this part, at most `limit`, in order.
pub fn nums(conn: &mut Conn, listing: &Listing, part: Part, limit: usize) -> Result<Vec<i64>> {
    Ok(within(listing, part)
        .order(articles::num)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(articles::num)
        .load(conn)?)
}

/// The pages of the parts in which the list has articles, and when any in each last changed, or came out.
pub fn parts(conn: &mut Conn, listing: &Listing) -> Result<BTreeMap<i64, DateTime<Utc>>> {
    type Found = (i64, NaiveDateTime, Option<NaiveDateTime>);
    let last: Option<i64> = articles::table
        .select(max(articles::num))
        .get_result(conn)?;
    let mut parts = BTreeMap::new();
    let mut after = 0;
    while after < last.unwrap_or(0) {
        let to = after + AT_ONCE;
        let found: Vec<Found> = within(listing, Part { after, to })
            .select((articles::num, articles::updated_at, articles::published_at))
            .load(conn)?;
        for (num, updated, published) in found {
            let changed_at = published.map_or(updated, |published| published.max(updated));
            let known = parts
                .entry((num - 1) / SIZE + 1)
                .or_insert(changed_at.and_utc());
            *known = changed_at.and_utc().max(*known);
        }
        after = to;
    }
    Ok(parts)
}

fn within(listing: &Listing, part: Part) -> listing::Query<'_> {
    listing::whole(listing)
        .filter(articles::num.gt(part.after))
        .filter(articles::num.le(part.to))
}
