//! Detectors for streams: one value at a time, a signal when the stream has changed. Defined as in River (0.26), checked against
//! what it says on the same sequences. For features, predictions and errors; a batch of rows is better judged by `drift_report`.

mod adwin;
mod ddm;
mod kswin;
mod page_hinkley;

pub use adwin::{Adwin, AdwinOptions};
pub use ddm::{Ddm, DdmOptions};
pub use kswin::{Kswin, KswinOptions};
pub use page_hinkley::{PageHinkley, PageHinkleyMode, PageHinkleyOptions};

/// What a detector says to a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    Stable,
    /// Only `Ddm` warns.
    Warning,
    /// The stream has changed; the detector starts anew with the next value.
    Drift,
    /// NaN or infinite (`Ddm`: neither 0 nor 1): the value changed nothing.
    Ignored,
}

/// One value in, one signal out.
pub trait Detector {
    fn update(&mut self, value: f64) -> Signal;
}

#[cfg(test)]
mod tests;
