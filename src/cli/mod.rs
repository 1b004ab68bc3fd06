//! The command line: its grammar, a file for each subcommand, and how they talk to a terminal.

pub mod arguments;
pub mod capture;
pub mod check_config;
pub mod demo;
pub mod discover;
pub mod error;
pub mod healthcheck;
pub mod help;
pub mod masking;
pub mod once;
pub mod replay;
pub mod serve;
pub mod suggestion;
pub mod terminal;
