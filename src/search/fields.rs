//! What the index keeps of an article, and the schema that says so.

use tantivy::TantivyDocument;
use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, STRING, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::{Token, TokenStream, Tokenizer, TokenizerManager};
use uuid::Uuid;

use super::family::Family;
use crate::content::rights::TextRight;

/// Moves when anything written for an article changes, the analysis of words included: an index
/// of another version is rebuilt.
pub const VERSION: u32 = 3;

/// Names of the columns read while collecting.
pub const NUM: &str = "num";
pub const TAG: &str = "tag";
pub const ID_HIGH: &str = "id_high";
pub const ID_LOW: &str = "id_low";
pub const PUBLISHED: &str = "published";
pub const UPDATED: &str = "updated";
pub const FIRST_PUBLISHED: &str = "first_published";
pub const VISIBLE_FROM: &str = "visible_from";
pub const VISIBLE_UNTIL: &str = "visible_until";
/// There is a value where partners never get the article.
pub const WITHHELD: &str = "withheld";

/// One article, as it is searched. Times are Unix microseconds.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// The article's number in the database; the key of the entry.
    pub num: i64,
    pub id: Uuid,
    /// A BCP 47 tag; it chooses the analysis.
    pub language: &'a str,
    pub headline: &'a str,
    pub standfirst: Option<&'a str>,
    pub byline: Option<&'a str>,
    /// Plain text.
    pub body: &'a str,
    /// Number and name of each tag.
    pub tags: &'a [(i64, &'a str)],
    /// The source's name.
    pub source: Option<&'a str>,
    pub published_at: Option<i64>,
    pub updated_at: i64,
    pub first_published_at: Option<i64>,
    /// When the public may see it: from (inclusive), until (exclusive). `None`: never.
    pub visible: Option<(i64, i64)>,
    /// Whether partners may get it.
    pub syndicatable: bool,
}

#[derive(Clone, Copy, Debug)]
pub struct Fields {
    /// The words of the whole article.
    text: Field,
    /// Those of its headline, byline and tags; and these with the standfirst's: what a partner who does not get more
    /// searches, for to find an article by a word is to read it there.
    headline: Field,
    excerpt: Field,
    pub family: Field,
    pub language: Field,
    pub source: Field,
    tag: Field,
    pub id: Field,
    pub num: Field,
    id_high: Field,
    id_low: Field,
    published: Field,
    updated: Field,
    first_published: Field,
    visible_from: Field,
    visible_until: Field,
    withheld: Field,
}

impl Fields {
    pub fn schema() -> (Schema, Self) {
        let mut schema = Schema::builder();
        let indexing = TextFieldIndexing::default()
            .set_tokenizer(Runs::NAME)
            .set_index_option(IndexRecordOption::WithFreqsAndPositions);
        let words = TextOptions::default().set_indexing_options(indexing);
        let fields = Self {
            text: schema.add_text_field("text", words.clone()),
            headline: schema.add_text_field("headline", words.clone()),
            excerpt: schema.add_text_field("excerpt", words),
            family: schema.add_text_field("family", STRING),
            language: schema.add_text_field("language", STRING),
            source: schema.add_text_field("source", STRING),
            tag: schema.add_i64_field(TAG, FAST),
            id: schema.add_bytes_field("id", INDEXED),
            num: schema.add_i64_field(NUM, INDEXED | FAST),
            id_high: schema.add_u64_field(ID_HIGH, FAST),
            id_low: schema.add_u64_field(ID_LOW, FAST),
            published: schema.add_i64_field(PUBLISHED, FAST),
            updated: schema.add_i64_field(UPDATED, FAST),
            first_published: schema.add_i64_field(FIRST_PUBLISHED, FAST),
            visible_from: schema.add_i64_field(VISIBLE_FROM, FAST),
            visible_until: schema.add_i64_field(VISIBLE_UNTIL, FAST),
            withheld: schema.add_i64_field(WITHHELD, FAST),
        };
        (schema.build(), fields)
    }

    /// The words of as much of an article as its reader gets.
    pub fn words(&self, right: TextRight) -> Field {
        match right {
            TextRight::Headline => self.headline,
            TextRight::Excerpt => self.excerpt,
            TextRight::Full => self.text,
        }
    }

    /// The document of an article. Nothing is stored, only indexed: the text is the database's.
    pub fn document(&self, entry: &Entry<'_>) -> TantivyDocument {
        let family = Family::of(entry.language);
        let (id_high, id_low) = entry.id.as_u64_pair();
        let mut document = TantivyDocument::default();
        for right in TextRight::ALL {
            document.add_text(self.words(right), runs(entry, family, right));
        }
        document.add_text(self.family, family.mark());
        document.add_text(self.language, entry.language);
        document.add_bytes(self.id, entry.id.as_bytes());
        document.add_i64(self.num, entry.num);
        document.add_u64(self.id_high, id_high);
        document.add_u64(self.id_low, id_low);
        document.add_i64(self.updated, entry.updated_at);
        if let Some(source) = entry.source {
            document.add_text(self.source, source);
        }
        for &(tag, _) in entry.tags {
            document.add_i64(self.tag, tag);
        }
        if let Some(at) = entry.published_at {
            document.add_i64(self.published, at);
        }
        if let Some(at) = entry.first_published_at {
            document.add_i64(self.first_published, at);
        }
        if let Some((from, until)) = entry.visible {
            document.add_i64(self.visible_from, from);
            document.add_i64(self.visible_until, until);
        }
        if !entry.syndicatable {
            document.add_i64(self.withheld, 1);
        }
        document
    }
}

const HEADLINE_WEIGHT: usize = 4;
const STANDFIRST_WEIGHT: usize = 2;
const TAG_WEIGHT: usize = 2;

/// The words of as much of an article as `right` shows, in the form [`Runs`] reads. A part that weighs more is written more
/// often: its words' counts are then merged with the body's before BM25 levels them off, as BM25F
/// does, so one term per word finds an article whichever part holds it.
fn runs(entry: &Entry<'_>, family: Family, right: TextRight) -> String {
    let room = match right {
        TextRight::Full => entry.body.len(),
        TextRight::Headline | TextRight::Excerpt => 0,
    };
    let mut text = String::with_capacity(room + 8 * entry.headline.len());
    let mut write = |part: &str, times: usize| {
        let start = text.len();
        family.each_stem(part, &mut |stem| {
            text.push_str(family.mark());
            text.push_str(stem);
            text.push(WORD_END);
        });
        text.push(RUN_END);
        let run = text[start..].repeat(times - 1);
        text.push_str(&run);
    };
    write(entry.headline, HEADLINE_WEIGHT);
    if right >= TextRight::Excerpt {
        write(entry.standfirst.unwrap_or_default(), STANDFIRST_WEIGHT);
    }
    for (_, name) in entry.tags {
        write(name, TAG_WEIGHT);
    }
    write(entry.byline.unwrap_or_default(), 1);
    if right >= TextRight::Full {
        write(entry.body, 1);
    }
    text
}

/// Control characters, which no analysed word holds.
const WORD_END: char = '\u{1f}';
const RUN_END: char = '\u{1e}';

/// Positions between two runs, so that no phrase reaches from one into the next.
const GAP: usize = 64;

/// Reads words that are analysed already: each ends with `WORD_END`, each run with `RUN_END`.
#[derive(Clone)]
pub struct Runs;

impl Runs {
    const NAME: &'static str = "runs";

    pub fn register(tokenizers: &TokenizerManager) {
        tokenizers.register(Self::NAME, Self);
    }
}

impl Tokenizer for Runs {
    type TokenStream<'a> = RunsStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> RunsStream<'a> {
        RunsStream {
            text,
            at: 0,
            position: 0,
            token: Token::default(),
        }
    }
}

pub struct RunsStream<'a> {
    text: &'a str,
    at: usize,
    position: usize,
    token: Token,
}

impl TokenStream for RunsStream<'_> {
    fn advance(&mut self) -> bool {
        while self.text[self.at..].starts_with(RUN_END) {
            self.at += RUN_END.len_utf8();
            self.position += GAP;
        }
        let Some(length) = self.text[self.at..].find(WORD_END) else {
            return false;
        };
        let end = self.at + length;
        self.token.text.clear();
        self.token.text.push_str(&self.text[self.at..end]);
        self.token.offset_from = self.at;
        self.token.offset_to = end;
        self.token.position = self.position;
        self.at = end + WORD_END.len_utf8();
        self.position += 1;
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn positions(text: &str) -> Vec<(usize, String)> {
        let mut stream = RunsStream {
            text,
            at: 0,
            position: 0,
            token: Token::default(),
        };
        let mut found = Vec::new();
        while stream.advance() {
            found.push((stream.token().position, stream.token().text.clone()));
        }
        found
    }

    #[test]
    fn words_follow_each_other_and_runs_stand_apart() {
        let text = "fune\u{1f}rose\u{1f}\u{1e}\u{1e}feau\u{1f}\u{1e}";
        assert_eq!(
            positions(text),
            [
                (0, "fune".to_owned()),
                (1, "rose".to_owned()),
                (2 + 2 * GAP, "feau".to_owned()),
            ]
        );
        assert!(positions("").is_empty());
        assert!(positions("\u{1e}").is_empty());
    }

    #[test]
    fn a_headline_is_written_as_often_as_it_weighs() {
        let entry = Entry {
            num: 1,
            id: Uuid::nil(),
            language: "fr",
            headline: "Roses",
            standfirst: Some("Kelaa"),
            byline: Some("Amina"),
            body: "Eau",
            tags: &[(7, "Maroc")],
            source: None,
            published_at: None,
            updated_at: 0,
            first_published_at: None,
            visible: None,
            syndicatable: true,
        };
        let words = positions(&runs(&entry, Family::French, TextRight::Full));
        let count = |word: &str| {
            let term = &Family::French.terms(word)[0];
            words.iter().filter(|(_, word)| word == term).count()
        };
        assert_eq!(count("roses"), HEADLINE_WEIGHT);
        assert_eq!(count("kelaa"), STANDFIRST_WEIGHT);
        assert_eq!(count("maroc"), TAG_WEIGHT);
        assert_eq!(count("amina"), 1);
        assert_eq!(count("eau"), 1);
    }
}
