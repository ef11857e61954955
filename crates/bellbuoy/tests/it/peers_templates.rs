//! Templates beside the real amtool: the same texts, byte for byte.

use std::process::Command;

use super::harness::{Folder, bellbuoy, peer, peers};

const DATA: &str = r#"{
  "receiver": "team\\.x", "status": "firing", "externalURL": "http://am.example/x?a=b&c=d",
  "groupLabels": {"alertname": "HighDrift"},
  "commonLabels": {"alertname": "HighDrift", "severity": "warning", "zone": "Europe/Paris", "number": "1234.5"},
  "commonAnnotations": {"runbook": "https://runbooks.example/a b?x=%C3%A9", "markup": "<b>\"bold\" & 'it'</b>"},
  "alerts": [
    {"status": "firing", "labels": {"alertname": "HighDrift", "instance": "a<1>", "job": "app", "severity": "warning"},
     "annotations": {"summary": "drift & more", "description": "line one\nline \"two\" é"},
     "startsAt": "2026-01-13T10:00:00.5Z", "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "http://p/graph?g0.expr=a%3E1&g0.tab=1", "fingerprint": "00000000000000aa"},
    {"status": "resolved", "labels": {"alertname": "HighDrift", "instance": "b", "severity": "warning"},
     "annotations": {"summary": "x"}, "startsAt": "2026-01-13T09:00:00Z", "endsAt": "2026-01-13T09:30:00.25Z", "generatorURL": "", "fingerprint": "00000000000000bb"},
    {"status": "firing", "labels": {"alertname": "HighDrift", "severity": "warning"}, "annotations": {},
     "startsAt": "2026-02-28T23:59:59Z", "endsAt": "2026-03-01T00:00:00Z", "generatorURL": "http://p/", "fingerprint": "cc"}
  ]
}"#;

const NAMED: &str = "{{ define \"mine\" }}[{{ .Status | toUpper }}]{{ end }}\n{{ define \"list\" }}{{ range . }}{{ .Labels.SortedPairs }}\n{{ end }}{{ end }}{{ define \"rec\" }}{{ if . }}x{{ template \"rec\" (slice . 1) }}{{ end }}{{ end }}";

const TEXTS: &[&str] = &[
    "plain",
    "{{ .Receiver }} {{ .Status }} {{ .ExternalURL }} {{ .NotificationReason }}",
    "{{ .Status | toUpper }} {{ toLower \"ABC\" }} {{ title \"hELLO wORLD\" }} {{ trimSpace \"  x \" }}|",
    "{{ template \"mine\" . }}{{ range .Alerts }}{{ template \"mine\" . }}{{ end }}",
    "{{ template \"list\" .Alerts }}",
    "{{ template \"rec\" \"abc\" }}",
    "{{ len .Alerts }} {{ len .Alerts.Firing }} {{ .Alerts.Resolved | len }}",
    "{{ .CommonLabels }}|{{ .CommonLabels.SortedPairs }}|{{ .CommonLabels.Names }}|{{ .CommonLabels.Values }}",
    "{{ .CommonLabels.SortedPairs.Names | join \",\" }} {{ .CommonLabels.SortedPairs.Values | join \",\" }}",
    "{{ (.CommonLabels.Remove .GroupLabels.Names).SortedPairs }}",
    "{{ (.CommonLabels.Remove (stringSlice \"zone\" \"nowhere\")).Values | join \"+\" }}",
    "{{ range $k, $v := .CommonLabels }}{{ $k }}={{ $v }};{{ end }}",
    "{{ range .CommonLabels.SortedPairs }}{{ .Name }}:{{ .Value }} {{ end }}",
    "{{ .CommonLabels.nowhere }}|{{ .CommonAnnotations.nowhere | toUpper }}|{{ index .CommonLabels \"nowhere\" }}|{{ (index .Alerts 2).Annotations.summary }}",
    "{{ with .CommonLabels.nowhere }}yes{{ else }}no{{ end }} {{ if .CommonLabels.severity }}yes{{ end }}",
    "{{ (index .Alerts 0).StartsAt }} {{ (index .Alerts 0).EndsAt }} {{ (index .Alerts 1).EndsAt }}",
    "{{ (index .Alerts 0).StartsAt.Format \"2006-01-02 15:04:05.000 MST -07:00 Jan Mon 3PM _2\" }}",
    "{{ (index .Alerts 2).StartsAt.Year }} {{ (index .Alerts 2).StartsAt.Month }} {{ (index .Alerts 2).StartsAt.Day }} {{ (index .Alerts 2).StartsAt.Weekday }} {{ (index .Alerts 2).StartsAt.YearDay }}",
    "{{ (index .Alerts 2).StartsAt.Hour }} {{ (index .Alerts 2).StartsAt.Minute }} {{ (index .Alerts 2).StartsAt.Unix }} {{ (index .Alerts 0).EndsAt.IsZero }}",
    "{{ (index .Alerts 1).EndsAt.Sub (index .Alerts 1).StartsAt }} {{ ((index .Alerts 1).EndsAt.Sub (index .Alerts 1).StartsAt).Seconds }} {{ ((index .Alerts 1).EndsAt.Sub (index .Alerts 1).StartsAt).Minutes }}",
    "{{ (index .Alerts 0).StartsAt.Before (index .Alerts 2).StartsAt }} {{ (index .Alerts 0).StartsAt.After (index .Alerts 2).StartsAt }} {{ (index .Alerts 0).StartsAt.Equal (index .Alerts 0).StartsAt }}",
    "{{ date \"Mon, 02 Jan 2006\" (index .Alerts 0).StartsAt }} {{ (index .Alerts 0).StartsAt | tz .CommonLabels.zone | date \"15:04 MST -07:00\" }}",
    "{{ tz \"America/New_York\" (index .Alerts 0).StartsAt }}",
    "{{ humanizeDuration 3661.5 }}|{{ humanizeDuration 61 }}|{{ humanizeDuration 0 }}|{{ humanizeDuration 0.0012 }}|{{ humanizeDuration -90000 }}|{{ humanizeDuration 86400 }}",
    "{{ humanizeDuration \"1234.5\" }} {{ humanizeDuration .CommonLabels.number }}",
    "{{ toJson .CommonLabels }} {{ toJson \"<é&\" }} {{ toJson 1.5 }} {{ toJson true }} {{ toJson (stringSlice \"a\" \"b\") }}",
    "{{ toJson . }}",
    "{{ .Alerts.Firing | toJson }}",
    "{{ dict \"a\" 1 \"b\" \"x\" | toJson }} {{ (dict \"k\" \"v\").k }} {{ list 1 \"b\" 2.5 | toJson }} {{ append (list \"a\") \"b\" \"c\" | toJson }}",
    "{{ $d := dict \"severity\" .CommonLabels.severity }}{{ $d.severity }} {{ range $i, $x := list \"p\" \"q\" }}{{ $i }}{{ $x }}{{ end }} {{ len (list 1 2 3) }}",
    "{{ reReplaceAll \"a(.)\" \"$1-${1}x\" \"ab ac\" }} {{ reReplaceAll \"[^a-z]+\" \"_\" .ExternalURL }}",
    "{{ match \"^H\" .GroupLabels.alertname }} {{ match \"^h\" .GroupLabels.alertname }} {{ match \"(?i)^h.*T$\" .GroupLabels.alertname }}",
    "{{ stringSlice \"a\" \"b\" | join \"+\" }} {{ join \"\" (stringSlice) }}",
    "{{ urlUnescape \"a%20b+c\" }} {{ urlUnescape .CommonAnnotations.runbook }} {{ .ExternalURL | urlquery }} {{ urlquery \"a b\" \"é/\" }}",
    "{{ safeHtml \"<b>\" }} {{ safeUrl \"http://x/?a=b c\" }} {{ html .CommonAnnotations.markup }} {{ js \"a'b\\\"<\" }}",
    "{{ 1 }} {{ 1.5 }} {{ 1e6 }} {{ 1e-7 }} {{ 100000.0 }} {{ 123456789.0 }} {{ -0.5 }} {{ 0x1F }} {{ 1e21 }} {{ 'a' }} {{ true }}",
    "{{ printf \"%s %q %v %d %5d|%-5d|%05.1f %x %X %t %%\" .Status .Receiver .CommonLabels 7 7 7 3.14159 255 \"hi\" true }}",
    "{{ printf \"%.2f %e %g %6.2f|%+d %c %U\" 1234.567 1234.567 1e-9 2.5 3 65 233 }}",
    "{{ printf \"%v %v %v\" .Alerts.Firing.Len 1 2 }}",
    "{{ print 1 2 \"a\" \"b\" 3 }} {{ println \"x\" }}|",
    "{{ eq 1 1 }} {{ ne \"a\" \"b\" }} {{ lt 1 2 }} {{ le 2 2 }} {{ gt 1.5 1.0 }} {{ ge \"b\" \"a\" }} {{ eq .Status \"resolved\" \"firing\" }}",
    "{{ and 1 0 }} {{ or 0 \"x\" }} {{ not \"\" }} {{ and .Status .Receiver }} {{ or .CommonLabels.nowhere \"default\" }}",
    "{{ slice .Status 1 3 }} {{ index .Alerts.Firing 0 | len }}",
    "{{ len \"héllo\" }} {{ slice \"abcdef\" 2 }} {{ index (stringSlice \"a\" \"b\") 1 }}",
    "a {{- \" b \" -}} c\n\n{{- /* comment */ -}}\n d {{ \"x\" -}}\n\n e",
    "{{- range .Alerts -}}  {{ .Labels.instance }},  {{- end -}}",
    "{{ range $i, $a := .Alerts }}{{ if $i }}, {{ end }}{{ $i }}={{ $a.Status }}{{ end }}",
    "{{ range .Alerts }}{{ if eq .Status \"resolved\" }}{{ continue }}{{ end }}{{ .Fingerprint }} {{ end }}",
    "{{ range .Alerts }}{{ .Fingerprint }}{{ break }}{{ end }}",
    "{{ range .Alerts.Resolved }}{{ .Labels.instance }}{{ else }}none{{ end }} {{ range (list) }}x{{ else }}empty{{ end }}",
    "{{ range 3 }}{{ . }}{{ end }}",
    "{{ $x := 1 }}{{ range .Alerts }}{{ $x = len .Labels }}{{ end }}{{ $x }}",
    "{{ with $a := index .Alerts 0 }}{{ $a.Labels.job }}{{ end }} {{ with .Nothing }}{{ end }}",
    "{{ if and (eq .Status \"firing\") (gt (len .Alerts) 2) }}many{{ else if .Alerts }}few{{ else }}none{{ end }}",
    "{{ block \"inner\" . }}<{{ .Status }}>{{ end }}",
    "{{ `raw \\n \"text\"` }} {{ \"tab\\tquote\\\"\\u00e9\" }}",
    "{{ .CommonLabels.alertname | printf \"%s-%s\" \"x\" | toUpper | len }}",
    "{{ (index .Alerts 0).Labels.SortedPairs.String }} {{ .GroupLabels.Names | len }}",
    "{{ range .Alerts }}{{ .Annotations.description | reReplaceAll \"\\n\" \" / \" }};{{ end }}",
    "{{ .GroupLabels.Names }} {{ .Alerts.Firing | len | printf \"%03d\" }}",
];

/// Refused by both, when they read them or when they run.
const REFUSED: &[&str] = &[
    "{{ .Nope }}",
    "{{ .Alerts.Nope }}",
    "{{ (index .Alerts 9).Status }}",
    "{{ nofunc 1 }}",
    "{{ if }}x{{ end }}",
    "{{ if .Status }}x",
    "{{ template \"nowhere\" . }}",
    "{{ join \",\" \"x\" }}",
    "{{ tz \"No/Where\" (index .Alerts 0).StartsAt }}",
    "{{ dict \"a\" }}",
    "{{ humanizeDuration \"x\" }}",
    "{{ .Status.x }}",
    "{{ end }}",
    "{{ reReplaceAll \"(\" \"\" \"x\" }}",
    "{{ slice .Status 5 99 }}",
    "{{ eq 1 \"a\" }}",
];

const HTML: &[&str] = &[
    "<p>{{ .CommonAnnotations.markup }}</p>",
    "<a href=\"{{ (index .Alerts 0).GeneratorURL }}\" title=\"{{ (index .Alerts 0).Labels.instance }}\">{{ (index .Alerts 0).Labels.instance }}</a>",
    "<a href='/x?q={{ .CommonAnnotations.markup }}&b={{ .Status }}'>x</a>",
    "{{ .CommonAnnotations.markup | safeHtml }} {{ \"<i>\" }}",
    "<script>var x = {{ .CommonLabels.severity }}; var y = {{ .CommonAnnotations.markup }};</script>",
    "<div style=\"color: {{ .CommonLabels.severity }}\">{{ template \"mine\" . }}</div>",
    "<input value={{ .Status }}><!-- {{ .Status }} --><textarea>{{ .CommonAnnotations.markup }}</textarea>",
    "<a href=\"{{ \"javascript:alert(1)\" }}\">x</a> <a href=\"{{ \"javascript:alert(1)\" | safeUrl }}\">y</a>",
    "{{ range .Alerts }}<b>{{ .Annotations.summary }}</b>{{ end }}",
];

#[test]
fn templates_render_as_amtool_renders_them() {
    let Some(dir) = peers() else { return };
    let amtool = peer(&dir, &["amtool"]);
    let folder = Folder::new(&[("data.json", DATA), ("named.tmpl", NAMED)]);
    let config = folder.config();
    let run = |mut command: Command, kind: &str, text: &str| {
        command.args(["template", "render", "--template.type", kind]);
        command.arg(format!("--template.glob={}", config.join("*.tmpl").display()));
        command.arg(format!("--template.data={}", config.join("data.json").display())).arg(format!("--template.text={text}"));
        let output = command.output().expect("it starts");
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let all = TEXTS.iter().chain(REFUSED).map(|text| ("text", *text)).chain(HTML.iter().map(|text| ("html", *text)));
    let (mut same, mut different) = (0, Vec::new());
    for (kind, text) in all {
        let (ours, theirs) = (run(bellbuoy(), kind, text), run(Command::new(&amtool), kind, text));
        if ours == theirs {
            same += 1;
        } else {
            different.push(format!("{kind} {text}\n  ours   {ours:?}\n  amtool {theirs:?}"));
        }
    }
    println!("{same} templates as amtool, {} different", different.len());
    assert!(different.is_empty(), "{same} are the same, these are not:\n{}", different.join("\n"));
    for text in REFUSED {
        assert_eq!(run(bellbuoy(), "text", text), None, "{text}");
    }
}
