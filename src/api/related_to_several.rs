//! `GET /v1/related`: the nearest articles of several, as "because you read" asks for them.

use actix_web::{HttpRequest, HttpResponse, get, web};

use crate::api::auth::Viewer;
use crate::api::inputs::{SeveralInput, SeveralParams};
use crate::api::neighbours::{RelatedListView, Shown};
use crate::api::openapi::Failures;
use crate::api::problem::Problem;
use crate::api::related::Asked;
use crate::api::state::{Question, State};
use crate::error::Result;
use crate::store::articles::{self, ArticleRow, Outline};
use crate::store::{rights, sights};

/// Find articles related to several
///
/// For "because you read": the nearest of all of them together, and none of them. What is near to two of them comes
/// before what is as near to one. Their order does not matter.
#[utoipa::path(
    tag = "related",
    operation_id = "list_related_to_several",
    params(SeveralParams),
    responses(
        (status = 200, description = "The nearest articles", body = RelatedListView, headers(("ETag" = String))),
        (status = 304, description = "Not modified"),
        Failures,
    )
)]
#[get("/v1/related")]
pub async fn list_related_to_several(
    request: HttpRequest,
    state: web::Data<State>,
    viewer: Viewer,
) -> Result<HttpResponse, Problem> {
    let input = SeveralInput::parse(request.query_string())?;
    let sight = viewer.published_sight();
    let question = Question::long(format!("several {input:?}"));
    state
        .answer_question(&request, question, move |state, reader, now| {
            reader.read(|conn| {
                let sight = rights::in_snapshot(conn, &sight)?;
                let named = articles::by_names(conn, &input.names)?;
                // One that is not public must not tell of itself by its neighbours.
                let mut sources: Vec<ArticleRow> = sights::seen(conn, &sight, named, now)?;
                sources.sort_unstable_by_key(|row| row.num);
                let nums: Vec<i64> = sources.iter().map(|row| row.num).collect();
                let asked = Asked::resolve(conn, state, &input.related, &sight, now)?;
                let found = asked.put(now, |ask| state.engine(now).related_to_many(&nums, ask));
                let shown = Shown::load(conn, &asked, &found, now)?;
                let sources: Vec<Outline> = sources.into_iter().map(Outline::from).collect();
                shown.list("related".to_owned(), &sources)
            })
        })
        .await
}
