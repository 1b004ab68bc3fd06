//! From a reply to a [`Reading`], by the catalogue: a pure function of the reply, without clock, global or I/O.
//!
//! Contractual families show what was sent. The new ones leave out what is not a reading: chips and boards of a miner in
//! standby (it repeats those of the last run), -273 for a sensor that is not fitted, a chip at 0 °C.

use std::sync::Arc;

use crate::cgminer::fields::Key;
use crate::cgminer::number::number;
use crate::cgminer::reply::{Fields, Reply, Version};
use crate::exposition::LABEL_CHARS_MAX;
use crate::metrics::catalogue::{BOARD, BoardAir, BoardValues, ChipValues, MinerValues, PoolStateValues, PoolValues};
use crate::metrics::{
    BOARDS_MAX, BoardSource, CHIP_KEYS, ChipKeys, ChipSource, ELAPSED, FAN_KEYS, FILTER, GHS_SPD, I_TEMP, ID, KEYS,
    List, MHS_5S, MHS_30S, MODEL, MinerSource, Model, NET_DEV_TYPE, NETWORK_DIFFICULTY, POOL_NUMBER, PRIORITY, PS,
    PoolSource, Quantity, RSSI, Row, SOFT_OFF, STATE, STATUS, STRATUM_ACTIVE, SYSTEM_STATU, Scale, Stat, Supply, TEMP,
    URL, VER, split_version,
};
use crate::miner::reading::{Collected, Identity, MinerState, PoolReading, Reading};

/// Limits of a reading: what real miners have, several times over. With [`BOARDS_MAX`], [`FAN_KEYS`] and
/// [`LABEL_CHARS_MAX`] they bound the page, whatever a miner invents: 854 series a miner, 4,950 with single chips. What
/// they cut off is counted in [`Reading::dropped`], except for fans and chips of boards beyond the limit, whose keys are
/// not looked for.
const CHIPS_MAX: usize = 1024;
const POOLS_MAX: usize = 16;

/// Difficulties of the network that can be: before its first job a miner says 1.8e19, and above 5.6e14 the firmware's
/// arithmetic overflows.
const DIFFICULTY: std::ops::RangeInclusive<f64> = 1e9..=5.6e14;

/// Reads a reply.
pub fn collect(reply: &Reply<'_>) -> Collected {
    let source = Source::new(reply);
    let (boards, more_boards) = source.boards();
    let (pools, more_pools, cut_labels) = pools(reply);
    let (identity, more_cut_labels) = identity(reply.version(), source.items.raw(VER));
    let more = source.more_chips + more_boards + more_pools + cut_labels + more_cut_labels + reply.more_records();
    let reading = Reading {
        miner: MinerValues::of(|row| source.miner(row)),
        state: source.state,
        boards,
        fans: FAN_KEYS.into_iter().map_while(|key| source.items.raw(key)).map(number).collect(),
        air: BoardAir::of(|position| source.live(position.key).filter(|celsius| *celsius > -273.0)),
        chips: source.chips,
        pools,
        dropped: more as u64,
    };
    Collected { identity: Arc::new(identity), reading: Arc::new(reading) }
}

/// Who a miner says it is, by `version` alone.
pub fn identify(version: &Version<'_>) -> Identity {
    identity(version.fields(), None).0
}

/// What `version` says, else what the item `Ver` does; and how many texts lost their end.
fn identity(version: Fields<'_>, ver: Option<&str>) -> (Identity, usize) {
    let mut cut = 0;
    let mut shorten = |text: &str| short(text, &mut cut);
    let stated = |key: &&str| version.text(find(key)?).filter(|text| !text.is_empty());
    let said = Identity::of(|label| label.keys.iter().find_map(stated).map(|text| shorten(&text)));
    let (model, firmware) = ver.and_then(split_version).unzip();
    let identity = Identity {
        model: said.model.or_else(|| model.map(&mut shorten)),
        firmware: said.firmware.or_else(|| firmware.map(&mut shorten)),
        ..said
    };
    (identity, cut)
}

/// The number of a key that the catalogue has.
fn find(key: &str) -> Option<Key> {
    KEYS.find(key.as_bytes())
}

/// A text of the miner, as long as a label may be: it is kept, logged and shown. `cut` counts those that lost their end.
fn short(text: &str, cut: &mut usize) -> String {
    let end = text.char_indices().nth(LABEL_CHARS_MAX).map(|(end, _)| end);
    *cut += usize::from(end.is_some());
    end.and_then(|end| text.get(..end)).unwrap_or(text).to_owned()
}

/// A reply, prepared for the questions of the catalogue.
struct Source<'a> {
    reply: &'a Reply<'a>,
    device: Option<Fields<'a>>,
    items: Fields<'a>,
    lite: Fields<'a>,
    supply: Supply,
    state: Option<MinerState>,
    /// Whether chips and boards work; in standby they repeat their last run.
    is_live: bool,
    chips: Vec<ChipValues>,
    /// Chips beyond the limit.
    more_chips: usize,
}

impl<'a> Source<'a> {
    fn new(reply: &'a Reply<'a>) -> Self {
        let (items, lite) = (reply.device_items(), reply.litestats());
        let state = state(items, lite);
        let is_off = items.number(SOFT_OFF).is_some_and(|reason| reason != 0.0);
        let is_live = !is_off && state.is_none_or(|state| state == MinerState::Work);
        let (chips, more_chips) = chips(items, is_live);
        let supply = Supply::new(model(reply.version(), items), items.list(PS));
        Source { reply, device: reply.device(), items, lite, supply, state, is_live, chips, more_chips }
    }

    fn miner(&self, row: &Row<MinerSource>) -> Option<f64> {
        let value = match row.source {
            MinerSource::Summary(key) => self.reply.summary().number(find(key)?),
            MinerSource::Device(key) => {
                let key = find(key)?;
                self.device?.number(key).or_else(|| self.items.number(key))
            }
            MinerSource::Item(key) => self.items.number(find(key)?),
            MinerSource::Whole(key) => self.items.raw(find(key)?)?.trim().parse::<u32>().ok().map(f64::from),
            MinerSource::Slot(number) => self.supply.slot(number),
            MinerSource::Uptime => self.reply.summary().number(ELAPSED).or_else(|| self.device?.number(ELAPSED)),
            MinerSource::Hashrate(gigahashes, megahashes) => self.hashrate(gigahashes, megahashes),
            MinerSource::Working => {
                let state = state_item(self.items, "Work:").and_then(MinerState::from_words);
                state.map(|state| one_if(state == MinerState::Work))
            }
            MinerSource::HashBoards => state_item(self.items, "Hash Board:").and_then(number),
            MinerSource::SoftOff => self.items.number(SOFT_OFF).map(|reason| one_if(reason != 0.0)),
            MinerSource::Ambient => self.items.number(I_TEMP).or_else(|| self.items.number(TEMP)),
            MinerSource::ChipCount => {
                let count = self.chips.len() + self.more_chips;
                (count > 0).then_some(count as f64)
            }
            // In the unit of the chips' own families.
            MinerSource::Chips(List::Temp, stat) => return self.of_chips(stat, |chip| chip.temp_celsius),
            MinerSource::Chips(List::Voltage, stat) => return self.of_chips(stat, |chip| chip.voltage_volts),
            MinerSource::Chips(List::Work, stat) => return self.of_chips(stat, |chip| chip.matching_work),
            MinerSource::Core(stat) => return self.of_chips(stat, |chip| chip.core_volts),
            MinerSource::Supply(quantity) => self.supply.get(quantity),
            MinerSource::SupplyError => self.supply.error(),
            MinerSource::Efficiency => self.efficiency(),
            // On a cable the strength reads 0, and the kind of the network is 0 too.
            MinerSource::Rssi => {
                self.wireless(RSSI).filter(|dbm| *dbm != 0.0 && self.wireless(NET_DEV_TYPE) == Some(1.0))
            }
            MinerSource::Filter => self.wireless(FILTER),
            MinerSource::Difficulty => {
                self.reply.coin()?.number(NETWORK_DIFFICULTY).filter(|value| DIFFICULTY.contains(value))
            }
        };
        row.scale.apply(value?)
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
    fn live(&self, key: &str) -> Option<f64> {
        self.items.number(find(key)?).filter(|_| self.is_live)
    }

    fn of_chips(&self, stat: Stat, value: impl Fn(&ChipValues) -> Option<f64>) -> Option<f64> {
        let values = || self.chips.iter().filter_map(&value);
        let value = match stat {
            Stat::Min => values().reduce(f64::min),
            Stat::Max => values().reduce(f64::max),
            Stat::Sum => values().reduce(|sum, value| sum + value),
            Stat::Avg => values().reduce(|sum, value| sum + value).map(|sum| sum / values().count() as f64),
        };
        value.filter(|value| value.is_finite())
    }

    /// Reads the boards, as many as the longest list has; how many there were beyond the limit.
    fn boards(&self) -> (Vec<BoardValues>, usize) {
        let list = |source: BoardSource| {
            let is_shown = matches!(source, BoardSource::Item(_)) || self.is_live;
            find(source.key()).filter(|_| is_shown).map(|key| self.items.list(key)).into_iter().flatten()
        };
        let value = |row: &Row<BoardSource>, board| {
            let raw = list(row.source).nth(board).flatten()?;
            // Chips that read 0 or less have no sensor yet: -273 and -30 at boot.
            let is_measured = !matches!(row.source, BoardSource::Temp(_)) || raw > 0.0;
            row.scale.apply(raw).filter(|_| is_measured)
        };
        let count = BOARD.iter().map(|row| list(row.source).count()).max().unwrap_or(0);
        let boards: Vec<_> = (0..count.min(BOARDS_MAX)).map(|board| BoardValues::of(|row| value(row, board))).collect();
        let more = count - boards.len();
        (boards, more)
    }
}

fn one_if(is: bool) -> f64 {
    f64::from(u8::from(is))
}

/// Reads the chips of all boards; how many there were beyond the limit. A board has as many chips as its longest list, so
/// that the lists stay in step.
fn chips(items: Fields<'_>, is_live: bool) -> (Vec<ChipValues>, usize) {
    let (mut chips, mut more) = (Vec::new(), 0);
    for ChipKeys { temp, voltage, work } in CHIP_KEYS {
        let mut lists = [temp, voltage, work].map(|key| items.list(key));
        loop {
            let numbers = lists.each_mut().map(Iterator::next);
            if numbers.iter().all(Option::is_none) {
                break;
            }
            if chips.len() == CHIPS_MAX {
                more += 1;
                continue;
            }
            let [temp, voltage, work] = numbers.map(Option::flatten);
            chips.push(ChipValues::of(|row| {
                let raw = match row.source {
                    ChipSource::List(List::Temp) => temp,
                    ChipSource::List(List::Voltage) => voltage,
                    ChipSource::List(List::Work) => work,
                    // No chip works at 0 V.
                    ChipSource::Core => voltage.filter(|raw| is_live && *raw > 0.0),
                };
                row.scale.apply(raw?)
            }));
        }
    }
    (chips, more)
}

/// What follows a word in `SYSTEMSTATU[Work: In Work, Hash Board: 1 ]`.
fn state_item<'a>(items: Fields<'a>, word: &str) -> Option<&'a str> {
    items.raw(SYSTEM_STATU)?.split(',').find_map(|part| part.trim().strip_prefix(word))
}

fn state(items: Fields<'_>, lite: Fields<'_>) -> Option<MinerState> {
    let number = |items: Fields<'_>| MinerState::from_number(items.raw(STATE)?);
    state_item(items, "Work:").and_then(MinerState::from_words).or_else(|| number(items)).or_else(|| number(lite))
}

fn model(version: Fields<'_>, items: Fields<'_>) -> Option<Model> {
    let stated = version.text(MODEL).filter(|name| !name.is_empty());
    match stated {
        Some(name) => Model::from_name(&name),
        None => Model::from_name(split_version(items.raw(VER)?)?.0),
    }
}

/// Reads the pools of `pools`, then those that only `stats` knows; how many there were beyond the limit, and how many of
/// their texts lost their end.
fn pools(reply: &Reply<'_>) -> (Vec<PoolReading>, usize, usize) {
    let number_of = |record: Fields<'_>| record.raw(ID)?.strip_prefix("POOL")?.parse().ok();
    let stats = |index: u32| reply.stats().find(|record| number_of(*record) == Some(index));
    let known = reply.pools().filter_map(|record| Some((record.raw(POOL_NUMBER)?.parse().ok()?, Some(record))));
    let others = reply.stats().filter_map(number_of).map(|index| (index, None));
    let (mut pools, mut more, mut cut) = (Vec::<PoolReading>::new(), 0, 0);
    for (index, record) in known.chain(others) {
        if pools.iter().any(|pool| pool.index == index) {
            continue;
        }
        if pools.len() == POOLS_MAX {
            more += 1;
            continue;
        }
        pools.push(pool(index, record, stats(index), &mut cut));
    }
    (pools, more, cut)
}

fn pool(index: u32, record: Option<Fields<'_>>, stats: Option<Fields<'_>>, cut: &mut usize) -> PoolReading {
    let flag = |value: &str| match value {
        "true" => Some(1.0),
        "false" => Some(0.0),
        _ => None,
    };
    let says = |key: Key, word: &str| Some(record?.raw(key)? == word);
    let (is_alive, is_active) = (says(STATUS, "Alive"), says(STRATUM_ACTIVE, "true"));
    let value = |row: &Row<PoolSource>| {
        let value = match row.source {
            PoolSource::Field(key) => record?.number(find(key)?),
            PoolSource::Stats(key) => stats?.number(find(key)?),
            PoolSource::Flag(key) => flag(stats?.raw(find(key)?)?),
            PoolSource::Alive => is_alive.map(one_if),
            PoolSource::Active => is_active.map(one_if),
            // By contract every pool of `pools` has it.
            PoolSource::Up => record.map(|_| one_if(is_alive == Some(true) && is_active == Some(true))),
        };
        row.scale.apply(value?)
    };
    let mut text = |key: Key| Some(short(&record?.text(key)?, cut));
    PoolReading {
        index,
        url: text(URL),
        priority: text(PRIORITY),
        status: text(STATUS),
        values: PoolValues::of(value),
        state: PoolStateValues::of(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cgminer::reply::Request;
    use crate::metrics::catalogue::{CHIP, MINER};

    /// A reply with this device field, these fields of `version`, and more after `pools`.
    fn reading(version: &str, module: &str, tail: &str) -> Collected {
        let text = format!(
            "CMD=version|STATUS=S|VERSION,{version}|CMD=summary|STATUS=S|SUMMARY,MHS 5s=5e6,MHS 30s=3e7,Total MH=nan|\
             CMD=stats|STATUS=S|STATS=0,ID=AVA100,Elapsed=9,MM ID0={module},MM Count=1|CMD=pools|STATUS=E,Code=8|{tail}"
        );
        collect(&Reply::parse(&KEYS, text.as_bytes(), Request::Extended, true).unwrap())
    }

    const WORKING: &str = "Ver[Q-1] SYSTEMSTATU[Work: In Work, Hash Board: 2 ] SoftOFF[0] GHSspd[nan] PS[0 1222 2411 53 1298 2412 1391] \
         MGHS[100 -nan] MTmax[80 -30] MTavg[0 70] MH[1 2] ECHU[0 512] CRC[3] HBITemp[-273] HBOTemp[0] HBTemp[55] \
         PVT_T0[ 80  81] PVT_V0[300 0 310] PVT_T1[82] MW0[1] PVT_V1[305] Fan1[1200] Fan2[] MEMFREE[1392832.1381104]";

    #[test]
    fn what_is_no_reading_makes_no_value() {
        let working = reading("MODEL=Q", WORKING, "").reading;
        let values = &working.miner;
        for (value, expected) in [
            (values.hashrate_ghs, Some(30_000.0)),
            (values.hashrate_hashes_per_second, Some(3e13)),
            (values.hashes_total, None),
            (values.memory_free_bytes, None),
            (values.uptime_seconds, Some(9.0)),
            (values.power_watts, Some(1391.0)),
            (values.efficiency_joules_per_terahash, Some(1391.0 / 30.0)),
            (values.system_working, Some(1.0)),
            (values.hash_boards, Some(2.0)),
            (values.activation, None),
            (values.chip_count, Some(4.0)),
            (values.chip_core_min_volts, Some(0.3)),
            (values.chip_voltage_min_volts, Some(0.0)),
        ] {
            assert_eq!(value, expected, "{values:?}");
        }
        let air = BoardAir { inlet: None, outlet: Some(0.0), board: Some(55.0) };
        assert_eq!(working.air, air, "0 is a temperature of air, not of a chip");
        assert_eq!(working.fans, [Some(1200.0), None]);
        let [first, second] = working.boards[..] else { panic!("two boards, not {:?}", working.boards) };
        assert_eq!((first.hashrate_hashes_per_second, second.hashrate_hashes_per_second), (Some(1e11), None));
        assert_eq!((second.temp_max_celsius, first.temp_avg_celsius), (None, None));
        assert_eq!((second.error_code, second.crc_errors_total), (Some(512.0), None));
        let temps: Vec<_> = working.chips.iter().map(|chip| chip.temp_celsius).collect();
        assert_eq!(temps, [Some(80.0), Some(81.0), None, Some(82.0)], "boards stay in step");
    }

    /// What is made of all chips is made of the values of each, so it has their unit.
    #[test]
    fn all_chips_have_the_unit_of_one() {
        let mut rows = 0;
        for row in MINER {
            let of = match row.source {
                MinerSource::Chips(list, _) => ChipSource::List(list),
                MinerSource::Core(_) => ChipSource::Core,
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
            let standby = reading("MODEL=Q", &WORKING.replace(from, to), "").reading;
            assert_eq!(standby.air, BoardAir::default());
            assert_eq!(standby.miner.efficiency_joules_per_terahash, None);
            assert_eq!(standby.miner.chip_core_avg_volts, None);
            assert_eq!(standby.miner.power_watts, Some(1391.0), "power is what the supply says");
            assert_eq!(standby.miner.chip_temp_max_celsius, Some(82.0), "the contract is as it is");
            let board = &standby.boards[0];
            assert_eq!((board.hashrate_hashes_per_second, board.temp_max_celsius), (None, None));
            assert_eq!(board.hw_errors_total, Some(1.0));
        }
    }

    #[test]
    fn state_comes_from_words_or_numbers() {
        let state = |module: &str, tail: &str| reading("", module, tail).reading.state;
        let lite = "CMD=litestats|STATUS=S|MM ID0=STATE[3]|";
        assert_eq!(state("SYSTEMSTATU[Work: In Init, Hash Board: 0] STATE[1]", lite), Some(MinerState::Init));
        assert_eq!(state("STATE[1]", lite), Some(MinerState::Work));
        assert_eq!(state("Ver[x]", lite), Some(MinerState::Fault));
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
        let of_tail = |tail: &str| reading("", "Ver[x]", tail).reading.miner;
        assert_eq!(of_tail(&tail("-55", "1", "1e9")).wifi_rssi_dbm, Some(-55.0));
        assert_eq!(of_tail(&tail("-55", "0", "1e9")).wifi_rssi_dbm, None, "on a cable");
        assert_eq!(of_tail(&tail("0", "1", "1e9")).wifi_rssi_dbm, None);
        assert_eq!(of_tail(&tail("0", "1", "1e9")).filter_runtime_seconds, Some(600.0));
        for (difficulty, value) in
            [("1e9", Some(1e9)), ("9e8", None), ("1.8e19", None), ("5.7e14", None), ("nan", None)]
        {
            assert_eq!(of_tail(&tail("0", "0", difficulty)).network_difficulty, value, "{difficulty}");
        }
        let denied = "CMD=litestats|STATUS=E,Code=45|CMD=coin|STATUS=E,Code=14|";
        assert_eq!(of_tail(denied).filter_runtime_seconds, None);
        assert_eq!(of_tail(denied).uptime_seconds, Some(9.0));
    }

    #[test]
    fn who_it_is() {
        let text = |text: &str| Some(text.to_owned());
        let named = reading("PROD=P,VERSION=v,MAC=", "Ver[15-194-24102401_25462b2]", "").identity;
        let expected = Identity { model: text("15-194"), prod: text("P"), firmware: text("v"), ..Identity::default() };
        assert_eq!(*named, expected);
        let odd = reading("LVERSION=l,CGVERSION=c", "Ver[nonsense]", "").identity;
        assert_eq!((&odd.model, &odd.firmware), (&None, &text("l")));
        let watts = |version: &str| {
            let values = reading(version, "Ver[Q-25052801_14a19a2] PS[0 1 2 3 4 5 6]", "").reading.miner;
            (values.power_watts, values.ps_slot_6)
        };
        assert_eq!(watts("MODEL=Nano9"), (None, Some(6.0)), "what is stated counts");
        assert_eq!(watts(""), (Some(6.0), Some(6.0)));
    }

    #[test]
    fn limits() {
        let many = |count: usize| "7 ".repeat(count);
        let fans: String = (1..=20).map(|fan| format!("Fan{fan}[{fan}] ")).collect();
        let module = format!("PVT_T0[{}] PVT_T1[{}] MH[{}] {fans}", many(100_000), many(1), many(10));
        let large = reading("", &module, "").reading;
        assert_eq!((large.chips.len(), large.boards.len(), large.fans.len()), (CHIPS_MAX, BOARDS_MAX, FAN_KEYS.len()));
        assert_eq!(large.dropped, 100_001 - CHIPS_MAX as u64 + 2);
        assert_eq!(large.miner.chip_count, Some(100_001.0));
        let long = reading(&format!("MODEL={},DNA={}", many(100_000), "e".repeat(LABEL_CHARS_MAX)), "", "");
        let model = long.identity.model.as_ref().unwrap();
        assert_eq!((model.len(), long.reading.dropped), (LABEL_CHARS_MAX, 1), "one label lost its end");
        let odd = reading("", "PVT_T7[1] PVT_T8[1 2] MW99[1] PVT_V100[1]", "").reading;
        assert_eq!((odd.chips.len(), odd.dropped), (1, 0), "chips of boards that cannot be");
        let pools: String = (0..100_000).map(|pool| format!("POOL={pool}|POOL=0|")).collect();
        let text =
            format!("CMD=version|STATUS=S|V|CMD=summary|STATUS=S|S|CMD=stats|STATUS=S|CMD=pools|STATUS=S|{pools}");
        let reading = collect(&Reply::parse(&KEYS, text.as_bytes(), Request::Standard, true).unwrap()).reading;
        assert_eq!(reading.pools.len(), POOLS_MAX);
        assert!(reading.dropped > 190_000, "{}", reading.dropped);
    }

    #[test]
    fn chips_have_their_keys() {
        for (board, ChipKeys { temp, voltage, work }) in CHIP_KEYS.into_iter().enumerate() {
            let known = |list: List| KEYS.known(&format!("{}{board}", list.stem()));
            assert_eq!([temp, voltage, work], [List::Temp, List::Voltage, List::Work].map(known));
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
        let reading = reading("MODEL=15-194", &module, "").reading;
        assert_eq!((reading.chips.len(), reading.dropped), (800, 0));
        assert_eq!([199, 200].map(|chip: usize| reading.chips[chip].temp_celsius), [Some(60.0), Some(61.0)]);
        let values = &reading.miner;
        assert_eq!((values.power_watts, values.chip_core_max_volts), (Some(3731.0), Some(0.28)));
        assert_eq!(values.hash_boards, Some(4.0));
    }

    #[test]
    fn pools_of_both_parts() {
        let text = "CMD=version|STATUS=S|V|CMD=summary|STATUS=S|S|CMD=stats|STATUS=S|STATS=0,ID=POOL0,Times Sent=5,Work Can Roll=true|\
                    STATS=1,ID=POOL7,Times Sent=6|CMD=pools|STATUS=S|POOL=0,URL=a\\=b,Status=Alive,Priority=1,Stratum Active=false|";
        let reading = collect(&Reply::parse(&KEYS, text.as_bytes(), Request::Standard, true).unwrap()).reading;
        let [both, stats] = &reading.pools[..] else { panic!("two pools, not {:?}", reading.pools) };
        assert_eq!(both.labels().into_array(), ["0", "a=b", "1", "Alive", "POOL0"]);
        let standby = PoolStateValues { alive: Some(1.0), active: Some(0.0), priority: Some(1.0) };
        assert_eq!((both.values.up, both.state), (Some(0.0), standby));
        assert_eq!((both.values.times_sent_total, both.values.work_can_roll), (Some(5.0), Some(1.0)));
        assert_eq!(stats.labels().into_array(), ["7", "", "", "", "POOL7"]);
        assert_eq!((stats.values.up, stats.values.times_sent_total), (None, Some(6.0)));
    }
}
