//! The feed: each source with only its own options, and a recording that can be played.

use std::path::{Path, PathBuf};
use std::time::Duration;

use feedlab_feed::source::Recording;

use super::super::error::FieldError;
use super::super::written::{self, SourceKind};
use super::super::{Feed, ScheduleKind, Source, Stall};
use super::{HOUR, SECOND, bounds};

/// The largest payload: anything larger is a file, not an update.
const LARGEST_PAYLOAD: i64 = 16 << 20;
/// The largest publication: with its framing it must fit into the 64 KiB that the server accepts at once.
const LARGEST_PUBLICATION: i64 = 60 << 10;
/// The maximum number of server processes on one machine.
const MOST_SERVERS: i64 = 8;
/// The largest history, which a server keeps in memory.
pub(super) const MOST_HISTORY: i64 = 1_000_000;

pub(super) fn feed(written: &written::Feed, folder: &Path) -> Result<Feed, FieldError> {
    reject_foreign_options(written)?;
    let source = match *written.source {
        SourceKind::Synthetic => synthetic(written)?,
        SourceKind::Replay => Source::Replay {
            file: recording(written, folder)?,
            speed: written.speed.as_ref().map_or(Ok(1.0), |speed| bounds::positive("speed", speed))?,
        },
        SourceKind::Host => Source::Host { updates_per_s: rate(written)?.unwrap_or(1.0) },
        SourceKind::Clients => clients(written)?,
    };
    let history = bounds::whole("history", written.history.as_ref(), 0..=MOST_HISTORY, 4096)?;
    let stall = written.stall.as_ref().map(stall).transpose()?;
    let servers = bounds::whole("servers", written.servers.as_ref(), 1..=MOST_SERVERS, 1)?;
    let feed = Feed { source, broker: written.broker.as_ref().map(|broker| **broker), history, servers, stall };
    match &written.servers {
        Some(at) if servers > 1 && !feed.is_reproducible() => Err(FieldError::at(
            at,
            "only a synthetic feed or a replay is the same on every server; use one of those, a `broker`, or a single \
             server",
        )),
        _ => Ok(feed),
    }
}

fn stall(written: &written::WrittenStall) -> Result<Stall, FieldError> {
    Ok(Stall {
        after: bounds::duration("after", Some(&written.after), Duration::ZERO..=HOUR, Duration::ZERO)?,
        length: bounds::duration("for", Some(&written.length), Duration::from_millis(1)..=HOUR, SECOND)?,
    })
}

fn reject_foreign_options(written: &written::Feed) -> Result<(), FieldError> {
    use SourceKind::{Clients, Host, Replay, Synthetic};
    let chosen = written.source.id();
    let rated = [Synthetic.id(), Host.id(), Clients.id()];
    bounds::belongs("updates_per_s", written.updates_per_s.as_ref(), &rated, chosen)?;
    bounds::belongs("schedule", written.schedule.as_ref(), &[Synthetic.id()], chosen)?;
    bounds::belongs("burst_size", written.burst_size.as_ref(), &[Synthetic.id()], chosen)?;
    bounds::belongs("payload_bytes", written.payload_bytes.as_ref(), &[Synthetic.id(), Clients.id()], chosen)?;
    bounds::belongs("binary", written.binary.as_ref(), &[Synthetic.id()], chosen)?;
    if let Some(stall) = written.stall.as_ref().filter(|_| *written.source == Clients) {
        return Err(FieldError::at(&stall.after, "the clients publish, and nothing can stall them; remove `stall`"));
    }
    if let Some((stall, _)) = written.stall.as_ref().zip(written.broker.as_ref()) {
        let problem = "`stall` pauses the server's own publisher, and a feed on a broker has a different one; remove \
                       `stall` or `broker`";
        return Err(FieldError::at(&stall.after, problem));
    }
    bounds::belongs("file", written.file.as_ref(), &[Replay.id()], chosen)?;
    bounds::belongs("speed", written.speed.as_ref(), &[Replay.id()], chosen)
}

fn rate(written: &written::Feed) -> Result<Option<f64>, FieldError> {
    written.updates_per_s.as_ref().map(|rate| bounds::positive("updates_per_s", rate)).transpose()
}

fn synthetic(written: &written::Feed) -> Result<Source, FieldError> {
    let schedule = written.schedule.as_ref().map_or(ScheduleKind::Constant, |schedule| **schedule);
    let is_burst = schedule == ScheduleKind::Burst;
    if let Some(size) = written.burst_size.as_ref().filter(|_| !is_burst) {
        return Err(FieldError::at(size, "`burst_size` requires bursts; add `schedule = \"burst\"`, or remove it"));
    }
    let sizes = payloads(written, LARGEST_PAYLOAD)?;
    Ok(Source::Synthetic {
        updates_per_s: rate(written)?.ok_or_else(|| missing(written, "updates_per_s = 10"))?,
        schedule,
        burst_size: bounds::whole(
            "burst_size",
            written.burst_size.as_ref(),
            1..=100_000,
            if is_burst { 10 } else { 1 },
        )?,
        payload_bytes: sizes.into_iter().map(|size| size as usize).collect(),
        binary: bounds::flag(written.binary.as_ref(), false),
    })
}

fn clients(written: &written::Feed) -> Result<Source, FieldError> {
    let updates_per_s = rate(written)?.ok_or_else(|| missing(written, "updates_per_s = 10"))?;
    match (payloads(written, LARGEST_PUBLICATION)?.as_slice(), &written.payload_bytes) {
        ([_, _, ..], Some(at)) => Err(FieldError::at(
            at,
            "clients publish updates of a single size; write one number, and one scenario for each size",
        )),
        (sizes, _) => {
            Ok(Source::Clients { updates_per_s, payload_bytes: sizes.first().map_or(0, |size| *size as usize) })
        }
    }
}

fn payloads(written: &written::Feed, largest: i64) -> Result<Vec<i64>, FieldError> {
    let sizes = written.payload_bytes.as_ref();
    sizes.map_or(Ok(vec![256]), |sizes| bounds::sweep("payload_bytes", sizes, 0..=largest))
}

/// Returns the recording's path. The recording is read once here, so that a malformed line is reported before a run
/// starts.
fn recording(written: &written::Feed, folder: &Path) -> Result<PathBuf, FieldError> {
    let file = written.file.as_ref().ok_or_else(|| missing(written, "file = \"feeds/earthquakes.ndjson\""))?;
    bounds::shown("file", file)?;
    let path = folder.join(file.as_str());
    Recording::read(&path).map_err(|error| FieldError::at(file, error.to_string()))?;
    Ok(path)
}

fn missing(written: &written::Feed, example: &str) -> FieldError {
    let (source, key) = (written.source.id(), example.split(' ').next().unwrap_or_default());
    FieldError::at(&written.source, format!("source {source} requires `{key}`; add it, as in `{example}`"))
}
