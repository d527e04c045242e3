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
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
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
