//! Panics that are findings, and are not printed.

use std::any::Any;
use std::cell::Cell;
use std::panic;
use std::sync::Once;

thread_local! {
    /// Is what panics in this thread a finding?
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Does this work. Panics in it, and in this thread alone, are not printed: they are findings.
pub fn quietly<T>(work: impl FnOnce() -> T) -> T {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let loud = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !IS_QUIET.get() {
                loud(panic);
            }
        }));
    });
    /// Ends the silence, even if the work ends in a panic.
    struct Silence {
        before: bool,
    }
    impl Drop for Silence {
        fn drop(&mut self) {
            IS_QUIET.set(self.before);
        }
    }
    let _silence = Silence { before: IS_QUIET.replace(true) };
    work()
}

/// What a panic said.
pub(crate) fn words_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it did not say why")
}
