//! What Avalon firmware prints for a miner in a given state: the replies of the miners of `demo`.
//!
//! The layout of every record is that of a real unit's reply (`tests/captures`), with its traps: the Q's nested text,
//! keys with a space, padded lists, one value a board. Numbers that nobody reads are constants. It is a pure function
//! of the [`State`]; what scatters from chip to chip and from reply to reply is hashed from the chip's number and time.
//!
//! Who owns these miners is made up: pools are under example.com and example.org, and DNA and MAC are counted.

use std::fmt::{self, Write as _};
use std::iter;

/// One of the models that can be printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Machine {
    /// Avalon Nano 3S.
    Nano3S,
    /// Avalon Mini 3.
    Mini3,
    /// Avalon Q.
    Q,
    /// `AvalonMiner` 15-194.
    A15,
}

/// A model as it is built, and how it behaves at full power.
#[derive(Debug)]
pub struct Build {
    /// Which layout its replies have.
    pub machine: Machine,
    /// Fields of `version` up to DNA and MAC.
    pub version: &'static str,
    /// What `Ver` says.
    pub ver: &'static str,
    /// Hash boards.
    pub boards: usize,
    /// Chips a board.
    pub chips: usize,
    /// Chip temperature that it regulates to, °C.
    pub target_celsius: f64,
    /// Fan duty at a room temperature of 22 °C in the first mode, %.
    pub duty: f64,
    /// Fan speed at full duty, revolutions a minute.
    pub rpm_max: f64,
    /// Difficulty that a pool asks of it.
    pub difficulty: f64,
    /// Power while the chips rest, W.
    pub idle_watts: f64,
    /// Work modes, the usual one first.
    pub modes: &'static [Mode],
}

/// A work mode.
#[derive(Debug)]
pub struct Mode {
    /// `WORKMODE`.
    pub number: u8,
    /// Mean hash rate, GH/s.
    pub gigahashes: f64,
    /// Power by the supply's measurement, W.
    pub watts: f64,
    /// `Freq`, MHz.
    pub megahertz: f64,
    /// Core voltage of a chip, mV.
    pub millivolts: f64,
    /// The supply's slot 5.
    pub set: f64,
    /// `MPO`, W.
    pub limit: u32,
    /// The item that holds the mode's settings.
    pub settings: &'static str,
}

/// What the mining program does. The number is that of `STATE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It starts its chips.
    Init,
    /// It hashes.
    Work,
    /// It was sent into standby.
    Idle,
}

/// A pool as a miner sees it. Counters are since the miner's start.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    /// Whether it answers.
    pub is_alive: bool,
    /// Whether the miner works for it.
    pub is_active: bool,
    /// New work that it sent.
    pub getworks: u64,
    /// Shares that it took.
    pub accepted: u64,
    /// Shares that it refused.
    pub rejected: u64,
    /// Shares that came too late.
    pub stale: u64,
    /// Work done for it, in shares of difficulty 1.
    pub work: f64,
    /// Unix time of the last share, 0 if none.
    pub last_share: u64,
    /// Difficulty of the best share.
    pub best: f64,
    /// Height of the block that it works on.
    pub height: u64,
}

/// A miner at one moment.
#[derive(Clone, Debug)]
pub struct State {
    /// The model.
    pub build: &'static Build,
    /// Number of the miner: of its DNA and MAC, and of what makes its chips different from others.
    pub serial: u64,
    /// Unix time.
    pub unix: u64,
    /// Seconds since the mining program's start.
    pub elapsed: u64,
    /// Seconds of these in work.
    pub worked: u64,
    /// What it does.
    pub phase: Phase,
    /// Unix time when it began that.
    pub phase_since: u64,
    /// The work mode.
    pub mode: &'static Mode,
    /// Hash rate now, GH/s.
    pub gigahashes: f64,
    /// Means over 5 s, 1, 5 and 15 minutes, GH/s.
    pub recent: [f64; 4],
    /// Hashes since the start, in millions.
    pub megahashes: f64,
    /// The mean since the start when the chips last worked, GH/s.
    pub average: f64,
    /// Power, W.
    pub watts: f64,
    /// Air that goes in, °C.
    pub room_celsius: f64,
    /// Mean chip temperature; in standby that of the last run, °C.
    pub chip_celsius: f64,
    /// Unix time when the chips last worked.
    pub chips_seen: u64,
    /// Fan duty, %.
    pub duty: f64,
    /// Hardware errors by board.
    pub hardware_errors: [u64; 3],
    /// How often the first pool went away.
    pub pool_failures: u64,
    /// Running time of the dust filter, minutes.
    pub filter_minutes: u64,
    /// Signal, dBm; none on a cable.
    pub rssi: Option<f64>,
    /// Blocks of the network since the start.
    pub blocks: u64,
    /// Unix time of the last of them.
    pub block_seen: u64,
    /// The pools, in the order of their priority.
    pub pools: [Pool; 3],
}

/// Network difficulty, which changes every two weeks and stands still here.
pub const NETWORK_DIFFICULTY: f64 = 138_966_872_071_213.2;
/// Hashes of a share of difficulty 1.
pub const HASHES_OF_DIFFICULTY_1: f64 = 4_294_967_296.0;

/// Name, URL and, in the Nano's way, stratum host of the pools.
const POOLS: [(&str, &str); 3] = [
    ("stratum+tcp://stratum.example.com:3333", "stratum.example.com"),
    ("stratum+tcp://eu.stratum.example.com:3333", "eu.stratum.example.com"),
    ("stratum+tcp://solo.example.org:3334/#xnsub\\=1", "solo.example.org"),
];

/// Works that make a nonce of a chip count: that ratio was seen on a Nano 3S, a Q and an A15.
const SHARES_OF_A_NONCE: f64 = 4096.0;
/// Local works a second of work, on any model.
const WORKS_OF_A_SECOND: u64 = 776;

/// The answer to a request in text mode, its NUL included. Joined commands are answered in the order asked, each with
/// its `CMD=`; a single one without.
pub fn reply(state: &State, request: &str) -> Vec<u8> {
    let mut text = String::with_capacity(16 << 10);
    let is_joined = request.contains('+');
    for name in request.split('+') {
        if is_joined {
            text.push_str("CMD=");
            text.push_str(name);
            text.push('|');
        }
        // Writing into a `String` cannot fail.
        let _ = part(&mut text, state, name);
    }
    text.push('\0');
    text.into_bytes()
}

fn part(out: &mut String, state: &State, name: &str) -> fmt::Result {
    let (code, message) = match name {
        "version" => (22, "CGMiner versions"),
        "summary" => (11, "Summary"),
        "stats" => (70, "CGMiner stats"),
        // Firmware of the A-series knows no litestats.
        "litestats" if state.build.machine != Machine::A15 => (70, "CGMiner stats"),
        "config" => (33, "CGMiner config"),
        "devs" => (9, "1 ASC(s)"),
        "devdetails" => (69, "Device Details"),
        "pools" => (7, "3 Pool(s)"),
        "coin" => (78, "CGMiner coin"),
        _ => return write!(out, "STATUS=E,When={},Code=14,Msg=Invalid command|", state.unix),
    };
    write!(out, "STATUS=S,When={},Code={code},Msg={message},Description=cgminer 4.11.1|", state.unix)?;
    match name {
        "version" => version(out, state),
        "summary" => summary(out, state),
        "stats" => stats(out, state),
        "litestats" => litestats(out, state),
        "config" => out.write_str(
            "CONFIG,ASC Count=1,PGA Count=0,Pool Count=3,Strategy=Failover,Log Interval=5,Device Code=AVALON,OS=Linux,\
             Hotplug=None|",
        ),
        "devs" => devs(out, state),
        "devdetails" => out.write_str("DEVDETAILS=0,Name=AVALON,ID=0,Driver=avalon,Kernel=,Model=,Device Path=|"),
        "pools" => (0..).zip(&state.pools).try_for_each(|(index, at)| pool(out, state, index, at)),
        _ => coin(out, state),
    }
}

fn version(out: &mut String, state: &State) -> fmt::Result {
    let State { build, serial, .. } = state;
    write!(
        out,
        "VERSION,CGMiner=4.11.1,API=3.7,{},DNA=020100000000{serial:04},MAC=e0e1a900{serial:04x}",
        build.version
    )?;
    let has_web = matches!(build.machine, Machine::Nano3S | Machine::A15);
    out.write_str(if has_web { ",UPAPI=2|" } else { "|" })
}

/// A part of a whole in per cent, none of nothing is 0.
fn percent(part: f64, others: f64) -> f64 {
    if part > 0.0 { 100.0 * part / (part + others) } else { 0.0 }
}

impl State {
    fn sum(&self, count: impl Fn(&Pool) -> u64) -> u64 {
        self.pools.iter().map(count).sum()
    }

    /// Shares accepted, rejected and stale.
    fn shares(&self) -> [u64; 3] {
        [self.sum(|pool| pool.accepted), self.sum(|pool| pool.rejected), self.sum(|pool| pool.stale)]
    }

    fn work(&self) -> f64 {
        self.pools.iter().map(|pool| pool.work).sum()
    }

    fn minutes(&self) -> f64 {
        self.elapsed.max(1) as f64 / 60.0
    }

    fn is_working(&self) -> bool {
        self.phase == Phase::Work
    }

    /// Whether it shall hash, be it not yet.
    fn is_on(&self) -> bool {
        self.phase != Phase::Idle
    }
}

fn summary(out: &mut String, state: &State) -> fmt::Result {
    let counts @ [accepted, rejected, late] = state.shares();
    let errors: u64 = state.hardware_errors.iter().sum();
    let shares = (accepted + rejected + late) as f64;
    let best = state.pools.iter().map(|pool| pool.best).fold(0.0, f64::max);
    write!(out, "SUMMARY,Elapsed={},MHS av={:.2}", state.elapsed, state.megahashes / state.elapsed.max(1) as f64)?;
    rates(out, state)?;
    write!(
        out,
        ",Found Blocks=0,Getworks={},Accepted={accepted},Rejected={rejected},Hardware Errors={errors},Utility={:.2},\
         Discarded=0,Stale={late},Get Failures={},Local Work={:.0},Remote Failures=0,Network Blocks={},\
         Total MH={:.4},Work Utility={:.2}",
        state.sum(|pool| pool.getworks),
        accepted as f64 / state.minutes(),
        state.pool_failures,
        state.work() / SHARES_OF_A_NONCE,
        state.blocks,
        state.megahashes,
        state.work() / state.minutes(),
    )?;
    difficulties(out, state, counts)?;
    write!(
        out,
        ",Best Share={best:.0},Device Hardware%={:.4},Device Rejected%={rejected:.4},Pool Rejected%={rejected:.4},\
         Pool Stale%={:.4},Last getwork=0|",
        percent(errors as f64, state.work()),
        percent(late as f64, shares - late as f64),
        rejected = percent(rejected as f64, shares - rejected as f64),
    )
}

fn rates(out: &mut String, state: &State) -> fmt::Result {
    let [seconds, one, five, fifteen] = state.recent.map(|gigahashes| gigahashes * 1e3);
    write!(out, ",MHS 5s={seconds:.2},MHS 1m={one:.2},MHS 5m={five:.2},MHS 15m={fifteen:.2}")
}

fn difficulties(out: &mut String, state: &State, counts: [u64; 3]) -> fmt::Result {
    let [accepted, rejected, late] = counts.map(|count| count as f64 * state.build.difficulty);
    write!(out, ",Difficulty Accepted={accepted:.8},Difficulty Rejected={rejected:.8},Difficulty Stale={late:.8}")
}

fn devs(out: &mut String, state: &State) -> fmt::Result {
    let (accepted, rejected) = (state.sum(|pool| pool.accepted), state.sum(|pool| pool.rejected));
    let active = state.pools.iter().position(|pool| pool.is_active).unwrap_or(0);
    let last = state.pools.iter().map(|pool| pool.last_share).max().unwrap_or(0);
    let (elapsed, difficulty) = (state.elapsed, state.build.difficulty);
    let (name, celsius) = if state.build.machine == Machine::A15 { ("AVA10", -273) } else { ("AVALON", 0) };
    write!(out, "ASC=0,Name={name},ID=0,Enabled=Y,Status=Alive,Temperature={celsius}.00")?;
    write!(out, ",MHS av={:.2}", state.megahashes / elapsed.max(1) as f64)?;
    rates(out, state)?;
    write!(
        out,
        ",Accepted={accepted},Rejected={rejected},Hardware Errors={},Utility={:.2},Last Share Pool={active},\
         Last Share Time={last},Total MH={:.4},Diff1 Work={:.0},Difficulty Accepted={:.8},Difficulty Rejected={:.8},\
         Last Share Difficulty={difficulty:.8},Last Valid Work={},Device Hardware%=0.0000,Device Rejected%={:.4},\
         Device Elapsed={elapsed}|",
        state.hardware_errors.iter().sum::<u64>(),
        accepted as f64 / state.minutes(),
        state.megahashes,
        state.work(),
        accepted as f64 * difficulty,
        rejected as f64 * difficulty,
        state.chips_seen,
        percent(rejected as f64, accepted as f64),
    )
}

fn coin(out: &mut String, state: &State) -> fmt::Result {
    let hash = [1, 2, 3].map(|part| mix(state.blocks.wrapping_mul(3).wrapping_add(part)));
    let [first, second, third] = hash;
    let age = state.unix.saturating_sub(state.block_seen);
    write!(
        out,
        "COIN,Hash Method=sha256,Current Block Time={}.{:06},Current Block Hash={:019}{:013x}{second:016x}{third:016x},\
         LP=true,Network Difficulty={NETWORK_DIFFICULTY:.8}|",
        state.elapsed.saturating_sub(age),
        first % 1_000_000,
        0,
        first >> 12,
    )
}

fn pool(out: &mut String, state: &State, index: usize, pool: &Pool) -> fmt::Result {
    let (url, host) = POOLS.get(index).copied().unwrap_or_default();
    let Pool { getworks, accepted, rejected, stale, last_share, work, best, height, .. } = pool;
    let status = if pool.is_alive { "Alive" } else { "Dead" };
    // The Q tells the whole URL, and the Nano nothing of a pool that it does not work for.
    let stratum = match state.build.machine {
        Machine::Q => url,
        _ if pool.is_active || state.build.machine == Machine::A15 => host,
        _ => "",
    };
    let difficulty = if *accepted > 0 { state.build.difficulty } else { 0.0 };
    let shares = accepted + rejected + stale;
    write!(
        out,
        "POOL={index},URL={url},Status={status},Priority={index},Quota=1,Long Poll=N,Getworks={getworks},\
         Accepted={accepted},Rejected={rejected},Works={works:.0},Discarded=0,Stale={stale},Get Failures={failures},\
         Remote Failures=0,User=demo.worker,Last Share Time={last_share},Diff1 Shares={work:.0},Proxy Type=,Proxy=",
        works = work / SHARES_OF_A_NONCE,
        failures = if index == 0 { state.pool_failures } else { 0 },
    )?;
    difficulties(out, state, [*accepted, *rejected, *stale])?;
    write!(
        out,
        ",Last Share Difficulty={difficulty:.8},Work Difficulty={:.8},Has Stratum=true,Stratum Active={},\
         Stratum URL={stratum},Stratum Difficulty={:.8},Has Vmask=true,Has GBT=false,Best Share={best:.0},\
         Pool Rejected%={:.4},Pool Stale%={:.4},Bad Work={},Current Block Height={height},\
         Current Block Version=536870912|",
        state.build.difficulty,
        pool.is_active,
        if pool.is_active { state.build.difficulty } else { 0.0 },
        percent(*rejected as f64, (shares - rejected) as f64),
        percent(*stale as f64, (shares - stale) as f64),
        getworks / 64,
    )
}

fn stats(out: &mut String, state: &State) -> fmt::Result {
    let id = if state.build.machine == Machine::A15 { "AVA10" } else { "AVALON" };
    stats_head(out, state, 0, id, 0)?;
    match state.build.machine {
        Machine::Nano3S => nano_3s(out, state)?,
        Machine::Mini3 => mini_3(out, state)?,
        Machine::Q => q(out, state)?,
        Machine::A15 => a15(out, state)?,
    }
    for (index, pool) in (0..).zip(&state.pools) {
        stats_head(out, state, index + 1, "POOL", index)?;
        let shares = pool.accepted + pool.rejected + pool.stale;
        let (sent, received) = (shares + 3, shares + pool.getworks + 6);
        let (bytes_sent, bytes_received) = (sent * 130, received * 330);
        let difficulty = state.build.difficulty;
        write!(
            out,
            ",Pool Calls=0,Pool Attempts=0,Pool Wait=0.000000,Pool Max=0.000000,Pool Min=99999999.000000,\
             Pool Av=0.000000,Work Had Roll Time=false,Work Can Roll=false,Work Had Expire=false,Work Roll Time=0,\
             Work Diff={difficulty:.8},Min Diff={difficulty:.8},Max Diff={difficulty:.8},Min Diff Count={count},\
             Max Diff Count={count},Times Sent={sent},Bytes Sent={bytes_sent},Times Recv={received},\
             Bytes Recv={bytes_received},Net Bytes Sent={bytes_sent},Net Bytes Recv={bytes_received}|",
            count = pool.getworks,
        )?;
    }
    Ok(())
}

fn stats_head(out: &mut String, state: &State, number: usize, id: &str, index: usize) -> fmt::Result {
    // The A15's first device is 100: its module type comes before its number.
    let index = if id == "AVA10" { "0".to_owned() } else { index.to_string() };
    write!(
        out,
        "STATS={number},ID={id}{index},Elapsed={},Calls=0,Wait=0.000000,Max=0.000000,Min=99999999.000000",
        state.elapsed
    )
}

fn nano_3s(out: &mut String, state: &State) -> fmt::Result {
    let State { build, serial, mode, .. } = state;
    let input_volts = 27.6 + 0.1 * state.scatter(30, 1);
    identity(out, state, "", " FW[Release] LED[0-0] LEDUser[0-100-50-0-0-255] LcdOnoff[1] LcdSwitch[2]")?;
    write!(out, " DNA[020100000000{serial:04}] MEMFREE[{:.0}] PFCnt[{}]", state.memory(), state.pool_failures)?;
    run(out, state)?;
    write!(out, " ITemp[-273] OTemp[{:.0}]", state.room_celsius + 0.6 * state.duty + 12.0)?;
    chip_summary(out, state)?;
    fans(out, state, 1)?;
    let amperes = (state.watts / input_volts).floor();
    write!(out, " PS[0 0 {:.0} {amperes} 0 {} {:.0}]", input_volts * 1e3, mode.set, state.watts)?;
    hashing(out, state)?;
    board_list(out, state, "MTmax", |board| format!("{:.0}", state.hottest(board)))?;
    board_list(out, state, "MTavg", |board| format!("{:.0}", state.mean(board)))?;
    write!(out, " TA[{}] Core[A3197S] BIN[0]", build.chips)?;
    errors(out, state)?;
    out.write_str(" PLL0[365 341 755 363] SF0[420 438 459 480]")?;
    chips(out, state)?;
    write!(out, " CRC[0] COMCRC[0] {}", mode.settings)?;
    work_mode(out, state)?;
    out.write_str(",MM Count=1,Nonce Mask=25|")
}

fn mini_3(out: &mut String, state: &State) -> fmt::Result {
    let State { build, serial, mode, .. } = state;
    identity(out, state, "HashStatus[0] ", " Mcu0Ver[Mini3_hb_v1.0] FW[Release]")?;
    write!(out, " DNA[020100000000{serial:04}] MEMFREE[{:.0}]", state.memory())?;
    run(out, state)?;
    let (inlet, outlet) = (state.room_celsius + 14.0, state.room_celsius + 40.0);
    write!(out, " ITemp[{inlet:.0}] OTemp[{outlet:.0}] HBTemp[{:.0}]", state.chip_celsius - 7.0)?;
    chip_summary(out, state)?;
    fans(out, state, 1)?;
    wall_supply(out, state, 1210.0, 0.922)?;
    out.write_str(" PCOMM_E[0]")?;
    hashing(out, state)?;
    board_list(out, state, "MTmax", |board| format!("{:.0}", state.hottest(board)))?;
    board_list(out, state, "MTavg", |board| format!("{:.0}", state.mean(board)))?;
    write!(out, " TA[{}] Core[A3197S] BIN[36]", build.chips)?;
    errors(out, state)?;
    out.write_str(" PLL0[1204 2811 5012 8230] SF0[498 516 537 558]")?;
    chips(out, state)?;
    write!(out, " CRC[0] COMCRC[0] {} LcdOnoff[1] Activation[1]", mode.settings)?;
    work_mode(out, state)?;
    out.write_str(",MM Count=1,Nonce Mask=25|")
}

fn q(out: &mut String, state: &State) -> fmt::Result {
    let State { build, serial, mode, phase_since, .. } = state;
    out.write_str(",MM ID0:Summary='STATS':{")?;
    versions(out, state)?;
    write!(
        out,
        " HashMcu0Ver[Q_hb_v1.1] FanMcuVer[Q_fb_v1.2] CPU[K230] FW[Release] DNA[020100000000{serial:04}] STATE[{}] \
         MEMFREE[{:.0}] NETFAIL[0 0 0 0 0 0 0 0]",
        state.phase as u8,
        state.memory(),
    )?;
    wireless(out, state)?;
    run_state(out, state)?;
    let rise = if state.is_on() { 12.0 } else { 1.0 };
    write!(out, " ITemp[{:.0}] HBITemp[{:.0}]", state.room_celsius + 2.0, state.room_celsius + 2.0 + rise)?;
    write!(out, " HBOTemp[{:.0}]", state.room_celsius + 2.0 + 2.0 * rise)?;
    chip_summary(out, state)?;
    fans(out, state, 4)?;
    let (off, on) = if state.is_on() { (0, *phase_since) } else { (*phase_since, 0) };
    write!(out, " SoftOffTime[{off}] SoftOnTime[{on}] Filter[{}] FanErr[0] SoloAllowed[1]", state.filter_minutes)?;
    wall_supply(out, state, 1216.0, 0.934)?;
    out.write_str(" PCOMM_E[0]")?;
    hashing(out, state)?;
    write!(out, " TA[{}] Core[A3197S] BIN[36]", build.chips)?;
    errors(out, state)?;
    write!(
        out,
        " PLL0[8843 5769 5098 4610] SF0[258 276 297 318] CRC[0] COMCRC[0] {} LcdOnoff[1] Activation[{}]",
        mode.settings,
        u8::from(state.is_on()),
    )?;
    work_mode(out, state)?;
    out.write_str(" Nonce Mask[25]},HBinfo='HB0':{")?;
    // The lists follow one another with a space, and none stands in front of the first.
    let start = out.len();
    chips(out, state)?;
    out.remove(start);
    out.write_str("}|")
}

fn a15(out: &mut String, state: &State) -> fmt::Result {
    let State { build, serial, mode, .. } = state;
    write!(out, ",MM ID0=Ver[{}] DNA[020100000000{serial:04}] MEMFREE[1392832.1381104]", build.ver)?;
    run(out, state)?;
    write!(out, " Temp[{:.0}]", state.room_celsius + 4.0)?;
    let hottest = (0..build.boards).map(|board| state.hottest(board)).fold(0.0, f64::max);
    write!(out, " TMax[{hottest:.0}] TAvg[{:.0}]", state.mean(1))?;
    fans(out, state, 2)?;
    write!(out, " Vo[296]")?;
    wall_supply(out, state, 1209.0, 0.945)?;
    write!(out, " WALLPOWER[{:.0}]", state.watts)?;
    out.write_str(" PLL0[3346 2549 4722 13703] PLL1[2620 2291 4741 14668] PLL2[1777 2019 3849 16675]")?;
    hash_rates(out, state)?;
    out.write_str(" Led[0]")?;
    board_rates(out, state)?;
    board_list(out, state, "MTmax", |board| format!("{:.0}", state.hottest(board)))?;
    board_list(out, state, "MTavg", |board| format!("{:.0}", state.mean(board)))?;
    board_list(out, state, "MVavg", |board| format!("{:.1}", mode.millivolts + board as f64 / 4.0))?;
    write!(out, " TA[{}] Core[A3197S] PING[{:.0}] POWS[0]", build.boards * build.chips, state.ping())?;
    out.write_str(" EEPROM[160 160 160] HASHS[0 0 0] POOLS[0] SoftOFF[0] ECHU[0 0 0] ECMM[0]")?;
    for board in 0..build.boards {
        write!(out, " SF{board}[300 318 339 360]")?;
    }
    chips(out, state)?;
    out.write_str(" CRC[0 0 0] COMCRC[0 0 0] FACOPTS0[] FACOPTS1[] FACOPTS2[]")?;
    for board in 0..build.boards {
        let frequencies = "--avalon10-freq 300:318:339:360 --avalon10-voltage-level 1188 --hash-asic 160";
        write!(out, " ATAOPTS{board}[{frequencies}]")?;
    }
    write!(out, " ADJ[1] COP[0 0 0] MPO[{}] MVL[87]", mode.limit)?;
    for board in 0..build.boards {
        write!(out, " ATABD{board}[300 318 339 360]")?;
    }
    write!(out, " WORKMODE[{}],MM Count=1,Smart Speed=1,Voltage Level Offset=0,Nonce Mask=25|", mode.number)
}

fn litestats(out: &mut String, state: &State) -> fmt::Result {
    let State { build, mode, .. } = state;
    let firmware = firmware(build);
    let inlet = if build.machine == Machine::Nano3S { -273.0 } else { state.room_celsius + 2.0 };
    write!(
        out,
        "MM ID0=LVer[{firmware}] BVer[{firmware}] MVer[0] FW[Release] STATE[{}] MODE[{}] LEVEL[0] GHSspd[{:.6}] \
         ITemp[{inlet:.0}] OTemp[{:.0}] Limitemp[0] FanR[{:.0}%] Filter[{}] LED[0-0] LEDUser[0-100-50-0-0-255] \
         LcdOnoff[1] LcdSwitch[2] LcdBright[0] ECHU[0] ECMM[0]",
        state.phase as u8,
        mode.number,
        state.gigahashes,
        state.room_celsius + 0.6 * state.duty + 12.0,
        state.duty,
        state.filter_minutes,
    )?;
    wireless(out, state)?;
    out.write_str(",MM Count=1,Nonce Mask=25|")
}

/// Firmware without the model's name: `25021401_56abae7`.
fn firmware(build: &Build) -> &'static str {
    build.ver.rsplit_once('-').map_or(build.ver, |(_, firmware)| firmware)
}

fn versions(out: &mut String, state: &State) -> fmt::Result {
    let firmware = firmware(state.build);
    write!(out, "Ver[{}] LVer[{firmware}] BVer[{firmware}]", state.build.ver)
}

fn identity(out: &mut String, state: &State, before: &str, after: &str) -> fmt::Result {
    write!(out, ",MM ID0={before}")?;
    versions(out, state)?;
    out.write_str(after)
}

fn run(out: &mut String, state: &State) -> fmt::Result {
    out.write_str(" NETFAIL[0 0 0 0 0 0 0 0]")?;
    run_state(out, state)
}

fn run_state(out: &mut String, state: &State) -> fmt::Result {
    let State { build, elapsed, phase, .. } = state;
    let after = if build.machine == Machine::A15 { " " } else { "" };
    let rate = 1.6 + 0.4 * state.scatter(120, 2);
    write!(out, " SYSTEMSTATU[Work: In {phase:?}, Hash Board: {}{after}] Elapsed[{elapsed}]", build.boards)?;
    write!(out, " BOOTBY[0x01.00000000] LW[{}]", state.worked * WORKS_OF_A_SECOND)?;
    board_list(out, state, "MH", |board| state.hardware_errors.get(board).copied().unwrap_or(0).to_string())?;
    write!(out, " DHW[0] HW[{}] DH[{rate:.3}%]", state.hardware_errors.iter().sum::<u64>())
}

fn wireless(out: &mut String, state: &State) -> fmt::Result {
    let name = if state.rssi.is_some() { "home-wifi" } else { "" };
    write!(out, " SSID[{name}] RSSI[{:.0}] NetDevType[{}]", state.rssi.unwrap_or(0.0), u8::from(state.rssi.is_some()))
}

/// In standby there are no chip temperatures in the summary, though the lists repeat the last.
fn chip_summary(out: &mut String, state: &State) -> fmt::Result {
    let (hottest, mean) = if state.is_on() { (state.hottest(0), state.mean(0)) } else { (0.0, 0.0) };
    write!(out, " TMax[{hottest:.0}] TAvg[{mean:.0}] TarT[{:.0}]", state.build.target_celsius)
}

fn fans(out: &mut String, state: &State, count: u64) -> fmt::Result {
    for fan in 1..=count {
        let rpm = state.duty / 100.0 * state.build.rpm_max * (1.0 + 0.01 * state.scatter(5, 10 + fan));
        write!(out, " Fan{fan}[{rpm:.0}]")?;
    }
    write!(out, " FanR[{:.0}%]", state.duty)
}

/// A supply that measures at the wall. In standby its output is off and its capacitors empty within a minute.
fn wall_supply(out: &mut String, state: &State, control: f64, efficiency: f64) -> fmt::Result {
    let set = state.mode.set;
    if state.phase == Phase::Idle {
        let left = if state.unix - state.phase_since < 60 { 4 } else { 1 };
        return write!(out, " PS[0 {control} {left} 0 0 {} {:.0}]", set - 160.0, state.watts);
    }
    let (volts, board_watts) = (set - 1.0, (state.watts * efficiency).round());
    write!(
        out,
        " PS[0 {control} {volts} {:.0} {board_watts} {set} {:.0}]",
        (board_watts / volts * 100.0).floor(),
        state.watts
    )
}

fn hashing(out: &mut String, state: &State) -> fmt::Result {
    hash_rates(out, state)?;
    board_rates(out, state)
}

fn hash_rates(out: &mut String, state: &State) -> fmt::Result {
    let recent = if state.is_working() { 1.6 + 0.8 * state.scatter(20, 3) } else { 0.0 };
    write!(
        out,
        " GHSspd[{:.2}] DHspd[{recent:.3}%] GHSmm[{:.2}] GHSavg[{:.2}] WU[{:.2}] Freq[{:.2}]",
        state.gigahashes,
        state.mode.gigahashes * 1.02,
        state.average,
        state.average * 1e9 * 60.0 / HASHES_OF_DIFFICULTY_1,
        state.mode.megahertz + state.scatter(60, 4),
    )
}

fn board_rates(out: &mut String, state: &State) -> fmt::Result {
    let count = state.build.boards as f64;
    // Boards differ by a few per cent.
    let share = |board: usize| (1.0 + 0.03 * (board as f64 - (count - 1.0) / 2.0)) / count;
    let rate = if state.build.boards > 1 { state.gigahashes } else { state.average };
    board_list(out, state, "MGHS", |board| format!("{:.2}", rate * share(board)))
}

fn errors(out: &mut String, state: &State) -> fmt::Result {
    let reason = if state.is_on() { 0 } else { 4 };
    write!(out, " PING[{:.0}] SoftOFF[{reason}] ECHU[0] ECMM[0]", state.ping())
}

fn work_mode(out: &mut String, state: &State) -> fmt::Result {
    write!(out, " WORKMODE[{}] WORKLEVEL[0] MPO[{}] CALIALL[7] ADJ[1]", state.mode.number, state.mode.limit)
}

fn board_list(out: &mut String, state: &State, key: &str, value: impl Fn(usize) -> String) -> fmt::Result {
    let values: Vec<String> = (0..state.build.boards).map(value).collect();
    write!(out, " {key}[{}]", values.join(" "))
}

/// The lists with one number a chip.
fn chips(out: &mut String, state: &State) -> fmt::Result {
    let State { build, mode, .. } = state;
    let nonces = state.work() / SHARES_OF_A_NONCE / (build.boards * build.chips) as f64;
    for board in 0..build.boards {
        chip_list(out, "PVT_T", board, (0..build.chips).map(|chip| format!("{:3.0}", state.celsius(board, chip))))?;
    }
    for board in 0..build.boards {
        let volts = |chip| format!("{:.0}", mode.millivolts + 6.0 * state.trait_of(board, chip, 2));
        chip_list(out, "PVT_V", board, (0..build.chips).map(volts))?;
    }
    if build.machine == Machine::A15 {
        board_list(out, state, "MW", |board| (state.worked * (244 + board as u64)).to_string())?;
    }
    for board in 0..build.boards {
        let count = |chip| format!("{:.0}", (nonces * (1.0 + 0.15 * state.trait_of(board, chip, 3))).floor());
        chip_list(out, "MW", board, (0..build.chips).map(count))?;
    }
    Ok(())
}

fn chip_list(out: &mut String, stem: &str, board: usize, values: impl Iterator<Item = String>) -> fmt::Result {
    write!(out, " {stem}{board}[")?;
    for (separator, value) in iter::once("").chain(iter::repeat(" ")).zip(values) {
        write!(out, "{separator}{value}")?;
    }
    out.write_char(']')
}

impl State {
    /// What a chip has from its making, from -1 to 1; `kind` tells its traits apart.
    fn trait_of(&self, board: usize, chip: usize, kind: u64) -> f64 {
        scatter(self.serial << 32 | kind << 24 | (board as u64) << 16 | chip as u64)
    }

    /// What changes every few seconds, from -1 to 1; `kind` tells the values apart.
    fn scatter(&self, seconds: u64, kind: u64) -> f64 {
        scatter(self.serial << 48 | kind << 40 | (self.unix / seconds))
    }

    fn celsius(&self, board: usize, chip: usize) -> f64 {
        // The air has been warmed by the first chips when it comes to the last.
        let place = chip as f64 / self.build.chips as f64 - 0.5;
        let chip_id = (board as u64) << 56 | (chip as u64) << 40;
        let moment = scatter(chip_id ^ self.serial ^ (self.chips_seen / 15));
        self.chip_celsius + board as f64 + 5.0 * place + 2.5 * self.trait_of(board, chip, 1) + 0.7 * moment
    }

    fn hottest(&self, board: usize) -> f64 {
        (0..self.build.chips).map(|chip| self.celsius(board, chip)).fold(0.0, f64::max)
    }

    fn mean(&self, board: usize) -> f64 {
        self.chip_celsius + board as f64
    }

    fn memory(&self) -> f64 {
        64_000.0 + 800.0 * self.scatter(40, 5)
    }

    fn ping(&self) -> f64 {
        55.0 + 25.0 * self.scatter(20, 6)
    }
}

/// The finalizer of splitmix64 (Steele, Lea and Flood 2014): every bit of the result depends on every bit of the seed.
pub fn mix(seed: u64) -> u64 {
    let mut bits = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

/// A number from -1 to 1 that looks like chance.
fn scatter(seed: u64) -> f64 {
    (mix(seed) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}
