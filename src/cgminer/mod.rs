//! The wire, as Avalon firmware speaks it: one request, one reply, under one deadline. Knows nothing else of this crate.

pub mod client;
pub mod delimiters;
pub mod error;
pub mod fields;
pub mod lexer;
pub mod mdns;
pub mod number;
pub mod reply;
