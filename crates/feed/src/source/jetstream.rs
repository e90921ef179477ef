//! The address of a feed on a message broker: a NATS JetStream stream.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Due, Item, Source};
use crate::{Data, EventType};

/// A broker's servers, as `nats://HOST[:PORT][,HOST…]`; `tls://` for an encrypted connection. It contains no
/// credentials, so that it can be shown, logged and recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerAddress {
    scheme: String,
    hosts: Vec<String>,
}

/// A stream and the servers that store it: their address, `/` and its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StreamAddress {
    broker: BrokerAddress,
    stream: String,
}

/// A source that produces nothing: the updates of a stream are published by others.
pub(super) struct Elsewhere;

impl Source for Elsewhere {
    fn next_due(&mut self) -> Option<Due> {
        None
    }

    fn produce(&mut self) -> Item {
        Item { event_type: EventType::default(), data: Data::Text(String::new()) }
    }
}

/// Why a text is not the address of a stream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamAddressError {
    /// The text does not have the form of a stream's address.
    #[error("write a stream as nats://HOST[:PORT]/STREAM or tls://HOST[:PORT]/STREAM")]
    Form,
    /// The text does not have the form of a broker's address, which names no stream.
    #[error("write a broker as nats://HOST[:PORT] or tls://HOST[:PORT]")]
    BrokerForm,
    /// There are credentials before the host.
    #[error(
        "leave credentials out of the address, which others can see: set NATS_USER and NATS_PASSWORD, NATS_TOKEN, or \
         NATS_CREDS=FILE"
    )]
    Credentials,
    /// The stream's name is not valid.
    #[error("a stream name is 1 to {max} characters of A-Z, a-z, 0-9, - and _", max = StreamAddress::MAX_NAME_BYTES)]
    Name,
}

impl StreamAddress {
    /// The longest name of a stream, bytes. NATS advises against more than 32; file systems accept 255.
    pub const MAX_NAME_BYTES: usize = 64;

    /// The broker that stores the stream.
    #[must_use]
    pub const fn broker(&self) -> &BrokerAddress {
        &self.broker
    }

    /// The name of the stream.
    #[must_use]
    pub fn stream(&self) -> &str {
        &self.stream
    }

    /// Whether a text looks like the address of a stream.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        text.starts_with("nats:") || text.starts_with("tls:")
    }
}

impl BrokerAddress {
    /// The URL of each server, for a client to connect to.
    pub fn servers(&self) -> impl Iterator<Item = String> {
        self.hosts.iter().map(|host| format!("{}://{host}", self.scheme))
    }
}

impl FromStr for BrokerAddress {
    type Err = StreamAddressError;

    fn from_str(text: &str) -> Result<Self, StreamAddressError> {
        let (scheme, hosts) = text.split_once("://").ok_or(StreamAddressError::BrokerForm)?;
        if hosts.contains('@') {
            return Err(StreamAddressError::Credentials);
        }
        let hosts: Vec<String> = hosts.split(',').map(str::to_owned).collect();
        let is_host = |host: &String| url::Url::parse(&format!("nats://{host}")).is_ok_and(|url| is_bare(&url));
        if !matches!(scheme, "nats" | "tls") || !hosts.iter().all(is_host) {
            return Err(StreamAddressError::BrokerForm);
        }
        Ok(Self { scheme: scheme.to_owned(), hosts })
    }
}

impl fmt::Display for BrokerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.hosts.join(","))
    }
}

impl FromStr for StreamAddress {
    type Err = StreamAddressError;

    fn from_str(text: &str) -> Result<Self, StreamAddressError> {
        let (_, rest) = text.split_once("://").ok_or(StreamAddressError::Form)?;
        if rest.contains('@') {
            return Err(StreamAddressError::Credentials);
        }
        let (hosts, stream) = rest.split_once('/').ok_or(StreamAddressError::Form)?;
        let broker = text[..text.len() - rest.len() + hosts.len()].parse().map_err(|_| StreamAddressError::Form)?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if stream.is_empty() || stream.len() > Self::MAX_NAME_BYTES || !stream.bytes().all(is_plain) {
            return Err(StreamAddressError::Name);
        }
        Ok(Self { broker, stream: stream.to_owned() })
    }
}

/// Whether a URL names only a host, optionally with a port.
fn is_bare(url: &url::Url) -> bool {
    url.host_str().is_some_and(|host| !host.is_empty())
        && url.path().is_empty()
        && url.query().is_none()
        && url.fragment().is_none()
}

impl fmt::Display for StreamAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.broker, self.stream)
    }
}

impl TryFrom<String> for StreamAddress {
    type Error = StreamAddressError;

    fn try_from(text: String) -> Result<Self, StreamAddressError> {
        text.parse()
    }
}

impl From<StreamAddress> for String {
    fn from(address: StreamAddress) -> Self {
        address.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_servers_and_a_stream() {
        for text in ["nats://127.0.0.1:4222/QUAKES", "tls://a.example,b.example:4333/quakes_1", "nats://[::1]:4222/q"] {
            let address: StreamAddress = text.parse().unwrap();
            assert_eq!(address.to_string(), text);
            assert_eq!(serde_json::from_str::<StreamAddress>(&format!("\"{text}\"")).unwrap(), address);
        }
        let address: StreamAddress = "tls://a,b:1/q".parse().unwrap();
        assert_eq!(address.broker().servers().collect::<Vec<_>>(), ["tls://a", "tls://b:1"]);
        assert_eq!(address.stream(), "q");
    }

    #[test]
    fn other_addresses_are_refused_with_the_right_form() {
        use StreamAddressError::{Credentials, Form, Name};
        for (text, error) in [
            ("nats://host", Form),
            ("nats:///stream", Form),
            ("http://host/stream", Form),
            ("nats://a b/stream", Form),
            ("nats://host?x/stream", Form),
            ("nats://user:secret@host/stream", Credentials),
            ("nats://host/", Name),
            ("nats://host/a.b", Name),
            ("nats://host/a/b", Name),
            ("nats://host/é", Name),
        ] {
            assert_eq!(text.parse::<StreamAddress>(), Err(error), "{text}");
        }
        for text in ["nats://host/stream", "nats://", "host:4222", "nats://a,/"] {
            assert_eq!(text.parse::<BrokerAddress>(), Err(StreamAddressError::BrokerForm), "{text}");
        }
        assert_eq!("nats://u:secret@host".parse::<BrokerAddress>(), Err(Credentials));
        assert!("nats://u:secret@host/s".parse::<StreamAddress>().unwrap_err().to_string().contains("NATS_CREDS"));
    }
}
