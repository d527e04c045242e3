//! What stands before a text: YAML between lines of `---`, TOML between lines of `+++`, or a JSON object.

use serde_json::{Map, Value};
use serde_saphyr::DuplicateKeyPolicy;

use crate::transfer::sources::markdown::site::Kind;

const YAML: &str = "---";
const TOML: &str = "+++";

/// The members, their names in small letters as Hugo compares them, and the text.
///
/// # Errors
/// Where what stands before the text cannot be read or has no end: it may say that the text is a draft.
pub fn parted(text: &str, kind: Kind) -> Result<(Map<String, Value>, &str), String> {
    let text = text.trim_start_matches('\u{feff}');
    // Hugo reads it also where blanks come first.
    let start = text.trim_start();
    if let Some((head, body)) = fenced(start, YAML) {
        return Ok((yaml(head).map_err(of_text)?, body));
    }
    if let Some((head, body)) = fenced(start, TOML) {
        return Ok((toml(head).map_err(of_text)?, body));
    }
    if start.starts_with('{') && !start.starts_with("{{") && !start.starts_with("{%") {
        return json(start).map_err(of_text);
    }
    if begins(start) && (kind != Kind::Plain || has_members(start)) {
        return Err("begins as front matter does, which has no end".to_owned());
    }
    Ok((Map::new(), text))
}

fn of_text(reason: String) -> String {
    format!("its front matter {reason}")
}

/// # Errors
/// Where it is no YAML, or made to use up memory.
pub fn yaml(text: &str) -> Result<Map<String, Value>, String> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    let value = serde_saphyr::from_str::<Value>(text);
    members(value.map_err(|error| format!("is no YAML: {}", first_line(&error)))?)
}

/// A configuration in YAML. Of two members of one name the last one counts, as for Jekyll.
///
/// # Errors
/// As those of [`yaml`].
pub fn yaml_of_site(text: &str) -> Result<Map<String, Value>, String> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    let options = serde_saphyr::options! { duplicate_keys: DuplicateKeyPolicy::LastWins };
    let value = serde_saphyr::from_str_with_options::<Value>(text, options);
    members(value.map_err(|error| format!("is no YAML: {}", first_line(&error)))?)
}

/// A configuration in JSON.
///
/// # Errors
/// Where it is no JSON.
pub fn json_of_site(text: &str) -> Result<Map<String, Value>, String> {
    let value = serde_json::from_str(text);
    members(value.map_err(|error| format!("is no JSON: {error}"))?)
}

/// # Errors
/// Where it is no TOML.
pub fn toml(text: &str) -> Result<Map<String, Value>, String> {
    let table = text.parse::<toml::Table>();
    let table = table.map_err(|error| format!("is no TOML: {}", error.message()))?;
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
        Some(Err(error)) => Err(format!("is no JSON: {error}")),
        None => Ok((Map::new(), text)),
    }
}

fn members(value: Value) -> Result<Map<String, Value>, String> {
    match lowered(value) {
        Value::Object(members) => Ok(members),
        Value::Null => Ok(Map::new()),
        _ => Err("has no names".to_owned()),
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

/// What stands between two lines that are the fence, and behind the second. YAML may also end in three dots.
fn fenced<'a>(text: &'a str, fence: &str) -> Option<(&'a str, &'a str)> {
    let (first, head) = text.split_once('\n')?;
    if first.trim_end() != fence {
        return None;
    }
    let mut at = 0;
    for line in head.split_inclusive('\n') {
        let end = line.trim_end();
        if end == fence || fence == YAML && end == "..." {
            return Some((&head[..at], &head[at + line.len()..]));
        }
        at += line.len();
    }
    None
}

/// Whether the first line looks like a fence, whatever follows it there, or is one inside a comment.
fn begins(text: &str) -> bool {
    let inside = text.strip_prefix("<!--").unwrap_or_default().trim_start();
    let inside = inside.lines().next().unwrap_or_default().trim_end();
    [YAML, TOML]
        .iter()
        .any(|fence| text.starts_with(fence) || inside == *fence)
}

/// Whether a line says something by a name: otherwise the text only begins with a rule, as Markdown has them.
fn has_members(text: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim_start_matches(|c: char| c.is_whitespace() || "{[\"'".contains(c));
        let end = line.find(|c: char| !c.is_alphanumeric() && !"_-.".contains(c));
        let (name, rest) = line.split_at(end.unwrap_or(line.len()));
        let rest = rest.trim_start_matches(['"', '\'', ' ', '\t']);
        let says = rest.starts_with(':') && !rest.starts_with("://") || rest.starts_with('=');
        !name.is_empty() && says
    })
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
            let (members, body) = parted(text, Kind::Plain).unwrap();
            assert_eq!(Value::Object(members), expected, "{text}");
            assert_eq!(body, "text");
        }
        assert_eq!(parted("text\n---\n", Kind::Plain).unwrap().1, "text\n---\n");
        assert_eq!(parted("---\n---\ntext", Kind::Plain).unwrap().1, "text");
    }

    #[test]
    fn what_cannot_be_read_is_told_of() {
        for bad in [
            "---\na: [\n---\n",
            "+++\na\n+++\n",
            "{\"a\":\n",
            "---\n- a\n---\n",
        ] {
            assert!(parted(bad, Kind::Plain).is_err(), "{bad}");
        }
        let mut bomb = "---\na0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for level in 1..12 {
            let below = format!("*a{},", level - 1).repeat(10);
            bomb += &format!("a{level}: &a{level} [{}]\n", below.trim_end_matches(','));
        }
        assert!(parted(&format!("{bomb}---\n"), Kind::Plain).is_err());
    }

    #[test]
    fn what_begins_and_has_no_end_is_told_of() {
        for text in [
            "\n \n---\ndraft: true\n---\nx",
            " ---\ndraft: true\n---\nx",
            "---\ndraft: true\n...\nx",
            "\r\n+++\r\ndraft = true\r\n+++\r\nx",
            "\n{\"draft\": true}\nx",
        ] {
            let (members, body) = parted(text, Kind::Plain).unwrap();
            assert_eq!(
                (&members["draft"], body),
                (&Value::Bool(true), "x"),
                "{text}"
            );
        }
        for text in [
            "---\ntitle: a\ndraft: true\n",
            "---\n\n# a comment\n\n\"draft\" : true\n",
            "---\n{draft: true",
            "---toml\ndraft = true\n---\nx",
            "+++\ndraft = true\n",
            "+++\ndraft = true\n...\nx",
            "----\ndraft: true\n----\nx",
            "<!--\n---\ndraft: true\n---\n-->\nx",
        ] {
            let error = "begins as front matter does, which has no end";
            assert_eq!(parted(text, Kind::Plain), Err(error.to_owned()), "{text}");
        }
        for rule in ["---\nA text\nhttps://x.example\n", "---", "-----\n\n*x*"] {
            assert_eq!(parted(rule, Kind::Plain).unwrap().1, rule);
            assert!(parted(rule, Kind::Hugo).is_err() && parted(rule, Kind::Jekyll).is_err());
        }
    }
}
