//! One HTTP/1.1 request on its own connection, and the whole response.
//!
//! The functions block. Those that end in `_async` do not block the test's runtime, for a server that runs on it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use crate::PATIENCE;

/// The response to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The status line and the header lines, in lower case.
    pub head: String,
    /// The body, unchanged.
    pub body: String,
}

impl Answer {
    fn read(text: &str) -> Self {
        let parts = text.split_once("\r\n\r\n").map(|(head, body)| (head.to_lowercase(), body.to_owned()));
        let (head, body) = parts.unwrap_or_else(|| panic!("no answer: {text:?}"));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Self { status: status.unwrap_or_else(|| panic!("no status: {head}")), head, body }
    }

    /// Returns the body, which must be JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Sends a GET request for a path.
pub fn get(address: SocketAddr, target: &str) -> Answer {
    ask(address, "GET", target, "", "")
}

/// Sends a request with a method and a body. `fields` are header lines, each with its `\r\n`; `Host`, unless it is one
/// of them, `Content-Length` and `Connection: close` are added to every request.
pub fn ask(address: SocketAddr, method: &str, target: &str, fields: &str, body: &str) -> Answer {
    send(address, &request(address, method, target, fields, body))
}

/// [`ask`], for a server on the runtime of the test.
pub async fn ask_async(address: SocketAddr, method: &str, target: &str, fields: &str, body: &str) -> Answer {
    let request = request(address, method, target, fields, body);
    tokio::task::spawn_blocking(move || send(address, &request)).await.unwrap()
}

/// Sends text, and reads the response to the end of the connection, or until nothing arrives for half a minute.
pub fn send(address: SocketAddr, request: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // A server that refuses a body may not read it: its response arrives before the reset.
    let _ = stream.write_all(request.as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    Answer::read(&String::from_utf8_lossy(&answer))
}

fn request(address: SocketAddr, method: &str, target: &str, fields: &str, body: &str) -> String {
    let names_host = fields.lines().any(|field| field.to_ascii_lowercase().starts_with("host:"));
    let host = if names_host { String::new() } else { format!("Host: {address}\r\n") };
    let length = body.len();
    format!("{method} {target} HTTP/1.1\r\n{host}{fields}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_request_is_complete_and_a_response_is_parsed() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = vec![0; 1_000];
            let length = stream.read(&mut request).unwrap();
            stream.write_all(b"HTTP/1.1 404 Not Found\r\nAllow: GET\r\n\r\n{\"A\":1}").unwrap();
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        let answer = ask(address, "PUT", "/x", "Host: a\r\n", "hello");
        assert_eq!(
            server.join().unwrap(),
            "PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
        );
        assert_eq!((answer.status, &*answer.head), (404, "http/1.1 404 not found\r\nallow: get"));
        assert_eq!(answer.json()["A"], 1);
        assert!(request(address, "GET", "/", "", "").contains(&format!("\r\nHost: {address}\r\n")));
    }
}
