//! Reads the change log and keeps what is derived from the store up to date with it.

mod ahead;
mod cache;
pub mod cards;
mod latest;
mod paced;
mod related;
mod search;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::watch;

pub use cache::{ResponseCache, moves};
pub use paced::Paced;
pub use related::RelatedIndex;
pub use search::SearchIndex;

use crate::db::{Conn, Database};
use crate::error::{Error, Result};
use crate::follower::latest::{Latest, Next};
use crate::store::changes::{self, ChangeRow};
use crate::store::state::{self, Whole};
use crate::store::{shared_pins, tags};

/// Lines of the log, or articles, that are taken at a time.
const BATCH: i64 = 500;
/// Rest after a failure.
const RETRY: Duration = Duration::from_secs(1);

/// Something that can be made anew from the store at any time.
pub trait Derived: Send {
    fn name(&self) -> &'static str;
    /// Takes up what an earlier run left; called before all else, and again after a failure of the program.
    fn open(&mut self) -> Result<()> {
        Ok(())
    }
    /// Up to which line of the log it has followed; `None`: it must be built.
    fn position(&self) -> Option<i64>;
    fn clear(&mut self) -> Result<()>;
    /// Whether it takes articles in; if not, the lines themselves are enough.
    fn wants_articles(&self) -> bool {
        true
    }
    /// Looks at the next lines of the log, in one snapshot with the store, before the articles come.
    fn read(&mut self, _conn: &mut Conn, _lines: &[ChangeRow]) -> Result<()> {
        Ok(())
    }
    /// Whether these lines, with the present state of all articles that they are about, are all that it needs to know; if
    /// not, it is given the chance to [`Derived::read`].
    fn knows_by(&mut self, _lines: &[ChangeRow], _articles: &[Whole]) -> bool {
        true
    }
    /// Takes articles in, in the place of what it knew of them.
    fn put(&mut self, articles: &[Whole]) -> Result<()>;
    fn remove(&mut self, num: i64) -> Result<()>;
    /// Everything up to this line is in: whoever reads from now on sees it.
    fn commit(&mut self, position: i64) -> Result<()>;
    /// Does a little of what can wait until there is nothing to follow; whether there is more of it.
    fn rest(&mut self) -> Result<bool> {
        Ok(false)
    }
}

/// One thread for each derived thing, so that a slow one holds up no other.
pub struct Follower {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// Tells how far each derived thing has come.
#[derive(Clone)]
pub struct Progress(Arc<Shared>);

struct Shared {
    places: Mutex<Places>,
    /// What those wait for who want to see a line.
    moved: Condvar,
    /// What the threads rest on until a line is wanted; another one, so that none is woken because another has moved.
    called: Condvar,
    latest: Latest,
    /// The line that everything which is not being built has come to, for those who wait without a thread.
    followed: watch::Sender<Option<i64>>,
    stop: AtomicBool,
}

type Positions = BTreeMap<&'static str, Option<i64>>;

struct Places {
    positions: Positions,
    /// The last line that someone waited for.
    wanted: i64,
}

impl Shared {
    fn new(positions: Positions) -> Self {
        Self {
            followed: watch::Sender::new(followed(&positions)),
            places: Mutex::new(Places {
                positions,
                wanted: i64::MIN,
            }),
            moved: Condvar::new(),
            called: Condvar::new(),
            latest: Latest::default(),
            stop: AtomicBool::new(false),
        }
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Follower {
    /// Starts following. `interval` is how long a change of another process may wait to be seen.
    pub fn start(
        database: &Database,
        derived: Vec<Box<dyn Derived>>,
        interval: Duration,
    ) -> std::io::Result<Self> {
        let positions = derived.iter().map(|one| (one.name(), None)).collect();
        let shared = Arc::new(Shared::new(positions));
        let threads = derived
            .into_iter()
            .map(|derived| {
                let run = Run {
                    database: database.clone(),
                    shared: Arc::clone(&shared),
                    interval,
                    derived,
                };
                let name = format!("follow-{}", run.derived.name());
                thread::Builder::new().name(name).spawn(|| run.follow())
            })
            .collect::<std::io::Result<_>>()?;
        Ok(Self { shared, threads })
    }

    pub fn progress(&self) -> Progress {
        Progress(Arc::clone(&self.shared))
    }

    /// Ends the threads; what was committed is kept.
    pub fn stop(self) {
        {
            // Under the lock, so that no thread is between its look at this and its rest.
            let _places = self.shared.places();
            self.shared.stop.store(true, Ordering::SeqCst);
            self.shared.called.notify_all();
        }
        for thread in self.threads {
            if thread.join().is_err() {
                log::error!("a follower had panicked");
            }
        }
    }
}

impl Progress {
    /// How far each derived thing has come; `None` while it is being built.
    pub fn positions(&self) -> BTreeMap<&'static str, Option<i64>> {
        self.0.places().positions.clone()
    }

    /// The line that all which is not being built has come to; `None` where everything is being built.
    pub fn followed(&self) -> watch::Receiver<Option<i64>> {
        self.0.followed.subscribe()
    }

    /// Whether the thing of this name has been built.
    pub fn is_ready(&self, name: &str) -> bool {
        let places = self.0.places();
        places.positions.get(name).is_some_and(Option::is_some)
    }

    /// Blocks until everything has followed to `seq`; false when the time ran out before.
    pub fn wait_for(&self, seq: i64, timeout: Duration) -> bool {
        self.wait(seq, timeout, |position| {
            position.is_some_and(|position| position >= seq)
        })
    }

    /// The same for all but what is being built: that takes longer than a write's author should wait.
    pub fn wait_for_followers(&self, seq: i64, timeout: Duration) -> bool {
        self.wait(seq, timeout, |position| {
            position.is_none_or(|position| position >= seq)
        })
    }

    fn wait(&self, seq: i64, timeout: Duration, has_come: impl Fn(Option<i64>) -> bool) -> bool {
        let deadline = Instant::now() + timeout;
        let mut places = self.0.places();
        if places.wanted < seq {
            places.wanted = seq;
            self.0.called.notify_all();
        }
        loop {
            if places
                .positions
                .values()
                .all(|position| has_come(*position))
            {
                return true;
            }
            let Some(left) = deadline.checked_duration_since(Instant::now()) else {
                return false;
            };
            let waited = self.0.moved.wait_timeout(places, left);
            places = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

struct Run {
    database: Database,
    shared: Arc<Shared>,
    interval: Duration,
    derived: Box<dyn Derived>,
}

impl Run {
    fn follow(mut self) {
        let mut opened = false;
        while !self.shared.stop.load(Ordering::SeqCst) {
            // Before the look at the log: what is wanted from now on may not be in what is seen there.
            let wanted = self.shared.places().wanted;
            let stepped = catch_unwind(AssertUnwindSafe(|| match opened {
                true => self.step(),
                false => self.derived.open().map(|()| true),
            }));
            let stepped = match stepped {
                Ok(stepped) => {
                    opened |= stepped.is_ok();
                    if stepped.is_err() {
                        // It may have fallen back.
                        self.announce();
                    }
                    stepped
                }
                Err(_) => {
                    // What it holds may be half of a change.
                    opened = false;
                    self.tell(None);
                    Err(Error::Internal("its follower panicked".to_owned()))
                }
            };
            let rest = match stepped {
                Ok(true) => continue,
                Ok(false) => self.interval,
                Err(error) => {
                    log::error!("the {} index cannot follow: {error}", self.derived.name());
                    RETRY
                }
            };
            let places = self.shared.places();
            let known = self
                .derived
                .position()
                .map_or(wanted, |position| position.max(wanted));
            let is_at_rest = |places: &mut Places| {
                places.wanted <= known && !self.shared.stop.load(Ordering::SeqCst)
            };
            // Woken early by whoever waits for a change of this process.
            let rested = self
                .shared
                .called
                .wait_timeout_while(places, rest, is_at_rest);
            drop(rested);
        }
    }

    /// Takes in the next lines of the log; false when there were none.
    fn step(&mut self) -> Result<bool> {
        let Some(position) = self.derived.position() else {
            self.build()?;
            return Ok(true);
        };
        match self.shared.latest.after(&self.database, position)? {
            Next::Nothing => {
                self.announce();
                return self.derived.rest();
            }
            Next::Edits(edits) if self.derived.knows_by(&edits.lines, &edits.articles) => {
                self.derived.put(&edits.articles)?;
                self.derived.commit(edits.position)?;
                self.announce();
                return Ok(true);
            }
            Next::Edits(_) | Next::Other => {}
        }
        let derived = &mut self.derived;
        let batch = self
            .database
            .read(|conn| Batch::after(conn, position, derived.as_mut()))?;
        let Some(batch) = batch else {
            self.announce();
            return self.derived.rest();
        };
        for nums in batch.nums.chunks(BATCH as usize) {
            let mut articles = self.database.read(|conn| {
                let mut articles = state::of(conn, nums)?;
                shared_pins::add(conn, &mut articles)?;
                Ok(articles)
            })?;
            articles.retain(|article| article.row.deleted_at.is_none());
            self.derived.put(&articles)?;
            let present: BTreeSet<i64> = articles.iter().map(|article| article.row.num).collect();
            for num in nums.iter().filter(|num| !present.contains(num)) {
                self.derived.remove(*num)?;
            }
        }
        self.derived.commit(batch.position)?;
        self.announce();
        Ok(true)
    }

    fn build(&mut self) -> Result<()> {
        let started = Instant::now();
        self.derived.clear()?;
        // Read first: what is written during the scan is then followed after it.
        let position = self.database.read(changes::last)?;
        let mut after = 0;
        let mut count = 0;
        loop {
            let articles = self.database.read(|conn| {
                let mut articles = state::scan(conn, after, BATCH)?;
                shared_pins::add(conn, &mut articles)?;
                Ok(articles)
            })?;
            let Some(last) = articles.last() else { break };
            after = last.row.num;
            count += articles.len();
            self.derived.put(&articles)?;
            if self.shared.stop.load(Ordering::SeqCst) {
                return Ok(());
            }
        }
        self.derived.commit(position)?;
        self.announce();
        let (name, seconds) = (self.derived.name(), started.elapsed().as_secs_f32());
        log::info!("built the {name} index of {count} articles in {seconds:.1} s");
        Ok(())
    }

    fn announce(&self) {
        self.tell(self.derived.position());
    }

    fn tell(&self, position: Option<i64>) {
        let mut places = self.shared.places();
        let positions = &mut places.positions;
        let before = standing(positions);
        positions.insert(self.derived.name(), position);
        let after = standing(positions);
        if before != after {
            // Only the last to come to a line wakes those who wait for it.
            self.shared.moved.notify_all();
            let (followed, _) = after;
            self.shared
                .followed
                .send_if_modified(|known| std::mem::replace(known, followed) != followed);
        }
    }
}

/// All that those who wait go by: how far what is not being built has come, and whether anything is.
fn standing(positions: &Positions) -> (Option<i64>, bool) {
    (followed(positions), positions.values().any(Option::is_none))
}

fn followed(positions: &Positions) -> Option<i64> {
    positions.values().copied().flatten().min()
}

/// What some lines of the log are about. A tag may be borne by very many articles: they are read a part at a time.
struct Batch {
    position: i64,
    nums: Vec<i64>,
}

impl Batch {
    fn after(conn: &mut Conn, position: i64, derived: &mut dyn Derived) -> Result<Option<Self>> {
        let lines = changes::after(conn, position, BATCH)?;
        let Some(last) = lines.last() else {
            return Ok(None);
        };
        derived.read(conn, &lines)?;
        let nums = match derived.wants_articles() {
            true => touched(conn, &lines)?.into_iter().collect(),
            false => Vec::new(),
        };
        Ok(Some(Self {
            position: last.seq,
            nums,
        }))
    }
}

/// The articles that the lines are about; a tag's line is about all that bear it.
fn touched(conn: &mut Conn, lines: &[ChangeRow]) -> Result<BTreeSet<i64>> {
    let mut nums = BTreeSet::new();
    for line in lines {
        match line.kind.as_str() {
            // A new tag's bearers have lines of their own.
            "tag" if line.version > 1 => nums.extend(tags::bearers(conn, line.num)?),
            "tag" => {}
            _ => {
                nums.insert(line.num);
            }
        }
    }
    Ok(nums)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_waits_for_what_follows_and_not_for_what_is_being_built() {
        let progress = |search, related| {
            Progress(Arc::new(Shared::new(BTreeMap::from([
                ("search", search),
                ("related", related),
            ]))))
        };
        let short = Duration::from_millis(20);
        assert!(progress(Some(7), None).wait_for_followers(7, short));
        assert!(!progress(Some(6), None).wait_for_followers(7, short));
        assert!(!progress(Some(7), None).wait_for(7, short));
        assert!(progress(Some(7), Some(8)).wait_for(7, short));
    }
}
