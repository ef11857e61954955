//! `group-too-slow`: the evaluation of a group takes longer than its interval.

use bellbuoy_vocabulary::{Severity, format_duration};

use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;

pub const CODE: &str = "group-too-slow";

pub fn run(input: &Input, _: &RuleGraph, findings: &mut Vec<Finding>) {
    for time in input.evaluations.iter().filter(|time| time.took >= time.interval && time.interval.0 > 0) {
        let (took, interval) = (format_duration(time.took), format_duration(time.interval));
        let message = format!("group {}: its last evaluation took {took}, its interval is {interval}", time.name);
        let why = "Evaluations are left out: `for` is measured too coarsely, recorded series have gaps.".to_string();
        let file = input.groups.iter().find(|group| group.name == time.name).map_or(time.file.as_str(), |group| group.file.as_str());
        let finding = Finding::of_file(CODE, Severity::Warning, file, message, why);
        let path = ["groups".into(), crate::Step::Item("name", time.name.clone()), "name".into()];
        findings.push(
            finding.under(path).fix(Some("split the group, record what several rules compute, or make the interval longer".to_string())),
        );
    }
}

#[cfg(test)]
mod tests {
    use bellbuoy_vocabulary::Millis;

    use crate::{GroupTime, Input, check};

    #[test]
    fn slower_than_its_interval() {
        let found = |took: i64| {
            let time = GroupTime {
                name: "g".into(),
                file: "rules.yml".into(),
                interval: Millis::from_seconds(15),
                took: Millis::from_seconds(took),
            };
            check(&Input { evaluations: &[time], ..Input::default() }).len()
        };
        assert_eq!((found(20), found(3)), (1, 0));
    }
}
