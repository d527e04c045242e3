//! Editing an article: which one is meant, who may, and what it is afterwards.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::api::article_views;
use crate::api::articles::{Located, locate_for};
use crate::api::body;
use crate::api::conditional::Answer;
use crate::api::inputs::Shape;
use crate::api::precondition::StateTag;
use crate::api::writing::Act;
use crate::content::article::Draft;
use crate::content::body::Body;
use crate::content::input::ArticleInput;
use crate::content::role::Role;
use crate::content::visibility::Status;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::store::articles;
use crate::store::articles::ArticleRow;
use crate::store::audit::Target;
use crate::store::save::{Outcome, Saved};
use crate::store::state::Whole;

/// The article of this name, which the caller may write, in the state that the caller has read.
///
/// # Errors
/// 404 and 410 as for reading, 403, 412 and 428.
pub fn open(act: &Act, conn: &mut Conn, name: &str) -> Result<ArticleRow> {
    let row = find(act, conn, name)?;
    may_write(act, &row)?;
    act.precondition.holds_for(&tag_of(&row))?;
    Ok(row)
}

/// The article of this name, if the caller may know of it. A former slug does as well as the present one: a write is
/// guarded by its version, and a redirected one would be lost.
///
/// # Errors
/// 404 and 410 as for reading.
pub fn find(act: &Act, conn: &mut Conn, name: &str) -> Result<ArticleRow> {
    match locate_for(conn, name, &act.caller.sight(), act.now)? {
        Located::Here(row) => Ok(*row),
        Located::Moved(slug) => articles::find(conn, &slug)?
            .ok_or_else(|| Error::Internal(format!("the alias {name:?} leads nowhere"))),
    }
}

/// Editors write everything, authors their own drafts.
///
/// # Errors
/// [`Error::Forbidden`] otherwise.
pub fn may_write(act: &Act, row: &ArticleRow) -> Result<()> {
    if act.caller.role >= Role::Editor {
        return Ok(());
    }
    let own = row.created_by.as_deref() == Some(&act.caller.name);
    // A draft is always hidden.
    let draft = row.visibility().status == Status::Draft;
    match own && draft {
        true => Ok(()),
        false => Err(Error::Forbidden(
            "an author writes drafts of their own; this needs the role editor".to_owned(),
        )),
    }
}

/// # Errors
/// 422 where it would come out after it has expired.
pub fn may_come_out(draft: &Draft, now: DateTime<Utc>) -> Result<()> {
    let visibility = draft.visibility(draft.published_at.or(Some(now)));
    let comes_out = matches!(draft.status, Status::Scheduled | Status::Published);
    match comes_out && visibility.window().is_none() {
        true => Err(Error::member(
            "/expires_at",
            "is not after the moment of publication",
        )),
        false => Ok(()),
    }
}

/// # Errors
/// [`Error::Forbidden`] where the draft would be more than one, and the caller only writes drafts.
pub fn may_become(act: &Act, draft: &Draft) -> Result<()> {
    match draft.status == Status::Draft || act.caller.role >= Role::Editor {
        true => Ok(()),
        false => Err(Error::Forbidden(format!(
            "the status {} needs the role editor; yours is {}",
            draft.status.as_str(),
            act.caller.role
        ))),
    }
}

/// The article as it stands, in the import format, to be changed and saved again. `updated_at` is left out, for that
/// is when it is saved.
///
/// # Errors
/// When the database fails.
pub fn present(conn: &mut Conn, whole: &Whole) -> Result<Value> {
    let mut line = whole.to_line(conn)?;
    if let Some(members) = line.as_object_mut() {
        members.shift_remove("updated_at");
    }
    Ok(line)
}

/// An article that was put together from JSON, checked.
///
/// # Errors
/// 422 pointing at every fault.
pub fn checked(line: Value, default: Status) -> Result<Draft> {
    let input: ArticleInput = body::read_value(line)?;
    input.check(default).map_err(Error::InvalidBody)
}

/// The same for an article there is, changed: what is derived from its body is taken over where that is as it was, and
/// what is absent is empty.
///
/// # Errors
/// As [`checked`].
pub fn checked_again(whole: &Whole, line: Value) -> Result<Draft> {
    let input: ArticleInput = body::read_value(line)?;
    let known = Body::from(whole.body.clone());
    let draft = input.check_again(Status::Draft, Some(known));
    Ok(Draft {
        is_whole: true,
        ..draft.map_err(Error::InvalidBody)?
    })
}

/// Notes the save, if it changed anything, and shows the article as it is now.
///
/// # Errors
/// When the database fails.
pub fn finish(act: &Act, conn: &mut Conn, action: &'static str, saved: &Saved) -> Result<Answer> {
    if saved.outcome != Outcome::Unchanged {
        note(act, conn, action, &saved.row)?;
    }
    shown(act, conn, &saved.row)
}

/// Notes what was done to an article.
///
/// # Errors
/// When the database fails.
pub fn note(act: &Act, conn: &mut Conn, action: &'static str, row: &ArticleRow) -> Result<()> {
    let target = Target {
        kind: "article",
        id: &row.id,
        name: &row.slug,
    };
    let detail = serde_json::json!({ "version": row.version });
    act.note(conn, action, target, Some(detail))
}

/// The article as a reader of one article would see it, and as its editors do.
///
/// # Errors
/// When the database fails.
pub fn shown(act: &Act, conn: &mut Conn, row: &ArticleRow) -> Result<Answer> {
    let shape = Shape::whole(act.caller.sight());
    let rows = std::slice::from_ref(row);
    let views = article_views::articles(conn, act.state, rows, &shape, act.now)?;
    let Some(view) = views.first() else {
        return Err(Error::Internal("an article lost its view".to_owned()));
    };
    Ok(Answer::json(view)?
        .stands_for(tag_of(row))
        .last_modified(Some(view.updated_at)))
}

pub fn tag_of(row: &ArticleRow) -> StateTag {
    StateTag::of(&row.id, row.version)
}
