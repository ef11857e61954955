//! Files of other programs, whole and broken, through what the crate shows.

mod bad_input;
mod foreign;
