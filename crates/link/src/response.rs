//! Responses in place of the server's, as a broken middlebox sends them.

use std::io;
use std::time::{Duration, Instant};

use feedlab_feed::clock;
use feedlab_feed::link::LinkFault;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::channel::OrderChannel;
use crate::relay::Outcome;
use crate::timers::Timer;

/// How long a request may take to arrive; then the connection is closed.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// How much of a request's head the proxy waits for, bytes. The response does not depend on the request.
pub(crate) const MAX_HEAD: usize = 16 << 10;

/// Responds to the first request, after the delay that the settings require, and closes the connection.
pub(crate) async fn send(
    client: &mut TcpStream,
    kind: LinkFault,
    channel: &OrderChannel,
    timer: &mut Timer,
    opened: Instant,
) -> Outcome {
    match tokio::time::timeout(REQUEST_TIMEOUT, head(client)).await {
        Ok(Ok(())) => {}
        Ok(Err(_)) => return Outcome::Reset,
        Err(_) => return hang_up(client).await,
    }
    let rtt = channel.orders().network(opened).rtt;
    timer.until(clock::now().max(opened + rtt) + rtt).await;
    if client.write_all(response(kind).as_bytes()).await.is_err() {
        return Outcome::Reset;
    }
    hang_up(client).await
}

async fn hang_up(client: &mut TcpStream) -> Outcome {
    let _ = client.shutdown().await;
    Outcome::Cut
}

/// Reads up to the empty line that ends the head of a request, or to the end of the stream.
async fn head(client: &TcpStream) -> io::Result<()> {
    let mut head = Vec::new();
    loop {
        client.readable().await?;
        let from = head.len().saturating_sub(3);
        match client.try_read_buf(&mut head) {
            Ok(0) => return Ok(()),
            Ok(_) if is_complete(&head[from..]) || head.len() >= MAX_HEAD => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

fn is_complete(tail: &[u8]) -> bool {
    tail.windows(4).any(|four| four == b"\r\n\r\n")
}

/// Returns the whole response. Pages of any origin may read it (`Access-Control-Allow-Origin`): otherwise a browser
/// would report a network error to a page on another port, and hide the status that the fault is about.
fn response(kind: LinkFault) -> String {
    let (status, fields, body) = match kind {
        LinkFault::Status204 => ("204 No Content", "", ""),
        LinkFault::WrongType => (
            "200 OK",
            "Content-Type: text/html; charset=utf-8\r\n",
            "<!doctype html>\n<title>Please sign in</title>\n<p>The lab proxy imitates a captive portal.\n",
        ),
        _ => (
            "503 Service Unavailable",
            "Retry-After: 1\r\nContent-Type: text/plain; charset=utf-8\r\n",
            "The lab proxy reports that the service is not available.\n",
        ),
    };
    // A 204 has no Content-Length (RFC 9110, section 8.6).
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    format!(
        "HTTP/1.1 {status}\r\n{fields}{length}Cache-Control: no-store\r\nAccess-Control-Allow-Origin: *\r\n\
         Connection: close\r\n\r\n{body}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_length_is_the_length_of_the_body() {
        for kind in [LinkFault::Status503, LinkFault::WrongType] {
            let response = response(kind);
            let (head, body) = response.split_once("\r\n\r\n").unwrap();
            assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", body.len())), "{head}");
        }
        let response = response(LinkFault::Status204);
        assert!(response.starts_with("HTTP/1.1 204 ") && response.ends_with("\r\n\r\n"), "{response}");
        assert!(!response.contains("Length"), "{response}");
    }

    #[test]
    fn a_head_ends_with_an_empty_line() {
        assert!(is_complete(b"\r\n\r\nx") && !is_complete(b"\r\n\r"));
    }
}
