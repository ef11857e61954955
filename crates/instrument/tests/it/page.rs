//! The page of metrics, as promtool reads it.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use bellbuoy_instrument::logging::PredictionLogger;
use bellbuoy_instrument::{Format, Instrument, Scores, TrainingOutcome};
use tower::{Layer, ServiceExt, service_fn};

/// Every family with something in it.
async fn full() -> Instrument {
    let instrument = Instrument::new();
    instrument.prediction().answered(3);
    instrument.prediction().failed("invalid_input");
    instrument.severity("4", 1);
    instrument.drift_scores(0.35, [("month", 0.45)]);
    instrument.drift(true, 0.54, 8);
    instrument.training(TrainingOutcome::Success, Duration::from_secs(3));
    instrument.model("champion").scores(Scores { r2: Some(0.72), rmse: Some(61.5), mae: Some(40.0) });
    instrument.model("champion").version("7");
    let service = instrument.layer_with(|_, _| None).layer(service_fn(|_: http::Request<()>| async { Err::<http::Response<()>, _>(()) }));
    assert_eq!(service.oneshot(http::Request::new(())).await.err(), Some(()));
    let logger = PredictionLogger::builder("http://127.0.0.1:9", "m").start(&instrument).expect("started");
    assert_eq!(logger.close(Duration::ZERO).offered, 0);
    instrument
}

/// Names that promtool would rather have otherwise, and why they are as they are.
const AS_THE_MISSION_NAMES_IT: [&str; 1] = ["drifted_features_count"];

#[tokio::test]
async fn promtool_accepts_the_page() {
    let Some(promtool) = std::env::var_os("BELLBUOY_PEERS").map(|dir| std::path::Path::new(&dir).join("promtool")) else {
        println!("skipped: set BELLBUOY_PEERS to a folder with promtool");
        return;
    };
    let mut check =
        Command::new(promtool).args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("promtool");
    let page = full().await.render(Format::Text);
    check.stdin.take().expect("piped").write_all(page.as_bytes()).expect("written");
    let output = check.wait_with_output().expect("ended");
    let said = String::from_utf8_lossy(&output.stderr);
    let complaints: Vec<&str> = said.lines().filter(|line| !AS_THE_MISSION_NAMES_IT.iter().any(|name| line.starts_with(name))).collect();
    assert!(complaints.is_empty(), "{complaints:#?}\n{page}");
    // 3: only remarks; 1 would be a page that cannot be read.
    assert!(matches!(output.status.code(), Some(0 | 3)), "{:?}: {said}", output.status);
}

/// Both formats have the same series.
#[tokio::test]
async fn the_formats_agree() {
    let instrument = full().await;
    let series = |format: Format| {
        let page = instrument.render(format);
        let mut lines: Vec<String> = page.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(series(Format::Text), series(Format::OpenMetrics));
    assert!(instrument.render(Format::OpenMetrics).ends_with("\n# EOF\n"));
}
