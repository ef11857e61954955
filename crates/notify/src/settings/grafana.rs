//! Settings of what Grafana's contact points send in another form than Alertmanager's receivers.

use bellbuoy_vocabulary::Secret;

use super::HttpOptions;

#[derive(Clone, Debug)]
pub struct GrafanaWebhookSettings {
    /// A template.
    pub url: Secret,
    /// PUT instead of POST.
    pub put: bool,
    /// Most alerts in one message; 0 is all. The rest is counted in `truncatedAlerts`.
    pub max_alerts: u64,
    pub title: String,
    pub message: String,
    pub headers: Vec<(String, Secret)>,
    pub hmac: Option<HmacSettings>,
    /// Instead of the JSON that Grafana sends; a template.
    pub payload: Option<String>,
    /// `.Vars` of the payload.
    pub vars: Vec<(String, String)>,
    pub http: HttpOptions,
}

/// A signature over the body, with the time before it when that has a header of its own.
#[derive(Clone, Debug)]
pub struct HmacSettings {
    pub secret: Secret,
    pub header: String,
    /// Empty: no time.
    pub timestamp_header: String,
}
