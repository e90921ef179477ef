//! What is between clients and server, as far as it decides which transports work.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use feedlab_feed::settings::duration;
use serde::{Deserialize, Serialize};

/// Something between clients and server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Between {
    /// nginx with only `proxy_pass`: HTTP/1.0 to the server, buffering unless the server disables it, no upgrades.
    Nginx,
    /// A proxy that holds back an answer until it is complete, and does not forward upgrades.
    CorporateProxy,
    /// Something that speaks HTTP/2 with the clients.
    Http2,
    /// Something that closes a connection that has been idle for this long, as proxies and NATs do.
    IdleTimeout(Duration),
}

/// How each of them is written.
const EXAMPLES: &str = "nginx, corporate-proxy, http2 or \"idle timeout of 60s\"";

impl Between {
    /// Returns how long a connection may be idle, if it limits that.
    #[must_use]
    pub const fn idle_timeout(&self) -> Option<Duration> {
        match self {
            Self::IdleTimeout(timeout) => Some(*timeout),
            _ => None,
        }
    }

    /// Returns its name in a sentence.
    #[must_use]
    pub fn in_words(&self) -> String {
        match self {
            Self::Nginx => "nginx with its defaults".to_owned(),
            Self::CorporateProxy => "a corporate proxy".to_owned(),
            Self::Http2 => "HTTP/2".to_owned(),
            Self::IdleTimeout(timeout) => format!("an idle timeout of {}", humantime::format_duration(*timeout)),
        }
    }
}

impl fmt::Display for Between {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nginx => f.write_str("nginx"),
            Self::CorporateProxy => f.write_str("corporate-proxy"),
            Self::Http2 => f.write_str("http2"),
            Self::IdleTimeout(timeout) => write!(f, "idle timeout of {}", humantime::format_duration(*timeout)),
        }
    }
}

impl FromStr for Between {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words = text.trim().to_lowercase().replace(['-', '_', '='], " ");
        match &*words {
            "nginx" | "nginx with its defaults" => return Ok(Self::Nginx),
            "corporate proxy" | "proxy" => return Ok(Self::CorporateProxy),
            "http2" | "http/2" | "h2" => return Ok(Self::Http2),
            _ => {}
        }
        let Some(rest) = words.strip_prefix("idle") else {
            return Err(format!("{text:?} is not something between clients and server; write {EXAMPLES}"));
        };
        let rest = rest.trim().trim_start_matches("timeout").trim().trim_start_matches("of").trim();
        duration::parse(rest).map(Self::IdleTimeout)
    }
}

impl TryFrom<String> for Between {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Between> for String {
    fn from(between: Between) -> Self {
        between.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reads_back_as_it_is_written() {
        let timeout = Between::IdleTimeout(Duration::from_secs(60));
        for one in [Between::Nginx, Between::CorporateProxy, Between::Http2, timeout] {
            assert_eq!(one.to_string().parse(), Ok(one));
        }
        assert_eq!("idle 60 s".parse(), Ok(timeout));
        assert_eq!("corporate proxy".parse(), Ok(Between::CorporateProxy));
        assert!("pigeon".parse::<Between>().unwrap_err().contains("corporate-proxy"));
        assert!("idle timeout of much".parse::<Between>().is_err());
    }
}
