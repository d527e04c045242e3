//! Where what events tell of is found: the addresses of articles and tags, and what merged tags became a part of.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::db::Conn;
use crate::delivery::event;
use crate::error::Result;
use crate::store::articles::{self, ArticleRow};
use crate::store::changes::ChangeRow;
use crate::store::{tag_mergers, tags};
use crate::syndication::publication::{Named, Publication};

/// What is known of the things that some lines are about.
pub(super) struct Places {
    /// Articles that are public, by number.
    articles: HashMap<i64, ArticleRow>,
    /// The slugs of the tags that others became a part of, by number; none that the public may not know.
    into: HashMap<i64, String>,
}

impl Places {
    /// Reads it in the snapshot that the lines were read in.
    pub(super) fn of<'a>(
        conn: &mut Conn,
        lines: impl Iterator<Item = &'a ChangeRow> + Clone,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        let there = lines.clone().filter(|line| line.kind == "article");
        let there = there.filter(|line| event::is_there(line));
        let nums: Vec<i64> = there.map(|line| line.num).collect();
        let mut places = Self {
            articles: HashMap::new(),
            into: HashMap::new(),
        };
        for row in articles::by_nums(conn, &nums)? {
            // What is not public any more has no address that the public may know.
            if row.is_public(now) {
                places.articles.insert(row.num, row);
            }
        }
        let mergers = lines.filter(|line| line.action == "merged");
        let nums: Vec<i64> = mergers.map(|line| line.num).collect();
        if !nums.is_empty() {
            // Those may have been merged, too.
            let remaining = tag_mergers::remaining(conn, &nums)?;
            let there: Vec<i64> = remaining.values().copied().collect();
            let rows = tags::by_nums(conn, &there)?;
            for (num, there) in remaining {
                if let Some(row) = rows.get(&there)
                    && tags::is_public(conn, row, now)?
                {
                    places.into.insert(num, row.slug.clone());
                }
            }
        }
        Ok(places)
    }

    /// The body that is sent for the line.
    pub(super) fn payload(
        &self,
        publication: &Publication,
        event: &str,
        line: &ChangeRow,
    ) -> String {
        let (url, api_url) = match (line.kind.as_str(), event::is_there(line)) {
            (_, false) => (None, None),
            ("article", true) => {
                let row = self.articles.get(&line.num);
                let named = row.map(|row| Named {
                    id: &row.id,
                    slug: &row.slug,
                    language: &row.language,
                    canonical_url: row.canonical_url.as_deref(),
                });
                (
                    named.map(|named| publication.article(named)),
                    named.map(|named| publication.api_article(named.slug)),
                )
            }
            (_, true) => {
                let url = publication.tag(&line.slug);
                (Some(url.clone()), Some(url))
            }
        };
        let into = self.into.get(&line.num).map(String::as_str);
        event::payload(event, line, into, url, api_url).to_string()
    }
}
