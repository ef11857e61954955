//! Opsgenie: an alert is made under an alias, and closed by it. The alias is the SHA-256 of the group's key, as in Alertmanager.

use bellbuoy_vocabulary::Secret;
use serde_json::{Map, Value, json};

use crate::compose::{Composed, Context, Limit, Message, Renderer, json_headers};
use crate::exchange::{Outcome, SEND, SoFar, Step, settle};
use crate::judge::Verdict;
use crate::limit::{chars, cut_chars, one_line};
use crate::notice::Notice;
use crate::plain::{has_failed, plain_subject, plain_within};
use crate::settings::{HttpOptions, OpsgenieSettings};
use crate::sha256;

const MESSAGE_MAX: usize = 130;
const DESCRIPTION_MAX: usize = 15_000;
const NOTE_MAX: usize = 25_000;
const ENTITY_MAX: usize = 512;
const TAGS_MAX: usize = 20;
const TAG_MAX: usize = 50;
const ACTIONS_MAX: usize = 10;
const RESPONDERS_MAX: usize = 50;
/// All names and values together.
const DETAILS_MAX: usize = 8000;
const SOURCE_MAX: usize = 100;
const PRIORITIES: [&str; 5] = ["P1", "P2", "P3", "P4", "P5"];

/// With `update_alerts`, an alert that fires is told thrice: created, which an alert that exists takes as a repeat, then its two texts.
const UPDATE_MESSAGE: &str = "update message";
const UPDATE_DESCRIPTION: &str = "update description";

pub(crate) fn step(settings: &OpsgenieSettings, notice: &Notice, context: &Context, so_far: &SoFar) -> Step {
    let name = match so_far.last() {
        Some((SEND, _)) => UPDATE_MESSAGE,
        Some(_) => UPDATE_DESCRIPTION,
        None => SEND,
    };
    Step { name, composed: compose(settings, notice, context, name) }
}

pub(crate) fn after(settings: &OpsgenieSettings, notice: &Notice, step: &str, verdict: Verdict) -> Outcome {
    match verdict {
        Verdict::Delivered { .. } if settings.update_alerts && notice.is_firing() && step != UPDATE_DESCRIPTION => Outcome::Next,
        verdict => settle(verdict),
    }
}

pub(crate) fn compose(settings: &OpsgenieSettings, notice: &Notice, context: &Context, step: &str) -> Composed {
    let mut renderer = Renderer::new(notice, context);
    let alias = sha256::hex(&notice.group_key);
    let named = |what: &str| format!("{}v2/alerts/{alias}/{what}?identifierType=alias", settings.api_url);
    let (method, url, body) = if !notice.is_firing() {
        let source = text(&mut renderer, "source", &settings.source, SOURCE_MAX);
        let mut body = json!({ "source": source });
        if has_failed(&renderer.problems) {
            let limit = Limit::of(NOTE_MAX, &chars, &cut_chars);
            body["note"] = plain_within(notice, &renderer.problems, &limit, str::to_string).into();
        }
        ("POST", named("close"), body)
    } else if step == UPDATE_MESSAGE {
        ("PUT", named("message"), json!({ "message": message(settings, notice, &mut renderer) }))
    } else if step == UPDATE_DESCRIPTION {
        let mut body = json!({});
        put(&mut body, "description", description(settings, notice, &mut renderer));
        ("PUT", named("description"), body)
    } else {
        ("POST", format!("{}v2/alerts", settings.api_url), create(settings, notice, &alias, &mut renderer))
    };
    let key = renderer.text("api_key", settings.api_key.expose()).unwrap_or_default();
    let authorization = Some(Secret::new(format!("GenieKey {}", key.trim())));
    let message = Message::Http {
        method,
        url: Secret::new(url),
        headers: json_headers(notice),
        body: body.to_string().into_bytes(),
        options: HttpOptions { authorization, ..settings.http.clone() },
    };
    Composed { message, problems: renderer.problems }
}

fn create(settings: &OpsgenieSettings, notice: &Notice, alias: &str, renderer: &mut Renderer) -> Value {
    let mut body = json!({ "alias": alias, "message": message(settings, notice, renderer) });
    put(&mut body, "description", description(settings, notice, renderer));
    body["details"] = details(settings, notice, renderer);
    body["source"] = text(renderer, "source", &settings.source, SOURCE_MAX).into();
    let responders = responders(settings, renderer);
    if !responders.is_empty() {
        body["responders"] = responders.into();
    }
    for (name, template, max) in [("tags", &settings.tags, TAGS_MAX), ("actions", &settings.actions, ACTIONS_MAX)] {
        let list = list(&text(renderer, name, template, 5000), max);
        if !list.is_empty() {
            body[name] = list.into();
        }
    }
    let note = renderer.fitted("note", &settings.note, &Limit::of(NOTE_MAX, &chars, &cut_chars)).unwrap_or_default();
    put(&mut body, "note", note);
    let priority = text(renderer, "priority", &settings.priority, 100).to_uppercase();
    match priority.as_str() {
        "" => {}
        word if PRIORITIES.contains(&word) => body["priority"] = priority.into(),
        _ => renderer.problems.push(format!("priority {priority:?} is none of P1 to P5 and was left out")),
    }
    put(&mut body, "entity", text(renderer, "entity", &settings.entity, ENTITY_MAX));
    body
}

fn message(settings: &OpsgenieSettings, notice: &Notice, renderer: &mut Renderer) -> String {
    let message = text(renderer, "message", &settings.message, MESSAGE_MAX);
    // Opsgenie refuses an alert without a message.
    if message.is_empty() { cut_chars(&plain_subject(notice), MESSAGE_MAX) } else { message }
}

fn description(settings: &OpsgenieSettings, notice: &Notice, renderer: &mut Renderer) -> String {
    let description = renderer.fitted("description", &settings.description, &Limit::of(DESCRIPTION_MAX, &chars, &cut_chars));
    description.unwrap_or_else(|| plain_within(notice, &renderer.problems, &Limit::of(DESCRIPTION_MAX, &chars, &cut_chars), str::to_string))
}

/// The common labels, and what the settings add or replace.
fn details(settings: &OpsgenieSettings, notice: &Notice, renderer: &mut Renderer) -> Value {
    let mut details: Map<String, Value> = Map::new();
    let mut wanted: Vec<(String, String)> = Vec::new();
    for (name, template) in &settings.details {
        wanted.push((name.clone(), renderer.text(name, template).unwrap_or_default()));
    }
    for (name, value) in &notice.common_labels() {
        if !wanted.iter().any(|(known, _)| known == name) {
            wanted.push((name.to_string(), value.to_string()));
        }
    }
    let mut room = DETAILS_MAX;
    for (name, value) in wanted {
        let value = cut_chars(&value, room.saturating_sub(chars(&name)));
        let used = chars(&name) + chars(&value);
        if used > room {
            break;
        }
        room -= used;
        details.insert(name, value.into());
    }
    Value::Object(details)
}

fn responders(settings: &OpsgenieSettings, renderer: &mut Renderer) -> Vec<Value> {
    let mut found = Vec::new();
    for responder in &settings.responders {
        let mut part = |name, template| text(renderer, name, template, 500);
        let kind = part("responder.type", &responder.kind).to_lowercase();
        let parts = [("id", part("responder.id", &responder.id)), ("username", part("responder.username", &responder.username))];
        let name = part("responder.name", &responder.name);
        if kind == "teams" {
            found
                .extend(name.split(',').map(str::trim).filter(|team| !team.is_empty()).map(|team| json!({ "name": team, "type": "team" })));
            continue;
        }
        let mut body = json!({});
        for (key, value) in parts.into_iter().chain([("name", name)]) {
            put(&mut body, key, value);
        }
        // Nobody: a template over labels that the alerts do not have.
        if body.as_object().is_some_and(|body| !body.is_empty()) {
            body["type"] = kind.into();
            found.push(body);
        }
    }
    found.truncate(RESPONDERS_MAX);
    found
}

fn list(text: &str, max: usize) -> Vec<String> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).take(max).map(|item| cut_chars(item, TAG_MAX)).collect()
}

fn text(renderer: &mut Renderer, name: &str, template: &str, max: usize) -> String {
    if template.is_empty() { String::new() } else { one_line(&renderer.text(name, template).unwrap_or_default(), max) }
}

fn put(into: &mut Value, name: &str, text: String) {
    if !text.is_empty() {
        into[name] = text.into();
    }
}
