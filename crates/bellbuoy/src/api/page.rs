//! The plain status page: what runs, what is wrong, what fires, what was sent. No script, no style from elsewhere.
//!
//! The pages of `ui/` are the ones to look at (pages.rs); this one is for terminals, and for programs built without them.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bellbuoy_reports::markup;
use bellbuoy_rules::State as AlertState;
use bellbuoy_scrape::Health;
use bellbuoy_vocabulary::Labels;

use crate::app::App;
use crate::clock;
use crate::event::short;
use crate::state::AuditQuery;

const MESSAGES_SHOWN: usize = 20;
const DECISIONS_SHOWN: usize = 10;

/// HTML with a policy that runs nothing.
pub struct Html(pub String);

impl IntoResponse for Html {
    fn into_response(self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (
                header::CONTENT_SECURITY_POLICY,
                "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'",
            ),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        (headers, self.0).into_response()
    }
}

pub async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css")], STYLE).into_response()
}

pub async fn status(State(app): State<Arc<App>>) -> Html {
    let mut out = String::new();
    tokio::task::block_in_place(|| {
        head(&mut out, &app);
        targets(&mut out, &app);
        alerts(&mut out, &app);
        models(&mut out, &app);
        messages(&mut out, &app);
    });
    Html(layout("Status", &out))
}

pub fn layout(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"5\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title} - bellbuoy</title><link rel=\"stylesheet\" href=\"/style.css\"></head>\
         <body><nav><a href=\"/status\">Status</a> <a href=\"/inbox\">Inbox</a> <a href=\"/metrics\">Metrics</a></nav><main>{body}</main></body></html>"
    )
}

fn head(out: &mut String, app: &App) {
    let stats = app.path.store.stats();
    let reload = app.reload_status();
    let _ = write!(
        out,
        "<h1>bellbuoy</h1><p>Running since {}. {} series, {} samples stored.</p>",
        app.started_at, stats.series, stats.samples_appended
    );
    if !reload.good {
        let _ = write!(
            out,
            "<section class=\"bad\"><h2>The configuration was rejected</h2><p>The one of {} stays in force.</p><pre>{}</pre></section>",
            reload.last_good,
            markup(&reload.problems.join("\n"))
        );
    }
}

fn targets(out: &mut String, app: &App) {
    let views = app.scraper.views();
    let up = views.iter().filter(|view| view.health.health == Health::Up).count();
    let _ = write!(out, "<h2>Targets <small>{up} of {} up</small></h2>", views.len());
    if views.is_empty() {
        out.push_str("<p>None yet. Add a job to <code>scrape_configs</code> in prometheus.yml.</p>");
        return;
    }
    out.push_str("<table><tr><th>job</th><th>target</th><th>state</th><th>last scrape</th><th>samples</th><th>error</th></tr>");
    for view in &views {
        let (word, class) = match view.health.health {
            Health::Up => ("up", "good"),
            Health::Down => ("down", "bad"),
            Health::Unknown => ("not yet", ""),
        };
        let _ = write!(
            out,
            "<tr><td>{}</td><td>{}</td><td class=\"{class}\">{word}</td><td>{:.1} ms</td><td>{}</td><td>{}</td></tr>",
            markup(&view.target.job),
            markup(&view.target.url),
            view.health.last_scrape_seconds * 1000.0,
            view.health.samples,
            markup(if view.health.last_error.is_empty() { &view.health.warning } else { &view.health.last_error })
        );
    }
    out.push_str("</table>");
}

fn alerts(out: &mut String, app: &App) {
    let groups = app.path.rules_view();
    let rules: usize = groups.iter().map(|group| group.rules.len()).sum();
    let _ = write!(out, "<h2>Alerts <small>{rules} rules in {} groups</small></h2>", groups.len());
    out.push_str("<table><tr><th>alert</th><th>state</th><th>value</th><th>since</th><th>labels</th></tr>");
    let mut count = 0;
    for rule in groups.iter().flat_map(|group| &group.rules) {
        for alert in &rule.alerts {
            count += 1;
            let class = if alert.state == AlertState::Firing { "bad" } else { "warn" };
            let _ = write!(
                out,
                "<tr><td>{}</td><td class=\"{class}\">{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                markup(&rule.name),
                alert.state.word(),
                short(alert.value),
                alert.active_at,
                markup(&shown(&alert.labels))
            );
        }
        if let Some(error) = &rule.last_error {
            count += 1;
            let _ = write!(
                out,
                "<tr><td>{}</td><td class=\"bad\">broken</td><td></td><td></td><td>{}</td></tr>",
                markup(&rule.name),
                markup(error)
            );
        }
    }
    if count == 0 {
        out.push_str("<tr><td colspan=\"5\">nothing is pending or firing</td></tr>");
    }
    out.push_str("</table>");
}

fn shown(labels: &Labels) -> String {
    labels.iter().filter(|(name, _)| *name != "alertname").map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

fn models(out: &mut String, app: &App) {
    let views = app.models.views();
    if views.is_empty() {
        return;
    }
    out.push_str("<h2>Models</h2><table><tr><th>model</th><th>drift</th><th>performance</th><th>decision</th></tr>");
    for view in &views {
        let _ = write!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            markup(&view.name),
            markup(&view.drift),
            markup(&view.performance),
            markup(&view.decision)
        );
    }
    out.push_str("</table>");
    if let Ok(audit) = app.path.state.audit(&AuditQuery { rows_max: DECISIONS_SHOWN, ..AuditQuery::default() }) {
        out.push_str("<h2>Decisions and events</h2><table><tr><th>at</th><th>event</th><th>outcome</th><th>because</th></tr>");
        for entry in &audit {
            let text = |name: &str| markup(entry.get(name).and_then(serde_json::Value::as_str).unwrap_or(""));
            let _ = write!(
                out,
                "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                text("at"),
                text("event"),
                text("outcome"),
                text("because")
            );
        }
        out.push_str("</table><p>With all figures: <a href=\"/api/bellbuoy/audit\">audit log</a></p>");
    }
}

fn messages(out: &mut String, app: &App) {
    out.push_str(
        "<h2>Messages</h2><table><tr><th>seconds ago</th><th>to</th><th>why</th><th>state</th><th>attempts</th><th>answer</th></tr>",
    );
    match app.path.state.messages(MESSAGES_SHOWN) {
        Ok(rows) => {
            for row in rows {
                let _ = write!(
                    out,
                    "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                    (clock::now() - row.created_at).seconds().round() as i64,
                    markup(&row.destination),
                    markup(&row.reason),
                    row.status.word(),
                    row.attempts,
                    markup(&row.last_answer)
                );
            }
        }
        Err(error) => {
            let _ = write!(out, "<tr><td class=\"bad\" colspan=\"6\">{}</td></tr>", markup(&error.to_string()));
        }
    }
    out.push_str("</table>");
}

const STYLE: &str = ":root{color-scheme:light dark}body{font:15px/1.45 system-ui,sans-serif;margin:0 auto;max-width:70rem;padding:1rem}\
nav a{margin-right:1rem}table{border-collapse:collapse;width:100%;display:block;overflow-x:auto}th,td{text-align:left;padding:.2rem .6rem;border-bottom:1px solid #8884}\
.good{color:#1a7f37}.bad{color:#d1242f}.warn{color:#9a6700}pre{white-space:pre-wrap;overflow-wrap:anywhere}\
article{margin:1rem 0;padding:.6rem;border:1px solid #8884;border-radius:8px}time{opacity:.6;font-size:.85em}\
.embed{display:flex;gap:.8rem;background:#8881;border-radius:4px;margin:.4rem 0;overflow:hidden}.embed svg{flex:none;align-self:stretch}\
.embed h3{margin:.4rem 0}dl{display:flex;flex-wrap:wrap;gap:.3rem 2rem;margin:.4rem 0}dt{font-weight:600}dd{margin:0}footer{opacity:.7;font-size:.85em}";
