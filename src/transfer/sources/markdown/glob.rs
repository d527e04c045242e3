//! Patterns of paths, as Hugo and Jekyll write them: `*` and `?` within a part, `**` across parts, `[a-z]` and
//! `{one,other}`.

use globset::{GlobBuilder, GlobMatcher};

/// Characters of a pattern.
const MAX_PATTERN: usize = 500;

#[derive(Debug)]
pub struct Glob(GlobMatcher);

impl Glob {
    /// `None` where it is no pattern.
    pub fn parse(pattern: &str) -> Option<Self> {
        if pattern.chars().count() > MAX_PATTERN {
            return None;
        }
        let glob = GlobBuilder::new(pattern)
            .literal_separator(!crosses_inside(pattern))
            .build();
        Some(Self(glob.ok()?.compile_matcher()))
    }

    /// Whether it is a pattern of the whole path.
    pub fn matches(&self, path: &str) -> bool {
        self.0.is_match(path)
    }
}

/// Whether `**` stands where globset takes it for `*`: anywhere but for a whole part. Such a pattern crosses parts as a
/// whole, which matches rather too much than too little.
fn crosses_inside(pattern: &str) -> bool {
    pattern.match_indices("**").any(|(at, stars)| {
        let before = pattern[..at].chars().next_back();
        let after = pattern[at + stars.len()..].chars().next();
        match before {
            None | Some('{' | ',') => !matches!(after, None | Some('/')),
            Some('/') => !matches!(after, None | Some('/' | ',' | '}')),
            Some(_) => true,
        }
    })
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
            ("/drafts**", "/drafts/x"),
            ("/drafts**", "/drafts-of-may/a/x"),
            ("/{**,a}", "/x/y"),
            ("{/a,/b}**", "/b/x/y"),
            ("**.fr", "/a/b.fr"),
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
