//! What the program promised, written down by an honest bystander, and whether it was kept.

use std::collections::BTreeMap;

use bellbuoy_router::Notification;
use bellbuoy_rules::{State, Transition};
use bellbuoy_store::Store;
use bellbuoy_vocabulary::{Labels, Millis, Points, SeriesSource, Timestamp};

use crate::settings::{GROUP_INTERVAL, GROUP_WAIT};

/// An alert that fires this long must be told; the minute is for a receiver that refuses again and again.
const MUST_BE_TOLD: Millis = Millis(GROUP_WAIT.0 + GROUP_INTERVAL.0 + 60_000);
/// A crash starts the timers of the router's groups anew.
const CRASH_COSTS: Millis = Millis(GROUP_INTERVAL.0 * 2);

/// All samples of a store by series, values as bits, for NaN is not equal to itself.
pub type Dump = BTreeMap<Labels, Vec<(Timestamp, u64)>>;

pub fn dump(store: &Store) -> Dump {
    let mut out = Dump::new();
    let mut points = Points::default();
    for series in store.select(Timestamp(0), Timestamp::MAX, &[]).expect("a store in memory reads") {
        points.clear();
        series.read(Timestamp(0), Timestamp::MAX, &mut points).expect("a store in memory reads");
        if !points.is_empty() {
            out.insert(series.labels().clone(), points.floats.iter().map(|sample| (sample.at, sample.value.to_bits())).collect());
        }
    }
    out
}

/// The first series of which a sample of `wanted`, not after `until`, is not in `got`.
fn lost(wanted: &Dump, got: &Dump, until: Timestamp) -> Option<String> {
    for (labels, samples) in wanted {
        let there = got.get(labels).map(Vec::as_slice).unwrap_or_default();
        // Both are in the order of time.
        let mut promised = samples.iter().take_while(|sample| sample.0 <= until);
        let missing = promised.find(|sample| there.binary_search_by_key(&sample.0, |s| s.0).map(|at| there[at].1) != Ok(sample.1));
        if let Some(missing) = missing {
            return Some(format!("{labels} at {:?}", missing.0));
        }
    }
    None
}

/// One alert from firing to resolved, as the rules saved it.
struct Episode {
    labels: Labels,
    from: Timestamp,
    to: Option<Timestamp>,
}

#[derive(Default)]
pub struct Ledger {
    pub broken: Vec<String>,
    /// Samples up to here were synced: every turn writes later ones.
    synced_until: Timestamp,
    episodes: Vec<Episode>,
    /// By receiver and identity: deliveries, and how many of them nobody could know of.
    deliveries: BTreeMap<String, (usize, usize, Notification)>,
    /// By receiver and alert: when it was told, and whether as firing.
    heard: BTreeMap<(String, Labels), Vec<(Timestamp, bool)>>,
    /// When the program died, and when it was back.
    outages: Vec<(Timestamp, Timestamp)>,
}

impl Ledger {
    pub fn synced(&mut self, now: Timestamp) {
        self.synced_until = now;
    }

    /// After a restart: `before` is what readers saw when the program died.
    pub fn restarted(&mut self, before: &Dump, after: &Dump, power_cut: bool, died: Timestamp, at: Timestamp) {
        self.outages.push((died, at));
        let promised = if power_cut { self.synced_until } else { Timestamp::MAX };
        if let Some(what) = lost(before, after, promised) {
            self.broken.push(format!("{at:?}: acknowledged sample lost: {what}"));
        }
        if let Some(what) = lost(after, before, Timestamp::MAX) {
            self.broken.push(format!("{at:?}: sample that nobody wrote: {what}"));
        }
    }

    /// Transitions whose transaction is on disk.
    pub fn changed(&mut self, transitions: &[Transition]) {
        for change in transitions {
            match (change.from, change.to) {
                (_, State::Firing) => self.episodes.push(Episode { labels: change.labels.clone(), from: change.at, to: None }),
                (State::Firing, _) => {
                    if let Some(episode) = self.episodes.iter_mut().rev().find(|episode| episode.labels == change.labels) {
                        episode.to = Some(change.at);
                    }
                }
                _ => {}
            }
        }
    }

    fn fires(&self, labels: &Labels, from: Timestamp) -> bool {
        self.episodes.iter().any(|episode| episode.labels == *labels && episode.from == from && episode.to.is_none())
    }

    /// The router decided to tell: nothing that still fires may be told as resolved.
    pub fn decided(&mut self, notification: &Notification) {
        for alert in notification.alerts.iter().filter(|alert| alert.resolved_at(notification.at)) {
            if self.fires(&alert.labels, alert.starts_at) {
                self.broken.push(format!("{:?}: {} told as resolved while it fires", notification.at, alert.labels));
            }
        }
    }

    /// The receiver took a message. `unknown`: the sender was told otherwise, or died before it knew.
    pub fn delivered(&mut self, notification: &Notification, unknown: bool, at: Timestamp) {
        let key = format!("{} {} {}", notification.receiver, notification.group_key, notification.sequence);
        let entry = self.deliveries.entry(key.clone()).or_insert_with(|| (0, 0, notification.clone()));
        entry.0 += 1;
        entry.1 += usize::from(unknown);
        if entry.2 != *notification {
            self.broken.push(format!("{:?}: two messages with the identity {key}", notification.at));
        }
        if entry.0 > entry.1 + 1 {
            self.broken.push(format!("{:?}: {key} delivered {} times, {} of them unknown", notification.at, entry.0, entry.1));
        }
        for alert in &notification.alerts {
            let heard = self.heard.entry((notification.receiver.clone(), alert.labels.clone())).or_default();
            heard.push((at, !alert.resolved_at(notification.at)));
        }
    }

    /// At the end, when all is quiet. Gives the number of alerts that had to be told.
    pub fn close(&mut self) -> usize {
        let mut told = 0;
        for episode in &self.episodes {
            let Some(to) = episode.to else {
                self.broken.push(format!("{} fires since {:?} although all is well", episode.labels, episode.from));
                continue;
            };
            if !self.long_enough(episode.from, to) {
                continue;
            }
            told += 1;
            let page = episode.labels.get("severity") == "page";
            for receiver in ["all", "pager"].into_iter().filter(|receiver| *receiver == "all" || page) {
                // An alert that comes back before its resolve was told is not told again: who heard of it knows what is true.
                let heard = self.heard.get(&(receiver.to_string(), episode.labels.clone())).map(Vec::as_slice).unwrap_or_default();
                let mut in_time = heard.iter().filter(|(at, _)| *at < to);
                if !in_time.clone().any(|(at, firing)| *firing && *at >= episode.from)
                    && !in_time.next_back().is_some_and(|(_, firing)| *firing)
                {
                    self.broken.push(format!("{} fired from {:?} to {to:?} and {receiver} was not told", episode.labels, episode.from));
                }
            }
        }
        for ((receiver, labels), heard) in &self.heard {
            if heard.last().is_some_and(|(_, firing)| *firing) {
                self.broken.push(format!("the last that {receiver} heard of {labels} is that it fires"));
            }
        }
        told
    }

    /// Whether the program was at work for long enough while an alert fired.
    fn long_enough(&self, from: Timestamp, to: Timestamp) -> bool {
        let mut worked = to - from;
        for (died, back) in self.outages.iter().filter(|(died, back)| *died <= to && *back >= from) {
            worked = worked - (*back - *died) - CRASH_COSTS;
        }
        worked >= MUST_BE_TOLD
    }

    pub fn deliveries(&self) -> usize {
        self.deliveries.values().map(|(count, _, _)| count).sum()
    }
}
