//! The language of a text, as a BCP 47 tag (RFC 5646).

/// A language tag in its canonical case: `fr`, `fr-MA`, `zh-Hant`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Language(String);

impl Language {
    /// # Errors
    /// A phrase that says what is expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut subtags = text.split('-');
        let primary = subtags.next().unwrap_or_default();
        let well_formed = (2..=3).contains(&primary.len())
            && primary.bytes().all(|b| b.is_ascii_alphabetic())
            && text.len() <= 35
            && text.split('-').skip(1).all(|subtag| {
                (1..=8).contains(&subtag.len()) && subtag.bytes().all(|b| b.is_ascii_alphanumeric())
            });
        if !well_formed {
            return Err(format!(
                "{text:?} is not a language tag such as fr, ar or en-GB"
            ));
        }
        let mut canonical = primary.to_ascii_lowercase();
        for subtag in subtags {
            canonical.push('-');
            canonical.push_str(&canonical_case(subtag));
        }
        Ok(Self(canonical))
    }

    /// `und`: not known.
    pub fn undetermined() -> Self {
        Self("und".to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The primary language of a tag: `fr` of `fr-MA`.
pub fn primary(tag: &str) -> &str {
    tag.split('-').next().unwrap_or(tag)
}

/// RFC 5646 section 2.1.1: regions in capitals, scripts in title case, the rest small.
fn canonical_case(subtag: &str) -> String {
    let mut cased = subtag.to_ascii_lowercase();
    match subtag.len() {
        2 => cased.make_ascii_uppercase(),
        4 if subtag.bytes().all(|b| b.is_ascii_alphabetic()) => cased[..1].make_ascii_uppercase(),
        _ => {}
    }
    cased
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_put_in_canonical_case() {
        for (given, canonical) in [
            ("FR", "fr"),
            ("fr-ma", "fr-MA"),
            ("zh-hant-tw", "zh-Hant-TW"),
        ] {
            assert_eq!(Language::parse(given).unwrap().as_str(), canonical);
        }
        assert_eq!(primary("fr-MA"), "fr");
    }

    #[test]
    fn what_is_no_tag_is_refused() {
        for bad in ["", "f", "french", "fr_MA", "fr-", "é", "fr-toolongsubtag"] {
            assert!(Language::parse(bad).is_err(), "{bad:?}");
        }
    }
}
