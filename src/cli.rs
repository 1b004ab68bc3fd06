//! The subcommands: which words there are, and what those do that are not the service itself.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::config::{Config, EXPORTER_PORT, VARIABLES};
use crate::poll::Poller;
use crate::render::{self, VERSION, View};
use crate::store::Store;

const PROGRAM: &str = env!("CARGO_PKG_NAME");

/// What the program was told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Poll and serve until a signal comes: what it does without a word.
    Serve,
    /// Ask the exporter on this machine whether it is well.
    Healthcheck,
    /// Poll all miners once and print the page.
    Once,
    /// Check the settings and print what would run.
    CheckConfig,
    /// Print the version.
    Version,
    /// Print how to use the program.
    Help,
}

/// The words, with what `--help` says of each.
const COMMANDS: &[(&str, Command, &str)] = &[
    ("healthcheck", Command::Healthcheck, "ask the exporter on this machine whether it is well; exit code 0 or 1"),
    ("once", Command::Once, "poll all miners once and print their metrics; exit code 1 if none answered"),
    (
        "check-config",
        Command::CheckConfig,
        "check the settings and print what would run; exit code 2 if they are wrong",
    ),
    ("--version", Command::Version, "print the version"),
    ("--help", Command::Help, "print this"),
];

impl Command {
    /// Reads the arguments after the program's name. The error tells what there is instead.
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, String> {
        let arguments: Vec<String> = arguments.into_iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let word = match arguments.as_slice() {
            [] => return Ok(Self::Serve),
            [word] => word.as_str(),
            [_, extra, ..] => {
                return Err(format!("unexpected argument '{extra}'; settings are environment variables, see --help"));
            }
        };
        let word = match word {
            "-h" | "help" => "--help",
            "-V" | "version" => "--version",
            word => word,
        };
        let known = COMMANDS.iter().find(|(name, ..)| *name == word).map(|(_, command, _)| *command);
        known.ok_or_else(|| format!("there is no subcommand '{word}'; --help lists them"))
    }
}

/// The text of `--help`, made of the tables of subcommands and variables.
pub fn help() -> String {
    let mut text = format!(
        "{PROGRAM} {VERSION}: Prometheus metrics of Avalon home miners\n\n\
         Usage: AVALON_IPS=192.168.1.50,192.168.1.51 {PROGRAM} [SUBCOMMAND]\n\n\
         Without a subcommand it polls the miners and serves /metrics until SIGTERM or SIGINT.\n\nSubcommands:\n"
    );
    for (name, _, meaning) in COMMANDS {
        let _ = writeln!(text, "  {name:<14} {meaning}");
    }
    text.push_str("\nEnvironment variables (exactly one of AVALON_IP and AVALON_IPS must be set):\n");
    for (name, default, meaning) in VARIABLES {
        let default = if default.is_empty() { String::new() } else { format!(" [{default}]") };
        let _ = writeln!(text, "  {name:<24} {meaning}{default}");
    }
    text
}

/// The settings as they were understood, a line each.
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

/// Polls all miners once. The page, and whether any miner answered.
pub fn once(config: &Config) -> (String, bool) {
    let store = Arc::new(Store::new(&config.targets, config.interval, None));
    Poller::new(store.clone(), config.request(), config.timeout).run_once();
    let miners = store.miners();
    let view = View { miners: &miners, now: Instant::now(), chips: config.chips, price: None, own: None };
    (render::page(&view), miners.iter().any(crate::store::Miner::is_up))
}

/// How long a health check takes at most; container engines are told to wait a little longer.
const HEALTHCHECK_TIME: Duration = Duration::from_secs(3);

/// The line that tells the status: `HTTP/1.1 200 OK`.
const STATUS_BYTES_MAX: usize = 256;

/// Asks the exporter at this address for `/health`. The error says what is wrong.
pub fn healthcheck(address: SocketAddr) -> Result<(), String> {
    let status = ask_health(address).map_err(|error| format!("no exporter answers at {address}: {error}"))?;
    let is_well = status.starts_with("HTTP/1.") && status.split(' ').nth(1) == Some("200");
    if is_well { Ok(()) } else { Err(format!("unhealthy: {}", status.trim_end().escape_debug())) }
}

fn ask_health(address: SocketAddr) -> io::Result<String> {
    let deadline = Instant::now() + HEALTHCHECK_TIME;
    let mut stream = TcpStream::connect_timeout(&address, HEALTHCHECK_TIME)?;
    stream.set_write_timeout(Some(HEALTHCHECK_TIME))?;
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut status = Vec::new();
    while !status.ends_with(b"\n") && status.len() < STATUS_BYTES_MAX {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        // Byte by byte, so that the line ends where it ends; it is short.
        if (&stream).take(1).read_to_end(&mut status)? == 0 {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&status).into_owned())
}

/// Why the port cannot be had, and what to do.
pub fn listen_error(listen: SocketAddr, error: &io::Error) -> String {
    let advice = match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "another program has port {}; set EXPORTER_PORT to a free one or stop that program \
             ({EXPORTER_PORT} is node_exporter's port too)",
            listen.port()
        ),
        io::ErrorKind::AddrNotAvailable => {
            "set EXPORTER_ADDRESS to an address of this machine, or to 0.0.0.0".to_owned()
        }
        io::ErrorKind::PermissionDenied => "set EXPORTER_PORT to one above 1023".to_owned(),
        _ => "check EXPORTER_ADDRESS and EXPORTER_PORT".to_owned(),
    };
    format!("cannot listen on {listen}: {error}; {advice}")
}

/// Prints to stdout; a closed pipe is no error of this program.
pub fn print(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Tells people what went wrong, on stderr, whatever the log level.
pub fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{PROGRAM}: {}", text.replace('\n', &format!("\n{PROGRAM}: ")));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Command, String> {
        Command::parse(words.iter().map(OsString::from))
    }

    #[test]
    fn words() {
        assert_eq!(parse(&[]), Ok(Command::Serve));
        for (word, command, _) in COMMANDS {
            assert_eq!(parse(&[word]), Ok(*command));
            assert!(help().contains(&format!("\n  {word:<14} ")));
        }
        assert_eq!(parse(&["-h"]), Ok(Command::Help));
        assert_eq!(parse(&["serve"]), Err("there is no subcommand 'serve'; --help lists them".into()));
        assert!(parse(&["once", "more"]).is_err_and(|fault| fault.contains("unexpected argument 'more'")));
    }

    #[test]
    fn help_names_every_variable_with_its_default() {
        for (name, default, _) in VARIABLES {
            let text = help();
            let line = text.lines().find(|line| line.split_whitespace().next() == Some(name)).unwrap();
            assert!(default.is_empty() || line.ends_with(&format!("[{default}]")), "{line}");
        }
    }
}
