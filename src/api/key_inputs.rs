//! What may be said of a key: a new one, and what of its rights is to change.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::key_views::TextRightView;
use crate::api::user_inputs::RoleView;
use crate::content::rights::GivenGrant;

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

/// An API key that is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewApiKey)]
pub struct NewKeyInput {
    /// Letters without accents, digits and `. _ - + @`; kept in lower case.
    #[schema(example = "syndication", min_length = 1, max_length = 100)]
    pub name: String,
    #[schema(value_type = RoleView)]
    pub role: String,
    /// RFC 3339; null: until it is revoked.
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
    /// What a partner may read; null: everything.
    scope: Option<ScopeInput>,
    /// How much of an article a partner gets: `headline` has no standfirst, no trail text and no body, `excerpt` no body.
    #[schema(value_type = Option<TextRightView>, default = "full")]
    text: Option<String>,
    /// Minutes after the public at which an article opens for a partner; not together with `lead_minutes`.
    #[schema(minimum = 1, maximum = 525_600)]
    delay_minutes: Option<i64>,
    /// Minutes before the public at which it does: embargoed and scheduled articles, too.
    #[schema(minimum = 1, maximum = 525_600, example = 30)]
    lead_minutes: Option<i64>,
    /// Requests a day, UTC, on all servers together; null: any number.
    #[schema(minimum = 1, maximum = 1_000_000_000, example = 10_000)]
    daily_quota: Option<i64>,
    /// Requests a minute, on each server; null: any number.
    #[schema(minimum = 1, maximum = 100_000, example = 60)]
    rate_per_minute: Option<i64>,
}

impl NewKeyInput {
    /// What it says of rights, which is taken out of it.
    pub fn grant(&mut self) -> GivenGrant {
        let scope = self.scope.take().unwrap_or_default();
        GivenGrant {
            tags: scope.tags,
            languages: scope.languages,
            sources: scope.sources,
            text: self.text.take(),
            delay_minutes: self.delay_minutes,
            lead_minutes: self.lead_minutes,
            daily_quota: self.daily_quota,
            rate_per_minute: self.rate_per_minute,
        }
    }
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
