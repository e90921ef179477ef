//! A scenario whose contenders measure a target that was chosen afterwards, on the command line.

use std::collections::HashMap;

use feedlab_feed::settings::{AgeFrom, KEEPALIVE};

use super::super::label::derived;
use super::super::{Contender, Options, Scenario, ScenarioError, Serving, Threshold};
use super::conflict::Conflict;
use super::{Target, USUAL_HOLD};

impl Scenario {
    /// Returns the scenario with contenders that measure the target: those whose transport it has, with their options for
    /// clients and connections. Also returns the labels of contenders that are left out: those whose transport it does not
    /// have, those that need feedlab's own server (TLS, a fallback ladder, options of the server), and those that would
    /// repeat another one, because only the server's options distinguished them.
    ///
    /// Thresholds follow their contenders. Those on a contender that is left out, or on the distance from a prediction, are
    /// left out: nothing is predicted for a target.
    ///
    /// # Errors
    /// If the scenario needs feedlab's own server, or no contender is left.
    pub fn with_target(&self, target: Target) -> Result<(Self, Vec<String>), ScenarioError> {
        let refused =
            |problem| ScenarioError::Target { scenario: self.name.clone(), target: target.name.clone(), problem };
        let (contenders, left_out) = self.contenders_of(&target);
        if contenders.is_empty() {
            return Err(refused(no_contender(&target)));
        }
        if let Some(conflict) = self.conflict(&target, contenders.iter().map(|(_, contender)| contender)) {
            return Err(refused(conflict.to_string()));
        }
        let renamed: HashMap<&str, &str> =
            contenders.iter().map(|(label, contender)| (*label, contender.label.as_str())).collect();
        let thresholds = self.thresholds.iter().filter_map(|threshold| follow(threshold, &renamed));
        let has = |threshold: &Threshold| threshold.transport.is_none_or(|one| target.endpoints.contains_key(&one));
        let thresholds = thresholds.filter(has).collect();
        let contenders = contenders.into_iter().map(|(_, contender)| contender).collect();
        Ok((Self { contenders, thresholds, targets: vec![target], ..self.clone() }, left_out))
    }

    /// Returns the contenders that can measure the target, each with its label in this scenario, and the labels of the
    /// others.
    fn contenders_of(&self, target: &Target) -> (Vec<(&str, Contender)>, Vec<String>) {
        let (mut contenders, mut left_out): (Vec<(&str, Contender)>, Vec<String>) = (Vec::new(), Vec::new());
        for contender in &self.contenders {
            match of_target(contender, target) {
                Some(one) if contenders.iter().all(|(_, other)| other.label != one.label) => {
                    contenders.push((&contender.label, one));
                }
                _ => left_out.push(contender.label.clone()),
            }
        }
        (contenders, left_out)
    }

    fn conflict<'a>(&self, target: &Target, mut of: impl Iterator<Item = &'a Contender>) -> Option<Conflict> {
        let is_behind_nginx = of.any(|contender| contender.link.via.is_nginx());
        let upstreams = (self.nginx.upstreams > 1 && is_behind_nginx).then_some(Conflict::Upstreams);
        Conflict::of_feed(&self.feed, std::iter::once(target))
            .or(upstreams)
            .or_else(|| Conflict::of_faults(&self.faults))
    }
}

/// Returns a contender as one of the target; `None` if it cannot measure the target.
fn of_target(contender: &Contender, target: &Target) -> Option<Contender> {
    let Serving { read_buffer_bytes, .. } = contender.serving;
    let serving = Serving { read_buffer_bytes, ..Serving::default() };
    let is_of_own_server = contender.is_auto()
        || contender.link.tls
        || contender.age_from == AgeFrom::Publication
        || contender.serving != serving;
    if is_of_own_server || !target.endpoints.contains_key(&contender.transport()) {
        return None;
    }
    let options = without_server(contender.options);
    let mut one = Contender { options, target: Some(target.name.clone()), ..contender.clone() };
    one.label = derived(&one);
    Some(one)
}

/// Returns the options of a client alone: a target has its own keepalives and holds, and its endpoint says what clients
/// send.
fn without_server(options: Options) -> Options {
    match options {
        Options::ShortPolling { interval, keep_alive, .. } => {
            Options::ShortPolling { interval, keep_alive, conditional: false }
        }
        Options::LongPolling { keep_alive, .. } => Options::LongPolling { hold: USUAL_HOLD, keep_alive },
        Options::Sse { .. } => Options::Sse { keepalive: KEEPALIVE },
        Options::WebSocket { .. } => Options::WebSocket { keepalive: KEEPALIVE },
        auto @ Options::Auto { .. } => auto,
    }
}

/// Returns a threshold with the new labels; `None` if it is about a contender that is left out, or about a prediction.
fn follow(threshold: &Threshold, renamed: &HashMap<&str, &str>) -> Option<Threshold> {
    let label = |label: &Option<String>| match label {
        Some(label) => renamed.get(label.as_str()).map(|new| Some((*new).to_owned())),
        None => Some(None),
    };
    let is_prediction = threshold.comparison.is_distance() && threshold.than.is_none();
    let (contender, than) = (label(&threshold.contender)?, label(&threshold.than)?);
    (!is_prediction).then(|| Threshold { contender, than, ..threshold.clone() })
}

fn no_contender(target: &Target) -> String {
    let has: Vec<&str> = target.endpoints.keys().map(|transport| transport.id()).collect();
    let has = has.join(", ");
    format!("it has endpoints for {has}, and no contender can use one of them; use a scenario with such a contender")
}

#[cfg(test)]
mod tests;
