//! All articles of a list in parts that stay the same: an article stays in the part that its number is in.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::dsl::max;
use diesel::prelude::*;

use crate::db::Conn;
use crate::db::schema::articles;
use crate::error::Result;
use crate::store::listing::{self, Listing};

/// Numbers of articles: those after the first bound, up to the second.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    pub after: i64,
    pub to: i64,
}

impl Part {
    pub const ALL: Self = Self {
        after: 0,
        to: i64::MAX,
    };
}

/// The numbers of the list's articles in this part, at most `limit`, in order.
pub fn nums(conn: &mut Conn, listing: &Listing, part: Part, limit: usize) -> Result<Vec<i64>> {
    Ok(within(listing, part)
        .order(articles::num)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(articles::num)
        .load(conn)?)
}

/// When the list's articles in this part last changed, or came out; `None`: there is none.
pub fn changed_at(conn: &mut Conn, listing: &Listing, part: Part) -> Result<Option<DateTime<Utc>>> {
    let (updated, published): (Option<NaiveDateTime>, Option<NaiveDateTime>) =
        within(listing, part)
            .select((max(articles::updated_at), max(articles::published_at)))
            .get_result(conn)?;
    Ok(updated.max(published).map(|time| time.and_utc()))
}

/// The highest number of any article.
pub fn last_num(conn: &mut Conn) -> Result<i64> {
    let last: Option<i64> = articles::table
        .select(max(articles::num))
        .get_result(conn)?;
    Ok(last.unwrap_or(0))
}

fn within(listing: &Listing, part: Part) -> listing::Query<'_> {
    listing::whole(listing)
        .filter(articles::num.gt(part.after))
        .filter(articles::num.le(part.to))
}
