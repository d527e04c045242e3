//! Folders of Markdown with front matter, as Hugo, Jekyll and others read them.

mod addresses;
mod article;
mod cascade;
mod config;
mod content;
mod defaults;
mod fields;
mod files;
mod front_matter;
mod glob;
mod hidden;
mod inherited;
mod marks;
mod pages;
mod permalinks;
mod site;
mod walk;

use std::collections::HashMap;
use std::io;
use std::path::Path;

use chrono::{DateTime, Utc};
use serde_json::Map;

use crate::content::line::MAX_LINE;
use crate::transfer::lines::{Sink, Source};
use crate::transfer::sources::dates;
use crate::transfer::sources::item::{self, Item};
use crate::transfer::sources::tally::Tally;
use crate::transfer::sources::{Archive, Wishes};

use article::{Maker, Read, external_id};
use fields::Fields;
use pages::Pages;
use site::{Site, Text};

pub struct Markdown {
    site: Site,
    texts: Vec<Text>,
    wishes: Wishes,
    tally: Tally,
    prefix: String,
    pages: Pages,
}

impl Markdown {
    /// All texts of a folder.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn folder(folder: &Path, wishes: &Wishes) -> io::Result<Self> {
        let mut site = Site::open(folder)?;
        let mut tally = Tally::default();
        let texts = site.texts(&mut |reason, example| tally.leave_out(reason, example))?;
        if texts.is_empty() {
            return Err(io::Error::other("it has no Markdown files"));
        }
        let name = folder.canonicalize()?;
        Ok(Self {
            prefix: prefix(&site, wishes, &name),
            site,
            texts,
            wishes: wishes.clone(),
            tally,
            pages: Pages::default(),
        })
    }

    /// One text.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn file(file: &Path, wishes: &Wishes) -> io::Result<Self> {
        let file = file.canonicalize()?;
        let folder = file.parent().unwrap_or(Path::new("."));
        let site = Site::open(folder)?;
        let text = site.text(&file, file.metadata()?.len());
        Ok(Self {
            prefix: prefix(&site, wishes, folder),
            site,
            texts: vec![text],
            wishes: wishes.clone(),
            tally: Tally::default(),
            pages: Pages::default(),
        })
    }

    /// The original of each text that is a translation, by path. Where the pages are is noted on the way.
    fn originals(&mut self) -> HashMap<String, String> {
        let mut groups: HashMap<String, Vec<(String, String)>> = HashMap::new();
        let mut pages = Pages::default();
        let now = Utc::now();
        let mut maker = Maker {
            site: &self.site,
            wishes: &self.wishes,
            tally: &mut Tally::default(),
            prefix: &self.prefix,
            pages: &Pages::default(),
        };
        for text in &self.texts {
            let read = match read(&self.site, text) {
                Ok(Some(read)) => read,
                Ok(None) => continue,
                // It is told of when its turn comes. A link to it leads to no other page of its name.
                Err(_) => {
                    let spoken = maker.language_of_links(&Fields(&Map::new()), text);
                    pages.add(&spoken, &self.site.page(text), None);
                    continue;
                }
            };
            let read = Read {
                body: String::new(),
                ..read
            };
            let fields = Fields(&read.members);
            let language = maker.language(&fields, text);
            let key = fields.text(&["translationkey", "translation_key", "ref"]);
            let key = key.map_or_else(|| text.key.clone(), |key| format!("\0{key}"));
            let item = maker.item(&read, text);
            let address = item.as_ref().filter(|item| is_public(item, now));
            let address = address.and_then(|item| item.canonical_url.as_deref());
            let spoken = maker.language_of_links(&fields, text);
            pages.add(&spoken, &self.site.page(text), address);
            if item.is_none() {
                continue;
            }
            let group = groups.entry(key).or_default();
            if !group.iter().any(|(known, _)| *known == language) {
                group.push((language, text.relative.clone()));
            }
        }
        self.pages = pages;
        let default = self
            .wishes
            .language
            .as_ref()
            .or(self.site.default_language.as_ref());
        let mut originals = HashMap::new();
        for group in groups.into_values().filter(|group| group.len() > 1) {
            let original = group.iter().find(|(language, _)| Some(language) == default);
            let Some((_, original)) = original.or_else(|| group.first()).cloned() else {
                continue;
            };
            for (_, translation) in group {
                if translation != original {
                    originals.insert(translation, external_id(&self.prefix, &original));
                }
            }
        }
        originals
    }

    fn item(&mut self, text: &Text, original: Option<&String>) -> Result<Option<Item>, String> {
        let Some(read) = read(&self.site, text)? else {
            let reason = "HTML files without front matter";
            self.tally.leave_out(reason, &text.relative);
            return Ok(None);
        };
        let mut maker = Maker {
            site: &self.site,
            wishes: &self.wishes,
            tally: &mut self.tally,
            prefix: &self.prefix,
            pages: &self.pages,
        };
        let item = maker.item(&read, text);
        Ok(item.map(|item| Item {
            translation_of: original.cloned(),
            ..item
        }))
    }
}

impl Source for Markdown {
    fn read(&mut self, sink: &mut dyn Sink) -> io::Result<()> {
        let originals = self.originals();
        let mut bytes = 0;
        // Translations often share their original's slug, which is the original's.
        let mut texts = std::mem::take(&mut self.texts);
        texts.sort_by_key(|text| originals.contains_key(&text.relative));
        for (number, text) in (1..).zip(texts) {
            bytes += text.bytes;
            let line = match self.item(&text, originals.get(&text.relative)) {
                Ok(None) => None,
                Ok(Some(item)) => Some(item.line(number, &text.relative, &mut self.tally)),
                Err(reason) => Some(item::failed(number, text.relative, reason)),
            };
            let flow = match line {
                Some(line) => sink.take(line, bytes),
                None => sink.pass(bytes),
            };
            if flow.is_break() {
                break;
            }
        }
        Ok(())
    }
}

impl Archive for Markdown {
    fn tally(&self) -> &Tally {
        &self.tally
    }

    fn size(&self) -> Option<u64> {
        Some(self.texts.iter().map(|text| text.bytes).sum())
    }
}

/// Whether the public reads an article that is published: its day has come, and it is not over.
fn is_public(item: &Item, now: DateTime<Utc>) -> bool {
    let at = |date: &Option<String>| Some(dates::parse(date.as_deref()?)?.at);
    at(&item.published_at).is_none_or(|from| from <= now)
        && at(&item.expires_at).is_none_or(|until| until > now)
}

/// Without front matter, generators copy HTML as it is.
fn is_foreign_html(text: &Text, content: &str, body: &str) -> bool {
    text.is_html && body.len() == content.trim_start_matches('\u{feff}').len()
}

/// `None` where it is HTML of which generators make no page.
fn read(site: &Site, text: &Text) -> Result<Option<Read>, String> {
    let content = files::text(files::read(&text.path, MAX_LINE as u64)?)?;
    let (members, body) = front_matter::parted(&content, site.kind)?;
    if is_foreign_html(text, &content, body) {
        return Ok(None);
    }
    let (members, hidden) = site.completed(members, text);
    Ok(Some(Read {
        members,
        body: body.to_owned(),
        hidden,
    }))
}

fn prefix(site: &Site, wishes: &Wishes, folder: &Path) -> String {
    let url = wishes.site_url.as_ref().or(site.url.as_ref());
    let host = url.and_then(|url| url.host_str());
    let name = folder
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    host.map(str::to_owned).or(name).unwrap_or_default()
}
