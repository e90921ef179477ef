//! Compares sizes and packets with captures on loopback.

use super::super::long_polling::LongPolling;
use super::super::short_polling::ShortPolling;
use super::*;

const SIZES: Sizes = Sizes { payload: 256.0, json: 312.0, chunk: 323.0, frame: 316.0, digits: 2.0 };

/// The epoch of a cursor and the dot after it, which cursors did not have when the capture was taken.
const EPOCH: f64 = 5.0;
/// In a body, a cursor is a string now; it was a number.
const NEXT: f64 = EPOCH + 2.0;
/// The captured entity tags had a number of 16 digits and a dash instead.
const TAG: f64 = EPOCH - 17.0;

/// The bytes of a cell captured on loopback: two clients, an update about every 100 ms, 6 s.
#[test]
fn bytes_match_the_capture() {
    let each = |options, traffic: Traffic| {
        let bytes = of(&options).bytes(Headers::Bare, &SIZES, &traffic);
        let parts = bytes.payload + bytes.headers + bytes.framing + bytes.keepalive;
        assert!((parts - bytes.up - bytes.down).abs() < 1e-6, "{bytes:?}");
        (bytes.up, bytes.down)
    };
    // 51 updates, 51 answers: 8,670 B up and 52,428 B down for two clients.
    let long = Options::LongPolling { hold: Duration::from_secs(2), keep_alive: true };
    assert_eq!(
        each(long, Traffic { requests: 51.0, updates: 51.0, ..Traffic::default() }),
        (4335.0 + 51.0 * EPOCH, 26_214.0 + 51.0 * NEXT)
    );
    // 51 writes and 6 pings: 72 B up.
    let socket = Options::WebSocket { keepalive: Duration::from_secs(1) };
    let stream = Traffic { updates: 51.0, writes: 51.0, keepalives: 6.0, ..Traffic::default() };
    assert_eq!(each(socket, stream), (36.0, 51.0 * 316.0 + 12.0));
    let events = Options::Sse { keepalive: Duration::from_secs(1) };
    assert_eq!(each(events, Traffic { keepalives: 0.0, ..stream }), (0.0, 51.0 * 323.0));
    // 52 updates in 6 answers: 862 B up for two clients, some cursors of one digit; 35,317 B down.
    let short = Options::ShortPolling { interval: Duration::from_secs(1), keep_alive: true, conditional: false };
    let (up, down) = each(short, Traffic { requests: 6.0, updates: 52.0, ..Traffic::default() });
    let (up, down) = (up - 6.0 * EPOCH, down - 6.0 * (NEXT + TAG));
    assert!((up - 431.0).abs() <= 2.0 && (down - 17_658.5).abs() <= 12.0, "{up} {down}");
}

#[test]
fn a_304_saves_the_body_and_adds_the_tag() {
    let short = |conditional| {
        let options = Options::ShortPolling { interval: Duration::from_secs(1), keep_alive: true, conditional };
        let traffic = Traffic { requests: 10.0, empty: 10.0, empty_again: 10.0, ..Traffic::default() };
        of(&options).bytes(Headers::Bare, &SIZES, &traffic)
    };
    let (plain, conditional) = (short(false), short(true));
    assert_eq!((plain.up / 10.0, plain.down / 10.0), (72.0 + EPOCH, 230.0 + NEXT + TAG));
    assert_eq!((conditional.up / 10.0, conditional.down / 10.0), (110.0 + EPOCH + TAG, 153.0 + TAG), "as captured");
}

fn packets(options: Options, traffic: Traffic, answer: f64) -> f64 {
    of(&options).wire(&NetworkPath::default(), &traffic, &Bytes { answer, ..Bytes::default() }).packets
}

/// Captures of each exchange on loopback.
#[test]
fn packets_match_the_capture() {
    let short = |interval, keep_alive| Options::ShortPolling {
        interval: Duration::from_millis(interval),
        keep_alive,
        conditional: false,
    };
    let one = Traffic { requests: 1.0, updates: 1.0, writes: 1.0, ..Traffic::default() };
    assert_eq!(packets(short(1000, true), one, 3000.0), 3.0);
    assert_eq!(packets(short(20, true), one, 3000.0), 2.0);
    assert_eq!(packets(short(1000, false), one, 3000.0), 10.0);
    let long = |keep_alive| Options::LongPolling { hold: Duration::from_secs(25), keep_alive };
    assert_eq!(packets(long(true), one, 500.0), 3.0);
    assert_eq!(packets(long(true), one, 65_800.0), 5.0, "two segments, and one acknowledgement between them");
    assert_eq!(packets(long(true), Traffic { unacknowledged: 1.0, ..one }, 500.0), 2.0);
    assert_eq!(packets(long(false), one, 500.0), 10.0);
    let events = Options::Sse { keepalive: Duration::from_secs(15) };
    assert_eq!(packets(events, one, 323.0), 2.0);
    assert_eq!(packets(events, one, 65_606.0), 3.0, "two segments and one acknowledgement");
    let socket = Options::WebSocket { keepalive: Duration::from_secs(15) };
    assert_eq!(packets(socket, Traffic { keepalives: 1.0, ..Traffic::default() }, 0.0), 3.0);
}

#[test]
fn a_distant_proxy_sends_pure_acknowledgements() {
    let long = of(&Options::LongPolling { hold: Duration::from_secs(25), keep_alive: true });
    let traffic = Traffic { requests: 2.0, updates: 1.0, empty: 1.0, ..Traffic::default() };
    let bytes = Bytes { answer: 500.0, ..Bytes::default() };
    let packets = |rtt| long.wire(&far(rtt), &traffic, &bytes).packets;
    assert_eq!((packets(0.0), packets(0.1)), (6.0, 8.0));
}

#[test]
fn a_segment_has_52_bytes_of_headers_and_a_syn_60() {
    let long = Options::LongPolling { hold: Duration::from_secs(25), keep_alive: false };
    let traffic = Traffic { requests: 1.0, updates: 1.0, ..Traffic::default() };
    let bytes = Bytes { up: 103.0, down: 531.0, answer: 531.0, ..Bytes::default() };
    let wire = of(&long).wire(&NetworkPath::default(), &traffic, &bytes);
    assert_eq!(wire.bytes, 103.0 + 531.0 + 8.0 * 52.0 + 2.0 * 60.0);
}

/// The lengths of captured message heads, with cursors of one digit.
#[test]
fn message_heads_match_the_capture() {
    let one = Sizes { digits: 1.0, ..Sizes::default() };
    let (bare, cookies) = (Headers::Bare, Headers::BrowserCookies);
    let poll = |keep_alive, headers| ShortPolling { interval: 1.0, keep_alive, conditional: true }.heads(headers, &one);
    let hold = Duration::from_secs(2);
    let long = |keep_alive, headers| LongPolling { hold, keep_alive }.heads(headers, &one);
    assert_eq!((poll(true, bare).request, poll(true, bare).conditional), (71.0 + EPOCH, 108.0 + EPOCH + TAG));
    assert_eq!(poll(false, bare).conditional, 71.0 + 19.0 + 37.0 + EPOCH + TAG);
    assert_eq!(poll(false, cookies).conditional, 1280.0 + EPOCH + TAG);
    assert_eq!((long(true, bare).request, long(false, bare).request), (84.0 + EPOCH, 103.0 + EPOCH));
    assert_eq!(long(true, cookies).request, 1262.0 - 1.0 + EPOCH);
    // Captured with bodies of 34 bytes: two digits.
    assert_eq!((poll(true, bare).body + 2.0 + 34.0, poll(false, bare).body + 2.0 + 34.0), (228.0 + TAG, 247.0 + TAG));
    assert_eq!(poll(true, bare).bodiless, 152.0 + TAG);
    assert_eq!(long(true, bare).body + 2.0 + 34.0, 200.0);
    assert_eq!((long(true, bare).bodiless, long(false, bare).bodiless), (122.0, 141.0));
    let stream = of(&Options::Sse { keepalive: hold });
    let socket = of(&Options::WebSocket { keepalive: hold });
    // Captured without a cursor: `last-event-id: 0` and its line end, and `?after=0`, are added.
    assert_eq!(stream.handshake(bare, &one), 101.0 + 18.0 + EPOCH + 198.0);
    assert_eq!(stream.handshake(cookies, &one), 1278.0 + 18.0 + EPOCH + 198.0);
    assert_eq!(socket.handshake(bare, &one), 161.0 + 8.0 + EPOCH + 199.0);
    assert_eq!(socket.handshake(cookies, &one), 1152.0 + 8.0 + EPOCH + 199.0);
}

#[test]
fn each_transport_has_its_own_wait_unless_it_is_set() {
    let wait = |options: &Options, jitter| {
        let Wait { least, spread, more } = of(options).wait(&ReconnectPolicy { jitter, ..ReconnectPolicy::default() });
        (least, spread, more)
    };
    let second = Duration::from_secs(1);
    let (sse, socket) = (Options::Sse { keepalive: second }, Options::WebSocket { keepalive: second });
    assert_eq!(wait(&sse, true), (2.0, 1.0, 0.1));
    assert_eq!(wait(&sse, false), (2.0, 0.0, 0.0));
    assert_eq!(wait(&socket, true), (0.0, 0.1, 0.0));
    assert_eq!(wait(&socket, false), (0.1, 0.0, 0.0));
    assert_eq!(Wait::fixed(1.0, true), Wait { least: 1.0, spread: 1.0, more: 0.0 });
    assert_eq!(Wait::fixed(1.0, false), Wait { least: 1.0, spread: 0.0, more: 0.0 });
    let samples = of(&sse).wait(&ReconnectPolicy::default()).samples();
    let mean = samples.iter().sum::<f64>() / samples.len() as f64;
    assert!((mean - 2.55).abs() < 1e-9 && samples[0] > 2.0 && *samples.last().unwrap() < 3.1);
}

#[test]
fn one_connection_per_poll_makes_the_gap_longer() {
    let (plain, encrypted) = (far(0.1), NetworkPath { tls: true, ..far(0.1) });
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
    near(polling::gap(&plain, true), 0.1);
    near(polling::gap(&plain, false), 0.2);
    near(polling::gap(&encrypted, true), 0.1);
    near(polling::gap(&encrypted, false), 0.3);
}
