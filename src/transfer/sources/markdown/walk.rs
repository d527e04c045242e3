//! Which files of a folder are articles.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::transfer::sources::markdown::cascade;
use crate::transfer::sources::markdown::site::{Kind, Site, Text};

/// Files that one folder may have.
const MAX_FILES: usize = 2_000_000;
/// Folders of programs, not of texts, where they are a site's own.
const FOREIGN: [&str; 5] = ["themes", "public", "vendor", "resources", "archetypes"];

impl Site {
    /// The texts in the order of their paths, and the names of those passed over.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn texts(&mut self, passed: &mut dyn FnMut(&str, &str)) -> io::Result<Vec<Text>> {
        let mut found = Vec::new();
        let mut bundles = HashSet::new();
        let mut folders = self.content.folders();
        for name in &self.content.outside {
            passed("folders of texts outside of the site (contentDir)", name);
        }
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder)? {
                let entry = entry?;
                let path = entry.path();
                let name = entry.file_name().to_string_lossy().into_owned();
                let kind = entry.file_type()?;
                if kind.is_symlink() {
                    passed("symbolic links", &self.relative(&path));
                } else if kind.is_dir() {
                    if self.is_foreign(&folder, &name) {
                        passed("folders of programs", &self.relative(&path));
                    } else if !name.starts_with('.') {
                        folders.push(path);
                    }
                } else if !kind.is_file() {
                    // To read a pipe or a device might never end.
                    passed("pipes, sockets and devices", &self.relative(&path));
                } else if is_markdown(&name) || is_html(&name) && self.kind != Kind::Plain {
                    let relative = self.relative(&path);
                    match self.is_article(&relative, &name) {
                        Ok(()) => found.push(self.text(&path, entry.metadata()?.len())),
                        Err(reason) => passed(reason, &relative),
                    }
                    if self.in_bundles
                        && name.starts_with("index.")
                        && !self.content.is_top(&folder)
                    {
                        bundles.insert(folder.clone());
                    }
                    if name.starts_with("_index.") {
                        let language = self.text(&path, 0).language;
                        self.inherited
                            .add(&folder, language, cascade::of_section(&path));
                    }
                } else if is_other_text(&name) {
                    passed(
                        "texts in other formats than Markdown",
                        &self.relative(&path),
                    );
                }
            }
            if found.len() > MAX_FILES {
                return Err(io::Error::other(format!(
                    "it has more than {MAX_FILES} files"
                )));
            }
        }
        found.sort_by(|a, b| a.relative.cmp(&b.relative));
        found.retain(|text| match is_resource(text, &bundles) {
            true => {
                passed(
                    "texts that belong to a page (beside its index.md)",
                    &text.relative,
                );
                false
            }
            false => true,
        });
        Ok(found)
    }

    /// Inside Hugo's `content/` every folder holds texts; anything may be called `public` or `resources`.
    fn is_foreign(&self, above: &Path, name: &str) -> bool {
        let is_at_root = above == self.content.root && self.kind != Kind::Hugo;
        matches!(name, "node_modules" | "_site") || is_at_root && FOREIGN.contains(&name)
    }

    fn is_article(&self, relative: &str, name: &str) -> Result<(), &'static str> {
        if name.starts_with("_index.") {
            return Err("pages of a section (_index.md)");
        }
        let is_post = || {
            let mut folders = relative.split('/');
            self.in_posts
                || self.in_drafts
                || folders.any(|folder| folder == "_posts" || folder == "_drafts")
        };
        match self.kind == Kind::Jekyll && !is_post() {
            true => Err("files outside of _posts and _drafts"),
            false => Ok(()),
        }
    }
}

/// Whether it is inside a page's folder without being the page. A folder inside that is no page of its own, either.
fn is_resource(text: &Text, bundles: &HashSet<PathBuf>) -> bool {
    let name = text.path.file_name().unwrap_or_default();
    let is_index = name.to_string_lossy().starts_with("index.");
    let mut above = text.path.ancestors().skip(1);
    let own = above.next().filter(|_| !is_index);
    own.into_iter()
        .chain(above)
        .any(|folder| bundles.contains(folder))
}

pub fn is_markdown(name: &str) -> bool {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    ["md", "markdown", "mdown", "mkd"].contains(&extension.to_lowercase().as_str())
        && !name.starts_with('.')
}

pub fn is_html(name: &str) -> bool {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    ["html", "htm"].contains(&extension) && !name.starts_with('.')
}

/// Texts of other programs, which are told of rather than passed over.
fn is_other_text(name: &str) -> bool {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let texts = [
        "mdx", "html", "htm", "org", "adoc", "asciidoc", "rst", "textile", "pandoc",
    ];
    texts.contains(&extension.to_lowercase().as_str()) && !name.starts_with('.')
}
