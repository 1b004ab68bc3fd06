//! What is known of the miners: readings, their record, and the threads that poll.

mod collect;
pub mod discover;
mod energy;
mod history;
mod poller;
mod reading;
mod store;

pub use collect::{collect, identify};
pub use history::Moment;
pub use poller::{Permits, Poller};
pub use reading::{Collected, Identity, MinerState, PoolReading, Reading};
pub use store::{Change, Cycle, Failure, Miner, Store};
