//! The miners of `demo`: four simulated ones whose values move as those of real ones do, so that anybody sees the whole
//! product without a miner.
//!
//! Here stands who they are and what happens to them. How they live through it is the business of
//! [`simulation`](crate::demo::simulation), and what they print that of [`firmware`](crate::demo::firmware). What happens (work modes,
//! standby, a miner that is switched off) shows within the first minutes.

use std::io;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::config::Target;
use crate::demo::firmware::{Build, Machine, Mode};
use crate::demo::server;
use crate::demo::simulation::{Event, NEVER, Plan, Simulation};

/// What `demo` says before anything else, loudly.
pub const BANNER: &str = "\
*************************************************************************
*  THIS IS A DEMO: the miners are simulated and every number is made up *
*  In the first minutes a miner goes down and comes back, a pool fails, *
*  one miner is sent into standby, and another changes its work mode.   *
*************************************************************************
";

/// Starts the miners on loopback and returns them as targets.
pub fn start() -> io::Result<Vec<Target>> {
    let began = Instant::now();
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let start = |(number, plan): (u8, &'static Plan)| {
        let mut simulation = Simulation::new(plan, unix);
        let answer = move |request: &str| simulation.answer(request, began.elapsed());
        server::start(plan.name, number, Box::new(answer))
    };
    (0..).zip(PLANS).map(start).collect()
}

const PLANS: &[Plan] = &[
    Plan {
        name: "garage",
        build: &NANO_3S,
        serial: 1,
        age: 273_000,
        room: (17.0, 5.0),
        rssi: Some(-61.0),
        filter: 33_862,
        off: NEVER,
        standby: NEVER,
        modes: &[
            (Event { first: 300, length: 600, period: 2400 }, 1),
            (Event { first: 900, length: 600, period: 2400 }, 2),
        ],
    },
    Plan {
        name: "heater",
        build: &MINI_3,
        serial: 2,
        age: 96_000,
        room: (21.0, 1.5),
        rssi: Some(-52.0),
        filter: 8_120,
        off: NEVER,
        standby: NEVER,
        modes: &[],
    },
    Plan {
        name: "office",
        build: &Q,
        serial: 3,
        age: 41_000,
        room: (23.0, 2.0),
        rssi: Some(-47.0),
        filter: 19_143,
        off: NEVER,
        standby: Event { first: 260, length: 300, period: 3600 },
        modes: &[],
    },
    Plan {
        name: "rack",
        build: &A15,
        serial: 4,
        age: 530_000,
        room: (26.0, 3.5),
        rssi: None,
        filter: 0,
        off: Event { first: 120, length: 60, period: 5400 },
        standby: NEVER,
        modes: &[],
    },
];

const NANO_3S: Build = Build {
    machine: Machine::Nano3S,
    version: "PROD=Avalon Nano3s,MODEL=Nano3s,HWTYPE=N_MM1v1_X1,SWTYPE=MM319,LVERSION=25021401_56abae7,\
              BVERSION=25021401_56abae7,CGVERSION=25021401_56abae7",
    ver: "Nano3s-25021401_56abae7",
    boards: 1,
    chips: 12,
    target_celsius: 90.0,
    duty: 36.0,
    rpm_max: 4780.0,
    difficulty: 8192.0,
    idle_watts: 12.0,
    modes: &[
        mode(2, 6400.0, 132.0, 450.0, 291.0, 3678.0, 133, "ATA2[133-90-3704-420-20]"),
        mode(1, 4900.0, 94.0, 345.0, 283.0, 3580.0, 95, "ATA1[95-90-3580-330-20]"),
        mode(0, 3350.0, 61.0, 236.0, 275.0, 3470.0, 65, "ATA0[65-90-3470-230-20]"),
    ],
};

const MINI_3: Build = Build {
    machine: Machine::Mini3,
    version: "PROD=Avalon Mini3,MODEL=Mini3,HWTYPE=M_MM1v1_X1,SWTYPE=MM319,LVERSION=25011701_3f53b19,\
              BVERSION=25011701_3f53b19,CGVERSION=25011701_3f53b19,MCUVERSION=Mini3_hb_v1.0",
    ver: "Mini3-25011701_3f53b19",
    boards: 1,
    chips: 66,
    target_celsius: 82.0,
    duty: 78.0,
    rpm_max: 3000.0,
    difficulty: 65_536.0,
    idle_watts: 16.0,
    modes: &[mode(1, 37_600.0, 824.0, 508.0, 312.0, 2085.0, 750, "ATA1[750-75-2109-492-20]")],
};

const Q: Build = Build {
    machine: Machine::Q,
    version: "PROD=Avalon Q,MODEL=Q,HWTYPE=Q_MM1v1_X1,SWTYPE=MM319,LVERSION=25052801_14a19a2,\
              BVERSION=25052801_14a19a2,CGVERSION=25052801_14a19a2,HBMCUVERSION=Q_hb_v1.1,FANMCUVERSION=Q_fb_v1.2",
    ver: "Q-25052801_14a19a2",
    boards: 1,
    chips: 160,
    target_celsius: 65.0,
    duty: 52.0,
    rpm_max: 5200.0,
    difficulty: 131_072.0,
    idle_watts: 17.0,
    modes: &[mode(1, 78_000.0, 1391.0, 396.0, 288.0, 2412.0, 1300, "ATA1[1300-65-2412-378-20]")],
};

const A15: Build = Build {
    machine: Machine::A15,
    version: "PROD=AvalonMiner 15-194,MODEL=15-194,HWTYPE=MM4v2_X3,SWTYPE=MM319,STM8=20.08.01,\
              VERSION=24102401_25462b2_9ddf522,LOADER=d0d779de.00",
    ver: "15-194-24102401_25462b2_9ddf522",
    boards: 3,
    chips: 160,
    target_celsius: 69.0,
    duty: 49.0,
    rpm_max: 8730.0,
    difficulty: 262_144.0,
    idle_watts: 60.0,
    modes: &[mode(1, 198_500.0, 3731.0, 346.0, 286.0, 1188.0, 3515, "")],
};

#[expect(clippy::too_many_arguments, reason = "a row of a table")]
const fn mode(
    number: u8,
    gigahashes: f64,
    watts: f64,
    megahertz: f64,
    millivolts: f64,
    set: f64,
    limit: u32,
    settings: &'static str,
) -> Mode {
    Mode { number, gigahashes, watts, megahertz, millivolts, set, limit, settings }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::*;
    use crate::cgminer::reply::{Reply, Request};
    use crate::exposition::Kind;
    use crate::metrics::catalogue::{BOARD, MINER, POOL};
    use crate::metrics::{KEYS, Row};
    use crate::miner::{Collected, MinerState, Reading, collect};

    const BEGAN: u64 = 1_775_395_661;
    /// Long enough for each event to come twice.
    const SPAN: u64 = 3 * 3600;

    /// Polls a miner every ten seconds; what the poll yields, or none while the miner is off.
    fn watch(plan: &'static Plan, request: Request, mut poll: impl FnMut(u64, Option<Collected>)) {
        let mut simulation = Simulation::new(plan, BEGAN);
        for now in (0..SPAN).step_by(10) {
            let reply = simulation.answer(&request.text(), Duration::from_secs(now));
            poll(
                now,
                reply.map(|mut bytes| {
                    assert_eq!(bytes.pop(), Some(0));
                    let reply = Reply::parse(&KEYS, &bytes, request, true).unwrap();
                    assert_eq!(reply.pools().count(), 3);
                    assert_eq!(reply.coin().is_some(), request == Request::Extended);
                    collect(&reply)
                }),
            );
        }
    }

    fn plan(name: &str) -> &'static Plan {
        PLANS.iter().find(|plan| plan.name == name).unwrap()
    }

    #[test]
    fn every_miner_is_recognised_and_has_all_its_parts() {
        let fans = [1, 1, 4, 2];
        for (plan, fans) in PLANS.iter().zip(fans) {
            watch(plan, Request::Extended, |now, poll| {
                let Some(Collected { identity, reading }) = poll else { return };
                let said = |text: &Option<String>| text.clone().unwrap();
                assert!(plan.build.version.contains(&format!("MODEL={},", said(&identity.model))));
                assert!(plan.build.ver.ends_with(&said(&identity.firmware)));
                assert_eq!((said(&identity.mac).len(), said(&identity.dna).len()), (12, 16));
                assert_eq!(reading.chips.len(), plan.build.boards * plan.build.chips, "{now}");
                assert!(reading.chips.iter().all(|chip| chip.into_array()[..3].iter().all(Option::is_some)));
                assert_eq!((reading.fans.len(), reading.boards.len()), (fans, plan.build.boards));
                assert_eq!((reading.pools.len(), reading.dropped), (3, 0));
                let stated = [reading.miner.total_asics, reading.miner.hash_boards];
                assert_eq!(stated, [Some(reading.chips.len() as f64), Some(plan.build.boards as f64)]);
            });
        }
    }

    /// While a miner works its power and efficiency are those of its model, and the three ways to tell its hash rate
    /// agree.
    #[test]
    fn values_are_sane() {
        let efficiencies = [(16.8, 22.2), (20.2, 23.7), (16.4, 19.3), (17.3, 20.3)];
        for (plan, (least, most)) in PLANS.iter().zip(efficiencies) {
            let mut worked = 0;
            let mut last: Option<(f64, f64)> = None;
            watch(plan, Request::Extended, |now, poll| {
                let Some(Collected { reading, .. }) = poll else { return last = None };
                let values = &reading.miner;
                let watts = values.power_watts.unwrap();
                assert!((10.0..4000.0).contains(&watts), "{} {now}: {watts} W", plan.name);
                let rate = values.hashrate_hashes_per_second.unwrap();
                if let Some(efficiency) = values.efficiency_joules_per_terahash {
                    worked += 1;
                    assert!((least..most).contains(&efficiency), "{} {now}: {efficiency} J/TH", plan.name);
                    let celsius = values.temp_avg_celsius.unwrap();
                    assert!((18.0..100.0).contains(&celsius), "{} {now}: {celsius} degrees", plan.name);
                    let spread = values.chip_temp_max_celsius.unwrap() - values.chip_temp_min_celsius.unwrap();
                    assert!((4.0..16.0).contains(&spread), "{} {now}: {spread} degrees", plan.name);
                } else {
                    assert_eq!(rate, 0.0);
                }
                let hashes = values.hashes_total.unwrap();
                if let Some((before, rate_before)) = last {
                    let mean = (hashes - before) / 10.0;
                    let (low, high) = (rate.min(rate_before), rate.max(rate_before));
                    assert!(mean >= low * 0.9 && mean <= high * 1.1, "{} {now}: {mean} of {low} to {high}", plan.name);
                }
                last = Some((hashes, rate));
                assert!(values.network_difficulty.is_some_and(|value| (1.3e14..1.5e14).contains(&value)));
                let rssi = values.wifi_rssi_dbm;
                assert_eq!(rssi.is_some(), plan.rssi.is_some());
                assert!(rssi.is_none_or(|dbm| (-90.0..-30.0).contains(&dbm)));
                assert_eq!(values.filter_runtime_seconds.is_some(), plan.filter > 0);
            });
            assert!(worked > SPAN / 10 * 7 / 10);
        }
    }

    /// The counters of a reading, in an order that stays.
    fn counters(reading: &Reading) -> Vec<f64> {
        fn of<S>(rows: &[Row<S>], values: &[Option<f64>]) -> Vec<f64> {
            let counters = rows.iter().zip(values).filter(|(row, _)| row.kind == Kind::Counter);
            counters.map(|(_, value)| value.unwrap_or(0.0)).collect()
        }
        let mut all = of(&MINER, &reading.miner.into_array());
        reading.pools.iter().for_each(|pool| all.extend(of(&POOL, &pool.values.into_array())));
        reading.boards.iter().for_each(|board| all.extend(of(&BOARD, &board.into_array())));
        all.extend([reading.miner.best_share, reading.miner.uptime_seconds].map(Option::unwrap));
        all.extend(reading.chips.iter().map(|chip| chip.matching_work.unwrap()));
        all
    }

    #[test]
    fn counters_fall_at_a_restart_alone_and_move() {
        for plan in PLANS {
            let mut before: Option<Vec<f64>> = None;
            let mut first = None;
            watch(plan, Request::Standard, |now, poll| {
                let Some(Collected { reading, .. }) = poll else { return before = None };
                let counters = counters(&reading);
                assert!(counters.len() > 50);
                if let Some(before) = &before {
                    let fallen = counters.iter().zip(before).position(|(now, before)| now < before);
                    assert_eq!(fallen, None, "{} {now}", plan.name);
                }
                first.get_or_insert_with(|| counters.clone());
                before = Some(counters);
            });
            let (first, last) = (first.unwrap(), before.unwrap());
            let moved = first.iter().zip(&last).filter(|(first, last)| first != last).count();
            assert!(moved > 20, "{}: {moved}", plan.name);
        }
    }

    /// What each miner goes through, with the time of the first occurrence.
    #[test]
    fn everything_promised_happens() {
        let mut rack = Vec::new();
        watch(plan("rack"), Request::Standard, |now, poll| {
            let uptime = poll.map(|poll| poll.reading.miner.uptime_seconds.unwrap());
            rack.push((now, uptime));
        });
        let down = rack.iter().position(|(_, uptime)| uptime.is_none()).unwrap();
        let back = down + rack[down..].iter().position(|(_, uptime)| uptime.is_some()).unwrap();
        assert!(rack[down].0 <= 150 && rack[back].0 <= 200, "within the first minutes");
        assert!(rack[back].1.unwrap() < 20.0, "it was switched off");
        assert!(rack[back + 1..].iter().any(|(_, uptime)| uptime.is_none()), "and again");

        let mut active = Vec::new();
        let mut modes = BTreeSet::new();
        let mut heights = BTreeSet::new();
        let mut efficiency = BTreeSet::new();
        watch(plan("garage"), Request::Standard, |now, poll| {
            let reading = poll.unwrap().reading;
            let index = reading.pools.iter().position(|pool| pool.state.active == Some(1.0)).unwrap();
            assert_eq!(reading.pools[0].state.alive, Some(if index == 0 { 1.0 } else { 0.0 }), "{now}");
            if active.last() != Some(&index) {
                active.push(index);
            }
            modes.insert(format!("{:?}", reading.miner.work_mode));
            heights.insert(format!("{:?}", reading.pools[0].values.current_block_height));
            let joules = reading.miner.efficiency_joules_per_terahash.unwrap();
            efficiency.insert(format!("{joules:.0}"));
        });
        assert!(active.len() > 6 && active.chunks(2).all(|pair| pair.starts_with(&[0])), "{active:?}");
        assert_eq!(modes.len(), 3);
        assert!((8..40).contains(&heights.len()), "{} blocks", heights.len());
        assert!(efficiency.len() >= 3, "modes differ: {efficiency:?}");

        let mut idle = Vec::new();
        watch(plan("office"), Request::Standard, |now, poll| {
            let reading = poll.unwrap().reading;
            if reading.miner.soft_off_reason == Some(4.0) {
                assert_eq!((reading.state, reading.miner.temp_max_celsius), (Some(MinerState::Idle), Some(0.0)));
                assert!(reading.miner.power_watts.unwrap() < 150.0 && reading.miner.chip_core_avg_volts.is_none());
                assert!(reading.miner.chip_temp_max_celsius.unwrap() > 60.0, "of the last run");
                idle.push(now);
            }
        });
        assert!(idle[0] < 300 && idle.len() > 60, "{idle:?}");
    }

    /// Parts and their status as the firmware has them, and every key in its place.
    #[test]
    fn replies_have_the_form_of_the_firmware() {
        let mut q = Simulation::new(plan("office"), BEGAN);
        let mut ask = |request: &str| String::from_utf8(q.answer(request, Duration::from_secs(339)).unwrap()).unwrap();
        assert!(
            ask("pools+version").starts_with("CMD=pools|STATUS=S,When=1775396000,Code=7,Msg=3 Pool(s),Description")
        );
        assert!(ask("version").starts_with("STATUS=S,When=1775396000,Code=22,Msg=CGMiner versions,"));
        let invalid = include_str!("../../tests/captures/error-invalid-command.reply");
        assert_eq!(ask("reboot"), invalid);
        let mixed = ask("version+nosuch+pools");
        assert!(mixed.contains("|CMD=nosuch|STATUS=E,When=1775396000,Code=14,Msg=Invalid command|CMD=pools|STATUS=S,"));
        let captures = [
            ("garage", include_str!("../../tests/captures/nano3s__25021401_56abae7__high__extended.reply")),
            ("heater", include_str!("../../tests/captures/mini3__25011701_3f53b19__mining.reply")),
            ("office", include_str!("../../tests/captures/q__25052801_14a19a2__standby.reply")),
            ("rack", include_str!("../../tests/captures/a15-194__24102401_25462b2__mining.reply")),
        ];
        for (name, capture) in captures {
            let request = if name == "garage" { Request::Extended } else { Request::Standard };
            let reply = Simulation::new(plan(name), BEGAN).answer(&request.text(), Duration::from_secs(1)).unwrap();
            let reply = String::from_utf8(reply).unwrap().replace("\\=", "");
            // The captured Q has one pool, the captured A15 a `devs` that puts its rates elsewhere.
            let end = if name == "office" || name == "rack" { "STATS=1," } else { "no end" };
            assert_eq!(keys(&reply, end), keys(capture, end), "{name}");
        }
    }

    /// The keys of a reply up to an end, without the numbers that some end in, and not those of values.
    fn keys<'a>(reply: &'a str, end: &str) -> Vec<&'a str> {
        let text = reply.split(end).next().unwrap();
        let mut rest = text;
        let mut keys = Vec::new();
        while let Some(at) = rest.find(['=', '[']) {
            let (key, after) = rest.split_at(at);
            keys.push(key.rsplit([',', '|', ']', '{']).next().unwrap().trim_end_matches(|c: char| c.is_ascii_digit()));
            rest = &after[1..];
        }
        keys
    }

    #[test]
    fn the_same_whenever_asked() {
        let request = Request::Extended.text();
        for plan in PLANS {
            let (mut often, mut once) = (Simulation::new(plan, BEGAN), Simulation::new(plan, BEGAN));
            for second in 0..5000 {
                often.answer("version", Duration::from_secs(second));
            }
            let at = Duration::from_secs(5000);
            assert_eq!(often.answer(&request, at), once.answer(&request, at));
        }
    }
}
