//! A page of the feed, written into the store.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use crate::content::article::Draft;
use crate::content::body::{Body, BodyFormat};
use crate::content::input::ArticleInput;
use crate::content::slug::Slug;
use crate::content::tag::TagKind;
use crate::content::visibility::Status;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::mirror::feed::{Article, Line, Now, Replica, Tag};
use crate::store::mirrors;
use crate::store::replica::{Precedence, ReplicaArticle, ReplicaGone, Replicas};
use crate::store::replica_groups::ReplicaGroup;
use crate::store::replica_tags::{ReplicaAlias, ReplicaMerger, ReplicaTag};

/// A page that was checked, ready to be written.
pub struct Checked {
    tags: Vec<(ReplicaTag, Vec<String>)>,
    mergers: Vec<(ReplicaMerger, ReplicaTag)>,
    lost_tags: Vec<LostTag>,
    articles: Vec<Known>,
    /// Articles that pin one that came, with their pins.
    pinning: HashMap<String, Vec<String>>,
}

/// A tag that the public knows no more.
struct LostTag {
    id: Uuid,
    slug: Slug,
    version: i64,
    /// Its row is gone, too; otherwise it may come back with an article.
    ended: bool,
}

enum Known {
    Public(Box<ReplicaArticle>),
    Gone(ReplicaGone, Vec<String>),
    Unknown(String),
}

/// Looks at everything in a page; the dear part of the work, done outside of the transaction.
///
/// # Errors
/// [`Error::Internal`] naming the line that no Kiosque would send.
pub fn check(lines: Vec<Line>) -> Result<Checked> {
    let mut checked = Checked {
        tags: Vec::new(),
        mergers: Vec::new(),
        lost_tags: Vec::new(),
        articles: Vec::new(),
        pinning: HashMap::new(),
    };
    // Each tag once, though many articles bear it: the page is one snapshot.
    let mut known: HashMap<String, usize> = HashMap::new();
    for line in lines {
        let seq = line.seq;
        let done = match line.kind.as_str() {
            "article" => take_article(&mut checked, &mut known, line),
            "tag" => take_tag(&mut checked, &mut known, line),
            // Of a later version.
            _ => Ok(()),
        };
        done.map_err(|what| Error::Internal(format!("line {seq} of the feed: {what}")))?;
    }
    Ok(checked)
}

fn take_article(
    checked: &mut Checked,
    known: &mut HashMap<String, usize>,
    line: Line,
) -> Result<(), String> {
    let replica = line.replica;
    let article = match (line.now, line.article) {
        (None, _) => return Ok(()),
        (Some(Now::Unknown), _) => Known::Unknown(uuid(&line.id)?.to_string()),
        (Some(Now::Gone), _) => Known::Gone(
            ReplicaGone {
                id: uuid(&line.id)?,
                slug: Slug::parse(&line.slug)?,
                version: line.version,
                at: line.at,
                deleted: line.action == "deleted",
            },
            replica
                .map(|replica| replica.former_slugs)
                .unwrap_or_default(),
        ),
        (Some(Now::Public), Some(article)) => {
            let replica = replica.ok_or("an article comes without `replica`")?;
            for tag in &replica.tags {
                add_tag(checked, known, tag, false)?;
            }
            for pinning in &replica.pinned_by {
                let pins = pinning.pins.clone();
                checked.pinning.insert(pinning.id.clone(), pins);
            }
            let article = replicated(&line.id, article, replica)?;
            Known::Public(Box::new(article))
        }
        (Some(Now::Public), None) => return Err("a public article is missing".to_owned()),
    };
    checked.articles.push(article);
    Ok(())
}

fn take_tag(
    checked: &mut Checked,
    known: &mut HashMap<String, usize>,
    line: Line,
) -> Result<(), String> {
    let Some(tag) = line.tag else { return Ok(()) };
    let (id, slug) = (uuid(&line.id)?, Slug::parse(&line.slug)?);
    match (line.action.as_str(), tag) {
        ("merged", Some(into)) => {
            add_tag(checked, known, &into, true)?;
            let merger = ReplicaMerger {
                id,
                slug,
                version: line.version,
                into: Slug::parse(&into.slug)?,
                at: line.at,
            };
            checked.mergers.push((merger, replicated_tag(&into)?));
        }
        (_, Some(tag)) => add_tag(checked, known, &tag, true)?,
        (action, None) => checked.lost_tags.push(LostTag {
            id,
            slug,
            version: line.version,
            ended: matches!(action, "merged" | "deleted"),
        }),
    }
    Ok(())
}

/// `is_whole`: with all the tags that are below it.
fn add_tag(
    checked: &mut Checked,
    known: &mut HashMap<String, usize>,
    tag: &Tag,
    is_whole: bool,
) -> Result<(), String> {
    match known.get(&tag.id) {
        Some(at) if is_whole => checked.tags[*at].1.clone_from(&tag.children),
        Some(_) => {}
        None => {
            known.insert(tag.id.clone(), checked.tags.len());
            let children = tag.children.clone();
            checked.tags.push((replicated_tag(tag)?, children));
        }
    }
    Ok(())
}

fn replicated_tag(tag: &Tag) -> Result<ReplicaTag, String> {
    let kind = TagKind::parse(&tag.kind);
    let alias = |slug: &String| ReplicaAlias {
        slug: slug.clone(),
        public: true,
    };
    Ok(ReplicaTag {
        id: uuid(&tag.id)?,
        slug: Slug::parse(&tag.slug)?,
        name: tag.name.clone(),
        kind: kind.ok_or_else(|| format!("there is no kind of tag {:?}", tag.kind))?,
        description: tag.description.clone(),
        parent: tag.parent.as_deref().map(Slug::parse).transpose()?,
        listed: tag.listed,
        aliases: Some(tag.aliases.iter().map(alias).collect()),
        version: tag.version,
        dates: Some((tag.updated_at, tag.updated_at)),
    })
}

fn replicated(id: &str, article: Article, replica: Replica) -> Result<ReplicaArticle, String> {
    let former = replica.former_slugs.iter().map(|slug| Slug::parse(slug));
    Ok(ReplicaArticle {
        id: uuid(id)?,
        slug: Slug::parse(&article.slug)?,
        version: article.version,
        updated_at: article.updated_at,
        group: ReplicaGroup::Named(replica.translation_group.clone()),
        former_slugs: Some(former.collect::<Result<_, _>>()?),
        hidden_slugs: Vec::new(),
        told_slug: None,
        content: content(article, replica)?,
        inside: None,
        deleted_at: None,
    })
}

/// By the same checks as any other article, sanitising included.
fn content(article: Article, replica: Replica) -> Result<Draft, String> {
    let tags: Vec<_> = replica
        .tags
        .iter()
        .map(|tag| json!({"slug": tag.slug, "name": tag.name, "kind": tag.kind}))
        .collect();
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
        "published_at": article.published_at,
        "first_published_at": article.first_published_at,
        "pins": replica.pins,
        "related": replica.related,
    });
    let input: ArticleInput = serde_json::from_value(input).map_err(|error| error.to_string())?;
    let draft = input.check_again(Status::Published, Some(body));
    let mut draft = draft.map_err(|faults| {
        let faults: Vec<String> = faults
            .iter()
            .map(|fault| format!("{} {}", fault.pointer, fault.detail))
            .collect();
        faults.join("; ")
    })?;
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

fn uuid(text: &str) -> Result<Uuid, String> {
    Uuid::try_parse(text).map_err(|_| format!("{text:?} is not an id"))
}

/// Writes a page. First the tags as they are now, then what they took in and what is gone of them, then the articles,
/// which name them.
///
/// # Errors
/// When the database fails, or what is stored is not what was mirrored.
pub fn write(conn: &mut Conn, checked: &Checked, now: DateTime<Utc>) -> Result<()> {
    let mut replicas = Replicas::new(Precedence::Other, now);
    write_tags(conn, &mut replicas, checked, now)?;
    let mut incomplete = Vec::new();
    for article in &checked.articles {
        match article {
            Known::Public(article) => {
                let saved = replicas.article(conn, article)?;
                if !saved.missing.is_empty() {
                    incomplete.push(article);
                }
            }
            Known::Gone(gone, former_slugs) => {
                replicas.gone(conn, gone)?;
                mirrors::know_by(conn, &gone.id.to_string(), former_slugs)?;
            }
            Known::Unknown(id) => mirrors::hide(conn, id, now)?,
        }
    }
    // What they pin may have come further down.
    for article in incomplete {
        replicas.article(conn, article)?;
    }
    for (id, pins) in &checked.pinning {
        mirrors::pin(conn, id, pins, now)?;
    }
    Ok(())
}

fn write_tags(
    conn: &mut Conn,
    replicas: &mut Replicas,
    checked: &Checked,
    now: DateTime<Utc>,
) -> Result<()> {
    let mut orphans = Vec::new();
    for (tag, _) in &checked.tags {
        if replicas.tag(conn, tag)?.missing_parent {
            orphans.push(tag);
        }
    }
    for (merger, into) in &checked.mergers {
        replicas.merger(conn, merger)?;
        // Its names are those that it has there, not what the other was called here.
        replicas.tag(conn, into)?;
    }
    for lost in &checked.lost_tags {
        if lost.ended {
            replicas.tag_gone(conn, lost.id, &lost.slug, lost.version)?;
        } else {
            mirrors::unlist(conn, &lost.id.to_string(), now)?;
        }
    }
    for tag in orphans {
        replicas.tag(conn, tag)?;
    }
    for (tag, children) in &checked.tags {
        mirrors::nest(conn, &tag.id.to_string(), children, now)?;
    }
    Ok(())
}
