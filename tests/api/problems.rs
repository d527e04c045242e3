//! Failures: problem documents on every path.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::{App, article};

#[test]
fn forty_hostile_queries_are_each_refused_by_name() {
    let app = App::with(&[article("a").tagged("t")]);
    let long = format!("q={}", "x".repeat(10_000));
    let ids = format!(
        "ids={}",
        ["01921c5e-7a1a-7000-8000-000000000001"; 101].join(",")
    );
    let tags = format!("tag={}", vec!["t"; 60].join("%7C"));
    let cases: Vec<(&str, &str, &str)> = vec![
        ("articles", "limit=0", "limit"),
        ("articles", "limit=101", "limit"),
        ("articles", "limit=-1", "limit"),
        ("articles", "limit=1e2", "limit"),
        ("articles", "limit=%D9%A1", "limit"),
        ("articles", "limit=20&limit=20", "limit"),
        ("articles", "limit", "limit"),
        ("articles", "Limit=1", "Limit"),
        ("articles", "page=2", "page"),
        ("articles", "offset=20", "offset"),
        ("articles", "status=draft", "status"),
        ("articles", "external_id=x", "external_id"),
        ("articles", "q[]=x", "q[]"),
        ("articles", "q=", "q"),
        ("articles", "q=%00", "q"),
        ("articles", "q=a%00b", "q"),
        ("articles", "q=%FF%FE", "q"),
        ("articles", "q=%C3%28", "q"),
        ("articles", "q=%zz", "q"),
        ("articles", "q=%", "q"),
        ("articles", &long, "q"),
        ("articles", "tag=", "tag"),
        ("articles", "tag=a,", "tag"),
        ("articles", "tag=((a)", "tag"),
        ("articles", "tag=((((((((((t))))))))))", "tag"),
        ("articles", "tag=nowhere", "tag"),
        ("articles", "tag=';DROP%20TABLE%20tags;--", "tag"),
        ("articles", &tags, "tag"),
        ("articles", "language=francais", "language"),
        ("articles", "language=fr,en", "language"),
        ("articles", "from=yesterday", "from"),
        ("articles", "from=2024-02-30", "from"),
        ("articles", "from=2024-01-01T00:00", "from"),
        ("articles", "from=0000-01-01", "from"),
        ("articles", "to=99999-01-01T00:00:00Z", "to"),
        ("articles", "from=2024-02-01&to=2024-01-01", "from"),
        ("articles", "use_date=created", "use_date"),
        ("articles", "order_by=random", "order_by"),
        ("articles", "order_by=relevance", "order_by"),
        ("articles", "count=yes", "count"),
        ("articles", "fields=slug,password", "fields"),
        ("articles", "fields=slug,", "fields"),
        ("articles", "include=drafts", "include"),
        ("articles", "ids=1", "ids"),
        ("articles", &ids, "ids"),
        ("articles/a", "limit=1", "limit"),
        ("articles/a/related", "limit=51", "limit"),
        ("articles/a/related-tags", "tag=t", "tag"),
        ("tags", "kind=colour", "kind"),
        ("tags", "order_by=newest", "order_by"),
        ("tags", "q=%FF", "q"),
        ("tags/t", "x=1", "x"),
        ("tags/t/related", "limit=many", "limit"),
    ];
    assert!(cases.len() >= 40);
    for (path, query, named) in cases {
        let reply = app.get(&format!("/v1/{path}?{query}"));
        let shown: String = query.chars().take(60).collect();
        assert_eq!(reply.status, 400, "{path} {shown}");
        assert_eq!(
            reply.header("content-type"),
            "application/problem+json",
            "{path} {shown}"
        );
        assert_eq!(reply.named(), [named], "{path} {shown}");
        assert!(
            reply.json()["detail"].as_str().unwrap().contains(named),
            "{path} {shown}"
        );
    }
}

#[test]
fn a_problem_says_what_where_and_which_kind() {
    let app = App::new();
    let reply = app.get("/v1/articles?limit=0&colour=red");
    let problem = reply.json();
    assert_eq!(problem["type"], "/problems/invalid_parameter");
    assert_eq!(
        (&problem["status"], &problem["code"]),
        (&400.into(), &"invalid_parameter".into())
    );
    assert_eq!(problem["instance"], "/v1/articles");
    assert_eq!(
        problem["errors"].as_array().unwrap().len(),
        2,
        "all faults at once"
    );
    assert_eq!(reply.header("cache-control"), "no-store");
    let explained = app.get(problem["type"].as_str().unwrap());
    assert_eq!(
        (explained.status, &explained.json()["title"]),
        (200, &problem["title"])
    );
}

#[test]
fn every_kind_of_problem_is_explained() {
    let app = App::new();
    for kind in kiosque::error::KINDS {
        let reply = app.get(&format!("/problems/{}", kind.code));
        assert_eq!(
            (reply.status, reply.json()["status"].as_u64()),
            (200, Some(kind.status.into()))
        );
    }
    assert_eq!(app.get("/problems/no-such").status, 404);
}

#[test]
fn unknown_paths_and_wrong_methods_are_told_apart() {
    let app = App::with(&[article("a")]);
    for path in [
        "/nowhere",
        "/v1",
        "/v1/article",
        "/v1/articles/a/nothing",
        "/v1/articles/",
        "/v2/articles",
    ] {
        let reply = app.get(path);
        assert_eq!(
            (reply.status, reply.json()["code"].as_str()),
            (404, Some("unknown_route")),
            "{path}"
        );
    }
    for (method, path, allow) in [
        ("DELETE", "/v1/articles/a", "GET, HEAD, OPTIONS"),
        ("PUT", "/v1/tags", "GET, HEAD, OPTIONS"),
        ("GET", "/v1/related", "POST, OPTIONS"),
        ("PATCH", "/docs/index.html", "GET, HEAD, OPTIONS"),
    ] {
        let reply = app.send(method, path, &[]);
        assert_eq!(
            (reply.status, reply.header("allow")),
            (405, allow),
            "{method} {path}"
        );
        assert_eq!(reply.json()["code"], "method_not_allowed");
    }
}

#[test]
fn a_strange_name_is_unknown_and_no_more() {
    let app = App::with(&[article("a")]);
    for name in [
        "%00",
        "a%00b",
        "%FF",
        "..%2F..",
        "'%22",
        "%F0%9F%8C%B9",
        &"x".repeat(5_000),
    ] {
        for path in [
            format!("/v1/articles/{name}"),
            format!("/v1/tags/{name}"),
            format!("/v1/articles/{name}/related"),
        ] {
            let reply = app.get(&path);
            assert_eq!(reply.status, 404, "{path}");
            assert_eq!(
                reply.header("content-type"),
                "application/problem+json",
                "{path}"
            );
        }
    }
}

#[test]
fn a_request_id_is_kept_when_it_is_harmless() {
    let app = App::new();
    let told = |id: &str| {
        app.get_with("/livez", &[("x-request-id", id)])
            .header("x-request-id")
            .to_owned()
    };
    assert_eq!(told("edge-7f3a:42"), "edge-7f3a:42");
    for replaced in ["a b", "<script>", &"x".repeat(65)] {
        let id = told(replaced);
        assert!(id != replaced && id.len() == 32, "{id}");
    }
    assert_ne!(
        app.get("/livez").header("x-request-id"),
        app.get("/livez").header("x-request-id")
    );
}

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
