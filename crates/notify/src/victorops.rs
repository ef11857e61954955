//! VictorOps (Splunk On-Call): an incident under the SHA-256 of the group's key, as in Alertmanager, and its recovery.

use bellbuoy_vocabulary::Secret;
use serde_json::{Map, Value};

use crate::compose::{Composed, Context, Limit, Renderer};
use crate::limit::{chars, cut_chars, one_line};
use crate::notice::Notice;
use crate::parts::{percent, post_json, small};
use crate::plain::{plain_subject, plain_within};
use crate::settings::VictorOpsSettings;
use crate::sha256;

const STATE_MESSAGE_MAX: usize = 20_480;
const NAME_MAX: usize = 1000;
const FIELD_MAX: usize = 5000;
/// What may be said of something that fires.
const TYPES: [&str; 3] = ["INFO", "WARNING", "CRITICAL"];

pub(crate) fn compose(settings: &VictorOpsSettings, notice: &Notice, context: &Context) -> Composed {
    let mut renderer = Renderer::new(notice, context);
    let said = small(&mut renderer, "message_type", &settings.message_type, 100);
    let message_type = match said.as_str() {
        _ if !notice.is_firing() => "RECOVERY",
        word => TYPES.into_iter().find(|known| *known == word).unwrap_or("CRITICAL"),
    };
    let state = renderer.fitted("state_message", &settings.state_message, &Limit::of(STATE_MESSAGE_MAX, &chars, &cut_chars));
    let state = state
        .unwrap_or_else(|| plain_within(notice, &renderer.problems, &Limit::of(STATE_MESSAGE_MAX, &chars, &cut_chars), str::to_string));
    let name = renderer.text("entity_display_name", &settings.entity_display_name).unwrap_or_else(|| plain_subject(notice));
    let mut body: Map<String, Value> = Map::new();
    body.insert("message_type".into(), message_type.into());
    body.insert("entity_id".into(), sha256::hex(&notice.group_key).into());
    body.insert("entity_display_name".into(), one_line(&name, NAME_MAX).into());
    body.insert("state_message".into(), state.into());
    body.insert("monitoring_tool".into(), small(&mut renderer, "monitoring_tool", &settings.monitoring_tool, NAME_MAX).into());
    for (name, template) in &settings.custom_fields {
        let value = renderer.text(name, template).unwrap_or_default();
        body.insert(name.clone(), cut_chars(&value, FIELD_MAX).into());
    }
    let routing_key = small(&mut renderer, "routing_key", &settings.routing_key, 200);
    let url = format!("{}{}/{}", settings.api_url, percent(settings.api_key.expose(), ""), percent(&routing_key, "/$&+,:;=@"));
    Composed { message: post_json(Secret::new(url), notice, &Value::Object(body), settings.http.clone()), problems: renderer.problems }
}
