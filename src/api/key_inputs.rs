//! What may be said of a key's rights.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::content::rights::GivenGrant;

/// How much of an article a partner gets.
#[derive(ToSchema)]
#[schema(as = TextRight, rename_all = "snake_case")]
#[allow(dead_code)] // only described; the check keeps the text to these
pub enum TextRightView {
    Headline,
    Excerpt,
    Full,
}

/// Which articles a partner may read: those that each of the three lets through.
#[derive(Serialize, ToSchema)]
#[schema(as = KeyScope)]
pub struct ScopeView {
    /// As `tag` has it in lists of articles; tags by their present slugs.
    #[schema(required, example = "maroc,-sport")]
    pub tags: Option<String>,
    #[schema(required, example = json!(["fr"]))]
    pub languages: Option<Vec<String>>,
    /// By their exact names.
    #[schema(required, example = json!(["MAP"]))]
    pub sources: Option<Vec<String>>,
}

/// Which articles a partner may read: those that each of the three lets through.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = KeyScopeInput)]
pub struct ScopeInput {
    /// Tags by slug, as `tag` has it in lists of articles: `a,b` both, `a|b` either, `-a` not, `(a|b),-c`; null: any. It
    /// follows tags that are renamed or merged.
    #[serde(default)]
    #[schema(example = "maroc,-sport")]
    pub tags: Option<String>,
    /// BCP 47, at most 50; null: all.
    #[serde(default)]
    #[schema(example = json!(["fr"]))]
    pub languages: Option<Vec<String>>,
    /// By their exact names, at most 50; null: all.
    #[serde(default)]
    #[schema(example = json!(["MAP"]))]
    pub sources: Option<Vec<String>>,
}

/// What of a key's rights is to change.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyPatch {
    /// What a partner may read; of its members, those that are named change.
    #[serde(default)]
    scope: Option<ScopeInput>,
    #[serde(default)]
    #[schema(value_type = Option<TextRightView>)]
    text: Option<String>,
    #[serde(default)]
    #[schema(minimum = 1, maximum = 525_600)]
    delay_minutes: Option<i64>,
    #[serde(default)]
    #[schema(minimum = 1, maximum = 525_600, example = 60)]
    lead_minutes: Option<i64>,
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1_000_000_000, example = 20_000)]
    daily_quota: Option<i64>,
    #[serde(default)]
    #[schema(minimum = 1, maximum = 100_000, example = 120)]
    rate_per_minute: Option<i64>,
}

/// The members that a patch may name.
pub const PATCHED: [&str; 6] = [
    "scope",
    "text",
    "delay_minutes",
    "lead_minutes",
    "daily_quota",
    "rate_per_minute",
];

impl KeyPatch {
    pub fn given(self) -> GivenGrant {
        let scope = self.scope.unwrap_or_default();
        GivenGrant {
            tags: scope.tags,
            languages: scope.languages,
            sources: scope.sources,
            text: self.text,
            delay_minutes: self.delay_minutes,
            lead_minutes: self.lead_minutes,
            daily_quota: self.daily_quota,
            rate_per_minute: self.rate_per_minute,
        }
    }
}
