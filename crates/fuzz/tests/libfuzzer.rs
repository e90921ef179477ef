//! The executable that `scripts/fuzz` builds: libFuzzer has `main`, and calls the target that `FEEDLAB_FUZZ` names.

#![no_main]

use std::sync::OnceLock;

use feedlab_fuzz::{TARGETS, Target};
use libfuzzer_sys::{Corpus, fuzz_target};

fn target() -> Target {
    static TARGET: OnceLock<Target> = OnceLock::new();
    *TARGET.get_or_init(|| {
        let name = std::env::var("FEEDLAB_FUZZ").unwrap_or_default();
        let known = TARGETS.map(|target| target.name).join(", ");
        Target::named(&name).unwrap_or_else(|| panic!("FEEDLAB_FUZZ must be one of {known}; it is `{name}`"))
    })
}

fuzz_target!(|input: &[u8]| -> Corpus { if target().run(input) { Corpus::Keep } else { Corpus::Reject } });
