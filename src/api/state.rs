//! What every handler works with.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use tokio::sync::Semaphore;

use crate::api::auth::Identity;
use crate::api::change_feed::Feed;
use crate::api::conditional::Answer;
use crate::api::door::Door;
use crate::api::feeds;
use crate::api::finished::{self, Finished};
use crate::api::imports::Slots;
use crate::api::in_transit;
use crate::api::key_uses::KeyUses;
use crate::api::metrics::{Meters, Metrics};
use crate::api::problem::Problem;
use crate::api::quota::Quotas;
use crate::api::tag_census;
use crate::api::wish::Wish;
use crate::cache::{Cache, Kept, Making, Turn};
use crate::config::Config;
use crate::content::time::Clock;
use crate::db::{Database, Reader};
use crate::delivery::{Guard, OnItsWay, Purges};
use crate::error::{Error, Result};
use crate::follower::{Progress, RelatedIndex};
use crate::identity::authority::Authority;
use crate::related::Engine;
use crate::search;
use crate::store::tags;
use crate::syndication::publication::Publication;

/// How often a request joins others that want the same before it goes its own way.
const JOINS: usize = 3;

/// What the public asks.
pub struct Question {
    /// In one spelling, whatever order and spelling it came in.
    pub text: String,
    pub brief: Brief,
}

/// Whether it takes less to answer a question than to hand it to another thread: a few rows by an index. On SQLite it is
/// answered here and now then, on this worker's own connection; a panic becomes a problem in `envelope`, and there is no
/// time-out, for nothing is waited for but the disk.
pub enum Brief {
    Yes,
    No,
    /// As it turns out: `None` where it would take long.
    Try(Box<Attempt>),
}

type Attempt = dyn FnOnce(&State, &Reader<'_>, DateTime<Utc>) -> Result<Option<Answer>>;

impl From<bool> for Brief {
    fn from(is_brief: bool) -> Self {
        if is_brief { Self::Yes } else { Self::No }
    }
}

impl Question {
    /// One that takes its time.
    pub fn long(text: String) -> Self {
        Self {
            text,
            brief: Brief::No,
        }
    }
}

/// When something was read.
struct Read {
    /// For the answer: what it shows is as of this time.
    at: DateTime<Utc>,
    /// Without the time until a thread was free.
    began: Instant,
}

impl Read {
    fn now(at: DateTime<Utc>) -> Self {
        Self {
            at,
            began: Instant::now(),
        }
    }
}

/// What the cache keeps.
pub struct Page {
    pub finished: Arc<Finished>,
    pub meters: Meters,
}

/// What is derived from the store, and how far it has come.
pub struct Indexes {
    pub search: search::Index,
    pub engine: Arc<RwLock<Engine>>,
    pub cache: Option<Arc<Cache<Page>>>,
    pub progress: Progress,
    /// `None`: no cache outside is told of changes.
    pub purges: Option<Purges>,
}

#[derive(Clone)]
pub struct State {
    pub database: Database,
    pub search: search::Index,
    pub engine: Arc<RwLock<Engine>>,
    pub progress: Progress,
    /// `None`: answers are not kept.
    pub cache: Option<Arc<Cache<Page>>>,
    pub purges: Option<Purges>,
    pub metrics: Metrics,
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
    pub feed: Arc<Feed>,
    pub publication: Arc<Publication>,
    /// How many may read at a time on threads kept for what blocks: as many as there are connections.
    readers: Arc<Semaphore>,
    /// How many may write a whole sitemap at a time.
    pub sitemaps: Arc<Semaphore>,
    pub quotas: Quotas,
    /// Which addresses webhooks may have.
    pub guard: Guard,
    /// The WebSub hub that feeds name, where there is one.
    pub hub: Option<Arc<str>>,
}

impl State {
    pub fn new(
        config: &Config,
        database: Database,
        indexes: Indexes,
        clock: Clock,
        authority: Arc<Authority>,
        metrics: Metrics,
    ) -> Self {
        let purges = indexes.purges.as_ref();
        let feed = Feed::new(config, &indexes.progress, purges);
        Self {
            feed: Arc::new(feed),
            quotas: Quotas::new(database.clone()),
            database,
            search: indexes.search,
            engine: indexes.engine,
            progress: indexes.progress,
            cache: indexes.cache,
            purges: indexes.purges,
            metrics,
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
            publication: Arc::new(Publication::new(config)),
            readers: Arc::new(Semaphore::new(config.db_connections as usize)),
            sitemaps: Arc::new(Semaphore::new(feeds::whole::AT_A_TIME)),
            guard: Guard::new(&config.webhooks),
            hub: config
                .websub
                .as_ref()
                .map(|websub| websub.hub.as_str().into()),
        }
    }

    /// A `Link` that leads to the WebSub hub, for answers that are feeds.
    pub fn hub_link(&self) -> Option<String> {
        let hub = self.hub.as_ref()?;
        Some(format!("<{hub}>; rel=\"hub\""))
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

    /// Blocks until readers see what was written at this line of the log, also in caches outside, or the time is up:
    /// then nothing that is kept is given until it has been followed.
    pub fn wait_until_visible(&self, seq: i64, within: Duration) {
        let started = Instant::now();
        let followed = self.progress.wait_for_followers(seq, within);
        // Also where its follower is not waited for, as after a failure.
        let ledger = self.cache.as_ref().map(|cache| cache.ledger());
        if let Some(ledger) = ledger.filter(|ledger| !followed || ledger.position() < seq) {
            ledger.distrust_until(seq);
        }
        if let Some(purges) = self.purges.as_ref().filter(|_| followed) {
            purges.wait_for(seq, within.saturating_sub(started.elapsed()));
        }
    }

    /// Answers a request by work that may block.
    pub async fn answer(
        &self,
        request: &HttpRequest,
        work: impl FnOnce(&Self, DateTime<Utc>) -> Result<Answer> + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        self.finished(Wish::of(request.method(), request), work)
            .await
    }

    /// The same for a request whose form has been looked at.
    pub async fn finished(
        &self,
        wish: Wish,
        work: impl FnOnce(&Self, DateTime<Utc>) -> Result<Answer> + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        let done = self.blocking(move |state, now| {
            let finished = work(state, now)?.finish(state.max_age);
            finished.prepare(&wish);
            Ok((finished, wish, now))
        });
        let (finished, wish, now) = done.await?;
        Ok(finished.respond(&wish, now))
    }

    /// Answers with what was made before.
    pub async fn give(
        &self,
        request: &HttpRequest,
        finished: Arc<Finished>,
    ) -> Result<HttpResponse, Problem> {
        self.give_at(request, finished, self.clock.now()).await
    }

    /// The same for a request that came at `now`. A form that has not been made yet is made on a thread kept for what
    /// takes long.
    async fn give_at(
        &self,
        request: &HttpRequest,
        finished: Arc<Finished>,
        now: DateTime<Utc>,
    ) -> Result<HttpResponse, Problem> {
        let wish = Wish::of(request.method(), request);
        if finished.is_to_be_prepared(&wish) {
            let (finished, wish) = (Arc::clone(&finished), wish.clone());
            let prepared = self.aside(move || {
                finished.prepare(&wish);
                Ok(())
            });
            prepared.await?;
        }
        Ok(finished.respond(&wish, now))
    }

    /// Answers a question from the cache, or by reading, which is then done once for all who ask the same meanwhile.
    /// Who is known asks for something else, which is not kept.
    pub async fn answer_question(
        &self,
        request: &HttpRequest,
        question: Question,
        work: impl FnOnce(&Self, &Reader<'_>, DateTime<Utc>) -> Result<Answer> + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        let is_public = request.extensions().get::<Identity>().is_none();
        // Until it has left: a cache outside is purged after it has come there.
        let purges = self.purges.as_ref().filter(|_| is_public);
        let on_its_way = purges.map(Purges::enter);
        let cache = self.cache.as_ref().filter(|_| is_public);
        let mut response = self
            .answered(cache.map(Arc::as_ref), request, question, work)
            .await?;
        if on_its_way.as_ref().is_some_and(OnItsWay::is_late) {
            finished::forbid_keeping(&mut response);
        }
        Ok(in_transit::holding(response, on_its_way))
    }

    async fn answered(
        &self,
        cache: Option<&Cache<Page>>,
        request: &HttpRequest,
        question: Question,
        work: impl FnOnce(&Self, &Reader<'_>, DateTime<Utc>) -> Result<Answer> + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        let Some(cache) = cache else {
            let finish = |state: &Self, _: &Reader<'_>, answer: Answer, read: Read| {
                Ok((answer.finish(state.max_age), read.at))
            };
            let (finished, now) = self.read(question.brief, work, finish).await?;
            return self.give_at(request, Arc::new(finished), now).await;
        };
        let address = request.uri().path_and_query().map_or("", |it| it.as_str());
        for _ in 0..JOINS {
            let now = self.clock.now();
            if let Some(kept) = cache.to_question(&question.text, address, now.timestamp_micros()) {
                self.metrics.count_hit();
                let finished = Arc::clone(&kept.answer.finished);
                return self.give_at(request, finished, now).await;
            }
            match cache.join(&question.text) {
                Turn::Mine(_flight) => {
                    self.metrics.count_asked("miss");
                    return self.make(cache, request, question, address, work).await;
                }
                Turn::Theirs(others) => {
                    self.metrics.count_asked("shared");
                    let ended = actix_web::rt::time::timeout(self.request_timeout, others.ended());
                    ended.await.map_err(|_| Error::Timeout)?;
                }
            }
        }
        // What the others made cannot be kept, or changes faster than it is made.
        self.metrics.count_asked("miss");
        self.make(cache, request, question, address, work).await
    }

    /// Makes an answer, and keeps it if it may be kept.
    async fn make(
        &self,
        cache: &Cache<Page>,
        request: &HttpRequest,
        question: Question,
        address: &str,
        work: impl FnOnce(&Self, &Reader<'_>, DateTime<Utc>) -> Result<Answer> + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        // Before the snapshot is taken: it has surely seen these lines.
        let seen = cache.ledger().position();
        let neighbourhoods = cache.ledger().neighbourhoods();
        let seen_by_all = self.followed_by_all();
        let finish = move |state: &Self, reader: &Reader<'_>, mut answer: Answer, read: Read| {
            let mut depends = answer.take_depends();
            if let Some(depends) = depends.as_mut().filter(|depends| depends.with_time) {
                depends.until = depends.until.min(state.horizon(reader, seen, read.at)?);
            }
            let finished = Arc::new(answer.finish(state.max_age));
            Ok((finished, depends, read.at, read.began.elapsed()))
        };
        let (finished, depends, now, took) = self.read(question.brief, work, finish).await?;
        let seen = |derived| match derived {
            true => seen_by_all.map(|by_all| by_all.min(seen)),
            false => Some(seen),
        };
        if let Some(depends) = depends
            && let Some(seen) = seen(depends.derived)
        {
            let pattern = request.match_pattern();
            let page = Page {
                meters: self.metrics.route(pattern.as_deref().unwrap_or("unknown")),
                finished: Arc::clone(&finished),
            };
            let making = Making {
                made_at: now.timestamp_micros(),
                seen,
                neighbourhoods,
                took: i64::try_from(took.as_micros()).unwrap_or(i64::MAX),
            };
            let kept = Kept::new(page, finished.bytes(), depends, &making);
            cache.keep(&question.text, address, kept);
        }
        self.give_at(request, finished, now).await
    }

    /// Reads, here if that is brief and the database is a file, else on a thread kept for what blocks; and finishes what was
    /// read at once. Who would have to wait for a connection waits without a thread: each has its own memory to work in.
    async fn read<T: Send + 'static>(
        &self,
        brief: Brief,
        work: impl FnOnce(&Self, &Reader<'_>, DateTime<Utc>) -> Result<Answer> + Send + 'static,
        finish: impl FnOnce(&Self, &Reader<'_>, Answer, Read) -> Result<T> + Send + 'static,
    ) -> Result<T, Problem> {
        if let Some(reader) = self.database.here() {
            let read = Read::now(self.clock.now());
            let answer = match brief {
                Brief::Yes => {
                    return Ok(finish(self, &reader, work(self, &reader, read.at)?, read)?);
                }
                Brief::No => None,
                Brief::Try(attempt) => attempt(self, &reader, read.at)?,
            };
            if let Some(answer) = answer {
                return Ok(finish(self, &reader, answer, read)?);
            }
        }
        let turn = Arc::clone(&self.readers).acquire_owned();
        let turn = actix_web::rt::time::timeout(self.request_timeout, turn).await;
        let turn = turn.map_err(|_| Error::Timeout)?;
        self.blocking(move |state, now| {
            // Until it is done, also where no one waits for it any more.
            let _turn = turn;
            let (reader, read) = (state.database.pooled(), Read::now(now));
            finish(state, &reader, work(state, &reader, now)?, read)
        })
        .await
    }

    /// The line of the log that everything derived has come to; `None` while something is being built.
    fn followed_by_all(&self) -> Option<i64> {
        let positions = self.progress.positions();
        let least: Option<Vec<i64>> = positions.into_values().collect();
        least?.into_iter().min()
    }

    /// When the next article appears or disappears by itself, in unix microseconds, for someone who has surely seen
    /// the lines up to `seen`.
    fn horizon(&self, reader: &Reader<'_>, seen: i64, now: DateTime<Utc>) -> Result<i64> {
        let ledger = self.cache.as_ref().map(|cache| cache.ledger());
        let micros = now.timestamp_micros();
        if let Some(known) = ledger.and_then(|ledger| ledger.horizon(seen, micros)) {
            return Ok(known);
        }
        let next = reader.read(|conn| tags::next_moment(conn, now))?;
        let next = next.map_or(i64::MAX, |moment| moment.timestamp_micros());
        if let Some(ledger) = ledger {
            ledger.set_horizon(seen, micros, next);
        }
        Ok(next)
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
    pub async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self, DateTime<Utc>) -> Result<T> + Send + 'static,
    ) -> Result<T, Problem> {
        let state = self.clone();
        let blocking = web::block(move || work(&state, state.clock.now()));
        match actix_web::rt::time::timeout(self.request_timeout, blocking).await {
            Ok(Ok(result)) => result.map_err(Problem::from),
            Ok(Err(_)) => Err(Error::Internal("a handler panicked".to_owned()).into()),
            Err(_) => Err(Error::Timeout.into()),
        }
    }
}
