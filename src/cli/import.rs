//! `kiosque import`: takes articles in, from our own lines or from what other systems write.

use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use url::Url;

use crate::cli::restore::{self, Found};
use crate::config::Config;
use crate::content::language::Language;
use crate::content::time::Clock;
use crate::db::Database;
use crate::store::audit::Target;
use crate::transfer::import::{self, Complaint, Options, Summary, Watcher};
use crate::transfer::sources::{self, Count, Tally, Wishes};
use crate::transfer::stream::Stream;

/// Where standard error is no terminal, a line this often.
const PLAIN_INTERVAL: Duration = Duration::from_secs(5);

#[derive(Args)]
pub struct Import {
    /// Files to read, folders of Markdown, addresses of feeds, or "-" for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// What they are
    #[arg(long, value_enum, default_value_t = Format::Auto)]
    format: Format,
    /// The language of articles that do not say theirs, such as fr
    #[arg(long, value_parser = parse_language)]
    language: Option<Language>,
    /// Where the articles were until now; completes relative addresses
    #[arg(long, value_name = "URL", value_parser = parse_site_url)]
    site_url: Option<Url>,
    /// Types that are taken of WordPress and Ghost, such as post,page
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "post",
        value_name = "TYPES"
    )]
    post_types: Vec<String>,
    /// Pages of a feed that are fetched, where it has several
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pages: u32,
    /// Check everything and write nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// By content and name
    Auto,
    /// One JSON object a line
    Ndjson,
    /// WordPress: an export of its administration
    Wxr,
    /// Ghost: a JSON export
    Ghost,
    /// RSS, Atom or JSON Feed
    Feed,
    /// Markdown with front matter, as for Hugo or Jekyll
    Markdown,
}

impl Import {
    /// Exit status 1 when a line did not go in, or not wholly.
    pub fn run(&self, config: &Config) -> Result<ExitCode, String> {
        let database = super::open(config)?;
        let mut flawless = true;
        for file in &self.files {
            let found = restore::if_export(&database, file, self.dry_run)?;
            let stream = match found {
                Found::Export(whole) => {
                    flawless &= whole;
                    continue;
                }
                Found::Stream(stream) => Some(stream),
                Found::Other => None,
            };
            let summary = self.import(&database, file, stream)?;
            flawless &= summary.failed == 0 && summary.dangling == 0;
        }
        Ok(if flawless {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    fn import(
        &self,
        database: &Database,
        file: &str,
        stream: Option<Stream>,
    ) -> Result<Summary, String> {
        let started = Instant::now();
        let (format, wishes) = (self.format.into(), self.wishes());
        let mut source = match stream {
            Some(stream) => sources::open_stream(stream, super::called(file), format, &wishes)?,
            None => sources::open(file, format, &wishes)?,
        };
        let mut watcher = Terminal::new(file, source.size());
        let options = Options {
            dry_run: self.dry_run,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            clock: Clock::default(),
            by: None,
            permit: None,
        };
        let summary = import::run_from(database, source.as_mut(), &options, &mut watcher);
        let summary = summary.map_err(|error| {
            watcher.tell_of(source.tally());
            format!("{}: {error}", watcher.name)
        })?;
        let is_empty = summary == Summary::default() && source.tally().is_empty();
        if is_empty && !source.may_be_empty() {
            watcher.clear();
            return Err(format!("{}: nothing was found in it", watcher.name));
        }
        if !self.dry_run {
            note(database, &watcher.name, &summary)?;
        }
        watcher.end(&summary, started.elapsed(), self.dry_run);
        watcher.tell_of(source.tally());
        Ok(summary)
    }

    fn wishes(&self) -> Wishes {
        Wishes {
            language: self
                .language
                .as_ref()
                .map(|language| language.as_str().to_owned()),
            site_url: self.site_url.clone(),
            post_types: self.post_types.clone(),
            pages: self.pages,
        }
    }
}

impl From<Format> for sources::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Auto => Self::Auto,
            Format::Ndjson => Self::Ndjson,
            Format::Wxr => Self::Wxr,
            Format::Ghost => Self::Ghost,
            Format::Feed => Self::Feed,
            Format::Markdown => Self::Markdown,
        }
    }
}

fn parse_language(text: &str) -> Result<Language, String> {
    Language::parse(text)
}

/// With a slash at its end, so that what is relative to it is inside it.
fn parse_site_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(&format!("{}/", text.trim_end_matches('/')));
    url.ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some())
        .ok_or_else(|| format!("{text:?} is not an http or https URL"))
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

/// A bar on a terminal, plain lines elsewhere.
struct Terminal {
    name: String,
    bar: Option<ProgressBar>,
    last_line: Instant,
    silent: bool,
}

impl Terminal {
    fn new(file: &str, size: Option<u64>) -> Self {
        let name = super::called(file).to_owned();
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

    fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn end(&self, summary: &Summary, took: Duration, dry_run: bool) {
        self.clear();
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

impl Terminal {
    /// What did not come in, or not as it was, by reason.
    fn tell_of(&self, tally: &Tally) {
        self.clear();
        for (heading, reasons) in [("left out", &tally.left_out), ("changed", &tally.changed)] {
            for (reason, count) in reasons {
                eprintln!("{}: {heading}: {}", self.name, told(reason, count));
            }
        }
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
        let place = match &complaint.name {
            Some(name) => name.clone(),
            None => format!("line {}", complaint.line),
        };
        self.say(&format!("{}, {place}: {}", self.name, complaint.reason));
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
    if summary.withdrawn > 0 {
        text += &format!(", {} withdrawn", summary.withdrawn);
    }
    if summary.dangling > 0 {
        text += &format!(", {} with references to nothing", summary.dangling);
    }
    text
}

fn told(reason: &str, Count { count, examples }: &Count) -> String {
    let more = match *count > examples.len() as u64 && !examples.is_empty() {
        true => ", …",
        false => "",
    };
    match examples.is_empty() {
        true => format!("{count} {reason}"),
        false => format!("{count} {reason}: {}{more}", examples.join(", ")),
    }
}
