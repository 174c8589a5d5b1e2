//! What WebAssembly exports. Texts are UTF-8 in this module's memory: a place in it, and a length.
//!
//! The page writes a request at the place that `reserve` returns, calls `ask`, and reads the response at the place
//! that `answer` returns. After a trap it reads there what `last_words` tells the length of, and makes a new
//! instance.
#![allow(unsafe_code, reason = "an exported name could hide another one; these don't")]

use crate::Engine;
use std::cell::RefCell;
use std::panic::{self, PanicHookInfo};
use std::sync::Once;

#[derive(Default)]
struct Texts {
    request: Vec<u8>,
    answer: String,
}

thread_local! {
    static ENGINE: RefCell<Engine> = RefCell::default();
    static TEXTS: RefCell<Texts> = RefCell::default();
}

/// Makes room for a request of this many bytes, and returns its place.
#[unsafe(no_mangle)]
extern "C" fn reserve(length: usize) -> *const u8 {
    TEXTS.with_borrow_mut(|texts| {
        texts.request = vec![0; length];
        texts.request.as_ptr()
    })
}

/// Asks the engine, and returns the length of its response.
#[unsafe(no_mangle)]
extern "C" fn ask() -> usize {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| panic::set_hook(Box::new(|panic| keep(panic_words(panic)))));
    let request = TEXTS.with_borrow_mut(|texts| std::mem::take(&mut texts.request));
    keep(String::new());
    keep(ENGINE.with_borrow_mut(|engine| engine.ask(&String::from_utf8_lossy(&request))));
    TEXTS.with_borrow(|texts| texts.answer.len())
}

/// The place of the response, or of the last words.
#[unsafe(no_mangle)]
extern "C" fn answer() -> *const u8 {
    TEXTS.with_borrow(|texts| texts.answer.as_ptr())
}

/// After a trap: the length of what the panic said, or 0 if it said nothing.
#[unsafe(no_mangle)]
extern "C" fn last_words() -> usize {
    TEXTS.with_borrow(|texts| texts.answer.len())
}

fn panic_words(panic: &PanicHookInfo<'_>) -> String {
    let words = panic.payload_as_str().unwrap_or("it did not say why");
    panic.location().map_or(words.to_owned(), |place| format!("{words} ({place})"))
}

fn keep(answer: String) {
    TEXTS.with_borrow_mut(|texts| texts.answer = answer);
}
