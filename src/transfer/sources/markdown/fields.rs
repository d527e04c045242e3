//! Reading the members of front matter, which every theme and every author writes a little differently.

use serde_json::{Map, Value};

/// Jekyll: members whose text is several items, a word each, and those whose text is one.
const BY_WORDS: [&str; 2] = ["categories", "tags"];
const WHOLE: [&str; 2] = ["category", "tag"];

pub struct Fields<'a>(pub &'a Map<String, Value>);

impl<'a> Fields<'a> {
    /// The first of these members that is a text or a number.
    pub fn text(&self, names: &[&str]) -> Option<String> {
        names
            .iter()
            .filter_map(|name| self.0.get(*name))
            .find_map(scalar)
    }

    /// Yes or no in any spelling; an error where it says something else. `None` where it says nothing.
    pub fn truth(&self, name: &str) -> Option<Result<bool, ()>> {
        let value = self.0.get(name)?;
        let text = match value {
            Value::Null => return None,
            Value::Bool(truth) => return Some(Ok(*truth)),
            Value::String(text) => text.trim().to_lowercase(),
            Value::Number(number) => number.to_string(),
            Value::Array(_) | Value::Object(_) => return Some(Err(())),
        };
        Some(match text.as_str() {
            "" => return None,
            "true" | "yes" | "on" | "y" | "t" | "1" | "1.0" => Ok(true),
            "false" | "no" | "off" | "n" | "f" | "0" | "0.0" => Ok(false),
            _ => Err(()),
        })
    }

    /// Whether one of these members says anything.
    pub fn has(&self, names: &[&str]) -> bool {
        names.iter().any(|name| match self.0.get(*name) {
            None | Some(Value::Null) => false,
            Some(Value::String(text)) => !text.trim().is_empty(),
            Some(_) => true,
        })
    }

    /// All items of these members: of lists and of a text with commas. `as_jekyll`, a text is split into its words, and
    /// not split at all where the member's name is that of one.
    pub fn list(&self, names: &[&str], as_jekyll: bool) -> Vec<String> {
        let mut all = Vec::new();
        for name in names {
            let Some(value) = self.0.get(*name) else {
                continue;
            };
            match value {
                Value::Array(items) => all.extend(items.iter().filter_map(named)),
                value if as_jekyll && WHOLE.contains(name) => all.extend(named(value)),
                Value::String(text) if text.contains(',') => {
                    all.extend(text.split(',').map(str::to_owned));
                }
                Value::String(text) if as_jekyll && BY_WORDS.contains(name) => {
                    all.extend(text.split_whitespace().map(str::to_owned));
                }
                value => all.extend(named(value)),
            }
        }
        let all = all.into_iter().map(|item| item.trim().to_owned());
        all.filter(|item| !item.is_empty()).collect()
    }

    /// A table that some put their members in.
    pub fn inner(&self, name: &str) -> Option<Fields<'a>> {
        self.0.get(name)?.as_object().map(Fields)
    }

    /// The first of these members that shows a picture: address, words for those who do not see it, caption.
    pub fn picture(&self, names: &[&str]) -> Option<(String, Option<String>, Option<String>)> {
        names.iter().find_map(|name| shown(self.0.get(*name)?))
    }
}

fn shown(value: &Value) -> Option<(String, Option<String>, Option<String>)> {
    match value {
        Value::String(address) if !address.trim().is_empty() => Some((address.clone(), None, None)),
        Value::Array(items) => shown(items.first()?),
        Value::Object(members) => {
            let fields = Fields(members);
            let address = fields.text(&[
                "url",
                "src",
                "image",
                "path",
                "feature",
                "teaser",
                "overlay_image",
                "file",
            ])?;
            let alt = fields.text(&["alt", "image_alt"]);
            let caption = fields.text(&["caption", "title"]);
            Some((address, alt, caption))
        }
        _ => None,
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// An author may be a table with a name.
fn named(value: &Value) -> Option<String> {
    match value {
        Value::Object(members) => Fields(members).text(&["name", "title"]),
        value => scalar(value),
    }
}
