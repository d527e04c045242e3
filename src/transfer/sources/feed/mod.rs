//! Feeds: RSS, Atom and JSON Feed, from a file or over the network, page after page.

mod fetch;
mod outline;
mod pages;
mod pictures;

use std::collections::HashSet;
use std::io;

use feed_rs::model::{Entry, Feed as Head, Link};
use url::Url;

use crate::content::slug::Slug;
use crate::store::naming::Elsewhere;
use crate::transfer::lines::{Sink, Source};
use crate::transfer::sources::dates;
use crate::transfer::sources::item::{self, Item, OF_FEEDS, Origin, Picture, Tag};
use crate::transfer::sources::place::Place;
use crate::transfer::sources::tally::{self, Tally};
use crate::transfer::sources::{Archive, Wishes, html, text};

use fetch::{Fetcher, Page};
use pages::Found;
use pictures::{attached, picture};

/// Where the first page is.
pub enum From {
    File(Place),
    Url(Url),
}

pub struct Feed {
    from: From,
    wishes: Wishes,
    tally: Tally,
    /// Names of entries that have come.
    named: HashSet<String>,
    number: u64,
    bytes: u64,
}

impl Feed {
    pub fn open(from: From, wishes: &Wishes) -> Self {
        Self {
            from,
            wishes: wishes.clone(),
            tally: Tally::default(),
            named: HashSet::new(),
            number: 0,
            bytes: 0,
        }
    }

    /// Where the next page is; `None` also where the sink wants no more.
    fn page(&mut self, page: &Page, sink: &mut dyn Sink) -> io::Result<Option<Url>> {
        let read = pages::read(page)?;
        self.tally.change_many(tally::NO_TEXT, read.replaced);
        let before = self.bytes;
        let entries = read.entries.len().max(1) as u64;
        for (at, found) in (1..).zip(read.entries) {
            self.number += 1;
            self.bytes = before + page.bytes.len() as u64 * at / entries;
            let line = match found {
                Err(reason) => item::failed(self.number, format!("item {}", self.number), reason),
                Ok(found) => {
                    let name = called(&found.entry, self.number);
                    let Some(item) = self.item(&read.feed, found, &name, page.url.as_ref()) else {
                        continue;
                    };
                    item.line(self.number, &name, &mut self.tally)
                }
            };
            if sink.take(line, self.bytes).is_break() {
                return Ok(None);
            }
        }
        if let Some(elsewhere) = read.elsewhere
            && page.url.is_some()
        {
            let reason = "next pages at another server";
            self.tally.leave_out(reason, elsewhere.as_str());
        }
        Ok(read.next)
    }

    /// `None` where it came before, on this page or another.
    fn item(&mut self, head: &Head, found: Found, name: &str, page: Option<&Url>) -> Option<Item> {
        let Found {
            entry,
            image,
            language,
            has_date,
        } = found;
        let link = link(&entry, page);
        let first = match &self.from {
            From::File(_) => None,
            From::Url(url) => Some(url),
        };
        let external_id = external_id(head, &entry, link.as_deref(), first);
        if let Some(id) = &external_id
            && !self.named.insert(id.clone())
        {
            self.tally.leave_out("entries that came twice", name);
            return None;
        }
        let elsewhere = elsewhere(&entry, link.as_deref());
        let base = link.as_deref().and_then(|link| Url::parse(link).ok());
        let base = base.or_else(|| self.wishes.site_url.clone());
        let base = base.as_ref();
        let summary = entry.summary.as_ref().map(|text| text.content.clone());
        let content = entry
            .content
            .as_ref()
            .and_then(|content| content.body.clone());
        let is_plain = entry.content.as_ref().is_some_and(|content| {
            content.body.is_some() && content.content_type.to_string().starts_with("text/plain")
        });
        let (body, trail_text) = match content {
            Some(content) => (content, summary.as_deref().map(text::plain)),
            None => (summary.unwrap_or_default(), None),
        };
        let image = self.image(&entry, image, base, name);
        let authors = authors(head, &entry);
        let published_at = entry.published.or(entry.updated).map(dates::written);
        if published_at.is_none() {
            let reason = match has_date {
                true => "entries whose date cannot be read, published now",
                false => "entries without a date, published now",
            };
            self.tally.change(reason, name);
        }
        Some(Item {
            slug: link.as_deref().and_then(text::last_part),
            language: match language.as_deref().and_then(item::language) {
                Some(own) => own,
                None => self
                    .wishes
                    .language_or(head.language.as_deref().unwrap_or_default()),
            },
            headline: entry
                .title
                .as_ref()
                .map(|title| text::plain(&title.content))
                .unwrap_or_default(),
            trail_text,
            byline: (!authors.is_empty()).then(|| authors.join(", ")),
            body: match is_plain {
                true => body,
                false => html::rewritten(&body, base),
            },
            body_format: is_plain.then_some("text"),
            image,
            source: source(head, link.as_deref()),
            canonical_url: link,
            tags: tags(&entry, &authors),
            status: Some("published"),
            published_at,
            updated_at: entry.updated.map(dates::written),
            external_id,
            elsewhere: Some(elsewhere),
            ..Item::default()
        })
    }

    fn image(
        &mut self,
        entry: &Entry,
        own: Option<String>,
        base: Option<&Url>,
        name: &str,
    ) -> Option<Picture> {
        let own = own.and_then(|url| text::resolved(&url, base));
        let picture = own
            .map(|url| Picture {
                url,
                ..Picture::default()
            })
            .or_else(|| entry.media.iter().find_map(picture))
            .or_else(|| entry.links.iter().find_map(attached));
        let others = entry.media.iter().flat_map(|media| &media.content);
        let others = others.filter(|content| {
            let kind = content.content_type.as_ref();
            kind.is_some_and(|kind| matches!(kind.ty().as_str(), "audio" | "video"))
        });
        let number = others.count() as u64;
        self.tally
            .leave_out_many("attached sounds and films", name, number);
        picture
    }
}

impl Source for Feed {
    fn read(&mut self, sink: &mut dyn Sink) -> io::Result<()> {
        let asked = match &self.from {
            From::File(place) => {
                let page = fetch::file(place)?;
                self.page(&page, sink)?;
                return Ok(());
            }
            From::Url(url) => url.clone(),
        };
        let fetcher = Fetcher::new(&asked);
        let mut url = Some(asked);
        let mut visited = HashSet::new();
        while let Some(at) = url {
            if visited.len() as u64 == u64::from(self.wishes.pages) {
                self.tally
                    .leave_out("pages beyond those wanted (see --pages)", at.as_str());
                break;
            }
            // A page that leads back would lead around for ever.
            if !visited.insert(at.clone()) {
                break;
            }
            let page = fetcher.page(&at)?;
            url = self.page(&page, sink)?;
        }
        Ok(())
    }
}

impl Archive for Feed {
    fn tally(&self) -> &Tally {
        &self.tally
    }

    fn size(&self) -> Option<u64> {
        match &self.from {
            From::File(place) => place.length().ok(),
            From::Url(_) => None,
        }
    }

    /// Nothing may have come out yet.
    fn may_be_empty(&self) -> bool {
        true
    }
}

fn called(entry: &Entry, number: u64) -> String {
    let title = entry.title.as_ref();
    let title = title.map(|title| text::plain(&title.content));
    format!("item {number} ({})", title.unwrap_or_default())
}

/// Where the article itself is.
fn link(entry: &Entry, page: Option<&Url>) -> Option<String> {
    let is_own = |link: &&Link| {
        link.target.is_none()
            && link
                .media_type
                .as_deref()
                .is_none_or(|kind| kind.contains("html"))
            && matches!(link.rel.as_deref(), None | Some("alternate"))
    };
    let link = entry.links.iter().find(is_own);
    // A guid that is an address, where there is no link.
    link.and_then(|link| text::resolved(&link.href, page))
        .or_else(|| text::address(&entry.id))
}

/// What the feed calls it, in a form of its own: a feed may call an entry what another source calls the whole article,
/// or what one of ours is called. A bare word or number is one feed's own, and stands behind the feed's name.
fn external_id(
    head: &Head,
    entry: &Entry,
    link: Option<&str>,
    first: Option<&Url>,
) -> Option<String> {
    let named = |id: &str| item::external_id(&format!("{OF_FEEDS}{}", id.trim()));
    let by_link = || named(link?);
    let id = entry.id.trim();
    if id.is_empty() {
        return by_link();
    }
    if is_of_all(id) {
        return named(id).or_else(by_link);
    }
    // The same on every page of it.
    let site = head.links.iter().find(|link| !is_of_page(link));
    let of_feed = [
        site.map(|link| link.href.as_str()),
        (!head.id.is_empty()).then_some(head.id.as_str()),
        first.map(Url::as_str),
    ];
    let of_feed = of_feed.into_iter().flatten().next().unwrap_or("feed");
    named(&format!("{of_feed}#{id}")).or_else(by_link)
}

/// Whether an id is meant for the whole world, not for its feed alone.
fn is_of_all(id: &str) -> bool {
    id.contains(':')
}

/// An export of the same site may have brought the article: WordPress's calls it as its feed does, and others say where
/// it is. It is then as the export has it, which has more of it, or as it was edited since.
fn elsewhere(entry: &Entry, link: Option<&str>) -> Elsewhere {
    let id = Some(entry.id.as_str()).filter(|id| is_of_all(id));
    let slug = link.and_then(text::last_part);
    let slug = slug.and_then(|slug| Slug::parse(&slug).ok());
    Elsewhere {
        external_id: id.and_then(item::external_id),
        page: link.map(str::to_owned).zip(slug),
        of_feeds: OF_FEEDS,
        is_by_feed: true,
    }
}

/// A link to a page of the feed or to a hub, not to what the feed is of.
fn is_of_page(link: &Link) -> bool {
    let pages = [
        "self",
        "next",
        "prev",
        "previous",
        "first",
        "last",
        "current",
        "hub",
        "next-archive",
        "prev-archive",
    ];
    let rel = link.rel.as_deref().unwrap_or_default();
    pages.iter().any(|page| rel.eq_ignore_ascii_case(page))
}

fn authors(head: &Head, entry: &Entry) -> Vec<String> {
    let named = |people: &[feed_rs::model::Person]| {
        let mut names: Vec<String> = Vec::new();
        for name in people.iter().filter_map(|person| person.name.as_deref()) {
            let name = bare(text::plain(name));
            if !name.is_empty() && !names.contains(&name) {
                names.push(name);
            }
        }
        names
    };
    // Atom: those of the feed are those of entries without their own.
    match named(&entry.authors) {
        own if own.is_empty() => named(&head.authors),
        own => own,
    }
}

/// A name without what parts it from an address, as in `x@x.example (Name)`, the form of RSS, or `Name <x@x.example>`.
fn bare(name: String) -> String {
    let name = name.trim_matches(['<', '>', ' ']);
    let inside = name
        .strip_prefix('(')
        .and_then(|name| name.strip_suffix(')'));
    inside.unwrap_or(name).trim().to_owned()
}

fn tags(entry: &Entry, authors: &[String]) -> Vec<Tag> {
    let mut tags: Vec<Tag> = Vec::new();
    for category in &entry.categories {
        let name = category.label.as_deref().unwrap_or(&category.term);
        let tag = Tag::new("keyword", &text::plain(name));
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags.extend(authors.iter().map(|name| Tag::new("contributor", name)));
    tags
}

fn source(head: &Head, link: Option<&str>) -> Option<Origin> {
    let title = head.title.as_ref().map(|title| text::plain(&title.content));
    let name = match title.filter(|title| !title.is_empty()) {
        Some(title) => title,
        None => text::host(link?)?,
    };
    Some(Origin {
        name,
        url: link.map(str::to_owned),
    })
}
