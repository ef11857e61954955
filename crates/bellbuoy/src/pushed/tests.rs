//! Pushes against a database in memory; the page is what a scrape sees.

use expect_test::{Expect, expect};

use bellbuoy_exposition::families_of_text;

use super::*;

struct Bench {
    state: State,
    pushed: Pushed,
}

impl Bench {
    fn new() -> Bench {
        Bench { state: State::open(std::path::Path::new(":memory:")).expect("in memory"), pushed: Pushed::default() }
    }

    fn push(&self, path: &str, body: &str, replace: bool, at: i64) -> String {
        let key = grouping(path).expect("a key");
        let families = families_of_text(Format::PrometheusText, body.as_bytes()).expect("text");
        match self.pushed.push(&self.state, key, families, replace, Timestamp(at)) {
            Ok(()) => "ok".into(),
            Err(error) => error.to_string(),
        }
    }

    fn check(&self, page: Expect) {
        let samples = |pushed: &Pushed| -> String {
            pushed.page().lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect()
        };
        page.assert_eq(&samples(&self.pushed));
        assert_eq!(samples(&Pushed::restore(&self.state).expect("restored")), samples(&self.pushed), "a restart changes nothing");
    }
}

#[test]
fn put_replaces_the_group_and_post_the_families() {
    let bench = Bench::new();
    assert_eq!(bench.push("job/a", "x 1\ny{job=\"other\",k=\"v\"} 2\n", true, 1000), "ok");
    assert_eq!(bench.push("job/a/instance/i", "x 3\n", true, 2000), "ok");
    assert_eq!(bench.push("job/a", "x 5\n", false, 3000), "ok");
    bench.check(expect![[r#"
        x{instance="i",job="a"} 3
        x{job="a",instance=""} 5
        y{k="v",job="a",instance=""} 2
        push_time_seconds{instance="i",job="a"} 2
        push_time_seconds{job="a",instance=""} 3
        push_failure_time_seconds{instance="i",job="a"} 0
        push_failure_time_seconds{job="a",instance=""} 0
    "#]]);
    assert_eq!(bench.push("job/a", "x 6\n", true, 4000), "ok");
    bench.pushed.delete(&bench.state, &grouping("job/a/instance/i").expect("a key")).expect("deleted");
    bench.check(expect![[r#"
        x{job="a",instance=""} 6
        push_time_seconds{job="a",instance=""} 4
        push_failure_time_seconds{job="a",instance=""} 0
    "#]]);
}

/// A job that pushes a page which it read from a gateway: the times were on our page twice.
#[test]
fn the_times_of_pushes_are_not_pushed() {
    let bench = Bench::new();
    assert_eq!(
        bench.push("job/a", "# TYPE push_time_seconds counter\npush_time_seconds 5\npush_failure_time_seconds 6\nx 1\n", true, 1000),
        "ok"
    );
    bench.check(expect![[r#"
        x{job="a",instance=""} 1
        push_time_seconds{job="a",instance=""} 1
        push_failure_time_seconds{job="a",instance=""} 0
    "#]]);
}

#[test]
fn what_contradicts_is_refused_and_remembered_as_a_failure() {
    let bench = Bench::new();
    bench.push("job/a", "# TYPE x counter\nx 1\n", true, 1000);
    let refused = |path: &str, body: &str| {
        let answer = bench.push(path, body, true, 2000);
        answer.strip_prefix("pushed metrics are invalid or inconsistent with existing metrics: ").expect("refused").to_string()
    };
    assert_eq!(refused("job/b", "# TYPE x gauge\nx 1\n"), "metric family x has type gauge, another group pushed it as counter");
    assert_eq!(refused("job/b", "x 1 1000\n"), "pushed metrics must not have timestamps: x");
    assert!(refused("job/b", "y{job=\"1\"} 1\ny{job=\"2\"} 1\n").ends_with("was collected before with the same name and label values"));
    assert_eq!(bench.push("job/a", "# TYPE x gauge\nx 7\n", true, 3000), "ok", "the only group with the name may change its type");
    bench.check(expect![[r#"
        x{job="a",instance=""} 7
        push_time_seconds{job="a",instance=""} 3
        push_time_seconds{job="b",instance=""} 0
        push_failure_time_seconds{job="a",instance=""} 0
        push_failure_time_seconds{job="b",instance=""} 2
    "#]]);
}

/// The whole machine of a job was gone: nobody could report, and the page said "running" for ever.
#[test]
fn a_job_that_nobody_hears_of_has_failed() {
    let bench = Bench::new();
    let body = "# TYPE pipeline_job_running gauge\npipeline_job_running 1\n# TYPE pipeline_job_lease_until_timestamp_seconds gauge\n\
                pipeline_job_lease_until_timestamp_seconds 60\n# TYPE pipeline_job_exit_status gauge\npipeline_job_exit_status 0\n";
    bench.push("job/etl", body, true, 1000);
    lease::end_overdue(&bench.pushed, &bench.state, Timestamp(60_000));
    assert!(bench.pushed.page().contains("pipeline_job_running{job=\"etl\",instance=\"\"} 1"), "not over yet");
    lease::end_overdue(&bench.pushed, &bench.state, Timestamp(60_001));
    bench.check(expect![[r#"
        pipeline_job_lease_until_timestamp_seconds{job="etl",instance=""} 60
        pipeline_job_lost{job="etl",instance=""} 1
        pipeline_job_running{job="etl",instance=""} 0
        pipeline_job_success_status{job="etl",instance=""} 0
        push_time_seconds{job="etl",instance=""} 1
        push_failure_time_seconds{job="etl",instance=""} 0
    "#]]);
}

/// Many at once: each answer says what is on disk, and memory is what a restart finds.
#[test]
fn pushes_at_the_same_time_are_all_on_disk() {
    let bench = Bench::new();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let bench = &bench;
            scope.spawn(move || {
                for step in 0..50 {
                    assert_eq!(bench.push(&format!("job/a/thread/{thread}"), &format!("x {step}\n"), true, 1000 + step), "ok");
                    assert_eq!(bench.push("job/shared", &format!("y{thread} {step}\n"), false, 1000 + step), "ok");
                }
            });
        }
    });
    let rows = bench.state.pushed_groups().expect("rows");
    assert_eq!(rows.len(), 9);
    assert!(rows.iter().filter(|row| row.key.contains("thread")).all(|row| row.body.as_deref().is_some_and(|body| body.contains(" 49\n"))));
    let page = bench.pushed.page();
    assert_eq!((0..8).filter(|thread| page.contains(&format!("y{thread}{{job=\"shared\",instance=\"\"}} 49\n"))).count(), 8, "{page}");
    assert_eq!(Pushed::restore(&bench.state).expect("restored").page(), page);
}

/// The disk is full: the push is answered so, nothing of it is seen, and the next one is taken when there is room again.
#[test]
fn a_push_that_is_not_on_disk_is_not_seen() {
    let bench = Bench::new();
    assert_eq!(bench.push("job/a", "x 1\n", true, 1000), "ok");
    let before = bench.pushed.page();
    bench.state.fail_writes(true);
    for (path, body) in [("job/a", "x 2\n"), ("job/b", "x 3\n"), ("job/a", "# TYPE x counter\nx 1 5\n")] {
        let said = bench.push(path, body, true, 2000);
        assert!(said.starts_with("state database"), "{said}");
    }
    assert!(bench.pushed.delete(&bench.state, &grouping("job/a").expect("a key")).is_err());
    assert_eq!(bench.pushed.page(), before);
    bench.state.fail_writes(false);
    assert_eq!(bench.push("job/a", "x 4\n", true, 3000), "ok");
    assert!(bench.pushed.page().contains("x{job=\"a\",instance=\"\"} 4\n"));
}
