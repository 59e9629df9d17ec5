//! Panics of the host's tasks and scripts: the runtime and the store catch them, and nobody would hear of them.

use std::cell::RefCell;
use std::sync::Once;

thread_local! {
    static HEARD: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Hears the panics of all threads from now on; they are printed all the same.
pub fn listen() {
    static LISTENS: Once = Once::new();
    LISTENS.call_once(|| {
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            HEARD.set(Some(panic.to_string()));
            print(panic);
        }));
    });
}

/// The last panic of this thread since somebody asked.
pub fn heard() -> Option<String> {
    HEARD.take()
}
