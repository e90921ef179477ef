//! Fuzz targets: each takes bytes that a stranger may send or write, gives them to one entrance of another crate, and
//! panics if something other than a value or a clear error comes out.
//!
//! `tests/libfuzzer.rs` runs a target on inputs that libFuzzer makes ([`scripts/fuzz`](../../../scripts/fuzz));
//! `tests/corpus.rs` runs all of them on the inputs of `corpus/`, with the other tests. A target is one file here, a
//! folder of the corpus and a row of [`TARGETS`].

#![expect(clippy::unwrap_used, reason = "a target ends at the first surprise")]

mod access;
mod chunks;
mod proxy_control;
mod request;
mod results;
mod scenario;
mod sse;
mod votes;
mod websocket;

/// The most bytes of an input. What only a longer one would reach are the bounds on lengths, which unit tests check.
pub const MAX_INPUT_BYTES: usize = 4 << 10;

/// A target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, which is also its folder in the corpus.
    pub name: &'static str,
    /// Runs it on an input.
    run: fn(&[u8]),
}

/// All targets.
pub const TARGETS: [Target; 8] = [
    Target { name: "access", run: access::run },
    Target { name: "proxy-control", run: proxy_control::run },
    Target { name: "request", run: request::run },
    Target { name: "results", run: results::run },
    Target { name: "scenario", run: scenario::run },
    Target { name: "sse", run: sse::run },
    Target { name: "votes", run: votes::run },
    Target { name: "websocket", run: websocket::run },
];

impl Target {
    /// Returns the target with a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        TARGETS.into_iter().find(|target| target.name == name)
    }

    /// Runs the target, and returns whether the input was within [`MAX_INPUT_BYTES`].
    ///
    /// # Panics
    /// When the input finds a bug.
    pub fn run(self, input: &[u8]) -> bool {
        let is_within = input.len() <= MAX_INPUT_BYTES;
        if is_within {
            (self.run)(input);
        }
        is_within
    }
}

/// Panics unless an error is one line that can be shown: what was written may contain any character, what is said about
/// it may not.
fn assert_plain(error: &str) {
    let hidden = error.chars().find(|letter| feedlab_feed::text::is_hidden(*letter));
    assert!(hidden.is_none() && !error.trim().is_empty(), "the error shows {hidden:?}: {error:?}");
}
