//! A rule of a provisioning file, checked and with Grafana's defaults filled in. The boat's configuration reader makes these.

use bellbuoy_vocabulary::{Millis, Span};

use super::{Classic, Math, Query, Reduce, Resample, Threshold};

#[derive(Clone, Debug)]
pub struct GrafanaSettings {
    pub uid: String,
    pub title: String,
    /// The full path of the folder.
    pub folder: String,
    /// The refId that decides; of a recording rule the one that is recorded.
    pub condition: String,
    /// In an order in which each comes after those it needs (`plan::order`).
    pub nodes: Vec<Node>,
    pub no_data: NoDataPolicy,
    pub on_error: ErrorPolicy,
    /// `for`.
    pub hold: Millis,
    pub keep_firing_for: Millis,
    /// After how many evaluations without its series an alert ends.
    pub missing_series_evals_to_resolve: u64,
    /// Values are Go templates.
    pub labels: Vec<(String, String)>,
    /// Values are Go templates.
    pub annotations: Vec<(String, String)>,
    pub is_paused: bool,
    /// `Some`: a recording rule, which makes no alerts.
    pub record: Option<RecordSettings>,
    pub notification: Option<NotificationSettings>,
    /// The provisioning file as the person named it, and where the rule stands in it.
    pub file: String,
    pub span: Span,
}

impl GrafanaSettings {
    pub fn queries(&self) -> impl Iterator<Item = &Query> {
        self.queries_named().map(|(_, query)| query)
    }

    /// With their refIds.
    pub fn queries_named(&self) -> impl Iterator<Item = (&str, &Query)> {
        self.nodes
            .iter()
            .filter_map(|node| if let NodeKind::Query(query) = &node.kind { Some((node.ref_id.as_str(), query)) } else { None })
    }

    /// The texts of all queries, as Grafana's API shows them.
    pub fn query_text(&self) -> String {
        self.queries().map(|query| query.text.as_str()).collect::<Vec<_>>().join(" | ")
    }
}

/// One entry of `data:`.
#[derive(Clone, Debug)]
pub struct Node {
    pub ref_id: String,
    pub kind: NodeKind,
}

#[derive(Clone, Debug)]
pub enum NodeKind {
    Query(Query),
    Expression(Expression),
}

#[derive(Clone, Debug)]
pub enum Expression {
    Math(Math),
    Reduce(Reduce),
    Resample(Resample),
    Threshold(Threshold),
    Classic(Classic),
}

impl Expression {
    /// The refIds that it reads.
    pub fn needs(&self) -> Vec<&str> {
        match self {
            Expression::Math(math) => math.needs(),
            Expression::Reduce(reduce) => vec![&reduce.input],
            Expression::Resample(resample) => vec![&resample.input],
            Expression::Threshold(threshold) => vec![&threshold.input],
            Expression::Classic(classic) => classic.conditions.iter().map(|condition| condition.input.as_str()).collect(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum NoDataPolicy {
    /// An alert of its own, `DatasourceNoData`.
    #[default]
    NoData,
    Alerting,
    Ok,
    KeepLast,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ErrorPolicy {
    /// The default of files; that of Grafana's pages is `Error`.
    #[default]
    Alerting,
    /// An alert of its own, `DatasourceError`.
    Error,
    Ok,
    KeepLast,
}

/// `record:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordSettings {
    pub metric: String,
}

/// `notification_settings:`: the alerts of this rule go to one receiver, past the policies.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct NotificationSettings {
    pub receiver: String,
    /// `None`: as the root policy.
    pub group_by: Option<Vec<String>>,
    pub group_wait: Option<Millis>,
    pub group_interval: Option<Millis>,
    pub repeat_interval: Option<Millis>,
    pub mute_time_intervals: Vec<String>,
    pub active_time_intervals: Vec<String>,
    pub span: Span,
}

impl NotificationSettings {
    /// The same for equal settings: the value of a label that the route of these settings matches.
    pub fn key(&self) -> String {
        let NotificationSettings { receiver, group_by, group_wait, group_interval, repeat_interval, mute_time_intervals, .. } = self;
        let active = &self.active_time_intervals;
        format!("{receiver:?} {group_by:?} {group_wait:?} {group_interval:?} {repeat_interval:?} {mute_time_intervals:?} {active:?}")
    }
}
