//! What sites of Hugo and Jekyll say of their texts: in configurations, in sections, by folders.

use super::*;

/// Imports a folder of the place.
pub fn taken(imported: &Imported, folder: &str) -> Said {
    let path = imported.place.folder.path().join(folder);
    imported.run(&[&path.display().to_string(), "--language", "fr"])
}

pub fn page(members: &str) -> String {
    format!("---\ndate: 2024-01-01T00:00:00Z\n{members}\n---\nx")
}

fn article(app: &App, slug: &str) -> Value {
    app.get(&format!("/v1/articles/{slug}")).json()
}

/// Slugs of what the public reads, in the order of the alphabet.
pub fn public(app: &App) -> Vec<String> {
    let mut slugs = app.get("/v1/articles").slugs();
    slugs.sort();
    slugs
}

#[test]
fn front_matter_that_is_written_oddly_or_cut_short_publishes_no_draft() {
    let imported = Imported::into(Place::sqlite());
    let place = &imported.place;
    for (name, text) in [
        ("2024-01-02-cut.md", "---\ntitle: Cut\ndraft: true\n"),
        (
            "2024-01-02-cut-toml.md",
            "+++\ntitle = \"Cut\"\ndraft = true\n",
        ),
        (
            "2024-01-02-junk.md",
            "---toml\ntitle = \"x\"\ndraft = true\n---\nx\n",
        ),
        (
            "2024-01-02-comment.md",
            "<!--\n---\ntitle: x\ndraft: true\n---\n-->\nx",
        ),
        (
            "2024-01-02-dots.md",
            "---\ntitle: Dots\ndraft: true\n...\nx\n",
        ),
        (
            "2024-01-02-blank.md",
            "\n\n---\ntitle: Blank\ndraft: true\n---\nx\n",
        ),
        (
            "2024-01-02-returns.md",
            "---\rtitle: Returns\rdraft: true\r---\rx\r",
        ),
        ("2024-01-02-space.md", " ---\ntitle: Space\n---\nx\n"),
        ("2024-01-02-rule.md", "---\nA text below a rule.\n"),
    ] {
        written(place, &format!("plain/{name}"), text);
    }
    written(place, "hugo/hugo.yaml", "languageCode: fr");
    written(
        place,
        "hugo/content/2024-01-02-rule.md",
        "---\nA text below a rule.\n",
    );
    written(
        place,
        "jekyll/_posts/2024-01-01-points.md",
        "---\ntitle: Points\npublished: false\n...\nSECRET\n",
    );
    let said = taken(&imported, "plain");
    assert_eq!(said.code, Some(1));
    said.says(&[
        "5 created, 0 updated, 0 unchanged, 4 failed",
        "cut.md: begins as front matter does, which has no end",
        "cut-toml.md: begins as",
        "junk.md: begins as",
        "comment.md: begins as",
    ]);
    taken(&imported, "hugo").says(&["0 created, 0 updated, 0 unchanged, 1 failed"]);
    taken(&imported, "jekyll").says(&["1 created"]);
    let app = imported.serve();
    assert_eq!(public(&app), ["rule", "space"]);
    assert_eq!(article(&app, "space")["headline"], "Space");
}

#[test]
fn defaults_of_jekyll_count_where_a_text_says_nothing() {
    let imported = Imported::into(Place::sqlite());
    let place = &imported.place;
    written(
        place,
        "blog/_config.yml",
        "url: https://j.example\nlang: fr\ndefaults:
  - {scope: {path: _posts/interne, type: posts}, values: {published: false}}
  - {scope: {path: ''}, values: {author: Salma, tags: [eau], permalink: '/a/:title/'}}
  - {scope: {path: sport}, values: {author: Omar, permalink: '/s/:title/'}}
  - {scope: {type: pages}, values: {author: No one}}\n",
    );
    for (path, members) in [
        ("_posts/2024-01-01-un", ""),
        (
            "_posts/2024-01-01-deux",
            "author: Rim\npermalink: /d/:title/",
        ),
        ("sport/_posts/2024-01-01-trois", "tags: Foot Local"),
        ("_posts/interne/2024-01-01-quatre", ""),
        ("_posts/interne/2024-01-01-cinq", "published: true"),
    ] {
        written(place, &format!("blog/{path}.md"), page(members));
    }
    let said = taken(&imported, "blog");
    assert_eq!(said.code, Some(0), "{}", said.text);
    said.says(&["changed: 1 texts that the site hides (defaults) taken as drafts: _posts/interne/2024-01-01-quatre.md"]);
    // Also where only a part is read.
    taken(&imported, "blog/_posts/interne")
        .says(&["(defaults) taken as drafts: 2024-01-01-quatre.md"]);
    let app = imported.serve();
    assert_eq!(public(&app), ["cinq", "cinq-2", "deux", "trois", "un"]);
    for (slug, byline, address) in [
        ("un", "Salma", "https://j.example/a/un/"),
        ("deux", "Rim", "https://j.example/d/deux/"),
        ("trois", "Omar", "https://j.example/s/trois/"),
    ] {
        let article = article(&app, slug);
        assert_eq!(article["byline"], byline);
        assert_eq!(article["canonical_url"], address);
    }
    assert_eq!(
        tags(&article(&app, "un")),
        [("eau", "keyword"), ("salma", "contributor")]
    );
    assert_eq!(
        tags(&article(&app, "trois")),
        [
            ("sport", "section"),
            ("foot", "keyword"),
            ("local", "keyword"),
            ("omar", "contributor")
        ]
    );
}

#[test]
fn cascades_of_hugo_are_for_those_that_they_aim_at() {
    for place in places() {
        let imported = Imported::into(place);
        let place = &imported.place;
        written(
            place,
            "hugo/hugo.yaml",
            "languageCode: fr\ncascade:
  - {_target: {path: '/brouillons/**'}, draft: true}
  - {target: {path: '/**', lang: ar}, draft: true}
  - {target: {kind: section}, draft: true}
  - {target: {path: '{/actu,/actu/**}'}, params: {description: Du site}}\n",
        );
        written(
            place,
            "hugo/content/actu/_index.md",
            page("cascade:\n  authors: [Salma]\n  tags: [eau]\n"),
        );
        for (path, members) in [
            ("actu/un", "title: Un"),
            (
                "actu/deux",
                "title: Deux\ntags: [feu]\ndescription: La sienne",
            ),
            ("brouillons/trois", "title: Trois"),
            ("brouillons/quatre", "title: Quatre\ndraft: false"),
            ("actu/cinq.ar", "title: Cinq"),
            ("cut/six", "title: Six\ndraft: false"),
        ] {
            written(place, &format!("hugo/content/{path}.md"), page(members));
        }
        // No one knows what this one says.
        written(place, "hugo/content/cut/_index.md", "---\ncascade:\n");
        let said = taken(&imported, "hugo");
        assert_eq!(said.code, Some(0), "{}", said.text);
        said.says(&[
            "6 created",
            "changed: 3 texts that a section or the site hides (cascade) taken as drafts: \
             actu/cinq.ar.md, brouillons/trois.md, cut/six.md",
        ]);
        // Also where only a part is read.
        taken(&imported, "hugo/content/brouillons").says(&["(cascade) taken as drafts: trois.md"]);
        let app = imported.serve();
        assert_eq!(public(&app), ["deux", "quatre", "quatre-2", "un"]);
        let one = article(&app, "un");
        assert_eq!(one["byline"], "Salma");
        assert_eq!(one["standfirst"], "Du site");
        assert_eq!(tags(&one), [("eau", "keyword"), ("salma", "contributor")]);
        let two = article(&app, "deux");
        assert_eq!(two["standfirst"], "La sienne");
        assert_eq!(tags(&two), [("feu", "keyword"), ("salma", "contributor")]);
    }
}

#[test]
fn folders_of_languages_of_hugo() {
    let imported = Imported::into(Place::sqlite());
    let place = &imported.place;
    for (site, french, arabic) in [
        ("one", "content/francais", "content/arabe"),
        ("two", "contenu/fr", "contenu/ar"),
    ] {
        written(
            place,
            &format!("{site}/hugo.yaml"),
            format!(
                "baseURL: https://{site}.example/\ndefaultContentLanguage: fr\nlanguages:
  fr: {{contentDir: {french}}}\n  ar: {{contentDir: {arabic}}}\n"
            ),
        );
        for (folder, title) in [(french, "Un"), (arabic, "واحد")] {
            let name = format!("{site}/{folder}/actu/{site}.md");
            written(place, &name, page(&format!("title: {title}")));
        }
        // No folder of a language: Hugo does not look there.
        written(place, &format!("{site}/content/draft.md"), page("title: D"));
        let path = place.folder.path().join(site).display().to_string();
        let said = imported.run(&[&path]);
        assert_eq!(said.code, Some(0), "{}", said.text);
        said.says(&["2 created"]);
        imported.again(&[&path]);
    }
    written(place, "secret/s.md", page("title: Secret"));
    written(
        place,
        "three/hugo.yaml",
        "languages: {fr: {contentDir: ../secret}}",
    );
    written(place, "three/content/in.md", page("title: In"));
    taken(&imported, "three").says(&[
        "1 created",
        "left out: 1 folders of texts outside of the site (contentDir): ../secret",
    ]);
    let app = imported.serve();
    for site in ["one", "two"] {
        let french = article(&app, site);
        assert_eq!(french["language"], "fr");
        let address = format!("https://{site}.example/actu/{site}/");
        assert_eq!(french["canonical_url"], address);
        let arabic = format!("{site}-2");
        assert_eq!(
            french["translations"],
            json!([{"language": "ar", "slug": arabic}])
        );
        let address = format!("https://{site}.example/ar/actu/{site}/");
        assert_eq!(article(&app, &arabic)["canonical_url"], address);
    }
}

#[test]
fn one_category_of_jekyll_is_whole_and_several_are_words() {
    let imported = Imported::into(Place::sqlite());
    let place = &imported.place;
    written(place, "blog/_config.yml", "url: https://j.example\n");
    for (name, members) in [
        ("un", "category: Actu Locale\ntag: Maison du Maroc"),
        ("deux", "categories: Actu Locale\ntags: [Maison du Maroc]"),
    ] {
        let name = format!("blog/_posts/2024-01-01-{name}.md");
        written(place, &name, page(members));
    }
    taken(&imported, "blog").says(&["2 created"]);
    let app = imported.serve();
    let one = article(&app, "un");
    assert_eq!(
        tags(&one),
        [("actu-locale", "section"), ("maison-du-maroc", "keyword")]
    );
    assert_eq!(
        one["canonical_url"],
        "https://j.example/actu%20locale/2024/01/01/un.html"
    );
    assert_eq!(
        tags(&article(&app, "deux")),
        [
            ("actu", "section"),
            ("locale", "section"),
            ("maison-du-maroc", "keyword")
        ]
    );
}

#[cfg(unix)]
#[test]
fn pipes_are_not_waited_for() {
    let imported = Imported::into(Place::sqlite());
    let place = &imported.place;
    written(place, "hugo/content/un.md", page("title: Un"));
    let pipe = |name: &str| {
        let path = place.folder.path().join(name);
        let made = Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
    };
    pipe("hugo/content/x.md");
    pipe("hugo/content/_index.md");
    let said = taken(&imported, "hugo");
    assert_eq!(said.code, Some(0), "{}", said.text);
    said.says(&["1 created", "left out: 2 pipes, sockets and devices"]);
    pipe("hugo/hugo.toml");
    let said = taken(&imported, "hugo");
    assert_ne!(said.code, Some(0), "{}", said.text);
    said.says(&["hugo.toml, the site's configuration, is no regular file"]);
}

#[test]
fn links_pictures_and_taxonomies_of_hugo() {
    let imported = Imported::into(Place::sqlite());
    let place = &imported.place;
    written(
        place,
        "hugo/hugo.yaml",
        "baseURL: https://h.example/s/\nlanguageCode: fr
taxonomies: {auteur: auteurs, tag: tags, lieu: lieux}\n",
    );
    let links = "[b]({{< ref \"b.md\" >}}) [c]({{< relref \"/actu/b\" >}}) [d]({{% ref \"b.md#h\" %}}) \
                 [e]({{< ref \"hidden.md\" >}})";
    let members =
        "title: A\nimages: [img/a.jpg]\nauteurs: [Salma B.]\nlieux: [Zagora]\ntags: [eau]";
    written(place, "hugo/content/actu/a.md", page(members) + links);
    written(
        place,
        "hugo/content/actu/b.md",
        page("title: B\nurl: /autre/b/"),
    );
    written(
        place,
        "hugo/content/actu/hidden.md",
        page("title: H\ndraft: true"),
    );
    written(
        place,
        "hugo/content/actu/unlisted.md",
        page("title: U\nbuild: {list: never}"),
    );
    written(
        place,
        "hugo/content/actu/c/index.md",
        page("title: C\nimages: [c.jpg]"),
    );
    let said = taken(&imported, "hugo");
    assert_eq!(said.code, Some(0), "{}", said.text);
    said.says(&[
        "changed: 1 references to other pages that are not found, by their path: actu/a.md",
        "changed: 1 texts that the site does not list (build) taken as drafts: actu/unlisted.md",
    ]);
    let app = imported.serve();
    assert_eq!(public(&app), ["a", "b", "c"]);
    let text = body(&app, "a");
    for part in [
        "href=\"https://h.example/s/autre/b/\" rel=\"noopener noreferrer\">b<",
        "href=\"https://h.example/s/autre/b/\" rel=\"noopener noreferrer\">c<",
        "href=\"https://h.example/s/autre/b/#h\" rel=\"noopener noreferrer\">d<",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let first = article(&app, "a");
    assert_eq!(first["image"]["url"], "https://h.example/s/img/a.jpg");
    assert_eq!(first["byline"], "Salma B.");
    assert_eq!(
        tags(&first),
        [
            ("eau", "keyword"),
            ("zagora", "keyword"),
            ("salma-b", "contributor")
        ]
    );
    let bundle = article(&app, "c");
    assert_eq!(bundle["image"]["url"], "https://h.example/s/actu/c/c.jpg");
}

#[test]
fn links_of_jekyll() {
    let imported = Imported::into(Place::sqlite());
    let place = &imported.place;
    written(
        place,
        "blog/_config.yml",
        "url: https://j.example\nbaseurl: /b\npermalink: pretty\n",
    );
    let links = "[l]({% link _posts/2024-01-03-deux.md %}) [m]({{ site.baseurl }}{% post_url 2024-01-03-deux %}) \
                 [n]({% link about.md %})";
    written(
        place,
        "blog/_posts/2024-01-01-un.md",
        page("title: Un") + links,
    );
    written(place, "blog/_posts/2024-01-03-deux.md", page("title: Deux"));
    taken(&imported, "blog").says(&["changed: 1 references to other pages that are not found"]);
    let app = imported.serve();
    let text = body(&app, "un");
    let link = "href=\"https://j.example/b/2024/01/01/deux/\"";
    assert_eq!(text.matches(link).count(), 2, "{text}");
}
