//! Up to which line of the log every server gives what is new: only that is told, for a receiver asks any of them.
//!
//! Each server says so in the database, as often as it moves while there are others. One that does not come is waited
//! for a few seconds: it may have been killed, or its indexes may be at a stop.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use crate::content::time::Clock;
use crate::db::{Conn, Database};
use crate::error::Result;
use crate::store::servers;

/// How long another server is waited for, before a change is told that it does not give yet.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a server is taken to run that says no more.
const ALIVE: Duration = Duration::from_secs(15);
const RENEWAL: Duration = Duration::from_secs(5);

/// The line up to which every server gives what is new.
#[derive(Clone, Default)]
pub struct Readable(Arc<AtomicI64>);

impl Readable {
    pub fn line(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// This server among the others.
pub(super) struct Servers {
    name: String,
    /// What the others were last told, and when.
    said: Option<(Instant, i64)>,
    waits: Waits,
    readable: Readable,
}

impl Servers {
    pub(super) fn new(name: String) -> Self {
        Self {
            name,
            said: None,
            waits: Waits::default(),
            readable: Readable::default(),
        }
    }

    pub(super) fn readable(&self) -> Readable {
        self.readable.clone()
    }

    /// How far the others are.
    pub(super) fn others(&self, conn: &mut Conn) -> Result<Vec<i64>> {
        // Not the clock that tests set: this is about what runs now, and not about articles.
        servers::others(conn, &self.name, Clock::default().now())
    }

    /// Says how far this server is, where someone waits to hear it.
    pub(super) fn say(&mut self, database: &Database, own: i64, is_alone: bool) -> Result<()> {
        let is_known =
            |(at, line): (Instant, i64)| at.elapsed() < RENEWAL && (is_alone || line == own);
        if self.said.is_some_and(is_known) {
            return Ok(());
        }
        let at = Instant::now();
        database.write_unqueued(|conn| {
            // A long write may have been waited for.
            let until = Clock::default().now() + ALIVE;
            servers::beat(conn, &self.name, own, until)
        })?;
        self.said = Some((at, own));
        Ok(())
    }

    /// The line up to which may be told, where this server is at `own` and the others are there.
    pub(super) fn settle(&mut self, own: i64, others: &[i64]) -> i64 {
        let line = self.waits.line(own, others, Instant::now());
        self.readable.0.store(line, Ordering::SeqCst);
        line
    }

    /// No one waits for this server any more.
    pub(super) fn leave(&self, database: &Database) -> Result<()> {
        match self.said {
            Some(_) => database.write_unqueued(|conn| servers::leave(conn, &self.name)),
            None => Ok(()),
        }
    }
}

/// Since when lines have been waiting for other servers.
#[derive(Default)]
struct Waits {
    lines: VecDeque<(Instant, i64)>,
    /// The line that has been waited for long enough.
    waited: i64,
}

impl Waits {
    fn line(&mut self, own: i64, others: &[i64], now: Instant) -> i64 {
        let slowest = others.iter().copied().min().unwrap_or(own).min(own);
        self.lines.retain(|(_, line)| *line > slowest);
        if own > slowest && self.lines.back().is_none_or(|(_, line)| *line < own) {
            self.lines.push_back((now, own));
        }
        while let Some((since, line)) = self.lines.front()
            && now.duration_since(*since) >= PATIENCE
        {
            self.waited = *line;
            self.lines.pop_front();
        }
        slowest.max(self.waited.min(own))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_is_waited_for_and_not_for_ever() {
        let (mut waits, start) = (Waits::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(waits.line(5, &[], after(0)), 5, "there is no other");
        assert_eq!(waits.line(7, &[6, 5], after(1)), 5);
        assert_eq!(waits.line(8, &[6, 9], after(3)), 6);
        assert_eq!(waits.line(8, &[6, 9], after(6)), 7, "waited for since 1");
        assert_eq!(waits.line(9, &[6], after(7)), 7);
        assert_eq!(waits.line(9, &[6], after(8)), 8, "waited for since 3");
        assert_eq!(waits.line(9, &[9], after(8)), 9, "it has come");
        assert_eq!(
            waits.line(10, &[9], after(9)),
            9,
            "the next wait begins anew"
        );
        assert_eq!(waits.line(10, &[], after(9)), 10, "it has ended");
    }
}
