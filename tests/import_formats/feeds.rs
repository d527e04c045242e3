//! RSS, Atom and JSON Feed, from files and over the network.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use super::*;

#[test]
fn rss_comes_in_whole_and_a_second_time_changes_nothing() {
    for place in places() {
        let imported = Imported::into(place);
        let file = fixture("rss.xml");
        let said = imported.run(&[&file]);
        assert_eq!(said.code, Some(0), "{}", said.text);
        said.says(&[
            "2 created, 0 updated, 0 unchanged, 0 failed",
            "left out: 1 entries that came twice: item 3 (Brève encore)",
            "left out: 1 attached sounds and films: item 2 (Brève)",
        ]);
        imported.again(&[&file]);
        let app = imported.serve();
        let article = app.get("/v1/articles/barrage-plein").json();
        for (member, expected) in [
            ("headline", json!("Le barrage est plein")),
            ("trail_text", json!("Un court texte.")),
            ("byline", json!("Karim El Fassi")),
            ("published_at", json!("2024-05-01T09:00:00Z")),
            (
                "canonical_url",
                json!("https://sud.example/2024/05/barrage-plein.html"),
            ),
        ] {
            assert_eq!(article[member], expected, "{member}: {article}");
        }
        assert_eq!(article["source"]["name"], "Dépêches du Sud");
        let image = &article["image"];
        assert_eq!(
            (
                &image["url"],
                &image["caption"],
                &image["credit"],
                &image["width"]
            ),
            (
                &json!("https://sud.example/img/barrage.jpg"),
                &json!("Le barrage"),
                &json!("K. E."),
                &json!(800)
            )
        );
        assert_eq!(
            tags(&article),
            [
                ("eau", "keyword"),
                ("barrages", "keyword"),
                ("karim-el-fassi", "contributor")
            ]
        );
        assert!(body(&app, "barrage-plein").contains("https://sud.example/img/a.jpg"));
        assert!(body(&app, "breve").contains("<p>Rien de plus.</p>"));
    }
}

/// What stands before the address that an answer sends its reader to.
const ELSEWHERE: &str = "-> ";

/// Answers each path with what stands beside it, until the test ends.
fn served(pages: Vec<(&'static str, String)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream: TcpStream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut request = String::new();
            reader.read_line(&mut request).unwrap();
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                line.clear();
            }
            let path = request.split(' ').nth(1).unwrap_or_default();
            let page = pages.iter().find(|(known, _)| *known == path);
            let (status, body) = match page {
                Some((_, body)) => ("200 OK", body.as_str()),
                None => ("404 Not Found", ""),
            };
            let location = body.strip_prefix(ELSEWHERE);
            let status = location.map_or(status, |_| "302 Found");
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nLocation: {}\r\nConnection: close\r\n\r\n",
                body.len(),
                location.unwrap_or_default()
            );
            let _ = stream.write_all(head.as_bytes());
            let _ = stream.write_all(body.as_bytes());
        }
    });
    address
}

fn atom(number: u32, next: Option<&str>) -> String {
    let next = next.map(|next| format!("<link rel=\"next\" href=\"{next}\"/>"));
    format!(
        "<?xml version=\"1.0\"?><feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"en\"><title>Pages</title>\
         <id>tag:pages.example,2024:f</id><author><name>Ann</name></author>{}\
         <entry><id>tag:pages.example,2024:{number}</id><title>Page {number}</title>\
         <link rel=\"alternate\" type=\"text/html\" href=\"/p/{number}\"/><published>2024-01-0{number}T00:00:00Z</published>\
         <updated>2024-02-0{number}T00:00:00Z</updated><content type=\"html\">&lt;p&gt;Text {number}&lt;/p&gt;</content></entry></feed>",
        next.unwrap_or_default()
    )
}

#[test]
fn pages_are_followed_as_far_as_is_wanted() {
    let address = served(vec![
        ("/feed", atom(1, Some("feed2"))),
        ("/feed2", atom(2, Some("/feed3"))),
        ("/feed3", atom(3, Some("/feed"))),
    ]);
    let imported = Imported::into(Place::sqlite());
    let feed = format!("{address}/feed");
    imported.run(&[&feed, "--pages", "2"]).says(&[
        "2 created",
        "left out: 1 pages beyond those wanted (see --pages)",
    ]);
    imported
        .run(&[&feed])
        .says(&["1 created, 0 updated, 2 unchanged, 0 failed"]);
    imported.again(&[&feed]);
    let app = imported.serve();
    let article = app.get("/v1/articles/3").json();
    assert_eq!(article["byline"], "Ann");
    assert_eq!(article["updated_at"], "2024-02-03T00:00:00Z");
    assert_eq!(article["canonical_url"], format!("{address}/p/3"));
}

#[test]
fn json_feed_is_followed_and_a_bad_item_costs_itself_alone() {
    let first = json!({"version": "https://jsonfeed.org/version/1.1", "title": "J", "language": "en", "next_url": "/2",
    "home_page_url": "https://j.example/", "authors": [{"name": "Joe"}],
    "items": [
        {"id": 1, "url": "https://j.example/one", "content_html": "<p>One without a title</p>",
         "image": "https://j.example/one.png", "date_published": "2024-01-01T00:00:00Z", "tags": ["a", "b"], "language": "fr"},
        {"id": "2", "title": 7},
        {"id": "https://j.example/three", "title": "Three", "content_text": "a < b\n\nc", "summary": "Sum", "date_published": "2024-01-02T00:00:00Z"}
    ]});
    let second = json!({"version": "https://jsonfeed.org/version/1.1", "title": "J",
        "items": [{"id": "4", "title": "No language", "content_text": "x"}]});
    let address = served(vec![("/1", first.to_string()), ("/2", second.to_string())]);
    let imported = Imported::into(Place::sqlite());
    let feed = format!("{address}/1");
    let said = imported.run(&[&feed]);
    assert_eq!(said.code, Some(1));
    said.says(&[
        "2 created, 0 updated, 0 unchanged, 2 failed",
        "item 2: ",
        "item 4 (No language): nothing says its language",
        "changed: 1 entries without a date, published now: item 4",
    ]);
    imported.again(&[&feed]);
    let app = imported.serve();
    let one = app.get("/v1/articles/one").json();
    assert_eq!(one["headline"], "One without a title");
    assert_eq!(one["language"], "fr");
    assert_eq!(one["byline"], "Joe");
    assert_eq!(one["image"]["url"], "https://j.example/one.png");
    assert_eq!(body(&app, "three"), "<p>a &lt; b</p>\n<p>c</p>\n");
}

#[test]
fn what_cannot_be_fetched_or_is_dangerous_is_told_of() {
    let bomb = "<?xml version=\"1.0\"?><!DOCTYPE rss [<!ENTITY a \"aaaa\">]><rss version=\"2.0\"><channel/></rss>";
    let deep = format!("<rss version=\"2.0\"><channel>{}", "<a>".repeat(100_000));
    let address = served(vec![
        ("/bomb", bomb.to_owned()),
        ("/deep", deep),
        ("/page", "<html><p>x</p></html>".to_owned()),
        ("/large", " ".repeat((50 << 20) + 1)),
    ]);
    let imported = Imported::into(Place::sqlite());
    for (path, says) in [
        ("bomb", "document type declaration"),
        ("deep", "nested deeper"),
        ("page", "is no RSS, Atom or JSON Feed"),
        ("large", "cannot fetch"),
        ("none", "404"),
    ] {
        let said = imported.run(&[&format!("{address}/{path}")]);
        assert_eq!(said.code, Some(1), "{path}");
        said.says(&[says]);
    }
    let file = written(&imported.place, "bomb.rss", bomb);
    imported.run(&[&file]).says(&["document type declaration"]);
}

fn rss(items: &str) -> String {
    format!(
        "<rss version=\"2.0\"><channel><title>R</title><link>https://r.example/</link><language>fr</language>\
         {items}</channel></rss>"
    )
}

#[test]
fn feeds_in_other_encodings_are_read_once() {
    let imported = Imported::into(Place::sqlite());
    let place = &imported.place;
    let feed = rss(
        "<item><title>Été</title><link>https://r.example/ete</link><description>Déjà vu</description>\
         <pubDate>Sat, 01 Mar 2025 10:00:00 +0000</pubDate></item>",
    );
    let declared = format!("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n{feed}");
    let latin: Vec<u8> = declared.chars().map(|c| c as u8).collect();
    let utf16: Vec<u8> = std::iter::once(0xfeff)
        .chain(declared.replace("ISO-8859-1", "UTF-16").encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    for (name, bytes) in [("latin.rss", latin), ("wide.rss", utf16)] {
        let file = written(place, name, bytes);
        let said = imported.run(&[&file]);
        assert_eq!(said.code, Some(0), "{name}: {}", said.text);
    }
    let late = written(place, "late.rss", format!("<!-- a -->{declared}"));
    let said = imported.run(&[&late]);
    assert_eq!(said.code, Some(1));
    said.says(&["an XML declaration that is not at its beginning"]);
    let app = imported.serve();
    assert_eq!(app.get("/v1/articles").slugs(), ["ete"]);
    assert_eq!(app.get("/v1/articles/ete").json()["headline"], "Été");
    assert!(body(&app, "ete").contains("Déjà vu"));
}

#[test]
fn a_feed_does_not_write_over_what_is_there() {
    for place in places() {
        let imported = Imported::into(place);
        let ours = [
            json!({"slug": "budget", "language": "fr", "headline": "Notre brouillon", "body": "Secret", "status": "draft"}),
            json!({"external_id": "https://r.example/?p=1", "slug": "long", "language": "fr", "headline": "Long",
                "body": "Tout le texte", "status": "published", "published_at": "2024-01-01T00:00:00Z"}),
        ];
        let lines: Vec<String> = ours.iter().map(ToString::to_string).collect();
        let lines = written(&imported.place, "ours.ndjson", lines.join("\n"));
        imported.run(&[&lines]).says(&["2 created"]);
        let before = imported.stored();
        let date = "<pubDate>Wed, 01 May 2024 10:00:00 +0000</pubDate>";
        let feed = written(
            &imported.place,
            "theirs.rss",
            rss(&format!(
                "<item><title>Leur budget</title><link>https://r.example/budget</link>{date}\
                 <description>Autre</description></item>\
                 <item><title>Long</title><link>https://r.example/long</link>{date}\
                 <guid isPermaLink=\"false\">https://r.example/?p=1</guid><description>Résumé</description></item>"
            )),
        );
        // The second is the one that is there, by its guid.
        let counts = "1 created, 0 updated, 1 unchanged";
        imported.run(&[&feed, "--dry-run"]).says(&[counts]);
        imported.run(&[&feed]).says(&[counts]);
        imported.again(&[&feed]);
        let articles = |lines: &[String]| -> Vec<String> {
            let kept = lines.iter().filter(|line| {
                (line.starts_with("articles ") || line.starts_with("bodies "))
                    && ["Notre", "Secret", "Tout le texte"]
                        .iter()
                        .any(|words| line.contains(words))
            });
            kept.cloned().collect()
        };
        assert_eq!(articles(&before), articles(&imported.stored()));
        // Our own lines still know it by its slug.
        imported
            .run(&[&lines])
            .says(&["0 created, 0 updated, 2 unchanged"]);
        let app = imported.serve();
        assert_eq!(app.get("/v1/articles/budget").status, 404);
        assert_eq!(
            app.get("/v1/articles/budget-2").json()["headline"],
            "Leur budget"
        );
        assert!(body(&app, "long").contains("Tout le texte"));
    }
}

#[test]
fn pages_are_those_of_the_feed_itself() {
    let page = |number: u32, links: &str| {
        format!(
            "<rss version=\"2.0\" xmlns:atom=\"http://www.w3.org/2005/Atom\"><channel><title>R</title>\
             <language>fr</language>{links}<item><title>T{number}</title><guid isPermaLink=\"false\">{number}</guid>\
             <description>x</description></item><item><title>Same</title><guid isPermaLink=\"false\">same</guid>\
             <description>x</description></item></channel></rss>"
        )
    };
    let link = |rel: &str, href: &str| format!("<atom:link rel=\"{rel}\" href=\"{href}\"/>");
    let entry_next = "<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"en\"><title>A</title><id>a:a</id>\
        <entry><id>a:1</id><title>E</title><link rel=\"next\" href=\"/secret\"/><updated>2024-01-01T00:00:00Z</updated>\
        <content>x</content></entry></feed>";
    let address = served(vec![
        ("/1", page(1, &(link("self", "/1") + &link("next", "/2")))),
        (
            "/2",
            page(
                2,
                &(link("self", "/2") + &link("next", "http://127.0.0.1:1/3")),
            ),
        ),
        ("/atom", entry_next.to_owned()),
        ("/secret", "no feed".to_owned()),
    ]);
    let imported = Imported::into(Place::sqlite());
    let feed = format!("{address}/1");
    imported.run(&[&feed]).says(&[
        "3 created, 0 updated, 0 unchanged, 0 failed",
        "left out: 1 entries that came twice: item 4 (Same)",
        "left out: 1 next pages at another server: http://127.0.0.1:1/3",
    ]);
    imported.again(&[&feed]);
    let said = imported.run(&[&format!("{address}/atom")]);
    assert_eq!(said.code, Some(0), "{}", said.text);
}

#[test]
fn a_redirect_is_followed_here_or_to_public_addresses() {
    let other = served(vec![("/feed", atom(2, None))]);
    let address = served(vec![
        ("/old", format!("{ELSEWHERE}/moved")),
        ("/moved", format!("{ELSEWHERE}/feed")),
        ("/feed", atom(1, None)),
        ("/pages", atom(3, Some("/next"))),
        ("/next", format!("{ELSEWHERE}{other}/feed")),
        ("/away", format!("{ELSEWHERE}{other}/feed")),
        (
            "/named",
            format!(
                "{ELSEWHERE}{}/feed",
                other.replace("127.0.0.1", "localhost")
            ),
        ),
        ("/loop", format!("{ELSEWHERE}/loop")),
        ("/file", format!("{ELSEWHERE}file:///etc/hostname")),
        ("/nowhere", ELSEWHERE.to_owned()),
        (
            "/metadata",
            format!("{ELSEWHERE}http://169.254.169.254/latest/"),
        ),
    ]);
    let imported = Imported::into(Place::sqlite());
    let refused = "it is at an address that is not public, and another server leads there";
    let said = imported.run(&[&format!("{address}/old")]);
    assert_eq!(said.code, Some(0), "{}", said.text);
    let said = imported.run(&[&format!("{address}/pages")]);
    assert_eq!(said.code, Some(1));
    said.says(&[&format!("cannot fetch {other}/feed: "), refused]);
    for (path, says) in [
        ("away", refused),
        ("named", refused),
        ("metadata", refused),
        ("loop", "it is redirected too often"),
        ("file", "it is redirected to no address"),
    ] {
        let said = imported.run(&[&format!("{address}/{path}")]);
        assert_eq!(said.code, Some(1), "{path}: {}", said.text);
        said.says(&[says]);
    }
    // No address is the same address, and so around again.
    imported
        .run(&[&format!("{address}/nowhere")])
        .says(&["it is redirected too often"]);
    assert_eq!(imported.serve().get("/v1/articles").slugs(), ["1"]);
}

#[test]
fn what_one_page_may_have_is_bounded_and_told() {
    let imported = Imported::into(Place::sqlite());
    let place = &imported.place;
    let json = |items: usize| {
        let items = "{},".repeat(items);
        format!(
            "{{\"version\":\"https://jsonfeed.org/version/1.1\",\"title\":\"J\",\"items\":[{}]}}",
            items.trim_end_matches(',')
        )
    };
    for (name, text, says) in [
        (
            "entries.rss",
            rss(&"<item/>".repeat(100_001)),
            "it has more than 100000 entries",
        ),
        (
            "entries.json",
            json(100_001),
            "it has more than 100000 entries",
        ),
        (
            "elements.rss",
            rss(&"<a/>".repeat(1_000_001)),
            "it has more than 1000000 elements",
        ),
        (
            "depth.rss",
            rss(&"<a>".repeat(127)),
            "it has elements nested deeper than 128",
        ),
        (
            "open.rss",
            rss("<item><title>T</tit"),
            "is no RSS, Atom or JSON Feed",
        ),
        (
            "long.rss",
            " ".repeat((50 << 20) + 1),
            "a feed is read up to 52428800 bytes",
        ),
    ] {
        let file = written(place, name, text);
        let said = imported.run(&[&file, "--format", "feed"]);
        assert_eq!(said.code, Some(1), "{name}");
        said.says(&[&format!("{name}: "), says]);
    }
    let near = written(
        place,
        "near.rss",
        rss(&format!("{}{}", "<a>".repeat(125), "</a>".repeat(125))),
    );
    let said = imported.run(&[&near]);
    assert_eq!(said.code, Some(0), "{}", said.text);
}

#[test]
fn feeds_in_windows_1252_are_read_and_what_the_server_says_stands_before_the_declaration() {
    let feed = |declared: &str, number: u32| {
        let items = format!(
            "<item><title>L\u{92}été \u{80}{number}</title><link>https://r.example/w{number}</link>\
             <description>x</description><pubDate>Sat, 01 Mar 2025 10:00:00 +0000</pubDate></item>"
        );
        let text = format!(
            "<?xml version=\"1.0\" encoding=\"{declared}\"?>\n{}",
            rss(&items)
        );
        text.chars().map(|c| c as u8).collect::<Vec<u8>>()
    };
    let imported = Imported::into(Place::sqlite());
    // By the standard of encodings, ISO-8859-1 is read as Windows-1252.
    for (number, label) in (1..).zip(["windows-1252", "ISO-8859-1"]) {
        let file = written(&imported.place, "one.rss", feed(label, number));
        let said = imported.run(&[&file]);
        assert_eq!(said.code, Some(0), "{}", said.text);
    }
    let app = imported.serve();
    for number in [1, 2] {
        let article = app.get(&format!("/v1/articles/w{number}")).json();
        assert_eq!(
            article["headline"],
            format!("L\u{2019}été \u{20ac}{number}")
        );
    }
}

#[test]
fn the_feed_of_a_site_that_was_imported_makes_no_second_articles() {
    let wordpress = "<?xml version=\"1.0\"?>\n<rss xmlns:wp=\"http://wordpress.org/export/1.2/\"><channel>\
        <title>R</title><link>https://r.example</link><language>fr</language>ITEMS</channel></rss>";
    let post = |id: u32, name: &str| {
        format!(
            "<item><title>Titre {name}</title><link>https://r.example/2024/{name}/</link>\
             <guid isPermaLink=\"false\">https://r.example/?p={id}</guid><content:encoded>Entier</content:encoded>\
             <category domain=\"category\" nicename=\"eau\">Eau</category><wp:post_id>{id}</wp:post_id>\
             <wp:post_date_gmt>2024-01-0{id} 00:00:00</wp:post_date_gmt><wp:post_name>{name}</wp:post_name>\
             <wp:status>publish</wp:status><wp:post_type>post</wp:post_type></item>"
        )
    };
    let wordpress = wordpress.replace(
        "ITEMS",
        &[post(1, "un"), post(2, "deux"), post(3, "trois")].concat(),
    );
    let entry = |guid: &str, link: &str| {
        format!(
            "<item><title>Flux</title><link>{link}</link><guid isPermaLink=\"false\">{guid}</guid>\
             <pubDate>Wed, 01 May 2024 10:00:00 +0000</pubDate><description>Court</description></item>"
        )
    };
    let feed = rss(&[
        entry("https://r.example/?p=1", "https://r.example/2024/un/"),
        // By its address alone, which may be written otherwise.
        entry("7", "http://r.example/2024/deux#plus"),
        // The same end of another address, and another guid.
        entry("https://r.example/?p=9", "https://r.example/2025/trois/"),
    ]
    .concat());
    let json_feed = json!({"version": "https://jsonfeed.org/version/1.1", "title": "R", "language": "fr",
        "items": [{"id": "https://r.example/?p=3", "url": "https://r.example/?p=3", "title": "Flux", "content_text": "Court",
            "date_published": "2024-05-01T10:00:00Z"}]});
    let atom = "<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"fr\"><title>R</title><id>a:r</id>\
        <entry><id>https://r.example/?p=2</id><title>Flux</title><updated>2024-05-01T10:00:00Z</updated>\
        <content>Court</content></entry></feed>";
    for place in places() {
        let imported = Imported::into(place);
        let file = |name: &str, text: &str| written(&imported.place, name, text);
        let wordpress = file("wordpress.xml", &wordpress);
        imported.run(&[&wordpress]).says(&["3 created"]);
        let before = imported.stored();
        let feed = file("feed.rss", &feed);
        let counts = "1 created, 0 updated, 2 unchanged";
        imported.run(&[&feed, "--dry-run"]).says(&[counts]);
        imported.run(&[&feed]).says(&[counts]);
        for (name, text) in [
            ("feed.json", json_feed.to_string()),
            ("feed.atom", atom.to_owned()),
        ] {
            let said = imported.run(&[&file(name, &text)]);
            said.says(&["0 created, 0 updated, 1 unchanged"]);
        }
        imported.again(&[&feed]);
        imported.again(&[&wordpress]);
        // What was there is there as it was.
        let after = imported.stored();
        let kept = before
            .iter()
            .filter(|line| line.starts_with("articles ") || line.starts_with("bodies "));
        for line in kept {
            assert!(after.contains(line), "{}: {line}", imported.place.name);
        }
        let app = imported.serve();
        assert_eq!(
            app.get("/v1/articles").slugs(),
            ["trois-2", "trois", "deux", "un"]
        );
    }
}

#[test]
fn the_feed_of_a_site_of_ghost_finds_its_articles_where_they_are() {
    let ghost = json!({"db": [{"data": {"settings": [{"key": "locale", "value": "en"}], "posts": [
        {"id": "64a1", "uuid": "5c0e2f5a-0000-4000-8000-000000000001", "title": "One", "slug": "one", "html": "<p>Whole</p>",
         "status": "published", "published_at": "2024-01-01T00:00:00.000Z"}]}}]});
    let feed = rss(
        "<item><title>One</title><link>https://g.example/one/</link><guid isPermaLink=\"false\">64a1</guid>\
         <description>Short</description><pubDate>Mon, 01 Jan 2024 00:00:00 GMT</pubDate></item>",
    );
    let imported = Imported::into(Place::sqlite());
    let ghost = written(&imported.place, "ghost.json", ghost.to_string());
    imported
        .run(&[&ghost, "--site-url", "https://g.example"])
        .says(&["1 created"]);
    let feed = written(&imported.place, "feed.rss", feed);
    imported
        .run(&[&feed])
        .says(&["0 created, 0 updated, 1 unchanged"]);
    assert_eq!(body(&imported.serve(), "one"), "<p>Whole</p>");
}

#[test]
fn an_export_takes_the_place_of_what_a_feed_of_its_site_brought() {
    let feed = rss(
        "<item><title>Flux un</title><link>https://r.example/2024/un/</link>\
         <guid isPermaLink=\"false\">https://r.example/?p=1</guid><description>Court</description>\
         <pubDate>Wed, 01 May 2024 10:00:00 +0000</pubDate></item>\
         <item><title>Flux deux</title><link>http://r.example/2024/deux</link><guid isPermaLink=\"false\">7</guid>\
         <description>Court</description><pubDate>Wed, 01 May 2024 10:00:00 +0000</pubDate></item>\
         <item><title>Autre</title><link>https://r.example/2023/trois/</link><guid isPermaLink=\"false\">8</guid>\
         <description>Court</description><pubDate>Wed, 01 May 2024 10:00:00 +0000</pubDate></item>",
    );
    let post = |id: u32, name: &str| {
        format!(
            "<item><title>Titre {name}</title><link>https://r.example/2024/{name}/</link>\
             <guid isPermaLink=\"false\">https://r.example/?p={id}</guid><content:encoded>Entier</content:encoded>\
             <wp:post_id>{id}</wp:post_id><wp:post_date_gmt>2024-01-0{id} 00:00:00</wp:post_date_gmt>\
             <wp:post_name>{name}</wp:post_name><wp:status>publish</wp:status><wp:post_type>post</wp:post_type></item>"
        )
    };
    let posts = [post(1, "un"), post(2, "deux"), post(3, "trois")].concat();
    let wordpress = format!(
        "<?xml version=\"1.0\"?>\n<rss xmlns:wp=\"http://wordpress.org/export/1.2/\"><channel><title>R</title>\
         <link>https://r.example</link><language>fr</language>{posts}</channel></rss>"
    );
    for place in places() {
        let imported = Imported::into(place);
        let feed = written(&imported.place, "feed.rss", &feed);
        let wordpress = written(&imported.place, "wordpress.xml", &wordpress);
        imported.run(&[&feed]).says(&["3 created"]);
        // The third only ends alike.
        let counts = "1 created, 2 updated, 0 unchanged, 0 failed";
        imported.run(&[&wordpress, "--dry-run"]).says(&[counts]);
        imported.run(&[&wordpress]).says(&[counts]);
        imported.again(&[&wordpress]);
        imported.again(&[&feed]);
        let name = imported.place.name;
        let app = imported.serve();
        for (slug, headline, text) in [
            ("un", "Titre un", "Entier"),
            ("deux", "Titre deux", "Entier"),
            ("trois", "Autre", "Court"),
            ("trois-2", "Titre trois", "Entier"),
        ] {
            let article = app.get(&format!("/v1/articles/{slug}")).json();
            assert_eq!(article["headline"], headline, "{name}");
            assert_eq!(article["body_text"], text, "{name}: {slug}");
        }
    }
}

#[test]
fn what_a_feed_brought_and_was_deleted_does_not_come_back_by_an_export() {
    let feed = rss(
        "<item><title>Flux</title><link>https://g.example/one/</link><guid isPermaLink=\"false\">64a1</guid>\
         <description>Short</description><pubDate>Mon, 01 Jan 2024 00:00:00 GMT</pubDate></item>",
    );
    let ghost = json!({"db": [{"data": {"settings": [{"key": "locale", "value": "en"}], "posts": [
        {"id": "64a1", "uuid": "5c0e2f5a-0000-4000-8000-000000000001", "title": "One", "slug": "one", "html": "<p>Whole</p>",
         "status": "published", "published_at": "2024-01-01T00:00:00.000Z"}]}}]});
    let imported = Imported::into(Place::sqlite());
    let feed = written(&imported.place, "feed.rss", feed);
    let ghost = written(&imported.place, "ghost.json", ghost.to_string());
    imported.run(&[&feed]).says(&["1 created"]);
    let app = imported.serve();
    let key = app.key("editor");
    let headers = [("authorization", key.as_str()), ("if-match", "*")];
    let deleted = app.send("DELETE", "/v1/articles/one", &headers);
    assert_eq!(deleted.status, 204);
    let said = run(&app.place, &[&ghost, "--site-url", "https://g.example"]);
    said.says(&[
        "0 created, 0 updated, 0 unchanged, 1 failed",
        "deleted here",
    ]);
    assert_eq!(app.get("/v1/articles/one").status, 410);
}

#[test]
fn bytes_that_are_no_text_are_told_of_and_in_json_refused() {
    let imported = Imported::into(Place::sqlite());
    let rss = b"<rss version=\"2.0\"><channel><title>T</title><language>fr</language>\
        <item><guid>https://t.example/ete</guid><title>\xe9t\xe9</title><description>x</description></item>\
        </channel></rss>";
    let file = written(&imported.place, "latin.xml", rss);
    let said = imported.run(&[&file]);
    assert_eq!(said.code, Some(0), "{}", said.text);
    said.says(&["1 created", "changed: 2 bytes that are no text replaced"]);
    let before = imported.stored();
    let feed =
        b"{\"version\":\"https://jsonfeed.org/version/1.1\",\"title\":\"t\",\"language\":\"fr\",\
        \"items\":[{\"id\":\"1\",\"title\":\"\xe9t\xe9\",\"content_text\":\"x\"}]}";
    let ghost = b"{\"db\":[{\"data\":{\"posts\":[{\"id\":\"1\",\"uuid\":\"u\",\"title\":\"T\",\"slug\":\"t\",\
        \"html\":\"<p>x</p>\",\"status\":\"published\"},{\"id\":\"2\",\"title\":\"\xe9t\xe9\"}],\
        \"settings\":[{\"key\":\"locale\",\"value\":\"fr\"}]}}]}";
    for (name, bytes) in [("feed.json", &feed[..]), ("ghost.json", ghost)] {
        let file = written(&imported.place, name, bytes);
        let said = imported.run(&[&file]);
        assert_eq!(said.code, Some(1), "{}", said.text);
        said.says(&["it is not in UTF-8, as JSON has to be"]);
        assert!(imported.stored() == before, "{name}");
    }
}

#[test]
fn languages_authors_and_odd_dates_of_entries_are_read() {
    let item = |number: u32, more: &str| {
        format!(
            "<item><guid>https://t.example/t{number}</guid><title>T</title>{more}<description>x</description></item>"
        )
    };
    let items = [
        item(
            1,
            "<author>omar@x.example (Omar K.)</author><pubDate>hier</pubDate>",
        ),
        item(
            2,
            "<dc:language>ar</dc:language><author>Salma &lt;s@x.example&gt;</author>",
        ),
        item(3, "<pubDate>Sun, 10 Mar 2024 10:30:00 GMT</pubDate>")
            .replace("<item>", "<item xml:lang=\"ar\">"),
        item(
            4,
            "<dc:creator>Un nom (AFP)</dc:creator><pubDate>Sun, 10 Mar 2024 10:30:00 GMT</pubDate>",
        ),
    ];
    let rss = format!(
        "<rss version=\"2.0\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><channel><title>T</title>\
         <language>fr</language>{}</channel></rss>",
        items.concat()
    );
    let atom = "<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"fr\"><title>A</title><id>u:f</id>\
         <entry xml:lang=\"ar\"><title>T</title><link href=\"https://t.example/t5\"/><id>u:5</id>\
         <updated>2024-03-11T10:00:00Z</updated><content>x</content></entry></feed>";
    let imported = Imported::into(Place::sqlite());
    let said = imported.run(&[&written(&imported.place, "rss.xml", rss)]);
    said.says(&[
        "4 created",
        "changed: 1 entries whose date cannot be read, published now: item 1 (T)",
        "changed: 1 entries without a date, published now: item 2 (T)",
    ]);
    let file = written(&imported.place, "atom.xml", atom);
    imported.run(&[&file]).says(&["1 created"]);
    let app = App::on(imported.place.shared());
    let editor = app.key("editor");
    for (slug, language, byline) in [
        ("t1", "fr", json!("Omar K.")),
        ("t2", "ar", json!("Salma")),
        ("t3", "ar", json!(null)),
        ("t4", "fr", json!("Un nom (AFP)")),
        ("t5", "ar", json!(null)),
    ] {
        let path = format!("/v1/articles/{slug}");
        let article = app.get_with(&path, &[("authorization", &editor)]).json();
        assert_eq!(article["language"], language, "{article}");
        assert_eq!(article["byline"], byline, "{article}");
    }
}

#[test]
fn a_file_in_which_nothing_is_found_is_told_of() {
    let imported = Imported::into(Place::sqlite());
    let before = imported.stored();
    for (name, content) in [
        ("empty.xml", ""),
        ("empty.ndjson", ""),
        ("blank.xml", " \n "),
        ("ghost.json", "{\"db\":[{\"meta\":{},\"data\":{}}]}"),
    ] {
        let file = written(&imported.place, name, content);
        let said = imported.run(&[&file]);
        assert_eq!(said.code, Some(1), "{name}: {}", said.text);
        said.says(&[&format!("{file}: nothing was found in it")]);
        assert!(imported.stored() == before, "{name}");
    }
    let none = "<rss version=\"2.0\"><channel><title>T</title></channel></rss>";
    let said = imported.run(&[&written(&imported.place, "none.rss", none)]);
    assert_eq!(said.code, Some(0), "{}", said.text);
}
