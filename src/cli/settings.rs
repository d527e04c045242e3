//! `kiosque config`: every setting with its value in force.

use std::fmt::Write;

use crate::config;

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
    super::write_out(None, &text)
}

fn shown(default: &str) -> &str {
    if default.is_empty() { "empty" } else { default }
}
