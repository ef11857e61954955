//! Settings of receivers that take several requests per message.

use bellbuoy_vocabulary::{Millis, Secret};

use super::{Detail, HttpOptions};

#[derive(Clone, Debug)]
pub struct JiraSettings {
    /// `https://example.atlassian.net/rest/api/2`, or `/3`; without a slash at its end.
    pub api_url: String,
    pub api_type: JiraApi,
    /// The project's key.
    pub project: String,
    pub issue_type: String,
    pub summary: JiraText,
    pub description: JiraText,
    pub labels: Vec<String>,
    /// Empty: Jira's default.
    pub priority: String,
    /// Name of the transition that opens a closed issue again; empty: a new issue is made.
    pub reopen_transition: String,
    /// Name of the transition that closes an issue; empty: people close it.
    pub resolve_transition: String,
    /// Issues that were closed with this resolution are left alone.
    pub wont_fix_resolution: String,
    /// An issue that was closed longer ago is not opened again.
    pub reopen_duration: Millis,
    /// Further fields of an issue, `customfield_10001` among them.
    pub fields: Vec<(String, Detail)>,
    pub http: HttpOptions,
}

/// A text of an issue, and whether later messages write it anew.
#[derive(Clone, Debug)]
pub struct JiraText {
    pub template: String,
    pub update: bool,
}

/// Which search Jira has: Cloud has only the one of version 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JiraApi {
    /// By the address: `atlassian.net` is Cloud.
    Auto,
    Cloud,
    Datacenter,
}

#[derive(Clone, Debug)]
pub struct WechatSettings {
    /// Ends with `/`.
    pub api_url: String,
    /// The address of a group's robot: it needs no token, and knows neither an agent nor whom to tell.
    pub robot_url: Option<Secret>,
    /// Both are templates.
    pub corp_id: String,
    pub api_secret: Secret,
    pub message: String,
    pub to_user: String,
    pub to_party: String,
    pub to_tag: String,
    pub agent_id: String,
    /// Else plain text.
    pub markdown: bool,
    pub http: HttpOptions,
}
