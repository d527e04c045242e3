//! How many bytes the present state of things takes in a page of the change feed, about, without reading it.
//!
//! Everything whose length is open is counted, what the caller may not know included; the rest has a flat rate.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};

use crate::db::Conn;
use crate::db::schema::{article_tags, articles};
use crate::error::Result;
use crate::store::CHUNK;
use crate::store::copies;

/// A line of the log without its slug, or with it.
pub const LINE: usize = 500;
/// The members of an article, their names, and what is short in them.
const ARTICLE: usize = 1_500;
/// The same of a tag, whole; and of one that an article only names.
const TAG: usize = 400;
const TAG_NAMED: usize = 50;
/// An id as an item of a list.
const ID: usize = 39;
/// One of those that pin an article, without its pins.
const PINNING: usize = 60;
/// A translation without its slug, or a slug without itself.
const TRANSLATION: usize = 60;

#[derive(QueryableByName)]
struct Size {
    #[diesel(sql_type = BigInt)]
    num: i64,
    #[diesel(sql_type = BigInt)]
    bytes: i64,
}

/// What a tag takes.
#[derive(Clone, Copy, Debug, Default)]
pub struct TagWeight {
    /// Where it is named.
    named: usize,
    /// With all of it but the tags that are below it.
    alone: usize,
    below: usize,
    listed: bool,
}

impl TagWeight {
    /// In its own line.
    pub fn whole(self) -> usize {
        self.alone + self.below
    }

    /// In an article that bears it.
    fn borne(self) -> usize {
        // The tags below a listed one are told by its own line.
        self.named + self.alone + if self.listed { 0 } else { self.below }
    }
}

/// What the present state of each of these articles takes, by number.
///
/// # Errors
/// When the database fails.
pub fn of_articles(conn: &mut Conn, nums: &[i64]) -> Result<HashMap<i64, usize>> {
    let mut weights = HashMap::with_capacity(nums.len());
    for nums in nums.chunks(CHUNK) {
        weights.extend(texts(conn, nums)?);
        let mut add = |found: HashMap<i64, usize>| {
            for (num, bytes) in found {
                *weights.entry(num).or_insert(0) += bytes;
            }
        };
        add(former_slugs(conn, nums)?);
        add(translations(conn, nums)?);
        add(tags_of(conn, nums)?);
        add(pins(conn, nums)?);
    }
    Ok(weights)
}

/// What each of these tags takes, by number.
///
/// # Errors
/// When the database fails.
pub fn of_tags(conn: &mut Conn, nums: &[i64]) -> Result<HashMap<i64, TagWeight>> {
    #[derive(QueryableByName)]
    struct Texts {
        #[diesel(sql_type = BigInt)]
        num: i64,
        #[diesel(sql_type = BigInt)]
        named: i64,
        #[diesel(sql_type = BigInt)]
        others: i64,
        #[diesel(sql_type = Bool)]
        listed: bool,
    }
    let mut weights = HashMap::with_capacity(nums.len());
    for nums in nums.chunks(CHUNK) {
        let list = list(nums);
        let query = format!(
            "SELECT tag.num AS num, tag.listed AS listed,
                 CAST(octet_length(tag.slug) + octet_length(tag.name) AS BIGINT) AS named,
                 CAST(coalesce(octet_length(tag.description), 0) + coalesce(octet_length(above.slug), 0) AS BIGINT)
                     AS others
             FROM tags AS tag LEFT JOIN tags AS above ON above.num = tag.parent_num WHERE tag.num IN ({list})"
        );
        let rows: Vec<Texts> = diesel::sql_query(query).load(conn)?;
        let aliases = sizes(
            conn,
            format!(
                "SELECT tag_num AS num, CAST(sum(octet_length(slug) + 3) AS BIGINT) AS bytes FROM tag_aliases
                 WHERE tag_num IN ({list}) GROUP BY tag_num"
            ),
        )?;
        let below = sizes(
            conn,
            format!(
                "SELECT parent_num AS num, CAST(count(*) AS BIGINT) AS bytes FROM tags
                 WHERE parent_num IN ({list}) GROUP BY parent_num"
            ),
        )?;
        weights.extend(rows.into_iter().map(|row| {
            let named = size(row.named) + TAG_NAMED;
            let aliases = aliases.get(&row.num).copied().unwrap_or(0);
            let weight = TagWeight {
                named,
                alone: named + size(row.others) + aliases + TAG,
                below: below.get(&row.num).copied().unwrap_or(0) * ID,
                listed: row.listed,
            };
            (row.num, weight)
        }));
    }
    Ok(weights)
}

fn texts(conn: &mut Conn, nums: &[i64]) -> Result<HashMap<i64, usize>> {
    let optional = [
        "standfirst",
        "trail_text",
        "byline",
        "image",
        "source_name",
        "source_url",
        "canonical_url",
        "license",
        "attribution",
    ];
    let optional = optional.map(|column| format!(" + coalesce(octet_length({column}), 0)"));
    let query = format!(
        "SELECT num, CAST({ARTICLE} + octet_length(html) + octet_length(text) + octet_length(headline)
             + octet_length(excerpt) + octet_length(sponsors){} AS BIGINT) AS bytes
         FROM articles JOIN bodies ON article_num = num WHERE num IN ({})",
        optional.concat(),
        list(nums)
    );
    sizes(conn, query)
}

fn former_slugs(conn: &mut Conn, nums: &[i64]) -> Result<HashMap<i64, usize>> {
    let query = format!(
        "SELECT article_num AS num, CAST(sum(octet_length(slug) + 3) AS BIGINT) AS bytes FROM article_aliases
         WHERE article_num IN ({}) GROUP BY article_num",
        list(nums)
    );
    sizes(conn, query)
}

fn translations(conn: &mut Conn, nums: &[i64]) -> Result<HashMap<i64, usize>> {
    let groups: Vec<(i64, Option<String>)> = articles::table
        .filter(articles::num.eq_any(nums))
        .filter(articles::translation_group.is_not_null())
        .select((articles::num, articles::translation_group))
        .load(conn)?;
    let names: HashSet<&String> = groups
        .iter()
        .filter_map(|(_, name)| name.as_ref())
        .collect();
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    let members: Vec<(Option<String>, String)> = articles::table
        .filter(articles::translation_group.eq_any(names))
        .select((articles::translation_group, articles::slug))
        .load(conn)?;
    let mut by_group: HashMap<String, usize> = HashMap::new();
    for (group, slug) in members {
        *by_group.entry(group.unwrap_or_default()).or_insert(0) += slug.len() + TRANSLATION;
    }
    let weight = |group: Option<String>| by_group.get(&group?).copied();
    Ok(groups
        .into_iter()
        .filter_map(|(num, group)| Some((num, weight(group)?)))
        .collect())
}

fn tags_of(conn: &mut Conn, nums: &[i64]) -> Result<HashMap<i64, usize>> {
    let borne: Vec<(i64, i64)> = article_tags::table
        .filter(article_tags::article_num.eq_any(nums))
        .select((article_tags::article_num, article_tags::tag_num))
        .load(conn)?;
    let tags: HashSet<i64> = borne.iter().map(|(_, tag)| *tag).collect();
    let tags = of_tags(conn, &tags.into_iter().collect::<Vec<_>>())?;
    let mut weights = HashMap::new();
    for (num, tag) in borne {
        let weight = tags.get(&tag).copied().unwrap_or_default();
        *weights.entry(num).or_insert(0) += weight.borne();
    }
    Ok(weights)
}

/// Its own pins, and those of all that pin it.
fn pins(conn: &mut Conn, nums: &[i64]) -> Result<HashMap<i64, usize>> {
    let pinning = copies::pinning(conn, nums)?;
    let all: HashSet<i64> = nums
        .iter()
        .chain(pinning.values().flatten())
        .copied()
        .collect();
    let all: Vec<i64> = all.into_iter().collect();
    let mut own: HashMap<i64, usize> = HashMap::new();
    for nums in all.chunks(CHUNK) {
        let query = format!(
            "SELECT article_num AS num, CAST(count(*) AS BIGINT) AS bytes FROM curations
             WHERE kind = 'pin' AND article_num IN ({}) GROUP BY article_num",
            list(nums)
        );
        own.extend(sizes(conn, query)?);
    }
    let own = |num: &i64| own.get(num).copied().unwrap_or(0) * ID;
    let weight = |num: &i64| {
        let by = pinning.get(num).into_iter().flatten();
        own(num) + by.map(|by| PINNING + own(by)).sum::<usize>()
    };
    Ok(nums.iter().map(|num| (*num, weight(num))).collect())
}

fn sizes(conn: &mut Conn, query: String) -> Result<HashMap<i64, usize>> {
    let rows: Vec<Size> = diesel::sql_query(query).load(conn)?;
    let rows = rows.into_iter().map(|row| (row.num, size(row.bytes)));
    Ok(rows.collect())
}

fn size(bytes: i64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// The numbers are ours, and the databases write parameters differently.
fn list(nums: &[i64]) -> String {
    let nums: Vec<String> = nums.iter().map(i64::to_string).collect();
    nums.join(",")
}
