//! The targets of `untrusted` under random damage: bytes changed, cut, repeated, parts of other seeds and of the grammar
//! put in. The same cases at every run: a case is its number.
//!
//! `MUTATION_CASES=1000000` asks for as many replies and for a share of that of the dearer targets; `.ci/run` does so.
//! `MUTATION_CASE=number` runs one case alone.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::{env, fs};

use avalonhome_prometheus_exporter::cgminer::reply::{Reply, Request};
use avalonhome_prometheus_exporter::metrics::KEYS;
use avalonhome_prometheus_exporter::miner::collect;

use crate::untrusted::{ANSWER, HEAD, NETWORK_NAME, PAGE, REPLY, SETTINGS, Target, captures, page_with};

/// Replies at each run, unless told otherwise.
const CASES: u64 = 5_000;

/// Numbers that look random and are the same each time: the generator `SplitMix64`.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap()
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// A range of some bytes, up to a twentieth of them at most times.
    fn piece(&mut self, bytes: &[u8]) -> std::ops::Range<usize> {
        let start = self.below(bytes.len() + 1);
        let longest = if self.below(8) == 0 { bytes.len() } else { bytes.len() / 20 + 8 };
        start..(start + self.below(longest)).min(bytes.len())
    }
}

/// The bytes of a case.
pub fn case(target: &Target, number: u64) -> Vec<u8> {
    let mut random = Random(number);
    if random.below(50) == 0 {
        let length = random.below(2_000);
        return (0..length).map(|_| random.byte()).collect();
    }
    let mut bytes = random.of((target.seeds)()).to_vec();
    for _ in 0..=random.below(5) {
        let at = random.below(bytes.len() + 1);
        let piece = random.piece(&bytes);
        match random.below(6) {
            0 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = random.byte()),
            1 => drop(bytes.drain(piece)),
            2 => drop(bytes.splice(at..at, bytes[piece].to_vec())),
            3 | 4 => drop(bytes.splice(at..at, random.of(target.tokens).bytes())),
            _ => {
                let donor = random.of((target.seeds)());
                drop(bytes.splice(at..at, donor[random.piece(donor)].iter().copied()));
            }
        }
    }
    bytes
}

fn number_in(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable} is no number")))
}

/// Runs a target's share of the cases. The bytes of one that fails are written where the fuzzer can take them from.
fn batter(target: &Target, share: u64) {
    let one = number_in("MUTATION_CASE").map(|number| number..number + 1);
    for number in one.unwrap_or(0..number_in("MUTATION_CASES").unwrap_or(CASES) / share) {
        let bytes = case(target, number);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (target.check)(&bytes))) {
            let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{number}", target.name));
            fs::write(&path, &bytes).unwrap();
            eprintln!("case {number} of {}: {}", target.name, path.display());
            resume_unwind(panic);
        }
    }
}

#[test]
fn a_reply_is_read_or_refused() {
    batter(&REPLY, 1);
}

#[test]
fn the_pages_stay_readable_and_the_neighbour_as_it_was() {
    batter(&PAGE, 100);
}

#[test]
fn the_name_of_a_network_changes_nothing() {
    batter(&NETWORK_NAME, 10);
}

#[test]
fn settings_are_taken_or_their_faults_told() {
    batter(&SETTINGS, 2);
}

#[test]
fn a_head_is_canonical_or_refused() {
    batter(&HEAD, 2);
}

#[test]
fn an_answer_makes_nothing_up() {
    batter(&ANSWER, 1);
}

#[test]
fn every_seed_holds() {
    for target in [REPLY, PAGE, NETWORK_NAME, SETTINGS, HEAD, ANSWER] {
        for seed in (target.seeds)() {
            (target.check)(seed);
        }
    }
}

/// Wherever a reply is cut, by the end of the connection or by a NUL, what is read of it is what the whole one says.
/// Three captures, since each is read some twenty thousand times.
#[test]
fn no_cut_makes_another_number() {
    let read = |bytes: &[u8], is_whole| {
        Reply::parse(&KEYS, bytes, Request::Extended, is_whole).map(|reply| collect(&reply).reading)
    };
    let replies = captures().iter().map(|reply| &reply[..reply.len() - 1]);
    for (bytes, whole) in replies.filter_map(|bytes| read(bytes, true).ok().map(|whole| (bytes, whole))).take(3) {
        for (end, is_whole) in (0..bytes.len()).flat_map(|end| [(end, true), (end, false)]) {
            let Ok(cut) = read(&bytes[..end], is_whole) else { continue };
            let same = |cut: &[Option<f64>], whole: &[Option<f64>]| {
                cut.iter().zip(whole).all(|(cut, whole)| cut.is_none() || cut == whole)
            };
            assert!(same(&cut.miner.into_array(), &whole.miner.into_array()), "cut at {end}");
            assert_eq!(
                (&cut.boards, &cut.fans, &cut.chips),
                (&whole.boards, &whole.fans, &whole.chips),
                "cut at {end}"
            );
            for pool in &cut.pools {
                let of = whole.pools.iter().find(|of| of.index == pool.index).unwrap();
                assert!(same(&pool.values.into_array(), &of.values.into_array()), "cut at {end}");
                assert!(same(&pool.state.into_array(), &of.state.into_array()), "cut at {end}");
            }
            let has_all_pools = cut.pools == whole.pools;
            assert!(has_all_pools || is_whole, "without its NUL a reply cut at {end} lacks pools");
        }
    }
}

/// The same bytes for the parser that Prometheus brings, where it is installed; `.ci/run` installs it.
#[test]
fn promtool_reads_damaged_pages() {
    use std::io::Write;
    use std::process::{Command, Stdio};

    if Command::new("promtool").arg("--version").output().is_err() {
        return;
    }
    for number in 0..12 {
        let page = page_with(&case(&PAGE, number));
        let mut promtool = Command::new("promtool");
        let promtool =
            promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = promtool.spawn().unwrap();
        child.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        // 3: it can read the page and objects to names, which `.ci/prometheus` judges.
        assert!(matches!(output.status.code(), Some(0 | 3)), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
