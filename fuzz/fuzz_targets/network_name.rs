#![no_main]
use avalonhome_prometheus_exporter_fuzz::{seed, untrusted};
libfuzzer_sys::fuzz_target!(init: seed(&untrusted::NETWORK_NAME), |bytes: &[u8]| (untrusted::NETWORK_NAME.check)(bytes));
