//! What the receivers of one request share: the request, percent signs in addresses and forms, and data in which nobody can be mentioned.

use bellbuoy_template::notify::{Alert, Notification};
use bellbuoy_vocabulary::{Labels, Secret};
use serde_json::{Map, Value};

use crate::compose::{Message, Renderer, json_headers};
use crate::limit::one_line;
use crate::notice::Notice;
use crate::settings::HttpOptions;

pub(crate) fn post_json(url: Secret, notice: &Notice, body: &Value, options: HttpOptions) -> Message {
    Message::Http { method: "POST", url, headers: json_headers(notice), body: body.to_string().into_bytes(), options }
}

/// The same way to speak HTTP with the message's own `Authorization` header, or with none: what `http_config` says of one, perhaps for
/// all receivers in `global`, would stand beside it.
pub(crate) fn authorized(http: &HttpOptions, header: Option<Secret>) -> HttpOptions {
    HttpOptions { authorization: header, basic_auth: None, oauth2: None, ..http.clone() }
}

pub(crate) fn bearer(http: &HttpOptions, token: Option<&Secret>) -> HttpOptions {
    let Some(token) = token else { return http.clone() };
    authorized(http, Some(Secret::new(format!("Bearer {}", token.expose()))))
}

/// A form's body: names and values as SigV4 wants them too, spaces as `%20`.
pub(crate) fn form(pairs: &[(String, String)]) -> String {
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{}={}", percent(name, ""), percent(value, ""))).collect();
    pairs.join("&")
}

/// Everything but letters, digits, `-_.~` and what is in `keep`.
pub(crate) fn percent(text: &str, keep: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || keep.as_bytes().contains(&byte) {
            out.push(byte as char);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// A small field on one line; empty when its template is empty or fails (why is in the renderer's problems).
pub(crate) fn small(renderer: &mut Renderer, name: &str, template: &str, max: usize) -> String {
    if template.is_empty() { String::new() } else { one_line(&renderer.text(name, template).unwrap_or_default(), max) }
}

pub(crate) fn put(into: &mut Map<String, Value>, name: &str, text: String) {
    if !text.is_empty() {
        into.insert(name.into(), text.into());
    }
}

/// The same data, with every text of an alert's labels and annotations as `change` makes it. What a template itself says stays.
pub(crate) fn changed(data: Notification, change: fn(&str) -> String) -> Notification {
    let labels = |labels: &Labels| {
        let pairs: Vec<(String, String)> = labels.iter().map(|(name, value)| (change(name), change(value))).collect();
        Labels::from_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    };
    let alert = |alert: &Alert| Alert { labels: labels(&alert.labels), annotations: labels(&alert.annotations), ..alert.clone() };
    Notification {
        alerts: data.alerts.iter().map(alert).collect(),
        group_labels: labels(&data.group_labels),
        common_labels: labels(&data.common_labels),
        common_annotations: labels(&data.common_annotations),
        ..data
    }
}

/// `@all` at the beginning of a word gets a companion without width, so that a label calls nobody; addresses of e-mail stay.
pub(crate) fn no_at(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for c in text.chars() {
        out.push(c);
        if c == '@' && !inside {
            out.push('\u{200b}');
        }
        inside = c.is_alphanumeric();
    }
    out
}

/// `<@all>`, `<users/all>`: an angle bracket before something that can be called is parted from it.
pub(crate) fn no_angle_call(text: &str) -> String {
    text.replace("<@", "<\u{200b}@").replace("<users/", "<\u{200b}users/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_signs() {
        assert_eq!(percent("a b/c?d=é~", "/="), "a%20b/c%3Fd=%C3%A9~");
        assert_eq!(form(&[("a b".into(), "c+d&".into()), ("e".into(), String::new())]), "a%20b=c%2Bd%26&e=");
    }

    #[test]
    fn nobody_is_called() {
        for (text, expected) in [
            ("@all down", "@\u{200b}all down"),
            ("x @here", "x @\u{200b}here"),
            ("(@bob)", "(@\u{200b}bob)"),
            ("mail ops@example.org", "mail ops@example.org"),
        ] {
            assert_eq!(no_at(text), expected);
        }
        assert_eq!(no_angle_call("<@all> a < b <users/all>"), "<\u{200b}@all> a < b <\u{200b}users/all>");
    }
}
