//! Articles with what is shown of them: tags, body and translations come with the row, in one statement.

use std::collections::HashMap;
use std::sync::LazyLock;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{Bool, HasSqlType, Integer, Nullable, Text, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::content::rights::Facts;
use crate::content::time::to_stored;
use crate::db::Conn;
use crate::db::dialect::{Dialect, among, each, expression};
use crate::db::moment::Given;
use crate::db::prose::Prose;
use crate::db::schema::{self, articles};
use crate::error::{Error, Result};
use crate::store::articles::ArticleRow;

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
    pub tags: Vec<BorneTag>,
    pub body: Option<BodyText>,
    /// The translations that are open, in order of language. Which of them are in a partner's scope is not looked at.
    pub translations: Option<Vec<Sibling>>,
}

/// A tag as an article that bears it shows it.
#[derive(Clone, Debug, Deserialize)]
pub struct BorneTag {
    position: i32,
    pub num: i64,
    pub id: String,
    pub slug: String,
    pub name: String,
    pub kind: String,
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

/// The row, its body, its tags and its translations, as the database gives them.
type Gathered = (ArticleRow, Option<BodyText>, Option<String>, Option<String>);

/// Reads articles as [`Gathered`]. Its text is written out, since a query in the library's types is walked through,
/// column by column, several times for each run.
struct Statement<Which> {
    /// Which articles: a condition.
    which: Which,
    body: bool,
    siblings: Siblings,
}

impl<Which> Statement<Which> {
    fn of(which: Which, parts: Parts, now: DateTime<Utc>) -> Self {
        Self {
            which,
            body: parts.body,
            siblings: Siblings {
                wanted: parts.translations,
                opened: to_stored(now.checked_sub_signed(parts.shift).unwrap_or(now)).into(),
                now: to_stored(now).into(),
            },
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
    let found: Option<Gathered> = each!(conn, conn =>
        Statement::of(Named { name, id: &id }, parts, now).get_result(conn).optional())?;
    found.map(|found| of(found, parts)).transpose()
}

/// The row alone.
pub fn row_by_name(conn: &mut Conn, name: &str) -> Result<Option<ArticleRow>> {
    let id = id_in(name);
    Ok(each!(conn, conn =>
        articles::table.filter(Named { name, id: &id }).get_result(conn).optional())?)
}

/// Its number alone.
pub fn num_by_name(conn: &mut Conn, name: &str) -> Result<Option<i64>> {
    let id = id_in(name);
    Ok(each!(conn, conn => articles::table
        .filter(Named { name, id: &id })
        .select(articles::num)
        .get_result(conn)
        .optional())?)
}

/// The articles of these numbers, in their order, whoever may see them.
pub fn by_nums(
    conn: &mut Conn,
    nums: &[i64],
    parts: Parts,
    now: DateTime<Utc>,
) -> Result<Vec<Shown>> {
    if nums.is_empty() {
        return Ok(Vec::new());
    }
    let found: Vec<Gathered> = each!(conn, conn =>
        Statement::of(among(articles::num, nums), parts, now).load(conn))?;
    let mut places: HashMap<i64, usize> = HashMap::with_capacity(nums.len());
    for (place, num) in nums.iter().enumerate() {
        places.insert(*num, place);
    }
    let mut shown: Vec<Shown> = found
        .into_iter()
        .map(|found| of(found, parts))
        .collect::<Result<_>>()?;
    shown.sort_unstable_by_key(|shown| places.get(&shown.row.num).copied());
    Ok(shown)
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

fn of((row, body, tags, translations): Gathered, parts: Parts) -> Result<Shown> {
    let mut tags: Vec<BorneTag> = rows(tags.as_deref())?;
    tags.sort_unstable_by_key(|tag| tag.position);
    let translations = match parts.translations {
        true => {
            let mut siblings: Vec<Sibling> = rows(translations.as_deref())?;
            siblings.sort_unstable();
            Some(siblings)
        }
        false => None,
    };
    Ok(Shown {
        row,
        tags,
        body,
        translations,
    })
}

fn rows<T: DeserializeOwned>(json: Option<&str>) -> Result<Vec<T>> {
    let Some(json) = json else {
        return Ok(Vec::new());
    };
    serde_json::from_str(json)
        .map_err(|error| Error::Internal(format!("the database gathered broken rows: {error}")))
}

impl<Which: QueryId> QueryId for Statement<Which> {
    type QueryId = Statement<Which::QueryId>;
    const HAS_STATIC_QUERY_ID: bool = Which::HAS_STATIC_QUERY_ID;
}

impl<Which> Query for Statement<Which> {
    type SqlType = (
        articles::SqlType,
        Nullable<(Text, Text, Integer)>,
        Nullable<Text>,
        Nullable<Text>,
    );
}

impl<Which, Connection> RunQueryDsl<Connection> for Statement<Which> {}

impl<Which, DB> QueryFragment<DB> for Statement<Which>
where
    DB: Dialect + HasSqlType<Bool>,
    Which: QueryFragment<DB>,
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
        out.push_sql(" FROM articles LEFT JOIN bodies ON bodies.article_num = articles.num AND ");
        out.push_bind_param::<Bool, _>(&self.body)?;
        out.push_sql(" WHERE ");
        self.which.walk_ast(out.reborrow())
    }
}

/// Whether it is the article that a slug, an id in the slug's place, or a former slug leads to.
struct Named<'a> {
    name: &'a str,
    id: &'a str,
}

expression!(Named<'_>, Named<'static> => Nullable<Bool>);

impl<DB> QueryFragment<DB> for Named<'_>
where
    DB: Dialect + HasSqlType<Text>,
    str: ToSql<Text, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        // What stands after the first that is there is not looked for.
        out.push_sql(
            "articles.num = coalesce((SELECT named.num FROM articles named WHERE named.slug = ",
        );
        out.push_bind_param::<Text, _>(self.name)?;
        out.push_sql("), (SELECT named.num FROM articles named WHERE named.id = ");
        out.push_bind_param::<Text, _>(self.id)?;
        out.push_sql("), (SELECT article_num FROM article_aliases WHERE slug = ");
        out.push_bind_param::<Text, _>(self.name)?;
        out.push_sql("))");
        Ok(())
    }
}

/// An article's tags as [`BorneTag`] reads them.
struct Tags;

impl<DB: Dialect> QueryFragment<DB> for Tags {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("(SELECT ");
        out.push_sql(DB::GATHER.0);
        out.push_sql("borne.position, tags.num, tags.id, tags.slug, tags.name, tags.kind");
        out.push_sql(DB::GATHER.1);
        out.push_sql(
            " FROM article_tags borne JOIN tags ON tags.num = borne.tag_num \
             WHERE borne.article_num = articles.num)",
        );
        Ok(())
    }
}

/// The other members of an article's translation group that are open, as [`Sibling`] reads them.
struct Siblings {
    wanted: bool,
    /// What opens by this time is open.
    opened: Given,
    now: Given,
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
