//! The updates in an answer, for each kind of server and endpoint, and the cursor after them.

use std::time::Duration;

use base64::Engine as _;
use feedlab_feed::Cursor;
use feedlab_feed::wire::sse::Parser;
use serde_json::Value;

use super::exchange::{Exchange, View};
use crate::contract::{Endpoint, Profile};
use crate::limits;
use crate::stream;
use crate::target::{Mapping, Target};

/// What a client finds in an answer.
#[derive(Default)]
pub(super) struct Observed {
    /// Its events, messages or items.
    pub(super) items: Vec<Item>,
    /// Whether it says that updates are missing: a gap or a reset.
    pub(super) is_reported: bool,
    /// Why there may be fewer items than expected.
    pub(super) complaint: Option<String>,
}

/// An event of a stream, a message of a WebSocket, or an item of a poll.
#[derive(Default)]
pub(super) struct Item {
    /// When it was complete.
    pub(super) at: Duration,
    /// The text in which an update is looked for.
    pub(super) text: String,
    /// Its type, if it has one.
    pub(super) kind: Option<String>,
    /// Its data as a feedlab server wraps it.
    pub(super) data: Option<String>,
    /// Its number in a feedlab feed.
    pub(super) seq: Option<u64>,
    /// Whether it has an id in the same block.
    pub(super) has_own_id: bool,
}

/// Finds the updates in what has arrived on an exchange.
pub(super) fn observe(target: &Target, exchange: &Exchange, view: &View) -> Observed {
    let is_feedlab = target.profile == Profile::Feedlab;
    match exchange.endpoint {
        _ if !view.status().is_none_or(|status| matches!(status, 101 | 200..=299)) => {
            Observed { complaint: Some(view.status_text()), ..Observed::default() }
        }
        Endpoint::Sse => events(view, is_feedlab),
        Endpoint::Websocket => messages(view, is_feedlab),
        Endpoint::Poll | Endpoint::LongPoll | Endpoint::Publish if is_feedlab => feedlab_poll(view),
        Endpoint::Poll | Endpoint::LongPoll | Endpoint::Publish => poll(view, &target.mapping),
    }
}

/// The cursor of a client that has read what has arrived. The error says why there is none.
pub(super) fn cursor(target: &Target, exchange: &Exchange, view: &View) -> Result<String, String> {
    let is_feedlab = target.profile == Profile::Feedlab;
    match exchange.endpoint {
        Endpoint::Sse => last_event_id(view).ok_or_else(|| "no event has an id".to_owned()),
        Endpoint::Websocket if is_feedlab => {
            websocket_cursor(view).ok_or_else(|| "no message contains the client's position".to_owned())
        }
        Endpoint::Websocket => {
            let read = |text: &String| target.mapping.cursor(&serde_json::from_str(text).ok()?);
            let cursor = view.messages.iter().rev().filter_map(|message| message.text.as_ref()).find_map(read);
            cursor.ok_or_else(|| no_cursor(&target.mapping, "message"))
        }
        _ => {
            let body: Value =
                serde_json::from_str(&view.response.text()).map_err(|_| "the body is not JSON".to_owned())?;
            if is_feedlab {
                return body["next"].as_str().map(str::to_owned).ok_or_else(|| "the body has no `next`".to_owned());
            }
            if let Some(name) = target.mapping.header() {
                let field = view.response.head.as_ref().and_then(|head| head.first(name));
                return field.map(str::to_owned).ok_or_else(|| format!("the response has no field {name}"));
            }
            target.mapping.cursor(&body).ok_or_else(|| no_cursor(&target.mapping, "answer"))
        }
    }
}

fn no_cursor(mapping: &Mapping, place: &str) -> String {
    match &mapping.cursor {
        Some(pointer) => format!("the {place} has no cursor at {pointer}"),
        None => "the location of the cursor is unknown: specify it with --cursor /POINTER".to_owned(),
    }
}

fn last_event_id(view: &View) -> Option<String> {
    let mut parser = Parser::new(limits::BODY);
    for (_, chunk) in &view.response.body {
        // A body is no larger than the limit.
        parser.push(chunk, |_| ()).ok()?;
    }
    Some(parser.last_event_id().to_owned()).filter(|id| !id.is_empty())
}

fn events(view: &View, is_feedlab: bool) -> Observed {
    let mut observed = Observed::default();
    for seen in stream::events(&view.response.body).0 {
        let kind = seen.event.event_type.clone();
        let is_reported = matches!(&*kind, "gap" | "reset");
        let has_own_id = seen.own_id.is_some_and(|id| !id.is_empty());
        let mut item =
            Item { at: seen.at, text: seen.event.data.clone(), kind: Some(kind), has_own_id, ..Item::default() };
        observed.is_reported |= is_reported;
        if is_feedlab && !is_reported {
            item.seq = seen.event.last_event_id.parse::<Cursor>().ok().map(|cursor| cursor.seq);
            match serde_json::from_str(&seen.event.data).ok().and_then(|body: Value| data_of(&body)) {
                Some(data) => item.data = Some(data),
                None => {
                    observed.complaint = Some("the data of an event is not {\"at\":…,\"data\":…}".to_owned());
                    item.text.clear();
                }
            }
        }
        item.text = item.data.clone().unwrap_or(item.text);
        observed.items.push(item);
    }
    if observed.items.len() == limits::ITEMS {
        observed.complaint = Some(format!("it has {} events, and no more are read", limits::ITEMS));
    }
    observed
}

fn messages(view: &View, is_feedlab: bool) -> Observed {
    let mut observed = Observed::default();
    for message in &view.messages {
        let text = message.text.clone().unwrap_or_else(|| String::from_utf8_lossy(&message.bytes).into_owned());
        let body: Value = message.text.as_ref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let kind = body["type"].as_str().map(str::to_owned);
        let mut item = Item { at: message.at, text, kind, has_own_id: true, ..Item::default() };
        let control = ["hello", "gap", "reset", "ack"].into_iter().find(|key| body[key].is_object());
        if is_feedlab {
            observed.is_reported |= matches!(control, Some("gap" | "reset"));
            feedlab_message(&mut item, &body, control, &message.bytes, message.text.is_none());
            if control.is_none() && item.data.is_none() {
                observed.complaint = Some("a message is not {\"seq\":…,\"at\":…,\"type\":…,\"data\":…}".to_owned());
            }
        }
        observed.items.push(item);
    }
    observed
}

fn feedlab_message(item: &mut Item, body: &Value, control: Option<&str>, bytes: &[u8], is_binary: bool) {
    if let Some(control) = control {
        item.kind = Some(control.to_owned());
        item.text.clear();
    } else if is_binary {
        let seq = bytes.first_chunk().map(|seq| u64::from_be_bytes(*seq));
        let rest = bytes.get(17..).and_then(|rest| rest.get(usize::from(*bytes.get(16)?)..));
        item.seq = seq;
        item.data = rest.map(|data| String::from_utf8_lossy(data).into_owned());
    } else {
        item.seq = body["seq"].as_u64();
        item.data = data_of(body).filter(|_| item.seq.is_some());
    }
    item.text = item.data.clone().unwrap_or_default();
}

fn websocket_cursor(view: &View) -> Option<String> {
    let mut position: Option<Cursor> = None;
    for message in &view.messages {
        let Some(text) = &message.text else {
            let seq = message.bytes.first_chunk().map(|seq| u64::from_be_bytes(*seq));
            position = position.zip(seq).map(|(cursor, seq)| Cursor { seq, ..cursor });
            continue;
        };
        let body: Value = serde_json::from_str(text).unwrap_or_default();
        let named = [&body["hello"]["cursor"], &body["reset"]["resume"]].into_iter().find_map(Value::as_str);
        let seq = body["seq"].as_u64().or_else(|| body["gap"]["to"].as_u64());
        match (named.and_then(|cursor| cursor.parse().ok()), seq, position) {
            (Some(cursor), ..) => position = Some(cursor),
            (None, Some(seq), Some(cursor)) => position = Some(Cursor { seq, ..cursor }),
            _ => {}
        }
    }
    position.map(|cursor| cursor.to_string())
}

fn feedlab_poll(view: &View) -> Observed {
    let Some(body) = body(view) else { return incomplete(view) };
    let Some(updates) = body["updates"].as_array() else {
        return Observed { complaint: Some("the body has no list `updates`".to_owned()), ..Observed::default() };
    };
    let at = arrived(view);
    let mut observed =
        Observed { is_reported: body["gap"].is_object() || body["reset"].is_object(), ..Observed::default() };
    for update in updates.iter().take(limits::ITEMS) {
        let data = data_of(update);
        if data.is_none() {
            observed.complaint = Some("an update is not {\"seq\":…,\"at\":…,\"type\":…,\"data\":…}".to_owned());
        }
        let kind = update["type"].as_str().map(str::to_owned);
        let text = data.clone().unwrap_or_default();
        observed.items.push(Item { at, text, kind, data, seq: update["seq"].as_u64(), has_own_id: true });
    }
    observed
}

fn poll(view: &View, mapping: &Mapping) -> Observed {
    let Some(body) = body(view) else { return incomplete(view) };
    let Some(items) = mapping.items(&body) else {
        return Observed { complaint: Some("the body has no list of updates".to_owned()), ..Observed::default() };
    };
    let at = arrived(view);
    let item = |item: &Value| {
        let kind = item["type"].as_str().map(str::to_owned);
        Item { at, text: item.to_string(), kind, has_own_id: true, ..Item::default() }
    };
    Observed { items: items.iter().take(limits::ITEMS).map(item).collect(), ..Observed::default() }
}

/// The body of a complete answer, if it is JSON.
fn body(view: &View) -> Option<Value> {
    serde_json::from_str(&view.response.text()).ok().filter(|_| view.is_over())
}

fn incomplete(view: &View) -> Observed {
    let complaint = match view.status() {
        None => "no response".to_owned(),
        Some(204 | 304) => view.status_text(),
        Some(_) if view.is_over() => "the body is not JSON".to_owned(),
        Some(_) => "the body is not complete".to_owned(),
    };
    Observed { complaint: Some(complaint), ..Observed::default() }
}

/// When the last byte of a body arrived.
fn arrived(view: &View) -> Duration {
    view.response.body.last().map_or(Duration::ZERO, |(at, _)| *at)
}

/// The data of an update of feedlab, as text.
fn data_of(update: &Value) -> Option<String> {
    let data = update["data"].as_str().filter(|_| update["at"].is_u64())?;
    match update["encoding"].as_str() {
        Some("base64") => {
            let bytes = base64::engine::general_purpose::STANDARD.decode(data).ok()?;
            Some(String::from_utf8_lossy(&bytes).into_owned())
        }
        _ => Some(data.to_owned()),
    }
}
