//! Orders to the lab proxy's control address: settings that are accepted read back as they are shown.

use feedlab_link::fuzzing::{fault, settings};

pub(crate) fn run(input: &[u8]) {
    if let Ok(shown) = settings(input) {
        assert_eq!(settings(shown.to_string().as_bytes()).as_ref(), Ok(&shown));
    }
    let _ = fault(input);
}
