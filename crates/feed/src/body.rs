//! A request's body, collected within a bound. The server and the lab proxy take every body that they read from here, each
//! with a deadline of its own.

use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;

/// The longest body of an order, bytes: at a lab, in a class, to a feed that waits, and at the lab proxy's control address.
pub const MAX_ORDER_BYTES: usize = 16 << 10;

/// Time for a body to come, from the moment when it is waited for. The largest publication takes it at 17 kbit/s.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It is longer than it may be, or says that it will be.
    #[error("a body has at most {0} bytes here")]
    TooLong(usize),
    /// The connection ended, or broke the protocol, before the body did.
    #[error("the request ended before its body did")]
    Broken,
}

/// The whole body, of at most `most` bytes.
///
/// What comes is copied into one buffer: a piece as the HTTP library hands it out may be one byte, and keeps its whole read
/// buffer alive.
///
/// # Errors
/// When the body is too long, which is told before any of it is read where it is known, or does not come to its end.
pub async fn collect(mut body: impl Body<Data = Bytes> + Unpin, most: usize) -> Result<Vec<u8>, BodyError> {
    if body.size_hint().lower() > most as u64 {
        return Err(BodyError::TooLong(most));
    }
    let mut whole = Vec::new();
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
        if data.len() > most - whole.len() {
            return Err(BodyError::TooLong(most));
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole)
}
