//! The settings of a tab: its feed, its server, and the link to it.

use std::time::Duration;

use feedlab_feed::link::{MAX_BUFFER_BYTES, Network};
use feedlab_feed::schedule::ScheduleKind;
use feedlab_feed::settings::{self, KEEPALIVE, SlowPolicy};
use feedlab_feed::wire::sse::RETRY;
use feedlab_server::Rejection;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::limits::MAX_LAB_HISTORY_BYTES;

/// When the `disconnect` policy ends a stream that takes nothing: after this many seconds' worth of updates.
const SLOW_AFTER_S: f64 = 5.0;

/// The kernel's send buffer for slow readers, bytes (the kernel doubles it). A larger one would hold minutes of updates
/// before the slowness showed.
const SLOW_SEND_BUFFER: usize = 4 << 10;

/// The source of a tab's updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum SourceName {
    /// The main feed, which this process also serves outside the labs.
    Own,
    Synthetic,
    Earthquakes,
    Host,
}

/// All settings of a tab; the fields are those of the JSON.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TabSettings {
    pub(super) source: SourceName,
    pub(super) updates_per_s: f64,
    pub(super) schedule: ScheduleKind,
    pub(super) payload_bytes: usize,
    pub(super) history: usize,
    pub(super) slow: SlowPolicy,
    pub(super) coalesce_ms: u64,
    pub(super) keepalive_ms: u64,
    pub(super) retry_ms: u64,
    pub(super) rtt_ms: u64,
    pub(super) jitter_ms: u64,
    pub(super) bandwidth_bytes_per_s: Option<u64>,
    pub(super) idle_timeout_ms: Option<u64>,
    pub(super) buffer_bytes: u64,
    pub(super) reader_bytes_per_s: Option<u64>,
}

/// What a change of the settings requires to be replaced. Each variant includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Change {
    /// Nothing but the link settings.
    Nothing,
    /// The server at its address; its feed continues.
    Address,
    /// The retention of the feed; its updates stay the same.
    Retention,
    /// The feed.
    Feed,
}

impl TabSettings {
    /// Returns the settings of a new tab.
    pub(super) const fn of(has_main_feed: bool) -> Self {
        Self {
            source: if has_main_feed { SourceName::Own } else { SourceName::Synthetic },
            updates_per_s: 10.0,
            schedule: ScheduleKind::Constant,
            payload_bytes: 100,
            history: 1000,
            slow: SlowPolicy::Block,
            coalesce_ms: 0,
            keepalive_ms: KEEPALIVE.as_millis() as u64,
            retry_ms: RETRY.as_millis() as u64,
            rtt_ms: 0,
            jitter_ms: 0,
            bandwidth_bytes_per_s: None,
            idle_timeout_ms: None,
            buffer_bytes: 0,
            reader_bytes_per_s: None,
        }
    }

    /// Returns these settings, changed by a body as in JSON Merge Patch (RFC 7396): null sets a field back to its
    /// default.
    pub(super) fn patched(self, body: &[u8], defaults: Self) -> Result<Self, Rejection> {
        let text = if body.trim_ascii().is_empty() { b"{}" } else { body };
        let patch: Map<String, Value> = serde_json::from_slice(text).map_err(|error| {
            Rejection::bad_request(format!(
                "the body must be an object of settings, for example {{\"rtt_ms\": 100}}: {error}"
            ))
        })?;
        let mut settings = self;
        for (name, value) in patch {
            settings = settings.with(&name, value, defaults)?;
        }
        settings.check()?;
        Ok(settings)
    }

    fn with(self, name: &str, value: Value, defaults: Self) -> Result<Self, Rejection> {
        let object = |settings| serde_json::to_value(settings).unwrap_or_default();
        let value = if value.is_null() { object(defaults)[name].clone() } else { value };
        let mut all = object(self);
        if let Value::Object(all) = &mut all {
            all.insert(name.to_owned(), value);
        }
        serde_json::from_value(all).map(Self::without_zeros).map_err(|error| {
            let name: String = name.chars().take(40).collect();
            Rejection::bad_request(format!("`{name}`: {error}"))
        })
    }

    /// Removes limits of 0, which mean no limit.
    fn without_zeros(self) -> Self {
        let some = |limit: Option<u64>| limit.filter(|limit| *limit > 0);
        Self {
            bandwidth_bytes_per_s: some(self.bandwidth_bytes_per_s),
            idle_timeout_ms: some(self.idle_timeout_ms),
            reader_bytes_per_s: some(self.reader_bytes_per_s),
            ..self
        }
    }

    fn check(&self) -> Result<(), Rejection> {
        if !(0.1..=200.0).contains(&self.updates_per_s) {
            return Err(Rejection::bad_request("`updates_per_s` must be from 0.1 to 200"));
        }
        if self.schedule == ScheduleKind::Burst {
            return Err(Rejection::bad_request("`schedule` must be constant or poisson"));
        }
        let ranges = [
            ("payload_bytes", self.payload_bytes as u64, 0, 65_536),
            ("history", self.history as u64, 0, 10_000),
            ("coalesce_ms", self.coalesce_ms, 0, 10_000),
            ("keepalive_ms", self.keepalive_ms, 100, 600_000),
            ("retry_ms", self.retry_ms, 100, 60_000),
            ("buffer_bytes", self.buffer_bytes, 0, MAX_BUFFER_BYTES),
        ];
        for (name, value, least, most) in ranges {
            if !(least..=most).contains(&value) {
                return Err(Rejection::bad_request(format!("`{name}` must be a whole number from {least} to {most}")));
            }
        }
        self.link().check().map_err(Rejection::bad_request)
    }

    /// Returns what a change from these settings to `to` requires.
    pub(super) fn change(&self, to: &Self) -> Change {
        let feed = |it: &Self| (it.source, it.updates_per_s.to_bits(), it.schedule, it.payload_bytes);
        let retention = |it: &Self| (it.history, it.slow, it.coalesce_ms);
        let address = |it: &Self| (it.keepalive_ms, it.retry_ms, it.reads_slowly());
        if feed(self) != feed(to) {
            Change::Feed
        } else if retention(self) != retention(to) {
            Change::Retention
        } else if address(self) != address(to) {
            Change::Address
        } else {
            Change::Nothing
        }
    }

    /// Whether the clients of this tab read slowly.
    const fn reads_slowly(&self) -> bool {
        self.reader_bytes_per_s.is_some()
    }

    /// Returns the settings of the tab's server.
    pub(super) fn server_settings(&self) -> settings::Settings {
        let history = self.history();
        settings::Settings {
            history,
            queue: history.max(1),
            slow_policy: self.slow,
            slow_limit: Some(self.slow_limit()),
            coalesce: Some(Duration::from_millis(self.coalesce_ms)).filter(|time| !time.is_zero()),
            send_buffer: self.reads_slowly().then_some(SLOW_SEND_BUFFER),
            keepalive: Duration::from_millis(self.keepalive_ms),
            retry: Duration::from_millis(self.retry_ms),
            ..settings::Settings::default()
        }
    }

    /// Returns how many past updates the history holds: the number that is set, or as many as fit into its memory.
    fn history(&self) -> usize {
        self.history.min(MAX_LAB_HISTORY_BYTES / self.payload_bytes.max(1))
    }

    /// Returns after how many updates the `disconnect` policy ends a stream that takes nothing.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate of at most 200 per second")]
    fn slow_limit(&self) -> u64 {
        (self.updates_per_s * SLOW_AFTER_S).ceil() as u64
    }

    /// Returns the link settings for the lab proxy.
    pub(super) fn link(&self) -> feedlab_link::LinkSettings {
        let network = Network {
            rtt: Duration::from_millis(self.rtt_ms),
            jitter: Duration::from_millis(self.jitter_ms),
            bandwidth_bytes_per_s: self.bandwidth_bytes_per_s,
            idle_timeout: self.idle_timeout_ms.map(Duration::from_millis),
            buffer_bytes: Some(self.buffer_bytes).filter(|bytes| *bytes > 0),
        };
        feedlab_link::LinkSettings { reader_bytes_per_s: self.reader_bytes_per_s, ..network.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT: TabSettings = TabSettings::of(false);

    fn patched(body: &str) -> Result<TabSettings, String> {
        DEFAULT.patched(body.as_bytes(), DEFAULT).map_err(|rejection| format!("{rejection:?}"))
    }

    #[test]
    fn a_patch_changes_the_fields_it_names_and_null_resets_them() {
        assert_eq!(patched(""), Ok(DEFAULT));
        assert_eq!(patched("{}"), Ok(DEFAULT));
        let far = patched(r#"{"rtt_ms": 200, "idle_timeout_ms": 5000, "updates_per_s": 2}"#).unwrap();
        assert_eq!((far.rtt_ms, far.idle_timeout_ms, far.updates_per_s), (200, Some(5000), 2.0));
        let back = far.patched(br#"{"rtt_ms": null, "idle_timeout_ms": null, "updates_per_s": null}"#, DEFAULT);
        assert_eq!(back.unwrap(), DEFAULT);
        assert_eq!(patched(r#"{"reader_bytes_per_s": 0}"#), Ok(DEFAULT), "a limit of 0 means no limit");
    }

    #[test]
    fn an_invalid_field_is_named() {
        for (body, needle) in [
            ("[]", "object of settings"),
            ("{", "object of settings"),
            (r#"{"rate": 5}"#, "`rate`: unknown field `rate`, expected one of `source`"),
            (r#"{"rtt_ms": "far"}"#, "`rtt_ms`: invalid type"),
            (r#"{"source": "pigeon"}"#, "`source`: unknown variant `pigeon`, expected one of `own`"),
            (r#"{"schedule": "burst"}"#, "`schedule` must be constant or poisson"),
            (r#"{"updates_per_s": 1000}"#, "`updates_per_s` must be from 0.1 to 200"),
            (r#"{"payload_bytes": 65537}"#, "`payload_bytes` must be a whole number from 0 to 65536"),
            (r#"{"keepalive_ms": 0}"#, "`keepalive_ms`"),
            (r#"{"rtt_ms": 60001}"#, "`rtt_ms` must be at most 60000"),
            (r#"{"buffer_bytes": 99999999}"#, "`buffer_bytes`"),
        ] {
            let why = patched(body).unwrap_err();
            assert!(why.contains(needle), "{body}: {why}");
        }
    }

    #[test]
    fn a_change_replaces_as_little_as_possible() {
        let change = |body| DEFAULT.change(&patched(body).unwrap());
        assert_eq!(change(r#"{"rtt_ms": 50, "buffer_bytes": 4096}"#), Change::Nothing);
        assert_eq!(change(r#"{"retry_ms": 500}"#), Change::Address);
        assert_eq!(change(r#"{"reader_bytes_per_s": 500}"#), Change::Address);
        assert_eq!(change(r#"{"slow": "latest", "retry_ms": 500}"#), Change::Retention);
        assert_eq!(change(r#"{"source": "host", "slow": "latest"}"#), Change::Feed);
    }

    #[test]
    fn large_updates_make_the_history_shorter() {
        assert_eq!(DEFAULT.history(), 1000);
        assert_eq!(TabSettings { payload_bytes: 65_536, ..DEFAULT }.history(), 64);
        assert_eq!(TabSettings { payload_bytes: 0, ..DEFAULT }.history(), 1000);
    }
}
