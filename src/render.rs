//! The page: miners in, exposition out, family by family in the order of the catalogue.
//!
//! It works on a snapshot, so no lock is held while it writes, and a miner's labels are escaped once a page, not once a
//! sample.

use std::time::{Duration, Instant};

use crate::collect::{PoolReading, Reading, info_labels};
use crate::exposition::{self, Labels, Page};
use crate::metrics::{
    BOARD, CHIP, CYCLE_DURATION, ELECTRICITY_PRICE, ENERGY_COST, EXPORTER_INFO, FAN_RPM, HTTP_CONNECTIONS,
    HTTP_REQUESTS, INFO, MINER, MINER_NAME, POLL, POOL, POOL_LABELS, POOL_STATE, POSITIONS, PROCESS, Row, STATES,
    SYSTEM_STATE, TEMP_BOARD,
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
    fn new(page: &mut exposition::Writer, miner: &'a Miner, with_chips: bool) -> Self {
        let ip = page.labels(Labels::default(), [("ip", miner.target.label.as_str())]);
        let reading = miner.reading.as_deref();
        let chips = reading.filter(|_| with_chips).map_or(&[][..], |reading| &reading.chips);
        let boards = reading.map_or(&[][..], |reading| &reading.boards);
        let pools = reading.map_or(&[][..], |reading| &reading.pools);
        let mut pool = |of: &'a PoolReading| {
            let labels = of.labels.all();
            let index = labels.first().copied().unwrap_or_default();
            let with_all = page.labels(ip, POOL_LABELS.into_iter().zip(labels));
            (with_all, page.labels(ip, [("pool_index", index)]), of)
        };
        Entry {
            pools: pools.iter().map(&mut pool).collect(),
            chips: numbered(chips, |chip| page.labels(ip, [("chip", format!("{chip:03}").as_str())])),
            boards: numbered(boards, |board| page.labels(ip, [("board", board.to_string().as_str())])),
            miner,
            reading,
            ip,
        }
    }
}

/// The parts of a miner, each with its labels.
fn numbered<const N: usize>(
    parts: &[[Option<f64>; N]],
    mut labels: impl FnMut(usize) -> Labels,
) -> Vec<(Labels, &[Option<f64>])> {
    parts.iter().enumerate().map(|(number, values)| (labels(number), values.as_slice())).collect()
}

/// The value of a table's row.
fn at(values: &[Option<f64>], row: usize) -> Option<f64> {
    values.get(row).copied().flatten()
}

/// Writes a page.
pub fn page(view: &View<'_>) -> Page {
    let mut writer = Writer::new(view);
    let none = writer.none;
    writer.alone(&EXPORTER_INFO, |page, _| vec![(page.labels(none, [("version", VERSION)]), Some(1.0))]);
    writer.miners(view);
    writer.alone(&ELECTRICITY_PRICE, |page, _| {
        let price = |(currency, price): &(&str, f64)| (page.labels(none, [("currency", *currency)]), Some(*price));
        view.price.iter().map(price).collect()
    });
    if let Some(own) = &view.own {
        writer.own(own);
    }
    writer.page.finish()
}

/// Writes the page of a probe: the families of the miners and no others.
pub fn probe_page(view: &View<'_>) -> Page {
    let mut writer = Writer::new(view);
    writer.miners(view);
    writer.page.finish()
}

struct Writer<'a> {
    page: exposition::Writer,
    /// No labels.
    none: Labels,
    entries: Vec<Entry<'a>>,
}

impl<'a> Writer<'a> {
    fn new(view: &View<'a>) -> Self {
        let mut page = exposition::Writer::default();
        let none = page.labels(Labels::default(), []);
        let entries = view.miners.iter().map(|miner| Entry::new(&mut page, miner, view.chips)).collect();
        Writer { page, none, entries }
    }

    /// Writes the families that are about miners.
    fn miners(&mut self, view: &View<'_>) {
        self.table(POLL, |entry, row, _, emit| emit(entry.ip, entry.miner.value(row.source, view.now)));
        self.identity(view.price.map(|(currency, _)| currency));
        self.table(MINER, |entry, _, row, emit| {
            emit(entry.ip, entry.reading.and_then(|reading| at(&reading.miner, row)));
        });
        self.parts();
        self.table(CHIP, |entry, _, row, emit| {
            entry.chips.iter().for_each(|(labels, chip)| emit(*labels, at(chip, row)));
        });
        self.table(POOL, |entry, _, row, emit| {
            entry.pools.iter().for_each(|(labels, _, pool)| emit(*labels, at(&pool.values, row)));
        });
        self.table(POOL_STATE, |entry, _, row, emit| {
            entry.pools.iter().for_each(|(_, index, pool)| emit(*index, at(&pool.state, row)));
        });
    }

    /// Writes the families of a table; `emit` gets labels and value of each sample, and absent values make none.
    fn table<S>(
        &mut self,
        rows: &[Row<S>],
        samples: impl Fn(&Entry<'a>, &Row<S>, usize, &mut dyn FnMut(Labels, Option<f64>)),
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
    fn alone<S>(
        &mut self,
        row: &Row<S>,
        samples: impl FnOnce(&mut exposition::Writer, &[Entry<'a>]) -> Vec<(Labels, Option<f64>)>,
    ) {
        let samples = samples(&mut self.page, &self.entries);
        let mut family = self.page.family(row.name, row.kind, row.help);
        for (labels, value) in samples {
            if let Some(value) = value {
                family.sample(labels, value);
            }
        }
    }

    /// The exporter and its process.
    fn own(&mut self, own: &Own) {
        let none = self.none;
        self.alone(&CYCLE_DURATION, |_, _| vec![(none, own.cycle.map(|took| took.as_secs_f64()))]);
        self.alone(&HTTP_CONNECTIONS, |page, _| {
            let sample =
                |(result, count): &(&str, u64)| (page.labels(none, [("result", *result)]), Some(*count as f64));
            own.connections.iter().map(sample).collect()
        });
        self.alone(&HTTP_REQUESTS, |page, _| {
            let sample = |((path, code), count): &((&str, u16), u64)| {
                (page.labels(none, [("path", *path), ("code", &code.to_string())]), Some(*count as f64))
            };
            own.requests.iter().map(sample).collect()
        });
        for (row, value) in PROCESS.iter().zip(own.process) {
            self.alone(row, |_, _| vec![(none, value)]);
        }
    }

    /// What a miner's energy cost and who the miners are, down or not.
    fn identity(&mut self, currency: Option<&str>) {
        self.alone(&ENERGY_COST, |page, entries| {
            let cost =
                |entry: &Entry<'_>| Some((page.labels(entry.ip, [("currency", currency?)]), entry.miner.meter.cost()));
            entries.iter().filter_map(cost).collect()
        });
        self.alone(&INFO, |page, entries| {
            let info =
                |entry: &Entry<'_>| Some((page.labels(entry.ip, info_labels(entry.miner.info.as_ref()?)), Some(1.0)));
            entries.iter().filter_map(info).collect()
        });
        self.alone(&MINER_NAME, |page, entries| {
            let name = |entry: &Entry<'_>| {
                let name = entry.miner.target.name.as_ref()?;
                Some((page.labels(entry.ip, [("name", name.as_str())]), Some(1.0)))
            };
            entries.iter().filter_map(name).collect()
        });
    }

    /// State, boards, fans and sensors.
    fn parts(&mut self) {
        self.alone(&SYSTEM_STATE, |page, entries| {
            let mut samples = Vec::new();
            for (ip, is) in entries.iter().filter_map(|entry| Some((entry.ip, entry.reading?.state?))) {
                for (number, state) in STATES.into_iter().enumerate() {
                    samples.push((page.labels(ip, [("state", state)]), Some(f64::from(u8::from(number == is)))));
                }
            }
            samples
        });
        self.table(BOARD, |entry, _, row, emit| {
            entry.boards.iter().for_each(|(labels, board)| emit(*labels, at(board, row)));
        });
        self.alone(&FAN_RPM, |page, entries| {
            let mut samples = Vec::new();
            for (ip, reading) in entries.iter().filter_map(|entry| Some((entry.ip, entry.reading?))) {
                for (number, rpm) in (1..).zip(&reading.fans) {
                    samples.push((page.labels(ip, [("fan", number.to_string().as_str())]), *rpm));
                }
            }
            samples
        });
        self.alone(&TEMP_BOARD, |page, entries| {
            let mut samples = Vec::new();
            for (ip, reading) in entries.iter().filter_map(|entry| Some((entry.ip, entry.reading?))) {
                for ((position, _), celsius) in POSITIONS.into_iter().zip(reading.positions) {
                    samples.push((page.labels(ip, [("position", position)]), celsius));
                }
            }
            samples
        });
    }
}
