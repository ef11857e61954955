//! Any interleaving of states, polls and restarts counts each end once.
//!
//! A run's end can be seen only until the run is cleared, so the property for runs is: what a page has shown is counted once, and what was not cleared has
//! been shown. For tries of tasks it is the whole: all that ended are counted, since the server keeps their history.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::fake::FakeRun;
use super::*;

#[derive(Clone, Debug)]
enum Step {
    Wait(i64),
    Start,
    /// A try of a task of a run ends: with success, or to be tried again.
    TaskEnds {
        run: usize,
        task: usize,
        good: bool,
        /// Until it can be seen.
        late: i64,
    },
    Again {
        run: usize,
        task: usize,
    },
    RunEnds {
        run: usize,
        good: bool,
        late: i64,
    },
    Clear {
        run: usize,
    },
    Poll,
    Restart,
    /// The server is gone, or back.
    Down(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let late = prop_oneof![Just(0i64), 1..240_000i64];
    prop_oneof![
        3 => (1..200_000i64).prop_map(Step::Wait),
        2 => Just(Step::Start),
        6 => (0..8usize, 0..2usize, any::<bool>(), late.clone()).prop_map(|(run, task, good, late)| Step::TaskEnds { run, task, good, late }),
        3 => (0..8usize, 0..2usize).prop_map(|(run, task)| Step::Again { run, task }),
        5 => (0..8usize, any::<bool>(), late).prop_map(|(run, good, late)| Step::RunEnds { run, good, late }),
        1 => (0..8usize).prop_map(|run| Step::Clear { run }),
        6 => Just(Step::Poll),
        1 => Just(Step::Restart),
        1 => any::<bool>().prop_map(Step::Down),
    ]
}

/// The world: a server, and changes that were made but can not be seen yet.
struct World {
    fake: Fake,
    now: Timestamp,
    hidden: Vec<(Timestamp, usize, Option<usize>, &'static str, Timestamp)>,
}

impl World {
    fn wait(&mut self, length: i64) {
        self.now += Millis(length);
        let due: Vec<_> = self.hidden.iter().filter(|change| change.0 <= self.now).copied().collect();
        self.hidden.retain(|change| change.0 > self.now);
        for (_, run, task, state, end) in due {
            let run = &mut self.fake.runs[run];
            match task {
                Some(task) => run.tasks[task].end(state, end),
                None => (run.state, run.end) = (state, Some(end)),
            }
        }
    }

    fn is_hidden(&self, run: usize, task: Option<usize>) -> bool {
        self.hidden.iter().any(|change| (change.1, change.2) == (run, task))
    }

    fn task_is(&self, run: usize, task: usize, state: &str) -> bool {
        self.fake.runs.get(run).is_some_and(|run| run.tasks[task].state == Some(state))
    }

    fn step(&mut self, step: &Step) {
        let count = self.fake.runs.len();
        match *step {
            Step::Wait(length) => self.wait(length),
            Step::Start if count < 8 => {
                let run = FakeRun::running(["a", "b"][count % 2], &format!("r{count}"), 2, self.now);
                self.fake.runs.push(run);
            }
            Step::TaskEnds { run, task, good, late } if self.task_is(run, task, "running") && !self.is_hidden(run, Some(task)) => {
                let state = if good { "success" } else { "up_for_retry" };
                self.hidden.push((self.now + Millis(late), run, Some(task), state, self.now));
                // A task's tries do not end within the tolerance by which two clocks may tell one end.
                self.wait(11_000);
            }
            Step::Again { run, task } if self.task_is(run, task, "up_for_retry") => {
                let now = self.now;
                self.fake.runs[run].tasks[task].again(now);
            }
            Step::RunEnds { run, good, late } if run < count && !self.is_hidden(run, None) && self.fake.runs[run].end.is_none() => {
                self.hidden.push((self.now + Millis(late), run, None, if good { "success" } else { "failed" }, self.now));
                self.wait(1);
            }
            Step::Clear { run } if run < count && (0..2).all(|task| !self.is_hidden(run, Some(task))) => {
                let now = self.now;
                let run = &mut self.fake.runs[run];
                if run.end.is_some() {
                    (run.state, run.end) = ("running", None);
                    run.tasks.iter_mut().filter(|task| task.end.is_some()).for_each(|task| task.again(now));
                }
            }
            Step::Down(down) => self.fake.down = down,
            _ => {}
        }
    }
}

fn counted(airflow: &Airflow, name: &str) -> f64 {
    values(&airflow.families(NOW), name).iter().filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

fn check(steps: Vec<Step>, v2: bool, page_max: usize) {
    let mut world = World { fake: Fake::new(v2), now: NOW, hidden: Vec::new() };
    world.fake.page_max = page_max;
    world.fake.dags = vec![("a".into(), false), ("b".into(), false)];
    let (mut airflow, _) = Airflow::new(AirflowSettings { calls_max: 12, ..with_tasks() }, None);
    poll(&mut airflow, &mut world.fake, world.now);
    world.wait(1000);
    for step in &steps {
        match step {
            Step::Poll => poll(&mut airflow, &mut world.fake, world.now),
            Step::Restart => airflow = restarted(&airflow),
            step => world.step(step),
        }
    }
    // All that still goes on ends, and everybody has time.
    world.fake.down = false;
    world.wait(300_000);
    for run in 0..world.fake.runs.len() {
        for task in 0..2 {
            world.step(&Step::Again { run, task });
            world.step(&Step::TaskEnds { run, task, good: true, late: 0 });
        }
        world.step(&Step::RunEnds { run, good: true, late: 0 });
    }
    for _ in 0..40 {
        world.wait(60_000);
        poll(&mut airflow, &mut world.fake, world.now);
    }
    let shown: BTreeSet<_> = world.fake.shown_runs.iter().filter(|(_, _, end)| *end > NOW).collect();
    for run in &world.fake.runs {
        let end = run.end.expect("all have ended");
        assert!(shown.contains(&(run.dag.clone(), run.id.clone(), end)), "a run was never shown");
    }
    assert_eq!(counted(&airflow, "airflow_dag_runs_total"), shown.len() as f64, "runs");
    assert_eq!(counted(&airflow, "airflow_dag_run_duration_seconds_count"), shown.len() as f64, "durations of runs");
    let mut tries: BTreeMap<&str, f64> = BTreeMap::new();
    for task in world.fake.runs.iter().flat_map(|run| &run.tasks) {
        for state in task.tries.iter().map(|one| one.1).chain(task.state) {
            *tries.entry(state).or_default() += 1.0;
        }
    }
    assert_eq!(counted(&airflow, "airflow_task_attempts_total"), tries.values().sum::<f64>(), "tries {tries:?}");
    assert_eq!(counted(&airflow, "airflow_exporter_attempts_missed_total"), 0.0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    // Pages of two rows at least: of one row each, all begin at places, where a row that appears late can hide that another one was cleared (listing.rs).
    #[test]
    fn each_end_is_counted_once(steps in prop::collection::vec(step(), 1..120), v2 in any::<bool>(), page_max in 2..6usize) {
        check(steps, v2, page_max);
    }
}
