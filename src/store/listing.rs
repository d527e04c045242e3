//! Lists of articles: filters, order, and the page after a given key.

use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::dsl::{not, sql};
use diesel::helper_types::IntoBoxed;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use uuid::Uuid;

use crate::content::listing::{Order, UseDate};
use crate::content::rights::Rights;
use crate::content::sight::Sight;
use crate::content::tag_filter::TagFilter;
use crate::content::time::to_stored;
use crate::content::visibility::Status;
use crate::db::moment::MaybeMoment;
use crate::db::schema::{article_tags, articles};
use crate::db::{Backend, Conn};
use crate::error::{Error, Result};
use crate::store::sights::{self, Condition};
use crate::store::tags;

/// What a list of articles asks for, words aside: those the search index answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Listing {
    pub language: Option<String>,
    pub source: Option<String>,
    pub tags: Option<TagFilter<i64>>,
    pub ids: Option<Vec<Uuid>>,
    /// Inclusive, on `use_date`.
    pub from: Option<DateTime<Utc>>,
    /// Inclusive, on `use_date`.
    pub to: Option<DateTime<Utc>>,
    pub use_date: UseDate,
    pub order: Order,
    pub after: Option<Key>,
    pub limit: usize,
    /// Only what others may take over.
    pub syndicatable: bool,
    pub scope: Scope,
    pub now: DateTime<Utc>,
}

/// Which articles a list is taken from.
#[derive(Clone, Debug, PartialEq)]
pub enum Scope {
    /// Those that the public sees.
    Public,
    /// Those that a partner with these rights sees.
    Partner(Arc<Rights>),
    /// Those of these statuses that someone of this sight sees.
    Newsroom(Vec<Status>, Sight),
}

impl Scope {
    /// What someone of this sight finds in lists of what is published.
    pub fn of(sight: &Sight) -> Self {
        match sight {
            Sight::Partner(rights) => Self::Partner(Arc::clone(rights)),
            Sight::Public | Sight::Own(_) | Sight::All => Self::Public,
        }
    }

    /// Whose eyes it is for.
    pub fn sight(&self) -> Sight {
        match self {
            Self::Public => Sight::Public,
            Self::Partner(rights) => Sight::Partner(Arc::clone(rights)),
            Self::Newsroom(_, sight) => sight.clone(),
        }
    }
}

/// The place of an article in a list: strictly after it comes the next page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    pub date: DateTime<Utc>,
    pub id: Uuid,
}

impl Key {
    fn of(date: NaiveDateTime, id: &str) -> Result<Self> {
        let broken = || Error::Internal(format!("an article has the id {id:?}"));
        Ok(Self {
            date: date.and_utc(),
            id: Uuid::try_parse(id).map_err(|_| broken())?,
        })
    }
}

pub(super) type Query<'a> = IntoBoxed<'a, articles::table, Backend>;

/// The numbers of the articles of a page and their places in the list, in order.
pub fn page(conn: &mut Conn, listing: &Listing) -> Result<Vec<(i64, Key)>> {
    if let Some(tag) = leading_tag(listing)
        && let Some(found) = page_of_tag(conn, listing, tag)?
    {
        return Ok(found);
    }
    let query = dated(filtered(listing, Part::Page), listing, Part::Page);
    let query = query.limit(i64::try_from(listing.limit).unwrap_or(i64::MAX));
    let (num, id) = (articles::num, articles::id);
    let found: Vec<(i64, String, MaybeMoment)> = match listing.use_date {
        UseDate::Published => query.select((num, id, articles::published_at)).load(conn)?,
        UseDate::Updated => {
            let date = articles::updated_at.nullable();
            query.select((num, id, date)).load(conn)?
        }
        UseDate::FirstPublished => {
            let date = articles::first_published_at;
            query.select((num, id, date)).load(conn)?
        }
    };
    let placed = found.into_iter().filter_map(|(num, id, date)| {
        // Lists leave out what lacks the date.
        let date = Option::<NaiveDateTime>::from(date)?;
        Some(Key::of(date, &id).map(|key| (num, key)))
    });
    placed.collect()
}

/// A tag that every article of the list bears, where an index has its bearers in the list's order.
fn leading_tag(listing: &Listing) -> Option<i64> {
    let tags = listing.tags.as_ref()?;
    let named = match tags {
        TagFilter::All(filters) => filters.as_slice(),
        one => std::slice::from_ref(one),
    };
    let tag = named.iter().find_map(|filter| match filter {
        TagFilter::Is(tag) => Some(*tag),
        _ => None,
    });
    tag.filter(|_| listing.use_date == UseDate::Published && listing.ids.is_none())
}

/// The page as it is found among the first bearers of the tag, so that the many others need not be sorted; `None` where
/// so many of the first do not belong into the list that it is better looked for among all.
fn page_of_tag(conn: &mut Conn, listing: &Listing, tag: i64) -> Result<Option<Vec<(i64, Key)>>> {
    /// Bearers looked at first, and how many times more each time again.
    const FIRST: usize = 64;
    const MORE: usize = 8;
    /// So many times at the most, and so many bearers: each is a value of the statement.
    const TIMES: u32 = 3;
    const MOST: usize = 16_000;
    let bounds = Bounds::of(listing, Part::Page);
    for time in 0..TIMES {
        let count = FIRST.max(2 * listing.limit) * MORE.pow(time);
        if count > MOST {
            break;
        }
        let bearers = bearers(conn, tag, bounds, listing.order, count)?;
        // Of the last one's date there may be more.
        let last = bearers.last().filter(|_| bearers.len() == count);
        let edge = last.and_then(|(_, date)| *date);
        let nums: Vec<i64> = bearers.iter().map(|(num, _)| *num).collect();
        let mut found = among(conn, listing, nums)?;
        found.retain(|(_, date, _)| match (edge, listing.order) {
            (None, _) => true,
            (Some(edge), Order::Oldest) => *date < edge,
            (Some(edge), Order::Newest | Order::Relevance) => *date > edge,
        });
        if edge.is_none() || found.len() >= listing.limit {
            found.truncate(listing.limit);
            let placed = found.into_iter();
            let placed = placed.map(|(num, date, id)| Ok((num, Key::of(date, &id)?)));
            return placed.collect::<Result<_>>().map(Some);
        }
    }
    Ok(None)
}

/// Those of these articles that belong into the list after its key, with their dates, in order. They are few, and put in
/// order here: asked to, SQLite would rather walk all articles by date until it has met enough of them.
fn among(
    conn: &mut Conn,
    listing: &Listing,
    nums: Vec<i64>,
) -> Result<Vec<(i64, NaiveDateTime, String)>> {
    // Tags are looked at here, too, or it would begin with all that bear one of them.
    let untagged = Listing {
        tags: None,
        ..listing.clone()
    };
    let rows: Vec<(i64, Option<NaiveDateTime>, String)> = filtered(&untagged, Part::Whole)
        .filter(articles::num.eq_any(&nums))
        .select((articles::num, articles::published_at, articles::id))
        .load(conn)?;
    let borne = match &listing.tags {
        None | Some(TagFilter::Is(_)) => None,
        Some(filter) => Some((filter, tags::nums_of(conn, &nums)?)),
    };
    let passes = |num: &i64| match &borne {
        None => true,
        Some((filter, borne)) => borne.get(num).is_some_and(|tags| filter.accepts(tags)),
    };
    let dated = rows
        .into_iter()
        .filter(|(num, ..)| passes(num))
        .filter_map(|(num, date, id)| Some((num, date?, id)));
    let mut found: Vec<_> = dated.collect();
    let after = listing.after;
    let key = after.map(|key| (to_stored(key.date), key.id.to_string()));
    let place = |(_, date, id): &(i64, NaiveDateTime, String)| (*date, id.clone());
    match listing.order {
        Order::Oldest => {
            found.retain(|it| key.as_ref().is_none_or(|key| place(it) > *key));
            found.sort_unstable_by_key(place);
        }
        Order::Newest | Order::Relevance => {
            found.retain(|it| key.as_ref().is_none_or(|key| place(it) < *key));
            found.sort_unstable_by_key(|it| std::cmp::Reverse(place(it)));
        }
    }
    Ok(found)
}

/// The first bearers of a tag that have a date, in order of date.
fn bearers(
    conn: &mut Conn,
    tag: i64,
    bounds: Bounds,
    order: Order,
    count: usize,
) -> Result<Vec<(i64, Option<NaiveDateTime>)>> {
    let date = article_tags::published_at;
    let mut query = article_tags::table
        .filter(article_tags::tag_num.eq(tag))
        .filter(date.is_not_null())
        .into_boxed();
    if let Some(from) = bounds.from {
        query = query.filter(date.ge(from));
    }
    if let Some(to) = bounds.to {
        query = query.filter(date.le(to));
    }
    query = match order {
        Order::Oldest => query.order(date.asc()),
        Order::Newest | Order::Relevance => query.order(date.desc()),
    };
    Ok(query
        .limit(i64::try_from(count).unwrap_or(i64::MAX))
        .select((article_tags::article_num, date))
        .load(conn)?)
}

/// How many articles the whole list has.
pub fn count(conn: &mut Conn, listing: &Listing) -> Result<i64> {
    Ok(whole(listing).count().get_result(conn)?)
}

/// All articles of the list, in no order.
pub(super) fn whole(listing: &Listing) -> Query<'_> {
    dated(filtered(listing, Part::Whole), listing, Part::Whole)
}

/// Articles of any of these statuses, as they are at `now`, that someone of this sight sees.
fn newsroom<'a>(statuses: &[Status], sight: &'a Sight, now: DateTime<Utc>) -> Query<'a> {
    let at = now;
    let now = to_stored(now);
    let of_status = |status: &Status| -> Condition<'a> {
        let stored = articles::status.eq(status.as_str());
        let date = articles::published_at;
        let due = date.is_not_null().and(date.assume_not_null().le(now));
        match status {
            Status::Draft | Status::Withdrawn => Box::new(stored),
            // Time has made it a published one.
            Status::Scheduled => Box::new(stored.and(not(due))),
            Status::Published => Box::new(stored.or(articles::status.eq("scheduled").and(due))),
        }
    };
    let never: Condition<'a> = Box::new(false.into_sql::<Bool>());
    let wanted = statuses
        .iter()
        .map(of_status)
        .reduce(|left, right| Box::new(left.or(right)))
        .unwrap_or(never);
    let seen = sights::condition(sight, at);
    let query = articles::table
        .filter(articles::deleted_at.is_null())
        .filter(wanted)
        .filter(seen)
        .into_boxed();
    match statuses.contains(&Status::Published) {
        true => query,
        // Written out, or the indexes of these would not answer.
        false => query.filter(sql::<Bool>("articles.status <> 'published'")),
    }
}

fn filtered(listing: &Listing, part: Part) -> Query<'_> {
    let now = listing.now;
    let mut query = match &listing.scope {
        Scope::Public => articles::table.filter(sights::public(now)).into_boxed(),
        Scope::Partner(rights) => articles::table
            .filter(sights::partner(rights, now))
            .into_boxed(),
        Scope::Newsroom(statuses, sight) => newsroom(statuses, sight, now),
    };
    if let Some(language) = &listing.language {
        query = match part {
            Part::Page => query.filter(articles::language.eq(language)),
            // Not as a range of the index, which would fetch every row of it.
            Part::Whole => query.filter(not(articles::language.ne(language))),
        };
    }
    if let Some(source) = &listing.source {
        query = query.filter(articles::source_name.eq(source));
    }
    if listing.syndicatable {
        query = query.filter(articles::syndicatable.eq(true));
    }
    if let Some(ids) = &listing.ids {
        let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
        query = query.filter(articles::id.eq_any(ids));
    }
    if let Some(tags) = &listing.tags {
        query = query.filter(sights::tagged(tags));
    }
    query
}

/// The ends of the stretch of an index that a page is looked for in. Of several bounds on one side SQLite uses one, and
/// steps over what the others leave out, row by row: so each end is the nearest there is.
#[derive(Clone, Copy)]
struct Bounds {
    from: Option<NaiveDateTime>,
    to: Option<NaiveDateTime>,
}

impl Bounds {
    fn of(listing: &Listing, part: Part) -> Self {
        let is_page = part == Part::Page;
        let key = listing.after.filter(|_| is_page).map(|key| key.date);
        let (first, last) = match listing.order {
            Order::Oldest => (key, None),
            Order::Newest | Order::Relevance => (None, key),
        };
        // A list by date of publication begins with what opens at present, however much is scheduled.
        let opened = match &listing.scope {
            Scope::Public => Some(listing.now),
            Scope::Partner(rights) => Some(rights.opened_by(listing.now)),
            Scope::Newsroom(..) => None,
        };
        let now = opened.filter(|_| is_page && listing.use_date == UseDate::Published);
        Self {
            from: [listing.from, first]
                .into_iter()
                .flatten()
                .max()
                .map(to_stored),
            to: [listing.to, last, now]
                .into_iter()
                .flatten()
                .min()
                .map(to_stored),
        }
    }
}

/// Which part of a list a query is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Page,
    Whole,
}

/// Bounds, order and key on one of the date columns, whose types differ.
macro_rules! by_date {
    ($query:expr, $column:expr, $listing:expr, $part:expr) => {{
        let mut query = match $part {
            Part::Page => $query.filter($column.is_not_null()),
            // Not as a range of the index, which would fetch every row of it.
            Part::Whole => $query.filter(not($column.is_null())),
        };
        let bounds = Bounds::of($listing, $part);
        if let Some(from) = bounds.from {
            query = query.filter($column.ge(from));
        }
        if let Some(to) = bounds.to {
            query = query.filter($column.le(to));
        }
        let oldest_first = $listing.order == Order::Oldest;
        match ($part, $listing.after) {
            (Part::Whole, _) => return query,
            (Part::Page, None) => {}
            // The bounds are as near as the key's date; this breaks ties.
            (Part::Page, Some(key)) => {
                let (date, id) = (to_stored(key.date), key.id.to_string());
                query = if oldest_first {
                    query.filter($column.gt(date).or(articles::id.gt(id)))
                } else {
                    query.filter($column.lt(date).or(articles::id.lt(id)))
                };
            }
        }
        if oldest_first {
            query.order(($column.asc(), articles::id.asc()))
        } else {
            query.order(($column.desc(), articles::id.desc()))
        }
    }};
}

fn dated<'a>(query: Query<'a>, listing: &'a Listing, part: Part) -> Query<'a> {
    match listing.use_date {
        UseDate::Published => by_date!(query, articles::published_at, listing, part),
        UseDate::Updated => by_date!(query, articles::updated_at, listing, part),
        UseDate::FirstPublished => by_date!(query, articles::first_published_at, listing, part),
    }
}
