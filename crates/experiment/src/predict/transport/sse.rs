//! Server-Sent Events: one response that does not end, with a chunk for each update and a comment if there is none.

use feedlab_feed::Transport;
use feedlab_feed::wire::sse;

use super::{
    Ages, Arithmetic, Bytes, Carriage, Case, FeedModel, NetworkPath, NotPredicted, Passage, Sizes, Span, Traffic, Wait,
    Wire,
};
use super::{heads, stream};
use crate::clients::SSE_JITTER;
use crate::headers::EVENT_STREAM;
use crate::scenario::{Headers, ReconnectPolicy, Via};

const THIS: Transport = Transport::Sse;

/// The options of SSE.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sse {
    /// The time between the server's keepalive comments, s.
    pub(super) keepalive: f64,
}

impl Arithmetic for Sse {
    // Requests.
    fn request_pattern(&self) -> &'static str {
        stream::ASKING
    }

    fn traffic(&self, case: &Case<'_>, feed: &FeedModel, span: Span) -> Traffic {
        let keepalives = stream::keepalives_between(feed, span, self.keepalive);
        self.changed(Traffic { keepalives, ..stream::traffic(case, feed, span) }, self.churn(case), span.length())
    }

    fn changed(&self, traffic: Traffic, churn: f64, time: f64) -> Traffic {
        stream::changed(traffic, churn, time, self.keepalive)
    }

    // Ages.
    fn ages(&self, case: &Case<'_>, feed: &FeedModel) -> Result<Ages, NotPredicted> {
        stream::ages(case, feed, feed.sizes.chunk)
    }

    fn carriage(&self, _: &Case<'_>, feed: &FeedModel) -> Option<Carriage> {
        Some(Carriage::Pushed { update: feed.sizes.chunk })
    }

    // Headers and bodies.
    /// A client closes without a message, and a stream starts with a cursor.
    fn bytes(&self, headers: Headers, sizes: &Sizes, traffic: &Traffic) -> Bytes {
        let comment = sse::chunk(sse::KEEPALIVE.as_bytes()).len();
        let greeting = sse::chunk(sse::greeting(heads::cursor(), sse::RETRY).as_bytes()).len();
        let [request, answer] = opening_heads(headers, sizes);
        let change = stream::Change { request, answer, up: 0.0, down: greeting as f64 + sizes.digits - 1.0 };
        stream::bytes(sizes, sizes.chunk, (comment, 0), change, traffic)
    }

    fn handshake(&self, headers: Headers, sizes: &Sizes) -> f64 {
        opening_heads(headers, sizes).iter().sum()
    }

    // Packets.
    /// A comment and its acknowledgement.
    fn wire(&self, _: &NetworkPath, traffic: &Traffic, bytes: &Bytes) -> Wire {
        stream::packets(traffic, bytes, 2.0, 0.0)
    }

    // Idle time.
    fn idle(&self, _: &NetworkPath, time: f64) -> Traffic {
        stream::idle(time, self.keepalive)
    }

    fn silence(&self) -> f64 {
        self.keepalive
    }

    /// The server counts quarters of the interval since its last write.
    fn first_sign(&self) -> f64 {
        stream::first_keepalive(self.keepalive)
    }

    // Connecting and reconnecting.
    fn passage(&self, via: Via) -> Passage {
        if via == Via::NginxBuffering { Passage::Silent } else { Passage::Open }
    }

    /// The server's `retry:` with jitter, plus the backoff (WHATWG HTML, section 9.2.3).
    fn wait(&self, reconnect: &ReconnectPolicy) -> Wait {
        let retry = sse::RETRY.as_secs_f64();
        match reconnect.jitter {
            true => Wait { least: retry, spread: retry * SSE_JITTER, more: Wait::backoff(true).spread },
            false => Wait { least: retry, spread: 0.0, more: 0.0 },
        }
    }

    /// An event stream that is answered with anything other than 200 and its content type closes permanently, as its
    /// standard requires (WHATWG HTML, section 9.2.3).
    fn gives_up(&self) -> bool {
        true
    }
}

/// Returns the sizes of the heads of a request, with the cursor in `Last-Event-ID`, and of its response.
fn opening_heads(headers: Headers, sizes: &Sizes) -> [f64; 2] {
    let cursor = heads::cursor().to_string();
    let own = [&EVENT_STREAM[..], &[(sse::LAST_EVENT_ID, &*cursor)]].concat();
    let request = heads::request(THIS, THIS.path(), own, headers).len() as f64 + sizes.digits - 1.0;
    let chunked = [&sse::HEADERS[..], &[("transfer-encoding", "chunked")]].concat();
    [request, heads::answer("200 OK", chunked).len() as f64]
}
