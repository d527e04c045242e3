//! A folder of Markdown: which site generator it is for, which files are articles, and in which language.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Map;
use url::Url;

use crate::transfer::sources::item;
use crate::transfer::sources::markdown::config;
use crate::transfer::sources::markdown::fields::Fields;
use crate::transfer::sources::markdown::hidden::{self, Hidden};
use crate::transfer::sources::markdown::permalinks::Permalinks;

/// Files that one folder may have.
const MAX_FILES: usize = 2_000_000;
/// Folders of programs, not of texts, where they are a site's own.
const FOREIGN: [&str; 5] = ["themes", "public", "vendor", "resources", "archetypes"];

/// Names of a section's page.
const SECTION: [&str; 2] = ["_index.md", "_index.html"];

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
    /// What paths are relative to.
    pub root: PathBuf,
    pub title: Option<String>,
    pub url: Option<Url>,
    /// How addresses are made.
    pub permalinks: Permalinks,
    pub default_language: Option<String>,
    languages: Vec<String>,
    /// It is, or is inside, `_posts` or `_drafts`, whatever of the path was given.
    in_posts: bool,
    in_drafts: bool,
    /// A folder with a page of its own is that page, with all that is in it.
    in_bundles: bool,
    /// What its configuration or a section above it says of all its texts.
    hidden: Option<Hidden>,
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

impl Site {
    /// # Errors
    /// When the folder cannot be read.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let content = folder.join("content");
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
        let (kind, config) = if is_jekyll {
            (Kind::Jekyll, config::first(folder, &["_config"]))
        } else if content.is_dir() {
            (Kind::Hugo, config::first(folder, &config::HUGO))
        } else {
            (Kind::Plain, Map::new())
        };
        let fields = Fields(&config);
        let declared = match kind {
            Kind::Hugo => config::hugo_languages(folder, &config),
            Kind::Jekyll | Kind::Plain => config::languages(&config),
        };
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
            root: match kind {
                Kind::Hugo => content,
                _ => folder.to_owned(),
            },
            title: fields.text(&["title"]),
            url: base.and_then(|base| Url::parse(&format!("{}/", base.trim_end_matches('/'))).ok()),
            permalinks: match kind {
                Kind::Hugo => config::hugo_permalinks(folder, &config, &declared),
                Kind::Jekyll => Permalinks::jekyll(&config),
                Kind::Plain => Permalinks::default(),
            },
            default_language: default.as_deref().and_then(item::language),
            languages: declared.into_keys().collect(),
            in_posts,
            in_drafts,
            in_bundles: kind == Kind::Hugo || is_in_hugo(&absolute),
            hidden: None,
        };
        let above = absolute.ancestors().any(|folder| {
            let mut pages = SECTION.iter().map(|name| folder.join(name));
            pages.any(|page| page.is_file() && hidden::by_section(&page))
        });
        site.hidden = (above || hidden::by_cascade(&fields)).then(by_cascade);
        if site.languages.is_empty() {
            site.languages = site.folder_languages()?;
        }
        Ok(site)
    }

    /// The texts in the order of their paths, and the names of those passed over.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn texts(&self, passed: &mut dyn FnMut(&str, &str)) -> io::Result<Vec<Text>> {
        let mut found = Vec::new();
        let mut sections = HashSet::new();
        let mut bundles = HashSet::new();
        let mut folders = vec![self.root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder)? {
                let entry = entry?;
                let path = entry.path();
                let name = entry.file_name().to_string_lossy().into_owned();
                let kind = entry.file_type()?;
                if kind.is_symlink() {
                    passed("symbolic links", &self.relative(&path));
                } else if kind.is_dir() {
                    if self.is_foreign(&folder, &name) {
                        passed("folders of programs", &self.relative(&path));
                    } else if !name.starts_with('.') {
                        folders.push(path);
                    }
                } else if is_markdown(&name) || is_html(&name) && self.kind != Kind::Plain {
                    let relative = self.relative(&path);
                    match self.is_article(&relative, &name) {
                        Ok(()) => found.push(self.text(&path, entry.metadata()?.len())),
                        Err(reason) => passed(reason, &relative),
                    }
                    if self.in_bundles && name.starts_with("index.") && folder != self.root {
                        bundles.insert(folder.clone());
                    }
                    if name.starts_with("_index.") && hidden::by_section(&path) {
                        let language = self.text(&path, 0).language;
                        sections.insert((folder.clone(), language));
                    }
                } else if is_other_text(&name) {
                    passed(
                        "texts in other formats than Markdown",
                        &self.relative(&path),
                    );
                }
            }
            if found.len() > MAX_FILES {
                return Err(io::Error::other(format!(
                    "it has more than {MAX_FILES} files"
                )));
            }
        }
        let all = found.iter_mut().filter(|_| !sections.is_empty());
        for text in all {
            // A section's page without a language is taken for that of all.
            let mut above = text.path.ancestors().map(Path::to_owned);
            let is_below = above.any(|folder| {
                sections.contains(&(folder.clone(), None))
                    || text.language.is_some()
                        && sections.contains(&(folder, text.language.clone()))
            });
            if is_below {
                text.hidden.get_or_insert_with(by_cascade);
            }
        }
        found.sort_by(|a, b| a.relative.cmp(&b.relative));
        found.retain(|text| match is_resource(text, &bundles) {
            true => {
                passed(
                    "texts that belong to a page (beside its index.md)",
                    &text.relative,
                );
                false
            }
            false => true,
        });
        Ok(found)
    }

    /// Inside Hugo's `content/` every folder holds texts; anything may be called `public` or `resources`.
    fn is_foreign(&self, above: &Path, name: &str) -> bool {
        let is_at_root = above == self.root && self.kind != Kind::Hugo;
        matches!(name, "node_modules" | "_site") || is_at_root && FOREIGN.contains(&name)
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
        let mut language = None;
        if let Some((first, last)) = stem.rsplit_once('.')
            && let Some(tag) = self.known_language(last)
        {
            language = Some(tag);
            stem = first.to_owned();
        }
        if let Some(first) = folders.first()
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
            hidden: match is_draft {
                true => Some(Hidden::Draft),
                false => self.hidden.clone(),
            },
        }
    }

    fn is_article(&self, relative: &str, name: &str) -> Result<(), &'static str> {
        if name.starts_with("_index.") {
            return Err("pages of a section (_index.md)");
        }
        let is_post = || {
            let mut folders = relative.split('/');
            self.in_posts
                || self.in_drafts
                || folders.any(|folder| folder == "_posts" || folder == "_drafts")
        };
        match self.kind == Kind::Jekyll && !is_post() {
            true => Err("files outside of _posts and _drafts"),
            false => Ok(()),
        }
    }

    /// Folders that are called as languages are, where there are several beside each other.
    fn folder_languages(&self) -> io::Result<Vec<String>> {
        let mut languages = Vec::new();
        for entry in fs::read_dir(&self.root)? {
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

    fn relative(&self, path: &Path) -> String {
        let relative = path.strip_prefix(&self.root).unwrap_or(path);
        let parts = relative
            .components()
            .map(|part| part.as_os_str().to_string_lossy());
        parts.collect::<Vec<_>>().join("/")
    }
}

/// Whether it is inside a page's folder without being the page. A folder inside that is no page of its own, either.
fn is_resource(text: &Text, bundles: &HashSet<PathBuf>) -> bool {
    let name = text.path.file_name().unwrap_or_default();
    let is_index = name.to_string_lossy().starts_with("index.");
    let mut above = text.path.ancestors().skip(1);
    let own = above.next().filter(|_| !is_index);
    own.into_iter()
        .chain(above)
        .any(|folder| bundles.contains(folder))
}

/// `fr` or `fr-MA`.
fn is_short(name: &str) -> bool {
    let primary = name.split(['-', '_']).next().unwrap_or_default();
    primary.len() == 2 && primary.bytes().all(|b| b.is_ascii_lowercase())
}

fn is_markdown(name: &str) -> bool {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    ["md", "markdown", "mdown", "mkd"].contains(&extension.to_lowercase().as_str())
        && !name.starts_with('.')
}

fn is_html(name: &str) -> bool {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    ["html", "htm"].contains(&extension) && !name.starts_with('.')
}

/// Texts of other programs, which are told of rather than passed over.
fn is_other_text(name: &str) -> bool {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let texts = [
        "mdx", "html", "htm", "org", "adoc", "asciidoc", "rst", "textile", "pandoc",
    ];
    texts.contains(&extension.to_lowercase().as_str()) && !name.starts_with('.')
}

/// Whether it is, or is inside, the texts of a site of Hugo.
fn is_in_hugo(folder: &Path) -> bool {
    let mut above = folder.ancestors();
    let content = above.find(|folder| folder.ends_with("content"));
    let site = content.and_then(Path::parent);
    site.is_some_and(config::is_hugo)
}

fn by_cascade() -> Hidden {
    Hidden::Because("texts that a section or the site hides (cascade) taken as drafts".to_owned())
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
