//! Silences: alerts that somebody does not want to hear of for a while.

use bellbuoy_vocabulary::{Labels, Matcher, Timestamp};

#[derive(Clone, Debug, PartialEq)]
pub struct Silence {
    pub id: String,
    /// Sets of matchers: an alert that satisfies all of one set is silenced.
    pub matchers: Vec<Vec<Matcher>>,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
}

impl Silence {
    pub fn mutes(&self, labels: &Labels, now: Timestamp) -> bool {
        self.starts_at <= now
            && now < self.ends_at
            && self.matchers.iter().any(|set| !set.is_empty() && set.iter().all(|matcher| matcher.matches_labels(labels)))
    }
}
