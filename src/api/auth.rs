//! Who a request comes from, and what that caller may do.
//!
//! `authenticate` looks at the credentials of every request under `/v1/` once; credentials that do not count are refused
//! there, also where none are needed. A handler then says in its signature whom it takes: [`Caller`] with a rank, or
//! [`Viewer`] for everyone.

use std::future::{Ready, ready};
use std::marker::PhantomData;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::{Method, header};
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use chrono::{DateTime, Utc};

use crate::api::problem::Problem;
use crate::api::state::State;
use crate::content::role::Role;
use crate::content::sight::Sight;
use crate::error::{Error, Result};
use crate::identity::secret;
use crate::store::keys;

/// A caller that has shown who it is.
#[derive(Clone, Debug)]
pub struct Identity {
    /// What is noted as the maker of what it makes: a user's name, `key:NAME` for an API key.
    pub name: String,
    pub role: Role,
}

impl Identity {
    pub fn sight(&self) -> Sight {
        Sight::of(&self.name, self.role)
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
ranks!(Author, Editor, Admin);

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
    match identified(&request).await {
        Ok(identity) => {
            let known = identity.is_some();
            if let Some(identity) = identity {
                request.extensions_mut().insert(identity);
            }
            let mut response = next.call(request).await?.map_into_boxed_body();
            if known {
                // What one caller was given is no one else's, even where it is the same.
                response.headers_mut().insert(
                    header::CACHE_CONTROL,
                    header::HeaderValue::from_static("private, no-store"),
                );
            }
            Ok(response)
        }
        Err(error) => {
            let problem = Problem(error).respond(request.path());
            Ok(request.into_response(problem))
        }
    }
}

async fn identified(request: &ServiceRequest) -> Result<Option<Identity>> {
    // Whoever asks for a token may still carry an old one.
    let is_login = request.method() == Method::POST && request.path() == "/v1/tokens";
    if !request.path().starts_with("/v1/") || is_login {
        return Ok(None);
    }
    let Some(value) = request.headers().get(header::AUTHORIZATION) else {
        return Ok(None);
    };
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
    let state = state.clone();
    let now = state.clock.now();
    web::block(move || whose(&state, &token, now).map(Some))
        .await
        .map_err(|_| Error::Internal("looking at credentials panicked".to_owned()))?
}

/// Whose credentials these are.
fn whose(state: &State, token: &str, now: DateTime<Utc>) -> Result<Identity> {
    let refused =
        || Error::Unauthenticated("these credentials do not count, or no more".to_owned());
    if token.starts_with(secret::API_KEY) {
        let hash = secret::digest(token);
        let key = state.database.read(|conn| keys::by_hash(conn, &hash))?;
        let key = key.filter(|key| key.is_good(now)).ok_or_else(refused)?;
        return Ok(Identity {
            role: key.role(),
            name: format!("key:{}", key.name),
        });
    }
    Err(refused())
}
