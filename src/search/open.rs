//! Opening the index's directory, or emptying it where what it holds cannot be relied on.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use tantivy::directory::error::LockError;
use tantivy::directory::{Directory, DirectoryLock, Lock};
use tantivy::{IndexReader, IndexSettings, ReloadPolicy, TantivyError};

use super::fields::{Fields, Runs};
use super::index::Index;
use super::unsynced::Unsynced;
use super::writer::{Payload, Writer};
use super::{Error, Result};

/// A directory that is ours, with an index that is still to be opened: that reads every file, and takes seconds where
/// there are many articles.
pub struct Claim {
    dir: PathBuf,
    store_id: String,
    /// Passes on to the writer.
    lock: Option<DirectoryLock>,
    index: Index,
}

/// Claims the directory of an index that is derived from the database of this identity.
///
/// # Errors
/// When another process has it open, or the directory cannot be written.
pub fn claim(dir: &Path, store_id: &str) -> Result<Claim> {
    fs::create_dir_all(dir).map_err(|error| unusable(dir, &error))?;
    Ok(Claim {
        dir: dir.to_owned(),
        store_id: store_id.to_owned(),
        lock: Some(lock(dir)?),
        index: Index::closed(),
    })
}

impl Claim {
    /// What answers queries, once the index is open.
    pub fn index(&self) -> Index {
        self.index.clone()
    }

    /// Opens or makes the index. The position is the change log's at the last commit; `None` where the index is new,
    /// of another version, of another store, or unreadable: then it is empty now, and must be filled from the
    /// database. A position past the end of the log is the caller's to notice: the database was put back to an
    /// earlier state, and the index wants [`Writer::clear`] and filling.
    ///
    /// # Errors
    /// When the directory cannot be read or written.
    pub fn open(&mut self) -> Result<(Writer, Option<i64>)> {
        let dir = &self.dir;
        let kept = match catch_unwind(AssertUnwindSafe(|| keep(dir, &self.store_id))) {
            Ok(kept) => kept,
            // The engine trusts its files and may run out of their bounds.
            Err(_) => Err("it is damaged".to_owned()),
        };
        let (index, reader, position) = match kept {
            Ok((index, reader, position)) => (index, reader, Some(position)),
            Err(reason) => {
                log::info!(
                    "the search index in {} is to be filled from the database: {reason}",
                    dir.display()
                );
                empty(dir).map_err(|error| unusable(dir, &error))?;
                let (index, reader) = create(dir)?;
                (index, reader, None)
            }
        };
        self.index.open_with(reader);
        let mut writer = Writer::new(index, self.index(), &self.store_id)?;
        writer.lock = self.lock.take();
        Ok((writer, position))
    }
}

/// Claims and opens at once.
///
/// # Errors
/// As [`claim`] and [`Claim::open`].
pub fn open(dir: &Path, store_id: &str) -> Result<(Index, Writer, Option<i64>)> {
    let mut claim = claim(dir, store_id)?;
    let (writer, position) = claim.open()?;
    Ok((claim.index(), writer, position))
}

fn unusable(dir: &Path, error: &dyn std::fmt::Display) -> Error {
    Error::Directory {
        dir: dir.to_owned(),
        reason: error.to_string(),
    }
}

/// An index that lives as long as its writer and readers, for tests and for runs without a
/// directory.
///
/// # Errors
/// When the engine cannot start.
pub fn in_memory() -> Result<(Index, Writer)> {
    let index = tantivy::Index::create_in_ram(Fields::schema().0);
    let shared = Index::closed();
    shared.open_with(prepare(&index)?);
    let writer = Writer::new(index, shared.clone(), "memory")?;
    Ok((shared, writer))
}

/// Held as long as the writer lives. Not the engine's own lock, which is only taken once the files
/// have been read: no directory is emptied while somebody else may be using it.
fn lock(dir: &Path) -> Result<DirectoryLock> {
    let lock = Lock {
        filepath: PathBuf::from(".kiosque-search.lock"),
        is_blocking: false,
    };
    directory(dir)?
        .acquire_lock(&lock)
        .map_err(|error| match error {
            LockError::LockBusy => Error::InUse(dir.to_owned()),
            LockError::IoError(error) => unusable(dir, &error),
        })
}

/// The index that is there, or why it is of no use.
type Kept = (tantivy::Index, IndexReader, i64);

fn keep(dir: &Path, store_id: &str) -> std::result::Result<Kept, String> {
    if !dir.join("meta.json").exists() {
        return Err("there is none yet".to_owned());
    }
    let unreadable = |error: &dyn std::fmt::Display| format!("it is unreadable ({error})");
    let index = tantivy::Index::open(directory(dir).map_err(|error| unreadable(&error))?)
        .map_err(|error| unreadable(&error))?;
    let metas = index.load_metas().map_err(|error| unreadable(&error))?;
    let position = Payload::read(metas.payload.as_deref(), store_id)
        .filter(|_| index.schema() == Fields::schema().0)
        .ok_or("it is of another database or version")?;
    if !is_whole(&index, metas.segments.is_empty()).map_err(|error| unreadable(&error))? {
        return Err("it is damaged".to_owned());
    }
    let reader = prepare(&index).map_err(|error| unreadable(&error))?;
    Ok((index, reader, position))
}

/// Reads every file against its checksum: cheap beside filling the index again, and a damaged
/// file would otherwise fail, or answer wrongly, only once a query comes across it.
fn is_whole(index: &tantivy::Index, is_empty: bool) -> tantivy::Result<bool> {
    // Only files on the engine's own list are checked, so the list must be there.
    let listed = !index.directory().list_managed_files().is_empty();
    Ok((listed || is_empty) && index.validate_checksum()?.is_empty())
}

fn create(dir: &Path) -> Result<(tantivy::Index, IndexReader)> {
    let index = tantivy::Index::create(
        directory(dir)?,
        Fields::schema().0,
        IndexSettings::default(),
    )?;
    let reader = prepare(&index)?;
    Ok((index, reader))
}

fn directory(dir: &Path) -> tantivy::Result<Unsynced> {
    Unsynced::open(dir).map_err(TantivyError::from)
}

fn prepare(index: &tantivy::Index) -> tantivy::Result<IndexReader> {
    Runs::register(index.tokenizers());
    // The writer reloads after each commit, so nobody has to watch the directory.
    index
        .reader_builder()
        .reload_policy(ReloadPolicy::Manual)
        .try_into()
}

/// Deletes the index's files, and nothing else that may lie in the directory.
fn empty(dir: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let is_ours = entry.file_name().to_str().is_some_and(is_index_file);
        if is_ours && !entry.file_type()?.is_dir() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The engine's two lists, and segment files: 32 hexadecimal digits and what kind it is.
fn is_index_file(name: &str) -> bool {
    const KINDS: [&str; 9] = [
        "idx",
        "pos",
        "term",
        "store",
        "fast",
        "fieldnorm",
        "del",
        "temp",
        "json",
    ];
    if matches!(name, "meta.json" | ".managed.json") {
        return true;
    }
    let Some((segment, kind)) = name.split_once('.') else {
        return false;
    };
    let kind = kind.rsplit('.').next().unwrap_or(kind);
    segment.len() == 32 && segment.bytes().all(|b| b.is_ascii_hexdigit()) && KINDS.contains(&kind)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{article, finds};
    use super::*;

    /// A directory with an index of one article at position 7 of store "a".
    fn filled() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let (_, mut writer, position) = open(dir.path(), "a").unwrap();
        assert_eq!(position, None);
        article(1, "fr", "Roses").put(&mut writer);
        writer.commit(7).unwrap();
        dir
    }

    fn files(dir: &Path) -> Vec<PathBuf> {
        fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| is_index_file(path.file_name().unwrap().to_str().unwrap()))
            .collect()
    }

    /// It opens empty, can be filled, and is kept the next time.
    fn assert_rebuilt(dir: &Path, store_id: &str) {
        let (index, mut writer, position) = open(dir, store_id).unwrap();
        assert_eq!(position, None);
        assert!(index.is_empty());
        article(2, "fr", "Eau").put(&mut writer);
        writer.commit(8).unwrap();
        assert_eq!(finds(&index, "eau"), [2]);
        drop((index, writer));
        let (index, _writer, position) = open(dir, store_id).unwrap();
        assert_eq!((position, finds(&index, "eau")), (Some(8), vec![2]));
    }

    #[test]
    fn an_index_opened_again_keeps_its_articles_and_position() {
        let dir = filled();
        let (index, mut writer, position) = open(dir.path(), "a").unwrap();
        assert_eq!((position, finds(&index, "roses")), (Some(7), vec![1]));
        article(2, "fr", "Roses").put(&mut writer);
        drop((index, writer)); // Without a commit.
        let (index, mut writer, position) = open(dir.path(), "a").unwrap();
        assert_eq!((position, finds(&index, "roses")), (Some(7), vec![1]));
        writer.commit(9).unwrap();
        drop((index, writer));
        assert_eq!(open(dir.path(), "a").unwrap().2, Some(9));
    }

    #[test]
    fn an_index_never_committed_is_new_again() {
        let dir = tempfile::tempdir().unwrap();
        drop(open(dir.path(), "a").unwrap());
        assert_rebuilt(dir.path(), "a");
    }

    #[test]
    fn an_index_of_another_store_is_emptied() {
        let dir = filled();
        assert_rebuilt(dir.path(), "b");
    }

    #[test]
    fn any_file_cut_short_changed_or_lost_means_a_rebuild() {
        let names: Vec<PathBuf> = files(filled().path());
        assert!(names.len() > 5, "{names:?}");
        let harms: [fn(&Path); 5] = [
            |path| fs::write(path, b"").unwrap(),
            |path| fs::write(path, b"{\"garbage\": [").unwrap(),
            |path| {
                let bytes = fs::read(path).unwrap();
                fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
            },
            |path| {
                let mut bytes = fs::read(path).unwrap();
                bytes[0] ^= 0xff;
                fs::write(path, bytes).unwrap();
            },
            |path| fs::remove_file(path).unwrap(),
        ];
        for harm in harms {
            for at in 0..names.len() {
                let dir = filled();
                let mut paths = files(dir.path());
                paths.sort_by_key(|path| path.extension().map(ToOwned::to_owned));
                harm(&paths[at]);
                assert_rebuilt(dir.path(), "a");
            }
        }
    }

    #[test]
    fn the_files_of_others_are_left_alone() {
        let dir = filled();
        let kept = ["notes.txt", "store.json", "abc.idx", ".hidden"];
        for name in kept {
            fs::write(dir.path().join(name), name).unwrap();
        }
        let folder = dir.path().join(format!("{}.idx", "0".repeat(32)));
        fs::create_dir(&folder).unwrap();
        fs::write(dir.path().join("meta.json"), "garbage").unwrap();
        assert_rebuilt(dir.path(), "a");
        for name in kept {
            assert_eq!(fs::read_to_string(dir.path().join(name)).unwrap(), name);
        }
        assert!(folder.is_dir());
    }

    #[test]
    fn a_directory_in_use_is_refused_and_left_as_it_is() {
        let dir = filled();
        let (index, mut writer, _) = open(dir.path(), "a").unwrap();
        // Another store would empty it: not while it is in use.
        for store_id in ["a", "b"] {
            let Err(error) = open(dir.path(), store_id) else {
                panic!("opened twice");
            };
            let expected = format!(
                "the search index in {} is in use by another process",
                dir.path().display()
            );
            assert_eq!(error.to_string(), expected);
        }
        article(2, "fr", "Roses").put(&mut writer);
        writer.commit(8).unwrap();
        assert_eq!(finds(&index, "roses"), [1, 2]);
        drop(writer);
        assert_eq!(open(dir.path(), "a").unwrap().2, Some(8));
    }

    #[test]
    fn a_path_that_is_no_directory_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "mine").unwrap();
        let Err(error) = open(&file, "a") else {
            panic!("opened a file");
        };
        assert!(error.to_string().contains("cannot be used"), "{error}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    }
}
