//! What every handler works with.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use actix_web::{HttpRequest, web};
use chrono::{DateTime, Utc};

use crate::api::conditional::{Answer, Ready, Wish};
use crate::api::door::Door;
use crate::api::imports::Slots;
use crate::api::key_uses::KeyUses;
use crate::api::problem::Problem;
use crate::api::tag_census;
use crate::config::Config;
use crate::content::time::Clock;
use crate::db::{Database, Reader};
use crate::error::{Error, Result};
use crate::follower::{Progress, RelatedIndex};
use crate::identity::authority::Authority;
use crate::related::Engine;
use crate::search;

#[derive(Clone)]
pub struct State {
    pub database: Database,
    pub search: search::Index,
    pub engine: Arc<RwLock<Engine>>,
    pub progress: Progress,
    /// How many imports may run at a time.
    pub imports: Slots,
    pub clock: Clock,
    pub tags: tag_census::Kept,
    pub public_url: Arc<str>,
    pub max_age: u32,
    pub max_body: usize,
    pub request_timeout: Duration,
    pub authority: Arc<Authority>,
    pub door: Arc<Door>,
    pub key_uses: KeyUses,
}

impl State {
    pub fn new(
        config: &Config,
        database: Database,
        search: search::Index,
        engine: Arc<RwLock<Engine>>,
        progress: Progress,
        clock: Clock,
        authority: Arc<Authority>,
    ) -> Self {
        Self {
            database,
            search,
            engine,
            progress,
            imports: Slots::default(),
            clock,
            tags: tag_census::Kept::default(),
            public_url: config.public_url.as_deref().unwrap_or_default().into(),
            max_age: config.max_age,
            max_body: config.max_body,
            request_timeout: config.request_timeout,
            authority,
            door: Arc::new(Door::new(config)),
            key_uses: KeyUses::default(),
        }
    }

    /// The related engine as of `now`: what begins or ceases to be seen at this second already does so there.
    pub fn engine(&self, now: DateTime<Utc>) -> RwLockReadGuard<'_, Engine> {
        let now = now.timestamp_micros();
        let engine = self.engine.read().unwrap_or_else(PoisonError::into_inner);
        if !engine.is_behind(now) {
            return engine;
        }
        drop(engine);
        let mut engine = self.engine.write().unwrap_or_else(PoisonError::into_inner);
        engine.advance(now);
        drop(engine);
        self.engine.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether related lookups know every article yet.
    pub fn related_is_complete(&self) -> bool {
        self.progress.is_ready(RelatedIndex::NAME)
    }

    /// Answers a request by work that may block.
    pub async fn answer(
        &self,
        request: &HttpRequest,
        work: impl FnOnce(&Self, DateTime<Utc>) -> Result<Answer> + Send + 'static,
    ) -> Result<actix_web::HttpResponse, Problem> {
        let wish = Wish::of(request);
        self.blocking(move |state, now| Ok(work(state, now)?.fulfil(&wish, state.max_age)))
            .await
    }

    /// Answers by reading. A brief read takes less than handing it to another thread: a few rows by an index. On SQLite it
    /// runs here and now, on this worker's own connection; a panic becomes a problem in `envelope`, and there is no
    /// time-out, for nothing is waited for but the disk.
    pub async fn answer_read(
        &self,
        request: &HttpRequest,
        is_brief: bool,
        work: impl FnOnce(&Self, &Reader<'_>, DateTime<Utc>) -> Result<Answer> + Send + 'static,
    ) -> Result<actix_web::HttpResponse, Problem> {
        let Some(reader) = self.database.here().filter(|_| is_brief) else {
            return self
                .answer(request, move |state, now| {
                    work(state, &state.database.pooled(), now)
                })
                .await;
        };
        let answer = work(self, &reader, self.clock.now())?;
        Ok(answer.fulfil(&Wish::of(request), self.max_age).respond())
    }

    /// Runs work that takes long without the database, on a thread kept for what blocks.
    pub async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        match actix_web::rt::time::timeout(self.request_timeout, web::block(work)).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(Error::Internal("a handler panicked".to_owned())),
            Err(_) => Err(Error::Timeout),
        }
    }

    /// Runs work on a thread kept for what blocks; the one place where a time-out or a panic of such work becomes a
    /// problem.
    pub async fn blocking(
        &self,
        work: impl FnOnce(&Self, DateTime<Utc>) -> Result<Ready> + Send + 'static,
    ) -> Result<actix_web::HttpResponse, Problem> {
        let state = self.clone();
        let blocking = web::block(move || work(&state, state.clock.now()));
        match actix_web::rt::time::timeout(self.request_timeout, blocking).await {
            Ok(Ok(result)) => result.map(Ready::respond).map_err(Problem::from),
            Ok(Err(_)) => Err(Error::Internal("a handler panicked".to_owned()).into()),
            Err(_) => Err(Error::Timeout.into()),
        }
    }
}
