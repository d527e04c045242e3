//! What a copy of an article needs besides what readers see: as much of it as the caller may know.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use crate::api::change_views::{PinningView, ReplicaView, TagCopyView};
use crate::content::sight::Sight;
use crate::db::Conn;
use crate::error::Result;
use crate::store::articles::{self, ArticleRow};
use crate::store::copies;
use crate::store::curations::{self, Curation};
use crate::store::{aliases, sights, tags};

/// By number: of those that are shown everything, of others that are known by what names they were.
///
/// # Errors
/// When the database fails.
pub fn replicas(
    conn: &mut Conn,
    shown: &[ArticleRow],
    known: &[i64],
    sight: &Sight,
    now: DateTime<Utc>,
) -> Result<HashMap<i64, ReplicaView>> {
    let mut former = aliases::of(conn, known)?;
    let mut replicas: HashMap<i64, ReplicaView> = known
        .iter()
        .map(|num| {
            let former = former.remove(num).unwrap_or_default().into_iter();
            let replica = ReplicaView {
                former_slugs: former
                    .filter_map(|(slug, public)| public.then_some(slug))
                    .collect(),
                ..ReplicaView::empty()
            };
            (*num, replica)
        })
        .collect();
    let nums: Vec<i64> = shown.iter().map(|row| row.num).collect();
    let borne = tags::of_articles(conn, &nums)?;
    let on_shown: HashSet<i64> = borne.values().flatten().map(|tag| tag.num).collect();
    let tag_nums: Vec<i64> = on_shown.iter().copied().collect();
    let eyes = (sight, &on_shown);
    let copies = copies::tags(conn, &tag_nums, &HashSet::new(), eyes, now)?;
    let pins = Pins::load(conn, &nums, sight, now)?;
    for row in shown {
        let Some(replica) = replicas.get_mut(&row.num) else {
            continue;
        };
        replica.translation_group.clone_from(&row.translation_group);
        replica.related = Some(row.related.clone());
        replica.pins = pins.of(row.num);
        replica.pinned_by = pins.by(row.num);
        let tags = borne.get(&row.num).into_iter().flatten();
        replica.tags = tags
            .filter_map(|tag| copies.get(&tag.num).map(TagCopyView::from))
            .collect();
    }
    Ok(replicas)
}

/// Which articles pin which, of those that are readable.
struct Pins {
    curations: HashMap<i64, Curation>,
    pinning: HashMap<i64, Vec<i64>>,
    ids: HashMap<i64, String>,
}

impl Pins {
    fn load(conn: &mut Conn, nums: &[i64], sight: &Sight, now: DateTime<Utc>) -> Result<Self> {
        let pinning = copies::pinning(conn, nums)?;
        let all: HashSet<i64> = nums
            .iter()
            .chain(pinning.values().flatten())
            .copied()
            .collect();
        let mut curations = HashMap::new();
        // SQLite takes 32,766 values in a query.
        for nums in all.iter().copied().collect::<Vec<_>>().chunks(10_000) {
            curations.extend(curations::of(conn, nums)?);
        }
        let pins = curations.values().flat_map(|curation| &curation.pins);
        let named: HashSet<i64> = all.iter().chain(pins).copied().collect();
        let named: Vec<i64> = named.into_iter().collect();
        let rows = articles::by_nums(conn, &named)?;
        let rows = sights::seen(conn, sight, rows, now)?;
        let ids = rows.into_iter().map(|row| (row.num, row.id));
        Ok(Self {
            ids: ids.collect(),
            curations,
            pinning,
        })
    }

    /// What an article pins.
    fn of(&self, num: i64) -> Vec<String> {
        let pins = self.curations.get(&num).into_iter();
        pins.flat_map(|curation| &curation.pins)
            .filter_map(|num| self.ids.get(num).cloned())
            .collect()
    }

    /// What pins an article.
    fn by(&self, num: i64) -> Vec<PinningView> {
        let pinning = self.pinning.get(&num).into_iter().flatten();
        pinning
            .filter_map(|by| {
                Some(PinningView {
                    id: self.ids.get(by)?.clone(),
                    pins: self.of(*by),
                })
            })
            .collect()
    }
}
