//! How far something long has come: a bar on a terminal, a line now and then elsewhere.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Where standard error is no terminal, a line this often.
const PLAIN_INTERVAL: Duration = Duration::from_secs(5);

pub struct Progress {
    name: String,
    bar: Option<ProgressBar>,
    last_line: Instant,
    started: Instant,
}

impl Progress {
    /// `None` where the end is not known.
    pub fn new(name: &str, end: Option<u64>) -> Self {
        Self {
            name: name.to_owned(),
            bar: io::stderr().is_terminal().then(|| bar(name, end)),
            last_line: Instant::now(),
            started: Instant::now(),
        }
    }

    pub fn move_to(&mut self, position: u64, counts: &str) {
        if let Some(bar) = &self.bar {
            bar.set_position(position);
            bar.set_message(counts.to_owned());
        } else if self.last_line.elapsed() >= PLAIN_INTERVAL {
            self.last_line = Instant::now();
            eprintln!("{}: {counts}", self.name);
        }
    }

    pub fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => eprintln!("{line}"),
        }
    }

    pub fn end(self, counts: &str) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let seconds = self.started.elapsed().as_secs_f32();
        eprintln!("{}: {counts} in {seconds:.1} s", self.name);
    }
}

fn bar(name: &str, end: Option<u64>) -> ProgressBar {
    let (bar, template) = match end {
        Some(end) => (
            ProgressBar::new(end),
            "{prefix} {wide_bar} {percent}% {msg} {eta}",
        ),
        None => (ProgressBar::new_spinner(), "{prefix} {spinner} {msg}"),
    };
    bar.set_draw_target(ProgressDrawTarget::stderr());
    bar.set_prefix(name.to_owned());
    // A template of ours is well formed.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}
