//! What the usual plug-ins of WordPress write into its exports.

use super::wordpress::{export, item};
use super::*;

/// An item that bears these terms: taxonomy, name in addresses, name.
fn with_terms(id: u32, content: &str, terms: &[(&str, &str, &str)]) -> String {
    let terms = terms.iter().map(|(domain, nicename, name)| {
        format!("<category domain=\"{domain}\" nicename=\"{nicename}\">{name}</category>")
    });
    let terms: String = terms.collect();
    item(id, content).replace("</item>", &format!("{terms}</item>"))
}

#[test]
fn articles_of_polylang_have_their_language_and_their_translations() {
    let group = ("post_translations", "pll_5f1c2", "pll_5f1c2");
    let trashed = with_terms(4, "x", &[("language", "fr", "Français"), group]);
    let items = [
        trashed.replace(">publish<", ">trash<"),
        with_terms(1, "نص", &[("language", "ar", "العربية"), group]),
        with_terms(2, "texte", &[("language", "fr", "Français"), group]),
        with_terms(3, "text", &[("language", "en", "English"), group]),
        with_terms(5, "seul", &[("language", "fr", "Français")]),
    ];
    for place in places() {
        let imported = Imported::into(place);
        let file = written(&imported.place, "polylang.xml", export(&items.concat()));
        let said = imported.run(&[&file]);
        assert_eq!(said.code, Some(0), "{}", said.text);
        said.says(&["4 created"]);
        imported.again(&[&file]);
        let app = imported.serve();
        for (slug, language) in [("t1", "ar"), ("t2", "fr"), ("t3", "en"), ("t5", "fr")] {
            let article = app.get(&format!("/v1/articles/{slug}")).json();
            assert_eq!(article["language"], language, "{article}");
        }
        let path = "/v1/articles/t2?include=translations";
        let article = app.get(path).json();
        let translations = article["translations"].as_array().unwrap();
        let mut slugs: Vec<_> = translations.iter().map(|one| &one["slug"]).collect();
        slugs.sort_by_key(|slug| slug.to_string());
        assert_eq!(slugs, ["t1", "t3"], "{article}");
        assert!(tags(&article).is_empty(), "{article}");
    }
}

/// It cannot be told which of the two is the original.
#[test]
fn no_translation_is_of_a_name_that_two_articles_have() {
    let group = ("post_translations", "pll_1", "pll_1");
    let items = [
        with_terms(1, "نص", &[("language", "ar", "العربية")]),
        with_terms(2, "texte", &[("language", "fr", "Français"), group]).replace("g2", "g1"),
        with_terms(3, "text", &[("language", "en", "English"), group]),
    ];
    let imported = Imported::into(Place::sqlite());
    let file = written(&imported.place, "polylang.xml", export(&items.concat()));
    imported.run(&[&file]).says(&["3 created"]);
    let app = imported.serve();
    let article = app.get("/v1/articles/t3?include=translations").json();
    assert_eq!(article["translations"], json!([]), "{article}");
}

#[test]
fn code_is_no_text_of_qtranslate() {
    let code = "liste[:end] puis {:ok} et {:toc} fin";
    let imported = Imported::into(Place::sqlite());
    let file = written(&imported.place, "code.xml", export(&item(1, code)));
    imported.run(&[&file]).says(&["1 created"]);
    let app = imported.serve();
    let article = app.get("/v1/articles/t1").json();
    assert_eq!(article["language"], "fr");
    assert_eq!(article["body_text"], code);
}

#[test]
fn a_text_of_qtranslate_is_taken_in_the_sites_language() {
    let text = |fr: &str| format!("[:fr]{fr}[:ar]&lt;p&gt;نص&lt;/p&gt;[:]");
    let titled =
        item(1, &text("&lt;p&gt;Un&lt;/p&gt;")).replace("Titre 1", "[:fr]Titre[:ar]عنوان[:]");
    let items = [titled, item(2, &text(" ")), item(3, "à 12:30 [:-)]")];
    let imported = Imported::into(Place::sqlite());
    let file = written(&imported.place, "qtranslate.xml", export(&items.concat()));
    let said = imported.run(&[&file]);
    said.says(&[
        "3 created",
        "changed: 2 texts in several languages taken in one: post 1",
    ]);
    imported.again(&[&file]);
    let app = imported.serve();
    let shown = |slug: &str| {
        let article = app.get(&format!("/v1/articles/{slug}")).json();
        let member = |name: &str| article[name].as_str().unwrap().to_owned();
        (member("language"), member("headline"), member("body_html"))
    };
    let said = |parts: [&str; 3]| {
        let [language, headline, body] = parts.map(str::to_owned);
        (language, headline, body)
    };
    assert_eq!(shown("t1"), said(["fr", "Titre", "<p>Un</p>"]));
    assert_eq!(shown("t2"), said(["ar", "Titre 2", "<p>نص</p>"]));
    assert_eq!(shown("t3"), said(["fr", "Titre 3", "<p>à 12:30 [:-)]</p>"]));
}

#[test]
fn several_authors_are_shown_by_their_names() {
    let author = |login: &str, name: &str| {
        format!(
            "<wp:author><wp:author_login>{login}</wp:author_login>\
             <wp:author_display_name>{name}</wp:author_display_name></wp:author>"
        )
    };
    let guest = "<item><title>Salma Idrissi</title><wp:post_id>90</wp:post_id><wp:post_name>cap-salma</wp:post_name>\
                 <wp:status>publish</wp:status><wp:post_type>guest-author</wp:post_type></item>";
    let terms = [
        ("author", "cap-fz-elidrissi", "fz.elidrissi"),
        ("author", "cap-jean-dupont", "Jean-Dupont"),
        ("author", "cap-salma", "salma"),
        ("author", "cap-omar", "Omar K."),
    ];
    let text = [
        author("fz.elidrissi", "Fatima-Zahra El Idrissi"),
        author("jean.dupont", "Jean Dupont"),
        with_terms(1, "x", &terms),
        guest.to_owned(),
    ];
    let imported = Imported::into(Place::sqlite());
    let file = written(&imported.place, "authors.xml", export(&text.concat()));
    imported.run(&[&file]).says(&["1 created"]);
    let article = imported.serve().get("/v1/articles/t1").json();
    assert_eq!(
        article["byline"],
        "Fatima-Zahra El Idrissi, Jean Dupont, Salma Idrissi, Omar K."
    );
}

#[test]
fn terms_of_the_sites_own_are_keywords() {
    let terms = [
        ("post_tag", "eau", "Eau"),
        ("ville", "zagora", "Zagora"),
        ("series", "dossier-eau", "Dossier eau"),
        ("post_format", "post-format-video", "Vidéo"),
    ];
    let imported = Imported::into(Place::sqlite());
    let text = export(&with_terms(1, "x", &terms));
    let file = written(&imported.place, "terms.xml", text);
    imported.run(&[&file]).says(&["1 created"]);
    let article = imported.serve().get("/v1/articles/t1").json();
    assert_eq!(
        tags(&article),
        [
            ("eau", "keyword"),
            ("zagora", "keyword"),
            ("dossier-eau", "keyword")
        ]
    );
}

#[test]
fn shared_blocks_attached_pictures_and_original_addresses_are_found_in_the_file() {
    let block = |id: u32, content: &str| item(id, content).replace(">post<", ">wp_block<");
    let picture = |id: u32, end: &str| {
        format!(
            "<item><title>p</title><wp:post_id>{id}</wp:post_id><wp:post_parent>2</wp:post_parent>\
             <wp:post_type>attachment</wp:post_type>\
             <wp:attachment_url>https://t.example/p{id}.{end}</wp:attachment_url></item>"
        )
    };
    let canonical = |id: u32, address: &str| {
        let meta = format!(
            "<wp:postmeta><wp:meta_key>_yoast_wpseo_canonical</wp:meta_key>\
             <wp:meta_value>{address}</wp:meta_value></wp:postmeta></item>"
        );
        let link = format!("<item><link>https://t.example/t{id}</link>");
        item(id, "x")
            .replace("</item>", &meta)
            .replace("<item>", &link)
    };
    let reference = |id: u32| format!("&lt;!-- wp:block {{\"ref\":{id}}} /--&gt;");
    let items = [
        item(
            1,
            &format!("&lt;p&gt;a&lt;/p&gt;{}{}", reference(30), reference(31)),
        ),
        item(2, "[gallery]"),
        item(3, "[gallery]"),
        canonical(4, "https://agence.example/original"),
        canonical(5, "https://www.t.example/ailleurs"),
        item(6, &reference(32)),
        block(30, "&lt;p&gt;commun&lt;/p&gt;"),
        block(31, "brouillon").replace(">publish<", ">draft<"),
        block(32, "a &lt;!-- wp:jetpack/paywall /--&gt; secret"),
        picture(40, "jpg"),
        picture(41, "pdf"),
        picture(42, "PNG"),
    ];
    let imported = Imported::into(Place::sqlite());
    let file = written(&imported.place, "shared.xml", export(&items.concat()));
    imported.run(&[&file]).says(&[
        "6 created",
        "left out: 1 blocks that WordPress fills in, \"block\": post 1 (Titre 1)",
        "left out: 1 galleries of which the file has no pictures: post 3 (Titre 3)",
        "changed: 1 articles with a part for some readers (block jetpack/paywall) taken as drafts: post 6",
    ]);
    imported.again(&[&file]);
    let app = imported.serve();
    assert_eq!(body(&app, "t1"), "<p>a</p><p>commun</p>");
    let gallery = body(&app, "t2");
    for picture in ["p40.jpg", "p42.PNG"] {
        assert!(gallery.contains(picture), "{gallery}");
    }
    assert!(!gallery.contains("p41"), "{gallery}");
    for (slug, address) in [
        ("t4", "https://agence.example/original"),
        ("t5", "https://t.example/t5"),
    ] {
        let article = app.get(&format!("/v1/articles/{slug}")).json();
        assert_eq!(article["canonical_url"], address);
    }
    assert_eq!(app.get("/v1/articles/t6").status, 404);
}
