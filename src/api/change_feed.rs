//! Pages of the change feed, and waiting for the next line without holding a thread.
//!
//! All who wait are woken by one channel, which the follower feeds when what it derives has come to a line. Those who
//! want the same lines then share one read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use actix_web::web::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use tokio::sync::{OnceCell, watch};
use utoipa::ToSchema;

use crate::api::change_places::Places;
use crate::api::change_views::{self, ChangeView};
use crate::api::conditional::Answer;
use crate::api::finished::Finished;
use crate::api::problem::Problem;
use crate::api::state::State;
use crate::config::Config;
use crate::content::sight::Sight;
use crate::db::Conn;
use crate::delivery::Purges;
use crate::error::{Error, Result};
use crate::follower::Progress;
use crate::store::changes::{self, ChangeKind, ChangeRow};
use crate::store::{identity, partner_lines, rights};

/// Lines of the log that one page looks at, at the most: there may be very many that are not told.
const SPAN: i64 = 100_000;
/// Lines that are looked at together for a partner at the most, and in all for one page, where few of them are told.
const BATCH: i64 = 500;
const LOOKED_AT: i64 = 5_000;
/// Bytes that a page may have with what it embeds, about, but for its first line.
const PAGE_BUDGET: usize = 8 << 20;
/// How long those who wake together share what one of them has read.
const SHARED_FOR: Duration = Duration::from_secs(1);
/// When what they have read is shared no more.
const UNSHARED: Duration = Duration::from_millis(1_100);
/// Different pages that are shared at a time.
const MAX_SHARED: usize = 64;

/// What is asked of the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Asked {
    pub after: i64,
    pub kind: Option<Kind>,
    pub embed: bool,
    pub limit: i64,
    /// Bytes that the page may have with what is embedded.
    pub budget: usize,
    /// What the caller may read of what is published: no one gets another's page.
    pub sight: Sight,
}

/// What kind of thing lines are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Article,
    Tag,
}

impl Asked {
    pub fn page(after: i64, kind: Option<Kind>, embed: bool, limit: i64, sight: Sight) -> Self {
        Self {
            after,
            kind,
            embed,
            limit,
            budget: PAGE_BUDGET,
            sight,
        }
    }
}

/// Lines of the change log, and where the page stands in it.
#[derive(Serialize, ToSchema)]
#[schema(as = ChangeList)]
pub struct ChangeListView {
    pub data: Vec<ChangeView>,
    pub page: ChangePageView,
}

/// Where a page stands in the log.
#[derive(Serialize, ToSchema)]
#[schema(as = ChangePage)]
pub struct ChangePageView {
    /// The line to go on from, as `after`. It moves on past lines that are not told, too.
    #[schema(example = 91)]
    pub next: i64,
    /// The last line that can be told now. What it says is readable on this server; where `next` is less, there is
    /// more at once.
    #[schema(example = 91)]
    pub latest: i64,
    /// Which store the log is of. Where it is another than before, begin anew.
    pub store: String,
}

/// A page that was read, in the forms in which it is given.
pub struct Found {
    pub view: ChangeListView,
    /// When the next line comes that is there already, but is not due yet.
    due: Option<Instant>,
    finished: OnceLock<Arc<Finished>>,
    events: OnceLock<Bytes>,
}

impl Found {
    fn of(view: ChangeListView, due: Option<Instant>) -> Self {
        Self {
            view,
            due,
            finished: OnceLock::new(),
            events: OnceLock::new(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.view.data.is_empty()
    }

    /// Whether there is more at once.
    pub fn is_short_of_end(&self) -> bool {
        self.view.page.next < self.view.page.latest
    }

    /// Until when to rest, at the latest, before there may be more.
    pub fn rests_until(&self, until: Instant) -> Instant {
        self.due.map_or(until, |due| due.min(until))
    }

    /// # Errors
    /// When it cannot be serialised.
    pub fn finished(&self) -> Result<Arc<Finished>> {
        if let Some(finished) = self.finished.get() {
            return Ok(Arc::clone(finished));
        }
        let finished = Arc::new(answer(&self.view)?.finish(0));
        Ok(Arc::clone(self.finished.get_or_init(|| finished)))
    }

    /// As server-sent events (WHATWG HTML section 9.2): one for each line, whose number is the event's id.
    ///
    /// # Errors
    /// When it cannot be serialised.
    pub fn events(&self) -> Result<Bytes> {
        if let Some(events) = self.events.get() {
            return Ok(events.clone());
        }
        let mut text = String::new();
        for line in &self.view.data {
            // JSON has no line breaks but escaped ones.
            let json = serde_json::to_string(line)
                .map_err(|error| Error::Internal(format!("cannot serialise a line: {error}")))?;
            text.push_str(&format!(
                "id: {}\nevent: change\ndata: {json}\n\n",
                line.seq
            ));
        }
        Ok(self.events.get_or_init(|| text.into()).clone())
    }
}

/// The page as an answer, which says something about this moment only.
///
/// # Errors
/// When it cannot be serialised.
pub fn answer(view: &ChangeListView) -> Result<Answer> {
    Ok(Answer::json(view)?.not_cached(true))
}

/// Reads a page. `readable` is the line that this server's readers see.
///
/// # Errors
/// 400 where `after` is beyond the log's end.
pub fn read(
    conn: &mut Conn,
    state: &State,
    asked: &Asked,
    readable: Option<i64>,
    now: DateTime<Utc>,
) -> Result<Found> {
    // Between the look at the key and this snapshot tags may have been merged, and lines are looked at once.
    let sight = rights::by_now(conn, &asked.sight)?;
    let last = changes::last(conn)?;
    let store = identity::known(conn)?.unwrap_or_default();
    if asked.after > last {
        return Err(beyond(asked.after, last));
    }
    let readable = readable.map_or(last, |readable| readable.min(last));
    let (latest, due) = end(conn, &sight, readable, now)?;
    let until = latest.min(asked.after.saturating_add(SPAN));
    let mut page = ChangePageView {
        next: asked.after,
        latest,
        store,
    };
    let mut data = Vec::new();
    if until > asked.after {
        let (mut rows, next) = lines(conn, asked, &sight, until, now)?;
        page.next = next;
        if asked.embed && change_views::within(conn, &mut rows, asked.budget)? {
            page.next = rows.last().map_or(next, |row| row.seq);
        }
        let now = told_at(&rows, now);
        data = change_views::views(conn, state, rows, asked.embed, &sight, now)?;
    }
    Ok(Found::of(ChangeListView { data, page }, due))
}

/// The last line that someone of this sight is told at `now`, of those until `readable`, and when the next is due.
fn end(
    conn: &mut Conn,
    sight: &Sight,
    readable: i64,
    now: DateTime<Utc>,
) -> Result<(i64, Option<Instant>)> {
    let delay = sight.rights().map_or(TimeDelta::zero(), |it| it.shift);
    if delay <= TimeDelta::zero() {
        return Ok((readable, None));
    }
    let moment = now.checked_sub_signed(delay).unwrap_or(now);
    let latest = changes::last_by(conn, readable, moment)?;
    let next = changes::written_after(conn, latest, readable)?;
    // Not as long as a page is shared that was read before.
    let wait = next.map(|at| (at - moment).to_std().unwrap_or_default().max(UNSHARED));
    Ok((
        latest,
        wait.and_then(|wait| Instant::now().checked_add(wait)),
    ))
}

/// The lines until `until` that are asked for and told, and from where to go on. A partner may be told few of many:
/// more are looked at then.
fn lines(
    conn: &mut Conn,
    asked: &Asked,
    sight: &Sight,
    until: i64,
    now: DateTime<Utc>,
) -> Result<(Vec<ChangeRow>, i64)> {
    let kind = asked.kind.map(|kind| match kind {
        Kind::Article => ChangeKind::Article,
        Kind::Tag => ChangeKind::Tag,
    });
    let wanted = usize::try_from(asked.limit).unwrap_or(usize::MAX);
    let partner = sight.rights().map(partner_lines::key_of);
    // Mostly what is asked for is what is told; where it is not, more is looked at together.
    let mut batch = asked.limit;
    let mut looked_at = 0;
    let mut told: Vec<ChangeRow> = Vec::new();
    let mut next = asked.after;
    loop {
        let rows = changes::told(conn, next, until, kind, partner, batch)?;
        let is_cut = i64::try_from(rows.len()).is_ok_and(|found| found >= batch);
        next = match rows.last() {
            Some(row) if is_cut => row.seq,
            _ => until,
        };
        told.extend(match sight.rights() {
            None => rows,
            Some(_) => {
                let now = told_at(&rows, now);
                change_views::told(conn, sight, rows, now)?
            }
        });
        if told.len() > wanted {
            told.truncate(wanted);
            next = told.last().map_or(next, |row| row.seq);
        }
        looked_at += batch;
        let is_done = sight.rights().is_none() || looked_at >= LOOKED_AT;
        if next >= until || told.len() >= wanted || is_done {
            break;
        }
        batch = batch.max((batch * 4).min(BATCH));
    }
    Ok((told, next))
}

/// Another server's clock may be ahead: what it has told is so, though this one's clock is not there yet.
fn told_at(rows: &[ChangeRow], now: DateTime<Utc>) -> DateTime<Utc> {
    let last = rows.iter().map(|row| row.at.and_utc()).max();
    last.map_or(now, |at| at.max(now))
}

fn beyond(after: i64, last: i64) -> Error {
    let detail = format!(
        "is {after}, and the log ends with {last}: this is another store, or one that was restored to an earlier state; begin anew"
    );
    Error::parameter("after", detail)
}

/// Those who wait, and what wakes them.
pub struct Feed {
    pub places: Places,
    /// How long a stream waits for a reader that takes nothing.
    pub patience: Duration,
    followed: watch::Receiver<Option<i64>>,
    purged: Option<watch::Receiver<i64>>,
    closing: watch::Sender<bool>,
    shared: Mutex<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Up to which line the pages were read.
    readable: Option<i64>,
    /// With when each was first asked for.
    pages: HashMap<Asked, (Instant, Arc<Cell>)>,
}

/// A page that is being read, or was.
type Cell = OnceCell<Arc<Found>>;

/// Wakes when more can be told.
pub struct Waiter {
    followed: watch::Receiver<Option<i64>>,
    purged: Option<watch::Receiver<i64>>,
    closing: watch::Receiver<bool>,
}

/// Why a waiter woke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// There may be more to tell.
    Moved,
    /// The time was over.
    Late,
    /// The server stops.
    Closing,
}

impl Feed {
    pub fn new(config: &Config, progress: &Progress, purges: Option<&Purges>) -> Self {
        Self {
            places: Places::new(config.change_waiters, config.change_waiters_per_client),
            patience: config.change_patience,
            followed: progress.followed(),
            purged: purges.map(Purges::purged),
            closing: watch::Sender::new(false),
            shared: Mutex::default(),
        }
    }

    /// Ends all waiting: the server stops.
    pub fn close(&self) {
        self.closing.send_replace(true);
    }

    pub fn waiter(&self) -> Waiter {
        Waiter {
            followed: self.followed.clone(),
            purged: self.purged.clone(),
            closing: self.closing.subscribe(),
        }
    }

    /// The line up to which what changed can be read here, and in caches outside; `None` where nothing tells, since
    /// everything is being built, and reads ask the database alone.
    pub fn readable(&self) -> Option<i64> {
        let followed = *self.followed.borrow();
        let purged = self.purged.as_ref().map(|purged| *purged.borrow());
        match (followed, purged) {
            (Some(followed), Some(purged)) => Some(followed.min(purged)),
            (one, other) => one.or(other),
        }
    }

    /// What was asked, read once for all who ask the same at the same time.
    ///
    /// # Errors
    /// As [`read`].
    pub async fn page(&self, state: &State, asked: &Asked) -> Result<Arc<Found>, Problem> {
        let readable = self.readable();
        let cell = self.cell(asked, readable);
        let found = cell
            .get_or_try_init(|| {
                let asked = asked.clone();
                state.blocking(move |state, now| {
                    let found = state
                        .database
                        .read(|conn| read(conn, state, &asked, readable, now))?;
                    Ok(Arc::new(found))
                })
            })
            .await?;
        Ok(Arc::clone(found))
    }

    fn cell(&self, asked: &Asked, readable: Option<i64>) -> Arc<Cell> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if shared.readable != readable {
            shared.readable = readable;
            shared.pages.clear();
        }
        shared
            .pages
            .retain(|_, (made, _)| made.elapsed() < SHARED_FOR);
        if let Some((_, cell)) = shared.pages.get(asked) {
            return Arc::clone(cell);
        }
        let cell = Arc::default();
        // Who is far behind reads alone.
        if shared.pages.len() < MAX_SHARED {
            let entry = (Instant::now(), Arc::clone(&cell));
            shared.pages.insert(asked.clone(), entry);
        }
        cell
    }
}

impl Waiter {
    /// Takes note of what there is: only what comes later wakes. To be called before reading.
    pub fn look(&mut self) {
        self.followed.borrow_and_update();
        if let Some(purged) = &mut self.purged {
            purged.borrow_and_update();
        }
    }

    /// Rests until more can be told than at the last look, the server stops, or the time is over.
    pub async fn rest(&mut self, until: Instant) -> Woken {
        let purged = async {
            match &mut self.purged {
                Some(purged) => purged.changed().await,
                None => std::future::pending().await,
            }
        };
        // What sends is there as long as the server is; where it is gone, so is the server.
        let moved = |changed: Result<(), watch::error::RecvError>| match changed {
            Ok(()) => Woken::Moved,
            Err(_) => Woken::Closing,
        };
        tokio::select! {
            _ = self.closing.wait_for(|closing| *closing) => Woken::Closing,
            changed = self.followed.changed() => moved(changed),
            changed = purged => moved(changed),
            () = actix_web::rt::time::sleep_until(until.into()) => Woken::Late,
        }
    }
}
