//! `replay`: the service with captures as miners.

use std::path::PathBuf;

use crate::cli::error::Error;
use crate::cli::serve;
use crate::config::environment::Config;
use crate::demo::replay;

/// Serves these captures until a signal comes.
pub fn run(files: &[PathBuf]) -> Result<(), Error> {
    let targets = replay::start(files).map_err(|error| Error::Failed(error.to_string()))?;
    serve::run(Config::for_demo(targets)?)
}
