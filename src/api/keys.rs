//! `/v1/keys`: what programs show in the place of a login.

use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::address::Address;
use crate::api::articles::Page;
use crate::api::auth::{Admin, Caller};
use crate::api::conditional::Answer;
use crate::api::inputs::{PageInput, PageParams};
use crate::api::openapi::{BodyFailures, Failures, Refusals};
use crate::api::problem::Problem;
use crate::api::state::State;
use crate::api::user_inputs::{RoleView, check_role};
use crate::api::writing::Write;
use crate::api::{body, cursor, inputs};
use crate::content::check::Check;
use crate::content::time::utc_text;
use crate::content::username;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::identity::secret;
use crate::store::audit::Target;
use crate::store::keys::{self, KeyRow, NewKey};

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
}

impl KeyView {
    fn of(row: KeyRow) -> Self {
        Self {
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
    key: String,
    #[serde(flatten)]
    about: KeyView,
}

/// API keys, and where the page stands in its list.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKeyList)]
pub struct KeyListView {
    data: Vec<KeyView>,
    page: Page,
}

/// An API key that is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewApiKey)]
pub struct NewKeyInput {
    /// Letters without accents, digits and `. _ - + @`; kept in lower case.
    #[schema(example = "syndication", min_length = 1, max_length = 100)]
    name: String,
    #[schema(value_type = RoleView)]
    role: String,
    /// RFC 3339; null: until it is revoked.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

/// List API keys
///
/// The newest first, with those that were revoked or have expired.
#[utoipa::path(
    tag = "identity",
    operation_id = "list_keys",
    security(("bearer" = ["admin"])),
    params(PageParams),
    responses(
        (status = 200, description = "A page of keys", body = KeyListView,
         headers(("ETag" = String), ("Link" = String, description = "The next page"))),
        (status = 304, description = "Not modified"),
        Failures,
        Refusals,
    )
)]
#[get("/v1/keys")]
pub async fn list_keys(
    request: HttpRequest,
    state: web::Data<State>,
    _caller: Caller<Admin>,
) -> Result<HttpResponse, Problem> {
    let input = PageInput::parse(request.query_string())?;
    let address = Address::of(&request);
    state
        .answer(&request, move |state, _| {
            state.database.read(|conn| list(conn, &input, &address))
        })
        .await
}

fn list(conn: &mut Conn, input: &PageInput, address: &Address) -> Result<Answer> {
    let before: Option<String> = match &input.cursor {
        Some(cursor) => Some(cursor::decode("keys", cursor)?),
        None => None,
    };
    let mut rows = keys::page(conn, before.as_deref(), input.rows())?;
    let mut page = Page::cut(&mut rows, input.limit, "keys", |row| row.id.clone());
    page.count = input.count.then(|| keys::count(conn)).transpose()?;
    let link = address.next(&page);
    let data = rows.into_iter().map(KeyView::of).collect();
    Ok(Answer::json(&KeyListView { data, page })?
        .next(link)
        .private(true))
}

/// Create an API key
///
/// The answer is the only one that shows the key. An `Idempotency-Key` is not looked at, since a kept answer would
/// hold it: a request that is sent again finds the name taken.
#[utoipa::path(
    tag = "identity",
    operation_id = "create_key",
    security(("bearer" = ["admin"])),
    request_body = NewKeyInput,
    responses(
        (status = 201, description = "The new key", body = CreatedKeyView,
         headers(("Location" = String, description = "Where it is revoked"))),
        Failures,
        Refusals,
        BodyFailures,
    )
)]
#[post("/v1/keys")]
pub async fn create_key(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller<Admin>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    let new: NewKeyInput = body::small_json(&request, payload, &state).await?;
    let mut check = Check::default();
    let name = check.parsed("/name", Some(new.name), username::parse);
    let role = check_role(&mut check, Some(new.role));
    let expires_at = check.time("/expires_at", new.expires_at);
    if expires_at.is_some_and(|at| at <= state.clock.now()) {
        check.fault("/expires_at", "is past");
    }
    check.finish().map_err(Error::InvalidBody)?;
    let (Some(name), Some(role)) = (name, role) else {
        return Err(Error::Internal("a checked key lacks a member".to_owned()).into());
    };
    let key = secret::new(secret::API_KEY)?;
    Write::of(&request, caller)?
        .carry_out(&state, move |act, conn| {
            let new = NewKey {
                name: &name,
                role,
                expires_at,
                by: &act.caller.name,
                prefix: secret::shown(&key),
                hash: &secret::digest(&key),
            };
            let row = keys::create(conn, &new, act.now)?;
            let detail = json!({"role": row.role, "expires_at": row.expires_at.map(utc_text)});
            act.note(conn, "key.create", target(&row), Some(detail))?;
            let location = format!("{}/v1/keys/{}", act.state.public_url, row.id);
            let view = CreatedKeyView {
                key,
                about: KeyView::of(row),
            };
            Ok(Answer::json(&view)?.created(location))
        })
        .await
}

/// Revoke an API key
///
/// It does not count from then on; it stays in the list. There is nothing about a key that two could change, so
/// `If-Match` is not asked for.
#[utoipa::path(
    tag = "identity",
    operation_id = "revoke_key",
    security(("bearer" = ["admin"])),
    params(("id" = String, Path, description = "The key's id, not the key",
            example = "01921c5e-7a1a-7000-8000-000000000001")),
    responses(
        (status = 204, description = "Revoked"),
        Failures,
        Refusals,
    )
)]
#[delete("/v1/keys/{id}")]
pub async fn revoke_key(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller<Admin>,
    id: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    Write::of(&request, caller)?
        .carry_out(&state, move |act, conn| {
            let row = match Uuid::try_parse(&id) {
                Ok(id) => keys::by_id(conn, &id.to_string())?,
                Err(_) => None,
            };
            let row = row.ok_or_else(|| Error::NotFound(format!("there is no key {id:?}")))?;
            if row.revoked_at.is_none() {
                keys::revoke(conn, &row.id, act.now)?;
                act.note(conn, "key.revoke", target(&row), None)?;
            }
            Ok(Answer::no_content())
        })
        .await
}

fn target(row: &KeyRow) -> Target<'_> {
    Target {
        kind: "key",
        id: &row.id,
        name: &row.name,
    }
}
