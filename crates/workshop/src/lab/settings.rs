//! What a tab can set: its feed, its server, and the way to it.

use std::time::Duration;

use feedlab_feed::link::{MAX_BUFFER_BYTES, Network};
use feedlab_feed::schedule::ScheduleKind;
use feedlab_feed::settings::{self, KEEPALIVE, SlowPolicy};
use feedlab_feed::wire::sse::RETRY;
use feedlab_server::Rejection;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::limits::MAX_LAB_HISTORY_BYTES;

/// A stream that has taken nothing for so long is ended, where that is the policy: so many seconds' worth of updates.
const SLOW_AFTER_S: f64 = 5.0;

/// The kernel's send buffer where clients read slowly, bytes (the kernel doubles it): a larger one would take minutes of
/// updates before anybody saw that they are slow.
const SLOW_SEND_BUFFER: usize = 4 << 10;

/// Where a tab's updates come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum SourceName {
    /// The feed that is served beside the labs.
    Own,
    Synthetic,
    Earthquakes,
    Host,
}

/// All settings of a tab, as JSON has them.
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

/// How much must be made again for a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Change {
    /// At most the way.
    Nothing,
    /// The server's address; its feed goes on.
    Address,
    /// The retention on which the feed is handed out; it is the same feed.
    Retention,
    /// The feed.
    Feed,
}

impl TabSettings {
    /// What a tab begins with.
    pub(super) const fn of(has_own_feed: bool) -> Self {
        Self {
            source: if has_own_feed { SourceName::Own } else { SourceName::Synthetic },
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

    /// These settings with those of a body changed, as JSON Merge Patch has it (RFC 7396): null sets one back to its
    /// default.
    pub(super) fn patched(self, body: &[u8], defaults: Self) -> Result<Self, Rejection> {
        let text = if body.trim_ascii().is_empty() { b"{}" } else { body };
        let patch: Map<String, Value> = serde_json::from_slice(text).map_err(|error| {
            Rejection::bad_request(format!("the body is an object of settings, as in {{\"rtt_ms\": 100}}: {error}"))
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

    /// A limit of 0 is none.
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
            return Err(Rejection::bad_request("`updates_per_s` is from 0.1 to 200"));
        }
        if self.schedule == ScheduleKind::Burst {
            return Err(Rejection::bad_request("`schedule` is constant or poisson"));
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
                return Err(Rejection::bad_request(format!("`{name}` is a whole number from {least} to {most}")));
            }
        }
        self.way().check().map_err(Rejection::bad_request)
    }

    /// What a change to these settings takes.
    pub(super) fn change(&self, to: &Self) -> Change {
        let feed = |it: &Self| (it.source, it.updates_per_s.to_bits(), it.schedule, it.payload_bytes);
        let retention = |it: &Self| (it.history, it.slow, it.coalesce_ms);
        let address = |it: &Self| (it.keepalive_ms, it.retry_ms, it.is_slow());
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
    const fn is_slow(&self) -> bool {
        self.reader_bytes_per_s.is_some()
    }

    /// What the server of the tab is told of them: how its feed is handed out.
    pub(super) fn told(&self) -> settings::Settings {
        let history = self.history();
        settings::Settings {
            history,
            queue: history.max(1),
            slow_policy: self.slow,
            slow_limit: Some(self.slow_limit()),
            coalesce: Some(Duration::from_millis(self.coalesce_ms)).filter(|time| !time.is_zero()),
            send_buffer: self.is_slow().then_some(SLOW_SEND_BUFFER),
            keepalive: Duration::from_millis(self.keepalive_ms),
            retry: Duration::from_millis(self.retry_ms),
            ..settings::Settings::default()
        }
    }

    /// Updates back that a client may go: as many as are asked for, and fit.
    fn history(&self) -> usize {
        self.history.min(MAX_LAB_HISTORY_BYTES / self.payload_bytes.max(1))
    }

    /// Updates after which a stream that stands still is ended, where that is the policy.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate of at most 200 a second")]
    fn slow_limit(&self) -> u64 {
        (self.updates_per_s * SLOW_AFTER_S).ceil() as u64
    }

    /// The way, as the lab proxy takes it.
    pub(super) fn way(&self) -> feedlab_proxy::LinkSettings {
        let network = Network {
            rtt: Duration::from_millis(self.rtt_ms),
            jitter: Duration::from_millis(self.jitter_ms),
            bandwidth_bytes_per_s: self.bandwidth_bytes_per_s,
            idle_timeout: self.idle_timeout_ms.map(Duration::from_millis),
            buffer_bytes: Some(self.buffer_bytes).filter(|bytes| *bytes > 0),
        };
        feedlab_proxy::LinkSettings { reader_bytes_per_s: self.reader_bytes_per_s, ..network.into() }
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
    fn a_patch_changes_what_it_names_and_null_sets_back() {
        assert_eq!(patched(""), Ok(DEFAULT));
        assert_eq!(patched("{}"), Ok(DEFAULT));
        let far = patched(r#"{"rtt_ms": 200, "idle_timeout_ms": 5000, "updates_per_s": 2}"#).unwrap();
        assert_eq!((far.rtt_ms, far.idle_timeout_ms, far.updates_per_s), (200, Some(5000), 2.0));
        let back = far.patched(br#"{"rtt_ms": null, "idle_timeout_ms": null, "updates_per_s": null}"#, DEFAULT);
        assert_eq!(back.unwrap(), DEFAULT);
        assert_eq!(patched(r#"{"reader_bytes_per_s": 0}"#), Ok(DEFAULT), "a limit of 0 is none");
    }

    #[test]
    fn what_cannot_be_set_is_named() {
        for (body, needle) in [
            ("[]", "object of settings"),
            ("{", "object of settings"),
            (r#"{"rate": 5}"#, "`rate`: unknown field `rate`, expected one of `source`"),
            (r#"{"rtt_ms": "far"}"#, "`rtt_ms`: invalid type"),
            (r#"{"source": "pigeon"}"#, "`source`: unknown variant `pigeon`, expected one of `own`"),
            (r#"{"schedule": "burst"}"#, "`schedule` is constant or poisson"),
            (r#"{"updates_per_s": 1000}"#, "`updates_per_s` is from 0.1 to 200"),
            (r#"{"payload_bytes": 65537}"#, "`payload_bytes` is a whole number from 0 to 65536"),
            (r#"{"keepalive_ms": 0}"#, "`keepalive_ms`"),
            (r#"{"rtt_ms": 60001}"#, "`rtt_ms` must be at most 60000"),
            (r#"{"buffer_bytes": 99999999}"#, "`buffer_bytes`"),
        ] {
            let why = patched(body).unwrap_err();
            assert!(why.contains(needle), "{body}: {why}");
        }
    }

    #[test]
    fn a_change_takes_as_little_as_it_can() {
        let change = |body| DEFAULT.change(&patched(body).unwrap());
        assert_eq!(change(r#"{"rtt_ms": 50, "buffer_bytes": 4096}"#), Change::Nothing);
        assert_eq!(change(r#"{"retry_ms": 500}"#), Change::Address);
        assert_eq!(change(r#"{"reader_bytes_per_s": 500}"#), Change::Address);
        assert_eq!(change(r#"{"slow": "latest", "retry_ms": 500}"#), Change::Retention);
        assert_eq!(change(r#"{"source": "host", "slow": "latest"}"#), Change::Feed);
    }

    #[test]
    fn large_updates_leave_room_for_fewer() {
        assert_eq!(DEFAULT.history(), 1000);
        assert_eq!(TabSettings { payload_bytes: 65_536, ..DEFAULT }.history(), 64);
        assert_eq!(TabSettings { payload_bytes: 0, ..DEFAULT }.history(), 1000);
    }
}
