//! Lines of the change log as callers see them, with the present state of what they are about.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::inputs::Shape;
use crate::api::state::State;
use crate::api::views::{ArticleView, TagKindView};
use crate::api::{article_views, change_replicas};
use crate::content::sight::Sight;
use crate::content::visibility::Standing;
use crate::db::Conn;
use crate::error::Result;
use crate::store::articles::{self, ArticleRow};
use crate::store::changes::{Action, ChangeKind, ChangeRow};
use crate::store::copies::{self, TagCopy};
use crate::store::{change_sight, change_weights, sights, tag_mergers};

/// A line of the change log.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Change)]
pub struct ChangeView {
    /// Its number: rises with each line, in the order in which the changes were committed. Numbers that are missing
    /// stand for what the public never knew.
    #[schema(example = 91)]
    pub seq: i64,
    /// `article` or `tag`.
    #[schema(example = "article")]
    pub kind: String,
    /// The id of the article or the tag: it stays when the slug changes.
    pub id: String,
    /// The slug it had then.
    #[schema(example = "khettaras-jorf-nettoyage")]
    pub slug: String,
    #[schema(value_type = ChangeActionView)]
    pub action: String,
    pub at: DateTime<Utc>,
    #[schema(example = 3)]
    pub version: i64,
    /// Of a tag that was merged: the slug of the one that it is a part of now; null where that is not public.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = Option<String>)]
    pub into: Option<Option<String>>,
    /// Only with `include=articles`: what a read of the article answers now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub now: Option<NowView>,
    /// Only with `include=articles`, in the last line of the page that is about it: the article as it is now, as a
    /// read of it answers; null where it is not public.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = Option<ArticleView>)]
    pub article: Option<Option<Box<ArticleView>>>,
    /// With `article`: what a copy needs besides, to answer as this server does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub replica: Option<ReplicaView>,
    /// Only with `include=articles`, in the last line of the page that is about it: the tag as it is now; null where
    /// it is not public. Of a tag that was merged, the one that it is a part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = Option<TagCopyView>)]
    pub tag: Option<Option<TagCopyView>>,
}

/// What happened, as the public saw it.
#[derive(ToSchema)]
#[schema(as = ChangeAction, rename_all = "snake_case", example = "published")]
#[allow(dead_code)] // only described; the database's check keeps the text to these
pub enum ChangeActionView {
    /// It became public, by itself or by an editor.
    Published,
    Updated,
    /// It was withdrawn, has expired, or is to come out anew.
    Withdrawn,
    Deleted,
    /// A tag became part of another.
    Merged,
}

/// What a read of an article answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ChangeNow)]
pub enum NowView {
    /// 200.
    Public,
    /// 410: it was public and is no more. To a partner also what it may read no more, which its reads answer with 404.
    Gone,
    /// 404.
    Unknown,
}

/// What a copy of an article needs besides what readers see.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Replica)]
pub struct ReplicaView {
    /// Slugs that lead to the present one.
    pub former_slugs: Vec<String>,
    /// The same for all translations of one text.
    #[schema(required)]
    pub translation_group: Option<String>,
    /// `auto`, or `never` for an article that shows no neighbours and is shown beside none.
    #[schema(required, example = "auto")]
    pub related: Option<String>,
    /// Ids of the public articles that editors pinned to it, in their order.
    pub pins: Vec<String>,
    /// The public articles that pin it, at most the 200 newest: they have no line when it comes out.
    pub pinned_by: Vec<PinningView>,
    /// Its tags, in its order: one that had been on no public article has no line of its own.
    pub tags: Vec<TagCopyView>,
}

/// An article that pins another.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Pinning)]
pub struct PinningView {
    pub id: String,
    /// All its pins, as in its own `replica`.
    pub pins: Vec<String>,
}

/// A tag with all that the public can know of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = TagCopy)]
pub struct TagCopyView {
    pub id: String,
    #[schema(example = "maroc")]
    pub slug: String,
    #[schema(example = "Maroc")]
    pub name: String,
    #[schema(value_type = TagKindView)]
    pub kind: String,
    #[schema(required)]
    pub description: Option<String>,
    /// The slug of the tag above it.
    #[schema(required)]
    pub parent: Option<String>,
    /// Slugs that lead to it.
    pub aliases: Vec<String>,
    /// Whether it is public even while no public article bears it.
    pub listed: bool,
    /// Ids of the tags right below it; empty in an article's tags that are `listed`, whose own lines tell.
    pub children: Vec<String>,
    pub version: i64,
    pub updated_at: DateTime<Utc>,
}

impl ReplicaView {
    pub fn empty() -> Self {
        Self {
            former_slugs: Vec::new(),
            translation_group: None,
            related: None,
            pins: Vec::new(),
            pinned_by: Vec::new(),
            tags: Vec::new(),
        }
    }
}

impl From<&TagCopy> for TagCopyView {
    fn from(copy: &TagCopy) -> Self {
        let row = &copy.row;
        Self {
            id: row.id.clone(),
            slug: row.slug.clone(),
            name: row.name.clone(),
            kind: row.kind.clone(),
            description: row.description.clone(),
            parent: copy.parent.clone(),
            aliases: copy.aliases.clone(),
            listed: row.listed,
            children: copy.children.clone(),
            version: row.version,
            updated_at: row.updated_at.and_utc(),
        }
    }
}

impl ChangeView {
    fn of(row: ChangeRow) -> Self {
        Self {
            seq: row.seq,
            kind: row.kind,
            id: row.id,
            slug: row.slug,
            action: row.action,
            at: row.at.and_utc(),
            version: row.version,
            into: None,
            now: None,
            article: None,
            replica: None,
            tag: None,
        }
    }
}

/// Cuts the lines off where they would take more than `budget` bytes with what is embedded in them; at least one stays.
///
/// # Errors
/// When the database fails.
pub fn within(conn: &mut Conn, rows: &mut Vec<ChangeRow>, budget: usize) -> Result<bool> {
    let merged = Merged::load(conn, rows)?;
    let nums: HashSet<i64> = of_articles(rows).map(|row| row.num).collect();
    let articles = change_weights::of_articles(conn, &nums.into_iter().collect::<Vec<_>>())?;
    let nums: HashSet<i64> = of_tags(rows).map(|row| merged.num(row)).collect();
    let tags = change_weights::of_tags(conn, &nums.into_iter().collect::<Vec<_>>())?;
    let mut total = 0;
    let mut embedded = HashSet::new();
    for (at, row) in rows.iter().enumerate() {
        let is_tag = row.kind == ChangeKind::Tag.as_str();
        total += change_weights::LINE;
        // Each is embedded once.
        if embedded.insert((is_tag, row.id.clone())) {
            total += match is_tag {
                true => tags.get(&merged.num(row)).map_or(0, |tag| tag.whole()),
                false => articles.get(&row.num).copied().unwrap_or(0),
            };
        }
        if total > budget && at > 0 {
            rows.truncate(at);
            return Ok(true);
        }
    }
    Ok(false)
}

/// The lines as callers see them; where `embed` says so, with the present state of each thing in the last line that is
/// about it. What the caller must not be told of is not among them.
///
/// # Errors
/// When the database fails.
pub fn views(
    conn: &mut Conn,
    state: &State,
    rows: Vec<ChangeRow>,
    embed: bool,
    sight: &Sight,
    now: DateTime<Utc>,
) -> Result<Vec<ChangeView>> {
    let merged = Merged::load(conn, &rows)?;
    let tags = Tags::load(conn, &rows, &merged, sight, now)?;
    let mut articles = match embed {
        true => embedded(conn, state, &rows, sight, now)?,
        false => HashMap::new(),
    };
    let mut last: HashSet<(String, String)> = HashSet::with_capacity(rows.len());
    let mut views = Vec::with_capacity(rows.len());
    // From the end: the first that is met is the last that is about a thing.
    for row in rows.into_iter().rev() {
        let num = row.num;
        let is_merged = row.action == Action::Merged.as_str();
        let tag = match is_merged {
            true => tags.0.get(&merged.num(&row)),
            false => tags.0.get(&num),
        };
        let mut view = ChangeView::of(row);
        if is_merged {
            view.into = Some(tag.map(|tag| tag.row.slug.clone()));
        }
        // By id, not by number: the line of a merged tag has the number of the other.
        if embed && last.insert((view.kind.clone(), view.id.clone())) {
            if view.kind == ChangeKind::Tag.as_str() {
                view.tag = Some(tag.map(TagCopyView::from));
            } else {
                let found = articles.remove(&num).unwrap_or_default();
                view.now = Some(found.now);
                view.article = Some(found.article);
                view.replica = found.replica;
            }
        }
        views.push(view);
    }
    views.reverse();
    Ok(views)
}

fn of_articles(rows: &[ChangeRow]) -> impl Iterator<Item = &ChangeRow> {
    rows.iter()
        .filter(|row| row.kind == ChangeKind::Article.as_str())
}

fn of_tags(rows: &[ChangeRow]) -> impl Iterator<Item = &ChangeRow> {
    rows.iter()
        .filter(|row| row.kind == ChangeKind::Tag.as_str())
}

/// Of these lines those that someone of this sight is told, as they are told it.
///
/// # Errors
/// When the database fails.
pub fn told(
    conn: &mut Conn,
    sight: &Sight,
    rows: Vec<ChangeRow>,
    now: DateTime<Utc>,
) -> Result<Vec<ChangeRow>> {
    let merged = Merged::load(conn, &rows)?;
    change_sight::told(conn, sight, rows, &merged.0, now)
}

/// What tags that were merged are parts of by now.
struct Merged(HashMap<String, i64>);

impl Merged {
    fn load(conn: &mut Conn, rows: &[ChangeRow]) -> Result<Self> {
        let mut merged = HashMap::new();
        let mergers: Vec<&ChangeRow> = rows
            .iter()
            .filter(|row| row.action == Action::Merged.as_str())
            .collect();
        if mergers.is_empty() {
            return Ok(Self(merged));
        }
        let nums: Vec<i64> = mergers.iter().map(|row| row.num).collect();
        // Those may have been merged, too.
        let remaining = tag_mergers::remaining(conn, &nums)?;
        for row in mergers {
            let num = remaining.get(&row.num);
            merged.extend(num.map(|num| (row.id.clone(), *num)));
        }
        Ok(Self(merged))
    }

    fn num(&self, row: &ChangeRow) -> i64 {
        self.0.get(&row.id).copied().unwrap_or(row.num)
    }
}

/// The tags that lines are about, by number.
struct Tags(HashMap<i64, TagCopy>);

impl Tags {
    fn load(
        conn: &mut Conn,
        rows: &[ChangeRow],
        merged: &Merged,
        sight: &Sight,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        let nums: HashSet<i64> = of_tags(rows).map(|row| merged.num(row)).collect();
        if nums.is_empty() {
            return Ok(Self(HashMap::new()));
        }
        let all: Vec<i64> = nums.iter().copied().collect();
        let eyes = (sight, &HashSet::new());
        Ok(Self(copies::tags(conn, &all, &nums, eyes, now)?))
    }
}

/// The present state of an article.
struct Embedded {
    now: NowView,
    article: Option<Box<ArticleView>>,
    replica: Option<ReplicaView>,
}

impl Embedded {
    fn gone() -> Self {
        Self {
            now: NowView::Gone,
            ..Self::default()
        }
    }
}

impl Default for Embedded {
    fn default() -> Self {
        Self {
            now: NowView::Unknown,
            article: None,
            replica: None,
        }
    }
}

/// The articles that lines are about, by number.
fn embedded(
    conn: &mut Conn,
    state: &State,
    rows: &[ChangeRow],
    sight: &Sight,
    now: DateTime<Utc>,
) -> Result<HashMap<i64, Embedded>> {
    let nums: HashSet<i64> = of_articles(rows).map(|row| row.num).collect();
    if nums.is_empty() {
        return Ok(HashMap::new());
    }
    let nums: Vec<i64> = nums.into_iter().collect();
    let rows = articles::by_nums(conn, &nums)?;
    let borne = sights::tags_for(conn, sight, &nums)?;
    let mut embedded = HashMap::with_capacity(rows.len());
    let (mut shown, mut known): (Vec<ArticleRow>, Vec<i64>) = (Vec::new(), Vec::new());
    for row in rows {
        let tags = borne.get(&row.num).map(Vec::as_slice).unwrap_or_default();
        let is_seen = sights::sees(sight, &row, tags, now);
        if is_seen || sights::standing(conn, sight, &row, tags, now)? != Standing::Hidden {
            known.push(row.num);
        } else if sight.rights().is_none() {
            continue;
        }
        match is_seen {
            true => shown.push(row),
            // A partner has lines only about what it could read.
            false => {
                embedded.insert(row.num, Embedded::gone());
            }
        }
    }
    let mut replicas = change_replicas::replicas(conn, &shown, &known, sight, now)?;
    for (num, found) in &mut embedded {
        found.replica = replicas.remove(num).or_else(|| Some(ReplicaView::empty()));
    }
    let shape = Shape::whole(sight.clone());
    let views = article_views::articles(conn, state, &shown, &shape, now)?;
    let mut by_id: HashMap<String, ArticleView> = views
        .into_iter()
        .map(|view| (view.id.clone(), view))
        .collect();
    for row in shown {
        let article = by_id.remove(&row.id).map(Box::new);
        let found = Embedded {
            now: NowView::Public,
            article,
            replica: replicas.remove(&row.num),
        };
        embedded.insert(row.num, found);
    }
    Ok(embedded)
}
