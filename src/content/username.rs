//! Names of users and of API keys.

/// Characters of a name.
const MAX: usize = 100;
/// Who appears in the audit trail without being a user.
const RESERVED: [&str; 2] = ["console", "unknown"];

/// A name as it is kept: in lower case.
///
/// # Errors
/// A phrase that says what is wrong.
pub fn parse(text: &str) -> Result<String, String> {
    let name = text.trim().to_ascii_lowercase();
    let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-+@".contains(c);
    if name.is_empty() {
        return Err("is empty".to_owned());
    }
    if name.chars().count() > MAX {
        return Err(format!("is longer than {MAX} characters"));
    }
    if !name.chars().all(sound) {
        return Err(
            "has other characters than letters without accents, digits and . _ - + @".to_owned(),
        );
    }
    // Steps in a path (RFC 3986 section 5.2.4), which no client would send as they are.
    if name == "." || name == ".." {
        return Err("is no name".to_owned());
    }
    match RESERVED.contains(&name.as_str()) {
        true => Err("is kept for the program itself".to_owned()),
        false => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_and_in_lower_case() {
        assert_eq!(
            parse(" Ada@News.example "),
            Ok("ada@news.example".to_owned())
        );
        assert_eq!(parse("a"), Ok("a".to_owned()));
        for text in [
            "",
            " ",
            "a b",
            "é",
            "a:b",
            "a/b",
            ".",
            "..",
            "console",
            "a\0",
            "a\u{202e}",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
        assert!(parse(&"x".repeat(100)).is_ok() && parse(&"x".repeat(101)).is_err());
    }
}
