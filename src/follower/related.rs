//! Keeps the related engine up to date.

use std::sync::{Arc, PoisonError, RwLock};
use std::thread;

use crate::error::Result;
use crate::follower::Derived;
use crate::related::{Article, Engine, Profile, Settings, Window};
use crate::store::state::Whole;

pub struct RelatedIndex {
    engine: Arc<RwLock<Engine>>,
    position: Option<i64>,
    threads: usize,
}

impl RelatedIndex {
    pub const NAME: &'static str = "related";

    pub fn new(engine: Arc<RwLock<Engine>>, threads: usize) -> Self {
        Self {
            engine,
            position: None,
            threads: threads.max(1),
        }
    }

    fn write(&self, work: impl FnOnce(&mut Engine)) {
        work(&mut self.engine.write().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Derived for RelatedIndex {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn position(&self) -> Option<i64> {
        self.position
    }

    fn clear(&mut self) -> Result<()> {
        self.position = None;
        self.write(|engine| *engine = Engine::new(Settings::default()));
        Ok(())
    }

    fn put(&mut self, articles: &[Whole]) -> Result<()> {
        // The analysis takes the time and needs no lock; taking a profile in is short.
        let share = articles.len().div_ceil(self.threads).max(1);
        let profiles: Vec<(i64, Option<Profile>)> = thread::scope(|scope| {
            let shares: Vec<_> = articles
                .chunks(share)
                .map(|articles| scope.spawn(|| articles.iter().map(profile).collect::<Vec<_>>()))
                .collect();
            shares
                .into_iter()
                .flat_map(|share| share.join().unwrap_or_default())
                .collect()
        });
        for (num, profile) in profiles {
            self.write(|engine| match profile {
                Some(profile) => engine.upsert(profile),
                None => {
                    engine.remove(num);
                }
            });
        }
        Ok(())
    }

    fn remove(&mut self, num: i64) -> Result<()> {
        self.write(|engine| {
            engine.remove(num);
        });
        Ok(())
    }

    fn commit(&mut self, position: i64) -> Result<()> {
        self.position = Some(position);
        Ok(())
    }
}

/// What the engine keeps of an article; none of one that the public will not see as it stands.
fn profile(article: &Whole) -> (i64, Option<Profile>) {
    let row = &article.row;
    let window = row.visibility().window().zip(row.published_at);
    let profile = window.map(|((from, until), published_at)| {
        let tags: Vec<i64> = article.tags.iter().map(|tag| tag.num).collect();
        Profile::of(&Article {
            num: row.num,
            language: &row.language,
            headline: &row.headline,
            standfirst: row.standfirst.as_deref(),
            body: &article.body.text,
            tags: &tags,
            published_at: published_at.and_utc().timestamp(),
            visible: Window {
                from: from.timestamp_micros(),
                until: until.map_or(i64::MAX, |until| until.timestamp_micros()),
            },
            translation_group: row.translation_group.as_deref(),
            pins: &article.curation.pins,
            bans: &article.curation.bans,
            sensitive: row.related == "never",
        })
    });
    (row.num, profile)
}
