//! What is known of the miners: readings, their record, and the threads that poll.

pub mod collect;
pub mod discover;
pub mod energy;
pub mod history;
pub mod poller;
pub mod store;
