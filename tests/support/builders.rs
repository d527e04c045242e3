//! Articles in a few words: `article("budget").tagged("tax").published(noon)`.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// A line of the import format in the making.
#[derive(Clone)]
pub struct Article(pub Value);

/// An article in French, published on 1 March 2024, whose headline and slug are `name`.
pub fn article(name: &str) -> Article {
    Article(json!({
        "slug": name,
        "headline": name.replace('-', " "),
        "language": "fr",
        "body": format!("<p>Texte de {name}.</p>"),
        "published_at": "2024-03-01T09:00:00Z",
        "tags": [],
    }))
}

/// A time: `at("2024-04-23T12:00:00Z")`.
pub fn at(time: &str) -> DateTime<Utc> {
    time.parse().expect("a time")
}

impl Article {
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.0[member] = value.into();
        self
    }

    pub fn without(mut self, member: &str) -> Self {
        self.0.as_object_mut().expect("an object").remove(member);
        self
    }

    pub fn headed(self, headline: &str) -> Self {
        self.with("headline", headline)
    }

    pub fn saying(self, body: &str) -> Self {
        self.with("body", body).with("body_format", "text")
    }

    pub fn tagged(mut self, tag: &str) -> Self {
        let tag = json!({"slug": tag, "name": tag.replace('-', " "), "kind": "keyword"});
        self.0["tags"].as_array_mut().expect("an array").push(tag);
        self
    }

    pub fn published(self, time: DateTime<Utc>) -> Self {
        self.with("published_at", time.to_rfc3339())
    }

    pub fn status(self, status: &str) -> Self {
        self.with("status", status)
    }

    pub fn language(self, language: &str) -> Self {
        self.with("language", language)
    }
}
