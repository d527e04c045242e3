//! What no client library would send.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::{App, article};

#[test]
fn garbage_on_the_wire_is_answered_or_cut_off_and_the_server_lives() {
    let app = App::new();
    let address = app.base.trim_start_matches("http://");
    let header = format!(
        "GET /livez HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n",
        "y".repeat(200_000)
    );
    for bytes in [
        &b"\0\0\0\0\r\n\r\n"[..],
        b"GET\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /livez HTTP/9.9\r\n\r\n",
        b"POST /v1/related HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        header.as_bytes(),
    ] {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let _ = stream.write_all(bytes);
        let mut first = [0; 12];
        if stream.read_exact(&mut first).is_ok() {
            assert_eq!(&first[..10], b"HTTP/1.1 4", "{:?}", String::from_utf8_lossy(&first));
        }
        assert_eq!(app.get("/livez").status, 200);
    }
}

/// What comes back for raw bytes, until the server has nothing more to say.
fn wire(app: &App, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(app.base.trim_start_matches("http://")).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn names_that_no_client_library_would_send_are_refused_and_not_failed_at() {
    let app = App::with(&[article("été").tagged("t")]);
    for target in [
        "/v1/articles/%FF%FE",
        "/v1/articles/%C3%28",
        "/v1/articles/%",
        "/v1/articles/%zz",
        "/v1/articles/%00",
        "/v1/tags/%00%00",
        "/v1/tags/t%00/related",
        "/v1/articles/a%0d%0aX-Injected:%201",
        "/v1/articles//related",
        "/v1/articles/./related",
        "/v1/articles/..%2f..%2fetc%2fpasswd",
        "/../../etc/passwd",
        "//v1/articles",
        "/v1/articles;limit=1",
        "*",
        "http://other.example/nowhere",
        "/v1/articles?%",
        "/v1/articles?q=%",
        "/v1/articles?q=%00",
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = wire(&app, request.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 4"), "{target}: {answer}");
        assert!(
            !answer.to_lowercase().contains("\r\nx-injected"),
            "{target}: {answer}"
        );
    }
    let long = format!(
        "GET /v1/articles/{} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "x".repeat(60_000)
    );
    assert!(wire(&app, long.as_bytes()).starts_with("HTTP/1.1 4"));
    assert_eq!(app.get("/v1/articles/%C3%A9t%C3%A9").status, 200);
}

#[test]
fn a_method_nobody_knows_is_not_allowed_either() {
    let app = App::with(&[article("a")]);
    for (path, status) in [("/v1/articles/a", "405"), ("/nowhere", "404")] {
        let answer = wire(
            &app,
            format!("PURGE {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes(),
        );
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
        assert!(answer.contains("application/problem+json"), "{answer}");
    }
}

#[test]
fn half_a_request_holds_nobody_up() {
    let app = App::with(&[article("a")]);
    let head = "POST /v1/related HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    let answers = [
        format!("{head}Content-Length: 100\r\n\r\n{{\"headline\""),
        format!("{head}Content-Length: -1\r\n\r\n{{}}"),
        format!("{head}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}"),
        format!("{head}Content-Length: 99999999999999999999\r\n\r\n{{}}"),
        format!("{head}Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n"),
        format!("{head}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n"),
        format!("{head}Expect: 200-ok\r\nContent-Length: 2\r\n\r\n{{}}"),
        "GET /v1/articles HTTP/1.1\r\nHost: x\r\nX\0Y: 1\r\n\r\n".to_owned(),
        "GET /v1/articles HTTP/1.1\r\n\r\n\r\n\r\nGET".to_owned(),
    ]
    .map(|request| wire(&app, request.as_bytes()));
    for answer in answers {
        assert!(!answer.contains("HTTP/1.1 5"), "{answer}");
    }
    assert_eq!(app.get("/v1/articles").slugs(), ["a"]);
}

#[test]
fn requests_on_one_connection_are_answered_each_in_turn() {
    let app = App::with(&[article("a")]);
    let one = |path: &str, more: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\n{more}\r\n");
    let answer = wire(
        &app,
        format!(
            "{}{}{}",
            one("/v1/articles/a?fields=slug", ""),
            one("/v1/articles?limit=0", ""),
            one("/livez", "Connection: close\r\n")
        )
        .as_bytes(),
    );
    let statuses: Vec<&str> = answer
        .split("HTTP/1.1 ")
        .skip(1)
        .map(|one| &one[..3])
        .collect();
    assert_eq!(statuses, ["200", "400", "200"], "{answer}");
}
