//! An article of another system on its way to an import line.

use std::io;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::content::check::{MAX_KEY, MAX_NAME, MAX_TEXT};
use crate::content::language::Language;
use crate::content::line::MAX_LINE;
use crate::content::slug::Slug;
use crate::store::foreign::Withdrawal;
use crate::store::naming::Elsewhere;
use crate::transfer::lines::{Content, Line};
use crate::transfer::sources::tally::Tally;
use crate::transfer::sources::text;

/// Tags an import line may have.
pub const MAX_TAGS: usize = 200;
/// How external ids begin that feeds give: a feed may call an entry what another source calls the whole article.
pub const OF_FEEDS: &str = "feed:";

/// What is told of those beyond.
pub const OVER_TAGS: &str = "tags beyond 200 of an article";

/// The members of an import line that other systems know of.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Item {
    pub external_id: Option<String>,
    pub slug: Option<String>,
    pub language: String,
    pub headline: String,
    pub standfirst: Option<String>,
    pub trail_text: Option<String>,
    pub byline: Option<String>,
    pub body: String,
    pub body_format: Option<&'static str>,
    pub image: Option<Picture>,
    pub source: Option<Origin>,
    pub canonical_url: Option<String>,
    pub tags: Vec<Tag>,
    pub status: Option<&'static str>,
    pub published_at: Option<String>,
    pub first_published_at: Option<String>,
    pub updated_at: Option<String>,
    pub expires_at: Option<String>,
    pub translation_of: Option<String>,
    /// Beside the line, not in it.
    #[serde(skip)]
    pub former_slugs: Vec<String>,
    /// By what an article that came another way is this one, where that is not told by names and address.
    #[serde(skip)]
    pub elsewhere: Option<Elsewhere>,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct Picture {
    pub url: String,
    pub alt: Option<String>,
    pub caption: Option<String>,
    pub credit: Option<String>,
    pub width: Option<u32>,
    pub height: Option<u32>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Origin {
    pub name: String,
    pub url: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tag {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    pub name: String,
    pub kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
}

impl Tag {
    pub fn new(kind: &'static str, name: &str) -> Self {
        Self {
            name: name.trim().to_owned(),
            kind,
            ..Self::default()
        }
    }
}

/// A line for what cannot become one.
pub fn failed(number: u64, name: String, reason: String) -> Line {
    Line {
        number,
        name: Some(name),
        content: Err(reason),
        former: Vec::new(),
        elsewhere: None,
    }
}

/// A line for what is left out: an article that came in before does not stay public. `elsewhere` is by what a feed may
/// have brought it.
pub fn withdrawal(number: u64, name: &str, withdrawal: Withdrawal, elsewhere: Elsewhere) -> Line {
    Line {
        number,
        name: Some(name.to_owned()),
        content: Ok(Content::Withdrawal(withdrawal)),
        former: Vec::new(),
        elsewhere: Some(elsewhere),
    }
}

/// By what a feed of the site may have brought an article before: what the export calls it, and its own page there, not
/// one of another site that it was taken from.
pub fn by_feed(id: Option<&str>, page: Option<String>, slug: Option<&str>) -> Elsewhere {
    let slug = slug.and_then(|slug| Slug::parse(slug).ok());
    Elsewhere {
        external_id: id.and_then(|id| external_id(&format!("{OF_FEEDS}{id}"))),
        page: page.zip(slug),
        of_feeds: OF_FEEDS,
        is_by_feed: false,
    }
}

impl Item {
    /// The import line of this number. What no line can hold is cut, which `tally` tells; `name` is what the item is
    /// called there.
    pub fn line(mut self, number: u64, name: &str, tally: &mut Tally) -> Line {
        let text = self.text(name, tally);
        let elsewhere = self.elsewhere.take().unwrap_or_else(|| {
            let (id, slug) = (self.external_id.as_deref(), self.slug.as_deref());
            by_feed(id, self.canonical_url.clone(), slug)
        });
        let former = self.former_slugs.iter();
        Line {
            number,
            name: Some(name.to_owned()),
            former: former.filter_map(|slug| Slug::parse(slug).ok()).collect(),
            elsewhere: Some(elsewhere),
            content: text.map(Content::Article),
        }
    }

    fn text(&mut self, name: &str, tally: &mut Tally) -> Result<Vec<u8>, String> {
        self.mend(name, tally);
        if self.language.is_empty() {
            return Err("nothing says its language; see --language".to_owned());
        }
        if self.headline.trim().is_empty() {
            self.headline = self.made_headline(name, tally)?;
        }
        let mut bounded = Bounded(Vec::new());
        match serde_json::to_writer(&mut bounded, self) {
            Ok(()) => Ok(bounded.0),
            Err(_) => Err(format!("makes a line that is longer than {MAX_LINE} bytes")),
        }
    }

    fn made_id(&self) -> String {
        let mut hasher = Sha256::new();
        let url = self.canonical_url.as_deref().unwrap_or_default();
        for part in [
            self.slug.as_deref().unwrap_or_default(),
            &self.language,
            url,
        ] {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        let digest = hasher.finalize();
        format!(
            "made:{}",
            digest
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        )
    }

    fn made_headline(&self, name: &str, tally: &mut Tally) -> Result<String, String> {
        let text = match &self.standfirst {
            Some(standfirst) => text::beginning(standfirst),
            None => text::beginning(&text::plain(&self.body)),
        };
        let made = text.ok_or("has neither a title nor a text")?;
        tally.change("headlines made from the first words", name);
        Ok(made)
    }

    fn mend(&mut self, name: &str, tally: &mut Tally) {
        // A slug alone is no name by which it would be found again.
        if self.external_id.is_none() && self.slug.is_some() {
            self.external_id = Some(self.made_id());
        }
        cut(&mut self.headline, MAX_NAME, "headlines cut", name, tally);
        for (text, max) in [
            (&mut self.standfirst, MAX_TEXT),
            (&mut self.trail_text, MAX_TEXT),
            (&mut self.byline, MAX_NAME),
        ] {
            if let Some(text) = text {
                cut(text, max, "long summaries or bylines cut", name, tally);
            }
        }
        if let Some(image) = &mut self.image {
            for text in [&mut image.alt, &mut image.caption].into_iter().flatten() {
                cut(text, MAX_TEXT, "long captions cut", name, tally);
            }
        }
        if let Some(source) = &mut self.source {
            cut(&mut source.name, MAX_KEY, "long names cut", name, tally);
        }
        for tag in &mut self.tags {
            cut(&mut tag.name, MAX_KEY, "long tags cut", name, tally);
            if let Some(description) = &mut tag.description {
                cut(description, MAX_TEXT, "long tags cut", name, tally);
            }
        }
        self.tags.retain(|tag| !tag.name.trim().is_empty());
        if self.tags.len() > MAX_TAGS {
            let over = (self.tags.len() - MAX_TAGS) as u64;
            tally.leave_out_many(OVER_TAGS, name, over);
            self.tags.truncate(MAX_TAGS);
        }
        self.former_slugs
            .retain(|former| Some(former) != self.slug.as_ref());
        self.former_slugs.dedup();
        self.former_slugs.truncate(MAX_TAGS);
    }
}

/// What names an article there, short enough for a line.
pub fn external_id(text: &str) -> Option<String> {
    let text = text.trim();
    let fits =
        !text.is_empty() && text.chars().count() <= MAX_KEY && !text.contains(char::is_control);
    fits.then(|| text.to_owned())
}

/// A language tag in our spelling; `fr_FR` is written in many places.
pub fn language(text: &str) -> Option<String> {
    let text = text.trim().replace('_', "-");
    Some(Language::parse(&text).ok()?.as_str().to_owned())
}

fn cut(text: &mut String, max: usize, reason: &str, name: &str, tally: &mut Tally) {
    if text::cut(text, max) {
        tally.change(reason, name);
    }
}

/// Takes no more than a line may have.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_LINE {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
