//! `/v1/articles`: making, replacing, changing and deleting one.

use actix_web::{HttpRequest, HttpResponse, delete, patch, post, put, web};
use chrono::NaiveDateTime;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::address::Address;
use crate::api::auth::{Author, Caller};
use crate::api::body;
use crate::api::conditional::Answer;
use crate::api::editing;
use crate::api::inputs;
use crate::api::openapi::{BodyFailures, Failures, Gone, Refusals, VersionFailures};
use crate::api::problem::Problem;
use crate::api::state::State;
use crate::api::views::ArticleView;
use crate::api::writing::{Act, Write};
use crate::content::article::{Draft, Fault, Image, RelatedMode, Rights, Source, Sponsor};
use crate::content::body::BodyFormat;
use crate::content::input::{ArticleInput, MEMBERS, TagMentionInput};
use crate::content::role::Role;
use crate::content::slug::Slug;
use crate::content::visibility::{Standing, Status};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::store::articles::ArticleRow;
use crate::store::state::{self, Whole};

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
    let draft = drafted(&state, input).await?;
    write
        .carry_out(&state, move |act, conn| create(act, conn, draft, &address))
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
        Failures, Refusals, BodyFailures, VersionFailures, Gone,
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
    let bytes = body::bytes(&request, payload, &state, body::JSON).await?;
    let members = body::read_patch(&bytes)?;
    let given = Given::of(&members);
    let input: ArticleInput = body::read_value(members.into())?;
    let address = Address::of(&request);
    let write = Write::of(&request, caller)?;
    let draft = drafted(&state, input).await?;
    write
        .carry_out(&state, move |act, conn| {
            match editing::find(act, conn, &slug) {
                Ok(row) => replace(act, conn, row, draft, &given),
                Err(Error::NotFound(_)) => {
                    act.precondition.holds_for_nothing()?;
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
    request_body(content = ArticlePatch, content_type = "application/merge-patch+json"),
    responses(
        (status = 200, description = "The article as it is now", body = ArticleView, headers(("ETag" = String))),
        Failures, Refusals, BodyFailures, VersionFailures, Gone,
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
    check_patch(&patch)?;
    Write::of(&request, caller)?
        .carry_out(&state, move |act, conn| {
            let row = editing::open(act, conn, &slug)?;
            let whole = state::whole(conn, &row)?;
            let draft = patched(conn, &whole, patch, act)?;
            save(act, conn, whole, draft, "article.update")
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
        Failures, Refusals, VersionFailures, Gone,
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

/// The article that was meant. Reading a long text takes its time, and no connection meanwhile.
async fn drafted(state: &web::Data<State>, input: ArticleInput) -> Result<Draft> {
    state
        .aside(move || input.check(Status::Draft).map_err(Error::InvalidBody))
        .await
}

fn create(act: &Act, conn: &mut Conn, draft: Draft, address: &Address) -> Result<Answer> {
    let draft = scheduled(draft, act);
    editing::may_become(act, &draft)?;
    editing::may_come_out(&draft, act.now)?;
    if act.caller.role < Role::Editor && (draft.id.is_some() || draft.external_id.is_some()) {
        // By them an import would find a draft of the author's in the place of what it brings.
        return Err(Error::Forbidden(
            "an id or external_id of one's own choice needs the role editor".to_owned(),
        ));
    }
    let saved = act.save().new_article(conn, &draft)?;
    let location = address.resource("articles", &saved.row.slug);
    Ok(editing::finish(act, conn, "article.create", &saved)?.created(location))
}

/// Which members of the publication a body mentions, be it to empty them.
struct Given {
    status: bool,
    published_at: bool,
    embargoed_until: bool,
    expires_at: bool,
}

impl Given {
    fn of(members: &Map<String, Value>) -> Self {
        let given = |name| members.contains_key(name);
        Self {
            status: members
                .get("status")
                .is_some_and(|status| !status.is_null()),
            published_at: given("published_at"),
            embargoed_until: given("embargoed_until"),
            expires_at: given("expires_at"),
        }
    }
}

/// What the body does not mention of the publication stays: it must not put an article before the public, nor take it
/// away.
fn replace(
    act: &Act,
    conn: &mut Conn,
    row: ArticleRow,
    mut draft: Draft,
    given: &Given,
) -> Result<Answer> {
    editing::may_write(act, &row)?;
    act.precondition.holds_for(&editing::tag_of(&row))?;
    let before = row.visibility();
    if !given.status {
        draft.status = before.status;
    }
    if !given.published_at {
        draft.published_at = before.published_at;
    }
    if !given.embargoed_until {
        draft.embargoed_until = before.embargoed_until;
    }
    if !given.expires_at {
        draft.expires_at = before.expires_at;
    }
    let whole = state::whole(conn, &row)?;
    save(act, conn, whole, draft, "article.replace")
}

/// # Errors
/// 422 for members that no article has, and for null where something must be.
fn check_patch(patch: &Map<String, Value>) -> Result<()> {
    let needed = ["id", "headline", "language", "body"];
    let mut faults = body::faults_of_patch(patch, &MEMBERS, &needed);
    if patch.get("translation_of").is_some_and(Value::is_null) {
        let detail = "is not taken back here, but by DELETE …/translations";
        faults.push(Fault::new("/translation_of", detail));
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(Error::InvalidBody(faults)),
    }
}

fn patched(conn: &mut Conn, whole: &Whole, patch: Map<String, Value>, act: &Act) -> Result<Draft> {
    let row = &whole.row;
    let mut line = editing::present(conn, whole)?;
    let planned = |first: NaiveDateTime| first.and_utc() > act.now;
    if row.first_published_at.is_some_and(planned)
        && let Some(members) = line.as_object_mut()
    {
        // The date of a plan that may be another now.
        members.shift_remove("first_published_at");
    }
    body::merge(&mut line, patch);
    let draft = editing::checked_again(whole, line)?;
    if draft.status != Status::Draft && draft.published_at.is_none() {
        let was = row.visibility();
        if was.status != Status::Draft || draft.status != Status::Published {
            return Err(Error::member(
                "/published_at",
                "is needed by an article that is or was to be public",
            ));
        }
    }
    Ok(draft)
}

fn save(
    act: &Act,
    conn: &mut Conn,
    whole: Whole,
    draft: Draft,
    action: &'static str,
) -> Result<Answer> {
    let row = &whole.row;
    let draft = scheduled(draft, act);
    editing::may_become(act, &draft)?;
    editing::may_come_out(&draft, act.now)?;
    if act.caller.role < Role::Editor
        && draft.external_id.is_some()
        && draft.external_id != row.external_id
    {
        return Err(Error::Forbidden(
            "an external_id of one's own choice needs the role editor".to_owned(),
        ));
    }
    if draft.id.is_some_and(|id| id.to_string() != row.id) {
        return Err(Error::member(
            "/id",
            "is not the article's; an id does not change",
        ));
    }
    let was_out = row.standing(act.now) != Standing::Hidden;
    if was_out && draft.status == Status::Draft {
        return Err(Error::member(
            "/status",
            "cannot be draft again: it was public; withdraw it instead",
        ));
    }
    let saved = act.save().edit(conn, whole, &draft)?;
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

/// The members of an article that are to change; null empties.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)] // only described: a patch is merged as JSON, and the article that comes of it is checked
pub struct ArticlePatch {
    /// The article's own: an id does not change.
    #[schema(nullable = false, format = Uuid)]
    id: Option<String>,
    #[schema(nullable = false, max_length = 1000)]
    headline: Option<String>,
    #[schema(nullable = false)]
    language: Option<String>,
    #[schema(nullable = false)]
    body: Option<String>,
    #[schema(value_type = Option<BodyFormat>)]
    body_format: Option<String>,
    #[schema(max_length = 20000)]
    standfirst: Option<String>,
    #[schema(max_length = 20000)]
    trail_text: Option<String>,
    #[schema(max_length = 1000)]
    byline: Option<String>,
    slug: Option<String>,
    #[schema(max_length = 500)]
    external_id: Option<String>,
    image: Option<Image>,
    source: Option<Source>,
    #[schema(format = Uri)]
    canonical_url: Option<String>,
    rights: Option<Rights>,
    #[schema(max_items = 200)]
    sponsors: Option<Vec<Sponsor>>,
    #[schema(max_items = 200)]
    tags: Option<Vec<TagMentionInput>>,
    #[schema(value_type = Option<Status>)]
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
    #[schema(nullable = false)]
    translation_of: Option<String>,
    #[schema(max_items = 200)]
    pins: Option<Vec<String>>,
    #[schema(max_items = 200)]
    bans: Option<Vec<String>>,
    #[schema(value_type = Option<RelatedMode>)]
    related: Option<String>,
}

#[cfg(test)]
mod tests {
    use utoipa::PartialSchema;

    use super::*;

    #[test]
    fn a_patch_may_have_the_members_of_an_article() {
        let schema = serde_json::to_value(ArticlePatch::schema()).unwrap();
        let members = schema["properties"].as_object().unwrap();
        assert_eq!(members.len(), MEMBERS.len());
        assert!(MEMBERS.iter().all(|name| members.contains_key(*name)));
    }
}
