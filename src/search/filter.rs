//! The conditions beside the words that are terms too: language, source, ids. None touches the score.

use tantivy::query::{
    ConstScoreQuery, EmptyQuery, EnableScoring, Occur, Query, TermQuery, TermSetQuery, Weight,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{Searcher, Term};
use uuid::Uuid;

use super::fields::Fields;
use super::index;

/// What narrows a query beyond its words.
pub struct Condition {
    query: Box<dyn Query>,
    /// Where it is that one term occurs.
    term: Option<Term>,
}

/// Those of `query`.
pub fn conditions(query: &index::Query, fields: &Fields) -> Vec<Condition> {
    let rights = query.rights.as_deref();
    let conditions = [
        query
            .language
            .as_deref()
            .map(|it| exactly(fields.language, it)),
        query.source.as_deref().map(|it| exactly(fields.source, it)),
        query.ids.as_deref().map(|ids| any_of(fields.id, ids)),
        rights.and_then(|rights| Some(any_text(fields.language, rights.languages.as_ref()?))),
        rights.and_then(|rights| Some(any_text(fields.source, rights.sources.as_ref()?))),
    ];
    conditions.into_iter().flatten().collect()
}

impl Condition {
    /// Whether so many articles meet it that it is better asked about those that match than searched for.
    pub fn is_broad(&self, searcher: &Searcher) -> tantivy::Result<bool> {
        const PART: u64 = 8;
        let Some(term) = &self.term else {
            return Ok(false);
        };
        Ok(searcher.doc_freq(term)?.saturating_mul(PART) >= searcher.num_docs())
    }

    /// As a clause that goes with those of the words.
    pub fn as_clause(&self) -> (Occur, Box<dyn Query>) {
        let query = ConstScoreQuery::new(self.query.box_clone(), 0.0);
        (Occur::Must, Box::new(query))
    }

    /// As what knows the articles that meet it, and no scores.
    pub fn weight(&self, searcher: &Searcher) -> tantivy::Result<Box<dyn Weight>> {
        self.query
            .weight(EnableScoring::disabled_from_searcher(searcher))
    }
}

fn exactly(field: Field, value: &str) -> Condition {
    let term = Term::from_field_text(field, value);
    let query = Box::new(TermQuery::new(term.clone(), IndexRecordOption::Basic));
    Condition {
        query,
        term: Some(term),
    }
}

fn any_of(field: Field, ids: &[Uuid]) -> Condition {
    let terms = ids
        .iter()
        .map(|id| Term::from_field_bytes(field, id.as_bytes()));
    any(terms)
}

fn any_text(field: Field, values: &[String]) -> Condition {
    let terms = values
        .iter()
        .map(|value| Term::from_field_text(field, value));
    any(terms)
}

fn any(terms: impl ExactSizeIterator<Item = Term>) -> Condition {
    let query: Box<dyn Query> = match terms.len() {
        0 => Box::new(EmptyQuery),
        _ => Box::new(TermSetQuery::new(terms)),
    };
    Condition { query, term: None }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{article, finds, found, index_of, query};
    use super::*;
    use crate::content::tag_filter::TagFilter;

    #[test]
    fn ids_and_source_narrow_to_exact_values() {
        let mut first = article(1, "fr", "Roses");
        first.source = Some("MAP Express");
        let mut second = article(2, "fr", "Roses");
        second.source = Some("MAP");
        let (index, _writer) = index_of(&[first.clone(), second, article(3, "fr", "Eau")]);

        let mut by_source = query("roses");
        by_source.source = Some("MAP".to_owned());
        assert_eq!(found(&index, &by_source), [2]);
        by_source.source = Some("map".to_owned());
        assert_eq!(found(&index, &by_source), [0; 0]);

        let mut by_id = query("roses");
        by_id.ids = Some(vec![first.id, Uuid::from_u128(3), Uuid::from_u128(77)]);
        assert_eq!(found(&index, &by_id), [1]);
        by_id.ids = Some(vec![]);
        assert_eq!(found(&index, &by_id), [0; 0]);
        assert_eq!(finds(&index, "roses"), [1, 2]);
    }

    #[test]
    fn conditions_leave_the_score_alone() {
        let mut made = article(1, "fr", "Roses").tagged(5, "Fleurs");
        made.source = Some("MAP");
        let (index, _writer) = index_of(&[made.clone(), article(2, "fr", "Roses")]);
        let mut query = query("roses");
        query.order = crate::content::listing::Order::Relevance;
        let rank = |query: &super::super::Query| {
            let hits = index.search(query).unwrap().hits;
            hits.iter().find(|hit| hit.num == 1).unwrap().key.rank
        };
        let bare = rank(&query);
        query.source = Some("MAP".to_owned());
        query.tags = Some(TagFilter::Not(Box::new(TagFilter::Is(6))));
        query.ids = Some(vec![made.id]);
        query.language = Some("fr".to_owned());
        assert_eq!(rank(&query), bare);
    }
}
