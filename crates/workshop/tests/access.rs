//! Access control: which origins and host names are accepted, at each address that pages and programs can reach.

#![expect(clippy::unwrap_used, reason = "a test fails at the first error")]

use std::net::SocketAddr;
use std::path::PathBuf;

use feedlab_feed::settings;
use feedlab_link::{Proxy, listen};
use feedlab_server::{Config, Server};
use feedlab_workshop::lab::{Labs, Shared};
use feedlab_workshop::{Audience, Class, ClassSettings};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::{CancellationToken, DropGuard};

/// The addresses, each with its letter, a request that reads and an order. A row of the tables below has one character
/// per address, in this order: the letter if the address accepts the request, a dot if it responds with 403, and a
/// question mark if it responds with 400.
const ADDRESSES: [(char, &str, &str); 4] = [
    ('s', "GET /stats", "POST /feed"),
    ('c', "GET /workshop/votes", "POST /workshop/votes"),
    ('l', "GET /lab/tabs/absent", "DELETE /lab/tabs/absent"),
    ('p', "GET /stats", "POST /heal"),
];

/// A server with a class and labs, and a lab proxy with its control API.
struct Rig {
    server: SocketAddr,
    control: SocketAddr,
    _folder: tempfile::TempDir,
    _stop: DropGuard,
}

impl Rig {
    async fn start() -> Self {
        Self::start_with(Labs::new(None)).await
    }

    async fn start_with(labs: Labs) -> Self {
        let (folder, stop) = (tempfile::tempdir().unwrap(), CancellationToken::new());
        let open_port = || listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let (listener, forwarded, control) = (open_port(), open_port(), open_port());
        let rig = Self {
            server: listener.local_addr().unwrap(),
            control: control.local_addr().unwrap(),
            _stop: stop.clone().drop_guard(),
            _folder: folder,
        };
        let class = ClassSettings {
            votes: rig._folder.path().join("class.ndjson"),
            out: rig._folder.path().join("results"),
            binary: PathBuf::from("/nonexistent/feedlab"),
            stop: stop.clone(),
            audience: Audience::default(),
        };
        let more = labs.routes().merge(Class::open(class).unwrap().router());
        let settings = settings::Settings { allow_publish: true, ..settings::Settings::default() };
        let config = Config {
            allow_origins: vec!["https://lab.example".parse().unwrap()],
            allow_hosts: vec!["teacher.lan".parse().unwrap()],
            ..settings.into()
        };
        let server = Server::new(config).await.unwrap().routes(more);
        let proxy = Proxy::new(forwarded, rig.server, feedlab_link::Config::default()).unwrap();
        let proxy = proxy.with_control(control).unwrap();
        tokio::spawn(server.run(listener, stop.clone()));
        tokio::spawn(proxy.run(stop));
        rig
    }

    /// Sends a request, in whose fields `SELF` stands for the address, and returns the whole response.
    async fn ask(&self, address: char, request: &str, fields: &str) -> String {
        let address = if address == 'p' { self.control } else { self.server };
        let own = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let own = own.split('.').next().unwrap().to_owned();
        let fields = fields.replace("SELF", &address.to_string()).replace("OWN", &own);
        let request = format!("{request} HTTP/1.1\r\n{fields}Content-Length: 0\r\nConnection: close\r\n\r\n");
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// Returns one character per address: the letter of the address if it accepts the request, which is either one that
    /// reads or an order that changes something.
    async fn accepted_by(&self, is_order: bool, host: &str, origin: &str) -> String {
        let field = |name: &str, value: &str| if value == "-" { String::new() } else { format!("{name}: {value}\r\n") };
        let fields = field("Host", host) + &field("Origin", origin);
        let mut accepted = String::new();
        for (letter, read, order) in ADDRESSES {
            let answer = self.ask(letter, if is_order { order } else { read }, &fields).await;
            accepted.push(match answer.get(..12) {
                Some("HTTP/1.1 403") => '.',
                Some("HTTP/1.1 400") if answer.contains("`Host`") || answer.contains("`Origin`") => '?',
                _ => letter,
            });
        }
        accepted
    }
}

#[tokio::test]
async fn r4_orders_are_accepted_from_programs_and_from_the_pages_that_each_address_trusts() {
    let rig = Rig::start().await;
    for (host, origin, accepted) in [
        // Programs send no origin.
        ("SELF", "-", "sclp"),
        ("-", "-", "????"),
        // The server's own page.
        ("SELF", "http://SELF", "sclp"),
        ("localhost:80", "http://localhost:80", "sclp"),
        ("localhost:80", "http://localhost", "sclp"),
        ("localhost:80", "HTTP://LOCALHOST:80", "sclp"),
        ("LOCALHOST:80", "-", "sclp"),
        // The same host and port with another scheme.
        ("SELF", "https://SELF", "...."),
        // Another page of this machine.
        ("SELF", "http://127.0.0.1:1", "...p"),
        ("SELF", "http://localhost:1", "...p"),
        ("SELF", "http://[::1]:1", "...p"),
        // A page that the server is configured to trust.
        ("SELF", "https://lab.example", "s..."),
        ("SELF", "http://lab.example", "...."),
        ("SELF", "https://lab.example:1", "...."),
        // Foreign origins.
        ("SELF", "http://evil.example", "...."),
        ("SELF", "http://127.0.0.1.evil.example", "...."),
        ("SELF", "http://127.0.0.1:+1", "...."),
        ("SELF", "null", "...."),
        // Names and addresses of this machine; labs and lab proxies are on loopback only.
        ("192.168.0.7:80", "http://192.168.0.7:80", "sc.."),
        ("OWN:80", "http://OWN", "sc.."),
        ("OWN.local", "http://OWN.local", "sc.."),
        ("teacher.lan", "http://teacher.lan", "sc.."),
        // Foreign names that resolve to this machine.
        ("evil.example", "http://evil.example", "...."),
        ("evil.local", "-", "...."),
        ("127.0.0.1.evil.example", "-", "...."),
        // Invalid request heads.
        ("a b", "-", "????"),
        ("127.0.0.1:+1", "-", "????"),
        ("SELF\r\nHost: SELF", "-", "????"),
        ("SELF", "http://SELF\r\nOrigin: http://SELF", "????"),
    ] {
        assert_eq!(rig.accepted_by(true, host, origin).await, accepted, "Host: {host}, Origin: {origin}");
    }
}

#[tokio::test]
async fn w3_labs_for_other_machines_accept_what_the_class_accepts() {
    let shared = Shared { ip: "127.0.0.1".parse().unwrap(), most: 2, allow_hosts: Vec::new() };
    let rig = Rig::start_with(Labs::new(None).shared(shared)).await;
    for (host, origin, accepted) in [
        ("SELF", "http://SELF", "sclp"),
        ("192.168.0.7:80", "http://192.168.0.7:80", "scl."),
        ("teacher.lan", "http://teacher.lan", "scl."),
        ("OWN.local", "-", "scl."),
        ("SELF", "http://evil.example", "...."),
        ("SELF", "https://lab.example", "s..."),
        ("192.168.0.7:80", "http://192.168.0.8:80", "...."),
        ("evil.example", "http://evil.example", "...."),
        ("evil.local", "-", "...."),
    ] {
        assert_eq!(rig.accepted_by(true, host, origin).await, accepted, "Host: {host}, Origin: {origin}");
    }
}

#[tokio::test]
async fn r4_reads_are_rejected_where_the_response_would_reveal_more_than_a_browser_lets_the_page_read() {
    let rig = Rig::start().await;
    for (host, origin, accepted) in [
        ("SELF", "-", "sclp"),
        ("SELF", "http://SELF", "sclp"),
        ("SELF", "http://127.0.0.1:1", "sclp"),
        ("SELF", "http://evil.example", "scl."),
        ("SELF", "null", "scl."),
        ("OWN.local", "-", "sc.."),
        ("evil.example", "-", "...."),
        ("evil.example", "http://evil.example", "...."),
        ("-", "-", "????"),
    ] {
        assert_eq!(rig.accepted_by(false, host, origin).await, accepted, "Host: {host}, Origin: {origin}");
    }
}

#[tokio::test]
async fn each_address_rejects_requests_in_its_own_format() {
    let rig = Rig::start().await;
    let foreign = "Host: SELF\r\nOrigin: http://evil.example\r\n";
    let bent = "Host: evil.example\r\n";
    let no_name = "this server does not go by the name evil.example; use its address, as in http://127.0.0.1:8080, or start \
                   it with --allow-host evil.example\n";
    let trusted = "Host: SELF\r\nOrigin: https://lab.example\r\n";
    let not_own = "pages of another origin may not do that; open this server's own page\n";
    let named = "Host: OWN.local\r\n";
    for (letter, fields, body, is_json) in [
        ('s', foreign, "pages of this origin may not do that; allow it with --allow-origin\n", false),
        ('c', foreign, "pages of this origin may not do that; allow it with --allow-origin\n", false),
        ('s', bent, no_name, false),
        ('l', bent, no_name, false),
        ('c', trusted, not_own, false),
        ('l', trusted, not_own, false),
        ('l', named, r#"{"error":"to use the lab, open the page as http://127.0.0.1 or http://localhost"}"#, true),
        ('p', foreign, r#"{"error":"only pages of http://127.0.0.1 and http://localhost may use this address"}"#, true),
        ('p', bent, r#"{"error":"use 127.0.0.1 or localhost as the host name of this address"}"#, true),
    ] {
        let (_, _, order) = ADDRESSES.into_iter().find(|(one, ..)| *one == letter).unwrap();
        let answer = rig.ask(letter, order, fields).await;
        let (head, content) = answer.split_once("\r\n\r\n").unwrap();
        let head = head.to_ascii_lowercase();
        assert_eq!(content, body);
        assert!(head.starts_with("http/1.1 403"), "{head}");
        assert_eq!(head.contains("content-type: application/json"), is_json, "{head}");
        let may_read = letter != 'p' && fields == trusted;
        assert_eq!(head.contains("access-control-allow-origin"), may_read, "{head}");
    }
}
