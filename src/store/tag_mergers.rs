//! What tags that are gone are parts of by now, as the log tells.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use crate::db::Conn;
use crate::error::Result;
use crate::store::CHUNK;
use crate::store::tags;

#[derive(QueryableByName)]
struct Remaining {
    #[diesel(sql_type = BigInt)]
    num: i64,
}

/// For each of these tags the one that it is a part of now, or itself; none for one that was deleted in the end. Names do
/// not tell: they may have been given to others since.
///
/// # Errors
/// When the database fails.
pub fn remaining(conn: &mut Conn, nums: &[i64]) -> Result<HashMap<i64, i64>> {
    let wanted: HashSet<i64> = nums.iter().copied().collect();
    let mut steps: HashMap<i64, Option<i64>> = HashMap::new();
    let mut there: HashSet<i64> = HashSet::new();
    let mut next: Vec<i64> = wanted.iter().copied().collect();
    // All chains together, a step at a time.
    while !next.is_empty() {
        for nums in next.chunks(CHUNK) {
            there.extend(tags::by_nums(conn, nums)?.into_keys());
        }
        let mut found = Vec::new();
        for num in next {
            if there.contains(&num) || steps.contains_key(&num) {
                continue;
            }
            let into = merged_into(conn, num)?;
            steps.insert(num, into);
            found.extend(into);
        }
        next = found;
    }
    let last = |num: i64| {
        let mut at = num;
        // What a tag became part of ended later than it did, so no way leads back.
        while !there.contains(&at) {
            at = (*steps.get(&at)?)?;
        }
        Some(at)
    };
    Ok(wanted
        .into_iter()
        .filter_map(|num| Some((num, last(num)?)))
        .collect())
}

/// The tag that one that is gone became a part of. The lines with its number bear its id, and those of tags that it took
/// in. None of these comes again after it with another number, but the line of its own merger, which bears its id and
/// the number of the other.
fn merged_into(conn: &mut Conn, num: i64) -> Result<Option<i64>> {
    // The number is ours, and `kind` must stand there as in the index. A plus keeps SQLite from walking the log instead.
    let query = format!(
        "SELECT line.num FROM changes AS line
         WHERE line.kind = 'tag'
           AND line.id IN (SELECT own.id FROM changes AS own WHERE own.num = {num} AND own.kind = 'tag')
           AND +line.seq > (SELECT max(own.seq) FROM changes AS own WHERE own.num = {num} AND own.kind = 'tag')
         ORDER BY +line.seq LIMIT 1"
    );
    let found: Option<Remaining> = diesel::sql_query(query).get_result(conn).optional()?;
    Ok(found.map(|found| found.num))
}
