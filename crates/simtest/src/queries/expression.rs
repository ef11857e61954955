//! Expressions of every shape that check has something to say about.

use super::{LABELS, NAMES};
use crate::Chance;

/// Writes expressions over the usual names and those of recording rules.
pub struct Writer<'a> {
    chance: &'a mut Chance,
    recorded: &'a [String],
    /// One subquery and one offset are enough: what is looked back at stays within `REACH`.
    subqueries: u32,
}

const CONSTANTS: [&str; 9] = ["-1", "0", "0.5", "1", "2", "0.9", "3", "1", "0"];
const MATCHES: [&str; 8] = ["=\"1\"", "=\"\"", "!=\"\"", "=~\"1|2\"", "=~\"2|3\"", "!=\"2\"", "!~\"1.*\"", "=~\".+\""];
const COMPARISONS: [&str; 6] = [">", ">=", "<", "<=", "==", "!="];

impl<'a> Writer<'a> {
    pub fn new(chance: &'a mut Chance, recorded: &'a [String]) -> Writer<'a> {
        Writer { chance, recorded, subqueries: 0 }
    }

    /// An instant vector; `depth` operations on top of each other at most.
    pub fn expression(&mut self, depth: u32) -> String {
        self.subqueries = 1;
        self.vector(depth)
    }

    fn of(&mut self, list: &[&'static str]) -> &'static str {
        self.chance.of(list)
    }

    fn number(&mut self) -> &'static str {
        self.of(&CONSTANTS)
    }

    fn label(&mut self) -> &'static str {
        if self.chance.one_in(12) { "__name__" } else { self.of(&LABELS[..5]) }
    }

    fn labels(&mut self, most: u64) -> Vec<&'static str> {
        let mut labels: Vec<&str> = (0..self.chance.number(most + 1)).map(|_| self.label()).collect();
        labels.sort();
        labels.dedup();
        labels
    }

    fn vector(&mut self, depth: u32) -> String {
        if depth == 0 || self.chance.one_in(8) {
            return self.leaf();
        }
        match self.chance.number(22) {
            0..=5 => self.between_vectors(depth - 1),
            6 => self.contradiction(depth - 1),
            7..=10 => self.aggregation(depth - 1),
            11 | 12 => self.with_number(depth - 1),
            13 | 14 => self.function(depth - 1),
            15 => self.replaced(depth - 1),
            16 => self.joined(depth - 1),
            17 => format!("absent({})", self.vector(depth - 1)),
            18 => self.quantile(depth - 1),
            19 => self.chain(depth - 1),
            20 => self.of_scalar(depth - 1),
            _ => self.over_time(depth - 1),
        }
    }

    fn leaf(&mut self) -> String {
        match self.chance.number(12) {
            0 => format!("vector({})", self.number()),
            1 => format!("absent({})", self.selector()),
            2..=4 => self.over_time(0),
            _ => {
                let selector = self.selector();
                self.shifted(selector)
            }
        }
    }

    fn selector(&mut self) -> String {
        let recorded = !self.recorded.is_empty() && self.chance.one_in(3);
        let name =
            if recorded { self.recorded[self.chance.number(self.recorded.len() as u64) as usize].clone() } else { self.of(&NAMES).into() };
        let matchers: Vec<String> =
            (0..self.chance.number(3)).map(|_| format!("{}{}", self.of(&["x", "y", "le", "job", "team"]), self.of(&MATCHES))).collect();
        if self.chance.one_in(20) {
            // More than one name.
            return format!("{{{}}}", [vec!["__name__=~\"a|b_total|level:.*\"".to_string()], matchers].concat().join(","));
        }
        format!("{name}{{{}}}", matchers.join(","))
    }

    fn shifted(&mut self, selector: String) -> String {
        match self.chance.number(14) {
            0 => format!("{selector} offset 5m"),
            1 => format!("{selector} offset 10m"),
            _ => selector,
        }
    }

    fn over_time(&mut self, depth: u32) -> String {
        let range = self.matrix(depth);
        match self.chance.number(24) {
            0 => format!("quantile_over_time({}, {range})", self.of(&["0", "0.5", "1", "2"])),
            1 => format!("absent_over_time({range})"),
            number => {
                let names = [
                    "rate",
                    "rate",
                    "increase",
                    "increase",
                    "irate",
                    "delta",
                    "idelta",
                    "deriv",
                    "changes",
                    "resets",
                    "count_over_time",
                    "avg_over_time",
                    "min_over_time",
                    "max_over_time",
                    "sum_over_time",
                    "last_over_time",
                    "last_over_time",
                    "stddev_over_time",
                    "stdvar_over_time",
                    "present_over_time",
                    "mad_over_time",
                    "rate",
                ];
                format!("{}({range})", names[number as usize - 2])
            }
        }
    }

    fn matrix(&mut self, depth: u32) -> String {
        if depth > 0 && self.subqueries > 0 && self.chance.one_in(2) {
            self.subqueries -= 1;
            let inner = self.vector(depth - 1);
            return format!("({inner})[{}:{}]", self.of(&["5m", "10m"]), self.of(&["1m", "2m"]));
        }
        let range = format!("{}[{}]", self.selector(), self.of(&["3m", "5m", "10m"]));
        self.shifted(range)
    }

    /// ` on (x) group_left (y)` and the like. `sets`: without grouping.
    fn matching(&mut self, sets: bool) -> String {
        let on = match self.chance.number(4) {
            0 | 1 => return String::new(),
            2 => true,
            _ => false,
        };
        let labels = self.labels(3);
        let text = format!(" {} ({})", if on { "on" } else { "ignoring" }, labels.join(", "));
        if sets || self.chance.one_in(2) {
            return text;
        }
        let side = self.of(&["group_left", "group_right"]);
        // What is matched on can not be included.
        let include: Vec<&str> =
            self.labels(2).into_iter().filter(|label| *label != "__name__" && !(on && labels.contains(label))).collect();
        format!("{text} {side} ({})", include.join(", "))
    }

    fn operator(&mut self) -> String {
        match self.chance.number(5) {
            0 | 1 => {
                let op = self.of(&["and", "or", "unless"]);
                format!("{op}{}", self.matching(true))
            }
            2 => {
                let (op, bool) = (self.of(&COMPARISONS), if self.chance.one_in(4) { " bool" } else { "" });
                format!("{op}{bool}{}", self.matching(false))
            }
            _ => {
                let op = self.of(&["+", "-", "*", "/", "%", "^", "atan2"]);
                format!("{op}{}", self.matching(false))
            }
        }
    }

    fn between_vectors(&mut self, depth: u32) -> String {
        let (left, op) = (self.vector(depth), self.operator());
        format!("({left}) {op} ({})", self.vector(depth))
    }

    /// `a - b > c and d`: precedence is left to the parser.
    fn chain(&mut self, depth: u32) -> String {
        let mut text = format!("({})", self.vector(depth));
        let last = 2 + self.chance.number(2);
        for turn in 1..=last {
            let op = self.operator();
            // A number before an operator with a matching would be no valid text.
            let number = turn == last && !op.contains('(') && !["and", "or", "unless"].contains(&op.as_str()) && self.chance.one_in(2);
            let right = if number { self.number().to_string() } else { format!("({})", self.vector(depth.saturating_sub(1))) };
            text = format!("{text} {op} {right}");
        }
        text
    }

    /// The same thing twice: `x > 1 and x < 0`.
    fn contradiction(&mut self, depth: u32) -> String {
        let subject = self.vector(depth);
        let mut demand = || {
            let (op, number) = (self.of(&COMPARISONS), self.number());
            if self.chance.one_in(5) { format!("{number} {op} ({subject})") } else { format!("({subject}) {op} {number}") }
        };
        let (first, second) = (demand(), demand());
        match self.chance.number(6) {
            0 => format!("{first} or {second}"),
            1 => format!("{first} unless {second}"),
            2 => {
                let matching = self.matching(true);
                format!("{first} and{matching} {second}")
            }
            3 => format!("({first}) and {second} and ({})", self.vector(0)),
            _ => format!("{first} and {second}"),
        }
    }

    fn aggregation(&mut self, depth: u32) -> String {
        let inner = self.vector(depth);
        let grouping = match self.chance.number(5) {
            0 => String::new(),
            1 => format!(" without ({})", self.labels(3).join(", ")),
            _ => format!(" by ({})", self.labels(3).join(", ")),
        };
        match self.chance.number(16) {
            0 => format!("topk{grouping} ({}, {inner})", self.of(&["1", "2", "0"])),
            1 => format!("bottomk{grouping} ({}, {inner})", self.of(&["1", "2"])),
            2 => format!("quantile{grouping} ({}, {inner})", self.of(&["0", "0.5", "1", "2", "-1"])),
            3 => format!("count_values{grouping} (\"{}\", {inner})", self.of(&["x", "version", "le", "job"])),
            4 => format!("limitk{grouping} (1, {inner})"),
            number => {
                let op = ["sum", "sum", "sum", "avg", "min", "max", "max", "count", "group", "stddev", "stdvar"][number as usize - 5];
                format!("{op}{grouping} ({inner})")
            }
        }
    }

    fn with_number(&mut self, depth: u32) -> String {
        let (inner, number) = (self.vector(depth), self.number());
        let op = match self.chance.number(3) {
            0 => self.of(&["+", "-", "*", "/", "%", "^"]).to_string(),
            1 => format!("{} bool", self.of(&COMPARISONS)),
            _ => self.of(&COMPARISONS).to_string(),
        };
        if self.chance.one_in(3) { format!("{number} {op} ({inner})") } else { format!("({inner}) {op} {number}") }
    }

    fn of_scalar(&mut self, depth: u32) -> String {
        let (left, right) = (self.vector(depth), self.vector(depth.saturating_sub(1)));
        let op = self.of(&["+", "-", "*", "/", ">", "<=", "==", "> bool"]);
        match self.chance.number(4) {
            0 => format!("scalar({right}) {op} ({left})"),
            1 => format!("vector(scalar({right}))"),
            2 => format!("({left}) {op} (scalar({right}) * {})", self.number()),
            _ => format!("({left}) {op} scalar({right})"),
        }
    }

    fn function(&mut self, depth: u32) -> String {
        let inner = self.vector(depth);
        // What NaN and infinity are as a date is left to the machine.
        let shapes = [
            "abs(@)",
            "ceil(@)",
            "floor(@)",
            "round(@)",
            "exp(@)",
            "ln(@)",
            "sqrt(@)",
            "sgn(@)",
            "sin(@)",
            "cos(@)",
            "tanh(@)",
            "acosh(@)",
            "-(@)",
            "-(@)",
            "+(@)",
            "sort(@)",
            "sort_desc(@)",
            "sort_by_label(@, \"x\")",
            "hour(0 <= (@) < 4e9)",
            "minute(0 <= (@) < 4e9)",
            "day_of_week(0 <= (@) < 4e9)",
            "day_of_month(0 <= (@) < 4e9)",
            "day_of_year(0 <= (@) < 4e9)",
            "days_in_month(0 <= (@) < 4e9)",
            "month(0 <= (@) < 4e9)",
            "timestamp(@)",
            "clamp(@, 0, 1)",
            "clamp(@, 2, 1)",
            "clamp_min(@, 1)",
            "clamp_max(@, 1)",
            "clamp_max(@, -1)",
            "((@))",
        ];
        self.of(&shapes).replace('@', &inner)
    }

    fn replaced(&mut self, depth: u32) -> String {
        let inner = self.vector(depth);
        let (to, from) = (self.label(), self.label());
        let text = self.of(&["k", "", "$1", "1", "$1", "a-$1", "${1}b"]);
        let regex = self.of(&["(.*)", ".*", "1", "", "(.+)", "([0-9]+)", "x|"]);
        // The empty name of a series is its absence; a name must be one.
        let (to, text) = if to == "__name__" && !["k", ""].contains(&text) { ("x", text) } else { (to, text) };
        format!("label_replace({inner}, \"{to}\", \"{text}\", \"{from}\", \"{regex}\")")
    }

    fn joined(&mut self, depth: u32) -> String {
        let inner = self.vector(depth);
        let to = self.of(&["x", "y", "job", "new"]);
        let sources: Vec<String> = (0..self.chance.number(3)).map(|_| format!(", \"{}\"", self.label())).collect();
        format!("label_join({inner}, \"{to}\", \"{}\"{})", self.of(&["", "-", "/"]), sources.concat())
    }

    fn quantile(&mut self, depth: u32) -> String {
        let buckets = match self.chance.number(4) {
            0 => self.vector(depth),
            1 => format!("sum by ({}) (rate(lat_seconds_bucket{{}}[10m]))", self.labels(3).join(", ")),
            2 => format!("sum by (le, {}) (rate(lat_seconds_bucket{{}}[5m]))", self.of(&["x", "job", "y"])),
            _ => "rate(lat_seconds_bucket{}[10m])".to_string(),
        };
        format!("histogram_quantile({}, {buckets})", self.of(&["0", "0.5", "0.9", "1", "2", "-1"]))
    }
}
