//! What a case notes while it runs, and how that becomes the trace of its failure.

use std::time::{Duration, Instant};

use feedlab_feed::clock;

use super::exchange::{Exchange, View, describe_frame};
use crate::connection::End;
use crate::limits;
use crate::target::Secrets;
use crate::trace::{Entry, Trace, What, readable};

/// Pieces of one answer that arrive within this time are one entry: they were sent in one piece, or nearly.
const TOGETHER: Duration = Duration::from_millis(1);

/// The exchanges whose bytes are in a trace, besides the one that failed: no diagram shows as many.
const SHOWN: usize = 8;

/// What happened, and on which exchange.
type Did = (Option<usize>, What);

/// What the client did in a case so far. What the server did is in the recordings of the connections.
pub(super) struct Log {
    began: Instant,
    entries: Vec<(Duration, Did)>,
}

impl Log {
    pub(super) const fn new(began: Instant) -> Self {
        Self { began, entries: Vec::new() }
    }

    /// The time since the case started.
    pub(super) fn now(&self) -> Duration {
        clock::now().duration_since(self.began)
    }

    /// Notes something that the client does now. What would not fit into a trace is dropped.
    pub(super) fn note(&mut self, exchange: Option<usize>, what: What) {
        self.note_at(self.now(), exchange, what);
    }

    /// Notes something that the client did at a time.
    pub(super) fn note_at(&mut self, at: Duration, exchange: Option<usize>, what: What) {
        if self.entries.len() < 4 * limits::TRACE_ENTRIES {
            self.entries.push((at, (exchange, what)));
        }
    }

    /// Notes bytes that are sent now.
    pub(super) fn sent(&mut self, exchange: usize, bytes: &[u8]) {
        self.note(Some(exchange), What::Sent(text_of(bytes)));
    }

    /// Returns the trace of a failure that was found at a time. Nothing later is in it.
    pub(super) fn finish(
        self,
        exchanges: &[Exchange],
        secrets: &Secrets,
        until: Duration,
        on: Option<usize>,
        expected: &str,
    ) -> Trace {
        let mut entries = self.entries;
        let is_shown = |index: usize| index < SHOWN || Some(index) == on;
        for (index, exchange) in exchanges.iter().enumerate().filter(|(index, _)| is_shown(*index)) {
            entries.extend(received(&exchange.view(), until).into_iter().map(|(at, what)| (at, (Some(index), what))));
        }
        entries.retain(|(at, ..)| *at <= until);
        entries.sort_by_key(|(at, ..)| *at);
        fold_runs(&mut entries);
        shorten(&mut entries, |text| (None, What::Did(text)));
        entries.push((until, (on, What::Expected(expected.to_owned()))));
        let entry = |(at, (exchange, what)): (Duration, Did)| Entry {
            at_us: clock::micros(at),
            exchange,
            what: hidden(what, secrets),
        };
        Trace {
            exchanges: exchanges.iter().map(|exchange| exchange.name.clone()).collect(),
            entries: entries.into_iter().map(entry).collect(),
        }
    }
}

/// Shortens long runs of pieces that arrive on one exchange while nothing else happens: a history that a new client is
/// sent, or one large response.
fn fold_runs(entries: &mut Vec<(Duration, Did)>) {
    const FIRST: usize = 2;
    const LAST: usize = 2;
    let same_run = |a: &(Duration, Did), b: &(Duration, Did)| {
        let are_received = matches!((&a.1.1, &b.1.1), (What::Received(_), What::Received(_)));
        are_received && a.1.0 == b.1.0
    };
    let mut folded = Vec::with_capacity(entries.len());
    for run in entries.chunk_by(same_run) {
        match run {
            [first @ .., _, _] if first.len() > FIRST + 1 => {
                let (at, (exchange, _)) = run[FIRST];
                let text = format!("… ({} more pieces)", run.len() - FIRST - LAST);
                folded.extend_from_slice(&run[..FIRST]);
                folded.push((at, (exchange, What::Received(text))));
                folded.extend_from_slice(&run[run.len() - LAST..]);
            }
            _ => folded.extend_from_slice(run),
        }
    }
    *entries = folded;
}

/// Drops entries of the middle, if there are too many: the beginning says what was asked, the end what went wrong.
fn shorten<T>(entries: &mut Vec<(Duration, T)>, instead: impl FnOnce(String) -> T) {
    const BEGINNING: usize = limits::TRACE_ENTRIES / 4;
    let most = limits::TRACE_ENTRIES - 2;
    if let Some(dropped) = entries.len().checked_sub(most).filter(|dropped| *dropped > 0) {
        let at = entries[BEGINNING].0;
        let instead = instead(format!("{dropped} entries are left out"));
        entries.splice(BEGINNING..BEGINNING + dropped, [(at, instead)]);
    }
}

/// What a server did on a connection until a time.
fn received(view: &View, until: Duration) -> Vec<(Duration, What)> {
    let mut entries = if view.response.upgraded.is_some() { messages(view, until) } else { pieces(view, until) };
    if let Some((at, end)) = &view.received.ended {
        entries.push((*at, What::Ended(how(end))));
    }
    entries
}

/// The bytes of a connection, in the pieces in which they arrived.
fn pieces(view: &View, until: Duration) -> Vec<(Duration, What)> {
    let mut pieces: Vec<(Duration, Vec<u8>)> = Vec::new();
    for (at, bytes) in view.received.chunks.iter().filter(|(at, _)| *at <= until) {
        match pieces.last_mut() {
            Some((before, piece)) if at.saturating_sub(*before) <= TOGETHER && piece.len() < limits::TRACE_ENTRY => {
                piece.extend_from_slice(bytes);
            }
            _ => pieces.push((*at, bytes.to_vec())),
        }
    }
    shorten(&mut pieces, String::into_bytes);
    pieces.into_iter().map(|(at, piece)| (at, What::Received(text_of(&piece)))).collect()
}

/// The handshake of a WebSocket as bytes, and then its frames in words.
fn messages(view: &View, until: Duration) -> Vec<(Duration, What)> {
    let at = view.received.chunks.first().map_or(Duration::ZERO, |(at, _)| *at);
    let mut messages = vec![(at, text_of(&view.head_bytes()))];
    messages.extend(view.frames.iter().filter(|frame| frame.at <= until).map(|frame| {
        let shown = &frame.payload[..frame.payload.len().min(limits::TRACE_ENTRY)];
        (frame.at, cut(describe_frame(frame.opcode, frame.fin, shown)))
    }));
    shorten(&mut messages, |text| text);
    if let (Some(problem), Some((at, _))) = (&view.problem, view.received.chunks.last()) {
        messages.push((*at, format!("an invalid frame: {problem}")));
    }
    messages.into_iter().map(|(at, text)| (at, What::Received(text))).collect()
}

/// How a server ended a connection, in words.
pub(super) fn how(end: &End) -> String {
    match end {
        End::Fin => "closes the connection".to_owned(),
        End::Reset => "resets the connection".to_owned(),
        End::Failed(why) => format!("the connection fails: {why}"),
    }
}

/// Bytes as text, as much as an entry may have.
pub(super) fn text_of(bytes: &[u8]) -> String {
    let most = limits::TRACE_ENTRY;
    if bytes.len() <= most {
        return cut(readable(bytes));
    }
    format!("{}… ({} more bytes)", cut(readable(&bytes[..most])), bytes.len() - most)
}

fn cut(mut text: String) -> String {
    if text.len() > limits::TRACE_ENTRY {
        text.truncate(text.floor_char_boundary(limits::TRACE_ENTRY));
        text.push('…');
    }
    text
}

fn hidden(what: What, secrets: &Secrets) -> What {
    match what {
        What::Sent(text) => What::Sent(secrets.hide(&text)),
        What::Received(text) => What::Received(secrets.hide(&text)),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_trace_keeps_its_beginning_and_its_end() {
        let mut entries: Vec<_> = (0..1000).map(|i| (Duration::from_millis(i), i.to_string())).collect();
        shorten(&mut entries, |text| text);
        assert_eq!(
            (entries.len(), &*entries[0].1, &*entries.last().unwrap().1),
            (limits::TRACE_ENTRIES - 1, "0", "999")
        );
        assert_eq!(entries[50].1, "802 entries are left out");
    }

    #[test]
    fn a_long_run_of_pieces_is_folded() {
        let received = |at, exchange| (Duration::from_millis(at), (Some(exchange), What::Received(format!("{at}"))));
        let mut entries: Vec<_> = (0..10).map(|at| received(at, 0)).collect();
        entries.push(received(10, 1));
        entries.push((Duration::from_millis(11), (None, What::Published("a".to_owned()))));
        entries.extend((12..17).map(|at| received(at, 0)));
        fold_runs(&mut entries);
        let texts =
            entries.iter().map(|(_, (_, what))| if let What::Received(text) = what { text } else { "published" });
        let texts: Vec<&str> = texts.collect();
        let folded = ["0", "1", "… (6 more pieces)", "8", "9", "10", "published", "12", "13", "14", "15", "16"];
        assert_eq!(texts, folded);
    }

    #[test]
    fn long_bytes_are_cut() {
        let text = text_of(&vec![b'x'; 10_000]);
        assert!(text.len() < limits::TRACE_ENTRY + 40 && text.ends_with("(7952 more bytes)"), "{}", text.len());
        assert!(text_of(&vec![0xff; 2000]).len() <= limits::TRACE_ENTRY + 3);
    }
}
