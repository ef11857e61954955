//! Scripts: our own beside this file, and Prometheus' where a checkout of the shared conformance files exists.

use std::path::Path;

use bellbuoy_promql::script::{ScriptReport, run_script};

fn run_file(path: &Path) -> ScriptReport {
    let text = std::fs::read_to_string(path).expect("the file was listed");
    run_script(&path.file_name().unwrap_or_default().to_string_lossy(), &text)
}

#[test]
fn conformance() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/promqltest-3.5");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: {} does not exist", folder.display());
        return;
    };
    let mut paths: Vec<_> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.extension().is_some_and(|e| e == "test")).collect();
    paths.sort();
    let mut all = ScriptReport::default();
    for path in &paths {
        let report = run_file(path);
        println!(
            "{:30} {:4} of {:4}, base {}",
            path.file_name().unwrap_or_default().to_string_lossy(),
            report.passed,
            report.total,
            report.base_passed
        );
        all.passed += report.passed;
        all.base_passed += report.base_passed;
        all.total += report.total;
        all.failures.extend(report.failures);
    }
    println!("all {} of {}, base {}", all.passed, all.total, all.base_passed);
    if std::env::var("SHOW").is_ok() {
        all.failures.iter().for_each(|failure| println!("{failure}"));
    }
}
