//! What a partner may read: its scope, its hour and how much of each article, in every read there is.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{App, Article, Reply, article, at, places};

/// Only forbidden articles have it, in every field that has room for it.
pub const WORD: &str = "zyzzyva";

/// A key of role partner with these rights: its id and `Authorization`.
pub fn partner(app: &App, admin: &str, name: &str, rights: Value) -> (String, String) {
    let mut body = json!({"name": name, "role": "partner"});
    for (member, value) in rights.as_object().unwrap() {
        body[member] = value.clone();
    }
    let made = app.write("POST", "/v1/keys", admin, &[], Some(body));
    assert_eq!(made.status, 201, "{}", made.text());
    let key = made.json()["key"].as_str().unwrap().to_owned();
    let id = made.json()["id"].as_str().unwrap().to_owned();
    (id, format!("Bearer {key}"))
}

pub fn get(app: &App, path: &str, bearer: &str) -> Reply {
    app.get_with(path, &[("authorization", bearer)])
}

fn slugs(app: &App, path: &str, bearer: &str) -> Vec<String> {
    let reply = get(app, path, bearer);
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    let mut slugs = reply.slugs();
    slugs.sort();
    slugs
}

pub fn id(number: usize) -> String {
    format!("0190b0a0-0000-7000-8000-{number:012}")
}

pub fn text(articles: &[Article]) -> String {
    let lines = articles.iter().map(|article| format!("{}\n", article.0));
    lines.collect()
}

pub fn allowed(number: usize, name: &str, words: &str) -> Article {
    article(name)
        .with("id", id(number))
        .saying(words)
        .tagged("eau")
        .with("source", json!({"name": "MAP", "url": null}))
        .published(at(&format!("2025-05-{number:02}T10:00:00Z")))
}

pub fn in_scope() -> Vec<Article> {
    vec![
        allowed(
            11,
            "barrage",
            "Le barrage du Ziz se remplit apres les pluies sur le Tafilalet.",
        )
        .tagged("secheresse")
        .with("pins", json!([id(1), id(13), id(4)])),
        allowed(
            12,
            "khettaras",
            "Les khettaras du Tafilalet tarissent et le barrage du Ziz aussi.",
        )
        .tagged("oasis"),
        allowed(
            13,
            "dessalement",
            "Le dessalement de la mer donne de l'eau aux champs d'Agadir.",
        )
        .tagged("mer"),
        allowed(
            14,
            "palmiers",
            "Les palmiers du Tafilalet souffrent, le barrage se vide.",
        )
        .tagged("oasis")
        .tagged("secheresse"),
    ]
}

fn forbidden(number: usize, name: &str) -> Article {
    let words = "Le barrage du Ziz, les khettaras du Tafilalet, la mer d'Agadir: zyzzyva zyzzyva.";
    allowed(number, &format!("{WORD}-{name}"), words)
        .headed(&format!("{WORD} barrage du Ziz {name}"))
        .with("standfirst", WORD)
        .with("byline", WORD)
        .tagged("oasis")
        .tagged(&format!("{WORD}-tag"))
        .published(at("2025-05-13T12:00:00Z"))
}

/// Public for everyone, forbidden to the partner; and one that no one sees yet.
pub fn out_of_scope() -> Vec<Article> {
    vec![
        forbidden(1, "interdit").tagged("sport"),
        forbidden(2, "arabe")
            .language("ar")
            .with("translation_of", id(12)),
        forbidden(3, "ailleurs").with("source", json!({"name": WORD, "url": null})),
        forbidden(4, "reserve").with("rights", json!({"syndicatable": false})),
        forbidden(5, "anonyme").with("source", Value::Null),
        forbidden(6, "embargo").with("embargoed_until", "2025-06-01T13:00:00Z"),
        forbidden(7, "trop-tot").published(at("2025-06-01T11:30:00Z")),
    ]
}

pub fn rights() -> Value {
    json!({
        "scope": {"tags": "eau,-sport", "languages": ["fr"], "sources": ["MAP"]},
        "delay_minutes": 60,
    })
}

/// Every read there is, some for whoever guesses the word.
fn paths() -> Vec<String> {
    let mut paths: Vec<String> = [
        "/v1/articles?count=exact&include=body,related,related_tags,translations",
        "/v1/articles?limit=2&count=exact",
        "/v1/articles?limit=2&order_by=oldest",
        "/v1/articles?q=barrage&count=exact",
        "/v1/articles?q=barrage%20ziz&order_by=newest",
        "/v1/articles?q=tafilalet%20-khettaras&count=exact&include=related",
        "/v1/articles?q=zyzzyva&count=exact",
        "/v1/articles?tag=eau&count=exact",
        "/v1/articles?tag=(oasis|mer),-secheresse&count=exact",
        "/v1/articles?tag=zyzzyva-tag&count=exact",
        "/v1/articles?tag=eau,-sport&count=exact",
        "/v1/articles?language=ar&count=exact",
        "/v1/articles?source=zyzzyva&count=exact",
        "/v1/articles?use_date=updated&count=exact",
        "/v1/articles?use_date=first_published&order_by=oldest&count=exact",
        "/v1/articles?from=2025-05-13&count=exact",
        "/v1/articles/barrage",
        "/v1/articles/khettaras?include=related,related_tags",
        "/v1/articles/barrage/related?language=any&limit=50",
        "/v1/articles/khettaras/related?tag=oasis",
        "/v1/articles/barrage/related?exclude=zyzzyva-interdit",
        "/v1/articles/barrage/related?tag=zyzzyva-tag",
        "/v1/articles/barrage/related-tags?limit=50",
        "/v1/articles/dessalement/related-tags?limit=50",
        "/v1/related?ids=barrage,khettaras&limit=50",
        "/v1/related?ids=zyzzyva-interdit,zyzzyva-reserve",
        "/v1/tags?count=exact",
        "/v1/tags?order_by=count&count=exact&limit=50",
        "/v1/tags?q=zyz&count=exact",
        "/v1/tags/eau",
        "/v1/tags/oasis",
        "/v1/tags/zyzzyva-tag",
        "/v1/tags/zyzzyva-tag/related",
        "/v1/tags/sport",
        "/v1/tags/eau/related?limit=50",
        "/v1/tags/oasis/related?limit=50",
        "/v1/me",
    ]
    .map(str::to_owned)
    .to_vec();
    for number in 1..=7 {
        for what in ["", "/related", "/related-tags"] {
            paths.push(format!("/v1/articles/{}{what}", id(number)));
        }
        paths.push(format!("/v1/articles?ids={}&count=exact", id(number)));
    }
    for name in ["interdit", "arabe", "ailleurs", "reserve", "embargo"] {
        for what in ["", "/related", "/related-tags"] {
            paths.push(format!("/v1/articles/{WORD}-{name}{what}"));
        }
    }
    paths
}

/// What a caller could tell two answers apart by, but for what is counted of the whole corpus.
fn shown(reply: &Reply) -> (u16, String) {
    (reply.status, reply.text())
}

#[test]
fn what_is_not_a_partners_changes_none_of_its_answers() {
    for (with, without) in places().into_iter().zip(places()) {
        let place = with.name;
        let (with, without) = (App::on(with), App::on(without));
        let admins = [&with, &without].map(|app| {
            let admin = app.login("root", "admin");
            // Listed, so that a scope may name it on both.
            let tag = json!({"name": "sport", "slug": "sport"});
            let made = app.write("POST", "/v1/tags", &admin, &[], Some(tag));
            assert_eq!(made.status, 201, "{}", made.text());
            admin
        });
        let mixed: Vec<Article> = in_scope().into_iter().chain(out_of_scope()).collect();
        assert_eq!(with.import_text(&text(&mixed)).0.failed, 0, "{place}");
        assert_eq!(
            without.import_text(&text(&in_scope())).0.failed,
            0,
            "{place}"
        );
        let bearers = [(&with, &admins[0]), (&without, &admins[1])]
            .map(|(app, admin)| partner(app, admin, "agence", rights()).1);
        assert_eq!(with.json("/v1/articles?count=exact")["page"]["count"], 10);
        for path in paths() {
            let reply = get(&with, &path, &bearers[0]);
            let pure = get(&without, &path, &bearers[1]);
            assert!(reply.header("cache-control").contains("no-store"), "{path}");
            let named = path.contains("zyz");
            let told = reply.text().contains(WORD);
            assert!(!told || (named && reply.status >= 400), "{place} {path}");
            for number in 1..=7 {
                let told = reply.status < 400 && reply.text().contains(&id(number));
                assert!(!told, "{place} {path} tells of {number}");
            }
            // Scores rest on how rare words are among all that is public.
            let ranked = path.contains("related") || path.contains("q=");
            match ranked {
                true => assert_eq!(reply.status, pure.status, "{place} {path}"),
                false => assert_eq!(shown(&reply), shown(&pure), "{place} {path}"),
            }
        }
        let count = |path: &str| get(&with, path, &bearers[0]).json()["page"]["count"].clone();
        assert_eq!(count("/v1/articles?q=barrage&count=exact"), 3, "{place}");
        let related = slugs_of_related(&get(
            &with,
            "/v1/articles/barrage/related?limit=50",
            &bearers[0],
        ));
        assert_eq!(
            related[0], "dessalement",
            "the pin that is left comes first"
        );
        assert!(related.contains(&"khettaras".to_owned()), "{related:?}");
        let body = json!({"headline": "zyzzyva", "body": "zyzzyva barrage du Ziz khettaras Tafilalet", "language": "fr", "tags": ["zyzzyva-tag"], "limit": 50});
        let headers = [
            ("authorization", bearers[0].as_str()),
            ("content-type", "application/json"),
        ];
        let posted = with.post_with("/v1/related", &headers, &body.to_string());
        assert_eq!(posted.status, 200);
        assert!(!posted.text().contains(WORD), "{place} {}", posted.text());
        assert!(posted.text().contains("barrage"), "{place}");
        // Everyone else reads on.
        assert!(with.get("/v1/articles/zyzzyva-reserve").status == 200);
        assert_eq!(with.json("/v1/tags/oasis")["article_count"], 8, "{place}");
    }
}

fn slugs_of_related(reply: &Reply) -> Vec<String> {
    let json = reply.json();
    let data = json["data"].as_array().unwrap().iter();
    data.map(|one| one["article"]["slug"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn lists_and_rows_agree_on_what_a_partner_sees() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let mut all = Vec::new();
        for number in 0..48 {
            let mut made = article(&format!("a{number}"))
                .with("id", id(number))
                .published(at("2025-06-01T11:30:00Z") + TimeDelta::minutes(number as i64 % 4 * 20))
                .language(["fr", "ar", "fr-MA"][number % 3])
                .with("rights", json!({"syndicatable": number % 5 != 0}))
                .with(
                    "source",
                    [
                        json!({"name": "MAP"}),
                        Value::Null,
                        json!({"name": "Le Matin"}),
                    ][number / 3 % 3]
                        .clone(),
                );
            if number % 7 == 0 {
                made = made.with("embargoed_until", "2025-06-01T12:20:00Z");
            }
            if number % 6 == 0 {
                made = made.with("expires_at", "2025-06-01T12:10:00Z");
            }
            for (tag, every) in [("a", 2), ("b", 3), ("c", 4)] {
                if number % every == 0 {
                    made = made.tagged(tag);
                }
            }
            all.push(made);
        }
        app.import(&all);
        let admin = app.login("root", "admin");
        let scopes = [
            json!({}),
            json!({"scope": {"tags": "a"}}),
            json!({"scope": {"tags": "(a|b),-c", "languages": ["fr", "fr-MA"]}}),
            json!({"scope": {"languages": ["ar"]}, "lead_minutes": 25}),
            json!({"scope": {"sources": ["MAP", "Le Matin"]}, "delay_minutes": 15}),
            json!({"lead_minutes": 600}),
            json!({"delay_minutes": 600}),
            json!({"scope": {"tags": "-a"}, "lead_minutes": 20}),
        ];
        let mut totals = Vec::new();
        for (at, rights) in scopes.into_iter().enumerate() {
            let (_, bearer) = partner(&app, &admin, &format!("k{at}"), rights.clone());
            let listed = slugs(&app, "/v1/articles?limit=100&count=exact", &bearer);
            let one = |number: usize| {
                let reply = get(&app, &format!("/v1/articles/a{number}"), &bearer);
                (reply.status == 200).then(|| format!("a{number}"))
            };
            let mut read: Vec<String> = (0..48).filter_map(one).collect();
            read.sort();
            assert_eq!(listed, read, "{name} {rights}");
            let found = slugs(&app, "/v1/articles?q=texte&limit=100", &bearer);
            assert_eq!(listed, found, "{name} {rights}");
            let page = get(&app, "/v1/articles?q=texte&limit=1&count=exact", &bearer).json();
            assert_eq!(page["page"]["count"], listed.len(), "{name} {rights}");
            let page = get(&app, "/v1/articles?limit=1&count=exact", &bearer).json();
            assert_eq!(page["page"]["count"], listed.len(), "{name} {rights}");
            let tagged = get(&app, "/v1/articles?limit=100&tag=b", &bearer);
            let of_tag = get(&app, "/v1/tags/b", &bearer);
            let tagged = match tagged.status {
                // A tag of which no article is the partner's is none.
                400 => {
                    assert_eq!(of_tag.status, 404, "{name} {rights}");
                    Vec::new()
                }
                _ => tagged.slugs(),
            };
            if of_tag.status == 200 {
                let count = of_tag.json()["article_count"].clone();
                assert_eq!(count, tagged.len(), "{name} {rights}");
            }
            for order in ["name", "count"] {
                let path = format!("/v1/tags?order_by={order}");
                let tags = get(&app, &path, &bearer).json();
                let data = tags["data"].as_array().unwrap();
                let b = data.iter().find(|tag| tag["slug"] == "b");
                let count = b.map_or(json!(0), |tag| tag["article_count"].clone());
                assert_eq!(count, tagged.len(), "{name} {rights} {order}");
            }
            totals.push(listed.len());
        }
        // 38 are syndicatable, of which some are early, late, or over; no two scopes are alike.
        assert_eq!(totals[6], 0, "{name}");
        assert!(totals[5] > totals[0] && totals[0] > totals[1], "{totals:?}");
        assert!(totals.iter().filter(|total| **total > 0).count() == 7);
    }
}

#[test]
fn a_partner_may_be_early_and_is_told_until_when_to_wait() {
    for place in places() {
        let app = App::on(place);
        let later = at("2025-06-01T12:30:00Z");
        app.import(&[
            article("ouvert").saying("Le barrage du Ziz se remplit, disent les ministres."),
            article("bientot")
                .saying("Le barrage du Ziz se remplit, ajoutent les ministres.")
                .with("embargoed_until", "2025-06-01T12:30:00Z")
                .tagged("bientot"),
            article("jamais")
                .saying("Le barrage du Ziz se remplit, repetent les ministres.")
                .published(later)
                .with("expires_at", "2025-06-01T12:15:00Z"),
        ]);
        let admin = app.login("root", "admin");
        let (key, early) = partner(&app, &admin, "tot", json!({"lead_minutes": 30}));
        let (_, plain) = partner(&app, &admin, "simple", json!({}));
        let all = "/v1/articles?count=exact";
        let found = "/v1/articles?q=ministres";
        for path in [all, found] {
            assert_eq!(slugs(&app, path, &early), ["bientot", "ouvert"], "{path}");
            assert_eq!(slugs(&app, path, &plain), ["ouvert"], "{path}");
        }
        let one = get(&app, "/v1/articles/bientot", &early);
        assert_eq!(one.json()["public_from"], "2025-06-01T12:30:00Z");
        let one = get(&app, "/v1/articles/bientot?fields=slug", &early).json();
        assert_eq!(
            one,
            json!({"slug": "bientot", "public_from": "2025-06-01T12:30:00Z"})
        );
        assert!(get(&app, "/v1/articles/ouvert", &early).json()["public_from"].is_null());
        assert_eq!(get(&app, "/v1/articles/bientot", &plain).status, 404);
        assert_eq!(app.get("/v1/articles/bientot").status, 404);
        assert_eq!(get(&app, "/v1/tags/bientot", &early).status, 200);
        assert_eq!(get(&app, "/v1/tags/bientot", &plain).status, 404);
        let related = get(&app, "/v1/articles/ouvert/related", &early);
        assert_eq!(slugs_of_related(&related), ["bientot"]);
        let related = get(&app, "/v1/articles/bientot/related", &early);
        assert_eq!(slugs_of_related(&related), ["ouvert"]);
        let related = get(&app, "/v1/articles/ouvert/related", &plain);
        assert_eq!(slugs_of_related(&related), [""; 0]);

        // A moment less of a lead, and it is not there yet.
        let tag = get(&app, &format!("/v1/keys/{key}"), &admin);
        let patch = json!({"lead_minutes": 29});
        let path = format!("/v1/keys/{key}");
        let match_it = [("if-match", tag.header("etag"))];
        let changed = app.write("PATCH", &path, &admin, &match_it, Some(patch));
        assert_eq!(changed.status, 200, "{}", changed.text());
        assert_eq!(slugs(&app, all, &early), ["ouvert"]);
        assert_eq!(get(&app, "/v1/articles/bientot", &early).status, 404);
        app.clock.set(later);
        assert_eq!(slugs(&app, all, &plain), ["bientot", "ouvert"]);
        assert!(get(&app, "/v1/articles/bientot", &early).json()["public_from"].is_null());
    }
}

#[test]
fn a_partner_that_waits_is_told_gone_only_of_what_it_could_see() {
    for place in places() {
        let app = App::on(place);
        app.import(&[
            article("vu")
                .published(at("2025-06-01T10:00:00Z"))
                .with("expires_at", "2025-06-01T12:00:00Z"),
            article("pas-vu")
                .published(at("2025-06-01T11:30:00Z"))
                .with("expires_at", "2025-06-01T12:00:00Z"),
            article("hors").language("ar").status("withdrawn"),
            article("ancien").published(at("2025-06-01T10:00:00Z")),
        ]);
        let admin = app.login("root", "admin");
        let delayed = json!({"delay_minutes": 60, "scope": {"languages": ["fr"]}});
        let (_, bearer) = partner(&app, &admin, "tard", delayed);
        let status = |slug: &str| get(&app, &format!("/v1/articles/{slug}"), &bearer).status;
        let everyone = |slug: &str| app.get(&format!("/v1/articles/{slug}")).status;
        let all = ["vu", "pas-vu", "hors", "ancien"];
        assert_eq!(all.map(everyone), [410, 410, 410, 200]);
        assert_eq!(all.map(status), [410, 404, 404, 200]);
    }
}

#[test]
fn a_partner_that_waits_is_not_told_of_what_was_taken_back_before_its_hour() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let (early, late) = ("2025-06-01T10:00:00Z", "2025-06-01T11:45:00Z");
        app.import(&[
            article("retire-vu").published(at(early)),
            article("retire").published(at(late)),
            article("efface-vu").published(at(early)),
            article("efface").published(at(late)),
            article("fini-vu")
                .published(at(early))
                .with("expires_at", "2025-06-01T12:10:00Z"),
            article("fini")
                .published(at(late))
                .with("expires_at", "2025-06-01T12:10:00Z"),
        ]);
        let admin = app.login("root", "admin");
        let (_, bearer) = partner(&app, &admin, "tard", json!({"delay_minutes": 60}));
        let any = [("if-match", "*")];
        for slug in ["retire-vu", "retire"] {
            let path = format!("/v1/articles/{slug}/publication");
            let done = app.write("DELETE", &path, &admin, &any, None);
            assert!(done.status < 300, "{}", done.text());
        }
        for slug in ["efface-vu", "efface"] {
            let path = format!("/v1/articles/{slug}");
            assert_eq!(app.write("DELETE", &path, &admin, &any, None).status, 204);
        }
        let status = |slug: &str| get(&app, &format!("/v1/articles/{slug}"), &bearer).status;
        let everyone = |slug: &str| app.get(&format!("/v1/articles/{slug}")).status;
        app.clock.set(at("2025-06-01T13:30:00Z"));
        for slug in ["retire", "efface", "fini"] {
            assert_eq!(everyone(slug), 410, "{name} {slug}");
            assert_eq!(status(slug), 404, "{name} {slug}");
            let seen = format!("{slug}-vu");
            assert_eq!(everyone(&seen), 410, "{name} {seen}");
            assert_eq!(status(&seen), 410, "{name} {seen}");
        }
    }
}

#[test]
fn a_partner_gets_as_much_of_an_article_as_it_may_and_is_told_so() {
    for place in places() {
        let app = App::on(place);
        let long = "Le barrage du Ziz se remplit apres les pluies, disent les ministres de l'eau.";
        app.import(&[
            article("premier")
                .saying(&format!("{long} mirabelle"))
                .with("standfirst", "chapo-secret"),
            article("second").saying(&format!("{long} framboise")),
        ]);
        let admin = app.login("root", "admin");
        let (_, headline) = partner(&app, &admin, "titres", json!({"text": "headline"}));
        let (_, excerpt) = partner(&app, &admin, "extraits", json!({"text": "excerpt"}));
        let (_, full) = partner(&app, &admin, "tout", json!({"text": "full"}));
        let one = |bearer: &str| get(&app, "/v1/articles/premier", bearer).json();
        let headlines = one(&headline);
        assert_eq!(headlines["headline"], "premier");
        assert!(headlines["standfirst"].is_null() && headlines.get("trail_text").is_none());
        assert!(headlines.get("body_html").is_none() && headlines.get("body_text").is_none());
        assert_eq!(
            headlines["withheld"],
            json!(["standfirst", "trail_text", "body_html", "body_text"])
        );
        let excerpts = one(&excerpt);
        assert_eq!(excerpts["standfirst"], "chapo-secret");
        assert_eq!(excerpts["trail_text"], "chapo-secret");
        assert_eq!(excerpts["withheld"], json!(["body_html", "body_text"]));
        assert!(one(&full).get("withheld").is_none() && one(&full)["body_text"].is_string());
        assert!(app.json("/v1/articles/premier").get("withheld").is_none());
        for path in [
            "/v1/articles?include=body,related,related_tags,translations",
            "/v1/articles?q=premier&include=body",
            "/v1/articles?fields=slug,body_text,standfirst,trail_text",
            "/v1/articles/premier?include=related",
            "/v1/articles/premier/related",
            "/v1/articles/second/related",
            "/v1/related?ids=second",
        ] {
            let reply = get(&app, path, &headline);
            let told = reply.text();
            assert_eq!(reply.status, 200, "{path}");
            assert!(
                told.contains("premier") || told.contains("second"),
                "{path}"
            );
            for word in ["mirabelle", "framboise", "secret", "ministres", "pluies"] {
                assert!(!told.contains(word), "{path} {word}: {told}");
            }
            assert!(told.contains("withheld"), "{path}");
        }
        // The weights of what is not named still add up.
        let related = get(&app, "/v1/articles/premier/related", &headline).json();
        let near = &related["data"][0];
        let weights = near["reasons"].as_array().unwrap().iter();
        let sum: f64 = weights.filter_map(|reason| reason["weight"].as_f64()).sum();
        assert!(
            (sum - near["score"].as_f64().unwrap()).abs() < 0.001,
            "{near}"
        );
    }
}

#[test]
fn no_question_tells_a_partner_of_words_that_it_does_not_get() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        app.import(&[article("premier")
            .saying("Le barrage du Ziz se remplit apres les pluies de mirabelle.")
            .with("standfirst", "Un chapo sur la framboise")
            .with("byline", "Amina Ouazzani")
            .tagged("tafilalet")]);
        let admin = app.login("root", "admin");
        let keys = ["headline", "excerpt", "full"]
            .map(|text| partner(&app, &admin, text, json!({ "text": text })).1);
        let finders = |q: &str| {
            let found = |bearer: &String| {
                let path = format!("/v1/articles?q={q}&count=exact");
                let page = get(&app, &path, bearer).json();
                let feed = get(&app, &format!("/v1/feeds/json?q={q}"), bearer).json();
                let found = page["data"].as_array().unwrap().len();
                assert_eq!(page["page"]["count"], found, "{name} {q}");
                assert_eq!(feed["items"].as_array().unwrap().len(), found, "{name} {q}");
                found == 1
            };
            [0, 1, 2].map(|at| found(&keys[at]))
        };
        for shown in ["premier", "ouazzani", "tafilalet", "amina%20premier"] {
            assert_eq!(finders(shown), [true, true, true], "{name} {shown}");
        }
        for standfirst in ["framboise", "%22sur%20la%20framboise%22"] {
            assert_eq!(finders(standfirst), [false, true, true], "{name}");
        }
        for body in ["mirabelle", "%22apres%20les%20pluies%22", "premier%20ziz"] {
            assert_eq!(finders(body), [false, false, true], "{name} {body}");
        }
        // What leaves nothing out does not tell either.
        assert_eq!(finders("premier%20-mirabelle"), [true, true, false]);
        assert_eq!(finders("premier%20-framboise"), [true, false, false]);
        let body = json!({"headline": "mirabelle", "language": "fr"}).to_string();
        let related = |bearer: &String| {
            let json = ("content-type", "application/json");
            let headers = [("authorization", bearer.as_str()), json];
            app.post_with("/v1/related", &headers, &body)
        };
        assert_eq!(
            [0, 1, 2].map(|at| related(&keys[at]).status),
            [403, 403, 200]
        );
        assert!(related(&keys[0]).text().contains("whole text"), "{name}");
    }
}

/// Thirty words, of which texts that share a few are no copies of each other.
fn many_words(kind: &str) -> String {
    let words: Vec<String> = (0..30).map(|at| format!("{kind}mot{at}x")).collect();
    words.join(" ")
}

#[test]
fn what_is_near_a_partner_is_not_lost_behind_what_it_may_not_read() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let near = format!("{} barrage khettaras tafilalet palmiers", many_words("b"));
        let text = format!("{} barrage khettaras tafilalet palmiers", many_words("a"));
        let borne = |slug: &str, text: &str| article(slug).saying(text).tagged("oasis");
        let mut all = vec![
            borne("ici", &text).tagged("eau"),
            borne("copie", &format!("{near} ajout")).tagged("source"),
        ];
        for number in 0..15 {
            let more = format!(
                "{} barrage khettaras tafilalet",
                many_words(&format!("c{number}"))
            );
            let more = match number {
                0 => near.clone(),
                _ => format!("{more} palmiers palmiers"),
            };
            let out = borne(&format!("dehors{number}"), &more).language("fr-MA");
            all.push(out.tagged("eau").tagged("source"));
        }
        all.push(borne("encore", &many_words("z")).tagged("eau"));
        for number in 0..60 {
            all.push(article(&format!("autre{number}")).saying(&many_words(&format!("d{number}"))));
        }
        app.import(&all);
        let admin = app.login("root", "admin");
        let scope = json!({"scope": {"languages": ["fr"]}});
        let (_, bearer) = partner(&app, &admin, "agence", scope);
        let public = app.get("/v1/articles/ici/related?limit=5");
        let told = slugs_of_related(&public);
        assert!(
            told.iter().all(|slug| slug.starts_with("dehors")),
            "{told:?}"
        );
        let found = |path: &str| slugs_of_related(&get(&app, path, &bearer));
        let nearest = found("/v1/articles/ici/related?limit=1");
        assert_eq!(nearest, ["copie"], "{name}");
        let several = found("/v1/related?ids=ici&limit=2");
        assert!(several.contains(&"copie".to_owned()), "{name} {several:?}");
        let shared = |path: &str, bearer: Option<&str>, tag: &str| {
            let reply = match bearer {
                Some(bearer) => get(&app, path, bearer),
                None => app.get(path),
            };
            let json = reply.json();
            let mut tags = json["data"].as_array().unwrap().iter();
            let found = tags.find(|one| one["tag"]["slug"] == tag);
            found.map_or(0, |one| one["shared"].as_u64().unwrap())
        };
        let of_tag = "/v1/tags/eau/related";
        assert_eq!(shared(of_tag, None, "oasis"), 17, "{name}");
        assert!(shared(of_tag, Some(&bearer), "oasis") <= 2, "{name}");
        let of_article = "/v1/articles/ici/related-tags";
        assert!(shared(of_article, None, "source") > 1, "{name}");
        assert_eq!(shared(of_article, Some(&bearer), "source"), 1, "{name}");
    }
}

#[test]
fn a_scope_follows_its_tags_through_names_and_mergers() {
    for place in places() {
        let app = App::on(place);
        app.import(&[
            article("un").tagged("rabat"),
            article("deux").tagged("capitale"),
            article("trois").tagged("sport"),
        ]);
        let admin = app.login("root", "admin");
        let any = [("if-match", "*")];
        let scope = json!({"scope": {"tags": "rabat|(capitale,-sport)"}});
        let (id, bearer) = partner(&app, &admin, "suivi", scope);
        let tags = || {
            let key = get(&app, &format!("/v1/keys/{id}"), &admin);
            key.json()["scope"]["tags"].as_str().unwrap().to_owned()
        };
        let list = || slugs(&app, "/v1/articles", &bearer);
        assert_eq!(tags(), "rabat|(capitale,-sport)");
        assert_eq!(list(), ["deux", "un"]);
        let renamed = json!({"slug": "ville-de-rabat"});
        let done = app.write("PATCH", "/v1/tags/rabat", &admin, &any, Some(renamed));
        assert_eq!(done.status, 200, "{}", done.text());
        assert_eq!(tags(), "ville-de-rabat|(capitale,-sport)");
        assert_eq!(list(), ["deux", "un"]);
        let into = json!({"into": "sport"});
        let done = app.write(
            "PUT",
            "/v1/tags/ville-de-rabat/merger",
            &admin,
            &any,
            Some(into),
        );
        assert_eq!(done.status, 200, "{}", done.text());
        assert_eq!(tags(), "sport|(capitale,-sport)");
        assert_eq!(list(), ["deux", "trois", "un"]);
        // A slug that an expression cannot say is still the tag that was meant.
        let odd = json!({"slug": "-sport"});
        let done = app.write("PATCH", "/v1/tags/sport", &admin, &any, Some(odd));
        assert_eq!(done.status, 200, "{}", done.text());
        let path = format!("/v1/keys/{id}");
        let quota = json!({"daily_quota": 1000});
        let done = app.write("PATCH", &path, &admin, &any, Some(quota));
        assert_eq!(done.status, 200, "{}", done.text());
        assert_eq!(list(), ["deux", "trois", "un"]);
        // The former name leads a partner on, too.
        let reply = get(&app, "/v1/tags/rabat", &bearer);
        assert_eq!(reply.status, 301);

        // A tag that no one bears any more cannot go while a key stands by it.
        let made = json!({"name": "Reste", "slug": "reste"});
        assert_eq!(
            app.write("POST", "/v1/tags", &admin, &[], Some(made))
                .status,
            201
        );
        let (other, _) = partner(&app, &admin, "autre", json!({"scope": {"tags": "-reste"}}));
        let gone = || app.write("DELETE", "/v1/tags/reste", &admin, &any, None);
        let refused = gone();
        assert_eq!(refused.status, 409, "{}", refused.text());
        assert!(refused.text().contains("autre"));
        let path = format!("/v1/keys/{other}");
        assert_eq!(app.write("DELETE", &path, &admin, &[], None).status, 204);
        assert_eq!(gone().status, 204);
        assert_eq!(get(&app, &path, &admin).status, 200);
    }
}

#[test]
fn rights_are_read_changed_and_told_in_the_trail() {
    for place in places() {
        let app = App::on(place);
        app.import(&[article("un").tagged("eau")]);
        let admin = app.login("root", "admin");
        let (id, bearer) = partner(&app, &admin, "droits", json!({"text": "excerpt"}));
        let path = format!("/v1/keys/{id}");
        let read = get(&app, &path, &admin);
        assert_eq!(read.json()["text"], "excerpt");
        assert_eq!(
            read.json()["scope"],
            json!({"tags": null, "languages": null, "sources": null})
        );
        let patch = |body: Value, tag: &str| {
            let headers: &[(&str, &str)] = match tag {
                "" => &[],
                _ => &[("if-match", tag)],
            };
            app.write("PATCH", &path, &admin, headers, Some(body))
        };
        assert_eq!(patch(json!({"text": "full"}), "").status, 428);
        let first = read.header("etag").to_owned();
        let changed = patch(
            json!({"scope": {"tags": "eau", "languages": ["fr", "fr"]}, "daily_quota": 5}),
            &first,
        );
        assert_eq!(changed.status, 200, "{}", changed.text());
        assert_eq!(changed.json()["scope"]["languages"], json!(["fr"]));
        assert_eq!(changed.json()["text"], "excerpt", "what is not named stays");
        assert_eq!(patch(json!({"text": "full"}), &first).status, 412);
        let more = patch(
            json!({"scope": {"languages": null}, "text": null}),
            changed.header("etag"),
        );
        assert_eq!(more.json()["scope"]["tags"], "eau");
        assert!(more.json()["scope"]["languages"].is_null());
        assert_eq!(more.json()["text"], "full");
        for (body, pointer) in [
            (json!({"role": "editor"}), "/role"),
            (json!({"scope": {"tag": "x"}}), "/scope/tag"),
            (json!({"scope": {"tags": "nulle-part"}}), "/scope/tags"),
            (json!({"scope": {"tags": "a,"}}), "/scope/tags"),
            (json!({"scope": {"languages": []}}), "/scope/languages"),
            (
                json!({"scope": {"languages": ["x y"]}}),
                "/scope/languages/0",
            ),
            (json!({"text": "half"}), "/text"),
            (json!({"delay_minutes": 1.5}), "/delay_minutes"),
            (
                json!({"delay_minutes": 5, "lead_minutes": 5}),
                "/lead_minutes",
            ),
            (json!({"daily_quota": 0}), "/daily_quota"),
            (json!({"rate_per_minute": -1}), "/rate_per_minute"),
        ] {
            let refused = patch(body.clone(), more.header("etag"));
            assert_eq!(refused.status, 422, "{body} {}", refused.text());
            let told = refused.json()["errors"][0]["pointer"].clone();
            assert_eq!(told, pointer, "{}", refused.text());
        }
        let after = get(&app, &path, &admin);
        assert_eq!(after.json(), more.json(), "what is refused changes nothing");
        assert_eq!(get(&app, &path, &bearer).status, 403);
        let trail = get(&app, "/v1/audit?action=key.update", &admin).json();
        let last = &trail["data"][0];
        assert_eq!(
            last["detail"]["before"]["scope"]["languages"],
            json!(["fr"])
        );
        assert!(last["detail"]["after"]["scope"]["languages"].is_null());
        let made = get(&app, "/v1/audit?action=key.create", &admin).json();
        assert_eq!(made["data"][0]["detail"]["rights"]["text"], "excerpt");
        let body = json!({"name": "redac", "role": "editor", "text": "headline", "daily_quota": 9});
        let refused = app.write("POST", "/v1/keys", &admin, &[], Some(body));
        assert_eq!(refused.json()["errors"][0]["pointer"], "/role");
        assert_eq!(app.write("DELETE", &path, &admin, &[], None).status, 204);
        let late = patch(json!({"text": "full"}), after.header("etag"));
        assert_eq!(late.status, 409);
    }
}

#[test]
fn a_partner_who_logs_in_gets_what_may_be_syndicated() {
    let app = App::new();
    app.import(&[
        article("pour-tous"),
        article("reserve").with("rights", json!({"syndicatable": false})),
    ]);
    let partner = app.login("paul", "partner");
    assert_eq!(slugs(&app, "/v1/articles", &partner), ["pour-tous"]);
    assert_eq!(get(&app, "/v1/articles/reserve", &partner).status, 404);
    let reader = app.login("rita", "reader");
    assert_eq!(
        slugs(&app, "/v1/articles", &reader),
        ["pour-tous", "reserve"]
    );
    // What the partner was given is not given to the public, nor the other way round.
    assert_eq!(app.json("/v1/articles?count=exact")["page"]["count"], 2);
    assert_eq!(slugs(&app, "/v1/articles?count=exact", &partner).len(), 1);
    assert_eq!(app.json("/v1/articles?count=exact")["page"]["count"], 2);
}

#[test]
fn a_preview_opens_for_whoever_has_its_address() {
    let app = App::new();
    app.import(&[article("brouillon").status("draft").language("ar")]);
    let admin = app.login("root", "admin");
    let scope = json!({"scope": {"languages": ["fr"]}, "text": "headline"});
    let (_, bearer) = partner(&app, &admin, "agence", scope);
    let made = app.write(
        "POST",
        "/v1/articles/brouillon/previews",
        &admin,
        &[],
        Some(json!({})),
    );
    let url = made.json()["url"].as_str().unwrap().to_owned();
    let opened = get(&app, &url, &bearer);
    assert_eq!(opened.status, 200);
    assert!(opened.json()["body_text"].is_string());
}

/// As [`rights`], without waiting.
pub fn rights_at_once() -> Value {
    json!({"scope": {"tags": "eau,-sport", "languages": ["fr"], "sources": ["MAP"]}})
}

/// All syndication formats, which go by the same rights.
const FEEDS: [&str; 6] = ["rss", "atom", "json", "ninjs", "sitemap", "news-sitemap"];

#[test]
fn no_feed_shows_a_partner_what_is_not_its() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let admin = app.login("root", "admin");
        let all: Vec<Article> = in_scope().into_iter().chain(out_of_scope()).collect();
        assert_eq!(app.import_text(&text(&all)).0.failed, 0, "{name}");
        let titles =
            json!({"scope": rights_at_once()["scope"], "delay_minutes": 60, "text": "headline"});
        let (_, full) = partner(&app, &admin, "agence", rights());
        let (_, titles) = partner(&app, &admin, "titres", titles);
        for format in FEEDS {
            let queries = match format.ends_with("sitemap") {
                true => ["", "?tag=eau", "?language=fr", "?page=1"],
                false => ["", "?tag=eau&limit=2", "?q=barrage", "?language=ar"],
            };
            for query in queries {
                let path = format!("/v1/feeds/{format}{query}");
                for bearer in [&full, &titles] {
                    let reply = get(&app, &path, bearer);
                    assert!(reply.status == 200 || query == "?page=1", "{path}");
                    let told = reply.text();
                    assert!(!told.contains(WORD), "{name} {path}: {told}");
                    let ids = (1..=7).map(id);
                    assert!(!ids.into_iter().any(|id| told.contains(&id)), "{path}");
                }
            }
            let path = format!("/v1/feeds/{format}");
            // The news of two days are none of these.
            let has_some = format != "news-sitemap";
            let told = get(&app, &path, &full).text();
            assert_eq!(
                told.contains("khettaras"),
                has_some,
                "{name} {path}: {told}"
            );
            assert!(
                !get(&app, &path, &titles).text().contains("se remplit"),
                "{path}"
            );
            assert!(app.get(&path).text().contains(WORD), "{name} {path}");
        }
    }
}
