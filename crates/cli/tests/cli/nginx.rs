//! `feedlab nginx`: Debian's real nginx between a real server and real clients.

use std::process::Command;

use feedlab_testkit::Feedlab;
use rustix::process::Signal;

use super::{ends_with, err, error_line, feedlab, listening, out};

/// Returns whether nginx is installed. In CI, a test fails without it; elsewhere, the test is skipped visibly.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
pub(crate) fn is_installed() -> bool {
    let found =
        Command::new("/usr/sbin/nginx").arg("-v").output().is_ok() || Command::new("nginx").arg("-v").output().is_ok();
    let remedy = "this test needs nginx: apt-get install -y nginx";
    assert!(found || std::env::var_os("CI").is_none(), "{remedy}");
    if !found {
        eprintln!("SKIPPED: {remedy}");
    }
    found
}

fn server() -> Feedlab {
    listening(&["serve", "--feed", "synthetic", "--rate", "20"])
}

fn nginx(to: &Feedlab, more: &[&str]) -> Feedlab {
    listening(&[&["nginx", "--to", &to.address().to_string()], more].concat())
}

/// Returns the output of a client that follows a feed for `count` updates.
fn watched(service: &Feedlab, transport: &str, count: &str) -> String {
    let url = format!("http://{}", service.address());
    let line = ["watch", &url, "--transport", transport, "--count", count, "--format", "json"];
    out(&ends_with(0, feedlab(&line).timeout(std::time::Duration::from_secs(60))))
}

#[test]
fn every_transport_works_through_nginx_configured_for_streaming_and_survives_a_reload() {
    if !is_installed() {
        return;
    }
    let server = server();
    let nginx = nginx(&server, &[]);
    for transport in ["short-polling", "long-polling", "sse", "websocket"] {
        assert_eq!(watched(&nginx, transport, "3").lines().count(), 3, "{transport}");
    }
    nginx.signal(Signal::HUP);
    assert_eq!(watched(&nginx, "sse", "40").lines().count(), 40, "after the old workers have exited");
}

/// Returns the status of the answer to a WebSocket upgrade.
fn upgrade_status(service: &Feedlab) -> String {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(service.address()).expect("it listens");
    let request = "GET /feed/ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut head = [0; 12];
    stream.read_exact(&mut head).expect("it answers");
    String::from_utf8_lossy(&head[9..]).into_owned()
}

#[test]
fn by_default_nginx_forwards_no_upgrade_and_respects_x_accel_buffering() {
    if !is_installed() {
        return;
    }
    let server = server();
    assert_eq!(upgrade_status(&nginx(&server, &["--style", "streaming"])), "101");
    let nginx = nginx(&server, &["--style", "default"]);
    assert_eq!(upgrade_status(&nginx), "426", "the server gets no upgrade");
    assert_eq!(watched(&nginx, "sse", "3").lines().count(), 3);
}

#[test]
fn a_port_in_use_and_an_address_that_others_reach_are_rejected() {
    if !is_installed() {
        return;
    }
    let server = server();
    let address = server.address().to_string();
    let line = ["nginx", "--to", &address, "--listen", &address];
    let error = error_line(&ends_with(1, &mut feedlab(&line)));
    assert!(error.contains("port 0 picks a free port"), "{error}");
    let open = ["nginx", "--to", "127.0.0.1:1", "--listen", "0.0.0.0:0"];
    assert!(err(&ends_with(2, &mut feedlab(&open))).contains("only on this machine"));
}

#[test]
fn the_configuration_can_be_shown_without_starting_anything() {
    let shown = out(&ends_with(0, &mut feedlab(&["nginx", "--to", "127.0.0.1:8080", "--show-config"])));
    assert!(shown.contains("server 127.0.0.1:8080") && shown.contains("proxy_buffering off;"), "{shown}");
}

#[test]
fn servers_may_have_names_and_an_unknown_name_is_rejected() {
    let line = ["nginx", "--to", "localhost:8080", "--to", "127.0.0.1:8082", "--show-config"];
    let shown = out(&ends_with(0, &mut feedlab(&line)));
    assert!(shown.contains("server 127.0.0.1:8080 ") && shown.contains("server 127.0.0.1:8082 "), "{shown}");
    let refused = ends_with(2, &mut feedlab(&["nginx", "--to", "nobody.invalid:80", "--show-config"]));
    assert!(error_line(&refused).contains("--to nobody.invalid:80"), "{}", err(&refused));
    for wrong in ["http://localhost:80", "localhost", "localhost:http", "a;b:80", ":80"] {
        assert!(err(&ends_with(2, &mut feedlab(&["nginx", "--to", wrong]))).contains("a host and a port"), "{wrong}");
    }
    if !is_installed() {
        return;
    }
    let server = server();
    let nginx = listening(&["nginx", "--to", &format!("localhost:{}", server.address().port())]);
    assert_eq!(watched(&nginx, "sse", "3").lines().count(), 3);
}
