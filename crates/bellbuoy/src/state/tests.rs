//! What is written is there again, counted, bounded and after a restart.

use bellbuoy_vocabulary::Labels;
use serde_json::json;

use super::*;
use crate::fixtures;

fn state() -> State {
    State::open(Path::new(":memory:")).expect("in memory")
}

fn alert(name: &str) -> Alert {
    let annotations = Labels::from_pairs([("summary", "s")]);
    Alert { annotations, updated_at: Timestamp(3), generator_url: "http://x".into(), timeout: true, ..fixtures::alert(name) }
}

fn message(key: &str, group: &str, at: i64) -> Write {
    fixtures::message(key, fixtures::notice("team", group, vec![alert("A")], at))
}

fn settle(id: i64, status: OutboxStatus, answer: &str) -> Write {
    let settled = Settlement::without_attempt(id, status, answer, Timestamp(20));
    Write::Settle(Settlement { attempted: true, due_at: Timestamp(100), ..settled })
}

#[test]
fn a_group_is_remembered_until_its_log_entry_goes() {
    let state = state();
    state.commit(&[message("a", "A", 1), message("b", "B", 1)], Durability::Synced).expect("commit");
    let memory = || ["A", "B"].map(|group| state.receiver_data("team/webhook/0", group).expect("query"));
    let remember = |id, memory: Option<Value>| {
        let Write::Settle(settlement) = settle(id, OutboxStatus::Delivered, "200") else { return };
        state.commit(&[Write::Settle(Settlement { memory, ..settlement })], Durability::Logged).expect("commit");
        state.trim().expect("trim");
    };
    assert_eq!(memory(), [json!(null), json!(null)]);
    remember(1, Some(json!({"id": "1"})));
    remember(2, Some(json!({"id": "2"})));
    remember(1, None);
    assert_eq!(memory(), [json!({"id": "1"}), json!({"id": "2"})]);
    remember(1, Some(json!({"id": "3"})));
    remember(2, Some(json!(null)));
    assert_eq!(memory(), [json!({"id": "3"}), json!(null)]);
    state.commit(&[Write::LogGone { key: "team/webhook/0:A".into() }], Durability::Synced).expect("commit");
    assert_eq!(memory(), [json!(null), json!(null)]);
}

#[test]
fn the_same_key_is_one_message() {
    let state = state();
    let rows = state.commit(&[message("a", "G", 1), message("a", "G", 2), message("b", "G", 3)], Durability::Synced).expect("commit");
    assert_eq!(rows.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true]);
    let ids = [(1, Some("k")), (2, Some("k")), (3, None), (3, None)]
        .map(|(at, key)| state.inbox_receive(Timestamp(at), key, "/inbox", &json!({})).expect("insert"));
    assert!(ids[0] == ids[1] && ids[1] < ids[2] && ids[2] < ids[3], "a repeat has the id of the first: {ids:?}");
    assert_eq!(state.inbox(10).expect("rows").len(), 3);
}

#[test]
fn what_became_of_messages() {
    let state = state();
    let writes = [message("a", "G", 1), message("b", "G", 2), message("c", "G", 3), message("d", "G", 4)];
    state.commit(&writes, Durability::Synced).expect("commit");
    let settled = [
        settle(1, OutboxStatus::Pending, "HTTP 500"),
        settle(1, OutboxStatus::Delivered, "delivered"),
        settle(2, OutboxStatus::Failed, "HTTP 404"),
        settle(3, OutboxStatus::Replaced, "a newer one"),
    ];
    state.commit(&settled, Durability::Logged).expect("commit");
    let rows = state.messages(10).expect("rows");
    let words: Vec<_> = rows.iter().map(|row| (row.key.as_str(), row.status.word(), row.attempts, row.last_answer.as_str())).collect();
    let expected =
        [("d", "pending", 0, ""), ("c", "replaced", 1, "a newer one"), ("b", "failed", 1, "HTTP 404"), ("a", "delivered", 2, "delivered")];
    assert_eq!(words, expected);
    let pending: Vec<_> = state.pending().expect("rows").iter().map(|row| row.key.clone()).collect();
    assert_eq!(pending, ["d"]);
    let mut counts: Vec<_> = state.message_counts().iter().map(|(status, count)| format!("{} {count}", status.word())).collect();
    counts.sort();
    assert_eq!(counts, ["delivered 1", "failed 1", "pending 1", "replaced 1"]);
}

#[test]
fn an_alert_has_one_row_while_it_lives() {
    let state = state();
    let (a, b) = (alert("A"), alert("B"));
    let prints = (a.fingerprint(), b.fingerprint());
    let changed = Alert { starts_at: Timestamp(9), ..a.clone() };
    state.commit(&[Write::Alert(a.clone()), Write::Alert(b), Write::Alert(a)], Durability::Synced).expect("commit");
    state.commit(&[Write::Alert(changed.clone()), Write::AlertGone(prints.1)], Durability::Synced).expect("commit");
    let rows = state.alerts().expect("rows");
    assert_eq!(rows.iter().map(alert_of).collect::<Vec<_>>(), [Some(changed.clone())]);
    // Gone and back in one transaction.
    state.commit(&[Write::AlertGone(prints.0), Write::Alert(changed), Write::AlertGone(77)], Durability::Synced).expect("commit");
    assert_eq!(state.alerts().expect("rows").len(), 1);
}

/// The state of a program before November 2026: its alerts were lost by the new layout of their table.
#[test]
fn alerts_of_the_old_layout_are_taken_over() {
    let dir = std::env::temp_dir().join(format!("bellbuoy-old-state-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("temporary folder");
    let path = dir.join("state.db");
    let old = Connection::open(&path).expect("open");
    old.execute_batch("CREATE TABLE alerts (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;").expect("table");
    let body = serde_json::to_string(&AlertJson(&alert("A"))).expect("JSON");
    old.execute("INSERT INTO alerts VALUES ('00', ?1)", [body]).expect("row");
    drop(old);
    let state = State::open(&path).expect("open");
    assert_eq!(state.alerts().expect("rows").iter().map(alert_of).collect::<Vec<_>>(), [Some(alert("A"))]);
    state.commit(&[Write::AlertGone(alert("A").fingerprint())], Durability::Synced).expect("commit");
    assert!(State::open(&path).expect("open").alerts().expect("rows").is_empty());
    let _ = std::fs::remove_dir_all(&dir);
}

#[test]
fn what_was_committed_is_there_after_reopening() {
    let dir = std::env::temp_dir().join(format!("bellbuoy-state-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("temporary folder");
    let path = dir.join("state.db");
    let first = State::open(&path).expect("open");
    first
        .commit(
            &[
                Write::Alert(alert("A")),
                Write::Log { key: "g".into(), body: json!({"l": 1}) },
                Write::Rules { key: "r".into(), body: json!([]) },
                Write::Keep { name: "k".into(), body: json!(7) },
                Write::Audit { at: Timestamp(5), body: json!({"d": "retrain"}) },
                message("m", "G", 1),
            ],
            Durability::Synced,
        )
        .expect("commit");
    drop(first);
    let again = State::open(&path).expect("open");
    assert_eq!(again.alerts().expect("rows").len(), 1);
    assert_eq!(again.notification_log().expect("rows"), [json!({"l": 1})]);
    assert_eq!(again.rules().expect("rows"), [("r".to_string(), json!([]))]);
    assert_eq!(again.kept("k").expect("row"), Some(json!(7)));
    assert_eq!(again.kept("other").expect("row"), None);
    assert_eq!(again.audit(&AuditQuery { rows_max: 10, ..AuditQuery::default() }).expect("rows"), [json!({"d": "retrain"})]);
    assert_eq!(again.pending().expect("rows")[0].destination, "team/webhook/0");
    again.commit(&[Write::AlertGone(alert("A").fingerprint()), Write::LogGone { key: "g".into() }], Durability::Synced).expect("commit");
    assert!(again.alerts().expect("rows").is_empty() && again.notification_log().expect("rows").is_empty());
    let _ = std::fs::remove_dir_all(&dir);
}
