//! Which folders of a site of Hugo hold its texts: one for all languages, or one for each (`contentDir`).

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde_json::{Map, Value};

use crate::transfer::sources::markdown::fields::Fields;

const CONTENT: &str = "content";

/// Where texts are.
#[derive(Debug, Default)]
pub struct Content {
    /// What paths are relative to.
    pub root: PathBuf,
    /// Folders below the root, each with the language whose folder it is.
    folders: Vec<(String, Option<String>)>,
    /// Folders that the configuration names and that are not inside the site.
    pub outside: Vec<String>,
}

impl Content {
    /// All that is in a folder.
    pub fn whole(folder: &Path) -> Self {
        Self {
            root: folder.to_owned(),
            folders: vec![(String::new(), None)],
            outside: Vec::new(),
        }
    }

    /// `None` where there is no folder of texts.
    pub fn of_hugo(
        site: &Path,
        config: &Map<String, Value>,
        languages: &BTreeMap<String, Map<String, Value>>,
    ) -> Option<Self> {
        let mut outside = Vec::new();
        let mut named = |members: &Map<String, Value>| {
            let name = Fields(members).text(&["contentdir"])?;
            let found = inside(site, &name);
            if found.is_none() && site.join(&name).is_dir() {
                outside.push(name);
            }
            found
        };
        let main = named(config).unwrap_or_else(|| CONTENT.to_owned());
        let own = languages.iter().filter_map(|(language, members)| {
            let folder = named(members)?;
            Some((folder, Some(language.clone())))
        });
        let mut folders: Vec<_> = own.collect();
        let have_all_own = !folders.is_empty() && folders.len() == languages.len();
        if !have_all_own && site.join(&main).is_dir() {
            folders.push((main.clone(), None));
        }
        if folders.is_empty() {
            return None;
        }
        // As of any other site, wherever that can be: paths name articles.
        let are_in_main = folders
            .iter()
            .all(|(folder, _)| below(folder, &main).is_some());
        let root = match are_in_main {
            true => site.join(&main),
            false => site.to_owned(),
        };
        if are_in_main {
            for (folder, _) in &mut folders {
                *folder = below(folder, &main).unwrap_or_default().to_owned();
            }
        }
        Some(Self {
            root,
            folders,
            outside,
        })
    }

    /// The folders to look into: none is inside another.
    pub fn folders(&self) -> Vec<PathBuf> {
        let mut outer: Vec<&str> = Vec::new();
        let mut names: Vec<&str> = self.folders.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        for name in names {
            if !outer.iter().any(|above| below(name, above).is_some()) {
                outer.push(name);
            }
        }
        outer.iter().map(|name| self.path(name)).collect()
    }

    /// Whether it is a folder of texts itself, not one inside.
    pub fn is_top(&self, folder: &Path) -> bool {
        self.folders
            .iter()
            .any(|(name, _)| self.path(name) == folder)
    }

    /// Of the folder that a text is in, how many parts its name has and which language it is of.
    pub fn of(&self, relative: &str) -> (usize, Option<&str>) {
        let around = self.folders.iter();
        let around = around.filter(|(name, _)| below(relative, name).is_some());
        let Some((name, language)) = around.max_by_key(|(name, _)| name.len()) else {
            return (0, None);
        };
        let parts = name.split('/').filter(|part| !part.is_empty()).count();
        (parts, language.as_deref())
    }

    fn path(&self, name: &str) -> PathBuf {
        match name.is_empty() {
            true => self.root.clone(),
            false => self.root.join(name),
        }
    }
}

/// What of a path is below a folder, nothing where it is that folder.
fn below<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    if folder.is_empty() {
        return Some(path);
    }
    let rest = path.strip_prefix(folder)?;
    match rest.is_empty() {
        true => Some(rest),
        false => rest.strip_prefix('/'),
    }
}

/// A folder that a configuration names, without what means nothing in its name; only one inside the site, whatever
/// links lead there.
fn inside(site: &Path, name: &str) -> Option<String> {
    let mut parts = Vec::new();
    for part in Path::new(name).components() {
        match part {
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::CurDir => {}
            _ => return None,
        }
    }
    let name = parts.join("/");
    let real = site.join(&name).canonicalize().ok()?;
    let is_inside = real.is_dir() && real.starts_with(site.canonicalize().ok()?);
    is_inside.then_some(name)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::transfer::sources::markdown::config;
    use crate::transfer::sources::markdown::front_matter;

    #[test]
    fn folders_of_languages() {
        let site = tempfile::tempdir().unwrap();
        for folder in ["site/content/francais", "site/contenu/ar", "secret"] {
            fs::create_dir_all(site.path().join(folder)).unwrap();
        }
        let site = site.path().join("site");
        let read = |config: &str| {
            let config = front_matter::yaml(config).unwrap();
            Content::of_hugo(&site, &config, &config::languages(&config)).unwrap()
        };
        let fr = "languages: {fr: {contentDir: ./content/francais/}}";
        let content = read(fr);
        assert_eq!(content.folders(), [site.join("content/francais")]);
        assert_eq!(content.of("francais/a/b.md"), (1, Some("fr")));
        assert_eq!(content.root, site.join("content"));
        let content = read("languages: {fr: {contentDir: content/francais}, en: {}}");
        assert_eq!(content.folders(), [site.join("content")]);
        assert_eq!(content.of("francais/b.md"), (1, Some("fr")));
        assert_eq!(content.of("francaises/b.md"), (0, None));
        let both = "languages: {fr: {contentDir: content/francais}, ar: {contentDir: contenu/ar}}";
        let content = read(both);
        assert_eq!(content.of("contenu/ar/b.md"), (2, Some("ar")));
        assert_eq!(content.root, site);
        assert!(content.is_top(&site.join("contenu/ar")) && !content.is_top(&site));
        for name in ["../secret", &site.join("../secret").display().to_string()] {
            let content = read(&format!("contentDir: {name}"));
            assert_eq!(content.root, site.join("content"));
            assert_eq!(content.outside, [name]);
        }
        assert_eq!(read("contentDir: nowhere").outside, Vec::<String>::new());
    }
}
