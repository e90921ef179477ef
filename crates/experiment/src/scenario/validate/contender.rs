//! The contenders: each transport with its own options only, each under a name of its own.

use std::collections::HashSet;
use std::time::Duration;

use feedlab_feed::Transport;

use super::super::error::Refusal;
use super::super::label::{AUTO_CLIMB, AUTO_KEEPALIVE, AUTO_WATCHDOG, DEFAULT_KEEPALIVE, derived};
use super::super::written::{self, At, TransportKind, WrittenDuration};
use super::super::{Contender, Options};
use super::{HOUR, SECOND, bounds, comeback, link, serving};

/// Waiting for less than a timer can tell is a busy loop.
const SHORTEST: Duration = Duration::from_millis(1);
/// No proxy on the way lets a request hang for longer.
const LONGEST_HOLD: Duration = Duration::from_secs(300);

pub(super) fn contenders(written: &[written::Contender]) -> Result<Vec<Contender>, Refusal> {
    if written.is_empty() {
        let problem = "there is nothing to compare; add a [[contender]] with `transport = \"sse\"`, for one";
        return Err(Refusal::new(0..0, problem));
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

fn taken(written: &written::Contender, label: &str) -> Refusal {
    match &written.label {
        Some(at) => Refusal::of(at, format!("the label {label:?} is used twice; give each contender its own")),
        None => {
            let problem = format!("another contender is {label:?} too; tell them apart with a `label`");
            Refusal::of(&written.transport, problem)
        }
    }
}

fn contender(written: &written::Contender) -> Result<Contender, Refusal> {
    let options = options(written)?;
    let mut contender = Contender {
        label: String::new(),
        options,
        age_from: written.age_from,
        link: link::link(written, &options)?,
        comeback: comeback::comeback(written)?,
        serving: serving::serving(written)?,
    };
    contender.label = written.label.as_ref().map_or_else(|| Ok(derived(&contender)), label)?;
    Ok(contender)
}

fn label(written: &At<String>) -> Result<String, Refusal> {
    let good = !written.trim().is_empty() && written.chars().count() <= 60 && !written.chars().any(char::is_control);
    if good {
        Ok(written.trim().to_owned())
    } else {
        Err(Refusal::of(written, "a label is 1 to 60 characters on one line; shorten it"))
    }
}

fn options(written: &written::Contender) -> Result<Options, Refusal> {
    refuse_foreign(written)?;
    let keep_alive = bounds::flag(written.keep_alive.as_ref(), true);
    let conditional = bounds::flag(written.conditional.as_ref(), false);
    let interval = || time("interval", written.interval.as_ref(), HOUR, SECOND);
    let hold = || time("hold", written.hold.as_ref(), LONGEST_HOLD, 25 * SECOND);
    let keepalive = time("keepalive", written.keepalive.as_ref(), HOUR, DEFAULT_KEEPALIVE)?;
    Ok(match *written.transport {
        TransportKind::ShortPolling => Options::ShortPolling { interval: interval()?, keep_alive, conditional },
        TransportKind::LongPolling => Options::LongPolling { hold: hold()?, keep_alive },
        TransportKind::Sse => Options::Sse { keepalive },
        TransportKind::WebSocket => Options::WebSocket { keepalive },
        TransportKind::Auto => auto(written, interval()?, hold()?)?,
    })
}

/// A ladder notices a broken way by the silence, so that keepalives must come more often than its watchdog barks.
fn auto(written: &written::Contender, interval: Duration, hold: Duration) -> Result<Options, Refusal> {
    let first = written.first.as_ref().map_or(Transport::Sse, |first| **first);
    if let Some(given) = written.first.as_ref().filter(|first| !first.is_push()) {
        return Err(Refusal::of(given, format!("a ladder begins with sse or websocket, not with {first}")));
    }
    let keepalive = time("keepalive", written.keepalive.as_ref(), HOUR, AUTO_KEEPALIVE)?;
    let watchdog = time("watchdog", written.watchdog.as_ref(), HOUR, AUTO_WATCHDOG)?;
    if watchdog <= keepalive {
        let at = written.watchdog.as_ref().or(written.keepalive.as_ref()).map_or(written.transport.span(), At::span);
        let [watchdog, keepalive] = [watchdog, keepalive].map(humantime::format_duration);
        let problem = format!(
            "the watchdog of {watchdog} would take a quiet stream with a keepalive each {keepalive} for broken; make \
             `keepalive` shorter or `watchdog` longer"
        );
        return Err(Refusal::new(at, problem));
    }
    let climb = time("climb", written.climb.as_ref(), HOUR, AUTO_CLIMB)?;
    Ok(Options::Auto { first, watchdog, climb, hold, interval, keepalive })
}

pub(super) fn time(
    key: &str,
    written: Option<&At<WrittenDuration>>,
    longest: Duration,
    default: Duration,
) -> Result<Duration, Refusal> {
    bounds::duration(key, written, SHORTEST..=longest, default)
}

fn refuse_foreign(written: &written::Contender) -> Result<(), Refusal> {
    use TransportKind::{Auto, LongPolling, ShortPolling, Sse, WebSocket};
    let of = |owners: &[TransportKind]| owners.iter().map(|owner| owner.id()).collect::<Vec<_>>();
    let chosen = written.transport.id();
    bounds::belongs("interval", written.interval.as_ref(), &of(&[ShortPolling, Auto]), chosen)?;
    bounds::belongs("conditional", written.conditional.as_ref(), &of(&[ShortPolling]), chosen)?;
    bounds::belongs("hold", written.hold.as_ref(), &of(&[LongPolling, Auto]), chosen)?;
    bounds::belongs("keep_alive", written.keep_alive.as_ref(), &of(&[ShortPolling, LongPolling]), chosen)?;
    bounds::belongs("keepalive", written.keepalive.as_ref(), &of(&[Sse, WebSocket, Auto]), chosen)?;
    bounds::belongs("first", written.first.as_ref(), &of(&[Auto]), chosen)?;
    bounds::belongs("watchdog", written.watchdog.as_ref(), &of(&[Auto]), chosen)?;
    bounds::belongs("climb", written.climb.as_ref(), &of(&[Auto]), chosen)?;
    bounds::belongs("cursor", written.cursor.as_ref(), &of(&[LongPolling, Sse, WebSocket]), chosen)?;
    bounds::belongs("slow_policy", written.slow_policy.as_ref(), &of(&[Sse, WebSocket]), chosen)?;
    bounds::belongs("coalesce", written.coalesce.as_ref(), &of(&[LongPolling, Sse, WebSocket, Auto]), chosen)?;
    bounds::belongs("read_buffer_bytes", written.read_buffer_bytes.as_ref(), &of(&[WebSocket]), chosen)
}
