//! The templates of messages as they are written: of receivers in alertmanager.yml, and of template files.

use bellbuoy_check::{Anchor, MessageTemplate, Step};
use bellbuoy_vocabulary::Span;

use crate::config::{Loaded, Node, Settings, Value};

pub fn templates_of(loaded: &Loaded, settings: &Settings) -> Vec<MessageTemplate> {
    let mut found = Vec::new();
    if let Some(path) = &loaded.found.alertmanager
        && let Some(source) = loaded.sources.get(path)
        && let Some(Node { value: Value::List(receivers), .. }) = source.tree.root.get("receivers")
    {
        for (index, receiver) in receivers.iter().enumerate() {
            let name = receiver.get("name").and_then(Node::scalar).map_or("", |name| name.text.as_str());
            let mut path_to = vec!["receivers".into(), index.into()];
            let mut texts = Vec::new();
            collect(receiver, &mut path_to, &mut texts);
            found.extend(texts.into_iter().map(|(key, text, steps)| MessageTemplate {
                file: path.display().to_string(),
                text,
                what: format!("{key} of receiver {name:?}"),
                at: Anchor::of(Span::default(), steps),
            }));
        }
    }
    for (path, text) in &settings.template_files {
        let (file, what) = (path.display().to_string(), "template".to_string());
        found.push(MessageTemplate { file, text: text.clone(), what, at: Anchor::default() });
    }
    found
}

fn collect(node: &Node, path: &mut Vec<Step>, found: &mut Vec<(String, String, Vec<Step>)>) {
    match &node.value {
        Value::Map(entries) => {
            for entry in entries {
                path.push(Step::Key(entry.key.clone()));
                collect(&entry.value, path, found);
                path.pop();
            }
        }
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push(Step::Index(index));
                collect(item, path, found);
                path.pop();
            }
        }
        Value::Scalar(scalar) if scalar.text.contains("{{") => {
            let key = path.iter().rev().find_map(|step| if let Step::Key(key) = step { Some(key.clone()) } else { None });
            found.push((key.unwrap_or_default(), scalar.text.clone(), path.clone()));
        }
        _ => {}
    }
}
