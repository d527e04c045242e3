//! What the configuration of a site says, wherever its generator lets it stand.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use crate::transfer::sources::item;
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

/// What stands in a file of its own in Hugo's folder of configurations, as if it stood in `member` of the main one.
fn apart(folder: &Path, name: &str, member: &str) -> Map<String, Value> {
    let inside = first(folder, &[&format!("config/_default/{name}")]);
    Map::from_iter([(member.to_owned(), Value::Object(inside))])
}

/// Whether the folder has a configuration of Hugo's.
pub fn is_hugo(folder: &Path) -> bool {
    let mut names = HUGO
        .iter()
        .flat_map(|name| CONFIGS.map(|end| format!("{name}.{end}")));
    names.any(|name| folder.join(name).is_file())
}

/// The first configuration that is there and can be read.
pub fn first(folder: &Path, names: &[&str]) -> Map<String, Value> {
    for name in names {
        for extension in CONFIGS {
            let path = folder.join(format!("{name}.{extension}"));
            let is_small = fs::metadata(&path).is_ok_and(|metadata| metadata.len() <= MAX_CONFIG);
            let Some(text) = is_small.then(|| fs::read_to_string(&path).ok()).flatten() else {
                continue;
            };
            let members = match extension {
                "toml" => front_matter::toml(&text),
                // JSON is YAML.
                _ => front_matter::yaml(&text),
            };
            if let Ok(members) = members {
                return members;
            }
            log::warn!("{} cannot be read, and is passed over", path.display());
        }
    }
    Map::new()
}
