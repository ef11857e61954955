//! Contact points of the types jira and wecom: settings of the receivers that take several requests per message.

use bellbuoy_notify::{Detail, IntegrationKind, JiraApi, JiraSettings, JiraText, WechatSettings};
use bellbuoy_vocabulary::{Millis, Secret};

use super::super::super::receivers::services::detail;
use super::{MESSAGE, Set, TITLE, http_options};

pub fn jira(set: &Set) -> Option<IntegrationKind> {
    let url = set.needed("api_url");
    if let Some(url) = &url {
        set.check_url("api_url", url);
    }
    let (project, issue_type) = (set.needed("project"), set.needed("issue_type"));
    let text = |key| JiraText { template: set.text(key, &format!("{{{{ template \"jira.default.{key}\" . }}}}")), update: true };
    let mut http = http_options();
    let (user, password, token) = (set.secret("user"), set.secret("password"), set.secret("api_token"));
    let unset = ["user", "password", "api_token"].into_iter().any(|key| set.fields.unset(key));
    match (user, password, token) {
        (Some(user), Some(password), None) => http.basic_auth = Some((user.expose().to_string(), password)),
        (None, None, Some(token)) => http.authorization = Some(Secret::new(format!("Bearer {}", token.expose()))),
        (_, _, None) if !unset => {
            set.fields.error(
                set.fields.span,
                "either token or both user and password must be set",
                "add `api_token`, or `user` and `password`",
            );
        }
        (_, _, None) => {}
        _ => {
            let message = "provided both token and user/password, only one is allowed at a time";
            set.fields.error(set.fields.key_span("api_token"), message, "remove one of the two");
        }
    }
    set.not_used("dedup_key_field", "the group's key is a label of the issue, `ALERT{...}`");
    let settings = JiraSettings {
        api_url: url.clone().unwrap_or_default().trim_end_matches('/').to_string(),
        api_type: JiraApi::Auto,
        project: project.clone().unwrap_or_default(),
        issue_type: issue_type.clone().unwrap_or_default(),
        summary: text("summary"),
        description: text("description"),
        labels: set.fields.texts("labels").iter().map(|text| text.as_str().to_string()).collect(),
        priority: set.text("priority", r#"{{ template "jira.default.priority" . }}"#),
        reopen_transition: set.text("reopen_transition", ""),
        resolve_transition: set.text("resolve_transition", ""),
        wont_fix_resolution: set.text("wont_fix_resolution", ""),
        reopen_duration: match set.text("reopen_duration", "").is_empty() {
            true => Millis::ZERO,
            false => set.fields.duration("reopen_duration").unwrap_or(Millis::ZERO),
        },
        fields: issue_fields(set),
        http,
    };
    let whole = url.is_some() && project.is_some() && issue_type.is_some();
    whole.then(|| IntegrationKind::Jira(Box::new(settings)))
}

/// Texts are templates, and JSON when they come out as JSON.
fn issue_fields(set: &Set) -> Vec<(String, Detail)> {
    let Some(node) = set.fields.node("fields") else { return Vec::new() };
    match detail(node) {
        Detail::Map(pairs) => pairs,
        _ => {
            let message = format!("\"fields\" must be a map, not {}", node.kind());
            set.fields.error(node.span, message, "write it as `name: value` lines");
            Vec::new()
        }
    }
}

/// A group's robot where there is its address, else an application.
pub fn wecom(set: &Set) -> Option<IntegrationKind> {
    let (robot_url, secret) = (set.secret("url"), set.secret("secret"));
    if let Some(url) = &robot_url {
        set.check_url("url", url.expose());
    }
    if robot_url.is_none() && secret.is_none() && !set.fields.unset("url") && !set.fields.unset("secret") {
        let help = "add the `url` of a group's robot, or `secret`, `corp_id` and `agent_id` of an application";
        set.fields.error(set.fields.span, "either url or secret is required", help);
    }
    let of_application = |key| if robot_url.is_none() && secret.is_some() { set.needed(key) } else { Some(set.text(key, "")) };
    let (corp_id, agent_id) = (of_application("corp_id"), of_application("agent_id"));
    let markdown = is_markdown(set);
    let (title, message) = (set.text("title", TITLE), set.text("message", MESSAGE));
    let endpoint = set.url_or("endpointUrl", "https://qyapi.weixin.qq.com");
    let to_user = set.text("touser", "@all");
    let whole = (robot_url.is_some() || secret.is_some()) && corp_id.is_some() && agent_id.is_some();
    let settings = WechatSettings {
        api_url: format!("{}/cgi-bin/", endpoint.trim_end_matches('/')),
        robot_url,
        corp_id: corp_id.unwrap_or_default(),
        api_secret: secret.unwrap_or_default(),
        message: if markdown { format!("# {title}\n{message}\n") } else { format!("{title}\n{message}") },
        to_user,
        to_party: String::new(),
        to_tag: String::new(),
        agent_id: agent_id.unwrap_or_default(),
        markdown,
        http: http_options(),
    };
    whole.then_some(IntegrationKind::Wechat(settings))
}

/// Grafana takes Markdown for every word that it does not know.
fn is_markdown(set: &Set) -> bool {
    let Some(text) = set.fields.text("msgtype") else { return true };
    if !["", "text", "markdown"].contains(&text.as_str()) {
        let message = format!("unknown msgtype {:?}: as in Grafana the message is Markdown", text.shown());
        set.fields.report.warning(text.span(), message, "known are markdown, text");
    }
    text.as_str() != "text"
}
