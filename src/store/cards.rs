//! Cards: what lists show of an article, ready, and the head of what is shown of it alone. They are made some time after an
//! article was written, from the row alone; tags are put in when they are read. The database takes a card away once anything
//! of the row that it shows is another, so what is there is of the same snapshot as all else.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::dsl::{exists, max, not};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, Bool, HasSqlType, Integer, Nullable, Text};

use crate::db::Conn;
use crate::db::dialect::{Dialect, Wanted, among, each, wanted};
use crate::db::prose::Prose;
use crate::db::schema::{article_tags, articles, cards};
use crate::error::{Error, Result};
use crate::store::CHUNK;
use crate::store::borne_tags::BorneTag;
use crate::store::changes::{ChangeKind, ChangeRow};
use crate::store::shown::{self, BodyText, Parts, Shown, Sibling, Siblings};

/// An article as lists show it to the public. Times are microseconds since 1970.
#[derive(Queryable, Insertable, Clone, Debug, PartialEq, Eq)]
#[diesel(table_name = cards)]
pub struct Card {
    pub article_num: i64,
    /// Which form the JSON has; readers want the one that they would write themselves.
    pub form: i32,
    /// The public sees the article from then on, and until `ends`.
    pub opens: i64,
    pub ends: Option<i64>,
    pub updated_at: i64,
    /// Numbers of its tags, in order, parted by commas.
    pub tags: String,
    /// Without its tags, which belong behind `tags_at` bytes.
    #[diesel(deserialize_as = Prose)]
    pub json: String,
    pub tags_at: i32,
}

/// An article as those who read it alone see it.
pub struct Whole {
    pub card: Card,
    /// In editorial order.
    pub tags: Vec<Arc<BorneTag>>,
    pub body: BodyText,
    /// Those that are open, in order of language.
    pub translations: Vec<Sibling>,
    /// Whether it has translations at all, be they hidden.
    pub in_group: bool,
}

/// An article that was found: its card, where there is one and it is all that is wanted.
pub enum Found {
    Card(Box<Card>, Vec<Arc<BorneTag>>),
    Row(Box<Shown>),
}

impl Card {
    /// Whether the public sees the article.
    fn is_open(&self, now: DateTime<Utc>) -> bool {
        let micros = now.timestamp_micros();
        self.opens <= micros && self.ends.is_none_or(|ends| micros < ends)
    }
}

impl From<Shown> for Found {
    fn from(shown: Shown) -> Self {
        Self::Row(Box::new(shown))
    }
}

impl Found {
    pub fn num(&self) -> i64 {
        match self {
            Self::Card(card, _) => card.article_num,
            Self::Row(shown) => shown.row.num,
        }
    }

    pub fn into_row(self) -> Option<Shown> {
        match self {
            Self::Card(..) => None,
            Self::Row(shown) => Some(*shown),
        }
    }
}

/// Statuses of articles that the public may come to see.
const SHOWN: [&str; 2] = ["published", "scheduled"];

/// Whether the article whose number is in this column has a card of this form.
macro_rules! has_card {
    ($num:expr, $form:expr) => {
        exists(
            cards::table
                .filter(cards::article_num.eq($num))
                .filter(cards::form.eq($form)),
        )
    };
}

/// A card, and the generation of all tags.
type Gathered = (Card, i64);

/// The same with the body, the open translations, and whether there are any.
type GatheredWhole = (Card, i64, BodyText, Option<String>, bool);

fn nums_in(tags: &str) -> Result<Vec<i64>> {
    let parts = tags.split_terminator(',').map(str::parse);
    let nums: std::result::Result<_, _> = parts.collect();
    nums.map_err(|_| Error::Internal(format!("a card has the tags {tags:?}")))
}

/// Those of these articles, each of which stands there once, that the public sees, in their order. `form` is that of the
/// cards that are wanted.
///
/// # Errors
/// When the database fails.
pub fn public(conn: &mut Conn, nums: &[i64], form: i32, now: DateTime<Utc>) -> Result<Vec<Found>> {
    if nums.is_empty() {
        return Ok(Vec::new());
    }
    let cards = shown::with_tags(
        conn,
        |conn| {
            Ok(each!(conn, conn =>
            Statement { wanted: wanted(nums), form }.load::<Gathered>(conn))?)
        },
        |(card, generation)| Ok((nums_in(&card.tags)?, *generation)),
    )?;
    let mut found: HashMap<i64, Found> = HashMap::with_capacity(nums.len());
    let mut seen: HashSet<i64> = HashSet::with_capacity(nums.len());
    for ((card, ..), tags) in cards {
        seen.insert(card.article_num);
        if card.is_open(now) {
            found.insert(card.article_num, Found::Card(Box::new(card), tags));
        }
    }
    if seen.len() < nums.len() {
        let others: Vec<i64> = nums
            .iter()
            .copied()
            .filter(|num| !seen.contains(num))
            .collect();
        for shown in shown::by_nums(conn, &others, Parts::default(), now)? {
            if shown.row.is_public(now) {
                found.insert(shown.row.num, shown.into());
            }
        }
    }
    Ok(nums.iter().filter_map(|num| found.remove(num)).collect())
}

/// The article whose slug this is, if the public sees it and it has a card of this form; where it has not, its row is to be
/// looked for.
///
/// # Errors
/// When the database fails.
pub fn whole(conn: &mut Conn, slug: &str, form: i32, now: DateTime<Utc>) -> Result<Option<Whole>> {
    let parts = Parts {
        translations: true,
        ..Parts::default()
    };
    let statement = WholeStatement {
        slug,
        form,
        siblings: Siblings::of(parts, now),
    };
    let found = shown::with_tags(
        conn,
        |conn| {
            let found: Option<GatheredWhole> =
                each!(conn, conn => (&statement).get_result(conn).optional())?;
            let open = found.filter(|(card, ..)| card.is_open(now));
            Ok(open.into_iter().collect())
        },
        |(card, generation, ..)| Ok((nums_in(&card.tags)?, *generation)),
    )?;
    let Some(((card, _, body, translations, in_group), tags)) = found.into_iter().next() else {
        return Ok(None);
    };
    Ok(Some(Whole {
        translations: shown::siblings_in(translations.as_deref())?,
        card,
        tags,
        body,
        in_group,
    }))
}

/// The greatest number of an article; 0 where there is none.
///
/// # Errors
/// When the database fails.
pub fn last_num(conn: &mut Conn) -> Result<i64> {
    let last: Option<i64> = articles::table.select(max(articles::num)).first(conn)?;
    Ok(last.unwrap_or_default())
}

/// Of the next articles below this number, the greatest first: those that have no card of this form, and the number of the
/// last that was looked at; `None` where there are no more.
///
/// # Errors
/// When the database fails.
pub fn missing_below(conn: &mut Conn, below: i64, form: i32) -> Result<Option<(Vec<i64>, i64)>> {
    /// Articles that are looked at.
    const STRETCH: i64 = 1_000;
    let nums: Vec<i64> = articles::table
        .filter(articles::num.lt(below))
        .order(articles::num.desc())
        .limit(STRETCH)
        .select(articles::num)
        .load(conn)?;
    let Some(last) = nums.last().copied() else {
        return Ok(None);
    };
    Ok(Some((missing(conn, &nums, form)?, last)))
}

/// The articles that these lines of the log are about, those that bear a tag they are about included, that have no card
/// of this form.
///
/// # Errors
/// When the database fails.
pub fn missing_of(conn: &mut Conn, lines: &[ChangeRow], form: i32) -> Result<Vec<i64>> {
    let nums = |kind: ChangeKind| {
        let lines = lines.iter().filter(|line| line.kind == kind.as_str());
        lines.map(|line| line.num).collect::<BTreeSet<i64>>()
    };
    let mut found = nums(ChangeKind::Article);
    for tag in nums(ChangeKind::Tag) {
        // A merger takes away all of their cards.
        let uncarded: Vec<i64> = article_tags::table
            .filter(article_tags::tag_num.eq(tag))
            .filter(not(has_card!(article_tags::article_num, form)))
            .select(article_tags::article_num)
            .load(conn)?;
        found.extend(uncarded);
    }
    let found: Vec<i64> = found.into_iter().collect();
    let mut all = Vec::new();
    for nums in found.chunks(CHUNK) {
        all.extend(missing(conn, nums, form)?);
    }
    Ok(all)
}

/// Those of these articles that may come before the public and have no card of this form, the greatest first.
fn missing(conn: &mut Conn, nums: &[i64], form: i32) -> Result<Vec<i64>> {
    Ok(each!(conn, conn => articles::table
        .filter(among(articles::num, nums))
        .filter(articles::status.eq_any(SHOWN))
        .filter(articles::deleted_at.is_null())
        .filter(not(has_card!(articles::num, form)))
        .order(articles::num.desc())
        .select(articles::num)
        .load(conn))?)
}

/// Makes the cards of these articles that have none yet. They are read in the transaction that writes, so no card is older
/// than its article.
///
/// # Errors
/// When the database fails. An article of which `make` fails is passed over.
pub fn make(
    conn: &mut Conn,
    nums: &[i64],
    form: i32,
    now: DateTime<Utc>,
    make: impl Fn(Shown) -> Result<Option<Card>>,
) -> Result<()> {
    let nums = missing(conn, nums, form)?;
    // Those of another form.
    each!(conn, conn => diesel::delete(cards::table.filter(among(cards::article_num, &nums))).execute(conn))?;
    for shown in shown::by_nums(conn, &nums, Parts::default(), now)? {
        match make(shown) {
            Ok(Some(card)) => {
                each!(conn, conn => diesel::insert_into(cards::table).values(&card).execute(conn))?;
            }
            Ok(None) => {}
            // Whoever reads it is told.
            Err(error) => {
                log::error!("what lists show of an article cannot be made ready: {error}")
            }
        }
    }
    Ok(())
}

/// The columns of [`Gathered`].
const GATHERED: &str = "cards.article_num, cards.form, cards.opens, cards.ends, cards.updated_at, cards.tags, cards.json, \
                        cards.tags_at, (SELECT value FROM tag_generation)";

/// Reads cards as [`Gathered`].
struct Statement<'a> {
    wanted: Wanted<'a>,
    form: i32,
}

impl QueryId for Statement<'_> {
    type QueryId = Statement<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for Statement<'_> {
    type SqlType = (cards::SqlType, BigInt);
}

impl<Connection> RunQueryDsl<Connection> for Statement<'_> {}

impl<DB> QueryFragment<DB> for Statement<'_>
where
    DB: Dialect + HasSqlType<Integer>,
    for<'a> Wanted<'a>: QueryFragment<DB>,
    i32: ToSql<Integer, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        out.push_sql(GATHERED);
        out.push_sql(" FROM ");
        self.wanted.walk_ast(out.reborrow())?;
        // In this order, which SQLite keeps to.
        out.push_sql(" CROSS JOIN cards WHERE cards.article_num = wanted.value AND cards.form = ");
        out.push_bind_param::<Integer, _>(&self.form)
    }
}

/// Reads a card as [`GatheredWhole`].
struct WholeStatement<'a> {
    slug: &'a str,
    form: i32,
    siblings: Siblings,
}

impl QueryId for WholeStatement<'_> {
    type QueryId = WholeStatement<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for WholeStatement<'_> {
    type SqlType = (
        cards::SqlType,
        BigInt,
        (Text, Text, Integer),
        Nullable<Text>,
        Bool,
    );
}

impl<Connection> RunQueryDsl<Connection> for &WholeStatement<'_> {}

impl<DB> QueryFragment<DB> for WholeStatement<'_>
where
    DB: Dialect + HasSqlType<Integer> + HasSqlType<Text>,
    Siblings: QueryFragment<DB>,
    str: ToSql<Text, DB>,
    i32: ToSql<Integer, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        out.push_sql(GATHERED);
        out.push_sql(", bodies.html, bodies.text, bodies.word_count, ");
        self.siblings.walk_ast(out.reborrow())?;
        // In this order, which SQLite keeps to.
        out.push_sql(
            ", articles.translation_group IS NOT NULL FROM articles CROSS JOIN cards CROSS JOIN bodies \
             WHERE cards.article_num = articles.num AND bodies.article_num = articles.num AND articles.slug = ",
        );
        out.push_bind_param::<Text, _>(self.slug)?;
        out.push_sql(" AND cards.form = ");
        out.push_bind_param::<Integer, _>(&self.form)
    }
}
