//! Tells a WebSub hub which feeds have changed, once the change can be read: a few seconds' changes together.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use url::form_urlencoded;
use uuid::Uuid;

use crate::config::WebSubConfig;
use crate::content::time::Clock;
use crate::db::Database;
use crate::error::Result;
use crate::follower::Progress;
use crate::store::{changes, websub};

/// Changes within this are told together.
const TOGETHER: Duration = Duration::from_secs(2);
const LEASE: Duration = Duration::from_secs(45);
const RENEWAL: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(10);
/// Rest after a failure, which doubles with each.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_secs(300);
const LINES: i64 = 500;

/// The thread that tells it.
pub struct Publisher {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: JoinHandle<()>,
}

impl Publisher {
    /// # Errors
    /// When no thread can be started.
    pub fn start(
        database: &Database,
        progress: Progress,
        interval: Duration,
        config: &WebSubConfig,
    ) -> std::io::Result<Self> {
        let stop = Arc::new((Mutex::new(false), Condvar::new()));
        let agent = ureq::Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .build();
        let mut run = Run {
            database: database.clone(),
            progress,
            interval,
            config: config.clone(),
            agent: agent.into(),
            owner: Uuid::new_v4().to_string(),
            held: None,
            read: 0,
            owed: BTreeSet::new(),
            due: Instant::now(),
            pause: FIRST_PAUSE,
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
    progress: Progress,
    interval: Duration,
    config: WebSubConfig,
    agent: ureq::Agent,
    owner: String,
    /// When the telling was last said to be ours.
    held: Option<Instant>,
    read: i64,
    /// Feeds that the hub has not been told of since they changed.
    owed: BTreeSet<String>,
    due: Instant,
    pause: Duration,
}

impl Run {
    /// Does what there is to do; how long to rest.
    fn step(&mut self) -> Result<Duration> {
        if !self.holds()? {
            return Ok(RENEWAL);
        }
        self.read_on()?;
        if self.owed.is_empty() || Instant::now() < self.due {
            return Ok(self.interval);
        }
        let feeds: Vec<String> = self.owed.iter().cloned().collect();
        for feed in feeds {
            match self.ping(&feed) {
                Ok(()) => {
                    self.owed.remove(&feed);
                }
                Err(error) => log::warn!("the hub was not told of {feed}: {error}"),
            }
        }
        if self.owed.is_empty() {
            self.pause = FIRST_PAUSE;
            self.note()?;
        } else {
            self.due = Instant::now() + self.pause;
            self.pause = LAST_PAUSE.min(self.pause * 2);
        }
        Ok(self.interval)
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
            .write(|conn| websub::hold(conn, hub, owner, now, until))?;
        if let Some(position) = held
            && self.held.is_none()
        {
            self.read = position;
        }
        self.held = held.map(|_| Instant::now());
        Ok(held.is_some())
    }

    fn read_on(&mut self) -> Result<()> {
        let positions = self.progress.positions();
        let readable = positions.into_values().flatten().min().unwrap_or(i64::MAX);
        let mut lines = self
            .database
            .read(|conn| changes::after(conn, self.read, LINES))?;
        lines.retain(|line| line.seq <= readable);
        let Some(last) = lines.last() else {
            return Ok(());
        };
        self.read = last.seq;
        if lines.iter().any(|line| line.action != "saved") {
            if self.owed.is_empty() {
                self.due = Instant::now() + TOGETHER;
            }
            self.owed.extend(self.config.feeds.iter().cloned());
        }
        Ok(())
    }

    fn ping(&self, feed: &str) -> Result<(), String> {
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("hub.mode", "publish")
            .append_pair("hub.url", feed)
            .finish();
        let response = self
            .agent
            .post(&self.config.hub)
            .content_type("application/x-www-form-urlencoded")
            .send(body)
            .map_err(|error| error.to_string())?;
        match response.status().is_success() {
            true => Ok(()),
            false => Err(format!("the answer is {}", response.status())),
        }
    }

    fn note(&self) -> Result<()> {
        let (hub, owner) = (&self.config.hub, &self.owner);
        self.database
            .write(|conn| websub::told(conn, hub, owner, self.read))
    }

    fn leave(&self) {
        if self.held.is_none() {
            return;
        }
        let (hub, owner) = (&self.config.hub, &self.owner);
        let left = self
            .database
            .write(|conn| websub::release(conn, hub, owner));
        if let Err(error) = left {
            log::warn!("the hub stays this server's until the lease ends: {error}");
        }
    }
}
