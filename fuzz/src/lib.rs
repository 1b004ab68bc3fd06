//! What the fuzz targets share: the promises, and their judges, from the integration tests. `README.md` says how to run them.

#![allow(dead_code, reason = "the tests use more of their judges than the targets do")]

use std::fs;
use std::path::Path;

#[path = "../../tests/it/markup.rs"]
mod markup;
#[path = "../../tests/it/page.rs"]
mod page;
#[path = "../../tests/it/untrusted.rs"]
pub mod untrusted;

/// Puts a target's seeds where the fuzzer looks for its corpus, which it does after this.
pub fn seed(target: &untrusted::Target) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
    fs::create_dir_all(&corpus).expect("a directory for the corpus");
    for (number, seed) in (target.seeds)().iter().enumerate() {
        fs::write(corpus.join(format!("seed-{number}")), seed).expect("a file in the corpus");
    }
}
