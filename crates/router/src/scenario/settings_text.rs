//! The short form of settings at the head of a scenario.

use bellbuoy_vocabulary::{MatchOp, Matcher, Millis, Timestamp, parse_duration};

use crate::settings::{InhibitRule, IntegrationOutline, ReceiverOutline, Route, RouterSettings, TimeInterval, TimeSpan};

/// 2026-01-13T10:00:00Z, a Tuesday.
const START: Timestamp = Timestamp(1_768_298_400_000);

pub(super) struct Reader {
    pub start: Timestamp,
    pub resolve_timeout: Option<Millis>,
    /// Routes with their depth, in the order of the text.
    routes: Vec<(usize, Route)>,
    receivers: Vec<ReceiverOutline>,
    inhibit_rules: Vec<InhibitRule>,
    time_intervals: Vec<TimeInterval>,
}

impl Default for Reader {
    fn default() -> Reader {
        let (routes, receivers, inhibit_rules, time_intervals) = Default::default();
        Reader { start: START, resolve_timeout: None, routes, receivers, inhibit_rules, time_intervals }
    }
}

impl Reader {
    pub fn line(&mut self, line: &str) -> Result<(), String> {
        let depth = (line.len() - line.trim_start().len()) / 2;
        let words = words(line.trim());
        let (verb, rest) = words.split_first().ok_or("empty line")?;
        match verb.as_str() {
            "route" => self.route(depth, rest),
            "receiver" => self.receiver(rest),
            "inhibit" => self.inhibit(rest),
            "interval" => self.interval(rest),
            "start" => {
                let at =
                    rest.first().and_then(|text| Timestamp::parse_rfc3339(text)).ok_or("start needs a time like 2026-01-13T10:00:00Z")?;
                self.start = at;
                Ok(())
            }
            "resolve_timeout" => {
                self.resolve_timeout = Some(parse_duration(rest.first().ok_or("resolve_timeout needs a time")?)?);
                Ok(())
            }
            other => Err(format!("unknown word {other:?}; there are route, receiver, inhibit, interval, start, resolve_timeout and at")),
        }
    }

    fn route(&mut self, depth: usize, words: &[String]) -> Result<(), String> {
        let (receiver, words) = words.split_first().ok_or("a route needs a receiver")?;
        let parent = self.routes.iter().rev().find(|(other, _)| *other + 1 == depth).map(|(_, route)| route.clone());
        if depth > 0 && parent.is_none() {
            return Err("this route has no parent; indent by two spaces per level".into());
        }
        let mut route = parent.unwrap_or_default();
        route.receiver = receiver.clone();
        (route.matchers, route.go_on) = (Vec::new(), false);
        (route.mute_time_intervals, route.active_time_intervals) = (Vec::new(), Vec::new());
        for word in words {
            match word.split_once('=').unwrap_or((word, "")) {
                ("by", list) => {
                    route.group_by = names(list);
                    route.group_by_all = route.group_by.iter().any(|name| name == "...");
                }
                ("wait", value) => route.group_wait = parse_duration(value)?,
                ("interval", value) => route.group_interval = parse_duration(value)?,
                ("repeat", value) => route.repeat_interval = parse_duration(value)?,
                ("mute", list) => route.mute_time_intervals = names(list),
                ("active", list) => route.active_time_intervals = names(list),
                ("continue", "") => route.go_on = true,
                _ => route.matchers.push(matcher(word)?),
            }
        }
        self.routes.push((depth, route));
        Ok(())
    }

    fn receiver(&mut self, words: &[String]) -> Result<(), String> {
        let [name, equals, kinds @ ..] = words else { return Err("write `receiver NAME = KIND, KIND`".into()) };
        if equals != "=" {
            return Err("write `receiver NAME = KIND, KIND`".into());
        }
        let mut integrations: Vec<IntegrationOutline> = Vec::new();
        for word in kinds {
            match (word.trim_end_matches(','), integrations.last_mut()) {
                ("send_resolved=false", Some(last)) => last.send_resolved = false,
                (kind, _) => {
                    let index = integrations.iter().filter(|other| other.kind == kind).count();
                    integrations.push(IntegrationOutline { kind: kind.to_string(), index, send_resolved: true });
                }
            }
        }
        self.receivers.push(ReceiverOutline { name: name.clone(), integrations });
        Ok(())
    }

    fn inhibit(&mut self, words: &[String]) -> Result<(), String> {
        let mut rule = InhibitRule { source_matchers: Vec::new(), target_matchers: Vec::new(), equal: Vec::new() };
        let mut over = false;
        for word in words {
            match word.strip_prefix("equal=") {
                Some(list) => rule.equal = names(list),
                None if word == "over" => over = true,
                None if over => rule.target_matchers.push(matcher(word)?),
                None => rule.source_matchers.push(matcher(word)?),
            }
        }
        self.inhibit_rules.push(rule);
        Ok(())
    }

    fn interval(&mut self, words: &[String]) -> Result<(), String> {
        let (name, words) = words.split_first().ok_or("an interval needs a name")?;
        let mut span = TimeSpan::default();
        for word in words {
            match word.split_once('-') {
                Some((from, to)) if word.contains(':') => span.times.push((minutes(from)?, minutes(to)?)),
                _ => span.location = word.clone(),
            }
        }
        self.time_intervals.push(TimeInterval { name: name.clone(), spans: vec![span] });
        Ok(())
    }

    pub fn finish(mut self) -> Result<RouterSettings, String> {
        if self.routes.is_empty() {
            self.line("route discord")?;
        }
        for (_, route) in &self.routes {
            if !self.receivers.iter().any(|known| known.name == route.receiver) {
                let discord = IntegrationOutline { kind: "discord".into(), index: 0, send_resolved: true };
                self.receivers.push(ReceiverOutline { name: route.receiver.clone(), integrations: vec![discord] });
            }
        }
        // Children are moved into their parents from the end of the text on.
        let mut routes = self.routes;
        while let Some((depth, route)) = routes.pop() {
            if depth == 0 {
                if !routes.is_empty() {
                    return Err("there is more than one root route".into());
                }
                let (receivers, inhibit_rules, time_intervals) = (self.receivers, self.inhibit_rules, self.time_intervals);
                let resolve_timeout = self.resolve_timeout.unwrap_or(Millis::from_minutes(5));
                return Ok(RouterSettings { route, inhibit_rules, time_intervals, resolve_timeout, receivers });
            }
            if let Some((_, parent)) = routes.iter_mut().rev().find(|(other, _)| other + 1 == depth) {
                parent.routes.insert(0, route);
            }
        }
        Err("there is no root route".into())
    }
}

/// Words at spaces, but not inside of quotes and brackets.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let (mut quoted, mut depth) = (false, 0);
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            '[' => depth += 1,
            ']' => depth -= 1,
            _ => {}
        }
        if c == ' ' && !quoted && depth == 0 {
            words.push(String::new());
        } else if let Some(word) = words.last_mut() {
            word.push(c);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn names(list: &str) -> Vec<String> {
    list.trim_matches(['[', ']']).split(',').map(|name| name.trim().to_string()).filter(|name| !name.is_empty()).collect()
}

pub(super) fn matcher(word: &str) -> Result<Matcher, String> {
    for (symbol, op) in [("!=", MatchOp::NotEqual), ("=~", MatchOp::Regex), ("!~", MatchOp::NotRegex), ("=", MatchOp::Equal)] {
        if let Some((name, value)) = word.split_once(symbol) {
            return Matcher::new(name.trim_matches('"'), op, value.trim_matches('"')).map_err(|error| error.to_string());
        }
    }
    Err(format!("{word:?} is no matcher; write for example severity=\"critical\""))
}

fn minutes(text: &str) -> Result<u16, String> {
    let refuse = || format!("{text:?} is no time of day; write for example 09:30");
    let (hour, minute) = text.split_once(':').ok_or_else(refuse)?;
    let (hour, minute): (u16, u16) = (hour.parse().map_err(|_| refuse())?, minute.parse().map_err(|_| refuse())?);
    Ok((hour * 60 + minute).min(1440))
}
