//! A round of sending to one webhook: what is due and what the log has next is read, sent, and kept in one transaction.
//!
//! Only then has the webhook's position moved, so that whatever is killed when, each event is sent at least once. What
//! was sent and not kept is sent again, under the same id.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use crate::content::time::{Clock, utc_text};
use crate::db::{Conn, Database};
use crate::delivery::event;
use crate::delivery::receiver::Receiver;
use crate::delivery::schedule::Schedule;
use crate::delivery::sender::{Outcome, Sender};
use crate::delivery::signature::signatures;
use crate::error::Result;
use crate::store::changes::{self, ChangeRow};
use crate::store::deliveries::{self, DELIVERED, DeliveryRow, FAILED, NewDelivery};
use crate::store::tags;
use crate::store::webhooks::{self, Scope, Standing, WebhookRow};

/// Events of a round.
const EVENTS: usize = 200;
/// Lines of the log that are read for it.
const LINES: i64 = 500;
/// No attempt begins later in a round than this: what was sent is soon kept.
const ROUND: Duration = Duration::from_secs(2);
/// Events that may be pending. What comes then stays in the log.
const MOST_PENDING: i64 = 10_000;
/// A receiver that has failed for longer is taken for dead by a server that has just begun, too.
const BRIEF: TimeDelta = TimeDelta::seconds(60);
/// Between two attempts at a receiver that is taken for dead.
const PROBE: Duration = Duration::from_secs(2);
/// The longest that all of a webhook waits because its receiver asks for it.
const LONGEST_REST: Duration = Duration::from_secs(3600);

/// What all webhooks of this server share.
pub(super) struct Office {
    pub database: Database,
    pub clock: Clock,
    pub public_url: String,
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

/// What a round is to send.
struct Work {
    row: WebhookRow,
    groups: Vec<Group>,
    /// Events that wait for an earlier one of the same thing.
    blocked: Vec<NewDelivery>,
    /// The line up to which the log is in this round.
    read: i64,
    lines: usize,
    was_dead: bool,
}

/// Events of one thing, in their order.
#[derive(Default)]
struct Group {
    jobs: Vec<Job>,
}

struct Job {
    /// Of a delivery that has a row.
    num: Option<i64>,
    delivery: NewDelivery,
    payload: String,
    outcome: Option<Outcome>,
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
        if !self.keep(receiver, work)? {
            return Ok(Round::Lost);
        }
        receiver.set_read(read);
        Ok(Round::Worked)
    }

    fn load(
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
            read: receiver.read(),
            lines: 0,
            row,
        };
        let is_enabled = work.row.disabled_at.is_none();
        let due = match is_enabled {
            true => deliveries::due(conn, &receiver.id, now, EVENTS as i64)?,
            false => deliveries::due_tests(conn, &receiver.id, now)?,
        };
        let due = self.jobs_of_rows(conn, due, now)?;
        let room = EVENTS.saturating_sub(due.len());
        let most_pending = if work.was_dead { 1 } else { MOST_PENDING };
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
        let into = names_of_mergers(conn, lines.iter(), now)?;
        let lines: HashMap<i64, ChangeRow> =
            lines.into_iter().map(|line| (line.seq, line)).collect();
        let mut jobs: Vec<Job> =
            rows.into_iter()
                .map(|row| Job {
                    num: Some(row.num),
                    payload: match row.seq.and_then(|seq| lines.get(&seq)) {
                        Some(line) => self.payload(&row.event, line, &into),
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
        let scope = Scope::of(conn, &filter, &candidates)?;
        let into = names_of_mergers(conn, candidates.iter().copied(), now)?;
        let things: Vec<String> = candidates.iter().map(|line| event::thing(line)).collect();
        let things: Vec<&str> = things.iter().map(String::as_str).collect();
        let waiting: HashSet<String> = match things.is_empty() {
            true => HashSet::new(),
            false => deliveries::waiting(conn, &work.row.id, &things)?,
        };
        let mut jobs = Vec::new();
        for (line, event) in lines.iter().zip(events) {
            if let Some(event) = event.filter(|_| scope.takes(line)) {
                if jobs.len() + work.blocked.len() == room {
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
                    jobs.push(Job {
                        num: None,
                        payload: self.payload(&event, line, &into),
                        delivery,
                        outcome: None,
                    });
                }
            }
            work.read = line.seq;
        }
        Ok(jobs)
    }

    fn payload(&self, event: &str, line: &ChangeRow, into: &HashMap<i64, String>) -> String {
        let into = into.get(&line.num).map(String::as_str);
        event::payload(event, line, into, &self.public_url).to_string()
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
        if let (Some(429 | 503), Some(rest)) = (outcome.line.status, outcome.retry_after) {
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
        let kept = self.database.write(|conn| {
            if !webhooks::settle(conn, id, &receiver.owner, &verdict.standing, now)? {
                return Ok(false);
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
            for job in jobs() {
                if let Some(num) = job.num {
                    deliveries::update(conn, num, &job.delivery)?;
                }
            }
            for job in jobs().filter(|job| job.num.is_some()) {
                deliveries::release_next(conn, id, &job.delivery.thing, now)?;
            }
            if verdict.lives_again {
                deliveries::hurry(conn, id, now)?;
            }
            Ok(true)
        })?;
        if let Some(reason) = verdict.standing.disabled.filter(|_| kept) {
            log::warn!("the webhook {id} is disabled: {reason}");
        }
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
                failures += 1;
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
        let is_over =
            failing_since.is_some_and(|since| now - since.and_utc() > self.schedule.patience());
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

/// The slugs of the tags that others became a part of, by number; none that the public may not know.
fn names_of_mergers<'a>(
    conn: &mut Conn,
    lines: impl Iterator<Item = &'a ChangeRow>,
    now: DateTime<Utc>,
) -> Result<HashMap<i64, String>> {
    let mergers = lines.filter(|line| line.action == "merged");
    let nums: Vec<i64> = mergers.map(|line| line.num).collect();
    let mut names = HashMap::new();
    if nums.is_empty() {
        return Ok(names);
    }
    for (num, row) in tags::by_nums(conn, &nums)? {
        if tags::is_public(conn, &row, now)? {
            names.insert(num, row.slug);
        }
    }
    Ok(names)
}
