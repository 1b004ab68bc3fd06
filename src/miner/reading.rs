//! What one reply says of a miner, as values with names. What it does not say is `None`.

use std::borrow::Cow;
use std::sync::Arc;

pub use crate::metrics::catalogue::Identity;
use crate::metrics::catalogue::{
    BoardAir, BoardValues, ChipValues, MinerValues, PoolLabels, PoolStateValues, PoolValues,
};

/// What one poll yielded: who the miner says it is, and its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Collected {
    /// Kept while the miner is down.
    pub identity: Arc<Identity>,
    /// Replaced by the next poll.
    pub reading: Arc<Reading>,
}

/// The values of one reply.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// Values of the whole miner.
    pub miner: MinerValues,
    /// The state that it is in.
    pub state: Option<MinerState>,
    /// Values by hash board.
    pub boards: Vec<BoardValues>,
    /// Speed by fan in revolutions a minute, Fan1 first.
    pub fans: Vec<Option<f64>>,
    /// Temperatures on the hash board in °C.
    pub air: BoardAir,
    /// Values by chip, boards in order.
    pub chips: Vec<ChipValues>,
    /// The pools.
    pub pools: Vec<PoolReading>,
    /// What the limits cut off: chips, boards, pools, records, ends of label values.
    pub dropped: u64,
}

impl Reading {
    /// The hash rate now.
    pub fn terahashes(&self) -> Option<f64> {
        self.miner.hashrate_ghs.map(|gigahashes| gigahashes / 1000.0)
    }

    /// The temperature of the hottest chip in °C; none of chips that do not work.
    pub fn hottest_chip(&self) -> Option<f64> {
        self.miner.temp_max_celsius.filter(|celsius| *celsius > 0.0)
    }
}

/// The state that a miner says it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MinerState {
    /// Starting.
    Init,
    /// Hashing.
    Work,
    /// Switched off by software, or waiting.
    Idle,
    /// Something is wrong with it.
    Fault,
}

impl MinerState {
    /// All of them, in the order of the numbers that the item `STATE` gives them.
    pub const ALL: [Self; 4] = [Self::Init, Self::Work, Self::Idle, Self::Fault];

    /// The value of the label `state`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Work => "work",
            Self::Idle => "idle",
            Self::Fault => "fault",
        }
    }

    /// The state of a `STATE` item: `1`.
    pub(super) fn from_number(text: &str) -> Option<Self> {
        Self::ALL.get(text.parse::<usize>().ok()?).copied()
    }

    /// The state of the words in `SYSTEMSTATU[Work: In Work, Hash Board: 1 ]`: `In Work`.
    pub(super) fn from_words(words: &str) -> Option<Self> {
        let word = words.trim().strip_prefix("In ")?;
        Self::ALL.into_iter().find(|state| word.eq_ignore_ascii_case(state.name()))
    }
}

/// What one reply says of a pool.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PoolReading {
    /// Its number.
    pub index: u32,
    /// Its address.
    pub url: Option<String>,
    /// Its place in the order of fail-over.
    pub priority: Option<String>,
    /// `Alive` or another word.
    pub status: Option<String>,
    /// Values under all labels.
    pub values: PoolValues,
    /// Values under the index alone.
    pub state: PoolStateValues,
}

impl PoolReading {
    /// Its labels on the page.
    pub fn labels(&self) -> PoolLabels<Cow<'_, str>> {
        PoolLabels {
            pool_index: Cow::Owned(self.index.to_string()),
            url: stated(self.url.as_deref()),
            priority: stated(self.priority.as_deref()),
            status: stated(self.status.as_deref()),
            id: Cow::Owned(format!("POOL{}", self.index)),
        }
    }

    /// Whether it is alive and the one that the miner works for.
    pub fn is_up(&self) -> bool {
        self.values.up == Some(1.0)
    }

    /// Whether the miner works for it, alive or not.
    pub fn is_active(&self) -> bool {
        self.state.active == Some(1.0)
    }
}

/// A label's value; an absent one is empty.
fn stated(text: Option<&str>) -> Cow<'_, str> {
    Cow::Borrowed(text.unwrap_or_default())
}
