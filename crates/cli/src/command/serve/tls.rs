//! The flags that choose a certificate.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::ValueEnum;
use feedlab_feed::bounded;
use feedlab_server::tls::{self, Identity};

/// The flags.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Safety")]
pub(super) struct TlsArgs {
    /// Serve https:// and wss:// with a certificate generated at startup, for localhost, 127.0.0.1 and ::1
    #[arg(long, value_enum, conflicts_with_all = ["tls_cert", "tls_key"])]
    tls: Option<TlsName>,

    /// Serve https:// and wss:// with the certificate chain in this PEM file
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,

    /// The certificate's private key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TlsName {
    /// No authority signed it: configure clients to trust it
    SelfSigned,
}

/// How a client can verify the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Security {
    /// Plain HTTP.
    Plain,
    /// TLS with a self-signed certificate, which a client must be configured to trust.
    SelfSigned,
    /// TLS with the user's own certificate.
    Certified,
}

impl Security {
    pub(super) const fn is_plain(self) -> bool {
        matches!(self, Self::Plain)
    }
}

impl TlsArgs {
    /// Returns the certificate and its key, if TLS is enabled.
    pub(super) fn identity(&self) -> anyhow::Result<Option<Identity>> {
        let identity = match (self.tls, &self.tls_cert, &self.tls_key) {
            (Some(TlsName::SelfSigned), ..) => tls::self_signed()?,
            (None, Some(certificate), Some(key)) => {
                Identity { certificate: read("--tls-cert", certificate)?, key: read("--tls-key", key)? }
            }
            _ => return Ok(None),
        };
        identity.check()?;
        Ok(Some(identity))
    }

    /// Returns how a client can verify the server.
    pub(super) const fn security(&self) -> Security {
        match (self.tls, &self.tls_cert) {
            (Some(TlsName::SelfSigned), _) => Security::SelfSigned,
            (None, Some(_)) => Security::Certified,
            (None, None) => Security::Plain,
        }
    }
}

fn read(flag: &str, file: &Path) -> anyhow::Result<String> {
    bounded::read_text(file, bounded::TEXT_BYTES)
        .with_context(|| format!("cannot read the file of {flag}, {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct TestArgs {
        #[command(flatten)]
        tls: TlsArgs,
    }

    fn identity(flags: &[&str]) -> Result<Option<Identity>, String> {
        let line = TestArgs::try_parse_from(["test"].iter().chain(flags)).map_err(|error| error.to_string())?;
        line.tls.identity().map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn files_are_read_and_errors_name_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let made = tls::self_signed().unwrap();
        let (cert, key) = (file("cert.pem", &made.certificate), file("key.pem", &made.key));
        let used = identity(&["--tls-cert", &cert, "--tls-key", &key]).unwrap().unwrap();
        assert_eq!(used.certificate, made.certificate);
        let absent = identity(&["--tls-cert", "absent.pem", "--tls-key", &key]).unwrap_err();
        assert!(absent.contains("cannot read the file of --tls-cert, absent.pem"), "{absent}");
        assert!(identity(&["--tls-cert", &cert, "--tls-key", &cert]).unwrap_err().contains("the key is not in PEM"));
        assert!(identity(&["--tls-cert", &cert]).unwrap_err().contains("--tls-key"));
        assert!(identity(&["--tls", "self-signed", "--tls-cert", &cert, "--tls-key", &key]).is_err());
        assert!(identity(&[]).unwrap().is_none());
    }
}
