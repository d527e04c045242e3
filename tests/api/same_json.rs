//! The same requests give the same JSON on both databases.

use crate::support::{App, places};

const PATHS: [&str; 62] = [
    "/v1/articles",
    "/v1/articles?limit=100&include=body,translations",
    "/v1/articles?limit=15&include=related,related_tags&tag=-maroc",
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
    "/v1/related?ids=route-du-sel-3-rissani,khettaras-jorf-nettoyage,nowhere",
    "/v1/related?ids=khettaras-foum-nettoyage,roses-lettres-2031,espagne-maroc-tanger-securite&language=any&limit=50",
    "/v1/related?limit=5",
    "/v1/tags?limit=100",
    "/v1/tags?order_by=count&limit=10",
    "/v1/tags?kind=person",
    "/v1/tags?q=e&count=exact",
    "/v1/tags/eau",
    "/v1/tags/nowhere",
    "/v1/tags/eau/related",
    "/v1/tags/maroc/related?limit=3",
    "/openapi.json",
    "/v1/articles/%D8%A5%D8%B3%D8%A8%D8%A7%D9%86%D9%8A%D8%A7-%D8%A7%D9%84%D9%85%D8%BA%D8%B1%D8%A8-%D8%A3%D9%85%D9%86-%D8%A7%D9%84%D9%85%D8%B6%D9%8A%D9%82",
    "/v1/articles/01779037-e017-7bec-b45a-b0eda6deca95?fields=slug,translations",
    "/v1/articles/musee-fossiles-erfoud-ouverture?fields=body_html,body_text,word_count",
    "/v1/articles/rapport-nappes-2026-embargo",
    "/v1/articles/communales-2027-carte-interactive",
    "/v1/articles/etoile-ziz-transfert-retire",
    "/v1/articles/Khettaras-Jorf-Nettoyage",
    "/v1/articles?q=%22route+du+sel%22",
    "/v1/articles?q=eau+-barrage&order_by=oldest&count=exact",
    "/v1/articles?q=%D8%A7%D9%84%D9%85%D8%A7%D8%A1",
    "/v1/articles?q=l%27eau&tag=-khettaras&source=Portail%20des%20oasis",
    "/v1/articles?q=football&use_date=updated&order_by=newest",
    "/v1/articles?from=2025-05-18T21:00:00Z&to=2025-05-18T21:00:00Z",
    "/v1/articles?tag=-(eau,zagora)&limit=5&count=exact",
    "/v1/articles?tag=sud-est-marocain",
    "/v1/articles?tag=nowhere",
    "/v1/articles?ids=01779037-e017-7bec-b45a-b0eda6deca95",
    "/v1/articles?language=en&fields=slug&include=body",
    "/v1/articles/soixante-minibus-scolaires-region/related",
    "/v1/articles/route-du-sel-3-rissani/related?from=2025-01-01&exclude=route-du-sel-2-midelt",
    "/v1/articles/khettaras-jorf-nettoyage/related?tag=eau,-maroc&limit=3",
    "/v1/tags?kind=place&order_by=count&count=exact",
    "/v1/tags?q=%C3%89l",
    "/v1/tags/khettaras",
    "/v1/tags/foggaras",
    "/v1/tags/sur-la-route-du-sel/related",
];

#[test]
fn both_databases_answer_alike() {
    let answers: Vec<_> = places()
        .into_iter()
        .map(|place| {
            let name = place.name;
            let app = App::with_samples(place);
            let answer = |path: &&str| {
                let reply = app.get(path);
                let headers = ["location", "link", "last-modified", "cache-control"];
                let headers = headers.map(|name| reply.header(name).to_owned());
                (reply.status, headers, reply.text())
            };
            (name, PATHS.iter().map(answer).collect::<Vec<_>>())
        })
        .collect();
    let (_, first) = &answers[0];
    let fine = first.iter().filter(|(status, ..)| *status == 200).count();
    assert_eq!(
        (fine, PATHS.len()),
        (51, 62),
        "the others are refused, gone, or elsewhere"
    );
    for (name, others) in &answers[1..] {
        for ((path, one), other) in PATHS.iter().zip(first).zip(others) {
            assert_eq!(one, other, "{path} on {name}");
        }
    }
}
