//! Pins that a translation group shares, and who of it is heard.

use serde_json::json;

use super::revisions::{delete, get};
use super::translations::pinned;
use crate::support::{App, Article, article, at, places};

fn member(slug: &str, language: &str, pin: &str) -> Article {
    article(slug)
        .language(language)
        .with("translation_of", "crue")
        .with("pins", json!([pin]))
}

#[test]
fn only_what_the_public_sees_at_the_moment_shares_its_pins() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let editor = app.key("editor");
        let hours = [
            "12:59:59", "13:00:00", "13:59:59", "14:00:00", "14:59:59", "15:00:00",
        ];
        let [_, one, _, two, _, three] = hours.map(|hour| format!("2025-06-01T{hour}Z"));
        app.import(&[
            article("crue"),
            article("un"),
            article("deux"),
            article("trois"),
            article("quatre"),
            article("cinq"),
            member("flood", "en", "un")
                .status("scheduled")
                .published(at(&one)),
            member("inundacion", "es", "deux").with("embargoed_until", two),
            member("flut", "de", "trois").with("expires_at", three),
            member("piena", "it", "quatre"),
            member("cheia", "pt", "cinq").status("draft"),
        ]);
        let expected = [
            &["trois", "quatre"][..],
            &["un", "trois", "quatre"],
            &["un", "trois", "quatre"],
            &["un", "deux", "trois", "quatre"],
            &["un", "deux", "trois", "quatre"],
            &["un", "deux", "quatre"],
        ];
        assert_eq!(pinned(&app, "crue"), expected[0], "{name}");
        for (hour, expected) in hours.into_iter().zip(expected) {
            app.clock.set(at(&format!("2025-06-01T{hour}Z")));
            assert_eq!(pinned(&app, "crue"), expected, "{name} {hour}");
        }
        let publication = |method: &str, slug: &str| {
            let article = format!("/v1/articles/{slug}");
            let etag = get(&app, &article, &editor).header("etag").to_owned();
            let body = (method == "PUT").then(|| json!({}));
            let path = format!("{article}/publication");
            let reply = app.write(method, &path, &editor, &[("if-match", &etag)], body);
            assert!(reply.status < 300, "{name}: {}", reply.text());
        };
        publication("DELETE", "piena");
        assert_eq!(pinned(&app, "crue"), ["un", "deux"], "{name}");
        publication("PUT", "cheia");
        assert_eq!(pinned(&app, "crue"), ["un", "deux", "cinq"], "{name}");
        delete(&app, "amina", "flood");
        assert_eq!(pinned(&app, "crue"), ["deux", "cinq"], "{name}");
    }
}

#[test]
fn a_hidden_translation_of_what_is_pinned_stands_before_none() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let sadd = |slug: &str, language: &str| {
            let sadd = article(slug).language(language);
            sadd.with("translation_of", "barrage")
        };
        app.import(&[
            article("crue").with("pins", json!(["barrage"])),
            article("fayadan")
                .language("ar-MA")
                .with("translation_of", "crue"),
            article("barrage"),
            sadd("sadd", "ar"),
            sadd("sadd-maghribi", "ar-MA").status("draft"),
        ]);
        assert_eq!(pinned(&app, "fayadan"), ["sadd"], "{name}");
        app.import(&[sadd("sadd-maghribi", "ar-MA")]);
        assert_eq!(pinned(&app, "fayadan"), ["sadd-maghribi"], "{name}");
    }
}
