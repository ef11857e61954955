//! Discord: embeds that read well on a phone, within Discord's limits, which count in UTF-16 units.
//!
//! Without `title` and `message` in the settings, and without a user's template of their default names, each alert is an
//! embed of our own design. Otherwise the templates fill one embed, as in Alertmanager.

use bellbuoy_template::notify::default_templates;
use bellbuoy_vocabulary::{ALERT_NAME, Alert, Labels, Secret};
use serde_json::{Value, json};

use crate::compose::{Composed, Context, Limit, Message, Renderer, json_headers};
use crate::exchange::{Outcome, SEND, SoFar, Step, edits, remember, settle};
use crate::judge::{Answer, Verdict};
use crate::limit::{cut_utf16, one_line, utf16_len};
use crate::notice::Notice;
use crate::settings::DiscordSettings;

const TITLE_MAX: usize = 256;
const DESCRIPTION_MAX: usize = 4096;
const FIELDS_MAX: usize = 25;
const FIELD_NAME_MAX: usize = 256;
const FIELD_VALUE_MAX: usize = 1024;
const FOOTER_MAX: usize = 2048;
const CONTENT_MAX: usize = 2000;
const USERNAME_MAX: usize = 80;
const EMBEDS_MAX: usize = 10;
/// Over all titles, descriptions, fields and footers of a message: 6000, with a margin.
const TOTAL_MAX: usize = 5900;
const URL_MAX: usize = 2048;

const RED: u32 = 0xE0_1E_1E;
const ORANGE: u32 = 0xFF_8C_00;
const BLUE: u32 = 0x34_98_DB;
const GREEN: u32 = 0x2E_CC_71;
const GREY: u32 = 0x95_A5_A6;

/// Annotations of this prefix are fields of the embed: `field:Drift share`.
const FIELD_PREFIX: &str = "field:";

/// The step that writes the group's message anew.
const EDIT: &str = "edit";

/// With `update_message`: the message of the group that is there already is written anew; where that can not be, a new one is sent.
pub(crate) fn step(settings: &DiscordSettings, notice: &Notice, context: &Context, so_far: &SoFar) -> Step {
    let mut composed = compose(settings, notice, context);
    let id = so_far.memory.get("id").and_then(Value::as_str).filter(|id| id.bytes().all(|b| b.is_ascii_digit()));
    let url = id.filter(|_| settings.update_message && so_far.done.is_empty() && edits(notice, so_far.memory));
    let url = url.and_then(|id| with_message(&settings.webhook_url, id));
    if let (Some(edit), Message::Http { method, url, .. }) = (url, &mut composed.message) {
        (*method, *url) = ("PATCH", edit);
        return Step { name: EDIT, composed };
    }
    Step { name: SEND, composed }
}

pub(crate) fn after(settings: &DiscordSettings, notice: &Notice, step: &str, answer: &Answer, verdict: Verdict) -> Outcome {
    match &verdict {
        // Deleted meanwhile, or by another webhook of an earlier configuration.
        Verdict::GaveUp { .. } if step == EDIT && matches!(answer.status(), 403 | 404) => Outcome::Next,
        Verdict::Delivered { remote_id: Some(id) } if settings.update_message => {
            let memory = Some(remember(notice, json!({ "id": id })));
            Outcome::Settle { verdict, memory }
        }
        _ => settle(verdict),
    }
}

/// The address of a message that a webhook sent: `.../messages/ID`, and of the query the thread.
pub(crate) fn with_message(url: &Secret, id: &str) -> Option<Secret> {
    let (address, query) = url.expose().split_once('?').unwrap_or((url.expose(), ""));
    let thread = query.split('&').find(|pair| pair.starts_with("thread_id=")).map_or(String::new(), |pair| format!("?{pair}"));
    (!query.contains('#') && !address.contains('#'))
        .then(|| Secret::new(format!("{}/messages/{id}{thread}", address.trim_end_matches('/'))))
}

pub(crate) fn compose(settings: &DiscordSettings, notice: &Notice, context: &Context) -> Composed {
    let mut renderer = Renderer::new(notice, context);
    let limit = Limit::of(CONTENT_MAX, &utf16_len, &cut_utf16);
    let content = renderer.fitted("content", &settings.content, &limit);
    let mentions = allowed_mentions(&settings.content, content.as_deref().unwrap_or(""));
    let embeds = if is_default(settings, context) {
        own_embeds(notice, &renderer.problems.join("; "))
    } else {
        let title = renderer.text("title", &settings.title);
        let message = renderer.text("message", &settings.message);
        match (title, message) {
            // What Grafana's contact points say is in the content: without it the plain form must say it.
            (Some(title), Some(message)) if content.is_some() => vec![templated(notice, &title, &message)],
            _ => own_embeds(notice, &renderer.problems.join("; ")),
        }
    };
    let username = renderer.text("username", &settings.username).unwrap_or_default();
    let mut body = json!({ "embeds": embeds, "allowed_mentions": mentions });
    let texts = [
        ("content", content.unwrap_or_default(), CONTENT_MAX),
        ("username", username, USERNAME_MAX),
        ("avatar_url", settings.avatar_url.clone(), URL_MAX),
    ];
    for (name, text, max) in texts {
        if !text.trim().is_empty() {
            body[name] = cut_utf16(text.trim(), max).into();
        }
    }
    let message = Message::Http {
        method: "POST",
        url: with_wait(&settings.webhook_url),
        headers: json_headers(notice),
        body: body.to_string().into_bytes(),
        options: settings.http.clone(),
    };
    Composed { message, problems: renderer.problems }
}

/// Who may be pinged: those whom the settings name themselves (`<@123>`, `<@&456>`, `@everyone`), never one whom only a label
/// names. When the text says `@everyone` more often than the settings, nobody can tell whose word it is.
fn allowed_mentions(template: &str, content: &str) -> Value {
    let ids = |open: &str| -> Vec<String> {
        let after = template.split(open).skip(1);
        let ids = after.filter_map(|rest| rest.split_once('>')).map(|(id, _)| id);
        let mut ids: Vec<String> =
            ids.filter(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit())).map(str::to_string).take(100).collect();
        ids.sort();
        ids.dedup();
        ids
    };
    let everyone = ["@everyone", "@here"].map(|word| (template.matches(word).count(), content.matches(word).count()));
    let meant = everyone.iter().any(|(said, _)| *said > 0) && everyone.iter().all(|(said, heard)| said == heard);
    let mut mentions = json!({ "parse": if meant { vec!["everyone"] } else { Vec::new() } });
    for (name, ids) in [("users", ids("<@")), ("roles", ids("<@&"))] {
        if !ids.is_empty() {
            mentions[name] = ids.into();
        }
    }
    mentions
}

/// Discord answers with the message, and thus its id, only when asked to wait.
fn with_wait(url: &Secret) -> Secret {
    let (address, fragment) = url.expose().split_once('#').unwrap_or((url.expose(), ""));
    let mark = if address.contains('?') { '&' } else { '?' };
    let asked = address.split_once('?').is_some_and(|(_, query)| query.split('&').any(|pair| pair.starts_with("wait=")));
    if asked || !fragment.is_empty() { url.clone() } else { Secret::new(format!("{address}{mark}wait=true")) }
}

/// The settings name only Alertmanager's default templates, and nobody has redefined those.
fn is_default(settings: &DiscordSettings, context: &Context) -> bool {
    let parts = [(&settings.title, "discord.default.title"), (&settings.message, "discord.default.message")];
    parts.iter().all(|(text, name)| {
        let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        plain.is_empty() || (plain == format!("{{{{template\"{name}\".}}}}") && context.templates.same(&default_templates(), name))
    })
}

fn templated(notice: &Notice, title: &str, message: &str) -> Value {
    let description = cut_utf16(message.trim(), DESCRIPTION_MAX);
    let worst = notice.alerts.iter().min_by_key(|alert| rank(notice, alert));
    let mut embed = json!({ "title": cut_utf16(title.trim(), TITLE_MAX), "color": worst.map_or(GREY, |alert| color(notice, alert)) });
    if !description.is_empty() {
        embed["description"] = description.into();
    } else if title.trim().is_empty() {
        embed["title"] = cut_utf16(&title_of_group(notice), TITLE_MAX).into();
    }
    embed
}

fn title_of_group(notice: &Notice) -> String {
    format!("{} {}", notice.status_word().to_uppercase(), escape(&notice.alert_names().join(", ")))
}

/// One embed per alert, and a last one that counts those which found no room.
fn own_embeds(notice: &Notice, problem: &str) -> Vec<Value> {
    let count = notice.alerts.len();
    let (common, nothing) = (notice.common_labels(), Labels::empty());
    let shown = if count > EMBEDS_MAX { EMBEDS_MAX - 1 } else { count };
    let mut room = TOTAL_MAX - 100;
    let mut embeds = Vec::new();
    if !problem.is_empty() {
        let text = format!("This plain form was sent because a template failed: {}", one_line(problem, 400));
        room -= utf16_len(&text);
        embeds.push(json!({ "description": text, "color": ORANGE }));
    }
    let shown = shown.min(EMBEDS_MAX - 1 - embeds.len() + usize::from(count <= shown && embeds.is_empty()));
    for (at, alert) in notice.alerts.iter().take(shown).enumerate() {
        let share = room / (shown - at);
        // What all alerts share is said once, in the first embed.
        let said = if at > 0 { &common } else { &nothing };
        let (embed, used) = own_embed(notice, alert, said, share);
        room -= used.min(room);
        embeds.push(embed);
    }
    if count > shown {
        let more = count - shown;
        let text = format!("... and {more} more {}", if more == 1 { "alert" } else { "alerts" });
        embeds.push(json!({ "description": text, "color": GREY }));
    }
    embeds
}

/// The embed of one alert, in `room` units; and how many it took.
fn own_embed(notice: &Notice, alert: &Alert, said: &Labels, room: usize) -> (Value, usize) {
    let mut left = room;
    let mut take = |text: &str, max: usize| {
        let text = cut_utf16(text.trim(), max.min(left));
        left -= utf16_len(&text);
        text
    };
    let mut embed = json!({ "title": take(&title(notice, alert), TITLE_MAX.min(room / 3)), "color": color(notice, alert) });
    let own = alert.annotations.get("footer");
    let footer = if is_blank(own) { format!("bellbuoy · {}", notice.reason) } else { own.to_string() };
    let footer = take(&footer, FOOTER_MAX.min(room / 4));
    let description = take(&description(alert), DESCRIPTION_MAX.min(room * 2 / 3));
    let mut fields = Vec::new();
    for (name, value) in fields_of(alert, said).into_iter().take(FIELDS_MAX) {
        let name = take(&name, FIELD_NAME_MAX);
        let value = take(&value, FIELD_VALUE_MAX);
        // Discord refuses empty ones.
        if is_blank(&name) || is_blank(&value) {
            continue;
        }
        let short = utf16_len(&value) <= 40;
        fields.push(json!({ "name": name, "value": value, "inline": short }));
    }
    if !is_blank(&description) {
        embed["description"] = description.into();
    }
    if !fields.is_empty() {
        embed["fields"] = fields.into();
    }
    embed["footer"] = json!({ "text": footer });
    let at = if alert.resolved_at(notice.at) { alert.ends_at } else { alert.starts_at };
    if (0..=253_402_300_799_999).contains(&at.0) {
        embed["timestamp"] = at.rfc3339().into();
    }
    let url = &alert.generator_url;
    if (url.starts_with("http://") || url.starts_with("https://")) && url.len() <= URL_MAX && url.bytes().all(|b| b.is_ascii_graphic()) {
        embed["url"] = url.as_str().into();
    }
    (embed, room - left)
}

/// Discord trims texts before it asks whether they are empty; characters without width count as nothing too.
fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}' | '\u{feff}'))
}

fn title(notice: &Notice, alert: &Alert) -> String {
    let resolved = alert.resolved_at(notice.at);
    let given = alert.annotations.get("title");
    let name = if !is_blank(given) { escape(given) } else { escape(alert.name()) };
    let severity = alert.labels.get("severity");
    let sign = match outcome(alert) {
        _ if resolved => "✅ RESOLVED · ".to_string(),
        // A title that somebody wrote brings its own sign, if it wants one.
        _ if !is_blank(given) && !given.starts_with(|c: char| c.is_ascii()) => String::new(),
        "deploy" => "🚀 ".into(),
        "skip" => "⏭️ ".into(),
        "reject" => "❌ ".into(),
        _ => {
            let icon = match severity {
                "critical" | "page" | "error" => "🚨 ",
                "warning" => "⚠️ ",
                "info" | "none" => "ℹ️ ",
                _ => "🔔 ",
            };
            let word = if is_blank(severity) { "FIRING".into() } else { escape(&severity.to_uppercase()) };
            if is_blank(given) { format!("{icon}{word} · ") } else { icon.into() }
        }
    };
    if is_blank(&name) { format!("{sign}alert") } else { sign + &name }
}

/// Annotations are written by the rule's author, who may use markdown in them; nothing in them can ping.
fn description(alert: &Alert) -> String {
    let (summary, description) = (alert.annotations.get("summary").trim(), alert.annotations.get("description").trim());
    match (summary, description) {
        ("", "") => alert.annotations.get("message").trim().to_string(),
        (summary, "") => summary.to_string(),
        ("", description) => description.to_string(),
        (summary, description) if summary == description => summary.to_string(),
        (summary, description) => format!("{summary}\n{description}"),
    }
}

/// Fields that the alert brings, or else its labels but those that were `said` before. A number before the name orders
/// the fields and is not shown: `field:1:Drift share`.
fn fields_of(alert: &Alert, said: &Labels) -> Vec<(String, String)> {
    let brought: Vec<(String, String)> = alert
        .annotations
        .iter()
        .filter_map(|(name, value)| name.strip_prefix(FIELD_PREFIX).map(|name| (escape(without_number(name).trim()), escape(value))))
        .collect();
    if !brought.is_empty() {
        return brought;
    }
    let wanted = |name: &str, value: &str| !(matches!(name, ALERT_NAME | "severity") || name.starts_with("__") || said.get(name) == value);
    alert.labels.iter().filter(|(name, value)| wanted(name, value)).map(|(name, value)| (escape(name), escape(value))).collect()
}

fn without_number(name: &str) -> &str {
    match name.split_once(':') {
        Some((number, rest)) if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) => rest,
        _ => name,
    }
}

/// What became of a training run, from the labels that events carry; empty for other alerts.
fn outcome(alert: &Alert) -> &'static str {
    for label in ["outcome", "decision", "deployment_decision"] {
        let word = alert.labels.get(label).to_lowercase();
        for known in ["deploy", "skip", "reject"] {
            if word.starts_with(known) {
                return known;
            }
        }
    }
    ""
}

/// Severity and status as colours: critical red, warning orange, info blue, resolved green; deploy green, skip grey, reject orange.
fn color(notice: &Notice, alert: &Alert) -> u32 {
    match (outcome(alert), alert.labels.get("severity")) {
        ("deploy", _) => GREEN,
        ("skip", _) => GREY,
        ("reject", _) => ORANGE,
        _ if alert.resolved_at(notice.at) => GREEN,
        _ if alert.is_event() && alert.labels.get("outcome") == "success" => GREEN,
        (_, "warning") => ORANGE,
        (_, "info" | "none") => BLUE,
        _ => RED,
    }
}

/// The worst first: firing before resolved, red before orange before blue.
fn rank(notice: &Notice, alert: &Alert) -> (bool, u32) {
    let order = match color(notice, alert) {
        RED => 0,
        ORANGE => 1,
        BLUE => 2,
        _ => 3,
    };
    (alert.resolved_at(notice.at), order)
}

/// Text that is no markup: Discord shows what it says. Addresses are left alone, a backslash would break them.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, word) in text.split(' ').enumerate() {
        if at > 0 {
            out.push(' ');
        }
        if word.starts_with("https://") || word.starts_with("http://") {
            out.push_str(word);
            continue;
        }
        let mut line_start = at == 0;
        for c in word.chars() {
            let markup =
                matches!(c, '\\' | '*' | '_' | '~' | '`' | '|' | '<' | '[' | ']') || (line_start && matches!(c, '#' | '>' | '-' | '+'));
            if markup {
                out.push('\\');
            }
            out.push(c);
            line_start = c == '\n';
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_no_markup() {
        for (text, escaped) in [
            ("plain", "plain"),
            ("a_b *c*", "a\\_b \\*c\\*"),
            ("# head", "\\# head"),
            ("a # b", "a # b"),
            ("<@123> `x`", "\\<@123> \\`x\\`"),
            ("see https://x.org/a_b_c", "see https://x.org/a_b_c"),
        ] {
            assert_eq!(escape(text), escaped);
        }
    }

    #[test]
    fn only_the_settings_can_ping() {
        for (template, content, mentions) in [
            ("", "", r#"{"parse":[]}"#),
            ("{{ .X }}", "@everyone <@1> <@&2>", r#"{"parse":[]}"#),
            ("<@12> and <@&34> <@12> <@!5> <@x>", "", r#"{"parse":[],"users":["12"],"roles":["34"]}"#),
            ("@here {{ .X }}", "@here a label", r#"{"parse":["everyone"]}"#),
            ("@here {{ .X }}", "@here @everyone", r#"{"parse":[]}"#),
        ] {
            assert_eq!(allowed_mentions(template, content).to_string(), mentions, "{template}");
        }
    }

    #[test]
    fn asks_for_the_message() {
        for (url, asked) in [
            ("https://d/api/webhooks/1/t", "https://d/api/webhooks/1/t?wait=true"),
            ("https://d/api/webhooks/1/t?thread_id=5", "https://d/api/webhooks/1/t?thread_id=5&wait=true"),
            ("https://d/api/webhooks/1/t?wait=false", "https://d/api/webhooks/1/t?wait=false"),
        ] {
            assert_eq!(with_wait(&Secret::new(url)).expose(), asked);
        }
        for (url, message) in [
            ("https://d/api/webhooks/1/t", "https://d/api/webhooks/1/t/messages/7"),
            ("https://d/api/webhooks/1/t/?wait=true&thread_id=5", "https://d/api/webhooks/1/t/messages/7?thread_id=5"),
        ] {
            assert_eq!(with_message(&Secret::new(url), "7").map(|url| url.expose().to_string()).as_deref(), Some(message));
        }
    }
}
