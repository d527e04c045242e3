//! Bare actix-web handlers with one worker: one answers fixed bytes, one asks SQLite for a ready row.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_NONE_MATCH};
use actix_web::web::{Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, rt, web};
use rusqlite::{Connection, OpenFlags};

use crate::Outcome;

/// An answer of Kiosque's.
#[derive(Clone)]
struct Captured {
    /// All but those that a server adds by itself.
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
}

/// Serves every captured answer in the folder.
pub fn fixed(port: &str, folder: &str) -> Outcome {
    let mut all = HashMap::new();
    for entry in fs::read_dir(folder)? {
        let (path, captured) = Captured::read(&entry?.path())?;
        all.insert(path, captured);
    }
    let all = Data::new(all);
    let address = format!("127.0.0.1:{port}");
    let server = HttpServer::new(move || {
        App::new()
            .app_data(all.clone())
            .default_service(web::to(answer_fixed))
    });
    Ok(rt::System::new().block_on(server.workers(1).bind(address)?.run())?)
}

async fn answer_fixed(request: HttpRequest, all: Data<HashMap<String, Captured>>) -> HttpResponse {
    let path = request
        .uri()
        .path_and_query()
        .map_or("", |path| path.as_str());
    let Some(captured) = all.get(path) else {
        return HttpResponse::NotFound().finish();
    };
    let tag = captured.headers.iter().find(|(name, _)| name == ETAG);
    let known = request.headers().get(IF_NONE_MATCH);
    match known.is_some() && known == tag.map(|(_, tag)| tag) {
        true => captured.unchanged(),
        false => captured.with(captured.body.clone()),
    }
}

/// What a handler needs to ask for a row; each thread opens a connection of its own.
#[derive(Clone)]
struct Rows {
    database: PathBuf,
    captured: Captured,
}

thread_local! {
    static CONNECTION: OnceCell<Connection> = const { OnceCell::new() };
}

/// Serves the rows of `pages (slug, json)`, with the headers of the captured answer named `article`.
pub fn rows(port: &str, folder: &str, database: &str) -> Outcome {
    let (_, captured) = Captured::read(&Path::new(folder).join("article"))?;
    let rows = Data::new(Rows {
        database: database.into(),
        captured,
    });
    let address = format!("127.0.0.1:{port}");
    let server = HttpServer::new(move || {
        App::new()
            .app_data(rows.clone())
            .route("/v1/articles/{slug}", web::get().to(answer_row))
    });
    Ok(rt::System::new().block_on(server.workers(1).bind(address)?.run())?)
}

/// On the thread of the worker: the query takes less than handing it to another would.
async fn answer_row(slug: web::Path<String>, rows: Data<Rows>) -> HttpResponse {
    match CONNECTION.with(|connection| rows.json(connection, &slug)) {
        Ok(json) => rows.captured.with(json.into()),
        Err(rusqlite::Error::QueryReturnedNoRows) => HttpResponse::NotFound().finish(),
        Err(error) => HttpResponse::InternalServerError().body(error.to_string()),
    }
}

impl Rows {
    fn json(&self, connection: &OnceCell<Connection>, slug: &str) -> rusqlite::Result<String> {
        if connection.get().is_none() {
            let opened = Connection::open_with_flags(
                &self.database,
                OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
            )?;
            let _ = connection.set(opened);
        }
        let Some(connection) = connection.get() else {
            return Err(rusqlite::Error::InvalidQuery);
        };
        connection
            .prepare_cached("SELECT json FROM pages WHERE slug = ?1")?
            .query_row([slug], |row| row.get(0))
    }
}

impl Captured {
    /// A file has the path, the headers, an empty line, and the body.
    fn read(file: &Path) -> Result<(String, Self), Box<dyn std::error::Error>> {
        let bytes = fs::read(file)?;
        let broken = || format!("{} is no captured answer", file.display());
        let end = bytes
            .windows(2)
            .position(|two| two == b"\n\n")
            .ok_or_else(broken)?;
        let head = std::str::from_utf8(&bytes[..end])?;
        let mut lines = head.lines();
        let path = lines.next().ok_or_else(broken)?.to_owned();
        let mut headers = Vec::new();
        for line in lines {
            let (name, value) = line.split_once(": ").ok_or_else(broken)?;
            headers.push((name.parse()?, value.parse()?));
        }
        let body = Bytes::copy_from_slice(&bytes[end + 2..]);
        Ok((path, Self { headers, body }))
    }

    fn with(&self, body: Bytes) -> HttpResponse {
        let mut response = HttpResponse::Ok();
        for (name, value) in &self.headers {
            response.insert_header((name, value));
        }
        response.body(body)
    }

    fn unchanged(&self) -> HttpResponse {
        let mut response = HttpResponse::build(StatusCode::NOT_MODIFIED);
        for (name, value) in self.headers.iter().filter(|(name, _)| name != CONTENT_TYPE) {
            response.insert_header((name, value));
        }
        response.finish()
    }
}
