//! What `bellbuoy check` would say of the configuration in force, found beside the running program: on a thread of its own, at low
//! priority, one at a time. With 10,000 rules it takes seconds, and on a busy machine a minute; nobody waits for it.
//!
//! In:    each configuration that came into force. Out: its findings, and whether they are of the newest one.
//! Never: delays start, reload, scrapes or answers; leaves a check that failed looking like one that found nothing.
//! Bounds: one check runs, the newest configuration waits behind it; a newer one stops what runs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bellbuoy_check::Finding;
use bellbuoy_vocabulary::Severity;
use tokio::sync::watch;
use tracing::{error, warn};

use crate::clock;
use crate::config::{Loaded, Settings};
use crate::findings::{self, Findings, Known};

/// Added to the thread's niceness: who scrapes and tells goes first.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// What the last check said.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    pub findings: Arc<Vec<Finding>>,
    /// The configuration in force is still being looked at; the findings are of the one before.
    pub running: bool,
    /// Why there are no findings although nobody can say that there is nothing to find.
    pub problem: Option<String>,
}

type Look = dyn Fn(&mut Loaded, &Known) -> Result<Findings, String> + Send + Sync;

pub struct Checker {
    look: Box<Look>,
    turn: Mutex<Turn>,
    checked: watch::Sender<Checked>,
}

#[derive(Default)]
struct Turn {
    next: Option<Loaded>,
    /// Of the check that runs: set, it stops at the next opportunity.
    running: Option<Arc<AtomicBool>>,
}

impl Checker {
    pub fn new() -> Arc<Checker> {
        Checker::with(Box::new(findings::look))
    }

    fn with(look: Box<Look>) -> Arc<Checker> {
        Arc::new(Checker { look, turn: Mutex::default(), checked: watch::channel(Checked::default()).0 })
    }

    /// Comes back at once.
    pub fn check(self: &Arc<Self>, mut loaded: Loaded, settings: Settings) {
        loaded.settings = Some(settings);
        let mut turn = self.turn();
        turn.next = Some(loaded);
        self.checked.send_modify(|checked| checked.running = true);
        if let Some(stop) = &turn.running {
            stop.store(true, Ordering::Release);
            return;
        }
        turn.running = Some(Arc::default());
        let checker = self.clone();
        if let Err(error) = std::thread::Builder::new().name("check".into()).spawn(move || checker.run()) {
            *turn = Turn::default();
            self.publish(Checked { problem: Some(format!("the check could not be started: {error}")), ..Checked::default() });
        }
    }

    pub fn checked(&self) -> Checked {
        self.checked.borrow().clone()
    }

    /// The findings of the configuration in force, or after `patience` those of the one before.
    pub async fn settled(&self, patience: Duration) -> Checked {
        let mut changes = self.checked.subscribe();
        let _ = tokio::time::timeout(patience, changes.wait_for(|checked| !checked.running)).await;
        self.checked()
    }

    fn run(&self) {
        #[cfg(target_os = "linux")]
        if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
            warn!("check: it runs at the priority of everything else: {error}");
        }
        loop {
            let (mut loaded, stop) = {
                let mut turn = self.turn();
                let Some(loaded) = turn.next.take() else {
                    turn.running = None;
                    self.checked.send_modify(|checked| checked.running = false);
                    return;
                };
                (loaded, turn.running.insert(Arc::default()).clone())
            };
            let known = Known { now: Some(clock::now()), stop: stop.clone(), ..Known::default() };
            let looked = catch_unwind(AssertUnwindSafe(|| (self.look)(&mut loaded, &known)));
            let turn = self.turn();
            if turn.next.is_none() {
                self.publish(Checked { running: true, ..outcome(looked) });
            }
        }
    }

    fn publish(&self, checked: Checked) {
        if let Some(problem) = &checked.problem {
            error!("check: {problem}");
        }
        log(&checked.findings);
        self.checked.send_replace(checked);
    }

    fn turn(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// A check that fails must not keep anybody from being told, nor say that all is well.
fn outcome(looked: std::thread::Result<Result<Findings, String>>) -> Checked {
    match looked {
        Ok(Ok(found)) => Checked { findings: Arc::new(found.findings), ..Checked::default() },
        Ok(Err(problem)) => Checked { problem: Some(problem), ..Checked::default() },
        Err(_) => Checked {
            problem: Some("it failed, which is a fault of bellbuoy; nothing is known of the configuration".into()),
            ..Checked::default()
        },
    }
}

fn log(found: &[Finding]) {
    let count = |severity| found.iter().filter(|finding| finding.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    if errors + warnings > 0 {
        let first = found.iter().find(|finding| finding.severity >= Severity::Warning).map(|finding| finding.problem().to_string());
        let first = first.unwrap_or_default();
        warn!("check: errors {errors}, warnings {warnings}; `bellbuoy check` shows them all; the first: {first}");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// A check that tells which file it looks at, and then waits to be let go: with an answer, or a stop that it sees.
    fn held() -> (Arc<Checker>, Receiver<String>, Sender<&'static str>) {
        let ((told, begun), (go, wait)) = (channel(), channel::<&'static str>());
        let (told, wait) = (Mutex::new(told), Mutex::new(wait));
        let look = move |loaded: &mut Loaded, known: &Known| {
            let file = loaded.files[0].display().to_string();
            let _ = told.lock().unwrap().send(file.clone());
            match wait.lock().unwrap().recv() {
                Ok("panic") => panic!("of the test"),
                Ok("stopped") => assert!(known.stop.load(Ordering::Acquire), "a newer configuration stops it"),
                _ => assert!(!known.stop.load(Ordering::Acquire)),
            }
            Ok(Findings {
                findings: vec![Finding::of_file("config", Severity::Info, &file, String::new(), String::new())],
                ..Findings::default()
            })
        };
        (Checker::with(Box::new(look)), begun, go)
    }

    fn loaded(file: &str) -> Loaded {
        Loaded { files: vec![file.into()], ..Loaded::default() }
    }

    fn files(checked: &Checked) -> Vec<String> {
        checked.findings.iter().map(|finding| finding.file.clone()).collect()
    }

    const LONG: Duration = Duration::from_secs(60);

    /// A check of 10,000 rules held the start for seconds, and at a reload the lock that `/metrics` needs: scrapes of bellbuoy failed.
    #[tokio::test]
    async fn nobody_waits_for_a_check_and_only_the_newest_counts() {
        let (checker, begun, go) = held();
        checker.check(loaded("first"), Settings::default());
        assert_eq!(begun.recv_timeout(LONG), Ok("first".to_string()));
        assert!(checker.checked().running && files(&checker.checked()).is_empty());
        assert!(checker.settled(Duration::ZERO).await.running, "who has no patience hears that it runs");
        checker.check(loaded("second"), Settings::default());
        checker.check(loaded("third"), Settings::default());
        let _ = go.send("stopped");
        assert_eq!(begun.recv_timeout(LONG), Ok("third".to_string()), "the second was never begun");
        assert!(files(&checker.checked()).is_empty(), "what was stopped says nothing");
        let _ = go.send("go");
        let checked = checker.settled(LONG).await;
        assert_eq!((files(&checked), checked.running, checked.problem), (vec!["third".to_string()], false, None));
        checker.check(loaded("fourth"), Settings::default());
        assert_eq!(begun.recv_timeout(LONG), Ok("fourth".to_string()));
        assert_eq!(files(&checker.checked()), ["third"], "the old findings stay until there are new ones");
        let _ = go.send("go");
        assert_eq!(files(&checker.settled(LONG).await), ["fourth"]);
    }

    /// It was a configuration without findings.
    #[tokio::test]
    async fn a_check_that_fails_is_not_one_that_finds_nothing() {
        let (checker, begun, go) = held();
        checker.check(loaded("first"), Settings::default());
        assert!(begun.recv_timeout(LONG).is_ok());
        let _ = go.send("panic");
        let checked = checker.settled(LONG).await;
        assert!(checked.problem.is_some_and(|problem| problem.contains("fault of bellbuoy")));
    }
}
