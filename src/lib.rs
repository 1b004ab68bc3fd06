//! Prometheus exporter for Canaan Avalon home miners: it polls them over the `CGMiner` API and serves what they report.
//!
//! # The house
//!
//! A folder for each layer, each with a front door (`mod.rs`); leaves that several folders need are at the top.
//!
//! | folder | what is in it | uses |
//! | --- | --- | --- |
//! | [`cli`] | the subcommands | `site`, `demo` and what those use |
//! | [`site`] | what is served: path to response | `http`, `miner` and what that uses |
//! | [`demo`] | simulated miners and replayed captures | `config`, `cgminer` |
//! | [`miner`] | readings, the record of each miner, the poller | `config`, `metrics` and what those use |
//! | [`config`] | the settings as types | `cgminer`, `exposition` |
//! | [`metrics`] | the catalogue of metric families | `cgminer`, `exposition` |
//! | [`http`] | connections, requests, responses | no folder |
//! | [`cgminer`] | the wire, as Avalon firmware speaks it | no folder |
//! | [`exposition`] | the Prometheus text format | no folder |
//!
//! Data flows one way. A setting comes from the environment and never changes; a reply becomes a reading, a reading
//! replaces the previous one, and a page is a snapshot of readings, whose text is written as it is sent.
//!
//! ```text
//! config -> miner::poller, a thread a poll                    http <- Prometheus, a browser
//!             cgminer   the reply's bytes, parts, fields        site  path -> response
//!             collect   Reading -> store -> metrics_page -> exposition
//!                          ^                  ^
//!                          +---- metrics -----+
//! ```
//!
//! # Invariants
//!
//! A test (`tests/it/tidy.rs`) checks those marked with a star.
//!
//! 1. \* A folder uses only the folders in its row above, and the leaves; there is no circle.
//! 2. \* A metric's name is in [`metrics::catalogue`] and nowhere else; it is never put together from parts.
//! 3. \* [`cgminer`] knows no Prometheus; [`exposition`] and [`http`] know no miners. (Follows from 1.)
//! 4. \* Only [`cgminer`] talks to a miner, UDP included; only `miner::store` takes the lock on the miners, and it gives
//!    out copies, never a guard; only [`config`] reads the environment; only `main` ends the process.
//! 5. From bytes to [`miner::Reading`] everything is a pure function: no clock, no global, no I/O.
//! 6. What can be derived is not stored: a miner is up exactly when its last poll left a reading.
//! 7. Every exchange has one deadline, every buffer a size limit, every setting a range, every list of clients a length.
//! 8. Absent is `None` and makes no sample. No sentinel, no default, no made-up zero.
//! 9. \* The exporter can only read: what it may send to a miner is [`cgminer::reply::Request`], which takes no text.
//! 10. What one client asks for (a time-out, a spelling, a speed) changes nothing for another client and nothing in the
//!     shared record.
//!
//! # Decisions that no single file shows
//!
//! - *Synchronous on purpose.* A home has a few miners and one Prometheus. A thread a poll and a thread a connection,
//!   each with a deadline, can be read from top to bottom, and the kernel does what an async runtime would.
//! - *`tiny_http` behind a gate.* It cannot be left alone with strangers: one packet aborts the process (see
//!   `http/gate.rs` and `http/inner.rs`). All that is untrusted ends in [`http::request`].
//! - *A lock a miner, copies of `Arc`s out of it.* A scrape and a poll never wait for each other longer than it takes to
//!   copy a few pointers and counters.

pub mod cgminer;
pub mod cli;
pub mod config;
pub mod demo;
pub mod exposition;
pub mod http;
pub mod logging;
pub mod metrics;
pub mod miner;
pub mod process;
pub mod site;
pub mod timestamp;
