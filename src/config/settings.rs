//! The settings: environment variables in, a checked [`Config`] out, every fault at once.
//!
//! Names and defaults are those of the Python exporter, so that its `.env` file goes on working. An empty value counts
//! as unset, and quotes round a value are taken off, since `docker run --env-file` leaves them in. This is the only
//! module that reads the environment.

use std::ffi::OsString;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use log::LevelFilter;

use crate::cgminer::reply::Request;
use crate::config::allow_list::Allow;
use crate::config::target::{Target, parse_list};
use crate::config::tariff::Tariff;

/// Port of the miners' API.
pub const MINER_PORT: u16 = 4028;
/// Port of the exporter; the Python exporter's, and by accident `node_exporter`'s.
pub const EXPORTER_PORT: u16 = 9100;

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct Config {
    /// The miners, in the order given.
    pub targets: Vec<Target>,
    /// Port of the miners that name none.
    pub miner_port: u16,
    /// What may be probed beside the miners.
    pub probe_allow: Allow,
    /// Time from the start of one poll cycle to the start of the next.
    pub interval: Duration,
    /// Deadline of a whole exchange with a miner.
    pub timeout: Duration,
    /// Where to serve.
    pub listen: SocketAddr,
    /// Whether the page has families with one series a chip.
    pub chips: bool,
    /// Whether to ask for Wi-Fi, dust filter and network difficulty too.
    pub extended: bool,
    /// What a kWh costs; none if no price is set.
    pub price: Option<Price>,
    /// Whether `/debug` answers.
    pub debug: bool,
    /// What is logged.
    pub log_level: LevelFilter,
    /// Directories where a private socket may be put, best first.
    pub socket_dirs: Vec<PathBuf>,
}

/// The price of electricity and its currency.
#[derive(Clone, Debug, PartialEq)]
pub struct Price {
    /// What a kWh costs at each time.
    pub tariff: Tariff,
    /// Three letters, as ISO 4217 has them.
    pub currency: String,
}

/// What is wrong with the settings, one line a fault, each naming the variable, its value and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(Vec<String>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, fault) in self.0.iter().enumerate() {
            f.write_str(if at == 0 { "" } else { "\n" })?;
            // A value's control characters are shown, not obeyed: they would break the line or dress up the terminal.
            fault.chars().try_for_each(|char| match char {
                char if char.is_control() => write!(f, "{}", char.escape_default()),
                char => write!(f, "{char}"),
            })?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// A variable: name, default as shown to people, and what it sets. The order is that of `.env.example` and the README.
pub const VARIABLES: &[(&str, &str, &str)] = &[
    ("AVALON_IP", "", "The miner: a host name or address, [name=]host[:port]"),
    ("AVALON_IPS", "", "Several miners, separated by commas"),
    ("AVALON_PORT", "4028", "Port of the miners' API"),
    (
        "PROBE_ALLOW",
        "",
        "What /probe may ask besides the miners: addresses, ranges (192.168.1.0/24) and names, separated by commas",
    ),
    ("UPDATE_INTERVAL", "10", "Seconds from poll to poll, 0.1 to 86400"),
    ("MINER_TIMEOUT", "5", "Seconds that a poll may take in all, 0.1 to 600"),
    ("EXPORTER_ADDRESS", "0.0.0.0", "Address to serve on; :: is all of IPv6 and IPv4, 127.0.0.1 this machine alone"),
    ("EXPORTER_PORT", "9100", "Port to serve on"),
    ("EXPORT_CHIP_METRICS", "false", "Whether to show every chip: four series each"),
    ("EXPORT_EXTENDED_METRICS", "false", "Whether to ask for Wi-Fi, dust filter and network difficulty too"),
    ("ELECTRICITY_PRICE", "", "Price of a kWh: 0.18, or by time 0.18;16:00-21:00=0.42;sat-sun 00:00-24:00=0.12"),
    ("ELECTRICITY_CURRENCY", "USD", "Currency of the price, three letters"),
    ("TZ", "UTC", "Time zone of a price by time, as EST5EDT,M3.2.0,M11.1.0 or America/Toronto"),
    ("ENABLE_DEBUG_ENDPOINT", "true", "Whether /debug answers"),
    ("LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING, ERROR or CRITICAL"),
];

/// What differs from the defaults in a demo.
const SHOWN: [(&str, &str); 4] = [
    ("UPDATE_INTERVAL", "5"),
    ("EXPORT_CHIP_METRICS", "true"),
    ("EXPORT_EXTENDED_METRICS", "true"),
    ("ELECTRICITY_PRICE", "0.25"),
];

impl Config {
    /// Reads the process's environment.
    pub fn from_env() -> Result<Self, Faults> {
        Self::read(|name| std::env::var_os(name), None)
    }

    /// Reads the process's environment for miners that it does not name. What is not set is set to show everything.
    pub fn for_show(targets: Vec<Target>) -> Result<Self, Faults> {
        let shown = |name: &str| SHOWN.iter().find(|(of, _)| *of == name).map(|(_, value)| value.into());
        Self::read(|name| std::env::var_os(name).or_else(|| shown(name)), Some(targets))
    }

    /// Reads variables from wherever `get` finds them, the targets too unless they are given.
    pub fn read(get: impl Fn(&str) -> Option<OsString>, targets: Option<Vec<Target>>) -> Result<Self, Faults> {
        let mut reader = Reader { get, faults: Vec::new() };
        let miner_port = reader.port("AVALON_PORT", MINER_PORT);
        let config = Config {
            miner_port,
            targets: targets.unwrap_or_else(|| reader.targets(miner_port)),
            probe_allow: reader.probe_allow(),
            interval: reader.seconds("UPDATE_INTERVAL", 10.0, 0.1, 86_400.0),
            timeout: reader.seconds("MINER_TIMEOUT", 5.0, 0.1, 600.0),
            listen: reader.listen(),
            chips: reader.switch("EXPORT_CHIP_METRICS", false),
            extended: reader.switch("EXPORT_EXTENDED_METRICS", false),
            price: reader.price(),
            debug: reader.switch("ENABLE_DEBUG_ENDPOINT", true),
            log_level: reader.log_level(),
            socket_dirs: reader.socket_dirs(),
        };
        if reader.faults.is_empty() { Ok(config) } else { Err(Faults(reader.faults)) }
    }

    /// What to ask the miners for.
    pub fn request(&self) -> Request {
        if self.extended { Request::Extended } else { Request::Standard }
    }

    /// The address at which a program on this machine reaches the exporter: what `healthcheck` asks. It needs no other
    /// setting to be right.
    pub fn local_address() -> Result<SocketAddr, Faults> {
        let mut reader = Reader { get: |name: &str| std::env::var_os(name), faults: Vec::new() };
        let mut address = reader.listen();
        match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        if reader.faults.is_empty() { Ok(address) } else { Err(Faults(reader.faults)) }
    }

    /// The port of the miners' API, which needs no other setting to be right.
    pub fn api_port() -> Result<u16, Faults> {
        let mut reader = Reader { get: |name: &str| std::env::var_os(name), faults: Vec::new() };
        let port = reader.port("AVALON_PORT", MINER_PORT);
        if reader.faults.is_empty() { Ok(port) } else { Err(Faults(reader.faults)) }
    }

    /// Whether a terminal may be given colours: not with `NO_COLOR` (<https://no-color.org>), and not a dumb one.
    pub fn wants_colour() -> bool {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        !is_set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|terminal| terminal != "dumb")
    }

    /// The settings as lines of name and value, without the miners.
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let price = self.price.as_ref();
        let currency = price.map_or("none without a price", |price| &price.currency).to_owned();
        let price = price.map_or("none".to_owned(), |price| price.tariff.to_string());
        vec![
            ("AVALON_PORT", self.miner_port.to_string()),
            ("PROBE_ALLOW", self.probe_allow.to_string()),
            ("UPDATE_INTERVAL", format!("{} s", self.interval.as_secs_f64())),
            ("MINER_TIMEOUT", format!("{} s", self.timeout.as_secs_f64())),
            ("EXPORTER_ADDRESS", self.listen.ip().to_string()),
            ("EXPORTER_PORT", self.listen.port().to_string()),
            ("EXPORT_CHIP_METRICS", self.chips.to_string()),
            ("EXPORT_EXTENDED_METRICS", self.extended.to_string()),
            ("ELECTRICITY_PRICE", price),
            ("ELECTRICITY_CURRENCY", currency),
            ("ENABLE_DEBUG_ENDPOINT", self.debug.to_string()),
            ("LOG_LEVEL", self.log_level.to_string()),
        ]
    }
}

/// Reads variables and remembers what was wrong.
struct Reader<G> {
    get: G,
    faults: Vec<String>,
}

impl<G: Fn(&str) -> Option<OsString>> Reader<G> {
    fn text(&mut self, name: &str) -> Option<String> {
        let value = (self.get)(name)?;
        let Some(text) = value.to_str() else {
            self.fault(name, &value.to_string_lossy(), "is not UTF-8 text");
            return None;
        };
        let text = text.trim();
        let unquoted = ['"', '\''].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote));
        let text = unquoted.unwrap_or(text).trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn fault(&mut self, name: &str, value: &str, wrong: &str) {
        self.faults.push(format!("{name}='{value}' {wrong}"));
    }

    fn targets(&mut self, port: u16) -> Vec<Target> {
        let (name, list) = match (self.text("AVALON_IP"), self.text("AVALON_IPS")) {
            (Some(one), None) if one.contains(',') => {
                self.fault("AVALON_IP", &one, "is one miner; put several into AVALON_IPS");
                return Vec::new();
            }
            (Some(one), None) => ("AVALON_IP", one),
            (None, Some(list)) => ("AVALON_IPS", list),
            (Some(_), Some(_)) => {
                self.faults.push("AVALON_IP and AVALON_IPS are both set: keep one and remove the other".into());
                return Vec::new();
            }
            (None, None) if self.text("PROBE_ALLOW").is_some() => return Vec::new(),
            (None, None) => {
                let hint =
                    "neither AVALON_IP nor AVALON_IPS is set: give the miner's address, as in AVALON_IP=192.168.1.50";
                self.faults.push(hint.into());
                return Vec::new();
            }
        };
        match parse_list(&list, port) {
            Ok(targets) if targets.is_empty() => {
                self.fault(name, &list, "names no miner; give its address, as in 192.168.1.50");
                targets
            }
            Ok(targets) => targets,
            Err(faults) => {
                self.faults.extend(faults.into_iter().map(|fault| format!("{name}: {fault}")));
                Vec::new()
            }
        }
    }

    fn probe_allow(&mut self) -> Allow {
        let list = self.text("PROBE_ALLOW").map_or(Ok(Allow::default()), |list| Allow::parse(&list));
        list.unwrap_or_else(|faults| {
            self.faults.extend(faults.into_iter().map(|fault| format!("PROBE_ALLOW: {fault}")));
            Allow::default()
        })
    }

    fn seconds(&mut self, name: &str, default: f64, least: f64, most: f64) -> Duration {
        let Some(text) = self.text(name) else { return Duration::from_secs_f64(default) };
        match text.parse::<f64>() {
            Ok(seconds) if (least..=most).contains(&seconds) => return Duration::from_secs_f64(seconds),
            Ok(_) => self.fault(name, &text, &format!("is out of range; give seconds from {least} to {most}")),
            Err(_) => self.fault(name, &text, &format!("is not a number; give seconds from {least} to {most}")),
        }
        Duration::from_secs_f64(default)
    }

    fn port(&mut self, name: &str, default: u16) -> u16 {
        let Some(text) = self.text(name) else { return default };
        let port = text.parse().ok().filter(|port| *port != 0);
        port.unwrap_or_else(|| {
            self.fault(name, &text, "is not a port; give a number from 1 to 65535");
            default
        })
    }

    fn listen(&mut self) -> SocketAddr {
        let port = self.port("EXPORTER_PORT", EXPORTER_PORT);
        let default = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let Some(text) = self.text("EXPORTER_ADDRESS") else { return (default, port).into() };
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(&text);
        let address = bare.parse().unwrap_or_else(|_| {
            self.fault(
                "EXPORTER_ADDRESS",
                &text,
                "is not an IP address; give 0.0.0.0, ::, 127.0.0.1 or one of this machine",
            );
            default
        });
        (address, port).into()
    }

    fn switch(&mut self, name: &str, default: bool) -> bool {
        let Some(text) = self.text(name) else { return default };
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => true,
            "false" | "0" | "no" | "off" => false,
            _ => {
                self.fault(name, &text, "is neither true nor false");
                default
            }
        }
    }

    fn price(&mut self) -> Option<Price> {
        let currency = self.text("ELECTRICITY_CURRENCY").unwrap_or_else(|| "USD".to_owned());
        if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            self.fault("ELECTRICITY_CURRENCY", &currency, "is no currency; give three letters, as USD");
        }
        let (price, zone) = (self.text("ELECTRICITY_PRICE")?, self.text("TZ"));
        match Tariff::parse(&price, zone.as_deref()) {
            Ok(tariff) => Some(Price { tariff, currency: currency.to_ascii_uppercase() }),
            Err(fault) => {
                self.faults.push(fault);
                None
            }
        }
    }

    /// Python's names and Rust's. Nothing that the exporter logs is critical: what ends it is told in any case.
    fn log_level(&mut self) -> LevelFilter {
        let Some(text) = self.text("LOG_LEVEL") else { return LevelFilter::Info };
        match text.to_ascii_lowercase().as_str() {
            "trace" => LevelFilter::Trace,
            "debug" => LevelFilter::Debug,
            "info" => LevelFilter::Info,
            "warning" | "warn" => LevelFilter::Warn,
            "error" => LevelFilter::Error,
            "critical" | "off" => LevelFilter::Off,
            _ => {
                self.fault("LOG_LEVEL", &text, "is no log level; give DEBUG, INFO, WARNING, ERROR or CRITICAL");
                LevelFilter::Info
            }
        }
    }

    /// Private directories that a service manager or a log-in session provides, then those that a container has.
    fn socket_dirs(&mut self) -> Vec<PathBuf> {
        let given = ["RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"].map(|name| (self.get)(name).map(PathBuf::from));
        let common = ["/run", "/dev/shm", "/tmp"].map(|path| Some(PathBuf::from(path)));
        given.into_iter().chain(common).flatten().filter(|path| path.is_absolute()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Config, Faults> {
        Config::read(|name| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| OsString::from(value)), None)
    }

    #[test]
    fn defaults() {
        let config = read(&[("AVALON_IP", "10.0.0.1"), ("AVALON_IPS", " "), ("LOG_LEVEL", "\"\"")]).unwrap();
        assert_eq!(config.interval, Duration::from_secs(10));
        assert_eq!(config.timeout, Duration::from_secs(5));
        assert_eq!(config.listen.to_string(), "0.0.0.0:9100");
        assert_eq!((config.chips, config.debug, config.log_level), (false, true, LevelFilter::Info));
        assert_eq!((config.targets.len(), config.targets[0].port), (1, 4028));
    }

    #[test]
    fn values() {
        let config = read(&[
            ("AVALON_IPS", "'a, b:1 ,[::1]'"),
            ("AVALON_PORT", "\"4029\""),
            ("UPDATE_INTERVAL", " 0.5 "),
            ("MINER_TIMEOUT", "600"),
            ("EXPORTER_ADDRESS", "::"),
            ("EXPORTER_PORT", "65535"),
            ("EXPORT_CHIP_METRICS", "Yes"),
            ("EXPORT_EXTENDED_METRICS", "on"),
            ("ELECTRICITY_PRICE", "0.18;16:00-21:00=0.42"),
            ("ELECTRICITY_CURRENCY", "eur"),
            ("TZ", "UTC-2"),
            ("ENABLE_DEBUG_ENDPOINT", "0"),
            ("LOG_LEVEL", "critical"),
        ])
        .unwrap();
        let ports: Vec<u16> = config.targets.iter().map(|target| target.port).collect();
        assert_eq!(ports, [4029, 1, 4029]);
        assert_eq!((config.interval, config.timeout), (Duration::from_millis(500), Duration::from_secs(600)));
        assert_eq!(config.listen.to_string(), "[::]:65535");
        assert_eq!((config.chips, config.debug, config.log_level), (true, false, LevelFilter::Off));
        let price = config.price.as_ref().unwrap();
        assert_eq!((config.request(), price.currency.as_str()), (Request::Extended, "EUR"));
        assert_eq!(
            (price.tariff.price_at(13 * 3600), price.tariff.price_at(14 * 3600)),
            (0.18, 0.42),
            "two hours ahead"
        );
    }

    #[test]
    fn every_fault_at_once() {
        let faults = read(&[
            ("AVALON_IPS", "http://a,999.1.1.1"),
            ("AVALON_PORT", "0\n\x1b[31m"),
            ("UPDATE_INTERVAL", "NaN"),
            ("MINER_TIMEOUT", "-inf"),
            ("EXPORTER_ADDRESS", "localhost"),
            ("EXPORTER_PORT", "65536"),
            ("EXPORT_CHIP_METRICS", "maybe"),
            ("ELECTRICITY_PRICE", "0.2;25:00-26:00=1"),
            ("ELECTRICITY_CURRENCY", "Euro"),
            ("LOG_LEVEL", "loud"),
        ]);
        let faults = faults.unwrap_err().to_string();
        let expected = [
            "AVALON_PORT='0\\n\\u{1b}[31m' is not a port; give a number from 1 to 65535",
            "AVALON_IPS: 'http://a': this is a URL or path; give a host, or host:port",
            "AVALON_IPS: '999.1.1.1': this is no IPv4 address; it has four numbers from 0 to 255",
            "UPDATE_INTERVAL='NaN' is out of range; give seconds from 0.1 to 86400",
            "MINER_TIMEOUT='-inf' is out of range; give seconds from 0.1 to 600",
            "EXPORTER_PORT='65536' is not a port; give a number from 1 to 65535",
            "EXPORTER_ADDRESS='localhost' is not an IP address; give 0.0.0.0, ::, 127.0.0.1 or one of this machine",
            "EXPORT_CHIP_METRICS='maybe' is neither true nor false",
            "ELECTRICITY_CURRENCY='Euro' is no currency; give three letters, as USD",
            "ELECTRICITY_PRICE: rule '25:00-26:00=1': '25:00' is not a time from 00:00 to 24:00; write a rule like \
             16:00-21:00=0.42 or sat-sun 00:00-24:00=0.12",
            "LOG_LEVEL='loud' is no log level; give DEBUG, INFO, WARNING, ERROR or CRITICAL",
        ];
        assert_eq!(faults.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn numbers_out_of_range() {
        for value in ["0", "-1", "0.09", "86400.1", "inf", "ten", "1e999", "5s"] {
            assert!(read(&[("AVALON_IP", "a"), ("UPDATE_INTERVAL", value)]).is_err(), "{value}");
        }
    }

    #[test]
    fn exactly_one_list() {
        assert!(read(&[]).unwrap_err().to_string().contains("neither AVALON_IP nor AVALON_IPS"));
        assert!(read(&[("AVALON_IP", "a"), ("AVALON_IPS", "b")]).unwrap_err().to_string().contains("both set"));
        assert!(read(&[("AVALON_IPS", " , ")]).unwrap_err().to_string().contains("AVALON_IPS=',' names no miner"));
        assert!(read(&[("AVALON_IP", "a,b")]).unwrap_err().to_string().contains("put several into AVALON_IPS"));
    }
}
