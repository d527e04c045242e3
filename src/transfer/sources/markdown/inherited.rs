//! What a site says of its texts beside what they say themselves: Hugo's `cascade`, Jekyll's `defaults`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::transfer::sources::markdown::cascade::{self, Aimed, Rule};
use crate::transfer::sources::markdown::config;
use crate::transfer::sources::markdown::defaults::Defaults;
use crate::transfer::sources::markdown::fields::Fields;
use crate::transfer::sources::markdown::hidden::{self, Hidden};
use crate::transfer::sources::markdown::pages;
use crate::transfer::sources::markdown::site::{Kind, Site, Text};

/// Names of a section's page.
const SECTION: [&str; 2] = ["_index.md", "_index.html"];

#[derive(Debug)]
pub struct Inherited {
    /// Where in its site the folder is that is read, where that is only a part.
    place: String,
    defaults: Defaults,
    /// By folder.
    sections: HashMap<PathBuf, Vec<Section>>,
    /// Rules of what is above, the nearest first.
    above: Vec<Rule>,
}

/// A section's page: it has one in each language, or one for all.
#[derive(Debug)]
struct Section {
    language: Option<String>,
    rules: Vec<Rule>,
}

impl Inherited {
    /// Of a folder with this configuration. That of the site counts also where only a part of it is read: who imports a
    /// folder of drafts by itself does not publish them.
    pub fn open(kind: Kind, folder: &Path, config: &Map<String, Value>) -> Self {
        let (top, config) = match kind {
            Kind::Jekyll => {
                let mut above = folder.ancestors();
                let site = above.find(|folder| config::is_there(folder, &config::JEKYLL));
                (site, site.map(|site| config::first(site, &config::JEKYLL)))
            }
            Kind::Hugo => (None, Some(config::hugo_with_cascade(folder, config))),
            Kind::Plain => match config::hugo_above(folder) {
                Some((content, site)) => {
                    let config = config::first(site, &config::HUGO);
                    (
                        Some(content),
                        Some(config::hugo_with_cascade(site, &config)),
                    )
                }
                None => (None, None),
            },
        };
        let config = config.unwrap_or_default();
        let pages = folder
            .ancestors()
            .flat_map(|folder| SECTION.map(|name| folder.join(name)));
        let mut above: Vec<Rule> = pages
            .filter(|page| page.is_file())
            .flat_map(|page| cascade::of_section(&page))
            .collect();
        above.extend(cascade::rules(&config));
        let place = top.and_then(|top| folder.strip_prefix(top).ok());
        let place = place.map(|place| place.to_string_lossy().replace('\\', "/"));
        Self {
            place: place.unwrap_or_default(),
            defaults: match kind {
                Kind::Jekyll => Defaults::read(&config),
                Kind::Hugo | Kind::Plain => Defaults::default(),
            },
            sections: HashMap::new(),
            above,
        }
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
        let spoken = text.language.as_ref().or(self.default_language.as_ref());
        let language = spoken.map(|tag| tag.to_lowercase()).unwrap_or_default();
        let aimed = Aimed {
            path: &page,
            language: &language,
        };
        let sections = text.path.ancestors();
        let sections = sections.filter_map(|folder| self.inherited.sections.get(folder));
        let sections = sections
            .flatten()
            .filter(|section| section.language.is_none() || section.language.as_ref() == spoken);
        let rules = sections.flat_map(|section| &section.rules);
        for rule in rules.chain(&self.inherited.above) {
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
