//! What a site says of its texts beside what they say themselves: Hugo's `cascade`, Jekyll's `defaults`.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::content::language::primary;
use crate::transfer::sources::item;
use crate::transfer::sources::markdown::cascade::{self, Aimed, Rule};
use crate::transfer::sources::markdown::config;
use crate::transfer::sources::markdown::defaults::Defaults;
use crate::transfer::sources::markdown::fields::Fields;
use crate::transfer::sources::markdown::hidden::{self, Hidden};
use crate::transfer::sources::markdown::pages;
use crate::transfer::sources::markdown::site::{Kind, Site, Text};
use crate::transfer::sources::markdown::walk::{is_html, is_markdown};

/// The language of Hugo's texts where its configuration says none.
const OF_HUGO: &str = "en";

#[derive(Debug)]
pub struct Inherited {
    /// Where in its site the folder is that is read, where that is only a part.
    place: String,
    defaults: Defaults,
    /// By folder.
    sections: HashMap<PathBuf, Vec<Section>>,
    /// Pages of the sections above, the nearest first.
    above: Vec<Section>,
    /// Rules of the site.
    of_site: Vec<Rule>,
    /// Those that a text of Hugo may be in that names none, none where no one knows. The first one is Hugo's own.
    pub languages: Vec<String>,
}

/// A section's page: it has one in each language, or one for all.
#[derive(Debug)]
struct Section {
    language: Option<String>,
    rules: Vec<Rule>,
}

impl Section {
    /// Whether it may be that of a text in one of these languages, whatever region they are of.
    fn is_in(&self, languages: &[String]) -> bool {
        let Some(own) = &self.language else {
            return true;
        };
        languages.is_empty() || languages.iter().any(|tag| primary(tag) == primary(own))
    }
}

impl Inherited {
    /// Of a folder with this configuration and these languages. What the site says counts also where only a part of it
    /// is read: who imports a folder of drafts by itself does not publish them.
    ///
    /// # Errors
    /// Where a configuration cannot be read, or has too many rules.
    pub fn open(
        kind: Kind,
        folder: &Path,
        config: &Map<String, Value>,
        languages: &BTreeMap<String, Map<String, Value>>,
    ) -> io::Result<Self> {
        let mut inherited = Self {
            place: String::new(),
            defaults: Defaults::default(),
            sections: HashMap::new(),
            above: folder.ancestors().flat_map(sections).collect(),
            of_site: Vec::new(),
            languages: Vec::new(),
        };
        let top = match kind {
            Kind::Jekyll => {
                let mut above = folder.ancestors();
                let site = above.find(|folder| config::is_there(folder, &config::JEKYLL));
                if let Some(site) = site {
                    let config = config::first(site, &config::JEKYLL)?;
                    inherited.defaults = Defaults::read(&config).map_err(io::Error::other)?;
                }
                site
            }
            Kind::Hugo => {
                inherited.of_site = config::hugo_cascade(folder, config, languages)?;
                inherited.languages = content_languages(config, languages);
                None
            }
            Kind::Plain => match config::hugo_above(folder) {
                Some((content, site)) => {
                    let config = config::first(site, &config::HUGO)?;
                    let languages = config::hugo_languages(site, &config)?;
                    inherited.of_site = config::hugo_cascade(site, &config, &languages)?;
                    // A folder may be that of a language.
                    let mut all = languages.values();
                    if !all.any(|members| members.contains_key("contentdir")) {
                        inherited.languages = content_languages(&config, &languages);
                    }
                    Some(content)
                }
                None => None,
            },
        };
        let place = top.and_then(|top| folder.strip_prefix(top).ok());
        let place = place.map(|place| place.to_string_lossy().replace('\\', "/"));
        inherited.place = place.unwrap_or_default();
        Ok(inherited)
    }

    /// What a section's page says of what is below it.
    pub fn add(&mut self, folder: &Path, language: Option<String>, rules: Vec<Rule>) {
        if !rules.is_empty() {
            let known = self.sections.entry(folder.to_owned()).or_default();
            known.push(Section { language, rules });
        }
    }
}

impl Site {
    /// What a text says, with what its site says of it where it says nothing itself, and why it is hidden.
    pub fn completed(
        &self,
        own: Map<String, Value>,
        text: &Text,
    ) -> (Map<String, Value>, Option<Hidden>) {
        let own = match self.kind {
            Kind::Hugo => cascade::with_params(own),
            Kind::Jekyll | Kind::Plain => own,
        };
        let by_itself = hidden::by_members(&Fields(&own));
        let members = match self.kind {
            Kind::Jekyll => {
                let is_draft = text.hidden.is_some();
                let path = below(&self.inherited.place, &text.relative);
                self.inherited.defaults.complete(own, &path, is_draft)
            }
            Kind::Hugo | Kind::Plain => own,
        };
        let members = self.with_cascade(members, text);
        let hidden = by_itself
            .or_else(|| text.hidden.clone())
            .or_else(|| hidden::by_members(&Fields(&members)).map(|_| Hidden::by_site(self.kind)));
        (members, hidden)
    }

    fn with_cascade(&self, mut members: Map<String, Value>, text: &Text) -> Map<String, Value> {
        let page = self.page(text);
        let languages = match &text.language {
            Some(own) => std::slice::from_ref(own),
            None => self.inherited.languages.as_slice(),
        };
        let aimed = Aimed {
            path: &page,
            languages,
        };
        let sections = text.path.ancestors();
        let sections = sections.filter_map(|folder| self.inherited.sections.get(folder));
        let sections = sections.flatten().chain(&self.inherited.above);
        let sections = sections.filter(|section| section.is_in(languages));
        let rules = sections.flat_map(|section| &section.rules);
        for rule in rules.chain(&self.inherited.of_site) {
            rule.complete(&mut members, &aimed);
        }
        members
    }

    /// The path of a text's page from the top of its site.
    pub fn page(&self, text: &Text) -> String {
        let place = match self.kind {
            // Its parts are paths of files.
            Kind::Jekyll => below(&self.inherited.place, &text.relative),
            Kind::Hugo | Kind::Plain => below(&self.inherited.place, &text.key),
        };
        pages::joined("", &pages::from_file(&place))
    }
}

fn below(place: &str, path: &str) -> String {
    format!("{place}/{path}").trim_start_matches('/').to_owned()
}

/// The pages of a section that are in a folder.
fn sections(folder: &Path) -> Vec<Section> {
    let mut names = Vec::new();
    // Some folders far above may be read by others only.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_text = is_markdown(&name) || is_html(&name);
        if name.starts_with("_index.") && is_text && entry.path().is_file() {
            names.push(name);
        }
    }
    names.sort();
    let read = |name: String| Section {
        language: name
            .rsplit_once('.')
            .and_then(|(stem, _)| item::language(stem.strip_prefix("_index.")?)),
        rules: cascade::of_section(&folder.join(&name)),
    };
    names.into_iter().map(read).collect()
}

/// What a text of Hugo may be in that names no language: what the site says, else Hugo's own and the site's code for it.
fn content_languages(
    config: &Map<String, Value>,
    declared: &BTreeMap<String, Map<String, Value>>,
) -> Vec<String> {
    let said = |name: &str| Fields(config).text(&[name]);
    if let Some(own) = said("defaultcontentlanguage") {
        return item::language(&own).into_iter().collect();
    }
    // Where it is none of the site's, Hugo takes one of them.
    if !declared.is_empty() && !declared.contains_key(OF_HUGO) {
        return Vec::new();
    }
    let code = said("languagecode").or_else(|| said("locale"));
    let code = code.as_deref().and_then(item::language);
    [Some(OF_HUGO.to_owned()), code]
        .into_iter()
        .flatten()
        .collect()
}
