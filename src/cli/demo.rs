//! `demo`: the service with simulated miners.

use crate::cli::error::Error;
use crate::cli::serve;
use crate::cli::terminal::notify;
use crate::config::environment::Config;
use crate::demo::plans;

/// Says that it is a demo, and serves until a signal comes.
pub fn run() -> Result<(), Error> {
    notify(plans::BANNER);
    let targets =
        plans::start().map_err(|error| Error::Failed(format!("cannot start the simulated miners: {error}")))?;
    serve::run(Config::for_demo(targets)?)
}
