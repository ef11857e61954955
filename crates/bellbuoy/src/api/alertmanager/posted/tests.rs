//! Bodies and their refusals, as Alertmanager 0.33.1 answered them.

use super::*;

const NOW: Timestamp = Timestamp(1_800_000_000_000);

fn said(refusal: Refusal) -> String {
    match refusal {
        Refusal::Plain(status, message) => format!("{} {message}", status.as_u16()),
        Refusal::Coded(status, code, message) => format!("{}/{code} {message}", status.as_u16()),
    }
}

fn check_alerts(body: &str, expected: &str) {
    let got = match alerts(body.as_bytes(), NOW) {
        Ok((alerts, problems)) => format!("{} taken {}", alerts.len(), problems.join("; ")),
        Err(refusal) => said(refusal),
    };
    assert_eq!(got.trim(), expected, "{body}");
}

/// What Alertmanager 0.33.1 answered to the same bodies. Where Go describes its own reader's state, only the beginning is the same.
#[test]
fn alerts_are_refused_as_alertmanager_refuses_them() {
    check_alerts("", "422/602 alerts in body is required");
    let object = "json: cannot unmarshal object into Go value of type models.PostableAlerts";
    check_alerts("{}", &format!("400/400 parsing alerts body from \"\" failed, because {object}"));
    check_alerts("[]", "0 taken");
    check_alerts("null", "0 taken");
    check_alerts("[{}]", "422/602 0.labels in body is required");
    check_alerts(r#"[{"labels":{}}]"#, "0 taken at least one label pair required");
    check_alerts(r#"[{"labels":{"a":""}}]"#, "0 taken at least one label pair required");
    check_alerts(r#"[{"labels":{"":"x"}}]"#, "0 taken invalid label set: invalid name \"\"");
    check_alerts(r#"[{"labels":{"a":"b"},"annotations":{"":"x"}}]"#, "0 taken invalid annotations: invalid name \"\"");
    let number = "400/400 parsing alerts body from \"\" failed, because json: cannot unmarshal number into Go struct field";
    check_alerts(r#"[{"labels":{"a":1}}]"#, &format!("{number} Alert.labels.a of type string"));
    check_alerts(r#"[{"labels":{"a":"b"},"annotations":{"x":3}}]"#, &format!("{number} .annotations.x of type string"));
    let uri = "422/601 0.generatorURL in body must be of type uri: \"::bad\"";
    check_alerts(r#"[{"labels":{"a":"b"},"generatorURL":"::bad"}]"#, uri);
    check_alerts(r#"[{"labels":{"a-b ü":"c"},"foo":1,"generatorURL":"http://x/y?z=1"}]"#, "1 taken");
    check_alerts(
        r#"[{"labels":{"a":"b"},"startsAt":"2030-01-01T00:00:00Z","endsAt":"2029-01-01T00:00:00Z"},{"labels":{"":"x"}},{"labels":{"a":"c"}}]"#,
        "1 taken start time must be before end time; invalid label set: invalid name \"\"",
    );
    let time = "400/400 parsing alerts body from \"\" failed, because startsAt is not an RFC 3339 time: \"zz\"";
    check_alerts(r#"[{"labels":{"a":"b"},"startsAt":"zz"}]"#, time);
}

fn check_silence(body: &str, expected: &str) {
    let rest = r#""startsAt":"2027-01-15T00:00:00Z","endsAt":"2030-01-01T00:00:00Z","createdBy":"me","comment":"c""#;
    let body = body.replace("REST", rest).replace("MATCHERS", r#""matchers":[{"name":"a","value":"b","isRegex":false}]"#);
    let got = match silence(body.as_bytes(), NOW) {
        Ok(silence) => format!("{:?}", silence.matcher_sets),
        Err(refusal) => said(refusal),
    };
    assert_eq!(got, expected, "{body}");
}

#[test]
fn silences_are_refused_as_alertmanager_refuses_them() {
    check_silence("", "422/602 silence in body is required");
    check_silence("{}", "422/602 comment in body is required");
    check_silence("{MATCHERS}", "422/602 comment in body is required");
    check_silence(r#"{"matchers":[],REST}"#, "422/612 matchers in body should have at least 1 items");
    check_silence("{REST}", "422/602 matchers in body is required");
    check_silence(r#"{"matchers":[{"name":"a","value":"b"}],REST}"#, "422/602 matchers.0.isRegex in body is required");
    check_silence("{MATCHERS,REST}", r#"[[a="b"]]"#);
    check_silence(r#"{"matchers":[{"name":"ü b","value":".+","isRegex":true,"isEqual":false}],REST}"#, r#"[["ü b"!~".+"]]"#);
    let name = "400 invalid silence: invalid label matcher 0 in set 0: invalid label name \"\"";
    check_silence(r#"{"matchers":[{"name":"","value":"b","isRegex":false}],REST}"#, name);
    let regex = "400 invalid silence: invalid label matcher 0 in set 0: invalid regular expression \"(\": unclosed group";
    check_silence(r#"{"matchers":[{"name":"a","value":"(","isRegex":true}],REST}"#, regex);
    let ends = |ends: &str| format!(r#"{{MATCHERS,"startsAt":"2026-01-01T00:00:00Z","endsAt":"{ends}","createdBy":"me","comment":""}}"#);
    check_silence(&ends("2025-11-20T00:00:00Z"), "400 Failed to create silence: start time must be before end time");
    check_silence(&ends("2026-11-20T00:00:00Z"), "400 Failed to create silence: end time can't be in the past");
    check_silence(r#"{"matcherSets":[[{"name":"a","value":"b"}],[{"name":"c","value":"d"}]],REST}"#, r#"[[a="b"], [c="d"]]"#);
}
