//! The steps of a scenario, read from its text. `scenario` runs them on a virtual clock; the end-to-end tests run the same
//! steps against a program in real time.

use bellbuoy_vocabulary::{ALERT_NAME, Labels, Matcher, Millis, Timestamp, parse_duration};

use super::{Failure, settings_text};
use crate::RouterSettings;

/// A scenario as it was read.
#[derive(Clone, Debug)]
pub struct Script {
    pub settings: RouterSettings,
    /// The virtual clock's zero.
    pub start: Timestamp,
    /// Whether alerts that do not say when they end do so after `resolve_timeout`.
    pub times_out: bool,
    pub steps: Vec<Step>,
}

/// What happens, or is expected, at a time after the start.
#[derive(Clone, Debug)]
pub struct Step {
    pub line: usize,
    pub at: Millis,
    pub act: Act,
}

#[derive(Clone, Debug)]
pub enum Act {
    Push(Push),
    /// `since` and `until` count from the start.
    Silence {
        matchers: Vec<Matcher>,
        since: Millis,
        until: Millis,
    },
    /// All silences end.
    Expire,
    Reload,
    Crash {
        down: Millis,
    },
    ExpectNothing,
    Expect {
        who: String,
        alerts: Vec<Told>,
        because: Option<String>,
    },
    Hold {
        receiver: String,
        because: String,
    },
    State {
        name: String,
        word: String,
    },
}

#[derive(Clone, Debug)]
pub struct Push {
    pub labels: Labels,
    pub annotations: Labels,
    pub resolved: bool,
    /// Counts from the push.
    pub lasts: Option<Millis>,
    /// These two count from the start.
    pub since: Option<Millis>,
    pub until: Option<Millis>,
}

/// An alert of an expected message.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// `A`, or `A@instance` when two of the message share a name.
    pub name: String,
    pub resolved: bool,
    pub since: Option<Millis>,
    pub until: Option<Millis>,
    pub annotations: Vec<(String, String)>,
    /// As it was written.
    pub text: String,
}

/// Reads a scenario; the settings of its head are not used when some are given.
pub fn read(text: &str, given: Option<RouterSettings>) -> Result<Script, Failure> {
    let mut steps = Vec::new();
    let mut head = settings_text::Reader::default();
    for (index, whole) in text.lines().enumerate() {
        let line = index + 1;
        let fail = |message: String| Failure { line, message };
        let content = whole.split(" #").next().unwrap_or(whole);
        if content.trim().is_empty() || content.starts_with('#') {
            continue;
        }
        match content.strip_prefix("at ") {
            Some(step) => steps.push(read_step(step.trim(), line).map_err(fail)?),
            None => head.line(content).map_err(fail)?,
        }
    }
    if let Some(pair) = steps.windows(2).find(|pair| pair[1].at < pair[0].at) {
        return Err(Failure { line: pair[1].line, message: "goes back in time".into() });
    }
    let (start, times_out) = (head.start, given.is_some() || head.resolve_timeout.is_some());
    let settings = match given {
        Some(given) => given,
        None => head.finish().map_err(|message| Failure { line: 1, message })?,
    };
    Ok(Script { settings, start, times_out, steps })
}

fn read_step(text: &str, line: usize) -> Result<Step, String> {
    let (at, rest) = text.split_once(' ').ok_or("nothing happens; write for example `at 30s push A firing`")?;
    let at = parse_duration(at)?;
    let (verb, rest) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
    let rest = rest.trim();
    let act = match verb {
        "push" => read_push(rest)?,
        "expect" => read_expect(rest)?,
        "hold" => {
            let (receiver, because) = rest.split_once(" because ").ok_or("write `hold RECEIVER because REASON`")?;
            Act::Hold { receiver: receiver.trim().into(), because: because.trim().into() }
        }
        "state" => {
            let (name, word) = rest.split_once(' ').ok_or("write `state A active|suppressed|gone`")?;
            Act::State { name: name.into(), word: word.trim().into() }
        }
        "silence" => read_silence(rest, at)?,
        "expire" => Act::Expire,
        "reload" => Act::Reload,
        "crash" => Act::Crash { down: rest.strip_prefix("for ").map_or(Ok(Millis::ZERO), parse_duration)? },
        other => {
            let known = "push, expect, hold, state, silence, expire, reload and crash";
            return Err(format!("unknown step {other:?}; there are {known}"));
        }
    };
    Ok(Step { line, at, act })
}

fn read_push(rest: &str) -> Result<Act, String> {
    let words = settings_text::words(rest);
    let [name, state, more @ ..] = &words[..] else { return Err("write `push A firing` or `push A resolved`".into()) };
    let resolved = match state.as_str() {
        "firing" => false,
        "resolved" => true,
        other => return Err(format!("unknown state {other:?}; an alert is firing or resolved")),
    };
    let (mut labels, mut annotations) = (Labels::empty().builder(), Labels::empty().builder());
    labels.set(ALERT_NAME, name.trim_matches('"'));
    let (mut lasts, mut since, mut until) = (None, None, None);
    let mut more = more.iter();
    while let Some(word) = more.next() {
        let mut time = || more.next().ok_or_else(|| format!("{word} needs a time")).and_then(|text| signed(text));
        match word.as_str() {
            "for" => lasts = Some(time()?),
            "since" => since = Some(time()?),
            "until" => until = Some(time()?),
            pair => {
                let (name, value) = pair.split_once('=').ok_or_else(|| format!("{pair:?} is no label=value"))?;
                match name.strip_prefix('@') {
                    Some(name) => annotations.set(name, value.trim_matches('"')),
                    None => labels.set(name.trim_matches('"'), value.trim_matches('"')),
                };
            }
        }
    }
    Ok(Act::Push(Push { labels: labels.labels(), annotations: annotations.labels(), resolved, lasts, since, until }))
}

fn read_silence(rest: &str, at: Millis) -> Result<Act, String> {
    let words = settings_text::words(rest);
    let (mut matchers, mut since, mut until) = (Vec::new(), at, None);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut time = || words.next().ok_or_else(|| format!("{word} needs a time")).and_then(|text| signed(text));
        match word.as_str() {
            "for" => until = Some(since + time()?),
            "since" => since = time()?,
            "until" => until = Some(time()?),
            matcher => matchers.push(settings_text::matcher(matcher)?),
        }
    }
    let until = until.filter(|_| !matchers.is_empty()).ok_or("write `silence a=\"b\" for 1h`")?;
    Ok(Act::Silence { matchers, since, until })
}

fn read_expect(rest: &str) -> Result<Act, String> {
    if rest == "nothing" {
        return Ok(Act::ExpectNothing);
    }
    let (told, because) = match rest.split_once(" because ") {
        Some((told, because)) => (told, Some(because.trim().replace('-', " "))),
        None => (rest, None),
    };
    let (who, list) = told.split_once('[').ok_or("write `expect RECEIVER [A, B resolved] because REASON`, or `expect nothing`")?;
    let list = list.trim().strip_suffix(']').ok_or("the list of alerts has no end")?;
    let alerts = list.split(',').map(str::trim).filter(|alert| !alert.is_empty()).map(read_told).collect::<Result<_, _>>()?;
    Ok(Act::Expect { who: who.trim().into(), alerts, because })
}

fn read_told(text: &str) -> Result<Told, String> {
    let words = settings_text::words(text);
    let mut told = Told {
        name: words.first().cloned().unwrap_or_default(),
        resolved: false,
        since: None,
        until: None,
        annotations: Vec::new(),
        text: text.to_string(),
    };
    let mut words = words.iter().skip(1);
    while let Some(word) = words.next() {
        let mut time = || words.next().ok_or_else(|| format!("{word} needs a time")).and_then(|text| signed(text));
        match word.as_str() {
            "resolved" => told.resolved = true,
            "since" => told.since = Some(time()?),
            "until" => told.until = Some(time()?),
            other => match other.strip_prefix('@').and_then(|pair| pair.split_once('=')) {
                Some((name, value)) => told.annotations.push((name.into(), value.trim_matches('"').into())),
                None => return Err(format!("{other:?} in an expected alert; there are resolved, since, until and @annotation=value")),
            },
        }
    }
    Ok(told)
}

/// A duration that may lie before the start.
fn signed(text: &str) -> Result<Millis, String> {
    match text.strip_prefix('-') {
        Some(rest) => parse_duration(rest).map(|millis| Millis(-millis.0)),
        None => parse_duration(text),
    }
}
