//! API keys as admins see them.

use std::collections::HashMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::api::articles::Page;
use crate::api::user_inputs::RoleView;
use crate::content::rights::Grant;
use crate::content::time::utc_text;
use crate::db::Conn;
use crate::error::Result;
use crate::store::keys::KeyRow;
use crate::store::rights::{self, GrantRow};

/// An API key, without the key itself.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub struct KeyView {
    #[schema(format = Uuid)]
    id: String,
    #[schema(example = "syndication")]
    name: String,
    #[schema(value_type = RoleView)]
    role: String,
    /// The beginning of the key.
    #[schema(example = "kqk_3pLx9w")]
    prefix: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(required)]
    created_by: Option<String>,
    #[schema(required, format = DateTime)]
    expires_at: Option<String>,
    /// To the minute.
    #[schema(required, format = DateTime)]
    last_used_at: Option<String>,
    #[schema(required, format = DateTime)]
    revoked_at: Option<String>,
    /// What a partner may read.
    scope: ScopeView,
    #[schema(value_type = TextRightView)]
    text: String,
    /// Minutes after the public.
    #[schema(required, example = json!(null))]
    delay_minutes: Option<i32>,
    /// Minutes before the public: embargoed and scheduled articles, too.
    #[schema(required, example = 30)]
    lead_minutes: Option<i32>,
    /// Requests a day, UTC.
    #[schema(required, example = 10_000)]
    daily_quota: Option<i64>,
    #[schema(required, example = 60)]
    rate_per_minute: Option<i32>,
}

impl KeyView {
    fn of(row: KeyRow, grant: Grant) -> Self {
        Self {
            scope: ScopeView {
                tags: grant.tags.map(|tags| tags.to_string()),
                languages: grant.languages,
                sources: grant.sources,
            },
            text: grant.text.as_str().to_owned(),
            delay_minutes: grant.delay_minutes,
            lead_minutes: grant.lead_minutes,
            daily_quota: grant.limits.daily_quota,
            rate_per_minute: grant.limits.rate_per_minute,
            id: row.id,
            name: row.name,
            role: row.role,
            prefix: row.prefix,
            created_at: utc_text(row.created_at),
            created_by: row.created_by,
            expires_at: row.expires_at.map(utc_text),
            last_used_at: row.last_used_at.map(utc_text),
            revoked_at: row.revoked_at.map(utc_text),
        }
    }
}

/// A new API key. The key itself is shown this once.
#[derive(Serialize, ToSchema)]
#[schema(as = CreatedApiKey)]
pub struct CreatedKeyView {
    /// For `Authorization: Bearer`.
    pub key: String,
    #[serde(flatten)]
    pub about: KeyView,
}

/// API keys, and where the page stands in its list.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKeyList)]
pub struct KeyListView {
    pub data: Vec<KeyView>,
    pub page: Page,
}

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

/// What was granted to a key, as it is shown.
pub fn granted(conn: &mut Conn, row: Option<&GrantRow>) -> Result<Grant> {
    let rows: Vec<&GrantRow> = row.into_iter().collect();
    Ok(rights::shown(conn, &rows)?.pop().unwrap_or_default())
}

pub fn view(conn: &mut Conn, row: KeyRow, granted_row: Option<GrantRow>) -> Result<KeyView> {
    let grant = granted(conn, granted_row.as_ref())?;
    Ok(KeyView::of(row, grant))
}

/// The keys as views, in their order, with as many queries as for one.
pub fn views(conn: &mut Conn, rows: Vec<KeyRow>) -> Result<Vec<KeyView>> {
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let stored = rights::of_keys(conn, &ids)?;
    let stored: Vec<&GrantRow> = stored.values().collect();
    let grants = rights::shown(conn, &stored)?;
    let ids = stored.into_iter().map(|row| row.key_id.clone());
    let mut grants: HashMap<String, Grant> = ids.zip(grants).collect();
    let view = |row: KeyRow| {
        let grant = grants.remove(&row.id).unwrap_or_default();
        KeyView::of(row, grant)
    };
    Ok(rows.into_iter().map(view).collect())
}
