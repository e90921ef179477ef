//! Server-Sent Events: one answer that does not end, with a chunk for each update and a comment when there is none.

use feedlab_feed::Transport;
use feedlab_feed::wire::sse;

use super::{
    Ages, Arithmetic, Bytes, Case, FeedModel, NetworkPath, NotPredicted, Passage, Sizes, Span, Traffic, Wait, Wire,
};
use super::{heads, stream};
use crate::clients::SSE_JITTER;
use crate::headers::EVENT_STREAM;
use crate::scenario::{Headers, ReconnectPolicy, Via};

const THIS: Transport = Transport::Sse;

/// How a server streams.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sse {
    /// Time between the server's comments, s.
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

    // Heads and bodies.
    /// A client leaves without a word, and a stream begins with its cursor.
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

    /// A server counts quarters of the interval since it last wrote.
    fn first_sign(&self) -> f64 {
        stream::first_keepalive(self.keepalive)
    }

    // Coming back.
    fn passage(&self, via: Via) -> Passage {
        if via == Via::NginxBuffering { Passage::Silent } else { Passage::Open }
    }

    /// The server's `retry:` and jitter, and on top of it the backoff (WHATWG HTML, section 9.2.3).
    fn wait(&self, reconnect: &ReconnectPolicy) -> Wait {
        let retry = sse::RETRY.as_secs_f64();
        match reconnect.jitter {
            true => Wait { least: retry, spread: retry * SSE_JITTER, more: Wait::backoff(true).spread },
            false => Wait { least: retry, spread: 0.0, more: 0.0 },
        }
    }

    /// An event stream that is answered with anything but 200 and its own content type closes permanently, as its standard
    /// requires (WHATWG HTML, section 9.2.3).
    fn gives_up(&self) -> bool {
        true
    }
}

/// The heads of a request, with the cursor in `Last-Event-ID`, and of its answer.
fn opening_heads(headers: Headers, sizes: &Sizes) -> [f64; 2] {
    let cursor = heads::cursor().to_string();
    let own = [&EVENT_STREAM[..], &[(sse::LAST_EVENT_ID, &*cursor)]].concat();
    let request = heads::request(THIS, THIS.path(), own, headers).len() as f64 + sizes.digits - 1.0;
    let chunked = [&sse::HEADERS[..], &[("transfer-encoding", "chunked")]].concat();
    [request, heads::answer("200 OK", chunked).len() as f64]
}
