//! What bounds whatever a peer decides.

/// Bytes of a request's path and query. RFC 9112, section 3, asks for 8,000 at least.
pub(crate) const MAX_TARGET_BYTES: usize = 8 << 10;
