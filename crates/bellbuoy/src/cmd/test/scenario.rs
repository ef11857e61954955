//! Scenarios in `bellbuoy test`: over the whole path with the folder's real files, or of the router alone with settings of their own.

use std::path::Path;
use std::sync::Arc;

use bellbuoy_check::scenario::{self, Words};
use bellbuoy_check::stage::{Setting, Stage};
use bellbuoy_models::ModelSettings;
use bellbuoy_promql::{Engine, Options};
use bellbuoy_template::TemplateSet;

use super::{Case, settings_of};
use crate::app;
use crate::config::Settings;

const FILE_BYTES_MAX: u64 = 16 << 20;

/// One case a file. The error: it could not be read.
pub fn cases(file: &Path) -> Result<Vec<Case>, Vec<String>> {
    let text = read(file).map_err(|error| vec![format!("{}: {error}", file.display())])?;
    let name = file.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let place = |line: usize, message: &str| format!("{}:{line}: {message}", file.display());
    if !scenario::is_scenario(&text) {
        let failures = bellbuoy_router::scenario::run(&text).iter().map(|failure| place(failure.line, &failure.message)).collect();
        return Ok(vec![Case { name, failures }]);
    }
    let read = scenario::read(&text).map_err(|failure| vec![place(failure.line, &failure.message)])?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let config = folder.join(&read.config);
    let settings = settings_of(&config).map_err(|error| vec![error.to_string()])?;
    let templates = app::templates(&settings).map(Arc::new).map_err(|_| vec!["the templates can not be read".to_string()])?;
    let external_url = "http://localhost:9090".to_string();
    let models: Vec<&ModelSettings> = settings.models.iter().map(|model| &model.settings).collect();
    let words = Words {
        receivers: &settings.receivers,
        templates: &|receiver| templates_of(&settings, &templates, receiver),
        external_url: &external_url,
        models: &models,
    };
    let stage = Stage::new(setting(&settings, &external_url), &settings.groups, read.start);
    let failures = scenario::run(&read, stage, &words).iter().map(|failure| place(failure.line, &failure.message)).collect();
    Ok(vec![Case { name, failures }])
}

fn read(file: &Path) -> std::io::Result<String> {
    let size = std::fs::metadata(file)?.len();
    if size > FILE_BYTES_MAX {
        return Err(std::io::Error::other(format!("longer than {FILE_BYTES_MAX} bytes")));
    }
    std::fs::read_to_string(file)
}

pub fn setting(settings: &Settings, external_url: &str) -> Setting {
    Setting {
        engine: Engine::new(Options::default()),
        router: settings.router_or_default(),
        external_labels: settings.global.external_labels.clone(),
        external_url: external_url.to_string(),
    }
}

/// Contact points of Grafana have templates of their own.
pub fn templates_of(settings: &Settings, templates: &Arc<TemplateSet>, receiver: &str) -> Arc<TemplateSet> {
    let grafana = settings.grafana.receivers.iter().any(|name| name == receiver);
    settings.grafana.templates.clone().filter(|_| grafana).unwrap_or_else(|| templates.clone())
}
