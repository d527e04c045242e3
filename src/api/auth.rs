//! Who a request comes from, and what that caller may do.
//!
//! `authenticate` looks at the credentials of every request under `/v1/` once; credentials that do not count are refused
//! there, also where none are needed. A handler then says in its signature whom it takes: [`Caller`] with a rank, or
//! [`Viewer`] for everyone.

use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::sync::Arc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::{Method, header};
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use chrono::{DateTime, Utc};

use crate::api::body;
use crate::api::log_lines;
use crate::api::problem::Problem;
use crate::api::rate_limit::Standing;
use crate::api::state::State;
use crate::content::rights::{Limits, Rights};
use crate::content::role::Role;
use crate::content::sight::Sight;
use crate::db::{self, Conn};
use crate::error::{Error, Result};
use crate::identity::authority::{Mark, OwnToken, Token};
use crate::identity::claims;
use crate::identity::secret;
use crate::store::users::{self, UserRow};
use crate::store::{keys, rights, sessions};

/// A caller that has shown who it is.
#[derive(Clone, Debug)]
pub struct Identity {
    /// What is noted as the maker of what it makes: a user's name, `key:NAME` for an API key, `outside:SUBJECT@ISSUER`
    /// for a token of an outside issuer.
    pub name: String,
    pub role: Role,
    pub shown: Shown,
}

/// What a caller has shown.
#[derive(Clone, Debug)]
pub enum Shown {
    Key {
        id: String,
        rights: Arc<Rights>,
    },
    /// A token that came of a login of this user.
    Session {
        user: i64,
        session: String,
    },
    /// A token by itself, of this user, or of someone outside.
    Token {
        user: Option<i64>,
        /// In seconds, as the token has it; 0 where it is of someone outside.
        issued_at: f64,
        mark: Mark,
    },
}

impl Shown {
    /// The user, where it is one of ours.
    pub fn user(&self) -> Option<i64> {
        match self {
            Self::Key { .. } => None,
            Self::Session { user, .. } => Some(*user),
            Self::Token { user, .. } => *user,
        }
    }
}

impl Identity {
    pub fn sight(&self) -> Sight {
        match &self.shown {
            Shown::Key { rights, .. } => Sight::of(&self.name, self.role, rights),
            Shown::Session { .. } | Shown::Token { .. } => {
                Sight::of(&self.name, self.role, &Arc::default())
            }
        }
    }

    /// # Errors
    /// [`Error::Forbidden`] for a lower role.
    pub fn must_be(&self, role: Role) -> Result<()> {
        match self.role >= role {
            true => Ok(()),
            false => Err(Error::Forbidden(format!(
                "this needs the role {role}; yours is {}",
                self.role
            ))),
        }
    }
}

/// A role that a handler's signature can name.
pub trait Rank: 'static {
    const ROLE: Role;
}

macro_rules! ranks {
    ($($name:ident),*) => {
        $(
            #[derive(Debug)]
            pub struct $name;
            impl Rank for $name {
                const ROLE: Role = Role::$name;
            }
        )*
    };
}
ranks!(Reader, Author, Editor, Admin);

/// A caller of at least this rank.
#[derive(Debug)]
pub struct Caller<R: Rank> {
    pub identity: Identity,
    rank: PhantomData<R>,
}

impl<R: Rank> FromRequest for Caller<R> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let caller = identity(request).ok_or_else(unknown).and_then(|identity| {
            identity.must_be(R::ROLE)?;
            Ok(Self {
                identity,
                rank: PhantomData,
            })
        });
        ready(caller.map_err(Problem::from))
    }
}

/// Whoever asks, known or not.
#[derive(Clone, Debug)]
pub struct Viewer(Option<Identity>);

impl Viewer {
    pub fn sight(&self) -> Sight {
        self.0.as_ref().map_or(Sight::Public, Identity::sight)
    }

    pub fn identity(&self) -> Option<&Identity> {
        self.0.as_ref()
    }

    /// What is published, as this caller may read it: the public's, but for a partner.
    pub fn published_sight(&self) -> Sight {
        self.sight().of_published()
    }

    /// # Errors
    /// [`Error::Unauthenticated`] where it is not known who asks, [`Error::Forbidden`] for a lower role.
    pub fn must_be(&self, role: Role) -> Result<&Identity> {
        let identity = self.0.as_ref().ok_or_else(unknown)?;
        identity.must_be(role)?;
        Ok(identity)
    }
}

impl FromRequest for Viewer {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(identity(request))))
    }
}

fn unknown() -> Error {
    Error::Unauthenticated("this needs credentials".to_owned())
}

fn identity(request: &HttpRequest) -> Option<Identity> {
    request.extensions().get::<Identity>().cloned()
}

/// The layer that finds out who is calling.
///
/// # Errors
/// Never by itself: credentials that do not count are answered with 401.
pub async fn authenticate(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let known = match identified(&request).await {
        Ok(Some(known)) => known,
        Ok(None) => return Ok(next.call(request).await?.map_into_boxed_body()),
        Err(error) => return Ok(refused(request, error, None)),
    };
    let standing = known.standing;
    if let Some(refusal) = standing.as_ref().and_then(Standing::refusal) {
        return Ok(refused(request, refusal, standing));
    }
    request.extensions_mut().insert(known.identity);
    let mut response = next.call(request).await?.map_into_boxed_body();
    let headers = response.headers_mut();
    // What one caller was given is no one else's, even where it is the same.
    headers.insert(
        header::CACHE_CONTROL,
        header::HeaderValue::from_static("private, no-store"),
    );
    if let Some(standing) = standing {
        standing.tell(headers);
    }
    Ok(response)
}

fn refused(
    request: ServiceRequest,
    error: Error,
    standing: Option<Standing>,
) -> ServiceResponse<BoxBody> {
    let problem = Problem(error).respond(request.path());
    let mut response = request.into_response(problem);
    if let Some(standing) = standing {
        standing.tell(response.headers_mut());
    }
    response
}

/// A caller, and how it stands with what it may ask for, where that is counted.
struct Known {
    identity: Identity,
    standing: Option<Standing>,
}

async fn identified(request: &ServiceRequest) -> Result<Option<Known>> {
    // As the router reads it, to which `/%761/` is the same.
    let path = request.match_info().as_str();
    if !path.starts_with("/v1/") {
        return Ok(None);
    }
    if let Some(name) = log_lines::secret_parameter(request.query_string()) {
        return Err(Error::parameter(
            &name,
            "is no place for a key, for addresses are kept in logs: send `Authorization: Bearer KEY`",
        ));
    }
    if shows_in_body(request, path) {
        return Ok(None);
    }
    let mut given = request.headers().get_all(header::AUTHORIZATION);
    let Some(value) = given.next() else {
        return Ok(None);
    };
    if given.next().is_some() {
        return Err(Error::Unauthenticated(
            "`Authorization` is given more than once".to_owned(),
        ));
    }
    let bearer = value.to_str().ok().and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme
            .eq_ignore_ascii_case("bearer")
            .then(|| token.trim().to_owned())
    });
    let Some(token) = bearer else {
        return Err(Error::Unauthenticated(
            "`Authorization` is not of the form `Bearer TOKEN`".to_owned(),
        ));
    };
    let Some(state) = request.app_data::<web::Data<State>>() else {
        return Err(Error::Internal("the server has no state".to_owned()));
    };
    let now = state.clock.now();
    // A look that is as short as the read of an article: to hand it to another thread would cost more than it takes.
    if token.starts_with(secret::API_KEY)
        && let Some(reader) = state.database.here()
    {
        return of_key(state, &reader, &token, now).map(Some);
    }
    let state = state.clone();
    web::block(move || whose(&state, &token, now).map(Some))
        .await
        .map_err(|_| Error::Internal("looking at credentials panicked".to_owned()))?
}

/// Whoever asks for a token, or gives one back by its refresh token, shows in the body who it is, and may still carry an
/// old access token.
fn shows_in_body(request: &ServiceRequest, path: &str) -> bool {
    let method = request.method();
    path == "/v1/tokens"
        && (method == Method::POST
            || method == Method::DELETE && body::is_announced(request.request()))
}

/// Whose credentials these are. Each request asks the database, so that what is revoked, disabled or demoted counts
/// no more from that moment on, on every server.
fn whose(state: &State, token: &str, now: DateTime<Utc>) -> Result<Known> {
    if token.starts_with(secret::API_KEY) {
        return of_key(state, &state.database.pooled(), token, now);
    }
    let identity = of_token(state, token, now)?;
    Ok(Known {
        identity,
        standing: None,
    })
}

fn of_token(state: &State, token: &str, now: DateTime<Utc>) -> Result<Identity> {
    match state.authority.read(token, now)? {
        Token::Own(token) => of_user(state, token, now),
        Token::Outside(token) => {
            let revoked = state
                .database
                .read(|conn| sessions::is_revoked(conn, &token.mark.id))?;
            match revoked {
                true => Err(ended()),
                false => Ok(Identity {
                    name: token.name,
                    role: token.role,
                    shown: Shown::Token {
                        user: None,
                        issued_at: 0.0,
                        mark: token.mark,
                    },
                }),
            }
        }
    }
}

fn ended() -> Error {
    Error::InvalidToken("these credentials count no more".to_owned())
}

/// The key, what was granted to it and what it has used today. No transaction holds them together, which would cost as
/// much again: a tag keeps its number for as long as it is there, and where one of the scope is not, it may have been
/// merged between two statements, and all is asked in one snapshot.
fn of_key(
    state: &State,
    reader: &db::Reader<'_>,
    token: &str,
    now: DateTime<Utc>,
) -> Result<Known> {
    let hash = secret::digest(token);
    let refused = || Error::InvalidToken("this API key does not count, or no more".to_owned());
    let look = |conn: &mut Conn| {
        let found = keys::with_grant(conn, &hash)?.filter(|(key, _)| key.is_good(now));
        let (key, grant) = found.ok_or_else(refused)?;
        let Some(grant) = grant else {
            return Ok((key, Arc::default(), Limits::default(), None));
        };
        let rights = Arc::new(grant.rights(conn)?);
        let limits = grant.limits();
        let used = match limits.daily_quota {
            Some(_) => state.quotas.read(conn, &key.id, now)?,
            None => None,
        };
        Ok((key, rights, limits, used))
    };
    let mut found = reader.glance(look)?;
    if rights::lack_a_tag(&found.1) {
        found = reader.read(look)?;
    }
    let (key, rights, limits, used) = found;
    state.key_uses.note(state, &key, now);
    let standing = state.quotas.admit(&key.id, limits, used, now);
    let identity = Identity {
        role: key.role(),
        name: format!("key:{}", key.name),
        shown: Shown::Key { id: key.id, rights },
    };
    Ok(Known {
        identity,
        standing: Some(standing),
    })
}

/// A token that came of a login counts as long as the session does. One that was made elsewhere with our key counts
/// until it is given back, or its user logged out everywhere.
fn of_user(state: &State, token: OwnToken, now: DateTime<Utc>) -> Result<Identity> {
    let (user, shown) = state.database.read(|conn| match token.session {
        Some(session) => {
            let found = sessions::of_user(conn, &session, &token.subject)?;
            let (session, user) = found
                .filter(|(session, _)| session.is_good(now))
                .ok_or_else(ended)?;
            let shown = Shown::Session {
                user: user.num,
                session: session.id,
            };
            Ok((user, shown))
        }
        None => {
            let user = users::by_name(conn, &token.subject)?.ok_or_else(ended)?;
            if is_too_old(token.issued_at, &user) || sessions::is_revoked(conn, &token.mark.id)? {
                return Err(ended());
            }
            let shown = Shown::Token {
                user: Some(user.num),
                issued_at: token.issued_at,
                mark: token.mark,
            };
            Ok((user, shown))
        }
    })?;
    if !user.is_active() {
        return Err(ended());
    }
    Ok(Identity {
        role: token.role.min(user.role()),
        name: user.name,
        shown,
    })
}

/// A token without a session, from before its user was logged out everywhere.
fn is_too_old(issued_at: f64, user: &UserRow) -> bool {
    issued_at < claims::seconds(user.tokens_from.and_utc())
}

/// Whether what a caller has shown at the head of a request still counts: its body may have taken long, or have no end.
/// Asked in the transaction of the work, so that nothing is written after a revocation.
///
/// # Errors
/// 401 where it counts no more, 403 where the caller may do less by now.
pub fn still_counts(conn: &mut Conn, identity: &Identity, now: DateTime<Utc>) -> Result<()> {
    let role = match &identity.shown {
        Shown::Key { id, .. } => {
            let key = keys::by_id(conn, id)?.filter(|key| key.is_good(now));
            key.map(|key| key.role())
        }
        Shown::Session { session, .. } => {
            let found = sessions::of_user(conn, session, &identity.name)?;
            let good = found.filter(|(session, user)| session.is_good(now) && user.is_active());
            good.map(|(_, user)| user.role())
        }
        Shown::Token { mark, .. } if mark.is_over(now) || sessions::is_revoked(conn, &mark.id)? => {
            None
        }
        Shown::Token { user: None, .. } => Some(identity.role),
        Shown::Token { issued_at, .. } => {
            let user = users::by_name(conn, &identity.name)?;
            let user = user.filter(|user| user.is_active() && !is_too_old(*issued_at, user));
            user.map(|user| user.role())
        }
    };
    match role {
        None => Err(ended()),
        Some(role) if role < identity.role => Err(Error::Forbidden(format!(
            "your role has become {role} meanwhile"
        ))),
        Some(_) => Ok(()),
    }
}

/// What is published, as a caller may read it by now: the rights of its key may have changed since it came.
///
/// # Errors
/// When the database fails.
pub fn published_sight(conn: &mut Conn, identity: &Identity) -> Result<Sight> {
    let key = match &identity.shown {
        Shown::Key { id, .. } => keys::by_id(conn, id)?,
        Shown::Session { .. } | Shown::Token { .. } => None,
    };
    let sight = match key {
        Some(key) => rights::sight(conn, &key)?,
        None => identity.sight(),
    };
    Ok(sight.of_published())
}
