//! The output lines, for people and for programs.

use feedlab_feed::text::visible;
use feedlab_feed::wire::RawUpdate;
use feedlab_feed::wire::sse::Event;
use feedlab_feed::{Data, Gap, Reset, Update};
use feedlab_loadgen::observer::Opened;
use feedlab_loadgen::transport::{Parts, header};
use serde::Serialize;
use serde::de::IgnoredAny;

/// An event as JSON, with the names of a browser's `MessageEvent`.
#[derive(Serialize)]
struct EventLine<'a> {
    #[serde(rename = "type")]
    event_type: &'a str,
    data: &'a str,
    #[serde(rename = "lastEventId")]
    last_event_id: &'a str,
}

#[derive(Serialize)]
struct GapLine {
    gap: Gap,
}

#[derive(Serialize)]
struct ResetLine {
    reset: Reset,
}

pub(super) fn of_event(event: &Event) -> String {
    let Event { event_type, data, last_event_id, has_own_id: _ } = event;
    json(&EventLine { event_type, data, last_event_id })
}

pub(super) fn of_gap(gap: Gap) -> String {
    json(&GapLine { gap })
}

pub(super) fn of_reset(reset: Reset) -> String {
    json(&ResetLine { reset })
}

fn json(value: &impl Serialize) -> String {
    // Only strings and integers, which always serialize.
    serde_json::to_string(value).unwrap_or_default() + "\n"
}

/// Formats data that is not a feedlab update: an event with its id and type, anything else as one line.
pub(super) fn of_foreign(raw: RawUpdate<'_>) -> String {
    match raw {
        RawUpdate::Event(Event { event_type, data, last_event_id, has_own_id: _ }) => {
            format!("{:>6}  {:>8}  {:<12}  {}\n", visible(last_event_id), "", visible(event_type), visible(data))
        }
        RawUpdate::Json(text) => format!("{}\n", visible(String::from_utf8_lossy(text).trim())),
        RawUpdate::Binary(bytes) => format!("({} bytes)\n", bytes.len()),
    }
}

/// Formats the same for programs: JSON unchanged, and anything else as the data of an event.
pub(super) fn of_foreign_as_json(raw: RawUpdate<'_>) -> String {
    let message = |data: &str| json(&EventLine { event_type: "message", data, last_event_id: "" });
    match raw {
        RawUpdate::Event(event) => of_event(event),
        // In JSON, line breaks occur only between tokens.
        RawUpdate::Json(text) if is_json(text) => String::from_utf8_lossy(text).replace(['\r', '\n'], " ") + "\n",
        RawUpdate::Json(bytes) | RawUpdate::Binary(bytes) => message(&String::from_utf8_lossy(bytes)),
    }
}

pub(super) fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(text).is_ok()
}

/// Formats an answer as `200 text/event-stream, HTTP/1.1, first byte 84.0 ms`.
pub(super) fn of_answer(head: &Parts, opened: Opened) -> String {
    let content_type = field(head, &header::CONTENT_TYPE).map(|text| format!(" {text}")).unwrap_or_default();
    let version = format!("{:?}", head.version).replace("HTTP/2.0", "HTTP/2");
    let tls = opened.tls_us.map(|us| format!(", TLS handshake {}", age(us))).unwrap_or_default();
    format!("{}{content_type}, {version}{tls}, first byte {}", head.status.as_u16(), age(opened.open_us))
}

/// Returns a header field of an answer, safe to print.
pub(super) fn field(head: &Parts, name: &header::HeaderName) -> Option<String> {
    head.headers.get(name).map(|value| visible(&String::from_utf8_lossy(value.as_bytes())).into_owned())
}

/// Formats an update as `    17    0.8 ms  tick          …`: aligned columns in the common case, never truncated.
pub(super) fn of_update(update: &Update, received_at_us: u64) -> String {
    let age = age(received_at_us.saturating_sub(update.at));
    let data = match &update.data {
        Data::Text(text) => visible(text).into_owned(),
        Data::Binary(bytes) => format!("({} bytes)", bytes.len()),
    };
    format!("{:>6}  {age:>8}  {:<12}  {data}\n", update.seq, update.event_type.as_str())
}

/// Formats a time in µs with its significant digits.
pub(super) fn age(us: u64) -> String {
    match us {
        0..100_000 => format!("{:.1} ms", us as f64 / 1e3),
        100_000..1_000_000 => format!("{} ms", us / 1000),
        1_000_000..100_000_000 => format!("{:.1} s", us as f64 / 1e6),
        _ => format!("{} s", us / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use feedlab_feed::EventType;

    #[test]
    fn an_update_is_one_line_without_control_characters() {
        let update = |data| Update { seq: 17, at: 1_000_000, event_type: EventType::new("tick").unwrap(), data };
        let text = of_update(&update(Data::Text("two\nlines \u{1b}[31m é".into())), 1_000_840);
        assert_eq!(text, "    17    0.8 ms  tick          two\\nlines \\u{1b}[31m é\n");
        let bytes = of_update(&update(Data::Binary(vec![0; 300].into())), 3_500_000);
        assert_eq!(bytes, "    17     2.5 s  tick          (300 bytes)\n");
    }

    #[test]
    fn h7_foreign_data_is_one_line_too() {
        let event = Event {
            event_type: "price".into(),
            data: "{\"eur\":1}\u{1b}".into(),
            last_event_id: "7".into(),
            has_own_id: true,
        };
        for (raw, people, program) in [
            (
                RawUpdate::Event(&event),
                "     7            price         {\"eur\":1}\\u{1b}\n",
                "{\"type\":\"price\",\"data\":\"{\\\"eur\\\":1}\\u001b\",\"lastEventId\":\"7\"}\n",
            ),
            (RawUpdate::Json(b"{\n \"a\":1}\n"), "{\\n \"a\":1}\n", "{  \"a\":1} \n"),
            (RawUpdate::Json(b"hello"), "hello\n", "{\"type\":\"message\",\"data\":\"hello\",\"lastEventId\":\"\"}\n"),
            (
                RawUpdate::Binary(b"abc"),
                "(3 bytes)\n",
                "{\"type\":\"message\",\"data\":\"abc\",\"lastEventId\":\"\"}\n",
            ),
        ] {
            assert_eq!((of_foreign(raw).as_str(), of_foreign_as_json(raw).as_str()), (people, program));
        }
    }

    #[test]
    fn ages_have_their_significant_digits() {
        assert_eq!(
            [0, 99_949, 512_345, 1_250_000, 200_000_000].map(age),
            ["0.0 ms", "99.9 ms", "512 ms", "1.2 s", "200 s"]
        );
    }
}
