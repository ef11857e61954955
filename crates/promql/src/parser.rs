//! Words -> expression: recursive descent with operator precedences. Types are checked as nodes are built (`check`).
//!
//! In:    a query's text. Out: an `Expr` whose nodes know their places in it, or the first error with its place, in Prometheus' words.
//! Never: nests deeper than `DEPTH_MAX`: a hostile text is an error, not a stack that overflows.

use bellbuoy_vocabulary::{METRIC_NAME, MatchOp, Matcher, Millis, Timestamp};

use crate::ast::*;
use crate::check;
use crate::error::ParseError;
use crate::lexer::lex;
use crate::signature::function;
use crate::token::{Token, TokenKind, Word};

type Result<T> = std::result::Result<T, ParseError>;

/// Reads a PromQL expression and checks its types. Bounds: `QUERY_BYTES_MAX` of text, `DEPTH_MAX` of nesting; linear time.
pub fn parse(text: &str) -> Result<Expr> {
    if text.len() > QUERY_BYTES_MAX {
        let place = Place { start: 0, end: 0, line: 1, column: 1 };
        return Err(ParseError::new(
            format!("query of {} bytes is longer than {QUERY_BYTES_MAX}; split it into recording rules", text.len()),
            place,
        ));
    }
    let mut parser = Parser { tokens: lex(text)?, at: 0, depth: 0 };
    if parser.peek().kind == TokenKind::End {
        return parser.error_here("no expression found in input");
    }
    let expr = parser.expression()?;
    match &parser.peek().kind {
        TokenKind::End => Ok(expr),
        TokenKind::RightParen => parser.error_here("unexpected right parenthesis ')'"),
        TokenKind::RightBrace => parser.error_here("unexpected right brace '}'"),
        TokenKind::RightBracket => parser.error_here("unexpected right bracket ']'"),
        _ => parser.unexpected(""),
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.at]
    }

    fn peek_kind(&self) -> &TokenKind {
        &self.tokens[self.at].kind
    }

    fn second(&self) -> &TokenKind {
        &self.tokens[(self.at + 1).min(self.tokens.len() - 1)].kind
    }

    /// The current word; stays on `End`.
    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        if token.kind != TokenKind::End {
            self.at += 1;
        }
        token
    }

    fn take(&mut self, kind: &TokenKind) -> bool {
        let found = self.peek_kind() == kind;
        if found {
            self.at += 1;
        }
        found
    }

    fn take_word(&mut self, word: Word) -> bool {
        self.take(&TokenKind::Word(word))
    }

    fn expect(&mut self, kind: &TokenKind, context: &str, expected: &str) -> Result<()> {
        if self.take(kind) { Ok(()) } else { self.unexpected(&format!(" in {context}, expected {expected}")) }
    }

    fn error_here<T>(&self, message: impl Into<String>) -> Result<T> {
        Err(ParseError::new(message, self.peek().place))
    }

    fn unexpected<T>(&self, context: &str) -> Result<T> {
        // Prometheus' lexer notices an open parenthesis before its parser misses something.
        if *self.peek_kind() == TokenKind::End && self.open_parens() > 0 {
            return self.error_here("unclosed left parenthesis");
        }
        self.error_here(format!("unexpected {}{context}", self.peek().describe()))
    }

    fn open_parens(&self) -> i64 {
        let step = |token: &Token| match token.kind {
            TokenKind::LeftParen => 1,
            TokenKind::RightParen => -1,
            _ => 0,
        };
        self.tokens.iter().map(step).sum()
    }

    /// From the start of `first` to the end of the word before the current one.
    fn place_from(&self, first: Place) -> Place {
        let end = self.at.checked_sub(1).map_or(first.end, |before| self.tokens[before].place.end);
        Place { end, ..first }
    }

    fn node(&self, kind: ExprKind, place: Place) -> Result<Expr> {
        check::node(kind, place)
    }

    /// Counts how deep the parser itself is nested, so that `((((...` ends with an error instead of the stack.
    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Parser) -> Result<T>) -> Result<T> {
        if self.depth >= DEPTH_MAX {
            return self.error_here(check::TOO_DEEP);
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }

    fn expression(&mut self) -> Result<Expr> {
        self.deeper(|parser| parser.binary(1))
    }

    /// Operators of at least the given precedence.
    fn binary(&mut self, precedence_min: u8) -> Result<Expr> {
        let start = self.peek().place;
        let mut left = self.unary()?;
        loop {
            let Some(precedence) = self.operator().map(BinaryOp::precedence).filter(|p| *p >= precedence_min) else {
                return Ok(left);
            };
            left = self.chain(left, precedence, start)?;
        }
    }

    /// All operators of one precedence that follow each other.
    fn chain(&mut self, left: Expr, precedence: u8, start: Place) -> Result<Expr> {
        let first = Box::new(left);
        let mut rest = Vec::new();
        while let Some(op) = self.operator().filter(|op| op.precedence() == precedence) {
            rest.push(self.term(op, precedence)?);
        }
        self.node(ExprKind::Binary(Binary { first, rest }), self.place_from(start))
    }

    fn term(&mut self, op: BinaryOp, precedence: u8) -> Result<Term> {
        let op_place = self.next().place;
        let (bool_result, matching) = self.modifiers()?;
        // Power binds to the right: its right side takes all further powers.
        let right_min = if op == BinaryOp::Pow { precedence } else { precedence + 1 };
        let expr = self.deeper(|parser| parser.binary(right_min))?;
        Ok(Term { op, op_place, bool_result, matching, expr })
    }

    fn operator(&self) -> Option<BinaryOp> {
        match self.peek_kind() {
            TokenKind::Op(op) => Some(*op),
            _ => None,
        }
    }

    /// `bool`, `on (...)`, `ignoring (...)`, `group_left (...)`, `group_right (...)` after an operator.
    fn modifiers(&mut self) -> Result<(bool, Matching)> {
        let bool_result = self.take_word(Word::Bool);
        let mut matching = Matching::default();
        let is_matching = matches!(self.peek_kind(), TokenKind::Word(Word::On | Word::Ignoring));
        if !is_matching {
            return Ok((bool_result, matching));
        }
        matching.on = self.next().kind == TokenKind::Word(Word::On);
        matching.labels = self.label_list()?;
        let side = match self.peek_kind() {
            TokenKind::Word(Word::GroupLeft) => Side::Left,
            TokenKind::Word(Word::GroupRight) => Side::Right,
            _ => return Ok((bool_result, matching)),
        };
        self.at += 1;
        let include = if *self.peek_kind() == TokenKind::LeftParen { self.label_list()? } else { Vec::new() };
        matching.group = Some(Group { side, include });
        Ok((bool_result, matching))
    }

    /// `(a, "b.c", by)`
    fn label_list(&mut self) -> Result<Vec<String>> {
        self.expect(&TokenKind::LeftParen, "grouping opts", "\"(\"")?;
        let mut labels = Vec::new();
        while !self.take(&TokenKind::RightParen) {
            let token = self.peek().clone();
            match &token.kind {
                TokenKind::Text(name) if !name.is_empty() => labels.push(name.clone()),
                _ if token.is_label_name() => labels.push(token.text.clone()),
                _ => return self.unexpected(" in grouping opts, expected label"),
            }
            self.at += 1;
            if !self.take(&TokenKind::Comma) && *self.peek_kind() != TokenKind::RightParen {
                return self.unexpected(" in grouping opts, expected \",\" or \")\"");
            }
        }
        Ok(labels)
    }

    fn unary(&mut self) -> Result<Expr> {
        let start = self.peek().place;
        let negate = match self.peek_kind() {
            TokenKind::Op(BinaryOp::Sub) => true,
            TokenKind::Op(BinaryOp::Add) => false,
            _ => return self.postfix(),
        };
        self.signed(negate, start)
    }

    /// What follows a sign.
    fn signed(&mut self, negate: bool, start: Place) -> Result<Expr> {
        self.at += 1;
        let operand = self.deeper(|parser| parser.binary(BinaryOp::Pow.precedence()))?;
        let place = self.place_from(start);
        let signed = |value: f64| if negate { -value } else { value };
        match operand.kind {
            ExprKind::Number(value) => self.node(ExprKind::Number(signed(value)), place),
            ExprKind::Duration(value) => self.node(ExprKind::Duration(signed(value)), place),
            _ => self.node(ExprKind::Unary { negate, expr: Box::new(operand) }, place),
        }
    }

    /// A primary with its ranges, offsets and times.
    fn postfix(&mut self) -> Result<Expr> {
        let start = self.peek().place;
        let expr = self.primary()?;
        match self.peek_kind() {
            TokenKind::LeftBracket | TokenKind::At | TokenKind::Word(Word::Offset) => self.postfixes(expr, start),
            _ => Ok(expr),
        }
    }

    fn postfixes(&mut self, mut expr: Expr, start: Place) -> Result<Expr> {
        loop {
            expr = match self.peek_kind() {
                TokenKind::LeftBracket => self.brackets(expr, start)?,
                TokenKind::Word(Word::Offset) => self.offset(expr, start)?,
                TokenKind::At => self.at_time(expr, start)?,
                _ => return Ok(expr),
            };
        }
    }

    fn brackets(&mut self, expr: Expr, start: Place) -> Result<Expr> {
        self.at += 1;
        let range = self.positive_duration()?;
        if self.take(&TokenKind::Colon) {
            let step = if *self.peek_kind() == TokenKind::RightBracket { None } else { Some(self.positive_duration()?) };
            self.close_bracket("subquery selector", "\"]\"")?;
            let subquery = Subquery { expr, range, step, offset: Millis::ZERO, at: None };
            return self.node(ExprKind::Subquery(Box::new(subquery)), self.place_from(start));
        }
        self.close_bracket("subquery or range", "\":\" or \"]\"")?;
        let place = self.place_from(start);
        match expr.kind {
            ExprKind::Vector(selector) if selector.at.is_some() => Err(ParseError::new("no @ modifiers allowed before range", place)),
            ExprKind::Vector(selector) if selector.offset != Millis::ZERO => {
                Err(ParseError::new("no offset modifiers allowed before range", place))
            }
            ExprKind::Vector(selector) => self.node(ExprKind::Range(RangeSelector { selector, range }), place),
            _ => Err(ParseError::new("ranges only allowed for vector selectors", place)),
        }
    }

    fn close_bracket(&mut self, context: &str, expected: &str) -> Result<()> {
        if *self.peek_kind() == TokenKind::End {
            return self.error_here("unclosed left bracket");
        }
        self.expect(&TokenKind::RightBracket, context, expected)
    }

    fn offset(&mut self, mut expr: Expr, start: Place) -> Result<Expr> {
        let word = self.next().place;
        let seconds = self.signed_duration()?;
        let length = self.millis(seconds, word)?;
        let place = self.place_from(start);
        let Some((offset, _)) = time_modifiers(&mut expr) else {
            let message = "offset modifier must be preceded by an instant vector selector or range vector selector or a subquery";
            return Err(ParseError::new(message, expr.place));
        };
        if *offset != Millis::ZERO {
            return Err(ParseError::new("offset may not be set multiple times", place));
        }
        *offset = length;
        expr.place = place;
        Ok(expr)
    }

    fn at_time(&mut self, mut expr: Expr, start: Place) -> Result<Expr> {
        let sign = self.next().place;
        let time = match self.peek_kind() {
            TokenKind::Word(word @ (Word::Start | Word::End)) => {
                let time = if *word == Word::Start { At::Start } else { At::End };
                self.at += 1;
                self.expect(&TokenKind::LeftParen, "@", "\"(\"")?;
                self.expect(&TokenKind::RightParen, "@", "\")\"")?;
                time
            }
            _ => {
                let seconds = self.signed_literal("@")?;
                if !seconds.is_finite() || seconds.abs() >= i64::MAX as f64 / 1000.0 {
                    return Err(ParseError::new(format!("timestamp out of bounds for @ modifier: {seconds}"), sign));
                }
                At::Time(Timestamp::from_seconds(seconds))
            }
        };
        let place = self.place_from(start);
        let Some((_, at)) = time_modifiers(&mut expr) else {
            let message = "@ modifier must be preceded by an instant vector selector or range vector selector or a subquery";
            return Err(ParseError::new(message, expr.place));
        };
        if at.is_some() {
            return Err(ParseError::new("@ <timestamp> may not be set multiple times", place));
        }
        *at = Some(time);
        expr.place = place;
        Ok(expr)
    }

    fn positive_duration(&mut self) -> Result<Millis> {
        let place = self.peek().place;
        let seconds = self.duration_sum()?;
        let length = self.millis(seconds, place)?;
        if length.0 <= 0 {
            return Err(ParseError::new("duration must be greater than 0", place));
        }
        Ok(length)
    }

    fn millis(&self, seconds: f64, place: Place) -> Result<Millis> {
        // The bound is Go's time.Duration, nanoseconds in 63 bits: about 292 years.
        if !seconds.is_finite() || seconds.abs() > i64::MAX as f64 / 1e9 {
            return Err(ParseError::new("duration out of range", place));
        }
        Ok(Millis((seconds * 1000.0).round() as i64))
    }

    /// After `offset`: a literal with signs, or arithmetic in parentheses.
    fn signed_duration(&mut self) -> Result<f64> {
        match self.operator() {
            Some(BinaryOp::Sub) => {
                self.at += 1;
                Ok(-self.duration_atom()?)
            }
            Some(BinaryOp::Add) => {
                self.at += 1;
                self.duration_atom()
            }
            _ => self.duration_atom(),
        }
    }

    fn signed_literal(&mut self, context: &str) -> Result<f64> {
        let negate = self.operator() == Some(BinaryOp::Sub);
        if negate || self.operator() == Some(BinaryOp::Add) {
            self.at += 1;
        }
        match *self.peek_kind() {
            TokenKind::Number(value) | TokenKind::Duration(value) => {
                self.at += 1;
                Ok(if negate { -value } else { value })
            }
            _ => self.unexpected(&format!(" in {context}, expected timestamp")),
        }
    }

    /// Arithmetic on durations is folded here: it holds literals only.
    fn duration_sum(&mut self) -> Result<f64> {
        let mut value = self.duration_product()?;
        while let Some(op @ (BinaryOp::Add | BinaryOp::Sub)) = self.operator() {
            self.at += 1;
            let right = self.duration_product()?;
            value = if op == BinaryOp::Add { value + right } else { value - right };
        }
        Ok(value)
    }

    fn duration_product(&mut self) -> Result<f64> {
        let mut value = self.duration_power()?;
        while let Some(op @ (BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod)) = self.operator() {
            self.at += 1;
            let place = self.peek().place;
            let right = self.duration_power()?;
            value = match op {
                BinaryOp::Mul => value * right,
                _ if right == 0.0 => return Err(ParseError::new("division by zero", place)),
                BinaryOp::Div => value / right,
                _ => value % right,
            };
        }
        Ok(value)
    }

    fn duration_power(&mut self) -> Result<f64> {
        if let Some(op @ (BinaryOp::Sub | BinaryOp::Add)) = self.operator() {
            self.at += 1;
            let value = self.deeper(Parser::duration_power)?;
            return Ok(if op == BinaryOp::Sub { -value } else { value });
        }
        let value = self.duration_atom()?;
        if self.operator() == Some(BinaryOp::Pow) {
            self.at += 1;
            return Ok(value.powf(self.deeper(Parser::duration_power)?));
        }
        Ok(value)
    }

    fn duration_atom(&mut self) -> Result<f64> {
        match *self.peek_kind() {
            TokenKind::Number(value) | TokenKind::Duration(value) => {
                self.at += 1;
                Ok(value)
            }
            TokenKind::LeftParen => {
                self.at += 1;
                let value = self.deeper(Parser::duration_sum)?;
                self.expect(&TokenKind::RightParen, "duration", "\")\"")?;
                Ok(value)
            }
            _ => self.unexpected(" in duration, expected number or duration"),
        }
    }

    fn parenthesized(&mut self) -> Result<Expr> {
        let start = self.next().place;
        let inner = Box::new(self.expression()?);
        if *self.peek_kind() == TokenKind::End {
            return self.error_here("unclosed left parenthesis");
        }
        self.expect(&TokenKind::RightParen, "parenthesized expression", "\")\"")?;
        self.node(ExprKind::Paren(inner), self.place_from(start))
    }

    fn literal(&mut self, kind: ExprKind) -> Result<Expr> {
        let place = self.next().place;
        self.node(kind, place)
    }

    fn primary(&mut self) -> Result<Expr> {
        let token = self.peek();
        let opens_aggregate = matches!(self.second(), TokenKind::LeftParen | TokenKind::Word(Word::By | Word::Without));
        match &token.kind {
            TokenKind::Number(value) => self.literal(ExprKind::Number(*value)),
            TokenKind::Duration(value) => self.literal(ExprKind::Duration(*value)),
            TokenKind::Text(text) => self.literal(ExprKind::Text(text.clone())),
            TokenKind::LeftParen => self.parenthesized(),
            TokenKind::LeftBrace => self.selector(None),
            TokenKind::Aggregate(op) if opens_aggregate => self.aggregate(*op),
            TokenKind::Name if *self.second() == TokenKind::LeftParen => self.call(),
            _ if token.is_metric_name() => {
                let name = self.next();
                self.selector(Some(name))
            }
            _ => self.unexpected(""),
        }
    }

    fn call(&mut self) -> Result<Expr> {
        let name = self.next();
        let Some(function) = function(&name.text) else {
            return Err(ParseError::new(format!("unknown function with name {:?}", name.text), name.place));
        };
        let args = self.arguments()?;
        self.node(ExprKind::Call(Call { function, args }), self.place_from(name.place))
    }

    /// `(a, b)`; no comma before the closing parenthesis.
    fn arguments(&mut self) -> Result<Vec<Expr>> {
        self.expect(&TokenKind::LeftParen, "call", "\"(\"")?;
        let mut args = Vec::new();
        if self.take(&TokenKind::RightParen) {
            return Ok(args);
        }
        loop {
            args.push(self.expression()?);
            if self.take(&TokenKind::RightParen) {
                return Ok(args);
            }
            if *self.peek_kind() == TokenKind::End {
                return self.error_here("unclosed left parenthesis");
            }
            self.expect(&TokenKind::Comma, "argument list", "\",\" or \")\"")?;
            if *self.peek_kind() == TokenKind::RightParen {
                return self.error_here("trailing commas not allowed in function call args");
            }
        }
    }

    fn aggregate(&mut self, op: AggregateOp) -> Result<Expr> {
        let start = self.next().place;
        let before = self.aggregate_modifier()?;
        let mut args = self.arguments()?;
        let modifier = match before {
            Some(modifier) => Some(modifier),
            None => self.aggregate_modifier()?,
        };
        let place = self.place_from(start);
        let wanted = 1 + usize::from(op.param_type().is_some());
        if args.is_empty() {
            return Err(ParseError::new("no arguments for aggregate expression provided", place));
        }
        if args.len() != wanted {
            let message = format!("wrong number of arguments for aggregate expression provided, expected {wanted}, got {}", args.len());
            return Err(ParseError::new(message, place));
        }
        let Some(expr) = args.pop() else {
            return Err(ParseError::new("no arguments for aggregate expression provided", place));
        };
        let (without, grouping) = modifier.unwrap_or_default();
        let aggregate = Aggregate { op, expr, param: args.pop(), grouping, without };
        self.node(ExprKind::Aggregate(Box::new(aggregate)), place)
    }

    fn aggregate_modifier(&mut self) -> Result<Option<(bool, Vec<String>)>> {
        let without = match self.peek_kind() {
            TokenKind::Word(Word::Without) => true,
            TokenKind::Word(Word::By) => false,
            _ => return Ok(None),
        };
        self.at += 1;
        Ok(Some((without, self.label_list()?)))
    }

    /// Name and braces; at least one of them is there.
    fn selector(&mut self, name: Option<Token>) -> Result<Expr> {
        let start = name.as_ref().map_or(self.peek().place, |name| name.place);
        let mut name = name.map(|token| token.text);
        let mut matchers = Vec::new();
        if self.take(&TokenKind::LeftBrace) {
            while !self.take(&TokenKind::RightBrace) {
                self.label_matcher(&mut name, &mut matchers)?;
                if *self.peek_kind() == TokenKind::End {
                    return self.unexpected(" inside braces");
                }
                if !self.take(&TokenKind::Comma) && *self.peek_kind() != TokenKind::RightBrace {
                    return self.unexpected(" in label matching, expected \",\" or \"}\"");
                }
            }
        }
        let place = self.place_from(start);
        if let Some(name) = &name {
            if let Some(other) = matchers.iter().find(|matcher| matcher.name == METRIC_NAME) {
                let message = format!("metric name must not be set twice: {name:?} or {:?}", other.value);
                return Err(ParseError::new(message, place));
            }
            matchers.push(Matcher::equal(METRIC_NAME, name.as_str()));
        }
        if matchers.iter().all(Matcher::matches_empty) {
            return Err(ParseError::new("vector selector must contain at least one non-empty matcher", place));
        }
        self.node(ExprKind::Vector(VectorSelector { name, matchers, offset: Millis::ZERO, at: None }), place)
    }

    /// `label="value"` or a quoted metric name.
    fn label_matcher(&mut self, metric: &mut Option<String>, matchers: &mut Vec<Matcher>) -> Result<()> {
        let token = self.next();
        let op = match self.peek_kind() {
            TokenKind::Assign => Some(MatchOp::Equal),
            TokenKind::Op(BinaryOp::NotEqual) => Some(MatchOp::NotEqual),
            TokenKind::RegexMatch => Some(MatchOp::Regex),
            TokenKind::RegexNotMatch => Some(MatchOp::NotRegex),
            _ => None,
        };
        let unexpected = |token: &Token, expected: &str| {
            let message = format!("unexpected {} in label matching, expected {expected}", token.describe());
            Err(ParseError::new(message, token.place))
        };
        let name = match (&token.kind, op) {
            (TokenKind::Text(name), None) => {
                if let Some(other) = metric {
                    return Err(ParseError::new(format!("metric name must not be set twice: {other:?} or {name:?}"), token.place));
                }
                *metric = Some(name.clone());
                return Ok(());
            }
            (TokenKind::Text(name), Some(_)) if !name.is_empty() => name.clone(),
            (TokenKind::Name, Some(_)) => token.text.clone(),
            (TokenKind::Name, None) => return unexpected(self.peek(), "label matching operator"),
            _ => return unexpected(&token, "identifier or \"}\""),
        };
        let Some(op) = op else { return unexpected(self.peek(), "label matching operator") };
        self.at += 1;
        let value = self.next();
        let TokenKind::Text(text) = &value.kind else {
            return unexpected(&value, "string");
        };
        let matcher = Matcher::new(name, op, text.as_str()).map_err(|error| ParseError::new(error.to_string(), value.place))?;
        matchers.push(matcher);
        Ok(())
    }
}

/// Offset and time of the expressions that have them.
fn time_modifiers(expr: &mut Expr) -> Option<(&mut Millis, &mut Option<At>)> {
    match &mut expr.kind {
        ExprKind::Vector(selector) => Some((&mut selector.offset, &mut selector.at)),
        ExprKind::Range(range) => Some((&mut range.selector.offset, &mut range.selector.at)),
        ExprKind::Subquery(subquery) => Some((&mut subquery.offset, &mut subquery.at)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
