//! Why a connection cannot be opened, and what to do about it: the last words of a check or an inspection.

use std::time::Duration;

use humantime::format_duration;

/// Why a connection cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The URL's scheme is unknown. Holds it.
    #[error("`{0}:` is not a supported scheme: use http, https, ws or wss")]
    Scheme(String),
    /// The URL names no server. Holds the URL's scheme.
    #[error("the URL has no host: write it as {0}://HOST:PORT/PATH")]
    NoHost(String),
    /// The URL asks for TLS, and nobody is trusted. Holds the scheme.
    #[error(
        "{0} needs a certificate to trust: specify a file with --cacert FILE, or skip the verification with --insecure"
    )]
    NoTrust(String),
    /// The name has no address. Holds the name and the reason.
    #[error("the name `{0}` cannot be resolved ({1}): check its spelling")]
    Unresolved(String, String),
    /// Nothing listens. Holds the server's name and port.
    #[error("nothing listens at {0}: start the server, or check the port")]
    Refused(String),
    /// There is no answer in time.
    #[error("{server} does not respond within {}: check the address, and any firewall in between", format_duration(*.within))]
    Timeout {
        /// The server's name and port.
        server: String,
        /// How long it was waited for.
        within: Duration,
    },
    /// The server's certificate is not accepted. Holds the server's name and port, and the reason.
    #[error(
        "the certificate of {0} is not trusted ({1}): specify a file with --cacert FILE, or skip the verification with --insecure"
    )]
    Untrusted(String, String),
    /// The TLS handshake fails. Holds the server's name and port, and the reason.
    #[error("the TLS handshake with {0} fails ({1}): use http:// or ws:// if the server has no TLS")]
    Handshake(String, String),
    /// The connect fails. Holds the server's name and port, and the reason.
    #[error("{0} cannot be reached ({1}): check the address and the network")]
    Unreachable(String, String),
}
