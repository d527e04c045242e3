//! What `kiosque import` does with the export of a store.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use serde_json::json;

use crate::cli::progress::Progress;
use crate::content::time::Clock;
use crate::db::Database;
use crate::store::audit::Target;
use crate::transfer::restore::{self, Summary, Watcher};
use crate::transfer::stream::{self, Stream};

/// What a name on the command line leads to.
pub enum Found {
    /// An export of a store; whether all of it went in.
    Export(bool),
    /// Something else that can be read once.
    Stream(Stream),
    /// Something else, which whoever reads it opens by its name.
    Other,
}

/// Takes what the name leads to in if it is an export of a store.
///
/// # Errors
/// One line.
pub fn if_export(database: &Database, name: &str, dry_run: bool) -> Result<Found, String> {
    let input: Option<Box<dyn Read + Send>> = match name {
        "-" => Some(Box::new(io::stdin())),
        name => pipe(name).map(|file| Box::new(file) as _),
    };
    if let Some(input) = input {
        let name = super::called(name);
        let stream = stream::begun(input);
        let stream = stream.map_err(|error| format!("cannot read {name}: {error}"))?;
        return match restore::is_export(stream::head(&stream)) {
            true => take(database, name, stream, None, dry_run).map(Found::Export),
            false => Ok(Found::Stream(stream)),
        };
    }
    // Whatever else it is will be told by who reads it as that.
    let Some((input, size)) = opened(name.as_ref()) else {
        return Ok(Found::Other);
    };
    take(database, name, input, Some(size), dry_run).map(Found::Export)
}

/// What stands in a file system and can be read once.
fn pipe(name: &str) -> Option<File> {
    let metadata = fs::metadata(name).ok()?;
    match metadata.is_file() || metadata.is_dir() {
        true => None,
        false => File::open(name).ok(),
    }
}

fn opened(path: &Path) -> Option<(BufReader<File>, u64)> {
    let file = File::open(path).ok()?;
    let metadata = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
    let mut input = BufReader::with_capacity(1 << 20, file);
    let begins = input.fill_buf().is_ok_and(restore::is_export);
    begins.then_some((input, metadata.len()))
}

fn take(
    database: &Database,
    name: &str,
    input: impl BufRead,
    size: Option<u64>,
    dry_run: bool,
) -> Result<bool, String> {
    let mut terminal = Terminal {
        name: name.to_owned(),
        progress: Progress::new(name, size),
    };
    let clock = Clock::default();
    let summary = restore::run(database, input, dry_run, &clock, &mut terminal)
        .map_err(|error| format!("{name}: {error}"))?;
    if !dry_run {
        note(database, name, &summary)?;
    }
    let what = match dry_run {
        true => " (dry run, nothing was written)",
        false => "",
    };
    terminal
        .progress
        .end(&format!("export of a store{what}: {}", told(&summary)));
    Ok(summary.failed == 0 && summary.dangling == 0)
}

fn note(database: &Database, name: &str, summary: &Summary) -> Result<(), String> {
    let target = Target {
        kind: "file",
        id: "",
        name,
    };
    let detail = json!({
        "created": summary.created,
        "updated": summary.updated,
        "unchanged": summary.unchanged,
        "failed": summary.failed,
        "dangling": summary.dangling,
        "revisions": summary.revisions,
    });
    database
        .write(|conn| {
            let now = Clock::default().now();
            super::note(conn, "store.import", target, Some(detail), now)
        })
        .map_err(|error| format!("cannot note the import: {error}"))
}

struct Terminal {
    name: String,
    progress: Progress,
}

impl Watcher for Terminal {
    fn progress(&mut self, bytes: u64, summary: &Summary) {
        self.progress.move_to(bytes, &told(summary));
    }

    fn complain(&mut self, line: u64, reason: &str) {
        self.progress
            .say(&format!("{}, line {line}: {reason}", self.name));
    }
}

fn told(summary: &Summary) -> String {
    let mut text = format!(
        "{} created, {} updated, {} unchanged, {} failed, {} past states added",
        summary.created, summary.updated, summary.unchanged, summary.failed, summary.revisions
    );
    if summary.dangling > 0 {
        text += &format!(", {} with references to nothing", summary.dangling);
    }
    text
}
