//! `bellbuoy init`: a ready-made stack in a folder, whole or not at all.

use std::path::Path;
use std::process::Output;

use super::harness::{Folder, bellbuoy};

fn init(dir: &Path, arguments: &[&str]) -> Output {
    bellbuoy().arg("init").args(arguments).current_dir(dir).output().expect("the program runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_stack_is_written_as_it_is_in_the_repository() {
    let folder = Folder::new(&[]);
    let output = init(folder.root(), &["bike-traffic", "my stack"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("cd 'my stack'"), "{}", said(&output));
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../stacks/bike-traffic");
    for file in ["alerts.yml", "dashboards/overview.json", ".gitignore", "provisioning/datasources/prometheus.yml"] {
        let read = |path: &Path| std::fs::read_to_string(path.join(file)).expect(file);
        assert_eq!(read(&folder.root().join("my stack")), read(&repository), "{file}");
    }
}

#[test]
fn nothing_is_overwritten_and_nothing_half_written() {
    let folder = Folder::new(&[]);
    let dir = folder.root().join("mine");
    std::fs::create_dir_all(&dir).expect("a folder");
    std::fs::write(dir.join("alerts.yml"), "mine").expect("a file");
    let output = init(folder.root(), &["bike-traffic", "mine"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("alerts.yml"), "{}", said(&output));
    assert_eq!(std::fs::read_to_string(dir.join("alerts.yml")).expect("the file"), "mine");
    assert_eq!(std::fs::read_dir(&dir).expect("the folder").count(), 1, "nothing was written beside it");
}

#[test]
fn without_a_name_the_stacks_are_listed_and_an_unknown_one_is_named() {
    let folder = Folder::new(&[]);
    let output = init(folder.root(), &[]);
    assert_eq!(output.status.code(), Some(0));
    for stack in ["bike-traffic", "accident-severity", "trading-pipelines"] {
        assert!(said(&output).contains(stack), "{}", said(&output));
    }
    let output = init(folder.root(), &["bikes"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("unknown stack \"bikes\""), "{}", said(&output));
}
