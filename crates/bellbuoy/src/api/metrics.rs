//! `/metrics` of bellbuoy itself. A dashboard made for Prometheus and Alertmanager finds its names here.
//!
//! In:    what `telemetry` counted, and what the store, the path and the app know of themselves. Out: Prometheus' text format.
//! Never: a family whose label sets have no bound.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bellbuoy_exposition::{Format, TextWriter};
use bellbuoy_rules::State as AlertState;
use bellbuoy_store::Stats;
use bellbuoy_vocabulary::MetricType::{Counter, Gauge, Summary};

use crate::app::App;
use crate::findings::severity_word;
use crate::process;
use crate::state::OutboxStatus;
use crate::telemetry::Family;

pub async fn metrics(State(app): State<Arc<App>>) -> Response {
    let text = tokio::task::block_in_place(|| write(&app));
    ([(header::CONTENT_TYPE, Format::PrometheusText.content_type())], text).into_response()
}

fn write(app: &App) -> String {
    let mut w = TextWriter::new(Format::PrometheusText);
    build(&mut w);
    process_metrics(&mut w);
    store(&mut w, app);
    collect(&mut w, app);
    judge(&mut w, app);
    tell(&mut w, app);
    show(&mut w, app);
    findings(&mut w, app);
    w.finish()
}

fn build(w: &mut TextWriter) {
    w.family("bellbuoy_build_info", Gauge, "The version that runs.").sample("", &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
}

fn findings(w: &mut TextWriter, app: &App) {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let checked = app.checker.checked();
    for finding in checked.findings.iter() {
        *counts.entry((finding.code, severity_word(finding.severity))).or_default() += 1;
    }
    let family = w.family("bellbuoy_check_findings", Gauge, "What the checks say of the configuration in force.");
    for ((code, severity), count) in counts {
        family.sample("", &[("code", code), ("severity", severity)], count as f64);
    }
    let running = "1 while the configuration in force is still being checked; the findings are of the one before.";
    gauge(w, "bellbuoy_check_running", running, f64::from(checked.running));
    let failed = "1 when the last check could not be done: no findings then mean nothing.";
    gauge(w, "bellbuoy_check_failed", failed, f64::from(checked.problem.is_some()));
}

fn process_metrics(w: &mut TextWriter) {
    let Some(process) = process::read() else { return };
    gauge(w, "process_resident_memory_bytes", "Resident memory size in bytes.", process.resident_bytes as f64);
    gauge(w, "process_virtual_memory_bytes", "Virtual memory size in bytes.", process.virtual_bytes as f64);
    counter(w, "process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", process.cpu_seconds);
    gauge(w, "process_open_fds", "Number of open file descriptors.", process.open_fds as f64);
    gauge(w, "process_start_time_seconds", "Start time of the process since unix epoch in seconds.", process.start_seconds);
}

fn store(w: &mut TextWriter, app: &App) {
    let stats = app.path.store.stats();
    gauge(w, "prometheus_tsdb_head_series", "Total number of series in the head block.", stats.series as f64);
    gauge(w, "prometheus_tsdb_head_chunks", "Total number of chunks in the head block.", stats.chunks as f64);
    w.family("prometheus_tsdb_head_samples_appended_total", Counter, "Total number of appended samples.").sample(
        "",
        &[("type", "float")],
        stats.samples_appended as f64,
    );
    w.family("prometheus_tsdb_out_of_order_samples_total", Counter, "Samples refused because a newer one is stored.").sample(
        "",
        &[("type", "float")],
        stats.refused_out_of_order as f64,
    );
    w.family("prometheus_tsdb_too_old_samples_total", Counter, "Samples refused because they are older than what is kept.").sample(
        "",
        &[("type", "float")],
        stats.refused_too_old as f64,
    );
    counter(w, "prometheus_tsdb_wal_corruptions_total", "Damaged places found in the write-ahead log.", stats.wal_corruptions as f64);
    gauge(w, "prometheus_tsdb_wal_storage_size_bytes", "Size of the write-ahead log.", stats.wal_bytes as f64);
    exemplars(w, &stats);
    counter(
        w,
        "bellbuoy_store_commit_failures_total",
        "Commits to the store that failed.",
        app.path.telemetry.commit_failures.get() as f64,
    );
}

/// Under Prometheus' names.
fn exemplars(w: &mut TextWriter, stats: &Stats) {
    let oldest = stats.exemplar_oldest.map_or(0.0, |at| at.seconds());
    for (name, kind, help, value) in [
        ("max_exemplars", Gauge, "Total number of exemplars the exemplar storage can store, resizeable.", stats.exemplars_max as f64),
        ("exemplars_in_storage", Gauge, "Number of exemplars currently in circular storage.", stats.exemplars as f64),
        (
            "series_with_exemplars_in_storage",
            Gauge,
            "Number of series with exemplars currently in circular storage.",
            stats.exemplar_series as f64,
        ),
        ("last_exemplars_timestamp_seconds", Gauge, "The timestamp of the oldest exemplar stored in circular storage.", oldest),
        ("exemplars_appended_total", Counter, "Total number of appended exemplars.", stats.exemplars_appended as f64),
        (
            "out_of_order_exemplars_total",
            Counter,
            "Total number of out of order exemplar ingestion failed attempts.",
            stats.exemplars_out_of_order as f64,
        ),
    ] {
        w.family(&format!("prometheus_tsdb_exemplar_{name}"), kind, help).sample("", &[], value);
    }
    counter(
        w,
        "bellbuoy_exemplars_too_long_total",
        "Exemplars whose labels have more than 128 characters.",
        stats.exemplars_too_long as f64,
    );
}

fn collect(w: &mut TextWriter, app: &App) {
    let telemetry = &app.path.telemetry;
    counter(w, "bellbuoy_scrapes_total", "Scrapes made.", telemetry.scrapes.get() as f64);
    counter(w, "bellbuoy_scrapes_failed_total", "Scrapes that failed.", telemetry.scrapes_failed.get() as f64);
    counter(w, "bellbuoy_scrape_samples_total", "Samples read from targets.", telemetry.scrape_samples.get() as f64);
    counter(
        w,
        "bellbuoy_scrape_samples_refused_total",
        "Samples of targets that were not stored: out of order, duplicate, too old.",
        telemetry.scrape_samples_refused.get() as f64,
    );
    counter(
        w,
        "prometheus_target_scrapes_exemplar_out_of_order_total",
        "Total number of exemplar rejected due to not being out of the expected order.",
        telemetry.scrape_exemplars_out_of_order.get() as f64,
    );
    counter(w, "bellbuoy_host_mount_timeouts_total", "Mounts that did not answer statvfs in time.", telemetry.mount_timeouts.get() as f64);
    for (name, help, label, family) in [
        ("bellbuoy_pushed_samples_total", "Samples that others sent and that are stored.", "protocol", &telemetry.pushed_samples),
        (
            "bellbuoy_pushed_samples_refused_total",
            "Samples that others sent and that were refused.",
            "protocol",
            &telemetry.pushed_samples_refused,
        ),
        (
            "bellbuoy_pushed_histograms_refused_total",
            "Native histograms that others sent; they can not be stored yet.",
            "protocol",
            &telemetry.pushed_histograms_refused,
        ),
        (
            "bellbuoy_pushed_points_refused_total",
            "OTLP points that were refused for what they are: delta, exponential.",
            "protocol",
            &telemetry.pushed_points_refused,
        ),
        ("bellbuoy_pushed_exemplars_total", "Exemplars that others sent and that are stored.", "protocol", &telemetry.pushed_exemplars),
        (
            "bellbuoy_pushed_exemplars_refused_total",
            "Exemplars that others sent and that were refused: out of order, too long, of an unknown series.",
            "protocol",
            &telemetry.pushed_exemplars_refused,
        ),
        ("bellbuoy_pushes_total", "Pushes of groups by jobs.", "outcome", &telemetry.pushes),
    ] {
        counters(w, name, help, &[label], family);
    }
    gauge(w, "bellbuoy_pushed_groups", "Groups of pushed metrics.", app.pushed.len() as f64);
    w.family("prometheus_target_scrape_pool_targets", Gauge, "Current number of targets in this scrape pool.");
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    for view in app.scraper.views() {
        *counts.entry(view.target.job.clone()).or_default() += 1;
    }
    for (job, count) in counts {
        w.sample("", &[("scrape_job", &job)], count as f64);
    }
}

fn judge(w: &mut TextWriter, app: &App) {
    let telemetry = &app.path.telemetry;
    for (name, help, family) in [
        ("prometheus_rule_evaluations_total", "The total number of rule evaluations.", &telemetry.rule_evaluations),
        ("prometheus_rule_evaluation_failures_total", "The total number of rule evaluation failures.", &telemetry.rule_failures),
        (
            "prometheus_rule_group_iterations_missed_total",
            "The total number of rule group evaluations missed due to slow rule group evaluation.",
            &telemetry.rule_iterations_missed,
        ),
    ] {
        counters(w, name, help, &["rule_group"], family);
    }
    summary(w, "prometheus_rule_group_duration_seconds", "The duration of rule group evaluations.", telemetry.rule_group_seconds.get());
    let (mut pending, mut firing) = (0.0, 0.0);
    w.family("prometheus_rule_group_rules", Gauge, "The number of rules.");
    for group in app.path.rules_view() {
        w.sample("", &[("rule_group", &format!("{};{}", group.file, group.name))], group.rules.len() as f64);
        for alert in group.rules.iter().flat_map(|rule| &rule.alerts) {
            match alert.state {
                AlertState::Firing => firing += 1.0,
                _ => pending += 1.0,
            }
        }
    }
    w.family("bellbuoy_rule_alerts", Gauge, "Alerts of the rules by state.").sample("", &[("state", "pending")], pending).sample(
        "",
        &[("state", "firing")],
        firing,
    );
    for (name, help, family) in [
        ("bellbuoy_model_rows_total", "Predictions and true values received.", &telemetry.model_rows),
        ("bellbuoy_model_rows_refused_total", "Predictions and true values that were refused.", &telemetry.model_rows_refused),
        ("bellbuoy_model_rows_repeated_total", "Predictions and true values that were there already.", &telemetry.model_rows_repeated),
        ("bellbuoy_model_log_damages_total", "Places of a model's log that could not be read.", &telemetry.model_log_damages),
    ] {
        counters(w, name, help, &["model", "kind"], family);
    }
    for (name, help, family) in [
        (
            "bellbuoy_model_queue_full_total",
            "Requests with rows that were told to come again, as too many waited for the disk.",
            &telemetry.model_submissions_full,
        ),
        ("bellbuoy_model_segments_stored_total", "Segments of logs that became files of their days.", &telemetry.model_segments_stored),
        ("bellbuoy_model_days_dropped_total", "Days of rows that are kept no longer.", &telemetry.model_days_dropped),
        ("bellbuoy_model_days_failures_total", "Times that the files of days could not be written.", &telemetry.model_days_failures),
    ] {
        counters(w, name, help, &["model"], family);
    }
}

fn tell(w: &mut TextWriter, app: &App) {
    let telemetry = &app.path.telemetry;
    let now = crate::clock::now();
    let views = app.path.alerts_view(now);
    w.family("alertmanager_alerts", Gauge, "How many alerts by state.");
    for (word, state) in [
        ("active", bellbuoy_router::AlertState::Active),
        ("suppressed", bellbuoy_router::AlertState::Suppressed),
        ("unprocessed", bellbuoy_router::AlertState::Unprocessed),
    ] {
        let count = views.iter().filter(|view| view.state == state && !view.alert.resolved_at(now)).count();
        w.sample("", &[("state", word)], count as f64);
    }
    w.family("alertmanager_alerts_received_total", Counter, "The total number of received alerts.");
    for (labels, n) in telemetry.alerts_received.all() {
        w.sample("", &[("status", &labels[0]), ("version", "v2")], n as f64);
    }
    w.family("alertmanager_alerts_invalid_total", Counter, "Alerts that were refused because of a bound.").sample(
        "",
        &[("version", "v2")],
        telemetry.alerts_refused.get() as f64,
    );
    for (name, help, family) in [
        ("alertmanager_notifications_total", "Notifications that were delivered.", &telemetry.notifications),
        ("alertmanager_notifications_failed_total", "Notifications that were refused for good.", &telemetry.notifications_failed),
        (
            "bellbuoy_notification_attempts_failed_total",
            "Attempts that failed and are tried again.",
            &telemetry.notification_attempts_failed,
        ),
    ] {
        counters(w, name, help, &["integration", "reason"], family);
    }
    summary(w, "alertmanager_notification_latency_seconds", "How long attempts to notify took.", telemetry.notification_seconds.get());
    counters(w, "bellbuoy_pictures_total", "Pictures of alerts for messages, by what became of them.", &["outcome"], &telemetry.pictures);
    counter(
        w,
        "bellbuoy_template_failures_total",
        "Templates that failed; the message went out in a plain form.",
        telemetry.template_failures.get() as f64,
    );
    for (name, help, count) in [
        ("prometheus_notifications_sent_total", "Total number of alerts sent to other Alertmanagers.", &telemetry.forwards_sent),
        ("prometheus_notifications_errors_total", "Total number of sent alerts affected by errors.", &telemetry.forwards_failed),
        ("prometheus_notifications_dropped_total", "Total number of alerts dropped due to a full queue.", &telemetry.forwards_dropped),
    ] {
        counter(w, name, help, count.get() as f64);
    }
    outbox(w, app);
}

fn outbox(w: &mut TextWriter, app: &App) {
    let telemetry = &app.path.telemetry;
    w.family("bellbuoy_outbox_messages", Gauge, "Messages in the outbox by state.");
    let counts = app.path.state.message_counts();
    for status in OutboxStatus::ALL {
        let count = counts.iter().find(|(one, _)| *one == status).map_or(0, |(_, count)| *count);
        w.sample("", &[("status", status.word())], count as f64);
    }
    for (name, help, count) in [
        ("bellbuoy_notifications_replaced_total", "Unsent messages of which a newer one said all.", &telemetry.notifications_replaced),
        ("bellbuoy_outbox_dropped_total", "Messages given up because too many of their group waited.", &telemetry.outbox_dropped),
        ("bellbuoy_state_changes_lost_total", "Changes dropped because the disk took none for too long.", &telemetry.state_changes_lost),
        ("bellbuoy_state_failures_total", "Writes to the state database that failed and are tried again.", &telemetry.state_failures),
    ] {
        counter(w, name, help, count.get() as f64);
    }
}

fn show(w: &mut TextWriter, app: &App) {
    let reload = app.reload_status();
    for prefix in ["prometheus", "alertmanager"] {
        let successful = format!("{prefix}_config_last_reload_successful");
        gauge(w, &successful, "Whether the last configuration reload attempt was successful.", f64::from(u8::from(reload.good)));
        let at = format!("{prefix}_config_last_reload_success_timestamp_seconds");
        gauge(w, &at, "Timestamp of the last successful configuration reload.", reload.last_good.seconds());
    }
    let rejected = app.path.telemetry.reloads_failed.get();
    counter(w, "bellbuoy_config_reloads_rejected_total", "Reloads that left the old configuration in force.", rejected as f64);
    counter(
        w,
        "bellbuoy_cross_site_requests_refused_total",
        "Changes that a browser asked for on behalf of another site.",
        app.path.telemetry.cross_site_refused.get() as f64,
    );
    counters(w, "prometheus_http_requests_total", "Counter of HTTP requests.", &["handler", "code"], &app.path.telemetry.http_requests);
    summary(w, "prometheus_engine_query_duration_seconds", "Query timings.", app.path.telemetry.query_seconds.get());
}

fn gauge(w: &mut TextWriter, name: &str, help: &str, value: f64) {
    w.family(name, Gauge, help).sample("", &[], value);
}

fn counter(w: &mut TextWriter, name: &str, help: &str, value: f64) {
    w.family(name, Counter, help).sample("", &[], value);
}

/// One sample for each of the family's label sets; one that has fewer values than there are names goes without the last names.
fn counters(w: &mut TextWriter, name: &str, help: &str, label_names: &[&str], family: &Family) {
    w.family(name, Counter, help);
    for (values, n) in family.all() {
        let labels: Vec<(&str, &str)> = label_names.iter().copied().zip(values.iter().map(String::as_str)).collect();
        w.sample("", &labels, n as f64);
    }
}

fn summary(w: &mut TextWriter, name: &str, help: &str, (sum, count): (f64, u64)) {
    w.family(name, Summary, help).sample("_sum", &[], sum).sample("_count", &[], count as f64);
}
