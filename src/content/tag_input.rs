//! A tag as an editor writes it: the members of a request's body, and their check.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::content::article::Fault;
use crate::content::check::{Check, MAX_KEY, MAX_TEXT, one_of};
use crate::content::slug::Slug;
use crate::content::tag::TagKind;

/// A new tag. Only `name` is needed; null is as good as absent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TagInput {
    #[schema(example = "Eau potable")]
    pub name: String,
    /// Made from the name where it is missing, with a number behind it where that is taken.
    #[schema(example = "eau-potable")]
    pub slug: Option<String>,
    /// `keyword` where it is missing.
    #[schema(value_type = Option<TagKind>, example = "keyword")]
    pub kind: Option<String>,
    pub description: Option<String>,
    /// The slug of the tag above it.
    #[schema(example = "eau")]
    pub parent: Option<String>,
    /// Other slugs that lead to it.
    pub aliases: Option<Vec<String>>,
}

/// The members of [`TagPatch`].
pub const MEMBERS: [&str; 7] = [
    "name",
    "slug",
    "kind",
    "description",
    "parent",
    "aliases",
    "listed",
];

/// What a tag can be changed in. A member that is not named stays; null empties it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TagPatch {
    #[schema(nullable = false)]
    pub name: Option<String>,
    /// The former slug becomes an alias.
    #[schema(nullable = false)]
    pub slug: Option<String>,
    #[schema(value_type = Option<TagKind>)]
    pub kind: Option<String>,
    pub description: Option<String>,
    /// The slug of the tag above it.
    pub parent: Option<String>,
    /// All other slugs that lead to it: those left out are free again.
    pub aliases: Option<Vec<String>>,
    /// Whether it is public even while no public article bears it.
    #[schema(nullable = false)]
    pub listed: Option<bool>,
}

/// Which tag another becomes part of.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MergerInput {
    /// The slug of the tag that remains.
    #[schema(example = "eau")]
    pub into: String,
}

/// A tag as it is to be, checked in itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagDraft {
    pub name: String,
    /// `None`: to be made from the name.
    pub slug: Option<Slug>,
    pub kind: TagKind,
    pub description: Option<String>,
    pub parent: Option<Slug>,
    /// Each with its place in what was written.
    pub aliases: Vec<(usize, Slug)>,
    pub listed: bool,
}

impl TagInput {
    /// # Errors
    /// Everything that is wrong with it; never empty.
    pub fn check(self) -> Result<TagDraft, Vec<Fault>> {
        let mut check = Check::default();
        let patch = TagPatch {
            name: Some(self.name),
            slug: self.slug,
            kind: self.kind,
            description: self.description,
            parent: self.parent,
            aliases: self.aliases,
            listed: Some(true),
        };
        let draft = check.tag_draft(patch, 0);
        check.finish()?;
        Ok(draft)
    }
}

impl TagPatch {
    /// The tag that was put together from what it was, with `aliases_before`, and a patch.
    ///
    /// # Errors
    /// Everything that is wrong with it; never empty.
    pub fn check(self, aliases_before: usize) -> Result<TagDraft, Vec<Fault>> {
        let mut check = Check::default();
        if self.slug.is_none() {
            check.fault("/slug", "a tag cannot be without");
        }
        let draft = check.tag_draft(self, aliases_before);
        check.finish()?;
        Ok(draft)
    }
}

impl Check {
    fn tag_draft(&mut self, tag: TagPatch, aliases_before: usize) -> TagDraft {
        let kind = self.parsed("/kind", tag.kind, |text| {
            TagKind::parse(text)
                .ok_or_else(|| one_of(text, TagKind::ALL.map(TagKind::as_str).as_slice()))
        });
        let aliases = tag.aliases.unwrap_or_default();
        // Mergers may have brought it more than anyone would write.
        if aliases.len() > aliases_before {
            self.at_most("/aliases", aliases.len());
        }
        TagDraft {
            name: self.line("/name", tag.name.unwrap_or_default(), MAX_KEY),
            slug: self.parsed("/slug", tag.slug, Slug::parse),
            kind: kind.unwrap_or(TagKind::Keyword),
            description: self.text("/description", tag.description, MAX_TEXT),
            parent: self.parsed("/parent", tag.parent, Slug::parse),
            aliases: aliases
                .into_iter()
                .enumerate()
                .filter_map(|(at, alias)| {
                    let slug = self.parsed(&format!("/aliases/{at}"), Some(alias), Slug::parse)?;
                    Some((at, slug))
                })
                .collect(),
            listed: tag.listed.unwrap_or(true),
        }
    }
}
