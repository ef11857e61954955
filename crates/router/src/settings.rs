//! The route tree, inhibition rules and mute times of alertmanager.yml, checked and with inherited values filled in.
//! The boat's configuration reader makes these.

use bellbuoy_vocabulary::{Matcher, Millis, Span};

#[derive(Clone, Debug)]
pub struct RouterSettings {
    pub route: Route,
    pub inhibit_rules: Vec<InhibitRule>,
    pub time_intervals: Vec<TimeInterval>,
    /// When an alert that nobody repeats counts as resolved (`global.resolve_timeout`, 5m).
    pub resolve_timeout: Millis,
    /// Receivers by name, with what each integration of theirs asks; routes name them.
    pub receivers: Vec<ReceiverOutline>,
}

/// What the router needs to know of a receiver; how to speak to it is the notifier's matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverOutline {
    pub name: String,
    pub integrations: Vec<IntegrationOutline>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntegrationOutline {
    /// `discord`, `webhook`, `email`, ... with its position among those of its kind in the receiver.
    pub kind: String,
    pub index: usize,
    pub send_resolved: bool,
}

/// A node of the route tree. Values that a child does not say are already those of its parent.
#[derive(Clone, Debug)]
pub struct Route {
    pub receiver: String,
    /// Label names; `...` has become `by_all`.
    pub group_by: Vec<String>,
    pub group_by_all: bool,
    pub group_wait: Millis,
    pub group_interval: Millis,
    pub repeat_interval: Millis,
    pub matchers: Vec<Matcher>,
    /// Go on to the next sibling after this one matched (`continue`).
    pub go_on: bool,
    pub mute_time_intervals: Vec<String>,
    pub active_time_intervals: Vec<String>,
    pub routes: Vec<Route>,
    /// Where it stands in its file; all zero when it is in none.
    pub span: Span,
}

/// Alertmanager's defaults of a root route, without a receiver.
impl Default for Route {
    fn default() -> Route {
        Route {
            receiver: String::new(),
            group_by: Vec::new(),
            group_by_all: false,
            group_wait: Millis::from_seconds(30),
            group_interval: Millis::from_minutes(5),
            repeat_interval: Millis::from_minutes(240),
            matchers: Vec::new(),
            go_on: false,
            mute_time_intervals: Vec::new(),
            active_time_intervals: Vec::new(),
            routes: Vec::new(),
            span: Span::default(),
        }
    }
}

#[derive(Clone, Debug)]
pub struct InhibitRule {
    pub source_matchers: Vec<Matcher>,
    pub target_matchers: Vec<Matcher>,
    pub equal: Vec<String>,
}

/// A named set of times (`time_intervals`, `mute_time_intervals`). All fields of a span that are not empty must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeInterval {
    pub name: String,
    pub spans: Vec<TimeSpan>,
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TimeSpan {
    /// Minutes of the day, end exclusive: 0 to 1440.
    pub times: Vec<(u16, u16)>,
    /// 0 Sunday to 6 Saturday, both ends inclusive.
    pub weekdays: Vec<(i16, i16)>,
    /// 1 to 31, or -1 (last day) to -31, inclusive.
    pub days_of_month: Vec<(i16, i16)>,
    /// 1 to 12, inclusive.
    pub months: Vec<(i16, i16)>,
    pub years: Vec<(i16, i16)>,
    /// An IANA name; empty is UTC.
    pub location: String,
}
