//! `kiosque import`: takes articles in from NDJSON files or standard input.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::restore;
use crate::config::Config;
use crate::content::time::Clock;
use crate::db::Database;
use crate::store::audit::Target;
use crate::transfer::import::{self, Complaint, Options, Summary, Watcher};

/// Where standard error is no terminal, a line this often.
const PLAIN_INTERVAL: Duration = Duration::from_secs(5);

#[derive(Args)]
pub struct Import {
    /// Files to read, or "-" for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How the files are written
    #[arg(long, value_enum, default_value_t = Format::Ndjson)]
    format: Format,
    /// Check everything and write nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// One JSON object a line
    Ndjson,
}

impl Import {
    /// Exit status 1 when a line did not go in, or not wholly.
    pub fn run(&self, config: &Config) -> Result<ExitCode, String> {
        let Format::Ndjson = self.format;
        let database = super::open(config)?;
        let mut flawless = true;
        for file in &self.files {
            if let Some(whole) = restore::if_export(&database, file.as_ref(), self.dry_run)? {
                flawless &= whole;
                continue;
            }
            let summary = self.import(&database, file)?;
            flawless &= summary.failed == 0 && summary.dangling == 0;
        }
        Ok(if flawless {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    fn import(&self, database: &Database, path: &Path) -> Result<Summary, String> {
        let started = Instant::now();
        let (input, size) = open_input(path)?;
        let mut watcher = Terminal::new(path, size);
        let options = Options {
            dry_run: self.dry_run,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            clock: Clock::default(),
            by: None,
            permit: None,
        };
        let summary = import::run(database, input, &options, &mut watcher);
        let summary = summary.map_err(|error| format!("{}: {error}", path.display()))?;
        if !self.dry_run {
            note(database, &watcher.name, &summary)?;
        }
        watcher.end(&summary, started.elapsed(), self.dry_run);
        Ok(summary)
    }
}

/// Reads what the server reads: samples that are part of the program.
pub fn import_samples(database: &Database, samples: &[u8]) -> Result<Summary, String> {
    let mut watcher = Terminal::silent();
    let options = Options {
        dry_run: false,
        threads: 1,
        clock: Clock::default(),
        by: None,
        permit: None,
    };
    let summary = import::run(database, samples, &options, &mut watcher)
        .map_err(|error| format!("cannot load the samples: {error}"))?;
    note(database, "samples", &summary)?;
    Ok(summary)
}

/// Who has the command line needs no name here.
fn note(database: &Database, input: &str, summary: &Summary) -> Result<(), String> {
    let target = Target {
        kind: "file",
        id: "",
        name: input,
    };
    import::note(database, &Clock::default(), "console", target, summary)
        .map_err(|error| format!("cannot note the import: {error}"))
}

fn open_input(path: &Path) -> Result<(Box<dyn BufRead + Send>, Option<u64>), String> {
    if path.as_os_str() == "-" {
        return Ok((Box::new(BufReader::new(io::stdin())), None));
    }
    let cannot = |error: io::Error| format!("cannot read {}: {error}", path.display());
    let file = File::open(path).map_err(cannot)?;
    let metadata = file.metadata().map_err(cannot)?;
    if metadata.is_dir() {
        return Err(format!("cannot read {}: it is a folder", path.display()));
    }
    let size = metadata.is_file().then_some(metadata.len());
    Ok((Box::new(BufReader::with_capacity(1 << 20, file)), size))
}

/// A bar on a terminal, plain lines elsewhere.
struct Terminal {
    name: String,
    bar: Option<ProgressBar>,
    last_line: Instant,
    silent: bool,
}

impl Terminal {
    fn new(path: &Path, size: Option<u64>) -> Self {
        let name = match path.as_os_str() == "-" {
            true => "standard input".to_owned(),
            false => path.display().to_string(),
        };
        let bar = io::stderr().is_terminal().then(|| bar(&name, size));
        Self {
            name,
            bar,
            last_line: Instant::now(),
            silent: false,
        }
    }

    fn silent() -> Self {
        Self {
            name: String::new(),
            bar: None,
            last_line: Instant::now(),
            silent: true,
        }
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None if self.silent => log::warn!("{line}"),
            None => eprintln!("{line}"),
        }
    }

    fn end(&self, summary: &Summary, took: Duration, dry_run: bool) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let what = if dry_run {
            " (dry run, nothing was written)"
        } else {
            ""
        };
        let counts = counts(summary);
        eprintln!(
            "{}: {counts} in {:.1} s{what}",
            self.name,
            took.as_secs_f32()
        );
    }
}

impl Watcher for Terminal {
    fn progress(&mut self, bytes: u64, summary: &Summary) {
        if let Some(bar) = &self.bar {
            bar.set_position(bytes);
            bar.set_message(counts(summary));
        } else if !self.silent && self.last_line.elapsed() >= PLAIN_INTERVAL {
            self.last_line = Instant::now();
            eprintln!("{}: {}", self.name, counts(summary));
        }
    }

    fn complain(&mut self, complaint: &Complaint) {
        self.say(&format!(
            "{}, line {}: {}",
            self.name, complaint.line, complaint.reason
        ));
    }
}

fn bar(name: &str, size: Option<u64>) -> ProgressBar {
    let (bar, template) = match size {
        Some(size) => (
            ProgressBar::new(size),
            "{prefix} {wide_bar} {percent}% {msg} {eta}",
        ),
        None => (
            ProgressBar::new_spinner(),
            "{prefix} {spinner} {bytes} {msg}",
        ),
    };
    bar.set_draw_target(ProgressDrawTarget::stderr());
    bar.set_prefix(name.to_owned());
    // A template of ours is well formed.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

fn counts(summary: &Summary) -> String {
    let mut text = format!(
        "{} created, {} updated, {} unchanged, {} failed",
        summary.created, summary.updated, summary.unchanged, summary.failed
    );
    if summary.dangling > 0 {
        text += &format!(", {} with references to nothing", summary.dangling);
    }
    text
}
