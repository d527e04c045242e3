//! What other systems write, as lines of an import: each item becomes one line, and the pipeline is the same.

mod clean;
mod dates;
mod detect;
mod feed;
mod ghost;
mod html;
mod item;
mod markdown;
mod place;
mod tally;
mod text;
mod wxr;

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use url::Url;

use crate::transfer::lines::{Ndjson, Sink, Source};
use crate::transfer::stream::{self, Stream};

use place::Place;

pub use detect::Format;
pub use tally::{Count, Tally};

/// What whoever imports knows and the input may not say.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// The language of what does not say its own.
    pub language: Option<String>,
    /// Where the articles were until now; what relative addresses are relative to.
    pub site_url: Option<Url>,
    /// Types of items that are taken, in the words of WordPress: post, page.
    pub post_types: Vec<String>,
    /// Pages of a feed that are followed.
    pub pages: u32,
}

impl Wishes {
    /// The language that was asked for, else what the whole input says of itself; empty where neither does.
    fn language_or(&self, declared: &str) -> String {
        let declared = || item::language(declared);
        self.language.clone().or_else(declared).unwrap_or_default()
    }
}

/// A source that can tell what it did not take.
pub trait Archive: Source {
    fn tally(&self) -> &Tally;
    /// Bytes that there are to read, where that is known.
    fn size(&self) -> Option<u64>;
    /// Whether it is in order that there is nothing in it.
    fn may_be_empty(&self) -> bool {
        false
    }
}

/// Opens a stream that was begun already.
///
/// # Errors
/// Why it cannot be read, or as what.
pub fn open_stream(
    input: Stream,
    name: &str,
    format: Format,
    wishes: &Wishes,
) -> Result<Box<dyn Archive>, String> {
    opened_stream(input, format, wishes).map_err(|error| format!("cannot read {name}: {error}"))
}

/// Opens a file, a folder, or the address of a feed.
///
/// # Errors
/// Why it cannot be read, or as what.
pub fn open(name: &str, format: Format, wishes: &Wishes) -> Result<Box<dyn Archive>, String> {
    let cannot = |error: io::Error| format!("cannot read {name}: {error}");
    if let Some(url) = web_address(name) {
        let url = url.map_err(|error| format!("{name:?} is no address: {error}"))?;
        if !matches!(format, Format::Auto | Format::Feed) {
            return Err(format!("cannot read {name}: only feeds are fetched"));
        }
        return Ok(Box::new(feed::Feed::open(feed::From::Url(url), wishes)));
    }
    let file = File::open(Path::new(name)).map_err(cannot)?;
    let metadata = file.metadata().map_err(cannot)?;
    if metadata.is_dir() {
        if !matches!(format, Format::Auto | Format::Markdown) {
            return Err(format!("cannot read {name}: it is a folder"));
        }
        let folder = markdown::Markdown::folder(Path::new(name), wishes);
        return Ok(Box::new(folder.map_err(cannot)?));
    }
    let place = Place::new(file);
    let format = detect::format(format, &place, name).map_err(cannot)?;
    if format == Format::Markdown {
        let file = markdown::Markdown::file(Path::new(name), wishes);
        return Ok(Box::new(file.map_err(cannot)?));
    }
    opened(place, format, wishes).map_err(cannot)
}

fn web_address(name: &str) -> Option<Result<Url, url::ParseError>> {
    let is_web = name.starts_with("https://") || name.starts_with("http://");
    is_web.then(|| Url::parse(name))
}

/// Lines can be taken as they come; everything else is read more than once.
fn opened_stream(input: Stream, format: Format, wishes: &Wishes) -> io::Result<Box<dyn Archive>> {
    let is_lines = match format {
        Format::Ndjson => true,
        Format::Auto => detect::looks_like_lines(stream::head(&input)),
        _ => false,
    };
    if is_lines {
        return Ok(Box::new(Lines::new(input, None)));
    }
    let place = Place::keep(input)?;
    let format = detect::format(format, &place, "")?;
    opened(place, format, wishes)
}

fn opened(place: Place, format: Format, wishes: &Wishes) -> io::Result<Box<dyn Archive>> {
    Ok(match format {
        Format::Auto | Format::Ndjson => {
            let size = place.length().ok();
            Box::new(Lines::new(
                BufReader::with_capacity(1 << 20, place.at(0)),
                size,
            ))
        }
        Format::Wxr => Box::new(wxr::Wxr::open(place, wishes)?),
        Format::Ghost => Box::new(ghost::Ghost::open(place, wishes)),
        Format::Feed => Box::new(feed::Feed::open(feed::From::File(place), wishes)),
        Format::Markdown => {
            return Err(io::Error::other(
                "Markdown is read from files and folders, whose names belong to it",
            ));
        }
    })
}

/// NDJSON, of which everything is taken.
struct Lines<R> {
    lines: Ndjson<R>,
    size: Option<u64>,
    tally: Tally,
}

impl<R> Lines<R> {
    fn new(input: R, size: Option<u64>) -> Self {
        Self {
            lines: Ndjson(input),
            size,
            tally: Tally::default(),
        }
    }
}

impl<R: io::BufRead + Send> Source for Lines<R> {
    fn is_foreign(&self) -> bool {
        self.lines.is_foreign()
    }

    fn read(&mut self, sink: &mut dyn Sink) -> io::Result<()> {
        self.lines.read(sink)
    }
}

impl<R: io::BufRead + Send> Archive for Lines<R> {
    fn tally(&self) -> &Tally {
        &self.tally
    }

    fn size(&self) -> Option<u64> {
        self.size
    }
}
