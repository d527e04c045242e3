//! The change feed as server-sent events: a stream that reads as fast as it is read.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::rt::time::timeout;
use actix_web::web::Bytes;
use futures_util::Stream;
use futures_util::stream;
use tokio::sync::{Notify, mpsc};

use crate::api::auth::{self, Viewer};
use crate::api::change_feed::{Asked, Kind, Waiter, Woken};
use crate::api::change_places::Place;
use crate::api::state::State;
use crate::content::sight::Sight;

/// Lines that are taken together, and bytes that they have: what a slow reader holds in memory.
const LIMIT: i64 = 100;
const BUDGET: usize = 128 << 10;
/// Between two signs of life where nothing happens.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Between two looks at whether the caller's credentials still count, and for what.
const CHECK: Duration = Duration::from_secs(30);
/// A stream's life: whoever goes on takes a place anew.
const LIFE: Duration = Duration::from_secs(3_600);
/// After a failure, and how many in a row end the stream.
const RETRY: Duration = Duration::from_secs(1);
const FAILURES: u32 = 5;
/// The reader comes back after three seconds.
const OPENING: &str = "retry: 3000\n: changes\n\n";

/// What a stream asks for.
pub fn asked(after: i64, kind: Option<Kind>, embed: bool, sight: Sight) -> Asked {
    Asked {
        after,
        kind,
        embed,
        limit: LIMIT,
        budget: BUDGET,
        sight,
    }
}

/// The events, without an end. Each part is read when the one before is on its way, so a slow reader holds one part; one
/// that takes nothing at all for too long loses its place.
pub fn events(
    state: Arc<State>,
    asked: Asked,
    place: Place,
    viewer: Viewer,
) -> impl Stream<Item = Result<Bytes, Infallible>> {
    let now = Instant::now();
    let reader = Reader {
        waiter: state.feed.waiter(),
        told: asked.after,
        state,
        asked,
        viewer,
        place,
        ends: now + LIFE,
        checked: now,
        heard: now,
        failures: 0,
    };
    let (parts, taken) = mpsc::channel(1);
    let wanted = Arc::new(Notify::new());
    // By itself, for who is not read is not asked, either.
    actix_web::rt::spawn(reader.run(parts, Arc::clone(&wanted)));
    let opening = stream::once(std::future::ready(Ok(Bytes::from_static(
        OPENING.as_bytes(),
    ))));
    let rest = stream::unfold((taken, wanted), |(mut taken, wanted)| async move {
        wanted.notify_one();
        let part = taken.recv().await?;
        Some((Ok(part), (taken, wanted)))
    });
    futures_util::StreamExt::chain(opening, rest)
}

struct Reader {
    state: Arc<State>,
    asked: Asked,
    /// The last id that the reader was sent, or knew.
    told: i64,
    viewer: Viewer,
    waiter: Waiter,
    #[allow(dead_code)] // held as long as the stream
    place: Place,
    ends: Instant,
    checked: Instant,
    heard: Instant,
    failures: u32,
}

impl Reader {
    /// Reads part by part as they are wanted, until the stream has ended on either side.
    async fn run(mut self, parts: mpsc::Sender<Bytes>, wanted: Arc<Notify>) {
        let patience = self.state.feed.patience;
        let read = async {
            while timeout(patience, wanted.notified()).await.is_ok() {
                let Some(part) = self.next().await else {
                    return;
                };
                if parts.send(part).await.is_err() {
                    return;
                }
            }
        };
        tokio::select! {
            () = parts.closed() => {}
            () = read => {}
        }
    }

    /// The next part; `None` ends the stream.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if Instant::now() >= self.ends || !self.still_counts().await {
                return None;
            }
            self.waiter.look();
            let state = Arc::clone(&self.state);
            let found = match state.feed.page(&state, &self.asked).await {
                Ok(found) => found,
                Err(problem) => {
                    self.failures += 1;
                    if self.failures >= FAILURES {
                        log::warn!("a stream of changes ends: {}", problem.0);
                        return None;
                    }
                    actix_web::rt::time::sleep(RETRY).await;
                    continue;
                }
            };
            self.failures = 0;
            self.asked.after = found.view.page.next;
            if let Some(line) = found.view.data.last() {
                self.told = line.seq;
                self.heard = Instant::now();
                return found.events().ok();
            }
            if found.is_short_of_end() {
                continue;
            }
            let until = (self.heard + HEARTBEAT).min(self.ends);
            match self.waiter.rest(found.rests_until(until)).await {
                Woken::Moved => {}
                Woken::Closing => return None,
                Woken::Late if Instant::now() >= until => return Some(self.heartbeat()),
                Woken::Late => {}
            }
        }
    }

    /// A comment; and the id by itself where lines that are not told have been passed by, so that the reader need not
    /// pass by them again. An event without data is none.
    fn heartbeat(&mut self) -> Bytes {
        self.heard = Instant::now();
        if self.told == self.asked.after {
            return Bytes::from_static(b":\n\n");
        }
        self.told = self.asked.after;
        format!("id: {}\n\n", self.told).into()
    }

    /// Whether the caller may still read; and takes note of what, for its rights may have changed.
    async fn still_counts(&mut self) -> bool {
        let Some(identity) = self.viewer.identity().cloned() else {
            return true;
        };
        if self.checked.elapsed() < CHECK {
            return true;
        }
        self.checked = Instant::now();
        let asked = self.state.blocking(move |state, now| {
            state.database.read(|conn| {
                auth::still_counts(conn, &identity, now)?;
                auth::published_sight(conn, &identity)
            })
        });
        match asked.await {
            Ok(sight) => self.asked.sight = sight,
            Err(_) => return false,
        }
        true
    }
}
