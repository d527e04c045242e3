//! Someone who writes at random, and what there is to read.

use chrono::{DateTime, Utc};
use kiosque::content::time::Clock;
use serde_json::{Value, json};

use super::app::{App, noon};
use super::builders::{Article, article, at};
use super::client::Reply;

pub const ARTICLES: usize = 24;
pub const TAGS: [&str; 5] = ["eau", "oasis", "mer", "sport", "budget"];
const WORDS: [&str; 8] = [
    "barrage", "oued", "source", "canal", "pluie", "crue", "puits", "nappe",
];

pub struct Writer {
    editor: String,
    random: Random,
    now: DateTime<Utc>,
    /// Those of all servers, which show the same time.
    clocks: Vec<Clock>,
}

impl Writer {
    /// Writes to the first of these servers, which is given articles.
    pub fn new(seed: u64, apps: &[&App]) -> Self {
        let mut writer = Self {
            editor: apps[0].key("editor"),
            random: Random(seed),
            now: noon(),
            clocks: apps.iter().map(|app| app.clock.clone()).collect(),
        };
        let articles: Vec<_> = (0..ARTICLES).map(|n| writer.draft(n)).collect();
        apps[0].import(&articles);
        writer
    }

    fn draft(&mut self, n: usize) -> Article {
        let hour = self.random.below(24 * 30);
        let time = at("2025-05-01T00:00:00Z") + chrono::TimeDelta::hours(hour as i64);
        let language = ["fr", "fr", "ar"][self.random.below(3)];
        let mut draft = article(&format!("a-{n}"))
            .headed(&self.phrase(4))
            .saying(&self.phrase(40))
            .published(time)
            .language(language);
        for _ in 0..self.random.below(3) {
            draft = draft.tagged(TAGS[self.random.below(TAGS.len())]);
        }
        draft
    }

    fn phrase(&mut self, words: usize) -> String {
        let words: Vec<&str> = (0..words)
            .map(|_| WORDS[self.random.below(WORDS.len())])
            .collect();
        words.join(" ")
    }

    /// One random change; what it was. Refusals are as good as any.
    pub fn change(&mut self, app: &App) -> &'static str {
        let slug = self.random.below(ARTICLES + 6);
        let slug = format!("a-{slug}");
        let other = format!("a-{}", self.random.below(ARTICLES));
        let tag = TAGS[self.random.below(TAGS.len())];
        let soon =
            |minutes: usize| (self.now + chrono::TimeDelta::minutes(minutes as i64)).to_rfc3339();
        let minutes = 1 + self.random.below(90);
        match self.random.below(20) {
            0..=2 => {
                let headline = self.phrase(4);
                self.patch(app, &slug, json!({"headline": headline}));
                "headline"
            }
            3 => {
                let body = self.phrase(40);
                self.patch(app, &slug, json!({"body": body}));
                "body"
            }
            4 => {
                self.patch(
                    app,
                    &slug,
                    json!({"tags": [tag, TAGS[minutes % TAGS.len()]]}),
                );
                "tags"
            }
            5 => {
                self.patch(app, &slug, json!({"tags": []}));
                "no tags"
            }
            6 => {
                let time =
                    at("2025-05-01T00:00:00Z") + chrono::TimeDelta::hours(7 * minutes as i64);
                self.patch(app, &slug, json!({"published_at": time.to_rfc3339()}));
                "date"
            }
            7 => {
                let language = ["fr", "ar", "en"][minutes % 3];
                self.patch(app, &slug, json!({"language": language}));
                "language"
            }
            8 => {
                let slug_after = format!("a-{}", self.random.below(ARTICLES + 6));
                self.patch(app, &slug, json!({"slug": slug_after}));
                "slug"
            }
            9 => {
                self.write(
                    app,
                    "DELETE",
                    &format!("/v1/articles/{slug}/publication"),
                    None,
                );
                "withdrawn"
            }
            10 => {
                let body = json!({"published_at": soon(minutes)});
                self.write(
                    app,
                    "PUT",
                    &format!("/v1/articles/{slug}/publication"),
                    Some(body),
                );
                "scheduled"
            }
            11 => {
                let body = json!({"expires_at": soon(minutes)});
                self.write(
                    app,
                    "PUT",
                    &format!("/v1/articles/{slug}/publication"),
                    Some(body),
                );
                "to expire"
            }
            12 => {
                let body = json!({});
                self.write(
                    app,
                    "PUT",
                    &format!("/v1/articles/{slug}/publication"),
                    Some(body),
                );
                "published"
            }
            13 => {
                let path = format!("/v1/articles/{slug}/translations/{other}");
                let method = ["PUT", "PUT", "DELETE"][minutes % 3];
                self.write(app, method, &path, None);
                "translation"
            }
            14 => {
                let body = match minutes % 3 {
                    0 => json!({"pins": [], "bans": [other]}),
                    1 => json!({"pins": [other], "bans": []}),
                    _ => json!({"pins": [], "bans": []}),
                };
                self.write(
                    app,
                    "PUT",
                    &format!("/v1/articles/{slug}/curation"),
                    Some(body),
                );
                "curation"
            }
            15 => {
                let body = json!({"name": self.phrase(1)});
                self.write(app, "PATCH", &format!("/v1/tags/{tag}"), Some(body));
                "tag's name"
            }
            16 if minutes.is_multiple_of(4) => {
                let body = json!({"into": TAGS[minutes % TAGS.len()]});
                self.write(app, "PUT", &format!("/v1/tags/{tag}/merger"), Some(body));
                "merger"
            }
            17 if minutes.is_multiple_of(3) => {
                self.write(app, "DELETE", &format!("/v1/articles/{slug}"), None);
                "deleted"
            }
            18 => {
                let status = ["draft", "published"][minutes % 2];
                let body = json!({
                    "slug": slug, "headline": self.phrase(4), "body": self.phrase(40), "language": "fr",
                    "tags": [tag], "status": status,
                });
                self.send(app, "POST", "/v1/articles", &[], Some(body));
                "created"
            }
            _ => {
                self.pass(chrono::TimeDelta::minutes(minutes as i64));
                "time"
            }
        }
    }

    /// Lets time pass, everywhere.
    pub fn pass(&mut self, time: chrono::TimeDelta) {
        self.now += time;
        self.clocks.iter().for_each(|clock| clock.set(self.now));
    }

    fn patch(&self, app: &App, slug: &str, body: Value) {
        self.write(app, "PATCH", &format!("/v1/articles/{slug}"), Some(body));
    }

    /// On the present version of the thing that the path begins with.
    fn write(&self, app: &App, method: &str, path: &str, body: Option<Value>) {
        let thing: Vec<&str> = path.split('/').take(4).collect();
        let headers = [("authorization", self.editor.as_str())];
        let read = app.get_with(&thing.join("/"), &headers);
        self.send(
            app,
            method,
            path,
            &[("if-match", read.header("etag"))],
            body,
        );
    }

    fn send(
        &self,
        app: &App,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) {
        let reply = app.write(method, path, &self.editor, headers, body);
        assert!(reply.status < 500, "{method} {path}: {}", reply.text());
    }
}

/// What a reader sees.
pub fn shown(reply: &Reply) -> (u16, String, String) {
    let tag = reply.header("etag").to_owned();
    (reply.status, tag, reply.text())
}

pub fn paths() -> Vec<String> {
    let mut paths: Vec<String> = (0..ARTICLES + 6)
        .map(|n| format!("/v1/articles/a-{n}"))
        .collect();
    for n in [0, 3, 7, 11] {
        paths.push(format!("/v1/articles/a-{n}/related?limit=5"));
        paths.push(format!("/v1/articles/a-{n}?include=related,related_tags"));
        paths.push(format!("/v1/articles/a-{n}/related-tags"));
    }
    for tag in TAGS {
        paths.push(format!("/v1/tags/{tag}"));
        paths.push(format!("/v1/articles?tag={tag}&limit=3"));
    }
    let others = [
        "/v1/articles",
        "/v1/articles?limit=5",
        "/v1/articles?limit=5&fields=slug,headline&order_by=oldest",
        "/v1/articles?language=ar&limit=4&include=body",
        "/v1/articles?use_date=updated&limit=4",
        "/v1/articles?use_date=first_published&order_by=oldest&limit=3",
        "/v1/articles?from=2025-05-10&to=2025-05-20&limit=6",
        "/v1/articles?tag=eau|mer,-sport&count=exact&limit=2",
        // Two indexes may rank differently, by what has been deleted from each.
        "/v1/articles?q=barrage&limit=4&order_by=newest",
        "/v1/articles?q=oued+crue&order_by=newest&count=exact",
        "/v1/articles?limit=3&include=related",
        "/v1/articles?limit=8&include=translations&fields=slug",
        "/v1/tags",
        "/v1/tags?order_by=count&limit=3&count=exact",
        "/v1/tags/eau/related",
        "/v1/feeds/rss",
        "/v1/feeds/atom?tag=eau&limit=3",
        "/v1/feeds/json?language=ar&limit=4",
        "/v1/feeds/ninjs?use_date=updated&limit=3",
        "/v1/feeds/sitemap",
        "/v1/feeds/sitemap?tag=mer|eau",
        "/v1/feeds/sitemap?page=1&language=fr",
        "/v1/feeds/sitemap?limit=5",
        "/v1/feeds/news-sitemap",
        "/v1/articles?limit=4&include=json_ld",
        "/v1/related?ids=a-1,a-2",
    ];
    paths.extend(others.map(str::to_owned));
    paths
}

/// A sequence that looks random and is the same each time (xorshift).
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}
