//! What is exported: the catalogue of metric families, and where each value comes from.

#[rustfmt::skip]
pub mod catalogue;
mod keys;
mod psu;
mod reference;
mod source;

pub use keys::KEYS;
pub(crate) use keys::{
    BOARDS_MAX, CHIP_KEYS, ChipKeys, ELAPSED, FAN_KEYS, FILTER, GHS_SPD, I_TEMP, ID, MHS_5S, MHS_30S, MODEL,
    NET_DEV_TYPE, NETWORK_DIFFICULTY, POOL_NUMBER, PRIORITY, PS, RSSI, SOFT_OFF, STATE, STATUS, STRATUM_ACTIVE,
    SYSTEM_STATU, TEMP, URL, VER,
};
pub(crate) use psu::{Model, Quantity, Supply, split_version};
pub use reference::{Entry, entries};
pub use source::{BoardSource, ChipSource, IdentityLabel, List, MinerSource, PoolSource, Position, Row, Scale, Stat};
