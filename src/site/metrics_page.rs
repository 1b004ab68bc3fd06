//! The page: miners in, exposition out, family by family in the order of the catalogue.
//!
//! A [`Page`] is not a text but what makes one: labels and values as they were when it was asked for. The text is written a
//! piece at a time while it is sent. With a large fleet it has tens of megabytes; memory for them would cost more time than
//! writing them, and slow readers would hold it. Labels are escaped once a page, not once a sample.
//!
//! Values are kept as they are written, family by family. Readings have them miner by miner; when they were read from there,
//! a fifth of a large page's time was the wait for memory.
//!
//! Pages and pieces use the memory of earlier ones, since new memory costs a page fault for each 4 KiB, and the static
//! program gives it back to the kernel each time:
//!
//! ```text
//! page()      SPARE_PAGE  --> Page { labels, values }        one, which all its readers share --> SPARE_PAGE   when dropped
//! pieces()    SPARE_PIECE --> PageText { piece } --> socket  one for each reader              --> SPARE_PIECE  when dropped
//! ```

use std::mem::{replace, take};
use std::slice;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::exposition::buffer::Buffer;
use crate::exposition::writer::{Family, Labels, Part, Stock, Writer};
use crate::http::{self, Body, Pieces as _};
use crate::metrics::Row;
use crate::metrics::catalogue::{
    BOARD, CHIP, CYCLE_DURATION, ELECTRICITY_PRICE, ENERGY_COST, EXPORTER_INFO, FAN_RPM, HTTP_CONNECTIONS,
    HTTP_REQUESTS, IDENTITY, INFO, MINER, MINER_NAME, POLL, POOL, POOL_LABELS, POOL_STATE, POSITIONS, PROCESS,
    ProcessValues, SYSTEM_STATE, TEMP_BOARD,
};
use crate::miner::{Miner, MinerState, PoolReading, Reading};
use crate::process::Usage;

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
    pub process: Usage,
}

/// A page that is still to be written.
#[derive(Clone, Debug)]
pub struct Page {
    stock: Stock,
    tables: Vec<FamilyTable>,
}

/// The memory of a page.
type PageMemory = (Stock, Vec<FamilyTable>);

/// Of the largest page so far that is no longer read.
static SPARE_PAGE: Mutex<PageMemory> = Mutex::new((Stock::new(), Vec::new()));

/// Of a reader that has its page.
static SPARE_PIECE: Mutex<Option<Buffer>> = Mutex::new(None);

/// Families that have the same labels.
#[derive(Clone, Debug, Default)]
struct FamilyTable {
    families: Vec<Family>,
    /// Those of each line.
    labels: Vec<Labels>,
    /// The lines' values of one family after the other; no number where a line has none.
    values: Vec<f64>,
}

/// A page that is being made.
struct Builder {
    page: Page,
    /// Tables whose memory those of this page take, the first last.
    spare: Vec<FamilyTable>,
}

/// A miner, and its labels where it needs no others.
struct Labelled<'v> {
    ip: Part,
    labels: Labels,
    miner: &'v Miner,
}

/// Makes the page of `/metrics`.
pub fn page(view: &View<'_>) -> Page {
    let mut builder = Builder::new(view, take(&mut *spare_page()));
    let version = builder.labels([("version", VERSION)]);
    builder.family(&EXPORTER_INFO, [(version, 1.0)]);
    builder.fleet(view);
    let price = view.price.map(|(currency, price)| (builder.labels([("currency", currency)]), price));
    builder.family(&ELECTRICITY_PRICE, price);
    if let Some(own) = &view.own {
        builder.own(own);
    }
    builder.page
}

/// Makes the page of a probe: the families of the miners and no others. It has memory of its own: with that of a fleet's page
/// this small one would count as a large one, and would have to wait like one.
pub fn probe_page(view: &View<'_>) -> Page {
    let mut builder = Builder::new(view, PageMemory::default());
    builder.fleet(view);
    builder.page
}

/// Room for labels to begin with: bytes of the families' names, and of a miner's labels.
const TEXTS: usize = 12 << 10;
const MINER_TEXTS: usize = 2 << 10;

impl Builder {
    /// A page without families.
    fn new(view: &View<'_>, (mut stock, mut spare): PageMemory) -> Self {
        stock.clear();
        stock.reserve(TEXTS + MINER_TEXTS * view.miners.len());
        spare.reverse();
        Builder { page: Page { stock, tables: Vec::with_capacity(spare.len()) }, spare }
    }

    /// Labels that no other sample has.
    fn labels<'l>(&mut self, labels: impl IntoIterator<Item = (&'l str, &'l str)>) -> Labels {
        self.page.stock.labels(&[], labels)
    }

    /// Adds families with these labels, and with the values of each line in their order.
    fn table<S>(
        &mut self,
        rows: &[Row<S>],
        labels: impl IntoIterator<Item = Labels>,
        lines: impl IntoIterator<Item = impl AsRef<[Option<f64>]>>,
    ) {
        let FamilyTable { mut families, labels: mut all, mut values } = self.spare.pop().unwrap_or_default();
        families.clear();
        all.clear();
        values.clear();
        families.extend(rows.iter().map(|row| Family::new(&mut self.page.stock, row.name, row.kind, row.help)));
        all.extend(labels);
        values.resize(families.len() * all.len(), f64::NAN);
        for (number, (line, _)) in lines.into_iter().zip(&all).enumerate() {
            let places = values.iter_mut().skip(number).step_by(all.len());
            places.zip(line.as_ref()).for_each(|(place, value)| *place = value.unwrap_or(f64::NAN));
        }
        self.page.tables.push(FamilyTable { families, labels: all, values });
    }

    /// Adds a family.
    fn family<S>(&mut self, row: &Row<S>, samples: impl IntoIterator<Item = (Labels, f64)>) {
        let (labels, values): (Vec<_>, Vec<_>) =
            samples.into_iter().map(|(labels, value)| (labels, [Some(value)])).unzip();
        self.table(slice::from_ref(row), labels, values);
    }

    /// Adds a family of which a miner has one sample.
    fn each<S>(
        &mut self,
        row: &Row<S>,
        miners: &[Labelled<'_>],
        sample: impl Fn(&mut Stock, &Labelled<'_>) -> Option<(Labels, f64)>,
    ) {
        let samples: Vec<_> = miners.iter().filter_map(|entry| sample(&mut self.page.stock, entry)).collect();
        self.family(row, samples);
    }

    /// Adds families of which a miner has several samples, told apart by a label of this name with these values in turn.
    fn parts<'v, S, I, const N: usize>(
        &mut self,
        rows: &[Row<S>; N],
        miners: &[(Part, &'v Reading)],
        name: &str,
        texts: impl Iterator<Item = String>,
        parts: impl Fn(&'v Reading) -> I,
    ) where
        I: Iterator<Item = [Option<f64>; N]>,
    {
        let counts: Vec<_> = miners.iter().map(|(_, reading)| parts(reading).count()).collect();
        let most = counts.iter().copied().max().unwrap_or(0);
        let numbered: Vec<_> = texts.take(most).map(|text| self.page.stock.part(name, &text)).collect();
        let mut labels = Vec::with_capacity(counts.iter().sum());
        for ((ip, _), count) in miners.iter().zip(counts) {
            labels.extend(numbered.iter().take(count).map(|part| self.page.stock.labels(&[*ip, *part], [])));
        }
        self.table(rows, labels, miners.iter().flat_map(|(_, reading)| parts(reading)));
    }

    /// Adds the families that are about miners.
    fn fleet<'v>(&mut self, view: &View<'v>) {
        let stock = &mut self.page.stock;
        let entry = |miner: &'v Miner| {
            let ip = stock.part("ip", &miner.target.label);
            Labelled { ip, labels: stock.labels(&[ip], []), miner }
        };
        let miners: Vec<_> = view.miners.iter().map(entry).collect();
        let polls = view.miners.iter().map(|miner| miner.poll_values(view.now).into_array());
        self.table(&POLL, miners.iter().map(|entry| entry.labels), polls);
        let currency = view.price.map(|(currency, _)| self.page.stock.part("currency", currency));
        self.each(&ENERGY_COST, &miners, |stock, Labelled { ip, miner, .. }| {
            Some((stock.labels(&[*ip, currency?], []), miner.meter.cost()?))
        });
        self.each(&INFO, &miners, |stock, Labelled { ip, miner, .. }| {
            let texts = miner.identity.as_deref()?.clone().into_array();
            let labels =
                IDENTITY.iter().zip(&texts).map(|(label, text)| (label.name, text.as_deref().unwrap_or_default()));
            Some((stock.labels(&[*ip], labels), 1.0))
        });
        self.each(&MINER_NAME, &miners, |stock, Labelled { ip, miner, .. }| {
            Some((stock.labels(&[*ip], [("name", miner.target.name.as_deref()?)]), 1.0))
        });
        let read = || miners.iter().filter_map(|entry| Some((entry, entry.miner.reading.as_deref()?)));
        self.table(
            &MINER,
            read().map(|(entry, _)| entry.labels),
            read().map(|(_, reading)| reading.miner.into_array()),
        );
        let read: Vec<_> = read().map(|(entry, reading)| (entry.ip, reading)).collect();
        self.details(&read, view.chips);
        self.pools(&read);
    }

    /// Adds those of which a miner has a sample a state, board, fan, sensor or chip.
    fn details<'v>(&mut self, read: &[(Part, &'v Reading)], with_chips: bool) {
        let states = MinerState::ALL.map(|state| state.name().to_owned()).into_iter();
        self.parts(&[SYSTEM_STATE], read, "state", states, |reading| {
            let is = |state| MinerState::ALL.map(|of| [Some(f64::from(u8::from(of == state)))]);
            reading.state.map(is).into_iter().flatten()
        });
        let boards = (0..).map(|board: usize| board.to_string());
        self.parts(&BOARD, read, "board", boards, |reading| reading.boards.iter().map(|board| board.into_array()));
        let fans = (1..).map(|fan: usize| fan.to_string());
        self.parts(&[FAN_RPM], read, "fan", fans, |reading| reading.fans.iter().map(|rpm| [*rpm]));
        let positions = POSITIONS.map(|position| position.name.to_owned()).into_iter();
        let air = |reading: &'v Reading| reading.air.into_array().map(|celsius| [celsius]).into_iter();
        self.parts(&[TEMP_BOARD], read, "position", positions, air);
        if with_chips {
            let chips = (0..).map(|chip: usize| format!("{chip:03}"));
            self.parts(&CHIP, read, "chip", chips, |reading| reading.chips.iter().map(|chip| chip.into_array()));
        }
    }

    /// Adds those about pools.
    fn pools(&mut self, read: &[(Part, &Reading)]) {
        let pools = || read.iter().flat_map(|(ip, reading)| reading.pools.iter().map(|pool| (*ip, pool)));
        let all = |(ip, pool): (_, &PoolReading)| {
            let texts = pool.labels().into_array();
            self.page.stock.labels(&[ip], POOL_LABELS.into_iter().zip(texts.iter().map(AsRef::as_ref)))
        };
        let labels: Vec<_> = pools().map(all).collect();
        self.table(&POOL, labels, pools().map(|(_, pool)| pool.values.into_array()));
        let index =
            |(ip, pool): (_, &PoolReading)| self.page.stock.labels(&[ip], [("pool_index", &*pool.labels().pool_index)]);
        let labels: Vec<_> = pools().map(index).collect();
        self.table(&POOL_STATE, labels, pools().map(|(_, pool)| pool.state.into_array()));
    }

    /// Adds those about the exporter and its process.
    fn own(&mut self, own: &Own) {
        let stock = &mut self.page.stock;
        let connection = |(result, count): &(&str, u64)| (stock.labels(&[], [("result", *result)]), *count as f64);
        let connections: Vec<_> = own.connections.iter().map(connection).collect();
        let request = |((path, code), count): &((&str, u16), u64)| {
            (stock.labels(&[], [("path", *path), ("code", &code.to_string())]), *count as f64)
        };
        let requests: Vec<_> = own.requests.iter().map(request).collect();
        let none = stock.labels(&[], []);
        self.family(&CYCLE_DURATION, own.cycle.map(|took| (none, took.as_secs_f64())));
        self.family(&HTTP_CONNECTIONS, connections);
        self.family(&HTTP_REQUESTS, requests);
        self.table(&PROCESS, [none], [values_of(&own.process).into_array()]);
    }
}

fn values_of(usage: &Usage) -> ProcessValues {
    let count = |files: usize| files as f64;
    ProcessValues {
        cpu_seconds_total: usage.cpu_seconds,
        resident_memory_bytes: usage.resident_bytes,
        virtual_memory_bytes: usage.virtual_bytes,
        open_fds: usage.open_files.map(count),
        max_fds: usage.open_files_max.map(count),
        start_time_seconds: usage.start_unix_seconds,
        threads: usage.threads,
    }
}

/// No thread waits while it holds this.
fn spare_page() -> MutexGuard<'static, PageMemory> {
    SPARE_PAGE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn spare_piece() -> MutexGuard<'static, Option<Buffer>> {
    SPARE_PIECE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn memory_of(stock: &Stock, tables: &[FamilyTable]) -> usize {
    stock.memory() + tables.iter().map(FamilyTable::memory).sum::<usize>()
}

impl Drop for Page {
    /// Leaves its memory to the next page, unless there is more already.
    fn drop(&mut self) {
        let own = (take(&mut self.stock), take(&mut self.tables));
        let mut spare = spare_page();
        if memory_of(&spare.0, &spare.1) < memory_of(&own.0, &own.1) {
            let less = replace(&mut *spare, own);
            drop(spare);
            drop(less);
        }
    }
}

impl Body for Page {
    /// Unknown before it is written.
    fn length(&self) -> Option<usize> {
        None
    }

    fn memory(&self) -> usize {
        memory_of(&self.stock, &self.tables)
    }

    fn pieces(&self) -> Box<dyn http::Pieces + '_> {
        Box::new(self.text())
    }
}

impl Page {
    /// Its text, from the beginning.
    fn text(&self) -> PageText<'_> {
        let piece = spare_piece().take().unwrap_or_default();
        PageText { page: self, table: 0, family: 0, line: 0, has_samples: false, piece }
    }

    /// Its whole text.
    pub fn to_text(&self) -> String {
        let (mut text, mut rest) = (Vec::new(), self.text());
        loop {
            let (piece, has_more) = rest.next_piece(PIECE_BYTES);
            text.extend_from_slice(piece);
            if !has_more {
                return String::from_utf8(text).unwrap_or_default();
            }
        }
    }
}

impl FamilyTable {
    fn memory(&self) -> usize {
        self.families.capacity() * size_of::<Family>()
            + self.labels.capacity() * size_of::<Labels>()
            + self.values.capacity() * size_of::<f64>()
    }

    /// The labels and values of a family, from a line on.
    fn column(&self, family: usize, line: usize) -> (&[Labels], &[f64]) {
        let lines = self.labels.len();
        let column = self.values.get(family * lines + line..(family + 1) * lines);
        (self.labels.get(line..).unwrap_or_default(), column.unwrap_or_default())
    }
}

/// What is left of a page's text: this line of this family of this table, and all after it.
#[derive(Debug)]
pub struct PageText<'a> {
    page: &'a Page,
    table: usize,
    family: usize,
    line: usize,
    /// Whether the family has a sample already.
    has_samples: bool,
    /// The lines that are being sent.
    piece: Buffer,
}

impl http::Pieces for PageText<'_> {
    /// The next lines, at least so many bytes of them unless they are the last; at most a line more.
    fn next_piece(&mut self, bytes: usize) -> (&[u8], bool) {
        self.piece.clear();
        self.piece.reserve(bytes + LINE_BYTES);
        let has_more = self.write(bytes);
        (self.piece.text(), has_more)
    }
}

impl Drop for PageText<'_> {
    /// Leaves its piece to the next reader.
    fn drop(&mut self) {
        *spare_piece() = Some(take(&mut self.piece));
    }
}

/// How much of the whole text is written at a time.
const PIECE_BYTES: usize = 64 << 10;

/// A piece ends with a line, and most lines are shorter than this.
const LINE_BYTES: usize = 1 << 10;

impl PageText<'_> {
    /// Appends lines to the piece until it has so many bytes. Whether there may be more.
    fn write(&mut self, bytes: usize) -> bool {
        while let Some(table) = self.page.tables.get(self.table) {
            for (number, family) in table.families.iter().enumerate().skip(self.family) {
                let mut writer = Writer::new(&mut self.piece, &self.page.stock, family, self.has_samples);
                let (labels, values) = table.column(number, self.line);
                self.line += writer.samples(labels, values, bytes);
                self.has_samples = writer.has_samples();
                if self.line < table.labels.len() {
                    self.family = number;
                    return true;
                }
                (self.family, self.line, self.has_samples) = (number + 1, 0, false);
            }
            (self.table, self.family) = (self.table + 1, 0);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cgminer::error::PollError;
    use crate::cgminer::reply::{Reply, Request};
    use crate::config::Target;
    use crate::metrics::KEYS;
    use crate::miner::{Store, collect};

    fn fleet() -> Vec<Miner> {
        let targets: Vec<_> =
            (1..=40).map(|host| Target::parse(&format!("m{host}=192.0.2.{host}"), 4028).unwrap()).collect();
        let store = Store::new(&targets, Duration::from_secs(10), None);
        for (number, _) in targets.iter().enumerate() {
            let text = include_str!("../../tests/captures/nano3s__25021401_56abae7__high.reply");
            let text = text.trim_end_matches('\0').as_bytes();
            let reply = Reply::parse(&KEYS, text, Request::Standard, true).unwrap();
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
        for bytes in [1, 1000, 64 << 10, whole.len()] {
            let (mut pieces, mut text) = (page.pieces(), Vec::new());
            let mut has_more = true;
            while has_more {
                let (piece, more) = pieces.next_piece(bytes);
                assert!(piece.len() < bytes + 1000 && (piece.len() >= bytes || !more), "{}", piece.len());
                text.extend_from_slice(piece);
                has_more = more;
            }
            assert!(text == whole.as_bytes(), "in pieces of {bytes}");
        }
    }

    /// It is what the gate counts, so it may be too much but not too little.
    #[test]
    fn the_memory_of_a_page_is_that_of_its_values_and_labels() {
        let miners = fleet();
        let view = View { miners: &miners, now: Instant::now(), chips: true, price: None, own: None };
        let page = page(&view);
        let samples = page.to_text().lines().filter(|line| !line.starts_with('#')).count();
        let (least, memory) = (samples * size_of::<f64>() + miners.len() * 1000, page.memory());
        assert!((least..2 * least).contains(&memory), "{memory} {least}");
    }

    #[test]
    fn a_page_has_the_memory_of_an_earlier_one_and_none_of_its_text() {
        let miners = fleet();
        let of = |miners| View { miners, now: Instant::now(), chips: true, price: None, own: None };
        let (small, large) = (page(&of(&miners[..3])).to_text(), page(&of(&miners)).to_text());
        let samples = large.lines().count();
        for _ in 0..20 {
            let page = page(&of(&miners));
            assert_eq!(page.to_text().lines().count(), samples);
            assert!(page.memory() < 500_000, "{}", page.memory());
            drop(page);
            assert_eq!(super::page(&of(&miners[..3])).to_text().lines().count(), small.lines().count());
            let probe = probe_page(&of(&miners[1..2]));
            assert!(probe.memory() < 64 << 10, "{} of a probe", probe.memory());
        }
    }

    #[test]
    fn a_page_without_miners_has_the_exporter() {
        let text = page(&View { miners: &[], now: Instant::now(), chips: true, price: None, own: None }).to_text();
        assert_eq!(text.lines().count(), 3, "{text}");
    }

    #[test]
    fn what_the_process_uses_has_the_right_names() {
        let process = Usage {
            cpu_seconds: Some(1.0),
            resident_bytes: Some(2.0),
            virtual_bytes: Some(3.0),
            open_files: Some(4),
            open_files_max: Some(5),
            start_unix_seconds: Some(6.0),
            threads: None,
        };
        let values = PROCESS.iter().map(|row| row.name).zip(values_of(&process).into_array()).collect::<Vec<_>>();
        let expected = [
            ("process_cpu_seconds_total", Some(1.0)),
            ("process_resident_memory_bytes", Some(2.0)),
            ("process_virtual_memory_bytes", Some(3.0)),
            ("process_open_fds", Some(4.0)),
            ("process_max_fds", Some(5.0)),
            ("process_start_time_seconds", Some(6.0)),
            ("process_threads", None),
        ];
        assert_eq!(values, expected);
    }
}
