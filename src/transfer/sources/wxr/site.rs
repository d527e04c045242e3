//! What a WordPress export says of all its articles: the site, its sections, tags and authors, and where its files are
//! described.

use std::collections::{HashMap, HashSet};
use std::io;
use std::ops::ControlFlow;

use crate::content::check::{MAX_KEY, MAX_NAME, MAX_TEXT};
use crate::transfer::lines::Sink;
use crate::transfer::sources::item::{self, Tag};
use crate::transfer::sources::place::Place;
use crate::transfer::sources::text;
use crate::transfer::sources::wxr::digest;
use crate::transfer::sources::wxr::languages::{self, Translations};
use crate::transfer::sources::wxr::look_ups::LookUps;
use crate::transfer::sources::wxr::parts::{Element, Item, Part, Parts};

/// What of an item is not needed to know whether it describes a file.
const TEXTS: &[&str] = &[
    "content:encoded",
    "excerpt:encoded",
    "wp:comment",
    "wp:postmeta",
    "description",
];
/// How the plug-in for several authors begins the names of their terms.
const CO_AUTHOR: &str = "cap-";
/// Terms or authors, and files, that are remembered.
const MAX_TERMS: usize = 500_000;
const MAX_FILES: usize = 4_000_000;
/// Items between two words on how far it has come.
const PASS: u64 = 1_000;

#[derive(Debug, Default)]
pub struct Site {
    pub title: String,
    pub link: String,
    pub language: String,
    sections: HashMap<String, Term>,
    keywords: HashMap<String, Term>,
    /// Display names by login, and by the name in addresses that is made of it.
    authors: HashMap<String, String>,
    translations: Translations,
    /// Digests of the names that several articles have, which so tell no one of them.
    shared_names: HashSet<u64>,
    pub look_ups: LookUps,
    /// Articles and the files that were attached to them.
    attached: Vec<(u64, u64)>,
}

#[derive(Debug)]
struct Term {
    name: String,
    description: String,
    parent: String,
}

impl Site {
    /// Reads the whole export once, without its texts. `None` where the sink wants no more.
    ///
    /// # Errors
    /// When the file cannot be read, or declares entities.
    pub fn read(place: &Place, sink: &mut dyn Sink) -> io::Result<Option<Self>> {
        let mut site = Self::default();
        let mut parts = Parts::new(place, TEXTS);
        let mut number: u64 = 0;
        let mut named = HashSet::new();
        while let Some(part) = parts.next()? {
            match part {
                Part::Head(element) => site.take_head(&element),
                // What is broken is told of in the second reading.
                Part::Item(item) => {
                    site.note_name(&item, &mut named);
                    site.note_item(&item);
                }
            }
            number += 1;
            if number.is_multiple_of(PASS) && sink.pass(parts.position()) == ControlFlow::Break(())
            {
                return Ok(None);
            }
        }
        site.attached.sort_unstable();
        site.title = languages::part(&site.title, &site.language).into_owned();
        Ok(Some(site))
    }

    /// What an article is called in every export of the site.
    pub fn external_id(&self, post: &Element) -> Option<String> {
        item::external_id(post.says("guid")).or_else(|| {
            let site = self.link.trim_end_matches('/');
            item::external_id(&format!("{site}/?p={}", post.says("wp:post_id")))
        })
    }

    /// What an article translates. `None` where it is the original, or several have that one's name.
    pub fn original(&self, post: &Element, external_id: Option<&str>) -> Option<&str> {
        let original = self.translations.original(post, external_id)?;
        (!self.shared_names.contains(&digest(original))).then_some(original)
    }

    pub fn author<'a>(&'a self, login: &'a str) -> &'a str {
        self.authors.get(login).map_or(login, String::as_str)
    }

    /// The display name of one of several authors, whose term is called by login.
    pub fn co_author(&self, term: &Element) -> String {
        let login = term.text.trim();
        let nicename = term.attribute("nicename");
        let nicename = nicename.strip_prefix(CO_AUTHOR).unwrap_or(nicename);
        let named = [login, nicename].into_iter();
        let mut named = named.filter_map(|name| self.authors.get(name));
        match named.next() {
            Some(name) => name.clone(),
            None => text::plain(login),
        }
    }

    /// A category as a section, under its parent.
    pub fn section(&self, nicename: &str, name: &str) -> Tag {
        self.tag("section", self.sections.get(nicename), nicename, name)
    }

    pub fn keyword(&self, nicename: &str, name: &str) -> Tag {
        self.tag("keyword", self.keywords.get(nicename), nicename, name)
    }

    /// The sections above one, so that they are there with their names: each once, the nearest first.
    pub fn above(&self, nicename: &str) -> Vec<Tag> {
        let mut above: Vec<Tag> = Vec::new();
        let mut at = self.sections.get(nicename);
        while let Some(parent) = at.map(|term| term.parent.as_str())
            && let Some(term) = self.sections.get(parent)
            && above.len() < 16
        {
            above.push(self.section(parent, &term.name));
            at = Some(term);
        }
        above
    }

    /// The pictures that were attached to an article, by their numbers.
    pub fn pictures_of(&self, post: u64) -> impl Iterator<Item = u64> {
        let from = self.attached.partition_point(|(of, _)| *of < post);
        let attached = self.attached[from..].iter();
        attached
            .take_while(move |(of, _)| *of == post)
            .map(|(_, number)| *number)
    }

    fn tag(&self, kind: &'static str, term: Option<&Term>, nicename: &str, name: &str) -> Tag {
        let name = match (name.trim().is_empty(), term) {
            (true, Some(term)) => term.name.as_str(),
            (true, None) => nicename,
            (false, _) => name,
        };
        let mut tag = Tag::new(kind, &text::plain(name));
        tag.slug = text::slug(nicename);
        if let Some(term) = term {
            let description = term.description.clone();
            tag.description = (!description.is_empty()).then_some(description);
            tag.parent = text::slug(&term.parent);
        }
        tag
    }

    fn take_head(&mut self, element: &Element) {
        let says = |name: &str| element.says(name).to_owned();
        match element.name.as_str() {
            "title" => self.title = text::plain(&element.text),
            "link" => self.link = element.text.trim().to_owned(),
            "language" => self.language = element.text.trim().to_owned(),
            "wp:category" => self.note_term(
                true,
                says("wp:category_nicename"),
                Term {
                    name: says("wp:cat_name"),
                    description: says("wp:category_description"),
                    parent: says("wp:category_parent"),
                },
            ),
            "wp:tag" => self.note_term(
                false,
                says("wp:tag_slug"),
                Term {
                    name: says("wp:tag_name"),
                    description: says("wp:tag_description"),
                    parent: String::new(),
                },
            ),
            "wp:term" if matches!(says("wp:term_taxonomy").as_str(), "category" | "post_tag") => {
                self.note_term(
                    says("wp:term_taxonomy") == "category",
                    says("wp:term_slug"),
                    Term {
                        name: says("wp:term_name"),
                        description: says("wp:term_description"),
                        parent: says("wp:term_parent"),
                    },
                );
            }
            "wp:author" if self.authors.len() < MAX_TERMS => {
                let mut name = text::plain(element.says("wp:author_display_name"));
                text::cut(&mut name, MAX_NAME);
                let login = says("wp:author_login");
                if !name.is_empty() && is_key(&login) {
                    let nicename = login.to_lowercase().replace(['.', ' ', '@'], "-");
                    self.authors.entry(nicename).or_insert_with(|| name.clone());
                    self.authors.insert(login, name);
                }
            }
            _ => {}
        }
    }

    fn note_term(&mut self, is_section: bool, nicename: String, mut term: Term) {
        // Every article that bears it repeats them.
        term.description = short(&term.description);
        text::cut(&mut term.name, MAX_TEXT);
        if !is_key(&term.parent) {
            term.parent.clear();
        }
        let terms = match is_section {
            true => &mut self.sections,
            false => &mut self.keywords,
        };
        if is_key(&nicename)
            && !nicename.is_empty()
            && !term.name.is_empty()
            && terms.len() < MAX_TERMS
        {
            terms.insert(nicename, term);
        }
    }

    fn note_name(&mut self, item: &Item, named: &mut HashSet<u64>) {
        let Ok(element) = &item.element else { return };
        if is_named(element.says("wp:post_type"))
            && let Some(id) = self.external_id(element)
            && !named.insert(digest(&id))
        {
            self.shared_names.insert(digest(&id));
        }
    }

    fn note_item(&mut self, item: &Item) {
        let Ok(element) = &item.element else { return };
        match element.says("wp:post_type") {
            "attachment" => {
                if self.look_ups.files.len() < MAX_FILES
                    && let Ok(number) = element.says("wp:post_id").parse()
                {
                    self.look_ups.files.insert(number, item.at);
                    let post = element.says("wp:post_parent").parse().unwrap_or_default();
                    if post != 0
                        && self.attached.len() < MAX_FILES
                        && is_picture(element.says("wp:attachment_url"))
                    {
                        self.attached.push((post, number));
                    }
                }
            }
            "wp_block" => {
                if self.look_ups.shared.len() < MAX_TERMS
                    && element.says("wp:status") == "publish"
                    && is_taken(element)
                    && let Ok(number) = element.says("wp:post_id").parse()
                {
                    self.look_ups.shared.insert(number, item.at);
                }
            }
            // Authors who have no account.
            "guest-author" if self.authors.len() < MAX_TERMS => {
                let mut name = text::plain(element.says("title"));
                text::cut(&mut name, MAX_NAME);
                let login = element.says("wp:post_name");
                if let Some(login) = login.strip_prefix(CO_AUTHOR)
                    && !name.is_empty()
                    && is_key(login)
                {
                    self.authors.entry(login.to_owned()).or_insert(name);
                }
            }
            _ if is_taken(element) => {
                if let Some(external_id) = self.external_id(element) {
                    self.translations.note(element, external_id, &self.language);
                }
            }
            _ => {}
        }
    }
}

/// Whether items of a type are told from each other by their names. Of the others there are very many, and few are wanted.
pub fn is_named(kind: &str) -> bool {
    !matches!(kind, "attachment" | "revision" | "nav_menu_item")
}

/// Whether an item is for readers or editors, and not thrown away.
fn is_taken(post: &Element) -> bool {
    let status = post.says("wp:status");
    post.says("wp:post_password").is_empty()
        && !matches!(status, "trash" | "auto-draft" | "inherit")
}

/// Whether something is as short as names are, and may be kept.
fn is_key(text: &str) -> bool {
    text.len() <= MAX_KEY
}

fn is_picture(url: &str) -> bool {
    let ends = ["jpg", "jpeg", "png", "gif", "webp", "avif"];
    let end = url.rsplit('.').next().unwrap_or_default();
    ends.iter().any(|known| end.eq_ignore_ascii_case(known))
}

/// The terms of an article in one taxonomy.
pub fn categories<'a>(
    post: &'a Element,
    domain: &'a str,
) -> impl Iterator<Item = &'a Element> + use<'a> {
    post.children
        .iter()
        .filter(move |child| child.name == "category" && child.attribute("domain") == domain)
}

/// What HTML says, as much of it as a line may have.
pub fn short(html: &str) -> String {
    let mut text = text::plain(html);
    text::cut(&mut text, MAX_TEXT);
    text
}

/// The value of a custom field.
pub fn meta<'a>(element: &'a Element, key: &str) -> &'a str {
    metas(element, key).next().unwrap_or_default()
}

/// All values of a custom field.
pub fn metas<'a>(element: &'a Element, key: &str) -> impl Iterator<Item = &'a str> {
    element
        .children
        .iter()
        .filter(move |child| child.name == "wp:postmeta" && child.says("wp:meta_key") == key)
        .map(|child| child.says("wp:meta_value"))
}
