//! What parsing, collecting and rendering allocate: `cargo bench --bench allocations`. Its times are those of counting.

use divan::AllocProfiler;

mod throughput;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    throughput::main();
}
