//! One article as a line of NDJSON: the import format.

use serde_json::Value;

use crate::content::article::{Draft, Fault};
use crate::content::input::ArticleInput;
use crate::content::json::{self, Unread};
use crate::content::visibility::Status;

/// Bytes a line may have.
pub const MAX_LINE: usize = 8 * 1024 * 1024;

/// The member in which a line of an export says what only a store knows of an article. Here it says nothing: who imports
/// a line of it by itself is not to make up versions and authors.
pub const RECORD: &str = "kiosque";
/// How a line of an export begins that is no article.
pub const EXPORT_LINE: &[u8] = b"{\"kiosque\":";

/// Reads one line.
///
/// # Errors
/// Everything that is wrong with it; never empty.
pub fn parse(line: &[u8]) -> Result<Draft, Vec<Fault>> {
    let whole = |detail: String| vec![Fault::new("", detail)];
    if line.len() > MAX_LINE {
        return Err(whole(format!("the line is longer than {MAX_LINE} bytes")));
    }
    let text = std::str::from_utf8(line).map_err(|_| whole("is not UTF-8".to_owned()))?;
    if line.starts_with(EXPORT_LINE) {
        return Err(whole(
            "is a line of an export, and no article; `kiosque import` takes an export in as a whole"
                .to_owned(),
        ));
    }
    let read = match without_record(text) {
        Some(value) => {
            let input: ArticleInput = json::read_value(value).map_err(|fault| vec![fault])?;
            return input.check(Status::Published);
        }
        None => json::read(text.as_bytes()),
    };
    let input: ArticleInput = read.map_err(|unread| {
        vec![match unread {
            // The line number is always 1 here and would be taken for the file's.
            Unread::NotJson(error) => {
                let message = error.to_string();
                let place = format!(" at line 1 column {}", error.column());
                let what = message.strip_suffix(&place).unwrap_or(&message);
                Fault::new("", format!("{what} (column {})", error.column()))
            }
            Unread::NotAsDocumented { fault, column } => Fault {
                detail: format!("{} (column {column})", fault.detail),
                ..fault
            },
        }]
    })?;
    input.check(Status::Published)
}

/// The article of an export's line; `None` where it is none.
fn without_record(text: &str) -> Option<Value> {
    // Nearly no line comes of an export, and looking for the word is cheap.
    if !text.contains("\"kiosque\"") {
        return None;
    }
    let mut value: Value = serde_json::from_str(text).ok()?;
    value.as_object_mut()?.shift_remove(RECORD)?;
    Some(value)
}

/// Whether a line holds nothing but white space.
pub fn is_blank(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_whitespace)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::content::tag::TagKind;

    fn parsed(line: Value) -> Result<Draft, Vec<Fault>> {
        parse(line.to_string().as_bytes())
    }

    fn faults(mut extra: Value) -> Vec<String> {
        let mut line = json!({"headline": "Titre", "body": "Texte", "language": "fr"});
        line.as_object_mut()
            .unwrap()
            .append(extra.as_object_mut().unwrap());
        parsed(line)
            .err()
            .unwrap_or_default()
            .into_iter()
            .map(|fault| format!("{} {}", fault.pointer, fault.detail))
            .collect()
    }

    #[test]
    fn three_members_are_enough() {
        let draft =
            parsed(json!({"headline": "Titre", "body": "<p>Texte", "language": "FR"})).unwrap();
        assert_eq!(draft.language.as_str(), "fr");
        assert_eq!(draft.status, Status::Published);
        assert_eq!(draft.body.html, "<p>Texte</p>");
        assert!(draft.rights.syndicatable);
    }

    #[test]
    fn a_bare_tag_is_a_keyword_and_a_repeated_one_counts_once() {
        let line = json!({"headline": "T", "body": "", "language": "fr",
            "tags": ["Maroc", {"slug": "fes", "name": "Fès", "kind": "place"}, "Maroc"]});
        let tags = parsed(line).unwrap().tags;
        assert_eq!(tags.len(), 2);
        assert_eq!(tags[0].kind, TagKind::Keyword);
        assert_eq!(tags[1].slug.as_ref().unwrap().as_str(), "fes");
    }

    #[test]
    fn every_fault_of_a_line_is_told_with_its_place() {
        let told = faults(
            json!({"slug": "a b", "published_at": "hier", "status": "live",
            "tags": [{"name": "x", "kind": "colour"}], "canonical_url": "javascript:x()",
            "standfirst": "a\u{0}b"}),
        );
        for pointer in [
            "/slug",
            "/published_at",
            "/status",
            "/tags/0/kind",
            "/canonical_url",
            "/standfirst",
        ] {
            assert!(
                told.iter().any(|fault| fault.starts_with(pointer)),
                "{pointer}: {told:?}"
            );
        }
    }

    #[test]
    fn unknown_missing_and_mistyped_members_are_refused() {
        assert!(faults(json!({"titre": "x"}))[0].starts_with("/titre unknown field"));
        assert!(faults(json!({"headline": 7}))[0].starts_with("/headline invalid type"));
        assert!(faults(json!({"image": {"w": 7}}))[0].starts_with("/image/w unknown field"));
        assert!(faults(json!({"tags": [7]}))[0].contains("a tag is a name or an object"));
        assert!(faults(json!({"headline": "  "}))[0].starts_with("/headline"));
        assert!(faults(json!({"status": "scheduled"}))[0].starts_with("/published_at"));
        assert!(
            parse(br#"{"headline":"x","body":"y"}"#).unwrap_err()[0]
                .detail
                .contains("language")
        );
        assert!(parse(b"\xff{}").unwrap_err()[0].detail.contains("UTF-8"));
        assert!(parse(b"[1").is_err());
        assert!(parse(br#"[null,null,null,"fr","T",null,null,null,"B"]"#).is_err());
    }
}
