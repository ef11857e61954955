//! What silences cost: 10,000 of them over 10,000 alerts, by index and by scan.
//!
//! `cargo run --release -p bellbuoy-router --example silences` prints microseconds an alert.

use std::time::Instant;

use bellbuoy_router::{IntegrationOutline, ReceiverOutline, Route, Router, RouterSettings, Silence};
use bellbuoy_vocabulary::{Alert, Labels, MatchOp, Matcher, Millis, Timestamp};

const COUNT: usize = 10_000;
const NOW: Timestamp = Timestamp(1_000_000);

fn main() {
    // Patterns are compared one by one at the first look; a tenth of the alerts shows it.
    let by_value = ("a label's value", by_value as fn(usize) -> Silence, COUNT);
    for (name, silence, count) in [by_value, ("a word or two", by_words, COUNT), ("patterns only", by_pattern, COUNT / 10)] {
        let alerts: Vec<Alert> = (0..count).map(alert).collect();
        let silences: Vec<Silence> = (0..COUNT).map(silence).collect();
        let scanned = scan(&silences, &alerts[..COUNT / 100]);
        let mut router = Router::new(settings());
        let watch = Instant::now();
        silences.into_iter().for_each(|silence| router.put_silence(silence));
        let filled = each(watch, COUNT);
        router.receive(alerts.clone(), NOW);
        let mut looks = Vec::new();
        for _ in 0..2 {
            let watch = Instant::now();
            let silenced = router.alerts(NOW).iter().filter(|view| !view.silenced_by.is_empty()).count();
            looks.push(each(watch, count));
            assert_eq!(silenced, count);
        }
        println!("{name}: scan {scanned:.1}, first look {:.1}, later {:.1}; to add a silence {filled:.1}", looks[0], looks[1]);
    }
}

fn each(watch: Instant, count: usize) -> f64 {
    watch.elapsed().as_secs_f64() * 1e6 / count as f64
}

/// As it would be without an index.
fn scan(silences: &[Silence], alerts: &[Alert]) -> f64 {
    let watch = Instant::now();
    let silenced = alerts.iter().filter(|alert| silences.iter().filter(|silence| silence.mutes(&alert.labels, NOW)).count() > 0).count();
    assert_eq!(silenced, alerts.len());
    each(watch, alerts.len())
}

fn alert(number: usize) -> Alert {
    let instance = format!("host-{number}");
    Alert {
        labels: Labels::from_pairs([("alertname", "Drift"), ("instance", instance.as_str()), ("severity", "warning")]),
        annotations: Labels::empty(),
        starts_at: NOW,
        ends_at: Timestamp(2_000_000),
        updated_at: NOW,
        generator_url: String::new(),
        timeout: false,
    }
}

fn silence(number: usize, matchers: Vec<Matcher>) -> Silence {
    Silence { id: format!("s{number}"), matchers: vec![matchers], starts_at: Timestamp(0), ends_at: Timestamp(2_000_000) }
}

fn matcher(op: MatchOp, value: String) -> Matcher {
    Matcher::new("instance", op, value).expect("a valid pattern")
}

fn by_value(number: usize) -> Silence {
    silence(
        number,
        vec![Matcher::new("severity", MatchOp::NotEqual, "page").expect("valid"), matcher(MatchOp::Equal, format!("host-{number}"))],
    )
}

fn by_words(number: usize) -> Silence {
    silence(number, vec![matcher(MatchOp::Regex, format!("host-{number}|node-{number}"))])
}

fn by_pattern(number: usize) -> Silence {
    silence(number, vec![matcher(MatchOp::Regex, format!("host-{number}.?"))])
}

fn settings() -> RouterSettings {
    RouterSettings {
        route: Route {
            receiver: "none".into(),
            group_by: vec!["alertname".into()],
            group_wait: Millis::from_minutes(1),
            ..Route::default()
        },
        inhibit_rules: Vec::new(),
        time_intervals: Vec::new(),
        resolve_timeout: Millis::from_minutes(5),
        receivers: vec![ReceiverOutline {
            name: "none".into(),
            integrations: vec![IntegrationOutline { kind: "webhook".into(), index: 0, send_resolved: true }],
        }],
    }
}
