//! Each file in `scenarios/` is a story of what is told to whom and when. A failure names the file, the line and the truth.

use std::path::{Path, PathBuf};

use bellbuoy_router::scenario;

#[test]
fn scenarios() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/scenarios");
    let mut count = 0;
    let mut failures = Vec::new();
    let list = |folder: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).expect("the folder is part of the repository");
        entries.map(|entry| entry.expect("the folder can be listed").path()).collect()
    };
    let mut paths = list(&folder);
    // The stories of Alertmanager's own acceptance tests; the end-to-end tests run them against the real one.
    paths.extend(list(&folder.join("acceptance")));
    for path in paths.iter().filter(|path| path.is_file()) {
        let text = std::fs::read_to_string(path).expect("a scenario is text");
        count += 1;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        failures.extend(scenario::run(&text).into_iter().map(|failure| format!("{name}:{failure}")));
    }
    assert!(count > 25, "only {count} scenarios found");
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn a_wrong_scenario_fails() {
    let told = |text: &str| scenario::run(text).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        told("at 0s push A firing\nat 30s expect discord [B]"),
        [
            "2: expected discord [B], but was told: discord/discord [A since 0s] because first notification at 30s",
            "2: not expected: discord/discord [A since 0s] because first notification at 30s",
        ]
    );
    assert_eq!(
        told("at 0s push A firing\nat 60s expect nothing"),
        ["2: not expected: discord/discord [A since 0s] because first notification at 30s"]
    );
    assert_eq!(
        told("at 0s push A firing\nat 30s expect discord [A] because repeat"),
        ["2: expected because repeat, but it was first notification"]
    );
    assert_eq!(told("at 9s jump"), ["1: unknown step \"jump\"; there are push, expect, hold, state, silence, expire, reload and crash"]);
}

mod amtool;
mod events;
mod reload;
mod state;
