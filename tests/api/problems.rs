//! Failures: problem documents on every path.

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
        ("articles", "status=live", "status"),
        ("articles", "status=draft&q=oasis", "status"),
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
        (
            "POST",
            "/v1/articles/a",
            "GET, HEAD, PUT, PATCH, DELETE, OPTIONS",
        ),
        ("PUT", "/v1/tags", "GET, HEAD, POST, OPTIONS"),
        ("PUT", "/v1/related", "GET, HEAD, POST, OPTIONS"),
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
fn hostile_queries_are_refused_on_every_operation() {
    let app = App::with(&[article("a").tagged("t")]);
    let operations = [
        "/v1/articles",
        "/v1/articles/a",
        "/v1/articles/a/related",
        "/v1/articles/a/related-tags",
        "/v1/tags",
        "/v1/tags/t",
        "/v1/tags/t/related",
    ];
    for path in operations {
        for (query, named) in [
            ("colour=red", "colour"),
            ("=1", ""),
            ("%00=1", "\0"),
            ("%FF=1", "query string"),
            ("a%20b=1", "a b"),
            ("__proto__=1", "__proto__"),
            ("LIMIT=1", "LIMIT"),
            ("limit%5B%5D=1", "limit[]"),
            ("callback=x", "callback"),
        ] {
            let reply = app.get(&format!("{path}?{query}"));
            assert_eq!(reply.status, 400, "{path}?{query}");
            assert_eq!(
                reply.header("content-type"),
                "application/problem+json",
                "{path}?{query}"
            );
            if !named.contains('\0') && !named.is_empty() {
                assert_eq!(reply.named(), [named], "{path}?{query}");
            }
        }
        // An empty query is none.
        for query in ["?", "?&", "?&&"] {
            assert_eq!(
                app.get(&format!("{path}{query}")).status,
                200,
                "{path}{query}"
            );
        }
    }
}

#[test]
fn more_hostile_values_are_each_refused_by_name() {
    let app = App::with(&[article("a").tagged("t")]);
    let many = format!("exclude={}", vec!["x"; 101].join(","));
    let cursor = format!("cursor={}", "A".repeat(4_000));
    for (path, query, named) in [
        ("articles/a/related", "limit=0", "limit"),
        ("articles/a/related", "limit=%2B5", "limit"),
        ("articles/a/related", "limit=5&limit=6", "limit"),
        ("articles/a/related", "language=", "language"),
        ("articles/a/related", "language=ANY%00", "language"),
        ("articles/a/related", "from=24-04-2024", "from"),
        ("articles/a/related", "to=2024-01-01", "to"),
        ("articles/a/related", "include=body", "include"),
        ("articles/a/related", "tag=-", "tag"),
        ("articles/a/related", "exclude=%00", "exclude"),
        ("articles/a/related", "exclude=", "exclude"),
        ("articles/a/related", many.as_str(), "exclude"),
        (
            "articles/a/related-tags",
            "limit=99999999999999999999999",
            "limit",
        ),
        ("articles/a/related-tags", "language=any", "language"),
        ("articles/a", "include=", "include"),
        ("articles/a", "include=related,,body", "include"),
        ("articles/a", "fields=*", "fields"),
        ("articles/a", "fields=id&fields=slug", "fields"),
        ("articles/a", "fields=ID", "fields"),
        ("articles", "use_date=Published", "use_date"),
        ("articles", "order_by=newest,oldest", "order_by"),
        ("articles", "order_by=-published_at", "order_by"),
        ("articles", "count=EXACT", "count"),
        ("articles", "source=%20", "source"),
        ("articles", "source=a%00", "source"),
        ("articles", "ids=", "ids"),
        ("articles", "ids=a", "ids"),
        (
            "articles",
            "ids=01921c5e-7a1a-7000-8000-000000000001,",
            "ids",
        ),
        ("articles", "to=2024-13-45", "to"),
        ("articles", "to=2024-1-1", "to"),
        ("articles", "to=-0001-01-01", "to"),
        ("articles", "to=now", "to"),
        ("articles", "from=1713866400", "from"),
        ("articles", "from=2024-01-01T25:00:00Z", "from"),
        ("articles", "from=2024-04-23T10:00:00+02:00", "from"),
        ("articles", "tag=t%00", "tag"),
        ("articles", "tag=|", "tag"),
        ("articles", "tag=t,,t", "tag"),
        ("articles", "tag=()", "tag"),
        ("articles", "tag=T", "tag"),
        ("articles", "tag=t%20", "tag"),
        ("articles", "tag=--------------t", "tag"),
        ("articles", "limit=0x10", "limit"),
        ("articles", "limit=5.0", "limit"),
        ("articles", "limit=%20", "limit"),
        ("articles", "limit=%EF%BC%95", "limit"),
        ("articles", "language=*", "language"),
        ("articles", "q=%ED%A0%80", "q"),
        ("articles", "q=%F8%88%80%80%80", "q"),
        ("tags", "kind=Place", "kind"),
        ("tags", "limit=101", "limit"),
        ("tags", "order_by=relevance", "order_by"),
        ("tags", "q=%00", "q"),
        ("tags", "fields=slug", "fields"),
        ("tags/t", "limit=1", "limit"),
        ("tags/t/related", "limit=51", "limit"),
        ("tags/t/related", "kind=place", "kind"),
    ] {
        let reply = app.get(&format!("/v1/{path}?{query}"));
        let shown: String = query.chars().take(60).collect();
        assert_eq!(
            (reply.status, reply.named()),
            (400, vec![named.to_owned()]),
            "{path} {shown}"
        );
        assert_eq!(reply.json()["code"], "invalid_parameter", "{path} {shown}");
    }
    for path in ["articles", "tags"] {
        let reply = app.get(&format!("/v1/{path}?{cursor}"));
        assert_eq!(
            (reply.status, reply.json()["code"].as_str()),
            (400, Some("invalid_cursor")),
            "{path}"
        );
        assert!(
            reply.json()["detail"].as_str().unwrap().contains("cursor"),
            "{path}"
        );
    }
}

#[test]
fn a_problem_has_the_members_of_the_standard_and_never_tells_of_the_inside() {
    let app = App::with(&[article("gone").status("withdrawn")]);
    for (path, status) in [
        ("/v1/articles?limit=0", 400),
        ("/v1/articles/x", 404),
        ("/nowhere", 404),
        ("/v1/articles/gone", 410),
        ("/v1/tags/x", 404),
        ("/problems/x", 404),
        ("/v1/articles/gone/related", 410),
    ] {
        let reply = app.get(path);
        let problem = reply.json();
        assert_eq!(
            (reply.status, &problem["status"]),
            (status, &status.into()),
            "{path}"
        );
        for member in ["type", "title", "detail", "instance", "code"] {
            assert!(
                !problem[member].as_str().unwrap().is_empty(),
                "{path} {member}"
            );
        }
        assert_eq!(
            problem["instance"],
            path.split('?').next().unwrap(),
            "{path}"
        );
        let kind = format!("/problems/{}", problem["code"].as_str().unwrap());
        assert_eq!(problem["type"], kind, "{path}");
        assert_eq!(app.get(&kind).status, 200, "{path}");
        let text = reply.text().to_lowercase();
        for inside in ["select", "sqlite", "diesel", "src/", "panicked", "postgres"] {
            assert!(!text.contains(inside), "{path} {text}");
        }
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert!(!reply.header("x-request-id").is_empty(), "{path}");
    }
}

#[test]
fn every_method_that_a_path_does_not_take_is_refused_with_those_it_takes() {
    let app = App::with(&[article("a").tagged("t")]);
    for (path, allowed) in [
        ("/v1/articles", "GET, HEAD, POST, OPTIONS"),
        ("/v1/articles/a", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
        ("/v1/articles/a/publication", "PUT, DELETE, OPTIONS"),
        ("/v1/articles/a/related", "GET, HEAD, OPTIONS"),
        ("/v1/articles/a/related-tags", "GET, HEAD, OPTIONS"),
        ("/v1/related", "GET, HEAD, POST, OPTIONS"),
        ("/v1/tags", "GET, HEAD, POST, OPTIONS"),
        ("/v1/tags/t", "GET, HEAD, PATCH, DELETE, OPTIONS"),
        ("/v1/tags/t/related", "GET, HEAD, OPTIONS"),
        ("/v1/tags/t/merger", "PUT, OPTIONS"),
        ("/livez", "GET, HEAD, OPTIONS"),
        ("/readyz", "GET, HEAD, OPTIONS"),
        ("/metrics", "GET, HEAD, OPTIONS"),
        ("/openapi.json", "GET, HEAD, OPTIONS"),
        ("/docs/", "GET, HEAD, OPTIONS"),
        ("/problems/gone", "GET, HEAD, OPTIONS"),
    ] {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE"] {
            if allowed.split(", ").any(|one| one == method) {
                continue;
            }
            let reply = app.send(method, path, &[]);
            assert_eq!(
                (reply.status, reply.header("allow")),
                (405, allowed),
                "{method} {path}"
            );
            if method != "HEAD" {
                assert_eq!(
                    reply.json()["code"],
                    "method_not_allowed",
                    "{method} {path}"
                );
            }
        }
    }
    for method in ["POST", "DELETE"] {
        assert_eq!(app.send(method, "/nowhere", &[]).status, 404, "{method}");
    }
}
