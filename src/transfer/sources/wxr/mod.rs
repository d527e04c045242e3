//! WordPress: the export that its administration writes (WXR, an RSS with elements of its own).
//!
//! The file is read twice. The first reading keeps the terms and where each picture is described, for a picture may
//! come after the article that shows it; the second makes the articles. So memory does not grow with the texts.

mod article;
mod blocks;
mod codes;
mod languages;
mod look_ups;
mod paragraphs;
mod parts;
mod paywall;
mod shortcodes;
mod site;

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;

use crate::store::foreign::{self, Withdrawal};
use crate::store::naming::Elsewhere;
use crate::transfer::lines::{Line, Sink, Source};
use crate::transfer::sources::place::Place;
use crate::transfer::sources::tally::{self, Tally};
use crate::transfer::sources::{Archive, Wishes, item, text};

use article::Maker;
use parts::{Element, Part, Parts};
use site::Site;

const COMMENTS: &[&str] = &["wp:comment"];
/// What is told of an article whose pictures and shared blocks are too much to look up.
const OVER_LOOK_UPS: &str = "pictures and shared blocks beyond 32 MB of an article";
/// Items between two words on how far it has come.
const PASS: u64 = 200;

pub struct Wxr {
    place: Place,
    wishes: Wishes,
    tally: Tally,
    /// Digests of the names that articles had.
    named: HashSet<u64>,
}

impl Wxr {
    /// # Errors
    /// When the file cannot be read.
    pub fn open(place: Place, wishes: &Wishes) -> io::Result<Self> {
        Ok(Self {
            place: place.in_utf8()?,
            wishes: wishes.clone(),
            tally: Tally::default(),
            named: HashSet::new(),
        })
    }

    /// The line of an item, or `None` where it is left out.
    fn line(&mut self, site: &Site, element: &Element, number: u64) -> Option<Line> {
        let name = called(element, number);
        let name = name.as_str();
        let kind = element.says("wp:post_type");
        if element.child("wp:post_id").is_none() {
            let reason = "is no item of WordPress".to_owned();
            return Some(item::failed(number, name.to_owned(), reason));
        }
        let is_wanted = self.wishes.post_types.iter().any(|wanted| wanted == kind);
        // Also of what is left out, so that what is beside it is called the same in every run.
        let named = (is_wanted || site::is_named(kind)).then(|| self.external_id(site, element));
        let (external_id, is_second) = named.flatten().unzip();
        // What came of another type by another run stays as it is.
        if !is_wanted {
            self.tally.leave_out(&what(kind), name);
            return None;
        }
        self.tally.leave_out_many("comments", name, element.passed);
        let mut maker = Maker {
            place: &self.place,
            site,
            wishes: &self.wishes,
            tally: &mut self.tally,
            name,
        };
        site.look_ups.begin();
        let item = maker.item(element);
        if site.look_ups.is_spent() {
            self.tally.leave_out(OVER_LOOK_UPS, name);
        }
        let elsewhere = by_feed(element, external_id.as_deref());
        let Some(mut item) = item else {
            let withdrawal = Withdrawal {
                external_id: external_id?,
                hosts: hosts(site, element),
            };
            return Some(item::withdrawal(number, name, withdrawal, elsewhere));
        };
        if is_second == Some(true) {
            self.tally.change("identifiers that came twice", name);
        }
        let original = site.original(element, external_id.as_deref());
        item.translation_of = original.map(str::to_owned);
        item.external_id = external_id;
        item.elsewhere = Some(elsewhere);
        Some(item.line(number, name, &mut self.tally))
    }

    /// What the article is called in every run, and whether another has that name: two items that call themselves the
    /// same are two articles all the same.
    fn external_id(&mut self, site: &Site, post: &Element) -> Option<(String, bool)> {
        let id = site.external_id(post)?;
        if self.named.insert(digest(&id)) {
            return Some((id, false));
        }
        let id = format!("{id}#{}", post.says("wp:post_id"));
        self.named.insert(digest(&id));
        Some((id, true))
    }
}

impl Source for Wxr {
    fn read(&mut self, sink: &mut dyn Sink) -> io::Result<()> {
        let Some(site) = Site::read(&self.place, sink)? else {
            return Ok(());
        };
        let length = self.place.length()?;
        let mut parts = Parts::new(&self.place, COMMENTS);
        let mut number = 0;
        while let Some(part) = parts.next()? {
            let Part::Item(item) = part else { continue };
            number += 1;
            let bytes = length + parts.position();
            let line = match &item.element {
                Ok(element) => self.line(&site, element, number),
                Err(reason) => {
                    let name = format!("item {number}");
                    Some(item::failed(number, name, reason.clone()))
                }
            };
            let flow = match line {
                Some(line) => sink.take(line, bytes),
                None if number.is_multiple_of(PASS) => sink.pass(bytes),
                None => continue,
            };
            if flow.is_break() {
                return Ok(());
            }
        }
        self.tally.change_many(tally::NO_TEXT, parts.replaced());
        Ok(())
    }
}

impl Archive for Wxr {
    fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Each byte is read twice.
    fn size(&self) -> Option<u64> {
        self.place.length().ok().map(|length| 2 * length)
    }
}

/// What an editor finds it by.
fn called(element: &Element, number: u64) -> String {
    let title = text::plain(element.says("title"));
    match element.says("wp:post_id") {
        "" => format!("item {number} ({title})"),
        id => format!("post {id} ({title})"),
    }
}

/// Items of another type than those wanted.
fn what(kind: &str) -> String {
    match kind {
        "attachment" => "descriptions of files (used where an article shows them)".to_owned(),
        "page" => "pages (see --post-types)".to_owned(),
        "nav_menu_item" => "menu entries".to_owned(),
        "wp_block" => "blocks that articles share (used where an article shows them)".to_owned(),
        "guest-author" => "authors without an account (used for their articles)".to_owned(),
        "revision" => "revisions".to_owned(),
        kind => format!("items of type {kind:?} (see --post-types)"),
    }
}

fn by_feed(post: &Element, external_id: Option<&str>) -> Elsewhere {
    let slug = text::slug(post.says("wp:post_name"));
    item::by_feed(
        external_id,
        text::address(post.says("link")),
        slug.as_deref(),
    )
}

/// Those of the site: in several languages it may have several.
fn hosts(site: &Site, post: &Element) -> Vec<String> {
    let addresses = [site.link.as_str(), post.says("link")];
    addresses.into_iter().filter_map(foreign::host).collect()
}

fn digest(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}
