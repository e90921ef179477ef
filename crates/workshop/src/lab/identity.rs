//! The certificate of the process, made when a lab needs it first.

use std::sync::OnceLock;

use feedlab_server::tls::{Identity, self_signed};

use super::refusal::Refusal;

static IDENTITY: OnceLock<Identity> = OnceLock::new();

/// The same for all labs, so that a browser is told once to take it.
pub(super) fn identity() -> Result<Identity, Refusal> {
    if let Some(identity) = IDENTITY.get() {
        return Ok(identity.clone());
    }
    let made = self_signed().map_err(|error| Refusal::unable("the lab has no certificate", error))?;
    Ok(IDENTITY.get_or_init(|| made).clone())
}
