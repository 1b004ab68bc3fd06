//! Environment variables in, a checked [`Config`] or all faults at once out.
//!
//! An empty value counts as unset, and quotes around a value are removed, since `docker run --env-file` keeps them.
//! This is the only module that reads the environment.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use log::LevelFilter;

use crate::cgminer::reply::Request;
use crate::config::allow_list::Allow;
use crate::config::apply::Problem;
use crate::config::settings::{SETTINGS, Setting};
use crate::config::target::{Target, parse_list};
use crate::config::tariff::Tariff;

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct Config {
    /// The miners, in the order given.
    pub targets: Vec<Target>,
    /// Port of the miners that name none.
    pub miner_port: u16,
    /// What may be probed besides the miners.
    pub probe_allow: Allow,
    /// Time from the start of one poll cycle to the start of the next.
    pub interval: Duration,
    /// Deadline of a whole exchange with a miner.
    pub timeout: Duration,
    /// Address to serve on.
    pub listen_address: IpAddr,
    /// Port to serve on.
    pub listen_port: u16,
    /// Whether the page has families with a series for each chip.
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

impl Config {
    /// Reads the process's environment.
    pub fn from_env() -> Result<Self, Faults> {
        Self::read(|name| env::var_os(name), None)
    }

    /// Reads the process's environment for miners that it does not name: those of `demo` and `replay`, which show everything
    /// unless told otherwise.
    pub fn for_demo(targets: Vec<Target>) -> Result<Self, Faults> {
        let in_demo = |name: &str| SETTINGS.iter().find(|setting| setting.name == name)?.demo.map(OsString::from);
        Self::read(|name| env::var_os(name).or_else(|| in_demo(name)), Some(targets))
    }

    /// Reads variables from wherever `get` finds them, the targets too unless they are given.
    pub fn read(get: impl Fn(&str) -> Option<OsString>, targets: Option<Vec<Target>>) -> Result<Self, Faults> {
        let mut draft = Draft::new(socket_dirs(&get));
        let mut faults = Faults(Vec::new());
        for Setting { name, apply, .. } in SETTINGS {
            let mut set = |value: &str| {
                apply.set(&mut draft, value).unwrap_or_else(|problem| faults.explain(name, value, problem));
            };
            apply.default().iter().for_each(|default| set(default));
            match get(name).map(OsString::into_string) {
                Some(Ok(value)) if bare(&value).is_empty() => {}
                Some(Ok(value)) => set(bare(&value)),
                Some(Err(value)) => {
                    let problem = Problem::Value("is not UTF-8 text".to_owned());
                    faults.explain(name, &value.to_string_lossy(), problem);
                }
                None => {}
            }
        }
        let config = draft.finish(targets, &mut faults);
        if faults.0.is_empty() { Ok(config) } else { Err(faults.sorted()) }
    }

    /// Reads a few variables of the process's environment, as if no others were set: they need not be right.
    fn from_env_only(names: &[&str]) -> Result<Self, Faults> {
        Self::read(|name| names.contains(&name).then(|| env::var_os(name)).flatten(), Some(Vec::new()))
    }

    /// The address at which a program on this machine reaches the exporter: what `healthcheck` asks. It needs no other
    /// setting to be right.
    pub fn local_address() -> Result<SocketAddr, Faults> {
        let mut address = Self::from_env_only(&["EXPORTER_ADDRESS", "EXPORTER_PORT"])?.listen();
        match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        Ok(address)
    }

    /// The port of the miners' API, which needs no other setting to be right.
    pub fn api_port() -> Result<u16, Faults> {
        Ok(Self::from_env_only(&["AVALON_PORT"])?.miner_port)
    }

    /// Whether a terminal may be given colours: not with `NO_COLOR` (<https://no-color.org>), and not a dumb one.
    pub fn wants_colour() -> bool {
        let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
        !is_set("NO_COLOR") && env::var_os("TERM").is_none_or(|terminal| terminal != "dumb")
    }

    /// Where to serve.
    pub fn listen(&self) -> SocketAddr {
        (self.listen_address, self.listen_port).into()
    }

    /// What to ask the miners for.
    pub fn request(&self) -> Request {
        if self.extended { Request::Extended } else { Request::Standard }
    }

    /// The settings as lines of name and value, without the miners.
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let mut copy = self.clone();
        SETTINGS.iter().filter_map(|setting| Some((setting.name, setting.apply.show(&mut copy)?))).collect()
    }
}

/// A configuration that is being read.
#[derive(Debug)]
pub struct Draft {
    /// What is understood so far.
    pub config: Config,
    /// Whether there is a list of what may be probed, so that no miner has to be named.
    pub is_for_probes: bool,
    /// The one miner.
    pub miner: Option<String>,
    /// The list of miners.
    pub miners: Option<String>,
    /// The price of electricity.
    pub price: Option<String>,
    /// Its currency.
    pub currency: String,
    /// The time zone of its rules.
    pub zone: Option<String>,
}

impl Draft {
    /// An empty one. Each setting first puts its default into it, so these values are never seen.
    fn new(socket_dirs: Vec<PathBuf>) -> Self {
        let config = Config {
            targets: Vec::new(),
            miner_port: 0,
            probe_allow: Allow::default(),
            interval: Duration::ZERO,
            timeout: Duration::ZERO,
            listen_address: Ipv4Addr::UNSPECIFIED.into(),
            listen_port: 0,
            chips: false,
            extended: false,
            price: None,
            debug: false,
            log_level: LevelFilter::Off,
            socket_dirs,
        };
        let currency = String::new();
        Draft { config, is_for_probes: false, miner: None, miners: None, price: None, currency, zone: None }
    }

    /// Puts together what takes more than one setting.
    fn finish(self, targets: Option<Vec<Target>>, faults: &mut Faults) -> Config {
        let targets = targets.unwrap_or_else(|| self.targets(faults));
        let price = self.price.as_ref().and_then(|price| match Tariff::parse(price, self.zone.as_deref()) {
            Ok(tariff) => Some(Price { tariff, currency: self.currency }),
            Err(fault) => {
                faults.push("ELECTRICITY_PRICE", fault);
                None
            }
        });
        Config { targets, price, ..self.config }
    }

    /// The miners; none are only allowed if there is a list of what may be probed.
    fn targets(&self, faults: &mut Faults) -> Vec<Target> {
        let (name, list) = match (&self.miner, &self.miners) {
            (Some(one), None) => ("AVALON_IP", one),
            (None, Some(list)) => ("AVALON_IPS", list),
            (None, None) if self.is_for_probes => return Vec::new(),
            (Some(_), Some(_)) => {
                faults.push("AVALON_IP", "AVALON_IP and AVALON_IPS are both set: keep one and remove the other");
                return Vec::new();
            }
            (None, None) => {
                let fault =
                    "neither AVALON_IP nor AVALON_IPS is set: give the miner's address, such as AVALON_IP=192.168.1.50";
                faults.push("AVALON_IP", fault);
                return Vec::new();
            }
        };
        let problem = match parse_list(list, self.config.miner_port) {
            _ if name == "AVALON_IP" && list.contains(',') => {
                Problem::Value("holds more than one miner; use AVALON_IPS for several".to_owned())
            }
            Ok(targets) if targets.is_empty() => {
                Problem::Value("names no miner; give its address, such as 192.168.1.50".to_owned())
            }
            Ok(targets) => return targets,
            Err(entries) => Problem::Entries(entries),
        };
        faults.explain(name, list, problem);
        Vec::new()
    }
}

/// A value without the spaces and quotes around it.
fn bare(value: &str) -> &str {
    let text = value.trim();
    let unquoted = ['"', '\''].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote));
    unquoted.unwrap_or(text).trim()
}

/// Private directories that a service manager or a login session provides, then those that a container has.
fn socket_dirs(get: impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let given = ["RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"].map(|name| get(name).map(PathBuf::from));
    let common = ["/run", "/dev/shm", "/tmp"].map(|path| Some(PathBuf::from(path)));
    given.into_iter().chain(common).flatten().filter(|path| path.is_absolute()).collect()
}

/// What is wrong with the settings, one line a fault, each naming the variable, its value and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(Vec<(&'static str, String)>);

impl Faults {
    /// Adds a line about a setting.
    fn push(&mut self, name: &'static str, line: impl Into<String>) {
        self.0.push((name, line.into()));
    }

    /// Adds what is wrong with the value of a setting.
    fn explain(&mut self, name: &'static str, value: &str, problem: Problem) {
        match problem {
            Problem::Value(why) => self.push(name, format!("{name}='{value}' {why}")),
            Problem::Entries(entries) => {
                for entry in entries {
                    self.push(name, format!("{name}: {entry}"));
                }
            }
        }
    }

    /// In the order of the settings, also those that are found when several settings are put together.
    fn sorted(mut self) -> Self {
        self.0.sort_by_key(|(name, _)| SETTINGS.iter().position(|setting| setting.name == *name));
        self
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (_, line)) in self.0.iter().enumerate() {
            f.write_str(if at == 0 { "" } else { "\n" })?;
            // Control characters in a value could break the line or restyle the terminal, so they are escaped.
            line.chars().try_for_each(|char| match char {
                char if char.is_control() => write!(f, "{}", char.escape_default()),
                char => write!(f, "{char}"),
            })?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::apply::Apply;

    fn read(variables: &[(&str, &str)]) -> Result<Config, Faults> {
        Config::read(|name| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| OsString::from(value)), None)
    }

    #[test]
    fn defaults() {
        let config = read(&[("AVALON_IP", "10.0.0.1"), ("AVALON_IPS", " "), ("LOG_LEVEL", "\"\"")]).unwrap();
        assert_eq!(config.interval, Duration::from_secs(10));
        assert_eq!(config.timeout, Duration::from_secs(5));
        assert_eq!(config.listen().to_string(), "0.0.0.0:9100");
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
        assert_eq!(config.listen().to_string(), "[::]:65535");
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
            "AVALON_IPS: 'http://a' is a URL or path; give a host, or host:port",
            "AVALON_IPS: '999.1.1.1' is not a valid IPv4 address; it consists of four numbers from 0 to 255",
            "AVALON_PORT='0\\n\\u{1b}[31m' is not a port; give a number from 1 to 65535",
            "UPDATE_INTERVAL='NaN' is out of range; give a number of seconds from 0.1 to 86400",
            "MINER_TIMEOUT='-inf' is out of range; give a number of seconds from 0.1 to 600",
            "EXPORTER_ADDRESS='localhost' is not an IP address; give 0.0.0.0, ::, 127.0.0.1 or one of this machine",
            "EXPORTER_PORT='65536' is not a port; give a number from 1 to 65535",
            "EXPORT_CHIP_METRICS='maybe' is neither true nor false",
            "ELECTRICITY_PRICE: rule '25:00-26:00=1': '25:00' is not a time from 00:00 to 24:00; write a rule like \
             16:00-21:00=0.42 or sat-sun 00:00-24:00=0.12",
            "ELECTRICITY_CURRENCY='Euro' is not a currency; give three letters, such as USD",
            "LOG_LEVEL='loud' is not valid; give DEBUG, INFO, WARNING, ERROR or CRITICAL",
        ];
        assert_eq!(faults.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn numbers_out_of_range() {
        for setting in SETTINGS {
            let (good, bad) = match setting.apply {
                Apply::Seconds { min, max, .. } => ([min, max], [min * 0.999, max * 1.001]),
                Apply::Port { .. } => ([1.0, 65_535.0], [0.0, 65_536.0]),
                _ => continue,
            };
            let read = |value: &str| read(&[("AVALON_IP", "a"), (setting.name, value)]);
            assert!(good.iter().all(|value| read(&value.to_string()).is_ok()), "{}", setting.name);
            for value in
                bad.map(|value| value.to_string()).iter().map(String::as_str).chain(["-1", "inf", "ten", "1e999", "5s"])
            {
                let fault = read(value).unwrap_err().to_string();
                assert!(fault.contains(&setting.apply.values()), "{fault}");
            }
        }
    }

    #[test]
    fn exactly_one_list() {
        assert!(read(&[]).unwrap_err().to_string().contains("neither AVALON_IP nor AVALON_IPS"));
        assert!(read(&[("AVALON_IP", "a"), ("AVALON_IPS", "b")]).unwrap_err().to_string().contains("both set"));
        assert!(read(&[("AVALON_IPS", " , ")]).unwrap_err().to_string().contains("AVALON_IPS=',' names no miner"));
        assert!(read(&[("AVALON_IP", "a,b")]).unwrap_err().to_string().contains("use AVALON_IPS for several"));
    }
}
