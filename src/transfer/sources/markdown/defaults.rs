//! What Jekyll's configuration says of all texts below a path or of a type: `defaults`.

use serde_json::{Map, Value};

use crate::transfer::sources::markdown::fields::Fields;
use crate::transfer::sources::markdown::glob::Glob;

/// Scopes of one configuration.
const MAX_SCOPES: usize = 1_000;

/// Values for what is in a scope.
#[derive(Debug)]
struct Scoped {
    path: String,
    /// Where the path is a pattern, in the ways to read it.
    patterns: Vec<Glob>,
    of: Option<String>,
    values: Map<String, Value>,
}

/// All defaults, the narrowest last.
#[derive(Debug, Default)]
pub struct Defaults {
    all: Vec<Scoped>,
    /// The folder that collections are in, which scopes do not name.
    collections: Option<String>,
}

impl Defaults {
    /// # Errors
    /// Where there are too many of them.
    pub fn read(config: &Map<String, Value>) -> Result<Self, String> {
        let declared = config.get("defaults").and_then(Value::as_array);
        if declared.is_some_and(|all| all.len() > MAX_SCOPES) {
            return Err(format!(
                "its defaults are more than {MAX_SCOPES}, which is too many"
            ));
        }
        let collections = Fields(config).text(&["collections_dir"]);
        let collections = collections.map(|folder| format!("{}/", folder.trim_matches('/')));
        let declared = declared.into_iter().flatten().filter_map(Value::as_object);
        let mut all: Vec<Scoped> = declared
            .filter_map(|members| read(&Fields(members), collections.as_deref()))
            .collect();
        // Of two that are as narrow the later one counts.
        all.sort_by_key(|scoped| (scoped.path.chars().count(), scoped.of.is_some()));
        Ok(Self { all, collections })
    }

    /// The members of a text, with what they lack. `path` is that of its file below the site.
    pub fn complete(
        &self,
        own: Map<String, Value>,
        path: &str,
        is_draft: bool,
    ) -> Map<String, Value> {
        let mut members = Map::new();
        for scoped in &self.all {
            let is_of = match scoped.of.as_deref() {
                None | Some("posts") => true,
                Some("drafts") => is_draft,
                Some(_) => false,
            };
            if is_of && scoped.has(path, self.collections.as_deref()) {
                merge(&mut members, scoped.values.clone());
            }
        }
        merge(&mut members, own);
        members
    }
}

/// A path without the folder of collections before it.
fn without<'a>(path: &'a str, collections: Option<&str>) -> &'a str {
    collections
        .and_then(|folder| path.strip_prefix(folder))
        .unwrap_or(path)
}

fn read(fields: &Fields, collections: Option<&str>) -> Option<Scoped> {
    let scope = fields.inner("scope");
    let said = |name: &str| scope.as_ref().and_then(|scope| scope.text(&[name]));
    let path = said("path").unwrap_or_default();
    let path = path.trim_start_matches("./").trim_matches('/').to_owned();
    let below = without(&path, collections);
    // `**/` also stands for no folder at all.
    let patterns = [below.to_owned(), below.replace("**/", "")];
    let patterns: Option<Vec<Glob>> = match below.contains('*') {
        true => patterns.iter().map(|path| Glob::parse(path)).collect(),
        false => None,
    };
    Some(Scoped {
        patterns: patterns.unwrap_or_default(),
        path,
        of: said("type"),
        values: fields.inner("values")?.0.clone(),
    })
}

impl Scoped {
    /// Jekyll compares the beginnings of paths, also within a name. What a pattern matches is a file or a folder.
    fn has(&self, path: &str, collections: Option<&str>) -> bool {
        let path = without(path, collections);
        let own = without(&self.path, collections);
        if !own.contains('*') {
            return path.starts_with(own);
        }
        let ends = || {
            path.match_indices('/')
                .map(|(at, _)| at)
                .chain([path.len()])
        };
        let mut patterns = self.patterns.iter();
        // One that cannot be read is for all: rather too much is hidden than too little.
        self.patterns.is_empty()
            || patterns.any(|glob| ends().any(|end| glob.matches(&path[..end])))
    }
}

/// Tables are merged, everything else is replaced.
fn merge(members: &mut Map<String, Value>, over: Map<String, Value>) {
    for (name, value) in over {
        match (members.get_mut(&name), value) {
            (Some(Value::Object(below)), Value::Object(over)) => {
                // One level: what lies deeper are single values, as the words of a picture.
                below.extend(over);
            }
            (_, value) => {
                members.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::transfer::sources::markdown::front_matter;

    fn completed(defaults: &str, own: &str, path: &str) -> Value {
        let config = front_matter::yaml(defaults).unwrap();
        let own = front_matter::yaml(own).unwrap();
        let is_draft = path.contains("_drafts/");
        Value::Object(
            Defaults::read(&config)
                .unwrap()
                .complete(own, path, is_draft),
        )
    }

    #[test]
    fn the_narrowest_scope_goes_first_and_the_text_before_it() {
        let defaults = "defaults: [
            {scope: {path: _posts/sport}, values: {author: c, image: {path: /c, alt: C}}},
            {scope: {path: '', type: posts}, values: {author: b, tags: [b]}},
            {scope: {path: ''}, values: {author: a, tags: [a], x: a}},
            {scope: {path: /_posts/sport/}, values: {x: d}},
            {values: {x: e}}]";
        assert_eq!(
            completed(defaults, "image: {alt: D}", "_posts/sport/2024-01-01-a.md"),
            json!({"author": "c", "tags": ["b"], "x": "d", "image": {"path": "/c", "alt": "D"}})
        );
        assert_eq!(
            completed(defaults, "tags: f", "_posts/2024-01-01-a.md"),
            json!({"author": "b", "tags": "f", "x": "e"})
        );
    }

    #[test]
    fn scopes() {
        for (scope, path, is_in) in [
            ("{path: _posts/in}", "_posts/intern/a.md", true),
            ("{path: posts}", "_posts/a.md", false),
            ("{path: 'x/*/_posts'}", "x/y/_posts/a.md", true),
            ("{path: 'x/*/_posts'}", "x/y/z/_posts/a.md", false),
            ("{path: '**/_posts'}", "_posts/a.md", true),
            ("{path: '_posts/*.md'}", "_posts/a.md", true),
            ("{path: '_posts/[*'}", "elsewhere/a.md", true),
            ("{type: drafts}", "_drafts/a.md", true),
            ("{type: drafts}", "_posts/a.md", false),
            ("{type: pages}", "_posts/a.md", false),
            ("{path: _posts}", "all/_posts/a.md", true),
        ] {
            let defaults = format!(
                "{{collections_dir: all, defaults: [{{scope: {scope}, values: {{a: b}}}}]}}"
            );
            let made = completed(&defaults, "", path);
            assert_eq!(made.get("a").is_some(), is_in, "{scope} {path}");
        }
    }

    #[test]
    fn too_many_are_refused() {
        let defaults = |number: usize| {
            let all = "{values: {a: b}},".repeat(number);
            Defaults::read(&front_matter::yaml(&format!("defaults: [{all}]")).unwrap())
        };
        assert!(defaults(1_000).is_ok());
        assert!(defaults(1_001).is_err());
    }
}
