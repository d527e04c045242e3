//! A round of sending to one webhook: what is due and what the log has next is read, sent, and kept in one transaction.
//!
//! Only then has the webhook's position moved, so that whatever is killed when, each event is sent at least once. What
//! was sent and not kept is sent again, under the same id.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::content::time::{Clock, utc_text};
use crate::db::Database;
use crate::delivery::receiver::Receiver;
use crate::delivery::schedule::Schedule;
use crate::delivery::sender::Sender;
use crate::delivery::signature::signatures;
use crate::delivery::work::{Group, Job, LINES, Work};
use crate::error::Result;
use crate::store::deliveries::{self, DELIVERED, FAILED, NewDelivery};
use crate::store::delivery_results::{self, Made};
use crate::store::webhooks::{self, Settled, Standing, WebhookRow};
use crate::syndication::publication::Publication;

/// No attempt begins later in a round than this: what was sent is soon kept.
const ROUND: Duration = Duration::from_secs(2);
/// Between two attempts at a receiver that is taken for dead.
const PROBE: Duration = Duration::from_secs(2);
/// Rest after a round in which nothing could be sent.
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
    /// Events that wait for another attempt.
    Pending(i64),
}

pub(super) enum Round {
    /// There may be more.
    Worked,
    /// There is nothing to do just now.
    Idle,
    /// Another server does it.
    Lost,
}

impl Office {
    pub(super) fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Sends what there is to send, of lines up to `readable`.
    pub(super) fn round(&self, receiver: &Receiver, readable: i64) -> Result<Round> {
        let now = self.clock.now();
        let work = self
            .database
            .read(|conn| self.load(conn, receiver, readable, now))?;
        let Some(mut work) = work else {
            return Ok(Round::Idle);
        };
        let is_empty = work.groups.is_empty() && work.blocked.is_empty();
        // Lines that concern no one are not worth a write each.
        if is_empty && work.read - work.row.position < 2 * LINES {
            receiver.set_read(work.read);
            return Ok(match work.lines as i64 == LINES {
                true => Round::Worked,
                false => Round::Idle,
            });
        }
        self.send(receiver, &mut work);
        let read = work.read;
        if work.was_dead && receiver.seems_dead_still() {
            receiver.rest(PROBE);
        }
        if !work.has_begun() {
            // It is not to be sent to just now, and another look at once would find the same.
            receiver.rest(RETRY);
        }
        if !self.keep(receiver, work)? {
            return Ok(Round::Lost);
        }
        receiver.set_read(read);
        Ok(Round::Worked)
    }

    /// Different things at the same time, the events of one after each other.
    fn send(&self, receiver: &Receiver, work: &mut Work) {
        let deadline = Instant::now() + ROUND;
        let count = match work.was_dead {
            true => 1,
            false => self.connections.min(work.groups.len()),
        };
        let row = &work.row;
        let queue: Mutex<VecDeque<&mut Group>> = Mutex::new(work.groups.iter_mut().collect());
        let has_begun = AtomicBool::new(false);
        let work_on = || {
            loop {
                let group = queue
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .pop_front();
                let Some(group) = group else { return };
                for job in &mut group.jobs {
                    let is_first = !has_begun.swap(true, Ordering::SeqCst);
                    let may_begin = !self.is_stopping()
                        && receiver.is_held_for(self.timeout)
                        && !receiver.is_resting()
                        && (is_first || Instant::now() < deadline && !receiver.seems_dead());
                    if !may_begin {
                        return;
                    }
                    if !self.attempt(receiver, row, job) {
                        break;
                    }
                }
            }
        };
        thread::scope(|scope| {
            for _ in 1..count {
                // Where no thread can be had, the others do its work.
                let helper = thread::Builder::new().name("webhook".to_owned());
                if let Err(error) = helper.spawn_scoped(scope, work_on) {
                    log::warn!("no thread for a webhook: {error}");
                }
            }
            work_on();
        });
    }

    /// One attempt; whether it succeeded.
    fn attempt(&self, receiver: &Receiver, row: &WebhookRow, job: &mut Job) -> bool {
        let now = self.clock.now();
        let timestamp = now.timestamp();
        let id = &job.delivery.id;
        let signature = signatures(&row.secrets(now), id, timestamp, &job.payload);
        let timestamp = timestamp.to_string();
        let headers = [
            ("content-type", "application/json"),
            ("webhook-id", id.as_str()),
            ("webhook-timestamp", timestamp.as_str()),
            ("webhook-signature", signature.as_str()),
        ];
        let outcome = self.sender.post(&row.url, &headers, &job.payload, now);
        let is_success = outcome.is_success();
        (self.tell)(Told::Attempt { is_success });
        receiver.note(is_success);
        if let (Some(status), Some(rest)) = (outcome.line.status, outcome.retry_after)
            && receiver.wants_rest(status)
        {
            receiver.rest(rest.min(LONGEST_REST));
        }
        job.outcome = Some(outcome);
        is_success
    }

    /// Keeps what the round has come to; false where the webhook is another server's now.
    fn keep(&self, receiver: &Receiver, mut work: Work) -> Result<bool> {
        let now = self.clock.now();
        let verdict = self.verdict(&mut work, now)?;
        let id = &receiver.id;
        let kept = self.database.write_unqueued(|conn| {
            let version = work.row.version;
            let settled =
                webhooks::settle(conn, id, &receiver.owner, version, &verdict.standing, now)?;
            if settled == Settled::Lost {
                return Ok(settled);
            }
            let jobs = || work.groups.iter().flat_map(|group| &group.jobs);
            let fresh = jobs().filter(|job| job.num.is_none());
            let mut fresh: Vec<NewDelivery> = fresh.map(|job| job.delivery.clone()).collect();
            fresh.append(&mut work.blocked.clone());
            // In the order of the log, which is that of their numbers.
            fresh.sort_by_key(|delivery| delivery.seq);
            for part in fresh.chunks(100) {
                deliveries::insert(conn, part)?;
            }
            let made = jobs().filter_map(|job| {
                let (num, tries, new) = (job.num?, job.tries, &job.delivery);
                Some(Made { num, tries, new })
            });
            let made: Vec<Made> = made.collect();
            delivery_results::update(conn, &made)?;
            let things: Vec<&str> = made.iter().map(|made| made.new.thing.as_str()).collect();
            delivery_results::release_next(conn, id, &things, now)?;
            if verdict.lives_again {
                delivery_results::hurry(conn, id, now)?;
            }
            let stands = settled == Settled::Whole && verdict.standing.disabled.is_none();
            if stands && !deliveries::is_any_pending(conn, id)? {
                // Nothing waits. What fails some day after a long silence has not failed since then.
                webhooks::begin_anew(conn, id)?;
            }
            Ok(settled)
        })?;
        if let Some(reason) = verdict.standing.disabled
            && kept == Settled::Whole
        {
            log::warn!("the webhook {id} is disabled: {reason}");
        }
        let kept = kept != Settled::Lost;
        for _ in 0..if kept { verdict.given_up } else { 0 } {
            (self.tell)(Told::GivenUp);
        }
        Ok(kept)
    }

    /// What becomes of each delivery, and of the webhook.
    fn verdict(&self, work: &mut Work, now: DateTime<Utc>) -> Result<Verdict> {
        let (mut successes, mut failures, mut given_up, mut is_gone) = (0, 0, 0, false);
        for group in &mut work.groups {
            let mut is_blocked = false;
            for job in &mut group.jobs {
                let delivery = &mut job.delivery;
                let Some(outcome) = job.outcome.take() else {
                    delivery.next_attempt_at = (!is_blocked).then(|| now.naive_utc());
                    is_blocked = true;
                    continue;
                };
                let is_success = outcome.is_success();
                let is_test = delivery.seq.is_none();
                is_gone |= outcome.line.status == Some(410);
                delivery.note(outcome.line)?;
                if is_success {
                    successes += 1;
                    delivery.settle(DELIVERED, now);
                    continue;
                }
                // A test is no event: that it fails says nothing of what the receiver was to be told.
                failures += usize::from(!is_test);
                let begun = delivery.begun_at.unwrap_or(now.naive_utc());
                let next = self
                    .schedule
                    .next(delivery.tries, begun, outcome.retry_after, now);
                match next.filter(|_| !is_test) {
                    Some(next) => {
                        delivery.next_attempt_at = Some(next.naive_utc());
                        is_blocked = true;
                    }
                    None => {
                        given_up += usize::from(!is_test);
                        delivery.settle(FAILED, now);
                    }
                }
            }
        }
        let row = &work.row;
        let failing_since = match (successes, failures) {
            (0, 0) => row.failing_since,
            (0, _) => row.failing_since.or(Some(now.naive_utc())),
            _ => None,
        };
        let is_long = |since: NaiveDateTime| now - since.and_utc() > self.schedule.patience();
        let is_over = failures > 0 && failing_since.is_some_and(is_long);
        let disabled = match is_gone {
            true => {
                Some("the answer was 410 Gone: events are not wanted there any more".to_owned())
            }
            false => failing_since
                .filter(|_| is_over)
                .map(|since| format!("no attempt has succeeded since {}", utc_text(since))),
        };
        Ok(Verdict {
            lives_again: work.was_dead && successes > 0,
            given_up,
            standing: Standing {
                position: work.read,
                failing_since,
                disabled: disabled.filter(|_| row.disabled_at.is_none()),
            },
        })
    }
}

struct Verdict {
    standing: Standing,
    lives_again: bool,
    given_up: usize,
}
