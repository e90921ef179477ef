//! Reads the body of a request up to a limit. The server and the lab proxy read every body with this, each with its own
//! deadline.

use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;

/// The longest body of a command, bytes: to a lab, in a class, to a waiting feed, and at the lab proxy's control
/// address.
pub const MAX_ORDER_BYTES: usize = 16 << 10;

/// Time for a body to arrive, from the moment the server waits for it. At 17 kbit/s, the largest publication takes that
/// long.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// Why a body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The body is longer than allowed, or declares a longer length.
    #[error("the body is too long: at most {0} bytes are accepted here")]
    TooLong(usize),
    /// The connection ended, or broke the protocol, before the body was complete.
    #[error("the request ended before its body was complete")]
    Broken,
}

/// Returns the whole body, of at most `most` bytes.
///
/// The data is copied into one buffer: a piece from the HTTP library may be a single byte that keeps its whole read
/// buffer alive.
///
/// # Errors
/// When the body is too long, which is reported before any of it is read if the length is known, or is incomplete.
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
