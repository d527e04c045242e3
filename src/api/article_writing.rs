//! `/v1/articles`: making, replacing, changing and deleting one.

use actix_web::{HttpRequest, HttpResponse, delete, patch, post, put, web};
use uuid::Uuid;

use crate::api::address::Address;
use crate::api::auth::{Author, Caller};
use crate::api::body;
use crate::api::conditional::Answer;
use crate::api::editing;
use crate::api::inputs;
use crate::api::openapi::{BodyFailures, Failures, Refusals, VersionFailures};
use crate::api::problem::Problem;
use crate::api::state::State;
use crate::api::views::ArticleView;
use crate::api::writing::{Act, Write};
use crate::content::article::Draft;
use crate::content::input::ArticleInput;
use crate::content::slug::Slug;
use crate::content::visibility::{Standing, Status};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::store::articles::ArticleRow;

/// Create an article
///
/// A draft, unless an editor names another status. A missing slug is made from the headline; one that another article
/// has, or had, is a conflict. Send an `Idempotency-Key` to be able to repeat the request safely: the same key with the
/// same body gives the same answer again.
#[utoipa::path(
    tag = "articles",
    operation_id = "create_article",
    security(("bearer" = ["author"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Any text of 1 to 255 characters; kept for a day")),
    request_body(content = ArticleInput, content_type = "application/json"),
    responses(
        (status = 201, description = "The article", body = ArticleView,
         headers(("ETag" = String), ("Location" = String, description = "Its address"))),
        Failures, Refusals, BodyFailures,
    )
)]
#[post("/v1/articles")]
pub async fn create_article(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller<Author>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    let bytes = body::bytes(&request, payload, &state, body::JSON).await?;
    let input: ArticleInput = body::read_json(&bytes)?;
    let address = Address::of(&request);
    let write = Write::of(&request, caller)?.repeatable(&request, &bytes)?;
    write
        .carry_out(&state, move |act, conn| {
            let draft = input.check(Status::Draft).map_err(Error::InvalidBody)?;
            create(act, conn, draft, &address)
        })
        .await
}

/// Replace an article, or create it
///
/// The body is the whole article: what it leaves out becomes empty. Only its names, its publication and its
/// translations stay as they are where the body does not mention them. Replacing needs `If-Match`; where there is no
/// such article it is created under this slug or id.
#[utoipa::path(
    tag = "articles",
    operation_id = "replace_article",
    security(("bearer" = ["author"])),
    params(
        ("slug" = String, Path, description = "Slug or id", example = "crue-ziz-erfoud"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the state that is to be replaced"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: only create, never replace"),
    ),
    request_body(content = ArticleInput, content_type = "application/json"),
    responses(
        (status = 200, description = "The article as it is now", body = ArticleView, headers(("ETag" = String))),
        (status = 201, description = "The article was created", body = ArticleView,
         headers(("ETag" = String), ("Location" = String, description = "Its address"))),
        Failures, Refusals, BodyFailures, VersionFailures,
    )
)]
#[put("/v1/articles/{slug}")]
pub async fn replace_article(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller<Author>,
    slug: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    let input: ArticleInput = body::json(&request, payload, &state).await?;
    let address = Address::of(&request);
    Write::of(&request, caller)?
        .carry_out(&state, move |act, conn| {
            match editing::find(act, conn, &slug) {
                Ok(row) => replace(act, conn, row, input),
                Err(Error::NotFound(_)) => {
                    act.precondition.holds_for_nothing()?;
                    let draft = input.check(Status::Draft).map_err(Error::InvalidBody)?;
                    create(act, conn, named(draft, &slug)?, &address)
                }
                Err(error) => Err(error),
            }
        })
        .await
}

/// Change an article
///
/// A merge patch (RFC 7396): the members that it names replace those of the article, and null empties them. A changed
/// slug leaves the former one behind, which redirects.
#[utoipa::path(
    tag = "articles",
    operation_id = "update_article",
    security(("bearer" = ["author"])),
    params(
        ("slug" = String, Path, description = "Slug or id", example = "crue-ziz-erfoud"),
        ("If-Match" = String, Header, description = "The `ETag` of the state that is to be changed"),
    ),
    request_body(content = inline(ArticlePatch), content_type = "application/merge-patch+json"),
    responses(
        (status = 200, description = "The article as it is now", body = ArticleView, headers(("ETag" = String))),
        Failures, Refusals, BodyFailures, VersionFailures,
    )
)]
#[patch("/v1/articles/{slug}")]
pub async fn update_article(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller<Author>,
    slug: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    let bytes = body::bytes(&request, payload, &state, body::MERGE_PATCH).await?;
    let patch = body::read_patch(&bytes)?;
    Write::of(&request, caller)?
        .carry_out(&state, move |act, conn| {
            let row = editing::open(act, conn, &slug)?;
            let mut line = editing::present(conn, &row)?;
            if row.visibility().standing(act.now) == Standing::Hidden
                && let Some(members) = line.as_object_mut()
            {
                // It was never out: the date of an earlier plan does not count.
                members.shift_remove("first_published_at");
            }
            body::merge(&mut line, patch);
            let draft = editing::checked(line, Status::Draft)?;
            save(act, conn, row, draft, "article.update")
        })
        .await
}

/// Delete an article
///
/// Its slug and id stay taken and answer 410, if it was ever public, else 404. An editor can bring it back by restoring
/// one of its revisions.
#[utoipa::path(
    tag = "articles",
    operation_id = "delete_article",
    security(("bearer" = ["author"])),
    params(
        ("slug" = String, Path, description = "Slug or id", example = "crue-ziz-erfoud"),
        ("If-Match" = String, Header, description = "The `ETag` of the state that is to be deleted"),
    ),
    responses(
        (status = 204, description = "It is deleted", headers(("ETag" = String))),
        Failures, Refusals, VersionFailures,
    )
)]
#[delete("/v1/articles/{slug}")]
pub async fn delete_article(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller<Author>,
    slug: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    Write::of(&request, caller)?
        .carry_out(&state, move |act, conn| {
            let row = editing::open(act, conn, &slug)?;
            let row = act.save().delete(conn, row)?;
            editing::note(act, conn, "article.delete", &row)?;
            Ok(Answer::no_content().stands_for(editing::tag_of(&row)))
        })
        .await
}

fn create(act: &Act, conn: &mut Conn, draft: Draft, address: &Address) -> Result<Answer> {
    let draft = scheduled(draft, act);
    editing::may_become(act, &draft)?;
    let saved = act.save().new_article(conn, &draft)?;
    let location = address.resource("articles", &saved.row.slug);
    Ok(editing::finish(act, conn, "article.create", &saved)?.created(location))
}

fn replace(act: &Act, conn: &mut Conn, row: ArticleRow, input: ArticleInput) -> Result<Answer> {
    editing::may_write(act, &row)?;
    act.precondition.holds_for(&editing::tag_of(&row))?;
    let before = row.visibility();
    let keeps_publication = input.status.is_none();
    let mut draft = input.check(before.status).map_err(Error::InvalidBody)?;
    if keeps_publication {
        // Not to mention it must not put an article before the public or take it away.
        draft.published_at = draft.published_at.or(before.published_at);
        draft.embargoed_until = draft.embargoed_until.or(before.embargoed_until);
        draft.expires_at = draft.expires_at.or(before.expires_at);
    }
    save(act, conn, row, draft, "article.replace")
}

fn save(
    act: &Act,
    conn: &mut Conn,
    row: ArticleRow,
    draft: Draft,
    action: &'static str,
) -> Result<Answer> {
    let draft = scheduled(draft, act);
    editing::may_become(act, &draft)?;
    if draft.id.is_some_and(|id| id.to_string() != row.id) {
        return Err(Error::member(
            "/id",
            "is not the article's; an id does not change",
        ));
    }
    let was_out = row.visibility().standing(act.now) != Standing::Hidden;
    if was_out && draft.status == Status::Draft {
        return Err(Error::member(
            "/status",
            "cannot be draft again: it was public; withdraw it instead",
        ));
    }
    let saved = act.save().edit(conn, row, &draft)?;
    editing::finish(act, conn, action, &saved)
}

/// The draft under the name that its address gives it.
fn named(mut draft: Draft, name: &str) -> Result<Draft> {
    if let Ok(id) = Uuid::try_parse(name) {
        if draft.id.is_some_and(|given| given != id) {
            return Err(Error::member("/id", "is not the one in the address"));
        }
        draft.id = Some(id);
        return Ok(draft);
    }
    let slug = Slug::parse(name)
        .map_err(|detail| Error::member("", format!("the slug in the address {detail}")))?;
    if draft.slug.as_ref().is_some_and(|given| *given != slug) {
        return Err(Error::member("/slug", "is not the one in the address"));
    }
    draft.slug = Some(slug);
    Ok(draft)
}

/// What is to be published later is scheduled.
fn scheduled(mut draft: Draft, act: &Act) -> Draft {
    if draft.status == Status::Published && draft.published_at.is_some_and(|at| at > act.now) {
        draft.status = Status::Scheduled;
    }
    draft
}

/// The members of an article that are to change.
#[derive(utoipa::ToSchema)]
#[allow(dead_code)] // only described: a patch is merged as JSON, and the article that comes of it is checked
pub struct ArticlePatch {
    #[schema(example = "La crue du Ziz coupe la route d’Erfoud")]
    headline: Option<String>,
    standfirst: Option<String>,
    trail_text: Option<String>,
    byline: Option<String>,
    slug: Option<String>,
    external_id: Option<String>,
    language: Option<String>,
    body: Option<String>,
    body_format: Option<String>,
    #[schema(value_type = Option<Object>)]
    image: Option<()>,
    #[schema(value_type = Option<Object>)]
    source: Option<()>,
    canonical_url: Option<String>,
    #[schema(value_type = Option<Object>)]
    rights: Option<()>,
    sponsors: Option<Vec<crate::content::article::Sponsor>>,
    tags: Option<Vec<crate::content::input::TagMentionInput>>,
    status: Option<String>,
    #[schema(format = DateTime)]
    published_at: Option<String>,
    #[schema(format = DateTime)]
    first_published_at: Option<String>,
    #[schema(format = DateTime)]
    updated_at: Option<String>,
    #[schema(format = DateTime)]
    embargoed_until: Option<String>,
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    translation_of: Option<String>,
    pins: Option<Vec<String>>,
    bans: Option<Vec<String>>,
    related: Option<String>,
}
