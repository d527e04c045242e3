//! Tells webhooks of changes: looks at the log, holds the webhooks that are this server's, and starts a round of
//! sending for each that has something to be sent.
//!
//! Each webhook is one server's at a time. It says so again every few seconds; where it does not, another takes over.
//! Each has threads of its own while there is something to send, so that one that does not answer holds up no other.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use uuid::Uuid;

use crate::config::WebhookConfig;
use crate::content::time::Clock;
use crate::db::Database;
use crate::delivery::purger::Purges;
use crate::delivery::receiver::Receiver;
use crate::delivery::round::{Office, Told, rounds};
use crate::delivery::schedule::Schedule;
use crate::delivery::sender::Sender;
use crate::delivery::servers::{Readable, Servers};
use crate::error::{Error, Result};
use crate::follower::Progress;
use crate::store::webhooks::{self, Outline};
use crate::store::{changes, deliveries, websub};
use crate::syndication::publication::Publication;

/// How long a webhook stays a server's that says no more: longer than any attempt, and less than a minute.
const LEASE: Duration = Duration::from_secs(45);
const RENEWAL: Duration = Duration::from_secs(5);
/// Rest after a failure.
const RETRY: Duration = Duration::from_secs(1);
/// How long caches outside are waited for, before a change is told.
const PURGED_WITHIN: Duration = Duration::from_secs(2);
/// How long attempts that run are waited for at the end.
const STOPPED_WITHIN: Duration = Duration::from_secs(3);

/// The thread that starts the others.
pub struct Courier {
    shared: Arc<Shared>,
    readable: Readable,
    thread: JoinHandle<()>,
}

/// What it works with.
pub struct Errand {
    pub database: Database,
    pub progress: Progress,
    /// Caches outside, which must not give what is old to whoever was told.
    pub purges: Option<Purges>,
    pub clock: Clock,
    pub interval: Duration,
    /// What addresses in events are made of.
    pub publication: Publication,
    /// Names this server over its restarts: what an earlier run held is no one's, for that has ended.
    pub node: String,
}

struct Shared {
    office: Office,
    asleep: Mutex<()>,
    stopped: Condvar,
}

impl Courier {
    /// # Errors
    /// When no thread can be started.
    pub fn start(
        errand: Errand,
        config: &WebhookConfig,
        tell: impl Fn(Told) + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            office: Office {
                database: errand.database,
                clock: errand.clock,
                publication: errand.publication,
                sender: Sender::new(config),
                schedule: Schedule::new(&config.retries),
                connections: config.connections,
                timeout: config.timeout,
                stop: AtomicBool::new(false),
                tell: Box::new(tell),
            },
            asleep: Mutex::new(()),
            stopped: Condvar::new(),
        });
        let servers = Servers::new(errand.node.clone());
        let readable = servers.readable();
        let mut run = Run {
            shared: Arc::clone(&shared),
            servers,
            progress: errand.progress,
            purges: errand.purges,
            interval: errand.interval,
            node: errand.node,
            receivers: BTreeMap::new(),
            renewed: None,
            purged: 0,
        };
        // Before the first request, so that no server tells of what this one does not give yet.
        if let Err(error) = run.look() {
            log::error!("other servers do not know yet that this one runs: {error}");
        }
        let thread = thread::Builder::new().name("webhooks".to_owned());
        let thread = thread.spawn(move || run.run())?;
        Ok(Self {
            shared,
            readable,
            thread,
        })
    }

    /// The line up to which every server gives what is new.
    pub fn readable(&self) -> Readable {
        self.readable.clone()
    }

    /// Ends the threads. What they were sending and could not note is sent again after the next start.
    pub fn stop(self) {
        {
            let _asleep = self
                .shared
                .asleep
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            self.shared.office.stop.store(true, Ordering::SeqCst);
            self.shared.stopped.notify_all();
        }
        if self.thread.join().is_err() {
            log::error!("the thread that starts webhooks had panicked");
        }
    }
}

struct Run {
    shared: Arc<Shared>,
    servers: Servers,
    progress: Progress,
    purges: Option<Purges>,
    interval: Duration,
    node: String,
    /// The webhooks that are this server's.
    receivers: BTreeMap<String, Arc<Receiver>>,
    renewed: Option<Instant>,
    /// The line up to which caches outside were waited for.
    purged: i64,
}

impl Run {
    fn run(&mut self) {
        loop {
            let stepped = catch_unwind(AssertUnwindSafe(|| self.step()));
            let stepped =
                stepped.unwrap_or_else(|_| Err(Error::Internal("it panicked".to_owned())));
            let rest = match stepped {
                Ok(()) => self.interval,
                Err(error) => {
                    log::error!("webhooks cannot be told of changes: {error}");
                    RETRY
                }
            };
            let asleep = self
                .shared
                .asleep
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if self.shared.office.is_stopping() {
                break;
            }
            drop(self.shared.stopped.wait_timeout(asleep, rest));
            if self.shared.office.is_stopping() {
                break;
            }
        }
        self.leave();
    }

    fn step(&mut self) -> Result<()> {
        let (outlines, last, readable) = self.look()?;
        self.hold(&outlines)?;
        let now = self.shared.office.clock.now().naive_utc();
        let mut lag = 0;
        for outline in &outlines {
            let Some(receiver) = self.receivers.get(&outline.id) else {
                continue;
            };
            let has_news = !outline.is_disabled && readable > receiver.read();
            if has_news {
                lag = lag.max(last - receiver.read());
            }
            let is_due = outline.due_at.is_some_and(|due| due <= now);
            if (has_news || is_due) && !receiver.is_resting() {
                receiver.set_readable(readable);
                self.begin(receiver)?;
            }
        }
        (self.shared.office.tell)(Told::Lag(lag));
        Ok(())
    }

    /// Looks at the log: what there is to be told to whom, the last line, and that up to which every server gives what is
    /// new.
    fn look(&mut self) -> Result<(Vec<Outline>, i64, i64)> {
        let database = self.shared.office.database.clone();
        let servers = &self.servers;
        let (outlines, last, others, has_hub) = database.read(|conn| {
            let outlines = webhooks::outlines(conn)?;
            let last = changes::last(conn)?;
            Ok((outlines, last, servers.others(conn)?, websub::is_any(conn)?))
        })?;
        let own = self.followed(last);
        if has_hub || !outlines.is_empty() {
            self.servers.say(&database, own, others.is_empty())?;
        }
        let readable = self.servers.settle(own, &others);
        Ok((outlines, last, readable))
    }

    /// The line that everything here has followed; a change is not told before it can be read. Caches outside are
    /// waited for as well, unless they cannot be purged.
    fn followed(&mut self, last: i64) -> i64 {
        let positions = self.progress.positions();
        let readable = positions.into_values().flatten().min().unwrap_or(last);
        let readable = readable.min(last);
        if let Some(purges) = self.purges.as_ref().filter(|_| readable > self.purged) {
            purges.wait_for(readable, PURGED_WITHIN);
            self.purged = readable;
        }
        readable
    }

    /// Says again that the webhooks are ours, and takes over those that are no one's. They are gone through in the order
    /// of their ids, for each stays locked until the end.
    fn hold(&mut self, outlines: &[Outline]) -> Result<()> {
        self.receivers
            .retain(|id, _| outlines.iter().any(|outline| outline.id == *id));
        // Not the clock that tests set: this is about what runs now, and not about articles.
        let now = Clock::default().now();
        let is_free = |outline: &Outline| {
            let is_over = |until| until < now.naive_utc();
            let owner = outline.lease_owner.as_deref();
            let was_ours = owner.is_some_and(|owner| owner.starts_with(&self.node));
            !self.receivers.contains_key(&outline.id)
                && (was_ours || outline.lease_until.is_none_or(is_over))
        };
        let is_renewal = self.renewed.is_none_or(|last| last.elapsed() >= RENEWAL);
        let renews = is_renewal && !self.receivers.is_empty();
        if !renews && !outlines.iter().any(is_free) {
            return Ok(());
        }
        let began = Instant::now();
        let until = now + TimeDelta::from_std(LEASE).unwrap_or(TimeDelta::MAX);
        let held_until = began + LEASE;
        let receivers = &self.receivers;
        let database = &self.shared.office.database;
        let (claimed, lost) = database.write_unqueued(|conn| {
            let (mut claimed, mut lost) = (Vec::new(), Vec::new());
            for outline in outlines {
                if let Some(receiver) = receivers.get(&outline.id) {
                    if !webhooks::renew(conn, &receiver.id, &receiver.owner, until)? {
                        lost.push(receiver.id.clone());
                    } else if outline.position < receiver.read() {
                        webhooks::advance(conn, &receiver.id, &receiver.owner, receiver.read())?;
                    }
                    continue;
                }
                if !is_free(outline) {
                    continue;
                }
                let owner = format!("{}:{}", self.node, Uuid::new_v4());
                let earlier = outline
                    .lease_owner
                    .as_deref()
                    .filter(|earlier| earlier.starts_with(&self.node));
                if webhooks::claim(conn, &outline.id, &owner, earlier, now, until)?
                    && let Some(row) = webhooks::by_id(conn, &outline.id)?
                {
                    let position = row.position;
                    claimed.push(Receiver::new(row.id, owner, position, held_until));
                }
            }
            Ok((claimed, lost))
        })?;
        for id in lost {
            log::warn!("the webhook {id} was taken over by another server");
            self.receivers.remove(&id);
        }
        for receiver in self.receivers.values() {
            receiver.hold_until(held_until);
        }
        let claimed = claimed.into_iter().map(Arc::new);
        self.receivers
            .extend(claimed.map(|receiver| (receiver.id.clone(), receiver)));
        self.renewed = Some(began);
        let pending = self
            .shared
            .office
            .database
            .read(deliveries::count_pending)?;
        (self.shared.office.tell)(Told::Pending(pending));
        Ok(())
    }

    /// Starts the rounds of a webhook on a thread of their own, unless they run; those that wait look again.
    fn begin(&self, receiver: &Arc<Receiver>) -> Result<()> {
        if receiver.is_running() {
            receiver.ring();
            return Ok(());
        }
        let (shared, receiver) = (Arc::clone(&self.shared), Arc::clone(receiver));
        let started = thread::Builder::new()
            .name("webhook".to_owned())
            .spawn(move || {
                if let Some(_running) = receiver.begin() {
                    rounds(&shared.office, &receiver);
                }
            });
        match started {
            Ok(_) => Ok(()),
            Err(error) => Err(Error::Internal(format!("no thread for a webhook: {error}"))),
        }
    }

    /// Lets other servers take over at once what no attempt runs for any more.
    fn leave(&self) {
        let database = &self.shared.office.database;
        if let Err(error) = self.servers.leave(database) {
            log::warn!("other servers wait for this one for some seconds: {error}");
        }
        let deadline = Instant::now() + STOPPED_WITHIN;
        let is_running = || {
            let mut receivers = self.receivers.values();
            receivers.any(|receiver| receiver.is_running())
        };
        while is_running() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(10));
        }
        let done = self
            .receivers
            .values()
            .filter(|receiver| !receiver.is_running());
        let done: Vec<&Arc<Receiver>> = done.collect();
        if done.is_empty() {
            return;
        }
        let released = database.write_unqueued(|conn| {
            done.iter().try_for_each(|receiver| {
                webhooks::advance(conn, &receiver.id, &receiver.owner, receiver.read())?;
                webhooks::release(conn, &receiver.id, &receiver.owner)
            })
        });
        if let Err(error) = released {
            log::warn!("webhooks stay this server's until their lease ends: {error}");
        }
    }
}
