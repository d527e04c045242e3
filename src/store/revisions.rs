//! Past states of articles.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use crate::db::Conn;
use crate::db::dialect::each;
use crate::db::schema::revisions;
use crate::error::Result;
use crate::store::save::Outcome;
use crate::store::state::Whole;

/// A state that a later save replaced.
#[derive(Queryable, Clone, Debug, PartialEq)]
pub struct RevisionRow {
    pub article_num: i64,
    pub version: i64,
    pub saved_at: NaiveDateTime,
    pub saved_by: Option<String>,
    /// JSON, in the import format.
    pub state: String,
}

/// Keeps the state that is about to be replaced.
pub fn keep(conn: &mut Conn, whole: &Whole) -> Result<()> {
    let line = whole.to_line(conn)?;
    let row = (
        revisions::article_num.eq(whole.row.num),
        revisions::version.eq(whole.row.version),
        revisions::saved_at.eq(whole.saved_at()),
        revisions::saved_by.eq(&whole.row.saved_by),
        revisions::state.eq(line.to_string()),
    );
    each!(conn, conn => diesel::insert_into(revisions::table).values(row).execute(conn))?;
    Ok(())
}

/// Keeps a past state as another store has it.
///
/// # Errors
/// When the database fails.
pub fn replicate(conn: &mut Conn, row: &RevisionRow) -> Result<Outcome> {
    let before = find(conn, row.article_num, row.version)?;
    if before.as_ref() == Some(row) {
        return Ok(Outcome::Unchanged);
    }
    if before.is_some() {
        diesel::delete(revisions::table.find((row.article_num, row.version))).execute(conn)?;
    }
    diesel::insert_into(revisions::table)
        .values((
            revisions::article_num.eq(row.article_num),
            revisions::version.eq(row.version),
            revisions::saved_at.eq(row.saved_at),
            revisions::saved_by.eq(&row.saved_by),
            revisions::state.eq(&row.state),
        ))
        .execute(conn)?;
    Ok(match before {
        Some(_) => Outcome::Updated,
        None => Outcome::Created,
    })
}

pub fn find(conn: &mut Conn, article_num: i64, version: i64) -> Result<Option<RevisionRow>> {
    Ok(revisions::table
        .find((article_num, version))
        .first(conn)
        .optional()?)
}

/// The past versions of an article below `before`, newest first, at most `limit`, without their states.
pub fn list(
    conn: &mut Conn,
    article_num: i64,
    before: i64,
    limit: i64,
) -> Result<Vec<(i64, NaiveDateTime, Option<String>)>> {
    Ok(revisions::table
        .filter(revisions::article_num.eq(article_num))
        .filter(revisions::version.lt(before))
        .order(revisions::version.desc())
        .limit(limit)
        .select((revisions::version, revisions::saved_at, revisions::saved_by))
        .load(conn)?)
}
