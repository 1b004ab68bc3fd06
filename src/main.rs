//! The program: what was asked for, with which settings, and how it ended.
//!
//! Errors become exit codes here and nowhere else.

use std::process::ExitCode;

use avalonhome_prometheus_exporter::cli::arguments::Command;
use avalonhome_prometheus_exporter::cli::error::Error;
use avalonhome_prometheus_exporter::cli::terminal;
use avalonhome_prometheus_exporter::cli::{
    capture, check_config, demo, discover, healthcheck, help, once, replay, serve,
};
use avalonhome_prometheus_exporter::config::environment::Config;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::print_error(error.text());
            ExitCode::from(error.code())
        }
    }
}

fn run() -> Result<(), Error> {
    match Command::parse(std::env::args_os().skip(1))? {
        Command::Serve => serve::run(Config::from_env()?)?,
        Command::Demo => demo::run()?,
        Command::Once => once::run(&Config::from_env()?)?,
        Command::CheckConfig => check_config::run(&Config::from_env()?),
        Command::Healthcheck => healthcheck::run()?,
        Command::Discover { range, is_sd } => discover::run(&range, is_sd)?,
        Command::Capture(address) => capture::run(&address)?,
        Command::Replay(files) => replay::run(&files)?,
        Command::Version => terminal::print(concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"), "\n")),
        Command::Help => help::run(),
    }
    Ok(())
}
