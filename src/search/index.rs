//! Asking the index: one query, one page of hits.

use std::sync::{Arc, OnceLock};

use tantivy::{IndexReader, Searcher};
use uuid::Uuid;

use super::columns::Opened;
use super::family::Family;
use super::fields::Fields;
use super::filter::{Condition, conditions};
use super::matching::{Even, Matching, cloned, joined, matching};
use super::ranked::{Floor, Ranked};
use super::sieve::Sieve;
use super::text::Text;
use super::walk::Walk;
use super::writer::Pending;
use super::{Error, Result};
use crate::content::listing::{Order, UseDate};
use crate::content::rights::Rights;
use crate::content::tag_filter::TagFilter;

/// Answers queries on what was committed or noted. Clones are cheap and share what they see.
#[derive(Clone)]
pub struct Index {
    /// There is one once the index is open.
    reader: Arc<OnceLock<IndexReader>>,
    pub(super) fields: Fields,
    pub(super) pending: Arc<Pending>,
    pub(super) opened: Arc<Opened>,
}

/// What to look for. Times are Unix microseconds.
#[derive(Clone, Debug)]
pub struct Query {
    pub text: Text,
    /// The exact tag of the articles' language.
    pub language: Option<String>,
    /// The exact name of the source.
    pub source: Option<String>,
    pub tags: Option<TagFilter<i64>>,
    pub ids: Option<Vec<Uuid>>,
    /// Inclusive bounds on `use_date`; an article without that date is outside of both.
    pub from: Option<i64>,
    pub to: Option<i64>,
    pub use_date: UseDate,
    /// By a date, only articles that have it appear.
    pub order: Order,
    /// Begin strictly after this key.
    pub after: Option<Key>,
    pub limit: usize,
    /// Count every match, those before `after` included.
    pub count: bool,
    /// Only what the public sees at this time.
    pub visible_at: Option<i64>,
    /// Only what is in a partner's scope, which also sees it sooner or later than the public; and only by the words of
    /// as much of it as the partner gets.
    pub rights: Option<Arc<Rights>>,
}

/// A place in an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// The date in Unix microseconds, or the relevance as a whole number; compared with others of
    /// the same query only.
    pub rank: i64,
    pub id: Uuid,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The article's number in the database.
    pub num: i64,
    pub key: Key,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hits {
    pub hits: Vec<Hit>,
    pub count: Option<usize>,
}

impl Index {
    pub(super) fn closed() -> Self {
        Self {
            reader: Arc::default(),
            fields: Fields::schema().1,
            pending: Pending::shared(),
            opened: Arc::default(),
        }
    }

    pub(super) fn open_with(&self, reader: IndexReader) {
        if self.reader.set(reader).is_err() {
            log::debug!("the search index was open already");
        }
    }

    pub(super) fn reader(&self) -> Result<&IndexReader> {
        self.reader.get().ok_or(Error::Closed)
    }

    /// Has what was noted committed, so that a search does not wait for it. Where a search holds what others want, as a
    /// connection, this is called before.
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::Stopped`] after a failure until the writer has made up for it, and when a commit fails.
    pub fn settle(&self) -> Result<()> {
        self.reader()?;
        self.pending.before_search()
    }

    /// One page of the articles that match. It blocks for the milliseconds it takes.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn search(&self, query: &Query) -> Result<Hits> {
        self.settle()?;
        let searcher = self.reader()?.searcher();
        self.opened.keep_only(&searcher);
        Ok(self.found(&searcher, query, query.order == Order::Relevance)?)
    }

    /// With `skips`, matches are passed over that cannot come among the best by relevance. Their scores are added up in
    /// another order then, so whether it is done must not depend on what may change from one page to the next.
    pub(super) fn found(
        &self,
        searcher: &Searcher,
        query: &Query,
        skips: bool,
    ) -> tantivy::Result<Hits> {
        let families = match &query.language {
            Some(language) => vec![Family::of(language)],
            None => Family::ALL.to_vec(),
        };
        let walk = Walk {
            opened: Arc::clone(&self.opened),
            order: query.order,
            sieve: Sieve {
                use_date: query.use_date,
                from: query.from,
                to: query.to,
                visible_at: query.visible_at,
                tags: query.tags.clone(),
                rights: query.rights.clone(),
            },
            after: query.after,
            limit: query.limit,
            count: query.count,
        };
        let right = query.rights.as_ref().map(|rights| rights.text);
        let words = self.fields.words(right.unwrap_or_default());
        let even = Even::of(searcher, words)?;
        let floor = Floor::default();
        let mut gathered = Vec::new();
        // One family after the other, not one query for all: no article is of two.
        for family in families {
            let matching = matching(searcher, &self.fields, words, &query.text, family)?;
            let Some(Matching { clauses, are_words }) = matching else {
                continue;
            };
            let conditions = conditions(query, &self.fields);
            let mut are_asked = skips && are_words;
            for condition in &conditions {
                are_asked = are_asked && condition.is_broad(searcher)?;
            }
            let mut all = cloned(&clauses);
            all.extend(conditions.iter().map(Condition::as_clause));
            let all = joined(all);
            if !skips {
                gathered.push(searcher.search_with_statistics_provider(&all, &walk, &even)?);
                continue;
            }
            let (best, asked) = match are_asked {
                true => (&joined(clauses), &conditions[..]),
                false => (&all, &[][..]),
            };
            let ranked = Ranked::new(&walk, searcher, asked, words, &even, &floor)?;
            gathered.push(searcher.search_with_statistics_provider(best, &ranked, &even)?);
            if walk.count {
                gathered.push(searcher.search(&all, &walk.counting())?);
            }
        }
        Ok(walk.hits(gathered))
    }

    /// Articles in the index at its last commit.
    pub fn len(&self) -> u64 {
        let reader = self.reader.get();
        reader.map_or(0, |reader| reader.searcher().num_docs())
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Random, article, finds, found, index_of, query};
    use super::super::{MAX_WORDS, TextError};
    use super::*;

    #[test]
    fn hostile_text_is_plain_text_or_a_plain_refusal() {
        let (index, _writer) = index_of(&[
            article(1, "fr", "Eau OR roses").body("and not x:y"),
            article(2, "fr", "Ail & persil"),
            article(3, "fr", "🌹 roses 🌹"),
        ]);
        assert_eq!(finds(&index, "AND OR NOT"), [1]);
        assert_eq!(finds(&index, "+eau ( OR ) [ ] : ^ ~ * ?"), [1]);
        assert_eq!(finds(&index, "text:eau"), [0; 0]);
        assert_eq!(finds(&index, "roses\0\u{1f}\u{1e}"), [1, 3]);
        assert_eq!(finds(&index, "🌹 roses"), [1, 3]);
        assert_eq!(finds(&index, "ail & persil"), [2]);
        for (text, refusal) in [
            ("\0".to_owned(), TextError::Nothing),
            ("AND".repeat(4000), TextError::Nothing),
            ("🌹".repeat(3000), TextError::Nothing),
            ("\"".repeat(10_000), TextError::Nothing),
            ("-eau".to_owned(), TextError::OnlyExclusions),
            (
                "eau ".repeat(MAX_WORDS + 1),
                TextError::TooManyWords(MAX_WORDS + 1),
            ),
        ] {
            assert_eq!(Text::parse(&text), Err(refusal), "{text:.20}");
        }
        let hostile = [
            "\u{202e}eau",
            "e\u{301}au",
            "ﷺ",
            "\u{feff}eau",
            "eau\u{200d}",
            "ſ ß ﬁ eau",
        ];
        for text in hostile {
            if let Ok(text) = Text::parse(text) {
                let mut query = query("eau");
                query.text = text;
                index.search(&query).unwrap();
            }
        }
    }

    #[test]
    fn separators_in_an_article_cannot_forge_words() {
        let forged = "eau\u{1f}fneige\u{1f}\u{1e}";
        let (index, _writer) = index_of(&[article(1, "fr", forged).body("sel")]);
        assert_eq!(finds(&index, "sel"), [1]);
        assert_eq!(finds(&index, "neige"), [0; 0]);
        assert_eq!(finds(&index, "fneige"), [1]);
    }

    #[test]
    fn an_empty_index_and_empty_articles_answer() {
        let (index, mut writer) = index_of(&[]);
        assert!(index.is_empty());
        assert_eq!(finds(&index, "eau"), [0; 0]);
        article(1, "", "").put(&mut writer);
        writer.commit(2).unwrap();
        let mut query = query("eau");
        query.count = true;
        query.order = Order::Relevance;
        assert_eq!(index.search(&query).unwrap().count, Some(0));
        assert_eq!(index.len(), 1);
    }

    #[test]
    fn many_words_in_many_languages_are_one_query() {
        let words: Vec<String> = (0..MAX_WORDS).map(|n| format!("mot{n}")).collect();
        let body = words.join(" ");
        let (index, _writer) = index_of(&[
            article(1, "fr", "Titre").body(&body),
            article(2, "en", "Title").body(&body),
            article(3, "fr", "Titre").body(&words[1..].join(" ")),
        ]);
        assert_eq!(finds(&index, &body), [1, 2]);
    }

    /// Every combination of words, phrases, exclusions and conditions against a plain reading of
    /// the same articles, in an index of several segments with replaced and deleted articles.
    #[test]
    fn what_is_found_is_what_reading_every_article_finds() {
        const WORDS: [&str; 8] = [
            "eau", "rose", "sel", "dune", "puits", "laine", "route", "marbre",
        ];
        let mut random = Random(7);
        let mut made = |num: i64, most: u64| {
            let words = (0..1 + random.below(most)).map(|_| {
                // The first words are common, the last ones rare.
                WORDS[(random.below(8) * random.below(8) / 8) as usize]
            });
            let body: Vec<&str> = words.collect();
            let language = ["fr", "de"][random.below(2) as usize];
            let mut made = article(num, language, "Titre").body(&body.join(" "));
            made.updated = random.below(50) as i64;
            made.visible = (random.below(3) > 0).then_some((10, 20));
            if random.below(3) == 0 {
                made = made.tagged(1, "mot");
            }
            made
        };
        let mut articles: Vec<_> = (0..1500).map(|num| made(num, 12)).collect();
        let (index, mut writer) = index_of(&articles[..1000]);
        for num in (0..1000).step_by(3) {
            articles[num] = made(num as i64, 12);
        }
        for changed in articles[1000..].iter().chain(articles.iter().step_by(3)) {
            changed.put(&mut writer);
        }
        articles.retain(|made| made.num % 7 != 0);
        for num in (0..1500).step_by(7) {
            writer.delete(num).unwrap();
        }
        writer.commit(2).unwrap();

        for _ in 0..600 {
            let mut pieces = Vec::new();
            for at in 0..1 + random.below(4) {
                let length = [1, 1, 1, 2, 2, 3][random.below(6) as usize];
                let words: Vec<&str> = (0..length)
                    .map(|_| WORDS[random.below(8) as usize])
                    .collect();
                pieces.push((at > 0 && random.below(3) == 0, words));
            }
            let text: Vec<String> = pieces
                .iter()
                .map(|(not, words)| {
                    format!("{}\"{}\"", if *not { "-" } else { "" }, words.join(" "))
                })
                .collect();
            let mut query = query(&text.join(" "));
            query.limit = 5000;
            query.order = [Order::Oldest, Order::Relevance][random.below(2) as usize];
            query.language = (random.below(3) == 0).then(|| "de".to_owned());
            query.visible_at = (random.below(2) == 0).then_some(15);
            query.tags =
                (random.below(3) == 0).then_some(TagFilter::Not(Box::new(TagFilter::Is(1))));
            query.from = (random.below(3) == 0).then_some(25);
            if random.below(4) == 0 {
                query.ids = Some(articles.iter().step_by(5).map(|made| made.id).collect());
            }
            let holds = |body: &str, words: &[&str]| {
                let body: Vec<&str> = body.split(' ').collect();
                body.windows(words.len()).any(|window| window == words)
            };
            let mut expected: Vec<i64> = articles
                .iter()
                .filter(|made| {
                    pieces
                        .iter()
                        .all(|(not, words)| holds(&made.body, words) != *not)
                })
                .filter(|made| query.language.as_ref().is_none_or(|it| it == made.language))
                .filter(|made| query.visible_at.is_none() || made.visible.is_some())
                .filter(|made| query.tags.is_none() || made.tags.is_empty())
                .filter(|made| query.from.is_none_or(|from| from <= made.updated))
                .filter(|made| query.ids.as_ref().is_none_or(|ids| ids.contains(&made.id)))
                .map(|made| made.num)
                .collect();
            let mut nums = found(&index, &query);
            nums.sort_unstable();
            expected.sort_unstable();
            assert_eq!(nums, expected, "{query:?}");
        }
    }
}
