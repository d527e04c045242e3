//! A thread that makes the cards of articles that have none: of those that are there when it starts, the newest first, and
//! then, every few seconds, of those that were written meanwhile. Whoever reads before is given what the rows say.

use std::io;
use std::time::{Duration, Instant};

use crate::content::time::Clock;
use crate::db::Database;
use crate::error::Result;
use crate::follower::paced::{Paced, Work};
use crate::store::cards::{self, Card};
use crate::store::changes;
use crate::store::shown::Shown;

/// Cards that are made in one transaction: other writers wait for it.
const AT_A_TIME: usize = 50;
/// Lines of the log that are looked at together.
const LINES: i64 = 1_000;
/// After each transaction it rests for so many times as long as that took.
const REST: u32 = 4;
/// Between two looks at the log: what is written often is made a card of once in this time.
const PAUSE: Duration = Duration::from_secs(2);
/// Rest after a failure.
const RETRY: Duration = Duration::from_secs(30);

/// How a card is made of an article; `None` of one that the public never sees.
pub struct Form {
    /// Cards of another are made anew.
    pub number: i32,
    pub make: fn(Shown) -> Result<Option<Card>>,
}

/// Starts the thread, which ends when it is dropped; what was made is kept.
///
/// # Errors
/// When it cannot be started.
pub fn start(database: &Database, clock: Clock, form: Form) -> io::Result<Paced> {
    let making = Making {
        database: database.clone(),
        clock,
        form,
        place: None,
        looked: None,
        missing: Vec::new(),
        at_a_time: AT_A_TIME,
    };
    Paced::start("cards", making)
}

/// How far it has come.
struct Place {
    /// Of what is in stock, it has looked at all articles but those below this number; `None`: at all.
    below: Option<i64>,
    /// It has looked at the log up to this line.
    line: i64,
}

struct Making {
    database: Database,
    clock: Clock,
    form: Form,
    /// `None` before the first look.
    place: Option<Place>,
    /// When it last looked at the end of the log.
    looked: Option<Instant>,
    /// Numbers of articles whose cards are to be made next.
    missing: Vec<i64>,
    /// One, after a failure.
    at_a_time: usize,
}

impl Work for Making {
    /// Makes some cards, or looks for those to be made; how long to rest then.
    fn step(&mut self) -> Duration {
        let started = Instant::now();
        let done = match self.missing.is_empty() {
            true => self.look(),
            false => self.make().map(|()| true),
        };
        match done {
            Ok(true) => started.elapsed() * REST,
            Ok(false) => PAUSE,
            Err(error) => {
                log::warn!("what lists show of articles cannot be made ready: {error}");
                RETRY
            }
        }
    }
}

impl Making {
    fn make(&mut self) -> Result<()> {
        let next = self.missing.len().min(self.at_a_time);
        let (nums, form, now) = (&self.missing[..next], &self.form, self.clock.now());
        let made = self
            .database
            .write(|conn| cards::make(conn, nums, form.number, now, form.make));
        if made.is_ok() || next == 1 {
            self.missing.drain(..next);
        }
        // One article that cannot be read must not keep others from their cards.
        self.at_a_time = match made.is_ok() && self.missing.is_empty() {
            true => AT_A_TIME,
            false if made.is_err() => 1,
            false => self.at_a_time,
        };
        made
    }

    /// Whether there is more to look at. The log comes first: what is written now is read most.
    fn look(&mut self) -> Result<bool> {
        let form = self.form.number;
        let Some(place) = &mut self.place else {
            self.place = Some(self.database.read(|conn| {
                Ok(Place {
                    below: Some(cards::last_num(conn)? + 1),
                    line: changes::last(conn)?,
                })
            })?);
            return Ok(true);
        };
        if self.looked.is_none_or(|looked| looked.elapsed() >= PAUSE) {
            let (last, lines, missing) = self.database.read(|conn| {
                let lines = changes::after(conn, place.line, LINES)?;
                let missing = cards::missing_of(conn, &lines, form)?;
                Ok((changes::last(conn)?, lines, missing))
            })?;
            if last < place.line {
                // Another store has been put in the place of this one.
                self.place = None;
                return Ok(true);
            }
            place.line = lines.last().map_or(place.line, |last| last.seq);
            self.missing = missing;
            if place.line == last {
                self.looked = Some(Instant::now());
            }
            return Ok(true);
        }
        let Some(below) = place.below else {
            return Ok(false);
        };
        let found = self
            .database
            .read(|conn| cards::missing_below(conn, below, form))?;
        match found {
            Some((missing, last)) => (self.missing, place.below) = (missing, Some(last)),
            None => place.below = None,
        }
        Ok(true)
    }
}
