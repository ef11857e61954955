//! Jira: an issue per group, found again by a label that holds the SHA-256 of the group's key, as in Alertmanager.
//!
//! ```text
//! search > create, or update > (transitions > transition, where the issue shall be opened again or closed)
//! ```
//!
//! Jira's search hears of a new issue some seconds later, so the key of a new one is remembered, and counts while it is fresh.

use bellbuoy_vocabulary::{Millis, Secret, Timestamp};
use serde_json::{Map, Value, json};

use crate::compose::{Composed, Context, Limit, Message, Renderer};
use crate::exchange::{Done, FIRST, Outcome, SoFar, Step};
use crate::judge::Verdict;
use crate::limit::{chars, cut_chars, one_line};
use crate::notice::Notice;
use crate::parts::{changed, small};
use crate::plain::{plain_subject, plain_within};
use crate::settings::{JiraApi, JiraSettings};
use crate::{sha256, values};

const SUMMARY_MAX: usize = 255;
const DESCRIPTION_MAX: usize = 32_767;
const LABEL_MAX: usize = 255;
const NAME_MAX: usize = 255;
/// How long a new issue's key counts although the search does not find it.
const FRESH: Millis = Millis::from_minutes(2);

const SEARCH: &str = "search";
const CREATE: &str = "create";
const UPDATE: &str = "update";
const TRANSITIONS: &str = "transitions";
const TRANSITION: &str = "transition";

/// What a delivery does next.
#[derive(Debug, PartialEq)]
enum Plan {
    Search,
    Create,
    Update(String),
    Transitions(String),
    Transition { key: String, id: String },
    Done(Option<String>),
    Failed(String),
}

pub(crate) fn step(settings: &JiraSettings, notice: &Notice, context: &Context, so_far: &SoFar) -> Step {
    let mut renderer = Renderer::over(changed(notice.template_data(context.external_url, usize::MAX), no_mention), context);
    let url = |path: String| format!("{}/{path}", settings.api_url);
    let (name, method, url, body) = match plan(settings, notice, so_far.memory, so_far.done, context.now) {
        Plan::Create => (CREATE, "POST", url("issue".into()), issue(settings, notice, &mut renderer, true)),
        Plan::Update(key) => (UPDATE, "PUT", url(format!("issue/{key}")), issue(settings, notice, &mut renderer, false)),
        Plan::Transitions(key) => (TRANSITIONS, "GET", url(format!("issue/{key}/transitions")), Value::Null),
        Plan::Transition { key, id } => {
            (TRANSITION, "POST", url(format!("issue/{key}/transitions")), json!({ "transition": { "id": id } }))
        }
        Plan::Search | Plan::Done(_) | Plan::Failed(_) => {
            let body = json!({ "jql": jql(settings, notice, &mut renderer), "maxResults": 2, "fields": ["status"] });
            (SEARCH, "POST", search_url(settings), body)
        }
    };
    let headers = [("Content-Type", "application/json"), ("Accept-Language", "en")];
    let message = Message::Http {
        method,
        url: Secret::new(url),
        headers: headers.map(|(name, value)| (name.to_string(), value.to_string())).to_vec(),
        body: if body.is_null() { Vec::new() } else { body.to_string().into_bytes() },
        options: settings.http.clone(),
    };
    Step { name, composed: Composed { message, problems: renderer.problems } }
}

pub(crate) fn after(settings: &JiraSettings, notice: &Notice, so_far: &SoFar, verdict: Verdict, now: Timestamp) -> Outcome {
    let Some((step, answer)) = so_far.last() else { return Outcome::Next };
    let verdict = match verdict {
        // The issue was deleted after it was found.
        Verdict::GaveUp { .. } if step == UPDATE && answer.status() == 404 => Verdict::Delivered { remote_id: None },
        Verdict::GaveUp { reason } => Verdict::GaveUp { reason: format!("{step}: {reason}") },
        Verdict::RetryAt { at, reason, rate_limited } => Verdict::RetryAt { at, reason: format!("{step}: {reason}"), rate_limited },
        delivered => delivered,
    };
    // A new issue is remembered whatever comes after it.
    let new = if step == CREATE { answer.json().get("key").and_then(Value::as_str).map(str::to_string) } else { None };
    let mut memory = new.map(|key| json!({ "key": key, "at_ms": now.0 }));
    let Verdict::Delivered { .. } = verdict else { return Outcome::Settle { verdict, memory } };
    let verdict = match plan(settings, notice, so_far.memory, so_far.done, now) {
        Plan::Done(remote_id) => Verdict::Delivered { remote_id },
        Plan::Failed(reason) => Verdict::GaveUp { reason },
        _ => return Outcome::Next,
    };
    if !notice.is_firing() {
        memory = Some(Value::Null);
    }
    Outcome::Settle { verdict, memory }
}

/// Answers that were no success are not in `done`, but for an update of an issue that is gone.
fn plan(settings: &JiraSettings, notice: &Notice, memory: &Value, done: &[Done], now: Timestamp) -> Plan {
    let answer = |step: &str| done.iter().rev().find(|done| done.step == step).map(|done| &done.answer);
    let Some(found) = answer(SEARCH) else { return Plan::Search };
    if let Some(created) = answer(CREATE) {
        return Plan::Done(created.json().get("key").and_then(Value::as_str).map(|key| one_line(key, 80)));
    }
    let body = found.json();
    let Some(issues) = body.get("issues").and_then(Value::as_array) else {
        return Plan::Failed("search: the answer holds no list of issues".into());
    };
    let firing = notice.is_firing();
    let anew = || if firing { Plan::Create } else { Plan::Done(None) };
    let remembered = memory.get("key").filter(|_| answer(UPDATE).is_some() || fresh(notice, memory, now));
    let Some(key) = issues.first().map_or(remembered, |issue| issue.get("key")).and_then(Value::as_str) else { return anew() };
    if key.is_empty() || !key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)) {
        return Plan::Failed(format!("search: {:?} is no issue's key", one_line(key, 80)));
    }
    match answer(UPDATE) {
        None => return Plan::Update(key.into()),
        Some(update) if update.status() == 404 => return anew(),
        Some(_) => {}
    }
    // Of an issue that the search does not know yet: what a new issue has.
    let category = match issues.first() {
        Some(issue) => issue.pointer("/fields/status/statusCategory/key").and_then(Value::as_str),
        None => Some("new"),
    };
    let wanted = match (category, firing) {
        (Some("done"), true) => &settings.reopen_transition,
        (Some("done"), false) | (Some(_), true) | (None, _) => return Plan::Done(Some(key.into())),
        (Some(_), false) => &settings.resolve_transition,
    };
    if wanted.is_empty() || answer(TRANSITION).is_some() {
        return Plan::Done(Some(key.into()));
    }
    let Some(transitions) = answer(TRANSITIONS) else { return Plan::Transitions(key.into()) };
    match transition_id(&transitions.json(), wanted) {
        Some(id) => Plan::Transition { key: key.into(), id },
        None => Plan::Failed(format!("issue {key} has no transition {wanted:?} now: its workflow or its status does not allow it")),
    }
}

fn fresh(notice: &Notice, memory: &Value, now: Timestamp) -> bool {
    let made = memory.get("at_ms").and_then(Value::as_i64).map(Timestamp);
    notice.reason != FIRST && made.is_some_and(|made| now - made < FRESH)
}

fn transition_id(body: &Value, name: &str) -> Option<String> {
    let transitions = body.get("transitions")?.as_array()?;
    let found = transitions.iter().find(|one| one.get("name").and_then(Value::as_str) == Some(name))?;
    found.get("id")?.as_str().map(str::to_string)
}

fn label(notice: &Notice) -> String {
    format!("ALERT{{{}}}", sha256::hex(&notice.group_key))
}

fn jql(settings: &JiraSettings, notice: &Notice, renderer: &mut Renderer) -> String {
    let quoted = |text: &str| Value::from(text).to_string();
    let mut jql = String::new();
    if !settings.wont_fix_resolution.is_empty() {
        // `!=` alone does not find what has no resolution.
        jql = format!("(resolution is EMPTY or resolution != {}) and ", quoted(&settings.wont_fix_resolution));
    }
    let minutes = settings.reopen_duration.0 / 60_000;
    if notice.is_firing() && !settings.reopen_transition.is_empty() && minutes > 0 {
        jql.push_str(&format!("(resolutiondate is EMPTY OR resolutiondate >= -{minutes}m) and "));
    } else {
        jql.push_str("statusCategory != Done and ");
    }
    let project = small(renderer, "project", &settings.project, NAME_MAX);
    jql + &format!("project={} and labels={} order by status ASC,resolutiondate DESC", quoted(&project), quoted(&label(notice)))
}

/// Atlassian's cloud has taken the search of version 2 away; what people run themselves does not have the one of version 3.
fn search_url(settings: &JiraSettings) -> String {
    let host = settings.api_url.split('/').nth(2).unwrap_or_default();
    let cloud = match settings.api_type {
        JiraApi::Datacenter => false,
        JiraApi::Cloud => true,
        JiraApi::Auto => host.ends_with("atlassian.net"),
    };
    let path = if cloud { "/search/jql" } else { "/search" };
    let url = format!("{}{path}", settings.api_url);
    if cloud { url.replacen("/rest/api/2/", "/rest/api/3/", 1) } else { url }
}

fn issue(settings: &JiraSettings, notice: &Notice, renderer: &mut Renderer, new: bool) -> Value {
    let mut fields = Map::new();
    fields.insert("project".into(), json!({ "key": small(renderer, "project", &settings.project, NAME_MAX) }));
    fields.insert("issuetype".into(), json!({ "name": small(renderer, "issue_type", &settings.issue_type, NAME_MAX) }));
    if new || settings.summary.update {
        let summary = small(renderer, "summary", &settings.summary.template, SUMMARY_MAX);
        // Jira refuses an issue without a summary.
        let summary = if summary.is_empty() { cut_chars(&no_mention(&plain_subject(notice)), SUMMARY_MAX) } else { summary };
        fields.insert("summary".into(), summary.into());
    }
    if new || settings.description.update {
        let description = description(settings, notice, renderer);
        if !description.is_null() {
            fields.insert("description".into(), description);
        }
    }
    let mut labels = Vec::new();
    for (at, template) in settings.labels.iter().enumerate() {
        labels.push(label_word(&renderer.text(&format!("labels[{at}]"), template).unwrap_or_default()));
    }
    labels.push(label(notice));
    labels.retain(|label| !label.is_empty());
    labels.sort();
    fields.insert("labels".into(), json!(labels));
    let priority = small(renderer, "priority", &settings.priority, NAME_MAX);
    if !priority.is_empty() {
        fields.insert("priority".into(), json!({ "name": priority }));
    }
    for (name, detail) in &settings.fields {
        if let Some(value) = values::value(name, detail, renderer) {
            fields.insert(name.clone(), value);
        }
    }
    json!({ "fields": fields })
}

/// Jira refuses labels with spaces in them.
fn label_word(text: &str) -> String {
    let text: String = text.trim().chars().map(|c| if c.is_whitespace() || c.is_control() { '_' } else { c }).collect();
    cut_chars(&text, LABEL_MAX)
}

/// Version 2 takes a text, version 3 a document in JSON; a template that gives none is put into one.
fn description(settings: &JiraSettings, notice: &Notice, renderer: &mut Renderer) -> Value {
    let document = settings.api_url.ends_with("/3");
    if document && let Some(text) = renderer.text("description", &settings.description.template) {
        match serde_json::from_str::<Value>(text.trim()) {
            Ok(value) if value.is_object() && chars(text.trim()) <= DESCRIPTION_MAX => return value,
            // Cut JSON is no JSON.
            Ok(value) if value.is_object() => {
                return adf(&plain_within(notice, &renderer.problems, &Limit::of(DESCRIPTION_MAX, &chars, &cut_chars), no_mention));
            }
            _ => {}
        }
    }
    let text = renderer.fitted("description", &settings.description.template, &Limit::of(DESCRIPTION_MAX, &chars, &cut_chars));
    let text =
        text.unwrap_or_else(|| plain_within(notice, &renderer.problems, &Limit::of(DESCRIPTION_MAX, &chars, &cut_chars), no_mention));
    match text.trim() {
        "" => Value::Null,
        text if document => adf(text),
        text => text.into(),
    }
}

/// Atlassian's document format: a paragraph per block of lines.
fn adf(text: &str) -> Value {
    let mut paragraphs: Vec<Vec<Value>> = vec![Vec::new()];
    for line in text.lines() {
        match paragraphs.last_mut() {
            _ if line.trim().is_empty() => paragraphs.push(Vec::new()),
            Some(open) => {
                if !open.is_empty() {
                    open.push(json!({ "type": "hardBreak" }));
                }
                open.push(json!({ "type": "text", "text": line }));
            }
            None => {}
        }
    }
    let content: Vec<Value> =
        paragraphs.into_iter().filter(|lines| !lines.is_empty()).map(|lines| json!({ "type": "paragraph", "content": lines })).collect();
    json!({ "type": "doc", "version": 1, "content": content })
}

/// `[~name]` mentions somebody in Jira's markup.
fn no_mention(text: &str) -> String {
    text.replace("[~", "[\u{200b}~")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_jira() {
        assert_eq!(label_word(" a b\tc "), "a_b_c");
        assert_eq!(no_mention("[~bob] [link]"), "[\u{200b}~bob] [link]");
        let text = |text: &str| json!({ "type": "text", "text": text });
        assert_eq!(
            adf("a\nb\n\n\nc"),
            json!({ "type": "doc", "version": 1, "content": [
                { "type": "paragraph", "content": [text("a"), { "type": "hardBreak" }, text("b")] },
                { "type": "paragraph", "content": [text("c")] },
            ] })
        );
    }
}
