//! The world: targets that come and go, a disk that loses power, a receiver that fails, and a program that is killed at any step.
//!
//! The steps are those of the boat: scraped samples are committed; a rule group's samples are committed, then its alerts' states, what the
//! router made of them and the messages to send go to the database in one transaction; only then is anything sent.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use bellbuoy_promql::Engine;
use bellbuoy_router::{Change, Decision, LogEntry, LogKey, Notification, Router};
use bellbuoy_rules::{AlertState, Evaluation, Group, RESEND_DELAY};
use bellbuoy_scrape::{Response, TargetState, targets_of};
use bellbuoy_store::crash::CrashDisk;
use bellbuoy_store::{Durability, Options, Store};
use bellbuoy_vocabulary::{Alert, Labels, Millis, Timestamp};

use crate::Report;
use crate::chance::Chance;
use crate::ledger::{Ledger, dump};
use crate::settings;

const TURN: Millis = Millis::from_seconds(1);
/// Without failures, at the end. Longer than the longest look-back, `keep_firing_for` and outage together.
const QUIET_TURNS: u32 = 900;
const RETRY_AFTER: Millis = Millis::from_seconds(3);

/// The process died here.
struct Crash;

#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Good,
    Loaded,
    /// Answers nothing.
    Down,
}

/// A service that is watched. It lives on when the program dies.
struct Service {
    mood: Mood,
    due: Timestamp,
}

/// The simulated SQLite: a transaction is there wholly or not at all, and survives everything.
#[derive(Default)]
struct Database {
    rules: BTreeMap<String, Vec<AlertState>>,
    alerts: BTreeMap<u64, Alert>,
    log: BTreeMap<LogKey, LogEntry>,
    outbox: BTreeMap<u64, Message>,
    next_message: u64,
}

struct Message {
    notification: Notification,
    due: Timestamp,
}

/// What lives in the process' memory only.
struct Process {
    store: Store,
    targets: Vec<TargetState>,
    groups: Vec<(Group, Timestamp)>,
    router: Router,
}

/// What a broken program would lose with a crash; for tests that show that the ledger notices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sabotage {
    Nothing,
    Samples,
    AlertStates,
    NotificationLog,
    Outbox,
}

pub struct World {
    seed: u64,
    sabotage: Sabotage,
    chance: Chance,
    now: Timestamp,
    /// Nothing fails any more.
    quiet: bool,
    services: Vec<Service>,
    disk: CrashDisk,
    engine: Engine,
    database: Database,
    process: Process,
    ledger: Ledger,
    crashes: usize,
    log: String,
}

impl World {
    pub fn new(seed: u64, sabotage: Sabotage) -> World {
        let now = Timestamp(1_000_000);
        let disk = CrashDisk::new();
        let database = Database::default();
        let process = start(&disk, &database, now);
        let service = |state: &TargetState| Service { mood: Mood::Good, due: state.target().next_due(now) };
        let services = process.targets.iter().map(service).collect();
        World {
            seed,
            sabotage,
            chance: Chance::new(seed),
            now,
            quiet: false,
            services,
            disk,
            engine: Engine::new(bellbuoy_promql::Options::default()),
            database,
            process,
            ledger: Ledger::default(),
            crashes: 0,
            log: format!("seed {seed}\n"),
        }
    }

    pub fn run(mut self, turns: u32) -> Report {
        for turn in 0..turns + QUIET_TURNS {
            if turn == turns {
                self.quiet = true;
                self.services.iter_mut().for_each(|service| service.mood = Mood::Good);
            }
            if let Err(Crash) = self.turn() {
                self.restart();
            }
            self.now += TURN;
        }
        let told = self.ledger.close();
        let delivered = self.ledger.deliveries();
        Report { seed: self.seed, log: self.log, broken: self.ledger.broken, crashes: self.crashes, delivered, told }
    }

    fn note(&mut self, line: std::fmt::Arguments) {
        let _ = writeln!(self.log, "{} {line}", self.now.0 / 1000);
    }

    /// A place where the process may die.
    fn point(&mut self) -> Result<(), Crash> {
        if !self.quiet && self.chance.one_in(800) { Err(Crash) } else { Ok(()) }
    }

    fn turn(&mut self) -> Result<(), Crash> {
        self.moods();
        for number in 0..self.services.len() {
            if self.services[number].due <= self.now {
                self.scrape(number)?;
            }
        }
        for number in 0..self.process.groups.len() {
            if self.process.groups[number].1 <= self.now {
                self.evaluate(number)?;
            }
        }
        self.route()?;
        self.send()?;
        // The boat syncs every second, unless the disk is slow.
        if self.quiet || !self.chance.one_in(4) {
            self.process.store.sync().map_err(|_| Crash)?;
            self.ledger.synced(self.now);
        }
        Ok(())
    }

    fn moods(&mut self) {
        for number in 0..self.services.len() {
            if !self.quiet && self.chance.one_in(60) {
                self.services[number].mood = [Mood::Good, Mood::Good, Mood::Loaded, Mood::Down][self.chance.number(4) as usize];
            }
        }
    }

    /// One target's answer into the store.
    fn scrape(&mut self, number: usize) -> Result<(), Crash> {
        let service = &mut self.services[number];
        let state = &mut self.process.targets[number];
        service.due = state.target().next_due(self.now);
        let load = match service.mood {
            Mood::Good => Some(self.chance.number(50)),
            Mood::Loaded => Some(75 + self.chance.number(25)),
            Mood::Down => None,
        };
        // A service that is down answers in its own way each time.
        let body = match load {
            Some(load) => format!("# TYPE load gauge\nload 0.{load:02}\nload_by_turn{{turn=\"{}\"}} 1\n", load % 3).into_bytes(),
            None => b"<html>\xff 502".to_vec(),
        };
        let response = match load {
            None if self.chance.one_in(2) => Response::Failed { reason: "connection refused".into() },
            _ => Response::Body { content_type: Some("text/plain; version=0.0.4"), body: &body },
        };
        let mut appender = self.process.store.appender();
        let report = state.absorb(response, self.now, 0.01, &mut appender);
        if report.error.is_none() != load.is_some() {
            self.ledger.broken.push(format!("{:?}: scraped {:?} of {load:?}", self.now, report.error));
        }
        appender.commit(Durability::Logged).map_err(|_| Crash)?;
        self.point()
    }

    /// One rule group: its samples, then its alerts and all that follows of them in one transaction.
    fn evaluate(&mut self, number: usize) -> Result<(), Crash> {
        let (mut alerts, mut transitions) = (Vec::new(), Vec::new());
        for index in 0..self.process.groups[number].0.len() {
            let with = Evaluation {
                engine: &self.engine,
                source: &self.process.store,
                external_labels: &Labels::empty(),
                external_url: "http://sim",
                resend_delay: RESEND_DELAY,
            };
            let mut appender = self.process.store.appender();
            let report = self.process.groups[number].0.evaluate_rule(index, self.now, &with, &mut appender);
            appender.commit(Durability::Logged).map_err(|_| Crash)?;
            if let Some(error) = report.error {
                self.ledger.broken.push(format!("{:?}: rule failed: {error}", self.now));
            }
            alerts.extend(report.alerts);
            transitions.extend(report.transitions);
            self.point()?;
        }
        let (group, due) = &mut self.process.groups[number];
        group.finish_evaluation(self.now, 0.0);
        *due = group.next_due(self.now);
        let received = self.process.router.receive(alerts, self.now);
        if received.refused > 0 {
            self.ledger.broken.push(format!("{:?}: the router refused {:?}", self.now, received.problems));
        }
        self.point()?;
        // Only changes are saved, as the boat does: a restart learns from the store how long the program was at work.
        if !transitions.is_empty() {
            let group = &self.process.groups[number].0;
            self.database.rules.insert(group.key(), group.state());
        }
        self.save();
        self.ledger.changed(&transitions);
        for change in &transitions {
            self.note(format_args!("{} {} -> {}", change.labels, change.from.word(), change.to.word()));
        }
        self.point()
    }

    /// The router's groups that are due: decisions become messages in the transaction that says that they were told.
    fn route(&mut self) -> Result<(), Crash> {
        let decisions = self.process.router.tick(self.now);
        self.point()?;
        for decision in decisions {
            if let Decision::Notify(notification) = decision {
                self.ledger.decided(&notification);
                self.note(format_args!("tell {} of {}: {}", notification.receiver, notification.group_key, notification.reason));
                let number = self.database.next_message;
                self.database.next_message += 1;
                self.database.outbox.insert(number, Message { notification, due: self.now });
            }
        }
        self.save();
        self.point()
    }

    fn save(&mut self) {
        for change in self.process.router.changes() {
            match change {
                Change::Alert(alert) => drop(self.database.alerts.insert(alert.fingerprint(), alert)),
                Change::AlertGone(fingerprint) => drop(self.database.alerts.remove(&fingerprint)),
                Change::Log(entry) => drop(self.database.log.insert(entry.key.clone(), entry)),
                Change::LogGone(key) => drop(self.database.log.remove(&key)),
            }
        }
    }

    /// Messages go out in the order of the outbox; of one receiver none overtakes another.
    fn send(&mut self) -> Result<(), Crash> {
        let mut waiting = Vec::new();
        let numbers: Vec<u64> = self.database.outbox.keys().copied().collect();
        for number in numbers {
            let Some(message) = self.database.outbox.get_mut(&number) else { continue };
            let receiver = message.notification.receiver.clone();
            if waiting.contains(&receiver) {
                continue;
            }
            if message.due > self.now {
                waiting.push(receiver);
                continue;
            }
            let luck = if self.quiet { 9 } else { self.chance.number(10) };
            let notification = message.notification.clone();
            message.due = self.now + RETRY_AFTER;
            match luck {
                0..=2 => {
                    self.note(format_args!("{receiver} refuses {number}"));
                    waiting.push(receiver);
                }
                // Taken, but the answer is lost.
                3 => {
                    self.ledger.delivered(&notification, true, self.now);
                    self.note(format_args!("{receiver} took {number} and did not say so"));
                    waiting.push(receiver);
                }
                _ => {
                    let dies = self.point().is_err();
                    self.ledger.delivered(&notification, dies, self.now);
                    self.note(format_args!("{receiver} took {number}"));
                    if dies {
                        return Err(Crash);
                    }
                    self.database.outbox.remove(&number);
                }
            }
        }
        Ok(())
    }

    /// The process died, or the power went. Some time later it starts on what the disk kept.
    fn restart(&mut self) {
        self.crashes += 1;
        let before = dump(&self.process.store);
        let power_cut = self.chance.one_in(3);
        self.disk = if power_cut { self.disk.after_power_cut(self.chance.number(256) as u8) } else { self.disk.after_kill() };
        match self.sabotage {
            Sabotage::Nothing => {}
            Sabotage::Samples => self.disk = CrashDisk::new(),
            Sabotage::AlertStates => self.database.rules.clear(),
            Sabotage::NotificationLog => self.database.log.clear(),
            Sabotage::Outbox => self.database.outbox.clear(),
        }
        let outage = [0, 3, 20, 120, 600][self.chance.number(5) as usize];
        self.note(format_args!("{}, back after {outage} s", if power_cut { "power cut" } else { "killed" }));
        let died = self.now;
        self.now += Millis::from_seconds(outage);
        self.process = start(&self.disk, &self.database, self.now);
        self.ledger.restarted(&before, &dump(&self.process.store), power_cut, died, self.now);
        self.ledger.synced(self.now);
        for (service, state) in self.services.iter_mut().zip(&self.process.targets) {
            service.due = state.target().next_due(self.now);
        }
    }
}

/// The program's start: the store reads its log, the router and the groups take their states from the database.
fn start(disk: &CrashDisk, database: &Database, now: Timestamp) -> Process {
    let (store, _) = Store::open(Arc::new(disk.clone()), Options::default(), now).expect("damage is no reason not to start");
    let alive_until = store.stats().max_time.unwrap_or(Timestamp::MIN);
    let mut router = Router::new(settings::router());
    router.restore(database.alerts.values().cloned().collect(), database.log.values().cloned().collect(), now);
    let groups = settings::groups().into_iter().map(|settings| {
        let mut group = Group::new(settings);
        let saved = database.rules.get(&group.key()).cloned().unwrap_or_default();
        group.restore_alive_until(saved, alive_until, now);
        let due = group.first_due(now);
        (group, due)
    });
    let (targets, _) = targets_of(&Arc::new(settings::scrape()), &settings::scrape().static_configs);
    let targets = targets.into_iter().map(|target| TargetState::new(Arc::new(target))).collect();
    Process { targets, groups: groups.collect(), router, store }
}
