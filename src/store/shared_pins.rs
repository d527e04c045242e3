//! Pins that hold for a whole translation group: an article without pins of its own shows those of its translations.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;

use crate::content::language;
use crate::db::Conn;
use crate::db::schema::{articles, curations};
use crate::error::Result;
use crate::store::CHUNK;
use crate::store::state::Whole;

/// Pins that an article takes over at the most. Not all of them need count at the same time.
const MAX_SHARED: usize = 2_000;
/// A pinned article, or a translation of one.
#[derive(Queryable, Clone)]
struct Target {
    num: i64,
    group: Option<String>,
    language: String,
}

/// Gives the pins of its translations to each article that has none. What is pinned stands there in the article's own
/// language first, where there is such a translation, then as it was pinned: the first that may be seen is shown.
/// Each is told with the translation whose pin it is, for it holds only while that may be seen.
pub fn add(conn: &mut Conn, wholes: &mut [Whole]) -> Result<()> {
    let groups: Vec<String> = wholes
        .iter()
        .filter(|whole| whole.curation.pins.is_empty())
        .filter_map(|whole| whole.row.translation_group.clone())
        .collect();
    if groups.is_empty() {
        return Ok(());
    }
    let pins = pins_of(conn, &groups)?;
    if pins.is_empty() {
        return Ok(());
    }
    let mut nums: Vec<i64> = pins.values().flatten().map(|(num, _)| *num).collect();
    nums.sort_unstable();
    nums.dedup();
    let targets = Targets::load(conn, &nums)?;
    for whole in wholes
        .iter_mut()
        .filter(|whole| whole.curation.pins.is_empty())
    {
        let group = whole.row.translation_group.as_ref();
        if let Some(pins) = group.and_then(|group| pins.get(group)) {
            whole.shared_pins = targets.as_seen_from(&whole.row.language, pins);
        }
    }
    Ok(())
}

/// What the articles of these groups pin, by group, each with the article that pins it.
fn pins_of(conn: &mut Conn, groups: &[String]) -> Result<HashMap<String, Vec<(i64, i64)>>> {
    let rows: Vec<(Option<String>, i64, i64)> = curations::table
        .inner_join(articles::table.on(articles::num.eq(curations::article_num)))
        .filter(articles::translation_group.eq_any(groups))
        .filter(articles::deleted_at.is_null())
        .filter(curations::kind.eq("pin"))
        .order((
            articles::translation_group,
            curations::article_num,
            curations::position,
            curations::target_num,
        ))
        .select((
            articles::translation_group,
            curations::target_num,
            curations::article_num,
        ))
        .load(conn)?;
    let mut by_group: HashMap<String, Vec<(i64, i64)>> = HashMap::new();
    for (group, target, by) in rows {
        let pins = by_group.entry(group.unwrap_or_default()).or_default();
        if pins.len() < MAX_SHARED {
            pins.push((target, by));
        }
    }
    Ok(by_group)
}

/// Pinned articles with their translations.
struct Targets {
    by_num: HashMap<i64, Target>,
    by_group: HashMap<String, Vec<Target>>,
}

impl Targets {
    fn load(conn: &mut Conn, nums: &[i64]) -> Result<Self> {
        let mut by_num = HashMap::new();
        for nums in nums.chunks(CHUNK) {
            let rows: Vec<Target> = articles::table
                .filter(articles::num.eq_any(nums))
                .select((
                    articles::num,
                    articles::translation_group,
                    articles::language,
                ))
                .load(conn)?;
            by_num.extend(rows.into_iter().map(|row| (row.num, row)));
        }
        let mut groups: Vec<&String> = by_num
            .values()
            .filter_map(|target| target.group.as_ref())
            .collect();
        groups.sort_unstable();
        groups.dedup();
        let mut by_group: HashMap<String, Vec<Target>> = HashMap::new();
        for groups in groups.chunks(CHUNK) {
            let rows: Vec<Target> = articles::table
                .filter(articles::translation_group.eq_any(groups))
                .filter(articles::deleted_at.is_null())
                .order((articles::language, articles::num))
                .select((
                    articles::num,
                    articles::translation_group,
                    articles::language,
                ))
                .load(conn)?;
            for row in rows {
                let group = row.group.clone().unwrap_or_default();
                by_group.entry(group).or_default().push(row);
            }
        }
        Ok(Self { by_num, by_group })
    }

    fn as_seen_from(&self, own: &str, pins: &[(i64, i64)]) -> Vec<(i64, i64)> {
        let mut seen = Vec::with_capacity(pins.len());
        let mut met = HashSet::with_capacity(pins.len());
        for &(pin, by) in pins {
            let translations = self.translations(pin, own);
            for num in translations.into_iter().chain([pin]) {
                if met.insert((num, by)) {
                    seen.push((num, by));
                }
            }
        }
        seen
    }

    /// Those in just this language before those in a variant of it, for the first may not be seen.
    fn translations(&self, pin: i64, own: &str) -> Vec<i64> {
        let Some(pinned) = self.by_num.get(&pin) else {
            return Vec::new();
        };
        let siblings = pinned.group.as_ref();
        let siblings = siblings.and_then(|group| self.by_group.get(group));
        let Some(siblings) = siblings.filter(|_| pinned.language != own) else {
            return Vec::new();
        };
        let (exact, others): (Vec<&Target>, Vec<&Target>) =
            siblings.iter().partition(|sibling| sibling.language == own);
        let near = others
            .into_iter()
            .filter(|sibling| language::primary(&sibling.language) == language::primary(own));
        exact
            .into_iter()
            .chain(near)
            .map(|sibling| sibling.num)
            .collect()
    }
}
