//! Panics of code that is not ours, as values: its assertions about bytes are no news for the terminal of who runs the program.
//!
//! In:    work on bytes of a file. Out: what it gives, or that it panicked.
//! Never: hides a panic of another thread, or one outside of `caught`.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// `None`: it panicked. Nothing is printed of it. What the work has changed by then is for the caller to throw away.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            if !QUIET.get() {
                before(panic);
            }
        }));
    });
    let before = QUIET.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work)).ok();
    QUIET.set(before);
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_value() {
        assert_eq!(caught(|| caught(|| panic!("inside")).is_none()), Some(true));
        assert_eq!(caught(|| 7), Some(7));
        assert!(!QUIET.get());
    }
}
