//! How a client connects: which certificates it trusts, and which version of HTTP it uses. `watch`, `check` and `inspect`
//! share the flags.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use feedlab_experiment::scenario::Http;
use feedlab_feed::bounded;
use feedlab_loadgen::transport::{Link, Tls, Url, shown};

/// The flags of the connection.
#[derive(Debug, clap::Args)]
pub(crate) struct Flags {
    #[command(flatten)]
    trust: Trust,

    /// Use HTTP/2; without TLS, with prior knowledge
    #[arg(long)]
    http2: bool,
}

/// The flags of encryption.
#[derive(Debug, clap::Args)]
pub(crate) struct Trust {
    /// Trust the certificates in this PEM file, for an https:// or wss:// URL [default: the system's authorities]
    #[arg(long, value_name = "FILE", conflicts_with = "insecure")]
    cacert: Option<PathBuf>,

    /// Skip certificate verification, for an https:// or wss:// URL
    #[arg(long)]
    insecure: bool,
}

/// Returns the link to a URL.
pub(crate) fn of(flags: &Flags, url: &Url) -> anyhow::Result<Link> {
    let http = if flags.http2 { Http::V2 } else { Http::V1 };
    Ok(Link { http, tls: tls(&flags.trust, url)?, ..Link::default() })
}

/// Returns the certificates that are trusted, if the URL is an encrypted one. By default, they are those of the system's
/// authorities.
pub(crate) fn tls(flags: &Trust, url: &Url) -> anyhow::Result<Option<Tls>> {
    let is_encrypted = matches!(url.scheme(), "https" | "wss");
    Ok(match (&flags.cacert, flags.insecure) {
        (None, false) if is_encrypted => Some(Tls::trusting_system()?),
        (None, false) => None,
        _ if !is_encrypted => {
            anyhow::bail!("--cacert and --insecure require an https:// or wss:// URL, not {}", shown(url))
        }
        (Some(file), _) => Some(trusting(file)?),
        (None, true) => Some(Tls::without_verification()?),
    })
}

fn trusting(file: &Path) -> anyhow::Result<Tls> {
    let pem =
        bounded::read_text(file, bounded::TEXT_BYTES).with_context(|| format!("cannot read {}", file.display()))?;
    Tls::trusting(&pem).with_context(|| format!("cannot trust {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, cacert: Option<&str>, insecure: bool) -> Result<Link, String> {
        let trust = Trust { cacert: cacert.map(Into::into), insecure };
        let flags = Flags { trust, http2: true };
        of(&flags, &url.parse().unwrap()).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn the_link_is_that_of_the_flags() {
        let plain = check("http://h/feed/sse", None, false).unwrap();
        assert!(plain.http == Http::V2 && plain.tls.is_none());
        assert!(check("https://h/feed/sse", None, true).unwrap().tls.is_some());
        assert!(check("wss://h/feed/ws", None, true).unwrap().tls.is_some());
    }

    #[test]
    fn trust_flags_are_checked_and_require_tls() {
        for (url, cacert, insecure, needle) in [
            ("http://user:pw@h/", None, true, "not http://h/"),
            ("http://h/", Some("x.pem"), false, "require an https:// or wss:// URL"),
            ("https://h/", Some("no-such.pem"), false, "cannot read no-such.pem"),
            ("https://h/", Some(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")), false, "there is no certificate"),
        ] {
            let error = check(url, cacert, insecure).unwrap_err();
            assert!(error.contains(needle), "{url} {cacert:?}: {error}");
        }
    }
}
