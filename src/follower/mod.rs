//! Reads the change log and keeps what is derived from the store up to date with it.

mod ahead;
mod cache;
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
pub use related::{ProfileFile, RelatedIndex};
pub use search::SearchIndex;

use crate::db::{Conn, Database};
use crate::error::{Error, Result};
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
    positions: Mutex<BTreeMap<&'static str, Option<i64>>>,
    moved: Condvar,
    /// The line that everything which is not being built has come to, for those who wait without a thread.
    followed: watch::Sender<Option<i64>>,
    stop: AtomicBool,
}

impl Shared {
    fn new(positions: BTreeMap<&'static str, Option<i64>>) -> Self {
        Self {
            followed: watch::Sender::new(followed(&positions)),
            positions: Mutex::new(positions),
            moved: Condvar::new(),
            stop: AtomicBool::new(false),
        }
    }

    fn positions(&self) -> MutexGuard<'_, BTreeMap<&'static str, Option<i64>>> {
        self.positions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
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
            let _positions = self.shared.positions();
            self.shared.stop.store(true, Ordering::SeqCst);
            self.shared.moved.notify_all();
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
        self.0.positions().clone()
    }

    /// The line that all which is not being built has come to; `None` where everything is being built.
    pub fn followed(&self) -> watch::Receiver<Option<i64>> {
        self.0.followed.subscribe()
    }

    /// Whether the thing of this name has been built.
    pub fn is_ready(&self, name: &str) -> bool {
        self.0.positions().get(name).is_some_and(Option::is_some)
    }

    /// Blocks until everything has followed to `seq`; false when the time ran out before.
    pub fn wait_for(&self, seq: i64, timeout: Duration) -> bool {
        self.wait(timeout, |position| {
            position.is_some_and(|position| position >= seq)
        })
    }

    /// The same for all but what is being built: that takes longer than a write's author should wait.
    pub fn wait_for_followers(&self, seq: i64, timeout: Duration) -> bool {
        self.wait(timeout, |position| {
            position.is_none_or(|position| position >= seq)
        })
    }

    fn wait(&self, timeout: Duration, has_come: impl Fn(Option<i64>) -> bool) -> bool {
        let deadline = Instant::now() + timeout;
        self.0.moved.notify_all();
        let mut positions = self.0.positions();
        loop {
            if positions.values().all(|position| has_come(*position)) {
                return true;
            }
            let Some(left) = deadline.checked_duration_since(Instant::now()) else {
                return false;
            };
            let waited = self.0.moved.wait_timeout(positions, left);
            positions = waited.unwrap_or_else(PoisonError::into_inner).0;
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
            let positions = self.shared.positions();
            if self.shared.stop.load(Ordering::SeqCst) {
                return;
            }
            // Woken early by whoever waits for a change of this process.
            drop(self.shared.moved.wait_timeout(positions, rest));
        }
    }

    /// Takes in the next lines of the log; false when there were none.
    fn step(&mut self) -> Result<bool> {
        let Some(position) = self.derived.position() else {
            self.build()?;
            return Ok(true);
        };
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
        let mut positions = self.shared.positions();
        if positions.insert(self.derived.name(), position) != Some(position) {
            self.shared.moved.notify_all();
            let followed = followed(&positions);
            self.shared
                .followed
                .send_if_modified(|known| std::mem::replace(known, followed) != followed);
        }
    }
}

fn followed(positions: &BTreeMap<&'static str, Option<i64>>) -> Option<i64> {
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
