//! The ready-made stacks of `stacks/`, in the program.
//!
//! In:    the folders as they are at build time. Out: their files by path, for `bellbuoy init` and the demo.
//! A test compares the lists with the folders: a file that is missing here fails it.

#[derive(Clone, Copy, Debug)]
pub struct Stack {
    pub name: &'static str,
    /// In one line, for people who choose.
    pub about: &'static str,
    /// Path in the folder, with `/`, and text.
    pub files: &'static [(&'static str, &'static str)],
    /// What to do after the files are there.
    pub next: &'static [&'static str],
}

macro_rules! files {
    ($folder:literal: $($path:literal),+ $(,)?) => {
        &[$(($path, include_str!(concat!("../../../stacks/", $folder, "/", $path)))),+]
    };
}

pub const BIKE_TRAFFIC: Stack = Stack {
    name: "bike-traffic",
    about: "a regression model behind an API, its Airflow pipeline, drift and performance, Discord",
    files: files!("bike-traffic":
        ".gitignore",
        "README.md",
        "alertmanager.yml",
        "alerts.yml",
        "bellbuoy.yml",
        "dags/bike_dags.py",
        "dashboards/api.json",
        "dashboards/overview.json",
        "dashboards/predictions.json",
        "dashboards/training.json",
        "prometheus.yml",
        "provisioning/dashboards/dashboards.yml",
        "provisioning/datasources/prometheus.yml",
        "reference.csv",
        "tests/alerts.test.yml",
    ),
    next: &["printf '%s' 'https://discord.com/api/webhooks/ID/TOKEN' > discord_webhook_url    # where messages go"],
};

pub const ACCIDENT_SEVERITY: Stack = Stack {
    name: "accident-severity",
    about: "a classification model behind an API, MLflow, the machine, e-mail by severity and team",
    files: files!("accident-severity":
        "dashboards/ml-model-monitoring.json",
        "dashboards/mlops-alerts.json",
        "dashboards/system-monitoring.json",
        "provisioning/dashboards/dashboards.yml",
        "provisioning/datasources/prometheus.yml",
    ),
    next: &[],
};

pub const STACKS: [Stack; 2] = [BIKE_TRAFFIC, ACCIDENT_SEVERITY];

impl Stack {
    pub fn file(&self, path: &str) -> Option<&'static str> {
        self.files.iter().find(|(known, _)| *known == path).map(|(_, text)| *text)
    }

    /// Files whose path begins so.
    pub fn under<'a>(&self, prefix: &'a str) -> impl Iterator<Item = (&'static str, &'static str)> + use<'a> {
        self.files.iter().copied().filter(move |(path, _)| path.starts_with(prefix))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn paths(folder: &Path, prefix: &str, out: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).expect("a folder of the repository").map(|entry| entry.expect("an entry")) {
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                paths(&entry.path(), &format!("{name}/"), out);
            } else {
                out.push(name);
            }
        }
    }

    #[test]
    fn every_file_of_the_stacks_is_in_the_program() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../stacks");
        for stack in STACKS {
            let mut there = Vec::new();
            paths(&root.join(stack.name), "", &mut there);
            // What people put beside them: addresses and passwords that git ignores, data.
            let ignored = stack.file(".gitignore").unwrap_or_default();
            there.retain(|path| {
                !ignored.lines().any(|line| line.trim_matches('/') == path.split('/').next().unwrap_or(path))
                    && !path.contains("__pycache__")
            });
            there.sort();
            let listed: Vec<&str> = stack.files.iter().map(|(path, _)| *path).collect();
            assert_eq!(listed, there, "{}", stack.name);
        }
    }
}
