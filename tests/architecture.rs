//! The direction of imports, and who may name what.

use std::fs;
use std::path::{Path, PathBuf};

/// A room may import itself, the rooms named with it, and the leaves.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("main", &["cli"]),
    (
        "cli",
        &[
            "api",
            "transfer",
            "mirror",
            "follower",
            "cache",
            "delivery",
            "scheduler",
            "identity",
            "related",
            "search",
            "syndication",
            "store",
            "db",
            "content",
        ],
    ),
    (
        "api",
        &[
            "follower",
            "cache",
            "delivery",
            "identity",
            "related",
            "search",
            "syndication",
            "transfer",
            "store",
            "db",
            "content",
        ],
    ),
    ("identity", &["content"]),
    (
        "follower",
        &["cache", "related", "search", "store", "db", "content"],
    ),
    ("cache", &["content"]),
    (
        "delivery",
        &["follower", "syndication", "store", "db", "content"],
    ),
    ("scheduler", &["store", "db", "content"]),
    ("transfer", &["store", "db", "content"]),
    ("mirror", &["store", "db", "content"]),
    ("store", &["db", "content"]),
    ("related", &["content"]),
    ("search", &["content"]),
    ("syndication", &["content"]),
    ("db", &[]),
    ("content", &[]),
    ("config", &[]),
    ("error", &["content"]),
];
const LEAVES: [&str; 2] = ["config", "error"];

#[test]
fn imports_point_one_way() {
    for (room, file, text) in sources() {
        let allowed = MAY_IMPORT.iter().find(|(name, _)| *name == room);
        let (_, allowed) = allowed.unwrap_or_else(|| panic!("{room} has no place in the picture"));
        for imported in imports(&room, &text) {
            let fine = imported == room
                || allowed.contains(&imported.as_str())
                || LEAVES.contains(&imported.as_str());
            assert!(fine, "{} imports {imported}", file.display());
        }
    }
}

#[test]
fn rules_of_the_house() {
    for (room, file, text) in sources() {
        let only = |needle: &str, rooms: &[&str]| {
            assert!(
                !text.contains(needle) || rooms.contains(&room.as_str()),
                "{} names {needle}",
                file.display()
            );
        };
        only("actix_web::HttpRe", &["api"]);
        only("actix_web::{", &["api"]);
        only("std::env::var", &["config"]);
        only("diesel::", &["db", "store", "error"]);
        assert!(
            text.starts_with("//! "),
            "{} has no opening sentence",
            file.display()
        );
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for word in [".unwrap()", ".expect(", "todo!", "unimplemented!"] {
            assert!(!code.contains(word), "{} has {word}", file.display());
        }
    }
}

/// Files that are compiled for tests only, by name, and the name of folders of such files.
const FOR_TESTS: [&str; 2] = ["tests.rs", "fixture.rs"];
const TESTS: &str = "tests";

/// Every source file with the room it is in.
fn sources() -> Vec<(String, PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if !path.ends_with(TESTS) {
                    folders.push(path);
                }
                continue;
            }
            let first = path
                .strip_prefix(&root)
                .unwrap()
                .components()
                .next()
                .unwrap();
            let room = first
                .as_os_str()
                .to_str()
                .unwrap()
                .trim_end_matches(".rs")
                .to_owned();
            let for_tests = FOR_TESTS.iter().any(|name| path.ends_with(name));
            if room != "lib" && !for_tests {
                let text = fs::read_to_string(&path).unwrap();
                found.push((room, path, text));
            }
        }
    }
    assert!(found.len() > 30);
    found
}

/// The rooms that a file's `crate::…` paths lead into; `main` names the library by its name.
fn imports(room: &str, text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let code: Vec<&str> = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    let code = code.join("\n");
    let mut rooms = Vec::new();
    let prefix = if room == "main" {
        "kiosque::"
    } else {
        "crate::"
    };
    for (at, _) in code.match_indices(prefix) {
        let rest = &code[at + prefix.len()..];
        let room: String = rest
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        if !room.is_empty() {
            rooms.push(room);
        }
    }
    rooms
}
