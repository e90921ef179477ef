//! A server behind a proxy with a path prefix, `/lab/`.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};

use feedlab_testkit::http;

use super::{ends_with, feedlab, listening, out};

/// Removes the prefix from each connection's request, like nginx's `location /lab/ { proxy_pass http://server/; }`.
fn proxy(server: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || forward(stream, server));
        }
    });
    address
}

fn forward(mut client: TcpStream, server: SocketAddr) -> Option<()> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    if !head.contains(" /lab/") {
        return client.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").ok();
    }
    let mut server = TcpStream::connect(server).ok()?;
    server.write_all(head.replacen(" /lab/", " /", 1).as_bytes()).ok()?;
    let (mut up, mut down) = (client.try_clone().ok()?, server.try_clone().ok()?);
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut up, &mut server);
        let _ = server.shutdown(Shutdown::Both);
    });
    let _ = std::io::copy(&mut down, &mut client);
    client.shutdown(Shutdown::Both).ok()
}

#[test]
fn f14_the_page_finds_its_files_behind_a_prefix() {
    let server = listening(&["serve"]);
    let address = proxy(server.address());
    let page = http::get(address, "/lab/");
    assert_eq!(page.status, 200);
    let mut files = 0;
    for link in page.body.split(" href=\"").chain(page.body.split(" src=\"")).skip(1) {
        let link = link.split('"').next().unwrap_or_default();
        if link.starts_with("data:") || link.starts_with('#') || link.starts_with('<') {
            continue;
        }
        assert_eq!(http::get(address, &format!("/lab/{link}")).status, 200, "{link}");
        files += 1;
    }
    assert!(files >= 5, "{files} links");
}

#[test]
fn f14_watch_works_with_every_endpoint_behind_a_prefix() {
    let server = listening(&["serve", "--feed", "synthetic", "--rate", "20"]);
    let address = proxy(server.address());
    for endpoint in ["feed/poll", "feed/long-poll", "feed/sse", "feed/ws", ""] {
        let url = format!("http://{address}/lab/{endpoint}");
        let output = ends_with(0, &mut feedlab(&["watch", &url, "--after", "0", "--count", "1"]));
        assert_eq!(out(&output).lines().count(), 1, "{endpoint}");
    }
}
