//! Answers of the proxy's own: what a broken middlebox says instead of the server.

use std::io;
use std::time::{Duration, Instant};

use feedlab_feed::clock;
use feedlab_feed::link::LinkFault;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::alarm::Alarm;
use crate::line::Line;
use crate::relay::Over;

/// How long a request may take to come; whoever sends none is cut off.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The longest head of a request that is waited for; the answer does not depend on it.
pub(crate) const MAX_HEAD: usize = 16 << 10;

/// Answers the first request, at the distance that the settings make, and closes.
pub(crate) async fn give(
    client: &mut TcpStream,
    kind: LinkFault,
    line: &Line,
    alarm: &mut Alarm,
    opened: Instant,
) -> Over {
    match tokio::time::timeout(PATIENCE, head(client)).await {
        Ok(Ok(())) => {}
        Ok(Err(_)) => return Over::Reset,
        Err(_) => return hang_up(client).await,
    }
    let rtt = line.orders().settings.network.rtt;
    alarm.until(clock::now().max(opened + rtt) + rtt).await;
    if client.write_all(text(kind).as_bytes()).await.is_err() {
        return Over::Reset;
    }
    hang_up(client).await
}

async fn hang_up(client: &mut TcpStream) -> Over {
    let _ = client.shutdown().await;
    Over::Cut
}

/// Reads to the blank line behind the head of a request, or to the end.
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

/// The whole answer. Pages of any origin may see it (`Access-Control-Allow-Origin`): otherwise a browser would tell a
/// page on another port of a network error, and hide the status that the fault is about.
fn text(kind: LinkFault) -> String {
    let (status, fields, body) = match kind {
        LinkFault::Status204 => ("204 No Content", "", ""),
        LinkFault::WrongType => (
            "200 OK",
            "Content-Type: text/html; charset=utf-8\r\n",
            "<!doctype html>\n<title>Please sign in</title>\n<p>The lab proxy stands in for a captive portal.\n",
        ),
        _ => (
            "503 Service Unavailable",
            "Retry-After: 1\r\nContent-Type: text/plain; charset=utf-8\r\n",
            "The lab proxy says that the service is not available.\n",
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
    fn the_answers_are_as_long_as_they_say() {
        for kind in [LinkFault::Status503, LinkFault::WrongType] {
            let text = text(kind);
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", body.len())), "{head}");
        }
        let text = text(LinkFault::Status204);
        assert!(text.starts_with("HTTP/1.1 204 ") && text.ends_with("\r\n\r\n") && !text.contains("Length"), "{text}");
    }

    #[test]
    fn a_head_ends_with_a_blank_line() {
        assert!(is_complete(b"\r\n\r\nx") && !is_complete(b"\r\n\r"));
    }
}
