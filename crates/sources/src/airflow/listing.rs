//! A list that is read by the time of the end, page by page, over and over.
//!
//! In:    pages. Out: from where and which page is next.
//! Holds: a pass begins `overlap` before the moment at which the one before began, by the server's clock, so a row that appears within `overlap` of its
//!        end is found. A pass that is broken off (budget, restart) goes on where it was.
//! Also:  where more rows share one end than a page has, or no order can be asked for, the next page begins at a place and not at an end. A row that is
//!        cleared meanwhile would move all after it, so pages of places are read anew when there are fewer rows than before.

use bellbuoy_vocabulary::{Millis, Timestamp};
use serde::{Deserialize, Serialize};

/// The server gives no more whatever is asked (`maximum_page_limit`).
pub(super) const PAGE_ROWS: usize = 100;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Listing {
    from_ms: i64,
    offset: usize,
    /// Of the last page: how many rows there were in all.
    #[serde(default)]
    total: usize,
    /// When the pass began, by the server's clock; `None` between passes.
    began_ms: Option<i64>,
    /// Passes that were read to their end.
    passes: u64,
}

impl Listing {
    pub fn new(from: Timestamp) -> Listing {
        Listing { from_ms: from.0, offset: 0, total: 0, began_ms: None, passes: 0 }
    }

    pub fn begin(&mut self, server_now: Timestamp) {
        if self.began_ms.is_none() {
            self.began_ms = Some(server_now.0);
        }
    }

    /// Whether an end is no history: all that the first pass finds is, but for what ends while it goes on.
    pub fn is_news(&self, end: Timestamp) -> bool {
        self.passes > 0 || self.began_ms.is_some_and(|began| end.0 > began)
    }

    /// The query without its `order_by`. It ends where the pass began, lest rows that come hide that others went.
    pub fn query(&self) -> String {
        let from = Timestamp(self.from_ms).rfc3339();
        let until = self.began_ms.map(|began| format!("&end_date_lte={}", Timestamp(began).rfc3339())).unwrap_or_default();
        format!("limit={PAGE_ROWS}&offset={}&end_date_gte={from}{until}", self.offset)
    }

    pub fn from(&self) -> Timestamp {
        Timestamp(self.from_ms)
    }

    /// A page came: `rows` of `total`, the last of which ended at `last`. True when the pass is over.
    /// `sorted`: by the end. Then the next page begins at that end, which no row that comes or goes can shift.
    pub fn page(&mut self, rows: usize, total: usize, last: Option<Timestamp>, sorted: bool, overlap: Millis) -> bool {
        let before = std::mem::replace(&mut self.total, total);
        if self.offset > 0 && total < before {
            self.offset = 0;
            return false;
        }
        if rows > 0 && self.offset + rows < total {
            match last.filter(|last| sorted && last.0 > self.from_ms) {
                Some(last) => (self.from_ms, self.offset) = (last.0, 0),
                None => self.offset += rows,
            }
            return false;
        }
        let began = Timestamp(self.began_ms.take().unwrap_or(self.from_ms));
        self.from_ms = began.saturating_sub(overlap).0;
        self.offset = 0;
        self.passes += 1;
        true
    }

    pub fn forget_before(&mut self, time: Timestamp) {
        if self.from_ms < time.0 {
            (self.from_ms, self.offset) = (time.0, 0);
        }
    }
}
