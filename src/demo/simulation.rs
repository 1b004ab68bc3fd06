//! A simulated miner's life: a [`Simulation`] steps second by second through a [`Plan`].
//!
//! What happens is planned by time; what wobbles (hash rates, shares, blocks) comes from a small generator with a fixed
//! seed. So a miner is the same every time, however often it is polled, and the tests run hours of it in no time. What it
//! prints is the business of [`firmware`].
//!
//! It is no model of a miner's physics: it is right about sizes, signs and what belongs together.

use std::time::Duration;

use crate::demo::firmware::{self, Build, HASHES_OF_DIFFICULTY_1, Mode, NETWORK_DIFFICULTY, Phase, Pool, State, mix};

/// Something that happens again and again, in seconds since the demo's start.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// When it begins first.
    pub first: u64,
    /// How long it takes.
    pub length: u64,
    /// From one beginning to the next.
    pub period: u64,
}

/// Never.
pub const NEVER: Event = Event { first: 0, length: 0, period: 1 };

impl Event {
    fn holds(self, now: u64) -> bool {
        now.checked_sub(self.first).is_some_and(|since| since % self.period < self.length)
    }
}

/// A miner and what happens to it.
#[derive(Debug)]
pub struct Plan {
    /// Its name in the settings.
    pub name: &'static str,
    /// What machine it is.
    pub build: &'static Build,
    /// Distinguishes DNA, MAC and chance.
    pub serial: u64,
    /// How long it had been running when the demo began, s.
    pub age: u64,
    /// Mean air temperature, and how far it goes with the day, °C.
    pub room: (f64, f64),
    /// Mean Wi-Fi signal, dBm; none on a cable.
    pub rssi: Option<f64>,
    /// Running time of its dust filter at the demo's start, minutes.
    pub filter: u64,
    /// Switched off at the wall.
    pub off: Event,
    /// Sent into standby.
    pub standby: Event,
    /// When it runs in another than the usual mode, as an index into the build's.
    pub modes: &'static [(Event, usize)],
}

/// The pool of highest priority is gone, for all miners: long enough to be seen between two polls of a minute.
const POOL_OUTAGE: Event = Event { first: 200, length: 240, period: 2700 };

/// How long the chips take from the start of the mining program to their first hash, s.
const INIT_TIME: u64 = 25;
/// Time constant of hash rate and power after a start or a change of mode, s.
const RAMP_TIME: f64 = 15.0;
/// Windows of the hash rates' means, s.
const WINDOWS: [f64; 4] = [5.0, 60.0, 300.0, 900.0];
/// Height of the network's chain at the start of every demo.
const START_HEIGHT: u64 = 943_768;
/// Mean time between blocks, s.
const BLOCK_TIME: f64 = 600.0;
/// Mean time between a pool's messages with new work, to the active pool and to one that waits, s.
const NEW_WORK_TIME: (f64, f64) = (15.0, 900.0);
/// Of a hundred shares, how many are refused, and how many come too late.
const SHARES_LOST: (f64, f64) = (0.4, 0.8);

/// The whole network, the same for every miner: each has its own copy, made of the same seed.
#[derive(Debug)]
struct Network {
    chance: Chance,
    height: u64,
    block_seen: u64,
}

/// A miner on its way through its plan.
#[derive(Debug)]
pub struct Simulation {
    plan: &'static Plan,
    chance: Chance,
    network: Network,
    /// Unix time of the demo's start.
    began: u64,
    /// Seconds since the start that have been simulated.
    now: u64,
    is_off: bool,
    /// Hash rate and power without the wobble, GH/s and W.
    level: (f64, f64),
    /// The wobble of the hash rate, as a part of it.
    wobble: f64,
    state: State,
}

impl Simulation {
    /// A miner at the beginning of its plan, with the counters of one that has run since long before; `unix` is the time.
    pub fn new(plan: &'static Plan, unix: u64) -> Self {
        let network = Network { chance: Chance(0), height: START_HEIGHT, block_seen: unix.saturating_sub(251) };
        let state = boot(plan, unix, plan.filter);
        let mut simulation = Simulation {
            plan,
            chance: Chance(plan.serial),
            network,
            began: unix,
            now: 0,
            is_off: false,
            level: (0.0, plan.build.idle_watts),
            wobble: 0.0,
            state,
        };
        simulation.grow_old();
        simulation.step();
        simulation
    }

    /// The answer at a time since the demo's start; none while it is off.
    pub fn answer(&mut self, request: &str, now: Duration) -> Option<Vec<u8>> {
        while self.now < now.as_secs() {
            self.now += 1;
            self.step();
        }
        (!self.is_off).then(|| firmware::reply(&self.state, request))
    }

    /// Fills in the counters of a miner that has been in its usual mode since long before the demo.
    fn grow_old(&mut self) {
        let (plan, state) = (self.plan, &mut self.state);
        let (build, age) = (plan.build, plan.age as f64);
        let Mode { gigahashes, watts, .. } = *state.mode;
        self.level = (gigahashes, watts);
        (state.gigahashes, state.average, state.watts, state.recent) = (gigahashes, gigahashes, watts, [gigahashes; 4]);
        (state.elapsed, state.worked, state.phase) = (plan.age, plan.age, Phase::Work);
        state.phase_since = self.began - plan.age;
        (state.megahashes, state.blocks) = (gigahashes * 1e3 * age, plan.age / 600);
        (state.chip_celsius, state.duty) = (build.target_celsius, build.duty);
        let work = gigahashes * 1e9 * age / HASHES_OF_DIFFICULTY_1;
        let shares = work / build.difficulty;
        let [pool, ..] = &mut state.pools;
        pool.work = work;
        (pool.accepted, pool.rejected, pool.stale) = (whole(shares), whole(shares * 0.004), whole(shares * 0.008));
        (pool.getworks, pool.best) = (whole(age / NEW_WORK_TIME.0), work * 0.7);
        pool.last_share = self.began - 4;
    }

    fn step(&mut self) {
        let unix = self.began + self.now;
        let had_block = self.network.step(unix);
        let was_off = self.is_off;
        self.is_off = self.plan.off.holds(self.now);
        if self.is_off {
            return;
        }
        if was_off {
            self.state = boot(self.plan, unix, self.state.filter_minutes);
            self.level = (0.0, self.plan.build.idle_watts);
        }
        let state = &mut self.state;
        (state.unix, state.elapsed, state.block_seen) = (unix, state.elapsed + 1, self.network.block_seen);
        state.blocks += u64::from(had_block);
        let other = self.plan.modes.iter().find(|(event, _)| event.holds(self.now)).map_or(0, |(_, mode)| *mode);
        state.mode = self.plan.build.modes.get(other).unwrap_or(state.mode);
        self.step_phase();
        self.step_power();
        self.step_air();
        self.step_pools();
        self.step_shares();
    }

    fn step_phase(&mut self) {
        let state = &mut self.state;
        let since = state.unix - state.phase_since;
        let next = match state.phase {
            _ if self.plan.standby.holds(self.now) => Phase::Idle,
            Phase::Idle => Phase::Init,
            Phase::Init if since >= INIT_TIME => Phase::Work,
            phase => phase,
        };
        if next != state.phase {
            (state.phase, state.phase_since) = (next, state.unix);
        }
    }

    /// Hash rate and power. The chips take power before they hash.
    fn step_power(&mut self) {
        let state = &mut self.state;
        let (build, mode) = (self.plan.build, state.mode);
        let (rate, watts) = &mut self.level;
        if state.phase == Phase::Idle {
            // The supply's output is off at once; what it takes itself sinks as it cools.
            (*rate, self.wobble) = (0.0, 0.0);
            let first = if state.unix - state.phase_since < 60 { 130.0 } else { 0.0 };
            (state.watts, *watts) = (build.idle_watts + first, build.idle_watts);
        } else {
            approach(rate, mode.gigahashes, RAMP_TIME);
            // Silicon leaks more when the air is warm.
            approach(watts, mode.watts * (1.0 + 0.0015 * (state.room_celsius - 22.0)), RAMP_TIME);
            self.wobble += -self.wobble / 30.0 + 0.004 * self.chance.normal();
            state.watts = *watts * (1.0 + 0.15 * self.wobble + 0.002 * self.chance.normal());
        }
        let is_working = state.phase == Phase::Work;
        state.gigahashes = if is_working { *rate * (1.0 + self.wobble) } else { 0.0 };
        state.megahashes += state.gigahashes * 1e3;
        for (mean, window) in state.recent.iter_mut().zip(WINDOWS) {
            approach(mean, state.gigahashes, window);
        }
        if is_working {
            state.average = state.megahashes / 1e3 / state.elapsed as f64;
            state.worked += 1;
            // The filter's clock runs with the fans.
            state.filter_minutes += u64::from(state.worked.is_multiple_of(60));
        }
    }

    /// Temperatures, and the fans that follow them.
    fn step_air(&mut self) {
        let state = &mut self.state;
        let (build, (mean, swing)) = (self.plan.build, self.plan.room);
        // Coldest at four in the morning, warmest at four in the afternoon, UTC.
        let day = (state.unix % 86_400) as f64 / 86_400.0;
        state.room_celsius = mean - swing * wave(day - 4.0 / 24.0 + 0.25);
        if state.phase == Phase::Idle {
            state.duty = 0.0;
            return;
        }
        state.chips_seen = state.unix;
        let load = self.level.1 / build.modes.first().map_or(1.0, |mode| mode.watts);
        let air = 1.0 + 0.025 * (state.room_celsius - 22.0);
        let excess = state.chip_celsius - build.target_celsius;
        approach(&mut state.duty, (build.duty * load * air + 1.5 * excess).clamp(15.0, 100.0), 8.0);
        // More air than the load asks for cools below the target, less lets it get hotter.
        let balance = build.target_celsius - 6.0 * (1.0 - load) - 0.4 * (state.duty - build.duty * load * air);
        approach(&mut state.chip_celsius, balance + 40.0 * self.wobble, 60.0);
        if let (Some(signal), Some(mean)) = (&mut state.rssi, self.plan.rssi) {
            *signal += (mean - *signal) / 20.0 + 0.8 * self.chance.normal();
        }
    }

    /// Which pool the miner works for: the first that is alive.
    fn step_pools(&mut self) {
        let (state, height) = (&mut self.state, self.network.height);
        let is_gone = POOL_OUTAGE.holds(self.now);
        let [first, second, third] = &mut state.pools;
        state.pool_failures += u64::from(is_gone && first.is_alive);
        first.is_alive = !is_gone;
        (first.is_active, second.is_active) = (!is_gone, is_gone);
        for pool in [first, second, third].into_iter().filter(|pool| pool.is_alive) {
            let time = if pool.is_active { NEW_WORK_TIME.0 } else { NEW_WORK_TIME.1 };
            pool.getworks += u64::from(pool.height != height || self.chance.happens(1.0 / time));
            pool.height = height;
        }
    }

    fn step_shares(&mut self) {
        let (state, chance) = (&mut self.state, &mut self.chance);
        let work = state.gigahashes * 1e9 / HASHES_OF_DIFFICULTY_1;
        let Some(pool) = state.pools.iter_mut().find(|pool| pool.is_active) else { return };
        pool.work += work;
        // About ten shares a minute, so two in one second are rare enough to leave out.
        if chance.happens(work / state.build.difficulty) {
            let lot = 100.0 * chance.part();
            if lot < SHARES_LOST.0 {
                pool.rejected += 1;
            } else if lot < SHARES_LOST.0 + SHARES_LOST.1 {
                pool.stale += 1;
            } else {
                pool.accepted += 1;
                pool.last_share = state.unix;
                // Half of all shares have twice the difficulty asked for, and so on; nobody finds a block in a demo.
                let luck = state.build.difficulty / (1.0 - chance.part());
                pool.best = pool.best.max(luck.min(NETWORK_DIFFICULTY / 10.0));
            }
        }
        for errors in state.hardware_errors.iter_mut().take(state.build.boards) {
            *errors += u64::from(work > 0.0 && chance.happens(1.0 / 900.0));
        }
    }
}

impl Network {
    /// Whether a block came in this second.
    fn step(&mut self, unix: u64) -> bool {
        let is_found = self.chance.happens(1.0 / BLOCK_TIME);
        if is_found {
            self.height += 1;
            self.block_seen = unix;
        }
        is_found
    }
}

/// A miner that has just been switched on.
fn boot(plan: &'static Plan, unix: u64, filter_minutes: u64) -> State {
    let build = plan.build;
    #[expect(clippy::indexing_slicing, reason = "every build has a mode, which the tests read")]
    let mode = &build.modes[0];
    let (room_celsius, ..) = plan.room;
    State {
        build,
        serial: plan.serial,
        unix,
        elapsed: 0,
        worked: 0,
        phase: Phase::Init,
        phase_since: unix,
        mode,
        gigahashes: 0.0,
        recent: [0.0; 4],
        megahashes: 0.0,
        average: 0.0,
        watts: build.idle_watts,
        room_celsius,
        chip_celsius: room_celsius + 10.0,
        chips_seen: unix,
        duty: 30.0,
        hardware_errors: [0; 3],
        pool_failures: 0,
        filter_minutes,
        rssi: plan.rssi,
        blocks: 0,
        block_seen: unix,
        pools: std::array::from_fn(|_| Pool { is_alive: true, ..Pool::default() }),
    }
}

/// Moves a value towards another for one second, by a time constant in seconds.
fn approach(value: &mut f64, goal: f64, time: f64) {
    *value += (goal - *value) / time;
}

/// A sine of a whole turn, by two parabolas: within 6 % of the real one, and without the mathematics library.
fn wave(turns: f64) -> f64 {
    let phase = 2.0 * (turns - turns.floor()) - 1.0;
    -4.0 * phase * (1.0 - phase.abs())
}

/// The whole number below; none of these is negative or beyond 2^53.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of shares or messages")]
fn whole(value: f64) -> u64 {
    value as u64
}

/// A generator of numbers that look like chance: splitmix64 with the given seed, good enough for a demo and no more.
#[derive(Debug)]
struct Chance(u64);

impl Chance {
    /// A part of 1, 1 itself excluded.
    fn part(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(1 << 32);
        (mix(self.0) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn happens(&mut self, probability: f64) -> bool {
        self.part() < probability
    }

    /// Nearly normal with mean 0 and deviation 1: the sum of four.
    fn normal(&mut self) -> f64 {
        let sum: f64 = (0..4).map(|_| self.part()).sum();
        (sum - 2.0) * 3_f64.sqrt()
    }
}
