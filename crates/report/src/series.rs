//! Who a line, a bar or a row belongs to: the names and the look of a contender, and the part of a sweep that is looked at.
//!
//! Taken from the entries of a summary alone. Everything that names a contender asks here, so that it has one name in a
//! table, one in a sentence and one look in all pictures.

use feedlab_experiment::summary::Entry;

use crate::palette::Look;
use crate::{human, wording};

/// Who a line or a bar belongs to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Series {
    /// The contender's label.
    pub(crate) label: String,
    /// Its name in a sentence: the transport alone if no other contender has it.
    pub(crate) spoken: String,
    /// How it is drawn everywhere.
    pub(crate) look: Look,
    /// Number of clients.
    pub(crate) clients: u32,
    /// Payload of an update, bytes, if the run sweeps it.
    pub(crate) payload_bytes: Option<u64>,
}

impl Series {
    pub(crate) fn of(entry: &Entry, entries: &[Entry]) -> Self {
        let mut labels: Vec<&str> = Vec::new();
        for other in entries.iter().filter(|other| other.transport == entry.transport) {
            if !labels.contains(&other.label.as_str()) {
                labels.push(&other.label);
            }
        }
        let variant = labels.iter().position(|&label| label == entry.label).unwrap_or(0);
        Self {
            label: entry.label.clone(),
            spoken: spoken(&entry.label, entry.transport.label(), labels.len() == 1),
            look: Look::of(entry.transport, variant),
            clients: entry.clients,
            payload_bytes: payload_bytes(entry),
        }
    }
}

/// The clients and the payload at which a sweep is looked at: the largest of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    /// Number of clients.
    pub(crate) clients: u32,
    /// Whether the run has other numbers of clients.
    pub(crate) clients_swept: bool,
    /// Payload of an update, bytes, if the run sweeps it.
    pub(crate) payload_bytes: Option<u64>,
    /// Whether the run has other payloads.
    pub(crate) payload_swept: bool,
    /// Contenders in scope.
    pub(crate) contenders: usize,
}

impl Scope {
    pub(crate) fn of(entries: &[Entry]) -> Self {
        let clients = entries.iter().map(|entry| entry.clients).max().unwrap_or(0);
        let payload = entries.iter().filter_map(payload_bytes).max();
        let scope = Self {
            clients,
            clients_swept: entries.iter().any(|entry| entry.clients != clients),
            payload_bytes: payload,
            payload_swept: entries.iter().any(|entry| payload_bytes(entry) != payload),
            contenders: 0,
        };
        Self { contenders: entries.iter().filter(|entry| scope.holds(entry)).count(), ..scope }
    }

    pub(crate) fn holds(&self, entry: &Entry) -> bool {
        entry.clients == self.clients && payload_bytes(entry) == self.payload_bytes
    }

    /// Whether a row is inside.
    pub(crate) fn shows(&self, series: &Series) -> bool {
        series.clients == self.clients && series.payload_bytes == self.payload_bytes
    }

    /// What is held fixed, if the run has rows outside: `500 clients and 4 KiB of payload`.
    pub(crate) fn fixed(&self) -> Option<String> {
        let clients = self.clients_swept.then(|| wording::counted(f64::from(self.clients), "client", "clients"));
        let payload = self.payload_bytes.filter(|_| self.payload_swept);
        let payload = payload.map(|bytes| format!("{} of payload", human::size(bytes as f64)));
        let fixed: Vec<String> = clients.into_iter().chain(payload).collect();
        (!fixed.is_empty()).then(|| fixed.join(" and "))
    }

    /// Makes a sentence that says for which part of the run it holds.
    pub(crate) fn say(&self, text: &str) -> String {
        match self.fixed() {
            Some(fixed) => format!("With {fixed}, {text}"),
            None => wording::sentence(text),
        }
    }
}

/// What a row is called in a table: the label, with the client count and payload if that alone does not tell it apart.
pub(crate) fn row_name(entry: &Entry, entries: &[Entry]) -> String {
    let is_swept = entries.iter().any(|other| other.label == entry.label && other != entry);
    if is_swept { entry.name() } else { entry.label.clone() }
}

/// A label of the form `transport, details` reads in a sentence as `transport (details)`, or without its details.
fn spoken(label: &str, transport: &str, is_only: bool) -> String {
    match label.strip_prefix(transport).and_then(|rest| rest.strip_prefix(", ")) {
        Some(_) if is_only => transport.to_owned(),
        Some(details) => format!("{transport} ({details})"),
        None => label.to_owned(),
    }
}

pub(crate) fn payload_bytes(entry: &Entry) -> Option<u64> {
    entry.payload_bytes.map(|bytes| bytes as u64)
}
