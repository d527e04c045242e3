//! The teaser of an article that brings none of its own.

/// Characters an excerpt has at the most, its ellipsis included.
pub const MAX_CHARS: usize = 160;

/// The beginning of `text` on one line, cut after a whole word; an ellipsis says that it was cut.
pub fn excerpt(text: &str) -> String {
    let mut line = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        let wanted = word.chars().count() + usize::from(length > 0);
        if length + wanted > MAX_CHARS {
            return shortened(line, text);
        }
        if length > 0 {
            line.push(' ');
        }
        line.push_str(word);
        length += wanted;
    }
    line
}

/// Makes room for the ellipsis, dropping the last word and punctuation where it must.
fn shortened(mut line: String, text: &str) -> String {
    if line.is_empty() {
        // One word longer than an excerpt: a URL, or text without spaces.
        line = text
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .chars()
            .take(MAX_CHARS)
            .collect();
        line.pop();
    } else if line.chars().count() == MAX_CHARS {
        line.truncate(line.rfind(' ').unwrap_or(0));
    }
    let kept = line.trim_end_matches(|c: char| {
        c.is_ascii_punctuation() || "،؛–—…«“".contains(c) || c.is_whitespace()
    });
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_text_is_left_as_it_is() {
        assert_eq!(excerpt("Deux\n mots."), "Deux mots.");
        assert_eq!(excerpt(""), "");
    }

    #[test]
    fn a_long_text_ends_with_a_whole_word() {
        let text = "Les ministres se sont réunis à Rabat, ".repeat(10);
        let cut = excerpt(&text);
        assert!(cut.chars().count() <= MAX_CHARS && cut.chars().count() > 120);
        let kept = cut.strip_suffix('…').unwrap();
        assert!(
            text.split_whitespace()
                .any(|word| kept.ends_with(word.trim_end_matches(',')))
        );
        assert!(!kept.ends_with([' ', ',']));
    }

    #[test]
    fn every_length_stays_within_the_limit() {
        for n in 150..170 {
            let word = "à".repeat(n);
            assert!(excerpt(&word).chars().count() <= MAX_CHARS);
            let two = format!("{} fin de phrase", "à".repeat(n - 4));
            assert!(excerpt(&two).chars().count() <= MAX_CHARS, "{n}");
        }
    }
}
