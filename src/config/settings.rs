//! The table of settings.
//!
//! `--help`, `check-config`, `docs/cli.md`, the README's table, `.env.example`, `packaging/default` and the tests of ranges
//! are made of it. A new setting is a row here and the field of [`Config`] that the row fills.
//!
//! Names and defaults are those of the Python exporter, so that its `.env` file keeps working.

use std::net::Ipv4Addr;

use log::LevelFilter;

use crate::config::allow_list::Allow;
use crate::config::apply::{Apply, Problem};
use crate::config::environment::{Config, Draft};

/// A setting: an environment variable.
#[derive(Debug)]
pub struct Setting {
    /// Name of the variable.
    pub name: &'static str,
    /// What it is.
    pub help: &'static str,
    /// What it may hold, its default, and where it goes.
    pub apply: Apply,
    /// Why the default is what it is, and when to change it.
    pub advice: &'static str,
    /// How example files show it.
    pub example: Example,
    /// The default of `demo` and `replay`, where it is another one: they show everything.
    pub demo: Option<&'static str>,
}

/// How `.env.example` and `packaging/default` show a setting.
#[derive(Debug)]
pub struct Example {
    /// A line each, quotes included.
    pub values: &'static [&'static str],
    /// Whether the first line is active in `.env.example`; every other line is a comment.
    pub is_active: bool,
}

impl Setting {
    /// What it is, in a line, with its range if it has one.
    pub fn summary(&self) -> String {
        match self.apply {
            Apply::Seconds { .. } | Apply::Choice { .. } => format!("{}: {}", self.help, self.apply.values()),
            _ => self.help.to_owned(),
        }
    }
}

/// Port of the API of Avalon firmware.
pub const MINER_PORT: u16 = 4028;
/// Port of the exporter: that of the Python exporter, and by accident of `node_exporter`.
pub const EXPORTER_PORT: u16 = 9100;

/// All settings, in the order of the documentation.
pub const SETTINGS: &[Setting] = &[
    Setting {
        name: "AVALON_IP",
        help: "The miner, as [name=]host[:port]; the host is a name or an address",
        apply: Apply::Joint {
            default: None,
            values: "[name=]host[:port]",
            keep: |draft| &mut draft.miner,
            show: |_| None,
        },
        advice: "None, because every network has its own addresses. For more than one miner set AVALON_IPS instead.",
        example: Example { values: &[r#""192.168.1.50""#], is_active: true },
        demo: None,
    },
    Setting {
        name: "AVALON_IPS",
        help: "Several miners, separated by commas",
        apply: Apply::Joint {
            default: None,
            values: "[name=]host[:port],...",
            keep: |draft| &mut draft.miners,
            show: |_| None,
        },
        advice: "None. Set it instead of AVALON_IP for several miners. A name before = is what you call the miner.",
        example: Example { values: &[r#""192.168.1.50,garage=192.168.1.51,192.168.1.52:4029""#], is_active: false },
        demo: None,
    },
    Setting {
        name: "AVALON_PORT",
        help: "Port of the miners' API",
        apply: Apply::Port { default: MINER_PORT, field: |config| &mut config.miner_port },
        advice: "What Avalon firmware uses. Change it if all your miners are reached by another port; for a single miner \
                 write host:port.",
        example: Example { values: &["4028"], is_active: false },
        demo: None,
    },
    Setting {
        name: "PROBE_ALLOW",
        help: "What /probe may poll besides the miners: addresses, ranges (192.168.1.0/24) and names, separated by commas",
        apply: Apply::Text {
            default: None,
            values: "addresses, ranges and names",
            set: set_probe_allow,
            show: |config| config.probe_allow.to_string(),
        },
        advice: "None, so that no client can make the exporter connect to other machines. Set it if the list \
                 of miners is in Prometheus.",
        example: Example { values: &[r#""192.168.1.0/24""#], is_active: false },
        demo: None,
    },
    Setting {
        name: "UPDATE_INTERVAL",
        help: "Seconds from the start of one poll to the next",
        apply: Apply::Seconds { default: 10.0, min: 0.1, max: 86_400.0, field: |config| &mut config.interval },
        advice: "Miners refresh their values every few seconds, so polling more often shows nothing new. Raise it to \
                 Prometheus's scrape_interval if that is longer.",
        example: Example { values: &["10"], is_active: false },
        demo: Some("5"),
    },
    Setting {
        name: "MINER_TIMEOUT",
        help: "Seconds that a poll may take in total (name, connection, reply)",
        apply: Apply::Seconds { default: 5.0, min: 0.1, max: 600.0, field: |config| &mut config.timeout },
        advice: "Half of UPDATE_INTERVAL, so that a poll has failed before the next one is due. Raise it to 10 for a \
                 busy miner or a slow Wi-Fi.",
        example: Example { values: &["5"], is_active: false },
        demo: None,
    },
    Setting {
        name: "EXPORTER_ADDRESS",
        help: "Address to listen on: 0.0.0.0 for all IPv4, :: for all IPv6 and IPv4, 127.0.0.1 for this machine only",
        apply: Apply::Address { default: Ipv4Addr::UNSPECIFIED, field: |config| &mut config.listen_address },
        advice: "All IPv4 addresses, since Prometheus often runs on another machine. Set 127.0.0.1 if it runs on this \
                 one. Docker Compose ignores it.",
        example: Example { values: &["0.0.0.0"], is_active: false },
        demo: None,
    },
    Setting {
        name: "EXPORTER_PORT",
        help: "Port to listen on",
        apply: Apply::Port { default: EXPORTER_PORT, field: |config| &mut config.listen_port },
        advice: "The port of the Python exporter, but also of node_exporter: where that runs, set another, such as 9110. \
                 Docker Compose publishes the exporter on this port.",
        example: Example { values: &["9100"], is_active: false },
        demo: None,
    },
    Setting {
        name: "EXPORT_CHIP_METRICS",
        help: "Whether to export four series for each chip",
        apply: Apply::Switch { default: false, field: |config| &mut config.chips },
        advice: "Off, because a miner may have hundreds of chips. Turn it on to see the temperature, voltages and work of each.",
        example: Example { values: &["false"], is_active: false },
        demo: Some("true"),
    },
    Setting {
        name: "EXPORT_EXTENDED_METRICS",
        help: "Whether to ask for Wi-Fi, dust filter and network difficulty too",
        apply: Apply::Switch { default: false, field: |config| &mut config.extended },
        advice: "Off, so that the request is the Python exporter's. Turn it on for the dashboards, which show these values; \
                 Docker Compose does so unless it is set here.",
        example: Example { values: &["false"], is_active: false },
        demo: Some("true"),
    },
    Setting {
        name: "ELECTRICITY_PRICE",
        help: "Price of a kWh: 0.18, or by local time 0.18;16:00-21:00=0.42;sat-sun 00:00-24:00=0.12",
        apply: Apply::Joint {
            default: None,
            values: "a price, or a price and rules by local time",
            keep: |draft| &mut draft.price,
            show: |config| Some(config.price.as_ref().map_or("none".to_owned(), |price| price.tariff.to_string())),
        },
        advice: "None, because every contract has its own. Set it to see what the miners cost.",
        example: Example { values: &["0.18", r#""0.18;16:00-21:00=0.42;sat-sun 00:00-24:00=0.12""#], is_active: false },
        demo: Some("0.25"),
    },
    Setting {
        name: "ELECTRICITY_CURRENCY",
        help: "Currency of the price, three letters",
        apply: Apply::Text { default: Some("USD"), values: "three letters", set: set_currency, show: show_currency },
        advice: "The US dollar. Set it to the currency of your price; nothing is converted.",
        example: Example { values: &["USD"], is_active: false },
        demo: None,
    },
    Setting {
        name: "TZ",
        help: "Time zone for a price by local time, such as EST5EDT,M3.2.0,M11.1.0 or America/Toronto",
        apply: Apply::Joint {
            default: Some("UTC"),
            values: "a POSIX rule, or the name of a zone",
            keep: |draft| &mut draft.zone,
            show: |_| None,
        },
        advice: "UTC, because a container knows no other. Set it if the price depends on local time. The image has no zone \
                 files: give it a rule, such as CET-1CEST,M3.5.0,M10.5.0/3 for central Europe.",
        example: Example { values: &["CET-1CEST,M3.5.0,M10.5.0/3", "EST5EDT,M3.2.0,M11.1.0"], is_active: false },
        demo: None,
    },
    Setting {
        name: "ENABLE_DEBUG_ENDPOINT",
        help: "Whether to serve /debug",
        apply: Apply::Switch { default: true, field: |config| &mut config.debug },
        advice: "On, because it shows the settings and the last errors, which a bug report needs. Turn it off where \
                 strangers can reach the port.",
        example: Example { values: &["true"], is_active: false },
        demo: None,
    },
    Setting {
        name: "LOG_LEVEL",
        help: "Lowest level to log",
        apply: Apply::Choice {
            default: "INFO",
            words: &["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
            set: set_log_level,
            show: |config| config.log_level.to_string(),
        },
        advice: "INFO logs a line when a miner goes up or down, and none for a poll that succeeds. DEBUG logs every poll.",
        example: Example { values: &["INFO"], is_active: false },
        demo: None,
    },
];

fn set_probe_allow(draft: &mut Draft, list: &str) -> Result<(), Problem> {
    draft.is_for_probes = true;
    draft.config.probe_allow = Allow::parse(list).map_err(Problem::Entries)?;
    Ok(())
}

fn set_currency(draft: &mut Draft, text: &str) -> Result<(), Problem> {
    if text.len() != 3 || !text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Err(Problem::Value("is not a currency; give three letters, such as USD".to_owned()));
    }
    draft.currency = text.to_ascii_uppercase();
    Ok(())
}

fn show_currency(config: &Config) -> String {
    config.price.as_ref().map_or("none without a price", |price| &price.currency).to_owned()
}

/// Python's names of levels and Rust's. Nothing is logged as critical: the error that ends the program is always printed.
fn set_log_level(config: &mut Config, word: &str) -> Option<()> {
    config.log_level = match word.to_ascii_lowercase().as_str() {
        "warning" => LevelFilter::Warn,
        "critical" => LevelFilter::Off,
        word => word.parse().ok()?,
    };
    Some(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::ffi::OsString;

    use super::*;

    #[test]
    fn rows_are_whole() {
        let mut names = BTreeSet::new();
        for Setting { name, help, apply, advice, example, .. } in SETTINGS {
            assert!(names.insert(name), "{name} is there twice");
            assert!(!help.is_empty() && !help.ends_with('.') && !help.contains('|'), "{name}: {help}");
            assert!(advice.ends_with('.') && !advice.contains('|'), "{name}: {advice}");
            assert!(!example.values.is_empty() && !apply.values().is_empty(), "{name}");
        }
    }

    /// Reads one setting, with those that it needs to mean something.
    fn read(setting: &Setting, value: &str) -> Config {
        let get = |name: &str| match name {
            name if name == setting.name => Some(OsString::from(value)),
            "AVALON_IP" if setting.name != "AVALON_IPS" => Some("192.0.2.1".into()),
            "ELECTRICITY_PRICE" => Some("1;00:00-01:00=2".into()),
            _ => None,
        };
        Config::read(get, None).unwrap_or_else(|faults| panic!("{}={value}: {faults}", setting.name))
    }

    #[test]
    fn defaults_examples_and_values_for_demos_are_accepted() {
        for setting in SETTINGS {
            let default = setting.apply.default();
            for value in setting.example.values.iter().copied().chain(setting.demo).chain(default.as_deref()) {
                read(setting, value);
            }
            assert!(setting.demo.is_none_or(|demo| default.is_none_or(|default| default != demo)), "{}", setting.name);
        }
    }

    #[test]
    fn what_is_shown_is_what_was_set() {
        for (name, value, shown) in [
            ("AVALON_IP", "a", None),
            ("AVALON_IPS", "a", None),
            ("AVALON_PORT", "1", Some("1")),
            ("PROBE_ALLOW", "10.0.0.0/8, A.lan", Some("10.0.0.0/8,a.lan")),
            ("UPDATE_INTERVAL", "1.50", Some("1.5 s")),
            ("MINER_TIMEOUT", "600", Some("600 s")),
            ("EXPORTER_ADDRESS", "[::1]", Some("::1")),
            ("EXPORTER_PORT", "2", Some("2")),
            ("EXPORT_CHIP_METRICS", "Yes", Some("true")),
            ("EXPORT_EXTENDED_METRICS", "1", Some("true")),
            ("ELECTRICITY_PRICE", "0.180", Some("0.18")),
            ("ELECTRICITY_CURRENCY", "eur", Some("EUR")),
            ("TZ", "UTC-2", None),
            ("ENABLE_DEBUG_ENDPOINT", "off", Some("false")),
            ("LOG_LEVEL", "warning", Some("WARN")),
        ] {
            let setting = SETTINGS.iter().find(|setting| setting.name == name).unwrap();
            let lines = read(setting, value).lines();
            assert_eq!(lines.iter().find(|line| line.0 == name).map(|line| line.1.as_str()), shown, "{name}");
        }
        let names: Vec<_> = SETTINGS.iter().map(|setting| setting.name).filter(|name| *name != "TZ").collect();
        let lines = read(&SETTINGS[2], "1").lines();
        assert_eq!(lines.iter().map(|(name, _)| *name).collect::<Vec<_>>(), names[2..]);
    }
}
