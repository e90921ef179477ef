//! The workshop's pages as a browser sees them: the whole router, on a real socket.

#![expect(clippy::unwrap_used, reason = "a test fails at the first error")]

#[path = "class/rig.rs"]
mod rig;

#[path = "class/lead.rs"]
mod lead;
#[path = "class/pages.rs"]
mod pages;
#[path = "class/runs.rs"]
mod runs;
#[path = "class/votes.rs"]
mod votes;
