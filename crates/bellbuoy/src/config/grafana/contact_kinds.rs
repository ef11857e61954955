//! The settings of a contact point's receiver, in Grafana's words with Grafana's defaults -> settings of our receivers.
//!
//! A key that Grafana does not know is ignored there; here it is a warning. Numbers and switches may be texts (`"10"`).

mod conversations;

use bellbuoy_notify::{
    Detail, DiscordSettings, EmailSettings, EmailThreading, GoogleChatSettings, GrafanaWebhookSettings, HmacSettings, HttpOptions,
    IntegrationKind, MsTeamsV2Settings, OpsgenieResponder, OpsgenieSettings, PagerdutyKey, PagerdutySettings, PushoverSettings,
    SlackSettings, SnsRole, SnsSettings, SnsTarget, TelegramMode, TelegramSettings, VictorOpsSettings, WebexSettings,
};
use bellbuoy_vocabulary::{Millis, Secret};

use super::super::http;
use super::super::read::{Fields, Text, did_you_mean};
use super::super::receivers::Smtp;
use super::super::yaml::Node;

const TITLE: &str = r#"{{ template "default.title" . }}"#;
const MESSAGE: &str = r#"{{ template "default.message" . }}"#;
const RULE_URL: &str = r#"{{ template "__rule_url" . }}"#;
const COLOR: &str = r#"{{ if eq .Status "firing" }}#D63232{{ else }}#36a64f{{ end }}"#;
const NAME: &str = "bellbuoy";
/// Grafana's address of a webhook that is not called.
const NOOP_URL: &str = "grafana://noop";

/// Grafana's types that we have no receiver for.
const NOT_HERE: [(&str, &str); 8] = [
    ("dingding", "use a webhook"),
    ("kafka", "use a webhook to Kafka's REST proxy"),
    ("line", "LINE Notify has ended in March 2025"),
    ("mqtt", "use a webhook"),
    ("oncall", "use a webhook with the integration's address"),
    ("prometheus-alertmanager", "name the Alertmanager in prometheus.yml under alerting.alertmanagers"),
    ("sensugo", "use a webhook"),
    ("threema", "use a webhook"),
];
const KNOWN: [&str; 16] = [
    "discord",
    "email",
    "googlechat",
    "jira",
    "opsgenie",
    "pagerduty",
    "pushover",
    "slack",
    "sns",
    "teams",
    "telegram",
    "victorops",
    "webex",
    "webhook",
    "wecom",
    "prometheus-alertmanager",
];

/// What the receivers need from outside their settings.
pub struct Around {
    /// Of grafana.ini, `GF_SMTP_*` or alertmanager.yml; the error when there is none.
    pub smtp: Result<Smtp, String>,
}

/// An integration, and whether it wants to hear of resolved alerts at all.
pub struct Made {
    pub kind: IntegrationKind,
    pub resolves: bool,
}

impl From<IntegrationKind> for Made {
    fn from(kind: IntegrationKind) -> Made {
        Made { kind, resolves: true }
    }
}

pub fn read(kind: Text, settings: &Node, outer: &Fields, around: &Around) -> Vec<Made> {
    let word = kind.as_str().to_ascii_lowercase();
    let Some(fields) = Fields::of(settings, "receiver's settings", outer.report) else { return Vec::new() };
    let set = Set { fields };
    let one = |kind: Option<IntegrationKind>| kind.map(Made::from).into_iter().collect();
    let made = match word.as_str() {
        "discord" => one(discord(&set)),
        "email" => email(&set, around),
        "googlechat" => one(googlechat(&set)),
        "jira" => one(conversations::jira(&set)),
        "opsgenie" => opsgenie(&set).into_iter().collect(),
        "pagerduty" => one(pagerduty(&set)),
        "pushover" => one(pushover(&set)),
        "slack" => one(slack(&set)),
        "sns" => one(sns(&set)),
        "teams" => one(teams(&set)),
        "telegram" => one(telegram(&set)),
        "victorops" => one(victorops(&set)),
        "webex" => one(webex(&set)),
        "webhook" => one(webhook(&set)),
        "wecom" => one(conversations::wecom(&set)),
        other => {
            unknown(other, kind, outer);
            return Vec::new();
        }
    };
    set.fields.finish_with_warnings();
    made
}

fn unknown(word: &str, kind: Text, outer: &Fields) {
    match NOT_HERE.iter().find(|(known, _)| *known == word) {
        Some((known, way_out)) => {
            outer.error(kind.span(), format!("contact points of type {known:?} are not supported"), *way_out);
        }
        None => {
            let help = did_you_mean(word, KNOWN);
            outer.error(kind.span(), format!("unknown type {:?} of a contact point", kind.shown()), help);
        }
    }
}

/// The settings of one receiver.
struct Set<'a> {
    fields: Fields<'a>,
}

impl Set<'_> {
    /// An empty text is as good as none.
    fn text(&self, key: &'static str, default: &str) -> String {
        self.fields.string(key).filter(|text| !text.is_empty()).unwrap_or_else(|| default.to_string())
    }

    fn needed(&self, key: &'static str) -> Option<String> {
        self.fields.required(key).map(|text| text.as_str().to_string())
    }

    fn secret(&self, key: &'static str) -> Option<Secret> {
        self.fields.secret(key).filter(|secret| !secret.expose().is_empty())
    }

    fn needed_secret(&self, key: &'static str) -> Option<Secret> {
        self.fields.required(key)?;
        self.secret(key)
    }

    /// A secret web address, which may be a template.
    fn needed_url(&self, key: &'static str) -> Option<Secret> {
        let url = self.needed_secret(key)?;
        self.check_url(key, url.expose());
        Some(url)
    }

    fn check_url(&self, key: &'static str, url: &str) {
        if !url.contains("{{") {
            let span = self.fields.node(key).map_or(self.fields.span, |node| node.span);
            http::check_url(&self.fields, key, url, span);
        }
    }

    fn url_or(&self, key: &'static str, default: &str) -> String {
        let url = self.text(key, default);
        self.check_url(key, &url);
        url
    }

    fn flag(&self, key: &'static str) -> Option<bool> {
        let text = self.fields.text(key)?;
        match text.as_str().to_ascii_lowercase().as_str() {
            "true" => Some(true),
            "false" | "" => Some(false),
            _ => {
                self.fields.error(text.span(), format!("{key:?} must be true or false, not {:?}", text.shown()), "");
                None
            }
        }
    }

    /// A whole number, with or without quotes.
    fn number(&self, key: &'static str) -> Option<i64> {
        let text = self.fields.text(key).filter(|text| !text.as_str().is_empty())?;
        let number = text.as_str().trim().parse().ok();
        if number.is_none() {
            self.fields.error(text.span(), format!("{key:?} must be a whole number, not {:?}", text.shown()), "");
        }
        number
    }

    /// One of the words, whatever their case; the first is the default.
    fn word(&self, key: &'static str, words: &[&'static str]) -> &'static str {
        let Some(text) = self.fields.text(key).filter(|text| !text.as_str().is_empty()) else { return words[0] };
        let found = words.iter().find(|word| word.eq_ignore_ascii_case(text.as_str()));
        if found.is_none() {
            let named: Vec<&str> = words.iter().copied().filter(|word| !word.is_empty()).collect();
            let help = format!("known are {}", named.join(", "));
            self.fields.error(text.span(), format!("unknown {key} {:?}", text.shown()), help);
        }
        found.copied().unwrap_or(words[0])
    }

    fn not_used(&self, key: &'static str, why: &str) {
        if let Some(text) = self.fields.text(key).filter(|text| !matches!(text.as_str(), "" | "false")) {
            self.fields.report.warning(text.span(), format!("{key:?} has no effect: {why}"), "");
        }
    }
}

fn http_options() -> HttpOptions {
    HttpOptions { follow_redirects: true, ..HttpOptions::default() }
}

fn discord(set: &Set) -> Option<IntegrationKind> {
    let url = set.needed_url("url");
    let in_embed = set.flag("use_embed_description").unwrap_or(false);
    let message = set.text("message", MESSAGE);
    let (content, message) = if in_embed { (String::new(), message) } else { (message, String::new()) };
    let username = if set.flag("use_discord_username").unwrap_or(false) { "" } else { NAME };
    let settings = DiscordSettings {
        webhook_url: url.clone().unwrap_or_default(),
        title: set.text("title", TITLE),
        message,
        content,
        username: username.into(),
        avatar_url: set.text("avatar_url", ""),
        update_message: false,
        http: http_options(),
    };
    url.map(|_| IntegrationKind::Discord(settings))
}

/// The mentions stand above the message, as in Grafana.
fn slack_mentions(set: &Set) -> String {
    let mut mentions = Vec::new();
    match set.word("mentionChannel", &["", "here", "channel"]) {
        "" => {}
        channel => mentions.push(format!("<!{channel}|{channel}>")),
    }
    for (key, open) in [("mentionGroups", "<!subteam^"), ("mentionUsers", "<@")] {
        let names = set.text(key, "");
        let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
        mentions.extend(names.map(|name| format!("{open}{name}>")));
    }
    mentions.join(" ")
}

fn slack(set: &Set) -> Option<IntegrationKind> {
    const API: &str = "https://slack.com/api/chat.postMessage";
    let endpoint = set.url_or("endpointUrl", API);
    let url = set.secret("url");
    if let Some(url) = &url {
        set.check_url("url", url.expose());
    }
    let token = set.secret("token");
    let recipient = set.text("recipient", "").trim().to_string();
    let address = url.clone().unwrap_or_else(|| Secret::new(endpoint));
    let silent = ["url", "token", "recipient"].into_iter().any(|key| set.fields.unset(key));
    if address.expose() == API && !silent {
        for (missing, key) in [(token.is_none(), "token"), (recipient.is_empty(), "recipient")] {
            if missing {
                let help = "add it, or `url: https://hooks.slack.com/...` of an incoming webhook";
                set.fields.error(set.fields.span, format!("{key} must be specified when using the Slack chat API"), help);
            }
        }
    }
    let pretext = slack_mentions(set);
    let settings = SlackSettings {
        api_url: address,
        app_token: token,
        channel: recipient,
        username: set.text("username", NAME),
        color: set.text("color", COLOR),
        title: set.text("title", TITLE),
        title_link: RULE_URL.into(),
        pretext,
        text: set.text("text", MESSAGE),
        message_text: String::new(),
        fields: Vec::new(),
        short_fields: false,
        footer: set.text("footer", r#"{{ template "slack.default.footer" . }}"#),
        fallback: set.text("title", TITLE),
        callback_id: String::new(),
        icon_emoji: set.text("icon_emoji", ""),
        icon_url: set.text("icon_url", ""),
        image_url: String::new(),
        thumb_url: String::new(),
        link_names: false,
        mrkdwn_in: Vec::new(),
        actions: Vec::new(),
        update_message: false,
        timeout: None,
        http: http_options(),
    };
    Some(IntegrationKind::Slack(settings))
}

fn telegram(set: &Set) -> Option<IntegrationKind> {
    let token = set.needed_secret("bottoken");
    let chat = set.fields.required("chatid").and_then(|_| set.number("chatid"));
    let thread = set.number("message_thread_id").unwrap_or(0);
    if i32::try_from(thread).is_err() {
        set.fields.error(set.fields.key_span("message_thread_id"), "message thread id must be an int32", "");
    }
    let parse_mode = match set.word("parse_mode", &["HTML", "Markdown", "MarkdownV2", "None"]) {
        "Markdown" => TelegramMode::Markdown,
        "MarkdownV2" => TelegramMode::MarkdownV2,
        "None" => TelegramMode::Plain,
        _ => TelegramMode::Html,
    };
    // Previews are never drawn: the first link of an alert is a login page.
    let _ = set.flag("disable_web_page_preview");
    let settings = TelegramSettings {
        api_url: "https://api.telegram.org".into(),
        bot_token: token.clone().unwrap_or_default(),
        chat_id: chat.unwrap_or(0),
        message_thread_id: thread,
        message: set.text("message", MESSAGE),
        disable_notifications: set.flag("disable_notifications").unwrap_or(false),
        protect_content: set.flag("protect_content").unwrap_or(false),
        parse_mode,
        http: http_options(),
    };
    (token.is_some() && chat.is_some()).then_some(IntegrationKind::Telegram(settings))
}

fn pagerduty(set: &Set) -> Option<IntegrationKind> {
    let key = set.needed_secret("integrationKey");
    let mut details: Vec<(String, Detail)> = [
        ("firing", r#"{{ template "__text_alert_list" .Alerts.Firing }}"#),
        ("resolved", r#"{{ template "__text_alert_list" .Alerts.Resolved }}"#),
        ("num_firing", "{{ .Alerts.Firing | len }}"),
        ("num_resolved", "{{ .Alerts.Resolved | len }}"),
    ]
    .map(|(name, text)| (name.to_string(), Detail::Template(text.to_string())))
    .to_vec();
    for pair in set.fields.pairs("details") {
        details.retain(|(name, _)| name != pair.name);
        details.push((pair.name.to_string(), Detail::Template(pair.value().to_string())));
    }
    let settings = PagerdutySettings {
        key: PagerdutyKey::Routing(key.clone().unwrap_or_default()),
        url: set.url_or("url", "https://events.pagerduty.com/v2/enqueue"),
        client: set.text("client", NAME),
        client_url: set.text("client_url", "{{ .ExternalURL }}"),
        description: set.text("summary", TITLE),
        details,
        images: Vec::new(),
        links: Vec::new(),
        source: set.text("source", ""),
        severity: set.text("severity", "critical"),
        class: set.text("class", "default"),
        component: set.text("component", "Grafana"),
        group: set.text("group", "default"),
        timeout: None,
        http: http_options(),
    };
    key.map(|_| IntegrationKind::Pagerduty(settings))
}

fn opsgenie(set: &Set) -> Option<Made> {
    const ALERTS: &str = "v2/alerts";
    let key = set.needed_secret("apiKey");
    let url = set.url_or("apiUrl", "https://api.opsgenie.com/v2/alerts");
    let base = url.trim_end_matches('/').strip_suffix(ALERTS).map(str::to_string);
    if base.is_none() {
        set.fields.error(set.fields.key_span("apiUrl"), format!("\"apiUrl\" must end with /{ALERTS}"), "");
    }
    let send_as = set.word("sendTagsAs", &["tags", "details", "both"]);
    let tags = if send_as == "details" { "" } else { "{{ range .CommonLabels.SortedPairs }}{{ .Name }}:{{ .Value }},{{ end }}" };
    let priority = if set.flag("overridePriority").unwrap_or(true) { "{{ .CommonLabels.og_priority }}" } else { "" };
    let settings = OpsgenieSettings {
        api_key: key.clone().unwrap_or_default(),
        api_url: base.clone().unwrap_or_default(),
        message: set.text("message", TITLE),
        description: set.text("description", &format!("{TITLE}\n{RULE_URL}\n\n{MESSAGE}")),
        source: NAME.into(),
        details: vec![("url".into(), RULE_URL.into())],
        entity: String::new(),
        responders: set.fields.maps("responders", "Opsgenie responder").into_iter().map(responder).collect(),
        actions: String::new(),
        tags: tags.into(),
        note: String::new(),
        priority: priority.into(),
        update_alerts: false,
        http: http_options(),
    };
    let resolves = set.flag("autoClose").unwrap_or(true);
    (key.is_some() && base.is_some()).then_some(Made { kind: IntegrationKind::Opsgenie(settings), resolves })
}

fn responder(fields: Fields) -> OpsgenieResponder {
    let text = |key| fields.string(key).unwrap_or_default();
    let found = OpsgenieResponder { id: text("id"), name: text("name"), username: text("username"), kind: text("type").to_lowercase() };
    if found.id.is_empty() && found.name.is_empty() && found.username.is_empty() {
        fields.error(fields.span, "a responder needs at least one of id, username and name", "");
    }
    if !found.kind.contains("{{") && !["team", "teams", "user", "escalation", "schedule"].contains(&found.kind.as_str()) {
        let help = "known are team, teams, user, escalation, schedule";
        fields.error(fields.key_span("type"), format!("unknown type {:?} of a responder", found.kind), help);
    }
    fields.finish_with_warnings();
    found
}

fn email(set: &Set, around: &Around) -> Vec<Made> {
    let addresses = set.needed("addresses");
    let single = set.flag("singleEmail").unwrap_or(false);
    let subject = set.text("subject", TITLE);
    let message = set.text("message", "");
    let Some(addresses) = addresses else { return Vec::new() };
    let smtp = match &around.smtp {
        Ok(smtp) => smtp,
        Err(why) => {
            let help = "set GF_SMTP_ENABLED=true, GF_SMTP_HOST and GF_SMTP_FROM_ADDRESS, or put grafana.ini with [smtp] into the folder";
            set.fields.error(set.fields.span, why, help);
            return Vec::new();
        }
    };
    let (html, text) = if message.is_empty() {
        (r#"{{ template "ng_alert_notification" . }}"#.to_string(), r#"{{ template "ng_alert_notification.txt" . }}"#.to_string())
    } else {
        // The message is text: in the HTML part it is escaped.
        let shown = r#"<div style="padding:12px 16px;white-space:pre-line">{{ tmpl.Exec "__message" . }}</div>"#;
        let html = format!(
            "{{{{ define \"__message\" }}}}{message}{{{{ end }}}}{{{{ template \"__email_head\" . }}}}{shown}{{{{ template \"__email_foot\" . }}}}"
        );
        (html, message)
    };
    let addresses: Vec<&str> = addresses.split([',', ';', '\n']).map(str::trim).filter(|address| !address.is_empty()).collect();
    let to = if single { vec![addresses.join(", ")] } else { addresses.iter().map(|address| address.to_string()).collect() };
    let settings = |to: String| EmailSettings {
        to,
        from: smtp.from.clone().unwrap_or_default(),
        smarthost: smtp.smarthost.clone().unwrap_or_default(),
        hello: smtp.hello.clone().unwrap_or_else(|| "localhost".into()),
        auth_username: smtp.auth_username.clone().unwrap_or_default(),
        auth_password: smtp.auth_password.clone().unwrap_or_default(),
        auth_secret: smtp.auth_secret.clone().unwrap_or_default(),
        auth_identity: smtp.auth_identity.clone().unwrap_or_default(),
        require_tls: smtp.require_tls.unwrap_or(true),
        implicit_tls: smtp.implicit_tls.unwrap_or_else(|| smtp.smarthost.as_deref().is_some_and(|host| host.ends_with(":465"))),
        tls: smtp.tls.clone(),
        threading: EmailThreading::default(),
        headers: vec![("Subject".into(), subject.clone())],
        html: html.clone(),
        text: text.clone(),
    };
    to.into_iter().map(|to| IntegrationKind::Email(settings(to)).into()).collect()
}

/// Headers that Grafana does not let a contact point set.
const RESTRICTED: [&str; 12] = [
    "Host",
    "Content-Length",
    "Content-Encoding",
    "Authorization",
    "User-Agent",
    "Transfer-Encoding",
    "Connection",
    "Cookie",
    "Set-Cookie",
    "Proxy-Authorization",
    "X-Forwarded-For",
    "Forwarded",
];

fn webhook(set: &Set) -> Option<IntegrationKind> {
    let url = set.needed_secret("url");
    let noop = url.as_ref().is_some_and(|url| url.expose() == NOOP_URL);
    if let Some(url) = url.as_ref().filter(|_| !noop) {
        set.check_url("url", url.expose());
    }
    let put = set.word("httpMethod", &["POST", "PUT"]) == "PUT";
    let max_alerts = u64::try_from(set.number("maxAlerts").unwrap_or(0)).unwrap_or(0);
    let (username, password) = (set.text("username", ""), set.secret("password"));
    let scheme = set.text("authorization_scheme", "Bearer");
    let credentials = set.secret("authorization_credentials");
    let basic_auth = (!username.is_empty() && password.is_some()).then(|| (username, password.clone().unwrap_or_default()));
    if basic_auth.is_some() && credentials.is_some() {
        let message = "both HTTP Basic Authentication and Authorization Header are set, only 1 is permitted";
        set.fields.error(set.fields.key_span("authorization_credentials"), message, "remove one of the two");
    }
    let mut http = http_options();
    http.basic_auth = basic_auth;
    http.authorization = credentials.map(|credentials| Secret::new(format!("{scheme} {}", credentials.expose())));
    tls(set, &mut http);
    let mut headers = Vec::new();
    for pair in set.fields.pairs("headers") {
        if RESTRICTED.iter().any(|name| name.eq_ignore_ascii_case(pair.name)) {
            set.fields.error(pair.name_span, format!("custom header {:?} is not allowed", pair.name), "");
        }
        if let Some(text) = pair.text {
            set.fields.report.hide(text.node.bytes.clone());
        }
        headers.push((pair.name.to_string(), Secret::new(pair.value())));
    }
    let (payload, vars) = payload(set);
    let settings = GrafanaWebhookSettings {
        url: url.clone().unwrap_or_default(),
        put,
        max_alerts,
        title: set.text("title", TITLE),
        message: set.text("message", MESSAGE),
        headers,
        hmac: hmac(set),
        payload,
        vars,
        http,
    };
    if noop {
        set.fields.report.warning(set.fields.key_span("url"), "this webhook is not called", "");
        return None;
    }
    url.map(|_| IntegrationKind::GrafanaWebhook(Box::new(settings)))
}

fn payload(set: &Set) -> (Option<String>, Vec<(String, String)>) {
    let Some(inner) = set.fields.map("payload", "payload") else { return (None, Vec::new()) };
    let vars = inner.pairs("vars").iter().map(|pair| (pair.name.to_string(), pair.value().to_string())).collect();
    let template = inner.string("template").filter(|template| !template.is_empty());
    inner.finish_with_warnings();
    (template, vars)
}

fn hmac(set: &Set) -> Option<HmacSettings> {
    let inner = set.fields.map("hmacConfig", "hmacConfig")?;
    let text = |key| inner.string(key).unwrap_or_default();
    let header = Some(text("header")).filter(|header| !header.is_empty()).unwrap_or_else(|| "X-Grafana-Alerting-Signature".into());
    let timestamp_header = text("timestampHeader");
    let said = inner.required("secret").is_some();
    let secret = inner.secret("secret");
    inner.finish_with_warnings();
    secret.filter(|_| said).map(|secret| HmacSettings { secret, header, timestamp_header })
}

fn tls(set: &Set, http: &mut HttpOptions) {
    let Some(inner) = set.fields.map("tlsConfig", "tlsConfig") else { return };
    http.tls.insecure_skip_verify = inner.boolean("insecureSkipVerify").unwrap_or(false);
    http.tls.ca = inner.string("caCertificate").filter(|ca| !ca.is_empty());
    http.tls.cert = inner.string("clientCertificate").filter(|cert| !cert.is_empty());
    http.tls.key = inner.secret("clientKey").filter(|key| !key.expose().is_empty());
    inner.finish_with_warnings();
}

fn teams(set: &Set) -> Option<IntegrationKind> {
    let url = set.needed_url("url");
    set.not_used("sectiontitle", "the message is an adaptive card, which has no sections");
    let settings = MsTeamsV2Settings {
        webhook_url: url.clone().unwrap_or_default(),
        title: set.text("title", TITLE),
        text: set.text("message", r#"{{ template "teams.default.message" . }}"#),
        http: http_options(),
    };
    url.map(|_| IntegrationKind::MsTeamsV2(settings))
}

fn victorops(set: &Set) -> Option<IntegrationKind> {
    let url = set.needed_url("url")?;
    // `https://alert.victorops.com/integrations/generic/20131114/alert/KEY/ROUTE`
    let mut parts = url.expose().trim_end_matches('/').rsplitn(3, '/');
    let (route, key, base) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    if http::url_problem(base).is_some() {
        set.fields.error(
            set.fields.key_span("url"),
            "\"url\" must end with the key and the routing key",
            "write .../alert/KEY/ROUTING_KEY",
        );
        return None;
    }
    Some(IntegrationKind::VictorOps(VictorOpsSettings {
        api_key: Secret::new(key),
        api_url: format!("{base}/"),
        routing_key: route.into(),
        message_type: set.text("messageType", "CRITICAL"),
        state_message: set.text("description", MESSAGE),
        entity_display_name: set.text("title", TITLE),
        monitoring_tool: NAME.into(),
        custom_fields: Vec::new(),
        http: http_options(),
    }))
}

fn webex(set: &Set) -> Option<IntegrationKind> {
    let token = set.needed_secret("bot_token");
    let room_id = set.needed("room_id");
    let mut http = http_options();
    http.authorization = token.as_ref().map(|token| Secret::new(format!("Bearer {}", token.expose())));
    let settings = WebexSettings {
        api_url: set.url_or("api_url", "https://webexapis.com/v1/messages"),
        room_id: room_id.clone().unwrap_or_default(),
        message: set.text("message", MESSAGE),
        http,
    };
    (token.is_some() && room_id.is_some()).then_some(IntegrationKind::Webex(settings))
}

/// One value while something fires, another when all is over.
fn by_status(firing: &str, resolved: &str) -> String {
    if firing == resolved {
        return firing.to_string();
    }
    format!("{{{{ if eq .Status \"firing\" }}}}{firing}{{{{ else }}}}{resolved}{{{{ end }}}}")
}

fn pushover(set: &Set) -> Option<IntegrationKind> {
    let (user, token) = (set.needed_secret("userKey"), set.needed_secret("apiToken"));
    let seconds = |key| set.number(key).filter(|seconds| *seconds > 0).map(|seconds| Millis(seconds.saturating_mul(1000)));
    let priority = |key| set.number(key).unwrap_or(0).to_string();
    set.not_used("uploadImage", "pictures of panels are not drawn");
    let settings = PushoverSettings {
        user_key: user.clone().unwrap_or_default(),
        token: token.clone().unwrap_or_default(),
        title: set.text("title", TITLE),
        message: set.text("message", MESSAGE),
        url: RULE_URL.into(),
        url_title: "Show alert rule".into(),
        device: set.text("device", ""),
        sound: by_status(&set.text("sound", ""), &set.text("okSound", "")),
        priority: by_status(&priority("priority"), &priority("okPriority")),
        retry: seconds("retry").unwrap_or(Millis::from_minutes(1)),
        expire: seconds("expire").unwrap_or(Millis::from_minutes(60)),
        ttl: Millis::ZERO,
        html: false,
        monospace: false,
        http: http_options(),
    };
    (user.is_some() && token.is_some()).then_some(IntegrationKind::Pushover(settings))
}

fn sns(set: &Set) -> Option<IntegrationKind> {
    let said = |key| Some(set.text(key, "")).filter(|text| !text.is_empty());
    let targets =
        [said("topic_arn").map(SnsTarget::Topic), said("target_arn").map(SnsTarget::Target), said("phone_number").map(SnsTarget::Phone)];
    let to = targets.into_iter().flatten().next();
    if to.is_none() {
        set.fields.error(set.fields.span, "must specify topic_arn, target_arn, or phone_number", "");
    }
    let sigv4 = set.fields.map("sigv4", "sigv4");
    let part = |key| sigv4.as_ref().and_then(|inner| inner.string(key)).unwrap_or_default();
    let (region, access_key) = (part("region"), sigv4.as_ref().and_then(|inner| inner.secret("access_key")));
    let secret_key = sigv4.as_ref().and_then(|inner| inner.secret("secret_key"));
    let role_arn = part("role_arn");
    if !part("profile").is_empty() {
        set.fields.error(set.fields.key_span("sigv4"), "profile of sigv4 is not supported", "give access_key and secret_key");
    } else if access_key.is_none() || secret_key.is_none() || region.is_empty() {
        set.fields.error(set.fields.span, "sigv4 needs region, access_key and secret_key", "keys of the machine's own role are not read");
    }
    if let Some(sigv4) = sigv4 {
        sigv4.finish_with_warnings();
    }
    let attributes = set.fields.pairs("attributes").iter().map(|pair| (pair.name.to_string(), pair.value().to_string())).collect();
    Some(IntegrationKind::Sns(SnsSettings {
        api_url: set.text("api_url", ""),
        region,
        access_key: access_key.map(|key| key.expose().to_string()).unwrap_or_default(),
        secret_key: secret_key.unwrap_or_default(),
        role: (!role_arn.is_empty()).then(|| SnsRole { arn: role_arn, external_id: String::new() }),
        to: to?,
        subject: set.text("subject", TITLE),
        message: set.text("message", MESSAGE),
        attributes,
        http: http_options(),
    }))
}

fn googlechat(set: &Set) -> Option<IntegrationKind> {
    let url = set.needed_url("url");
    set.not_used("hide_open_button", "the card has no button");
    set.not_used("hide_version_info", "the card shows no version");
    let settings = GoogleChatSettings {
        url: url.clone().unwrap_or_default(),
        text: set.text("message", MESSAGE),
        title: set.text("title", TITLE),
        subtitle: String::new(),
        http: http_options(),
    };
    url.map(|_| IntegrationKind::GoogleChat(settings))
}
