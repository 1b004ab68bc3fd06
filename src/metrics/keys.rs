//! The keys of a reply that the catalogue and the collector ask for. A new one comes into a row of the catalogue or into
//! a list below.

#![expect(clippy::indexing_slicing, reason = "computed while it is compiled")]

use crate::cgminer::fields::{Key, Keys};
use crate::metrics::catalogue::{BOARD, IDENTITY, MINER, POOL, POOL_STATE, POSITIONS};

/// Most boards of which the chips are read, and most fans.
pub const BOARDS_MAX: usize = 8;
/// See [`BOARDS_MAX`].
pub const FANS_MAX: usize = 16;

/// Adds the key of each row that has one, while this is compiled.
macro_rules! add {
    ($keys:ident, $rows:ident, $row:ident => $key:expr) => {
        let mut number = 0;
        while number < $rows.len() {
            let $row = &$rows[number];
            if let Some(key) = $key {
                $keys = $keys.with(&[&[key]]);
            }
            number += 1;
        }
    };
}

/// All of them.
pub static KEYS: Keys = {
    let mut keys = Keys::new(&[NAMED_TEXTS, CHIP_TEXTS.as_flattened(), &FAN_TEXTS]);
    add!(keys, MINER, row => row.source.key());
    add!(keys, BOARD, row => Some(row.source.key()));
    add!(keys, POSITIONS, position => Some(position.key));
    add!(keys, POOL, row => row.source.key());
    add!(keys, POOL_STATE, row => row.source.key());
    let mut number = 0;
    while number < IDENTITY.len() {
        keys = keys.with(&[IDENTITY[number].keys]);
        number += 1;
    }
    keys
};

/// A constant for each key that is asked for by its name, and the list of their texts.
macro_rules! named_keys {
    ($($name:ident = $text:literal),* $(,)?) => {
        const NAMED_TEXTS: &[&str] = &[$($text),*];
        $(
            #[doc = concat!("`", $text, "`.")]
            pub const $name: Key = KEYS.known($text);
        )*
    };
}

named_keys! {
    ELAPSED = "Elapsed",
    FILTER = "Filter",
    GHS_SPD = "GHSspd",
    ID = "ID",
    I_TEMP = "ITemp",
    MHS_30S = "MHS 30s",
    MHS_5S = "MHS 5s",
    MODEL = "MODEL",
    NET_DEV_TYPE = "NetDevType",
    NETWORK_DIFFICULTY = "Network Difficulty",
    POOL_NUMBER = "POOL",
    PRIORITY = "Priority",
    PS = "PS",
    RSSI = "RSSI",
    SOFT_OFF = "SoftOFF",
    STATE = "STATE",
    STATUS = "Status",
    STRATUM_ACTIVE = "Stratum Active",
    SYSTEM_STATU = "SYSTEMSTATU",
    TEMP = "Temp",
    URL = "URL",
    VER = "Ver",
}

#[rustfmt::skip]
const CHIP_TEXTS: [[&str; 3]; BOARDS_MAX] = [
    ["PVT_T0", "PVT_V0", "MW0"], ["PVT_T1", "PVT_V1", "MW1"], ["PVT_T2", "PVT_V2", "MW2"], ["PVT_T3", "PVT_V3", "MW3"],
    ["PVT_T4", "PVT_V4", "MW4"], ["PVT_T5", "PVT_V5", "MW5"], ["PVT_T6", "PVT_V6", "MW6"], ["PVT_T7", "PVT_V7", "MW7"],
];

/// The lists of a board's chips.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChipKeys {
    /// Temperatures.
    pub temp: Key,
    /// Core voltages.
    pub voltage: Key,
    /// Nonces found.
    pub work: Key,
}

/// Those of each board.
pub const CHIP_KEYS: [ChipKeys; BOARDS_MAX] = {
    let none = ChipKeys { temp: ID, voltage: ID, work: ID };
    let mut all = [none; BOARDS_MAX];
    let mut board = 0;
    while board < BOARDS_MAX {
        let [temp, voltage, work] = CHIP_TEXTS[board];
        all[board] = ChipKeys { temp: KEYS.known(temp), voltage: KEYS.known(voltage), work: KEYS.known(work) };
        board += 1;
    }
    all
};

#[rustfmt::skip]
const FAN_TEXTS: [&str; FANS_MAX] = [
    "Fan1", "Fan2", "Fan3", "Fan4", "Fan5", "Fan6", "Fan7", "Fan8",
    "Fan9", "Fan10", "Fan11", "Fan12", "Fan13", "Fan14", "Fan15", "Fan16",
];
/// The keys of the fans.
pub const FAN_KEYS: [Key; FANS_MAX] = {
    let mut all = [ID; FANS_MAX];
    let mut fan = 0;
    while fan < FANS_MAX {
        all[fan] = KEYS.known(FAN_TEXTS[fan]);
        fan += 1;
    }
    all
};
