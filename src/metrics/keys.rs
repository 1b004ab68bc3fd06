//! The keys of a reply that the catalogue and the collector ask for, each with its number.
//!
//! They are found while this is compiled, so that to ask for a value is to look at one place. Whoever asks for a new key
//! writes it into a row of the catalogue or below.

#![expect(clippy::indexing_slicing, reason = "computed while it is compiled")]

use crate::cgminer::fields::{Key, Keys};
use crate::metrics::catalogue::{BOARD, INFO_LABELS, MINER, POOL, POOL_STATE, POSITIONS};

/// Most boards of which the chips are read, and most fans.
pub const BOARDS_MAX: usize = 8;
/// See [`BOARDS_MAX`].
pub const FANS_MAX: usize = 16;

/// All of them.
pub static KEYS: Keys = Keys::new(&INFO_TEXTS).with(&[
    &MINER_TEXTS,
    &BOARD_TEXTS,
    &POSITION_TEXTS,
    &POOL_TEXTS,
    &POOL_STATE_TEXTS,
    CHIP_TEXTS.as_flattened(),
    &FAN_TEXTS,
    NAMED_TEXTS,
]);

/// What `map` does, while this is compiled.
macro_rules! each {
    ($things:expr, $thing:ident => $made:expr) => {{
        let mut all = [{
            let $thing = &$things[0];
            $made
        }; $things.len()];
        let mut number = 1;
        while number < all.len() {
            let $thing = &$things[number];
            all[number] = $made;
            number += 1;
        }
        all
    }};
}

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

/// A table's texts and its keys, a row each; those of a row that asks for more than one key mean nothing.
macro_rules! keys_of {
    ($texts:ident, $keys:ident, $things:ident, $thing:ident => $text:expr) => {
        const $texts: [&str; $things.len()] = each!($things, $thing => $text);
        #[doc = concat!("The keys of [`", stringify!($things), "`], row by row; that of a row without one means nothing.")]
        pub const $keys: [Key; $things.len()] = each!($texts, text => KEYS.known(text));
    };
}

keys_of!(MINER_TEXTS, MINER_KEYS, MINER, row => row.source.key());
keys_of!(BOARD_TEXTS, BOARD_KEYS, BOARD, row => row.source.key());
keys_of!(POSITION_TEXTS, POSITION_KEYS, POSITIONS, position => position.1);
keys_of!(POOL_TEXTS, POOL_KEYS, POOL, row => row.source.key());
keys_of!(POOL_STATE_TEXTS, POOL_STATE_KEYS, POOL_STATE, row => row.source.key());

const INFO_TEXTS: [&[&str]; INFO_LABELS.len()] = each!(INFO_LABELS, label => label.1);

#[rustfmt::skip]
const CHIP_TEXTS: [[&str; 3]; BOARDS_MAX] = [
    ["PVT_T0", "PVT_V0", "MW0"], ["PVT_T1", "PVT_V1", "MW1"], ["PVT_T2", "PVT_V2", "MW2"], ["PVT_T3", "PVT_V3", "MW3"],
    ["PVT_T4", "PVT_V4", "MW4"], ["PVT_T5", "PVT_V5", "MW5"], ["PVT_T6", "PVT_V6", "MW6"], ["PVT_T7", "PVT_V7", "MW7"],
];
/// The lists of a board's chips, by board: temperature, core voltage, nonces.
pub const CHIP_KEYS: [[Key; 3]; BOARDS_MAX] = each!(CHIP_TEXTS, texts => {
    let [temp, voltage, work] = *texts;
    [KEYS.known(temp), KEYS.known(voltage), KEYS.known(work)]
});

#[rustfmt::skip]
const FAN_TEXTS: [&str; FANS_MAX] = [
    "Fan1", "Fan2", "Fan3", "Fan4", "Fan5", "Fan6", "Fan7", "Fan8",
    "Fan9", "Fan10", "Fan11", "Fan12", "Fan13", "Fan14", "Fan15", "Fan16",
];
/// The keys of the fans.
pub const FAN_KEYS: [Key; FANS_MAX] = each!(FAN_TEXTS, text => KEYS.known(text));
