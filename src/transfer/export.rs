//! Exporting: the whole store as lines, from one snapshot, a part at a time.

use std::io::{self, Write};

use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::content::line::RECORD;
use crate::content::visibility::Standing;
use crate::db::{Conn, Database};
use crate::error::{Error, Result};
use crate::store::articles::ArticleRow;
use crate::store::state::Whole;
use crate::store::{aliases, changes, exporting, identity, tags};
use crate::transfer::records::{
    self, AliasRecord, ArticleRecord, Counts, FORMAT, Header, PastRecord, Record, RevisionRecord,
    TagRecord, Tombstone,
};

/// Articles in memory at a time: each has up to 8 MiB of text, which is also kept as HTML and plain.
const PART: i64 = 32;
/// Past states in memory at a time.
const STATES: i64 = 8;
const TAGS: i64 = 500;

/// Is told how the export goes.
pub trait Watcher {
    /// How many articles there are.
    fn begin(&mut self, articles: u64);
    fn progress(&mut self, counts: &Counts);
}

/// Writes everything but users, keys and what else is secret, and the traces of who read or wrote. Two stores that hold
/// the same give the same bytes after the first line.
///
/// # Errors
/// When the database or the output fails.
pub fn run(
    database: &Database,
    out: &mut dyn Write,
    now: DateTime<Utc>,
    watcher: &mut dyn Watcher,
) -> Result<Counts> {
    let store = identity::of(database, now)?;
    database.read(|conn| {
        let articles = exporting::articles_count(conn)?;
        watcher.begin(u64::try_from(articles).unwrap_or_default());
        let mut export = Export {
            out,
            now,
            counts: Counts::default(),
        };
        export.record(Record::Export(Header {
            format: FORMAT,
            store,
            at: now,
        }))?;
        export.tags(conn)?;
        export.articles(conn, watcher)?;
        let counts = export.counts;
        export.record(Record::End(counts))?;
        export.out.flush().map_err(unwritten)?;
        Ok(counts)
    })
}

struct FormerSlugs {
    /// Each with whether the public knew it.
    all: Vec<(String, bool)>,
    /// The one by which it was last told of the article, where it does not know the present one.
    told: Option<String>,
}

struct Export<'a> {
    out: &'a mut dyn Write,
    now: DateTime<Utc>,
    counts: Counts,
}

impl Export<'_> {
    fn tags(&mut self, conn: &mut Conn) -> Result<()> {
        let mut after = String::new();
        loop {
            let rows = exporting::tags_after(conn, &after, TAGS)?;
            let Some(last) = rows.last() else {
                return Ok(());
            };
            after.clone_from(&last.id);
            let nums: Vec<i64> = rows.iter().map(|row| row.num).collect();
            let mut aliases = exporting::aliases(conn, &nums)?;
            let parents: Vec<i64> = rows.iter().filter_map(|row| row.parent_num).collect();
            let parents = tags::by_nums(conn, &parents)?;
            for row in rows {
                let parent = row.parent_num.and_then(|num| parents.get(&num));
                let aliases = aliases.remove(&row.num).unwrap_or_default();
                self.counts.tags += 1;
                self.record(Record::Tag(TagRecord {
                    id: id(&row.id)?,
                    slug: row.slug,
                    name: row.name,
                    kind: row.kind,
                    description: row.description,
                    parent: parent.map(|parent| parent.slug.clone()),
                    listed: row.listed,
                    aliases: aliases
                        .into_iter()
                        .map(|alias| AliasRecord {
                            slug: alias.slug,
                            public: alias.public,
                        })
                        .collect(),
                    version: row.version,
                    created_at: row.created_at.and_utc(),
                    updated_at: row.updated_at.and_utc(),
                }))?;
            }
        }
    }

    fn articles(&mut self, conn: &mut Conn, watcher: &mut dyn Watcher) -> Result<()> {
        let mut after = String::new();
        loop {
            let wholes = exporting::articles_after(conn, &after, PART)?;
            let Some(last) = wholes.last() else {
                return Ok(());
            };
            after.clone_from(&last.row.id);
            let nums: Vec<i64> = wholes.iter().map(|whole| whole.row.num).collect();
            let mut former = aliases::of(conn, &nums)?;
            let mut past = exporting::past(conn, &nums)?;
            let groups: Vec<&str> = wholes
                .iter()
                .filter_map(|whole| whole.row.translation_group.as_deref())
                .collect();
            let originals = exporting::first_of_groups(conn, &groups)?;
            for whole in wholes {
                let num = whole.row.num;
                let names = FormerSlugs {
                    all: former.remove(&num).unwrap_or_default(),
                    told: told_slug(conn, &whole.row, self.now)?,
                };
                let past = past.remove(&num).unwrap_or_default();
                let original = whole.row.translation_group.as_ref();
                let original = original.and_then(|group| originals.get(group));
                let mut line = whole.to_line(conn)?;
                line["translation_of"] = json!(original.filter(|id| **id != whole.row.id));
                self.article(&whole, line, names, &past)?;
                if !past.is_empty() {
                    self.revisions(conn, num, id(&whole.row.id)?)?;
                }
            }
            watcher.progress(&self.counts);
        }
    }

    fn article(
        &mut self,
        whole: &Whole,
        mut line: Value,
        names: FormerSlugs,
        past: &[(i64, NaiveDateTime)],
    ) -> Result<()> {
        let row = &whole.row;
        let utc = |time: NaiveDateTime| time.and_utc();
        let hidden = names.all.iter().filter(|(_, public)| !public);
        let article = ArticleRecord {
            version: row.version,
            created_at: row.created_at.and_utc(),
            created_by: row.created_by.clone(),
            saved_at: whole.body.saved_at.map(utc),
            saved_by: row.saved_by.clone(),
            deleted_at: row.deleted_at.map(utc),
            hidden_slugs: hidden.map(|(slug, _)| slug.clone()).collect(),
            former_slugs: names.all.iter().map(|(slug, _)| slug.clone()).collect(),
            told_slug: names.told,
            translation_group: row.translation_group.clone(),
            past: past
                .iter()
                .map(|&(version, saved_at)| PastRecord {
                    version,
                    saved_at: saved_at.and_utc(),
                })
                .collect(),
        };
        self.counts.articles += 1;
        if row.deleted_at.is_some() {
            return self.record(Record::Tombstone(Tombstone {
                state: line,
                article,
            }));
        }
        line[RECORD] = serde_json::to_value(Record::Article(article)).map_err(no_json)?;
        self.line(&serde_json::to_vec(&line).map_err(no_json)?)
    }

    fn revisions(&mut self, conn: &mut Conn, num: i64, article: Uuid) -> Result<()> {
        let mut after = i64::MIN;
        loop {
            let rows = exporting::states_after(conn, num, after, STATES)?;
            let Some(last) = rows.last() else {
                return Ok(());
            };
            after = last.version;
            for row in rows {
                self.counts.revisions += 1;
                self.record(Record::Revision(RevisionRecord {
                    article,
                    version: row.version,
                    saved_at: row.saved_at.and_utc(),
                    saved_by: row.saved_by,
                    state: serde_json::from_str(&row.state).map_err(no_json)?,
                }))?;
            }
        }
    }

    fn record(&mut self, record: Record) -> Result<()> {
        let line = records::alone(record).map_err(no_json)?;
        self.line(&line)
    }

    fn line(&mut self, line: &[u8]) -> Result<()> {
        let written = self.out.write_all(line);
        written
            .and_then(|()| self.out.write_all(b"\n"))
            .map_err(unwritten)
    }
}

fn told_slug(conn: &mut Conn, row: &ArticleRow, now: DateTime<Utc>) -> Result<Option<String>> {
    let standing = row.standing(now);
    match standing == Standing::Gone && !aliases::is_known_by_slug(conn, row, standing)? {
        true => changes::last_told_slug(conn, row.num),
        false => Ok(None),
    }
}

fn id(text: &str) -> Result<Uuid> {
    Uuid::try_parse(text).map_err(|_| Error::Internal(format!("the store has the id {text:?}")))
}

fn unwritten(error: io::Error) -> Error {
    Error::Internal(format!("cannot write the export: {error}"))
}

/// What the store keeps as JSON it wrote itself.
fn no_json(error: serde_json::Error) -> Error {
    Error::Internal(format!("the store holds what is no JSON: {error}"))
}
