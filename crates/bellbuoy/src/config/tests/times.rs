//! Time intervals from the text of a file to the router's verdict: the cases of Alertmanager's own tests.

use bellbuoy_router::scenario;

use super::Folder;

/// At these times a route with the interval as its mute time is silent, at those it tells.
fn check(intervals: &str, muted: &[&str], told: &[&str]) {
    let config = format!(
        "route:\n  receiver: hook\n  group_wait: 0s\n  routes: [{{mute_time_intervals: [t]}}]\n\
        receivers: [{{name: hook, webhook_configs: [{{url: 'http://localhost'}}]}}]\n\
        time_intervals: [{{name: t, time_intervals: {intervals}}}]\n"
    );
    let folder = Folder::with(&[("alertmanager.yml", &config)]);
    let loaded = folder.load();
    let problems = folder.problems(&loaded);
    let settings = loaded.settings.unwrap_or_else(|| panic!("{problems}")).router;
    let cases = muted.iter().map(|at| (at, "expect nothing")).chain(told.iter().map(|at| (at, "expect hook [A]")));
    for (at, expected) in cases {
        let failures = scenario::run_with(&format!("start {at}\nat 0s push A firing\nat 0s {expected}\n"), settings.clone());
        assert!(failures.is_empty(), "{intervals} at {at}: {failures:?}");
    }
}

#[test]
fn as_alertmanager() {
    check("[{}]", &["2006-01-02T15:04:00Z", "2007-01-03T10:04:00Z"], &[]);
    check(
        "[{weekdays: ['monday:friday'], times: [{start_time: '09:00', end_time: '17:00'}]}]",
        &["2020-05-04T15:04:00Z", "2020-06-09T09:04:00Z", "2020-07-08T09:00:00Z", "2020-07-08T16:59:00Z"],
        &["2020-05-03T15:04:00Z", "2020-05-04T08:59:00Z", "2020-07-08T17:00:00Z", "2020-05-05T05:00:00Z"],
    );
    // Easter 2020.
    check(
        "[{days_of_month: ['4:6'], months: [april], years: ['2020']}]",
        &["2020-04-04T15:04:00Z", "2020-04-05T00:00:00Z", "2020-04-06T23:05:00Z"],
        &["2018-05-03T15:04:00Z", "2020-04-03T23:59:00Z", "2020-06-04T23:59:00Z", "2019-04-06T23:59:00Z", "2020-04-07T00:00:00Z"],
    );
    // The last three days of each month.
    check(
        "[{days_of_month: ['-3:-1']}]",
        &["2020-01-31T15:04:00Z", "2020-01-29T15:04:00Z", "2020-06-30T00:00:00Z", "2020-02-29T23:05:00Z", "2021-02-26T00:00:00Z"],
        &["2020-01-27T15:04:00Z", "2020-04-03T23:59:00Z", "2020-03-01T00:00:00Z", "2021-02-25T23:59:00Z"],
    );
    // Days that a month does not have are cut to it; a range that begins behind its end is none.
    check(
        "[{months: [june], days_of_month: ['1:31']}]",
        &["2020-06-30T00:00:00Z", "2020-06-01T00:00:00Z"],
        &["2020-05-31T00:00:00Z", "2020-07-01T00:00:00Z"],
    );
    check("[{months: [june], days_of_month: ['-31:-1']}]", &["2020-06-01T00:00:00Z", "2020-06-30T23:59:00Z"], &["2020-07-01T00:00:00Z"]);
    check("[{days_of_month: ['30:31'], years: ['2020:2023'], months: [february]}]", &[], &["2021-02-28T13:00:00Z"]);
    check("[{days_of_month: ['1:-1'], months: ['January:december']}]", &["2020-02-29T13:00:00Z", "2021-12-31T23:59:00Z"], &[]);
    check(
        "[{weekdays: ['monday:friday', sunday], months: ['january:march'], days_of_month: ['-7:-1'], years: ['2020:2025', '2030:2035'], \
        times: [{start_time: '09:00', end_time: '17:00'}]}]",
        &["2021-01-27T09:00:00Z", "2021-01-28T16:59:00Z", "2025-03-31T13:00:00Z", "2035-01-31T13:00:00Z"],
        &["2021-01-30T13:00:00Z", "2021-04-01T13:00:00Z", "2026-01-30T13:00:00Z", "2035-01-31T17:01:00Z"],
    );
    check(
        "[{weekdays: ['monday:wednesday', saturday, sunday], times: [{start_time: '13:00', end_time: '15:00'}], \
        days_of_month: ['1', '10', '20:-1'], years: ['2020:2023'], months: ['1:3']}]",
        &["2021-01-10T13:00:00Z", "2021-01-30T14:24:00Z"],
        &["2021-01-09T13:00:00Z", "2021-01-20T12:59:00Z", "2021-02-02T13:00:00Z"],
    );
    // One of several is enough.
    check(
        "[{times: [{start_time: '00:00', end_time: '09:00'}, {start_time: '17:00', end_time: '24:00'}], location: Australia/Sydney}, \
        {weekdays: [saturday, sunday], location: Australia/Sydney}]",
        &["2023-12-31T13:00:00Z", "2024-01-01T10:00:00Z", "2024-01-05T23:00:00Z", "2024-01-06T06:00:00Z", "2024-01-01T12:59:00Z"],
        &["2023-12-31T22:00:00Z", "2024-01-01T05:59:00Z"],
    );
}

/// The clock and the calendar of the place count, in summer as in winter, and on the days when the clock is set.
#[test]
fn places_and_their_summer() {
    let office =
        |place: &str| format!("[{{weekdays: ['monday:friday'], times: [{{start_time: '09:00', end_time: '17:00'}}], location: {place}}}]");
    check(&office("Australia/Sydney"), &["2021-04-06T03:00:00Z"], &["2021-04-06T13:00:00Z"]);
    // Summer there: eleven hours ahead. It is Monday there while it is Sunday in UTC.
    check(&office("Australia/Sydney"), &["2021-10-31T22:00:00Z"], &["2021-10-31T21:00:00Z", "2021-11-01T06:00:00Z"]);
    // The last day of a month in which the clock is set forward.
    check(
        "[{days_of_month: ['-1'], location: America/New_York}]",
        &["2021-03-31T16:00:00Z", "2021-04-01T03:59:00Z"],
        &["2021-03-30T16:00:00Z"],
    );
    // 02:30 does not exist on this night, and twice in autumn.
    let night = "[{times: [{start_time: '02:00', end_time: '03:00'}], location: Europe/Berlin}]";
    check(night, &["2026-03-28T01:30:00Z"], &["2026-03-29T00:59:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"]);
    check(night, &["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"], &["2026-10-24T23:59:00Z", "2026-10-25T02:00:00Z"]);
    // Offsets that are no whole hours.
    check(
        "[{times: [{start_time: '00:00', end_time: '00:15'}], location: Asia/Kathmandu}]",
        &["2026-01-01T18:15:00Z"],
        &["2026-01-01T18:30:00Z"],
    );
}

/// To Alertmanager an empty list is a list that holds never, and a missing one holds always.
#[test]
fn an_empty_list_is_refused() {
    let config = "route: {receiver: hook}\nreceivers: [{name: hook}]\ntime_intervals:\n- name: t\n  time_intervals:\n  - times: []\n    weekdays: []\n";
    super::check_files(
        &[("alertmanager.yml", config)],
        expect_test::expect![[r#"
            alertmanager.yml:6:5: an empty "times" holds never; remove it, or say when
            alertmanager.yml:7:5: an empty "weekdays" holds never; remove it, or say when"#]],
    );
}
