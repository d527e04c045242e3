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
    assert_eq!(document, committed);
}
