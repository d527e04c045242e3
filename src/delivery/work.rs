//! What a round of sending is to send: deliveries that are due, and what comes next in the log.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::content::time::utc_text;
use crate::db::Conn;
use crate::delivery::event;
use crate::delivery::flight::Flight;
use crate::delivery::places::Places;
use crate::delivery::receiver::Receiver;
use crate::delivery::round::Office;
use crate::delivery::sender::Outcome;
use crate::error::Result;
use crate::store::changes::{self, ChangeRow};
use crate::store::deliveries::{self, DeliveryRow, NewDelivery};
use crate::store::webhook_filters::Scope;
use crate::store::webhooks::{self, WebhookRow};

/// Events of a round.
const EVENTS: usize = 200;
/// Lines of the log that are read for it.
pub(super) const LINES: i64 = 500;
/// Events that may be pending. What comes then stays in the log.
const MOST_PENDING: i64 = 10_000;
/// The same where the receiver is taken for dead: not one alone, for it may be that one only which it does not take.
const MOST_PENDING_OF_DEAD: usize = 20;
/// A receiver that has failed for longer is taken for dead by a server that has just begun, too.
const BRIEF: TimeDelta = TimeDelta::seconds(60);

/// What a round is to send.
pub(super) struct Work {
    /// As it was at the beginning of the round.
    pub row: Arc<WebhookRow>,
    pub groups: Vec<Group>,
    /// Events that wait for an earlier one of the same thing.
    pub blocked: Vec<NewDelivery>,
    /// The line up to which the log is in this round.
    pub read: i64,
    pub lines: usize,
    pub was_dead: bool,
    /// Requests that may be on their way at a time.
    pub most: usize,
    /// Whether another may begin.
    pub is_open: bool,
}

/// Events of one thing, in their order.
#[derive(Default)]
pub(super) struct Group {
    pub jobs: Vec<Job>,
    /// How many of them were taken.
    taken: usize,
}

pub(super) struct Job {
    /// Of a delivery that has a row.
    pub num: Option<i64>,
    /// How often it had been tried when it was read.
    pub tries: i64,
    pub delivery: NewDelivery,
    pub payload: String,
    pub attempt: Attempt,
}

/// What a round has made of a job.
#[derive(Default)]
pub(super) enum Attempt {
    #[default]
    None,
    /// The request has begun, by the webhook's row of this version.
    OnItsWay { version: i64 },
    Made {
        outcome: Outcome,
        /// Whether it tells anything of how the webhook fares.
        is_telling: bool,
    },
}

impl Job {
    pub(super) fn is_on_its_way(&self) -> bool {
        matches!(self.attempt, Attempt::OnItsWay { .. })
    }
}

impl Group {
    /// The job whose turn it is; `None` where all were taken.
    pub(super) fn head(&mut self) -> Option<&mut Job> {
        self.jobs.get_mut(self.taken)
    }

    /// Whether there is one that no attempt was made at.
    pub(super) fn waits(&self) -> bool {
        let head = self.jobs.get(self.taken);
        head.is_some_and(|job| matches!(job.attempt, Attempt::None))
    }

    /// What they are about.
    pub(super) fn thing(&self) -> &str {
        let first = self.jobs.first();
        first.map_or("", |job| &job.delivery.thing)
    }

    /// Whether the request that is on its way was sent by the webhook's row of this version.
    pub(super) fn was_sent_by(&self, version: i64) -> bool {
        let head = self.jobs.get(self.taken);
        let sent = head.map(|job| &job.attempt);
        matches!(sent, Some(Attempt::OnItsWay { version: sent }) if *sent == version)
    }

    /// Ends the request that is on its way: with what came of it, or, where none was made, as if it had not begun. True
    /// where the event was taken.
    pub(super) fn end(&mut self, outcome: Option<Outcome>, is_telling: bool) -> bool {
        let Some(job) = self.jobs.get_mut(self.taken) else {
            return false;
        };
        let is_taken = outcome.as_ref().is_some_and(Outcome::is_success);
        job.attempt = outcome.map_or(Attempt::None, |outcome| Attempt::Made {
            outcome,
            is_telling,
        });
        self.taken += usize::from(is_taken);
        is_taken
    }

    /// What goes on after the round: the job that is on its way.
    pub(super) fn carried(self) -> Option<Self> {
        let job = self.jobs.into_iter().find(Job::is_on_its_way)?;
        Some(Self {
            jobs: vec![job],
            taken: 0,
        })
    }
}

impl Office {
    /// Reads, in one snapshot, what there is to send, besides what is about the same as what is on its way; `None` where
    /// the webhook is gone.
    pub(super) fn load(
        &self,
        conn: &mut Conn,
        receiver: &Receiver,
        flight: &Flight<'_, '_>,
        now: DateTime<Utc>,
    ) -> Result<Option<Work>> {
        let Some(row) = webhooks::by_id(conn, &receiver.id)? else {
            return Ok(None);
        };
        if row.failing_since.is_none() {
            // Also where an admin has asked to try again.
            receiver.forgive();
        }
        let fails_long = |since: chrono::NaiveDateTime| now - since.and_utc() > BRIEF;
        let was_dead = receiver.seems_dead() || row.failing_since.is_some_and(fails_long);
        let most = match was_dead {
            // Another while the first gets no answer, for it may be that event only which it does not take.
            true => self.connections.min(1 + flight.count().min(1)),
            false => self.connections,
        };
        let is_at_rest = self.is_stopping() || receiver.is_resting();
        let mut work = Work {
            was_dead,
            groups: Vec::new(),
            blocked: Vec::new(),
            // The row is ahead where a commit was made whose outcome did not arrive here.
            read: receiver.read().max(row.position),
            lines: 0,
            most,
            is_open: !is_at_rest && flight.count() < most,
            row: Arc::new(row),
        };
        if !work.is_open {
            return Ok(Some(work));
        }
        let things = flight.things();
        let is_enabled = work.row.disabled_at.is_none();
        let due = match is_enabled {
            true => deliveries::due(conn, &receiver.id, &things, now, EVENTS as i64)?,
            false => deliveries::due_tests(conn, &receiver.id, now)?,
        };
        let is_free = |row: &DeliveryRow| !things.contains(&row.thing.as_str());
        let due = due.into_iter().filter(is_free).collect();
        let due = self.jobs_of_rows(conn, due, now)?;
        let (most, most_pending) = match work.was_dead {
            true => (MOST_PENDING_OF_DEAD, MOST_PENDING_OF_DEAD as i64),
            false => (EVENTS, MOST_PENDING),
        };
        let room = most.saturating_sub(due.len());
        let readable = receiver.readable();
        let takes_more = is_enabled
            && room > 0
            && readable > work.read
            && !deliveries::are_pending(conn, &receiver.id, most_pending)?;
        let new = match takes_more {
            true => self.jobs_of_lines(conn, &mut work, (readable, &things), room, now)?,
            false => Vec::new(),
        };
        work.groups = grouped(due.into_iter().chain(new));
        Ok(Some(work))
    }

    fn jobs_of_rows(
        &self,
        conn: &mut Conn,
        rows: Vec<DeliveryRow>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Job>> {
        let lines = deliveries::lines(conn, &rows)?;
        let places = Places::of(conn, lines.iter(), now)?;
        let lines: HashMap<i64, ChangeRow> =
            lines.into_iter().map(|line| (line.seq, line)).collect();
        let mut jobs: Vec<Job> =
            rows.into_iter()
                .map(|row| Job {
                    num: Some(row.num),
                    tries: row.tries,
                    payload: match row.seq.and_then(|seq| lines.get(&seq)) {
                        Some(line) => places.payload(&self.publication, &row.event, line),
                        None => event::test_payload(&row.webhook_id, &utc_text(row.created_at))
                            .to_string(),
                    },
                    delivery: NewDelivery::from_row(row),
                    attempt: Attempt::None,
                })
                .collect();
        jobs.sort_by_key(|job| job.num);
        Ok(jobs)
    }

    /// The next events of the log. Those of things of which an earlier event is pending or on its way are set aside.
    fn jobs_of_lines(
        &self,
        conn: &mut Conn,
        work: &mut Work,
        (readable, on_their_way): (i64, &[&str]),
        room: usize,
        now: DateTime<Utc>,
    ) -> Result<Vec<Job>> {
        let mut lines = changes::after(conn, work.read, LINES)?;
        lines.retain(|line| line.seq <= readable);
        work.lines = lines.len();
        let filter = work.row.filter()?;
        let events: Vec<Option<String>> = lines
            .iter()
            .map(|line| {
                let wanted =
                    |event: &String| filter.events.is_empty() || filter.events.contains(event);
                event::of(line).filter(wanted)
            })
            .collect();
        let candidates: Vec<&ChangeRow> = lines
            .iter()
            .zip(&events)
            .filter_map(|(line, event)| event.is_some().then_some(line))
            .collect();
        let scope = Scope::of(conn, &work.row.id, &filter, &candidates)?;
        let things: Vec<String> = candidates.iter().map(|line| event::thing(line)).collect();
        let things: Vec<&str> = things.iter().map(String::as_str).collect();
        let waiting: HashSet<String> = match things.is_empty() {
            true => HashSet::new(),
            false => deliveries::waiting(conn, &work.row.id, &things)?,
        };
        let mut chosen = Vec::new();
        for (line, event) in lines.iter().zip(events) {
            if let Some(event) = event.filter(|_| scope.takes(line)) {
                if chosen.len() + work.blocked.len() == room {
                    break;
                }
                let thing = event::thing(line);
                let id = event::id(&work.row.id, line);
                let is_blocked = waiting.contains(&thing) || on_their_way.contains(&thing.as_str());
                let mut delivery =
                    NewDelivery::new(id, &work.row.id, Some(line.seq), thing, &event, now);
                if is_blocked {
                    delivery.next_attempt_at = None;
                    work.blocked.push(delivery);
                } else {
                    chosen.push((line, delivery));
                }
            }
            work.read = line.seq;
        }
        let places = Places::of(conn, chosen.iter().map(|(line, _)| *line), now)?;
        let job = |(line, delivery): (&ChangeRow, NewDelivery)| Job {
            num: None,
            tries: 0,
            payload: places.payload(&self.publication, &delivery.event, line),
            delivery,
            attempt: Attempt::None,
        };
        Ok(chosen.into_iter().map(job).collect())
    }
}

/// By thing, each in the place of its first.
fn grouped(jobs: impl Iterator<Item = Job>) -> Vec<Group> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut groups: Vec<Group> = Vec::new();
    for job in jobs {
        let next = groups.len();
        let place = *places.entry(job.delivery.thing.clone()).or_insert(next);
        if place == next {
            groups.push(Group::default());
        }
        groups[place].jobs.push(job);
    }
    groups
}
