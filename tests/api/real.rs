//! Real articles: everything comes in, once, and is reachable.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::support::requirements::real_articles;
use crate::support::{App, at};

/// Lines taken of the two large sets, which are spread over the whole file.
const SAMPLE: usize = 300;
const LARGE: [&str; 2] = ["servicepublic-fr", "digitalgov-en"];

// Several tests and not one, so that they can run side by side.

#[test]
fn the_articles_of_small_sites_come_in_once_and_are_reachable() {
    come_in_once_and_are_reachable(|name| !LARGE.contains(&name) && name != "rustblog-en");
}

#[test]
fn the_articles_of_a_project_come_in_once_and_are_reachable() {
    come_in_once_and_are_reachable(|name| name == "rustblog-en");
}

#[test]
fn the_articles_of_large_sites_come_in_once_and_are_reachable() {
    come_in_once_and_are_reachable(|name| LARGE.contains(&name));
}

fn come_in_once_and_are_reachable(wanted: impl Fn(&str) -> bool) {
    let Some(folder) = real_articles() else {
        return;
    };
    let files: Vec<PathBuf> = files(&folder)
        .into_iter()
        .filter(|file| wanted(&name_of(file)))
        .collect();
    assert!(!files.is_empty());
    for file in files {
        check(&name_of(&file), &fs::read_to_string(&file).unwrap());
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "ndjson")
        })
        .collect();
    files.sort();
    files
}

fn name_of(file: &Path) -> String {
    file.file_stem().unwrap().to_string_lossy().into_owned()
}

fn check(name: &str, text: &str) {
    let all: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let step = match LARGE.contains(&name) {
        true => all.len().div_ceil(SAMPLE),
        false => 1,
    };
    let lines: Vec<&str> = all.into_iter().step_by(step).collect();
    let file = lines.join("\n");
    let count = lines.len();

    let app = App::new();
    // Some are younger than the hour at which tests begin.
    app.clock.set(at("2040-01-01T00:00:00Z"));
    let (first, complaints) = app.import_text(&file);
    assert_eq!(
        (first.created as usize, complaints),
        (count, vec![]),
        "{name}"
    );
    let again = app.import_text(&file).0;
    assert_eq!(again.unchanged as usize, count, "{name}: {again:?}");

    let walked = app.walk("/v1/articles?limit=100&fields=slug");
    let once: BTreeSet<&str> = walked.iter().map(String::as_str).collect();
    assert_eq!((walked.len(), once.len()), (count, count), "{name}");
    for line in lines {
        let line: Value = serde_json::from_str(line).unwrap();
        let slug = line["slug"].as_str().unwrap();
        assert!(once.contains(slug), "{name} {slug}");
        let path = utf8_percent_encode(slug, NON_ALPHANUMERIC);
        let seen = app.json(&format!(
            "/v1/articles/{path}?fields=slug,headline,trail_text"
        ));
        assert_eq!(seen["slug"], slug, "{name}");
        assert!(
            !seen["headline"].as_str().unwrap().is_empty(),
            "{name} {slug}"
        );
        if line["trail_text"].is_null() {
            let teaser = seen["trail_text"].as_str().unwrap();
            assert!(teaser.chars().count() <= 160, "{name} {slug}");
        }
    }
}
