//! How the text of a setting becomes a part of the configuration: the kinds of values, their grammar and their ranges.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::config::environment::{Config, Draft};

/// What a setting may hold, its default, and where it goes.
#[derive(Debug)]
pub enum Apply {
    /// A TCP port.
    Port {
        /// The port if none is given.
        default: u16,
        /// Where it goes.
        field: fn(&mut Config) -> &mut u16,
    },
    /// A number of seconds; fractions are allowed.
    Seconds {
        /// The time if none is given.
        default: f64,
        /// The shortest time.
        min: f64,
        /// The longest time.
        max: f64,
        /// Where it goes.
        field: fn(&mut Config) -> &mut Duration,
    },
    /// An IP address of this machine, an IPv6 address in brackets or not.
    Address {
        /// The address if none is given.
        default: Ipv4Addr,
        /// Where it goes.
        field: fn(&mut Config) -> &mut IpAddr,
    },
    /// On or off.
    Switch {
        /// Its position if none is given.
        default: bool,
        /// Where it goes.
        field: fn(&mut Config) -> &mut bool,
    },
    /// One of a few words, in any case.
    Choice {
        /// The word if none is given.
        default: &'static str,
        /// The words to document; `set` may know more.
        words: &'static [&'static str],
        /// Sets what the word means; none if it means nothing.
        set: fn(&mut Config, &str) -> Option<()>,
        /// The choice as it is shown.
        show: fn(&Config) -> String,
    },
    /// Text with a grammar of its own.
    Text {
        /// The text if none is given.
        default: Option<&'static str>,
        /// The grammar in a few words.
        values: &'static str,
        /// Reads it.
        set: fn(&mut Draft, &str) -> Result<(), Problem>,
        /// What was understood.
        show: fn(&Config) -> String,
    },
    /// Text that means something only together with other settings: it is kept until all are read.
    Joint {
        /// The text if none is given.
        default: Option<&'static str>,
        /// The grammar in a few words.
        values: &'static str,
        /// Where it is kept.
        keep: fn(&mut Draft) -> &mut Option<String>,
        /// What was understood; none if that is shown elsewhere.
        show: fn(&Config) -> Option<String>,
    },
}

/// What is wrong with a text.
#[derive(Debug, PartialEq, Eq)]
pub enum Problem {
    /// The text as a whole.
    Value(String),
    /// Some of a list's entries, each named in its own line.
    Entries(Vec<String>),
}

impl Apply {
    /// Reads a text, without quotes and spaces around it, and puts its value where it belongs.
    ///
    /// # Errors
    ///
    /// What is wrong with the text, and what would be right. The default then stays.
    pub fn set(&self, draft: &mut Draft, text: &str) -> Result<(), Problem> {
        match self {
            Self::Port { field, .. } => *field(&mut draft.config) = port(text)?,
            Self::Seconds { min, max, field, .. } => *field(&mut draft.config) = seconds(text, *min, *max)?,
            Self::Address { field, .. } => *field(&mut draft.config) = address(text)?,
            Self::Switch { field, .. } => *field(&mut draft.config) = switch(text)?,
            Self::Choice { set, .. } => set(&mut draft.config, text)
                .ok_or_else(|| Problem::Value(format!("is not valid; give {}", self.values())))?,
            Self::Text { set, .. } => set(draft, text)?,
            Self::Joint { keep, .. } => *keep(draft) = Some(text.to_owned()),
        }
        Ok(())
    }

    /// The default as a text, if there is one.
    pub fn default(&self) -> Option<String> {
        match self {
            Self::Port { default, .. } => Some(default.to_string()),
            Self::Seconds { default, .. } => Some(default.to_string()),
            Self::Address { default, .. } => Some(default.to_string()),
            Self::Switch { default, .. } => Some(default.to_string()),
            Self::Choice { default, .. } => Some((*default).to_owned()),
            Self::Text { default, .. } | Self::Joint { default, .. } => default.map(str::to_owned),
        }
    }

    /// What may be given, in a few words.
    pub fn values(&self) -> String {
        match self {
            Self::Port { .. } => format!("1 to {}", u16::MAX),
            Self::Seconds { min, max, .. } => format!("{min} to {max}"),
            Self::Address { .. } => "an IP address".to_owned(),
            Self::Switch { .. } => "true or false".to_owned(),
            Self::Choice { words, .. } => match words {
                [others @ .., last] => format!("{} or {last}", others.join(", ")),
                [] => String::new(),
            },
            Self::Text { values, .. } | Self::Joint { values, .. } => (*values).to_owned(),
        }
    }

    /// What was understood, for display; none if that is shown elsewhere. Nothing is changed, but fields are only reached by
    /// a mutable reference.
    pub fn show(&self, config: &mut Config) -> Option<String> {
        match self {
            Self::Port { field, .. } => Some(field(config).to_string()),
            Self::Seconds { field, .. } => Some(format!("{} s", field(config).as_secs_f64())),
            Self::Address { field, .. } => Some(field(config).to_string()),
            Self::Switch { field, .. } => Some(field(config).to_string()),
            Self::Choice { show, .. } | Self::Text { show, .. } => Some(show(config)),
            Self::Joint { show, .. } => show(config),
        }
    }
}

/// A problem with a text as a whole.
fn wrong<T>(why: impl Into<String>) -> Result<T, Problem> {
    Err(Problem::Value(why.into()))
}

fn port(text: &str) -> Result<u16, Problem> {
    match text.parse() {
        Ok(port) if port != 0 => Ok(port),
        _ => wrong(format!("is not a port; give a number from 1 to {}", u16::MAX)),
    }
}

fn seconds(text: &str, min: f64, max: f64) -> Result<Duration, Problem> {
    match text.parse() {
        Ok(seconds) if (min..=max).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        Ok(_) => wrong(format!("is out of range; give a number of seconds from {min} to {max}")),
        Err(_) => wrong(format!("is not a number; give a number of seconds from {min} to {max}")),
    }
}

fn address(text: &str) -> Result<IpAddr, Problem> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    match bare.parse() {
        Ok(address) => Ok(address),
        Err(_) => wrong("is not an IP address; give 0.0.0.0, ::, 127.0.0.1 or one of this machine"),
    }
}

fn switch(text: &str) -> Result<bool, Problem> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => wrong("is neither true nor false"),
    }
}
