#![no_main]
use avalonhome_prometheus_exporter_fuzz::{seed, untrusted};
libfuzzer_sys::fuzz_target!(init: seed(&untrusted::REPLY), |bytes: &[u8]| (untrusted::REPLY.check)(bytes));
