//! Language families: which analysis an article's words go through, and the mark that keeps them apart.

use crate::content::analysis::analyse;

/// Languages whose words are cut to stems by the same rules. Words of different families never
/// match each other: "pain" in French is bread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    French,
    English,
    Arabic,
    Spanish,
    /// Every other language: words are folded, not stemmed.
    Other,
}

impl Family {
    pub const ALL: [Self; 5] = [
        Self::French,
        Self::English,
        Self::Arabic,
        Self::Spanish,
        Self::Other,
    ];

    /// The family of a BCP 47 tag: `fr-MA` is French.
    pub fn of(language: &str) -> Self {
        let primary = language.split(['-', '_']).next().unwrap_or_default();
        Self::ALL
            .into_iter()
            .find(|family| family.code().eq_ignore_ascii_case(primary))
            .unwrap_or(Self::Other)
    }

    /// The language the analysis knows it by.
    fn code(self) -> &'static str {
        match self {
            Self::French => "fr",
            Self::English => "en",
            Self::Arabic => "ar",
            Self::Spanish => "es",
            Self::Other => "und",
        }
    }

    /// First letter of every term of this family. One field with marked terms rather than a field
    /// per language: a term's document count is then the family's own, and there is one
    /// dictionary, one length per article and one list of positions.
    pub fn mark(self) -> &'static str {
        match self {
            Self::French => "f",
            Self::English => "e",
            Self::Arabic => "a",
            Self::Spanish => "s",
            Self::Other => "o",
        }
    }

    /// Hands each stem of `text`, in order, to `each`.
    pub fn each_stem(self, text: &str, each: &mut dyn FnMut(&str)) {
        analyse(text, self.code(), &mut |stem, _| each(stem));
    }

    /// The terms of `text`, marked, in order.
    pub fn terms(self, text: &str) -> Vec<String> {
        let mut terms = Vec::new();
        self.each_stem(text, &mut |stem| {
            terms.push(format!("{}{stem}", self.mark()))
        });
        terms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_belongs_to_the_family_of_its_primary_language() {
        for (tag, family) in [
            ("fr", Family::French),
            ("fr-MA", Family::French),
            ("AR", Family::Arabic),
            ("es-419", Family::Spanish),
            ("en_GB", Family::English),
            ("fra", Family::Other),
            ("de", Family::Other),
            ("", Family::Other),
        ] {
            assert_eq!(Family::of(tag), family, "{tag:?}");
        }
    }

    #[test]
    fn the_same_word_in_two_families_is_two_terms() {
        assert_eq!(Family::French.terms("Maroc").len(), 1);
        assert_ne!(Family::French.terms("Maroc"), Family::Other.terms("Maroc"));
    }

    #[test]
    fn accents_and_inflections_do_not_part_french_words() {
        for (one, other) in [
            ("sécurité", "securite"),
            ("SÉCURITÉ", "sécurités"),
            ("contrôlée", "contrôlé"),
            ("controlees", "contrôler"),
            ("années", "annee"),
            ("l’élève", "eleves"),
            ("vallée", "VALLEES"),
        ] {
            let terms = Family::French.terms(one);
            assert_eq!(terms, Family::French.terms(other), "{one} {other}");
            assert_eq!(terms.len(), 1, "{one}");
        }
    }
}
