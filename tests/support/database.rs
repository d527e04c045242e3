//! A database of its own for each test, on both kinds wherever that is possible.

use std::time::Duration;

use kiosque::config::DatabaseUrl;
use kiosque::db::Database;
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

    pub fn open(&self) -> Database {
        Database::open(&self.url, 4, Duration::from_secs(10)).expect("the database opens")
    }
}

/// One of each kind.
pub fn places() -> Vec<Place> {
    std::iter::once(Place::sqlite())
        .chain(Place::postgres())
        .collect()
}
