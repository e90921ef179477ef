use super::*;
use crate::wire::tests::any_update;
use proptest::prelude::*;

/// Returns a client's frame, which is masked.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    let mut out = vec![first];
    match payload.len() {
        len @ 0..=125 => out.push(0x80 | len as u8),
        len @ 126..=0xFFFF => {
            out.push(0xFE);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            out.push(0xFF);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&mask);
    out.extend(payload.iter().enumerate().map(|(i, b)| b ^ mask[i % 4]));
    out
}

fn decode(bytes: &[u8], chunk: usize) -> Result<Vec<Incoming>, Violation> {
    let mut decoder = Decoder::new(100_000);
    let mut seen = Vec::new();
    for mut part in bytes.chunks(chunk) {
        while let Some(message) = decoder.decode(&mut part)? {
            seen.push(message);
        }
    }
    Ok(seen)
}

#[track_caller]
fn refused(bytes: &[u8], code: u16) {
    for chunk in [1, bytes.len()] {
        assert_eq!(decode(bytes, chunk).unwrap_err().code, code, "in chunks of {chunk}");
    }
}

#[test]
fn the_rfcs_masked_hello_reads_back() {
    let hello = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(decode(&hello, 1).unwrap(), [Incoming::Text("Hello".into())]);
}

#[test]
fn a_ping_may_stand_between_fragments() {
    let bytes = [masked(0x01, b"Hel"), masked(0x89, b"now"), masked(0x80, b"lo")].concat();
    assert_eq!(decode(&bytes, 2).unwrap(), [Incoming::Ping(b"now".to_vec()), Incoming::Text("Hello".into())]);
}

#[test]
fn protocol_violations_have_their_close_code() {
    refused(&[0x81, 0x05, b'H'], close::PROTOCOL_ERROR); // not masked
    refused(&masked(0xC1, b"x"), close::PROTOCOL_ERROR); // RSV1
    refused(&masked(0x83, b"x"), close::PROTOCOL_ERROR); // opcode 3
    refused(&masked(0x09, b"x"), close::PROTOCOL_ERROR); // fragmented ping
    refused(&masked(0x89, &[0; 126]), close::PROTOCOL_ERROR); // long ping
    refused(&masked(0x80, b"x"), close::PROTOCOL_ERROR); // nothing to continue
    refused(&[masked(0x01, b"a"), masked(0x81, b"b")].concat(), close::PROTOCOL_ERROR); // two at once
    refused(&[0x82, 0xFE, 0, 5, 0, 0, 0, 0], close::PROTOCOL_ERROR); // long form of a short length
    refused(&[0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], close::PROTOCOL_ERROR); // 2^63
    refused(&masked(0x88, b"\x03"), close::PROTOCOL_ERROR); // half a code
    refused(&masked(0x88, &1005u16.to_be_bytes()), close::PROTOCOL_ERROR); // must not be sent
    refused(&masked(0x81, b"\xC0\xAF"), close::NOT_UTF8);
    refused(&masked(0x88, b"\x03\xE8\xFF"), close::NOT_UTF8);
    refused(&masked(0x82, &[0; 100_001]), close::TOO_BIG);
    refused(&[masked(0x02, &[0; 60_000]), masked(0x80, &[0; 60_000])].concat(), close::TOO_BIG);
}

#[test]
fn close_codes_are_read() {
    assert_eq!(decode(&masked(0x88, b""), 9).unwrap(), [Incoming::Close(None)]);
    assert_eq!(decode(&masked(0x88, b"\x03\xE9bye"), 3).unwrap(), [Incoming::Close(Some(1001))]);
}

#[test]
fn a_long_close_reason_is_cut_at_a_character() {
    let frame = close_frame(close::GOING_AWAY, &"é".repeat(100));
    assert_eq!(frame[1], 2 + 122);
    assert!(std::str::from_utf8(&frame[4..]).is_ok());
}

proptest! {
    #[test]
    fn messages_in_any_fragments_and_chunks_are_reassembled(
        messages in proptest::collection::vec((any::<bool>(), "\\PC{0,300}"), 0..6),
        fragment in 1usize..90, chunk in 1usize..70,
    ) {
        let mut bytes = Vec::new();
        let mut expected = Vec::new();
        for (text, content) in &messages {
            let parts: Vec<&[u8]> = if content.is_empty() { vec![&[]] } else { content.as_bytes().chunks(fragment).collect() };
            for (index, part) in parts.iter().enumerate() {
                let opcode = match (index, text) { (0, true) => 1, (0, false) => 2, _ => 0 };
                let fin = if index + 1 == parts.len() { 0x80 } else { 0 };
                bytes.extend(masked(fin | opcode, part));
            }
            expected.push(if *text { Incoming::Text(content.clone()) } else { Incoming::Binary(content.clone().into_bytes()) });
        }
        prop_assert_eq!(decode(&bytes, chunk).unwrap(), expected);
    }

    #[test]
    fn garbage_gives_the_same_result_in_any_chunks(bytes in proptest::collection::vec(any::<u8>(), 0..400), chunk in 1usize..50) {
        prop_assert_eq!(decode(&bytes, chunk), decode(&bytes, 400));
    }

    #[test]
    fn an_update_survives_its_frame(update in any_update()) {
        let frame = update_frame(&update);
        let header = match frame[1] { 126 => 4, 127 => 10, _ => 2 };
        let payload = &frame[header..];
        let read = match frame[0] & 0x0F {
            1 => match read_text(std::str::from_utf8(payload).unwrap()) {
                Message::Update(raw) => raw.update().unwrap(),
                other => panic!("{other:?}"),
            },
            _ => read_binary(payload).unwrap(),
        };
        prop_assert_eq!(read, update);
    }

    /// The header is read and nothing beyond it: too few bytes are an error, and so is an invalid name.
    #[test]
    fn a_binary_message_is_what_its_header_says_or_an_error(
        stamp in proptest::collection::vec(any::<u8>(), 0..=16), name_len in 0u8..9, rest in "[agp\n]{0,12}",
    ) {
        let bytes = [&stamp[..], &[name_len], rest.as_bytes()].concat();
        let header = bytes.first_chunk::<BINARY_HEADER>();
        match read_binary_stamp(&bytes) {
            Ok(Stamp { seq, at, .. }) => {
                let header = header.unwrap();
                prop_assert_eq!([seq.to_be_bytes(), at.to_be_bytes()].concat(), &header[..16]);
            }
            Err(error) => prop_assert!(header.is_none() && matches!(error, WireError::ShortFrame), "{error}"),
        }
        let name_and_data = header
            .and_then(|header| bytes[BINARY_HEADER..].split_at_checked(header[BINARY_HEADER - 1].into()))
            .map(|(name, data)| (std::str::from_utf8(name).unwrap().to_owned(), data));
        let is_name = |name: &str| !name.is_empty() && name != "gap" && name != "reset" && !name.contains('\n');
        match (read_binary(&bytes), name_and_data) {
            (Ok(update), Some((name, data))) if is_name(&name) => {
                prop_assert_eq!((update.event_type.as_str(), update.data), (&*name, Data::Binary(data.to_vec().into())));
            }
            (Err(WireError::EventType(_)), Some((name, _))) => prop_assert!(!is_name(&name), "{name:?}"),
            (Err(WireError::ShortFrame), None) => {}
            (read, expected) => prop_assert!(false, "{read:?}, expected {expected:?}"),
        }
    }
}

#[test]
fn gaps_and_acks_are_distinguished_from_updates() {
    let gap = gap_frame(Gap { from: 3, to: 9 });
    assert_eq!(&gap[2..], br#"{"gap":{"from":3,"to":9}}"#);
    assert!(matches!(read_text(r#"{"gap":{"from":3,"to":9}}"#), Message::Gap(Gap { from: 3, to: 9 })));
    assert!(matches!(read_text(r#"{"ack":{"seq":4}}"#), Message::Ack(Ack { seq: 4 })));
    let (asked, resume) = ("a000.31".parse().unwrap(), "k3f9.0".parse().unwrap());
    let reset = reset_frame(Reset { asked, resume });
    assert_eq!(&reset[2..], br#"{"reset":{"asked":"a000.31","resume":"k3f9.0"}}"#);
    let text = std::str::from_utf8(&reset[2..]).unwrap();
    assert!(matches!(read_text(text), Message::Reset(read) if read == Reset { asked, resume }));
    assert_eq!(&hello_frame(resume)[2..], br#"{"hello":{"cursor":"k3f9.0"}}"#);
    assert!(matches!(read_text(r#"{"hello":{"cursor":"k3f9.0"}}"#), Message::Hello(cursor) if cursor == resume));
    assert!(matches!(read_text("hello"), Message::Update(raw) if raw.update().is_err()));
}
