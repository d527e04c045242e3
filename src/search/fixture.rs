//! Articles and queries for this module's tests.

use uuid::Uuid;

use super::{Entry, Hit, Index, Key, Query, Text, Writer, in_memory};
use crate::content::listing::{Order, UseDate};

/// An article in the making; times are Unix microseconds.
#[derive(Clone)]
pub struct Article {
    pub num: i64,
    pub id: Uuid,
    pub language: &'static str,
    pub headline: String,
    pub standfirst: &'static str,
    pub byline: &'static str,
    pub body: String,
    pub tags: Vec<(i64, &'static str)>,
    pub source: Option<&'static str>,
    pub published: Option<i64>,
    pub updated: i64,
    pub first_published: Option<i64>,
    pub visible: Option<(i64, i64)>,
    pub syndicatable: bool,
}

pub fn article(num: i64, language: &'static str, headline: &str) -> Article {
    Article {
        num,
        id: Uuid::from_u128(num as u128),
        language,
        headline: headline.to_owned(),
        standfirst: "",
        byline: "",
        body: String::new(),
        tags: Vec::new(),
        source: None,
        published: Some(num),
        updated: num,
        first_published: Some(num),
        visible: Some((i64::MIN, i64::MAX)),
        syndicatable: true,
    }
}

impl Article {
    pub fn body(mut self, body: &str) -> Self {
        self.body = body.to_owned();
        self
    }

    pub fn tagged(mut self, num: i64, name: &'static str) -> Self {
        self.tags.push((num, name));
        self
    }

    pub fn put(&self, writer: &mut Writer) {
        let entry = Entry {
            num: self.num,
            id: self.id,
            language: self.language,
            headline: &self.headline,
            standfirst: Some(self.standfirst),
            byline: Some(self.byline),
            body: &self.body,
            tags: &self.tags,
            source: self.source,
            published_at: self.published,
            updated_at: self.updated,
            first_published_at: self.first_published,
            visible: self.visible,
            syndicatable: self.syndicatable,
        };
        writer.upsert(&entry).unwrap();
    }
}

/// An index of these, committed at position 1.
pub fn index_of(articles: &[Article]) -> (Index, Writer) {
    let (index, mut writer) = in_memory().unwrap();
    for article in articles {
        article.put(&mut writer);
    }
    writer.commit(1).unwrap();
    (index, writer)
}

/// Everything that matches, oldest number first.
pub fn query(text: &str) -> Query {
    Query {
        text: Text::parse(text).unwrap(),
        language: None,
        source: None,
        tags: None,
        ids: None,
        from: None,
        to: None,
        use_date: UseDate::Updated,
        order: Order::Oldest,
        after: None,
        limit: 1000,
        count: false,
        visible_at: None,
        rights: None,
    }
}

pub fn found(index: &Index, query: &Query) -> Vec<i64> {
    let hits = index.search(query).unwrap().hits;
    hits.iter().map(|hit| hit.num).collect()
}

/// What a text finds, in any order of numbers.
pub fn finds(index: &Index, text: &str) -> Vec<i64> {
    let mut nums = found(index, &query(text));
    nums.sort_unstable();
    nums
}

/// The pages of a query, each beginning after the last; `between` runs before each page.
pub fn walk(index: &Index, mut query: Query, mut between: impl FnMut(Option<Key>)) -> Vec<Hit> {
    let mut walked = Vec::new();
    loop {
        between(query.after);
        let hits = index.search(&query).unwrap().hits;
        assert!(hits.len() <= query.limit);
        query.after = match hits.last() {
            Some(last) => Some(last.key),
            None => return walked,
        };
        walked.extend(hits);
        assert!(walked.len() < 10_000, "a walk without end");
    }
}

/// A linear congruential generator: the same articles and queries in every run.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % bound
    }
}
