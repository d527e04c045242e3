//! Folders of Markdown with front matter, as Hugo, Jekyll and others read them.

mod addresses;
mod article;
mod config;
mod fields;
mod front_matter;
mod hidden;
mod marks;
mod permalinks;
mod site;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;

use crate::content::line::MAX_LINE;
use crate::transfer::lines::{Sink, Source};
use crate::transfer::sources::item::{self, Item};
use crate::transfer::sources::tally::Tally;
use crate::transfer::sources::{Archive, Wishes};

use article::{Maker, external_id};
use fields::Fields;
use site::{Site, Text};

pub struct Markdown {
    site: Site,
    texts: Vec<Text>,
    wishes: Wishes,
    tally: Tally,
    prefix: String,
}

impl Markdown {
    /// All texts of a folder.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn folder(folder: &Path, wishes: &Wishes) -> io::Result<Self> {
        let site = Site::open(folder)?;
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
        })
    }

    /// The original of each text that is a translation, by path.
    fn originals(&mut self) -> HashMap<String, String> {
        let mut groups: HashMap<String, Vec<(String, String)>> = HashMap::new();
        let mut maker = Maker {
            site: &self.site,
            wishes: &self.wishes,
            tally: &mut Tally::default(),
            prefix: &self.prefix,
        };
        for text in &self.texts {
            // What cannot be read is told of when its turn comes.
            let Ok(content) = content(text) else { continue };
            let Ok((members, body)) = front_matter::parted(&content) else {
                continue;
            };
            if is_foreign_html(text, &content, body) {
                continue;
            }
            let fields = Fields(&members);
            let language = maker.language(&fields, text);
            let key = fields.text(&["translationkey", "translation_key", "ref"]);
            let key = key.map_or_else(|| text.key.clone(), |key| format!("\0{key}"));
            let group = groups.entry(key).or_default();
            if maker.item(&members, "", text).is_some()
                && !group.iter().any(|(known, _)| *known == language)
            {
                group.push((language, text.relative.clone()));
            }
        }
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
        let content = content(text)?;
        let (members, body) = front_matter::parted(&content)?;
        if is_foreign_html(text, &content, body) {
            let reason = "HTML files without front matter";
            self.tally.leave_out(reason, &text.relative);
            return Ok(None);
        }
        let mut maker = Maker {
            site: &self.site,
            wishes: &self.wishes,
            tally: &mut self.tally,
            prefix: &self.prefix,
        };
        let item = maker.item(&members, body, text);
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

/// Without front matter, generators copy HTML as it is.
fn is_foreign_html(text: &Text, content: &str, body: &str) -> bool {
    text.is_html && body.len() == content.trim_start_matches('\u{feff}').len()
}

fn content(text: &Text) -> Result<String, String> {
    if text.bytes > MAX_LINE as u64 {
        return Err(format!("is larger than {MAX_LINE} bytes"));
    }
    let bytes = fs::read(&text.path).map_err(|error| format!("cannot be read: {error}"))?;
    let content = String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())?;
    // PostgreSQL's text has no NUL, and no text needs one.
    Ok(content.replace('\0', ""))
}

fn prefix(site: &Site, wishes: &Wishes, folder: &Path) -> String {
    let url = wishes.site_url.as_ref().or(site.url.as_ref());
    let host = url.and_then(|url| url.host_str());
    let name = folder
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    host.map(str::to_owned).or(name).unwrap_or_default()
}
