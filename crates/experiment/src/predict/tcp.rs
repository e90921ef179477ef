//! A simulation of TCP over an emulated link, for what no formula describes: losses, slow start, queues, and streams that
//! share a connection.
//!
//! It knows nothing of a measurement. Two hosts exchange segments over a link ([`Link`]) that delays, loses and queues them
//! as the emulator does; each connection ([`endpoint`]) recovers and controls its congestion as Linux does, as far as it matters
//! for small messages: slow start from ten segments (RFC 6928) and after a pause (RFC 5681, section 4.1), fast recovery by
//! RACK with tail-loss probes (RFC 8985), a retransmission timeout of at least 200 ms (RFC 6298; Linux's minimum), and
//! delayed acknowledgements of 40 ms.
//!
//! [`network::Network`] is the event loop; `apps` has the transports that run on it.

mod apps;
mod endpoint;
mod link;
mod network;
mod segment;

pub(super) use apps::{Setup, ages};
pub(super) use endpoint::Congestion;
pub(super) use link::Link;
