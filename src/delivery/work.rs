//! What a round of sending is to send: deliveries that are due, and what comes next in the log.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::content::time::utc_text;
use crate::db::Conn;
use crate::delivery::event;
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
    pub row: WebhookRow,
    pub groups: Vec<Group>,
    /// Events that wait for an earlier one of the same thing.
    pub blocked: Vec<NewDelivery>,
    /// The line up to which the log is in this round.
    pub read: i64,
    pub lines: usize,
    pub was_dead: bool,
}

/// Events of one thing, in their order.
#[derive(Default)]
pub(super) struct Group {
    pub jobs: Vec<Job>,
}

pub(super) struct Job {
    /// Of a delivery that has a row.
    pub num: Option<i64>,
    /// How often it had been tried when it was read.
    pub tries: i64,
    pub delivery: NewDelivery,
    pub payload: String,
    pub outcome: Option<Outcome>,
}

impl Work {
    /// Whether any attempt was made.
    pub(super) fn has_begun(&self) -> bool {
        let mut jobs = self.groups.iter().flat_map(|group| &group.jobs);
        self.groups.is_empty() || jobs.any(|job| job.outcome.is_some())
    }
}

impl Office {
    /// Reads, in one snapshot, what there is to send; `None` where the webhook is gone.
    pub(super) fn load(
        &self,
        conn: &mut Conn,
        receiver: &Receiver,
        readable: i64,
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
        let mut work = Work {
            was_dead: receiver.seems_dead() || row.failing_since.is_some_and(fails_long),
            groups: Vec::new(),
            blocked: Vec::new(),
            // The row is ahead where a commit was made whose outcome did not arrive here.
            read: receiver.read().max(row.position),
            lines: 0,
            row,
        };
        let is_enabled = work.row.disabled_at.is_none();
        let due = match is_enabled {
            true => deliveries::due(conn, &receiver.id, now, EVENTS as i64)?,
            false => deliveries::due_tests(conn, &receiver.id, now)?,
        };
        let due = self.jobs_of_rows(conn, due, now)?;
        let (most, most_pending) = match work.was_dead {
            true => (MOST_PENDING_OF_DEAD, MOST_PENDING_OF_DEAD as i64),
            false => (EVENTS, MOST_PENDING),
        };
        let room = most.saturating_sub(due.len());
        let takes_more = is_enabled
            && room > 0
            && readable > work.read
            && !deliveries::are_pending(conn, &receiver.id, most_pending)?;
        let new = match takes_more {
            true => self.jobs_of_lines(conn, &mut work, readable, room, now)?,
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
                    outcome: None,
                })
                .collect();
        jobs.sort_by_key(|job| job.num);
        Ok(jobs)
    }

    /// The next events of the log. Those of things of which an earlier event is pending are set aside.
    fn jobs_of_lines(
        &self,
        conn: &mut Conn,
        work: &mut Work,
        readable: i64,
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
                let is_blocked = waiting.contains(&thing);
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
            outcome: None,
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
