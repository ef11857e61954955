//! Against recorded answers of Airflow 2.11.2 and 3.3.2 (`../fixtures`), and against a simulated one (`fake.rs`).

mod fake;
mod names;
mod polls;
mod property;
mod recorded;

use bellbuoy_vocabulary::{Millis, Timestamp};

use self::fake::Fake;
use super::{Airflow, AirflowSettings};
use crate::family::{Family, series};

/// 2026-11-21T03:00:00Z, when the answers were recorded.
const NOW: Timestamp = Timestamp(1_795_230_000_000);

/// The values of one metric: labels without the name, and value.
fn values(families: &[Family], name: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (labels, value) in series(families, &[]) {
        if labels.name() == name {
            let labels: Vec<String> = labels.without_name().iter().map(|(name, value)| format!("{name}={value}")).collect();
            found.push(format!("{} {value}", labels.join(",")).trim().to_string());
        }
    }
    found.sort();
    found
}

/// One whole poll of a simulated server.
fn poll(airflow: &mut Airflow, fake: &mut Fake, now: Timestamp) {
    airflow.begin(now);
    while let Some(call) = airflow.next(now) {
        let answer = fake.answer(&call, now);
        airflow.answer(answer, now);
    }
}

/// The program stops and starts again with what it had kept.
fn restarted(airflow: &Airflow) -> Airflow {
    let (airflow, problem) = Airflow::new(airflow.settings.clone(), airflow.kept());
    assert_eq!(problem, None);
    airflow
}

fn minutes(count: i64) -> Millis {
    Millis::from_minutes(count)
}

fn with_tasks() -> AirflowSettings {
    AirflowSettings { tasks: true, ..AirflowSettings::default() }
}
