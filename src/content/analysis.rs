//! Language analysis: from text to the terms that search and the related engine compare.
//!
//! The same term comes out with or without accents, because readers type "securite": accents are
//! folded before stemming, and the few endings whose stemming rule needs an accent get it back.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use rust_stemmers::{Algorithm, Stemmer};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{canonical_combining_class, is_combining_mark};

use crate::content::vocabulary::Vocabulary;

/// Longer tokens are addresses and base64, not words.
const LONGEST_TOKEN: usize = 40;

/// Calls `each(term, byte_range_in_text)` for every token of `text`, in order.
///
/// A term is an NFKC, lowercased, accent-folded stem; `language` is a BCP 47 tag such as "fr",
/// "fr-MA", "ar", "en" or "es" (others: no stemming). The range covers the token as written,
/// without an elided article: "l’école" gives the range of "école". Tokens of one character are
/// dropped unless they are digits or ideographs, and so are tokens of more than 40 characters.
pub fn analyse(text: &str, language: &str, each: &mut dyn FnMut(&str, Range<usize>)) {
    let language = Language::of(language);
    Stems::with(|stems| {
        let mut rest = 0;
        while let Some(word) = next_word(text, rest) {
            rest = word.end;
            let token = without_elision(text, word, language);
            let written = &text[token.clone()];
            if let Some(term) = stems.term(written, language)
                && !term.is_empty()
            {
                each(term, token);
            }
        }
    });
}

/// Lowercased, accents folded, white space collapsed: for accent-insensitive comparison of names.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        fold_into(word, &mut folded);
    }
    folded
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Language {
    French,
    English,
    Spanish,
    Arabic,
    Other,
}

impl Language {
    fn of(tag: &str) -> Self {
        match primary_subtag(tag).as_ref() {
            "fr" => Self::French,
            "en" => Self::English,
            "es" => Self::Spanish,
            "ar" => Self::Arabic,
            _ => Self::Other,
        }
    }
}

/// "fr" of "fr-MA": what decides stemming and which articles are compared.
pub fn primary_subtag(tag: &str) -> Cow<'_, str> {
    let primary = tag.split(['-', '_']).next().unwrap_or(tag);
    match primary.bytes().any(|b| b.is_ascii_uppercase()) {
        true => Cow::Owned(primary.to_ascii_lowercase()),
        false => Cow::Borrowed(primary),
    }
}

/// The next word at or after byte `start`: UAX #29 word boundaries, reduced to what news text
/// needs. Letters, digits and marks hold together; an apostrophe, full stop or middle dot joins
/// letters, a full stop, comma or apostrophe joins digits. Ideographs and kana stand alone.
fn next_word(text: &str, start: usize) -> Option<Range<usize>> {
    let mut chars = text[start..]
        .char_indices()
        .map(|(at, c)| (start + at, c))
        .peekable();
    let (begin, first) = chars.by_ref().find(|&(_, c)| is_word(c))?;
    let mut end = begin + first.len_utf8();
    if stands_alone(first) {
        return Some(begin..end);
    }
    let mut last = first;
    while let Some(&(at, c)) = chars.peek() {
        if is_word(c) && !stands_alone(c) {
            chars.next();
        } else if joins(last, c) {
            let mut ahead = chars.clone();
            ahead.next();
            match ahead.peek() {
                Some(&(_, after)) if same_kind(last, after) => drop(chars.next()),
                _ => break,
            }
            continue;
        } else {
            break;
        }
        end = at + c.len_utf8();
        last = c;
    }
    Some(begin..end)
}

fn is_word(c: char) -> bool {
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' => true,
        _ if c.is_ascii() => false,
        // As the next line would find, after a longer look.
        'à'..='ö' | 'ø'..='ÿ' => true,
        _ => c.is_alphanumeric() || is_combining_mark(c) || c == '\u{640}',
    }
}

fn stands_alone(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3fffd}')
}

fn joins(before: char, c: char) -> bool {
    match c {
        '.' | '\'' | '’' | '\u{2bc}' => true,
        '·' => before.is_alphabetic(),
        ',' => before.is_numeric(),
        _ => false,
    }
}

fn same_kind(before: char, after: char) -> bool {
    !stands_alone(after)
        && ((before.is_numeric() && after.is_numeric())
            || (before.is_alphabetic() || is_combining_mark(before)) && after.is_alphabetic())
}

/// The token without a French elided word in front ("l’", "qu'") or an English genitive behind.
fn without_elision(text: &str, word: Range<usize>, language: Language) -> Range<usize> {
    let written = &text[word.clone()];
    let is_apostrophe = |c: char| matches!(c, '\'' | '’' | '\u{2bc}');
    // Their first bytes, of which most words have none.
    if !written
        .bytes()
        .any(|byte| matches!(byte, b'\'' | 0xe2 | 0xca))
    {
        return word;
    }
    match language {
        Language::French => {
            let mut start = 0;
            // "jusqu’à l’", "qu’l’": some stand in a row, and a hostile text has very many.
            while let Some((at, mark)) = written[start..]
                .char_indices()
                .find(|&(_, c)| is_apostrophe(c))
                && is_elided(&written[start..start + at])
            {
                start += at + mark.len_utf8();
            }
            word.start + start..word.end
        }
        Language::English => match written.char_indices().rfind(|&(_, c)| is_apostrophe(c)) {
            Some((at, mark)) if written[at + mark.len_utf8()..].eq_ignore_ascii_case("s") => {
                word.start..word.start + at
            }
            _ => word,
        },
        _ => word,
    }
}

fn is_elided(before: &str) -> bool {
    const ELIDED: [&str; 13] = [
        "l", "d", "j", "n", "s", "c", "m", "t", "qu", "lorsqu", "puisqu", "jusqu", "quoiqu",
    ];
    ELIDED
        .iter()
        .any(|elided| before.eq_ignore_ascii_case(elided))
}

/// Vocabularies that no one uses now, the last used on top.
static SPARE: Mutex<Vec<Stems>> = Mutex::new(Vec::new());

/// As many are kept as may well be used at a time.
const SPARES: usize = 8;

/// Stems met before, and some room to find others. Whoever analyses a text has one alone.
#[derive(Default)]
struct Stems {
    known: [Vocabulary; 5],
    scratch: String,
}

impl Stems {
    /// Gives `work` the vocabulary used last: words that one text has are met again in others.
    fn with(work: impl FnOnce(&mut Self)) {
        let spare = || SPARE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stems = spare().pop().unwrap_or_default();
        work(&mut stems);
        let mut spare = spare();
        if spare.len() < SPARES {
            spare.push(stems);
        }
    }

    fn term(&mut self, written: &str, language: Language) -> Option<&str> {
        // Longest in bytes: 40 characters of 4 bytes, with as many marks.
        if written.len() > LONGEST_TOKEN * 8 {
            return None;
        }
        let Self { known, scratch } = self;
        // A Snowball stemmer takes ten times as long as a lookup.
        known[language as usize].stem(written, || {
            scratch.clear();
            term_of(written, language, scratch)
        })
    }
}

fn term_of<'a>(written: &str, language: Language, scratch: &'a mut String) -> Option<&'a str> {
    fold_into(written, scratch);
    let length = scratch.chars().count();
    let alone = |c: char| c.is_numeric() || stands_alone(c);
    if length > LONGEST_TOKEN || length < 2 && !scratch.chars().any(alone) {
        return None;
    }
    match language {
        Language::French => {
            restore_french(scratch);
            stem(Algorithm::French, scratch);
        }
        Language::Spanish => {
            restore_spanish(scratch);
            stem(Algorithm::Spanish, scratch);
        }
        Language::English => stem(Algorithm::English, scratch),
        Language::Arabic => light10(scratch),
        Language::Other => {}
    }
    Some(scratch)
}

fn stem(algorithm: Algorithm, word: &mut String) {
    let stemmed = Stemmer::create(algorithm).stem(word).into_owned();
    word.clear();
    fold_into(&stemmed, word);
}

/// Endings whose Snowball rule asks for an accent (-ité, -ée, -ière), given back whether or not
/// the accent was written, so that "securite" and "sécurité" go the same way.
/// <https://snowballstem.org/algorithms/french/stemmer.html>
fn restore_french(word: &mut String) {
    const ENDINGS: [(&str, &str); 6] = [
        ("ite", "ité"),
        ("ites", "ités"),
        ("ee", "ée"),
        ("ees", "ées"),
        ("iere", "ière"),
        ("ieres", "ières"),
    ];
    restore(word, &ENDINGS);
}

/// As for French: -ción and -logía, not -ía, which would part "noticia" from "noticias".
/// <https://snowballstem.org/algorithms/spanish/stemmer.html>
fn restore_spanish(word: &mut String) {
    const ENDINGS: [(&str, &str); 3] = [("cion", "ción"), ("logia", "logía"), ("logias", "logías")];
    restore(word, &ENDINGS);
}

fn restore(word: &mut String, endings: &[(&str, &str)]) {
    if let Some((plain, accented)) = endings.iter().find(|(plain, _)| word.ends_with(plain)) {
        word.truncate(word.len() - plain.len());
        word.push_str(accented);
    }
}

/// Larkey, Ballesteros and Connell's light stemmer: one prefix, then suffixes, while enough of the
/// word remains. "Light Stemming for Arabic Information Retrieval" (2007), table 12.1, light10.
fn light10(word: &mut String) {
    const PREFIXES: [&str; 7] = ["وال", "بال", "كال", "فال", "لل", "ال", "و"];
    const SUFFIXES: [&str; 9] = ["ها", "ان", "ات", "ون", "ين", "يه", "ه", "ي", "ة"];
    let length = |text: &str| text.chars().count();
    for prefix in PREFIXES {
        // "و" begins many roots: three letters must remain, two after an article.
        let least = if prefix == "و" { 3 } else { 2 };
        if let Some(rest) = word.strip_prefix(prefix)
            && length(rest) >= least
        {
            *word = rest.to_owned();
            break;
        }
    }
    for suffix in SUFFIXES {
        if let Some(rest) = word.strip_suffix(suffix)
            && length(rest) >= 2
        {
            word.truncate(rest.len());
        }
    }
}

/// NFKC, lowercase, marks dropped, ligatures and Arabic letter variants made one.
fn fold_into(word: &str, folded: &mut String) {
    if word.is_ascii() {
        folded.extend(word.chars().map(|c| c.to_ascii_lowercase()));
        return;
    }
    for c in word.nfkd().filter(|&c| !is_dropped(c)) {
        match c {
            'œ' | 'Œ' => folded.push_str("oe"),
            'æ' | 'Æ' => folded.push_str("ae"),
            'ß' | 'ẞ' => folded.push_str("ss"),
            'ø' | 'Ø' => folded.push('o'),
            'đ' | 'Đ' => folded.push('d'),
            'ł' | 'Ł' => folded.push('l'),
            'ı' => folded.push('i'),
            '’' | '\u{2bc}' => folded.push('\''),
            // Alef wasla and the Persian letters that Arabic keyboards of the region produce.
            'ٱ' => folded.push('ا'),
            'ى' | 'ی' => folded.push('ي'),
            'ک' => folded.push('ك'),
            'ة' => folded.push('ه'),
            '٠'..='٩' => folded.extend(char::from_digit(c as u32 - '٠' as u32, 10)),
            _ => folded.extend(c.to_lowercase()),
        }
    }
}

/// Accents, Arabic vowel signs and the hamza carried by a letter (NFKD parts them), and tatweel.
/// Indic and Thai marks have combining class 0 or 9 and stay: they are vowels.
fn is_dropped(c: char) -> bool {
    match c {
        '\u{640}' | '\u{ad}' | '\u{200b}'..='\u{200f}' => true,
        _ => !matches!(
            canonical_combining_class(c),
            0 | 7 | 9 | 84 | 91 | 103 | 107 | 118 | 122
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn very_many_elided_words_in_a_row_are_no_trouble() {
        let text = "l'".repeat(500_000) + "eau";
        let mut seen = Vec::new();
        analyse(&text, "fr", &mut |term, _| seen.push(term.to_owned()));
        assert_eq!(seen, ["eau"]);
    }
}
