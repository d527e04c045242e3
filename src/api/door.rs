//! What stands between a password and its answer: turns, since a hash costs much, and an eye on failures.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::http::header::HeaderName;
use actix_web::{HttpRequest, web};
use chrono::{DateTime, Utc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::api::state::State;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::identity::attempts::{Attempt, Attempts};
use crate::identity::password;

/// Hashes at once, each of 19 MiB.
const MOST_AT_ONCE: usize = 4;
/// Requests that wait for their turn; more are sent away.
const MOST_WAITING: usize = 256;

pub struct Door {
    pub attempts: Attempts,
    turns: Arc<Semaphore>,
    places: Semaphore,
    address_header: Option<HeaderName>,
    /// Whether it was said that proxies tell addresses which no one looks at.
    warned: AtomicBool,
}

impl Door {
    pub fn new(config: &Config) -> Self {
        let header = config.identity.address_header.as_deref();
        Self {
            attempts: Attempts::default(),
            turns: Arc::new(Semaphore::new(config.workers.clamp(1, MOST_AT_ONCE))),
            places: Semaphore::new(MOST_WAITING),
            address_header: header.and_then(|name| HeaderName::try_from(name).ok()),
            warned: AtomicBool::new(false),
        }
    }

    /// Who tries to log in.
    pub fn attempt(&self, request: &HttpRequest, name: Option<&str>) -> Attempt {
        Attempt::new(name, self.address(request))
    }

    /// The last entry of a proxy's header is the one that our proxy has written.
    pub fn address(&self, request: &HttpRequest) -> Option<IpAddr> {
        if self.address_header.is_none() {
            self.warn_of_proxy(request);
        }
        let told = self.address_header.as_ref().and_then(|name| {
            let value = request.headers().get_all(name).last()?.to_str().ok()?;
            let last = value.rsplit(',').next()?.trim();
            let address = last.parse::<SocketAddr>().map(|address| address.ip());
            address.or_else(|_| last.parse()).ok()
        });
        told.or_else(|| request.peer_addr().map(|address| address.ip()))
    }

    /// Behind a proxy all callers have one address, unless its header is named; then a few failures of one shut out
    /// everyone, and one share of the places to wait is all there is.
    fn warn_of_proxy(&self, request: &HttpRequest) {
        let told = |name: &str| request.headers().contains_key(name);
        let by_proxy = told("x-forwarded-for") || told("forwarded");
        if by_proxy && !self.warned.swap(true, Ordering::Relaxed) {
            log::warn!(
                "a request came through a proxy, and failed logins and those who wait for changes are counted by the \
                 proxy's address: name the header in which it tells the caller's in KIOSQUE_CLIENT_ADDRESS_HEADER"
            );
        }
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit> {
        let place = self.places.try_acquire();
        let _place = place.map_err(|_| Error::TooManyRequests(1))?;
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        turn.map_err(|_| Error::Internal("the turns have ended".to_owned()))
    }
}

/// Does work that hashes a password, when it is its turn. A caller that leaves does not make room for another before
/// the work has ended.
///
/// # Errors
/// 429 where too many wait, 504 where it takes too long, and those of the work.
pub async fn in_turn<T: Send + 'static>(
    state: &State,
    work: impl FnOnce(&State, DateTime<Utc>) -> Result<T> + Send + 'static,
) -> Result<T> {
    let worker = state.clone();
    let done = async {
        let turn = state.door.turn().await?;
        web::block(move || {
            let result = work(&worker, worker.clock.now());
            drop(turn);
            result
        })
        .await
        .map_err(|_| Error::Internal("a handler panicked".to_owned()))?
    };
    let done = actix_web::rt::time::timeout(state.request_timeout, done);
    done.await.map_err(|_| Error::Timeout)?
}

/// The hash of a new password.
///
/// # Errors
/// As [`in_turn`].
pub async fn hashed(state: &State, new: String) -> Result<String> {
    in_turn(state, move |_, _| password::hash(&new)).await
}
