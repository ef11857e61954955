//! The life of silences, their limits, and what comes back from the database.

use super::*;

fn posted(id: Option<&str>, value: &str, from: i64, to: i64) -> PostedSilence {
    PostedSilence {
        id: id.map(str::to_string),
        matcher_sets: vec![vec![Matcher::equal("alertname", value)]],
        knows_sets: false,
        starts_at: Timestamp(from),
        ends_at: Timestamp(to),
        created_by: "me".into(),
        comment: "why".into(),
        annotations: BTreeMap::new(),
    }
}

fn state(silences: &Silences, id: &str, at: i64) -> &'static str {
    silences.get(id).map_or("none", |silence| silence.state(Timestamp(at)))
}

#[test]
fn a_silence_begins_is_edited_and_ends() {
    let mut silences = Silences::default();
    let (id, changes) = silences.post(posted(None, "A", 0, 100), "one".into(), Timestamp(10)).expect("good");
    assert_eq!((id.as_str(), changes.len()), ("one", 1));
    assert_eq!(silences.get("one").map(|silence| silence.starts_at), Some(Timestamp(10)), "not in the past");
    // The same matchers: the same silence, longer.
    let (id, _) = silences.post(posted(Some("one"), "A", 10, 200), "two".into(), Timestamp(20)).expect("good");
    assert_eq!((id.as_str(), state(&silences, "one", 150)), ("one", "active"));
    // Other matchers: the old one ends.
    let (id, changes) = silences.post(posted(Some("one"), "B", 10, 200), "three".into(), Timestamp(30)).expect("good");
    assert_eq!((id.as_str(), changes.len()), ("three", 2));
    assert_eq!((state(&silences, "one", 30), state(&silences, "three", 30)), ("expired", "active"));
    assert_eq!(silences.mutes(Timestamp(31)).len(), 1);
    assert_eq!(silences.expire("three", Timestamp(40)).map(|changes| changes.len()), Ok(1));
    assert_eq!(silences.expire("three", Timestamp(41)), Ok(Vec::new()), "ending twice is no error");
    assert_eq!(silences.expire("four", Timestamp(41)), Err(SilenceError::NotFound));
    assert_eq!(silences.sweep(Timestamp(41)).len(), 0);
    assert_eq!(silences.sweep(Timestamp(41) + SilenceLimits::default().retention).len(), 2);
}

/// Which edits keep the id, by Alertmanager's rule.
#[test]
fn edits_that_change_history_make_a_new_silence() {
    let check = |from: i64, now: i64, edit: PostedSilence, expected: (&str, &str)| {
        let mut silences = Silences::default();
        silences.post(posted(None, "A", from, 90_000), "one".into(), Timestamp(1)).expect("good");
        let (id, _) = silences.post(edit, "two".into(), Timestamp(now)).expect("good");
        assert_eq!((id.as_str(), state(&silences, "one", now)), expected);
    };
    check(1, 5_000, posted(Some("one"), "A", 999, 50_000), ("one", "active"));
    check(1, 5_000, posted(Some("one"), "A", 2_000, 50_000), ("two", "expired"));
    check(20_000, 5_000, posted(Some("one"), "A", 30_000, 50_000), ("one", "pending"));
    check(20_000, 5_000, posted(Some("one"), "A", 2_000, 50_000), ("two", "expired"));
    check(1, 95_000, posted(Some("one"), "A", 1, 120_000), ("two", "expired"));
}

#[test]
fn what_can_not_be_a_silence_is_refused() {
    let mut silences = Silences::default();
    silences.set_limits(SilenceLimits { count_max: 1, bytes_max: 400, ..SilenceLimits::default() });
    let mut check = |posted: PostedSilence, expected: &str| {
        let refused = silences.post(posted, "x".into(), Timestamp(50)).expect_err("refused");
        assert_eq!(refused.to_string(), expected);
    };
    let sets = |matcher_sets| PostedSilence { matcher_sets, ..posted(None, "A", 0, 60) };
    check(posted(None, "A", 80, 60), "invalid silence: end time must not be before start time");
    check(posted(Some("gone"), "A", 0, 60), "silence not found");
    check(sets(vec![]), "invalid silence: at least one matcher set required");
    check(sets(vec![vec![Matcher::equal("a", "b")], vec![]]), "invalid silence: matcher set 1 is empty");
    let empty = "invalid silence: matcher set 0: at least one matcher must not match the empty string";
    check(posted(None, "", 0, 60), empty);
    check(sets(vec![vec![Matcher::new("a", MatchOp::Regex, "x|").expect("valid")]]), empty);
    let long = PostedSilence { comment: "x".repeat(300), ..posted(None, "A", 0, 60) };
    check(long, "silence exceeded maximum size: 527 bytes (limit: 400 bytes)");
    let negative =
        PostedSilence { matcher_sets: vec![vec![Matcher::new("a", MatchOp::NotEqual, "b").expect("valid")]], ..posted(None, "A", 0, 60) };
    assert!(silences.post(negative, "one".into(), Timestamp(1)).is_ok());
    let full = silences.post(posted(None, "A", 0, 60), "two".into(), Timestamp(1)).expect_err("refused");
    assert_eq!(full.to_string(), "exceeded maximum number of silences: 1 (limit: 1)");
    assert!(silences.post(posted(Some("one"), "A", 1, 60), "two".into(), Timestamp(1)).is_err(), "an edit that makes a new one counts");
    assert_eq!(state(&silences, "one", 2), "active", "and a refused edit changes nothing");
}

/// amtool reads the first set only. Moving the end with it must not take away the other sets.
#[test]
fn a_client_that_knows_one_set_does_not_lose_the_others() {
    let mut silences = Silences::default();
    let two = vec![vec![Matcher::equal("a", "b")], vec![Matcher::equal("c", "d")]];
    let new = PostedSilence { matcher_sets: two.clone(), knows_sets: true, ..posted(None, "A", 0, 100) };
    silences.post(new, "one".into(), Timestamp(1)).expect("good");
    let longer = PostedSilence { matcher_sets: two[..1].to_vec(), ..posted(Some("one"), "A", 1, 200) };
    silences.post(longer, "two".into(), Timestamp(2)).expect("good");
    assert_eq!(silences.get("one").map(|silence| (&silence.matcher_sets, silence.ends_at)), Some((&two, Timestamp(200))));
}

#[test]
fn silences_come_back_as_they_were() {
    let matcher = |name: &str, op, value: &str| Matcher::new(name, op, value).expect("valid");
    let mut silence = Silence {
        id: "one".into(),
        matcher_sets: vec![vec![
            Matcher::equal("a", "b"),
            matcher("c", MatchOp::NotRegex, "d.*"),
            matcher("größe", MatchOp::NotEqual, "f"),
        ]],
        starts_at: Timestamp(1_000),
        ends_at: Timestamp(2_001),
        updated_at: Timestamp(1_500),
        created_by: "me".into(),
        comment: "\"why\"".into(),
        annotations: BTreeMap::from([("ticket".to_string(), "7".to_string())]),
    };
    assert_eq!(Silence::from_json(&silence.to_json()).as_ref(), Some(&silence));
    silence.matcher_sets.push(vec![matcher("x", MatchOp::Regex, "y|z")]);
    assert_eq!(Silence::from_json(&silence.to_json()), Some(silence));
}
