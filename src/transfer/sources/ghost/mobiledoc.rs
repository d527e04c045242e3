//! Mobiledoc 0.3, in which Ghost kept texts before: lists of sections whose formats and cards stand apart.

use serde_json::{Map, Value};

use crate::transfer::sources::ghost::cards::{self, Card};
use crate::transfer::sources::ghost::lexical::HEADINGS;
use crate::transfer::sources::ghost::written::Written;

/// Formats that a body may have, as they are written there and here.
const FORMATS: [(&str, &str); 12] = [
    ("strong", "strong"),
    ("b", "strong"),
    ("em", "em"),
    ("i", "em"),
    ("u", "u"),
    ("s", "s"),
    ("strike", "s"),
    ("del", "s"),
    ("code", "code"),
    ("sub", "sub"),
    ("sup", "sup"),
    ("mark", "mark"),
];

/// # Errors
/// A phrase, where it is no text of that editor.
pub fn write(value: &Value, written: &mut Written) -> Result<(), String> {
    if value.is_null() {
        return Ok(());
    }
    let version = value.get("version").and_then(Value::as_str);
    if !version.is_some_and(|version| version.starts_with("0.3")) {
        return Err("is in no version of its format that is read (0.3)".to_owned());
    }
    let text = Text {
        markups: list(value.get("markups")),
        atoms: list(value.get("atoms")),
        cards: list(value.get("cards")),
    };
    for section in list(value.get("sections")) {
        if written.is_over() {
            break;
        }
        text.section(list(Some(section)), written);
    }
    Ok(())
}

/// What the sections refer to by its place.
struct Text<'a> {
    markups: &'a [Value],
    atoms: &'a [Value],
    cards: &'a [Value],
}

fn list(value: Option<&Value>) -> &[Value] {
    let list = value.and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

fn word(list: &[Value], at: usize) -> &str {
    list.get(at).and_then(Value::as_str).unwrap_or_default()
}

fn number(value: Option<&Value>) -> Option<usize> {
    usize::try_from(value?.as_u64()?).ok()
}

/// What a number leads to in one of the lists.
fn at<'a>(among: &'a [Value], place: Option<&Value>) -> &'a [Value] {
    list(number(place).and_then(|place| among.get(place)))
}

impl Text<'_> {
    fn section(&self, section: &[Value], written: &mut Written) {
        match number(section.first()) {
            Some(1) => self.block(word(section, 1), list(section.get(2)), written),
            Some(2) => cards::image(word(section, 1), written),
            Some(3) => {
                let tag = if word(section, 1) == "ol" { "ol" } else { "ul" };
                written.markup(&format!("<{tag}>"));
                for item in list(section.get(2)) {
                    self.around("li", list(Some(item)), written);
                }
                written.markup(&format!("</{tag}>"));
            }
            Some(10) => {
                let found = at(self.cards, section.get(1));
                let none = Map::new();
                let members = found.get(1).and_then(Value::as_object).unwrap_or(&none);
                let kind = word(found, 0);
                // The same card may be shown at any number of places.
                let texts = members.values().filter_map(Value::as_str);
                if written.takes(texts.map(str::len).sum()) {
                    cards::write(&Card { kind, members }, written);
                }
            }
            _ => written.leave_out("parts that are not known of the editor's format"),
        }
    }

    fn block(&self, tag: &str, markers: &[Value], written: &mut Written) {
        let is_empty = markers.iter().all(|marker| {
            let marker = list(Some(marker));
            number(marker.first()) == Some(0) && word(marker, 3).is_empty()
        });
        if is_empty {
            return;
        }
        match HEADINGS.iter().find(|known| **known == tag) {
            Some(heading) => self.around(heading, markers, written),
            None if matches!(tag, "blockquote" | "aside" | "pull-quote") => {
                written.markup("<blockquote>");
                self.around("p", markers, written);
                written.markup("</blockquote>");
            }
            None => self.around("p", markers, written),
        }
    }

    fn around(&self, tag: &str, markers: &[Value], written: &mut Written) {
        written.markup(&format!("<{tag}>"));
        // Those that are open, innermost last; an empty one is of a format that no body has.
        let mut open: Vec<&str> = Vec::new();
        for marker in markers {
            if written.is_over() {
                return;
            }
            let marker = list(Some(marker));
            for place in list(marker.get(1)) {
                open.push(self.begin(at(self.markups, Some(place)), written));
            }
            match number(marker.first()) {
                Some(1) => self.atom(at(self.atoms, marker.get(3)), written),
                _ => written.text(word(marker, 3)),
            }
            let closed = number(marker.get(2)).unwrap_or_default().min(open.len());
            for tag in open.split_off(open.len() - closed).into_iter().rev() {
                end(tag, written);
            }
        }
        for tag in open.into_iter().rev() {
            end(tag, written);
        }
        written.markup(&format!("</{tag}>"));
    }

    /// The tag that ends it; empty where it has none.
    fn begin(&self, markup: &[Value], written: &mut Written) -> &'static str {
        let name = word(markup, 0);
        if name == "a" {
            // Names and values of attributes in turn.
            let attributes = list(markup.get(1)).chunks(2);
            let mut addresses = attributes.filter(|pair| word(pair, 0) == "href");
            let address = addresses.next().map_or("", |pair| word(pair, 1));
            written.markup("<a href=\"");
            written.text(address);
            written.markup("\">");
            return "a";
        }
        let known = FORMATS.iter().find(|(there, _)| *there == name);
        let Some((_, tag)) = known else { return "" };
        written.markup(&format!("<{tag}>"));
        tag
    }

    fn atom(&self, atom: &[Value], written: &mut Written) {
        match word(atom, 0) {
            "soft-return" => written.markup("<br>"),
            _ => written.text(word(atom, 1)),
        }
    }
}

fn end(tag: &str, written: &mut Written) {
    if !tag.is_empty() {
        written.markup(&format!("</{tag}>"));
    }
}
