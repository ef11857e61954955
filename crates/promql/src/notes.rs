//! Warnings and infos of a query, each once.

use crate::ast::Place;

#[derive(Debug, Default)]
pub(crate) struct Notes {
    warnings: Vec<String>,
    infos: Vec<String>,
}

/// More than that do not help anybody.
const NOTES_MAX: usize = 100;

impl Notes {
    pub fn warn(&mut self, place: Place, message: &str) {
        add(&mut self.warnings, format!("PromQL warning: {message} ({}:{})", place.line, place.column));
    }

    pub fn info(&mut self, place: Place, message: &str) {
        add(&mut self.infos, format!("PromQL info: {message} ({}:{})", place.line, place.column));
    }

    /// Warnings, then infos.
    pub fn texts(self) -> (Vec<String>, Vec<String>) {
        (self.warnings, self.infos)
    }
}

fn add(list: &mut Vec<String>, text: String) {
    if list.len() < NOTES_MAX && !list.contains(&text) {
        list.push(text);
    }
}
