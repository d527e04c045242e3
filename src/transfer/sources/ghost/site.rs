//! What a Ghost export says beside its articles: tags, authors, and which article has which.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::ControlFlow;

use serde::Deserialize;

use crate::content::check::{MAX_KEY, MAX_NAME, MAX_TEXT};
use crate::transfer::sources::ghost::tables::{Key, Rows};
use crate::transfer::sources::item::{MAX_TAGS, Tag};
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
    /// Articles that were only ever sent by mail.
    mailed: HashSet<u64>,
    /// All that is in the above.
    rows: usize,
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
    #[serde(default)]
    email_only: Option<Key>,
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
    /// Beyond those that a line may have.
    pub over: u64,
}

impl Site {
    pub fn tags(&self, post: &Key) -> Tagged {
        let mut tagged = Tagged {
            tags: Vec::new(),
            internal: 0,
            over: 0,
        };
        for (_, id) in in_order(self.tagged.get(&digest(post))) {
            let Some(row) = self.tags.get(&id) else {
                continue;
            };
            if row.name.starts_with('#') || row.visibility.as_deref() == Some("internal") {
                tagged.internal += 1;
                continue;
            }
            if tagged.tags.len() >= MAX_TAGS {
                tagged.over += 1;
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
            false => {
                let named = several.iter().filter_map(|(_, id)| named(id));
                named.take(MAX_TAGS).collect()
            }
        }
    }

    pub fn is_mailed(&self, post: &Key) -> bool {
        self.mailed.contains(&digest(post))
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
        self.rows += 1;
        match table {
            // That one is for members is known of every article.
            _ if self.rows > MAX_ROWS && table != "posts_meta" => {}
            "tags" => {
                if let Ok(mut tag) = serde_json::from_str::<TagRow>(row) {
                    text::cut(&mut tag.name, MAX_NAME);
                    for text in [&mut tag.slug, &mut tag.description].into_iter().flatten() {
                        text::cut(text, MAX_TEXT);
                    }
                    self.tags.insert(tag.id.clone(), tag);
                }
            }
            "users" => {
                if let Ok(user) = serde_json::from_str::<UserRow>(row) {
                    let mut name = user.name.trim().to_owned();
                    text::cut(&mut name, MAX_NAME);
                    self.authors.insert(user.id, name);
                }
            }
            "posts_tags" => relate(&mut self.tagged, row),
            "posts_authors" => relate(&mut self.written, row),
            "posts_meta" => {
                if let Ok(meta) = serde_json::from_str::<Meta>(row) {
                    self.note(meta);
                }
            }
            _ => {
                if let Ok(setting) = serde_json::from_str::<Setting>(row) {
                    let value = setting.value.unwrap_or_default().0;
                    match setting.key.as_str() {
                        "title" => {
                            self.title = value;
                            text::cut(&mut self.title, MAX_NAME);
                        }
                        "lang" | "locale" | "default_locale" => self.language = value,
                        _ => {}
                    }
                }
            }
        }
        ControlFlow::Continue(())
    }
}

impl Site {
    fn note(&mut self, meta: Meta) {
        let post = digest(&meta.post_id);
        let is_mailed = meta.email_only.unwrap_or_default().0;
        if !matches!(is_mailed.as_str(), "" | "0" | "false") {
            self.mailed.insert(post);
        }
        let mut described = Described {
            alt: meta.feature_image_alt,
            caption: meta.feature_image_caption.as_deref().map(text::plain),
        };
        if self.rows > MAX_ROWS || described.alt.is_none() && described.caption.is_none() {
            return;
        }
        for text in [&mut described.alt, &mut described.caption]
            .into_iter()
            .flatten()
        {
            text::cut(text, MAX_TEXT);
        }
        self.pictures.insert(post, described);
    }
}

fn relate(relations: &mut HashMap<u64, Vec<(i64, Key)>>, row: &str) {
    if let Ok(relation) = serde_json::from_str::<Relation>(row)
        && relation.tag_id.0.len() <= MAX_KEY
    {
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
