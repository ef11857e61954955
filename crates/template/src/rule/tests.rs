//! Expected texts come from promtool 3.5.3 (`test rules`) for the same templates.
use super::*;

fn expanded(text: &str) -> String {
    let labels = Labels::from_pairs([("instance", "host.example.org:9100"), ("job", "node")]);
    let external = Labels::from_pairs([("region", "eu")]);
    let context = RuleContext {
        labels: &labels,
        value: 1234567.89,
        external_labels: &external,
        external_url: "http://p.example/prom",
        now: Timestamp(1_768_298_400_000),
    };
    let query = |expression: &str| match expression {
        "up" => Ok(vec![
            (Labels::from_pairs([("__name__", "up"), ("instance", "b")]), 1.0),
            (Labels::from_pairs([("__name__", "up"), ("instance", "a")]), 0.0),
        ]),
        "none" => Ok(vec![]),
        _ => Err("bad query".into()),
    };
    expand(text, &context, &query).unwrap_or_else(|error| format!("ERROR {error}"))
}

#[test]
fn works() {
    assert_eq!(expanded("x {{ $labels.job }} {{ $value }}"), "x node 1.23456789e+06");
    assert_eq!(expanded(r#"{{ query "up" | sortByLabel "instance" | first | label "instance" }}"#), "a");
}
