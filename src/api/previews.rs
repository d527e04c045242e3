//! `/v1/articles/{slug}/previews` and `/v1/previews/{token}`: one version of an article, shown to whoever has the
//! address.

use actix_web::http::header::{HeaderName, HeaderValue, REFERRER_POLICY};
use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::address::Address;
use crate::api::article_views;
use crate::api::auth::{Author, Caller};
use crate::api::conditional::Answer;
use crate::api::openapi::{BodyFailures, Failures, Refusals};
use crate::api::problem::{Problem, ProblemView};
use crate::api::state::State;
use crate::api::views::ArticleView;
use crate::api::writing::{Act, Write};
use crate::api::{body, editing, history, inputs};
use crate::content::article::Draft;
use crate::content::visibility::Status;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::identity::preview::Claims;
use crate::identity::secret;
use crate::store::articles::{self, ArticleRow};
use crate::store::audit::Target;
use crate::store::previews::{self, PreviewRow};
use crate::store::secrets;

const ROBOTS: HeaderName = HeaderName::from_static("x-robots-tag");
/// Seconds a preview is good for, unless asked otherwise.
const A_DAY: i64 = 86_400;
const THIRTY_DAYS: i64 = 30 * A_DAY;
/// Previews that an article may have at a time.
const MAX_LIVING: usize = 100;

/// What a preview is to show, and for how long.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviewInput {
    /// The present version where it is missing.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// Seconds from now.
    #[schema(minimum = 1, maximum = 2_592_000, default = 86_400)]
    expires_in: Option<i64>,
}

/// An address under which one version of an article can be read without an account.
#[derive(Serialize, ToSchema)]
#[schema(as = Preview)]
pub struct PreviewView {
    #[schema(format = Uuid)]
    id: String,
    version: i64,
    /// Whoever has it may read that version. Absolute where the operator has set a public URL.
    #[schema(example = "/v1/previews/AZOkXy0")]
    url: String,
    created_at: DateTime<Utc>,
    #[schema(required)]
    created_by: Option<String>,
    expires_at: DateTime<Utc>,
}

/// The previews of an article that still open it, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = PreviewList)]
pub struct PreviewListView {
    data: Vec<PreviewView>,
}

impl PreviewView {
    fn of(row: &PreviewRow, key: &str, address: &Address) -> Result<Self> {
        let id = Uuid::try_parse(&row.id)
            .map_err(|_| Error::Internal(format!("the preview {:?} has no id", row.id)))?;
        let expires_at = row.expires_at.and_utc();
        let token = Claims { id, expires_at }.sign(key.as_bytes());
        Ok(Self {
            id: row.id.clone(),
            version: row.version,
            url: address.preview(&token),
            created_at: row.created_at.and_utc(),
            created_by: row.created_by.clone(),
            expires_at,
        })
    }
}

/// Make a preview
///
/// A signed address under which exactly this version can be read by whoever has it, whatever is saved later, until it
/// expires or is revoked, or the article is withdrawn or deleted. For editors, and for authors of their own drafts.
#[utoipa::path(
    tag = "previews",
    operation_id = "create_preview",
    security(("bearer" = ["author"])),
    params(
        ("slug" = String, Path, description = "Slug, former slug or id", example = "crue-ziz-erfoud"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes it safe to send again: the same answer comes back"),
    ),
    request_body = PreviewInput,
    responses(
        (status = 201, description = "The preview; `Location` has its address too", body = PreviewView,
         headers(("Location" = String))),
        (status = 410, description = "The article was deleted", body = ProblemView,
         content_type = "application/problem+json"),
        Failures, Refusals, BodyFailures,
    )
)]
#[post("/v1/articles/{slug}/previews")]
pub async fn create_preview(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller<Author>,
    slug: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    let bytes = body::bytes(&request, payload, &state, body::JSON).await?;
    let input: PreviewInput = body::read_json(&bytes)?;
    let address = Address::of(&request);
    Write::of(&request, caller)?
        .repeatable(&request, &bytes)?
        .carry_out(&state, move |act, conn| {
            create(act, conn, &slug, &input, &address)
        })
        .await
}

fn create(
    act: &Act,
    conn: &mut Conn,
    slug: &str,
    input: &PreviewInput,
    address: &Address,
) -> Result<Answer> {
    let row = history::open(conn, slug, act.caller, act.now)?;
    history::living(&row)?;
    editing::may_write(act, &row)?;
    let seconds = input.expires_in.unwrap_or(A_DAY);
    if !(1..=THIRTY_DAYS).contains(&seconds) {
        let detail = format!("is {seconds}; it takes 1 to {THIRTY_DAYS} seconds");
        return Err(Error::member("/expires_in", detail));
    }
    let version = input.version.unwrap_or(row.version);
    history::version(conn, &row, version).map_err(|error| match error {
        Error::NotFound(detail) => Error::member("/version", detail),
        error => error,
    })?;
    if previews::living(conn, row.num, act.now)?.len() >= MAX_LIVING {
        let detail = format!("the article has {MAX_LIVING} previews: revoke some first");
        return Err(Error::conflict("", detail));
    }
    // The address says it to the second: a part of one is taken for a whole.
    let part = i64::from(act.now.timestamp_subsec_nanos() > 0);
    let expires_at = DateTime::from_timestamp(act.now.timestamp() + part + seconds, 0);
    let expires_at = expires_at.unwrap_or(act.now);
    let preview = PreviewRow {
        id: Uuid::now_v7().to_string(),
        article_num: row.num,
        version,
        created_at: act.now.naive_utc(),
        created_by: Some(act.caller.name.clone()),
        expires_at: expires_at.naive_utc(),
        revoked_at: None,
    };
    previews::insert(conn, &preview, act.now)?;
    note(act, conn, "preview.create", &row, &preview)?;
    let key = secrets::find_or_keep(conn, secrets::PREVIEWS, secret::new("")?, act.now)?;
    let view = PreviewView::of(&preview, &key, address)?;
    let location = view.url.clone();
    Ok(Answer::json(&view)?.created(location))
}

fn note(
    act: &Act,
    conn: &mut Conn,
    action: &'static str,
    row: &ArticleRow,
    preview: &PreviewRow,
) -> Result<()> {
    let target = Target {
        kind: "article",
        id: &row.id,
        name: &row.slug,
    };
    let detail = json!({ "preview": preview.id, "version": preview.version });
    act.note(conn, action, target, Some(detail))
}

/// List the previews of an article
///
/// Those that still open it, newest first.
#[utoipa::path(
    tag = "previews",
    operation_id = "list_previews",
    security(("bearer" = ["author"])),
    params(("slug" = String, Path, description = "Slug, former slug or id", example = "crue-ziz-erfoud")),
    responses(
        (status = 200, description = "The previews", body = PreviewListView, headers(("ETag" = String))),
        (status = 304, description = "Not modified"),
        (status = 410, description = "The article was deleted", body = ProblemView,
         content_type = "application/problem+json"),
        Failures, Refusals,
    )
)]
#[get("/v1/articles/{slug}/previews")]
pub async fn list_previews(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller<Author>,
    slug: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    let address = Address::of(&request);
    state
        .answer(&request, move |state, now| {
            state.database.read(|conn| {
                let row = history::open(conn, &slug, &caller.identity, now)?;
                history::living(&row)?;
                let rows = previews::living(conn, row.num, now)?;
                // There is a key as soon as there is a preview.
                let key = secrets::find(conn, secrets::PREVIEWS)?.unwrap_or_default();
                let views = rows
                    .iter()
                    .map(|row| PreviewView::of(row, &key, &address))
                    .collect::<Result<_>>()?;
                Ok(Answer::json(&PreviewListView { data: views })?.private(true))
            })
        })
        .await
}

/// Revoke a preview
///
/// From this moment its address leads nowhere, on every server.
#[utoipa::path(
    tag = "previews",
    operation_id = "revoke_preview",
    security(("bearer" = ["author"])),
    params(
        ("slug" = String, Path, description = "Slug, former slug or id", example = "crue-ziz-erfoud"),
        ("id" = String, Path, description = "Id of the preview"),
    ),
    responses(
        (status = 204, description = "It is revoked"),
        (status = 410, description = "The article was public and is no more", body = ProblemView,
         content_type = "application/problem+json"),
        Failures, Refusals,
    )
)]
#[delete("/v1/articles/{slug}/previews/{id}")]
pub async fn revoke_preview(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller<Author>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    let (slug, id) = path.into_inner();
    Write::of(&request, caller)?
        .carry_out(&state, move |act, conn| {
            let row = history::open(conn, &slug, act.caller, act.now)?;
            // In the one form in which ids are stored.
            let id = Uuid::try_parse(&id).map_or(id, |id| id.to_string());
            let preview = match id.contains('\0') {
                true => None,
                false => previews::find(conn, &id)?,
            };
            let preview = preview
                .filter(|preview| preview.article_num == row.num && preview.is_good(act.now))
                .ok_or_else(|| Error::NotFound(format!("the article has no preview {id:?}")))?;
            previews::revoke(conn, &preview.id, act.now)?;
            note(act, conn, "preview.revoke", &row, &preview)?;
            Ok(Answer::no_content())
        })
        .await
}

/// Read a preview
///
/// The article as it was at the version that the preview was made for. For whoever has the address; no cache may keep
/// it, and no search engine list it.
#[utoipa::path(
    tag = "previews",
    operation_id = "get_preview",
    params(("token" = String, Path, description = "As it stands in the preview's `url`")),
    responses(
        (status = 200, description = "The article at that version", body = ArticleView,
         headers(("ETag" = String), ("X-Robots-Tag" = String), ("Referrer-Policy" = String))),
        (status = 304, description = "Not modified"),
        (status = 410, description = "The article was deleted", body = ProblemView,
         content_type = "application/problem+json"),
        Failures,
    )
)]
#[get("/v1/previews/{token}")]
pub async fn get_preview(
    request: HttpRequest,
    state: web::Data<State>,
    token: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    state
        .answer(&request, move |state, now| {
            let (row, version) = state.database.read(|conn| {
                let (row, number) = opened(conn, &token, now)?;
                let version = history::version(conn, &row, number)?;
                Ok((row, version))
            })?;
            // Rendering takes its time: no connection waits for it.
            let draft = draft_of(version.state)?;
            let number = version.number;
            let view = state
                .database
                .read(|conn| article_views::version(conn, &row, number, &draft, now))?;
            Ok(Answer::json(&view)?
                .private(true)
                .header(ROBOTS, HeaderValue::from_static("noindex"))
                .header(REFERRER_POLICY, HeaderValue::from_static("no-referrer")))
        })
        .await
}

/// The article that a token opens, and at which version. Revoking counts at once, since the table is asked each time.
fn opened(conn: &mut Conn, token: &str, now: DateTime<Utc>) -> Result<(ArticleRow, i64)> {
    let shut = || Error::NotFound("this preview does not open anything, or no more".to_owned());
    let key = secrets::find(conn, secrets::PREVIEWS)?.ok_or_else(shut)?;
    let claims = Claims::verified(token, key.as_bytes(), now).ok_or_else(shut)?;
    let preview = previews::find(conn, &claims.id.to_string())?.ok_or_else(shut)?;
    let row = articles::by_nums(conn, &[preview.article_num])?.pop();
    let row = row.ok_or_else(shut)?;
    history::living(&row)?;
    if !preview.is_good(now) {
        return Err(shut());
    }
    Ok((row, preview.version))
}

/// # Errors
/// [`Error::Internal`], for what was saved had been checked.
fn draft_of(state: serde_json::Value) -> Result<Draft> {
    editing::checked(state, Status::Draft)
        .map_err(|error| Error::Internal(format!("a stored version cannot be read: {error}")))
}
