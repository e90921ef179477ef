//! Settings and faults as JSON in the control API. The fields of the object are read one by one, so that an error can
//! name the field.

use std::time::Duration;

use feedlab_feed::link::{LinkFault, Network};
use serde_json::{Map, Value, json};

use crate::fault::Fault;
use crate::settings::LinkSettings;

/// Parses a change of settings: returns the settings, changed by the fields in the body.
pub(crate) fn settings(body: &[u8], before: LinkSettings) -> Result<LinkSettings, String> {
    let mut fields = Fields::read(body)?;
    let link = before.network;
    let network = Network {
        rtt: fields.millis("rtt_ms")?.unwrap_or(link.rtt),
        jitter: fields.millis("jitter_ms")?.unwrap_or(link.jitter),
        bandwidth_bytes_per_s: fields.whole_or_null("bandwidth_bytes_per_s")?.unwrap_or(link.bandwidth_bytes_per_s),
        idle_timeout: fields.millis_or_null("idle_timeout_ms")?.unwrap_or(link.idle_timeout),
        buffer_bytes: fields.whole_or_null("buffer_bytes")?.unwrap_or(link.buffer_bytes),
    };
    let settings = LinkSettings {
        network,
        reader_bytes_per_s: fields.whole_or_null("reader_bytes_per_s")?.unwrap_or(before.reader_bytes_per_s),
        reader_share: fields.number("reader_share")?.unwrap_or(before.reader_share),
    };
    fields.no_more()?;
    settings.check()?;
    Ok(settings)
}

/// Returns all fields of the settings.
pub(crate) fn show(settings: &LinkSettings) -> Value {
    let millis = |time: Duration| time.as_secs_f64() * 1000.0;
    let Network { rtt, jitter, bandwidth_bytes_per_s, idle_timeout, buffer_bytes } = settings.network;
    json!({
        "rtt_ms": millis(rtt),
        "jitter_ms": millis(jitter),
        "bandwidth_bytes_per_s": bandwidth_bytes_per_s,
        "idle_timeout_ms": idle_timeout.map(millis),
        "buffer_bytes": buffer_bytes,
        "reader_bytes_per_s": settings.reader_bytes_per_s,
        "reader_share": settings.reader_share,
    })
}

/// Parses the fault in the body.
pub(crate) fn fault(body: &[u8]) -> Result<Fault, String> {
    let mut fields = Fields::read(body)?;
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

fn kind(name: Option<String>) -> Result<LinkFault, String> {
    let known = || LinkFault::ALL.map(LinkFault::name).join(", ");
    match name {
        None => Err(format!("`kind` is missing; it must be one of {}", known())),
        Some(name) => LinkFault::named(&name).ok_or_else(|| format!("`kind` must be one of {}", known())),
    }
}

/// The fields of a JSON object.
#[derive(Debug)]
struct Fields {
    /// The fields that have not been read yet.
    map: Map<String, Value>,
    /// The names that have been asked for.
    asked: Vec<&'static str>,
}

impl Fields {
    /// Parses the object in a body.
    fn read(body: &[u8]) -> Result<Self, String> {
        let value = serde_json::from_slice(body).map_err(|error| format!("the body is not JSON: {error}"))?;
        match value {
            Value::Object(map) => Ok(Self { map, asked: Vec::new() }),
            _ => Err("the body must be a JSON object, for example {\"rtt_ms\": 100}".to_owned()),
        }
    }

    fn take(&mut self, name: &'static str) -> Option<Value> {
        self.asked.push(name);
        self.map.remove(name)
    }

    /// Reads a field with `of`; `None` if the field is missing.
    fn some<T>(
        &mut self,
        name: &'static str,
        what: &str,
        of: impl Fn(&Value) -> Option<T>,
    ) -> Result<Option<T>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => {
                of(&value).map(Some).ok_or_else(|| format!("`{name}` must be {what}; got {}", short(&value)))
            }
        }
    }

    /// Reads a string.
    fn text(&mut self, name: &'static str) -> Result<Option<String>, String> {
        self.some(name, "a string", |value| value.as_str().map(str::to_owned))
    }

    /// Reads a boolean.
    fn flag(&mut self, name: &'static str) -> Result<Option<bool>, String> {
        self.some(name, "true or false", Value::as_bool)
    }

    /// Reads a number.
    fn number(&mut self, name: &'static str) -> Result<Option<f64>, String> {
        self.some(name, "a number", Value::as_f64)
    }

    /// Reads a duration in milliseconds, which may have a fraction.
    fn millis(&mut self, name: &'static str) -> Result<Option<Duration>, String> {
        self.some(name, "a number of milliseconds, 0 or more", millis)
    }

    /// Reads a duration in milliseconds that may be null, which removes the limit: `Some(None)`.
    fn millis_or_null(&mut self, name: &'static str) -> Result<Option<Option<Duration>>, String> {
        self.some(name, "a number of milliseconds, or null for no limit", |value| or_null(value, millis))
    }

    /// Reads a whole number that may be null, which removes the limit: `Some(None)`.
    fn whole_or_null(&mut self, name: &'static str) -> Result<Option<Option<u64>>, String> {
        self.some(name, "a whole number, or null for no limit", |value| or_null(value, Value::as_u64))
    }

    /// Rejects fields that have not been read.
    fn no_more(self) -> Result<(), String> {
        let Some(name) = self.map.keys().next() else { return Ok(()) };
        let known: Vec<_> = self.asked.iter().map(|name| format!("`{name}`")).collect();
        Err(format!("unknown field `{}`; the fields are {}", clip(name), known.join(", ")))
    }
}

fn or_null<T>(value: &Value, of: impl Fn(&Value) -> Option<T>) -> Option<Option<T>> {
    if value.is_null() { Some(None) } else { of(value).map(Some) }
}

/// Reads milliseconds of up to ten years. Narrower limits are checked elsewhere.
fn millis(value: &Value) -> Option<Duration> {
    let millis = value.as_f64().filter(|millis| (0.0..3.2e11).contains(millis))?;
    Some(Duration::from_secs_f64(millis / 1000.0))
}

fn short(value: &Value) -> String {
    clip(&value.to_string())
}

fn clip(text: &str) -> String {
    text.chars().take(40).collect()
}
