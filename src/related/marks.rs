//! Names and numbers in a form that languages share: what articles in French and Arabic have in common
//! where no word is the same.
//!
//! A number is itself. A name is its consonants, in classes that Latin and Arabic spelling agree on:
//! "Laftit" and "لفتيت" both give `lftt`.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::hashing::hash;

/// Marks of an article that are kept, the most frequent ones.
pub(super) const KEPT: usize = 32;

/// Fewer consonants than these name nothing.
const LEAST: usize = 3;

/// Tells marks from stems of every language.
const SEED: u64 = 0x6d61_726b;

/// The Arabic article, alone and after what is written together with it. Of a single letter in front of a word
/// nobody can tell whether it is a part of a name; "and" leaves no trace in the consonants.
const PROCLITICS: [&str; 6] = ["وال", "بال", "كال", "فال", "لل", "ال"];

/// The mark of the word at `range` of `text`, if it is a number of two digits or more, a word with a
/// capital within a sentence, or an Arabic word, which has no capitals to tell.
pub(super) fn of(text: &str, range: Range<usize>) -> Option<u32> {
    let word = text.get(range.clone())?;
    let first = word.chars().next()?;
    let key = match first {
        '\u{620}'..='\u{64a}' | '\u{671}'..='\u{6d3}' => arabic(word)?,
        _ if word.chars().all(char::is_numeric) => number(word)?,
        _ if first.is_uppercase() && !begins_sentence(&text[..range.start]) => latin(word)?,
        _ => return None,
    };
    Some(hash(SEED, key.as_bytes()) as u32)
}

/// A capital says nothing at the start of a sentence, a title or a quotation.
fn begins_sentence(before: &str) -> bool {
    let last = before.chars().rev().find(|c| !c.is_whitespace());
    let broken = before.chars().rev().take_while(|c| c.is_whitespace());
    last.is_none_or(|c| !(c.is_alphanumeric() || matches!(c, ',' | '(' | '-' | '\'' | '’')))
        || broken.into_iter().any(|c| c == '\n')
}

fn number(word: &str) -> Option<String> {
    let digits: String = word
        .nfkd()
        .filter_map(|c| match c {
            '٠'..='٩' => char::from_digit(c as u32 - '٠' as u32, 10),
            _ => Some(c),
        })
        .collect();
    (digits.len() >= 2).then_some(digits)
}

fn latin(word: &str) -> Option<String> {
    let letters: Vec<char> = word
        .nfkd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .collect();
    let mut skeleton = Skeleton::default();
    let mut at = 0;
    while at < letters.len() {
        let next = letters.get(at + 1).copied().unwrap_or(' ');
        let soft = matches!(next, 'e' | 'i' | 'y');
        let (class, taken) = match (letters[at], next) {
            ('c' | 's', 'h') => ("$", 2),
            ('k', 'h') => ("x", 2),
            ('g', 'h') => ("g", 2),
            ('t', 'h') => ("t", 2),
            ('d', 'h') => ("d", 2),
            ('p', 'h') => ("f", 2),
            ('d', 'j') => ("j", 2),
            ('g', 'n') => ("n", 2),
            ('c', _) if soft => ("s", 1),
            ('g', _) if soft => ("j", 1),
            ('c' | 'q' | 'k', _) => ("k", 1),
            ('p', _) => ("b", 1),
            ('v', _) => ("f", 1),
            ('x', _) => ("ks", 1),
            ('h', _) if at == 0 => ("h", 1),
            ('b', _) => ("b", 1),
            ('d', _) => ("d", 1),
            ('f', _) => ("f", 1),
            ('g', _) => ("g", 1),
            ('j', _) => ("j", 1),
            ('l', _) => ("l", 1),
            ('m', _) => ("m", 1),
            ('n', _) => ("n", 1),
            ('r', _) => ("r", 1),
            ('s', _) => ("s", 1),
            ('t', _) => ("t", 1),
            ('z', _) => ("z", 1),
            _ => ("", 1),
        };
        skeleton.add(letters[at], class);
        at += taken;
    }
    skeleton.key()
}

fn arabic(word: &str) -> Option<String> {
    let plain: String = word
        .nfkd()
        .filter(|c| !is_combining_mark(*c) && *c != '\u{640}')
        .collect();
    let bare = PROCLITICS
        .iter()
        .find_map(|prefix| {
            plain
                .strip_prefix(prefix)
                .filter(|rest| rest.chars().count() >= LEAST)
        })
        .unwrap_or(&plain);
    let mut skeleton = Skeleton::default();
    for (at, letter) in bare.chars().enumerate() {
        let class = match letter {
            'ب' | 'پ' => "b",
            'ت' | 'ط' | 'ث' => "t",
            'ج' => "j",
            'خ' => "x",
            'د' | 'ض' | 'ذ' | 'ظ' => "d",
            'ر' => "r",
            'ز' => "z",
            'س' | 'ص' => "s",
            'ش' => "$",
            'غ' | 'ڭ' | 'گ' => "g",
            'ف' | 'ڤ' => "f",
            'ق' | 'ك' => "k",
            'ل' => "l",
            'م' => "m",
            'ن' => "n",
            'ح' | 'ه' if at == 0 => "h",
            _ => "",
        };
        skeleton.add(letter, class);
    }
    skeleton.key()
}

/// Consonant classes; a doubled letter counts once.
#[derive(Default)]
struct Skeleton {
    classes: String,
    before: Option<char>,
}

impl Skeleton {
    fn add(&mut self, letter: char, class: &str) {
        if self.before != Some(letter) {
            self.classes.push_str(class);
        }
        self.before = Some(letter);
    }

    fn key(self) -> Option<String> {
        (self.classes.len() >= LEAST).then_some(self.classes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(text: &str, word: &str) -> Option<u32> {
        let at = text.find(word).unwrap();
        of(text, at..at + word.len())
    }

    #[test]
    fn a_name_has_one_mark_in_both_scripts() {
        for (latin, arabic) in [
            ("Laftit", "لفتيت"),
            ("Rabat", "الرباط"),
            ("Macron", "ماكرون"),
            ("Darmanin", "دارمانان"),
            ("Paris", "باريس"),
            ("Madrid", "مدريد"),
            ("Marrakech", "مراكش"),
        ] {
            let written = format!("le ministre {latin} a dit");
            assert!(mark(&written, latin).is_some(), "{latin}");
            assert_eq!(
                mark(&written, latin),
                mark(arabic, arabic),
                "{latin} {arabic}"
            );
        }
    }

    #[test]
    fn numbers_are_themselves_in_all_digits_and_small_ones_are_none() {
        assert_eq!(mark("en 2024", "2024"), mark("عام ٢٠٢٤", "٢٠٢٤"));
        assert_eq!(mark("les 3 rois", "3"), None);
    }

    #[test]
    fn a_word_at_the_start_of_a_sentence_is_no_name() {
        assert_eq!(mark("Demain on verra", "Demain"), None);
        assert_eq!(mark("Fin. Demain on verra", "Demain"), None);
        assert!(mark("la ville de Midelt, hier", "Midelt").is_some());
    }
}
