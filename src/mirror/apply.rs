//! A page of the feed, written into the store.

use chrono::{DateTime, Utc};

use crate::db::Conn;
use crate::error::{Error, Result};
use crate::mirror::check::{Checked, Known, Told};
use crate::mirror::feed::of_line;
use crate::store::mirrors;
use crate::store::replica::{Precedence, Replicas};

/// Writes a page. First the tags as they are now, then what they took in and what is gone of them, then the articles,
/// which name them.
///
/// # Errors
/// When the database fails, or [`Error::Internal`] naming the line that contradicts what is stored.
pub fn write(conn: &mut Conn, checked: &Checked, now: DateTime<Utc>) -> Result<()> {
    let mut replicas = Replicas::new(Precedence::Other, now);
    write_tags(conn, &mut replicas, checked, now)?;
    let mut incomplete = Vec::new();
    for told in &checked.articles {
        let written = match &told.what {
            Known::Public(article) => replicas.article(conn, article).map(|saved| {
                if !saved.missing.is_empty() {
                    incomplete.push((told, article));
                }
            }),
            Known::Gone(gone, former_slugs) => replicas
                .gone(conn, gone)
                .and_then(|_| mirrors::know_by(conn, gone.id, former_slugs)),
            Known::Unknown(id) => mirrors::hide(conn, *id, now),
        };
        by(told, written)?;
    }
    // What they pin may have come further down.
    for (told, article) in incomplete {
        by(told, replicas.article(conn, article))?;
    }
    for (id, told) in &checked.pinning {
        by(told, mirrors::pin(conn, *id, &told.what, now))?;
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
    for told in &checked.tags {
        if by(told, replicas.tag(conn, &told.what.tag))?.missing_parent {
            orphans.push(told);
        }
    }
    for told in &checked.mergers {
        let (merger, into) = &told.what;
        by(told, replicas.merger(conn, merger))?;
        // Its names are those that it has there, not what the other was called here.
        by(told, replicas.tag(conn, into))?;
    }
    for told in &checked.lost_tags {
        let lost = &told.what;
        let written = match lost.ended {
            true => replicas
                .tag_gone(conn, lost.id, &lost.slug, lost.version)
                .map(drop),
            false => mirrors::unlist(conn, lost.id, now),
        };
        by(told, written)?;
    }
    for told in orphans {
        by(told, replicas.tag(conn, &told.what.tag))?;
    }
    for told in &checked.tags {
        let known = &told.what;
        by(told, replicas.nest(conn, known.tag.id, &known.children))?;
    }
    Ok(())
}

/// What contradicts what is stored, or a rule of the database, does so again when it is tried again: that is said with its
/// line.
fn by<Thing, T>(told: &Told<Thing>, written: Result<T>) -> Result<T> {
    written.map_err(|error| match error {
        Error::Conflict(_) => Error::Internal(of_line(told.seq, &error.detail())),
        error if error.is_refusal_to_store() => {
            Error::Internal(of_line(told.seq, &error.to_string()))
        }
        error => error,
    })
}
