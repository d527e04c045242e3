//! `kiosque backup`: a copy of the whole database, taken while others write, and looked through before it gets its name.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;

use crate::cli::pg_dump;
use crate::cli::whole_file::WholeFile;
use crate::config::{Config, DatabaseUrl};
use crate::content::time::Clock;
use crate::db::copy;
use crate::store::identity;
use crate::store::stock::Stock;

#[derive(Args)]
pub struct Backup {
    /// The file to make; it appears when it is whole. It holds secrets: only its owner may read it
    file: PathBuf,
    /// Replace FILE if it exists
    #[arg(long)]
    force: bool,
}

impl Backup {
    pub fn run(&self, config: &Config) -> Result<(), String> {
        let started = Instant::now();
        let mut whole = WholeFile::begin(&self.file, self.force)?;
        let held = match &config.database_url {
            DatabaseUrl::Sqlite(path) => {
                refuse_the_database(path, &self.file)?;
                of_sqlite(path, config, whole.path())?
            }
            DatabaseUrl::Postgres(url) => pg_dump::write(url, whole.path())?,
        };
        let bytes = whole.file().metadata().map_or(0, |metadata| metadata.len());
        whole.finish(self.force)?;
        eprintln!(
            "{}: {held}, {:.1} MB in {:.1} s",
            self.file.display(),
            bytes as f64 / 1e6,
            started.elapsed().as_secs_f32()
        );
        Ok(())
    }
}

/// With --force it would take the place of what it is to be a copy of, or of what SQLite keeps beside that.
pub(super) fn refuse_the_database(database: &Path, file: &Path) -> Result<(), String> {
    let is_same = ["", "-wal", "-shm", "-journal"].iter().any(|end| {
        let mut part = database.as_os_str().to_owned();
        part.push(end);
        let (part, file) = (Path::new(&part).canonicalize(), file.canonicalize());
        matches!((part, file), (Ok(part), Ok(file)) if part == file)
    });
    match is_same {
        true => Err(format!("{} is the database itself", file.display())),
        false => Ok(()),
    }
}

fn of_sqlite(path: &Path, config: &Config, to: &Path) -> Result<String, String> {
    let shown = path.display().to_string();
    let failed = |error: crate::error::Error| format!("cannot back {shown} up: {error}");
    let mut source = copy::open_source(path, config.db_timeout)?;
    let before = Stock::take(&mut source).map_err(failed)?;
    copy::copy(&mut source, to).map_err(failed)?;
    let after = Stock::take(&mut source).map_err(failed)?;

    let mut made = copy::open_copy(to)?;
    let held = Stock::take(&mut made).map_err(failed)?;
    if !held.is_between(&before, &after) {
        return Err(format!("the copy of {shown} is not what the database was"));
    }
    // Put back, it is at another past than the store has gone on from: what followed that must not take it for the same.
    let renewed = identity::renew(&mut made, Clock::default().now()).map_err(failed)?;
    drop(made);

    let mut finished = copy::open_finished(to)?;
    copy::check(&mut finished)
        .map_err(|error| format!("the copy of {shown} is of no use: {error}"))?;
    let found = Stock::take(&mut finished).map_err(failed)?;
    let expected = Stock {
        store: renewed,
        ..held
    };
    match found == expected {
        true => Ok(format!(
            "{} articles, {} past states, up to line {} of the log",
            found.articles, found.revisions, found.last
        )),
        false => Err(format!("the copy of {shown} is not what was written")),
    }
}
