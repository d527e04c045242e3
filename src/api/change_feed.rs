//! Pages of the change feed, and waiting for the next line without holding a thread.
//!
//! All who wait are woken by one channel, which the follower feeds when what it derives has come to a line. Those who
//! want the same lines then share one read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use actix_web::web::Bytes;
use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore, watch};
use utoipa::ToSchema;

use crate::api::change_views::{self, ChangeView};
use crate::api::conditional::Answer;
use crate::api::finished::Finished;
use crate::api::problem::Problem;
use crate::api::state::State;
use crate::db::Conn;
use crate::delivery::Purges;
use crate::error::{Error, Result};
use crate::follower::Progress;
use crate::store::changes::{self, ChangeKind};
use crate::store::identity;

/// Lines of the log that one page looks at, at the most: there may be very many that are not told.
const SPAN: i64 = 100_000;
/// Bytes of bodies that a page embeds, but for its first line.
const PAGE_BUDGET: usize = 8 << 20;
/// How long those who wake together share what one of them has read.
const SHARED_FOR: Duration = Duration::from_secs(1);
/// Different pages that are shared at a time.
const MAX_SHARED: usize = 64;

/// What is asked of the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Asked {
    pub after: i64,
    pub kind: Option<Kind>,
    pub embed: bool,
    pub limit: i64,
    /// Bytes of bodies that may be embedded.
    pub budget: usize,
}

/// What kind of thing lines are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Article,
    Tag,
}

impl Asked {
    pub fn page(after: i64, kind: Option<Kind>, embed: bool, limit: i64) -> Self {
        Self {
            after,
            kind,
            embed,
            limit,
            budget: PAGE_BUDGET,
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
    finished: OnceLock<Arc<Finished>>,
    events: OnceLock<Bytes>,
}

impl Found {
    fn of(view: ChangeListView) -> Self {
        Self {
            view,
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
    let last = changes::last(conn)?;
    let store = identity::known(conn)?.unwrap_or_default();
    if asked.after > last {
        return Err(beyond(asked.after, last));
    }
    let latest = readable.map_or(last, |readable| readable.min(last));
    let until = latest.min(asked.after.saturating_add(SPAN));
    let mut page = ChangePageView {
        next: asked.after,
        latest,
        store,
    };
    let mut data = Vec::new();
    if until > asked.after {
        let kind = asked.kind.map(|kind| match kind {
            Kind::Article => ChangeKind::Article,
            Kind::Tag => ChangeKind::Tag,
        });
        let mut rows = changes::told(conn, asked.after, until, kind, asked.limit)?;
        let mut is_cut = i64::try_from(rows.len()).is_ok_and(|found| found >= asked.limit);
        if asked.embed {
            is_cut |= change_views::within(conn, &mut rows, asked.budget)?;
        }
        page.next = match rows.last() {
            Some(row) if is_cut => row.seq,
            _ => until,
        };
        // Another server's clock may be ahead: what it has told is so, though this one's clock is not there yet.
        let told_at = rows.iter().map(|row| row.at.and_utc()).max();
        let now = told_at.map_or(now, |at| at.max(now));
        data = change_views::views(conn, state, rows, asked.embed, now)?;
    }
    Ok(Found::of(ChangeListView { data, page }))
}

fn beyond(after: i64, last: i64) -> Error {
    let detail = format!(
        "is {after}, and the log ends with {last}: this is another store, or one that was restored to an earlier state; begin anew"
    );
    Error::parameter("after", detail)
}

/// Those who wait, and what wakes them.
pub struct Feed {
    places: Arc<Semaphore>,
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

/// One place among those who wait.
pub struct Place(#[allow(dead_code)] OwnedSemaphorePermit); // held, not used

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
    /// A feed for so many who wait at a time.
    pub fn new(places: usize, progress: &Progress, purges: Option<&Purges>) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places)),
            followed: progress.followed(),
            purged: purges.map(Purges::purged),
            closing: watch::Sender::new(false),
            shared: Mutex::default(),
        }
    }

    /// # Errors
    /// [`Error::Busy`] where as many wait as may.
    pub fn enter(&self) -> Result<Place> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let busy = "as many as may are waiting for changes; ask without `wait`, or later";
        place.map(Place).map_err(|_| Error::Busy(busy))
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
