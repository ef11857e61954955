//! Which column of a source is what: as the settings say, else by its usual name. Rows go on under the names that bodies have.

use bellbuoy_models::{ModelKind, ModelSettings};
use bellbuoy_vocabulary::nearest;

use crate::config::{ColumnRoles, Gives, SourceConfig};

const TIMES: [&str; 8] = ["timestamp", "time", "at", "datetime", "ts", "event_time", "event_timestamp", "created_at"];
const PREDICTIONS: [&str; 6] = ["prediction", "class", "predicted", "y_hat", "yhat", "y_pred"];
const NAMES_MAX: usize = 20;

#[derive(Clone, Debug)]
pub struct Mapping {
    pub gives: Gives,
    pub roles: ColumnRoles,
    pub target: String,
    /// Empty for a regression, and for a classification whose classes are not known.
    pub classes: Vec<String>,
    pub classification: bool,
    /// Those of the settings.
    features: Vec<String>,
}

/// Columns of one source, by their place, under the names of bodies; `None` is left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Names {
    pub predictions: Option<Vec<Option<String>>>,
    pub labels: Option<Vec<Option<String>>>,
}

impl Mapping {
    pub fn new(config: &SourceConfig, settings: &ModelSettings) -> Mapping {
        let (classes, classification) = match &settings.kind {
            ModelKind::Classification { classes, .. } => (classes.clone(), true),
            ModelKind::Regression => (Vec::new(), false),
        };
        Mapping {
            gives: config.gives,
            roles: config.columns.clone(),
            target: settings.target.clone(),
            classes,
            classification,
            features: settings.features.iter().map(|feature| feature.name.clone()).chain(settings.segments.iter().cloned()).collect(),
        }
    }

    /// The keys of an object: those that it lacks are null, and what becomes of that is told where rows are taken.
    pub fn names_of_row(&self, keys: &[&str]) -> Result<Names, String> {
        let roles = &self.roles;
        let there = |name: &Option<String>| name.clone().filter(|name| keys.contains(&name.as_str()));
        let said = ColumnRoles {
            id: roles.id.clone(),
            time: there(&roles.time),
            prediction: there(&roles.prediction),
            probabilities: roles.probabilities.iter().filter(|(_, column)| keys.contains(&column.as_str())).cloned().collect(),
            probability: there(&roles.probability),
            value: there(&roles.value),
            role: there(&roles.role),
            features: roles.features.clone(),
        };
        Mapping { roles: said, ..self.clone() }.names(keys)
    }

    /// The columns of a file or table. The error says which one is missing and what there is.
    pub fn names(&self, columns: &[&str]) -> Result<Names, String> {
        let id = self.column("id", &self.roles.id, &["id"], columns)?;
        let Some(id) = id else { return Err(missing("id", columns)) };
        match self.gives {
            Gives::Labels => {
                let usual = ["value", "class", "label", self.target.as_str()];
                let value = self.column("value", &self.roles.value, &usual, columns)?;
                let Some(value) = value else { return Err(missing(&format!("value\" or \"{}", self.target), columns)) };
                Ok(Names { predictions: None, labels: Some(places(columns.len(), &[(id, "id"), (value, "value")])) })
            }
            Gives::Predictions => self.predictions(id, columns),
        }
    }

    fn predictions(&self, id: usize, columns: &[&str]) -> Result<Names, String> {
        let mut found: Vec<(usize, String)> = vec![(id, "id".into())];
        let answer = self.column("prediction", &self.roles.prediction, &PREDICTIONS, columns)?;
        found.extend(answer.map(|place| (place, if self.classification { "class".into() } else { "prediction".into() })));
        found.extend(self.column("time", &self.roles.time, &TIMES, columns)?.map(|place| (place, "timestamp".into())));
        found.extend(self.column("role_column", &self.roles.role, &["role"], columns)?.map(|place| (place, "role".into())));
        let mut probabilities = 0;
        if self.classification {
            let yes = self.column("probability", &self.roles.probability, &["probability"], columns)?;
            found.extend(yes.map(|place| (place, "probability".into())));
            for (class, column) in &self.roles.probabilities {
                let place = self.column("probabilities", &Some(column.clone()), &[], columns)?;
                found.extend(place.map(|place| (place, format!("probability_{class}"))));
            }
            for class in self.classes.iter().filter(|_| self.roles.probabilities.is_empty() && yes.is_none()) {
                let name = format!("probability_{class}");
                found.extend(self.column("probabilities", &None, &[name.as_str()], columns)?.map(|place| (place, name.clone())));
            }
            probabilities = found.iter().filter(|(_, name)| name.starts_with("probability")).count();
        }
        if answer.is_none() && probabilities == 0 {
            return Err(missing("prediction", columns));
        }
        let value = self.column("value", &self.roles.value, &[], columns)?;
        let mut names: Vec<Option<String>> = vec![None; columns.len()];
        for (place, column) in columns.iter().enumerate() {
            let renamed = self.roles.features.iter().find(|(_, name)| name == column).map(|(feature, _)| feature.as_str());
            let name = renamed.unwrap_or(column);
            // The true value is no feature, even of a model that takes every column for one.
            let wanted = if self.features.is_empty() { name != self.target } else { self.features.iter().any(|feature| feature == name) };
            names[place] = (wanted && Some(place) != value).then(|| body_feature(name));
        }
        for (place, name) in found {
            names[place] = Some(name);
        }
        let labels = value.map(|value| places(columns.len(), &[(id, "id"), (value, "value")]));
        Ok(Names { predictions: Some(names), labels })
    }

    /// The place of a column: the said one must be there, of the usual names the first that is, unless it is a feature.
    fn column(&self, role: &str, said: &Option<String>, usual: &[&str], columns: &[&str]) -> Result<Option<usize>, String> {
        let place = |name: &str| columns.iter().position(|column| *column == name);
        if let Some(name) = said {
            return place(name).map(Some).ok_or_else(|| format!("{} (said under {role})", missing(name, columns)));
        }
        let feature = |name: &str| self.features.iter().any(|feature| feature == name);
        Ok(usual.iter().filter(|name| !feature(name)).find_map(|name| place(name)))
    }
}

/// A feature that is called as a field of a body.
fn body_feature(name: &str) -> String {
    let field = ["id", "timestamp", "at", "role", "prediction", "class", "probability"].contains(&name);
    if field || name.starts_with("feature_") || name.starts_with("probability_") { format!("feature_{name}") } else { name.to_owned() }
}

fn places(columns: usize, named: &[(usize, &str)]) -> Vec<Option<String>> {
    let mut names = vec![None; columns];
    for (place, name) in named {
        names[*place] = Some((*name).to_owned());
    }
    names
}

pub fn missing(name: &str, columns: &[&str]) -> String {
    let hint = match nearest(name, columns.iter().copied()) {
        Some(near) => format!("did you mean {near:?}?"),
        None => {
            let more = if columns.len() > NAMES_MAX { ", ..." } else { "" };
            format!("its columns are {}{more}", columns.iter().take(NAMES_MAX).copied().collect::<Vec<_>>().join(", "))
        }
    };
    format!("there is no column \"{name}\"; {hint}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellbuoy_models::Feature;

    fn check(gives: Gives, roles: ColumnRoles, settings: &ModelSettings, columns: &[&str], expected: &str) {
        let config = SourceConfig {
            gives,
            from: crate::config::SourceFrom::Folder { path: Default::default(), format: None, quiet: bellbuoy_vocabulary::Millis::ZERO },
            columns: roles,
            role: None,
            poll: bellbuoy_vocabulary::Millis::ZERO,
        };
        let line = |names: Option<Vec<Option<String>>>| {
            names.map_or("-".into(), |names| names.into_iter().map(|name| name.unwrap_or("_".into())).collect::<Vec<_>>().join(" "))
        };
        let shown = match Mapping::new(&config, settings).names(columns) {
            Ok(names) => format!("{} | {}", line(names.predictions), line(names.labels)),
            Err(reason) => reason,
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn columns_of_sources() {
        let none = ColumnRoles::default;
        let some = |text: &str| Some(text.to_owned());
        let mut settings = ModelSettings { target: "y".into(), ..ModelSettings::new("m") };
        let all = ["id", "ts", "y_hat", "temp", "y"];
        check(Gives::Predictions, none(), &settings, &all, "id timestamp prediction temp _ | -");
        check(
            Gives::Predictions,
            ColumnRoles { value: some("y"), ..none() },
            &settings,
            &all,
            "id timestamp prediction temp _ | id _ _ _ value",
        );
        check(Gives::Labels, none(), &settings, &all, "- | id _ _ _ value");
        check(Gives::Labels, none(), &settings, &["id", "a"], "there is no column \"value\" or \"y\"; its columns are id, a");
        check(Gives::Labels, none(), &settings, &["idd", "y"], "there is no column \"id\"; did you mean \"idd\"?");
        check(
            Gives::Labels,
            ColumnRoles { value: some("truth"), ..none() },
            &settings,
            &["id", "truht"],
            "there is no column \"truth\"; did you mean \"truht\"? (said under value)",
        );
        check(Gives::Predictions, none(), &settings, &["id", "temp"], "there is no column \"prediction\"; its columns are id, temp");
        settings.features = vec![Feature::new("time"), Feature::new("temp"), Feature::new("role")];
        let roles = ColumnRoles { id: some("key"), prediction: some("p"), features: vec![("temp".into(), "t".into())], ..none() };
        check(
            Gives::Predictions,
            roles,
            &settings,
            &["key", "id", "time", "t", "p", "at", "role"],
            "id _ time temp prediction timestamp feature_role | -",
        );
        settings.features.clear();
        settings.kind = ModelKind::Classification { classes: vec!["no".into(), "yes".into()], positive: None };
        check(
            Gives::Predictions,
            none(),
            &settings,
            &["id", "class", "probability_no", "probability_yes"],
            "id class probability_no probability_yes | -",
        );
        let roles = ColumnRoles { probabilities: vec![("no".into(), "q".into()), ("yes".into(), "p".into())], ..none() };
        check(Gives::Predictions, roles, &settings, &["id", "p", "q"], "id probability_yes probability_no | -");
    }
}
