//! Articles with what is shown of them: body, translations and the numbers of tags come with the row, in one statement. What
//! tags look like is known, or read in a second one; the generation of tags that each tells makes them one snapshot.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, Bool, HasSqlType, Integer, Nullable, Text, Timestamp};
use serde::Deserialize;
use uuid::Uuid;

use crate::content::rights::Facts;
use crate::content::time::to_stored;
use crate::db::Conn;
use crate::db::dialect::{Dialect, each, expression, wanted};
use crate::db::moment::Given;
use crate::db::prose::Prose;
use crate::db::schema::{self, articles};
use crate::error::{Error, Result};
use crate::store::articles::{ArticleRow, Outline};
use crate::store::borne_tags::{self, BorneTag};

/// What is shown besides the row and its tags.
#[derive(Clone, Copy, Debug, Default)]
pub struct Parts {
    pub body: bool,
    pub translations: bool,
    /// How much later than for the public translations open; negative: earlier.
    pub shift: TimeDelta,
}

#[derive(Clone, Debug)]
pub struct Shown {
    pub row: ArticleRow,
    /// In editorial order.
    pub tags: Vec<Arc<BorneTag>>,
    pub body: Option<BodyText>,
    /// The translations that are open, in order of language. Which of them are in a partner's scope is not looked at.
    pub translations: Option<Vec<Sibling>>,
}

/// A body as readers see it.
#[derive(Queryable, Clone, Debug)]
pub struct BodyText {
    #[diesel(deserialize_as = Prose)]
    pub html: String,
    #[diesel(deserialize_as = Prose)]
    pub text: String,
    pub word_count: i32,
}

/// A translation, as its siblings name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Sibling {
    pub language: String,
    pub slug: String,
    pub id: String,
    pub canonical_url: Option<String>,
    pub num: i64,
    pub source: Option<String>,
    /// 0 or 1: the databases write truth differently.
    syndicatable: i32,
}

impl Shown {
    pub fn tag_nums(&self) -> Vec<i64> {
        self.tags.iter().map(|tag| tag.num).collect()
    }
}

impl Sibling {
    /// What rights go by.
    pub fn facts(&self) -> Facts<'_> {
        Facts {
            language: &self.language,
            source: self.source.as_deref(),
            syndicatable: self.syndicatable != 0,
        }
    }
}

/// How often a statement is run again where the tags it named have changed before they were read: seldom even once, and in
/// a transaction never.
const AGAIN: usize = 8;

/// The row, its body, the places and numbers of its tags, its translations, and the generation of all tags, as the database
/// gives them.
type Gathered = (
    ArticleRow,
    Option<BodyText>,
    Option<String>,
    Option<String>,
    i64,
);

/// Reads articles as [`Gathered`]. Its text is written out, since a query in the library's types is walked through,
/// column by column, several times for each run.
struct Statement<Wanted> {
    /// A table `wanted` with the numbers of the articles as its column `value`.
    wanted: Wanted,
    body: bool,
    siblings: Siblings,
}

impl<Wanted> Statement<Wanted> {
    fn of(wanted: Wanted, parts: Parts, now: DateTime<Utc>) -> Self {
        Self {
            wanted,
            body: parts.body,
            siblings: Siblings::of(parts, now),
        }
    }
}

/// The article that a slug, an id or a former slug leads to, whoever may see it.
pub fn by_name(
    conn: &mut Conn,
    name: &str,
    parts: Parts,
    now: DateTime<Utc>,
) -> Result<Option<Shown>> {
    let id = id_in(name);
    let gather = |conn: &mut Conn| {
        let found: Option<Gathered> = each!(conn, conn =>
            Statement::of(Table(Named { name, id: &id }), parts, now).get_result(conn).optional())?;
        Ok(found.into_iter().collect())
    };
    let found = with_tags(conn, gather, tags_of)?;
    let mut found = found.into_iter();
    found.next().map(|found| of(found, parts)).transpose()
}

/// The row alone.
pub fn row_by_name(conn: &mut Conn, name: &str) -> Result<Option<ArticleRow>> {
    let id = id_in(name);
    Ok(each!(conn, conn =>
        articles::table.filter(articles::num.nullable().eq(Named { name, id: &id })).get_result(conn).optional())?)
}

/// The public article of this name, unless that is a former one.
///
/// # Errors
/// When the database fails.
pub fn outline_by_name(conn: &mut Conn, name: &str, now: DateTime<Utc>) -> Result<Option<Outline>> {
    if name.contains('\0') {
        return Ok(None); // No name has one, and PostgreSQL takes none in text.
    }
    let id = id_in(name);
    let found: Option<Outline> = each!(conn, conn =>
        articles::table.filter(articles::num.nullable().eq(Named { name, id: &id }))
            .select(Outline::as_select()).get_result(conn).optional())?;
    let is_former = |found: &Outline| found.slug != name && found.id != id;
    Ok(found.filter(|found| found.is_public(now) && !is_former(found)))
}

/// The articles of these numbers, each of which stands there once, in their order, whoever may see them.
pub fn by_nums(
    conn: &mut Conn,
    nums: &[i64],
    parts: Parts,
    now: DateTime<Utc>,
) -> Result<Vec<Shown>> {
    if nums.is_empty() {
        return Ok(Vec::new());
    }
    let gather = |conn: &mut Conn| {
        Ok(each!(conn, conn =>
            Statement::of(wanted(nums), parts, now).load(conn))?)
    };
    let found = with_tags(conn, gather, tags_of)?;
    let mut places: HashMap<i64, usize> = HashMap::with_capacity(nums.len());
    for (place, num) in nums.iter().enumerate() {
        places.insert(*num, place);
    }
    debug_assert_eq!(places.len(), nums.len(), "an article is asked for twice");
    let mut shown: Vec<Shown> = found
        .into_iter()
        .map(|found| of(found, parts))
        .collect::<Result<_>>()?;
    // Looked up once each; and a row is long to move.
    shown.sort_by_cached_key(|shown| places.get(&shown.row.num).copied());
    Ok(shown)
}

fn tags_of((_, _, tags, _, generation): &Gathered) -> Result<(Vec<i64>, i64)> {
    Ok((nums_in(tags.as_deref())?, *generation))
}

/// What `gather` finds, with the tags that it names: `tags_of` tells their numbers, in order, and the generation of all tags.
pub(super) fn with_tags<T>(
    conn: &mut Conn,
    gather: impl Fn(&mut Conn) -> Result<Vec<T>>,
    tags_of: impl Fn(&T) -> Result<(Vec<i64>, i64)>,
) -> Result<Vec<(T, Vec<Arc<BorneTag>>)>> {
    for _ in 0..=AGAIN {
        let found = gather(conn)?;
        let borne: Vec<(Vec<i64>, i64)> = found.iter().map(&tags_of).collect::<Result<_>>()?;
        let (borne, generations): (Vec<Vec<i64>>, Vec<i64>) = borne.into_iter().unzip();
        // The same in all rows of one statement.
        let Some(&generation) = generations.first() else {
            return Ok(Vec::new());
        };
        if let Some(tags) = borne_tags::of(conn, generation, &borne)? {
            return Ok(found.into_iter().zip(tags).collect());
        }
    }
    Err(Error::Internal(
        "tags change faster than they are read".to_owned(),
    ))
}

/// The numbers in a text of places and numbers, in order of place.
fn nums_in(tags: Option<&str>) -> Result<Vec<i64>> {
    let parts = tags.into_iter().flat_map(|tags| tags.split(','));
    let placed = parts.map(|part| {
        let (place, num) = part.split_once(':')?;
        Some((place.parse().ok()?, num.parse().ok()?))
    });
    let placed: Option<Vec<(i32, i64)>> = placed.collect();
    let mut placed =
        placed.ok_or_else(|| Error::Internal("the database joined broken rows".to_owned()))?;
    placed.sort_unstable();
    Ok(placed.into_iter().map(|(_, num)| num).collect())
}

/// Whether the name led there as a former slug.
pub fn is_former(row: &ArticleRow, name: &str) -> bool {
    row.slug != name && row.id != id_in(name)
}

/// Any way of writing an id; empty, which is no article's, where it is none.
fn id_in(name: &str) -> String {
    let id = Uuid::try_parse(name);
    id.map(|id| id.to_string()).unwrap_or_default()
}

fn of(
    ((row, body, _, translations, _), tags): (Gathered, Vec<Arc<BorneTag>>),
    parts: Parts,
) -> Result<Shown> {
    let translations = match parts.translations {
        true => Some(siblings_in(translations.as_deref())?),
        false => None,
    };
    Ok(Shown {
        row,
        tags,
        body,
        translations,
    })
}

/// What [`Siblings`] gathers, in order of language.
pub(super) fn siblings_in(json: Option<&str>) -> Result<Vec<Sibling>> {
    let Some(json) = json else {
        return Ok(Vec::new());
    };
    let broken = |error| Error::Internal(format!("the database gathered broken rows: {error}"));
    let mut siblings: Vec<Sibling> = serde_json::from_str(json).map_err(broken)?;
    siblings.sort_unstable();
    Ok(siblings)
}

impl<Wanted: QueryId> QueryId for Statement<Wanted> {
    type QueryId = Statement<Wanted::QueryId>;
    const HAS_STATIC_QUERY_ID: bool = Wanted::HAS_STATIC_QUERY_ID;
}

impl<Wanted> Query for Statement<Wanted> {
    type SqlType = (
        articles::SqlType,
        Nullable<(Text, Text, Integer)>,
        Nullable<Text>,
        Nullable<Text>,
        BigInt,
    );
}

impl<Wanted, Connection> RunQueryDsl<Connection> for Statement<Wanted> {}

impl<Wanted, DB> QueryFragment<DB> for Statement<Wanted>
where
    DB: Dialect + HasSqlType<Bool>,
    Wanted: QueryFragment<DB>,
    Siblings: QueryFragment<DB>,
    bool: ToSql<Bool, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        static COLUMNS: LazyLock<String> = LazyLock::new(|| schema::columns_of("articles"));
        out.push_sql("SELECT ");
        out.push_sql(&COLUMNS);
        out.push_sql(", bodies.html, bodies.text, bodies.word_count, ");
        Tags.walk_ast(out.reborrow())?;
        out.push_sql(", ");
        self.siblings.walk_ast(out.reborrow())?;
        out.push_sql(", (SELECT value FROM tag_generation) FROM ");
        self.wanted.walk_ast(out.reborrow())?;
        // In this order, which SQLite keeps to.
        out.push_sql(
            " CROSS JOIN articles LEFT JOIN bodies ON bodies.article_num = articles.num AND ",
        );
        out.push_bind_param::<Bool, _>(&self.body)?;
        out.push_sql(" WHERE articles.num = wanted.value");
        Ok(())
    }
}

/// One number as a table.
#[derive(QueryId)]
struct Table<Number>(Number);

impl<Number: QueryFragment<DB>, DB: Dialect> QueryFragment<DB> for Table<Number> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("(SELECT ");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(" AS value) wanted");
        Ok(())
    }
}

/// The number of the article that a slug, an id in the slug's place, or a former slug leads to.
struct Named<'a> {
    name: &'a str,
    id: &'a str,
}

expression!(Named<'_>, Named<'static> => Nullable<BigInt>);

impl<DB> QueryFragment<DB> for Named<'_>
where
    DB: Dialect + HasSqlType<Text>,
    str: ToSql<Text, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        // What stands after the first that is there is not looked for.
        out.push_sql("coalesce((SELECT named.num FROM articles named WHERE named.slug = ");
        out.push_bind_param::<Text, _>(self.name)?;
        out.push_sql("), (SELECT named.num FROM articles named WHERE named.id = ");
        out.push_bind_param::<Text, _>(self.id)?;
        out.push_sql("), (SELECT article_num FROM article_aliases WHERE slug = ");
        out.push_bind_param::<Text, _>(self.name)?;
        out.push_sql("))");
        Ok(())
    }
}

/// The places and numbers of an article's tags, as [`nums_in`] reads them.
struct Tags;

impl<DB: Dialect> QueryFragment<DB> for Tags {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("(SELECT ");
        out.push_sql(DB::COMMAS.0);
        out.push_sql("borne.position || ':' || borne.tag_num");
        out.push_sql(DB::COMMAS.1);
        out.push_sql(" FROM article_tags borne WHERE borne.article_num = articles.num)");
        Ok(())
    }
}

/// The other members of an article's translation group that are open, as [`Sibling`] reads them.
pub(super) struct Siblings {
    wanted: bool,
    /// What opens by this time is open.
    opened: Given,
    now: Given,
}

impl Siblings {
    pub(super) fn of(parts: Parts, now: DateTime<Utc>) -> Self {
        Self {
            wanted: parts.translations,
            opened: to_stored(now.checked_sub_signed(parts.shift).unwrap_or(now)).into(),
            now: to_stored(now).into(),
        }
    }
}

impl<DB> QueryFragment<DB> for Siblings
where
    DB: Dialect + HasSqlType<Bool> + HasSqlType<Timestamp>,
    bool: ToSql<Bool, DB>,
    Given: ToSql<Timestamp, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("(SELECT ");
        out.push_sql(DB::GATHER.0);
        out.push_sql(
            "sibling.language, sibling.slug, sibling.id, sibling.canonical_url, sibling.num, \
             sibling.source_name, CASE WHEN sibling.syndicatable THEN 1 ELSE 0 END",
        );
        out.push_sql(DB::GATHER.1);
        out.push_sql(" FROM articles sibling WHERE ");
        out.push_bind_param::<Bool, _>(&self.wanted)?;
        // As in lists: said so that no index of dates answers to it.
        out.push_sql(
            " AND sibling.translation_group = articles.translation_group AND sibling.num <> articles.num \
             AND sibling.status IN ('published', 'scheduled') AND sibling.deleted_at IS NULL \
             AND NOT (sibling.published_at IS NULL OR sibling.published_at > ",
        );
        out.push_bind_param::<Timestamp, _>(&self.opened)?;
        out.push_sql(
            ") AND NOT (sibling.embargoed_until IS NOT NULL AND sibling.embargoed_until > ",
        );
        out.push_bind_param::<Timestamp, _>(&self.opened)?;
        out.push_sql(") AND NOT (sibling.expires_at IS NOT NULL AND sibling.expires_at <= ");
        out.push_bind_param::<Timestamp, _>(&self.now)?;
        // A window that ends before it begins is never open, not to early eyes either.
        out.push_sql(
            ") AND NOT (sibling.expires_at IS NOT NULL AND (sibling.expires_at <= sibling.published_at \
             OR (sibling.embargoed_until IS NOT NULL AND sibling.expires_at <= sibling.embargoed_until))))",
        );
        Ok(())
    }
}
