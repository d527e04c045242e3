//! What a reader types: words that must all occur, "phrases", and -words or -"phrases" that must not.

use super::family::Family;

/// Words one query may hold, those of phrases and those left out included.
pub const MAX_WORDS: usize = 32;

/// A query's words. Each piece is a word or a phrase as typed: what it means depends on the
/// language of the articles it is compared with, so it is analysed when searching.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    pub(super) wanted: Vec<String>,
    pub(super) unwanted: Vec<String>,
}

/// Why a query cannot be searched for; the sentence goes on from the parameter's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    #[error("holds no word to search for: a word has at least two letters, or is a number")]
    Nothing,
    #[error("only says what to leave out: add a word to search for")]
    OnlyExclusions,
    #[error("holds {0} words: at most {MAX_WORDS} can be searched for at once")]
    TooManyWords(usize),
}

impl Text {
    /// Everything but quotes and a leading minus is plain text: `AND`, `*` or `title:` have no
    /// meaning of their own, and a quote left open closes at the end.
    ///
    /// # Errors
    /// When nothing is left to search for, or too much.
    pub fn parse(q: &str) -> Result<Self, TextError> {
        let pieces: Vec<(Piece, usize)> = pieces(q)
            .into_iter()
            .map(|piece| {
                let words = words(&piece.text);
                (piece, words)
            })
            .filter(|&(_, words)| words > 0)
            .collect();

        let total = pieces.iter().map(|&(_, words)| words).sum();
        if total > MAX_WORDS {
            return Err(TextError::TooManyWords(total));
        }
        let (mut wanted, mut unwanted) = (Vec::new(), Vec::new());
        for (piece, _) in pieces {
            let list = if piece.unwanted {
                &mut unwanted
            } else {
                &mut wanted
            };
            if !list.contains(&piece.text) {
                list.push(piece.text);
            }
        }
        match (wanted.is_empty(), unwanted.is_empty()) {
            (true, true) => Err(TextError::Nothing),
            (true, false) => Err(TextError::OnlyExclusions),
            _ => Ok(Self { wanted, unwanted }),
        }
    }
}

/// Words in a piece, in the family that finds most: families differ in what they drop.
fn words(piece: &str) -> usize {
    let count = |family: Family| {
        let mut words = 0;
        family.each_stem(piece, &mut |_| words += 1);
        words
    };
    Family::ALL.into_iter().map(count).max().unwrap_or(0)
}

#[derive(Default)]
struct Piece {
    text: String,
    unwanted: bool,
}

fn pieces(q: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut piece = Piece::default();
    let mut quoted = false;
    for c in q.chars() {
        if is_quote(c) {
            if quoted || !piece.text.is_empty() {
                pieces.push(std::mem::take(&mut piece));
            }
            quoted = !quoted;
        } else if !quoted && parts_words(c) {
            pieces.push(std::mem::take(&mut piece));
        } else if !quoted && c == '-' && piece.text.is_empty() && !piece.unwanted {
            piece.unwanted = true;
        } else {
            piece.text.push(c);
        }
    }
    pieces.push(piece);
    pieces
}

/// Any kind of quote opens a phrase and any kind closes it; people mix them.
fn is_quote(c: char) -> bool {
    matches!(c, '"' | '“' | '”' | '„' | '«' | '»')
}

/// Hyphens, apostrophes and dots hold a word together ("porte-parole", "l'eau", "3.5"), and what
/// they hold together is sought as a phrase; these part words as a space does.
fn parts_words(c: char) -> bool {
    c.is_whitespace() || c.is_control() || ",;:!?()[]{}<>/\\|^~*+=،؛؟".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(q: &str) -> (Vec<String>, Vec<String>) {
        let text = Text::parse(q).unwrap();
        (text.wanted, text.unwanted)
    }

    #[test]
    fn words_phrases_and_exclusions_are_told_apart() {
        let (wanted, unwanted) =
            parts("roses \"festival des roses\" -pluie -«mauvais temps» porte-parole");
        assert_eq!(wanted, ["roses", "festival des roses", "porte-parole"]);
        assert_eq!(unwanted, ["pluie", "mauvais temps"]);
    }

    #[test]
    fn an_open_quote_closes_at_the_end_and_an_empty_one_is_nothing() {
        assert_eq!(parts("\"festival des").0, ["festival des"]);
        assert_eq!(parts("\"\" roses").0, ["roses"]);
        assert_eq!(
            parts("mot\"une phrase\"suite").0,
            ["mot", "une phrase", "suite"]
        );
    }

    #[test]
    fn operators_of_other_search_engines_are_plain_text() {
        let (wanted, unwanted) = parts("(roses AND titre:eau*) +pluie ~dix^3 [an TO 20]");
        assert_eq!(
            wanted,
            [
                "roses", "AND", "titre", "eau", "pluie", "dix", "3", "an", "TO", "20"
            ]
        );
        assert!(unwanted.is_empty());
    }

    #[test]
    fn a_lone_minus_or_an_inner_one_excludes_nothing() {
        assert_eq!(parts("roses - eau").1, Vec::<String>::new());
        assert_eq!(parts("roses- porte-parole").1, Vec::<String>::new());
        assert_eq!(parts("roses --eau").1, ["-eau"]);
    }

    #[test]
    fn a_repeated_word_is_sought_once() {
        assert_eq!(
            parts("eau eau -sel -sel"),
            (vec!["eau".into()], vec!["sel".into()])
        );
    }

    #[test]
    fn nothing_to_search_for_is_said() {
        for q in [
            "",
            "  ",
            "\0\0",
            "?!… — «»",
            "-",
            "\"",
            "🌹🌵",
            "a b c",
            "-( )",
        ] {
            assert_eq!(Text::parse(q), Err(TextError::Nothing), "{q:?}");
        }
        for q in ["-eau", "-\"les roses\" -", "a -eau"] {
            assert_eq!(Text::parse(q), Err(TextError::OnlyExclusions), "{q:?}");
        }
    }

    #[test]
    fn words_are_counted_wherever_they_stand() {
        let many = |count: usize| vec!["mot"; count].join(" ");
        let distinct: Vec<String> = (0..40).map(|n| format!("mot{n}")).collect();
        assert!(Text::parse(&distinct[..32].join(" ")).is_ok());
        assert_eq!(
            Text::parse(&distinct[..33].join(" ")),
            Err(TextError::TooManyWords(33))
        );
        assert_eq!(
            Text::parse(&format!("\"{}\" -\"{}\"", many(20), many(20))),
            Err(TextError::TooManyWords(40))
        );
        // One "word" of many parts counts as many.
        assert_eq!(
            Text::parse(&vec!["mot"; 2000].join("-")),
            Err(TextError::TooManyWords(2000))
        );
    }

    #[test]
    fn arabic_and_control_characters_part_words() {
        assert_eq!(parts("الماء، الورود").0, ["الماء", "الورود"]);
        assert_eq!(parts("eau\0roses").0, ["eau", "roses"]);
    }
}
