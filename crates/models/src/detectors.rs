//! Detectors on the streams of a model: features, predictions, errors; one value at a time, in the order in which they arrive.
//!
//! In:    rows as they are taken, pairs as they become complete, marks of the host's log. Out: how often each stream changed, and when.
//! Holds: each row and each pair is taken once, over restarts too: the state says up to which mark of the log it was made.
//! Never: takes a corrected true value again, or a value that is no number.

use std::collections::{BTreeMap, VecDeque};

use bellbuoy_drift::stream::{Adwin, Ddm, Detector, Kswin, PageHinkley, Signal};
use bellbuoy_vocabulary::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::ledger::Ledger;
use crate::{DetectorKind, DetectorSettings, FeatureValue, Prediction, Schema, Stream, Unknown};

/// Times of changes that are kept per detector; figures of windows count these.
const RECENT_MAX: usize = 100;

/// A place in the host's log: rises with every batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mark {
    pub segment: u32,
    pub byte: u64,
}

/// One detector and one role.
#[derive(Clone, Debug, PartialEq)]
pub struct DetectorFigures {
    pub role: String,
    /// `error`, `prediction` or `feature:NAME`.
    pub stream: String,
    /// Its kind; of several of one kind on one stream `adwin`, `adwin_2`, ...
    pub detector: String,
    /// Values that it took.
    pub values: u64,
    pub drifts: u64,
    /// `None`: this kind does not warn.
    pub warnings: Option<u64>,
    /// Times of the rows at which the last changes were seen, in the order in which they were.
    pub recent: Vec<Timestamp>,
}

#[derive(Debug)]
pub(crate) struct Detectors {
    settings: Vec<DetectorSettings>,
    names: Vec<(String, String)>,
    /// By role, as many as there are settings.
    roles: BTreeMap<String, Vec<Running>>,
    /// Of the rows that come now, and of the newest that came.
    mark: Mark,
    newest: Mark,
    /// Rows up to here are in the state that was restored.
    taken: Option<Mark>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Running {
    body: Body,
    values: u64,
    drifts: u64,
    warnings: u64,
    recent: VecDeque<i64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Body {
    Adwin(Adwin),
    PageHinkley(PageHinkley),
    Kswin(Kswin),
    Ddm(Ddm),
    /// Its options fit nothing.
    None,
}

impl Detectors {
    pub(crate) fn new(settings: &[DetectorSettings]) -> Detectors {
        Detectors {
            names: detector_names(settings),
            settings: settings.to_vec(),
            roles: BTreeMap::new(),
            mark: Mark::default(),
            newest: Mark::default(),
            taken: None,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.settings.is_empty()
    }

    pub(crate) fn watch_errors(&self) -> bool {
        self.settings.iter().any(|settings| settings.stream == Stream::Error)
    }

    pub(crate) fn arrive(&mut self, mark: Mark) {
        self.mark = mark;
        self.newest = self.newest.max(mark);
    }

    fn is_taken(&self) -> bool {
        self.taken.is_some_and(|taken| self.mark <= taken)
    }

    /// A new prediction. `said`: it as a number.
    pub(crate) fn row(&mut self, prediction: &Prediction, schema: &Schema, said: f64) {
        if self.is_taken() {
            return;
        }
        let running = of_role(&mut self.roles, &self.settings, &prediction.role);
        for (settings, running) in self.settings.iter().zip(running) {
            let value = match &settings.stream {
                Stream::Error => continue,
                Stream::Prediction => said,
                Stream::Feature(name) => match schema.position(name).and_then(|position| prediction.features.get(position)) {
                    Some(FeatureValue::Number(number)) => *number,
                    _ => f64::NAN,
                },
            };
            running.take(value, prediction.at);
        }
    }

    /// The pairs that became complete.
    pub(crate) fn pairs(&mut self, ledger: &mut Ledger) {
        let Some(paired) = &mut ledger.paired else { return };
        let paired = std::mem::take(paired);
        if self.is_taken() {
            return;
        }
        for pair in paired {
            let running = of_role(&mut self.roles, &self.settings, &pair.role);
            for (_, running) in self.settings.iter().zip(running).filter(|(settings, _)| settings.stream == Stream::Error) {
                running.take(pair.error, pair.at);
            }
        }
    }

    pub(crate) fn figures(&self, roles: &[String]) -> Vec<DetectorFigures> {
        let mut out = Vec::new();
        for role in roles {
            let running = self.roles.get(role);
            for (at, (settings, (stream, detector))) in self.settings.iter().zip(&self.names).enumerate() {
                let running = running.and_then(|running| running.get(at));
                out.push(DetectorFigures {
                    role: role.clone(),
                    stream: stream.clone(),
                    detector: detector.clone(),
                    values: running.map_or(0, |running| running.values),
                    drifts: running.map_or(0, |running| running.drifts),
                    warnings: matches!(settings.detector, DetectorKind::Ddm(_)).then(|| running.map_or(0, |running| running.warnings)),
                    recent: running.map_or_else(Vec::new, |running| running.recent.iter().map(|at| Timestamp(*at)).collect()),
                });
            }
        }
        out
    }

    pub(crate) fn state(&self) -> Value {
        if self.is_empty() {
            return Value::Null;
        }
        // Settings as they are written in code: with others a detector begins anew.
        let kept: Vec<Value> = self
            .settings
            .iter()
            .enumerate()
            .map(|(at, settings)| {
                let roles: BTreeMap<&String, &Running> = self.roles.iter().map(|(role, running)| (role, &running[at])).collect();
                json!({"settings": format!("{settings:?}"), "roles": roles})
            })
            .collect();
        // While what was taken before the restart is replayed, it stays taken.
        json!({"mark": self.newest.max(self.taken.unwrap_or_default()), "detectors": kept})
    }

    /// What is missing or damaged there begins anew.
    pub(crate) fn restore(&mut self, state: &Value) {
        let Ok(mark) = Mark::deserialize(&state["mark"]) else { return };
        self.taken = Some(mark);
        for kept in state["detectors"].as_array().into_iter().flatten() {
            let same = |settings: &DetectorSettings| kept["settings"].as_str() == Some(format!("{settings:?}").as_str());
            let Some(at) = self.settings.iter().position(same) else { continue };
            for (role, running) in kept["roles"].as_object().into_iter().flatten() {
                if let Ok(running) = Running::deserialize(running) {
                    of_role(&mut self.roles, &self.settings, role)[at] = running;
                }
            }
        }
    }
}

impl DetectorFigures {
    /// Changes seen at rows of this time; at most as many as are remembered.
    pub(crate) fn drifts_between(&self, span: Option<(Timestamp, Timestamp)>) -> Result<usize, Unknown> {
        match span {
            Some((from, to)) if self.values > 0 => Ok(self.recent.iter().filter(|at| (from..=to).contains(at)).count()),
            _ => Err(Unknown::NoRows),
        }
    }

    pub fn json(&self) -> Value {
        json!({
            "role": self.role, "stream": self.stream, "detector": self.detector, "values": self.values, "drifts": self.drifts,
            "warnings": self.warnings, "last_drifts": self.recent.iter().map(|at| at.rfc3339()).collect::<Vec<_>>(),
        })
    }
}

impl Running {
    fn new(kind: &DetectorKind) -> Running {
        let body = match kind {
            DetectorKind::Adwin(options) => Body::Adwin(Adwin::new(options.clone())),
            DetectorKind::PageHinkley(options) => Body::PageHinkley(PageHinkley::new(options.clone())),
            DetectorKind::Kswin(options) => Kswin::new(options.clone()).map_or(Body::None, Body::Kswin),
            DetectorKind::Ddm(options) => Body::Ddm(Ddm::new(options.clone())),
        };
        Running { body, values: 0, drifts: 0, warnings: 0, recent: VecDeque::new() }
    }

    fn take(&mut self, value: f64, at: Timestamp) {
        let signal = match &mut self.body {
            Body::Adwin(detector) => detector.update(value),
            Body::PageHinkley(detector) => detector.update(value),
            Body::Kswin(detector) => detector.update(value),
            Body::Ddm(detector) => detector.update(value),
            Body::None => Signal::Ignored,
        };
        self.values += u64::from(signal != Signal::Ignored);
        self.warnings += u64::from(signal == Signal::Warning);
        if signal == Signal::Drift {
            self.drifts += 1;
            if self.recent.len() == RECENT_MAX {
                self.recent.pop_front();
            }
            self.recent.push_back(at.0);
        }
    }
}

fn of_role<'a>(roles: &'a mut BTreeMap<String, Vec<Running>>, settings: &[DetectorSettings], role: &str) -> &'a mut Vec<Running> {
    if !roles.contains_key(role) {
        roles.insert(role.to_owned(), settings.iter().map(|settings| Running::new(&settings.detector)).collect());
    }
    roles.entry(role.to_owned()).or_default()
}

/// Stream and detector as series and rules name them.
pub(crate) fn detector_names(settings: &[DetectorSettings]) -> Vec<(String, String)> {
    let mut names: Vec<(String, String)> = Vec::new();
    let mut seen: BTreeMap<(String, &str), usize> = BTreeMap::new();
    for DetectorSettings { stream, detector } in settings {
        let stream = match stream {
            Stream::Error => "error".to_owned(),
            Stream::Prediction => "prediction".to_owned(),
            Stream::Feature(name) => format!("feature:{name}"),
        };
        let kind = match detector {
            DetectorKind::Adwin(_) => "adwin",
            DetectorKind::PageHinkley(_) => "page_hinkley",
            DetectorKind::Kswin(_) => "kswin",
            DetectorKind::Ddm(_) => "ddm",
        };
        let count = seen.entry((stream.clone(), kind)).or_default();
        *count += 1;
        names.push((stream, if *count == 1 { kind.to_owned() } else { format!("{kind}_{count}") }));
    }
    names
}
