//! What a Ghost export says beside its articles: tags, authors, and which article has which.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::ControlFlow;

use serde::Deserialize;

use crate::transfer::sources::ghost::tables::{Key, Rows};
use crate::transfer::sources::item::Tag;
use crate::transfer::sources::text;

/// Relations and descriptions that are remembered.
const MAX_ROWS: usize = 5_000_000;

#[derive(Default)]
pub struct Site {
    pub title: String,
    pub language: String,
    tags: HashMap<Key, TagRow>,
    authors: HashMap<Key, String>,
    /// By article, whose long name is kept as a digest.
    tagged: HashMap<u64, Vec<(i64, Key)>>,
    written: HashMap<u64, Vec<(i64, Key)>>,
    pictures: HashMap<u64, Described>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct TagRow {
    id: Key,
    name: String,
    #[serde(default)]
    slug: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    visibility: Option<String>,
}

#[derive(Deserialize)]
struct UserRow {
    id: Key,
    name: String,
}

#[derive(Deserialize)]
struct Relation {
    post_id: Key,
    #[serde(alias = "author_id")]
    tag_id: Key,
    #[serde(default)]
    sort_order: Option<i64>,
}

#[derive(Deserialize)]
struct Meta {
    post_id: Key,
    #[serde(default)]
    feature_image_alt: Option<String>,
    #[serde(default)]
    feature_image_caption: Option<String>,
}

#[derive(Deserialize)]
struct Setting {
    key: String,
    #[serde(default)]
    value: Option<Key>,
}

/// What is said of an article's picture.
#[derive(Clone, Debug, Default)]
pub struct Described {
    pub alt: Option<String>,
    pub caption: Option<String>,
}

/// The tags of an article, and how many of them are only for its editors.
pub struct Tagged {
    pub tags: Vec<Tag>,
    pub internal: u64,
}

impl Site {
    pub fn tags(&self, post: &Key) -> Tagged {
        let mut tagged = Tagged {
            tags: Vec::new(),
            internal: 0,
        };
        for (_, id) in in_order(self.tagged.get(&digest(post))) {
            let Some(row) = self.tags.get(&id) else {
                continue;
            };
            if row.name.starts_with('#') || row.visibility.as_deref() == Some("internal") {
                tagged.internal += 1;
                continue;
            }
            let mut tag = Tag::new("keyword", &row.name);
            tag.slug = row.slug.as_deref().and_then(text::slug);
            tag.description = row
                .description
                .clone()
                .filter(|text| !text.trim().is_empty());
            tagged.tags.push(tag);
        }
        tagged
    }

    pub fn authors(&self, post: &Key, old: &Key) -> Vec<String> {
        let several = in_order(self.written.get(&digest(post)));
        let named = |id: &Key| self.authors.get(id).cloned();
        match several.is_empty() {
            true => named(old).into_iter().collect(),
            false => several.iter().filter_map(|(_, id)| named(id)).collect(),
        }
    }

    pub fn picture(&self, post: &Key) -> Described {
        self.pictures
            .get(&digest(post))
            .cloned()
            .unwrap_or_default()
    }
}

impl Rows for Site {
    fn wants(&self, table: &str) -> bool {
        matches!(
            table,
            "tags" | "users" | "posts_tags" | "posts_authors" | "posts_meta" | "settings"
        )
    }

    /// What is not as expected costs its own relation alone.
    fn row(&mut self, table: &str, row: &str) -> ControlFlow<()> {
        let has_room = self.tagged.len().max(self.written.len()) < MAX_ROWS
            && self.tags.len().max(self.authors.len()) < MAX_ROWS;
        match table {
            _ if !has_room => {}
            "tags" => {
                if let Ok(tag) = serde_json::from_str::<TagRow>(row) {
                    self.tags.insert(tag.id.clone(), tag);
                }
            }
            "users" => {
                if let Ok(user) = serde_json::from_str::<UserRow>(row) {
                    self.authors.insert(user.id, user.name.trim().to_owned());
                }
            }
            "posts_tags" => relate(&mut self.tagged, row),
            "posts_authors" => relate(&mut self.written, row),
            "posts_meta" => {
                if let Ok(meta) = serde_json::from_str::<Meta>(row)
                    && (meta.feature_image_alt.is_some() || meta.feature_image_caption.is_some())
                {
                    let described = Described {
                        alt: meta.feature_image_alt,
                        caption: meta.feature_image_caption.as_deref().map(text::plain),
                    };
                    self.pictures.insert(digest(&meta.post_id), described);
                }
            }
            _ => {
                if let Ok(setting) = serde_json::from_str::<Setting>(row) {
                    let value = setting.value.unwrap_or_default().0;
                    match setting.key.as_str() {
                        "title" => self.title = value,
                        "lang" | "locale" | "default_locale" => self.language = value,
                        _ => {}
                    }
                }
            }
        }
        ControlFlow::Continue(())
    }
}

fn relate(relations: &mut HashMap<u64, Vec<(i64, Key)>>, row: &str) {
    if let Ok(relation) = serde_json::from_str::<Relation>(row) {
        let of_post = relations.entry(digest(&relation.post_id)).or_default();
        of_post.push((relation.sort_order.unwrap_or_default(), relation.tag_id));
    }
}

fn in_order(relations: Option<&Vec<(i64, Key)>>) -> Vec<(i64, Key)> {
    let mut relations = relations.cloned().unwrap_or_default();
    // Those of one place stay as they came.
    relations.sort_by_key(|(order, _)| *order);
    relations
}

fn digest(key: &Key) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}
