//! Whole articles: all that is stored of them, for what is derived from the store or kept of the past.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde_json::{Value, json};

use crate::content::time::utc_text;
use crate::db::Conn;
use crate::db::schema::articles;
use crate::error::{Error, Result};
use crate::store::articles::{self as article_store, ArticleRow, BodyRow};
use crate::store::curations::{self, Curation};
use crate::store::tags::{self as tag_store, TagRow};

/// An article with everything that hangs on it.
#[derive(Clone, Debug)]
pub struct Whole {
    pub row: ArticleRow,
    pub body: BodyRow,
    pub tags: Vec<TagRow>,
    pub curation: Curation,
    /// Pins taken over from translations, each with the article that has it; only there for who asks for them.
    pub shared_pins: Vec<(i64, i64)>,
}

/// These articles, those that exist, in order of number.
pub fn of(conn: &mut Conn, nums: &[i64]) -> Result<Vec<Whole>> {
    let mut rows = article_store::by_nums(conn, nums)?;
    rows.sort_by_key(|row| row.num);
    complete(conn, rows)
}

/// One article, whose row was read in the same transaction and is what is stored.
///
/// # Errors
/// When the database fails, or has lost its body.
pub fn whole(conn: &mut Conn, row: &ArticleRow) -> Result<Whole> {
    let whole = complete(conn, vec![row.clone()])?.pop();
    whole.ok_or_else(|| Error::Internal(format!("article {} has no body", row.id)))
}

/// The articles with a greater number than `after`, at most `limit`, in order of number.
pub fn scan(conn: &mut Conn, after: i64, limit: i64) -> Result<Vec<Whole>> {
    let rows: Vec<ArticleRow> = articles::table
        .filter(articles::num.gt(after))
        .order(articles::num)
        .limit(limit)
        .load(conn)?;
    complete(conn, rows)
}

pub(super) fn complete(conn: &mut Conn, rows: Vec<ArticleRow>) -> Result<Vec<Whole>> {
    let nums: Vec<i64> = rows.iter().map(|row| row.num).collect();
    let mut bodies = article_store::bodies(conn, &nums)?;
    let mut tags = tag_store::of_articles(conn, &nums)?;
    let mut curations = curations::of(conn, &nums)?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            Some(Whole {
                body: bodies.remove(&row.num)?,
                tags: tags.remove(&row.num).unwrap_or_default(),
                curation: curations.remove(&row.num).unwrap_or_default(),
                shared_pins: Vec::new(),
                row,
            })
        })
        .collect())
}

impl Whole {
    /// When this version was saved, as far as it is known.
    pub fn saved_at(&self) -> NaiveDateTime {
        self.body.saved_at.unwrap_or(self.row.updated_at)
    }

    /// The article in the import format; other articles are named by id.
    pub fn to_line(&self, conn: &mut Conn) -> Result<Value> {
        let targets: Vec<i64> = [&self.curation.pins[..], &self.curation.bans].concat();
        let ids = article_store::ids(conn, &targets)?;
        let named =
            |nums: &[i64]| -> Vec<&String> { nums.iter().filter_map(|num| ids.get(num)).collect() };
        let row = &self.row;
        Ok(json!({
            "id": row.id,
            "external_id": row.external_id,
            "slug": row.slug,
            "language": row.language,
            "headline": row.headline,
            "standfirst": row.standfirst,
            "trail_text": row.trail_text,
            "byline": row.byline,
            "body": self.body.source,
            "body_format": self.body.format,
            "image": parsed(row.image.as_deref()),
            "source": row.source_name.as_ref().map(|name| json!({"name": name, "url": row.source_url})),
            "canonical_url": row.canonical_url,
            "rights": {
                "license": row.license,
                "attribution": row.attribution,
                "syndicatable": row.syndicatable,
            },
            "sponsors": parsed(Some(&row.sponsors)),
            "tags": self.tags.iter().map(|tag| json!({
                "slug": tag.slug, "name": tag.name, "kind": tag.kind,
            })).collect::<Vec<_>>(),
            "status": row.status,
            "published_at": row.published_at.map(utc_text),
            "first_published_at": row.first_published_at.map(utc_text),
            "updated_at": utc_text(row.updated_at),
            "embargoed_until": row.embargoed_until.map(utc_text),
            "expires_at": row.expires_at.map(utc_text),
            "pins": named(&self.curation.pins),
            "bans": named(&self.curation.bans),
            "related": row.related,
        }))
    }
}

/// JSON that this program wrote itself.
fn parsed(text: Option<&str>) -> Value {
    text.and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or(Value::Null)
}
