//! A text with front matter as an import line.

use std::collections::HashSet;

use serde_json::{Map, Value};
use url::Url;

use crate::transfer::sources::dates;
use crate::transfer::sources::item::{self, Item, Origin, Picture, Tag};
use crate::transfer::sources::markdown::fields::Fields;
use crate::transfer::sources::markdown::hidden::Hidden;
use crate::transfer::sources::markdown::pages::{Around, Pages, Place};
use crate::transfer::sources::markdown::permalinks::{Made, Page};
use crate::transfer::sources::markdown::site::{Kind, Site, Text};
use crate::transfer::sources::markdown::{addresses, marks, permalinks};
use crate::transfer::sources::tally::Tally;
use crate::transfer::sources::{Wishes, html, text};

const PICTURES: [&str; 13] = [
    "image",
    "featured_image",
    "featuredimage",
    "feature_image",
    "cover",
    "cover_image",
    "coverimage",
    "header",
    "images",
    "featured",
    "banner",
    "hero",
    "thumbnail",
];

const PUBLISHED: [&str; 4] = ["publishdate", "pubdate", "published_at", "date"];
const UPDATED: [&str; 5] = [
    "lastmod",
    "last_modified_at",
    "modified",
    "updated",
    "updated_at",
];
const AUTHORS: [&str; 3] = ["authors", "author", "byline"];
/// What sites of Hugo call them where they are a taxonomy.
const OF_AUTHORS: [&str; 4] = ["authors", "author", "auteurs", "auteur"];
const SECTIONS: [&str; 4] = ["categories", "category", "section", "sections"];
const KEYWORDS: [&str; 2] = ["tags", "tag"];
const SERIES: [&str; 1] = ["series"];
const EXPIRES: [&str; 3] = ["expirydate", "unpublishdate", "expires_at"];

pub struct Maker<'a> {
    pub site: &'a Site,
    pub wishes: &'a Wishes,
    pub tally: &'a mut Tally,
    /// What stands before the paths in external ids.
    pub prefix: &'a str,
    /// Where links to other pages lead.
    pub pages: &'a Pages,
}

/// A text as it was read.
pub struct Read {
    /// What it says, and what its site says of it.
    pub members: Map<String, Value>,
    pub body: String,
    pub hidden: Option<Hidden>,
}

impl Maker<'_> {
    /// `None` where it is left out, which the tally tells.
    pub fn item(&mut self, read: &Read, file: &Text) -> Option<Item> {
        let fields = Fields(&read.members);
        let name = file.relative.as_str();
        if fields.truth("headless") == Some(Ok(true)) {
            self.tally.leave_out("texts that are no pages", name);
            return None;
        }
        let mut dates = self.dates(&fields, file);
        let is_page = dates.published.is_none()
            && dates.unreadable.is_none()
            && self.site.kind == Kind::Hugo
            && file.folders.is_empty()
            && !self.wishes.post_types.iter().any(|wanted| wanted == "page");
        if is_page {
            self.tally
                .leave_out("pages without a date (see --post-types)", name);
            return None;
        }
        let unreadable = dates.unreadable.take().map(Hidden::Because);
        let hidden = read.hidden.clone().or(unreadable);
        if let Some(Hidden::Because(reason)) = &hidden {
            self.tally.change(reason, name);
        }
        let is_draft = hidden.is_some();
        let status = if is_draft { "draft" } else { "published" };
        if dates.published.is_none() && !is_draft {
            self.tally
                .change("texts without a date, published now", name);
        }
        let said = fields.text(&["url", "permalink"]);
        let pattern = said
            .as_deref()
            .filter(|said| permalinks::is_pattern(said, self.site.kind));
        let said = said
            .as_deref()
            .filter(|said| pattern.is_none() && (!said.contains(':') || said.contains("://")));
        let made = self.made_address(&fields, file, pattern);
        let own = made.as_ref().filter(|made| made.is_own);
        let slug = fields
            .text(&["slug"])
            .and_then(|slug| text::slug(&slug))
            .or_else(|| text::last_part(said?))
            .or_else(|| text::last_part(&own?.path))
            .or_else(|| text::slug(&file.stem));
        let published_at = dates.published.filter(|_| !is_draft);
        let page = self.address(said, made.as_ref());
        let mut former = self.former(&fields, name);
        // What its address ended in, where the article is called otherwise.
        former.extend(
            said.or(own.map(|own| own.path.as_str()))
                .and_then(text::last_part),
        );
        let authors = self.authors(&fields);
        let image = self.image(&fields, page.as_ref(), file);
        let canonical_url = page.as_ref().and_then(|page| text::address(page.as_str()));
        let canonical_url = fields
            .text(&["canonicalurl", "canonical_url", "canonical"])
            .and_then(|url| text::address(&url))
            .or(canonical_url)
            .filter(|_| !is_draft);
        Some(Item {
            external_id: Some(external_id(self.prefix, &file.relative))
                .and_then(|id| item::external_id(&id)),
            slug,
            language: self.language(&fields, file),
            headline: text::plain(&fields.text(&["title"]).unwrap_or_default()),
            standfirst: fields
                .text(&["description", "lead", "standfirst", "subtitle"])
                .map(|text| text::plain(&text)),
            trail_text: fields
                .text(&["summary", "excerpt"])
                .map(|text| text::plain(&text)),
            byline: (!authors.is_empty()).then(|| authors.join(", ")),
            body: self.body(read, page.as_ref(), file),
            body_format: Some(if file.is_html { "html" } else { "markdown" }),
            image,
            source: self.source(canonical_url.clone()),
            canonical_url,
            tags: self.tags(&fields, file, &authors),
            status: Some(status),
            first_published_at: published_at.clone(),
            published_at,
            updated_at: dates.updated,
            expires_at: dates.expires,
            former_slugs: former,
            ..Item::default()
        })
    }

    /// By the text itself, its path, the command line, the site.
    pub fn language(&self, fields: &Fields, file: &Text) -> String {
        let own = fields.text(&["lang", "language", "locale"]);
        own.as_deref()
            .and_then(item::language)
            .or_else(|| file.language.clone())
            .unwrap_or_else(|| {
                self.wishes
                    .language_or(self.site.default_language.as_deref().unwrap_or_default())
            })
    }

    /// Links of Hugo lead to pages in the same language, which it takes from their paths; Jekyll knows of none.
    pub fn language_of_links(&self, fields: &Fields, file: &Text) -> String {
        if self.site.kind == Kind::Jekyll {
            return String::new();
        }
        let of_site = self.site.inherited.languages.first();
        let by_path = file.language.as_ref().or(of_site).cloned();
        by_path.unwrap_or_else(|| self.language(fields, file))
    }

    fn dates(&mut self, fields: &Fields, file: &Text) -> Dates {
        let mut lacks_offset = false;
        let mut read = |text: &str| {
            let dated = dates::parse(text)?;
            lacks_offset |= !dated.has_offset;
            Some(dates::written(dated.at))
        };
        let own = fields.text(&PUBLISHED).and_then(|text| read(&text));
        let published = own.or_else(|| {
            let other = fields.text(&["published"]).and_then(|text| read(&text));
            other.or_else(|| read(file.date.as_deref()?))
        });
        let updated = fields.text(&UPDATED).and_then(|text| read(&text));
        let expires = fields.text(&EXPIRES).and_then(|text| read(&text));
        // What cannot be read may have meant another day than this one, or that it is over.
        let unreadable = match (&published, &expires) {
            (None, _) if fields.has(&PUBLISHED) => {
                Some("texts whose date cannot be read taken as drafts")
            }
            (_, None) if fields.has(&EXPIRES) => {
                Some("texts whose expiry cannot be read taken as drafts")
            }
            _ => None,
        };
        if lacks_offset {
            self.tally
                .change("dates without an offset taken for UTC", &file.relative);
        }
        Dates {
            published: match unreadable {
                None => published.or_else(|| updated.clone()),
                Some(_) => published,
            },
            updated,
            expires,
            unreadable: unreadable.map(str::to_owned),
        }
    }

    /// Where the page was: as it says, else as its generator makes addresses, where that is known.
    fn address(&self, said: Option<&str>, made: Option<&Made>) -> Option<Url> {
        let base = self.wishes.site_url.as_ref().or(self.site.url.as_ref())?;
        let path = match said {
            Some(said) if said.contains("://") => return Url::parse(said).ok(),
            Some(said) => said,
            None => &made?.path,
        };
        base.join(path.trim_start_matches('/')).ok()
    }

    fn made_address(&self, fields: &Fields, file: &Text, said: Option<&str>) -> Option<Made> {
        let names = ["date", "publishdate", "pubdate", "published_at"];
        let written = fields.text(&names).or_else(|| file.date.clone());
        let page = Page {
            fields,
            file,
            day: written.and_then(|written| permalinks::day(&written)),
            default_language: self.site.default_language.as_deref(),
            content_language: self.site.inherited.languages.first().map(String::as_str),
        };
        self.site.permalinks.address(self.site.kind, said, &page)
    }

    fn body(&mut self, read: &Read, page: Option<&Url>, file: &Text) -> String {
        let name = file.relative.as_str();
        let site = self.wishes.site_url.as_ref().or(self.site.url.as_ref());
        let base = page.or(site);
        let own = self.site.page(file);
        let folder = match file.is_bundle() {
            true => own.as_str(),
            false => own.rsplit_once('/').map_or("", |(folder, _)| folder),
        };
        let language = self.language_of_links(&Fields(&read.members), file);
        let around = Around {
            pages: self.pages,
            place: Place {
                language: &language,
                folder,
            },
            site,
        };
        let body = match self.site.kind {
            Kind::Jekyll => marks::without_liquid(&read.body, &around, self.tally, name),
            _ => marks::without_shortcodes(&read.body, &around, self.tally, name),
        };
        if file.is_html {
            return html::rewritten(&body, base).trim().to_owned();
        }
        let (body, lacking) = addresses::resolved(&body, base);
        if lacking > 0 {
            self.tally
                .change("relative addresses that stay so (see --site-url)", name);
        }
        body.trim().to_owned()
    }

    fn image(&mut self, fields: &Fields, page: Option<&Url>, file: &Text) -> Option<Picture> {
        let picture = fields.picture(&PICTURES);
        let picture = picture.or_else(|| fields.inner("extra")?.picture(&PICTURES));
        let (address, alt, caption) = picture?;
        let site = self.wishes.site_url.as_ref().or(self.site.url.as_ref());
        // Hugo: only a page with a folder of its own has pictures of its own.
        let is_own = self.site.kind != Kind::Hugo || file.is_bundle();
        let base = page.filter(|_| is_own).or(site);
        let Some(url) = text::resolved(&address, base) else {
            self.tally.leave_out(
                "pictures whose address lacks the site's (see --site-url)",
                &file.relative,
            );
            return None;
        };
        Some(Picture {
            url,
            alt: alt.or_else(|| fields.text(&["image_alt", "imagealt", "alt"])),
            caption: caption.or_else(|| fields.text(&["image_caption", "caption"])),
            ..Picture::default()
        })
    }

    fn source(&self, url: Option<String>) -> Option<Origin> {
        let site = self.wishes.site_url.as_ref().or(self.site.url.as_ref());
        let name = match &self.site.title {
            Some(title) => title.clone(),
            None => site?.host_str()?.to_owned(),
        };
        Some(Origin { name, url })
    }

    /// By the members that all know, and by the site's own terms for them.
    fn authors(&self, fields: &Fields) -> Vec<String> {
        let own = self.site.taxonomies.iter().map(String::as_str);
        let own = own.filter(|name| OF_AUTHORS.contains(name));
        let names: Vec<&str> = AUTHORS.into_iter().chain(own).collect();
        let mut authors = fields.list(&names, false);
        let mut known = HashSet::new();
        authors.retain(|author| known.insert(author.clone()));
        authors
    }

    fn tags(&self, fields: &Fields, file: &Text, authors: &[String]) -> Vec<Tag> {
        let by_words = self.site.kind == Kind::Jekyll;
        let taxonomies = fields.inner("taxonomies");
        let read = |names: &[&str]| {
            let mut all = fields.list(names, by_words);
            if let Some(inner) = &taxonomies {
                all.extend(inner.list(names, by_words));
            }
            all
        };
        let mut sections = read(&SECTIONS);
        // Jekyll: the folders above _posts are categories.
        if by_words {
            let above = file
                .folders
                .iter()
                .take_while(|folder| !folder.starts_with('_'));
            sections.extend(above.cloned());
        }
        let kinds = [
            ("section", sections),
            ("keyword", read(&KEYWORDS)),
            ("keyword", read(&self.other_taxonomies())),
            ("series", read(&SERIES)),
            ("contributor", authors.to_vec()),
        ];
        let mut tags: Vec<Tag> = Vec::new();
        for (kind, names) in kinds {
            for name in names {
                let tag = Tag::new(kind, &text::plain(&name));
                if !tags.contains(&tag) {
                    tags.push(tag);
                }
            }
        }
        tags
    }

    /// Those that are taken for keywords.
    fn other_taxonomies(&self) -> Vec<&str> {
        let known = |name: &&str| {
            let names = SECTIONS.iter().chain(&KEYWORDS).chain(&SERIES);
            names
                .chain(&AUTHORS)
                .chain(&OF_AUTHORS)
                .any(|known| known == name)
        };
        let own = self.site.taxonomies.iter().map(String::as_str);
        own.filter(|name| !known(name)).collect()
    }

    fn former(&mut self, fields: &Fields, name: &str) -> Vec<String> {
        let aliases = fields.list(&["aliases", "redirect_from"], false);
        let mut former = Vec::new();
        for alias in aliases {
            match text::last_part(&alias) {
                Some(slug) => former.push(slug),
                None => self
                    .tally
                    .leave_out("former addresses without a name", name),
            }
        }
        former
    }
}

struct Dates {
    published: Option<String>,
    updated: Option<String>,
    expires: Option<String>,
    /// Why one that matters is not known.
    unreadable: Option<String>,
}

/// The same in every run, and another on another site.
pub fn external_id(prefix: &str, relative: &str) -> String {
    format!("markdown:{prefix}/{relative}")
}
