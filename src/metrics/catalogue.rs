//! THE CATALOGUE: every metric family of the page, one row each, in the order of the page and of `docs/fields.md`.
//!
//! A metric's name stands here and nowhere else. There is one table for each label set; a row says name, type, where
//! the value comes from, and what it means. Odd cases are named variants of the source and scales are data, so that
//! the tables can be printed, compared and checked; `collect` and `store` turn a source into a value.
//!
//! The names up to the heading "new families" of each table are those of the Python exporter: people's dashboards and
//! alert rules use them, so neither name nor type nor labels change, even where a better name is at hand. New names
//! follow the Prometheus conventions: base units, `_total` for counters and for nothing else.

use std::fmt;

use crate::cgminer::error::ErrorKind;
use crate::exposition::writer::Kind;
use crate::metrics::psu::{self, Quantity};

/// A metric family and where its values come from.
#[derive(Clone, Copy, Debug)]
pub struct Row<S> {
    /// The metric's name.
    pub name: &'static str,
    /// Counter or gauge.
    pub kind: Kind,
    /// Where the value comes from.
    pub source: S,
    /// How the source's number becomes the metric's unit.
    pub scale: Scale,
    /// The HELP line.
    pub help: &'static str,
}

impl<S> Row<S> {
    const fn over(mut self, divisor: f64) -> Self {
        self.scale = Scale::Over(divisor);
        self
    }

    const fn times(mut self, factor: f64) -> Self {
        self.scale = Scale::Times(factor);
        self
    }
}

const fn gauge<S>(name: &'static str, source: S, help: &'static str) -> Row<S> {
    Row { name, kind: Kind::Gauge, source, scale: Scale::One, help }
}

const fn counter<S>(name: &'static str, source: S, help: &'static str) -> Row<S> {
    Row { name, kind: Kind::Counter, source, scale: Scale::One, help }
}

/// A conversion of units. Division is not multiplication by the inverse: 303 / 100 is 3.03, 303 * 0.01 is not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// As it is.
    One,
    /// Divided.
    Over(f64),
    /// Multiplied.
    Times(f64),
}

impl Scale {
    /// The scaled value; none if it is too large for a number.
    pub fn apply(self, value: f64) -> Option<f64> {
        let scaled = match self {
            Self::One => value,
            Self::Over(divisor) => value / divisor,
            Self::Times(factor) => value * factor,
        };
        scaled.is_finite().then_some(scaled)
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One => Ok(()),
            Self::Over(divisor) => write!(f, " / {divisor}"),
            Self::Times(factor) => write!(f, " x {factor}"),
        }
    }
}

/// The source of a family that stands alone, in words.
pub type Own = &'static str;

/// The lists with one number a chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// `PVT_T0`, `PVT_T1`, ...: temperature.
    Temp,
    /// `PVT_V0`, ...: core voltage.
    Voltage,
    /// `MW0`, ...: nonces found.
    Work,
}

impl List {
    /// The key without the board's number.
    pub const fn stem(self) -> &'static str {
        match self {
            Self::Temp => "PVT_T",
            Self::Voltage => "PVT_V",
            Self::Work => "MW",
        }
    }
}

/// What is made of many numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stat {
    /// Smallest.
    Min,
    /// Arithmetic mean.
    Avg,
    /// Largest.
    Max,
    /// Sum.
    Sum,
}

/// Sources with one value a miner. An *item* is `KEY[value]` of the device's `MM` field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Miner {
    /// A field of `summary`.
    Summary(&'static str),
    /// A field beside `MM` in the device's record of `stats`.
    Device(&'static str),
    /// An item.
    Item(&'static str),
    /// An item that is a whole number; `1392832.1381104` is two that ran into each other.
    Whole(&'static str),
    /// A slot of `PS` as it was sent.
    Slot(usize),
    /// Seconds since the miner's start.
    Uptime,
    /// `GHSspd`, scaled by the first; where there is none, the miner's MH/s of 30 s or 5 s by the second.
    Hashrate(Scale, Scale),
    /// 1 in work, 0 in another known state.
    Working,
    /// Boards that the system state counts.
    HashBoards,
    /// 1 for any reason to be soft-off.
    SoftOff,
    /// `ITemp`, else `Temp`.
    Ambient,
    /// Number of chips that report.
    ChipCount,
    /// Of the chips' numbers as they were sent.
    Chips(List, Stat),
    /// Of the chips' core voltages in mV, while the chips work.
    Core(Stat),
    /// A decoded quantity of the supply.
    Supply(Quantity),
    /// The supply's error bits.
    SupplyError,
    /// Power by hash rate.
    Efficiency,
    /// `RSSI`, when on Wi-Fi.
    Rssi,
    /// `Filter`, in minutes.
    Filter,
    /// The network's difficulty.
    Difficulty,
}

impl Miner {
    /// The key, if it is one value under one key, else an empty text.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Summary(key) | Self::Device(key) | Self::Item(key) | Self::Whole(key) => key,
            _ => "",
        }
    }
}

/// Sources with one value a hash board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Board {
    /// A list item, one number a board.
    Item(&'static str),
    /// The same, but only while the chips work: in standby it is of the last run.
    Live(&'static str),
    /// The same for a temperature.
    Temp(&'static str),
}

impl Board {
    /// The key of the list.
    pub const fn key(self) -> &'static str {
        let (Self::Item(key) | Self::Live(key) | Self::Temp(key)) = self;
        key
    }
}

/// Sources with one value a chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chip {
    /// The chip's number in a list, as it was sent.
    List(List),
    /// The core voltage in mV, while the chips work.
    Core,
}

/// Sources with one value a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// A field of the pool's record in `pools`.
    Field(&'static str),
    /// A field of the pool's record in `stats` (`ID=POOLn`).
    Stats(&'static str),
    /// The same, `true` or `false`.
    Flag(&'static str),
    /// Status is Alive.
    Alive,
    /// The miner works for it now.
    Active,
    /// Alive and active.
    Up,
}

impl Pool {
    /// The key, if it is one value under one key, else an empty text.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Field(key) | Self::Stats(key) | Self::Flag(key) => key,
            Self::Alive | Self::Active | Self::Up => "",
        }
    }
}

/// Sources that the exporter counts itself, for each miner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Poll {
    /// The last poll left a reading.
    Up,
    /// When the last reading came.
    LastSuccess,
    /// How long there has been none.
    DownFor,
    /// How long the last poll took.
    Duration,
    /// All failed polls.
    Errors,
    /// Failed polls of a kind.
    ErrorsOf(ErrorKind),
    /// Ups and downs.
    Changes,
    /// Down to up.
    Ups,
    /// Up to down.
    Downs,
    /// Cycles that found the miner's last poll still running.
    Skipped,
    /// What the limits of a reading cut off.
    Dropped,
    /// Energy used.
    Energy,
}

/// Sources of the exporter's own process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Process {
    /// User and system time.
    Cpu,
    /// Resident memory.
    Resident,
    /// Virtual memory.
    Virtual,
    /// Open descriptors.
    OpenFds,
    /// Limit of descriptors.
    MaxFds,
    /// Unix time of the start.
    StartTime,
    /// Threads.
    Threads,
}

/// Labels of `avalon_info` after `ip`, each with the fields of `version` that may hold it, best first.
pub const INFO_LABELS: [(&str, &[&str]); 9] = [
    ("model", &["MODEL"]),
    ("prod", &["PROD"]),
    ("firmware", &["LVERSION", "CGVERSION", "VERSION"]),
    ("cgminer", &["CGMiner"]),
    ("api", &["API"]),
    ("hwtype", &["HWTYPE"]),
    ("swtype", &["SWTYPE"]),
    ("dna", &["DNA"]),
    ("mac", &["MAC"]),
];

/// Labels of a pool's contractual families after `ip`.
pub const POOL_LABELS: [&str; 5] = ["pool_index", "url", "priority", "status", "id"];

/// Labels that service discovery gives a target: what the settings call the miner, and what it says it is.
pub const SD_NAME: &str = "__meta_avalon_name";
/// See [`SD_NAME`].
pub const SD_MODEL: &str = "__meta_avalon_model";
/// See [`SD_NAME`].
pub const SD_FIRMWARE: &str = "__meta_avalon_firmware";
/// The value of the label `ip` on the page.
pub const SD_IP: &str = "__meta_avalon_ip";

/// Positions of the sensors on a hash board, with their items.
pub const POSITIONS: [(&str, &str); 3] = [("inlet", "HBITemp"), ("outlet", "HBOTemp"), ("board", "HBTemp")];

/// Values of the label `state`, with the number that `STATE` gives each.
pub const STATES: [&str; 4] = ["init", "work", "idle", "fault"];

#[rustfmt::skip]
mod tables {
    use super::{Board, Chip, ErrorKind, List, Miner, Own, Poll, Pool, Process, Quantity, Row, Scale, Stat, counter, gauge};
    use super::Board::{Live, Temp};
    use super::Miner::{Chips, Core, Device, Item, Slot, Summary, Whole};
    use super::Pool::{Field, Flag, Stats};

    /// The program and its version.
    pub const EXPORTER_INFO: Row<Own> = gauge("avalon_exporter_info", "the program", "Version of this exporter, always 1");

    /// What the exporter says of each miner, by `ip`.
    pub const POLL: &[Row<Poll>] = &[
        gauge("avalon_up", Poll::Up, "1 if the last poll of this miner succeeded, else 0"),
        gauge("avalon_last_scrape_timestamp_seconds", Poll::LastSuccess, "Unix time of the last successful poll, 0 if none yet"),
        gauge("avalon_down_duration_seconds", Poll::DownFor, "0 while up, else seconds since the last successful poll (since the exporter's start if there was none)"),
        gauge("avalon_scrape_duration_seconds", Poll::Duration, "How long the last poll took, failed ones too"),
        counter("avalon_scrape_errors_total", Poll::Errors, "Failed polls"),
        counter("avalon_scrape_errors_timeout_total", Poll::ErrorsOf(ErrorKind::Timeout), "Failed polls: the deadline passed"),
        counter("avalon_scrape_errors_connection_refused_total", Poll::ErrorsOf(ErrorKind::ConnectionRefused), "Failed polls: connection refused"),
        counter("avalon_scrape_errors_network_total", Poll::ErrorsOf(ErrorKind::Network), "Failed polls: name resolution, unreachable, reset and other network errors"),
        counter("avalon_scrape_errors_parse_total", Poll::ErrorsOf(ErrorKind::Parse), "Failed polls: empty, incomplete, oversized or malformed reply"),
        counter("avalon_scrape_errors_other_total", Poll::ErrorsOf(ErrorKind::Other), "Failed polls: anything else"),
        counter("avalon_status_changes_total", Poll::Changes, "Transitions between up and down; the first poll is none"),
        counter("avalon_status_ups_total", Poll::Ups, "Transitions to up"),
        counter("avalon_status_downs_total", Poll::Downs, "Transitions to down"),
        // New families.
        counter("avalon_polls_skipped_total", Poll::Skipped, "Cycles in which this miner was not polled because its last poll was still running"),
        counter("avalon_series_dropped_total", Poll::Dropped, "Chips, boards, pools and ends of long labels left out because a reply had more than a page may show, summed over all polls"),
        counter("avalon_energy_joules_total", Poll::Energy, "Energy used since the exporter's start: decoded power integrated over the time between polls while up"),
    ];

    /// What the energy cost, by `ip` and `currency`.
    pub const ENERGY_COST: Row<Own> = counter("avalon_energy_cost_total", "energy and ELECTRICITY_PRICE", "Cost of the energy used since the exporter's start, each part at the price when its poll ended");

    /// Identity, by `ip` and [`super::INFO_LABELS`].
    pub const INFO: Row<Own> = gauge("avalon_info", "version: the label's name in capitals, `CGMiner`; firmware: `LVERSION`, else `CGVERSION`, else `VERSION`; model and firmware else from item `Ver`", "Model, firmware and identity of the miner, always 1; kept while it is down");
    /// The name that the settings give a miner, by `ip` and `name`.
    pub const MINER_NAME: Row<Own> = gauge("avalon_miner_name", "AVALON_IP, AVALON_IPS", "Name that the settings give this miner, always 1");

    /// One value a miner, by `ip`.
    pub const MINER: &[Row<Miner>] = &[
        gauge("avalon_uptime_seconds", Miner::Uptime, "Seconds since the miner's mining program started"),
        gauge("avalon_work_mode", Item("WORKMODE"), "Work mode; Nano 3S: 0 low 1 medium 2 high; Q: 0 eco 1 standard 2 super; Mini 3: 0 heating 1 mining 2 night"),
        gauge("avalon_system_working", Miner::Working, "1 if the miner says that it works, 0 if it is in init, idle or fault"),
        gauge("avalon_hash_boards", Miner::HashBoards, "Hash boards that the miner has found"),
        gauge("avalon_activation", Item("Activation"), "Whether the miner is activated"),
        gauge("avalon_soft_power_off", Miner::SoftOff, "1 if the miner was switched off by software, whatever the reason"),
        gauge("avalon_lcd_on", Item("LcdOnoff"), "Whether the display is on"),
        gauge("avalon_lcd_switch", Item("LcdSwitch"), "Display mode"),
        gauge("avalon_temp_inlet_celsius", Item("ITemp"), "Air inlet temperature as sent; -273 where there is no sensor"),
        gauge("avalon_temp_ambient_celsius", Miner::Ambient, "Ambient temperature as sent; -273 where there is no sensor"),
        gauge("avalon_temp_current_celsius", Item("Temp"), "Inlet or ambient temperature of models without ITemp, as sent"),
        gauge("avalon_temp_outlet_celsius", Item("OTemp"), "Air outlet temperature as sent"),
        gauge("avalon_temp_avg_celsius", Item("TAvg"), "Mean chip temperature as sent; 0 in standby"),
        gauge("avalon_temp_max_celsius", Item("TMax"), "Hottest chip's temperature as sent; 0 in standby"),
        gauge("avalon_temp_target_celsius", Item("TarT"), "Chip temperature that the miner regulates to"),
        gauge("avalon_total_asics", Item("TA"), "Number of chips"),
        gauge("avalon_fan1_rpm", Item("Fan1"), "Speed of fan 1 in revolutions a minute"),
        gauge("avalon_fan2_rpm", Item("Fan2"), "Speed of fan 2 in revolutions a minute"),
        gauge("avalon_fan_duty_percent", Item("FanR"), "Fan duty cycle"),
        gauge("avalon_hashrate_ghs", Miner::Hashrate(Scale::One, Scale::Over(1000.0)), "Hash rate now in GH/s"),
        gauge("avalon_hashrate_1m_ghs", Summary("MHS 1m"), "Hash rate of the last minute in GH/s").over(1000.0),
        gauge("avalon_hashrate_5m_ghs", Summary("MHS 5m"), "Hash rate of the last 5 minutes in GH/s").over(1000.0),
        gauge("avalon_hashrate_15m_ghs", Summary("MHS 15m"), "Hash rate of the last 15 minutes in GH/s").over(1000.0),
        gauge("avalon_hashrate_moving_ghs", Item("GHSmm"), "Theoretical hash rate from the chips' clocks in GH/s; in standby that of the last run"),
        gauge("avalon_hashrate_avg_ghs", Item("GHSavg"), "Mean hash rate since the miner's start in GH/s; in standby that of the last run"),
        gauge("avalon_work_utility", Item("WU"), "Work utility of the device: difficulty-1 shares a minute"),
        gauge("avalon_frequency_mhz", Item("Freq"), "Mean clock of the chips in MHz"),
        counter("avalon_hw_errors_total", Item("HW"), "Hardware errors since the miner's start"),
        gauge("avalon_hw_error_rate_percent", Item("DH"), "Hardware error rate over a long time"),
        gauge("avalon_hw_error_rate_speed_percent", Item("DHspd"), "Hardware error rate of late"),
        gauge("avalon_mm_count", Device("MM Count"), "Modules"),
        gauge("avalon_nonce_mask", Device("Nonce Mask"), "Nonce mask"),
        gauge("avalon_mpo_target", Item("MPO"), "Power limit of the work mode in W: a setting, not a measurement"),
        gauge("avalon_ps_slot_0", Slot(0), "Slot 0 of the supply's item PS as sent; what it means depends on the model"),
        gauge("avalon_ps_slot_1", Slot(1), "Slot 1 of the supply's item PS as sent; what it means depends on the model"),
        gauge("avalon_ps_slot_2", Slot(2), "Slot 2 of the supply's item PS as sent; what it means depends on the model"),
        gauge("avalon_ps_slot_3", Slot(3), "Slot 3 of the supply's item PS as sent; what it means depends on the model"),
        gauge("avalon_ps_slot_4", Slot(4), "Slot 4 of the supply's item PS as sent; what it means depends on the model"),
        gauge("avalon_ps_slot_5", Slot(5), "Slot 5 of the supply's item PS as sent; what it means depends on the model"),
        gauge("avalon_ps_slot_6", Slot(6), "Slot 6 of the supply's item PS as sent; what it means depends on the model"),
        gauge("avalon_ps_slot_7", Slot(7), "Slot 7 of the supply's item PS as sent; what it means depends on the model"),
        gauge("avalon_ps_slot_8", Slot(8), "Slot 8 of the supply's item PS as sent; what it means depends on the model"),
        gauge("avalon_ps_slot_9", Slot(9), "Slot 9 of the supply's item PS as sent; what it means depends on the model"),
        gauge("avalon_power_err", Slot(0), "Slot 0 of PS as sent: error bits of the supply"),
        gauge("avalon_power_vout", Slot(2), "Slot 2 of PS as sent; avalon_psu_output_volts and avalon_psu_input_volts are decoded"),
        gauge("avalon_power_iout", Slot(3), "Slot 3 of PS as sent; avalon_psu_output_amperes is decoded"),
        gauge("avalon_power_vout_cmd", Slot(5), "Slot 5 of PS as sent; avalon_psu_set_volts is decoded"),
        gauge("avalon_power_pout_wall", Slot(6), "Slot 6 of PS as sent; avalon_power_watts is decoded"),
        counter("avalon_shares_accepted_total", Summary("Accepted"), "Shares that pools accepted"),
        counter("avalon_shares_rejected_total", Summary("Rejected"), "Shares that pools rejected"),
        counter("avalon_shares_stale_total", Summary("Stale"), "Shares that came too late"),
        counter("avalon_blocks_found_total", Summary("Found Blocks"), "Blocks found"),
        gauge("avalon_best_share", Summary("Best Share"), "Difficulty of the best share since the miner's start"),
        gauge("avalon_device_hw_error_percent", Summary("Device Hardware%"), "Hardware errors of all devices"),
        gauge("avalon_device_rejected_percent", Summary("Device Rejected%"), "Rejected shares of all devices"),
        gauge("avalon_session_pool_rejected_percent", Summary("Pool Rejected%"), "Rejected shares of all pools since the miner's start"),
        gauge("avalon_session_pool_stale_percent", Summary("Pool Stale%"), "Stale shares of all pools since the miner's start"),
        gauge("avalon_work_utility_summary", Summary("Work Utility"), "Work utility of the whole miner: difficulty-1 shares a minute"),
        gauge("avalon_chip_count", Miner::ChipCount, "Chips that report, over all boards"),
        gauge("avalon_chip_temp_min_celsius", Chips(List::Temp, Stat::Min), "Coolest chip as sent; in standby that of the last run"),
        gauge("avalon_chip_temp_avg_celsius", Chips(List::Temp, Stat::Avg), "Mean of the chips' temperatures as sent; in standby that of the last run"),
        gauge("avalon_chip_temp_max_celsius", Chips(List::Temp, Stat::Max), "Hottest chip as sent; in standby that of the last run"),
        gauge("avalon_chip_voltage_min_volts", Chips(List::Voltage, Stat::Min), "Lowest raw chip voltage / 100, ten times the true one; see avalon_chip_core_min_volts").over(100.0),
        gauge("avalon_chip_voltage_avg_volts", Chips(List::Voltage, Stat::Avg), "Mean raw chip voltage / 100, ten times the true one; see avalon_chip_core_avg_volts").over(100.0),
        gauge("avalon_chip_voltage_max_volts", Chips(List::Voltage, Stat::Max), "Highest raw chip voltage / 100, ten times the true one; see avalon_chip_core_max_volts").over(100.0),
        gauge("avalon_chip_matching_work_min", Chips(List::Work, Stat::Min), "Fewest nonces that a chip found"),
        gauge("avalon_chip_matching_work_avg", Chips(List::Work, Stat::Avg), "Mean of the nonces that chips found"),
        gauge("avalon_chip_matching_work_max", Chips(List::Work, Stat::Max), "Most nonces that a chip found"),
        gauge("avalon_chip_matching_work_sum", Chips(List::Work, Stat::Sum), "Nonces that all chips found"),
        // New families.
        gauge("avalon_power_watts", Miner::Supply(Quantity::Watts), "Power by the supply's measurement: at the wall, but for an A10 at the boards"),
        gauge("avalon_efficiency_joules_per_terahash", Miner::Efficiency, "Power by hash rate, while hashing"),
        gauge("avalon_hashrate_hashes_per_second", Miner::Hashrate(Scale::Times(1e9), Scale::Times(1e6)), "Hash rate now"),
        counter("avalon_hashes_total", Summary("Total MH"), "Hashes since the miner's start").times(1e6),
        gauge("avalon_psu_input_volts", Miner::Supply(Quantity::InputVolts), "Voltage at the supply's input"),
        gauge("avalon_psu_output_volts", Miner::Supply(Quantity::OutputVolts), "Voltage at the supply's output"),
        gauge("avalon_psu_output_amperes", Miner::Supply(Quantity::OutputAmperes), "Current at the supply's output"),
        gauge("avalon_psu_output_watts", Miner::Supply(Quantity::OutputWatts), "Power at the supply's output"),
        gauge("avalon_psu_set_volts", Miner::Supply(Quantity::SetVolts), "Output voltage that the controller asks for"),
        gauge("avalon_psu_error_code", Miner::SupplyError, "Error bits of the supply, 0 is fine"),
        gauge("avalon_soft_off_reason", Item("SoftOFF"), "Reason why the miner is switched off by software, 0 if it is not; 4 is standby on the Q"),
        gauge("avalon_controller_error_code", Item("ECMM"), "Error bits of the controller, 0 is fine"),
        gauge("avalon_work_level", Item("WORKLEVEL"), "Work level"),
        gauge("avalon_ping_seconds", Item("PING"), "Mean round trip of the last share submissions").over(1000.0),
        gauge("avalon_memory_free_bytes", Whole("MEMFREE"), "Free memory of the controller").times(1024.0),
        counter("avalon_pool_failures_total", Item("PFCnt"), "Pool failures since the miner's boot"),
        counter("avalon_local_works_total", Item("LW"), "Work items that the device was given"),
        gauge("avalon_chip_core_min_volts", Core(Stat::Min), "Lowest core voltage of a chip, while the chips work").over(1000.0),
        gauge("avalon_chip_core_avg_volts", Core(Stat::Avg), "Mean core voltage of the chips, while they work").over(1000.0),
        gauge("avalon_chip_core_max_volts", Core(Stat::Max), "Highest core voltage of a chip, while the chips work").over(1000.0),
        gauge("avalon_wifi_rssi_dbm", Miner::Rssi, "Strength of the Wi-Fi signal, when the miner is on Wi-Fi"),
        gauge("avalon_filter_runtime_seconds", Miner::Filter, "Running time of the dust filter").times(60.0),
        gauge("avalon_network_difficulty", Miner::Difficulty, "Difficulty of the Bitcoin network, as the miner knows it"),
    ];

    /// 1 for the state that the miner is in, by `ip` and `state`.
    pub const SYSTEM_STATE: Row<Own> = gauge("avalon_system_state", "item `SYSTEMSTATU`, else `STATE`", "1 for the state that the miner is in, 0 for the others");

    /// One value a board, by `ip` and `board`.
    pub const BOARD: &[Row<Board>] = &[
        gauge("avalon_board_error_code", Board::Item("ECHU"), "Error bits of the board, 0 is fine; 512 stands on healthy A10s"),
        gauge("avalon_board_hashrate_hashes_per_second", Live("MGHS"), "Mean hash rate of the board since the miner's start, while it works").times(1e9),
        gauge("avalon_board_temp_max_celsius", Temp("MTmax"), "Hottest chip of the board, while it works"),
        gauge("avalon_board_temp_avg_celsius", Temp("MTavg"), "Mean chip temperature of the board, while it works"),
        counter("avalon_board_hw_errors_total", Board::Item("MH"), "Hardware errors of the board since the miner's start"),
        counter("avalon_board_crc_errors_total", Board::Item("CRC"), "Link errors of the board since the miner's start"),
    ];

    /// One value a fan, by `ip` and `fan`.
    pub const FAN_RPM: Row<Own> = gauge("avalon_fan_rpm", "items `Fan1`, `Fan2`, ...", "Speed of a fan in revolutions a minute; a fan that is not fitted reads 0");
    /// Sensors on the hash board, by `ip` and `position`.
    pub const TEMP_BOARD: Row<Own> = gauge("avalon_temp_board_celsius", "items `HBITemp`, `HBOTemp`, `HBTemp`", "Temperature on the hash board, while it works");

    /// One value a chip, by `ip` and `chip`; only with `EXPORT_CHIP_METRICS`.
    pub const CHIP: &[Row<Chip>] = &[
        gauge("avalon_chip_temp_celsius", Chip::List(List::Temp), "Temperature of a chip as sent; in standby that of the last run"),
        gauge("avalon_chip_voltage_volts", Chip::List(List::Voltage), "Raw voltage of a chip / 100, ten times the true one; see avalon_chip_core_volts").over(100.0),
        gauge("avalon_chip_matching_work", Chip::List(List::Work), "Nonces that a chip found"),
        // New families.
        gauge("avalon_chip_core_volts", Chip::Core, "Core voltage of a chip, while it works").over(1000.0),
    ];

    /// One value a pool, by `ip` and [`super::POOL_LABELS`].
    pub const POOL: &[Row<Pool>] = &[
        gauge("avalon_pool_up", Pool::Up, "1 if the pool is alive and its stratum session is the active one"),
        counter("avalon_pool_getworks_total", Field("Getworks"), "Work requests"),
        counter("avalon_pool_works_total", Field("Works"), "Work items from the pool"),
        counter("avalon_pool_discarded_total", Field("Discarded"), "Work items thrown away"),
        counter("avalon_pool_stale_total", Field("Stale"), "Shares that came too late"),
        counter("avalon_pool_shares_stale_total", Field("Stale"), "Shares that came too late, the same as avalon_pool_stale_total"),
        counter("avalon_pool_bad_work_total", Field("Bad Work"), "Bad work items from the pool"),
        counter("avalon_pool_get_failures_total", Field("Get Failures"), "Failures to get work"),
        counter("avalon_pool_remote_failures_total", Field("Remote Failures"), "Failures to submit shares"),
        counter("avalon_pool_shares_accepted_total", Field("Accepted"), "Shares that the pool accepted"),
        counter("avalon_pool_shares_rejected_total", Field("Rejected"), "Shares that the pool rejected"),
        counter("avalon_pool_diff1_shares_total", Field("Diff1 Shares"), "Difficulty-1 shares found"),
        gauge("avalon_pool_difficulty_accepted", Field("Difficulty Accepted"), "Sum of the difficulties of accepted shares"),
        gauge("avalon_pool_difficulty_rejected", Field("Difficulty Rejected"), "Sum of the difficulties of rejected shares"),
        gauge("avalon_pool_difficulty_stale", Field("Difficulty Stale"), "Sum of the difficulties of stale shares"),
        gauge("avalon_pool_last_share_difficulty", Field("Last Share Difficulty"), "Difficulty of the last share"),
        gauge("avalon_pool_work_difficulty", Field("Work Difficulty"), "Difficulty of the current work"),
        gauge("avalon_pool_stratum_difficulty", Field("Stratum Difficulty"), "Difficulty that the pool's stratum session asks for"),
        gauge("avalon_pool_best_share", Field("Best Share"), "Difficulty of the best share found for the pool"),
        gauge("avalon_pool_rejected_percent", Field("Pool Rejected%"), "Rejected shares of the pool"),
        gauge("avalon_pool_stale_percent", Field("Pool Stale%"), "Stale shares of the pool"),
        gauge("avalon_pool_current_block_height", Field("Current Block Height"), "Height of the block that the pool works on"),
        gauge("avalon_pool_current_block_version", Field("Current Block Version"), "Version of the block that the pool works on"),
        gauge("avalon_pool_last_share_time", Field("Last Share Time"), "When the last share was found, as sent: Unix time, on some models seconds since the start"),
        counter("avalon_pool_times_sent_total", Stats("Times Sent"), "Messages to the pool"),
        counter("avalon_pool_times_recv_total", Stats("Times Recv"), "Messages from the pool"),
        counter("avalon_pool_bytes_sent_total", Stats("Bytes Sent"), "Bytes to the pool"),
        counter("avalon_pool_bytes_recv_total", Stats("Bytes Recv"), "Bytes from the pool"),
        counter("avalon_pool_net_bytes_sent_total", Stats("Net Bytes Sent"), "Bytes on the wire to the pool"),
        counter("avalon_pool_net_bytes_recv_total", Stats("Net Bytes Recv"), "Bytes on the wire from the pool"),
        gauge("avalon_pool_work_diff", Stats("Work Diff"), "Difficulty of the current work, from stats"),
        gauge("avalon_pool_min_diff", Stats("Min Diff"), "Lowest difficulty seen"),
        gauge("avalon_pool_max_diff", Stats("Max Diff"), "Highest difficulty seen"),
        counter("avalon_pool_min_diff_count", Stats("Min Diff Count"), "Work items at the lowest difficulty"),
        counter("avalon_pool_max_diff_count", Stats("Max Diff Count"), "Work items at the highest difficulty"),
        gauge("avalon_pool_work_had_roll_time", Flag("Work Had Roll Time"), "Whether work had a roll time"),
        gauge("avalon_pool_work_can_roll", Flag("Work Can Roll"), "Whether work can be rolled"),
        gauge("avalon_pool_work_had_expire", Flag("Work Had Expire"), "Whether work had an expiry"),
        gauge("avalon_pool_work_roll_time_seconds", Stats("Work Roll Time"), "Roll time of work"),
    ];

    /// One value a pool with labels that survive a fail-over, by `ip` and `pool_index`.
    pub const POOL_STATE: &[Row<Pool>] = &[
        gauge("avalon_pool_alive", Pool::Alive, "1 if the pool answers; a healthy standby pool is alive and not active"),
        gauge("avalon_pool_active", Pool::Active, "1 if the pool's stratum session is the active one"),
        gauge("avalon_pool_priority", Field("Priority"), "Place in the order of fail-over, 0 is the first"),
    ];

    /// How long the last whole cycle of polls took.
    pub const CYCLE_DURATION: Row<Own> = gauge("avalon_poll_cycle_duration_seconds", "the poller", "From the start of the last complete poll cycle to the end of its last poll");
    /// The tariff's price now, by `currency`.
    pub const ELECTRICITY_PRICE: Row<Own> = gauge("avalon_electricity_price", "ELECTRICITY_PRICE", "Price of a kWh now");
    /// What became of connections, by `result`.
    pub const HTTP_CONNECTIONS: Row<Own> = counter("avalon_http_connections_total", "the exporter", "Connections of clients: accepted, of those refused, evicted for others or timed out; rebuilt counts restarts of the inner server");
    /// Answered requests, by `path` and `code`.
    pub const HTTP_REQUESTS: Row<Own> = counter("avalon_http_requests_total", "the exporter", "Requests that the endpoints answered, by path and status; what was refused before is in avalon_http_connections_total");

    /// The exporter's process, without labels.
    pub const PROCESS: &[Row<Process>] = &[
        counter("process_cpu_seconds_total", Process::Cpu, "User and system CPU time spent"),
        gauge("process_resident_memory_bytes", Process::Resident, "Resident memory"),
        gauge("process_virtual_memory_bytes", Process::Virtual, "Virtual memory"),
        gauge("process_open_fds", Process::OpenFds, "Open file descriptors"),
        gauge("process_max_fds", Process::MaxFds, "Limit of open file descriptors"),
        gauge("process_start_time_seconds", Process::StartTime, "Unix time of the process's start"),
        gauge("process_threads", Process::Threads, "Threads of the process"),
    ];
}
pub use tables::*;

/// A family as the documentation shows it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The metric's name.
    pub name: &'static str,
    /// Counter or gauge.
    pub kind: Kind,
    /// Its labels, in the order of the page.
    pub labels: Vec<&'static str>,
    /// Where the value comes from, in words.
    pub source: String,
    /// The HELP line.
    pub help: &'static str,
}

/// The whole catalogue in the order of the page.
pub fn entries() -> Vec<Entry> {
    fn one<S: fmt::Display>(row: &Row<S>, labels: &[&'static str]) -> Entry {
        let source = format!("{}{}", row.source, row.scale);
        Entry { name: row.name, kind: row.kind, labels: labels.to_vec(), source, help: row.help }
    }
    fn all<S: fmt::Display>(rows: &[Row<S>], labels: &[&'static str]) -> Vec<Entry> {
        rows.iter().map(|row| one(row, labels)).collect()
    }
    let info: Vec<_> = ["ip"].into_iter().chain(INFO_LABELS.map(|(name, _)| name)).collect();
    let pool: Vec<_> = ["ip"].into_iter().chain(POOL_LABELS).collect();
    [
        vec![one(&EXPORTER_INFO, &["version"])],
        all(POLL, &["ip"]),
        vec![one(&ENERGY_COST, &["ip", "currency"]), one(&INFO, &info), one(&MINER_NAME, &["ip", "name"])],
        all(MINER, &["ip"]),
        vec![one(&SYSTEM_STATE, &["ip", "state"])],
        all(BOARD, &["ip", "board"]),
        vec![one(&FAN_RPM, &["ip", "fan"]), one(&TEMP_BOARD, &["ip", "position"])],
        all(CHIP, &["ip", "chip"]),
        all(POOL, &pool),
        all(POOL_STATE, &["ip", "pool_index"]),
        vec![one(&CYCLE_DURATION, &[]), one(&ELECTRICITY_PRICE, &["currency"])],
        vec![one(&HTTP_CONNECTIONS, &["result"]), one(&HTTP_REQUESTS, &["path", "code"])],
        all(PROCESS, &[]),
    ]
    .concat()
}

impl fmt::Display for Miner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Summary(key) => write!(f, "summary `{key}`"),
            Self::Device(key) => write!(f, "stats `{key}`"),
            Self::Item(key) => write!(f, "item `{key}`"),
            Self::Whole(key) => write!(f, "item `{key}`, if whole"),
            Self::Slot(number) => write!(f, "item `PS`, slot {number}"),
            Self::Uptime => write!(f, "summary `Elapsed`, else stats `Elapsed`"),
            Self::Hashrate(gigahashes, megahashes) => {
                write!(f, "item `GHSspd`{gigahashes}, else summary `MHS 30s`{megahashes}, else `MHS 5s`{megahashes}")
            }
            Self::Working => write!(f, "item `SYSTEMSTATU`, its `Work`"),
            Self::HashBoards => write!(f, "item `SYSTEMSTATU`, its `Hash Board`"),
            Self::SoftOff => write!(f, "item `SoftOFF`, not 0"),
            Self::Ambient => write!(f, "item `ITemp`, else `Temp`"),
            Self::ChipCount => write!(f, "items `PVT_T*` `PVT_V*` `MW*`, the longest"),
            Self::Chips(list, stat) => write!(f, "items `{}*`, {}", list.stem(), stat.word()),
            Self::Core(stat) => write!(f, "items `{}*`, {}", List::Voltage.stem(), stat.word()),
            Self::Supply(quantity) => write!(f, "item `PS`; {}", psu::describe(*quantity)),
            Self::SupplyError => write!(f, "item `PS`, slot 0"),
            Self::Efficiency => write!(f, "power and hash rate"),
            Self::Rssi => write!(f, "litestats or stats, item `RSSI`"),
            Self::Filter => write!(f, "litestats or stats, item `Filter`"),
            Self::Difficulty => write!(f, "coin `Network Difficulty`"),
        }
    }
}

impl Stat {
    fn word(self) -> &'static str {
        match self {
            Self::Min => "least",
            Self::Avg => "mean",
            Self::Max => "greatest",
            Self::Sum => "sum",
        }
    }
}

impl fmt::Display for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Item(key) | Self::Live(key) | Self::Temp(key)) = self;
        write!(f, "item `{key}`")
    }
}

impl fmt::Display for Chip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(list) => write!(f, "items `{}*`", list.stem()),
            Self::Core => write!(f, "items `{}*`", List::Voltage.stem()),
        }
    }
}

impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(key) => write!(f, "pools `{key}`"),
            Self::Stats(key) | Self::Flag(key) => write!(f, "stats of `POOLn`, `{key}`"),
            Self::Alive => write!(f, "pools `Status`"),
            Self::Active => write!(f, "pools `Stratum Active`"),
            Self::Up => write!(f, "pools `Status` and `Stratum Active`"),
        }
    }
}

impl fmt::Display for Poll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Energy { "decoded power over time" } else { "the exporter" })
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("/proc/self")
    }
}
