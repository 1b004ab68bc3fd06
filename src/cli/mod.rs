//! The command line: its grammar, a file for each subcommand, and what they print to.

mod arguments;
mod capture;
mod check_config;
mod demo;
mod discover;
mod error;
mod harmless;
mod healthcheck;
mod help;
mod masking;
mod once;
mod replay;
mod serve;
mod suggestion;
mod terminal;

pub use arguments::{Command, SUBCOMMANDS, Subcommand};
pub use error::{EXIT_CODES, Error};
pub use help::{help, print_help};
pub use terminal::{print, print_error};

pub use capture::capture;
pub use check_config::check_config;
pub use demo::demo;
pub use discover::discover;
pub use healthcheck::healthcheck;
pub use once::once;
pub use replay::replay;
pub use serve::serve;
