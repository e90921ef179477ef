//! What only feedlab's own server can do is refused for the contenders of a target, and for the whole scenario if one
//! contender has a target.

use std::ops::Range;

use feedlab_feed::settings::AgeFrom;

use super::super::super::Feed;
use super::super::super::error::FieldError;
use super::super::super::target::Target;
use super::super::super::target::conflict::Conflict;
use super::super::super::written::{self, At, TransportKind, Written};
use super::super::contender::nginx;
use crate::nearest::near;

/// Checks the contenders that name a target, and what the scenario has in common for all.
pub(in super::super) fn measured(written: &Written, targets: &[Target], feed: &Feed) -> Result<(), FieldError> {
    let mut named: Vec<&Target> = Vec::new();
    for (contender, name) in written.contender.iter().filter_map(|one| Some((one, one.target.as_ref()?))) {
        let target = find(name, targets)?;
        endpoint(contender, target)?;
        reject_server_options(contender, &target.name)?;
        named.push(target);
    }
    let is_named = |name: &&At<String>| named.iter().any(|target| target.name == ***name);
    if let Some(name) = written.target.keys().find(|name| !is_named(name)) {
        let problem = format!("no contender measures this target; add `target = \"{0}\"` to one, or remove it", **name);
        return Err(FieldError::at(name, problem));
    }
    if named.is_empty() { Ok(()) } else { reject_conflicts(written, &named, feed) }
}

fn find<'a>(name: &At<String>, targets: &'a [Target]) -> Result<&'a Target, FieldError> {
    let names = || targets.iter().map(|target| target.name.as_str());
    targets.iter().find(|target| target.name == **name).ok_or_else(|| {
        let remedy = match (near(name, names()), targets) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, []) => format!("add [target.{}], or remove `target`", **name),
            (None, _) => format!("the targets are {}", names().collect::<Vec<_>>().join(", ")),
        };
        FieldError::at(name, format!("there is no target {:?} in this file; {remedy}", name.as_str()))
    })
}

fn endpoint(contender: &written::Contender, target: &Target) -> Result<(), FieldError> {
    let at = &contender.transport;
    let name = &target.name;
    match **at {
        TransportKind::One(transport) if target.endpoints.contains_key(&transport) => Ok(()),
        TransportKind::One(transport) => {
            let has: Vec<&str> = target.endpoints.keys().map(|transport| transport.id()).collect();
            let has = has.join(", ");
            let problem = format!(
                "the target {name} has no endpoint for {transport}, only for {has}; add one to [target.{name}], or use \
                 another transport"
            );
            Err(FieldError::at(at, problem))
        }
        TransportKind::Auto => Err(FieldError::at(
            at,
            "a fallback ladder needs feedlab's own server; use one transport, or remove `target`",
        )),
    }
}

/// Rejects options of a contender that configure feedlab's own server.
fn reject_server_options(written: &written::Contender, target: &str) -> Result<(), FieldError> {
    fn given<T>(key: &'static str, written: Option<&At<T>>) -> Option<(&'static str, Range<usize>)> {
        written.map(|at| (key, at.span()))
    }
    let is_set = |flag: &&At<bool>| ***flag;
    if let Some(at) = written.conditional.as_ref().filter(is_set) {
        let problem = format!(
            "the endpoint says what clients send; write `cursor = \"etag\"` in [target.{target}], and remove \
             `conditional`"
        );
        return Err(FieldError::at(at, problem));
    }
    let published = written.age_from.as_ref().filter(|from| ***from == AgeFrom::Publication);
    let options = [
        given("hold", written.hold.as_ref()),
        given("keepalive", written.keepalive.as_ref()),
        given("age_from", published),
        given("tls", written.tls.as_ref().filter(is_set)),
        given("history", written.history.as_ref()),
        given("slow_policy", written.slow_policy.as_ref()),
        given("coalesce", written.coalesce.as_ref()),
        given("max_connection_age", written.max_connection_age.as_ref()),
    ];
    match options.into_iter().flatten().min_by_key(|(_, span)| span.start) {
        Some((key, span)) => {
            let problem =
                format!("`{key}` configures feedlab's own server, and this contender measures {target}; remove it");
            Err(FieldError::new(span, problem))
        }
        None => Ok(()),
    }
}

fn reject_conflicts(written: &Written, named: &[&Target], feed: &Feed) -> Result<(), FieldError> {
    let place = |conflict| match conflict {
        Conflict::Binary => written.feed.binary.as_ref().map(At::span),
        Conflict::Payload => written.feed.payload_bytes.as_ref().map(At::span),
        Conflict::Broker => written.feed.broker.as_ref().map(At::span),
        Conflict::Servers => written.feed.servers.as_ref().map(At::span),
        Conflict::Source | Conflict::Upstreams | Conflict::Fault(_) => None,
    };
    if let Some(conflict) = Conflict::of_feed(feed, named.iter().copied()) {
        let span = place(conflict).unwrap_or_else(|| written.feed.source.span());
        return Err(FieldError::new(span, conflict.to_string()));
    }
    let of_fault = |fault: &written::Fault| Some((Conflict::of_fault(*fault.kind)?, fault.kind.span()));
    if let Some((conflict, span)) = written.fault.iter().find_map(of_fault) {
        return Err(FieldError::new(span, conflict.to_string()));
    }
    let upstreams = written.nginx.as_ref().and_then(|nginx| nginx.upstreams.as_ref()).filter(|number| ***number > 1);
    let is_behind = |one: &written::Contender| one.target.is_some() && nginx(one).is_some();
    match upstreams.filter(|_| written.contender.iter().any(is_behind)) {
        Some(at) => Err(FieldError::at(at, Conflict::Upstreams.to_string())),
        None => Ok(()),
    }
}
