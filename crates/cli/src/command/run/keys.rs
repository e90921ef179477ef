//! The certificate of a run: generated for it, trusted only by its clients, and deleted with it.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Context as _;
use feedlab_experiment::Scenario;
use feedlab_server::tls::{self, Identity};
use tempfile::TempDir;

/// A certificate for this machine and its key, in files for the server and nginx.
#[derive(Debug)]
pub(super) struct Keys {
    /// The certificate in PEM form.
    certificate: String,
    folder: TempDir,
}

impl Keys {
    /// Generates a certificate and key if any contender uses TLS.
    pub(super) fn for_scenario(scenario: &Scenario) -> anyhow::Result<Option<Self>> {
        let needed = scenario.contenders.iter().any(|contender| contender.link.tls);
        needed.then(Self::make).transpose()
    }

    fn make() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("feedlab-keys-").tempdir().context("cannot create a folder")?;
        let Identity { certificate, key } = tls::self_signed().context("cannot generate a certificate")?;
        let keys = Self { certificate, folder };
        std::fs::write(keys.chain(), &keys.certificate).context("cannot write the certificate")?;
        std::fs::write(keys.key(), key).context("cannot write the certificate's key")?;
        Ok(keys)
    }

    /// Returns the certificate that clients trust, in PEM form.
    pub(super) fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Returns the flags for `feedlab serve` and `feedlab nginx`.
    pub(super) fn arguments(&self) -> [OsString; 4] {
        ["--tls-cert".into(), self.chain().into(), "--tls-key".into(), self.key().into()]
    }

    fn chain(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }
}
