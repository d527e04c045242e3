//! A mirror, killed again and again while its source is being edited, ends equal to it.
//!
//! `cargo test --test mirror -- --ignored` is the long run; `KIOSQUE_TEST_EDITS` and `KIOSQUE_TEST_KILLS` say how long,
//! `KIOSQUE_TEST_SEED` which edits, `KIOSQUE_TEST_PROGRAM` by another build than the one at hand.

#[path = "mirror/hostile.rs"]
mod hostile;
mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use diesel::prelude::*;
use kiosque::config::DatabaseUrl;
use kiosque::db::Database;
use kiosque::db::schema::{article_aliases, articles, tag_aliases, tags};
use kiosque::store::{changes, mirrors, transitions};
use serde_json::{Value, json};
use support::writer::{Random, TAGS, Writer};
use support::{App, Place, article, places, program};

/// The built program with this database.
fn kiosque(place: &Place, folder: &Path, arguments: &[&str]) -> Command {
    let url = match &place.url {
        DatabaseUrl::Sqlite(path) => format!("sqlite://{}", path.display()),
        DatabaseUrl::Postgres(url) => url.clone(),
    };
    let mut command = Command::new(program());
    command
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("DATABASE_URL", url)
        .env("RUST_LOG", "warn")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn follow(place: &Place, source: &App) -> Child {
    let mut command = kiosque(place, place.folder.path(), &["mirror", &source.base]);
    command.spawn().expect("the mirror starts")
}

/// Lets the mirror catch up; what it said.
fn catch_up(place: &Place, source: &App) -> Output {
    let arguments = ["mirror", &source.base, "--once"];
    let mut command = kiosque(place, place.folder.path(), &arguments);
    command.stderr(Stdio::piped()).output().expect("it runs")
}

fn must_catch_up(place: &Place, source: &App) {
    let output = catch_up(place, source);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

/// A pair: the source, the place of the mirror, and a server on that.
struct Pair {
    source: App,
    mirror: App,
}

fn pairs() -> Vec<Pair> {
    let mut targets = places();
    // Each kind of source with the other kind of mirror.
    targets.reverse();
    places()
        .into_iter()
        .zip(targets)
        .map(|(source, target)| Pair {
            source: App::on(source),
            mirror: App::on(target),
        })
        .collect()
}

/// Every name that anything has, or had, at the source or the mirror.
fn names(database: &Database) -> (BTreeSet<String>, BTreeSet<String>) {
    let names = database.read(|conn| {
        let mut of_articles: Vec<String> = articles::table.select(articles::slug).load(conn)?;
        of_articles.extend(articles::table.select(articles::id).load::<String>(conn)?);
        let former = article_aliases::table.select(article_aliases::slug);
        of_articles.extend(former.load::<String>(conn)?);
        let mut of_tags: Vec<String> = tags::table.select(tags::slug).load(conn)?;
        let former = tag_aliases::table.select(tag_aliases::slug);
        of_tags.extend(former.load::<String>(conn)?);
        Ok((
            of_articles.into_iter().collect(),
            of_tags.into_iter().collect(),
        ))
    });
    names.expect("the names are read")
}

fn lists(tags: &BTreeSet<String>) -> Vec<String> {
    let mut lists: Vec<String> = [
        "/v1/articles?limit=100&count=exact",
        "/v1/articles?limit=100&include=body,translations",
        "/v1/articles?limit=100&use_date=updated",
        "/v1/articles?limit=100&use_date=first_published&order_by=oldest",
        "/v1/articles?limit=100&language=ar&count=exact",
        "/v1/articles?limit=100&q=barrage&order_by=newest&count=exact",
        "/v1/tags?limit=100&count=exact",
        "/v1/tags?limit=100&order_by=count",
        "/v1/tags?limit=100&kind=person",
    ]
    .map(str::to_owned)
    .into();
    lists.extend(tags.iter().map(|tag| format!("/v1/tags/{tag}")));
    lists.extend(
        tags.iter()
            .map(|tag| format!("/v1/articles?limit=100&tag={tag}")),
    );
    lists
}

/// Until time has done at the source what it does.
fn settle(app: &App) {
    let deadline = Instant::now() + Duration::from_secs(10);
    let due = || {
        let now = app.clock.now();
        let due = app.database.read(|conn| transitions::any_due(conn, now));
        due.expect("the database answers")
    };
    while due() {
        assert!(Instant::now() < deadline, "the scheduler came to a stop");
        std::thread::sleep(Duration::from_millis(10));
    }
    app.wait();
}

/// Everything readable is the same: what is answered, and where redirects lead.
fn assert_equal(pair: &Pair, when: &str) {
    pair.mirror.wait();
    let (of_articles, of_tags) = names(&pair.source.database);
    let count = pair.source.json("/v1/articles?count=exact")["page"]["count"].clone();
    assert!(count.as_i64() > Some(5), "there is something to compare");
    let mut paths: Vec<String> = of_articles
        .iter()
        .map(|name| format!("/v1/articles/{name}"))
        .collect();
    paths.extend(lists(&of_tags));
    for path in paths {
        let answers = [&pair.source, &pair.mirror].map(|app| {
            let reply = app.get(&path);
            let body = match reply.status {
                200 => reply.json(),
                _ => Value::Null,
            };
            (reply.status, reply.header("location").to_owned(), body)
        });
        let [source, mirror] = answers;
        assert_eq!(source, mirror, "{path} {when}, {}", pair.mirror.place.name);
    }
}

/// What the random writer does not do: tags with parents and aliases, drafts with tags of their own, deleted tags, names
/// that are freed and taken anew, and what comes and goes to the second.
fn edit_more(app: &App, editor: &str, random: &mut Random, writer: &mut Writer) {
    let n = random.below(8);
    let (tag, other) = (format!("t-{n}"), format!("t-{}", random.below(8)));
    let send = |method: &str, path: &str, body: Option<Value>| {
        let reply = app.write(method, path, editor, &[("if-match", "*")], body);
        assert!(reply.status < 500, "{method} {path}: {}", reply.text());
    };
    let slug = format!("a-{}", random.below(30));
    let tag_path = format!("/v1/tags/{tag}");
    let make = |name: &str| {
        let body = json!({"slug": tag, "name": format!("{name} {n}"), "kind": "person"});
        send("POST", "/v1/tags", Some(body));
    };
    match random.below(20) {
        0 => send(
            "POST",
            "/v1/tags",
            Some(json!({"slug": tag, "name": format!("Tag {n}"), "kind": "person"})),
        ),
        1 | 2 => send(
            "PATCH",
            &format!("/v1/tags/{tag}"),
            Some(json!({"parent": other})),
        ),
        3 => send(
            "PATCH",
            &format!("/v1/tags/{tag}"),
            Some(json!({"aliases": [format!("alias-{}", random.below(6))], "description": "D"})),
        ),
        4 => send(
            "PATCH",
            &format!("/v1/tags/{tag}"),
            Some(json!({"slug": other})),
        ),
        5 => send("DELETE", &format!("/v1/tags/{tag}"), None),
        6 => send(
            "PUT",
            &format!("/v1/tags/{tag}/merger"),
            Some(json!({"into": other})),
        ),
        7 => send(
            "POST",
            "/v1/articles",
            Some(json!({
                "slug": format!("draft-{}", random.below(20)), "headline": "D", "body": "Un brouillon.",
                "language": "fr", "tags": [{"slug": tag, "name": "Neuf", "kind": "place"}, TAGS[n % 5]],
            })),
        ),
        8 => {
            let slug = format!("draft-{}", random.below(20));
            let path = format!("/v1/articles/{slug}");
            send(
                "PATCH",
                &path,
                Some(json!({"slug": format!("draft-{}", random.below(20))})),
            );
            send("PUT", &format!("{path}/publication"), Some(json!({})));
        }
        // Its name is another's at once.
        12 | 13 => {
            let merger = Some(json!({"into": other}));
            send("PUT", &format!("{tag_path}/merger"), merger);
            send(
                "PATCH",
                &format!("/v1/tags/{other}"),
                Some(json!({"aliases": []})),
            );
            make("Anew");
        }
        14 => {
            send("DELETE", &tag_path, None);
            make("Again");
        }
        // Two change names.
        15 => {
            let passing = format!("/v1/tags/t-passing-{n}");
            send(
                "PATCH",
                &tag_path,
                Some(json!({"slug": format!("t-passing-{n}")})),
            );
            send("PATCH", &passing, Some(json!({"aliases": []})));
            send(
                "PATCH",
                &format!("/v1/tags/{other}"),
                Some(json!({"slug": tag})),
            );
            send("PATCH", &tag_path, Some(json!({"aliases": []})));
            send(
                "PATCH",
                &passing,
                Some(json!({"slug": other, "aliases": []})),
            );
        }
        16 => {
            let listed = random.below(2) == 0;
            send("PATCH", &tag_path, Some(json!({"listed": listed})));
        }
        // Seconds, with the moment itself among them.
        17 | 18 => {
            let seconds = 1 + random.below(3) as i64;
            let until = app.clock.now() + chrono::TimeDelta::seconds(seconds);
            let member = ["embargoed_until", "published_at", "expires_at"][random.below(3)];
            let body = json!({member: until.to_rfc3339()});
            send(
                "PUT",
                &format!("/v1/articles/{slug}/publication"),
                Some(body),
            );
            for _ in 0..random.below(5) {
                writer.pass(chrono::TimeDelta::seconds(1));
            }
        }
        19 => {
            let former = json!({"slug": format!("w-{}", random.below(10)), "status": "published"});
            send("PATCH", &format!("/v1/articles/{slug}"), Some(former));
            send("DELETE", &format!("/v1/articles/{slug}"), None);
        }
        9 => send(
            "PATCH",
            &format!("/v1/articles/{slug}"),
            Some(json!({"tags": [{"slug": tag}, {"slug": other}], "related": "never"})),
        ),
        10 => send(
            "PATCH",
            &format!("/v1/articles/{slug}"),
            Some(json!({"status": "withdrawn", "slug": format!("w-{}", random.below(10))})),
        ),
        _ => send(
            "PATCH",
            &format!("/v1/articles/{slug}"),
            Some(
                json!({"body": "Un\u{a0}*texte* <b>en gras</b> & « cité ».\n\nFin.",
                "body_format": (["text", "markdown", "html"][n % 3])}),
            ),
        ),
    }
}

/// Milliseconds that a mirror lives at the most, and where it has come to nothing in them again and again.
const SHORT_LIFE: usize = 1_000;
const LONG_LIFE: usize = 30_000;

/// Edits the source while its mirror is killed again and again; then both are compared.
fn run(pair: &Pair, seed: u64, edits: usize, kills: usize) {
    let mut writer = Writer::new(seed, &[&pair.source, &pair.mirror]);
    let editor = pair.source.key("editor");
    let mut random = Random(seed ^ 0x9e37_79b9);
    let (done, killed, moved) = (
        AtomicBool::new(false),
        AtomicUsize::new(0),
        AtomicUsize::new(0),
    );
    let position = || {
        let position = pair.mirror.database.read(mirrors::position);
        position.expect("the database answers").map(|row| row.seq)
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut random = Random(seed + 1);
            let mut longest = SHORT_LIFE;
            while !done.load(Ordering::SeqCst) {
                let before = position();
                let mut child = follow(&pair.mirror.place, &pair.source);
                std::thread::sleep(Duration::from_millis(30 + random.below(longest) as u64));
                child.kill().expect("it is killed");
                child.wait().expect("it has ended");
                killed.fetch_add(1, Ordering::SeqCst);
                let has_moved = position() != before;
                moved.fetch_add(usize::from(has_moved), Ordering::SeqCst);
                // On a busy machine it takes longer until it has begun.
                longest = match has_moved {
                    true => SHORT_LIFE,
                    false => LONG_LIFE.min(longest + longest / 4),
                };
            }
        });
        let mut made = 0;
        while made < edits || killed.load(Ordering::SeqCst) < kills {
            match random.below(3) {
                0 => edit_more(&pair.source, &editor, &mut random, &mut writer),
                _ => drop(writer.change(&pair.source)),
            }
            made += 1;
        }
        println!(
            "{made} edits, {} kills, after {} of which the mirror had moved on",
            killed.load(Ordering::SeqCst),
            moved.load(Ordering::SeqCst)
        );
        done.store(true, Ordering::SeqCst);
    });
    assert!(moved.load(Ordering::SeqCst) > 0, "it is killed at work");
    settle(&pair.source);
    must_catch_up(&pair.mirror.place, &pair.source);
    assert_equal(pair, &format!("with seed {seed}"));
    // Once more: nothing is written.
    let last = |app: &App| app.database.read(changes::last).expect("the log is read");
    let before = last(&pair.mirror);
    must_catch_up(&pair.mirror.place, &pair.source);
    assert_eq!(last(&pair.mirror), before);
}

#[test]
fn a_mirror_that_is_killed_at_random_ends_equal_to_its_source() {
    for (at, pair) in pairs().iter().enumerate() {
        run(pair, 7 + at as u64, 100, 6);
    }
}

#[test]
#[ignore = "takes an hour"]
fn a_mirror_that_is_killed_two_hundred_times_ends_equal_to_its_source() {
    let setting = |name: &str, default: usize| {
        let value = std::env::var(name).ok();
        value.map_or(default, |value| value.parse().expect("a number"))
    };
    let edits = setting("KIOSQUE_TEST_EDITS", 20_000);
    let kills = setting("KIOSQUE_TEST_KILLS", 200);
    let seed = setting("KIOSQUE_TEST_SEED", 1) as u64;
    for pair in pairs() {
        run(&pair, seed, edits, kills);
    }
}

#[test]
fn a_mirror_follows_step_by_step() {
    // Each edit is followed by itself, where the run above takes many together.
    for (at, pair) in pairs().iter().enumerate() {
        let mut writer = Writer::new(31 + at as u64, &[&pair.source, &pair.mirror]);
        let editor = pair.source.key("editor");
        let mut random = Random(5);
        for _ in 0..6 {
            for _ in 0..5 {
                writer.change(&pair.source);
                edit_more(&pair.source, &editor, &mut random, &mut writer);
            }
            settle(&pair.source);
            must_catch_up(&pair.mirror.place, &pair.source);
            assert_equal(pair, "step by step");
        }
    }
}

#[test]
fn a_pin_counts_at_the_mirror_when_what_is_pinned_comes_out() {
    for pair in pairs() {
        pair.source.import(&[
            article("later").status("draft"),
            article("other"),
            article("pinning").with("pins", json!(["later", "other"])),
        ]);
        must_catch_up(&pair.mirror.place, &pair.source);
        let editor = pair.source.key("editor");
        let path = "/v1/articles/later/publication";
        let headers = [("if-match", "*")];
        let reply = pair
            .source
            .write("PUT", path, &editor, &headers, Some(json!({})));
        assert_eq!(reply.status, 200, "{}", reply.text());
        must_catch_up(&pair.mirror.place, &pair.source);
        for app in [&pair.source, &pair.mirror] {
            app.wait();
            let related = app.get("/v1/articles/pinning/related");
            assert_eq!(
                related.slugs()[..2],
                ["later", "other"],
                "{}",
                related.text()
            );
        }
    }
}

#[test]
fn a_mirror_begins_with_an_empty_store() {
    let source = App::with(&[article("theirs")]);
    let target = Place::sqlite();
    let ours = App::on(target);
    ours.import(&[article("ours")]);
    let output = catch_up(&ours.place, &source);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("of its own"), "{said}");
    assert_eq!(ours.get("/v1/articles/theirs").status, 404);
}

#[test]
fn another_source_and_a_restored_one_are_not_mixed_in() {
    let source = App::with(&[article("one"), article("two")]);
    let mirror = App::new();
    let copy = |from: &App, to: &Path| {
        let DatabaseUrl::Sqlite(path) = &from.place.url else {
            panic!("it is a file");
        };
        let query = format!("VACUUM INTO '{}'", to.display());
        let connection = rusqlite::Connection::open(path).expect("it opens");
        connection.execute(&query, ()).expect("it is copied");
    };
    let backup = tempfile::tempdir().unwrap();
    let file = backup.path().join("kiosque.db");
    copy(&source, &file);
    source.import(&[article("three")]);
    must_catch_up(&mirror.place, &source);
    let restored = App::on(Place {
        name: "SQLite",
        url: DatabaseUrl::Sqlite(file),
        folder: tempfile::tempdir().unwrap(),
    });
    let refused = |source: &App, says: &str| {
        let output = catch_up(&mirror.place, source);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(says), "{said}");
        assert!(!said.contains("panicked"), "{said}");
    };
    refused(&restored, "restored to an earlier state");
    // Also where it has gone on since, past the place at which the mirror stands.
    restored.import(&[article("other"), article("others"), article("more")]);
    refused(&restored, "restored to an earlier state");
    refused(&App::with(&[article("one")]), "its store is");
    mirror.wait();
    assert_eq!(mirror.get("/v1/articles/three").status, 200);
    assert_eq!(mirror.get("/v1/articles/other").status, 404);
}

#[test]
fn what_cannot_be_followed_is_said_in_one_line() {
    let source = App::new();
    let place = Place::sqlite();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key"), "no-key-of-theirs\n").unwrap();
    let nowhere = format!("{}/nowhere", source.base);
    for (arguments, says) in [
        (vec!["mirror", "ftp://x", "--once"], "is no address"),
        (vec!["mirror", &nowhere, "--once"], "it answers 404"),
        (
            vec!["mirror", &source.base, "--once", "--key-file", "missing"],
            "cannot read missing",
        ),
        (
            vec!["mirror", &source.base, "--once", "--key-file", "key"],
            "it answers 401",
        ),
    ] {
        let mut command = kiosque(&place, folder.path(), &arguments);
        let output = command.stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(says), "{arguments:?}: {said}");
    }
}

#[test]
fn a_server_that_is_told_to_stop_lets_go_of_those_who_wait() {
    use std::io::{BufRead, BufReader};
    let place = Place::sqlite();
    let mut command = kiosque(
        &place,
        place.folder.path(),
        &["serve", "--listen", "127.0.0.1:0"],
    );
    command.env("RUST_LOG", "info").stderr(Stdio::piped());
    let mut server = command.spawn().unwrap();
    let mut said = BufReader::new(server.stderr.take().unwrap()).lines();
    let ready = said
        .find_map(|line| line.ok().filter(|line| line.contains("ready on")))
        .expect("it starts");
    let base = ready
        .split_whitespace()
        .find(|word| word.starts_with("http://"));
    let base = base.expect("an address").to_owned();
    std::thread::spawn(move || said.for_each(drop));
    let waiting = {
        let base = base.clone();
        std::thread::spawn(move || {
            support::client::send("GET", &format!("{base}/v1/changes?wait=60"), &[], None)
        })
    };
    let stream = std::thread::spawn(move || {
        support::client::send("GET", &format!("{base}/v1/changes/stream"), &[], None)
    });
    std::thread::sleep(Duration::from_millis(700));
    let began = Instant::now();
    let told = Command::new("kill").arg(server.id().to_string()).status();
    assert!(told.unwrap().success());
    assert!(server.wait().unwrap().success());
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(waiting.join().unwrap().json()["data"], json!([]));
    assert_eq!(stream.join().unwrap().status, 200);
}

/// What stands before a source: it may answer by itself what is asked for, else asks the source.
fn front(
    source: &str,
    own: impl Fn(usize, &str) -> Option<(u16, String)> + Send + 'static,
) -> String {
    use std::io::{BufRead, BufReader, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let source = source.to_owned();
    std::thread::spawn(move || {
        for (n, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let mut head = BufReader::new(stream.try_clone().unwrap()).lines();
            let Some(Ok(first)) = head.next() else {
                continue;
            };
            head.take_while(|line| line.as_ref().is_ok_and(|line| !line.is_empty()))
                .for_each(drop);
            let path = first.split(' ').nth(1).unwrap_or("/");
            let (status, body) = own(n, path).unwrap_or_else(|| {
                let reply = support::client::send("GET", &format!("{source}{path}"), &[], None);
                (reply.status, reply.text())
            });
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
            );
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    base
}

#[test]
fn a_source_that_lags_is_waited_for() {
    let source = App::with(&[article("one"), article("two")]);
    let mirror = App::new();
    must_catch_up(&mirror.place, &source);
    source.import(&[article("three")]);
    let place = source.json("/v1/changes?limit=1")["page"].clone();
    let seen = mirror.database.read(mirrors::position).unwrap().unwrap();
    // First another server answers, which has the log, and whose index is at the line before.
    let lagging = move |n: usize, path: &str| {
        let after = path.split("after=").nth(1)?.split('&').next()?.to_owned();
        let page = json!({"next": after.parse::<i64>().ok()?, "latest": seen.seq - 1, "store": place["store"]});
        (n < 4).then(|| (200, json!({"data": [], "page": page}).to_string()))
    };
    let base = front(&source.base, lagging);
    let mut command = kiosque(
        &mirror.place,
        mirror.place.folder.path(),
        &["mirror", &base, "--once"],
    );
    let output = command.stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("does not tell line"), "{said}");
    mirror.wait();
    assert_eq!(mirror.get("/v1/articles/three").status, 200);
}

#[test]
fn what_stands_before_the_source_does_not_end_a_mirror_that_follows() {
    let source = App::with(&[article("one")]);
    let mirror = App::new();
    // The third question and those after it are refused by something else.
    let refusing = |n: usize, _: &str| match n {
        2 => Some((403, "<html>who are you?</html>".to_owned())),
        3 => Some((200, "<html>in maintenance</html>".to_owned())),
        _ => None,
    };
    let base = front(&source.base, refusing);
    let mut child = kiosque(
        &mirror.place,
        mirror.place.folder.path(),
        &["mirror", &base],
    )
    .spawn()
    .unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut n = 0;
    while mirror.get("/v1/articles/last").status != 200 {
        assert!(Instant::now() < deadline, "it has stopped following");
        assert!(child.try_wait().unwrap().is_none(), "it has ended");
        n += 1;
        let slug = match n {
            ..6 => format!("more-{n}"),
            _ => "last".to_owned(),
        };
        if n <= 6 {
            source.import(&[article(&slug)]);
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}
