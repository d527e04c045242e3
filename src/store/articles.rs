//! Articles: the row, and finding it by any of its names.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use uuid::Uuid;

use crate::content::body::{Body, BodyFormat};
use crate::content::visibility::{Standing, Status, Visibility};
use crate::db::Conn;
use crate::db::dialect::{among, each, for_these};
use crate::db::kept::Kept;
use crate::db::moment::{MaybeMoment, Moment};
use crate::db::prose::Prose;
use crate::db::schema::{articles, bodies};
use crate::error::Result;
use crate::store::aliases;

/// An article without its body, as it is stored.
#[derive(Queryable, Insertable, Clone, Debug, PartialEq)]
#[diesel(table_name = articles, treat_none_as_default_value = false)]
pub struct ArticleRow {
    #[diesel(skip_insertion)]
    pub num: i64,
    pub id: String,
    pub slug: String,
    pub external_id: Option<String>,
    pub language: String,
    pub headline: String,
    pub standfirst: Option<String>,
    pub trail_text: Option<String>,
    pub excerpt: String,
    pub byline: Option<String>,
    pub image: Option<String>,
    pub source_name: Option<String>,
    pub source_url: Option<String>,
    pub canonical_url: Option<String>,
    pub license: Option<String>,
    pub attribution: Option<String>,
    pub syndicatable: bool,
    pub sponsors: String,
    pub translation_group: Option<String>,
    pub status: String,
    #[diesel(deserialize_as = MaybeMoment)]
    pub published_at: Option<NaiveDateTime>,
    #[diesel(deserialize_as = MaybeMoment)]
    pub first_published_at: Option<NaiveDateTime>,
    #[diesel(deserialize_as = Moment)]
    pub updated_at: NaiveDateTime,
    #[diesel(deserialize_as = MaybeMoment)]
    pub embargoed_until: Option<NaiveDateTime>,
    #[diesel(deserialize_as = MaybeMoment)]
    pub expires_at: Option<NaiveDateTime>,
    pub related: String,
    #[diesel(deserialize_as = Moment)]
    pub created_at: NaiveDateTime,
    #[diesel(deserialize_as = MaybeMoment)]
    pub deleted_at: Option<NaiveDateTime>,
    pub saved_by: Option<String>,
    pub version: i64,
    pub created_by: Option<String>,
    /// When time alone next changes whether the public sees it, and the log does not say so yet.
    #[diesel(deserialize_as = MaybeMoment)]
    pub next_change_at: Option<NaiveDateTime>,
}

/// The text of an article.
#[derive(Queryable, Insertable, AsChangeset, Clone, Debug, PartialEq)]
#[diesel(table_name = bodies, treat_none_as_null = true, treat_none_as_default_value = false)]
pub struct BodyRow {
    pub article_num: i64,
    pub format: String,
    #[diesel(deserialize_as = Prose)]
    pub source: String,
    #[diesel(deserialize_as = Prose)]
    pub html: String,
    #[diesel(deserialize_as = Prose)]
    pub text: String,
    pub word_count: i32,
    /// When this version of the article was saved, where that is known.
    pub saved_at: Option<NaiveDateTime>,
}

/// What tells an article from others, and whether the public sees it.
#[derive(Queryable, Selectable, Clone, Debug)]
#[diesel(table_name = articles)]
pub struct Outline {
    pub num: i64,
    pub id: String,
    pub slug: String,
    status: String,
    #[diesel(deserialize_as = MaybeMoment)]
    published_at: Option<NaiveDateTime>,
    #[diesel(deserialize_as = MaybeMoment)]
    embargoed_until: Option<NaiveDateTime>,
    #[diesel(deserialize_as = MaybeMoment)]
    expires_at: Option<NaiveDateTime>,
    #[diesel(deserialize_as = MaybeMoment)]
    deleted_at: Option<NaiveDateTime>,
}

impl Outline {
    pub fn visibility(&self) -> Visibility {
        let times = [self.published_at, self.embargoed_until, self.expires_at];
        visibility(&self.status, times)
    }

    pub fn is_public(&self, now: DateTime<Utc>) -> bool {
        self.deleted_at.is_none() && self.visibility().is_public(now)
    }
}

impl From<ArticleRow> for Outline {
    fn from(row: ArticleRow) -> Self {
        Self {
            num: row.num,
            id: row.id,
            slug: row.slug,
            status: row.status,
            published_at: row.published_at,
            embargoed_until: row.embargoed_until,
            expires_at: row.expires_at,
            deleted_at: row.deleted_at,
        }
    }
}

fn visibility(status: &str, times: [Option<NaiveDateTime>; 3]) -> Visibility {
    let [published_at, embargoed_until, expires_at] =
        times.map(|time| time.map(|time| time.and_utc()));
    Visibility {
        // The table's check allows no other text.
        status: Status::parse(status).unwrap_or(Status::Draft),
        published_at,
        embargoed_until,
        expires_at,
    }
}

impl ArticleRow {
    pub fn visibility(&self) -> Visibility {
        let times = [self.published_at, self.embargoed_until, self.expires_at];
        visibility(&self.status, times)
    }

    /// What the public finds under its name. A tombstone stands as the article did when it was deleted; and what was
    /// out once and is to come out again is gone meanwhile, not unknown.
    pub fn standing(&self, now: DateTime<Utc>) -> Standing {
        let now = self.deleted_at.map_or(now, |at| now.min(at.and_utc()));
        let visibility = self.visibility();
        let was_out = visibility.status != Status::Draft
            && self
                .first_published_at
                .is_some_and(|first| first.and_utc() <= now);
        match visibility.standing(now) {
            Standing::Hidden if was_out => Standing::Gone,
            // Its hour came while nothing of it could be shown: it was withdrawn before, or was to end before it began.
            Standing::Gone
                if visibility.window().is_none() && self.first_published_at.is_none() =>
            {
                Standing::Hidden
            }
            standing => standing,
        }
    }

    pub fn is_public(&self, now: DateTime<Utc>) -> bool {
        self.deleted_at.is_none() && self.visibility().is_public(now)
    }
}

impl From<BodyRow> for Body {
    fn from(row: BodyRow) -> Self {
        Self {
            // The table's check allows no other text.
            format: BodyFormat::parse(&row.format).unwrap_or(BodyFormat::Html),
            source: row.source,
            html: row.html,
            text: row.text,
            word_count: row.word_count,
        }
    }
}

/// Stores a new article, whose body comes to `body_of` its number; tells the number.
///
/// # Errors
/// When the database fails.
pub fn insert(
    conn: &mut Conn,
    row: &ArticleRow,
    body_of: impl FnOnce(i64) -> BodyRow,
) -> Result<i64> {
    let num: i64 = match conn {
        // With RETURNING, SQLite would keep a journal for the one statement.
        Conn::Sqlite(conn) => {
            diesel::insert_into(articles::table)
                .values(row)
                .execute(conn)?;
            diesel::select(sql::<BigInt>("last_insert_rowid()")).get_result(conn)?
        }
        Conn::Postgres(conn) => diesel::insert_into(articles::table)
            .values(row)
            .returning(articles::num)
            .get_result(conn)?,
    };
    let body = body_of(num);
    each!(conn, conn => diesel::insert_into(bodies::table).values(&body).execute(conn))?;
    Ok(num)
}

/// Writes what of an article differs from `before`, which is stored, and nothing else: the database would write the entries
/// anew in each index that has a column named here.
pub fn update(conn: &mut Conn, before: &ArticleRow, row: &ArticleRow) -> Result<()> {
    macro_rules! changed {
        ($($column:ident),*) => {
            ($((row.$column != before.$column).then(|| articles::$column.eq(&row.$column)),)*)
        };
    }
    if row == before {
        return Ok(());
    }
    let changed = changed!(
        id,
        slug,
        external_id,
        language,
        headline,
        standfirst,
        trail_text,
        excerpt,
        byline,
        image,
        source_name,
        source_url,
        canonical_url,
        license,
        attribution,
        syndicatable,
        sponsors,
        translation_group,
        status,
        published_at,
        first_published_at,
        updated_at,
        embargoed_until,
        expires_at,
        related,
        created_at,
        deleted_at,
        saved_by,
        version,
        created_by,
        next_change_at
    );
    let update = diesel::update(articles::table.filter(articles::num.eq(before.num))).set(changed);
    match is_other_text(before, row) {
        true => each!(conn, conn => Kept(update).execute(conn))?,
        false => update.execute(conn)?,
    };
    Ok(())
}

/// Whether nothing differs but what most edits write: so few columns that a statement for each choice of them may stay
/// prepared.
fn is_other_text(before: &ArticleRow, row: &ArticleRow) -> bool {
    let rewritten = ArticleRow {
        headline: row.headline.clone(),
        standfirst: row.standfirst.clone(),
        trail_text: row.trail_text.clone(),
        excerpt: row.excerpt.clone(),
        byline: row.byline.clone(),
        updated_at: row.updated_at,
        saved_by: row.saved_by.clone(),
        version: row.version,
        ..before.clone()
    };
    row.version != before.version && rewritten == *row
}

/// Puts a body in the place of the article's, or only says when its version was saved where it stays the same.
pub fn update_body(conn: &mut Conn, before: &BodyRow, body: &BodyRow) -> Result<()> {
    let row = bodies::table.filter(bodies::article_num.eq(body.article_num));
    let same = BodyRow {
        saved_at: body.saved_at,
        ..before.clone()
    };
    match same == *body {
        true => saved_at(conn, body.article_num, body.saved_at),
        false => {
            each!(conn, conn => Kept(diesel::update(row).set(body)).execute(conn))?;
            Ok(())
        }
    }
}

/// Notes when the present version of an article was saved.
pub fn saved_at(conn: &mut Conn, num: i64, at: Option<NaiveDateTime>) -> Result<()> {
    each!(conn, conn =>
        Kept(diesel::update(bodies::table.filter(bodies::article_num.eq(num)))
            .set(bodies::saved_at.eq(at)))
        .execute(conn))?;
    Ok(())
}

/// Finds an article by its slug, or by its id in the slug's place.
pub fn find(conn: &mut Conn, name: &str) -> Result<Option<ArticleRow>> {
    let by_slug = each!(conn, conn =>
        articles::table.filter(articles::slug.eq(name)).first(conn).optional())?;
    match (by_slug, Uuid::try_parse(name)) {
        (None, Ok(id)) => Ok(each!(conn, conn =>
            articles::table.filter(articles::id.eq(id.to_string())).first(conn).optional())?),
        (found, _) => Ok(found),
    }
}

/// The articles that these slugs, ids or former slugs lead to, each once and in no order, with as many queries as for
/// one. What leads nowhere is passed over.
pub fn by_names(conn: &mut Conn, names: &[String]) -> Result<Vec<ArticleRow>> {
    // No name has a NUL, and PostgreSQL takes none in text.
    let slugs: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .filter(|name| !name.contains('\0'))
        .collect();
    if slugs.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<String> = slugs
        .iter()
        .filter_map(|name| Some(Uuid::try_parse(name).ok()?.to_string()))
        .collect();
    let mut rows: Vec<ArticleRow> = articles::table
        .filter(articles::slug.eq_any(&slugs).or(articles::id.eq_any(&ids)))
        .load(conn)?;
    rows.extend(aliases::find_all(conn, &slugs)?);
    let mut known = HashSet::new();
    rows.retain(|row| known.insert(row.num));
    Ok(rows)
}

/// The articles of these numbers, in no order.
pub fn by_nums(conn: &mut Conn, nums: &[i64]) -> Result<Vec<ArticleRow>> {
    Ok(for_these!(articles::num, nums, these =>
        each!(conn, conn => articles::table.filter(these).load(conn)))?)
}

/// The ids of these articles, by number.
pub fn ids(conn: &mut Conn, nums: &[i64]) -> Result<HashMap<i64, String>> {
    if nums.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(i64, String)> = each!(conn, conn =>
        articles::table
            .filter(among(articles::num, nums))
            .select((articles::num, articles::id))
            .load(conn))?;
    Ok(rows.into_iter().collect())
}

/// The bodies of these articles, by number.
pub fn bodies(conn: &mut Conn, nums: &[i64]) -> Result<HashMap<i64, BodyRow>> {
    let rows: Vec<BodyRow> = for_these!(bodies::article_num, nums, these =>
        each!(conn, conn => bodies::table.filter(these).load(conn)))?;
    Ok(rows.into_iter().map(|row| (row.article_num, row)).collect())
}
