//! What the fuzz targets (`crates/fuzz`) need to see of the control API: the bodies of orders, without a proxy that obeys
//! them.

use serde_json::Value;

use crate::control::json;
use crate::settings::LinkSettings;

/// Returns all settings of a new proxy after a `PUT /settings` with this body.
///
/// # Errors
/// When the body is not a valid change of settings: the problem, in one sentence.
pub fn settings(body: &[u8]) -> Result<Value, String> {
    json::settings(body, LinkSettings::default()).map(|settings| json::show(&settings))
}

/// Checks the body of a `POST /fault`.
///
/// # Errors
/// When it is not a fault that can be injected: the problem, in one sentence.
pub fn fault(body: &[u8]) -> Result<(), String> {
    json::fault(body).map(drop)
}
