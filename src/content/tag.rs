//! Tags: what an article is about, and who made it.

use crate::content::slug::Slug;
use utoipa::ToSchema;

/// What a tag stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ToSchema)]
#[schema(rename_all = "snake_case", example = "place")]
pub enum TagKind {
    Keyword,
    Person,
    Place,
    Organisation,
    Series,
    Section,
    Contributor,
}

impl TagKind {
    pub const ALL: [Self; 7] = [
        Self::Keyword,
        Self::Person,
        Self::Place,
        Self::Organisation,
        Self::Series,
        Self::Section,
        Self::Contributor,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keyword => "keyword",
            Self::Person => "person",
            Self::Place => "place",
            Self::Organisation => "organisation",
            Self::Series => "series",
            Self::Section => "section",
            Self::Contributor => "contributor",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A tag as an article's author names it: an existing one, or one to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagMention {
    /// Where it is missing, the name decides.
    pub slug: Option<Slug>,
    pub name: String,
    pub kind: TagKind,
    pub description: Option<String>,
    pub parent: Option<Slug>,
    pub aliases: Vec<Slug>,
}
