//! Formulas of `type: math`: text -> tree.
//!
//! ```text
//! or   = and {"||" and}            sum   = product {("+" | "-") product}
//! and  = cmp {"&&" cmp}            product = power {("*" | "/" | "%") power}
//! cmp  = sum {("==" | "!=" | ...) sum}   power = unary {"**" unary}, from left to right
//! unary = ("-" | "!") unary | "(" or ")" | number | $A | ${A} | name "(" or ")"
//! ```

use std::fmt;

/// Nested parentheses, signs and calls of a formula.
const DEPTH_MAX: usize = 100;
/// Longer formulas are refused.
const BYTES_MAX: usize = 64 * 1024;

#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    Number(f64),
    /// A refId.
    Variable(String),
    Unary(UnaryOp, Box<Tree>),
    Binary(BinaryOp, Box<Tree>, Box<Tree>),
    /// `nan()`, `inf()`, `infn()`, `null()`.
    Constant(Option<f64>),
    Call(Function, Box<Tree>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    Minus,
    Not,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    Or,
    And,
    Equal,
    NotEqual,
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    Abs,
    Log,
    Round,
    Ceil,
    Floor,
    IsNan,
    IsInf,
    IsNull,
    IsNumber,
}

/// What is wrong with a formula. `at`: the byte where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MathError {
    pub at: usize,
    pub message: String,
}

impl fmt::Display for MathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

const FUNCTIONS: [&str; 13] =
    ["abs", "log", "round", "ceil", "floor", "is_nan", "is_inf", "is_null", "is_number", "nan", "inf", "infn", "null"];

/// The operators, lowest level first; of one level the longer ones first.
const LEVELS: [&[(&str, BinaryOp)]; 6] = [
    &[("||", BinaryOp::Or)],
    &[("&&", BinaryOp::And)],
    &[
        ("==", BinaryOp::Equal),
        ("!=", BinaryOp::NotEqual),
        (">=", BinaryOp::GreaterEqual),
        ("<=", BinaryOp::LessEqual),
        (">", BinaryOp::Greater),
        ("<", BinaryOp::Less),
    ],
    &[("+", BinaryOp::Add), ("-", BinaryOp::Subtract)],
    &[("*", BinaryOp::Multiply), ("/", BinaryOp::Divide), ("%", BinaryOp::Modulo)],
    &[("**", BinaryOp::Power)],
];

pub fn parse(text: &str) -> Result<Tree, MathError> {
    if text.len() > BYTES_MAX {
        return Err(MathError { at: 0, message: format!("formula is longer than {BYTES_MAX} bytes") });
    }
    let mut parser = Parser { text, at: 0, depth: 0 };
    let tree = parser.level(0)?;
    parser.spaces();
    if parser.at < text.len() {
        return parser.fail(format!("unexpected {:?}", parser.rest().chars().next().unwrap_or(' ')));
    }
    Ok(tree)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn spaces(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn fail<T>(&self, message: impl Into<String>) -> Result<T, MathError> {
        Err(MathError { at: self.at, message: message.into() })
    }

    fn take(&mut self, token: &str) -> bool {
        self.spaces();
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn level(&mut self, level: usize) -> Result<Tree, MathError> {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.level(level + 1)?;
        while let Some(op) = self.operator(operators) {
            let right = self.level(level + 1)?;
            left = Tree::Binary(op, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn operator(&mut self, operators: &[(&str, BinaryOp)]) -> Option<BinaryOp> {
        self.spaces();
        let (text, op) = operators.iter().find(|(text, _)| self.rest().starts_with(text))?;
        // `*` of `**` belongs to the level below.
        if *text == "*" && self.rest().starts_with("**") {
            return None;
        }
        self.at += text.len();
        Some(*op)
    }

    fn unary(&mut self) -> Result<Tree, MathError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return self.fail(format!("formula is nested deeper than {DEPTH_MAX} levels"));
        }
        let tree = self.operand();
        self.depth -= 1;
        tree
    }

    fn operand(&mut self) -> Result<Tree, MathError> {
        self.spaces();
        let Some(first) = self.rest().chars().next() else { return self.fail("the formula ends where a value is expected") };
        match first {
            '-' | '!' => {
                self.at += 1;
                let op = if first == '-' { UnaryOp::Minus } else { UnaryOp::Not };
                Ok(Tree::Unary(op, Box::new(self.unary()?)))
            }
            '(' => {
                self.at += 1;
                let inner = self.level(0)?;
                if self.take(")") { Ok(inner) } else { self.fail("a closing parenthesis is missing") }
            }
            '$' => self.variable(),
            '0'..='9' | '.' => self.number(),
            c if c.is_ascii_alphabetic() => self.call(),
            c => self.fail(format!("unexpected {c:?} where a value is expected")),
        }
    }

    fn variable(&mut self) -> Result<Tree, MathError> {
        let rest = &self.rest()[1..];
        if let Some(inner) = rest.strip_prefix('{') {
            let Some(end) = inner.find('}').filter(|end| *end > 0) else { return self.fail("incomplete variable") };
            self.at += end + 3;
            return Ok(Tree::Variable(inner[..end].to_string()));
        }
        let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        if length == 0 {
            return self.fail("incomplete variable");
        }
        self.at += length + 1;
        Ok(Tree::Variable(rest[..length].to_string()))
    }

    fn number(&mut self) -> Result<Tree, MathError> {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        if rest.starts_with("0x") || rest.starts_with("0X") {
            let end = rest[2..].find(|c: char| !c.is_ascii_hexdigit()).map_or(rest.len(), |end| end + 2);
            let Ok(number) = u64::from_str_radix(&rest[2..end], 16) else { return self.fail("bad number") };
            self.at += end;
            return Ok(Tree::Number(number as f64));
        }
        let mut end = bytes.iter().take_while(|b| b.is_ascii_digit() || **b == b'.').count();
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            end += 1;
            if matches!(bytes.get(end), Some(b'+' | b'-')) {
                end += 1;
            }
            end += bytes[end..].iter().take_while(|b| b.is_ascii_digit()).count();
        }
        let Ok(number) = rest[..end].parse() else { return self.fail(format!("bad number {:?}", &rest[..end])) };
        self.at += end;
        Ok(Tree::Number(number))
    }

    fn call(&mut self) -> Result<Tree, MathError> {
        let rest = self.rest();
        let begin = self.at;
        let name = &rest[..rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len())];
        let function = match name {
            "abs" => Ok(Function::Abs),
            "log" => Ok(Function::Log),
            "round" => Ok(Function::Round),
            "ceil" => Ok(Function::Ceil),
            "floor" => Ok(Function::Floor),
            "is_nan" => Ok(Function::IsNan),
            "is_inf" => Ok(Function::IsInf),
            "is_null" => Ok(Function::IsNull),
            "is_number" => Ok(Function::IsNumber),
            "nan" => Err(Some(f64::NAN)),
            "inf" => Err(Some(f64::INFINITY)),
            "infn" => Err(Some(f64::NEG_INFINITY)),
            "null" => Err(None),
            _ => {
                let near = bellbuoy_vocabulary::nearest(name, FUNCTIONS);
                let hint = near.map_or_else(|| "a refId is written with $".to_string(), |near| format!("did you mean {near}()?"));
                return self.fail(format!("there is no function {name:?}; {hint}"));
            }
        };
        self.at += name.len();
        if !self.take("(") {
            return self.fail(format!("( is missing after {name}"));
        }
        match function {
            Err(_) if !self.take(")") => self.fail(format!("{name}() takes no arguments")),
            Err(constant) => Ok(Tree::Constant(constant)),
            Ok(_) if self.take(")") => Err(MathError { at: begin, message: format!("{name}() needs one argument") }),
            Ok(function) => {
                let argument = self.level(0)?;
                if !self.take(")") {
                    return self.fail(format!("{name}() takes one argument and a closing parenthesis"));
                }
                Ok(Tree::Call(function, Box::new(argument)))
            }
        }
    }
}
