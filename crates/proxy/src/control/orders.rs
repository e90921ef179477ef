//! Settings and faults as the control API writes them.

use serde_json::{Value, json};

use super::fields::Fields;
use crate::fault::{Fault, FaultKind};
use crate::settings::Settings;

/// The settings with those that are named changed.
pub(super) fn settings(mut fields: Fields, before: Settings) -> Result<Settings, String> {
    let settings = Settings {
        rtt: fields.millis("rtt_ms")?.unwrap_or(before.rtt),
        jitter: fields.millis("jitter_ms")?.unwrap_or(before.jitter),
        bandwidth_bytes_per_s: fields.whole_or_null("bandwidth_bytes_per_s")?.unwrap_or(before.bandwidth_bytes_per_s),
        idle_timeout: fields.millis_or_null("idle_timeout_ms")?.unwrap_or(before.idle_timeout),
        buffer_bytes: fields.whole_or_null("buffer_bytes")?.unwrap_or(before.buffer_bytes),
        reader_bytes_per_s: fields.whole_or_null("reader_bytes_per_s")?.unwrap_or(before.reader_bytes_per_s),
        reader_share: fields.number("reader_share")?.unwrap_or(before.reader_share),
    };
    fields.no_more()?;
    settings.check()?;
    Ok(settings)
}

/// The settings, every field of them.
pub(super) fn show(settings: &Settings) -> Value {
    let millis = |time: std::time::Duration| time.as_secs_f64() * 1000.0;
    json!({
        "rtt_ms": millis(settings.rtt),
        "jitter_ms": millis(settings.jitter),
        "bandwidth_bytes_per_s": settings.bandwidth_bytes_per_s,
        "idle_timeout_ms": settings.idle_timeout.map(millis),
        "buffer_bytes": settings.buffer_bytes,
        "reader_bytes_per_s": settings.reader_bytes_per_s,
        "reader_share": settings.reader_share,
    })
}

/// A fault that is ordered.
pub(super) fn fault(mut fields: Fields) -> Result<Fault, String> {
    let fault = Fault {
        kind: kind(fields.text("kind")?)?,
        length: fields.millis("for_ms")?.unwrap_or_default(),
        share: fields.number("share")?.unwrap_or(1.0),
        every: fields.millis("every_ms")?,
        at_random: fields.flag("at_random")?.unwrap_or(false),
    };
    fields.no_more()?;
    fault.check()?;
    Ok(fault)
}

fn kind(name: Option<String>) -> Result<FaultKind, String> {
    let known = || FaultKind::ALL.map(FaultKind::name).join(", ");
    match name {
        None => Err(format!("`kind` is missing; it is one of {}", known())),
        Some(name) => FaultKind::named(&name).ok_or_else(|| format!("`kind` is one of {}", known())),
    }
}
