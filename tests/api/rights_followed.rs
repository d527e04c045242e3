//! Partners that follow the change feed from its beginning end with exactly what they may read.

use std::collections::BTreeMap;

use chrono::TimeDelta;
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
            self.after = page["page"]["next"].as_i64().unwrap();
            if self.after >= page["page"]["latest"].as_i64().unwrap() {
                return;
            }
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

/// One edit of one of the articles, whatever it answers: some are deleted by then.
fn edit(app: &App, admin: &str, random: &mut Random) {
    let path = format!("/v1/articles/{}", id(random.below(30)));
    let tags = ["eau", "sport", "mer", "oasis"].map(|tag| (random.below(2) == 0).then_some(tag));
    let tags: Vec<&str> = tags.into_iter().flatten().collect();
    let (method, path, body) = match random.below(9) {
        0..=2 => ("PATCH", path, json!({"tags": tags})),
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
        _ if random.below(6) == 0 => ("DELETE", path, Value::Null),
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
        let all: Vec<_> = (0..30)
            .map(|number| {
                article(&format!("a{number}"))
                    .with("id", id(number))
                    .tagged(["eau", "sport"][number % 2])
                    .published(noon() - TimeDelta::hours(2))
            })
            .collect();
        app.import(&all);
        let scopes = [
            ("plain", json!({})),
            ("eau", json!({"scope": {"tags": "eau,-sport"}})),
            (
                "either",
                json!({"scope": {"tags": "mer|oasis", "languages": ["fr"]}, "text": "excerpt"}),
            ),
            (
                "late",
                json!({"scope": {"tags": "-sport"}, "delay_minutes": 45}),
            ),
            ("early", json!({"lead_minutes": 10})),
        ];
        // Tags that only come later cannot be named yet.
        for tag in ["mer", "oasis"] {
            let made = app.write(
                "POST",
                "/v1/tags",
                &admin,
                &[],
                Some(json!({"name": tag, "slug": tag})),
            );
            assert_eq!(made.status, 201, "{}", made.text());
        }
        let mut copies = scopes.map(|(name, rights)| Copy {
            bearer: partner(&app, &admin, name, rights).1,
            name,
            after: 0,
            articles: BTreeMap::new(),
        });
        let mut random = Random(0x9e37_79b9 + at as u64);
        let mut now = noon();
        for round in 0..40 {
            for _ in 0..4 {
                edit(&app, &admin, &mut random);
            }
            app.wait();
            now += TimeDelta::minutes(7);
            app.clock.set(now);
            for (at, copy) in copies.iter_mut().enumerate() {
                if (round + at) % 3 == 0 {
                    copy.follow(&app, 1 + random.below(9));
                }
            }
        }
        app.clock.set(now + TimeDelta::hours(1));
        let mut told = 0;
        for copy in &mut copies {
            copy.follow(&app, 5);
            copy.is_what_lists_show(&app);
            told += copy.articles.len();
            let mut late = Copy {
                bearer: copy.bearer.clone(),
                after: 0,
                articles: BTreeMap::new(),
                ..*copy
            };
            late.follow(&app, 100);
            late.is_what_lists_show(&app);
        }
        assert!(told > 5, "{told}");
    }
}
