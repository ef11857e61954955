//! Texts that promtool 3.5.3 expanded (`test rules`), and what is only ours.
use super::*;

fn expanded(text: &str) -> String {
    let labels = Labels::from_pairs([("__name__", "m"), ("instance", "host.example.org:9100"), ("job", "node")]);
    let external = Labels::from_pairs([("region", "eu")]);
    let context = RuleContext {
        labels: &labels,
        value: 1234567.89,
        external_labels: &external,
        external_url: "http://p.example/prom",
        now: Timestamp(1_768_298_400_000),
    };
    let query = |expression: &str| match expression {
        "m" => Ok(vec![(labels.clone(), 1234567.89)]),
        "two" => Ok(vec![(Labels::from_pairs([("instance", "b")]), 1.0), (Labels::from_pairs([("instance", "a")]), 0.0)]),
        "none" => Ok(vec![]),
        _ => Err("parse error".into()),
    };
    match expand(text, &context, &query) {
        Ok(text) => text,
        Err(error) => format!("ERROR {error}"),
    }
}

/// Templates with what promtool makes of them.
const PROMTOOL: &[(&str, &str)] = &[
    ("{{ $value }}", "1.23456789e+06"),
    ("{{ $labels.instance }} of {{ $labels.job }}", "host.example.org:9100 of node"),
    ("{{ $labels.missing }}|", "|"),
    ("{{ .Labels.job }}/{{ .Value }}", "node/1.23456789e+06"),
    ("{{ humanize $value }}", "1.235M"),
    ("{{ $value | humanize1024 }}", "1.177Mi"),
    ("{{ humanizeDuration $value }}", "14d 6h 56m 7s"),
    ("{{ humanizePercentage 0.1234 }}", "12.34%"),
    ("{{ humanizeTimestamp $value }}", "1970-01-15 06:56:07.89 +0000 UTC"),
    ("{{ printf \"%.2f\" $value }}", "1234567.89"),
    ("{{ printf \"%q %v %s\" $labels.job $value $labels.instance }}", "\"node\" 1.23456789e+06 host.example.org:9100"),
    ("{{ printf \"%d|%5d|%-5d|%05d\" 42 42 42 42 }}", "42|   42|42   |00042"),
    // As promtool prints them: Go converts no number, and says what is wrong in its place.
    ("{{ printf \"%d|%c %s\" $value 3.0 42 }}", "%!d(float64=1.23456789e+06)|%!c(float64=3) %!s(int=42)"),
    ("{{ printf \"%.2f %e\" (len \"abc\") 42 }}", "%!f(int=3) %!e(int=42)"),
    ("{{ printf \"%5d|%*d\" 35.5 5 42 }}", "%!d(float64= 35.5)|   42"),
    ("{{ printf \"%.1f%\" 35.5 }} {{ printf \"%5\" }}", "35.5%!(NOVERB) %!(NOVERB)"),
    ("{{ printf \"%T %T %T %T\" $value 1 \"a\" true }}", "float64 int string bool"),
    ("{{ printf \"%d%% %d\" 1 }} {{ printf \"%d\" 1 2.5 }}", "1% %!d(MISSING) 1%!(EXTRA float64=2.5)"),
    ("{{ printf \"%!\" 1 }} {{ printf \"%z\" 1.5 }}", "%!!(int=1) %!z(float64=1.5)"),
    ("{{ if gt $value 5.0 }}big{{ else }}small{{ end }}", "big"),
    ("{{ with $labels.missing }}x{{ else }}none{{ end }}", "none"),
    ("{{ range $k, $v := $labels }}{{ $k }}={{ $v }};{{ end }}", "__name__=m;instance=host.example.org:9100;job=node;"),
    ("{{ title \"hello wORLD\" }} {{ toUpper \"abc\" }} {{ toLower \"ABC\" }}", "Hello WORLD ABC abc"),
    ("{{ reReplaceAll \"(.*):(.*)\" \"$2-$1\" $labels.instance }}", "9100-host.example.org"),
    ("{{ match \"^host\" $labels.instance }}", "true"),
    ("{{ stripPort $labels.instance }} {{ stripDomain $labels.instance }}", "host.example.org host:9100"),
    ("{{ parseDuration \"1h30m\" }}", "5400"),
    ("{{ graphLink \"up == 1\" }} {{ tableLink \"up\" }}", "/graph?g0.expr=up+%3D%3D+1&g0.tab=0 /graph?g0.expr=up&g0.tab=1"),
    ("{{ query \"m\" | first | value }}", "1.23456789e+06"),
    ("{{ with query \"m\" }}{{ . | first | label \"job\" }}{{ end }}", "node"),
    (
        "{{ range query \"m\" | sortByLabel \"instance\" }}{{ .Labels.instance }}={{ .Value }},{{ end }}",
        "host.example.org:9100=1.23456789e+06,",
    ),
    ("{{ $x := 1 }}{{ if eq $labels.job \"node\" \"x\" }}{{ $x = 2 }}{{ end }}{{ $x }}", "2"),
    ("{{ len $labels }} {{ index $labels \"job\" }} [{{ index $labels \"nope\" }}]", "3 node []"),
    ("{{ print 1 2 \"a\" \"b\" 3.5 }}|{{ println $value \"x\" }}|", "1 2ab3.5|1.23456789e+06 x\n|"),
    ("{{ html \"<a>\" }} {{ js \"it's\" }} {{ urlquery \"a b\" }}", "&lt;a&gt; it\\'s a+b"),
    ("{{ and true 0 }} {{ or \"\" \"x\" }} {{ not 1 }}", "0 x false"),
    ("{{ slice \"abcdef\" 1 3 }}", "bc"),
    ("{{- $value -}}  x", "1.23456789e+06x"),
    ("{{ define \"a\" }}<{{ . }}>{{ end }}{{ template \"a\" $value }}", "<1.23456789e+06>"),
    ("{{ (args 1 2).arg1 }}", "2"),
    (
        "{{ $value | printf \"%.3g\" }} {{ printf \"%e\" $value }} {{ printf \"%8.1f|\" $value }} {{ printf \"%x\" 255 }}",
        "1.23e+06 1.234568e+06 1234567.9| ff",
    ),
    ("{{ (query \"m\" | first).Labels.instance }}", "host.example.org:9100"),
    ("{{ 1000000.0 }} {{ 0.00001 }} {{ 100000.0 }} {{ 1e21 }} {{ 12345678 }}", "1e+06 1e-05 100000 1e+21 12345678"),
    (
        "{{ toTime $value }} {{ (toTime $value).Year }} {{ (toTime $value).Format \"2006-01-02\" }}",
        "1970-01-15 06:56:07.89 +0000 UTC 1970 1970-01-15",
    ),
    ("{{ $labels }}", "map[__name__:m instance:host.example.org:9100 job:node]"),
    ("{{ query \"m\" | first | strvalue }}", ""),
    (
        "{{ humanize 0.0 }} {{ humanize 0.00012345 }} {{ humanize -1500 }} {{ humanizeDuration \"3661\" }} {{ humanizeDuration 0.0015 }}",
        "0 123.4u -1.5k 1h 1m 1s 1.5ms",
    ),
    ("{{ safeHtml \"<b>\" }} {{ \"x\" | printf \"%s-%s\" \"y\" }}", "<b> y-x"),
    ("{{ printf \"%t %c %U\" true 65 65 }}", "true A U+0041"),
    ("{{ range $i, $s := query \"m\" }}{{ if $i }}, {{ end }}{{ $s.Labels.instance }}{{ end }}", "host.example.org:9100"),
    ("{{ stripDomain \"10.0.0.1:80\" }} {{ stripPort \"[::1]:80\" }} {{ stripPort \"nohost\" }}", "10.0.0.1:80 ::1 nohost"),
];

/// Templates that Prometheus refuses when they run.
const ERRORS: &[&str] = &[
    "{{ first (query \"none\") }}",
    "{{ $value.foo }}",
    "{{ eq $value 5 }}",
    "{{/* c */}}x {{ true }} {{ nil | printf \"%v\" }}",
    "{{ humanize \"abc\" }}",
];

#[test]
fn as_promtool() {
    for (template, text) in PROMTOOL {
        assert_eq!(expanded(template), *text, "{template}");
    }
    for template in ERRORS {
        assert!(expanded(template).starts_with("ERROR line 1: "), "{template}: {}", expanded(template));
    }
}

#[test]
fn beyond_promtool() {
    for (template, text) in [
        ("no action", "no action"),
        (
            "{{ $externalLabels.region }} {{ $externalURL }} {{ externalURL }} {{ pathPrefix }}",
            "eu http://p.example/prom http://p.example/prom /prom",
        ),
        (r#"{{ parseDurationTime "90s" }} {{ urlQueryEscape "a b&c" }}"#, "1m30s a+b%26c"),
        (r#"{{ define "a" }}<{{ . }}>{{ end }}{{ tmpl "a" 7 }}"#, "<7>"),
        (r#"{{ range query "two" | sortByLabel "instance" }}{{ .Labels.instance }}={{ .Value }} {{ end }}"#, "a=0 b=1 "),
        (r#"{{ query "two" | first | value }} {{ query "none" | len }}"#, "1 0"),
        ("{{ now }}", "2026-01-13 10:00:00 +0000 UTC"),
    ] {
        assert_eq!(expanded(template), text, "{template}");
    }
}

#[test]
fn what_can_not_be_read_says_where() {
    for (template, line, message) in [
        ("a\n{{ nope 1 }}", 2, "function \"nope\" not defined"),
        ("{{ $x }}", 1, "undefined variable \"$x\""),
        ("{{ if }}x{{ end }}", 1, ""),
        ("a\n\n{{ if true }}", 3, ""),
        ("{{ template \"x\" . }}", 1, "template \"x\" not defined"),
        ("{{ $labels.a", 1, ""),
        ("{{ end }}", 1, ""),
        ("{{ __get . \"x\" }}", 1, "function \"__get\" not defined"),
    ] {
        let error = check(template).expect_err(template);
        assert_eq!(error.line, line, "{template}: {error}");
        assert!(error.message.contains(message), "{template}: {error}");
    }
    assert_eq!(check("{{ $labels.instance }} {{ query \"up\" | first | value | humanize }}"), Ok(()));
}

#[test]
fn errors_of_a_run_name_the_line() {
    assert_eq!(expanded("a\n{{ 1 }}\n{{ query \"bad\" }}"), "ERROR line 3: query: parse error");
    assert_eq!(expanded("{{ if true }}\n{{ $value.x }}{{ end }}"), "ERROR line 2: can't evaluate field x in type float64");
}

/// Nothing that a template does may take all memory, all time or the stack.
#[test]
fn hostile_templates_end() {
    let loops = "{{ range query \"two\" }}".repeat(14) + "x" + &"{{ end }}".repeat(14);
    let doubling = "{{ $x := \"0123456789\" }}".to_string() + &"{{ $x = print $x $x }}".repeat(40) + "{{ $x }}";
    let wide = "{{ $x := args 1 2 }}".to_string() + &"{{ $x = args $x $x }}".repeat(40) + "{{ $x }}";
    let deep = "{{ if true }}".repeat(5000) + &"{{ end }}".repeat(5000);
    let recursive = "{{ define \"r\" }}{{ template \"r\" . }}{{ end }}{{ template \"r\" . }}".to_string();
    let recursive_tmpl = "{{ define \"r\" }}{{ tmpl \"r\" . }}{{ end }}{{ tmpl \"r\" . }}".to_string();
    let queries: String = (0..100).map(|at| format!("{{{{ query \"none{at}\" | len }}}}")).collect();
    let parens = format!("{{{{ {}1{} }}}}", "(".repeat(5000), ")".repeat(5000));
    for template in [doubling, wide, deep, recursive, recursive_tmpl, queries, parens] {
        assert!(expanded(&template).starts_with("ERROR"), "{}", &template[..60]);
    }
    assert!(expanded(&loops).len() <= crate::OUTPUT_BYTES_MAX);
    assert!(expanded("{{ printf \"%1000000000d\" 1 }}").len() <= crate::OUTPUT_BYTES_MAX);
}

proptest::proptest! {
    /// Whatever somebody writes: a text or an error, never a panic.
    #[test]
    fn any_template_ends(parts in proptest::collection::vec(proptest::prop_oneof![
        proptest::strategy::Just("{{"), proptest::strategy::Just("}}"), proptest::strategy::Just(" $labels.job "), proptest::strategy::Just(" | "),
        proptest::strategy::Just("{{ if $value }}"), proptest::strategy::Just("{{ else }}"), proptest::strategy::Just("{{ end }}"),
        proptest::strategy::Just("{{ range $i, $x := query \"two\" }}"), proptest::strategy::Just("{{ $x.Labels.instance }}"),
        proptest::strategy::Just("{{ with $labels }}{{ .job | printf \"%5.2f%v%\" }}"), proptest::strategy::Just(" printf \"%d %*d %[3]q\" 1 "),
        proptest::strategy::Just("("), proptest::strategy::Just(")"), proptest::strategy::Just("."), proptest::strategy::Just("é🚨"), proptest::strategy::Just("\""),
        proptest::strategy::Just("`"), proptest::strategy::Just("{{- /* "), proptest::strategy::Just(" */ -}}"), proptest::strategy::Just("{{ slice \"é\" 1 }}"),
        proptest::strategy::Just("{{ break }}"), proptest::strategy::Just("{{ define \"a\" }}"), proptest::strategy::Just("{{ template \"a\" . }}"),
        proptest::strategy::Just("{{ humanizeTimestamp 1e300 }}"), proptest::strategy::Just("{{ toTime -1e15 }}"), proptest::strategy::Just("{{ index $labels 1 }}"),
    ], 0..12)) {
        let _ = expanded(&parts.concat());
    }
}
