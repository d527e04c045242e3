//! The secret that the first start makes, so that tokens can be signed without anything being set.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::Path;

use crate::identity::secret;

/// Bytes that a secret for HS256 must have (RFC 7518 section 3.2).
pub const MIN_BYTES: usize = 32;
/// Bytes of a file that are read; what is longer was not meant.
const MAX_BYTES: u64 = 4_096;

/// What a start found.
#[derive(Debug, PartialEq, Eq)]
pub struct Kept {
    pub secret: String,
    /// It was made just now.
    pub new: bool,
}

/// The secret of this file, which is made where there is none. Of processes that start at once, each gets the same.
///
/// # Errors
/// One line for the operator.
pub fn open(path: &Path) -> Result<Kept, String> {
    if let Some(secret) = read(path)? {
        return Ok(Kept { secret, new: false });
    }
    let made = make(path).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    let secret = read(path)?.ok_or_else(|| format!("{} has vanished", path.display()))?;
    Ok(Kept { secret, new: made })
}

fn read(path: &Path) -> Result<Option<String>, String> {
    let said = |error| format!("cannot read {}: {error}", path.display());
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        file => file.map_err(|error| said(error.to_string()))?,
    };
    let metadata = file.metadata().map_err(|error| said(error.to_string()))?;
    if is_open_to_others(&metadata) {
        log::warn!("{} can be read by others on this machine", path.display());
    }
    let text = std::io::read_to_string(std::io::Read::take(file, MAX_BYTES))
        .map_err(|error| said(error.to_string()))?;
    let secret = text.trim();
    match secret.len() >= MIN_BYTES {
        true => Ok(Some(secret.to_owned())),
        false => Err(format!(
            "{} holds fewer than {MIN_BYTES} bytes; remove it, and a start makes a new one",
            path.display()
        )),
    }
}

#[cfg(unix)]
fn is_open_to_others(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn is_open_to_others(_: &fs::Metadata) -> bool {
    false
}

/// Written beside its place and then named, so that the file is whole as soon as it is there; who comes second leaves
/// it as it is. A temporary file is for its owner only from the start.
fn make(path: &Path) -> std::io::Result<bool> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let secret = secret::new("").map_err(|error| std::io::Error::other(error.to_string()))?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(secret.as_bytes())?;
    file.write_all(b"\n")?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => {
            File::open(folder)?.sync_all()?;
            Ok(true)
        }
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error.error),
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn starts_at_once_agree_on_one_secret_that_only_its_owner_reads() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k.secret");
        let kept: Vec<Kept> = thread::scope(|scope| {
            let starts: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| open(&path).unwrap()))
                .collect();
            starts
                .into_iter()
                .map(|start| start.join().unwrap())
                .collect()
        });
        assert_eq!(kept.iter().filter(|kept| kept.new).count(), 1);
        assert!(kept.iter().all(|each| each.secret == kept[0].secret));
        assert!(kept[0].secret.len() >= MIN_BYTES);
        assert!(!is_open_to_others(&fs::metadata(&path).unwrap()));
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "nothing is left behind"
        );
    }

    #[test]
    fn a_file_that_holds_no_secret_stops_the_start_and_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k.secret");
        fs::write(&path, "short").unwrap();
        let line = open(&path).unwrap_err();
        assert!(line.contains("k.secret") && !line.contains("short"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "short");
        assert!(open(&folder.path().join("missing/k.secret")).is_err());
    }
}
