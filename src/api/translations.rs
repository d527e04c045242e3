//! `/v1/articles/{slug}/translations`: which articles are one text in several languages.

use actix_web::{HttpRequest, HttpResponse, delete, get, put, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::article_views;
use crate::api::articles::{Located, locate_for};
use crate::api::auth::{Author, Caller, Editor};
use crate::api::conditional::Answer;
use crate::api::openapi::{Failures, Gone, Refusals, SaveFailures, VersionFailures};
use crate::api::problem::{Problem, ProblemView};
use crate::api::state::State;
use crate::api::views::{ArticleView, StatusView};
use crate::api::writing::Write;
use crate::api::{editing, history, inputs};
use crate::error::{Error, Result};
use crate::store::groups;

/// An article and its translations, in order of language.
#[derive(Serialize, ToSchema)]
#[schema(as = TranslationGroup)]
pub struct TranslationGroupView {
    data: Vec<TranslationMember>,
}

/// A member of a translation group.
#[derive(Serialize, ToSchema)]
pub struct TranslationMember {
    #[schema(format = Uuid)]
    id: String,
    slug: String,
    /// BCP 47.
    #[schema(example = "ar")]
    language: String,
    status: StatusView,
}

/// List an article and its translations
///
/// All of the group that the caller may see, drafts included, the article among them.
#[utoipa::path(
    tag = "translations",
    operation_id = "list_translations",
    security(("bearer" = ["author"])),
    params(("slug" = String, Path, description = "Slug, former slug or id", example = "crue-ziz-erfoud")),
    responses(
        (status = 200, description = "The members of the group", body = TranslationGroupView,
         headers(("ETag" = String, description = "Of the article's present version"))),
        (status = 304, description = "Not modified"),
        (status = 410, description = "It was public and is no more", body = ProblemView,
         content_type = "application/problem+json"),
        Failures, Refusals,
    )
)]
#[get("/v1/articles/{slug}/translations")]
pub async fn list_translations(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller<Author>,
    slug: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    state
        .answer(&request, move |state, now| {
            let sight = caller.identity.sight();
            state.database.read(|conn| {
                let row = match locate_for(conn, &slug, &sight, now)? {
                    Located::Here(row) => *row,
                    Located::Moved(slug) => history::kept(conn, &slug)?,
                };
                let members = groups::around(conn, &row)?;
                let seen = members.iter().filter(|member| {
                    member.is_public(now) || sight.reaches(member.created_by.as_deref())
                });
                let data = seen
                    .map(|member| TranslationMember {
                        id: member.id.clone(),
                        slug: member.slug.clone(),
                        language: member.language.clone(),
                        status: article_views::status(member, now),
                    })
                    .collect();
                Ok(Answer::json(&TranslationGroupView { data })?
                    .stands_for(editing::tag_of(&row))
                    .private(true))
            })
        })
        .await
}

/// Join an article with a translation
///
/// The groups of both become one, in which each language occurs once. It is a new version of the article, not of the
/// others. An article without pins of its own shows those of its translations.
#[utoipa::path(
    tag = "translations",
    operation_id = "join_translations",
    security(("bearer" = ["editor"])),
    params(
        ("slug" = String, Path, description = "Slug, former slug or id", example = "crue-ziz-erfoud"),
        ("other" = String, Path, description = "Slug, former slug or id of the translation"),
        ("If-Match" = String, Header, description = "The `ETag` of the article as it was read"),
    ),
    responses(
        (status = 200, description = "The article as it is now", body = ArticleView, headers(("ETag" = String))),
        (status = 409, description = "Two articles of one language would be in the group", body = ProblemView,
         content_type = "application/problem+json"),
        Failures, Refusals, SaveFailures, VersionFailures, Gone,
    )
)]
#[put("/v1/articles/{slug}/translations/{other}")]
pub async fn join_translations(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller<Editor>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    let (slug, other) = path.into_inner();
    Write::of(&request, caller)?
        .carry_out(&state, move |act, conn| {
            let row = editing::open(act, conn, &slug)?;
            let other = editing::find(act, conn, &other)?;
            if other.num == row.num {
                return Err(Error::conflict(
                    "",
                    "an article is no translation of itself",
                ));
            }
            match act.save().join(conn, row.clone(), &other)? {
                Some(row) => {
                    editing::note(act, conn, "article.join_translations", &row)?;
                    editing::shown(act, conn, &row)
                }
                None => editing::shown(act, conn, &row),
            }
        })
        .await
}

/// Take an article out of its translations
///
/// The others stay together. It is a new version of the article.
#[utoipa::path(
    tag = "translations",
    operation_id = "leave_translations",
    security(("bearer" = ["editor"])),
    params(
        ("slug" = String, Path, description = "Slug, former slug or id", example = "crue-ziz-erfoud"),
        ("If-Match" = String, Header, description = "The `ETag` of the article as it was read"),
    ),
    responses(
        (status = 200, description = "The article as it is now", body = ArticleView, headers(("ETag" = String))),
        Failures, Refusals, SaveFailures, VersionFailures, Gone,
    )
)]
#[delete("/v1/articles/{slug}/translations")]
pub async fn leave_translations(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller<Editor>,
    slug: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    Write::of(&request, caller)?
        .carry_out(&state, move |act, conn| {
            let row = editing::open(act, conn, &slug)?;
            match act.save().leave(conn, row.clone())? {
                Some(row) => {
                    editing::note(act, conn, "article.leave_translations", &row)?;
                    editing::shown(act, conn, &row)
                }
                None => editing::shown(act, conn, &row),
            }
        })
        .await
}
