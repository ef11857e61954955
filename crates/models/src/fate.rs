//! What became of the challengers that were deployed, as far as it is known, and what that says for another line of the rules.
//!
//! In:    evaluations on record, who was champion when (of a model registry), outcomes under other values. Out: a `Fate` each; a value with its reason,
//!        or why there is none.
//! Never: guesses what a challenger would have brought that was not deployed; calls one good that was never deployed.

use bellbuoy_vocabulary::{Timestamp, format_float};

use crate::{DeploymentOutcome, Evaluated};

/// Names in a sentence; the rest is counted.
const NAMES_MAX: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    NotDeployed,
    /// Nobody went back to an older version while it was the newest.
    Stayed,
    /// An older version took its place.
    RolledBack(Timestamp),
    /// The record does not name the version.
    Unknown,
}

/// The champion of a model registry from a time on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Champion {
    pub at: Timestamp,
    pub version: u64,
}

/// One value of a sweep, and what each evaluation comes to with it.
#[derive(Clone, Debug)]
pub struct TriedLine {
    pub value: f64,
    pub outcomes: Vec<DeploymentOutcome>,
}

/// In the order of `evaluated` and of `champions`, which is that of time.
pub fn fates(evaluated: &[Evaluated], champions: &[Champion]) -> Vec<Fate> {
    let deployed = |one: &Evaluated| one.was == DeploymentOutcome::Deploy;
    let fate = |(index, one): (usize, &Evaluated)| {
        if !deployed(one) {
            return Fate::NotDeployed;
        }
        let Some(version) = one.version.as_deref() else { return Fate::Unknown };
        let older = |name: &Option<String>| evaluated[..index].iter().any(|earlier| deployed(earlier) && earlier.version == *name);
        let next = evaluated[index + 1..].iter().find(|later| deployed(later) && later.version.as_deref() != Some(version));
        let again = next.filter(|next| next.version.is_some() && older(&next.version)).map(|next| next.at);
        match [again, replaced_by_older(version, one.at, champions)].into_iter().flatten().min() {
            Some(at) => Fate::RolledBack(at),
            None => Fate::Stayed,
        }
    };
    evaluated.iter().enumerate().map(fate).collect()
}

/// When the registry went from this version back to one with a lower number.
fn replaced_by_older(version: &str, from: Timestamp, champions: &[Champion]) -> Option<Timestamp> {
    let number: u64 = version.strip_prefix(['v', 'V']).unwrap_or(version).parse().ok()?;
    let pairs = champions.iter().zip(champions.iter().skip(1));
    // The alias may have been set a moment before the evaluation was told.
    let mut gone = pairs.filter(|(is, next)| is.version == number && next.version != number && next.at > from);
    gone.next().filter(|(_, next)| next.version < number).map(|(_, next)| next.at)
}

/// The value that promotes every version that stayed and the fewest of those that were rolled back, when it is better than `own`.
pub fn suggested_line(evaluated: &[Evaluated], fates: &[Fate], tried: &[TriedLine], own: f64) -> Result<(f64, String), String> {
    let named = |wanted: &dyn Fn(&Fate) -> bool| -> Vec<&Evaluated> {
        evaluated.iter().zip(fates).filter(|(_, fate)| wanted(fate)).map(|(one, _)| one).collect()
    };
    let stayed = named(&|fate| *fate == Fate::Stayed);
    let back = named(&|fate| matches!(fate, Fate::RolledBack(_)));
    let left = named(&|fate| *fate == Fate::NotDeployed).len();
    let unknown = named(&|fate| *fate == Fate::Unknown).len();
    let not_known = match left {
        0 => String::new(),
        1 => "; what the one would have brought that was not deployed is not known".to_string(),
        count => format!("; what the {count} would have brought that were not deployed is not known"),
    };
    if stayed.is_empty() && back.is_empty() {
        return Err(match unknown {
            0 => format!("no challenger of this time was deployed, so of none it is known how it fared{not_known}"),
            _ => "the record does not name the versions that were deployed, so it is not known which one was rolled back; tell `version` with each evaluation".to_string(),
        });
    }
    if back.is_empty() {
        let all = names(&stayed);
        return Err(format!(
            "what was deployed stayed ({all}): no version that was rolled back is on record, so nothing speaks for another line{not_known}"
        ));
    }
    if stayed.is_empty() {
        return Err(format!(
            "what was deployed was rolled back ({}): which line would let a good version through is not known",
            names(&back)
        ));
    }
    let deploys = |line: &TriedLine, wanted: &dyn Fn(&Fate) -> bool| {
        fates.iter().zip(&line.outcomes).filter(|(fate, outcome)| wanted(fate) && **outcome == DeploymentOutcome::Deploy).count()
    };
    let good = |line: &TriedLine| deploys(line, &|fate| *fate == Fate::Stayed);
    let bad = |line: &TriedLine| deploys(line, &|fate| matches!(fate, Fate::RolledBack(_)));
    let guessed = |line: &TriedLine| deploys(line, &|fate| *fate == Fate::NotDeployed);
    let Some(now) = tried.iter().find(|line| line.value == own) else { return Err("the rules have no such value now".into()) };
    let same = match stayed.as_slice() {
        [one] => format!("{}, which stayed", names(&[one])),
        all => format!("the same {} versions that stayed ({})", all.len(), names(all)),
    };
    // A line that lets more through than now is not better for what nobody knows.
    let fit = tried.iter().filter(|line| good(line) == stayed.len() && guessed(line) <= guessed(now));
    let best = fit.min_by(|a, b| bad(a).cmp(&bad(b)).then((a.value - own).abs().total_cmp(&(b.value - own).abs())));
    let Some(best) = best.filter(|best| bad(best) < bad(now)) else {
        return Err(if bad(now) < back.len() && good(now) == stayed.len() {
            format!(
                "as it is ({}) it promotes {same}, and no value of the sweep leaves out more of what was rolled back ({})",
                format_float(own),
                names(&back)
            )
        } else {
            format!("no value of the sweep promotes {same}, and leaves out what was rolled back ({})", names(&back))
        });
    };
    let out: Vec<&Evaluated> = evaluated
        .iter()
        .zip(fates.iter().zip(&best.outcomes))
        .filter(|(_, (fate, outcome))| matches!(fate, Fate::RolledBack(_)) && **outcome != DeploymentOutcome::Deploy)
        .map(|(one, _)| one)
        .collect();
    let were = if out.len() == 1 { "which was" } else { "which were" };
    let reason =
        format!("at {} it would have promoted {same}, and not {}, {were} rolled back{not_known}", format_float(best.value), names(&out));
    Ok((best.value, reason))
}

fn names(of: &[&Evaluated]) -> String {
    let mut shown: Vec<&str> = of.iter().take(NAMES_MAX).map(|one| one.version.as_deref().unwrap_or("one without a name")).collect();
    let more = format!("{} more", of.len().saturating_sub(NAMES_MAX));
    if of.len() > NAMES_MAX {
        shown.push(&more);
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{DeploymentSettings, DeploymentThresholds, Metric};

    fn settings() -> DeploymentSettings {
        DeploymentSettings::of(Metric::R2, &DeploymentThresholds::default())
    }

    /// Version, gain, decision; a minute apart.
    fn record(rows: &[(&str, f64, &str)]) -> Vec<Evaluated> {
        let one = |(minute, (version, gain, was)): (usize, &(&str, f64, &str))| {
            let entry = json!({
                "at": Timestamp(minute as i64 * 60_000).rfc3339(), "decision": was, "reason": "better", "version": (!version.is_empty()).then_some(version),
                "current": {"metric": "r2", "gain": gain, "rows": 300}, "baseline": {"metric": "r2", "gain": 0.0, "rows": 300},
            });
            Evaluated::of_record(&entry, &settings()).expect("an evaluation")
        };
        rows.iter().enumerate().map(one).collect()
    }

    fn said(rows: &[(&str, f64, &str)], champions: &[(i64, u64)], values: &[f64]) -> Result<(f64, String), String> {
        let evaluated = record(rows);
        let champions: Vec<Champion> =
            champions.iter().map(|(minute, version)| Champion { at: Timestamp(minute * 60_000), version: *version }).collect();
        let settings = settings();
        let judged = |value: f64| {
            let changed = settings.changed("improvement_min", value).expect("there is one");
            TriedLine { value, outcomes: evaluated.iter().map(|one| one.judge(&changed).outcome).collect() }
        };
        let tried: Vec<TriedLine> = values.iter().map(|value| judged(*value)).collect();
        suggested_line(&evaluated, &fates(&evaluated, &champions), &tried, settings.value("improvement_min").expect("a line"))
    }

    const VALUES: [f64; 4] = [0.0, 0.02, 0.05, 0.2];
    const YEAR: [(&str, f64, &str); 5] =
        [("v2", 0.1, "deploy"), ("v3", 0.08, "deploy"), ("v4", 0.01, "deploy"), ("v5", -0.1, "skip"), ("v6", 0.06, "deploy")];

    /// v4 was a little better on the test sets, and was taken back; the registry says so, or the record of the older version deployed again.
    #[test]
    fn a_line_that_leaves_out_what_was_rolled_back() {
        let reason = "at 0.02 it would have promoted the same 3 versions that stayed (v2, v3, v6), and not v4, which was rolled back; \
            what the one would have brought that was not deployed is not known";
        assert_eq!(said(&YEAR, &[(0, 2), (1, 3), (2, 4), (3, 3), (5, 6)], &VALUES), Ok((0.02, reason.to_string())));
        let again = [YEAR[0], YEAR[1], YEAR[2], ("v3", 0.07, "deploy"), YEAR[4]];
        let told = said(&again, &[], &VALUES).expect("a line");
        assert!(told.0 == 0.02 && told.1.contains("and not v4, which was rolled back"), "{told:?}");
    }

    #[test]
    fn why_there_is_no_suggestion() {
        let why = |rows: &[(&str, f64, &str)], champions: &[(i64, u64)], values: &[f64], words: &str| {
            let said = said(rows, champions, values).expect_err(words);
            assert!(said.contains(words), "{said}");
        };
        let back = [(0, 2), (1, 3), (2, 4), (3, 3), (5, 6)];
        why(&YEAR, &[], &VALUES, "no version that was rolled back is on record");
        why(&YEAR, &[(0, 2), (1, 3), (2, 4), (4, 6)], &VALUES, "no version that was rolled back is on record");
        why(
            &YEAR,
            &back,
            &[0.0, 0.2],
            "no value of the sweep promotes the same 3 versions that stayed (v2, v3, v6), and leaves out what was rolled back (v4)",
        );
        why(&YEAR[3..4], &back, &VALUES, "no challenger of this time was deployed");
        why(&YEAR[2..3], &back, &VALUES, "which line would let a good version through is not known");
        why(&[("", 0.1, "deploy")], &back, &VALUES, "does not name the versions");
        // A run's own name says nothing of the registry's numbers.
        why(&[("run-7", 0.1, "deploy"), ("run-8", 0.01, "deploy")], &back, &VALUES, "no version that was rolled back is on record");
        // Nobody would have deployed it by today's line.
        why(&[YEAR[0], ("v4", -0.2, "deploy"), YEAR[4]], &back, &VALUES, "as it is (0) it promotes the same 2 versions");
    }

    /// A lower line would let v5 through, of which nothing is known.
    #[test]
    fn what_was_not_deployed_speaks_for_nothing() {
        let rows = [("v2", 0.1, "deploy"), ("v4", 0.01, "deploy"), ("v5", 0.03, "skip")];
        let evaluated = record(&rows);
        let fates = fates(&evaluated, &[Champion { at: Timestamp(60_000), version: 4 }, Champion { at: Timestamp(90_000), version: 2 }]);
        assert_eq!(fates, [Fate::Stayed, Fate::RolledBack(Timestamp(90_000)), Fate::NotDeployed]);
        use DeploymentOutcome::{Deploy, Skip};
        let line = |value, outcomes: [DeploymentOutcome; 3]| TriedLine { value, outcomes: outcomes.into() };
        let tried = [line(0.0, [Deploy, Deploy, Skip]), line(0.01, [Deploy, Skip, Deploy]), line(0.5, [Skip, Skip, Skip])];
        assert!(suggested_line(&evaluated, &fates, &tried, 0.0).is_err());
    }
}
