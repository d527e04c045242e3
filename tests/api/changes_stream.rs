//! The change feed as server-sent events.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{App, Place, article, places};

/// An event as a browser takes it: id, name and data.
#[derive(Debug, PartialEq)]
pub struct Event {
    id: String,
    name: String,
    pub data: String,
}

pub struct Stream(BufReader<Box<dyn Read>>);

impl Stream {
    pub fn open(app: &App, path: &str, headers: &[(&str, &str)]) -> Self {
        let mut request = ureq::get(format!("{}{path}", app.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.call().expect("the stream opens");
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self(BufReader::new(Box::new(response.into_body().into_reader())))
    }

    /// The next event that has data; `None` at the end of the stream.
    pub fn next(&mut self) -> Option<Event> {
        let mut event = Event {
            id: String::new(),
            name: String::new(),
            data: String::new(),
        };
        let mut line = String::new();
        loop {
            line.clear();
            if self.0.read_line(&mut line).ok()? == 0 {
                return None;
            }
            match line.trim_end_matches('\n').split_once(": ") {
                Some(("id", id)) => event.id = id.to_owned(),
                Some(("event", name)) => event.name = name.to_owned(),
                Some(("data", data)) => event.data = data.to_owned(),
                _ if line == "\n" && !event.data.is_empty() => return Some(event),
                _ => {}
            }
        }
    }

    pub fn slug(&mut self) -> String {
        let event = self.next().expect("an event");
        assert_eq!(event.name, "change");
        let line: Value = serde_json::from_str(&event.data).expect("JSON");
        assert_eq!(line["seq"].to_string(), event.id);
        line["slug"].as_str().expect("a slug").to_owned()
    }
}

#[test]
fn changes_come_as_they_are_made_and_a_reader_goes_on_where_it_was() {
    for place in places() {
        let app = App::on(place);
        app.import(&[article("one"), article("two")]);
        let mut stream = Stream::open(&app, "/v1/changes/stream?after=0", &[]);
        assert_eq!(stream.slug(), "one");
        let two = stream.next().unwrap();
        app.import(&[article("draft").status("draft"), article("three")]);
        assert_eq!(stream.slug(), "three");
        drop(stream);
        // As a browser does it: to the same address, with the last id.
        let mut again = Stream::open(
            &app,
            "/v1/changes/stream?after=0&include=articles",
            &[("last-event-id", &two.id)],
        );
        let event = again.next().unwrap();
        let line: Value = serde_json::from_str(&event.data).unwrap();
        assert_eq!(line["article"], app.json("/v1/articles/three"));
        // Without a place to begin, only what is new.
        let mut new = Stream::open(&app, "/v1/changes/stream?kind=article", &[]);
        app.import(&[article("four")]);
        assert_eq!(
            (again.slug(), new.slug()),
            ("four".to_owned(), "four".to_owned())
        );
    }
}

#[test]
fn a_stream_that_cannot_begin_is_a_problem() {
    let app = App::with(&[article("a")]);
    for (path, headers, named) in [
        ("?after=x", vec![], "after"),
        ("?limit=3", vec![], "limit"),
        ("?wait=3", vec![], "wait"),
        ("?after=9999", vec![], "after"),
        ("", vec![("last-event-id", "x")], "Last-Event-ID"),
        ("", vec![("last-event-id", "-1")], "Last-Event-ID"),
    ] {
        let reply = app.get_with(&format!("/v1/changes/stream{path}"), &headers);
        assert_eq!(
            (reply.status, reply.named()),
            (400, vec![named.to_owned()]),
            "{path}"
        );
    }
}

#[test]
fn asked_for_its_head_alone_it_ends() {
    let app = App::with(&[article("a")]);
    let reply = app.send("HEAD", "/v1/changes/stream", &[]);
    assert_eq!((reply.status, reply.bytes.len()), (200, 0));
    assert_eq!(reply.header("content-type"), "text/event-stream");
    assert_eq!(reply.header("cache-control"), "no-store");
}

#[test]
fn a_reader_whose_key_is_revoked_is_cut_off_within_a_minute() {
    let app = App::with(&[article("a")]);
    let key = app.key("reader");
    let headers = [("authorization", key.as_str())];
    let mut stream = Stream::open(&app, "/v1/changes/stream?after=0", &headers);
    assert_eq!(stream.slug(), "a");
    let admin = app.key("admin");
    let admin = [("authorization", admin.as_str())];
    let keys = app.get_with("/v1/keys", &admin).json();
    let mut keys = keys["data"].as_array().unwrap().iter();
    let id = keys.find(|key| key["role"] == "reader").unwrap()["id"]
        .as_str()
        .unwrap();
    assert_eq!(
        app.send("DELETE", &format!("/v1/keys/{id}"), &admin).status,
        204
    );
    let began = Instant::now();
    assert_eq!(stream.next(), None);
    assert!(began.elapsed() < Duration::from_secs(60));
}

#[test]
fn whoever_does_not_read_holds_no_one_up() {
    let app = App::new();
    let long = "mot ".repeat(100_000);
    let _asleep = Stream::open(&app, "/v1/changes/stream?after=0&include=articles", &[]);
    let mut awake = Stream::open(&app, "/v1/changes/stream?after=0&include=articles", &[]);
    for n in 0..12 {
        app.import(&[article(&format!("a-{n}")).saying(&long)]);
        assert_eq!(awake.slug(), format!("a-{n}"));
    }
}

#[test]
fn whoever_takes_nothing_loses_the_place() {
    let app = App::configured(Place::sqlite(), |config| {
        config.change_waiters = 1;
        config.change_patience = Duration::from_secs(1);
    });
    let address = app.base.trim_start_matches("http://");
    let mut asleep = TcpStream::connect(address).unwrap();
    let request = format!(
        "GET /v1/changes/stream?after=0&include=articles HTTP/1.1\r\nhost: {address}\r\n\r\n"
    );
    asleep.write_all(request.as_bytes()).unwrap();
    let mut status = [0; 12];
    asleep.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    // Far more than what lies between the two, in few words, for the indexes are not what this is about.
    let long = format!("{} ", "x".repeat(200)).repeat(4_000);
    for n in 0..12 {
        app.import(&[article(&format!("a-{n}")).saying(&long)]);
    }
    let end = app.json("/v1/changes?limit=1000")["page"]["next"].clone();
    let deadline = Instant::now() + Duration::from_secs(60);
    while app.get(&format!("/v1/changes?wait=1&after={end}")).status != 200 {
        assert!(Instant::now() < deadline, "the place stays taken");
    }
    // It can take what was sent, and then comes back by itself.
    let mut rest = Vec::new();
    asleep
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    let mut part = [0; 1 << 16];
    while !rest.ends_with(b"\r\n0\r\n\r\n") {
        let read = asleep.read(&mut part).unwrap();
        assert!(read > 0, "it ends as it should");
        rest.extend_from_slice(&part[..read]);
    }
    let text = String::from_utf8_lossy(&rest);
    assert!(
        text.contains("a-0") && !text.contains("\"a-11\""),
        "not all of it"
    );
}
