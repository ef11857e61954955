//! Mistakes in prometheus.yml.

use expect_test::{Expect, expect};

use super::check_files;

fn check(text: &str, expected: Expect) {
    check_files(&[("prometheus.yml", text)], expected);
}

/// The lines of one scrape config after its name.
fn check_job(lines: &str, expected: Expect) {
    let lines = lines.replace('\n', "\n    ");
    check(&format!("scrape_configs:\n  - job_name: api\n    {lines}\n"), expected);
}

/// The fields of one relabel step, in braces.
fn check_relabel(step: &str, expected: Expect) {
    check_job(&format!("relabel_configs:\n  - {step}"), expected);
}

#[test]
fn form() {
    check("scrape_configs: [\n", expect!["prometheus.yml:1:17: not valid YAML: unclosed bracket '['"]);
    check(
        "scrape_configs:\n  - job_name: a\n   x: 1\n",
        expect!["prometheus.yml:3:4: not valid YAML: while parsing a block collection, did not find expected '-' indicator"],
    );
    check(
        "scrape_configs:\n- job_name: a\nscrape_configs:\n- job_name: b\n",
        expect![[r#"prometheus.yml:3:1: "scrape_configs" is given twice; the first is in line 1; remove one of the two"#]],
    );
    check(
        "scrape_configs: []\n---\nscrape_configs: []\n",
        expect!["prometheus.yml:2:1: a second YAML document begins here; only one document per file is read; make it a file of its own"],
    );
    check(
        "scrape_configs: yes please\n",
        expect![[r#"prometheus.yml:1:17: "scrape_configs" must be a list, not a value; begin each item with `- `"#]],
    );
    check("scrape_configs:\n-\n", expect![[r#"prometheus.yml:2:2: empty scrape config in "scrape_configs"; remove the lone `-`"#]]);
    check("scrape_configs: !mine []\n", expect!["prometheus.yml:1:23: custom YAML tags are not supported; remove the `!` tag"]);
    check(
        "- scrape_configs:\n",
        expect![
            "FOLDER: no configuration found: no prometheus.yml, rule file, alertmanager.yml or bellbuoy.yml by content; `bellbuoy init` writes one"
        ],
    );
    check("rule_files: *nowhere\n", expect!["prometheus.yml:1:13: not valid YAML: while parsing node, found unknown anchor"]);
    check(
        "global: &a\n  external_labels: *a\nscrape_configs: []\n",
        expect!["prometheus.yml:2:20: this alias refers to the node that contains it"],
    );
}

#[test]
fn unknown_fields() {
    check(
        "scrape_config:\n- job_name: a\nrule_files: []\n",
        expect![[r#"prometheus.yml:1:1: unknown field "scrape_config" in prometheus.yml; did you mean "scrape_configs"?"#]],
    );
    check(
        "global:\n  scrape_intervall: 15s\n  evaluation_time: 1m\nscrape_configs: []\n",
        expect![[r#"
        prometheus.yml:2:3: unknown field "scrape_intervall" in global; did you mean "scrape_interval"?
        prometheus.yml:3:3: unknown field "evaluation_time" in global"#]],
    );
    check_job(
        "static_config:\n- targets: [a:1]",
        expect![[r#"prometheus.yml:3:5: unknown field "static_config" in scrape config; did you mean "static_configs"?"#]],
    );
    check_job(
        "static_configs:\n- target: [a:1]",
        expect![[r#"prometheus.yml:4:7: unknown field "target" in static config; did you mean "targets"?"#]],
    );
    check_job("zzz: 1", expect![[r#"prometheus.yml:3:5: unknown field "zzz" in scrape config"#]]);
}

#[test]
fn not_supported_yet() {
    check(
        "scrape_configs: []\nremote_write:\n- url: http://a/b\n",
        expect![[r#"prometheus.yml:2:1: "remote_write" is not supported yet; remove it"#]],
    );
    check(
        "scrape_configs: []\nstorage:\n  tsdb:\n    out_of_order_time_window: 1h\n",
        expect![[
            r#"prometheus.yml:3:3: "tsdb" is not supported yet; remove it; how long samples are kept is said in bellbuoy.yml: storage: {retention: 15d}"#
        ]],
    );
    check("scrape_configs: []\nstorage: {exemplars: {max_exemplars: -1}}\n", expect![""]);
    check(
        "scrape_configs: []\nstorage:\n  exemplars: {max_exemplars: many, zzz: 1}\n",
        expect![[r#"
        prometheus.yml:3:30: "max_exemplars" must be a whole number, not "many"; the usual is 100000
        prometheus.yml:3:36: unknown field "zzz" in exemplars"#]],
    );
    check(
        "scrape_configs: []\ntracing:\n  endpoint: a:1\notlp: {}\nremote_read: []\n",
        expect![[r#"
        prometheus.yml:2:1: "tracing" is not supported yet; remove it
        prometheus.yml:4:1: "otlp" is not supported yet; remove it
        prometheus.yml:5:1: "remote_read" is not supported yet; remove it"#]],
    );
    check(
        "global:\n  query_log_file: q.log\nscrape_configs: []\n",
        expect![[r#"prometheus.yml:2:3: "query_log_file" is not supported yet; remove it"#]],
    );
    check_job(
        "kubernetes_sd_configs:\n- role: pod",
        expect![[r#"prometheus.yml:3:5: "kubernetes_sd_configs" is not supported yet; use static_configs or file_sd_configs"#]],
    );
    check_job(
        "proxy_url: http://p:1\noauth2: {}",
        expect![[r#"
            prometheus.yml:4:13: "client_id" is missing in this oauth2; add `client_id: ...`
            prometheus.yml:4:13: "token_url" is missing in this oauth2; add `token_url: ...`"#]],
    );
    check_job(
        "track_timestamps_staleness: true",
        expect![[r#"prometheus.yml:3:5: "track_timestamps_staleness: true" is not supported yet; leave it out or write false"#]],
    );
    check_job(
        "native_histogram_bucket_limit: 100",
        expect![[r#"prometheus.yml:3:5: "native_histogram_bucket_limit" is not supported yet; remove it"#]],
    );
    check_job(
        "metric_name_validation_scheme: legacy",
        expect![[r#"prometheus.yml:3:36: "metric_name_validation_scheme" legacy is not supported yet; leave it out or write utf8"#]],
    );
}

#[test]
fn harmless() {
    check_job("enable_compression: true\nfollow_redirects: true\ntrack_timestamps_staleness: false\nenable_http2: true", expect![""]);
    check_job(
        "scrape_protocols: [PrometheusProto]\nfallback_scrape_protocol: PrometheusText0.0.4\nmetric_name_validation_scheme: utf8\nnative_histogram_bucket_limit: 0",
        expect![""],
    );
    check("runtime:\n  gogc: 75\nscrape_configs: []\n", expect![""]);
    check("global:\nscrape_configs:\n", expect![""]);
}

#[test]
fn times() {
    check(
        "global:\n  scrape_interval: 15\nscrape_configs: []\n",
        expect![[r#"prometheus.yml:2:20: "scrape_interval" is not a valid duration: "15"; write for example 15s, 5m or 1h30m"#]],
    );
    check(
        "global:\n  scrape_interval: 1.5m\n  evaluation_interval: 5 minutes\nscrape_configs: []\n",
        expect![[r#"
        prometheus.yml:2:20: "scrape_interval" is not a valid duration: "1.5m"; write for example 15s, 5m or 1h30m
        prometheus.yml:3:24: "evaluation_interval" is not a valid duration: "5 minutes"; write for example 15s, 5m or 1h30m"#]],
    );
    check(
        "global:\n  scrape_interval: 10s\n  scrape_timeout: 11s\nscrape_configs: []\n",
        expect!["prometheus.yml:3:19: scrape_timeout 11s is greater than scrape_interval 10s; make it at most as long"],
    );
    check_job(
        "scrape_interval: 5s\nscrape_timeout: 6s",
        expect!["prometheus.yml:4:21: scrape_timeout 6s is greater than scrape_interval 5s; make it at most as long"],
    );
    check_job("scrape_interval: 5s", expect![""]);
}

#[test]
fn jobs() {
    check(
        "scrape_configs:\n- job_name: api\n- job_name: api\n",
        expect![[r#"prometheus.yml:3:13: job_name "api" is already used in prometheus.yml:2; give each scrape config its own name"#]],
    );
    check(
        "scrape_configs:\n- static_configs: []\n",
        expect![[r#"prometheus.yml:2:3: "job_name" is missing in this scrape config; add `job_name: ...`"#]],
    );
    check("scrape_configs:\n- job_name: ''\n", expect![[r#"prometheus.yml:2:13: "job_name" is empty"#]]);
    check_job("scheme: ftp", expect![[r#"prometheus.yml:3:13: unknown scheme "ftp"; write http or https"#]]);
    check_job("scheme: htps", expect![[r#"prometheus.yml:3:13: unknown scheme "htps"; write http or https"#]]);
    check_job("honor_labels: maybe", expect![[r#"prometheus.yml:3:19: "honor_labels" must be true or false, not "maybe""#]]);
    check_job("sample_limit: -1", expect![[r#"prometheus.yml:3:19: "sample_limit" must be a whole number, not "-1""#]]);
    check_job("sample_limit: many", expect![[r#"prometheus.yml:3:19: "sample_limit" must be a whole number, not "many""#]]);
    check_job(
        "body_size_limit: 10",
        expect![[r#"prometheus.yml:3:22: "body_size_limit" is not a valid size: "10"; write for example 512KB, 10MB or 1GB"#]],
    );
    check_job(
        "params:\n  module: http",
        expect![[r#"prometheus.yml:4:15: parameter "module" must be a list, not a value; write module: [...]"#]],
    );
    check_job(
        "static_configs:\n- targets: ['http://api:8000/metrics']",
        expect![[
            r#"prometheus.yml:4:17: "http://api:8000/metrics" is not a valid host and port; write "api:8000"; the rest belongs to scheme and metrics_path"#
        ]],
    );
    check_job(
        "static_configs:\n- targets: api:8000",
        expect![[r#"prometheus.yml:4:16: "targets" must be a list, not a value; begin each item with `- `"#]],
    );
    check_job(
        "static_configs:\n- targets: [api:8000]\n  labels: [a]",
        expect![[r#"prometheus.yml:5:15: "labels" must be a map, not a list; write it as `name: value` lines"#]],
    );
    check_job(
        "static_configs:\n- targets: [api:8000]\n  labels: {'': x}",
        expect![[r#"prometheus.yml:5:16: empty label name in "labels""#]],
    );
    check_job(
        "file_sd_configs:\n- files: [targets.txt]",
        expect![[
            r#"prometheus.yml:4:15: "targets.txt" can not name discovery files; it must end with .json, .yml or .yaml, with `*` only in the last part"#
        ]],
    );
    check_job(
        "file_sd_configs:\n- refresh_interval: 1m",
        expect![[r#"prometheus.yml:4:7: file discovery without "files"; name at least one path"#]],
    );
    check_job(
        "scrape_protocols: [OpenMetrics]",
        expect![[
            r#"prometheus.yml:3:24: unknown scrape protocol "OpenMetrics"; known are OpenMetricsText1.0.0, OpenMetricsText0.0.1, PrometheusText1.0.0, PrometheusText0.0.4, PrometheusProto"#
        ]],
    );
    check_job("scrape_protocols: []", expect![[r#"prometheus.yml:3:5: "scrape_protocols" is empty; leave it out for the default"#]]);
    check_job(
        "scrape_protocols: [PrometheusText0.0.4, PrometheusText0.0.4]",
        expect![[r#"prometheus.yml:3:45: "PrometheusText0.0.4" is given twice in "scrape_protocols"; remove one of the two"#]],
    );
    check_job(
        "fallback_scrape_protocol: text",
        expect![[
            r#"prometheus.yml:3:31: unknown scrape protocol "text"; known are OpenMetricsText1.0.0, OpenMetricsText0.0.1, PrometheusText1.0.0, PrometheusText0.0.4, PrometheusProto"#
        ]],
    );
}

#[test]
fn credentials() {
    check_job(
        "basic_auth: {username: u, password: p}\nauthorization: {credentials: c}",
        expect!["prometheus.yml:3:5: at most one of basic_auth, oauth2, authorization and bearer_token can be used; remove the others"],
    );
    check_job(
        "basic_auth: {username: u, password: p, password_file: p.txt}",
        expect![[r#"
            prometheus.yml:3:44: at most one of password and password_file can be used
            prometheus.yml:3:59: can not read password_file "p.txt": no such file"#]],
    );
    check_job(
        "authorization: {type: Basic, credentials: c}",
        expect![[r#"prometheus.yml:3:21: authorization type can not be "basic"; use basic_auth instead"#]],
    );
    check_job(
        "authorization: {credentials_file: nowhere.txt}",
        expect![[r#"prometheus.yml:3:39: can not read credentials_file "nowhere.txt": no such file"#]],
    );
    check_job(
        "bearer_token: t\nauthorization: {credentials: c}",
        expect!["prometheus.yml:4:5: at most one of authorization and bearer_token can be used; remove bearer_token"],
    );
    check_job(
        "tls_config: {cert_file: /nowhere/cert.pem}",
        expect![[r#"
            prometheus.yml:3:17: a client certificate needs both cert and key; add the other one
            prometheus.yml:3:29: can not read cert_file "/nowhere/cert.pem": no such file"#]],
    );
    check_job(
        "tls_config: {insecure_skip_verify: true, min_version: TLS99}",
        expect![[r#"prometheus.yml:3:59: unknown TLS version "TLS99"; write TLS12 or TLS13"#]],
    );
    check_job(
        "tls_config: {max_version: TLS11}",
        expect![[r#"prometheus.yml:3:31: "max_version" TLS11 is not supported; TLS 1.2 and 1.3 are spoken; leave it out"#]],
    );
}

#[test]
fn relabelling() {
    check_relabel(
        "{action: replce, target_label: a}",
        expect![[r#"prometheus.yml:4:18: unknown relabel action "replce"; did you mean "replace"?"#]],
    );
    check_relabel("{regex: 'a(', target_label: a}", expect![[r#"prometheus.yml:4:17: bad regular expression "a(": unclosed group"#]]);
    check_relabel("{source_labels: [a]}", expect![[r#"prometheus.yml:4:9: action replace needs a "target_label""#]]);
    check_relabel(
        "{action: hashmod, source_labels: [a], target_label: b}",
        expect![[r#"prometheus.yml:4:9: action hashmod needs a "modulus" above 0"#]],
    );
    check_relabel(
        "{action: labeldrop, regex: a, source_labels: [b]}",
        expect![[r#"prometheus.yml:4:9: action labeldrop takes only "regex"; remove the other fields"#]],
    );
    check_relabel(
        "{action: lowercase, source_labels: [a], target_label: b, replacement: x}",
        expect![[r#"prometheus.yml:4:66: "replacement" can not be set for action lowercase"#]],
    );
    check_relabel(
        "{action: keepequal, source_labels: [a], target_label: b, regex: x}",
        expect![[r#"prometheus.yml:4:9: action keepequal takes only "source_labels" and "target_label"; remove the other fields"#]],
    );
    check_relabel(
        "{action: labelmap, regex: 'a(.*)', replacement: ''}",
        expect![[r#"prometheus.yml:4:44: "replacement" of action labelmap must not be empty"#]],
    );
    check_relabel("{action: Keep, source_labels: [a], regex: b}", expect![""]);
    check_relabel("", expect![[r#"prometheus.yml:4:9: empty relabel step in "relabel_configs"; remove the lone `-`"#]]);
}

#[test]
fn files_and_peers() {
    check(
        "rule_files: ['*/a.yml']\n",
        expect![[r#"prometheus.yml:1:14: "*/a.yml": `*` can only stand in the last part of a path; name the folders one by one"#]],
    );
    check("rule_files: [nothing.yml]\n", expect![[r#"prometheus.yml:1:14: warning: "nothing.yml" in rule_files matches no file"#]]);
    check(
        "alerting:\n  alertmanagers:\n  - api_version: v1\n    static_configs:\n    - targets: [a:1]\n",
        expect![[r#"prometheus.yml:3:18: unsupported Alertmanager api_version "v1"; write v2"#]],
    );
    check(
        "alerting:\n  alertmanagers:\n  - sigv4: {}\n    static_configs:\n    - targets: [http://a:1]\n",
        expect![[r#"
        prometheus.yml:3:5: "sigv4" is not supported yet; remove it
        prometheus.yml:5:17: "http://a:1" is not a valid host and port; write "a:1"; the rest belongs to scheme and metrics_path"#]],
    );
    check(
        "alerting:\n  alertmanager:\n  - static_configs: []\n",
        expect![[r#"prometheus.yml:2:3: unknown field "alertmanager" in alerting; did you mean "alertmanagers"?"#]],
    );
    check(
        "global:\n  external_labels: {'': a}\nscrape_configs: []\n",
        expect![[r#"prometheus.yml:2:21: empty label name in "external_labels""#]],
    );
}

/// All problems of a file at once.
#[test]
fn all_at_once() {
    check(
        "global:\n  scrape_interval: 15\nscrape_configs:\n- job_name: a\n  scheme: gopher\n  metric_path: /x\n- job_name: a\n  consul_sd_configs: []\nremote_write: []\n",
        expect![[r#"
            prometheus.yml:2:20: "scrape_interval" is not a valid duration: "15"; write for example 15s, 5m or 1h30m
            prometheus.yml:5:11: unknown scheme "gopher"; write http or https
            prometheus.yml:6:3: unknown field "metric_path" in scrape config; did you mean "metrics_path"?
            prometheus.yml:7:13: job_name "a" is already used in prometheus.yml:4; give each scrape config its own name
            prometheus.yml:8:3: "consul_sd_configs" is not supported yet; use static_configs or file_sd_configs
            prometheus.yml:9:1: "remote_write" is not supported yet; remove it"#]],
    );
}
