//! One page of a feed, whatever its format: its entries, and where the next page is.

use std::io;

use feed_rs::model::{Entry, Feed};
use feed_rs::parser;
use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use serde_json::{Map, Value};
use url::Url;

use crate::transfer::sources::feed::fetch::Page;

/// Elements inside each other.
const MAX_DEPTH: usize = 128;

/// An entry with what its format has and others do not.
pub struct Found {
    pub entry: Entry,
    pub image: Option<String>,
    pub language: Option<String>,
}

pub struct Read {
    /// Without its entries.
    pub feed: Feed,
    /// Or what is wrong with one.
    pub entries: Vec<Result<Found, String>>,
    pub next: Option<Url>,
}

/// # Errors
/// Where it is no feed, or one that is dangerous to read.
pub fn read(page: &Page) -> io::Result<Read> {
    let text = String::from_utf8_lossy(&page.bytes);
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let read = match text.starts_with('{') {
        true => json(text, page.url.as_ref()),
        false => xml(text, page.url.as_ref()),
    };
    read.map_err(|reason| io::Error::new(io::ErrorKind::InvalidData, reason))
}

fn xml(text: &str, url: Option<&Url>) -> Result<Read, String> {
    let next = check(text)?;
    let mut feed = parse(text, url)?;
    let entries = std::mem::take(&mut feed.entries);
    let found = |entry: Entry| {
        let language = entry.language.clone();
        Ok(Found {
            entry,
            image: None,
            language,
        })
    };
    Ok(Read {
        feed,
        entries: entries.into_iter().map(found).collect(),
        next: next.and_then(|next| resolved(&next, url)),
    })
}

/// Each item is read as a feed of its own: what is wrong with one is not wrong with the others.
fn json(text: &str, url: Option<&Url>) -> Result<Read, String> {
    let said = |error: serde_json::Error| format!("is no JSON Feed: {error}");
    let mut members: Map<String, Value> = serde_json::from_str(text).map_err(said)?;
    let next = members.get("next_url").and_then(Value::as_str);
    let next = next.and_then(|next| resolved(next, url));
    let Some(Value::Array(items)) = members.remove("items") else {
        return Err("is no JSON Feed: it has no items".to_owned());
    };
    if !members.get("title").is_some_and(Value::is_string) {
        members.insert("title".to_owned(), Value::from(""));
    }
    let alone = |items: Vec<Value>| {
        let mut feed = members.clone();
        feed.insert("items".to_owned(), Value::from(items));
        parse(&Value::from(feed).to_string(), url)
    };
    let feed = alone(Vec::new())?;
    let entries = items
        .into_iter()
        .map(|mut item| {
            let own = |name: &str| item.get(name).and_then(Value::as_str).map(str::to_owned);
            let image = own("image").or_else(|| own("banner_image"));
            let language = own("language");
            // Version 1.1: "treat it as a string, whatever it is".
            if let Some(id) = item.get_mut("id").filter(|id| id.is_number()) {
                *id = Value::from(id.to_string());
            }
            let entry = alone(vec![item])?.entries.pop();
            Ok(Found {
                entry: entry.ok_or("is no item")?,
                image,
                language,
            })
        })
        .collect();
    Ok(Read {
        feed,
        entries,
        next,
    })
}

fn parse(text: &str, url: Option<&Url>) -> Result<Feed, String> {
    let parser = parser::Builder::new()
        .base_uri(url)
        .sanitize_content(false)
        // Names that are made up differ from run to run.
        .id_generator(|_, _, _| String::new())
        .build();
    let parsed = parser.parse(text.as_bytes());
    parsed.map_err(|error| format!("is no RSS, Atom or JSON Feed: {error}"))
}

/// Looks through the whole document for what must not be in it, and finds its next page (RFC 5005 section 3).
fn check(text: &str) -> Result<Option<String>, String> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = false;
    let mut depth: usize = 0;
    let mut next = None;
    loop {
        match reader.read_event() {
            Ok(Event::DocType(_)) => {
                return Err(
                    "it has a document type declaration, by which a file can make a reader run out of memory or \
                     read other files"
                        .to_owned(),
                );
            }
            Ok(Event::Start(start)) => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(format!("it has elements nested deeper than {MAX_DEPTH}"));
                }
                note_next(&start, depth, &mut next);
            }
            Ok(Event::Empty(start)) => note_next(&start, depth + 1, &mut next),
            Ok(Event::End(_)) => depth = depth.saturating_sub(1),
            Ok(Event::Eof) => return Ok(next),
            Ok(_) => {}
            // The parser says it better.
            Err(_) => return Ok(next),
        }
    }
}

/// A link of the feed itself, in Atom at the second level, in RSS at the third.
fn note_next(start: &BytesStart, depth: usize, next: &mut Option<String>) {
    let is_link = matches!(start.name().as_ref(), "link" | "atom:link");
    if !is_link || depth > 3 || next.is_some() {
        return;
    }
    let value = |name: &str| {
        let attribute = start.try_get_attribute(name).ok()??;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
        Some(value.into_owned())
    };
    if value("rel").as_deref() == Some("next") {
        *next = value("href");
    }
}

fn resolved(address: &str, base: Option<&Url>) -> Option<Url> {
    let url = match base {
        Some(base) => base.join(address).ok()?,
        None => Url::parse(address).ok()?,
    };
    matches!(url.scheme(), "http" | "https").then_some(url)
}
