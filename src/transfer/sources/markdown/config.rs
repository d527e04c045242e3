//! What the configuration of a site says, wherever its generator lets it stand.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use serde_json::{Map, Value};

use crate::transfer::sources::item;
use crate::transfer::sources::markdown::files;
use crate::transfer::sources::markdown::front_matter;
use crate::transfer::sources::markdown::permalinks::{self, Permalinks};

/// Bytes of a configuration.
const MAX_CONFIG: u64 = 1024 * 1024;
/// Where Hugo's configuration may be.
pub const HUGO: [&str; 4] = [
    "hugo",
    "config",
    "config/_default/hugo",
    "config/_default/config",
];
pub const JEKYLL: [&str; 1] = ["_config"];
const CONFIGS: [&str; 4] = ["toml", "yaml", "yml", "json"];

/// What a configuration says of each language.
pub fn languages(config: &Map<String, Value>) -> BTreeMap<String, Map<String, Value>> {
    let declared = config.get("languages").and_then(Value::as_object);
    let declared = declared.into_iter().flatten();
    let members = |value: &Value| value.as_object().cloned().unwrap_or_default();
    declared
        .filter_map(|(key, value)| Some((item::language(key)?, members(value))))
        .collect()
}

/// Hugo's languages also stand in a file of their own.
pub fn hugo_languages(
    folder: &Path,
    main: &Map<String, Value>,
) -> BTreeMap<String, Map<String, Value>> {
    let mut all = languages(main);
    let apart = apart(folder, "languages", "languages");
    for (language, members) in languages(&apart) {
        all.entry(language).or_insert(members);
    }
    all
}

/// So do Hugo's patterns of addresses, those of all languages and those of one.
pub fn hugo_permalinks(
    folder: &Path,
    main: &Map<String, Value>,
    languages: &BTreeMap<String, Map<String, Value>>,
) -> Permalinks {
    let in_file = |name: &str| permalinks::by_section(&apart(folder, name, "permalinks"));
    let with = |mut own: HashMap<String, String>, apart: HashMap<String, String>| {
        for (section, pattern) in apart {
            own.entry(section).or_insert(pattern);
        }
        own
    };
    let by_language = languages.iter().map(|(language, members)| {
        let apart = in_file(&format!("permalinks.{language}"));
        (
            language.clone(),
            with(permalinks::by_section(members), apart),
        )
    });
    let of_all = with(permalinks::by_section(main), in_file("permalinks"));
    Permalinks::hugo(main, of_all, by_language)
}

/// The names of Hugo's taxonomies, under which texts have their terms.
pub fn hugo_taxonomies(
    folder: &Path,
    main: &Map<String, Value>,
    languages: &BTreeMap<String, Map<String, Value>>,
) -> BTreeSet<String> {
    let apart = apart(folder, "taxonomies", "taxonomies");
    let declared = [main, &apart].into_iter().chain(languages.values());
    let declared = declared.filter_map(|members| members.get("taxonomies")?.as_object());
    let names = declared.flat_map(|terms| terms.values().filter_map(Value::as_str));
    names.map(|name| name.trim().to_lowercase()).collect()
}

/// Hugo's configuration, with what it says of all texts, also where that stands in a file of its own.
pub fn hugo_with_cascade(folder: &Path, main: &Map<String, Value>) -> Map<String, Value> {
    let mut config = main.clone();
    if !config.contains_key("cascade") {
        config.extend(apart(folder, "cascade", "cascade"));
    }
    config
}

/// What stands in a file of its own in Hugo's folder of configurations, as if it stood in `member` of the main one.
fn apart(folder: &Path, name: &str, member: &str) -> Map<String, Value> {
    let inside = first(folder, &[&format!("config/_default/{name}")]);
    Map::from_iter([(member.to_owned(), Value::Object(inside))])
}

/// The texts of the site of Hugo that a folder is, or is inside, and where that site is.
pub fn hugo_above(folder: &Path) -> Option<(&Path, &Path)> {
    let content = folder
        .ancestors()
        .find(|folder| folder.ends_with("content"))?;
    let site = content.parent().filter(|site| is_there(site, &HUGO))?;
    Some((content, site))
}

/// Whether the folder has a configuration of one of these names.
pub fn is_there(folder: &Path, names: &[&str]) -> bool {
    let mut names = names
        .iter()
        .flat_map(|name| CONFIGS.map(|end| format!("{name}.{end}")));
    names.any(|name| folder.join(name).is_file())
}

/// The first configuration that is there and can be read.
pub fn first(folder: &Path, names: &[&str]) -> Map<String, Value> {
    for name in names {
        for extension in CONFIGS {
            let path = folder.join(format!("{name}.{extension}"));
            if !path.exists() {
                continue;
            }
            let text = files::read(&path, MAX_CONFIG).and_then(files::text);
            let members = text.and_then(|text| match extension {
                "toml" => front_matter::toml(&text),
                // JSON is YAML.
                _ => front_matter::yaml(&text),
            });
            if let Ok(members) = members {
                return members;
            }
            log::warn!("{} cannot be read, and is passed over", path.display());
        }
    }
    Map::new()
}
