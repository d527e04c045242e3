//! Tags as the articles that bear them show them. They are few beside the articles, and are read once for as long as no
//! tag changes: each answer says which generation of all tags it saw.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, OnceLock};

use diesel::dsl::exists;
use diesel::prelude::*;
use quick_cache::sync::Cache;

use crate::db::Conn;
use crate::db::dialect::{among, each};
use crate::db::schema::{tag_generation, tags};
use crate::error::Result;

/// Tags in memory at the most, some three hundred bytes each.
const MOST: usize = 16_384;

/// By generation and number. A generation is a number by chance, which no other state of tags has, be it another store's.
static KNOWN: LazyLock<Cache<(i64, i64), Arc<BorneTag>>> = LazyLock::new(|| Cache::new(MOST));

/// A tag as an article that bears it shows it.
#[derive(Debug)]
pub struct BorneTag {
    pub num: i64,
    pub id: String,
    pub slug: String,
    pub name: String,
    pub kind: String,
    /// As it stands in answers, kept by whoever first writes it.
    pub written: OnceLock<Box<str>>,
}

type Row = (i64, String, String, String, String);

impl From<Row> for BorneTag {
    fn from((num, id, slug, name, kind): Row) -> Self {
        Self {
            num,
            id,
            slug,
            name,
            kind,
            written: OnceLock::new(),
        }
    }
}

/// The tags of these numbers, article by article, as they are in this generation; `None` where another has come since.
///
/// # Errors
/// When the database fails.
pub fn of(
    conn: &mut Conn,
    generation: i64,
    borne: &[Vec<i64>],
) -> Result<Option<Vec<Vec<Arc<BorneTag>>>>> {
    let known = |num: &i64| KNOWN.get(&(generation, *num));
    let mut tags: Vec<Vec<Option<Arc<BorneTag>>>> = borne
        .iter()
        .map(|nums| nums.iter().map(known).collect())
        .collect();
    let places = tags.iter().flatten().zip(borne.iter().flatten());
    let unknown = places.filter(|(tag, _)| tag.is_none());
    let mut unknown: Vec<i64> = unknown.map(|(_, num)| *num).collect();
    if !unknown.is_empty() {
        unknown.sort_unstable();
        unknown.dedup();
        let Some(read) = read(conn, generation, &unknown)? else {
            return Ok(None);
        };
        let places = tags.iter_mut().flatten().zip(borne.iter().flatten());
        for (tag, num) in places.filter(|(tag, _)| tag.is_none()) {
            *tag = read.get(num).cloned();
        }
    }
    let whole = tags
        .into_iter()
        .map(|of_one| of_one.into_iter().flatten().collect());
    Ok(Some(whole.collect()))
}

/// These tags; `None` where this is not the present generation.
fn read(
    conn: &mut Conn,
    generation: i64,
    nums: &[i64],
) -> Result<Option<HashMap<i64, Arc<BorneTag>>>> {
    let is_present = exists(tag_generation::table.filter(tag_generation::value.eq(generation)));
    // One statement, thus one snapshot.
    let rows: Vec<Row> = each!(conn, conn => tags::table
        .filter(among(tags::num, nums))
        .filter(is_present)
        .select((tags::num, tags::id, tags::slug, tags::name, tags::kind))
        .load(conn))?;
    if rows.len() < nums.len() {
        let present: i64 = tag_generation::table
            .select(tag_generation::value)
            .first(conn)?;
        if present != generation {
            return Ok(None);
        }
        // Not by this program: the database keeps tags that are borne.
        log::error!("articles bear some of the tags {nums:?}, which are not there");
    }
    let mut read = HashMap::with_capacity(rows.len());
    for tag in rows.into_iter().map(BorneTag::from).map(Arc::new) {
        KNOWN.insert((generation, tag.num), Arc::clone(&tag));
        read.insert(tag.num, tag);
    }
    Ok(Some(read))
}
