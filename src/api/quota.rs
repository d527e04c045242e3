//! Counts the requests of each key: for its daily quota, and for the report.
//!
//! Counts are kept in memory and added to the database every few seconds, earlier where they come to a twentieth of a
//! quota or to two hundred requests, so that no request writes. What other servers have counted is read at most a second
//! after it is there. One server by itself lets no more through than the quota. Several together do, by what each has
//! counted and not added: about that much, and all that comes while the database is busy with other writes, for a
//! request that may be good is not refused because of these. A server that is killed forgets as much.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use crate::api::rate_limit::{Buckets, DAY, Level, Standing};
use crate::content::rights::Limits;
use crate::content::time::to_stored;
use crate::db::{Conn, Database};
use crate::error::Result;
use crate::store::key_usage::{self, Count};

/// How long counts stay in memory.
const INTERVAL: Duration = Duration::from_secs(5);
/// How long what was read of other servers counts.
const FRESH: Duration = Duration::from_secs(1);
/// How long a key that is not used is remembered.
const IDLE: Duration = Duration::from_secs(60);
/// Requests of a key with a quota that are added to the database at once.
const MOST: i64 = 200;
/// Keys in a transaction.
const BATCH: usize = 200;

#[derive(Clone)]
pub struct Quotas(Arc<Inner>);

struct Inner {
    database: Database,
    counted: Mutex<Counted>,
    /// Held by who writes: one at a time.
    writing: Mutex<()>,
    wake: SyncSender<()>,
    is_urgent: AtomicBool,
}

#[derive(Default)]
struct Counted {
    buckets: Buckets,
    tallies: HashMap<(String, NaiveDate), Tally>,
}

/// What is known of a key on a day.
struct Tally {
    /// Requests that the database has, of all servers.
    base: i64,
    read_at: Option<Instant>,
    /// Moves with each writing, so that a total from before one is known.
    round: u64,
    /// Requests that are being written.
    under_way: i64,
    /// Not written yet.
    pending: Count,
    used_at: Instant,
}

/// What the database said of a key, and in which round that was asked.
pub struct Total {
    round: u64,
    requests: i64,
}

impl Tally {
    fn new() -> Self {
        Self {
            base: 0,
            read_at: None,
            round: 0,
            under_way: 0,
            pending: Count::default(),
            used_at: Instant::now(),
        }
    }

    fn used(&self) -> i64 {
        self.base + self.under_way + self.pending.requests
    }

    /// A total that was asked for before or during a writing may have a part of what is counted here twice, or not.
    fn learn(&mut self, total: &Total) {
        if total.round == self.round && self.under_way == 0 {
            self.base = self.base.max(total.requests);
            self.read_at = Some(Instant::now());
        }
    }

    fn is_done_with(&self) -> bool {
        self.used_at.elapsed() > IDLE && self.under_way == 0 && self.pending.is_empty()
    }
}

impl Quotas {
    /// Counts for a database, which a thread adds to until the last clone is gone.
    pub fn new(database: Database) -> Self {
        let (wake, woken) = sync_channel(1);
        let inner = Arc::new(Inner {
            database,
            counted: Mutex::default(),
            writing: Mutex::default(),
            wake,
            is_urgent: AtomicBool::new(false),
        });
        let weak = Arc::downgrade(&inner);
        let thread = thread::Builder::new().name("usage".to_owned());
        if let Err(error) = thread.spawn(move || write_now_and_then(&woken, &weak)) {
            log::error!(
                "the use of API keys is written at the end only, without a thread: {error}"
            );
        }
        Self(inner)
    }

    /// What all servers have counted of a key today, where that is not known well enough.
    ///
    /// # Errors
    /// When the database fails.
    pub fn read(&self, conn: &mut Conn, key: &str, now: DateTime<Utc>) -> Result<Option<Total>> {
        let date = now.date_naive();
        let round = {
            let counted = self.0.counted();
            match counted.tallies.get(&(key.to_owned(), date)) {
                Some(tally) if tally.read_at.is_some_and(|at| at.elapsed() < FRESH) => {
                    return Ok(None);
                }
                known => known.map_or(0, |tally| tally.round),
            }
        };
        let requests = key_usage::requests(conn, key, date)?;
        Ok(Some(Total { round, requests }))
    }

    /// Counts a request, and says whether it is let through.
    pub fn admit(
        &self,
        key: &str,
        limits: Limits,
        total: Option<Total>,
        now: DateTime<Utc>,
    ) -> Standing {
        let date = now.date_naive();
        let mut counted = self.0.counted();
        let Counted { buckets, tallies } = &mut *counted;
        let minute = limits
            .rate_per_minute
            .map(|rate| buckets.take(key, rate, now));
        let tally = tallies
            .entry((key.to_owned(), date))
            .or_insert_with(Tally::new);
        tally.used_at = Instant::now();
        if let Some(total) = total {
            tally.learn(&total);
        }
        let was_empty = tally.pending.is_empty();
        let by_rate = minute
            .as_ref()
            .is_some_and(|level| level.refused_for.is_some());
        let by_quota = limits.daily_quota.is_some_and(|most| tally.used() >= most);
        match (by_rate, by_quota) {
            (true, _) => tally.pending.refused_by_rate += 1,
            (false, true) => tally.pending.refused_by_quota += 1,
            (false, false) => tally.pending.requests += 1,
        }
        tally.pending.last_used_at = Some(to_stored(now));
        let day = limits.daily_quota.map(|most| {
            let left = seconds_left(now);
            Level {
                name: "day",
                quota: most,
                window: DAY,
                left: (most - tally.used()).max(0),
                resets_in: left,
                refused_for: by_quota.then_some(left),
            }
        });
        let most = limits.daily_quota.map(|most| (most / 20).clamp(1, MOST));
        let is_urgent = most.is_some_and(|most| tally.pending.requests >= most);
        drop(counted);
        if is_urgent {
            self.0.is_urgent.store(true, Ordering::Release);
        }
        if is_urgent || was_empty {
            // Full: it is told already.
            let _ = self.0.wake.try_send(());
        }
        Standing { minute, day }
    }

    /// Writes what has been counted.
    pub fn flush(&self) {
        self.0.flush();
    }
}

fn seconds_left(now: DateTime<Utc>) -> i64 {
    let begun = now.time().signed_duration_since(NaiveTime::MIN);
    (DAY - begun.num_seconds()).max(1)
}

fn write_now_and_then(woken: &Receiver<()>, inner: &Weak<Inner>) {
    while woken.recv().is_ok() {
        let due = Instant::now() + INTERVAL;
        loop {
            let Some(inner) = inner.upgrade() else {
                return;
            };
            let is_urgent = inner.is_urgent.swap(false, Ordering::AcqRel);
            let rest = due.saturating_duration_since(Instant::now());
            if is_urgent || rest.is_zero() {
                inner.flush();
                break;
            }
            // Not kept alive by who waits.
            drop(inner);
            if woken.recv_timeout(rest) == Err(RecvTimeoutError::Disconnected) {
                return;
            }
        }
    }
}

type Part = ((String, NaiveDate), Count);

impl Inner {
    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A failure leaves what was counted for the next time.
    fn flush(&self) {
        let _turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let parts = self.take_pending();
        for parts in parts.chunks(BATCH) {
            let totals = self.database.write(|conn| {
                let add = |((key, date), count): &Part| key_usage::add(conn, key, *date, count);
                parts.iter().map(add).collect::<Result<Vec<i64>>>()
            });
            match totals {
                Ok(totals) => self.settle(parts, Some(&totals)),
                Err(error) => {
                    log::warn!("the use of API keys could not be noted: {error}");
                    self.settle(parts, None);
                    let _ = self.wake.try_send(());
                }
            }
        }
    }

    fn take_pending(&self) -> Vec<Part> {
        let mut counted = self.counted();
        let mut parts = Vec::new();
        counted.tallies.retain(|_, tally| !tally.is_done_with());
        for (key, tally) in &mut counted.tallies {
            let count = std::mem::take(&mut tally.pending);
            if !count.is_empty() {
                tally.under_way = count.requests;
                parts.push((key.clone(), count));
            }
        }
        parts
    }

    fn settle(&self, parts: &[Part], totals: Option<&[i64]>) {
        let mut counted = self.counted();
        for (at, (key, count)) in parts.iter().enumerate() {
            let Some(tally) = counted.tallies.get_mut(key) else {
                continue;
            };
            tally.under_way = 0;
            tally.round += 1;
            match totals.and_then(|totals| totals.get(at)) {
                Some(total) => {
                    tally.base = tally.base.max(*total);
                    tally.read_at = Some(Instant::now());
                }
                None => tally.pending.add(count),
            }
        }
    }
}
