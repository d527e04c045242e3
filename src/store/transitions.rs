//! What the passing of time does to articles: the moments at which they appear and disappear, and their lines in the
//! log.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::content::time::to_stored;
use crate::db::Conn;
use crate::db::schema::articles;
use crate::error::Result;
use crate::store::articles::ArticleRow;
use crate::store::changes::{self, Action, Change, ChangeKind, Moves};

/// Articles whose moment has come and of which the log does not know it, oldest moment first.
pub fn due(conn: &mut Conn, now: DateTime<Utc>, limit: i64) -> Result<Vec<ArticleRow>> {
    Ok(articles::table
        .filter(articles::next_change_at.le(to_stored(now)))
        .order((articles::next_change_at, articles::num))
        .limit(limit)
        .load(conn)?)
}

/// Whether there are such articles; cheap, to be asked often.
pub fn any_due(conn: &mut Conn, now: DateTime<Utc>) -> Result<bool> {
    let first: Option<i64> = articles::table
        .filter(articles::next_change_at.le(to_stored(now)))
        .select(articles::num)
        .first(conn)
        .optional()?;
    Ok(first.is_some())
}

/// Logs what time has done to the article up to `now`, a line for each moment, and notes its next moment. The row
/// must have been read in this transaction.
pub fn settle(conn: &mut Conn, row: &mut ArticleRow, now: DateTime<Utc>) -> Result<()> {
    let mut moved = false;
    while let Some(moment) = row.next_change_at.map(|moment| moment.and_utc())
        && moment <= now
    {
        let action = match row.visibility().is_public(moment) {
            true => Action::Published,
            false => Action::Withdrawn,
        };
        log(conn, row, action, now)?;
        row.next_change_at = row.visibility().next_change(moment).map(to_stored);
        moved = true;
    }
    if moved {
        diesel::update(articles::table.filter(articles::num.eq(row.num)))
            .set(articles::next_change_at.eq(row.next_change_at))
            .execute(conn)?;
    }
    Ok(())
}

/// Appends the line of an article to the log that stays where it is.
pub fn log(conn: &mut Conn, row: &ArticleRow, action: Action, now: DateTime<Utc>) -> Result<()> {
    log_moved(conn, row, action, Moves::default(), now)
}

/// Appends an article's line to the log, with that in which it has moved.
pub fn log_moved(
    conn: &mut Conn,
    row: &ArticleRow,
    action: Action,
    moves: Moves,
    now: DateTime<Utc>,
) -> Result<()> {
    let known = match action {
        // It may have got a slug that the public never saw, and must not see now.
        Action::Withdrawn | Action::Deleted => changes::last_told_slug(conn, row.num)?,
        _ => None,
    };
    let slug = known.as_deref().unwrap_or(&row.slug);
    log_under(conn, row, slug, action, moves, now)
}

/// The same under the slug by which the public knows it.
pub fn log_under(
    conn: &mut Conn,
    row: &ArticleRow,
    slug: &str,
    action: Action,
    moves: Moves,
    now: DateTime<Utc>,
) -> Result<()> {
    let change = Change {
        kind: ChangeKind::Article,
        num: row.num,
        id: &row.id,
        slug,
        action,
        version: row.version,
        moves,
    };
    changes::append(conn, &change, now)
}
