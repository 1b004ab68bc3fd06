//! `--help`: all of the program's use, made of the tables of subcommands, settings and exit codes.

use std::fmt::Write;
use std::io;

use crate::cli::arguments::SUBCOMMANDS;
use crate::cli::error::{EXIT_CODES, Error};
use crate::cli::terminal::{BOLD, CYAN, PLAIN, print, wants_colour};
use crate::config::SETTINGS;

/// Prints the help, with colours on a terminal.
pub fn print_help() -> Result<(), Error> {
    let text = help();
    print(if wants_colour(&io::stdout()) { coloured(&text) } else { text })
}

/// The text of the help.
pub fn help() -> String {
    const PROGRAM: &str = env!("CARGO_PKG_NAME");
    let mut text = format!(
        "{PROGRAM} {}: Prometheus exporter for Avalon home miners\n\n\
         Usage: AVALON_IPS=192.168.1.50,192.168.1.51 {PROGRAM} [SUBCOMMAND]\n\n\
         Without a subcommand it polls the miners and serves /metrics until SIGTERM or SIGINT.\n\nSubcommands:\n",
        env!("CARGO_PKG_VERSION")
    );
    for subcommand in SUBCOMMANDS {
        let _ = writeln!(text, "  {:<22} {}", subcommand.usage(), subcommand.help);
    }
    text.push_str("\nEnvironment variables (set exactly one of AVALON_IP and AVALON_IPS, or only PROBE_ALLOW):\n");
    for setting in SETTINGS {
        let default = setting.apply.default().map(|default| format!(" [{default}]")).unwrap_or_default();
        let _ = writeln!(text, "  {:<24} {}{default}", setting.name, setting.summary());
    }
    text.push_str("\nExit codes:\n");
    for (code, meaning) in EXIT_CODES {
        let _ = writeln!(text, "  {code}  {meaning}");
    }
    text
}

/// The headings in bold, and the first column of each table in colour.
fn coloured(text: &str) -> String {
    let mut coloured = String::new();
    for line in text.lines() {
        let name = line.strip_prefix("  ").and_then(|line| line.split("  ").next()).unwrap_or_default();
        let _ = match line.split_once(name).filter(|_| !name.is_empty()) {
            Some((before, after)) => writeln!(coloured, "{before}{CYAN}{}{PLAIN}{after}", name.trim_end()),
            None if line.ends_with(':') => writeln!(coloured, "{BOLD}{line}{PLAIN}"),
            None => writeln!(coloured, "{line}"),
        };
    }
    coloured
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subcommand_and_every_variable_with_its_default_is_there() {
        let text = help();
        for subcommand in SUBCOMMANDS {
            assert!(text.contains(&format!("\n  {} ", subcommand.name)));
        }
        for setting in SETTINGS {
            let line = text.lines().find(|line| line.split_whitespace().next() == Some(setting.name)).unwrap();
            let default = setting.apply.default();
            assert!(default.is_none_or(|default| line.ends_with(&format!("[{default}]"))), "{line}");
        }
    }

    #[test]
    fn colours_change_no_text() {
        let (text, coloured) = (help(), coloured(&help()));
        assert!(coloured.contains("\x1b[1mExit codes:\x1b[0m\n  \x1b[36m0\x1b[0m  success"), "{coloured}");
        assert_eq!([BOLD, CYAN, PLAIN].iter().fold(coloured, |text, code| text.replace(code, "")), text);
    }
}
