//! `/v1/me`: who the caller is.

use actix_web::{HttpRequest, HttpResponse, get, put, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::auth::{Caller, Identity, Reader, Shown};
use crate::api::conditional::Answer;
use crate::api::door::in_turn;
use crate::api::openapi::{BodyFailures, Failures, Refusals};
use crate::api::problem::{Problem, ProblemView};
use crate::api::state::State;
use crate::api::user_inputs::{RoleView, check_password};
use crate::api::writing::Write;
use crate::api::{body, inputs};
use crate::content::check::Check;
use crate::error::{Error, Result};
use crate::identity::attempts::Attempt;
use crate::identity::password;
use crate::store::audit::Target;
use crate::store::users::{self, UserRow};

/// The caller.
#[derive(Serialize, ToSchema)]
#[schema(as = Me)]
pub struct MeView {
    /// A user's name, `key:NAME` for an API key, `outside:SUBJECT@ISSUER` for a token of an outside issuer.
    #[schema(example = "salma@news.example")]
    name: String,
    #[schema(value_type = RoleView)]
    role: &'static str,
}

/// A new password, and the proof that it is its owner who sets it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    #[schema(format = Password)]
    current_password: String,
    /// 8 to 72 bytes.
    #[schema(format = Password)]
    password: String,
}

/// Read who you are
#[utoipa::path(
    tag = "identity",
    operation_id = "get_me",
    security(("bearer" = ["reader"])),
    responses(
        (status = 200, description = "The caller", body = MeView, headers(("ETag" = String))),
        (status = 304, description = "Not modified"),
        Failures,
        Refusals,
    )
)]
#[get("/v1/me")]
pub async fn get_me(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller<Reader>,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    let me = MeView {
        role: caller.identity.role.as_str(),
        name: caller.identity.name,
    };
    state
        .answer(&request, move |_, _| Ok(Answer::json(&me)?.private(true)))
        .await
}

/// Change your password
///
/// Ends your other sessions; the one it is called with goes on. The present password stands in the place of an
/// `If-Match`, and wrong ones count as failed logins.
#[utoipa::path(
    tag = "identity",
    operation_id = "change_password",
    security(("bearer" = ["reader"])),
    request_body = PasswordChange,
    responses(
        (status = 204, description = "Changed"),
        (status = 429, description = "Too many wrong passwords", body = ProblemView,
         content_type = "application/problem+json", headers(("Retry-After" = u32, description = "Seconds to wait"))),
        Failures,
        Refusals,
        BodyFailures,
    )
)]
#[put("/v1/me/password")]
pub async fn change_password(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller<Reader>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    if caller.identity.shown.user().is_none() {
        return Err(Error::Forbidden("only a user has a password".to_owned()).into());
    }
    let change: PasswordChange = body::small_json(&request, payload, &state).await?;
    let mut check = Check::default();
    if let Err(fault) = password::check_shown(&change.current_password) {
        check.fault("/current_password", fault);
    }
    check_password(&mut check, Some(&change.password));
    check.finish().map_err(Error::InvalidBody)?;
    let attempt = state.door.attempt(&request, Some(&caller.identity.name));
    let identity = caller.identity.clone();
    let write = Write::of(&request, caller)?;
    let work = move |state: &State, now| change.proven(state, &identity, &attempt, now);
    let (proven, hash) = in_turn(&state, work).await?;
    write
        .carry_out(&state, move |act, conn| {
            let user = users::by_name(conn, &proven.name)?;
            // It may have changed while the passwords were being hashed.
            let user = user.filter(|user| user.is_active() && user.password == proven.password);
            let user =
                user.ok_or_else(|| Error::conflict("", "the password has been changed meanwhile"))?;
            let session = match &act.caller.shown {
                Shown::Session { session, .. } => Some(session.as_str()),
                Shown::Key { .. } | Shown::Token { .. } => None,
            };
            users::set_password(conn, user.num, &hash, session, act.now)?;
            let target = Target {
                kind: "user",
                id: &user.id(),
                name: &user.name,
            };
            act.note(conn, "user.password", target, None)?;
            Ok(Answer::no_content())
        })
        .await
}

impl PasswordChange {
    /// The user whose password was shown, and the hash of the new one.
    fn proven(
        &self,
        state: &State,
        caller: &Identity,
        attempt: &Attempt,
        now: DateTime<Utc>,
    ) -> Result<(UserRow, String)> {
        let attempts = &state.door.attempts;
        attempts
            .may_try(attempt, now)
            .map_err(Error::TooManyRequests)?;
        let user = state
            .database
            .read(|conn| users::by_name(conn, &caller.name))?;
        let stored = user.as_ref().map(|user| user.password.as_str());
        match password::is_right(&self.current_password, stored)? {
            true => attempts.succeeded(attempt, now),
            false => {
                attempts.failed(attempt, now);
                return Err(Error::member("/current_password", "is not your password"));
            }
        }
        let user = user.ok_or_else(|| Error::Internal("a caller has vanished".to_owned()))?;
        Ok((user, password::hash(&self.password)?))
    }
}
