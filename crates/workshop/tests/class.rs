//! The workshop's pages as a browser meets them: the whole router, on a real socket.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

#[path = "class/rig.rs"]
mod rig;

#[path = "class/pages.rs"]
mod pages;
#[path = "class/runs.rs"]
mod runs;
#[path = "class/votes.rs"]
mod votes;
