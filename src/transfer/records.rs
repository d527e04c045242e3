//! The lines of an export: articles in the import format with what only a store knows beside them, and lines of their own
//! for all else. Every line has the member `kiosque`, and that alone where the line is no article to be taken in by itself.

use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::config::LARGEST_BODY;
use crate::content::article::Fault;
use crate::content::check::{Check, MAX_KEY, MAX_TEXT, one_of};
use crate::content::input::ArticleInput;
use crate::content::json::{self, Unread};
use crate::content::line::{EXPORT_LINE, RECORD};
use crate::content::slug::Slug;
use crate::content::tag::TagKind;
use crate::content::visibility::Status;
use crate::store::replica::{Inside, ReplicaArticle};
use crate::store::replica_groups::ReplicaGroup;
use crate::store::replica_tags::{ReplicaAlias, ReplicaTag};

/// The version of the format, which rises when an older program would misread a newer file.
pub const FORMAT: u32 = 1;
/// Bytes that a line may have: the largest article that a request can bring, and what it has become since. A million
/// past versions and former slugs need no more than that.
pub const MAX_EXPORT_LINE: usize = LARGEST_BODY + 256 * 1024 * 1024;

/// What the member `kiosque` says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// The first line. Its format comes first, so that an export is recognised by how it begins.
    Export(Header),
    Tag(TagRecord),
    /// Beside an article in the import format.
    Article(ArticleRecord),
    /// A deleted article; by itself such a line makes no article.
    Tombstone(Tombstone),
    /// Follows its article.
    Revision(RevisionRecord),
    /// The last line: without it the export is not whole.
    End(Counts),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    pub format: u32,
    /// The store's id.
    pub store: String,
    pub at: DateTime<Utc>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TagRecord {
    pub id: Uuid,
    pub slug: String,
    pub name: String,
    pub kind: String,
    pub description: Option<String>,
    /// The slug of the tag above it.
    pub parent: Option<String>,
    pub listed: bool,
    /// With the names of tags that were merged into it.
    pub aliases: Vec<AliasRecord>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AliasRecord {
    pub slug: String,
    pub public: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArticleRecord {
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub created_by: Option<String>,
    /// Null where it was not kept.
    pub saved_at: Option<DateTime<Utc>>,
    pub saved_by: Option<String>,
    pub deleted_at: Option<DateTime<Utc>>,
    pub former_slugs: Vec<String>,
    /// Those of them that the public never knew.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hidden_slugs: Vec<String>,
    /// Where the public does not know its slug: the one by which it was last told of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_slug: Option<String>,
    pub translation_group: Option<String>,
    /// The past versions, each of which follows as a line.
    pub past: Vec<PastRecord>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PastRecord {
    pub version: i64,
    pub saved_at: DateTime<Utc>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tombstone {
    /// What it was, in the import format.
    pub state: Value,
    pub article: ArticleRecord,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevisionRecord {
    pub article: Uuid,
    pub version: i64,
    pub saved_at: DateTime<Utc>,
    pub saved_by: Option<String>,
    /// In the import format.
    pub state: Value,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    pub tags: u64,
    pub articles: u64,
    pub revisions: u64,
}

/// A line that was read and checked.
#[derive(Debug)]
pub enum Parsed {
    Header(Header),
    Tag(Box<ReplicaTag>),
    Article(Box<ReplicaArticle>),
    Revision(Box<RevisionRecord>),
    End(Counts),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Alone {
    kiosque: Record,
}

/// A line that is no article.
pub fn alone(record: Record) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Alone { kiosque: record })
}

/// Reads one line.
///
/// # Errors
/// Everything that is wrong with it; never empty.
pub fn parse(line: &[u8]) -> Result<Parsed, Vec<Fault>> {
    let whole = |detail: String| vec![Fault::new("", detail)];
    if line.len() > MAX_EXPORT_LINE {
        return Err(whole(format!(
            "the line is longer than {MAX_EXPORT_LINE} bytes"
        )));
    }
    if line.starts_with(EXPORT_LINE) {
        let alone: Alone = json::read(line).map_err(fault)?;
        return of_record(alone.kiosque);
    }
    let mut value: Value = json::read(line).map_err(fault)?;
    let record = value
        .as_object_mut()
        .and_then(|members| members.shift_remove(RECORD));
    let Some(record) = record else {
        return Err(whole(format!(
            "is no line of an export: it lacks {RECORD:?}"
        )));
    };
    let record = json::read_value(record).map_err(|fault| vec![below(fault)])?;
    match record {
        Record::Article(record) => article(value, record),
        _ => Err(whole("has more members than such a line has".to_owned())),
    }
}

fn fault(unread: Unread) -> Vec<Fault> {
    vec![match unread {
        Unread::NotJson(error) => Fault::new("", error.to_string()),
        Unread::NotAsDocumented { fault, .. } => fault,
    }]
}

fn below(fault: Fault) -> Fault {
    Fault::new(format!("/{RECORD}{}", fault.pointer), fault.detail)
}

fn of_record(record: Record) -> Result<Parsed, Vec<Fault>> {
    match record {
        Record::Export(header) => Ok(Parsed::Header(header)),
        Record::Tag(tag) => tag.check().map(|tag| Parsed::Tag(Box::new(tag))),
        Record::Tombstone(tombstone) => article(tombstone.state, tombstone.article),
        Record::Revision(revision) => Ok(Parsed::Revision(Box::new(revision))),
        Record::End(counts) => Ok(Parsed::End(counts)),
        Record::Article(_) => Err(vec![Fault::new("", "is without its article")]),
    }
}

fn article(state: Value, record: ArticleRecord) -> Result<Parsed, Vec<Fault>> {
    let input: ArticleInput = json::read_value(state).map_err(|fault| vec![fault])?;
    let content = input.check(Status::Published)?;
    let mut check = Check::default();
    let former_slugs = check.slugs("/kiosque/article/former_slugs", record.former_slugs);
    let hidden_slugs = check.slugs("/kiosque/article/hidden_slugs", record.hidden_slugs);
    let told_slug = check.parsed("/kiosque/article/told_slug", record.told_slug, Slug::parse);
    let missing = [
        ("/id", content.id.is_none()),
        ("/slug", content.slug.is_none()),
        ("/updated_at", content.updated_at.is_none()),
    ];
    for (pointer, _) in missing.into_iter().filter(|(_, missing)| *missing) {
        check.fault(pointer, "is missing");
    }
    check.finish()?;
    let (Some(id), Some(slug), Some(updated_at)) =
        (content.id, content.slug.clone(), content.updated_at)
    else {
        return Err(vec![Fault::new("", "is without a name")]);
    };
    Ok(Parsed::Article(Box::new(ReplicaArticle {
        id,
        slug,
        version: record.version,
        updated_at,
        content,
        group: ReplicaGroup::Named(record.translation_group),
        former_slugs: Some(former_slugs),
        hidden_slugs,
        told_slug,
        inside: Some(Inside {
            created_at: kept(record.created_at),
            created_by: record.created_by,
            saved_at: record.saved_at.map(kept),
            saved_by: record.saved_by,
            past: record
                .past
                .into_iter()
                .map(|past| (past.version, kept(past.saved_at)))
                .collect(),
        }),
        deleted_at: record.deleted_at.map(kept),
    })))
}

impl TagRecord {
    fn check(self) -> Result<ReplicaTag, Vec<Fault>> {
        let mut check = Check::default();
        let at = |member: &str| format!("/{RECORD}/tag/{member}");
        let slug = check.parsed(&at("slug"), Some(self.slug), Slug::parse);
        let kind = check.parsed(&at("kind"), Some(self.kind), |text| {
            TagKind::parse(text)
                .ok_or_else(|| one_of(text, TagKind::ALL.map(TagKind::as_str).as_slice()))
        });
        let name = check.line(&at("name"), self.name, MAX_KEY);
        let description = check.text(&at("description"), self.description, MAX_TEXT);
        let parent = check.parsed(&at("parent"), self.parent, Slug::parse);
        for (n, alias) in self.aliases.iter().enumerate() {
            let pointer = at(&format!("aliases/{n}/slug"));
            check.parsed(&pointer, Some(alias.slug.clone()), Slug::parse);
        }
        check.finish()?;
        let (Some(slug), Some(kind)) = (slug, kind) else {
            return Err(vec![Fault::new("", "is without a name")]);
        };
        Ok(ReplicaTag {
            id: self.id,
            slug,
            name,
            kind,
            description,
            parent,
            listed: self.listed,
            aliases: Some(
                self.aliases
                    .into_iter()
                    .map(|alias| ReplicaAlias {
                        slug: alias.slug,
                        public: alias.public,
                    })
                    .collect(),
            ),
            version: self.version,
            dates: Some((kept(self.created_at), kept(self.updated_at))),
        })
    }
}

impl Check {
    fn slugs(&mut self, pointer: &str, slugs: Vec<String>) -> Vec<Slug> {
        let slugs = slugs.into_iter().enumerate();
        slugs
            .filter_map(|(n, slug)| self.parsed(&format!("{pointer}/{n}"), Some(slug), Slug::parse))
            .collect()
    }
}

/// To the microsecond, which is what both databases keep.
pub fn kept(time: DateTime<Utc>) -> DateTime<Utc> {
    time.trunc_subsecs(6)
}
