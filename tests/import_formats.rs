//! Importing what other systems write, as an operator sees it: what comes in, what is left out and why.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use kiosque::config::DatabaseUrl;
use serde_json::{Value, json};

use support::{App, Place, dump, places};

#[path = "import_formats/feeds.rs"]
mod feeds;
#[path = "import_formats/ghost.rs"]
mod ghost;
#[path = "import_formats/left_out.rs"]
mod left_out;
#[path = "import_formats/markdown.rs"]
mod markdown;
#[path = "import_formats/markdown_hidden.rs"]
mod markdown_hidden;
#[path = "import_formats/markdown_sites.rs"]
mod markdown_sites;
#[path = "import_formats/wordpress.rs"]
mod wordpress;
#[path = "import_formats/wordpress_plugins.rs"]
mod wordpress_plugins;

/// A place to import into, and what the program said.
struct Imported {
    place: Place,
}

impl Imported {
    fn into(place: Place) -> Self {
        Self { place }
    }

    fn run(&self, arguments: &[&str]) -> Said {
        run(&self.place, arguments)
    }

    /// Everything that is stored but for what an import notes of itself.
    fn stored(&self) -> Vec<String> {
        let mut lines = dump(&self.place.open());
        lines.retain(|line| !line.starts_with("audit "));
        lines
    }

    /// Imports again what was imported: nothing may change.
    fn again(&self, arguments: &[&str]) {
        let before = self.stored();
        let said = self.run(arguments);
        assert!(
            said.text.contains(": 0 created, 0 updated, "),
            "{}: {}",
            self.place.name,
            said.text
        );
        assert!(self.stored() == before, "{}", self.place.name);
    }

    fn serve(self) -> App {
        App::on(self.place)
    }
}

/// Runs `kiosque import` as an operator does.
fn run(place: &Place, arguments: &[&str]) -> Said {
    let url = match &place.url {
        DatabaseUrl::Sqlite(path) => format!("sqlite://{}", path.display()),
        DatabaseUrl::Postgres(url) => url.clone(),
    };
    let output = Command::new(env!("CARGO_BIN_EXE_kiosque"))
        .current_dir(place.folder.path())
        .env_clear()
        .env("DATABASE_URL", url)
        .arg("import")
        .args(arguments)
        .output()
        .unwrap();
    Said::of(&output)
}

struct Said {
    code: Option<i32>,
    text: String,
}

impl Said {
    fn of(output: &Output) -> Self {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!text.contains("panicked"), "{text}");
        Self {
            code: output.status.code(),
            text,
        }
    }

    /// Everything of `phrases` was said.
    #[track_caller]
    fn says(&self, phrases: &[&str]) {
        for phrase in phrases {
            assert!(self.text.contains(phrase), "{phrase:?} in\n{}", self.text);
        }
    }
}

fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/import")
        .join(name);
    path.display().to_string()
}

/// A file of this content in the place's folder.
fn written(place: &Place, name: &str, content: impl AsRef<[u8]>) -> String {
    let path: PathBuf = place.folder.path().join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, content).unwrap();
    path.display().to_string()
}

/// Slug and kind of each tag.
fn tags(article: &Value) -> Vec<(&str, &str)> {
    let tags = article["tags"].as_array().unwrap();
    tags.iter()
        .map(|tag| (tag["slug"].as_str().unwrap(), tag["kind"].as_str().unwrap()))
        .collect()
}

fn body(app: &App, slug: &str) -> String {
    let article = app.get(&format!("/v1/articles/{slug}")).json();
    article["body_html"].as_str().unwrap().to_owned()
}
