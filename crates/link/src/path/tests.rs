use feedlab_feed::clock;
use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

use super::*;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn path(opened: Instant) -> Path {
    Path::new(opened, Rng::new(1))
}

/// Takes all bytes that have arrived at `now`, in the order in which they would be written.
fn arrived(path: &mut Path, now: Instant) -> Vec<u8> {
    let mut received = Vec::new();
    loop {
        let mut slices = [IoSlice::new(&[]); 3];
        let count = path.arrived(now, &mut slices);
        let piece: Vec<u8> = slices[..count].iter().flat_map(|slice| slice.iter().copied()).collect();
        if piece.is_empty() {
            return received;
        }
        path.delivered(piece.len());
        received.extend(piece);
    }
}

#[test]
fn bytes_take_half_a_round_trip_and_the_first_ones_wait_for_the_handshake() {
    let (opened, network) = (clock::now(), Network { rtt: ms(100), ..Network::default() });
    let mut path = path(opened + ms(100));
    path.send(b"early", opened, &network);
    path.send(b"late", opened + ms(170), &network);
    assert_eq!(arrived(&mut path, opened + ms(149)), b"");
    assert_eq!(arrived(&mut path, opened + ms(150)), b"early");
    assert_eq!(path.next_due(), Some(opened + ms(220)));
    assert_eq!(arrived(&mut path, opened + ms(220)), b"late");
    assert_eq!((path.held(), path.is_empty()), (0, true));
}

#[test]
fn a_link_carries_its_bytes_per_second_and_saves_nothing_up() {
    let network = Network { rtt: ms(20), bandwidth_bytes_per_s: Some(10_000), ..Network::default() };
    let now = clock::now();
    let mut path = path(now);
    path.send(&[1; 5000], now, &network);
    path.end(Load::Fin, now, &network);
    assert_eq!(arrived(&mut path, now + ms(10 + 145)).len(), 0, "the first segment takes 146 ms");
    assert_eq!(arrived(&mut path, now + ms(10 + 146)).len(), 1460);
    assert_eq!(arrived(&mut path, now + ms(10 + 499)).len(), 2920);
    assert_eq!(path.take_end(now + ms(10 + 499)), None);
    assert_eq!(arrived(&mut path, now + ms(10 + 500)).len(), 620);
    assert_eq!(path.take_end(now + ms(10 + 500)), Some(Load::Fin));
    path.send(&[1; 100], now + ms(2000), &network);
    assert_eq!(path.next_due(), Some(now + ms(2000 + 10 + 10)), "unused bandwidth is not saved up");
}

#[test]
fn bytes_in_flight_are_limited_by_size_and_by_number_of_pieces() {
    let now = clock::now();
    let plain = Network { rtt: ms(1000), ..Network::default() };
    for size in [1, 100, 16_384] {
        let mut path = path(now);
        let sent = (0..).take_while(|_| {
            let room = path.has_room(&plain);
            path.send(&vec![0; size], now, &plain);
            room
        });
        let pieces = sent.count();
        assert!(pieces * (size + ENTRY_OVERHEAD) <= MAX_IN_FLIGHT + size + ENTRY_OVERHEAD, "{size}: {pieces}");
        assert_eq!(arrived(&mut path, now + ms(500)).len(), (pieces + 1) * size);
        assert!(path.has_room(&plain));
    }
}

#[test]
fn a_slow_link_holds_at_most_the_bandwidth_delay_product() {
    let link = |rtt, rate| Network { rtt: ms(rtt), bandwidth_bytes_per_s: Some(rate), ..Network::default() };
    assert_eq!(window(&link(100, 1000)), MIN_IN_FLIGHT);
    assert_eq!(window(&link(100, 5_000_000)), 500_000);
    assert_eq!(window(&link(1000, 1_000_000_000)), MAX_IN_FLIGHT);
    assert_eq!(window(&Network::default()), MAX_IN_FLIGHT);
}

#[test]
fn a_cut_follows_the_bytes_in_flight() {
    let (now, network) = (clock::now(), Network { rtt: ms(100), buffer_bytes: Some(10), ..Network::default() });
    let mut path = path(now);
    path.hold_back(b"held", now, &network);
    assert_eq!((path.held(), path.next_due()), (4, None));
    path.cut(now, &network);
    assert_eq!(path.take_end(now + ms(50)), None);
    assert_eq!(arrived(&mut path, now + ms(50)), b"held");
    assert_eq!(path.take_end(now + ms(50)), Some(Load::Fin));
    let mut empty = Path::new(now, Rng::new(1));
    empty.cut(now, &network);
    assert_eq!(empty.take_end(now), Some(Load::Fin), "immediately");
}

#[test]
fn a_full_buffer_passes_on_everything() {
    let (now, network) = (clock::now(), Network { buffer_bytes: Some(10), ..Network::default() });
    let mut path = path(now);
    path.hold_back(b"123456", now, &network);
    assert_eq!(arrived(&mut path, now), b"");
    path.hold_back(b"7890ab", now, &network);
    assert_eq!(arrived(&mut path, now), b"1234567890ab");
}

#[test]
fn discarded_bytes_are_not_counted() {
    let (now, network) = (clock::now(), Network { rtt: ms(100), buffer_bytes: Some(10), ..Network::default() });
    let mut path = path(now);
    path.send(b"sent", now, &network);
    path.hold_back(b"held", now, &network);
    path.discard();
    assert_eq!((path.held(), path.weight, path.is_empty()), (0, 0, true));
}

proptest! {
    #[test]
    fn nothing_overtakes_and_nothing_is_lost(
        seed in any::<u64>(),
        pieces in prop::collection::vec((1_usize..5000, 0_u64..50), 1..40),
        jitter in 0_u64..200,
        rate in prop::option::of(1000_u64..10_000_000),
        buffer in prop::option::of(1_u64..10_000),
    ) {
        let network = Network {
            rtt: ms(50), jitter: ms(jitter), bandwidth_bytes_per_s: rate, buffer_bytes: buffer, ..Network::default()
        };
        let opened = clock::now();
        let (mut path, mut now, mut sent) = (Path::new(opened, Rng::new(seed)), opened, Vec::new());
        for (index, (size, pause)) in pieces.into_iter().enumerate() {
            now += ms(pause);
            let piece: Vec<u8> = (0..size).map(|byte| (byte * 7 + index) as u8).collect();
            match buffer {
                Some(_) => path.hold_back(&piece, now, &network),
                None => path.send(&piece, now, &network),
            }
            sent.extend(piece);
        }
        path.end(Load::Fin, now, &network);
        let mut received = Vec::new();
        let mut last = opened + ms(25);
        while let Some(due) = path.next_due() {
            prop_assert!(due >= last, "not before the entry ahead of it, and never earlier than half a round trip");
            last = due;
            received.extend(arrived(&mut path, due));
            path.take_end(due);
        }
        prop_assert!(received == sent);
        prop_assert_eq!((path.held(), path.weight), (0, 0));
        let sending = rate.map_or(Duration::ZERO, |rate| time_of(received.len(), rate));
        prop_assert!(last >= (opened + sending).max(now) + ms(25));
        prop_assert!(last <= now + sending + ms(25) + ms(jitter) + ms(1));
    }
}
