//! What callers see of tags.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::tag_census::Kept;
use crate::api::views::TagKindView;
use crate::content::rights::Rights;
use crate::content::sight::Sight;
use crate::db::Conn;
use crate::error::Result;
use crate::store::tags::{self, TagRow};

/// A tag.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Tag)]
pub struct TagView {
    #[schema(example = "maroc")]
    slug: String,
    #[schema(example = "Maroc")]
    name: String,
    #[schema(value_type = TagKindView)]
    kind: String,
    #[schema(required)]
    description: Option<String>,
    /// The slug of the tag above it.
    #[schema(required)]
    parent: Option<String>,
    /// Public articles that bear it; for a partner, those that it may read.
    #[schema(example = 40)]
    article_count: i64,
    /// What only the newsroom sees: callers from the role author up.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub editing: Option<TagEditingView>,
}

/// What those who use and edit a tag need to know of it, and readers do not.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = TagEditing)]
pub struct TagEditingView {
    #[schema(format = Uuid)]
    id: String,
    /// Rises with every change.
    version: i64,
    /// Whether it is public even while no public article bears it.
    listed: bool,
    /// Other slugs that lead to it.
    aliases: Vec<String>,
    /// Articles that bear it, drafts included.
    #[schema(example = 42)]
    article_count: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// Whom tags are shown to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum For {
    /// Only what is public.
    Everyone,
    /// Of that, what an article bears which the partner may read, and what is listed: counted by what it may read.
    Partner(Arc<Rights>),
    /// All tags, so that a draft can be tagged.
    Newsroom,
}

impl For {
    pub fn of(sight: &Sight) -> Self {
        match sight {
            Sight::Public => Self::Everyone,
            Sight::Partner(rights) => Self::Partner(Arc::clone(rights)),
            Sight::Own(_) | Sight::All => Self::Newsroom,
        }
    }

    pub fn is_newsroom(&self) -> bool {
        *self == Self::Newsroom
    }

    /// How many articles bear each of these tags: such as the public sees, or the partner. Zeros are missing.
    ///
    /// # Errors
    /// When the database fails.
    pub fn counts(
        &self,
        conn: &mut Conn,
        census: Option<&Kept>,
        nums: &[i64],
        now: DateTime<Utc>,
    ) -> Result<HashMap<i64, i64>> {
        let public = |conn: &mut Conn| match census {
            Some(census) => census.counts(conn, nums, now),
            None => tags::counts(conn, nums, now),
        };
        match self {
            Self::Everyone | Self::Newsroom => public(conn),
            // Of all that is public, few are withheld.
            Self::Partner(rights) if rights.are_plain() => {
                let withheld = tags::withheld_counts(conn, nums, now)?;
                Ok(tags::less(public(conn)?, withheld))
            }
            Self::Partner(rights) => tags::counts_for(conn, Some(nums), rights, now),
        }
    }
}

/// The tags as views, in their order.
pub fn shown(
    conn: &mut Conn,
    census: Option<&Kept>,
    rows: Vec<TagRow>,
    whom: &For,
    now: DateTime<Utc>,
) -> Result<Vec<TagView>> {
    let views = counted(conn, census, rows, whom, now)?;
    Ok(views.into_iter().map(|(_, view)| view).collect())
}

/// Those of the tags that a caller may know of as views, by number: of a partner, what is listed or counts for it.
///
/// # Errors
/// When the database fails.
pub fn known(
    conn: &mut Conn,
    census: Option<&Kept>,
    rows: Vec<TagRow>,
    whom: &For,
    now: DateTime<Utc>,
) -> Result<HashMap<i64, TagView>> {
    let views = counted(conn, census, rows, whom, now)?.into_iter();
    let is_partner = matches!(whom, For::Partner(_));
    Ok(views
        .filter(|(row, view)| !is_partner || row.listed || view.article_count > 0)
        .map(|(row, view)| (row.num, view))
        .collect())
}

fn counted(
    conn: &mut Conn,
    census: Option<&Kept>,
    rows: Vec<TagRow>,
    whom: &For,
    now: DateTime<Utc>,
) -> Result<Vec<(TagRow, TagView)>> {
    let parents: Vec<i64> = rows.iter().filter_map(|row| row.parent_num).collect();
    let parents = match parents.is_empty() {
        true => HashMap::new(),
        false => tags::by_nums(conn, &parents)?,
    };
    let nums: Vec<i64> = rows
        .iter()
        .map(|row| row.num)
        .chain(parents.keys().copied())
        .collect();
    let mut editing = match whom {
        For::Everyone | For::Partner(_) => HashMap::new(),
        For::Newsroom => editing(conn, &rows)?,
    };
    let counts = whom.counts(conn, census, &nums, now)?;
    let count = |num: i64| counts.get(&num).copied().unwrap_or(0);
    // A parent that the caller must not know of is not named.
    let parent = |num: i64| {
        let parent = parents
            .get(&num)
            .filter(|parent| whom.is_newsroom() || parent.listed || count(num) > 0)?;
        Some(parent.slug.clone())
    };
    Ok(rows
        .into_iter()
        .map(|row| {
            let view = TagView {
                parent: row.parent_num.and_then(parent),
                article_count: count(row.num),
                editing: editing.remove(&row.num),
                slug: row.slug.clone(),
                name: row.name.clone(),
                kind: row.kind.clone(),
                description: row.description.clone(),
            };
            (row, view)
        })
        .collect())
}

fn editing(conn: &mut Conn, rows: &[TagRow]) -> Result<HashMap<i64, TagEditingView>> {
    let nums: Vec<i64> = rows.iter().map(|row| row.num).collect();
    let mut aliases = tags::all_aliases(conn, &nums)?;
    let counts = tags::bearer_counts(conn, &nums)?;
    let mut view = |row: &TagRow| TagEditingView {
        id: row.id.clone(),
        version: row.version,
        listed: row.listed,
        aliases: aliases.remove(&row.num).unwrap_or_default(),
        article_count: counts.get(&row.num).copied().unwrap_or(0),
        created_at: row.created_at.and_utc(),
        updated_at: row.updated_at.and_utc(),
    };
    let views: Vec<TagEditingView> = rows.iter().map(&mut view).collect();
    Ok(nums.into_iter().zip(views).collect())
}
