//! Webhooks as admins see them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::articles::Page;
use crate::api::webhook_inputs::EventView;
use crate::content::time::{to_stored, utc_text};
use crate::error::Result;
use crate::store::webhooks::WebhookRow;

/// Someone who is told of changes.
#[derive(Serialize, ToSchema)]
#[schema(as = Webhook)]
pub struct WebhookView {
    #[schema(format = Uuid)]
    id: String,
    #[schema(format = Uri)]
    url: String,
    #[schema(required)]
    description: Option<String>,
    /// Only these events; empty: all.
    #[schema(value_type = Vec<EventView>)]
    events: Vec<String>,
    /// Only articles in these languages; empty: in all.
    languages: Vec<String>,
    /// Only these tags, and articles that bear one of them; empty: all.
    tags: Vec<String>,
    enabled: bool,
    /// Why it is not enabled, where the server has disabled it: the receiver answered 410, or nothing else than failures
    /// for days.
    #[schema(required)]
    disabled_reason: Option<String>,
    #[schema(required, format = DateTime)]
    disabled_at: Option<String>,
    /// The first failure since the last success.
    #[schema(required, format = DateTime)]
    failing_since: Option<String>,
    /// The line of the change log up to which each event has been sent, or is among the deliveries.
    seq: i64,
    /// Until when the former secret signs as well.
    #[schema(required, format = DateTime)]
    pub(super) former_secret_until: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(required)]
    created_by: Option<String>,
    #[schema(format = DateTime)]
    updated_at: String,
    version: i64,
}

impl WebhookView {
    pub(super) fn of(row: &WebhookRow, now: DateTime<Utc>) -> Result<Self> {
        let filter = row.filter()?;
        let former_until = row.former_until.filter(|until| to_stored(now) < *until);
        Ok(Self {
            id: row.id.clone(),
            url: row.url.clone(),
            description: row.description.clone(),
            events: filter.events,
            languages: filter.languages,
            tags: filter.tags,
            enabled: row.disabled_at.is_none(),
            disabled_reason: row.disabled_reason.clone(),
            disabled_at: row.disabled_at.map(utc_text),
            failing_since: row.failing_since.map(utc_text),
            seq: row.position,
            former_secret_until: former_until.map(utc_text),
            created_at: utc_text(row.created_at),
            created_by: row.created_by.clone(),
            updated_at: utc_text(row.updated_at),
            version: row.version,
        })
    }
}

/// A new webhook. Its secret is shown this once.
#[derive(Serialize, ToSchema)]
#[schema(as = CreatedWebhook)]
pub struct CreatedWebhookView {
    /// With which what is sent is signed.
    #[schema(example = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")]
    pub(super) secret: String,
    #[serde(flatten)]
    pub(super) about: WebhookView,
}

/// A webhook's new secret, which is shown this once.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookSecret)]
pub struct SecretView {
    pub(super) secret: String,
    /// Until when the former one signs as well.
    #[schema(format = DateTime)]
    pub(super) former_secret_until: String,
}

/// Webhooks, and where the page stands in its list.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookList)]
pub struct WebhookListView {
    pub(super) data: Vec<WebhookView>,
    pub(super) page: Page,
}
