//! Tells a WebSub hub which feeds have changed, once the change can be read: a few seconds' changes together.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use url::form_urlencoded;
use uuid::Uuid;

use crate::config::WebSubConfig;
use crate::content::time::Clock;
use crate::db::Database;
use crate::delivery::servers::Readable;
use crate::error::Result;
use crate::store::{changes, websub};

/// Changes within this are told together.
const TOGETHER: Duration = Duration::from_secs(2);
const LEASE: Duration = Duration::from_secs(45);
const RENEWAL: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(10);
/// Rest of a feed after a failure, which doubles with each.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_secs(300);
const LINES: i64 = 500;

type Stop = Arc<(Mutex<bool>, Condvar)>;

/// The thread that tells it.
pub struct Publisher {
    stop: Stop,
    thread: JoinHandle<()>,
}

impl Publisher {
    /// # Errors
    /// When no thread can be started.
    pub fn start(
        database: &Database,
        readable: Readable,
        interval: Duration,
        config: &WebSubConfig,
    ) -> std::io::Result<Self> {
        let stop: Stop = Arc::default();
        let agent = ureq::Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .build();
        let mut run = Run {
            database: database.clone(),
            readable,
            stop: Arc::clone(&stop),
            interval,
            config: config.clone(),
            agent: agent.into(),
            owner: Uuid::new_v4().to_string(),
            held: None,
            read: 0,
            owed: BTreeMap::new(),
        };
        let stopping = Arc::clone(&stop);
        let thread = thread::Builder::new().name("websub".to_owned());
        let thread = thread.spawn(move || {
            loop {
                let rest = run.step().unwrap_or_else(|error| {
                    log::error!("the hub cannot be told of changes: {error}");
                    FIRST_PAUSE
                });
                let (asked, told) = &*stopping;
                let asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
                let waited = told.wait_timeout_while(asked, rest, |asked| !*asked);
                if *waited.unwrap_or_else(PoisonError::into_inner).0 {
                    break run.leave();
                }
            }
        })?;
        Ok(Self { stop, thread })
    }

    /// Ends the thread, after the request it is in.
    pub fn stop(self) {
        *self.stop.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.1.notify_all();
        if self.thread.join().is_err() {
            log::error!("the thread that tells the hub had panicked");
        }
    }
}

struct Run {
    database: Database,
    /// What is beyond it cannot be read everywhere yet.
    readable: Readable,
    stop: Stop,
    interval: Duration,
    config: WebSubConfig,
    agent: ureq::Agent,
    owner: String,
    /// When the telling was last said to be ours.
    held: Option<Instant>,
    read: i64,
    /// Feeds that the hub has not been told of since they changed.
    owed: BTreeMap<String, Owed>,
}

struct Owed {
    due: Instant,
    pause: Duration,
}

/// Why the hub does not know.
enum Failure {
    /// It may take it later.
    Passing(String),
    /// It does not want this feed.
    Refusal(String),
}

impl Run {
    /// Does what there is to do; how long to rest.
    fn step(&mut self) -> Result<Duration> {
        if !self.holds()? {
            return Ok(RENEWAL);
        }
        self.read_on()?;
        let now = Instant::now();
        let due = self.owed.iter().filter(|(_, owed)| owed.due <= now);
        let due: Vec<String> = due.map(|(feed, _)| feed.clone()).collect();
        if due.is_empty() {
            return Ok(self.interval);
        }
        for feed in due {
            // Each may take as long as the hub lets it.
            if self.is_stopping() || !self.holds()? {
                return Ok(self.interval);
            }
            self.tell(&feed);
        }
        if self.owed.is_empty() {
            self.note()?;
        }
        Ok(self.interval)
    }

    fn tell(&mut self, feed: &str) {
        match self.ping(feed) {
            Ok(()) => {
                self.owed.remove(feed);
            }
            Err(Failure::Refusal(error)) => {
                log::error!("the hub refuses {feed} until it changes again: {error}");
                self.owed.remove(feed);
            }
            Err(Failure::Passing(error)) => {
                log::warn!("the hub was not told of {feed}: {error}");
                if let Some(owed) = self.owed.get_mut(feed) {
                    owed.due = Instant::now() + owed.pause;
                    owed.pause = LAST_PAUSE.min(owed.pause * 2);
                }
            }
        }
    }

    fn is_stopping(&self) -> bool {
        *self.stop.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Of several servers, one tells the hub.
    fn holds(&mut self) -> Result<bool> {
        if self.held.is_some_and(|held| held.elapsed() < RENEWAL) {
            return Ok(true);
        }
        let now = Clock::default().now();
        let until = now + TimeDelta::from_std(LEASE).unwrap_or(TimeDelta::MAX);
        let (hub, owner) = (&self.config.hub, &self.owner);
        let held = self
            .database
            .write_unqueued(|conn| websub::hold(conn, hub, owner, now, until))?;
        if let Some(position) = held
            && self.held.is_none()
        {
            self.read = position;
        }
        self.held = held.map(|_| Instant::now());
        Ok(held.is_some())
    }

    fn read_on(&mut self) -> Result<()> {
        let readable = self.readable.line();
        let mut lines = self
            .database
            .read(|conn| changes::after(conn, self.read, LINES))?;
        lines.retain(|line| line.seq <= readable);
        let Some(last) = lines.last() else {
            return Ok(());
        };
        self.read = last.seq;
        if lines.iter().any(|line| line.action != "saved") {
            for feed in &self.config.feeds {
                self.owed.entry(feed.clone()).or_insert_with(|| Owed {
                    due: Instant::now() + TOGETHER,
                    pause: FIRST_PAUSE,
                });
            }
        }
        Ok(())
    }

    fn ping(&self, feed: &str) -> Result<(), Failure> {
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("hub.mode", "publish")
            .append_pair("hub.url", feed)
            .finish();
        let response = self
            .agent
            .post(&self.config.hub)
            .content_type("application/x-www-form-urlencoded")
            .send(body)
            .map_err(|error| Failure::Passing(error.to_string()))?;
        let status = response.status();
        let told = format!("the answer is {status}");
        match status.as_u16() {
            200..=299 => Ok(()),
            // Such as those, it may take it when it is asked again (RFC 9110 section 15.5.9, RFC 6585 section 4).
            408 | 425 | 429 => Err(Failure::Passing(told)),
            400..=499 => Err(Failure::Refusal(told)),
            _ => Err(Failure::Passing(told)),
        }
    }

    fn note(&self) -> Result<()> {
        let (hub, owner) = (&self.config.hub, &self.owner);
        self.database
            .write_unqueued(|conn| websub::told(conn, hub, owner, self.read))
    }

    fn leave(&self) {
        if self.held.is_none() {
            return;
        }
        let (hub, owner) = (&self.config.hub, &self.owner);
        let left = self
            .database
            .write_unqueued(|conn| websub::release(conn, hub, owner));
        if let Err(error) = left {
            log::warn!("the hub stays this server's until the lease ends: {error}");
        }
    }
}
