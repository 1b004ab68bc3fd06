//! The page: miners in, exposition out, family by family in the order of the catalogue.
//!
//! It works on a snapshot, so no lock is held while it writes, and a miner's labels are escaped once a page, not once a
//! sample.

use std::time::{Duration, Instant};

use crate::collect::{PoolReading, Reading};
use crate::exposition::{Labels, Page};
use crate::metrics::{
    BOARD, CHIP, CYCLE_DURATION, ELECTRICITY_PRICE, ENERGY_COST, EXPORTER_INFO, FAN_RPM, HTTP_CONNECTIONS,
    HTTP_REQUESTS, INFO, INFO_LABELS, MINER, MINER_NAME, POLL, POOL, POOL_LABELS, POOL_STATE, POSITIONS, PROCESS, Row,
    STATES, SYSTEM_STATE, TEMP_BOARD,
};
use crate::store::Miner;

/// This program's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a page shows.
#[derive(Debug)]
pub struct View<'a> {
    /// The miners, in the order of the settings.
    pub miners: &'a [Miner],
    /// The moment that ages count to.
    pub now: Instant,
    /// Whether to show single chips.
    pub chips: bool,
    /// Currency and price of a kWh now.
    pub price: Option<(&'a str, f64)>,
    /// What the exporter says of itself; none on a page that is about the miners alone.
    pub own: Option<Own>,
}

/// What the exporter says of itself.
#[derive(Debug, Default)]
pub struct Own {
    /// How long the last cycle took.
    pub cycle: Option<Duration>,
    /// Connections by what became of them.
    pub connections: Vec<(&'static str, u64)>,
    /// Answered requests by path and status.
    pub requests: Vec<((&'static str, u16), u64)>,
    /// What the kernel says of the process.
    pub process: [Option<f64>; PROCESS.len()],
}

/// A miner with its labels.
struct Entry<'a> {
    miner: &'a Miner,
    reading: Option<&'a Reading>,
    ip: Labels,
    chips: Vec<(Labels, &'a [Option<f64>])>,
    boards: Vec<(Labels, &'a [Option<f64>])>,
    /// With all labels, and with the index alone.
    pools: Vec<(Labels, Labels, &'a PoolReading)>,
}

impl<'a> Entry<'a> {
    fn new(miner: &'a Miner, with_chips: bool) -> Self {
        let ip = Labels::default().with("ip", &miner.target.label);
        let reading = miner.reading.as_deref();
        let chips = reading.filter(|_| with_chips).map_or(&[][..], |reading| &reading.chips);
        let boards = reading.map_or(&[][..], |reading| &reading.boards);
        let pools = reading.map_or(&[][..], |reading| &reading.pools);
        let pool = |labels: &[String]| ip.with_all(POOL_LABELS.into_iter().zip(labels.iter().map(String::as_str)));
        Entry {
            chips: numbered(chips, |chip| ip.with("chip", &format!("{chip:03}"))),
            boards: numbered(boards, |board| ip.with("board", &board.to_string())),
            pools: pools
                .iter()
                .map(|of| (pool(&of.labels), ip.with("pool_index", &of.index.to_string()), of))
                .collect(),
            miner,
            reading,
            ip,
        }
    }
}

/// The parts of a miner, each with its labels.
fn numbered<const N: usize>(
    parts: &[[Option<f64>; N]],
    labels: impl Fn(usize) -> Labels,
) -> Vec<(Labels, &[Option<f64>])> {
    parts.iter().enumerate().map(|(number, values)| (labels(number), values.as_slice())).collect()
}

/// The value of a table's row.
fn at(values: &[Option<f64>], row: usize) -> Option<f64> {
    values.get(row).copied().flatten()
}

/// Writes a page.
pub fn page(view: &View<'_>) -> String {
    let mut writer = Writer::new(view);
    let none = Labels::default();
    writer.alone(&EXPORTER_INFO, |_| vec![(none.with("version", VERSION), Some(1.0))]);
    writer.miners(view);
    writer.alone(&ELECTRICITY_PRICE, |_| {
        view.price.iter().map(|(currency, price)| (none.with("currency", currency), Some(*price))).collect()
    });
    if let Some(own) = &view.own {
        writer.own(own);
    }
    writer.page.into_text()
}

/// Writes the page of a probe: the families of the miners and no others.
pub fn probe_page(view: &View<'_>) -> String {
    let mut writer = Writer::new(view);
    writer.miners(view);
    writer.page.into_text()
}

struct Writer<'a> {
    page: Page,
    entries: Vec<Entry<'a>>,
}

impl<'a> Writer<'a> {
    fn new(view: &View<'a>) -> Self {
        let entries = view.miners.iter().map(|miner| Entry::new(miner, view.chips)).collect();
        Writer { page: Page::with_capacity(16 << 10), entries }
    }

    /// Writes the families that are about miners.
    fn miners(&mut self, view: &View<'_>) {
        self.table(POLL, |entry, row, _, emit| emit(&entry.ip, entry.miner.value(row.source, view.now)));
        self.identity(view.price.map(|(currency, _)| currency));
        self.table(MINER, |entry, _, row, emit| {
            emit(&entry.ip, entry.reading.and_then(|reading| at(&reading.miner, row)));
        });
        self.parts();
        self.table(CHIP, |entry, _, row, emit| {
            entry.chips.iter().for_each(|(labels, chip)| emit(labels, at(chip, row)));
        });
        self.table(POOL, |entry, _, row, emit| {
            entry.pools.iter().for_each(|(labels, _, pool)| emit(labels, at(&pool.values, row)));
        });
        self.table(POOL_STATE, |entry, _, row, emit| {
            entry.pools.iter().for_each(|(_, index, pool)| emit(index, at(&pool.state, row)));
        });
    }

    /// Writes the families of a table; `emit` gets labels and value of each sample, and absent values make none.
    fn table<S>(
        &mut self,
        rows: &[Row<S>],
        samples: impl Fn(&Entry<'a>, &Row<S>, usize, &mut dyn FnMut(&Labels, Option<f64>)),
    ) {
        for (at, row) in rows.iter().enumerate() {
            let mut family = self.page.family(row.name, row.kind, row.help);
            for entry in &self.entries {
                samples(entry, row, at, &mut |labels, value| {
                    if let Some(value) = value {
                        family.sample(labels, value);
                    }
                });
            }
        }
    }

    /// Writes a family that stands alone.
    fn alone<S>(&mut self, row: &Row<S>, samples: impl FnOnce(&[Entry<'a>]) -> Vec<(Labels, Option<f64>)>) {
        let samples = samples(&self.entries);
        let mut family = self.page.family(row.name, row.kind, row.help);
        for (labels, value) in samples {
            if let Some(value) = value {
                family.sample(&labels, value);
            }
        }
    }

    /// The exporter and its process.
    fn own(&mut self, own: &Own) {
        let none = Labels::default();
        self.alone(&CYCLE_DURATION, |_| vec![(none.clone(), own.cycle.map(|took| took.as_secs_f64()))]);
        self.alone(&HTTP_CONNECTIONS, |_| {
            own.connections.iter().map(|(result, count)| (none.with("result", result), Some(*count as f64))).collect()
        });
        self.alone(&HTTP_REQUESTS, |_| {
            let labels = |path: &str, code: u16| none.with("path", path).with("code", &code.to_string());
            own.requests.iter().map(|((path, code), count)| (labels(path, *code), Some(*count as f64))).collect()
        });
        for (row, value) in PROCESS.iter().zip(own.process) {
            self.alone(row, |_| vec![(none.clone(), value)]);
        }
    }

    /// What a miner's energy cost and who the miners are, down or not.
    fn identity(&mut self, currency: Option<&str>) {
        self.alone(&ENERGY_COST, |entries| {
            let cost = |entry: &Entry<'_>| Some((entry.ip.with("currency", currency?), entry.miner.meter.cost()));
            entries.iter().filter_map(cost).collect()
        });
        self.alone(&INFO, |entries| {
            let info = |entry: &Entry<'_>| {
                let labels = INFO_LABELS.iter().zip(entry.miner.info.as_ref()?.iter());
                Some((entry.ip.with_all(labels.map(|((name, _), value)| (*name, value.as_str()))), Some(1.0)))
            };
            entries.iter().filter_map(info).collect()
        });
        self.alone(&MINER_NAME, |entries| {
            let name = |entry: &Entry<'_>| Some((entry.ip.with("name", entry.miner.target.name.as_ref()?), Some(1.0)));
            entries.iter().filter_map(name).collect()
        });
    }

    /// State, boards, fans and sensors.
    fn parts(&mut self) {
        self.alone(&SYSTEM_STATE, |entries| {
            let mut samples = Vec::new();
            for (entry, is) in entries.iter().filter_map(|entry| Some((entry, entry.reading?.state?))) {
                let state = |(number, state): (usize, &&str)| {
                    (entry.ip.with("state", state), Some(f64::from(u8::from(number == is))))
                };
                samples.extend(STATES.iter().enumerate().map(state));
            }
            samples
        });
        self.table(BOARD, |entry, _, row, emit| {
            entry.boards.iter().for_each(|(labels, board)| emit(labels, at(board, row)));
        });
        self.alone(&FAN_RPM, |entries| {
            let fans = |(entry, reading): (&Entry<'_>, &Reading)| {
                let fan = |(at, rpm): (usize, &Option<f64>)| (entry.ip.with("fan", &(at + 1).to_string()), *rpm);
                reading.fans.iter().enumerate().map(fan).collect::<Vec<_>>()
            };
            entries.iter().filter_map(|entry| Some((entry, entry.reading?))).flat_map(fans).collect()
        });
        self.alone(&TEMP_BOARD, |entries| {
            let sensors = |(entry, reading): (&Entry<'_>, &Reading)| {
                let sensor =
                    |((name, _), celsius): (&(&str, &str), &Option<f64>)| (entry.ip.with("position", name), *celsius);
                POSITIONS.iter().zip(&reading.positions).map(sensor).collect::<Vec<_>>()
            };
            entries.iter().filter_map(|entry| Some((entry, entry.reading?))).flat_map(sensors).collect()
        });
    }
}
