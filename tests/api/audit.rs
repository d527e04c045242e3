//! The audit trail, as an admin reads it.

use kiosque::content::time::to_stored;
use kiosque::store::audit::{self, Entry, Target};
use serde_json::json;

use crate::support::{App, article, places};

#[test]
fn an_admin_reads_who_did_what_newest_first() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let admin = app.key("admin");
        for n in 0..5 {
            let entry = Entry {
                actor: if n % 2 == 0 { "amina" } else { "key:import" },
                action: if n < 3 { "article.create" } else { "tag.merge" },
                target: Target {
                    kind: "article",
                    id: &format!("id-{}", n % 3),
                    name: "note",
                },
                request_id: (n == 4).then_some("r-4"),
                detail: (n == 4).then(|| json!({"version": 2})),
            };
            let now = app.clock.now();
            let noted = app.database.write(|conn| audit::append(conn, &entry, now));
            noted.unwrap();
        }
        let read = |query: &str| {
            let path = format!("/v1/audit{query}");
            let reply = app.get_with(&path, &[("authorization", &admin)]);
            assert_eq!(reply.status, 200, "{name} {query}: {}", reply.text());
            assert!(reply.header("cache-control").contains("private"));
            reply.json()
        };
        let seqs = |page: &serde_json::Value| -> Vec<i64> {
            let data = page["data"].as_array().unwrap();
            data.iter()
                .map(|one| one["seq"].as_i64().unwrap())
                .collect()
        };
        let all = read("");
        assert_eq!(seqs(&all), [5, 4, 3, 2, 1], "{name}");
        let at = to_stored(app.clock.now()).and_utc();
        assert_eq!(
            all["data"][0],
            json!({"seq": 5, "at": at, "actor": "amina", "action": "tag.merge",
                "target": {"kind": "article", "id": "id-1", "name": "note"},
                "request_id": "r-4", "detail": {"version": 2}}),
            "{name}"
        );
        assert_eq!(seqs(&read("?actor=key:import")), [4, 2], "{name}");
        assert_eq!(seqs(&read("?action=article.create&actor=amina")), [3, 1]);
        assert_eq!(seqs(&read("?target=id-2")), [3], "{name}");
        let first = read("?limit=2&actor=amina");
        assert_eq!(seqs(&first), [5, 3], "{name}");
        let next = first["page"]["next"].as_str().unwrap();
        let second = read(&format!("?limit=2&actor=amina&cursor={next}"));
        assert_eq!(
            (seqs(&second), &second["page"]["next"]),
            (vec![1], &json!(null))
        );
        // A cursor of another list.
        let foreign = app.get_with(
            &format!("/v1/audit?cursor={next}"),
            &[("authorization", &admin)],
        );
        assert_eq!(foreign.status, 400, "{name}");
    }
}

#[test]
fn no_one_else_reads_it() {
    let app = App::new();
    assert_eq!(app.get("/v1/audit").status, 401);
    for role in ["reader", "partner", "author", "editor"] {
        let reply = app.get_with("/v1/audit", &[("authorization", &app.key(role))]);
        assert_eq!(reply.status, 403, "{role}");
    }
    let admin = app.key("admin");
    let reply = app.get_with("/v1/audit?actr=x&limit=0", &[("authorization", &admin)]);
    assert_eq!((reply.status, reply.named().len()), (400, 2));
}

#[test]
fn an_edit_that_changes_nothing_is_not_noted() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let admin = app.key("admin");
        app.import(&[article("note")]);
        let path = "/v1/articles/note";
        for (headline, entries) in [("Neu", 1), ("Neu", 1), ("Alt", 2)] {
            let body = Some(json!({ "headline": headline }));
            let etag = app.get_with(path, &[("authorization", &admin)]);
            let etag = etag.header("etag").to_owned();
            let reply = app.write("PATCH", path, &admin, &[("if-match", &etag)], body);
            assert_eq!(reply.status, 200, "{name}: {}", reply.text());
            let audit = app.get_with(
                "/v1/audit?action=article.update",
                &[("authorization", &admin)],
            );
            let count = audit.json()["data"].as_array().unwrap().len();
            assert_eq!(count, entries, "{name} {headline}");
        }
    }
}
