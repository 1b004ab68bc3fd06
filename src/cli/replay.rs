//! `replay`: the service with captures as miners.

use std::path::PathBuf;

use crate::cli::error::Error;
use crate::cli::serve::serve;
use crate::config::Config;
use crate::demo::replay;

/// Serves these captures until a signal comes.
pub fn replay(files: &[PathBuf]) -> Result<(), Error> {
    let targets = replay::start(files).map_err(|error| Error::Failed(error.to_string()))?;
    serve(Config::for_demo(targets)?)
}
