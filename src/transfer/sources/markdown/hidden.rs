//! What keeps a text from the public at the site that it comes from. Whatever cannot be understood keeps it, too.

use serde_json::Value;

use crate::transfer::sources::dates;
use crate::transfer::sources::markdown::fields::Fields;
use crate::transfer::sources::markdown::site::Kind;

/// Why a text is only a draft. It is told where the site's generator would not call it one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hidden {
    Draft,
    Because(String),
}

impl Hidden {
    fn because(reason: &str) -> Option<Self> {
        Some(Self::Because(reason.to_owned()))
    }

    /// Why a text is only a draft that does not say so itself.
    pub fn by_site(kind: Kind) -> Self {
        let reason = match kind {
            Kind::Jekyll => "texts that the site hides (defaults) taken as drafts",
            Kind::Hugo | Kind::Plain => {
                "texts that a section or the site hides (cascade) taken as drafts"
            }
        };
        Self::Because(reason.to_owned())
    }
}

/// By what is said of a text.
pub fn by_members(fields: &Fields) -> Option<Hidden> {
    match fields.truth("draft") {
        Some(Ok(true)) => return Some(Hidden::Draft),
        Some(Err(())) => {
            return Hidden::because("texts whose \"draft\" cannot be read taken as drafts");
        }
        Some(Ok(false)) | None => {}
    }
    match fields.truth("published") {
        Some(Ok(false)) => return Some(Hidden::Draft),
        // Some write the date there.
        Some(Err(())) if !says_date(fields) => {
            return Hidden::because("texts whose \"published\" cannot be read taken as drafts");
        }
        _ => {}
    }
    if matches!(fields.truth("private"), Some(Ok(true) | Err(()))) {
        return Hidden::because("private texts taken as drafts");
    }
    if is_without(fields, "render") {
        return Hidden::because("texts that the site does not show (build) taken as drafts");
    }
    if is_without(fields, "list") {
        return Hidden::because("texts that the site does not list (build) taken as drafts");
    }
    by_status(fields)
}

fn says_date(fields: &Fields) -> bool {
    let date = fields.text(&["published"]);
    date.is_some_and(|date| dates::parse(&date).is_some())
}

/// Themes and editors have words of their own: only those that surely mean everyone are taken so.
fn by_status(fields: &Fields) -> Option<Hidden> {
    for name in ["status", "visibility"] {
        if !fields.has(&[name]) {
            continue;
        }
        let status = fields.text(&[name]).unwrap_or_default().to_lowercase();
        match status.as_str() {
            "publish" | "published" | "public" | "live" | "final" => {}
            "draft" => return Some(Hidden::Draft),
            other => {
                let reason = format!("texts of {name} {other:?} taken as drafts");
                return Some(Hidden::Because(reason));
            }
        }
    }
    None
}

/// Hugo: whether `build: {render: never}` or `build: {list: never}` keeps it from being shown or listed. It was `_build`
/// before; `link` gives an address and shows nothing there, `local` lists it in its own section only.
fn is_without(fields: &Fields, what: &str) -> bool {
    let build = fields.inner("build").or_else(|| fields.inner("_build"));
    let said = build.and_then(|build| build.0.get(what).cloned());
    match said {
        None | Some(Value::Null | Value::Bool(true)) => false,
        Some(Value::String(text)) => !matches!(text.trim(), "" | "always" | "true"),
        Some(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::sources::markdown::front_matter;

    #[test]
    fn spellings_of_a_draft() {
        for hidden in [
            "draft: \"True\"",
            "draft: 1",
            "draft: '1'",
            "draft: On",
            "draft: perhaps",
            "draft: [a]",
            "published: 'No'",
            "published: 0",
            "published: later",
            "private: yes",
            "build: {render: never}",
            "_build: {render: false}",
            "build: {render: link}",
            "build: {list: never}",
            "_build: {list: local}",
            "status: Draft",
            "status: private",
            "status: [x]",
            "visibility: members",
        ] {
            let members = front_matter::yaml(hidden).unwrap();
            assert!(by_members(&Fields(&members)).is_some(), "{hidden}");
        }
        for shown in [
            "draft: false",
            "draft: 'False'",
            "draft: 0",
            "draft:",
            "published: 1",
            "published: 2024-01-02",
            "build: {list: always, render: true}",
            "status: Published",
            "visibility: public",
        ] {
            let members = front_matter::yaml(shown).unwrap();
            assert_eq!(by_members(&Fields(&members)), None, "{shown}");
        }
    }
}
