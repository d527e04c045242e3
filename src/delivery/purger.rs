//! Follows the change log and has caches outside purge what its lines have changed.
//!
//! A line is purged when every follower has come to it: the cache may ask again at once, and must be given what is new.
//! Each tag is purged a second time, a moment later. An answer that was made before the change, and was still on its
//! way when the cache was first told, came to be kept after that; nothing else would take it out.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::content::time::Clock;
use crate::db::Database;
use crate::delivery::mark::{Mark, Start};
use crate::delivery::tags::Tags;
use crate::delivery::target::Target;
use crate::delivery::under_way::{OnItsWay, UnderWay};
use crate::error::{Error, Result};
use crate::follower::{self, Progress};
use crate::store::changes;

/// Between the two purges of a line.
const AGAIN: Duration = Duration::from_secs(2);
/// Second purges that are due within this are made with the first of them.
const TOGETHER: Duration = Duration::from_millis(250);
/// With more lines at once than this, as in an import, everything is purged.
const MANY: i64 = 200;
/// How long a follower that does not come is waited for, before a line is purged without it.
const FOLLOWED_WITHIN: Duration = Duration::from_secs(5);
/// Between two looks at whether to stop, in such a wait.
const LOOK: Duration = Duration::from_millis(100);
/// How long answers that were made of an old state are waited for, before it is purged: longer than nearly any takes, also
/// where many come at once, for what arrives later is not kept.
const ARRIVED_WITHIN: Duration = Duration::from_millis(500);
/// Rest after a failure of the database.
const RETRY: Duration = Duration::from_secs(1);
/// Rest after a failure to purge, which doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LAST_PAUSE: Duration = Duration::from_secs(60);

/// The thread that purges.
pub struct Purger {
    purges: Purges,
    thread: JoinHandle<()>,
}

/// What it follows.
pub struct Followed {
    pub database: Database,
    pub progress: Progress,
    pub clock: Clock,
    pub interval: Duration,
    /// The last line of the log when the server started.
    pub last: i64,
}

/// Tells how far the caches outside have been purged.
#[derive(Clone)]
pub struct Purges(Arc<Shared>);

struct Shared {
    standing: Mutex<Standing>,
    moved: Condvar,
    /// For those who wait without a thread.
    purged: watch::Sender<i64>,
    under_way: Arc<UnderWay>,
}

struct Standing {
    /// Every line up to this one has been purged once.
    purged: i64,
    /// Someone waits for this line.
    wanted: i64,
    failing: bool,
    stop: bool,
}

impl Purger {
    /// Begins where an earlier run ended. `count` is told of each attempt whether it succeeded.
    ///
    /// # Errors
    /// When its file cannot be read or written, or no thread started.
    pub fn start(
        followed: Followed,
        target: Target,
        mark: Mark,
        count: impl Fn(bool) + Send + 'static,
    ) -> std::io::Result<Self> {
        let mut first = Tags::default();
        let read = match mark.start(followed.last)? {
            Start::After(line) => line,
            Start::Anew => {
                first = Tags::everything();
                followed.last
            }
        };
        // Until everything has been purged, the file stays as it is.
        let marked = first.is_empty().then_some(read);
        if let Some(line) = marked {
            mark.set(line)?;
        }
        let purges = Purges(Arc::new(Shared {
            standing: Mutex::new(Standing {
                purged: read,
                wanted: 0,
                failing: false,
                stop: false,
            }),
            moved: Condvar::new(),
            purged: watch::Sender::new(read),
            under_way: Arc::default(),
        }));
        let mut run = Run {
            followed,
            target,
            mark,
            count: Box::new(count),
            purges: purges.clone(),
            read,
            queued: read,
            first,
            again: Tags::default(),
            settled: marked,
            marked,
            later: VecDeque::new(),
            pause: None,
            took: Duration::ZERO,
        };
        let thread = thread::Builder::new().name("purge".to_owned());
        let thread = thread.spawn(move || run.run())?;
        Ok(Self { purges, thread })
    }

    pub fn purges(&self) -> Purges {
        self.purges.clone()
    }

    /// Ends the thread, after the request it is in. What is left to purge is purged after the next start.
    pub fn stop(self) {
        self.purges.standing().stop = true;
        self.purges.0.moved.notify_all();
        if self.thread.join().is_err() {
            log::error!("the thread that purges had panicked");
        }
    }
}

impl Purges {
    /// Blocks until what this line of the log changed has been purged. Gives up when the time is over, and at once
    /// while purging fails: a write must not wait for the end of a failure elsewhere.
    pub fn wait_for(&self, seq: i64, timeout: Duration) {
        let mut standing = self.standing();
        standing.wanted = standing.wanted.max(seq);
        self.0.moved.notify_all();
        let waits =
            |standing: &mut Standing| standing.purged < seq && !standing.failing && !standing.stop;
        let waited = self.0.moved.wait_timeout_while(standing, timeout, waits);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// The line up to which caches have been purged; any line while purging fails.
    pub fn purged(&self) -> watch::Receiver<i64> {
        self.0.purged.subscribe()
    }

    /// Counts an answer to the public that is being made or sent, until what this gives is dropped.
    pub fn enter(&self) -> OnItsWay {
        self.0.under_way.enter()
    }

    /// Rests until someone waits, except after a failure; true when it is time to stop.
    fn rest(&self, duration: Duration) -> bool {
        let standing = self.standing();
        let rests = |standing: &mut Standing| {
            let wanted = standing.wanted > standing.purged && !standing.failing;
            !standing.stop && !wanted
        };
        let waited = self.0.moved.wait_timeout_while(standing, duration, rests);
        let mut standing = waited.unwrap_or_else(PoisonError::into_inner).0;
        standing.wanted = 0;
        standing.stop
    }

    fn is_stopping(&self) -> bool {
        self.standing().stop
    }

    fn tell(&self, purged: i64, failing: bool) {
        let mut standing = self.standing();
        standing.purged = purged;
        standing.failing = failing;
        drop(standing);
        self.0.moved.notify_all();
        // A failure elsewhere holds up no one here.
        let purged = if failing { i64::MAX } else { purged };
        self.0
            .purged
            .send_if_modified(|known| std::mem::replace(known, purged) != purged);
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.0
            .standing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

struct Run {
    followed: Followed,
    target: Target,
    mark: Mark,
    count: Box<dyn Fn(bool) + Send>,
    purges: Purges,
    /// The line up to which the log has been read, with everything that follows it.
    read: i64,
    /// What has not been purged yet.
    first: Tags,
    /// What is to be purged again now, and up to which line everything has been purged twice then.
    again: Tags,
    settled: Option<i64>,
    /// What the file says.
    marked: Option<i64>,
    /// What is to be purged again later, in the order of the log, and up to which line.
    later: VecDeque<Later>,
    queued: i64,
    /// The last rest, while purging fails.
    pause: Option<Duration>,
    /// How long the last purge took.
    took: Duration,
}

struct Later {
    due: Instant,
    position: i64,
    tags: Tags,
}

impl Run {
    fn run(&mut self) {
        loop {
            let stepped = catch_unwind(AssertUnwindSafe(|| self.step()));
            let stepped =
                stepped.unwrap_or_else(|_| Err(Error::Internal("it panicked".to_owned())));
            let rest = stepped.unwrap_or_else(|error| {
                log::error!("what is to be purged cannot be found: {error}");
                RETRY
            });
            if self.purges.rest(rest) {
                return;
            }
        }
    }

    /// Purges what there is to purge; how long to rest.
    fn step(&mut self) -> Result<Duration> {
        self.read_on()?;
        self.take_due();
        let mut tags = self.first.clone();
        tags.take_in(self.again.clone());
        if !tags.is_empty() {
            self.purges.0.under_way.settle(ARRIVED_WITHIN, self.took);
            let began = Instant::now();
            let done = self.target.purge(&tags, || self.purges.is_stopping());
            self.took = began.elapsed();
            (self.count)(done.is_ok());
            if let Err(error) = done {
                return Ok(self.failed(&error));
            }
        }
        self.done();
        let now = Instant::now();
        let next = self
            .later
            .front()
            .map(|later| later.due - now.min(later.due));
        Ok(next.map_or(self.followed.interval, |next| {
            next.min(self.followed.interval)
        }))
    }

    /// Looks at the next lines of the log, and waits until everything here has followed them.
    fn read_on(&mut self) -> Result<()> {
        let (read, now) = (self.read, self.followed.clock.now());
        let found = self.followed.database.read(|conn| {
            let lines = changes::after(conn, read, MANY + 1)?;
            match lines.last() {
                None => Ok(None),
                Some(_) if lines.len() as i64 > MANY => {
                    Ok(Some((changes::last(conn)?, Tags::everything())))
                }
                Some(last) => {
                    let mut tags = Tags::default();
                    tags.add(follower::moves(conn, &lines, now)?.groups);
                    Ok(Some((last.seq, tags)))
                }
            }
        })?;
        let Some((last, tags)) = found else {
            return Ok(());
        };
        self.first.take_in(tags);
        // A follower that has come to a stop must not keep what else has changed from being purged. The same lines are
        // then read again, until it has come.
        if self.is_followed(last) {
            self.read = last;
        }
        Ok(())
    }

    fn is_followed(&self, seq: i64) -> bool {
        let deadline = Instant::now() + FOLLOWED_WITHIN;
        while !self.followed.progress.wait_for_followers(seq, LOOK) {
            if self.purges.is_stopping() || Instant::now() > deadline {
                return false;
            }
        }
        true
    }

    fn take_due(&mut self) {
        let soon = Instant::now() + TOGETHER;
        while self.later.front().is_some_and(|later| later.due <= soon)
            && let Some(later) = self.later.pop_front()
        {
            self.again.take_in(later.tags);
            self.settled = Some(later.position);
        }
    }

    fn done(&mut self) {
        let first = std::mem::take(&mut self.first);
        if !first.is_empty() || self.read > self.queued {
            self.later.push_back(Later {
                due: Instant::now() + AGAIN,
                position: self.read,
                tags: first,
            });
            self.queued = self.read;
        }
        self.again = Tags::default();
        self.remember();
        if self.pause.take().is_some() {
            log::info!("caches are purged again");
        }
        self.purges.tell(self.read, false);
    }

    fn failed(&mut self, error: &str) -> Duration {
        if self.pause.is_none() {
            log::warn!("caches are not purged, and may give old answers until they are: {error}");
        }
        let pause = self
            .pause
            .map_or(FIRST_PAUSE, |pause| LAST_PAUSE.min(pause * 2));
        self.pause = Some(pause);
        let purged = self.purges.standing().purged;
        self.purges.tell(purged, true);
        pause
    }

    /// Only what was purged twice: the rest is purged again after the next start.
    fn remember(&mut self) {
        let Some(settled) = self.settled.filter(|_| self.settled != self.marked) else {
            return;
        };
        match self.mark.set(settled) {
            Ok(()) => self.marked = self.settled,
            Err(error) => log::warn!("how far caches were purged cannot be kept: {error}"),
        }
    }
}
