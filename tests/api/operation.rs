//! Health, metrics and documentation.

use crate::support::{App, article};

#[test]
fn health_tells_that_it_runs_and_that_it_can_answer() {
    let app = App::with(&[article("a")]);
    assert_eq!(app.get("/livez").json()["status"], "ok");
    let ready = app.get("/readyz");
    assert_eq!(
        (ready.status, ready.json()["database"].as_str()),
        (200, Some("ok"))
    );
    let indexes = ready.json()["indexes"].clone();
    assert!(indexes["search"].as_i64().unwrap() >= 1 && indexes["related"].as_i64().unwrap() >= 1);
    assert_eq!(ready.header("cache-control"), "no-store");
}

#[test]
fn metrics_count_requests_by_route_and_follow_the_indexes() {
    let app = App::with(&[article("a")]);
    app.get("/v1/articles/a");
    app.get("/v1/articles/nowhere");
    let text = String::from_utf8(app.get("/metrics").bytes).unwrap();
    for line in [
        r#"kiosque_http_requests_total{endpoint="/v1/articles/{slug}",method="GET",status="200"} 1"#,
        r#"kiosque_http_requests_total{endpoint="/v1/articles/{slug}",method="GET",status="404"} 1"#,
        r#"kiosque_index_position{index="search"} 1"#,
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn the_documentation_needs_nothing_from_elsewhere() {
    let app = App::new();
    assert_eq!(app.get("/docs").header("location"), "/docs/");
    assert_eq!(app.get("/").header("location"), "/docs/");
    let page = String::from_utf8(app.get("/docs/").bytes).unwrap();
    let assets: Vec<&str> = page
        .split(['"', '\''])
        .filter(|word| word.ends_with(".js") || word.ends_with(".css") || word.ends_with(".png"))
        .collect();
    assert!(assets.len() >= 3, "{page}");
    for asset in assets {
        assert!(!asset.contains("://"), "{asset}");
        let reply = app.get(&format!("/docs/{}", asset.trim_start_matches("./")));
        assert_eq!(reply.status, 200, "{asset}");
    }
    let document = app.get("/openapi.json").json();
    let committed: serde_json::Value =
        serde_json::from_str(include_str!("../../openapi/openapi.json")).unwrap();
    assert!(document == committed, "openapi/openapi.json is stale");
}

#[test]
fn the_served_document_is_the_generated_one_and_names_every_path_that_answers() {
    let app = App::with(&[article("a").tagged("t")]);
    let admin = app.login("a", "admin");
    let reply = app.get("/openapi.json");
    assert_eq!(reply.header("content-type"), "application/json");
    let document = reply.json();
    let generated = serde_json::to_value(kiosque::api::openapi::document()).unwrap();
    assert!(document == generated, "another document is served");
    for (path, operations) in document["paths"].as_object().unwrap() {
        let path = path
            .replace("/tags/{slug}", "/tags/t")
            .replace("{slug}", "a")
            .replace("{code}", "gone")
            .replace("{name}", "a")
            .replace("/v1/related", "/v1/related?ids=a");
        let expected = match operations.get("get") {
            Some(operation) if operation.get("security").is_some() => {
                let known = app.get_with(&path, &[("authorization", &admin)]);
                assert!([200, 404].contains(&known.status), "{path}");
                401
            }
            // Some other thing than the article at hand.
            Some(_) if path.contains('{') => 404,
            Some(_) => 200,
            None => 405,
        };
        // A stream has no end; what its head says is enough.
        let method = match path.ends_with("/stream") {
            true => "HEAD",
            false => "GET",
        };
        assert_eq!(app.send(method, &path, &[]).status, expected, "{path}");
    }
}

#[test]
fn the_page_of_the_documentation_asks_no_other_server_for_anything() {
    let app = App::new();
    let page = app.get("/docs/");
    assert!(page.header("content-type").starts_with("text/html"));
    assert_eq!(app.get("/docs/index.html").bytes, page.bytes);
    let scripts =
        ["swagger-initializer.js", "swagger-ui.css"].map(|name| app.get(&format!("/docs/{name}")));
    let text = page.text() + &scripts.map(|script| script.text()).concat();
    // A namespace or a licence may be named; nothing may be loaded.
    for loading in [
        "src=\"http",
        "href=\"http",
        "src=\"//",
        "href=\"//",
        "url(http",
        "@import",
    ] {
        assert!(!text.contains(loading), "{loading}");
    }
    assert!(text.contains("/openapi.json"));
    for missing in [
        "/docs/nothing.js",
        "/docs/../Cargo.toml",
        "/docs/%2e%2e/Cargo.toml",
    ] {
        let reply = app.get(missing);
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (404, "application/problem+json"),
            "{missing}"
        );
    }
}

#[test]
fn metrics_put_all_unknown_paths_into_one_and_time_what_they_count() {
    let app = App::with(&[article("a").tagged("t")]);
    for path in [
        "/x",
        "/y/z",
        "/v1/nothing",
        "/v1/articles?limit=0",
        "/v1/tags/t",
        "/readyz",
    ] {
        app.get(path);
    }
    app.post("/v1/related", "{");
    let reply = app.get("/metrics");
    assert!(reply.header("content-type").starts_with("text/plain"));
    let text = reply.text();
    for line in [
        r#"kiosque_http_requests_total{endpoint="/v1/articles",method="GET",status="400"} 1"#,
        r#"kiosque_http_requests_total{endpoint="/v1/tags/{slug}",method="GET",status="200"} 1"#,
        r#"kiosque_http_requests_total{endpoint="/v1/related",method="POST",status="400"} 1"#,
        r#"kiosque_http_requests_total{endpoint="unknown",method="GET",status="404"} 3"#,
        "kiosque_http_requests_duration_seconds_bucket{",
        r#"kiosque_index_position{index="related"}"#,
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("/y/z"), "{text}");
}
