//! Lists of articles: filters, order, and the page after a given key.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::dsl::not;
use diesel::helper_types::IntoBoxed;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use uuid::Uuid;

use crate::content::listing::{Order, UseDate};
use crate::content::tag_filter::TagFilter;
use crate::content::time::to_stored;
use crate::db::schema::{article_tags, articles};
use crate::db::{Backend, Conn};
use crate::error::Result;
use crate::store::articles::ArticleRow;

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
    pub now: DateTime<Utc>,
}

/// The place of an article in a list: strictly after it comes the next page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    pub date: DateTime<Utc>,
    pub id: Uuid,
}

impl Key {
    /// `None` for an article that lacks the date, which such a list leaves out.
    pub fn of(row: &ArticleRow, use_date: UseDate) -> Option<Self> {
        let date = match use_date {
            UseDate::Published => row.published_at?,
            UseDate::Updated => row.updated_at,
            UseDate::FirstPublished => row.first_published_at?,
        };
        Some(Self {
            date: date.and_utc(),
            id: Uuid::try_parse(&row.id).ok()?,
        })
    }
}

type Query<'a> = IntoBoxed<'a, articles::table, Backend>;
type Condition<'a> = Box<dyn BoxableExpression<articles::table, Backend, SqlType = Bool> + 'a>;

/// A page of the articles that the public sees.
pub fn page(conn: &mut Conn, listing: &Listing) -> Result<Vec<ArticleRow>> {
    let query = dated(filtered(listing), listing, Part::Page);
    let limit = i64::try_from(listing.limit).unwrap_or(i64::MAX);
    Ok(query.limit(limit).load(conn)?)
}

/// How many articles the whole list has.
pub fn count(conn: &mut Conn, listing: &Listing) -> Result<i64> {
    Ok(dated(filtered(listing), listing, Part::Whole)
        .count()
        .get_result(conn)?)
}

/// Articles that the public sees at `now`.
pub fn public<'a>(now: NaiveDateTime) -> Query<'a> {
    articles::table
        .filter(
            articles::status
                .eq("published")
                .or(articles::status.eq("scheduled")),
        )
        .filter(articles::deleted_at.is_null())
        .filter(articles::published_at.le(now))
        .filter(
            articles::embargoed_until
                .is_null()
                .or(articles::embargoed_until.le(now)),
        )
        .filter(
            articles::expires_at
                .is_null()
                .or(articles::expires_at.gt(now)),
        )
        .into_boxed()
}

fn filtered(listing: &Listing) -> Query<'_> {
    let mut query = public(to_stored(listing.now));
    if let Some(language) = &listing.language {
        query = query.filter(articles::language.eq(language));
    }
    if let Some(source) = &listing.source {
        query = query.filter(articles::source_name.eq(source));
    }
    if let Some(ids) = &listing.ids {
        let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
        query = query.filter(articles::id.eq_any(ids));
    }
    if let Some(tags) = &listing.tags {
        query = query.filter(tagged(tags));
    }
    query
}

fn tagged<'a>(filter: &TagFilter<i64>) -> Condition<'a> {
    match filter {
        TagFilter::Is(tag) => Box::new(
            articles::num.eq_any(
                article_tags::table
                    .filter(article_tags::tag_num.eq(*tag))
                    .select(article_tags::article_num),
            ),
        ),
        TagFilter::Not(inner) => Box::new(not(tagged(inner))),
        TagFilter::All(filters) => joined(filters, |left, right| Box::new(left.and(right))),
        TagFilter::Any(filters) => joined(filters, |left, right| Box::new(left.or(right))),
    }
}

fn joined<'a>(
    filters: &[TagFilter<i64>],
    join: impl Fn(Condition<'a>, Condition<'a>) -> Condition<'a>,
) -> Condition<'a> {
    let conditions = filters.iter().map(tagged);
    conditions
        .reduce(join)
        .unwrap_or_else(|| Box::new(true.into_sql::<Bool>()))
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
        let mut query = $query.filter($column.is_not_null());
        if let Some(from) = $listing.from {
            query = query.filter($column.ge(to_stored(from)));
        }
        if let Some(to) = $listing.to {
            query = query.filter($column.le(to_stored(to)));
        }
        let oldest_first = $listing.order == Order::Oldest;
        match ($part, $listing.after) {
            (Part::Whole, _) => return query,
            (Part::Page, None) => {}
            (Part::Page, Some(key)) => {
                // The first condition bounds the index scan, the second breaks ties.
                let (date, id) = (to_stored(key.date), key.id.to_string());
                query = if oldest_first {
                    query.filter(
                        $column
                            .ge(date)
                            .and($column.gt(date).or(articles::id.gt(id))),
                    )
                } else {
                    query.filter(
                        $column
                            .le(date)
                            .and($column.lt(date).or(articles::id.lt(id))),
                    )
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
