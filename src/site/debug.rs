//! What `/debug` shows: all settings, the poller, and all that is known of each miner, as JSON.

use std::time::Instant;

use serde_json::{Map, Value, json};

use crate::cgminer::error::ErrorKind;
use crate::config::Config;
use crate::metrics::catalogue::IDENTITY;
use crate::miner::{Miner, Store};
use crate::site::metrics_page::VERSION;
use crate::timestamp::rfc3339;

/// All of it.
pub fn document(config: &Config, store: &Store) -> Value {
    let now = Instant::now();
    let cycle = store.cycle();
    let settings: Map<String, Value> =
        config.lines().into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    json!({
        "version": VERSION,
        "settings": settings,
        "poller": {
            "alive": store.is_alive(now),
            "last_cycle_began_seconds_ago": cycle.began.map(|began| now.saturating_duration_since(began).as_secs_f64()),
            "last_cycle_took_seconds": cycle.ended.map(|(_, took)| took.as_secs_f64()),
        },
        "miners": store.miners().iter().map(|miner| one(miner, now)).collect::<Vec<_>>(),
    })
}

fn one(miner: &Miner, now: Instant) -> Value {
    let poll = miner.poll_values(now);
    let identity = miner.identity.as_deref().map(|identity| {
        let texts = identity.clone().into_array().map(Option::unwrap_or_default);
        let labels = IDENTITY.iter().zip(texts).map(|(label, text)| (label.name.to_owned(), text.into()));
        labels.collect::<Map<String, Value>>()
    });
    let reading = miner.reading.as_ref().map(|reading| {
        json!({
            "values": reading.miner.into_array().iter().flatten().count(),
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
        "down_seconds": poll.down_duration_seconds,
        "last_success": miner.success.map(|(_, at)| rfc3339(at)),
        "last_success_seconds_ago": miner.success.map(|(at, _)| now.saturating_duration_since(at).as_secs_f64()),
        "last_poll_took_seconds": poll.scrape_duration_seconds,
        "last_error": miner.failure.as_ref().map(|failure| json!({
            "kind": failure.kind.name(), "text": failure.text, "at": rfc3339(failure.at),
        })),
        "errors": errors.into_iter().collect::<Map<String, Value>>(),
        "ups": miner.ups,
        "downs": miner.downs,
        "skipped": miner.skipped,
        "dropped_series": miner.dropped,
        "energy_joules": miner.meter.joules(),
        "info": identity,
        "reading": reading,
    })
}
