//! The languages of a WordPress site, which itself knows only one: of articles (Polylang) and of the parts of a text
//! (qTranslate).

use std::borrow::Cow;
use std::collections::HashMap;

use crate::content::check::MAX_KEY;
use crate::content::language;
use crate::transfer::sources::item;
use crate::transfer::sources::wxr::parts::Element;
use crate::transfer::sources::wxr::site::categories;

/// Groups of translations that are remembered.
const MAX_GROUPS: usize = 1_000_000;
/// The codes of ISO 639-1. Code in a text has other words between the same signs: `x[:end]`, `{:ok}`.
const CODES: &str = "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz \
    ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv \
    ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn \
    no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg \
    th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu";

/// The language of an article, as Polylang has it.
pub fn own(post: &Element) -> Option<String> {
    categories(post, "language").find_map(|term| item::language(term.attribute("nicename")))
}

/// Articles that are translations of each other share a term.
#[derive(Debug, Default)]
pub struct Translations(HashMap<String, Original>);

#[derive(Debug)]
struct Original {
    external_id: String,
    is_in_main_language: bool,
}

impl Translations {
    /// The original of a group is its first article in the site's language, else its first.
    pub fn note(&mut self, post: &Element, external_id: String, site_language: &str) {
        let Some(group) = group(post) else { return };
        let is_in_main_language =
            own(post).is_some_and(|own| primary(&own) == primary(site_language));
        match self.0.get(group) {
            Some(known) if known.is_in_main_language || !is_in_main_language => return,
            None if self.0.len() >= MAX_GROUPS => return,
            _ => {}
        }
        let original = Original {
            external_id,
            is_in_main_language,
        };
        self.0.insert(group.to_owned(), original);
    }

    /// What an article translates; `None` where it is the original.
    pub fn original(&self, post: &Element, external_id: Option<&str>) -> Option<&str> {
        let original = self.0.get(group(post)?)?.external_id.as_str();
        (Some(original) != external_id).then_some(original)
    }
}

fn group(post: &Element) -> Option<&str> {
    let mut terms = categories(post, "post_translations");
    let term = terms.next()?;
    let names = [term.attribute("nicename"), term.text.trim()];
    let name = names.into_iter().find(|name| !name.is_empty())?;
    (name.len() <= MAX_KEY).then_some(name)
}

/// The language without its region, however it is spelt.
fn primary(spelt: &str) -> String {
    let tag = item::language(spelt).unwrap_or_default();
    language::primary(&tag).to_owned()
}

/// The language in which a text of several is taken: the wanted one, else the first that has words. `None` where the
/// text is in one.
pub fn of_parts(text: &str, wanted: &str) -> Option<String> {
    let primary = primary(wanted);
    let mut first = None;
    if !is_of_several(text) {
        return None;
    }
    for (language, part) in parts(text) {
        if language.is_empty() || part.trim().is_empty() {
            continue;
        }
        if language == primary {
            return Some(wanted.to_owned());
        }
        first = first.or(Some(language));
    }
    item::language(first?)
}

/// What a text says in a language, and what it says in all of them. One that says nothing in it is taken in the first
/// that it has.
pub fn part<'a>(text: &'a str, language: &str) -> Cow<'a, str> {
    let Some(language) = of_parts(text, language) else {
        return Cow::Borrowed(text);
    };
    let language = primary(&language);
    let taken = parts(text).filter(|(of, _)| of.is_empty() || *of == language);
    Cow::Owned(taken.map(|(_, part)| part).collect())
}

/// Whether a text begins with a mark, and has its end or another language behind it.
fn is_of_several(text: &str) -> bool {
    let mut parts = parts(text);
    let is_blank = |(_, before): (&str, &str)| before.trim().is_empty();
    if !parts.next().is_some_and(is_blank) {
        return false;
    }
    match parts.next() {
        Some((first, _)) if !first.is_empty() => parts.any(|(language, _)| language != first),
        _ => false,
    }
}

/// The stretches of a text, each with the language of the mark before it; none for what is in every language.
fn parts(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = Some(("", text));
    std::iter::from_fn(move || {
        let (language, from) = rest?;
        let mark = from.match_indices([':']).find_map(|(at, _)| mark(from, at));
        let (part, next) = match mark {
            Some(mark) => (&from[..mark.at], Some((mark.language, &from[mark.end..]))),
            None => (from, None),
        };
        rest = next;
        Some((language, part))
    })
}

struct Mark<'a> {
    /// Empty where a part ends.
    language: &'a str,
    at: usize,
    end: usize,
}

/// The mark whose colon is at this place: `[:fr]`, `{:fr}` or `<!--:fr-->`, and `[:]` at the end.
fn mark(text: &str, colon: usize) -> Option<Mark<'_>> {
    let (before, after) = (&text[..colon], &text[colon + 1..]);
    let forms = [("[", "]"), ("{", "}"), ("<!--", "-->")];
    let (start, end) = forms
        .into_iter()
        .find(|(start, _)| before.ends_with(start))?;
    let length = after.bytes().take_while(u8::is_ascii_lowercase).count();
    let is_code = match length {
        0 => true,
        2 => CODES
            .split_ascii_whitespace()
            .any(|code| code == &after[..2]),
        _ => false,
    };
    let is_mark = is_code && after[length..].starts_with(end);
    is_mark.then(|| Mark {
        language: &after[..length],
        at: colon - start.len(),
        end: colon + 1 + length + end.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_part_of_several_is_taken() {
        for (text, wanted, language, expected) in [
            ("[:fr]Un[:ar]واحد[:]", "fr-FR", Some("fr-FR"), "Un"),
            ("[:fr]Un[:ar]واحد[:]", "ar", Some("ar"), "واحد"),
            (" [:fr]Un[:ar]واحد[:] z", "fr", Some("fr"), " Un z"),
            ("[:fr]Un[:ar]x[:end]y", "ar", Some("ar"), "x[:end]y"),
            ("[:fr] [:ar]واحد[:]", "fr", Some("ar"), "واحد"),
            ("{:fr}Un{:}{:en}One{:}", "en", Some("en"), "One"),
            (
                "<!--:fr--><p>Un</p><!--:--><!--:en-->One<!--:-->",
                "fr",
                Some("fr"),
                "<p>Un</p>",
            ),
            (
                "à 12:30 [sic] [: ] [:-)]",
                "fr",
                None,
                "à 12:30 [sic] [: ] [:-)]",
            ),
            ("[:]", "fr", None, "[:]"),
            ("[:fr]Un", "fr", None, "[:fr]Un"),
            ("x[:fr] = y[:ar], z[:]", "fr", None, "x[:fr] = y[:ar], z[:]"),
            ("{:ok} et {:toc}{:}", "fr", None, "{:ok} et {:toc}{:}"),
            ("x[:end]", "fr", None, "x[:end]"),
        ] {
            assert_eq!(of_parts(text, wanted).as_deref(), language, "{text}");
            assert_eq!(part(text, wanted), expected, "{text}");
        }
    }

    #[test]
    fn many_marks_take_no_time() {
        for odd in ["[:fr]", "[:", ":", "<!--:", "[:fr]a[:]"] {
            part(&odd.repeat(200_000), "fr");
        }
    }
}
