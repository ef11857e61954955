//! The bytes of a body to entries, in one pass, borrowing from the bytes.

use std::borrow::Cow;

use bellbuoy_vocabulary::{MetricType, Timestamp};

use crate::error::Broken;
use crate::scan::Cursor;
use crate::{Format, ParseError, openmetrics, text};

/// What a line says. Comments are skipped; exemplars are checked and skipped.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry<'a> {
    Sample {
        /// `name{labels}` as the target wrote it: the key of the scrape's cache. `series_labels` decodes it.
        series: &'a [u8],
        value: f64,
        at: Option<Timestamp>,
    },
    /// The metric's name here and below is that of the family, without the quotes that it may be written in.
    Type {
        metric: &'a str,
        kind: MetricType,
    },
    Help {
        metric: &'a str,
        text: Cow<'a, str>,
    },
    Unit {
        metric: &'a str,
        unit: &'a str,
    },
}

/// Calls `on` for each entry. On an error `on` has already seen the entries before it: collect first, apply afterwards.
pub fn parse<'a>(format: Format, body: &'a [u8], on: &mut dyn FnMut(Entry<'a>)) -> Result<(), ParseError> {
    for entry in Entries::new(format, body) {
        on(entry?);
    }
    Ok(())
}

/// The entries one by one, for callers that want to stop early. Ends after the first error.
pub struct Entries<'a> {
    format: Format,
    cursor: Cursor<'a>,
    over: bool,
}

impl<'a> Entries<'a> {
    pub fn new(format: Format, body: &'a [u8]) -> Entries<'a> {
        Entries { format, cursor: Cursor::new(body), over: false }
    }

    fn entry(&mut self) -> Result<Option<Entry<'a>>, Broken> {
        match self.format {
            Format::PrometheusText => text::entry(&mut self.cursor),
            Format::OpenMetrics => openmetrics::entry(&mut self.cursor),
        }
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>, ParseError>;

    fn next(&mut self) -> Option<Result<Entry<'a>, ParseError>> {
        if self.over {
            return None;
        }
        match self.entry() {
            Ok(Some(entry)) => Some(Ok(entry)),
            Ok(None) => {
                self.over = true;
                None
            }
            Err(broken) => {
                self.over = true;
                Some(Err(broken.locate(self.cursor.body)))
            }
        }
    }
}
