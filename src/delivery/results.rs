//! What a round of sending has come to, and how it is kept.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::content::time::utc_text;
use crate::delivery::receiver::Receiver;
use crate::delivery::round::{Office, Told};
use crate::delivery::work::{Attempt, Work};
use crate::error::Result;
use crate::store::deliveries::{self, DELIVERED, FAILED, NewDelivery};
use crate::store::delivery_results::{self, Made};
use crate::store::webhooks::{self, Settled, Standing};

impl Office {
    /// Keeps what the round has come to; false where the webhook is another server's now.
    pub(super) fn keep(&self, receiver: &Receiver, work: &mut Work) -> Result<bool> {
        let now = self.clock.now();
        let verdict = self.verdict(work, now)?;
        let id = &receiver.id;
        let (kept, numbers) = self.database.write_unqueued(|conn| {
            let version = work.row.version;
            let settled =
                webhooks::settle(conn, id, &receiver.owner, version, &verdict.standing, now)?;
            if settled == Settled::Lost {
                return Ok((settled, HashMap::new()));
            }
            let jobs = || work.groups.iter().flat_map(|group| &group.jobs);
            let fresh = jobs().filter(|job| job.num.is_none());
            let mut fresh: Vec<NewDelivery> = fresh.map(|job| job.delivery.clone()).collect();
            fresh.extend(work.blocked.iter().cloned());
            // In the order of the log, which is that of their numbers.
            fresh.sort_by_key(|delivery| delivery.seq);
            for part in fresh.chunks(100) {
                deliveries::insert(conn, part)?;
            }
            // Rows of what is on its way stay as they are.
            let made = jobs().filter(|job| !job.is_on_its_way()).filter_map(|job| {
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
            let begun = jobs().filter(|job| job.num.is_none() && job.is_on_its_way());
            let begun: Vec<&str> = begun.map(|job| job.delivery.id.as_str()).collect();
            Ok((settled, deliveries::numbers(conn, &begun)?))
        })?;
        for job in work.groups.iter_mut().flat_map(|group| &mut group.jobs) {
            job.num = job.num.or(numbers.get(&job.delivery.id).copied());
        }
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
                let (outcome, is_telling) = match std::mem::take(&mut job.attempt) {
                    Attempt::Made {
                        outcome,
                        is_telling,
                    } => (outcome, is_telling),
                    // Also what is on its way: should this server end, it is sent again.
                    unmade => {
                        job.attempt = unmade;
                        delivery.next_attempt_at = (!is_blocked).then(|| now.naive_utc());
                        is_blocked = true;
                        continue;
                    }
                };
                let is_success = outcome.is_success();
                let is_test = delivery.seq.is_none();
                is_gone |= is_telling && outcome.line.status == Some(410);
                delivery.note(outcome.line)?;
                if is_success {
                    successes += usize::from(is_telling);
                    delivery.settle(DELIVERED, now);
                    continue;
                }
                // A test is no event: that it fails says nothing of what the receiver was to be told.
                failures += usize::from(is_telling && !is_test);
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
