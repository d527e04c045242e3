//! `POST /v1/imports`: lines in, lines out, whatever the caller does.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use kiosque::store::changes;
use serde_json::{Value, json};

use crate::support::{App, Place, article, places};

fn import(app: &App, key: &str, query: &str, lines: &str) -> (u16, Vec<Value>) {
    let headers = [
        ("authorization", key),
        ("content-type", "application/x-ndjson"),
    ];
    let reply = app.post_with(&format!("/v1/imports{query}"), &headers, lines);
    let text = reply.text();
    let lines = text.lines().map(|line| {
        let line: Value = serde_json::from_str(line).expect("a line of JSON");
        line
    });
    (reply.status, lines.collect())
}

/// Line, result, pointers of errors, pointers of warnings.
fn told(line: &Value) -> (u64, String, Vec<String>, Vec<String>) {
    let pointers = |name: &str| -> Vec<String> {
        let faults = line[name].as_array().expect("faults");
        let pointer = |fault: &Value| fault["pointer"].as_str().unwrap().to_owned();
        faults.iter().map(pointer).collect()
    };
    (
        line["line"].as_u64().unwrap(),
        line["result"].as_str().unwrap().to_owned(),
        pointers("errors"),
        pointers("warnings"),
    )
}

#[test]
fn every_line_is_told_once_and_the_whole_at_the_end() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let editor = app.key("editor");
        let lines = [
            article("un").0.to_string(),
            article("deux")
                .with("pins", json!(["quatre", "personne"]))
                .0
                .to_string(),
            String::new(),
            article("trois")
                .with("pins", json!(["quatre"]))
                .0
                .to_string(),
            article("quatre").0.to_string(),
            "{".to_owned(),
            article("cinq")
                .with("published_at", "hier")
                .with("status", "live")
                .0
                .to_string(),
        ]
        .join("\n");
        let word = |word: &str| word.to_owned();
        let (status, answer) = import(&app, &editor, "", &lines);
        assert_eq!(status, 200, "{name}");
        let results: Vec<_> = answer[..6].iter().map(told).collect();
        let expected = [
            (1, word("created"), vec![], vec![]),
            (5, word("created"), vec![], vec![]),
            (6, word("failed"), vec![word("")], vec![]),
            (
                7,
                word("failed"),
                vec![word("/status"), word("/published_at")],
                vec![],
            ),
            (2, word("created"), vec![], vec![word("/pins/1")]),
            (4, word("created"), vec![], vec![]),
        ];
        for one in &expected {
            let found = results.iter().find(|result| result.0 == one.0).unwrap();
            let mut pointers = (found.2.clone(), one.2.clone());
            pointers.0.sort();
            pointers.1.sort();
            assert_eq!(
                (&found.1, pointers.0, &found.3),
                (&one.1, pointers.1, &one.3),
                "{name}"
            );
        }
        let counts = json!({"created": 4, "updated": 0, "unchanged": 0, "failed": 2, "dangling": 1, "dry_run": false});
        assert_eq!(answer[6], json!({"summary": counts}), "{name}");
        assert_eq!(answer.len(), 7, "{name}");
        // Readers see it when the answer has ended.
        let four = app.json("/v1/articles/quatre");
        assert_eq!(answer[1]["id"], four["id"], "{name}");
        assert_eq!(
            (&answer[1]["slug"], &answer[1]["version"]),
            (&json!("quatre"), &json!(1))
        );
        assert_eq!(app.get("/v1/articles?q=texte").slugs().len(), 4, "{name}");

        let before = app.database.read(changes::last).unwrap();
        let (_, again) = import(&app, &editor, "", &lines);
        assert_eq!(again[6]["summary"]["unchanged"], 4, "{name}");
        assert_eq!(app.database.read(changes::last).unwrap(), before, "{name}");

        let admin = app.key("admin");
        let audit = app.get_with(
            "/v1/audit?action=article.import",
            &[("authorization", &admin)],
        );
        let entries = audit.json()["data"].as_array().unwrap().clone();
        assert_eq!(entries.len(), 2, "{name}");
        assert!(
            entries[1]["actor"]
                .as_str()
                .unwrap()
                .starts_with("key:editor")
        );
        assert_eq!(entries[1]["detail"]["created"], 4, "{name}");
        assert_eq!(
            entries[1]["target"]["id"], entries[1]["request_id"],
            "{name}"
        );
    }
}

#[test]
fn a_dry_run_tells_and_writes_nothing() {
    for place in places() {
        let app = App::on(place);
        app.import(&[article("la")]);
        let before = app.database.read(changes::last).unwrap();
        let lines = [
            article("la"),
            article("la").headed("Autre"),
            article("neuf"),
        ];
        let lines: Vec<String> = lines.iter().map(|article| article.0.to_string()).collect();
        let key = app.key("editor");
        let (_, answer) = import(&app, &key, "?dry_run=true", &lines.join("\n"));
        let results: Vec<&Value> = answer[..3].iter().map(|line| &line["result"]).collect();
        assert_eq!(results, ["unchanged", "updated", "created"]);
        assert_eq!(answer[2]["id"], Value::Null);
        assert_eq!(answer[3]["summary"]["dry_run"], true);
        assert_eq!(app.database.read(changes::last).unwrap(), before);
        assert_eq!(app.get("/v1/articles/neuf").status, 404);
        let admin = app.key("admin");
        let audit = app.get_with("/v1/audit", &[("authorization", &admin)]);
        assert_eq!(audit.json()["data"], json!([]));
    }
}

#[test]
fn who_may_not_or_says_it_wrongly_is_refused_before_anything_happens() {
    let app = App::new();
    let line = article("un").0.to_string();
    let editor = app.key("editor");
    let ndjson = ("content-type", "application/x-ndjson");
    for (query, authorization, header, status) in [
        ("", "", ndjson, 401),
        ("", "Bearer no", ndjson, 401),
        ("", &app.key("author"), ndjson, 403),
        ("?dry_run=yes", &editor, ndjson, 400),
        ("?dryrun=true", &editor, ndjson, 400),
        ("", &editor, ("content-type", "application/json"), 415),
        ("", &editor, ("x-content-type", "none"), 415),
    ] {
        let headers = [header, ("authorization", authorization)];
        let headers = if authorization.is_empty() {
            &headers[..1]
        } else {
            &headers[..]
        };
        let reply = app.post_with(&format!("/v1/imports{query}"), headers, &line);
        assert_eq!(reply.status, status, "{query} {header:?}");
        assert_eq!(reply.header("content-type"), "application/problem+json");
    }
    let coded = [
        ndjson,
        ("authorization", &*editor),
        ("content-encoding", "gzip"),
    ];
    assert_eq!(app.post_with("/v1/imports", &coded, &line).status, 415);
    let (status, answer) = import(&app, &editor, "", "");
    assert_eq!((status, &answer[0]["summary"]["created"]), (200, &json!(0)));
    assert_eq!(app.get("/v1/articles").slugs().len(), 0);
    let json_lines = [
        ("content-type", "application/jsonl; charset=utf-8"),
        ("authorization", &*editor),
    ];
    assert_eq!(app.post_with("/v1/imports", &json_lines, &line).status, 200);
}

/// A caller with its hands on the wire.
struct Wire(TcpStream);

impl Wire {
    fn begin(app: &App, key: &str) -> Self {
        let address = app.base.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        write!(
            stream,
            "POST /v1/imports HTTP/1.1\r\nhost: x\r\nauthorization: {key}\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
        )
        .unwrap();
        Self(stream)
    }

    fn send(&mut self, text: &str) {
        write!(self.0, "{:x}\r\n{text}\r\n", text.len()).unwrap();
    }

    fn end(&mut self) {
        write!(self.0, "0\r\n\r\n").unwrap();
    }

    /// Until so many bytes have come that end in this.
    fn read_until(&mut self, wanted: &str) -> String {
        let mut all = String::new();
        let mut buffer = [0; 16 * 1024];
        while !all.contains(wanted) {
            let count = self.0.read(&mut buffer).unwrap();
            assert!(count > 0, "ended without {wanted}: {}", tail(&all));
            all += std::str::from_utf8(&buffer[..count]).unwrap();
        }
        all
    }

    fn read_to_end(mut self) -> String {
        let mut all = String::new();
        self.0.read_to_string(&mut all).unwrap();
        joined(&all)
    }
}

/// An answer's head and its chunks put together, where it has come in chunks: one may end within a word.
fn joined(answer: &str) -> String {
    let Some((head, mut rest)) = answer.split_once("\r\n\r\n") else {
        return answer.to_owned();
    };
    if !head.contains("transfer-encoding: chunked") {
        return answer.to_owned();
    }
    let mut whole = format!("{head}\r\n\r\n");
    while let Some((size, chunk)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        whole += &chunk[..size];
        rest = &chunk[size + 2..];
    }
    whole
}

fn tail(text: &str) -> &str {
    &text[text.len().saturating_sub(500)..]
}

fn many(from: usize, to: usize) -> String {
    (from..to)
        .map(|n| format!("{}\n", article(&format!("a-{n}")).0))
        .collect()
}

#[test]
fn whoever_sends_everything_before_reading_anything_is_served() {
    let app = App::new();
    let mut wire = Wire::begin(&app, &app.key("editor"));
    // Results far beyond what sockets hold.
    for _ in 0..100 {
        wire.send(&"x\n".repeat(1_000));
    }
    wire.end();
    let answer = wire.read_to_end();
    assert_eq!(
        answer.matches("\"failed\",").count(),
        100_000,
        "{}",
        tail(&answer)
    );
    assert!(answer.len() > 10_000_000);
    assert!(answer.contains("\"failed\":100000"), "{}", tail(&answer));
}

#[test]
fn results_come_while_lines_are_still_being_sent() {
    let app = App::new();
    let mut wire = Wire::begin(&app, &app.key("editor"));
    wire.send(&many(0, 50));
    let answer = wire.read_until("\"line\":50,");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    wire.send(&many(50, 51));
    wire.end();
    let answer = wire.read_to_end();
    assert!(answer.contains("\"created\":51"), "{}", tail(&answer));
}

#[test]
fn an_import_whose_caller_goes_away_keeps_what_it_has_and_can_be_sent_again() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let key = app.key("editor");
        let mut wire = Wire::begin(&app, &key);
        wire.send(&many(0, 700));
        wire.read_until("\"line\":350,");
        drop(wire);
        let (_, answer) = until_free(&app, &key, &many(0, 1_000));
        let summary = &answer.last().unwrap()["summary"];
        let (created, unchanged) = (summary["created"].as_u64(), summary["unchanged"].as_u64());
        assert_eq!(created.unwrap() + unchanged.unwrap(), 1_000, "{name}");
        assert!(unchanged >= Some(350), "{name}");
        let last = app.database.read(changes::last).unwrap();
        assert_eq!(last, 1_000, "{name}");
    }
}

/// Imports once no other is in the way.
fn until_free(app: &App, key: &str, lines: &str) -> (u16, Vec<Value>) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let answer = import(app, key, "", lines);
        if answer.0 != 429 || Instant::now() > deadline {
            return answer;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_third_import_waits_for_its_turn_and_an_idle_one_is_ended() {
    let app = App::configured(Place::sqlite(), |config| {
        config.request_timeout = Duration::from_secs(1);
    });
    let key = app.key("editor");
    let mut idle: Vec<Wire> = (0..2).map(|_| Wire::begin(&app, &key)).collect();
    for (at, wire) in idle.iter_mut().enumerate() {
        wire.send(&many(at, at + 1));
        wire.read_until("HTTP/1.1 200");
    }
    let headers = [
        ("authorization", key.as_str()),
        ("content-type", "application/x-ndjson"),
    ];
    let reply = app.post_with("/v1/imports", &headers, "");
    assert_eq!((reply.status, reply.header("retry-after")), (429, "10"));
    for mut wire in idle {
        // The end of the answer, though not of the connection.
        let answer = wire.read_until("\r\n0\r\n\r\n");
        assert!(answer.contains("{\"error\":{"), "{answer}");
        assert!(answer.contains("\"code\":\"timeout\""), "{answer}");
    }
    let (status, answer) = import(&app, &key, "", &many(0, 1));
    assert_eq!((status, &answer[0]["result"]), (200, &json!("created")));
}
