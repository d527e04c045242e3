//! The name of this server over its restarts.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;
use uuid::Uuid;

const NAME: &str = "node";

/// The name that is kept in this folder, which must be this process's alone; made where there is none.
///
/// # Errors
/// When the folder cannot be read or written.
pub fn node_in(dir: &Path) -> io::Result<String> {
    let path = dir.join(NAME);
    let known = fs::read_to_string(&path).unwrap_or_default();
    if let Ok(id) = Uuid::try_parse(known.trim()) {
        return Ok(id.to_string());
    }
    let id = Uuid::new_v4().to_string();
    let mut file = NamedTempFile::new_in(dir)?;
    writeln!(file, "{id}")?;
    file.persist(path)?;
    Ok(id)
}
