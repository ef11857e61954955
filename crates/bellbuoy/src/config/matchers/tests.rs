//! Both grammars: what each reads, refuses, and reads differently.

use super::*;

fn shown(parsed: Result<Vec<Matcher>, String>) -> String {
    match parsed {
        Ok(matchers) => matchers.iter().map(Matcher::to_string).collect::<Vec<_>>().join(" "),
        Err(reason) => format!("error: {reason}"),
    }
}

/// What the default, the classic and the UTF-8 grammar make of a text; `same` where it is what the default gives.
fn check(text: &str, expected: &str, classic: &str, utf8: &str) {
    let or = |other: &str| if other == "same" { expected.to_string() } else { other.to_string() };
    assert_eq!(shown(matchers_in(Grammar::Fallback, text)), expected, "{text}");
    assert_eq!(shown(matchers_in(Grammar::Classic, text)), or(classic), "{text} in the classic grammar");
    assert_eq!(shown(matchers_in(Grammar::Utf8, text)), or(utf8), "{text} in the UTF-8 grammar");
}

/// Both grammars read them, and read the same.
#[test]
fn both_agree() {
    for (text, expected) in [
        ("", ""),
        ("{}", ""),
        ("foo=bar", r#"foo="bar""#),
        ("{foo=bar}", r#"foo="bar""#),
        ("{foo=bar,}", r#"foo="bar""#),
        ("foo!=bar,", r#"foo!="bar""#),
        ("foo=~[a-z]+", r#"foo=~"[a-z]+""#),
        ("{foo=🙂bar}", r#"foo="🙂bar""#),
        (r#"{foo = "bar", dings != "bums", }"#, r#"foo="bar" dings!="bums""#),
        (r#"{foo="bar,quux", job="job1"}"#, r#"foo="bar,quux" job="job1""#),
        (r#"{quote="She said: \"Hi, ladies!\""}"#, r#"quote="She said: \"Hi, ladies!\"""#),
        (r#"contains_quote != "\"" , contains_comma !~ "foo,bar" , "#, r#"contains_quote!="\"" contains_comma!~"foo,bar""#),
        (r#"statuscode=~"5..""#, r#"statuscode=~"5..""#),
        (r#"foo="""#, r#"foo="""#),
        (r#"foo="a\\b\n""#, r#"foo="a\\b\n""#),
        ("\tfoo\n=\r\"bar\" ", r#"foo="bar""#),
    ] {
        check(text, expected, "same", "same");
    }
}

/// The classic grammar is tolerant.
#[test]
fn only_the_classic_grammar_reads() {
    check("foo=", r#"foo="""#, "same", "error: end of input: expected label value");
    check("{foo=", r#"foo="""#, "same", "error: end of input: expected label value");
    check("foo=bar}", r#"foo="bar""#, "same", "error: 0:8: }: expected opening brace");
    check("{foo=bar", r#"foo="bar""#, "same", "error: 0:8: end of input: expected close brace");
    check("foo=a b c", r#"foo="a b c""#, "same", "error: 6:7: unexpected b: expected a comma or close brace");
    check(r"foo=a\d", r#"foo="a\\d""#, "same", r"error: 5:6: \: invalid input");
    check(r#"foo="a\d""#, r#"foo="a\\d""#, "same", r#"error: 4:9: "a\d": invalid input"#);
    check("tricky=~~~", r#"tricky=~"~~""#, "same", "error: 8:9: ~: invalid input");
    check(r#"trickier==\\=\=\""#, r#"trickier="=\\=\\=\"""#, "same", "error: 9:10: unexpected =: expected label value");
    check("{foo=bar}},}", r#"foo="bar}}""#, "same", "error: 9:10: }: expected end of input");
    check("{foo='}", r#"foo="'""#, "same", "error: 5:6: ': invalid input");
    check("foo==bar", r#"foo="=bar""#, "same", "error: 4:5: unexpected =: expected label value");
    check("a:b=c", r#""a:b"="c""#, "same", "same");
}

/// Names in quotes, names with other letters, Go's escapes.
#[test]
fn only_the_utf8_grammar_reads() {
    check(r#""größe"="x y""#, r#""größe"="x y""#, r#"error: bad matcher format: "größe"="x y""#, "same");
    check("größe=klein", r#""größe"="klein""#, "error: bad matcher format: größe=klein", "same");
    check("{name-with-dashes = \"bar\"}", r#""name-with-dashes"="bar""#, "error: bad matcher format: name-with-dashes = \"bar\"", "same");
    check(r#""\xf0\x9f\x99\x82"=x"#, r#""🙂"="x""#, r#"error: bad matcher format: "\xf0\x9f\x99\x82"=x"#, "same");
    check(r#""\101\U0001f642\u00e4"=x"#, r#""A🙂ä"="x""#, r#"error: bad matcher format: "\101\U0001f642\u00e4"=x"#, "same");
    check(r#"{"foo"="bar",}"#, r#"foo="bar""#, r#"error: bad matcher format: "foo"="bar""#, "same");
}

/// Both read them, but not the same; the classic reading counts.
#[test]
fn the_grammars_disagree() {
    check(r#"foo="\t""#, r#"foo="\\t""#, "same", "foo=\"\t\"");
    check(r#"foo="\x41""#, r#"foo="\\x41""#, "same", r#"foo="A""#);
    check(r#"foo="\u00e4""#, r#"foo="\\u00e4""#, "same", r#"foo="ä""#);
}

#[test]
fn refuses_what_neither_reads() {
    for (text, expected, utf8) in [
        ("foo", "bad matcher format: foo", "end of input: expected an operator such as '=', '!=', '=~' or '!~'"),
        ("=bar", "bad matcher format: =bar", "0:1: unexpected =: expected label name"),
        ("foo!bar", "bad matcher format: foo!bar", "3:4: !: expected one of '=~'"),
        ("foo!", "bad matcher format: foo!", "3:4: unexpected end of input, expected one of '=~'"),
        (",", "bad matcher format: ", "0:1: unexpected ,: expected label name"),
        ("{,}", "bad matcher format: ", "1:2: unexpected ,: expected label name"),
        ("foo=bar,,baz=1", "bad matcher format: ", "8:9: unexpected ,: expected a matcher or close brace after comma"),
        ("foo=\"bar", "matcher value contains unescaped double quote: \"bar", "4:8: \"bar: missing end \""),
        ("foo=b\"ar", "matcher value contains unescaped double quote: b\"ar", "5:8: \"ar: missing end \""),
        (r#"{"foo"="\xf0\x9f"}"#, r#"bad matcher format: "foo"="\xf0\x9f""#, r#"7:17: "\xf0\x9f": invalid input"#),
    ] {
        check(text, &format!("error: {expected}"), "same", &format!("error: {utf8}"));
    }
    let regex = "bad regular expression \"a(\": unclosed group";
    check("foo=~\"a(\"", &format!("error: {regex}"), "same", &format!("error: failed to create matcher: {regex}"));
}

/// A backslash before a comma stays in force: the quote after it does not close.
#[test]
fn a_comma_keeps_the_backslash_before_it() {
    check(
        r#"foo="a\,",bar=x""#,
        r#"error: matcher value contains unescaped double quote: "a\,",bar=x""#,
        "same",
        r#"error: 4:9: "a\,": invalid input"#,
    );
}

#[test]
fn a_filter_is_one_matcher() {
    let check = |text: &str, expected: &str| assert_eq!(shown(parse_matcher(text).map(|one| vec![one])), expected, "{text}");
    check("foo=bar", r#"foo="bar""#);
    check("a=b,c=d", r#"a="b,c=d""#);
    check("größe=klein", r#""größe"="klein""#);
    check("{foo=bar}", "error: unexpected open or close brace: {foo=bar}");
    check("foo", "error: bad matcher format: foo");
    check("", "error: bad matcher format: ");
    check("größe=a,b=c", "error: bad matcher format: größe=a,b=c");
}
