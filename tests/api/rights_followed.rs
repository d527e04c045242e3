//! Partners that follow the change feed from its beginning end with exactly what they may read.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use kiosque::scheduler::settle_due;
use serde_json::{Value, json};

use crate::rights::{get, id, partner};
use crate::support::app::noon;
use crate::support::writer::Random;
use crate::support::{App, article, places};

/// What a partner keeps: each article as it was last told, by id.
struct Copy {
    bearer: String,
    name: &'static str,
    after: i64,
    articles: BTreeMap<String, Value>,
}

impl Copy {
    fn follow(&mut self, app: &App, limit: usize) {
        loop {
            let after = self.after;
            let path = format!("/v1/changes?after={after}&limit={limit}&include=articles");
            let reply = get(app, &path, &self.bearer);
            assert_eq!(reply.status, 200, "{}", reply.text());
            let page = reply.json();
            for line in page["data"].as_array().unwrap() {
                self.take_in(line);
            }
            self.after = page["page"]["next"].as_i64().unwrap();
            if self.after >= page["page"]["latest"].as_i64().unwrap() {
                return;
            }
        }
    }

    fn take_in(&mut self, line: &Value) {
        assert_ne!(line["action"], "saved", "{line}");
        if line["action"] == "merged" && line["tag"].is_object() {
            self.merge(&line["slug"], &line["tag"]);
        }
        let id = line["id"].as_str().unwrap().to_owned();
        match line.get("article") {
            Some(Value::Null) => {
                assert_ne!(line["action"], "published", "{line}");
                self.articles.remove(&id);
            }
            Some(article) => {
                self.articles.insert(id, article.clone());
            }
            None => {}
        }
    }

    /// The tag's own line tells of it to the articles that bear it.
    fn merge(&mut self, from: &Value, into: &Value) {
        for article in self.articles.values_mut() {
            let tags = article["tags"].as_array_mut().unwrap();
            for tag in tags.iter_mut().filter(|tag| tag["slug"] == *from) {
                for member in ["slug", "name", "kind"] {
                    tag[member] = into[member].clone();
                }
            }
            let mut seen = Vec::new();
            tags.retain(|tag| {
                let is_new = !seen.contains(&tag["slug"]);
                seen.push(tag["slug"].clone());
                is_new
            });
        }
    }

    fn is_what_lists_show(&self, app: &App) {
        let path = "/v1/articles?limit=100&include=body,translations&order_by=oldest";
        let listed = get(app, path, &self.bearer).json();
        let listed: BTreeMap<String, Value> = listed["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| {
                let path = format!("/v1/articles/{}", one["slug"].as_str().unwrap());
                let read = get(app, &path, &self.bearer).json();
                (one["id"].as_str().unwrap().to_owned(), read)
            })
            .collect();
        let name = format!("{} {}", app.place.name, self.name);
        let ids = |all: &BTreeMap<String, Value>| all.keys().cloned().collect::<Vec<_>>();
        assert_eq!(ids(&self.articles), ids(&listed), "{name}");
        assert_eq!(self.articles, listed, "{name}");
    }
}

/// The tags there are by now, and how many there were.
struct Tags {
    slugs: Vec<String>,
    made: usize,
}

impl Tags {
    fn make(&mut self, app: &App, admin: &str) {
        let slug = format!("t{}", self.made);
        let body = json!({"name": slug, "slug": slug});
        let made = app.write("POST", "/v1/tags", admin, &[], Some(body));
        assert_eq!(made.status, 201, "{}", made.text());
        self.made += 1;
        self.slugs.push(slug);
    }

    /// Merges one into another, or tries to delete it, which only one that nothing names allows.
    fn end_one(&mut self, app: &App, admin: &str, random: &mut Random) {
        let from = self.slugs.swap_remove(random.below(self.slugs.len()));
        let headers = [("if-match", "*")];
        if random.below(6) == 0 {
            let path = format!("/v1/tags/{from}");
            let reply = app.write("DELETE", &path, admin, &headers, None);
            if reply.status == 204 {
                return;
            }
            assert_eq!(reply.status, 409, "{}", reply.text());
        }
        let into = &self.slugs[random.below(self.slugs.len())];
        let path = format!("/v1/tags/{from}/merger");
        let body = json!({ "into": into });
        let reply = app.write("PUT", &path, admin, &headers, Some(body));
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
}

/// One edit of one of the articles, whatever it answers: some are deleted by then.
fn edit(app: &App, admin: &str, tags: &Tags, random: &mut Random) {
    let path = format!("/v1/articles/{}", id(random.below(30)));
    let chosen = tags.slugs.iter().filter(|_| random.below(3) == 0);
    let chosen: Vec<&String> = chosen.collect();
    let now = app.clock.now();
    let soon = |minutes: usize| {
        let at = now + TimeDelta::minutes(i64::try_from(minutes).unwrap());
        json!(at.to_rfc3339())
    };
    let (method, path, body) = match random.below(12) {
        0..=2 => ("PATCH", path, json!({"tags": chosen})),
        3 => (
            "PATCH",
            path,
            json!({"rights": {"syndicatable": random.below(2) == 0}}),
        ),
        4 => (
            "PATCH",
            path,
            json!({"language": (["fr", "ar"][random.below(2)])}),
        ),
        5 => (
            "PATCH",
            path,
            json!({"headline": format!("H{}", random.below(1000))}),
        ),
        6 => ("PUT", format!("{path}/publication"), json!({})),
        7 => ("DELETE", format!("{path}/publication"), Value::Null),
        8 => (
            "PUT",
            format!("{path}/publication"),
            json!({"published_at": soon(random.below(20))}),
        ),
        9 => (
            "PUT",
            format!("{path}/publication"),
            json!({"embargoed_until": soon(random.below(20)), "expires_at": soon(30)}),
        ),
        10 if random.below(6) == 0 => ("DELETE", path, Value::Null),
        _ => (
            "PATCH",
            path,
            json!({"slug": format!("s{}", random.below(1000))}),
        ),
    };
    let body = (!body.is_null()).then_some(body);
    let reply = app.write(method, &path, admin, &[("if-match", "*")], body);
    assert!(reply.status < 500, "{}", reply.text());
}

#[test]
fn whoever_follows_from_the_beginning_ends_with_what_it_may_read() {
    for (at, place) in places().into_iter().enumerate() {
        let app = App::on(place);
        let admin = app.key("admin");
        let mut tags = Tags {
            slugs: Vec::new(),
            made: 0,
        };
        // Tags that only come later cannot be named yet.
        for _ in 0..8 {
            tags.make(&app, &admin);
        }
        let all: Vec<_> = (0..30)
            .map(|number| {
                article(&format!("a{number}"))
                    .with("id", id(number))
                    .tagged(["t0", "t1"][number % 2])
                    .published(noon() - TimeDelta::hours(2))
            })
            .collect();
        app.import(&all);
        let scopes = [
            ("plain", json!({})),
            ("one", json!({"scope": {"tags": "t0,-t1"}})),
            (
                "either",
                json!({"scope": {"tags": "t2|t3", "languages": ["fr"]}, "text": "excerpt"}),
            ),
            (
                "late",
                json!({"scope": {"tags": "-t1"}, "delay_minutes": 45}),
            ),
            ("early", json!({"lead_minutes": 10})),
            (
                "early-of-some",
                json!({"scope": {"tags": "(t4|t5),-t6"}, "lead_minutes": 10}),
            ),
            ("not-seven", json!({"scope": {"tags": "-t7"}})),
        ];
        let mut copies = scopes.map(|(name, rights)| Copy {
            bearer: partner(&app, &admin, name, rights).1,
            name,
            after: 0,
            articles: BTreeMap::new(),
        });
        let mut random = Random(0x9e37_79b9 + at as u64);
        let mut now = noon();
        let mut told = 0;
        for round in 0..120 {
            for _ in 0..4 {
                edit(&app, &admin, &tags, &mut random);
            }
            if random.below(3) == 0 {
                tags.end_one(&app, &admin, &mut random);
                tags.make(&app, &admin);
            }
            now += TimeDelta::minutes(7);
            app.clock.set(now);
            settle_due(&app.database, &app.clock).unwrap();
            app.wait();
            for (at, copy) in copies.iter_mut().enumerate() {
                if (round + at) % 3 == 0 {
                    copy.follow(&app, 1 + random.below(9));
                }
            }
            if round % 30 == 29 {
                // What is to come has come, and is told to all.
                for minutes in [30, 60] {
                    now += TimeDelta::minutes(minutes);
                    app.clock.set(now);
                    settle_due(&app.database, &app.clock).unwrap();
                    app.wait();
                }
                for copy in &mut copies {
                    copy.follow(&app, 5);
                    copy.is_what_lists_show(&app);
                    told += copy.articles.len();
                }
            }
        }
        for copy in &copies {
            let mut late = Copy {
                bearer: copy.bearer.clone(),
                after: 0,
                articles: BTreeMap::new(),
                ..*copy
            };
            late.follow(&app, 100);
            late.is_what_lists_show(&app);
        }
        assert!(told > 40, "{told}");
    }
}
