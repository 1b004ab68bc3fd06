//! The service: what the program does without a subcommand. Log, signals, port, miners, web server; then it waits for the
//! signal to end.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::signal_name;

use crate::cli::check_config::describe;
use crate::cli::error::Error;
use crate::config::{Config, EXPORTER_PORT};
use crate::http::{Counters, Gate, Limits};
use crate::logging;
use crate::miner::{Poller, Store};
use crate::site::router::Site;

/// Polls and serves until a signal comes.
pub fn serve(config: Config) -> Result<(), Error> {
    let cannot = |what: &str, error: io::Error| Error::Failed(format!("cannot {what}: {error}"));
    let _log = logging::init(config.log_level);
    log::info!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    describe(&config).lines().for_each(|line| log::info!("{line}"));
    // As PID 1 a process has no default action for signals, so they are caught before anything else can take time.
    let mut signals = Signals::new([SIGTERM, SIGINT]).map_err(|error| cannot("catch signals", error))?;
    let listen = config.listen();
    let listener = TcpListener::bind(listen).map_err(|error| Error::Failed(listen_error(listen, &error)))?;
    let tariff = config.price.as_ref().map(|price| price.tariff.clone());
    let store = Arc::new(Store::new(&config.targets, config.interval, tariff));
    let poller = Arc::new(Poller::new(store.clone(), config.request(), config.timeout));
    let (interval, socket_dirs) = (config.interval, config.socket_dirs.clone());
    let limits = Limits::for_machine(config.targets.len());
    let connections = Arc::new(Counters::default());
    let site = Arc::new(Site::new(config, store, poller.clone(), connections.clone(), limits.remote_workers));
    let gate = Gate::start(listener, &socket_dirs, limits, site, connections)
        .map_err(|error| cannot("start the web server", error))?;
    thread::Builder::new()
        .name("poller".into())
        .spawn(move || poller.run(interval))
        .map_err(|error| cannot("start the poller", error))?;
    log::info!("serving on http://{listen}/metrics");
    let signal = signals.forever().next().and_then(signal_name).unwrap_or("a signal");
    log::info!("received {signal}, shutting down");
    // Nothing is waited for: polls only read, and clients can ask for a page again.
    gate.close();
    Ok(())
}

/// Why the port cannot be had, and what to do.
fn listen_error(listen: SocketAddr, error: &io::Error) -> String {
    let advice = match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "another program uses port {}; stop it, or set EXPORTER_PORT to a free port ({EXPORTER_PORT} is the default \
             of node_exporter too)",
            listen.port()
        ),
        io::ErrorKind::AddrNotAvailable => {
            "set EXPORTER_ADDRESS to an address of this machine, or to 0.0.0.0".to_owned()
        }
        io::ErrorKind::PermissionDenied => "set EXPORTER_PORT to 1024 or above".to_owned(),
        _ => "check EXPORTER_ADDRESS and EXPORTER_PORT".to_owned(),
    };
    format!("cannot listen on {listen}: {error}; {advice}")
}
