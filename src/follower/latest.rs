//! The last few edits, read once for all who follow.

use std::sync::{Arc, Mutex, PoisonError};

use crate::db::{Conn, Database};
use crate::error::Result;
use crate::store::changes::{self, ChangeKind, ChangeRow};
use crate::store::shared_pins;
use crate::store::state::{self, Whole};

/// Lines that are read together. Where there are more, as in an import, who follows soon stands elsewhere than the others.
const FEW: usize = 16;
/// Bytes of text that are kept until the next edit.
const KEPT: usize = 1 << 20;

/// Followers are woken by the same edit, stand at the same line, and want the same articles.
#[derive(Default)]
pub(super) struct Latest(Mutex<Option<Arc<Edits>>>);

/// What comes after a line of the log.
pub(super) enum Next {
    Nothing,
    Edits(Arc<Edits>),
    /// Many lines, or such as are not only about articles there are.
    Other,
}

/// Lines about articles, and these articles, in one snapshot.
pub(super) struct Edits {
    after: i64,
    pub position: i64,
    pub lines: Vec<ChangeRow>,
    /// In order of number, with the pins that they take over.
    pub articles: Vec<Whole>,
}

impl Latest {
    /// # Errors
    /// When the database fails.
    pub fn after(&self, database: &Database, seq: i64) -> Result<Next> {
        // Kept locked while the database is asked, so that the others find the answer.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(edits) = known.as_ref().filter(|edits| edits.after == seq) {
            return Ok(Next::Edits(Arc::clone(edits)));
        }
        let next = database.read(|conn| next(conn, seq))?;
        if let Next::Edits(edits) = &next {
            *known = (edits.size() <= KEPT).then(|| Arc::clone(edits));
        }
        Ok(next)
    }
}

fn next(conn: &mut Conn, seq: i64) -> Result<Next> {
    let lines = changes::after(conn, seq, FEW as i64 + 1)?;
    let Some(last) = lines.last() else {
        return Ok(Next::Nothing);
    };
    let of_article = |line: &ChangeRow| line.kind == ChangeKind::Article.as_str();
    if lines.len() > FEW || !lines.iter().all(of_article) {
        return Ok(Next::Other);
    }
    let mut nums: Vec<i64> = lines.iter().map(|line| line.num).collect();
    nums.sort_unstable();
    nums.dedup();
    let mut articles = state::of(conn, &nums)?;
    let is_there = |article: &Whole| article.row.deleted_at.is_none();
    if articles.len() < nums.len() || !articles.iter().all(is_there) {
        return Ok(Next::Other);
    }
    shared_pins::add(conn, &mut articles)?;
    Ok(Next::Edits(Arc::new(Edits {
        after: seq,
        position: last.seq,
        lines,
        articles,
    })))
}

impl Edits {
    fn size(&self) -> usize {
        let bodies = self.articles.iter().map(|article| &article.body);
        bodies
            .map(|body| body.source.len() + body.html.len() + body.text.len())
            .sum()
    }
}
