//! From a reply to a [`Reading`], by the catalogue: a pure function of the reply, without clock, global or I/O.
//!
//! Values stand in the order of their table, since nobody reads ninety of them by name. Contractual families show what
//! was sent; the new ones leave out what is no reading: chips and boards of a miner in standby (it repeats those of the
//! last run), -273 for a sensor that is not there, a chip at 0 °C.

use std::sync::Arc;

use crate::cgminer::fields::Key;
use crate::cgminer::number::{Numbers, number};
use crate::cgminer::reply::{Fields, Reply, Version};
use crate::cgminer::texts::Texts;
use crate::exposition::writer::LABEL_CHARS_MAX;
use crate::metrics::catalogue::{
    BOARD, Board, CHIP, Chip, INFO_LABELS, List, MINER, Miner, POOL, POOL_LABELS, POOL_STATE, POSITIONS, Pool, Row,
    STATES, Scale, Stat,
};
use crate::metrics::keys::{
    BOARD_KEYS, BOARDS_MAX, CHIP_KEYS, ELAPSED, FAN_KEYS, FILTER, GHS_SPD, I_TEMP, ID, KEYS, MHS_5S, MHS_30S,
    MINER_KEYS, MODEL, NET_DEV_TYPE, NETWORK_DIFFICULTY, POOL_KEYS, POOL_NUMBER, POOL_STATE_KEYS, POSITION_KEYS,
    PRIORITY, PS, RSSI, SOFT_OFF, STATE, STATUS, STRATUM_ACTIVE, SYSTEM_STATU, TEMP, URL, VER,
};
use crate::metrics::psu::{Model, Quantity, Supply, split_version};

/// Least bytes of a chip's voltage in a list, with the space before it.
const CHIP_BYTES: usize = 4;

/// Limits of a reading: what real miners have, several times over. With [`BOARDS_MAX`], [`crate::metrics::keys::FANS_MAX`] and
/// [`LABEL_CHARS_MAX`] they bound the page, whatever a miner invents: 854 series a miner, 4,950 with single chips. What they
/// cut off is counted in [`Reading::dropped`], but for fans and what is of boards beyond: nobody asks for their keys.
const CHIPS_MAX: usize = 1024;
const POOLS_MAX: usize = 16;

/// Difficulties of the network that can be: before its first job a miner says 1.8e19, and above 5.6e14 the firmware's
/// arithmetic overflows.
const DIFFICULTY: std::ops::RangeInclusive<f64> = 1e9..=5.6e14;

/// Who the miner says it is: the values of `INFO_LABELS`, empty where it does not say.
pub type Info = Texts<{ INFO_LABELS.len() }>;

/// What comes of a reply. It is too large to be copied from hand to hand, and who looks at it keeps it while the next poll
/// replaces it.
pub type Collected = (Arc<Info>, Arc<Reading>);

/// What one poll yielded. Each list is in the order of its table.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Values of the whole miner.
    pub miner: [Option<f64>; MINER.len()],
    /// The state that it is in, as an index into `STATES`.
    pub state: Option<usize>,
    /// Values by hash board.
    pub boards: Vec<[Option<f64>; BOARD.len()]>,
    /// Speed by fan, Fan1 first.
    pub fans: Vec<Option<f64>>,
    /// Temperature by sensor on the hash board.
    pub positions: [Option<f64>; POSITIONS.len()],
    /// Values by chip, boards in order.
    pub chips: Vec<[Option<f64>; CHIP.len()]>,
    /// The pools.
    pub pools: Vec<PoolReading>,
    /// Power in W, for the energy counter.
    pub watts: Option<f64>,
    /// What the limits cut off: chips, boards, pools, records, ends of label values.
    pub dropped: u64,
}

impl Default for Reading {
    fn default() -> Self {
        Reading {
            miner: [None; MINER.len()],
            state: None,
            boards: Vec::new(),
            fans: Vec::new(),
            positions: [None; POSITIONS.len()],
            chips: Vec::new(),
            pools: Vec::new(),
            watts: None,
            dropped: 0,
        }
    }
}

impl Reading {
    /// The value of a row of `MINER`, by its source. A source that no row has is a mistake of this program, and absent.
    pub fn get(&self, source: Miner) -> Option<f64> {
        value_of(MINER, source, &self.miner)
    }

    /// The hash rate now.
    pub fn terahashes(&self) -> Option<f64> {
        self.get(Miner::Hashrate(Scale::One, Scale::Over(1000.0))).map(|gigahashes| gigahashes / 1000.0)
    }

    /// The temperature of the hottest chip; none of chips that do not work.
    pub fn hottest_chip(&self) -> Option<f64> {
        self.get(Miner::Item("TMax")).filter(|celsius| *celsius > 0.0)
    }
}

/// What one poll yielded of one pool.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolReading {
    /// Its number.
    pub index: u32,
    /// The values of `POOL_LABELS`.
    pub labels: Texts<{ POOL_LABELS.len() }>,
    /// Values under all labels.
    pub values: [Option<f64>; POOL.len()],
    /// Values under the index alone.
    pub state: [Option<f64>; POOL_STATE.len()],
}

impl Default for PoolReading {
    fn default() -> Self {
        PoolReading { index: 0, labels: Texts::default(), values: [None; POOL.len()], state: [None; POOL_STATE.len()] }
    }
}

impl PoolReading {
    /// A value under all labels, by its source.
    pub fn get(&self, source: Pool) -> Option<f64> {
        value_of(POOL, source, &self.values)
    }

    /// A value under the index alone, by its source.
    pub fn state(&self, source: Pool) -> Option<f64> {
        value_of(POOL_STATE, source, &self.state)
    }
}

/// The value of a table's row, by the row's source.
pub fn value_of<S: Copy + PartialEq>(rows: &[Row<S>], source: S, values: &[Option<f64>]) -> Option<f64> {
    rows.iter().zip(values).find(|(row, _)| row.source == source).and_then(|(_, value)| *value)
}

/// Who a miner is, by the names of `INFO_LABELS`.
pub fn info_labels(info: &Info) -> impl Iterator<Item = (&'static str, &str)> {
    INFO_LABELS.iter().zip(info.all()).map(|((name, _), value)| (*name, value))
}

/// One of them, by its name.
pub fn info_label<'a>(info: &'a Info, name: &str) -> &'a str {
    info_labels(info).find(|(label, _)| *label == name).map_or("", |(_, value)| value)
}

/// Reads a reply.
pub fn collect(reply: &Reply<'_>) -> Collected {
    collect_in(None, reply)
}

/// The same, in the memory of a reading that was replaced, unless somebody still looks at it.
pub fn collect_in(replaced: Option<Arc<Reading>>, reply: &Reply<'_>) -> Collected {
    let mut shared = replaced.filter(|reading| Arc::strong_count(reading) == 1).unwrap_or_default();
    let reading = Arc::make_mut(&mut shared);
    let mut source = Source::new(reply);
    let more_chips = source.chips(&mut reading.chips);
    source.chips = Chips::new(&reading.chips, more_chips);
    for ((value, row), key) in reading.miner.iter_mut().zip(MINER).zip(MINER_KEYS) {
        *value = source.miner(row.source, key, row.scale);
    }
    reading.state = source.state;
    let more_boards = source.boards(&mut reading.boards);
    reading.fans.clear();
    reading.fans.extend(FAN_KEYS.into_iter().map_while(|key| source.items.raw(key)).map(number));
    reading.positions = POSITION_KEYS.map(|key| source.live(key).filter(|celsius| *celsius > -273.0));
    reading.watts = source.supply.get(Quantity::Watts);
    let mut cut_labels = 0;
    let more_pools = pools(reply, &mut reading.pools, &mut cut_labels);
    let info = info(reply.version(), source.items.raw(VER), &mut cut_labels);
    let more = more_chips + more_boards + more_pools + cut_labels + reply.more_records();
    reading.dropped = more as u64;
    (Arc::new(info), shared)
}

/// Who a miner says it is, by `version` alone.
pub fn identify(version: &Version<'_>) -> Info {
    info(version.fields(), None, &mut 0)
}

/// What `version` says, else what the item `Ver` does.
fn info(version: Fields<'_>, ver: Option<&str>, cut: &mut usize) -> Info {
    let ver = ver.and_then(split_version);
    Info::new(|number, text| {
        let Some((label, keys)) = INFO_LABELS.get(number) else { return };
        let stated =
            keys.iter().find_map(|key| version.text(KEYS.find(key.as_bytes())?).filter(|text| !text.is_empty()));
        match (stated, *label, ver) {
            (Some(stated), ..) => push_short(text, &stated, cut),
            (None, "model", Some((model, _))) => push_short(text, model, cut),
            (None, "firmware", Some((_, firmware))) => push_short(text, firmware, cut),
            _ => {}
        }
    })
}

/// The lists of a chip, as in `CHIP_KEYS`.
const CHIP_LISTS: [List; 3] = [List::Temp, List::Voltage, List::Work];

/// All chips together.
#[derive(Default)]
struct Chips {
    count: usize,
    columns: [Column; CHIP.len()],
}

impl Chips {
    fn new(chips: &[[Option<f64>; CHIP.len()]], more: usize) -> Self {
        let mut columns = [Column::default(); CHIP.len()];
        for chip in chips {
            for (column, value) in columns.iter_mut().zip(chip) {
                column.add(*value);
            }
        }
        Chips { count: chips.len() + more, columns }
    }

    fn get(&self, source: Chip, stat: Stat) -> Option<f64> {
        CHIP.iter().zip(&self.columns).find(|(row, _)| row.source == source).and_then(|(_, column)| column.get(stat))
    }
}

/// Many numbers, and what is made of them.
#[derive(Clone, Copy)]
struct Column {
    count: u32,
    sum: f64,
    least: f64,
    greatest: f64,
}

impl Default for Column {
    fn default() -> Self {
        Column { count: 0, sum: 0.0, least: f64::INFINITY, greatest: f64::NEG_INFINITY }
    }
}

impl Column {
    fn add(&mut self, value: Option<f64>) {
        if let Some(value) = value {
            self.count += 1;
            self.sum += value;
            if value < self.least {
                self.least = value;
            }
            if value > self.greatest {
                self.greatest = value;
            }
        }
    }

    fn get(&self, stat: Stat) -> Option<f64> {
        let value = match stat {
            Stat::Min => self.least,
            Stat::Avg => self.sum / f64::from(self.count),
            Stat::Max => self.greatest,
            Stat::Sum => self.sum,
        };
        (self.count > 0 && value.is_finite()).then_some(value)
    }
}

/// A reply, prepared for the questions of the catalogue.
struct Source<'a> {
    reply: &'a Reply<'a>,
    device: Option<Fields<'a>>,
    items: Fields<'a>,
    lite: Fields<'a>,
    supply: Supply,
    state: Option<usize>,
    /// Whether chips and boards work; in standby they repeat their last run.
    is_live: bool,
    chips: Chips,
}

impl<'a> Source<'a> {
    fn new(reply: &'a Reply<'a>) -> Self {
        let (items, lite) = (reply.device_items(), reply.litestats());
        let state = state(items, lite);
        let is_off = items.number(SOFT_OFF).is_some_and(|reason| reason != 0.0);
        Source {
            reply,
            device: reply.device(),
            items,
            lite,
            supply: Supply::new(model(reply.version(), items), items.list(PS)),
            state,
            is_live: !is_off && state.is_none_or(|state| STATES.get(state) == Some(&"work")),
            chips: Chips::default(),
        }
    }

    fn miner(&self, source: Miner, key: Key, scale: Scale) -> Option<f64> {
        let value = match source {
            Miner::Summary(_) => self.reply.summary().number(key),
            Miner::Device(_) => self.device?.number(key).or_else(|| self.items.number(key)),
            Miner::Item(_) => self.items.number(key),
            Miner::Whole(_) => self.items.raw(key)?.trim().parse::<u32>().ok().map(f64::from),
            Miner::Slot(number) => self.supply.slot(number),
            Miner::Uptime => self.reply.summary().number(ELAPSED).or_else(|| self.device?.number(ELAPSED)),
            Miner::Hashrate(gigahashes, megahashes) => self.hashrate(gigahashes, megahashes),
            Miner::Working => {
                state_item(self.items, "Work:").and_then(state_number).map(|state| f64::from(u8::from(state == 1)))
            }
            Miner::HashBoards => state_item(self.items, "Hash Board:").and_then(number),
            Miner::SoftOff => self.items.number(SOFT_OFF).map(|reason| f64::from(u8::from(reason != 0.0))),
            Miner::Ambient => self.items.number(I_TEMP).or_else(|| self.items.number(TEMP)),
            Miner::ChipCount => (self.chips.count > 0).then_some(self.chips.count as f64),
            // In the unit of the chips' own families.
            Miner::Chips(list, stat) => return self.chips.get(Chip::List(list), stat),
            Miner::Core(stat) => return self.chips.get(Chip::Core, stat),
            Miner::Supply(quantity) => self.supply.get(quantity),
            Miner::SupplyError => self.supply.error(),
            Miner::Efficiency => self.efficiency(),
            // On a cable the strength reads 0, and the kind of the network is 0 too.
            Miner::Rssi => self.wireless(RSSI).filter(|dbm| *dbm != 0.0 && self.wireless(NET_DEV_TYPE) == Some(1.0)),
            Miner::Filter => self.wireless(FILTER),
            Miner::Difficulty => {
                self.reply.coin()?.number(NETWORK_DIFFICULTY).filter(|value| DIFFICULTY.contains(value))
            }
        };
        scale.apply(value?)
    }

    fn hashrate(&self, gigahashes: Scale, megahashes: Scale) -> Option<f64> {
        let summary = |key: Key| self.reply.summary().number(key);
        match self.items.number(GHS_SPD) {
            Some(value) => gigahashes.apply(value),
            None => megahashes.apply(summary(MHS_30S).or_else(|| summary(MHS_5S))?),
        }
    }

    fn efficiency(&self) -> Option<f64> {
        let terahashes =
            self.hashrate(Scale::Over(1e3), Scale::Over(1e6)).filter(|rate| self.is_live && *rate > 0.0)?;
        Some(self.supply.get(Quantity::Watts)? / terahashes)
    }

    /// What `litestats` says, or on the Q `stats` too.
    fn wireless(&self, key: Key) -> Option<f64> {
        self.lite.number(key).or_else(|| self.items.number(key))
    }

    /// An item while the chips work.
    fn live(&self, key: Key) -> Option<f64> {
        self.items.number(key).filter(|_| self.is_live)
    }

    /// Reads the chips of all boards; how many there were no place for. A board has as many chips as its longest list, so
    /// that the lists stay in step.
    fn chips(&self, chips: &mut Vec<[Option<f64>; CHIP.len()]>) -> usize {
        chips.clear();
        let boards = CHIP_KEYS.map(|keys| keys.map(|key| self.items.raw(key).unwrap_or_default()));
        let mut more = 0;
        for lists in boards {
            let longest = lists.into_iter().map(str::len).max().unwrap_or(0);
            if longest == 0 {
                continue;
            }
            let first = chips.len();
            // So many there will mostly be, and to make them one by one takes longer.
            chips.resize((first + longest / CHIP_BYTES + 1).min(CHIPS_MAX), [None; CHIP.len()]);
            let mut count = 0;
            for (list, text) in CHIP_LISTS.into_iter().zip(lists) {
                let own = Slot::of(CHIP, Chip::List(list));
                let core = Slot::of(CHIP, Chip::Core).filter(|_| list == List::Voltage && self.is_live);
                let chips_of_list = fill(chips, first, CHIPS_MAX, text, |chip, raw| {
                    if let Some(own) = own {
                        own.put(chip, raw);
                    }
                    // No chip works at 0 V.
                    if let Some(core) = core.filter(|_| raw > 0.0) {
                        core.put(chip, raw);
                    }
                });
                count = count.max(chips_of_list);
            }
            chips.truncate(first + count);
            more += count - (chips.len() - first);
        }
        more
    }

    /// Reads the boards; how many there were no place for.
    fn boards(&self, boards: &mut Vec<[Option<f64>; BOARD.len()]>) -> usize {
        boards.clear();
        let mut count = 0;
        for (at, (row, key)) in BOARD.iter().zip(BOARD_KEYS).enumerate() {
            let (is_shown, has_zero) = match row.source {
                Board::Item(_) => (true, true),
                Board::Live(_) => (self.is_live, true),
                // Chips that read 0 or less have no sensor yet: -273 and -30 at boot.
                Board::Temp(_) => (self.is_live, false),
            };
            let text = self.items.raw(key).filter(|_| is_shown).unwrap_or_default();
            let own = Slot { at, scale: row.scale };
            let boards_of_list = fill(boards, 0, BOARDS_MAX, text, |board, raw| {
                if has_zero || raw > 0.0 {
                    own.put(board, raw);
                }
            });
            count = count.max(boards_of_list);
        }
        count - boards.len()
    }
}

/// Where the numbers of a source go among the values of a part, and at which scale.
#[derive(Clone, Copy)]
struct Slot {
    at: usize,
    scale: Scale,
}

impl Slot {
    /// That of a source in its table. A source that no row has is a mistake of this program, and goes nowhere.
    fn of<S: Copy + PartialEq>(rows: &[Row<S>], source: S) -> Option<Self> {
        rows.iter().enumerate().find(|(_, row)| row.source == source).map(|(at, row)| Slot { at, scale: row.scale })
    }

    #[inline(always)]
    fn put(self, part: &mut [Option<f64>], raw: f64) {
        if let Some(value) = part.get_mut(self.at) {
            *value = self.scale.apply(raw);
        }
    }
}

/// Puts the numbers of a list into parts, the first into the part of that number, and makes parts as long as there are fewer
/// than `max`. How many numbers there are.
fn fill<const N: usize>(
    parts: &mut Vec<[Option<f64>; N]>,
    first: usize,
    max: usize,
    list: &str,
    put: impl Fn(&mut [Option<f64>; N], f64),
) -> usize {
    let mut number = first;
    for raw in Numbers::of(list) {
        if number == parts.len() && number < max {
            parts.push([None; N]);
        }
        if let (Some(part), Some(raw)) = (parts.get_mut(number), raw) {
            put(part, raw);
        }
        number += 1;
    }
    number - first
}

/// Appends a text of the miner, as long as a label may be: it is kept, logged and shown. `cut` counts those that lost their
/// end.
fn push_short(out: &mut String, text: &str, cut: &mut usize) {
    let is_short = text.len() <= LABEL_CHARS_MAX;
    let end = if is_short { None } else { text.char_indices().nth(LABEL_CHARS_MAX).map(|(end, _)| end) };
    *cut += usize::from(end.is_some());
    out.push_str(text.get(..end.unwrap_or(text.len())).unwrap_or(text));
}

/// What follows a word in `SYSTEMSTATU[Work: In Work, Hash Board: 1 ]`.
fn state_item<'a>(items: Fields<'a>, word: &str) -> Option<&'a str> {
    items.raw(SYSTEM_STATU)?.split(',').find_map(|part| part.trim().strip_prefix(word))
}

/// The number that `STATE` would have for the words of `SYSTEMSTATU`.
fn state_number(words: &str) -> Option<usize> {
    STATES
        .iter()
        .position(|state| words.trim().strip_prefix("In ").is_some_and(|word| word.eq_ignore_ascii_case(state)))
}

fn state(items: Fields<'_>, lite: Fields<'_>) -> Option<usize> {
    let number = |items: Fields<'_>| items.raw(STATE)?.parse().ok().filter(|state| *state < STATES.len());
    state_item(items, "Work:").and_then(state_number).or_else(|| number(items)).or_else(|| number(lite))
}

fn model(version: Fields<'_>, items: Fields<'_>) -> Option<Model> {
    let stated = version.text(MODEL).filter(|name| !name.is_empty());
    match stated {
        Some(name) => Model::from_name(&name),
        None => Model::from_name(split_version(items.raw(VER)?)?.0),
    }
}

/// Reads the pools of `pools`, then those that only `stats` knows; how many there were no place for.
fn pools(reply: &Reply<'_>, pools: &mut Vec<PoolReading>, cut: &mut usize) -> usize {
    let number_of = |record: Fields<'_>| record.raw(ID)?.strip_prefix("POOL")?.parse().ok();
    let stats = |index: u32| reply.stats().find(|record| number_of(*record) == Some(index));
    let known = reply.pools().filter_map(|record| Some((record.raw(POOL_NUMBER)?.parse().ok()?, Some(record))));
    let others = reply.stats().filter_map(number_of);
    let (mut count, mut more) = (0, 0);
    for (index, record) in known.chain(others.map(|index| (index, None))) {
        if pools.iter().take(count).any(|pool| pool.index == index) {
            continue;
        }
        if count == POOLS_MAX {
            more += 1;
            continue;
        }
        if count == pools.len() {
            pools.push(PoolReading::default());
        }
        if let Some(place) = pools.get_mut(count) {
            pool(place, index, record, stats(index), cut);
        }
        count += 1;
    }
    pools.truncate(count);
    more
}

fn pool(pool: &mut PoolReading, index: u32, record: Option<Fields<'_>>, stats: Option<Fields<'_>>, cut: &mut usize) {
    let flag = |value: &str| match value {
        "true" => Some(1.0),
        "false" => Some(0.0),
        _ => None,
    };
    let says = |key: Key, word: &str| Some(record?.raw(key)? == word);
    let (is_alive, is_active) = (says(STATUS, "Alive"), says(STRATUM_ACTIVE, "true"));
    let as_number = |is: Option<bool>| is.map(|is| f64::from(u8::from(is)));
    let value = |row: &Row<Pool>, key: Key| {
        let value = match row.source {
            Pool::Field(_) => record?.number(key),
            Pool::Stats(_) => stats?.number(key),
            Pool::Flag(_) => flag(stats?.raw(key)?),
            Pool::Alive => as_number(is_alive),
            Pool::Active => as_number(is_active),
            // By contract every pool of `pools` has it.
            Pool::Up => as_number(record.map(|_| is_alive == Some(true) && is_active == Some(true))),
        };
        row.scale.apply(value?)
    };
    pool.index = index;
    pool.values.iter_mut().zip(POOL).zip(POOL_KEYS).for_each(|((slot, row), key)| *slot = value(row, key));
    pool.state.iter_mut().zip(POOL_STATE).zip(POOL_STATE_KEYS).for_each(|((slot, row), key)| *slot = value(row, key));
    pool.labels.replace(|number, text| {
        // As `POOL_LABELS`.
        let key = match number {
            1 => URL,
            2 => PRIORITY,
            3 => STATUS,
            _ => {
                text.push_str(if number == 0 { "" } else { "POOL" });
                // Most have one digit, for which `fmt` takes long.
                match char::from_digit(index, 10) {
                    Some(digit) => text.push(digit),
                    None => text.push_str(&index.to_string()),
                }
                return;
            }
        };
        push_short(text, &record.and_then(|record| record.text(key)).unwrap_or_default(), cut);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cgminer::reply::Request;
    use crate::metrics::keys::FANS_MAX;

    /// A reply with this device field, these fields of `version`, and more after `pools`.
    fn reading(version: &str, module: &str, tail: &str) -> Collected {
        let text = format!(
            "CMD=version|STATUS=S|VERSION,{version}|CMD=summary|STATUS=S|SUMMARY,MHS 5s=5e6,MHS 30s=3e7,Total MH=nan|\
             CMD=stats|STATUS=S|STATS=0,ID=AVA100,Elapsed=9,MM ID0={module},MM Count=1|CMD=pools|STATUS=E,Code=8|{tail}"
        );
        collect(&Reply::parse(&KEYS, text.as_bytes(), Request::Extended, true).unwrap())
    }

    fn of(reading: &Reading, name: &str) -> Option<f64> {
        reading.miner[MINER.iter().position(|row| row.name == name).unwrap()]
    }

    fn board(reading: &Reading, number: usize, name: &str) -> Option<f64> {
        reading.boards[number][BOARD.iter().position(|row| row.name == name).unwrap()]
    }

    const WORKING: &str = "Ver[Q-1] SYSTEMSTATU[Work: In Work, Hash Board: 2 ] SoftOFF[0] GHSspd[nan] PS[0 1222 2411 53 1298 2412 1391] \
         MGHS[100 -nan] MTmax[80 -30] MTavg[0 70] MH[1 2] ECHU[0 512] CRC[3] HBITemp[-273] HBOTemp[0] HBTemp[55] \
         PVT_T0[ 80  81] PVT_V0[300 0 310] PVT_T1[82] MW0[1] PVT_V1[305] Fan1[1200] Fan2[] MEMFREE[1392832.1381104]";

    #[test]
    fn what_is_no_reading_makes_no_value() {
        let (_, working) = reading("MODEL=Q", WORKING, "");
        for (name, value) in [
            ("avalon_hashrate_ghs", Some(30_000.0)),
            ("avalon_hashrate_hashes_per_second", Some(3e13)),
            ("avalon_hashes_total", None),
            ("avalon_memory_free_bytes", None),
            ("avalon_uptime_seconds", Some(9.0)),
            ("avalon_power_watts", Some(1391.0)),
            ("avalon_efficiency_joules_per_terahash", Some(1391.0 / 30.0)),
            ("avalon_system_working", Some(1.0)),
            ("avalon_hash_boards", Some(2.0)),
            ("avalon_activation", None),
            ("avalon_chip_count", Some(4.0)),
            ("avalon_chip_core_min_volts", Some(0.3)),
            ("avalon_chip_voltage_min_volts", Some(0.0)),
        ] {
            assert_eq!(of(&working, name), value, "{name}");
        }
        assert_eq!(working.positions, [None, Some(0.0), Some(55.0)], "0 is a temperature of air, not of a chip");
        assert_eq!(working.fans, [Some(1200.0), None]);
        assert_eq!(board(&working, 0, "avalon_board_hashrate_hashes_per_second"), Some(1e11));
        assert_eq!(board(&working, 1, "avalon_board_hashrate_hashes_per_second"), None);
        assert_eq!(board(&working, 1, "avalon_board_temp_max_celsius"), None);
        assert_eq!(board(&working, 0, "avalon_board_temp_avg_celsius"), None);
        assert_eq!(board(&working, 1, "avalon_board_error_code"), Some(512.0));
        assert_eq!(board(&working, 1, "avalon_board_crc_errors_total"), None);
        let temps: Vec<_> = working.chips.iter().map(|chip| chip[0]).collect();
        assert_eq!(temps, [Some(80.0), Some(81.0), None, Some(82.0)], "boards stay in step");
    }

    /// What is made of all chips is made of the values of each, so it has their unit.
    #[test]
    fn all_chips_have_the_unit_of_one() {
        let mut rows = 0;
        for row in MINER {
            let of = match row.source {
                Miner::Chips(list, _) => Chip::List(list),
                Miner::Core(_) => Chip::Core,
                _ => continue,
            };
            assert_eq!(
                CHIP.iter().find(|chip| chip.source == of).map(|chip| chip.scale),
                Some(row.scale),
                "{}",
                row.name
            );
            rows += 1;
        }
        assert_eq!(rows, 13);
    }

    #[test]
    fn in_standby_the_last_run_is_not_shown() {
        for (from, to) in
            [("In Work", "In Idle"), ("In Work", "In Init"), ("In Work", "In Fault"), ("SoftOFF[0]", "SoftOFF[4]")]
        {
            let (_, standby) = reading("MODEL=Q", &WORKING.replace(from, to), "");
            assert_eq!(standby.positions, [None; 3]);
            assert_eq!(of(&standby, "avalon_efficiency_joules_per_terahash"), None);
            assert_eq!(of(&standby, "avalon_chip_core_avg_volts"), None);
            assert_eq!(of(&standby, "avalon_power_watts"), Some(1391.0), "power is what the supply says");
            assert_eq!(of(&standby, "avalon_chip_temp_max_celsius"), Some(82.0), "the contract is as it is");
            let live = [
                board(&standby, 0, "avalon_board_hashrate_hashes_per_second"),
                board(&standby, 0, "avalon_board_temp_max_celsius"),
            ];
            assert_eq!(live, [None, None]);
            assert_eq!(board(&standby, 0, "avalon_board_hw_errors_total"), Some(1.0));
        }
    }

    #[test]
    fn state_comes_from_words_or_numbers() {
        let state = |module: &str, tail: &str| reading("", module, tail).1.state;
        let lite = "CMD=litestats|STATUS=S|MM ID0=STATE[3]|";
        assert_eq!(state("SYSTEMSTATU[Work: In Init, Hash Board: 0] STATE[1]", lite), Some(0));
        assert_eq!(state("STATE[1]", lite), Some(1));
        assert_eq!(state("Ver[x]", lite), Some(3));
        assert_eq!(state("SYSTEMSTATU[Work: In Trouble] STATE[4]", ""), None);
    }

    #[test]
    fn the_extended_parts() {
        let tail = |rssi: &str, kind: &str, difficulty: &str| {
            format!(
                "CMD=litestats|STATUS=S|MM ID0=Filter[10] SSID[x] RSSI[{rssi}] NetDevType[{kind}]|\
                 CMD=coin|STATUS=S|COIN,Network Difficulty={difficulty}|"
            )
        };
        let of_tail = |tail: &str, name: &str| of(&reading("", "Ver[x]", tail).1, name);
        assert_eq!(of_tail(&tail("-55", "1", "1e9"), "avalon_wifi_rssi_dbm"), Some(-55.0));
        assert_eq!(of_tail(&tail("-55", "0", "1e9"), "avalon_wifi_rssi_dbm"), None, "on a cable");
        assert_eq!(of_tail(&tail("0", "1", "1e9"), "avalon_wifi_rssi_dbm"), None);
        assert_eq!(of_tail(&tail("0", "1", "1e9"), "avalon_filter_runtime_seconds"), Some(600.0));
        for (difficulty, value) in
            [("1e9", Some(1e9)), ("9e8", None), ("1.8e19", None), ("5.7e14", None), ("nan", None)]
        {
            assert_eq!(of_tail(&tail("0", "0", difficulty), "avalon_network_difficulty"), value, "{difficulty}");
        }
        let denied = "CMD=litestats|STATUS=E,Code=45|CMD=coin|STATUS=E,Code=14|";
        assert_eq!(of_tail(denied, "avalon_filter_runtime_seconds"), None);
        assert_eq!(of_tail(denied, "avalon_uptime_seconds"), Some(9.0));
    }

    #[test]
    fn who_it_is() {
        let (info, _) = reading("PROD=P,VERSION=v,MAC=", "Ver[15-194-24102401_25462b2]", "");
        assert_eq!(info.all(), ["15-194", "P", "v", "", "", "", "", "", ""]);
        let (info, _) = reading("LVERSION=l,CGVERSION=c", "Ver[nonsense]", "");
        assert_eq!((info.all()[0], info.all()[2]), ("", "l"));
        let unknown = reading("MODEL=Nano9", "Ver[Q-25052801_14a19a2] PS[0 1 2 3 4 5 6]", "").1;
        assert_eq!((unknown.watts, of(&unknown, "avalon_ps_slot_6")), (None, Some(6.0)), "what is stated counts");
        let nameless = reading("", "Ver[Q-25052801_14a19a2] PS[0 1 2 3 4 5 6]", "").1;
        assert_eq!(nameless.watts, Some(6.0));
    }

    #[test]
    fn limits() {
        let many = |count: usize| "7 ".repeat(count);
        let fans: String = (1..=20).map(|fan| format!("Fan{fan}[{fan}] ")).collect();
        let module = format!("PVT_T0[{}] PVT_T1[{}] MH[{}] {fans}", many(100_000), many(1), many(10));
        let (_, reading) = reading("", &module, "");
        assert_eq!((reading.chips.len(), reading.boards.len(), reading.fans.len()), (CHIPS_MAX, BOARDS_MAX, FANS_MAX));
        assert_eq!(reading.dropped, 100_001 - CHIPS_MAX as u64 + 2);
        assert_eq!(of(&reading, "avalon_chip_count"), Some(100_001.0));
        let (info, cut) =
            self::reading(&format!("MODEL={},DNA={}", many(100_000), "e".repeat(LABEL_CHARS_MAX)), "", "");
        assert_eq!((info.all()[0].len(), cut.dropped), (LABEL_CHARS_MAX, 1), "one label lost its end");
        let (_, reading) = self::reading("", "PVT_T7[1] PVT_T8[1 2] MW99[1] PVT_V100[1]", "");
        assert_eq!((reading.chips.len(), reading.dropped), (1, 0), "chips of boards that cannot be");
        let pools: String = (0..100_000).map(|pool| format!("POOL={pool}|POOL=0|")).collect();
        let text =
            format!("CMD=version|STATUS=S|V|CMD=summary|STATUS=S|S|CMD=stats|STATUS=S|CMD=pools|STATUS=S|{pools}");
        let (_, reading) = collect(&Reply::parse(&KEYS, text.as_bytes(), Request::Standard, true).unwrap());
        assert_eq!(reading.pools.len(), POOLS_MAX);
        assert!(reading.dropped > 190_000, "{}", reading.dropped);
    }

    #[test]
    fn chips_have_their_keys() {
        for (board, keys) in CHIP_KEYS.into_iter().enumerate() {
            assert_eq!(keys, CHIP_LISTS.map(|list| KEYS.known(&format!("{}{board}", list.stem()))));
        }
        assert_eq!(FAN_KEYS, std::array::from_fn(|fan| KEYS.known(&format!("Fan{}", fan + 1))));
    }

    /// After `estats|all` a miner prints ten times as much, for ever; and the largest known machines have four boards.
    #[test]
    fn more_than_is_known_changes_nothing() {
        let list = |value: usize| format!("{value} ").repeat(200);
        let chips: String =
            (0..4).map(|board| format!("PVT_T{board}[{}] PVT_V{board}[{}] ", list(60 + board), list(280))).collect();
        let leftovers: String = (0..700).map(|key| format!("SPDLOG{key}[0x{key:x} -nan (x)] ")).collect();
        let module = format!(
            "{leftovers}Ver[15-194-24102401_x] SYSTEMSTATU[Work: In Work, Hash Board: 4] {chips}PS[0 1209 1187 297 3526 1188 3731]"
        );
        let (_, reading) = reading("MODEL=15-194", &module, "");
        assert_eq!((reading.chips.len(), reading.dropped, reading.watts), (800, 0, Some(3731.0)));
        assert_eq!((reading.chips[199][0], reading.chips[200][0]), (Some(60.0), Some(61.0)));
        assert_eq!(of(&reading, "avalon_chip_core_max_volts"), Some(0.28));
        assert_eq!(of(&reading, "avalon_hash_boards"), Some(4.0));
    }

    #[test]
    fn pools_of_both_parts() {
        let text = "CMD=version|STATUS=S|V|CMD=summary|STATUS=S|S|CMD=stats|STATUS=S|STATS=0,ID=POOL0,Times Sent=5,Work Can Roll=true|\
                    STATS=1,ID=POOL7,Times Sent=6|CMD=pools|STATUS=S|POOL=0,URL=a\\=b,Status=Alive,Priority=1,Stratum Active=false|";
        let (_, reading) = collect(&Reply::parse(&KEYS, text.as_bytes(), Request::Standard, true).unwrap());
        let value = |pool: &PoolReading, name| pool.values[POOL.iter().position(|row| row.name == name).unwrap()];
        let [both, stats] = &reading.pools[..] else { panic!("two pools, not {:?}", reading.pools) };
        assert_eq!(both.labels.all(), ["0", "a=b", "1", "Alive", "POOL0"]);
        assert_eq!((value(both, "avalon_pool_up"), both.state), (Some(0.0), [Some(1.0), Some(0.0), Some(1.0)]));
        assert_eq!(value(both, "avalon_pool_times_sent_total"), Some(5.0));
        assert_eq!(value(both, "avalon_pool_work_can_roll"), Some(1.0));
        assert_eq!((stats.labels.all()[1], stats.labels.all()[4]), ("", "POOL7"));
        assert_eq!((value(stats, "avalon_pool_up"), value(stats, "avalon_pool_times_sent_total")), (None, Some(6.0)));
    }
}
