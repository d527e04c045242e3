//! `kiosque serve`: the server, from an empty folder to a clean shutdown.

use std::net::SocketAddr;
use std::sync::{Arc, RwLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use clap::Args;

use crate::api::listed;
use crate::api::metrics::Metrics;
use crate::api::quota::Quotas;
use crate::api::server;
use crate::api::state::{Indexes, State};
use crate::cache::{Cache, LAGS_FAR, Ledger};
use crate::cli::import::import_samples;
use crate::config::{self, Config, DatabaseUrl};
use crate::content::time::Clock;
use crate::db::Database;
use crate::delivery::{Courier, Errand, Followed, Mark, Publisher, Purger, Target, node_in};
use crate::follower::{
    self, Derived, Follower, Paced, Progress, RelatedIndex, ResponseCache, SearchIndex,
};
use crate::identity::authority::Authority;
use crate::related::{Engine, Home, Settings};
use crate::scheduler::Scheduler;
use crate::search;
use crate::store::{changes, identity};
use crate::syndication::publication::Publication;

/// The sample articles, so that the program alone is enough for a first look.
const SAMPLES: &[u8] = include_bytes!("../../samples/portail.ndjson");
/// A small store is wholly indexed before the first answer.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// One whose log is longer is not waited for.
const SMALL: i64 = 50_000;

#[derive(Args)]
pub struct Serve {
    /// Load the sample articles if the store is empty
    #[arg(long)]
    demo: bool,
    /// Address and port, in the place of KIOSQUE_LISTEN
    #[arg(long)]
    listen: Option<String>,
}

impl Serve {
    pub fn run(&self, mut config: Config) -> Result<(), String> {
        keep_memory_in_small_pages();
        if let Some(listen) = &self.listen {
            config.listen = config::parse_listen(listen)?;
        }
        let database = super::open(&config)?;
        if self.demo {
            load_samples(&database)?;
        }
        let (state, services) = assemble(&config, database, Clock::default())?;
        let settings = server::Settings {
            listen: config.listen,
            workers: config.workers,
            shutdown_timeout: config.shutdown_timeout,
        };
        let result = actix_web::rt::System::new().block_on(answer(
            state,
            &settings,
            config.public_url.as_deref(),
        ));
        services.stop();
        result
    }
}

/// The allocator asks for huge pages. A server that runs for long would keep each of them for the little in it that is still
/// used: a third of its memory, measured with 100,000 articles, and with no difference in speed.
fn keep_memory_in_small_pages() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        log::debug!("huge pages stay allowed: {error}");
    }
}

async fn answer(
    state: State,
    settings: &server::Settings,
    public_url: Option<&str>,
) -> Result<(), String> {
    let (server, address) = server::bind(state, settings)?;
    let url = public_url.map_or_else(|| reachable(address), str::to_owned);
    log::info!("ready on {url} - documentation at {url}/docs");
    server
        .await
        .map_err(|error| format!("the server failed: {error}"))?;
    log::info!("stopped");
    Ok(())
}

/// An address that a browser on this machine can open.
fn reachable(address: SocketAddr) -> String {
    match address.ip().is_unspecified() {
        true => format!("http://localhost:{}", address.port()),
        false => format!("http://{address}"),
    }
}

fn load_samples(database: &Database) -> Result<(), String> {
    let empty = database
        .read(identity::is_empty)
        .map_err(|error| error.to_string())?;
    if !empty {
        log::info!("the store is not empty: the samples are left out");
        return Ok(());
    }
    let summary = import_samples(database, SAMPLES)?;
    log::info!("loaded {} sample articles", summary.created);
    Ok(())
}

/// What runs beside the requests.
pub struct Services {
    follower: Follower,
    cards: Paced,
    scheduler: Scheduler,
    purger: Option<Purger>,
    courier: Courier,
    publisher: Option<Publisher>,
    census: JoinHandle<()>,
    quotas: Quotas,
}

impl Services {
    /// How far the indexes have come.
    pub fn progress(&self) -> Progress {
        self.follower.progress()
    }

    /// Ends the threads; what was committed is kept.
    pub fn stop(self) {
        self.quotas.flush();
        drop(self.cards);
        self.scheduler.stop();
        self.courier.stop();
        if let Some(publisher) = self.publisher {
            publisher.stop();
        }
        if let Some(purger) = self.purger {
            purger.stop();
        }
        self.follower.stop();
        // One that is still counting a large store is not waited for.
        if self.census.is_finished() && self.census.join().is_err() {
            log::error!("the first census of tags had panicked");
        }
    }
}

/// Everything that a server needs, with what is derived from the store being kept up to date.
///
/// # Errors
/// One line for the operator.
pub fn assemble(
    config: &Config,
    database: Database,
    clock: Clock,
) -> Result<(State, Services), String> {
    let told = |error: crate::error::Error| error.to_string();
    let shared = matches!(config.database_url, DatabaseUrl::Postgres(_));
    let authority = Arc::new(Authority::open(&config.identity, shared)?);
    let store_id = identity::of(&database, clock.now()).map_err(told)?;
    let claim = search::claim(&config.search_dir, &store_id).map_err(|error| error.to_string())?;
    let index = claim.index();
    let last = database.read(changes::last).map_err(told)?;
    let engine = Arc::new(RwLock::new(Engine::new(Settings::default())));
    let lag = i64::try_from(config.related_lag.as_micros()).unwrap_or(i64::MAX);
    let ledger = (config.cache > 0).then(|| Arc::new(Ledger::at(last, lag)));
    let mut derived: Vec<Box<dyn Derived>> = vec![
        Box::new(SearchIndex::new(claim, Some(last))),
        Box::new(RelatedIndex::new(
            Arc::clone(&engine),
            super::related_settings(config),
            Home {
                dir: config.search_dir.clone(),
                store: store_id.clone(),
                last: Some(last),
                lasts: lag.saturating_mul(LAGS_FAR),
            },
            ledger.clone(),
            clock.clone(),
            config.workers,
        )),
    ];
    let cache = ledger.map(|ledger| {
        let follower = ResponseCache::new(Arc::clone(&ledger), clock.clone());
        derived.push(Box::new(follower));
        Arc::new(Cache::new(config.cache, ledger))
    });
    let follower =
        Follower::start(&database, derived, config.follow_interval).map_err(no_thread)?;
    let form = follower::cards::Form {
        number: listed::FORM,
        make: listed::card,
    };
    let cards = follower::cards::start(&database, clock.clone(), form).map_err(no_thread)?;
    let scheduler =
        Scheduler::start(&database, clock.clone(), config.follow_interval).map_err(no_thread)?;
    let progress = follower.progress();
    let patience = if last > SMALL {
        Duration::ZERO
    } else {
        PATIENCE
    };
    if !progress.wait_for(last, patience) {
        log::info!(
            "the indexes are being opened or built; answers from them are marked until they are complete"
        );
    }
    let metrics = Metrics::new()?;
    let followed = Followed {
        database: database.clone(),
        progress: progress.clone(),
        clock: clock.clone(),
        interval: config.follow_interval,
        last,
    };
    let purger = purger(config, followed, &store_id, &metrics)?;
    let errand = Errand {
        database: database.clone(),
        progress: progress.clone(),
        purges: purger.as_ref().map(Purger::purges),
        clock: clock.clone(),
        interval: config.follow_interval,
        publication: Publication::new(config),
        node: node_in(&config.search_dir).map_err(|error| error.to_string())?,
    };
    let told = metrics.clone();
    let courier = Courier::start(errand, &config.webhooks, move |event| {
        told.tell_webhooks(event);
    });
    let courier = courier.map_err(no_thread)?;
    let publisher = config.websub.as_ref().map(|websub| {
        Publisher::start(
            &database,
            courier.readable(),
            config.follow_interval,
            websub,
        )
    });
    let publisher = publisher.transpose().map_err(no_thread)?;
    let indexes = Indexes {
        search: index,
        engine,
        cache,
        progress,
        purges: purger.as_ref().map(Purger::purges),
    };
    let state = State::new(config, database, indexes, clock, authority, metrics);
    let census = take_census(&state).map_err(no_thread)?;
    let services = Services {
        follower,
        cards,
        scheduler,
        purger,
        courier,
        publisher,
        census,
        quotas: state.quotas.clone(),
    };
    Ok((state, services))
}

/// Tells the cache outside what has changed, where there is one.
fn purger(
    config: &Config,
    followed: Followed,
    store_id: &str,
    metrics: &Metrics,
) -> Result<Option<Purger>, String> {
    let Some(purge) = &config.purge else {
        return Ok(None);
    };
    let mark = Mark::new(&config.search_dir, store_id);
    let metrics = metrics.clone();
    let count = move |is_done| metrics.count_purge(is_done);
    let purger = Purger::start(followed, Target::new(purge), mark, count);
    purger
        .map(Some)
        .map_err(|error| format!("cannot begin to purge caches: {error}"))
}

/// Counts all tags once, beside the first requests.
fn take_census(state: &State) -> std::io::Result<JoinHandle<()>> {
    let state = state.clone();
    thread::Builder::new()
        .name("census".to_owned())
        .spawn(move || {
            let now = state.clock.now();
            let taken = state.database.read(|conn| state.tags.take(conn, now));
            if let Err(error) = taken {
                log::warn!("the tags could not be counted before they are asked for: {error}");
            }
        })
}

fn no_thread(error: std::io::Error) -> String {
    format!("cannot start a thread: {error}")
}
