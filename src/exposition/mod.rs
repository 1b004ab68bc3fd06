//! The Prometheus text format. Knows no miners.

pub mod buffer;
pub mod writer;

pub use writer::{CONTENT_TYPE, Kind, LABEL_CHARS_MAX};
