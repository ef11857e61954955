//! Prints all samples of a data directory, ours or one of Prometheus: `series<TAB>milliseconds<TAB>bits of the value`.
//! Opens it as the store does, so use a copy: `cargo run -p bellbuoy-store --example dump -- DIR`.

use std::io::Write;
use std::sync::Arc;

use bellbuoy_store::{Options, OsDisk, Store};
use bellbuoy_vocabulary::{Millis, Points, SeriesSource, Timestamp};

fn main() -> std::io::Result<()> {
    let dir = std::env::args().nth(1).unwrap_or_else(|| ".".into());
    let options = Options { retention: Millis(i64::MAX), ..Options::default() };
    let (store, recovery) = Store::open(Arc::new(OsDisk::new(dir)), options, Timestamp(0)).map_err(std::io::Error::other)?;
    eprintln!("{recovery:?}");
    for (family, metadata) in store.metadata() {
        eprintln!("{family}: {metadata:?}");
    }
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut points = Points::default();
    for series in store.select(Timestamp::MIN, Timestamp::MAX, &[]).map_err(std::io::Error::other)? {
        points.clear();
        series.read(Timestamp::MIN, Timestamp::MAX, &mut points).map_err(std::io::Error::other)?;
        for sample in &points.floats {
            writeln!(out, "{}\t{}\t{:016x}", series.labels(), sample.at.0, sample.value.to_bits())?;
        }
    }
    out.flush()
}
