//! `/v1/articles/{slug}/curation`: what editors say of an article's neighbours.

use actix_web::{HttpRequest, HttpResponse, get, put, web};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::api::auth::{Caller, Editor};
use crate::api::conditional::Answer;
use crate::api::openapi::{BodyFailures, Failures, Gone, Refusals, VersionFailures};
use crate::api::problem::{Problem, ProblemView};
use crate::api::state::State;
use crate::api::writing::{Act, Write};
use crate::api::{body, editing, history, inputs};
use crate::content::article::{Reference, RelatedMode};
use crate::content::check::{Check, MAX_NAME, one_of};
use crate::content::visibility::Status;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::store::articles::{self, ArticleRow};
use crate::store::save::Outcome;
use crate::store::{curations, naming, state};

/// What editors say of an article's neighbours.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CurationInput {
    /// Articles that stand first among the related ones, by id, external id or slug, in this order; none where it is
    /// missing.
    #[schema(example = json!(["barrage-du-ziz"]))]
    pins: Option<Vec<String>>,
    /// Articles that are never shown beside this one, nor it beside them; none where it is missing.
    #[schema(example = json!([]))]
    bans: Option<Vec<String>>,
    /// `never` for a sensitive article, which shows no neighbours and is shown beside none, or `auto`; as it was where
    /// it is missing.
    #[schema(example = "auto")]
    related: Option<String>,
}

/// What editors say of an article's neighbours.
#[derive(Serialize, ToSchema)]
#[schema(as = Curation)]
pub struct CurationView {
    /// Articles that stand first among the related ones.
    pins: Vec<Curated>,
    /// Articles that are never shown beside this one, nor it beside them.
    bans: Vec<Curated>,
    /// `auto`, or `never` for a sensitive article.
    #[schema(example = "auto")]
    related: String,
}

/// An article that a curation names.
#[derive(Serialize, ToSchema)]
#[schema(as = CuratedArticle)]
pub struct Curated {
    #[schema(format = Uuid)]
    id: String,
    slug: String,
    headline: String,
}

/// Read the curation of an article
///
/// What editors pinned to it and banned from its side.
#[utoipa::path(
    tag = "curation",
    operation_id = "get_curation",
    security(("bearer" = ["editor"])),
    params(("slug" = String, Path, description = "Slug, former slug or id", example = "crue-ziz-erfoud")),
    responses(
        (status = 200, description = "The curation", body = CurationView,
         headers(("ETag" = String, description = "Of the article's present version"))),
        (status = 304, description = "Not modified"),
        (status = 410, description = "It was deleted", body = ProblemView, content_type = "application/problem+json"),
        Failures, Refusals,
    )
)]
#[get("/v1/articles/{slug}/curation")]
pub async fn get_curation(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller<Editor>,
    slug: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    state
        .answer(&request, move |state, now| {
            state.database.read(|conn| {
                let row = history::open(conn, &slug, &caller.identity, now)?;
                history::living(&row)?;
                shown(conn, &row)
            })
        })
        .await
}

fn shown(conn: &mut Conn, row: &ArticleRow) -> Result<Answer> {
    let curation = curations::of(conn, &[row.num])?.remove(&row.num);
    let curation = curation.unwrap_or_default();
    let rows = articles::by_nums(conn, &[&curation.pins[..], &curation.bans].concat())?;
    let named = |nums: &[i64]| {
        let rows = nums
            .iter()
            .filter_map(|num| rows.iter().find(|row| row.num == *num));
        // What was deleted comes back with its article; until then there is nothing to see of it.
        rows.filter(|row| row.deleted_at.is_none())
            .map(|row| Curated {
                id: row.id.clone(),
                slug: row.slug.clone(),
                headline: row.headline.clone(),
            })
            .collect()
    };
    let view = CurationView {
        pins: named(&curation.pins),
        bans: named(&curation.bans),
        related: row.related.clone(),
    };
    Ok(Answer::json(&view)?
        .stands_for(editing::tag_of(row))
        .private(true))
}

/// Curate the neighbours of an article
///
/// Pins stand first in its related lookups, bans hold in both directions. What is pinned here holds for the
/// article's translations too, as long as they have no pins of their own. A change is a new version of the article.
#[utoipa::path(
    tag = "curation",
    operation_id = "replace_curation",
    security(("bearer" = ["editor"])),
    params(
        ("slug" = String, Path, description = "Slug, former slug or id", example = "crue-ziz-erfoud"),
        ("If-Match" = String, Header, description = "The `ETag` of the article or its curation as it was read"),
    ),
    request_body = CurationInput,
    responses(
        (status = 200, description = "The curation as it is now", body = CurationView,
         headers(("ETag" = String, description = "Of the article's new version"))),
        Failures, Refusals, BodyFailures, VersionFailures, Gone,
    )
)]
#[put("/v1/articles/{slug}/curation")]
pub async fn replace_curation(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller<Editor>,
    slug: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    let input: CurationInput = body::json(&request, payload, &state).await?;
    Write::of(&request, caller)?
        .carry_out(&state, move |act, conn| curate(act, conn, &slug, input))
        .await
}

fn curate(act: &Act, conn: &mut Conn, slug: &str, input: CurationInput) -> Result<Answer> {
    let row = editing::open(act, conn, slug)?;
    let mut check = Check::default();
    let related = check.parsed("/related", input.related, |text| {
        RelatedMode::parse(text).ok_or_else(|| one_of(text, &["auto", "never"]))
    });
    let pins = named(conn, &mut check, &row, "/pins", input.pins)?;
    let bans = named(conn, &mut check, &row, "/bans", input.bans)?;
    for (pointer, ban) in &bans {
        if pins.iter().any(|(_, pin)| pin == ban) {
            check.fault(pointer, "is pinned and banned at once");
        }
    }
    check.finish().map_err(Error::InvalidBody)?;
    let whole = state::whole(conn, &row)?;
    let mut line = editing::present(conn, &whole)?;
    let ids = |named: Vec<(String, String)>| -> Vec<String> {
        named.into_iter().map(|(_, id)| id).collect()
    };
    if let Some(members) = line.as_object_mut() {
        members.insert("pins".to_owned(), json!(ids(pins)));
        members.insert("bans".to_owned(), json!(ids(bans)));
        if let Some(related) = related {
            members.insert("related".to_owned(), json!(related.as_str()));
        }
    }
    let draft = editing::checked(line, Status::Draft)?;
    let saved = act.save().edit(conn, whole, &draft)?;
    if saved.outcome != Outcome::Unchanged {
        editing::note(act, conn, "article.curate", &saved.row)?;
    }
    shown(conn, &saved.row)
}

/// The articles of these names: where each stands in the body, and its id.
fn named(
    conn: &mut Conn,
    check: &mut Check,
    row: &ArticleRow,
    pointer: &str,
    names: Option<Vec<String>>,
) -> Result<Vec<(String, String)>> {
    let names = names.unwrap_or_default();
    check.at_most(pointer, names.len());
    let mut found = Vec::new();
    for (at, name) in names.into_iter().take(MAX_LOOKED_UP).enumerate() {
        let pointer = format!("{pointer}/{at}");
        if name.chars().count() > MAX_NAME || name.contains('\0') {
            check.bounded(&pointer, &name, MAX_NAME);
            continue;
        }
        let named = naming::find_reference(conn, &Reference(name.clone()))?;
        match named.filter(|named| named.deleted_at.is_none()) {
            Some(named) if named.num == row.num => check.fault(&pointer, "is the article itself"),
            Some(named) => found.push((pointer, named.id)),
            None => check.fault(&pointer, format!("there is no article {name:?}")),
        }
    }
    Ok(found)
}

/// More is a fault already.
const MAX_LOOKED_UP: usize = 200;
