//! The subcommands: which words there are, and what those do that are not the service itself.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cli::capture;
use crate::config::allow_list::Network;
use crate::config::environment::Config;
use crate::config::settings::{EXPORTER_PORT, MINER_PORT, SETTINGS};
use crate::config::target::Target;
use crate::miner::discover;
use crate::miner::poller::Poller;
use crate::miner::store::Store;
use crate::site::metrics_page::{self, VERSION, View};
use crate::site::service_discovery;

const PROGRAM: &str = env!("CARGO_PKG_NAME");

/// What the program was told to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Poll and serve until a signal comes: what it does without a word.
    Serve,
    /// The same with simulated miners.
    Demo,
    /// The same with captures as miners.
    Replay(Vec<PathBuf>),
    /// Print the masked reply of a miner.
    Capture(String),
    /// Search a range of addresses for miners.
    Discover {
        /// The range.
        range: String,
        /// Whether to print service discovery instead of a table.
        is_sd: bool,
    },
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

/// The words, each with its arguments and what `--help` says of it.
pub const COMMANDS: &[(&str, &str, &str)] = &[
    ("demo", "", "serve the metrics of four simulated miners"),
    ("once", "", "poll all miners once and print their metrics; exit code 1 if none answered"),
    ("check-config", "", "check the settings and print what would run; exit code 2 if they are wrong"),
    ("healthcheck", "", "ask the exporter on this machine whether it is well; exit code 0 or 1"),
    ("discover", "[--sd] RANGE", "find miners in a private range of addresses; --sd prints them as file_sd JSON"),
    ("capture", "HOST[:PORT]", "print a miner's reply, what is private masked, for a bug report or a test"),
    ("replay", "FILE...", "serve the metrics of captures, for developing dashboards"),
    ("--version", "", "print the version"),
    ("--help", "", "print this"),
];

/// What an exit code means.
pub const EXIT_CODES: &[(u8, &str)] = &[
    (0, "all is well"),
    (1, "it did not work: no answer, a port that is taken, an exporter that is not well"),
    (2, "arguments or settings are wrong"),
];

impl Command {
    /// Reads the arguments after the program's name. The error tells what there is instead.
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, String> {
        let mut arguments = arguments.into_iter();
        let Some(word) = arguments.next() else { return Ok(Self::Serve) };
        let word = word.to_string_lossy().into_owned();
        let mut rest: Vec<OsString> = arguments.collect();
        let command = match word.as_str() {
            "replay" if rest.is_empty() => return Err("replay needs the files to serve: replay FILE...".to_owned()),
            "replay" => Self::Replay(rest.drain(..).map(PathBuf::from).collect()),
            "capture" if rest.is_empty() => {
                return Err("capture needs the miner to ask: capture HOST[:PORT]".to_owned());
            }
            "capture" => Self::Capture(rest.remove(0).to_string_lossy().into_owned()),
            "discover" => {
                let before = rest.len();
                rest.retain(|word| word != "--sd");
                if rest.is_empty() {
                    return Err("discover needs the range to search, such as: discover 192.168.1.0/24".to_owned());
                }
                Self::Discover { is_sd: rest.len() < before, range: rest.remove(0).to_string_lossy().into_owned() }
            }
            "demo" => Self::Demo,
            "once" => Self::Once,
            "check-config" => Self::CheckConfig,
            "healthcheck" => Self::Healthcheck,
            "--version" | "-V" | "version" => Self::Version,
            "--help" | "-h" | "help" => Self::Help,
            _ => {
                let meant = closest(&word).map_or(String::new(), |name| format!(" did you mean '{name}'?"));
                return Err(format!("there is no subcommand '{word}';{meant} --help lists them"));
            }
        };
        match rest.first() {
            None => Ok(command),
            Some(extra) => {
                let extra = extra.to_string_lossy();
                Err(format!(
                    "unexpected argument '{extra}' after {word}; settings are environment variables, see --help"
                ))
            }
        }
    }
}

/// The subcommand that somebody meant who mistyped it.
fn closest(word: &str) -> Option<&'static str> {
    let near = COMMANDS.iter().map(|(name, ..)| (distance(word, name), *name));
    near.filter(|(distance, name)| *distance <= 2 && distance * 2 <= name.len()).min().map(|(_, name)| name)
}

/// How many characters have to be put in, taken out or changed (Levenshtein's distance), row by row of his matrix.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (at, char) in one.chars().enumerate() {
        let mut diagonal = at;
        let mut left = at + 1;
        for (cell, of_other) in row.iter_mut().skip(1).zip(other.chars()) {
            let above = *cell;
            *cell = (diagonal + usize::from(char != of_other)).min(above + 1).min(left + 1);
            (diagonal, left) = (above, *cell);
        }
        if let Some(first) = row.first_mut() {
            *first = at + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// The text of `--help`, made of the tables of subcommands and variables.
pub fn help() -> String {
    let mut text = format!(
        "{PROGRAM} {VERSION}: Prometheus metrics of Avalon home miners\n\n\
         Usage: AVALON_IPS=192.168.1.50,192.168.1.51 {PROGRAM} [SUBCOMMAND]\n\n\
         Without a subcommand it polls the miners and serves /metrics until SIGTERM or SIGINT.\n\nSubcommands:\n"
    );
    for (name, arguments, meaning) in COMMANDS {
        let usage = format!("{name} {arguments}");
        let _ = writeln!(text, "  {usage:<22} {meaning}");
    }
    text.push_str(
        "\nEnvironment variables (exactly one of AVALON_IP and AVALON_IPS must be set, but for probes alone):\n",
    );
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

/// Prints the text of `--help`, with colours on a terminal.
pub fn print_help() {
    let text = help();
    if !(io::stdout().is_terminal() && Config::wants_colour()) {
        return print(text);
    }
    let mut coloured = String::new();
    for line in text.lines() {
        let name = line.strip_prefix("  ").and_then(|line| line.split("  ").next()).unwrap_or_default();
        let _ = match line.split_once(name).filter(|_| !name.is_empty()) {
            Some((before, after)) => writeln!(coloured, "{before}{CYAN}{}{PLAIN}{after}", name.trim_end()),
            None if line.ends_with(':') => writeln!(coloured, "{BOLD}{line}{PLAIN}"),
            None => writeln!(coloured, "{line}"),
        };
    }
    print(coloured);
}

/// Escape sequences of terminals (ECMA-48, SGR).
const BOLD: &str = "\x1b[1m";
const CYAN: &str = "\x1b[36m";
const RED: &str = "\x1b[1;31m";
const PLAIN: &str = "\x1b[0m";
/// Back to the first column, and clear the line.
const ANEW: &str = "\r\x1b[K";

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
    (metrics_page::page(&view).to_text(), miners.iter().any(crate::miner::store::Miner::is_up))
}

/// Asks a miner, and tells which name its capture has among the tests.
pub fn capture(address: &str) -> Result<(Vec<u8>, String), String> {
    let target = Target::parse(address, MINER_PORT).map_err(|fault| format!("'{address}': {fault}"))?;
    let reply = capture::capture(&target, CAPTURE_TIME).map_err(|error| format!("{}: {error}", target.label))?;
    let name = capture::file_name(&reply);
    Ok((reply, name))
}

/// The addresses of a range that may be searched.
pub fn addresses(range: &str) -> Result<Vec<Ipv4Addr>, String> {
    let network = Network::parse(range).map_err(|fault| format!("'{range}': {fault}"))?;
    discover::addresses(&network)
}

/// Searches these addresses for miners, and tells on a terminal how far it is. What to print; the error says that there
/// is none.
pub fn discover(addresses: &[Ipv4Addr], port: u16, is_sd: bool) -> Result<String, String> {
    let count = addresses.len();
    let is_terminal = io::stderr().is_terminal();
    let found = discover::discover(addresses, port, |asked| {
        if is_terminal {
            announce(&format!("{ANEW}asked {asked} of {count} addresses on port {port}"));
        }
    });
    if is_terminal {
        announce(ANEW);
    }
    if found.is_empty() {
        return Err(format!("none of {count} addresses has a miner that answers on port {port}"));
    }
    if is_sd {
        let list = service_discovery::list(
            found.iter().filter(|miner| miner.is_avalon()).map(|miner| (&miner.target, Some(&miner.info))),
        );
        return Ok(format!("{list:#}\n"));
    }
    Ok(discover::table(&found, MINER_PORT))
}

/// How long a capture waits: longer than a poll by default, since a person waits for it.
const CAPTURE_TIME: Duration = Duration::from_secs(10);

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
pub fn print(text: impl AsRef<[u8]>) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_ref()).and_then(|()| out.flush());
}

/// Tells people something on stderr, whatever the log level.
pub fn announce(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Tells people what went wrong, on stderr, whatever the log level.
pub fn complain(text: &str) {
    let is_coloured = io::stderr().is_terminal() && Config::wants_colour();
    let name = if is_coloured { format!("{RED}{PROGRAM}:{PLAIN}") } else { format!("{PROGRAM}:") };
    let _ = writeln!(io::stderr(), "{name} {}", text.replace('\n', &format!("\n{name} ")));
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
        for (word, arguments, _) in COMMANDS {
            let argument = (!arguments.is_empty()).then_some("x");
            assert!(parse(&[&[*word], argument.as_slice()].concat()).is_ok(), "{word}");
            assert_eq!(parse(&[word]).is_ok(), arguments.is_empty(), "{word}");
            assert!(help().contains(&format!("\n  {word} ")));
        }
        assert_eq!(parse(&["-h"]), Ok(Command::Help));
        for words in [["discover", "--sd", "a"], ["discover", "a", "--sd"]] {
            assert_eq!(parse(&words), Ok(Command::Discover { range: "a".into(), is_sd: true }));
        }
        assert_eq!(parse(&["discover", "a"]), Ok(Command::Discover { range: "a".into(), is_sd: false }));
        assert!(parse(&["discover", "--sd"]).is_err());
        assert_eq!(parse(&["capture", "a:1"]), Ok(Command::Capture("a:1".into())));
        assert_eq!(parse(&["replay", "a", "b"]), Ok(Command::Replay(vec!["a".into(), "b".into()])));
        assert_eq!(parse(&["serve"]), Err("there is no subcommand 'serve'; --help lists them".into()));
        for extra in [["once", "more"], ["--help", "more"]] {
            assert!(parse(&extra).is_err_and(|fault| fault.contains("unexpected argument 'more'")));
        }
        assert!(parse(&["capture", "a", "more"]).is_err_and(|fault| fault.contains("unexpected argument 'more'")));
    }

    #[test]
    fn mistyped_words_are_understood() {
        for (word, meant) in [
            ("onec", Some("once")),
            ("onc", Some("once")),
            ("chek-confg", Some("check-config")),
            ("--verison", Some("--version")),
            ("discovery", Some("discover")),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(closest(word), meant, "{word}");
            let fault = parse(&[word]).unwrap_err();
            assert_eq!(fault.contains("did you mean"), meant.is_some(), "{fault}");
        }
        assert_eq!((distance("kitten", "sitting"), distance("", "abc"), distance("abc", "")), (3, 3, 3));
    }

    #[test]
    fn help_names_every_variable_with_its_default() {
        for setting in SETTINGS {
            let text = help();
            let line = text.lines().find(|line| line.split_whitespace().next() == Some(setting.name)).unwrap();
            let default = setting.apply.default();
            assert!(default.is_none_or(|default| line.ends_with(&format!("[{default}]"))), "{line}");
        }
    }
}
