//! `check-config`: the settings as they were understood.

use std::fmt::Write;

use crate::cli::error::Error;
use crate::cli::terminal::print;
use crate::config::Config;

/// Prints what would run.
pub fn check_config(config: &Config) -> Result<(), Error> {
    print(describe(config))
}

/// The miners and the settings as they were understood, a line each.
pub fn describe(config: &Config) -> String {
    let mut text = String::new();
    for target in &config.targets {
        let name = target.name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        let _ = writeln!(text, "miner {}{name} at {} port {}", target.label, target.host, target.port);
    }
    for (name, value) in config.lines() {
        let _ = writeln!(text, "{name}={value}");
    }
    text
}
