//! What Jekyll's configuration says of all texts below a path or of a type: `defaults`.

use serde_json::{Map, Value};

use crate::transfer::sources::markdown::fields::Fields;
use crate::transfer::sources::markdown::glob::Glob;

/// Values for what is in a scope.
#[derive(Debug)]
struct Scoped {
    path: String,
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
    pub fn read(config: &Map<String, Value>) -> Self {
        let declared = config.get("defaults").and_then(Value::as_array);
        let declared = declared.into_iter().flatten().filter_map(Value::as_object);
        let mut all: Vec<Scoped> = declared
            .filter_map(|members| read(&Fields(members)))
            .collect();
        // Of two that are as narrow the later one counts.
        all.sort_by_key(|scoped| (scoped.path.chars().count(), scoped.of.is_some()));
        let collections = Fields(config).text(&["collections_dir"]);
        Self {
            all,
            collections: collections.map(|folder| format!("{}/", folder.trim_matches('/'))),
        }
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
            if is_of && is_in(self.in_collections(path), self.in_collections(&scoped.path)) {
                merge(&mut members, scoped.values.clone());
            }
        }
        merge(&mut members, own);
        members
    }

    fn in_collections<'a>(&self, path: &'a str) -> &'a str {
        let below = self.collections.as_deref();
        below
            .and_then(|folder| path.strip_prefix(folder))
            .unwrap_or(path)
    }
}

fn read(fields: &Fields) -> Option<Scoped> {
    let scope = fields.inner("scope");
    let said = |name: &str| scope.as_ref().and_then(|scope| scope.text(&[name]));
    let path = said("path").unwrap_or_default();
    let path = path.trim_start_matches("./").trim_matches('/').to_owned();
    Some(Scoped {
        path,
        of: said("type"),
        values: fields.inner("values")?.0.clone(),
    })
}

/// Jekyll compares the beginnings of paths, also within a name. What a pattern matches is a file or a folder.
fn is_in(path: &str, scope: &str) -> bool {
    if !scope.contains('*') {
        return path.starts_with(scope);
    }
    // `**/` also stands for no folder at all.
    let globs = [scope.to_owned(), scope.replace("**/", "")].map(|scope| Glob::parse(&scope));
    let mut globs = globs.iter().flatten();
    let ends = || {
        path.match_indices('/')
            .map(|(at, _)| at)
            .chain([path.len()])
    };
    globs.any(|glob| ends().any(|end| glob.matches(&path[..end])))
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
        Value::Object(Defaults::read(&config).complete(own, path, is_draft))
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
}
