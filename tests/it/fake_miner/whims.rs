//! Miners for `.ci/soak`. Their counters go up, and those that misbehave do something that no miner should, one time in
//! five. A seed decides what.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::behaviour::Behaviour;

/// The replies that such miners are made of.
pub struct Captures {
    /// Of one miner each, `MODEL__FIRMWARE__STATE.reply`.
    models: Vec<Vec<u8>>,
    /// Of a miner that refuses, `error-WHAT.reply`.
    errors: Vec<Vec<u8>>,
}

impl Captures {
    /// Those in `tests/captures`, or in another folder whose files are named in the same way.
    pub fn read(folder: &str) -> Result<Self, String> {
        let fault = |error| format!("{folder}: {error}");
        let entries = fs::read_dir(folder).map_err(fault)?;
        let mut names: Vec<_> = entries
            .filter_map(|entry| Some(entry.ok()?.file_name().to_str()?.strip_suffix(".reply")?.to_owned()))
            .collect();
        names.sort();
        let those = |belongs: fn(&str) -> bool| {
            let paths =
                names.iter().filter(|name| belongs(name)).map(|name| Path::new(folder).join(format!("{name}.reply")));
            paths.map(fs::read).collect::<Result<Vec<_>, _>>().map_err(fault)
        };
        let captures =
            Self { models: those(|name| name.contains("__"))?, errors: those(|name| name.starts_with("error-"))? };
        if captures.models.is_empty() { Err(format!("{folder} has no captures")) } else { Ok(captures) }
    }
}

/// Proper answers between two misdeeds, on average.
const PROPER_OF_FIVE: usize = 4;

/// How long a miner that restarts or goes away is gone.
const AWAY_MILLISECONDS: (usize, usize) = (1_000, 10_000);

/// One miner.
pub struct Whims {
    captures: Arc<Captures>,
    random: Random,
    misbehaves: bool,
    model: Vec<u8>,
    /// When it was started, in the time that [`Self::next`] is given.
    started: Duration,
    pool: usize,
    /// How many chips of each board it names; all of them without a number.
    chips: Option<usize>,
}

impl Whims {
    /// The `number`-th miner of this seed. One that does not misbehave answers as its capture does, counters aside.
    pub fn new(captures: Arc<Captures>, seed: u64, number: u64, misbehaves: bool) -> Self {
        let mut random = Random(seed ^ number.wrapping_mul(0xd6e8_feb8_6659_fd93));
        let model = random.choose(&captures.models).clone();
        let mut whims = Self { captures, random, misbehaves, model, started: Duration::ZERO, pool: 0, chips: None };
        whims.change_pool_and_chips();
        whims
    }

    /// What it does with the next connection. `now` is the time since some beginning, the same in each call.
    pub fn next(&mut self, now: Duration) -> Behaviour {
        if self.misbehaves && self.random.below(5) >= PROPER_OF_FIVE {
            let misdeed = *self.random.choose(MISDEEDS);
            return misdeed(self, now);
        }
        Behaviour::Answer(self.reply(now))
    }

    /// The capture with counters of its own, and with pool and chips if it is one that misbehaves.
    fn reply(&self, now: Duration) -> Vec<u8> {
        let seconds = now.saturating_sub(self.started).as_secs().to_string();
        let counters = [&b"Elapsed="[..], b"Accepted=", b"Getworks=", b"Elapsed["];
        let counted = replace(&self.model, usize::MAX, |rest| {
            let key = counters.into_iter().find(|key| rest.starts_with(key))?;
            let digits = digits(&rest[key.len()..]);
            (digits > 0).then(|| (key.len() + digits, [key, seconds.as_bytes()].concat()))
        });
        if !self.misbehaves {
            return counted;
        }
        let pool = format!("URL=stratum+tcp://pool-{}.example:3333", self.pool).into_bytes();
        let pooled = replace(&counted, 1, |rest| {
            let length = rest.iter().position(|byte| *byte == b',')?;
            rest.starts_with(b"URL=stratum").then(|| (length, pool.clone()))
        });
        let Some(chips) = self.chips else { return pooled };
        replace(&pooled, usize::MAX, |rest| cut_chips(rest, chips))
    }

    fn change_pool_and_chips(&mut self) {
        self.pool = self.random.below(1_000_000);
        self.chips = *self.random.choose(&[None, None, Some(0), Some(1), Some(5), Some(40)]);
    }

    /// As much of the reply as the length that is drawn.
    fn start_of_reply(&mut self, now: Duration, draw: impl FnOnce(&mut Random, usize) -> usize) -> Vec<u8> {
        let mut reply = self.reply(now);
        reply.truncate(draw(&mut self.random, reply.len()));
        reply
    }

    fn leave(&mut self) -> Behaviour {
        let (least, most) = AWAY_MILLISECONDS;
        Behaviour::Leave(Duration::from_millis((least + self.random.below(most - least)) as u64))
    }
}

type Misdeed = fn(&mut Whims, Duration) -> Behaviour;

const MISDEEDS: &[Misdeed] = &[
    // A miner that does not speak, or not to the end.
    |_, _| Behaviour::Hold(Vec::new()),
    |whims, now| Behaviour::Reset(whims.start_of_reply(now, |random, _| *random.choose(&[0, 100, 5000]))),
    |whims, now| Behaviour::Answer(whims.start_of_reply(now, Random::below)),
    // One that speaks too much.
    |whims, now| {
        let mut reply = whims.reply(now);
        reply.retain(|byte| *byte != 0);
        let patterns = [vec![b'x'; 65_536], b"a=b,|".repeat(8192), reply];
        Behaviour::Flood(whims.random.choose(&patterns).clone())
    },
    // Or too slowly: byte by byte, the whole reply would take a quarter of an hour.
    |whims, now| Behaviour::Drip { reply: whims.reply(now), every: Duration::from_millis(100) },
    |whims, now| Behaviour::Dawdle { reply: whims.reply(now), every: Duration::from_millis(30) },
    // Rubbish.
    |whims, _| {
        let length = 1 + whims.random.below(20_000);
        Behaviour::Answer((0..length).map(|_| whims.random.byte()).collect())
    },
    |whims, now| {
        let mut reply = whims.reply(now);
        for _ in 0..20 {
            let at = whims.random.below(reply.len());
            reply[at] = whims.random.byte();
        }
        Behaviour::Answer(reply)
    },
    // An answer to another question.
    |whims, now| {
        let reply = whims.reply(now);
        let (mut parts, begins_part) = (reply.windows(5), |window: &[u8]| window == b"|CMD=");
        let first = parts.position(begins_part).unwrap_or(0);
        let last = parts.rposition(begins_part).map_or(first, |after| first + 1 + after);
        let mut answers = whims.captures.errors.clone();
        answers.push([&reply[..first], b"|\0"].concat());
        answers.push(reply[last..].to_vec());
        Behaviour::Answer(whims.random.choose(&answers).clone())
    },
    // No miner at all.
    |_, _| Behaviour::Answer(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".to_vec()),
    // Exaggerations.
    |whims, now| {
        let reply = whims.reply(now);
        let huge = replace(&reply, 50, |rest| {
            let digits = digits(rest.strip_prefix(b"=")?);
            let is_number = digits > 0 && rest.get(1 + digits) == Some(&b',');
            is_number.then(|| (1 + digits, [b"=".as_slice(), &[b'9'; 400]].concat()))
        });
        let deep = replace(&huge, usize::MAX, |rest| rest.starts_with(b"[").then(|| (1, vec![b'['; 300])));
        let replies = [reply.repeat(2), [b"\0", huge.as_slice()].concat(), deep, huge];
        Behaviour::Answer(whims.random.choose(&replies).clone())
    },
    // The power fails: it comes back with counters at zero, another pool and another number of chips.
    |whims, now| {
        whims.started = now;
        whims.change_pool_and_chips();
        whims.leave()
    },
    // It becomes another miner.
    |whims, now| {
        whims.change_pool_and_chips();
        whims.model = whims.random.choose(&whims.captures.models).clone();
        Behaviour::Answer(whims.reply(now))
    },
    |whims, _| whims.leave(),
];

/// The text with the first so many things replaced that `find` finds: how many bytes from here on, and by what.
fn replace(text: &[u8], most: usize, find: impl Fn(&[u8]) -> Option<(usize, Vec<u8>)>) -> Vec<u8> {
    let (mut out, mut at, mut count) = (Vec::with_capacity(text.len()), 0, 0);
    while at < text.len() {
        match find(&text[at..]) {
            Some((length, by)) if count < most => {
                out.extend(by);
                at += length;
                count += 1;
            }
            _ => {
                out.push(text[at]);
                at += 1;
            }
        }
    }
    out
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// For [`replace`]: an item with a value for each chip, with so many of them.
fn cut_chips(rest: &[u8], chips: usize) -> Option<(usize, Vec<u8>)> {
    let key = [&b"PVT_T"[..], b"PVT_V", b"MW"].into_iter().find(|key| rest.starts_with(key))?;
    let open = key.len() + digits(&rest[key.len()..]);
    let values = rest[open..].strip_prefix(b"[")?;
    let length = values.iter().position(|byte| *byte == b']')?;
    let values = values[..length].split(|byte| *byte == b' ').filter(|value| !value.is_empty());
    let values: Vec<_> = values.take(chips).collect();
    Some((open + 1 + length, [&rest[..=open], &values.join(&b' ')].concat()))
}

/// Numbers that look random and are the same for the same seed (`SplitMix64`).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below this one, which is not 0.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("it is below a usize")
    }

    fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }

    fn choose<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/captures");

    /// Short ones: thousands of them are made here.
    fn captures() -> Arc<Captures> {
        let models = ["Nano3s", "Q", "Mini3"].map(|model| {
            let stats = "STATS=0,Elapsed=5,MM=Elapsed[5] PVT_T0[ 66  65 64] MW12[1 2 3] MW[]";
            let pools = "POOL=0,URL=stratum+tcp://a:1,Accepted=7|POOL=1,URL=stratum+tcp://b:1,Getworks=x";
            format!("CMD=version|VERSION,MODEL={model}|CMD=stats|{stats}|CMD=pools|{pools}|\0").into_bytes()
        });
        Arc::new(Captures { models: models.to_vec(), errors: vec![b"STATUS=E|\0".to_vec()] })
    }

    fn text(reply: &[u8]) -> String {
        String::from_utf8_lossy(reply).into_owned()
    }

    fn reply(behaviour: Behaviour) -> String {
        let Behaviour::Answer(reply) = behaviour else { panic!("no answer: {behaviour:?}") };
        text(&reply)
    }

    #[test]
    fn captures_are_found_by_their_names() {
        let captures = Captures::read(FOLDER).unwrap();
        assert!(captures.models.len() >= 6 && captures.errors.len() >= 2);
        assert!(captures.models.iter().all(|reply| text(reply).contains("MODEL=") && reply.ends_with(b"\0")));
        assert!(captures.errors.iter().all(|reply| text(reply).contains("STATUS=E")));
        assert!(Captures::read("nowhere").is_err());
    }

    #[test]
    fn a_miner_that_lives_is_its_capture_with_counters_of_its_own() {
        for number in 0..20 {
            let mut whims = Whims::new(captures(), 7, number, false);
            let expected = text(&whims.model)
                .replace("Elapsed=5", "Elapsed=4321")
                .replace("Elapsed[5]", "Elapsed[4321]")
                .replace("Accepted=7", "Accepted=4321");
            assert_eq!(reply(whims.next(Duration::from_secs(4321))), expected);
        }
    }

    #[test]
    fn pool_and_chips_change() {
        let mut whims = Whims::new(captures(), 7, 0, true);
        (whims.pool, whims.chips) = (42, Some(2));
        let reply = text(&whims.reply(Duration::from_secs(9)));
        assert!(reply.contains("Elapsed[9] PVT_T0[66 65] MW12[1 2] MW[]|"), "{reply}");
        assert!(
            reply.contains("URL=stratum+tcp://pool-42.example:3333,Accepted=9|POOL=1,URL=stratum+tcp://b:1,"),
            "{reply}"
        );
    }

    #[test]
    fn a_miner_that_misbehaves_does_so_one_time_in_five_and_in_every_way() {
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for number in 0..10 {
            let mut whims = Whims::new(captures(), 7, number, true);
            for second in 0..500 {
                let now = Duration::from_secs(second);
                let kind = match whims.next(now) {
                    Behaviour::Answer(reply) if reply == whims.reply(now) => "proper",
                    Behaviour::Answer(_) => "Answer",
                    Behaviour::Hold(_) => "Hold",
                    Behaviour::Drip { .. } => "Drip",
                    Behaviour::Dawdle { .. } => "Dawdle",
                    Behaviour::Flood(_) => "Flood",
                    Behaviour::Reset(_) => "Reset",
                    Behaviour::Leave(_) => "Leave",
                    other => panic!("{other:?}"),
                };
                *kinds.entry(kind).or_default() += 1;
            }
        }
        // Of five, and of the fourteen misdeeds the one that is a change to another miner.
        let proper = kinds.remove("proper").unwrap();
        assert!((3950..4200).contains(&proper), "{proper}");
        let misdeeds = 1000;
        for (kind, of_fourteen) in
            [("Answer", 6), ("Dawdle", 1), ("Drip", 1), ("Flood", 1), ("Hold", 1), ("Leave", 2), ("Reset", 1)]
        {
            let expected = misdeeds * of_fourteen / 14;
            assert!((expected / 2..expected * 2).contains(&kinds.remove(kind).unwrap_or(0)), "{kind}");
        }
        assert!(kinds.is_empty(), "{kinds:?}");
    }

    #[test]
    fn a_seed_repeats_what_miners_do() {
        let life = |seed, number| -> Vec<String> {
            let mut whims = Whims::new(captures(), seed, number, true);
            (0..50).map(|second| format!("{:?}", whims.next(Duration::from_secs(second)))).collect()
        };
        assert_eq!(life(7, 3), life(7, 3));
        assert_ne!(life(7, 3), life(7, 4));
        assert_ne!(life(7, 3), life(8, 3));
    }
}
