//! Nasty matchers, read by amtool and by bellbuoy in each of the three grammars: the same are refused, the same are made of the others.

use std::path::Path;
use std::process::Command;

use crate::harness::{Folder, bellbuoy, peer, peers};

/// The matchers in a file as amtool shows them, or `None`.
fn by_amtool(amtool: &Path, file: &Path, feature: &str) -> Option<String> {
    let mut command = Command::new(amtool);
    if !feature.is_empty() {
        command.arg(format!("--enable-feature={feature}"));
    }
    let output = command.args(["config", "routes", "show", "--config.file"]).arg(file).output().expect("amtool starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find_map(|line| line.split_once("    └── ").map(|(_, rest)| rest.to_string()));
    output.status.success().then(|| line.unwrap_or(text))
}

#[test]
fn matchers_are_read_as_amtool_reads_them() {
    let Some(dir) = peers() else { return };
    let amtool = peer(&dir, &["amtool", "prometheus-amtool"]);
    let folder = Folder::new(&[]);
    let mut different = Vec::new();
    let mut counts = [0; 2];
    for text in CASES {
        let quoted = serde_json::to_string(text).expect("a text");
        let config =
            format!("route: {{receiver: a, routes: [{{matchers: [{quoted}], receiver: b}}]}}\nreceivers: [{{name: a}}, {{name: b}}]\n");
        folder.write("alertmanager.yml", &config);
        let file = folder.config().join("alertmanager.yml");
        for feature in ["", "classic-mode", "utf8-strict-mode"] {
            let theirs = by_amtool(&amtool, &file, feature);
            let mut command = bellbuoy();
            command.args(["check", "--routes"]).arg(&file);
            if !feature.is_empty() {
                command.arg(format!("--enable-feature={feature}"));
            }
            let output = command.output().expect("it starts");
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            let ours = said.lines().find_map(|line| line.split_once("    └── ").map(|(_, rest)| rest.to_string()));
            counts[usize::from(theirs.is_some())] += 1;
            if theirs != ours {
                different.push(format!("{text:?} {feature}\n  amtool   {theirs:?}\n  bellbuoy {ours:?}\n{said}"));
            }
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert!(counts[0] > 50 && counts[1] > 50, "both kinds were among the cases: {counts:?}");
}

const CASES: &[&str] = &[
    "",
    "{}",
    "foo=bar",
    "{foo=bar}",
    "{foo=bar,}",
    "foo!=bar,",
    "foo=~[a-z]+",
    "foo!~[a-z]+",
    "{foo=🙂bar}",
    "foo",
    "=bar",
    "foo!bar",
    "foo!",
    "{foo = \"bar\", dings != \"bums\", }",
    "{foo=\"bar,quux\", job=\"job1\"}",
    "{quote=\"She said: \\\"Hi\\\"\"}",
    "statuscode=~\"5..\"",
    "contains_quote != \"\\\"\" , contains_comma !~ \"foo,bar\" , ",
    "foo=\"\"",
    "foo=",
    "{foo=",
    "{foo=,bar=}}",
    "foo=bar}",
    "{foo=bar",
    "{foo=bar}}",
    "{foo=bar}},}",
    "{foo='}",
    "code=~[0-9]{3}",
    "{code=~[0-9]{3}}",
    "code=~\"[0-9]{3}\"",
    "code=~5.{2}",
    "a=~.*{1,2}",
    "a=~x{,5}",
    "a=~x{a}",
    "a=~x{2}{3}",
    "a=~x**",
    "a=~[[]",
    "a=~[\\w-a]",
    "a=~\\u0061",
    "a=~\"\\\\Qa.b\\\\E\"",
    "a=~(?x)b",
    "{foo=`}",
    "{foo=\\n}",
    "{foo=bar\\t}",
    "{foo=bar\\}",
    "{foo=bar\\\\}",
    "{foo=\\\"}",
    "{foo=bar\\\"}",
    "tricky=~~~",
    "trickier==\\\\=\\=\\\"",
    "{name-with-dashes = \"bar\"}",
    ",",
    "{,}",
    "{",
    "}",
    "job=\"value",
    "job=value\"",
    "contains=foo\"bar",
    "foo==bar",
    "{foo=~\"invalid[regexp\"}",
    "\"{foo=\\\"bar\"}",
    "\"foo=\\\"bar\"",
    "\"foo=\"bar\"\"",
    "{{foo=",
    "{foo=}b",
    "{\"foo\"=\"bar\",}",
    "a=b,,c=d",
    "{\"foo\"=\"\\xf0\\x9f\\x99\\x82\"}",
    "{\"foo\"=\"\\U0001f642\"}",
    "{\"foo\"=\"\\xf0\\x9f\"}",
    "{\"foo\"=\"bar\\n\"}",
    "foo=\"bar\\n\"",
    "foo=\"bar\\t\"",
    "\"foo\"=bar",
    "foo=\"\\101\"",
    "\"a\\101\"=b",
    "größe=klein",
    "\"größe m\"=\"x y\"",
    "größe=a,b=c",
    "foo=a b c",
    "foo=a\\d",
    "foo=\"a\\d\"",
    "a:b=c",
    "1a=b",
    "_=b",
    "foo =bar",
    " foo= bar ",
    "foo\n=\nbar",
    "foo=\"a\\,\",bar=x\"",
    "foo=\"a\\,\",bar=x",
    "foo=\u{a0}x\u{a0}",
    "foo=x\u{a0},bar=y",
    "foo=\"x\ny\"",
    "foo=x\ny",
    "foo=~",
    "foo!~\"\"",
    "foo=~\"(\"",
    "foo=~\"a{2,1}\"",
    "foo={bar}",
    "foo=bar;baz=qux",
    "foo=\"bar\"baz",
    "foo=\"bar\" baz=qux",
    "{foo=\"bar\"} ",
    " {foo=\"bar\"}",
    "foo=\"bar\",{baz=\"qux\"}",
    "foo=\"\\\"\"",
    "foo=\"\\\\\"",
    "foo=\\",
    "foo=\"\\",
    "foo='bar'",
    "foo=`bar`",
    "\"\"=x",
    "\"\"=\"\"",
];
