//! Tags above and below each other: no circles, and no deeper than anyone can oversee.

use diesel::prelude::*;

use crate::db::Conn;
use crate::db::schema::tags;
use crate::error::Result;

/// Tags in a line from the topmost to the lowest.
pub const MAX_NESTING: usize = 16;
/// Tags that are asked for at a time: a statement takes only so many values.
const PART: usize = 1_000;

/// Whether a tag may stand where it is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nesting {
    Fits,
    /// It would be above itself.
    Circle,
    TooDeep,
}

/// Whether `child` and all below it may stand under `parent`; a tag that does not exist yet has no number.
pub fn under(conn: &mut Conn, child: Option<i64>, parent: i64) -> Result<Nesting> {
    let below = match child {
        Some(child) => height(conn, child)?,
        None => 1,
    };
    fits(conn, child, parent, below)
}

/// Whether all that is below `tag`, without itself, may stand under `parent`.
pub fn children_under(conn: &mut Conn, tag: i64, parent: i64) -> Result<Nesting> {
    let below = height(conn, tag)? - 1;
    fits(conn, Some(tag), parent, below)
}

fn fits(conn: &mut Conn, child: Option<i64>, parent: i64, below: usize) -> Result<Nesting> {
    let mut above = 0;
    let mut ancestor = Some(parent);
    while let Some(num) = ancestor {
        above += 1;
        if Some(num) == child {
            return Ok(Nesting::Circle);
        }
        if above > MAX_NESTING {
            break;
        }
        ancestor = tags::table
            .filter(tags::num.eq(num))
            .select(tags::parent_num)
            .first::<Option<i64>>(conn)
            .optional()?
            .flatten();
    }
    match above + below <= MAX_NESTING {
        true => Ok(Nesting::Fits),
        false => Ok(Nesting::TooDeep),
    }
}

/// Levels from this tag down, its own included.
fn height(conn: &mut Conn, num: i64) -> Result<usize> {
    let mut height = 0;
    let mut level = vec![num];
    while !level.is_empty() && height <= MAX_NESTING {
        height += 1;
        let mut next: Vec<i64> = Vec::new();
        for part in level.chunks(PART) {
            let children = tags::table
                .filter(tags::parent_num.eq_any(part))
                .select(tags::num);
            next.extend(children.load::<i64>(conn)?);
        }
        level = next;
    }
    Ok(height)
}
