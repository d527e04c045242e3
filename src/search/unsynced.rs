//! The index's directory, whose files reach the disk when the system gets to it.
//!
//! The engine waits for the disk some twenty times in each commit, beside a database that waits for
//! it too: with one commit per saved article that is most of its time. What a power cut leaves
//! half-written here is found by its checksum when the index is opened, and an index can be built
//! again; one that merely crashed loses nothing, because the system still holds what was written.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tantivy::directory::error::{
    DeleteError, LockError, OpenDirectoryError, OpenReadError, OpenWriteError,
};
use tantivy::directory::{
    AntiCallToken, Directory, DirectoryLock, FileHandle, Lock, MmapDirectory,
};
use tantivy::directory::{TerminatingWrite, WatchCallback, WatchHandle, WritePtr};

#[derive(Clone, Debug)]
pub struct Unsynced {
    root: PathBuf,
    mapped: MmapDirectory,
}

impl Unsynced {
    pub fn open(root: &Path) -> Result<Self, OpenDirectoryError> {
        Ok(Self {
            root: root.to_owned(),
            mapped: MmapDirectory::open(root)?,
        })
    }
}

impl Directory for Unsynced {
    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        let file = File::create_new(self.root.join(path)).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => OpenWriteError::FileAlreadyExists(path.to_owned()),
            _ => OpenWriteError::wrap_io_error(error, path.to_owned()),
        })?;
        Ok(BufWriter::new(Box::new(UnsyncedFile(file))))
    }

    /// Whoever reads sees the old content or the new; only one writer has the directory open.
    fn atomic_write(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        let target = self.root.join(path);
        let mut name = target.clone().into_os_string();
        name.push(".new");
        fs::write(&name, data)?;
        fs::rename(&name, target)
    }

    fn sync_directory(&self) -> io::Result<()> {
        Ok(())
    }

    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        self.mapped.get_file_handle(path)
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        self.mapped.delete(path)
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        self.mapped.exists(path)
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        self.mapped.atomic_read(path)
    }

    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        self.mapped.acquire_lock(lock)
    }

    fn watch(&self, callback: WatchCallback) -> tantivy::Result<WatchHandle> {
        self.mapped.watch(callback)
    }
}

struct UnsyncedFile(File);

impl Write for UnsyncedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl TerminatingWrite for UnsyncedFile {
    fn terminate_ref(&mut self, _: AntiCallToken) -> io::Result<()> {
        self.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_written_once_and_lists_are_replaced_whole() {
        let root = tempfile::tempdir().unwrap();
        let directory = Unsynced::open(root.path()).unwrap();
        let (segment, list) = (Path::new("segment"), Path::new("list.json"));

        let mut file = directory.open_write(segment).unwrap();
        file.write_all(b"words").unwrap();
        file.terminate().unwrap();
        let read = directory.open_read(segment).unwrap().read_bytes().unwrap();
        assert_eq!(read.as_slice(), b"words");
        assert!(matches!(
            directory.open_write(segment),
            Err(OpenWriteError::FileAlreadyExists(_))
        ));

        directory.atomic_write(list, b"a longer list").unwrap();
        directory.atomic_write(list, b"a list").unwrap();
        assert_eq!(directory.atomic_read(list).unwrap(), b"a list");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 2);
    }
}
