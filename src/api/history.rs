//! What an article was at each of its versions, and who may look at that.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::Value;

use crate::api::articles::{Located, locate_for};
use crate::api::auth::Identity;
use crate::content::role::Role;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::store::articles::{self, ArticleRow};
use crate::store::{aliases, revisions, state};

/// A saved version of an article.
pub struct Version {
    pub number: i64,
    pub saved_at: NaiveDateTime,
    pub saved_by: Option<String>,
    /// The article in the import format.
    pub state: Value,
}

/// The article of this name, to one who may look behind it: its author, or an editor, who finds it deleted too.
///
/// # Errors
/// 404 and 410 as for reading, 403 for what others wrote.
pub fn open(
    conn: &mut Conn,
    name: &str,
    caller: &Identity,
    now: DateTime<Utc>,
) -> Result<ArticleRow> {
    if caller.role >= Role::Editor {
        return kept(conn, name);
    }
    let row = match locate_for(conn, name, &caller.sight(), now)? {
        Located::Here(row) => *row,
        Located::Moved(slug) => kept(conn, &slug)?,
    };
    match row.created_by.as_deref() == Some(&caller.name) {
        true => Ok(row),
        false => Err(Error::Forbidden(
            "this is for the author of the article; for others it needs the role editor".to_owned(),
        )),
    }
}

/// An article by its slug, its id or a former slug, whether or not it was deleted.
///
/// # Errors
/// 404 where there never was one.
pub fn kept(conn: &mut Conn, name: &str) -> Result<ArticleRow> {
    let missing = || Error::NotFound(format!("there is no article {name:?}"));
    if name.contains('\0') {
        return Err(missing());
    }
    match articles::find(conn, name)? {
        Some(row) => Ok(row),
        None => aliases::find(conn, name)?.ok_or_else(missing),
    }
}

/// # Errors
/// 410 for a tombstone.
pub fn living(row: &ArticleRow) -> Result<()> {
    match row.deleted_at {
        None => Ok(()),
        Some(_) => Err(Error::Gone(format!(
            "the article {:?} was deleted",
            row.slug
        ))),
    }
}

/// One of the article's versions, the present one included.
///
/// # Errors
/// 404 where it never had it.
pub fn version(conn: &mut Conn, row: &ArticleRow, number: i64) -> Result<Version> {
    if number == row.version {
        let whole = state::whole(conn, row)?;
        return Ok(Version {
            number,
            saved_at: whole.saved_at(),
            saved_by: row.saved_by.clone(),
            state: whole.to_line(conn)?,
        });
    }
    let missing = || Error::NotFound(format!("the article has no version {number}"));
    let past = revisions::find(conn, row.num, number)?.ok_or_else(missing)?;
    Ok(Version {
        number,
        saved_at: past.saved_at,
        saved_by: past.saved_by,
        state: serde_json::from_str(&past.state).map_err(|error| {
            Error::Internal(format!(
                "version {number} of article {} is broken: {error}",
                row.id
            ))
        })?,
    })
}

/// A version as it is written in a path.
///
/// # Errors
/// 404 for what is no number.
pub fn number(text: &str) -> Result<i64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit());
    let number = text.parse().ok().filter(|number| plain && *number > 0);
    number.ok_or_else(|| Error::NotFound(format!("{text:?} is no version")))
}
