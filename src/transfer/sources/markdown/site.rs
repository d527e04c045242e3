//! A folder of Markdown: which site generator it is for, which files are articles, and in which language.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Map;
use url::Url;

use crate::transfer::sources::item;
use crate::transfer::sources::markdown::config;
use crate::transfer::sources::markdown::content::Content;
use crate::transfer::sources::markdown::fields::Fields;
use crate::transfer::sources::markdown::hidden::Hidden;
use crate::transfer::sources::markdown::inherited::Inherited;
use crate::transfer::sources::markdown::permalinks::Permalinks;
use crate::transfer::sources::markdown::walk::is_html;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Hugo,
    Jekyll,
    /// Nothing says.
    Plain,
}

#[derive(Debug)]
pub struct Site {
    pub kind: Kind,
    /// Where its texts are.
    pub content: Content,
    pub title: Option<String>,
    pub url: Option<Url>,
    /// How addresses are made.
    pub permalinks: Permalinks,
    pub default_language: Option<String>,
    /// Hugo: the names of what its texts are sorted by.
    pub taxonomies: BTreeSet<String>,
    /// What it says of its texts.
    pub inherited: Inherited,
    languages: Vec<String>,
    /// It is, or is inside, `_posts` or `_drafts`, whatever of the path was given.
    pub in_posts: bool,
    pub in_drafts: bool,
    /// A folder with a page of its own is that page, with all that is in it.
    pub in_bundles: bool,
}

/// A file, as its path tells of it.
#[derive(Clone, Debug)]
pub struct Text {
    pub path: PathBuf,
    /// With slashes, for messages and names.
    pub relative: String,
    /// The path without the parts that are a language: the same for all translations.
    pub key: String,
    pub language: Option<String>,
    /// Its folders, without those that are a language or only hold this text.
    pub folders: Vec<String>,
    /// Without its date.
    pub stem: String,
    /// From the name of a file of Jekyll.
    pub date: Option<String>,
    pub bytes: u64,
    pub is_html: bool,
    /// By where it is.
    pub hidden: Option<Hidden>,
}

impl Text {
    /// Whether it has a folder to itself.
    pub fn is_bundle(&self) -> bool {
        self.key.ends_with("/index")
    }
}

impl Site {
    /// # Errors
    /// When the folder or a configuration cannot be read.
    pub fn open(folder: &Path) -> io::Result<Self> {
        // A folder may be given as "." or by another name.
        let absolute = folder.canonicalize()?;
        let is_inside = |name: &str| {
            let mut parts = absolute.components().chain(folder.components());
            parts.any(|part| part.as_os_str() == name)
        };
        let (in_posts, in_drafts) = (is_inside("_posts"), is_inside("_drafts"));
        let is_jekyll = folder.join("_config.yml").exists()
            || folder.join("_posts").is_dir()
            || folder.join("_drafts").is_dir()
            || in_posts
            || in_drafts;
        let (kind, config, declared, content) = if is_jekyll {
            let config = config::first(folder, &config::JEKYLL)?;
            let declared = config::languages(&config);
            (Kind::Jekyll, config, declared, Content::whole(folder))
        } else {
            let hugo = config::first(folder, &config::HUGO)?;
            let languages = config::hugo_languages(folder, &hugo)?;
            match Content::of_hugo(folder, &hugo, &languages) {
                Some(content) => (Kind::Hugo, hugo, languages, content),
                None => {
                    let content = Content::whole(folder);
                    (Kind::Plain, Map::new(), BTreeMap::new(), content)
                }
            }
        };
        let fields = Fields(&config);
        let base = fields.text(&["baseurl", "url"]);
        let base = match (kind, fields.text(&["url"])) {
            (Kind::Jekyll, Some(url)) => {
                let below = fields.text(&["baseurl"]).unwrap_or_default();
                Some(format!(
                    "{}/{}",
                    url.trim_end_matches('/'),
                    below.trim_matches('/')
                ))
            }
            _ => base,
        };
        let default = fields.text(&["defaultcontentlanguage", "languagecode", "locale", "lang"]);
        let mut site = Self {
            kind,
            content,
            title: fields.text(&["title"]),
            url: base.and_then(|base| Url::parse(&format!("{}/", base.trim_end_matches('/'))).ok()),
            permalinks: match kind {
                Kind::Hugo => config::hugo_permalinks(folder, &config, &declared)?,
                Kind::Jekyll => Permalinks::jekyll(&config),
                Kind::Plain => Permalinks::default(),
            },
            default_language: default.as_deref().and_then(item::language),
            taxonomies: match kind {
                Kind::Hugo => config::hugo_taxonomies(folder, &config, &declared)?,
                Kind::Jekyll | Kind::Plain => BTreeSet::new(),
            },
            inherited: Inherited::open(kind, &absolute, &config, &declared)?,
            languages: declared.into_keys().collect(),
            in_posts,
            in_drafts,
            in_bundles: kind == Kind::Hugo || config::hugo_above(&absolute).is_some(),
        };
        if site.languages.is_empty() {
            site.languages = site.folder_languages()?;
        }
        Ok(site)
    }

    /// A file as its path tells of it.
    pub fn text(&self, path: &Path, bytes: u64) -> Text {
        let relative = self.relative(path);
        let mut folders: Vec<String> = relative.split('/').map(str::to_owned).collect();
        let name = folders.pop().unwrap_or_default();
        let is_draft = self.in_drafts || folders.iter().any(|folder| folder == "_drafts");
        let mut stem = name
            .rsplit_once('.')
            .map_or(name.as_str(), |(stem, _)| stem)
            .to_owned();
        let (parts, own) = self.content.of(&relative);
        folders.drain(..parts.min(folders.len()));
        let mut language = None;
        if let Some((first, last)) = stem.rsplit_once('.')
            && let Some(tag) = self.known_language(last)
        {
            language = Some(tag);
            stem = first.to_owned();
        }
        if let Some(own) = own {
            language.get_or_insert(own.to_owned());
        } else if let Some(first) = folders.first()
            && self.languages.len() > 1
            && let Some(tag) = self.known_language(first)
        {
            language.get_or_insert(tag);
            folders.remove(0);
        }
        let key = format!("{}/{stem}", folders.join("/"));
        if stem == "index"
            && let Some(folder) = folders.pop()
        {
            stem = folder;
        }
        let mut date = None;
        if let Some((day, rest)) = dated(&stem) {
            date = Some(day.to_owned());
            stem = rest.to_owned();
        }
        Text {
            path: path.to_owned(),
            relative,
            key,
            language,
            folders,
            stem,
            date,
            bytes,
            is_html: is_html(&name),
            hidden: is_draft.then_some(Hidden::Draft),
        }
    }

    /// Folders that are called as languages are, where there are several beside each other.
    fn folder_languages(&self) -> io::Result<Vec<String>> {
        let mut languages = Vec::new();
        for entry in fs::read_dir(&self.content.root)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type()?.is_dir() && is_short(&name) {
                languages.extend(item::language(&name));
            }
        }
        if languages.len() < 2 {
            languages.clear();
        }
        languages.sort();
        Ok(languages)
    }

    /// A part of a path as a language: one of those declared, or anything that looks like one.
    fn known_language(&self, part: &str) -> Option<String> {
        let tag = item::language(part)?;
        let fits = match self.languages.is_empty() {
            true => is_short(part),
            false => self.languages.contains(&tag),
        };
        fits.then_some(tag)
    }

    pub fn relative(&self, path: &Path) -> String {
        let relative = path.strip_prefix(&self.content.root).unwrap_or(path);
        let parts = relative
            .components()
            .map(|part| part.as_os_str().to_string_lossy());
        parts.collect::<Vec<_>>().join("/")
    }
}

/// `fr` or `fr-MA`.
fn is_short(name: &str) -> bool {
    let primary = name.split(['-', '_']).next().unwrap_or_default();
    primary.len() == 2 && primary.bytes().all(|b| b.is_ascii_lowercase())
}

/// `2024-01-02-name` in two.
fn dated(stem: &str) -> Option<(&str, &str)> {
    let (day, rest) = stem.split_at_checked(10)?;
    let rest = rest.strip_prefix('-')?;
    let is_day = day.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    (is_day && !rest.is_empty()).then_some((day, rest))
}
