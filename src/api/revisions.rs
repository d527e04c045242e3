//! `/v1/articles/{slug}/revisions`: what an article was, who saved it when, and bringing that back.

use actix_web::{HttpRequest, HttpResponse, get, put, web};
use chrono::{DateTime, NaiveDateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::api::address::Address;
use crate::api::articles::Page;
use crate::api::auth::{Author, Caller};
use crate::api::conditional::Answer;
use crate::api::openapi::{Failures, Gone, Refusals, SaveFailures, VersionFailures};
use crate::api::params::Params;
use crate::api::problem::{Problem, ProblemView};
use crate::api::state::State;
use crate::api::views::ArticleView;
use crate::api::writing::{Act, Write};
use crate::api::{cursor, editing, history, inputs};
use crate::content::role::Role;
use crate::db::Conn;
use crate::error::Result;
use crate::store::articles::{self, ArticleRow};
use crate::store::save::Outcome;
use crate::store::{revisions, state};

/// A version of an article.
#[derive(Serialize, ToSchema)]
#[schema(as = Revision)]
pub struct RevisionView {
    #[schema(example = 3)]
    pub version: i64,
    pub saved_at: DateTime<Utc>,
    /// A user's name, or `key:NAME` of an API key; null for what was imported.
    #[schema(required)]
    pub saved_by: Option<String>,
}

/// Versions of an article, newest first, and where the page stands among them.
#[derive(Serialize, ToSchema)]
#[schema(as = RevisionList)]
pub struct RevisionListView {
    data: Vec<RevisionView>,
    page: Page,
    /// When the article was deleted; the newest version says by whom.
    #[schema(required)]
    deleted_at: Option<DateTime<Utc>>,
}

/// A version of an article with all that it said.
#[derive(Serialize, ToSchema)]
#[schema(as = RevisionState)]
pub struct RevisionStateView {
    #[serde(flatten)]
    revision: RevisionView,
    /// The article in the import format.
    #[schema(value_type = Object)]
    state: Value,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)]
pub struct RevisionListParams {
    /// Versions on a page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// `page.next` of the page before.
    cursor: Option<String>,
}

struct ListInput {
    limit: usize,
    cursor: Option<String>,
}

impl ListInput {
    fn parse(query: &str) -> Result<Self> {
        let mut params = Params::of::<RevisionListParams>(query);
        let limit = params.number("limit", 1..=100);
        let cursor = params.text("cursor");
        params.finish()?;
        Ok(Self {
            limit: limit.unwrap_or(20),
            cursor,
        })
    }
}

/// List the versions of an article
///
/// Newest first, the present one included; who saved each, and when. For editors, and for authors of what they wrote.
/// Editors find those of a deleted article too, whose `ETag` guards its restoration.
#[utoipa::path(
    tag = "history",
    operation_id = "list_revisions",
    security(("bearer" = ["author"])),
    params(("slug" = String, Path, description = "Slug, former slug or id", example = "crue-ziz-erfoud"), RevisionListParams),
    responses(
        (status = 200, description = "A page of versions", body = RevisionListView,
         headers(("ETag" = String, description = "Of the article as it stands"), ("Link" = String, description = "The next page"))),
        (status = 304, description = "Not modified"),
        (status = 410, description = "It was public and is no more", body = ProblemView,
         content_type = "application/problem+json"),
        Failures, Refusals,
    )
)]
#[get("/v1/articles/{slug}/revisions")]
pub async fn list_revisions(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller<Author>,
    slug: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let input = ListInput::parse(request.query_string())?;
    let address = Address::of(&request);
    state
        .answer(&request, move |state, now| {
            state.database.read(|conn| {
                let row = history::open(conn, &slug, &caller.identity, now)?;
                list(conn, &row, &input, &address)
            })
        })
        .await
}

fn list(conn: &mut Conn, row: &ArticleRow, input: &ListInput, address: &Address) -> Result<Answer> {
    let fingerprint = format!("{:?}", ("revisions", &row.id));
    let before = match &input.cursor {
        Some(word) => cursor::decode(&fingerprint, word)?,
        None => i64::MAX,
    };
    let mut data = Vec::with_capacity(input.limit + 1);
    if row.version < before {
        let saved_at = state::whole(conn, row)?.saved_at();
        data.push(RevisionView::of(row.version, saved_at, &row.saved_by));
    }
    // One more than asked for shows whether there is a next page.
    let wanted = i64::try_from(input.limit + 1 - data.len()).unwrap_or(0);
    for (version, saved_at, saved_by) in
        revisions::list(conn, row.num, before.min(row.version), wanted)?
    {
        data.push(RevisionView::of(version, saved_at, &saved_by));
    }
    let page = Page::cut(&mut data, input.limit, &fingerprint, |view| view.version);
    let link = address.next(&page);
    let view = RevisionListView {
        data,
        page,
        deleted_at: row.deleted_at.map(|time| time.and_utc()),
    };
    Ok(Answer::json(&view)?
        .stands_for(editing::tag_of(row))
        .next(link)
        .private(true))
}

impl RevisionView {
    fn of(version: i64, saved_at: NaiveDateTime, saved_by: &Option<String>) -> Self {
        Self {
            version,
            saved_at: saved_at.and_utc(),
            saved_by: saved_by.clone(),
        }
    }
}

/// Read a version of an article
///
/// All that it said, in the import format.
#[utoipa::path(
    tag = "history",
    operation_id = "get_revision",
    security(("bearer" = ["author"])),
    params(
        ("slug" = String, Path, description = "Slug, former slug or id", example = "crue-ziz-erfoud"),
        ("version" = i64, Path, description = "Number of the version", minimum = 1, example = 1),
    ),
    responses(
        (status = 200, description = "The version", body = RevisionStateView, headers(("ETag" = String))),
        (status = 304, description = "Not modified"),
        (status = 410, description = "It was public and is no more", body = ProblemView,
         content_type = "application/problem+json"),
        Failures, Refusals,
    )
)]
#[get("/v1/articles/{slug}/revisions/{version}")]
pub async fn get_revision(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller<Author>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    let (slug, version) = path.into_inner();
    state
        .answer(&request, move |state, now| {
            state.database.read(|conn| {
                let row = history::open(conn, &slug, &caller.identity, now)?;
                let version = history::version(conn, &row, history::number(&version)?)?;
                let view = RevisionStateView {
                    revision: RevisionView::of(version.number, version.saved_at, &version.saved_by),
                    state: version.state,
                };
                Ok(Answer::json(&view)?.private(true))
            })
        })
        .await
}

/// Bring back a version of an article
///
/// All that it said comes back as a new version, but for the article's names (slug, external id), its translations
/// and its publication (`status`, `published_at`, `first_published_at`, `embargoed_until`, `expires_at`), which stay as
/// they are. An editor brings back a deleted article in this way. Tags that were renamed or merged meanwhile are
/// those that their former names lead to. Where nothing differs, no version is made.
#[utoipa::path(
    tag = "history",
    operation_id = "restore_revision",
    security(("bearer" = ["author"])),
    params(
        ("slug" = String, Path, description = "Slug, former slug or id", example = "crue-ziz-erfoud"),
        ("version" = i64, Path, description = "Number of the version", minimum = 1, example = 1),
        ("If-Match" = String, Header, description = "The `ETag` of the article as it was read"),
    ),
    responses(
        (status = 200, description = "The article as it is now", body = ArticleView, headers(("ETag" = String))),
        (status = 409, description = "One of its translations is in that version's language by now", body = ProblemView,
         content_type = "application/problem+json"),
        Failures, Refusals, SaveFailures, VersionFailures, Gone,
    )
)]
#[put("/v1/articles/{slug}/revisions/{version}/restoration")]
pub async fn restore_revision(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller<Author>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    let (slug, version) = path.into_inner();
    Write::of(&request, caller)?
        .carry_out(&state, move |act, conn| restore(act, conn, &slug, &version))
        .await
}

/// What a restoration leaves as it is.
const KEPT: [&str; 8] = [
    "id",
    "external_id",
    "slug",
    "status",
    "published_at",
    "first_published_at",
    "embargoed_until",
    "expires_at",
];

/// What it leaves as well for those who may not set it.
const EDITORS: [&str; 3] = ["pins", "bans", "related"];

fn restore(act: &Act, conn: &mut Conn, slug: &str, version: &str) -> Result<Answer> {
    let row = history::open(conn, slug, act.caller, act.now)?;
    editing::may_write(act, &row)?;
    let mut line = history::version(conn, &row, history::number(version)?)?.state;
    act.precondition.holds_for(&editing::tag_of(&row))?;
    let whole = state::whole(conn, &row)?;
    let mut present = whole.to_line(conn)?;
    if let (Some(line), Some(present)) = (line.as_object_mut(), present.as_object_mut()) {
        line.shift_remove("updated_at");
        let others: &[&str] = match act.caller.role >= Role::Editor {
            true => &[],
            false => &EDITORS,
        };
        for name in KEPT.iter().chain(others).copied() {
            let value = present.get_mut(name).map(Value::take);
            line.insert(name.to_owned(), value.unwrap_or_default());
        }
    }
    forget_deleted(conn, &mut line)?;
    let draft = editing::checked_again(&whole, line)?;
    let saved = act.save().edit(conn, whole, &draft)?;
    if saved.outcome != Outcome::Unchanged {
        editing::note(act, conn, "article.restore", &saved.row)?;
    }
    editing::shown(act, conn, &saved.row)
}

/// Neighbours that were deleted since do not come back with a state that names them.
fn forget_deleted(conn: &mut Conn, line: &mut Value) -> Result<()> {
    for member in ["pins", "bans"] {
        let Some(ids) = line.get_mut(member).and_then(Value::as_array_mut) else {
            continue;
        };
        let mut living = Vec::with_capacity(ids.len());
        for id in ids.drain(..) {
            let row = match id.as_str() {
                Some(id) => articles::find(conn, id)?,
                None => None,
            };
            if row.is_some_and(|row| row.deleted_at.is_none()) {
                living.push(id);
            }
        }
        *ids = living;
    }
    Ok(())
}
