//! A backup is taken while others write, holds what was acknowledged before it began, and can be put back.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use kiosque::config::DatabaseUrl;
use kiosque::db::Database;
use kiosque::store::{articles, changes, identity};
use kiosque::transfer::export;
use kiosque::transfer::records::Counts;
use support::app::{import_into, noon};
use support::writer::{Writer, paths};
use support::{App, Place, article, dump, places, postgres};

fn text(url: &DatabaseUrl) -> String {
    match url {
        DatabaseUrl::Sqlite(path) => format!("sqlite://{}", path.display()),
        DatabaseUrl::Postgres(url) => url.clone(),
    }
}

fn kiosque(url: &DatabaseUrl, folder: &Path, arguments: &[&str]) -> Output {
    command(url, folder, arguments).output().unwrap()
}

fn command(url: &DatabaseUrl, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kiosque"));
    command
        .args(arguments)
        .current_dir(folder)
        .env("DATABASE_URL", text(url))
        .env("RUST_LOG", "warn")
        .stdin(Stdio::null());
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn must(output: &Output) {
    assert!(output.status.success(), "{}", said(output));
}

fn files(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// A new database with what the backup holds, by the documented steps.
fn put_back(source: &DatabaseUrl, backup: &Path, folder: &Path) -> DatabaseUrl {
    match source {
        DatabaseUrl::Sqlite(_) => {
            let path = folder.join("restored.db");
            fs::copy(backup, &path).unwrap();
            DatabaseUrl::Sqlite(path)
        }
        DatabaseUrl::Postgres(_) => {
            let url = postgres::database().unwrap();
            let restore = Command::new("pg_restore")
                .args(["--no-owner", "--exit-on-error", "--dbname", &url])
                .arg(backup)
                .output()
                .unwrap();
            must(&restore);
            let url = DatabaseUrl::Postgres(url);
            must(&kiosque(&url, folder, &["restored"]));
            url
        }
    }
}

fn open(url: &DatabaseUrl) -> Database {
    Database::open(url, 4, Duration::from_secs(10)).unwrap()
}

/// All rows but those that say which store it is, and when it was told to be another.
fn rows(database: &Database) -> Vec<String> {
    let mut rows = dump(database);
    rows.retain(|row| !row.starts_with("store ") && !row.contains("store.restored"));
    rows
}

/// PostgreSQL's own programs must be there for its backups.
fn backed() -> Vec<Place> {
    let there = |name: &str| Command::new(name).arg("--version").output().is_ok();
    let mut places = places();
    if !(there("pg_dump") && there("pg_restore")) {
        support::requirements::missing("pg_dump", "no pg_dump and pg_restore on the path");
        places.retain(|place| place.name == "SQLite");
    }
    places
}

#[test]
fn a_backup_is_the_store_but_for_its_identity() {
    for place in backed() {
        let app = App::on(place);
        let mut writer = Writer::new(21, &[&app]);
        for _ in 0..60 {
            writer.change(&app);
        }
        let folder = tempfile::tempdir().unwrap();
        let made = kiosque(
            &app.place.url,
            folder.path(),
            &["backup", "copy of it?.backup"],
        );
        must(&made);
        assert_eq!(
            files(folder.path()),
            ["copy of it?.backup"],
            "and nothing beside it"
        );
        let backup = folder.path().join("copy of it?.backup");
        let mode = fs::metadata(&backup).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let restored = open(&put_back(&app.place.url, &backup, folder.path()));
        assert_eq!(rows(&restored), rows(&app.database), "{}", app.place.name);
        let id = |database: &Database| identity::of(database, noon()).unwrap();
        assert_ne!(id(&restored), id(&app.database));

        let again = kiosque(
            &app.place.url,
            folder.path(),
            &["backup", "copy of it?.backup"],
        );
        assert_eq!(again.status.code(), Some(1));
        assert!(
            said(&again).contains("exists already; --force replaces it"),
            "{}",
            said(&again)
        );
        let arguments = ["backup", "--force", "copy of it?.backup"];
        must(&kiosque(&app.place.url, folder.path(), &arguments));
    }
}

#[test]
fn what_was_acknowledged_before_it_began_is_in_it_whoever_writes_meanwhile() {
    for place in backed() {
        let app = App::on(place);
        app.import(&[article("premier")]);
        let filler = "Le barrage est plein. ".repeat(2_000);
        let articles: Vec<_> = (0..100)
            .map(|n| article(&format!("f-{n}")).saying(&filler))
            .collect();
        app.import(&articles);
        let (written, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
        let folder = tempfile::tempdir().unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::SeqCst) {
                    let n = written.load(Ordering::SeqCst);
                    let line = article(&format!("n-{n}")).tagged(&format!("t-{n}")).0;
                    let (summary, _) = import_into(&app.database, &line.to_string(), false, noon());
                    assert_eq!(summary.created, 1);
                    written.store(n + 1, Ordering::SeqCst);
                    thread::sleep(Duration::from_millis(10));
                }
            });
            for round in 0..3 {
                let least = written.load(Ordering::SeqCst);
                let name = format!("{round}.backup");
                let made = kiosque(&app.place.url, folder.path(), &["backup", &name]);
                let most = written.load(Ordering::SeqCst) + 1;
                must(&made);
                let inner = tempfile::tempdir().unwrap();
                let backup = folder.path().join(&name);
                let restored = open(&put_back(&app.place.url, &backup, inner.path()));
                let there = |n: usize| {
                    let slug = format!("n-{n}");
                    restored
                        .read(|conn| articles::find(conn, &slug))
                        .unwrap()
                        .is_some()
                };
                // Without a gap up to some moment, which lies within the backup.
                let count = (0..most).take_while(|n| there(*n)).count();
                assert!(count >= least, "{count} of {least} to {most}");
                assert!((count..most).all(|n| !there(n)));
                assert!(whole(&restored));
            }
            stop.store(true, Ordering::SeqCst);
        });
        assert!(written.load(Ordering::SeqCst) > 4, "someone wrote");
    }
}

/// Whether everything in it can be read.
fn whole(database: &Database) -> bool {
    struct Silent;
    impl export::Watcher for Silent {
        fn begin(&mut self, _: u64) {}
        fn progress(&mut self, _: &Counts) {}
    }
    export::run(database, &mut std::io::sink(), noon(), &mut Silent).is_ok()
}

/// The same place for another server, when the first has ended.
fn ended(mut app: App) -> Place {
    std::mem::replace(&mut app.place, Place::sqlite())
}

/// What a reader sees, the rankings included.
fn shown(app: &App) -> Vec<(String, u16, String)> {
    paths()
        .into_iter()
        .map(|path| {
            let reply = app.get(&path);
            (path, reply.status, reply.text())
        })
        .collect()
}

#[test]
fn indexes_of_what_came_after_the_backup_are_built_anew() {
    // A file of `kiosque backup`, and one that SQLite's own program made, which `kiosque restored` tells of.
    for by_copying in [false, true] {
        let app = App::new();
        let mut writer = Writer::new(31, &[&app]);
        for _ in 0..30 {
            writer.change(&app);
        }
        app.wait();
        let folder = tempfile::tempdir().unwrap();
        let backup = folder.path().join("backup.db");
        let hour = app.clock.now();
        let place = match by_copying {
            false => {
                must(&kiosque(
                    &app.place.url,
                    folder.path(),
                    &["backup", "backup.db"],
                ));
                ended(app)
            }
            true => {
                copied(&path(&app.place), &backup);
                ended(app)
            }
        };
        // The store goes on, and so do its indexes.
        let app = App::on(place);
        app.clock.set(hour);
        let lost: Vec<_> = (0..40)
            .map(|n| article(&format!("perdu-{n}")).saying("introuvable barrage oued"))
            .collect();
        app.import(&lost);
        assert_eq!(app.get("/v1/articles?q=introuvable").slugs().len(), 20);
        let was_at = app.database.read(changes::last).unwrap();
        let place = ended(app);

        // By the documented steps. Then the restored store is written to, past the line where the indexes were.
        put_in_place(&backup, &place);
        if by_copying {
            must(&kiosque(&place.url, folder.path(), &["restored"]));
        }
        let database = place.open();
        let others: String = (0..60)
            .map(|n| {
                article(&format!("autre-{n}"))
                    .saying("retrouvable barrage")
                    .0
                    .to_string()
                    + "\n"
            })
            .collect();
        import_into(&database, &others, false, hour);
        assert!(database.read(changes::last).unwrap() > was_at);
        drop(database);

        let app = App::on(place);
        app.clock.set(hour);
        app.wait();
        assert_eq!(
            app.get("/v1/articles?q=introuvable").slugs().len(),
            0,
            "{by_copying}"
        );
        assert_eq!(app.get("/v1/articles?q=retrouvable").slugs().len(), 20);
        // As if it had never had other indexes.
        let fresh = App::on(app.place.shared());
        fresh.clock.set(hour);
        fresh.wait();
        assert_eq!(shown(&app), shown(&fresh));
    }
}

#[test]
fn an_older_state_under_the_same_identity_is_noticed_by_its_shorter_log() {
    let app = App::new();
    app.import(&[article("avant").saying("barrage")]);
    app.wait();
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    copied(&path(&app.place), &copy);
    app.import(&[article("apres").saying("barrage")]);
    assert_eq!(app.get("/v1/articles?q=barrage").slugs().len(), 2);
    let place = ended(app);
    put_in_place(&copy, &place);
    let app = App::on(place);
    app.wait();
    assert_eq!(app.get("/v1/articles?q=barrage").slugs(), ["avant"]);
    assert_eq!(app.get("/v1/articles/apres").status, 404);
}

/// As documented: the file, and nothing of what stood beside the one before.
fn put_in_place(backup: &Path, place: &Place) {
    for end in ["-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{end}", path(place).display()));
    }
    fs::remove_file(path(place)).unwrap();
    fs::copy(backup, path(place)).unwrap();
}

/// By SQLite's own means, which leave the store its identity.
fn copied(from: &Path, to: &Path) {
    let conn = rusqlite::Connection::open(from).unwrap();
    conn.execute("VACUUM INTO ?1", [to.to_str().unwrap()])
        .unwrap();
}

fn path(place: &Place) -> PathBuf {
    match &place.url {
        DatabaseUrl::Sqlite(path) => path.clone(),
        DatabaseUrl::Postgres(url) => panic!("{url} is no file"),
    }
}

#[test]
fn a_backup_that_cannot_be_made_leaves_nothing_and_says_why() {
    let app = App::with(&[article("un").saying(&"Le barrage est plein. ".repeat(20_000))]);
    let folder = tempfile::tempdir().unwrap();
    let refused = |arguments: &[&str], why: &str| {
        let output = kiosque(&app.place.url, folder.path(), arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(said(&output).contains(why), "{}", said(&output));
        assert_eq!(said(&output).lines().count(), 1);
    };
    refused(
        &["backup", "no/such/folder/x"],
        "cannot write no/such/folder/x",
    );
    refused(&["backup", "."], "is a folder");
    let itself = path(&app.place);
    refused(
        &["backup", "--force", itself.to_str().unwrap()],
        "is the database itself",
    );
    let nowhere = DatabaseUrl::Sqlite(folder.path().join("none.db"));
    let output = kiosque(&nowhere, folder.path(), &["backup", "x"]);
    assert!(
        said(&output).contains("there is no database"),
        "{}",
        said(&output)
    );
    assert_eq!(files(folder.path()), Vec::<String>::new());

    // No room: a file may not grow so large, and who tries is told rather than ended.
    let program = env!("CARGO_BIN_EXE_kiosque");
    let script = format!("trap '' XFSZ; ulimit -f 200; exec '{program}' backup full.db");
    let output = Command::new("sh")
        .args(["-c", &script])
        .current_dir(folder.path())
        .env("DATABASE_URL", text(&app.place.url))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("cannot back"), "{}", said(&output));
    assert_eq!(files(folder.path()), Vec::<String>::new());
    must(&kiosque(
        &app.place.url,
        folder.path(),
        &["backup", "full.db"],
    ));
}

#[test]
fn a_backup_that_is_killed_has_no_name() {
    let app = App::with(&[article("un").saying(&"Le barrage est plein. ".repeat(100_000))]);
    let folder = tempfile::tempdir().unwrap();
    for wait in [5, 20, 40, 80] {
        let mut backup = command(&app.place.url, folder.path(), &["backup", "x.db"]);
        let mut backup = backup.stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_millis(wait));
        let _ = backup.kill();
        backup.wait().unwrap();
        let named = folder.path().join("x.db");
        if named.exists() {
            assert!(
                whole(&open(&DatabaseUrl::Sqlite(named.clone()))),
                "it is whole"
            );
            fs::remove_file(named).unwrap();
        }
    }
    must(&kiosque(&app.place.url, folder.path(), &["backup", "x.db"]));
}

#[test]
fn the_password_of_postgresql_is_on_no_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("pg_dump");
    fs::write(
        &program,
        "#!/bin/sh\necho \"$@ | $PGPASSWORD\" >> called\necho no >&2\nexit 3\n",
    )
    .unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let url = DatabaseUrl::Postgres("postgres://amina:s%40crt@127.0.0.1:1/news".to_owned());
    let run = |path: &str| {
        let mut command = command(&url, folder.path(), &["backup", "x.dump"]);
        command.env("PATH", path).output().unwrap()
    };
    let path = std::env::var("PATH").unwrap();
    let output = run(&format!("{}:{path}", folder.path().display()));
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("pg_dump failed: no"),
        "{}",
        said(&output)
    );
    let called = fs::read_to_string(folder.path().join("called")).unwrap();
    let (arguments, password) = called.trim().split_once(" | ").unwrap();
    assert!(!arguments.contains("crt"), "{arguments}");
    assert!(
        arguments.contains("--dbname postgres://amina@127.0.0.1:1/news"),
        "{arguments}"
    );
    assert_eq!(password, "s@crt");
    let output = run("/no/such/folder");
    assert!(
        said(&output).contains("pg_dump is not on the path; install"),
        "{}",
        said(&output)
    );
    assert_eq!(files(folder.path()), ["called", "pg_dump"]);
}
