//! A round of sending to one webhook: what is due and what the log has next is read, sent, and kept in one transaction.
//!
//! Only then has the webhook's position moved, so that whatever is killed when, each event is sent at least once. What
//! was sent and not kept is sent again, under the same id. What has not been answered when all else has is kept as
//! pending, goes on, and is a part of the rounds that follow.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::content::time::Clock;
use crate::db::Database;
use crate::delivery::flight::Flight;
use crate::delivery::receiver::Receiver;
use crate::delivery::schedule::Schedule;
use crate::delivery::sender::{Outcome, Sender};
use crate::delivery::work::{Group, LINES, Work};
use crate::error::{Error, Result};
use crate::syndication::publication::Publication;

/// No attempt begins later in a round than this: what was sent is soon kept.
const ROUND: Duration = Duration::from_secs(2);
/// How long an answer is waited for before other results are kept without it. Most come sooner, and are kept in the one
/// transaction.
const PATIENCE: Duration = Duration::from_millis(250);
/// Between two attempts at a receiver that is taken for dead.
const PROBE: Duration = Duration::from_secs(2);
/// Rest after a round in which nothing could be sent, and after a failure.
const RETRY: Duration = Duration::from_secs(1);
/// The longest that all of a webhook waits because its receiver asks for it.
const LONGEST_REST: Duration = Duration::from_secs(3600);

/// What all webhooks of this server share.
pub(super) struct Office {
    pub database: Database,
    pub clock: Clock,
    pub publication: Publication,
    pub sender: Sender,
    pub schedule: Schedule,
    pub connections: usize,
    pub timeout: Duration,
    pub stop: AtomicBool,
    pub tell: Box<dyn Fn(Told) + Send + Sync>,
}

/// What is counted.
#[derive(Clone, Copy, Debug)]
pub enum Told {
    Attempt {
        is_success: bool,
    },
    GivenUp,
    /// Lines that the webhook furthest behind has not been told of.
    Lag(i64),
    /// Events that wait for another attempt, or for an answer that does not come.
    Pending(i64),
}

enum Round {
    /// There may be more.
    Worked,
    /// There is nothing to do just now.
    Idle,
    /// As many requests are on their way as may be, or none may begin.
    Full,
    /// Another server does it, or no one does any more.
    Lost,
}

/// Rounds until there is nothing left to do, and nothing on its way.
pub(super) fn rounds(office: &Office, receiver: &Receiver) {
    let (news, heard) = mpsc::channel();
    receiver.listen(news.clone());
    thread::scope(|scope| {
        let mut flight = Flight::new(office, scope, news, heard);
        loop {
            if office.is_stopping() || receiver.is_resting() {
                if flight.is_empty() {
                    return;
                }
                // What is on its way is kept all the same.
                if !flight.has_ended() {
                    flight.wait();
                    continue;
                }
            }
            let round = catch_unwind(AssertUnwindSafe(|| office.round(receiver, &mut flight)));
            let round = round.unwrap_or_else(|_| Err(Error::Internal("it panicked".to_owned())));
            match round {
                Ok(Round::Worked) => {}
                Ok(Round::Full) if flight.is_empty() => {}
                Ok(Round::Full) => flight.wait(),
                Ok(Round::Idle) => {
                    // There is something that cannot be sent now: not worth another look at once.
                    if receiver.read() < receiver.readable() {
                        receiver.rest(RETRY);
                    }
                    if flight.is_empty() {
                        return;
                    }
                    flight.wait();
                }
                Ok(Round::Lost) => return,
                Err(error) => {
                    log::error!("the webhook {} cannot be served: {error}", receiver.id);
                    receiver.rest(RETRY);
                    if flight.carried.is_empty() || office.is_stopping() {
                        return;
                    }
                    // What was not touched goes on; its results are kept once the database is back.
                    thread::sleep(RETRY);
                }
            }
        }
    });
}

impl Office {
    pub(super) fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Sends what there is to send, and keeps what has come of it and of what was on its way.
    fn round(&self, receiver: &Receiver, flight: &mut Flight<'_, '_>) -> Result<Round> {
        let now = self.clock.now();
        let work = self
            .database
            .read(|conn| self.load(conn, receiver, flight, now))?;
        let Some(mut work) = work else {
            return Ok(Round::Lost);
        };
        let is_empty = work.groups.is_empty() && work.blocked.is_empty() && !flight.has_ended();
        // Lines that concern no one are not worth a write each.
        if is_empty && work.read - work.row.position < 2 * LINES {
            receiver.set_read(work.read);
            return Ok(match work.lines as i64 == LINES {
                true => Round::Worked,
                false if work.is_open => Round::Idle,
                false => Round::Full,
            });
        }
        work.groups.append(&mut flight.carried);
        let is_held_up = !self.send(receiver, &mut work, flight);
        if work.was_dead && receiver.seems_dead_still() {
            receiver.rest(PROBE);
        }
        if is_held_up {
            // It is not to be sent to just now, and another look at once would find the same.
            receiver.rest(RETRY);
        }
        if !self.keep(receiver, &mut work)? {
            return Ok(Round::Lost);
        }
        receiver.set_read(work.read);
        let groups = work.groups.into_iter();
        flight.carried = groups.filter_map(Group::carried).collect();
        Ok(Round::Worked)
    }

    /// Different things at the same time, the events of one after each other. False where there is something to send and
    /// nothing could be.
    fn send(&self, receiver: &Receiver, work: &mut Work, flight: &mut Flight<'_, '_>) -> bool {
        let deadline = Instant::now() + ROUND;
        let things = work.groups.iter().map(|group| group.thing().to_owned());
        let places: HashMap<String, usize> = things.zip(0..).collect();
        let waits = |(place, group): (usize, &Group)| group.waits().then_some(place);
        let mut queue: VecDeque<usize> = work.groups.iter().enumerate().filter_map(waits).collect();
        let mut has_begun = queue.is_empty();
        loop {
            for ended in flight.take_ended() {
                let Some(place) = places.get(&ended.thing) else {
                    continue;
                };
                let group = &mut work.groups[*place];
                // What was sent before an admin changed the webhook says nothing of what it is now.
                let is_telling = group.was_sent_by(work.row.version);
                if self.take(receiver, group, ended.outcome, is_telling) && group.waits() {
                    queue.push_front(*place);
                }
            }
            let may_begin = |has_begun: bool| {
                !self.is_stopping()
                    && receiver.is_held_for(self.timeout)
                    && !receiver.is_resting()
                    && (!has_begun || Instant::now() < deadline && !receiver.seems_dead())
            };
            while flight.count() < work.most
                && may_begin(has_begun)
                && let Some(place) = queue.pop_front()
            {
                flight.begin(&work.row, &mut work.groups[place]);
                has_begun = true;
            }
            if flight.has_ended() {
                continue;
            }
            let Some(latest) = flight.latest() else { break };
            let until = match !queue.is_empty() && may_begin(true) {
                true => deadline,
                false => latest + PATIENCE,
            };
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            flight.wait_for(left);
        }
        has_begun
    }

    /// Takes the outcome of the group's request that was on its way; whether it was a success.
    fn take(
        &self,
        receiver: &Receiver,
        group: &mut Group,
        outcome: Option<Outcome>,
        is_telling: bool,
    ) -> bool {
        if let Some(outcome) = &outcome {
            let is_success = outcome.is_success();
            (self.tell)(Told::Attempt { is_success });
        }
        if let Some(outcome) = outcome.as_ref().filter(|_| is_telling) {
            receiver.note(outcome.is_success());
            if let (Some(status), Some(rest)) = (outcome.line.status, outcome.retry_after)
                && receiver.wants_rest(status)
            {
                receiver.rest(rest.min(LONGEST_REST));
            }
        }
        group.end(outcome, is_telling)
    }
}
