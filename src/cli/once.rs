//! `once`: one poll of all miners, and the page of what they answered.

use std::sync::Arc;
use std::time::Instant;

use crate::cli::error::Error;
use crate::cli::terminal::print;
use crate::config::Config;
use crate::logging;
use crate::miner::{Miner, Poller, Store};
use crate::site::metrics_page::{self, View};

/// Polls all miners once and prints the page. It is an error if none answered; the page says so too.
pub fn once(config: &Config) -> Result<(), Error> {
    let _log = logging::init(config.log_level);
    let store = Arc::new(Store::new(&config.targets, config.interval, None));
    Poller::new(store.clone(), config.request(), config.timeout).run_once();
    let miners = store.miners();
    let view = View { miners: &miners, now: Instant::now(), chips: config.chips, price: None, own: None };
    print(metrics_page::page(&view).to_text())?;
    if miners.iter().any(Miner::is_up) { Ok(()) } else { Err(Error::Failed("no miner answered".into())) }
}
