//! What Ghost shows only to some members, inside an article that everyone may read.
//!
//! The editor puts `<!--kg-gated-block:begin nonMember:false memberSegment:"status:free"-->` before it and
//! `<!--kg-gated-block:end-->` behind it, and the site takes out what a reader may not see.

/// The text as visitors see it, and how many parts were taken out. A part without an end goes to the end.
pub fn without(html: &str) -> (String, u64) {
    let mut written = String::with_capacity(html.len());
    let mut cut = 0;
    // Marks that are open inside a part that is cut.
    let mut depth = 0;
    let mut rest = html;
    while let Some(at) = rest.find("<!--") {
        let (before, comment) = rest.split_at(at);
        if depth == 0 {
            written.push_str(before);
        }
        let end = comment.find("-->").map_or(comment.len(), |end| end + 3);
        let (comment, after) = comment.split_at(end);
        rest = after;
        let inner = comment[4..].trim_end_matches("-->").trim();
        match inner.strip_prefix("kg-gated-block:") {
            Some(mark) if mark.starts_with("end") => depth = usize::saturating_sub(depth, 1),
            Some(_) if depth > 0 => depth += 1,
            Some(mark) if is_for_visitors(mark) => {}
            Some(_) => {
                depth = 1;
                cut += 1;
            }
            None if depth == 0 => written.push_str(comment),
            None => {}
        }
    }
    if depth == 0 {
        written.push_str(rest);
    }
    (written, cut)
}

fn is_for_visitors(mark: &str) -> bool {
    mark.split_whitespace().any(|word| word == "nonMember:true")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_visitors_do_not_see_is_cut() {
        let secret =
            "<!--kg-gated-block:begin nonMember:false memberSegment:\"status:free\" -->S<!--x-->";
        for (html, expected, cut) in [
            (format!("a{secret}<!--kg-gated-block:end-->b"), "ab", 1),
            (format!("a{secret}"), "a", 1),
            (
                format!("a{secret}{secret}<!-- kg-gated-block:end -->S<!--kg-gated-block:end-->b"),
                "ab",
                1,
            ),
            (
                "a<!--kg-gated-block:begin nonMember:true memberSegment:\"\" -->b<!--kg-gated-block:end--><!--c-->"
                    .to_owned(),
                "ab<!--c-->",
                0,
            ),
            ("a<!--kg-gated-block:begin-->S".to_owned(), "a", 1),
            ("a<!--kg-gated-block:beg".to_owned(), "a", 1),
        ] {
            assert_eq!(without(&html), (expected.to_owned(), cut), "{html}");
        }
    }
}
