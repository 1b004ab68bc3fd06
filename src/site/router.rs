//! What is served: path in, response out. How it gets to the client is the business of `gate` and `server`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Instant, SystemTime};

use serde_json::{Value, json};

use crate::cgminer::error::ErrorKind;
use crate::config::Config;
use crate::exposition::writer::CONTENT_TYPE;
use crate::http::admission::Counters;
use crate::http::gate::Gate;
use crate::http::inner::{Body, Request, Response};
use crate::http::request::PROBE_PATH;
use crate::metrics::catalogue::Poll;
use crate::miner::collect::info_labels;
use crate::miner::poller::Poller;
use crate::miner::store::{Miner, Store};
use crate::process;
use crate::site::fleet_page;
use crate::site::metrics_page::{self, Own, Page, VERSION, View};
use crate::site::miner_page;
use crate::site::probe::{Probes, Refusal, percent_decode};
use crate::site::service_discovery;
use crate::timestamp::rfc3339;

const PROGRAM: &str = env!("CARGO_PKG_NAME");
const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";

/// The endpoints; a request for anything else is counted as `other`.
const PATHS: [&str; 8] = ["/", "/metrics", "/health", "/version", "/debug", "/sd", PROBE_PATH, MINER_PATH];

/// How many of the paths, after the first, a browser can follow as they are.
const LINKS: usize = 5;

/// Before the label of a miner it is the path of that miner's page.
const MINER_PATH: &str = "/miner/";

/// The exporter as its clients see it.
pub struct Site {
    config: Config,
    store: Arc<Store>,
    probes: Probes,
    requests: Mutex<BTreeMap<(&'static str, u16), u64>>,
    gate: OnceLock<Arc<Gate>>,
}

impl Site {
    /// A site about a store and its poller. Of miners that are not in the store, so many are probed at a time.
    pub fn new(config: Config, store: Arc<Store>, poller: Arc<Poller>, probes_at_a_time: usize) -> Self {
        let probes = Probes::new(&config, poller, probes_at_a_time);
        Site { config, store, probes, requests: Mutex::default(), gate: OnceLock::new() }
    }

    /// From now on the page has the counters of the gate that stands before this site.
    pub fn show_connections_of(&self, gate: Arc<Gate>) {
        // A second gate would be a mistake of this program; the first one stays.
        let _ = self.gate.set(gate);
    }

    /// Answers a request.
    pub fn answer(&self, request: &Request) -> Response {
        let response = match request.path.as_str() {
            "/metrics" => Response { is_shared: true, ..exposition(self.metrics()) },
            PROBE_PATH => self.probe(request),
            "/sd" => text(200, JSON, pretty(&service_discovery::list_of(&self.store.miners()))),
            "/version" => text(200, JSON, pretty(&json!({ "version": VERSION, "exporter": PROGRAM }))),
            "/debug" if self.config.debug => text(200, JSON, pretty(&self.debug())),
            "/debug" => text(403, TEXT, "403: switched off by ENABLE_DEBUG_ENDPOINT\n".to_owned()),
            "/" if request.accept.contains("text/html") => self.fleet(request),
            "/" | "/health" => self.health(),
            path if path.starts_with(MINER_PATH) => self.miner(request),
            _ => text(404, TEXT, format!("404: there is {} here\n", PATHS.join(" "))),
        };
        let is_of = |path: &&str| request.path == *path || *path == MINER_PATH && request.path.starts_with(MINER_PATH);
        let path = PATHS.into_iter().find(is_of).unwrap_or("other");
        *self.requests.lock().unwrap_or_else(PoisonError::into_inner).entry((path, response.status)).or_default() += 1;
        response
    }

    fn metrics(&self) -> Page {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let own = Own {
            cycle: self.store.cycle().ended.map(|(_, took)| took),
            connections: self.gate.get().map(|gate| connections(gate.counters())).unwrap_or_default(),
            requests: requests.iter().map(|(of, count)| (*of, *count)).collect(),
            process: process::usage(),
        };
        drop(requests);
        let currency = self.config.price.as_ref().map(|price| price.currency.as_str());
        metrics_page::page(&View {
            miners: &self.store.miners(),
            now: Instant::now(),
            chips: self.config.chips,
            price: currency.zip(self.store.price_now()),
            own: Some(own),
        })
    }

    fn probe(&self, request: &Request) -> Response {
        let miner = match self.probes.probe(&request.query, request.scrape_timeout) {
            Ok(miner) => miner,
            Err(Refusal::Malformed(why)) => return text(400, TEXT, format!("400: {why}\n")),
            Err(Refusal::Forbidden(why)) => return text(403, TEXT, format!("403: {why}\n")),
            Err(Refusal::Busy) => return text(503, TEXT, "503: too many other probes are under way\n".to_owned()),
        };
        let currency = self.config.price.as_ref().map(|price| price.currency.as_str());
        exposition(metrics_page::probe_page(&View {
            miners: &[miner],
            now: Instant::now(),
            chips: self.config.chips,
            price: currency.zip(self.store.price_now()),
            own: None,
        }))
    }

    /// Whether the poller lives; a miner that is down is no fault of the exporter.
    fn health(&self) -> Response {
        let (status, word) =
            if self.store.is_alive(Instant::now()) { (200, "OK") } else { (503, "the poller stands still") };
        text(status, TEXT, format!("{word}\nversion={VERSION}\n"))
    }

    fn fleet(&self, request: &Request) -> Response {
        let links = PATHS.into_iter().skip(1).take(LINKS).filter(|path| self.config.debug || *path != "/debug");
        let links: Vec<_> = links.collect();
        self.html(request, |view| Some(fleet_page::fleet(view, &links)))
    }

    fn miner(&self, request: &Request) -> Response {
        self.html(request, |view| {
            let label = percent_decode(request.path.strip_prefix(MINER_PATH)?)?;
            let miner = view.miners.iter().find(|miner| miner.target.label == label)?;
            Some(miner_page::page(view, miner))
        })
    }

    /// A page for people, or 404 where there is none.
    fn html(&self, request: &Request, page: impl FnOnce(&fleet_page::View<'_>) -> Option<String>) -> Response {
        let currency = self.config.price.as_ref().map(|price| price.currency.as_str());
        let page = page(&fleet_page::View {
            miners: &self.store.miners(),
            now: Instant::now(),
            at: SystemTime::now(),
            interval: self.config.interval,
            price: currency.zip(self.store.price_now()),
            is_still: request.query == "still",
        });
        match page {
            Some(page) => Response { headers: fleet_page::headers(), ..text(200, HTML, page) },
            None => text(404, TEXT, "404: no such miner is configured; see / for all\n".to_owned()),
        }
    }

    fn debug(&self) -> Value {
        let now = Instant::now();
        let cycle = self.store.cycle();
        let settings: serde_json::Map<String, Value> =
            self.config.lines().into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        json!({
            "version": VERSION,
            "settings": settings,
            "poller": {
                "alive": self.store.is_alive(now),
                "last_cycle_began_seconds_ago": cycle.began.map(|began| now.saturating_duration_since(began).as_secs_f64()),
                "last_cycle_took_seconds": cycle.ended.map(|(_, took)| took.as_secs_f64()),
            },
            "miners": self.store.miners().iter().map(|miner| debug_miner(miner, now)).collect::<Vec<_>>(),
        })
    }
}

fn connections(counters: Counters) -> Vec<(&'static str, u64)> {
    let Counters { accepted, refused, evicted, timeout, rebuilt } = counters;
    vec![("accepted", accepted), ("refused", refused), ("evicted", evicted), ("timeout", timeout), ("rebuilt", rebuilt)]
}

fn debug_miner(miner: &Miner, now: Instant) -> Value {
    let seconds = |source| miner.value(source, now);
    let info = miner.info.as_ref().map(|info| {
        let labels = info_labels(info).map(|(label, value)| (label.to_owned(), value.into()));
        labels.collect::<serde_json::Map<String, Value>>()
    });
    let reading = miner.reading.as_ref().map(|reading| {
        json!({
            "values": reading.miner.iter().flatten().count(),
            "boards": reading.boards.len(),
            "fans": reading.fans.len(),
            "chips": reading.chips.len(),
            "pools": reading.pools.len(),
        })
    });
    let errors = ErrorKind::ALL.map(|kind| (kind.name().to_owned(), json!(miner.errors_of(kind))));
    json!({
        "ip": miner.target.label,
        "name": miner.target.name,
        "host": miner.target.host,
        "port": miner.target.port,
        "up": miner.is_up(),
        "down_seconds": seconds(Poll::DownFor),
        "last_success": miner.success.map(|(_, at)| rfc3339(at)),
        "last_success_seconds_ago": miner.success.map(|(at, _)| now.saturating_duration_since(at).as_secs_f64()),
        "last_poll_took_seconds": seconds(Poll::Duration),
        "last_error": miner.failure.as_ref().map(|failure| json!({
            "kind": failure.kind.name(), "text": failure.text, "at": rfc3339(failure.at),
        })),
        "errors": errors.into_iter().collect::<serde_json::Map<String, Value>>(),
        "ups": miner.ups,
        "downs": miner.downs,
        "skipped": miner.skipped,
        "dropped_series": miner.dropped,
        "energy_joules": miner.meter.joules(),
        "info": info,
        "reading": reading,
    })
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

fn text(status: u16, content_type: &'static str, body: String) -> Response {
    Response { status, content_type, body: Body::Text(body.into_bytes()), ..Response::default() }
}

fn exposition(page: Page) -> Response {
    Response { status: 200, content_type: CONTENT_TYPE, body: Body::Page(Box::new(page)), ..Response::default() }
}
