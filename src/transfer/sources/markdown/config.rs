//! What the configuration of a site says, wherever its generator lets it stand.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::Path;

use serde_json::{Map, Value};

use crate::transfer::sources::item;
use crate::transfer::sources::markdown::cascade::{self, Rule};
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
///
/// # Errors
/// Where a configuration cannot be read; so have those below.
pub fn hugo_languages(
    folder: &Path,
    main: &Map<String, Value>,
) -> io::Result<BTreeMap<String, Map<String, Value>>> {
    let mut all = languages(main);
    let apart = apart(folder, "languages", "languages")?;
    for (language, members) in languages(&apart) {
        let own = all.entry(language).or_default();
        for (name, value) in members {
            own.entry(name).or_insert(value);
        }
    }
    Ok(all)
}

/// So do Hugo's patterns of addresses, those of all languages and those of one.
pub fn hugo_permalinks(
    folder: &Path,
    main: &Map<String, Value>,
    languages: &BTreeMap<String, Map<String, Value>>,
) -> io::Result<Permalinks> {
    let in_file = |name: &str| {
        let apart = apart(folder, name, "permalinks")?;
        io::Result::Ok(permalinks::by_section(&apart))
    };
    let with = |mut own: HashMap<String, String>, apart: HashMap<String, String>| {
        for (section, pattern) in apart {
            own.entry(section).or_insert(pattern);
        }
        own
    };
    let by_language = languages.iter().map(|(language, members)| {
        let apart = in_file(&format!("permalinks.{language}"))?;
        let patterns = with(permalinks::by_section(members), apart);
        Ok((language.clone(), patterns))
    });
    let by_language = by_language.collect::<io::Result<Vec<_>>>()?;
    let of_all = with(permalinks::by_section(main), in_file("permalinks")?);
    Ok(Permalinks::hugo(main, of_all, by_language))
}

/// The names of Hugo's taxonomies, under which texts have their terms.
pub fn hugo_taxonomies(
    folder: &Path,
    main: &Map<String, Value>,
    languages: &BTreeMap<String, Map<String, Value>>,
) -> io::Result<BTreeSet<String>> {
    let apart = apart(folder, "taxonomies", "taxonomies")?;
    let declared = [main, &apart].into_iter().chain(languages.values());
    let declared = declared.filter_map(|members| members.get("taxonomies")?.as_object());
    let names = declared.flat_map(|terms| terms.values().filter_map(Value::as_str));
    Ok(names.map(|name| name.trim().to_lowercase()).collect())
}

/// Hugo's rules for texts, those of each language first, also where they stand in files of their own.
pub fn hugo_cascade(
    folder: &Path,
    main: &Map<String, Value>,
    languages: &BTreeMap<String, Map<String, Value>>,
) -> io::Result<Vec<Rule>> {
    let in_file = |name: &str, members: &Map<String, Value>| match members.contains_key("cascade") {
        true => cascade::rules(members).map_err(io::Error::other),
        false => cascade::rules(&apart(folder, name, "cascade")?).map_err(io::Error::other),
    };
    let mut all = Vec::new();
    for (language, members) in languages {
        let rules = in_file(&format!("cascade.{language}"), members)?;
        all.extend(rules.into_iter().map(|rule| rule.in_language(language)));
    }
    all.extend(in_file("cascade", main)?);
    Ok(all)
}

/// What stands in a file of its own in Hugo's folder of configurations, as if it stood in `member` of the main one.
fn apart(folder: &Path, name: &str, member: &str) -> io::Result<Map<String, Value>> {
    let inside = first(folder, &[&format!("config/_default/{name}")])?;
    Ok(Map::from_iter([(member.to_owned(), Value::Object(inside))]))
}

/// The texts of the site of Hugo that a folder is, or is inside, and where that site is.
pub fn hugo_above(folder: &Path) -> Option<(&Path, &Path)> {
    let content = folder
        .ancestors()
        .find(|folder| folder.ends_with("content"))?;
    let is_site = |site: &Path| is_there(site, &HUGO) || site.join("config/_default").is_dir();
    let site = content.parent().filter(|site| is_site(site))?;
    Some((content, site))
}

/// Whether the folder has a configuration of one of these names.
pub fn is_there(folder: &Path, names: &[&str]) -> bool {
    let mut names = names
        .iter()
        .flat_map(|name| CONFIGS.map(|end| format!("{name}.{end}")));
    names.any(|name| folder.join(name).is_file())
}

/// The first configuration that is there.
///
/// # Errors
/// Where it cannot be read: it may say that texts are hidden.
pub fn first(folder: &Path, names: &[&str]) -> io::Result<Map<String, Value>> {
    for name in names {
        for extension in CONFIGS {
            let path = folder.join(format!("{name}.{extension}"));
            if matches!(path.try_exists(), Ok(false)) {
                continue;
            }
            let text = files::read(&path, MAX_CONFIG).and_then(files::text);
            let members = text.and_then(|text| {
                let text = text.trim_start_matches('\u{feff}');
                match extension {
                    "toml" => front_matter::toml(text),
                    "json" => front_matter::json_of_site(text),
                    _ => front_matter::yaml_of_site(text),
                }
            });
            let told = |reason| {
                let path = path.display();
                io::Error::other(format!("{path}, the site's configuration, {reason}"))
            };
            return members.map_err(told);
        }
    }
    Ok(Map::new())
}
