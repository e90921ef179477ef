//! Clients that publish (E27): a frame on the WebSocket, or a POST on a connection that is kept for it.

use feedlab_feed::wire::publication_json;
use feedlab_feed::wire::websocket::{self, MASK, Opcode};

use super::ages::Ages;
use super::bytes;
use super::counted::Case;
use super::course::{Arrivals, Course};
use super::heads;
use super::jitter;
use super::known::Known;
use super::requests;
use super::sizes::AT;
use super::way::Way;
use crate::Metric;
use crate::clients::publication;
use crate::scenario::{Contender, Headers, Options};

/// What is predicted of publications: an acknowledgement takes a round trip, over either.
pub(super) fn metrics(case: &Case<'_>, course: &Course, known: &Known) -> Vec<(Metric, f64)> {
    let Case { scenario, contender, clients, way } = *case;
    let payload = publication(AT, course.sizes.payload as usize).len();
    let mut all = vec![(Metric::PayloadBytesPerUpdate, payload as f64)];
    if known.steady {
        all.extend(way.is_far().then(|| (Metric::AckP50, way.round_trip() * 1e6)));
    }
    if known.in_the_clear {
        let headers = scenario.clients.headers;
        let traffic = requests::traffic(contender, course, course.measured, way);
        let asked = bytes::bytes(contender, headers, &course.sizes, &traffic).up;
        // The pings of a quiet WebSocket are answered, the few that there are.
        let asked = if matches!(contender.options, Options::WebSocket { .. }) { 0.0 } else { asked };
        let each = published(contender, headers, payload) as f64;
        all.push((Metric::SocketBytesUpPerPublication, each + asked * clients / course.updates));
    }
    all
}

/// Bytes that go up for a publication: the JSON of its type and its text in a masked frame, or a request with the text for
/// its body.
fn published(contender: &Contender, headers: Headers, payload: usize) -> usize {
    if matches!(contender.options, Options::WebSocket { .. }) {
        let json = publication_json(&publication(AT, payload));
        websocket::frame(Opcode::Text, json.as_bytes()).len() + MASK
    } else {
        heads::post(contender, headers, payload).len() + payload
    }
}

/// Ages count from the moment at which a client was due to send: what goes up takes the way, too.
pub(super) fn ages(ages: Ages, way: &Way) -> Ages {
    match ages {
        Ages::Spread { least, at_least, width } if way.jitter == 0.0 => {
            Ages::Spread { least: least + way.least(), at_least, width }
        }
        ages => ages.later_by(&up(way)),
    }
}

/// Times that the way up takes.
fn up(way: &Way) -> Vec<f64> {
    if way.jitter == 0.0 {
        return vec![way.least()];
    }
    let extra = jitter::extra(way.jitter, &Arrivals::Known(Vec::new()));
    extra.into_iter().map(|extra| way.least() + extra).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::tests::contender;
    use super::*;

    #[test]
    fn a_frame_is_shorter_than_a_post() {
        let second = Duration::from_secs(1);
        let socket = contender(Options::WebSocket { keepalive: second });
        let sse = contender(Options::Sse { keepalive: second });
        // {"type":"message","data":"…"} are 28 bytes around the text; the header takes 4, the mask 4.
        assert_eq!(published(&socket, Headers::Bare, 100), 100 + 28 + 4 + 4);
        // The line 21, accept 13, content-type 26, origin 32, host 23, content-length 21, and the empty line.
        assert_eq!(published(&sse, Headers::Bare, 100), 100 + 21 + 13 + 26 + 32 + 23 + 21 + 2);
        assert!(published(&sse, Headers::Browser, 100) > 600);
    }
}
