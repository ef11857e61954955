//! The templates of Grafana's rules: labels and annotations with `$labels`, `$values` and `$value`.
//!
//! Prometheus' functions, with three differences: a name that is missing prints `[no value]`, `$labels` prints as
//! `a=1, b=2`, and `$values.B` prints its number with two digits that count. `query` gives nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use bellbuoy_vocabulary::{Labels, Timestamp, find_regex};
use gotmpl::{FuncMap, Value};

use crate::data::{Kind, kind, map, string};
use crate::format;
use crate::functions::{add, arguments, now_value, text};
use crate::methods::{self, fail};
use crate::{Data, Template, TemplateError, TemplateSet};

const PRELUDE: &str = "{{- $labels := .Labels -}}{{- $values := .Values -}}{{- $value := .Value -}}";
const NO_VALUE: &str = "[no value]";

static SET: LazyLock<TemplateSet> = LazyLock::new(|| TemplateSet::rule().with_functions(functions()));

/// The value of a refId.
#[derive(Clone, Copy, Debug)]
pub struct GrafanaValue<'a> {
    pub name: &'a str,
    pub labels: &'a Labels,
    pub value: f64,
}

/// What a template can speak of.
#[derive(Clone, Copy, Debug)]
pub struct GrafanaContext<'a> {
    pub labels: &'a Labels,
    pub values: &'a [GrafanaValue<'a>],
    /// `[ var='B' labels={host=a} value=22 ]`.
    pub value: &'a str,
    pub external_url: &'a str,
    pub now: Timestamp,
}

/// A template that has been read once and is expanded for many alerts.
#[derive(Clone)]
pub struct GrafanaTemplate(Template);

impl GrafanaTemplate {
    pub fn parse(text: &str) -> Result<GrafanaTemplate, TemplateError> {
        if !text.contains("{{") {
            return Template::parse("", text, &SET).map(GrafanaTemplate);
        }
        Template::parse("", &format!("{PRELUDE}{text}"), &SET).map(GrafanaTemplate)
    }

    pub fn expand(&self, context: &GrafanaContext) -> Result<String, TemplateError> {
        if let Some(text) = self.0.plain() {
            return Ok(text.to_string());
        }
        let value = |value: &GrafanaValue| {
            let fields = vec![("Labels".to_string(), Data::labels(value.labels)), ("Value".to_string(), Data::Float(value.value))];
            (value.name.to_string(), Data::Struct(fields))
        };
        let data = Data::Struct(vec![
            ("Labels".into(), Data::labels(context.labels)),
            ("Values".into(), Data::Map(context.values.iter().map(value).collect())),
            ("Value".into(), Data::text(context.value)),
        ]);
        self.0.run(&data.to_value(), running(context), Template::ROOT)
    }
}

fn running(context: &GrafanaContext) -> FuncMap {
    let mut all = FuncMap::new();
    add(&mut all, "__get", |args| {
        let Some((base, names)) = args.split_first() else { return Ok(Value::Nil) };
        let mut value = base.clone();
        for name in names {
            let name = text("field", name)?;
            value = match &value {
                Value::Map(entries) if matches!(kind(entries), Kind::Map) => entries.get(name).cloned().unwrap_or(Value::Nil),
                other => methods::get(other, name, false)?,
            };
        }
        Ok(value)
    });
    add(&mut all, "__print", |args| match args {
        [Value::Nil] => Ok(string(NO_VALUE)),
        [value @ (Value::Float(_) | Value::List(_) | Value::Map(_))] => Ok(string(&print(value))),
        [value] => Ok(value.clone()),
        _ => fail("nothing to print"),
    });
    add(&mut all, "query", |_| Ok(Value::List(Arc::from([]))));
    let url = context.external_url.to_string();
    let path = crate::rule::path_prefix(context.external_url).to_string();
    let now = context.now;
    add(&mut all, "externalURL", move |_| Ok(string(&url)));
    add(&mut all, "pathPrefix", move |_| Ok(string(&path)));
    add(&mut all, "now", move |_| Ok(now_value(now)));
    add(&mut all, "tmpl", |_| fail("tmpl is not supported in Grafana's rules"));
    all
}

/// Grafana's `String()` of labels and of a refId's value.
fn print(value: &Value) -> String {
    let Value::Map(entries) = value else { return format::print_value(value) };
    match (kind(entries), value.field("Value")) {
        (Kind::Struct(_), Some(Value::Float(number))) => two_digits(*number),
        (Kind::Map, _) => pairs(entries),
        _ => format::print_value(value),
    }
}

fn pairs(entries: &BTreeMap<Arc<str>, Value>) -> String {
    entries.iter().map(|(name, value)| format!("{name}={}", print(value))).collect::<Vec<_>>().join(", ")
}

/// Two digits that count, at least to the point: `0.0012`, `1.2`, `1234`.
fn two_digits(number: f64) -> String {
    if number == 0.0 {
        return "0".into();
    }
    if !number.is_finite() {
        return format::format_float_go(number);
    }
    let first = number.abs().log10().floor() as i32 + 1;
    let decimals = (2 - first).clamp(0, 300) as usize;
    format!("{number:.decimals$}")
}

/// Grafana's own functions over label sets.
fn functions() -> FuncMap {
    let mut all = FuncMap::new();
    for (name, keeps, by_regex) in
        [("filterLabels", true, false), ("filterLabelsRe", true, true), ("removeLabels", false, false), ("removeLabelsRe", false, true)]
    {
        add(&mut all, name, move |args| {
            let [labels, wanted] = arguments(name, args)?;
            let Value::Map(entries) = labels else { return fail(format!("{name}: expected labels")) };
            let wanted = text(name, wanted)?;
            let regex = match by_regex {
                true => Some(find_regex(wanted).map_err(|_| gotmpl::TemplateError::Exec(format!("{name}: bad regular expression")))?),
                false => None,
            };
            let fits = |label: &str| regex.as_ref().map_or(label == wanted, |regex| regex.is_match(label));
            Ok(map(entries.iter().filter(|(label, _)| fits(label) == keeps).map(|(label, value)| (&**label, value.clone()))))
        });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(template: &str) -> String {
        let labels = Labels::from_pairs([("host", "a"), ("zone", "b")]);
        let empty = Labels::empty();
        let values =
            [GrafanaValue { name: "A", labels: &labels, value: 1234.5678 }, GrafanaValue { name: "B", labels: &empty, value: 0.0 }];
        let value = "[ var='A' labels={host=a, zone=b} value=1234.5678 ]";
        let context = GrafanaContext { labels: &labels, values: &values, value, external_url: "http://x/y", now: Timestamp(0) };
        match GrafanaTemplate::parse(template).and_then(|template| template.expand(&context)) {
            Ok(text) => text,
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn labels_values_and_value() {
        for (template, expected) in [
            ("plain $labels", "plain $labels"),
            ("{{ $labels.host }} {{ .Labels.zone }} {{ index $labels \"host\" }}", "a b a"),
            ("{{ $labels }}", "host=a, zone=b"),
            ("{{ $labels.nothing }}|", "[no value]|"),
            ("{{ if $labels.nothing }}yes{{ else }}no{{ end }}", "no"),
            ("{{ $values.A.Value }} {{ $values.A.Labels.host }}", "1234.5678 a"),
            ("{{ $values.A }} {{ $values.B }} {{ $values.C }}", "1235 0 [no value]"),
            ("{{ humanize $values.A.Value }} {{ humanizePercentage $values.B.Value }}", "1.235k 0%"),
            ("{{ $value }}", "[ var='A' labels={host=a, zone=b} value=1234.5678 ]"),
            ("{{ range $name, $value := $values }}{{ $name }}={{ $value.Value }};{{ end }}", "A=1234.5678;B=0;"),
            ("{{ with $values.C }}there{{ else }}absent{{ end }}", "absent"),
            ("{{ filterLabels $labels \"host\" }} {{ removeLabelsRe $labels \"^h\" }}", "host=a zone=b"),
            ("{{ query \"up\" | len }} {{ pathPrefix }}", "0 /y"),
            ("  {{ $labels.host }}", "a"),
        ] {
            assert_eq!(expand(template), expected, "{template}");
        }
        assert!(expand("{{ $nothing }}").starts_with("error: "), "an undefined variable is found when the template is read");
        assert!(expand("{{ $values.C.Value }}").starts_with("error: "), "a field of a refId that is not there");
    }

    #[test]
    fn two_digits_count() {
        for (number, text) in
            [(0.0, "0"), (0.00123, "0.0012"), (0.5, "0.50"), (1.26, "1.3"), (12.6, "13"), (1234.5, "1234"), (-0.05, "-0.050")]
        {
            assert_eq!(two_digits(number), text);
        }
    }
}
