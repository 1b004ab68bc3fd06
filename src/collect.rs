//! From a reply to a [`Reading`], by the catalogue: a pure function of the reply, without clock, global or I/O.
//!
//! Values stand in the order of their table, since nobody reads ninety of them by name. Contractual families show what
//! was sent; the new ones leave out what is no reading: chips and boards of a miner in standby (it repeats those of the
//! last run), -273 for a sensor that is not there, a chip at 0 °C.

use crate::cgminer::{Items, Record, Reply, number};
use crate::metrics::{
    BOARD, Board, CHIP, Chip, INFO_LABELS, List, MINER, Miner, POOL, POOL_STATE, POSITIONS, Pool, Row, STATES, Scale,
    Stat,
};
use crate::power::{Model, Quantity, Supply, split_version};

/// Limits of a reading: what real miners have, several times over. They bound the page, whatever a miner invents.
const CHIPS_MAX: usize = 1024;
const BOARDS_MAX: usize = 8;
const FANS_MAX: usize = 16;
const POOLS_MAX: usize = 16;

/// Difficulties of the network that can be: before its first job a miner says 1.8e19, and above 5.6e14 the firmware's
/// arithmetic overflows.
const DIFFICULTY: std::ops::RangeInclusive<f64> = 1e9..=5.6e14;

/// Who the miner says it is: the values of `INFO_LABELS`, empty where it does not say.
pub type Info = [String; INFO_LABELS.len()];

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
    /// Chips, boards, fans and pools beyond the limits.
    pub dropped: u64,
}

/// What one poll yielded of one pool.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolReading {
    /// Its number.
    pub index: u32,
    /// The values of `POOL_LABELS`.
    pub labels: [String; 5],
    /// Values under all labels.
    pub values: [Option<f64>; POOL.len()],
    /// Values under the index alone.
    pub state: [Option<f64>; POOL_STATE.len()],
}

/// Reads a reply.
pub fn collect(reply: &Reply<'_>) -> (Info, Reading) {
    let source = Source::new(reply);
    let mut miner = [None; MINER.len()];
    for (value, row) in miner.iter_mut().zip(MINER) {
        *value = source.miner(row.source, row.scale);
    }
    let (boards, more_boards) = source.boards();
    let (fans, more_fans) = source.fans();
    let (pools, more_pools) = pools(reply);
    let reading = Reading {
        miner,
        state: source.state,
        boards,
        fans,
        positions: POSITIONS.map(|(_, key)| source.live(key).filter(|celsius| *celsius > -273.0)),
        chips: source.chips.iter().map(|chip| source.chip(*chip)).collect(),
        pools,
        watts: source.supply.get(Quantity::Watts),
        dropped: (source.more_chips + more_boards + more_fans + more_pools) as u64,
    };
    (source.info(), reading)
}

/// A chip's numbers as they were sent.
#[derive(Clone, Copy, Default)]
struct RawChip {
    temp: Option<f64>,
    voltage: Option<f64>,
    work: Option<f64>,
}

impl RawChip {
    fn get(self, list: List) -> Option<f64> {
        match list {
            List::Temp => self.temp,
            List::Voltage => self.voltage,
            List::Work => self.work,
        }
    }
}

/// A reply, prepared for the questions of the catalogue.
struct Source<'a> {
    reply: &'a Reply<'a>,
    device: Option<&'a Record<'a>>,
    items: Items<'a>,
    lite: Items<'a>,
    supply: Supply,
    state: Option<usize>,
    /// Whether chips and boards work; in standby they repeat their last run.
    is_live: bool,
    chips: Vec<RawChip>,
    more_chips: usize,
}

impl<'a> Source<'a> {
    fn new(reply: &'a Reply<'a>) -> Self {
        let device = reply.device();
        let items = device.map(Record::items).unwrap_or_default();
        let lite = reply.litestats.as_ref().map(Record::items).unwrap_or_default();
        let state = state(&items, &lite);
        let is_off = items.number("SoftOFF").is_some_and(|reason| reason != 0.0);
        let (chips, more_chips) = chips(&items);
        let supply = Supply::new(model(&reply.version, &items), items.list("PS").collect());
        let is_live = !is_off && state.is_none_or(|state| STATES.get(state) == Some(&"work"));
        Source { reply, device, items, lite, supply, state, is_live, chips, more_chips }
    }

    fn miner(&self, source: Miner, scale: Scale) -> Option<f64> {
        let value = match source {
            Miner::Summary(key) => self.reply.summary.number(key),
            Miner::Device(key) => self.device?.number(key),
            Miner::Item(key) => self.items.number(key),
            Miner::Whole(key) => self.items.raw(key)?.trim().parse::<u32>().ok().map(f64::from),
            Miner::Slot(number) => self.supply.slot(number),
            Miner::Uptime => self.reply.summary.number("Elapsed").or_else(|| self.device?.number("Elapsed")),
            Miner::Hashrate(gigahashes, megahashes) => self.hashrate(gigahashes, megahashes),
            Miner::Working => {
                self.state_item("Work:").and_then(state_number).map(|state| f64::from(u8::from(state == 1)))
            }
            Miner::HashBoards => self.state_item("Hash Board:").and_then(number),
            Miner::SoftOff => self.items.number("SoftOFF").map(|reason| f64::from(u8::from(reason != 0.0))),
            Miner::Ambient => self.items.number("ITemp").or_else(|| self.items.number("Temp")),
            Miner::ChipCount => (!self.chips.is_empty()).then_some((self.chips.len() + self.more_chips) as f64),
            Miner::Chips(list, stat) => {
                return stat.of(self.chips.iter().filter_map(|chip| scale.apply(chip.get(list)?)));
            }
            Miner::Core(stat) => return stat.of(self.chips.iter().filter_map(|chip| scale.apply(self.core(*chip)?))),
            Miner::Supply(quantity) => self.supply.get(quantity),
            Miner::Efficiency => self.efficiency(),
            Miner::Rssi => self.wifi().filter(|_| self.wireless("NetDevType") == Some(1.0)),
            Miner::Filter => self.wireless("Filter"),
            Miner::Difficulty => {
                self.reply.coin.as_ref()?.number("Network Difficulty").filter(|value| DIFFICULTY.contains(value))
            }
        };
        scale.apply(value?)
    }

    fn hashrate(&self, gigahashes: Scale, megahashes: Scale) -> Option<f64> {
        let summary = |key| self.reply.summary.number(key);
        match self.items.number("GHSspd") {
            Some(value) => gigahashes.apply(value),
            None => megahashes.apply(summary("MHS 30s").or_else(|| summary("MHS 5s"))?),
        }
    }

    fn efficiency(&self) -> Option<f64> {
        let terahashes =
            self.hashrate(Scale::Over(1e3), Scale::Over(1e6)).filter(|rate| self.is_live && *rate > 0.0)?;
        Some(self.supply.get(Quantity::Watts)? / terahashes)
    }

    /// What `litestats` says, or on the Q `stats` too.
    fn wireless(&self, key: &str) -> Option<f64> {
        self.lite.number(key).or_else(|| self.items.number(key))
    }

    /// On a cable the strength reads 0.
    fn wifi(&self) -> Option<f64> {
        self.wireless("RSSI").filter(|dbm| *dbm != 0.0)
    }

    /// What follows a word in `SYSTEMSTATU[Work: In Work, Hash Board: 1 ]`.
    fn state_item(&self, word: &str) -> Option<&'a str> {
        state_item(&self.items, word)
    }

    /// An item while the chips work.
    fn live(&self, key: &str) -> Option<f64> {
        self.items.number(key).filter(|_| self.is_live)
    }

    /// The core voltage of a chip that works; no chip works at 0 V.
    fn core(&self, chip: RawChip) -> Option<f64> {
        chip.voltage.filter(|millivolts| self.is_live && *millivolts > 0.0)
    }

    fn chip(&self, chip: RawChip) -> [Option<f64>; CHIP.len()] {
        let mut values = [None; CHIP.len()];
        for (value, row) in values.iter_mut().zip(CHIP) {
            let raw = match row.source {
                Chip::List(list) => chip.get(list),
                Chip::Core => self.core(chip),
            };
            *value = raw.and_then(|raw| row.scale.apply(raw));
        }
        values
    }

    fn boards(&self) -> (Vec<[Option<f64>; BOARD.len()]>, usize) {
        let lists: Vec<Vec<Option<f64>>> = BOARD.iter().map(|row| self.board_list(row)).collect();
        let count = lists.iter().map(Vec::len).max().unwrap_or(0);
        let board = |number: usize| {
            let mut values = [None; BOARD.len()];
            for ((value, list), row) in values.iter_mut().zip(&lists).zip(BOARD) {
                *value = list.get(number).copied().flatten().and_then(|raw| row.scale.apply(raw));
            }
            values
        };
        ((0..count.min(BOARDS_MAX)).map(board).collect(), count.saturating_sub(BOARDS_MAX))
    }

    fn board_list(&self, row: &Row<Board>) -> Vec<Option<f64>> {
        match row.source {
            Board::Live(_) | Board::Temp(_) if !self.is_live => Vec::new(),
            Board::Item(key) | Board::Live(key) => self.items.list(key).collect(),
            // Chips that read 0 or less have no sensor yet: -273 and -30 at boot.
            Board::Temp(key) => self.items.list(key).map(|celsius| celsius.filter(|value| *value > 0.0)).collect(),
        }
    }

    fn fans(&self) -> (Vec<Option<f64>>, usize) {
        let mut fans: Vec<_> = (1..).map_while(|fan| self.items.raw(&format!("Fan{fan}")).map(number)).collect();
        let more = fans.len().saturating_sub(FANS_MAX);
        fans.truncate(FANS_MAX);
        (fans, more)
    }

    fn info(&self) -> Info {
        let version = self.items.raw("Ver").and_then(split_version);
        INFO_LABELS.map(|(label, keys)| {
            let stated = keys.iter().find_map(|key| self.reply.version.text(key).filter(|text| !text.is_empty()));
            match (label, version) {
                _ if stated.is_some() => stated.unwrap_or_default().into_owned(),
                ("model", Some((model, _))) => model.to_owned(),
                ("firmware", Some((_, firmware))) => firmware.to_owned(),
                _ => String::new(),
            }
        })
    }
}

impl Stat {
    fn of(self, values: impl Iterator<Item = f64>) -> Option<f64> {
        let (mut count, mut sum, mut least, mut greatest) = (0_u32, 0.0, f64::INFINITY, f64::NEG_INFINITY);
        for value in values {
            count += 1;
            sum += value;
            least = f64::min(least, value);
            greatest = f64::max(greatest, value);
        }
        let value = match self {
            Self::Min => least,
            Self::Avg => sum / f64::from(count),
            Self::Max => greatest,
            Self::Sum => sum,
        };
        (count > 0 && value.is_finite()).then_some(value)
    }
}

/// What follows a word in `SYSTEMSTATU[Work: In Work, Hash Board: 1 ]`.
fn state_item<'a>(items: &Items<'a>, word: &str) -> Option<&'a str> {
    items.raw("SYSTEMSTATU")?.split(',').find_map(|part| part.trim().strip_prefix(word))
}

/// The number that `STATE` would have for the words of `SYSTEMSTATU`.
fn state_number(words: &str) -> Option<usize> {
    STATES
        .iter()
        .position(|state| words.trim().strip_prefix("In ").is_some_and(|word| word.eq_ignore_ascii_case(state)))
}

fn state(items: &Items<'_>, lite: &Items<'_>) -> Option<usize> {
    let number = |items: &Items<'_>| items.raw("STATE")?.parse().ok().filter(|state| *state < STATES.len());
    state_item(items, "Work:").and_then(state_number).or_else(|| number(items)).or_else(|| number(lite))
}

fn model(version: &Record<'_>, items: &Items<'_>) -> Option<Model> {
    let stated = version.text("MODEL").filter(|name| !name.is_empty());
    match stated {
        Some(name) => Model::from_name(&name),
        None => Model::from_name(split_version(items.raw("Ver")?)?.0),
    }
}

/// The chips of all boards. A board has as many chips as its longest list, so that the three stay in step.
fn chips(items: &Items<'_>) -> (Vec<RawChip>, usize) {
    let mut chips = Vec::new();
    let mut more = 0;
    for board in 0..BOARDS_MAX {
        let mut temp = items.numbered(List::Temp.stem(), board);
        let mut voltage = items.numbered(List::Voltage.stem(), board);
        let mut work = items.numbered(List::Work.stem(), board);
        loop {
            let (temp, voltage, work) = (temp.next(), voltage.next(), work.next());
            if temp.is_none() && voltage.is_none() && work.is_none() {
                break;
            }
            if chips.len() < CHIPS_MAX {
                chips.push(RawChip { temp: temp.flatten(), voltage: voltage.flatten(), work: work.flatten() });
            } else {
                more += 1;
            }
        }
    }
    (chips, more)
}

/// The pools of `pools`, then those that only `stats` knows.
fn pools(reply: &Reply<'_>) -> (Vec<PoolReading>, usize) {
    let stats = |index: u32| {
        let id = format!("POOL{index}");
        reply.stats.iter().find(|record| record.raw("ID") == Some(&id))
    };
    let known = reply.pools.iter().filter_map(|record| Some((record.raw("POOL")?.parse().ok()?, Some(record))));
    let others = reply.stats.iter().filter_map(|record| record.raw("ID")?.strip_prefix("POOL")?.parse().ok());
    let mut pools: Vec<PoolReading> = Vec::new();
    let mut more = 0;
    for (index, record) in known.chain(others.map(|index| (index, None))) {
        if pools.iter().any(|pool| pool.index == index) {
            continue;
        }
        if pools.len() == POOLS_MAX {
            more += 1;
            continue;
        }
        pools.push(pool(index, record, stats(index)));
    }
    (pools, more)
}

fn pool(index: u32, record: Option<&Record<'_>>, stats: Option<&Record<'_>>) -> PoolReading {
    let text = |key: &str| record.and_then(|record| record.text(key)).unwrap_or_default().into_owned();
    let flag = |value: &str| match value {
        "true" => Some(1.0),
        "false" => Some(0.0),
        _ => None,
    };
    let is_alive = record.map(|record| record.raw("Status") == Some("Alive"));
    let is_active = record.map(|record| record.raw("Stratum Active") == Some("true"));
    let as_number = |is: Option<bool>| is.map(|is| f64::from(u8::from(is)));
    let value = |row: &Row<Pool>| {
        let value = match row.source {
            Pool::Field(key) => record?.number(key),
            Pool::Stats(key) => stats?.number(key),
            Pool::Flag(key) => flag(stats?.raw(key)?),
            Pool::Alive => as_number(is_alive),
            Pool::Active => as_number(is_active),
            Pool::Up => as_number(is_alive.zip(is_active).map(|(alive, active)| alive && active)),
        };
        row.scale.apply(value?)
    };
    let mut values = [None; POOL.len()];
    values.iter_mut().zip(POOL).for_each(|(slot, row)| *slot = value(row));
    let mut by_index = [None; POOL_STATE.len()];
    by_index.iter_mut().zip(POOL_STATE).for_each(|(slot, row)| *slot = value(row));
    let labels = [index.to_string(), text("URL"), text("Priority"), text("Status"), format!("POOL{index}")];
    PoolReading { index, labels, values, state: by_index }
}
