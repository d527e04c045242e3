//! The bare insert loop: the rows that an import left, copied into an empty database of the same tables and indexes.

use std::time::{Duration, Instant};

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, params_from_iter};

use crate::Outcome;

/// Articles in one transaction.
const TRANSACTION: i64 = 1_000;
/// What an import writes for each article, with the column that names it.
const OF_ARTICLES: [(&str, &str); 4] = [
    ("articles", "num"),
    ("bodies", "article_num"),
    ("article_tags", "article_num"),
    ("changes", "num"),
];

/// Reading is not in the time that is printed; the commits are.
pub fn copy(from: &str, to: &str) -> Outcome {
    let source = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let target = Connection::open(to)?;
    target.pragma_update(None, "journal_mode", "WAL")?;
    target.pragma_update(None, "synchronous", "FULL")?;
    for statement in schema(&source)? {
        target.execute_batch(&statement)?;
    }
    let tags = rows(&source, "SELECT * FROM tags ORDER BY num")?;
    let mut took = insert(&target, &[("tags", tags)])?;
    let last: i64 = source.query_row("SELECT max(num) FROM articles", [], |row| row.get(0))?;
    for first in (1..=last).step_by(TRANSACTION as usize) {
        let mut part = Vec::new();
        for (table, key) in OF_ARTICLES {
            let end = first + TRANSACTION;
            let query = format!("SELECT * FROM {table} WHERE {key} >= {first} AND {key} < {end}");
            part.push((table, rows(&source, &query)?));
        }
        took += insert(&target, &part)?;
    }
    println!("{:.3}", took.as_secs_f64());
    Ok(())
}

fn schema(source: &Connection) -> rusqlite::Result<Vec<String>> {
    source
        .prepare(
            "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' \
             ORDER BY type = 'table' DESC",
        )?
        .query_map([], |row| row.get(0))?
        .collect()
}

fn rows(source: &Connection, query: &str) -> rusqlite::Result<Vec<Vec<Value>>> {
    let mut statement = source.prepare_cached(query)?;
    let columns = statement.column_count();
    statement
        .query_map([], |row| {
            (0..columns).map(|column| row.get(column)).collect()
        })?
        .collect()
}

/// One transaction.
fn insert(target: &Connection, part: &[(&str, Vec<Vec<Value>>)]) -> rusqlite::Result<Duration> {
    let started = Instant::now();
    let transaction = target.unchecked_transaction()?;
    for (table, rows) in part {
        let Some(first) = rows.first() else { continue };
        let holes = vec!["?"; first.len()].join(",");
        let mut statement =
            transaction.prepare_cached(&format!("INSERT INTO {table} VALUES ({holes})"))?;
        for row in rows {
            statement.execute(params_from_iter(row))?;
        }
    }
    transaction.commit()?;
    Ok(started.elapsed())
}
