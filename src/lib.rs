//! Prometheus exporter for Canaan Avalon home miners: it polls them over the `CGMiner` API and serves what they say.
//!
//! # The way of the data
//!
//! It goes one way. A setting comes from the environment and is never changed; a reply becomes a reading, a reading
//! replaces the last one, and a page is a snapshot of them, whose text is written as it is sent.
//!
//! ```text
//! config -> poll, a thread a miner                          gate <- Prometheus, a browser
//!            client   the reply's bytes                      server  (tiny_http, behind the gate)
//!            cgminer  parts, records; scan: fields, items      http  path -> response
//!            collect  Reading -> store (a lock a miner) -> render -> exposition
//!                        ^                                    ^
//!                        +------------ metrics ---------------+
//! ```
//!
//! # Invariants
//!
//! A test (`tests/it/tidy.rs`) checks those marked with a star.
//!
//! 1. \* Modules are declared outermost first and use only modules declared below them.
//! 2. \* A metric's name stands in [`metrics`] and nowhere else; it is never put together from parts.
//! 3. \* [`cgminer`] knows no Prometheus, [`exposition`] knows no miners; only the catalogue joins the two vocabularies.
//! 4. \* Only [`client`] opens a socket to a miner; only [`store`] takes the lock round the miners, and it gives out
//!    copies, never a guard; only [`config`] reads the environment; only `main` ends the process.
//! 5. From bytes to [`collect::Reading`] everything is a pure function: no clock, no global, no I/O.
//! 6. What can be derived is not stored: a miner is up exactly when its last poll left a reading.
//! 7. Every exchange has one deadline, every buffer a size limit, every setting a range, every list of clients a length.
//! 8. Absent is `None` and makes no sample. No sentinel, no default, no made-up zero. Only the columns of a page that is made,
//!    all finite numbers else, have NaN for it.
//! 9. \* The exporter can only read: what it may send to a miner is [`cgminer::Request`], which takes no text.
//!
//! # Decisions that are not seen in one file
//!
//! - *Synchronous on purpose.* A home has a few miners and one Prometheus. A thread a poll and a thread a connection,
//!   each with a deadline, can be read from top to bottom, and the kernel does what an async runtime would.
//! - *`tiny_http` behind a gate.* It cannot be left alone with strangers: one packet aborts the process (see [`gate`] and
//!   [`server`]). All that is untrusted ends in [`head`].
//! - *A lock a miner, copies of `Arc`s out of it.* A scrape and a poll never wait for each other longer than it takes to
//!   copy a few pointers and counters.
//!
//! # The modules, in the order to read them
//!
//! Bottom up: [`texts`], [`number`], [`values`], [`marks`], [`scan`], [`cgminer`], [`buffer`], [`exposition`],
//! [`metrics`], [`keys`], [`power`], [`collect`], [`energy`], [`history`], [`store`], [`render`], [`discovery`];
//! [`target`], [`network`], [`zone`], [`tariff`], [`config`], [`mdns`], [`client`], [`poll`], [`probe`], [`process`];
//! [`html`], [`glance`], [`chart`], [`status_page`], [`miner_page`]; [`head`], [`private_socket`], [`server`], [`limits`],
//! [`seats`], [`gate`], [`http`], [`cli`], [`logging`]; and what stands for a miner or looks at one: [`simulated`],
//! [`firmware`], [`simulation`], [`demo`], [`replay`], [`capture`], [`discover`].

pub mod cli;
pub mod capture;
pub mod discover;
pub mod demo;
pub mod simulation;
pub mod firmware;
pub mod replay;
pub mod simulated;
pub mod http;
pub mod miner_page;
pub mod status_page;
pub mod chart;
pub mod glance;
pub mod html;
pub mod gate;
pub mod seats;
pub mod limits;
pub mod server;
pub mod head;
pub mod private_socket;
pub mod probe;
pub mod poll;
pub mod discovery;
pub mod render;
pub mod process;
pub mod store;
pub mod history;
pub mod energy;
pub mod collect;
pub mod client;
pub mod mdns;
pub mod config;
pub mod network;
pub mod tariff;
pub mod zone;
pub mod target;
pub mod keys;
pub mod metrics;
pub mod power;
pub mod error;
pub mod cgminer;
pub mod scan;
pub mod marks;
pub mod values;
pub mod number;
pub mod texts;
pub mod exposition;
pub mod buffer;
pub mod logging;
