//! What sites of Hugo and Jekyll hide, however they say it.

use super::markdown_sites::{page, public, taken};
use super::*;

#[test]
fn a_configuration_that_cannot_be_read_stops_the_import() {
    let imported = Imported::into(Place::sqlite());
    let place = &imported.place;
    let large = format!("# {}\n", "x".repeat(1024 * 1024));
    let many = format!("defaults: [{}]\n", "{values: {a: b}},".repeat(1_001));
    for (number, (name, text, told)) in [
        ("_config.yml", "defaults: [\n", "is no YAML"),
        ("_config.yml", large.as_str(), "is larger than"),
        ("_config.yml", many.as_str(), "more than 1000"),
        ("hugo.toml", "draft", "is no TOML"),
        ("config.json", "{", "is no JSON"),
        ("config/_default/cascade.yaml", "a: [", "is no YAML"),
    ]
    .into_iter()
    .enumerate()
    {
        let site = format!("site-{number}");
        let texts = match name.starts_with('_') {
            true => "_posts",
            false => "content",
        };
        written(place, &format!("{site}/{name}"), text);
        let article = format!("{site}/{texts}/2024-01-01-un.md");
        written(place, &article, page("title: Un"));
        let said = taken(&imported, &site);
        assert_ne!(said.code, Some(0), "{name}: {}", said.text);
        said.says(&[told]);
        // Also where only a part is read.
        let said = taken(&imported, &format!("{site}/{texts}"));
        assert_ne!(said.code, Some(0), "{name}: {}", said.text);
    }
    // Jekyll takes the last of two.
    written(
        place,
        "twice/_config.yml",
        "lang: ar\nlang: fr\ndefaults: []\ndefaults: [{values: {published: false}}]\n",
    );
    written(place, "twice/_posts/2024-01-01-un.md", page("title: Un"));
    taken(&imported, "twice").says(&["1 created", "(defaults) taken as drafts"]);
    assert_eq!(public(&imported.serve()), [""; 0]);
}

#[test]
fn cascades_of_languages_hide_what_is_in_them() {
    let imported = Imported::into(Place::sqlite());
    let place = &imported.place;
    for (site, config, texts) in [
        // Nothing says in which language the texts are, or only as a code of a region.
        ("code", "languageCode: fr-MA", "un.md"),
        ("none", "title: None", "un.md"),
        (
            "other",
            "languages: {fr: {weight: 1}, ar: {weight: 2}}",
            "un.md",
        ),
        ("own", "defaultContentLanguage: fr", "un.md"),
        (
            "of-language",
            "languages: {fr: {cascade: {draft: true}}, en: {}}",
            "un.fr.md",
        ),
    ] {
        let rules = match site {
            "of-language" => "",
            "none" => "cascade: [{target: {lang: en}, draft: true}]",
            _ => "cascade: [{target: {lang: fr}, draft: true}]",
        };
        written(
            place,
            &format!("{site}/hugo.yaml"),
            format!("{config}\n{rules}\n"),
        );
        written(
            place,
            &format!("{site}/content/a/{texts}"),
            page("title: Un"),
        );
        let hidden = "(cascade) taken as drafts";
        taken(&imported, site).says(&[hidden]);
        taken(&imported, &format!("{site}/content/a")).says(&[hidden]);
        taken(&imported, &format!("{site}/content/a/{texts}")).says(&[hidden]);
    }
    // The page of a section in the language of the site.
    written(place, "section/hugo.yaml", "languageCode: fr-MA");
    let section = page("cascade: {draft: true}");
    written(place, "section/content/a/_index.fr.md", section);
    written(place, "section/content/a/un.md", page("title: Un"));
    written(place, "section/content/a/deux.ar.md", page("title: Deux"));
    taken(&imported, "section").says(&["changed: 1 texts that a section"]);
    taken(&imported, "section/content/a/un.md").says(&["changed: 1 texts that a section"]);
    let said = taken(&imported, "section/content/a/deux.ar.md");
    assert!(!said.text.contains("texts that a section"), "{}", said.text);
    let app = imported.serve();
    assert!(public(&app).iter().all(|slug| slug.starts_with("deux")));
}

#[test]
fn links_reveal_no_page_that_is_not_public_now() {
    let imported = Imported::into(Place::sqlite());
    let place = &imported.place;
    written(
        place,
        "hugo/hugo.yaml",
        "baseURL: https://h.example/\nlanguageCode: fr\n",
    );
    let links = "[a]({{< ref \"later\" >}}) [b]({{< ref \"over\" >}}) [c]({{< ref \"cut\" >}}) \
                 [d]({{< ref \"now\" >}})";
    let text = page("title: A") + links;
    written(place, "hugo/content/actu/a.md", text);
    for (path, text) in [
        ("actu/now", page("title: Now")),
        ("actu/over", page("expiryDate: 2024-02-01T00:00:00Z")),
        ("actu/later", page("publishDate: 2999-01-01T00:00:00Z")),
        // Of two of one name the one that cannot be read may be meant.
        ("sport/cut", "---\ntitle: [\n---\nx".to_owned()),
        ("autre/cut", page("title: Cut")),
    ] {
        written(place, &format!("hugo/content/{path}.md"), text);
    }
    taken(&imported, "hugo").says(&["references to other pages that are not found"]);
    let text = body(&imported.serve(), "a");
    assert!(text.contains("https://h.example/actu/now/"), "{text}");
    for hidden in [
        "h.example/actu/later",
        "h.example/actu/over",
        "h.example/autre/cut",
    ] {
        assert!(!text.contains(hidden), "{hidden} in {text}");
    }
}
