//! Grafana's provisioning files: `datasources/`, `alerting/`. Which section is read where; variables are filled in before (expand.rs).
//!
//! Read: `Loader::read_grafana`, then datasources.rs, rules.rs; notify.rs for who is told.

mod contact_kinds;
mod contact_points;
pub mod datasources;
pub mod expand;
mod model;
mod mute_timings;
mod notify;
mod policies;
pub mod providers;
mod routes;
mod rules;
mod smtp;
mod templates;

use bellbuoy_rules::GroupSettings;
use bellbuoy_vocabulary::Problem;

use self::contact_kinds::Around;
use self::datasources::Datasources;
use self::expand::Surroundings;
use self::smtp::SmtpKeys;
use super::read::{Fields, Report};
use super::receivers::Smtp;
use super::settings::Settings;
use super::{Found, Loader, Opened, yaml};

/// Sections of alerting files that say who is told, and how.
const NOTIFY_SECTIONS: [&str; 8] =
    ["contactPoints", "deleteContactPoints", "policies", "resetPolicies", "templates", "deleteTemplates", "muteTimes", "deleteMuteTimes"];
const RULE_SECTIONS: [&str; 2] = ["groups", "deleteRules"];

/// What a file of Grafana is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Datasources,
    Alerting,
    /// Dashboards, their providers, plugins: not for us.
    Other,
}

fn kind_of(root: &yaml::Node) -> Kind {
    let any = |keys: &[&str]| keys.iter().any(|key| root.get(key).is_some());
    if any(&["datasources", "deleteDatasources"]) {
        Kind::Datasources
    } else if any(&RULE_SECTIONS) || any(&NOTIFY_SECTIONS) {
        Kind::Alerting
    } else {
        Kind::Other
    }
}

impl Loader<'_> {
    /// All provisioning files. Data sources first: rules name them.
    pub(super) fn read_grafana(&mut self, found: &Found, settings: &mut Settings) {
        let mut alerting = Vec::new();
        let mut datasources = Datasources::default();
        for path in &found.grafana {
            let Some((file, kind)) = self.open_grafana(path) else { continue };
            match kind {
                Kind::Datasources => {
                    datasources.read(&file.tree.root, &file.report);
                    self.close(file);
                }
                Kind::Alerting => alerting.push(file),
                Kind::Other => {}
            }
        }
        settings.exemplar_links = datasources.take_exemplar_links();
        let mut seen = rules::Seen::default();
        let mut groups = Vec::new();
        for file in &alerting {
            groups.extend(read_alerting(file, &datasources, &mut seen));
        }
        let around = Around { smtp: self.grafana_smtp(found) };
        let names = notify::read(&alerting, &around, settings);
        for file in alerting {
            self.close(file);
        }
        let unused = std::cell::RefCell::new(Vec::new());
        rules::delete(&mut groups, &seen, |rule, message| unused.borrow_mut().push(Problem::warning(&rule.file, rule.span, message)));
        self.problems.extend(unused.into_inner());
        settings.groups.extend(groups);
        routes::add(settings, &names, &mut self.problems);
    }

    /// How Grafana sends mail; it is not said where the contact points are.
    fn grafana_smtp(&mut self, found: &Found) -> Result<Smtp, String> {
        let text = found.grafana_ini.as_ref().and_then(|path| self.text(path)).unwrap_or_default();
        if let Some(path) = &found.grafana_ini {
            // A caret would draw the line, and the line may hold a password.
            self.texts.remove(path);
        }
        let mut ini = smtp::section(&text, "smtp");
        let report = Report::new("grafana.ini");
        let with = Surroundings { variables: &self.variables, files: &self.files, file_text: "", report: &report };
        for value in ini.values_mut() {
            *value = expand::expand_ini(value, &with);
        }
        let env = |name: &str| self.variables.get(name);
        let file = |path: &str| expand::read_file(std::path::Path::new(path), &self.files).ok().map(|text| text.trim().to_string());
        smtp::read(&SmtpKeys { ini: &ini, env: &env, file: &file }, &self.smtp)
    }

    fn open_grafana(&mut self, path: &std::path::Path) -> Option<(Opened, Kind)> {
        let text = self.text(path)?;
        let report = Report::new(path.display().to_string());
        let Some(mut tree) = yaml::parse(&text, &report) else {
            self.problems.extend(report.into_problems());
            return None;
        };
        let kind = kind_of(&tree.root);
        if kind == Kind::Other {
            self.texts.remove(path);
            return None;
        }
        let with = Surroundings { variables: &self.variables, files: &self.files, file_text: &text, report: &report };
        expand::expand_file(&mut tree.root, &with);
        self.hash_values(&tree.root);
        Some((Opened { path: path.to_path_buf(), text, tree, report }, kind))
    }
}

/// One file of `provisioning/alerting`: any mix of sections.
fn read_alerting(file: &Opened, datasources: &Datasources, seen: &mut rules::Seen) -> Vec<GroupSettings> {
    let Some(fields) = Fields::of(&file.tree.root, "Grafana alerting file", &file.report) else { return Vec::new() };
    check_version(&fields);
    let groups = rules::read(&fields, &rules::Context { datasources, text: &file.text }, seen);
    for section in NOTIFY_SECTIONS {
        // Read by notify.rs over all files together.
        fields.node(section);
    }
    fields.finish();
    groups
}

/// Grafana reads version 1 only.
fn check_version(fields: &Fields) {
    let version = fields.integer("apiVersion");
    if version.is_some_and(|version| version > 1) {
        fields.error(fields.key_span("apiVersion"), "only \"apiVersion: 1\" is known", "");
    }
}
