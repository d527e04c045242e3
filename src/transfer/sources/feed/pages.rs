//! One page of a feed, whatever its format: its entries, and where the next page is.

use std::io;

use feed_rs::model::{Entry, Feed};
use feed_rs::parser;
use serde_json::{Map, Value, json};
use url::Url;

use crate::transfer::sources::feed::fetch::Page;
use crate::transfer::sources::feed::outline::{self, Beside, check_entries};
use crate::transfer::sources::place;

/// An entry with what its format has and others do not.
pub struct Found {
    pub entry: Entry,
    pub image: Option<String>,
    pub language: Option<String>,
    /// Whether it says when it came out or was changed, also in a form that cannot be read.
    pub has_date: bool,
}

pub struct Read {
    /// Without its entries.
    pub feed: Feed,
    /// Or what is wrong with one.
    pub entries: Vec<Result<Found, String>>,
    pub next: Option<Url>,
    /// A next page that is not followed, for it is at another server.
    pub elsewhere: Option<Url>,
    /// Characters that stand for bytes that are none.
    pub replaced: u64,
}

/// # Errors
/// Where it is no feed, or one that is dangerous to read.
pub fn read(page: &Page) -> io::Result<Read> {
    let url = page.url.as_ref();
    let read = place::decoded(&page.bytes, page.charset.as_deref()).and_then(|decoded| {
        let read = match decoded.text.starts_with('{') {
            true => json_feed(&decoded.text, url),
            false => xml(&decoded.text, url),
        };
        let replaced = decoded.replaced;
        read.map(|read| Read { replaced, ..read })
    });
    let read = read.map(|read| only_here(read, url));
    read.map_err(|reason| io::Error::new(io::ErrorKind::InvalidData, reason))
}

/// A feed leads to more of itself, not wherever its author would like someone else's server to ask.
fn only_here(mut read: Read, url: Option<&Url>) -> Read {
    let is_here = |next: &Url| url.is_some_and(|url| url.origin() == next.origin());
    if read.next.as_ref().is_some_and(|next| !is_here(next)) {
        read.elsewhere = read.next.take();
    }
    read
}

fn xml(text: &str, url: Option<&Url>) -> Result<Read, String> {
    let outline = outline::of(text)?;
    let mut feed = parse(text, url)?;
    let entries = std::mem::take(&mut feed.entries);
    // What cannot be told apart is not told.
    let beside = match outline.entries.len() == entries.len() {
        true => outline.entries,
        false => vec![Beside::default(); entries.len()],
    };
    let found = |(entry, beside): (Entry, Beside)| {
        let language = entry.language.clone().or(beside.language);
        Ok(Found {
            entry,
            image: None,
            language,
            has_date: beside.has_date,
        })
    };
    Ok(Read {
        feed,
        entries: entries.into_iter().zip(beside).map(found).collect(),
        next: outline.next.and_then(|next| resolved(&next, url)),
        elsewhere: None,
        replaced: 0,
    })
}

/// Each item is read as a feed of its own: what is wrong with one is not wrong with the others.
fn json_feed(text: &str, url: Option<&Url>) -> Result<Read, String> {
    let said = |error: serde_json::Error| format!("is no JSON Feed: {error}");
    let mut members: Map<String, Value> = serde_json::from_str(text).map_err(said)?;
    let next = members.get("next_url").and_then(Value::as_str);
    let next = next.and_then(|next| resolved(next, url));
    let Some(Value::Array(items)) = members.remove("items") else {
        return Err("is no JSON Feed: it has no items".to_owned());
    };
    check_entries(items.len())?;
    if !members.get("title").is_some_and(Value::is_string) {
        members.insert("title".to_owned(), Value::from(""));
    }
    let version = members.get("version").cloned().unwrap_or_default();
    members.insert("items".to_owned(), Value::Array(Vec::new()));
    let feed = parse(&Value::from(members).to_string(), url)?;
    // Of the feed only what the parser looks for: its author wrote the rest, of any length, once.
    let alone = |item: Value| {
        let feed = json!({"version": version, "title": "", "items": [item]});
        parse(&feed.to_string(), url)
    };
    let entries = items
        .into_iter()
        .map(|mut item| {
            let own = |name: &str| item.get(name).and_then(Value::as_str).map(str::to_owned);
            let image = own("image").or_else(|| own("banner_image"));
            let language = own("language");
            let date = own("date_published").or_else(|| own("date_modified"));
            // Version 1.1: "treat it as a string, whatever it is".
            if let Some(id) = item.get_mut("id").filter(|id| id.is_number()) {
                *id = Value::from(id.to_string());
            }
            let entry = alone(item)?.entries.pop();
            Ok(Found {
                entry: entry.ok_or("is no item")?,
                image,
                language,
                has_date: date.is_some_and(|date| !date.trim().is_empty()),
            })
        })
        .collect();
    Ok(Read {
        feed,
        entries,
        next,
        elsewhere: None,
        replaced: 0,
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

fn resolved(address: &str, base: Option<&Url>) -> Option<Url> {
    let url = match base {
        Some(base) => base.join(address).ok()?,
        None => Url::parse(address).ok()?,
    };
    matches!(url.scheme(), "http" | "https").then_some(url)
}
