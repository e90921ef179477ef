//! Twenty healthy streams, in which `inspect` must find no fault and nothing to warn of: different feeds, alone and behind
//! nginx, over every version of HTTP.

use std::net::SocketAddr;
use std::time::Duration;

use super::application::Application::{self, Plain, Serve};
use super::application::{Feed, PLAIN, QUIET, STEADY};
use super::nginx::{Nginx, Site, installed};
use super::{Job, all_at_once, inspect};

/// A healthy stream: its name, what serves it, nginx's configuration if it is in between, its URL without the host, and
/// flags of `inspect`.
type Healthy = (&'static str, Application, Option<fn(SocketAddr) -> Site>, &'static str, &'static [&'static str]);

const SLOW: Feed = Feed { every: Duration::from_millis(900), ..STEADY };
const FAST: Feed = Feed { every: Duration::from_millis(5), bytes: 20, ..STEADY };
const LARGE: Feed = Feed { every: Duration::from_millis(700), bytes: 4_096 * 3, ..STEADY };
const BURSTS: Feed = Feed { every: Duration::from_millis(250), burst: 8, ..STEADY };
const COMMENTED: Feed = Feed { comment_after: Some(Duration::from_secs(2)), ..QUIET };
const UNBUFFERED: Feed = Feed { header: "X-Accel-Buffering: no", ..STEADY };

const SYNTHETIC: &[&str] = &["--feed", "synthetic"];
const SOME_BURSTS: &[&str] = &["--feed", "synthetic", "--schedule", "burst", "--rate", "5", "--burst-size", "10"];
const POISSON: &[&str] = &["--feed", "synthetic", "--schedule", "poisson", "--rate", "3"];
const NOTHING: &[&str] = &["--feed", "none", "--keepalive", "2s"];
const ENCRYPTED: &[&str] = &["--feed", "synthetic", "--tls", "self-signed"];

const STREAMING: fn(SocketAddr) -> Site = |to| Site::of(to, &["proxy_buffering off;"]);
const DEFAULT: fn(SocketAddr) -> Site = |to| Site::of(to, &[]);
const COMPRESSED: fn(SocketAddr) -> Site =
    |to| Site::of(to, &["proxy_buffering off;", "gzip on;", "gzip_types text/event-stream;"]);
const TLS: fn(SocketAddr) -> Site = |to| Site { listen: "ssl http2".to_owned(), ..STREAMING(to) };

const SSE: &str = "http:/feed/sse";

#[rustfmt::skip]
const ALL: [Healthy; 20] = [
    ("plain", PLAIN, None, "http:/events", &[]),
    ("slow", Plain(SLOW), None, "http:/events", &[]),
    ("fast", Plain(FAST), None, "http:/events", &[]),
    ("large events", Plain(LARGE), None, "http:/events", &[]),
    ("bursts, unstamped", Plain(Feed { is_stamped: false, ..BURSTS }), None, "http:/events", &[]),
    ("quiet", Plain(QUIET), None, "http:/events", &[]),
    ("comments", Plain(COMMENTED), None, "http:/events", &[]),
    ("streaming", PLAIN, Some(STREAMING), "http:/events", &[]),
    ("large events, streaming", Plain(LARGE), Some(STREAMING), "http:/events", &[]),
    ("bursts, streaming", Plain(BURSTS), Some(STREAMING), "http:/events", &[]),
    ("X-Accel-Buffering", Plain(UNBUFFERED), Some(DEFAULT), "http:/events", &[]),
    ("compressed and flushed", PLAIN, Some(COMPRESSED), "http:/events", &[]),
    ("TLS and HTTP/2", PLAIN, Some(TLS), "https:/events", &["--insecure"]),
    ("feedlab", Serve(SYNTHETIC), None, SSE, &[]),
    ("feedlab, bursts", Serve(SOME_BURSTS), None, SSE, &[]),
    ("feedlab, at random", Serve(POISSON), Some(DEFAULT), SSE, &[]),
    ("feedlab, nothing", Serve(NOTHING), Some(DEFAULT), SSE, &[]),
    ("feedlab, TLS and HTTP/2", Serve(ENCRYPTED), None, "https:/feed/sse", &["--insecure"]),
    ("feedlab, HTTP/2 without TLS", Serve(SYNTHETIC), None, SSE, &["--http2"]),
    ("feedlab, WebSocket", Serve(SYNTHETIC), None, "ws:/feed/ws", &[]),
];

fn check((name, application, site, url, flags): Healthy, nginx: &str) {
    let running = application.start();
    let nginx = site.map(|site| Nginx::start(nginx, &site(running.address)));
    let address = nginx.as_ref().map_or(running.address, Nginx::address);
    let (scheme, path) = url.split_once(':').expect("a scheme");
    let found = inspect(&format!("{scheme}://{address}{path}"), &[&["--for", "7s"], flags].concat());
    assert!(found.alarms().is_empty() && found.status == Some(0), "{name}: {found}");
    assert_ne!(found.report["transport"], "none", "{name}: {found}");
}

#[test]
fn twenty_healthy_streams_raise_no_alarm() {
    let Some(nginx) = installed() else { return };
    let job = |healthy: Healthy| -> Job { (healthy.0, Box::new(move || check(healthy, nginx))) };
    all_at_once(ALL.map(job).into());
}
