//! Ghost: the JSON export of its administration.
//!
//! The file is one JSON value of any size, in which the articles may stand before their tags. It is read twice, a row
//! at a time: first what belongs to the articles, then the articles.

mod cards;
mod editor;
mod gated;
mod lexical;
mod mobiledoc;
mod site;
mod tables;
mod written;

use std::io;
use std::ops::ControlFlow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::store::foreign::Withdrawal;
use crate::transfer::lines::{Line, Sink, Source};
use crate::transfer::sources::dates;
use crate::transfer::sources::item::{self, Item, Origin, Picture, Tag};
use crate::transfer::sources::place::Place;
use crate::transfer::sources::tally::Tally;
use crate::transfer::sources::{Archive, Wishes, html, text};

use editor::Editor;
use site::Site;
use tables::{Key, Rows};
use written::Written;

/// What stands in an export where the site's address did.
const HERE: &str = "__GHOST_URL__";

pub struct Ghost {
    place: Place,
    wishes: Wishes,
    tally: Tally,
}

impl Ghost {
    pub fn open(place: Place, wishes: &Wishes) -> Self {
        Self {
            place,
            wishes: wishes.clone(),
            tally: Tally::default(),
        }
    }
}

impl Source for Ghost {
    fn read(&mut self, sink: &mut dyn Sink) -> io::Result<()> {
        let mut site = Site::default();
        tables::read(&self.place, &mut site)?;
        let mut posts = Posts {
            site: &site,
            wishes: &self.wishes,
            tally: &mut self.tally,
            sink,
            number: 0,
            bytes: 0,
        };
        tables::read(&self.place, &mut posts)
    }
}

impl Archive for Ghost {
    fn tally(&self) -> &Tally {
        &self.tally
    }

    fn size(&self) -> Option<u64> {
        self.place.length().ok()
    }
}

#[derive(Deserialize)]
struct Post {
    #[serde(default)]
    id: Key,
    #[serde(default)]
    uuid: Option<String>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    slug: Option<String>,
    #[serde(default)]
    html: Option<String>,
    #[serde(default)]
    mobiledoc: Option<Box<RawValue>>,
    #[serde(default)]
    lexical: Option<Box<RawValue>>,
    #[serde(default)]
    feature_image: Option<String>,
    /// `post` or `page`; before it there was `page`.
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    page: Option<Key>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    visibility: Option<String>,
    #[serde(default)]
    locale: Option<String>,
    #[serde(default)]
    custom_excerpt: Option<String>,
    #[serde(default)]
    canonical_url: Option<String>,
    #[serde(default)]
    author_id: Key,
    #[serde(default)]
    published_at: Key,
    #[serde(default)]
    updated_at: Key,
}

impl Post {
    fn kind(&self) -> &str {
        let page = self.page.as_ref().map(|page| page.0.as_str());
        match self.kind.as_deref() {
            _ if matches!(page, Some("1" | "true")) => "page",
            Some(kind) => kind,
            None => "post",
        }
    }
}

struct Posts<'a> {
    site: &'a Site,
    wishes: &'a Wishes,
    tally: &'a mut Tally,
    sink: &'a mut dyn Sink,
    number: u64,
    bytes: u64,
}

impl Rows for Posts<'_> {
    fn wants(&self, table: &str) -> bool {
        table == "posts"
    }

    fn row(&mut self, _: &str, row: &str) -> ControlFlow<()> {
        self.number += 1;
        // What stands beside the articles is not counted, and little.
        self.bytes += row.len() as u64;
        let line = match serde_json::from_str::<Post>(row) {
            Err(error) => {
                let name = format!("post {} of the file", self.number);
                let reason = format!("is not as Ghost writes it: {error}");
                Some(item::failed(self.number, name, reason))
            }
            Ok(post) => self.line(post),
        };
        match line {
            Some(line) => self.sink.take(line, self.bytes),
            None => self.sink.pass(self.bytes),
        }
    }
}

impl Posts<'_> {
    /// `None` where nothing is to be done about it.
    fn line(&mut self, post: Post) -> Option<Line> {
        let (name, number) = (called(&post), self.number);
        let external_id = external_id(&post);
        let kind = post.kind();
        if !self.wishes.post_types.iter().any(|wanted| wanted == kind) {
            self.tally
                .leave_out(&format!("items of type {kind:?} (see --post-types)"), &name);
            // What came of another type by another run stays as it is.
            return None;
        }
        let page = self.page(&post);
        let slug = post.slug.as_deref().and_then(text::slug);
        let elsewhere = item::by_feed(external_id.as_deref(), page, slug.as_deref());
        match self.item(post, &name) {
            Ok(Some(mut item)) => {
                item.elsewhere = Some(elsewhere);
                Some(item.line(number, &name, self.tally))
            }
            Ok(None) => {
                let withdrawal = Withdrawal {
                    external_id: external_id?,
                    // No other site gives it the same.
                    hosts: Vec::new(),
                };
                Some(item::withdrawal(number, &name, withdrawal, elsewhere))
            }
            Err(reason) => Some(item::failed(number, name, reason)),
        }
    }

    /// `None` where it is left out, which the tally tells.
    ///
    /// # Errors
    /// Where its text cannot be read.
    fn item(&mut self, post: Post, name: &str) -> Result<Option<Item>, String> {
        let html = self.html(&post, name)?;
        if html.trim().is_empty() {
            self.tally.leave_out("articles without a text", name);
            return Ok(None);
        }
        let published_at = moment(&post.published_at);
        let status = match (self.status(&post, name), &published_at) {
            ("scheduled", None) => "draft",
            (status, _) => status,
        };
        let published_at = published_at.filter(|_| status != "draft");
        let byline = self.site.authors(&post.id, &post.author_id);
        let slug = post.slug.as_deref().and_then(text::slug);
        let canonical_url = match &post.canonical_url {
            Some(url) => text::resolved(&self.here(url), self.wishes.site_url.as_ref()),
            None => self.page(&post),
        };
        // What is only for some there has its page all the same, by which it is known in a feed.
        let has_page = status != "draft" || post.status.as_deref() == Some("published");
        let canonical_url = canonical_url.filter(|_| has_page);
        Ok(Some(Item {
            external_id: external_id(&post),
            slug,
            language: match post.locale.as_deref().and_then(item::language) {
                Some(own) => own,
                None => self.wishes.language_or(&self.site.language),
            },
            headline: text::plain(post.title.as_deref().unwrap_or_default()),
            standfirst: post.custom_excerpt.as_deref().map(text::plain),
            byline: (!byline.is_empty()).then(|| byline.join(", ")),
            body: self.body(&html, name),
            image: self.image(&post, name),
            source: self.source(canonical_url.clone()),
            canonical_url,
            tags: self.tags(&post.id, &byline, name),
            status: Some(status),
            first_published_at: published_at.clone().filter(|_| status == "published"),
            published_at,
            updated_at: moment(&post.updated_at),
            ..Item::default()
        }))
    }

    /// Where the site has it, if its addresses are as Ghost makes them.
    fn page(&self, post: &Post) -> Option<String> {
        let slug = post.slug.as_deref().and_then(text::slug)?;
        text::resolved(&format!("{slug}/"), self.wishes.site_url.as_ref())
    }

    /// The text as Ghost made HTML of it, else made here of what its editor keeps.
    fn html(&mut self, post: &Post, name: &str) -> Result<String, String> {
        let html = post.html.as_deref().unwrap_or_default();
        if !html.trim().is_empty() {
            return Ok(html.to_owned());
        }
        let mut written = Written::new(self.tally, name);
        if let Some(source) = &post.lexical {
            Editor::Lexical.write(source, &mut written)?;
        }
        if let Some(source) = post.mobiledoc.as_ref().filter(|_| written.is_empty()) {
            Editor::Mobiledoc.write(source, &mut written)?;
        }
        Ok(written.finish())
    }

    fn status(&mut self, post: &Post, name: &str) -> &'static str {
        let visibility = post.visibility.as_deref().unwrap_or("public");
        match post.status.as_deref() {
            Some("published" | "scheduled") if visibility != "public" => {
                let reason = format!("articles for {visibility:?} only taken as drafts");
                self.tally.change(&reason, name);
                "draft"
            }
            Some("published" | "scheduled" | "sent") if self.site.is_mailed(&post.id) => {
                self.tally
                    .change("articles that were only sent by mail taken as drafts", name);
                "draft"
            }
            Some("published") => "published",
            Some("scheduled") => "scheduled",
            Some("sent") => {
                self.tally
                    .change("articles that were only sent by mail taken as drafts", name);
                "draft"
            }
            _ => "draft",
        }
    }

    /// The site's address in the place of its mark.
    fn here(&self, text: &str) -> String {
        let site = self.wishes.site_url.as_ref();
        let site = site.map_or("", |url| url.as_str().trim_end_matches('/'));
        text.replace(HERE, site)
    }

    fn body(&mut self, html: &str, name: &str) -> String {
        if html.contains(HERE) && self.wishes.site_url.is_none() {
            self.tally
                .change("addresses that lack the site's (see --site-url)", name);
        }
        let (html, cut) = gated::without(html);
        if cut > 0 {
            self.tally.leave_out_many(cards::FOR_MEMBERS, name, cut);
        }
        html::rewritten(&self.here(&html), self.wishes.site_url.as_ref())
    }

    fn image(&mut self, post: &Post, name: &str) -> Option<Picture> {
        let address = post
            .feature_image
            .as_deref()
            .filter(|text| !text.is_empty())?;
        let url = text::resolved(&self.here(address), self.wishes.site_url.as_ref());
        let Some(url) = url else {
            self.tally.leave_out(
                "pictures whose address lacks the site's (see --site-url)",
                name,
            );
            return None;
        };
        let described = self.site.picture(&post.id);
        Some(Picture {
            url,
            alt: described.alt,
            caption: described.caption,
            ..Picture::default()
        })
    }

    fn source(&self, url: Option<String>) -> Option<Origin> {
        let site = self.wishes.site_url.as_ref();
        let name = match self.site.title.trim() {
            "" => site?.host_str()?.to_owned(),
            title => title.to_owned(),
        };
        Some(Origin { name, url })
    }

    fn tags(&mut self, post: &Key, authors: &[String], name: &str) -> Vec<Tag> {
        let tagged = self.site.tags(post);
        self.tally
            .leave_out_many("tags for editors only (#…)", name, tagged.internal);
        self.tally
            .leave_out_many(item::OVER_TAGS, name, tagged.over);
        let authors = authors.iter().map(|name| Tag::new("contributor", name));
        tagged.tags.into_iter().chain(authors).collect()
    }
}

/// What the article is called in every export.
fn external_id(post: &Post) -> Option<String> {
    let id = post.uuid.as_deref().unwrap_or(&post.id.0);
    match id {
        "" => None,
        id => item::external_id(&format!("ghost:{id}")),
    }
}

/// What an editor finds it by.
fn called(post: &Post) -> String {
    let title = post.title.as_deref().unwrap_or_default();
    match &post.slug {
        Some(slug) => format!("{slug} ({title})"),
        None => format!("post {} ({title})", post.id.0),
    }
}

/// A date, or milliseconds as old exports have them.
fn moment(written: &Key) -> Option<String> {
    let millis = written.0.parse::<i64>().ok();
    let at = match millis {
        Some(millis) => chrono::DateTime::from_timestamp_millis(millis)?,
        None => dates::parse(&written.0)?.at,
    };
    Some(dates::written(at))
}
