//! Decisions as pipelines ask for them: retrain or not, deploy or not, on record.

use serde_json::{Value, json};

use super::harness::{Folder, Program, Server, alertmanager, answer, text, wait_for};

pub(super) const ROWS: usize = 400;

/// A model whose target is its one feature, with rules over intervals and a cool-down.
pub(super) fn folder(more: &[(&str, &str)]) -> Folder {
    let reference: String = (0..ROWS).map(|n| format!("{},{}\n", n % 50, n % 50)).collect();
    let (reference, mut files) = (format!("x,y\n{reference}"), Vec::from(more));
    let model = "models:\n- name: m\n  target: y\n  reference: reference.csv\n  features: [x]\n  rows_min: 50\n  schedule: 1h\n  retraining:\n    cool_down: 1h\n    rules:\n    - {name: surely_low, when: {figure: r2, side: high, below: 0.65}, outcome: retrain, severity: critical}\n    - {name: low, when: {figure: r2, below: 0.7}, outcome: watch}\n";
    files.extend([("reference.csv", reference.as_str()), ("bellbuoy.yml", model)]);
    Folder::new(&files)
}

pub(super) fn data(answer: (u16, String)) -> Value {
    assert_eq!(answer.0, 200, "{}", answer.1);
    serde_json::from_str::<Value>(&answer.1).expect("JSON")["data"].clone()
}

/// Errors that look like noise.
pub(super) fn noise(n: usize) -> f64 {
    ((n * 7919) % 101) as f64 / 50.0 - 1.0
}

/// Predictions that are off by `size` times noise.
fn predictions(role: &str, size: f64) -> Value {
    let row =
        |n: usize| json!({"id": n.to_string(), "prediction": (n % 50) as f64 + size * noise(n), "role": role, "features": {"x": n % 50}});
    (0..ROWS).map(row).collect()
}

pub(super) fn fill(program: &Program, champion: f64) {
    let labels: Value = (0..ROWS).map(|n| json!({"id": n.to_string(), "value": n % 50})).collect();
    data(program.post("/api/v1/models/m/predictions", &predictions("champion", champion).to_string()));
    data(program.post("/api/v1/models/m/labels", &labels.to_string()));
}

fn counter(program: &Program, name: &str, label: &str) -> String {
    let found = program.query(&format!("bellbuoy_{name}{{model=\"m\",{label}}}"));
    found.first().map_or("none".to_string(), |(_, value)| value.clone())
}

#[test]
fn a_branch_task_asks_and_a_run_begins_a_cool_down() {
    let folder = folder(&[]);
    let program = Program::up(&folder);
    let ask = |query: &str| data(program.get(&format!("/api/v1/models/m/decision{query}")));
    let unknown = ask("?judge=true");
    assert_eq!((text(&unknown["outcome"]), text(&unknown["reason"])), ("unknown".into(), "unknown".into()), "{unknown}");
    assert_eq!(unknown["because"], "R2 is unknown (there are no rows), so rule surely_low cannot be judged");

    fill(&program, 30.0);
    // The answer stands until somebody judges anew.
    assert_eq!(ask("")["outcome"], "unknown");
    let retrain = ask("?age_max=0s");
    assert_eq!((text(&retrain["outcome"]), text(&retrain["rule"])), ("retrain".into(), "surely_low".into()), "{retrain}");
    assert!(text(&retrain["because"]).contains(" at its upper end is below 0.65"), "{retrain}");
    let r2 = &retrain["inputs"]["r2"];
    assert!(r2["low"].as_f64() < r2["value"].as_f64() && r2["high"].as_f64() < Some(0.65) && r2["rows"] == ROWS, "{r2}");
    assert!(ask("")["age_seconds"].as_f64().is_some_and(|age| age < 600.0));

    data(program.post("/api/v1/models/m/retrained", ""));
    let cooling = ask("?judge=true");
    assert_eq!((text(&cooling["outcome"]), text(&cooling["reason"])), ("watch".into(), "cooling_down".into()), "{cooling}");
    let forced = ask("?force=true");
    assert_eq!((text(&forced["outcome"]), text(&forced["reason"])), ("retrain".into(), "forced".into()), "{forced}");
    // It was for the one who asked: the scheduled run right after trained again.
    for question in ["?age_max=15m", ""] {
        assert_eq!(ask(question)["reason"], "cooling_down", "{question}");
    }

    // The cool-down, the counters and the record outlive a kill.
    program.kill();
    let program = Program::up(&folder);
    let cooling = data(program.get("/api/v1/models/m/decision?judge=true"));
    assert_eq!(cooling["reason"], "cooling_down", "{cooling}");
    wait_for("the counters", || (counter(&program, "model_retraining_decisions_total", "outcome=\"retrain\"") == "2").then_some(()));
    let (_, audit) = program.get("/api/bellbuoy/audit?model=m");
    let audit: Vec<Value> = serde_json::from_str(&audit).expect("JSON");
    let said: Vec<String> = audit.iter().rev().map(|entry| format!("{} {}", text(&entry["event"]), text(&entry["outcome"]))).collect();
    assert!(said.contains(&"retrained success".to_string()), "{said:?}");
    assert!(said.iter().filter(|said| *said == "decision retrain").count() == 2, "{said:?}");
    for (path, problem) in [("?judge=maybe", "write true or false"), ("?age_max=soon", "duration")] {
        let (status, body) = program.get(&format!("/api/v1/models/m/decision{path}"));
        assert!(status == 400 && body.contains(problem), "{body}");
    }
    assert_eq!(program.get("/api/v1/models/none/decision").0, 404);
}

#[test]
fn a_challenger_is_deployed_skipped_or_rejected_by_a_paired_test() {
    let hook = Server::start(|_| answer(200, &[], b""));
    let folder = folder(&[("alertmanager.yml", &alertmanager(&format!("http://{}/hook", hook.address)))]);
    let program = Program::up(&folder);
    fill(&program, 4.0);
    let challenger = |size: f64| -> Value {
        (0..ROWS).map(|n| json!({"id": n.to_string(), "prediction": (n % 50) as f64 + size * noise(n + 13)})).collect()
    };
    let evaluate = |body: Value| data(program.post("/api/v1/models/m/evaluations", &body.to_string()));

    // What the pages say of it: nothing yet, then what became of the newest.
    let row = || data(program.get("/api/bellbuoy/overview"))["models"][0].clone();
    assert!(row()["lastChallenger"].is_null() && row()["challengers"] == json!([]), "{}", row());
    let deploy = evaluate(json!({"version": "v2", "current": challenger(2.0), "baseline": challenger(3.0)}));
    assert_eq!((text(&deploy["decision"]), text(&deploy["version"])), ("deploy".into(), "v2".into()), "{deploy}");
    assert!(deploy["current"]["gain_low"].as_f64() > Some(0.0) && deploy["current"]["rows"] == ROWS, "{deploy}");
    // As good as the champion, with errors of its own: noise.
    let skip = evaluate(json!({"current": challenger(4.0), "baseline": challenger(4.0)}));
    assert_eq!((text(&skip["decision"]), text(&skip["rule"])), ("skip".into(), "within_noise".into()), "{skip}");
    let reject = evaluate(json!({"current": challenger(2.0), "baseline": challenger(40.0)}));
    assert_eq!((text(&reject["decision"]), text(&reject["rule"])), ("reject".into(), "worse_on_baseline".into()), "{reject}");

    let last = row()["lastChallenger"].clone();
    assert_eq!((text(&last["outcome"]), text(&last["at"])), ("reject".into(), text(&reject["at"])), "{last}");

    // A task that is tried again hears the same, and it counts once.
    let asked = json!({"key": "run-7", "current": challenger(2.0), "baseline": challenger(2.0)});
    let first = evaluate(asked.clone());
    assert_eq!(evaluate(asked), first);

    // In shadow: both have predicted, nothing but the question is sent.
    data(program.post("/api/v1/models/m/predictions", &predictions("challenger", 1.0).to_string()));
    let kept = json!({"last": "1h"});
    let shadow = evaluate(json!({"role": "challenger", "current": kept, "baseline": kept}));
    assert_eq!((text(&shadow["decision"]), shadow["current"]["rows"].as_u64()), ("deploy".into(), Some(ROWS as u64)), "{shadow}");
    let alone = evaluate(json!({"role": "challenger", "current": kept}));
    assert!(alone["decision"] == "skip" && text(&alone["because"]).contains("no baseline set was given"), "{alone}");
    let nobody = evaluate(json!({"role": "nobody", "current": kept, "baseline": kept}));
    assert!(nobody["decision"] == "skip" && text(&nobody["because"]).contains("there are no rows"), "{nobody}");

    // Figures alone, and rows that hold both sides.
    let figures = |r2: f64| json!({"champion": {"r2": 0.7, "rows": 99}, "challenger": {"r2": r2, "rows": 99}});
    assert_eq!(evaluate(json!({"current": figures(0.8), "baseline": figures(0.69)}))["decision"], "deploy");
    let rows: Value = (0..100).map(|n| json!({"value": n, "champion": n + n % 7, "challenger": n})).collect();
    assert_eq!(evaluate(json!({"current": rows, "baseline": rows}))["decision"], "deploy");

    for (body, problem) in [
        (json!({"current": rows, "baseline": figures(0.8)}), "give both as figures or both as rows"),
        (json!({"current": [{"id": "1", "prediction": "high"}]}), "current[0].prediction: must be a number"),
        (json!({"currant": []}), "currant: unknown; did you mean \"current\"?"),
    ] {
        let (status, answer) = program.post("/api/v1/models/m/evaluations", &body.to_string());
        let error: Value = serde_json::from_str(&answer).expect("JSON");
        assert!(status == 400 && text(&error["error"]).contains(problem), "{answer}");
    }

    wait_for("the counter", || (counter(&program, "model_deployments_total", "decision=\"deploy\"") == "5").then_some(()));
    assert_eq!(counter(&program, "model_deployments_total", "decision=\"reject\""), "1");
    let told = wait_for("the message", || hook.received().iter().map(|one| one.json()).find(|one| one.to_string().contains("v2")));
    let alert = told["alerts"]
        .as_array()
        .and_then(|alerts| alerts.iter().find(|alert| alert["annotations"]["model_version"] == "v2"))
        .expect("there");
    assert_eq!(
        (text(&alert["labels"]["alertname"]), text(&alert["labels"]["outcome"])),
        ("ModelDeploymentDecision".into(), "deploy".into())
    );
    assert!(text(&alert["annotations"]["description"]).contains("95% sure of +"), "{alert}");
}

#[test]
fn the_record_is_verified_and_a_change_is_seen() {
    let folder = folder(&[]);
    let program = Program::up(&folder);
    fill(&program, 30.0);
    for _ in 0..3 {
        data(program.get("/api/v1/models/m/decision?judge=true"));
    }
    let whole = data(program.get("/api/bellbuoy/audit?verify=true"));
    assert_eq!((&whole["intact"], whole["rows"].as_u64() >= Some(3)), (&json!(true), true), "{whole}");
    let head = text(&whole["head"]);
    assert_eq!(data(program.get(&format!("/api/bellbuoy/audit?contains={head}")))["contains"], true);
    program.kill();
    let database = rusqlite::Connection::open(folder.data().join("state.db")).expect("the database");
    let edit = "UPDATE audit SET body = body || ' ' WHERE id = 2";
    let refused = database.execute(edit, []).expect_err("a trigger refuses");
    assert!(refused.to_string().contains("cannot be changed"), "{refused}");
    database.execute_batch(&format!("DROP TRIGGER audit_update; {edit};")).expect("without its trigger");
    drop(database);
    let program = Program::up(&folder);
    let changed = data(program.get("/api/bellbuoy/audit?verify=true"));
    assert!(changed["intact"] == false && text(&changed["problem"]).starts_with("entry 2 "), "{changed}");
    assert_eq!(data(program.get(&format!("/api/bellbuoy/audit?contains={head}")))["contains"], true);
}
