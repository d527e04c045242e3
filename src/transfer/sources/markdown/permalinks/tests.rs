//! What patterns of addresses make.

use std::path::PathBuf;

use serde_json::json;

use super::*;

fn text(relative: &str, stem: &str, date: Option<&str>) -> Text {
    let mut folders: Vec<String> = relative.split('/').map(str::to_owned).collect();
    folders.pop();
    Text {
        path: PathBuf::from(relative),
        relative: relative.to_owned(),
        key: String::new(),
        language: None,
        folders,
        stem: stem.to_owned(),
        date: date.map(str::to_owned),
        bytes: 0,
        is_html: false,
        hidden: None,
    }
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

fn address(
    permalinks: &Permalinks,
    kind: Kind,
    members: Value,
    file: &Text,
    said: Option<&str>,
) -> Option<String> {
    let members = object(members);
    let fields = Fields(&members);
    let page = Page {
        fields: &fields,
        file,
        day: fields.text(&["date"]).and_then(|date| day(&date)),
        default_language: Some("fr"),
        content_language: None,
    };
    Some(permalinks.address(kind, said, &page)?.path)
}

fn hugo(config: Value) -> Permalinks {
    let config = object(config);
    Permalinks::hugo(&config, by_section(&config), [])
}

#[test]
fn a_language_of_hugo_has_patterns_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let apart = folder.path().join("config/_default");
    std::fs::create_dir_all(&apart).unwrap();
    let write = |name: &str, text: &str| std::fs::write(apart.join(name), text).unwrap();
    write(
        "permalinks.toml",
        "news = '/n/:slug/'\nopinion = '/o/:slug/'\n[page]\nsport = '/s/:slug/'",
    );
    write(
        "languages.yaml",
        "ar: {permalinks: {page: {news: '/akhbar/:slug/'}}}\nes: {}",
    );
    write("permalinks.es.json", r#"{"news": "/noticias/:slug/"}"#);
    let main = object(json!({
        "permalinks": {"opinion": "/avis/:slug/"},
        "languages": {"fr": {"permalinks": {"sport": "/sports/:slug/"}}},
    }));
    let languages = super::super::config::hugo_languages(folder.path(), &main).unwrap();
    let tags: Vec<&str> = languages.keys().map(String::as_str).collect();
    assert_eq!(tags, ["ar", "es", "fr"]);
    let made = super::super::config::hugo_permalinks(folder.path(), &main, &languages).unwrap();
    for (path, language, expected) in [
        ("news/a.md", None, "n/a/"),
        ("opinion/a.md", None, "avis/a/"),
        // The site's own language is French.
        ("sport/a.md", None, "sports/a/"),
        ("sport/a.md", Some("ar"), "ar/s/a/"),
        ("news/a.md", Some("ar"), "ar/akhbar/a/"),
        ("news/a.md", Some("es"), "es/noticias/a/"),
        ("other/a.md", Some("es"), "es/other/a/"),
    ] {
        let mut file = text(path, "a", None);
        file.language = language.map(str::to_owned);
        let found = address(&made, Kind::Hugo, json!({"title": "A"}), &file, None);
        assert_eq!(found.as_deref(), Some(expected), "{path} {language:?}");
    }
}

#[test]
fn patterns_of_hugo() {
    let file = text(
        "News/2024/2024-03-05-la-crue.md",
        "la-crue",
        Some("2024-03-05"),
    );
    let members = json!({"title": "La crue, « été » du Ziz!", "date": "2024-03-05T00:30:00+02:00"});
    for (pattern, expected) in [
        (
            "/:year/:month/:day/:slug/",
            Some("2024/03/05/la-crue-été-du-ziz/"),
        ),
        ("/:sections/:title", Some("news/2024/la-crue-été-du-ziz")),
        ("/a/:section/:filename/", Some("a/news/2024-03-05-la-crue/")),
        ("/:slugorcontentbasename/", Some("2024-03-05-la-crue/")),
        (
            "/:monthname/:weekday/:yearday/:contentbasename.html",
            Some("March/2/65/2024-03-05-la-crue.html"),
        ),
        (
            "/:sections[1:]/:contentbasename",
            Some("2024/2024-03-05-la-crue"),
        ),
        ("/:sections[:last]/x", Some("news/x")),
        ("/:sections[last]/x", Some("2024/x")),
        ("/:sections[0]/x", Some("news/x")),
        ("/:sections[1:1]/x", Some("x")),
        ("/:sections[5]/x", Some("x")),
        ("/:sections[1:0]/x", Some("x")),
        ("/:sections[0:99]/x", Some("news/2024/x")),
        ("/:sections[18446744073709551615]/x", None),
        ("/:sections[-1]/x", None),
        ("/:sections[", None),
        ("/:slug[0]/", None),
        ("/:unknown/", None),
    ] {
        for config in [
            json!({"permalinks": {"news": pattern}}),
            json!({"permalinks": {"page": {"news": pattern}, "term": {"news": "/no/"}}}),
        ] {
            let made = hugo(config);
            let made = address(&made, Kind::Hugo, members.clone(), &file, None);
            assert_eq!(made.as_deref(), expected, "{pattern}");
        }
    }
    let none = Permalinks::default();
    let plain = |members| address(&none, Kind::Hugo, members, &file, None);
    assert_eq!(
        plain(json!({})).as_deref(),
        Some("news/2024/2024-03-05-la-crue/")
    );
    assert_eq!(
        plain(json!({"slug": "autre"})).as_deref(),
        Some("news/2024/autre/")
    );
    let undated = hugo(json!({"permalinks": {"news": "/:year/:slug"}}));
    assert_eq!(
        address(&undated, Kind::Hugo, json!({"title": "T"}), &file, None),
        None
    );
    let ugly = hugo(json!({"uglyurls": true}));
    assert_eq!(
        address(&ugly, Kind::Hugo, json!({}), &file, None).as_deref(),
        Some("news/2024/2024-03-05-la-crue.html")
    );
    let mut arabic = text("a/b.md", "b", None);
    arabic.language = Some("ar".to_owned());
    assert_eq!(
        address(&none, Kind::Hugo, json!({}), &arabic, None).as_deref(),
        Some("ar/a/b/")
    );
}

#[test]
fn patterns_of_jekyll() {
    let file = text(
        "sport/_posts/2024-01-02-le-match.md",
        "le-match",
        Some("2024-01-02"),
    );
    let members = json!({"date": "2024-01-02 03:04:05 +0100", "categories": "Foot Local"});
    let of = |pattern: &str| {
        let made = Permalinks::jekyll(&object(json!({"permalink": pattern})));
        address(&made, Kind::Jekyll, members.clone(), &file, None)
    };
    for (pattern, expected) in [
        ("date", Some("sport/foot/local/2024/01/02/le-match.html")),
        ("pretty", Some("sport/foot/local/2024/01/02/le-match/")),
        ("ordinal", Some("sport/foot/local/2024/002/le-match.html")),
        (
            "weekdate",
            Some("sport/foot/local/2024/W01/Tue/le-match.html"),
        ),
        ("none", Some("sport/foot/local/le-match.html")),
        (
            "/:i_month-:i_day-:short_year/:hour:minute/:slug",
            Some("1-2-24/0304/le-match"),
        ),
        ("/:collection/:title", None),
    ] {
        assert_eq!(of(pattern).as_deref(), expected, "{pattern}");
    }
    let made = Permalinks::jekyll(&object(json!({"permalink": "none"})));
    let own = |said| address(&made, Kind::Jekyll, members.clone(), &file, said);
    assert_eq!(own(None).as_deref(), Some("sport/foot/local/le-match.html"));
    assert_eq!(
        own(Some("pretty")).as_deref(),
        Some("sport/foot/local/2024/01/02/le-match/")
    );
    let whole = json!({"category": "Foot Local"});
    assert_eq!(
        address(&made, Kind::Jekyll, whole, &file, None).as_deref(),
        Some("sport/foot local/le-match.html")
    );
}
