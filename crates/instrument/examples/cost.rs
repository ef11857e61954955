//! What the instrumentation costs: `cargo run -p bellbuoy-instrument --release --example cost`.
//!
//! Nanoseconds of one thread per request of the layer (around a service that does nothing), per row offered to the logger while
//! nobody takes rows, and per page of metrics. The best of five rounds: what disturbs only makes it longer.

use std::convert::Infallible;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bellbuoy_instrument::logging::{Prediction, PredictionLogger};
use bellbuoy_instrument::{Format, Instrument};
use http::{Request, Response};
use tower::{Layer, Service, service_fn};

const ROUNDS: usize = 5;
const CALLS: u32 = 200_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let instrument = Instrument::new();
    let mut bare = service_fn(|request: Request<()>| {
        black_box(&request);
        async { Ok::<_, Infallible>(Response::new(())) }
    });
    let alone = best(|| call(&mut bare));
    let mut counted = instrument.layer_with(|uri, _| Some(uri.path().into())).layer(bare);
    let layered = best(|| call(&mut counted));
    println!("a request alone                     {alone:>8.0} ns");
    println!("a request in the layer              {layered:>8.0} ns, the layer {:.0} ns", layered - alone);

    let timed = best(|| instrument.prediction().answered(1));
    println!("a prediction's timer                {timed:>8.0} ns");

    // Nobody listens; the queue takes all rows of all rounds.
    let rows = CALLS as usize * ROUNDS + 1;
    let logger = PredictionLogger::builder("http://127.0.0.1:9", "m").queue_max(rows, usize::MAX).linger(Duration::from_secs(3600));
    let logger = logger.batch_rows(rows).start(&instrument)?;
    let mut id = 0;
    let logged = best(|| {
        id += 1;
        let row = Prediction::new(&format!("row-{id}"), 212.5).feature("season", 1).feature("hr", 10).feature("temp", 0.24);
        let row = row.feature("hum", 0.81).feature("windspeed", 0.1).feature("weather", "clear");
        assert!(logger.prediction(row) == bellbuoy_instrument::logging::Offered::Queued);
    });
    println!("a row of six features, logged       {logged:>8.0} ns");
    logger.close(Duration::ZERO);

    let start = Instant::now();
    let page = (0..100).map(|_| black_box(instrument.render(Format::Text)).len()).max().unwrap_or(0);
    println!("a page of {page} bytes             {:>8.0} ns", start.elapsed().as_nanos() as f64 / 100.0);
    Ok(())
}

fn call<S: Service<Request<()>>>(service: &mut S) {
    let request = Request::post("/predict").body(()).expect("a good request");
    let mut answer = pin!(service.call(request));
    match answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => drop(black_box(answer)),
        Poll::Pending => unreachable!("the service does not wait"),
    }
}

/// Nanoseconds per call.
fn best(mut act: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..CALLS {
            act();
        }
        best = best.min(start.elapsed().as_nanos() as f64 / f64::from(CALLS));
    }
    best
}
