//! The prediction logger against a server that misbehaves.

use std::time::Duration;

use bellbuoy_instrument::logging::{DropReason, Label, LoggerBuilder, Offered, Prediction, PredictionLogger, Totals};
use bellbuoy_instrument::{Format, Instrument};
use proptest::prelude::*;

use crate::server::{Manner, Server};

/// Long enough for everything that can end well on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);
const PREDICTIONS: &str = "/api/v1/models/m/predictions";
const LABELS: &str = "/api/v1/models/m/labels";

fn builder(server: &Server) -> LoggerBuilder {
    let ms = Duration::from_millis;
    PredictionLogger::builder(&server.url, "m").linger(ms(1)).backoff(ms(1), ms(4)).request_timeout(ms(300))
}

fn totals(offered: u64, acknowledged: u64, dropped: u64) -> Totals {
    Totals { offered, acknowledged, dropped, waiting: 0 }
}

#[test]
fn rows_arrive_in_batches_at_their_addresses() {
    let server = Server::start([]);
    let instrument = Instrument::new();
    let logger = builder(&server).linger(PATIENCE).batch_rows(4).bearer_token("t0ken").start(&instrument).expect("started");
    for n in 0..10 {
        assert_eq!(logger.prediction(Prediction::new(&format!("{n}"), f64::from(n)).feature("hr", n)), Offered::Queued);
    }
    assert_eq!(logger.label(Label::new("3", 3.5)), Offered::Queued);
    assert!(logger.flush(PATIENCE));
    assert_eq!(logger.close(PATIENCE), totals(11, 11, 0));
    let kept = server.kept();
    assert_eq!(kept.rows.len(), 11);
    assert_eq!(kept.rows[&(PREDICTIONS.to_owned(), "7".to_owned())]["features"]["hr"], 7);
    assert_eq!(kept.rows[&(LABELS.to_owned(), "3".to_owned())]["value"], 3.5);
    assert!(kept.batches.iter().all(|rows| *rows <= 4), "{:?}", kept.batches);
    assert!(kept.heads.iter().all(|head| head.contains("authorization: Bearer t0ken\r\n")), "{:?}", kept.heads);
    let text = instrument.render(Format::Text);
    for line in [
        "prediction_log_rows_offered_total{model=\"m\",kind=\"prediction\"} 10",
        "prediction_log_rows_acknowledged_total{model=\"m\",kind=\"label\"} 1",
        "prediction_log_rows_dropped_total{model=\"m\",kind=\"prediction\",reason=\"queue_full\"} 0",
        "prediction_log_waiting_rows{model=\"m\"} 0",
    ] {
        assert!(text.lines().any(|have| have == line), "no {line:?} in\n{text}");
    }
}

/// Each kind of trouble, then a server that is well: all rows arrive, once each.
#[test]
fn trouble_that_passes_costs_no_row() {
    use Manner::*;
    for manner in [TakeAndHangUp, HangUp, Silent, Trickle, TooMany, Unavailable, Strange, TooLarge] {
        let server = Server::start([manner; 3]);
        let logger = builder(&server).start(&Instrument::new()).expect("started");
        for n in 0..5 {
            assert_eq!(logger.prediction(Prediction::new(&format!("{n}"), 1.0)), Offered::Queued);
        }
        assert!(logger.flush(PATIENCE), "{manner:?}: {:?}", logger.last_problem());
        assert_eq!(logger.close(PATIENCE), totals(5, 5, 0), "{manner:?}");
        assert_eq!(server.kept().rows.len(), 5, "{manner:?}");
        assert_eq!(logger.last_problem(), None, "{manner:?}");
    }
}

#[test]
fn what_is_not_wanted_is_dropped_and_said() {
    let server = Server::start([Manner::RefuseOne, Manner::RefuseAll]);
    let instrument = Instrument::new();
    let logger = builder(&server).linger(PATIENCE).batch_rows(3).start(&instrument).expect("started");
    for n in 0..6 {
        assert_eq!(logger.prediction(Prediction::new(&format!("{n}"), 1.0)), Offered::Queued);
    }
    assert!(logger.flush(PATIENCE));
    assert_eq!(logger.last_problem().as_deref(), Some("r: not wanted"));
    assert_eq!(logger.prediction(Prediction::new("a", f64::NAN)), Offered::Dropped(DropReason::Invalid));
    assert_eq!(logger.close(PATIENCE), totals(7, 2, 5));
    assert_eq!(logger.label(Label::new("a", 1.0)), Offered::Dropped(DropReason::Closed));
    let text = instrument.render(Format::Text);
    for (kind, reason, rows) in [("prediction", "refused", 4), ("prediction", "invalid", 1), ("label", "closed", 1)] {
        let line = format!("prediction_log_rows_dropped_total{{model=\"m\",kind=\"{kind}\",reason=\"{reason}\"}} {rows}\n");
        assert!(text.contains(&line), "no {line:?} in\n{text}");
    }
}

#[test]
fn a_server_that_is_away_fills_the_queue_and_then_rows_are_dropped() {
    // A port that was free a moment ago: nobody listens.
    let url = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        format!("http://{}", listener.local_addr().expect("bound"))
    };
    let logger = PredictionLogger::builder(&url, "m").queue_max(10, 1 << 20).start(&Instrument::new()).expect("started");
    let offered: Vec<Offered> = (0..25).map(|n| logger.prediction(Prediction::new(&format!("{n}"), 1.0))).collect();
    assert_eq!(offered.iter().filter(|one| **one == Offered::Queued).count(), 10);
    assert_eq!(offered[10..].iter().filter(|one| **one == Offered::Dropped(DropReason::QueueFull)).count(), 15);
    assert!(!logger.flush(Duration::ZERO));
    assert_eq!(logger.close(Duration::ZERO), totals(25, 0, 25));
    assert!(!format!("{logger:?}").contains("http"));
}

#[test]
fn trying_has_an_end() {
    let server = Server::start([Manner::Unavailable; 1000]);
    let logger = builder(&server).retry_for(Duration::ZERO).start(&Instrument::new()).expect("started");
    assert_eq!(logger.label(Label::new("1", 1.0)), Offered::Queued);
    assert!(logger.flush(PATIENCE));
    assert_eq!(logger.last_problem().as_deref(), Some("503: the disk is full"));
    assert_eq!(logger.close(PATIENCE), totals(1, 0, 1));
}

fn manner() -> impl Strategy<Value = Manner> {
    use Manner::*;
    prop_oneof![
        4 => Just(Take),
        1 => Just(TakeAndHangUp),
        1 => Just(HangUp),
        1 => Just(Trickle),
        1 => Just(TooMany),
        1 => Just(Unavailable),
        1 => Just(Strange),
        1 => Just(RefuseOne),
        1 => Just(RefuseAll),
        1 => Just(TooLarge),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Several threads offer rows to a server that does what it likes: in the end each row is acknowledged or counted as dropped,
    /// and no more is acknowledged than the server has.
    #[test]
    fn each_row_is_acknowledged_or_dropped(
        manners in proptest::collection::vec(manner(), 0..40),
        batch_rows in 1usize..40,
        rows_max in 1usize..400,
        rows in 1usize..200,
        closes_at_once in any::<bool>(),
    ) {
        let server = Server::start(manners);
        let instrument = Instrument::new();
        let logger = builder(&server).batch_rows(batch_rows).queue_max(rows_max, 1 << 16).start(&instrument).expect("started");
        std::thread::scope(|scope| {
            for thread in 0..3 {
                let logger = logger.clone();
                scope.spawn(move || {
                    for n in 0..rows {
                        let id = format!("{thread}-{n}");
                        let offered = if n % 4 == 0 { logger.label(Label::new(&id, 1.0)) } else { logger.prediction(Prediction::new(&id, 2.0)) };
                        assert!(!matches!(offered, Offered::Dropped(reason) if reason != DropReason::QueueFull), "{offered:?}");
                    }
                });
            }
        });
        let end = logger.close(if closes_at_once { Duration::ZERO } else { PATIENCE });
        prop_assert_eq!(end.offered, 3 * rows as u64);
        prop_assert_eq!(end.waiting, 0);
        prop_assert_eq!(end.offered, end.acknowledged + end.dropped);
        let kept = server.kept();
        prop_assert!(end.acknowledged <= kept.rows.len() as u64, "{:?}, the server has {}", end, kept.rows.len());
        prop_assert!(kept.batches.iter().all(|rows| *rows <= batch_rows));
    }
}
