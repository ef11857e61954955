//! Texts and their trees, and texts that are refused with their place.

use super::*;

/// Prints what was read; the print reads back as the same print.
fn check(text: &str, printed: &str) {
    let expr = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(expr.to_string(), printed, "{text}");
    assert_eq!(parse(printed).expect("the print is valid").to_string(), printed);
}

fn check_error(text: &str, error: &str) {
    match parse(text) {
        Ok(expr) => panic!("{text} was read as {expr}"),
        Err(found) => assert_eq!(found.to_string(), error, "{text}"),
    }
}

#[test]
fn reads_and_prints() {
    for (text, printed) in [
        ("1", "1"),
        ("0x1F + 1_000 + 017", "31 + 1000 + 15"),
        ("+Inf - -NaN", "+Inf - NaN"),
        ("5m * 1h30m", "5m * 1h30m"),
        ("-1 ^ 2", "-1 ^ 2"),
        ("-a ^ b ^ c * d", "-a ^ b ^ c * d"),
        ("a or b and c unless d == e + f * g", "a or b and c unless d == e + f * g"),
        ("(a + b) * c", "(a + b) * c"),
        ("a{b='c',d!=\"e\",f=~`\\d+`,g!~\"h\",}", r#"a{b="c",d!="e",f=~"\\d+",g!~"h"}"#),
        (r#"{"a.b", "l.x"="v"}"#, r#"{"a.b","l.x"="v"}"#),
        (r#"{__name__=~"a|b"}"#, r#"{__name__=~"a|b"}"#),
        (r#"a{b="\x41\u00e9\101\n\t\"'"}"#, r#"a{b="AéA\n\t\"'"}"#),
        ("a offset 5m @ 10", "a @ 10.000 offset 5m"),
        ("a @ start() offset -1m", "a @ start() offset -1m"),
        ("rate(a[5m] @ end())", "rate(a[5m] @ end())"),
        ("a[90] offset 30", "a[1m30s] offset 30s"),
        ("sum_over_time(rate(a[5m])[1h:1m] offset 1d)", "sum_over_time(rate(a[5m])[1h:1m] offset 1d)"),
        ("max_over_time(a[1h:])", "max_over_time(a[1h:])"),
        ("a[1m*(2+3)]", "a[5m]"),
        ("SUM(a) BY (job, \"x.y\")", "sum by (job, \"x.y\") (a)"),
        ("sum without () (a)", "sum without () (a)"),
        ("topk(3, a)", "topk(3, a)"),
        ("count_values(\"v\", a)", "count_values(\"v\", a)"),
        ("a / on (x) group_left (y) b", "a / on (x) group_left (y) b"),
        ("a > bool ignoring(x) b", "a > bool ignoring (x) b"),
        ("a and on() b", "a and on () b"),
        ("sum by (sum, on, bool, offset) (offset + by + and)", "sum by (sum, on, bool, offset) (offset + by + and)"),
        ("sum{a=\"b\"} + sum", "sum{a=\"b\"} + sum"),
        ("a:b:c # comment\n + :d", "a:b:c + :d"),
        ("label_replace(a, \"x\", `$1`, \"y\", `(\\d+)`)", r#"label_replace(a, "x", "$1", "y", "(\\d+)")"#),
        ("\"text\"", "\"text\""),
        ("a{on=\"1\", by=\"2\"}", "a{on=\"1\",by=\"2\"}"),
    ] {
        check(text, printed);
    }
}

#[test]
fn refuses_with_a_place() {
    for (text, error) in [
        ("", "1:1: parse error: no expression found in input"),
        ("1 +", "1:4: parse error: unexpected end of input"),
        ("1 +\n *", "2:2: parse error: unexpected <op:*>"),
        ("(1", "1:3: parse error: unclosed left parenthesis"),
        ("sum(", "1:5: parse error: unclosed left parenthesis"),
        ("1)", "1:2: parse error: unexpected right parenthesis ')'"),
        ("foo(1)", "1:1: parse error: unknown function with name \"foo\""),
        ("rate(a)", "1:6: parse error: expected type range vector in call to function \"rate\", got instant vector"),
        ("rate(a[5m], 1)", "1:1: parse error: expected 1 argument(s) in call to \"rate\", got 2"),
        ("1 == 1", "1:3: parse error: comparisons between scalars must use BOOL modifier"),
        ("a + bool b", "1:3: parse error: bool modifier can only be used on comparison operators"),
        ("a or 1", "1:3: parse error: set operator \"or\" not allowed in binary scalar expression"),
        ("a and on(x) group_left() b", "1:3: parse error: no grouping allowed for \"and\" operation"),
        ("{a=\"\"}", "1:1: parse error: vector selector must contain at least one non-empty matcher"),
        ("a{__name__=\"b\"}", "1:1: parse error: metric name must not be set twice: \"a\" or \"b\""),
        ("a[5m", "1:5: parse error: unclosed left bracket"),
        ("a{b=\"c\"", "1:8: parse error: unexpected end of input inside braces"),
        ("a == on(x) 1", "1:3: parse error: vector matching only allowed between instant vectors"),
        ("a[0]", "1:3: parse error: duration must be greater than 0"),
        ("a[5m][5m]", "1:1: parse error: ranges only allowed for vector selectors"),
        ("a offset 1m offset 2m", "1:1: parse error: offset may not be set multiple times"),
        (
            "1 offset 1m",
            "1:1: parse error: offset modifier must be preceded by an instant vector selector or range vector selector or a subquery",
        ),
        ("\"abc", "1:1: parse error: unterminated quoted string"),
        // The number behind the `x` was read with a sign.
        ("\"\\x+7\"", "1:1: parse error: illegal character in escape sequence"),
        ("a{b=~\"(\"}", "1:6: parse error: bad regular expression \"(\": unclosed group"),
        ("sum(a, b)", "1:1: parse error: wrong number of arguments for aggregate expression provided, expected 1, got 2"),
        ("a $", "1:3: parse error: unexpected character: '$'"),
        ("1x", "1:1: parse error: bad number or duration syntax: \"1x\""),
    ] {
        check_error(text, error);
    }
}

#[test]
fn every_node_has_its_place() {
    let text = "sum(rate(a[5m])) / 2";
    let mut parts = Vec::new();
    parse(text).expect("valid").walk(&mut |node| parts.push(&text[node.span()]));
    assert_eq!(parts, [text, "sum(rate(a[5m]))", "rate(a[5m])", "a[5m]", "2"]);
}

#[test]
fn nesting_is_bounded_and_chains_are_flat() {
    for deep in ["(".repeat(20_000), "-".repeat(20_000), "a^".repeat(20_000), "abs(".repeat(10_000), "a[".repeat(10_000)] {
        assert!(parse(&deep).is_err());
    }
    let nested = format!("{}1{}", "(".repeat(300), ")".repeat(300));
    assert!(parse(&nested).is_err_and(|error| error.message.contains("nested")));
    let chain = vec!["a"; 20_000].join("+");
    assert_eq!(parse(&chain).expect("valid").selectors().len(), 20_000);
    assert!(parse(&"a".repeat(QUERY_BYTES_MAX + 1)).is_err());
}
