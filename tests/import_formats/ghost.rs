//! Ghost exports.

use super::*;

#[test]
fn an_export_comes_in_whole_and_a_second_time_changes_nothing() {
    for place in places() {
        let imported = Imported::into(place);
        let arguments = [
            &fixture("ghost.json"),
            "--site-url",
            "https://palmier.example",
        ];
        let said = imported.run(&arguments);
        assert_eq!(said.code, Some(1), "{}", said.text);
        said.says(&[
            "3 created, 0 updated, 0 unchanged, 1 failed",
            "post 5 of the file: is not as Ghost writes it",
            "left out: 1 articles without a text: sans-html",
            "left out: 1 items of type \"page\" (see --post-types): a-propos",
            "left out: 1 tags for editors only (#…)",
            "changed: 1 articles for \"paid\" only taken as drafts: abonnes",
        ]);
        imported.again(&arguments);
        let app = imported.serve();
        let article = app.get("/v1/articles/marche-erfoud").json();
        for (member, expected) in [
            ("headline", json!("Le marché d’Erfoud")),
            ("standfirst", json!("Où l’on achète.")),
            ("byline", json!("Nadia Amrani, Hassan B.")),
            ("language", json!("fr")),
            ("published_at", json!("2024-02-02T08:30:00Z")),
            ("updated_at", json!("2024-02-03T09:00:00Z")),
            (
                "canonical_url",
                json!("https://palmier.example/marche-erfoud/"),
            ),
        ] {
            assert_eq!(article[member], expected, "{member}: {article}");
        }
        let image = &article["image"];
        assert_eq!(
            image["url"],
            "https://palmier.example/content/images/marche.jpg"
        );
        assert_eq!(
            (&image["alt"], &image["caption"]),
            (&json!("Le marché"), &json!("Photo X"))
        );
        assert_eq!(
            tags(&article),
            [
                ("economie", "keyword"),
                ("dattes", "keyword"),
                ("nadia-amrani", "contributor"),
                ("hassan-b", "contributor")
            ]
        );
        let text = body(&app, "marche-erfoud");
        assert!(
            text.contains("https://palmier.example/content/images/dattes.jpg")
                && text.contains("href=\"https://video.example/3\""),
            "{text}"
        );
        let old = app.get("/v1/articles/ancien").json();
        assert_eq!(old["published_at"], "2014-05-13T16:53:20Z");
        assert_eq!(old["byline"], "Premier");
        assert_eq!(app.get("/v1/articles/abonnes").status, 404);
    }
}

#[test]
fn without_the_sites_address_its_pictures_are_left_out() {
    let imported = Imported::into(Place::sqlite());
    let said = imported.run(&[&fixture("ghost.json")]);
    said.says(&[
        "left out: 1 pictures whose address lacks the site's (see --site-url): marche-erfoud",
        "changed: 1 addresses that lack the site's (see --site-url): marche-erfoud",
    ]);
}

#[test]
fn what_is_no_export_is_told_of() {
    let imported = Imported::into(Place::sqlite());
    for (text, says) in [
        ("{\"db\":[{\"data\":{\"posts\":[{\"id\":", "EOF"),
        ("{\"db\":[{\"data\":{\"posts\":7}}]}", "invalid type"),
    ] {
        let file = written(&imported.place, "bad.json", text);
        let said = imported.run(&[&file]);
        assert_eq!(said.code, Some(1));
        said.says(&["bad.json: ", says]);
    }
    let deep = format!(
        "{{\"db\":[{{\"data\":{{\"posts\":[{}",
        "[".repeat(1_000_000)
    );
    let file = written(&imported.place, "deep.json", deep);
    imported.run(&[&file]).says(&["EOF while parsing"]);
    let large = format!(
        "{{\"db\":[{{\"data\":{{\"posts\":[{{\"html\":\"{}\"}}]}}}}]}}",
        "x".repeat(17 << 20)
    );
    let file = written(&imported.place, "large.json", large);
    imported
        .run(&[&file])
        .says(&["a part of it is larger than"]);
}

#[test]
fn what_is_for_members_does_not_become_public() {
    let post = |slug: &str, html: &str| {
        json!({"id": slug, "title": slug, "slug": slug, "html": html, "status": "published",
            "visibility": "public", "published_at": "2024-01-01T00:00:00.000Z"})
    };
    let gated = "<p>Free</p><!--kg-gated-block:begin nonMember:false memberSegment:\"status:-free\" --><p>Paid</p>\
                 <!--kg-gated-block:end--><p>End</p>";
    let long = "c".repeat(100_000);
    let export = json!({"db": [{"data": {
        "posts": [post("gated", gated), post("mailed", "<p>Mail</p>"), post("plain", "<p>x</p>")],
        "posts_meta": [{"post_id": "mailed", "email_only": 1},
            {"post_id": "plain", "email_only": false, "feature_image_caption": long}],
        "settings": [{"key": "locale", "value": "en"}]
    }}]});
    for place in places() {
        let imported = Imported::into(place);
        let file = written(&imported.place, "members.json", export.to_string());
        let said = imported.run(&[&file]);
        assert_eq!(said.code, Some(0), "{}", said.text);
        said.says(&[
            "3 created",
            "left out: 1 parts for members of public articles: gated (gated)",
            "changed: 1 articles that were only sent by mail taken as drafts: mailed (mailed)",
        ]);
        imported.again(&[&file]);
        let app = imported.serve();
        assert_eq!(body(&app, "gated"), "<p>Free</p><p>End</p>");
        assert_eq!(app.get("/v1/articles/mailed").status, 404);
        assert_eq!(app.get("/v1/articles/plain").status, 200);
    }
}

/// A node of Lexical with others in it.
fn node(kind: &str, children: Value) -> Value {
    json!({"type": kind, "children": children})
}

fn words(text: &str, format: u32) -> Value {
    json!({"type": "extended-text", "text": text, "format": format})
}

/// An export of articles that only their editor's text is left of.
fn export_of(posts: &[(&str, &str, String)]) -> String {
    let posts = posts.iter().map(|(slug, editor, text)| {
        json!({"id": slug, "title": slug, "slug": slug, "html": null, *editor: text, "status": "published",
            "published_at": "2024-01-01T00:00:00.000Z"})
    });
    let posts: Vec<Value> = posts.collect();
    let settings = json!([{"key": "locale", "value": "en"}]);
    json!({"db": [{"data": {"posts": posts, "settings": settings}}]}).to_string()
}

const SITE: [&str; 2] = ["--site-url", "https://g.example"];

#[test]
fn a_text_that_only_lexical_holds_is_made_html() {
    let item = |children: Value| node("listitem", children);
    let children = json!([
        node("paragraph", json!([])),
        node("paragraph", json!([
            words("Bold & ", 1), words("both", 3), {"type": "linebreak"},
            {"type": "link", "url": "__GHOST_URL__/a?b=1&c=2", "children": [words("a <link>", 0)]},
            {"type": "link", "url": "javascript:alert(1)", "children": [words("bad", 0)]},
            words("code", 16),
        ])),
        {"type": "extended-heading", "tag": "h3", "children": [words("Head", 0)]},
        {"type": "heading", "tag": "script", "children": [words("Odd", 0)]},
        node("extended-quote", json!([words("Said", 0)])),
        {"type": "list", "listType": "number", "start": 3, "children": [
            item(json!([words("one", 0)])),
            item(json!([{"type": "list", "listType": "bullet", "children": [item(json!([words("in one", 0)]))]}])),
            item(json!([words("two", 0)])),
        ]},
        {"type": "horizontalrule"},
        {"type": "image", "src": "__GHOST_URL__/content/a.png", "alt": "A \"b\"", "width": 30, "height": 20,
            "href": "https://x.example/", "caption": "<i>Cap</i>"},
        {"type": "gallery", "images": [{"src": "https://x.example/1.png"}, {"src": "https://x.example/2.png", "alt": "2"}],
            "caption": "Both"},
        {"type": "codeblock", "code": "  if a < b {\n", "language": "rust", "caption": "Fig."},
    ]);
    let more = json!([
        {"type": "html", "html": "<table><tr><td>1</td></tr></table><script>x()</script>"},
        {"type": "markdown", "markdown": "# M\n\n*em* <kbd>k</kbd>"},
        {"type": "embed", "url": "https://v.example/7", "html": "<iframe src=\"https://v.example/e/7\"></iframe>", "caption": "Film"},
        {"type": "embed", "url": "https://gist.example/8", "html": "<script src=\"https://gist.example/8.js\"></script>",
            "metadata": {"title": "Gist"}},
        {"type": "bookmark", "url": "https://b.example/", "metadata": {"title": "B & b", "description": "Desc"}},
        {"type": "callout", "calloutText": "<b>Note</b>", "calloutEmoji": "!"},
        {"type": "toggle", "heading": "<b>Open</b>", "content": "<p>Inside</p>"},
        {"type": "file", "src": "__GHOST_URL__/f.pdf", "fileTitle": "File", "fileName": "f.pdf", "fileCaption": "Big"},
        {"type": "button", "buttonUrl": "https://x.example/buy", "buttonText": "Buy"},
        {"type": "paywall"},
        {"type": "email", "html": "<p>Mailed</p>"},
        {"type": "html", "html": "<p>Secret</p>", "visibility": {"web": {"nonMember": false, "memberSegment": "status:free"}}},
        {"type": "html", "html": "<p>Older secret</p>", "visibility": {"showOnWeb": false, "showOnEmail": true}},
        {"type": "signup", "header": "Sign up"},
        {"type": "x".repeat(500)},
    ]);
    let text = |children: Value| json!({"root": node("root", children)}).to_string();
    let export = export_of(&[
        ("words", "lexical", text(children)),
        ("cards", "lexical", text(more)),
    ]);
    for place in places() {
        let imported = Imported::into(place);
        let file = written(&imported.place, "lexical.json", &export);
        let arguments = [file.as_str(), SITE[0], SITE[1]];
        let said = imported.run(&arguments);
        assert_eq!(said.code, Some(0), "{}", said.text);
        said.says(&[
            "2 created",
            "left out: 1 cards of kind \"signup\": cards (cards)",
            &format!("left out: 1 cards of kind \"{}\"", "x".repeat(40)),
            "left out: 1 cards that are only mailed",
            "left out: 2 parts for members of public articles",
        ]);
        imported.again(&arguments);
        let app = imported.serve();
        let rel = "rel=\"noopener noreferrer\"";
        assert_eq!(
            body(&app, "words"),
            format!(
                "<p><strong>Bold &amp; </strong><strong><em>both</em></strong><br>\
                 <a href=\"https://g.example/a?b=1&amp;c=2\" {rel}>a &lt;link&gt;</a><a {rel}>bad</a><code>code</code></p>\
                 <h3>Head</h3><h2>Odd</h2><blockquote><p>Said</p></blockquote>\
                 <ol start=\"3\"><li>one<ul><li>in one</li></ul></li><li>two</li></ol><hr>\
                 <figure><a href=\"https://x.example/\" {rel}>\
                 <img src=\"https://g.example/content/a.png\" alt=\"A &quot;b&quot;\" width=\"30\" height=\"20\"></a>\
                 <figcaption><i>Cap</i></figcaption></figure>\
                 <figure><img src=\"https://x.example/1.png\" alt=\"\"><img src=\"https://x.example/2.png\" alt=\"2\">\
                 <figcaption>Both</figcaption></figure><pre><code>  if a &lt; b {{\n</code></pre><p>Fig.</p>"
            )
        );
        let link =
            |address: &str, words: &str| format!("<p><a href=\"{address}\" {rel}>{words}</a></p>");
        assert_eq!(
            body(&app, "cards"),
            [
                "<table><tbody><tr><td>1</td></tr></tbody></table><h1>M</h1>\n<p><em>em</em> <kbd>k</kbd></p>\n<figure>",
                &link("https://v.example/e/7", "https://v.example/e/7"),
                "<figcaption>Film</figcaption></figure>",
                &link("https://gist.example/8", "Gist"),
                &link("https://b.example/", "B &amp; b"),
                "<p>Desc</p><aside><p>! <b>Note</b></p></aside>\
                 <details><summary>Open</summary><p>Inside</p></details>",
                &link("https://g.example/f.pdf", "File"),
                "<p>Big</p>",
                &link("https://x.example/buy", "Buy"),
            ]
            .concat()
        );
    }
}

#[test]
fn a_text_that_only_mobiledoc_holds_is_made_html() {
    let text = json!({
        "version": "0.3.1",
        "atoms": [["soft-return", "", {}], ["mention", "@ann", {}]],
        "cards": [["image", {"src": "https://x.example/a.png", "caption": "Cap"}], ["hr", {}],
            ["card-markdown", {"cardName": "card-markdown", "markdown": "*m*"}], ["code", {"code": "a < b"}], ["poll", {}]],
        "markups": [["strong"], ["a", ["href", "https://x.example/?a&b", "rel", "x"]], ["font"], ["em"]],
        "sections": [
            [1, "p", [[0, [], 0, "Plain "], [0, [0], 0, "bold "], [0, [3], 2, "both"], [1, [], 0, 0], [1, [], 0, 1]]],
            [1, "h2", [[0, [1, 2], 2, "linked"], [0, [], 0, " <end>"]]],
            [1, "p", [[0, [], 0, ""]]],
            [1, "blockquote", [[0, [0], 0, "left open"]]],
            [3, "ol", [[[0, [], 0, "one"]], [[0, [], 0, "two"]]]],
            [2, "https://x.example/old.png"],
            [10, 0], [10, 1], [10, 2], [10, 3], [10, 4], [10, 99], [77, "p"],
        ]
    });
    let export = export_of(&[("mobile", "mobiledoc", text.to_string())]);
    let imported = Imported::into(Place::sqlite());
    let file = written(&imported.place, "mobiledoc.json", &export);
    let said = imported.run(&[&file]);
    assert_eq!(said.code, Some(0), "{}", said.text);
    said.says(&[
        "1 created",
        "left out: 1 cards of kind \"poll\": mobile (mobile)",
        "left out: 1 cards of kind \"\": mobile (mobile)",
        "left out: 1 parts that are not known of the editor's format",
    ]);
    imported.again(&[&file]);
    let app = imported.serve();
    assert_eq!(
        body(&app, "mobile"),
        "<p>Plain <strong>bold <em>both</em></strong><br>@ann</p>\
         <h2><a href=\"https://x.example/?a&amp;b\" rel=\"noopener noreferrer\">linked</a> &lt;end&gt;</h2>\
         <blockquote><p><strong>left open</strong></p></blockquote><ol><li>one</li><li>two</li></ol>\
         <figure><img src=\"https://x.example/old.png\" alt=\"\"></figure>\
         <figure><img src=\"https://x.example/a.png\" alt=\"\"><figcaption>Cap</figcaption></figure><hr>\
         <p><em>m</em></p>\n<pre><code>a &lt; b</code></pre>"
    );
}

#[test]
fn a_text_that_is_made_to_hurt_costs_itself_alone() {
    let deep = format!(
        "{{\"root\":{}{}}}",
        "{\"type\":\"list\",\"children\":[".repeat(5_000),
        "]}".repeat(5_000)
    );
    let many = format!(
        "{{\"root\":{{\"children\":[{}0]}}}}",
        "0,".repeat(1_100_000)
    );
    let card = json!(["html", {"html": "x".repeat(1_000_000)}]);
    let sections = vec![json!([10, 0]); 1_000];
    let repeated = json!({"version": "0.3.1", "cards": [card], "sections": sections}).to_string();
    let opened = json!({"version": "0.3.1", "markups": [["a", ["href", "y".repeat(1_000_000)]]],
        "sections": [[1, "p", [[0, vec![0; 1_000], 0, "x"]]]]});
    let export = export_of(&[
        ("deep", "lexical", deep),
        ("many", "lexical", many),
        ("repeated", "mobiledoc", repeated),
        ("opened", "mobiledoc", opened.to_string()),
        ("broken", "lexical", "{\"root\":".to_owned()),
        ("odd", "lexical", "[]".to_owned()),
        (
            "old",
            "mobiledoc",
            json!({"version": "0.2.0", "sections": [[], []]}).to_string(),
        ),
        ("empty", "lexical", String::new()),
        (
            "good",
            "lexical",
            json!({"root": node("root", json!([node("paragraph", json!([words("Fine", 0)]))]))})
                .to_string(),
        ),
    ]);
    let imported = Imported::into(Place::sqlite());
    let file = written(&imported.place, "hostile.json", &export);
    let said = imported.run(&[&file]);
    assert_eq!(said.code, Some(1));
    said.says(&[
        "1 created, 0 updated, 0 unchanged, 7 failed",
        "deep (deep): its lexical text cannot be read: recursion limit exceeded",
        "many (many): its lexical text has more than 1000000 parts",
        "repeated (repeated): its mobiledoc text makes more than 8388608 bytes of HTML",
        "opened (opened): its mobiledoc text makes more than 8388608 bytes of HTML",
        "broken (broken): its lexical text cannot be read: EOF",
        "odd (odd): its lexical text has no root",
        "old (old): its mobiledoc text is in no version of its format that is read (0.3)",
        "left out: 1 articles without a text: empty (empty)",
    ]);
    assert_eq!(body(&imported.serve(), "good"), "<p>Fine</p>");
}
