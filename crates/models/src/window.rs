//! The rows that are kept: predictions by time, true values joined by id whichever comes first, everything bounded.

use std::collections::{BTreeMap, HashMap, VecDeque};

use bellbuoy_vocabulary::Timestamp;

use crate::{Accepted, Answer, FeatureValue, Row, Scored, TestRow, Truth};

const ID_BYTES_MAX: usize = 256;
const TEXT_BYTES_MAX: usize = 1024;
/// Different models that may predict side by side.
const ROLES_MAX: usize = 16;

/// By time, then by order of arrival.
type Key = (Timestamp, u64);

#[derive(Debug)]
struct Kept {
    row: Row,
    actual: Option<f64>,
}

#[derive(Debug, Default)]
pub(crate) struct Window {
    rows_max: usize,
    rows: BTreeMap<Key, Kept>,
    /// The rows of an id, one for each role that predicted it.
    ids: HashMap<String, Vec<Key>>,
    roles: BTreeMap<String, usize>,
    arrivals: u64,
    waiting: HashMap<String, f64>,
    /// Ids in the order in which they began to wait; may hold ids that wait no more.
    waiting_order: VecDeque<String>,
    /// True values that were dropped because too many waited for their prediction.
    pub(crate) labels_dropped: u64,
}

impl Window {
    pub(crate) fn new(rows_max: usize) -> Window {
        Window { rows_max: rows_max.max(1), ..Window::default() }
    }

    /// Takes a prediction; only the named features are kept.
    pub(crate) fn predict(&mut self, mut row: Row, wanted: impl Fn(&str) -> bool, accepted: &mut Accepted) {
        row.features.retain(|name, _| wanted(name));
        if let Err(reason) = self.check(&row) {
            accepted.refused.push((short(&row.id), reason));
            return;
        }
        let keys = self.ids.get(&row.id).map_or(&[][..], Vec::as_slice);
        if keys.iter().any(|key| self.rows.get(key).is_some_and(|kept| kept.row.role == row.role)) {
            accepted.repeated += 1;
            return;
        }
        // A true value goes to every role's row of its id, so a second role finds it at the first one's.
        let known = keys.first().and_then(|key| self.rows.get(key)).and_then(|kept| kept.actual);
        let actual = known.or_else(|| self.waiting.remove(&row.id));
        self.arrivals += 1;
        let key = (row.at, self.arrivals);
        self.ids.entry(row.id.clone()).or_default().push(key);
        *self.roles.entry(row.role.clone()).or_default() += 1;
        self.rows.insert(key, Kept { row, actual });
        accepted.new += 1;
        while self.rows.len() > self.rows_max {
            self.forget_oldest();
        }
    }

    fn check(&self, row: &Row) -> Result<(), String> {
        check_id(&row.id)?;
        if !row.prediction.is_finite() {
            return Err(format!("the prediction is {}, not a finite number", row.prediction));
        }
        for (name, value) in &row.features {
            if matches!(value, FeatureValue::Text(text) if text.len() > TEXT_BYTES_MAX) {
                return Err(format!("feature {name:?} has a text of more than {TEXT_BYTES_MAX} bytes"));
            }
        }
        if row.role.is_empty() || row.role.len() > ID_BYTES_MAX {
            return Err(format!("a role has 1 to {ID_BYTES_MAX} bytes"));
        }
        if !self.roles.contains_key(&row.role) && self.roles.len() >= ROLES_MAX {
            return Err(format!("more than {ROLES_MAX} roles"));
        }
        Ok(())
    }

    fn forget_oldest(&mut self) {
        let Some((key, kept)) = self.rows.pop_first() else { return };
        if let Some(keys) = self.ids.get_mut(&kept.row.id) {
            keys.retain(|other| *other != key);
            if keys.is_empty() {
                self.ids.remove(&kept.row.id);
            }
        }
        if let Some(count) = self.roles.get_mut(&kept.row.role) {
            *count -= 1;
            if *count == 0 {
                self.roles.remove(&kept.row.role);
            }
        }
    }

    /// Takes a true value. Another value for the same id corrects the first.
    pub(crate) fn label(&mut self, id: String, value: f64, accepted: &mut Accepted) {
        let checked = check_id(&id)
            .and_then(|()| if value.is_finite() { Ok(()) } else { Err(format!("the true value is {value}, not a finite number")) });
        if let Err(reason) = checked {
            accepted.refused.push((short(&id), reason));
            return;
        }
        let mut changed = false;
        if let Some(keys) = self.ids.get(&id) {
            for key in keys {
                if let Some(kept) = self.rows.get_mut(key) {
                    changed |= kept.actual != Some(value);
                    kept.actual = Some(value);
                }
            }
        } else {
            changed = self.wait(id, value);
        }
        if changed { accepted.new += 1 } else { accepted.repeated += 1 }
    }

    fn wait(&mut self, id: String, value: f64) -> bool {
        match self.waiting.insert(id.clone(), value) {
            Some(before) => before != value,
            None => {
                self.waiting_order.push_back(id);
                // The order may be longer than the map by ids that found their prediction; both are bounded here.
                while self.waiting.len() > self.rows_max || self.waiting_order.len() > 2 * self.rows_max {
                    let Some(oldest) = self.waiting_order.pop_front() else { break };
                    self.labels_dropped += u64::from(self.waiting.remove(&oldest).is_some());
                }
                true
            }
        }
    }

    pub(crate) fn labels_waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The newest `count` rows of a role, oldest first.
    pub(crate) fn newest(&self, role: &str, count: usize) -> Vec<&Row> {
        let newest = self.rows.values().rev().filter(|kept| kept.row.role == role).take(count);
        let mut rows: Vec<&Row> = newest.map(|kept| &kept.row).collect();
        rows.reverse();
        rows
    }

    /// The newest `count` rows of a role that have their true value, oldest first.
    pub(crate) fn newest_scored(&self, role: &str, count: usize) -> Vec<Scored> {
        let of_role = self.rows.values().rev().filter(|kept| kept.row.role == role);
        let scored = |kept: &Kept| kept.actual.map(|actual| Scored { at: kept.row.at, actual, predicted: kept.row.prediction });
        let mut rows: Vec<Scored> = of_role.filter_map(scored).take(count).collect();
        rows.reverse();
        rows
    }
}

impl Window {
    pub(crate) fn test_rows(
        &self,
        champion: &str,
        from: Timestamp,
        to: Timestamp,
        challenger: impl Fn(&str) -> Option<Answer>,
    ) -> Vec<TestRow> {
        if from > to {
            return Vec::new();
        }
        let rows = self.rows.range((from, 0)..=(to, u64::MAX)).map(|(_, kept)| kept).filter(|kept| kept.row.role == champion);
        let row = |kept: &Kept| {
            let (truth, champion) = (Truth::Number(kept.actual?), Answer::Number(kept.row.prediction));
            Some(TestRow { truth, champion, challenger: challenger(&kept.row.id)? })
        };
        rows.filter_map(row).collect()
    }

    pub(crate) fn answer(&self, role: &str, id: &str) -> Option<Answer> {
        let rows = self.ids.get(id)?.iter().filter_map(|key| self.rows.get(key));
        rows.into_iter().find(|kept| kept.row.role == role).map(|kept| Answer::Number(kept.row.prediction))
    }
}

fn check_id(id: &str) -> Result<(), String> {
    if id.is_empty() || id.len() > ID_BYTES_MAX { Err(format!("an id has 1 to {ID_BYTES_MAX} bytes")) } else { Ok(()) }
}

/// An id as it can be shown back.
fn short(id: &str) -> String {
    id.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, at: i64, role: &str) -> Row {
        Row { id: id.into(), at: Timestamp(at), role: role.into(), features: BTreeMap::new(), prediction: at as f64 }
    }

    fn predict(window: &mut Window, row: Row) -> Accepted {
        let mut accepted = Accepted::default();
        window.predict(row, |_| true, &mut accepted);
        accepted
    }

    fn label(window: &mut Window, id: &str, value: f64) -> Accepted {
        let mut accepted = Accepted::default();
        window.label(id.into(), value, &mut accepted);
        accepted
    }

    fn counts(accepted: Accepted) -> (usize, usize, usize) {
        (accepted.new, accepted.repeated, accepted.refused.len())
    }

    #[test]
    fn true_values_join_before_and_after() {
        let mut window = Window::new(10);
        assert_eq!(counts(label(&mut window, "early", 1.0)), (1, 0, 0));
        assert_eq!(counts(label(&mut window, "early", 1.0)), (0, 1, 0));
        predict(&mut window, row("early", 5, "champion"));
        predict(&mut window, row("late", 3, "champion"));
        assert_eq!(counts(label(&mut window, "late", 2.0)), (1, 0, 0));
        predict(&mut window, row("late", 3, "challenger"));
        let scored = |window: &Window, role| window.newest_scored(role, 9).iter().map(|s| (s.at.0, s.actual)).collect::<Vec<_>>();
        assert_eq!(scored(&window, "champion"), [(3, 2.0), (5, 1.0)]);
        assert_eq!(scored(&window, "challenger"), [(3, 2.0)]);
        assert_eq!(counts(label(&mut window, "late", 2.5)), (1, 0, 0));
        assert_eq!(scored(&window, "challenger"), [(3, 2.5)]);
        assert_eq!(window.labels_waiting(), 0);
    }

    #[test]
    fn repeats_and_refusals() {
        let mut window = Window::new(10);
        assert_eq!(counts(predict(&mut window, row("a", 1, "champion"))), (1, 0, 0));
        assert_eq!(counts(predict(&mut window, row("a", 1, "champion"))), (0, 1, 0));
        assert_eq!(counts(predict(&mut window, row("a", 1, "challenger"))), (1, 0, 0));
        assert_eq!(counts(predict(&mut window, row("", 1, "champion"))), (0, 0, 1));
        let accepted = predict(&mut window, Row { prediction: f64::NAN, ..row("b", 1, "champion") });
        assert_eq!(accepted.refused, [("b".to_owned(), "the prediction is NaN, not a finite number".to_owned())]);
        assert_eq!(counts(label(&mut window, "b", f64::INFINITY)), (0, 0, 1));
        for i in 0..20 {
            predict(&mut window, row("c", 1, &format!("role-{i}")));
        }
        assert!(window.roles.len() <= ROLES_MAX);
    }

    #[test]
    fn bounded_and_counted() {
        let mut window = Window::new(3);
        for i in 0..10 {
            predict(&mut window, row(&i.to_string(), i, "champion"));
            label(&mut window, &format!("nobody-{i}"), 1.0);
        }
        let ids: Vec<&str> = window.newest("champion", 9).iter().map(|row| row.id.as_str()).collect();
        assert_eq!(ids, ["7", "8", "9"]);
        assert_eq!((window.ids.len(), window.labels_waiting(), window.labels_dropped), (3, 3, 7));
        assert_eq!(window.newest("champion", 2).len(), 2);
    }
}
