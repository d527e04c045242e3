//! Which events a webhook wants, and whether a line of the log is one of them.

use std::collections::{BTreeSet, HashMap, HashSet};

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::db::Conn;
use crate::db::dialect::{among, each};
use crate::db::schema::{article_tags, articles, webhook_tags};
use crate::error::{Error, Result};
use crate::store::changes::{Action, ChangeRow};
use crate::store::tags;

/// Which events a webhook wants; an empty list leaves nothing out.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub events: Vec<String>,
    /// Of articles.
    pub languages: Vec<String>,
    /// Slugs: of tags, and of what articles bear.
    pub tags: Vec<String>,
}

impl Filter {
    pub fn to_text(&self) -> Result<String> {
        serde_json::to_string(self)
            .map_err(|error| Error::Internal(format!("a filter cannot be kept: {error}")))
    }
}

/// Keeps which tags the filter means now: each may get another name, and be gone under that.
pub(super) fn keep_tags(conn: &mut Conn, webhook: &str, filter: &Filter) -> Result<()> {
    diesel::delete(webhook_tags::table.filter(webhook_tags::webhook_id.eq(webhook)))
        .execute(conn)?;
    let mut nums = BTreeSet::new();
    for slug in &filter.tags {
        nums.extend(tags::find(conn, slug)?.map(|found| found.into_row().num));
    }
    let row = |num| {
        (
            webhook_tags::webhook_id.eq(webhook),
            webhook_tags::tag_num.eq(num),
        )
    };
    let rows: Vec<_> = nums.into_iter().map(row).collect();
    each!(conn, conn => diesel::insert_into(webhook_tags::table).values(&rows).execute(conn))?;
    Ok(())
}

/// Whoever meant the tag that is gone means the one that it became a part of, too.
pub(super) fn follow_merger(conn: &mut Conn, from: i64, into: i64) -> Result<()> {
    // The numbers are ours, and the databases write parameters differently.
    let follow = format!(
        "INSERT INTO webhook_tags (webhook_id, tag_num) SELECT webhook_id, {into} FROM webhook_tags AS known
         WHERE tag_num = {from} AND NOT EXISTS (SELECT 1 FROM webhook_tags AS other
         WHERE other.webhook_id = known.webhook_id AND other.tag_num = {into})"
    );
    diesel::sql_query(follow).execute(conn)?;
    Ok(())
}

/// What decides, beside the line itself, whether a filter lets it through.
pub struct Scope {
    languages: Vec<String>,
    /// Empty where any will do.
    tags: HashSet<i64>,
    slugs: Vec<String>,
    language_of: HashMap<i64, String>,
    bearers: HashSet<i64>,
}

impl Scope {
    /// Reads it for these lines, in the snapshot that they were read in.
    pub fn of(
        conn: &mut Conn,
        webhook: &str,
        filter: &Filter,
        lines: &[&ChangeRow],
    ) -> Result<Self> {
        let mut scope = Self {
            languages: filter.languages.clone(),
            tags: HashSet::new(),
            slugs: filter.tags.clone(),
            language_of: HashMap::new(),
            bearers: HashSet::new(),
        };
        let articles = lines.iter().filter(|line| line.kind == "article");
        let articles: Vec<i64> = articles.map(|line| line.num).collect();
        if !filter.languages.is_empty() {
            let found: Vec<(i64, String)> = each!(conn, conn => articles::table
                .filter(among(articles::num, &articles))
                .select((articles::num, articles::language))
                .load(conn))?;
            scope.language_of = found.into_iter().collect();
        }
        if !filter.tags.is_empty() {
            let mut tags: Vec<i64> = webhook_tags::table
                .filter(webhook_tags::webhook_id.eq(webhook))
                .select(webhook_tags::tag_num)
                .load(conn)?;
            for slug in &filter.tags {
                // Another tag may have come to be called that, after the first was gone.
                tags.extend(tags::find(conn, slug)?.map(|found| found.into_row().num));
            }
            // No tag has this number, and an empty list would let all through.
            tags.push(0);
            let bearers: Vec<i64> = each!(conn, conn => article_tags::table
                .filter(among(article_tags::article_num, &articles))
                .filter(among(article_tags::tag_num, &tags))
                .select(article_tags::article_num)
                .load(conn))?;
            scope.bearers = bearers.into_iter().collect();
            scope.tags = tags.into_iter().collect();
        }
        Ok(scope)
    }

    /// An article counts where it is in one of the languages and bears one of the tags, or has just left them while it
    /// stays public: that is the last that its followers are told. That one is gone passes whatever it was: what it was
    /// when it was told of is not known any more.
    pub fn takes(&self, line: &ChangeRow) -> bool {
        if line.kind == "tag" {
            return self.tags.is_empty()
                || self.tags.contains(&line.num)
                || self.slugs.contains(&line.slug);
        }
        if matches!(line.action.as_str(), "withdrawn" | "deleted") {
            return true;
        }
        let is_wanted = |language: &String| self.languages.contains(language);
        let stays = line.action == Action::Updated.as_str();
        let former = line.former_language.as_ref().filter(|_| stays);
        let in_language = self.languages.is_empty()
            || self.language_of.get(&line.num).is_some_and(is_wanted)
            || former.is_some_and(is_wanted);
        let moved = || line.moved_tags().filter(|_| stays).unwrap_or_default();
        let tagged = self.tags.is_empty()
            || self.bearers.contains(&line.num)
            || moved().iter().any(|tag| self.tags.contains(tag));
        in_language && tagged
    }
}
