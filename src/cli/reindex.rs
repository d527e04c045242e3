//! `kiosque reindex`: builds the full-text index and the related engine's file anew.

use std::sync::{Arc, RwLock};
use std::thread;
use std::time::Duration;

use crate::config::Config;
use crate::content::time::Clock;
use crate::follower::{Follower, RelatedIndex, SearchIndex};
use crate::related::{Engine, Home};
use crate::search;
use crate::store::identity;

pub fn run(config: &Config) -> Result<(), String> {
    let database = super::open(config)?;
    let clock = Clock::default();
    let store_id = identity::of(&database, clock.now()).map_err(|error| error.to_string())?;
    let claim = search::claim(&config.search_dir, &store_id).map_err(|error| error.to_string())?;
    let index = claim.index();
    let settings = super::related_settings(config);
    let engine = Arc::new(RwLock::new(Engine::new(settings.clone())));
    let home = Home {
        dir: config.search_dir.clone(),
        store: store_id,
        last: None,
        lasts: 0,
    };
    // Without a last line each counts as never built.
    let search = SearchIndex::new(claim, None);
    let related = RelatedIndex::new(engine, settings, home, None, clock, config.workers);
    let follower = Follower::start(
        &database,
        vec![Box::new(search), Box::new(related)],
        config.follow_interval,
    )
    .map_err(|error| format!("cannot start a thread: {error}"))?;
    let progress = follower.progress();
    while !(progress.is_ready(SearchIndex::NAME) && progress.is_ready(RelatedIndex::NAME)) {
        thread::sleep(Duration::from_millis(50));
    }
    follower.stop();
    log::info!(
        "{} articles in {}",
        index.len(),
        config.search_dir.display()
    );
    Ok(())
}
