//! A network that is a link: its keys, its profiles, and the keys of the lab proxy that do not fit it.

use std::time::Duration;

use feedlab_feed::link::{Emulation, MTU, Network, Rate};

use super::super::error::FieldError;
use super::super::written::{self, At};
use super::super::{EmulatedLink, NetworkModel};
use super::{bounds, lab};

/// The longest mean burst of lost packets.
const LONGEST_BURST: f64 = 1e6;

/// Returns the network and, if its model is the link, the link.
pub(super) fn network(written: &written::Network) -> Result<(Network, Option<EmulatedLink>), FieldError> {
    let is_link = written.model.as_ref().is_some_and(|model| **model == NetworkModel::Link);
    if !is_link {
        reject_keys_of_link(written)?;
        return Ok((lab::network(written)?, None));
    }
    reject_keys_of_proxy(written)?;
    let emulation = emulation(written)?;
    let network = Network { rtt: emulation.rtt, jitter: emulation.jitter, ..Network::default() };
    let congestion = written.congestion.as_ref().map(|congestion| **congestion);
    Ok((network, Some(EmulatedLink { emulation, congestion })))
}

fn emulation(written: &written::Network) -> Result<Emulation, FieldError> {
    let profile = written.profile.as_ref().map(|profile| profile.emulation()).unwrap_or_default();
    let delay = |key, time, default| bounds::duration(key, time, Duration::ZERO..=lab::LONGEST_RTT, default);
    let rate = |given: Option<&At<written::WrittenRate>>| given.map(|rate| Rate::Constant(rate.0));
    let down = rate(written.rate.as_ref());
    // A rate of one's own replaces both of a profile.
    let up = rate(written.rate_up.as_ref()).or_else(|| profile.rate_up.filter(|_| down.is_none()));
    let link = Emulation {
        rtt: delay("rtt", written.rtt.as_ref(), profile.rtt)?,
        jitter: delay("jitter", written.jitter.as_ref(), profile.jitter)?,
        reorder: bounds::flag(written.reorder.as_ref(), profile.reorder),
        loss: written.loss.as_ref().map_or(profile.loss, |loss| loss.0),
        loss_burst: written.loss_burst.as_ref().map(burst).transpose()?.or(profile.loss_burst),
        rate: down.or(profile.rate),
        rate_up: up,
        queue: written.queue.as_ref().map_or(profile.queue, |queue| queue.0),
        mtu: bounds::whole("mtu", written.mtu.as_ref(), (*MTU.start()).into()..=(*MTU.end()).into(), profile.mtu)?,
    };
    reject_without_effect(written, &link)?;
    Ok(link)
}

fn burst(written: &At<f64>) -> Result<f64, FieldError> {
    if (1.0..=LONGEST_BURST).contains(&**written) {
        return Ok(**written);
    }
    let problem =
        format!("`loss_burst` is {}; it must be a mean number of packets from 1 to {LONGEST_BURST}", **written);
    Err(FieldError::at(written, problem))
}

/// A key that changes nothing is a misunderstanding.
fn reject_without_effect(written: &written::Network, link: &Emulation) -> Result<(), FieldError> {
    let lossless = written.loss_burst.as_ref().filter(|_| link.loss <= 0.0).map(At::span);
    let even = written.reorder.as_ref().filter(|reorder| ***reorder && link.jitter.is_zero()).map(At::span);
    let is_unlimited = link.rate.is_none() && link.rate_up.is_none();
    let empty = written.queue.as_ref().filter(|_| is_unlimited).map(At::span);
    let met = [
        (lossless, "`loss_burst` has no effect without a `loss`; add one, as in `loss = \"1%\"`"),
        (even, "`reorder` has no effect without `jitter`; add one, as in `jitter = \"20ms\"`"),
        (empty, "`queue` has no effect without a `rate`; add one, as in `rate = \"10Mbit\"`"),
    ];
    match met.into_iter().find_map(|(span, problem)| span.map(|span| (span, problem))) {
        Some((span, problem)) => Err(FieldError::new(span, problem)),
        None => Ok(()),
    }
}

fn reject_keys_of_proxy(written: &written::Network) -> Result<(), FieldError> {
    let given = [
        (
            written.bandwidth_bytes_per_s.as_ref().map(At::span),
            "`bandwidth_bytes_per_s` is a key of the lab proxy; a link has a `rate`, as in `rate = \"10Mbit\"`",
        ),
        (
            written.idle_timeout.as_ref().map(At::span),
            "`idle_timeout` is a key of the lab proxy, which can close connections; remove it, or use `model = \"proxy\"`",
        ),
        (
            written.buffer_bytes.as_ref().map(At::span),
            "`buffer_bytes` is a key of the lab proxy, which holds back bytes; remove it, or use `model = \"proxy\"`",
        ),
    ];
    match given.into_iter().find_map(|(span, problem)| span.map(|span| (span, problem))) {
        Some((span, problem)) => Err(FieldError::new(span, problem)),
        None => Ok(()),
    }
}

fn reject_keys_of_link(written: &written::Network) -> Result<(), FieldError> {
    let given = [
        ("profile", written.profile.as_ref().map(At::span)),
        ("reorder", written.reorder.as_ref().map(At::span)),
        ("loss", written.loss.as_ref().map(At::span)),
        ("loss_burst", written.loss_burst.as_ref().map(At::span)),
        ("rate", written.rate.as_ref().map(At::span)),
        ("rate_up", written.rate_up.as_ref().map(At::span)),
        ("queue", written.queue.as_ref().map(At::span)),
        ("mtu", written.mtu.as_ref().map(At::span)),
        ("congestion", written.congestion.as_ref().map(At::span)),
    ];
    match given.into_iter().find_map(|(key, span)| span.map(|span| (key, span))) {
        Some((key, span)) => {
            let problem = format!(
                "the lab proxy does not know packets, so `{key}` needs a link; add `model = \"link\"`, or remove it"
            );
            Err(FieldError::new(span, problem))
        }
        None => Ok(()),
    }
}
