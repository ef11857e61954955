//! What is left of rows that are no longer kept: a number made of the id, who predicted it, and its true value.
//!
//! So a row or a true value that is sent again is known for as many rows again as are kept, whatever time it says.

use std::collections::{HashMap, VecDeque};

use crate::ledger::Was;

#[derive(Debug, Default)]
pub(crate) struct Past {
    rows: HashMap<u64, Gone>,
    /// In the order in which they went.
    order: VecDeque<u64>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Gone {
    pub(crate) was: Was,
    /// A bit for each role.
    roles: u16,
}

impl Past {
    pub(crate) fn get(&self, id: u64) -> Option<&Gone> {
        self.rows.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: u64) -> Option<&mut Gone> {
        self.rows.get_mut(&id)
    }

    pub(crate) fn has(&self, id: u64, role: usize) -> bool {
        self.rows.get(&id).is_some_and(|gone| gone.roles & 1 << role != 0)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// `ended`: true values that are no longer held here.
    pub(crate) fn put(&mut self, id: u64, role: usize, was: Was, rows_max: usize, mut ended: impl FnMut(Was)) {
        let bit = 1 << role;
        match self.rows.get_mut(&id) {
            Some(gone) => {
                gone.roles |= bit;
                ended(std::mem::replace(&mut gone.was, was));
            }
            None => {
                self.rows.insert(id, Gone { was, roles: bit });
                self.order.push_back(id);
            }
        }
        while self.order.len() > rows_max {
            let oldest = self.order.pop_front();
            if let Some(gone) = oldest.and_then(|id| self.rows.remove(&id)) {
                ended(gone.was);
            }
        }
    }
}
