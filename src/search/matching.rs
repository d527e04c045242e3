//! From what was typed to the articles that hold it, in every language family, and how well they do.

use std::f32::consts::LN_2;

use tantivy::query::{
    Bm25StatisticsProvider, BooleanQuery, BoostQuery, EmptyQuery, Occur, PhraseQuery, Query,
    TermQuery,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{Score, Searcher, Term};

use super::family::Family;
use super::fields::Fields;
use super::steady::Steady;
use super::text::Text;

/// A query's clauses, still to be joined by others and made one.
pub type Clauses = Vec<(Occur, Box<dyn Query>)>;

pub fn cloned(clauses: &Clauses) -> Clauses {
    let each = clauses.iter();
    each.map(|(occur, query)| (*occur, query.box_clone()))
        .collect()
}

/// What a text asks of a family's articles.
pub struct Matching {
    pub clauses: Clauses,
    /// Whether all that is asked for is single words, which the engine's indexes have the best articles of.
    pub are_words: bool,
}

/// The clauses as one query. A single one stands by itself, so that the engine sees what it is.
pub fn joined(mut clauses: Clauses) -> Box<dyn Query> {
    match (clauses.pop(), clauses.is_empty()) {
        (Some((Occur::Must, only)), true) => only,
        (last, _) => {
            clauses.extend(last);
            Box::new(BooleanQuery::new(clauses))
        }
    }
}

/// Articles of `family` that hold every wanted piece and none of the unwanted among their `words`, as that family reads
/// them. `None` when there can be none.
pub fn matching(
    searcher: &Searcher,
    fields: &Fields,
    words: Field,
    text: &Text,
    family: Family,
) -> tantivy::Result<Option<Matching>> {
    let matcher = Matcher {
        searcher,
        words,
        family,
        articles: searcher.doc_freq(&Term::from_field_text(fields.family, family.mark()))?,
    };
    matcher.all_of(text)
}

struct Matcher<'a> {
    searcher: &'a Searcher,
    words: Field,
    family: Family,
    /// Articles of the family.
    articles: u64,
}

/// A word or phrase of the query, in one family.
struct Sought {
    terms: Vec<Term>,
    importance: f32,
}

impl Matcher<'_> {
    fn all_of(&self, text: &Text) -> tantivy::Result<Option<Matching>> {
        let mut wanted = Vec::new();
        for piece in &text.wanted {
            let terms = self.terms(piece);
            if terms.is_empty() {
                continue; // Not a word to this family, which therefore did not index it either.
            }
            match self.sought(terms)? {
                Some(sought) => wanted.push(sought),
                None => return Ok(None),
            }
        }
        if wanted.is_empty() {
            return Ok(None);
        }
        let total: f32 = wanted.iter().map(|sought| sought.importance).sum();
        let are_words = wanted.iter().all(|sought| sought.terms.len() == 1);
        let mut clauses: Clauses = wanted
            .into_iter()
            .map(|sought| (Occur::Must, sought.weighed(total)))
            .collect();
        for piece in &text.unwanted {
            if let Some(sought) = self.sought(self.terms(piece))? {
                clauses.push((Occur::MustNot, Box::new(Steady(sought.plain()))));
            }
        }
        Ok(Some(Matching {
            are_words: are_words && text.unwanted.is_empty(),
            clauses,
        }))
    }

    fn terms(&self, piece: &str) -> Vec<Term> {
        self.family
            .terms(piece)
            .iter()
            .map(|term| Term::from_field_text(self.words, term))
            .collect()
    }

    /// `None` when a term occurs nowhere, or there is none.
    fn sought(&self, terms: Vec<Term>) -> tantivy::Result<Option<Sought>> {
        let mut importance = 0.0;
        for term in &terms {
            match self.searcher.doc_freq(term)? {
                0 => return Ok(None),
                holding => importance += importance_of(holding, self.articles),
            }
        }
        Ok((!terms.is_empty()).then_some(Sought { terms, importance }))
    }
}

impl Sought {
    /// Scores its share of `total`, times how well an article matches.
    fn weighed(self, total: f32) -> Box<dyn Query> {
        // A phrase's own score counts once per term, see `Even`.
        let share = self.importance / total / self.terms.len() as f32;
        match share == 1.0 {
            true => self.plain(),
            false => Box::new(BoostQuery::new(self.plain(), share)),
        }
    }

    fn plain(self) -> Box<dyn Query> {
        let mut terms = self.terms;
        if terms.len() > 1 {
            return Box::new(PhraseQuery::new(terms));
        }
        match terms.pop() {
            Some(term) => Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs)),
            None => Box::new(EmptyQuery),
        }
    }
}

/// How much a word says: BM25's inverse document frequency, within the family, in steps of one
/// half. The steps, and a query's importances being divided by their sum, keep scores still while
/// articles come and go (a query of one word does not depend on how frequent it is at all), so a
/// reader's next page begins where the last one ended, two copies of an index agree, and articles
/// of a rare language rank beside those of a common one.
fn importance_of(holding: u64, articles: u64) -> f32 {
    let others = articles.saturating_sub(holding) as f32;
    let frequency = (1.0 + (others + 0.5) / (holding as f32 + 0.5)).ln();
    ((frequency * 2.0).round() / 2.0).max(0.5)
}

/// Statistics under which every term says the same, so that only the importances above tell them
/// apart, and the usual length of an article moves in powers of two.
pub struct Even {
    words_per_article: u64,
}

impl Even {
    pub fn of(searcher: &Searcher, words: Field) -> tantivy::Result<Self> {
        let (mut count, mut articles) = (0, 0);
        for segment in searcher.segment_readers() {
            count += segment.inverted_index(words)?.total_num_tokens();
            articles += u64::from(segment.max_doc());
        }
        let mean = count as f64 / articles.max(1) as f64;
        let words_per_article = mean.max(1.0).log2().round().exp2() as u64;
        Ok(Self { words_per_article })
    }

    /// Words of the article that all others are compared with.
    pub fn usual_length(&self) -> Score {
        self.words_per_article as Score
    }
}

const EVEN_ARTICLES: u64 = 2;

/// What all words of a query may score together, which none does: the logarithm of 2, which the above makes of every word's
/// frequency, times BM25's `k1 + 1`.
pub const SCORE_OF_ALL: Score = LN_2 * 2.2;

impl Bm25StatisticsProvider for Even {
    fn total_num_tokens(&self, _: Field) -> tantivy::Result<u64> {
        Ok(self.words_per_article * EVEN_ARTICLES)
    }

    fn total_num_docs(&self) -> tantivy::Result<u64> {
        Ok(EVEN_ARTICLES)
    }

    fn doc_freq(&self, _: &Term) -> tantivy::Result<u64> {
        Ok(EVEN_ARTICLES / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{article, finds, found, index_of, query};
    use super::*;
    use crate::content::listing::Order;

    #[test]
    fn a_rare_word_says_more_and_every_word_says_something() {
        assert!(importance_of(1, 1000) > importance_of(100, 1000));
        assert!(importance_of(1000, 1000) > 0.0);
        // Deleted articles may be counted once more on one side than on the other.
        assert!(importance_of(12, 10) > 0.0);
    }

    #[test]
    fn one_more_article_seldom_moves_an_importance() {
        let moved = (20..5000_u64)
            .filter(|&n| importance_of(n / 10, n) != importance_of(n / 10 + 1, n + 1))
            .count();
        assert!(moved < 250, "{moved}");
        assert_eq!(importance_of(500, 50_000), importance_of(501, 50_001));
    }

    #[test]
    fn words_are_found_with_and_without_accents_in_every_language() {
        let (index, _writer) = index_of(&[
            article(1, "fr", "La sécurité des élèves").body("Des bus scolaires sont contrôlés."),
            article(2, "en", "Schools reopening").body("The cafés welcomed students."),
            article(3, "ar", "مهرجان الورود").body("افتتح المهرجان في قلعة مكونة"),
            article(4, "es", "La canción de los niños").body("Fiestas populares"),
            article(5, "de", "Größere Straßen").body("Der Ausbau der Bahnhöfe"),
        ]);
        for (text, nums) in [
            ("sécurité", &[1][..]),
            ("securite", &[1]),
            ("SECURITE", &[1]),
            ("eleve", &[1]),
            ("contrôle", &[1]),
            ("school", &[2]),
            ("cafe", &[2]),
            ("الورود", &[3]),
            ("مهرجان", &[3]),
            ("قلعه", &[3]),
            ("القلعة", &[3]),
            ("cancion", &[4]),
            ("niño", &[4]),
            ("bahnhofe", &[5]),
            ("bahnhof", &[]), // Not stemmed.
        ] {
            assert_eq!(finds(&index, text), nums, "{text}");
        }
    }

    #[test]
    fn a_word_is_compared_as_the_language_of_the_article_reads_it() {
        let (index, _writer) = index_of(&[
            article(1, "fr", "Le prix du pain"),
            article(2, "en", "Pain relief"),
            article(3, "en-GB", "Pains and aches"),
        ]);
        assert_eq!(finds(&index, "pain"), [1, 2, 3]);
        let only = |language: &str| {
            let mut query = query("pain");
            query.language = Some(language.to_owned());
            found(&index, &query)
        };
        assert_eq!(only("fr"), [1]);
        assert_eq!(only("en"), [2]);
        assert_eq!(only("en-GB"), [3]);
        assert_eq!(only("ar"), [0; 0]);
    }

    #[test]
    fn every_word_must_occur_in_whichever_part() {
        let mut full = article(1, "fr", "Un festival à Kelaa").body("Des roses partout.");
        full.standfirst = "La vallée en fête";
        full.byline = "Amina Ouazzani";
        let full = full.tagged(7, "Tourisme");
        let (index, _writer) = index_of(&[full, article(2, "fr", "Festival de Cannes")]);
        for text in [
            "festival roses",
            "vallee roses",
            "ouazzani festival",
            "tourisme",
            "kelaa vallée amina roses tourisme",
        ] {
            assert_eq!(finds(&index, text), [1], "{text}");
        }
        assert_eq!(finds(&index, "festival"), [1, 2]);
        assert_eq!(finds(&index, "festival neige"), [0; 0]);
        assert_eq!(finds(&index, "cannes roses"), [0; 0]);
    }

    #[test]
    fn a_phrase_stands_together_within_one_part() {
        let (index, _writer) = index_of(&[
            article(1, "fr", "Le festival des roses").body("Rien de plus."),
            article(2, "fr", "Des roses au festival").body("Rien de plus."),
            article(3, "fr", "Le grand festival").body("Des roses partout."),
            article(4, "fr", "Le porte-parole du ministre").body("Il parle à la porte."),
            article(5, "fr", "Une parole").body("On frappe à la porte."),
        ]);
        assert_eq!(finds(&index, "\"festival des roses\""), [1]);
        assert_eq!(finds(&index, "« Festival des rosés »"), [1]);
        assert_eq!(finds(&index, "festival roses"), [1, 2, 3]);
        assert_eq!(finds(&index, "porte-parole"), [4]);
        assert_eq!(finds(&index, "\"roses\""), [1, 2, 3]);
        assert_eq!(finds(&index, "\"roses festival des"), [0; 0]);
    }

    #[test]
    fn what_is_excluded_is_left_out() {
        let (index, _writer) = index_of(&[
            article(1, "fr", "Roses et eau"),
            article(2, "fr", "Roses et neige"),
            article(3, "en", "Roses and snow"),
            article(4, "fr", "Eau des roses"),
        ]);
        assert_eq!(finds(&index, "roses -neige"), [1, 3, 4]);
        assert_eq!(finds(&index, "roses -neiges -snow"), [1, 4]);
        assert_eq!(finds(&index, "roses -\"eau des roses\""), [1, 2, 3]);
        assert_eq!(finds(&index, "roses -inconnu"), [1, 2, 3, 4]);
        assert_eq!(finds(&index, "roses -rose"), [0; 0]);
    }

    #[test]
    fn the_best_come_first() {
        let filler = "mot ".repeat(100);
        let (index, mut writer) = index_of(&[
            article(1, "fr", "Chronique").body(&format!("{filler} roses {filler}")),
            article(2, "fr", "Les roses").body(&filler),
            article(3, "fr", "Chronique").body(&format!("roses {filler} roses")),
            article(4, "en", "The roses").body(&filler),
        ]);
        for num in 100..200 {
            article(num, "fr", "Autre sujet")
                .body(&filler)
                .put(&mut writer);
        }
        writer.commit(2).unwrap();
        let mut query = query("roses");
        query.order = Order::Relevance;
        // Two languages, one scale: equal articles tie, and the greater id goes first.
        assert_eq!(found(&index, &query), [4, 2, 3, 1]);
    }

    #[test]
    fn the_rarer_word_weighs_more() {
        let (index, mut writer) = index_of(&[
            article(1, "fr", "Le safran").body("commune"),
            article(2, "fr", "La commune").body("safran"),
        ]);
        for num in 100..200 {
            article(num, "fr", "La commune").put(&mut writer);
        }
        writer.commit(2).unwrap();
        let mut query = query("commune safran");
        query.order = Order::Relevance;
        assert_eq!(found(&index, &query), [1, 2]);
    }
}
