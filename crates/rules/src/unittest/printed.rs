//! What failed, in promtool's form: expected and received one below the other, or (`--diff`) side by side with what differs marked.

use std::fmt;

use bellbuoy_vocabulary::{Labels, format_duration, format_float};

use super::{Failure, FoundAlert, Reason};

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.head())?;
        match &self.reason {
            Reason::Error(why) => write!(f, " err: {why}"),
            Reason::Alerts { expected, got } => write!(f, "\n    exp:{},\n    got:{}", alerts(expected), alerts(got)),
            Reason::Values { expected, got } => write!(f, "\n    exp: {}\n    got: {}", values(expected), values(got)),
        }
    }
}

impl Failure {
    fn head(&self) -> String {
        let name = if self.test.is_empty() { String::new() } else { format!("name: {},\n", self.test) };
        format!("{name}{}, time: {},", self.subject, format_duration(self.time))
    }

    /// Alerts as one text in which `-` is expected and missing, `+` received and not expected, `~` another value.
    /// In colours too where the terminal has them; other failures as they print.
    pub fn diff(&self, colours: bool) -> String {
        let Reason::Alerts { expected, got } = &self.reason else { return self.to_string() };
        let mut out = Lines { text: format!("{}\n    diff: [", self.head()), colours };
        for index in 0..expected.len().max(got.len()) {
            match (expected.get(index), got.get(index)) {
                (Some(expected), Some(got)) => out.pair(expected, got),
                (Some(one), None) => out.alone(Mark::Missing, one),
                (None, Some(one)) => out.alone(Mark::Received, one),
                (None, None) => {}
            }
        }
        out.text + "\n    ]"
    }
}

fn alerts(alerts: &[FoundAlert]) -> String {
    if alerts.is_empty() {
        return "[]".into();
    }
    let one = |(index, (labels, annotations)): (usize, &FoundAlert)| {
        format!("\n        {index}:\n          Labels:{labels}\n          Annotations:{annotations}")
    };
    format!("[{}\n        ]", alerts.iter().enumerate().map(one).collect::<String>())
}

fn values(values: &[(Labels, f64)]) -> String {
    let one = |(labels, value): &(Labels, f64)| format!("{labels} {}", format_float(*value));
    if values.is_empty() { "nil".into() } else { values.iter().map(one).collect::<Vec<_>>().join(", ") }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Same,
    Missing,
    Received,
    Changed,
}

struct Lines {
    text: String,
    colours: bool,
}

impl Lines {
    fn line(&mut self, mark: Mark, depth: usize, text: &str) {
        let (sign, code) = match mark {
            Mark::Same => (" ", ""),
            Mark::Missing => ("-", "31"),
            Mark::Received => ("+", "32"),
            Mark::Changed => ("~", "33"),
        };
        let line = format!("{sign} {}{text}", "    ".repeat(depth));
        match code {
            code if self.colours && !code.is_empty() => self.text.push_str(&format!("\n      \x1b[{code}m{line}\x1b[0m")),
            _ => self.text.push_str(&format!("\n      {line}")),
        }
    }

    fn pair(&mut self, expected: &FoundAlert, got: &FoundAlert) {
        self.line(Mark::Same, 0, "{");
        self.labels("Annotations", &expected.1, &got.1);
        self.labels("Labels", &expected.0, &got.0);
        self.line(Mark::Same, 0, "}");
    }

    fn labels(&mut self, title: &str, expected: &Labels, got: &Labels) {
        self.line(Mark::Same, 1, &format!("{title}: {{"));
        let mut names: Vec<&str> = expected.iter().chain(got.iter()).map(|(name, _)| name).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let (old, new) = (expected.get(name), got.get(name));
            match (expected.has(name), got.has(name)) {
                (true, false) => self.line(Mark::Missing, 2, &format!("{name}: {old:?}")),
                (false, _) => self.line(Mark::Received, 2, &format!("{name}: {new:?}")),
                _ if old == new => self.line(Mark::Same, 2, &format!("{name}: {old:?}")),
                _ => self.line(Mark::Changed, 2, &format!("{name}: {old:?} => {new:?}")),
            }
        }
        self.line(Mark::Same, 1, "}");
    }

    fn alone(&mut self, mark: Mark, (labels, annotations): &FoundAlert) {
        self.line(mark, 0, "{");
        for (title, labels) in [("Annotations", annotations), ("Labels", labels)] {
            self.line(mark, 1, &format!("{title}: {{"));
            labels.iter().for_each(|(name, value)| self.line(mark, 2, &format!("{name}: {value:?}")));
            self.line(mark, 1, "}");
        }
        self.line(mark, 0, "}");
    }
}
