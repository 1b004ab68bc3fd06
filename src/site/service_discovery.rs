//! Service discovery as Prometheus reads it over HTTP (`http_sd_configs`) and from files (`file_sd_configs`).
//!
//! Format: <https://prometheus.io/docs/prometheus/latest/http_sd/>. A target is what `/probe?target=` takes, so that
//! relabelling can turn it into a probe.

use serde_json::{Map, Value, json};

use crate::config::Target;
use crate::metrics::catalogue::{SD_FIRMWARE, SD_IP, SD_MODEL, SD_NAME};
use crate::miner::{Identity, Miner};

/// The list of targets, one group each as their labels differ. What is not known has no label.
pub fn list<'a>(targets: impl IntoIterator<Item = (&'a Target, Option<&'a Identity>)>) -> Value {
    targets.into_iter().map(|(target, identity)| group(target, identity)).collect()
}

/// The list of the miners of a store.
pub fn list_of(miners: &[Miner]) -> Value {
    list(miners.iter().map(|miner| (miner.target.as_ref(), miner.identity.as_deref())))
}

fn group(target: &Target, identity: Option<&Identity>) -> Value {
    let said = |field: fn(&Identity) -> &Option<String>| identity.and_then(|identity| field(identity).as_deref());
    let known = [
        (SD_NAME, target.name.as_deref()),
        (SD_MODEL, said(|identity| &identity.model)),
        (SD_FIRMWARE, said(|identity| &identity.firmware)),
    ];
    let mut labels = Map::new();
    labels.insert(SD_IP.to_owned(), target.label.as_str().into());
    labels.extend(known.into_iter().filter_map(|(label, value)| Some((label.to_owned(), value?.into()))));
    json!({ "targets": [target.address()], "labels": labels })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups() {
        let target = Target::parse("the garage=fd00::1", 4028).unwrap();
        let identity = Identity { model: Some("Q\"<".to_owned()), ..Identity::default() };
        let expected = json!([{
            "targets": ["[fd00::1]:4028"],
            "labels": {
                "__meta_avalon_ip": "fd00::1", "__meta_avalon_name": "the garage", "__meta_avalon_model": "Q\"<",
            },
        }, {
            "targets": ["a:1"],
            "labels": { "__meta_avalon_ip": "a" },
        }]);
        let plain = Target::parse("a", 1).unwrap();
        assert_eq!(list([(&target, Some(&identity)), (&plain, None)]), expected);
    }
}
