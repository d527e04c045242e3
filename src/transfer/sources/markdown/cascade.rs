//! What a site of Hugo and its sections say of all texts below them, or of those that they aim at: `cascade`.

use std::path::Path;

use serde_json::{Map, Value};

use crate::content::language::primary;
use crate::transfer::sources::markdown::fields::Fields;
use crate::transfer::sources::markdown::files;
use crate::transfer::sources::markdown::front_matter;
use crate::transfer::sources::markdown::glob::Glob;
use crate::transfer::sources::markdown::site::Kind;

/// Bytes of a section's page that are read.
const MAX_PAGE: u64 = 1024 * 1024;
/// Rules of one page or configuration.
const MAX_RULES: usize = 1_000;
/// Members that are about the rule itself, and those that are a page's own.
const NOT_GIVEN: [&str; 6] = ["cascade", "target", "_target", "url", "slug", "aliases"];

/// Values, and which texts they are for.
#[derive(Debug)]
pub struct Rule {
    aims: Vec<(Aim, Glob)>,
    values: Map<String, Value>,
}

#[derive(Clone, Copy, Debug)]
enum Aim {
    Path,
    Language,
    Kind,
    Environment,
}

/// What rules are held against.
#[derive(Debug)]
pub struct Aimed<'a> {
    /// Below the content, with a slash before it, in small letters and without an ending.
    pub path: &'a str,
    /// Those that it may be in, none where no one knows.
    pub languages: &'a [String],
}

impl Aimed<'_> {
    /// A region matters to no one here: rather too much is hidden than too little.
    fn is_in(&self, language: &Glob) -> bool {
        let mut tags = self.languages.iter().map(|tag| tag.to_lowercase());
        self.languages.is_empty()
            || tags.any(|tag| language.matches(&tag) || language.matches(primary(&tag)))
    }
}

impl Rule {
    /// All texts are hidden, also those that are no drafts by their own word.
    fn hidden() -> Self {
        Self {
            aims: Vec::new(),
            values: Map::from_iter([("private".to_owned(), Value::Bool(true))]),
        }
    }

    fn read(members: &Map<String, Value>) -> Self {
        let fields = Fields(members);
        let target = fields.inner("target").or_else(|| fields.inner("_target"));
        let aims = [
            ("path", Aim::Path),
            ("lang", Aim::Language),
            ("kind", Aim::Kind),
            ("environment", Aim::Environment),
        ];
        let aim = |(name, aim): (&str, Aim)| {
            let pattern = target.as_ref()?.text(&[name])?.to_lowercase();
            // One that is no pattern aims at everything: rather too much is hidden than too little.
            let glob = match aim {
                Aim::Language => of_language(&pattern),
                Aim::Path | Aim::Kind | Aim::Environment => Glob::parse(&pattern),
            };
            Some((aim, glob?))
        };
        Self {
            aims: aims.into_iter().filter_map(aim).collect(),
            values: with_params(members.clone()),
        }
    }

    /// The rule for texts in one language only.
    pub fn in_language(mut self, language: &str) -> Self {
        let glob = of_language(&language.to_lowercase());
        self.aims.extend(glob.map(|glob| (Aim::Language, glob)));
        self
    }

    /// Adds what it says to the members of a text that it is for, where they lack it.
    pub fn complete(&self, members: &mut Map<String, Value>, text: &Aimed) {
        let is_for = self.aims.iter().all(|(aim, glob)| match aim {
            Aim::Path => glob.matches(text.path),
            Aim::Language => text.is_in(glob),
            Aim::Kind => glob.matches("page"),
            Aim::Environment => glob.matches("production"),
        });
        if is_for {
            complete(members, &self.values);
        }
    }
}

/// A language by its primary subtag; a pattern as it is.
fn of_language(pattern: &str) -> Option<Glob> {
    let pattern = pattern.replace('_', "-");
    match pattern.contains(['*', '?', '[', '{', '\\']) {
        true => Glob::parse(&pattern),
        false => Glob::parse(primary(&pattern)),
    }
}

/// Hugo has a place apart for the members of themes, `params`; here all count alike.
pub fn with_params(mut members: Map<String, Value>) -> Map<String, Value> {
    if let Some(Value::Object(params)) = members.remove("params") {
        complete(&mut members, &params);
    }
    members
}

fn complete(members: &mut Map<String, Value>, values: &Map<String, Value>) {
    for (name, value) in values {
        if !NOT_GIVEN.contains(&name.as_str()) && !members.contains_key(name) {
            members.insert(name.clone(), value.clone());
        }
    }
}

/// The rules of a page or a configuration. Of two that say the same, the first one counts.
///
/// # Errors
/// Where there are too many of them.
pub fn rules(members: &Map<String, Value>) -> Result<Vec<Rule>, String> {
    match members.get("cascade") {
        Some(Value::Array(all)) if all.len() > MAX_RULES => {
            Err(format!("its cascade has more than {MAX_RULES} rules"))
        }
        Some(Value::Array(all)) => {
            let all = all.iter().filter_map(Value::as_object);
            Ok(all.map(Rule::read).collect())
        }
        Some(Value::Object(one)) => Ok(vec![Rule::read(one)]),
        _ => Ok(Vec::new()),
    }
}

/// The rules of a section's page. One that cannot be read hides what is below it, for no one knows what it says.
pub fn of_section(page: &Path) -> Vec<Rule> {
    let text = files::read(page, MAX_PAGE).and_then(files::text);
    let rules = text.and_then(|text| rules(&front_matter::parted(&text, Kind::Hugo)?.0));
    rules.unwrap_or_else(|_| vec![Rule::hidden()])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The members of a text once the rules were applied.
    fn completed(cascade: &str, own: &str, path: &str) -> Value {
        let said = front_matter::yaml(&format!("cascade: {cascade}")).unwrap();
        let mut members = front_matter::yaml(own).unwrap();
        let languages = &["fr".to_owned()];
        for rule in rules(&said).unwrap() {
            rule.complete(&mut members, &Aimed { path, languages });
        }
        Value::Object(members)
    }

    #[test]
    fn rules_are_for_those_that_they_aim_at() {
        for (target, is_for) in [
            ("{}", true),
            ("{path: '/a/**'}", true),
            ("{path: '/A/*'}", true),
            ("{path: /a}", false),
            ("{path: '/b/**'}", false),
            ("{path: '/a/**', lang: ar}", false),
            ("{lang: '{ar,fr}'}", true),
            ("{lang: fr-MA}", true),
            ("{lang: en}", false),
            ("{kind: page}", true),
            ("{kind: '{section,term}'}", false),
            ("{environment: staging}", false),
            ("{path: '[a'}", true),
        ] {
            for name in ["target", "_target"] {
                let said = format!("[{{{name}: {target}, draft: true}}]");
                let made = completed(&said, "title: T", "/a/b");
                assert_eq!(made.get("draft").is_some(), is_for, "{target}: {made}");
            }
        }
    }

    #[test]
    fn what_a_text_says_itself_goes_first() {
        let said = "[{tags: [a], params: {description: D, url: /x/}}, {tags: [b], authors: [c]}]";
        assert_eq!(
            completed(said, "title: T", "/a"),
            json!({"title": "T", "tags": ["a"], "description": "D", "authors": ["c"]})
        );
        assert_eq!(
            completed(said, "{tags: [], description: E, authors: d}", "/a"),
            json!({"tags": [], "description": "E", "authors": "d"})
        );
    }

    #[test]
    fn too_many_rules_are_refused() {
        let said = |number: usize| {
            let rules = "{draft: true},".repeat(number);
            front_matter::yaml(&format!("cascade: [{rules}]")).unwrap()
        };
        assert!(rules(&said(1_000)).is_ok());
        assert!(rules(&said(1_001)).is_err());
    }

    #[test]
    fn a_text_in_no_known_language_is_in_each() {
        let said = front_matter::yaml("cascade: {target: {lang: ar}, draft: true}").unwrap();
        for (languages, is_for) in [(vec![], true), (vec!["ar-MA"], true), (vec!["fr"], false)] {
            let languages: Vec<String> = languages.into_iter().map(str::to_owned).collect();
            let mut members = Map::new();
            let languages = &languages;
            for rule in rules(&said).unwrap() {
                rule.complete(
                    &mut members,
                    &Aimed {
                        path: "/a",
                        languages,
                    },
                );
            }
            assert_eq!(members.contains_key("draft"), is_for, "{languages:?}");
        }
    }
}
