//! An article of WordPress as an import line.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use url::Url;

use crate::transfer::sources::dates::{self, Dated};
use crate::transfer::sources::item::{Item, MAX_TAGS, OVER_TAGS, Origin, Picture, Tag};
use crate::transfer::sources::place::Place;
use crate::transfer::sources::tally::Tally;
use crate::transfer::sources::wxr::parts::Element;
use crate::transfer::sources::wxr::shortcodes::Writer;
use crate::transfer::sources::wxr::site::{self, Site, categories};
use crate::transfer::sources::wxr::{blocks, languages, paragraphs, paywall};
use crate::transfer::sources::{Wishes, html, text};

/// Kinds of terms that are no keywords: those read elsewhere, and what WordPress and its plug-ins note for themselves.
const NO_KEYWORDS: [&str; 16] = [
    "category",
    "post_tag",
    "tag",
    "author",
    "language",
    "post_translations",
    "post_format",
    "nav_menu",
    "link_category",
    "post_status",
    "translation_priority",
    "wp_theme",
    "wp_template_part_area",
    "wp_pattern_category",
    "elementor_library_type",
    "amp_validation_error",
];

pub struct Maker<'a> {
    pub place: &'a Place,
    pub site: &'a Site,
    pub wishes: &'a Wishes,
    pub tally: &'a mut Tally,
    /// What the article is called in messages.
    pub name: &'a str,
}

impl Maker<'_> {
    /// Without its external id. `None` where it is left out, which the tally tells.
    pub fn item(&mut self, post: &Element) -> Option<Item> {
        let status = self.status(post)?;
        let published_at = self.published_at(post);
        // A plan without an hour is no plan.
        let status = match (status, published_at) {
            ("scheduled", None) => "draft",
            (status, _) => status,
        };
        let content = self.content(post);
        let status = match paywall::sign(post, &content) {
            Some(sign) if status != "draft" => {
                self.tally
                    .change(&format!("{sign} taken as drafts"), self.name);
                "draft"
            }
            _ => status,
        };
        let link = text::address(post.says("link"));
        let byline = self.authors(post).join(", ");
        let language = self.language(post);
        let body = self.body(post, &languages::part(&content, &language));
        let says = |name| text::plain(&languages::part(post.says(name), &language));
        let published_at = published_at
            .filter(|_| status != "draft")
            .map(dates::written);
        let image = self.image(post);
        Some(Item {
            slug: text::slug(post.says("wp:post_name")),
            headline: says("title"),
            standfirst: Some(says("excerpt:encoded")).filter(|text| !text.is_empty()),
            byline: (!byline.is_empty()).then_some(byline),
            body,
            image,
            source: self.source(link.clone()),
            canonical_url: self.original(post).or(link).filter(|_| status != "draft"),
            tags: self.tags(post),
            language,
            status: Some(status),
            first_published_at: published_at.clone().filter(|_| status == "published"),
            published_at,
            updated_at: modified(post).map(dates::written),
            former_slugs: site::metas(post, "_wp_old_slug")
                .filter_map(text::slug)
                .collect(),
            ..Item::default()
        })
    }

    /// The article's own, else that of the part which is taken of a text in several, else the site's.
    fn language(&mut self, post: &Element) -> String {
        let of_site = self.wishes.language_or(&self.site.language);
        let texts = ["content:encoded", "title", "excerpt:encoded"];
        let mut of_parts = texts
            .into_iter()
            .filter_map(|name| languages::of_parts(post.says(name), &of_site));
        let of_part = of_parts.next();
        if of_part.is_some() {
            self.tally
                .change("texts in several languages taken in one", self.name);
        }
        languages::own(post).or(of_part).unwrap_or(of_site)
    }

    fn status(&mut self, post: &Element) -> Option<&'static str> {
        if !post.says("wp:post_password").is_empty() {
            self.tally
                .leave_out("articles behind a password", self.name);
            return None;
        }
        match post.says("wp:status") {
            "publish" => Some("published"),
            "future" => Some("scheduled"),
            "draft" | "pending" => Some("draft"),
            "trash" => {
                self.tally.leave_out("articles in the trash", self.name);
                None
            }
            "auto-draft" | "inherit" => {
                self.tally
                    .leave_out("drafts that were never saved", self.name);
                None
            }
            "private" => {
                self.tally
                    .change("private articles taken as drafts", self.name);
                Some("draft")
            }
            other => {
                let reason = format!("articles of status {other:?} taken as drafts");
                self.tally.change(&reason, self.name);
                Some("draft")
            }
        }
    }

    /// By the date in UTC; else by that of the feed, which has an offset; else by the site's own clock, whose offset
    /// the file does not tell.
    fn published_at(&mut self, post: &Element) -> Option<DateTime<Utc>> {
        if let Some(dated) = dates::parse(post.says("wp:post_date_gmt")) {
            return Some(dated.at);
        }
        if let Some(dated) = dates::parse(post.says("pubDate")) {
            return Some(dated.at);
        }
        let Dated { at, .. } = dates::parse(post.says("wp:post_date"))?;
        self.tally
            .change("dates without an offset taken for UTC", self.name);
        Some(at)
    }

    /// Where the article came out first, as its editors told a plug-in: at another site.
    fn original(&self, post: &Element) -> Option<String> {
        let keys = ["_yoast_wpseo_canonical", "rank_math_canonical_url"];
        let address = keys
            .into_iter()
            .find_map(|key| text::address(site::meta(post, key)))?;
        let host = |address: &str| {
            text::host(address).map(|host| host.trim_start_matches("www.").to_owned())
        };
        (host(&address) != host(&self.site.link)).then_some(address)
    }

    fn source(&self, link: Option<String>) -> Option<Origin> {
        let title = self.site.title.trim();
        let name = match title.is_empty() {
            false => title.to_owned(),
            true => text::host(&self.site.link)?,
        };
        Some(Origin { name, url: link })
    }

    /// Those of a plug-in for several authors, where there are any.
    fn authors(&self, post: &Element) -> Vec<String> {
        let several: Vec<String> = categories(post, "author")
            .take(MAX_TAGS)
            .map(|term| self.site.co_author(term))
            .filter(|name| !name.is_empty())
            .collect();
        if !several.is_empty() {
            return several;
        }
        let creator = text::plain(self.site.author(post.says("dc:creator")));
        (!creator.is_empty())
            .then_some(creator)
            .into_iter()
            .collect()
    }

    /// Sections, each followed by those above it, then keywords and terms of the site's own, then authors.
    fn tags(&mut self, post: &Element) -> Vec<Tag> {
        let mut tags: Vec<Tag> = Vec::new();
        let mut above = Vec::new();
        let mut over = 0;
        for category in categories(post, "category") {
            // Each brings its description, and there may be very many.
            if tags.len() >= MAX_TAGS {
                over += 1;
                continue;
            }
            let nicename = category.attribute("nicename");
            tags.push(self.site.section(nicename, category.text.trim()));
            above.extend(self.site.above(nicename));
        }
        for tag in above {
            if !tags.iter().any(|known| known.slug == tag.slug) {
                tags.push(tag);
            }
        }
        for tag in keywords(post) {
            if tags.len() >= MAX_TAGS {
                over += 1;
                continue;
            }
            let keyword = self
                .site
                .keyword(tag.attribute("nicename"), tag.text.trim());
            if !tags.iter().any(|known| known.slug == keyword.slug) {
                tags.push(keyword);
            }
        }
        self.tally.leave_out_many(OVER_TAGS, self.name, over);
        let authors = self.authors(post);
        tags.extend(authors.iter().map(|name| Tag::new("contributor", name)));
        tags
    }

    fn image(&mut self, post: &Element) -> Option<Picture> {
        let number = site::meta(post, "_thumbnail_id");
        if number.is_empty() || number == "0" {
            return None;
        }
        let media = number
            .parse()
            .ok()
            .and_then(|number| self.site.look_ups.media(self.place, number));
        let Some(media) = media else {
            self.tally
                .leave_out("pictures that the file does not describe", self.name);
            return None;
        };
        Some(Picture {
            url: media.url,
            alt: media.alt,
            caption: media.caption,
            ..Picture::default()
        })
    }

    /// The text with the blocks that it shares with others.
    fn content<'p>(&self, post: &'p Element) -> Cow<'p, str> {
        let content = post
            .child("content:encoded")
            .map_or("", |child| &child.text);
        blocks::with_shared(content, &|number| {
            self.site.look_ups.shared(self.place, number)
        })
    }

    fn body(&mut self, post: &Element, content: &str) -> String {
        let has_blocks = content.contains("<!-- wp:");
        let content = blocks::without_comments(content, self.tally, self.name);
        let mut writer = Writer {
            site: self.site,
            place: self.place,
            tally: self.tally,
            name: self.name,
            post: post.says("wp:post_id").parse().unwrap_or_default(),
        };
        let content = writer.written(&content);
        let content = paragraphs::with_links(&content);
        // Blocks bring their own paragraphs.
        let content = match has_blocks {
            true => content,
            false => paragraphs::made(&content),
        };
        let base = Url::parse(&self.site.link).ok();
        html::rewritten(&content, base.as_ref()).trim().to_owned()
    }
}

/// Terms of WordPress's own tags, and of what the site has besides: places, series.
fn keywords(post: &Element) -> impl Iterator<Item = &Element> {
    let own = ["post_tag", "tag"].into_iter();
    let own = own.flat_map(|domain| categories(post, domain));
    let others = post.children.iter().filter(|child| {
        let domain = child.attribute("domain");
        child.name == "category" && !domain.is_empty() && !NO_KEYWORDS.contains(&domain)
    });
    own.chain(others)
}

fn modified(post: &Element) -> Option<DateTime<Utc>> {
    let names = ["wp:post_modified_gmt", "wp:post_modified"];
    names
        .into_iter()
        .find_map(|name| dates::parse(post.says(name)))
        .map(|dated| dated.at)
}
