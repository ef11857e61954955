//! Text of a script -> commands.

use bellbuoy_vocabulary::{Labels, Millis, Timestamp, parse_duration, parse_float};

use super::series::{SeriesValues, parse_labels, parse_series, parse_values};
use crate::value::Number;

pub(super) enum Command {
    Clear,
    /// A series that can not be read is an error of its own: the rest is loaded.
    Load {
        step: Millis,
        series: Vec<Result<SeriesValues, String>>,
    },
    Eval(Box<Eval>),
}

pub(super) struct Eval {
    /// From 1.
    pub line: usize,
    pub expr: String,
    pub times: Times,
    pub wanted: Wanted,
    /// Why this command can not be read; it then fails.
    pub unreadable: Option<String>,
}

#[derive(Clone, Copy)]
pub(super) enum Times {
    Instant(Timestamp),
    Range(Timestamp, Timestamp, Millis),
}

/// What an eval asks for.
#[derive(Default)]
pub(super) struct Wanted {
    pub fail: bool,
    pub fail_texts: Vec<TextMatch>,
    pub ordered: bool,
    pub warn: bool,
    pub info: bool,
    pub no_warn: bool,
    pub no_info: bool,
    pub warn_texts: Vec<TextMatch>,
    pub info_texts: Vec<TextMatch>,
    pub text: Option<String>,
    pub scalar: Option<f64>,
    pub series: Vec<(Labels, Vec<Option<Number>>)>,
}

pub(super) enum TextMatch {
    Exact(String),
    /// Searched anywhere in the text.
    Regex(String),
}

/// Comments and blank lines end a command.
pub(super) fn read(text: &str) -> Vec<Command> {
    let lines: Vec<&str> = text.lines().map(str::trim).map(|line| if line.starts_with('#') { "" } else { line }).collect();
    let mut commands = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        let number = at + 1;
        at += 1;
        let mut body = Vec::new();
        let is_block = line.starts_with("load") || line.starts_with("eval");
        while is_block && at < lines.len() && !lines[at].is_empty() {
            body.push(lines[at]);
            at += 1;
        }
        if line == "clear" {
            commands.push(Command::Clear);
        } else if line.starts_with("load") {
            let step = line.split_whitespace().nth(1).and_then(length);
            let series = match step {
                Some(_) => body.iter().map(|line| parse_series(line)).collect(),
                None => vec![Err(format!("not a step: {line:?}"))],
            };
            commands.push(Command::Load { step: step.unwrap_or(Millis(1)), series });
        } else if line.starts_with("eval") {
            commands.push(Command::Eval(Box::new(read_eval(number, line, &body))));
        } else if !line.is_empty() {
            let unreadable = Some(format!("not a command: {line:?}"));
            let times = Times::Instant(Timestamp(0));
            commands.push(Command::Eval(Box::new(Eval {
                line: number,
                expr: String::new(),
                times,
                wanted: Wanted::default(),
                unreadable,
            })));
        }
    }
    commands
}

/// `5m`, or plain seconds.
fn length(text: &str) -> Option<Millis> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let plain = || parse_float(digits).filter(|seconds| seconds.is_finite()).map(|seconds| Millis((seconds * 1000.0) as i64));
    parse_duration(digits).ok().or_else(plain).map(|length| length * sign)
}

/// The first word and the rest.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    text.split_once(char::is_whitespace).unwrap_or((text, ""))
}

fn read_eval(line: usize, head: &str, body: &[&str]) -> Eval {
    let mut wanted = Wanted::default();
    let (verb, rest) = word(head);
    match verb {
        "eval_fail" => wanted.fail = true,
        "eval_ordered" => wanted.ordered = true,
        "eval_warn" => wanted.warn = true,
        "eval_info" => wanted.info = true,
        _ => {}
    }
    let (times, expr) = match read_times(rest) {
        Some((times, expr)) => (times, expr.trim().to_string()),
        None => (Times::Instant(Timestamp(0)), rest.to_string()),
    };
    let mut unreadable = read_times(rest).is_none().then(|| format!("not an eval: {head:?}"));
    for line in body {
        if let Err(error) = read_wanted(line, &mut wanted) {
            unreadable = Some(error);
        }
    }
    Eval { line, expr, times, wanted, unreadable }
}

fn read_times(text: &str) -> Option<(Times, &str)> {
    let (kind, rest) = word(text);
    let mut rest = rest;
    let mut named = |name: &str| {
        let (found, after) = word(rest);
        let (value, after) = if found == name { word(after) } else { return None };
        rest = after;
        length(value)
    };
    let times = match kind {
        "instant" => Times::Instant(Timestamp(named("at")?.0)),
        "range" => {
            let (from, to) = (named("from")?, named("to")?);
            Times::Range(Timestamp(from.0), Timestamp(to.0), named("step")?)
        }
        _ => return None,
    };
    Some((times, rest))
}

fn read_wanted(line: &str, wanted: &mut Wanted) -> Result<(), String> {
    let (first, rest) = word(line);
    match first {
        "expect" => return read_expect(rest, wanted),
        "expected_fail_message" => wanted.fail_texts.push(TextMatch::Exact(rest.trim().into())),
        "expected_fail_regexp" => wanted.fail_texts.push(TextMatch::Regex(rest.trim().into())),
        _ => {
            if let Some(value) = parse_float(line) {
                wanted.scalar = Some(value);
                return Ok(());
            }
            let (labels, values) = parse_labels(line)?;
            wanted.series.push((labels, parse_values(values)?));
        }
    }
    Ok(())
}

/// `expect fail msg: text`, `expect no_warn`, `expect ordered`, `expect string "x"`, ...
fn read_expect(text: &str, wanted: &mut Wanted) -> Result<(), String> {
    let (kind, rest) = word(text);
    let rest = rest.trim();
    let mut texts = Vec::new();
    if let Some(message) = rest.strip_prefix("msg:") {
        texts.push(TextMatch::Exact(message.trim().into()));
    } else if let Some(pattern) = rest.strip_prefix("regex:") {
        texts.push(TextMatch::Regex(pattern.trim().into()));
    }
    match kind {
        "fail" => {
            wanted.fail = true;
            wanted.fail_texts.append(&mut texts);
        }
        "warn" => {
            wanted.warn = true;
            wanted.warn_texts.append(&mut texts);
        }
        "info" => {
            wanted.info = true;
            wanted.info_texts.append(&mut texts);
        }
        "no_warn" => wanted.no_warn = true,
        "no_info" => wanted.no_info = true,
        "ordered" => wanted.ordered = true,
        "string" => match crate::parse(rest).map(|expr| expr.kind) {
            Ok(crate::ExprKind::Text(text)) => wanted.text = Some(text),
            _ => return Err(format!("not a string: {rest:?}")),
        },
        _ => return Err(format!("not an expectation: {text:?}")),
    }
    Ok(())
}
