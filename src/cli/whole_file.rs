//! A file that appears under its name only when it is whole, and on the disk.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempPath};

/// The file in the making, under a name of its own beside its place. Only its owner may read it. Dropped unfinished, it
/// is gone.
pub struct WholeFile {
    file: NamedTempFile,
    place: PathBuf,
}

impl WholeFile {
    /// # Errors
    /// One line: where nothing can be written there, or, unless it may be `replaced`, something is there already.
    pub fn begin(place: &Path, replaced: bool) -> Result<Self, String> {
        if place.is_dir() {
            return Err(format!("{} is a folder", place.display()));
        }
        if !replaced && place.symlink_metadata().is_ok() {
            let place = place.display();
            return Err(format!("{place} exists already; --force replaces it"));
        }
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        let file = tempfile::Builder::new()
            .prefix(&format!(".{name}."))
            .suffix(".part")
            .tempfile_in(folder(place))
            .map_err(|error| format!("cannot write {}: {error}", place.display()))?;
        Ok(Self {
            file,
            place: place.to_owned(),
        })
    }

    pub fn file(&mut self) -> &mut File {
        self.file.as_file_mut()
    }

    /// Where it is until it is finished.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Gives it its name, once its bytes are on the disk, and sees to it that the name is, too.
    ///
    /// # Errors
    /// One line; nothing is left then.
    pub fn finish(self, replaced: bool) -> Result<(), String> {
        let shown = self.place.display().to_string();
        let cannot = |error: io::Error| format!("cannot write {shown}: {error}");
        // What others wrote by its name is of this file, too.
        self.file.as_file().sync_all().map_err(cannot)?;
        let path: TempPath = self.file.into_temp_path();
        let named = match replaced {
            true => path.persist(&self.place),
            false => path.persist_noclobber(&self.place),
        };
        named.map_err(|error| cannot(error.error))?;
        File::open(folder(&self.place))
            .and_then(|folder| folder.sync_all())
            .map_err(cannot)
    }
}

fn folder(place: &Path) -> &Path {
    match place.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
