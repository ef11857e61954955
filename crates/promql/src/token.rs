//! The words of the language.

use crate::ast::{AggregateOp, BinaryOp, Place};

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token {
    pub kind: TokenKind,
    pub place: Place,
    /// As written.
    pub text: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TokenKind {
    End,
    /// `foo`; also words that are keywords in other places of the grammar.
    Name,
    /// `foo:bar`
    MetricName,
    Number(f64),
    /// In seconds.
    Duration(f64),
    Text(String),
    Op(BinaryOp),
    Aggregate(AggregateOp),
    Word(Word),
    /// `=`, only between label and value.
    Assign,
    RegexMatch,
    RegexNotMatch,
    LeftParen,
    RightParen,
    LeftBrace,
    RightBrace,
    LeftBracket,
    RightBracket,
    Comma,
    Colon,
    At,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    By,
    Without,
    On,
    Ignoring,
    GroupLeft,
    GroupRight,
    Bool,
    Offset,
    Start,
    End,
}

impl Token {
    /// A word that may be the name of a label: every word is.
    pub fn is_label_name(&self) -> bool {
        match &self.kind {
            TokenKind::Name | TokenKind::Aggregate(_) | TokenKind::Word(_) => true,
            TokenKind::Op(_) | TokenKind::Number(_) => {
                self.text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') && !self.starts_with_digit()
            }
            _ => false,
        }
    }

    /// A word that may be the name of a metric: all but those that follow an operator.
    pub fn is_metric_name(&self) -> bool {
        match self.kind {
            TokenKind::Name | TokenKind::MetricName | TokenKind::Aggregate(_) => true,
            TokenKind::Word(word) => matches!(word, Word::By | Word::Without | Word::Offset | Word::Start | Word::End),
            TokenKind::Op(op) => op.is_set(),
            _ => false,
        }
    }

    fn starts_with_digit(&self) -> bool {
        self.text.as_bytes().first().is_some_and(u8::is_ascii_digit)
    }

    /// As error messages name it.
    pub fn describe(&self) -> String {
        match &self.kind {
            TokenKind::End => "end of input".into(),
            TokenKind::Name => format!("identifier {:?}", self.text),
            TokenKind::MetricName => format!("metric identifier {:?}", self.text),
            TokenKind::Number(_) => format!("number {:?}", self.text),
            TokenKind::Duration(_) => format!("duration {:?}", self.text),
            TokenKind::Text(_) => format!("string {:?}", self.text),
            TokenKind::Op(_) => format!("<op:{}>", self.text.to_ascii_lowercase()),
            TokenKind::Aggregate(_) => format!("<aggr:{}>", self.text.to_ascii_lowercase()),
            TokenKind::Word(_) => format!("<{}>", self.text.to_ascii_lowercase()),
            TokenKind::RegexMatch | TokenKind::RegexNotMatch => format!("<op:{}>", self.text),
            _ => format!("{:?}", self.text),
        }
    }
}

/// Keywords, in lower case; they are recognised in any case.
pub(crate) fn keyword(word: &str) -> Option<TokenKind> {
    use TokenKind::{Aggregate, Number, Op, Word as W};
    Some(match word.to_ascii_lowercase().as_str() {
        "and" => Op(BinaryOp::And),
        "or" => Op(BinaryOp::Or),
        "unless" => Op(BinaryOp::Unless),
        "atan2" => Op(BinaryOp::Atan2),
        "sum" => Aggregate(AggregateOp::Sum),
        "avg" => Aggregate(AggregateOp::Avg),
        "count" => Aggregate(AggregateOp::Count),
        "min" => Aggregate(AggregateOp::Min),
        "max" => Aggregate(AggregateOp::Max),
        "group" => Aggregate(AggregateOp::Group),
        "stddev" => Aggregate(AggregateOp::Stddev),
        "stdvar" => Aggregate(AggregateOp::Stdvar),
        "topk" => Aggregate(AggregateOp::Topk),
        "bottomk" => Aggregate(AggregateOp::Bottomk),
        "count_values" => Aggregate(AggregateOp::CountValues),
        "quantile" => Aggregate(AggregateOp::Quantile),
        "limitk" => Aggregate(AggregateOp::Limitk),
        "limit_ratio" => Aggregate(AggregateOp::LimitRatio),
        "offset" => W(Word::Offset),
        "by" => W(Word::By),
        "without" => W(Word::Without),
        "on" => W(Word::On),
        "ignoring" => W(Word::Ignoring),
        "group_left" => W(Word::GroupLeft),
        "group_right" => W(Word::GroupRight),
        "bool" => W(Word::Bool),
        "start" => W(Word::Start),
        "end" => W(Word::End),
        "inf" => Number(f64::INFINITY),
        "nan" => Number(f64::NAN),
        _ => return None,
    })
}
