//! The subcommands and their arguments.

pub mod arguments;
pub mod capture;
