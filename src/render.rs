//! The page: miners in, exposition out, family by family in the order of the catalogue.
//!
//! A [`Page`] is no text but what makes one: the miners as they were when it was asked for, which nobody changes any more. The
//! text comes into being piece by piece as somebody takes it. With a large fleet it has tens of megabytes; memory for them
//! would cost more time than writing them, and slow readers would hold it. Labels are escaped once a page, not once a
//! sample.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::buffer::Buffer;
use crate::collect::{PoolReading, Reading, info_labels};
use crate::exposition::{Family, Stock, Text, Writer};
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

/// A page that is still to be written.
#[derive(Clone, Debug)]
pub struct Page {
    families: Vec<(Family, Source)>,
    miners: Vec<Entry>,
    stock: Stock,
    /// Labels by the number of a chip, board, fan, position and state.
    chips: Vec<Text>,
    boards: Vec<Text>,
    fans: Vec<Text>,
    positions: [Text; POSITIONS.len()],
    states: [Text; STATES.len()],
    /// None where there is no price.
    currency: Option<Text>,
    memory: usize,
}

/// Where the samples of a family come from.
#[derive(Clone, Debug)]
enum Source {
    /// From no miner.
    Alone(Vec<(Text, f64)>),
    /// From the row of this number of a table; `PoolState` and the like are of the table of that name.
    Poll(usize),
    Miner(usize),
    Board(usize),
    Chip(usize),
    Pool(usize),
    PoolState(usize),
    Cost,
    Info,
    Name,
    State,
    Fan,
    Position,
}

/// A miner as it was when the page was asked for.
#[derive(Clone, Debug)]
struct Entry {
    reading: Option<Arc<Reading>>,
    poll: [Option<f64>; POLL.len()],
    cost: Option<f64>,
    ip: Text,
    info: Option<Text>,
    name: Option<Text>,
    /// Labels of each pool, its miner's among them: all, and the index alone.
    pools: Vec<(Text, Text)>,
}

/// First and other labels, and the value.
type Sample = (Text, Text, f64);

/// Makes the page of `/metrics`.
pub fn page(view: &View<'_>) -> Page {
    let mut page = Page::new(view);
    let version = page.stock.first([("version", VERSION)]);
    page.alone(&EXPORTER_INFO, [(version, 1.0)]);
    page.fleet(view.chips);
    let price = view.price.map(|(currency, price)| (page.stock.first([("currency", currency)]), price));
    page.alone(&ELECTRICITY_PRICE, price);
    if let Some(own) = &view.own {
        page.own(own);
    }
    page.finished()
}

/// Makes the page of a probe: the families of the miners and no others.
pub fn probe_page(view: &View<'_>) -> Page {
    let mut page = Page::new(view);
    page.fleet(view.chips);
    page.finished()
}

/// How much is written at a time where nobody takes it.
const PIECE: usize = 16 << 10;

/// Room to begin with: families, bytes of their names, and bytes of a miner's labels.
const FAMILIES: usize = 256;
const TEXTS: usize = 12 << 10;
const MINER_TEXTS: usize = 1 << 10;

impl Page {
    /// A page without families.
    fn new(view: &View<'_>) -> Self {
        let mut stock = Stock::with_room(TEXTS + MINER_TEXTS * view.miners.len());
        let miners: Vec<_> = view.miners.iter().map(|miner| Entry::new(&mut stock, miner, view.now)).collect();
        let most = |count: fn(&Reading) -> usize| {
            miners.iter().filter_map(|miner| miner.reading.as_deref()).map(count).max().unwrap_or(0)
        };
        let chips = (0..most(|reading| reading.chips.len())).map(|chip| format!("{chip:03}"));
        let boards = (0..most(|reading| reading.boards.len())).map(|board| board.to_string());
        let fans = (1..=most(|reading| reading.fans.len())).map(|fan| fan.to_string());
        Page {
            chips: chips.map(|chip| stock.more([("chip", &*chip)])).collect(),
            boards: boards.map(|board| stock.more([("board", &*board)])).collect(),
            fans: fans.map(|fan| stock.more([("fan", &*fan)])).collect(),
            positions: POSITIONS.map(|(position, _)| stock.more([("position", position)])),
            states: STATES.map(|state| stock.more([("state", state)])),
            currency: view.price.map(|(currency, _)| stock.more([("currency", currency)])),
            families: Vec::with_capacity(FAMILIES),
            miners,
            stock,
            memory: 0,
        }
    }

    fn family<S>(&mut self, row: &Row<S>, source: Source) {
        let family = Family::new(&mut self.stock, row.name, row.kind, row.help);
        self.families.push((family, source));
    }

    fn table<S>(&mut self, rows: &[Row<S>], source: impl Fn(usize) -> Source) {
        rows.iter().enumerate().for_each(|(number, row)| self.family(row, source(number)));
    }

    fn alone<S>(&mut self, row: &Row<S>, samples: impl IntoIterator<Item = (Text, f64)>) {
        self.family(row, Source::Alone(samples.into_iter().collect()));
    }

    /// Adds the families that are about miners.
    fn fleet(&mut self, with_chips: bool) {
        self.table(POLL, Source::Poll);
        self.family(&ENERGY_COST, Source::Cost);
        self.family(&INFO, Source::Info);
        self.family(&MINER_NAME, Source::Name);
        self.table(MINER, Source::Miner);
        self.family(&SYSTEM_STATE, Source::State);
        self.table(BOARD, Source::Board);
        self.family(&FAN_RPM, Source::Fan);
        self.family(&TEMP_BOARD, Source::Position);
        if with_chips {
            self.table(CHIP, Source::Chip);
        }
        self.table(POOL, Source::Pool);
        self.table(POOL_STATE, Source::PoolState);
    }

    /// Adds those about the exporter and its process.
    fn own(&mut self, own: &Own) {
        let stock = &mut self.stock;
        let connection = |(result, count): &(&str, u64)| (stock.first([("result", *result)]), *count as f64);
        let connections: Vec<_> = own.connections.iter().map(connection).collect();
        let request = |((path, code), count): &((&str, u16), u64)| {
            (stock.first([("path", *path), ("code", &code.to_string())]), *count as f64)
        };
        let requests: Vec<_> = own.requests.iter().map(request).collect();
        let none = Text::default();
        self.alone(&CYCLE_DURATION, own.cycle.map(|took| (none, took.as_secs_f64())));
        self.alone(&HTTP_CONNECTIONS, connections);
        self.alone(&HTTP_REQUESTS, requests);
        for (row, value) in PROCESS.iter().zip(own.process) {
            self.alone(row, value.map(|value| (none, value)));
        }
    }

    /// The page, its memory counted, since others ask for that with a lock in hand.
    fn finished(mut self) -> Self {
        let miner = |miner: &Entry| {
            let reading = miner.reading.as_ref().map_or(0, |reading| reading.memory());
            size_of::<Entry>() + miner.pools.capacity() * size_of::<(Text, Text)>() + reading
        };
        self.memory = self.stock.memory()
            + self.families.capacity() * size_of::<(Family, Source)>()
            + self.miners.iter().map(miner).sum::<usize>();
        self
    }

    /// About how many bytes of memory it keeps at most, as long as it lives: its own, and the readings that polls replace
    /// meanwhile.
    pub fn memory(&self) -> usize {
        self.memory
    }

    /// Length of its text. It is written for that, and thrown away.
    pub fn length(&self) -> usize {
        let (mut pieces, mut piece) = (self.pieces(), Buffer::with_room(PIECE));
        let (mut length, mut has_more) = (0, true);
        while has_more {
            piece.clear();
            has_more = pieces.write(&mut piece, PIECE);
            length += piece.len();
        }
        length
    }

    /// Its text, from the beginning.
    pub fn pieces(&self) -> Pieces<'_> {
        Pieces { page: self, family: 0, has_samples: false, miner: 0, samples: Vec::new(), written: 0 }
    }

    /// Its whole text.
    pub fn to_text(&self) -> String {
        let mut text = Buffer::default();
        self.pieces().write(&mut text, usize::MAX);
        String::from_utf8(text.into_text()).unwrap_or_default()
    }

    /// Appends what a miner has of a family.
    fn samples(&self, source: &Source, miner: &Entry, to: &mut Vec<Sample>) {
        let none = Text::default();
        let mut add_whole = |first: Text, more: Text, value: Option<f64>| {
            if let Some(value) = value {
                to.push((first, more, value));
            }
        };
        let mut add = |labels: Text, value: Option<f64>| add_whole(miner.ip, labels, value);
        match (source, &miner.reading) {
            (Source::Poll(row), _) => add(none, at(&miner.poll, *row)),
            (Source::Cost, _) => self.currency.into_iter().for_each(|currency| add(currency, miner.cost)),
            (Source::Info, _) => miner.info.into_iter().for_each(|info| add(info, Some(1.0))),
            (Source::Name, _) => miner.name.into_iter().for_each(|name| add(name, Some(1.0))),
            (Source::Miner(row), Some(reading)) => add(none, at(&reading.miner, *row)),
            (Source::State, Some(reading)) => {
                let value = |number| reading.state.map(|is| f64::from(u8::from(number == is)));
                self.states.iter().enumerate().for_each(|(number, state)| add(*state, value(number)));
            }
            (Source::Board(row), Some(reading)) => {
                each(&self.boards, &reading.boards, |board, values| add(board, at(values, *row)));
            }
            (Source::Fan, Some(reading)) => each(&self.fans, &reading.fans, |fan, rpm| add(fan, *rpm)),
            (Source::Position, Some(reading)) => {
                each(&self.positions, &reading.positions, |position, celsius| add(position, *celsius));
            }
            (Source::Chip(row), Some(reading)) => {
                each(&self.chips, &reading.chips, |chip, values| add(chip, at(values, *row)));
            }
            (Source::Pool(row), Some(reading)) => {
                each(&miner.pools, &reading.pools, |(all, _), pool| add_whole(all, none, at(&pool.values, *row)));
            }
            (Source::PoolState(row), Some(reading)) => {
                each(&miner.pools, &reading.pools, |(_, index), pool| add_whole(index, none, at(&pool.state, *row)));
            }
            (Source::Alone(_), _) | (_, None) => {}
        }
    }
}

/// The value of a table's row.
fn at(values: &[Option<f64>], row: usize) -> Option<f64> {
    values.get(row).copied().flatten()
}

/// Goes through the parts of a miner, each with its labels.
fn each<L: Copy, T>(labels: &[L], parts: &[T], mut then: impl FnMut(L, &T)) {
    labels.iter().zip(parts).for_each(|(labels, part)| then(*labels, part));
}

impl Entry {
    fn new(stock: &mut Stock, miner: &Miner, now: Instant) -> Self {
        let ip = ("ip", miner.target.label.as_str());
        let mut pool = |pool: &PoolReading| {
            let labels = pool.labels.all();
            let all = stock.first([ip].into_iter().chain(POOL_LABELS.into_iter().zip(labels)));
            (all, stock.first([ip, ("pool_index", labels.first().copied().unwrap_or_default())]))
        };
        Entry {
            pools: miner
                .reading
                .as_ref()
                .map_or_else(Vec::new, |reading| reading.pools.iter().map(&mut pool).collect()),
            ip: stock.first([ip]),
            poll: std::array::from_fn(|row| POLL.get(row).and_then(|row| miner.value(row.source, now))),
            cost: miner.meter.cost(),
            info: miner.info.as_ref().map(|info| stock.more(info_labels(info))),
            name: miner.target.name.as_ref().map(|name| stock.more([("name", name.as_str())])),
            reading: miner.reading.clone(),
        }
    }
}

/// What is left of a page's text.
#[derive(Clone, Debug)]
pub struct Pieces<'a> {
    page: &'a Page,
    /// The family, and whether it has a sample already.
    family: usize,
    has_samples: bool,
    /// The first miner whose samples are still to be read, or the first sample of a family that is not about miners.
    miner: usize,
    /// Samples that were read, and how many of them are written.
    samples: Vec<Sample>,
    written: usize,
}

/// So many samples are read before they are written: they are all over the memory, and a processor waits for many at the
/// same time if it has nothing else to do in between.
const AHEAD: usize = 256;

impl Pieces<'_> {
    /// Appends the next lines, until there are no more or `out` has so many bytes; it may have more by a line. False at
    /// the end of the page.
    pub fn write(&mut self, out: &mut Buffer, bytes: usize) -> bool {
        while let Some((family, source)) = self.page.families.get(self.family) {
            let mut writer = Writer::new(out, &self.page.stock, *family, self.has_samples);
            loop {
                for (first, more, value) in self.samples.iter().skip(self.written) {
                    if writer.length() >= bytes {
                        self.has_samples = writer.has_samples();
                        return true;
                    }
                    writer.sample(*first, *more, *value);
                    self.written += 1;
                }
                self.read(source);
                if self.samples.is_empty() {
                    break;
                }
            }
            (self.family, self.miner, self.has_samples) = (self.family + 1, 0, false);
        }
        false
    }

    /// Reads the samples of a family that come next.
    fn read(&mut self, source: &Source) {
        self.samples.clear();
        self.written = 0;
        if let Source::Alone(samples) = source {
            self.samples
                .extend(samples.iter().skip(self.miner).map(|(labels, value)| (*labels, Text::default(), *value)));
            self.miner = samples.len();
            return;
        }
        while self.samples.len() < AHEAD
            && let Some(miner) = self.page.miners.get(self.miner)
        {
            self.page.samples(source, miner, &mut self.samples);
            self.miner += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cgminer::{Reply, Request};
    use crate::collect::collect;
    use crate::error::PollError;
    use crate::store::Store;
    use crate::target::Target;

    fn fleet() -> Vec<Miner> {
        let targets: Vec<_> =
            (1..=40).map(|host| Target::parse(&format!("m{host}=192.0.2.{host}"), 4028).unwrap()).collect();
        let store = Store::new(&targets, Duration::from_secs(10), None);
        for (number, _) in targets.iter().enumerate() {
            let text = include_str!("../tests/captures/nano3s__25021401_56abae7__high.reply");
            let text = text.trim_end_matches('\0');
            let reply = Reply::parse(text, Request::Standard, true).unwrap();
            let outcome = if number % 7 == 0 { Err(PollError::NoAddress) } else { Ok(collect(&reply)) };
            store.record(number, Instant::now(), outcome);
        }
        store.miners()
    }

    #[test]
    fn a_page_is_the_same_in_whatever_pieces() {
        let (miners, own) = (fleet(), Own { connections: vec![("accepted", 1), ("refused", 2)], ..Own::default() });
        let view =
            View { miners: &miners, now: Instant::now(), chips: true, price: Some(("USD", 0.3)), own: Some(own) };
        let page = page(&view);
        let whole = page.to_text();
        assert!(whole.len() > 500_000 && whole.ends_with('\n'), "{}", whole.len());
        assert_eq!(page.length(), whole.len());
        for bytes in [1, 1000, 64 << 10, whole.len(), usize::MAX] {
            let (mut pieces, mut piece, mut text) = (page.pieces(), Buffer::default(), Vec::new());
            let mut has_more = true;
            while has_more {
                piece.clear();
                has_more = pieces.write(&mut piece, bytes);
                assert_eq!(has_more, has_more && piece.len() >= bytes);
                assert!(piece.len() < bytes.saturating_add(1000), "{}", piece.len());
                text.extend_from_slice(piece.text());
            }
            assert!(text == whole.as_bytes(), "in pieces of {bytes}");
        }
    }

    /// It is what the gate counts, so it may be too much but not too little.
    #[test]
    fn the_memory_of_a_page_is_that_of_its_readings_and_some_more() {
        let miners = fleet();
        let view = View { miners: &miners, now: Instant::now(), chips: true, price: None, own: None };
        let readings: Vec<_> = miners.iter().filter_map(|miner| miner.reading.as_ref()).collect();
        let pools = readings.iter().flat_map(|reading| &reading.pools).count() * (size_of::<PoolReading>() + 128);
        let least = readings.len() * (size_of::<Reading>() + 12 * CHIP.len() * 16) + pools;
        let of_readings: usize = readings.iter().map(|reading| reading.memory()).sum();
        assert!((least..least + readings.len() * 500).contains(&of_readings), "{of_readings} {least}");
        let (least, memory) = (of_readings + miners.len() * size_of::<Entry>(), page(&view).memory());
        assert!((least + 30_000..least + 200_000).contains(&memory), "{memory} {least}");
    }

    #[test]
    fn a_page_without_miners_has_the_exporter() {
        let text = page(&View { miners: &[], now: Instant::now(), chips: true, price: None, own: None }).to_text();
        assert_eq!(text.lines().count(), 3, "{text}");
    }
}
