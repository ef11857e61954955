//! `bellbuoy push` and `bellbuoy run`: jobs that succeed, fail, and are killed with and without the program around them.

use std::process::{Command, Output, Stdio};

use super::harness::{Folder, Program, bellbuoy, free_port, wait_explained, wait_for};

fn stack() -> (Folder, Program) {
    let folder = Folder::new(&[("prometheus.yml", "scrape_configs: []\n"), ("bellbuoy.yml", "pushgateway: {interval: 1s}\n")]);
    let program = Program::up(&folder);
    (folder, program)
}

fn at(program: &Program, words: &[&str]) -> Command {
    let mut command = bellbuoy();
    command.arg(words[0]).args(["--job", "etl", "--url", &format!("http://{}", program.address)]).args(&words[1..]);
    command
}

fn ran(mut command: Command) -> Output {
    command.output().expect("the program runs")
}

/// Until the metric of the job has this value.
fn expect(program: &Program, metric: &str, want: &str) {
    let values = || program.query(&format!("{metric}{{job=\"etl\"}}"));
    wait_explained(&format!("{metric} {want}"), &|| format!("{:?}", values()), || {
        values().first().is_some_and(|(_, value)| value == want).then_some(())
    });
}

#[test]
fn metrics_are_pushed_from_arguments_and_files() {
    let (folder, program) = stack();
    assert_eq!(ran(at(&program, &["push", "--label", "part=a/b", "rows=12"])).status.code(), Some(0));
    wait_for("the value", || {
        program.query("rows{job=\"etl\", part=\"a/b\"}").first().is_some_and(|(_, value)| value == "12").then_some(())
    });
    folder.write("good.prom", "# TYPE files gauge\nfiles{kind=\"csv\"} 3\n");
    folder.write("bad.prom", "files 3\nfiles{ 1\n");
    let file = |name: &str| folder.config().join(name).display().to_string();
    assert_eq!(ran(at(&program, &["push", "--file", &file("good.prom")])).status.code(), Some(0));
    expect(&program, "files", "3");
    let bad = ran(at(&program, &["push", "--file", &file("bad.prom")]));
    assert_eq!(bad.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&bad.stderr).contains("bad.prom: line 2, column 8"), "{}", String::from_utf8_lossy(&bad.stderr));
    assert_eq!(ran(at(&program, &["push", "push_time_seconds=1", "files=1"])).status.code(), Some(0));
    assert_eq!(ran(at(&program, &["push", "--delete"])).status.code(), Some(0));
    wait_for("the end", || program.query("files").is_empty().then_some(()));
}

#[test]
fn a_job_reports_how_it_ended_and_its_status_is_ours() {
    let (_folder, program) = stack();
    let good = ran(at(&program, &["run", "--", "sh", "-c", "echo out; echo err >&2"]));
    assert_eq!((good.status.code(), String::from_utf8_lossy(&good.stdout).as_ref()), (Some(0), "out\n"));
    expect(&program, "pipeline_job_success_status", "1");
    expect(&program, "pipeline_job_running", "0");
    let success = program.query("pipeline_job_last_success_timestamp_seconds");
    assert_eq!(success.len(), 1);
    assert_eq!(ran(at(&program, &["run", "--", "sh", "-c", "exit 3"])).status.code(), Some(3));
    expect(&program, "pipeline_job_exit_status", "3");
    expect(&program, "pipeline_job_success_status", "0");
    assert_eq!(program.query("pipeline_job_last_success_timestamp_seconds"), success, "a failure leaves it");
    assert_eq!(ran(at(&program, &["run", "--", "/no/such/program"])).status.code(), Some(127));
    expect(&program, "pipeline_job_exit_status", "127");
    // As the kernel does when memory is short.
    assert_eq!(ran(at(&program, &["run", "--", "sh", "-c", "kill -9 $$"])).status.code(), Some(137));
    expect(&program, "pipeline_job_exit_status", "137");
}

#[test]
fn a_signal_reaches_the_job_and_its_end_is_reported() {
    let (folder, program) = stack();
    let mark = folder.root().join("started");
    let script = format!("trap 'exit 5' TERM; touch {}; while :; do sleep 0.05; done", mark.display());
    let mut child = at(&program, &["run", "--", "sh", "-c", &script]).spawn().expect("the program runs");
    wait_for("the job", || mark.exists().then_some(()));
    let status = Command::new("sh").args(["-c", &format!("kill -TERM {}", child.id())]).status().expect("kill");
    assert!(status.success());
    assert_eq!(child.wait().expect("wait").code(), Some(5));
    expect(&program, "pipeline_job_exit_status", "5");
}

/// `bellbuoy run` and its job die at once, as with a machine; then bellbuoy itself dies too, and still says that the job failed.
#[test]
fn a_job_that_dies_with_its_runner_is_lost_not_forgotten() {
    let (folder, program) = stack();
    let script = "while kill -0 $PPID 2>/dev/null; do sleep 0.05; done";
    let mut child =
        at(&program, &["run", "--lease", "3s", "--", "sh", "-c", script]).stdout(Stdio::null()).spawn().expect("the program runs");
    expect(&program, "pipeline_job_running", "1");
    child.kill().expect("kill");
    child.wait().expect("wait");
    program.kill();
    let program = Program::up(&folder);
    expect(&program, "pipeline_job_lost", "1");
    expect(&program, "pipeline_job_success_status", "0");
    expect(&program, "pipeline_job_running", "0");
    assert!(program.query("pipeline_job_exit_status").is_empty(), "nobody knows it");
}

#[test]
fn a_job_runs_also_when_nobody_listens() {
    let url = format!("http://127.0.0.1:{}", free_port());
    let mut command = bellbuoy();
    command.args(["push", "--job", "etl", "--wait", "0s", "--url", &url, "x=1"]);
    assert_eq!(ran(command).status.code(), Some(2));
}
