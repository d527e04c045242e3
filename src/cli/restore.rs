//! What `kiosque import` does with the export of a store.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use serde_json::json;

use crate::cli::progress::Progress;
use crate::content::time::Clock;
use crate::db::Database;
use crate::store::audit::Target;
use crate::transfer::restore::{self, Summary, Watcher};

/// Takes the file in if it is an export; tells whether all of it went in, or `None` where it is something else.
///
/// # Errors
/// One line.
pub fn if_export(database: &Database, path: &Path, dry_run: bool) -> Result<Option<bool>, String> {
    if path.as_os_str() == "-" {
        // What is at hand in it stays for whoever reads it next.
        let mut input = io::stdin().lock();
        let begins = input.fill_buf().map(restore::is_export);
        return match begins {
            Ok(true) => take(database, "standard input", input, None, dry_run).map(Some),
            Ok(false) => Ok(None),
            Err(error) => Err(format!("cannot read standard input: {error}")),
        };
    }
    // Whatever else it is will be told by who reads it as that.
    let Some((input, size)) = opened(path) else {
        return Ok(None);
    };
    let name = path.display().to_string();
    take(database, &name, input, Some(size), dry_run).map(Some)
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
