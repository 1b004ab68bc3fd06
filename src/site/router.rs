//! What is served: from a request to a response. How it gets to the client is the business of [`http`](crate::http).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};

use crate::config::Config;
use crate::exposition::writer::CONTENT_TYPE;
use crate::http::{Class, Counters, Counts, Handler, RequestHead, Response};
use crate::miner::{Poller, Store};
use crate::process;
use crate::site::debug;
use crate::site::fleet_page;
use crate::site::metrics_page::{self, Own, Page, VERSION, View};
use crate::site::miner_page;
use crate::site::probe::{Probes, Refusal, percent_decode};
use crate::site::service_discovery;

const PROGRAM: &str = env!("CARGO_PKG_NAME");
const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";

/// The endpoints; a request for anything else is counted as `other`.
const PATHS: [&str; 8] = ["/", "/metrics", "/health", "/version", "/debug", "/sd", PROBE_PATH, MINER_PATH];

/// How many of the paths, after the first, a browser can follow as they are.
const LINKS: usize = 5;

/// Polls a miner on demand.
const PROBE_PATH: &str = "/probe";

/// Before the label of a miner it is the path of that miner's page.
const MINER_PATH: &str = "/miner/";

/// The field in which Prometheus says how long it waits for a scrape.
const SCRAPE_TIMEOUT: &str = "X-Prometheus-Scrape-Timeout-Seconds";

/// The exporter as its clients see it.
pub struct Site {
    config: Config,
    store: Arc<Store>,
    probes: Probes,
    requests: Mutex<BTreeMap<(&'static str, u16), u64>>,
    connections: Arc<Counters>,
}

impl Handler for Site {
    /// Whatever shows all miners grows with their number.
    fn class(&self, request: &RequestHead) -> Class {
        match request.path.as_str() {
            PROBE_PATH => Class::Remote,
            "/metrics" | "/sd" | "/debug" => Class::Large,
            "/" if wants_html(request) => Class::Large,
            _ => Class::Quick,
        }
    }

    fn answer(&self, request: &RequestHead) -> Response {
        let response = match request.path.as_str() {
            "/metrics" => Response { is_shared: true, ..exposition(self.metrics()) },
            PROBE_PATH => self.probe(request),
            "/sd" => text(200, JSON, pretty(&service_discovery::list_of(&self.store.miners()))),
            "/version" => text(200, JSON, pretty(&json!({ "version": VERSION, "exporter": PROGRAM }))),
            "/debug" if self.config.debug => text(200, JSON, pretty(&debug::document(&self.config, &self.store))),
            "/debug" => text(403, TEXT, "403: switched off by ENABLE_DEBUG_ENDPOINT\n".to_owned()),
            "/" if wants_html(request) => self.fleet(request),
            "/" | "/health" => self.health(),
            path if path.starts_with(MINER_PATH) => self.miner(request),
            _ => text(404, TEXT, format!("404: there is {} here\n", PATHS.join(" "))),
        };
        let is_of = |path: &&str| request.path == *path || *path == MINER_PATH && request.path.starts_with(MINER_PATH);
        let path = PATHS.into_iter().find(is_of).unwrap_or("other");
        *self.requests.lock().unwrap_or_else(PoisonError::into_inner).entry((path, response.status)).or_default() += 1;
        response
    }
}

impl Site {
    /// A site about a store and its poller; `connections` are those of the gate before it. Of miners that are not in the
    /// store, at most `probes_max` are polled at a time.
    pub fn new(
        config: Config,
        store: Arc<Store>,
        poller: Arc<Poller>,
        connections: Arc<Counters>,
        probes_max: usize,
    ) -> Self {
        let probes = Probes::new(&config, poller, probes_max);
        Site { config, store, probes, requests: Mutex::default(), connections }
    }

    fn metrics(&self) -> Page {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let own = Own {
            cycle: self.store.cycle().ended.map(|(_, took)| took),
            connections: by_result(self.connections.read()),
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

    fn probe(&self, request: &RequestHead) -> Response {
        let miner = match self.probes.probe(&request.query, scrape_timeout(request)) {
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

    /// Whether polling goes on. A miner that is down is not a fault of the exporter.
    fn health(&self) -> Response {
        let (status, word) =
            if self.store.is_alive(Instant::now()) { (200, "OK") } else { (503, "polling has stalled") };
        text(status, TEXT, format!("{word}\nversion={VERSION}\n"))
    }

    fn fleet(&self, request: &RequestHead) -> Response {
        let links = PATHS.into_iter().skip(1).take(LINKS).filter(|path| self.config.debug || *path != "/debug");
        let links: Vec<_> = links.collect();
        self.html(request, |view| Some(fleet_page::fleet(view, &links)))
    }

    fn miner(&self, request: &RequestHead) -> Response {
        self.html(request, |view| {
            let label = percent_decode(request.path.strip_prefix(MINER_PATH)?)?;
            let miner = view.miners.iter().find(|miner| miner.target.label == label)?;
            Some(miner_page::page(view, miner))
        })
    }

    /// A page for people, or 404 where there is none.
    fn html(&self, request: &RequestHead, page: impl FnOnce(&fleet_page::View<'_>) -> Option<String>) -> Response {
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
}

fn by_result(counts: Counts) -> Vec<(&'static str, u64)> {
    let Counts { accepted, refused, evicted, timeout, rebuilt } = counts;
    vec![("accepted", accepted), ("refused", refused), ("evicted", evicted), ("timeout", timeout), ("rebuilt", rebuilt)]
}

fn wants_html(request: &RequestHead) -> bool {
    request.field("Accept").is_some_and(|accept| accept.contains("text/html"))
}

/// How long the asking Prometheus waits for this scrape, if it said so. Some send 0 for "no limit".
fn scrape_timeout(request: &RequestHead) -> Option<Duration> {
    let seconds = request.field(SCRAPE_TIMEOUT)?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok().filter(|time| !time.is_zero())
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

fn text(status: u16, content_type: &'static str, body: String) -> Response {
    Response::new(status, content_type, body.into_bytes())
}

fn exposition(page: Page) -> Response {
    Response::new(200, CONTENT_TYPE, page)
}
