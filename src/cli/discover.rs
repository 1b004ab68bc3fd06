//! `discover`: which addresses of a network have a miner, as a table or for Prometheus.

use std::io::{self, IsTerminal};

use crate::cli::error::Error;
use crate::cli::terminal::{CLEAR_LINE, notify, print};
use crate::config::{AddressRange, Config, MINER_PORT};
use crate::miner::discover::{self, addresses, table};
use crate::site::service_discovery;

/// Searches a range and prints the miners that were found; on a terminal it shows how far it is.
pub fn discover(range: &str, is_sd: bool) -> Result<(), Error> {
    let parsed = AddressRange::parse(range).map_err(|fault| Error::Usage(format!("'{range}' {fault}")))?;
    let addresses = addresses(&parsed).map_err(Error::Usage)?;
    let port = Config::api_port()?;
    let count = addresses.len();
    let is_terminal = io::stderr().is_terminal();
    let found = discover::discover(&addresses, port, |asked| {
        if is_terminal {
            notify(&format!("{CLEAR_LINE}asked {asked} of {count} addresses on port {port}"));
        }
    });
    if is_terminal {
        notify(CLEAR_LINE);
    }
    if found.is_empty() {
        return Err(Error::Failed(format!("no miner answered on port {port}; addresses asked: {count}")));
    }
    if is_sd {
        let avalons = found.iter().filter(|miner| miner.is_avalon());
        let list = service_discovery::list(avalons.map(|miner| (&miner.target, Some(&miner.identity))));
        print(format!("{list:#}\n"))
    } else {
        print(table(&found, MINER_PORT))
    }
}
