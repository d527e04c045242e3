//! Logging out: `DELETE /v1/tokens`, by an access token or, when that has expired, by the refresh token.

use actix_web::{FromRequest, HttpRequest, HttpResponse, delete, web};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::auth::{Caller, Reader, Shown};
use crate::api::conditional::Answer;
use crate::api::envelope::RequestId;
use crate::api::openapi::{BodyFailures, Failures, Refusals};
use crate::api::problem::{Problem, ProblemView};
use crate::api::state::State;
use crate::api::tokens::session_of;
use crate::api::writing::Write;
use crate::api::{body, inputs};
use crate::error::{Error, Result};
use crate::store::audit::{self, Entry, Target};
use crate::store::sessions;

/// The refresh token of a session that is to end.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Logout {
    refresh_token: String,
}

/// Log out
///
/// Ends the session of the access token it is called with: neither its access tokens nor its refresh token count from
/// then on. A token that belongs to no session ends alone. An API key is not ended here but at `/v1/keys/{id}`.
///
/// With a body, it ends the session of the `refresh_token` in it, be that used or not. Then `Authorization` is not
/// looked at, so that whoever comes back after the access token has expired can still log out; and the answer is 204
/// whether there was such a session or not (RFC 7009 section 2.2).
#[utoipa::path(
    tag = "identity",
    operation_id = "revoke_token",
    security(("bearer" = ["reader"]), ()),
    request_body = Logout,
    responses(
        (status = 204, description = "Logged out"),
        Failures,
        Refusals,
        BodyFailures,
        (status = 409, description = "The caller has shown an API key", body = ProblemView,
         content_type = "application/problem+json"),
    )
)]
#[delete("/v1/tokens")]
pub async fn revoke_token(
    request: HttpRequest,
    state: web::Data<State>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    if body::is_announced(&request) {
        inputs::parse_none(request.query_string())?;
        let logout: Logout = body::small_json(&request, payload, &state).await?;
        let request_id = RequestId::of(&request);
        return state
            .answer(&request, move |state, now| {
                end_session(state, &logout.refresh_token, &request_id, now)?;
                Ok(Answer::no_content().private(true))
            })
            .await;
    }
    let caller = Caller::<Reader>::extract(&request).await?;
    inputs::parse_none(request.query_string())?;
    Write::of(&request, caller)?
        .carry_out(&state, |act, conn| {
            let id = match &act.caller.shown {
                Shown::Key { .. } => {
                    return Err(Error::conflict(
                        "",
                        "an API key is revoked at /v1/keys/{id}",
                    ));
                }
                Shown::Session { session, .. } => {
                    sessions::revoke(conn, session, act.now)?;
                    session
                }
                Shown::Token { mark, .. } => {
                    sessions::revoke_token(conn, &mark.id, mark.expires_at, act.now)?;
                    &mark.id
                }
            };
            let target = Target {
                kind: "session",
                id,
                name: &act.caller.name,
            };
            act.note(conn, "session.end", target, None)?;
            Ok(Answer::no_content())
        })
        .await
}

fn end_session(state: &State, token: &str, request_id: &str, now: DateTime<Utc>) -> Result<()> {
    // Looked for before it is ended, so that no stranger keeps the writers waiting.
    let found = state.database.read(|conn| session_of(conn, token))?;
    let Some((session, user)) = found.filter(|(session, _)| session.is_good(now)) else {
        return Ok(());
    };
    state.database.write(|conn| {
        sessions::revoke(conn, &session.id, now)?;
        let entry = Entry {
            actor: &user.name,
            action: "session.end",
            target: Target {
                kind: "session",
                id: &session.id,
                name: &user.name,
            },
            request_id: Some(request_id),
            detail: None,
        };
        audit::append(conn, &entry, now)
    })
}
