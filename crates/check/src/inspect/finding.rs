//! A finding: one line with its evidence, and what to change. `judge` makes them; the command line draws them.

use serde::Serialize;

use crate::target::Secrets;

/// What was found out about one property of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The property.
    pub id: Id,
    /// How it is.
    pub mark: Mark,
    /// What was measured or received, in one line.
    pub evidence: String,
    /// What to change, one remedy a line; empty if nothing is to be changed.
    pub fix: Vec<String>,
}

impl Finding {
    /// The finding without what must not be shown, which a server may have repeated.
    pub(super) fn without(self, secrets: &Secrets) -> Self {
        let fix = self.fix.iter().map(|line| secrets.hide(line)).collect();
        Self { evidence: secrets.hide(&self.evidence), fix, ..self }
    }
}

/// How a property is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// As it should be.
    Good,
    /// It could not be tried, or nothing happened that shows it.
    NotTested,
    /// It works, but costs something or will fail some day.
    Warn,
    /// Clients miss updates, get them late, or get none.
    Bad,
}

/// The properties, in the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Id {
    /// The answer's status.
    Status,
    /// Where it redirects.
    Redirect,
    /// The media type.
    Type,
    /// Encryption.
    Tls,
    /// The version of HTTP.
    HttpVersion,
    /// Whether something holds events back.
    Buffering,
    /// Content coding, and whether it is flushed.
    Compression,
    /// The format of events, lines and text.
    Framing,
    /// Traffic that fills silence.
    Keepalive,
    /// Who closes a silent stream, and when.
    IdleTimeout,
    /// The ids of events.
    Ids,
    /// What a client with the id of an earlier event gets.
    Resume,
    /// The reconnection time.
    Retry,
    /// Whether a cache may store it.
    Caching,
    /// Which other origins may read it.
    Cors,
    /// What is in between.
    Proxy,
    /// What an `EventSource` does.
    EventSource,
    /// Whether tabs use up a browser's connections.
    SixConnections,
    /// Bytes per event, and what would change them.
    Bytes,
}

impl Id {
    /// Its name, as in the JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Redirect => "redirect",
            Self::Type => "type",
            Self::Tls => "tls",
            Self::HttpVersion => "http-version",
            Self::Buffering => "buffering",
            Self::Compression => "compression",
            Self::Framing => "framing",
            Self::Keepalive => "keepalive",
            Self::IdleTimeout => "idle-timeout",
            Self::Ids => "ids",
            Self::Resume => "resume",
            Self::Retry => "retry",
            Self::Caching => "caching",
            Self::Cors => "cors",
            Self::Proxy => "proxy",
            Self::EventSource => "event-source",
            Self::SixConnections => "six-connections",
            Self::Bytes => "bytes",
        }
    }

    /// A finding that it is as it should be.
    pub(super) fn good(self, evidence: impl Into<String>) -> Finding {
        self.is(Mark::Good, evidence, &[])
    }

    /// A finding that it could not be tried.
    pub(super) fn not_tested(self, evidence: impl Into<String>, fix: &[&str]) -> Finding {
        self.is(Mark::NotTested, evidence, fix)
    }

    /// A finding that it costs something.
    pub(super) fn warn(self, evidence: impl Into<String>, fix: &[&str]) -> Finding {
        self.is(Mark::Warn, evidence, fix)
    }

    /// A finding that it is wrong.
    pub(super) fn bad(self, evidence: impl Into<String>, fix: &[&str]) -> Finding {
        self.is(Mark::Bad, evidence, fix)
    }

    fn is(self, mark: Mark, evidence: impl Into<String>, fix: &[&str]) -> Finding {
        let fix = fix.iter().map(|line| (*line).to_owned()).collect();
        Finding { id: self, mark, evidence: evidence.into(), fix }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_that_of_the_json() {
        for id in [Id::Status, Id::HttpVersion, Id::IdleTimeout, Id::EventSource, Id::SixConnections, Id::Bytes] {
            assert_eq!(serde_json::to_value(id).unwrap(), id.name());
        }
    }
}
