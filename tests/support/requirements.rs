//! What a test needs beyond the project itself, and what happens where it is missing.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// Names what could not run, once, past the test harness's capture; fails where
/// `KIOSQUE_TEST_REQUIRE` lists it.
pub fn missing(what: &str, why: &str) {
    static TOLD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let required = std::env::var("KIOSQUE_TEST_REQUIRE").unwrap_or_default();
    assert!(
        required.split(',').all(|name| name.trim() != what),
        "{what} is required and missing: {why}"
    );
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    if told.insert(what.to_owned()) {
        let _ = writeln!(std::io::stderr(), "NOT RUN: what needs {what}: {why}");
    }
}

/// The folder of real articles that some tests read; they are no part of the project.
pub fn real_articles() -> Option<PathBuf> {
    let folder = std::env::var_os("KIOSQUE_TEST_DATA").map(PathBuf::from);
    let folder =
        folder.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data"));
    if folder.join("servicepublic-fr.ndjson").is_file() {
        return Some(folder);
    }
    missing(
        "data",
        "no folder of articles; KIOSQUE_TEST_DATA may name one",
    );
    None
}
