//! Keeping the index: entries in and out, and commits that say how far the log was followed.

use tantivy::directory::DirectoryLock;
use tantivy::indexer::{IndexWriterOptions, LogMergePolicy};
use tantivy::query::AllQuery;
use tantivy::{IndexWriter, Term};

use super::fields::{Entry, VERSION};
use super::index::Index;
use super::{Error, Result};

/// Writes the index; there is one per directory. After an error every call answers
/// [`Error::Stopped`] until [`Writer::restart`], because what was written since the last commit
/// may be lost and a later commit must not claim it.
pub struct Writer {
    /// Dropped before the lock below it.
    engine: Option<IndexWriter>,
    pub(super) index: tantivy::Index,
    pub(super) shared: Index,
    pub(super) store_id: String,
    /// Held for as long as this lives.
    pub(super) lock: Option<DirectoryLock>,
}

/// Words waiting to become a segment, in bytes.
const ARENA: usize = 32_000_000;

/// Segments smaller than this many articles count as equally small when choosing what to merge. Every eighth write
/// merges them, so that of a thousand would take more time than the writing itself.
const SMALL: u32 = 200;

impl Writer {
    pub(super) fn new(index: tantivy::Index, shared: Index, store_id: &str) -> Result<Self> {
        let mut writer = Self {
            engine: None,
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
        let fields = self.shared.fields;
        self.try_with(|engine| {
            engine.delete_term(Term::from_field_i64(fields.num, entry.num));
            engine.add_document(fields.document(entry)).map(drop)
        })
    }

    /// Takes an article out, if it is there. Seen after the next commit.
    ///
    /// # Errors
    /// When the engine failed.
    pub fn delete(&mut self, num: i64) -> Result<()> {
        let term = Term::from_field_i64(self.shared.fields.num, num);
        self.try_with(|engine| {
            engine.delete_term(term);
            Ok(())
        })
    }

    /// Takes every article out. Seen after the next commit.
    ///
    /// # Errors
    /// When the engine failed.
    pub fn clear(&mut self) -> Result<()> {
        // Not `delete_all_documents`, which would leave those that still wait in the arena.
        self.try_with(|engine| engine.delete_query(Box::new(AllQuery)).map(drop))
    }

    /// Makes what was written visible to every [`Index`], and keeps it with `position`, the place
    /// in the change log up to which the index now knows everything.
    ///
    /// # Errors
    /// When the engine failed or the disk is full.
    pub fn commit(&mut self, position: i64) -> Result<()> {
        let payload = Payload::write(position, &self.store_id);
        let reader = self.shared.reader()?.clone();
        self.try_with(|engine| {
            let mut commit = engine.prepare_commit()?;
            commit.set_payload(&payload);
            commit.commit()?;
            reader.reload()
        })
    }

    /// Goes back to the last commit and returns its position; also ends the state of failure.
    ///
    /// # Errors
    /// When the index cannot be opened again.
    pub fn restart(&mut self) -> Result<Option<i64>> {
        self.engine = None; // Gives back the engine's own lock.
        let options = IndexWriterOptions::builder()
            .num_worker_threads(1)
            .num_merge_threads(1)
            .memory_budget_per_thread(ARENA)
            .build();
        let engine: IndexWriter = self.index.writer_with_options(options)?;
        let mut policy = LogMergePolicy::default();
        policy.set_min_layer_size(SMALL);
        policy.set_del_docs_ratio_before_merge(0.3);
        engine.set_merge_policy(Box::new(policy));
        self.engine = Some(engine);
        self.shared.reader()?.reload()?;
        let payload = self.index.load_metas()?.payload;
        Ok(Payload::read(payload.as_deref(), &self.store_id))
    }

    fn try_with(
        &mut self,
        work: impl FnOnce(&mut IndexWriter) -> tantivy::Result<()>,
    ) -> Result<()> {
        let engine = self.engine.as_mut().ok_or(Error::Stopped)?;
        let done = work(engine);
        if done.is_err() {
            self.engine = None;
        }
        Ok(done?)
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
    fn after_a_failure_nothing_is_claimed_before_a_restart() {
        let (index, mut writer) = in_memory().unwrap();
        article(1, "fr", "Roses").put(&mut writer);
        writer.commit(5).unwrap();
        let failure = writer.try_with(|_| Err(tantivy::TantivyError::SystemError("disk".into())));
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
