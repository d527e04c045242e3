//! Keeping the index: entries in and out, and commits that say how far the log was followed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tantivy::directory::DirectoryLock;
use tantivy::indexer::IndexWriterOptions;
use tantivy::query::AllQuery;
use tantivy::{IndexReader, IndexWriter, Term};

use super::fields::{Entry, Fields, VERSION};
use super::index::Index;
use super::merging::Merging;
use super::{Error, Result};

/// Writes the index; there is one per directory. After an error every call answers
/// [`Error::Stopped`] until [`Writer::restart`], because what was written since the last commit
/// may be lost and a later commit must not claim it.
pub struct Writer {
    index: tantivy::Index,
    shared: Index,
    store_id: String,
    /// Held for as long as this lives.
    pub(super) lock: Option<DirectoryLock>,
}

/// What is written and not committed. A commit costs many times what it costs to take an article in, so that of
/// articles that are followed waits for the first who searches, who makes it.
#[derive(Default)]
pub(super) struct Pending {
    /// Whether something was noted that is in no commit yet, so that whoever searches must commit first.
    is_wanted: AtomicBool,
    /// There is one while the writer lives and has not failed.
    open: Mutex<Option<Open>>,
}

/// The engine at work. Dropped before the directory's lock.
struct Open {
    engine: IndexWriter,
    reader: IndexReader,
    store_id: String,
    /// What the next commit may claim; `None`: nothing since the last.
    position: Option<i64>,
    committed: Instant,
}

/// Words waiting to become a segment, in bytes.
const ARENA: usize = 32_000_000;

/// How long what is followed may wait for someone who searches. As much would have to be followed again after a crash;
/// and each commit is a segment, which is merged with others again and again.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

impl Writer {
    pub(super) fn new(index: tantivy::Index, shared: Index, store_id: &str) -> Result<Self> {
        let mut writer = Self {
            index,
            shared,
            store_id: store_id.to_owned(),
            lock: None,
        };
        writer.restart()?;
        Ok(writer)
    }

    /// Puts an article in, in place of the one with its number. Seen after the next commit.
    ///
    /// # Errors
    /// When the engine failed.
    pub fn upsert(&mut self, entry: &Entry<'_>) -> Result<()> {
        let fields: Fields = self.shared.fields;
        let document = fields.document(entry);
        self.pending().with(|open| {
            let number = Term::from_field_i64(fields.num, entry.num);
            open.engine.delete_term(number);
            open.engine.add_document(document).map(drop)
        })
    }

    /// Takes an article out, if it is there. Seen after the next commit.
    ///
    /// # Errors
    /// When the engine failed.
    pub fn delete(&mut self, num: i64) -> Result<()> {
        let term = Term::from_field_i64(self.shared.fields.num, num);
        self.pending().with(|open| {
            open.engine.delete_term(term);
            Ok(())
        })
    }

    /// Takes every article out. Seen after the next commit.
    ///
    /// # Errors
    /// When the engine failed.
    pub fn clear(&mut self) -> Result<()> {
        // Not `delete_all_documents`, which would leave those that still wait in the arena.
        self.pending()
            .with(|open| open.engine.delete_query(Box::new(AllQuery)).map(drop))
    }

    /// Makes what was written visible to every [`Index`], and keeps it with `position`, the place
    /// in the change log up to which the index now knows everything.
    ///
    /// # Errors
    /// When the engine failed or the disk is full.
    pub fn commit(&mut self, position: i64) -> Result<()> {
        self.note(position)?;
        self.pending().commit()
    }

    /// The same, but made by the first who searches, or by [`Writer::settle`]: no search begun after this misses what
    /// was written before.
    ///
    /// # Errors
    /// When the engine failed.
    pub fn note(&mut self, position: i64) -> Result<()> {
        let pending = self.pending();
        pending.with(|open| {
            open.position = Some(position);
            pending.is_wanted.store(true, Ordering::Release);
            Ok(())
        })
    }

    /// Commits what has been waiting for too long.
    ///
    /// # Errors
    /// When the engine failed, also in a commit that a search made, or the disk is full.
    pub fn settle(&mut self) -> Result<()> {
        let mut is_due = false;
        self.pending().with(|open| {
            is_due = open.position.is_some() && open.committed.elapsed() >= LONGEST_WAIT;
            Ok(())
        })?;
        match is_due {
            true => self.pending().commit(),
            false => Ok(()),
        }
    }

    /// Goes back to the last commit and returns its position; also ends the state of failure.
    ///
    /// # Errors
    /// When the index cannot be opened again.
    pub fn restart(&mut self) -> Result<Option<i64>> {
        let mut open = self.pending().lock();
        *open = None; // Gives back the engine's own lock.
        let options = IndexWriterOptions::builder()
            .num_worker_threads(1)
            .num_merge_threads(1)
            .memory_budget_per_thread(ARENA)
            .build();
        let engine: IndexWriter = self.index.writer_with_options(options)?;
        engine.set_merge_policy(Box::new(Merging::default()));
        let reader = self.shared.reader()?.clone();
        reader.reload()?;
        *open = Some(Open {
            engine,
            reader,
            store_id: self.store_id.clone(),
            position: None,
            committed: Instant::now(),
        });
        let payload = self.index.load_metas()?.payload;
        Ok(Payload::read(payload.as_deref(), &self.store_id))
    }

    fn pending(&self) -> &Pending {
        &self.shared.pending
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        *self.pending().lock() = None;
    }
}

impl Pending {
    pub(super) fn shared() -> Arc<Self> {
        Arc::default()
    }

    /// Commits what was noted, if there is any.
    ///
    /// # Errors
    /// When that fails, and after a failure until what was lost has been noted again.
    pub(super) fn before_search(&self) -> Result<()> {
        match self.is_wanted.load(Ordering::Acquire) {
            true => self.commit(),
            false => Ok(()),
        }
    }

    /// Whoever comes while another commits waits, and finds it done.
    fn commit(&self) -> Result<()> {
        let is_wanted = || self.is_wanted.load(Ordering::Acquire);
        let mut open = self.lock();
        let Some(engine) = open.as_mut() else {
            return Err(Error::Stopped);
        };
        match engine.position {
            Some(position) => {
                if let Err(error) = engine.commit(position) {
                    *open = None;
                    return Err(error.into());
                }
            }
            // It went with the engine that failed.
            None if is_wanted() => return Err(Error::Stopped),
            None => {}
        }
        // Not before: a search that saw it meanwhile would not wait.
        self.is_wanted.store(false, Ordering::Release);
        Ok(())
    }

    fn with(&self, work: impl FnOnce(&mut Open) -> tantivy::Result<()>) -> Result<()> {
        let mut open = self.lock();
        let done = open.as_mut().map(work);
        if !matches!(done, Some(Ok(()))) {
            *open = None;
        }
        Ok(done.ok_or(Error::Stopped)??)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Open>> {
        // Whoever panicked may have left the engine halfway.
        self.open.lock().unwrap_or_else(|poisoned: PoisonError<_>| {
            let mut open = poisoned.into_inner();
            *open = None;
            self.open.clear_poison();
            open
        })
    }
}

impl Open {
    fn commit(&mut self, position: i64) -> tantivy::Result<()> {
        let mut commit = self.engine.prepare_commit()?;
        commit.set_payload(&Payload::write(position, &self.store_id));
        commit.commit()?;
        self.reader.reload()?;
        self.position = None;
        self.committed = Instant::now();
        Ok(())
    }
}

/// What a commit carries: this module's version, the position, the database it follows.
pub struct Payload;

impl Payload {
    fn write(position: i64, store_id: &str) -> String {
        format!("{VERSION} {position} {store_id}")
    }

    /// The position, if the rest is ours.
    pub fn read(payload: Option<&str>, store_id: &str) -> Option<i64> {
        let mut parts = payload?.splitn(3, ' ');
        let version: u32 = parts.next()?.parse().ok()?;
        let position: i64 = parts.next()?.parse().ok()?;
        (version == VERSION && parts.next()? == store_id).then_some(position)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{article, finds};
    use super::super::in_memory;
    use super::*;

    #[test]
    fn a_payload_is_read_by_its_own_store_and_version_only() {
        let payload = Payload::write(-42, "store with spaces");
        assert_eq!(
            Payload::read(Some(&payload), "store with spaces"),
            Some(-42)
        );
        assert_eq!(Payload::read(Some(&payload), "store"), None);
        assert_eq!(Payload::read(None, "store"), None);
        let other = format!("{} 7 store", VERSION + 1);
        assert_eq!(Payload::read(Some(&other), "store"), None);
        for garbage in ["", " ", "1", "1 7", "x y z", "1 7x store"] {
            assert_eq!(Payload::read(Some(garbage), "store"), None, "{garbage:?}");
        }
    }

    #[test]
    fn an_article_put_in_twice_is_there_once() {
        let (index, mut writer) = in_memory().unwrap();
        article(1, "fr", "Roses").put(&mut writer);
        article(1, "fr", "Eau").put(&mut writer);
        writer.commit(1).unwrap();
        assert_eq!(
            (finds(&index, "roses"), finds(&index, "eau")),
            (vec![], vec![1])
        );
        article(1, "en", "Snow").put(&mut writer);
        assert_eq!(finds(&index, "eau"), [1], "not before the commit");
        writer.commit(2).unwrap();
        assert_eq!(
            (finds(&index, "eau"), finds(&index, "snow")),
            (vec![], vec![1])
        );
        assert_eq!(index.len(), 1);
    }

    #[test]
    fn what_is_taken_out_is_gone_after_the_commit() {
        let (index, mut writer) = in_memory().unwrap();
        for num in 1..=3 {
            article(num, "fr", "Roses").put(&mut writer);
        }
        writer.commit(1).unwrap();
        writer.delete(2).unwrap();
        writer.delete(99).unwrap();
        assert_eq!(finds(&index, "roses"), [1, 2, 3]);
        writer.commit(2).unwrap();
        assert_eq!(finds(&index, "roses"), [1, 3]);
        article(2, "fr", "Roses").put(&mut writer);
        writer.delete(2).unwrap();
        writer.commit(3).unwrap();
        assert_eq!(finds(&index, "roses"), [1, 3]);
    }

    #[test]
    fn clearing_takes_out_what_was_committed_and_what_was_not() {
        let (index, mut writer) = in_memory().unwrap();
        article(1, "fr", "Roses").put(&mut writer);
        writer.commit(1).unwrap();
        article(2, "fr", "Roses").put(&mut writer);
        writer.clear().unwrap();
        article(3, "fr", "Roses").put(&mut writer);
        writer.commit(2).unwrap();
        assert_eq!(finds(&index, "roses"), [3]);
        writer.clear().unwrap();
        writer.commit(3).unwrap();
        assert!(index.is_empty());
        assert_eq!(writer.restart().unwrap(), Some(3));
    }

    #[test]
    fn a_restart_forgets_what_was_not_committed() {
        let (index, mut writer) = in_memory().unwrap();
        assert_eq!(writer.restart().unwrap(), None);
        article(1, "fr", "Roses").put(&mut writer);
        writer.commit(5).unwrap();
        article(2, "fr", "Roses").put(&mut writer);
        assert_eq!(writer.restart().unwrap(), Some(5));
        writer.commit(6).unwrap();
        assert_eq!(finds(&index, "roses"), [1]);
    }

    #[test]
    fn what_was_noted_is_found_by_the_first_who_searches() {
        let (index, mut writer) = in_memory().unwrap();
        article(1, "fr", "Roses").put(&mut writer);
        writer.commit(1).unwrap();
        article(2, "fr", "Roses").put(&mut writer);
        writer.note(2).unwrap();
        assert_eq!(index.len(), 1, "nobody has searched");
        assert_eq!(finds(&index, "roses"), [1, 2]);
        writer.delete(1).unwrap();
        assert_eq!(finds(&index, "roses"), [1, 2], "not before it is noted");
        writer.note(3).unwrap();
        assert_eq!(finds(&index, "roses"), [2]);
        assert_eq!(
            writer.restart().unwrap(),
            Some(3),
            "as committed by the search"
        );
    }

    #[test]
    fn what_nobody_searches_for_is_committed_after_a_while() {
        let (index, mut writer) = in_memory().unwrap();
        article(1, "fr", "Roses").put(&mut writer);
        writer.note(5).unwrap();
        writer.settle().unwrap();
        assert_eq!(index.len(), 0, "it has not waited for long");
        let pending = writer.pending();
        let past = Instant::now().checked_sub(LONGEST_WAIT).unwrap();
        let turned_back = pending.with(|open| {
            open.committed = past;
            Ok(())
        });
        turned_back.unwrap();
        writer.settle().unwrap();
        assert_eq!(index.len(), 1);
        assert_eq!(writer.restart().unwrap(), Some(5));
    }

    #[test]
    fn searches_find_what_was_noted_before_them_whoever_commits() {
        let (index, mut writer) = in_memory().unwrap();
        writer.commit(0).unwrap();
        let (told, heard) = std::sync::mpsc::channel::<i64>();
        let heard = Mutex::new(heard);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                let (index, heard) = (index.clone(), &heard);
                scope.spawn(move || {
                    loop {
                        let Ok(num) = heard.lock().unwrap().recv() else {
                            return;
                        };
                        assert!(finds(&index, "roses").contains(&num), "{num}");
                    }
                });
            }
            for num in 1..=100 {
                article(num, "fr", "Roses").put(&mut writer);
                writer.note(num).unwrap();
                told.send(num).unwrap();
            }
            drop(told);
        });
    }

    #[test]
    fn after_a_failure_no_search_passes_over_what_was_noted() {
        let (index, mut writer) = in_memory().unwrap();
        article(1, "fr", "Roses").put(&mut writer);
        writer.commit(5).unwrap();
        article(2, "fr", "Roses").put(&mut writer);
        writer.note(6).unwrap();
        let failure = tantivy::TantivyError::SystemError("disk".into());
        writer.pending().with(|_| Err(failure)).unwrap_err();
        let search = || index.search(&super::super::fixture::query("roses"));
        assert!(matches!(search(), Err(Error::Stopped)));
        assert!(matches!(writer.settle(), Err(Error::Stopped)));
        assert_eq!(writer.restart().unwrap(), Some(5));
        assert!(matches!(search(), Err(Error::Stopped)), "it is still lost");
        article(2, "fr", "Roses").put(&mut writer);
        writer.note(6).unwrap();
        assert_eq!(finds(&index, "roses"), [1, 2]);
    }

    #[test]
    fn after_a_failure_nothing_is_claimed_before_a_restart() {
        let (index, mut writer) = in_memory().unwrap();
        article(1, "fr", "Roses").put(&mut writer);
        writer.commit(5).unwrap();
        let failure = writer
            .pending()
            .with(|_| Err(tantivy::TantivyError::SystemError("disk".into())));
        assert!(matches!(failure, Err(Error::Engine(_))));
        assert!(matches!(writer.delete(1), Err(Error::Stopped)));
        assert!(matches!(writer.commit(6), Err(Error::Stopped)));
        assert_eq!(finds(&index, "roses"), [1]);
        assert_eq!(writer.restart().unwrap(), Some(5));
        writer.delete(1).unwrap();
        writer.commit(6).unwrap();
        assert!(index.is_empty());
    }

    #[test]
    fn many_small_commits_stay_searchable_while_segments_merge() {
        let (index, mut writer) = in_memory().unwrap();
        for num in 0..100 {
            article(num % 60, "fr", "Roses").put(&mut writer);
            writer.commit(num).unwrap();
            assert_eq!(index.len(), (num as u64 + 1).min(60));
        }
        assert_eq!(finds(&index, "roses"), (0..60).collect::<Vec<i64>>());
    }
}
