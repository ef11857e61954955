//! Alerts as they are posted to API v2, read without a tree of JSON values in between: senders post tens of thousands.
//!
//! In:    a body. Out: its alerts, when each of them is as it should be.
//! Never: says what is wrong with a body; posted.rs reads it then, and says so in Alertmanager's words.

use std::borrow::Cow;
use std::fmt;

use bellbuoy_vocabulary::{Labels, Timestamp};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::posted::absolute;
use crate::config::alert_label_name_ok;
use crate::path::PostedAlert;

#[derive(serde::Deserialize)]
struct Posted<'a> {
    labels: Pairs,
    #[serde(default)]
    annotations: Pairs,
    #[serde(borrow, default, rename = "startsAt")]
    starts_at: Option<Text<'a>>,
    #[serde(borrow, default, rename = "endsAt")]
    ends_at: Option<Text<'a>>,
    #[serde(borrow, default, rename = "generatorURL")]
    generator_url: Option<Text<'a>>,
}

#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Default)]
struct Pairs(Labels);

/// The alerts of a body; `None` when anything about it is not as it should be.
pub fn read(body: &[u8], now: Timestamp, alerts_max: usize) -> Option<Vec<PostedAlert>> {
    let posted: Vec<Posted> = serde_json::from_slice(body).ok()?;
    if posted.len() > alerts_max {
        return None;
    }
    posted.into_iter().map(|posted| alert(posted, now)).collect()
}

fn alert(posted: Posted, now: Timestamp) -> Option<PostedAlert> {
    let (starts_at, ends_at) = (time(posted.starts_at)?, time(posted.ends_at)?);
    let labels = posted.labels.0;
    let generator_url = posted.generator_url.map(|text| text.0.into_owned()).unwrap_or_default();
    let url_ok = generator_url.is_empty() || generator_url.starts_with('/') || absolute(&generator_url);
    let in_order = ends_at.is_none_or(|end| end >= starts_at.or(ends_at).unwrap_or(now));
    (in_order && url_ok && !labels.is_empty()).then_some(PostedAlert {
        labels,
        annotations: posted.annotations.0,
        starts_at,
        ends_at,
        generator_url,
    })
}

/// An absent time is `Some(None)`.
fn time(text: Option<Text>) -> Option<Option<Timestamp>> {
    let Some(text) = text else { return Some(None) };
    // Go's zero time, which stands for none.
    if text.0.starts_with("0001-") {
        return None;
    }
    Timestamp::parse_rfc3339(&text.0).map(Some)
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Pairs, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of texts")
            }

            fn visit_unit<E>(self) -> Result<Pairs, E> {
                Ok(Pairs::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs: Vec<(Text<'de>, Text<'de>)> = Vec::with_capacity(16);
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                let sorted = pairs.is_sorted_by(|a, b| a.0.0 < b.0.0);
                if !pairs.iter().all(|(name, _)| alert_label_name_ok(&name.0)) {
                    return Err(serde::de::Error::custom("a name that is none"));
                }
                Ok(Pairs(if sorted {
                    Labels::from_sorted(pairs.iter().filter(|(_, value)| !value.0.is_empty()).map(|(name, value)| (&*name.0, &*value.0)))
                } else {
                    Labels::from_pairs(pairs.iter().map(|(name, value)| (&*name.0, &*value.0)))
                }))
            }
        }
        from.deserialize_any(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: Option<&str>) {
        let told = read(body.as_bytes(), Timestamp(0), 2).map(|alerts| {
            let one = |alert: &PostedAlert| {
                let times = [alert.starts_at, alert.ends_at].map(|at| at.map_or("-".to_string(), |at| at.0.to_string()));
                format!("{} {} {} {}", alert.labels, alert.annotations, times.join(" "), alert.generator_url)
            };
            alerts.iter().map(one).collect::<Vec<_>>().join("; ")
        });
        assert_eq!(told.as_deref(), expected, "{body}");
    }

    #[test]
    fn what_is_as_it_should_be() {
        check("[]", Some(""));
        check(r#"[{"labels":{"b":"2","a":"1\n","c":""}}]"#, Some(r#"{a="1\n", b="2"} {} - - "#));
        check(
            r#"[{"labels":{"a":"1","a":"2"},"annotations":null,"startsAt":"1970-01-01T00:00:01Z","endsAt":null,"generatorURL":"/u","more":[1]}]"#,
            Some(r#"{a="2"} {} 1000 - /u"#),
        );
        check(r#"[{"labels":{"a":"1"},"annotations":{"s":"ü"}},{"labels":{"a":"2"}}]"#, Some(r#"{a="1"} {s="ü"} - - ; {a="2"} {} - - "#));
    }

    #[test]
    fn what_is_not_is_left_to_the_slow_reader() {
        for body in [
            "",
            "{}",
            "[1]",
            "[{}]",
            r#"[{"labels":{}}]"#,
            r#"[{"labels":{"a":""}}]"#,
            r#"[{"labels":{"":"1"}}]"#,
            r#"[{"labels":{"a":1}}]"#,
            r#"[{"labels":{"a":"1"},"startsAt":"yesterday"}]"#,
            r#"[{"labels":{"a":"1"},"endsAt":"0001-01-01T00:00:00Z"}]"#,
            r#"[{"labels":{"a":"1"},"generatorURL":"u"}]"#,
            r#"[{"labels":{"a":"1"},"startsAt":"1970-01-01T00:00:02Z","endsAt":"1970-01-01T00:00:01Z"}]"#,
            r#"[{"labels":{"a":"1"}},{"labels":{"a":"2"}},{"labels":{"a":"3"}}]"#,
            r#"[{"labels":{"a":"1"}}"#,
        ] {
            check(body, None);
        }
    }
}
