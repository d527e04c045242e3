//! `kiosque mirror`: keeps the local store equal to the public part of another Kiosque.

use std::path::PathBuf;

use clap::Args;

use crate::config::Config;
use crate::content::time::Clock;
use crate::mirror;

#[derive(Args)]
pub struct Mirror {
    /// The address of the other Kiosque, as in https://news.example
    #[arg(value_name = "URL")]
    url: String,
    /// Stop when everything there is has been taken in
    #[arg(long)]
    once: bool,
    /// A file with an API key of the other Kiosque
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

impl Mirror {
    pub fn run(&self, config: &Config) -> Result<(), String> {
        let key = self.key_file.as_ref().map(read_key).transpose()?;
        let mirror = mirror::Mirror {
            source: mirror::Source::new(&self.url, key.as_deref())?,
            database: super::open(config)?,
            clock: Clock::default(),
            once: self.once,
        };
        log::info!("follows {}", mirror.source.url());
        let ended = mirror.run()?;
        log::info!("is equal to {} at line {}", mirror.source.url(), ended.seq);
        Ok(())
    }
}

fn read_key(path: &PathBuf) -> Result<String, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let key = text.trim();
    let is_sound = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic());
    match is_sound {
        true => Ok(key.to_owned()),
        false => Err(format!("{} does not hold one key", path.display())),
    }
}
