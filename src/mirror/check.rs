//! A page of the feed, looked at before it is written: whatever no Kiosque would send is refused, with its line.

use std::collections::HashMap;

use chrono::{DateTime, Datelike, Utc};
use serde_json::json;
use uuid::Uuid;

use crate::content::article::{Draft, Fault};
use crate::content::body::{Body, BodyFormat};
use crate::content::check::{Check, MAX_KEY, MAX_TEXT};
use crate::content::input::ArticleInput;
use crate::content::slug::Slug;
use crate::content::tag_input::TagPatch;
use crate::content::visibility::Status;
use crate::error::{Error, Result};
use crate::mirror::feed::{Article, Line, Now, Page, Pinning, Place, Replica, Tag, of_line};
use crate::store::replica::{ReplicaArticle, ReplicaGone};
use crate::store::replica_groups::ReplicaGroup;
use crate::store::replica_tags::{ReplicaAlias, ReplicaMerger, ReplicaTag};

/// The latest version that a thing may have: numbers beyond are not the same to all who read JSON.
const LAST_VERSION: i64 = 1 << 53;
/// Letters of what an action is called.
const MAX_ACTION: usize = 40;
/// Letters of a store's identity.
const MAX_STORE: usize = 100;

/// A page that was checked, ready to be written.
#[derive(Default)]
pub struct Checked {
    pub tags: Vec<Told<KnownTag>>,
    pub mergers: Vec<Told<(ReplicaMerger, ReplicaTag)>>,
    pub lost_tags: Vec<Told<LostTag>>,
    pub articles: Vec<Told<Known>>,
    /// Articles that pin one that came, with their pins.
    pub pinning: HashMap<Uuid, Told<Vec<Uuid>>>,
}

/// Something, and the line that told it.
pub struct Told<T> {
    pub seq: i64,
    pub what: T,
}

/// A tag that the public knows.
pub struct KnownTag {
    pub tag: ReplicaTag,
    pub children: Vec<Uuid>,
}

/// A tag that the public knows no more.
pub struct LostTag {
    pub id: Uuid,
    pub slug: Slug,
    pub version: i64,
    /// Its row is gone, too; otherwise it may come back with an article.
    pub ended: bool,
}

pub enum Known {
    Public(Box<ReplicaArticle>),
    Gone(ReplicaGone, Vec<Slug>),
    Unknown(Uuid),
}

/// Looks at everything in a page of what comes after `after`; the dear part of the work, done outside of the transaction.
///
/// # Errors
/// [`Error::Internal`] naming the line that no Kiosque would send.
pub fn check(page: Page, after: i64) -> Result<Checked> {
    check_place(&page.page, after).map_err(Error::Internal)?;
    let mut checked = Checker::default();
    let mut before = after;
    for line in page.data {
        let seq = line.seq;
        let done = match seq > before && seq <= page.page.next {
            true => checked.take(line),
            false => Err(format!(
                "comes after line {before}, on a page that ends with {}",
                page.page.next
            )),
        };
        done.map_err(|what| Error::Internal(of_line(seq, &what)))?;
        before = seq;
    }
    Ok(checked.checked)
}

fn check_place(place: &Place, after: i64) -> Result<(), String> {
    if place.next < after {
        return Err("the feed goes backwards".to_owned());
    }
    let store = &place.store;
    let is_sound =
        (1..=MAX_STORE).contains(&store.len()) && store.bytes().all(|byte| byte.is_ascii_graphic());
    match is_sound {
        true => Ok(()),
        false => Err(format!("{store:?} is no identity of a store")),
    }
}

#[derive(Default)]
struct Checker {
    checked: Checked,
    /// Each tag once, though many articles bear it: the page is one snapshot.
    known: HashMap<Uuid, usize>,
}

impl Checker {
    fn take(&mut self, line: Line) -> Result<(), String> {
        let head = Head {
            seq: line.seq,
            id: uuid(&line.id)?,
            slug: slug("slug", &line.slug)?,
            version: version(line.version)?,
            at: moment("at", line.at)?,
        };
        let is_word = |text: &str| text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        if line.action.len() > MAX_ACTION || !is_word(&line.action) {
            return Err(format!("{:?} is no action", line.action));
        }
        match line.kind.as_str() {
            "article" => self.take_article(head, line),
            _ => self.take_tag(head, line),
        }
    }

    fn take_article(&mut self, head: Head, line: Line) -> Result<(), String> {
        let replica = line.replica;
        let what = match (line.now, line.article) {
            (None, _) => return Ok(()),
            (Some(Now::Unknown), _) => Known::Unknown(head.id),
            (Some(Now::Gone), _) => {
                let former = replica.map(|replica| slugs(&replica.former_slugs));
                let gone = ReplicaGone {
                    id: head.id,
                    slug: head.slug,
                    version: head.version,
                    at: head.at,
                    deleted: line.action == "deleted",
                };
                Known::Gone(gone, former.transpose()?.unwrap_or_default())
            }
            (Some(Now::Public), Some(article)) => {
                let replica = replica.ok_or("an article comes without `replica`")?;
                for tag in &replica.tags {
                    self.add_tag(head.seq, tag, false)?;
                }
                for pinning in &replica.pinned_by {
                    let (id, what) = pins(pinning)?;
                    let seq = head.seq;
                    self.checked.pinning.insert(id, Told { seq, what });
                }
                Known::Public(Box::new(replicated(head.id, article, replica)?))
            }
            (Some(Now::Public), None) => return Err("a public article is missing".to_owned()),
        };
        let seq = head.seq;
        self.checked.articles.push(Told { seq, what });
        Ok(())
    }

    fn take_tag(&mut self, head: Head, line: Line) -> Result<(), String> {
        let Some(tag) = line.tag else { return Ok(()) };
        let seq = head.seq;
        match (line.action.as_str(), tag) {
            ("merged", Some(into)) => {
                self.add_tag(seq, &into, true)?;
                let into = replicated_tag(&into)?;
                if into.id == head.id {
                    return Err("a tag is merged into itself".to_owned());
                }
                let merger = ReplicaMerger {
                    id: head.id,
                    slug: head.slug,
                    version: head.version,
                    into: into.slug.clone(),
                    at: head.at,
                };
                let what = (merger, into);
                self.checked.mergers.push(Told { seq, what });
            }
            (_, Some(tag)) => self.add_tag(seq, &tag, true)?,
            (action, None) => {
                let what = LostTag {
                    id: head.id,
                    slug: head.slug,
                    version: head.version,
                    ended: matches!(action, "merged" | "deleted"),
                };
                self.checked.lost_tags.push(Told { seq, what });
            }
        }
        Ok(())
    }

    /// `is_whole`: with all the tags that are below it.
    fn add_tag(&mut self, seq: i64, tag: &Tag, is_whole: bool) -> Result<(), String> {
        let id = uuid(&tag.id)?;
        match self.known.get(&id) {
            Some(at) if is_whole => self.checked.tags[*at].what.children = uuids(&tag.children)?,
            Some(_) => {}
            None => {
                let what = KnownTag {
                    tag: replicated_tag(tag)?,
                    children: uuids(&tag.children)?,
                };
                self.known.insert(id, self.checked.tags.len());
                self.checked.tags.push(Told { seq, what });
            }
        }
        Ok(())
    }
}

/// What every line says.
struct Head {
    seq: i64,
    id: Uuid,
    slug: Slug,
    version: i64,
    at: DateTime<Utc>,
}

/// By the same checks as a tag that an editor writes.
fn replicated_tag(tag: &Tag) -> Result<ReplicaTag, String> {
    let said = TagPatch {
        name: Some(tag.name.clone()),
        slug: Some(tag.slug.clone()),
        kind: Some(tag.kind.clone()),
        description: tag.description.clone(),
        parent: tag.parent.clone(),
        aliases: Some(tag.aliases.clone()),
        listed: Some(tag.listed),
    };
    let said = said.check(usize::MAX);
    let said = said.map_err(|faults| format!("the tag {:?}: {}", tag.slug, told(&faults)))?;
    let updated_at = moment("the tag's updated_at", tag.updated_at)?;
    let aliases = said.aliases.into_iter().map(|(_, alias)| ReplicaAlias {
        slug: alias.to_string(),
        public: true,
    });
    Ok(ReplicaTag {
        id: uuid(&tag.id)?,
        slug: slug("the tag's slug", &tag.slug)?,
        name: said.name,
        kind: said.kind,
        description: said.description,
        parent: said.parent,
        listed: said.listed,
        aliases: Some(aliases.collect()),
        version: version(tag.version)?,
        dates: Some((updated_at, updated_at)),
    })
}

fn replicated(id: Uuid, article: Article, replica: Replica) -> Result<ReplicaArticle, String> {
    Ok(ReplicaArticle {
        id,
        slug: slug("the article's slug", &article.slug)?,
        version: version(article.version)?,
        updated_at: moment("updated_at", article.updated_at)?,
        group: ReplicaGroup::Named(replica.translation_group.clone()),
        former_slugs: Some(slugs(&replica.former_slugs)?),
        hidden_slugs: Vec::new(),
        told_slug: None,
        content: content(article, replica)?,
        inside: None,
        deleted_at: None,
    })
}

/// By the same checks as any other article, sanitising included.
fn content(article: Article, replica: Replica) -> Result<Draft, String> {
    let mut check = Check::default();
    check.bounded("/trail_text", &article.trail_text, MAX_TEXT);
    let group = replica.translation_group.as_deref().unwrap_or_default();
    check.bounded("/replica/translation_group", group, MAX_KEY);
    check.no_nul("/body_html", &article.body_html);
    check.finish().map_err(|faults| told(&faults))?;
    let tags: Vec<_> = replica
        .tags
        .iter()
        .map(|tag| json!({"slug": tag.slug, "name": tag.name, "kind": tag.kind}))
        .collect();
    let date = |name: &str, at: Option<DateTime<Utc>>| at.map(|at| moment(name, at)).transpose();
    let body = safe_body(article.body_html)?;
    let input = json!({
        "language": article.language,
        "headline": article.headline,
        "standfirst": article.standfirst,
        "byline": article.byline,
        "body": body.source,
        "body_format": body.format.as_str(),
        "image": article.image,
        "source": article.source,
        "canonical_url": article.canonical_url,
        "rights": article.rights,
        "sponsors": article.sponsors,
        "tags": tags,
        "status": Status::Published.as_str(),
        "published_at": date("published_at", article.published_at)?,
        "first_published_at": date("first_published_at", article.first_published_at)?,
        "pins": replica.pins,
        "related": replica.related,
    });
    let input: ArticleInput = serde_json::from_value(input).map_err(|error| error.to_string())?;
    let draft = input.check_again(Status::Published, Some(body));
    let mut draft = draft.map_err(|faults| told(&faults))?;
    // An excerpt is made here as there.
    if draft.excerpt() != article.trail_text {
        draft.trail_text = Some(article.trail_text);
    }
    Ok(draft)
}

/// The HTML as it comes where the sanitiser leaves it as it is, but for how it writes a space that does not break.
fn safe_body(html: String) -> Result<Body, String> {
    let body = Body::new(html.clone(), BodyFormat::Html)?;
    let is_safe = body.html == html || body.html == html.replace('\u{a0}', "&nbsp;");
    Ok(match is_safe {
        true => Body { html, ..body },
        false => body,
    })
}

fn pins(pinning: &Pinning) -> Result<(Uuid, Vec<Uuid>), String> {
    let mut check = Check::default();
    check.at_most("/replica/pinned_by/pins", pinning.pins.len());
    check.finish().map_err(|faults| told(&faults))?;
    Ok((uuid(&pinning.id)?, uuids(&pinning.pins)?))
}

fn told(faults: &[Fault]) -> String {
    let faults: Vec<String> = faults
        .iter()
        .map(|fault| format!("{} {}", fault.pointer, fault.detail))
        .collect();
    faults.join("; ")
}

fn uuid(text: &str) -> Result<Uuid, String> {
    Uuid::try_parse(text).map_err(|_| format!("{text:?} is not an id"))
}

fn uuids(texts: &[String]) -> Result<Vec<Uuid>, String> {
    texts.iter().map(|text| uuid(text)).collect()
}

fn slug(name: &str, text: &str) -> Result<Slug, String> {
    Slug::parse(text).map_err(|what| format!("{name} {what}"))
}

fn slugs(texts: &[String]) -> Result<Vec<Slug>, String> {
    let parsed = texts.iter().map(|text| slug("a former slug", text));
    parsed.collect()
}

/// A tag that was only named so far is of version 0.
fn version(version: i64) -> Result<i64, String> {
    match (0..=LAST_VERSION).contains(&version) {
        true => Ok(version),
        false => Err(format!("there is no version {version}")),
    }
}

/// To the microsecond, which is what both databases keep, and without a leap second, which neither does.
fn moment(name: &str, at: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    let kept = DateTime::from_timestamp_micros(at.timestamp_micros());
    kept.filter(|at| (1..=9999).contains(&at.year()))
        .ok_or_else(|| format!("{name}: {at} is not in the years 1 to 9999"))
}
