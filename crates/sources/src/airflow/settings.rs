//! What is asked of an Airflow server.

use bellbuoy_vocabulary::{AnchoredRegex, Millis, Secret};

#[derive(Clone, Debug)]
pub struct AirflowSettings {
    /// User and password. Airflow 3 gives a token for them; to Airflow 2 they go as basic authentication, which the HTTP settings hold too.
    /// `None`: the HTTP settings say all there is to say (a fixed token, nothing).
    pub login: Option<(String, Secret)>,
    /// Which DAGs are counted; empty is all.
    pub dags: Vec<AnchoredRegex>,
    /// Attempts of tasks are counted too.
    pub tasks: bool,
    /// How far back the first contact looks for the last runs, and how long a stop may be until ends are given up.
    pub look_back: Millis,
    /// Rows may appear so long after the end that they tell: clocks of workers, slow commits, replicas.
    pub overlap: Millis,
    pub calls_max: u64,
    pub time_max: Millis,
    pub xcoms: Vec<XcomMapping>,
    pub attempts: Vec<AttemptMapping>,
    /// The names of older exporters are told beside our own.
    pub old_names: bool,
}

impl Default for AirflowSettings {
    fn default() -> AirflowSettings {
        AirflowSettings {
            login: None,
            dags: Vec::new(),
            tasks: false,
            look_back: Millis(7 * 86_400_000),
            overlap: Millis::from_minutes(5),
            calls_max: 60,
            time_max: Millis::from_seconds(30),
            xcoms: Vec::new(),
            attempts: Vec::new(),
            old_names: false,
        }
    }
}

impl AirflowSettings {
    pub fn counts(&self, dag: &str) -> bool {
        self.dags.is_empty() || self.dags.iter().any(|pattern| pattern.is_match(dag))
    }
}

/// The tries of one task under names of their own: a training run is a task somewhere, and only its failure is never an XCom.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptMapping {
    pub dag: String,
    pub task: String,
    /// A counter of tries that succeeded or failed.
    pub metric: Option<String>,
    /// A histogram of how long they took.
    pub duration: Option<String>,
    /// Which label tells `success` from `failed`.
    pub state_label: String,
    pub labels: Vec<(String, String)>,
}

/// An XCom that becomes a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct XcomMapping {
    pub dag: String,
    pub task: String,
    pub key: String,
    /// Of mapped tasks.
    pub map_index: Option<u32>,
    /// Names and positions into objects and lists: `drift_summary.drift_share`.
    pub path: Vec<String>,
    pub metric: String,
    pub kind: XcomType,
    pub labels: Vec<(String, String)>,
    pub runs: RunsWanted,
    pub latest: Latest,
    /// A gauge older than this is no longer told.
    pub max_age: Millis,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum XcomType {
    /// The value of the latest run.
    Gauge,
    /// Grows by each run's value.
    Sum,
    /// Grows by one for each run that has the value; with a label's name, the value is that label.
    Count { label: Option<String> },
}

/// Which runs count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunsWanted {
    Success,
    /// Failed ones too: a run that failed late has pushed values.
    Any,
}

/// What makes a run the latest: a backfill ends late with an old logical date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latest {
    End,
    /// `run_after` of Airflow 3, else the logical date.
    LogicalDate,
}

impl XcomMapping {
    /// Names what it reads and how; a mapping that is changed begins anew.
    pub(super) fn id(&self) -> String {
        format!(
            "{}/{}/{}/{:?}/{:?}/{}/{:?}/{:?}",
            self.dag, self.task, self.key, self.map_index, self.path, self.metric, self.kind, self.labels
        )
    }
}
