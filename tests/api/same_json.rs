//! The same requests give the same JSON on both databases.

use crate::support::{App, at, places};

const PATHS: [&str; 32] = [
    "/v1/articles",
    "/v1/articles?limit=100&include=body,related,related_tags,translations",
    "/v1/articles?order_by=oldest&limit=7&count=exact",
    "/v1/articles?use_date=updated",
    "/v1/articles?use_date=first_published&order_by=oldest",
    "/v1/articles?tag=eau",
    "/v1/articles?tag=(eau%7Csecheresse),-culture",
    "/v1/articles?tag=-maroc&limit=3",
    "/v1/articles?language=ar",
    "/v1/articles?source=Agence%20Atlas%20Presse",
    "/v1/articles?from=2024-01-01&to=2024-12-31",
    "/v1/articles?q=securite",
    "/v1/articles?q=oasis&order_by=newest&limit=3",
    "/v1/articles?q=water&language=en&count=exact",
    "/v1/articles?fields=slug,tags",
    "/v1/articles?limit=0",
    "/v1/articles/reunion-ministres-rabat-securite-france-maroc",
    "/v1/articles/reunion-ministres-rabat-securite-france-maroc?include=related,related_tags",
    "/v1/articles/roses-lettres-2031",
    "/v1/articles/programme-nuits-de-merzouga",
    "/v1/articles/route-du-sel-3-rissani/related",
    "/v1/articles/route-du-sel-3-rissani/related?language=any&limit=50",
    "/v1/articles/route-du-sel-3-rissani/related-tags",
    "/v1/tags?limit=100",
    "/v1/tags?order_by=count&limit=10",
    "/v1/tags?kind=person",
    "/v1/tags?q=e&count=exact",
    "/v1/tags/eau",
    "/v1/tags/nowhere",
    "/v1/tags/eau/related",
    "/v1/tags/maroc/related?limit=3",
    "/openapi.json",
];

#[test]
fn both_databases_answer_alike() {
    let answers: Vec<(&str, Vec<(u16, String)>)> = places()
        .into_iter()
        .map(|place| {
            let name = place.name;
            let app = App::on(place);
            app.clock.set(at("2026-11-01T12:00:00Z"));
            assert_eq!(
                app.import_text(include_str!("../../samples/portail.ndjson"))
                    .1,
                [],
                "{name}"
            );
            let answer = |path: &&str| {
                let reply = app.get(path);
                (reply.status, String::from_utf8(reply.bytes).unwrap())
            };
            (name, PATHS.iter().map(answer).collect())
        })
        .collect();
    let (_, first) = &answers[0];
    for (name, others) in &answers[1..] {
        for ((path, one), other) in PATHS.iter().zip(first).zip(others) {
            assert_eq!(one, other, "{path} on {name}");
        }
    }
}
