//! Where the pages of a site are, for links that name one by its file.

use std::collections::{BTreeSet, HashMap};

use url::Url;

use crate::content::language::primary;
use crate::transfer::sources::item;

/// Addresses by language, and by path or name.
#[derive(Debug, Default)]
pub struct Pages {
    /// `None` where the public cannot read the page, or several are called so. A path begins with a slash, a name has
    /// none.
    all: HashMap<(String, String), Option<String>>,
    languages: BTreeSet<String>,
}

impl Pages {
    /// A page by its path, with its address where the public reads it.
    pub fn add(&mut self, language: &str, path: &str, address: Option<&str>) {
        let address = || address.map(str::to_owned);
        if !self.languages.contains(language) {
            self.languages.insert(language.to_owned());
        }
        let key = (language.to_owned(), path.to_owned());
        self.all.insert(key, address());
        let name = path.rsplit('/').next().unwrap_or_default();
        self.all
            .entry((language.to_owned(), name.to_owned()))
            .and_modify(|known| *known = None)
            .or_insert_with(address);
    }

    /// The language of pages that a link means: that one, else the only one that differs by region.
    fn language<'a>(&'a self, said: &'a str) -> &'a str {
        if self.languages.contains(said) {
            return said;
        }
        let near = self.languages.iter();
        let mut near = near.filter(|tag| primary(tag) == primary(said));
        match (near.next(), near.next()) {
            (Some(only), None) => only,
            _ => said,
        }
    }

    /// The address of the page that a text means: beside it, else from the top, else the only one of that name.
    /// `None` where it is not known which, or the public cannot read it.
    pub fn find(&self, from: &Place, said: &str) -> Option<String> {
        let (said, fragment) = match said.split_once('#') {
            Some((said, fragment)) => (said, Some(fragment)),
            None => (said, None),
        };
        if said.is_empty() {
            return fragment.map(|fragment| format!("#{fragment}"));
        }
        let said = from_file(said.trim_end_matches('/'));
        let find = |key: String| self.all.get(&(from.language.to_owned(), key));
        let top = || find(joined("", &said));
        let beside = || find(joined(from.folder, &said)).filter(|_| !said.starts_with('/'));
        let by_name =
            || find(said.rsplit('/').next()?.to_owned()).filter(|_| !said.starts_with('/'));
        let address = beside().or_else(top).or_else(by_name)?.as_deref()?;
        Some(match fragment {
            Some(fragment) => format!("{address}#{fragment}"),
            None => address.to_owned(),
        })
    }
}

/// What a link is relative to.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    pub language: &'a str,
    /// The folder of the page, with a slash before it.
    pub folder: &'a str,
}

/// The pages that the marks of a text may name, and where the text is.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    pub pages: &'a Pages,
    pub place: Place<'a>,
    /// What the text itself may write before an address.
    pub site: Option<&'a Url>,
}

impl Around<'_> {
    /// Writes the address of the page that the text means; `false` where there is none that the public reads.
    pub fn link(&self, written: &mut String, said: &str, language: Option<&str>) -> bool {
        let language = language.and_then(item::language);
        let place = Place {
            language: match &language {
                Some(said) => self.pages.language(said),
                None => self.place.language,
            },
            ..self.place
        };
        let Some(address) = self.pages.find(&place, said) else {
            return false;
        };
        if let Some(site) = self.site.filter(|_| !address.starts_with('#')) {
            // `{{ site.url }}{{ site.baseurl }}` before it is in the address already.
            let origin = site.origin().ascii_serialization();
            for before in [site.path().trim_end_matches('/'), &origin] {
                if !before.is_empty() && written.ends_with(before) {
                    written.truncate(written.len() - before.len());
                }
            }
        }
        written.push_str(&address);
        true
    }
}

/// The path of a page by that of its file: small letters, no ending, a page's folder for its `index.md`.
pub fn from_file(file: &str) -> String {
    let path = file.to_lowercase().replace(' ', "-");
    let endings = [".md", ".markdown", ".mdown", ".mkd", ".html", ".htm"];
    let path = endings
        .iter()
        .find_map(|ending| path.strip_suffix(ending))
        .unwrap_or(&path);
    let path = path.strip_suffix("/index").unwrap_or(path);
    path.to_owned()
}

/// A path below a folder, with `..` and `.` followed.
pub fn joined(folder: &str, said: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(said.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_found_by_path_and_by_name() {
        let mut pages = Pages::default();
        for path in ["/actu/a", "/actu/b", "/sport/b", "/sport/c"] {
            pages.add("fr", path, Some(&format!("https://x.example{path}/")));
        }
        pages.add("ar", "/actu/d", Some("https://x.example/ar/actu/d/"));
        pages.add("fr", "/actu/hidden", None);
        pages.add(
            "fr",
            "/sport/hidden",
            Some("https://x.example/sport/hidden/"),
        );
        let place = Place {
            language: "fr",
            folder: "/actu",
        };
        for (said, expected) in [
            ("b.md", Some("/actu/b/")),
            ("/sport/b", Some("/sport/b/")),
            ("sport/b.md#h", Some("/sport/b/#h")),
            ("../sport/c", Some("/sport/c/")),
            ("C.md", Some("/sport/c/")),
            ("/actu/a/index.md", Some("/actu/a/")),
            ("/c", None),
            ("d", None),
            // Another of that name is not the one that is meant.
            ("hidden", None),
            ("/sport/hidden", Some("/sport/hidden/")),
            ("/", None),
        ] {
            let found = pages.find(&place, said);
            let expected = expected.map(|path| format!("https://x.example{path}"));
            assert_eq!(found, expected, "{said}");
        }
        assert_eq!(pages.find(&place, "#h").as_deref(), Some("#h"));
        let above = Place {
            folder: "/",
            ..place
        };
        // Two are called so.
        assert_eq!(pages.find(&above, "b"), None);
    }

    #[test]
    fn a_language_is_known_without_its_region() {
        let mut pages = Pages::default();
        for language in ["fr-MA", "pt-BR", "pt-PT"] {
            pages.add(language, "/a", None);
        }
        for (said, language) in [
            ("fr", "fr-MA"),
            ("pt-PT", "pt-PT"),
            ("pt", "pt"),
            ("ar", "ar"),
        ] {
            assert_eq!(pages.language(said), language);
        }
    }
}
