//! `/metrics` of bellbuoy itself. A dashboard made for Prometheus and Alertmanager finds its names here.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bellbuoy_exposition::{Format, TextWriter};
use bellbuoy_rules::State as AlertState;
use bellbuoy_vocabulary::MetricType::{Counter, Gauge, Summary};

use crate::app::App;
use crate::findings::severity_word;
use crate::process;
use crate::state::OutboxStatus;

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
    for finding in app.findings().iter() {
        *counts.entry((finding.code, severity_word(finding.severity))).or_default() += 1;
    }
    let family = w.family("bellbuoy_check_findings", Gauge, "What the checks say of the configuration in force.");
    for ((code, severity), count) in counts {
        family.sample("", &[("code", code), ("severity", severity)], count as f64);
    }
}

fn process_metrics(w: &mut TextWriter) {
    let Some(process) = process::read() else { return };
    w.family("process_resident_memory_bytes", Gauge, "Resident memory size in bytes.").sample("", &[], process.resident_bytes as f64);
    w.family("process_virtual_memory_bytes", Gauge, "Virtual memory size in bytes.").sample("", &[], process.virtual_bytes as f64);
    w.family("process_cpu_seconds_total", Counter, "Total user and system CPU time spent in seconds.").sample("", &[], process.cpu_seconds);
    w.family("process_open_fds", Gauge, "Number of open file descriptors.").sample("", &[], process.open_fds as f64);
    w.family("process_start_time_seconds", Gauge, "Start time of the process since unix epoch in seconds.").sample(
        "",
        &[],
        process.start_seconds,
    );
}

fn store(w: &mut TextWriter, app: &App) {
    let stats = app.path.store.stats();
    w.family("prometheus_tsdb_head_series", Gauge, "Total number of series in the head block.").sample("", &[], stats.series as f64);
    w.family("prometheus_tsdb_head_chunks", Gauge, "Total number of chunks in the head block.").sample("", &[], stats.chunks as f64);
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
    w.family("prometheus_tsdb_wal_corruptions_total", Counter, "Damaged places found in the write-ahead log.").sample(
        "",
        &[],
        stats.wal_corruptions as f64,
    );
    w.family("prometheus_tsdb_wal_storage_size_bytes", Gauge, "Size of the write-ahead log.").sample("", &[], stats.wal_bytes as f64);
    w.family("bellbuoy_store_commit_failures_total", Counter, "Commits to the store that failed.").sample(
        "",
        &[],
        app.path.telemetry.commit_failures.get() as f64,
    );
}

fn collect(w: &mut TextWriter, app: &App) {
    let telemetry = &app.path.telemetry;
    w.family("bellbuoy_scrapes_total", Counter, "Scrapes made.").sample("", &[], telemetry.scrapes.get() as f64);
    w.family("bellbuoy_scrapes_failed_total", Counter, "Scrapes that failed.").sample("", &[], telemetry.scrapes_failed.get() as f64);
    w.family("bellbuoy_scrape_samples_total", Counter, "Samples read from targets.").sample("", &[], telemetry.scrape_samples.get() as f64);
    w.family(
        "bellbuoy_scrape_samples_refused_total",
        Counter,
        "Samples of targets that were not stored: out of order, duplicate, too old.",
    )
    .sample("", &[], telemetry.scrape_samples_refused.get() as f64);
    w.family("bellbuoy_host_mount_timeouts_total", Counter, "Mounts that did not answer statvfs in time.").sample(
        "",
        &[],
        telemetry.mount_timeouts.get() as f64,
    );
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
        (
            "bellbuoy_pushed_exemplars_skipped_total",
            "Exemplars that others sent; they are not stored.",
            "protocol",
            &telemetry.pushed_exemplars_skipped,
        ),
        ("bellbuoy_pushes_total", "Pushes of groups by jobs.", "outcome", &telemetry.pushes),
    ] {
        w.family(name, Counter, help);
        for (labels, n) in family.all() {
            w.sample("", &[(label, &labels[0])], n as f64);
        }
    }
    w.family("bellbuoy_pushed_groups", Gauge, "Groups of pushed metrics.").sample("", &[], app.pushed.len() as f64);
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
        w.family(name, Counter, help);
        for (labels, n) in family.all() {
            w.sample("", &[("rule_group", &labels[0])], n as f64);
        }
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
        w.family(name, Counter, help);
        for (labels, n) in family.all() {
            w.sample("", &[("model", &labels[0]), ("kind", &labels[1])], n as f64);
        }
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
        w.family(name, Counter, help);
        for (labels, n) in family.all() {
            w.sample("", &[("model", &labels[0])], n as f64);
        }
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
        w.family(name, Counter, help);
        for (labels, n) in family.all() {
            match labels.as_slice() {
                [kind, reason] => w.sample("", &[("integration", kind), ("reason", reason)], n as f64),
                labels => w.sample("", &[("integration", &labels[0])], n as f64),
            };
        }
    }
    summary(w, "alertmanager_notification_latency_seconds", "How long attempts to notify took.", telemetry.notification_seconds.get());
    w.family("bellbuoy_pictures_total", Counter, "Pictures of alerts for messages, by what became of them.");
    for (labels, n) in telemetry.pictures.all() {
        w.sample("", &[("outcome", &labels[0])], n as f64);
    }
    w.family("bellbuoy_template_failures_total", Counter, "Templates that failed; the message went out in a plain form.").sample(
        "",
        &[],
        telemetry.template_failures.get() as f64,
    );
    for (name, help, counter) in [
        ("prometheus_notifications_sent_total", "Total number of alerts sent to other Alertmanagers.", &telemetry.forwards_sent),
        ("prometheus_notifications_errors_total", "Total number of sent alerts affected by errors.", &telemetry.forwards_failed),
        ("prometheus_notifications_dropped_total", "Total number of alerts dropped due to a full queue.", &telemetry.forwards_dropped),
    ] {
        w.family(name, Counter, help).sample("", &[], counter.get() as f64);
    }
    w.family("bellbuoy_outbox_messages", Gauge, "Messages in the outbox by state.");
    let counts = app.path.state.message_counts();
    for status in [OutboxStatus::Pending, OutboxStatus::Delivered, OutboxStatus::Failed, OutboxStatus::Replaced] {
        let count = counts.iter().find(|(one, _)| *one == status).map_or(0, |(_, count)| *count);
        w.sample("", &[("status", status.word())], count as f64);
    }
    for (name, help, counter) in [
        ("bellbuoy_notifications_replaced_total", "Unsent messages of which a newer one said all.", &telemetry.notifications_replaced),
        ("bellbuoy_outbox_dropped_total", "Messages given up because too many of their group waited.", &telemetry.outbox_dropped),
        ("bellbuoy_state_changes_lost_total", "Changes dropped because the disk took none for too long.", &telemetry.state_changes_lost),
    ] {
        w.family(name, Counter, help).sample("", &[], counter.get() as f64);
    }
    w.family("bellbuoy_state_failures_total", Counter, "Writes to the state database that failed and are tried again.").sample(
        "",
        &[],
        telemetry.state_failures.get() as f64,
    );
}

fn show(w: &mut TextWriter, app: &App) {
    let reload = app.reload_status();
    for prefix in ["prometheus", "alertmanager"] {
        w.family(
            &format!("{prefix}_config_last_reload_successful"),
            Gauge,
            "Whether the last configuration reload attempt was successful.",
        )
        .sample("", &[], f64::from(u8::from(reload.good)));
        w.family(
            &format!("{prefix}_config_last_reload_success_timestamp_seconds"),
            Gauge,
            "Timestamp of the last successful configuration reload.",
        )
        .sample("", &[], reload.last_good.seconds());
    }
    w.family("bellbuoy_cross_site_requests_refused_total", Counter, "Changes that a browser asked for on behalf of another site.").sample(
        "",
        &[],
        app.path.telemetry.cross_site_refused.get() as f64,
    );
    w.family("prometheus_http_requests_total", Counter, "Counter of HTTP requests.");
    for (labels, n) in app.path.telemetry.http_requests.all() {
        w.sample("", &[("handler", &labels[0]), ("code", &labels[1])], n as f64);
    }
    summary(w, "prometheus_engine_query_duration_seconds", "Query timings.", app.path.telemetry.query_seconds.get());
}

fn summary(w: &mut TextWriter, name: &str, help: &str, (sum, count): (f64, u64)) {
    w.family(name, Summary, help).sample("_sum", &[], sum).sample("_count", &[], count as f64);
}
