//! The tag expression of a list: `a,b` both, `a|b` either, `-a` not, parentheses.

use std::fmt;

/// A condition on the tags an article bears; `T` is a slug as written, later a tag's number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TagFilter<T> {
    Is(T),
    Not(Box<TagFilter<T>>),
    All(Vec<TagFilter<T>>),
    Any(Vec<TagFilter<T>>),
}

/// Parentheses and minus signs may nest this deep.
const MAX_DEPTH: usize = 8;
/// Tags an expression may name.
const MAX_TAGS: usize = 50;

impl<T> TagFilter<T> {
    /// Replaces each tag by what `resolve` finds for it; the first failure ends it.
    pub fn try_map<U, E, F>(&self, resolve: &mut F) -> Result<TagFilter<U>, E>
    where
        F: FnMut(&T) -> Result<U, E>,
    {
        Ok(match self {
            Self::Is(tag) => TagFilter::Is(resolve(tag)?),
            Self::Not(inner) => TagFilter::Not(Box::new(inner.try_map(resolve)?)),
            Self::All(filters) => TagFilter::All(map_each(filters, resolve)?),
            Self::Any(filters) => TagFilter::Any(map_each(filters, resolve)?),
        })
    }
}

fn map_each<T, U, E, F>(filters: &[TagFilter<T>], resolve: &mut F) -> Result<Vec<TagFilter<U>>, E>
where
    F: FnMut(&T) -> Result<U, E>,
{
    filters
        .iter()
        .map(|filter| filter.try_map(resolve))
        .collect()
}

impl<T: PartialEq> TagFilter<T> {
    /// Whether an article with these tags passes.
    pub fn accepts(&self, tags: &[T]) -> bool {
        match self {
            Self::Is(tag) => tags.contains(tag),
            Self::Not(inner) => !inner.accepts(tags),
            Self::All(filters) => filters.iter().all(|filter| filter.accepts(tags)),
            Self::Any(filters) => filters.iter().any(|filter| filter.accepts(tags)),
        }
    }
}

impl<T> TagFilter<T> {
    /// Tags of which every article that passes bears at least one, the fewest by `bearers`; `None`: it passes some
    /// that bear none of the tags named.
    pub fn needed(&self, bearers: &dyn Fn(&T) -> u32) -> Option<Vec<&T>> {
        let all = |tags: &Vec<&T>| tags.iter().map(|tag| u64::from(bearers(tag))).sum::<u64>();
        match self {
            Self::Is(tag) => Some(vec![tag]),
            Self::Not(_) => None,
            Self::All(filters) => filters
                .iter()
                .filter_map(|filter| filter.needed(bearers))
                .min_by_key(all),
            Self::Any(filters) => {
                let each: Option<Vec<Vec<&T>>> = filters
                    .iter()
                    .map(|filter| filter.needed(bearers))
                    .collect();
                Some(each?.concat())
            }
        }
    }
}

impl<T> TagFilter<T> {
    /// The tags it names.
    pub fn tags(&self) -> Vec<&T> {
        match self {
            Self::Is(tag) => vec![tag],
            Self::Not(inner) => inner.tags(),
            Self::All(filters) | Self::Any(filters) => {
                filters.iter().flat_map(Self::tags).collect()
            }
        }
    }
}

/// As [`TagFilter::parse`] reads it.
impl<T: fmt::Display> fmt::Display for TagFilter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Is(tag) => write!(f, "{tag}"),
            Self::Not(inner) => {
                f.write_str("-")?;
                inner.within(f, |inner| matches!(inner, Self::All(_) | Self::Any(_)))
            }
            Self::All(filters) => joined(f, filters, ",", |one| matches!(one, Self::All(_))),
            Self::Any(filters) => joined(f, filters, "|", |one| {
                matches!(one, Self::All(_) | Self::Any(_))
            }),
        }
    }
}

impl<T: fmt::Display> TagFilter<T> {
    fn within(
        &self,
        f: &mut fmt::Formatter<'_>,
        in_brackets: impl Fn(&Self) -> bool,
    ) -> fmt::Result {
        match in_brackets(self) {
            true => write!(f, "({self})"),
            false => write!(f, "{self}"),
        }
    }
}

fn joined<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    filters: &[TagFilter<T>],
    sign: &str,
    in_brackets: impl Fn(&TagFilter<T>) -> bool,
) -> fmt::Result {
    for (at, one) in filters.iter().enumerate() {
        if at > 0 {
            f.write_str(sign)?;
        }
        one.within(f, &in_brackets)?;
    }
    Ok(())
}

impl TagFilter<String> {
    /// Reads an expression. The comma binds loosest, so `a|b,c` is `(a|b),c`.
    ///
    /// # Errors
    /// A sentence that says what is wrong and where, counted in characters from 1.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser {
            chars: text.chars().collect(),
            at: 0,
            depth: 0,
            tags: 0,
        };
        let filter = parser.all()?;
        match parser.peek() {
            None => Ok(filter),
            Some(c) => Err(parser.unexpected(c)),
        }
    }
}

struct Parser {
    chars: Vec<char>,
    at: usize,
    depth: usize,
    tags: usize,
}

impl Parser {
    fn all(&mut self) -> Result<TagFilter<String>, String> {
        let mut filters = vec![self.any()?];
        while self.take(',') {
            filters.push(self.any()?);
        }
        Ok(single_or(filters, TagFilter::All))
    }

    fn any(&mut self) -> Result<TagFilter<String>, String> {
        let mut filters = vec![self.one()?];
        while self.take('|') {
            filters.push(self.one()?);
        }
        Ok(single_or(filters, TagFilter::Any))
    }

    fn one(&mut self) -> Result<TagFilter<String>, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("nests deeper than {MAX_DEPTH}"));
        }
        let filter = if self.take('-') {
            TagFilter::Not(Box::new(self.one()?))
        } else if self.take('(') {
            let inner = self.all()?;
            if !self.take(')') {
                return Err(format!("wants “)” at character {}", self.at + 1));
            }
            inner
        } else {
            TagFilter::Is(self.slug()?)
        };
        self.depth -= 1;
        Ok(filter)
    }

    fn slug(&mut self) -> Result<String, String> {
        let start = self.at;
        while self.peek().is_some_and(|c| !",|()".contains(c)) {
            self.at += 1;
        }
        if start == self.at {
            return Err(match self.peek() {
                Some(c) => self.unexpected(c),
                None => "ends where a tag's slug should stand".to_owned(),
            });
        }
        self.tags += 1;
        if self.tags > MAX_TAGS {
            return Err(format!("names more than {MAX_TAGS} tags"));
        }
        Ok(self.chars[start..self.at].iter().collect())
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn unexpected(&self, c: char) -> String {
        format!("has an unexpected “{c}” at character {}", self.at + 1)
    }
}

fn single_or(
    mut filters: Vec<TagFilter<String>>,
    join: fn(Vec<TagFilter<String>>) -> TagFilter<String>,
) -> TagFilter<String> {
    if filters.len() == 1 {
        filters.remove(0)
    } else {
        join(filters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(expression: &str, tags: &[&str]) -> bool {
        let tags: Vec<String> = tags.iter().map(|&tag| tag.to_owned()).collect();
        TagFilter::parse(expression).unwrap().accepts(&tags)
    }

    #[test]
    fn what_is_needed_is_borne_by_all_that_pass() {
        let needed = |expression: &str| {
            let filter = TagFilter::parse(expression).unwrap();
            let bearers = |tag: &String| if tag == "rare" { 1 } else { 10 };
            filter
                .needed(&bearers)
                .map(|tags| tags.into_iter().cloned().collect::<Vec<_>>().join(" "))
        };
        assert_eq!(needed("a").as_deref(), Some("a"));
        assert_eq!(needed("a,rare,-b").as_deref(), Some("rare"));
        assert_eq!(needed("(a|b),(c|rare|d)").as_deref(), Some("a b"));
        assert_eq!(needed("-a"), None);
        assert_eq!(needed("a|-b"), None);
    }

    #[test]
    fn comma_means_both_bar_means_either_minus_means_not() {
        assert!(accepts("a,b", &["a", "b", "c"]));
        assert!(!accepts("a,b", &["a"]));
        assert!(accepts("a|b", &["b"]));
        assert!(!accepts("-a", &["a"]));
        assert!(accepts("-a", &[]));
        assert!(accepts("(a|b),-c", &["b"]));
        assert!(!accepts("(a|b),-c", &["b", "c"]));
        assert!(accepts("-(a,b)", &["a"]));
        assert!(accepts("(a,b)|c", &["c"]));
    }

    #[test]
    fn the_bar_binds_tighter_than_the_comma() {
        assert!(!accepts("a|b,c", &["a"]));
        assert!(accepts("a|b,c", &["a", "c"]));
    }

    #[test]
    fn a_hyphen_inside_a_slug_is_part_of_it() {
        assert!(accepts("jeux-olympiques", &["jeux-olympiques"]));
        assert!(!accepts("-jeux-olympiques", &["jeux-olympiques"]));
    }

    #[test]
    fn what_is_written_is_read_as_it_was() {
        for text in [
            "a",
            "a,b",
            "a|b,-c",
            "(a,b)|c",
            "-(a,b),--c",
            "-(a|b)",
            "((a|b),c)|d",
        ] {
            let filter = TagFilter::parse(text).unwrap();
            assert_eq!(TagFilter::parse(&filter.to_string()), Ok(filter), "{text}");
        }
        let filter = TagFilter::parse("(a|b),-c").unwrap();
        assert_eq!(filter.to_string(), "a|b,-c");
        assert_eq!(filter.tags(), ["a", "b", "c"]);
    }

    #[test]
    fn a_bad_expression_says_where() {
        for (text, says) in [
            ("", "ends where"),
            ("a,", "ends where"),
            ("a||b", "“|” at character 3"),
            ("(a", "“)” at character 3"),
            ("a)", "“)” at character 2"),
            ("((((((((((a", "deeper"),
        ] {
            let error = TagFilter::parse(text).unwrap_err();
            assert!(error.contains(says), "{text:?}: {error}");
        }
        assert!(TagFilter::parse(&vec!["a"; 51].join("|")).is_err());
    }
}
