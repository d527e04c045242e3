//! Remembers, over a restart, up to which line of the change log caches outside have been purged.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

const NAME: &str = "purged";

/// A file with the store's id and the line.
pub struct Mark {
    dir: PathBuf,
    store: String,
}

/// Where to begin.
#[derive(Debug, PartialEq, Eq)]
pub enum Start {
    /// After this line.
    After(i64),
    /// There is no file, or it tells of another store or another past, or is broken: caches may hold anything.
    Anew,
}

impl Mark {
    /// One in this folder, which must be this process's alone.
    pub fn new(dir: &Path, store: &str) -> Self {
        Self {
            dir: dir.to_owned(),
            store: store.to_owned(),
        }
    }

    /// `last` is the log's last line. The folder may be thrown away at any time: without a file, caches may hold anything,
    /// too.
    pub(super) fn start(&self, last: i64) -> io::Result<Start> {
        let text = match fs::read_to_string(self.dir.join(NAME)) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound && last == 0 => {
                return Ok(Start::After(0));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Start::Anew),
            Err(error) if error.kind() == ErrorKind::InvalidData => return Ok(Start::Anew),
            Err(error) => return Err(error),
        };
        let line = text
            .trim_end()
            .split_once(' ')
            .filter(|(store, _)| *store == self.store)
            .and_then(|(_, line)| line.parse().ok());
        Ok(match line {
            Some(line) if line <= last => Start::After(line),
            _ => Start::Anew,
        })
    }

    /// It appears whole or not at all. After a power cut it may be older, or broken: then more is purged than need be.
    pub(super) fn set(&self, line: i64) -> io::Result<()> {
        let mut file = NamedTempFile::new_in(&self.dir)?;
        writeln!(file, "{} {line}", self.store)?;
        file.persist(self.dir.join(NAME))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_of_this_store_and_this_past_counts_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mark = Mark::new(folder.path(), "s");
        let start = |mark: &Mark, last| mark.start(last).unwrap();
        assert_eq!(start(&mark, 0), Start::After(0));
        assert_eq!(start(&mark, 7), Start::Anew);
        mark.set(5).unwrap();
        assert_eq!(start(&mark, 7), Start::After(5));
        assert_eq!(start(&mark, 4), Start::Anew);
        assert_eq!(start(&Mark::new(folder.path(), "other"), 7), Start::Anew);
        for broken in [&b""[..], b"s", b"s x", b"\xff 5"] {
            fs::write(folder.path().join(NAME), broken).unwrap();
            assert_eq!(start(&mark, 7), Start::Anew);
        }
    }
}
