//! `/v1/tokens`: logging in, staying logged in, logging out; and the keys that verify what it gives.

use std::net::IpAddr;

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::conditional::Answer;
use crate::api::door::in_turn;
use crate::api::envelope::RequestId;
use crate::api::openapi::{BodyFailures, Failures};
use crate::api::problem::{Problem, ProblemView};
use crate::api::state::State;
use crate::api::wish::Wish;
use crate::api::{body, inputs};
use crate::content::check::Check;
use crate::content::username;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::identity::attempts::Attempt;
use crate::identity::{password, secret};
use crate::store::audit::{self, Entry, Target};
use crate::store::sessions::{self, Refreshed, SessionRow};
use crate::store::users::{self, UserRow};

/// In the audit trail, who has not shown who it is.
const UNKNOWN: &str = "unknown";
const WRONG: &str = "name or password is wrong";

/// A login: `name` and `password`, or the `refresh_token` of an earlier answer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    #[schema(nullable = false, example = "salma@news.example")]
    name: Option<String>,
    #[schema(nullable = false, format = Password, example = "une phrase de passe")]
    password: Option<String>,
    #[schema(nullable = false)]
    refresh_token: Option<String>,
}

/// Tokens, as OAuth 2.0 names them (RFC 6749 section 5.1).
#[derive(Serialize, ToSchema)]
#[schema(as = Tokens)]
pub struct TokensView {
    /// For `Authorization: Bearer`; a JWT.
    access_token: String,
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds that the access token is good for.
    #[schema(example = 900)]
    expires_in: i64,
    /// Good once, for the next tokens.
    refresh_token: String,
}

/// Log in
///
/// Gives an access token for a name and a password, or for a refresh token. A refresh token is good once; one that
/// comes again ends its whole session, since two have it. Failed logins are counted by name and by address: after too
/// many, wait as `Retry-After` says. So are right ones, more loosely. An `Idempotency-Key` is not looked at, since a kept answer would hold the tokens.
#[utoipa::path(
    tag = "identity",
    operation_id = "create_token",
    request_body = Login,
    responses(
        (status = 200, description = "The tokens", body = TokensView),
        (status = 401, description = "Name or password is wrong, or the refresh token does not count",
         body = ProblemView, content_type = "application/problem+json"),
        (status = 429, description = "Too many failed logins", body = ProblemView,
         content_type = "application/problem+json", headers(("Retry-After" = u32, description = "Seconds to wait"))),
        Failures,
        BodyFailures,
    )
)]
#[post("/v1/tokens")]
pub async fn create_token(
    request: HttpRequest,
    state: web::Data<State>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    let login: Login = body::small_json(&request, payload, &state).await?;
    let request_id = RequestId::of(&request);
    let tokens = match login.checked()? {
        Credentials::Password { name, password } => {
            // What cannot be a name is no one's.
            let name = username::parse(&name).ok();
            let attempt = state.door.attempt(&request, name.as_deref());
            let entrance = Entrance {
                name,
                password,
                attempt,
                address: state.door.address(&request),
                request_id,
            };
            let entered = in_turn(&state, move |state, now| {
                let user = entrance.enter(state, now)?;
                Ok((user, entrance))
            });
            match entered.await? {
                (Entered::Logged(tokens), _) => tokens,
                (Entered::Refused(user), entrance) => {
                    if let Some(user) = user {
                        entrance.note_refusal(&state, user);
                    }
                    return Err(Error::Unauthenticated(WRONG.to_owned()).into());
                }
            }
        }
        Credentials::Refresh(token) => {
            let work = move |state: &State, now| refreshed(state, &token, &request_id, now);
            let owned = state.clone();
            web::block(move || work(&owned, owned.clock.now()))
                .await
                .map_err(|_| Error::Internal("a handler panicked".to_owned()))??
        }
    };
    let answer = Answer::json(&tokens)?.private(true);
    let wish = Wish::of(request.method(), &request);
    Ok(answer.finish(0).respond(&wish, state.clock.now()))
}

enum Credentials {
    Password { name: String, password: String },
    Refresh(String),
}

impl Login {
    fn checked(self) -> Result<Credentials> {
        let mut check = Check::default();
        match (self.name, self.password, self.refresh_token) {
            (None, None, Some(token)) => return Ok(Credentials::Refresh(token)),
            (Some(name), Some(given), None) => {
                if let Err(fault) = password::check_shown(&given) {
                    check.fault("/password", fault);
                }
                check.finish().map_err(Error::InvalidBody)?;
                return Ok(Credentials::Password {
                    name,
                    password: given,
                });
            }
            (None, None, None) => {
                check.fault("", "has neither name and password nor refresh_token")
            }
            (_, _, Some(_)) => check.fault("/refresh_token", "goes without name and password"),
            (None, ..) => check.fault("/name", "is missing"),
            (_, None, _) => check.fault("/password", "is missing"),
        }
        check.finish().map_err(Error::InvalidBody)?;
        Err(Error::Internal(
            "a login without a fault is none".to_owned(),
        ))
    }
}

/// What became of someone at the door.
enum Entered {
    Logged(TokensView),
    /// With the user whose name was given, where there is one.
    Refused(Option<UserRow>),
}

/// Someone at the door.
struct Entrance {
    name: Option<String>,
    password: String,
    attempt: Attempt,
    address: Option<IpAddr>,
    request_id: String,
}

impl Entrance {
    /// One answer, and the same work, whatever is wrong.
    fn enter(&self, state: &State, now: DateTime<Utc>) -> Result<Entered> {
        let attempts = &state.door.attempts;
        attempts
            .may_try(&self.attempt, now)
            .map_err(Error::TooManyRequests)?;
        let user = match &self.name {
            Some(name) => state.database.read(|conn| users::by_name(conn, name))?,
            None => None,
        };
        // Hashed in any case, so that the time does not tell which names there are.
        let stored = user.as_ref().map(|user| user.password.as_str());
        let right = password::is_right(&self.password, stored)?;
        let user = match user {
            Some(user) if right && user.is_active() => user,
            user => {
                attempts.failed(&self.attempt, now);
                return Ok(Entered::Refused(user));
            }
        };
        let begun = state.database.write(|conn| {
            // It may have changed while the password was being looked at.
            let present = users::by_name(conn, &user.name)?;
            let Some(user) = present.filter(|it| it.is_active() && it.password == user.password)
            else {
                return Ok(None);
            };
            let session = sessions::start(conn, user.num, state.authority.session_end(now), now)?;
            self.note(
                conn,
                &user.name,
                "session.start",
                &session.id,
                &user.name,
                now,
            )?;
            tokens(state, conn, &user, &session, now).map(Some)
        })?;
        match begun {
            Some(tokens) => {
                attempts.succeeded(&self.attempt, now);
                Ok(Entered::Logged(tokens))
            }
            None => {
                attempts.failed(&self.attempt, now);
                Ok(Entered::Refused(Some(user)))
            }
        }
    }

    /// Aside: the hash turn is given back by now, and the answer must not tell by its time whose name there is. A name
    /// that no one has is not noted: it may be a password that someone typed into the wrong field, and anyone can make
    /// up as many as the trail would have to hold.
    fn note_refusal(self, state: &State, user: UserRow) {
        let state = state.clone();
        drop(web::block(move || {
            let now = state.clock.now();
            let noted = state.database.write(|conn| {
                self.note(conn, UNKNOWN, "session.refuse", &user.id(), &user.name, now)
            });
            if let Err(error) = noted {
                log::warn!("a failed login could not be noted: {error}");
            }
        }));
    }

    fn note(
        &self,
        conn: &mut Conn,
        actor: &str,
        action: &'static str,
        id: &str,
        name: &str,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let kind = match action {
            "session.refuse" => "user",
            _ => "session",
        };
        let address = self.address.map(|address| address.to_string());
        let entry = Entry {
            actor,
            action,
            target: Target { kind, id, name },
            request_id: Some(&self.request_id),
            detail: Some(json!({"address": address})),
        };
        audit::append(conn, &entry, now)
    }
}

fn refreshed(
    state: &State,
    token: &str,
    request_id: &str,
    now: DateTime<Utc>,
) -> Result<TokensView> {
    let refused =
        || Error::Unauthenticated("this refresh token does not count, or no more".to_owned());
    let hash = secret::digest(token);
    // Looked for before it is used, so that no stranger keeps the writers waiting.
    let known = state.database.read(|conn| session_of(conn, token))?;
    let Some((session, _)) = known else {
        return Err(refused());
    };
    // A reuse is no error here: what it ends must be kept.
    let tokens =
        state.database.write(
            |conn| match sessions::refresh(conn, &session.id, &hash, now)? {
                Refreshed::Good(user, session) => {
                    tokens(state, conn, &user, &session, now).map(Some)
                }
                Refreshed::Reused(user, session) => {
                    let entry = Entry {
                        actor: UNKNOWN,
                        action: "session.reuse",
                        target: Target {
                            kind: "session",
                            id: &session.id,
                            name: &user.name,
                        },
                        request_id: Some(request_id),
                        detail: None,
                    };
                    audit::append(conn, &entry, now)?;
                    Ok(None)
                }
                Refreshed::Nothing => Ok(None),
            },
        )?;
    tokens.ok_or_else(refused)
}

/// The session that a refresh token is of, and its user. Used tokens are not kept for ever, so a token says of which
/// session it is; that one which is not known opens nothing, but shows that it was used, and ends the session.
pub fn session_of(conn: &mut Conn, token: &str) -> Result<Option<(SessionRow, UserRow)>> {
    if let Some(found) = sessions::of_refresh_token(conn, &secret::digest(token))? {
        return Ok(Some(found));
    }
    let id = token
        .strip_prefix(secret::REFRESH_TOKEN)
        .and_then(|token| Uuid::try_parse(token.rsplit_once('.')?.1).ok());
    match id {
        Some(id) => sessions::with_user(conn, &id.to_string()),
        None => Ok(None),
    }
}

/// New tokens of a session.
fn tokens(
    state: &State,
    conn: &mut Conn,
    user: &UserRow,
    session: &SessionRow,
    now: DateTime<Utc>,
) -> Result<TokensView> {
    let refresh_token = format!("{}.{}", secret::new(secret::REFRESH_TOKEN)?, session.id);
    sessions::keep_refresh_token(conn, &session.id, &secret::digest(&refresh_token), now)?;
    let within = (session.id.as_str(), session.expires_at.and_utc());
    let (access_token, expires_in) = state
        .authority
        .issue(&user.name, user.role(), within, now)?;
    Ok(TokensView {
        access_token,
        token_type: "Bearer",
        expires_in,
        refresh_token,
    })
}

/// Public keys
#[derive(Serialize, ToSchema)]
#[schema(as = KeySet)]
#[allow(dead_code)]
pub struct KeySetView {
    keys: Vec<serde_json::Value>,
}

/// Read the public keys
///
/// A JSON Web Key Set (RFC 7517) with the keys that verify our access tokens. It is empty where these are signed with
/// a secret.
#[utoipa::path(
    tag = "identity",
    operation_id = "get_public_keys",
    responses(
        (status = 200, description = "The keys", body = KeySetView, headers(("ETag" = String))),
        (status = 304, description = "Not modified"),
        Failures,
    )
)]
#[get("/.well-known/jwks.json")]
pub async fn get_public_keys(
    request: HttpRequest,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    state
        .answer(&request, |state, _| {
            Answer::json(state.authority.public_keys())
        })
        .await
}
