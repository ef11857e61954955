//! What the router decides, with its named reason.

use std::fmt;

use bellbuoy_vocabulary::{Alert, Labels, Timestamp};

#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    Notify(Notification),
    /// Why a group was not told to a receiver. Given once, and again when the reason changes.
    Hold {
        group_key: String,
        receiver: String,
        reason: Reason,
    },
}

/// One message to compose and deliver: a group of alerts for one integration of one receiver.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification {
    /// `{route's matchers}:{group's labels}`, as in Alertmanager's `groupKey`.
    pub group_key: String,
    pub group_labels: Labels,
    /// The matchers on the way from the root to the route, `{}/{severity="critical"}`.
    pub route: String,
    pub receiver: String,
    pub integration_kind: String,
    pub integration_index: usize,
    /// Firing ones first, then those that are resolved (if the integration wants them); each by its labels.
    pub alerts: Vec<Alert>,
    pub status: Status,
    pub reason: Reason,
    /// Counts what this integration was told of this group: part of the idempotency key.
    pub sequence: u64,
    pub at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Firing,
    Resolved,
}

impl Status {
    pub fn word(self) -> &'static str {
        match self {
            Status::Firing => "firing",
            Status::Resolved => "resolved",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Why somebody is told, or is not. The first five are Alertmanager's own words.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    FirstNotification,
    NewAlertsInGroup,
    AllAlertsResolved,
    SomeAlertsResolved,
    RepeatIntervalElapsed,
    /// Not told: nothing changed since the last message, and `repeat_interval` has not passed.
    NothingNew,
    /// Not told: all of it ended before anybody heard of it.
    ResolvedUnheard,
    /// Not told: each alert is inhibited by another one.
    Inhibited,
    /// Not told: each alert is silenced or inhibited.
    Silenced,
    /// Not told: the named mute time interval holds.
    Muted(String),
    /// Not told: none of the route's active time intervals holds.
    Inactive,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::FirstNotification => "first notification",
            Reason::NewAlertsInGroup => "new alerts added",
            Reason::AllAlertsResolved => "all alerts resolved",
            Reason::SomeAlertsResolved => "some alerts resolved",
            Reason::RepeatIntervalElapsed => "repeat interval elapsed",
            Reason::NothingNew => "nothing new",
            Reason::ResolvedUnheard => "resolved before the first notification",
            Reason::Inhibited => "inhibited",
            Reason::Silenced => "silenced",
            Reason::Muted(interval) => return write!(f, "muted by time interval {interval:?}"),
            Reason::Inactive => "outside of the active time intervals",
        })
    }
}
