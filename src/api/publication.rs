//! `/v1/articles/{slug}/publication`: whether and when the public sees an article, as a resource.

use actix_web::{HttpRequest, HttpResponse, delete, put, web};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::auth::{Caller, Editor};
use crate::api::body;
use crate::api::conditional::Answer;
use crate::api::editing;
use crate::api::inputs;
use crate::api::openapi::{BodyFailures, Failures, Gone, Refusals, SaveFailures, VersionFailures};
use crate::api::problem::Problem;
use crate::api::state::State;
use crate::api::views::ArticleView;
use crate::api::writing::{Act, Write};
use crate::content::article::{Draft, Fault};
use crate::content::check::Check;
use crate::content::visibility::{Standing, Status};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::store::articles::ArticleRow;
use crate::store::state::{self, Whole};

/// When the public is to see an article. `{}`: from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PublicationInput {
    /// In the future: the article is scheduled. Without it, an article that was public keeps its date, and another
    /// gets the present time.
    #[schema(format = DateTime, example = "2027-01-15T06:00:00Z")]
    published_at: Option<String>,
    /// Hidden until then, whatever its date of publication.
    #[schema(format = DateTime)]
    embargoed_until: Option<String>,
    /// Hidden from then on.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

/// The same, checked.
#[derive(Debug)]
struct Publication {
    published_at: Option<DateTime<Utc>>,
    embargoed_until: Option<DateTime<Utc>>,
    expires_at: Option<DateTime<Utc>>,
}

/// Publish, schedule or embargo an article
///
/// What is set here takes effect at its second, everywhere: in lists, counts, search and related lookups.
#[utoipa::path(
    tag = "articles",
    operation_id = "publish_article",
    security(("bearer" = ["editor"])),
    params(
        ("slug" = String, Path, description = "Slug or id", example = "crue-ziz-erfoud"),
        ("If-Match" = String, Header, description = "The `ETag` of the state that is to be published"),
    ),
    request_body(content = PublicationInput, content_type = "application/json"),
    responses(
        (status = 200, description = "The article as it is now", body = ArticleView, headers(("ETag" = String))),
        Failures, Refusals, BodyFailures, VersionFailures, Gone,
    )
)]
#[put("/v1/articles/{slug}/publication")]
pub async fn publish_article(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller<Editor>,
    slug: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    let input: PublicationInput = body::json(&request, payload, &state).await?;
    let publication = input.check().map_err(Error::InvalidBody)?;
    Write::of(&request, caller)?
        .carry_out(&state, move |act, conn| {
            let row = editing::open(act, conn, &slug)?;
            let whole = state::whole(conn, &row)?;
            let mut draft = as_draft(conn, &whole)?;
            publication.apply(act, &row, &mut draft)?;
            let saved = act.save().edit(conn, whole, &draft)?;
            editing::finish(act, conn, "article.publish", &saved)
        })
        .await
}

/// Withdraw an article
///
/// What was public answers 410 from now on; what was only scheduled or under embargo is a draft again.
#[utoipa::path(
    tag = "articles",
    operation_id = "withdraw_article",
    security(("bearer" = ["editor"])),
    params(
        ("slug" = String, Path, description = "Slug or id", example = "crue-ziz-erfoud"),
        ("If-Match" = String, Header, description = "The `ETag` of the state that is to be withdrawn"),
    ),
    responses(
        (status = 204, description = "It is not public any more", headers(("ETag" = String))),
        Failures, Refusals, SaveFailures, VersionFailures, Gone,
    )
)]
#[delete("/v1/articles/{slug}/publication")]
pub async fn withdraw_article(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller<Editor>,
    slug: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    Write::of(&request, caller)?
        .carry_out(&state, move |act, conn| {
            let row = editing::open(act, conn, &slug)?;
            let whole = state::whole(conn, &row)?;
            let mut draft = as_draft(conn, &whole)?;
            draft.status = match row.standing(act.now) {
                Standing::Hidden => Status::Draft,
                Standing::Visible | Standing::Gone => Status::Withdrawn,
            };
            let saved = act.save().edit(conn, whole, &draft)?;
            editing::note(act, conn, "article.withdraw", &saved.row)?;
            Ok(Answer::no_content().stands_for(editing::tag_of(&saved.row)))
        })
        .await
}

fn as_draft(conn: &mut Conn, whole: &Whole) -> Result<Draft> {
    let line = editing::present(conn, whole)?;
    editing::checked_again(whole, line)
}

impl PublicationInput {
    fn check(self) -> Result<Publication, Vec<Fault>> {
        let mut check = Check::default();
        let publication = Publication {
            published_at: check.time("/published_at", self.published_at),
            embargoed_until: check.time("/embargoed_until", self.embargoed_until),
            expires_at: check.time("/expires_at", self.expires_at),
        };
        check.finish()?;
        Ok(publication)
    }
}

impl Publication {
    fn apply(&self, act: &Act, row: &ArticleRow, draft: &mut Draft) -> Result<()> {
        let kept = match row.standing(act.now) {
            Standing::Hidden => None,
            Standing::Visible | Standing::Gone => row.visibility().published_at,
        };
        let published_at = self.published_at.or(kept).unwrap_or(act.now);
        draft.status = match published_at > act.now {
            true => Status::Scheduled,
            false => Status::Published,
        };
        draft.published_at = Some(published_at);
        draft.embargoed_until = self.embargoed_until;
        draft.expires_at = self.expires_at;
        // The date of a plan that was not carried out does not count.
        draft.first_published_at = draft.first_published_at.filter(|first| *first <= act.now);
        if self
            .expires_at
            .is_some_and(|expires_at| expires_at <= act.now)
        {
            return Err(Error::member("/expires_at", "is past already"));
        }
        editing::may_come_out(draft, act.now)
    }
}
