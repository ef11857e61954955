//! Mistakes in the models of bellbuoy.yml, and good ones.

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::{check_files, good};

const CSV: &str = "a,b,y\n1,2,3\n";

fn check(text: &str, expected: Expect) {
    check_files(&[("bellbuoy.yml", text), ("reference.csv", CSV), ("rows/a.csv", CSV), ("secret", "hunter2\n")], expected);
}

/// The fields of one model after its name and reference.
pub fn check_model(lines: &str, expected: Expect) {
    check(&format!("models:\n- name: m\n  reference: reference.csv\n  {}\n", lines.replace('\n', "\n  ")), expected);
}

#[test]
fn names_and_kinds() {
    check(
        "models:\n- kind: regression\n",
        expect![[r#"
        bellbuoy.yml:2:3: "name" is missing in this model; add `name: ...`
        bellbuoy.yml:2:3: "reference" is missing in this model; add `reference: FILE`, or `reference: {first: 7d}` to take the first predictions"#]],
    );
    check(
        "models:\n- {name: ../m, reference: reference.csv}\n",
        expect![[r#"bellbuoy.yml:2:10: model name "../m" can not name a folder; use letters, digits, `-`, `_` and `.`"#]],
    );
    check(
        "models:\n- {name: m, reference: reference.csv}\n- {name: m, reference: reference.csv}\n",
        expect![[r#"bellbuoy.yml:3:10: model "m" is given twice; model names are unique"#]],
    );
    check_model("kind: forest", expect![[r#"bellbuoy.yml:4:9: unknown kind of model "forest"; write regression or classification"#]]);
    check_model(
        "kind: clasification",
        expect![[
            r#"bellbuoy.yml:4:9: unknown kind of model "clasification"; write regression or classification; did you mean "classification"?"#
        ]],
    );
    check_model(
        "classes: [a, b]\npositive: a",
        expect![[r#"
        bellbuoy.yml:4:3: "classes" is of models of kind classification; add `kind: classification`
        bellbuoy.yml:5:3: "positive" is of models of kind classification; add `kind: classification`"#]],
    );
    check_model(
        "kind: classification\nclasses: [no, yes, no]\npositive: yess",
        expect![[r#"
        bellbuoy.yml:5:22: class "no" is given twice
        bellbuoy.yml:6:13: positive "yess" is not among the classes; did you mean "yes"?"#]],
    );
    check_model("kind: classification\nclasses: [no]", expect!["bellbuoy.yml:5:3: one class alone needs no model; list all of them"]);
    check_model("kind: classification\nclasses: [no, yes]", expect![[""]]);
    check_model("kind: classification", expect![[""]]);
    check_model(
        "schedule: 10ms\nretention: 1m\nretention_size: lots",
        expect![[r#"
        bellbuoy.yml:4:3: "schedule" must be at least 1s
        bellbuoy.yml:5:3: "retention" must be at least 1h; the usual is 90d
        bellbuoy.yml:6:19: "retention_size" is not a valid size: "lots"; write for example 512KB, 10MB or 1GB"#]],
    );
    check_model("window: 5", expect![[r#"bellbuoy.yml:4:3: unknown field "window" in model; did you mean "windows"?"#]]);
    check_model(
        "roles: {champion: a, challengers: [b, a, b]}",
        expect![[r#"
        bellbuoy.yml:4:41: role "a" is given twice
        bellbuoy.yml:4:44: role "b" is given twice"#]],
    );
}

#[test]
fn features() {
    check_model(
        "features: [a, a, {name: b, kind: number}, {kind: numeric}]",
        expect![[r#"
        bellbuoy.yml:4:17: feature "a" is given twice
        bellbuoy.yml:4:36: unknown kind of feature "number"; write numeric or categorical
        bellbuoy.yml:4:45: "name" is missing in this feature; add `name: ...`"#]],
    );
    check_model(
        "target: y\nfeatures: [a, y]",
        expect![[
            r#"bellbuoy.yml:5:17: warning: the target "y" is a feature too: the model would be told the answer; take it out of the features"#
        ]],
    );
    check_model(
        "segments: [a, a]\nfeatures: a",
        expect![[r#"
        bellbuoy.yml:4:17: segment "a" is given twice
        bellbuoy.yml:5:13: "features" must be a list, not a value; begin each item with `- `"#]],
    );
}

#[test]
fn windows() {
    check_model(
        "window_rows: 0\nrows_min: many",
        expect![[r#"
        bellbuoy.yml:4:3: "window_rows" must be from 1 to 1000000
        bellbuoy.yml:5:13: "rows_min" must be a whole number, not "many""#]],
    );
    check_model(
        "window_rows: 10\nrows_min: 20",
        expect!["bellbuoy.yml:5:3: rows_min 20 is more than the 10 rows of a window: its outcome would always be unknown"],
    );
    check_model(
        "windows: [{rows: 10}, {time: 7d, step: 1d}]\nrows_min: 20\nretention_rows: 5",
        expect![[r#"
        bellbuoy.yml:5:3: rows_min 20 is more than the 10 rows of a window: its outcome would always be unknown
        bellbuoy.yml:6:3: retention_rows 5 is less than the 10 rows of a window: it would never be full; keep at least the rows of the largest window"#]],
    );
    check_model(
        "windows: [{}, {rows: 5, time: 7d}, {rows: 5, step: 6}, {rows: 5, step: 0}, {rows: 5, offset: 1h}]",
        expect![[r#"
        bellbuoy.yml:4:13: a window of nothing; write `rows: 1000` or `time: 7d`
        bellbuoy.yml:4:27: a window is of rows or of time, not both; remove one of them, or make two windows
        bellbuoy.yml:4:48: with a step of 6 rows, windows of 5 leave rows out between them; a step equal to the size gives one window after the other
        bellbuoy.yml:4:68: "step" must be from 1 to 1000000
        bellbuoy.yml:4:88: "offset" is of windows of time; remove it"#]],
    );
    check_model(
        "windows: [{time: 7d, offset: 1h}, {time: 7d, step: 1d, offset: later}, {time: 7d, step: 1ms}, {time: week}]",
        expect![[r#"
            bellbuoy.yml:4:24: a window that slides with the newest row has no "offset"; add a `step`
            bellbuoy.yml:4:66: "offset" is not a valid duration: "later"; write for example 2h or -2h
            bellbuoy.yml:4:85: "step" must be at least 1s
            bellbuoy.yml:4:85: each row would be in 604800000 windows, at most 1000 are allowed; a step equal to the size gives one window after the other
            bellbuoy.yml:4:104: "time" is not a valid duration: "week"; write for example 15s, 5m or 1h30m"#]],
    );
    check_model(
        "windows: [{rows: 100}, {rows: 100, name: 100 rows}, {rows: 7, nam: x}]",
        expect![[r#"
        bellbuoy.yml:4:26: two windows are called "100 rows"; give one of them a `name` of its own
        bellbuoy.yml:4:65: unknown field "nam" in window; did you mean "name"?"#]],
    );
    check_model(
        "windows: [{rows: 100}, {rows: 100, step: 50}, {time: 1h30m}, {time: 7d, step: 1d, offset: -2h}, {time: 1d, step: 1d, name: day}]",
        expect![""],
    );
}

#[test]
fn drift_and_quality() {
    check_model(
        "drift: {p_value: 5, shares: 0.5, effect: -1, distance: -1}",
        expect![[r#"
        bellbuoy.yml:4:11: "p_value" must be from 0 to 1
        bellbuoy.yml:4:23: unknown field "shares" in drift; did you mean "share"?
        bellbuoy.yml:4:36: "effect" must be from 0 to 1
        bellbuoy.yml:4:48: "distance" must not be negative"#]],
    );
    check_model(
        "drift: {preset: evidentley, tests: {a: kss, b: {test: psi, threshold: -1, x: 1}}}",
        expect![[r#"
        bellbuoy.yml:4:19: unknown preset "evidentley"; write default, evidently; did you mean "evidently"?
        bellbuoy.yml:4:42: unknown test "kss"; did you mean "ks"?
        bellbuoy.yml:4:62: "threshold" must not be negative
        bellbuoy.yml:4:77: unknown field "x" in test"#]],
    );
    check_model(
        "drift: {preset: best, tests: [ks], time_columns: a}",
        expect![[r#"
        bellbuoy.yml:4:19: unknown preset "best"; write default, evidently
        bellbuoy.yml:4:32: "tests" must be a map, not a list; write it as `feature: test` lines
        bellbuoy.yml:4:52: "time_columns" must be a list, not a value; begin each item with `- `"#]],
    );
    check_model(
        "drift: {tests: {a: kolmogorov-smirnov}}",
        expect![[
            r#"bellbuoy.yml:4:22: unknown test "kolmogorov-smirnov"; the tests are ks, chisquare, z, wasserstein, jensenshannon, psi, kl_div, hellinger, g_test, fisher_exact, TVD, anderson, cramer_von_mises, mannw, t_test, es, ed, empirical_mmd, chi2_contingency"#
        ]],
    );
    check_model(
        "drift: {season: {timezone: Berlin}, predictions: maybe}",
        expect![[r#"
        bellbuoy.yml:4:19: a season of nothing; write `hour: true`, `weekday: true` or `month: true`
        bellbuoy.yml:4:30: unknown timezone "Berlin"; write for example UTC or Europe/Berlin
        bellbuoy.yml:4:52: "predictions" must be true or false, not "maybe""#]],
    );
    check_model(
        "quality: {rows_min: 10, rows_max: 5, age_max: 0s, share_rise_max: 2, rows: 1}",
        expect![[r#"
        bellbuoy.yml:4:13: rows_min 10 is more than rows_max 5
        bellbuoy.yml:4:40: "age_max" of 0 is exceeded by every row
        bellbuoy.yml:4:53: "share_rise_max" must be from 0 to 1
        bellbuoy.yml:4:72: unknown field "rows" in quality; did you mean "rows_min"?"#]],
    );
    check_model(
        "intervals: {level: 95, resamples: 0, method: bootstrap}",
        expect![[r#"
        bellbuoy.yml:4:15: "level" must be from 0.5 to below 1; the usual is 0.95
        bellbuoy.yml:4:26: "resamples" must be from 1 to 10000
        bellbuoy.yml:4:48: unknown method "bootstrap"; write percentile, bca"#]],
    );
    check_model("intervals: 0.95", expect![[r#"bellbuoy.yml:4:14: "intervals" must be true or false, not "0.95""#]]);
    check_model("intervals: true\nestimates: false", expect![""]);
}

#[test]
fn detectors() {
    check_model(
        "detectors: [{kind: adwin}, {on: temp, kind: adwin}, {on: error, feature: a, kind: adwin}, {on: error}]",
        expect![[r#"
        bellbuoy.yml:4:15: a detector on nothing; add `on: error`, `on: prediction` or `feature: NAME`
        bellbuoy.yml:4:35: a detector on "temp"; write error or prediction, or `feature: temp`
        bellbuoy.yml:4:67: a detector watches one stream; remove `on` or `feature`
        bellbuoy.yml:4:93: "kind" is missing in this detector; add `kind: ...`"#]],
    );
    check_model(
        "detectors: [{on: error, kind: adwinn}, {on: prediction, kind: ddm}, {on: error, kind: kswin, window_size: 10}]",
        expect![[r#"
            bellbuoy.yml:4:33: unknown kind "adwinn"; write adwin, page_hinkley, kswin, ddm; did you mean "adwin"?
            bellbuoy.yml:4:59: the detector ddm takes errors of classes, 0 and 1; use it with `on: error`, or another kind
            bellbuoy.yml:4:71: the detector kswin: stat_size is 30 and window_size 10: the window must hold twice as many and at most 100000 values"#]],
    );
    check_model(
        "detectors: [{on: error, kind: ddm, warning_threshold: 4, delta: 1}, {feature: a, kind: page_hinkley, mode: sideways, alpha: 2}]",
        expect![[r#"
            bellbuoy.yml:4:27: the detector ddm takes errors of classes, 0 and 1; this model predicts numbers; write `kind: page_hinkley`, adwin or kswin
            bellbuoy.yml:4:38: the warning line lies above the drift line
            bellbuoy.yml:4:60: unknown field "delta" in detector
            bellbuoy.yml:4:110: unknown mode "sideways"; write up, down, both
            bellbuoy.yml:4:120: "alpha" must be from 0 to 1"#]],
    );
}

#[test]
fn series() {
    check_model(
        "metric_prefix: 1-\nseries_labels: {a-b: c, model: x}",
        expect![[r#"
        bellbuoy.yml:4:18: metric_prefix "1-" can not begin a metric name; use letters, digits and `_`
        bellbuoy.yml:5:19: "a-b" can not be a label name; use letters, digits and `_`
        bellbuoy.yml:5:27: the label "model" is one that figures have themselves; choose another name"#]],
    );
    check_model(
        "labels: {team: ml}",
        expect![
            "bellbuoy.yml:4:3: warning: labels of series are called `series_labels` now; rename it to `series_labels`; `labels` says where true values come from"
        ],
    );
    check_model(
        "labels: {team: ml}\nseries_labels: {team: ml}",
        expect![[r#"
        bellbuoy.yml:4:3: warning: labels of series are called `series_labels` now; rename it to `series_labels`; `labels` says where true values come from
        bellbuoy.yml:4:12: label "team" is given twice"#]],
    );
    check_model(
        "metrics: {good: drift_share, bad-name: x, empty: ~, no_figure: {labels: {a: b}}, odd: {figure: f, labels: {1: b}, for: x}}",
        expect![[r#"
            bellbuoy.yml:4:32: "bad-name" can not be the name of a series; use letters, digits, `_` and `:`
            bellbuoy.yml:4:42: warning: no series of a model is called "x"; it is the name of a series without its prefix: drift_share, feature_drift_score, model_figure
            bellbuoy.yml:4:45: "empty" names no figure; write `name: drift_share`
            bellbuoy.yml:4:66: "figure" is missing in this metric; add `figure: ...`
            bellbuoy.yml:4:98: warning: no series of a model is called "f"; it is the name of a series without its prefix: drift_share, feature_drift_score, model_figure
            bellbuoy.yml:4:110: "1" can not be a label name; use letters, digits and `_`
            bellbuoy.yml:4:117: unknown field "for" in metric"#]],
    );
    check_model(
        "metrics: [drift_share]",
        expect![[r#"bellbuoy.yml:4:12: "metrics" must be a map, not a list; write it as `name: figure` lines"#]],
    );
}

#[test]
fn references() {
    check(
        "models:\n- {name: m, reference: nowhere.csv}\n",
        expect![[r#"bellbuoy.yml:2:24: reference "nowhere.csv": no such file or folder; the path counts from the folder of bellbuoy.yml"#]],
    );
    check(
        "models:\n- {name: m, reference: {file: rows, columns: {time: ts, colour: red}}}\n",
        expect![[r#"
        bellbuoy.yml:2:31: file "rows": no such file; the path counts from the folder of bellbuoy.yml
        bellbuoy.yml:2:57: unknown field "colour" in columns"#]],
    );
    check(
        "models:\n- {name: m, reference: {folder: reference.csv}}\n",
        expect![[r#"bellbuoy.yml:2:33: folder "reference.csv": no such folder; the path counts from the folder of bellbuoy.yml"#]],
    );
    check(
        "models:\n- {name: m, reference: {}}\n",
        expect!["bellbuoy.yml:2:24: a reference of nothing; write one of file, folder, profile, sql, first, first_rows"],
    );
    check(
        "models:\n- {name: m, reference: {file: reference.csv, first: 7d}}\n",
        expect!["bellbuoy.yml:2:46: a reference is one thing; keep one of file, first"],
    );
    check(
        "models:\n- {name: m, reference: {first: 0s, first_rows: 0}}\n",
        expect![[r#"
        bellbuoy.yml:2:25: "first" must be at least 1s
        bellbuoy.yml:2:36: "first_rows" must be from 1 to 10000000"#]],
    );
    check(
        "models:\n- {name: m, reference: {first: 7d, columns: {time: ts}}}\n",
        expect!["bellbuoy.yml:2:36: the first predictions have no columns to name; remove it"],
    );
    check(
        "models:\n- {name: m, reference: {sql: {}}}\n",
        expect![[r#"
        bellbuoy.yml:2:30: "sql" without an address; add `url_file: FILE`, `url: postgres://...`, or host, database, user and password_file
        bellbuoy.yml:2:30: "sql" without a table; add `table: NAME` or `query: SELECT ...`"#]],
    );
    check(
        "models:\n- {name: m, reference: {sql: {url: \"postgres://u:hunter2@/\", table: a.b.c}}}\n",
        expect![[r#"
        bellbuoy.yml:2:31: "url" is not the address of a PostgreSQL database; write postgres://USER:PASSWORD@HOST:PORT/DATABASE
        bellbuoy.yml:2:69: "a.b.c" can not be a table; write `name` or `schema.name`; for more use `query`"#]],
    );
    check(
        "models:\n- {name: m, reference: {sql: {host: db, password: hunter2, query: \"SELECT 1; DROP TABLE x\"}}}\n",
        expect![[r#"
        bellbuoy.yml:2:30: "database" is missing beside "host"; add `database: NAME`
        bellbuoy.yml:2:30: "user" is missing beside "host"; add `user: NAME`
        bellbuoy.yml:2:67: a "query" is one statement; remove the `;`"#]],
    );
    check(
        "models:\n- {name: m, reference: {file: reference.csv, columns: {probability: p}}}\n",
        expect![[r#"bellbuoy.yml:2:56: "probability" is of models of kind classification; add `kind: classification`"#]],
    );
}

#[test]
fn sources() {
    check_model(
        "predictions: {}\nlabels: {folder: rows, value: y}",
        expect![[r#"
        bellbuoy.yml:4:16: "predictions" from nowhere; add `folder:` or `postgres:`; rows that are posted need no entry
        bellbuoy.yml:5:26: unknown field "value" in labels"#]],
    );
    check_model(
        "predictions: {folder: nowhere}\nlabels: {folder: {path: reference.csv}}",
        expect![[r#"
        bellbuoy.yml:4:25: warning: folder "nowhere" is not there; it is looked for again and again; the path counts from the folder of bellbuoy.yml
        bellbuoy.yml:5:27: "reference.csv" is no folder; name the folder that the files are in"#]],
    );
    check_model(
        "predictions: {folder: {path: rows, format: xls, quiet: long, poll: 0s, prediction: ''}}",
        expect![[r#"
        bellbuoy.yml:4:46: unknown format "xls"; write parquet, csv, jsonl
        bellbuoy.yml:4:58: "quiet" is not a valid duration: "long"; write for example 15s, 5m or 1h30m
        bellbuoy.yml:4:64: "poll" must be at least 1s
        bellbuoy.yml:4:86: "prediction" is empty"#]],
    );
    check_model(
        "labels: {folder: {path: rows, prediction: a, id: i, value: y}}",
        expect![[r#"bellbuoy.yml:4:33: unknown field "prediction" in folder"#]],
    );
    check_model(
        "labels: {postgres: {table: truths}}",
        expect![[r#"
        bellbuoy.yml:4:22: "postgres" without an address; add `url_file: FILE`, `url: postgres://...`, or host, database, user and password_file
        bellbuoy.yml:4:22: no column says which rows are new; add `updated: COLUMN`: a time or number that is set whenever a row is written"#]],
    );
    check_model(
        "labels: {postgres: {url_file: secret, table: truths, updated: at}}",
        expect![[
            r#"bellbuoy.yml:4:23: "url_file" is not the address of a PostgreSQL database; write postgres://USER:PASSWORD@HOST:PORT/DATABASE"#
        ]],
    );
    check_model(
        "labels: {postgres: {url: \"postgres://u:hunter2@db/x?sslmode=verify-full\", host: db, user: u, database: d, table: t, updated: at}}",
        expect!["bellbuoy.yml:4:23: the address is given twice; use url (or url_file), or host and its like"],
    );
    check_model(
        "labels: {postgres: {url: \"postgres://u:hunter2@db/x?sslmode=sometimes\", table: t, updated: at}}",
        expect![[
            r#"bellbuoy.yml:4:23: "url" is not the address of a PostgreSQL database; write postgres://USER:PASSWORD@HOST:PORT/DATABASE"#
        ]],
    );
    check_model(
        "labels: {postgres: {user: u, port: 99999, table: t, query: SELECT 1, updated: at}}",
        expect![[r#"
        bellbuoy.yml:4:22: "postgres" without an address; add `url_file: FILE`, `url: postgres://...`, or host, database, user and password_file
        bellbuoy.yml:4:32: "port" must be from 1 to 65535; the usual is 5432
        bellbuoy.yml:4:32: "port" without a "host"; add `host: NAME`
        bellbuoy.yml:4:55: at most one of table and query can be used; remove one of them"#]],
    );
    check_model(
        "labels: {postgres: {host: db, user: u, database: d, sslmode: always, ca_file: secret, table: t, updated: at, batch_rows: 0}}",
        expect![[r#"
            bellbuoy.yml:4:64: unknown sslmode "always"; write disable, prefer, require, verify-full
            bellbuoy.yml:4:72: ca_file holds no certificate that can be read; it must be PEM: -----BEGIN CERTIFICATE-----
            bellbuoy.yml:4:112: "batch_rows" must be from 1 to 50000"#]],
    );
    check_model(
        "predictions: {postgres: {url: \"postgres://u@db/x\", table: t}}",
        expect![
            "bellbuoy.yml:4:27: no column says which rows are new; add `updated: COLUMN`: a time or number that is set whenever a row is written"
        ],
    );
    check_model(
        "kind: classification\nclasses: [a, b, c]\npredictions: {folder: {path: rows, probability: p, probabilities: [p, q]}}",
        expect![[r#"
            bellbuoy.yml:6:38: at most one of probability and probabilities can be used
            bellbuoy.yml:6:38: one probability does not say those of 3 classes; write `probabilities: {CLASS: COLUMN, ...}`
            bellbuoy.yml:6:69: 2 columns of probabilities for 3 classes; one column for each class, in the order of `classes`"#]],
    );
    check_model(
        "kind: classification\nclasses: [a, b]\npredictions: {folder: {path: rows, probabilities: {a: p, c: q}}}",
        expect![[r#"
        bellbuoy.yml:6:53: class "b" has no column of probabilities; name both, or write `probability: COLUMN` with that of the positive class
        bellbuoy.yml:6:60: "c" is not among the classes; did you mean "a"?"#]],
    );
    check_model(
        "kind: classification\npredictions: {folder: {path: rows, probabilities: [p, q]}}",
        expect!["bellbuoy.yml:5:53: which column is of which class?; add `classes: [...]`, or write {CLASS: COLUMN, ...}"],
    );
}

#[test]
fn a_model_in_full() {
    let text = r#"models:
- name: bike
  kind: classification
  classes: [no, yes]
  positive: yes
  target: busy
  reference: {file: ../data/r.csv, columns: {time: ts, prediction: y_hat, probabilities: {yes: p, no: q}, features: {temp: temperature}}}
  features: [temp, {name: hr, kind: categorical}]
  windows: [{rows: 336}, {time: 7d, step: 1d, name: week}]
  rows_min: 168
  segments: [workingday]
  drift: {preset: evidently, p_value: 0.01, share: 0.4, effect: 0.1, distance: 0.2, season: {hour: true, weekday: true, timezone: UTC}, tests: {temp: {test: ks, threshold: 0.02}, hr: psi}, time_columns: [ts], predictions: false}
  quality: {rows_min: 1, rows_max: 99, age_max: 2h, share_rise_max: 0.1, range_margin: 0.2, lost_rows_min: 5, constant_rows_min: 30}
  intervals: {level: 0.9, resamples: 500, seed: 7, method: bca, block_rows: 24}
  estimates: false
  detectors: [{on: error, kind: page_hinkley, threshold: 30, mode: up}, {feature: temp, kind: adwin, delta: 0.01}, {on: prediction, kind: kswin, alpha: 0.001}, {on: error, kind: ddm}]
  roles: {champion: live, challengers: [next]}
  predictions: {folder: {path: rows, format: parquet, id: id, time: ts, prediction: y_hat, probability: p, role: live, quiet: 1m, poll: 1m}}
  labels: {postgres: {host: db, port: 5433, database: ml, user: bell, password: hunter2, sslmode: require, table: truths, id: id, value: busy, updated: updated_at, overlap: 1m, batch_rows: 100, timeout: 5s}}
  retention: 30d
  retention_size: 2GB
  retention_rows: 100000
  metric_prefix: bike_
  metrics: {bike_drift_share: drift_share, bike_accuracy: {figure: model_figure, labels: {metric: accuracy}, without: [window]}}
  series_labels: {team: ml}
  schedule: 30s
"#;
    let settings = good(&[("conf/bellbuoy.yml", text), ("conf/rows/a.csv", CSV), ("data/r.csv", "temp,hr\n")]);
    let model = &settings.models[0];
    let shown = format!("{:#?}\n{:#?}\n{:#?}\n{:#?}\n", model.settings, model.reference, model.sources, model.retention);
    // The rules come from elsewhere and have tests of their own.
    let cut = |text: &str, from: &str, to: &str| match (text.find(from), text.find(to)) {
        (Some(from), Some(to)) if from < to => format!("{}{}", &text[..from], &text[to..]),
        _ => text.to_owned(),
    };
    let shown = cut(&shown, "    retraining: Policy", "    retention_rows");
    let lines: Vec<String> = shown
        .lines()
        .map(|line| {
            line.find("bellbuoy-config-")
                .map_or(line.to_owned(), |at| format!("... {}", line[at..].split_once('/').map_or("", |(_, rest)| rest)))
        })
        .collect();
    expect![[r#"
        ModelSettings {
            name: "bike",
            kind: Classification {
                classes: [
                    "no",
                    "yes",
                ],
                positive: Some(
                    "yes",
                ),
            },
            features: [
                Feature {
                    name: "temp",
                    kind: None,
                },
                Feature {
                    name: "hr",
                    kind: Some(
                        Categorical,
                    ),
                },
            ],
            target: "busy",
            windows: [
                WindowSettings {
                    name: "336 rows",
                    span: NewestRows(
                        336,
                    ),
                },
                WindowSettings {
                    name: "week",
                    span: Cut(
                        Time {
                            size: 604800000ms,
                            step: 86400000ms,
                            offset: 0ms,
                        },
                    ),
                },
            ],
            rows_min: 168,
            schedule: 30000ms,
            roles: Roles {
                champion: "live",
                challengers: [
                    "next",
                ],
            },
            segments: [
                "workingday",
            ],
            drift: DriftSettings {
                preset: Evidently,
                p_value: 0.01,
                distance: 0.2,
                effect: 0.1,
                share: 0.4,
                tests: {
                    "hr": (
                        Some(
                            Psi,
                        ),
                        None,
                    ),
                    "temp": (
                        Some(
                            Ks,
                        ),
                        Some(
                            0.02,
                        ),
                    ),
                },
                time_columns: [
                    "ts",
                ],
                season: Some(
                    Season {
                        hour: true,
                        weekday: true,
                        month: false,
                        zone: TimeZone(
                            UTC,
                        ),
                    },
                ),
                predictions: false,
            },
            quality: Expectations {
                rows_min: Some(
                    1,
                ),
                rows_max: Some(
                    99,
                ),
                age_max: Some(
                    7200s,
                ),
                share_rise_max: 0.1,
                range_margin: 0.2,
                lost_rows_min: 5.0,
                constant_rows_min: 30,
            },
            intervals: Some(
                Resampling {
                    resamples: 500,
                    level: 0.9,
                    seed: 7,
                    method: Bca,
                    block_rows: 24,
                },
            ),
            estimates: false,
            detectors: [
                DetectorSettings {
                    stream: Error,
                    detector: PageHinkley(
                        PageHinkleyOptions {
                            rows_min: 30,
                            delta: 0.005,
                            threshold: 30.0,
                            alpha: 0.9999,
                            mode: Up,
                        },
                    ),
                },
                DetectorSettings {
                    stream: Feature(
                        "temp",
                    ),
                    detector: Adwin(
                        AdwinOptions {
                            delta: 0.01,
                            clock: 32,
                            buckets_max: 5,
                            part_rows_min: 5.0,
                            grace_period: 10.0,
                        },
                    ),
                },
                DetectorSettings {
                    stream: Prediction,
                    detector: Kswin(
                        KswinOptions {
                            alpha: 0.001,
                            window_size: 100,
                            stat_size: 30,
                            seed: 0,
                        },
                    ),
                },
                DetectorSettings {
                    stream: Error,
                    detector: Ddm(
                        DdmOptions {
                            warm_start: 30,
                            warning_threshold: 2.0,
                            drift_threshold: 3.0,
                        },
                    ),
                },
            ],
            retention_rows: 100000,
            metric_prefix: "bike_",
            labels: [
                (
                    "team",
                    "ml",
                ),
            ],
            metrics: [
                MetricAlias {
                    name: "bike_drift_share",
                    figure: "drift_share",
                    labels: [],
                    without: [],
                },
                MetricAlias {
                    name: "bike_accuracy",
                    figure: "model_figure",
                    labels: [
                        (
                            "metric",
                            "accuracy",
                        ),
                    ],
                    without: [
                        "window",
                    ],
                },
            ],
        }
        ReferenceConfig {
            from: Path(
        ... conf/../data/r.csv",
            ),
            columns: ColumnRoles {
                id: None,
                time: Some(
                    "ts",
                ),
                prediction: Some(
                    "y_hat",
                ),
                probabilities: [
                    (
                        "yes",
                        "p",
                    ),
                    (
                        "no",
                        "q",
                    ),
                ],
                probability: None,
                value: None,
                role: None,
                features: [
                    (
                        "temp",
                        "temperature",
                    ),
                ],
            },
            stamp: 0,
        }
        [
            SourceConfig {
                gives: Predictions,
                from: Folder {
        ... conf/rows",
                    format: Some(
                        Parquet,
                    ),
                    quiet: 60000ms,
                },
                columns: ColumnRoles {
                    id: Some(
                        "id",
                    ),
                    time: Some(
                        "ts",
                    ),
                    prediction: Some(
                        "y_hat",
                    ),
                    probabilities: [],
                    probability: Some(
                        "p",
                    ),
                    value: None,
                    role: None,
                    features: [],
                },
                role: Some(
                    "live",
                ),
                poll: 60000ms,
            },
            SourceConfig {
                gives: Labels,
                from: Postgres {
                    connection: PostgresConnection {
                        address: Parts {
                            host: "db",
                            port: 5433,
                            database: "ml",
                            user: "bell",
                            password: Some(
                                <secret>,
                            ),
                        },
                        tls: PostgresTls {
                            mode: Require,
                            ca: None,
                        },
                    },
                    select: Table(
                        "truths",
                    ),
                    updated: "updated_at",
                    overlap: 60000ms,
                    batch_rows: 100,
                    timeout: 5000ms,
                },
                columns: ColumnRoles {
                    id: Some(
                        "id",
                    ),
                    time: None,
                    prediction: None,
                    probabilities: [],
                    probability: None,
                    value: Some(
                        "busy",
                    ),
                    role: None,
                    features: [],
                },
                role: None,
                poll: 30000ms,
            },
        ]
        RetentionSettings {
            age: 2592000000ms,
            size_bytes: 2147483648,
        }"#]]
    .assert_eq(&lines.join("\n"));
}

/// What a person may have typed in the middle of it.
const FRAGMENTS: &[&str] = &[
    "reference: reference.csv",
    "reference: {",
    "first: 7d",
    "}",
    "[",
    "]",
    "{",
    "features: [a, {name: b, kind: numeric}]",
    "kind: classification",
    "classes: [a, b]",
    "positive: c",
    "windows: [{rows: 5, step: 2}]",
    "- ",
    "drift: {",
    "tests: {a: ks}",
    "season: {hour: true}",
    "metrics: {a: b}",
    "labels: {postgres: {url: 'postgres://a:b@c/d', table: t, updated: u}}",
    "predictions: {folder: .}",
    "detectors: [{on: error, kind: kswin, window_size: 3}]",
    ": ",
    ", ",
    "\n  ",
    "'",
    "\"",
    "1e999",
    "-1",
    "99999999999999999999",
    "~",
    "null",
    "&a",
    "*a",
    "<<: ",
    "#",
    "intervals: true",
    "quality: {age_max: 1h}",
    "roles: {challengers: [x]}",
    "segments: [a]",
    "series_labels: {a: b}",
    "retention: 1y",
    "timezone: Europe/Berlin",
    "probabilities: [p, q]",
    "é",
    "\t",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_brings_it_down(parts in prop::collection::vec(prop::sample::select(FRAGMENTS), 0..12)) {
        super::read_text("bellbuoy.yml", &format!("models:\n- name: m\n  {}\n", parts.concat()));
        super::read_text("bellbuoy.yml", &format!("models:\n- name: m\n  {}\n", parts.join("\n  ")));
    }
}

/// What the guide shows must be what is read.
#[test]
fn the_guide_is_true() {
    let guide = include_str!("../../../../../docs/guides/models.md");
    let mut blocks = 0;
    for block in guide.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()) {
        if block.starts_with("- alert") {
            continue;
        }
        // Alternatives of one key, a line each.
        let alternatives: Vec<&str> =
            if block.lines().all(|line| line.starts_with("reference: {")) { block.lines().collect() } else { vec![block] };
        for text in alternatives {
            let reference = if text.contains("reference:") { "" } else { "  reference: reference.csv\n" };
            let fields: String = text.lines().map(|line| format!("  {line}\n")).collect();
            let text = if text.starts_with("models:") { text.to_owned() } else { format!("models:\n- name: m\n{reference}{fields}") };
            let files = [
                ("bellbuoy.yml", text.as_str()),
                ("reference.csv", CSV),
                ("training.csv", CSV),
                ("training.parquet", CSV),
                ("predictions/1.csv", CSV),
                ("db_password", "hunter2\n"),
                ("ca.pem", include_str!("../../../tests/it/certs/ca.pem")),
            ];
            check_files(&files, expect![""]);
            blocks += 1;
        }
    }
    assert!(blocks > 8, "{blocks} blocks");
}
