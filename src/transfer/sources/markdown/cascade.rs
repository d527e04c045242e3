//! What a site of Hugo and its sections say of all texts below them, or of those that they aim at: `cascade`.

use std::path::Path;

use serde_json::{Map, Value};

use crate::transfer::sources::markdown::fields::Fields;
use crate::transfer::sources::markdown::files;
use crate::transfer::sources::markdown::front_matter;
use crate::transfer::sources::markdown::glob::Glob;
use crate::transfer::sources::markdown::site::Kind;

/// Bytes of a section's page that are read.
const MAX_PAGE: u64 = 1024 * 1024;
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
    pub language: &'a str,
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
            Some((aim, Glob::parse(&pattern)?))
        };
        Self {
            aims: aims.into_iter().filter_map(aim).collect(),
            values: with_params(members.clone()),
        }
    }

    /// Adds what it says to the members of a text that it is for, where they lack it.
    pub fn complete(&self, members: &mut Map<String, Value>, text: &Aimed) {
        let is_for = self.aims.iter().all(|(aim, glob)| match aim {
            Aim::Path => glob.matches(text.path),
            Aim::Language => glob.matches(text.language),
            Aim::Kind => glob.matches("page"),
            Aim::Environment => glob.matches("production"),
        });
        if is_for {
            complete(members, &self.values);
        }
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
pub fn rules(members: &Map<String, Value>) -> Vec<Rule> {
    match members.get("cascade") {
        Some(Value::Array(all)) => {
            let all = all.iter().filter_map(Value::as_object);
            all.map(Rule::read).collect()
        }
        Some(Value::Object(one)) => vec![Rule::read(one)],
        _ => Vec::new(),
    }
}

/// The rules of a section's page. One that cannot be read hides what is below it, for no one knows what it says.
pub fn of_section(page: &Path) -> Vec<Rule> {
    let text = files::read(page, MAX_PAGE).and_then(files::text);
    let parted = text.and_then(|text| Ok(front_matter::parted(&text, Kind::Hugo)?.0));
    match parted {
        Ok(members) => rules(&members),
        Err(_) => vec![Rule::hidden()],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The members of a text once the rules were applied.
    fn completed(cascade: &str, own: &str, path: &str) -> Value {
        let said = front_matter::yaml(&format!("cascade: {cascade}")).unwrap();
        let mut members = front_matter::yaml(own).unwrap();
        let language = "fr";
        for rule in rules(&said) {
            rule.complete(&mut members, &Aimed { path, language });
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
}
