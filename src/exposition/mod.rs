//! The Prometheus text format. Knows no miners.

pub mod buffer;
pub mod writer;
