//! `kiosque reindex`: builds the full-text index anew.

use std::thread;
use std::time::Duration;

use crate::config::Config;
use crate::content::time::Clock;
use crate::follower::{Follower, SearchIndex};
use crate::search;
use crate::store::identity;

pub fn run(config: &Config) -> Result<(), String> {
    let database = super::open(config)?;
    let store_id =
        identity::of(&database, Clock::default().now()).map_err(|error| error.to_string())?;
    let (index, writer, _) =
        search::open(&config.search_dir, &store_id).map_err(|error| error.to_string())?;
    // Without a position it counts as never built.
    let derived = SearchIndex::new(writer, None);
    let follower = Follower::start(&database, vec![Box::new(derived)], config.follow_interval)
        .map_err(|error| format!("cannot start a thread: {error}"))?;
    while !follower.progress().is_ready(SearchIndex::NAME) {
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
