//! The name of an article or a tag in a URL.

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use uuid::Uuid;

/// Bytes a slug may have.
const MAX_BYTES: usize = 240;
/// Characters a slug made from a headline has at the most.
const MAX_MADE: usize = 80;

/// A valid slug: letters and digits of any script, `-`, `_`, `.` and `~`; never an id's shape.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slug(String);

impl Slug {
    /// # Errors
    /// A phrase that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("is empty".to_owned());
        }
        if text.len() > MAX_BYTES {
            return Err(format!("is longer than {MAX_BYTES} bytes"));
        }
        if let Some(c) = text.chars().find(|&c| !allowed(c)) {
            return Err(format!(
                "has the character {c:?}; letters, digits and - _ . ~ are allowed"
            ));
        }
        if text.chars().all(|c| c == '.') {
            return Err("consists of dots".to_owned());
        }
        if Uuid::try_parse(text).is_ok() {
            return Err("looks like an id".to_owned());
        }
        Ok(Self(text.to_owned()))
    }

    /// Makes a slug of a headline or a name: lower case, accents dropped, words joined by hyphens,
    /// cut after a whole word. A text without a letter gives `fallback`.
    pub fn from_text(text: &str, fallback: &str) -> Self {
        let mut slug = String::new();
        let mut length = 0;
        for word in words(text) {
            let wanted = word.chars().count() + usize::from(length > 0);
            if length > 0 && length + wanted > MAX_MADE {
                break;
            }
            if length > 0 {
                slug.push('-');
            }
            slug.extend(word.chars().take(MAX_MADE));
            length += wanted;
        }
        Self::parse(&slug).unwrap_or_else(|_| Self(fallback.to_owned()))
    }

    /// The same with a suffix, for when it is taken.
    pub fn with_suffix(&self, suffix: &str) -> Self {
        let mut stem = self.0.as_str();
        while stem.len() + suffix.len() + 1 > MAX_BYTES {
            let mut chars = stem.chars();
            chars.next_back();
            stem = chars.as_str();
        }
        Self(format!("{stem}-{suffix}"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn allowed(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c) || "-_.~".contains(c)
}

/// Lower-cased words of letters and digits, without their accents.
fn words(text: &str) -> impl Iterator<Item = String> {
    let mut plain = String::with_capacity(text.len());
    for c in text.nfkd().filter(|&c| !is_combining_mark(c)) {
        match c {
            'œ' | 'Œ' => plain.push_str("oe"),
            'æ' | 'Æ' => plain.push_str("ae"),
            'ß' => plain.push_str("ss"),
            'ø' | 'Ø' => plain.push('o'),
            'ـ' => {} // Arabic tatweel only stretches a word
            c => plain.extend(c.to_lowercase()),
        }
    }
    let words: Vec<String> = plain
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    words.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(text: &str) -> String {
        Slug::from_text(text, "article").to_string()
    }

    #[test]
    fn a_headline_becomes_plain_words() {
        assert_eq!(
            made("L’été à Fès : « cœur » d’Œuvres"),
            "l-ete-a-fes-coeur-d-oeuvres"
        );
        assert_eq!(made("الماء في الواحة"), "الماء-في-الواحة");
        assert_eq!(made("?!"), "article");
    }

    #[test]
    fn it_is_cut_after_a_whole_word() {
        let slug = made(&"barrage ".repeat(30));
        assert!(slug.len() <= 80 && slug.ends_with("barrage"), "{slug}");
        assert_eq!(made(&"x".repeat(300)).len(), 80);
    }

    #[test]
    fn what_would_break_a_url_is_refused() {
        for bad in [
            "",
            "a b",
            "a/b",
            "a?b",
            "a%20b",
            "..",
            "a\0",
            "01921c5e-7a1a-7000-8000-000000000001",
        ] {
            assert!(Slug::parse(bad).is_err(), "{bad:?}");
        }
        for good in ["réussir-2024", "why_simplicity", "v1.0~rc", "الماء"] {
            assert!(Slug::parse(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn a_suffix_never_makes_it_too_long() {
        let long = Slug::parse(&"é".repeat(120)).unwrap();
        assert!(long.with_suffix("12345678").as_str().len() <= MAX_BYTES);
    }
}
