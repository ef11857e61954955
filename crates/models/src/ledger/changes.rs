//! Which rows changed since a role was asked last, so that only the windows with them are judged anew.

use bellbuoy_vocabulary::Timestamp;

use crate::{Cut, Windows};

/// Changes that are remembered one by one until somebody asks; of more only the oldest, and all after it count as changed.
pub(super) const TOUCHED_MAX: usize = 10_000;

/// Which rows of a role changed since it was asked last.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    times: Vec<Timestamp>,
    /// From here on every window may have changed.
    from: Option<Timestamp>,
    /// From here on windows of rows have moved.
    moved_from: Option<Timestamp>,
}

impl Changes {
    /// A row came between others: all windows of rows after it have moved.
    pub(super) fn moved(&mut self, at: Timestamp) {
        self.moved_from = Some(self.moved_from.map_or(at, |from| from.min(at)));
    }

    pub(super) fn touch(&mut self, at: Timestamp) {
        if self.times.last() == Some(&at) || self.from.is_some_and(|from| from <= at) {
            return;
        }
        self.times.push(at);
        if self.times.len() < 2 * TOUCHED_MAX {
            return;
        }
        self.times.sort_unstable();
        self.times.dedup();
        if self.times.len() > TOUCHED_MAX {
            self.from = Some(self.from.map_or(self.times[0], |from| from.min(self.times[0])));
            self.times.clear();
        }
    }

    pub(super) fn sorted(mut self) -> Changes {
        self.times.sort_unstable();
        self
    }

    /// Did a row of this window change, come or move?
    pub(crate) fn touch_cut(&self, cut: &Cut, windows: &Windows) -> bool {
        let of_time = matches!(windows, Windows::Time { .. });
        let next = self.times.get(self.times.partition_point(|at| *at < cut.from));
        let inside = next.is_some_and(|at| if of_time { *at < cut.to } else { *at <= cut.to });
        let after = |from: Option<Timestamp>| from.is_some_and(|from| cut.to >= from);
        inside || after(self.from) || !of_time && after(self.moved_from)
    }
}
