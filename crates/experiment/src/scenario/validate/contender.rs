//! Contenders: each transport with only its own options, and each with a unique label; how connections are made, and
//! which combinations of HTTP/2, TLS and nginx are possible; how clients reconnect; and what the server does
//! differently.

use std::collections::HashSet;
use std::time::Duration;

use feedlab_feed::Transport;
use feedlab_feed::settings::{AgeFrom, KEEPALIVE, SlowPolicy};
use feedlab_feed::text;

use super::super::error::FieldError;
use super::super::label::{AUTO_CLIMB, AUTO_KEEPALIVE, AUTO_WATCHDOG, derived};
use super::super::target::USUAL_HOLD;
use super::super::written::{self, At, TransportKind, WrittenDuration};
use super::super::{Connections, Contender, Feed, Http, Link, Options, ReconnectPolicy, Serving, Via};
use super::feed::MOST_HISTORY;
use super::{HOUR, SECOND, bounds};

/// The shortest time: a wait below the resolution of timers would be a busy loop.
const SHORTEST: Duration = Duration::from_millis(1);
/// The longest hold: no proxy keeps a request open for longer.
const LONGEST_HOLD: Duration = Duration::from_secs(300);
/// The largest read buffer, which is allocated in full for each client.
const LARGEST_READ_BUFFER: i64 = 16 << 20;

pub(super) fn contenders(written: &[written::Contender]) -> Result<Vec<Contender>, FieldError> {
    if written.is_empty() {
        let problem = "there is nothing to compare; add a [[contender]], for example with `transport = \"sse\"`";
        return Err(FieldError::new(0..0, problem));
    }
    let mut labels = HashSet::new();
    let mut contenders = Vec::new();
    for one in written {
        let contender = contender(one)?;
        if !labels.insert(contender.label.clone()) {
            return Err(taken(one, &contender.label));
        }
        contenders.push(contender);
    }
    Ok(contenders)
}

fn taken(written: &written::Contender, label: &str) -> FieldError {
    match &written.label {
        Some(at) => FieldError::at(at, format!("the label {label:?} is used twice; give each contender its own")),
        None => {
            let problem = format!("another contender is also called {label:?}; give one of them a different `label`");
            FieldError::at(&written.transport, problem)
        }
    }
}

fn contender(written: &written::Contender) -> Result<Contender, FieldError> {
    let options = options(written)?;
    let mut contender = Contender {
        label: String::new(),
        options,
        target: written.target.as_ref().map(|target| target.to_string()),
        age_from: written.age_from.as_ref().map_or_else(AgeFrom::default, |from| **from),
        link: link(written, &options)?,
        reconnect: reconnect_policy(written)?,
        serving: serving(written)?,
    };
    contender.label = written.label.as_ref().map_or_else(|| Ok(derived(&contender)), label)?;
    Ok(contender)
}

fn label(written: &At<String>) -> Result<String, FieldError> {
    let good = written.chars().count() <= 60 && text::is_name(written);
    if good {
        Ok(written.trim().to_owned())
    } else {
        Err(FieldError::at(written, "a label is 1 to 60 characters on one line; shorten it"))
    }
}

fn options(written: &written::Contender) -> Result<Options, FieldError> {
    reject_foreign_options(written)?;
    let keep_alive = bounds::flag(written.keep_alive.as_ref(), true);
    let conditional = bounds::flag(written.conditional.as_ref(), false);
    let interval = || time("interval", written.interval.as_ref(), HOUR, SECOND);
    let hold = || time("hold", written.hold.as_ref(), LONGEST_HOLD, USUAL_HOLD);
    let keepalive = time("keepalive", written.keepalive.as_ref(), HOUR, KEEPALIVE)?;
    Ok(match *written.transport {
        TransportKind::One(Transport::ShortPolling) => {
            Options::ShortPolling { interval: interval()?, keep_alive, conditional }
        }
        TransportKind::One(Transport::LongPolling) => Options::LongPolling { hold: hold()?, keep_alive },
        TransportKind::One(Transport::Sse) => Options::Sse { keepalive },
        TransportKind::One(Transport::WebSocket) => Options::WebSocket { keepalive },
        TransportKind::Auto => auto(written, interval()?, hold()?)?,
    })
}

/// A fallback ladder detects a broken stream by its silence, so keepalives must be more frequent than the watchdog's
/// timeout.
fn auto(written: &written::Contender, interval: Duration, hold: Duration) -> Result<Options, FieldError> {
    let first = written.first.as_ref().map_or(Transport::Sse, |first| **first);
    if let Some(given) = written.first.as_ref().filter(|first| !first.is_push()) {
        let pushes = TransportKind::pushes().join(" or ");
        return Err(FieldError::at(given, format!("a fallback ladder starts with {pushes}, not with {first}")));
    }
    let keepalive = time("keepalive", written.keepalive.as_ref(), HOUR, AUTO_KEEPALIVE)?;
    let watchdog = time("watchdog", written.watchdog.as_ref(), HOUR, AUTO_WATCHDOG)?;
    if watchdog <= keepalive {
        let at = written.watchdog.as_ref().or(written.keepalive.as_ref()).map_or(written.transport.span(), At::span);
        let [watchdog, keepalive] = [watchdog, keepalive].map(humantime::format_duration);
        let problem = format!(
            "a watchdog of {watchdog} would treat an idle stream with a keepalive every {keepalive} as broken; make \
             `keepalive` shorter or `watchdog` longer"
        );
        return Err(FieldError::new(at, problem));
    }
    let climb = time("climb", written.climb.as_ref(), HOUR, AUTO_CLIMB)?;
    Ok(Options::Auto { first, watchdog, climb, hold, interval, keepalive })
}

fn time(
    key: &str,
    written: Option<&At<WrittenDuration>>,
    longest: Duration,
    default: Duration,
) -> Result<Duration, FieldError> {
    bounds::duration(key, written, SHORTEST..=longest, default)
}

/// Rejects options of other transports. An option that results from the nature of a transport belongs to every
/// transport of that kind.
fn reject_foreign_options(written: &written::Contender) -> Result<(), FieldError> {
    use Transport::{LongPolling, ShortPolling, WebSocket};
    type Of = fn(Transport) -> bool;
    let of = |of: Of, auto| TransportKind::those(of, auto).map(TransportKind::id).collect::<Vec<_>>();
    let (none, polls): (Of, Of) = (|_| false, |one| !one.is_push());
    let chosen = written.transport.id();
    bounds::belongs("interval", written.interval.as_ref(), &of(|one| one == ShortPolling, true), chosen)?;
    bounds::belongs("conditional", written.conditional.as_ref(), &of(|one| one == ShortPolling, false), chosen)?;
    bounds::belongs("hold", written.hold.as_ref(), &of(|one| one == LongPolling, true), chosen)?;
    bounds::belongs("keep_alive", written.keep_alive.as_ref(), &of(polls, false), chosen)?;
    bounds::belongs("keepalive", written.keepalive.as_ref(), &of(Transport::is_push, true), chosen)?;
    bounds::belongs("first", written.first.as_ref(), &of(none, true), chosen)?;
    bounds::belongs("watchdog", written.watchdog.as_ref(), &of(none, true), chosen)?;
    bounds::belongs("climb", written.climb.as_ref(), &of(none, true), chosen)?;
    bounds::belongs("cursor", written.cursor.as_ref(), &of(Transport::waits, false), chosen)?;
    bounds::belongs("slow_policy", written.slow_policy.as_ref(), &of(Transport::is_push, false), chosen)?;
    bounds::belongs("coalesce", written.coalesce.as_ref(), &of(Transport::waits, true), chosen)?;
    let age = written.max_connection_age.as_ref();
    bounds::belongs("max_connection_age", age, &of(Transport::is_push, true), chosen)?;
    bounds::belongs("read_buffer_bytes", written.read_buffer_bytes.as_ref(), &of(|one| one == WebSocket, false), chosen)
}

fn link(written: &written::Contender, options: &Options) -> Result<Link, FieldError> {
    let link = Link {
        tls: bounds::flag(written.tls.as_ref(), false),
        http: written.http.as_ref().map_or(Http::V1, |http| **http),
        connections: written.connections.as_ref().map_or(Connections::PerClient, |connections| **connections),
        via: written.via.as_ref().map_or(Via::Direct, |via| **via),
    };
    shared(written, &link, options)?;
    second_version(written, &link, options)?;
    Ok(link)
}

/// Only HTTP/2 has streams (RFC 9113, section 5); a ladder, which changes its transport, needs its own connection.
fn shared(written: &written::Contender, link: &Link, options: &Options) -> Result<(), FieldError> {
    let Some(at) = written.connections.as_ref().filter(|_| link.connections == Connections::Shared) else {
        return Ok(());
    };
    if link.http == Http::V1 {
        return Err(FieldError::at(at, "only HTTP/2 lets clients share a connection; add `http = \"2\"`"));
    }
    if matches!(options, Options::Auto { .. }) {
        return Err(FieldError::at(
            at,
            "a fallback ladder changes its transport and cannot share a connection; remove \
                                       `connections`",
        ));
    }
    Ok(())
}

/// HTTP/2 has no `Connection: close` (RFC 9113, section 8.2.2). nginx offers it to clients alongside HTTP/1.1 only if
/// TLS lets them choose, and does not support extended CONNECT (RFC 8441), which a WebSocket over HTTP/2 requires.
fn second_version(written: &written::Contender, link: &Link, options: &Options) -> Result<(), FieldError> {
    let Some(at) = written.http.as_ref().filter(|_| link.http == Http::V2) else { return Ok(()) };
    if let Some(off) = written.keep_alive.as_ref().filter(|keep_alive| !***keep_alive) {
        return Err(FieldError::at(off, "`keep_alive = false` exists only in HTTP/1.1; remove it, or `http = \"2\"`"));
    }
    if !link.via.is_nginx() {
        return Ok(());
    }
    if uses_websocket(options) {
        let problem = "nginx does not support WebSockets over HTTP/2 (RFC 8441); use `http = \"1.1\"` or `via = \
                       \"direct\"`";
        return Err(FieldError::at(at, problem));
    }
    if !link.tls {
        return Err(FieldError::at(at, "nginx offers HTTP/2 to clients only with TLS; add `tls = true`"));
    }
    Ok(())
}

fn uses_websocket(options: &Options) -> bool {
    matches!(options, Options::WebSocket { .. } | Options::Auto { first: Transport::WebSocket, .. })
}

/// The publisher determines from when ages count, and the publisher of a broker serves all contenders.
pub(super) fn stamps(contenders: &[written::Contender], feed: &Feed) -> Result<(), FieldError> {
    let is_publication = |from: &At<AgeFrom>| **from == AgeFrom::Publication;
    let of_publication =
        |one: &&written::Contender| feed.broker.is_some() && one.age_from.as_ref().is_some_and(is_publication);
    let problem = "updates on a broker carry the time at which they are due; remove `age_from`, or the feed's \
                   `broker`";
    contenders.iter().find(of_publication).map_or(Ok(()), |one| Err(FieldError::at(&one.transport, problem)))
}

/// Returns the position of a contender's `via`, if it connects through nginx.
pub(super) fn nginx(written: &written::Contender) -> Option<&At<Via>> {
    written.via.as_ref().filter(|via| via.is_nginx())
}

/// Returns how its clients reconnect.
fn reconnect_policy(written: &written::Contender) -> Result<ReconnectPolicy, FieldError> {
    let given = written.reconnect_after.as_ref();
    let after = given.map(|after| time("reconnect_after", Some(after), HOUR, SECOND)).transpose()?;
    Ok(ReconnectPolicy {
        after,
        jitter: bounds::flag(written.jitter.as_ref(), true),
        with_cursor: bounds::flag(written.cursor.as_ref(), true),
    })
}

/// Returns what its server does differently.
fn serving(written: &written::Contender) -> Result<Serving, FieldError> {
    let history = written.history.as_ref();
    let coalesce = written.coalesce.as_ref();
    let (age, buffer) = (written.max_connection_age.as_ref(), written.read_buffer_bytes.as_ref());
    Ok(Serving {
        history: history.map(|n| bounds::whole("history", Some(n), 0..=MOST_HISTORY, 0)).transpose()?,
        slow_policy: written.slow_policy.as_ref().map_or(SlowPolicy::Block, |policy| **policy),
        coalesce: coalesce.map(|every| time("coalesce", Some(every), 60 * SECOND, SECOND)).transpose()?,
        max_connection_age: age.map(|age| time("max_connection_age", Some(age), 24 * HOUR, SECOND)).transpose()?,
        read_buffer_bytes: buffer
            .map(|bytes| bounds::whole("read_buffer_bytes", Some(bytes), 1024..=LARGEST_READ_BUFFER, 0))
            .transpose()?,
    })
}
