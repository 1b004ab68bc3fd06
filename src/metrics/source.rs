//! What a row of the catalogue is made of: name, type, where the value comes from, scale, help.
//!
//! The catalogue is data, so that it can be printed, compared and checked: odd cases are named variants of a source, and
//! scales are values. `miner::collect` turns a source into a value.

use std::fmt;

use crate::exposition::Kind;
use crate::metrics::psu::{self, Quantity};

/// A metric family and where its values come from.
#[derive(Clone, Copy, Debug)]
pub struct Row<S> {
    /// The metric's name.
    pub name: &'static str,
    /// Counter or gauge.
    pub kind: Kind,
    /// Where the value comes from; a text where no reply is involved.
    pub source: S,
    /// How the source's number becomes the metric's unit.
    pub scale: Scale,
    /// The HELP line.
    pub help: &'static str,
}

impl<S> Row<S> {
    /// The same row with a source that counts in a smaller unit.
    pub(super) const fn over(mut self, divisor: f64) -> Self {
        self.scale = Scale::Over(divisor);
        self
    }

    /// The same row with a source that counts in a larger unit.
    pub(super) const fn times(mut self, factor: f64) -> Self {
        self.scale = Scale::Times(factor);
        self
    }
}

pub(super) const fn gauge<S>(name: &'static str, source: S, help: &'static str) -> Row<S> {
    Row { name, kind: Kind::Gauge, source, scale: Scale::One, help }
}

pub(super) const fn counter<S>(name: &'static str, source: S, help: &'static str) -> Row<S> {
    Row { name, kind: Kind::Counter, source, scale: Scale::One, help }
}

/// Declares a table, and a struct with a field for each of its rows: a value is asked for by a name that the compiler
/// knows, and a page still takes all of them in the order of the table.
///
/// ```text
/// table! { /// Doc. FRUIT: Row<&str>, FruitValues<u32> { apples: gauge(..), pears: gauge(..) } }
///
/// FRUIT[1].name              "fruit_pears"
/// FruitValues::of(|row| ..)  FruitValues { apples, pears }, made row by row
/// values.pears               the value of the second row
/// values.into_array()        [apples, pears]
/// ```
macro_rules! table {
    ($(#[$doc:meta])* $table:ident: $row:ty, $values:ident<$default:ty> { $($field:ident: $line:expr),* $(,)? }) => {
        $(#[$doc])*
        pub static $table: [$row; [$(stringify!($field)),*].len()] = [$($line),*];

        #[doc = concat!("A value for each row of [`", stringify!($table), "`].")]
        #[derive(Clone, Copy, Debug, Default, PartialEq)]
        pub struct $values<T = $default> {
            $(#[doc = concat!("`", stringify!($line), "`")] pub $field: T),*
        }

        impl<T> $values<T> {
            /// Makes a value for each row, in their order.
            pub fn of(mut make: impl FnMut(&'static $row) -> T) -> Self {
                let [$($field),*] = std::array::from_fn(|row| make(&$table[row]));
                Self { $($field),* }
            }

            /// The values in the order of the rows.
            pub fn into_array(self) -> [T; $table.len()] {
                let Self { $($field),* } = self;
                [$($field),*]
            }
        }
    };
}
pub(super) use table;

/// A label whose value the miner says.
#[derive(Clone, Copy, Debug)]
pub struct IdentityLabel {
    /// The label's name.
    pub name: &'static str,
    /// The fields of `version` that may hold its value, best first.
    pub keys: &'static [&'static str],
}

pub(super) const fn label(name: &'static str, keys: &'static [&'static str]) -> IdentityLabel {
    IdentityLabel { name, keys }
}

/// A place on the hash board where the air is measured.
#[derive(Clone, Copy, Debug)]
pub struct Position {
    /// The value of the label `position`.
    pub name: &'static str,
    /// The item with its temperature.
    pub key: &'static str,
}

pub(super) const fn position(name: &'static str, key: &'static str) -> Position {
    Position { name, key }
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

/// What many numbers are reduced to.
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
pub enum MinerSource {
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

impl MinerSource {
    /// The key, if the source is one value under one key.
    pub const fn key(self) -> Option<&'static str> {
        match self {
            Self::Summary(key) | Self::Device(key) | Self::Item(key) | Self::Whole(key) => Some(key),
            _ => None,
        }
    }
}

impl fmt::Display for MinerSource {
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

/// Sources with one value a hash board: a list item, one number a board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoardSource {
    /// As it was sent.
    Item(&'static str),
    /// Only while the chips work: in standby it is of the last run.
    Live(&'static str),
    /// The same for a temperature.
    Temp(&'static str),
}

impl BoardSource {
    /// The key of the list.
    pub const fn key(self) -> &'static str {
        let (Self::Item(key) | Self::Live(key) | Self::Temp(key)) = self;
        key
    }
}

impl fmt::Display for BoardSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "item `{}`", self.key())
    }
}

/// Sources with one value a chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChipSource {
    /// The chip's number in a list, as it was sent.
    List(List),
    /// The core voltage in mV, while the chips work.
    Core,
}

impl fmt::Display for ChipSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(list) => write!(f, "items `{}*`", list.stem()),
            Self::Core => write!(f, "items `{}*`", List::Voltage.stem()),
        }
    }
}

/// Sources with one value a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolSource {
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

impl PoolSource {
    /// The key, if the source is one value under one key.
    pub const fn key(self) -> Option<&'static str> {
        match self {
            Self::Field(key) | Self::Stats(key) | Self::Flag(key) => Some(key),
            Self::Alive | Self::Active | Self::Up => None,
        }
    }
}

impl fmt::Display for PoolSource {
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
