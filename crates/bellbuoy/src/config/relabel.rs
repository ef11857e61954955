//! `relabel_configs`, `metric_relabel_configs`, `alert_relabel_configs`: the same steps everywhere, with Prometheus' checks.

use bellbuoy_scrape::{Relabel, RelabelAction};
use bellbuoy_vocabulary::AnchoredRegex;

use super::read::{Fields, Text, did_you_mean, label_name_ok, regex_of};

const ACTIONS: [(&str, RelabelAction); 11] = [
    ("replace", RelabelAction::Replace),
    ("keep", RelabelAction::Keep),
    ("drop", RelabelAction::Drop),
    ("keepequal", RelabelAction::KeepEqual),
    ("dropequal", RelabelAction::DropEqual),
    ("hashmod", RelabelAction::HashMod),
    ("labelmap", RelabelAction::LabelMap),
    ("labeldrop", RelabelAction::LabelDrop),
    ("labelkeep", RelabelAction::LabelKeep),
    ("lowercase", RelabelAction::Lowercase),
    ("uppercase", RelabelAction::Uppercase),
];

pub fn read_list(fields: &Fields, key: &'static str) -> Vec<Relabel> {
    fields.maps(key, "relabel step").into_iter().filter_map(read).collect()
}

fn read(fields: Fields) -> Option<Relabel> {
    let action_text = fields.text("action");
    let (word, action) = action(&fields, action_text)?;
    let source_labels = source_labels(&fields);
    let regex_text = fields.text("regex");
    let regex = match regex_text {
        None => AnchoredRegex::new("(.*)").ok(),
        Some(text) => regex_of(text, fields.report),
    };
    let modulus = fields.integer("modulus").unwrap_or(0);
    let separator = fields.string("separator");
    let target_label = fields.text("target_label");
    let replacement = fields.text("replacement");
    check(&fields, word, action, &Given { regex_text, modulus, separator: separator.as_deref(), target_label, replacement });
    fields.finish();
    Some(Relabel {
        source_labels,
        separator: separator.unwrap_or_else(|| ";".into()),
        regex: regex?,
        modulus,
        target_label: target_label.map_or(String::new(), |text| text.as_str().into()),
        replacement: replacement.map_or("$1".into(), |text| text.as_str().into()),
        action,
    })
}

fn action(fields: &Fields, text: Option<Text>) -> Option<(&'static str, RelabelAction)> {
    let Some(text) = text else { return Some(ACTIONS[0]) };
    let word = text.as_str().to_lowercase();
    let found = ACTIONS.into_iter().find(|(name, _)| *name == word);
    if found.is_none() {
        let message = format!("unknown relabel action {:?}", text.shown());
        fields.error(text.span(), message, did_you_mean(&word, ACTIONS.iter().map(|(name, _)| *name)));
    }
    found
}

fn source_labels(fields: &Fields) -> Vec<String> {
    let mut names = Vec::new();
    for text in fields.texts("source_labels") {
        if !label_name_ok(text.as_str()) {
            fields.error(text.span(), "empty label name in \"source_labels\"", "");
        }
        names.push(text.as_str().to_string());
    }
    names
}

/// What the step says itself, before defaults.
struct Given<'a> {
    regex_text: Option<Text<'a>>,
    modulus: u64,
    separator: Option<&'a str>,
    target_label: Option<Text<'a>>,
    replacement: Option<Text<'a>>,
}

/// Prometheus' `relabel.Config.Validate`.
fn check(fields: &Fields, word: &str, action: RelabelAction, given: &Given) {
    use RelabelAction::*;
    let target = given.target_label.map_or("", |text| text.as_str());
    let plain_replacement = given.replacement.is_none_or(|text| text.as_str() == "$1");
    let plain_separator = given.separator.is_none_or(|separator| separator == ";");
    if action == HashMod && given.modulus == 0 {
        fields.error(fields.span, "action hashmod needs a \"modulus\" above 0", "");
    }
    if matches!(action, Replace | HashMod | Lowercase | Uppercase | KeepEqual | DropEqual) && target.is_empty() {
        fields.error(fields.span, format!("action {word} needs a \"target_label\""), "");
    }
    if matches!(action, Lowercase | Uppercase) && !plain_replacement {
        fields.error(fields.key_span("replacement"), format!("\"replacement\" can not be set for action {word}"), "");
    }
    if action == LabelMap && given.replacement.is_some_and(|text| !label_name_ok(text.as_str())) {
        fields.error(fields.key_span("replacement"), "\"replacement\" of action labelmap must not be empty", "");
    }
    if matches!(action, KeepEqual | DropEqual)
        && (given.regex_text.is_some() || given.modulus != 0 || !plain_separator || !plain_replacement)
    {
        fields.error(fields.span, format!("action {word} takes only \"source_labels\" and \"target_label\""), "remove the other fields");
    }
    let says_more =
        fields.node("source_labels").is_some() || !target.is_empty() || given.modulus != 0 || !plain_separator || !plain_replacement;
    if matches!(action, LabelDrop | LabelKeep) && says_more {
        fields.error(fields.span, format!("action {word} takes only \"regex\""), "remove the other fields");
    }
}
