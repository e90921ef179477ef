//! The labs as a page has them: the API on the page's origin, and real sockets at each endpoint.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod endpoints;
mod faults;
mod guests;
mod harness;
mod settings;
