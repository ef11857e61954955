//! Which format a target speaks: what we ask for, and what its `Content-Type` says.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' text format, 0.0.4 and 1.0.0 (which adds quoted UTF-8 names).
    PrometheusText,
    /// OpenMetrics 1.0 and 0.0.1.
    OpenMetrics,
}

/// A word of `scrape_protocols`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Protobuf,
    OpenMetrics1,
    OpenMetrics0,
    Text1,
    Text0,
}

impl Protocol {
    pub const ALL: [(&str, Protocol); 5] = [
        ("PrometheusProto", Protocol::Protobuf),
        ("OpenMetricsText1.0.0", Protocol::OpenMetrics1),
        ("OpenMetricsText0.0.1", Protocol::OpenMetrics0),
        ("PrometheusText1.0.0", Protocol::Text1),
        ("PrometheusText0.0.4", Protocol::Text0),
    ];

    pub fn of(word: &str) -> Option<Protocol> {
        Protocol::ALL.into_iter().find(|(name, _)| *name == word).map(|(_, protocol)| protocol)
    }

    fn media_type(self) -> &'static str {
        match self {
            Protocol::Protobuf => "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
            Protocol::OpenMetrics1 => "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8",
            Protocol::OpenMetrics0 => "application/openmetrics-text;version=0.0.1",
            Protocol::Text1 => "text/plain;version=1.0.0;escaping=allow-utf-8",
            Protocol::Text0 => "text/plain;version=0.0.4",
        }
    }
}

/// The `Accept` header for these protocols, the best liked first, with Prometheus' weights; none is its default.
pub fn accept_header(protocols: &[Protocol]) -> String {
    if protocols.is_empty() {
        return ACCEPT.to_string();
    }
    let mut weight = Protocol::ALL.len() + 1;
    let mut out = String::new();
    for protocol in protocols.iter().take(Protocol::ALL.len()) {
        out.push_str(&format!("{};q=0.{weight},", protocol.media_type()));
        weight -= 1;
    }
    out + &format!("*/*;q=0.{weight}")
}

/// A scrape's body in the protobuf exposition format.
pub fn is_protobuf(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(|part| part.trim().to_ascii_lowercase());
    let media = parts.next().unwrap_or_default();
    media == "application/vnd.google.protobuf" && parts.all(|part| !part.starts_with("encoding=") || part == "encoding=delimited")
}

/// The `Accept` header of a scrape: Prometheus 3's default. Protobuf is asked for where `scrape_protocols` names it.
pub const ACCEPT: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
application/openmetrics-text;version=0.0.1;q=0.5,\
text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
text/plain;version=0.0.4;q=0.3,\
*/*;q=0.2";

impl Format {
    /// The `Content-Type` of a body that `TextWriter` wrote.
    pub fn content_type(self) -> &'static str {
        match self {
            Format::PrometheusText => "text/plain; version=0.0.4; charset=utf-8; escaping=allow-utf-8",
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
        }
    }
}

/// The format of a body. As in Prometheus 3, a missing or unknown type is an error unless a fallback is configured
/// (`fallback_scrape_protocol`): guessing would read an HTML page as metrics.
pub fn format_of(content_type: Option<&str>, fallback: Option<Format>) -> Result<Format, String> {
    let given = content_type.unwrap_or("").trim();
    let media_type = given.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    let problem = match media_type.as_str() {
        "text/plain" => return Ok(Format::PrometheusText),
        "application/openmetrics-text" => return Ok(Format::OpenMetrics),
        "application/vnd.google.protobuf" => {
            return Err("the target sent the protobuf format in an encoding other than delimited".into());
        }
        "" if given.is_empty() => "the target sent no Content-Type".to_string(),
        _ => format!("unsupported Content-Type {}", crate::error::snippet(given.as_bytes())),
    };
    fallback.ok_or_else(|| format!("{problem}; it must be text/plain or application/openmetrics-text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_are_asked_for_in_their_order() {
        let default = ["OpenMetricsText1.0.0", "OpenMetricsText0.0.1", "PrometheusText1.0.0", "PrometheusText0.0.4"];
        let protocols: Vec<Protocol> = default.iter().filter_map(|word| Protocol::of(word)).collect();
        assert_eq!(accept_header(&protocols), ACCEPT);
        assert_eq!(accept_header(&[]), ACCEPT);
        assert_eq!(
            accept_header(&[Protocol::Protobuf, Protocol::Text0]),
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.4"
        );
        assert!(is_protobuf("application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"));
        assert!(!is_protobuf("application/vnd.google.protobuf; encoding=text"));
        assert!(!is_protobuf("text/plain"));
    }

    #[test]
    fn the_content_type_decides() {
        for (given, want) in [
            ("text/plain", Format::PrometheusText),
            ("text/plain; version=0.0.4", Format::PrometheusText),
            ("TEXT/PLAIN;charset=utf-8", Format::PrometheusText),
            ("text/plain; version=1.0.0; escaping=allow-utf-8", Format::PrometheusText),
            ("application/openmetrics-text; version=1.0.0; charset=utf-8", Format::OpenMetrics),
        ] {
            assert_eq!(format_of(Some(given), None), Ok(want), "{given}");
        }
    }

    #[test]
    fn what_is_unknown_is_an_error_unless_there_is_a_fallback() {
        for given in [None, Some(""), Some("text/html"), Some(";"), Some("application/json; charset=utf-8")] {
            assert!(format_of(given, None).is_err(), "{given:?}");
            assert_eq!(format_of(given, Some(Format::OpenMetrics)), Ok(Format::OpenMetrics), "{given:?}");
        }
        let protobuf = Some("application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited");
        assert!(format_of(protobuf, Some(Format::PrometheusText)).is_err(), "a fallback does not make protobuf readable");
    }
}
