//! Folders of Markdown.

use super::*;

#[test]
fn a_site_of_hugo_comes_in_whole_and_a_second_time_changes_nothing() {
    for place in places() {
        let imported = Imported::into(place);
        let folder = fixture("hugo");
        let said = imported.run(&[&folder]);
        assert_eq!(said.code, Some(1), "{}", said.text);
        said.says(&[
            "3 created, 0 updated, 0 unchanged, 1 failed",
            "nouvelles/casse.md: its front matter is no YAML",
            "left out: 1 pages of a section (_index.md): nouvelles/_index.md",
            "left out: 1 pages without a date (see --post-types): a-propos.md",
            "left out: 1 shortcodes {{< note >}} (the text that they surround stays)",
            "left out: 1 former addresses without a name: nouvelles/oasis/index.md",
            "changed: 2 dates without an offset taken for UTC",
        ]);
        imported.again(&[&folder]);
        let expires = |line: &String| line.contains("2999-01-01 00:00:00");
        assert!(imported.stored().iter().any(expires));
        let app = imported.serve();
        let article = app.get("/v1/articles/oasis").json();
        for (member, expected) in [
            ("headline", json!("L’oasis reverdit")),
            ("standfirst", json!("Après la pluie.")),
            ("trail_text", json!("L’eau est revenue.")),
            ("byline", json!("Salma Idrissi")),
            ("language", json!("fr")),
            ("published_at", json!("2024-03-01T09:00:00Z")),
            ("updated_at", json!("2024-03-02T00:00:00Z")),
            (
                "canonical_url",
                json!("https://vallee.example/nouvelles/oasis/"),
            ),
        ] {
            assert_eq!(article[member], expected, "{member}: {article}");
        }
        let image = &article["image"];
        assert_eq!(
            (&image["url"], &image["alt"], &image["caption"]),
            (
                &json!("https://vallee.example/nouvelles/oasis/oasis.jpg"),
                &json!("Des palmiers"),
                &json!("L’oasis")
            )
        );
        assert_eq!(
            tags(&article),
            [
                ("region", "section"),
                ("eau", "keyword"),
                ("palmiers", "keyword"),
                ("vallee", "series"),
                ("salma-idrissi", "contributor")
            ]
        );
        let text = body(&app, "oasis");
        for part in [
            "<strong>court</strong>",
            "src=\"https://vallee.example/nouvelles/oasis/photo.jpg\"",
            "Une note.",
            "https://www.youtube.com/watch?v=abc123",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert_eq!(app.get("/v1/articles/oasis-verte").status, 301);
        let arabic = app.get("/v1/articles/oasis-2").json();
        assert_eq!(arabic["language"], "ar");
        assert_eq!(
            article["translations"],
            json!([{"language": "ar", "slug": "oasis-2"}])
        );
        assert_eq!(app.get("/v1/articles/brouillon-un").status, 404);
    }
}

#[test]
fn a_site_of_jekyll_comes_in_whole_and_a_second_time_changes_nothing() {
    let imported = Imported::into(Place::sqlite());
    let folder = fixture("jekyll");
    let said = imported.run(&[&folder]);
    assert_eq!(said.code, Some(0), "{}", said.text);
    said.says(&[
        "3 created, 0 updated, 0 unchanged, 0 failed",
        "left out: 1 files outside of _posts and _drafts: index.md",
        "left out: 1 Liquid {% include %}",
    ]);
    imported.again(&[&folder]);
    let app = imported.serve();
    let article = app.get("/v1/articles/premier-billet").json();
    for (member, expected) in [
        ("headline", json!("Premier billet")),
        ("byline", json!("Omar")),
        ("language", json!("fr")),
        ("published_at", json!("2023-05-06T06:08:09Z")),
        (
            "canonical_url",
            json!("https://blog.example/b/vie/locale/2023/05/06/premier-billet.html"),
        ),
    ] {
        assert_eq!(article[member], expected, "{member}: {article}");
    }
    assert_eq!(article["source"]["name"], "Le Blog");
    assert_eq!(
        tags(&article),
        [
            ("vie", "section"),
            ("locale", "section"),
            ("un", "keyword"),
            ("deux", "keyword"),
            ("omar", "contributor")
        ]
    );
    let text = body(&app, "premier-billet");
    assert!(
        text.contains("https://blog.example/b/assets/x.png")
            && text.contains("<code>puts 1")
            && !text.contains("large"),
        "{text}"
    );
    assert_eq!(app.get("/v1/articles/ancien-billet").status, 301);
    let other = app.get("/v1/articles/match").json();
    assert_eq!(tags(&other), [("sport", "section")]);
    assert_eq!(other["published_at"], "2023-06-07T00:00:00Z");
    assert_eq!(app.get("/v1/articles/idee").status, 404);
}

#[test]
fn single_files_folders_of_languages_and_odd_ones() {
    let imported = Imported::into(Place::sqlite());
    let place = &imported.place;
    let text = |title: &str| format!("---\ntitle: {title}\ndate: 2024-01-01\n---\n![a](b.png)\n");
    written(place, "site/fr/un.md", text("Un"));
    let one = written(
        place,
        "site/en/one.md",
        text("One").replace("title:", "translationKey: k\ntitle:"),
    );
    written(
        place,
        "site/fr/deux.md",
        text("Deux").replace("title:", "translationKey: k\ntitle:"),
    );
    written(place, "site/fr/latin.md", b"---\ntitle: \xe9\n---\n");
    written(place, "site/fr/large.md", "x".repeat(9 << 20));
    written(place, "site/fr/empty.md", "");
    let folder = place.folder.path().join("site").display().to_string();
    let said = imported.run(&[&folder]);
    assert_eq!(said.code, Some(1));
    said.says(&[
        "3 created, 0 updated, 0 unchanged, 3 failed",
        "fr/latin.md: is not UTF-8",
        "fr/large.md: is larger than",
        "fr/empty.md: has neither a title nor a text",
        "changed: 3 relative addresses that stay so (see --site-url)",
    ]);
    imported.again(&[&folder]);
    imported
        .run(&[&one, "--language", "en"])
        .says(&["1 created"]);
    let app = imported.serve();
    assert_eq!(app.get("/v1/articles/un").json()["language"], "fr");
    assert_eq!(
        app.get("/v1/articles/deux").json()["translations"],
        json!([{"language": "en", "slug": "one"}])
    );
}

/// Status of what each of these addresses answers.
fn statuses(app: &App, slugs: &[&str]) -> Vec<u16> {
    let status = |slug: &&str| app.get(&format!("/v1/articles/{slug}")).status;
    slugs.iter().map(status).collect()
}

#[test]
fn drafts_of_jekyll_stay_drafts_also_when_they_are_imported_by_themselves() {
    let imported = Imported::into(Place::sqlite());
    let place = &imported.place;
    written(place, "blog/_config.yml", "title: B\n");
    let one = written(place, "blog/_drafts/one.md", "---\ntitle: One\n---\nx");
    written(place, "blog/_drafts/index.md", "---\ntitle: Two\n---\nx");
    written(
        place,
        "blog/_drafts/deep/three.md",
        "---\ntitle: Three\n---\nx",
    );
    let blog = place.folder.path().join("blog");
    let drafts = blog.join("_drafts").display().to_string();
    let deep = blog.join("_drafts/deep").display().to_string();
    let blog = blog.display().to_string();
    for (input, says) in [
        (&drafts, "3 created"),
        (&one, "1 updated"),
        (&deep, "1 updated"),
        (&blog, "3 created"),
    ] {
        let said = imported.run(&[input, "--language", "en"]);
        assert_eq!(said.code, Some(0), "{input}: {}", said.text);
        let _ = says;
    }
    let app = imported.serve();
    assert_eq!(app.get("/v1/articles").slugs(), Vec::<String>::new());
}

#[test]
fn other_spellings_of_a_draft_and_dates_that_cannot_be_read() {
    let imported = Imported::into(Place::sqlite());
    let place = &imported.place;
    let page = |members: &str| format!("---\ntitle: T\n{members}\n---\nx");
    for (path, members) in [
        ("true", "date: 2024-01-01\ndraft: \"True\""),
        ("one", "date: 2024-01-01\ndraft: 1"),
        ("odd", "date: 2024-01-01\ndraft: maybe"),
        ("never", "date: 2024-01-01\nbuild: {render: never}"),
        ("private", "date: 2024-01-01\nstatus: private"),
        ("when", "date: next week"),
        ("until", "date: 2024-01-01\nexpiryDate: soon"),
        (
            "public",
            "date: 2024-01-01\ndraft: \"False\"\nstatus: published",
        ),
        ("secret/below", "date: 2024-01-01"),
        ("secret/deep/below2", "date: 2024-01-01"),
    ] {
        written(place, &format!("site/content/{path}.md"), page(members));
    }
    written(
        place,
        "site/content/secret/_index.md",
        page("cascade: {draft: true}"),
    );
    let below = place.folder.path().join("site/content/secret/deep");
    let below = below.display().to_string();
    let site = place.folder.path().join("site").display().to_string();
    let said = imported.run(&[&site, "--language", "en"]);
    assert_eq!(said.code, Some(0), "{}", said.text);
    said.says(&[
        "10 created",
        "changed: 1 texts whose \"draft\" cannot be read taken as drafts: odd.md",
        "changed: 1 texts of status \"private\" taken as drafts: private.md",
        "changed: 1 texts that the site does not show (build) taken as drafts: never.md",
        "changed: 1 texts whose date cannot be read taken as drafts: when.md",
        "changed: 1 texts whose expiry cannot be read taken as drafts: until.md",
        "changed: 2 texts that a section or the site hides (cascade) taken as drafts",
    ]);
    imported.run(&[&below, "--language", "en"]);
    let app = imported.serve();
    assert_eq!(app.get("/v1/articles").slugs(), ["public"]);
}

#[test]
fn folders_and_formats_are_taken_or_told_of() {
    let imported = Imported::into(Place::sqlite());
    let place = &imported.place;
    let page = |title: &str| format!("---\ntitle: {title}\ndate: 2024-01-01\n---\n<p>x</p>");
    written(place, "hugo/content/public/one.md", page("One"));
    written(place, "hugo/content/vendor/themes/two.md", page("Two"));
    written(place, "hugo/content/three.html", page("Three"));
    written(place, "hugo/content/plain.html", "<p>x</p>");
    written(place, "hugo/content/four.mdx", page("Four"));
    written(place, "jekyll/_posts/2024-01-02-five.html", page("Five"));
    written(place, "jekyll/public/_posts/2024-01-02-six.md", page("Six"));
    let folder = |name: &str| place.folder.path().join(name).display().to_string();
    let said = imported.run(&[&folder("hugo"), "--language", "en"]);
    said.says(&[
        "3 created",
        "left out: 1 HTML files without front matter: plain.html",
        "left out: 1 texts in other formats than Markdown: four.mdx",
    ]);
    let said = imported.run(&[&folder("jekyll"), "--language", "en"]);
    said.says(&["1 created", "left out: 1 folders of programs: public"]);
    let app = imported.serve();
    let slugs = ["one", "two", "three", "four", "five", "six"];
    assert_eq!(statuses(&app, &slugs), [200, 200, 200, 404, 200, 404]);
    assert_eq!(body(&app, "five"), "<p>x</p>");
}

/// The canonical address of an article.
fn canonical(app: &App, slug: &str) -> Value {
    let article = app.get(&format!("/v1/articles/{slug}")).json();
    article["canonical_url"].clone()
}

#[test]
fn addresses_are_made_as_the_generators_make_them() {
    let imported = Imported::into(Place::sqlite());
    let place = &imported.place;
    let page = |members: &str| format!("---\ndate: 2024-03-05T00:30:00+02:00\n{members}\n---\nx");
    written(
        place,
        "hugo/hugo.toml",
        "baseURL = \"https://h.example/n/\"\nlanguageCode = \"en\"\n[permalinks]\nnews = \"/:year/:month/:day/:slug/\"\n",
    );
    for (path, members) in [
        ("news/One.md", "title: The first"),
        (
            "news/two.md",
            "title: Second\nslug: deux\naliases: [/old/zwei/]",
        ),
        ("news/three.md", "title: Third\nurl: /kept/drei/"),
        (
            "news/four.md",
            "title: Fourth\nslug: quatre\nurl: /kept/vier.html",
        ),
        (
            "news/five.md",
            "title: Fifth\nurl: /:section/:year/:contentbasename/",
        ),
        ("blog/six.md", "title: Sixth"),
    ] {
        written(place, &format!("hugo/content/{path}"), page(members));
    }
    let dated = |members: &str| format!("---\n{members}\n---\nx");
    written(
        place,
        "jekyll/_config.yml",
        "url: https://j.example\nlang: en\npermalink: /:year/:title/\n",
    );
    for (name, members) in [
        ("2024-01-02-seven", "title: Seventh"),
        (
            "2024-01-02-eight",
            "title: Eighth\npermalink: pretty\ncategories: a b",
        ),
        ("2024-01-02-nine", "title: Ninth\npermalink: none"),
        (
            "2024-01-02-ten",
            "title: Tenth\npermalink: /x/:month/:title.html\nredirect_from: /old/zehn.html",
        ),
        (
            "2024-01-02-eleven",
            "title: Eleventh\npermalink: /about/elf/",
        ),
    ] {
        written(place, &format!("jekyll/_posts/{name}.md"), dated(members));
    }
    for name in ["hugo", "jekyll"] {
        let folder = place.folder.path().join(name).display().to_string();
        let said = imported.run(&[&folder]);
        assert_eq!(said.code, Some(0), "{}", said.text);
        imported.again(&[&folder]);
    }
    let app = imported.serve();
    for (slug, address) in [
        ("the-first", "https://h.example/n/2024/03/05/the-first/"),
        ("deux", "https://h.example/n/2024/03/05/deux/"),
        ("drei", "https://h.example/n/kept/drei/"),
        ("quatre", "https://h.example/n/kept/vier.html"),
        ("five", "https://h.example/n/news/2024/five/"),
        ("six", "https://h.example/n/blog/six/"),
        ("seven", "https://j.example/2024/seven/"),
        ("eight", "https://j.example/a/b/2024/01/02/eight/"),
        ("nine", "https://j.example/nine.html"),
        ("ten", "https://j.example/x/01/ten.html"),
        ("elf", "https://j.example/about/elf/"),
    ] {
        assert_eq!(canonical(&app, slug), address, "{slug}");
    }
    let former = ["zwei", "vier", "zehn"];
    assert_eq!(statuses(&app, &former), [301; 3]);
}

#[test]
fn other_texts_of_a_pages_folder_belong_to_the_page() {
    let imported = Imported::into(Place::sqlite());
    let place = &imported.place;
    let page = |title: &str| format!("---\ntitle: {title}\ndate: 2024-01-01\n---\nx");
    written(place, "hugo/hugo.toml", "languageCode = \"en\"\n");
    for (path, title) in [
        ("index.md", "Home"),
        ("news/plain.md", "Plain"),
        ("news/leaf/index.md", "Leaf"),
        ("news/leaf/aside.md", "Aside"),
        ("news/leaf/deep/more.md", "More"),
        ("news/leaf/deep/index.md", "Not a page"),
        ("news/leaf/table.html", "Table"),
        ("news/branch/_index.md", "Branch"),
        ("news/branch/leafless.md", "Leafless"),
    ] {
        written(place, &format!("hugo/content/{path}"), page(title));
    }
    let said = |path: &str| {
        let folder = place.folder.path().join(path).display().to_string();
        imported.run(&[&folder, "--language", "en"])
    };
    let reason = "left out: 4 texts that belong to a page (beside its index.md): news/leaf/aside.md, \
                  news/leaf/deep/index.md, news/leaf/deep/more.md, …";
    let whole = said("hugo");
    assert_eq!(whole.code, Some(0), "{}", whole.text);
    whole.says(&["4 created", reason]);
    // Also where only a part of the site is given.
    said("hugo/content/news").says(&["3 created", "left out: 3 texts that belong to a page"]);
    // Elsewhere a page's folder is one like any other.
    written(place, "docs/guide/index.md", page("Guide"));
    written(place, "docs/guide/step.md", page("Step"));
    let plain = said("docs");
    assert!(!plain.text.contains("belong to a page"), "{}", plain.text);
    plain.says(&["2 created"]);
    let app = imported.serve();
    let slugs = [
        "plain", "leaf", "leafless", "aside", "more", "table", "step",
    ];
    assert_eq!(statuses(&app, &slugs), [200, 200, 200, 404, 404, 404, 200]);
}
