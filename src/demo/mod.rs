//! Simulated miners and replayed captures, served over real sockets.

pub mod firmware;
pub mod plans;
pub mod replay;
pub mod server;
pub mod simulation;
