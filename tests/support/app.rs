//! A running server on a database of its own, with a clock that the test sets.

use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use chrono::{DateTime, Utc};
use kiosque::api::server;
use kiosque::cli::serve::{Services, assemble};
use kiosque::config::{Config, DatabaseUrl, Hidden, SigningKeys};
use kiosque::content::role::Role;
use kiosque::content::time::{Clock, to_stored};
use kiosque::db::Database;
use kiosque::follower::Progress;
use kiosque::identity::authority::Authority;
use kiosque::identity::secret;
use kiosque::store::keys::KeyRow;
use kiosque::store::{changes, keys, sessions, users};
use kiosque::transfer::import::{self, Complaint, Options, Summary, Watcher};
use serde_json::Value;
use uuid::Uuid;

use super::builders::{Article, at};
use super::client::{self, Reply};
use super::database::Place;

pub struct App {
    pub database: Database,
    pub clock: Clock,
    pub base: String,
    progress: Progress,
    services: Option<Services>,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
    pub place: Place,
    authority: Arc<Authority>,
}

/// What signs the access tokens of a test.
pub const SECRET: &str = "the secret of every test, of which no one must know";

/// The hour at which every test begins.
pub fn noon() -> DateTime<Utc> {
    at("2025-06-01T12:00:00Z")
}

impl App {
    /// A server on an empty SQLite database, at noon on 1 June 2025.
    pub fn new() -> Self {
        Self::on(Place::sqlite())
    }

    pub fn on(place: Place) -> Self {
        Self::configured(place, |_| ())
    }

    /// A server with settings of its own.
    pub fn configured(place: Place, set: impl FnOnce(&mut Config)) -> Self {
        let mut config = config(&place);
        set(&mut config);
        let database = place.open();
        let clock = Clock::at(noon());
        let (state, services) =
            assemble(&config, database.clone(), clock.clone()).expect("the server is assembled");
        let (sender, receiver) = mpsc::channel();
        let authority = Arc::clone(&state.authority);
        let settings = server::Settings {
            listen: "127.0.0.1:0".parse().expect("an address"),
            workers: 1,
            shutdown_timeout: Duration::ZERO,
        };
        let thread = thread::spawn(move || {
            actix_web::rt::System::new().block_on(async {
                let (server, address) = server::bind(state, &settings).expect("a port is free");
                sender
                    .send((server.handle(), address))
                    .expect("the test waits");
                server.await.expect("the server runs");
            });
        });
        let (handle, address) = receiver.recv().expect("the server starts");
        Self {
            database,
            clock,
            base: format!("http://{address}"),
            progress: services.progress(),
            services: Some(services),
            handle,
            thread: Some(thread),
            place,
            authority,
        }
    }

    /// A server with these articles.
    pub fn with(articles: &[Article]) -> Self {
        let app = Self::new();
        app.import(articles);
        app
    }

    /// A server with the sample corpus, at noon on 1 November 2026.
    pub fn with_samples(place: Place) -> Self {
        let app = Self::on(place);
        app.clock.set(at("2026-11-01T12:00:00Z"));
        let (_, complaints) = app.import_text(include_str!("../../samples/portail.ndjson"));
        assert_eq!(complaints, []);
        app
    }

    /// Imports the articles, of which none may fail, and waits until readers see them.
    pub fn import(&self, articles: &[Article]) -> Summary {
        let lines: String = articles
            .iter()
            .map(|article| format!("{}\n", article.0))
            .collect();
        let (summary, complaints) = self.import_text(&lines);
        assert_eq!(complaints, []);
        summary
    }

    /// Imports lines as they are.
    pub fn import_text(&self, lines: &str) -> (Summary, Vec<Complaint>) {
        self.import_bytes(lines.as_bytes())
    }

    /// Imports what need not even be text.
    pub fn import_bytes(&self, bytes: &[u8]) -> (Summary, Vec<Complaint>) {
        let result = import_bytes_into(&self.database, bytes, false, self.clock.now());
        self.wait();
        result
    }

    /// Until everything derived has followed the log to its end.
    pub fn wait(&self) {
        let last = self.database.read(changes::last).expect("the log is read");
        assert!(
            self.progress.wait_for(last, Duration::from_secs(30)),
            "the follower came to a stop"
        );
    }

    /// The body of a GET that must succeed.
    pub fn json(&self, path: &str) -> Value {
        let reply = self.get(path);
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        reply.json()
    }

    pub fn get(&self, path: &str) -> Reply {
        self.get_with(path, &[])
    }

    pub fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        client::send("GET", &format!("{}{path}", self.base), headers, None)
    }

    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
        client::send(method, &format!("{}{path}", self.base), headers, None)
    }

    pub fn send_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        client::send(method, &format!("{}{path}", self.base), headers, Some(body))
    }

    pub fn post(&self, path: &str, body: &str) -> Reply {
        let headers = [("content-type", "application/json")];
        self.post_with(path, &headers, body)
    }

    /// Posts as JSON what need not even be text.
    pub fn post_bytes(&self, path: &str, body: &[u8]) -> Reply {
        let headers = [("content-type", "application/json")];
        client::send(
            "POST",
            &format!("{}{path}", self.base),
            &headers,
            Some(body),
        )
    }

    pub fn post_with(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        client::send(
            "POST",
            &format!("{}{path}", self.base),
            headers,
            Some(body.as_bytes()),
        )
    }

    /// The headers of a caller of this role, who has an API key named after it.
    pub fn key(&self, role: &str) -> String {
        self.key_of(role, role)
    }

    /// A new API key of this name and role, as the value of `Authorization`.
    pub fn key_of(&self, name: &str, role: &str) -> String {
        let key = secret::new(secret::API_KEY).expect("a key");
        let row = KeyRow {
            id: Uuid::now_v7().to_string(),
            name: format!("{name}-{}", &secret::digest(&key)[..6]),
            role: role.to_owned(),
            prefix: secret::shown(&key).to_owned(),
            hash: secret::digest(&key),
            created_at: to_stored(self.clock.now()),
            created_by: None,
            expires_at: None,
            last_used_at: None,
            revoked_at: None,
        };
        self.database
            .write(|conn| keys::insert(conn, &row))
            .expect("the key is stored");
        format!("Bearer {key}")
    }

    /// A new user of this name and role, logged in without a password, as the value of `Authorization`.
    pub fn login(&self, name: &str, role: &str) -> String {
        let role = Role::parse(role).expect("a role");
        let now = self.clock.now();
        let (user, session) = self
            .database
            .write(|conn| {
                let user = users::insert(conn, name, role, "of no password", now)?;
                let end = self.authority.session_end(now);
                let session = sessions::start(conn, user.num, end, now)?;
                Ok((user, session))
            })
            .expect("the user is stored");
        let within = (session.id.as_str(), session.expires_at.and_utc());
        let issued = self.authority.issue(&user.name, role, within, now);
        format!("Bearer {}", issued.expect("a token").0)
    }

    /// Writes as the holder of `authorization`, with a JSON body where there is one (a merge patch with PATCH).
    pub fn write(
        &self,
        method: &str,
        path: &str,
        authorization: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Reply {
        let media_type = match method {
            "PATCH" => "application/merge-patch+json",
            _ => "application/json",
        };
        let mut all = headers.to_vec();
        if !authorization.is_empty() {
            all.push(("authorization", authorization));
        }
        let body = body.map(|body| body.to_string());
        if body.is_some() && !headers.iter().any(|(name, _)| *name == "content-type") {
            all.push(("content-type", media_type));
        }
        let body = body.as_ref().map(|body| body.as_bytes());
        client::send(method, &format!("{}{path}", self.base), &all, body)
    }

    /// Every page of a list, walked by cursor.
    pub fn walk(&self, path: &str) -> Vec<String> {
        let mut slugs = Vec::new();
        let mut cursor = String::new();
        loop {
            let reply = self.get(&format!("{path}{cursor}"));
            assert_eq!(reply.status, 200, "{:?}", reply.json());
            slugs.extend(reply.slugs());
            match reply.json()["page"]["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return slugs,
            }
        }
    }
}

/// The import behind `kiosque import`.
pub fn import_into(
    database: &Database,
    lines: &str,
    dry_run: bool,
    now: DateTime<Utc>,
) -> (Summary, Vec<Complaint>) {
    import_bytes_into(database, lines.as_bytes(), dry_run, now)
}

fn import_bytes_into(
    database: &Database,
    bytes: &[u8],
    dry_run: bool,
    now: DateTime<Utc>,
) -> (Summary, Vec<Complaint>) {
    let mut heard = Heard(Vec::new());
    let options = Options {
        dry_run,
        threads: 2,
        clock: Clock::at(now),
        by: None,
        permit: None,
    };
    let summary = import::run(database, bytes, &options, &mut heard);
    (summary.expect("the import runs"), heard.0)
}

struct Heard(Vec<Complaint>);

impl Watcher for Heard {
    fn progress(&mut self, _: u64, _: &Summary) {}

    fn complain(&mut self, complaint: &Complaint) {
        self.0.push(complaint.clone());
    }
}

fn config(place: &Place) -> Config {
    let mut config = Config::from_variables(&Default::default()).expect("the defaults are valid");
    config.database_url = match &place.url {
        DatabaseUrl::Sqlite(path) => DatabaseUrl::Sqlite(path.clone()),
        DatabaseUrl::Postgres(url) => DatabaseUrl::Postgres(url.clone()),
    };
    config.search_dir = place.folder.path().join("search");
    config.follow_interval = Duration::from_millis(20);
    config.related_lag = Duration::ZERO;
    config.workers = 1;
    config.identity.signing = SigningKeys::Secret(Hidden::new(SECRET));
    config
}

impl Drop for App {
    fn drop(&mut self) {
        // The future need not be awaited for the command to be sent.
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        if let Some(services) = self.services.take() {
            services.stop();
        }
    }
}
