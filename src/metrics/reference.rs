//! The catalogue as its documentation shows it.

use std::fmt;

use crate::exposition::Kind;
use crate::metrics::catalogue::{
    BOARD, CHIP, CYCLE_DURATION, ELECTRICITY_PRICE, ENERGY_COST, EXPORTER_INFO, FAN_RPM, HTTP_CONNECTIONS,
    HTTP_REQUESTS, IDENTITY, INFO, MINER, MINER_NAME, POLL, POOL, POOL_LABELS, POOL_STATE, PROCESS, SYSTEM_STATE,
    TEMP_BOARD,
};
use crate::metrics::source::Row;

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
    let info: Vec<_> = ["ip"].into_iter().chain(IDENTITY.map(|label| label.name)).collect();
    let pool: Vec<_> = ["ip"].into_iter().chain(POOL_LABELS).collect();
    [
        vec![one(&EXPORTER_INFO, &["version"])],
        all(&POLL, &["ip"]),
        vec![one(&ENERGY_COST, &["ip", "currency"]), one(&INFO, &info), one(&MINER_NAME, &["ip", "name"])],
        all(&MINER, &["ip"]),
        vec![one(&SYSTEM_STATE, &["ip", "state"])],
        all(&BOARD, &["ip", "board"]),
        vec![one(&FAN_RPM, &["ip", "fan"]), one(&TEMP_BOARD, &["ip", "position"])],
        all(&CHIP, &["ip", "chip"]),
        all(&POOL, &pool),
        all(&POOL_STATE, &["ip", "pool_index"]),
        vec![one(&CYCLE_DURATION, &[]), one(&ELECTRICITY_PRICE, &["currency"])],
        vec![one(&HTTP_CONNECTIONS, &["result"]), one(&HTTP_REQUESTS, &["path", "code"])],
        all(&PROCESS, &[]),
    ]
    .concat()
}
