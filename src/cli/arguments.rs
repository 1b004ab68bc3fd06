//! The arguments of the command line: which words there are, and what they ask for.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::cli::error::Error;
use crate::cli::suggestion::closest;

/// What the program is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Poll and serve until a signal comes: what the program does without a subcommand.
    Serve,
    /// The same with simulated miners.
    Demo,
    /// The same with captures as miners.
    Replay(Vec<PathBuf>),
    /// Print the masked reply of a miner.
    Capture {
        /// The miner.
        address: String,
        /// Keys whose values are not masked.
        keep: Vec<String>,
    },
    /// Search a range of addresses for miners.
    Discover {
        /// The range.
        range: String,
        /// Whether to print service discovery instead of a table.
        is_sd: bool,
    },
    /// Check whether the exporter on this machine is healthy.
    Healthcheck,
    /// Poll all miners once and print the page.
    Once,
    /// Check the settings and print them as understood.
    CheckConfig,
    /// Print the version.
    Version,
    /// Print how to use the program.
    Help,
}

/// A subcommand as it is documented.
#[derive(Debug)]
pub struct Subcommand {
    /// The word.
    pub name: &'static str,
    /// What follows it.
    pub arguments: Option<&'static str>,
    /// What it does.
    pub help: &'static str,
}

/// All subcommands, in the order of the documentation.
pub const SUBCOMMANDS: &[Subcommand] = &[
    Subcommand { name: "demo", arguments: None, help: "serve the metrics of four simulated miners" },
    Subcommand {
        name: "once",
        arguments: None,
        help: "poll all miners once and print their metrics; exit code 1 if none answered",
    },
    Subcommand {
        name: "check-config",
        arguments: None,
        help: "check the settings and print them as understood; exit code 2 if they are invalid",
    },
    Subcommand {
        name: "healthcheck",
        arguments: None,
        help: "check the exporter on this machine; exit code 0 if it is healthy, else 1",
    },
    Subcommand {
        name: "discover",
        arguments: Some("[--sd] RANGE"),
        help: "find the miners in a private address range; --sd prints file_sd JSON for Prometheus",
    },
    Subcommand {
        name: "capture",
        arguments: Some("HOST[:PORT]"),
        help: "print a miner's reply, masked, for a bug report or a test; --keep KEY,... releases values",
    },
    Subcommand {
        name: "replay",
        arguments: Some("FILE..."),
        help: "serve the metrics of captures, for developing dashboards",
    },
    Subcommand { name: "--version", arguments: None, help: "print the version" },
    Subcommand { name: "--help", arguments: None, help: "print this help" },
];

impl Subcommand {
    /// The word and what follows it.
    pub fn usage(&self) -> String {
        let Subcommand { name, arguments, .. } = self;
        arguments.map_or((*name).to_owned(), |arguments| format!("{name} {arguments}"))
    }
}

impl Command {
    /// Reads the arguments after the program's name.
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, Error> {
        let mut arguments = arguments.into_iter();
        let Some(word) = arguments.next() else { return Ok(Self::Serve) };
        let word = word.to_string_lossy().into_owned();
        let mut rest: Vec<OsString> = arguments.collect();
        let command = match word.as_str() {
            "demo" => Self::Demo,
            "once" => Self::Once,
            "check-config" => Self::CheckConfig,
            "healthcheck" => Self::Healthcheck,
            "discover" => {
                let before = rest.len();
                rest.retain(|word| word != "--sd");
                let is_sd = rest.len() < before;
                let range =
                    first(&mut rest, "discover needs the range to search, for example: discover 192.168.1.0/24")?;
                Self::Discover { range, is_sd }
            }
            "capture" => {
                let keep = take_keep(&mut rest)?;
                Self::Capture {
                    address: first(&mut rest, "capture needs the miner to ask: capture HOST[:PORT]")?,
                    keep,
                }
            }
            "replay" if rest.is_empty() => return usage("replay needs the files to serve: replay FILE..."),
            "replay" => Self::Replay(rest.drain(..).map(PathBuf::from).collect()),
            "--version" | "-V" | "version" => Self::Version,
            "--help" | "-h" | "help" => Self::Help,
            _ => {
                let meant = closest(&word, SUBCOMMANDS.iter().map(|subcommand| subcommand.name));
                let meant = meant.map(|name| format!(" did you mean '{name}'?")).unwrap_or_default();
                return usage(format!("unknown subcommand '{word}';{meant} --help lists them"));
            }
        };
        match rest.first() {
            None => Ok(command),
            Some(extra) => usage(format!(
                "unexpected argument '{}' after {word}; settings are environment variables, see --help",
                extra.to_string_lossy()
            )),
        }
    }
}

/// Takes the first of the arguments; the error says that there is none.
fn first(arguments: &mut Vec<OsString>, error: &str) -> Result<String, Error> {
    if arguments.is_empty() { usage(error) } else { Ok(arguments.remove(0).to_string_lossy().into_owned()) }
}

/// Takes all `--keep KEY,...` from the arguments. Keys may have spaces inside.
fn take_keep(arguments: &mut Vec<OsString>) -> Result<Vec<String>, Error> {
    let mut keep = Vec::new();
    while let Some(at) = arguments.iter().position(|word| word == "--keep") {
        arguments.remove(at);
        let keys = arguments.get(at).map(|keys| keys.to_string_lossy().into_owned()).unwrap_or_default();
        if keys.split(',').any(|key| key.trim().is_empty()) {
            return usage("--keep needs the keys whose values are not to be masked: --keep KEY,...");
        }
        arguments.remove(at);
        keep.extend(keys.split(',').map(|key| key.trim().to_owned()));
    }
    Ok(keep)
}

fn usage<T>(text: impl Into<String>) -> Result<T, Error> {
    Err(Error::Usage(text.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Command, Error> {
        Command::parse(words.iter().map(OsString::from))
    }

    #[test]
    fn words() {
        assert_eq!(parse(&[]), Ok(Command::Serve));
        for Subcommand { name, arguments, .. } in SUBCOMMANDS {
            let argument = arguments.map(|_| "x");
            assert!(parse(&[&[*name], argument.as_slice()].concat()).is_ok(), "{name}");
            assert_eq!(parse(&[name]).is_ok(), arguments.is_none(), "{name}");
        }
        assert_eq!(parse(&["-h"]), Ok(Command::Help));
        for words in [["discover", "--sd", "a"], ["discover", "a", "--sd"]] {
            assert_eq!(parse(&words), Ok(Command::Discover { range: "a".into(), is_sd: true }));
        }
        assert_eq!(parse(&["discover", "a"]), Ok(Command::Discover { range: "a".into(), is_sd: false }));
        assert!(parse(&["discover", "--sd"]).is_err());
        let capture = |keep: &[&str]| {
            let keep = keep.iter().map(|key| (*key).to_owned()).collect();
            Ok(Command::Capture { address: "a:1".into(), keep })
        };
        assert_eq!(parse(&["capture", "a:1"]), capture(&[]));
        assert_eq!(parse(&["capture", "--keep", "SN, Device Path", "a:1"]), capture(&["SN", "Device Path"]));
        assert_eq!(parse(&["capture", "--keep", "SN", "a:1", "--keep", "PIN"]), capture(&["SN", "PIN"]));
        for wrong in
            [&["capture", "a", "--keep"][..], &["capture", "--keep", "a"], &["capture", "--keep", "SN,,A", "a"]]
        {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(parse(&["replay", "a", "b"]), Ok(Command::Replay(vec!["a".into(), "b".into()])));
        assert_eq!(parse(&["serve"]), usage("unknown subcommand 'serve'; --help lists them"));
        for extra in [&["once", "more"][..], &["--help", "more"], &["capture", "a", "more"]] {
            assert!(parse(extra).is_err_and(|fault| fault.text().contains("unexpected argument 'more'")));
        }
    }

    #[test]
    fn mistyped_words_are_understood() {
        for (word, meant) in [("onec", Some("'once'")), ("discovery", Some("'discover'")), ("x", None)] {
            let fault = parse(&[word]).unwrap_err();
            assert_eq!(fault.text().split("did you mean ").nth(1).and_then(|rest| rest.split('?').next()), meant);
        }
    }
}
