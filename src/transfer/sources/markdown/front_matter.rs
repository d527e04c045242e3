//! What stands before a text: YAML between lines of `---`, TOML between lines of `+++`, or a JSON object.

use serde_json::{Map, Value};

/// The members, their names in small letters as Hugo compares them, and the text.
///
/// # Errors
/// Where what stands before the text cannot be read.
pub fn parted(text: &str) -> Result<(Map<String, Value>, &str), String> {
    let text = text.trim_start_matches('\u{feff}');
    if let Some((head, body)) = fenced(text, "---") {
        return Ok((yaml(head)?, body));
    }
    if let Some((head, body)) = fenced(text, "+++") {
        return Ok((toml(head)?, body));
    }
    if text.starts_with('{') && !text.starts_with("{{") && !text.starts_with("{%") {
        return json(text);
    }
    Ok((Map::new(), text))
}

/// # Errors
/// Where it is no YAML, or made to use up memory.
pub fn yaml(text: &str) -> Result<Map<String, Value>, String> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    let value = serde_saphyr::from_str::<Value>(text);
    members(value.map_err(|error| format!("its front matter is no YAML: {}", first_line(&error)))?)
}

/// # Errors
/// Where it is no TOML.
pub fn toml(text: &str) -> Result<Map<String, Value>, String> {
    let table = text.parse::<toml::Table>();
    let table =
        table.map_err(|error| format!("its front matter is no TOML: {}", error.message()))?;
    members(plain(toml::Value::Table(table)))
}

/// A date that TOML knows of as text, as the other two have it.
fn plain(value: toml::Value) -> Value {
    match value {
        toml::Value::Datetime(at) => Value::from(at.to_string()),
        toml::Value::Array(items) => items.into_iter().map(plain).collect(),
        toml::Value::Table(table) => {
            let members = table.into_iter().map(|(key, value)| (key, plain(value)));
            Value::Object(members.collect())
        }
        toml::Value::String(text) => Value::from(text),
        toml::Value::Integer(number) => Value::from(number),
        toml::Value::Float(number) => Value::from(number),
        toml::Value::Boolean(truth) => Value::from(truth),
    }
}

fn json(text: &str) -> Result<(Map<String, Value>, &str), String> {
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    match stream.next() {
        Some(Ok(value)) => {
            let body = &text[stream.byte_offset()..];
            Ok((members(value)?, body.trim_start_matches(['\r', '\n'])))
        }
        Some(Err(error)) => Err(format!("its front matter is no JSON: {error}")),
        None => Ok((Map::new(), text)),
    }
}

fn members(value: Value) -> Result<Map<String, Value>, String> {
    match lowered(value) {
        Value::Object(members) => Ok(members),
        Value::Null => Ok(Map::new()),
        _ => Err("its front matter has no names".to_owned()),
    }
}

fn lowered(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.into_iter();
            let lower = members.map(|(key, value)| (key.to_lowercase(), lowered(value)));
            Value::Object(lower.collect())
        }
        Value::Array(items) => items.into_iter().map(lowered).collect(),
        value => value,
    }
}

/// What stands between two lines that are the fence, and behind the second.
fn fenced<'a>(text: &'a str, fence: &str) -> Option<(&'a str, &'a str)> {
    let first = text.lines().next()?;
    if first.trim_end() != fence {
        return None;
    }
    let head = text[first.len()..]
        .trim_start_matches('\r')
        .strip_prefix('\n')?;
    let mut at = 0;
    for line in head.split_inclusive('\n') {
        if line.trim_end() == fence {
            return Some((&head[..at], &head[at + line.len()..]));
        }
        at += line.len();
    }
    None
}

fn first_line(error: &impl ToString) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn three_ways_to_say_the_same() {
        let expected = json!({"title": "Été", "date": "2024-01-02T03:04:05Z", "draft": false, "tags": ["a", "b"]});
        for text in [
            "---\nTitle: Été\ndate: 2024-01-02T03:04:05Z\ndraft: false\ntags:\n  - a\n  - b\n---\ntext",
            "+++\ntitle = \"Été\"\ndate = 2024-01-02T03:04:05Z\ndraft = false\ntags = [\"a\", \"b\"]\n+++\r\ntext",
            "{\"title\":\"Été\",\"date\":\"2024-01-02T03:04:05Z\",\"draft\":false,\"tags\":[\"a\",\"b\"]}\n\ntext",
        ] {
            let (members, body) = parted(text).unwrap();
            assert_eq!(Value::Object(members), expected, "{text}");
            assert_eq!(body, "text");
        }
        assert_eq!(parted("text\n---\n").unwrap().1, "text\n---\n");
        assert_eq!(parted("---\n---\ntext").unwrap().1, "text");
    }

    #[test]
    fn what_cannot_be_read_is_told_of() {
        for bad in [
            "---\na: [\n---\n",
            "+++\na\n+++\n",
            "{\"a\":\n",
            "---\n- a\n---\n",
        ] {
            assert!(parted(bad).is_err(), "{bad}");
        }
        let mut bomb = "---\na0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for level in 1..12 {
            let below = format!("*a{},", level - 1).repeat(10);
            bomb += &format!("a{level}: &a{level} [{}]\n", below.trim_end_matches(','));
        }
        assert!(parted(&format!("{bomb}---\n")).is_err());
    }
}
