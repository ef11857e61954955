//! When alerts were pending and firing: the series `ALERTS` as episodes. They reach back as far as samples are kept, over restarts too.
//!
//! In:    matchers on alerts' labels, a range of time, how often the rules are evaluated. Out: episodes, newest first.

use std::collections::BTreeMap;

use bellbuoy_rules::ALERTS_METRIC;
use bellbuoy_vocabulary::{
    ALERT_NAME, Labels, METRIC_NAME, MatchOp, Matcher, Millis, Points, SeriesSource, SourceError, Timestamp, is_stale,
};

const STATE: &str = "alertstate";
/// Without a sample for so long a series is over, even without a staleness marker: Prometheus' look-back.
const GAP_MIN: Millis = Millis::from_minutes(5);
/// Series of one question.
const SERIES_MAX: usize = 10_000;

#[derive(Clone, Debug, PartialEq)]
pub struct Episode {
    /// Without name and state of the series.
    pub labels: Labels,
    pub pending_at: Option<Timestamp>,
    pub fired_at: Option<Timestamp>,
    /// `None`: it goes on at the end of the range.
    pub ended_at: Option<Timestamp>,
}

impl Episode {
    pub fn state(&self) -> &'static str {
        match (self.fired_at, self.ended_at) {
            (Some(_), None) => "firing",
            (Some(_), Some(_)) => "resolved",
            (None, None) => "pending",
            (None, Some(_)) => "gone",
        }
    }

    pub fn began_at(&self) -> Option<Timestamp> {
        self.pending_at.or(self.fired_at)
    }
}

/// One state of one alert without a break.
struct Piece {
    firing: bool,
    from: Timestamp,
    to: Option<Timestamp>,
}

/// `name`: of the alerts; all when `None`. The second value: more series matched than were read.
pub fn episodes(
    source: &dyn SeriesSource,
    name: Option<&str>,
    from: Timestamp,
    to: Timestamp,
    interval_of: &dyn Fn(&str) -> Millis,
) -> Result<(Vec<Episode>, bool), SourceError> {
    let equal = |name: &str, value: &str| Matcher::new(name, MatchOp::Equal, value).map_err(|error| SourceError(error.to_string()));
    let mut matchers = vec![equal(METRIC_NAME, ALERTS_METRIC)?];
    if let Some(name) = name {
        matchers.push(equal(ALERT_NAME, name)?);
    }
    let series = source.select(from, to, &matchers)?;
    let truncated = series.len() > SERIES_MAX;
    let mut pieces: BTreeMap<Labels, Vec<Piece>> = BTreeMap::new();
    let mut points = Points::default();
    for one in series.iter().take(SERIES_MAX) {
        let labels = one.labels();
        let firing = labels.get(STATE) == "firing";
        let interval = interval_of(labels.get(ALERT_NAME));
        let mut builder = labels.builder();
        builder.remove(METRIC_NAME);
        builder.remove(STATE);
        points.clear();
        one.read(from, to, &mut points)?;
        let found = pieces.entry(builder.labels()).or_default();
        cut(&points, firing, to, GAP_MIN.max(interval * 4), found);
    }
    let mut found: Vec<Episode> =
        pieces.into_iter().flat_map(|(labels, pieces)| joined(&labels, pieces, interval_of(labels.get(ALERT_NAME)))).collect();
    found.sort_by(|a, b| b.began_at().cmp(&a.began_at()).then_with(|| a.labels.cmp(&b.labels)));
    Ok((found, truncated))
}

/// The values of a series to its unbroken pieces.
fn cut(points: &Points, firing: bool, to: Timestamp, gap: Millis, out: &mut Vec<Piece>) {
    let mut open: Option<(Timestamp, Timestamp)> = None;
    let mut close = |open: &mut Option<(Timestamp, Timestamp)>, end: Option<Timestamp>| {
        if let Some((from, _)) = open.take() {
            out.push(Piece { firing, from, to: end });
        }
    };
    for sample in &points.floats {
        if let Some((_, last)) = open.filter(|(_, last)| sample.at - *last > gap) {
            close(&mut open, Some(last));
        }
        if is_stale(sample.value) {
            close(&mut open, Some(sample.at));
        } else {
            open = Some((open.map_or(sample.at, |(from, _)| from), sample.at));
        }
    }
    if let Some((_, last)) = open {
        close(&mut open, (to - last > gap).then_some(last));
    }
}

/// What was pending and fired at once afterwards is one episode.
fn joined(labels: &Labels, mut pieces: Vec<Piece>, interval: Millis) -> Vec<Episode> {
    pieces.sort_by_key(|piece| (piece.from, piece.firing));
    let mut found: Vec<Episode> = Vec::new();
    for piece in pieces {
        let near = |ended: Option<Timestamp>| ended.is_none_or(|ended| piece.from - ended <= interval * 2);
        match found.last_mut() {
            Some(last) if piece.firing && last.fired_at.is_none() && near(last.ended_at) => {
                (last.fired_at, last.ended_at) = (Some(piece.from), piece.to);
            }
            _ => {
                let at = |firing: bool| (piece.firing == firing).then_some(piece.from);
                found.push(Episode { labels: labels.clone(), pending_at: at(false), fired_at: at(true), ended_at: piece.to });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use bellbuoy_rules::MemoryStore;
    use bellbuoy_vocabulary::{Append, STALE_NAN};

    use super::*;

    /// `P` pending, `F` firing, `.` ended, a minute each; blank: no sample at all.
    fn check(line: &str, expected: &[&str]) {
        let store = MemoryStore::default();
        let mut out = &store;
        let mut last = ' ';
        for (minute, state) in line.chars().enumerate() {
            let at = Timestamp(minute as i64 * 60_000);
            let mut put = |state: char, value: f64| {
                let word = if state == 'F' { "firing" } else { "pending" };
                let labels = Labels::from_pairs([(METRIC_NAME, ALERTS_METRIC), (ALERT_NAME, "A"), (STATE, word), ("job", "x")]);
                let (series, _) = out.series(&labels).expect("a series");
                out.append(series, at, value).expect("a sample");
            };
            if last != state && state != ' ' && matches!(last, 'P' | 'F') {
                put(last, STALE_NAN);
            }
            if matches!(state, 'P' | 'F') {
                put(state, 1.0);
            }
            if state != ' ' {
                last = state;
            }
        }
        let to = Timestamp((line.len() as i64 - 1) * 60_000);
        let (found, truncated) = episodes(&store, Some("A"), Timestamp(0), to, &|_| Millis(60_000)).expect("episodes");
        let minute = |at: Option<Timestamp>| at.map_or("-".to_string(), |at| (at.0 / 60_000).to_string());
        let shown: Vec<String> = found
            .iter()
            .map(|one| format!("{} {} {} {}", one.state(), minute(one.pending_at), minute(one.fired_at), minute(one.ended_at)))
            .collect();
        assert_eq!(shown, expected, "{line}");
        assert!(!truncated && found.iter().all(|one| one.labels == Labels::from_pairs([(ALERT_NAME, "A"), ("job", "x")])));
    }

    #[test]
    fn states_become_episodes() {
        check("..", &[]);
        check("..PPFFF..", &["resolved 2 4 7"]);
        check("..PPFFF", &["firing 2 4 -"]);
        check("FFF", &["firing - 0 -"]);
        check(".PP..PPF", &["firing 5 7 -", "gone 1 - 3"]);
        check("PP", &["pending 0 - -"]);
        check("FF.FF.", &["resolved - 3 5", "resolved - 0 2"]);
        // A short outage is none; after a long one the series is over where its last sample is.
        check("PFF   FF.", &["resolved 0 1 8"]);
        check("PFF          PF", &["firing 13 14 -", "resolved 0 1 2"]);
    }
}
