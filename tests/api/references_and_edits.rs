//! Imported links beside what editors do: neither loses the other's work.

use kiosque::content::time::Clock;
use kiosque::transfer::import::{self, Complaint, Options, Summary, Watcher};
use serde_json::{Value, json};

use crate::support::{App, Article, Reply, article, places};

fn guarded(app: &App, key: &str, method: &str, path: &str, body: Value) -> Reply {
    let etag = read(app, key, path).header("etag").to_owned();
    app.write(method, path, key, &[("if-match", &etag)], Some(body))
}

fn read(app: &App, key: &str, path: &str) -> Reply {
    app.get_with(path, &[("authorization", key)])
}

/// An editor who is at work while an import runs.
struct Meanwhile<'a, F: FnMut() + Send> {
    edit: Option<F>,
    complaints: &'a mut Vec<Complaint>,
}

impl<F: FnMut() + Send> Watcher for Meanwhile<'_, F> {
    fn progress(&mut self, _: u64, _: &Summary) {
        if let Some(mut edit) = self.edit.take() {
            edit();
        }
    }

    fn complain(&mut self, complaint: &Complaint) {
        self.complaints.push(complaint.clone());
    }
}

fn import_during(
    app: &App,
    articles: &[Article],
    edit: impl FnMut() + Send,
) -> (Summary, Vec<Complaint>) {
    let lines: Vec<String> = articles
        .iter()
        .map(|article| article.0.to_string())
        .collect();
    let options = Options {
        dry_run: false,
        threads: 1,
        clock: Clock::at(app.clock.now()),
        by: None,
        permit: None,
    };
    let mut complaints = Vec::new();
    let mut watcher = Meanwhile {
        edit: Some(edit),
        complaints: &mut complaints,
    };
    let lines = lines.join("\n");
    let summary = import::run(&app.database, lines.as_bytes(), &options, &mut watcher);
    app.wait();
    (summary.unwrap(), complaints)
}

#[test]
fn links_that_are_set_at_the_end_undo_no_edit_made_meanwhile() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let editor = app.key("editor");
        let lines = [
            article("first").with("pins", json!(["second"])),
            article("other").with("pins", json!(["second"])),
            article("second"),
        ];
        let (summary, complaints) = import_during(&app, &lines, || {
            let body = json!({"headline": "Corrected"});
            let path = "/v1/articles/first";
            assert_eq!(guarded(&app, &editor, "PATCH", path, body).status, 200);
        });
        assert_eq!((summary.created, summary.dangling), (3, 1), "{name}");
        assert_eq!(complaints.len(), 1, "{name}");
        assert_eq!(complaints[0].line, 1, "{name}");
        assert!(
            complaints[0]
                .reason
                .contains("was changed meanwhile; its links were not set"),
            "{name} {complaints:?}"
        );
        let first = app.json("/v1/articles/first");
        assert_eq!(
            (&first["headline"], &first["version"]),
            (&json!("Corrected"), &json!(2)),
            "{name}"
        );
        // What nobody has touched has its links, in its first version.
        assert_eq!(app.json("/v1/articles/other")["version"], 1, "{name}");
        let pins = read(&app, &editor, "/v1/articles/other/curation").json()["pins"].clone();
        assert_eq!(pins[0]["slug"], "second", "{name}");
    }
}

#[test]
fn links_set_at_the_end_on_what_was_there_before_are_a_version_of_it() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let first = article("first").with("pins", json!(["second"]));
        app.import_text(&first.0.to_string());
        let lines = [first, article("second")];
        let summary = app.import(&lines);
        assert_eq!((summary.updated, summary.created), (1, 1), "{name}");
        assert_eq!(app.json("/v1/articles/first")["version"], 2, "{name}");
        assert_eq!(app.import(&lines).unchanged, 2, "{name}");
        assert_eq!(app.json("/v1/articles/first")["version"], 2, "{name}");
    }
}

#[test]
fn an_import_that_replaces_a_curation_leaves_it_among_the_revisions() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let editor = app.key("editor");
        app.import(&[article("crue"), article("barrage"), article("autre")]);
        let path = "/v1/articles/crue/curation";
        let reply = guarded(&app, &editor, "PUT", path, json!({"pins": ["barrage"]}));
        assert_eq!(reply.status, 200, "{name}: {}", reply.text());
        let acknowledged = reply.header("etag").to_owned();

        assert_eq!(app.import(&[article("crue")]).updated, 1, "{name}");
        let body = Some(json!({"pins": ["autre"]}));
        let stale = app.write("PUT", path, &editor, &[("if-match", &acknowledged)], body);
        assert_eq!(stale.status, 412, "{name}");
        let past = read(&app, &editor, "/v1/articles/crue/revisions/2").json();
        let barrage = app.json("/v1/articles/barrage")["id"].clone();
        assert_eq!(past["state"]["pins"], json!([barrage]), "{name}");
        assert_eq!(app.import(&[article("crue")]).unchanged, 1, "{name}");
    }
}
