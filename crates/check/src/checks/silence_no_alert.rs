//! `silence-no-alert`: a silence that no alert of these rules can match.

use bellbuoy_vocabulary::Severity;

use super::alerts::{alerts_of, passes_all};
use super::inhibit_never::text;
use super::routes::finding;
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;

pub const CODE: &str = "silence-no-alert";

pub fn run(input: &Input, graph: &RuleGraph, findings: &mut Vec<Finding>) {
    if input.silences.is_empty() {
        return;
    }
    let alerts = alerts_of(input, graph);
    if alerts.is_empty() {
        return;
    }
    for silence in input.silences {
        if alerts.iter().any(|alert| passes_all(alert.shape, &silence.matchers) != Some(false)) {
            continue;
        }
        let comment = if silence.comment.is_empty() { String::new() } else { format!(" ({:?})", silence.comment) };
        let message = format!("silence {}{comment} matches no alert: {}", silence.id, text(&silence.matchers));
        let why = "None of these rules can make such an alert: it silences nothing.".to_string();
        findings.push(finding(input, CODE, Severity::Info, message, why, None));
    }
}

#[cfg(test)]
mod tests {
    use bellbuoy_vocabulary::Matcher;

    use crate::tests::{alert, group};
    use crate::{Input, SilenceOutline, check};

    #[test]
    fn nothing_to_silence() {
        let groups = [group(vec![bellbuoy_rules::RuleSettings::Alerting(alert("sum by (job) (x) > 1"))])];
        let found = |matcher: Matcher| {
            let silences = [SilenceOutline { id: "s".into(), matchers: vec![matcher], comment: "holidays".into() }];
            let found = check(&Input { groups: &groups, silences: &silences, ..Input::default() });
            found.iter().filter(|finding| finding.code == super::CODE).map(|finding| finding.message.clone()).collect::<Vec<_>>()
        };
        assert_eq!(found(Matcher::equal("alertname", "Tset")), ["silence s (\"holidays\") matches no alert: {alertname=\"Tset\"}"]);
        assert_eq!(found(Matcher::equal("cluster", "a")).len(), 1);
        assert_eq!(found(Matcher::equal("job", "a")), [""; 0]);
    }
}
