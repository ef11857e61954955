//! `bellbuoy fire ALERT [DIR]`: proof by doing. Finds series that make an alert fire and runs them through the folder's rules, routes
//! and templates on a virtual clock; `--send` really sends the messages, marked as a test.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use bellbuoy_check::fire::{Never, Proof, fire, test_file};
use bellbuoy_check::said::said;
use bellbuoy_check::stage::{Setting, notice_of};
use bellbuoy_notify::{Context, Integration, Notice};
use bellbuoy_router::Notification;
use bellbuoy_rules::{GroupSettings, RuleSettings};
use bellbuoy_template::TemplateSet;
use bellbuoy_vocabulary::{Labels, Millis, Sample, Timestamp, format_duration, nearest};
use clap::Args;
use serde_json::{Value, json};

use super::test::scenario::{setting, templates_of};
use super::test::settings_of;
use crate::app;
use crate::config::Settings;
use crate::test_message;

const EXTERNAL_URL: &str = "http://localhost:9090";
/// A proof of a cardinality has thousands of series.
const SERIES_SHOWN_MAX: usize = 20;

/// Exit status 0 when it fires (and with --send each message was taken), 1 when not, 2 when nothing could be tried.
#[derive(Debug, Args)]
pub struct Fire {
    /// The alert; with --all the folder may stand here.
    #[arg(value_name = "ALERT", required_unless_present = "all")]
    pub alert: Option<String>,
    /// The folder with the rules and alertmanager.yml, or one file of it.
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Every alert of the folder, a line each.
    #[arg(long)]
    pub all: bool,
    /// Really send the messages, marked as a test.
    #[arg(long, conflicts_with = "all")]
    pub send: bool,
    /// Write the found series as a rule test that `promtool test rules` and `bellbuoy test` run; into a folder a file for each alert.
    #[arg(long, value_name = "FILE|FOLDER")]
    pub write_test: Option<PathBuf>,
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    pub format: String,
}

/// One rule and what became of it.
struct Tried<'a> {
    rule: Meant<'a>,
    proof: Result<Proof, Never>,
}

/// An alerting rule of either kind, with its group and where it stands.
#[derive(Clone, Copy)]
struct Meant<'a> {
    settings: &'a RuleSettings,
    group: &'a GroupSettings,
    alert: &'a str,
    file: &'a str,
    line: usize,
}

struct Folder {
    settings: Settings,
    templates: Arc<TemplateSet>,
    setting: Setting,
}

pub async fn run(command: Fire) -> anyhow::Result<ExitCode> {
    let dir = match (&command.dir, &command.alert) {
        (Some(dir), _) => dir.clone(),
        (None, Some(dir)) if command.all => PathBuf::from(dir),
        _ => PathBuf::from("."),
    };
    let wanted = if command.all { None } else { command.alert.as_deref() };
    let settings = settings_of(&dir)?;
    let templates = app::templates(&settings).map(Arc::new).map_err(|_| anyhow!("the templates can not be read"))?;
    let folder = Folder { setting: setting(&settings, EXTERNAL_URL), templates, settings };
    let rules = rules_of(&folder.settings.groups, wanted)?;
    let mut tried = Vec::new();
    for rule in rules {
        let proof = fire(rule.settings, rule.group, &folder.settings.groups, &folder.setting);
        let one = Tried { rule, proof };
        match (command.format.as_str(), command.all) {
            ("json", _) => {}
            (_, true) => line(&one),
            _ => folder.show(&one),
        }
        tried.push(one);
    }
    if command.format == "json" {
        let all: Vec<Value> = tried.iter().map(|one| folder.json(one)).collect();
        say!("{}", json!({"alerts": all, "fired": tried.iter().filter(|one| one.proof.is_ok()).count(), "total": tried.len()}));
    } else if command.all {
        let silent = tried.iter().filter(|one| one.proof.as_ref().is_ok_and(|proof| proof.told.is_empty())).count();
        let silent = if silent > 0 && folder.settings.router.is_some() { format!("; of {silent} nobody is told") } else { String::new() };
        say!("{} of {} alerts fire{silent}", tried.iter().filter(|one| one.proof.is_ok()).count(), tried.len());
    }
    if let Some(path) = &command.write_test {
        write_test(path, &tried, &folder)?;
    }
    // A receiver without integrations is a choice (a watchdog's, often): it is said, and no failure.
    let mut all_well = tried.iter().all(|one| one.proof.is_ok());
    if command.send {
        all_well &= send(&tried, &dir).await?;
    }
    Ok(ExitCode::from(u8::from(!all_well)))
}

/// The rules that are meant.
fn rules_of<'a>(groups: &'a [GroupSettings], wanted: Option<&str>) -> anyhow::Result<Vec<Meant<'a>>> {
    let mut all = Vec::new();
    for group in groups {
        for settings in &group.rules {
            let (alert, file, line) = match settings {
                RuleSettings::Alerting(rule) => (&rule.alert, &group.file, rule.span.line),
                RuleSettings::Grafana(rule) if rule.record.is_none() => (&rule.title, &rule.file, rule.span.line),
                RuleSettings::Grafana(_) | RuleSettings::Recording(_) => continue,
            };
            all.push(Meant { settings, group, alert, file, line });
        }
    }
    let Some(wanted) = wanted else { return Ok(all) };
    let found: Vec<Meant> = all.iter().copied().filter(|rule| rule.alert == wanted).collect();
    if found.is_empty() {
        let near = nearest(wanted, all.iter().map(|rule| rule.alert));
        bail!("there is no alerting rule {wanted:?}{}", near.map(|near| format!("; did you mean {near:?}?")).unwrap_or_default());
    }
    Ok(found)
}

fn line(tried: &Tried) {
    match &tried.proof {
        Ok(proof) => {
            let mut who: Vec<String> = proof.told.iter().map(|told| format!("{}/{}", told.receiver, told.integration_kind)).collect();
            who.sort();
            who.dedup();
            let who = if who.is_empty() { "nobody is told".to_string() } else { who.join(", ") };
            say!("✓ {:<40} fires after {:<8} {who}", tried.rule.alert, format_duration(proof.fired_at - proof.pending_at));
        }
        Err(never) => say!("✗ {:<40} {}{}", tried.rule.alert, if never.sure { "can never fire: " } else { "not found: " }, never.why),
    }
}

impl Folder {
    fn show(&self, tried: &Tried) {
        let Tried { rule, proof } = tried;
        let proof = match proof {
            Ok(proof) => proof,
            Err(never) => {
                let word = if never.sure { "can never fire" } else { "was not made to fire" };
                say!("{} {word} ({}:{})", rule.alert, rule.file, rule.line);
                say!("  {}", never.why);
                if let Some(fix) = &never.fix {
                    say!("  write instead: {fix}");
                }
                return;
            }
        };
        say!("{} fires ({}:{})", proof.alert, rule.file, rule.line);
        say!("");
        say!("with these series{}", if proof.series.is_empty() { ": none at all" } else { "" });
        for (labels, samples) in proof.series.iter().take(SERIES_SHOWN_MAX) {
            say!("  {labels}");
            say!("      {}", course(samples, proof.fired_at, proof.sample_step));
        }
        if proof.series.len() > SERIES_SHOWN_MAX {
            say!("  and {} more", proof.series.len() - SERIES_SHOWN_MAX);
        }
        if !proof.through.is_empty() {
            say!("through the recording rules {}", proof.through.join(", "));
        }
        say!("");
        let origin = proof.pending_at;
        say!(
            "{:>8}  pending: the condition holds{}",
            "0s",
            if proof.hold > Millis::ZERO { format!(", for {}", format_duration(proof.hold)) } else { String::new() }
        );
        say!("{:>8}  firing", format_duration(proof.fired_at - origin));
        for alert in &proof.alerts {
            say!("          {}", alert.labels);
            alert.annotations.iter().for_each(|(name, text)| say!("            {name}: {text}"));
        }
        for route in &proof.routes {
            let integrations =
                if route.integrations.is_empty() { "no integrations: nobody is told".to_string() } else { route.integrations.join(", ") };
            say!("          route {} → {} ({integrations})", route.route, route.receiver);
        }
        for told in &proof.told {
            let (text, problems) = self.message(told);
            say!("{:>8}  {}/{} is told ({})", format_duration(told.at - origin), told.receiver, told.integration_kind, told.reason);
            text.iter().for_each(|line| say!("          │ {line}"));
            problems.iter().for_each(|problem| say!("          ! a template failed: {problem}"));
        }
        for (receiver, reason) in &proof.held {
            say!("          {receiver} is not told: {reason}");
        }
        if proof.told.is_empty() && self.settings.router.is_none() {
            say!("          there is no alertmanager.yml: nobody is told by us");
        }
    }

    fn message(&self, told: &Notification) -> (Vec<String>, Vec<String>) {
        let notice = notice_of(told.clone());
        let Some(integration) = integration_of(&self.settings, &notice) else { return (Vec::new(), Vec::new()) };
        let templates = templates_of(&self.settings, &self.templates, &notice.receiver);
        said(integration, &notice, &Context { external_url: EXTERNAL_URL, templates: &templates, now: told.at })
    }

    fn json(&self, tried: &Tried) -> Value {
        let rule = tried.rule;
        let mut out = json!({"alert": rule.alert, "group": rule.group.name, "file": rule.file, "line": rule.line});
        match &tried.proof {
            Err(never) => {
                out["fires"] = json!(false);
                out["sure"] = json!(never.sure);
                out["why"] = json!(never.why);
                out["fix"] = json!(never.fix);
                out["tries"] = json!(never.tries);
            }
            Ok(proof) => {
                out["fires"] = json!(true);
                out["tries"] = json!(proof.tries);
                out["pendingAt"] = json!(proof.pending_at.seconds());
                out["firedAt"] = json!(proof.fired_at.seconds());
                out["through"] = json!(proof.through);
                let series = proof.series.iter().map(|(labels, samples)| {
                    json!({"labels": crate::wire::labels_json(labels), "samples": samples.len(), "first": samples.first().map(|s| s.value.to_string()), "last": samples.last().map(|s| s.value.to_string())})
                });
                out["series"] = series.collect();
                out["alerts"] = proof.alerts.iter().map(|alert| json!({"labels": crate::wire::labels_json(&alert.labels), "annotations": crate::wire::labels_json(&alert.annotations)})).collect();
                out["messages"] = proof.told.iter().map(|told| {
                    let (text, problems) = self.message(told);
                    json!({"at": told.at.seconds(), "receiver": told.receiver, "integration": told.integration_kind, "reason": told.reason.to_string(), "text": text, "problems": problems})
                }).collect();
                out["held"] = proof.held.iter().map(|(receiver, reason)| json!({"receiver": receiver, "reason": reason})).collect();
            }
        }
        out
    }
}

fn integration_of<'a>(settings: &'a Settings, notice: &Notice) -> Option<&'a Integration> {
    crate::path::integration(settings, notice)
}

/// How the values of a series run, in words.
fn course(samples: &[Sample], until: Timestamp, step: Millis) -> String {
    let values: Vec<f64> = samples.iter().filter(|sample| sample.at <= until).map(|sample| sample.value).collect();
    let (Some(first), Some(last)) = (values.first(), values.last()) else { return "no sample before it fires".into() };
    let every = format_duration(step);
    let (low, high) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(*value), high.max(*value)));
    if low == high || values.iter().all(|value| value.is_nan()) {
        format!("{first} all the time, every {every}")
    } else if (low, high) == (first.min(*last), first.max(*last)) {
        format!("from {first} to {last} in {} samples, every {every}", values.len())
    } else {
        format!("between {low} and {high}, at last {last}, in {} samples, every {every}", values.len())
    }
}

/// One file, or one an alert in a folder: promtool evaluates all rules from 1970 on for each test, in the shortest interval of the file.
fn write_test(path: &Path, tried: &[Tried], folder: &Folder) -> anyhow::Result<()> {
    let proofs: Vec<&Proof> = tried.iter().filter_map(|one| one.proof.as_ref().ok()).filter(|proof| !proof.is_grafana).collect();
    if proofs.is_empty() {
        bail!("{}: not written, for no alert fires that promtool knows (Grafana's rules have no rule tests)", path.display());
    }
    // Rules of other files may be read through recording rules: all files are named.
    let mut files: Vec<String> = Vec::new();
    for group in &folder.settings.groups {
        // Of Grafana's groups it is their folder.
        let Ok(full) = std::fs::canonicalize(&group.file) else { continue };
        let full = full.display().to_string();
        if !files.contains(&full) {
            files.push(full);
        }
    }
    let write = |path: &Path, proofs: &[&Proof]| {
        let text = test_file(proofs, &files, &folder.settings.global.external_labels, EXTERNAL_URL);
        std::fs::write(path, text).with_context(|| format!("{}: cannot be written", path.display()))
    };
    if !path.is_dir() {
        return write(path, &proofs);
    }
    for (index, proof) in proofs.iter().enumerate() {
        let safe = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' };
        let name: String = proof.alert.chars().take(100).map(safe).collect();
        write(&path.join(format!("{:04}-{name}.test.yml", index + 1)), &[proof])?;
    }
    Ok(())
}

/// The first message of each integration, for real, with the marks of a test.
async fn send(tried: &[Tried<'_>], dir: &Path) -> anyhow::Result<bool> {
    let mut notices = Vec::new();
    for told in tried.iter().filter_map(|one| one.proof.as_ref().ok()).flat_map(|proof| &proof.told) {
        notices.push(marked(notice_of(told.clone()), crate::clock::now()));
    }
    if notices.is_empty() {
        bail!("there is no message to send");
    }
    let (sender, path, folder) = super::test_receiver::bare_sender(dir.to_path_buf())?;
    let sent = test_message::send_notices(&sender, &path, notices).await;
    let _ = std::fs::remove_dir_all(folder);
    for one in &sent {
        let word = if one.delivered { "sent" } else { "not sent" };
        say!("{word} to {}: {}", one.integration, one.answer);
    }
    Ok(sent.iter().all(|one| one.delivered))
}

/// Times of today, a label that says so, and a word in front of each title and summary.
fn marked(mut notice: Notice, now: Timestamp) -> Notice {
    notice.group_key = format!("test:{}", crate::clock::uuid());
    notice.reason = "test message".into();
    for alert in &mut notice.alerts {
        alert.labels = alert.labels.builder().set("test", "true").labels();
        let mark = |(name, text): (&str, &str)| {
            let text =
                if matches!(name, "title" | "summary" | "description" | "message") { format!("TEST: {text}") } else { text.to_string() };
            (name.to_string(), text)
        };
        let mut annotations: Vec<(String, String)> = alert.annotations.iter().map(mark).collect();
        if !annotations.iter().any(|(name, _)| name == "summary") {
            annotations.push(("summary".into(), "TEST: sent by hand with `bellbuoy fire --send`. Nothing is wrong.".into()));
        }
        alert.annotations = Labels::from_pairs(annotations);
        alert.starts_at = now - Millis::from_minutes(1);
        alert.ends_at = now + Millis::from_minutes(5);
        alert.updated_at = now;
    }
    notice.at = now;
    notice
}
