//! The command line: what an operator sees, above all when something is wrong.

mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use support::article;

fn kiosque(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kiosque"));
    command.current_dir(folder).env_clear().stdin(Stdio::null());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The one line that a failed start says.
fn complaint(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let said = text(&output.stderr);
    let lines: Vec<&str> = said
        .lines()
        .filter(|line| line.starts_with("kiosque: "))
        .collect();
    assert_eq!(lines.len(), 1, "{said}");
    assert!(!said.contains("panicked"), "{said}");
    lines[0].to_owned()
}

#[test]
fn a_start_that_cannot_be_says_why_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().to_string();
    std::fs::create_dir(folder.path().join("folder.db")).unwrap();
    for (name, value, says) in [
        ("KIOSQUE_LISTEN", port.as_str(), "the port is taken"),
        ("KIOSQUE_LISTEN", "nowhere", "KIOSQUE_LISTEN"),
        (
            "KIOSQUE_LISTN",
            "127.0.0.1:1",
            "KIOSQUE_LISTN is not a setting",
        ),
        (
            "DATABASE_URL",
            "sqlite://missing/folder/k.db",
            "missing/folder/k.db",
        ),
        ("DATABASE_URL", "sqlite://folder.db", "folder.db"),
        (
            "DATABASE_URL",
            "mysql://root:secret@localhost/k",
            "must start with sqlite:// or postgres://",
        ),
        (
            "DATABASE_URL",
            "postgres://u:secret@127.0.0.1:1/k",
            "cannot open the database postgres://u:…@127.0.0.1:1/k",
        ),
    ] {
        let output = kiosque(folder.path())
            .arg("serve")
            .env(name, value)
            .output()
            .unwrap();
        let line = complaint(&output);
        assert!(line.contains(says), "{line}");
        assert!(!line.contains("secret"), "{line}");
    }
}

#[test]
fn a_file_that_is_no_database_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kiosque.db");
    std::fs::write(&file, "Ceci n’est pas une base de données.".repeat(100)).unwrap();
    let before = std::fs::read(&file).unwrap();
    let output = kiosque(folder.path()).arg("migrate").output().unwrap();
    assert!(complaint(&output).contains("kiosque.db"));
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[test]
fn importing_reports_bad_lines_and_exits_with_one() {
    let folder = tempfile::tempdir().unwrap();
    let good = folder.path().join("good.ndjson");
    std::fs::write(&good, format!("{}\n", article("a").0)).unwrap();
    let run = |arguments: &[&str], input: &str| {
        let mut child = kiosque(folder.path())
            .arg("import")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        child.wait_with_output().unwrap()
    };
    let output = run(&["--dry-run", "good.ndjson"], "");
    assert!(text(&output.stderr).contains("1 created") && text(&output.stderr).contains("dry run"));
    let output = run(&["good.ndjson"], "");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(
        text(&output.stderr).contains("good.ndjson: 1 created, 0 updated, 0 unchanged, 0 failed")
    );
    let output = run(&["-"], &format!("{}\nnonsense\n", article("a").0));
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(
        said.contains("standard input, line 2: ") && said.contains("1 unchanged, 1 failed"),
        "{said}"
    );
    assert!(complaint(&run(&["absent.ndjson"], "")).contains("absent.ndjson"));
}

#[test]
fn every_setting_is_listed_without_its_password() {
    let folder = tempfile::tempdir().unwrap();
    let output = kiosque(folder.path())
        .arg("config")
        .env("DATABASE_URL", "postgres://u:hunter2@h/d")
        .output()
        .unwrap();
    let listed = text(&output.stdout);
    for setting in kiosque::config::SETTINGS {
        assert!(
            listed.contains(&format!("{}=", setting.name)),
            "{}",
            setting.name
        );
    }
    assert!(listed.contains("postgres://u:…@h/d") && !listed.contains("hunter2"));
}

#[test]
fn the_server_says_when_it_is_ready_and_stops_when_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let (mut server, url, mut log) = serve(folder.path());
    assert!(log.before.iter().any(|line| line.contains("/docs")));
    let reply = support::client::send("GET", &format!("{url}/v1/articles?limit=3"), &[], None);
    assert_eq!(reply.slugs().len(), 3);
    let told = Command::new("kill")
        .arg(server.id().to_string())
        .status()
        .unwrap();
    assert!(told.success());
    assert!(
        log.rest
            .any(|line| line.is_ok_and(|line| line.contains("stopped")))
    );
    assert_eq!(server.wait().unwrap().code(), Some(0));
}

/// What a server said until it was ready, and what it says from then on.
struct Log {
    before: Vec<String>,
    rest: std::io::Lines<BufReader<std::process::ChildStderr>>,
}

/// A server with the samples, and its address.
fn serve(folder: &Path) -> (std::process::Child, String, Log) {
    let mut server = kiosque(folder)
        .args(["serve", "--demo", "--listen", "127.0.0.1:0"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut rest = BufReader::new(server.stderr.take().unwrap()).lines();
    let mut before = Vec::new();
    let url = loop {
        let line = rest.next().unwrap().unwrap();
        let url = line
            .split("ready on ")
            .nth(1)
            .and_then(|rest| rest.split(' ').next());
        let url = url.map(str::to_owned);
        before.push(line);
        if let Some(url) = url {
            break url;
        }
    };
    (server, url, Log { before, rest })
}

#[test]
fn a_server_that_was_killed_takes_its_indexes_up_again_and_makes_a_damaged_one_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = "/v1/articles/reunion-ministres-rabat-securite-france-maroc/related?limit=50";
    // What a server says of the related index at its start, and what it answers.
    let run = || {
        let (mut server, url, log) = serve(folder.path());
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        let answer = loop {
            let reply = support::client::send("GET", &format!("{url}{path}"), &[], None);
            if reply.json()["page"]["complete"] == true {
                break reply.text();
            }
            assert!(std::time::Instant::now() < deadline);
        };
        server.kill().unwrap();
        server.wait().unwrap();
        let said = log.before.into_iter().chain(log.rest.map_while(Result::ok));
        let said: String = said
            .filter(|line| line.contains("the related index"))
            .collect();
        (said, answer)
    };
    let (said, first) = run();
    assert!(said.contains("built the related index"), "{said}");
    let (said, again) = run();
    assert!(said.contains("loaded the related index"), "{said}");
    assert_eq!(again, first);

    let file = folder.path().join("kiosque.db.search/related.profiles");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[2_000] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    let (said, again) = run();
    assert!(said.contains("built the related index"), "{said}");
    assert_eq!(again, first);

    assert!(
        kiosque(folder.path())
            .arg("reindex")
            .status()
            .unwrap()
            .success()
    );
    let (said, again) = run();
    assert!(said.contains("loaded the related index"), "{said}");
    assert_eq!(again, first);
}

#[test]
fn related_run_ranks_every_article_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let lines: String = (0..4)
        .map(|n| {
            let body = format!(
                "Le barrage du Ziz et les khettaras, {n} fois décrits par leurs riverains."
            );
            article(&format!("a{n}"))
                .with("external_id", format!("x{n}"))
                .saying(&body)
                .0
                .to_string()
                + "\n"
        })
        .collect();
    std::fs::write(folder.path().join("file.ndjson"), lines).unwrap();
    let output = kiosque(folder.path())
        .args(["related-run", "file.ndjson", "--limit", "2"])
        .output()
        .unwrap();
    let rows: Vec<Vec<String>> = text(&output.stdout)
        .lines()
        .map(|line| line.split('\t').map(str::to_owned).collect())
        .collect();
    assert!(!rows.is_empty() && rows.len() <= 8);
    for row in &rows {
        assert!(
            row.len() == 4 && row[0] != row[2] && row[3].parse::<f32>().unwrap() > 0.0,
            "{row:?}"
        );
    }
}

/// Runs a command with this on standard input.
fn told(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = kiosque(folder)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that needs no input may have ended already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

#[test]
fn users_are_made_and_changed_with_passwords_from_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str], input: &str| told(folder.path(), arguments, input);
    let add = ["user", "add", "Ada", "--role", "admin"];
    assert!(complaint(&run(&add, "short\n")).contains("shorter than 8 bytes"));
    assert!(complaint(&run(&add, "")).contains("shorter than 8 bytes"));
    let added = run(&add, "correct horse\nmore\n");
    assert_eq!(added.status.code(), Some(0), "{}", text(&added.stderr));
    assert!(complaint(&run(&add, "correct horse\n")).contains("\"ada\" is or was the name"));
    assert!(complaint(&run(&["user", "add", "a b", "--role", "admin"], "")).contains("a b"));
    let boss = run(&["user", "add", "bob", "--role", "boss"], "correct horse\n");
    assert_eq!(boss.status.code(), Some(2));
    assert_eq!(text(&run(&["user", "list"], "").stdout), "ada\tadmin\n");
    assert!(complaint(&run(&["user", "disable", "ada"], "")).contains("last active admin"));
    run(&["user", "add", "bea", "--role", "admin"], "correct horse");
    assert!(run(&["user", "disable", "ADA"], "").status.success());
    assert_eq!(
        text(&run(&["user", "list"], "").stdout),
        "ada\tadmin\tdisabled\nbea\tadmin\n"
    );
    assert!(complaint(&run(&["user", "password", "cy"], "correct horse\n")).contains("no user"));
    assert!(
        run(&["user", "password", "bea"], "battery staple\n")
            .status
            .success()
    );

    let (mut server, url, log) = serve(folder.path());
    let said = log.before.join("\n");
    assert!(
        said.contains("made a secret") && said.contains("kiosque.db.secret"),
        "{said}"
    );
    let log_in = |password: &str| {
        let body = format!(r#"{{"name":"bea","password":"{password}"}}"#);
        let headers = [("content-type", "application/json")];
        let url = format!("{url}/v1/tokens");
        support::client::send("POST", &url, &headers, Some(body.as_bytes())).status
    };
    assert_eq!(
        (log_in("correct horse"), log_in("battery staple")),
        (401, 200)
    );
    server.kill().unwrap();
    server.wait().unwrap();
    let secret = std::fs::read_to_string(folder.path().join("kiosque.db.secret")).unwrap();
    let said: Vec<String> = log
        .before
        .into_iter()
        .chain(log.rest.map_while(Result::ok))
        .collect();
    assert!(!said.join("\n").contains(secret.trim()));
}

#[test]
fn a_key_is_printed_alone_and_once() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| told(folder.path(), arguments, "");
    let made = run(&[
        "key",
        "create",
        "bot",
        "--role",
        "editor",
        "--expires-in",
        "30",
    ]);
    let key = text(&made.stdout);
    assert!(key.starts_with("kqk_") && key.lines().count() == 1, "{key}");
    assert!(complaint(&run(&["key", "create", "bot"])).contains("\"bot\" is or was the name"));
    assert_eq!(
        run(&["key", "create", "b", "--expires-in", "0"])
            .status
            .code(),
        Some(2)
    );
    let partner = |name: &'static str, rights: &[&'static str]| {
        let start = ["key", "create", name, "--role", "partner"];
        run(&[&start[..], rights].concat())
    };
    let rights = [
        "--language",
        "fr",
        "--language",
        "ar",
        "--source",
        "MAP",
        "--text",
        "excerpt",
        "--delay-minutes",
        "60",
        "--daily-quota",
        "1000",
        "--rate-per-minute",
        "60",
    ];
    assert!(partner("agence", &rights).status.success());
    for (name, rights, told) in [
        ("c", &["--tags", "nulle-part"][..], "which is no tag"),
        ("d", &["--tags", "-(a"][..], "/scope/tags"),
        ("e", &["--text", "half"][..], "/text"),
        (
            "f",
            &["--delay-minutes", "5", "--lead-minutes", "5"][..],
            "/lead_minutes",
        ),
    ] {
        let complaint = complaint(&partner(name, rights));
        assert!(complaint.contains(told), "{complaint}");
    }
    let editor = [
        "key", "create", "g", "--role", "editor", "--text", "headline",
    ];
    assert!(complaint(&run(&editor)).contains("/role"));
    let list = text(&run(&["key", "list"]).stdout);
    let line = |start: &str| list.lines().any(|line| line.starts_with(start));
    assert!(line("agence\tpartner\tkqk_"), "{list}");
    assert!(
        line("bot\teditor\tkqk_") && list.contains("never used\tuntil 20"),
        "{list}"
    );
    assert_eq!(
        list.lines().count(),
        2,
        "what is refused makes no key: {list}"
    );
    assert!(!list.contains(key.trim()));
    assert!(run(&["key", "revoke", "Bot"]).status.success());
    assert!(text(&run(&["key", "list"]).stdout).contains("revoked"));
    assert!(complaint(&run(&["key", "revoke", "none"])).contains("no key"));
}

#[test]
fn what_signs_tokens_is_checked_at_the_start_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("no.pem"), "-----BEGIN NOTHING-----").unwrap();
    let secret = "a secret that is long enough for anyone";
    for (settings, says) in [
        (
            vec![("KIOSQUE_JWT_SECRET", "a secret too short")],
            "KIOSQUE_JWT_SECRET has 18 bytes",
        ),
        (
            vec![
                ("KIOSQUE_JWT_SECRET", secret),
                ("KIOSQUE_JWT_KEYS", "k.pem"),
            ],
            "both set",
        ),
        (
            vec![("KIOSQUE_JWT_KEYS", "no.pem")],
            "no.pem holds no Ed25519",
        ),
        (vec![("KIOSQUE_JWT_KEYS", "missing.pem")], "missing.pem"),
        (vec![("KIOSQUE_JWT_SECRET_FILE", "no/folder")], "no/folder"),
        (
            vec![("KIOSQUE_TRUSTED_ISSUER", "https://x")],
            "KIOSQUE_TRUSTED_AUDIENCE is empty",
        ),
        (
            vec![
                ("KIOSQUE_TRUSTED_ISSUER", "https://x"),
                ("KIOSQUE_TRUSTED_AUDIENCE", "k"),
                ("KIOSQUE_TRUSTED_JWKS", "missing.json"),
            ],
            "missing.json",
        ),
    ] {
        let output = kiosque(folder.path())
            .args(["serve", "--listen", "127.0.0.1:0"])
            .envs(settings)
            .output()
            .unwrap();
        let line = complaint(&output);
        assert!(line.contains(says) && !line.contains("a secret"), "{line}");
    }
    let listed = kiosque(folder.path())
        .arg("config")
        .env("KIOSQUE_JWT_SECRET", secret)
        .env("KIOSQUE_PURGE_URL", "http://cache.example/")
        .env("KIOSQUE_PURGE_HEADER", format!("Key: {secret}"))
        .output()
        .unwrap();
    let listed = text(&listed.stdout);
    assert!(!listed.contains(secret));
    for name in ["KIOSQUE_JWT_SECRET", "KIOSQUE_PURGE_HEADER"] {
        assert!(listed.contains(&format!("{name}=…\n")), "{name}");
    }
}
