//! `kiosque config`: every setting with its value in force.

use std::fmt::Write;

use crate::config::{self, Config};

pub fn run() -> Result<(), String> {
    let mut text = String::new();
    for (setting, value) in config::in_force() {
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "{}={value}\n    {} (default: {})",
            setting.name,
            setting.help,
            shown(setting.default)
        );
    }
    super::write_out(None, &text)?;
    // Listed first, so that what is wrong can be seen beside what is said of it.
    Config::from_env().map(drop)
}

fn shown(default: &str) -> &str {
    if default.is_empty() { "empty" } else { default }
}
