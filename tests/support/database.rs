//! A database of its own for each test, on both kinds wherever that is possible.

use std::time::Duration;

use diesel::prelude::*;
use kiosque::config::DatabaseUrl;
use kiosque::db::schema::TABLES;
use kiosque::db::{Conn, Database};
use tempfile::TempDir;

use super::postgres;

/// Where a test's articles are, and where its server may keep files.
pub struct Place {
    pub name: &'static str,
    pub url: DatabaseUrl,
    pub folder: TempDir,
}

impl Place {
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a folder is made");
        let url = DatabaseUrl::Sqlite(folder.path().join("kiosque.db"));
        Self {
            name: "SQLite",
            url,
            folder,
        }
    }

    /// `None` where PostgreSQL is not installed, which is told.
    pub fn postgres() -> Option<Self> {
        let url = DatabaseUrl::Postgres(postgres::database()?);
        let folder = tempfile::tempdir().expect("a folder is made");
        Some(Self {
            name: "PostgreSQL",
            url,
            folder,
        })
    }

    /// The same database for another server, which keeps its files elsewhere.
    pub fn shared(&self) -> Self {
        Self {
            name: self.name,
            url: self.url.clone(),
            folder: tempfile::tempdir().expect("a folder is made"),
        }
    }

    pub fn open(&self) -> Database {
        Database::open(&self.url, 4, Duration::from_secs(10)).expect("the database opens")
    }
}

/// Every row of every table as text, so that a test can tell that nothing has changed. When and how often a key was used
/// is no state.
pub fn dump(database: &Database) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = diesel::sql_types::Text)]
        line: String,
    }
    let lines = database.read(|conn| {
        let mut all = Vec::new();
        // When cards are made is not told, and how often keys were used.
        let passing = ["cards", "key_usage"];
        for (table, columns) in TABLES.iter().filter(|(table, _)| !passing.contains(table)) {
            let columns = columns.iter().filter(|column| **column != "last_used_at");
            let columns: Vec<String> = match conn {
                Conn::Sqlite(_) => columns.map(|column| format!("quote({column})")).collect(),
                Conn::Postgres(_) => columns
                    .map(|column| format!("coalesce({column}::text, '')"))
                    .collect(),
            };
            let query = format!(
                "SELECT '{table} ' || {} AS line FROM {table} ORDER BY 1",
                columns.join(" || '|' || ")
            );
            let rows: Vec<Line> = diesel::sql_query(query).load(conn)?;
            all.extend(rows.into_iter().map(|row| row.line));
        }
        Ok(all)
    });
    lines.expect("every table is read")
}

/// One of each kind.
pub fn places() -> Vec<Place> {
    std::iter::once(Place::sqlite())
        .chain(Place::postgres())
        .collect()
}
