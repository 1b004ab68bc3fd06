//! What people want to know of a miner at a summary, taken out of its record once, and how figures are written for them.
//!
//! Metrics have base units and every digit; people get TH/s, three digits and "for 5 min".

use std::fmt::{self, Display};
use std::time::{Duration, Instant};

use crate::miner::{Miner, MinerState, Reading};

/// How a miner is, in words of the pages; best to worst except for the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// Not polled yet.
    Waiting,
    /// It works.
    Hashing,
    /// Up, and starting.
    Starting,
    /// Up, and switched off by software or by itself.
    Idle,
    /// Up, and says that something is wrong with it.
    Fault,
    /// It does not answer.
    Down,
}

impl Condition {
    /// The word for it, which is its class in the style sheet too.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Hashing => "hashing",
            Self::Starting => "starting",
            Self::Idle => "idle",
            Self::Fault => "fault",
            Self::Down => "down",
        }
    }
}

/// The figures of one miner. Whatever it does not tell is absent.
#[derive(Clone, Debug)]
pub struct Summary {
    /// How it is.
    pub state: Condition,
    /// How long it has been up or down.
    pub lasted: Option<Duration>,
    /// Since its last successful poll.
    pub age: Option<Duration>,
    /// Hash rate now, in TH/s.
    pub terahashes: Option<f64>,
    /// Mean since its start, in TH/s, while it works.
    pub average: Option<f64>,
    /// Hottest chip, mean of the chips, and what it regulates to, in °C.
    pub hottest: Option<f64>,
    /// See `hottest`.
    pub mean: Option<f64>,
    /// See `hottest`.
    pub target: Option<f64>,
    /// Fastest fan, in 1/min.
    pub fan: Option<f64>,
    /// Fan duty in percent.
    pub duty: Option<f64>,
    /// Power in W.
    pub watts: Option<f64>,
    /// J/TH.
    pub efficiency: Option<f64>,
    /// Shares accepted, rejected.
    pub accepted: Option<f64>,
    /// See `accepted`.
    pub rejected: Option<f64>,
    /// Wi-Fi signal in dBm.
    pub rssi: Option<f64>,
    /// The pool that it works for, else the first: its address and whether it is alive and in use.
    pub pool: Option<(String, bool)>,
    /// Error bits of supply or controller that are not 0.
    pub error: Option<(&'static str, f64)>,
}

impl Summary {
    /// Looks at a miner.
    pub fn new(miner: &Miner, now: Instant) -> Self {
        let reading = miner.reading.as_deref();
        let values = reading.map(|reading| reading.miner).unwrap_or_default();
        let warm = |celsius: Option<f64>| celsius.filter(|celsius| *celsius > 0.0);
        let state = state(miner);
        let works = |value: &f64| state != Condition::Idle && value.is_finite();
        let fans = reading.into_iter().flat_map(|reading| reading.fans.iter().flatten());
        let errors = [("supply", values.psu_error_code), ("controller", values.controller_error_code)];
        Summary {
            state,
            lasted: miner.since.map(|since| now.saturating_duration_since(since)),
            age: miner.success.map(|(at, _)| now.saturating_duration_since(at)),
            terahashes: reading.and_then(Reading::terahashes),
            average: values.hashrate_avg_ghs.filter(works).map(|gigahashes| gigahashes / 1000.0),
            hottest: reading.and_then(Reading::hottest_chip),
            mean: warm(values.temp_avg_celsius),
            target: warm(values.temp_target_celsius),
            fan: fans.copied().reduce(f64::max),
            duty: values.fan_duty_percent,
            watts: values.power_watts,
            efficiency: values.efficiency_joules_per_terahash,
            accepted: values.shares_accepted_total,
            rejected: values.shares_rejected_total,
            rssi: values.wifi_rssi_dbm,
            pool: reading.and_then(pool),
            error: errors.into_iter().find_map(|(name, code)| Some((name, code.filter(|code| *code != 0.0)?))),
        }
    }

    /// The share of shares that pools rejected, in percent.
    pub fn reject_percent(&self) -> Option<f64> {
        reject_percent(self.accepted?, self.rejected?)
    }
}

/// See [`Summary::reject_percent`]; none before the first share.
pub fn reject_percent(accepted: f64, rejected: f64) -> Option<f64> {
    let all = accepted + rejected;
    (all > 0.0).then(|| rejected / all * 100.0)
}

fn state(miner: &Miner) -> Condition {
    let Some(reading) = &miner.reading else {
        return if miner.duration.is_some() { Condition::Down } else { Condition::Waiting };
    };
    let is_off = reading.miner.soft_power_off == Some(1.0);
    match reading.state {
        Some(MinerState::Fault) => Condition::Fault,
        Some(MinerState::Idle) => Condition::Idle,
        Some(MinerState::Init) => Condition::Starting,
        Some(MinerState::Work) | None if is_off => Condition::Idle,
        Some(MinerState::Work) | None => Condition::Hashing,
    }
}

fn pool(reading: &Reading) -> Option<(String, bool)> {
    let pool = reading.pools.iter().find(|pool| pool.is_up()).or(reading.pools.first())?;
    Some((pool.url.clone().unwrap_or_default(), pool.is_up()))
}

/// How far a temperature is from what the miner regulates to, as the class of a colour. The mean of the chips is kept at the
/// target; the hottest chip of a healthy miner is up to some ten degrees above.
pub fn warmth(celsius: f64, target: Option<f64>) -> &'static str {
    match target.map(|target| celsius - target) {
        None => "t",
        Some(off) if off < -12.0 => "t t0",
        Some(off) if off < -4.0 => "t t1",
        Some(off) if off <= 4.0 => "t t2",
        Some(off) if off <= 12.0 => "t t3",
        Some(_) => "t t4",
    }
}

/// The work modes' names where they are known.
pub fn work_mode(model: &str, mode: f64) -> Option<&'static str> {
    let names: [&str; 3] = match model.to_ascii_lowercase().as_str() {
        "nano3s" => ["low", "medium", "high"],
        "q" => ["eco", "standard", "super"],
        "mini3" => ["heating", "mining", "night"],
        _ => return None,
    };
    names.into_iter().enumerate().find(|(number, _)| *number as f64 == mode).map(|(_, name)| name)
}

/// A figure in three digits or so, with its unit; a dash where there is none.
#[derive(Clone, Copy, Debug)]
pub struct Figure(pub Option<f64>, pub &'static str);

impl Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(value) = self.0 else { return f.write_str("\u{2013}") };
        let (value, unit) = match self.1 {
            "TH/s" if value >= 1000.0 => (value / 1000.0, "PH/s"),
            "W" if value >= 10_000.0 => (value / 1000.0, "kW"),
            "V" if value < 1.0 && value > 0.0 => (value * 1000.0, "mV"),
            unit => (value, unit),
        };
        let decimals = match (unit, value.abs()) {
            ("°C" | "W" | "rpm" | "" | "dBm" | "mV", _) | (_, 0.0) => 0,
            (_, size) if size >= 100.0 => 0,
            (_, size) if size >= 10.0 => 1,
            _ => 2,
        };
        f.write_str(&grouped(&format!("{value:.decimals$}")))?;
        match unit {
            "" => Ok(()),
            "%" => f.write_str("%"),
            unit => write!(f, "\u{a0}{unit}"),
        }
    }
}

/// Commas between thousands.
fn grouped(number: &str) -> String {
    let (sign, rest) = number.strip_prefix('-').map_or(("", number), |rest| ("-", rest));
    let (whole, fraction) = rest.split_once('.').map_or((rest, None), |(whole, fraction)| (whole, Some(fraction)));
    let mut text = sign.to_owned();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if let Some(fraction) = fraction {
        text.push('.');
        text.push_str(fraction);
    }
    text
}

/// A time in its two largest units: `3 d 4 h`, `12 s`.
#[derive(Clone, Copy, Debug)]
pub struct Time(pub Duration);

impl Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
        match (days, hours, minutes) {
            (0, 0, 0) => write!(f, "{seconds}\u{a0}s"),
            (0, 0, _) => write!(f, "{minutes}\u{a0}min"),
            (0, _, 0) => write!(f, "{hours}\u{a0}h"),
            (0, _, _) => write!(f, "{hours}\u{a0}h {minutes}\u{a0}min"),
            (_, 0, _) => write!(f, "{days}\u{a0}d"),
            _ => write!(f, "{days}\u{a0}d {hours}\u{a0}h"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures() {
        for (value, unit, text) in [
            (Some(6.423_03), "TH/s", "6.42 TH/s"),
            (Some(37.4), "TH/s", "37.4 TH/s"),
            (Some(2048.0), "TH/s", "2.05 PH/s"),
            (Some(834.4), "W", "834 W"),
            (Some(12_345.0), "W", "12.3 kW"),
            (Some(2567.0), "", "2,567"),
            (Some(1_234_567.0), "", "1,234,567"),
            (Some(-55.0), "dBm", "-55 dBm"),
            (Some(-1234.5), "x", "-1,234 x"),
            (Some(0.285), "V", "285 mV"),
            (Some(0.04), "%", "0.04%"),
            (None, "W", "\u{2013}"),
        ] {
            assert_eq!(Figure(value, unit).to_string().replace('\u{a0}', " "), text);
        }
        for (seconds, text) in
            [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3600, "1 h"), (3660, "1 h 1 min"), (93_600, "1 d 2 h")]
        {
            assert_eq!(Time(Duration::from_secs(seconds)).to_string().replace('\u{a0}', " "), text);
        }
    }

    #[test]
    fn colours_and_modes() {
        let classes = [60.0, 80.0, 90.0, 96.0, 110.0].map(|celsius| warmth(celsius, Some(90.0)));
        assert_eq!(classes, ["t t0", "t t1", "t t2", "t t3", "t t4"]);
        assert_eq!(warmth(90.0, None), "t");
        assert_eq!((work_mode("Q", 2.0), work_mode("Q", 3.0), work_mode("x", 0.0)), (Some("super"), None, None));
        assert_eq!(reject_percent(0.0, 0.0), None);
        assert_eq!(reject_percent(3.0, 1.0), Some(25.0));
    }
}
