//! The story of start-up: settings, log, signals, port, miners, web server; then wait for the signal to end.
//!
//! Errors become exit codes here and nowhere else: 2 for settings and arguments that are wrong, 1 for everything else.

use std::net::TcpListener;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use avalonhome_prometheus_exporter::cli::arguments::{self, Command};
use avalonhome_prometheus_exporter::config::environment::Config;
use avalonhome_prometheus_exporter::config::target::Target;
use avalonhome_prometheus_exporter::demo::plans;
use avalonhome_prometheus_exporter::demo::replay;
use avalonhome_prometheus_exporter::http::gate;
use avalonhome_prometheus_exporter::http::limits::Limits;
use avalonhome_prometheus_exporter::logging;
use avalonhome_prometheus_exporter::miner::poller::Poller;
use avalonhome_prometheus_exporter::miner::store::Store;
use avalonhome_prometheus_exporter::site::router::Site;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// An exit code and what to tell people.
type Failure = (u8, String);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err((code, text)) => {
            arguments::complain(&text);
            ExitCode::from(code)
        }
    }
}

fn run() -> Result<(), Failure> {
    let command = Command::parse(std::env::args_os().skip(1)).map_err(|text| (2, text))?;
    let settings = || Config::from_env().map_err(|faults| (2, faults.to_string()));
    match command {
        Command::Serve => serve(settings()?),
        Command::Demo => {
            arguments::announce(plans::BANNER);
            show(plans::start().map_err(|error| (1, format!("cannot start the simulated miners: {error}")))?)
        }
        Command::Replay(files) => show(replay::start(&files).map_err(|error| (1, error.to_string()))?),
        Command::Capture(address) => {
            let (reply, name) = arguments::capture(&address).map_err(|text| (1, text))?;
            arguments::print(&reply);
            arguments::announce(&format!("as a test this capture is called {name}\n"));
            Ok(())
        }
        Command::Discover { range, is_sd } => {
            let addresses = arguments::addresses(&range).map_err(|text| (2, text))?;
            let port = Config::api_port().map_err(|faults| (2, faults.to_string()))?;
            arguments::print(arguments::discover(&addresses, port, is_sd).map_err(|text| (1, text))?);
            Ok(())
        }
        Command::Healthcheck => {
            let address = Config::local_address().map_err(|faults| (1, faults.to_string()))?;
            arguments::healthcheck(address).map_err(|text| (1, text))
        }
        Command::Once => {
            let config = settings()?;
            let _log = logging::init(config.log_level);
            let (page, has_answer) = arguments::once(&config);
            arguments::print(&page);
            if has_answer { Ok(()) } else { Err((1, "no miner answered".into())) }
        }
        Command::CheckConfig => {
            arguments::print(arguments::describe(&settings()?));
            Ok(())
        }
        Command::Version => {
            arguments::print(concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"), "\n"));
            Ok(())
        }
        Command::Help => {
            arguments::print_help();
            Ok(())
        }
    }
}

/// Serves miners that were started for it.
fn show(targets: Vec<Target>) -> Result<(), Failure> {
    serve(Config::for_demo(targets).map_err(|faults| (2, faults.to_string()))?)
}

fn serve(config: Config) -> Result<(), Failure> {
    let _log = logging::init(config.log_level);
    log::info!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    arguments::describe(&config).lines().for_each(|line| log::info!("{line}"));
    // As PID 1 a process has no default action for signals, so they are caught before anything else can take time.
    let mut signals = Signals::new([SIGTERM, SIGINT]).map_err(|error| (1, format!("cannot catch signals: {error}")))?;
    let listener =
        TcpListener::bind(config.listen()).map_err(|error| (1, arguments::listen_error(config.listen(), &error)))?;
    let store =
        Arc::new(Store::new(&config.targets, config.interval, config.price.as_ref().map(|price| price.tariff.clone())));
    let poller = Arc::new(Poller::new(store.clone(), config.request(), config.timeout));
    let (interval, listen, socket_dirs) = (config.interval, config.listen(), config.socket_dirs.clone());
    let limits = Limits::for_machine(config.targets.len());
    let site = Arc::new(Site::new(config, store, poller.clone(), limits.probes));
    let handler = site.clone();
    let gate = gate::serve(listener, &socket_dirs, limits, Arc::new(move |request| handler.answer(request)))
        .map_err(|error| (1, format!("cannot start the web server: {error}")))?;
    site.show_connections_of(gate.clone());
    thread::Builder::new()
        .name("poller".into())
        .spawn(move || poller.run(interval))
        .map_err(|error| (1, format!("cannot start the poller: {error}")))?;
    log::info!("serving on http://{listen}/metrics");
    let signal = signals.forever().next();
    log::info!("ending on signal {}", signal.unwrap_or_default());
    // Nothing is waited for: polls only read, and whoever reads a page can ask again.
    gate.close();
    Ok(())
}
