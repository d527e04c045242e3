//! Patterns of paths, as Hugo and Jekyll write them: `*` and `?` within a part, `**` across parts, `[a-z]` and
//! `{one,other}`.

use std::iter::Peekable;
use std::str::Chars;

/// Characters of a pattern.
const MAX_PATTERN: usize = 500;

#[derive(Debug)]
pub struct Glob(Vec<Token>);

#[derive(Debug)]
enum Token {
    Letter(char),
    /// `?`
    Any,
    /// `*`, and `**` where a slash counts, too.
    Many {
        has_slashes: bool,
    },
    /// `[a-z]`, and `[!a-z]` for all others.
    Class {
        ranges: Vec<(char, char)>,
        is_negated: bool,
    },
    Either(Vec<Vec<Token>>),
}

impl Glob {
    /// `None` where it is no pattern.
    pub fn parse(pattern: &str) -> Option<Self> {
        if pattern.chars().count() > MAX_PATTERN {
            return None;
        }
        let mut rest = pattern.chars().peekable();
        let tokens = tokens(&mut rest, false)?;
        rest.next().is_none().then_some(Self(tokens))
    }

    /// Whether it is a pattern of the whole path.
    pub fn matches(&self, path: &str) -> bool {
        let path: Vec<char> = path.chars().collect();
        let mut places = vec![false; path.len() + 1];
        places[0] = true;
        ends(&self.0, &path, places)[path.len()]
    }
}

/// Up to the end, or to what ends one of several alternatives.
fn tokens(rest: &mut Peekable<Chars>, is_alternative: bool) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    while let Some(&c) = rest.peek() {
        if is_alternative && matches!(c, ',' | '}') {
            break;
        }
        rest.next();
        tokens.push(match c {
            '?' => Token::Any,
            '*' => Token::Many {
                has_slashes: rest.next_if_eq(&'*').is_some(),
            },
            '[' => class(rest)?,
            '{' => Token::Either(alternatives(rest)?),
            '\\' => Token::Letter(rest.next()?),
            c => Token::Letter(c),
        });
    }
    Some(tokens)
}

fn alternatives(rest: &mut Peekable<Chars>) -> Option<Vec<Vec<Token>>> {
    let mut all = Vec::new();
    loop {
        all.push(tokens(rest, true)?);
        if rest.next()? == '}' {
            return Some(all);
        }
    }
}

fn class(rest: &mut Peekable<Chars>) -> Option<Token> {
    let is_negated = rest.next_if(|c| matches!(c, '!' | '^')).is_some();
    let mut ranges = Vec::new();
    loop {
        let from = match rest.next()? {
            ']' => return Some(Token::Class { ranges, is_negated }),
            c => c,
        };
        let to = match rest.next_if_eq(&'-') {
            Some(_) => rest.next()?,
            None => from,
        };
        ranges.push((from, to));
    }
}

/// Where the tokens may end that begin at one of these places. All are followed at once: no pattern takes long.
fn ends(tokens: &[Token], path: &[char], mut places: Vec<bool>) -> Vec<bool> {
    for token in tokens {
        places = match token {
            Token::Letter(letter) => next(path, &places, |c| c == *letter),
            Token::Any => next(path, &places, |c| c != '/'),
            Token::Class { ranges, is_negated } => next(path, &places, |c| {
                let is_in = ranges.iter().any(|(from, to)| (*from..=*to).contains(&c));
                c != '/' && is_in != *is_negated
            }),
            Token::Many { has_slashes } => {
                for (at, c) in path.iter().enumerate() {
                    if places[at] && (*has_slashes || *c != '/') {
                        places[at + 1] = true;
                    }
                }
                places
            }
            Token::Either(all) => {
                let mut either = vec![false; places.len()];
                for tokens in all {
                    let ends = ends(tokens, path, places.clone());
                    either
                        .iter_mut()
                        .zip(ends)
                        .for_each(|(any, end)| *any |= end);
                }
                either
            }
        };
    }
    places
}

fn next(path: &[char], places: &[bool], fits: impl Fn(char) -> bool) -> Vec<bool> {
    let mut next = vec![false; places.len()];
    for (at, c) in path.iter().enumerate() {
        next[at + 1] = places[at] && fits(*c);
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_and_paths() {
        let matches = |pattern: &str, path: &str| Glob::parse(pattern).unwrap().matches(path);
        for (pattern, path) in [
            ("/brouillons/**", "/brouillons/a/b"),
            ("{/actu,/actu/**}", "/actu"),
            ("{/actu,/actu/**}", "/actu/été"),
            ("/*/a?", "/x/ab"),
            ("/[a-c]/[!x]", "/b/y"),
            ("**", ""),
            ("{fr,ar-*}", "ar-ma"),
            ("a\\*", "a*"),
            ("/**/{a,{b,c}d}", "/x/cd"),
        ] {
            assert!(matches(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [
            ("/brouillons/**", "/actu/a"),
            ("/brouillons/**", "/brouillons"),
            ("/*", "/a/b"),
            ("/a?", "/a/"),
            ("/[!a]", "/a"),
            ("a\\*", "ab"),
            ("{a,b", "a"),
        ] {
            let glob = Glob::parse(pattern);
            assert!(
                !glob.is_some_and(|glob| glob.matches(path)),
                "{pattern} {path}"
            );
        }
        for odd in ["{a", "[a", "a\\", &"a".repeat(501)] {
            assert!(Glob::parse(odd).is_none(), "{odd}");
        }
        assert!(!matches(&"*a".repeat(200), &"a".repeat(150)));
        assert!(!matches(&("{*,**}".repeat(80) + "x"), &"a/".repeat(2_000)));
    }
}
