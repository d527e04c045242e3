//! `kiosque export`: writes the whole store as lines, from which `kiosque import` makes an equal one.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::backup;
use crate::cli::progress::Progress;
use crate::cli::whole_file::WholeFile;
use crate::config::{Config, DatabaseUrl};
use crate::content::time::Clock;
use crate::db::Database;
use crate::transfer::export::{self, Watcher};
use crate::transfer::records::Counts;

/// Bytes that are written at a time.
const BUFFER: usize = 1 << 18;

#[derive(Args)]
pub struct Export {
    /// How it is written
    #[arg(long, value_enum, default_value_t = Format::Ndjson)]
    format: Format,
    /// Where to; it appears when it is whole. Standard output where this is missing
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace FILE if it exists
    #[arg(long, requires = "output")]
    force: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// One JSON object a line: articles in the import format, with what only a store knows
    Ndjson,
}

impl Export {
    pub fn run(&self, config: &Config) -> Result<(), String> {
        let Format::Ndjson = self.format;
        let database = super::open(config)?;
        match &self.output {
            None => write(
                &database,
                &mut BufWriter::with_capacity(BUFFER, io::stdout()),
            ),
            Some(path) => {
                if let DatabaseUrl::Sqlite(database) = &config.database_url {
                    backup::refuse_the_database(database, path)?;
                }
                let mut whole = WholeFile::begin(path, self.force)?;
                write(
                    &database,
                    &mut BufWriter::with_capacity(BUFFER, whole.file()),
                )?;
                whole.finish(self.force)
            }
        }
    }
}

fn write(database: &Database, out: &mut dyn Write) -> Result<(), String> {
    let mut terminal = Terminal(None);
    let counts = export::run(database, out, Clock::default().now(), &mut terminal);
    let counts = counts.map_err(|error| error.to_string())?;
    if let Some(progress) = terminal.0 {
        progress.end(&told(&counts));
    }
    Ok(())
}

struct Terminal(Option<Progress>);

impl Watcher for Terminal {
    fn begin(&mut self, articles: u64) {
        self.0 = Some(Progress::new("export", Some(articles)));
    }

    fn progress(&mut self, counts: &Counts) {
        if let Some(progress) = &mut self.0 {
            progress.move_to(counts.articles, &told(counts));
        }
    }
}

fn told(counts: &Counts) -> String {
    format!(
        "{} articles, {} past states, {} tags",
        counts.articles, counts.revisions, counts.tags
    )
}
