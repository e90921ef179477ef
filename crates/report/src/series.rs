//! The contender that a line, a bar or a row belongs to, with its names and its look, and the part of a sweep that is
//! shown.
//!
//! Everything comes from the entries of a summary. All code that names a contender uses this module, so a contender has
//! one name in tables, one in sentences and one look in all charts.

use feedlab_experiment::summary::Entry;

use crate::palette::Look;
use crate::{human, wording};

/// The contender that a line or a bar belongs to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Series {
    /// The contender's label.
    pub(crate) label: String,
    /// Its name in a sentence: only the transport if no other contender has it. A target is named too, since what it does is
    /// not the transport's doing.
    pub(crate) spoken: String,
    /// How it is drawn in every chart.
    pub(crate) look: Look,
    /// The number of clients.
    pub(crate) clients: u32,
    /// The payload of an update in bytes, if the run sweeps it.
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
        Self {
            label: entry.label.clone(),
            spoken: spoken(&entry.label, entry.transport.label(), labels.len() == 1 && entry.target.is_none()),
            look: Look {
                contender: contenders(entries).iter().position(|&label| label == entry.label).unwrap_or(0),
                ..Look::of(entry.transport, variant(entry, entries, &labels))
            },
            clients: entry.clients,
            payload_bytes: payload_bytes(entry),
        }
    }
}

impl Series {
    /// Turns it into that of run A (0) or B (1) of two: named after the run, and drawn so that the two of a contender look
    /// related and different.
    pub(crate) fn in_run(&mut self, run: usize) {
        let letter = ["A", "B"][run.min(1)];
        self.label = format!("{letter}: {}", self.label);
        self.spoken = format!("{} in {letter}", self.spoken);
        self.look = if run == 0 { self.look } else { self.look.other() };
        self.look.contender = 2 * self.look.contender + run;
    }
}

/// The labels of a run's contenders, each once, in the order of the run.
pub(crate) fn contenders(entries: &[Entry]) -> Vec<&str> {
    let mut labels: Vec<&str> = Vec::new();
    for entry in entries {
        if !labels.contains(&entry.label.as_str()) {
            labels.push(&entry.label);
        }
    }
    labels
}

/// The index that decides the lightness and the marker: that of the server, so that a server looks alike over every
/// transport, or if one server has several contenders of the transport, that among the `labels` of the transport.
fn variant(entry: &Entry, entries: &[Entry], labels: &[&str]) -> usize {
    let kin = || entries.iter().filter(|other| other.transport == entry.transport);
    let repeats = kin().any(|a| kin().any(|b| a.target == b.target && a.label != b.label));
    if repeats {
        return labels.iter().position(|&label| label == entry.label).unwrap_or(0);
    }
    let mut servers: Vec<&Option<String>> = Vec::new();
    for other in entries {
        if !servers.contains(&&other.target) {
            servers.push(&other.target);
        }
    }
    servers.iter().position(|&server| *server == entry.target).unwrap_or(0)
}

/// The point of a sweep that line charts and titles show: the largest client count and the largest payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    /// The number of clients.
    pub(crate) clients: u32,
    /// Whether the run has other client counts.
    pub(crate) clients_swept: bool,
    /// The payload of an update in bytes, if the run sweeps it.
    pub(crate) payload_bytes: Option<u64>,
    /// Whether the run has other payloads.
    pub(crate) payload_swept: bool,
    /// The number of contenders in scope.
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

    /// Whether a series is in scope.
    pub(crate) fn shows(&self, series: &Series) -> bool {
        series.clients == self.clients && series.payload_bytes == self.payload_bytes
    }

    /// The point that is shown, if the run has others too: `500 clients and 4 KiB of payload`.
    pub(crate) fn fixed(&self) -> Option<String> {
        let clients = self.clients_swept.then(|| wording::counted(f64::from(self.clients), "client", "clients"));
        let payload = self.payload_bytes.filter(|_| self.payload_swept);
        let payload = payload.map(|bytes| format!("{} of payload", human::size(bytes as f64)));
        let fixed: Vec<String> = clients.into_iter().chain(payload).collect();
        (!fixed.is_empty()).then(|| fixed.join(" and "))
    }

    /// Returns a sentence that says for which point of the sweep it holds.
    pub(crate) fn say(&self, text: &str) -> String {
        match self.fixed() {
            Some(fixed) => format!("With {fixed}, {text}"),
            None => wording::sentence(text),
        }
    }
}

/// The name of a row in a table: the label, with the client count and payload if the label is not unique.
pub(crate) fn row_name(entry: &Entry, entries: &[Entry]) -> String {
    let is_swept = entries.iter().any(|other| other.label == entry.label && other != entry);
    if is_swept { entry.name() } else { entry.label.clone() }
}

/// Turns a label of the form `transport, details` into `transport (details)`, or into `transport` if that is unique.
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
