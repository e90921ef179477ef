//! WebSocket: a frame for each update, and a ping if the client has sent nothing.

use feedlab_feed::Transport;
use feedlab_feed::wire::publication_json;
use feedlab_feed::wire::websocket::{MASK, Opcode, VERSION, close, close_frame, frame, hello_frame};

use super::{
    Ages, Arithmetic, Bytes, Carriage, Case, FeedModel, NetworkPath, NotPredicted, Passage, Sizes, Span, Traffic, Wire,
};
use super::{heads, stream};
use crate::clients::publication;
use crate::predict::model::AT;
use crate::scenario::{Headers, Http, Link, Via};

const THIS: Transport = Transport::WebSocket;
/// Examples of 16 bytes and 20 bytes in base64: RFC 6455, sections 4.1 and 4.2.2.
const KEY: &str = "Mj5KS/U/jgPx5z23LR147Q==";
const ACCEPT: &str = "waTwO7BrUm9SEP1ulbEysm9/Q/s=";

/// The options of WebSocket.
#[derive(Clone, Copy, Debug)]
pub(super) struct WebSocket {
    /// The time between the server's pings, s.
    pub(super) keepalive: f64,
}

impl Arithmetic for WebSocket {
    // Requests.
    fn request_pattern(&self) -> &'static str {
        stream::ASKING
    }

    /// A ping is sent whenever the *client* has sent nothing for a keepalive interval (RFC 6455, section 5.5.2), and
    /// the client sends only pongs: one ping per interval, whatever the updates.
    fn traffic(&self, case: &Case<'_>, feed: &FeedModel, span: Span) -> Traffic {
        let keepalives = span.length() / self.keepalive;
        self.changed(Traffic { keepalives, ..stream::traffic(case, feed, span) }, self.churn(case), span.length())
    }

    fn changed(&self, traffic: Traffic, churn: f64, time: f64) -> Traffic {
        stream::changed(traffic, churn, time, self.keepalive)
    }

    // Ages.
    fn ages(&self, case: &Case<'_>, feed: &FeedModel) -> Result<Ages, NotPredicted> {
        stream::ages(case, feed, feed.sizes.frame)
    }

    fn carriage(&self, _: &Case<'_>, feed: &FeedModel) -> Option<Carriage> {
        Some(Carriage::Pushed { update: feed.sizes.frame })
    }

    // Headers and bodies.
    /// A client masks its pongs and its close frame, which the server echoes (RFC 6455, section 5.5.1).
    fn bytes(&self, headers: Headers, sizes: &Sizes, traffic: &Traffic) -> Bytes {
        let (ping, pong) = (frame(Opcode::Ping, b"").len(), frame(Opcode::Pong, b"").len() + MASK);
        let close = close_frame(close::GOING_AWAY, "").len() as f64;
        let hello = hello_frame(heads::cursor()).len() as f64 + sizes.digits - 1.0;
        let [request, answer] = opening_heads(headers, sizes);
        let change = stream::Change { request, answer, up: close + MASK as f64, down: close + hello };
        stream::bytes(sizes, sizes.frame, (ping, pong), change, traffic)
    }

    fn handshake(&self, headers: Headers, sizes: &Sizes) -> f64 {
        opening_heads(headers, sizes).iter().sum()
    }

    /// The JSON with type and text, in a masked frame.
    fn framed_publication(&self, payload: usize) -> Option<usize> {
        let json = publication_json(&publication(AT, payload));
        Some(frame(Opcode::Text, json.as_bytes()).len() + MASK)
    }

    // Packets.
    /// A ping, the pong that carries its acknowledgement, and the pong's acknowledgement; and as many for two close
    /// frames.
    fn wire(&self, _: &NetworkPath, traffic: &Traffic, bytes: &Bytes) -> Wire {
        stream::packets(traffic, bytes, 3.0, 3.0)
    }

    // Idle time.
    fn idle(&self, _: &NetworkPath, time: f64) -> Traffic {
        stream::idle(time, self.keepalive)
    }

    /// One per interval, the first not before three quarters of it have passed since the client joined.
    fn pings(&self, case: &Case<'_>, span: Span) -> Option<f64> {
        let feed_start = case.feed_start();
        let until =
            |time: f64| case.mean_over_ramp(|joined| self.idle(&case.path, feed_start + time - joined)).keepalives;
        Some((until(span.to) - until(span.from)) * stream::keepalive_factor(self.churn(case), self.keepalive))
    }

    fn silence(&self) -> f64 {
        self.keepalive
    }

    /// Pings are sent independently of updates, and thus also in the middle of an idle time: hardly ever if they are
    /// this much rarer.
    fn first_sign(&self) -> f64 {
        const RARE: f64 = 19.0;
        self.keepalive / RARE
    }

    // Connecting and reconnecting.
    /// Over HTTP/2, the client must wait for the server's settings (RFC 8441, section 3).
    fn requests_immediately(&self, link: &Link) -> bool {
        link.http == Http::V1
    }

    /// Without support for upgrades, it is rejected.
    fn passage(&self, via: Via) -> Passage {
        if via == Via::NginxDefault { Passage::Refused } else { Passage::Open }
    }
}

/// Returns the sizes of the heads of an upgrade (RFC 6455, section 4), with the cursor in the URL, and of its response.
fn opening_heads(headers: Headers, sizes: &Sizes) -> [f64; 2] {
    let own = vec![
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", VERSION),
        ("Sec-WebSocket-Key", KEY),
    ];
    let request = heads::request(THIS, &heads::resume(THIS), own, headers).len() as f64 + sizes.digits - 1.0;
    let own = vec![("upgrade", "websocket"), ("connection", "upgrade"), ("sec-websocket-accept", ACCEPT)];
    [request, heads::answer("101 Switching Protocols", own).len() as f64]
}
