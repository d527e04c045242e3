//! What another store needs besides what readers see, to answer as this one does.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use crate::content::sight::Sight;
use crate::db::Conn;
use crate::db::dialect::{among, each};
use crate::db::schema::{tag_aliases, tags};
use crate::error::Result;
use crate::store::CHUNK;
use crate::store::tags::{self as tag_store, TagRow};

/// Articles that are told to pin another: it may be any number.
pub const MAX_PINNING: usize = 200;

/// A tag that a caller knows, with what it knows of it.
#[derive(Clone, Debug)]
pub struct TagCopy {
    pub row: TagRow,
    /// The slug of the tag above it, where that is public.
    pub parent: Option<String>,
    pub aliases: Vec<String>,
    /// Ids of the public tags right below it.
    pub children: Vec<String>,
}

#[derive(QueryableByName)]
struct Pin {
    #[diesel(sql_type = BigInt)]
    target_num: i64,
    #[diesel(sql_type = BigInt)]
    article_num: i64,
}

/// The newest articles that pin each of these, at most [`MAX_PINNING`], by number of the pinned one.
///
/// # Errors
/// When the database fails.
pub fn pinning(conn: &mut Conn, nums: &[i64]) -> Result<HashMap<i64, Vec<i64>>> {
    let mut by_target: HashMap<i64, Vec<i64>> = HashMap::new();
    for nums in nums.chunks(CHUNK) {
        // The numbers are ours, and the databases write parameters differently.
        let nums: Vec<String> = nums.iter().map(i64::to_string).collect();
        let query = format!(
            "SELECT target_num, article_num FROM (
                 SELECT target_num, article_num,
                     row_number() OVER (PARTITION BY target_num ORDER BY article_num DESC) AS place
                 FROM curations WHERE kind = 'pin' AND target_num IN ({})
             ) AS pins WHERE place <= {MAX_PINNING} ORDER BY target_num, place",
            nums.join(",")
        );
        let rows: Vec<Pin> = diesel::sql_query(query).load(conn)?;
        for row in rows {
            let pinning = by_target.entry(row.target_num).or_default();
            pinning.push(row.article_num);
        }
    }
    Ok(by_target)
}

/// Those of these tags that a caller of this sight knows at `now`, by number; `borne` are tags of articles that it sees,
/// as far as that is known already. Which tags are below is told of all tags in `whole`,
/// and of those that are public by their articles alone: a tag above another may have come out with an article.
pub fn tags(
    conn: &mut Conn,
    nums: &[i64],
    whole: &HashSet<i64>,
    (sight, borne): (&Sight, &HashSet<i64>),
    now: DateTime<Utc>,
) -> Result<HashMap<i64, TagCopy>> {
    let mut rows: Vec<TagRow> = Vec::new();
    for nums in nums.chunks(CHUNK) {
        rows.extend(tag_store::by_nums(conn, nums)?.into_values());
    }
    let parents: Vec<i64> = rows.iter().filter_map(|row| row.parent_num).collect();
    let parents = tag_store::by_nums(conn, &parents)?;
    let above: Vec<i64> = rows
        .iter()
        .filter(|row| !row.listed || whole.contains(&row.num))
        .map(|row| row.num)
        .collect();
    let below = children(conn, &above)?;
    let unlisted: HashMap<i64, &TagRow> = rows
        .iter()
        .chain(parents.values())
        .chain(below.iter().map(|(_, child)| child))
        .filter(|row| !row.listed && !borne.contains(&row.num))
        .map(|row| (row.num, row))
        .collect();
    let mut borne = borne.clone();
    match sight.rights() {
        None => {
            let nums: Vec<i64> = unlisted.into_keys().collect();
            for nums in nums.chunks(CHUNK) {
                borne.extend(tag_store::borne_publicly(conn, nums, now)?);
            }
        }
        Some(rights) => {
            for (num, row) in unlisted {
                if tag_store::is_known_to(conn, row, rights, now)? {
                    borne.insert(num);
                }
            }
        }
    }
    let is_public = |row: &TagRow| row.listed || borne.contains(&row.num);
    rows.retain(is_public);
    let nums: Vec<i64> = rows.iter().map(|row| row.num).collect();
    let mut aliases = public_aliases(conn, &nums)?;
    let mut children: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    for (parent, child) in below.iter().filter(|(_, child)| is_public(child)) {
        children.entry(*parent).or_default().push(child.id.clone());
    }
    let copies = rows.into_iter().map(|row| {
        let parent = row.parent_num.and_then(|num| parents.get(&num));
        let copy = TagCopy {
            parent: parent
                .filter(|parent| is_public(parent))
                .map(|parent| parent.slug.clone()),
            aliases: aliases.remove(&row.num).unwrap_or_default(),
            children: children.remove(&row.num).unwrap_or_default(),
            row,
        };
        (copy.row.num, copy)
    });
    Ok(copies.collect())
}

fn children(conn: &mut Conn, nums: &[i64]) -> Result<Vec<(i64, TagRow)>> {
    if nums.is_empty() {
        return Ok(Vec::new());
    }
    let mut rows: Vec<TagRow> = each!(conn, conn =>
        tags::table.filter(among(tags::parent_num.assume_not_null(), nums)).load(conn))?;
    rows.sort_by_key(|row| row.num);
    let with_parent = |row: TagRow| Some((row.parent_num?, row));
    Ok(rows.into_iter().filter_map(with_parent).collect())
}

/// The former slugs of these tags, and of those merged into them, that lead the public on.
fn public_aliases(conn: &mut Conn, nums: &[i64]) -> Result<HashMap<i64, Vec<String>>> {
    let mut by_tag: HashMap<i64, Vec<String>> = HashMap::new();
    for nums in nums.chunks(CHUNK) {
        let rows: Vec<(i64, String)> = tag_aliases::table
            .filter(tag_aliases::tag_num.eq_any(nums))
            .filter(tag_aliases::public.eq(true))
            .order(tag_aliases::slug)
            .select((tag_aliases::tag_num, tag_aliases::slug))
            .load(conn)?;
        for (num, slug) in rows {
            by_tag.entry(num).or_default().push(slug);
        }
    }
    Ok(by_tag)
}
