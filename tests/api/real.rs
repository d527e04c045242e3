//! Real articles: everything comes in, once, and is reachable.

use std::collections::BTreeSet;

use crate::support::App;
use crate::support::requirements::real_articles;

/// Lines taken of each file; all of the smaller ones.
const LINES: usize = 400;

#[test]
fn every_real_article_comes_in_once_and_is_reachable() {
    let Some(folder) = real_articles() else {
        return;
    };
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "ndjson")
        })
        .collect();
    files.sort();
    assert!(files.len() >= 5);
    for file in files {
        let name = file.display().to_string();
        let text = std::fs::read_to_string(&file).unwrap();
        let lines: String = text
            .lines()
            .take(LINES)
            .map(|line| format!("{line}\n"))
            .collect();
        let count = lines.lines().count();
        let app = App::new();
        let (first, complaints) = app.import_text(&lines);
        assert_eq!(
            (first.created as usize, complaints),
            (count, vec![]),
            "{name}"
        );
        assert_eq!(
            app.import_text(&lines).0.unchanged as usize,
            count,
            "{name}"
        );
        let slugs = app.walk("/v1/articles?limit=100&fields=slug");
        let once: BTreeSet<&String> = slugs.iter().collect();
        assert_eq!((slugs.len(), once.len()), (count, count), "{name}");
        for line in lines.lines() {
            let article: serde_json::Value = serde_json::from_str(line).unwrap();
            let slug = article["slug"].as_str().unwrap();
            let path: String = slug.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let seen = app.get(&format!("/v1/articles/{path}?fields=slug"));
            assert_eq!(
                (seen.status, seen.json()["slug"].as_str()),
                (200, Some(slug)),
                "{name}"
            );
        }
    }
}
