//! `demo`: the service with simulated miners.

use crate::cli::error::Error;
use crate::cli::serve::serve;
use crate::cli::terminal::notify;
use crate::config::Config;
use crate::demo::plans;

/// Says that it is a demo, and serves until a signal comes.
pub fn demo() -> Result<(), Error> {
    notify(plans::BANNER);
    let targets =
        plans::start().map_err(|error| Error::Failed(format!("cannot start the simulated miners: {error}")))?;
    serve(Config::for_demo(targets)?)
}
