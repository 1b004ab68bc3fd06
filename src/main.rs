//! The program: what was asked for, with which settings, and how it ended.
//!
//! Errors become exit codes here and nowhere else.

use std::env;
use std::process::ExitCode;

use avalonhome_prometheus_exporter::cli::{self, Command, Error};
use avalonhome_prometheus_exporter::config::Config;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            cli::print_error(error.text());
            ExitCode::from(error.code())
        }
    }
}

fn run() -> Result<(), Error> {
    match Command::parse(env::args_os().skip(1))? {
        Command::Serve => cli::serve(Config::from_env()?),
        Command::Demo => cli::demo(),
        Command::Once => cli::once(&Config::from_env()?),
        Command::CheckConfig => cli::check_config(&Config::from_env()?),
        Command::Healthcheck => cli::healthcheck(),
        Command::Discover { range, is_sd } => cli::discover(&range, is_sd),
        Command::Capture { address, keep } => cli::capture(&address, &keep),
        Command::Replay(files) => cli::replay(&files),
        Command::Version => cli::print(concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"), "\n")),
        Command::Help => cli::print_help(),
    }
}
