//! The bytes of a body to entries, in one pass, borrowing from the bytes.

use std::borrow::Cow;

use bellbuoy_vocabulary::{MetricType, Timestamp};

use crate::error::Broken;
use crate::scan::Cursor;
use crate::{Format, ParseError, openmetrics, text};

/// What a line says. Comments are skipped.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry<'a> {
    Sample {
        /// `name{labels}` as the target wrote it: the key of the scrape's cache. `series_labels` decodes it.
        series: &'a [u8],
        value: f64,
        at: Option<Timestamp>,
    },
    /// Of the sample before it.
    Exemplar(RawExemplar<'a>),
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

/// What stands behind `#` at the end of a sample's line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RawExemplar<'a> {
    /// `trace_id="KOO5S4vxi0o"}` as the target wrote it. `exemplar_labels` decodes it.
    pub labels: &'a [u8],
    pub value: f64,
    pub at: Option<Timestamp>,
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
    /// Prometheus' text format knows no exemplars; text that was made of protobuf has them.
    unpacked: bool,
    /// Of the line at hand, given after its sample.
    exemplar: Option<RawExemplar<'a>>,
}

impl<'a> Entries<'a> {
    pub fn new(format: Format, body: &'a [u8]) -> Entries<'a> {
        Entries { format, cursor: Cursor::new(body), over: false, unpacked: false, exemplar: None }
    }

    /// Of a text that `TextWriter::unpacked` wrote.
    pub fn unpacked(body: &'a [u8]) -> Entries<'a> {
        Entries { unpacked: true, ..Entries::new(Format::PrometheusText, body) }
    }

    fn entry(&mut self) -> Result<Option<Entry<'a>>, Broken> {
        match self.format {
            Format::PrometheusText if self.unpacked => text::entry(&mut self.cursor, Some(&mut self.exemplar)),
            Format::PrometheusText => text::entry(&mut self.cursor, None),
            Format::OpenMetrics => openmetrics::entry(&mut self.cursor, &mut self.exemplar),
        }
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>, ParseError>;

    fn next(&mut self) -> Option<Result<Entry<'a>, ParseError>> {
        if let Some(exemplar) = self.exemplar.take() {
            // Our own text may have several of one sample.
            if self.unpacked && self.cursor.take(" # {") {
                match openmetrics::exemplar_of(&mut self.cursor) {
                    Ok(next) => self.exemplar = Some(next),
                    Err(broken) => {
                        self.over = true;
                        return Some(Err(broken.locate(self.cursor.body)));
                    }
                }
            }
            return Some(Ok(Entry::Exemplar(exemplar)));
        }
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
