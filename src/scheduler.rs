//! Does what time asks for: logs the articles whose moment has come, and clears away what has had its day.
//!
//! No answer depends on it. What the public sees follows from the time of each request; the line in the log is for
//! those who follow it, here and elsewhere.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::content::time::Clock;
use crate::db::Database;
use crate::error::{Error, Result};
use crate::store::{expiry, servers, transitions};

/// Articles that are settled in one transaction.
const BATCH: i64 = 200;
/// Rest after a failure.
const RETRY: Duration = Duration::from_secs(1);
/// Between two rounds of clearing away.
const CLEARING: Duration = Duration::from_secs(60);

/// The thread that does it.
pub struct Scheduler {
    stop: Arc<Stop>,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct Stop {
    asked: Mutex<bool>,
    told: Condvar,
}

impl Scheduler {
    /// Starts looking at the clock, every `interval`.
    pub fn start(database: &Database, clock: Clock, interval: Duration) -> std::io::Result<Self> {
        let stop = Arc::new(Stop::default());
        let mut run = Run {
            database: database.clone(),
            clock,
            interval,
            stop: Arc::clone(&stop),
            cleared: None,
        };
        let thread = thread::Builder::new().name("scheduler".to_owned());
        let thread = thread.spawn(move || run.run())?;
        Ok(Self { stop, thread })
    }

    /// Ends the thread, after the batch it is in.
    pub fn stop(self) {
        *self.stop.asked() = true;
        self.stop.told.notify_all();
        if self.thread.join().is_err() {
            log::error!("the scheduler had panicked");
        }
    }
}

impl Stop {
    fn asked(&self) -> MutexGuard<'_, bool> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Rests; true when it is time to stop.
    fn rest(&self, duration: Duration) -> bool {
        let asked = self.asked();
        let waited = self
            .told
            .wait_timeout_while(asked, duration, |asked| !*asked);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

struct Run {
    database: Database,
    clock: Clock,
    interval: Duration,
    stop: Arc<Stop>,
    cleared: Option<Instant>,
}

impl Run {
    fn run(&mut self) {
        loop {
            let stepped = catch_unwind(AssertUnwindSafe(|| self.step()));
            let stepped = stepped
                .unwrap_or_else(|_| Err(Error::Internal("the scheduler panicked".to_owned())));
            let rest = match stepped {
                Ok(true) => Duration::ZERO,
                Ok(false) => self.interval,
                Err(error) => {
                    log::error!("what time changes cannot be logged: {error}");
                    RETRY
                }
            };
            if self.stop.rest(rest) {
                return;
            }
        }
    }

    /// Does a part of what is due; whether there may be more.
    fn step(&mut self) -> Result<bool> {
        if settle_due(&self.database, &self.clock)? {
            return Ok(true);
        }
        if self.cleared.is_none_or(|last| last.elapsed() >= CLEARING) {
            self.cleared = Some(Instant::now());
            let gone = self.database.write(|conn| {
                // Not the clock that tests set: servers tell when they really ran.
                let gone = servers::forget_old(conn, Clock::default().now())?;
                Ok(gone + expiry::clear(conn, self.clock.now())?)
            })?;
            if gone > 0 {
                log::debug!("cleared {gone} rows away whose time was over");
            }
        }
        Ok(false)
    }
}

/// Logs the next articles whose moment has come; whether there were any. Of several servers that try, one is first,
/// and the others find nothing left to do.
///
/// # Errors
/// When the database fails; nothing is logged then.
pub fn settle_due(database: &Database, clock: &Clock) -> Result<bool> {
    let now = clock.now();
    if !database.read(|conn| transitions::any_due(conn, now))? {
        return Ok(false);
    }
    let settled = database.write(|conn| {
        let now = clock.now();
        let mut rows = transitions::due(conn, now, BATCH)?;
        for row in &mut rows {
            transitions::settle(conn, row, now)?;
        }
        Ok(rows.len())
    })?;
    Ok(settled > 0)
}
