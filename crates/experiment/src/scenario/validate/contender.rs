//! The contenders: each transport with its own options only, each under a name of its own.

use std::collections::HashSet;
use std::time::Duration;

use feedlab_feed::Transport;

use super::super::error::Refusal;
use super::super::label::{DEFAULT_KEEPALIVE, derived};
use super::super::written::{self, At, WrittenDuration};
use super::super::{Contender, Options};
use super::{HOUR, SECOND, bounds};

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
    let age_from = written.age_from;
    let label = written.label.as_ref().map_or_else(|| Ok(derived(&options, age_from)), label)?;
    Ok(Contender { age_from, ..Contender::new(label, options) })
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
    let keep_alive = written.keep_alive.as_ref().is_none_or(|given| **given);
    let conditional = written.conditional.as_ref().is_some_and(|given| **given);
    let keepalive = time("keepalive", written.keepalive.as_ref(), HOUR, DEFAULT_KEEPALIVE)?;
    Ok(match *written.transport {
        Transport::ShortPolling => {
            let interval = time("interval", written.interval.as_ref(), HOUR, SECOND)?;
            Options::ShortPolling { interval, keep_alive, conditional }
        }
        Transport::LongPolling => {
            let hold = time("hold", written.hold.as_ref(), LONGEST_HOLD, 25 * SECOND)?;
            Options::LongPolling { hold, keep_alive }
        }
        Transport::Sse => Options::Sse { keepalive },
        Transport::WebSocket => Options::WebSocket { keepalive },
    })
}

fn time(
    key: &str,
    written: Option<&At<WrittenDuration>>,
    longest: Duration,
    default: Duration,
) -> Result<Duration, Refusal> {
    bounds::duration(key, written, SHORTEST..=longest, default)
}

fn refuse_foreign(written: &written::Contender) -> Result<(), Refusal> {
    use Transport::{LongPolling, ShortPolling, Sse, WebSocket};
    let chosen = written.transport.id();
    bounds::belongs("interval", written.interval.as_ref(), &[ShortPolling.id()], chosen)?;
    bounds::belongs("conditional", written.conditional.as_ref(), &[ShortPolling.id()], chosen)?;
    bounds::belongs("hold", written.hold.as_ref(), &[LongPolling.id()], chosen)?;
    bounds::belongs("keep_alive", written.keep_alive.as_ref(), &[ShortPolling.id(), LongPolling.id()], chosen)?;
    bounds::belongs("keepalive", written.keepalive.as_ref(), &[Sse.id(), WebSocket.id()], chosen)
}
