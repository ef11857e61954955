//! What a team asks of every alerting rule (`check:` of bellbuoy.yml).

/// Names that each alert must have. A name with `|` in it is a choice: `summary|description`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    pub labels: Vec<String>,
    pub annotations: Vec<String>,
    /// Values that a label may have; a label that is not listed may have any.
    pub values: Vec<(String, Vec<String>)>,
    /// Somebody wrote it down: what it asks for is a warning, else only a note.
    pub written: bool,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            labels: vec!["severity".into()],
            annotations: vec!["summary|description|message".into()],
            values: Vec::new(),
            written: false,
        }
    }
}
