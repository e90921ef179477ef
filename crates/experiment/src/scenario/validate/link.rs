//! How a contender's connections are made: what HTTP/2, TLS and nginx can and cannot do together.

use feedlab_feed::Transport;

use super::super::error::Refusal;
use super::super::written::{self, At};
use super::super::{Connections, Http, Link, Options, Via};
use super::bounds;

pub(super) fn link(written: &written::Contender, options: &Options) -> Result<Link, Refusal> {
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

/// Only HTTP/2 has streams (RFC 9113, section 5); a ladder that changes its transport needs a connection of its own.
fn shared(written: &written::Contender, link: &Link, options: &Options) -> Result<(), Refusal> {
    let Some(at) = written.connections.as_ref().filter(|_| link.connections == Connections::Shared) else {
        return Ok(());
    };
    if link.http == Http::V1 {
        return Err(Refusal::of(at, "only HTTP/2 lets clients share a connection; add `http = \"2\"`"));
    }
    if matches!(options, Options::Auto { .. }) {
        return Err(Refusal::of(at, "a ladder changes its way, and cannot share one; remove `connections`"));
    }
    Ok(())
}

/// HTTP/2 has no `Connection: close` (RFC 9113, section 8.2.2). nginx speaks it to clients beside HTTP/1.1 only where
/// TLS lets them choose, and knows no extended CONNECT (RFC 8441), which a WebSocket over HTTP/2 needs.
fn second_version(written: &written::Contender, link: &Link, options: &Options) -> Result<(), Refusal> {
    let Some(at) = written.http.as_ref().filter(|_| link.http == Http::V2) else { return Ok(()) };
    if let Some(off) = written.keep_alive.as_ref().filter(|keep_alive| !***keep_alive) {
        return Err(Refusal::of(off, "`keep_alive = false` is HTTP/1.1's; remove it, or `http = \"2\"`"));
    }
    if !link.via.is_nginx() {
        return Ok(());
    }
    if uses_websocket(options) {
        let problem = "nginx knows no WebSockets over HTTP/2 (RFC 8441); use `http = \"1.1\"` or `via = \"direct\"`";
        return Err(Refusal::of(at, problem));
    }
    if !link.tls {
        return Err(Refusal::of(at, "nginx speaks HTTP/2 to clients only with TLS; add `tls = true`"));
    }
    Ok(())
}

fn uses_websocket(options: &Options) -> bool {
    matches!(options, Options::WebSocket { .. } | Options::Auto { first: Transport::WebSocket, .. })
}

/// Where a contender's way through nginx is written.
pub(super) fn nginx(written: &written::Contender) -> Option<&At<Via>> {
    written.via.as_ref().filter(|via| via.is_nginx())
}
