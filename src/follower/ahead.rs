//! A thread that makes the rankings of articles before anyone asks for them, with a share of a processor.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use crate::content::time::Clock;
use crate::follower::paced::{Paced, Work};
use crate::related::{Engine, Round, Step};

/// After each ranking it rests for so many times as long as that took: when nothing is written, and else, for what is
/// made then is soon made again.
const REST: u32 = 3;
const REST_AMONG_WRITES: u32 = 19;
/// Nothing is written when nothing was for so long.
const QUIET: Duration = Duration::from_secs(2);
/// How long until it looks again whether there is something to do.
const PAUSE: Duration = Duration::from_millis(500);
/// Rankings that are made again, at the most, after the process was killed.
const COMMIT_AFTER: usize = 1_000;
/// A round that makes so many is worth a line in the log.
const WORTH_TELLING: usize = 1_000;

/// Starts the thread.
///
/// # Errors
/// When it cannot be started.
pub fn start(engine: Arc<RwLock<Engine>>, clock: Clock) -> io::Result<Paced> {
    Paced::start("rank-ahead", Ranking::on(engine, clock))
}

struct Ranking {
    engine: Arc<RwLock<Engine>>,
    clock: Clock,
    round: Round,
    began: Instant,
    /// Made in this round, and since the last commit.
    made: usize,
    uncommitted: usize,
    position: i64,
    written: Instant,
}

impl Ranking {
    fn on(engine: Arc<RwLock<Engine>>, clock: Clock) -> Self {
        let now = Instant::now();
        Self {
            engine,
            clock,
            round: Round::default(),
            began: now,
            made: 0,
            uncommitted: 0,
            position: 0,
            written: now,
        }
    }

    fn finish_round(&mut self) {
        self.commit();
        if self.made >= WORTH_TELLING {
            let (made, seconds) = (self.made, self.began.elapsed().as_secs());
            log::info!("ranked {made} articles ahead in {seconds} s");
        }
        (self.made, self.began) = (0, Instant::now());
    }

    fn commit(&mut self) {
        if std::mem::take(&mut self.uncommitted) > 0 {
            let engine = self.engine.read().unwrap_or_else(PoisonError::into_inner);
            engine.commit_rankings();
        }
    }
}

impl Work for Ranking {
    /// Makes one ranking, or looks for one to be made; how long to rest then.
    fn step(&mut self) -> Duration {
        let engine = self.engine.read().unwrap_or_else(PoisonError::into_inner);
        // Not the time until the engine was free.
        let started = Instant::now();
        let now = self.clock.now().timestamp_micros();
        let position = engine.position();
        let round = &mut self.round;
        // The round has gone on beyond an article at which the engine fails.
        let ranked = catch_unwind(AssertUnwindSafe(|| engine.rank_next(round, now)));
        drop(engine);
        if position != self.position {
            (self.position, self.written) = (position, started);
        }
        let rests = match self.written.elapsed() < QUIET {
            true => REST_AMONG_WRITES,
            false => REST,
        };
        match ranked {
            Ok(Step::Made) => {
                self.made += 1;
                self.uncommitted += 1;
                if self.uncommitted == COMMIT_AFTER {
                    self.commit();
                }
                started.elapsed() * rests
            }
            Ok(Step::Passed) => started.elapsed() * rests,
            Ok(Step::Nothing) => {
                self.finish_round();
                PAUSE
            }
            Err(_) => {
                log::error!("an article cannot be ranked ahead: the engine failed");
                PAUSE
            }
        }
    }

    fn end(&mut self) {
        self.commit();
    }
}
